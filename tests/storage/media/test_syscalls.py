# SPDX-License-Identifier: Apache-2.0
"""What the kernel was asked for, by strace: at each acknowledgement all that was written is synced, an offset by exactly one fdatasync; every new name has
its directory's fsync."""
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


def directories(name, text):
    """Of a call that gives a file a name: where the name is, and where the file was."""
    if name == "rename":
        old, new = re.findall(r'"([^"]*)"', text)
        return os.path.dirname(new), old, new
    (old_dir, old), (new_dir, new) = re.findall(r'\d+<([^>]*)>, "([^"]*)"', text)
    return new_dir, f"{old_dir}/{old}", f"{new_dir}/{new}"


class Disk:
    """What a power cut could take: media files whose last write no sync has covered, directories with a name that was not synced."""

    def __init__(self):
        self.dirty, self.names = set(), set()
        self.syncs = collections.Counter()  # of a file since its last acknowledgement
        self.kinds = collections.Counter()  # written, of which kind

    def take(self, name, text):
        file = re.search(r"^\d+<([^>]*)>", text)
        file = file.group(1) if file else ""
        if re.search(r", 32, 0\) +=", text):
            return  # the start of a data file: without it nothing is lost, recovery writes it anew
        if name in ("write", "pwrite64") and ("/stages/" in file or "/blobs/" in file):
            self.dirty.add(file)
            self.kinds[file.rsplit(".", 1)[-1]] += 1
        elif name in ("fdatasync", "fsync") and text.rstrip().endswith("= 0"):
            self.syncs[file] += 1
            self.dirty.discard(file)
            self.names.discard(file)
        elif name in ("rename", "renameat", "renameat2", "linkat"):
            place, old, new = directories(name, text)
            self.names.add(place)
            if name != "linkat" and old in self.dirty:
                self.dirty.discard(old)
                self.dirty.add(new)


def test_whatever_was_written_is_synced_before_it_is_acknowledged(tmp_path):
    """One writer at a time: at each acknowledgement nothing at all may be open."""
    disk = Disk()
    said = collections.Counter()
    for name, text in trace(tmp_path, 25):
        if name != "write" or not text.startswith("1<"):
            disk.take(name, text)
            continue
        what, *rest = re.search(r'"(.*?)\\n"', text).group(1).split()
        assert not disk.names, f"{what} before its directory was synced: {disk.names}"
        assert not disk.dirty, f"{what} before it was synced: {disk.dirty}"
        if what == "A" and rest[1] != "0":
            data = next(f for f in disk.syncs if f.endswith(rest[0] + ".data"))
            assert disk.syncs[data] == 1, f"{disk.syncs[data]} fdatasyncs for one offset of {data}"
            disk.syncs[data] = 0
        said[what] += 1
    assert said["A"] >= 50 and said["F"] == said["P"] == 25
    assert set(disk.kinds) == {"new", "data", "info", "put"}, disk.kinds
