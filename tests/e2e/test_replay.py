# SPDX-License-Identifier: Apache-2.0
"""The same request again gives the first receipt byte for byte: after a later change, after a restart, and when sixteen come at once. What is not
quite the same request is told so."""
import json

import pytest

from baifang import PASSWORD, Server, at_once, rfc3339, uuid7

MANY = 16
NOW = rfc3339(1795320000000)  # the tests of this file do not mind the server's clock


@pytest.fixture(scope="module")
def wang(company):
    return company.sign_in("wang")


@pytest.fixture(scope="module")
def qian(company):
    return company.sign_in("qian")


@pytest.fixture(scope="module")
def customer(wang):
    return wang.customer()


def raw(body):
    return json.dumps(body, ensure_ascii=False).encode()


def send(person, method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        headers["content-type"] = "application/json"
    return person.request(method, path, headers=headers, content=b"" if body is None else raw(body))


def problem(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def contact_of(person, customer):
    return person.get("/v1/contacts", params={"customer": customer["id"]}).json()["items"][0]["id"]


def visit_of(person, customer, **fields):
    return {"id": uuid7(), "customer": customer["id"], "mode": "visit", "content": "客户确认下季度采购两台设备，预算已批", "happened_at": NOW,
            "captured_at": NOW, **fields}


CREATES = {
    "customers": lambda p, c: {"id": uuid7(), "type": "company", "name": "客户" + uuid7(), "industry": "retail", "grade": "B", "phone": "13800138000",
                               "primary_contact": {"id": uuid7(), "name": "陈经理", "phone": "13900139000"}},
    "contacts": lambda p, c: {"id": uuid7(), "customer": c["id"], "name": "刘工", "phone": "13700137000"},
    "visits": lambda p, c: visit_of(p, c, contacts=[contact_of(p, c)], next_step={"text": "发送合同草案", "due": "2090-03-05T09:00"},
                                    media=[{"id": uuid7(), "kind": "voice", "sha256": "ab" * 32, "type": "audio/ogg", "consent_at": NOW}]),
    "supplements": lambda p, c: {"id": uuid7(), "visit": logged_visit(p, c)["id"], "content": "客户来电补充：首批要五台", "captured_at": NOW},
    "devices": lambda p, c: {"id": uuid7(), "name": "备用手机", "platform": "ios"},
    "reminders": lambda p, c: {"id": uuid7(), "customer": c["id"], "text": "回访", "due": "2090-03-05T09:00"},
}


def logged_visit(person, customer, **fields):
    answer = send(person, "POST", "/v1/visits", visit_of(person, customer, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()["visit"]


@pytest.fixture(scope="module", params=sorted(CREATES))
def create(request, wang, customer):
    return "/v1/" + request.param, CREATES[request.param](wang, customer)


def same(first, again, status=200):
    assert again.status_code == status, again.text
    assert again.content == first.content and again.headers.get("etag") == first.headers.get("etag")


def test_a_create_that_is_sent_again_gets_the_first_receipt_with_200(wang, create):
    path, body = create
    first = send(wang, "POST", path, body)
    assert first.status_code == 201, first.text
    same(first, send(wang, "POST", path, body))


def test_the_id_of_a_create_with_another_body_is_refused_and_changes_nothing(wang, create):
    path, body = create
    send(wang, "POST", path, body)
    first = wang.get(f"{path}/{body['id']}")
    changed = {**body, **{key: value + "二" for key, value in body.items() if key in ("name", "content", "text")}}
    assert changed != body
    problem(send(wang, "POST", path, changed), 409, "id_reused")
    same(first, wang.get(f"{path}/{body['id']}"))


def test_sixteen_equal_creates_at_once_make_one_record_and_one_receipt(wang, customer):
    for kind, make in sorted(CREATES.items()):
        body = make(wang, customer)
        answers = at_once([lambda kind=kind, body=body: send(wang, "POST", "/v1/" + kind, body)] * MANY)
        assert sorted(a.status_code for a in answers) == [200] * (MANY - 1) + [201], [a.text for a in answers]
        assert len({a.content for a in answers}) == 1
        assert wang.get(f"/v1/{kind}/{body['id']}").headers["etag"] == answers[0].headers["etag"]


def test_sixteen_connections_with_one_create_get_one_receipt(server, wang, customer):
    body = CREATES["visits"](wang, customer)
    clients = [server.client() for _ in range(MANY)]
    for client in clients:
        assert client.get("/healthz").status_code == 200
    answers = at_once([lambda c=c: c.post("/v1/visits", content=raw(body), headers=wang.headers({"content-type": "application/json"})) for c in clients])
    assert sorted(a.status_code for a in answers) == [200] * (MANY - 1) + [201]
    assert len({a.content for a in answers}) == 1
    for client in clients:
        client.close()


def test_a_create_gets_its_first_receipt_after_a_later_change(wang):
    body = CREATES["customers"](wang, None)
    first = send(wang, "POST", "/v1/customers", body)
    changed = send(wang, "PATCH", f"/v1/customers/{body['id']}", {"grade": "A", "reason": "签约在即"}, if_match=first.headers["etag"])
    assert changed.status_code == 200 and changed.json()["rev"] == 2
    again = send(wang, "POST", "/v1/customers", body)
    same(first, again)
    assert again.json()["grade"] == "B"
    assert wang.get(f"/v1/customers/{body['id']}").json()["grade"] == "A"


def test_a_patch_is_judged_by_if_match_but_a_replay_is_found_before_that(wang):
    made = wang.customer()
    path = f"/v1/customers/{made['id']}"
    etag = wang.etag(path)
    first = send(wang, "PATCH", path, {"remark": "一", "reason": "补充"}, if_match=etag)
    assert first.status_code == 200 and first.json()["remark"] == "一"
    second = send(wang, "PATCH", path, {"remark": "二", "reason": "更正"}, if_match=first.headers["etag"])
    assert second.status_code == 200
    same(first, send(wang, "PATCH", path, {"remark": "一", "reason": "补充"}, if_match=etag))
    refused = send(wang, "PATCH", path, {"remark": "三", "reason": "补充"}, if_match=etag)
    now = wang.get(path).json()
    del now["names"]
    assert problem(refused, 412, "stale")["current"] == now == second.json()
    assert refused.headers["etag"] == second.headers["etag"]
    problem(send(wang, "PATCH", path, {"remark": "三", "reason": "补充"}), 428, "precondition_required")
    # An ETag from before a restore is stale like any other.
    foreign = '"0-' + etag.strip('"').split("-")[1] + '"'
    assert problem(send(wang, "PATCH", path, {"remark": "三", "reason": "补充"}, if_match=foreign), 412, "stale")["current"] == second.json()


def test_a_patch_with_a_key_is_the_same_request_whatever_if_match_says(wang):
    made = wang.customer()
    path, key = f"/v1/customers/{made['id']}", uuid7()
    etag = wang.etag(path)
    first = send(wang, "PATCH", path, {"remark": "一", "reason": "补充"}, if_match=etag, idempotency_key=key)
    assert first.status_code == 200
    same(first, send(wang, "PATCH", path, {"remark": "一", "reason": "补充"}, if_match=first.headers["etag"], idempotency_key=key))
    problem(send(wang, "PATCH", path, {"remark": "二", "reason": "补充"}, if_match=first.headers["etag"], idempotency_key=key), 409, "id_reused")
    assert wang.get(path).json()["rev"] == 2


def test_renames_that_race_with_guessed_etags_are_judged_one_by_one(server, wang):
    """ETags can be guessed: the second rename names the state that the first one makes, while its own read set was made before that."""
    made = wang.customer()
    path, pid = f"/v1/customers/{made['id']}", server.server_pid()
    incarnation = wang.etag(path).strip('"').split("-")[0]
    for _ in range(60):
        rev = wang.get(path).json()["rev"]
        answers = at_once([lambda i=i: send(wang, "PATCH", path, {"name": "客户" + uuid7(), "reason": "更名"}, if_match=f'"{incarnation}-{rev + i}"')
                           for i in range(4)])
        assert {a.status_code for a in answers} <= {200, 412}, [a.text for a in answers]
        # Every rename that went through gave the name before it back, and none of another's.
        assert wang.get(path).json()["rev"] == rev + sum(a.status_code == 200 for a in answers)
    assert server.server_pid() == pid, "the server is the same process"


def new_reminder(person, customer):
    body = CREATES["reminders"](person, customer)
    assert send(person, "POST", "/v1/reminders", body).status_code == 201
    return f"/v1/reminders/{body['id']}"


def test_a_verb_needs_a_key_or_if_match_and_its_replay_acts_once(wang, customer):
    path = new_reminder(wang, customer)
    problem(send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}), 428, "precondition_required")
    first = send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="morning")
    assert first.status_code == 200 and first.json()["snoozes"] == 1
    later = send(wang, "POST", path + "/snooze", {"due": "2090-03-07T09:00"}, idempotency_key="evening")
    assert later.status_code == 200 and later.json()["snoozes"] == 2
    same(first, send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="morning"))
    problem(send(wang, "POST", path + "/snooze", {"due": "2090-03-08T09:00"}, idempotency_key="morning"), 409, "id_reused")
    problem(send(wang, "POST", path + "/done", idempotency_key="morning"), 409, "id_reused")
    assert wang.get(path).content == later.content
    # The same act may be right twice, under another key.
    assert send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="noon").json()["snoozes"] == 3


