# SPDX-License-Identifier: Apache-2.0
"""The demo's phone: a Web Push subscription (RFC 8030) that receives on this box and decrypts what arrives (RFC 8291, aes128gcm of RFC 8188)."""
import base64
import http.server
import json
import os
import queue
import struct
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def base64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def point(key):
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def derive(secret, salt, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


class Phone:
    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.received = queue.Queue()
        phone = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # the name that http.server wants
                body = self.rfile.read(int(self.headers["content-length"]))
                phone.received.put(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(201)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def subscription(self):
        return {"endpoint": f"http://127.0.0.1:{self.port}/push/{base64url(os.urandom(9))}", "p256dh": base64url(point(self.key.public_key())),
                "auth": base64url(self.auth)}

    def wait(self, seconds):
        """The next message as the phone reads it, with its headers."""
        headers, body = self.received.get(timeout=seconds)
        return headers, json.loads(self.decrypt(body))

    def decrypt(self, body):
        salt, _size, n = body[:16], struct.unpack(">I", body[16:20])[0], body[20]
        sender, sealed = body[21:21 + n], body[21 + n:]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = derive(shared, self.auth, b"WebPush: info\0" + point(self.key.public_key()) + sender, 32)
        key, nonce = derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16), derive(secret, salt, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\0")
        assert plain[-1] == 2, "not the last record"
        return plain[:-1]
