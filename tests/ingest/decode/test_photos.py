# SPDX-License-Identifier: Apache-2.0
"""Photos that must be read: sizes, orientations, formats, EXIF; judged by ImageMagick and webpmux."""

import re
import struct

from tool import Tool, sh

LIMIT_SSIM = 0.93


def tiff(orientation, big_endian=True, gps=True):
    """A TIFF structure with orientation, DateTimeOriginal, OffsetTimeOriginal and a place in Shanghai."""
    o = ">" if big_endian else "<"
    data = b""
    base = 8 + 2 + 12 * 3 + 4

    def entry(tag, kind, count, value):
        nonlocal data
        if len(value) <= 4:
            return struct.pack(o + "HHI", tag, kind, count) + value.ljust(4, b"\0")
        at = base + len(data)
        data += value
        return struct.pack(o + "HHII", tag, kind, count, at)

    def ifd(entries):
        return struct.pack(o + "H", len(entries)) + b"".join(entries) + b"\0\0\0\0"

    def rationals(*pairs):
        return b"".join(struct.pack(o + "II", a, b) for a, b in pairs)

    def sub(make):
        nonlocal data
        body = ifd(make())
        at = base + len(data)
        data += body
        return struct.pack(o + "I", at)

    exif = sub(lambda: [entry(0x9003, 2, 20, b"2024:02:29 23:59:58\0"), entry(0x9011, 2, 7, b"+08:00\0")])
    place = sub(
        lambda: [
            entry(1, 2, 2, b"N\0"),
            entry(2, 5, 3, rationals((31, 1), (14, 1), (1234, 100))),
            entry(3, 2, 2, b"E\0"),
            entry(4, 5, 3, rationals((121, 1), (28, 1), (3030, 100))),
        ]
    )
    first = ifd([entry(0x0112, 3, 1, struct.pack(o + "H", orientation)), entry(0x8769, 4, 1, exif), entry(0x8825, 4, 1, place)])
    return (b"MM\0*" if big_endian else b"II*\0") + struct.pack(o + "I", 8) + first + data


def with_exif(jpeg, block):
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block + jpeg[2:]


def one_scan_a_component(w, h, levels):
    """A baseline JPEG of one colour, 4:4:4, whose components come in scans of their own (T.81 allows it; scanners and jpegtran write it)."""

    def segment(marker, body):
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body

    def scan(component, level):
        value = 8 * (level - 128)  # the DC coefficient of a flat block, quantised by 1
        size = abs(value).bit_length()
        extra = value if value > 0 else value + (1 << size) - 1
        first = {0: "0", 8: "10", 9: "110"}[size] + (f"{extra:0{size}b}" if size else "") + "0"
        bits = first + "00" * (((w + 7) // 8) * ((h + 7) // 8) - 1)  # the others: no difference, end of block
        bits += "1" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
        return segment(0xDA, bytes([1, component, 0, 0, 63, 0])) + data

    frame = struct.pack(">BHHB", 8, h, w, 3) + b"".join(bytes([c, 0x11, 0]) for c in (1, 2, 3))
    dc = segment(0xC4, b"\x00" + bytes([1, 1, 1] + [0] * 13) + bytes([0, 8, 9]))
    ac = segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\0")
    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC0, frame) + dc + ac
    return b"\xff\xd8" + head + b"".join(scan(c + 1, level) for c, level in enumerate(levels)) + b"\xff\xd9"


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def find_box(data, *path):
    """The whole box at the end of a path of names."""
    for name in path:
        at = data.index(name) - 4
        data = data[at : at + struct.unpack(">I", data[at : at + 4])[0]]
    return data


def as_a_phone(heic, turns, exif):
    """The picture of a simple HEIC as iPhones store it (ISO 23008-12): an irot property, which turns it by 90 degrees anticlockwise as often, and an Exif
    item that states the same orientation once more."""
    full = b"\0\0\0\0"
    picture, item = find_box(heic, b"mdat")[8:], struct.pack(">I", 6) + b"Exif\0\0" + exif
    properties = [find_box(heic, b"ipco", b"hvcC"), find_box(heic, b"ipco", b"ispe"), box(b"irot", bytes([turns]))]
    ipma = box(b"ipma", full, struct.pack(">IHB", 1, 1, 3), bytes([0x81, 0x02, 0x83]))

    def infe(number, kind):
        return box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), kind, b"\0")

    def meta(at):
        extents = ((1, at, len(picture)), (2, at + len(picture), len(item)))
        locations = b"".join(struct.pack(">HHHII", number, 0, 1, offset, n) for number, offset, n in extents)
        return box(
            b"meta",
            full,
            box(b"hdlr", full, b"\0\0\0\0pict", bytes(13)),
            box(b"pitm", full, struct.pack(">H", 1)),
            box(b"iinf", full, struct.pack(">H", 2), infe(1, b"hvc1"), infe(2, b"Exif")),
            box(b"iref", full, box(b"cdsc", struct.pack(">HHH", 2, 1, 1))),
            box(b"iprp", box(b"ipco", *properties), ipma),
            box(b"iloc", full, b"\x44\0", struct.pack(">H", 2), locations),
        )

    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + box(b"mdat", picture, item)


