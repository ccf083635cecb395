# SPDX-License-Identifier: Apache-2.0
"""nghttpd, from nghttp2-server, as the push service of benchmarks: it takes POSTs of any size over HTTP/2 and TLS and answers 200."""
import pathlib
import socket
import subprocess
import time


class Receiver:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.ca, key = folder / "ca.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.ca],
                       check=True, capture_output=True)
        (folder / "push").write_bytes(b"")
        with socket.socket() as probe:  # nghttpd does not say which port the kernel gave it
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", folder, str(self.port), key, self.ca],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"https://127.0.0.1:{self.port}/push"
        self.wait()

    def wait(self):
        for _ in range(1000):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("nghttpd does not listen")

    def stop(self):
        self.process.kill()
        self.process.wait()
