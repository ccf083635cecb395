/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/calendar.h"
#include "core/arena.h"
#include "crm/calendar_cn.h"
#include "crm/entities.h"
#include "crm/reason.h"
#include <stdio.h>
#include <stdlib.h>

enum { MS_PER_HOUR = 3600 * 1000, DATE_CHARS = 10, SATURDAY = 6 };

/* ---- days ---- */

bool bf_calendar_begin(const struct bf_object *policy, struct bf_str zone, int64_t at, struct bf_calendar *ret)
{
    struct bf_civil c;
    if (!bf_tz_civil(zone, at, &c) || c.year < BF_CALENDAR_YEAR_MIN || c.year > BF_CALENDAR_YEAR_MAX)
        return false;
    *ret = (struct bf_calendar){.zone = zone,
                                .from_hour = (int)bf_get_int(policy, BF_POLICY_WORK_FROM_HOUR),
                                .to_hour = (int)bf_get_int(policy, BF_POLICY_WORK_TO_HOUR),
                                .first_year = c.year};
    return true;
}

static bool is_listed(const char *const *dates, unsigned n, struct bf_str date)
{
    for (unsigned i = 0; i < n; i++)
        if (bf_str_eqz(date, dates[i]))
            return true;
    return false;
}

static bool is_own(const struct bf_object *own, unsigned row, struct bf_str date)
{
    struct bf_array dates = bf_get_array(own, row);
    for (unsigned i = 0; i < dates.n; i++)
        if (bf_str_eq(date, dates.items[i].s))
            return true;
    return false;
}

static bool has_own(const struct bf_object *own, unsigned row) { return own != NULL && bf_has(own, row); }

static bool is_make_up_day(const struct bf_object *own, const struct bf__cn_year *shipped, struct bf_str date)
{
    if (has_own(own, BF_CALENDAR_MAKE_UP_DAYS))
        return is_own(own, BF_CALENDAR_MAKE_UP_DAYS, date);
    return shipped != NULL && is_listed(shipped->make_up_days, shipped->n_make_up_days, date);
}

static bool is_day_off(const struct bf_object *own, const struct bf__cn_year *shipped, struct bf_str date)
{
    if (has_own(own, BF_CALENDAR_HOLIDAYS))
        return is_own(own, BF_CALENDAR_HOLIDAYS, date);
    return shipped != NULL && is_listed(shipped->holidays, shipped->n_holidays, date);
}

static bool is_companys(const struct bf_object *own) { return has_own(own, BF_CALENDAR_HOLIDAYS) || has_own(own, BF_CALENDAR_MAKE_UP_DAYS); }

static bool reaches(const struct bf_calendar *calendar, const struct bf_civil *date)
{
    return date->year >= calendar->first_year && date->year - calendar->first_year < BF_CALENDAR_YEARS;
}

struct bf_workday bf_calendar_day(const struct bf_calendar *calendar, const struct bf_civil *date)
{
    char text[3 * 12];
    if (!reaches(calendar, date))
        return (struct bf_workday){.works = false, .known = false};
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d", date->year, date->month, date->day);
    const struct bf_object *own = calendar->own[date->year - calendar->first_year];
    const struct bf__cn_year *shipped = bf__cn_year(date->year);
    struct bf_str day = bf_str(text, (size_t)n);
    bool works = is_make_up_day(own, shipped, day) || (!is_day_off(own, shipped, day) && date->weekday < SATURDAY);
    return (struct bf_workday){.works = works, .known = shipped != NULL || is_companys(own)};
}

/* Is it a working day? A year on the way that is missing is noted. */
static bool works(const struct bf_calendar *calendar, const struct bf_civil *date, struct bf_due *due)
{
    struct bf_workday day = bf_calendar_day(calendar, date);
    if (!day.known && due->missing_year == 0)
        due->missing_year = date->year;
    return day.works;
}

/* ---- hours ---- */

/* The instant of an hour of the date, 24 being the next date's midnight. */
static int64_t instant_of(const struct bf_calendar *calendar, struct bf_civil date, int hour, int minute)
{
    int64_t at = 0;
    if (hour == 24)
        bf_civil_add_days(&date, 1);
    date.hour = hour % 24;
    date.minute = minute;
    date.second = 0;
    bf_tz_instant(calendar->zone, &date, &at); /* the zone is known: `date` was read in it */
    return at;
}

