# SPDX-License-Identifier: Apache-2.0
"""How often the hints about photos are wrong, on many made photos (contract_photos.py): the measures were worked out on the first ten seeds, the thresholds chosen on
those and the even ones; the odd seeds from 11 on judge them.
argv: DECODE_TOOL BAIFANG_DECODE WORK_DIRECTORY [SEEDS]. Photos stay in the directory and are not made again; 26 of a seed, some 20 s of one core."""

import concurrent.futures
import os
import pickle
import sys

from contract_photos import HINTS, Scene
from tool import Tool


def make(seed):
    """The photos of a seed, from an earlier run if that came to an end."""
    kept = os.path.join(sys.argv[3], f"{seed}.made")
    if not os.path.exists(kept):
        scene = Scene(seed, sys.argv[3])
        photos = scene.make()
        scene.clean()
        with open(kept, "wb") as f:
            pickle.dump(photos, f)
    with open(kept, "rb") as f:
        return photos_in(pickle.load(f))


def photos_in(photos):
    for photo in photos:
        photo.path = os.path.join(sys.argv[3], os.path.basename(photo.path))
    return photos


def count(tool, photos, counts):
    for photo in photos:
        r = tool.run("photo", "image/jpeg", photo.path)
        got = {name for i, name in enumerate(HINTS) if r["hints"] >> i & 1}
        for hint in HINTS:
            row = counts[hint]
            if hint in photo.must:
                row[0], row[1] = row[0] + (hint not in got), row[1] + 1
            elif hint not in photo.may:
                row[2], row[3] = row[2] + (hint in got), row[3] + 1
        if not photo.must <= got <= photo.must | photo.may:
            print(f"{photo.name}: is {sorted(photo.must)}, was called {sorted(got)}; sharpness {r['sharpness']}")
        for part in (0, 1):
            os.remove(f"{r['out']}.{part}")


def main():
    seeds = int(sys.argv[4]) if len(sys.argv) > 4 else 32
    halves = [{hint: [0, 0, 0, 0] for hint in HINTS} for _ in range(2)]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        made = list(pool.map(make, range(1, seeds + 1)))
    with Tool() as tool:
        for seed, photos in enumerate(made, 1):
            count(tool, photos, halves[seed > 10 and seed % 2])
    for half, what in ((0, "chosen on"), (1, "judged on")):
        print(what)
        for hint, (missed, bad, false, good) in halves[half].items():
            print(f"  {hint:10}  missed {missed} of {bad}  false alarms {false} of {good}")


if __name__ == "__main__":
    main()
