# SPDX-License-Identifier: Apache-2.0
"""What a back office and a phone's home screen ask for, in a store that holds much beside one that holds little: a page of 50 of the review queue beside 100,000
contracts, and a rep's day with 500 customers. The answers are of the same size, so that the ratio is what the rest costs."""
import base64
import hashlib
import re
import struct
import subprocess
import time
import zlib

from figures import cpu_s, median
from service import Rep, dump

from baifang import PASSWORD, until, uuid7

CONTRACTS, QUEUED, CUSTOMERS = 100_000, 60, 500
ASKED, ROUNDS, STREAMS = 3000, 3, 10


def picture():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = (b"\0" + bytes(24)) * 8
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def cost(service, path, token):
    """Microseconds of the server's CPU an answer, and the size of one."""
    headers = {"authorization": f"Bearer {token}"}
    with service.server.client() as client:
        size = len(client.get(path, headers=headers).content)
    before = cpu_s(service.pid())
    done = subprocess.run(["h2load", "-n", str(ASKED), "-c", "1", "-m", str(STREAMS), "-H", f"authorization: Bearer {token}", service.server.url(path)],
                          capture_output=True, text=True, check=True)
    assert re.search(rf"status codes: {ASKED} 2xx", done.stdout), done.stdout
    return (cpu_s(service.pid()) - before) / ASKED * 1e6, size


def often(service, path, token):
    costs = [cost(service, path, token) for _ in range(ROUNDS)]
    return median(us for us, _ in costs), costs[-1][1]


def person(service, login, role):
    service.server.admin("user", "add", "bench", login, login, role, service.company.team, "--exempt", input=PASSWORD + "\n")
    return Rep(service.company, login)


def contract(rep, number, sha256):
    return {"id": uuid7(), "customer": rep.customers[number % len(rep.customers)]["id"], "number": f"HT-2026-{number:06}",
            "amount": {"minor": 12340000 + number, "currency": "CNY"}, "signed_on": "2026-11-20", "parties": ["远航工业设备有限公司", "上海华信电子有限公司"],
            "pages": [{"id": uuid7(), "media": uuid7(), "sha256": sha256 or hashlib.sha256(str(number).encode()).hexdigest(), "type": "image/png"}]}


def fill(service, n, sha256):
    """Contracts of all reps in turn."""
    lines = []
    for i in range(n):
        rep = service.reps[i % len(service.reps)]
        lines.append(f"POST /v1/contracts {rep.token} {dump(contract(rep, i, sha256))}")
    service.play(lines, len(service.reps))


def upload(service, data):
    for rep in service.reps:
        with service.server.client() as client:
            answer = client.post("/v1/uploads", content=data, headers={
                "authorization": f"Bearer {rep.token}", "tus-resumable": "1.0.0", "upload-length": str(len(data)),
                "content-type": "application/offset+octet-stream", "upload-metadata": "type " + base64.b64encode(b"image/png").decode()})
            assert answer.status_code == 201, answer.text


def measure_queue(service, figures):
    desk = person(service, "shen", "reviewer")
    data = picture()
    upload(service, data)
    fill(service, QUEUED, hashlib.sha256(data).hexdigest())
    with service.server.client() as client:
        headers = {"authorization": f"Bearer {desk.token}"}
        until(lambda: client.get("/v1/review_queue", headers=headers).json()["waiting"] == QUEUED, "the queue", 600)
    few, size = often(service, "/v1/review_queue?limit=50", desk.token)
    began = time.monotonic()
    fill(service, CONTRACTS - QUEUED, None)  # these await their pages
    wall = time.monotonic() - began
    many, same = often(service, "/v1/review_queue?limit=50", desk.token)
    assert abs(size - same) < 200, (size, same)
    figures.row(f"queue page of 50 ({size} bytes), {CONTRACTS} contracts, CPU", f"{many:.0f} us", f"{few:.0f} us", many / few)
    figures.note(f"beside {QUEUED} contracts; the others were entered at {(CONTRACTS - QUEUED) / wall:.0f}/s")
    figures.judge("queue_cpu", many / few, 1.3)


def measure_today(service, figures):
    few, many = person(service, "few", "rep"), person(service, "many", "rep")
    for rep, n in ((few, 5), (many, CUSTOMERS)):
        lines = []
        for i in range(n):
            body = {"id": uuid7(), "type": "company", "name": f"{rep.login}客户{uuid7()[-12:]}", "industry": "retail", "grade": "A", "phone": "13816001201",
                    "primary_contact": {"id": uuid7(), "name": "周建国", "phone": "13816001201"}}
            rep.customers.append({"id": body["id"]})
            lines.append(f"POST /v1/customers {rep.token} {dump(body)}")
        for i in range(20):
            due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 86400 * (2 + i)))
            lines.append(f"POST /v1/reminders {rep.token} {dump({'id': uuid7(), 'text': '回访，带样品', 'due': due, 'tz': 'UTC'})}")
        service.play(lines, 8)
    (a, size), (b, same) = often(service, "/v1/today", many.token), often(service, "/v1/today", few.token)
    assert abs(size - same) < 200, (size, same)
    figures.row(f"today of a rep with {CUSTOMERS} customers ({size} bytes), CPU", f"{a:.0f} us", f"{b:.0f} us", a / b)
    figures.note("beside one with 5 customers")
    figures.judge("today_cpu", a / b, 1.3)


def measure(service, figures):
    service.sign_in()  # tokens may have run out by now
    measure_today(service, figures)
    measure_queue(service, figures)
