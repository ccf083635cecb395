# SPDX-License-Identifier: Apache-2.0
"""The review page in a real Chromium: the scenarios are review.js's. What a rejection tells the rep arrives at a push service as well, which decrypts it."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest

from baifang import GUARD_S, PASSWORD, Server, until

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "push"))
from service import Service  # noqa: E402

SCENARIOS = re.findall(r"^  async (\w+)\(browser\)", (HERE / "review.js").read_text(encoding="utf-8"), re.M)
SENT_BACK = "a_contract_enters_is_sent_back_with_a_mark_and_approved_after_its_page_was_taken_again"
N_PHOTOS = 24
SOAK = os.environ.get("BF_SOAK") == "1"
MANY = 200 if SOAK else 20  # contracts that are reviewed in one page


@pytest.fixture(scope="module")
def phones(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("push"))
    yield service
    service.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, phones, chromium):
    config = {"http_client": {"named_hosts": f"push.test:{phones.port}", "resolve": f"push.test:{phones.port}:127.0.0.1", "ca_file": phones.ca}}
    with Server(tmp_path_factory.mktemp("server"), config) as running:
        yield running


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Small pictures, each unlike all others."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [os.fspath(folder / f"{n}.jpg") for n in range(N_PHOTOS)]
    for n, path in enumerate(paths):
        subprocess.run(["convert", "-size", f"{300 + n}x420", "-seed", str(n + 1), "plasma:fractal", path], check=True)
    return paths


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Two pages as a phone takes them."""
    folder = tmp_path_factory.mktemp("paper")
    pages = [["产品购销合同", "合同编号：HT-2026-100", "甲方（供方）：我方有限公司", "乙方（需方）：华东精工机械有限公司", "合同总金额：人民币 370,200.00 元",
              "（大写：叁拾柒万元整）", "交货期：签订后 30 日内", "付款方式：预付 30%，验收后付清", "质保期：12 个月"],
             ["附件一　验收与签署", "一、验收标准按双方确认的技术协议执行。", "二、争议由甲方所在地法院管辖。", "", "甲方（盖章）：", "", "乙方（盖章）：", "", "签订日期：2026 年 11 月 20 日"]]
    font = subprocess.run(["fc-match", "-f", "%{file}", ":lang=zh-cn"], capture_output=True, text=True, check=True).stdout
    paths = []
    for n, lines in enumerate(pages):
        paths.append(os.fspath(folder / f"{n}.jpg"))
        draw = [word for i, line in enumerate(lines) for word in ("-pointsize", "56" if i == 0 else "34", "-annotate", f"+{330 if i == 0 else 130}+{190 + i * 105}", line)]
        subprocess.run(["convert", "-size", "1200x1600", "xc:#fdfcf7", "-font", font, "-fill", "#1c1c1c", *draw, "-background", "#8d8579", "-rotate", "0.6", "-quality", "82", paths[-1]],
                       check=True)
    return paths


@pytest.fixture(scope="module")
def poor(tmp_path_factory, paper):
    """The first page as it is sent back: blurred, with a glare on it."""
    path = os.fspath(tmp_path_factory.mktemp("poor") / "0.jpg")
    glare = ["(", "-size", "700x520", "radial-gradient:white-none", ")", "-geometry", "+60+380", "-composite"]
    subprocess.run(["convert", paper[0], "-resize", "75%", "-blur", "0x2", *glare, "-modulate", "88", "-quality", "70", path], check=True)
    return path


@pytest.fixture
def company(server):
    company = server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    company.add("tang", "唐复核", "reviewer", company.team)
    company.add("zhou", "周立", "rep", server.admin("team", "add", company.code, "二组"))
    return company


def look(server, company, scenario, **pictures):
    job = {"url": server.url(), "tenant": company.code, "password": PASSWORD, "many": MANY, **pictures}
    done = subprocess.run([os.environ["BF_NODE"], HERE / "review.js", scenario], input=json.dumps(job), capture_output=True, text=True, timeout=(100 if SOAK else 10) * GUARD_S, check=False,
                          env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_NO_WARNINGS": "1"})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("scenario", [name for name in SCENARIOS if name != SENT_BACK])
def test_in_chromium(server, company, photos, paper, poor, scenario, capsys):
    measured = look(server, company, scenario, photos=photos, paper=paper, poor=poor)
    with capsys.disabled():
        print(measured, end="")


def test_what_is_sent_back_reaches_the_phone(server, company, phones, photos):
    assert SENT_BACK in SCENARIOS
    rep = company.sign_in("wang")
    # About noon where he is, at whatever hour this runs: in the quiet hours no phone rings.
    east = 12 - time.gmtime().tm_hour
    assert rep.patch("/v1/me", headers={"if-match": rep.etag("/v1/me")}, json={"tz": f"Etc/GMT{-east:+d}"}).status_code == 200
    subscription = phones.subscribe()
    keys = {key: subscription[key] for key in ("endpoint", "p256dh", "auth")}
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "测试手机", "platform": "android", "subscription": keys}).status_code == 201
    look(server, company, SENT_BACK, photos=photos)
    kinds = lambda: [json.loads(message["text"]) for message in phones.messages(subscription)]
    retake = until(lambda: next((one for one in kinds() if one["kind"] == "retake"), None), "the retake request on the phone")
    assert "反光，看不清金额" in retake["body"] and "第 2 页" in retake["title"], retake
