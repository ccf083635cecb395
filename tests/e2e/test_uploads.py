# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads: the protocol as clients speak that are not ours, and what happens when a connection, the server or a person breaks off."""
import base64
import email.utils
import hashlib
import os
import random
import time
import urllib.parse

import pytest
from tusclient import client as tuspy
from tusclient.exceptions import TusUploadFailed

import tus
from baifang import Server, at_once, until, uuid7

HOUR_MS = 3600 * 1000


@pytest.fixture
def rep(company):
    return company.sign_in("wang")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(os.urandom(3_300_001))
    return path


def path_of(url):
    return urllib.parse.urlsplit(url).path


def assert_stored(rep, url, data):
    answer = tus.head(rep, path_of(url))
    assert answer.headers["upload-sha256"] == tus.sha256(data)
    assert int(answer.headers["upload-offset"]) == int(answer.headers["upload-length"]) == len(data)


# ---- tus-js-client ----


def test_the_npm_client_sends_a_file_in_one_patch(server, rep, file):
    said = tus.js(server, rep, file)
    assert said["requests"] == [["POST", 201], ["PATCH", 204]]
    assert_stored(rep, said["url"], file.read_bytes())


def test_the_npm_client_sends_a_file_in_chunks(server, rep, file):
    said = tus.js(server, rep, file, options={"chunkSize": 500_000})
    assert said["requests"] == [["POST", 201]] + [["PATCH", 204]] * 7
    assert_stored(rep, said["url"], file.read_bytes())


def test_the_npm_client_sends_parts_side_by_side_and_joins_them(server, rep, file):
    said = tus.js(server, rep, file, options={"parallelUploads": 3})
    assert sorted(said["requests"]) == [["PATCH", 204]] * 3 + [["POST", 201]] * 4
    assert_stored(rep, said["url"], file.read_bytes())
    shown = tus.head(rep, path_of(said["url"])).headers["upload-concat"]
    assert shown.startswith("final;") and len(shown.split()) == 3


def test_the_npm_client_says_the_length_at_the_end(server, rep, file):
    said = tus.js(server, rep, file, stream=True, options={"uploadLengthDeferred": True, "chunkSize": 1_000_000})
    assert said["requests"][0] == ["POST", 201] and all(status == 204 for _, status in said["requests"][1:])
    assert_stored(rep, said["url"], file.read_bytes())


def test_the_npm_client_sends_the_first_bytes_with_the_creation(server, rep, file):
    said = tus.js(server, rep, file, options={"uploadDataDuringCreation": True})
    assert said["requests"] == [["POST", 201]]
    assert_stored(rep, said["url"], file.read_bytes())


def test_the_npm_client_may_say_patch_in_a_header_of_a_post(server, rep, file):
    said = tus.js(server, rep, file, options={"overridePatchMethod": True, "chunkSize": 2_000_000})
    assert said["requests"] == [["POST", 201]] + [["POST", 204]] * 2
    assert_stored(rep, said["url"], file.read_bytes())


# ---- tuspy ----


def tuspy_uploader(server, rep, file, **options):
    client = tuspy.TusClient(server.url("/v1/uploads"), headers=rep.headers())
    return client.uploader(str(file), metadata={"type": "image/jpeg"}, verify_tls_cert=False, upload_checksum=True, chunk_size=1_000_000, **options)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tuspy_sends_a_checksum_with_every_chunk(server, rep, file):
    uploader = tuspy_uploader(server, rep, file)
    uploader.upload()
    assert_stored(rep, uploader.url, file.read_bytes())


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_chunk_that_changed_on_the_way_is_dropped_and_sent_again(server, rep, file, monkeypatch):
    uploader = tuspy_uploader(server, rep, file)
    uploader.upload_chunk()
    monkeypatch.setattr(type(uploader), "checksum_algorithm", property(lambda self: lambda data: hashlib.sha1(data + b"!")), raising=False)
    with pytest.raises(TusUploadFailed):
        uploader.upload_chunk()
    monkeypatch.undo()
    assert tus.offset(rep, path_of(uploader.url)) == 1_000_000
    uploader.upload()
    assert_stored(rep, uploader.url, file.read_bytes())


