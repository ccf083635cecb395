# SPDX-License-Identifier: Apache-2.0
"""All that a server keeps, read from its files: what is not in the log too (sessions, uploads, credentials)."""
import contextlib
import pathlib
import sqlite3

MOVING = ("d_views", "d_cursors")  # who was shown what, and how far jobs have read the log


def everything(server):
    """{where: bytes}, to be compared."""
    store = pathlib.Path(server.data, "store")
    with contextlib.closing(sqlite3.connect(f"file:{store / 'store.db'}?mode=ro", uri=True)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'd\\_%' ESCAPE '\\'")]
        rows = {(name, bytes(key)): bytes(doc) for name in tables if name not in MOVING for key, doc in db.execute(f"SELECT k, d FROM {name}")}
    media = {path: path.read_bytes() for folder in ("stages", "blobs") for path in (store / folder).rglob("*") if path.is_file()}
    assert any(where[0] == "d_sessions" for where in rows) and media, "the places were looked at"
    return {**rows, **media}


def difference(before, after):
    return {where: (before.get(where), after.get(where)) for where in before.keys() | after.keys() if before.get(where) != after.get(where)}
