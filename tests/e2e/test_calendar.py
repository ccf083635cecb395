# SPDX-License-Identifier: Apache-2.0
"""The company's working-day calendar (G-02): what is shipped, what a company makes of it, and who may."""
import pytest

from baifang import Feed, at_once

OFF_2026 = {"01-01": 3, "02-15": 9, "04-04": 3, "05-01": 5, "06-19": 3, "09-25": 3, "10-01": 7}  # 国办发明电〔2025〕7号: from when on, days
WORKED_2026 = ["2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"]
ROLES = {"wang": "rep", "zhao": "supervisor", "qian": "manager", "rui": "reviewer", "fu": "service", "xu": "auditor"}


@pytest.fixture
def people(server):
    """One of each role in a company of its own; `gu` is its administrator."""
    company = server.company()
    for login, role in [("rui", "reviewer"), ("fu", "service"), ("xu", "auditor"), ("gu", "admin")]:
        company.add(login, login, role, company.team)
    return {login: company.sign_in(login) for login in [*ROLES, "gu"]}


def path(year):
    return f"/v1/calendars/{year}"


def change(person, year, etag=None, **fields):
    return person.patch(path(year), json={"reason": "公司安排", **fields}, headers={"if-match": etag or person.etag(path(year))})


def refused(answer, status, code, *errors):
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert [(e["pointer"], e["code"]) for e in body.get("errors", [])] == list(errors), body
    return body


def test_everybody_reads_the_year_as_it_was_shipped(people):
    off = [f"2026-{first[:2]}-{int(first[3:]) + i:02d}" for first, days in OFF_2026.items() for i in range(days)]
    for person in people.values():
        answer = person.get(path(2026))
        body = answer.json()
        assert (answer.status_code, body["year"], body["origin"], body["rev"]) == (200, 2026, "shipped", 0)
        assert body["notice"] == "国办发明电〔2025〕7号"
        assert body["holidays"] == off and body["make_up_days"] == WORKED_2026
        assert "etag" in answer.headers


def test_a_year_that_was_not_announced_is_missing(people):
    for year in (2000, 2027, 2100):
        body = people["wang"].get(path(year)).json()
        assert (body["year"], body["origin"], body["holidays"], body["make_up_days"]) == (year, "missing", [], [])
        assert "notice" not in body
    for year in ("1999", "2101", "26", "02026", "+2026", "2026 ", "二〇二六"):
        assert people["wang"].get(path(year)).status_code == 404, year


def test_nobody_but_an_administrator_changes_it(people):
    for login in ROLES:
        refused(change(people[login], 2027, holidays=["2027-01-01"]), 403, "forbidden")
    assert people["wang"].get(path(2027)).json()["origin"] == "missing"
    assert change(people["gu"], 2027, holidays=["2027-01-01"]).status_code == 200


def test_a_company_enters_a_year_and_takes_it_back(people, server):
    gu, wang = people["gu"], people["wang"]
    first = change(gu, 2027, holidays=["2027-02-08", "2027-01-01"], make_up_days=["2027-02-20"], remark="预计")
    entered = first.json()
    assert (first.status_code, entered["rev"], entered["origin"], entered["year"]) == (200, 1, "company", 2027)
    assert entered["holidays"] == ["2027-01-01", "2027-02-08"] and entered["make_up_days"] == ["2027-02-20"] and entered["remark"] == "预计"
    assert wang.get(path(2027)).json() == entered and wang.etag(path(2027)) == first.headers["etag"]
    assert wang.get(path(2026)).json()["origin"] == "shipped"
    other = server.company().sign_in("wang")
    assert other.get(path(2027)).json()["origin"] == "missing" and other.get(path(2027)).json()["id"] != entered["id"]
    back = change(gu, 2027, holidays=None, make_up_days=None).json()
    assert (back["origin"], back["holidays"], back["rev"]) == ("missing", [], 2)
    assert wang.get(path(2027)).json() == back


