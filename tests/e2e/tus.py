# SPDX-License-Identifier: Apache-2.0
"""Uploads as tests need them: plain tus requests with every header in the test's hands, a connection that can be cut or left hanging, and the
npm client. The whole protocol is driven by clients that are not ours (tus-js-client, tuspy); this is for what they never do."""
import base64
import hashlib
import json
import os
import pathlib
import socket
import ssl
import subprocess

HERE = pathlib.Path(__file__).parent
VERSION = {"tus-resumable": "1.0.0"}
BYTES = {"content-type": "application/offset+octet-stream"}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def metadata(**pairs):
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in pairs.items())


def create(person, length=None, type="image/jpeg", content=None, headers=None, **more):
    """POST /v1/uploads: the answer."""
    said = {**VERSION, "upload-metadata": metadata(type=type, **more)} if type else dict(VERSION)
    if length is not None:
        said["upload-length"] = str(length)
    if content is not None:
        said.update(BYTES)
    return person.post("/v1/uploads", headers={**said, **(headers or {})}, content=content)


def patch(person, path, offset, content, headers=None):
    return person.patch(path, headers={**VERSION, **BYTES, "upload-offset": str(offset), **(headers or {})}, content=content)


def head(person, path, headers=None):
    return person.request("HEAD", path, headers={**VERSION, **(headers or {})})


def offset(person, path):
    answer = head(person, path)
    assert answer.status_code == 200, answer
    return int(answer.headers["upload-offset"])


def synced(server):
    """Bytes of uploads that the server has made durable since its start. A HEAD would tell too, and take the upload over."""
    with server.client() as http:
        lines = http.get("/metrics").text.splitlines()
    return int(float(next(line for line in lines if line.startswith("bf_stage_bytes_total ")).split()[1]))


def upload(person, data, type="image/jpeg", **more):
    """All of it; returns its SHA-256, which the server states too."""
    made = create(person, len(data), type, data, **more)
    assert made.status_code == 201 and made.headers["upload-sha256"] == sha256(data), (made.status_code, made.text)
    return sha256(data)


class Wire:
    """A request over a connection of its own, HTTP/1.1, whose body goes out as the test likes."""

    def __init__(self, person, path, at, length, headers=None, method="PATCH"):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        plain = socket.create_connection(("127.0.0.1", person.company.server.port), timeout=60)
        self.tls = context.wrap_socket(plain)
        lines = {"host": "127.0.0.1", **person.headers(), **VERSION, **BYTES, "upload-offset": at, "content-length": length, **(headers or {})}
        self.tls.sendall((f"{method} {path} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in lines.items()) + "\r\n").encode())

    def send(self, data):
        self.tls.sendall(data)

    def answer(self):
        """The status that came, or None when the connection ended without one."""
        try:
            text = self.tls.recv(65536)
        except OSError:
            return None
        return int(text.split()[1]) if text else None

    def cut(self):
        """The connection is simply gone, as in a tunnel's mouth."""
        self.tls.close()


def js(server, person, file, **options):
    """Uploads `file` with tus-js-client; what it says of it: {url, requests: [[method, status], ...]}."""
    job = {"endpoint": server.url("/v1/uploads"), "token": person.tokens["access_token"], "file": os.fspath(file), "type": "image/jpeg", **options}
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": os.path.join(server.data, "tls", "tls.crt")}
    done = subprocess.run([os.environ["BF_NODE"], HERE / "tus_client.js", json.dumps(job)], capture_output=True, text=True, env=environment, timeout=300,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
