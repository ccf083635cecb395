# SPDX-License-Identifier: Apache-2.0
"""The client against Node's HTTP/2 over TLS: it shares connections, resets no stream, sends nothing twice, and keeps its address rules on
connections that are open already."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.environ["BF_SOURCE_DIR"], "tests/push"))
from service import Service  # noqa: E402

TOOL = pathlib.Path(os.environ["BF_BUILD_DIR"]) / "tests/core/client/fetch_tool"


@pytest.fixture
def service(tmp_path):
    one = Service(tmp_path)
    yield one
    one.stop()


def fetch(service, tmp_path, lines, times=1, **settings):
    names = ",".join(f"{name}:{service.port}:127.0.0.1" for name in ("push.test", "other.test", "third.test"))
    settings = {"resolve": names, **settings}
    if settings.get("ca_file", True):
        settings.setdefault("ca_file", service.ca)
    config = tmp_path / "client.ini"
    config.write_text("[http_client]\n" + "".join(f"{k} = {v}\n" for k, v in settings.items() if v))
    done = subprocess.run([TOOL, config, str(times)], input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


def test_thousands_of_requests_share_a_few_connections_and_arrive_once(service, tmp_path):
    n = 3000
    assert fetch(service, tmp_path, [f"config https://push.test:{service.port}/plain"], times=n) == [f"ok 200 {n}"]
    stats = service.stats()
    assert stats["streams"] == n + 1 and stats["resets"] == 0
    assert stats["sessions"] <= 4 + 1  # the last of each is ours


def test_an_open_connection_does_not_get_a_users_url_round_the_address_rules(service, tmp_path):
    url = f"https://push.test:{service.port}/plain"
    assert fetch(service, tmp_path, [f"config {url}", f"user {url}", f"config {url}"]) == ["ok 200 1", "forbidden 0 1", "ok 200 1"]
    assert service.stats()["streams"] == 2 + 1


def test_a_named_host_is_reached_with_the_users_url(service, tmp_path):
    url = f"https://push.test:{service.port}/plain"
    other = f"https://other.test:{service.port}/plain"
    assert fetch(service, tmp_path, [f"user {url}", f"user {other}"], named_hosts="push.test") == ["ok 200 1", "forbidden 0 1"]


def test_a_certificate_of_nobody_or_for_another_name_is_not_accepted(service, tmp_path):
    assert fetch(service, tmp_path, [f"config https://push.test:{service.port}/plain"], ca_file=None) == ["upstream 0 1"]
    assert fetch(service, tmp_path, [f"config https://third.test:{service.port}/plain"]) == ["upstream 0 1"]
    assert service.stats()["streams"] == 1
