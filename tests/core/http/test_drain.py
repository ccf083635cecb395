# SPDX-License-Identifier: Apache-2.0
"""The end of a server, and new certificates while it runs."""

import os
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Closed, Server, wait_until


class Drain(unittest.TestCase):
    def drained(self, server):
        self.assertEqual(server.answer(), "drained", server.stderr())

    def test_requests_under_way_are_answered_and_new_connections_refused(self):
        with Server() as server:
            h2, h1 = H2(server), H1(server)
            stream = h2.start("GET", "/sleep/1500")
            h1.send(b"GET /sleep/1500 HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: server.stats()["handled"] == 2, "handlers run")
            server.command("drain")
            self.assertEqual(h2.response(stream).status, 204)
            self.assertEqual(h1.response().status, 204)
            with self.assertRaises(OSError):
                H2(server)
            self.assertEqual(h2.wait_closed(), 0)
            self.assertTrue(h1.is_closed())
            self.drained(server)

    def test_an_upload_under_way_is_taken_to_its_end(self):
        with Server() as server:
            peer = H2(server)
            stream = peer.start("PUT", "/sink/now", end=False)
            peer.send(peer.data_frame(stream, b"a" * 1000))
            wait_until(lambda: server.stats()["sink_bytes"] == 1000, "the sink has it")
            server.command("drain")
            # past the final GOAWAY
            peer.receive_until(lambda f: isinstance(f, hf.GoAwayFrame) and f.last_stream_id != 0x7FFFFFFF)
            peer.send(peer.data_frame(stream, b"b" * 1000, True))
            self.assertEqual(peer.response(stream).json()["bytes"], 2000)
            self.drained(server)

    def test_the_end_of_a_large_answer_is_not_lost(self):
        with Server() as server:
            peer = H2(server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 5000000})
            peer.send(hf.WindowUpdateFrame(0, window_increment=5000000))
            stream = peer.start("GET", "/source/3000000")
            peer.receive_until(lambda f: isinstance(f, hf.DataFrame))
            server.command("drain")
            body, ended = 0, False
            try:
                while not ended:
                    f = peer.receive()
                    if isinstance(f, hf.DataFrame) and f.stream_id == stream:
                        body += len(f.data)
                        ended = "END_STREAM" in f.flags
            except Closed:
                pass
            self.assertTrue(ended)
            self.drained(server)

    def test_a_late_continuation_does_not_spin(self):
        with Server(request_ms_max=1000) as server:
            peer = H2(server)
            keep = peer.start("GET", "/sleep/3000")
            wait_until(lambda: server.stats()["handled"] == 1, "the handler runs")
            server.command("drain")
            peer.receive_until(lambda f: isinstance(f, hf.GoAwayFrame) and f.last_stream_id != 0x7FFFFFFF)
            s = peer.open_id()
            peer.send(peer.headers_frame(s, peer.head("GET", "/tiny"), end_headers=False))
            peer.send(hf.ContinuationFrame(s, data=b"\x00\x01a\x01b"))
            self.assertEqual(peer.response(keep).status, 204)
            self.drained(server)

    def test_event_streams_end(self):
        with Server() as server:
            peer = H2(server)
            stream = peer.start("GET", "/events/1")
            peer.receive_until(lambda f: isinstance(f, hf.DataFrame))
            server.command("drain")
            peer.response(stream)
            self.drained(server)

    def test_the_deadline_ends_the_process_whatever_a_client_does(self):
        server = Server(drain_ms_max=1500)
        peer = H2(server)
        peer.start("PUT", "/sink/hold", end=False)
        peer.ping()
        server.command("drain")
        self.assertEqual(server.process.wait(60), 0)
        self.assertEqual(server.process.stdout.read(), "")
        server.end()

    def test_the_deadline_ends_the_process_whatever_the_server_does(self):
        """A handler that never answers, a worker that is stuck, and a loop that runs nothing any more, its own timers among it."""
        for path in ("/never", "/block/60000", "/stick"):
            with self.subTest(path):
                server = Server(drain_ms_max=500, loops=1)
                peer = H2(server)
                peer.start("GET", path)
                if path == "/stick":
                    self.assertEqual(server.answer(), "stands still")
                else:
                    wait_until(lambda: server.stats()["handled"] == 1, "the handler runs")
                server.command("drain")
                self.assertEqual(server.process.wait(60), 0)
                self.assertEqual(server.process.stdout.read(), "")
                self.assertIn("http.drain_cut", server.stderr())
                server.end()


class Progress(unittest.TestCase):
    def test_a_loop_that_got_stuck_is_noticed(self):
        with Server(loops=2, drain_ms_max=100) as server:
            def state():
                server.command("alive")
                return server.answer()
            self.assertEqual(state(), "gets on")
            peer = H2(server)
            peer.start("GET", "/stick")
            self.assertEqual(server.answer(), "stands still")
            wait_until(lambda: state() == "stuck", "the other loop does not hide it")


class Certificates(unittest.TestCase):
    def make(self, directory, name):
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-addext",
                "subjectAltName=DNS:localhost",
                "-keyout",
                os.path.join(directory, "tls.key"),
                "-out",
                os.path.join(directory, "tls.crt"),
            ],
            check=True,
            capture_output=True,
        )

    def subject(self, server):
        try:
            return dict(x[0] for x in H2(server).sock.getpeercert()["subject"])["commonName"]
        except ssl.SSLCertVerificationError:
            return "another"  # the loop has not taken it over yet

    def test_reload_serves_the_new_certificate_and_keeps_connections(self):
        with Server() as server:
            old = H2(server)
            self.assertEqual(self.subject(server), "Baifang")
            self.make(server.directory, "second")
            server.command("reload")
            self.assertEqual(server.answer(), "reloaded ok")
            wait_until(lambda: self.subject(server) == "second", "both loops have it")
            self.assertEqual(old.request("GET", "/tiny").status, 200)

    def test_a_connection_from_before_a_reload_still_shakes_hands(self):
        with Server() as server:
            early = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
            for _ in range(3):
                server.command("reload")
                self.assertEqual(server.answer(), "reloaded ok")
            context = ssl.create_default_context(cafile=server.ca)
            for raw in early:
                self.assertEqual(context.wrap_socket(raw, server_hostname="localhost").version(), "TLSv1.3")

    def test_a_bad_certificate_leaves_the_old_one_in_use(self):
        with Server() as server:
            with open(server.ca) as f:
                good = f.read()
            with open(server.ca, "w") as f:
                f.write("nonsense")
            server.command("reload")
            self.assertEqual(server.answer(), "reloaded config")
            with open(server.ca, "w") as f:
                f.write(good)
            self.assertEqual(H2(server).request("GET", "/tiny").status, 200)

    def test_the_first_certificate_outlives_a_restart(self):
        with tempfile.TemporaryDirectory() as directory:
            with Server(directory) as server:
                with open(server.ca, "rb") as f:
                    first = f.read()
            with Server(directory) as server, open(server.ca, "rb") as f:
                self.assertEqual(f.read(), first)

    def test_a_start_cut_short_between_key_and_certificate_is_repeated(self):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "tls.key"), "w") as f:
                f.write("half")
            with Server(directory) as server:
                self.assertEqual(H2(server).request("GET", "/tiny").status, 200)

    def test_a_certificate_without_its_key_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            self.make(directory, "first")
            os.unlink(os.path.join(directory, "tls.key"))
            server = Server(directory)
            self.assertTrue(server.first_line.startswith("failed config: "), server.first_line)
            server.end()


if __name__ == "__main__":
    unittest.main(warnings="ignore")
