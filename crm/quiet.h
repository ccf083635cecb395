/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quiet hours (G-12: 21:00 to 08:00, policy) and when a reminder goes out (G-23). Hours are of the person's own wall clock. From the first
 * hour on it is quiet, at the second no longer; equal hours: never quiet. A wall time that the clock skips means the first valid instant
 * after it, one that comes twice the first of the two. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"

/* The instant of wall time `due` in `zone`; false when one of them is not valid. */
bool bf_quiet_due_at(struct bf_str due, struct bf_str zone, int64_t *ret);

/* True when `ms` is within the quiet hours; false too when `zone` is not known. */
bool bf_quiet_contains(const struct bf_object *policy, struct bf_str zone, int64_t ms);

/* When something due at `due_at` is sent: then, or now when that has passed; within the quiet hours at their end, unless the person chose
 * to be woken. `zone` is the person's. */
int64_t bf_quiet_send_at(const struct bf_object *policy, struct bf_str zone, int64_t due_at, int64_t now_ms, bool wake);
