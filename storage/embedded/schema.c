/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database must hold. The definition of each index is kept in `meta`; one that is new or was built under another definition (other
 * fields, another version of the schema, whose upgrade may change what is indexed) is built anew, in one transaction with its note.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/embedded/embedded.h"
#include "storage/embedded/key.h"
#include "storage/internal.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUILD_BATCH = 500, DEFINITION_MAX = 400, NAME_MAX_BYTES = 160 };

static enum bf_status meta_text(struct bf_session *s, const char *name, char *out, size_t n_out, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_META_GET, &st, e);
    if (status != BF_OK)
        return status;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    out[0] = '\0';
    if (rc == SQLITE_ROW) {
        struct bf_str value = bf__column(st, 0);
        snprintf(out, n_out, "%.*s", BF_FMT(value));
    } else if (rc != SQLITE_DONE) {
        status = bf__sql_fail(s, e, "reading meta");
    }
    sqlite3_reset(st);
    return status;
}

static enum bf_status meta_note(struct bf_session *s, const char *name, const char *value, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, SQL_META_SET, &st, e);
    if (status != BF_OK)
        return status;
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    bf__bind(st, 2, bf_strz(value));
    return bf__run(s, st, e, "writing meta");
}

static enum bf_status check_format(struct bf_session *s, struct bf_error *e)
{
    char text[24];
    enum bf_status status = meta_text(s, "format", text, sizeof text, e);
    if (status != BF_OK)
        return status;
    if (text[0] == '\0') {
        snprintf(text, sizeof text, "%d", BF__FORMAT);
        return meta_note(s, "format", text, e);
    }
    if (atoi(text) > BF__FORMAT)
        return bf_fail(e, BF_E_CONFIG, "%s has storage format %s, made by a newer Baifang; this build reads formats up to %d", s->db->path,
                       text, BF__FORMAT);
    return atoi(text) == BF__FORMAT ? BF_OK : bf_fail(e, BF_E_CORRUPT, "%s has no readable storage format", s->db->path);
}

static void define(const struct bf_collection *coll, const struct bf_index *index, char out[DEFINITION_MAX])
{
    int n = snprintf(out, DEFINITION_MAX, "1 v%d%s", coll->schema->version, index->multikey ? " multikey" : "");
    for (unsigned i = 0; i < index->n_fields; i++) {
        const struct bf_field *field = index->fields[i] == BF_ROW_ID ? NULL : &coll->schema->fields[index->fields[i]];
        n += snprintf(out + n, DEFINITION_MAX - (size_t)n, " %s:%d", field == NULL ? "id" : field->name,
                      field == NULL ? BF_T_UUID : (int)field->type);
        assert(n < DEFINITION_MAX);
    }
}

/* ---- building an index ---- */

struct build {
    struct bf_session *s;
    const struct bf__table *t;
    unsigned index;
    bool begun;
    uint8_t last[BF__DOC_KEY];
    sqlite3_stmt *scan;
};

/* A document that cannot be read has no keys: no list finds it, `check` tells of it, and the others are served. */
static enum bf_status index_document(struct build *b, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_uuid tenant, id;
    struct bf_doc *doc;
    sqlite3_stmt *insert;
    struct bf_str key = bf__column(b->scan, 0);
    int64_t row = sqlite3_column_int64(b->scan, 2);
    assert(key.n == BF__DOC_KEY);
    memcpy(b->last, key.p, BF__DOC_KEY);
    memcpy(tenant.b, key.p, 16);
    memcpy(id.b, key.p + 16, 16);
    if (bf__bson_decode(arena, b->t->coll->schema, tenant, id, bf__column_dup(b->scan, 1, arena), &doc, NULL) != BF_OK)
        return BF_OK;
    enum bf_status status = bf__prepare(b->s, bf__index_slot(b->t, b->index, SQL_IX_INSERT), &insert, e);
    if (status != BF_OK)
        return status;
    struct bf__keys_of keys = bf__index_keys(arena, b->t->coll->indexes[b->index], doc);
    for (unsigned i = 0; i < keys.n && status == BF_OK; i++) {
        bf__bind(insert, 1, keys.keys[i]);
        sqlite3_bind_int64(insert, 2, row);
        status = bf__run(b->s, insert, e, "building an index");
    }
    return status;
}

