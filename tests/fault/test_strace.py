# SPDX-License-Identifier: Apache-2.0
"""What kill -9 cannot show: that each acknowledgement left the server after the sync that makes it true. strace writes the server's calls in the order in
which they happened; a call that another one interrupts in the log begins with its `unfinished` line and has ended with its `resumed` one.

One request at a time goes over one connection, so the first write to that socket after the request began is its answer. Answers are encrypted: which of
them said 201 or 204, and when they were asked for, the client knows."""
import base64
import collections
import os
import re
import signal
import subprocess
import time

import httpx
import pytest

from baifang import Server, until
from rig import TUS, Phone, Photos, raw

CALLS = "fdatasync,fsync,sync_file_range,write,writev,pwrite64,pwritev,sendto,sendmsg,rename,renameat,renameat2,link,linkat,openat"
LINE = re.compile(r"(\d+) +(\d+\.\d+) (?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
Call = collections.namedtuple("Call", "begun ended at thread name words")  # positions in the log; the first is when it was entered


pytestmark = pytest.mark.usefixtures("strace")


class Trace:
    """strace of the server process and all its threads."""

    def __init__(self, pid, path):
        self.path = os.fspath(path)
        self.process = subprocess.Popen(["strace", "-f", "-ttt", "-yy", "-s", "0", "-e", "trace=" + CALLS, "-e", "signal=none", "-o", self.path, "-p", str(pid)],
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert "attached" in line, line

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return list(read_calls(file))


def read_calls(lines):
    """Finished calls in the order in which they ended."""
    open_calls = {}
    for position, line in enumerate(lines):
        match = LINE.match(line.rstrip("\n"))
        if not match:
            continue
        thread, at, resumed, rest, name, words = match.groups()
        if name and words.endswith("<unfinished ...>"):
            open_calls[thread] = (position, float(at), name, words)
        elif name:
            yield Call(position, position, float(at), thread, name, words)
        elif thread in open_calls:
            begun, at, name, words = open_calls.pop(thread)
            assert name == resumed
            yield Call(begun, position, at, thread, name, words + rest)


def path_of(call):
    match = re.match(r"\d+<([^>]*)>", call.words)
    return match.group(1) if match else ""


def succeeded(call):
    return re.search(r"\) += \d", call.words) is not None


def is_sync(call, suffix):
    return call.name in ("fdatasync", "fsync") and succeeded(call) and suffix(path_of(call))


def is_data(call, suffix):
    return call.name in ("write", "writev", "pwrite64", "pwritev") and succeeded(call) and suffix(path_of(call))


class Client(httpx.Client):
    """HTTP/1.1 over one connection, and when each request began and ended."""

    def __init__(self, phone):
        super().__init__(http1=True, http2=False, verify=False, base_url=phone.company.server.url(), timeout=60, headers=phone.headers(),
                         limits=httpx.Limits(max_connections=1, keepalive_expiry=600))
        self.port = None
        self.asked = []  # (what, begun, ended, answer)

    def ask(self, what, method, path, **options):
        begun = time.time()
        with self.stream(method, path, **options) as answer:
            answer.read()
            socket = answer.extensions["network_stream"].get_extra_info("socket")
            port = socket.getsockname()[1]
        assert self.port in (None, port), "another connection"
        self.port = port
        self.asked.append((what, begun, time.time(), answer))
        return answer


def answers(calls, client):
    """(what, the calls of this request before its answer was begun, answer) for each request."""
    peer = f"->127.0.0.1:{client.port}]"
    sent = [call for call in calls if call.name in ("write", "writev", "sendto", "sendmsg") and peer in call.words.split(",", 1)[0]]
    assert sent, "the trace does not show the client's connection"
    for what, begun, ended, answer in client.asked:
        mine = [call for call in sent if begun <= call.at <= ended]
        assert mine, f"no answer to {what} in the trace"
        first = mine[0]
        yield what, [call for call in calls if call.at >= begun and call.ended < first.begun], answer


def is_log(path):
    return path.endswith("store.db-wal") or path.endswith("store.db")


def is_media(path):
    return "/stages/" in path or "/blobs/" in path


def until_told(before):
    """What came before the committer last woke a loop: behind that it may be writing the next entry already, which is nobody's answer yet."""
    committers = {call.thread for call in before if is_data(call, is_log)}
    woke = [call for call in before if call.name == "write" and call.thread in committers and "<anon_inode:[eventfd]>" in call.words.split(",", 1)[0]]
    return [call for call in before if call.ended < woke[-1].begun] if woke else before


def assert_synced_last(before, where, what):
    """Bytes were written there, and the last of them were synced before the answer."""
    written = [call for call in before if is_data(call, where)]
    synced = [call for call in before if is_sync(call, where)]
    assert written, f"{what}: nothing was written before the answer"
    assert synced and synced[-1].begun > written[-1].ended, f"{what}: the answer went out before fdatasync"


def is_start(call):
    """The first bytes of an upload's data file, before anything is in it: a file without them is an upload at 0."""
    return re.search(r", 32, 0\) +=", call.words) is not None


def assert_all_synced(before, what):
    """Every media file that was written before the answer was synced behind its last write, every name that was given behind the giving."""
    written = {path_of(call): call for call in before if is_data(call, is_media) and not is_start(call)}
    for path, last in written.items():
        assert any(is_sync(call, lambda of, path=path: of == path) and call.begun > last.ended for call in before), f"{what}: {path} was not synced"
    for name in (call for call in before if is_name(call)):
        place = directory_named(name)
        assert any(is_sync(call, lambda of, place=place: of == place) and call.begun > name.ended for call in before), f"{what}: {place} after {name}"
    return sorted(os.path.splitext(path)[1] for path in written)


def upload_headers(length):
    return {**TUS, "upload-length": str(length), "upload-metadata": "type " + base64.b64encode(b"image/jpeg").decode()}


def drive(server, client, phone, upload):
    """A customer, visits, a change, an upload in five requests and one in a single request."""
    client.ask("warm", "GET", "/v1/me")
    body = phone.customer_body()
    etag = client.ask("create", "POST", "/v1/customers", json=body).headers["etag"]
    for _ in range(10):
        client.ask("create", "POST", "/v1/visits", content=raw(phone.visit(body["id"], body["primary_contact"]["id"])),
                   headers={"content-type": "application/json"})
        etag = client.ask("change", "PATCH", "/v1/customers/" + body["id"], json={"remark": phone.words(), "reason": "补充"},
                          headers={"if-match": etag}).headers["etag"]
    made = client.ask("upload", "POST", "/v1/uploads", headers=upload_headers(len(upload)))
    path, step = httpx.URL(made.headers["location"]).path, len(upload) // 4 + 1
    for at in range(0, len(upload), step):
        client.ask("offset", "PATCH", path, content=upload[at:at + step],
                   headers={**TUS, "upload-offset": str(at), "content-type": "application/offset+octet-stream"})
    client.ask("whole", "POST", "/v1/uploads", content=upload[::-1], headers={**upload_headers(len(upload)), "content-type": "application/offset+octet-stream"})


def assert_answered(client):
    wanted = {"warm": 200, "create": 201, "change": 200, "upload": 201, "offset": 204, "whole": 201}
    assert {(what, answer.status_code) for what, _, _, answer in client.asked} == set(wanted.items())


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strace")
    with Server(folder / "s") as server:
        phone = Phone(server.company(), "wang")
        with Client(phone) as client:
            trace = Trace(until(server.server_pid, "the server"), folder / "trace")
            drive(server, client, phone, Photos("strace").make(400_000))
            calls = trace.stop()
    assert_answered(client)
    return client, calls


def test_each_answer_to_a_create_or_change_leaves_after_the_sync_of_the_log(traced):
    client, calls = traced
    checked = 0
    for what, before, _ in answers(calls, client):
        if what in ("create", "change"):
            assert_synced_last(until_told(before), is_log, what)
            checked += 1
    assert checked == 21


def test_each_upload_and_offset_is_told_after_the_sync_of_all_that_was_written(traced):
    client, calls = traced
    found = [(what, assert_all_synced(before, what)) for what, before, _ in answers(calls, client) if what in ("upload", "offset", "whole")]
    made, bytes_only, finished = [".new"], [".data"], [".data", ".info"]
    assert found == [("upload", made)] + [("offset", bytes_only)] * 3 + [("offset", finished), ("whole", sorted(made + finished))]


def is_name(call):
    return call.name in ("rename", "renameat", "renameat2", "link", "linkat") and succeeded(call)


def directory_named(call):
    """The directory in which a rename or link gave a name."""
    places = re.findall(r"(?:\d+|AT_FDCWD)<([^>]*)>", call.words)
    return places[-1] if call.name in ("renameat", "renameat2", "linkat") else os.path.dirname(re.findall(r'"([^"]*)"', call.words)[-1])


def test_each_rename_and_link_is_followed_by_the_sync_of_its_directory(traced):
    client, calls = traced
    named = [call for call in calls if is_name(call)]
    for call in named:
        place = directory_named(call)
        assert any(is_sync(later, lambda path: path == place) and later.begun > call.ended for later in calls), f"{place} was not synced after {call}"
    # An upload's name is given before its 201, a blob's before its last offset: both were synced by then (assert_all_synced).
    asked = [(what, [call for call in before if is_name(call)]) for what, before, _ in answers(calls, client)]
    assert [(what, len(names)) for what, names in asked if names] == [("upload", 1), ("offset", 1), ("whole", 2)]
    assert sum(len(names) for _, names in asked) == len(named)


def test_an_offset_of_a_killed_server_is_synced_before_it_is_told_again(tmp_path):
    upload = Photos("strace").make(400_000)
    with Server(tmp_path / "s") as server:
        phone = Phone(server.company(), "wang")
        with Client(phone) as client:
            path = httpx.URL(client.ask("upload", "POST", "/v1/uploads", headers=upload_headers(len(upload))).headers["location"]).path
            client.ask("offset", "PATCH", path, content=upload[:300_000],
                       headers={**TUS, "upload-offset": "0", "content-type": "application/offset+octet-stream"})
        server.kill()
        with Client(phone) as client:
            trace = Trace(until(server.server_pid, "the server"), tmp_path / "trace")
            client.ask("warm", "GET", "/v1/me")
            client.ask("again", "HEAD", path, headers=TUS)
            calls = trace.stop()
    _, (_, before, answer) = answers(calls, client)
    assert answer.headers["upload-offset"] == "300000"
    assert assert_all_synced(before, "again") == [".data"]
