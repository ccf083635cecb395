/* SPDX-License-Identifier: Apache-2.0 */
/* Documents by id, and their index keys with each change. */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/embedded/embedded.h"
#include "storage/embedded/key.h"
#include <assert.h>

static struct bf_str key_str(const uint8_t key[BF__DOC_KEY]) { return bf_str((const char *)key, BF__DOC_KEY); }

static enum bf_status get_one(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                              struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    uint8_t key[BF__DOC_KEY];
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, bf__doc_slot(bf__table_of(s->db, coll), SQL_DOC_GET), &st, e);
    if (status != BF_OK)
        return status;
    bf__doc_key(tenant, id, key);
    bf__bind(st, 1, key_str(key));
    int rc = sqlite3_step(st);
    *ret = NULL;
    if (rc == SQLITE_ROW)
        status = bf__bson_decode(arena, coll->schema, tenant, id, bf__column_dup(st, 0, arena), ret, e);
    else if (rc != SQLITE_DONE)
        status = bf__sql_fail(s, e, "reading a document");
    sqlite3_reset(st);
    return status;
}

enum bf_status bf__get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                            unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bool begun = n > 1 && bf__snapshot_begin(s);
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = get_one(s, coll, tenant, ids[i], arena, &ret[i], e);
    bf__snapshot_end(s, begun);
    return status;
}

static enum bf_status row_of(struct bf_session *s, const struct bf__table *t, struct bf_str key, int64_t *ret, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, bf__doc_slot(t, SQL_DOC_ROW), &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, key);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(st, 0);
    else
        status = rc == SQLITE_DONE ? bf_fail(e, BF_E_CORRUPT, "a document of %s is missing", t->coll->name)
                                   : bf__sql_fail(s, e, "reading a document");
    sqlite3_reset(st);
    return status;
}

static enum bf_status key_change(struct bf_session *s, unsigned slot, struct bf_str key, int64_t row, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf_status status = bf__prepare(s, slot, &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, key);
    if (row != 0)
        sqlite3_bind_int64(st, 2, row);
    return bf__run(s, st, e, "writing an index key");
}

struct change {
    struct bf_session *s;
    const struct bf__table *t;
    struct bf_str key; /* the document's */
    int64_t row;       /* 0: not known yet */
};

static enum bf_status insert_key(struct change *c, unsigned index, struct bf_str key, struct bf_error *e)
{
    if (c->row == 0) {
        enum bf_status status = row_of(c->s, c->t, c->key, &c->row, e);
        if (status != BF_OK)
            return status;
    }
    return key_change(c->s, bf__index_slot(c->t, index, SQL_IX_INSERT), key, c->row, e);
}

/* Both lists are sorted: walks them side by side and touches only what differs. */
static enum bf_status change_keys(struct change *c, unsigned index, struct bf__keys_of old, struct bf__keys_of new, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0, j = 0; status == BF_OK && (i < old.n || j < new.n);) {
        int cmp = i == old.n ? 1 : j == new.n ? -1 : bf_str_cmp(old.keys[i], new.keys[j]);
        if (cmp < 0)
            status = key_change(c->s, bf__index_slot(c->t, index, SQL_IX_DELETE), old.keys[i++], 0, e);
        else if (cmp > 0)
            status = insert_key(c, index, new.keys[j++], e);
        else
            i++, j++;
    }
    return status;
}

