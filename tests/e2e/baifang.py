# SPDX-License-Identifier: Apache-2.0
"""Drives the real program: a server of its own for each test module, on a port that the kernel gave, in a directory of its own.

    with Server(directory) as server:
        company = server.company()
        rep = company.sign_in("wang")
        rep.post("/v1/customers", json={...})

BF_LAYOUT says what Server is: "embedded" (one process, a directory), "database" (one process, MongoDB), "daemons" (two gateways, two ingests, two pushes on
MongoDB, the clients spread over them). MongoDB's is the server of MONGODB_TEST_URI.

The deadlines here guard against hanging; they are ten times what a slow machine needs. BF_GUARD_S shortens them where failure is expected."""
import base64
import contextlib
import itertools
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import threading
import time
import uuid

import httpx

GUARD_S = int(os.environ.get("BF_GUARD_S", "60"))
BAIFANG = os.environ.get("BF_BAIFANG", "baifang")
LAYOUT = os.environ.get("BF_LAYOUT", "embedded")
NEVER = "01900000-0000-7000-8000-00000000dead"  # an id that no record has
PASSWORD = "drei-Birnen-am-Hang-42"


def uuid7(at_ms=None):
    """RFC 9562 version 7, lower case."""
    raw = bytearray(struct.pack(">Q", int(time.time() * 1000) if at_ms is None else at_ms)[2:] + secrets.token_bytes(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def rfc3339(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


def until(condition, what="the condition", guard_s=GUARD_S):
    """Waits for a condition without a bound of its own: returns its first true value."""
    end = time.monotonic() + guard_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        threading.Event().wait(0.01)
    raise AssertionError(f"still waiting for {what} after {guard_s} s")


GONE = (FileNotFoundError, ProcessLookupError)  # a process that ends before its file is opened, or before it is read


def is_gone(pid):
    """Ended, whether or not somebody has collected it."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except GONE:
        return True


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except GONE:
        return []


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return [word.decode() for word in file.read().split(b"\0")[:-1]]
    except GONE:
        return []


def reports(lines):
    """What no run may say: a sanitizer's report, or that a decision left its read set (the server only refuses that one request)."""
    return [line for line in lines if "Sanitizer" in line or "runtime error:" in line or "went outside its read set" in line]


class Server:
    """`baifang serve`, or a daemon (`verb`), with its data in `directory`. `config` is {section: {key: value}} on top of what suits tests."""

    def __init__(self, directory, config=None, program=None, environment=None, verb="serve"):
        self.directory, self.verb = os.fspath(directory), verb
        self.data = os.path.join(self.directory, "data")
        self.config_path = os.path.join(self.directory, "baifang.conf")
        self.clock_path = os.path.join(self.directory, "clock")
        self.program = program or BAIFANG
        self.environment = {**os.environ, **(environment or {})}
        self.events, self.lines = [], []
        self._new = threading.Condition()
        self.process = None
        self.port = 0
        self.may_end_with = {128 + signal.SIGKILL}  # by a test's kill -9; any other status of a server that was not told to stop is a fault
        self._write_config(config or {})

    def _write_config(self, config):
        sections = {
            "server": {"data": self.data},
            "http": {"listen": "127.0.0.1:0"},
            **{daemon: {"listen": "127.0.0.1:0"} for daemon in ("gateway", "ingest", "push")},
            "access": {"argon2_ops": 1, "argon2_memory": 8192, "tries_account": 10000, "tries_address": 100000},
            "clock": {"file": self.clock_path},
        }
        for section, keys in config.items():
            sections.setdefault(section, {}).update(keys)
        os.makedirs(self.directory, exist_ok=True)
        with open(self.config_path, "w", encoding="utf-8") as file:
            for section, keys in sections.items():
                file.write(f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None))

    # ---- life ----

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        return self.begin().ready()

    def begin(self):
        self._ready = self.count("ready")
        self.process = self.popen(self.program, self.verb, "--config", self.config_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stdin=subprocess.DEVNULL, env=self.environment)
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        return self

    def popen(self, *words, **options):
        return subprocess.Popen(words, **options)

    def ready(self):
        self.wait_event("ready", self._ready + 1)
        return self

    def _read(self, process):
        for raw in process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            with self._new:
                self.lines.append(line)
                if isinstance(event, dict):
                    self.events.append(event)
                    if event.get("event") == "ready":
                        self.port = event["port"]
                self._new.notify_all()
        with self._new:
            self._new.notify_all()

    def count(self, name):
        return sum(1 for event in self.events if event.get("event") == name)

    def wait_event(self, name, number=1):
        """The `number`th event of that name since the beginning."""
        end = time.monotonic() + GUARD_S
        with self._new:
            while self.count(name) < number:
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(f"no event {name!r} ({number}); the log:\n" + "\n".join(self.lines[-40:]))
                self._new.wait(min(left, 0.2))
            return [event for event in self.events if event.get("event") == name][number - 1]

    def stop(self):
        """SIGTERM and the exit status. What was wrong meanwhile fails the test: a report of a sanitizer's, and a process that ended by itself, which the
        supervisor mends at once and clients that repeat their requests do not notice."""
        if self.process is None:
            return None
        self.end()
        status = self.process.wait(GUARD_S)
        self._reader.join(GUARD_S)
        self.process = None
        found = reports(self.lines) + self.crashes()
        assert not found, f"{found}; the log:\n" + "\n".join(self.lines[-80:])
        return status

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def crashes(self):
        """Servers and sandboxes that ended although nobody had told them to."""
        ends = [event for event in self.events if event.get("event") in ("supervisor.server_ended", "supervisor.zygote_died")]
        return [event for event in ends if event["value"] not in self.may_end_with | {0} or (event["level"], event["value"]) == ("error", 0)]

    def server_pid(self):
        """The server process under the supervisor; None while there is none."""
        for pid in children(self.process.pid):
            if "server" in command_line(pid)[1:2]:
                return pid
        return None

    def zygote_pid(self, kind="--zygote"):
        for pid in children(self.process.pid):
            if kind in command_line(pid)[1:2]:
                return pid
        return None

    def kill(self):
        """kill -9 of the server process, then waits until the supervisor has another one ready."""
        self.strike()
        self.ready()

    def strike(self):
        self._ready = self.count("ready")
        os.kill(until(self.server_pid, "the server process"), signal.SIGKILL)

    # ---- clock ----

    def shift_clock(self, ms):
        """Moves the running server's wall clock by `ms` against the real one, from now on."""
        fd = os.open(self.clock_path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(fd, struct.pack("=q", ms), 0)
        os.close(fd)

    # ---- people ----

    def run(self, *words, input="", check=True):
        """`baifang WORDS` with this server's configuration: (status, output, error)."""
        done = subprocess.run([self.program, "--config", self.config_path, *words], input=input, capture_output=True, text=True, timeout=10 * GUARD_S,
                              env=self.environment, check=False)
        assert not reports(done.stderr.splitlines()), done.stderr
        if check and done.returncode != 0:
            raise AssertionError(f"baifang {' '.join(words)}: {done.returncode}\n{done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def admin(self, *words, input=""):
        return self.run("admin", *words, input=input)[1].strip()

    def url(self, path=""):
        return f"https://127.0.0.1:{self.port}{path}"

    def client(self, **options):
        """An HTTP/2 client that trusts the server's own certificate."""
        return httpx.Client(http2=True, verify=False, base_url=self.url(), timeout=GUARD_S, **options)

    def company(self, code=None):
        return Company(self, code or "t" + secrets.token_hex(4))


class Spread(httpx.BaseTransport):
    """Requests in turn to each of several addresses: those of uploads to `ingest`, the others to `gateway` (functions that give the ports)."""

    def __init__(self, gateway, ingest):
        self._inner = httpx.HTTPTransport(http2=True, verify=False)
        self._ports = {True: ingest, False: gateway}
        self._turn = {True: itertools.count(secrets.randbelow(100)), False: itertools.count(secrets.randbelow(100))}

    def handle_request(self, request):
        upload = request.url.path.startswith("/v1/uploads")
        ports = self._ports[upload]()
        request.url = request.url.copy_with(host="127.0.0.1", port=ports[next(self._turn[upload]) % len(ports)])
        return self._inner.handle_request(request)

    def close(self):
        self._inner.close()


class Fleet:
    """What Server is, of several processes on one database of its own, as if each had a machine of its own but for master key and clock."""

    VERBS = {"database": ["serve"], "daemons": ["gateway", "gateway", "ingest", "ingest", "push", "push"]}

    def __init__(self, directory, config=None, program=None, environment=None, verbs=None):
        self.directory = os.fspath(directory)
        self.clock_path = os.path.join(self.directory, "clock")
        before, _, options = os.environ["MONGODB_TEST_URI"].partition("?")
        self.uri = f"{before.rstrip('/')}/bf_test_{secrets.token_hex(8)}?{options}"
        common = {"store": {"uri": self.uri, "master_key_file": os.path.join(self.directory, "master.key")}, "clock": {"file": self.clock_path}}
        for section, keys in (config or {}).items():
            common.setdefault(section, {}).update(keys)
        self.members = [One(os.path.join(self.directory, f"{verb}-{number}"), common, program, environment, verb)
                        for number, verb in enumerate(verbs or self.VERBS[LAYOUT])]
        for member in self.members:
            member.clock_path = self.clock_path
        self.data, self.config_path = self.members[0].data, self.members[0].config_path

    def of(self, *verbs):
        return [member for member in self.members if member.verb in verbs]

    # ---- life ----

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """All at once, the first time too: the new database has one key whoever is first."""
        for member in self.members:
            member.begin()
        for member in self.members:
            member.ready()
        return self

    def stop(self):
        for member in self.members:
            member.end()
        return max((status for member in self.members if (status := member.stop()) is not None), default=None)

    def kill(self):
        """kill -9 of all server processes, then waits until their supervisors have others ready."""
        for member in self.members:
            member.strike()
        for member in self.members:
            member.ready()

    def count(self, name):
        return sum(member.count(name) for member in self.members)

    def wait_event(self, name, number=1):
        until(lambda: self.count(name) >= number, f"event {name}")
        return [event for member in self.members for event in member.events if event.get("event") == name][number - 1]

    @property
    def lines(self):
        return [line for member in self.members for line in member.lines]

    # ---- clock, people: as Server has it ----

    def shift_clock(self, ms):
        self.members[0].shift_clock(ms)

    def run(self, *words, **options):
        return self.members[0].run(*words, **options)

    def admin(self, *words, **options):
        return self.members[0].admin(*words, **options)

    def company(self, code=None):
        return Company(self, code or "t" + secrets.token_hex(4))

    # ---- clients ----

    @property
    def port(self):
        return tuple(member.port for member in self.members)

    def ports(self, *verbs):
        return [member.port for member in self.of("serve", *verbs)]

    def url(self, path=""):
        return f"https://127.0.0.1:{self.ports('gateway')[0]}{path}"

    def client(self, **options):
        return httpx.Client(transport=Spread(lambda: self.ports("gateway"), lambda: self.ports("ingest")), base_url="https://127.0.0.1", timeout=GUARD_S,
                            **options)


One = Server  # process, whatever the layout
if LAYOUT != "embedded":
    Server = Fleet


class Company:
    """A tenant with one team, `wang` and `li` (reps), `zhao` (their supervisor), `qian` (manager)."""

    PEOPLE = {"wang": ("王伟", "rep"), "li": ("李娜", "rep"), "zhao": ("赵敏", "supervisor"), "qian": ("钱进", "manager")}

    def __init__(self, server, code):
        self.server, self.code = server, code
        server.admin("tenant", "add", code, "测试公司" + code, "Asia/Shanghai")
        self.team = server.admin("team", "add", code, "一组")
        for login, (name, role) in self.PEOPLE.items():
            self.add(login, name, role, self.team)

    def add(self, login, name, role, team):
        return self.server.admin("user", "add", self.code, login, name, role, team, "--exempt", input=PASSWORD + "\n")

    def sign_in(self, login, device=None):
        return Person(self, login, device)


class Person:
    """A signed-in person: a client that carries the access token. Each phone is an installation of its own."""

    def __init__(self, company, login, device=None, platform="android"):
        self.company, self.login = company, login
        self.device = device or uuid7()
        self._clients = threading.local()
        self.tokens = self._ask("/v1/sign_in", {"tenant": company.code, "login": login, "password": PASSWORD,
                                                "device": {"id": self.device, "name": "测试手机", "platform": platform}})
        self.id = self.tokens["user"]["id"]
        self.seq = 0

    @property
    def http(self):
        """A client for each thread: threads that share a connection may send the headers of their streams out of order, which RFC 9113 section
        5.1.1 makes a connection error."""
        if getattr(self._clients, "of", None) != self.company.server.port:
            self._clients.of, self._clients.http = self.company.server.port, self.company.server.client()
        return self._clients.http

    def _ask(self, path, body):
        answer = self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def headers(self, extra=None):
        return {"authorization": "Bearer " + self.tokens["access_token"], **(extra or {})}

    def request(self, method, path, headers=None, **options):
        return self.http.request(method, path, headers=self.headers(headers), **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def patch(self, path, **options):
        return self.request("PATCH", path, **options)

    def reconnect(self):
        """After a restart, which takes another port."""
        self._clients = threading.local()
        return self

    def etag(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.headers["etag"]

    def events(self, last=None):
        return Events(self, last)

    def refresh(self):
        self.tokens = self._ask("/v1/refresh", {"refresh_token": self.tokens["refresh_token"]})

    def customer(self, name=None, **fields):
        """Creates a customer and returns the record."""
        body = {"id": uuid7(), "type": "company", "name": name or "客户" + secrets.token_hex(4), "industry": "retail", "grade": "B",
                "phone": "13800138000", "primary_contact": {"id": uuid7(), "name": "陈经理", "phone": "13900139000"}, **fields}
        answer = self.post("/v1/customers", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def visit_body(self, customer, at_ms=None, **fields):
        now = rfc3339(int(time.time() * 1000) if at_ms is None else at_ms)
        self.seq += 1
        return {"id": uuid7(at_ms), "customer": customer, "mode": "visit", "content": "客户确认下季度采购两台设备，预算已批", "happened_at": now,
                "captured_at": now, "device": self.device, "capture_seq": self.seq, **fields}


class Events:
    """GET /v1/events, read by a thread of its own into `seen`: (event, data, id)."""

    def __init__(self, person, last=None):
        self.seen, self.ended, self.status = [], False, None
        self._taken, self._id = 0, None
        self._new = threading.Condition()
        self._http = person.company.server.client()
        self._headers = person.headers({"last-event-id": last} if last else {})
        self._socket = None
        self._reader = threading.Thread(target=self._run, daemon=True)
        self._reader.start()
        with self._new:
            assert self._new.wait_for(lambda: self.status is not None, GUARD_S), "the event stream does not open"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Only shuts the connection down: a descriptor that is closed under its reader is at once another connection's."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self._reader.join(GUARD_S)
        self._http.close()

    def _run(self):
        try:
            with self._http.stream("GET", "/v1/events", headers=self._headers) as answer:
                self._socket = answer.extensions["network_stream"].get_extra_info("socket")
                if answer.status_code != 200:
                    answer.read()
                self._tell(status=answer.status_code)
                self._read(answer)
        except Exception:  # pylint: disable=broad-except
            pass  # the test closed it, or the server went away: `ended` says so
        self._tell(status=self.status or 0, ended=True)

    def _read(self, answer):
        event = {}
        for line in answer.iter_lines():
            if line == "":
                self._id = event.get("id", self._id)  # also of a block without data, which is no event (WHATWG HTML 9.2.6)
                if "data" in event:
                    self._tell(item=(event.get("event"), json.loads(event["data"]), event.get("id")))
                event = {}
            elif line and not line.startswith(":"):
                key, _, value = line.partition(":")
                event[key] = value.lstrip(" ")

    def _tell(self, status=None, item=None, ended=False):
        with self._new:
            self.status = self.status if status is None else status
            self.ended = self.ended or ended
            if item:
                self.seen.append(item)
            self._new.notify_all()

    def wait(self, wanted, what="an event"):
        """The first event that was not waited for yet and that `wanted(event, data)` takes."""
        end = time.monotonic() + GUARD_S
        with self._new:
            while True:
                while self._taken < len(self.seen):
                    self._taken += 1
                    item = self.seen[self._taken - 1]
                    if wanted(item[0], item[1]):
                        return item
                assert not self.ended, f"the stream ended before {what}; seen: {self.seen}"
                assert self._new.wait(max(0, end - time.monotonic())), f"no {what}; seen: {self.seen}"

    def wait_all(self, id):
        """The last event so far about that record, once there is one: for events whose order does not matter."""
        def find():
            return next((item for item in reversed(self.seen) if item[1].get("id") == id), None)
        with self._new:
            assert self._new.wait_for(lambda: find() or self.ended, GUARD_S) and find(), f"nothing about {id}; seen: {self.seen}"
            return find()

    def wait_end(self):
        with self._new:
            assert self._new.wait_for(lambda: self.ended, GUARD_S), "the event stream is still open"

    def last_id(self):
        """What a client would come back with, once it was given one."""
        return until(lambda: self._id, "an event id")


class Feed:
    """What a phone keeps: it pulls /v1/changes and lets go of what is gone."""

    def __init__(self, person):
        self.person, self.after, self.docs, self.log = person, None, {}, []

    def page(self, limit=None):
        query = {**({"after": self.after} if self.after else {}), **({"limit": limit} if limit else {})}
        answer = self.person.get("/v1/changes", params=query)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        for item in body["items"]:
            key = (item["type"], item["id"])
            self.log.append((*key, item.get("gone", False)))
            if item.get("gone"):
                self.docs.pop(key, None)
            else:
                assert item["doc"]["id"] == item["id"]
                self.docs[key] = item["doc"]
        self.after = body["next"]
        return body

    def pull(self, limit=None):
        while self.page(limit)["more"]:
            pass
        return self

    def ids(self, kind=None):
        return {id for type, id in self.docs if kind in (None, type)}


def at_once(tasks):
    """Runs all the functions at the same time, each in a thread of its own: their results in order."""
    results, gate = [None] * len(tasks), threading.Barrier(len(tasks))

    def run(i, task):
        gate.wait(GUARD_S)
        try:
            results[i] = task()
        except Exception as error:  # pylint: disable=broad-except
            results[i] = error

    threads = [threading.Thread(target=run, args=(i, task)) for i, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(GUARD_S)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


