# SPDX-License-Identifier: Apache-2.0
"""Streamed request bodies: whole, cut anywhere, held up, refused early; over HTTP/2 and HTTP/1.1."""

import hashlib
import os
import random
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Server, wait_until

WINDOW = 262144


class Sink(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def test_curl_uploads_arrive_whole(self):
        for size in (0, 1, 16384, 3000001):
            body = os.urandom(size)
            for arguments in (
                ["-T", "-"],
                ["-T", "-", "--http1.1"],
                ["-X", "PUT", "--data-binary", "@-"],
                ["-X", "PUT", "--http1.1", "--data-binary", "@-"],
            ):
                answer = self.server.curl(*arguments, path="/sink/now", body=body)
                self.assertEqual((arguments, answer.json()), (arguments, {"sha256": hashlib.sha256(body).hexdigest(), "bytes": size}))

    def test_a_body_cut_at_a_random_byte_is_aborted_once_with_all_that_arrived(self):
        chance = random.Random(5)
        for i in range(24):
            before = self.server.stats()
            n = chance.randrange(0, 200000)
            body = os.urandom(n)
            if i % 3 == 0:
                peer = H1(self.server)
                peer.send(b"PUT /sink/now HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + body)
            elif i % 3 == 1:
                peer = H1(self.server)
                peer.send(b"PUT /sink/now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in range(0, n, 5000):
                    piece = body[start : start + 5000]
                    peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            else:
                peer = H2(self.server)
                stream = peer.start("PUT", "/sink/now", end=False)
                for start in range(0, n, 16384):
                    peer.send(peer.data_frame(stream, body[start : start + 16384]))
                if i % 2:
                    peer.send(hf.RstStreamFrame(stream, error_code=8))
            wait_until(lambda: self.server.stats()["sink_bytes"] - before["sink_bytes"] >= n, "all bytes arrive")
            peer.close()
            after = wait_until(lambda: (lambda s: s["aborted"] > before["aborted"] and s)(self.server.stats()), "the abort")
            self.assertEqual((after["aborted"] - before["aborted"], after["sink_bytes"] - before["sink_bytes"]), (1, n))
            self.assertEqual(after["ended"], before["ended"])

    def test_http2_windows_move_only_as_the_sink_takes(self):
        peer = H2(self.server)
        stream = peer.start("PUT", "/sink/hold", end=False)
        body = os.urandom(2 * WINDOW)
        for start in range(0, WINDOW, 16384):
            peer.send(peer.data_frame(stream, body[start : start + 16384]))
        updates = []
        peer.send(hf.PingFrame(0, opaque_data=b"12345678"))
        while True:
            f = peer.receive()
            if isinstance(f, hf.WindowUpdateFrame) and f.stream_id == stream:
                updates.append(f.window_increment)
            if isinstance(f, hf.PingFrame):
                break
        self.assertEqual(updates, [])
        self.server.curl("-X", "POST", path="/release/100000")
        f = peer.receive_until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id == stream)
        self.assertEqual(f.window_increment, 100000)
        self.server.curl("-X", "POST", path="/release/162144")
        f = peer.receive_until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id == stream)
        self.assertEqual(f.window_increment, 162144)
        for start in range(WINDOW, 2 * WINDOW, 16384):
            peer.send(peer.data_frame(stream, body[start : start + 16384]))
        peer.send(peer.data_frame(stream, b"", True))
        self.assertEqual(peer.response(stream).json()["sha256"], hashlib.sha256(body).hexdigest())

    def test_padding_is_given_back_to_the_window(self):
        peer = H2(self.server)
        stream = peer.start("PUT", "/sink/hold", end=False)
        for _ in range(260):
            f = hf.DataFrame(stream, data=b"x", pad_length=255)
            f.flags.add("PADDED")
            peer.send(f)
        f = peer.receive_until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id == stream)
        self.assertEqual(f.window_increment % 256, 0)
        peer.send(peer.data_frame(stream, b"", True))
        self.assertEqual(peer.response(stream).json()["bytes"], 260)

    def test_http1_reading_stops_at_the_window_too(self):
        with Server() as server:
            peer = H1(server)
            total = 40 << 20
            peer.send(b"PUT /sink/hold HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % total)
            peer.sock.setblocking(False)
            sent, block, stalled = 0, b"y" * 65536, 0
            while stalled < 50:
                try:
                    sent += peer.sock.send(block)
                    stalled = 0
                except OSError:
                    stalled += 1
                    wait_until(lambda: server.stats()["sink_bytes"] == WINDOW or stalled < 5, "the window fills")
            stats = server.stats()
            self.assertEqual((stats["sink_bytes"], stats["held_max"]), (WINDOW, WINDOW))
            self.assertLess(sent, total)
            peer.close()
            # what is still on its way comes first, a window at a time
            wait_until(lambda: server.stats()["aborted"] == 1 or not server.curl("-X", "POST", path="/release/262144"), "the abort")

    def test_http1_goes_on_when_the_sink_has_taken(self):
        with Server() as server:
            peer = H1(server)
            body = os.urandom(600000)
            peer.send(b"PUT /sink/hold HTTP/1.1\r\nHost: a\r\nContent-Length: 600000\r\n\r\n" + body)
            for step in (WINDOW, 2 * WINDOW):
                wait_until(lambda: server.stats()["sink_bytes"] == step, "the window fills")
                server.curl("-X", "POST", path="/release/262144")
            self.assertEqual(peer.response().json()["sha256"], hashlib.sha256(body).hexdigest())
            # the connection goes on
            peer.send(b"GET /tiny HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertEqual(peer.response().status, 200)

    def test_http1_chunked_goes_on_when_the_sink_has_taken(self):
        with Server() as server:
            peer = H1(server)
            body = os.urandom(400000)
            chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(body[i : i + 7001]), body[i : i + 7001]) for i in range(0, len(body), 7001))
            peer.send(b"PUT /sink/hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nx: y\r\n\r\n")
            wait_until(lambda: server.stats()["sink_bytes"] >= WINDOW - 8000, "the window fills")
            server.curl("-X", "POST", path="/release/250000")
            self.assertEqual(peer.response().json()["sha256"], hashlib.sha256(body).hexdigest())

    def test_a_request_right_behind_a_body_is_whole(self):
        behind = b"GET /inspect/a?q=" + b"z" * 300 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        for body in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"):
            for path in (b"POST /echo", b"PUT /sink/now"):
                peer = H1(self.server)
                peer.send(path + b" HTTP/1.1\r\nHost: a\r\n" + body + behind + behind)
                self.assertEqual(peer.response().status, 200)
                for _ in range(2):
                    self.assertEqual(peer.response().json()["query"], {"q": "z" * 300})

    def test_too_much_by_content_length_is_refused_before_a_byte_is_read(self):
        before = self.server.stats()
        peer = H2(self.server)
        stream = peer.start("PUT", "/sink/now", ("content-length", "999999999"), end=False)
        answer = peer.response(stream)
        self.assertEqual((answer.status, answer.json()["code"]), (413, "too_large"))
        f = peer.receive_until(lambda f: isinstance(f, hf.RstStreamFrame) and f.stream_id == stream)
        self.assertEqual(f.error_code, 0)
        self.assertEqual(peer.request("GET", "/tiny").status, 200)
        h1 = H1(self.server)
        h1.send(b"PUT /sink/now HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n")
        self.assertEqual(h1.response().status, 413)
        self.assertEqual(self.server.stats()["begun"], before["begun"])

    def test_a_client_that_sends_on_regardless_still_reads_the_refusal(self):
        body = os.urandom(3000000)
        for path, status in (("/sink/refuse", 401), ("/sink/half", 413), ("/echo", 413), ("/nowhere", 404)):
            for arguments in (["-T", "-"], ["-T", "-", "--http1.1"], ["-X", "PUT", "--http1.1", "-H", "Expect:", "--data-binary", "@-"]):
                if path == "/echo":
                    arguments = ["-X", "POST"] + [a for a in arguments if a not in ("-X", "PUT")]
                answer = self.server.curl(*arguments, path=path, body=body)
                self.assertEqual((path, arguments, answer.status), (path, arguments, status))
        stats = self.server.stats()
        self.assertEqual(stats["begun"], stats["ended"] + stats["aborted"])

    def test_data_for_a_refused_stream_is_dropped_and_the_connection_lives(self):
        peer = H2(self.server)
        for _ in range(30):
            stream = peer.start("PUT", "/sink/refuse", end=False)
            peer.send(*[peer.data_frame(stream, b"z" * 16000) for _ in range(8)])
            self.assertEqual(peer.response(stream).status, 401)
        self.assertEqual(peer.request("GET", "/tiny").status, 200)

    def test_expect_continue_is_answered_only_when_the_body_is_wanted(self):
        for path, first in (
            (b"/sink/now", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (b"/sink/refuse", b"HTTP/1.1 401 "),
            (b"/sink/none/such", b"HTTP/1.1 404 "),
        ):
            peer = H1(self.server)
            peer.send(b"PUT " + path + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            got = b""
            while len(got) < len(first):
                got += peer.sock.recv(len(first) - len(got))
            self.assertEqual((path, got), (path, first))
            if b"100" in first:
                peer.send(b"hello")
                self.assertEqual(peer.response().json()["sha256"], hashlib.sha256(b"hello").hexdigest())

    def test_many_uploads_on_one_connection_stay_apart(self):
        peer = H2(self.server)
        bodies = [os.urandom(50000 + 1000 * i) for i in range(20)]
        streams = [peer.start("PUT", "/sink/now", end=False) for _ in bodies]
        for start in range(0, 70000, 8192):
            for stream, body in zip(streams, bodies):
                if start < len(body):
                    peer.send(peer.data_frame(stream, body[start : start + 8192], start + 8192 >= len(body)))
        for _ in streams:
            f = peer.receive_until(lambda f: isinstance(f, hf.DataFrame))
            i = streams.index(f.stream_id)
            self.assertIn(hashlib.sha256(bodies[i]).hexdigest().encode(), f.data)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