/* Writes `bson` (none: deletes) in the place of `before` and its keys in the place of the old ones. */
static enum bf_status put_doc(struct change *c, const struct bf_doc *before, const struct bf_doc *after, struct bf_str bson,
                              struct bf_arena *arena, struct bf_error *e)
{
    sqlite3_stmt *st;
    enum bf__doc_sql kind = after == NULL ? SQL_DOC_DELETE : before == NULL ? SQL_DOC_INSERT : SQL_DOC_UPDATE;
    enum bf_status status = bf__prepare(c->s, bf__doc_slot(c->t, kind), &st, e);
    if (status != BF_OK)
        return status;
    bf__bind(st, 1, c->key);
    if (after != NULL)
        bf__bind(st, 2, bson);
    status = bf__run(c->s, st, e, "writing a document");
    if (status == BF_OK && sqlite3_changes(c->s->sql) != 1)
        status = bf_fail(e, BF_E_CORRUPT, "a document of %s is missing", c->t->coll->name);
    if (kind == SQL_DOC_INSERT)
        c->row = sqlite3_last_insert_rowid(c->s->sql);
    for (unsigned i = 0; i < c->t->coll->n_indexes && status == BF_OK; i++) {
        const struct bf_index *index = c->t->coll->indexes[i];
        status = change_keys(c, i, bf__index_keys(arena, index, before), bf__index_keys(arena, index, after), e);
    }
    return status;
}

static enum bf_status apply_one(struct bf_session *s, const struct bf_apply *apply, struct bf_arena *arena, struct bf_error *e)
{
    uint8_t key[BF__DOC_KEY];
    bf__doc_key(apply->after->tenant, apply->after->id, key);
    struct change c = {.s = s, .t = bf__table_of(s->db, apply->coll), .key = key_str(key)};
    return put_doc(&c, apply->before, apply->after, apply->bson, arena, e);
}

enum bf_status bf__apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < n && status == BF_OK; i++)
        status = apply_one(s, &applies[i], arena, e);
    return status;
}

/* BF_OK with *go when the write is to be done on `old`. */
static enum bf_status judge(const struct bf_write *w, const struct bf_doc *old, bool *go, struct bf_error *e)
{
    *go = true;
    if (w->kind == BF_W_INSERT && old != NULL)
        return bf_fail(e, BF_E_EXISTS, "a document with this id exists in %s", w->coll->name);
    bool is_guarded = w->kind == BF_W_REPLACE || (w->kind == BF_W_DELETE && w->rev > 0);
    if (is_guarded && old == NULL)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such document in %s", w->coll->name);
    if (w->kind == BF_W_DELETE && old == NULL)
        *go = false;
    if (is_guarded && old->rev != w->rev)
        return bf_fail(e, BF_E_STALE, "the document in %s was changed meanwhile", w->coll->name);
    return BF_OK;
}

enum bf_status bf__write(struct bf_session *s, const struct bf_write *w, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *old;
    bool go;
    uint8_t key[BF__DOC_KEY];
    enum bf_status status = get_one(s, w->coll, w->doc->tenant, w->doc->id, arena, &old, e);
    if (status == BF_OK)
        status = judge(w, old, &go, e);
    if (status != BF_OK || !go)
        return status;
    bf__doc_key(w->doc->tenant, w->doc->id, key);
    struct change c = {.s = s, .t = bf__table_of(s->db, w->coll), .key = key_str(key)};
    if (w->kind == BF_W_DELETE)
        return put_doc(&c, old, NULL, (struct bf_str){NULL, 0}, arena, e);
    struct bf_doc after = *w->doc;
    after.rev = old == NULL ? 1 : old->rev + 1;
    return put_doc(&c, old, &after, bf__bson_encode(arena, &after), arena, e);
}

/* A document that cannot be read goes without its keys, which are not known: the check of keys finds and mends them. */
enum bf_status bf__remove(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                          struct bf_arena *arena, struct bf_error *e)
{
    uint8_t key[BF__DOC_KEY];
    sqlite3_stmt *st;
    struct bf_doc doc = {.tenant = tenant, .id = id};
    struct bf_write w = {.kind = BF_W_DELETE, .coll = coll, .doc = &doc};
    enum bf_status status = bf__write(s, &w, arena, e);
    if (status != BF_E_CORRUPT)
        return status;
    status = bf__prepare(s, bf__doc_slot(bf__table_of(s->db, coll), SQL_DOC_DELETE), &st, e);
    if (status != BF_OK)
        return status;
    bf__doc_key(tenant, id, key);
    bf__bind(st, 1, key_str(key));
    return bf__run(s, st, e, "deleting a document");
}
