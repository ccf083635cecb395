# SPDX-License-Identifier: Apache-2.0
"""How tools/run-tests counts the cases of a program, by what cmocka, pytest and unittest really print; and that a proof which the machine does not allow
fails unless that is known."""
import importlib.machinery
import importlib.util
import os
import pathlib
import re
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["BF_SOURCE_DIR"])


@pytest.fixture(scope="module")
def tool():
    loader = importlib.machinery.SourceFileLoader("run_tests", os.fspath(SOURCE / "tools" / "run-tests"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    return module


def run(*words, **environment):
    done = subprocess.run([sys.executable, "-B", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={**{k: v for k, v in os.environ.items() if k != "BF_ALLOW_SKIPS"}, **environment})
    return done.stdout, done.returncode == 0


def pytest_of(path, text, **environment):
    """As bf_add_pytest runs it."""
    path.write_text(text, encoding="utf-8")
    return run("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", path, **environment)


GOOD, BAD, SKIPPED = "def test_good(): pass\n", "def test_bad(): assert False\n", "@pytest.mark.skip(reason='no moon')\ndef test_%s(): pass\n"


@pytest.mark.parametrize("text, counts", [
    (GOOD, (1, 0, 0)), (GOOD + BAD, (1, 1, 0)), (GOOD + SKIPPED % "a", (1, 0, 1)), (SKIPPED % "a" + SKIPPED % "b", (0, 0, 2)),
    (GOOD + BAD + SKIPPED % "a", (1, 1, 1)), ("@pytest.fixture\ndef f(): assert False\ndef test_f(f): pass\n" + GOOD, (1, 1, 0)), ("import nothing_like_it\n", (0, 1, 0)),
])
def test_pytest(tool, tmp_path, text, counts):
    found = tool.cases(*pytest_of(tmp_path / "test_it.py", "import pytest\n" + text))
    assert found[:3] == counts
    assert len(found.reasons) == min(counts[2], 2) and all("no moon" in reason for reason in found.reasons)


@pytest.mark.parametrize("body, counts", [
    ("def test_a(self): pass\n  def test_b(self): pass", (2, 0, 0)), ("def test_a(self): pass\n  def test_b(self): self.fail()\n  def test_c(self): 1/0", (1, 2, 0)),
    ("@unittest.skip('x')\n  def test_a(self): pass", (0, 0, 1)), ("def test_a(self): pass\n  @unittest.skip('x')\n  def test_b(self): pass", (1, 0, 1)),
])
def test_unittest(tool, tmp_path, body, counts):
    path = tmp_path / "it.py"
    path.write_text(f"import unittest\nclass T(unittest.TestCase):\n  {body}\nunittest.main()\n", encoding="utf-8")
    assert tool.cases(*run(path))[:3] == counts


def test_cmocka_in_groups_and_what_is_none_of_them(tool):
    """Made by cmocka 1.1.5."""
    group = "[==========] Running 2 test(s).\n[       OK ] a\n[  SKIPPED ] b\n[==========] 2 test(s) run.\n[  PASSED  ] 1 test(s).\n"
    skipped = "[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] b\n\n 1 SKIPPED TEST(S)\n"
    failed = "[  FAILED  ] 1 test(s), listed below:\n[  FAILED  ] c\n\n 1 FAILED TEST(S)\n"
    assert tool.cases(group + group, True)[:3] == (2, 0, 0)
    assert tool.cases(group + skipped, True)[:3] == (1, 0, 1)
    assert tool.cases(group + failed + group, False)[:3] == (2, 1, 0)
    assert tool.cases("durations agree\n", True)[:3] == (1, 0, 0)
    assert tool.cases("Segmentation fault\n", False)[:3] == (0, 1, 0)
    assert tool.cases(group, False)[:3] == (1, 1, 0), "it crashed behind its last group"


def test_the_closing_line(tool, capsys):
    tool.say("total", tool.Cases(12, 0, 0, []))
    tool.say("total", tool.Cases(12, 1, 3, []))
    assert capsys.readouterr().out == "total: 12 passed, 0 failed\ntotal: 12 passed, 1 failed, 3 skipped\n"


def test_a_proof_that_the_machine_does_not_allow_fails_unless_that_is_known(tool, tmp_path):
    text = "from needs import demand\ndef test_sync(): demand(False, 'ptrace is not permitted')\n"
    output, passed = pytest_of(tmp_path / "test_it.py", text)
    assert tool.cases(output, passed)[:3] == (0, 1, 0) and "BF_ALLOW_SKIPS=1" in output
    found = tool.cases(*pytest_of(tmp_path / "test_it.py", text, BF_ALLOW_SKIPS="1"))
    assert found[:3] == (0, 0, 1) and re.search("ptrace is not permitted", found.reasons[0])


def test_a_missing_database_server_is_said_in_one_line_and_fails_unless_that_is_known(tool, tmp_path):
    with_server = SOURCE / "tests" / "mongo" / "with-server"
    environment = {k: v for k, v in os.environ.items() if k not in ("BF_ALLOW_SKIPS", "MONGODB_TEST_URI")} | {"BF_MONGO_DIR": os.fspath(tmp_path / "none")}
    for allowed, counts in (("", (0, 1, 0)), ("1", (0, 0, 1))):
        done = subprocess.run([with_server, "false"], stdout=subprocess.PIPE, text=True, check=False, env=environment | {"BF_ALLOW_SKIPS": allowed})
        found = tool.cases(done.stdout, done.returncode == 0)
        assert found[:3] == counts
        assert len(found.reasons) == 1 and str(tmp_path) in found.reasons[0]
    environment["MONGODB_TEST_URI"] = "mongodb://db.example"
    done = subprocess.run([with_server, "sh", "-c", "echo $MONGODB_TEST_URI; exit 3"], stdout=subprocess.PIPE, text=True, check=False, env=environment)
    assert (done.stdout, done.returncode) == ("mongodb://db.example\n", 3)
