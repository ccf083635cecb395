# SPDX-License-Identifier: Apache-2.0
"""What the server keeps of tokens and passwords, read from its files and its log; and that a sign-in which is throttled costs no hash."""
import base64
import hashlib
import os
import pathlib

import pytest

from baifang import PASSWORD, Server

WRONG = "falsch-und-lang-genug-77"


def raw(token):
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def secrets_of(tokens):
    """What only the phone may know, as text and as bytes; the last 32 are the secret (access/token.h)."""
    for token in (tokens["access_token"], tokens["refresh_token"]):
        yield token.encode()
        yield raw(token)[-32:]
        yield raw(token)[-32:].hex().encode()
        yield base64.b64encode(raw(token)[-32:]).rstrip(b"=")
    yield raw(tokens["refresh_token"])[-48:-32]  # what a stolen token is known by


def kept(server):
    """Each file of the data directory, and what was logged."""
    files = {os.fspath(path): path.read_bytes() for path in pathlib.Path(server.data).rglob("*") if path.is_file()}
    assert any(name.endswith("store.db") for name in files)
    return {**files, "the log": "\n".join(server.lines).encode()}


def test_tokens_and_passwords_are_kept_as_hashes_only(tmp_path):
    with Server(tmp_path) as server:
        person = server.company().sign_in("wang")
        given = [dict(person.tokens)]
        for _ in range(2):
            person.refresh()
            given.append(dict(person.tokens))
        refused = person.http.post("/v1/sign_in", json={"tenant": person.company.code, "login": "wang", "password": WRONG})
        assert refused.status_code == 401 and person.get("/v1/me").status_code == 200
        hashes = [hashlib.sha256(raw(person.tokens[kind])[-32:]).digest() for kind in ("access_token", "refresh_token")]

        def check():
            for where, content in kept(server).items():
                for tokens in given:
                    assert not [secret for secret in secrets_of(tokens) if secret in content], where
                assert PASSWORD.encode() not in content and WRONG.encode() not in content, where
            assert all(any(hash in content for content in kept(server).values()) for hash in hashes), "the places were looked at"
        check()
        server.stop()
        check()


@pytest.fixture
def busy(tmp_path):
    """A server on which one hash takes far more time than a request; on nobody's account, since an account that does not exist costs the same."""
    config = {"access": {"argon2_ops": 4, "argon2_memory": 1 << 27, "tries_account": 3, "tries_address": 1000}}
    with Server(tmp_path, config) as server:
        server.admin("tenant", "add", "firma", "测试公司", "Asia/Shanghai")
        yield server


def ticks(server):
    """CPU that the server has used."""
    with open(f"/proc/{server.server_pid()}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return int(words[11]) + int(words[12])


def test_a_throttled_sign_in_costs_no_hash(busy):
    def cost(status, tries):
        before = ticks(busy)
        with busy.client() as http:
            for _ in range(tries):
                assert http.post("/v1/sign_in", json={"tenant": "firma", "login": "niemand", "password": WRONG}).status_code == status
        return ticks(busy) - before
    hashes = cost(401, 3)
    assert hashes > 3 * 5, "the hash must be dear for this to say anything"
    assert cost(429, 10) < hashes / 3, "ten refusals cost less than one hash"
