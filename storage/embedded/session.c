/* SPDX-License-Identifier: Apache-2.0 */
/* A connection and its statements. */
#include "core/arena.h"
#include "storage/embedded/embedded.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SQL_TEXT_MAX = 512, WRITER_CACHE_KIB = 64 * 1024, READER_CACHE_KIB = 16 * 1024 };

static const char *const global_sql[SQL_GLOBALS] = {
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_LOG_INSERT] = "INSERT INTO log(k, h, l, p) VALUES(?1, ?2, ?3, ?4)",
    [SQL_LOG_READ] = "SELECT k, h, l, p FROM log WHERE k > ?1 AND k <= ?2 ORDER BY k LIMIT ?3",
    [SQL_LOG_READ_HEADERS] = "SELECT k, h, l FROM log WHERE k > ?1 AND k <= ?2 ORDER BY k LIMIT ?3",
    [SQL_LOG_LAST] = "SELECT k, h, l FROM log WHERE k > ?1 AND k <= ?2 ORDER BY k DESC LIMIT 1",
    [SQL_LOG_NEXT] = "SELECT k FROM log WHERE k > ?1 ORDER BY k LIMIT 1",
    [SQL_LOG_REQUEST] = "SELECT n FROM log_requests WHERE k = ?1",
    [SQL_LOG_REQUEST_INSERT] = "INSERT INTO log_requests(k, n) VALUES(?1, ?2)",
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SQL_META_SET] = "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)",
};

static const char *const doc_sql[SQL_DOCS] = {
    [SQL_DOC_GET] = "SELECT d FROM d_%s WHERE k = ?1",
    [SQL_DOC_ROW] = "SELECT r FROM d_%s WHERE k = ?1",
    [SQL_DOC_INSERT] = "INSERT INTO d_%s(k, d) VALUES(?1, ?2)",
    [SQL_DOC_UPDATE] = "UPDATE d_%s SET d = ?2 WHERE k = ?1",
    [SQL_DOC_DELETE] = "DELETE FROM d_%s WHERE k = ?1",
    [SQL_DOC_ASC] = "SELECT k, d FROM d_%s WHERE k >= ?1 AND k < ?2 ORDER BY k LIMIT ?3",
    [SQL_DOC_DESC] = "SELECT k, d FROM d_%s WHERE k >= ?1 AND k < ?2 ORDER BY k DESC LIMIT ?3",
};

/* %1$s: collection, %2$s: index. CROSS JOIN keeps the index outside. */
static const char *const index_sql[SQL_INDEXES] = {
    [SQL_IX_ASC] =
        "SELECT x.k, d.d FROM x_%1$s__%2$s x CROSS JOIN d_%1$s d ON d.r = x.r WHERE x.k >= ?1 AND x.k < ?2 ORDER BY x.k LIMIT ?3",
    [SQL_IX_DESC] =
        "SELECT x.k, d.d FROM x_%1$s__%2$s x CROSS JOIN d_%1$s d ON d.r = x.r WHERE x.k >= ?1 AND x.k < ?2 ORDER BY x.k DESC LIMIT ?3",
    [SQL_IX_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM x_%1$s__%2$s WHERE k >= ?1 AND k < ?2 LIMIT ?3)",
    [SQL_IX_GET] = "SELECT r FROM x_%1$s__%2$s WHERE k = ?1",
    [SQL_IX_INSERT] = "INSERT OR REPLACE INTO x_%1$s__%2$s(k, r) VALUES(?1, ?2)",
    [SQL_IX_DELETE] = "DELETE FROM x_%1$s__%2$s WHERE k = ?1",
};

enum bf_status bf__sql_fail(struct bf_session *s, struct bf_error *e, const char *doing)
{
    int code = sqlite3_extended_errcode(s->sql);
    enum bf_status status = BF_E_INTERNAL;
    switch (code & 0xff) {
    case SQLITE_FULL:
        status = BF_E_NO_SPACE;
        break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        status = BF_E_IO;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        status = BF_E_CORRUPT;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        status = BF_E_UNAVAILABLE;
        break;
    case SQLITE_CONSTRAINT:
        status = BF_E_EXISTS;
        break;
    default:
        break;
    }
    return bf_fail(e, status, "%s: %.120s (SQLite %d)", doing, sqlite3_errmsg(s->sql), code);
}