@pytest.mark.parametrize("name", ["sha1", "sha256", "md5"])
def test_each_offered_checksum_is_judged(rep, name):
    data = os.urandom(200_000)
    path = tus.create(rep, len(data)).headers["location"]
    said = {"upload-checksum": name + " " + base64.b64encode(hashlib.new(name, data).digest()).decode()}
    wrong = bytes([data[0] ^ 1]) + data[1:]
    refused = tus.patch(rep, path, 0, wrong, said)
    assert refused.status_code == 460 and refused.json()["code"] == "checksum_mismatch"
    assert tus.offset(rep, path) == 0
    assert tus.patch(rep, path, 0, data, said).status_code == 204
    assert_stored(rep, path, data)


# ---- broken off ----


def test_a_connection_cut_at_a_random_byte_resumes_inside_that_request(rep):
    dice = random.Random(20261122)
    for _ in range(8):
        data = dice.randbytes(dice.randrange(300_000, 3_000_000))
        at = dice.randrange(1, len(data))
        path = tus.create(rep, len(data)).headers["location"]
        before = tus.synced(rep.company.server)
        wire = tus.Wire(rep, path, 0, len(data))
        wire.send(data[:at])
        wire.cut()
        until(lambda: tus.synced(rep.company.server) > before, "bytes of the request that broke off")
        got = tus.offset(rep, path)
        assert 0 < got <= at
        assert tus.patch(rep, path, got, data[got:]).status_code == 204
        assert_stored(rep, path, data)


def test_a_stream_that_http2_resets_keeps_what_arrived(rep):
    data = os.urandom(1_000_000)
    path = tus.create(rep, len(data)).headers["location"]

    class Broken(Exception):
        pass

    def body():
        for at in range(0, 600_000, 50_000):
            yield data[at:at + 50_000]
        raise Broken

    before = tus.synced(rep.company.server)
    with rep.company.server.client() as other, pytest.raises(Broken):
        other.patch(path, headers=rep.headers({**tus.VERSION, **tus.BYTES, "upload-offset": "0", "content-length": str(len(data))}), content=body())
    until(lambda: tus.synced(rep.company.server) > before, "bytes of the stream that was reset")
    got = tus.offset(rep, path)
    assert 0 < got <= 600_000
    assert tus.patch(rep, path, got, data[got:]).status_code == 204
    assert_stored(rep, path, data)


def test_a_newcomer_takes_over_a_stuck_upload_at_once(rep):
    server, data = rep.company.server, os.urandom(20_000_000)
    path = tus.create(rep, len(data)).headers["location"]
    got = 0
    for _ in range(2):  # a request that stands still; the second one after a HEAD, as clients resume
        before = tus.synced(server)
        stuck = tus.Wire(rep, path, got, len(data) - got)
        stuck.send(data[got:got + 6_000_000])
        until(lambda: tus.synced(server) >= before + 4_000_000, "bytes on the way")
        now = tus.offset(rep, path)
        assert got + 4_000_000 <= now <= got + 6_000_000
        assert stuck.answer() in (423, None)
        got = now
    stuck = tus.Wire(rep, path, got, len(data) - got, {"expect": "100-continue"})
    assert stuck.answer() == 100  # it is the writer now
    assert tus.patch(rep, path, got, data[got:]).status_code == 204  # without a HEAD
    assert stuck.answer() in (423, None)
    assert_stored(rep, path, data)


