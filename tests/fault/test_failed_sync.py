# SPDX-License-Identifier: Apache-2.0
"""A disk that fails to sync once. Nobody knows then what reached it, so the server says so, ends, and is started again by its supervisor; opening the store
finds out, and the same request gets its one answer. The committer's next sync is made to fail by strace."""
import contextlib
import os
import subprocess

import httpx
import pytest

from baifang import Server, until
from rig import Ledger, Phone, assert_clean, end_tracer, listed, raw, replay


TRACE = "0af7651916cd43dd8448eb211c80319c"  # as the client's W3C trace context says
pytestmark = pytest.mark.usefixtures("strace")


def thread_of(pid, name):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                return int(task)
    raise AssertionError(f"no thread {name}")


@contextlib.contextmanager
def failing_sync(thread):
    tracer = subprocess.Popen(["strace", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO:when=1",
                               "-p", str(thread)], stderr=subprocess.PIPE, text=True)
    assert "attached" in tracer.stderr.readline()
    try:
        yield
    finally:
        end_tracer(tracer)


def test_after_a_failed_sync_the_server_is_started_anew_and_the_same_request_gets_its_answer(tmp_path):
    with Server(tmp_path / "s") as server:
        server.may_end_with.add(os.EX_IOERR)
        phone, ledger = Phone(server.company(), "wang"), Ledger(tmp_path / "ledger")
        body = phone.customer_body()
        phone.create(ledger, "/v1/customers", body)
        visits = [phone.visit(body["id"], body["primary_contact"]["id"]) for _ in range(3)]
        phone.create(ledger, "/v1/visits", visits[0])
        pid = until(server.server_pid, "the server")
        # over HTTP/1.1: httpx takes a GOAWAY for the end of the request under way
        with failing_sync(thread_of(pid, "committer")), httpx.Client(verify=False, base_url=server.url(), timeout=60) as http1:
            headers = phone.headers({"content-type": "application/json", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
            answer = http1.post("/v1/visits", headers=headers, content=raw(visits[1]))
            assert (answer.status_code, answer.json()["code"], answer.json()["trace_id"]) == (503, "unknown_outcome", TRACE)
            assert server.wait_event("call.failed")["trace_id"] == TRACE, "what the client was told is found in the log"
            server.wait_event("ready", 2)
        assert server.count("store.broken") == 1
        assert [event["value"] for event in server.events if event.get("event") == "supervisor.server_ended"] == [os.EX_IOERR]
        assert server.server_pid() != pid
        for visit in visits[1:]:
            phone.create(ledger, "/v1/visits", visit)
        for item in ledger.of("create"):
            replay(phone, item)
        assert sorted(doc["id"] for doc in listed(phone, "/v1/visits")) == sorted(visit["id"] for visit in visits)
        assert phone.http.get("/readyz").status_code == 200
        assert_clean(server)
