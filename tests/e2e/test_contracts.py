# SPDX-License-Identifier: Apache-2.0
"""Contracts and their review (CON-02, CON-03, CON-04, G-05) through the API: from the photo on the rep's phone to the verdict that reaches it."""
import concurrent.futures
import datetime
import hashlib
import json
import subprocess
import zoneinfo

import pytest

from baifang import NEVER, rfc3339, until, uuid7
from tus import upload

SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture(scope="module")
def company(server):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    company.add("tang", "唐复核", "reviewer", company.team)
    return company


@pytest.fixture(scope="module")
def people(company):
    return {login: company.sign_in(login) for login in ("wang", "li", "zhao", "qian", "shen", "tang")}


_photos = iter(range(1, 10000))


def photo():
    """A small JPEG, each unlike all others."""
    n = next(_photos)
    return subprocess.run(["convert", "-size", f"{300 + n}x200", "-seed", str(n), "plasma:fractal", "jpg:-"],
                          capture_output=True, check=True).stdout


def page(data, page_id=None):
    return {"id": page_id or uuid7(), "media": uuid7(), "sha256": hashlib.sha256(data).hexdigest(), "type": "image/jpeg"}


def contract_body(customer, pages, **fields):
    return {"id": uuid7(), "customer": customer, "number": "HT-2026-0717", "amount": {"minor": 12340000, "currency": "CNY"}, "signed_on": "2026-11-20",
            "parties": ["我方有限公司", "华东精工机械有限公司"], "pages": pages, **fields}


def send(rep, data):
    upload(rep, data, "image/jpeg")


def read(person, contract):
    answer = person.get("/v1/contracts/" + contract)
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_state(person, contract, state):
    return until(lambda: (lambda c: c if c["state"] == state else None)(read(person, contract)), state)


def entered(rep, n=1, **fields):
    """A complete contract of n pages."""
    photos = [photo() for _ in range(n)]
    for data in photos:
        send(rep, data)
    answer = rep.post("/v1/contracts", json=contract_body(rep.customer()["id"], [page(data) for data in photos], **fields))
    assert answer.status_code == 201, answer.text
    return in_state(rep, answer.json()["contract"]["id"], "uploaded")


def verb(person, contract, name, body=None, key=None):
    options = {} if body is None else {"json": body}
    return person.post(f"/v1/contracts/{contract}/{name}", headers={"idempotency-key": key or uuid7()}, **options)