def test_acknowledged_bytes_outlive_kill_9(tmp_path):
    data = os.urandom(12_000_000)
    with Server(tmp_path) as server:
        rep = server.company().sign_in("wang")
        path = tus.create(rep, len(data), "audio/ogg").headers["location"]
        assert tus.patch(rep, path, 0, data[:1_500_000]).status_code == 204
        wire = tus.Wire(rep, path, 1_500_000, len(data) - 1_500_000)
        before = tus.synced(server)
        wire.send(data[1_500_000:11_000_000])
        until(lambda: tus.synced(server) >= before + 4_000_000, "bytes on the way")
        server.kill()
        got = tus.offset(rep, path)
        assert 5_500_000 <= got <= 11_000_000
        assert tus.patch(rep, path, got, data[got:]).status_code == 204
        assert_stored(rep, path, data)


# ---- limits ----


def test_the_quota_counts_what_is_open_and_frees_what_is_given_up(tmp_path):
    with Server(tmp_path, {"store": {"upload_quota_mb": 1}}) as server:
        company = server.company()
        rep, other = company.sign_in("wang"), company.sign_in("li")
        first = tus.create(rep, 700_000)
        refused = tus.create(rep, 700_000)
        assert refused.status_code == 413 and refused.json()["code"] == "quota_exceeded"
        assert tus.create(other, 700_000).status_code == 201
        assert rep.request("DELETE", first.headers["location"], headers=tus.VERSION).status_code == 204
        assert tus.head(rep, first.headers["location"]).status_code == 404
        assert tus.create(rep, 700_000, content=os.urandom(700_000)).status_code == 201
        assert tus.create(rep, 700_000).status_code == 201  # what is finished is not open


def test_a_creation_that_fails_with_its_bytes_takes_no_room(tmp_path):
    with Server(tmp_path, {"store": {"upload_quota_mb": 1}}) as server:
        rep, stages = server.company().sign_in("wang"), os.path.join(server.data, "store", "stages")
        said = {"upload-length": "700000", "upload-metadata": tus.metadata(type="image/jpeg")}
        wire = tus.Wire(rep, "/v1/uploads", 0, 700_000, said, "POST")
        wire.send(bytes(300_000))
        until(lambda: os.listdir(stages), "the upload")
        wire.cut()
        until(lambda: not os.listdir(stages), "the upload to go")
        wrong = {"upload-checksum": "sha1 " + base64.b64encode(bytes(20)).decode()}
        assert tus.create(rep, 700_000, content=bytes(1000), headers=wrong).status_code == 460
        assert rep.http.post("/v1/uploads", headers={**rep.headers(), **tus.VERSION, **tus.BYTES, **said, "upload-length": "1000"},
                             content=iter([bytes(1001)])).status_code == 413
        assert os.listdir(stages) == []
        assert tus.create(rep, 700_000, content=bytes(1000)).status_code == 201


def test_what_no_record_names_has_a_quota_of_its_own(tmp_path):
    with Server(tmp_path, {"store": {"upload_quota_mb": 1, "unbound_quota_mb": 2}}) as server:
        rep = server.company().sign_in("wang")
        part = tus.create(rep, 100_000, None, os.urandom(100_000), {"upload-concat": "partial"}).headers["location"]
        joined = {"upload-concat": "final;" + " ".join([part] * 9)}
        assert tus.create(rep, headers=joined).status_code == 201
        assert tus.create(rep, headers={"upload-concat": "final;" + " ".join([part] * 11)}).status_code == 413  # more than may be under way
        sha256 = tus.upload(rep, os.urandom(900_000))
        refused = tus.create(rep, 300_000)
        assert refused.status_code == 413 and refused.json()["code"] == "quota_exceeded"
        customer = rep.customer()["id"]
        visit = rep.post("/v1/visits", json=rep.visit_body(customer, media=[{"id": uuid7(), "kind": "photo", "sha256": sha256, "type": "image/jpeg"}]))
        assert visit.status_code == 201, visit.text
        until(lambda: tus.create(rep, 300_000).status_code == 201, "the room of bytes that a visit has taken")


