# SPDX-License-Identifier: Apache-2.0
"""A running test server, and the raw clients that speak to it: HTTP/2 by frames (hyperframe, hpack), HTTP/1.1 by bytes."""

import http.client
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import hpack
from hyperframe import frame as hf

SERVER = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else os.environ["BF_HTTP_TEST_SERVER"]
PATIENCE = 60  # seconds; only guards against hanging
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError("waited in vain: " + what)
        time.sleep(0.02)


class Server:
    def __init__(self, directory=None, **config):
        self.own_directory = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="bf-http-")
        self.log = open(os.path.join(self.directory, "stderr"), "ab+")
        self.process = subprocess.Popen(
            [SERVER, self.directory] + ["%s=%d" % c for c in config.items()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            bufsize=1,
        )
        self.first_line = self.process.stdout.readline().strip()
        self.port = int(self.first_line.split()[1]) if self.first_line.startswith("port ") else None
        self.ca = os.path.join(self.directory, "tls.crt")

    def __enter__(self):
        assert self.port, self.first_line
        return self

    def __exit__(self, kind, *_):
        code = self.end()
        if kind is None:
            assert code == 0, "exit code %s; %s" % (code, self.stderr())

    def stderr(self):
        with open(self.log.name, "rb") as f:
            return f.read().decode("utf-8", "replace")[-6000:]

    def is_alive(self):
        return self.process.poll() is None

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self):
        return self.process.stdout.readline().strip()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                return "hung"
        self.log.close()
        if self.own_directory and self.process.returncode == 0:
            shutil.rmtree(self.directory)
        return self.process.returncode

    def tls(self, alpn, prepare=None, version=None):
        raw = socket.socket()
        raw.settimeout(PATIENCE)
        if prepare:
            prepare(raw)
        raw.connect(("127.0.0.1", self.port))
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols([alpn])
        if version:
            context.minimum_version = context.maximum_version = version
        sock = context.wrap_socket(raw, server_hostname="localhost")
        assert sock.selected_alpn_protocol() == alpn
        return sock

    def stats(self):
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=PATIENCE, context=ssl.create_default_context(cafile=self.ca)
        )
        connection.request("GET", "/stats")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def curl(self, *arguments, path="/", body=None):
        command = [
            "curl",
            "-sS",
            "--cacert",
            self.ca,
            "-m",
            str(PATIENCE),
            "-w",
            "\n%{http_code} %{http_version}",
            *arguments,
            "https://localhost:%d%s" % (self.port, path),
        ]
        done = subprocess.run(command, input=body, capture_output=True)
        content, _, last = done.stdout.rpartition(b"\n")
        status, version = last.decode().split()
        return Answer(int(status), {}, content, version=version, code=done.returncode)


class Answer:
    def __init__(self, status, headers, body, **more):
        self.status, self.headers, self.body = status, headers, body
        self.__dict__.update(more)

    def json(self):
        return json.loads(self.body)


class Closed(Exception):
    """The server closed the connection; `goaway` is its error code or None."""

    def __init__(self, goaway):
        super().__init__("connection closed, GOAWAY %s" % goaway)
        self.goaway = goaway


class H2:
    """One HTTP/2 connection, frame by frame. Nothing is sent or acknowledged unless asked for."""

    def __init__(self, server, settings=None, prepare=None, table_size=None):
        self.sock = server.tls("h2", prepare)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        if table_size is not None:
            self.decoder.max_allowed_table_size = table_size
        self.inbound = b""
        self.goaway = None
        self.next_id = 1
        self.server_settings = {}
        self.send_raw(PREFACE + hf.SettingsFrame(0, settings=settings or {}).serialize())

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError, socket.timeout):
            raise Closed(self.goaway) from None

    def send(self, *frames):
        self.send_raw(b"".join(f.serialize() for f in frames))

    def open_id(self):
        self.next_id += 2
        return self.next_id - 2

    def head(self, method, path, *more):
        return [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path), *more]

    def headers_frame(self, stream, fields, end=True, end_headers=True):
        f = hf.HeadersFrame(stream)
        f.data = self.encoder.encode(fields)
        if end:
            f.flags.add("END_STREAM")
        if end_headers:
            f.flags.add("END_HEADERS")
        return f

    def data_frame(self, stream, data, end=False):
        f = hf.DataFrame(stream, data=data)
        if end:
            f.flags.add("END_STREAM")
        return f

    def start(self, method, path, *more, end=True):
        stream = self.open_id()
        self.send(self.headers_frame(stream, self.head(method, path, *more), end))
        return stream

    def read_more(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            raise Closed(self.goaway)
        self.inbound += data

    def receive(self):
        while len(self.inbound) < 9:
            self.read_more()
        f, length = hf.Frame.parse_frame_header(memoryview(self.inbound[:9]))
        while len(self.inbound) < 9 + length:
            self.read_more()
        f.parse_body(memoryview(self.inbound[9 : 9 + length]))
        self.inbound = self.inbound[9 + length :]
        if isinstance(f, hf.GoAwayFrame):
            self.goaway = f.error_code
        if isinstance(f, hf.SettingsFrame) and "ACK" not in f.flags:
            self.server_settings.update(f.settings)
        if isinstance(f, hf.HeadersFrame):
            f.fields = dict(self.decoder.decode(f.data))
        return f

    def receive_until(self, wanted):
        while True:
            f = self.receive()
            if wanted(f):
                return f

    def ping(self):
        """Everything sent before was processed when this returns."""
        self.send(hf.PingFrame(0, opaque_data=b"are you?"))
        self.receive_until(lambda f: isinstance(f, hf.PingFrame) and "ACK" in f.flags)

    def response(self, stream):
        """The whole answer on `stream`; `reset` is the error code when it ended by RST_STREAM."""
        fields, body, reset = {}, b"", None
        while True:
            f = self.receive()
            if f.stream_id != stream:
                continue
            if isinstance(f, hf.HeadersFrame):
                fields = f.fields
            elif isinstance(f, hf.DataFrame):
                body += f.data
            elif isinstance(f, hf.RstStreamFrame):
                reset = f.error_code
            if "END_STREAM" in f.flags or reset is not None:
                return Answer(int(fields.get(":status", 0)), fields, body, reset=reset)

    def request(self, method, path, *more, body=None):
        stream = self.start(method, path, *more, end=body is None)
        if body is not None:
            self.send(self.data_frame(stream, body, True))
        return self.response(stream)

    def wait_closed(self):
        """The error code of the GOAWAY the server closes with."""
        try:
            while True:
                self.receive()
        except Closed as c:
            return c.goaway


class H1:
    def __init__(self, server, version=None, prepare=None):
        self.sock = server.tls("http/1.1", prepare, version)

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def response(self):
        answer = http.client.HTTPResponse(self.sock)
        answer.begin()
        return Answer(answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read())

    def is_closed(self):
        """True once the server has closed; waits for it."""
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        return True


def tiny_receive_buffer(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)


def window_update_zero(stream):
    return struct.pack(">I", 4)[1:] + b"\x08\x00" + struct.pack(">II", stream, 0)
