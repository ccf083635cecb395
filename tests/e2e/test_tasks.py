# SPDX-License-Identifier: Apache-2.0
"""Tasks (REM-02, REM-03) and what comes next today (REM-13)."""
import datetime
import time
import zoneinfo

import pytest

from baifang import NEVER, rfc3339, until, uuid7
from tus import upload
from test_contracts import contract_body, page, photo

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture(scope="module")
def people(company):
    return {login: company.sign_in(login) for login in ("wang", "li", "zhao", "qian")}


def wall(seconds, zone=SHANGHAI):
    return datetime.datetime.fromtimestamp(time.time() + seconds, zone).strftime("%Y-%m-%dT%H:%M")


def set_task(person, title="发方案给客户", due_s=7200, **fields):
    answer = person.post("/v1/tasks", json={"id": uuid7(), "title": title, "due": wall(due_s), "tz": "Asia/Shanghai", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def verb(person, task, name, **body):
    return person.post(f"/v1/tasks/{task}/{name}", headers={"idempotency-key": uuid7()}, **({"json": body} if body or name == "done" else {}))


def fault(answer, status, pointer, code):
    assert answer.status_code == status, answer.text
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json().get("errors", [])], answer.text


def reminder_of(person, task):
    return next((r for r in person.get("/v1/reminders", params={"limit": 200}).json()["items"] if r.get("task") == task), None)


def change(person, task, **body):
    path = "/v1/tasks/" + task
    return person.patch(path, headers={"if-match": person.etag(path)}, json=body)


def test_REM_02_a_task_brings_its_reminder_which_follows_it(people):
    wang = people["wang"]
    customer = wang.customer()["id"]
    task = set_task(wang, customer=customer)
    assert (task["assignee"], task["assigned_by"], task["state"]) == (wang.id, wang.id, "open")
    reminder = reminder_of(wang, task["id"])
    assert (reminder["text"], reminder["due_at"], reminder["customer"], reminder["state"]) == (task["title"], task["due_at"], customer, "planned")
    fault(change(wang, task["id"], title="发第二版方案"), 422, "/reason", "required")
    moved = change(wang, task["id"], due=wall(3 * 86400), reason="客户出差").json()
    assert reminder_of(wang, task["id"])["due_at"] == moved["due_at"] != task["due_at"]
    path = "/v1/reminders/" + reminder["id"]
    fault(wang.patch(path, headers={"if-match": wang.etag(path)}, json={"due": wall(60)}), 409, "/task", "wrong_state")
    done = verb(wang, task["id"], "done", result="方案已确认").json()
    assert (done["state"], done["result"], done["late"]) == ("done", "方案已确认", False)
    assert reminder_of(wang, task["id"])["state"] == "done"
    fault(verb(wang, task["id"], "done"), 409, "/state", "wrong_state")
    fault(change(wang, task["id"], title="x", reason="y"), 409, "/state", "wrong_state")


def test_REM_02_done_from_the_reminder_is_done(people):
    wang = people["wang"]
    task = set_task(wang)
    answer = wang.post(f"/v1/reminders/{reminder_of(wang, task['id'])['id']}/done", headers={"idempotency-key": uuid7()})
    assert answer.status_code == 200, answer.text
    assert wang.get("/v1/tasks/" + task["id"]).json()["state"] == "done"


def test_REM_03_a_supervisor_sets_tasks_for_the_team_and_the_rep_is_told(server, company, people):
    wang, zhao, qian = (people[p] for p in ("wang", "zhao", "qian"))
    other = server.admin("team", "add", company.code, "三组")
    company.add("sun", "孙明", "rep", other)
    sun = company.sign_in("sun")
    task = set_task(zhao, "月底前回访老客户", assignee=wang.id)
    assert (task["assignee"], task["assigned_by"]) == (wang.id, zhao.id)
    assert [n["body"] for n in wang.get("/v1/notifications").json()["items"] if n.get("task") == task["id"]] == ["月底前回访老客户"]
    assert reminder_of(wang, task["id"]) and not reminder_of(zhao, task["id"])
    refused = zhao.post("/v1/tasks", json={"id": uuid7(), "title": "x", "due": wall(60), "assignee": sun.id})
    fault(refused, 422, "/assignee", "unknown")
    fault(wang.post("/v1/tasks", json={"id": uuid7(), "title": "x", "due": wall(60), "assignee": people["li"].id}), 403, "/assignee", "forbidden")
    assert change(wang, task["id"], due=wall(9 * 86400), reason="太忙").status_code == 403, "who set it changes it"
    assert verb(wang, task["id"], "cancel").status_code == 403
    assert verb(zhao, task["id"], "done").status_code == 403, "done is for whom it was set"
    given = change(zhao, task["id"], assignee=people["li"].id, reason="换人")
    assert given.status_code == 200, given.text
    assert reminder_of(people["li"], task["id"])["state"] == "planned" and not reminder_of(wang, task["id"])
    assert wang.get("/v1/tasks/" + task["id"]).status_code == 404
    assert qian.get("/v1/tasks/" + task["id"]).status_code == 200
    assert verb(zhao, task["id"], "cancel").json()["state"] == "cancelled"
    assert reminder_of(people["li"], task["id"])["state"] == "cancelled"


def test_REM_03_the_report_counts_what_was_done_and_what_is_overdue(server):
    company = server.company()
    wang, li, zhao = (company.sign_in(p) for p in ("wang", "li", "zhao"))
    early, late, open_, future = (set_task(wang, due_s=s) for s in (3600, 3600, 3600, 40 * 86400))
    verb(wang, early["id"], "done")
    set_task(li, due_s=3600)
    try:
        server.shift_clock(2 * HOUR)
        for person in (wang, zhao):
            person.refresh()
        assert verb(wang, late["id"], "done").json()["late"]
        today = datetime.datetime.now(SHANGHAI)
        span = {"from": today.strftime("%Y-%m-%d"), "to": (today + datetime.timedelta(days=1)).strftime("%Y-%m-%d")}
        answer = zhao.get("/v1/task_report", params=span)
        assert answer.status_code == 200, answer.text
        rows = {row["user"]: {k: row[k] for k in ("done", "done_late", "open", "overdue")} for row in answer.json()["items"]}
        assert rows[wang.id] == {"done": 1, "done_late": 1, "open": 1, "overdue": 1}
        assert rows[li.id] == {"done": 0, "done_late": 0, "open": 1, "overdue": 1}
        assert {row["name"] for row in answer.json()["items"]} >= {"王伟", "李娜", "赵敏"}
        own = wang.get("/v1/task_report", params=span).json()["items"]
        assert [row["user"] for row in own] == [wang.id], "a rep sees the own row"
        for wrong in ({"from": "2026-02-30"}, {"from": "2026-11-02", "to": "2026-11-01"}, {"from": "2020-01-01", "to": "2026-01-01"}):
            assert zhao.get("/v1/task_report", params=wrong).status_code == 400
    finally:
        server.shift_clock(0)


def test_REM_13_today_is_what_comes_next(server):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    wang, shen = company.sign_in("wang"), company.sign_in("shen")
    empty = wang.get("/v1/today").json()
    assert empty["next"] is None and empty["overdue"]["items"] == [] and empty["customers"] == {}
    customer = wang.customer()
    near = wang.post("/v1/reminders", json={"id": uuid7(), "customer": customer["id"], "text": "带样品复谈", "due": wall(1800), "tz": "Asia/Shanghai", "wake": True}).json()
    wang.post("/v1/reminders", json={"id": uuid7(), "text": "以后", "due": wall(60 * 86400), "tz": "Asia/Shanghai"})
    task = set_task(wang, due_s=1200, wake=True)
    data = photo()
    upload(wang, data)
    contract = wang.post("/v1/contracts", json=contract_body(customer["id"], [page(data)])).json()["contract"]["id"]
    until(lambda: wang.get("/v1/contracts/" + contract).json()["state"] == "uploaded", "the page")
    assert wang.get("/v1/today").json()["contracts"]["items"] == []
    for name, body in (("claim", None), ("reject", {"code": "other", "note": "少盖章"})):
        answer = shen.post(f"/v1/contracts/{contract}/{name}", headers={"idempotency-key": uuid7()}, **({"json": body} if body else {}))
        assert answer.status_code == 200, answer.text
    today = wang.get("/v1/today").json()
    assert today["next"]["task"] == task["id"], "the earliest that is still to come"
    assert [c["id"] for c in today["contracts"]["items"]] == [contract]
    assert today["customers"] == {customer["id"]: customer["name"]}
    try:
        server.shift_clock(25 * MINUTE)
        wang.refresh()
        today = wang.get("/v1/today").json()
        assert [t["id"] for t in today["overdue"]["items"]] == [task["id"]] and today["next"]["id"] == near["id"]
    finally:
        server.shift_clock(0)
    assert shen.get("/v1/today").json()["contracts"]["items"] == []


def test_REM_01_a_customer_whose_turn_it_is_stands_in_today(server):
    company = server.company()
    wang, li, qian = (company.sign_in(p) for p in ("wang", "li", "qian"))
    weekly, monthly = wang.customer(grade="A"), wang.customer(grade="C")
    turn = lambda rep: [item["customer"] for item in rep.get("/v1/today").json()["follow_up"]["items"]]
    assert turn(wang) == []

    def on_day(days):
        server.shift_clock(days * DAY)
        for person in (wang, li, qian):
            person.refresh()
        return int(time.time() * 1000) + days * DAY

    try:
        now = on_day(7)
        assert turn(wang) == [weekly["id"]]
        contact = wang.get("/v1/contacts", params={"customer": weekly["id"]}).json()["items"][0]["id"]
        assert wang.post("/v1/visits", json=wang.visit_body(weekly["id"], now, content="沟通", contacts=[contact])).json()["verdict"]["validity"] != "valid"
        assert turn(wang) == [weekly["id"]], "an invalid record does not count (G-13)"
        receipt = wang.post("/v1/visits", json=wang.visit_body(weekly["id"], now, contacts=[contact])).json()
        assert receipt["verdict"]["validity"] == "valid" and turn(wang) == []
        on_day(14)
        assert turn(wang) == [weekly["id"]]
        moved = qian.post(f"/v1/customers/{weekly['id']}/transfer", headers={"idempotency-key": uuid7()}, json={"owner": li.id, "reason": "交接"})
        assert moved.status_code == 200 and turn(wang) == [] and turn(li) == [weekly["id"]]
        path = "/v1/customers/" + weekly["id"]
        assert li.patch(path, headers={"if-match": li.etag(path)}, json={"grade": "C", "reason": "降级"}).status_code == 200 and turn(li) == []
        on_day(28)
        on_day(30)
        assert turn(wang) == [monthly["id"]]
    finally:
        server.shift_clock(0)
