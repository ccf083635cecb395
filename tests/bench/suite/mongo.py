# SPDX-License-Identifier: Apache-2.0
"""The store on a MongoDB-compatible server beside the bare mongo-c-driver, on the same durable server."""
import os
import subprocess
import tempfile

# Name in the program's output: title, unit, what is judged (the ratio of ours to bare, at least or at most).
ROWS = {
    "create_per_s": ("durable create, 32 clients, 8 tenants, rate", "/s", "mongo_create", 0.7, True),
    "create_cpu_us": ("the same, CPU of the process", " us", "mongo_create_cpu", 1.3, False),
    "one_tenant_per_s": ("one tenant, beside one commit an entry", "/s", "mongo_combining", 3, True),
    "get_per_s": ("read by id, rate", "/s", "mongo_get", 0.8, True),
    "get_cpu_us": ("the same, CPU of the process", " us", "mongo_get_cpu", 1.3, False),
    "page_per_s": ("page of 50 in 100,000, rate", "/s", "mongo_page", 0.8, True),
    "upload_mb_s": ("upload of 16 MB, 4 clients, 4 MB chunks (bare: GridFS)", " MB/s", "mongo_upload", 0.7, True),
}


def run(service, program):
    """What the program says, on a durable server of its own."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    with tempfile.TemporaryDirectory(dir=service.directory) as folder:
        done = subprocess.run([os.path.join(root, "tests", "mongo", "with-server"), service.program("tests", "bench", "mongo", program), folder],
                              env={**os.environ, "FSYNC": "on"}, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def move(service, figures):
    """A box moved to the database, killed among its files and done again: printed, since the goal is that it arrives."""
    for line in run(service, "move_bench"):
        name, seconds, said = line.split(" ", 2)
        figures.row(f"move to MongoDB: {name.replace('_', ' ')}", f"{float(seconds):,.0f} s")
        figures.note(said)


def measure(service, figures):
    for line in run(service, "mongo_bench"):
        words = line.split()
        if not words or words[0] not in ROWS:
            continue
        title, unit, name, goal, at_least = ROWS[words[0]]
        ours, bare = float(words[1]), float(words[2])
        figures.row(f"MongoDB: {title}", f"{ours:,.0f}{unit}", f"{bare:,.0f}{unit}", ours / bare)
        figures.judge(name, ours / bare, goal, at_least=at_least)
