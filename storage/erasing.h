/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject keys that are being destroyed, for the caches of other processes; only where others write too.
 *
 *   note in "erasing" --> key marked as destroyed --> a minute later, by whoever sweeps: the note goes
 *
 * Who keeps keys in memory reads the notes before it relies on them, not more than LOOK_MS ago, and forgets those that are named. Who has not looked for
 * long forgets them all. A note whose key lives still is of a process that ended between the two: whoever sweeps destroys the key.
 */
#pragma once
#include "storage/internal.h"

extern const struct bf_collection bf__coll_erasing;

/* Before the key is destroyed. Durable when it returns. */
enum bf_status bf__erasing_note(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                                struct bf_arena *arena, struct bf_error *e);
/* Calls `fn` for each note. */
enum bf_status bf__erasing_each(struct bf_store *store, struct bf_session *s, bf__erasure_fn *fn, void *ctx, struct bf_error *e);

/* What a process has seen of the notes, in order to end them: by its own clock, since no two clocks are compared. One thread at a time. */
struct bf__erasing;
struct bf__erasing *bf__erasing_create(struct bf_store *store);
void bf__erasing_destroy(struct bf__erasing **erasing);
/* Enters what is new in the register of erasures of this machine, and ends the notes that are old. Every SWEEP_MS of the poller; `now_ms`: bf_real_ms. */
enum bf_status bf__erasing_sweep(struct bf__erasing *erasing, struct bf_session *s, int64_t now_ms, struct bf_error *e);
