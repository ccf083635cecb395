# SPDX-License-Identifier: Apache-2.0
"""MongoDB's wire protocol as far as the tests need it: which command a message carries, messages of our own, and a client that asks the server without
any driver. OP_MSG, and OP_QUERY and OP_REPLY of the first greeting; compression is not negotiated by who does not ask for it."""
import socket
import struct
from urllib.parse import urlsplit

import bson

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM, MORE_TO_COME = 1, 2
HEADER = struct.Struct("<iiii")
MESSAGE_MAX = 64 << 20
GUARD_S = 60


class Message:
    """One message. `command` and `collection` are "" where it is none."""

    def __init__(self, raw):
        self.raw = raw
        _, self.id, self.answers, self.opcode = HEADER.unpack_from(raw)
        self.flags = struct.unpack_from("<I", raw, HEADER.size)[0]

    @property
    def body(self):
        """The command or the answer, without what OP_MSG carries in sections beside it."""
        if self.opcode == OP_MSG:
            return bson.decode(self.raw, self._body_at())
        if self.opcode == OP_QUERY:
            return bson.decode(self.raw, self.raw.index(b"\0", HEADER.size + 4) + 1 + 8)
        return bson.decode(self.raw, HEADER.size + 20)

    def _body_at(self):
        at = HEADER.size + 4
        while self.raw[at] != 0:
            at += 1 + struct.unpack_from("<i", self.raw, at + 1)[0]
        return at + 1

    @property
    def name(self):
        """(command, collection); a greeting is ("hello", ""), by whatever name it goes."""
        body = self.body
        command, first = next(iter(body.items()))
        if command.lower() in ("hello", "ismaster"):
            return "hello", ""
        return command, first if isinstance(first, str) else body.get("collection", "")

    def is_followed(self):
        return self.opcode == OP_MSG and bool(self.flags & MORE_TO_COME)


def message(body, id, answers=0):
    raw = struct.pack("<IB", 0, 0) + bson.encode(body)
    return HEADER.pack(HEADER.size + len(raw), id, answers, OP_MSG) + raw


def answer_to(request, body, id=0):
    """An answer to it of the kind that it expects."""
    if request.opcode == OP_MSG:
        return message(body, id, request.id)
    raw = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(body)
    return HEADER.pack(HEADER.size + len(raw), id, request.id, OP_REPLY) + raw


def message_size(header):
    n = HEADER.unpack(header)[0]
    assert HEADER.size < n <= MESSAGE_MAX, f"a message of {n} bytes"
    return n


class Client:
    """Asks the server itself, on one connection."""

    def __init__(self, uri, database="test"):
        self.database, self._id = database, 0
        parts = urlsplit(uri)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=GUARD_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.close()

    def send(self, body):
        self._id += 1
        self._socket.sendall(message({**body, "$db": body.get("$db", self.database)}, self._id))

    def receive(self):
        """ConnectionError when the server ends the connection."""
        raw = self._take(HEADER.size)
        raw += self._take(message_size(raw) - HEADER.size)
        answer = Message(raw)
        assert answer.answers == self._id, "an answer to something else"
        return answer.body

    def _take(self, n):
        parts = b""
        while len(parts) < n:
            part = self._socket.recv(n - len(parts))
            if not part:
                raise ConnectionError("the server ended the connection")
            parts += part
        return parts

    def ask(self, **body):
        """The answer, whatever it is."""
        self.send(body)
        return self.receive()

    def do(self, **body):
        answer = self.ask(**body)
        assert answer.get("ok") == 1 and "writeErrors" not in answer, answer
        return answer

    def find(self, collection, filter=None, **options):
        """All documents, however many answers they come in."""
        cursor = self.do(find=collection, filter=filter or {}, **options)["cursor"]
        found = cursor["firstBatch"]
        while cursor["id"]:
            cursor = self.do(getMore=bson.Long(cursor["id"]), collection=collection)["cursor"]
            found += cursor["nextBatch"]
        return found

