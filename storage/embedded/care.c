/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints, verification of the index keys, and the online copy of the database. */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/embedded/embedded.h"
#include "storage/embedded/key.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

/* A passive checkpoint (it waits for nobody) from 16 MB of WAL on; when readers kept it from the end for long, one that waits for them. */
enum { WAL_PAGES = 4000, WAL_PAGES_LONG = 32000 };

enum bf_status bf__tidy(struct bf_session *s, bool truncate, struct bf_error *e)
{
    int mode = truncate                         ? SQLITE_CHECKPOINT_TRUNCATE
               : s->wal_pages >= WAL_PAGES_LONG ? SQLITE_CHECKPOINT_RESTART
                                                : SQLITE_CHECKPOINT_PASSIVE;
    if (!truncate && s->wal_pages < WAL_PAGES)
        return BF_OK;
    int rc = sqlite3_wal_checkpoint_v2(s->sql, NULL, mode, NULL, NULL);
    s->wal_pages = 0;
    if (rc == SQLITE_OK || rc == SQLITE_BUSY)
        return BF_OK;
    /* After a failed sync of the database the kernel may have dropped the pages: a checkpoint that succeeds later must not free the log
     * that holds them. */
    struct bf_error cause = {0};
    enum bf_status status = bf__sql_fail(s, &cause, "checkpoint");
    bf__distrust(s);
    return bf_fail(e, status == BF_E_IO ? BF_E_UNKNOWN_OUTCOME : status, "%s", cause.cause);
}

