# SPDX-License-Identifier: Apache-2.0
"""What proofs cannot do without. Where the machine does not allow it, nothing was proven: that fails, unless BF_ALLOW_SKIPS=1 says that it is known."""
import os
import shutil
import subprocess

import pytest


def demand(possible, what):
    if not possible:
        told = pytest.skip if os.environ.get("BF_ALLOW_SKIPS") == "1" else pytest.fail
        told(f"not run: {what} (BF_ALLOW_SKIPS=1 lets such tests be skipped)")


def demand_strace():
    """strace that may trace, and inject faults."""
    demand(shutil.which("strace") and subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=sync:signal=KILL", "true"], capture_output=True,
                                                     check=False).returncode == 0, "strace is not installed, or tracing is not permitted here")
