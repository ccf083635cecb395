/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check goes along the lines of derivation. Every entry of every log: no hole, leaf hash, commitments, times that do not go back,
 * requests that find it; each operation against the document it made. Then every document of a logged collection against the operation it
 * names. Then keys, then blobs.
 *
 * It runs on the committer, so that nothing changes under it; writes wait. To mend is to make a document anew from the operation that made
 * it, in the order of the log, and keys from documents. The log itself is never mended: what is wrong in it is told.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/committer.h"
#include <assert.h>
#include <stdio.h>

enum { ENTRIES = 32, ENTRY_BYTES = 4 << 20 };

struct care {
    struct bf_store *store;
    const struct bf_driver_vtable *vt;
    struct bf_session *s;
    struct bf_check check;
    struct bf_uuid tenant;
    int64_t last_ms;
    bool removed; /* a document that the log does not know: earlier operations may have made another */
};

static void fault(struct care *c, const char *what, int64_t n, const char *coll, const struct bf_uuid *id)
{
    char line[240], t[BF_UUID_TEXT], i[BF_UUID_TEXT] = "";
    bf_uuid_text(&c->tenant, t);
    if (id != NULL)
        bf_uuid_text(id, i);
    snprintf(line, sizeof line, "tenant %s, entry %lld: %s %s %s", t, (long long)n, what, coll, i);
    c->check.say(c->check.ctx, line);
    c->check.report->faults++;
}

/* ---- documents from the log ---- */

static enum bf_status rebuild(struct care *c, const struct bf_log_op *op, const struct bf_doc *before, const struct bf_doc *after,
                              struct bf_arena *arena, struct bf_error *e)
{
    struct bf_apply apply = {.coll = op->coll, .before = before, .after = after, .bson = bf__bson_encode(arena, after)};
    enum bf_status status = c->vt->begin(c->s, e);
    if (status != BF_OK)
        return status;
    if (before == NULL) /* also what is there but cannot be read */
        status = c->vt->remove(c->s, op->coll, c->tenant, op->id, arena, e);
    if (status == BF_OK)
        status = c->vt->apply(c->s, &apply, arena, e);
    if (status == BF_OK)
        status = c->vt->commit(c->s, e);
    else
        c->vt->rollback(c->s);
    if (status == BF_OK)
        c->check.report->mended++;
    return status;
}

/* The document as the operation left it; NULL when its content was erased. */
static const struct bf_doc *image(struct care *c, const struct bf_log_entry *entry, const struct bf_log_op *op, struct bf_arena *arena)
{
    struct bf_doc *doc;
    if (op->tombstone) {
        doc = bf_doc_create(arena, op->coll->schema, c->tenant, op->id);
        doc->tombstone = true;
    } else if (op->doc == NULL) {
        return NULL;
    } else {
        doc = bf_doc_copy(arena, op->doc);
    }
    doc->rev = op->rev;
    doc->n = entry->n;
    doc->k = op->k;
    return doc;
}

static bool same(const struct bf_doc *a, const struct bf_doc *b)
{
    return a->rev == b->rev && a->tombstone == b->tombstone && bf_object_eq(&a->object, &b->object);
}

static enum bf_status check_op(struct care *c, const struct bf_log_entry *entry, const struct bf_log_op *op, struct bf_arena *arena,
                               struct bf_error *e)
{
    struct bf_doc *stored = NULL;
    if (op->coll == NULL)
        return BF_OK; /* of a collection this build does not know */
    enum bf_status status = c->vt->get_many(c->s, op->coll, c->tenant, &op->id, 1, arena, &stored, e);
    if (status != BF_OK && status != BF_E_CORRUPT)
        return status;
    const struct bf_doc *should = image(c, entry, op, arena);
    if (status == BF_E_CORRUPT)
        fault(c, "a document cannot be read:", entry->n, op->coll->name, &op->id);
    else if (stored == NULL)
        fault(c, "a document is missing:", entry->n, op->coll->name, &op->id);
    else if (stored->n > entry->n || (stored->n == entry->n && stored->k > op->k))
        return BF_OK; /* a later operation's */
    else if (stored->n < entry->n || stored->k < op->k)
        fault(c, "a document is behind the log:", entry->n, op->coll->name, &op->id);
    else if (should != NULL && !same(stored, should))
        fault(c, "a document differs from the log:", entry->n, op->coll->name, &op->id);
    else
        return BF_OK;
    return c->check.mend && should != NULL ? rebuild(c, op, stored, should, arena, e) : BF_OK;
}

