# SPDX-License-Identifier: Apache-2.0
"""Hints about photos that cannot be read: made photos get what they deserve, in every format and size, and sharpness is the figure that docs/INGEST.md describes, worked
out once more here. How often the hints are wrong on many photos is counted by legibility_rates.py."""

import math

from contract_photos import HINTS, Scene
from tool import Tool, sh

TILE, ROW_STEP, QUIET, CONTRAST_MIN, LAPLACIAN_MAX = 32, 2, 8, 24, 3.5


def hints(r):
    return {name for i, name in enumerate(HINTS) if r["hints"] >> i & 1}


def luma(path):
    """The picture's rows as BT.601 luma of limited range, by ImageMagick."""
    width, height = (int(n) for n in sh("identify", "-format", "%w %h", path).split())
    sh("convert", path, "-colorspace", "Gray", "-depth", "8", "gray:" + path + ".raw")
    with open(path + ".raw", "rb") as f:
        data = f.read()
    return [[round(16 + v * 219 / 255) for v in data[y * width : (y + 1) * width]] for y in range(height)]


def tile_of(rows, left, top):
    """Contrast; the sums of squares of gradient and second difference across (smoothed by 1 2 1 down), the same down (smoothed across), and of the twist."""
    gx = lx = gy = ly = twist = 0.0
    for y in range(top, top + TILE, ROW_STEP):
        for x in range(left, left + TILE):
            (a, b, c), (d, e, f), (g, h, i) = (rows[j][x - 1 : x + 2] for j in (y - 1, y, y + 1))
            gx += (c + 2 * f + i - b - 2 * e - h) ** 2
            gy += (g + 2 * h + i - d - 2 * e - f) ** 2
            lx += (a + 2 * d + g - 2 * (b + 2 * e + h) + c + 2 * f + i) ** 2
            ly += (a + 2 * b + c - 2 * (d + 2 * e + f) + g + 2 * h + i) ** 2
            twist += (a - 2 * b + c - 2 * (d - 2 * e + f) + g - 2 * h + i) ** 2
    seen = [v for y in range(top, top + TILE, ROW_STEP) for v in rows[y][left : left + TILE]]
    return {"contrast": max(seen) - min(seen), "gradient": (gx, gy), "laplacian": (lx, ly), "twist": twist}


def sharpness(path):
    rows = luma(path)
    columns, lines = (len(rows[0]) - 2) // TILE, (len(rows) - 2) // TILE
    left, top = (len(rows[0]) - columns * TILE) // 2, (len(rows) - lines * TILE) // 2
    tiles = [tile_of(rows, left + c * TILE, top + r * TILE) for r in range(lines) for c in range(columns)]
    quiet = sorted(tiles, key=lambda t: sum(t["laplacian"]))[: math.ceil(len(tiles) / QUIET)]
    noise = sum(t["twist"] for t in quiet)
    noisy = noise >= len(quiet) * 2 * TILE * TILE / ROW_STEP
    written = [t for t in tiles if t["contrast"] >= max(CONTRAST_MIN, 10 * math.sqrt(noise / len(quiet) / (36 * TILE * TILE / ROW_STEP)))]
    twist, figures = sum(t["twist"] for t in written), []
    for d in range(2):
        of_noise = {what: sum(t[what][d] for t in quiet) / noise if noisy else of_jpeg for what, of_jpeg in (("gradient", 1.2), ("laplacian", LAPLACIAN_MAX))}
        gradient = sum(t["gradient"][d] for t in written) - twist * of_noise["gradient"]
        figures.append((sum(t["laplacian"][d] for t in written) - twist * min(of_noise["laplacian"], LAPLACIAN_MAX) * 1.2) / gradient)
    return min(figures)


def main():
    with Tool() as t:
        by_name = {}
        for seed, side in ((101, 1600), (108, 1920)):
            scene = Scene(seed, t.path("made"), long_sides=(side,))
            for photo in scene.make(few=True):
                r = t.run("photo", "image/jpeg", photo.path)
                got = hints(r)
                by_name[photo.name] = photo.path
                t.check(f"{photo.name}: {sorted(photo.must)}, maybe {sorted(photo.may)}", r["judged"] == 1 and photo.must <= got <= photo.must | photo.may, sorted(got), r)
            scene.clean()

        for name, expected in (("101-sharp", set()), ("101-blur4", {"blurred"})):
            for ending, options in ((".png", []), (".webp", ["-quality", "90"]), (".heic", ["-quality", "90"]), ("-large.jpg", ["-resize", "3264x3264", "-quality", "85"])):
                path = t.path(name + ending)
                sh("convert", by_name[name], *options, path)
                r = t.run("photo", "image/" + ending.split(".")[1].replace("jpg", "jpeg"), path)
                t.check(f"{name} as {ending}", hints(r) == expected, sorted(hints(r)), r)

        for name, blur in (("101-sharp", "0x0.01"), ("108-sharp", "0x0.01"), ("108-sharp", "0x1")):
            part = t.path(f"{name}-{blur}.png")
            sh("convert", by_name[name], "-gravity", "center", "-crop", "701x811+0+0", "+repage", "-blur", blur, "-colorspace", "Gray", part)
            ours, theirs = t.run("photo", "image/png", part)["sharpness"] / 1000, sharpness(part)
            t.check(f"{name}, blurred by {blur}: sharpness", theirs > 0.1 and abs(ours - theirs) <= 0.01 * theirs, ours, theirs)

        sh("convert", by_name["101-blur4"], "-resize", "639x639", t.path("small.jpg"))
        r = t.run("photo", "image/jpeg", t.path("small.jpg"))
        t.check("nothing is said of a small picture", (r["judged"], r["hints"]) == (0, 0), r)
        sh("convert", "-size", "1200x900", "gradient:gray(40%)-gray(70%)", t.path("smooth.jpg"))
        r = t.run("photo", "image/jpeg", t.path("smooth.jpg"))
        t.check("nothing is said of the sharpness of what has no edges", (r["judged"], r["sharpness"], r["hints"]) == (1, -1, 0), r)
    t.done()


main()
