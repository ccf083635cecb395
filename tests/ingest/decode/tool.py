# SPDX-License-Identifier: Apache-2.0
"""Runs decode_tool and what judges it: programs that share no code with ours. Each test script collects its checks and ends by done()."""

import json
import os
import subprocess
import sys


class Tool:
    """One decode_tool process and its zygotes; used as a context manager. argv: DECODE_TOOL BAIFANG_DECODE WORK_DIRECTORY."""

    def __init__(self):
        os.makedirs(sys.argv[3], exist_ok=True)
        self.dir = sys.argv[3]
        self.failed = []
        self.passed = 0
        self.process = subprocess.Popen([sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()
        self.process.wait()

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def run(self, op, kind, path):
        """The verdict, with "out" naming the prefix of the parts."""
        out = self.path("out-" + os.path.basename(path))
        self.process.stdin.write(f"{op}\t{kind}\t{path}\t{out}\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()), out=out)

    def check(self, what, holds, *evidence):
        if holds:
            self.passed += 1
        else:
            self.failed.append(what)
            print("FAILED:", what, *evidence, flush=True)

    def done(self):
        print(f"{self.passed} passed, {len(self.failed)} failed")
        sys.exit(1 if self.failed else 0)


def sh(*args, ok=(0,)):
    """Output of a program, its standard error included; other exit statuses than `ok` end the test. One thread each:
    other tests run beside this one."""
    r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, OMP_NUM_THREADS="1"))
    if r.returncode not in ok:
        print("FAILED:", " ".join(map(str, args)), r.stdout.decode(errors="replace"))
        sys.exit(1)
    return r.stdout.decode(errors="replace")