/* ---- the log ---- */

static enum bf_status check_requests(struct care *c, const struct bf__entry *entry, struct bf_error *e)
{
    for (unsigned i = 0; i < entry->n_requests; i++) {
        int64_t n = 0;
        enum bf_status status = c->vt->log_requests(c->s, c->tenant, &entry->requests[i].id, 1, &n, e);
        if (status != BF_OK)
            return status;
        if (n != entry->n)
            fault(c, "a request of it is not found by its id", entry->n, "", NULL);
    }
    return BF_OK;
}

static enum bf_status check_entry(struct care *c, const struct bf_raw_entry *raw, struct bf_arena *arena, struct bf_error *e)
{
    uint8_t leaf[32];
    struct bf__entry parsed;
    struct bf_log_entry entry;
    struct bf_error why = {0};
    c->check.report->entries++;
    bf__entry_leaf(raw->header, leaf);
    if (memcmp(leaf, raw->leaf, sizeof leaf) != 0)
        fault(c, "the leaf hash does not match the header", raw->n, "", NULL);
    enum bf_status status = bf__entry_parse(arena, raw->header, raw->payload, &parsed, &why);
    if (status == BF_OK)
        status = bf__log_entry(c->store, c->s, raw, BF_LOG_DOCS, arena, &entry, &why);
    if (status == BF_E_CORRUPT) {
        fault(c, why.cause, raw->n, "", NULL);
        return BF_OK;
    }
    if (status == BF_OK && entry.at_ms < c->last_ms)
        fault(c, "its time is before that of the entry before", raw->n, "", NULL);
    if (status == BF_OK)
        c->last_ms = entry.at_ms;
    if (status == BF_OK)
        status = check_requests(c, &parsed, &why);
    for (unsigned i = 0; status == BF_OK && i < entry.n_ops; i++)
        status = check_op(c, &entry, &entry.ops[i], arena, &why);
    if (status != BF_OK && e != NULL)
        *e = why;
    return status;
}

static enum bf_status check_log(struct care *c, int64_t last_n, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    struct bf_arena *arena = bf_arena_create();
    bool in_hole = false;
    for (int64_t n = 0; status == BF_OK && n < last_n;) {
        struct bf_raw_entry *raw;
        unsigned found = 0;
        bf_arena_reset(arena);
        status = c->vt->log_read(c->s, c->tenant, n, ENTRIES, ENTRY_BYTES, true, arena, &raw, &found, e);
        for (unsigned i = 0; status == BF_OK && i < found; i++)
            status = check_entry(c, &raw[i], arena, e);
        if (status == BF_OK && found == 0 && !in_hole)
            fault(c, "the log has a hole here", n + 1, "", NULL);
        in_hole = found == 0;
        n += found == 0 ? 1 : found;
    }
    bf_arena_destroy(&arena);
    return status;
}

/* ---- documents against the log ---- */

