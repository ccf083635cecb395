/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rolling documents forward to committed entries, any number of times and in any order: a document is inserted where it is absent, and replaced
 * where what is stored comes from an earlier operation. Never an upsert, which servers do not all guard.
 *
 *   not known to be stored --insert--> done, or a duplicate: it is stored
 *   stored --replace, guarded--> done; some met nothing: look which are absent (insert) and which are older still (replace)
 */
#include "core/arena.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"
#include <stdlib.h>

enum { ROUNDS_MAX = 16 };

/* Those of one collection. */
struct roll {
    struct bf_session *s;
    struct bf__m_at at;
    const struct bf_collection *coll;
    const struct bf_apply **inserts, **replaces;
    unsigned n_inserts, n_replaces;
};

/* ---- the commands ---- */

static mongoc_bulk_operation_t *bulk_begin(const struct roll *r)
{
    bson_t opts = BSON_INITIALIZER;
    bf__m_must(bson_append_bool(&opts, "ordered", -1, false));
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(r->at.coll, &opts);
    bson_destroy(&opts);
    return bulk;
}

static int by_document(const void *a, const void *b)
{
    const struct bf_doc *x = (*(const struct bf_apply *const *)a)->after, *y = (*(const struct bf_apply *const *)b)->after;
    int order = memcmp(&x->id, &y->id, sizeof x->id);
    if (order == 0)
        order = (x->n > y->n) - (x->n < y->n);
    return order != 0 ? order : x->k - y->k;
}

/* Two processes that roll the same documents forward touch them in one order: a server that locks them as it goes (FerretDB) would find a deadlock. */
static void put_in_order(const struct bf_apply **applies, unsigned n)
{
    if (n > 1)
        qsort(applies, n, sizeof(struct bf_apply *), by_document);
}

static void put_doc(bson_t *doc, const struct bf_apply *a)
{
    bf__m_put_doc(doc, a->coll, a->after->tenant, a->after->id, a->bson);
}

/* {.., $or: [{n: {$lt: n}}, {n: n, k: {$lt: k}}]} */
static void put_older(bson_t *filter, const struct bf_apply *a)
{
    struct bf__m_list list;
    bson_t one, sub;
    bf__m_put_target(filter, a->coll, a->after->tenant, a->after->id);
    bf__m_list_begin(filter, "$or", &list);
    bf__m_must(bson_append_document_begin(&list.b, bf__m_list_next(&list), -1, &one));
    bf__m_must(bson_append_document_begin(&one, "n", -1, &sub) && bson_append_int64(&sub, "$lt", -1, a->after->n) &&
               bson_append_document_end(&one, &sub));
    bf__m_must(bson_append_document_end(&list.b, &one));
    bf__m_must(bson_append_document_begin(&list.b, bf__m_list_next(&list), -1, &one));
    bf__m_must(bson_append_int64(&one, "n", -1, a->after->n));
    bf__m_must(bson_append_document_begin(&one, "k", -1, &sub) && bson_append_int32(&sub, "$lt", -1, a->after->k) &&
               bson_append_document_end(&one, &sub));
    bf__m_must(bson_append_document_end(&list.b, &one));
    bf__m_list_end(filter, &list);
}

/* Moves what the reply calls a duplicate to those to be replaced. BF_OK when nothing else was wrong. */
static enum bf_status sort_out(struct roll *r, const bson_t *reply, const bson_error_t *error, struct bf_error *e)
{
    bson_iter_t it, item, at;
    if (bf__m_unconfirmed(reply) || !bson_iter_init_find(&it, reply, "writeErrors") || !bson_iter_recurse(&it, &item))
        return bf__m_at_fail(&r->at, error, reply, e);
    unsigned n = 0;
    while (bson_iter_next(&item)) {
        bson_error_t one = {.domain = MONGOC_ERROR_SERVER};
        int64_t index = -1;
        if (bson_iter_recurse(&item, &at) && bson_iter_find(&at, "code"))
            one.code = (uint32_t)bson_iter_as_int64(&at);
        if (bson_iter_recurse(&item, &at) && bson_iter_find(&at, "index"))
            index = bson_iter_as_int64(&at);
        if (bf__m_status(&one, NULL, true) != BF_E_EXISTS || index < 0 || index >= r->n_inserts)
            return bf__m_fail(&r->at.call, &one, NULL, e);
        r->replaces[r->n_replaces++] = r->inserts[index];
        n++;
    }
    return n > 0 ? BF_OK : bf__m_at_fail(&r->at, error, reply, e);
}

static enum bf_status insert_all(struct roll *r, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, opts = BSON_INITIALIZER;
    if (r->n_inserts == 0)
        return BF_OK;
    put_in_order(r->inserts, r->n_inserts);
    mongoc_bulk_operation_t *bulk = bulk_begin(r);
    bf__m_must(bson_append_bool(&opts, "validate", -1, false));
    for (unsigned i = 0; i < r->n_inserts; i++) {
        bson_t doc = BSON_INITIALIZER;
        put_doc(&doc, r->inserts[i]);
        bf__m_must(mongoc_bulk_operation_insert_with_opts(bulk, &doc, &opts, NULL));
        bson_destroy(&doc);
    }
    enum bf_status status = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ? BF_OK : sort_out(r, &reply, &error, e);
    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&reply);
    bson_destroy(&opts);
    r->n_inserts = 0;
    return status;
}

