# SPDX-License-Identifier: Apache-2.0
"""No space left: what cannot be kept is refused and says so, what was acknowledged stays, and the server goes on when there is space again."""
import contextlib
import os
import subprocess

import pytest

from baifang import Server, until
from needs import demand
from rig import Ledger, Phone, Photos, Upload, assert_clean, digest, listed, raw, replay, stored_views

DISK_MB = 48


@pytest.fixture
def disk(tmp_path):
    """A file system of its own for the data directory."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", place], capture_output=True, text=True, check=False)
    demand(done.returncode == 0, "nothing may be mounted here: " + done.stderr.strip())
    yield place
    subprocess.run(["umount", place], check=True)


def fill(place):
    """Takes all space that is left."""
    path, chunk = place / "filler", bytes(1 << 16)
    with open(path, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(chunk) == len(chunk):
                pass
        with contextlib.suppress(OSError):
            while file.write(b"\0") == 1:
                pass
    return path


def once(phone, path, body):
    """One try: (status, code or answer)."""
    answer = phone.try_once("POST", path, {"content-type": "application/json"}, raw(body))
    assert answer is not None, "a refusal is an answer"
    if answer.status_code not in (200, 201):
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.status_code, answer.json()["code"]
    return answer.status_code, answer


def read_until_refused(phone, path):
    """How often a record was shown before views could no longer be kept; they are, in memory, for a while."""
    for shown in range(2000):
        answer = phone.try_once("GET", path)
        if answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (507, "no_space"), answer.text
            return shown
    raise AssertionError("records are shown although nobody could note it")


def views_of(server, customer):
    return [view for view in stored_views(server) if (view["entity"], view["action"]) == ("customer", "read") and view["records"][0].hex() == customer.replace("-", "")]


def test_a_full_disk_refuses_and_loses_nothing_and_the_server_goes_on_when_there_is_space(tmp_path, disk):
    with Server(disk / "s") as server:
        server.may_end_with.add(os.EX_IOERR)
        company = server.company()
        phone, ledger = Phone(company, "wang"), Ledger(tmp_path / "ledger")
        body = phone.customer_body()
        phone.create(ledger, "/v1/customers", body)
        customer, contact = body["id"], body["primary_contact"]["id"]
        for _ in range(20):
            phone.create(ledger, "/v1/visits", phone.visit(customer, contact))
        upload = Upload(phone, ledger, Photos("disk").make(2_000_000), "image/jpeg")
        upload.step(500_000)
        filler = fill(disk)

        refused, accepted = [], 0
        while len(refused) < 10 and accepted < 5000:
            visit = phone.visit(customer, contact)
            what = once(phone, "/v1/visits", visit)
            if what[0] == 201:
                accepted += 1
                ledger.note(kind="create", login="wang", path="/v1/visits", id=visit["id"], body=visit, receipt=digest(what[1].content))
            else:
                refused.append((what, visit))
        assert len(refused) == 10, "the disk never filled"
        assert {what for what, _ in refused} <= {(507, "no_space"), (503, "unavailable"), (503, "unknown_outcome")}, [what for what, _ in refused]
        upload.step(200_000)  # less than the stream's window: httpx waits for more of it, even after the answer
        assert upload.acked == upload.ask() < 700_000
        assert phone.faults == 0, "a refusal is an answer"
        shown = read_until_refused(phone, "/v1/customers/" + customer)
        assert shown > 0, "reading needs no space"
        assert phone.http.get("/healthz").status_code == 200
        sick = until(lambda: (answer := phone.http.get("/readyz")).status_code != 200 and answer, "a probe that finds out")  # one a second at most
        assert (sick.status_code, sick.json()["code"], sick.headers["retry-after"]) == (503, "unavailable", "1")

        os.unlink(filler)
        until(lambda: phone.http.get("/readyz").status_code == 200, "a probe that can write")
        until(lambda: phone.try_once("GET", "/v1/customers/" + customer).status_code == 200, "reading to be recorded again")
        for _, visit in refused:
            phone.create(ledger, "/v1/visits", visit)
        while not upload.is_whole():
            upload.step(500_000)
        upload.ask()
        for item in ledger.of("create"):
            replay(phone, item)
        assert sorted(doc["id"] for doc in listed(phone, "/v1/visits")) == sorted(i["id"] for i in ledger.of("create") if i["path"] == "/v1/visits")
        until(lambda: len(views_of(server, customer)) == shown + 1, "each reading to be in the view log")
        assert_clean(server)
        print(f"{accepted} more creates fitted; refusals: {sorted({str(what) for what, _ in refused})}; servers that ended: {server.count('supervisor.server_ended')}")
    assert_clean(server)


def test_views_that_wait_for_space_are_written_or_told_as_lost_when_the_server_ends(tmp_path, disk):
    with Server(disk / "s") as server:
        phone = Phone(server.company(), "wang")
        body = phone.customer_body()
        phone.create(Ledger(tmp_path / "ledger"), "/v1/customers", body)
        path = "/v1/customers/" + body["id"]
        filler = fill(disk)
        shown = read_until_refused(phone, path)
        os.unlink(filler)
        server.stop()
        assert server.count("view_log.lost") == 0

        server.start()
        phone.reconnect()
        assert len(views_of(server, body["id"])) == shown, "there was space again when the server ended"
        filler = fill(disk)
        read_until_refused(phone, path)
        server.stop()
        assert server.count("view_log.lost") > 0
        os.unlink(filler)
        server.start()
        assert_clean(server)