static enum bf_status index_batch(struct build *b, unsigned *ret_n, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = BF_OK;
    int rc = SQLITE_DONE;
    *ret_n = 0;
    bf__bind(b->scan, 1, bf_str((char *)b->last, b->begun ? BF__DOC_KEY : 0));
    b->begun = true;
    sqlite3_bind_int(b->scan, 2, BUILD_BATCH);
    while (status == BF_OK && (rc = sqlite3_step(b->scan)) == SQLITE_ROW) {
        status = index_document(b, arena, e);
        ++*ret_n;
    }
    if (status == BF_OK && rc != SQLITE_DONE)
        status = bf__sql_fail(b->s, e, "building an index");
    sqlite3_reset(b->scan);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status build_index(struct bf_session *s, const struct bf__table *t, unsigned index, struct bf_error *e)
{
    struct build b = {.s = s, .t = t, .index = index};
    char text[200];
    unsigned n = 1;
    snprintf(text, sizeof text, "SELECT k, d, r FROM d_%s WHERE k > ?1 AND length(k) = %d ORDER BY k LIMIT ?2", t->coll->name, BF__DOC_KEY);
    if (sqlite3_prepare_v2(s->sql, text, -1, &b.scan, NULL) != SQLITE_OK)
        return bf__sql_fail(s, e, "building an index");
    enum bf_status status = bf__exec(s, e, "DELETE FROM x_%s__%s", t->coll->name, t->coll->indexes[index]->name);
    while (status == BF_OK && n > 0)
        status = index_batch(&b, &n, e);
    sqlite3_finalize(b.scan);
    return status;
}

/* ---- ensuring ---- */

static enum bf_status ensure_index(struct bf_session *s, const struct bf__table *t, unsigned i, struct bf_error *e)
{
    const struct bf_index *index = t->coll->indexes[i];
    char name[NAME_MAX_BYTES], wanted[DEFINITION_MAX], stored[DEFINITION_MAX];
    define(t->coll, index, wanted);
    snprintf(name, sizeof name, "index.%s.%s", t->coll->name, index->name);
    enum bf_status status = meta_text(s, name, stored, sizeof stored, e);
    if (status == BF_OK)
        status = bf__exec(s, e, "CREATE TABLE IF NOT EXISTS x_%s__%s(k BLOB PRIMARY KEY, r INTEGER NOT NULL) WITHOUT ROWID", t->coll->name,
                          index->name);
    if (status != BF_OK || strcmp(stored, wanted) == 0)
        return status;
    status = build_index(s, t, i, e);
    return status == BF_OK ? meta_note(s, name, wanted, e) : status;
}

static bool declared(const struct bf_collection *coll, const char *index)
{
    for (unsigned i = 0; i < coll->n_indexes; i++)
        if (strcmp(coll->indexes[i]->name, index) == 0)
            return true;
    return false;
}

/* An index that is no longer declared would fall behind unseen: it goes, with its note. */
static enum bf_status drop_undeclared(struct bf_session *s, const struct bf_collection *coll, struct bf_error *e)
{
    char prefix[NAME_MAX_BYTES], gone[NAME_MAX_BYTES];
    sqlite3_stmt *st;
    int n = snprintf(prefix, sizeof prefix, "index.%s.", coll->name);
    enum bf_status status = BF_OK;
    do {
        gone[0] = '\0';
        if (sqlite3_prepare_v2(s->sql, "SELECT substr(name, ?2) FROM meta WHERE substr(name, 1, ?2 - 1) = ?1", -1, &st, NULL) != SQLITE_OK)
            return bf__sql_fail(s, e, "reading meta");
        sqlite3_bind_text(st, 1, prefix, -1, SQLITE_STATIC);
        sqlite3_bind_int(st, 2, n + 1);
        while (gone[0] == '\0' && sqlite3_step(st) == SQLITE_ROW) {
            const char *name = (const char *)sqlite3_column_text(st, 0);
            if (!declared(coll, name))
                snprintf(gone, sizeof gone, "%s", name);
        }
        sqlite3_finalize(st);
        if (gone[0] != '\0')
            status = bf__exec(s, e, "DROP TABLE IF EXISTS x_%s__%s; DELETE FROM meta WHERE name = '%s%s'", coll->name, gone, prefix, gone);
    } while (gone[0] != '\0' && status == BF_OK);
    return status;
}

static enum bf_status ensure_collection(struct bf_session *s, const struct bf__table *t, struct bf_error *e)
{
    enum bf_status status =
        bf__exec(s, e, "CREATE TABLE IF NOT EXISTS d_%s(r INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, d BLOB NOT NULL)", t->coll->name);
    for (unsigned i = 0; i < t->coll->n_indexes && status == BF_OK; i++)
        status = ensure_index(s, t, i, e);
    return status == BF_OK ? drop_undeclared(s, t->coll, e) : status;
}

static enum bf_status ensure_log(struct bf_session *s, struct bf_error *e)
{
    enum bf_status status = bf__exec(s, e,
                                     "CREATE TABLE IF NOT EXISTS log(r INTEGER PRIMARY KEY, k BLOB NOT NULL UNIQUE, h BLOB NOT NULL, "
                                     "l BLOB NOT NULL, p BLOB NOT NULL)");
    if (status == BF_OK)
        status = bf__exec(s, e, "CREATE TABLE IF NOT EXISTS log_requests(k BLOB PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID");
    return status;
}

enum bf_status bf__schema_ensure(struct bf_session *s, struct bf_error *e)
{
    enum bf_status status =
        bf__exec(s, e, "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
    if (status != BF_OK)
        return status;
    status = check_format(s, e);
    if (status == BF_OK)
        status = ensure_log(s, e);
    for (unsigned i = 0; i < s->db->n_tables && status == BF_OK; i++)
        status = ensure_collection(s, &s->db->tables[i], e);
    if (status == BF_OK)
        return bf__exec(s, e, "COMMIT");
    bf__exec(s, NULL, "ROLLBACK");
    return status;
}
