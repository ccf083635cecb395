/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was a record entered in time (ENT-03, G-01, G-02)? Three clocks: when the visit was, when the phone captured the record, when the server
 * got it; and how far the phone's clock was off at that request. Pure. Any thread.
 *
 * The instant of entry is captured_at when the skew is under the policy's limit (5 minutes), else captured_at less the skew; and it is
 * received_at when no skew was measured, when more than the policy's hours (72) lie between capture and receipt, or when the capture would
 * lie after the receipt by that limit or more (the clock was changed in between). The entry is timely until 12:00 (policy) of the calendar
 * day after the visit, in the tenant's zone; 12:00:00.000 itself is in time. happened_at is a reading of the same clock: what was taken off
 * captured_at is taken off it too, also where the record was too long on its way to be judged by it; and no visit is later than its
 * receipt.
 */
#pragma once
#include "core/doc.h"

struct bf_clocks {
    int64_t happened_at, captured_at, received_at; /* ms since 1970 UTC */
    bool skew_known;
    int64_t skew_ms; /* phone's clock minus server's, measured at the request */
};

struct bf_timeliness {
    bool timely;
    int by;              /* BF_TIMELY_BY_IS_...: which clock it was judged by; stored with the verdict */
    int64_t entered_at;  /* the instant of entry by that clock */
    int64_t deadline_at; /* last instant that is in time */
};

/* The clocks of a visit as the server completed it. */
struct bf_clocks bf_clocks_of_visit(const struct bf_object *visit);

/* The skew from the phone's clock header and the server's clock at the request (G-01). */
int64_t bf_clock_skew(int64_t phone_ms, int64_t server_ms);

/* False when `zone` is not known. */
bool bf_timeliness_judge(const struct bf_object *policy, struct bf_str zone, const struct bf_clocks *clocks, struct bf_timeliness *ret);
