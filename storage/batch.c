/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of one tenant that wait together: replays are answered from their receipts, the read sets of the others are fetched once,
 * the decisions run in order, each over what the earlier ones put, and what they put becomes one entry, or several when one would be too
 * large.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "core/thread.h"
#include "storage/batch.h"
#include <assert.h>
#include <stdlib.h>
#include <time.h>

enum { LOST_RACES_MAX = 64, RECEIPT_BYTES_MAX = BF_ENTRY_BYTES_MAX, PAUSE_MS = 100, REST_MS = 50, SETTLE_MS = 10000 };

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

/* ---- deciding ---- */

/* The request was decided earlier in this batch: its twin shares the answer. */
static bool answer_twin(struct bf__batch *b, unsigned at)
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

static enum bf_status commit_decision(struct bf__batch *b, struct bf__item *item, struct bf_decision *d, struct bf_error *e)
{
    struct bf__drafts drafts;
    if (d->n_puts > BF_ENTRY_OPS_MAX || d->body.n > RECEIPT_BYTES_MAX)
        return too_large(e);
    if (b->entry.n_ops + d->n_puts > BF_ENTRY_OPS_MAX) {
        enum bf_status status = bf__entry_write(b, e);
        if (status != BF_OK)
            return status;
    }
    enum bf_status status = bf__draft(b, d, &drafts, e);
    if (status == BF_OK && b->entry.n_requests > 0 && b->entry_bytes + drafts.bytes > BF_ENTRY_BYTES_MAX) {
        status = bf__entry_write(b, e);
        if (status == BF_OK)
            status = bf__draft(b, d, &drafts, e); /* n and k are others now */
    }
    if (status == BF_OK && drafts.bytes > BF_ENTRY_BYTES_MAX)
        status = too_large(e);
    if (status == BF_OK)
        bf__draft_accept(b, item, d, &drafts);
    return status;
}

/* Our mistake, found by what somebody asked for: it costs that request, and no other. */
static enum bf_status outside(const struct bf__batch *b, struct bf_error *e)
{
    char id[BF_UUID_TEXT];
    bf_uuid_text(&b->outside.id, id);
    return bf_fail(e, BF_E_INTERNAL, "a decision went outside its read set: %s %s", b->outside.coll->name, id);
}

