# SPDX-License-Identifier: Apache-2.0
"""As much of BSON as the tests meet, by bsonspec.org and by nobody else's code. A document is a dict in its order; what has no like in Python comes as
bytes."""
import struct

FIXED = {0x01: ("<d", 8), 0x09: ("<q", 8), 0x11: ("<Q", 8), 0x12: ("<q", 8), 0x10: ("<i", 4)}
RAW = {0x07: 12, 0x13: 16}      # ObjectId, decimal
EMPTY = {0x06, 0x0A, 0x7F, 0xFF}  # undefined, null, the largest and the smallest key


class Long(int):
    """Encoded in 64 bits even where it is small."""


def decode(b, at=0):
    """The document that begins at `at`."""
    return _decode(memoryview(b), at)[0]


def _decode(b, at):
    out, end = {}, at + struct.unpack_from("<i", b, at)[0]
    at += 4
    while b[at] != 0:
        kind = b[at]
        name, at = _cstring(b, at + 1)
        out[name], at = _value(kind, b, at)
    assert at + 1 == end, "the length of a document is wrong"
    return out, end


def _cstring(b, at):
    end = at
    while b[end] != 0:
        end += 1
    return bytes(b[at:end]).decode(), end + 1


def _value(kind, b, at):
    if kind in FIXED:
        layout, n = FIXED[kind]
        return struct.unpack_from(layout, b, at)[0], at + n
    if kind in RAW:
        return bytes(b[at:at + RAW[kind]]), at + RAW[kind]
    if kind in EMPTY:
        return None, at
    if kind == 0x08:
        return b[at] != 0, at + 1
    if kind == 0x03:
        return _decode(b, at)
    if kind == 0x04:
        items, at = _decode(b, at)
        return list(items.values()), at
    if kind in (0x02, 0x05):
        n, skip = struct.unpack_from("<i", b, at)[0], 4 if kind == 0x02 else 5
        value = bytes(b[at + skip:at + skip + n])
        return value[:-1].decode() if kind == 0x02 else value, at + skip + n
    raise AssertionError(f"BSON type {kind:#x}")


def encode(document):
    body = b"".join(_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _element(name, value):
    kind, raw = _encoded(value)
    return bytes([kind]) + name.encode() + b"\0" + raw


def _encoded(value):
    if value is None:
        return 0x0A, b""
    if isinstance(value, bool):
        return 0x08, bytes([value])
    if isinstance(value, int):
        small = -(1 << 31) <= value < 1 << 31 and not isinstance(value, Long)
        return (0x10, struct.pack("<i", value)) if small else (0x12, struct.pack("<q", value))
    if isinstance(value, float):
        return 0x01, struct.pack("<d", value)
    if isinstance(value, str):
        raw = value.encode() + b"\0"
        return 0x02, struct.pack("<i", len(raw)) + raw
    if isinstance(value, bytes):
        return 0x05, struct.pack("<iB", len(value), 0) + value
    if isinstance(value, dict):
        return 0x03, encode(value)
    return 0x04, encode({str(i): item for i, item in enumerate(value)})
