# SPDX-License-Identifier: Apache-2.0
"""The review page in a real Chromium (tests/bench/review): first opening over a slow line, what its scripts weigh, and from approving a contract to the next one."""
import json
import os
import subprocess

from baifang import PASSWORD
from figures import median

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CONTRACTS, LOADS = 26, 3  # as many approvals as contracts but one
GUARD_S = 600


def photos(folder):
    """Pages as large as a phone's, each unlike all others."""
    os.makedirs(folder)
    paths = [os.path.join(folder, f"{n}.jpg") for n in range(CONTRACTS)]
    for n, path in enumerate(paths):
        subprocess.run(["convert", "-size", f"{1200 + n}x1600", "-seed", str(n + 1), "plasma:fractal", "-quality", "82", path], check=True)
    return paths


def measure(service, figures):
    company = service.server.company()
    company.add("shen", "沈复核", "reviewer", company.team)
    job = {"url": service.server.url(), "tenant": company.code, "password": PASSWORD, "photos": photos(os.path.join(service.directory, "photos")), "loads": LOADS}
    node = os.path.join(ROOT, "build", "node")
    done = subprocess.run([os.path.join(node, "bin", "node"), os.path.join(ROOT, "tests", "bench", "review", "review.js"), "measure"], input=json.dumps(job),
                          capture_output=True, text=True, timeout=GUARD_S, check=False,
                          env={**os.environ, "BF_SOURCE_DIR": ROOT, "NODE_PATH": os.path.join(node, "node_modules"), "NODE_TLS_REJECT_UNAUTHORIZED": "0",
                               "NODE_NO_WARNINGS": "1"})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, scripts, following = median(found["item"]) / 1000, sum(found["scripts"]), median(found["next"])
    figures.row("review page, first item painted, 50 kB/s, 600 ms", f"{first:.2f} s")
    figures.note(f"from {min(found['item']) / 1000:.2f} to {max(found['item']) / 1000:.2f} s; that contract is open after {median(found['open']) / 1000:.2f} s")
    figures.row(f"its {len(found['scripts'])} scripts, packed", f"{scripts} B")
    figures.row("approval to the next contract painted", f"{following:.0f} ms")
    figures.note(f"median of {len(found['next'])}, the slowest {max(found['next']):.0f} ms")
    figures.judge("review_first_s", first, 3.5)
    figures.judge("review_scripts_b", scripts, 40_000)
    figures.judge("review_next_ms", following, 100)
