# SPDX-License-Identifier: Apache-2.0
"""The Web Push channel against a push service of Node, whose browsers decrypt by npm http_ece; the tokens are judged by Node's crypto there, and
here by Python's cryptography."""
import base64
import json
import os
import pathlib
import stat
import subprocess
import uuid

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from service import Service

TOOL = pathlib.Path(os.environ["BF_BUILD_DIR"]) / "tests/push/push_tool"
TEXT = "提醒：下午三点拜访张经理"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    one = Service(tmp_path_factory.mktemp("service"))
    yield one
    one.stop()


def push(service, folder, *messages, named="push.test", subject="mailto:ops@baifang.test"):
    """Sends (subscription, payload) or (subscription, payload, ttl); (the public key, one line for each)."""
    config = folder / "push.ini"
    config.write_text(f"[http_client]\nresolve = push.test:{service.port}:127.0.0.1\nca_file = {service.ca}\nnamed_hosts = {named}\n"
                      f"[push]\nvapid_key_file = {folder}/vapid.key\nvapid_subject = {subject}\n")
    lines = [f"{s['endpoint']} {s['p256dh']} {s['auth']} {uuid.uuid4()} {(*rest, 60)[0]} {payload}\n" for s, payload, *rest in messages]
    done = subprocess.run([TOOL, config], input="".join(lines), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    key, *results = done.stdout.split("\n")[:-1]
    return key, results


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(token, key):
    """The claims of a JWT signed by ES256 with a raw public key; raises InvalidSignature."""
    signed, _, signature = token.rpartition(".")
    raw = unbase64url(signature)
    assert len(raw) == 64
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64url(key))
    public.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    return json.loads(unbase64url(signed.split(".")[1]))


def test_the_verifier_accepts_the_example_of_rfc_8292_and_nothing_else():
    token = ("eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQG"
             "V4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA")
    key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
    assert verify(token, key) == {"aud": "https://push.example.net", "exp": 1453523768, "sub": "mailto:push@example.com"}
    with pytest.raises(InvalidSignature):
        verify(token.replace("LCJ", "LDJ", 1), key)


def test_the_browser_reads_what_was_sent_and_the_push_service_accepts_it(service, tmp_path):
    to = service.subscribe()
    key, results = push(service, tmp_path, (to, TEXT, 3600))
    assert results == ["accepted 201 0 "]
    [message] = service.messages(to)
    assert (message["text"], message["ttl"], message["urgency"], message["key"]) == (TEXT, "3600", "high", key)
    assert len(message["topic"]) == 22
    assert message["claims"]["sub"] == "mailto:ops@baifang.test"


def test_payloads_of_all_sizes_up_to_the_largest_are_read(service, tmp_path):
    to = service.subscribe()
    sizes = [1, 2, 15, 16, 17, 100, 1024, 3992, 3993]
    _, results = push(service, tmp_path, *((to, "x" * n) for n in sizes))
    assert {r.split()[0] for r in results} == {"accepted"}
    assert [len(m["text"]) for m in service.messages(to)] == sizes
    _, [result] = push(service, tmp_path, (to, "x" * 3994))
    assert result.startswith("refused 0 ")


def test_the_key_is_made_once_for_the_owner_alone_and_kept(service, tmp_path):
    first, _ = push(service, tmp_path)
    mode = stat.S_IMODE(os.stat(tmp_path / "vapid.key").st_mode)
    second, _ = push(service, tmp_path)
    assert mode == 0o600 and first == second and len(unbase64url(first)) == 65
    secret = int((tmp_path / "vapid.key").read_text(), 16)
    numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    assert unbase64url(first) == b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@pytest.mark.parametrize("answer, expected", [
    ("404", "retire 404 0 "), ("410", "retire 410 0 "), ("413", "refused 413 0 "), ("400", "refused 400 0 "), ("401", "denied 401 0 "),
    ("403", "denied 403 0 "), ("403/9", "denied 403 9000 "), ("301", "refused 301 0 "), ("429/17", "later 429 17000 "), ("429", "later 429 0 "), ("500", "later 500 0 "), ("503/5", "later 503 5000 "),
    ("507", "later 507 0 "), ("202", "accepted 202 0 "),
    ("201/0/50000", "accepted 201 0 "), ("410/0/50000", "retire 410 0 "), ("400/0/50000", "refused 400 0 "),
])
def test_answers_mean_what_the_standard_says(service, tmp_path, answer, expected):
    to = service.subscribe()
    to["endpoint"] += "/" + answer
    _, [result] = push(service, tmp_path, (to, TEXT))
    assert result.startswith(expected), result


def test_an_unknown_subscription_is_retired(service, tmp_path):
    to = service.subscribe()
    to["endpoint"] = to["endpoint"].replace(to["id"], str(uuid.uuid4()))
    _, [result] = push(service, tmp_path, (to, TEXT))
    assert result.startswith("retire 404")


def test_an_endpoint_at_a_private_address_is_refused(service, tmp_path):
    to = service.subscribe()
    _, [result] = push(service, tmp_path, (to, TEXT), named="")
    assert result.startswith("refused 0 ") and service.messages(to) == []


def test_a_key_that_is_no_point_of_the_curve_retires_the_device(service, tmp_path):
    to = service.subscribe()
    to["p256dh"] = base64.urlsafe_b64encode(b"\x04" + b"\x01" * 64).decode().rstrip("=")
    _, [result] = push(service, tmp_path, (to, TEXT))
    assert result.startswith("retire 0 ")


def test_the_secret_path_of_the_endpoint_is_in_no_detail(service, tmp_path):
    to = service.subscribe()
    gone = {**to, "endpoint": to["endpoint"].replace(f":{service.port}", ":1")}
    _, results = push(service, tmp_path, ({**to, "endpoint": to["endpoint"] + "/500"}, TEXT), (gone, TEXT))
    assert all(r.startswith("later") for r in results)
    assert not any(to["id"] in r for r in results)
