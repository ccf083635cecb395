/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of the fault tests write, small enough to be judged: a record has a value and perhaps a claimant, and bears the next number of its
 * tenant, which a counter document hands out.
 *
 *   create   where there is none          else exists
 *   update   where the rev is as given    else not_found, stale; takes the claim away
 *   claim    where nobody has it          else not_found, conflict
 *
 * Each receipt, and the cause of each refusal, is the record as it is then: {"rev":2,"value":7,"claimant":0,"number":3}, {} where there is none.
 */
#pragma once
#include "storage/commit.h"

enum act_kind { ACT_CREATE, ACT_UPDATE, ACT_CLAIM };

struct act {
    enum act_kind kind;
    unsigned tenant, record;
    int64_t rev;   /* of an update */
    int64_t value; /* of a create or update; of a claim: who */
};

extern const struct bf_collection *const records_collections[2];

/* `act`, `request` and `reads` (two of them) live until it was answered. */
struct bf_submission records_submission(const struct act *act, uint64_t request, struct bf_read *reads);
/* The record as text, in `arena`. */
enum bf_status records_read(struct bf_store *store, const struct act *act, struct bf_arena *arena, const char **ret, int64_t *ret_rev, struct bf_error *e);