static enum bf_status check_origin(struct care *c, const struct bf_collection *coll, const struct bf_doc *doc, struct bf_arena *arena,
                                   struct bf_error *e)
{
    struct bf_raw_entry *raw;
    struct bf__entry entry = {0};
    unsigned found = 0;
    c->check.report->documents++;
    enum bf_status status =
        doc->n < 1 ? BF_OK : c->vt->log_read(c->s, c->tenant, doc->n - 1, 1, ENTRY_BYTES, false, arena, &raw, &found, e);
    if (status == BF_OK && found == 1)
        status = bf__entry_parse(arena, raw->header, bf_str(NULL, 0), &entry, NULL);
    if (status == BF_E_CORRUPT)
        return BF_OK; /* told when the log was read */
    if (status != BF_OK)
        return status;
    if (doc->k >= 0 && (unsigned)doc->k < entry.n_ops && bf_uuid_eq(&entry.ops[doc->k].id, &doc->id) &&
        bf_str_eqz(entry.ops[doc->k].coll, coll->name))
        return BF_OK;
    fault(c, "a document names an operation that did not make it:", doc->n, coll->name, &doc->id);
    if (!c->check.mend)
        return BF_OK;
    status = c->vt->begin(c->s, e);
    if (status == BF_OK)
        status = c->vt->remove(c->s, coll, c->tenant, doc->id, arena, e);
    if (status == BF_OK)
        status = c->vt->commit(c->s, e);
    else
        c->vt->rollback(c->s);
    c->removed = true;
    c->check.report->mended++;
    return status;
}

static enum bf_status check_collection(struct care *c, const struct bf_collection *coll, struct bf_error *e)
{
    struct bf_query query = {.coll = coll, .tenant = c->tenant, .limit = BF_PAGE_MAX};
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    enum bf_status status = BF_OK;
    bool more = true;
    while (status == BF_OK && more) {
        struct bf_page page;
        struct bf_error why = {0};
        bf_arena_reset(arena);
        status = c->vt->find(c->s, &query, arena, &page, &why);
        if (status == BF_E_CORRUPT) {
            fault(c, why.cause, 0, coll->name, NULL);
            status = BF_OK;
            break;
        }
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            status = check_origin(c, coll, page.docs[i], arena, &why);
        if (status != BF_OK && e != NULL)
            *e = why;
        more = status == BF_OK && page.next.n > 0;
        bf_arena_reset(cursor);
        query.after = more ? bf_str_dup(cursor, page.next) : bf_str(NULL, 0);
    }
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
    return status;
}

/* ---- all of it ---- */

static enum bf_status check_tenant(struct care *c, struct bf_error *e)
{
    struct bf_raw_entry *last = NULL;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = c->vt->log_last(c->s, c->tenant, arena, &last, e);
    int64_t last_n = status == BF_OK && last != NULL ? last->n : 0;
    bf_arena_destroy(&arena);
    c->last_ms = INT64_MIN;
    c->removed = false;
    if (status == BF_OK)
        status = check_log(c, last_n, e);
    for (unsigned i = 0; status == BF_OK && i < c->store->n_collections; i++)
        if (c->store->collections[i]->logged)
            status = check_collection(c, c->store->collections[i], e);
    if (status != BF_OK || !c->removed)
        return status;
    c->last_ms = INT64_MIN;
    return check_log(c, last_n, e);
}

static enum bf_status run(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct care *c = ctx;
    struct bf_uuid *tenants;
    unsigned n = 0;
    struct bf_arena *arena = bf_arena_create();
    c->s = writer;
    enum bf_status status = c->vt->log_tenants(writer, arena, &tenants, &n, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        c->tenant = tenants[i];
        status = check_tenant(c, e);
    }
    bf_arena_destroy(&arena);
    return status == BF_OK ? c->vt->check_keys(writer, &c->check, e) : status;
}

enum bf_status bf_store_check(struct bf_store *store, bool mend, void (*say)(void *ctx, const char *line), void *ctx,
                              struct bf_check_report *ret, struct bf_error *e)
{
    struct bf_check_report report = {0};
    struct care c = {.store = store, .vt = store->driver->vt, .check = {.mend = mend, .say = say, .ctx = ctx, .report = &report}};
    enum bf_status status = bf__committer_call(store, run, &c, e);
    if (status == BF_OK)
        status = bf__media_check(store, &c.check, e);
    if (status == BF_OK)
        *ret = report;
    return status;
}