def done(person, contract, name, body=None):
    answer = verb(person, contract, name, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def fault(answer, status, pointer, code):
    assert answer.status_code == status, answer.text
    assert (pointer, code) in [(e["pointer"], e["code"]) for e in answer.json().get("errors", [])], answer.text
    return answer.json()


def queue(person, **params):
    answer = person.get("/v1/review_queue", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def queued(person, contract):
    return next((item for item in queue(person, limit=200)["items"] if item["contract"]["id"] == contract), None)


# ---- the rep's side ----


def test_CON_03_pages_may_come_before_the_contract_or_after_it(people):
    wang = people["wang"]
    before, after = photo(), photo()
    send(wang, before)
    pages = [page(before), page(after)]
    answer = wang.post("/v1/contracts", json=contract_body(wang.customer()["id"], pages)).json()
    contract = answer["contract"]["id"]
    assert answer["contract"]["state"] == "awaiting_pages" and answer["awaited"] == [pages[1]["media"]]
    until(lambda: read(wang, contract)["awaited"] == [pages[1]["id"]], "the first page")
    assert read(wang, contract)["state"] == "awaiting_pages" and queued(people["shen"], contract) is None
    send(wang, after)
    whole = in_state(wang, contract, "uploaded")
    assert whole["awaited"] == [] and [p["version"] for p in whole["pages"]] == [1, 1]
    assert {m["page"]: m["state"] for m in whole["media_states"]} == {p["id"]: "ready" for p in pages}
    assert queued(people["shen"], contract)["claimable"]


def test_CON_02_what_a_contract_must_hold(people):
    wang = people["wang"]
    customer, good = wang.customer()["id"], page(photo())
    for field in ("number", "amount", "signed_on", "parties", "pages"):
        body = contract_body(customer, [good])
        del body[field]
        fault(wang.post("/v1/contracts", json=body), 400, "/" + field, "required")
    for change, pointer, code in (({"amount": {"minor": 1, "currency": "XQQ"}}, "/amount/currency", "bad_currency"),
                                  ({"number": " 。"}, "/number", "blank"), ({"parties": ["甲", "  "]}, "/parties/1", "blank"),
                                  ({"pages": [good, {**good, "media": uuid7()}]}, "/pages/1/id", "duplicate"),
                                  ({"pages": [{**good, "type": "audio/ogg"}]}, "/pages/0/type", "unsupported_type"),
                                  ({"replaces": NEVER}, "/replaces", "unknown"), ({"customer": NEVER}, "/customer", "unknown")):
        fault(wang.post("/v1/contracts", json=contract_body(customer, [good]) | change), 422, pointer, code)


def test_the_same_create_again_is_the_same_receipt(people):
    wang = people["wang"]
    body = contract_body(wang.customer()["id"], [page(photo())])
    first, again = (wang.post("/v1/contracts", json=body) for _ in range(2))
    assert (first.status_code, again.status_code, first.content) == (201, 200, again.content)
    assert wang.post("/v1/contracts", json={**body, "number": "HT-2"}).json()["code"] == "id_reused"


def test_G_05_the_rep_changes_pages_until_a_reviewer_claims_it(people):
    wang, shen = people["wang"], people["shen"]
    contract = entered(wang, 2)
    better = photo()
    send(wang, better)
    kept, other = ({k: p[k] for k in ("id", "media", "sha256", "type")} for p in contract["pages"])
    changed = {**page(better), "id": other["id"]}
    path = "/v1/contracts/" + contract["id"]
    answer = wang.patch(path, headers={"if-match": wang.etag(path)}, json={"pages": [changed, kept]})
    assert answer.status_code == 200, answer.text
    assert [(p["id"], p["version"]) for p in answer.json()["pages"]] == [(other["id"], 2), (kept["id"], 1)]
    whole = in_state(wang, contract["id"], "uploaded")
    assert whole["complete_at"] == contract["complete_at"] and whole["due_at"] == contract["due_at"]
    assert len(whole["media_states"]) == 3, "the earlier version stays"
    answer = wang.patch(path, headers={"if-match": wang.etag(path)}, json={"pages": [kept]})
    assert answer.json()["state"] == "uploaded" and len(answer.json()["pages"]) == 1
    done(shen, contract["id"], "claim")
    late = wang.patch(path, headers={"if-match": wang.etag(path)}, json={"pages": [changed]})
    problem = fault(late, 409, "/state", "wrong_state")
    assert problem["code"] == "conflict" and problem["current"]["state"] == "in_review"
    english = wang.patch(path, headers={"if-match": wang.etag(path), "accept-language": "en"}, json={"pages": [changed]}).json()
    assert english["errors"][0]["detail"].startswith("in_review; allowed: ") and "approve" in english["errors"][0]["detail"]


def test_D_03_changed_facts_state_their_reason(people):
    wang = people["wang"]
    path = "/v1/contracts/" + entered(wang)["id"]
    change = lambda body: wang.patch(path, headers={"if-match": wang.etag(path)}, json=body)
    fault(change({"number": "HT-9"}), 422, "/reason", "required")
    assert change({"number": "HT-9", "reason": "抄错了"}).json()["number"] == "HT-9"
    fault(change({"number": "HT-9", "reason": "再来"}), 422, "", "no_change")


def jobs_done(server):
    with server.client() as http:
        return int(float(next(line for line in http.get("/metrics").text.splitlines() if line.startswith("bf_jobs_done_total ")).split()[1]))


def test_a_page_that_cannot_be_decoded_is_awaited_until_another_comes(server, people):
    wang = people["wang"]
    bad, good, better = b"\xff\xd8\xff\xe0 this is no picture" * 20, photo(), photo()
    send(wang, bad)
    pages = [page(bad), page(good)]
    contract = wang.post("/v1/contracts", json=contract_body(wang.customer()["id"], pages)).json()["contract"]["id"]
    until(lambda: "refused" in [m["state"] for m in read(wang, contract)["media_states"]], "the refusal")
    before = jobs_done(server)
    send(wang, good)
    until(lambda: jobs_done(server) >= before + 2, "the second page is ready, and the contract was looked at")
    assert read(wang, contract)["state"] == "awaiting_pages" and read(wang, contract)["awaited"] == [pages[0]["id"]]
    send(wang, better)
    path = "/v1/contracts/" + contract
    wang.patch(path, headers={"if-match": wang.etag(path)}, json={"pages": [page(better, pages[0]["id"]), pages[1]]})
    assert [p["version"] for p in in_state(wang, contract, "uploaded")["pages"]] == [2, 1]


def test_safe_waits_for_the_pages_of_a_contract(people):
    wang = people["wang"]
    data = photo()
    customer = wang.customer()["id"]
    wang.post("/v1/devices", json={"id": wang.device, "name": "手机", "platform": "android"})
    wang.seq += 1
    seq = wang.seq
    pages = [page(data)]
    body = contract_body(customer, pages, device=wang.device, capture_seq=seq)
    assert wang.post("/v1/contracts", json=body).status_code == 201
    safe = lambda: wang.get(f"/v1/devices/{wang.device}/safe").json()
    assert safe()["safe_through"] == seq - 1
    assert [(m["contract"], m["media"], m["capture_seq"]) for m in safe()["media_awaited"]] == [(body["id"], pages[0]["media"], seq)]
    send(wang, data)
    until(lambda: safe()["safe_through"] == seq, "the page")


# ---- the review ----


def test_G_05_of_two_reviewers_at_once_one_wins_and_the_other_sees_who_holds_it(people):
    shen, tang = people["shen"], people["tang"]
    contract = entered(people["wang"])["id"]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda p: verb(p, contract, "claim"), (shen, tang)))
    assert sorted(a.status_code for a in answers) == [200, 409]
    winner, loser = (shen, tang) if answers[0].status_code == 200 else (tang, shen)
    problem = fault(next(a for a in answers if a.status_code == 409), 409, "/reviewer", "held")
    assert problem["current"]["reviewer"] == winner.id
    seen = read(loser, contract)
    assert seen["names"][winner.id] in ("沈复核", "唐复核") and seen["reviewer"] == winner.id
    assert not queued(loser, contract)["claimable"] and queued(winner, contract)["claimable"]
    for name, body in (("approve", None), ("reject", {"code": "other", "note": "x"}), ("release", None), ("draft", {"number": "1", "reason": "x"})):
        fault(verb(loser, contract, name, body), 409, "/reviewer", "held")
    done(winner, contract, "release")
    assert done(loser, contract, "claim")["reviewer"] == loser.id


