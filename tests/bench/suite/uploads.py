# SPDX-License-Identifier: Apache-2.0
"""Resumable uploads of 64 MB by four clients beside a bare loop: TLS, SHA-256, AES-GCM, write, fdatasync at the same cadence."""
import re
import subprocess
import tempfile

from figures import cpu_s, median

CLIENTS, BYTES, ROUNDS = 4, 64 << 20, 3
MODES = [("4 MB chunks", "upload_4mb", 4 << 20, 1.25), ("one PATCH", "upload_one_patch", BYTES, 1.25), ("64 KB chunks", "upload_64kb", 64 << 10, 1.3)]


def bare(service, chunk):
    with tempfile.TemporaryDirectory(dir=service.directory) as folder:
        done = subprocess.run([service.program("tests", "bench", "upload", "bare_upload"), str(chunk), str(BYTES), str(CLIENTS), folder],
                              capture_output=True, text=True, check=True)
    return float(re.search(r"cpu_s_per_gb=([0-9.]+)", done.stdout)[1])


def ours(service, rep, chunk):
    command = [service.program("tests", "bench", "client", "bench_upload"), str(service.server.port), rep.token, str(CLIENTS), str(BYTES), str(chunk)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout.readline() == "open\n"
        before = cpu_s(service.pid())
        wall = float(client.stdout.readline())
        cpu = cpu_s(service.pid()) - before
    return cpu / (CLIENTS * BYTES / 1e9), wall


def measure(service, figures):
    for title, name, chunk, goal in MODES:
        a, b = [], []
        for i in range(ROUNDS):
            b.append(bare(service, chunk))
            a.append(ours(service, service.reps[i], chunk)[0])
        x, y = median(a), median(b)
        figures.row(f"upload of 64 MB, {CLIENTS} clients, {title}, CPU", f"{x:.2f} s/GB", f"{y:.2f} s/GB", x / y)
        figures.judge(name, x / y, goal)
