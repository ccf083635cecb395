# SPDX-License-Identifier: Apache-2.0
"""The digests of a Monday morning for a whole company: a program of its own (tests/bench/push/digest_bench)."""
import json
import os
import subprocess

PEOPLE, VISITS, DAYS = 10_000, 1_000_000, 365


def measure(service, figures):
    directory = os.path.join(service.directory, "digests")
    done = subprocess.run([service.program("tests", "bench", "push", "digest_bench"), directory, str(PEOPLE), str(VISITS), str(DAYS)],
                          capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["over"] and found["told"] >= PEOPLE, found
    figures.row(f"digests for {PEOPLE} people from {VISITS} visits, CPU", f"{found['cpu_s']:.2f} s")
    figures.note(f"{found['told']} notifications in {found['real_s']:.1f} s; {found['memory_mb']:.0f} MB beside the {found['store_mb']:.0f} MB of the store")
    figures.judge("digest_cpu_s", found["cpu_s"], 60)
    figures.judge("digest_memory_mb", found["memory_mb"], 200)
