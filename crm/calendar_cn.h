/* SPDX-License-Identifier: Apache-2.0 */
/* The calendar that is shipped (G-02). For crm/calendar.c only. */
#pragma once

struct bf__cn_year {
    int year;
    const char *notice;                          /* its number */
    const char *const *holidays, *const *make_up_days; /* "YYYY-MM-DD", in order */
    unsigned n_holidays, n_make_up_days;
};

/* NULL: the year's days are not known. */
const struct bf__cn_year *bf__cn_year(int year);
