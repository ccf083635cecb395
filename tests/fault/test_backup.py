# SPDX-License-Identifier: Apache-2.0
"""A backup taken under load and restored elsewhere: equal up to its position, whole in its media, and known as another log by old cursors."""
import concurrent.futures
import contextlib
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

from baifang import Feed, Server, until, uuid7
from rig import Ledger, Phone, Photos, Upload, assert_clean, assert_gapless, digest, end_tracer

REPS = 3


class Load:
    """Reps who each create a customer, then log visits with photos; `sent` says when each create was first sent."""

    def __init__(self, company, folder):
        self.stop, self.errors, self.sent = threading.Event(), [], {}
        self.ledger = Ledger(folder / "ledger")
        for i in range(REPS):
            company.add(f"rep{i}", "王伟", "rep", company.team)
        self.threads = [threading.Thread(target=self.run, args=(Phone(company, f"rep{i}"),), daemon=True) for i in range(REPS)]
        for thread in self.threads:
            thread.start()

    def run(self, phone):
        try:
            photos = Photos(phone.login)
            while not self.stop.is_set():
                body = phone.customer_body()
                self.create(phone, "/v1/customers", body)
                for _ in range(3):
                    upload = Upload(phone, self.ledger, photos.make(phone.random.randrange(10_000, 200_000)), "image/jpeg")
                    while not upload.is_whole():
                        upload.step(60_000)
                    media = [{"id": uuid7(), "kind": "photo", "sha256": upload.sha256, "type": "image/jpeg"}]
                    self.create(phone, "/v1/visits", phone.visit(body["id"], body["primary_contact"]["id"], media=media))
        except BaseException as error:  # pylint: disable=broad-except
            self.errors.append(error)
            raise

    def create(self, phone, path, body):
        self.sent[body["id"]] = time.time()
        phone.create(self.ledger, path, body)

    def acked(self):
        return {item["id"]: item["at"] for item in self.ledger.of("create")}

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(120)
        assert not self.errors, self.errors


def position(output):
    return int(re.search(r"equal up to entry (\d+)", output).group(1))


def compare(live, restored, load, begun):
    """`restored` is `live` as it was at one position: all that was acknowledged before the backup began, and nothing without what came before it."""
    here, there = ({key: doc for key, doc in feed.docs.items() if key[0] != "device"} for feed in (live, restored))  # devices signed in since
    assert set(there) <= set(here)
    for key, doc in there.items():
        now = here[key]
        assert doc["rev"] <= now["rev"], key
        assert doc["rev"] < now["rev"] or doc == now, (doc, now)
    in_backup = {id for kind, id in there if kind in ("customer", "visit")}
    acked = load.acked()
    assert {id for id, at in acked.items() if at < begun} <= in_backup
    newest = max(load.sent[id] for id in in_backup)
    missing = {id for id, at in acked.items() if at < newest} - in_backup
    assert not missing, f"sent before what is in the backup was acknowledged, but not in it: {missing}"
    assert_gapless([int(doc["number"][8:]) for (kind, _), doc in there.items() if kind == "customer"], "customer numbers")
    return len(in_backup), len(acked)


def compare_media(server, person):
    """Every medium that the backup says is here can be read, byte for byte."""
    count = 0
    for (kind, id), visit in Feed(person).pull(200).docs.items():
        if kind != "visit" or not visit.get("media"):
            continue
        medium = visit["media"][0]
        def ready():
            states = person.sure("GET", "/v1/visits/" + id).json()["media_states"]
            return states[0]["state"] not in ("awaited", "stored") and states
        assert until(ready, "the media of a restored visit")[0]["state"] == "ready"
        answer = person.sure("GET", f"/v1/visits/{id}/media/{medium['id']}/original")
        assert answer.status_code == 200 and digest(answer.content) == medium["sha256"]
        count += 1
    return count


