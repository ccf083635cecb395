/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deputies: a supervisor or manager who is away is stood in for by somebody who sees all that they see. The deputy is told their digests instead, and is set
 * the talks with idle reps that come with those (REM-12, REM-18); rights are not lent. Of several people away each has a deputy of the own: it does not go
 * from one deputy to the next. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"
#include "core/tz.h"

enum { BF_DEPUTY_DAYS_MAX = 100 }; /* longer than that nobody is away: whoever is gets another role */

/* The person is away on that day of the own calendar: from the first to the last, both included. */
bool bf_deputy_is_away(const struct bf_object *person, const struct bf_civil *date);

/* May `deputy` (NULL: nobody of that name) stand in for `person`, whose team is one of `path` (team ids from the top down to the own; empty: no team)?
 * Somebody else, active, who sees what they see (PER-03, PER-04): a manager; for a supervisor also one of the same team or of one above. */
bool bf_deputy_may(const struct bf_doc *person, struct bf_array path, const struct bf_doc *deputy);

/* What the person wants it to be, as far as the own record tells: all three of deputy and period, or none; the last day not over and within
 * BF_DEPUTY_DAYS_MAX of the first. BF_E_UNPROCESSABLE with the field at fault: `required`, `bad_period`. */
enum bf_status bf_deputy_check(const struct bf_object *person, const struct bf_civil *today, struct bf_error *e);
