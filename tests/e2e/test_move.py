# SPDX-License-Identifier: Apache-2.0
"""A company that outgrows its box: everything moves to a database, is served there, and moves back; its phones only see another address."""
import os
import secrets
import signal
import subprocess
import threading

import pytest

import tus
from baifang import BAIFANG, GUARD_S, Feed, One, reports, until, uuid7

PHOTOS, VISITS = 30, 40


def mongo_uri():
    before, _, options = os.environ["MONGODB_TEST_URI"].partition("?")
    return f"{before.rstrip('/')}/bf_test_{secrets.token_hex(8)}?{options}"


def picture(number):
    """Bytes that are nobody's picture: they are kept, sealed and moved like one."""
    return b"\xff\xd8\xff\xe0" + secrets.token_bytes(300_000 + number)


class Box:
    """One configuration, served wherever its store lies."""

    def __init__(self, directory):
        self.directory = directory
        self.key = {"master_key_file": os.path.join(directory, "master.key")}

    def at(self, uri, name):
        return One(os.path.join(self.directory, name), {"store": {"uri": uri, **self.key}})


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return Box(str(tmp_path_factory.mktemp("move")))


def moving(server, source, destination):
    return subprocess.Popen([BAIFANG, "--config", server.config_path, "move", "--from", source, "--to", destination], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def move(server, source, destination):
    """To its end: what it said."""
    process = moving(server, source, destination)
    out, error = process.communicate(timeout=10 * GUARD_S)
    assert process.returncode == 0 and not reports(error.splitlines()), (out, error)
    return out.splitlines()


def kill_at(server, source, destination, wanted):
    """kill -9 as soon as it has said a line that begins so."""
    process = moving(server, source, destination)
    guard = threading.Timer(10 * GUARD_S, process.kill)
    guard.start()
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(wanted):
            break
    process.send_signal(signal.SIGKILL)
    assert process.wait(GUARD_S) == -signal.SIGKILL, (said, process.stderr.read())
    guard.cancel()
    process.stdout.close()
    process.stderr.close()


class Phone:
    """What a rep has: a session, what it pulled, and pictures that it may read."""

    def __init__(self, person):
        self.person, self.feed, self.pictures = person, Feed(person), []

    def log(self, data=None, kind="photo", type="image/jpeg", **fields):
        if data is not None:
            tus.upload(self.person, data, type)
        media = [] if data is None else [{"id": uuid7(), "kind": kind, "sha256": tus.sha256(data), "type": type, **fields}]
        body = self.person.visit_body(self.customer, media=media)
        answer = self.person.post("/v1/visits", json=body, headers={"idempotency-key": body["id"]})
        assert answer.status_code == 201, answer.text
        if data is not None:
            self.pictures.append((body["id"], media[0]["id"], data))
        return body, answer.json()

    def ask_again(self, body):
        answer = self.person.post("/v1/visits", json=body, headers={"idempotency-key": body["id"]})
        return answer.status_code, answer.content

    def text_of(self, body):
        transcript = self.person.get("/v1/visits/" + body["id"]).json()["transcripts"][0]
        return transcript["state"] == "ready" and transcript

    def carry_to(self, server):
        """The same session and the same cursor at another address."""
        self.person.company.server = server
        self.person.reconnect()

    def sees(self, id):
        return id in self.feed.pull().ids("visit")

    def expect_pictures(self):
        for visit, medium, data in self.pictures:
            answer = self.person.get(f"/v1/visits/{visit}/media/{medium}/original")
            assert answer.status_code == 200 and answer.content == data, (answer.status_code, visit)


def settled(phone):
    """Nothing is being made of the pictures any more: a verdict on each."""
    def is_done(visit):
        states = phone.person.get("/v1/visits/" + visit).json()["media_states"]
        return all(state["state"] in ("ready", "refused") for state in states)
    for visit, _, _ in phone.pictures:
        until(lambda visit=visit: is_done(visit), "the verdict on a picture")


def check(server):
    status, out, error = server.run("check", check=False)
    assert status == 0 and " 0 faults" in out, out + error


def test_a_company_moves_to_a_database_and_back_and_its_phone_goes_on(box, made_photo, made_voice):
    embedded, database, back = f"embedded:{box.directory}/store", mongo_uri(), f"embedded:{box.directory}/back"
    with box.at(embedded, "one") as server:
        company = server.company()
        phone = Phone(company.sign_in("wang"))
        phone.customer = phone.person.customer()["id"]
        body, _ = phone.log(made_photo)
        replay = phone.ask_again(body)
        spoken = phone.log(made_voice, "voice", "audio/ogg", consent_at="2026-01-01T00:00:00.000Z")[0]
        for number in range(PHOTOS):
            phone.log(picture(number))
        for _ in range(VISITS):
            last, _ = phone.log()
        settled(phone)
        text = until(lambda: phone.text_of(spoken), "what was spoken")
        assert phone.sees(last["id"])
        after, unread = phone.feed.after, phone.log()[0]  # the phone has not pulled this one yet
        unbound = picture(PHOTOS)
        tus.upload(phone.person, unbound)  # its visit comes after the move
        status, _, error = server.run("move", "--from", embedded, "--to", database, check=False)
        assert status == 1 and "in use" in error, error

    for line in ("visits", "company", "media", "all is copied"):
        kill_at(server, embedded, database, line)
        there = box.at(database, "two")
        status, _, error = there.run("check", check=False)
        assert status != 0 and "has not ended" in error, error
    status, _, error = there.run("serve", check=False)
    assert status == 78 and "start_failed" in error and "has not ended" in error, error
    said = move(there, embedded, database)
    assert "a move that was begun is gone on with" in said and said[-2].startswith("moved and compared: 1 companies"), said

    with there:
        phone.carry_to(there)
        assert phone.feed.after == after and phone.sees(unread["id"])
        assert phone.ask_again(body) == replay, "the first receipt, byte for byte"
        phone.expect_pictures()
        assert phone.text_of(spoken) == text
        late = phone.person.visit_body(phone.customer, media=[{"id": uuid7(), "kind": "photo", "sha256": tus.sha256(unbound), "type": "image/jpeg"}])
        stored = phone.person.post("/v1/visits", json=late)
        assert stored.status_code == 201 and stored.json()["awaited"] == [], stored.text
        phone.pictures.append((late["id"], late["media"][0]["id"], unbound))
        phone.log(picture(PHOTOS + 1))
        settled(phone)
        phone.person.refresh()
        assert phone.sees(late["id"])
        after = phone.feed.after
        check(there)

    kill_at(there, database, back, "media")
    home = box.at(back, "three")
    said = move(home, database, back)
    with home:
        phone.carry_to(home)
        new = phone.log()[0]
        assert phone.feed.after == after and phone.sees(new["id"]) and phone.sees(late["id"])
        phone.expect_pictures()
        phone.person.refresh()
        check(home)


@pytest.fixture(scope="module")
def made_photo(tmp_path_factory):
    """One that is really a picture."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    subprocess.run(["convert", "-size", "800x600", "-seed", "7", "plasma:red-blue", path], check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def made_voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice")
    subprocess.run(["flite", "-voice", "rms", "-t", "the customer wants to order two machines next month", "-o", path / "said.wav"], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", path / "said.wav", "-c:a", "libopus", "-b:a", "32k", path / "said.ogg"], check=True)
    return (path / "said.ogg").read_bytes()
