# SPDX-License-Identifier: Apache-2.0
"""The work that follows a visit, killed in every step: a medium becomes ready once, a recording gets one transcript, a due reminder makes one
notification, and the phone is told at least once under one attempt id, whose record is settled once.

Three ways to choose the moment: at random; while somebody else (decoder, transcription server, push service) was made to stand still in the middle of
the work; and before each sync and link of the server, counted by strace (every fourth sync in
the short form, from one that the seed chooses)."""
import base64
import contextlib
import datetime
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from baifang import Server, rfc3339, until, uuid7
from rig import SEED, SOAK, Ledger, Phone, Photos, Upload, assert_clean, digest, end_tracer, listed, make_voice, pause, stored

SOURCE = pathlib.Path(os.environ["BF_SOURCE_DIR"])
sys.path.insert(0, os.fspath(SOURCE / "tests/push"))
from service import Service  # noqa: E402  pylint: disable=wrong-import-position,import-error

MINUTE_MS, DAY_MS = 60_000, 24 * 3600 * 1000
VISITS = 30
KILLS = 300 if SOAK else 20
KEY = "key-of-the-tests"
SAID = "the customer will sign the contract next week"


class Provider:
    """The transcription server of the tests."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, SOURCE / "tests/ingest/stt/server.py", "--text", SAID, "--key", KEY], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def stop(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def standing_still(pid):
    """Takes connections and says nothing, as a machine in trouble does."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class World:
    """A server whose clock stands `shift_ms` away, a transcription server, a push service, and a phone that is subscribed to it. `look` reads a collection of the
    server's store."""

    def __init__(self, folder, make=Server, look=stored, shift_ms=-2 * DAY_MS):
        self.folder, self.look = folder, look
        self.provider, self.push = Provider(), Service(folder)
        self.server = make(folder / "s", {
            "ingest": {"lease": 1000, "away": 100, "away_max": 500},
            "stt": {"provider": "openai", "url": f"http://127.0.0.1:{self.provider.port}/v1", "model": "whisper-1"},
            "http_client": {"named_hosts": f"push.test:{self.push.port}", "ca_file": self.push.ca, "resolve": f"push.test:{self.push.port}:127.0.0.1",
                            "breaker_ms": 100, "breaker_ms_max": 500},
        }, environment={"BAIFANG_STT_KEY": KEY})
        self.shift(shift_ms)
        self.server.start()
        self.company = self.server.company()
        self.phone = Phone(self.company, "wang")
        self.ledger = Ledger(folder / "ledger")
        self.subscription = self.subscribe()
        body = self.phone.customer_body()
        self.customer = self.phone.create(self.ledger, "/v1/customers", body)["id"]
        self.contact = body["primary_contact"]["id"]
        self.photos, self.voice = Photos("pipeline"), folder / "voice.ogg"
        make_voice(self.voice, SAID)

    def close(self):
        self.server.stop()
        self.push.stop()
        self.provider.stop()

    # ---- clock ----

    def shift(self, ms):
        self.shift_ms = ms
        self.server.shift_clock(ms)

    def now_ms(self):
        return int(time.time() * 1000) + self.shift_ms

    # ---- what the phone does ----

    def subscribe(self):
        subscription = self.push.subscribe()
        path = "/v1/devices/" + self.phone.device
        etag = self.phone.sure("GET", path).headers["etag"]
        answer = self.phone.sure("PATCH", path, {"subscription": {key: subscription[key] for key in ("endpoint", "p256dh", "auth")}}, {"if-match": etag})
        assert answer.status_code == 200, answer.text
        return subscription

    def recording(self, number):
        """The same words; every third time also the same bytes, so that several records wait for one upload's."""
        if number % 3 == 0:
            return self.voice.read_bytes()
        copy = self.folder / "copy.ogg"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", self.voice, "-c", "copy", "-metadata", f"title={uuid7()}", copy], check=True)
        return copy.read_bytes()

    def put(self, content, kind):
        upload = Upload(self.phone, self.ledger, content, kind)
        while not upload.is_whole():
            upload.step(len(content))

    def content(self, number=1):
        return [(self.photos.make(30_000), "image/jpeg"), (self.recording(number), "audio/ogg")]

    def named(self, content):
        """What a visit says of these bytes, whether they are there or not."""
        return [{"id": uuid7(), "kind": "photo" if kind == "image/jpeg" else "voice", "sha256": digest(data), "type": kind,
                 **({"consent_at": rfc3339(self.now_ms())} if kind == "audio/ogg" else {})} for data, kind in content]

    def media(self, number=1):
        content = self.content(number)
        for data, kind in content:
            self.put(data, kind)
        return self.named(content)

    def log_and_put(self, content, due_ms):
        """The visit first, the bytes that it names after it."""
        visit = self.log_visit(self.named(content), due_ms)
        visit.late = True
        for data, kind in content:
            self.put(data, kind)
        return visit

    def log_visit(self, media, due_ms):
        """A visit with a next step that becomes due; at night too, so that nothing but the clock decides when it is sent."""
        due = datetime.datetime.fromtimestamp(due_ms / 1000, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M")
        body = self.phone.visit(self.customer, self.contact, at_ms=self.now_ms(), media=media,
                                next_step={"text": self.phone.words(8), "due": due, "tz": "UTC", "wake": True})
        receipt = self.phone.create(self.ledger, "/v1/visits", body)
        return Visit(self, receipt["visit"]["id"], receipt["reminder"]["id"], [medium["kind"] for medium in media])

    # ---- faults ----

    def fresh_supervisor(self):
        """Ends and starts the whole: a supervisor waits longer before each next server that dies young."""
        self.server.stop()
        self.server.start()

    def metric(self, name):
        for line in self.phone.sure("GET", "/metrics").text.splitlines():
            if line.startswith((name + " ", name + "_total ")):
                return int(float(line.split()[1]))
        raise AssertionError(f"no metric {name}")

    def is_connected_to(self, port):
        """The server has a connection to that port."""
        folder, sockets = f"/proc/{until(self.server.server_pid)}/fd", set()
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                sockets.add(os.readlink(f"{folder}/{fd}"))
        with open("/proc/net/tcp", encoding="ascii") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        return any(line[2].endswith(f":{port:04X}") and line[3] == "01" and f"socket:[{line[9]}]" in sockets for line in lines)

    def until(self, condition, what, guard_s=300):
        """Waits; each time the server died meanwhile, its clock goes on by three minutes, which is longer than any job's lease."""
        ready = self.server.count("ready")
        def check():
            nonlocal ready
            if self.server.count("ready") != ready:
                ready = self.server.count("ready")
                self.shift(self.shift_ms + 3 * MINUTE_MS)
            return condition()
        return until(check, what, guard_s)

    # ---- what came of it ----

    def notifications(self):
        return listed(self.phone, "/v1/notifications")

    def told(self, reminder):
        return [item for item in self.notifications() if reminder in item["reminders"]]

    def topics(self):
        return [message["topic"] for message in self.push.messages(self.subscription)]

    def check_pushes(self):
        """After the server ended: one attempt for each notification, settled, and the phone was told under its id as often as was tried, or less."""
        attempts, topics = self.look(self.server, "push_attempts"), self.topics()
        by_topic = {base64.urlsafe_b64encode(id).rstrip(b"=").decode(): doc["f"] for id, doc in attempts.items()}
        assert len({doc["notification"] for doc in by_topic.values()}) == len(by_topic)
        assert set(topics) == set(by_topic)
        for topic, attempt in by_topic.items():
            assert attempt["state"] == "accepted", attempt
            assert 1 <= topics.count(topic) <= attempt["tries"], (topics.count(topic), attempt)
        return len(by_topic)


class Visit:
    def __init__(self, world, id, reminder, kinds):
        self.world, self.id, self.reminder, self.kinds = world, id, reminder, kinds
        self.late = False  # it was logged before the bytes came: awaited, stored, ready

    def read(self):
        return self.world.phone.sure("GET", "/v1/visits/" + self.id).json()

    def is_done(self):
        doc = self.read()
        return all(state["state"] not in ("awaited", "stored") for state in doc["media_states"]) and \
            all(transcript["state"] not in ("waiting", "provider_away") for transcript in doc["transcripts"])

    def is_told(self):
        return self.world.told(self.reminder)

    def check_media(self):
        """Everything once: a state is written by a commit, and each commit raises rev."""
        doc = self.read()
        revs = (2, 3) if self.late else (2,)  # bytes that an earlier upload had brought need no more waiting
        assert [state["state"] for state in doc["media_states"]] == ["ready"] * len(self.kinds), doc["media_states"]
        assert all(state["rev"] in revs for state in doc["media_states"]), doc["media_states"]
        for state in doc["media_states"]:
            assert len(state["variants"]) == 2
            for variant in state["variants"]:
                answer = self.world.phone.sure("GET", f"/v1/visits/{self.id}/media/{state['id']}/{variant['name']}")
                assert answer.status_code == 200 and len(answer.content) == variant["bytes"]
        assert [(t["state"], t["text"], t["round"], t["rev"]) for t in doc["transcripts"]] == [("ready", SAID, 1, 2)] * self.kinds.count("voice"), doc["transcripts"]

    def check_told(self):
        assert len(self.world.told(self.reminder)) == 1
        reminder = self.world.phone.sure("GET", "/v1/reminders/" + self.reminder).json()
        assert (reminder["state"], reminder["rev"]) == ("sent", 2), reminder


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


class Killer(threading.Thread):
    """Kills the server at random until it was told to end; a decoder now and then. Every third time with the supervisor's knowledge."""

    def __init__(self, world, kills, most_s):
        super().__init__(daemon=True)
        self.most_s = most_s
        self.world, self.kills, self.done, self.enough, self.error = world, kills, 0, threading.Event(), None
        self.random = random.Random(SEED)

    def run(self):
        try:
            while self.done < self.kills and not self.enough.is_set():
                pause(self.random.uniform(0.01, self.most_s))
                self.kill_one()
                self.done += 1
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def kill_one(self):
        server = self.world.server
        if self.random.random() < 0.15:
            os.kill(until(lambda: server.zygote_pid(), "the decoder"), signal.SIGKILL)
        elif self.done % 4 == 3:
            self.world.fresh_supervisor()
        else:
            server.kill()

    def end(self):
        self.join(600)
        assert not self.is_alive() and self.error is None, self.error


def test_random_kills_while_30_visits_are_worked_on_and_their_reminders_become_due(world):
    first_due = int(time.time() * 1000) - 2 * VISITS * MINUTE_MS
    killer = Killer(world, KILLS, 0.8)
    killer.start()
    visits = []
    for i in range(VISITS):
        due = first_due + i * MINUTE_MS
        visits.append(world.log_and_put(world.content(i), due) if i % 2 else world.log_visit(world.media(i), due))
    for visit in visits:
        world.until(visit.is_done, "the media of a visit")
    killer.enough.set()
    killer.end()
    for visit in visits:
        visit.check_media()
    assert world.notifications() == []
    again = Killer(world, max(5, KILLS // 3), 0.12)
    world.shift(0)
    again.start()
    for visit in visits:
        world.until(visit.is_told, "the notification of a reminder")
    world.until(lambda: len(set(world.topics())) >= VISITS, "the pushes")
    again.enough.set()
    again.end()
    for visit in visits:
        visit.check_told()
    assert len(world.notifications()) == VISITS
    world.shift(world.shift_ms + 3 * MINUTE_MS)
    until(lambda: is_quiet(world), "the last outcome to be written")
    assert_clean(world.server)
    print(f"seed {SEED}: {killer.done} and {again.done} kills, {len(world.topics())} messages for {VISITS} notifications")
    world.server.stop()
    assert world.check_pushes() == VISITS


def is_quiet(world):
    """No job of the pipeline is open: the store knows."""
    return all(doc["f"]["state"] == "done" or doc["f"]["kind"] not in ("media", "transcribe", "reminder", "push") for doc in world.look(world.server, "jobs").values())


def test_killed_while_the_decoder_works(world):
    media = world.media()
    decoder = until(lambda: world.server.zygote_pid(), "the decoder")
    with standing_still(decoder):
        before = world.metric("bf_decodes")
        visit = world.log_visit(media, world.now_ms() + DAY_MS)
        until(lambda: world.metric("bf_decodes") > before, "a decode to begin")
        world.server.kill()
    until(visit.is_done, "the media of the visit")
    visit.check_media()
    assert_clean(world.server)


def test_killed_while_the_transcription_server_is_asked(world):
    media = world.media()
    with standing_still(world.provider.process.pid):
        visit = world.log_visit(media, world.now_ms() + DAY_MS)
        until(lambda: world.is_connected_to(world.provider.port), "the transcription server to be asked")
        world.server.kill()
    until(visit.is_done, "the transcript")
    visit.check_media()
    assert_clean(world.server)


def test_killed_while_the_push_service_is_told(world):
    visit = world.log_visit([], int(time.time() * 1000) - MINUTE_MS)
    with standing_still(world.push.process.pid):
        world.shift(0)
        until(lambda: world.is_connected_to(world.push.port), "the push service to be told")
        world.server.kill()
    world.shift(3 * MINUTE_MS)  # its job's lease is over
    until(lambda: world.topics(), "the push")
    until(lambda: is_quiet(world), "the outcome to be written")
    visit.check_told()
    assert_clean(world.server)
    world.server.stop()
    assert world.check_pushes() == 1
    assert stored(world.server, "push_attempts").popitem()[1]["f"]["tries"] >= 2


# ---- each single sync ----

@contextlib.contextmanager
def killed_at(world, calls, number):
    """Kills the server when one of its threads enters its `number`th of these calls."""
    pid = until(world.server.server_pid, "the server")
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=" + calls, "-e", f"inject={calls}:signal=KILL:when={number}", "-p", str(pid)],
                              stderr=subprocess.PIPE, text=True)
    assert "attached" in tracer.stderr.readline()
    died = []
    try:
        yield died
        died.append(world.server.server_pid() != pid)
    finally:
        end_tracer(tracer)


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize("calls", ["fdatasync", "linkat,fsync"])
def test_killed_before_each_sync_of_the_way_from_visit_to_push(world, calls):
    step, kills, pushes = (1 if SOAK else 4), 0, 0
    number = random.Random(SEED).randint(1, step) if calls == "fdatasync" else 1
    world.shift(-2 * 3600 * 1000)
    while True:
        if pushes % 3 == 2:
            world.fresh_supervisor()
        media, due = world.media(), world.now_ms() + 2 * MINUTE_MS
        with killed_at(world, calls, number) as died:
            visit = world.log_visit(media, due)
            world.until(visit.is_done, f"the media of the visit after a kill at {calls} {number}")
            pushes += 1
            world.shift(world.shift_ms + 3 * MINUTE_MS)
            world.until(visit.is_told, "the notification")
            world.until(lambda: len(set(world.topics())) >= pushes, "the push")
        visit.check_media()
        visit.check_told()
        if not died[0]:
            break
        kills += 1
        number += step if calls == "fdatasync" else 1
    print(f"seed {SEED}: {kills} kills at {calls}, the last before number {number}")
    assert kills > 1, "nothing was killed"
    world.shift(world.shift_ms + 3 * MINUTE_MS)
    until(lambda: is_quiet(world), "the last outcome to be written")
    assert_clean(world.server)
    world.server.stop()
    assert world.check_pushes() == pushes


@pytest.mark.usefixtures("strace")
def test_killed_before_each_sync_of_bytes_that_come_after_their_visit(world):
    step, kills = (1 if SOAK else 4), 0
    number = random.Random(SEED).randint(1, step)
    while True:
        if kills % 3 == 2:
            world.fresh_supervisor()
        with killed_at(world, "fdatasync", number) as died:
            visit = world.log_and_put([(world.photos.make(30_000), "image/jpeg")], world.now_ms() + DAY_MS)
            world.until(visit.is_done, f"the picture that came after its visit and a kill at sync {number}")
        visit.check_media()
        if not died[0]:
            break
        kills += 1
        number += step
    print(f"seed {SEED}: {kills} kills, the last before number {number}")
    assert kills > 1, "nothing was killed"
    assert_clean(world.server)
