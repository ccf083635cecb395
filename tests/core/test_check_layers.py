#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/check-layers finds each kind of fault, and nothing where there is none. Usage: test_check_layers.py TOOL"""
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = sys.argv.pop(1)
HEADERS = """core/str.h core/utf8.h core/http/loop.h storage/storage.h storage/embedded/db.h storage/internal.h crm/visit.h
    access/call.h gateway/api.h push/push.h tests/test.h""".split()
ALLOWED = [line.split(maxsplit=1) for line in """
gateway/a.c          #include "access/call.h"
access/a.c           #include "crm/visit.h"
storage/a.c          #include "core/str.h"
storage/a.c          #include "storage/internal.h"
storage/media/a.c    #include "storage/internal.h"
main/a.c             #include "gateway/api.h"
core/text.c          #include "core/utf8.h"
core/http/a.c        #include <h2o.h>
storage/embedded/a.c #include <sqlite3.h>
core/json_read.c     #include <jansson.h>
push/a.c             #include <sys/socket.h>
push/a.c             #include <uthash.h>
storage/a.c          #include <bson/bson.h>
""".strip().splitlines()]
FORBIDDEN = [line.split(maxsplit=1) for line in """
core/a.c             #include "storage/storage.h"
storage/a.c          #include "crm/visit.h"
crm/a.c              #include "storage/storage.h"
gateway/a.h          #include "push/push.h"
access/a.c           #include "gateway/api.h"
push/a.c             #  include "gateway/api.h"
gateway/a.c          #include "storage/embedded/db.h"
access/a.c           #include "storage/internal.h"
gateway/a.c          #include "core/http/loop.h"
crm/a.c              #include "core/utf8.h"
main/a.c             #include "tests/test.h"
gateway/a.c          #include "api.h"
gateway/a.c          #include <h2o.h>
gateway/a.c          #include <h2o/http2.h>
storage/a.c          #include <sqlite3.h>
gateway/a.c          #include <jansson.h>
core/a.c             #include <jansson.h>
push/a.c             #include <curl/curl.h>
access/a.c           #include <bson.h>
ingest/a.c           #include <webp/decode.h>
crm/a.c              #include <sodium.h>
core/a.c             #include <glib.h>
""".strip().splitlines()]


def judge(path, line):
    """The tool's verdict on a tree whose one source file holds `line`."""
    with tempfile.TemporaryDirectory() as root:
        for name in HEADERS + [path]:
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            open(os.path.join(root, name), "w").close()
        with open(os.path.join(root, path), "w") as file:
            file.write("/* a comment */\n" + line + "\n")
        done = subprocess.run([sys.executable, TOOL, root], stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.splitlines()


class Layers(unittest.TestCase):
    def test_what_the_design_allows_is_no_fault(self):
        for path, line in ALLOWED:
            code, lines = judge(path, line)
            self.assertEqual((code, lines[:-1]), (0, []), (path, line))

    def test_each_forbidden_include_is_named_with_its_line(self):
        for path, line in FORBIDDEN:
            code, lines = judge(path, line)
            self.assertEqual((code, len(lines)), (1, 2), (path, line))
            self.assertTrue(lines[0].startswith(path + ":2: "), lines)

    def test_a_tree_without_sources_is_no_success(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(subprocess.run([sys.executable, TOOL, root], stdout=subprocess.DEVNULL).returncode, 1)


if __name__ == "__main__":
    unittest.main()