def ssim(a, b):
    """By FFmpeg's filter (ImageMagick 6 has none); over luma and chroma."""
    same = "[0]format=yuv444p[a];[1]format=yuv444p[b];[a][b]ssim"
    return float(re.search(r" All:([0-9.]+)", sh("ffmpeg", "-nostdin", "-i", a, "-i", b, "-lavfi", same, "-f", "null", "-")).group(1))


def webp_chunks(data):
    at, names = 12, []
    while at + 8 <= len(data):
        names.append(data[at : at + 4])
        n = struct.unpack("<I", data[at + 4 : at + 8])[0]
        at += 8 + n + (n & 1)
    return names


def compare(t, what, r, reference, side=1600, part=0):
    """`reference` is ImageMagick's upright picture of the same file."""
    out = t.path("derived.webp")
    t.write("derived.webp", t.read(f"{r['out']}.{part}"))
    shrunk = t.path(f"ref-{side}.ppm")
    sh("convert", reference, "-filter", "Lanczos", "-resize", f"{side}x{side}>", shrunk)
    size = sh("identify", "-format", "%w %h", shrunk)
    t.check(f"{what}: size at {side}", size == sh("identify", "-format", "%w %h", out), size)
    value = ssim(out, shrunk)
    t.check(f"{what}: SSIM at {side}", value >= LIMIT_SSIM, value)


