/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of core/ only: arithmetic on the proleptic Gregorian calendar. */
#pragma once
#include "core/str.h"

int64_t bf__days_from_date(int year, int month, int day); /* since 1970-01-01; month 1..12; any year */
void bf__date_from_days(int64_t days, int *year, int *month, int *day);
int bf__days_of_month(int year, int month);
int bf__digits(struct bf_str s, size_t at, size_t n); /* the number in exactly `n` digits at s.p[at], or -1 */
