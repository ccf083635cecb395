/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log: entries, after-images, receipts. */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/committer.h"
#include "storage/heads.h"
#include <assert.h>

enum { READ_BYTES_MAX = 4 << 20, READ_LIMIT_MAX = 1000 };

struct reading {
    struct bf_store *store;
    struct bf_session *s;
    struct bf_arena *arena;
};

/* BF_OK with the entry of number n, parsed; BF_E_CORRUPT when it is not there. */
static enum bf_status read_entry(const struct reading *r, struct bf_uuid tenant, int64_t n, struct bf__entry *ret, struct bf_error *e)
{
    struct bf_raw_entry *raw;
    unsigned found;
    enum bf_status status = r->store->driver->vt->log_read(r->s, tenant, n - 1, 1, READ_BYTES_MAX, true, r->arena, &raw, &found, e);
    if (status != BF_OK)
        return status;
    if (found == 0)
        return bf_fail(e, BF_E_CORRUPT, "log entry %lld is missing", (long long)n);
    return bf__entry_parse(r->arena, raw->header, raw->payload, ret, e);
}

/* The plain text of a part; BF_E_GONE when its subject's key was destroyed. */
static enum bf_status open_part(const struct reading *r, struct bf_uuid subject, const struct bf__place *place, struct bf_str sealed,
                                const uint8_t commitment[32], struct bf_str *ret, struct bf_error *e)
{
    struct bf__subject_keys keys;
    enum bf_status status = bf__keys_get(r->store, r->s, place->tenant, subject, r->arena, &keys, e);
    if (status == BF_E_NOT_FOUND)
        return bf_fail(e, BF_E_CORRUPT, "the key of log entry %lld is missing and was not destroyed", (long long)place->n);
    if (status == BF_OK)
        status = bf__unseal_part(r->arena, &keys, place, sealed, commitment, ret, e);
    return status;
}

/* ---- receipts ---- */

static const struct bf__entry_request *find_request(const struct bf__entry *entry, const struct bf_request_id *id)
{
    for (unsigned i = 0; i < entry->n_requests; i++)
        if (memcmp(&entry->requests[i].id, id, sizeof *id) == 0)
            return &entry->requests[i];
    return NULL;
}

enum bf_status bf__log_receipt(struct bf_store *store, struct bf_session *s, const struct bf__entry *entry, unsigned q,
                               struct bf_arena *arena, struct bf_receipt *ret, struct bf_error *e)
{
    struct reading r = {store, s, arena};
    const struct bf__entry_request *request = &entry->requests[q];
    struct bf_str plain;
    struct bf__place place = {.tenant = entry->tenant, .n = entry->n, .k = -1, .coll = bf_str("", 0)};
    memcpy(place.id, request->id.b, sizeof place.id);
    enum bf_status status = open_part(&r, request->subject, &place, request->sealed, request->commitment, &plain, e);
    return status == BF_OK ? bf__receipt_unpack(plain, &ret->http_status, &ret->body, e) : status;
}

enum bf_status bf__receipt_load(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, int64_t n,
                                const struct bf_request_id *request, const uint8_t body_hash[32], struct bf_arena *arena,
                                struct bf_receipt *ret, struct bf_error *e)
{
    struct reading r = {store, s, arena};
    struct bf__entry entry;
    enum bf_status status = read_entry(&r, tenant, n, &entry, e);
    if (status != BF_OK)
        return status;
    const struct bf__entry_request *found = find_request(&entry, request);
    if (found == NULL)
        return bf_fail(e, BF_E_CORRUPT, "log entry %lld lacks a request that points to it", (long long)n);
    *ret = (struct bf_receipt){.replay = true, .n = n};
    if (memcmp(found->body_hash, body_hash, sizeof found->body_hash) != 0) {
        ret->status = bf_fail(&ret->error, BF_E_ID_REUSED, "this request id was used with another body");
        return BF_OK;
    }
    status = bf__log_receipt(store, s, &entry, (unsigned)(found - entry.requests), arena, ret, &ret->error);
    ret->status = status == BF_E_GONE ? bf_fail(&ret->error, BF_E_GONE, "the answer to this request was erased") : status;
    return BF_OK;
}

