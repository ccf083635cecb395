# SPDX-License-Identifier: Apache-2.0
"""What an idle connection holds of the server's memory: TLS, HTTP/2, a session that asked once; and the same with an open event stream. Each in a new process, whose
heap has no holes yet to hide in."""
import os
import subprocess

from figures import median, memory_bytes

WAVE, WARM, WAVES, ROUNDS = 500, 2, 8, 3  # a wave at a time, or the server says that it works on enough


def delta(service, path, tokens):
    command = [service.program("tests", "bench", "client", "bench_idle"), str(service.server.port), tokens, path, *[str(WAVE)] * WAVES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        for wave in range(1, WAVES + 1):
            assert client.stdout.readline() == f"open {wave * WAVE}\n"
            if wave == WARM:
                before = memory_bytes(service.pid())
            if wave < WAVES:
                client.stdin.write("\n")
                client.stdin.flush()
        after = memory_bytes(service.pid())
        client.stdin.close()
    return (after - before) / ((WAVES - WARM) * WAVE)


def measure(service, figures):
    tokens = os.path.join(service.directory, "tokens")
    with open(tokens, "w", encoding="ascii") as file:
        file.writelines(rep.token + "\n" for rep in service.reps)
    for title, name, path, goal in [("idle TLS h2 connection with a session", "idle_connection_kb", "/v1/sessions", 20),
                                    ("idle event stream", "idle_stream_kb", "/v1/events", 25)]:
        rounds = []
        for _ in range(ROUNDS):
            service.restart()
            rounds.append(delta(service, path, tokens) / 1000)
        kb = median(rounds)
        figures.row(f"{title}, memory", f"{kb:.1f} KB")
        figures.judge(name, kb, goal)
