/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 by arithmetic: no libc, no locale, no time zone. */
#include "core/civil.h"
#include "core/json.h"

enum { MS_PER_DAY = 86400000 };
#define LAST_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

static bool is_at(struct bf_str s, size_t at, char c) { return at < s.n && s.p[at] == c; }

/* ".ddd": cut to milliseconds. *at moves behind it. */
static bool parse_fraction(struct bf_str s, size_t *at, int *ret_ms)
{
    int ms = 0, weight = 100;
    size_t i = *at;
    *ret_ms = 0;
    if (!is_at(s, i, '.'))
        return true;
    for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, weight /= 10)
        ms += (s.p[i] - '0') * weight;
    size_t n = i - *at - 1;
    *at = i;
    *ret_ms = ms;
    return n >= 1 && n <= 9;
}

static bool parse_offset(struct bf_str s, size_t at, int *ret_minutes)
{
    if (at + 1 == s.n && (s.p[at] == 'Z' || s.p[at] == 'z')) {
        *ret_minutes = 0;
        return true;
    }
    if (at + 6 != s.n || (s.p[at] != '+' && s.p[at] != '-') || s.p[at + 3] != ':')
        return false;
    int hours = bf__digits(s, at + 1, 2), minutes = bf__digits(s, at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *ret_minutes = (hours * 60 + minutes) * (s.p[at] == '-' ? -1 : 1);
    return true;
}

/* A leap second stands only at the end of a UTC month; like POSIX, we give it the number of the second after it. */
static bool leap_second_fits(int64_t ms)
{
    int year, month, day;
    if (ms % MS_PER_DAY >= 1000)
        return false;
    bf__date_from_days(ms / MS_PER_DAY, &year, &month, &day);
    return day == 1;
}

bool bf_time_parse(struct bf_str s, int64_t *ret_ms)
{
    int year = bf__digits(s, 0, 4), month = bf__digits(s, 5, 2), day = bf__digits(s, 8, 2);
    int hour = bf__digits(s, 11, 2), minute = bf__digits(s, 14, 2), second = bf__digits(s, 17, 2), fraction, offset;
    size_t at = 19;
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > bf__days_of_month(year, month))
        return false;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (s.p[4] != '-' || s.p[7] != '-' || (s.p[10] != 'T' && s.p[10] != 't') || s.p[13] != ':' || s.p[16] != ':')
        return false;
    if (!parse_fraction(s, &at, &fraction) || !parse_offset(s, at, &offset))
        return false;
    int64_t minutes = bf__days_from_date(year, month, day) * 1440 + hour * 60 + minute - offset;
    int64_t ms = (minutes * 60 + second) * 1000 + fraction;
    if (ms < 0 || ms > LAST_MS || (second == 60 && !leap_second_fits(ms)))
        return false;
    *ret_ms = ms;
    return true;
}

static char *put(char *p, int value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        p[i] = (char)('0' + value % 10);
    return p + width;
}

void bf_time_text(int64_t ms, char out[BF_TIME_TEXT])
{
    int year, month, day;
    ms = ms < 0 ? 0 : ms > LAST_MS ? LAST_MS : ms;
    int of_day = (int)(ms % MS_PER_DAY);
    bf__date_from_days(ms / MS_PER_DAY, &year, &month, &day);
    char *p = put(out, year, 4);
    *p++ = '-';
    p = put(p, month, 2);
    *p++ = '-';
    p = put(p, day, 2);
    *p++ = 'T';
    p = put(p, of_day / 3600000, 2);
    *p++ = ':';
    p = put(p, of_day / 60000 % 60, 2);
    *p++ = ':';
    p = put(p, of_day / 1000 % 60, 2);
    *p++ = '.';
    p = put(p, of_day % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}
