# SPDX-License-Identifier: Apache-2.0
"""Mostly valid conversations of random frames, over both protocols: whatever comes, the server lives and loses no request and no sink.

BF_FRAMES_SEED and BF_FRAMES_ROUNDS repeat a run or make it longer."""

import os
import random
import socket
import struct
import unittest

from hyperframe import frame as hf

from peer import H1, H2, Closed, Server, tiny_receive_buffer, wait_until

SEED = int(os.environ.get("BF_FRAMES_SEED", "20261122"))
ROUNDS = int(os.environ.get("BF_FRAMES_ROUNDS", "60"))
PATHS = [
    "/tiny",
    "/kilobyte",
    "/source/70000",
    "/source/3000000",
    "/events/5?bytes=3000",
    "/events/2?end",
    "/sleep/2",
    "/fail",
    "/nowhere",
    "/inspect/x?a=1",
    "/source/100000?fail_at=50000",
    "/bad%2Fpath",
]
UPLOADS = ["/sink/now", "/sink/half", "/sink/refuse", "/echo", "/inspect/x", "/nowhere"]


class Talker:
    """Sends random frames; remembers which streams it opened."""

    def __init__(self, server, chance):
        self.chance = chance
        window = chance.choice([0, 1, 12, 1024, 65535, 1 << 20])
        self.peer = H2(
            server, settings={hf.SettingsFrame.INITIAL_WINDOW_SIZE: window}, prepare=tiny_receive_buffer if chance.random() < 0.3 else None
        )
        self.peer.sock.settimeout(0.02)
        self.streams = []

    def any_stream(self):
        if self.streams and self.chance.random() < 0.999:
            return self.chance.choice(self.streams[-20:])
        return self.chance.randrange(1, 200)

    def frames(self):
        chance, peer, kind = self.chance, self.peer, self.chance.random() if self.streams else 0
        if kind < 0.30:
            s = peer.open_id()
            self.streams.append(s)
            if chance.random() < 0.5:
                return peer.headers_frame(s, peer.head(chance.choice(["GET", "HEAD"]), chance.choice(PATHS))).serialize()
            method, path = ("PUT" if chance.random() < 0.7 else "POST"), chance.choice(UPLOADS)
            more = [("content-length", str(chance.choice([0, 5, 70000, 999999999])))] if chance.random() < 0.4 else []
            return peer.headers_frame(s, peer.head(method, path, *more), end=chance.random() < 0.1).serialize()
        if kind < 0.55:
            f = hf.DataFrame(self.any_stream(), data=b"d" * chance.choice([0, 1, 5, 1000, 16384]))
            if chance.random() < 0.3:
                f.flags.add("END_STREAM")
            if chance.random() < 0.2:
                f.flags.add("PADDED")
                f.pad_length = chance.randrange(0, 100)
            return b"" if len(f.data) == 16384 and "PADDED" in f.flags else f.serialize()
        if kind < 0.70:
            return hf.WindowUpdateFrame(
                self.any_stream(), window_increment=chance.choice([1, 12, 1000, 65535, 65535, 65535, 0x7FFFFFFF])
            ).serialize()
        if kind < 0.705:
            return hf.WindowUpdateFrame(0, window_increment=100000).serialize()
        if kind < 0.73:
            return hf.RstStreamFrame(self.any_stream(), error_code=chance.randrange(0, 14)).serialize()
        if kind < 0.81:
            return hf.SettingsFrame(0, settings={chance.choice([1, 3, 4, 4, 4, 6]): chance.choice([0, 1, 100, 16384, 65536])}).serialize()
        if kind < 0.89:
            return hf.PingFrame(0, opaque_data=b"12345678").serialize()
        if kind < 0.991:
            return hf.PriorityFrame(
                self.any_stream(), depends_on=2 * chance.randrange(0, 50), stream_weight=3, exclusive=chance.random() < 0.5
            ).serialize()
        if kind < 0.995:
            trailer = hf.HeadersFrame(self.any_stream() | 1)
            trailer.data = peer.encoder.encode([("x-trailer", "t")])
            trailer.flags.add("END_STREAM")
            if chance.random() < 0.8:
                trailer.flags.add("END_HEADERS")
            return trailer.serialize()
        if kind < 0.997:
            return hf.ContinuationFrame(self.any_stream() | 1, data=b"\x00\x01a\x01b").serialize()
        payload = bytes(chance.randrange(256) for _ in range(chance.randrange(0, 40)))
        return (
            struct.pack(">I", len(payload))[1:]
            + bytes([chance.randrange(0, 14), chance.randrange(256)])
            + struct.pack(">I", self.any_stream())
            + payload
        )

    def talk(self):
        try:
            for _ in range(self.chance.randrange(5, 300)):
                data = b"".join(self.frames() for _ in range(self.chance.randrange(1, 12)))
                if self.chance.random() < 0.01:
                    data = data[: self.chance.randrange(0, len(data) + 1)]
                self.peer.send_raw(data)
                if self.chance.random() < 0.3:
                    self.peer.sock.recv(self.chance.choice([1, 100, 100000]))
        except (Closed, OSError):
            pass
        self.peer.sock.setblocking(False)
        self.peer.close()


def talk_http1(server, chance):
    body = b"b" * chance.choice([0, 1, 1000, 300000])
    framed = chance.choice(
        [
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
            b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"\r\n",
            b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n%s" % (len(body) + 5, body),
        ]
    )
    requests = b"".join(
        b"%s %s HTTP/1.1\r\nHost: a\r\n" % (chance.choice([b"GET", b"PUT", b"POST"]), chance.choice(PATHS + UPLOADS).encode()) + framed
        for _ in range(chance.randrange(1, 5))
    )
    if chance.random() < 0.5:
        at = chance.randrange(len(requests))
        requests = requests[:at] + bytes([chance.randrange(256)]) + requests[at + 1 :]
    peer = H1(server)
    peer.sock.settimeout(0.05)
    try:
        peer.send(requests[: chance.randrange(len(requests)) if chance.random() < 0.3 else None])
        for _ in range(chance.randrange(0, 5)):
            peer.sock.recv(chance.choice([1, 1000, 100000]))
    except OSError:
        pass
    peer.sock.setblocking(False)
    peer.close()


class Frames(unittest.TestCase):
    def test_random_conversations_lose_nothing(self):
        chance = random.Random(SEED)
        with Server() as server:
            for i in range(ROUNDS):
                (Talker(server, chance).talk if i % 4 else lambda: talk_http1(server, chance))()
                self.assertTrue(server.is_alive(), "round %d: %s" % (i, server.stderr()))
            wait_until(lambda: server.stats()["connections"] <= 1, "connections end")
            stats = wait_until(lambda: (lambda s: s["in_flight"] == 1 and s["streams"] == 0 and s)(server.stats()), "requests end")
            self.assertEqual(stats["begun"], stats["ended"] + stats["aborted"])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
