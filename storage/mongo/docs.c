/* SPDX-License-Identifier: Apache-2.0 */
/* Documents by id: reading many, and writing one outside the log. */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/mongo/change.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"
#include <stdlib.h>

enum { TRIES_MAX = 64 };

/* ---- reading ---- */

struct found {
    struct bf_uuid id;
    struct bf_doc *doc;
};

static int by_id(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); }

static void hand_out(struct found *found, unsigned n_found, const struct bf_uuid *ids, unsigned n, struct bf_doc **ret)
{
    qsort(found, n_found, sizeof *found, by_id);
    for (unsigned i = 0; i < n; i++) {
        const struct found *f = bsearch(&ids[i], found, n_found, sizeof *found, by_id);
        ret[i] = f == NULL ? NULL : f->doc;
    }
}

enum bf_status bf__m_get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                              unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    struct bf__m_at at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    const bson_t *row;
    unsigned n_found = 0;
    struct found *found = bf_arena_alloc(arena, n * sizeof *found);
    enum bf_status status = bf__m_at(s, coll, false, "reading documents", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_put_targets(&filter, coll, tenant, ids, n);
    bf__m_put_limits(s, &opts, n + 1);
    bf__m_rows_find(&rows, &at, &filter, &opts);
    while (status == BF_OK && n_found < n && (row = bf__m_rows_next(&rows)) != NULL) {
        status = bf__m_decode(coll, row, arena, &found[n_found].doc, e);
        if (status == BF_OK) {
            found[n_found].id = found[n_found].doc->id;
            n_found++;
        }
    }
    enum bf_status ended = bf__m_rows_end(&rows, status == BF_OK ? e : NULL);
    bson_destroy(&filter);
    bson_destroy(&opts);
    if (status == BF_OK && ended == BF_OK)
        hand_out(found, n_found, ids, n, ret);
    return status == BF_OK ? ended : status;
}

/* ---- writing ---- */

/* What is written and what must be there for it. */
struct change {
    struct bf__m_at at;
    const struct bf_write *w;
    bson_t filter, opts, reply;
    bson_error_t error;
};

bool bf__m_is_guarded(const struct bf_write *w) { return w->kind == BF_W_REPLACE || (w->kind == BF_W_DELETE && w->rev > 0); }

void bf__m_put_guard(bson_t *filter, const struct bf_write *w)
{
    bf__m_put_target(filter, w->coll, w->doc->tenant, w->doc->id);
    if (bf__m_is_guarded(w))
        bf__m_must(bson_append_int64(filter, "rev", -1, w->rev));
}

/* The stored form of the document, with this rev. */
static struct bf_str encode(const struct bf_write *w, int64_t rev, struct bf_arena *arena)
{
    struct bf_doc doc = *w->doc;
    doc.rev = rev;
    return bf__bson_encode(arena, &doc);
}

void bf__m_put_new(bson_t *doc, const struct bf_write *w, struct bf_arena *arena)
{
    bf__m_put_doc(doc, w->coll, w->doc->tenant, w->doc->id, encode(w, 1, arena));
}

static enum bf_status insert(struct change *c, struct bf_arena *arena, struct bf_error *e)
{
    bson_t doc = BSON_INITIALIZER;
    bf__m_put_new(&doc, c->w, arena);
    bool done = mongoc_collection_insert_one(c->at.coll, &doc, &c->opts, &c->reply, &c->error);
    bson_destroy(&doc);
    enum bf_status status = done ? BF_OK : bf__m_at_fail(&c->at, &c->error, &c->reply, e);
    bson_destroy(&c->reply);
    return status == BF_E_EXISTS ? bf_fail(e, BF_E_EXISTS, "a document with this id exists in %s", c->w->coll->name) : status;
}

/* BF_OK with *hit: something was there to change. */
static enum bf_status ended(struct change *c, bool done, const char *count, bool *hit, struct bf_error *e)
{
    enum bf_status status = done ? BF_OK : bf__m_at_fail(&c->at, &c->error, &c->reply, e);
    *hit = done && bf__m_int(&c->reply, count, 0) > 0;
    bson_destroy(&c->reply);
    return status;
}