static enum bf_status decide(struct bf__batch *b, unsigned at, struct bf_error *e)
{
    struct bf__item *item = b->items[at];
    struct bf_error why = {0};
    struct bf_view view = {.b = b, .item = item};
    struct bf_decision d = {.b = b, .item = item, .body = {"", 0}};
    if (item->settled || answer_twin(b, at))
        return BF_OK;
    b->outside.coll = NULL;
    enum bf_status status = item->submission.decide(&view, &d, b->arena, item->submission.ctx, &why);
    if (b->outside.coll != NULL)
        status = outside(b, &why);
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

static enum bf_status find_last(struct bf__batch *b, struct bf_error *e)
{
    struct bf_raw_entry *last;
    enum bf_status status = b->store->driver->vt->log_last(b->s, b->tenant, b->arena, &last, e);
    b->head.n = b->head.at_ms = 0;
    return status != BF_OK || last == NULL ? status : bf__entry_head(last->header, &b->head.n, &b->head.at_ms, e);
}

/* Documents are read behind the head: whoever appends to it next knows that they are as old as it, and no older. */
static enum bf_status find_head(struct bf__batch *b, bool look, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    if (b->store->heads == NULL)
        status = find_last(b, e);
    else if (!bf__head_known(b->store, b->tenant, &b->head) || look || b->head.is_shared || b->head.applied < b->head.n)
        status = bf__head_catch_up(b->store, b->s, b->tenant, &b->head, e);
    b->is_shared = b->head.n > b->head.own_n;
    b->head_n = b->head.n;
    b->at_ms = bf_now_ms(b->store->env);
    if (b->head.at_ms > b->at_ms)
        b->at_ms = b->head.at_ms; /* never before the last entry */
    return status;
}

/* Found in the log under a number that this process sent it with: this is its first answer. */
static bool is_first_answer(const struct bf__item *item, int64_t n) { return item->tried_from > 0 && n >= item->tried_from && n <= item->tried_to; }

static enum bf_status answer_replay(struct bf__batch *b, struct bf__item *item, int64_t n, struct bf_error *e)
{
    const struct bf_submission *s = &item->submission;
    /* Who gets the receipt may read the documents next. */
    enum bf_status status = n > b->head_n && b->store->heads != NULL ? find_head(b, /* look= */ true, e) : BF_OK;
    if (status == BF_OK)
        status = bf__receipt_load(b->store, b->s, b->tenant, n, &s->request, s->body_hash, b->arena, &item->receipt, e);
    if (status != BF_OK)
        return status;
    item->settled = item->proven = true;
    item->receipt.replay &= !is_first_answer(item, n);
    if (item->receipt.replay)
        bf_metric_add(b->store->env->metrics, BF_M_COMMIT_REPLAYS, 1);
    return BF_OK;
}

static enum bf_status answer_replays(struct bf__batch *b, struct bf_error *e)
{
    struct bf_request_id *ids = bf_arena_alloc(b->arena, b->n_items * sizeof *ids);
    int64_t *n = bf_arena_calloc(b->arena, b->n_items, sizeof *n);
    for (unsigned i = 0; i < b->n_items; i++)
        ids[i] = b->items[i]->submission.request;
    enum bf_status status = b->store->driver->vt->log_requests(b->s, b->tenant, ids, b->n_items, n, e);
    for (unsigned i = 0; i < b->n_items && status == BF_OK; i++)
        if (n[i] > 0 && !b->items[i]->settled)
            status = answer_replay(b, b->items[i], n[i], e);
    return status;
}

static struct bf__slot *add_slot(struct bf__batch *b, const struct bf_read *read)
{
    struct bf__slot *slot = bf__slot_find(b, read->coll, read->id);
    if (slot != NULL)
        return NULL;
    slot = bf_arena_calloc(b->arena, 1, sizeof *slot);
    slot->key = (struct bf__slot_key){read->coll, read->id};
    HASH_ADD(hh, b->slots, key, sizeof slot->key, slot);
    return slot;
}

/* The new slots of one collection, fetched together. */
static enum bf_status fetch_slots(struct bf__batch *b, struct bf__slot **slots, unsigned n, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_alloc(b->arena, n * sizeof *ids);
    struct bf_doc **docs = bf_arena_alloc(b->arena, n * sizeof(struct bf_doc *));
    unsigned of_coll = 0;
    for (unsigned at = 0; at < n; at += of_coll) {
        const struct bf_collection *coll = slots[at]->key.coll;
        for (of_coll = 0; at + of_coll < n && slots[at + of_coll]->key.coll == coll && of_coll < BF_IN_MAX; of_coll++)
            ids[of_coll] = slots[at + of_coll]->key.id;
        enum bf_status status = b->store->driver->vt->get_many(b->s, coll, b->tenant, ids, of_coll, b->arena, docs, e);
        if (status != BF_OK)
            return status;
        for (unsigned i = 0; i < of_coll; i++)
            slots[at + i]->stored = slots[at + i]->current = docs[i];
    }
    return BF_OK;
}

static int by_collection(const void *a, const void *b)
{
    struct bf__slot *const *x = a, *const *y = b;
    uintptr_t p = (uintptr_t)(*x)->key.coll, q = (uintptr_t)(*y)->key.coll;
    return p != q ? (p > q) - (p < q) : memcmp(&(*x)->key.id, &(*y)->key.id, sizeof(struct bf_uuid));
}

static enum bf_status fetch_read_sets(struct bf__batch *b, struct bf_error *e)
{
    unsigned n = 0, bound = 0;
    for (unsigned i = 0; i < b->n_items; i++)
        bound += b->items[i]->submission.n_reads;
    struct bf__slot **slots = bf_arena_alloc(b->arena, (bound + 1) * sizeof(struct bf__slot *));
    for (unsigned i = 0; i < b->n_items; i++) {
        for (unsigned r = 0; r < b->items[i]->submission.n_reads && !b->items[i]->settled; r++) {
            slots[n] = add_slot(b, &b->items[i]->reads[r]);
            n += slots[n] != NULL;
        }
    }
    qsort(slots, n, sizeof(struct bf__slot *), by_collection);
    return fetch_slots(b, slots, n, e);
}

/* ---- a batch ---- */

/* A refusal, or an answer that needs no entry, stands on documents that no other process changed while they were read: an entry of ours behind the head
 * shows that, or another look. BF_E_EXISTS: somebody did. */
static enum bf_status prove(struct bf__batch *b, struct bf_error *e)
{
    bool doubtful = false;
    for (unsigned i = 0; i < b->n_items; i++)
        doubtful |= b->items[i]->settled && !b->items[i]->proven;
    if (doubtful && b->store->heads != NULL && b->written_n == 0) {
        enum bf_status status = bf__head_catch_up(b->store, b->s, b->tenant, &b->head, e);
        if (status != BF_OK || b->head.n != b->head_n)
            return status == BF_OK ? BF_E_EXISTS : status;
    }
    for (unsigned i = 0; i < b->n_items; i++)
        b->items[i]->proven = b->items[i]->settled;
    return BF_OK;
}

static enum bf_status run_once(struct bf__batch *b, bool look, struct bf_error *e)
{
    enum bf_status status = find_head(b, look, e);
    if (status == BF_OK)
        status = answer_replays(b, e);
    if (status == BF_OK)
        status = fetch_read_sets(b, e);
    b->entry.requests = bf_arena_calloc(b->arena, b->n_items, sizeof *b->entry.requests);
    b->in_entry = bf_arena_calloc(b->arena, b->n_items, sizeof(struct bf__item *));
    for (unsigned i = 0; i < b->n_items && status == BF_OK; i++)
        status = decide(b, i, e);
    if (status == BF_OK)
        status = bf__entry_write(b, e);
    if (status == BF_OK)
        status = prove(b, e);
    HASH_CLEAR(hh, b->slots);
    bf__batch_forget_keys(b);
    return status;
}

/* What is not in the log, or was decided on what others have changed since, is decided anew. */
static void reopen(struct bf__item **items, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (items[i]->proven)
            continue;
        items[i]->settled = false;
        items[i]->receipt = (struct bf_receipt){.status = BF_E_UNAVAILABLE};
    }
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void sleep_us(int64_t us)
{
    struct timespec pause = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

/* What has happened so far to a batch. */
struct tries {
    unsigned n, races;
    enum bf_status last;
    int64_t took_us; /* the last one */
};

/* Before the next try. Who lost a race waits for a part of a try, by lot, and no longer the more he has lost: else who has bad luck gets nothing. While the
 * store does not answer longer each time, up to PAUSE_MS. */
static void pause_before(const struct bf_store *store, const struct tries *t)
{
    uint32_t dice;
    if (t->n == 0)
        return;
    bf_random(store->env, &dice, sizeof dice);
    int64_t most = t->last == BF_E_EXISTS ? t->took_us / 2 : t->n < 9 ? 250LL << t->n : PAUSE_MS * 1000;
    most = most > PAUSE_MS * 1000 ? PAUSE_MS * 1000 : most;
    sleep_us(t->last == BF_E_EXISTS ? most * (dice % 1024) / 1024 : most - most * (dice % 512) / 1024);
}

static bool is_away(enum bf_status status) { return status == BF_E_UNAVAILABLE || status == BF_E_UNKNOWN_OUTCOME; }

static void note_share(struct bf__bench *bench, const struct bf__batch *b, const struct tries *t)
{
    int64_t most = REST_MS * 1000;
    if (b->written_n == 0 || b->store->heads == NULL)
        return;
    bf__head_share(b->store, b->tenant, b->is_shared);
    if (b->is_shared)
        bench->rest_us = t->took_us < most ? t->took_us : most;
}

/* One try at the batch after another, while it is worth it.
 * BF_E_EXISTS: another process took the number or holds one of the requests; what is not settled is decided again on what it left.
 * Sent without an answer: whether it is there is found out by its requests, or by what else takes its number; never guessed. */
enum bf_status bf__batch_run(struct bf__bench *bench, struct bf_arena *arena, struct bf__item **items, unsigned n, int64_t *ret_n,
                             struct bf_error *e)
{
    struct bf_store *store = bench->store;
    struct tries t = {.n = 0};
    bool sent = false, again;
    int64_t until_ms = bf_real_ms() + SETTLE_MS;
    assert(n > 0);
    *ret_n = 0;
    bench->rest_us = 0;
    do {
        struct bf__batch b = {
            .store = store, .s = bench->s, .sealer = bench->sealer, .arena = arena, .tenant = items[0]->submission.tenant, .items = items, .n_items = n};
        reopen(items, n);
        pause_before(store, &t);
        int64_t begun_us = now_us();
        t.last = run_once(&b, /* look= */ t.n++ > 0, e);
        t.took_us = now_us() - begun_us;
        sent |= b.sent;
        t.races += t.last == BF_E_EXISTS;
        if (b.written_n > 0)
            *ret_n = b.written_n;
        note_share(bench, &b, &t);
        if (store->heads == NULL)
            return t.last == BF_E_EXISTS ? bf_fail(e, BF_E_CORRUPT, "a number or request that the log did not have was taken all the same") : t.last;
        again = (t.last == BF_E_EXISTS && t.races < LOST_RACES_MAX) || (sent && is_away(t.last) && bf_real_ms() < until_ms);
    } while (again);
    if (t.last == BF_E_EXISTS)
        return bf_fail(e, BF_E_UNAVAILABLE, "%d races for the next entry were lost", LOST_RACES_MAX);
    return sent && is_away(t.last) ? bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the store does not answer whether it is done") : t.last;
}
