/* SPDX-License-Identifier: Apache-2.0 */
/* Between staff.c and staff_records.c only. */
#pragma once
#include "access/staff.h"

struct bf__staff_ask {
    struct bf_store *store;
    struct bf_uuid tenant, person;
    int64_t now_ms;
    const struct bf_digest_window *window; /* NO_NEXT_STEP only */
};

/* The first `max` (at most BF_PAGE_MAX) records of one kind of exception of one person, but of IDLE, and how many there are. */
enum bf_status bf__staff_records(const struct bf__staff_ask *ask, int kind, unsigned max, struct bf_arena *arena, struct bf_staff_record *records, unsigned *ret_n,
                                 struct bf_digest_count *ret, struct bf_error *e);

/* What was entered in a window and in the period before it, of one person. `records`, or NULL, gets up to `max` visits without a next step. */
struct bf__staff_visits {
    int64_t visits, valid, visits_before, valid_before;
    struct bf_digest_count no_next_step;
};
enum bf_status bf__staff_visits(const struct bf__staff_ask *ask, struct bf_arena *arena, struct bf_staff_record *records, unsigned max, unsigned *ret_n,
                                struct bf__staff_visits *ret, struct bf_error *e);

/* When the last valid record on a customer of the person was entered; 0: never. */
enum bf_status bf__staff_last_valid(const struct bf__staff_ask *ask, struct bf_arena *arena, int64_t *ret, struct bf_error *e);
