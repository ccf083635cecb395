# SPDX-License-Identifier: Apache-2.0
"""A signed contract through the public API: two pages, one of them shaken; sent back with a mark, taken again, approved. After the visit, on the same
phone."""
import hashlib
import os
import time

from .api import uuid7
from .visit import HERE, Walk, now_ms, pick

REVIEWER, MANAGER = "chen.xi", "guo.jing"
FACTS = {"number": "HT-2026-1127", "amount": {"minor": 30800000, "currency": "CNY"}, "signed_on": "2026-11-27",
         "parties": ["上海华信电子有限公司", "远航工业设备有限公司"]}
NOTE = "第二页拍糊了，看不清日期和印章，请重拍"


def read(name):
    with open(os.path.join(HERE, name), "rb") as file:
        return file.read()


class Story:
    def __init__(self, rep):
        self.rep, self.desk = rep, Walk(rep.server, rep.phone)

    def page(self, data, page=None):
        return {"id": page or uuid7(now_ms()), "media": uuid7(now_ms()), "sha256": hashlib.sha256(data).hexdigest(), "type": "image/jpeg"}

    def step(self, zh, en):
        self.rep.step(zh, en)
        self.desk.number = self.rep.number

    def verb(self, name, body=None):
        return self.desk.curl("POST", f"/v1/contracts/{self.contract}/{name}", body, [f"idempotency-key: {uuid7(now_ms())}"])[2]

    def wait_until(self, state):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = self.rep.curl("GET", f"/v1/contracts/{self.contract}", show=False)[2]
            if found["state"] == state:
                print(f"   GET /v1/contracts/{self.contract}")
                return found
            time.sleep(0.2)
        raise SystemExit("demo: the contract is still not " + state + "; the log: " + self.rep.server.log)

    def show_told(self):
        """What the rep is told: as the push message, or in quiet hours as what stands in the list until then."""
        if 8 <= time.gmtime(time.time() + 8 * 3600).tm_hour < 21:
            self.rep.show_push(60)
            return
        print("   免打扰时段，推送等到 08:00 · quiet hours: it is pushed at 08:00 (G-12); in the list it is now:")
        self.rep.show(self.rep.curl("GET", "/v1/notifications?limit=1")[2]["items"][0])

    # ---- the steps ----

    def enter(self):
        self.step("提交签好的合同，两页照片", "enter the signed contract and upload its two pages")
        first, shaken = read("contract-1.jpg"), read("contract-2-shaken.jpg")
        self.pages = [self.page(first), self.page(shaken)]
        body = {"id": uuid7(now_ms()), "customer": self.rep.customer["id"], **FACTS, "pages": self.pages}
        answer = self.rep.curl("POST", "/v1/contracts", body)[2]
        self.contract = body["id"]
        self.rep.show({**pick(answer["contract"], "number", "amount", "state"), "awaited": len(answer["awaited"])})
        for data in (first, shaken):
            self.rep.send("image/jpeg", data)
        found = self.wait_until("uploaded")
        self.rep.show({**pick(found, "state", "complete_at", "due_at"),
                       "pages": [{"version": m["version"], **({"legibility": m["legibility"]} if "legibility" in m else {})} for m in found["media_states"]]})

    def review(self):
        self.desk.sign_in(REVIEWER, "合同复核员登录", "the reviewer signs in", name="复核台", platform="web")
        self.rep.number = self.desk.number
        self.step("待审队列，最早的在前", "the review queue, oldest first")
        queue = self.desk.curl("GET", "/v1/review_queue")[2]
        self.desk.show({**pick(queue, "waiting", "reviewed_today"), "first": {**pick(queue["items"][0]["contract"], "number", "state"), **pick(queue["items"][0], "overdue", "claimable")}})
        self.step("领取，在第二页上标注，退回", "claim it, mark the second page, send it back")
        self.desk.show(pick(self.verb("claim"), "state", "claimed_until"))
        mark = {"id": uuid7(now_ms()), "media": self.pages[1]["media"], "x": 800, "y": 6100, "w": 8200, "h": 2900, "note": "日期和印章"}
        self.verb("mark", mark)
        answer = self.verb("reject", {"code": "unreadable", "page": self.pages[1]["id"], "note": NOTE, "mark": mark["id"]})
        self.desk.show({**pick(answer, "state", "rejections"), "rejection": pick(answer["rejection"], "code", "note")})

    def take_again(self):
        self.step("手机收到重拍请求", "the phone is asked to take the page again")
        self.show_told()
        self.step("重拍第二页：同一页的新版本", "the second page again: a new version of it")
        data = read("contract-2.jpg")
        self.rep.send("image/jpeg", data)
        self.pages[1] = self.page(data, self.pages[1]["id"])
        etag = self.rep.curl("GET", f"/v1/contracts/{self.contract}", show=False)[1]["etag"]
        self.rep.curl("PATCH", f"/v1/contracts/{self.contract}", {"pages": self.pages}, [f"if-match: {etag}"])
        found = self.wait_until("uploaded")
        self.rep.show({**pick(found, "state", "complete_at", "reserved_until"), "versions": [p["version"] for p in found["pages"]]})

    def approve(self):
        self.step("同一位复核员通过", "the same reviewer approves")
        self.verb("claim")
        self.desk.show(pick(self.verb("approve"), "state", "approved_at"))
        self.show_told()

    def show_digest(self):
        self.desk.number = self.rep.number
        self.desk.sign_in(MANAGER, "经理登录", "the manager signs in", name="办公室电脑", platform="web")
        self.rep.number = self.desk.number
        self.step("明早 08:30 的日报，现在的样子", "what the next morning's digest would say now")
        answer = self.desk.curl("GET", "/v1/digest/preview")[2]
        print(f"   {answer['at']}")
        for line in [answer["digest"]["title"], *answer["digest"]["body"].splitlines()] if answer["digest"] else ["无事可报 · nothing to tell"]:
            print("    " + line)


def play(rep):
    story = Story(rep)
    print("\n一份合同的全过程 · One contract from end to end")
    story.enter()
    story.review()
    story.take_again()
    story.approve()
    story.show_digest()
