/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of one tenant that wait together: replays are answered from their receipts, the read sets of the others are fetched once, the decisions run
 * in order, each over what the earlier ones put, and what they put becomes one entry, or several when one would be too large.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "storage/bson.h"
#include "storage/committer.h"
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

enum { LOST_RACES_MAX = 64, RECEIPT_BYTES_MAX = BF_ENTRY_BYTES_MAX };

struct slot_key {
    const struct bf_collection *coll;
    struct bf_uuid id;
};

/* A document that some read set names. */
struct slot {
    struct slot_key key;
    struct bf_doc *stored;  /* as in the database */
    struct bf_doc *current; /* with the operations of this batch laid over it */
    struct bf_str bson;     /* of `current`, when it differs from `stored` */
    bool dirty;
    struct slot *next_dirty;
    UT_hash_handle hh;
};

struct put {
    struct slot *slot;
    struct bf_doc *doc;
};

struct batch {
    struct bf_store *store;
    struct bf_session *s;
    struct bf_arena *arena;
    struct bf_uuid tenant;
    struct bf__item **items;
    unsigned n_items;
    struct slot *slots;
    int64_t head_n, at_ms; /* of the entry that is being filled: head_n + 1 */
    struct bf__entry entry;
    unsigned ops_cap;
    struct bf__item **in_entry; /* the items whose requests the entry holds */
    size_t entry_bytes;
    struct slot *dirty;
    int64_t written_n;
    struct bf_uuid keys_of; /* whose keys these are: neighbouring operations mostly share a subject */
    struct bf__subject_keys keys;
    bool has_keys;
};

struct bf_view {
    struct batch *b;
    const struct bf__item *item;
};

struct bf_decision {
    struct batch *b;
    const struct bf__item *item;
    struct put *puts;
    unsigned n_puts, cap;
    bool has_receipt;
    int http_status;
    struct bf_str body;
    struct bf_uuid receipt_subject;
};

/* ---- the view ---- */

static bool in_read_set(const struct bf__item *item, const struct bf_collection *coll, struct bf_uuid id)
{
    for (unsigned i = 0; i < item->submission.n_reads; i++)
        if (item->reads[i].coll == coll && bf_uuid_eq(&item->reads[i].id, &id))
            return true;
    return false;
}

static struct slot *find_slot(struct batch *b, const struct bf_collection *coll, struct bf_uuid id)
{
    struct slot *slot;
    struct slot_key key = {coll, id};
    HASH_FIND(hh, b->slots, &key, sizeof key, slot);
    return slot;
}

const struct bf_doc *bf_view_get(const struct bf_view *view, const struct bf_collection *coll, struct bf_uuid id)
{
    assert(in_read_set(view->item, coll, id));
    return find_slot(view->b, coll, id)->current;
}

int64_t bf_view_at_ms(const struct bf_view *view) { return view->b->at_ms; }
struct bf_uuid bf_view_tenant(const struct bf_view *view) { return view->b->tenant; }
struct bf_uuid bf_view_actor(const struct bf_view *view) { return view->item->submission.actor; }

/* ---- the decision ---- */

void bf_decision_put(struct bf_decision *d, const struct bf_collection *coll, struct bf_doc *doc)
{
    assert(coll->logged && in_read_set(d->item, coll, doc->id) && doc->object.schema == coll->schema);
    struct slot *slot = find_slot(d->b, coll, doc->id);
    doc->tenant = d->b->tenant;
    doc->rev = slot->current == NULL ? 1 : slot->current->rev + 1;
    for (unsigned i = 0; i < d->n_puts; i++) {
        if (d->puts[i].slot == slot) {
            d->puts[i].doc = doc;
            return;
        }
    }
    if (d->n_puts == d->cap) {
        unsigned cap = d->cap == 0 ? 8 : 2 * d->cap;
        struct put *puts = bf_arena_alloc(d->b->arena, cap * sizeof *puts);
        if (d->n_puts > 0)
            memcpy(puts, d->puts, d->n_puts * sizeof *puts);
        d->puts = puts;
        d->cap = cap;
    }
    d->puts[d->n_puts++] = (struct put){.slot = slot, .doc = doc};
}

