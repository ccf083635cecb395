/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rolling documents forward to their log, for drivers without one_transaction: what a process committed and did not apply any more, or another process
 * is applying just now.
 *
 *   entries behind `applied`, headers only -> the last operation on each document -> those whose document is behind -> their after-images -> apply
 *
 * Mostly nothing is behind, and it costs a read of the log and one of the documents.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/committer.h"
#include "storage/heads.h"
#include <stdlib.h>
#include <uthash.h>

/* A page of full headers stays below PAGE_BYTES: fewer than PAGE entries are the last ones. */
enum { PAGE = 64, PAGE_BYTES = 4 << 20 };

/* The last operation of a page on a document. */
struct last {
    struct bf__slot_name {
        const struct bf_collection *coll;
        struct bf_uuid id;
    } name;
    int64_t n;
    unsigned k;
    const struct bf_raw_entry *raw;
    UT_hash_handle hh;
};

struct forward {
    struct bf_store *store;
    struct bf_session *s;
    struct bf_uuid tenant;
    struct bf_arena *arena;
    struct last *lasts;
    bool knows_all; /* every operation was on a collection of this build */
};

static void gather_op(struct forward *f, const struct bf_raw_entry *raw, const struct bf__entry_op *op, unsigned k)
{
    struct bf__slot_name name = {bf__collection_named(f->store, op->coll), op->id};
    struct last *last;
    if (name.coll == NULL) {
        f->knows_all = false;
        return;
    }
    HASH_FIND(hh, f->lasts, &name, sizeof name, last);
    if (last == NULL) {
        last = bf_arena_calloc(f->arena, 1, sizeof *last);
        last->name = name;
        HASH_ADD(hh, f->lasts, name, sizeof last->name, last);
    }
    last->n = raw->n;
    last->k = k;
    last->raw = raw;
}

static enum bf_status gather(struct forward *f, const struct bf_raw_entry *raw, int64_t *ret_at_ms, struct bf_error *e)
{
    struct bf__entry entry;
    enum bf_status status = bf__entry_parse(f->arena, raw->header, raw->payload, &entry, e);
    for (unsigned k = 0; status == BF_OK && k < entry.n_ops; k++)
        gather_op(f, raw, &entry.ops[k], k);
    if (status == BF_OK)
        *ret_at_ms = entry.at_ms;
    return status;
}

/* ---- what is behind ---- */

static bool is_behind(const struct bf_doc *stored, const struct last *last)
{
    return stored == NULL || stored->n < last->n || (stored->n == last->n && stored->k < (int)last->k);
}

/* What the operation left; NULL: its content is gone, and nobody may bring it back. */
static enum bf_status read_image(struct forward *f, const struct last *last, struct bf_doc **ret, struct bf_error *e)
{
    struct bf_raw_entry *raw;
    struct bf__entry entry;
    struct bf_log_op op;
    unsigned n;
    enum bf_status status = f->store->driver->vt->log_read(f->s, f->tenant, last->n - 1, 1, PAGE_BYTES, true, f->arena, &raw, &n, e);
    if (status == BF_OK && n == 0)
        status = bf_fail(e, BF_E_CORRUPT, "log entry %lld is missing", (long long)last->n);
    if (status == BF_OK)
        status = bf__entry_parse(f->arena, raw->header, raw->payload, &entry, e);
    if (status == BF_OK)
        status = bf__log_op(f->store, f->s, &entry, last->k, f->arena, &op, e);
    if (status == BF_OK)
        *ret = op.erased ? NULL : bf__log_image(&op, f->tenant, last->n, f->arena);
    return status;
}

static enum bf_status apply_image(struct forward *f, const struct last *last, const struct bf_doc *stored, const struct bf_doc *after, struct bf_error *e)
{
    struct bf_apply apply = {.coll = last->name.coll, .before = stored, .after = after};
    if (after == NULL)
        return BF_OK;
    apply.bson = bf__bson_encode(f->arena, after);
    return f->store->driver->vt->apply(f->s, &apply, 1, f->arena, e);
}

static enum bf_status apply_last(struct forward *f, const struct last *last, const struct bf_doc *stored, struct bf_error *e)
{
    struct bf_doc *after = NULL;
    enum bf_status status = read_image(f, last, &after, e);
    return status == BF_OK ? apply_image(f, last, stored, after, e) : status;
}