enum bf_status bf_receipt_find(struct bf_store *store, struct bf_uuid tenant, const struct bf_request_id *request,
                               const uint8_t body_hash[32], struct bf_arena *arena, bool *found, struct bf_receipt *ret, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    int64_t n = 0;
    struct bf_session *s = vt->reader(store->driver);
    enum bf_status status = vt->log_requests(s, tenant, request, 1, &n, e);
    if (status == BF_OK && n > 0)
        status = bf__receipt_load(store, s, tenant, n, request, body_hash, arena, ret, e);
    vt->release(store->driver, s);
    if (status == BF_OK)
        *found = n > 0;
    return status;
}

/* ---- entries ---- */

static enum bf_status open_image(const struct reading *r, const struct bf__entry *entry, unsigned k, struct bf_log_op *op,
                                 struct bf_error *e)
{
    const struct bf__entry_op *raw = &entry->ops[k];
    struct bf__place place = {.tenant = entry->tenant, .n = entry->n, .k = (int)k, .coll = raw->coll};
    struct bf_str plain;
    struct bf_doc *doc;
    if (raw->tombstone || op->coll == NULL)
        return BF_OK;
    memcpy(place.id, raw->id.b, sizeof place.id);
    enum bf_status status = open_part(r, raw->subject, &place, raw->sealed, raw->commitment, &plain, e);
    if (status == BF_E_GONE) {
        op->erased = true;
        return BF_OK;
    }
    if (status == BF_OK)
        status = bf__bson_decode(r->arena, op->coll->schema, entry->tenant, raw->id, plain, &doc, e);
    if (status == BF_OK)
        op->doc = doc;
    return status;
}

static struct bf_log_op plain_op(const struct bf_store *store, const struct bf__entry_op *raw, unsigned k)
{
    struct bf_log_op op = {.k = (int)k, .id = raw->id, .subject = raw->subject, .rev = raw->rev, .tombstone = raw->tombstone};
    op.owner_before = raw->owner_before;
    op.owner_after = raw->owner_after;
    op.team_before = raw->team_before;
    op.team_after = raw->team_after;
    op.coll = bf__collection_named(store, raw->coll);
    return op;
}

/* Whose after-images are opened. */
struct wanted {
    bool all;
    const struct bf_collection *const *colls;
    unsigned n;
};

static bool is_wanted(const struct wanted *wanted, const struct bf_collection *coll)
{
    bool found = wanted->all;
    for (unsigned i = 0; i < wanted->n && !found; i++)
        found = wanted->colls[i] == coll;
    return found;
}

static enum bf_status open_op(const struct reading *r, const struct bf__entry *entry, unsigned k, const struct wanted *wanted,
                              struct bf_log_op *ret, struct bf_error *e)
{
    *ret = plain_op(r->store, &entry->ops[k], k);
    return is_wanted(wanted, ret->coll) ? open_image(r, entry, k, ret, e) : BF_OK;
}

enum bf_status bf__log_op(struct bf_store *store, struct bf_session *s, const struct bf__entry *entry, unsigned k, struct bf_arena *arena,
                          struct bf_log_op *ret, struct bf_error *e)
{
    return open_op(&(struct reading){store, s, arena}, entry, k, &(struct wanted){.all = true}, ret, e);
}

struct bf_doc *bf__log_image(const struct bf_log_op *op, struct bf_uuid tenant, int64_t n, struct bf_arena *arena)
{
    if (!op->tombstone && op->doc == NULL)
        return NULL;
    struct bf_doc *doc = op->tombstone ? bf_doc_create(arena, op->coll->schema, tenant, op->id) : bf_doc_copy(arena, op->doc);
    doc->tombstone = op->tombstone;
    doc->rev = op->rev;
    doc->n = n;
    doc->k = op->k;
    return doc;
}

static enum bf_status open_entry(const struct reading *r, const struct bf_raw_entry *raw, const struct wanted *wanted,
                                 struct bf_log_entry *ret, struct bf_error *e)
{
    struct bf__entry entry;
    enum bf_status status = bf__entry_parse(r->arena, raw->header, raw->payload, &entry, e);
    if (status != BF_OK)
        return status;
    if (entry.n != raw->n || !bf_uuid_eq(&entry.tenant, &raw->tenant))
        return bf_fail(e, BF_E_CORRUPT, "log entry %lld stands in the place of another", (long long)raw->n);
    *ret = (struct bf_log_entry){.n = entry.n, .at_ms = entry.at_ms, .n_ops = entry.n_ops};
    ret->ops = bf_arena_alloc(r->arena, entry.n_ops * sizeof *ret->ops);
    for (unsigned q = 0, k = 0; q < entry.n_requests; q++)
        for (unsigned i = 0; i < entry.requests[q].n_ops && status == BF_OK; i++, k++) {
            status = open_op(r, &entry, k, wanted, &ret->ops[k], e);
            ret->ops[k].actor = entry.requests[q].actor;
        }
    return status;
}