void bf_decision_tombstone(struct bf_decision *d, const struct bf_collection *coll, struct bf_uuid id)
{
    struct bf_doc *doc = bf_doc_create(d->b->arena, coll->schema, d->b->tenant, id);
    doc->tombstone = true;
    bf_decision_put(d, coll, doc);
}

void bf_decision_forget(struct bf_decision *d) { d->n_puts = 0; }

void bf_decision_receipt(struct bf_decision *d, int http_status, struct bf_str body, struct bf_uuid subject)
{
    d->has_receipt = true;
    d->http_status = http_status;
    d->body = body;
    d->receipt_subject = subject;
}

void bf__receipt_refuse(struct bf_receipt *receipt, enum bf_status status, const struct bf_error *e)
{
    *receipt = (struct bf_receipt){.status = status, .error = {.status = status}};
    if (e != NULL && e->status == status)
        receipt->error = *e;
}

static void refuse(struct bf__item *item, enum bf_status status, const struct bf_error *e)
{
    bf__receipt_refuse(&item->receipt, status, e);
    item->settled = true;
}

/* ---- from a decision to operations ---- */

static struct bf_uuid named(const struct bf_doc *doc, int row)
{
    static const struct bf_uuid none;
    if (doc == NULL || doc->tombstone || row == BF_ROW_NONE)
        return none;
    return row == BF_ROW_ID ? doc->id : bf_get_uuid(&doc->object, (unsigned)row);
}

static struct bf_uuid subject_of(const struct put *put)
{
    const struct bf_collection *coll = put->slot->key.coll;
    if (coll->subject == BF_ROW_ID)
        return put->doc->id;
    return named(put->doc->tombstone ? put->slot->current : put->doc, coll->subject);
}

static struct bf__entry_op describe(const struct put *put)
{
    const struct bf_collection *coll = put->slot->key.coll;
    const struct bf_doc *before = put->slot->current, *after = put->doc;
    return (struct bf__entry_op){
        .coll = bf_strz(coll->name),
        .id = after->id,
        .subject = subject_of(put),
        .owner_before = named(before, coll->owner),
        .owner_after = named(after, coll->owner),
        .team_before = named(before, coll->team),
        .team_after = named(after, coll->team),
        .rev = after->rev,
        .tombstone = after->tombstone,
    };
}

struct drafts {
    struct bf__entry_op *ops;
    struct bf_str *bsons;
    struct bf__entry_request request;
    size_t bytes;
};

static enum bf_status take_keys(struct batch *b, struct bf_uuid subject, struct bf_error *e)
{
    if (b->has_keys && bf_uuid_eq(&b->keys_of, &subject))
        return BF_OK;
    enum bf_status status = bf__keys_take(b->store, b->s, b->tenant, subject, b->arena, &b->keys, e);
    b->keys_of = subject;
    b->has_keys = status == BF_OK;
    if (b->has_keys)
        bf_gcm_rekey(b->store->gcm, &b->keys.seal);
    return status;
}

static void forget_keys(struct batch *b)
{
    bf_key_wipe(&b->keys.subject);
    bf_key_wipe(&b->keys.seal);
    bf_key_wipe(&b->keys.commit);
}

static enum bf_status draft_op(struct batch *b, const struct put *put, int k, struct bf__entry_op *op, struct bf_str *bson, struct bf_error *e)
{
    struct bf__place place = {.tenant = b->tenant, .n = b->head_n + 1, .k = k, .coll = bf_strz(put->slot->key.coll->name)};
    *op = describe(put);
    put->doc->n = place.n;
    put->doc->k = k;
    *bson = bf__bson_encode(b->arena, put->doc);
    if (op->tombstone)
        return BF_OK;
    enum bf_status status = take_keys(b, op->subject, e);
    if (status != BF_OK)
        return status;
    memcpy(place.id, op->id.b, sizeof place.id);
    bf__seal_part(b->store, b->arena, &b->keys, &place, *bson, &op->sealed, op->commitment);
    return BF_OK;
}