enum bf_status bf__settle_log(struct bf_session *s, struct bf_error *e)
{
    if (sqlite3_wal_checkpoint_v2(s->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
        return BF_OK;
    enum bf_status status = bf__sql_fail(s, e, "recovering the write-ahead log");
    bf__distrust(s);
    return status;
}

/* ---- keys ---- */

enum { BATCH = 500 };

struct checker {
    struct bf_session *s;
    const struct bf_check *check;
    const struct bf__table *t;
    unsigned index;
    bool faulty;
};

static void fault(struct checker *c, const char *what, const uint8_t *id)
{
    char line[240], hex[33] = "";
    if (id != NULL)
        bf_hex(id, 16, hex);
    snprintf(line, sizeof line, "%s, index %s: %s %s", c->t->coll->name, c->t->coll->indexes[c->index]->name, what, hex);
    c->check->say(c->check->ctx, line);
    c->check->report->faults++;
    c->faulty = true;
}

/* Each key of one document must be there and name its row. Returns how many it should have. */
static enum bf_status check_document(struct checker *c, struct bf_str key, struct bf_str bytes, int64_t row, struct bf_arena *arena,
                                     int64_t *expected, struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_uuid tenant, id;
    sqlite3_stmt *st;
    memcpy(tenant.b, key.p, 16);
    memcpy(id.b, key.p + 16, 16);
    enum bf_status status = bf__bson_decode(arena, c->t->coll->schema, tenant, id, bytes, &doc, NULL);
    if (status != BF_OK)
        return BF_OK; /* told where documents are checked */
    status = bf__prepare(c->s, bf__index_slot(c->t, c->index, SQL_IX_GET), &st, e);
    struct bf__keys_of keys = bf__index_keys(arena, c->t->coll->indexes[c->index], doc);
    for (unsigned i = 0; i < keys.n && status == BF_OK; i++) {
        bf__bind(st, 1, keys.keys[i]);
        int rc = sqlite3_step(st);
        if (rc == SQLITE_DONE)
            fault(c, "no key for document", id.b);
        else if (rc == SQLITE_ROW && sqlite3_column_int64(st, 0) != row)
            fault(c, "a key names another row than that of document", id.b);
        else if (rc != SQLITE_ROW)
            status = bf__sql_fail(c->s, e, "checking an index");
        sqlite3_reset(st);
    }
    *expected += keys.n;
    return status;
}

static enum bf_status check_batch(struct checker *c, sqlite3_stmt *scan, uint8_t last[BF__DOC_KEY], unsigned *ret_n, int64_t *expected,
                                  struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = BF_OK;
    int rc = SQLITE_DONE;
    *ret_n = 0;
    while (status == BF_OK && (rc = sqlite3_step(scan)) == SQLITE_ROW) {
        struct bf_str key = bf__column_dup(scan, 0, arena);
        if (key.n == BF__DOC_KEY) {
            status = check_document(c, key, bf__column_dup(scan, 1, arena), sqlite3_column_int64(scan, 2), arena, expected, e);
            memcpy(last, key.p, BF__DOC_KEY);
        }
        ++*ret_n;
    }
    if (status == BF_OK && rc != SQLITE_DONE)
        status = bf__sql_fail(c->s, e, "checking an index");
    sqlite3_reset(scan);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status count_rows(struct checker *c, int64_t *ret, struct bf_error *e)
{
    char text[160];
    sqlite3_stmt *st;
    snprintf(text, sizeof text, "SELECT count(*) FROM x_%s__%s", c->t->coll->name, c->t->coll->indexes[c->index]->name);
    if (sqlite3_prepare_v2(c->s->sql, text, -1, &st, NULL) != SQLITE_OK)
        return bf__sql_fail(c->s, e, "checking an index");
    enum bf_status status = sqlite3_step(st) == SQLITE_ROW ? BF_OK : bf__sql_fail(c->s, e, "checking an index");
    *ret = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return status;
}

/* Every key that should be there is, and there are no more of them than that: then none is left over. */
static enum bf_status check_index(struct checker *c, struct bf_error *e)
{
    char text[160];
    uint8_t last[BF__DOC_KEY];
    sqlite3_stmt *scan;
    int64_t expected = 0, rows = 0;
    unsigned n = 1;
    bool begun = false;
    snprintf(text, sizeof text, "SELECT k, d, r FROM d_%s WHERE k > ?1 ORDER BY k LIMIT ?2", c->t->coll->name);
    if (sqlite3_prepare_v2(c->s->sql, text, -1, &scan, NULL) != SQLITE_OK)
        return bf__sql_fail(c->s, e, "checking an index");
    enum bf_status status = BF_OK;
    while (n > 0 && status == BF_OK) {
        bf__bind(scan, 1, bf_str((char *)last, begun ? BF__DOC_KEY : 0));
        sqlite3_bind_int(scan, 2, BATCH);
        begun = true;
        status = check_batch(c, scan, last, &n, &expected, e);
    }
    sqlite3_finalize(scan);
    if (status == BF_OK)
        status = count_rows(c, &rows, e);
    if (status == BF_OK && rows != expected && !c->faulty)
        fault(c, "keys of no document", NULL);
    c->check->report->keys += rows;
    return status;
}

static enum bf_status mend_index(struct checker *c, struct bf_error *e)
{
    int64_t keys;
    enum bf_status status = bf__exec(c->s, e, "BEGIN IMMEDIATE");
    if (status != BF_OK)
        return status;
    status = bf__index_build(c->s, c->t, c->index, &keys, e);
    if (status == BF_OK)
        status = bf__exec(c->s, e, "COMMIT");
    else
        bf__exec(c->s, NULL, "ROLLBACK");
    if (status == BF_OK)
        c->check->report->mended++;
    return status;
}

static enum bf_status check_database(struct bf_session *s, const struct bf_check *check, struct bf_error *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(s->sql, "PRAGMA quick_check(20)", -1, &st, NULL) != SQLITE_OK)
        return bf__sql_fail(s, e, "checking the database");
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(st, 0);
        if (strcmp(line, "ok") == 0)
            continue;
        check->say(check->ctx, line);
        check->report->faults++;
    }
    enum bf_status status = rc == SQLITE_DONE ? BF_OK : bf__sql_fail(s, e, "checking the database");
    sqlite3_finalize(st);
    return status;
}

enum bf_status bf__check_keys(struct bf_session *s, const struct bf_check *check, struct bf_error *e)
{
    enum bf_status status = check_database(s, check, e);
    for (unsigned i = 0; i < s->db->n_tables && status == BF_OK; i++) {
        for (unsigned j = 0; j < s->db->tables[i].coll->n_indexes && status == BF_OK; j++) {
            struct checker c = {.s = s, .check = check, .t = &s->db->tables[i], .index = j};
            status = check_index(&c, e);
            if (status == BF_OK && c.faulty && check->mend)
                status = mend_index(&c, e);
        }
    }
    return status;
}

/* ---- backup ---- */

enum { BACKUP_PAGES = 2000 };

struct bf__copy {
    struct bf__copy *next; /* of the session's */
    sqlite3 *to;
    sqlite3_backup *run;
    char path[4096];
};

static enum bf_status backup_fail(struct bf__copy *b, struct bf_error *e, int rc)
{
    return bf_fail(e, (rc & 0xff) == SQLITE_FULL ? BF_E_NO_SPACE : BF_E_IO, "copying to %s: %s", b->path, sqlite3_errstr(rc));
}

static enum bf_status backup_start(struct bf_session *s, const char *to, struct bf__copy *b, struct bf_error *e)
{
    snprintf(b->path, sizeof b->path, "%s/store.db", to);
    int rc = sqlite3_open_v2(b->path, &b->to, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (rc != SQLITE_OK)
        return backup_fail(b, e, rc);
    b->run = sqlite3_backup_init(b->to, "main", s->sql, "main");
    return b->run != NULL ? BF_OK : backup_fail(b, e, sqlite3_errcode(b->to));
}

static enum bf_status backup_end(struct bf_session *s, struct bf__copy *b, struct bf_error *e)
{
    LL_DELETE(s->copies, b);
    int rc = b->run == NULL ? SQLITE_OK : sqlite3_backup_finish(b->run);
    int closed = sqlite3_close(b->to);
    enum bf_status status = rc == SQLITE_OK ? BF_OK : backup_fail(b, e, rc);
    assert(closed == SQLITE_OK);
    (void)closed;
    int fd = open(b->path, O_RDONLY | O_CLOEXEC);
    if (status == BF_OK && (fd < 0 || fsync(fd) < 0))
        status = bf_fail_errno(e, BF_E_IO, errno, "syncing %s", b->path);
    if (fd >= 0)
        close(fd);
    free(b);
    return status;
}

/* The copy is made on the writer's connection, so what commits between two steps is copied along and the copy ends equal to the last
 * commit. */
enum bf_status bf__backup(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e)
{
    struct bf__copy *b = *state;
    enum bf_status status = BF_OK;
    *done = false;
    if (b == NULL) {
        b = *state = calloc(1, sizeof *b);
        if (b == NULL)
            abort();
        LL_PREPEND(s->copies, b);
        status = backup_start(s, to, b, e);
    }
    if (status == BF_OK) {
        int rc = sqlite3_backup_step(b->run, BACKUP_PAGES);
        if (rc == SQLITE_OK)
            return BF_OK;
        if (rc != SQLITE_DONE)
            status = backup_fail(b, e, rc);
    }
    enum bf_status ended = backup_end(s, b, status == BF_OK ? e : NULL);
    *state = NULL;
    *done = true;
    return status != BF_OK ? status : ended;
}

void bf__copies_give_up(struct bf_session *s)
{
    while (s->copies != NULL)
        backup_end(s, s->copies, NULL);
}
