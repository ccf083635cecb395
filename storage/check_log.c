/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the logs: each entry by itself, and each operation against the document it made. */
#include "core/arena.h"
#include "storage/check.h"

enum { ENTRIES = 32, ENTRY_BYTES = 1 << 20 };

struct walk {
    struct bf_uuid tenant;
    int64_t n, last_n, last_ms; /* n: looked at up to here */
    bool in_hole;
};

static void fault_of_log(struct bf__care *c, const struct walk *w, int64_t n, const char *what)
{
    bf__care_fault(c, w->tenant, n, what, "", NULL);
    bf__care_doubt(c, w->tenant);
}

static enum bf_status check_requests(struct bf__care *c, struct bf_session *s, const struct bf__entry *entry, struct bf_arena *arena,
                                     struct bf_error *e)
{
    for (unsigned i = 0; i < entry->n_requests; i++) {
        int64_t n = 0;
        struct bf_receipt receipt;
        struct bf_error why = {0};
        enum bf_status status = c->vt->log_requests(s, entry->tenant, &entry->requests[i].id, 1, &n, e);
        if (status != BF_OK)
            return status;
        if (n != entry->n)
            bf__care_fault(c, entry->tenant, entry->n, "a request of it is not found by its id", "", NULL);
        status = bf__log_receipt(c->store, s, entry, i, arena, &receipt, &why);
        if (status == BF_E_CORRUPT)
            bf__care_fault(c, entry->tenant, entry->n, why.cause, "receipt", NULL);
        else if (status != BF_OK && status != BF_E_GONE)
            return bf_fail(e, status, "%s", why.cause);
    }
    return BF_OK;
}

/* BF_OK with whether the stored document is, or may be, what the operation left. */
static enum bf_status is_right(struct bf__care *c, struct bf_session *s, const struct bf__entry *entry, const struct bf_log_op *op,
                               struct bf_arena *arena, bool *ret, struct bf_error *e)
{
    struct bf_doc *stored = NULL;
    enum bf_status status = c->vt->get_many(s, op->coll, entry->tenant, &op->id, 1, arena, &stored, e);
    *ret = false;
    if (status == BF_E_CORRUPT || (status == BF_OK && stored == NULL))
        return BF_OK;
    if (status != BF_OK)
        return status;
    *ret = stored->n > entry->n || (stored->n == entry->n && stored->k > op->k);
    if (!*ret && stored->n == entry->n && stored->k == op->k) {
        const struct bf_doc *should = bf__log_image(op, entry->tenant, entry->n, arena);
        *ret = should == NULL || bf__care_same(stored, should);
    }
    return BF_OK;
}

static enum bf_status check_op(struct bf__care *c, struct bf_session *s, const struct bf__entry *entry, unsigned k, struct bf_arena *arena,
                               struct bf_error *e)
{
    struct bf_log_op op;
    struct bf_error why = {0};
    bool right = false;
    enum bf_status status = bf__log_op(c->store, s, entry, k, arena, &op, &why);
    if (status == BF_E_CORRUPT)
        bf__care_fault(c, entry->tenant, entry->n, why.cause, op.coll->name, &op.id);
    else if (status != BF_OK)
        return bf_fail(e, status, "%s", why.cause);
    if (op.coll == NULL)
        return BF_OK; /* of a collection this build does not know */
    if (bf__suspect_find(c, op.coll, entry->tenant, op.id) == NULL)
        status = is_right(c, s, entry, &op, arena, &right, e);
    else
        status = BF_OK;
    if (status == BF_OK && !right)
        bf__suspect_add(c, op.coll, entry->tenant, op.id, entry->n, op.k);
    return status;
}

static enum bf_status check_entry(struct bf__care *c, struct bf_session *s, struct walk *w, const struct bf_raw_entry *raw,
                                  struct bf_arena *arena, struct bf_error *e)
{
    uint8_t leaf[32];
    struct bf__entry entry;
    struct bf_error why = {0};
    c->check.report->entries++;
    bf__entry_leaf(raw->header, leaf);
    if (memcmp(leaf, raw->leaf, sizeof leaf) != 0)
        fault_of_log(c, w, raw->n, "the leaf hash does not match the header");
    enum bf_status status = bf__entry_parse(arena, raw->header, raw->payload, &entry, &why);
    if (status == BF_OK && (entry.n != raw->n || !bf_uuid_eq(&entry.tenant, &w->tenant)))
        status = bf_fail(&why, BF_E_CORRUPT, "an entry stands in the place of another");
    if (status != BF_OK) {
        fault_of_log(c, w, raw->n, why.cause);
        return BF_OK;
    }
    if (entry.at_ms < w->last_ms)
        bf__care_fault(c, w->tenant, raw->n, "its time is before that of the entry before", "", NULL);
    w->last_ms = entry.at_ms;
    status = check_requests(c, s, &entry, arena, e);
    for (unsigned k = 0; status == BF_OK && k < entry.n_ops; k++)
        status = check_op(c, s, &entry, k, arena, e);
    return status;
}

static enum bf_status walk_on(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e)
{
    struct walk *w = at;
    struct bf_raw_entry *raw;
    struct bf_error why = {0};
    unsigned found = 0;
    enum bf_status status = c->vt->log_read(s, w->tenant, w->n, ENTRIES, ENTRY_BYTES, true, arena, &raw, &found, &why);
    if (status == BF_E_CORRUPT) {
        fault_of_log(c, w, ++w->n, why.cause);
        return BF_OK;
    }
    if (status != BF_OK)
        return bf_fail(e, status, "%s", why.cause);
    for (unsigned i = 0; status == BF_OK && i < found && raw[i].n <= w->last_n; i++)
        status = check_entry(c, s, w, &raw[i], arena, e);
    if (found == 0 && !w->in_hole)
        fault_of_log(c, w, w->n + 1, "the log has a hole here");
    w->in_hole = found == 0;
    w->n += found == 0 ? 1 : found;
    return status;
}

static enum bf_status find_last(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e)
{
    struct walk *w = at;
    struct bf_raw_entry *last = NULL;
    struct bf_error why = {0};
    enum bf_status status = c->vt->log_last(s, w->tenant, arena, &last, &why);
    if (status == BF_E_CORRUPT)
        fault_of_log(c, w, 0, why.cause);
    else if (status != BF_OK)
        return bf_fail(e, status, "%s", why.cause);
    w->last_n = last == NULL ? 0 : last->n;
    return BF_OK;
}

enum bf_status bf__care_logs(struct bf__care *c, struct bf_error *e)
{
    struct bf_uuid *tenants;
    unsigned n = 0;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_log_tenants(c->store, arena, &tenants, &n, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        struct walk w = {.tenant = tenants[i], .last_ms = INT64_MIN};
        status = bf__care_slice(c, find_last, &w, e);
        while (status == BF_OK && w.n < w.last_n)
            status = bf__care_slice(c, walk_on, &w, e);
    }
    bf_arena_destroy(&arena);
    return status;
}
