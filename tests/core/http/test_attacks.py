# SPDX-License-Identifier: Apache-2.0
"""Each hazard known of libh2o 2.2.5, attacked on the running server. After every attack it serves others, and has not grown."""

import os
import socket
import tempfile
import threading
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Closed, Server, tiny_receive_buffer, wait_until, window_update_zero

ENHANCE_YOUR_CALM = 11


class Attacks(unittest.TestCase):
    def test_remote_abort_a_window_update_for_a_finished_stream_leaves_the_server_alive(self):
        with Server() as server:
            for round in range(1, 6):
                self.update_windows_of_finished_streams(server, round * 90)
                self.assertTrue(server.is_alive(), server.stderr())
            self.assertEqual(H2(server).request("GET", "/tiny").status, 200)

    def update_windows_of_finished_streams(self, server, answered):
        # the window is used up exactly by the body, and the answers do not fit the socket: finished streams wait for the write in flight
        peer = H2(server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 1024}, prepare=tiny_receive_buffer)
        streams = [peer.open_id() for _ in range(90)]
        peer.send(*[peer.headers_frame(s, peer.head("GET", "/kilobyte")) for s in streams])
        wait_until(lambda: server.stats()["kilobytes"] >= answered, "the requests are answered")
        peer.send(*[hf.WindowUpdateFrame(s, window_increment=1) for s in streams])
        peer.send(hf.SettingsFrame(0, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 2000}))
        # such a small receive buffer makes for a slow connection: a part of what was asked for will do
        peer.receive_until(lambda f: isinstance(f, hf.DataFrame) and f.stream_id > 11)
        peer.close()

    def test_rapid_reset_is_cut_off_before_it_costs_work(self):
        with Server(workers=2) as server:
            peer = H2(server)
            with self.assertRaises(Closed):
                for _ in range(3000):
                    s = peer.open_id()
                    peer.send(peer.headers_frame(s, peer.head("GET", "/sleep/5")), hf.RstStreamFrame(s, error_code=8))
            self.assertLess(peer.next_id, 3000 * 2)
            wait_until(lambda: server.stats()["abuse"] == 1, "the abuse is counted")
            self.assertLess(server.stats()["handled"], 300)

    def made_you_reset(self, provoke):
        with Server(workers=2) as server:
            peer = H2(server)
            try:
                for _ in range(2000):
                    s = peer.open_id()
                    peer.send_raw(peer.headers_frame(s, peer.head("GET", "/sleep/5")).serialize() + provoke(peer, s))
                closed = peer.wait_closed()
            except Closed:
                closed = peer.wait_closed()
            self.assertIn(closed, (ENHANCE_YOUR_CALM, None))
            wait_until(lambda: server.stats()["abuse"] == 1, "the abuse is counted")
            self.assertLess(server.stats()["handled"], 300)

    def test_made_you_reset_by_a_window_update_of_zero_is_cut_off(self):
        self.made_you_reset(lambda peer, s: window_update_zero(s))

    def test_made_you_reset_by_overflowing_the_window_is_cut_off(self):
        self.made_you_reset(lambda peer, s: hf.WindowUpdateFrame(s, window_increment=0x7FFFFFFF).serialize())

    def test_made_you_reset_by_data_after_the_end_is_cut_off(self):
        self.made_you_reset(lambda peer, s: peer.data_frame(s, b"x").serialize())

    def test_cancelling_now_and_then_is_no_abuse(self):
        with Server() as server:
            peer = H2(server)
            for i in range(400):
                s = peer.start("GET", "/tiny")
                if i % 3 == 0:
                    peer.send(hf.RstStreamFrame(s, error_code=8))
                else:
                    self.assertEqual(peer.response(s).status, 200)
            self.assertEqual(server.stats()["abuse"], 0)

    def test_an_hpack_bomb_costs_little_memory_and_gets_431(self):
        with Server() as server:
            before = server.stats()["rss"]
            peer = H2(server)
            bomb = [("x-bomb", "b" * 4000)]
            block = peer.encoder.encode(peer.head("GET", "/tiny") + bomb)
            again = peer.encoder.encode(bomb)
            self.assertEqual(len(again), 1)
            refused = 0
            for _ in range(40):
                s = peer.open_id()
                f = hf.HeadersFrame(s)
                f.data = block + again * 12000
                f.flags.add("END_STREAM")
                f.flags.add("END_HEADERS")
                peer.send(f)
                block = peer.encoder.encode(peer.head("GET", "/tiny") + bomb)
                answer = peer.response(s)
                refused += answer.status == 431
                self.assertEqual(answer.headers["content-type"], "application/problem+json")
            self.assertEqual(refused, 40)
            self.assertLess(server.stats()["rss"] - before, 40 << 20)

    def test_an_endless_header_block_ends_the_connection(self):
        with Server() as server:
            for payload, frames_at_most in ((b"", 1), (b"\x00\x01a\x01b" * 800, 40)):
                peer = H2(server)
                s = peer.open_id()
                peer.send(peer.headers_frame(s, peer.head("GET", "/tiny"), end_headers=False))
                try:
                    for _ in range(frames_at_most):
                        peer.send(hf.ContinuationFrame(s, data=payload))
                except Closed:
                    pass
                self.assertEqual(peer.wait_closed(), 11)
            self.assertEqual(H2(server).request("GET", "/tiny").status, 200)

    def test_trailers_never_pass_for_headers(self):
        with Server() as server:
            peer = H2(server)
            s = peer.start("POST", "/inspect/x", end=False)
            peer.send(peer.data_frame(s, b"body"), peer.headers_frame(s, [("authorization", "Bearer stolen"), ("x-test", "trailer")]))
            seen = peer.response(s).json()
            self.assertEqual((seen["authorization"], seen["x-test"], seen["body"]), (None, None, "body"))
            # and the table of the decoder has kept up
            self.assertEqual(peer.request("GET", "/inspect/x", ("authorization", "Bearer stolen")).json()["authorization"], "Bearer stolen")
            h1 = H1(server)
            h1.send(
                b"POST /inspect/x HTTP/1.1\r\nHost: a\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"
            )
            self.assertEqual(h1.response().json()["authorization"], None)

    def test_two_readers_never_see_two_paths(self):
        with Server() as server:
            peer = H2(server)
            for path in (
                "/inspect/a%2Fb",
                "/inspect/a%2fb",
                "/inspect/%00",
                "/inspect/a%00b",
                "/inspect/%",
                "/inspect/%4",
                "/inspect/%zz",
                "/inspect/%C0%AF",
                "/inspect/%ED%A0%80",
                "/inspect/..",
                "/inspect/%2e%2e/tiny",
                "/inspect/.",
                "/inspect//x",
                "//tiny",
                "/inspect/a\\b",
                "/inspect/a%5Cb",
                "/inspect/%0A",
                '/inspect/a"b',
                "/inspect/x?a=%00",
                "/inspect/x?a=%FF",
                "/inspect/x?a=1&a=2",
                "/inspect/x?a=%",
                "/inspect/x?=1",
                "tiny",
                "*",
                "",
                "https://localhost/tiny",
                "/inspect/x#y",
            ):
                answer = peer.request("GET", path)
                self.assertEqual((path, answer.status), (path, 400))
                self.assertIn(answer.json()["code"], ("invalid_path", "invalid_query", "invalid_header"))
            self.assertEqual(peer.request("GET", "/inspect/%E5%BC%A0%20%25?b=%2F%26&c").json()["a"], "张 %")

    def test_http1_framing_that_readers_disagree_on_is_refused(self):
        with Server() as server:
            for head in (
                b"Content-Length: 1\r\nContent-Length: 2\r\n",
                b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                b"A: b\r\n c\r\n",
                b"Transfer-Encoding: gzip, chunked\r\n",
                b"Content-Length: +1\r\n",
                b"Content-Length: 1x\r\n",
                b"Expect: miracles\r\nContent-Length: 1\r\n",
                b"A b: c\r\n",
                b": c\r\n",
                b"A: b\0c\r\n",
            ):
                h1 = H1(server)
                h1.send(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + head + b"\r\nxyz")
                answer = h1.response()
                self.assertEqual((head, answer.status), (head, 400))
                self.assertEqual(answer.json()["status"], 400)
                self.assertTrue(h1.is_closed())
            h1 = H1(server)
            h1.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            self.assertEqual(h1.response().status, 400)

    def test_unknown_frames_are_ignored_in_silence(self):
        with Server() as server:
            peer = H2(server)
            peer.send_raw(b"\x00\x00\x04\x10\x00\x00\x00\x00\x00u=3," * 5000)
            peer.ping()
            self.assertEqual(server.stderr(), "")

    def test_floods_of_control_frames_do_not_fill_memory(self):
        with Server() as server:
            before = server.stats()["rss"]
            for f in (hf.PingFrame(0, opaque_data=b"12345678"), hf.SettingsFrame(0, settings={4: 70000})):
                peer = H2(server, prepare=tiny_receive_buffer)
                peer.sock.settimeout(0.5)
                try:
                    for _ in range(200):
                        peer.send_raw(f.serialize() * 1000)
                except (Closed, socket.timeout):
                    pass
                peer.sock.setblocking(False)
                peer.close()
            self.assertLess(server.stats()["rss"] - before, 40 << 20)

    def test_data_over_the_window_is_refused(self):
        with Server() as server:
            peer = H2(server)
            s = peer.start("PUT", "/sink/hold", end=False)
            for _ in range(17):
                peer.send(peer.data_frame(s, b"x" * 16384))
            self.assertEqual(peer.response(s).reset, 3)
            wait_until(lambda: server.stats()["aborted"] == 1, "the sink is aborted")
            self.assertLessEqual(server.stats()["held_max"], 262144)

    def test_a_body_unlike_its_content_length_is_refused(self):
        with Server() as server:
            peer = H2(server)
            for length, data in (("5", b"four"), ("3", b"four"), ("7", None)):
                s = peer.start("PUT", "/sink/now", ("content-length", length), end=data is None)
                if data is not None:
                    peer.send(peer.data_frame(s, data, True))
                self.assertEqual(peer.response(s).reset, 1)
            self.assertEqual(server.stats()["ended"], 0)


