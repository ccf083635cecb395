# SPDX-License-Identifier: Apache-2.0
"""Photos of contracts, made up by ImageMagick: a page of writing with a table, a stamp and a signature lies on a desk and is photographed, well or badly. Everything
follows from the seed. Each photo says what it is: the hints it must get, those it must not get, and those it may get (doubtful)."""

import dataclasses
import math
import os
import random
import subprocess

LATIN = "the parties agree that goods shall be delivered within thirty days after payment of deposit and any delay is charged per week by seller buyer".split()
# Square dense signs that the font of every Debian has; they stand for Han characters, which need a font of their own.
SQUARE = "⌸⌹⌺⌻⍁⍂⍃⍄⍇⍈⍌⍍⍐⍓⍔⍗⍞⍠⍯⍰⊞⊟⊠⊡☰☱☲☳☴☵☶☷䷀䷅䷊䷒䷝䷫䷵䷾▤▥▦"
SIDES = ("left", "top", "right", "bottom")
SOFT = 1.3  # pixels of the 1600 px photo: above it a photo looks blurred, whether it can be read or not
HINTS = ("blurred", "too_dark", "too_bright", "cut_edge")


@dataclasses.dataclass
class Photo:
    name: str
    path: str
    must: frozenset  # hints that it deserves
    may: frozenset  # and those that are nobody's mistake, given or not


def run(*words):
    subprocess.run([str(word) for word in words], check=True, stdin=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))


