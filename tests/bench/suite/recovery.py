# SPDX-License-Identifier: Apache-2.0
"""How soon a server on MongoDB answers again once its database is back: front and PostgreSQL behind it, each killed and each stopped."""
import os
import sys
import time

from baifang import Server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
os.environ.setdefault("BF_SOURCE_DIR", ROOT)
sys.path += [os.path.join(ROOT, "tests", "fault"), os.path.join(ROOT, "tests", "fault", "mongo")]
from database import Database  # noqa: E402

AWAY_S, GUARD_S, PAUSE_S = 3, 60, 0.02


def until_good(ask):
    """Seconds until the first answer that is one."""
    began = time.monotonic()
    while time.monotonic() - began < GUARD_S:
        if ask() in (200, 201):
            return time.monotonic() - began
        time.sleep(PAUSE_S)
    raise TimeoutError("no answer after the database was back")


def measure(service, figures):
    found = []
    with Database(breaks=True) as database, Server(os.path.join(service.directory, "recovery"), {"store": {"uri": database.uri}}) as server:
        rep = server.company().sign_in("wang")
        customer = rep.customer()
        for how, back, part in [(database.kill, database.start, "front"), (database.stop, database.go_on, "front"),
                                (database.kill, database.start, "postgres"), (database.stop, database.go_on, "postgres")]:
            how(part)
            time.sleep(AWAY_S)
            back(part)
            read_s = until_good(lambda: rep.get(f"/v1/customers/{customer['id']}").status_code)
            found.append(read_s + until_good(lambda: rep.post("/v1/visits", json=rep.visit_body(customer['id'])).status_code))
            figures.row(f"MongoDB: {how.__name__} of {part} for {AWAY_S} s: read, then create", f"{found[-1]:.2f} s")
    figures.judge("mongo_recovery_s", max(found), 3)
