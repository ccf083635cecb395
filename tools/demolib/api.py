# SPDX-License-Identifier: Apache-2.0
"""The public API over one kept connection, for the many requests that fill the demo company."""
import http.client
import json
import secrets
import ssl
import struct
import time
import uuid


def uuid7(at_ms):
    raw = bytearray(struct.pack(">Q", at_ms)[2:] + secrets.token_bytes(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def rfc3339(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


class Api:
    def __init__(self, server):
        context = ssl.create_default_context(cafile=server.certificate)
        self.connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)

    def call(self, method, path, body=None, token=None, headers=None):
        """The answer's JSON; anything but 2xx ends the demo with what the server said."""
        head = {"content-type": "application/json", **(headers or {})}
        if token is not None:
            head["authorization"] = "Bearer " + token
        self.connection.request(method, path, None if body is None else json.dumps(body), head)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if not 200 <= answer.status < 300:
            raise SystemExit(f"demo: {method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None


class Person:
    """One rep's session; refreshed when the demo's clock left the access token behind."""

    def __init__(self, api, tenant, login, password, device, at_ms):
        self.api, self.device, self.seq = api, device, 0
        self._take(api.call("POST", "/v1/sign_in", {"tenant": tenant, "login": login, "password": password,
                                                    "device": {"id": device, "name": "演示手机", "platform": "android"}}), at_ms)
        self.id = self.tokens["user"]["id"]

    def _take(self, tokens, at_ms):
        self.tokens, self.taken_ms = tokens, at_ms

    def call(self, method, path, body=None, at_ms=0):
        if at_ms - self.taken_ms > 5 * 60 * 1000:
            self._take(self.api.call("POST", "/v1/refresh", {"refresh_token": self.tokens["refresh_token"]}), at_ms)
        return self.api.call(method, path, body, self.tokens["access_token"], {"x-client-time": rfc3339(at_ms)})
