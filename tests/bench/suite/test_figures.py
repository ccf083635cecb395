# SPDX-License-Identifier: Apache-2.0
"""What the benchmark prints when a part of it cannot be measured."""
from figures import Figures


def test_a_part_that_fails_hides_no_figure(capsys):
    def measure(figures):
        figures.judge("first", 1, 2)
        raise ValueError("no receiver\nhere")

    figures = Figures()
    assert figures.take("good", figures.judge, "second", 3, 2)
    assert not figures.take("bad", measure, figures)
    assert not figures.take("ended", exit, "nghttpd is missing")
    figures.close()
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("bench: ")]
    assert lines == ["bench: second value=3 goal=2 short", "bench: first value=1 goal=2 ok", "bench: bad value=- goal=- short (ValueError: no receiver)",
                     "bench: ended value=- goal=- short (SystemExit: nghttpd is missing)"]