def test_an_upload_that_nobody_touches_expires(tmp_path):
    with Server(tmp_path, {"uploads": {"sweep": 1}}) as server:
        rep = server.company().sign_in("wang")
        made = tus.create(rep, 1000)
        begun = tus.patch(rep, made.headers["location"], 0, bytes(10))
        stored = tus.create(rep, 10, content=os.urandom(10))
        for answer, hours in ((made, 4), (begun, 72), (stored, 720)):
            expires = email.utils.parsedate_to_datetime(answer.headers["upload-expires"]).timestamp()
            assert abs(expires - time.time() - hours * 3600) < 300
        server.shift_clock(71 * HOUR_MS)
        rep.refresh()
        assert tus.patch(rep, made.headers["location"], 10, bytes(10)).status_code == 204
        server.shift_clock(142 * HOUR_MS)
        rep.refresh()
        assert tus.offset(rep, made.headers["location"]) == 20
        server.shift_clock(215 * HOUR_MS)
        rep.refresh()
        assert tus.head(rep, made.headers["location"]).status_code in (404, 410)
        assert tus.patch(rep, made.headers["location"], 20, bytes(10)).status_code in (404, 410)
        until(lambda: tus.head(rep, made.headers["location"]).status_code == 404, "the sweep")


@pytest.mark.parametrize("type, least_refused", [("image/jpeg", 25_000_001), ("image/heic", 25_000_001), ("audio/ogg; codecs=opus", 100_000_001)])
def test_g04_each_type_has_its_size(rep, type, least_refused):
    assert tus.create(rep, least_refused - 1, type).status_code == 201
    refused = tus.create(rep, least_refused, type)
    assert refused.status_code == 413 and refused.json()["code"] == "too_large"


def test_a_body_that_is_longer_than_announced_is_refused_and_leaves_nothing(rep):
    path = tus.create(rep, 1000).headers["location"]
    assert tus.patch(rep, path, 0, bytes(1001)).status_code == 413
    assert tus.offset(rep, path) == 0
    assert tus.create(rep, 1000, content=bytes(1001)).status_code == 413


# ---- what may be said, and what is answered ----


def test_options_says_what_the_server_can_do(server):
    with server.client() as http:
        answer = http.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0" and answer.headers["tus-max-size"] == "100000000"
    assert set(answer.headers["tus-extension"].split(",")) == {"creation", "creation-with-upload", "creation-defer-length", "checksum", "expiration",
                                                               "termination", "concatenation"}
    assert set(answer.headers["tus-checksum-algorithm"].split(",")) == {"sha1", "sha256", "md5"}


