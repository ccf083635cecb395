# SPDX-License-Identifier: Apache-2.0
"""What the kernel was asked for, by strace: every acknowledged offset has its fdatasync, exactly one; every new name has its directory's fsync."""
import collections
import os
import re
import subprocess

PROGRAM = os.path.join(os.environ["BF_BUILD_DIR"], "tests/storage/media/test_storage_media_crash")
CALL = re.compile(r"^(\d+) +(?:(\w+)\((.*)|<\.\.\. (\w+) resumed>(.*))$")


def completed_calls(path):
    """(name, text) of each call in the order of their returns."""
    pending = {}
    for line in open(path, encoding="utf-8", errors="replace"):
        found = CALL.match(line.rstrip("\n"))
        if not found:
            continue
        thread, name, text, resumed, rest = found.groups()
        if resumed:
            yield resumed, pending.pop(thread, "") + rest
        elif text.endswith("<unfinished ...>"):
            pending[thread] = text
        else:
            yield name, text


def trace(tmp_path, count):
    log = tmp_path / "strace.log"
    os.mkdir(tmp_path / "store")
    subprocess.run(["strace", "-f", "-y", "-s", "100", "-o", log, "-e", "trace=write,pwrite64,fdatasync,fsync,rename,renameat,renameat2,linkat", PROGRAM,
                    "write", tmp_path / "store", "1", "1", str(count)], check=True, stdout=subprocess.PIPE)
    return list(completed_calls(log))


def test_each_acknowledged_offset_has_one_fdatasync_and_each_name_its_directory(tmp_path):
    syncs = collections.Counter()  # of a data file since its last acknowledgement
    dirty, names = set(), set()    # data files written since their sync; directories with a new name
    acknowledged = finished = 0
    for name, text in trace(tmp_path, 25):
        file = re.search(r"^\d+<([^>]*)>", text)
        file = file.group(1) if file else ""
        if name == "pwrite64" and file.endswith(".data"):
            dirty.add(file)
        elif name == "fdatasync" and text.rstrip().endswith("= 0"):
            syncs[file] += 1
            dirty.discard(file)
        elif name == "fsync" and text.rstrip().endswith("= 0"):
            names.discard(file)
        elif name in ("renameat", "renameat2", "linkat"):
            directory = re.findall(r"\d+<([^>]*)>", text)[-1] if name != "linkat" else re.findall(r"\d+<([^>]*)>", text)[1]
            names.add(directory)
        elif name == "rename":
            names.add(os.path.dirname(re.findall(r'"([^"]*)"', text)[-1]))
        elif name == "write" and text.startswith("1<"):
            what, *rest = re.search(r'"(.*?)\\n"', text).group(1).split()
            assert not names, f"acknowledged before the directory was synced: {names}"
            if what == "A" and rest[1] != "0":
                data = next(f for f in syncs if f.endswith(rest[0] + ".data"))
                assert syncs[data] == 1, f"{syncs[data]} fdatasyncs for one offset of {data}"
                assert data not in dirty
                syncs[data] = 0
                acknowledged += 1
            elif what == "F":
                finished += 1
    assert acknowledged >= 25 and finished == 25
