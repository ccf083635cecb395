/* SPDX-License-Identifier: Apache-2.0 */
/* Wall time and IANA zones by ICU (ucal); never setenv TZ. Thread-safe; calendars are cached per thread or call, never shared. */
#pragma once
#include "core/str.h"

bool bf_tz_is_zone(struct bf_str zone);

struct bf_civil {
    int year, month, day, hour, minute, second; /* month 1..12 */
    int weekday;                                /* 1 Monday .. 7 Sunday (ISO 8601) */
};

/* The wall clock in `zone` at `ms`. False when the zone is not known. */
bool bf_tz_civil(struct bf_str zone, int64_t ms, struct bf_civil *ret);
/* The instant of a wall time: in a gap the first valid instant after it, in an overlap the first of the two. */
bool bf_tz_instant(struct bf_str zone, const struct bf_civil *wall, int64_t *ret_ms);
/* "YYYY-MM-DDTHH:MM" of a real day; false otherwise. */
bool bf_wall_parse(struct bf_str s, struct bf_civil *ret);
bool bf_date_parse(struct bf_str s, struct bf_civil *ret); /* "YYYY-MM-DD" */
/* Moves the date by whole days (proleptic Gregorian), time of day kept, weekday set. */
void bf_civil_add_days(struct bf_civil *c, int days);
/* ISO 8601 week: year and week number of the date. */
void bf_civil_iso_week(const struct bf_civil *c, int *ret_year, int *ret_week);
