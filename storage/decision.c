/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision sees and puts, and the entry that is made of it. */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "storage/batch.h"
#include "storage/bson.h"
#include <assert.h>

/* ---- the view ---- */

static bool in_read_set(const struct bf__item *item, const struct bf_collection *coll, struct bf_uuid id)
{
    for (unsigned i = 0; i < item->submission.n_reads; i++)
        if (item->reads[i].coll == coll && bf_uuid_eq(&item->reads[i].id, &id))
            return true;
    return false;
}

struct bf__slot *bf__slot_find(struct bf__batch *b, const struct bf_collection *coll, struct bf_uuid id)
{
    struct bf__slot *slot;
    struct bf__slot_key key = {coll, id};
    HASH_FIND(hh, b->slots, &key, sizeof key, slot);
    return slot;
}

/* An empty record lets the decision run to its end, whatever it takes for granted; what it says is thrown away. */
const struct bf_doc *bf_view_get(const struct bf_view *view, const struct bf_collection *coll, struct bf_uuid id)
{
    if (in_read_set(view->item, coll, id))
        return bf__slot_find(view->b, coll, id)->current;
    view->b->outside = (struct bf__slot_key){coll, id};
    return bf_doc_create(view->b->arena, coll->schema, view->b->tenant, id);
}

int64_t bf_view_at_ms(const struct bf_view *view) { return view->b->at_ms; }
struct bf_uuid bf_view_tenant(const struct bf_view *view) { return view->b->tenant; }
struct bf_uuid bf_view_actor(const struct bf_view *view) { return view->item->submission.actor; }

/* ---- the decision ---- */

void bf_decision_put(struct bf_decision *d, const struct bf_collection *coll, struct bf_doc *doc)
{
    assert(coll->logged && doc->object.schema == coll->schema);
    doc->tenant = d->b->tenant;
    if (!in_read_set(d->item, coll, doc->id)) {
        d->b->outside = (struct bf__slot_key){coll, doc->id};
        return;
    }
    struct bf__slot *slot = bf__slot_find(d->b, coll, doc->id);
    doc->rev = slot->current == NULL ? 1 : slot->current->rev + 1;
    for (unsigned i = 0; i < d->n_puts; i++) {
        if (d->puts[i].slot == slot) {
            d->puts[i].doc = doc;
            return;
        }
    }
    if (d->n_puts == d->cap) {
        unsigned cap = d->cap == 0 ? 8 : 2 * d->cap;
        struct bf__put *puts = bf_arena_alloc(d->b->arena, cap * sizeof *puts);
        if (d->n_puts > 0)
            memcpy(puts, d->puts, d->n_puts * sizeof *puts);
        d->puts = puts;
        d->cap = cap;
    }
    d->puts[d->n_puts++] = (struct bf__put){.slot = slot, .doc = doc};
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
    d->http_status = http_status;
    d->body = body;
    d->receipt_subject = subject;
}

/* ---- from a decision to operations ---- */

static struct bf_uuid named(const struct bf_doc *doc, int row)
{
    static const struct bf_uuid none;
    if (doc == NULL || doc->tombstone || row == BF_ROW_NONE)
        return none;
    return row == BF_ROW_ID ? doc->id : bf_get_uuid(&doc->object, (unsigned)row);
}

static struct bf_uuid subject_of(const struct bf__put *put)
{
    const struct bf_collection *coll = put->slot->key.coll;
    if (coll->subject == BF_ROW_ID)
        return put->doc->id;
    return named(put->doc->tombstone ? put->slot->current : put->doc, coll->subject);
}

static struct bf__entry_op describe(const struct bf__put *put)
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

static enum bf_status take_keys(struct bf__batch *b, struct bf_uuid subject, struct bf_error *e)
{
    if (b->has_keys && bf_uuid_eq(&b->keys_of, &subject))
        return BF_OK;
    enum bf_status status = bf__keys_take(b->store, b->s, b->tenant, subject, b->arena, &b->keys, e);
    b->keys_of = subject;
    b->has_keys = status == BF_OK;
    if (b->has_keys)
        bf_gcm_rekey(b->sealer->gcm, &b->keys.seal);
    return status;
}

void bf__batch_forget_keys(struct bf__batch *b)
{
    bf_key_wipe(&b->keys.subject);
    bf_key_wipe(&b->keys.seal);
    bf_key_wipe(&b->keys.commit);
}

static enum bf_status draft_op(struct bf__batch *b, const struct bf__put *put, int k, struct bf__entry_op *op, struct bf_str *bson,
                               struct bf_error *e)
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
    bf__seal_part(b->sealer, b->arena, &b->keys, &place, *bson, &op->sealed, op->commitment);
    return BF_OK;
}

