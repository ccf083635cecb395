/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/digest.h"
#include <stdio.h>

/* A company that is closed for longer begins anew: its digests look no further back. */
enum { DAYS_BACK_MAX = 45, HOUR = 8, MINUTE = 30, FRIDAY = 5 };

static int64_t instant(struct bf_str zone, struct bf_civil date, int hour, int minute)
{
    int64_t at = 0;
    date.hour = hour;
    date.minute = minute;
    date.second = 0;
    bf_tz_instant(zone, &date, &at); /* the zone is known */
    return at;
}

static struct bf_civil days_after(struct bf_civil date, int days)
{
    bf_civil_add_days(&date, days);
    return date;
}

static struct bf_workday workday(const struct bf_calendar *calendar, const struct bf_civil *date)
{
    if (calendar == NULL)
        return (struct bf_workday){.works = date->weekday <= FRIDAY, .known = false};
    return bf_calendar_day(calendar, date);
}

/* The last working day before `date`. */
static struct bf_civil working_day_before(const struct bf_calendar *calendar, struct bf_civil date)
{
    for (int i = 0; i < DAYS_BACK_MAX; i++) {
        bf_civil_add_days(&date, -1);
        if (workday(calendar, &date).works)
            break;
    }
    return date;
}

static struct bf_civil monday_of(struct bf_civil date) { return days_after(date, 1 - date.weekday); }

static struct bf_digest_window window(struct bf_str zone, struct bf_civil before, struct bf_civil from, struct bf_civil end)
{
    return (struct bf_digest_window){.from = from,
                                     .last = days_after(end, -1),
                                     .before_at = instant(zone, before, 0, 0),
                                     .from_at = instant(zone, from, 0, 0),
                                     .to_at = instant(zone, end, 0, 0)};
}

void bf_digest_date(const struct bf_civil *date, char ret[BF_DIGEST_DATE])
{
    snprintf(ret, BF_DIGEST_DATE, "%04u-%02u-%02u", (unsigned)date->year % 10000, (unsigned)date->month % 100, (unsigned)date->day % 100);
}

void bf_digest_hours(struct bf_str zone, const struct bf_civil *date, int64_t *ret_at, int64_t *ret_ends_at)
{
    *ret_at = instant(zone, *date, HOUR, MINUTE);
    *ret_ends_at = instant(zone, days_after(*date, 1), 0, 0);
}

void bf_digest_day(const struct bf_calendar *calendar, struct bf_str zone, const struct bf_civil *date, struct bf_digest_day *ret)
{
    struct bf_workday today = workday(calendar, date);
    struct bf_civil last = working_day_before(calendar, *date), one_before = working_day_before(calendar, last);
    struct bf_civil monday = monday_of(*date), worked = monday_of(working_day_before(calendar, monday));
    struct bf_civil worked_before = monday_of(working_day_before(calendar, worked));
    *ret = (struct bf_digest_day){.works = today.works, .missing_year = today.known ? 0 : date->year};
    bf_digest_date(date, ret->date);
    bf_digest_hours(zone, date, &ret->at, &ret->ends_at);
    struct bf_civil week_of_last = monday_of(last);
    ret->weekly = today.works && (week_of_last.year != monday.year || week_of_last.month != monday.month || week_of_last.day != monday.day);
    ret->day = window(zone, one_before, last, *date);
    ret->week = window(zone, worked_before, worked, monday);
}