def test_a_verb_by_if_match_is_replayed_by_its_body(wang, customer):
    path = new_reminder(wang, customer)
    etag = wang.etag(path)
    first = send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, if_match=etag)
    assert first.status_code == 200
    same(first, send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, if_match=etag))
    refused = send(wang, "POST", path + "/snooze", {"due": "2090-03-09T09:00"}, if_match=etag)
    assert problem(refused, 412, "stale")["current"] == first.json()


def test_one_persons_key_is_nothing_to_another(company, wang, customer):
    li = company.sign_in("li")
    mine, path = new_reminder(wang, customer), new_reminder(li, li.customer())
    key = uuid7()
    assert send(wang, "POST", mine + "/cancel", idempotency_key=key).json()["id"] in mine
    answer = send(li, "POST", path + "/cancel", idempotency_key=key)
    assert answer.status_code == 200 and answer.json()["id"] in path


def test_sixteen_equal_verbs_at_once_act_once(wang, customer):
    path = new_reminder(wang, customer)
    answers = at_once([lambda: send(wang, "POST", path + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="at once")] * MANY)
    assert {a.status_code for a in answers} == {200} and len({a.content for a in answers}) == 1
    assert answers[0].json()["snoozes"] == 1 and answers[0].json()["rev"] == 2


def test_sixteen_different_patches_on_one_state_let_one_through(wang, customer):
    path = new_reminder(wang, customer)
    etag = wang.etag(path)
    answers = at_once([lambda i=i: send(wang, "PATCH", path, {"text": f"回访 {i}"}, if_match=etag) for i in range(MANY)])
    assert sorted(a.status_code for a in answers) == [200] + [412] * (MANY - 1)
    winner = next(a for a in answers if a.status_code == 200)
    assert wang.get(path).content == winner.content
    assert all(a.json()["current"] == winner.json() for a in answers if a.status_code == 412)


