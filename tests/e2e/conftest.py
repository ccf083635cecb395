# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from baifang import LAYOUT, Server
from layouts import is_chosen


def pytest_collection_modifyitems(config, items):
    """On MongoDB a choice, unless the file is of that layout alone."""
    def stays(item):
        return LAYOUT in getattr(item.module, "LAYOUTS", ()) or is_chosen(LAYOUT, item.path.name, item.originalname, os.environ.get("BF_SOAK") == "1")
    if LAYOUT != "embedded":
        config.hook.pytest_deselected(items=[item for item in items if not stays(item)])
        items[:] = [item for item in items if stays(item)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests of a file."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def company(server):
    return server.company()
