/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit breaker: stops asking a host that keeps failing, and lets one call through from time to time to see whether it is back.
 *
 *            `failures` in a row, or trip          pause over, one probe goes out
 *   CLOSED -----------------------------> OPEN ------------------------------------> HALF_OPEN
 *     ^                                     ^                                          |   |
 *     |                                     +------- it failed: pause doubles ---------+   |
 *     +----------------------------------------------- it was answered --------------------+
 *
 * No clock of its own, no lock: the owner passes the time and calls from one thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum bf_breaker_state { BF_BREAKER_CLOSED, BF_BREAKER_OPEN, BF_BREAKER_HALF_OPEN };

enum bf_breaker_report {
    BF_BREAKER_ANSWERED,
    BF_BREAKER_FAILED,
    BF_BREAKER_TRIPPED, /* opens at once, for the longest pause */
    BF_BREAKER_NOTHING, /* the call ended without saying anything about the host (cancelled) */
};

struct bf_breaker_config {
    unsigned failures;
    int64_t pause_ms, pause_ms_max;
};

/* Zeroed: closed. */
struct bf_breaker {
    enum bf_breaker_state state;
    unsigned failures; /* in a row */
    int64_t until_ms;  /* OPEN */
    int64_t pause_ms;  /* of the last opening */
    unsigned round;    /* counts openings */
};

/* May a call go out? On true, *ret_round goes back with its one report; on false, *ret_wait_ms says when to ask again. */
bool bf_breaker_admit(struct bf_breaker *b, const struct bf_breaker_config *c, int64_t now_ms, unsigned *ret_round, int64_t *ret_wait_ms);
/* True when this report opened the breaker. Calls that went out before it last opened do not move it any more. */
bool bf_breaker_report(struct bf_breaker *b, const struct bf_breaker_config *c, int64_t now_ms, unsigned round,
                       enum bf_breaker_report report);
/* Closed and without failures: nothing would be lost by forgetting it. */
static inline bool bf_breaker_is_clean(const struct bf_breaker *b) { return b->state == BF_BREAKER_CLOSED && b->failures == 0; }
