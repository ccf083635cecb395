# SPDX-License-Identifier: Apache-2.0
"""Files that must be refused, with their reason and inside 64 MB."""

import random
import struct
import zlib

from tool import Tool, sh

RSS_KB_MAX = 64 * 1024
SEED = 20240229
TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "ogg": "audio/ogg",
    "webm": "audio/webm",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
}


def kind_of(name):
    return TYPES[name.rsplit(".", 1)[1]]


def op_of(name):
    return "photo" if kind_of(name).startswith("image") else "voice"


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(w, h, *, idat=None, extra=b""):
    rows = idat if idat is not None else zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
        + extra
        + png_chunk(b"IDAT", rows)
        + png_chunk(b"IEND", b"")
    )


def webp_chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_bomb(w, h):
    """A lossless header of any size and nothing behind it: 38 bytes."""
    bits = (w - 1) | (h - 1) << 14
    return b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8L" + struct.pack("<I", 18) + b"\x2f" + struct.pack("<I", bits) + b"\0" * 13


def jpeg_segments(data):
    """(start, marker) of each segment up to EOI."""
    at, found = 2, []
    while True:
        marker = data[at + 1]
        found.append((at, marker))
        if marker == 0xD9:
            return found
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        if marker == 0xDA:
            while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 1


def with_scans(data, n):
    """A progressive JPEG whose last scan comes n times."""
    segments = jpeg_segments(data)
    last, end = [at for at, marker in segments if marker == 0xDA][-1], segments[-1][0]
    return data[:last] + data[last:end] * n + data[end:]


def wav(rate=8000, channels=1, bits=8, data=b"", stated=None):
    body = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    n = len(data) if stated is None else stated
    return (
        b"RIFF"
        + struct.pack("<I", 36 + n & 0xFFFFFFFF)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + body
        + b"data"
        + struct.pack("<I", n)
        + data
    )


def good_files(t):
    """One whole file of every form, small."""
    sh("convert", "-size", "640x480", "plasma:tomato-steelblue", "-seed", "5", t.path("base.png"))
    for name, options in (
        ("plain.jpg", []),
        ("progressive.jpg", ["-interlace", "JPEG"]),
        ("plain.png", []),
        ("interlaced.png", ["-interlace", "PNG"]),
        ("lossy.webp", []),
        ("lossless.webp", ["-define", "webp:lossless=true"]),
        ("photo.heic", []),
    ):
        sh("convert", t.path("base.png"), *options, t.path(name))
    sound = ["ffmpeg", "-nostdin", "-y", "-loglevel", "error", "-f", "lavfi", "-i", "sine=frequency=300:duration=3"]
    fragments = ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000"]
    for name, options in (
        ("tone.wav", []),
        ("tone.ogg", ["-c:a", "libopus"]),
        ("tone.webm", ["-c:a", "libopus"]),
        ("tone.m4a", ["-c:a", "aac"]),
        ("live.webm", ["-c:a", "libopus", "-f", "webm", "-live", "1"]),
        ("fragments.m4a", fragments),
    ):
        sh(*sound, *options, t.path(name))
    return [
        "plain.jpg",
        "progressive.jpg",
        "plain.png",
        "interlaced.png",
        "lossy.webp",
        "lossless.webp",
        "photo.heic",
        "tone.wav",
        "tone.ogg",
        "tone.webm",
        "tone.m4a",
        "live.webm",
        "fragments.m4a",
    ]


