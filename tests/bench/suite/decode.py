# SPDX-License-Identifier: Apache-2.0
"""Photos and recordings beside the bare libraries: a program of its own (tests/bench/decode)."""
import os
import subprocess
import sys


def measure(service, figures):
    script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "decode", "bench_decode.py")
    command = [sys.executable, "-B", script, service.program("tests", "bench", "decode", "bench_decode"), service.program("ingest", "decode", "baifang-decode"),
               os.path.join(service.release, "tests", "bench", "decode", "bench_decode.dir")]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        if line.startswith("bench: "):
            figures.say(line)
        else:
            figures.note(line)
