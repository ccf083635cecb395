/* SPDX-License-Identifier: Apache-2.0 */
/* The committer's queue items and groups, and the decisions of one tenant within a group. For committer.c, submit.c and the batches. */
#pragma once
#include "storage/seal.h"
#include <stdatomic.h>

enum bf__item_kind { ITEM_SUBMIT, ITEM_WRITE, ITEM_CALL };

/* What the items of one group made; freed when the last `done` returned. */
struct bf__group {
    struct bf_arena *arena;
    atomic_uint refs;
};

/* The caller of a blocking item waits here, on its own stack. */
struct bf__waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned left;
};

struct bf__item {
    struct bf_task task; /* calls `done` of this item and of those chained behind it */
    struct bf__item *next;
    enum bf__item_kind kind;
    struct bf__group *group;
    struct bf__waiter *waiter; /* NULL: asynchronous */
    bool behind; /* nobody waits for it; the same of all items of a call */
    int64_t queued_ms;
    enum bf_status status;  /* of a write or call */
    struct bf_error *error; /* of a write or call: where the waiting caller wants the cause; BF_OK before */
    const struct bf_write *write;
    const struct bf__item *leader; /* of a write that follows: the one before it, which is answered before it; else NULL */
    bf__call_fn *call;
    void *call_ctx;
    struct bf_submission submission;
    struct bf_receipt receipt;
    bool settled; /* the receipt stands, whatever else the batch does... */
    bool proven;  /* ...and is in the log, or was decided on what no other process has changed since */
    int64_t tried_from, tried_to; /* the numbers under which it was sent without an answer: found there, it is no replay */
    struct bf_read reads[];
};

struct bf__bench { /* what a committer works with */
    struct bf_store *store;
    struct bf_session *s;
    struct bf__part_sealer *sealer;
    int64_t rest_us; /* set by a batch that shares its tenant's log with other processes: so long the next one leaves it to them; else 0 */
};
/* Settles all items (ITEM_SUBMIT of one tenant, in order), writing their entries. An error, the whole group's, when the driver failed; what
 * was decided is then undone by the caller's rollback. *ret_n: the last entry written, 0 when none was. */
enum bf_status bf__batch_run(struct bf__bench *bench, struct bf_arena *arena, struct bf__item **items, unsigned n, int64_t *ret_n,
                             struct bf_error *e);
void bf__receipt_refuse(struct bf_receipt *receipt, enum bf_status status, const struct bf_error *e);

/* What a write may answer by itself, leaving the others of its group alone; anything else is a failure of the store. */
bool bf__is_own_answer(enum bf_status status);

/* Queues the items, or none of them: BF_E_UNAVAILABLE (full), BF_E_CANCELLED (closing). A call always finds room: its caller waits, so there is
 * one a thread, and work of several calls (a backup) shall not break off half-way. */
enum bf_status bf__committer_enqueue(struct bf_store *store, struct bf__item *const *items, unsigned n, struct bf_error *e);
void bf__group_leave(struct bf__group *group); /* each item once, when nobody needs what the group made for it any more */
enum bf_status bf__committers_start(struct bf_store *store, struct bf_error *e);
void bf__committers_stop(struct bf_store *store); /* finish what was queued */

/* log.c: the receipt of a request that entry n holds. What is wrong with the receipt itself (another body, erased) is its status. */
enum bf_status bf__receipt_load(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, int64_t n,
                                const struct bf_request_id *request, const uint8_t body_hash[32], struct bf_arena *arena,
                                struct bf_receipt *ret, struct bf_error *e);
/* Parts of a parsed entry: operation k with its after-image (its plain facts are there also when that one fails), and request q's receipt
 * (status and body only; BF_E_GONE when it was erased). BF_E_CORRUPT. */
enum bf_status bf__log_op(struct bf_store *store, struct bf_session *s, const struct bf__entry *entry, unsigned k, struct bf_arena *arena,
                          struct bf_log_op *ret, struct bf_error *e);
/* The document that the operation of entry n left; NULL when its content is not at hand (erased, headers only). */
struct bf_doc *bf__log_image(const struct bf_log_op *op, struct bf_uuid tenant, int64_t n, struct bf_arena *arena);
enum bf_status bf__log_receipt(struct bf_store *store, struct bf_session *s, const struct bf__entry *entry, unsigned q,
                               struct bf_arena *arena, struct bf_receipt *ret, struct bf_error *e);
