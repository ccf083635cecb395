# SPDX-License-Identifier: Apache-2.0
"""What was written is what is read: the lists of one's own, and a visit that names several people."""
import pytest

from baifang import Feed, uuid7

DUE = "2090-03-{:02d}T09:00"


@pytest.fixture
def rep(company):
    login = "rep" + uuid7()[-12:]
    company.add(login, "王伟", "rep", company.team)
    return company.sign_in(login)


def made(person, kind, body):
    answer = person.post("/v1/" + kind, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def pages(person, kind, limit):
    """All items, page by page; every page but the last is full."""
    items, after = [], None
    while True:
        body = person.get("/v1/" + kind, params={"limit": limit, **({"after": after} if after else {})}).json()
        items += body["items"]
        after = body["next"]
        if not after:
            return items
        assert len(body["items"]) == limit


def verb(person, reminder, name, **body):
    answer = person.post(f"/v1/reminders/{reminder}/{name}", headers={"idempotency-key": uuid7()}, **({"json": body} if body else {}))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_list_of_ones_own_reminders(company, rep):
    customer = rep.customer()["id"]
    mine = [made(rep, "reminders", {"id": uuid7(), "text": f"回访{i}", "due": DUE.format(9 - i), "tz": "Asia/Shanghai", **({"customer": customer} if i % 2 else {})})
            for i in range(7)]
    other = made(company.sign_in("li"), "reminders", {"id": uuid7(), "text": "别人的", "due": DUE.format(1)})
    verb(rep, mine[0]["id"], "done")
    verb(rep, mine[1]["id"], "cancel")
    verb(rep, mine[2]["id"], "snooze", due=DUE.format(20), tz="Asia/Shanghai")
    step = rep.post("/v1/visits", json=rep.visit_body(customer, next_step={"text": "发送合同草案", "due": DUE.format(15), "tz": "Asia/Shanghai"})).json()
    ids = {r["id"] for r in mine}
    for limit in (3, 200):
        listed = pages(rep, "reminders", limit)
        assert len(listed) == len({r["id"] for r in listed}) == 8 and ids < {r["id"] for r in listed} and other["id"] not in {r["id"] for r in listed}
        assert all(r == rep.get("/v1/reminders/" + r["id"]).json() for r in listed)
        assert [r["due_at"] for r in listed] == sorted(r["due_at"] for r in listed)
    by_id = {r["id"]: r for r in listed}
    assert [by_id[r["id"]]["state"] for r in mine[:4]] == ["done", "cancelled", "planned", "planned"]
    assert by_id[mine[2]["id"]]["due"] == DUE.format(20)
    of_visit, = [r for r in listed if r["id"] not in ids]
    assert (of_visit["text"], of_visit["customer"], of_visit["due"]) == ("发送合同草案", customer, DUE.format(15)) and of_visit["visit"] == step["visit"]["id"]


def test_the_list_of_ones_own_devices(company, rep):
    mine = [made(rep, "devices", {"id": uuid7(), "name": f"手机{i}", "platform": platform}) for i, platform in enumerate(("ios", "android", "web"))]
    li = company.sign_in("li")
    other = made(li, "devices", {"id": uuid7(), "name": "别人的", "platform": "ios"})
    for limit in (2, 200):
        listed = pages(rep, "devices", limit)
        assert sorted(d["id"] for d in listed) == sorted(d["id"] for d in mine)
        assert all(d == rep.get("/v1/devices/" + d["id"]).json() for d in listed)
    assert {(d["name"], d["platform"]) for d in listed} == {("手机0", "ios"), ("手机1", "android"), ("手机2", "web")}
    assert other["id"] in {d["id"] for d in pages(li, "devices", 200)}


def test_a_visit_names_everybody_who_was_met(rep):
    customer = rep.customer()["id"]
    first = rep.get("/v1/contacts", params={"customer": customer}).json()["items"][0]["id"]
    more = [made(rep, "contacts", {"id": uuid7(), "customer": customer, "name": name, "phone": f"1370013700{i}"})["id"] for i, name in enumerate(("刘工", "陈总", "周经理"))]
    met = [more[2], first, more[0]]  # neither all of them nor in order
    receipt = rep.post("/v1/visits", json=rep.visit_body(customer, contacts=met))
    assert receipt.status_code == 201, receipt.text
    assert receipt.json()["verdict"]["validity"] == "valid"
    id = receipt.json()["visit"]["id"]
    assert receipt.json()["visit"]["contacts"] == rep.get("/v1/visits/" + id).json()["contacts"] == met
    assert [v["contacts"] for v in rep.get("/v1/visits", params={"customer": customer}).json()["items"]] == [met]
    assert Feed(rep).pull().docs["visit", id]["contacts"] == met
    elsewhere = rep.get("/v1/contacts", params={"customer": rep.customer()["id"]}).json()["items"][0]["id"]
    refused = rep.post("/v1/visits", json=rep.visit_body(customer, contacts=[first, elsewhere]))
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"].startswith("/contacts"), refused.text
