# SPDX-License-Identifier: Apache-2.0
"""Fills the demo company with a month of work, through the public API, as it would have come about: the server's clock is set a month back and follows
the reps from visit to visit. The same choices come out each time."""
import random
import time

from . import company
from .api import Api, Person, rfc3339, uuid7

DAY_MS = 24 * 3600 * 1000
SHANGHAI_MS = 8 * 3600 * 1000


class Seeder:
    def __init__(self, server, days):
        self.server, self.days = server, days
        self.dice = random.Random(20261122)
        self.counts = {}
        self.people, self.customers = {}, {login: [] for login in company.REPS}
        self.last_ms = 0

    def run(self):
        midnight = (int(time.time() * 1000) + SHANGHAI_MS) // DAY_MS * DAY_MS - SHANGHAI_MS
        first = midnight - self.days * DAY_MS
        self.go_to(first + 8 * 3600 * 1000)
        self.found_company()
        self.api = Api(self.server)
        self.sign_in()
        for day in range(self.days):
            self.work(first + day * DAY_MS, day)
        self.server.set_clock(None)
        return self.counts

    def go_to(self, ms):
        """The server's clock never goes back: what was logged stays in order."""
        self.last_ms = max(ms, self.last_ms + 1000)
        self.server.set_clock(self.last_ms)
        return self.last_ms

    def found_company(self):
        admin, (code, name) = self.server.admin, company.TENANT
        admin("tenant", "add", code, name, "Asia/Shanghai")
        self.team = admin("team", "add", code, company.TEAM)
        for login, person, role in company.PEOPLE:
            team = [self.team] if role in ("rep", "supervisor") else []
            admin("user", "add", code, login, person, role, *team, "--exempt", secret=company.PASSWORD)

    def sign_in(self):
        for login in company.REPS:
            self.people[login] = Person(self.api, company.TENANT[0], login, company.PASSWORD, uuid7(self.last_ms), self.last_ms)

    def work(self, day_ms, day):
        weekday = time.gmtime((day_ms + SHANGHAI_MS) // 1000).tm_wday
        if weekday >= 5:
            return
        # Most customers are known from the first day on; the others are won in the weeks after.
        known = len(company.CUSTOMERS) if day >= 20 else 28 + day // 2
        while sum(len(own) for own in self.customers.values()) < known:
            self.add_customer(day_ms + 9 * 3600 * 1000 + self.dice.randrange(20 * 60 * 1000))
        visits = sorted((day_ms + (9 * 60 + 30 + self.dice.randrange(8 * 60)) * 60 * 1000, login)
                        for login in company.REPS for _ in range(self.dice.choice((1, 1, 2))))
        for at_ms, login in visits:
            self.visit(at_ms, login)

    def add_customer(self, at_ms):
        number = sum(len(own) for own in self.customers.values())
        name, industry, grade, contact, position, phone = company.CUSTOMERS[number]
        login = company.REPS[number % len(company.REPS)]
        at_ms = self.go_to(at_ms)
        body = {"id": uuid7(at_ms), "type": "company", "name": name, "industry": industry, "grade": grade, "phone": phone,
                "source": self.dice.choice(("website", "exhibition", "referral", "cold_call")),
                "primary_contact": {"id": uuid7(at_ms), "name": contact, "position": position, "phone": phone}}
        if number % 5 == 0:
            body["topics"] = ["包装线", "能耗"]
        self.people[login].call("POST", "/v1/customers", body, at_ms)
        self.customers[login].append({"id": body["id"], "contact": body["primary_contact"]["id"], "name": contact, "topics": "topics" in body})
        self.count("customers")

    def content(self, customer):
        """(text, names the contact): what this rep writes today, mostly well."""
        roll = self.dice.random()
        if roll < 0.08:
            return self.dice.choice(company.SHORT), True
        if roll < 0.13:
            return self.dice.choice(company.BANNED), True
        if roll < 0.18:
            return self.dice.choice(company.GOOD).format(contact=customer["name"]), False
        if roll < 0.24 and customer["topics"]:
            return self.dice.choice(company.OFF_TOPIC), True
        return self.dice.choice(company.GOOD).format(contact=customer["name"]), True

    def visit(self, happened_ms, login):
        person, customer = self.people[login], self.dice.choice(self.customers[login])
        text, names_contact = self.content(customer)
        # Most are written within the hour, some on the next morning, a few too late to be timely (ENT-03).
        late_ms = self.dice.choices((self.dice.randrange(3600 * 1000), 16 * 3600 * 1000, 50 * 3600 * 1000), (88, 8, 4))[0]
        at_ms = self.go_to(max(happened_ms, self.last_ms) + 60 * 1000)
        happened_ms = at_ms - 60 * 1000 - late_ms
        person.seq += 1
        body = {"id": uuid7(at_ms), "customer": customer["id"], "mode": self.dice.choice(("visit", "visit", "visit", "phone", "wechat")), "content": text,
                "happened_at": rfc3339(happened_ms), "captured_at": rfc3339(at_ms), "device": person.device, "capture_seq": person.seq}
        if names_contact:
            body["contacts"] = [customer["contact"]]
        if self.dice.random() < 0.4:
            due = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((at_ms + SHANGHAI_MS + self.dice.randrange(1, 15) * DAY_MS) // 1000))
            body["next_step"] = {"text": self.dice.choice(company.NEXT_STEPS), "due": due, "tz": "Asia/Shanghai"}
        receipt = person.call("POST", "/v1/visits", body, at_ms)
        self.count("visits")
        self.count(receipt["verdict"]["validity"])

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1