def main():
    with Tool() as t:
        base = t.path("base.png")
        # Nothing in it is symmetric, and its sides are odd.
        sh(
            "convert",
            "-size",
            "1803x1205",
            "gradient:navy-orange",
            "-fill",
            "white",
            "-draw",
            "circle 300,300 500,300",
            "-fill",
            "red",
            "-draw",
            "rectangle 1200,100 1700,350",
            "-fill",
            "green",
            "-draw",
            "polygon 100,1100 700,1100 100,700",
            "-blur",
            "0x2",
            base,
        )
        sh("convert", base, "-sampling-factor", "2x2", "-quality", "93", t.path("base.jpg"))
        jpeg = t.read("base.jpg")
        for orientation in range(1, 9):
            path = t.write(f"o{orientation}.jpg", with_exif(jpeg, tiff(orientation, orientation % 2 == 0)))
            r = t.run("photo", "image/jpeg", path)
            upright = t.path("upright.ppm")
            sh("convert", path, "-auto-orient", upright)
            what = f"orientation {orientation}"
            t.check(what, r["reason"] == "ok" and r["orientation"] == orientation, r)
            t.check(f"{what}: stated size", f"{r['width']} {r['height']}" == sh("identify", "-format", "%w %h", upright), r)
            compare(t, what, r, upright)
            compare(t, what, r, upright, 320, 1)
        t.check("GPS is read", r["gps"] and abs(r["lat_e7"] - 312367611) < 20 and abs(r["lon_e7"] - 1214750833) < 20, r)
        t.check("time is read", r["taken"] and r["taken_local_s"] == 1709251198 and r["offset"] and r["offset_min"] == 480, r)
        t.check("derivatives carry no metadata", webp_chunks(t.read(f"{r['out']}.0")) == [b"VP8 "] == webp_chunks(t.read(f"{r['out']}.1")))

        forms = [
            ("444.jpg", ["-sampling-factor", "1x1"]),
            ("422.jpg", ["-sampling-factor", "2x1"]),
            ("440.jpg", ["-sampling-factor", "1x2"]),
            ("411.jpg", ["-sampling-factor", "4x1"]),
            ("gray.jpg", ["-colorspace", "Gray"]),
            ("progressive.jpg", ["-interlace", "JPEG"]),
            ("cmyk.jpg", ["-colorspace", "CMYK"]),
            ("plain.png", []),
            ("interlaced.png", ["-interlace", "PNG"]),
            ("deep.png", ["-depth", "16"]),
            ("palette.png", ["-colors", "200", "-type", "Palette"]),
            ("lossy.webp", []),
            ("lossless.webp", ["-define", "webp:lossless=true"]),
            ("photo.heic", ["-quality", "80"]),
        ]
        for name, options in forms:
            sh("convert", base, "-quality", "93", *options, t.path(name))
            kind = "image/" + name.split(".")[1].replace("jpg", "jpeg")
            r = t.run("photo", kind, t.path(name))
            t.check(name, r.get("reason") == "ok", r)
            if r.get("reason") == "ok":
                sh("convert", t.path(name), "-colorspace", "sRGB", t.path("upright.ppm"))
                compare(t, name, r, t.path("upright.ppm"))

        sh("convert", base, "-resize", "804x602!", t.path("even.png"))
        sh("convert", t.path("even.png"), "-quality", "90", t.path("even.heic"))
        for turns, orientation in ((0, 1), (1, 8), (2, 3), (3, 6)):
            path = t.write("turned.heic", as_a_phone(t.read("even.heic"), turns, tiff(orientation)))
            sh("convert", t.path("even.png"), "-rotate", str(-90 * turns), t.path("upright.png"))
            what = f"HEIC turned {turns} times, and so does its EXIF say"
            r = t.run("photo", "image/heic", path)
            t.check(what, r.get("reason") == "ok" and r["gps"] and r["taken"], r)
            if r.get("reason") == "ok":
                t.check(f"{what}: stated size", f"{r['width']} {r['height']}" == sh("identify", "-format", "%w %h", t.path("upright.png")), r)
                compare(t, what, r, t.path("upright.png"))

        for w, h in ((4032, 3024), (7000, 7000)):
            path = t.write("scans.jpg", one_scan_a_component(w, h, (100, 180, 90)))
            r = t.run("photo", "image/jpeg", path)
            t.check(f"{w}x{h}, one scan a component", r.get("reason") == "ok", r)
            if r.get("reason") == "ok":
                compare(t, f"{w}x{h}, one scan a component", r, path)

        sh("convert", base, "-alpha", "set", "-channel", "A", "-evaluate", "set", "40%", t.path("alpha.png"))
        sh("convert", t.path("alpha.png"), t.path("alpha.webp"))
        sh("convert", t.path("alpha.png"), "-background", "white", "-flatten", t.path("white.png"))
        for name in ("alpha.png", "alpha.webp"):
            r = t.run("photo", "image/" + name.split(".")[1], t.path(name))
            compare(t, name + " lies on white", r, t.path("white.png"))

        for w, h in ((1, 1), (7, 5), (300, 200), (321, 320), (1599, 3), (1601, 1), (15999, 100), (100, 15999), (3200, 3200), (6000, 4000)):
            sh("convert", "-size", f"{w}x{h}", "gradient:red-blue", t.path("size.jpg"))
            r = t.run("photo", "image/jpeg", t.path("size.jpg"))
            t.check(
                f"{w}x{h} is never enlarged",
                r["reason"] == "ok"
                and r["preview"][0] <= w
                and r["preview"][1] <= h
                and max(r["preview"]) == min(1600, max(w, h))
                and max(r["thumb"]) == min(320, max(w, h)),
                r,
            )

        flat = t.path("flat.png")
        sh("convert", "-size", "2000x1500", "xc:rgb(200,30,90)", "-quality", "95", t.path("flat.jpg"))
        r = t.run("photo", "image/jpeg", t.path("flat.jpg"))
        sh("convert", f"{r['out']}.0", flat)
        colour = [float(sh("convert", flat, "-format", f"%[fx:255*mean.{c}]", "info:")) for c in "rgb"]
        t.check("a flat colour stays what it was", all(abs(a - b) <= 3 for a, b in zip(colour, (200, 30, 90))), colour)
    t.done()


main()
