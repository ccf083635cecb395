/* SPDX-License-Identifier: Apache-2.0 */
/*
 * China's public holidays and the days of rest that are worked for them, year by year as the General Office of the State Council announces them in
 * the November before (国务院办公厅关于YYYY年部分节假日安排的通知). The days are copied from the notices, weekends within a holiday and all:
 *   2025: 国办发明电〔2024〕12号, 12 November 2024, https://www.gov.cn/zhengce/zhengceku/202411/content_6986383.htm
 *   2026: 国办发明电〔2025〕7号, 4 November 2025, https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm
 * A year that is not here is not known: nothing is guessed from the lunar calendar, since which days are swapped is decided anew each year. To add one, copy
 * its notice into two lists in order of date and a row of `years`, and its days into tests/crm/gen_calendar_table.
 */
#include "crm/calendar_cn.h"
#include <stddef.h>

static const char *const holidays_2025[] = {
    "2025-01-01", /* 元旦 */
    "2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-01", "2025-02-02", "2025-02-03", "2025-02-04", /* 春节 */
    "2025-04-04", "2025-04-05", "2025-04-06", /* 清明节 */
    "2025-05-01", "2025-05-02", "2025-05-03", "2025-05-04", "2025-05-05", /* 劳动节 */
    "2025-05-31", "2025-06-01", "2025-06-02", /* 端午节 */
    "2025-10-01", "2025-10-02", "2025-10-03", "2025-10-04", "2025-10-05", "2025-10-06", "2025-10-07", "2025-10-08", /* 国庆节、中秋节 */
};
static const char *const make_up_days_2025[] = {
    "2025-01-26", "2025-02-08", /* 春节 */
    "2025-04-27", /* 劳动节 */
    "2025-09-28", "2025-10-11", /* 国庆节、中秋节 */
};

static const char *const holidays_2026[] = {
    "2026-01-01", "2026-01-02", "2026-01-03", /* 元旦 */
    "2026-02-15", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-21", "2026-02-22", /* 春节 */
    "2026-02-23",
    "2026-04-04", "2026-04-05", "2026-04-06", /* 清明节 */
    "2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05", /* 劳动节 */
    "2026-06-19", "2026-06-20", "2026-06-21", /* 端午节 */
    "2026-09-25", "2026-09-26", "2026-09-27", /* 中秋节 */
    "2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-10-05", "2026-10-06", "2026-10-07", /* 国庆节 */
};
static const char *const make_up_days_2026[] = {
    "2026-01-04", /* 元旦 */
    "2026-02-14", "2026-02-28", /* 春节 */
    "2026-05-09", /* 劳动节 */
    "2026-09-20", "2026-10-10", /* 国庆节 */
};

#define YEAR(year_, notice_)                                                                                                             \
    {.year = (year_), .notice = (notice_), .holidays = holidays_##year_, .n_holidays = sizeof holidays_##year_ / sizeof *holidays_##year_,   \
     .make_up_days = make_up_days_##year_, .n_make_up_days = sizeof make_up_days_##year_ / sizeof *make_up_days_##year_}

static const struct bf__cn_year years[] = {
    YEAR(2025, "国办发明电〔2024〕12号"),
    YEAR(2026, "国办发明电〔2025〕7号"),
};

const struct bf__cn_year *bf__cn_year(int year)
{
    for (size_t i = 0; i < sizeof years / sizeof *years; i++)
        if (years[i].year == year)
            return &years[i];
    return NULL;
}
