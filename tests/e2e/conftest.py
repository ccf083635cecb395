# SPDX-License-Identifier: Apache-2.0
import pytest

from baifang import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for all tests of a file."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def company(server):
    return server.company()
