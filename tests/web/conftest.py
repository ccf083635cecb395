# SPDX-License-Identifier: Apache-2.0
"""What the tests in a browser share: Debian's Chromium is there (CHROMIUM names another), and a server that nothing is set for."""
import os
import shutil

import pytest

from baifang import Server
from needs import demand


@pytest.fixture(scope="module")
def chromium():
    demand(shutil.which(os.environ.get("CHROMIUM", "chromium")), "chromium is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory, chromium):
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running