/* Another process may have made the entry just now: before it is handed out its documents follow it, since whoever is told of it may read them next. */
static enum bf_status roll_forward_to(const struct reading *r, struct bf_uuid tenant, int64_t n, struct bf_error *e)
{
    struct bf__head head;
    if (r->store->heads == NULL || (bf__head_known(r->store, tenant, &head) && head.applied >= n))
        return BF_OK;
    return bf__head_catch_up(r->store, r->s, tenant, &head, e);
}

static enum bf_status read_wanted(struct bf_store *store, struct bf_uuid tenant, int64_t after_n, unsigned limit,
                                  const struct wanted *wanted, struct bf_arena *arena, struct bf_log_entry **ret, unsigned *ret_n,
                                  struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_raw_entry *raw;
    unsigned n = 0;
    assert(limit >= 1 && limit <= READ_LIMIT_MAX && after_n >= 0);
    struct reading r = {store, vt->reader(store->driver), arena};
    enum bf_status status = vt->log_read(r.s, tenant, after_n, limit, READ_BYTES_MAX, wanted->all || wanted->n > 0, arena, &raw, &n, e);
    if (status == BF_OK && n > 0)
        status = roll_forward_to(&r, tenant, raw[n - 1].n, e);
    struct bf_log_entry *entries = bf_arena_alloc(arena, n * sizeof *entries);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        struct bf_error why = {0};
        status = open_entry(&r, &raw[i], wanted, &entries[i], &why);
        if (status == BF_E_CORRUPT && i > 0) { /* what stands before it is handed out */
            n = i;
            status = BF_OK;
        } else if (status != BF_OK && e != NULL) {
            *e = why;
        }
    }
    vt->release(store->driver, r.s);
    if (status == BF_OK) {
        *ret = entries;
        *ret_n = n;
    }
    return status;
}

enum bf_status bf_log_read(struct bf_store *store, struct bf_uuid tenant, int64_t after_n, unsigned limit, enum bf_log_detail detail,
                           struct bf_arena *arena, struct bf_log_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    struct wanted wanted = {.all = detail == BF_LOG_DOCS};
    return read_wanted(store, tenant, after_n, limit, &wanted, arena, ret, ret_n, e);
}

enum bf_status bf__log_read_some(struct bf_store *store, struct bf_uuid tenant, int64_t after_n, unsigned limit,
                                 const struct bf_collection *const *colls, unsigned n_colls, struct bf_arena *arena,
                                 struct bf_log_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    struct wanted wanted = {.colls = colls, .n = n_colls};
    return read_wanted(store, tenant, after_n, limit, &wanted, arena, ret, ret_n, e);
}

enum bf_status bf_log_doc(struct bf_store *store, struct bf_uuid tenant, int64_t n, int k, struct bf_arena *arena,
                          const struct bf_doc **ret, bool *ret_erased, struct bf_error *e)
{
    struct bf_session *s = store->driver->vt->reader(store->driver);
    struct reading r = {store, s, arena};
    struct bf__entry entry;
    struct bf_log_op op;
    enum bf_status status = read_entry(&r, tenant, n, &entry, e);
    if (status == BF_OK && (k < 0 || (unsigned)k >= entry.n_ops))
        status = bf_fail(e, BF_E_NOT_FOUND, "log entry %lld has no operation %d", (long long)n, k);
    if (status == BF_OK)
        status = bf__log_op(store, s, &entry, (unsigned)k, arena, &op, e);
    store->driver->vt->release(store->driver, s);
    if (status == BF_OK) {
        *ret = op.doc;
        *ret_erased = op.erased;
    }
    return status;
}

enum bf_status bf_log_head(struct bf_store *store, struct bf_uuid tenant, int64_t *ret_n, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    struct bf_raw_entry *last = NULL;
    struct bf_session *s = vt->reader(store->driver);
    enum bf_status status = vt->log_last(s, tenant, arena, &last, e);
    vt->release(store->driver, s);
    if (status == BF_OK)
        *ret_n = last == NULL ? 0 : last->n;
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_log_tenants(struct bf_store *store, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = store->heads == NULL ? store->driver->vt->log_tenants(s, arena, ret, ret_n, e) : bf__head_tenants(store, s, arena, ret, ret_n, e);
    store->driver->vt->release(store->driver, s);
    return status;
}