def test_a_company_works_other_days_than_the_notice_says(people):
    """What it did not change is kept beside it; a remark alone makes the year no calendar of its own."""
    gu = people["gu"]
    remarked = change(gu, 2026, remark="以通知为准").json()
    assert (remarked["origin"], remarked["rev"]) == ("shipped", 1)
    changed = change(gu, 2026, make_up_days=WORKED_2026[:-1]).json()
    assert changed["origin"] == "company" and changed["make_up_days"] == WORKED_2026[:-1] and len(changed["holidays"]) == sum(OFF_2026.values())
    refused(change(gu, 2026, holidays=["2026-09-20"]), 422, "unprocessable", ("/make_up_days/4", "duplicate"))


def test_a_change_is_for_the_state_that_was_seen(people):
    gu = people["gu"]
    etag = gu.etag(path(2027))
    refused(gu.patch(path(2027), json={"holidays": [], "reason": "试"}), 428, "precondition_required", ("If-Match", "required"))
    first = change(gu, 2027, etag, holidays=["2027-01-01"])
    again = change(gu, 2027, etag, holidays=["2027-01-01"])
    assert first.status_code == again.status_code == 200 and first.content == again.content  # the same request
    late = change(gu, 2027, etag, holidays=["2027-01-02"])
    assert refused(late, 412, "stale")["current"] == first.json() and late.headers["etag"] == first.headers["etag"]
    ahead = change(gu, 2025, first.headers["etag"], holidays=[])  # a revision that 2025 has not
    assert refused(ahead, 412, "stale")["current"] == gu.get(path(2025)).json() and ahead.headers["etag"] == etag


def test_of_many_first_changes_at_once_one_is_made(people):
    gu = people["gu"]
    etag = gu.etag(path(2028))
    answers = at_once([lambda i=i: change(gu, 2028, etag, holidays=[f"2028-01-{i + 1:02d}"]) for i in range(8)])
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1 and sorted(a.status_code for a in answers) == [200] + [412] * 7
    assert gu.get(path(2028)).json() == won[0].json()


def test_a_change_says_something_of_that_year(people):
    gu = people["gu"]
    refused(gu.patch(path(2027), json={"holidays": ["2027-01-01"]}, headers={"if-match": gu.etag(path(2027))}), 422, "unprocessable", ("/reason", "required"))
    refused(change(gu, 2027, holidays=["2027-01-01", "2026-12-31", "2027-01-01"]), 422, "unprocessable", ("/holidays/1", "wrong"), ("/holidays/2", "duplicate"))
    refused(change(gu, 2027, holidays=["2027-02-29"]), 400, "invalid_body", ("/holidays/0", "bad_date"))
    refused(change(gu, 2027, holidays=["2027-01-01"] * 121), 400, "invalid_body", ("/holidays", "too_long"))
    refused(change(gu, 2027, origin="shipped"), 400, "invalid_body", ("/origin", "read_only"))
    assert gu.get(path(2027)).json()["rev"] == 0


def test_the_calendar_is_kept_and_no_phone_has_to_hold_it(people, server):
    gu = people["gu"]
    entered = change(gu, 2027, holidays=["2027-01-01"]).json()
    server.kill()
    gu.reconnect()
    assert gu.get(path(2027)).json() == entered
    assert entered["id"] not in Feed(people["qian"].reconnect()).pull().ids()


def test_working_hours_are_numbers_of_the_company(people, server):
    company, wang = people["wang"].company, people["wang"]
    before = wang.get("/v1/policy").json()
    assert (before["work_from_hour"], before["work_to_hour"]) == (9, 18)
    server.admin("policy", company.code, input='{"work_from_hour":8,"work_to_hour":17,"reason":"夏季作息"}')
    after = wang.get("/v1/policy").json()
    assert (after["work_from_hour"], after["work_to_hour"]) == (8, 17)
    status, _, error = server.run("admin", "policy", company.code, input='{"work_to_hour":8,"reason":"试"}', check=False)
    assert status != 0 and "ends after it begins" in error