class SlowClients(unittest.TestCase):

    def setUp(self):
        self.server = Server(request_ms_max=1500, rate_ms=1500, idle_ms_max=1000, body_rate_min=2000)

    def tearDown(self):
        self.server.__exit__(None)

    def no_connections(self):
        # one is that of the question itself
        wait_until(lambda: self.server.stats()["connections"] <= 1, "the server ends the connection")

    def drip(self, sock, data, stop):
        def run():
            try:
                while not stop.wait(0.05):
                    sock.sendall(data)
            except OSError:
                pass

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def dripped(self, peer, data):
        stop = threading.Event()
        thread = self.drip(peer.sock, data, stop)
        self.no_connections()
        stop.set()
        thread.join()

    def test_silence_before_the_handshake_ends(self):
        sock = socket.create_connection(("127.0.0.1", self.server.port))
        sock.settimeout(60)
        self.assertEqual(sock.recv(1), b"")

    def test_an_idle_connection_ends(self):
        h1, h2 = H1(self.server), H2(self.server)
        self.assertTrue(h1.is_closed())
        self.assertEqual(h2.wait_closed(), 0)

    def test_pings_do_not_keep_a_useless_connection(self):
        self.dripped(H2(self.server), hf.PingFrame(0, opaque_data=b"12345678").serialize())

    def test_dripped_http1_headers_end_the_connection(self):
        h1 = H1(self.server)
        h1.send(b"GET /tiny HTTP/1.1\r\n")
        self.dripped(h1, b"A: b\r\n")

    def test_dripped_continuations_end_the_connection(self):
        peer = H2(self.server)
        s = peer.open_id()
        peer.send(peer.headers_frame(s, peer.head("GET", "/tiny"), end_headers=False))
        self.dripped(peer, hf.ContinuationFrame(s, data=b"\x00\x01a\x01b").serialize())

    def test_a_frame_that_never_gets_complete_ends_the_connection(self):
        peer = H2(self.server)
        peer.send_raw(b"\x00\x40\x00\x01\x05\x00\x00\x00\x01")
        self.dripped(peer, b"\x00")

    def test_a_dripped_buffered_body_gets_408(self):
        peer = H2(self.server)
        s = peer.start("POST", "/echo", end=False)
        stop = threading.Event()
        thread = self.drip(peer.sock, peer.data_frame(s, b"x").serialize(), stop)
        self.assertEqual(peer.response(s).status, 408)
        stop.set()
        thread.join()
        h1 = H1(self.server)
        h1.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx")
        self.assertEqual(h1.response().status, 408)

    def test_a_dripped_upload_is_aborted_once(self):
        peer = H2(self.server)
        s = peer.start("PUT", "/sink/now", end=False)
        stop = threading.Event()
        thread = self.drip(peer.sock, peer.data_frame(s, b"x" * 10).serialize(), stop)
        self.assertEqual(peer.response(s).status, 408)
        stop.set()
        thread.join()
        wait_until(lambda: self.server.stats()["aborted"] == 1, "the sink is aborted")

    def test_an_upload_that_the_sink_holds_up_is_not_too_slow(self):
        peer = H2(self.server)
        s = peer.start("PUT", "/sink/hold", end=False)
        for _ in range(16):
            peer.send(peer.data_frame(s, b"x" * 16384))
        until = threading.Event()
        until.wait(4)
        self.server.curl("-X", "POST", path="/release/262144")
        peer.receive_until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id == s)
        peer.send(peer.data_frame(s, b"", True))
        self.assertEqual(peer.response(s).json()["bytes"], 262144)

    def test_an_answer_that_is_not_read_ends_the_connection(self):
        for prepare in (None, tiny_receive_buffer):
            h1 = H1(self.server, prepare=prepare)
            h1.send(b"GET /source/50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.no_connections()

    def test_a_window_that_stays_shut_ends_the_connection(self):
        peer = H2(self.server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        peer.start("GET", "/kilobyte")
        self.dripped(peer, hf.PingFrame(0, opaque_data=b"12345678").serialize())

    def test_a_window_opened_byte_by_byte_ends_the_connection(self):
        peer = H2(self.server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        s = peer.start("GET", "/kilobyte")
        self.dripped(peer, hf.WindowUpdateFrame(s, window_increment=1).serialize())

    def test_an_event_stream_that_is_not_read_ends(self):
        peer = H2(self.server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 0})
        peer.start("GET", "/events/3")
        self.no_connections()
        self.assertEqual(self.server.stats()["streams_closed"], 1)

    def test_a_connection_on_which_no_event_is_read_ends(self):
        """Its window is open and TCP is what holds it up: ending the stream alone would wait for that."""
        peer = H2(self.server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 1 << 30}, prepare=tiny_receive_buffer)
        peer.send(hf.WindowUpdateFrame(0, window_increment=1 << 30))
        peer.start("GET", "/events/1?bytes=1000000")
        self.no_connections()
        self.assertEqual(self.server.stats()["streams_closed"], 1)

    def test_an_event_stream_that_is_not_read_leaves_the_upload_beside_it_alone(self):
        peer = H2(self.server)
        peer.send(hf.WindowUpdateFrame(0, window_increment=1000000))
        upload = peer.start("PUT", "/sink/now", end=False)
        events = peer.start("GET", "/events/100?bytes=1000")  # more than its window, which stays shut
        peer.sock.settimeout(0.05)
        reset = None
        while not isinstance(reset, hf.RstStreamFrame):
            peer.send(peer.data_frame(upload, b"x" * 2000))
            try:
                reset = peer.receive()
            except TimeoutError:
                pass
        peer.sock.settimeout(60)
        self.assertEqual((reset.stream_id, reset.error_code), (events, 8))
        peer.send(peer.data_frame(upload, b"", True))
        self.assertEqual(peer.response(upload).status, 200)

    def test_an_idle_event_stream_lives_on(self):
        peer = H2(self.server)
        s = peer.start("GET", "/events/1")
        until = threading.Event()
        until.wait(5)
        self.assertEqual(self.server.stats()["streams"], 1)
        self.assertEqual(peer.receive_until(lambda f: isinstance(f, hf.HeadersFrame) and f.stream_id == s).fields[":status"], "200")


class WallClock(unittest.TestCase):
    @unittest.skipIf("address" in os.environ.get("BF_HTTP_SANITIZED", ""), "the sanitizer's runtime must come first of what is preloaded")
    def test_nothing_hangs_on_the_wall_clock(self):
        with tempfile.TemporaryDirectory() as directory:
            wrong = os.path.join(directory, "wrong")

            def set_wrong(seconds):
                with open(wrong, "w", encoding="ascii") as file:
                    file.write("%d" % seconds)

            set_wrong(0)
            os.environ.update(BF_WALL_SHIM=wrong, LD_PRELOAD=os.environ["BF_WALL_SHIM_SO"])
            try:
                server = Server(request_ms_max=1000, rate_ms=1000, idle_ms_max=60000)
            finally:
                del os.environ["LD_PRELOAD"]
            with server:
                for seconds in (-3600, 3600):
                    living = H2(server)
                    living.ping()
                    self.assertEqual(living.request("GET", "/tiny").status, 200)
                    set_wrong(seconds)
                    silent = H1(server)
                    silent.send(b"GET /tiny HT")
                    peer = H2(server)
                    stream = peer.start("POST", "/echo", end=False)
                    self.assertEqual(peer.response(stream).status, 408)
                    self.assertTrue(silent.is_closed())
                    self.assertEqual(living.request("GET", "/tiny").status, 200)

    def test_nothing_has_expired_on_a_machine_that_started_less_long_ago_than_a_timeout(self):
        with Server(idle_ms_max=46 * 24 * 3600 * 1000) as server:
            peer = H2(server)
            for _ in range(5):
                self.assertEqual(peer.request("GET", "/tiny").status, 200)
                peer.ping()


if __name__ == "__main__":
    unittest.main(warnings="ignore")