def test_a_transfer_that_is_sent_again_after_the_way_back_moves_nothing(wang, qian, company):
    made = wang.customer()
    li = company.sign_in("li")
    path = f"/v1/customers/{made['id']}/transfer"
    away = send(qian, "POST", path, {"owner": li.id, "reason": "休假"}, idempotency_key="away")
    assert away.status_code == 200 and away.json()["owner"] == li.id
    assert send(qian, "POST", path, {"owner": wang.id, "reason": "回来了"}, idempotency_key="back").status_code == 200
    same(away, send(qian, "POST", path, {"owner": li.id, "reason": "休假"}, idempotency_key="away"))
    assert wang.get(f"/v1/customers/{made['id']}").json()["owner"] == wang.id


def test_a_confirmation_is_judged_once(wang, customer):
    contact = contact_of(wang, customer)
    voice = {"id": uuid7(), "kind": "voice", "sha256": "cd" * 32, "type": "audio/ogg", "consent_at": NOW}
    visit = send(wang, "POST", "/v1/visits", visit_of(wang, customer, contacts=[contact], content="", media=[voice]))
    assert visit.json()["verdict"]["validity"] == "waiting", visit.text
    visit_path = f"/v1/visits/{visit.json()['visit']['id']}"
    transcript = wang.get(visit_path).json()["transcripts"][0]
    path = f"/v1/transcripts/{transcript['id']}/confirm"
    first = send(wang, "POST", path, {"text": "客户要求下周演示两台样品，预算五万元"}, idempotency_key="confirm")
    assert first.status_code == 200 and first.json()["verdict"]["validity"] == "valid", first.text
    same(first, send(wang, "POST", path, {"text": "客户要求下周演示两台样品，预算五万元"}, idempotency_key="confirm"))
    problem(send(wang, "POST", path, {"text": "另一段话，客户不要了，预算取消"}, idempotency_key="again"), 409, "conflict")
    assert len(wang.get(visit_path).json()["verdicts"]) == 2


