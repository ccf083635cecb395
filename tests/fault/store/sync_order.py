# SPDX-License-Identifier: Apache-2.0
"""Reads strace's record of a writer with one create in flight: between two acknowledgements in the ledger there is a write to the write-ahead log and,
behind the last of these writes, an fdatasync of it that succeeded. Also: whoever makes a file or a directory that must survive syncs what it is in.

usage: sync_order.py CRASH_WRITER DIR
"""
import os
import re
import shutil
import subprocess
import sys

CREATES = 25


def run(writer, directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    record = os.path.join(directory, "strace")
    calls = "trace=write,pwrite64,fdatasync,fsync,openat,renameat,rename,mkdir,mkdirat"
    subprocess.run(["strace", "-f", "-y", "-o", record, "-e", calls, writer, directory, "1", "1", str(CREATES)], check=True, timeout=300)
    with open(record, encoding="utf-8", errors="replace") as lines:
        return lines.read().splitlines()


def events(lines):
    """(name, path, succeeded) in the order the calls ended; -y shows descriptors as 3</path>."""
    begun = {}
    for line in lines:
        thread, rest = line.split(None, 1)
        if rest.endswith("<unfinished ...>"):
            begun[thread] = rest[: -len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
        if resumed:
            rest = begun.pop(thread, "") + resumed.group(1)
        call = re.match(r"(\w+)\((?:AT_FDCWD<[^>]*>, )?(?:\d+<([^>]*)>|\"([^\"]*)\")", rest)
        if call:
            yield call.group(1), call.group(2) or call.group(3), re.search(r"= -1 ", rest) is None


def main():
    writer, directory = sys.argv[1:3]
    acked, unsynced, synced, directory_synced, made = 0, False, False, False, False
    for name, path, succeeded in events(run(writer, directory)):
        if name in ("write", "pwrite64") and path.endswith("store.db-wal"):
            unsynced, synced = True, False
        elif name == "fdatasync" and path.endswith("store.db-wal") and succeeded:
            unsynced, synced = False, True
        elif name.startswith("mkdir") and succeeded and path.endswith("/data"):
            made = True
        elif name == "fsync" and succeeded and os.path.realpath(path) == os.path.realpath(directory):
            made = False
        elif name == "openat" and succeeded and path.endswith("/store.db") and made:
            sys.exit("the database was made in a directory whose own name was not synced")
        elif name == "fsync" and succeeded and os.path.basename(path) == "data":
            directory_synced = True
        elif name == "write" and path.endswith("/ledger"):
            acked += 1
            if unsynced or not synced:
                sys.exit(f"acknowledgement {acked} was given before the log was synced")
            if not directory_synced:
                sys.exit("the directory of the new database was not synced before the first acknowledgement")
            synced = False
    if acked != CREATES:
        sys.exit(f"{acked} of {CREATES} creates were acknowledged")
    print(f"{acked} acknowledgements, each behind its own fdatasync")


main()
