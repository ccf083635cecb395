/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifying the database: rows as they lie there, SQLite's own structure, and index keys against documents.
 *
 * Keys are checked both ways, in slices that each see one snapshot: every document has its keys, and every key is one of the document that
 * it names. To mend is to write the key that is missing and to delete the one that is nobody's.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/embedded/embedded.h"
#include "storage/embedded/key.h"
#include <assert.h>
#include <stdio.h>

enum { SLICE = 200, TEXT_MAX = 256, PROGRESS_STEPS = 100000 };

/* ---- rows ---- */

static enum bf_status prepare(struct bf_session *s, const char *text, sqlite3_stmt **ret, struct bf_error *e)
{
    return sqlite3_prepare_v2(s->sql, text, -1, ret, NULL) == SQLITE_OK ? BF_OK : bf__sql_fail(s, e, "checking");
}

static struct bf_row row_of(sqlite3_stmt *st, const struct bf_collection *coll, struct bf_arena *arena)
{
    struct bf_row row = {.doc = NULL};
    struct bf_str key = bf__column(st, 0);
    memcpy(row.tenant.b, key.p, 16);
    memcpy(row.id.b, key.p + 16, 16);
    if (bf__bson_decode(arena, coll->schema, row.tenant, row.id, bf__column_dup(st, 1, arena), &row.doc, NULL) != BF_OK)
        row.doc = NULL;
    return row;
}

/* Rows whose key has another size have no id: check_keys tells of them. */
enum bf_status bf__scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                        struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e)
{
    char text[TEXT_MAX];
    uint8_t key[BF__DOC_KEY];
    sqlite3_stmt *st;
    int rc;
    unsigned n = 0;
    snprintf(text, sizeof text, "SELECT k, d FROM d_%s WHERE k > ?1 AND length(k) = %d ORDER BY k LIMIT ?2", coll->name, BF__DOC_KEY);
    enum bf_status status = prepare(s, text, &st, e);
    if (status != BF_OK)
        return status;
    if (after != NULL)
        bf__doc_key(after->tenant, after->id, key);
    bf__bind(st, 1, bf_str((char *)key, after == NULL ? 0 : sizeof key));
    sqlite3_bind_int64(st, 2, limit);
    struct bf_row *rows = bf_arena_alloc(arena, limit * sizeof *rows);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        rows[n++] = row_of(st, coll, arena);
    status = rc == SQLITE_DONE ? BF_OK : bf__sql_fail(s, e, "checking documents");
    sqlite3_finalize(st);
    if (status == BF_OK) {
        *ret = rows;
        *ret_n = n;
    }
    return status;
}

/* ---- SQLite's own structure ---- */

static int is_stopped(void *stop) { return atomic_load((const atomic_bool *)stop); }

static void tell(const struct bf_check *check, const char *line)
{
    if (check->say != NULL)
        check->say(check->ctx, line);
    check->report->faults++;
}

enum bf_status bf__check_whole(struct bf_session *s, const struct bf_check *check, struct bf_error *e)
{
    sqlite3_stmt *st;
    int rc;
    enum bf_status status = prepare(s, "PRAGMA quick_check(20)", &st, e);
    if (status != BF_OK)
        return status;
    if (check->stop != NULL)
        sqlite3_progress_handler(s->sql, PROGRESS_STEPS, is_stopped, (void *)(uintptr_t)check->stop);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(st, 0);
        if (strcmp(line, "ok") != 0)
            tell(check, line);
    }
    if ((rc & 0xff) == SQLITE_INTERRUPT)
        status = bf_fail(e, BF_E_CANCELLED, "the check was stopped");
    else if (rc != SQLITE_DONE)
        status = bf__sql_fail(s, e, "checking the database");
    sqlite3_finalize(st);
    sqlite3_progress_handler(s->sql, 0, NULL, NULL);
    return status;
}

/* ---- keys ---- */

struct slice {
    struct bf_session *s;
    const struct bf_check *check;
    const struct bf__table *t;
    int index; /* -1: from documents to keys; else from this index's keys to documents */
    struct bf_arena *arena;
    struct raw {
        struct bf_str key, bytes;
        int64_t row;
    } rows[SLICE];
    unsigned n;
};

