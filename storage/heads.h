/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process knows of each tenant's log, under a driver without one_transaction, where other processes write too.
 *
 *   entry n is there (committed) --roll forward--> its documents are at least as new as n (applied)
 *
 * A tenant's head document (system collection "heads": n, applied) is a hint for the others, written a moment after each commit: who polls learns from it
 * which logs have grown; who starts learns from where on documents may be behind. It may lag, and never runs ahead of the log, or of what is applied.
 */
#pragma once
#include "storage/internal.h"

struct bf__heads;

struct bf__head {
    int64_t n, at_ms; /* of the last entry known; 0: none */
    int64_t applied;  /* documents are at least as new as this entry */
    int64_t sure;     /* the same, of all collections, also those that this build does not know; <= applied */
    int64_t own_n;    /* the last entry of this process */
    bool is_shared;   /* others wrote since that, when this process wrote last */
};

extern const struct bf_collection bf__coll_heads;

/* For drivers without one_transaction; NULL for the others. The poller tells the watchers of what other processes wrote, and makes good what they left
 * behind: within POLL_MS of their hint, and without one within SWEEP_MS. */
enum bf_status bf__heads_open(struct bf_store *store, struct bf_error *e);
void bf__heads_close(struct bf_store *store);

/* What is known of the tenant's log; false: it was not looked at yet. */
bool bf__head_known(struct bf_store *store, struct bf_uuid tenant, struct bf__head *ret);
/* Before a tenant's first entry: makes the head document, by which the others will find its log. Blocks. */
enum bf_status bf__head_found(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_error *e);
/* The tenant's log goes to n, and all documents are as new: for a store that nobody else writes to. Blocks. */
enum bf_status bf__head_put(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, int64_t n, struct bf_error *e);
/* The tenants that have a head document, in `arena`; one whose first entry never arrived may be among them. Blocks. */
enum bf_status bf__head_tenants(struct bf_store *store, struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n,
                                struct bf_error *e);
/* Looks at the log, rolls documents forward to its end and tells the watchers what was new. Blocks. */
enum bf_status bf__head_catch_up(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf__head *ret, struct bf_error *e);
/* forward.c: reads what the log holds beyond head->applied, rolls documents forward to it and moves *head on. Blocks. */
enum bf_status bf__head_follow(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf__head *head,
                               struct bf_error *e);
/* Whether others wrote between the last two entries of this process. */
void bf__head_share(struct bf_store *store, struct bf_uuid tenant, bool is_shared);
/* The tenant's log is known to go so far; only ever moves on. `own`: by an entry of this process, which the others are told of. */
void bf__head_note(struct bf_store *store, struct bf_uuid tenant, const struct bf__head *head, bool own);
/* The other processes are to be told of a nudge by this one (bf_store_nudge). */
void bf__head_nudge(struct bf_store *store, struct bf_uuid tenant);
