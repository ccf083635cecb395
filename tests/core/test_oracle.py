#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""core/ against Python's standard library: json, datetime, zoneinfo, hashlib, unicodedata. Usage: test_oracle.py PROBE

The questions are random but seeded, so that a failure comes again."""
import datetime as dt
import hashlib
import json
import math
import random
import subprocess
import sys
import unicodedata
import unittest
import zoneinfo

PROBE = sys.argv.pop(1)
UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
# Zones with gaps and overlaps of an hour, of half an hour, of a day, of none; whose rules ICU 72's data (2022e) and newer ones share.
ZONES = ["Australia/Lord_Howe", "America/New_York", "Asia/Urumqi", "Asia/Shanghai", "Pacific/Apia", "Asia/Kathmandu", "Europe/London",
         "America/St_Johns", "Pacific/Chatham", "Africa/Casablanca", "Asia/Hong_Kong", "UTC"]


def ask(questions):
    """One answer for each question, a tuple of strings."""
    text = "".join("\t".join(q) + "\n" for q in questions)
    done = subprocess.run([PROBE], input=text.encode(), stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(questions), (len(answers), len(questions))
    return answers


def ms_of(moment):
    return (moment - EPOCH) // dt.timedelta(milliseconds=1)


def first_instant(zone, wall):
    """The first instant at which the zone's clock shows `wall` or, where it was skipped, a later time: by walking, not by rule."""
    low = wall.replace(tzinfo=UTC) - dt.timedelta(hours=28)
    step = dt.timedelta(minutes=15)
    while low.astimezone(zone).replace(tzinfo=None) < wall:
        low += step
    low -= step
    while low.astimezone(zone).replace(tzinfo=None) < wall:
        low += dt.timedelta(minutes=1)
    return ms_of(low)


def strict_json(text):
    """Does Python, made as strict as our edge, take it?"""
    def pairs(items):
        keys = [k for k, _ in items]
        if len(keys) != len(set(keys)):
            raise ValueError("duplicate")
        return dict(items)

    def number(text):
        value = float(text)
        if math.isinf(value):
            raise ValueError("overflow")
        return value

    def integer(text):
        value = int(text)
        if not -2**63 <= value < 2**63:
            raise ValueError("overflow")
        return value

    def refuse(name):
        raise ValueError(name)

    def check(value):
        if isinstance(value, str):
            value.encode()  # a lone surrogate raises
            if "\0" in value:
                raise ValueError("NUL")
        for part in value if isinstance(value, list) else []:
            check(part)
        for key, part in value.items() if isinstance(value, dict) else []:
            check(key)
            check(part)

    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=pairs, parse_float=number, parse_int=integer, parse_constant=refuse)
        check(value)
        return isinstance(value, (dict, list))
    except (ValueError, RecursionError):
        return False