static void say_fault(struct slice *sl, int index, const char *what, struct bf_str id)
{
    char line[240], hex[2 * BF__DOC_KEY + 1] = "";
    if (id.n <= BF__DOC_KEY)
        bf_hex((const uint8_t *)id.p, id.n, hex);
    snprintf(line, sizeof line, "%s%s%s: %s %s", sl->t->coll->name, index < 0 ? "" : ", index ",
             index < 0 ? "" : sl->t->coll->indexes[index]->name, what, hex);
    tell(sl->check, line);
}

/* Says it; true when it is to be mended, which counts as done: else the slice is undone as a whole. */
static bool fault(struct slice *sl, int index, const char *what, struct bf_str id)
{
    say_fault(sl, index, what, id);
    sl->check->report->mended += sl->check->mend;
    return sl->check->mend;
}

static enum bf_status load(struct slice *sl, struct bf_str after, struct bf_error *e)
{
    char text[TEXT_MAX];
    sqlite3_stmt *st;
    int rc;
    if (sl->index < 0)
        snprintf(text, sizeof text, "SELECT k, d, r FROM d_%s WHERE k > ?1 ORDER BY k LIMIT %d", sl->t->coll->name, SLICE);
    else
        snprintf(text, sizeof text, "SELECT k, NULL, r FROM x_%s__%s WHERE k > ?1 ORDER BY k LIMIT %d", sl->t->coll->name,
                 sl->t->coll->indexes[sl->index]->name, SLICE);
    enum bf_status status = prepare(sl->s, text, &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, after);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        sl->rows[sl->n++] =
            (struct raw){bf__column_dup(st, 0, sl->arena), bf__column_dup(st, 1, sl->arena), sqlite3_column_int64(st, 2)};
    status = rc == SQLITE_DONE ? BF_OK : bf__sql_fail(sl->s, e, "checking keys");
    sqlite3_finalize(st);
    return status;
}

static enum bf_status change_key(struct slice *sl, int index, enum bf__index_sql kind, struct bf_str key, int64_t row, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(sl->s, bf__index_slot(sl->t, (unsigned)index, kind), &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, key);
    if (kind == SQL_IX_INSERT)
        sqlite3_bind_int64(st, 2, row);
    return bf__run(sl->s, st, e, "mending a key");
}

/* The key must be there and name the row. */
static enum bf_status check_key(struct slice *sl, int index, struct bf_str key, const struct raw *raw, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(sl->s, bf__index_slot(sl->t, (unsigned)index, SQL_IX_GET), &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, key);
    int rc = sqlite3_step(st);
    bool right = rc == SQLITE_ROW && sqlite3_column_int64(st, 0) == raw->row;
    status = rc == SQLITE_ROW || rc == SQLITE_DONE ? BF_OK : bf__sql_fail(sl->s, e, "checking keys");
    sqlite3_reset(st);
    if (status != BF_OK || right)
        return status;
    const char *what = rc == SQLITE_DONE ? "no key for document" : "a key names another row than that of document";
    return fault(sl, index, what, bf_str(raw->key.p + 16, 16)) ? change_key(sl, index, SQL_IX_INSERT, key, raw->row, e) : BF_OK;
}

/* Nobody knows whose it is. Where it may be of the business, a person decides. */
static enum bf_status check_nameless(struct slice *sl, const struct raw *raw, struct bf_error *e)
{
    static const char what[] = "a document has a key of the wrong size";
    if (sl->t->coll->cls == BF_SYSTEM_COLLECTION)
        return fault(sl, -1, what, raw->key)
                   ? bf__exec(sl->s, e, "DELETE FROM d_%s WHERE r = %lld", sl->t->coll->name, (long long)raw->row)
                   : BF_OK;
    say_fault(sl, -1, what, raw->key);
    return BF_OK;
}

