# SPDX-License-Identifier: Apache-2.0
"""Makes a 12 MP photo and a minute of speech once, then runs bench_decode on them. argv: BENCH_DECODE BAIFANG_DECODE WORK_DIRECTORY."""

import os
import subprocess
import sys

TEXT = (
    "the customer wants to see the new price list before the end of the month. we agreed to meet again on monday morning at the factory. "
    "please send two samples and a contract to the purchasing manager. "
) * 6


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def make_photo(path):
    """A sheet of paper with grain, at the size and weight (about 3.5 MB) of a phone's photo."""
    lines = " ".join(f"rectangle {200 + (i * 613) % 900},{y} {700 + (i * 389) % 2000},{y + 18}" for i, y in enumerate(range(300, 3800, 45)))
    run(
        "convert",
        "-size",
        "3024x4032",
        "gradient:#f4f0e6-#b9b2a4",
        "-fill",
        "#30303a",
        "-draw",
        lines,
        "-rotate",
        "0",
        "-blur",
        "0x0.8",
        "-seed",
        "7",
        "-attenuate",
        "0.35",
        "+noise",
        "Gaussian",
        "-colorspace",
        "sRGB",
        "-sampling-factor",
        "2x2",
        "-quality",
        "92",
        path,
    )


def make_voice(path):
    wav = path + ".wav"
    run("flite", "-voice", "rms", "-t", TEXT, "-o", wav)
    run(
        "ffmpeg",
        "-nostdin",
        "-y",
        "-loglevel",
        "error",
        "-i",
        wav,
        "-af",
        "apad=whole_dur=60",
        "-t",
        "60",
        "-ar",
        "48000",
        "-c:a",
        "libopus",
        "-b:a",
        "32k",
        path,
    )


def main():
    bench, decoder, directory = sys.argv[1:]
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    for name, make in (("photo.jpg", make_photo), ("voice.ogg", make_voice)):
        if not os.path.exists(name):
            make(name)
    sys.exit(subprocess.run([bench, decoder, "photo.jpg", "voice.ogg"]).returncode)


main()
