/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a calendar costs 9 us with ICU 72, asking an open one less than 1: each thread keeps the last few that it asked, until it ends. They hold
 * nothing but the zone's own rules, so what a call returns never depends on what was asked before.
 */
#include "core/tz.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <unicode/ucal.h>

enum { NAME_MAX_UNITS = 64, KEPT = 4 };

struct kept {
    struct {
        char name[NAME_MAX_UNITS];
        size_t n;
        UCalendar *calendar;
    } zones[KEPT];
    unsigned next; /* the one to give up */
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

/* ICU also knows three-letter names (CST is Chicago to it), "GMT+8" and "SystemV/": only IANA names of an area, and UTC, mean one thing. */
static bool has_iana_form(struct bf_str zone)
{
    if (bf_str_eqz(zone, "UTC"))
        return true;
    return memchr(zone.p, '/', zone.n) != NULL && !bf_str_starts(zone, BF_STR("SystemV/"));
}

static bool to_utf16(struct bf_str s, UChar *out, size_t max)
{
    if (s.n == 0 || s.n >= max)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f)
            return false;
        out[i] = c;
    }
    out[s.n] = 0;
    return true;
}

static bool known_zone(struct bf_str zone, UChar name[NAME_MAX_UNITS])
{
    UChar canonical[NAME_MAX_UNITS];
    UBool is_system = false;
    UErrorCode status = U_ZERO_ERROR;
    if (!to_utf16(zone, name, NAME_MAX_UNITS) || !has_iana_form(zone))
        return false;
    ucal_getCanonicalTimeZoneID(name, -1, canonical, NAME_MAX_UNITS, &is_system, &status);
    return U_SUCCESS(status) && is_system;
}

static void give_up(void *arg)
{
    struct kept *kept = arg;
    for (unsigned i = 0; i < KEPT; i++)
        ucal_close(kept->zones[i].calendar);
    free(kept);
}

static void make_key(void)
{
    if (pthread_key_create(&kept_key, give_up) != 0)
        abort();
}

static struct kept *kept_of_thread(void)
{
    pthread_once(&kept_once, make_key);
    struct kept *kept = pthread_getspecific(kept_key);
    if (kept == NULL && ((kept = calloc(1, sizeof *kept)) == NULL || pthread_setspecific(kept_key, kept) != 0))
        abort();
    return kept;
}

static UCalendar *open_calendar(const UChar *name)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = ucal_open(name, -1, "en_US_POSIX", UCAL_GREGORIAN, &status);
    ucal_setGregorianChange(c, -1e18, &status); /* proleptic, as ISO 8601 */
    assert(U_SUCCESS(status));
    ucal_setAttribute(c, UCAL_LENIENT, true); /* "next valid" works only so */
    ucal_setAttribute(c, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
    ucal_setAttribute(c, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
    return c;
}

/* The thread's own; NULL when there is no such zone. */
static UCalendar *calendar_of(struct bf_str zone)
{
    UChar name[NAME_MAX_UNITS];
    struct kept *kept = kept_of_thread();
    for (unsigned i = 0; i < KEPT; i++)
        if (kept->zones[i].calendar != NULL && kept->zones[i].n == zone.n && memcmp(kept->zones[i].name, zone.p, zone.n) == 0)
            return kept->zones[i].calendar;
    if (!known_zone(zone, name))
        return NULL;
    unsigned slot = kept->next++ % KEPT;
    ucal_close(kept->zones[slot].calendar);
    kept->zones[slot].calendar = open_calendar(name);
    memcpy(kept->zones[slot].name, zone.p, zone.n);
    kept->zones[slot].n = zone.n;
    return kept->zones[slot].calendar;
}

bool bf_tz_is_zone(struct bf_str zone) { return calendar_of(zone) != NULL; }

bool bf_tz_civil(struct bf_str zone, int64_t ms, struct bf_civil *ret)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = calendar_of(zone);
    if (c == NULL)
        return false;
    ucal_setMillis(c, (UDate)ms, &status);
    int day = ucal_get(c, UCAL_DAY_OF_WEEK, &status);
    struct bf_civil civil = {
        .year = ucal_get(c, UCAL_EXTENDED_YEAR, &status),
        .month = ucal_get(c, UCAL_MONTH, &status) + 1,
        .day = ucal_get(c, UCAL_DATE, &status),
        .hour = ucal_get(c, UCAL_HOUR_OF_DAY, &status),
        .minute = ucal_get(c, UCAL_MINUTE, &status),
        .second = ucal_get(c, UCAL_SECOND, &status),
        .weekday = day == UCAL_SUNDAY ? 7 : day - UCAL_MONDAY + 1,
    };
    if (U_FAILURE(status))
        return false;
    *ret = civil;
    return true;
}

bool bf_tz_instant(struct bf_str zone, const struct bf_civil *wall, int64_t *ret_ms)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = calendar_of(zone);
    if (c == NULL)
        return false;
    ucal_clear(c);
    ucal_setDateTime(c, wall->year, wall->month - 1, wall->day, wall->hour, wall->minute, wall->second, &status);
    UDate ms = ucal_getMillis(c, &status);
    if (U_FAILURE(status))
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}