/* A time of being open. */
struct opening {
    struct bf_civil date;
    int64_t from, to;
};

/* The opening that `at` lies in, else the first after it; from *date on, which is not later than it. */
static bool find_opening(const struct bf_calendar *calendar, struct bf_civil date, int64_t at, struct bf_due *due, struct opening *ret)
{
    for (; reaches(calendar, &date); bf_civil_add_days(&date, 1)) {
        if (!works(calendar, &date, due))
            continue;
        int64_t from = instant_of(calendar, date, calendar->from_hour, 0), to = instant_of(calendar, date, calendar->to_hour, 0);
        if (at < to && from < to) { /* the clock may skip all of it */
            *ret = (struct opening){.date = date, .from = at > from ? at : from, .to = to};
            return true;
        }
    }
    return false;
}

/* The same, by the date that the wall clock shows at `at`. */
static bool open_from(const struct bf_calendar *calendar, int64_t at, struct bf_due *due, struct opening *ret)
{
    struct bf_civil date;
    return bf_tz_civil(calendar->zone, at, &date) && find_opening(calendar, date, at, due, ret);
}

static int64_t below_second(int64_t ms) { return (ms % 1000 + 1000) % 1000; }

/* The wall time of `at` on another date. */
static int64_t same_time_on(const struct bf_calendar *calendar, int64_t at, const struct bf_civil *date)
{
    struct bf_civil wall = {.hour = 0}, shown = {.hour = 0};
    int64_t then = 0;
    bf_tz_civil(calendar->zone, at, &wall);
    wall.year = date->year;
    wall.month = date->month;
    wall.day = date->day;
    bf_tz_instant(calendar->zone, &wall, &then);
    bf_tz_civil(calendar->zone, then, &shown);
    bool skipped = shown.hour != wall.hour || shown.minute != wall.minute || shown.second != wall.second;
    return skipped ? then : then + below_second(at);
}

bool bf_calendar_after_days(const struct bf_calendar *calendar, int64_t at, unsigned days, struct bf_due *ret)
{
    struct bf_due due = {.missing_year = 0};
    struct opening o;
    if (!open_from(calendar, at, &due, &o))
        return false;
    struct bf_civil date = o.date;
    while (days > 0) {
        bf_civil_add_days(&date, 1);
        if (!reaches(calendar, &date))
            return false;
        if (works(calendar, &date, &due))
            days--;
    }
    due.at = same_time_on(calendar, o.from, &date);
    *ret = due;
    return true;
}

bool bf_calendar_after_hours(const struct bf_calendar *calendar, int64_t at, unsigned hours, struct bf_due *ret)
{
    struct bf_due due = {.missing_year = 0};
    struct opening o;
    int64_t left_ms = (int64_t)hours * MS_PER_HOUR;
    if (!open_from(calendar, at, &due, &o))
        return false;
    while (left_ms > o.to - o.from) {
        left_ms -= o.to - o.from;
        if (!find_opening(calendar, o.date, o.to, &due, &o))
            return false;
    }
    due.at = o.from + left_ms;
    *ret = due;
    return true;
}

bool bf_calendar_next(const struct bf_calendar *calendar, int64_t at, int hour, int minute, struct bf_due *ret)
{
    struct bf_due due = {.missing_year = 0};
    struct bf_civil date;
    if (!bf_tz_civil(calendar->zone, at, &date))
        return false;
    for (; reaches(calendar, &date); bf_civil_add_days(&date, 1)) {
        due.at = instant_of(calendar, date, hour, minute);
        if (due.at > at && works(calendar, &date, &due)) {
            *ret = due;
            return true;
        }
    }
    return false;
}

/* ---- a year as people see and change it ---- */

static void fill_list(struct bf_arena *arena, struct bf_object *calendar, unsigned row, const char *const *dates, unsigned n)
{
    if (bf_has(calendar, row))
        return;
    struct bf_value *items = bf_arena_calloc(arena, n + 1, sizeof *items);
    for (unsigned i = 0; i < n; i++)
        items[i] = (struct bf_value){.type = BF_T_DATE, .s = bf_strz(dates[i])};
    bf_set_array(calendar, row, items, n);
}

