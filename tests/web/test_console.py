# SPDX-License-Identifier: Apache-2.0
"""The console in a real Chromium, driven by playwright: the scenarios are console.js's."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from baifang import GUARD_S, PASSWORD, Server

HERE = pathlib.Path(__file__).parent
SCENARIOS = re.findall(r"^  async (\w+)\(browser\)", (HERE / "console.js").read_text(encoding="utf-8"), re.M)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Another origin of the same site."""
    with Server(tmp_path_factory.mktemp("elsewhere")) as running:
        yield running


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_chromium(server, elsewhere, scenario):
    company = server.company()
    server.admin("user", "add", company.code, "sun", "孙新", "reviewer", company.team, input=PASSWORD + "\n")
    job = {"url": server.url(), "elsewhere": elsewhere.url(), "tenant": company.code, "password": PASSWORD, "newcomer": "sun", "next": "vier-Pflaumen-im-Korb-57"}
    done = subprocess.run([os.environ["BF_NODE"], HERE / "console.js", scenario], input=json.dumps(job), capture_output=True, text=True, timeout=10 * GUARD_S,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_keys():
    done = subprocess.run([os.environ["BF_NODE"], HERE / "keys.mjs"], capture_output=True, text=True, timeout=10 * GUARD_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
