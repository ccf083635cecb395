/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who hands the log over to each consumer, where several processes follow it: one document per consumer (system collection "follower_leases") names the holder,
 * who writes it anew every RENEW_MS. Who has seen it unchanged for LEASE_MS, by its own clock, takes it: no two clocks are compared. Its rev is the fence:
 * each write is guarded by it, so of two takers one gets it, and who lost it cannot renew it.
 *
 * A lease saves doing the same work twice, no more: a process that was stopped for a while may do a last step after another took over. With
 * one_transaction nobody else is there, and all leases are held for good.
 *
 * One thread at a time, but where said.
 */
#pragma once
#include "storage/storage.h"

enum { BF__LEASES_MAX = 16 };

struct bf__leases {
    struct bf_store *store;
    struct bf_uuid self; /* of this object: no process gets another's back */
    struct bf__lease {
        const char *name;
        int64_t until_ms; /* held so long; 0: by another, or nobody */
        int64_t renew_ms; /* while it is held */
        int64_t seen_rev, seen_ms; /* of another's: since when it has not changed */
    } of[BF__LEASES_MAX];
    unsigned n;
    int64_t look_ms; /* when there is something to do next; all times are of bf_real_ms */
};

extern const struct bf_collection bf__coll_leases;

void bf__leases_init(struct bf__leases *leases, struct bf_store *store);
/* Up to BF__LEASES_MAX; the name (at most 40 bytes) outlives the leases. They are numbered in this order. */
void bf__leases_add(struct bf__leases *leases, const char *name);
/* Renews what is held and takes what is free. Returns those that were taken just now, a bit each. Once leases->look_ms has come; before that it does
 * nothing. Blocks. */
unsigned bf__leases_tend(struct bf__leases *leases);
bool bf__lease_is_held(const struct bf__leases *leases, unsigned number);
/* Gives all back, so that a successor need not wait. Blocks. */
void bf__leases_release(struct bf__leases *leases);