/* A document that cannot be read: written over where that shows it to be older, else left to who checks the store. No decision is made on it meanwhile. */
static enum bf_status apply_blindly(struct forward *f, const struct last *last, struct bf_error *e)
{
    struct bf_doc *after = NULL;
    enum bf_status status = read_image(f, last, &after, e);
    if (status != BF_OK)
        return status;
    status = apply_image(f, last, /* stored= */ NULL, after, NULL);
    return status == BF_E_CORRUPT ? BF_OK : status;
}

/* One by one: a document that cannot be read holds up no other. */
static enum bf_status apply_each(struct forward *f, struct last **lasts, unsigned n, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        struct bf_doc *stored = NULL;
        status = f->store->driver->vt->get_many(f->s, lasts[i]->name.coll, f->tenant, &lasts[i]->name.id, 1, f->arena, &stored, e);
        if (status == BF_E_CORRUPT)
            status = apply_blindly(f, lasts[i], e);
        else if (status == BF_OK && is_behind(stored, lasts[i]))
            status = apply_last(f, lasts[i], stored, e);
    }
    return status;
}

/* Those of one collection, from `lasts[0]` on; *ret_n: how many that were. */
static enum bf_status apply_collection(struct forward *f, struct last **lasts, unsigned n, unsigned *ret_n, struct bf_error *e)
{
    struct bf_uuid ids[BF_IN_MAX];
    struct bf_doc *stored[BF_IN_MAX];
    unsigned of_coll = 0;
    while (of_coll < n && of_coll < BF_IN_MAX && lasts[of_coll]->name.coll == lasts[0]->name.coll) {
        ids[of_coll] = lasts[of_coll]->name.id;
        of_coll++;
    }
    enum bf_status status = f->store->driver->vt->get_many(f->s, lasts[0]->name.coll, f->tenant, ids, of_coll, f->arena, stored, e);
    for (unsigned i = 0; i < of_coll && status == BF_OK; i++)
        if (is_behind(stored[i], lasts[i]))
            status = apply_last(f, lasts[i], stored[i], e);
    if (status == BF_E_CORRUPT)
        status = apply_each(f, lasts, of_coll, e);
    if (status == BF_OK)
        bf__store_moved(f->store, lasts[0]->name.coll);
    *ret_n = of_coll;
    return status;
}

static int by_collection(const void *a, const void *b)
{
    const struct last *x = *(struct last *const *)a, *y = *(struct last *const *)b;
    uintptr_t p = (uintptr_t)x->name.coll, q = (uintptr_t)y->name.coll;
    return (p > q) - (p < q);
}

static enum bf_status apply_page(struct forward *f, struct bf_error *e)
{
    unsigned n = 0, of_coll = 0;
    enum bf_status status = BF_OK;
    struct last **lasts = bf_arena_alloc(f->arena, (HASH_COUNT(f->lasts) + 1) * sizeof *lasts);
    for (struct last *last = f->lasts; last != NULL; last = last->hh.next)
        lasts[n++] = last;
    HASH_CLEAR(hh, f->lasts);
    qsort(lasts, n, sizeof *lasts, by_collection);
    for (unsigned at = 0; at < n && status == BF_OK; at += of_coll)
        status = apply_collection(f, lasts + at, n - at, &of_coll, e);
    return status;
}

/* ---- page by page ---- */

static enum bf_status follow_page(struct forward *f, struct bf__head *head, unsigned *ret_n, struct bf_error *e)
{
    struct bf_raw_entry *raw;
    int64_t at_ms = 0;
    *ret_n = 0;
    enum bf_status status =
        f->store->driver->vt->log_read(f->s, f->tenant, head->applied, PAGE, PAGE_BYTES, /* payloads= */ false, f->arena, &raw, ret_n, e);
    for (unsigned i = 0; i < *ret_n && status == BF_OK; i++)
        status = gather(f, &raw[i], &at_ms, e);
    if (status == BF_OK && *ret_n > 0)
        status = apply_page(f, e);
    HASH_CLEAR(hh, f->lasts);
    if (status != BF_OK || *ret_n == 0)
        return status;
    if (f->knows_all && head->sure == head->applied)
        head->sure = raw[*ret_n - 1].n;
    head->applied = raw[*ret_n - 1].n;
    if (head->applied >= head->n) {
        head->n = head->applied;
        head->at_ms = at_ms;
    }
    return BF_OK;
}

enum bf_status bf__head_follow(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf__head *head,
                               struct bf_error *e)
{
    enum bf_status status;
    unsigned n;
    do {
        struct forward f = {.store = store, .s = s, .tenant = tenant, .arena = bf_arena_create(), .knows_all = true};
        status = follow_page(&f, head, &n, e);
        bf_arena_destroy(&f.arena);
    } while (status == BF_OK && n == PAGE);
    return status;
}