static enum bf_status draft_request(struct batch *b, const struct bf_decision *d, struct bf__entry_request *r, struct bf_error *e)
{
    struct bf__place place = {.tenant = b->tenant, .n = b->head_n + 1, .k = -1, .coll = bf_str("", 0)};
    const struct bf_submission *s = &d->item->submission;
    *r = (struct bf__entry_request){.id = s->request, .actor = s->actor, .subject = d->receipt_subject, .n_ops = d->n_puts};
    memcpy(r->body_hash, s->body_hash, sizeof r->body_hash);
    memcpy(place.id, s->request.b, sizeof place.id);
    enum bf_status status = take_keys(b, r->subject, e);
    if (status != BF_OK)
        return status;
    bf__seal_part(b->store, b->arena, &b->keys, &place, bf__receipt_pack(b->arena, d->http_status, d->body), &r->sealed, r->commitment);
    return BF_OK;
}

/* Encodes and seals the decision's operations as those of entry head_n + 1 from k = n_ops on. */
static enum bf_status draft(struct batch *b, const struct bf_decision *d, struct drafts *ret, struct bf_error *e)
{
    enum bf_status status = draft_request(b, d, &ret->request, e);
    ret->ops = bf_arena_alloc(b->arena, d->n_puts * sizeof *ret->ops);
    ret->bsons = bf_arena_alloc(b->arena, d->n_puts * sizeof *ret->bsons);
    ret->bytes = ret->request.sealed.n + sizeof ret->request;
    for (unsigned i = 0; i < d->n_puts && status == BF_OK; i++) {
        status = draft_op(b, &d->puts[i], (int)(b->entry.n_ops + i), &ret->ops[i], &ret->bsons[i], e);
        if (status == BF_OK)
            ret->bytes += bf__entry_op_bytes(&ret->ops[i]);
    }
    return status;
}

/* ---- the entry ---- */

static enum bf_status roll_forward(struct batch *b, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (; b->dirty != NULL && status == BF_OK; b->dirty = b->dirty->next_dirty) {
        struct slot *slot = b->dirty;
        struct bf_apply apply = {.coll = slot->key.coll, .before = slot->stored, .after = slot->current, .bson = slot->bson};
        status = b->store->driver->vt->apply(b->s, &apply, b->arena, e);
        slot->stored = slot->current;
        slot->dirty = false;
    }
    return status;
}

static enum bf_status write_entry(struct batch *b, struct bf_error *e)
{
    struct bf_raw_append append = {.n_requests = b->entry.n_requests};
    struct bf_request_id *ids = bf_arena_alloc(b->arena, b->entry.n_requests * sizeof *ids);
    if (b->entry.n_requests == 0)
        return BF_OK;
    b->entry.tenant = b->tenant;
    b->entry.n = b->head_n + 1;
    b->entry.at_ms = b->at_ms;
    for (unsigned i = 0; i < b->entry.n_requests; i++)
        ids[i] = b->entry.requests[i].id;
    append.requests = ids;
    append.entry = (struct bf_raw_entry){.tenant = b->tenant, .n = b->entry.n};
    append.entry.header = bf__entry_header(b->arena, &b->entry);
    append.entry.payload = bf__entry_payload(b->arena, &b->entry);
    bf__entry_leaf(append.entry.header, append.entry.leaf);
    enum bf_status status = b->store->driver->vt->append(b->s, &append, e);
    if (status == BF_OK)
        status = roll_forward(b, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < b->entry.n_requests; i++)
        b->in_entry[i]->settled = true;
    bf_metric_add(b->store->env->metrics, BF_M_COMMITS, 1);
    bf_metric_add(b->store->env->metrics, BF_M_COMMIT_REQUESTS, b->entry.n_requests);
    b->written_n = b->head_n = b->entry.n;
    b->entry.n_ops = b->entry.n_requests = 0;
    b->entry_bytes = 0;
    return BF_OK;
}

