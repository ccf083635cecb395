/* SPDX-License-Identifier: Apache-2.0 */
#include "core/breaker.h"
#include <assert.h>

bool bf_breaker_admit(struct bf_breaker *b, const struct bf_breaker_config *c, int64_t now_ms, unsigned *ret_round, int64_t *ret_wait_ms)
{
    *ret_round = b->round;
    switch (b->state) {
    case BF_BREAKER_CLOSED:
        return true;
    case BF_BREAKER_OPEN:
        if (now_ms < b->until_ms) {
            *ret_wait_ms = b->until_ms - now_ms;
            return false;
        }
        b->state = BF_BREAKER_HALF_OPEN;
        return true;
    case BF_BREAKER_HALF_OPEN:
        break;
    }
    *ret_wait_ms = c->pause_ms; /* a probe is out; its end is not known */
    return false;
}

static bool open_for(struct bf_breaker *b, int64_t now_ms, int64_t pause_ms)
{
    b->state = BF_BREAKER_OPEN;
    b->pause_ms = pause_ms;
    b->round++;
    b->until_ms = now_ms + pause_ms;
    return true;
}

static bool failed(struct bf_breaker *b, const struct bf_breaker_config *c, int64_t now_ms)
{
    assert(b->state != BF_BREAKER_OPEN);
    b->failures++;
    if (b->state == BF_BREAKER_HALF_OPEN) {
        int64_t next = b->pause_ms * 2;
        return open_for(b, now_ms, next < c->pause_ms_max ? next : c->pause_ms_max);
    }
    return b->failures >= c->failures && open_for(b, now_ms, c->pause_ms);
}

bool bf_breaker_report(struct bf_breaker *b, const struct bf_breaker_config *c, int64_t now_ms, unsigned round,
                       enum bf_breaker_report report)
{
    if (b->state == BF_BREAKER_OPEN || round != b->round)
        return false;
    switch (report) {
    case BF_BREAKER_ANSWERED:
        b->state = BF_BREAKER_CLOSED;
        b->failures = 0;
        return false;
    case BF_BREAKER_FAILED:
        return failed(b, c, now_ms);
    case BF_BREAKER_TRIPPED:
        b->failures++;
        return open_for(b, now_ms, c->pause_ms_max);
    case BF_BREAKER_NOTHING:
        if (b->state == BF_BREAKER_HALF_OPEN) { /* the next call is the probe */
            b->state = BF_BREAKER_OPEN;
            b->until_ms = now_ms;
        }
        return false;
    }
    return false;
}
