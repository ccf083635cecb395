# SPDX-License-Identifier: Apache-2.0
"""Each configured limit, from both sides, and its problem document."""

import os
import resource
import socket
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Closed, Server, wait_until


def is_problem(test, answer, status, code):
    test.assertEqual(answer.status, status)
    test.assertEqual(answer.headers.get("content-type"), "application/problem+json")
    problem = answer.json()
    test.assertEqual((problem["status"], problem["code"]), (status, code))
    return problem


def cpu_s(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Limits(unittest.TestCase):
    def test_413_for_a_buffered_body_with_and_without_content_length(self):
        with Server(json_body_bytes_max=1000) as server:
            peer = H2(server)
            self.assertEqual(peer.request("POST", "/echo", body=b"x" * 1000).body, b"x" * 1000)
            is_problem(self, peer.request("POST", "/echo", body=b"x" * 1001), 413, "too_large")
            is_problem(self, peer.request("POST", "/echo", ("content-length", "1001"), body=b"x" * 1001), 413, "too_large")
            self.assertEqual(peer.request("GET", "/tiny").status, 200)
            for head, body in (
                (b"Content-Length: 1001", b"x" * 1001),
                (b"Transfer-Encoding: chunked", b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"),
            ):
                h1 = H1(server)
                h1.send(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n\r\n" + body)
                is_problem(self, h1.response(), 413, "too_large")
            h1 = H1(server)
            h1.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n")
            self.assertEqual(h1.response().body, b"x" * 1000)
            self.assertEqual(server.stats()["refused"], 4)

    def test_431_for_too_many_headers(self):
        with Server(header_count_max=20) as server:
            peer = H2(server)
            self.assertEqual(peer.request("GET", "/tiny", *[("x-%d" % i, "v") for i in range(16)]).status, 200)
            is_problem(self, peer.request("GET", "/tiny", *[("x-%d" % i, "v") for i in range(17)]), 431, "headers_too_large")
            self.assertEqual(peer.request("GET", "/inspect/a", ("x-test", "after")).json()["x-test"], "after")
            for n, status in ((19, 200), (20, 431), (300, 431)):
                h1 = H1(server)
                h1.send(b"GET /tiny HTTP/1.1\r\nHost: a\r\n" + b"".join(b"x-%d: v\r\n" % i for i in range(n)) + b"\r\n")
                self.assertEqual((n, h1.response().status), (n, status))

    def test_431_for_too_large_headers(self):
        with Server(header_bytes_max=4096) as server:
            peer = H2(server)
            self.assertEqual(peer.request("GET", "/tiny", ("x-big", "v" * 3800)).status, 200)
            is_problem(self, peer.request("GET", "/tiny", ("x-big", "v" * 4096)), 431, "headers_too_large")
            is_problem(self, peer.request("POST", "/echo", ("x-big", "w" * 4096), body=b"abc"), 431, "headers_too_large")
            self.assertEqual(peer.request("GET", "/tiny").status, 200)
            for n, status in ((3900, 200), (4096, 431), (40000, 431)):
                h1 = H1(server)
                h1.send(b"GET /tiny HTTP/1.1\r\nHost: a\r\nx-big: " + b"v" * n + b"\r\n\r\n")
                answer = h1.response()
                self.assertEqual((n, answer.status), (n, status))
                if status != 200:
                    is_problem(self, answer, 431, "headers_too_large")

    def test_503_with_retry_after_when_too_many_requests_are_in_flight(self):
        with Server(in_flight_max=5) as server:
            peer = H2(server)
            streams = [peer.start("GET", "/sleep/2000") for _ in range(5)]
            peer.ping()
            answer = peer.request("GET", "/tiny")
            is_problem(self, answer, 503, "unavailable")
            self.assertEqual(answer.headers["retry-after"], "1")
            self.assertEqual(peer.response(streams[-1]).status, 204)
            wait_until(lambda: server.stats()["in_flight"] == 1, "requests end")
            self.assertEqual(peer.request("GET", "/tiny").status, 200)

    def test_bodies_that_never_come_hold_up_nobody(self):
        with Server(loops=1, in_flight_max=5, arriving_max=40) as server:
            idle = [H2(server) for _ in range(3)]
            streams = [peer.start("POST", "/echo", end=False) for peer in idle for _ in range(20)]
            # those that were silent for the longest had to go
            wait_until(lambda: server.stats()["refused"] >= 19, "what is too much is refused")
            other = H2(server)
            self.assertEqual(other.request("GET", "/tiny").status, 200)
            self.assertEqual(other.request("POST", "/echo", body=b"whole").body, b"whole")
            self.assertEqual(other.request("PUT", "/sink/now", body=b"whole").status, 200)
            refused = idle[0].response(streams[0])
            is_problem(self, refused, 503, "unavailable")
            self.assertEqual(refused.headers["retry-after"], "1")
            idle[2].send(idle[2].data_frame(streams[59], b"late", True))
            self.assertEqual(idle[2].response(streams[59]).body, b"late")
            for peer in idle:
                peer.close()

    def test_who_sends_stays_and_who_is_silent_goes(self):
        with Server(loops=1, arriving_max=4) as server:
            peer = H2(server)
            first = peer.start("POST", "/echo", end=False)
            second = peer.start("POST", "/echo", end=False)
            peer.send(peer.data_frame(first, b"a"))
            for _ in range(4):
                peer.start("POST", "/echo", end=False)
            is_problem(self, peer.response(second), 503, "unavailable")
            peer.send(peer.data_frame(first, b"b", True))
            self.assertEqual(peer.response(first).body, b"ab")
            peer.close()

    def test_an_upload_that_its_sink_holds_up_is_not_silent(self):
        with Server(loops=1, arriving_max=4) as server:
            upload, peer = H2(server), H2(server)
            held = upload.start("PUT", "/sink/hold", end=False)
            for _ in range(16):
                upload.send(upload.data_frame(held, b"x" * 16384))
            upload.ping()
            streams = [peer.start("POST", "/echo", end=False) for _ in range(6)]
            wait_until(lambda: server.stats()["refused"] >= 1, "what is too much is refused")
            is_problem(self, peer.response(streams[0]), 503, "unavailable")
            server.curl("-X", "POST", path="/release/262144")
            upload.receive_until(lambda f: isinstance(f, hf.WindowUpdateFrame) and f.stream_id == held)
            upload.send(upload.data_frame(held, b"", True))
            self.assertEqual(upload.response(held).json()["bytes"], 262144)
            upload.close()
            peer.close()

    def test_buffered_bodies_share_their_memory(self):
        with Server(loops=1, bodies_mb_max=2) as server:
            peers = [H2(server) for _ in range(3)]
            streams = [peer.start("POST", "/echo", end=False) for peer in peers]
            for peer, stream in zip(peers, streams):
                for _ in range(40):
                    peer.send(peer.data_frame(stream, b"x" * 15000))
                peer.ping()
            is_problem(self, peers[0].response(streams[0]), 503, "unavailable")
            for peer, stream in zip(peers[1:], streams[1:]):
                peer.send(peer.data_frame(stream, b"", True))
                answer = peer.receive_until(lambda f: isinstance(f, hf.HeadersFrame))
                self.assertEqual((answer.fields[":status"], answer.fields["content-length"]), ("200", "600000"))
            self.assertEqual(H2(server).request("POST", "/echo", body=b"again").body, b"again")
            for peer in peers:
                peer.close()

    def test_a_body_of_the_largest_size_has_room_however_many_loops_share(self):
        with Server(loops=4, bodies_mb_max=1) as server:
            peer = H2(server)
            stream = peer.start("POST", "/echo", end=False)
            for _ in range(70):
                peer.send(peer.data_frame(stream, b"x" * 14000))
                peer.ping()
            peer.send(peer.data_frame(stream, b"", True))
            answer = peer.receive_until(lambda f: isinstance(f, hf.HeadersFrame))
            self.assertEqual((answer.fields[":status"], answer.fields["content-length"]), ("200", "980000"))
            peer.close()

    def test_503_when_the_answer_takes_too_long(self):
        with Server(answer_ms_max=300) as server:
            peer = H2(server)
            answer = peer.request("GET", "/sleep/3000")
            is_problem(self, answer, 503, "unknown_outcome")
            self.assertEqual(peer.request("GET", "/tiny").status, 200)
            wait_until(lambda: server.stats()["in_flight"] == 1, "the handler ends too")

    def test_503_when_the_queue_to_the_workers_is_full(self):
        with Server(workers=1, queue=2) as server:
            peer = H2(server)
            streams = [peer.start("GET", "/block/1000") for _ in range(6)]
            refused = peer.response(streams[-1])
            is_problem(self, refused, 503, "unavailable")
            self.assertEqual(refused.headers["retry-after"], "1")
            self.assertEqual(peer.response(streams[0]).status, 204)

    def test_429_for_a_connection_whose_cancelled_requests_pile_up(self):
        with Server(per_connection_max=4) as server:
            peer = H2(server)
            for i in range(8):
                stream = peer.start("GET", "/sleep/3000")
                wait_until(lambda: server.stats()["handled"] == i + 1, "the handler has it")
                peer.send(hf.RstStreamFrame(stream, error_code=8))
            answer = peer.request("GET", "/tiny")
            is_problem(self, answer, 429, "throttled")
            self.assertEqual(answer.headers["retry-after"], "1")

    def test_settings_tell_the_limits(self):
        with Server(per_connection_max=7, header_bytes_max=5000, body_window=100000) as server:
            peer = H2(server)
            peer.ping()
            self.assertEqual((peer.server_settings[3], peer.server_settings[4], peer.server_settings[6]), (7, 100000, 5000))

    def test_streams_over_the_limit_are_refused_and_may_be_tried_again(self):
        with Server(per_connection_max=3) as server:
            peer = H2(server)
            streams = [peer.start("GET", "/sleep/500") for _ in range(4)]
            self.assertEqual(peer.response(streams[3]).reset, 7)
            self.assertEqual(peer.response(streams[2]).status, 204)

    def test_connections_over_the_limit_wait_until_one_closes(self):
        with Server(connections_max=3) as server:
            peers = [H2(server) for _ in range(3)]
            for peer in peers:
                peer.ping()
            raw = socket.create_connection(("127.0.0.1", server.port))
            raw.settimeout(0.5)
            with self.assertRaises(socket.timeout):
                raw.recv(1)
            raw.close()
            peers.pop().close()
            self.assertEqual(H2(server).request("GET", "/tiny").status, 200)

    def test_503_for_too_many_event_streams(self):
        with Server(event_streams_max=2) as server:
            peer = H2(server)
            first, second = peer.start("GET", "/events/1"), peer.start("GET", "/events/1")
            wait_until(lambda: server.stats()["streams"] == 2, "streams are open")
            answer = peer.request("GET", "/events/1")
            is_problem(self, answer, 503, "unavailable")
            peer.send(hf.RstStreamFrame(first, error_code=8))
            wait_until(lambda: server.stats()["streams"] == 1, "one is closed")
            third = peer.start("GET", "/events/1")
            wait_until(lambda: server.stats()["streams"] == 2, "another takes its place")
            self.assertNotEqual(second, third)

    def test_event_streams_that_do_not_keep_up_are_told(self):
        with Server() as server:
            peer = H2(server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: 5000000})
            peer.send(hf.WindowUpdateFrame(0, window_increment=5000000))
            # 1000 events of 10 KB at once: some wait, then the sender is refused and closes
            stream = peer.start("GET", "/events/1000?bytes=10000")
            self.assertLess(len(peer.response(stream).body), 10000000)

    def test_descriptors_that_run_out_do_not_spin_a_loop(self):
        with Server() as server:
            peers = [H2(server) for _ in range(2)]
            for peer in peers:
                peer.ping()
            pid = server.process.pid
            before = cpu_s(pid)
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir("/proc/%d/fd" % pid)), hard))
            waiting = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
            waiting[-1].settimeout(1)
            with self.assertRaises(socket.timeout):
                waiting[-1].recv(1)
            # the connections that are here are served
            self.assertEqual(peers[0].request("GET", "/tiny").status, 200)
            self.assertLess(cpu_s(pid) - before, 0.5)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
            for s in waiting:
                s.close()
            self.assertEqual(H2(server).request("GET", "/tiny").status, 200)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