def test_a_dry_run_is_no_replay_and_leaves_none(wang, customer):
    body = visit_of(wang, customer, contacts=[contact_of(wang, customer)])
    dry = send(wang, "POST", "/v1/visits?dry_run=1", body)
    assert dry.status_code == 200 and dry.json()["visit"]["id"] == body["id"], dry.text
    assert wang.get(f"/v1/visits/{body['id']}").status_code == 404
    real = send(wang, "POST", "/v1/visits", body)
    assert real.status_code == 201
    problem(send(wang, "POST", "/v1/visits?dry_run=1", body), 409, "id_reused")
    same(real, send(wang, "POST", "/v1/visits", body))


def test_a_refused_request_is_decided_again(wang, customer):
    """A refusal is no receipt: when what stood in the way is gone, the same request goes through."""
    body = {**CREATES["contacts"](wang, customer), "customer": uuid7()}
    refused = problem(send(wang, "POST", "/v1/contacts", body), 422, "unprocessable")
    assert refused["errors"][0]["pointer"] == "/customer"
    assert wang.customer(id=body["customer"])["id"] == body["customer"]
    assert send(wang, "POST", "/v1/contacts", body).status_code == 201


def test_changing_the_policy_changes_no_old_verdict_and_no_receipt(server, company, wang, customer):
    body = visit_of(wang, customer, contacts=[contact_of(wang, customer)])  # 17 characters (G-19)
    first = send(wang, "POST", "/v1/visits", body)
    before = wang.get(f"/v1/visits/{body['id']}").content
    assert first.json()["verdict"]["policy_version"] == 1 and first.json()["verdict"]["validity"] != "invalid"
    server.admin("policy", company.code, input='{"min_units":18,"reason":"写得更详细"}')
    same(first, send(wang, "POST", "/v1/visits", body))
    assert wang.get(f"/v1/visits/{body['id']}").content == before
    assert wang.get(f"/v1/visits/{body['id']}").json()["verdicts"] == [first.json()["verdict"]]
    other = send(wang, "POST", "/v1/visits", visit_of(wang, wang.customer(), contacts=[], content="客户确认下季度采购两台设备，预算已批"))
    assert other.json()["verdict"]["policy_version"] == 2 and "too_short" in other.json()["verdict"]["reasons"]
    assert wang.get("/v1/policy").json()["min_units"] == 18


# ---- what changed meanwhile is not asked ----

def test_a_visit_that_todays_numbers_would_refuse_keeps_its_receipt(server):
    company = server.company()
    wang = company.sign_in("wang")
    customer = wang.customer()
    voice = {"id": uuid7(), "kind": "voice", "sha256": "ef" * 32, "type": "audio/ogg"}
    ahead = {"happened_at": rfc3339(1795320000000 + 4 * 60_000)}
    server.admin("policy", company.code, input='{"consent_required":false,"reason":"内部培训"}')
    bodies = [visit_of(wang, customer, media=[voice]), visit_of(wang, customer, **ahead)]
    firsts = [send(wang, "POST", "/v1/visits", body) for body in bodies]
    assert [first.status_code for first in firsts] == [201, 201]
    server.admin("policy", company.code, input='{"consent_required":true,"skew_ms_max":60000,"reason":"恢复"}')
    for first, body in zip(firsts, bodies):
        same(first, send(wang, "POST", "/v1/visits", body))
    refused = send(wang, "POST", "/v1/visits", visit_of(wang, customer, media=[{**voice, "id": uuid7()}], **ahead))
    assert {e["code"] for e in problem(refused, 422, "unprocessable")["errors"]} == {"consent_required", "after_capture"}