class Oracle(unittest.TestCase):
    def compare(self, questions, expected):
        for question, answer, want in zip(questions, ask(questions), expected):
            self.assertEqual(answer, want, question)

    def test_times_are_read_and_written_like_datetime(self):
        rnd = random.Random(1)
        questions, expected = [], []
        for _ in range(5000):
            offset = rnd.randint(-1439, 1439)
            zone = dt.timezone(dt.timedelta(minutes=offset))
            moment = EPOCH + dt.timedelta(milliseconds=rnd.randint(2 * 86400000, 253402000000000))
            local = moment.astimezone(zone)
            digits = rnd.choice([0, 1, 3, 6, 9])
            fraction = "" if digits == 0 else "." + f"{local.microsecond:06d}000"[:digits]
            sign = "-" if offset < 0 else "+"
            text = f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{sign}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
            kept = min(digits, 3)
            utc = moment.replace(microsecond=int(f"{moment.microsecond:06d}"[:kept].ljust(6, "0")))
            questions.append(("time", text))
            expected.append(f"{ms_of(utc)} {utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z")
        self.compare(questions, expected)

    def test_wall_clocks_agree_with_zoneinfo(self):
        rnd = random.Random(2)
        questions, expected = [], []
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            for _ in range(400):
                moment = EPOCH + dt.timedelta(seconds=rnd.randint(0, 2145916800))
                local = moment.astimezone(zone)
                questions.append(("civil", name, str(ms_of(moment))))
                expected.append(f"{local:%Y-%m-%dT%H:%M:%S} {local.isoweekday()}")
        self.compare(questions, expected)

    def test_wall_times_become_the_first_instant_that_shows_them(self):
        rnd = random.Random(3)
        questions, expected = [], []
        for name in ZONES:
            zone = zoneinfo.ZoneInfo(name)
            walls = [dt.datetime(1971, 1, 1) + dt.timedelta(minutes=rnd.randint(0, 35000000)) for _ in range(60)]
            for year in (1988, 2011, 2022, 2026):  # every quarter of an hour around each change of offset
                at = dt.datetime(year, 1, 1, tzinfo=UTC)
                while at.year == year:
                    after = at + dt.timedelta(hours=6)
                    if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
                        wall = at.astimezone(zone).replace(tzinfo=None) - dt.timedelta(hours=3)
                        walls += [wall + dt.timedelta(minutes=15 * i) for i in range(56)]
                    at = after
            for wall in walls:
                questions.append(("instant", name, f"{wall:%Y-%m-%dT%H:%M}"))
                expected.append(str(first_instant(zone, wall)))
        self.compare(questions, expected)

    def test_zones_of_the_system_are_known_and_forgeries_are_not(self):
        names = [n for n in zoneinfo.available_timezones() if "/" in n and not n.startswith(("posix/", "right/"))]
        answers = dict(zip(names, ask([("zone", n) for n in names])))
        unknown = [n for n, a in answers.items() if a != "yes"]
        # Newer than ICU's data: America/Ciudad_Juarez (2022g), America/Coyhaique (2025b).
        self.assertLessEqual(set(unknown), {"America/Ciudad_Juarez", "America/Coyhaique"})
        forged = [n.lower() for n in names] + [n[:-1] for n in names] + [n + "x" for n in names]
        forged = [n for n in forged if n not in answers]
        for name, answer in zip(forged, ask([("zone", n) for n in forged])):
            self.assertEqual(answer, "no", name)

    def test_days_and_weeks_agree_with_date(self):
        rnd = random.Random(4)
        questions, expected = [], []
        for _ in range(5000):
            day = dt.date.fromordinal(rnd.randint(dt.date(1000, 1, 1).toordinal(), dt.date(9000, 1, 1).toordinal()))
            more = rnd.randint(-300000, 300000)
            after = day + dt.timedelta(days=more)
            iso = after.isocalendar()
            questions.append(("day", day.isoformat(), str(more)))
            expected.append(f"{after.isoformat()} {iso[0]} {iso[1]} {after.isoweekday()}")
        self.compare(questions, expected)

    def test_strings_are_written_so_that_json_reads_them_back(self):
        rnd = random.Random(5)
        texts = ["".join(chr(i) for i in range(1, 256)), "\u2028\u2029", "\U0010ffff", ""]
        for _ in range(1500):
            pool = rnd.choice(["abc \"\\/\n\r\t\b\f\x01\x1f\x7f", "客户拜访合同\"", "é😀\U00010000a\x00"])
            texts.append("".join(rnd.choice(pool) for _ in range(rnd.randint(0, 60))))
        for text, answer in zip(texts, ask([("str", t.encode().hex()) for t in texts])):
            self.assertEqual(json.loads(bytes.fromhex(answer)), text)

    def test_bytes_that_are_no_text_still_become_json(self):
        rnd = random.Random(6)
        inputs = [bytes(rnd.choice([rnd.randrange(256), 0xe4, 0xb8, 0xad, 0x61]) for _ in range(rnd.randint(0, 20)))
                  for _ in range(2000)]
        for data, answer in zip(inputs, ask([("str", d.hex()) for d in inputs])):
            text = json.loads(bytes.fromhex(answer))
            try:
                self.assertEqual(text, data.decode())
            except UnicodeDecodeError:
                self.assertIn("\ufffd", text)

    def test_numbers_are_written_exactly(self):
        rnd = random.Random(7)
        ints = [0, -1, 2**63 - 1, -2**63] + [rnd.getrandbits(rnd.randint(1, 63)) * rnd.choice([1, -1]) for _ in range(500)]
        for i, answer in zip(ints, ask([("int", str(i)) for i in ints])):
            self.assertEqual(bytes.fromhex(answer), str(i).encode())
        doubles = [0.1, 1e300, 5e-324, 2.5, 1 / 3, 123456789.123]
        doubles += [rnd.uniform(-1e6, 1e6) * 10 ** rnd.randint(-20, 20) for _ in range(500)]
        for d, answer in zip(doubles, ask([("double", repr(d)) for d in doubles])):
            self.assertEqual(json.loads(bytes.fromhex(answer)), d)

    def test_the_parser_takes_what_a_strict_python_takes(self):
        rnd = random.Random(8)
        seeds = [b'{"a":1,"b":[true,false,null,-0.5e3],"c":{"d":"\\u4e2d\\ud83d\\ude00\\n"}}', '{"客":"户","é":[]}'.encode(),
                 b'[1,2,[3,{"x":{}}]]', b'{"a":9223372036854775807,"b":1e308}', b' \t\r\n{ "k" : "v" } \n']
        pieces = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"-", b"e9", b".", b"\\u0000", b"\\ud800", b"\xff", b"\xe4",
                  b"\0", b" ", b"null", b'"a"', b"9" * 19, b"\x0c", b"\xc2\xa0", b"+"]
        texts = list(seeds)
        for _ in range(60000):
            text = bytearray(rnd.choice(seeds))
            for _ in range(rnd.randint(1, 3)):
                at = rnd.randint(0, len(text))
                text[at:at + rnd.randint(0, 2)] = rnd.choice(pieces + [b""] * 4)
            texts.append(bytes(text))
        taken = 0
        for text, answer in zip(texts, ask([("json", t.hex()) for t in texts])):
            want = strict_json(text)
            taken += want
            self.assertEqual(answer, "yes" if want else "no", text)
        self.assertGreater(taken, 1000)

    def test_utf8_is_judged_like_python(self):
        rnd = random.Random(9)
        edges = bytes.fromhex("00417f808f909fa0bfc0c1c2dfe0ecedeeeff0f3f4f5ff")
        inputs = [bytes(rnd.choice(edges) for _ in range(rnd.randint(0, 5))) for _ in range(60000)]
        for data, answer in zip(inputs, ask([("utf8", d.hex()) for d in inputs])):
            try:
                want = "\0" not in data.decode()
            except UnicodeDecodeError:
                want = False
            self.assertEqual(answer, "yes" if want else "no", data)

    def test_every_unified_ideograph_is_a_unit_and_no_punctuation_is(self):
        blocks = [(0x21, 0x3100), (0x3400, 0xa000), (0xf900, 0x10000), (0x1f000, 0x21000)]
        chars = [chr(c) for first, end in blocks for c in range(first, end)]
        for char, answer in zip(chars, ask([("units", char.encode().hex()) for char in chars])):
            name, category = unicodedata.name(char, ""), unicodedata.category(char)
            if name.startswith("CJK UNIFIED IDEOGRAPH"):
                self.assertEqual(answer, "1", name)
            elif category[0] in "LN" and category != "No":
                self.assertEqual(answer, "1", name)
            elif category[0] in "PZCM" and category != "Cn" and not name.startswith(("IDEOGRAPHIC", "HANGZHOU")):
                self.assertEqual(answer, "0", name)

    def test_folding_agrees_with_unicodedata(self):
        skip = {"Cn", "Cs", "Cf", "Cc", "Zs", "Zl", "Zp"}
        ignorable = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0, *range(0x180b, 0x1810), *range(0xfe00, 0xfe10)}
        chars = [chr(c) for c in range(0x21, 0x30000) if unicodedata.category(chr(c)) not in skip and c not in ignorable]

        def fold(text):
            while True:
                again = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).casefold())
                if again == text:
                    return text
                text = again

        different = []
        for char, answer in zip(chars, ask([("fold", char.encode().hex()) for char in chars])):
            if bytes.fromhex(answer).decode() != " ".join(fold(char).split()):
                different.append(char)
        self.assertEqual(different, [])

    def test_sha256_agrees_with_hashlib_at_every_length(self):
        data = random.Random(10).randbytes(300)
        inputs = [data[:n] for n in range(301)]
        self.compare([("sha256", d.hex()) for d in inputs], [hashlib.sha256(d).hexdigest() for d in inputs])


if __name__ == "__main__":
    unittest.main()
