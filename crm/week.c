/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/week.h"
#include "core/tz.h"
#include "crm/entities.h"
#include <stdio.h>

bool bf_week_of(struct bf_str zone, int64_t entered_at, struct bf_week *ret)
{
    struct bf_civil day;
    struct bf_week w;
    if (!bf_tz_civil(zone, entered_at, &day))
        return false;
    bf_civil_iso_week(&day, &w.year, &w.week);
    if (w.year < 1000 || w.year > 9999)
        return false;
    snprintf(w.text, sizeof w.text, "%04u-W%02u", (unsigned)w.year % 10000u, (unsigned)w.week % 100u);
    *ret = w;
    return true;
}

int64_t bf_week_missing(const struct bf_object *policy, int64_t count)
{
    int64_t quota = bf_get_int(policy, BF_POLICY_WEEK_QUOTA);
    return count < quota ? quota - count : 0;
}
