/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a query to ranges of keys. Each range has a prefix, fixed by EQ and IN; what stands behind the prefix (the suffix) is the order, the
 * same for all ranges, and the page's cursor.
 */
#pragma once
#include "storage/storage.h"

struct bf_arena;

struct bf__range {
    struct bf_str prefix, low, high; /* keys from `low` to before `high` */
};

struct bf__plan {
    struct bf__range *ranges;
    unsigned n_ranges;
    const struct bf_cond **rest; /* conditions to check on the documents */
    unsigned n_rest;
};

/* At most BF_IN_MAX ranges (the store saw to that). A query without index gives one range over the documents' keys. */
void bf__plan(struct bf_arena *arena, const struct bf_query *query, struct bf__plan *ret);