static enum bf_status delete_one(struct change *c, bool *hit, struct bf_error *e)
{
    bool done = mongoc_collection_delete_one(c->at.coll, &c->filter, NULL, &c->reply, &c->error);
    return ended(c, done, "deletedCount", hit, e);
}

/* Everything but the rev is set; that goes up by one. What else is there, marks, stays. */
void bf__m_put_update(bson_t *update, const struct bf_write *w, const struct bf__m_mark *mark, struct bf_arena *arena)
{
    char slot[BF__M_SLOT_MAX];
    struct bf_str bson = encode(w, 1, arena);
    bson_t stored, sub;
    bf__m_must(bson_init_static(&stored, (const uint8_t *)bson.p, bson.n));
    bf__m_must(bson_append_document_begin(update, "$set", -1, &sub));
    bson_copy_to_excluding_noinit(&stored, &sub, "rev", NULL);
    if (mark != NULL)
        bf__m_must(bson_append_binary(&sub, bf__m_slot(w, slot), -1, BSON_SUBTYPE_BINARY, mark->b, sizeof mark->b));
    bf__m_must(bson_append_document_end(update, &sub));
    bf__m_must(bson_append_document_begin(update, "$inc", -1, &sub));
    bf__m_must(bson_append_int64(&sub, "rev", -1, 1));
    bf__m_must(bson_append_document_end(update, &sub));
    bf__m_must(bson_append_document_begin(update, "$unset", -1, &sub));
    bf__m_must(bson_append_utf8(&sub, w->doc->tombstone ? "f" : "x", -1, "", 0));
    bf__m_must(bson_append_document_end(update, &sub));
}

static enum bf_status update(struct change *c, struct bf_arena *arena, bool *hit, struct bf_error *e)
{
    bson_t changes = BSON_INITIALIZER;
    bf__m_put_update(&changes, c->w, /* mark= */ NULL, arena);
    bool done = mongoc_collection_update_one(c->at.coll, &c->filter, &changes, &c->opts, &c->reply, &c->error);
    bson_destroy(&changes);
    return ended(c, done, "matchedCount", hit, e);
}

/* Over what is there, else new; when it came or went between the two, again. */
static enum bf_status put(struct change *c, struct bf_arena *arena, struct bf_error *e)
{
    for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
        bool hit;
        enum bf_status status = update(c, arena, &hit, e);
        if (status != BF_OK || hit)
            return status;
        status = insert(c, arena, e);
        if (status != BF_E_EXISTS)
            return status;
    }
    return bf_fail(e, BF_E_UNAVAILABLE, "a document of %s came and went %d times while it was written", c->w->coll->name, TRIES_MAX);
}

