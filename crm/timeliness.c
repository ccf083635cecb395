/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/timeliness.h"
#include "core/tz.h"
#include "crm/entities.h"

enum { MS_PER_HOUR = 3600 * 1000 };

struct bf_clocks bf_clocks_of_visit(const struct bf_object *visit)
{
    return (struct bf_clocks){
        .happened_at = bf_get_int(visit, BF_VISIT_HAPPENED_AT),
        .captured_at = bf_get_int(visit, BF_VISIT_CAPTURED_AT),
        .received_at = bf_get_int(visit, BF_VISIT_RECEIVED_AT),
        .skew_known = bf_has(visit, BF_VISIT_CLOCK_SKEW_MS),
        .skew_ms = bf_get_int(visit, BF_VISIT_CLOCK_SKEW_MS),
    };
}

int64_t bf_clock_skew(int64_t phone_ms, int64_t server_ms) { return phone_ms - server_ms; }

/* G-01: the clock that tells when the record was entered; *ret_off_ms: what is taken off the phone's readings. Nothing is, where the skew
 * cannot be that of the capture. */
static void choose_clock(const struct bf_object *policy, const struct bf_clocks *clocks, struct bf_timeliness *ret, int64_t *ret_off_ms)
{
    int64_t trusted_ms = bf_get_int(policy, BF_POLICY_SKEW_MS_MAX);
    int64_t late_ms = bf_get_int(policy, BF_POLICY_LATE_HOURS_MAX) * MS_PER_HOUR;
    int64_t skew_ms = clocks->skew_known ? clocks->skew_ms : 0;
    bool small = skew_ms > -trusted_ms && skew_ms < trusted_ms;
    int64_t off_ms = small ? 0 : skew_ms;
    int64_t captured_at = clocks->captured_at - off_ms;
    int64_t way_ms = clocks->received_at - captured_at;
    bool changed = way_ms <= -trusted_ms;
    *ret_off_ms = changed ? 0 : off_ms;
    if (!clocks->skew_known || way_ms > late_ms || changed) {
        ret->by = BF_TIMELY_BY_IS_RECEIVED;
        ret->entered_at = clocks->received_at;
        return;
    }
    ret->by = small ? BF_TIMELY_BY_IS_CAPTURED : BF_TIMELY_BY_IS_CORRECTED;
    ret->entered_at = captured_at;
}

/* ENT-03, G-02: the hour of the next calendar day, on the wall clock of `zone`. */
static bool deadline(const struct bf_object *policy, struct bf_str zone, int64_t happened_at, int64_t *ret)
{
    struct bf_civil day;
    if (!bf_tz_civil(zone, happened_at, &day))
        return false;
    bf_civil_add_days(&day, 1);
    day.hour = (int)bf_get_int(policy, BF_POLICY_TIMELY_NEXT_DAY_HOUR);
    day.minute = day.second = 0;
    return bf_tz_instant(zone, &day, ret);
}

bool bf_timeliness_judge(const struct bf_object *policy, struct bf_str zone, const struct bf_clocks *clocks, struct bf_timeliness *ret)
{
    struct bf_timeliness t;
    int64_t off_ms;
    choose_clock(policy, clocks, &t, &off_ms);
    int64_t happened_at = clocks->happened_at - off_ms;
    if (!deadline(policy, zone, happened_at < clocks->received_at ? happened_at : clocks->received_at, &t.deadline_at))
        return false;
    t.timely = t.entered_at <= t.deadline_at;
    *ret = t;
    return true;
}