class Scene:
    """One page, one desk, one phone."""

    def __init__(self, seed, directory, long_sides=(1600, 1600, 1600, 1920, 2048, 3264)):
        self.seed, self.dir, self.rng = seed, directory, random.Random(seed)
        os.makedirs(directory, exist_ok=True)
        rng = self.rng
        self.long = rng.choice(long_sides)
        self.w, self.h = (self.long * 3 // 4, self.long) if rng.random() < 0.75 else (self.long, self.long * 3 // 4)
        self.han = rng.random() < 0.5
        self.points = rng.choice((9, 10.5, 10.5, 12, 14))
        self.paper, self.ink = rng.uniform(205, 240), rng.uniform(20, 70)
        # the last is a desk nearly as bright as paper
        self.desk = rng.choice((rng.uniform(15, 60), rng.uniform(60, 110), rng.uniform(60, 130), rng.uniform(170, 200)))
        self.noise = rng.uniform(0.02, 0.12)
        self.quality = rng.choice((72, 80, 88, 92))
        self.optics = rng.uniform(0.35, 0.75)  # of a sharp photo: sigma in its own pixels
        self.page_h = int(self.long * 1.25)
        self.page_w = int(self.page_h / math.sqrt(2))
        self.mm = self.page_h / 297
        self.made = []

    def path(self, name):
        return os.path.join(self.dir, f"{self.seed}-{name}")

    # ---- the page ----

    def words(self, room, em):
        line, width = [], 0
        while True:
            word = "".join(self.rng.choices(SQUARE, k=self.rng.randint(2, 6))) if self.han else self.rng.choice(LATIN)
            width += len(word) * em * (1.0 if self.han else 0.58) + em * 0.4
            if width > room:
                return " ".join(line)
            line.append(word)

    def table(self, x, y, room, em):
        """Ruled, a word in each cell; its drawing and where it ends."""
        rows, columns, pitch = self.rng.randint(3, 6), self.rng.randint(3, 4), em * 2
        out = [f"stroke-width {em / 12:.1f} fill none rectangle {x:.0f},{y:.0f} {x + room:.0f},{y + rows * pitch:.0f} stroke #000"]
        out += [f"line {x:.0f},{y + r * pitch:.0f} {x + room:.0f},{y + r * pitch:.0f}" for r in range(rows + 1)]
        out += [f"line {x + c * room / columns:.0f},{y:.0f} {x + c * room / columns:.0f},{y + rows * pitch:.0f}" for c in range(columns + 1)]
        out.append("stroke none fill black")
        for r in range(rows):
            for c in range(columns):
                out.append(self.text(x + c * room / columns + em / 2, y + r * pitch + em * 1.4, self.words(room / columns - em, em)))
        return out, y + rows * pitch + em * 2

    @staticmethod
    def text(x, y, words):
        return f"text {x:.0f},{y:.0f} '{words}'"

    def make_page(self):
        rng, mm, em = self.rng, self.mm, self.points * 0.3528 * self.mm
        left, room, y = rng.uniform(16, 24) * mm, 0, 30 * mm
        room = self.page_w - 2 * left
        out = [f"fill black stroke none font-size {em * 1.7:.1f}", self.text(self.page_w * 0.3, y, self.words(self.page_w * 0.45, em * 1.7)), f"font-size {em:.1f}"]
        pitch, table_at = em * rng.uniform(1.45, 1.9), rng.uniform(90, 180) * mm
        y += 2.5 * em
        while y < self.page_h - 60 * mm:
            for _ in range(rng.randint(2, 6)):
                out.append(self.text(left, y, self.words(room, em)))
                y += pitch
            out.append(self.text(left, y, self.words(room * rng.uniform(0.2, 0.8), em)))
            y += 1.6 * pitch
            if table_at is not None and y > table_at:
                drawn, y = self.table(left, y, room, em)
                out, table_at = out + drawn, None
        out += [self.text(left, y + 2 * em, self.words(room * 0.35, em)), self.text(left + room * 0.55, y + 2 * em, self.words(room * 0.35, em))]
        cx, cy, r = left + room * 0.7, y + 15 * mm, 19 * mm
        out.append(f"fill none stroke #909090 stroke-width {mm:.1f} circle {cx:.0f},{cy:.0f} {cx + r:.0f},{cy:.0f}")
        points = " ".join(f"{left + i * 5 * mm:.0f},{y + rng.uniform(8, 20) * mm:.0f}" for i in range(10))
        out.append(f"stroke #303030 stroke-width {mm * 0.5:.1f} bezier {points}")
        self.bottom = min((y + 22 * mm) / self.page_h, 0.97)
        grey = f"{self.ink / 2.55:.1f}%,{self.paper / 2.55:.1f}%"
        run("convert", "-size", f"{self.page_w}x{self.page_h}", "xc:white", "-font", "DejaVu-Sans", "-draw", "\n".join(out), "-colorspace", "Gray", "+level", grey, self.path("page.miff"))

    # ---- the camera ----

    def make_desk(self):
        low, high = self.desk * 0.8 / 2.55, min(self.desk * 1.15, 250) / 2.55
        run("convert", "-size", f"{self.w // 8}x{self.h // 8}", "-seed", self.seed, "plasma:fractal", "-colorspace", "Gray", "-normalize", "-blur", "0x2",
            "-resize", f"{self.w}x{self.h}!", "+level", f"{low:.1f}%,{high:.1f}%", self.path("desk.miff"))

    def corners(self, framing):
        """Where the page's corners fall in the photo, as shares of it: top left, top right, bottom right, bottom left; and the em in pixels of a 1600 px photo."""
        rng, ratio = self.rng, self.w / self.h * math.sqrt(2)  # a page as high as the photo is 1/ratio of its width
        turn, tilt = math.radians(rng.uniform(-7, 7)), rng.uniform(0, 0.08)
        fit = min(1.0, ratio) * 0.80
        size = {"close": max(1.0, ratio) * rng.uniform(1.5, 2.1)}.get(framing, fit * rng.uniform(0.86, 1.0))
        half_w, half_h = size / math.sqrt(2) / 2 * self.h, size / 2 * self.h
        flat = [(-half_w * (1 - tilt), -half_h), (half_w * (1 - tilt), -half_h), (half_w, half_h), (-half_w, half_h)]
        turned = [(x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)) for x, y in flat]
        x0, x1 = min(x for x, y in turned), max(x for x, y in turned)
        y0, y1 = min(y for x, y in turned), max(y for x, y in turned)
        cx, cy = self.w / 2, self.h / 2
        spare_x, spare_y = self.w / 2 - max(-x0, x1) - 0.015 * self.w, self.h / 2 - max(-y0, y1) - 0.015 * self.h
        if framing == "whole":
            cx, cy = cx + rng.uniform(-spare_x, spare_x), cy + rng.uniform(-spare_y, spare_y)
        elif framing != "close":
            cx, cy = self.push_out(framing, cx, cy, (x0, y0, x1, y1))
        return [(cx + x, cy + y) for x, y in turned], self.points * 0.3528 / 297 * size * self.h * 1600 / self.long

    def push_out(self, framing, cx, cy, box):
        """Past one side or two; "margin" loses no writing, so who would want it told?"""
        rng, (x0, y0, x1, y1) = self.rng, box
        first = rng.choice(SIDES)
        sides = [first, rng.choice([s for s in SIDES if SIDES.index(s) % 2 != SIDES.index(first) % 2])] if framing == "cut2" else [first]
        for side in sides:
            lost = rng.uniform(0.02, 0.05) if framing == "margin" else rng.uniform(0.16, 0.35)
            if side == "bottom" and framing != "margin":
                lost += 1 - self.bottom  # through the writing
            cx = {"left": -x0 - lost * (x1 - x0), "right": self.w - x1 + lost * (x1 - x0)}.get(side, cx)
            cy = {"top": -y0 - lost * (y1 - y0), "bottom": self.h - y1 + lost * (y1 - y0)}.get(side, cy)
        return cx, cy

    def frame(self, framing, name=None):
        """The scene as light, before lens and sensor; its file and the em."""
        at, em = self.corners(framing)
        pairs = " ".join(f"{x},{y} {u:.1f},{v:.1f}" for (x, y), (u, v) in zip(((0, 0), (self.page_w, 0), (self.page_w, self.page_h), (0, self.page_h)), at))
        out = self.path((name or framing) + ".miff")
        clutter = []
        if framing == "whole" and self.rng.random() < 0.3:  # another, empty sheet under it, which runs out of the photo
            x = self.rng.choice((-0.5, 0.6)) * self.w
            clutter = ["-fill", f"gray({self.paper * 0.93 / 2.55:.0f}%)", "-draw", f"rectangle {x:.0f},{-0.1 * self.h:.0f} {x + 0.9 * self.w:.0f},{0.7 * self.h:.0f}"]
        run("convert", self.path("desk.miff"), *clutter, "(", self.path("page.miff"), "-alpha", "set", "-virtual-pixel", "transparent", "-define",
            f"distort:viewport={self.w}x{self.h}+0+0", "-distort", "Perspective", pairs, ")", "-composite", "-alpha", "off", "-colorspace", "Gray", out)
        return out, em

    def shoot(self, name, scene, must=(), may=(), sigma=0.0, shake=None, stops=0.0, shadow=False, noise=1.0):
        """`sigma` and shake's standard deviation are in pixels of the 1600 px photo."""
        scale, path = self.long / 1600, self.path(name + ".jpg")
        lens = ["-gaussian-blur" if sigma == 0 else "-blur", f"0x{math.hypot(self.optics, sigma * scale):.2f}"]
        if shake is not None:
            lens += self.shaken(shake * scale)
        light = []
        if shadow:
            a, b = self.rng.uniform(0.3, 0.5), self.rng.uniform(0.8, 1)
            light = ["(", "-size", f"{self.w}x{self.h}", f"gradient:gray({a * 100:.0f}%)-gray({b * 100:.0f}%)", "-sigmoidal-contrast", "6x50%", ")", "-compose", "multiply", "-composite"]
        if stops > 1:  # what the resizing made darker than ink would stay dark
            light += ["-evaluate", "max", f"{self.ink / 2.55:.1f}%"]
        if stops != 0:
            light += ["-evaluate", "multiply", f"{2 ** (stops / 2.2):.3f}"]
        grain = ["-seed", self.seed, "-attenuate", f"{self.noise * noise:.3f}", "+noise", "Gaussian"]
        run("convert", scene, *lens, *light, *grain, *(["-type", "TrueColor"] if self.seed // 2 % 2 else []), "-quality", self.quality, path)
        self.made.append(Photo(f"{self.seed}-{name}", path, frozenset(must), frozenset(may)))

    def shaken(self, deviation):
        """Evenly along an axis, or there and back at an angle: ImageMagick's motion blur is half a Gaussian, whose standard deviation is 0.603 of its sigma."""
        rng, length = self.rng, round(deviation * math.sqrt(12)) | 1
        angle = rng.uniform(0, 180)
        if rng.random() < 0.5:
            return ["-define", "convolve:scale=!", "-morphology", "Convolve", "Rectangle:" + rng.choice((f"{length}x1", f"1x{length}"))]
        half = f"0x{deviation / 0.603 / math.sqrt(2):.2f}"
        return ["-motion-blur", f"{half}+{angle:.0f}", "-motion-blur", f"{half}+{angle + 180:.0f}"]

    def washed(self):
        """Stops by which the ink becomes nearly as bright as the paper."""
        return 2.2 * math.log2(self.rng.uniform(230, 260) / self.ink)

    def no_document(self):
        """Shelves: boxes, bright ones too, that run out of the photo; some have a label."""
        rng, draw = self.rng, []
        for _ in range(40):
            x, y, g = rng.uniform(-0.1, 1) * self.w, rng.uniform(-0.1, 1) * self.h, rng.uniform(5, 95)
            w, h = rng.uniform(0.05, 0.35) * self.w, rng.uniform(0.05, 0.35) * self.h
            draw.append(f"fill gray({g:.0f}%) rectangle {x:.0f},{y:.0f} {x + w:.0f},{y + h:.0f} font-size {self.w / 40:.0f} fill gray({(g + 50) % 100:.0f}%)")
            draw.append(self.text(x + w * 0.1, y + h * 0.5, self.words(w * 0.7, self.w / 40)))
        run("convert", self.path("desk.miff"), "-font", "DejaVu-Sans-Bold", "-draw", "\n".join(draw), self.path("shelf.miff"))
        self.shoot("shelf", self.path("shelf.miff"))
        self.shoot("desk", self.path("desk.miff"), may=["too_dark"] if self.desk < 90 else [])

    def make(self, few=False):
        """`few`: one photo for each hint, and two good ones."""
        rng = self.rng
        self.make_page()
        self.make_desk()
        whole, em = self.frame("whole")
        self.shoot("sharp", whole)
        self.shoot("blur4", whole, ["blurred"], ["too_bright"], sigma=0.25 * em)
        self.shoot("dark", whole, ["too_dark"], ["blurred"], stops=rng.uniform(-5, -4), noise=0.5)
        self.shoot("burnt", whole, ["too_bright"], ["blurred", "cut_edge"], stops=self.washed())
        cut, _ = self.frame("cut1")
        self.shoot("cut1", cut, ["cut_edge"])
        close, close_em = self.frame("close")
        self.shoot("close", close, may=["cut_edge"])
        if few:
            return self.made
        self.shoot("soft", whole, sigma=min(0.04 * em, SOFT))
        self.shoot("blur1", whole, may=["blurred"], sigma=0.09 * em)
        self.shoot("blur2", whole, ["blurred"], sigma=0.16 * em)
        self.shoot("blur8", whole, ["blurred"], ["too_bright"], sigma=0.5 * em)
        for name, share in (("shake2", 0.16), ("shake4", 0.25), ("shake8", 0.5)):
            self.shoot(name, whole, ["blurred"], ["too_bright"], shake=share * em)
        self.shoot("close-soft", close, may=["cut_edge"], sigma=min(0.04 * close_em, SOFT))
        self.shoot("close-blur2", close, ["blurred"], ["cut_edge"], sigma=0.16 * close_em)
        self.shoot("close-shake2", close, ["blurred"], ["cut_edge"], shake=0.16 * close_em)
        self.shoot("shadow", whole, shadow=True)
        self.shoot("dim", whole, stops=-2, noise=1.5)
        self.shoot("light", whole, stops=1)
        self.shoot("close-dark", close, ["too_dark"], ["blurred", "cut_edge"], stops=rng.uniform(-5, -4), noise=0.5)
        self.shoot("close-burnt", close, ["too_bright"], ["blurred", "cut_edge"], stops=self.washed())
        self.shoot("cut2", self.frame("cut2")[0], ["cut_edge"])
        self.shoot("cut-shadow", self.frame("cut1", "cut3")[0], ["cut_edge"], shadow=True)
        self.shoot("margin", self.frame("margin")[0], may=["cut_edge"])
        self.no_document()
        return self.made

    def clean(self):
        for name in os.listdir(self.dir):
            if name.startswith(f"{self.seed}-") and name.endswith(".miff"):
                os.remove(os.path.join(self.dir, name))