static void make_room(struct batch *b, unsigned n)
{
    if (b->entry.n_ops + n <= b->ops_cap)
        return;
    b->ops_cap = 2 * (b->entry.n_ops + n);
    struct bf__entry_op *ops = bf_arena_alloc(b->arena, b->ops_cap * sizeof *ops);
    if (b->entry.n_ops > 0)
        memcpy(ops, b->entry.ops, b->entry.n_ops * sizeof *ops);
    b->entry.ops = ops;
}

static void accept(struct batch *b, struct bf__item *item, const struct bf_decision *d, const struct drafts *drafts)
{
    make_room(b, d->n_puts);
    memcpy(&b->entry.ops[b->entry.n_ops], drafts->ops, d->n_puts * sizeof *drafts->ops);
    for (unsigned i = 0; i < d->n_puts; i++) {
        struct slot *slot = d->puts[i].slot;
        slot->current = d->puts[i].doc;
        slot->bson = drafts->bsons[i];
        bf__store_touch(b->store, slot->key.coll);
        if (!slot->dirty) {
            slot->dirty = true;
            slot->next_dirty = b->dirty;
            b->dirty = slot;
        }
    }
    b->in_entry[b->entry.n_requests] = item;
    b->entry.requests[b->entry.n_requests++] = drafts->request;
    b->entry.n_ops += d->n_puts;
    b->entry_bytes += drafts->bytes;
    item->receipt = (struct bf_receipt){.http_status = d->http_status, .body = d->body, .n = b->head_n + 1};
}

/* ---- deciding ---- */

/* The request was decided earlier in this batch: its twin shares the answer. */
static bool answer_twin(struct batch *b, unsigned at)
{
    struct bf__item *item = b->items[at];
    for (unsigned i = 0; i < at; i++) {
        const struct bf__item *first = b->items[i];
        if (first->receipt.status != BF_OK || first->receipt.n == 0 ||
            memcmp(&first->submission.request, &item->submission.request, sizeof first->submission.request) != 0)
            continue;
        if (memcmp(first->submission.body_hash, item->submission.body_hash, sizeof first->submission.body_hash) != 0) {
            bf_fail(&item->receipt.error, BF_E_ID_REUSED, "this request id was used with another body");
            item->receipt.status = BF_E_ID_REUSED;
        } else {
            item->receipt = first->receipt;
            item->receipt.replay = true;
        }
        return true;
    }
    return false;
}

static enum bf_status too_large(struct bf_error *e)
{
    return bf_fail(e, BF_E_TOO_LARGE, "one request changes more than %d documents or %d bytes", BF_ENTRY_OPS_MAX, BF_ENTRY_BYTES_MAX);
}

/* A refusal is the item's; what the driver failed at is the group's. */
static bool is_refusal(enum bf_status status) { return status == BF_E_GONE || status == BF_E_TOO_LARGE; }

static enum bf_status commit_decision(struct batch *b, struct bf__item *item, struct bf_decision *d, struct bf_error *e)
{
    struct drafts drafts;
    if (d->n_puts > BF_ENTRY_OPS_MAX || d->body.n > RECEIPT_BYTES_MAX)
        return too_large(e);
    if (b->entry.n_ops + d->n_puts > BF_ENTRY_OPS_MAX) {
        enum bf_status status = write_entry(b, e);
        if (status != BF_OK)
            return status;
    }
    enum bf_status status = draft(b, d, &drafts, e);
    if (status == BF_OK && b->entry.n_requests > 0 && b->entry_bytes + drafts.bytes > BF_ENTRY_BYTES_MAX) {
        status = write_entry(b, e);
        if (status == BF_OK)
            status = draft(b, d, &drafts, e); /* n and k are others now */
    }
    if (status == BF_OK && drafts.bytes > BF_ENTRY_BYTES_MAX)
        status = too_large(e);
    if (status == BF_OK)
        accept(b, item, d, &drafts);
    return status;
}