def main():
    with Tool() as t:

        def refused(what, reasons, data, kind, op):
            r = t.run(op, kind, t.write("hostile", data))
            t.check(f"{what} is refused as {reasons}", r.get("reason") in reasons.split("|"), r)
            t.check(f"{what} stays inside 64 MB", r.get("rss_kb", 1 << 30) <= RSS_KB_MAX, r)

        names = good_files(t)
        for name in names:
            r = t.run(op_of(name), kind_of(name), t.path(name))
            t.check(f"{name} is whole", r.get("reason") == "ok", r)

        # bombs
        bomb = webp_bomb(16384, 16384)
        t.check("the bomb has 38 bytes", len(bomb) == 38)
        refused("the lossless WebP bomb", "too_many_pixels", bomb, "image/webp", "photo")
        refused("a PNG of 900 megapixels", "too_many_pixels", png(30000, 30000), "image/png", "photo")
        refused("a PNG of 4 gigapixels a side", "too_many_pixels", png(0x7FFFFFFF, 0x7FFFFFFF), "image/png", "photo")
        refused("a PNG of 49 megapixels that holds 1,000 bytes", "truncated", png(7000, 7000), "image/png", "photo")
        sh("convert", "-size", "4100x3100", "xc:gray", "-interlace", "JPEG", t.path("large.jpg"))
        refused("a JPEG of 1,000 scans", "too_many_scans", with_scans(t.read("large.jpg"), 1000), "image/jpeg", "photo")
        refused("a large JPEG of 30 scans", "too_many_scans", with_scans(t.read("large.jpg"), 30), "image/jpeg", "photo")
        sh("convert", "-size", "320x240", "xc:gray", "-interlace", "JPEG", t.path("flat.jpg"))
        refused("a small JPEG of 1,000 scans", "too_many_scans", with_scans(t.read("flat.jpg"), 1000), "image/jpeg", "photo")
        jpeg = t.read("plain.jpg")
        sof = [at for at, marker in jpeg_segments(jpeg) if marker == 0xC0][0]
        refused(
            "a JPEG of 65535 x 65535", "too_many_pixels", jpeg[: sof + 5] + b"\xff\xff\xff\xff" + jpeg[sof + 9 :], "image/jpeg", "photo"
        )
        refused("a JPEG of 0 x 0", "unreadable", jpeg[: sof + 5] + b"\0\0\0\0" + jpeg[sof + 9 :], "image/jpeg", "photo")
        refused(
            "a JPEG of 7000 x 7000 with the data of 640 x 480",
            "truncated|unreadable",
            jpeg[: sof + 5] + struct.pack(">HH", 7000, 7000) + jpeg[sof + 9 :],
            "image/jpeg",
            "photo",
        )
        refused("a JPEG cut and closed again", "truncated", jpeg[: len(jpeg) // 2].rstrip(b"\xff") + b"\xff\xd9", "image/jpeg", "photo")
        refused("a photo of more than 25 MB", "too_large", jpeg + b"\0" * 25_000_000, "image/jpeg", "photo")
        refused("a recording of more than 100 MB", "too_large", t.read("tone.wav") + b"\0" * 100_000_000, "audio/wav", "voice")
        refused("a recording of 61 minutes", "too_long", wav(data=b"\x80" * (61 * 60 * 8000)), "audio/wav", "voice")

        # structure
        refused("an animated PNG", "animated", png(10, 10, extra=png_chunk(b"acTL", struct.pack(">II", 2, 0))), "image/png", "photo")
        frame = t.read("lossy.webp")[12:]
        moving = webp_chunk(b"VP8X", b"\x02\0\0\0" + b"\x7f\x02\0" + b"\xdf\x01\0") + webp_chunk(b"ANIM", b"\0" * 6)
        moving += webp_chunk(b"ANMF", b"\0" * 6 + b"\x7f\x02\0" + b"\xdf\x01\0" + b"\x40\0\0\0" + frame) * 2
        refused("an animated WebP", "animated", b"RIFF" + struct.pack("<I", len(moving) + 4) + b"WEBP" + moving, "image/webp", "photo")
        refused("an image sequence", "animated", b"\0\0\0\x18ftypmsf1\0\0\0\0heicmsf1" + b"\0" * 64, "image/heic", "photo")
        refused("an AVIF picture", "mislabelled", b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf" + b"\0" * 64, "image/heic", "photo")
        m4a = t.read("tone.m4a")
        moov = m4a.index(b"moov") - 4
        refused("an m4a whose phone died before the moov", "truncated", m4a[:moov], "audio/mp4", "voice")
        refused("an m4a of another codec", "unsupported", m4a.replace(b"mp4a", b"alac"), "audio/mp4", "voice")
        stsz = m4a.index(b"stsz")
        refused(
            "an m4a of four billion samples",
            "unreadable|truncated",
            m4a[: stsz + 12] + b"\xff\xff\xff\xff" + m4a[stsz + 16 :],
            "audio/mp4",
            "voice",
        )
        refused(
            "an m4a of four billion samples of one byte",
            "unreadable|truncated|too_long",
            m4a[: stsz + 8] + b"\0\0\0\x01\xff\xff\xff\xff" + m4a[stsz + 16 :],
            "audio/mp4",
            "voice",
        )
        refused("a WAV file that states 2 GB", "truncated", wav(data=b"\x80" * 8000, stated=0x7FFFFFF0), "audio/wav", "voice")
        refused("a WAV file without a sample", "no_audio", wav(), "audio/wav", "voice")
        refused(
            "a WAV file of another coding",
            "unsupported",
            wav(data=b"\x80" * 800).replace(b"\x10\0\0\0\x01\0", b"\x10\0\0\0\x55\0"),
            "audio/wav",
            "voice",
        )
        sh("ffmpeg", "-nostdin", "-y", "-loglevel", "error", "-i", t.path("tone.wav"), "-c:a", "libvorbis", t.path("vorbis.ogg"))
        refused("an Ogg file of another codec", "unsupported", t.read("vorbis.ogg"), "audio/ogg", "voice")
        refused(
            "a WebM file without a track",
            "no_audio",
            bytes.fromhex("1a45dfa384428281ff") + bytes.fromhex("1853806701ffffffffffffff"),
            "audio/webm",
            "voice",
        )
        refused("nothing", "truncated", b"", "image/jpeg", "photo")
        refused("nothing to hear", "truncated", b"", "audio/ogg", "voice")

        for name in names:
            data = t.read(name)
            for claim in TYPES.values():
                if claim != kind_of(name):
                    refused(f"{name} called {claim}", "mislabelled", data, claim, "photo" if claim.startswith("image") else "voice")
            for i in range(24):
                cut = 1 + (len(data) - 2) * i // 24
                refused(
                    f"{name} cut at {cut} of {len(data)}",
                    "truncated|unreadable|mislabelled" if cut < 32 else "truncated|unreadable",
                    data[:cut],
                    kind_of(name),
                    op_of(name),
                )

        rng = random.Random(SEED)
        for name in names:
            data = t.read(name)
            for _ in range(30):
                hurt = bytearray(data)
                for _ in range(rng.choice((1, 3, 20))):
                    hurt[rng.randrange(len(hurt))] = rng.randrange(256)
                r = t.run(op_of(name), kind_of(name), t.write("hostile", bytes(hurt)))
                t.check(f"{name}, damaged: a verdict", "reason" in r and r["reason"] != "crashed", r)
                t.check(f"{name}, damaged: inside 64 MB", r.get("rss_kb", 0) <= RSS_KB_MAX, r)
    t.done()


main()
