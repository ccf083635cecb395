# SPDX-License-Identifier: Apache-2.0
"""Digests (G-12, REM-01, REM-12, REM-18, D-02): what a person is told in the morning, once, whatever the server and its clock do. What is expected is
reckoned here, by Python's own zones. Nothing is waited for but what the server does: that nothing came is known when what is due later has come."""
import datetime
import json
import os
import random
import time
import zoneinfo

import pytest

from baifang import Server, rfc3339, until, uuid7

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
HOLIDAYS = {datetime.date(2026, m, d) + datetime.timedelta(days=i) for m, d, n in
            [(1, 1, 3), (2, 15, 9), (4, 4, 3), (5, 1, 5), (6, 19, 3), (9, 25, 3), (10, 1, 7)] for i in range(n)}
MADE_UP = {datetime.date(2026, m, d) for m, d in [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)]}


def works(day):
    return day in MADE_UP or (day not in HOLIDAYS and day.isoweekday() < 6)


def morning(day, zone=SHANGHAI):
    return datetime.datetime.combine(day, datetime.time(8, 30), zone)


def midnight(day, zone=SHANGHAI):
    return datetime.datetime.combine(day, datetime.time(0, 0), zone)


def text(at):
    return rfc3339(int(at.timestamp() * 1000))


class World:
    """A company whose people, and with them the server, live at another time."""

    def __init__(self, server, at):
        self.server, self.people = server, {}
        self.move(at)
        self.company = server.company()
        self.company.add("gu", "顾管", "admin", self.company.team)

    def move(self, at):
        self.ahead = at.timestamp() - time.time()
        self.server.shift_clock(int(self.ahead * 1000))

    def now(self):
        return datetime.datetime.fromtimestamp(time.time() + self.ahead, SHANGHAI)

    def now_ms(self):
        return int((time.time() + self.ahead) * 1000)

    def as_(self, login):
        """Signed in now: whatever passed since the last time."""
        device = self.people[login].device if login in self.people else None
        self.people[login] = self.company.sign_in(login, device)
        return self.people[login]

    def told(self, login, *kinds):
        """The digests that the person was told, oldest first."""
        person, items, query = self.as_(login), [], {"limit": 200}
        while True:
            page = person.get("/v1/notifications", params=query).json()
            items += page["items"]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        mine = [n for n in items if n["user"] == person.id and n["kind"] in (kinds or ("digest_daily", "digest_weekly", "follow_up"))]
        assert all(n["rev"] == 1 for n in mine), "told once, and not again under the same id"
        return sorted(mine, key=lambda n: n["digest"]["date"])

    def visit(self, login, customer, **fields):
        person = self.as_(login)
        contact = person.get("/v1/contacts", params={"customer": customer}).json()["items"][0]["id"]
        answer = person.post("/v1/visits", json=person.visit_body(customer, self.now_ms(), contacts=[contact], **fields))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def task(self, login, due, **fields):
        answer = self.as_(login).post("/v1/tasks", json={"id": uuid7(), "title": "发方案", "due": due.strftime("%Y-%m-%dT%H:%M"), "tz": "Asia/Shanghai", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def overdue_task(self, login):
        return self.task(login, self.now() - datetime.timedelta(minutes=5))

    def wait_told(self, login, kind, day):
        """All so far, once that of the day is there."""
        return until(lambda: (told := self.told(login, kind)) and told[-1]["digest"]["date"] == day and told, f"{kind} of {day} for {login}")


class Bell:
    """A company that works every day and has something to be told: its rep lives an hour's time further west, so is told after those in Shanghai. When
    that came, they were told whatever there was."""

    def __init__(self, server, world):
        self.world = World.__new__(World)
        self.world.server, self.world.people, self.world.ahead = server, {}, world.ahead
        self.world.company = server.company()
        self.world.company.add("gu", "顾管", "admin", self.world.company.team)
        gu = self.world.as_("gu")
        year = datetime.date(2026, 1, 1)
        weekends = [d for d in (year + datetime.timedelta(days=i) for i in range(365)) if d.isoweekday() > 5]
        answer = gu.patch("/v1/calendars/2026", headers={"if-match": gu.etag("/v1/calendars/2026")},
                          json={"reason": "全年营业", "holidays": [], "make_up_days": [str(d) for d in weekends]})
        assert answer.status_code == 200, answer.text
        wang = self.world.as_("wang")
        assert wang.patch("/v1/me", headers={"if-match": wang.etag("/v1/me")}, json={"tz": "Asia/Bangkok"}).status_code == 200
        self.world.overdue_task("wang")

    def wait(self, world, day):
        """Until everything of that day's morning was told."""
        at = morning(day, zoneinfo.ZoneInfo("Asia/Bangkok"))
        self.world.ahead = world.ahead
        if world.now() < at:
            world.move(at + datetime.timedelta(minutes=1))
            self.world.ahead = world.ahead
        until(lambda: str(day) in [n["digest"]["date"] for n in self.world.told("wang", "follow_up")], f"the bell of {day}")


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path) as running:
        yield running


def lines(digest, kind):
    """Of one kind: (count of all, people, {name: count})."""
    found = [line for line in digest["digest"]["lines"] if line["kind"] == kind]
    total = next((line for line in found if "person" not in line), None)
    return total and (total["count"], total.get("people"), {line["name"]: line["count"] for line in found if "person" in line})


def records(digest, kind):
    return [id for line in digest["digest"]["lines"] if line["kind"] == kind for id in line.get("records", [])]


def total(digest, kind):
    line = next(line for line in digest["digest"]["lines"] if line["kind"] == kind)
    return line["count"], line["before"]


def behind(w, login, kind, whose):
    """The records behind one person's line: (type, id, since)."""
    person = w.people[whose].id
    answer = w.as_(login).get(f"/v1/exceptions/{kind}/{person}").json()
    assert person in answer["names"] and not answer["more"]
    return [(item["type"], item["doc"]["id"], item["since"]) for item in answer["items"]]


def test_REM_18_the_daily_digest_says_what_was_left_undone_and_what_was_done(server):
    """Wednesday's, of Tuesday: tasks and follow-ups that are overdue, a visit without a next step; and how much was done, against Monday."""
    w = World(server, datetime.datetime(2026, 3, 2, 10, tzinfo=SHANGHAI))  # a Monday
    wang = w.as_("wang")
    near, far = wang.customer(grade="A"), wang.customer(grade="C")
    w.visit("wang", far["id"], next_step={"text": "寄样品", "due": "2026-03-20T09:00", "tz": "Asia/Shanghai"})
    w.move(datetime.datetime(2026, 3, 10, 10, tzinfo=SHANGHAI))
    task = w.overdue_task("li")
    done = [w.visit("wang", far["id"], content=words)["visit"] for words in ("客户预算已批，下季度采购两台设备", "客户要求本周内报价并演示方案")]
    w.visit("li", w.as_("li").customer()["id"], content="沟通", next_step={"text": "再访", "due": "2026-03-25T09:00", "tz": "Asia/Shanghai"})
    w.move(morning(datetime.date(2026, 3, 11)))
    for login in ("zhao", "qian"):
        digest = w.wait_told(login, "digest_daily", "2026-03-11")[-1]
        assert digest["title"] == "每日简报 2026-03-10"
        assert (digest["digest"]["from"], digest["digest"]["to"]) == (text(midnight(datetime.date(2026, 3, 10))), text(midnight(datetime.date(2026, 3, 11))))
        assert lines(digest, "follow_up_overdue") == (1, 1, {"王伟": 1}) and records(digest, "follow_up_overdue") == [near["id"]]
        assert lines(digest, "tasks_overdue") == (1, 1, {"李娜": 1}) and records(digest, "tasks_overdue") == [task["id"]]
        assert lines(digest, "visits_without_next_step") == (2, 1, {"王伟": 2}) and set(records(digest, "visits_without_next_step")) == {v["id"] for v in done}
        assert lines(digest, "idle_rep") is None and lines(digest, "contracts_sent_back") is None
        assert total(digest, "visits") == (3, 0) and total(digest, "valid_visits") == (2, 0)
        assert behind(w, login, "follow_up_overdue", "wang") == [("customer", near["id"], text(midnight(datetime.date(2026, 3, 10))))]
        assert behind(w, login, "tasks_overdue", "li") == [("task", task["id"], task["due_at"])]
        order = [line["kind"] for line in digest["digest"]["lines"]]
        assert order.index("follow_up_overdue") < order.index("tasks_overdue") < order.index("visits"), "exceptions first"
        assert "王伟" in digest["body"] and "逾期" in digest["body"] and len(digest["body"]) < 1000
    w.visit("wang", near["id"], next_step={"text": "签约", "due": "2026-03-25T09:00", "tz": "Asia/Shanghai"})
    w.move(morning(datetime.date(2026, 3, 12)))
    later = w.wait_told("zhao", "digest_daily", "2026-03-12")[-1]
    assert total(later, "visits") == (1, 3) and total(later, "valid_visits") == (1, 2) and lines(later, "follow_up_overdue") is None


def test_G_12_a_supervisor_is_told_of_the_own_teams_only(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    below = server.admin("team", "add", w.company.code, "一组下", w.company.team)
    other = server.admin("team", "add", w.company.code, "二组")
    for login, name, team in (("sun", "孙下", below), ("zhou", "周别", other)):
        w.company.add(login, name, "rep", team)
        w.overdue_task(login)
    w.company.add("wu", "吴主管", "supervisor", other)
    w.company.add("xu", "徐审", "auditor", other)
    w.move(morning(datetime.date(2026, 3, 4)))
    assert lines(w.wait_told("zhao", "digest_daily", "2026-03-04")[-1], "tasks_overdue") == (1, 1, {"孙下": 1})
    assert lines(w.wait_told("wu", "digest_daily", "2026-03-04")[-1], "tasks_overdue") == (1, 1, {"周别": 1})
    assert lines(w.wait_told("qian", "digest_daily", "2026-03-04")[-1], "tasks_overdue") == (2, 2, {"孙下": 1, "周别": 1})
    for login, names in (("zhao", {"孙下"}), ("wu", {"周别"}), ("qian", {"孙下", "周别"}), ("xu", {"孙下", "周别"})):
        answer = w.as_(login).get("/v1/exceptions").json()["items"]
        words = next(line["words"] for line in answer if "person" not in line and line["kind"] == "tasks_overdue")
        assert words == {"zh-CN": f"{len(names)} 项任务逾期", "en": f"{len(names)} task{'s' if len(names) > 1 else ''} overdue"}
        assert {line["name"] for line in answer if "person" in line and line["kind"] == "tasks_overdue"} == names
    assert w.as_("xu").get("/v1/digest/preview").status_code == 403, "an auditor reads, and is told nothing"
    assert w.as_("wang").get("/v1/exceptions").status_code == 403 and w.as_("wang").get("/v1/digest/preview").status_code == 403


def test_G_12_the_weekly_digest_is_of_the_last_week(server):
    """With its delta against the week before; and a preview is what will be told, as it is now."""
    w = World(server, datetime.datetime(2026, 3, 4, 10, tzinfo=SHANGHAI))
    customer = w.as_("wang").customer(grade="C")["id"]
    step = {"text": "再访", "due": "2026-05-25T09:00", "tz": "Asia/Shanghai"}
    w.visit("wang", customer, content="客户预算已批，下季度采购两台设备", next_step=step)
    w.move(datetime.datetime(2026, 3, 13, 23, 30, tzinfo=SHANGHAI))
    w.visit("wang", customer, content="客户要求本周内报价并演示方案", next_step=step)
    w.visit("wang", customer, content="客户确认样品试用时间与付款方式", next_step=step)
    preview = w.as_("qian").get("/v1/digest/preview").json()
    assert preview["at"] == text(morning(datetime.date(2026, 3, 16))) and preview["digest"]["kind"] == "digest_daily"
    assert total(preview["digest"], "valid_visits") == (2, 0)
    w.move(morning(datetime.date(2026, 3, 16)))
    weekly = w.wait_told("qian", "digest_weekly", "2026-03-16")[-1]
    assert weekly["title"] == "每周简报 2026-03-09 至 2026-03-15" and total(weekly, "visits") == (2, 1)
    daily = w.wait_told("qian", "digest_daily", "2026-03-16")[-1]
    assert daily["title"] == "每日简报 2026-03-13 至 2026-03-15" and daily["body"] == preview["digest"]["body"], "Monday's is of Friday to Sunday"


def test_G_12_an_empty_digest_is_not_sent(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    bell = Bell(server, w)
    for day in (4, 5):
        bell.wait(w, datetime.date(2026, 3, day))
    assert [w.told(login) for login in ("wang", "zhao", "qian")] == [[], [], []]
    assert w.as_("qian").get("/v1/digest/preview").json()["digest"] is None and w.as_("qian").get("/v1/exceptions").json()["items"] == []


def test_G_02_none_on_a_day_of_rest_but_on_a_make_up_saturday(server):
    """28 February 2026 is a Saturday that is worked; Sunday is of rest, and Monday's digest is of both."""
    w = World(server, datetime.datetime(2026, 2, 27, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    for day in (datetime.date(2026, 2, 28), datetime.date(2026, 3, 1), datetime.date(2026, 3, 2)):
        bell.wait(w, day)
    assert [n["digest"]["date"] for n in w.told("wang", "follow_up")] == ["2026-02-28", "2026-03-02"]
    assert [n["title"] for n in w.told("zhao", "digest_daily")] == ["每日简报 2026-02-27", "每日简报 2026-02-28 至 2026-03-01"]
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_weekly")] == ["2026-03-02"]


def test_G_02_the_weekly_one_comes_on_the_first_working_day_of_the_week(server):
    """The week of 4 May 2026 begins on a Wednesday."""
    w = World(server, datetime.datetime(2026, 4, 30, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    for day in (4, 5, 6, 7):
        bell.wait(w, datetime.date(2026, 5, day))
    assert [(n["digest"]["date"], n["title"]) for n in w.told("zhao", "digest_weekly")] == [("2026-05-06", "每周简报 2026-04-27 至 2026-05-03")]
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_daily")] == ["2026-05-06", "2026-05-07"]


def test_G_02_a_year_whose_holidays_are_not_known_is_said(server):
    w = World(server, datetime.datetime(2027, 3, 1, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    w.move(morning(datetime.date(2027, 3, 2)))
    told = w.wait_told("zhao", "digest_daily", "2027-03-02")[-1]
    assert told["digest"]["missing_year"] == 2027 and "2027" in told["body"].splitlines()[-1]
    preview = w.as_("zhao").get("/v1/digest/preview").json()
    assert (preview["date"], preview["tz"], preview["missing_year"]) == ("2027-03-03", "Asia/Shanghai", 2027)


def test_REM_01_a_rep_is_reminded_of_customers_by_grade(server):
    """Weekly, every two weeks, monthly (GRD-02 to GRD-04), on the day by whose end it is due, and of overdue tasks."""
    w = World(server, datetime.datetime(2026, 3, 2, 10, tzinfo=SHANGHAI))
    customers = {grade: w.as_("wang").customer(grade=grade) for grade in "ABC"}
    bell = Bell(server, w)
    for day in (6, 9):
        bell.wait(w, datetime.date(2026, 3, day))
    told = w.told("wang", "follow_up")
    assert [(n["digest"]["date"], records(n, "follow_up_due"), n["body"]) for n in told] == [("2026-03-09", [customers["A"]["id"]], customers["A"]["name"])]
    bell.wait(w, datetime.date(2026, 3, 16))
    assert records(w.told("wang", "follow_up")[-1], "follow_up_due") == [customers["A"]["id"], customers["B"]["id"]]
    task = w.overdue_task("wang")
    bell.wait(w, datetime.date(2026, 4, 1))
    last = w.told("wang", "follow_up")[-1]
    assert set(records(last, "follow_up_due")) == {c["id"] for c in customers.values()} and records(last, "tasks_overdue") == [task["id"]]
    assert last["title"] == "今日待跟进 3 位客户，1 项任务逾期"


def test_D_02_an_idle_rep_makes_one_talk_task_in_an_idle_spell(server):
    w = World(server, datetime.datetime(2026, 3, 2, 10, tzinfo=SHANGHAI))
    customer = w.as_("wang").customer(grade="C")["id"]
    w.visit("wang", customer)
    w.visit("li", w.as_("li").customer(grade="C")["id"])
    bell = Bell(server, w)
    talks = lambda login: [t for t in w.as_(login).get("/v1/tasks", params={"limit": 200}).json()["items"] if "面谈" in t["title"] and t["assignee"] == w.people[login].id]
    w.move(datetime.datetime(2026, 3, 15, 10, tzinfo=SHANGHAI))
    w.visit("li", w.as_("li").customer(grade="C")["id"])
    bell.wait(w, datetime.date(2026, 3, 16))
    assert talks("zhao") == [], "the fourteenth day is not over"
    for day in (17, 18):
        bell.wait(w, datetime.date(2026, 3, day))
        digest = w.told("zhao", "digest_daily")[-1]
        assert lines(digest, "idle_rep")[:2] == (1, 1) and "王伟" in digest["body"]
        for talk in talks("zhao"):
            if talk["state"] == "open":
                assert day == 17 and w.people["zhao"].post(f"/v1/tasks/{talk['id']}/done", headers={"idempotency-key": uuid7()}, json={}).status_code == 200
    assert [(t["title"], t["state"]) for t in talks("zhao")] == [("与王伟面谈：连续 14 天没有有效跟进记录", "done")] and talks("qian") == []
    w.visit("wang", customer, content="客户确认样品试用时间与付款方式")
    bell.wait(w, datetime.date(2026, 3, 19))
    assert not any(line["kind"] == "idle_rep" for line in w.told("zhao", "digest_daily")[-1]["digest"]["lines"])
    bell.wait(w, datetime.date(2026, 4, 3))
    assert len([t for t in talks("zhao") if "王伟" in t["title"]]) == 2, "another spell"


def test_the_same_window_is_told_once_though_the_server_is_killed_and_the_clock_goes_back(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    w.move(morning(datetime.date(2026, 3, 4)) - datetime.timedelta(milliseconds=300))
    server.kill()
    w.move(morning(datetime.date(2026, 3, 4)) + datetime.timedelta(seconds=30))
    server.kill()
    w.move(morning(datetime.date(2026, 3, 4)) + datetime.timedelta(minutes=2))
    bell.wait(w, datetime.date(2026, 3, 4))
    dates = lambda: [[n["digest"]["date"] for n in w.told(login)] for login in ("wang", "zhao", "qian")]
    until(lambda: dates() == [["2026-03-04"]] * 3, "the digests of the day, once each")
    w.move(morning(datetime.date(2026, 3, 4)) - datetime.timedelta(hours=2))
    server.kill()
    w.move(morning(datetime.date(2026, 3, 4)) + datetime.timedelta(minutes=2))
    bell.wait(w, datetime.date(2026, 3, 5))
    until(lambda: dates() == [["2026-03-04", "2026-03-05"]] * 3, "those of the next day, once each")


def test_who_was_not_told_in_time_is_told_the_same_day_and_not_later(server):
    """The server is away over two mornings, and comes back in the afternoon."""
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    server.stop()
    w.move(datetime.datetime(2026, 3, 5, 15, tzinfo=SHANGHAI))
    server.start()
    w.people.clear()
    told = w.wait_told("zhao", "digest_daily", "2026-03-05")
    assert [(n["digest"]["date"], n["title"]) for n in told] == [("2026-03-05", "每日简报 2026-03-04")], "the window is the day's, not since the last run"
    w.move(morning(datetime.date(2026, 3, 6)))
    assert [n["digest"]["date"] for n in w.wait_told("zhao", "digest_daily", "2026-03-06")] == ["2026-03-05", "2026-03-06"]


def test_who_moves_to_another_zone_is_told_by_the_clock_there(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    bell.wait(w, datetime.date(2026, 3, 4))
    zhao = w.as_("zhao")
    assert zhao.patch("/v1/me", headers={"if-match": zhao.etag("/v1/me")}, json={"tz": "America/New_York", "lang": "en"}).status_code == 200
    new_york = zoneinfo.ZoneInfo("America/New_York")
    bell.wait(w, datetime.date(2026, 3, 5))
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_daily")] == ["2026-03-04"], "in New York it is night"
    w.move(morning(datetime.date(2026, 3, 5), new_york) + datetime.timedelta(minutes=1))
    last = w.wait_told("zhao", "digest_daily", "2026-03-05")[-1]
    assert (last["digest"]["date"], last["digest"]["tz"], last["title"]) == ("2026-03-05", "America/New_York", "Daily digest 2026-03-04")
    assert last["digest"]["from"] == text(midnight(datetime.date(2026, 3, 4), new_york)) and "overdue" in last["body"]
    zhao = w.as_("zhao")
    assert zhao.patch("/v1/me", headers={"if-match": zhao.etag("/v1/me")}, json={"tz": None}).status_code == 200
    bell.wait(w, datetime.date(2026, 3, 6))
    assert [(n["digest"]["date"], n["digest"]["tz"]) for n in w.told("zhao", "digest_daily")][2:] == [("2026-03-06", "Asia/Shanghai")], "long before it is morning there"


def test_whom_it_is_for_follows_role_and_freeze(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    server.admin("user", "assign", w.company.code, "li", "supervisor", w.company.team)
    server.admin("freeze", w.company.code, "zhao")
    for day in (4, 5):
        bell.wait(w, datetime.date(2026, 3, day))
    assert [n["digest"]["date"] for n in w.told("li", "digest_daily")] == ["2026-03-04", "2026-03-05"]
    server.admin("unfreeze", w.company.code, "zhao")
    bell.wait(w, datetime.date(2026, 3, 6))
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_daily")] == ["2026-03-06"]


def leave(w, login, deputy, first, last, status=200):
    """The answer to who says to be away on those days."""
    person = w.as_(login)
    body = {"deputy": deputy, "away_from": first and str(first), "away_until": last and str(last)}
    answer = person.patch("/v1/me", headers={"if-match": person.etag("/v1/me")}, json=body)
    assert answer.status_code == status, answer.text
    return [(error["pointer"], error["code"]) for error in answer.json().get("errors", [])]


def test_a_deputy_is_named_by_who_leads_and_sees_as_much(server):
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    above = server.admin("team", "add", w.company.code, "另一组")
    for login, name, role, team in (("wu", "吴主管", "supervisor", above), ("zheng", "郑主管", "supervisor", w.company.team), ("feng", "冯总", "manager", above)):
        w.company.add(login, name, role, team)
    ids = {login: w.as_(login).id for login in ("wang", "zhao", "qian", "wu", "zheng", "feng")}
    named = lambda login: {one["id"]: (one["name"], one["role"]) for one in w.as_(login).get("/v1/deputies").json()["items"]}
    assert named("zhao") == {ids["qian"]: ("钱进", "manager"), ids["feng"]: ("冯总", "manager"), ids["zheng"]: ("郑主管", "supervisor")}
    assert named("qian") == {ids["feng"]: ("冯总", "manager")}
    assert w.as_("wang").get("/v1/deputies").status_code == 403
    day = datetime.date(2026, 3, 4)
    for login, deputy in (("zhao", ids["wang"]), ("zhao", ids["wu"]), ("zhao", ids["zhao"]), ("zhao", uuid7()), ("qian", ids["zhao"])):
        assert leave(w, login, deputy, day, day, 422) == [("/deputy", "bad_deputy")]
    assert leave(w, "zhao", ids["qian"], day, None, 422) == [("/away_until", "required")]
    assert leave(w, "zhao", ids["qian"], day, datetime.date(2026, 3, 2), 422) == [("/away_until", "bad_period")]
    leave(w, "wang", ids["qian"], day, day, 403)
    leave(w, "zhao", ids["zheng"], day, day)
    me = w.as_("zhao").get("/v1/me").json()
    assert (me["deputy"], me["away_from"], me["away_until"]) == (ids["zheng"], "2026-03-04", "2026-03-04")
    w.move(datetime.datetime(2026, 3, 9, 10, tzinfo=SHANGHAI))
    zhao = w.as_("zhao")
    assert zhao.patch("/v1/me", headers={"if-match": zhao.etag("/v1/me")}, json={"phone": "13800001111"}).status_code == 200, "a period that is over is in nobody's way"
    leave(w, "zhao", None, None, None)
    assert "deputy" not in w.as_("zhao").get("/v1/me").json()


def test_REM_18_a_deputy_is_told_while_the_leader_is_away(server):
    """On the days away, both included, instead of the leader and beside what is the deputy's own; who may not stand in any more is not told."""
    w = World(server, datetime.datetime(2026, 3, 3, 10, tzinfo=SHANGHAI))
    w.overdue_task("wang")
    bell = Bell(server, w)
    w.company.add("feng", "冯总", "manager", w.company.team)
    zhao, qian, feng = (w.as_(login).id for login in ("zhao", "qian", "feng"))
    leave(w, "zhao", qian, datetime.date(2026, 3, 4), datetime.date(2026, 3, 5))
    for day in (4, 5, 6):
        bell.wait(w, datetime.date(2026, 3, day))
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_daily")] == ["2026-03-06"]
    told = w.told("qian", "digest_daily")
    assert [n["digest"]["date"] for n in told if "deputy_for" not in n] == ["2026-03-04", "2026-03-05", "2026-03-06"]
    for_zhao = [n for n in told if "deputy_for" in n]
    assert [(n["digest"]["date"], n["deputy_for"], n["title"]) for n in for_zhao] == [
        ("2026-03-04", zhao, "代赵敏：每日简报 2026-03-03"), ("2026-03-05", zhao, "代赵敏：每日简报 2026-03-04")]
    assert lines(for_zhao[0], "tasks_overdue") == (1, 1, {"王伟": 1})
    said = server.admin("explain", w.company.code, for_zhao[0]["id"])
    assert zhao in said and "代理" in said
    leave(w, "zhao", feng, datetime.date(2026, 3, 9), datetime.date(2026, 3, 10))
    bell.wait(w, datetime.date(2026, 3, 9))
    assert "2026-03-09" in [n["digest"]["date"] for n in w.told("feng", "digest_daily") if n.get("deputy_for") == zhao]
    assert "2026-03-09" in [n["digest"]["date"] for n in w.told("feng", "digest_weekly") if n.get("deputy_for") == zhao]
    server.admin("user", "assign", w.company.code, "feng", "auditor")
    bell.wait(w, datetime.date(2026, 3, 10))
    assert [n["digest"]["date"] for n in w.told("zhao", "digest_daily")] == ["2026-03-06", "2026-03-10"]


def test_D_02_the_talk_with_an_idle_rep_is_the_deputys(server):
    w = World(server, datetime.datetime(2026, 3, 2, 10, tzinfo=SHANGHAI))
    for login in ("wang", "li"):
        w.visit(login, w.as_(login).customer(grade="C")["id"])
    bell = Bell(server, w)
    w.move(datetime.datetime(2026, 3, 15, 10, tzinfo=SHANGHAI))
    w.visit("li", w.as_("li").customer(grade="C")["id"])
    leave(w, "zhao", w.as_("qian").id, datetime.date(2026, 3, 17), datetime.date(2026, 3, 17))
    for day in (17, 18):
        bell.wait(w, datetime.date(2026, 3, day))
    talks = {login: [t["title"] for t in w.as_(login).get("/v1/tasks", params={"limit": 200}).json()["items"] if "面谈" in t["title"] and t["assignee"] == w.people[login].id]
             for login in ("zhao", "qian")}
    assert talks == {"zhao": [], "qian": ["与王伟面谈：连续 14 天没有有效跟进记录"]}


# ---- a long time ----

ZONES = ["Asia/Shanghai", "Asia/Urumqi", "America/New_York", "Australia/Lord_Howe"]
SOAK = os.environ.get("BF_SOAK") == "1"


def expected_between(start, end, zone):
    """(date, is it the week's first working day) of each working morning in the zone after `start`, up to `end`."""
    day = start.astimezone(zone).date()
    while True:
        at = morning(day, zone)
        if at > end:
            return
        if at > start and works(day):
            monday = day - datetime.timedelta(days=day.isoweekday() - 1)
            yield str(day), not any(works(monday + datetime.timedelta(days=i)) for i in range((day - monday).days))
        day += datetime.timedelta(days=1)


def expected(people, start, end):
    found = []
    for login, zone in people.items():
        for day, weekly in expected_between(start, end, zoneinfo.ZoneInfo(zone)):
            if login.startswith("rep"):
                found.append((login, "follow_up", day))
            else:
                found += [(login, "digest_daily", day)] + ([(login, "digest_weekly", day)] if weekly else [])
    return sorted(found)


def test_a_long_time_in_four_zones_with_restarts(server):
    """From late September over the clock changes of October and November 2026 (the whole year when BF_SOAK=1); restarts and kills come when chance says."""
    seed = int(os.environ.get("BF_SEED", random.randrange(1 << 30)))
    chance = random.Random(seed)
    print("BF_SEED =", seed)
    start = datetime.datetime(2026, 1, 2, 3, tzinfo=SHANGHAI) if SOAK else datetime.datetime(2026, 9, 21, 3, tzinfo=SHANGHAI)
    end = datetime.datetime(2026, 12, 30, 3, tzinfo=SHANGHAI) if SOAK else datetime.datetime(2026, 11, 18, 3, tzinfo=SHANGHAI)
    w = World(server, start)
    w.company.add("xu", "徐审", "auditor", w.company.team)
    people, ids = {}, {}
    for i, zone in enumerate(ZONES):
        for login, role in ((f"rep{i}", "rep"), (f"manager{i}", "manager")):
            w.company.add(login, login, role, w.company.team)
            person = w.as_(login)
            assert person.patch("/v1/me", headers={"if-match": person.etag("/v1/me")}, json={"tz": zone}).status_code == 200
            people[login], ids[person.id] = zone, login
        w.overdue_task(f"rep{i}")
    begin = w.now()
    xu = w.as_("xu")
    seen = {}

    def told():
        query = {"limit": 200}
        while True:
            page = xu.get("/v1/notifications", params=query)
            assert page.status_code == 200, page.text
            for n in page.json()["items"]:
                if n["user"] in ids and "digest" in n:
                    seen[n["id"]] = (ids[n["user"]], n["kind"], n["digest"]["date"])
            if page.json()["next"] is None:
                return sorted(seen.values())
            query["after"] = page.json()["next"]

    restart = begin + datetime.timedelta(days=chance.uniform(3, 7))
    now = begin
    while now < end:
        now = min(now + datetime.timedelta(hours=chance.uniform(6, 14)), end)
        w.move(now)
        if now >= restart:
            restart = now + datetime.timedelta(days=chance.uniform(3, 7))
            if chance.random() < 0.5:
                server.kill()
            else:
                server.stop()
                server.start()
            now += datetime.timedelta(seconds=20)  # past the leases of what was killed
            w.move(now)
            xu = w.as_("xu")
        xu.refresh()
        wanted = expected(people, begin, now)
        until(lambda: len(told()) >= len(wanted), f"{now}: {len(wanted)} digests")
        assert told() == wanted, f"at {now}"
    assert len(set(told())) == len(told())
    print(json.dumps({"digests": len(told())}))