/* *missed: how many met nothing. */
static enum bf_status replace_all(struct roll *r, int64_t *missed, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, opts = BSON_INITIALIZER;
    put_in_order(r->replaces, r->n_replaces);
    mongoc_bulk_operation_t *bulk = bulk_begin(r);
    bf__m_must(bson_append_bool(&opts, "validate", -1, false));
    for (unsigned i = 0; i < r->n_replaces; i++) {
        bson_t doc = BSON_INITIALIZER, filter = BSON_INITIALIZER;
        put_doc(&doc, r->replaces[i]);
        put_older(&filter, r->replaces[i]);
        bf__m_must(mongoc_bulk_operation_replace_one_with_opts(bulk, &filter, &doc, &opts, NULL));
        bson_destroy(&doc);
        bson_destroy(&filter);
    }
    enum bf_status status = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ? BF_OK : bf__m_at_fail(&r->at, &error, &reply, e);
    *missed = r->n_replaces - bf__m_int(&reply, "nMatched", 0);
    mongoc_bulk_operation_destroy(bulk);
    bson_destroy(&reply);
    bson_destroy(&opts);
    return status;
}

/* ---- what met nothing ---- */

struct stored {
    struct bf_uuid id;
    int64_t n, k;
};

static int by_id(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); }

/* Which entries the documents are of: nothing else of them is read, so that one that is damaged is rolled over. */
static enum bf_status read_stored(struct roll *r, struct stored *ret, unsigned *ret_n, struct bf_arena *arena, struct bf_error *e)
{
    struct bf__m_at at = r->at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, sub;
    const bson_t *row;
    struct bf_uuid tenant = r->replaces[0]->after->tenant, *ids = bf_arena_alloc(arena, r->n_replaces * sizeof *ids);
    for (unsigned i = 0; i < r->n_replaces; i++)
        ids[i] = r->replaces[i]->after->id;
    at.call.writes = false;
    bf__m_put_targets(&filter, r->coll, tenant, ids, r->n_replaces);
    bf__m_put_limits(r->s, &opts, r->n_replaces + 1);
    bf__m_must(bson_append_document_begin(&opts, "projection", -1, &sub) && bson_append_int32(&sub, "n", -1, 1) &&
               bson_append_int32(&sub, "k", -1, 1) && bson_append_document_end(&opts, &sub));
    bf__m_rows_find(&rows, &at, &filter, &opts);
    *ret_n = 0;
    while (*ret_n < r->n_replaces && (row = bf__m_rows_next(&rows)) != NULL) {
        struct stored *one = &ret[(*ret_n)++];
        bf__m_read_id(row, r->coll, &tenant, &one->id);
        one->n = bf__m_int(row, "n", -1);
        one->k = bf__m_int(row, "k", -1);
    }
    enum bf_status status = bf__m_rows_end(&rows, e);
    bson_destroy(&filter);
    bson_destroy(&opts);
    qsort(ret, *ret_n, sizeof *ret, by_id);
    return status;
}

/* Leaves what is absent to be inserted and what is older to be replaced. */
static enum bf_status look(struct roll *r, struct bf_arena *arena, struct bf_error *e)
{
    unsigned n, kept = 0;
    struct stored *stored = bf_arena_alloc(arena, r->n_replaces * sizeof *stored);
    enum bf_status status = read_stored(r, stored, &n, arena, e);
    for (unsigned i = 0; i < r->n_replaces && status == BF_OK; i++) {
        const struct bf_doc *after = r->replaces[i]->after;
        const struct stored *one = bsearch(&after->id, stored, n, sizeof *stored, by_id);
        if (one == NULL)
            r->inserts[r->n_inserts++] = r->replaces[i];
        else if (one->n < 0 || one->k < 0)
            status = bf_fail(e, BF_E_CORRUPT, "a document of %s does not say which entry it is of", r->coll->name);
        else if (one->n < after->n || (one->n == after->n && one->k < after->k))
            r->replaces[kept++] = r->replaces[i];
    }
    r->n_replaces = kept;
    return status;
}

static enum bf_status roll(struct roll *r, struct bf_arena *arena, struct bf_error *e)
{
    for (unsigned rounds = 0; rounds < ROUNDS_MAX; rounds++) {
        int64_t missed = 0;
        enum bf_status status = insert_all(r, e);
        if (status != BF_OK || r->n_replaces == 0)
            return status;
        status = replace_all(r, &missed, e);
        if (status != BF_OK || missed == 0)
            return status;
        status = look(r, arena, e);
        if (status != BF_OK || r->n_inserts + r->n_replaces == 0)
            return status;
    }
    return bf_fail(e, BF_E_UNAVAILABLE, "documents of %s changed too often while they were rolled forward", r->coll->name);
}

enum bf_status bf__m_apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bool *done = bf_arena_calloc(arena, n, sizeof *done);
    for (unsigned first = 0; first < n && status == BF_OK; first++) {
        if (done[first])
            continue;
        struct roll r = {.s = s, .coll = applies[first].coll};
        r.inserts = bf_arena_alloc(arena, n * sizeof *r.inserts);
        r.replaces = bf_arena_alloc(arena, n * sizeof *r.replaces);
        for (unsigned i = first; i < n; i++) {
            if (applies[i].coll != r.coll || !bf_uuid_eq(&applies[i].after->tenant, &applies[first].after->tenant))
                continue;
            done[i] = true;
            if (applies[i].before == NULL)
                r.inserts[r.n_inserts++] = &applies[i];
            else
                r.replaces[r.n_replaces++] = &applies[i];
        }
        status = bf__m_at(s, r.coll, true, "rolling documents forward", &r.at, e);
        if (status == BF_OK)
            status = roll(&r, arena, e);
    }
    return status;
}
