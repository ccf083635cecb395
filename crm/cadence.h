/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a customer is to be followed up (GRD-01 to GRD-04, REM-01): by grade every week, two weeks or month, counted from its last valid record, or
 * from when it was entered. One record a customer says by when the next one is due: at the end of that day, by the company's clock. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"

struct bf_arena;

/* Days between valid records of a customer of that grade (BF_GRADE_IS_...); 0: none is asked for. `policy` is full. */
int64_t bf_cadence_days(const struct bf_object *policy, int grade);

/* The record of `customer` as it is, after `before` (NULL: a new one): counted from `from_at`, or from where it was when that is later (0: from where it
 * was). `zone` is the company's. NULL when nothing differs. */
struct bf_doc *bf_cadence_follow(struct bf_arena *arena, const struct bf_doc *customer, const struct bf_doc *before, int64_t from_at,
                                 const struct bf_object *policy, struct bf_str zone);