def test_what_was_answered_before_a_transfer_is_answered_again_after_it_and_nothing_else(company, wang, qian):
    """The first receipt tells a person what this person was told; of the record as it is now it says nothing."""
    li, made = company.sign_in("li"), wang.customer()
    customer, contact = f"/v1/customers/{made['id']}", f"/v1/contacts/{contact_of(wang, made)}"
    voices = [{"id": uuid7(), "kind": "voice", "sha256": f"{i}a" * 32, "type": "audio/ogg", "consent_at": NOW} for i in (1, 2)]
    visit = logged_visit(wang, made, content="", media=voices)
    transcripts = [f"/v1/transcripts/{t['id']}" for t in wang.get(f"/v1/visits/{visit['id']}").json()["transcripts"]]
    requests = [("PATCH", customer, {"name": "客户" + uuid7(), "reason": "更名"}, {"if_match": wang.etag(customer)}),
                ("PATCH", contact, {"position": "厂长", "reason": "升职"}, {"if_match": wang.etag(contact)}),
                ("POST", transcripts[0] + "/confirm", {"text": "客户要求下周演示两台样品"}, {"idempotency_key": "settled"}),
                ("POST", "/v1/supplements", CREATES["supplements"](wang, made), {})]
    firsts = [send(wang, method, path, body, **headers) for method, path, body, headers in requests]
    assert [first.status_code for first in firsts] == [200, 200, 200, 201], [first.text for first in firsts]
    assert send(qian, "POST", customer + "/transfer", {"owner": li.id, "reason": "休假"}, idempotency_key=uuid7()).status_code == 200
    changed = send(li, "PATCH", customer, {"remark": "只有新负责人知道", "reason": "补充"}, if_match=li.etag(customer))
    assert changed.status_code == 200
    for (method, path, body, headers), first in zip(requests, firsts):
        same(first, send(wang, method, path, body, **headers))
        assert send(li, method, path, body, **headers).status_code in (409, 412, 403), "it is nobody else's"
    for method, path, body, headers in requests[:2]:
        problem(wang.get(path), 404, "not_found")
        problem(send(wang, method, path, {**body, "reason": "别的"}, **headers), 404, "not_found")
    problem(send(wang, "POST", transcripts[0] + "/confirm", {"text": "另一段话"}, idempotency_key="settled"), 409, "id_reused")
    problem(send(wang, "POST", transcripts[1] + "/retry", idempotency_key=uuid7()), 404, "not_found")


def test_a_frozen_person_gets_no_receipt_and_a_person_in_another_role_the_first(server, company):
    login = "rep" + uuid7()[-12:]
    company.add(login, "褚平", "rep", company.team)
    rep = company.sign_in(login)
    body = CREATES["customers"](rep, None)
    first = send(rep, "POST", "/v1/customers", body)
    assert first.status_code == 201
    server.admin("freeze", company.code, login)
    problem(send(rep, "POST", "/v1/customers", body), 401, "unauthenticated")
    server.admin("unfreeze", company.code, login)
    server.admin("user", "assign", company.code, login, "reviewer")
    reviewer = company.sign_in(login)
    problem(send(reviewer, "POST", "/v1/customers", CREATES["customers"](rep, None)), 403, "forbidden")
    same(first, send(reviewer, "POST", "/v1/customers", body))


def test_who_must_change_the_password_gets_no_receipt_before(server, company):
    login = "rep" + uuid7()[-12:]
    company.add(login, "褚平", "rep", company.team)
    body = CREATES["customers"](None, None)
    first = send(company.sign_in(login), "POST", "/v1/customers", body)
    assert first.status_code == 201
    server.admin("password", company.code, login, input=PASSWORD + "\n")
    problem(send(company.sign_in(login), "POST", "/v1/customers", body), 403, "password_change_required")


def test_receipts_outlive_a_clean_restart_and_a_kill(tmp_path):
    with Server(tmp_path) as server:
        company = server.company()
        wang = company.sign_in("wang")
        customer = wang.customer()
        bodies = {kind: make(wang, customer) for kind, make in sorted(CREATES.items())}
        firsts = {kind: send(wang, "POST", "/v1/" + kind, body) for kind, body in bodies.items()}
        reminder = f"/v1/reminders/{bodies['reminders']['id']}"
        verb = send(wang, "POST", reminder + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="one")
        etag = wang.etag(f"/v1/customers/{customer['id']}")
        patch = send(wang, "PATCH", f"/v1/customers/{customer['id']}", {"grade": "A", "reason": "签约"}, if_match=etag)

        def check():
            wang.reconnect()
            for kind, body in bodies.items():
                same(firsts[kind], send(wang, "POST", "/v1/" + kind, body))
            same(verb, send(wang, "POST", reminder + "/snooze", {"due": "2090-03-06T09:00"}, idempotency_key="one"))
            same(patch, send(wang, "PATCH", f"/v1/customers/{customer['id']}", {"grade": "A", "reason": "签约"}, if_match=etag))
            problem(send(wang, "POST", "/v1/devices", {**bodies["devices"], "name": "另一部"}), 409, "id_reused")

        assert {a.status_code for a in firsts.values()} == {201} and verb.status_code == patch.status_code == 200
        assert server.stop() == 0
        server.start()
        check()
        server.kill()
        check()
