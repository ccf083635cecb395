# SPDX-License-Identifier: Apache-2.0
"""Runs one test, as ctest would, on a program that stands in for the build's own: did it pass, did it fail?"""
import json
import os
import re
import signal
import subprocess

from .table import SOURCE

CMOCKA_GUARD_S, PYTEST_GUARD_S = 60, 600  # against hanging
UNTIL_S = 20  # what a test waits for at most: a mutated server may never do it


def run_cmocka(program, *test):
    """(names that passed, names that failed); cmocka says them on stderr or stdout by its version."""
    done = subprocess.run([program, *test], capture_output=True, text=True, errors="replace", timeout=CMOCKA_GUARD_S)
    said = done.stdout + done.stderr
    return set(re.findall(r"\[\s+OK \] (\w+)", said)), set(re.findall(r"\[  FAILED  \] (\w+)$", said, re.M))


class Pytest:
    """The end-to-end tests, each with the command and the environment that ctest gives its file."""

    def __init__(self, build):
        self.build, self.known = build, {}
        listed = json.loads(build.output(["ctest", "--show-only=json-v1"]))["tests"]
        self.of_file = {test["command"][-1]: test for test in listed if "pytest" in test.get("command", [])}

    def run(self, row, program):
        """(passed, failed, what it said)"""
        file = str(SOURCE / row.test_file)
        test = self.of_file[file]
        command = [word for word in test["command"][:-1] if not word.startswith("--basetemp")]
        properties = {item["name"]: item["value"] for item in test["properties"]}
        with self.build.room(row, "run") as work:
            command += ["-x", f"--basetemp={work}/tmp", f"{file}::{row.test}"]
            environment = {**os.environ, **dict(word.split("=", 1) for word in properties["ENVIRONMENT"]), "BF_BAIFANG": str(program),
                           "BF_TEST_DIR": str(work), "BF_GUARD_S": str(UNTIL_S)}
            status, said = run_group(command, work, environment)
        return status == 0, status == 1 and re.search(r"^\d+ failed\b", said, re.M) is not None, said

    def passes_unmutated(self, row):
        """Rows may share a test: it runs once."""
        if (row.test_file, row.test) not in self.known:
            self.known[row.test_file, row.test] = self.run(row, self.build.directory / self.build.program_of(row))[0]
        return self.known[row.test_file, row.test]


def run_group(command, directory, environment):
    """(status, output). Should it hang, its servers go with it."""
    with subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          start_new_session=True) as process:
        try:
            said, _ = process.communicate(timeout=PYTEST_GUARD_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, _ = process.communicate()
    return process.returncode, said
