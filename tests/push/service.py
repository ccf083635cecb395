# SPDX-License-Identifier: Apache-2.0
"""Starts service.js with a certificate of its own for push.test; its control routes by httpx over HTTP/2."""
import os
import pathlib
import ssl
import subprocess

import httpx


class Service:
    def __init__(self, folder):
        self.ca = pathlib.Path(folder) / "ca.pem"
        key = pathlib.Path(folder) / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=push.test", "-addext", "subjectAltName=DNS:push.test,DNS:other.test,IP:127.0.0.1",
                        "-keyout", key, "-out", self.ca], check=True, capture_output=True)
        self.process = subprocess.Popen([os.environ["BF_NODE"], pathlib.Path(__file__).with_name("service.js"), key, self.ca],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.control = httpx.Client(http2=True, verify=ssl.create_default_context(cafile=str(self.ca)), base_url=f"https://127.0.0.1:{self.port}")

    def subscribe(self):
        return self.control.post("/subscribe").json()

    def messages(self, subscription):
        return self.control.get(f"/messages/{subscription['id']}").json()

    def fail(self, subscription, status, times, after_s=0):
        """The next messages of the subscription are answered so."""
        self.control.post(f"/fail/{subscription['id']}/{status}/{times}/{after_s}")

    def hold(self, subscription):
        """Its messages get no answer from now on."""
        self.control.post(f"/hold/{subscription['id']}")

    def release(self, subscription, status):
        """Answers those that were held."""
        self.control.post(f"/release/{subscription['id']}/{status}")

    def pushed(self, subscription):
        """How many messages came for it, whatever they were answered."""
        return self.control.get(f"/pushed/{subscription['id']}").json()["n"]

    def stats(self):
        return self.control.get("/stats").json()

    def shift_clock(self, ms):
        assert self.control.post(f"/clock/{ms}").json()["shift_ms"] == ms

    def stop(self):
        self.control.close()
        self.process.kill()
        self.process.wait()