enum bf_status bf__exec(struct bf_session *s, struct bf_error *e, const char *fmt, ...)
{
    char text[SQL_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    assert(n > 0 && n < (int)sizeof text);
    return sqlite3_exec(s->sql, text, NULL, NULL, NULL) == SQLITE_OK ? BF_OK : bf__sql_fail(s, e, "storage");
}

const struct bf__table *bf__table_of(const struct bf__embedded *db, const struct bf_collection *coll)
{
    for (unsigned i = 0; i < db->n_tables; i++)
        if (db->tables[i].coll == coll)
            return &db->tables[i];
    assert(!"the collection was declared when the store was opened");
    return NULL;
}

static void sql_text(const struct bf__embedded *db, unsigned slot, char *out)
{
    int n;
    const struct bf__table *t = &db->tables[db->n_tables - 1];
    if (slot < SQL_GLOBALS) {
        n = snprintf(out, SQL_TEXT_MAX, "%s", global_sql[slot]);
    } else {
        while (t->slot > slot)
            t--;
        unsigned kind = slot - t->slot;
        if (kind < SQL_DOCS)
            n = snprintf(out, SQL_TEXT_MAX, doc_sql[kind], t->coll->name);
        else
            n = snprintf(out, SQL_TEXT_MAX, index_sql[(kind - SQL_DOCS) % SQL_INDEXES], t->coll->name,
                         t->coll->indexes[(kind - SQL_DOCS) / SQL_INDEXES]->name);
    }
    assert(n > 0 && n < SQL_TEXT_MAX);
}

enum bf_status bf__prepare(struct bf_session *s, unsigned slot, sqlite3_stmt **ret, struct bf_error *e)
{
    assert(slot < s->db->n_slots);
    if (s->statements[slot] == NULL) {
        char text[SQL_TEXT_MAX];
        sql_text(s->db, slot, text);
        if (sqlite3_prepare_v3(s->sql, text, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[slot], NULL) != SQLITE_OK)
            return bf__sql_fail(s, e, "preparing");
    }
    *ret = s->statements[slot];
    return BF_OK;
}

void bf__bind(sqlite3_stmt *st, int at, struct bf_str bytes)
{
    int rc = sqlite3_bind_blob64(st, at, bytes.p == NULL ? "" : bytes.p, bytes.n, SQLITE_STATIC);
    assert(rc == SQLITE_OK);
    (void)rc;
}

struct bf_str bf__column(sqlite3_stmt *st, int at)
{
    const char *p = sqlite3_column_blob(st, at);
    return bf_str(p, (size_t)sqlite3_column_bytes(st, at));
}

struct bf_str bf__column_dup(sqlite3_stmt *st, int at, struct bf_arena *arena) { return bf_str_dup(arena, bf__column(st, at)); }

enum bf_status bf__run(struct bf_session *s, sqlite3_stmt *st, struct bf_error *e, const char *doing)
{
    enum bf_status status = sqlite3_step(st) == SQLITE_DONE ? BF_OK : bf__sql_fail(s, e, doing);
    sqlite3_reset(st);
    return status;
}

bool bf__snapshot_begin(struct bf_session *s)
{
    sqlite3_stmt *st;
    if (!sqlite3_get_autocommit(s->sql))
        return false;
    return bf__prepare(s, SQL_BEGIN_READ, &st, NULL) == BF_OK && bf__run(s, st, NULL, "begin") == BF_OK;
}

void bf__snapshot_end(struct bf_session *s, bool begun)
{
    sqlite3_stmt *st;
    if (begun && bf__prepare(s, SQL_COMMIT, &st, NULL) == BF_OK)
        bf__run(s, st, NULL, "end");
}

static int note_wal(void *ctx, sqlite3 *sql, const char *name, int pages)
{
    struct bf_session *s = ctx;
    (void)sql;
    (void)name;
    s->wal_pages = pages;
    return SQLITE_OK;
}

/* Where SQLite cannot have a write-ahead log (no shared memory on this file system) it stays in another mode and says so, as no error. */
static enum bf_status set_up_log(struct bf_session *s, struct bf_error *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(s->sql, "PRAGMA journal_mode=WAL", -1, &st, NULL) != SQLITE_OK)
        return bf__sql_fail(s, e, "opening the database");
    enum bf_status status = sqlite3_step(st) == SQLITE_ROW ? BF_OK : bf__sql_fail(s, e, "opening the database");
    const char *mode = status == BF_OK ? (const char *)sqlite3_column_text(st, 0) : "";
    if (status == BF_OK && strcmp(mode, "wal") != 0)
        status = bf_fail(e, BF_E_CONFIG, "%s: the file system allows no write-ahead log (journal mode %s): put the store on a local disk",
                         s->db->path, mode);
    sqlite3_finalize(st);
    return status;
}

static enum bf_status set_up_writer(struct bf_session *s, struct bf_error *e)
{
    enum bf_status status = bf__exec(s, e, "PRAGMA page_size=4096");
    if (status == BF_OK)
        status = set_up_log(s, e);
    if (status == BF_OK)
        status = bf__exec(s, e, "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON");
    if (status == BF_OK)
        status = bf__exec(s, e, "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY", WRITER_CACHE_KIB);
    sqlite3_wal_hook(s->sql, note_wal, s);
    return status;
}

static enum bf_status set_up_reader(struct bf_session *s, struct bf_error *e)
{
    int set = 0;
    if (sqlite3_db_config(s->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &set) != SQLITE_OK || !set)
        return bf__sql_fail(s, e, "opening a reader");
    return bf__exec(s, e, "PRAGMA query_only=ON; PRAGMA cache_size=-%d; PRAGMA temp_store=MEMORY", READER_CACHE_KIB);
}

enum bf_status bf__session_open(struct bf__embedded *db, struct bf_session *s, bool writer, struct bf_error *e)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE | (writer ? SQLITE_OPEN_CREATE : 0);
    *s = (struct bf_session){.db = db};
    int rc = sqlite3_open_v2(db->path, &s->sql, flags, NULL);
    if (rc != SQLITE_OK) {
        enum bf_status status = bf_fail(e, BF_E_IO, "opening %s: %s", db->path, sqlite3_errstr(rc));
        sqlite3_close(s->sql);
        s->sql = NULL;
        return status;
    }
    s->statements = calloc(db->n_slots, sizeof(sqlite3_stmt *));
    if (s->statements == NULL)
        abort();
    sqlite3_busy_timeout(s->sql, BF__BUSY_MS);
    return writer ? set_up_writer(s, e) : set_up_reader(s, e);
}

void bf__distrust(struct bf_session *s) { sqlite3_db_config(s->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); }

void bf__session_close(struct bf_session *s)
{
    if (s->sql == NULL)
        return;
    for (unsigned i = 0; i < s->db->n_slots; i++)
        sqlite3_finalize(s->statements[i]);
    free(s->statements);
    bf__copies_give_up(s);
    int rc = sqlite3_close(s->sql);
    assert(rc == SQLITE_OK);
    (void)rc;
    *s = (struct bf_session){0};
}