@pytest.mark.parametrize("status, code, headers", [
    (412, "tus_version", {"tus-resumable": "0.2.2"}),
    (412, "tus_version", {"tus-resumable": ""}),
    (400, "invalid_header", {"upload-length": "-1"}),
    (400, "invalid_header", {"upload-length": "1e3"}),
    (400, "invalid_header", {"upload-length": "9007199254740992"}),
    (400, "invalid_header", {"upload-length": "10", "upload-defer-length": "1"}),
    (400, "invalid_header", {"upload-defer-length": "2"}),
    (400, "invalid_header", {"upload-metadata": "type image/jpeg"}),
    (400, "invalid_header", {"upload-metadata": "type aW1hZ2UvanBlZw==,type aW1hZ2UvanBlZw=="}),
    (400, "invalid_header", {"upload-metadata": "filename YQ=="}),
    (400, "invalid_header", {"upload-metadata": tus.metadata(type="image/jpeg", device="01a20209-d202-7e11-ab67-50fa8aaf0139")}),
    (400, "invalid_header", {"upload-metadata": tus.metadata(type="image/jpeg", device="x", capture_seq=1)}),
    (400, "invalid_header", {"upload-metadata": tus.metadata(type="image/jpeg", a="b" * 3100)}),
    (400, "invalid_header", {"upload-concat": "whole"}),
    (400, "invalid_header", {"upload-concat": "final;"}),
    (400, "invalid_header", {"upload-concat": "final;/v1/uploads/1"}),
    (400, "invalid_header", {"upload-checksum": "crc32 AAAA"}),
    (400, "invalid_header", {"upload-checksum": "sha1 AAAA"}),
    (415, "unsupported_type", {"upload-metadata": tus.metadata(type="image/gif")}),
    (415, "unsupported_type", {"upload-metadata": tus.metadata(type="text/html")}),
    (401, "unauthenticated", {"authorization": "Bearer nobody"}),
])
def test_a_creation_with_a_fault_is_refused_with_its_status(rep, status, code, headers):
    said = {"tus-resumable": "1.0.0", "upload-metadata": tus.metadata(type="image/jpeg"), "upload-length": "10", **headers}
    if "upload-defer-length" in headers and "upload-length" not in headers:
        del said["upload-length"]
    answer = rep.http.post("/v1/uploads", headers={**rep.headers(), **said})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["tus-resumable"] == "1.0.0" and answer.headers["content-type"] == "application/problem+json"
    if status == 412:
        assert answer.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize("status, headers", [
    (412, {"tus-resumable": "2.0.0"}),
    (415, {"content-type": "application/octet-stream"}),
    (409, {"upload-offset": "1"}),
    (400, {"upload-offset": "x"}),
    (400, {"upload-checksum": "sha512 AAAA"}),
    (409, {"upload-length": "999"}),
    (401, {"authorization": "Bearer nobody"}),
])
def test_a_patch_with_a_fault_is_refused_and_changes_nothing(rep, status, headers):
    path = tus.create(rep, 1000).headers["location"]
    assert tus.patch(rep, path, 0, bytes(7)).status_code == 204
    answer = rep.http.patch(path, headers={**rep.headers(), **tus.VERSION, **tus.BYTES, "upload-offset": "7", **headers}, content=bytes(100))
    assert answer.status_code == status
    assert tus.offset(rep, path) == 7


def test_head_is_never_cached_and_says_deferred_until_the_length_is_known(rep):
    path = tus.create(rep, headers={"upload-defer-length": "1"}).headers["location"]
    first = tus.head(rep, path)
    assert first.headers["upload-defer-length"] == "1" and "upload-length" not in first.headers
    assert "no-store" in first.headers["cache-control"]
    assert first.headers["upload-metadata"] == tus.metadata(type="image/jpeg")
    data = os.urandom(5000)
    assert tus.patch(rep, path, 0, data[:4000]).status_code == 204
    assert tus.patch(rep, path, 4000, b"", {"upload-length": "5000"}).status_code == 204
    second = tus.head(rep, path)
    assert second.headers["upload-length"] == "5000" and "upload-defer-length" not in second.headers
    assert tus.patch(rep, path, 4000, b"", {"upload-length": "6000"}).status_code == 409
    assert tus.patch(rep, path, 4000, data[4000:]).status_code == 204
    assert_stored(rep, path, data)


