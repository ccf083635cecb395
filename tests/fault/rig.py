# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: clients that do not give up, the ledger of what was acknowledged to them, files worth uploading, and a look into the store.

A client repeats a request, the same bytes under the same id, until it is answered: that is what a phone does, and what makes "exactly once" a claim that
can be tested. What was answered goes into a ledger, synced to disk before the client goes on."""
import base64
import hashlib
import json
import os
import random
import signal
import sqlite3
import struct
import subprocess
import tempfile
import threading
import time

import httpx

import bson
from baifang import GUARD_S, Person, until, uuid7

SOAK = os.environ.get("BF_SOAK") == "1"
SEED = int(os.environ.get("BF_SEED") or random.SystemRandom().randrange(1 << 32))
WORDS = "客户确认下季度采购两台设备预算已批合同草案周五前发出对接人换成陈经理竞品报价偏高交付周期需要再谈付款方式改为分期样机下周送到现场测试"


def pause(seconds):
    """A moment of no meaning: the tests want their faults at times that nobody chose."""
    threading.Event().wait(seconds)


def digest(raw):
    return hashlib.sha256(raw).hexdigest()


def raw(body):
    return json.dumps(body, ensure_ascii=False).encode()


class Ledger:
    """One JSON line for each thing that was acknowledged, on disk before `note` returns."""

    def __init__(self, path):
        self.items = []
        self._file = open(path, "ab", buffering=0)
        self._lock = threading.Lock()

    def note(self, **item):
        with self._lock:
            self._file.write(raw(item) + b"\n")
            os.fdatasync(self._file.fileno())
            self.items.append(item)

    def of(self, kind, start=0):
        return [item for item in self.items[start:] if item["kind"] == kind]


class Phone(Person):
    """A person whose requests are repeated until they are answered, whatever becomes of the server meanwhile."""

    def __init__(self, company, login, seed=0, device=None):
        self.random = random.Random(f"{SEED} {login} {seed}")
        self.faults = 0  # answers lost
        self.hung = 0    # of these, for which GUARD_S was waited in vain
        self.busy = {}   # answers that said "later", by code
        super().__init__(company, login, device)
        answer = self.sure("POST", "/v1/devices", {"id": self.device, "name": "测试手机", "platform": "android"})
        assert answer.status_code in (200, 201), answer.text

    def try_once(self, method, path, headers=None, content=None):
        """None: no answer, and nobody knows what became of it."""
        try:
            return self.http.request(method, path, headers=self.headers(headers), content=content)
        except httpx.TransportError as error:
            self.faults += 1
            self.hung += isinstance(error, httpx.TimeoutException)
            self.find()
            return None

    def find(self):
        """Connects to the server where it is now."""
        def reach():
            try:
                self.reconnect()
                return self.http.get("/healthz").status_code == 200
            except httpx.TransportError:
                pause(0.01)
                return False
        until(reach, "the server to come back")

    def renew(self):
        """After the access token expired. An answer that is lost costs nothing: the old refresh token stays good until its successor is used."""
        try:
            self.refresh()
        except httpx.TransportError:
            self.find()

    def sure(self, method, path, body=None, headers=None):
        """The answer, at last."""
        content = None if body is None else body if isinstance(body, bytes) else raw(body)
        headers = {**({"content-type": "application/json"} if content else {}), **(headers or {})}
        end = time.monotonic() + 4 * GUARD_S
        while time.monotonic() < end:
            answer = self.try_once(method, path, headers, content)
            if answer is not None and answer.status_code == 401:
                self.renew()
            elif answer is not None and answer.status_code in (429, 503, 507):
                code = answer.json()["code"] if answer.content else str(answer.status_code)  # HEAD has no words
                assert answer.status_code == 507 or "retry-after" in answer.headers, answer.text
                self.busy[code] = self.busy.get(code, 0) + 1
                pause(0.02)
            elif answer is not None:
                return answer
        raise AssertionError(f"no answer to {method} {path}; last: {answer and answer.text}")

    def create(self, ledger, path, body):
        """A create, with its receipt in the ledger."""
        answer = self.sure("POST", path, body)
        assert answer.status_code in (200, 201), answer.text
        ledger.note(kind="create", login=self.login, path=path, id=body["id"], body=body, receipt=digest(answer.content), at=time.time())
        return answer.json()

    def change(self, ledger, path, etag, body):
        answer = self.sure("PATCH", path, body, {"if-match": etag})
        assert answer.status_code == 200, answer.text
        ledger.note(kind="change", login=self.login, path=path, etag=etag, body=body, receipt=digest(answer.content), rev=answer.json()["rev"])
        return answer

    def words(self, n=20):
        return "".join(self.random.choice(WORDS) for _ in range(n)) + uuid7()[-12:]

    def customer_body(self):
        return {"id": uuid7(), "type": "company", "name": "客户" + self.words(6), "industry": "retail", "grade": "B", "phone": "13800138000",
                "primary_contact": {"id": uuid7(), "name": "陈经理", "phone": "13900139000"}}

    def visit(self, customer, contact, **fields):
        """A valid record: somebody met, words enough, never the same twice."""
        return self.visit_body(customer, **{"contacts": [contact], "content": self.words(), **fields})


def replay(phone, item):
    """The same request again gets the first receipt, byte for byte."""
    if item["kind"] == "create":
        answer = phone.sure("POST", item["path"], item["body"])
    else:
        answer = phone.sure("PATCH", item["path"], item["body"], {"if-match": item["etag"]})
    assert answer.status_code == 200, f"{item}: {answer.status_code} {answer.text}"
    assert digest(answer.content) == item["receipt"], f"another receipt for {item}: {answer.text}"


def end_tracer(tracer):
    """Lets go of what strace looks at. When its process dies just then, strace 6.1 may wait for ever for the leader, which cannot be reaped before its
    threads; nobody, not even the supervisor, gets that process's end until the tracer is gone."""
    tracer.send_signal(signal.SIGINT)
    try:
        tracer.communicate(timeout=GUARD_S / 6)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.communicate(timeout=GUARD_S)


