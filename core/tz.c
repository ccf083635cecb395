/* SPDX-License-Identifier: Apache-2.0 */
/* A calendar is opened per call: that costs 2 to 4 us with ICU 72, and nothing is shared between threads. */
#include "core/tz.h"
#include <assert.h>
#include <unicode/ucal.h>

enum { NAME_MAX_UNITS = 64 };

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

bool bf_tz_is_zone(struct bf_str zone)
{
    UChar name[NAME_MAX_UNITS];
    return known_zone(zone, name);
}

static UCalendar *open_calendar(struct bf_str zone)
{
    UChar name[NAME_MAX_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    if (!known_zone(zone, name))
        return NULL;
    UCalendar *c = ucal_open(name, -1, "en_US_POSIX", UCAL_GREGORIAN, &status);
    ucal_setGregorianChange(c, -1e18, &status); /* proleptic, as ISO 8601 */
    assert(U_SUCCESS(status));
    return c;
}

bool bf_tz_civil(struct bf_str zone, int64_t ms, struct bf_civil *ret)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = open_calendar(zone);
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
    ucal_close(c);
    if (U_FAILURE(status))
        return false;
    *ret = civil;
    return true;
}

bool bf_tz_instant(struct bf_str zone, const struct bf_civil *wall, int64_t *ret_ms)
{
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *c = open_calendar(zone);
    if (c == NULL)
        return false;
    ucal_setAttribute(c, UCAL_LENIENT, true); /* "next valid" works only so */
    ucal_setAttribute(c, UCAL_SKIPPED_WALL_TIME, UCAL_WALLTIME_NEXT_VALID);
    ucal_setAttribute(c, UCAL_REPEATED_WALL_TIME, UCAL_WALLTIME_FIRST);
    ucal_clear(c);
    ucal_setDateTime(c, wall->year, wall->month - 1, wall->day, wall->hour, wall->minute, wall->second, &status);
    UDate ms = ucal_getMillis(c, &status);
    ucal_close(c);
    if (U_FAILURE(status))
        return false;
    *ret_ms = (int64_t)ms;
    return true;
}
