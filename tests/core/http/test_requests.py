# SPDX-License-Identifier: Apache-2.0
"""What handlers see and clients get: routes, parameters, headers, answers, sources, event streams, TLS."""

import os
import re
import ssl
import subprocess
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Server, wait_until


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def inspect(self, path, *headers):
        answer = H2(self.server).request("GET", path, *headers)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def test_literals_win_over_names_and_dead_ends_fall_back(self):
        self.assertEqual(self.inspect("/inspect/literal")["pattern"], "/inspect/literal")
        self.assertEqual(self.inspect("/inspect/other")["pattern"], "/inspect/{a}")
        self.assertEqual(self.inspect("/inspect/literal/deeper")["pattern"], "/inspect/literal/deeper")
        self.assertEqual(self.inspect("/inspect/literal/with/2")["pattern"], "/inspect/{a}/with/{b}")

    def test_parameters_and_query_arrive_decoded(self):
        seen = self.inspect("/inspect/%E4%BC%9A%E8%AE%AE/with/a+b%20c?q=a+b%2Bc&empty=&bare&z=%E5%BC%A0")
        self.assertEqual((seen["a"], seen["b"]), ("会议", "a+b c"))
        self.assertEqual(seen["query"], {"q": "a b+c", "empty": "", "bare": "", "z": "张"})

    def test_headers_of_one_name_are_joined(self):
        seen = self.inspect(
            "/inspect/x", ("x-test", "1"), ("cookie", "a=1"), ("x-test", "2"), ("cookie", "b=2"), ("authorization", "Bearer t")
        )
        self.assertEqual(
            (seen["x-test"], seen["cookie"], seen["authorization"], seen["host"]), ("1, 2", "a=1; b=2", "Bearer t", "localhost")
        )
        self.assertEqual(seen["peer"], "127.0.0.1")

    def test_trace_context_is_taken_on_when_valid(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        answer = H2(self.server).request("GET", "/inspect/x", ("traceparent", "00-%s-00f067aa0ba902b7-01" % trace))
        self.assertEqual(answer.json()["trace"], trace)
        self.assertRegex(answer.headers["traceparent"], "^00-%s-[0-9a-f]{16}-01$" % trace)
        self.assertNotIn("00f067aa0ba902b7", answer.headers["traceparent"])
        for bad in (
            "00-%s-00f067aa0ba902b7" % trace,
            "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
            "00-%s-00f067aa0ba902b7-01" % trace.upper(),
            "x",
        ):
            seen = H2(self.server).request("GET", "/inspect/x", ("traceparent", bad)).json()["trace"]
            self.assertRegex(seen, "^[0-9a-f]{32}$")
            self.assertNotEqual(seen, trace)

    def test_the_language_follows_accept_language(self):
        for header, lang in (
            ("en", "en"),
            ("en-GB,en;q=0.9", "en"),
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
            ("en;q=0.5, zh;q=0.4", "en"),
            ("zh", "zh"),
            ("fr", "zh"),
            ("", "zh"),
            ("en;q=0, zh;q=0.1", "zh"),
            ("de, en;q=0.7, zh;q=0.3", "en"),
        ):
            self.assertEqual((header, self.inspect("/inspect/x", ("accept-language", header))["lang"]), (header, lang))
        for header, title in (("en", "The content cannot be processed"), ("zh", "内容无法处理")):
            problem = H2(self.server).request("GET", "/fail", ("accept-language", header)).json()
            self.assertEqual(problem["title"], title)
            detail = {"en": 'at least 3 characters, "so"', "zh": "内容太短"}[header]
            self.assertEqual(problem["errors"], [{"pointer": "/name", "code": "too_short", "detail": detail}])
            self.assertRegex(problem["trace_id"], "^[0-9a-f]{32}$")

    def test_each_429_and_503_says_when_to_come_back(self):
        seen = set()
        for number in range(100):  # beyond the last row: 422
            answer = H2(self.server).request("GET", f"/fail?number={number}")
            if answer.status in (429, 503):
                self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
                seen.add(answer.json()["code"])
        self.assertLessEqual({"unavailable", "unknown_outcome", "cancelled", "throttled"}, seen)

    def test_404_and_405_are_problems_and_405_lists_methods(self):
        peer = H2(self.server)
        answer = peer.request("GET", "/nothing/here")
        self.assertEqual((answer.status, answer.json()["code"]), (404, "not_found"))
        answer = peer.request("DELETE", "/inspect/x")
        self.assertEqual((answer.status, answer.json()["code"]), (405, "method_not_allowed"))
        self.assertEqual(set(answer.headers["allow"].split(", ")), {"GET", "HEAD", "POST", "PATCH"})
        self.assertEqual(peer.request("GET", "/inspect/").status, 404)
        self.assertEqual(peer.request("GET", "/inspect/x/").status, 404)

    def test_head_is_get_without_its_body(self):
        for answer in (H2(self.server).request("HEAD", "/tiny"), H2(self.server).request("HEAD", "/source/12")):
            self.assertEqual((answer.status, answer.headers["content-length"], answer.body), (200, "12", b""))
        h1 = H1(self.server)
        h1.send(b"HEAD /tiny HTTP/1.1\r\nHost: a\r\n\r\nGET /tiny HTTP/1.1\r\nHost: a\r\n\r\n")
        head = b""
        while head.count(b"\r\n\r\n") < 2 or not head.endswith(b"hello world\n"):
            head += h1.sock.recv(4096)
        self.assertEqual(head.count(b"hello world"), 1)

    def test_every_answer_carries_the_security_headers(self):
        for path in ("/tiny", "/nothing", "/source/5", "/sleep/1"):
            headers = H2(self.server).request("GET", path).headers
            self.assertEqual(
                (headers["x-content-type-options"], headers["cache-control"], headers["strict-transport-security"]),
                ("nosniff", "no-store", "max-age=31536000"),
            )
            self.assertNotIn("server", headers)

    def test_an_echoed_body_comes_back_over_both_protocols(self):
        for size in (0, 1, 4096, 70000, 1 << 20):
            body = os.urandom(size)
            for arguments in (["--data-binary", "@-"], ["--http1.1", "--data-binary", "@-"]):
                answer = self.server.curl(*arguments, path="/echo", body=body)
                self.assertEqual((answer.status, answer.body == body), (200, True))

    def test_http10_reads_to_the_end_of_the_connection(self):
        peer = H1(self.server)
        peer.send(b"GET /events/3?end HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = peer.response()
        self.assertEqual((answer.status, answer.body.count(b"data:")), (200, 3))

    def test_http11_names_one_host(self):
        for hosts, status in ((b"", 400), (b"Host: a\r\n", 200), (b"Host: a\r\nHost: b\r\n", 400)):
            peer = H1(self.server)
            peer.send(b"GET /tiny HTTP/1.1\r\n" + hosts + b"\r\n")
            self.assertEqual((hosts, peer.response().status), (hosts, status))

    def test_a_client_with_a_small_header_table_can_read_us(self):
        for size in (0, 64, 200):
            peer = H2(self.server, settings={hf.SettingsFrame.HEADER_TABLE_SIZE: size}, table_size=size)
            for _ in range(5):
                self.assertEqual(peer.request("GET", "/tiny").headers["cache-control"], "no-store")

    def test_a_source_is_streamed_whole(self):
        expected = bytes(i % 251 for i in range(300000))
        for query in ("", "?unknown"):
            for arguments in ([], ["--http1.1"]):
                answer = self.server.curl(*arguments, path="/source/300000" + query)
                self.assertEqual((query, arguments, answer.body == expected, answer.code), (query, arguments, True, 0))
        self.assertEqual(self.server.curl(path="/source/0").body, b"")

    def test_a_source_that_fails_midway_is_not_taken_for_whole(self):
        for arguments in ([], ["--http1.1"]):
            self.assertNotEqual(self.server.curl(*arguments, path="/source/300000?fail_at=131072").code, 0)

    def test_every_source_is_closed_also_when_the_client_leaves(self):
        closed = self.server.stats()["sources_closed"]
        for _ in range(5):
            peer = H2(self.server)
            peer.start("GET", "/source/100000000")
            peer.receive_until(lambda f: isinstance(f, hf.DataFrame))
            peer.close()
        wait_until(lambda: self.server.stats()["sources_closed"] == closed + 5, "sources are closed")

    def test_event_streams_deliver_and_end(self):
        answer = H2(self.server).request("GET", "/events/3?end")
        self.assertEqual(answer.headers["content-type"], "text/event-stream")
        self.assertEqual(re.findall(rb"id: (\d+)\n", answer.body), [b"0", b"1", b"2"])
        answer = self.server.curl("--http1.1", path="/events/100?end")
        self.assertEqual(len(re.findall(rb"id: (\d+)\n", answer.body)), 100)

    def test_an_event_larger_than_a_stream_may_hold_is_sent_where_nothing_waits(self):
        answer = self.server.curl("--http1.1", path="/events/1?bytes=1000000&end")
        self.assertEqual(len(answer.body), len(":\n\nid: 0\ndata: \n\n") + 1000000)

    def test_a_client_that_leaves_closes_its_event_stream(self):
        closed = self.server.stats()["streams_closed"]
        for client in (H2, H1):
            peer = client(self.server)
            if client is H2:
                peer.start("GET", "/events/1")
                peer.receive_until(lambda f: isinstance(f, hf.DataFrame))
            else:
                peer.send(b"GET /events/1000000?bytes=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
                peer.sock.recv(100)
            peer.close()
        wait_until(lambda: self.server.stats()["streams_closed"] == closed + 2, "streams are closed")

    def test_replies_to_clients_that_left_are_dropped(self):
        peer = H2(self.server)
        for _ in range(20):
            peer.start("GET", "/sleep/100")
        peer.ping()
        peer.close()
        wait_until(lambda: self.server.stats()["in_flight"] == 1, "requests end")

    def test_tls_1_2_and_1_3_and_nothing_older(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            h1 = H1(self.server, version=version)
            self.assertEqual(h1.sock.version(), {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version])
        done = subprocess.run(
            ["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", "127.0.0.1:%d" % self.server.port],
            input=b"",
            capture_output=True,
        )
        self.assertNotEqual(done.returncode, 0)

    def test_the_certificate_of_the_first_start(self):
        text = subprocess.run(["openssl", "x509", "-in", self.server.ca, "-noout", "-text"], capture_output=True, text=True).stdout
        self.assertIn("NIST CURVE: P-256", text)
        for name in ("DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"):
            self.assertIn(name, text)
        self.assertEqual(os.stat(os.path.join(self.server.directory, "tls.key")).st_mode & 0o777, 0o600)
        self.assertEqual(
            subprocess.run(["openssl", "verify", "-CAfile", self.server.ca, self.server.ca], capture_output=True).returncode, 0
        )


if __name__ == "__main__":
    unittest.main(warnings="ignore")