# ---- uploads ----

TUS = {"tus-resumable": "1.0.0"}


class Upload:
    """tus 1.0 by hand. `acked` is what the server said it has for good; each such word goes into the ledger."""

    def __init__(self, phone, ledger, content, kind):
        self.phone, self.ledger, self.content, self.kind = phone, ledger, content, kind
        self.sha256 = digest(content)
        self.acked = self.sent = 0
        metadata = "type " + base64.b64encode(kind.encode()).decode()
        answer = phone.sure("POST", "/v1/uploads", None, {**TUS, "upload-length": str(len(content)), "upload-metadata": metadata})
        assert answer.status_code == 201, answer.text
        self.path = httpx.URL(answer.headers["location"]).path
        self._note()

    def _note(self):
        self.ledger.note(kind="offset", login=self.phone.login, path=self.path, offset=self.acked, sha256=self.sha256)

    def ask(self):
        """Where the server is: never behind what it acknowledged, never beyond what was sent."""
        answer = self.phone.sure("HEAD", self.path, None, TUS)
        assert answer.status_code == 200, f"{self.path}: {answer.status_code}"
        offset = int(answer.headers["upload-offset"])
        assert self.acked <= offset <= self.sent, f"{self.path}: {offset}, acknowledged {self.acked}, sent {self.sent}"
        if offset == len(self.content):
            assert answer.headers["upload-sha256"] == self.sha256
        return offset

    def step(self, n):
        """Sends up to n bytes more, once."""
        chunk = self.content[self.acked:self.acked + n]
        self.sent = max(self.sent, self.acked + len(chunk))
        answer = self.phone.try_once("PATCH", self.path, {**TUS, "upload-offset": str(self.acked), "content-type": "application/offset+octet-stream"}, chunk)
        if answer is not None and answer.status_code == 204:
            self.acked = int(answer.headers["upload-offset"])
            assert self.acked <= self.sent
            if self.is_whole():
                assert answer.headers["upload-sha256"] == self.sha256
            self._note()
        elif answer is not None and answer.status_code == 401:
            self.phone.renew()
        else:
            assert answer is None or answer.status_code in (409, 423, 429, 503, 507), f"{answer.status_code} {answer.text}"
            self.acked = self.ask()

    def is_whole(self):
        return self.acked == len(self.content)


class Photos:
    """Small JPEGs, each with bytes of its own in comments (COM), so that size is chosen and no two are the same."""

    def __init__(self, seed):
        self.random = random.Random(f"{SEED} {seed}")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "base.jpg")
            subprocess.run(["convert", "-size", "160x120", "plasma:fractal", path], check=True, capture_output=True)
            with open(path, "rb") as file:
                self.base = file.read()

    def make(self, size):
        parts = [self.base[:2]]
        while size > 0:
            n = min(size, 60000)
            parts.append(b"\xff\xfe" + struct.pack(">H", n + 2) + self.random.randbytes(n))
            size -= n
        return b"".join(parts) + self.base[2:]


def make_voice(path, text):
    """Spoken English as Ogg/Opus."""
    wav = os.fspath(path) + ".wav"
    subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", wav], check=True, capture_output=True)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", wav, "-c:a", "libopus", "-b:a", "32k", os.fspath(path)], check=True, capture_output=True)
    with open(path, "rb") as file:
        return file.read()


# ---- reading ----

def listed(person, path):
    """All records of a list, page by page."""
    after, items = None, []
    while True:
        answer = person.sure("GET", str(httpx.URL(path, params={"limit": 200, **({"after": after} if after else {})})))
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        after = answer.json().get("next")
        if not after:
            return items


def assert_gapless(numbers, what):
    assert sorted(numbers) == list(range(1, len(numbers) + 1)), f"{what}: not 1 to {len(numbers)}: {sorted(numbers)}"


def assert_clean(server, *words):
    """`baifang check` finds nothing."""
    status, out, err = server.run("check", *words, check=False)
    assert status == 0 and " 0 faults" in out, out + err


def stored(server, collection):
    """{id: document} of one collection, read from the database itself. The key ends in the id."""
    db = sqlite3.connect(f"file:{os.path.join(server.data, 'store', 'store.db')}?mode=ro", uri=True)
    try:
        return {bytes(k[-16:]): bson.decode(d) for k, d in db.execute(f"SELECT k, d FROM d_{collection}")}
    finally:
        db.close()


def stored_views(server):
    """Who was shown what: a dictionary a view, with the user and session of its document. What one session was shown within a second is one document."""
    documents = [doc["f"] for doc in stored(server, "views").values()]
    return [{"user": doc["user"], "session": doc["session"], **view} for doc in documents for view in [doc, *doc.get("more", [])]]

