/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The uploads of all processes, where several share a store: a document each in `uploads`, under whose rev everything is decided. What stands in the
 * table of this process (upload.h) is a copy, and as true as its rev is the document's. A store that is alone with its data has none of this: there the
 * table is all there is.
 *
 *   claim ──► the document's epoch goes up, and it names this process: whoever wrote before is refused from here on, here by the epoch (chunks), there
 *             by the rev (the document)
 *   sync  ──► chunks, then the document {bytes that count, offset, length, time}: the acknowledgement
 *
 * All functions block; those of one upload want it entered.
 */
#pragma once
#include "storage/media/upload.h"

/* The upload into the table, with a ref; `leaving`: also one that is being deleted. *ret_fresh: it was read just now. BF_E_NOT_FOUND. */
enum bf_status bf__registry_meet(struct bf_media *media, struct bf_uuid id, bool leaving, struct bf__upload **ret, bool *ret_fresh, struct bf_error *e);
/* What other processes did to it becomes known; where they did something, who was writing here has lost his place. BF_E_NOT_FOUND: it went, or (unless
 * `leaving`) it is being deleted. */
enum bf_status bf__registry_refresh(struct bf__upload *up, bool leaving, struct bf_error *e);
/* Makes it this process's, unless it is: no write of another one to it succeeds from here on. `leaving`: nobody finds it any more, either.
 * BF_E_STALE: something was done to it meanwhile; refresh it and try again. */
enum bf_status bf__registry_claim(struct bf__upload *up, bool leaving, struct bf_error *e);

/* As bf__sender_check, of all processes' uploads. */
enum bf_status bf__registry_sums(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, struct bf__sums *ret, struct bf_error *e);
/* Does another upload of the same user stand for the same bytes, or will it? */
enum bf_status bf__registry_has_equal(struct bf__upload *up, bool *ret, struct bf_error *e);
/* Looks whether the user's wraps stand and notes it: of these bytes, or (NULL) of all that count as kept. */
enum bf_status bf__registry_learn_holds(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, const uint8_t *sha256, struct bf_error *e);

/* Those that may have expired: the first `max` of them. One that has not is put off, so that the next call gives others. */
enum bf_status bf__registry_due(struct bf_media *media, int64_t now_ms, struct bf_uuid *ret, unsigned max, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__registry_put_off(struct bf__upload *up, struct bf_error *e);
