# SPDX-License-Identifier: Apache-2.0
"""The demo's server: `baifang serve` on ./demo-data, its log in a file, its clock in another."""
import json
import os
import socket
import struct
import subprocess
import time


def free_port(wanted):
    """`wanted` if nobody listens there, else one that the kernel gives."""
    for port in (wanted, 0):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue
    raise SystemExit("demo: no free port on 127.0.0.1")


class DemoServer:
    def __init__(self, program, data, phone_port):
        self.program, self.data = program, data
        self.config = os.path.join(data, "baifang.conf")
        self.log = os.path.join(data, "server.log")
        self.clock = os.path.join(data, "clock")
        self.master_key = os.path.join(data, "master.key")
        self.certificate = os.path.join(data, "tls", "tls.crt")
        self.port = free_port(8443)
        self.process = None
        os.makedirs(data, mode=0o700, exist_ok=True)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"# Written by tools/demo at each start.\n[server]\ndata = {data}\n\n[http]\nlisten = 127.0.0.1:{self.port}\n\n"
                       f"[clock]\nfile = {self.clock}\n\n# The demo's phone receives its push messages on this box.\n"
                       f"[http_client]\nnamed_hosts = 127.0.0.1:{phone_port}\n")

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self):
        begin = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "serve", "--config", self.config], stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self._is_ready(begin):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        with open(self.log, "rb") as log:
            log.seek(begin)
            raise SystemExit("demo: the server did not start:\n" + log.read().decode("utf-8", "replace")[-2000:])

    def _is_ready(self, begin):
        with open(self.log, "rb") as log:
            log.seek(begin)
            for line in log:
                try:
                    if json.loads(line).get("event") == "ready":
                        return True
                except ValueError:
                    continue
        return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def set_clock(self, ms):
        """The server's clock goes on from the wall time `ms`; None: the real time again."""
        shift = 0 if ms is None else ms - int(time.time() * 1000)
        fd = os.open(self.clock, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(fd, struct.pack("=q", shift), 0)
        os.close(fd)

    def admin(self, *words, secret=None):
        done = subprocess.run([self.program, "--config", self.config, "admin", *words], input=None if secret is None else secret + "\n", text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"demo: baifang admin {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout.strip()
