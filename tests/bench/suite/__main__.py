# SPDX-License-Identifier: Apache-2.0
"""make bench: each figure beside its baseline, turn by turn in one run, medians. Other work on the machine shifts both sides of a ratio alike.

  suite [NAME ...]     read create upload decode push idle ready office review digest mongo recovery move; all of them by default"""
import os
import shutil
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
RELEASE = os.path.join(ROOT, "build", "release")
os.environ["BF_BAIFANG"] = os.path.join(RELEASE, "main", "baifang")
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

import api  # noqa: E402
import decode  # noqa: E402
import digest  # noqa: E402
import idle  # noqa: E402
import mongo  # noqa: E402
import office  # noqa: E402
import push  # noqa: E402
import ready  # noqa: E402
import recovery  # noqa: E402
import review  # noqa: E402
import uploads  # noqa: E402
from figures import Figures  # noqa: E402
from service import Service  # noqa: E402

# In this order: `ready` wants a store that the others have filled.
PARTS = {"read": api.read, "create": api.create, "upload": uploads.measure, "decode": decode.measure, "push": push.measure, "idle": idle.measure,
         "ready": ready.measure, "office": office.measure,
         "review": review.measure, "digest": digest.measure, "mongo": mongo.measure, "recovery": recovery.measure, "move": mongo.move}


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"bench: {unknown[0]} is not one of {', '.join(PARTS)}", file=sys.stderr)
        return 2
    figures = Figures()
    directory = tempfile.mkdtemp(prefix="bench-", dir=os.path.join(ROOT, "build"))
    done = []
    try:
        with Service(directory, RELEASE) as service:
            for name, measure in PARTS.items():
                if not names or name in names:
                    done.append(figures.take(name, measure, service, figures))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        figures.close()
    return 0 if all(done) else 1


sys.exit(main(sys.argv[1:]))
