/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/quiet.h"
#include "core/tz.h"
#include "crm/entities.h"

bool bf_quiet_due_at(struct bf_str due, struct bf_str zone, int64_t *ret)
{
    struct bf_civil wall;
    return bf_wall_parse(due, &wall) && bf_tz_instant(zone, &wall, ret);
}

/* 21 to 8 spans midnight; 12 to 14 does not. */
static bool is_quiet_hour(int from, int to, int hour) { return from <= to ? hour >= from && hour < to : hour >= from || hour < to; }

bool bf_quiet_contains(const struct bf_object *policy, struct bf_str zone, int64_t ms)
{
    struct bf_civil c;
    int from = (int)bf_get_int(policy, BF_POLICY_QUIET_FROM_HOUR), to = (int)bf_get_int(policy, BF_POLICY_QUIET_TO_HOUR);
    return bf_tz_civil(zone, ms, &c) && is_quiet_hour(from, to, c.hour);
}

/* The next time that the hour `to` comes, on the wall clock that shows `c`. */
static int64_t next_hour(struct bf_str zone, struct bf_civil c, int to)
{
    int64_t at = 0;
    if (c.hour >= to)
        bf_civil_add_days(&c, 1);
    c.hour = to;
    c.minute = c.second = 0;
    bf_tz_instant(zone, &c, &at); /* the zone is known: `c` was read in it */
    return at;
}

/* The end of the quiet hours that `ms` lies in. Where a zone skips a whole day (Apia, 30 December 2011), the end of its night is the next
 * midnight, which is quiet again: hence twice. */
static int64_t quiet_end(const struct bf_object *policy, struct bf_str zone, int64_t ms)
{
    int from = (int)bf_get_int(policy, BF_POLICY_QUIET_FROM_HOUR), to = (int)bf_get_int(policy, BF_POLICY_QUIET_TO_HOUR);
    struct bf_civil c;
    for (int i = 0; i < 2 && bf_tz_civil(zone, ms, &c) && is_quiet_hour(from, to, c.hour); i++)
        ms = next_hour(zone, c, to);
    return ms;
}

int64_t bf_quiet_send_at(const struct bf_object *policy, struct bf_str zone, int64_t due_at, int64_t now_ms, bool wake)
{
    int64_t at = due_at > now_ms ? due_at : now_ms;
    return wake ? at : quiet_end(policy, zone, at);
}