static enum bf_status decide(struct batch *b, unsigned at, struct bf_error *e)
{
    struct bf__item *item = b->items[at];
    struct bf_error why = {0};
    struct bf_view view = {.b = b, .item = item};
    struct bf_decision d = {.b = b, .item = item, .body = {"", 0}};
    if (item->settled || answer_twin(b, at))
        return BF_OK;
    enum bf_status status = item->submission.decide(&view, &d, b->arena, item->submission.ctx, &why);
    if (status == BF_OK && d.n_puts == 0) {
        item->receipt = (struct bf_receipt){.http_status = d.http_status, .body = d.body};
        item->settled = true;
        return BF_OK;
    }
    if (status != BF_OK) {
        refuse(item, status, &why);
        return BF_OK;
    }
    status = commit_decision(b, item, &d, &why);
    if (is_refusal(status)) {
        refuse(item, status, &why);
        return BF_OK;
    }
    if (status != BF_OK && e != NULL)
        *e = why;
    return status;
}

/* ---- before deciding ---- */

static enum bf_status find_head(struct batch *b, struct bf_error *e)
{
    struct bf_raw_entry *last;
    enum bf_status status = b->store->driver->vt->log_last(b->s, b->tenant, b->arena, &last, e);
    b->head_n = 0;
    b->at_ms = bf_now_ms(b->store->env);
    if (status != BF_OK || last == NULL)
        return status;
    int64_t last_ms;
    status = bf__entry_head(last->header, &b->head_n, &last_ms, e);
    if (last_ms > b->at_ms)
        b->at_ms = last_ms; /* never before the last entry */
    return status;
}

static enum bf_status answer_replays(struct batch *b, struct bf_error *e)
{
    struct bf_request_id *ids = bf_arena_alloc(b->arena, b->n_items * sizeof *ids);
    int64_t *n = bf_arena_calloc(b->arena, b->n_items, sizeof *n);
    for (unsigned i = 0; i < b->n_items; i++)
        ids[i] = b->items[i]->submission.request;
    enum bf_status status = b->store->driver->vt->log_requests(b->s, b->tenant, ids, b->n_items, n, e);
    for (unsigned i = 0; i < b->n_items && status == BF_OK; i++) {
        struct bf__item *item = b->items[i];
        if (n[i] == 0 || item->settled)
            continue;
        status = bf__receipt_load(b->store, b->s, b->tenant, n[i], &ids[i], item->submission.body_hash, b->arena, &item->receipt, e);
        item->settled = status == BF_OK;
        bf_metric_add(b->store->env->metrics, BF_M_COMMIT_REPLAYS, 1);
    }
    return status;
}

static struct slot *add_slot(struct batch *b, const struct bf_read *read)
{
    struct slot *slot = find_slot(b, read->coll, read->id);
    if (slot != NULL)
        return NULL;
    slot = bf_arena_calloc(b->arena, 1, sizeof *slot);
    slot->key = (struct slot_key){read->coll, read->id};
    HASH_ADD(hh, b->slots, key, sizeof slot->key, slot);
    return slot;
}

