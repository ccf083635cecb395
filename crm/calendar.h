/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The company's working days and hours (G-02). A local date is a working day when it is one of the year's make-up days; else not when it is one of its
 * days off; else from Monday to Friday. The lists of a year are the company's own (BF_CALENDAR rows), and where it keeps none, China's public holidays
 * as shipped (crm/calendar_cn.c). A year of neither is missing: Monday to Friday count, and who asks is told, so that nobody is held to a date that
 * a holiday may still move without knowing it.
 *
 * A working day is open from one hour of the policy to another (9:00 to 18:00), on the wall clock of the zone: from its first instant to before its
 * last. A wall time that the clock skips means the first valid instant after it, one that comes twice the first of the two (core/tz.h). Pure. Any
 * thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"
#include "core/tz.h"

struct bf_arena;

/* A calendar reaches from the year of an instant to the end of the second year after it. 2000 to 2100 are years it knows of. */
enum { BF_CALENDAR_YEARS = 3, BF_CALENDAR_YEAR_MIN = 2000, BF_CALENDAR_YEAR_MAX = 2100 };

struct bf_calendar {
    struct bf_str zone;
    int from_hour, to_hour;
    int first_year;
    const struct bf_object *own[BF_CALENDAR_YEARS]; /* what the company keeps of each year, as stored; NULL: nothing. The caller's to fill in */
};

/* A calendar of nobody's own days, for what begins at `at`. `policy` is full, `zone` the tenant's; its memory is the caller's. False when the zone is
 * not known or the year not in range. */
bool bf_calendar_begin(const struct bf_object *policy, struct bf_str zone, int64_t at, struct bf_calendar *ret);

struct bf_workday {
    bool works;
    bool known; /* false: the year's holidays are missing, or the calendar does not reach there (then `works` is false too) */
};
/* `date` with its weekday, as core/tz.h gives it. */
struct bf_workday bf_calendar_day(const struct bf_calendar *calendar, const struct bf_civil *date);

/* An instant that was reckoned, and on what ground. */
struct bf_due {
    int64_t at;
    int missing_year; /* the first year on the way whose holidays are not known; 0: all were */
};

/* The three below are false, and *ret is untouched, when the way leads out of the calendar. */

/* `days` working days after `at`: the same wall time (to the millisecond) on the `days`th working day after that of `at`; so what is due in one working
 * day, and came at 10:00 on a Friday, is due at 10:00 on Monday. What came while nothing is open counts from the next opening. 0: that is all. */
bool bf_calendar_after_days(const struct bf_calendar *calendar, int64_t at, unsigned days, struct bf_due *ret);
/* When `hours` hours have passed while it was open, from `at` on; at the end of a day rather than at the beginning of the next. 0: the next opening, or
 * `at` when it is open. */
bool bf_calendar_after_hours(const struct bf_calendar *calendar, int64_t at, unsigned hours, struct bf_due *ret);
/* The first instant after `at` that is this wall time of a working day, be it open then or not. */
bool bf_calendar_next(const struct bf_calendar *calendar, int64_t at, int hour, int minute, struct bf_due *ret);

/* ---- a year as people see and change it ---- */

/* Gives what the company keeps of `year` the rest: the year, the shipped lists in place of absent ones, the notice these go by, and the origin:
 * company when one list is its own, else shipped, or missing (both lists empty). */
void bf_calendar_fill(struct bf_arena *arena, struct bf_object *calendar, int year);

/* Judges a change of the year (who may is crm/permission.h's). `before` is filled, `after` is `patch` merged into it. On success `after` is what is to
 * be stored: both lists in order of date, from the first change on that names one; without the rest that bf_calendar_fill gives; null for a list: as shipped
 * again. BF_E_UNPROCESSABLE: no reason was stated ("required"), a day is of another year ("wrong") or named twice ("duplicate"), or nothing
 * changes ("no_change"). */
enum bf_status bf_calendar_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch, struct bf_object *after,
                                  int64_t now_ms, struct bf_error *e);
