#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""push.py BARE_PUSH CHANNEL_PUSH: both against the same receiver, turn by turn; the medians as a table.

Without a journal: the goal (60 % of the bare rate, journaled) is judged by the benchmark of the whole server."""
import statistics
import subprocess
import sys
import tempfile

from receiver import Receiver

CONCURRENCY, N, ROUNDS = 32, 5000, 5


def main(programs):
    results = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        receiver = Receiver(folder)
        try:
            for _ in range(ROUNDS):
                for name, program in programs.items():
                    command = [program, receiver.url, receiver.ca, str(CONCURRENCY), str(N)]
                    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
                    results[name].append([float(x) for x in out.split()])
        finally:
            receiver.stop()
    print(f"{'Web Push of 1 KB':24} {'rate/s':>8} {'CPU us':>8}")
    medians = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in results.items()}
    for name, (rate, cpu, _) in medians.items():
        print(f"{name:24} {rate:8.0f} {cpu:8.1f}")
    print(f"{'share of the bare rate':24} {100 * medians['encrypted'][0] / medians['bare libcurl'][0]:7.0f}%")


main({"bare libcurl": sys.argv[1], "encrypted": sys.argv[2]})