/* The new slots of one collection, fetched together. */
static enum bf_status fetch_slots(struct batch *b, struct slot **slots, unsigned n, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_alloc(b->arena, n * sizeof *ids);
    struct bf_doc **docs = bf_arena_alloc(b->arena, n * sizeof(struct bf_doc *));
    unsigned of_coll = 0;
    for (unsigned at = 0; at < n; at += of_coll) {
        const struct bf_collection *coll = slots[at]->key.coll;
        for (of_coll = 0; at + of_coll < n && slots[at + of_coll]->key.coll == coll && of_coll < BF_IN_MAX; of_coll++)
            ids[of_coll] = slots[at + of_coll]->key.id;
        struct bf_uuid tenant = coll->cls == BF_TENANT_COLLECTION ? b->tenant : (struct bf_uuid){{0}};
        enum bf_status status = b->store->driver->vt->get_many(b->s, coll, tenant, ids, of_coll, b->arena, docs, e);
        if (status != BF_OK)
            return status;
        for (unsigned i = 0; i < of_coll; i++)
            slots[at + i]->stored = slots[at + i]->current = docs[i];
    }
    return BF_OK;
}

static int by_collection(const void *a, const void *b)
{
    struct slot *const *x = a, *const *y = b;
    uintptr_t p = (uintptr_t)(*x)->key.coll, q = (uintptr_t)(*y)->key.coll;
    return p != q ? (p > q) - (p < q) : memcmp(&(*x)->key.id, &(*y)->key.id, sizeof(struct bf_uuid));
}

static enum bf_status fetch_read_sets(struct batch *b, struct bf_error *e)
{
    unsigned n = 0, bound = 0;
    for (unsigned i = 0; i < b->n_items; i++)
        bound += b->items[i]->submission.n_reads;
    struct slot **slots = bf_arena_alloc(b->arena, (bound + 1) * sizeof(struct slot *));
    for (unsigned i = 0; i < b->n_items; i++) {
        for (unsigned r = 0; r < b->items[i]->submission.n_reads && !b->items[i]->settled; r++) {
            slots[n] = add_slot(b, &b->items[i]->reads[r]);
            n += slots[n] != NULL;
        }
    }
    qsort(slots, n, sizeof(struct slot *), by_collection);
    return fetch_slots(b, slots, n, e);
}

/* ---- a batch ---- */

static enum bf_status run_once(struct batch *b, struct bf_error *e)
{
    enum bf_status status = find_head(b, e);
    if (status == BF_OK)
        status = answer_replays(b, e);
    if (status == BF_OK)
        status = fetch_read_sets(b, e);
    b->entry.requests = bf_arena_calloc(b->arena, b->n_items, sizeof *b->entry.requests);
    b->in_entry = bf_arena_calloc(b->arena, b->n_items, sizeof(struct bf__item *));
    for (unsigned i = 0; i < b->n_items && status == BF_OK; i++)
        status = decide(b, i, e);
    if (status == BF_OK)
        status = write_entry(b, e);
    HASH_CLEAR(hh, b->slots);
    forget_keys(b);
    return status;
}

enum bf_status bf__batch_run(struct bf_store *store, struct bf_session *writer, struct bf_arena *arena, struct bf__item **items, unsigned n,
                             int64_t *ret_n, struct bf_error *e)
{
    enum bf_status status = BF_E_EXISTS;
    int64_t written_n = 0;
    assert(n > 0);
    /* BF_E_EXISTS: another process took the number or holds one of the requests. What is not settled is decided again on what it left. */
    for (unsigned races = 0; status == BF_E_EXISTS && races < LOST_RACES_MAX; races++) {
        struct batch b = {.store = store, .s = writer, .arena = arena, .tenant = items[0]->submission.tenant, .items = items, .n_items = n};
        for (unsigned i = 0; i < n; i++)
            if (!items[i]->settled)
                items[i]->receipt = (struct bf_receipt){.status = BF_E_UNAVAILABLE};
        status = run_once(&b, e);
        if (b.written_n > 0)
            written_n = b.written_n;
        if (store->driver->vt->one_transaction && status == BF_E_EXISTS)
            return bf_fail(e, BF_E_CORRUPT, "a number or request that the log did not have was taken all the same");
    }
    *ret_n = written_n;
    return status == BF_E_EXISTS ? bf_fail(e, BF_E_UNAVAILABLE, "%d races for the next entry were lost", LOST_RACES_MAX) : status;
}
