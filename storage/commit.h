/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit log of a tenant. Entry n holds one or more requests' operations; inserting it under (tenant, n) is the commit. Documents are
 * rolled forward to it before the answer goes out.
 *
 * A decision is a pure function of the view: no clock (the entry's time is given), no randomness, no I/O. It runs on the tenant's
 * committer, perhaps again after a lost race, with the operations of earlier requests of the same batch laid over the view.
 */
#pragma once
#include "storage/storage.h"

enum { BF_ENTRY_OPS_MAX = 256, BF_ENTRY_BYTES_MAX = 1 << 20, BF_READS_MAX = 96 };

struct bf_view;
struct bf_decision;

/* What the decision may look at: documents by id. */
struct bf_read {
    const struct bf_collection *coll;
    struct bf_uuid id;
};

/* BF_OK: the operations and the receipt put into `d` are committed. Anything else, with `e`: a refusal; nothing is committed, and asking
 * again decides again. `arena` lives until `done` returned. */
typedef enum bf_status bf_decide_fn(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx,
                                    struct bf_error *e);

/* NULL when absent. A tombstone is returned as such. Do not change it: copy. What is outside the read set is an empty record, and the
 * request is refused with BF_E_INTERNAL whatever the decision says: a mistake of the program costs one request, not the process. */
const struct bf_doc *bf_view_get(const struct bf_view *view, const struct bf_collection *coll, struct bf_uuid id);
int64_t bf_view_at_ms(const struct bf_view *view); /* the entry's time; never before the tenant's last entry */
struct bf_uuid bf_view_tenant(const struct bf_view *view);
struct bf_uuid bf_view_actor(const struct bf_view *view);

/* Puts the after-image of a document of the read set (another: as above). doc->rev is set here to the view's + 1, so that the receipt can show it;
 * putting the same document twice in one decision keeps the last. */
void bf_decision_put(struct bf_decision *d, const struct bf_collection *coll, struct bf_doc *doc);
void bf_decision_tombstone(struct bf_decision *d, const struct bf_collection *coll, struct bf_uuid id);
/* The answer to this request, stored with the entry and returned byte for byte to every replay. `subject`: whose key encrypts it. */
void bf_decision_receipt(struct bf_decision *d, int http_status, struct bf_str body, struct bf_uuid subject);

/* Takes back all that was put: a decision that only judges (a dry run) gives its receipt after this. */
void bf_decision_forget(struct bf_decision *d);

struct bf_request_id {
    uint8_t b[16];
};

struct bf_receipt {
    enum bf_status
        status; /* BF_OK; a refusal; BF_E_ID_REUSED (same request id, other body); BF_E_GONE (receipt erased); BF_E_UNAVAILABLE */
    struct bf_error error;
    int http_status;
    struct bf_str body;
    bool replay;
    int64_t n; /* the entry; 0 when refused or when nothing was put */
};

typedef void bf_submitted_fn(const struct bf_receipt *receipt, void *ctx);

struct bf_submission {
    struct bf_uuid tenant, actor;
    struct bf_request_id request; /* H(user, Idempotency-Key) and the like: access/ makes it; jobs use their job's id */
    uint8_t body_hash[32];        /* a replay with another body is BF_E_ID_REUSED */
    const struct bf_read *reads;
    unsigned n_reads;
    bf_decide_fn *decide;
    void *ctx;
    bool behind; /* work that nobody waits for: what others submit meanwhile is not held up by more than a little of it */
    struct bf_mailbox *home; /* where `done` runs */
    bf_submitted_fn *done;
};

/* Submits; copies the submission and its reads, not ctx. `done` runs exactly once, on `home`, unless this returns an error (queue full,
 * closing), in which case it never runs. No thread waits. A decision that puts nothing but gives a receipt commits nothing and is not
 * remembered. */
enum bf_status bf_submit(struct bf_store *store, const struct bf_submission *submission, struct bf_error *e);
/* The same, blocking, `home` and `done` unused: for jobs, seeds and administration. The receipt's body lives in `arena`. Returns its
 * status. */
enum bf_status bf_submit_wait(struct bf_store *store, const struct bf_submission *submission, struct bf_arena *arena,
                              struct bf_receipt *ret, struct bf_error *e);
/* The first receipt of a request if it was committed: looked up before If-Match is judged. BF_OK with *found = false when not. */
enum bf_status bf_receipt_find(struct bf_store *store, struct bf_uuid tenant, const struct bf_request_id *request,
                               const uint8_t body_hash[32], struct bf_arena *arena, bool *found, struct bf_receipt *ret,
                               struct bf_error *e);

/* ---- reading the log ---- */

struct bf_log_op {
    int k;
    struct bf_uuid actor;             /* of the request it came from: an entry holds the requests that waited together */
    const struct bf_collection *coll; /* NULL: a collection this build does not know */
    struct bf_uuid id, subject;
    struct bf_uuid owner_before, owner_after, team_before, team_after; /* zero: none */
    int64_t rev;
    bool tombstone, erased;   /* erased: the subject's key is gone */
    const struct bf_doc *doc; /* the after-image; NULL when erased, tombstone or headers only */
};

struct bf_log_entry {
    int64_t n, at_ms;
    struct bf_log_op *ops;
    unsigned n_ops;
};

enum bf_log_detail { BF_LOG_HEADERS, BF_LOG_DOCS };

/* Entries after `n`, in order, at most `limit` (1..1000) and about 4 MB; stops at a hole, and before an entry that cannot be read:
 * BF_E_CORRUPT when that one is the first. The documents are as new as what it gives. */
enum bf_status bf_log_read(struct bf_store *store, struct bf_uuid tenant, int64_t after_n, unsigned limit, enum bf_log_detail detail,
                           struct bf_arena *arena, struct bf_log_entry **ret, unsigned *ret_n, struct bf_error *e);
/* Decrypts one operation's after-image: NULL with *ret_erased when its key is gone, NULL alone for a tombstone. */
enum bf_status bf_log_doc(struct bf_store *store, struct bf_uuid tenant, int64_t n, int k, struct bf_arena *arena,
                          const struct bf_doc **ret, bool *ret_erased, struct bf_error *e);
enum bf_status bf_log_head(struct bf_store *store, struct bf_uuid tenant, int64_t *ret_n, struct bf_error *e);
/* Changes with each restore; cursors, event ids and ETags carry it. */
uint32_t bf_store_incarnation(const struct bf_store *store);
/* Tenants that have a log; the array lives in `arena`. */
enum bf_status bf_log_tenants(struct bf_store *store, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e);

/* `woken(ctx, tenant, n)` runs after entry n became durable and was applied and before its `done`s are posted, on the committer: it may
 * only post tasks or set flags. n = 0: something of the tenant changed outside the log (bf_store_nudge); on any thread. Up to 16 watchers; they stay
 * until bf_log_unwatch returned, or the store closes. */
void bf_log_watch(struct bf_store *store, void (*woken)(void *ctx, struct bf_uuid tenant, int64_t n), void *ctx);
void bf_log_unwatch(struct bf_store *store, void *ctx);
/* Something of the tenant changed that is not in the log (a session was ended): calls the watchers in this process before it returns, in the others
 * within a second, perhaps more than once. They are not told when this process ends first without closing the store. */
void bf_store_nudge(struct bf_store *store, struct bf_uuid tenant);

/* Destroys the subject's key (G-16), after its erasure entry n was committed: content is gone, proofs hold; marked "destroyed at n".
 * BF_E_UNAVAILABLE: it is destroyed, but a trace of it is on the disk still, while somebody reads; to be asked again until BF_OK. Blocks.
 * */
enum bf_status bf_store_destroy_subject(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                                        struct bf_error *e);
