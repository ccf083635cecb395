# SPDX-License-Identifier: Apache-2.0
"""Media of visits: from bytes to pictures and text, in any order of arrival, whatever breaks on the way. Judged by ImageMagick, FFmpeg and the words
that flite spoke."""
import json
import math
import os
import pathlib
import signal
import struct
import subprocess
import sys
import urllib.request

import httpx
import pytest

import tus
from baifang import Feed, Server, until, uuid7

SAID = ["the customer wants to order two machines next month", "please send the contract before friday", "the price was accepted by the manager",
        "we will meet again on monday morning"]
WORDS = "拜访 报价 交付周期"  # that a company always wants to be understood
STT = pathlib.Path(__file__).parent.parent / "ingest" / "stt" / "server.py"


def sh(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **options).stdout


@pytest.fixture
def rep(company):
    return company.sign_in("wang")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="module")
def photo(made):
    """A landscape JPEG that says nothing about itself."""
    path = made / "photo.jpg"
    sh("convert", "-size", "2400x1800", "-seed", "7", "plasma:red-blue", "-quality", "90", path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def speech(made):
    """The sentences of SAID, spoken, as a phone would record them: {suffix: bytes}, and their length."""
    parts = []
    for i, text in enumerate(SAID):
        parts.append(made / f"{i}.wav")
        sh("flite", "-voice", "rms", "-t", text, "-o", parts[-1])
    sh("sox", *parts, made / "speech.wav")
    sh("ffmpeg", "-v", "error", "-y", "-i", made / "speech.wav", "-c:a", "libopus", "-b:a", "32k", made / "speech.ogg")
    sh("ffmpeg", "-v", "error", "-y", "-i", made / "speech.wav", "-c:a", "aac", made / "speech.m4a")
    return {"ogg": (made / "speech.ogg").read_bytes(), "m4a": (made / "speech.m4a").read_bytes(), "wav": (made / "speech.wav").read_bytes(),
            "seconds": float(sh("soxi", "-D", made / "speech.wav"))}


def medium(kind, data, type, **fields):
    consent = {"consent_at": "2026-01-01T00:00:00.000Z"} if kind == "voice" else {}
    return {"id": uuid7(), "kind": kind, "sha256": tus.sha256(data), "type": type, **consent, **fields}


def log(rep, media, customer=None, **fields):
    """Logs a visit with these media; its receipt."""
    body = rep.visit_body(customer or rep.customer()["id"], media=media, **fields)
    answer = rep.post("/v1/visits", json={key: value for key, value in body.items() if value is not None})
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(rep, receipt):
    answer = rep.get("/v1/visits/" + receipt["visit"]["id"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def state_of(rep, receipt, at=0):
    states = {state["id"]: state for state in read(rep, receipt)["media_states"]}
    return states[receipt["visit"]["media"][at]["id"]]


def settled(rep, receipt, at=0):
    """The state of a medium once it is neither awaited nor merely stored."""
    return until(lambda: (s := state_of(rep, receipt, at))["state"] in ("ready", "refused") and s, "the medium")


def transcript(rep, receipt, *states):
    return until(lambda: (t := read(rep, receipt)["transcripts"][0])["state"] in states and t, f"a transcript that is {states}")


def variant(rep, receipt, name, at=0):
    answer = rep.get(f"/v1/visits/{receipt['visit']['id']}/media/{receipt['visit']['media'][at]['id']}/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def safe(rep):
    return rep.get(f"/v1/devices/{rep.device}/safe").json()


def register(rep):
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code in (200, 201)


# ---- pictures ----


def test_a_picture_uploaded_before_its_visit_gets_its_sizes(rep, photo, tmp_path):
    tus.upload(rep, photo)
    receipt = log(rep, [medium("photo", photo, "image/jpeg")])
    assert receipt["media"][0]["state"] == "stored" and receipt["awaited"] == []
    state = settled(rep, receipt)
    assert (state["state"], state["bytes"]) == ("ready", len(photo))
    for name, width, height in (("large", 1600, 1200), ("small", 320, 240)):
        said = next(v for v in state["variants"] if v["name"] == name)
        data = variant(rep, receipt, name)
        (tmp_path / "x.webp").write_bytes(data)
        assert sh("identify", "-format", "%m %w %h", tmp_path / "x.webp") == f"WEBP {width} {height}"
        assert (said["width"], said["height"], said["bytes"], said["sha256"], said["type"]) == (width, height, len(data), tus.sha256(data), "image/webp")
    assert variant(rep, receipt, "original") == photo


def page(path, *lens):
    """A page of writing on a dark desk, seen through a lens."""
    lines = " ".join(f"text 230,{y} 'the parties agree that goods are delivered within thirty days of payment'" for y in range(260, 1360, 34))
    sh("convert", "-size", "1200x1600", "xc:gray(20%)", "-fill", "gray(88%)", "-draw", "rectangle 150,150 1050,1450", "-fill", "gray(12%)", "-font", "DejaVu-Sans",
       "-pointsize", "20", "-draw", lines, "-blur", "0x0.5", *lens, "-quality", "88", path)
    return path.read_bytes()


def test_a_photo_that_cannot_be_read_says_so_in_its_state_and_in_the_feed(rep, made):
    """A hint, no refusal; with a word in both languages."""
    words = rep.get("/openapi.json").json()["components"]["schemas"]["legibility"]["properties"]["hints"]
    assert "照片模糊" in json.dumps(words, ensure_ascii=False) and "Blurred" in json.dumps(words), words
    for lens, hints in (([], []), (["-blur", "0x5"], ["blurred"]), (["-evaluate", "multiply", "0.2"], ["too_dark"])):
        data = page(made / "page.jpg", *lens)
        tus.upload(rep, data)
        receipt = log(rep, [medium("photo", data, "image/jpeg")])
        state = settled(rep, receipt)
        assert (state["state"], state["legibility"]["hints"]) == ("ready", hints), state
        assert 0 <= state["legibility"]["dark_share"] <= 1 and 0 <= state["legibility"]["bright_share"] <= 1
        assert Feed(rep).pull().docs[("media", state["id"])]["legibility"] == state["legibility"]


def test_what_the_server_did_not_make_is_an_attachment_of_no_type_and_its_parts_are_served_alike(rep, photo):
    """A browser neither shows an original nor guesses what it is, whatever the person called it; parts as RFC 9110 section 14 says."""
    tus.upload(rep, photo + b"whole")
    receipt = log(rep, [medium("photo", photo + b"whole", "image/jpeg")])
    assert settled(rep, receipt)["state"] == "ready"
    of = f"/v1/visits/{receipt['visit']['id']}/media/{receipt['visit']['media'][0]['id']}/"
    for name, type, data in (("original", "application/octet-stream", photo + b"whole"), ("small", "image/webp", variant(rep, receipt, "small"))):
        size, last = len(data), len(data) - 1
        whole = rep.get(of + name)
        etag = whole.headers["etag"]
        assert etag == f'"{tus.sha256(data)}"' and whole.headers["accept-ranges"] == "bytes"
        parts = [("bytes=0-99", 0, 99), ("bytes=100-100", 100, 100), (f"bytes=-{size - 5}", 5, last), ("bytes=7-", 7, last), (f"bytes={last}-{size + 9}", last, last),
                 (f"bytes=-{size + 1}", 0, last)]
        answers = [(whole, data, None)] + [(rep.get(of + name, headers={"range": words, "if-range": etag}), data[start:end + 1], f"bytes {start}-{end}/{size}")
                                           for words, start, end in parts]
        for answer, expected, where in answers:
            assert answer.status_code == (206 if where else 200) and answer.headers.get("content-range") == where
            assert answer.content == expected and answer.headers["content-length"] == str(len(expected))
            assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["content-type"] == type
            assert answer.headers.get("content-disposition") == ("attachment" if name == "original" else None)
            assert "sandbox" in answer.headers["content-security-policy"] and answer.headers["etag"] == etag
        for words, more in [("bytes=0-1,4-5", {}), ("lines=0-9", {}), ("bytes=9-5", {}), ("bytes=a-b", {}), ("bytes=-", {}), ("bytes=-x", {}), ("bytes 0-5", {}),
                            (f"bytes={size}-5", {}), ("bytes=0-9", {"if-range": '"x"'})]:
            answer = rep.get(of + name, headers={"range": words, **more})
            assert (answer.status_code, answer.content) == (200, data), "what is not one range that is meant for these bytes is no range"
        for words in (f"bytes={size}-", f"bytes={size}-{size + 5}", "bytes=-0"):
            answer = rep.get(of + name, headers={"range": words})
            assert answer.status_code == 416 and answer.json()["code"] == "range_not_satisfiable", answer.text
        head = rep.request("HEAD", of + name)
        assert head.status_code == 200 and head.content == b"" and head.headers["content-length"] == str(size)


def test_a_visit_may_come_before_the_bytes_it_names(rep, photo):
    register(rep)
    photo = photo + b"trailing bytes make it another file"
    receipt = log(rep, [medium("photo", photo, "image/jpeg")])
    media_id = receipt["visit"]["media"][0]["id"]
    assert receipt["awaited"] == [media_id]
    assert [m["media"] for m in safe(rep)["media_awaited"]] == [media_id] and safe(rep)["safe_through"] == 0
    tus.upload(rep, photo)
    assert settled(rep, receipt)["state"] == "ready"
    assert safe(rep)["media_awaited"] == [] and safe(rep)["safe_through"] == receipt["visit"]["capture_seq"]


def test_one_upload_serves_several_visits(rep, photo):
    photo = photo + b"several"
    tus.upload(rep, photo)
    receipts = [log(rep, [medium("photo", photo, "image/jpeg")]) for _ in range(3)]
    twice = log(rep, [medium("photo", photo, "image/jpeg"), medium("photo", photo, "image/jpeg")])
    for receipt, at in [(r, 0) for r in receipts] + [(twice, 0), (twice, 1)]:
        if receipt["media"][at]["state"] == "stored":
            assert settled(rep, receipt, at)["state"] == "ready"
        else:  # the first visit had taken the upload for good
            tus.upload(rep, photo)
            assert settled(rep, receipt, at)["state"] == "ready"


def test_bytes_called_stored_stay_when_the_upload_is_deleted_before_their_turn_comes(server, rep, photo):
    """Both of the server's media threads stand still with other pictures, so that nothing has been done about the third."""
    register(rep)
    zygote = server.zygote_pid()
    os.kill(zygote, signal.SIGSTOP)
    try:
        receipts = []
        for i in range(3):
            data = photo + b"turn" + bytes([i])
            made = tus.create(rep, len(data), "image/jpeg", data)
            receipts.append(log(rep, [medium("photo", data, "image/jpeg")]))
        assert receipts[2]["media"][0]["state"] == "stored" and safe(rep)["safe_through"] == receipts[2]["visit"]["capture_seq"]
        assert rep.request("DELETE", httpx.URL(made.headers["location"]).path, headers=tus.VERSION).status_code == 204
    finally:
        os.kill(zygote, signal.SIGCONT)
    assert settled(rep, receipts[2])["state"] == "ready"
    assert variant(rep, receipts[2], "original") == data


def test_knowing_a_hash_opens_nothing(company, rep, photo):
    photo = photo + b"private"
    tus.upload(rep, photo)
    receipt = log(rep, [medium("photo", photo, "image/jpeg")])
    assert settled(rep, receipt)["state"] == "ready"
    other = company.sign_in("li")
    claimed = log(other, [medium("photo", photo, "image/jpeg")])
    assert claimed["media"][0]["state"] == "awaited"
    own = log(other, [medium("photo", photo + b"own", "image/jpeg")])
    tus.upload(other, photo + b"own")
    assert settled(other, own)["state"] == "ready"  # by now the pipeline has been past the claim
    assert state_of(other, claimed)["state"] == "awaited"
    path = f"/v1/visits/{claimed['visit']['id']}/media/{claimed['visit']['media'][0]['id']}/"
    assert [other.get(path + name).status_code for name in ("original", "large", "small")] == [404] * 3


@pytest.mark.parametrize("type, spoil, reasons", [
    ("image/jpeg", lambda d: d[:len(d) // 2], {"truncated"}),
    ("image/png", lambda d: d + b"\0", {"mislabelled"}),
    ("image/jpeg", lambda d: d[:200] + bytes(1000), {"unreadable", "truncated"}),
    ("image/webp", lambda d: bytes.fromhex("524946461e000000574542505650384c12000000" "2fffffff0f") + bytes(13), {"too_many_pixels"}),  # 16384 x 16384
])
def test_bytes_that_are_no_good_are_refused_with_a_reason(rep, photo, type, spoil, reasons):
    data = spoil(photo)
    tus.upload(rep, data, type)
    receipt = log(rep, [medium("photo", data, type)])
    state = settled(rep, receipt)
    assert state["state"] == "refused" and state["refusal"] in reasons
    assert "variants" not in state
    assert variant(rep, receipt, "original") == data  # what the rep took is kept


def test_where_and_when_a_picture_was_taken_is_read_from_it(rep, photo, made):
    path = made / "exif.jpg"
    tags = bytes.fromhex("ffe1") + exif(lat=(31, 14, 6), lon=(121, 28, 12), taken="2026:11:20 09:30:00", offset="+08:00")
    path.write_bytes(photo[:2] + tags + photo[2:])
    data = path.read_bytes()
    tus.upload(rep, data)
    state = settled(rep, log(rep, [medium("photo", data, "image/jpeg")]))
    assert state["taken_at"] == "2026-11-20T09:30:00+08:00"
    assert math.isclose(state["latitude"], 31 + 14 / 60 + 6 / 3600, abs_tol=1e-6) and math.isclose(state["longitude"], 121 + 28 / 60 + 12 / 3600, abs_tol=1e-6)


def exif(lat, lon, taken, offset):
    """An APP1 segment behind its marker: big-endian TIFF with a GPS and an Exif directory (Exif 2.32)."""
    def entry(tag, kind, count, value):
        return struct.pack(">HHI4s", tag, kind, count, value)

    def directory(entries):
        return struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)

    def degrees(d):
        return b"".join(struct.pack(">II", n, 1) for n in d)

    at_ifd0, at_exif = 8, 8 + 2 + 2 * 12 + 4
    at_gps = at_exif + 2 + 2 * 12 + 4
    at_data = at_gps + 2 + 4 * 12 + 4
    time, zone = taken.encode() + b"\0", offset.encode() + b"\0"
    data = time + zone + b"\0" + degrees(lat) + degrees(lon)
    at_zone = at_data + len(time)
    at_lat = at_zone + len(zone) + 1
    tiff = b"MM\0*" + struct.pack(">I", at_ifd0)
    tiff += directory([entry(0x8769, 4, 1, struct.pack(">I", at_exif)), entry(0x8825, 4, 1, struct.pack(">I", at_gps))])
    tiff += directory([entry(0x9003, 2, len(time), struct.pack(">I", at_data)), entry(0x9011, 2, len(zone), struct.pack(">I", at_zone))])
    tiff += directory([entry(1, 2, 2, b"N\0\0\0"), entry(2, 5, 3, struct.pack(">I", at_lat)), entry(3, 2, 2, b"E\0\0\0"),
                       entry(4, 5, 3, struct.pack(">I", at_lat + 24))])
    body = b"Exif\0\0" + tiff + data
    return struct.pack(">H", len(body) + 2) + body


# ---- recordings ----


def word_errors(said, heard):
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


@pytest.mark.parametrize("suffix, type", [("ogg", "audio/ogg"), ("m4a", "audio/mp4")])
def test_a_recording_is_normalised_and_understood(rep, speech, suffix, type, tmp_path):
    data = speech[suffix]
    tus.upload(rep, data, type)
    receipt = log(rep, [medium("voice", data, type)])
    state = settled(rep, receipt)
    assert state["state"] == "ready", state
    assert abs(state["duration_ms"] / 1000 - speech["seconds"]) < 0.1
    assert -60 < state["loudness"] < 0
    (tmp_path / "v.ogg").write_bytes(variant(rep, receipt, "voice"))
    probe = json.loads(sh("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", tmp_path / "v.ogg"))
    assert (probe["streams"][0]["codec_name"], probe["streams"][0]["channels"]) == ("opus", 1)
    assert abs(float(probe["format"]["duration"]) - speech["seconds"]) < 0.1
    version, flags, rate, per_pixel, length, channels = struct.unpack("<iIiiIi", variant(rep, receipt, "peaks")[:24])
    assert (version, flags, channels) == (2, 1, 1) and abs(length * per_pixel / rate - speech["seconds"]) < 0.1
    heard = transcript(rep, receipt, "ready")
    assert heard["provider"] == "pocketsphinx"
    said = " ".join(SAID).split()
    assert word_errors(said, heard["text"].split()) <= len(said) * 0.25, heard["text"]


def test_g03_a_voice_only_visit_counts_once_its_text_was_confirmed(rep, speech):
    customer = rep.customer()
    contact = rep.get(f"/v1/contacts?customer={customer['id']}").json()["items"][0]["id"]
    data = speech["wav"]
    receipt = log(rep, [medium("voice", data, "audio/wav")], customer["id"], content=None, contacts=[contact])
    assert receipt["verdict"]["validity"] == "waiting"
    counted = receipt["week"]["valid"]
    tus.upload(rep, data, "audio/wav")
    heard = transcript(rep, receipt, "ready")
    answer = rep.post(f"/v1/transcripts/{heard['id']}/confirm", json={"text": "客户下个月要订两台机器，请周五前发合同，价格已经同意"},
                      headers={"idempotency-key": "k" + heard["id"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["verdict"]["validity"] == "valid" and answer.json()["week"]["valid"] == counted + 1
    after = read(rep, receipt)["transcripts"][0]
    assert after["state"] == "edited" and after["text"] == heard["text"]


def test_g04_a_recording_needs_consent(rep, speech):
    data = speech["ogg"]
    body = rep.visit_body(rep.customer()["id"], media=[medium("voice", data, "audio/ogg")])
    del body["media"][0]["consent_at"]
    refused = rep.post("/v1/visits", json=body)
    assert refused.status_code == 422 and refused.json()["errors"][0]["code"] == "consent_required"


def test_a_recording_that_cannot_be_read_leaves_a_transcript_that_the_rep_can_write(rep, speech):
    data = speech["ogg"][:3000] + bytes(100)
    tus.upload(rep, data, "audio/mp4")
    receipt = log(rep, [medium("voice", data, "audio/mp4")])
    assert settled(rep, receipt)["refusal"] == "mislabelled"
    failed = transcript(rep, receipt, "failed")
    again = rep.post(f"/v1/transcripts/{failed['id']}/retry", headers={"idempotency-key": "r" + failed["id"]})
    assert again.status_code == 409 and again.json()["code"] == "conflict"
    assert transcript(rep, receipt, "failed")["round"] == 1
    hour = "客户确认下季度采购两台设备。" * 4000  # as many words as an hour of talk has
    answer = rep.post(f"/v1/transcripts/{failed['id']}/confirm", json={"text": hour}, headers={"idempotency-key": "k" + failed["id"]})
    assert answer.status_code == 200 and answer.json()["transcript"]["confirmed_text"] == hour


# ---- a provider in the network ----


class Provider:
    """The tests' transcription server, a process that can be stopped."""

    def __init__(self, text):
        self.process = subprocess.Popen([sys.executable, STT, "--text", text], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def requests(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/requests", timeout=60) as answer:
            return json.load(answer)

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        self.signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def away(tmp_path):
    """(server, provider): a server of its own that asks the provider anew after a moment."""
    provider = Provider("张经理确认了下季度的订单")
    config = {"stt": {"provider": "openai", "url": f"http://127.0.0.1:{provider.port}/v1", "try_ms": 1000, "prompt": WORDS}, "ingest": {"away": 200, "away_max": 400}}
    try:
        with Server(tmp_path / "s", config, environment={"BAIFANG_STT_KEY": "test-key"}) as server:
            yield server, provider
    finally:
        provider.end()


def test_the_provider_gets_the_names_of_the_visit_and_its_text_comes_back(away, speech):
    server, provider = away
    rep = server.company().sign_in("wang")
    customer = rep.customer("苏州恒达机械")
    contact = rep.get(f"/v1/contacts?customer={customer['id']}").json()["items"][0]
    tus.upload(rep, speech["ogg"], "audio/ogg")
    receipt = log(rep, [medium("voice", speech["ogg"], "audio/ogg")], customer["id"], contacts=[contact["id"]])
    heard = transcript(rep, receipt, "ready")
    assert (heard["text"], heard["provider"]) == ("张经理确认了下季度的订单", "openai")
    asked = provider.requests()
    assert len(asked) == 1 and asked[0]["prompt"].startswith(WORDS)
    assert "苏州恒达机械" in asked[0]["prompt"][len(WORDS):] and contact["name"] in asked[0]["prompt"][len(WORDS):]
    assert asked[0]["sha256"] == tus.sha256(variant(rep, receipt, "voice"))


def test_a_provider_that_is_away_loses_no_visit_and_its_text_comes_when_it_is_back(away, speech):
    server, provider = away
    rep = server.company().sign_in("wang")
    provider.signal(signal.SIGSTOP)
    tus.upload(rep, speech["ogg"], "audio/ogg")
    receipts = [log(rep, [medium("voice", speech["ogg"], "audio/ogg")])]
    for _ in range(2):
        tus.upload(rep, speech["wav"], "audio/wav")
        receipts.append(log(rep, [medium("voice", speech["wav"], "audio/wav")]))
    for receipt in receipts:
        assert transcript(rep, receipt, "provider_away")["round"] == 1
    written = receipts.pop()
    answer = rep.post(f"/v1/transcripts/{read(rep, written)['transcripts'][0]['id']}/confirm", json={"text": "我自己写的：客户同意报价"},
                      headers={"idempotency-key": "own words"})
    assert answer.status_code == 200
    provider.signal(signal.SIGCONT)
    for receipt in receipts:
        assert transcript(rep, receipt, "ready")["text"] == "张经理确认了下季度的订单"
    kept = read(rep, written)["transcripts"][0]
    assert (kept["state"], kept["confirmed_text"]) == ("edited", "我自己写的：客户同意报价") and "text" not in kept


def test_the_rep_may_ask_again(tmp_path, speech):
    provider = Provider("第二次听懂了")
    config = {"stt": {"provider": "openai", "url": f"http://127.0.0.1:{provider.port}/v1", "model": "empty"}}
    directory = tmp_path / "s"
    try:
        with Server(directory, config, environment={"BAIFANG_STT_KEY": "test-key"}) as server:
            rep = server.company().sign_in("wang")
            tus.upload(rep, speech["ogg"], "audio/ogg")
            receipt = log(rep, [medium("voice", speech["ogg"], "audio/ogg")])
            failed = transcript(rep, receipt, "failed")
        config["stt"]["model"] = "whisper-1"
        with Server(directory, config, environment={"BAIFANG_STT_KEY": "test-key"}) as server:
            rep.company.server = server
            answer = rep.post(f"/v1/transcripts/{failed['id']}/retry", headers={"idempotency-key": "again"})
            assert answer.status_code == 200 and answer.json()["round"] == 2
            assert transcript(rep, receipt, "ready")["text"] == "第二次听懂了"
    finally:
        provider.end()


# ---- crashes ----


def test_work_that_was_under_way_at_kill_9_is_done_once_more_and_its_result_once(tmp_path, photo, speech):
    with Server(tmp_path, {"ingest": {"lease": 1000}}) as server:
        rep = server.company().sign_in("wang")
        receipts = []
        for i in range(4):
            data = photo + bytes([i])
            tus.upload(rep, data)
            receipts.append(log(rep, [medium("photo", data, "image/jpeg")]))
            if i % 2 == 0:
                tus.upload(rep, speech["ogg"], "audio/ogg")
                receipts.append(log(rep, [medium("voice", speech["ogg"], "audio/ogg")]))
            server.kill()
        for receipt in receipts:
            state = settled(rep, receipt)
            assert state["state"] == "ready" and state["rev"] in (2, 3)
            assert len({v["name"] for v in state["variants"]}) == len(state["variants"]) == 2
            for heard in read(rep, receipt)["transcripts"]:
                assert transcript(rep, receipt, "ready")["id"] == heard["id"]
