# SPDX-License-Identifier: Apache-2.0
"""Web Push through the whole service: reminders become due, become notifications in the log, and are encrypted for and sent to one device each; beside
bare libcurl to the same receiver."""
import base64
import os
import re
import subprocess
import time

from figures import cpu_s, median
from service import dump

from baifang import uuid7
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MINUTES, ROUNDS, BARE_N, CONCURRENCY = 50, 3, 5000, 32
AHEAD_S, GUARD_S = 2 * 3600, 300
TEXT = "准备合同，约财务核对账期，确认交货地点和联系人，带上样品与三份报价单；" * 8  # with what is around it, 1 KB


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def subscribe(service):
    lines = []
    for rep in service.reps:
        point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        body = {"id": rep.device, "name": "测试手机", "platform": "android",
                "subscription": {"endpoint": service.receiver.url, "p256dh": base64url(point), "auth": base64url(os.urandom(16))}}
        lines.append(f"POST /v1/devices {rep.token} {dump(body)}")
    service.play(lines, len(service.reps))


def plan(service, now_s):
    """A reminder a rep and minute, so that each is a notification of its own."""
    lines = []
    for minute in range(MINUTES):
        due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(now_s + AHEAD_S + 60 * minute))
        for rep in service.reps:
            body = {"id": uuid7(), "text": TEXT[:300], "due": due, "tz": "UTC", "wake": True}
            lines.append(f"POST /v1/reminders {rep.token} {dump(body)}")
    service.play(lines, len(service.reps))
    return len(lines)


def sent(client):
    return int(float(re.search(r"^bf_push_sent_total ([0-9.e+]+)$", client.get("/metrics").text, re.M)[1]))


def wait_until_sent(client, n):
    began = time.monotonic()
    while sent(client) < n:
        assert time.monotonic() < began + GUARD_S, f"{n - sent(client)} messages of {n} were not sent"
        time.sleep(0.02)


def mark(service, client, shift_s):
    """A reminder that is due at once: when it was sent, those planned before it have their jobs."""
    due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(int(time.time()) + shift_s + 90))
    n = sent(client) + 1
    service.play([f"POST /v1/reminders {service.reps[0].token} {dump({'id': uuid7(), 'text': TEXT[:300], 'due': due, 'tz': 'UTC', 'wake': True})}"], 1)
    service.server.shift_clock((shift_s + 120) * 1000)
    wait_until_sent(client, n)


def ours(service, shift_s):
    n = plan(service, int(time.time()) + shift_s)
    with service.server.client() as client:
        mark(service, client, shift_s)
        first, before = sent(client), cpu_s(service.pid())
        began = time.monotonic()
        service.server.shift_clock((shift_s + AHEAD_S + 60 * MINUTES) * 1000)
        wait_until_sent(client, first + n)
        wall = time.monotonic() - began
    return n / wall, (cpu_s(service.pid()) - before) / n * 1e6


def bare(service):
    done = subprocess.run([service.program("tests", "bench", "push", "bare_push"), service.receiver.url, service.receiver.ca, str(CONCURRENCY), str(BARE_N)],
                          capture_output=True, text=True, check=True)
    rate, cpu, _ = (float(x) for x in done.stdout.split())
    return rate, cpu


def measure(service, figures):
    subscribe(service)
    a, b, shift_s = [], [], 0
    for _ in range(ROUNDS):
        b.append(bare(service))
        a.append(ours(service, shift_s))
        shift_s += AHEAD_S + 60 * MINUTES
        service.sign_in()  # that clock left the tokens behind
    x, y = median(rate for rate, _ in a), median(rate for rate, _ in b)
    figures.row("Web Push of 1 KB, journaled and encrypted, rate", f"{x:.0f}/s", f"{y:.0f}/s", x / y)
    figures.row("  its CPU, from reminder to settled attempt", f"{median(c for _, c in a):.0f} us", f"{median(c for _, c in b):.0f} us")
    figures.judge("push_rate", x / y, 0.6, at_least=True)