def test_G_05_a_claim_holds_30_minutes_unless_it_is_renewed(server, people):
    shen, tang = people["shen"], people["tang"]

    def later(minutes):
        server.shift_clock(minutes * MINUTE)
        for person in (shen, tang):
            person.refresh()

    try:
        contract = entered(people["wang"])["id"]
        done(shen, contract, "claim")
        draft = {"number": "HT-改", "reason": "纸上如此"}
        assert done(shen, contract, "draft", draft)["draft"]["number"] == "HT-改"
        later(29)
        assert shen.post(f"/v1/contracts/{contract}/renew").status_code == 200
        later(58)
        fault(verb(tang, contract, "claim"), 409, "/reviewer", "held")
        later(60)
        given_back = in_state(tang, contract, "uploaded")
        assert "reviewer" not in given_back or given_back["reviewer"] is None
        assert given_back["draft"]["number"] == "HT-改", "the draft survives the claim"
        fault(verb(shen, contract, "approve"), 409, "/reviewer", "not_held")
        fault(shen.post(f"/v1/contracts/{contract}/renew"), 409, "/reviewer", "not_held")
        done(tang, contract, "claim")
        assert done(tang, contract, "approve")["number"] == "HT-改"
    finally:
        server.shift_clock(0)
        people.update({p.login: p.company.sign_in(p.login) for p in (shen, tang)})


def test_G_05_who_gave_a_page_never_approves(server, company, people):
    company.add("sun", "孙复核", "rep", company.team)
    sun = company.sign_in("sun")
    contract = entered(sun)["id"]
    server.admin("user", "assign", company.code, "sun", "reviewer", company.team)
    sun = company.sign_in("sun")
    fault(verb(sun, contract, "claim"), 403, "/uploader", "own_page")
    assert not queued(sun, contract)["claimable"]


