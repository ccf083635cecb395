# SPDX-License-Identifier: Apache-2.0
import pytest

from needs import demand_strace


@pytest.fixture(scope="session")
def strace():
    demand_strace()
