# SPDX-License-Identifier: Apache-2.0
"""One visit through the public API, with curl, as a phone would make it; prints each step and what came back."""
import base64
import hashlib
import json
import os
import queue
import subprocess
import time

from . import company
from .api import rfc3339, uuid7

HERE = os.path.dirname(os.path.abspath(__file__))
PHOTO, VOICE = os.path.join(HERE, "photo.jpg"), os.path.join(HERE, "voice.ogg")
LOGIN = "wang.wei"
PHONE = {"name": "王伟的手机", "platform": "android"}
CORRECTION = "客户已确认预算，下季度需要两台设备，我周三上午发送合同。"


def now_ms():
    return int(time.time() * 1000)


def brief(value):
    """JSON for people: a line for each top field, Chinese as it is."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) < 120 or not isinstance(value, dict):
        return line
    return "{" + ",\n     ".join(f'"{key}": {json.dumps(item, ensure_ascii=False)}' for key, item in value.items()) + "}"


def pick(record, *names):
    return {name: record[name] for name in names if name in record}


class Walk:
    def __init__(self, server, phone):
        self.server, self.phone, self.token, self.number = server, phone, None, 0

    def step(self, zh, en):
        self.number += 1
        print(f"\n{self.number}. {zh} · {en}")

    def curl(self, method, path, body=None, headers=(), file=None, show=True, cut_s=None):
        """Runs curl over HTTP/2, says what was sent and the status that came: (status, headers, JSON or None). With `cut_s` it sends slowly and
        is ended after so many seconds, wherever it is."""
        url = path if path.startswith("https:") else self.server.url + path
        words = ["curl", "-sS", "--http2", "--cacert", self.server.certificate, "-X", method, "-D", "-", "-w", "\n%{http_version} %{http_code}", url]
        if method == "HEAD":
            words[words.index("-X"):words.index("-X") + 2] = ["-I"]
        sent = list(headers)
        if body is not None:
            sent.append("content-type: application/json")
            words += ["--data-binary", json.dumps(body, ensure_ascii=False)]
        if file is not None:
            words += ["--data-binary", "@-"]
        if self.token:
            sent.append("authorization: Bearer " + self.token)
        for header in sent:
            words += ["-H", header]
        if cut_s is not None:
            words += ["--limit-rate", "400k", "--max-time", str(cut_s)]
        done = subprocess.run(words, input=file, capture_output=True, check=False)
        if cut_s is not None and done.returncode == 28:
            print(f"   {method} {path.removeprefix(self.server.url)}  ->  信号断了 · the signal is lost")
            return None
        if done.returncode != 0:
            raise SystemExit(f"demo: curl: {done.stderr.decode().strip()}")
        return self.take_answer(method, path, done.stdout, show)

    def take_answer(self, method, path, raw, show):
        head, _, rest = raw.partition(b"\r\n\r\n")
        text, _, last = rest.rpartition(b"\n")
        version, status = last.decode().split()
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if ": " in line)
        if show:
            print(f"   {method} {path.removeprefix(self.server.url)}  ->  HTTP/{version} {status}")
        if int(status) >= 400:
            raise SystemExit(f"demo: {method} {path}: {status} {text.decode()}")
        answer = json.loads(text) if "json" in fields.get("content-type", "") and text else None
        return int(status), fields, answer

    def show(self, value):
        print("    " + brief(value))

    # ---- the steps ----

    def sign_in(self, login=LOGIN, zh="登录", en="sign in", **device):
        self.step(zh, en)
        self.device = uuid7(now_ms())
        body = {"tenant": company.TENANT[0], "login": login, "password": company.PASSWORD, "device": {"id": self.device, **(device or PHONE)}}
        answer = self.curl("POST", "/v1/sign_in", body)[2]
        self.token = answer["access_token"]
        self.show({"access_token": answer["access_token"][:12] + "…", **pick(answer, "access_expires_at"), "user": pick(answer["user"], "name", "role")})

    def subscribe(self):
        self.step("手机登记推送", "the phone registers for push (Web Push)")
        answer = self.curl("POST", "/v1/devices", {"id": self.device, **PHONE, "subscription": self.phone.subscription()})[2]
        self.show(pick(answer, "name", "platform", "push"))

    def choose_customer(self):
        self.step("选择客户", "choose the customer")
        customers = self.curl("GET", "/v1/customers?limit=200")[2]["items"]
        self.customer = next(c for c in customers if c["name"] == company.CUSTOMERS[0][0])
        contacts = self.curl("GET", f"/v1/contacts?customer={self.customer['id']}")[2]["items"]
        self.contact = contacts[0]
        self.show({"customers": len(customers), **pick(self.customer, "number", "name", "grade"), "contact": pick(self.contact, "name", "position")})

    def visit_body(self, content, media=()):
        at = rfc3339(now_ms())
        return {"id": uuid7(now_ms()), "customer": self.customer["id"], "mode": "visit", "contacts": [self.contact["id"]], "content": content, "happened_at": at,
                "captured_at": at, **({"media": list(media)} if media else {})}

    def try_first(self):
        self.step("提交前试判：内容太短", "judge before saving: too short")
        answer = self.curl("POST", "/v1/visits?dry_run=1", self.visit_body("已联系"))[2]
        self.show({"validity": answer["verdict"]["validity"], "reasons": answer["verdict"]["reasons"], "hint": answer["hints"][0]})

    def log_visit(self):
        self.step("提交拜访（照片和录音尚未上传）", "log the visit; photo and voice note are still on the phone")
        with open(PHOTO, "rb") as photo, open(VOICE, "rb") as voice:
            self.files = {"photo": ("image/jpeg", photo.read()), "voice": ("audio/ogg", voice.read())}
        media = [{"id": uuid7(now_ms()), "kind": kind, "sha256": hashlib.sha256(data).hexdigest(), "type": kind_type}
                 for kind, (kind_type, data) in self.files.items()]
        media[1]["consent_at"] = rfc3339(now_ms())
        body = self.visit_body("客户确认下季度采购两台设备，预算已批，要求本周提供合同草案", media)
        due = time.time() // 60 * 60 + (60 if time.time() % 60 < 45 else 120)
        body["next_step"] = {"text": "发送合同草案给周建国", "due": time.strftime("%Y-%m-%dT%H:%M", time.gmtime(due + 8 * 3600)), "tz": "Asia/Shanghai",
                             "wake": True}
        body.update(device=self.device, capture_seq=1)
        self.due = due
        answer = self.curl("POST", "/v1/visits", body, [f"x-client-time: {rfc3339(now_ms())}"])[2]
        self.visit, self.media = body["id"], {m["kind"]: m["id"] for m in media}
        self.show({"verdict": pick(answer["verdict"], "validity", "reasons", "timely", "policy_version"), "week": answer["week"], "awaited": len(answer["awaited"]),
                   "reminder": pick(answer["reminder"], "due_at", "send_at", "delayed_by_quiet_hours")})

    def upload(self, kind, zh, en):
        self.step(zh, en)
        self.send(*self.files[kind], cut_s=0.6 if kind == "photo" else None)

    def send(self, kind_type, data, cut_s=None):
        """By tus; with `cut_s` the connection breaks after so many seconds, and the upload is resumed where it was."""
        metadata = "type " + base64.b64encode(kind_type.encode()).decode()
        tus = ["tus-resumable: 1.0.0"]
        where = self.curl("POST", "/v1/uploads", None, tus + [f"upload-length: {len(data)}", f"upload-metadata: {metadata}"], file=b"")[1]["location"]
        part = tus + ["content-type: application/offset+octet-stream"]
        answer = self.curl("PATCH", where, None, part + ["upload-offset: 0"], file=data, cut_s=cut_s)
        if answer is None:
            offset = int(self.curl("HEAD", where, None, tus)[1]["upload-offset"])
            print(f"   upload-offset: {offset} / {len(data)}")
            answer = self.curl("PATCH", where, None, part + [f"upload-offset: {offset}"], file=data[offset:])
        fields = answer[1]
        print(f"   upload-sha256: {fields.get('upload-sha256')}")

    def wait_for(self, ready, seconds):
        """Reads the visit until `ready` says so of it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            visit = self.curl("GET", f"/v1/visits/{self.visit}", show=False)[2]
            if ready(visit):
                print(f"   GET /v1/visits/{self.visit}")
                return visit
            time.sleep(0.2)
        raise SystemExit("demo: still not processed; the log: " + self.server.log + "\n" + brief(visit))

    def watch_media(self):
        self.step("照片处理完成：转正、去元数据、两种尺寸", "the photo is ready: upright, without metadata, in two sizes")
        visit = self.wait_for(lambda v: all(m["state"] in ("ready", "refused") for m in v["media_states"]), 60)
        for medium in visit["media_states"]:
            self.show({**pick(medium, "kind", "state", "bytes", "duration_ms", "loudness"),
                       "variants": [pick(v, "name", "type", "bytes", "width", "height") for v in medium.get("variants", [])]})

    def watch_transcript(self):
        self.step("录音转写完成", "the voice note is transcribed")
        visit = self.wait_for(lambda v: v["transcripts"] and v["transcripts"][0]["state"] in ("ready", "failed", "provider_away"), 120)
        self.transcript = visit["transcripts"][0]
        self.show(pick(self.transcript, "state", "provider", "text"))

    def confirm(self):
        self.step("用自己的话确认转写", "the rep confirms it in his own words")
        answer = self.curl("POST", f"/v1/transcripts/{self.transcript['id']}/confirm", {"text": CORRECTION}, [f"idempotency-key: {uuid7(now_ms())}"])[2]
        self.show({"transcript": pick(answer.get("transcript", answer), "state", "confirmed_text"),
                   **({"verdict": pick(answer["verdict"], "validity", "from_transcript")} if answer.get("verdict") else {})})

    def check_safe(self):
        self.step("手机可以删除本地副本了吗", "may the phone delete its copies")
        self.show(self.curl("GET", f"/v1/devices/{self.device}/safe")[2])

    def receive_push(self, at_once):
        if at_once:
            self.server.set_clock(int(self.due * 1000))
        wait = 0 if at_once else max(0, self.due - time.time())
        self.step(f"等待跟进提醒（约 {wait:.0f} 秒）", "the follow-up reminder is due at the next full minute")
        self.show_push(wait + 60)

    def show_push(self, seconds):
        try:
            headers, message = self.phone.wait(seconds)
        except queue.Empty:
            raise SystemExit("demo: no push came; the log: " + self.server.log) from None
        print(f"   {headers['content-encoding']}, ttl {headers['ttl']}; 手机解密后 · as the phone decrypts it:")
        self.show(message)


def play(server, phone, at_once=False):
    """With `at_once` the server's clock is moved to the reminder instead of waiting for the next full minute."""
    walk = Walk(server, phone)
    print("\n一次拜访的全过程 · One visit from end to end")
    walk.sign_in()
    walk.subscribe()
    walk.choose_customer()
    walk.try_first()
    walk.log_visit()
    walk.upload("photo", "断点续传照片", "upload the photo, resumed after a broken connection (tus)")
    walk.upload("voice", "上传录音", "upload the voice note")
    walk.watch_media()
    walk.watch_transcript()
    walk.confirm()
    walk.check_safe()
    walk.receive_push(at_once)
    return walk
