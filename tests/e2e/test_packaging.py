# SPDX-License-Identifier: Apache-2.0
"""An installation as docs/OPERATIONS.md describes it: the commands are taken from there and run as they stand, on the files that `make install` puts in
place, the server as the user and within the limits that its unit states, everything else as root."""
import os
import pathlib
import re
import shutil
import subprocess
import threading

import pytest

import tus
from baifang import GUARD_S, BAIFANG, Server, reports, until, uuid7
from needs import demand_strace

SOURCE, BUILD = pathlib.Path(os.environ["BF_SOURCE_DIR"]), os.environ["BF_BUILD_DIR"]
CONFINE = pathlib.Path(__file__).parent / "confine.py"
UNIT = "/usr/local/lib/systemd/system/baifang.service"


def may_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


def lines_of(section):
    """The commands that OPERATIONS.md gives in a section, in order, without their comments."""
    text = (SOURCE / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")
    part = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)[1]
    lines = [re.sub(r"\s+#.*", "", line) for block in re.findall(r"```sh\n(.*?)```", part, re.S) for line in block.splitlines()]
    assert lines, section
    return lines


class Box(Server):
    """A machine of its own as far as /etc, /root, /usr/local and /var/lib go."""

    def __init__(self, folder):
        super().__init__(folder)
        self.root = pathlib.Path(folder) / "box"
        self.trace = None
        # What tests need otherwise than people do.
        self.environment.update(BAIFANG_HTTP_LISTEN="127.0.0.1:0", BAIFANG_ACCESS_ARGON2_OPS="1", BAIFANG_ACCESS_ARGON2_MEMORY="8192",
                                PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", DESTDIR=os.fspath(self.root))
        for place in ("root", "var/lib"):
            (self.root / place).mkdir(parents=True)
        shutil.copytree("/etc", self.root / "etc", symlinks=True)
        self.holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sleep", "infinity"])
        until(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/mnt") != os.readlink("/proc/self/ns/mnt"), "a mount namespace")
        subprocess.run(["cmake", "--install", BUILD, "--component", "programs"], check=True, capture_output=True, env=self.environment)
        for place in ("etc", "root", "usr/local", "var/lib"):
            self.sh(f"mount --bind '{self.root / place}' /{place}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.holder.kill()
        self.holder.wait()

    def inside(self, *words):
        return ["nsenter", "-m", "-t", str(self.holder.pid), "--", *words]

    def sh(self, line, check=True):
        done = subprocess.run(self.inside("sh", "-c", line), capture_output=True, text=True, check=False, env=self.environment, timeout=10 * GUARD_S)
        if check and done.returncode != 0:
            raise AssertionError(f"{line}: {done.returncode}\n{done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def run(self, *words, input="", check=True):
        done = subprocess.run(self.inside("baifang", *words), input=input, capture_output=True, text=True, check=False, env=self.environment,
                              timeout=10 * GUARD_S)
        assert not reports(done.stderr.splitlines()), done.stderr
        if check and done.returncode != 0:
            raise AssertionError(f"baifang {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def start(self):
        before = self.count("ready")
        # The pinned Python of the tests may lie where the unit does not let the server look.
        serve = ["/usr/bin/python3", "-B", os.fspath(CONFINE), UNIT, "baifang", "serve", "--config", "/etc/baifang/baifang.conf"]
        passed = ()
        if self.trace:
            passed = (os.open(self.trace, os.O_WRONLY | os.O_CREAT, 0o600),)
            os.fchmod(passed[0], 0o666)  # strace runs as the user of the unit
            at = serve.index("baifang")
            serve[at:at] = ["strace", "-D", "-f", "-qq", "-s", "0", "-o", f"/proc/self/fd/{passed[0]}"]
        self.process = subprocess.Popen(self.inside("unshare", "-m", *serve), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                        env=self.environment, pass_fds=passed)
        for fd in passed:
            os.close(fd)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        self.wait_event("ready", before + 1)
        return self

    def do(self, line):
        """One line of OPERATIONS.md."""
        if line.startswith("make install"):
            return ""
        if line.startswith("systemctl"):
            if line.split()[-2] == "stop":
                assert self.stop() == 0
            else:
                self.start()
            return ""
        if line == "systemd-sysusers" and shutil.which(line) is None:
            line = "useradd --system --no-create-home baifang"
        return self.sh(line)[1]

    def owner(self, path):
        passwd = dict(line.split(":")[2::-2] for line in (self.root / "etc/passwd").read_text(encoding="utf-8").splitlines())
        return passwd[str((self.root / path).stat().st_uid)]


@pytest.fixture
def box(tmp_path):
    if not may_mount():
        pytest.skip("a view of the file system of its own needs root and mount namespaces")
    with Box(tmp_path) as made:
        for line in lines_of("Install"):
            made.do(line)
        yield made


def test_key_export_backup_and_restore_work_as_OPERATIONS_tells(box):
    company = box.company()
    made = box.wait_event("master_key.made")
    assert made["path"] == "/var/lib/baifang-key/master.key" and not (box.root / "var/lib/baifang/master.key").exists()
    said = {}
    for line in lines_of("Backup, restore, check"):
        said[line] = box.do(line)
    backups = list((box.root / "var/lib/baifang-backup").iterdir())
    exported = box.root / "root/baifang-master.key"
    assert len(backups) == 1 and box.owner(backups[0].relative_to(box.root)) == "baifang"
    assert exported.read_bytes() == (box.root / "var/lib/baifang-key/master.key").read_bytes()
    assert box.owner("root/baifang-master.key") == "root" and exported.stat().st_mode & 0o777 == 0o600
    assert " 0 faults" in said["baifang check"]
    assert "王伟" in box.admin("user", "list", company.code), "what was restored"
    assert box.count("master_key.made") == 1


def test_what_the_server_may_not_write_is_refused_with_a_reason_and_leaves_nothing(box):
    box.admin("key", "export", "/root/first.key")
    status, _, error = box.run("admin", "key", "export", "/root/first.key", check=False)
    assert status == 1 and "/root/first.key" in error
    status, _, error = box.run("backup", "/srv/backup", check=False)
    assert status == 1 and "/srv/backup" in error and "its unit must let it write there" in error
    assert os.listdir(box.root / "root") == ["first.key"] and not os.path.exists("/srv/backup")


# ---- what systemd says ----


UNITS = {"baifang": "serve", "baifang-gateway": "gateway", "baifang-ingest": "ingest", "baifang-push": "push"}


def installed(name, folder):
    """The unit and its socket as they are installed, but for the program's place."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    for kind in ("service", "socket"):
        text = (pathlib.Path(BUILD) / f"main/{name}.{kind}").read_text(encoding="utf-8")
        (folder / f"{name}.{kind}").write_text(re.sub(r"^ExecStart=\S+", "ExecStart=" + BAIFANG, text, flags=re.M), encoding="utf-8")
    return folder / f"{name}.service"


@pytest.fixture
def unit(tmp_path):
    return installed("baifang", tmp_path)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_units(name, tmp_path):
    unit = installed(name, tmp_path)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit, unit.with_suffix(".socket")], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "baifang" not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name, verb", UNITS.items())
def test_a_unit_starts_what_its_name_says_and_its_socket_listens_where_the_program_would(name, verb, tmp_path):
    text = installed(name, tmp_path).read_text(encoding="utf-8")
    said = dict(re.findall(r"^(\w+)=(.*)", text, re.M))
    assert said["ExecStart"].split()[1:] == [verb, "--config", "/etc/baifang/baifang.conf"]
    assert said["Type"] == "notify" and int(said["WatchdogSec"]) > 0
    assert said["OOMPolicy"] == "continue", "a decoder that the kernel ends does not stop the service"
    sample = subprocess.run([BAIFANG, "--print-config"], capture_output=True, text=True, check=True).stdout
    section = "http" if verb in ("serve", "gateway") else verb
    listens = re.search(rf"^\[{section}\]$.*?^#listen = \S+:(\d+)$", sample, re.M | re.S)[1]
    assert re.findall(r"^ListenStream=(.*)", (tmp_path / f"{name}.socket").read_text(encoding="utf-8"), re.M) == [listens]


def allowed(unit):
    """The names of system calls that the unit's filter lets pass."""
    def names(word):
        if not word.startswith("@"):
            return {word}
        done = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", word], capture_output=True, text=True, check=True)
        listed = [line.strip() for line in done.stdout.splitlines()[1:]]
        return set().union(*(names(word) for word in listed if word and not word.startswith("#")))
    passes = names("@default")
    for value in re.findall(r"^SystemCallFilter=(.*)", unit.read_text(encoding="utf-8"), re.M):
        listed = set().union(*(names(word) for word in value.lstrip("~").split()))
        passes = passes - listed if value.startswith("~") else passes | listed
    return passes


def called(trace):
    """{system call: what came of it}, of the program and its children; what came before it is not its own."""
    calls, ours = {}, False
    with open(trace, encoding="utf-8", errors="replace") as file:
        for line in file:
            ours = ours or "/baifang\"" in line and "execve(" in line and line.rstrip().endswith("= 0")
            found = re.match(r"\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed>)", line)
            if ours and found:
                calls.setdefault(found[1], line.strip())
    return calls


def test_a_visit_with_a_photo_and_a_voice_note_needs_no_call_that_the_unit_forbids(box, unit, tmp_path):
    demand_strace()
    photo, voice = tmp_path / "photo.jpg", tmp_path / "voice.wav"
    subprocess.run(["convert", "-size", "640x480", "plasma:red-blue", photo], check=True, capture_output=True)
    subprocess.run(["flite", "-voice", "rms", "-t", "order two machines", "-o", voice], check=True, capture_output=True)
    box.stop()
    box.trace = tmp_path / "trace"
    box.start()
    rep = box.company().sign_in("wang")
    media = []
    for kind, type, path, more in (("photo", "image/jpeg", photo, {}), ("voice", "audio/wav", voice, {"consent_at": "2026-01-01T00:00:00.000Z"})):
        data = path.read_bytes()
        tus.upload(rep, data, type)
        media.append({"id": uuid7(), "kind": kind, "sha256": tus.sha256(data), "type": type, **more})
    receipt = rep.post("/v1/visits", json=rep.visit_body(rep.customer()["id"], media=media)).json()
    def read():
        return rep.get("/v1/visits/" + receipt["visit"]["id"]).json()
    until(lambda: all(medium["state"] == "ready" for medium in read()["media_states"]), "the media", 10 * GUARD_S)
    until(lambda: read()["transcripts"][0]["state"] == "ready", "the transcript", 10 * GUARD_S)
    box.admin("key", "export", "/root/baifang.key")
    box.run("backup", "/var/lib/baifang-backup/one")
    assert box.stop() == 0
    calls = called(box.trace)
    assert {"fdatasync", "landlock_restrict_self", "execve", "recvmsg"} <= set(calls), sorted(calls)
    forbidden = {name: line for name, line in calls.items() if name not in allowed(unit)}
    assert not forbidden, forbidden