def test_a_backup_under_load_restored_elsewhere_is_equal_up_to_its_position(tmp_path):
    with Server(tmp_path / "live", {"ingest": {"lease": 1000}}) as server:
        company = server.company()
        status, _, error = server.run("backup", str(tmp_path / "refused"), check=False)
        assert status != 0 and error and not (tmp_path / "refused").exists()
        key = tmp_path / "exported.key"
        server.admin("key", "export", str(key))
        load = Load(company, tmp_path)
        until(lambda: load.errors or len(load.acked()) >= 30, "some load")
        boss = Phone(company, "qian")
        cursor = Feed(boss).pull(200).after
        begun = time.time()
        where = position(server.run("backup", str(tmp_path / "backup"))[1])
        acked_then = len(load.acked())
        until(lambda: load.errors or len(load.acked()) >= acked_then + 15, "load after the backup")
        load.end()

        wrong = tmp_path / "wrong.key"
        wrong.write_bytes(make_wrong(key.read_bytes()))
        os.chmod(wrong, 0o600)
        stranger = Server(tmp_path / "stranger", {"store": {"master_key_file": wrong}})
        status, _, error = stranger.run("restore", str(tmp_path / "backup"), check=False)
        assert status != 0 and error
        assert not os.path.exists(os.path.join(stranger.data, "store"))

        other = Server(tmp_path / "other", {"ingest": {"lease": 1000}, "store": {"master_key_file": key}})
        status, _, error = other.run("restore", str(tmp_path / "backup"), check=False)
        assert status != 0 and f"{key}.erasures" in error and "--no-erasures" in error
        shutil.copy(os.path.join(server.data, "master.key.erasures"), f"{key}.erasures")
        other.run("restore", str(tmp_path / "backup"))
        with other:
            company.server = other
            there = Phone(company, "qian", device=boss.device)
            answer = there.sure("GET", "/v1/changes?after=" + cursor)
            assert (answer.status_code, answer.json()["code"]) == (409, "resync"), answer.text
            n_media = compare_media(other, there)
            restored = Feed(there).pull(200)
            company.server = server
            n_here, n_all = compare(Feed(boss).pull(200), restored, load, begun)
            assert_clean(other)
        assert_clean(other)
        print(f"backup up to entry {where}: {n_here} of {n_all} records, {n_media} media")
        assert n_here < n_all, "nothing came after the backup"
        assert_clean(server)


def make_wrong(key):
    """Another key of the same form: hexadecimal digits, the first of them another one."""
    return (b"1" if key[:1] == b"0" else b"0") + key[1:]


# ---- a stop meanwhile ----


@contextlib.contextmanager
def slow(server, call):
    """Each such call of the server's takes two seconds."""
    tracer = subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=" + call, "-e", f"inject={call}:delay_enter=2000000", "-p",
                               str(until(server.server_pid, "the server"))], stderr=subprocess.PIPE, text=True)
    assert "attached" in tracer.stderr.readline()
    try:
        yield
    finally:
        end_tracer(tracer)


@pytest.mark.usefixtures("strace")
def test_a_stop_ends_a_backup_and_lets_requests_end(tmp_path):
    with Server(tmp_path / "live") as server:
        phone = Phone(server.company(), "wang")
        ledger, photos = Ledger(tmp_path / "ledger"), Photos("stop")
        for _ in range(60):
            upload = Upload(phone, ledger, photos.make(1000), "image/jpeg")
            upload.step(60_000)
            assert upload.is_whole()
        server.admin("key", "export", str(tmp_path / "exported.key"))
        with slow(server, "linkat"), concurrent.futures.ThreadPoolExecutor(1) as threads:
            told = threads.submit(server.run, "backup", str(tmp_path / "backup"), check=False)
            until(lambda: os.path.exists(tmp_path / "backup" / "blobs") and os.listdir(tmp_path / "backup" / "blobs"), "the first blob of the backup")
            assert server.stop() == 0, "it was killed when the time for the drain had passed"
            status, _, error = told.result()
        assert status == 1 and "the server is stopping" in error and "is no backup" in error
        other = Server(tmp_path / "other", {"store": {"master_key_file": tmp_path / "exported.key"}})
        assert other.run("restore", str(tmp_path / "backup"), check=False)[0] == 1
        server.start()
        assert_clean(server)
        server.run("backup", str(tmp_path / "another"))