void bf_calendar_fill(struct bf_arena *arena, struct bf_object *calendar, int year)
{
    static const struct bf__cn_year nothing = {.notice = NULL};
    const struct bf__cn_year *found = bf__cn_year(year), *shipped = found == NULL ? &nothing : found;
    int origin = found == NULL ? BF_CALENDAR_ORIGIN_IS_MISSING : BF_CALENDAR_ORIGIN_IS_SHIPPED;
    bf_set_int(calendar, BF_CALENDAR_YEAR, year);
    bf_set_enum(calendar, BF_CALENDAR_ORIGIN, is_companys(calendar) ? BF_CALENDAR_ORIGIN_IS_COMPANY : origin);
    if (shipped->notice != NULL)
        bf_set_str(calendar, BF_CALENDAR_NOTICE, bf_strz(shipped->notice));
    fill_list(arena, calendar, BF_CALENDAR_HOLIDAYS, shipped->holidays, shipped->n_holidays);
    fill_list(arena, calendar, BF_CALENDAR_MAKE_UP_DAYS, shipped->make_up_days, shipped->n_make_up_days);
}

static void fault_at(struct bf_error *e, const char *list, unsigned i, const char *code, const char *detail)
{
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%s/%u", list, i);
    bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, code, "%s", detail);
}

static bool is_named_before(struct bf_array dates, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (bf_value_eq(&dates.items[k], &dates.items[i]))
            return true;
    return false;
}

/* Every day of the year, and once. */
static void check_list(const struct bf_object *calendar, unsigned row, struct bf_error *e)
{
    const char *name = calendar->schema->fields[row].name;
    struct bf_array dates = bf_get_array(calendar, row);
    for (unsigned i = 0; i < dates.n; i++) {
        struct bf_civil date;
        if (!bf_date_parse(dates.items[i].s, &date) || date.year != (int)bf_get_int(calendar, BF_CALENDAR_YEAR))
            fault_at(e, name, i, "wrong", "a day of this year");
        else if (is_named_before(dates, i) ||
                 (row == BF_CALENDAR_MAKE_UP_DAYS && is_own(calendar, BF_CALENDAR_HOLIDAYS, dates.items[i].s)))
            fault_at(e, name, i, "duplicate", "a day is off or worked, and is named once");
    }
}

static int by_date(const void *a, const void *b)
{
    const struct bf_value *x = a, *y = b;
    return memcmp(x->s.p, y->s.p, DATE_CHARS);
}

static void sort_list(struct bf_object *calendar, unsigned row)
{
    struct bf_array dates = bf_get_array(calendar, row);
    if (dates.n > 0)
        qsort(dates.items, dates.n, sizeof *dates.items, by_date);
}

static bool names_a_list(const struct bf_object *patch)
{
    return patch->v[BF_CALENDAR_HOLIDAYS].type != BF_T_NONE || patch->v[BF_CALENDAR_MAKE_UP_DAYS].type != BF_T_NONE;
}

enum bf_status bf_calendar_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch, struct bf_object *after,
                                  int64_t now_ms, struct bf_error *e)
{
    struct bf_error faults = {0};
    if (!names_a_list(patch) && bf_get_enum(before, BF_CALENDAR_ORIGIN) != BF_CALENDAR_ORIGIN_IS_COMPANY) {
        bf_unset(after, BF_CALENDAR_HOLIDAYS);
        bf_unset(after, BF_CALENDAR_MAKE_UP_DAYS);
    }
    struct bf_object *whole = bf_object_copy(arena, after);
    bf_calendar_fill(arena, whole, (int)bf_get_int(before, BF_CALENDAR_YEAR));
    bf_reason_check(patch, BF_CALENDAR_REASON, &faults);
    check_list(whole, BF_CALENDAR_HOLIDAYS, &faults);
    check_list(whole, BF_CALENDAR_MAKE_UP_DAYS, &faults);
    if (faults.status == BF_OK) {
        sort_list(whole, BF_CALENDAR_HOLIDAYS);
        sort_list(whole, BF_CALENDAR_MAKE_UP_DAYS);
        bf_reason_check_effect(before, whole, BF_CALENDAR_REASON, &faults);
    }
    if (faults.status != BF_OK) {
        *e = faults;
        return e->status;
    }
    sort_list(after, BF_CALENDAR_HOLIDAYS);
    sort_list(after, BF_CALENDAR_MAKE_UP_DAYS);
    bf_unset(after, BF_CALENDAR_ORIGIN);
    bf_unset(after, BF_CALENDAR_NOTICE);
    bf_set_int(after, BF_CALENDAR_CHANGED_AT, now_ms);
    return BF_OK;
}
