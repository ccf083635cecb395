# SPDX-License-Identifier: Apache-2.0
"""How long the server takes to be ready after kill -9 with a gigabyte of data, killed while visits are logged: from the kill to a readiness probe's 200."""
import os
import subprocess
import time

from figures import median

BYTES, KILLS, LINES = 10**9, 3, 400


def size_of(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def fill(service):
    while size_of(service.data()) < BYTES:
        service.play(service.visits(LINES), len(service.reps))


def kill_under_load(service):
    path = os.path.join(service.directory, "load")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(service.visits(LINES)) + "\n")
    command = [service.program("tests", "bench", "client", "bench_requests"), str(service.server.port), str(len(service.reps)), path]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as load:
        load.stdout.readline()
        time.sleep(1)
        began = time.monotonic()
        service.server.kill()
        with service.server.client() as client:
            assert client.get("/readyz").status_code == 200
        return time.monotonic() - began


def measure(service, figures):
    fill(service)
    gb = size_of(service.data()) / 1e9
    seconds = median(kill_under_load(service) for _ in range(KILLS))
    figures.row(f"ready after kill -9, {gb:.1f} GB of data", f"{seconds:.2f} s")
    figures.judge("ready_s", seconds, 1)
