# SPDX-License-Identifier: Apache-2.0
import pytest

from database import Database


@pytest.fixture(scope="module", name="database")
def one_database():
    with Database() as database:
        yield database