@pytest.mark.parametrize("status, body, headers", [
    (409, b"", {"upload-offset": "5", "upload-length": "0"}),
    (409, b"", {"upload-offset": "0", "upload-length": "3"}),
    (413, b"abcd", {"upload-offset": "4", "upload-length": "7"}),
    (413, [b"abcd"], {"upload-offset": "4", "upload-length": "7"}),  # its length is not known before it is here
    (413, b"", {"upload-offset": "4", "upload-length": "25000001"}),
    (460, b"abcd", {"upload-offset": "4", "upload-length": "8", "upload-checksum": "sha1 " + base64.b64encode(bytes(20)).decode()}),
])
def test_a_refused_patch_says_no_length(rep, status, body, headers):
    path = tus.create(rep, headers={"upload-defer-length": "1"}).headers["location"]
    assert tus.patch(rep, path, 0, b"1234").status_code == 204
    content = body if isinstance(body, bytes) else iter(body)
    refused = rep.http.patch(path, headers={**rep.headers(), **tus.VERSION, **tus.BYTES, **headers}, content=content)
    assert refused.status_code == status
    shown = tus.head(rep, path).headers
    assert (shown["upload-offset"], shown["upload-defer-length"]) == ("4", "1") and "upload-length" not in shown
    assert tus.patch(rep, path, 4, b"5678", {"upload-length": "8"}).status_code == 204
    assert_stored(rep, path, b"12345678")


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_a_method_without_a_body_carries_no_patch(rep, method):
    path = tus.create(rep, 1000).headers["location"]
    said = {**tus.VERSION, **tus.BYTES, "upload-offset": "0", "x-http-method-override": "PATCH"}
    assert rep.request(method, path, headers=said).status_code == 405
    assert rep.request("PATCH", path, headers={**said, "x-http-method-override": "HEAD"}).headers["upload-length"] == "1000"
    assert tus.offset(rep, path) == 0
    assert rep.request("PATCH", path, headers={**said, "x-http-method-override": "DELETE"}).status_code == 204
    assert tus.head(rep, path).status_code == 404


def test_parts_join_in_any_order_and_more_than_once(rep):
    a, b = os.urandom(70_000), os.urandom(1_000)
    parts = [tus.create(rep, len(part), None, part, {"upload-concat": "partial"}).headers["location"] for part in (a, b)]
    assert tus.head(rep, parts[0]).headers["upload-concat"] == "partial"
    open_part = tus.create(rep, 10, None, None, {"upload-concat": "partial"}).headers["location"]
    order = [parts[1], parts[0], parts[1]]
    final = tus.create(rep, type="image/png", headers={"upload-concat": "final;" + " ".join(order)})
    assert final.status_code == 201 and final.headers["upload-sha256"] == tus.sha256(b + a + b)
    shown = tus.head(rep, final.headers["location"])
    assert shown.headers["upload-concat"] == "final;" + " ".join(order)
    assert shown.headers["upload-metadata"] == tus.metadata(type="image/png")
    order = ["https://crm.example:8443" + part for part in order] * 40  # as clients send it, with all there is room for
    said = tus.metadata(type="image/png", filename="a" * 2000)
    final = rep.http.post("/v1/uploads", headers={**rep.headers(), **tus.VERSION, "upload-concat": "final;" + " ".join(order), "upload-metadata": said})
    assert final.status_code == 201, final.text
    shown = tus.head(rep, final.headers["location"]).headers
    assert (shown["upload-concat"], shown["upload-metadata"]) == ("final;" + " ".join(order), said)
    assert tus.patch(rep, final.headers["location"], 120 * len(a + b), b"x").status_code == 403
    assert tus.create(rep, headers={"upload-concat": "final;" + open_part}).status_code == 409
    assert tus.create(rep, headers={"upload-concat": "final;" + parts[0]}, length=5).status_code == 400


def test_uploads_of_others_are_not_there(company, rep):
    path = tus.create(rep, 10).headers["location"]
    colleague, stranger = company.sign_in("li"), company.server.company().sign_in("wang")
    for other in (colleague, stranger):
        assert tus.head(other, path).status_code == 404
        assert tus.patch(other, path, 0, bytes(10)).status_code == 404
        assert other.request("DELETE", path, headers=tus.VERSION).status_code == 404
        assert tus.create(other, headers={"upload-concat": "final;" + path}).status_code == 404
    assert tus.offset(rep, path) == 0


def test_only_who_logs_visits_may_upload(company):
    company.add("shen", "沈审", "reviewer", company.team)
    assert tus.create(company.sign_in("shen"), 10).status_code == 403


def register(rep):
    assert rep.post("/v1/devices", json={"id": rep.device, "name": "手机", "platform": "android"}).status_code in (200, 201)