def test_G_05_rejection_retake_approval(people):
    wang, zhao, shen, tang = (people[p] for p in ("wang", "zhao", "shen", "tang"))
    contract = entered(wang, 2)
    ident, second = contract["id"], contract["pages"][1]
    done(shen, ident, "claim")
    mark = {"id": uuid7(), "media": second["media"], "x": 1000, "y": 2000, "w": 3000, "h": 500, "note": "金额这一行"}
    marked = done(shen, ident, "mark", mark)
    assert marked["marks"][0]["note"] == "金额这一行" and marked["marks"][0]["by"] == shen.id
    fault(verb(shen, ident, "mark", {**mark, "id": uuid7(), "x": 9000, "w": 2000}), 422, "/w", "too_large")
    fault(verb(shen, ident, "mark", {**mark, "id": uuid7(), "media": NEVER}), 422, "/media", "unknown")
    fault(verb(shen, ident, "reject", {"code": "unreadable"}), 422, "/page", "required")
    fault(verb(shen, ident, "reject", {"code": "other"}), 422, "/note", "required")
    with wang.events() as stream:
        rejected = done(shen, ident, "reject", {"code": "unreadable", "page": second["id"], "note": "反光，看不清金额", "mark": mark["id"]})
        assert (rejected["state"], rejected["rejections"]) == ("rejected", 1)

        def told():
            return next((d for kind, d, _ in list(stream.seen) if kind == "change" and d["type"] == "notification" and d["doc"]["kind"] == "retake"), None)

        notice = until(told, "the retake request")["doc"]
    assert notice["title"] == "合同退回：看不清（第 2 页）" and "反光，看不清金额" in notice["body"] and "HT-2026-0717" in notice["body"]
    assert (notice["contract"], notice["rejection"]["page"], notice["mark"]["w"]) == (ident, second["id"], 3000)
    better = photo()
    send(wang, better)
    path = "/v1/contracts/" + ident
    pages = [{k: p[k] for k in ("id", "media", "sha256", "type")} for p in contract["pages"]]
    pages[1] = page(better, second["id"])
    assert wang.patch(path, headers={"if-match": wang.etag(path)}, json={"pages": pages}).status_code == 200
    again = in_state(wang, ident, "uploaded")
    assert again["complete_at"] == contract["complete_at"], "it keeps its place by age"
    assert again["reserved_for"] == shen.id and again["pages"][1]["version"] == 2 and again["marks"] == []
    assert {(m["page"], m["version"]) for m in again["media_states"]} == {(pages[0]["id"], 1), (second["id"], 1), (second["id"], 2)}
    fault(verb(tang, ident, "claim"), 409, "/reserved_for", "reserved")
    done(shen, ident, "claim")
    approved = done(shen, ident, "approve")
    assert approved["state"] == "approved" and approved["reviewer"] == shen.id
    for person in (wang, zhao):
        titles = [n["title"] for n in person.get("/v1/notifications").json()["items"] if n.get("contract") == ident]
        assert "合同已通过" in titles, person.login
    reviews = read(wang, ident)["reviews"]
    assert [(r["outcome"], r["reviewer"]) for r in reviews] == [("approved", shen.id), ("rejected", shen.id)]
    assert mark.items() <= reviews[1]["mark"].items() and "mark" not in reviews[0], "where it was unreadable is known after the retake"
    fault(verb(shen, ident, "approve"), 409, "/state", "wrong_state")


def test_G_05_corrections_keep_the_old_value_and_an_approval_can_be_reopened(people):
    wang, shen, qian = people["wang"], people["shen"], people["qian"]
    contract = entered(wang)["id"]
    done(shen, contract, "claim")
    fault(verb(shen, contract, "draft", {"amount": {"minor": 1, "currency": "CNY"}}), 422, "/reason", "required")
    done(shen, contract, "draft", {"amount": {"minor": 12300000, "currency": "CNY"}, "number": "HT-2026-0717", "reason": "纸上为十二万三千"})
    approved = done(shen, contract, "approve")
    assert approved["amount"]["minor"] == 12300000 and "draft" not in approved
    correction, = approved["corrections"]
    assert correction["before"] == {"amount": {"minor": 12340000, "currency": "CNY"}} and correction["reason"] == "纸上为十二万三千"
    assert correction["by"] == shen.id
    fault(verb(qian, contract, "reopen", {"reason": "  "}), 422, "/reason", "required")
    assert verb(wang, contract, "reopen", {"reason": "我要改"}).status_code == 403
    assert done(qian, contract, "reopen", {"reason": "客户又寄来一页"})["state"] == "uploaded"
    assert read(shen, contract)["reviews"][0]["reason"] == "客户又寄来一页"
    assert queued(shen, contract)["claimable"]


