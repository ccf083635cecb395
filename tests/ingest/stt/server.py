#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A transcription server of the tests: speaks the OpenAI transcription API, and fails on request.

    server.py [--text TEXT] [--key KEY] [--port PORT]      prints "port N" when it listens

The model's name says what happens. Counts are kept per model name, so a test that wants its own adds a suffix after "~" (flaky-2~mine).

    whisper-1        {"text": TEXT}            flaky-N        N times 500, then text
    status-NNN       NNN and an error          throttle-S     429 with Retry-After: S, then text
    reset-S          429 with only x-ratelimit-reset-requests: Ss, never text
    quota            429 insufficient_quota    half           promises an answer and closes the connection in its middle
    huge             an answer of 8 MB         hang           no answer before POST /release
    html             200 with a page           siliconflow, whispercpp, bare     400 in the words of those servers
    echo-key         400 that repeats the key  empty          {"text": ""}

GET /requests: what was received, oldest first, without the bytes. Standard library only: other tests use it as it is.
"""
import argparse
import email.parser
import email.policy
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAGIC = {".ogg": b"OggS", ".wav": b"RIFF", ".webm": b"\x1aE\xdf\xa3"}


class Refusal(Exception):
    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def error(status, code, message, param=None, headers=None):
    return Refusal(status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}, headers)


class State:
    def __init__(self, text, key):
        self.text, self.key = text, key
        self.lock, self.released = threading.Lock(), threading.Event()
        self.requests, self.counts = [], {}

    def count(self, model):
        with self.lock:
            self.counts[model] = self.counts.get(model, 0) + 1
            return self.counts[model]


def parse_form(content_type, body):
    """The fields of a multipart/form-data body; a file is (name, type, bytes). By the standard library's MIME parser, not by us."""
    head = b"Content-Type: " + content_type.encode() + b"\r\nMIME-Version: 1.0\r\n\r\n"
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not message.is_multipart():
        raise error(400, "bad_request", "not multipart/form-data")
    form = {}
    for part in message.iter_parts():
        name, file_name = part.get_param("name", header="content-disposition"), part.get_filename()
        data = part.get_payload(decode=True)
        form[name] = (file_name, part.get_content_type(), data) if file_name else data.decode()
    return form


def check_file(form):
    if not isinstance(form.get("file"), tuple):
        raise error(400, "missing_required_parameter", "no file", "file")
    name, _, data = form["file"]
    suffix = name[name.rfind("."):]
    if suffix not in MAGIC or not data.startswith(MAGIC[suffix]):  # as whisper-1 does: the same bytes as .opus are refused
        raise error(400, None, f"Invalid file format. Supported formats: {sorted(MAGIC)}", "file")


def complain(state, kind):
    """The kinds of answers that are an error whatever was sent."""
    words = {
        "siliconflow": Refusal(400, {"code": 20015, "message": "length of prompt is too long", "data": None}),
        "whispercpp": Refusal(400, {"error": "failed to read audio data"}),
        "bare": Refusal(400, "Invalid audio"),
        "quota": error(429, "insufficient_quota", "You exceeded your current quota, please check your plan and billing details."),
        "echo": error(400, None, f"bad header: Bearer {state.key}"),
    }
    if kind in words:
        raise words[kind]


def behave(state, model):
    """What to answer: the text, or a Refusal. None: the connection's end is the answer."""
    kind, _, argument = model.split("~")[0].partition("-")
    seen = state.count(model)
    complain(state, kind)
    if kind == "status":
        raise error(int(argument), f"code_{argument}", f"words of {argument}")
    if kind == "flaky" and seen <= int(argument):
        raise error(500, "server_error", "The server had an error")
    if kind == "throttle" and seen == 1:
        raise error(429, "rate_limit_exceeded", "Rate limit reached", headers={"Retry-After": argument})
    if kind == "reset":
        raise error(429, "rate_limit_exceeded", "Rate limit reached", headers={"x-ratelimit-reset-requests": argument + "s"})
    if kind == "half":
        return None
    if kind == "huge":
        return "x" * (8 << 20)
    if kind == "hang":
        state.released.wait()
    if kind in ("whisper", "flaky", "throttle", "hang"):
        return state.text
    if kind == "empty":
        return ""
    raise error(404, "model_not_found", f"The model `{model}` does not exist", "model")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None

    def log_message(self, *_):
        pass

    def send(self, status, body, content_type="application/json", headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        with self.state.lock:
            self.send(200, self.state.requests)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/release":
            self.state.released.set()
            self.send(200, {})
            return
        try:
            self.transcribe(body)
        except Refusal as refusal:
            self.send(refusal.status, refusal.body, headers=refusal.headers)
        except ConnectionError:
            self.close_connection = True

    def transcribe(self, body):
        if self.path != "/v1/audio/transcriptions":
            raise error(404, None, f"Invalid URL (POST {self.path})")
        if self.state.key and self.headers.get("Authorization") != f"Bearer {self.state.key}":
            raise error(401, "invalid_api_key", "Incorrect API key provided")
        form = parse_form(self.headers["Content-Type"], body)
        check_file(form)
        self.record(form)
        if form.get("model") == "html":
            self.send(200, b"<html>please sign in</html>", "text/html")
            return
        text = behave(self.state, form.get("model", ""))
        if text is None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"text\": \"half of")
            self.wfile.flush()
            self.close_connection = True
            return
        self.answer(form, text)

    def record(self, form):
        name, kind, data = form["file"]
        received = {k: v for k, v in form.items() if k != "file"}
        received.update(file_name=name, type=kind, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        with self.state.lock:
            self.state.requests.append(received)

    def answer(self, form, text):
        wanted = form.get("response_format", "json")
        if wanted == "text":
            self.send(200, text.encode(), "text/plain; charset=utf-8")
        elif wanted == "verbose_json":
            self.send(200, {"task": "transcribe", "language": "english", "duration": 1.0, "text": text, "segments": []})
        else:
            self.send(200, {"text": text})


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--text", default="今天拜访了张经理。")
    arguments.add_argument("--key", default="test-key")
    arguments.add_argument("--port", type=int, default=0)
    options = arguments.parse_args()
    Handler.state = State(options.text, options.key)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    print("port", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
