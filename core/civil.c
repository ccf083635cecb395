/* SPDX-License-Identifier: Apache-2.0 */
/* Calendar days without a zone: the proleptic Gregorian calendar by arithmetic. */
#include "core/civil.h"
#include "core/tz.h"

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t bf__days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void bf__date_from_days(int64_t days, int *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

int bf__days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static int weekday(int64_t days)
{
    int64_t from_monday = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int)(from_monday < 0 ? from_monday + 7 : from_monday) + 1;
}

/* Exactly `n` digits at s.p[at], or -1. */
int bf__digits(struct bf_str s, size_t at, size_t n)
{
    int value = 0;
    if (at + n > s.n)
        return -1;
    for (size_t i = at; i < at + n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value = value * 10 + (s.p[i] - '0');
    }
    return value;
}

static bool parse_date(struct bf_str s, struct bf_civil *ret)
{
    int year = bf__digits(s, 0, 4), month = bf__digits(s, 5, 2), day = bf__digits(s, 8, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > bf__days_of_month(year, month) || s.p[4] != '-' || s.p[7] != '-')
        return false;
    *ret = (struct bf_civil){.year = year, .month = month, .day = day, .weekday = weekday(bf__days_from_date(year, month, day))};
    return true;
}

bool bf_date_parse(struct bf_str s, struct bf_civil *ret) { return s.n == 10 && parse_date(s, ret); }

bool bf_wall_parse(struct bf_str s, struct bf_civil *ret)
{
    struct bf_civil c;
    int hour = bf__digits(s, 11, 2), minute = bf__digits(s, 14, 2);
    if (s.n != 16 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || s.p[10] != 'T' || s.p[13] != ':' || !parse_date(s, &c))
        return false;
    c.hour = hour;
    c.minute = minute;
    *ret = c;
    return true;
}

void bf_civil_add_days(struct bf_civil *c, int days)
{
    int64_t day = bf__days_from_date(c->year, c->month, c->day) + days;
    bf__date_from_days(day, &c->year, &c->month, &c->day);
    c->weekday = weekday(day);
}

/* A week belongs to the year that holds its Thursday. */
void bf_civil_iso_week(const struct bf_civil *c, int *ret_year, int *ret_week)
{
    int64_t day = bf__days_from_date(c->year, c->month, c->day);
    int64_t thursday = day - (weekday(day) - 4);
    int year, month, of_month;
    bf__date_from_days(thursday, &year, &month, &of_month);
    *ret_year = year;
    *ret_week = (int)((thursday - bf__days_from_date(year, 1, 1)) / 7) + 1;
}
