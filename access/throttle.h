/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throttling of sign-ins by account and by address, before any password is hashed. Each key has a bucket of `burst` tries that refills at
 * `per_minute`; nothing is ever locked for good, so that nobody can lock another person out for longer than a minute or so. The table has
 * a fixed size; the entry that was quiet the longest makes room. Thread-safe.
 */
#pragma once
#include "core/str.h"

struct bf_throttle;

struct bf_throttle *bf_throttle_create(unsigned entries, unsigned burst, unsigned per_minute);
void bf_throttle_destroy(struct bf_throttle **throttle);
/* Takes one try from the key's bucket. Returns 0, or the whole seconds until there is one. */
int bf_throttle_take(struct bf_throttle *throttle, struct bf_str key, int64_t mono_ms);
/* Gives the tries back: the password was right. */
void bf_throttle_clear(struct bf_throttle *throttle, struct bf_str key);
