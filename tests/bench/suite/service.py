# SPDX-License-Identifier: Apache-2.0
"""The server under measure, with a company of 32 reps and 40 customers each, filled through the public API."""
import json
import os
import random
import re
import subprocess
import sys
import time

from baifang import PASSWORD, Server, rfc3339, uuid7
from figures import cpu_s

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "push"))  # behind the suite's own push.py
from receiver import Receiver  # noqa: E402

REPS, CUSTOMERS = 32, 40
CONFIG = {
    "http": {"listen": "127.0.0.1:0", "idle_ms": 3600000},
    "access": {"argon2_ops": 1, "argon2_memory": 8192, "tries_account": 10000, "tries_address": 100000, "access_token": 60},
}
# As a rep writes them; {} makes each one different from the one before.
TEXTS = [
    "客户确认下季度采购两台包装设备，预算已批，要求本周提供报价和交付周期，编号{}",
    "看了车间现场，旧设备停机频繁，需求明确，希望先试用一台样机，编号{}",
    "讨论了合同付款条款，对方要求分三期付款，已答应回去请示后答复，编号{}",
    "演示了新一代控制系统，客户对能耗数据满意，请我们提供完整方案，编号{}",
    "对方正在比较三家供应商的价格，我们的交付进度有优势，下周送正式报价，编号{}",
]
BACKGROUND = ("2023年在工业博览会上认识，先后采购过三批样品，质量反馈良好；目前主要竞争对手为两家本地供应商，"
              "对方看重交付周期与售后响应，付款按季度结算，决策人为采购总监，技术负责人参与选型。")  # with the rest an answer of 1 KB


class Rep:
    """A person on one installation, also after signing in anew (`before`)."""

    def __init__(self, company, login, before=None):
        person = company.sign_in(login, before.device if before else None)
        self.login, self.device = login, person.device
        self.seq, self.customers = (before.seq, before.customers) if before else (0, [])
        self.token = person.tokens["access_token"]
        self.id = person.id
        person.http.close()


class Service:
    def __init__(self, directory, release, code="bench", at_ms=None):
        """`at_ms`: what the server's clock says when it starts, if not the time."""
        self.directory, self.release, self.code = directory, release, code
        self.ahead_ms = at_ms - int(time.time() * 1000) if at_ms else 0
        self.dice = random.Random(20261122)
        self.receiver = None
        self.n_files = 0

    def program(self, *path):
        return os.path.join(self.release, *path)

    def __enter__(self):
        self.start_receiver()
        config = {**CONFIG, "http_client": {"named_hosts": "127.0.0.1", "ca_file": self.receiver.ca}}
        self.server = Server(os.path.join(self.directory, "server"), config)
        self.server.shift_clock(self.ahead_ms)
        try:
            self.fill()
        except BaseException:
            self.__exit__()  # nobody else ends what runs by now
            raise
        return self

    def fill(self):
        self.server.start()
        self.company = self.server.company(self.code)
        logins = [f"rep{i:02}" for i in range(REPS)]
        for i, login in enumerate(logins):
            self.server.admin("user", "add", self.code, login, f"销售{i:02}", "rep", self.company.team, "--exempt", input=PASSWORD + "\n")
        self.logins = logins
        self.sign_in()
        self.add_customers()

    def __exit__(self, *_):
        self.server.stop()
        self.receiver.stop()

    def start_receiver(self):
        folder = os.path.join(self.directory, "receiver")
        os.makedirs(folder)
        self.receiver = Receiver(folder)

    def set_clock(self, at_ms):
        self.ahead_ms = at_ms - int(time.time() * 1000)
        self.server.shift_clock(self.ahead_ms)

    def now_ms(self):
        return int(time.time() * 1000) + self.ahead_ms

    def sign_in(self):
        """Everybody anew, after the server's clock was moved; customers and capture numbers stay."""
        before = {rep.login: rep for rep in getattr(self, "reps", [])}
        self.reps = [Rep(self.company, login, before.get(login)) for login in self.logins]

    def restart(self):
        """The same data in a process with nothing behind it."""
        self.server.stop()
        self.server.start()

    def pid(self):
        return self.server.server_pid()

    def data(self):
        return self.server.data

    # ---- requests ----

    def write(self, lines):
        """A file of requests, for the players."""
        self.n_files += 1
        path = os.path.join(self.directory, f"requests-{self.n_files}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def play(self, lines, connections):
        """Plays "METHOD PATH TOKEN BODY" lines; all must be answered with 2xx. Returns (wall seconds, server CPU seconds)."""
        path = self.write(lines)
        with subprocess.Popen([self.program("tests", "bench", "client", "bench_requests"), str(self.server.port), str(connections), path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as player:
            assert player.stdout.readline() == "open\n"
            before = cpu_s(self.pid())
            wall, answered, others = player.stdout.readline().split()
            cpu = cpu_s(self.pid()) - before
        os.unlink(path)
        assert int(answered) == len(lines) and int(others) == 0, f"{answered} of {len(lines)} answered, {others} with something else than 2xx"
        return float(wall), cpu

    def add_customers(self):
        lines = []
        for _ in range(CUSTOMERS):
            for rep in self.reps:
                customer = {"id": uuid7(), "contact": uuid7()}
                body = {"id": customer["id"], "type": "company", "name": f"上海华信电子有限公司{uuid7()[-12:]}", "industry": "technology", "grade": "A",
                        "phone": "13816001201", "source": "exhibition",
                        "address": "上海市浦东新区张江高科技园区科苑路88号3号楼5层", "background": BACKGROUND, "tags": ["包装线", "老客户"],
                        "primary_contact": {"id": customer["contact"], "name": "周建国", "position": "采购总监", "phone": "13816001201"}}
                rep.customers.append(customer)
                lines.append(f"POST /v1/customers {rep.token} {dump(body)}")
        self.play(lines, REPS)

    def visits(self, rounds):
        """Lines that log visits, one a rep and round: each names who was met, two of five have a next step with a date."""
        lines = []
        now = self.now_ms()
        due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(now // 1000 + 10 * 86400))
        for i in range(rounds):
            for rep in self.reps:
                rep.seq += 1
                customer = rep.customers[(rep.seq * 7) % CUSTOMERS]
                body = {"id": uuid7(), "customer": customer["id"], "mode": "visit", "contacts": [customer["contact"]],
                        "content": self.dice.choice(TEXTS).format(rep.seq), "happened_at": rfc3339(now - 60000), "captured_at": rfc3339(now),
                        "device": rep.device, "capture_seq": rep.seq}
                if (i * 2) % 5 < 2:
                    body["next_step"] = {"text": "准备合同，约财务核对账期", "due": due, "tz": "Asia/Shanghai"}
                lines.append(f"POST /v1/visits {rep.token} {dump(body)}")
        return lines

    def metrics(self):
        with self.server.client() as client:
            text = client.get("/metrics").text
        return {name: float(value) for name, value in re.findall(r"^(\w+) ([0-9.e+]+)$", text, re.M)}


def dump(body):
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
