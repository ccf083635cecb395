# SPDX-License-Identifier: Apache-2.0
"""What `make run` shows: tools/demo on the program under test, in its short form; and that a run which was ended too early does not stand in the way of
the next one."""
import os
import pathlib
import signal
import subprocess

import pytest

from baifang import BAIFANG, GUARD_S, until

DEMO = pathlib.Path(os.environ["BF_SOURCE_DIR"]) / "tools" / "demo"


class Demo:
    def __init__(self, data, *options):
        self.path = data.parent / f"run{len(list(data.parent.glob('run*')))}"
        self.data = data
        with open(self.path, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([DEMO, "--data", data, "--program", BAIFANG, *options], stdout=out, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})

    def text(self):
        return self.path.read_text(encoding="utf-8")

    def wait_for(self, word):
        until(lambda: word in self.text() or self.process.poll() is not None, word, 10 * GUARD_S)
        assert word in self.text(), self.text()

    def end(self):
        """The exit status of a run that was told to end, as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(GUARD_S)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "demo-data"


def was_founded(data):
    done = subprocess.run([BAIFANG, "--config", data / "baifang.conf", "admin", "team", "list", "demo"], capture_output=True, check=False)
    return done.returncode == 0 and done.stdout


def test_a_run_that_was_interrupted_is_begun_anew_shows_a_visit_and_serves(data):
    first = Demo(data)
    first.wait_for("Filling the demo company")
    until(lambda: was_founded(data), "the company")
    assert first.end() == 0 and not (data / "seeded").exists()

    second = Demo(data, "--short")
    assert second.process.wait(10 * GUARD_S) == 0, second.text()
    said = second.text()
    assert "beginning anew" in said
    for word in ("HTTP/2 201", '"validity": "invalid"', '"validity": "valid"', "the signal is lost", '"name": "large", "type": "image/webp"', '"height": 1600',
                 '"loudness"', '"provider": "pocketsphinx"', '"confirmed_text": "客户已确认预算', '"safe_through": 1, "missing": [], "media_awaited": []',
                 "aes128gcm", "发送合同草案给周建国", '"state": "rejected", "rejections": 1', "合同退回：看不清（第 2 页）", '"versions": [1, 2]', '"state": "approved"', "合同已通过", "GET /v1/digest/preview  ->  HTTP/2 200"):
        assert word in said, f"{word}\n{said}"

    third = Demo(data, "--short", "--visit")
    third.wait_for("serving until Ctrl-C")
    assert "Filling" not in third.text() and third.process.wait(GUARD_S) == 0


def test_a_second_run_serves_what_is_there_until_it_is_told_to_end(data):
    data.mkdir()
    (data / "seeded").write_text("{}\n", encoding="utf-8")
    run = Demo(data)
    run.wait_for("serving until Ctrl-C")
    assert "Filling" not in run.text() and "One visit" not in run.text()
    assert run.process.poll() is None and run.end() == 0