def test_G_05_superseded_by_another_contract(people):
    wang, shen = people["wang"], people["shen"]
    old = entered(wang)
    data = photo()
    send(wang, data)
    new = wang.post("/v1/contracts", json=contract_body(old["customer"], [page(data)], replaces=old["id"])).json()["contract"]["id"]
    assert (read(wang, old["id"])["state"], read(wang, old["id"])["superseded_by"]) == ("superseded", new)
    in_state(wang, new, "uploaded")
    done(shen, new, "claim")
    done(shen, new, "approve")
    data = photo()
    send(wang, data)
    third = wang.post("/v1/contracts", json=contract_body(old["customer"], [page(data)], replaces=new)).json()["contract"]["id"]
    assert read(wang, new)["state"] == "approved", "an approval stands until the next one is approved"
    in_state(wang, third, "uploaded")
    done(shen, third, "claim")
    done(shen, third, "approve")
    assert read(wang, new)["state"] == "superseded"


# ---- the queue ----


def test_G_05_the_queue_is_oldest_first_and_counts_ones_own(server):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    other = server.admin("team", "add", company.code, "二组")
    company.add("zhou", "周立", "rep", other)
    wang, zhou, shen = (company.sign_in(p) for p in ("wang", "zhou", "shen"))
    contracts = [entered(rep)["id"] for rep in (wang, zhou, wang)]
    listed = queue(shen)
    assert [i["contract"]["id"] for i in listed["items"]] == contracts and (listed["waiting"], listed["reviewed_today"]) == (3, 0)
    assert listed["names"][listed["items"][1]["contract"]["uploader"]] == "周立"
    assert all(listed["names"][i["contract"]["customer"]].startswith("客户") for i in listed["items"])
    assert [i["contract"]["id"] for i in queue(shen, team=other)["items"]] == [contracts[1]]
    first = queue(shen, limit=2)
    assert [i["contract"]["id"] for i in first["items"] + queue(shen, limit=2, after=first["next"])["items"]] == contracts
    done(shen, contracts[1], "claim")
    assert queue(shen)["items"][1]["held_until"] is not None
    done(shen, contracts[1], "reject", {"code": "page_missing", "note": "少签字页"})
    done(shen, contracts[0], "claim")
    done(shen, contracts[0], "approve")
    listed = queue(shen)
    assert [i["contract"]["id"] for i in listed["items"]] == [contracts[2]] and (listed["waiting"], listed["reviewed_today"]) == (1, 2)
    for login in ("wang", "zhao"):
        assert company.sign_in(login).get("/v1/review_queue").status_code == 403


