# SPDX-License-Identifier: Apache-2.0
"""The exceptions of those who lead in a real Chromium: the scenarios are exceptions.js's. What is overdue, and who is idle, was so three weeks long by the
server's clock, before the pages are looked at."""
import datetime
import json
import os
import pathlib
import re
import subprocess
import time
import zoneinfo

import pytest

from baifang import GUARD_S, PASSWORD, until, uuid7
from test_isolation import png, upload

HERE = pathlib.Path(__file__).parent
SCENARIOS = re.findall(r"^  async (\w+)\(browser\)", (HERE / "exceptions.js").read_text(encoding="utf-8"), re.M)
DAY_MS = 86_400_000
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
CONTENT = ["客户确认下季度采购两台设备，预算已批，等总经理签字后发正式订单；要求我们本周内报出分期付款的方案，并约技术部门月底前到现场看场地。", "客户要求本周内报价并演示方案"]


def wall(days):
    return (datetime.datetime.now(SHANGHAI) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT09:00")


def made(person, kind, body):
    answer = person.post("/v1/" + kind, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def contract(person, customer, number, minor):
    page = {"id": uuid7(), "media": uuid7(), "sha256": upload(person, png()), "type": "image/png"}
    body = {"id": uuid7(), "customer": customer, "number": number, "amount": {"minor": minor, "currency": "CNY"}, "signed_on": "2026-11-20",
            "parties": ["我方有限公司", "华东精工机械有限公司"], "pages": [page]}
    id = made(person, "contracts", body)["contract"]["id"]
    until(lambda: person.get(f"/v1/contracts/{id}").json()["state"] == "uploaded", "the page")
    return id


@pytest.fixture(scope="module")
def job(server):
    server.shift_clock(-21 * DAY_MS)
    company = server.company()
    for login, name, role in (("sun", "孙立军", "rep"), ("zhou", "周敏", "rep"), ("shen", "沈复核", "reviewer"), ("xu", "徐审计", "auditor"), ("zheng", "郑副总", "manager")):
        company.add(login, name, role, company.team)
    wang = company.sign_in("wang")
    customers = [wang.customer(name=name, grade=grade, background="老客户，2019 年起合作。\n年采购额约三百万元。")["id"] for name, grade in
                 (("华东精工机械有限公司", "A"), ("宁波海达自动化有限公司", "B"), ("苏州恒远精密仪器有限公司", "A"))]
    late = contract(wang, customers[1], "HT-2026-0688", 37_020_000)
    for login in ("sun", "zhou"):
        person = company.sign_in(login)
        person.customer(grade="A")
    server.shift_clock(0)
    well = server.company()
    wang, li, shen = (company.sign_in(login) for login in ("wang", "li", "shen"))
    refused = contract(wang, customers[0], "HT-2026-0717", 12_340_000)
    for verb, body in (("claim", None), ("reject", {"code": "amount_mismatch", "note": "大写与小写金额不一致"})):
        answer = shen.post(f"/v1/contracts/{refused}/{verb}", json=body, headers={"idempotency-key": uuid7()})
        assert answer.status_code == 200, answer.text
    contact = wang.get("/v1/contacts", params={"customer": customers[0]}).json()["items"][0]["id"]
    photo = {"id": uuid7(), "kind": "photo", "sha256": upload(wang, png()), "type": "image/png"}
    now = int(time.time() * 1000)
    visits = [made(wang, "visits", wang.visit_body(customers[0], now, contacts=[contact], content=content, media=media))["visit"]["id"]
              for content, media in zip(CONTENT, ([photo], []))]
    made(wang, "supplements", {"id": uuid7(), "visit": visits[0], "content": "分期方案按三期算。", "captured_at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    tasks = [made(li, "tasks", {"id": uuid7(), "title": title, "note": "带上最新价目表", "due": wall(days), "tz": "Asia/Shanghai"})["id"] for title, days in (("给海达发报价单", -9), ("约恒远的现场勘查", -2))]
    task = made(company.sign_in("zhao"), "tasks", {"id": uuid7(), "title": "补齐华东精工的开票资料", "assignee": wang.id, "customer": customers[0], "due": wall(-1), "tz": "Asia/Shanghai"})["id"]
    until(lambda: wang.get(f"/v1/visits/{visits[0]}").json()["media_states"][0]["state"] == "ready", "the picture's sizes")
    return {"url": server.url(), "tenant": company.code, "well": well.code, "password": PASSWORD, "customer": customers[0], "late": late, "refused": refused, "visits": visits,
            "tasks": tasks, "task": task}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_chromium(job, scenario):
    done = subprocess.run([os.environ["BF_NODE"], HERE / "exceptions.js", scenario], input=json.dumps(job), capture_output=True, text=True, timeout=10 * GUARD_S, check=False,
                          env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"})
    assert done.returncode == 0, done.stderr