/* One that cannot be read has no keys: it is told where documents are checked. */
static enum bf_status check_document(struct slice *sl, const struct raw *raw, struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_uuid tenant, id;
    enum bf_status status = BF_OK;
    if (raw->key.n != BF__DOC_KEY)
        return check_nameless(sl, raw, e);
    memcpy(tenant.b, raw->key.p, 16);
    memcpy(id.b, raw->key.p + 16, 16);
    if (bf__bson_decode(sl->arena, sl->t->coll->schema, tenant, id, raw->bytes, &doc, NULL) != BF_OK)
        return BF_OK;
    for (unsigned i = 0; i < sl->t->coll->n_indexes; i++) {
        struct bf__keys_of keys = bf__index_keys(sl->arena, sl->t->coll->indexes[i], doc);
        for (unsigned j = 0; j < keys.n && status == BF_OK; j++)
            status = check_key(sl, (int)i, keys.keys[j], raw, e);
    }
    return status;
}

/* A key ends in the id of its document. While that cannot be read, the key is left to it. */
static enum bf_status check_owner(struct slice *sl, const struct raw *raw, struct bf_error *e)
{
    struct bf_doc *doc = NULL;
    struct bf_uuid tenant, id;
    bool owned = false;
    sl->check->report->keys++;
    if (raw->key.n >= BF__DOC_KEY) {
        memcpy(tenant.b, raw->key.p, 16);
        memcpy(id.b, raw->key.p + raw->key.n - 16, 16);
        enum bf_status status = bf__get_many(sl->s, sl->t->coll, tenant, &id, 1, sl->arena, &doc, e);
        if (status != BF_OK)
            return status == BF_E_CORRUPT ? BF_OK : status;
    }
    struct bf__keys_of keys = {0};
    if (doc != NULL)
        keys = bf__index_keys(sl->arena, sl->t->coll->indexes[sl->index], doc);
    for (unsigned i = 0; i < keys.n && !owned; i++)
        owned = bf_str_eq(keys.keys[i], raw->key);
    if (owned || !fault(sl, sl->index, "a key of no document", raw->key.n < 16 ? raw->key : bf_str(raw->key.p + raw->key.n - 16, 16)))
        return BF_OK;
    return change_key(sl, sl->index, SQL_IX_DELETE, raw->key, 0, e);
}

static enum bf_status check_rows(struct slice *sl, struct bf_str after, struct bf_error *e)
{
    enum bf_status status = load(sl, after, e);
    for (unsigned i = 0; i < sl->n && status == BF_OK; i++)
        status = sl->index < 0 ? check_document(sl, &sl->rows[i], e) : check_owner(sl, &sl->rows[i], e);
    return status;
}

static enum bf_status check_and_mend(struct slice *sl, struct bf_str after, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = &bf__driver_embedded;
    enum bf_status status = vt->begin(sl->s, e);
    if (status != BF_OK)
        return status;
    status = check_rows(sl, after, e);
    if (status == BF_OK)
        return vt->commit(sl->s, e);
    vt->rollback(sl->s);
    return status;
}

/* Parts: for each table its documents, then each of its indexes. */
static bool find_part(const struct bf__embedded *db, unsigned part, struct slice *sl)
{
    for (unsigned i = 0; i < db->n_tables; i++) {
        unsigned parts = 1 + db->tables[i].coll->n_indexes;
        if (part < parts) {
            sl->t = &db->tables[i];
            sl->index = (int)part - 1;
            return true;
        }
        part -= parts;
    }
    return false;
}

enum bf_status bf__check_keys(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                              struct bf_keys_place *ret_next, bool *done, struct bf_error *e)
{
    struct slice *sl = bf_arena_calloc(arena, 1, sizeof *sl);
    sl->s = s;
    sl->check = check;
    sl->arena = arena;
    *done = !find_part(s->db, at->part, sl);
    if (*done)
        return BF_OK;
    bool begun = !check->mend && bf__snapshot_begin(s);
    enum bf_status status = check->mend ? check_and_mend(sl, at->after, e) : check_rows(sl, at->after, e);
    bf__snapshot_end(s, begun);
    bool more = sl->n == SLICE;
    *ret_next = (struct bf_keys_place){.part = at->part + !more, .after = more ? sl->rows[SLICE - 1].key : bf_str(NULL, 0)};
    return status;
}
