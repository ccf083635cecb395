# SPDX-License-Identifier: Apache-2.0
"""Runs a command as a systemd unit would: its user, its directories, and no more of the file system and of rights than it leaves.

  unshare -m python3 confine.py UNIT COMMAND ...

Takes from the unit what a container lets it take: User, StateDirectory, ProtectSystem=strict, ProtectHome, PrivateTmp, ProtectProc, ProcSubset, UMask,
CapabilityBoundingSet and NoNewPrivileges. Its system calls are judged elsewhere."""
import os
import pwd
import subprocess
import sys


def read(unit):
    """{key: last value}."""
    with open(unit, encoding="utf-8") as file:
        lines = [line.strip() for line in file if "=" in line and not line.startswith("#")]
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def mount(*words, check=True):
    return subprocess.run(["mount", *words], check=check, capture_output=True).returncode == 0


def make_places(said, user):
    places = ["/var/lib/" + name for name in said["StateDirectory"].split()]
    for place in places:
        os.makedirs(place, exist_ok=True)
        os.chmod(place, int(said["StateDirectoryMode"], 8))
        os.chown(place, user.pw_uid, user.pw_gid)
        mount("--bind", place, place)
    return places


def hide(said):
    hidden = [place for place in ("/home", "/root", "/run/user") if said["ProtectHome"] == "yes" and os.path.isdir(place)]
    private = ["/tmp", "/var/tmp"] if said["PrivateTmp"] == "yes" else []
    for place in hidden:
        mount("-t", "tmpfs", "-o", "mode=0000", "tmpfs", place)
    for place in private:
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", place)
    mount("-t", "proc", "-o", f"hidepid={said['ProtectProc']},subset={said['ProcSubset']}", "proc", "/proc", check=False)
    return private


def make_read_only(but):
    """Every mount that is not below `but`. One that another covers cannot be changed, and need not."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        points = [line.split()[4] for line in file]
    for point in points:
        if not any(point == place or point.startswith(place + "/") for place in but):
            mount("-o", "remount,bind,ro", point, check=False)
    for place in ("/", "/etc", "/usr/local", "/var/lib"):
        assert os.statvfs(place).f_flag & os.ST_RDONLY, f"{place} can still be written"


def main(unit, *command):
    said = read(unit)
    user = pwd.getpwnam(said["User"])
    assert said["ProtectSystem"] == "strict" and said["CapabilityBoundingSet"] == "" and said["NoNewPrivileges"] == "yes"
    writable = make_places(said, user) + hide(said)
    make_read_only([*writable, "/dev", "/proc", "/sys"])
    os.umask(int(said["UMask"], 8))
    os.chdir("/")
    os.execvp("setpriv", ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                          "--no-new-privs", "--", *command])


if __name__ == "__main__":
    main(*sys.argv[1:])