def next_working_day(ms):
    """One working day after: Monday to Friday, from 9:00 to 18:00 in Shanghai; for days that no holiday touches."""
    at = datetime.datetime.fromtimestamp(ms / 1000, SHANGHAI)
    while at.weekday() >= 5 or at.hour >= 18:
        at = (at + datetime.timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    if at.hour < 9:
        at = at.replace(hour=9, minute=0, second=0, microsecond=0)
    at += datetime.timedelta(days=1)
    while at.weekday() >= 5:
        at += datetime.timedelta(days=1)
    return round(at.timestamp() * 1000)


def test_G_05_due_in_one_working_day_and_overdue_after_it(server, people):
    shen = people["shen"]
    contract = entered(people["wang"])
    parse = lambda text: round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    assert parse(contract["due_at"]) == next_working_day(parse(contract["complete_at"]))
    assert not queued(shen, contract["id"])["overdue"]
    try:
        server.shift_clock(5 * 24 * HOUR)
        shen = people["shen"].company.sign_in("shen")
        assert queued(shen, contract["id"])["overdue"]
    finally:
        server.shift_clock(0)


def test_a_change_is_seen_live_by_the_other_reviewer(people):
    shen, tang = people["shen"], people["tang"]
    contract = entered(people["wang"])["id"]
    with tang.events() as stream:
        done(shen, contract, "claim")

        def claimed():
            return next((d for kind, d, _ in list(stream.seen) if kind == "change"
                         and d["type"] == "contract" and d["id"] == contract and d["doc"].get("reviewer") == shen.id), None)

        assert until(claimed, "the claim")["doc"]["state"] == "in_review"


# ---- who sees what ----


def test_CON_04_only_named_posts_see_contracts(server, company, people):
    wang, li, zhao, qian, shen = (people[p] for p in ("wang", "li", "zhao", "qian", "shen"))
    for login, role in (("kefu", "service"), ("guan", "admin"), ("shenji", "auditor")):
        company.add(login, login, role, company.team)
    contract = entered(wang)
    path = "/v1/contracts/" + contract["id"]
    media = f"{path}/media/{contract['pages'][0]['media']}/large"
    for person in (wang, zhao, qian, shen, company.sign_in("shenji")):
        assert read(person, contract["id"])["amount"]["minor"] == 12340000, person.login
        answer = person.get(media)
        assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
    stranger = server.company().sign_in("wang")
    for person in (li, company.sign_in("kefu"), company.sign_in("guan"), stranger):
        assert person.get(path).status_code in (403, 404), person.login
        assert person.get(media).status_code in (403, 404), person.login
    for name in ("claim", "approve"):
        assert verb(li, contract["id"], name).status_code == 403
        assert verb(wang, contract["id"], name).status_code == 403
    assert shen.get("/v1/customers/" + contract["customer"]).status_code in (403, 404), "a reviewer sees no customer"
    assert li.get(f"/v1/visits/{NEVER}/media/{contract['pages'][0]['media']}/large").status_code == 404


def test_every_role_tries_every_action_on_a_contract(company, people):
    """Who may not is refused, whatever state it is in, and nothing changes."""
    may = {"claim": {"reviewer"}, "release": {"reviewer"}, "renew": {"reviewer"}, "draft": {"reviewer"}, "mark": {"reviewer"}, "unmark": {"reviewer"},
           "approve": {"reviewer"}, "reject": {"reviewer"}, "reopen": {"reviewer", "manager"}}
    contract = entered(people["wang"])
    body = {"draft": {"number": "X", "reason": "y"}, "mark": {"id": uuid7(), "media": contract["pages"][0]["media"], "x": 0, "y": 0, "w": 1, "h": 1}, "unmark": {"id": NEVER},
            "reject": {"code": "page_missing"}, "reopen": {"reason": "z"}}
    for role in ("rep", "supervisor", "manager", "reviewer", "service", "admin", "auditor"):
        login = "alle" + role
        company.add(login, login, role, company.team)
        person = company.sign_in(login)
        for action, roles in may.items():
            answer = verb(person, contract["id"], action, body.get(action))
            if role not in roles:
                assert answer.status_code in (403, 404), (role, action, answer.text)
            else:
                assert answer.status_code in (200, 409, 422), (role, action, answer.text)
        path = "/v1/contracts/" + contract["id"]
        answer = person.patch(path, headers={"if-match": people["wang"].etag(path)}, json={"number": "Y", "reason": "z"})
        assert answer.status_code in (403, 404, 409), (role, answer.text)
        if role != "reviewer":
            assert read(people["wang"], contract["id"])["rev"] == contract["rev"], role
        else:
            contract = read(people["wang"], contract["id"])


def test_a_contract_follows_its_customer(people):
    wang, li, qian = people["wang"], people["li"], people["qian"]
    contract = entered(wang)
    moved = qian.post(f"/v1/customers/{contract['customer']}/transfer", headers={"idempotency-key": uuid7()}, json={"owner": li.id, "reason": "交接"})
    assert moved.status_code == 200, moved.text
    assert read(li, contract["id"])["id"] == contract["id"] and wang.get("/v1/contracts/" + contract["id"]).status_code == 404
    until(lambda: contract["id"] in [c["id"] for c in li.get("/v1/contracts").json()["items"]], "the list of the new owner")
    assert contract["id"] not in [c["id"] for c in wang.get("/v1/contracts", params={"limit": 200}).json()["items"]]
    done(people["shen"], contract["id"], "claim")
    done(people["shen"], contract["id"], "reject", {"code": "wrong_customer"})
    told = [n for n in li.get("/v1/notifications").json()["items"] if n.get("contract") == contract["id"]]
    assert [n["kind"] for n in told] == ["retake"], "the rep of today is told"