/* Nothing met the guard: because nothing is there, or because its rev is another. */
static enum bf_status missed(struct bf_session *s, const struct bf_write *w, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *doc = NULL;
    enum bf_status status = bf__m_get_many(s, w->coll, w->doc->tenant, &w->doc->id, 1, arena, &doc, e);
    if (status == BF_OK && doc == NULL)
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such document in %s", w->coll->name);
    else if (status == BF_OK)
        status = bf_fail(e, BF_E_STALE, "the document in %s was changed meanwhile", w->coll->name);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__m_write(struct bf_session *s, const struct bf_write *w, struct bf_arena *arena, struct bf_error *e)
{
    struct change c = {.w = w, .filter = BSON_INITIALIZER, .opts = BSON_INITIALIZER};
    bool hit = true;
    enum bf_status status = bf__m_at(s, w->coll, true, "writing a document", &c.at, e);
    if (status != BF_OK)
        return status;
    bf__m_must(bson_append_bool(&c.opts, "validate", -1, false)); /* it is of our making */
    if (w->kind != BF_W_INSERT)
        bf__m_put_guard(&c.filter, w);
    if (w->kind == BF_W_INSERT)
        status = insert(&c, arena, e);
    else if (w->kind == BF_W_PUT)
        status = put(&c, arena, e);
    else if (w->kind == BF_W_REPLACE)
        status = update(&c, arena, &hit, e);
    else
        status = delete_one(&c, &hit, e);
    bson_destroy(&c.filter);
    bson_destroy(&c.opts);
    return status == BF_OK && bf__m_is_guarded(w) && !hit ? missed(s, w, e) : status;
}

/* ---- all of them ---- */

/* Behind `after`, in the order of tenant and id: the shard key as a range, so that shards before it are not asked. */
static void put_behind(bson_t *filter, const struct bf_collection *coll, const struct bf_row *after)
{
    static const struct bf_row start;
    const struct bf_row *from = after == NULL ? &start : after;
    bson_t sub;
    if (coll->cls == BF_SYSTEM_COLLECTION) {
        bf__m_put_places(filter, coll, from->tenant, NULL, 0);
    } else {
        bf__m_must(bson_append_document_begin(filter, "t", -1, &sub));
        bf__m_put_uuid(&sub, "$gte", from->tenant);
        bf__m_must(bson_append_document_end(filter, &sub));
    }
    bf__m_must(bson_append_document_begin(filter, "_id", -1, &sub));
    bf__m_put_id(&sub, "$gt", coll, from->tenant, from->id);
    bf__m_must(bson_append_document_end(filter, &sub));
}

/* One whose id cannot be read has no place in the order: it is left out. */
static bool read_row(const struct bf_collection *coll, const bson_t *bson, struct bf_arena *arena, struct bf_row *row)
{
    if (!bf__m_read_id(bson, coll, &row->tenant, &row->id))
        return false;
    if (bf__m_decode(coll, bson, arena, &row->doc, NULL) != BF_OK)
        row->doc = NULL;
    return true;
}

/* The first of them, `most` at most where that is not 0; *ret_met counts those that are left out, too. A server may gather all that it was not told to
 * leave. */
static enum bf_status scan_some(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit, unsigned most,
                                struct bf_arena *arena, struct bf_row *rows, unsigned *ret_n, unsigned *ret_met, struct bf_error *e)
{
    struct bf__m_at at;
    struct bf__m_rows found;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, order;
    const bson_t *bson;
    enum bf_status status = bf__m_at(s, coll, false, "reading all documents", &at, e);
    if (status != BF_OK)
        return status;
    put_behind(&filter, coll, after);
    bf__m_put_limits(s, &opts, limit + 1);
    bf__m_must(bson_append_document_begin(&opts, "sort", -1, &order) && bson_append_int32(&order, "_id", -1, 1) &&
               bson_append_document_end(&opts, &order));
    bf__m_must(bson_append_utf8(&opts, "hint", -1, "_id_", -1)); /* the tenant alone would lead to any index of the collection */
    if (most > 0)
        bf__m_must(bson_append_int64(&opts, "limit", -1, most));
    bf__m_rows_find(&found, &at, &filter, &opts);
    for (*ret_n = *ret_met = 0; *ret_n < limit && (bson = bf__m_rows_next(&found)) != NULL; ++*ret_met)
        *ret_n += read_row(coll, bson, arena, &rows[*ret_n]);
    status = bf__m_rows_end(&found, e);
    bson_destroy(&filter);
    bson_destroy(&opts);
    return status;
}

enum bf_status bf__m_scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                          struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf_row *rows = bf_arena_alloc(arena, limit * sizeof *rows);
    unsigned n, met;
    enum bf_status status = scan_some(s, coll, after, limit, limit, arena, rows, &n, &met, e);
    if (status == BF_OK && n < limit && met == limit) /* others may stand behind those that were left out */
        status = scan_some(s, coll, after, limit, 0, arena, rows, &n, &met, e);
    if (status == BF_OK) {
        *ret = rows;
        *ret_n = n;
    }
    return status;
}