static enum bf_status draft_request(struct bf__batch *b, const struct bf_decision *d, struct bf__entry_request *r, struct bf_error *e)
{
    struct bf__place place = {.tenant = b->tenant, .n = b->head_n + 1, .k = -1, .coll = bf_str("", 0)};
    const struct bf_submission *s = &d->item->submission;
    *r = (struct bf__entry_request){.id = s->request, .actor = s->actor, .subject = d->receipt_subject, .n_ops = d->n_puts};
    memcpy(r->body_hash, s->body_hash, sizeof r->body_hash);
    memcpy(place.id, s->request.b, sizeof place.id);
    enum bf_status status = take_keys(b, r->subject, e);
    if (status != BF_OK)
        return status;
    bf__seal_part(b->sealer, b->arena, &b->keys, &place, bf__receipt_pack(b->arena, d->http_status, d->body), &r->sealed, r->commitment);
    return BF_OK;
}

enum bf_status bf__draft(struct bf__batch *b, const struct bf_decision *d, struct bf__drafts *ret, struct bf_error *e)
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

static enum bf_status roll_forward(struct bf__batch *b, struct bf_error *e)
{
    struct bf_apply applies[BF_ENTRY_OPS_MAX];
    unsigned n = 0;
    for (; b->dirty != NULL; b->dirty = b->dirty->next_dirty) {
        struct bf__slot *slot = b->dirty;
        assert(n < BF_ENTRY_OPS_MAX);
        applies[n++] = (struct bf_apply){.coll = slot->key.coll, .before = slot->stored, .after = slot->current, .bson = slot->bson};
        slot->stored = slot->current;
        slot->dirty = false;
    }
    enum bf_status status = b->store->driver->vt->apply(b->s, applies, n, b->arena, e);
    for (unsigned i = 0; i < n && b->store->heads != NULL; i++)
        bf__store_moved(b->store, applies[i].coll);
    return status;
}

/* Should its answer get lost, or the rest fail, the requests will be found in the log under this number and are no replays then. */
static void note_sent(struct bf__batch *b, bool is_there)
{
    if (b->store->heads == NULL)
        return;
    for (unsigned i = 0; i < b->entry.n_requests; i++) {
        struct bf__item *item = b->in_entry[i];
        item->tried_from = item->tried_from == 0 ? b->entry.n : item->tried_from;
        item->tried_to = b->entry.n;
    }
    b->sent = true;
    if (!is_there)
        return;
    b->head.n = b->head.own_n = b->entry.n;
    b->head.at_ms = b->at_ms;
    bf__head_note(b->store, b->tenant, &b->head, /* own= */ true);
}

static void note_applied(struct bf__batch *b)
{
    for (unsigned i = 0; i < b->entry.n_requests; i++)
        b->in_entry[i]->settled = b->in_entry[i]->proven = true;
    b->sent = false;
    if (b->store->heads == NULL)
        return;
    if (b->head.sure == b->head.applied)
        b->head.sure = b->entry.n;
    b->head.applied = b->entry.n;
    bf__head_note(b->store, b->tenant, &b->head, /* own= */ true);
}

enum bf_status bf__entry_write(struct bf__batch *b, struct bf_error *e)
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
    enum bf_status status = BF_OK;
    if (b->store->heads != NULL && b->entry.n == 1)
        status = bf__head_found(b->store, b->s, b->tenant, b->arena, e);
    if (status == BF_OK)
        status = b->store->driver->vt->append(b->s, &append, e);
    if (status == BF_OK || status == BF_E_UNKNOWN_OUTCOME)
        note_sent(b, status == BF_OK);
    if (status == BF_OK)
        status = roll_forward(b, e);
    if (status != BF_OK)
        return status;
    note_applied(b);
    bf_metric_add(b->store->env->metrics, BF_M_COMMITS, 1);
    bf_metric_add(b->store->env->metrics, BF_M_COMMIT_REQUESTS, b->entry.n_requests);
    b->written_n = b->head_n = b->entry.n;
    b->entry.n_ops = b->entry.n_requests = 0;
    b->entry_bytes = 0;
    return BF_OK;
}

static void make_room(struct bf__batch *b, unsigned n)
{
    if (b->entry.n_ops + n <= b->ops_cap)
        return;
    b->ops_cap = 2 * (b->entry.n_ops + n);
    struct bf__entry_op *ops = bf_arena_alloc(b->arena, b->ops_cap * sizeof *ops);
    if (b->entry.n_ops > 0)
        memcpy(ops, b->entry.ops, b->entry.n_ops * sizeof *ops);
    b->entry.ops = ops;
}

void bf__draft_accept(struct bf__batch *b, struct bf__item *item, const struct bf_decision *d, const struct bf__drafts *drafts)
{
    make_room(b, d->n_puts);
    memcpy(&b->entry.ops[b->entry.n_ops], drafts->ops, d->n_puts * sizeof *drafts->ops);
    for (unsigned i = 0; i < d->n_puts; i++) {
        struct bf__slot *slot = d->puts[i].slot;
        slot->current = d->puts[i].doc;
        slot->bson = drafts->bsons[i];
        if (b->store->heads == NULL)
            bf__store_touch(b->store, slot->key.coll); /* else it moves on with each document that was rolled forward */
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
