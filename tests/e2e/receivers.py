# SPDX-License-Identifier: Apache-2.0
"""The peers of the channels, none of them ours: a mail server (aiosmtpd) and an HTTPS server for webhooks and WeCom's robots, with one certificate."""
import asyncio
import http.server
import json
import pathlib
import ssl
import subprocess
import threading

from aiosmtpd.smtp import SMTP, AuthResult

NAMES = ("mail.test", "hook.test", "wecom.test")


class Certificate:
    def __init__(self, folder):
        self.ca, self.key = pathlib.Path(folder) / "ca.pem", pathlib.Path(folder) / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=peers.test", "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in NAMES),
                        "-keyout", self.key, "-out", self.ca], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, self.key)


class Mail:
    """`taken`: the messages, each with sender, recipients, bytes, and whether the connection was encrypted. `answers`: what the next RCPTs for an address,
    or the next DATA ("DATA"), are answered; then all is well. `login`: (user, password) that it wants."""

    def __init__(self, certificate, tls=True, login=None):
        self.taken, self.answers, self.commands, self.login = [], {}, [], login
        self._loop = asyncio.new_event_loop()
        options = {"tls_context": certificate.context, "require_starttls": True} if tls else {}
        if login:
            options |= {"authenticator": self._authenticate, "auth_required": True}
        server = self._loop.run_until_complete(self._loop.create_server(lambda: SMTP(self, hostname="mail.test", **options), "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def _authenticate(self, server, session, envelope, mechanism, data):  # pylint: disable=unused-argument
        good = (data.login.decode(), data.password.decode()) == self.login
        return AuthResult(success=good, handled=good)

    def _next(self, what, well):
        left = self.answers.get(what)
        return left.pop(0) if left else well

    async def handle_MAIL(self, server, session, envelope, address, options):  # pylint: disable=unused-argument
        self.commands.append("MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # pylint: disable=unused-argument
        self.commands.append("RCPT")
        answer = self._next(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self._next("DATA", "250 OK")
        self.taken.append({"from": envelope.mail_from, "to": list(envelope.rcpt_tos), "raw": envelope.original_content, "tls": session.ssl is not None,
                           "answer": answer})
        return answer

    def well(self):
        return [one for one in self.taken if one["answer"].startswith("250")]

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class Hooks:
    """`taken`: (path, headers in lower case, body) of each POST. `answers`: what the next ones for a path are answered, as (status, body)."""

    def __init__(self, certificate):
        hooks = self
        self.taken, self.answers = [], {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                hooks.taken.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                left = hooks.answers.get(self.path)
                status, answer = left.pop(0) if left else (200, json.dumps({"errcode": 0, "errmsg": "ok"}))
                self.send_response(status)
                self.send_header("content-length", str(len(answer.encode())))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = certificate.context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, path):
        return [(headers, body) for where, headers, body in self.taken if where == path]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