def test_an_upload_may_be_a_capture_of_its_own(rep):
    customer = rep.customer()["id"]
    assert rep.post("/v1/visits", json=rep.visit_body(customer)).status_code == 201  # capture 1
    register(rep)
    data = os.urandom(1000)
    path = tus.create(rep, len(data), device=rep.device, capture_seq=2).headers["location"]

    def safe_through():
        return rep.get(f"/v1/devices/{rep.device}/safe").json()["safe_through"]

    assert safe_through() == 1
    assert tus.patch(rep, path, 0, data).status_code == 204
    assert safe_through() == 2
    assert_stored(rep, path, data)
    assert safe_through() == 2


def test_a_capture_behind_a_gap_that_is_full_is_refused_before_its_bytes(rep):
    data = os.urandom(1000)
    register(rep)
    assert rep.post("/v1/visits", json=rep.visit_body(rep.customer()["id"])).status_code == 201  # capture 1
    path = tus.create(rep, len(data), device=rep.device, capture_seq=5000).headers["location"]

    def fill(start):
        for seq in range(start, 1003, 4):
            assert tus.create(rep, 1, content=b"x", device=rep.device, capture_seq=seq).status_code == 201

    at_once([lambda start=start: fill(start) for start in range(3, 7)])  # without 2
    refused = tus.create(rep, 1, device=rep.device, capture_seq=5001)
    assert refused.status_code == 409 and refused.json()["code"] == "conflict"
    assert tus.patch(rep, path, 0, data).status_code == 204
    assert_stored(rep, path, data)
    customer = rep.customer()["id"]
    visit = rep.post("/v1/visits", json=rep.visit_body(customer, capture_seq=2, media=[{"id": uuid7(), "kind": "photo", "sha256": tus.sha256(data),
                                                                                        "type": "image/jpeg"}]))
    assert visit.status_code == 201 and visit.json()["media"][0]["state"] == "stored"
    assert rep.get(f"/v1/devices/{rep.device}/safe").json()["safe_through"] == 1002
    assert_stored(rep, path, data)  # notes the number that had no room


def test_nothing_follows_from_bytes_that_end_after_a_freeze(server, company):
    company.add("feng", "冯强", "rep", company.team)
    rep, data = company.sign_in("feng"), os.urandom(5_000_000)
    register(rep)
    assert rep.post("/v1/visits", json=rep.visit_body(rep.customer()["id"])).status_code == 201  # capture 1
    path = tus.create(rep, len(data), device=rep.device, capture_seq=2).headers["location"]
    wire = tus.Wire(rep, path, 0, len(data))
    before = tus.synced(server)
    wire.send(data[:4_500_000])
    until(lambda: tus.synced(server) > before, "bytes on the way")
    server.admin("freeze", company.code, "feng")
    wire.send(data[4_500_000:])
    assert wire.answer() == 401
    assert tus.synced(server) == before + len(data)
    server.admin("unfreeze", company.code, "feng")
    again = company.sign_in("feng", rep.device)
    assert again.get(f"/v1/devices/{rep.device}/safe").json()["safe_through"] == 1
    assert_stored(again, path, data)
    assert again.get(f"/v1/devices/{rep.device}/safe").json()["safe_through"] == 2


def test_the_installation_of_another_person_is_refused(company, rep):
    other = company.sign_in("li")
    assert rep.post("/v1/visits", json=rep.visit_body(rep.customer()["id"])).status_code == 201
    assert tus.create(other, 10, device=rep.device, capture_seq=1).status_code == 422


def test_an_unknown_upload_is_404_on_every_method(rep):
    for path in ("/v1/uploads/" + uuid7(), "/v1/uploads/x"):
        assert tus.head(rep, path).status_code == 404
        assert tus.patch(rep, path, 0, b"x").status_code == 404
        assert rep.request("DELETE", path, headers=tus.VERSION).status_code == 404
        assert rep.post(path, headers={**tus.VERSION, "x-http-method-override": "DELETE"}).status_code == 404
    assert rep.post("/v1/uploads/" + uuid7(), headers=tus.VERSION).status_code == 405
