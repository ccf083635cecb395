/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server got of an installation's captures. Each capture carries capture_seq, 1, 2, 3 ... without a gap, so that the server can
 * say what it never got (MOB-09, G-01): `through` is the last number before the first gap, `above` the numbers received beyond it,
 * ascending. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

enum { BF_CAPTURE_ABOVE_MAX = 1000 };

/* A state in which nothing was received. */
void bf_capture_init(struct bf_object *capture, struct bf_uuid user, struct bf_uuid device);

/* Notes number `seq` (from 1; asserted by the schema). A number that is there already changes nothing. BF_E_CONFLICT, with the state as it
 * was, when BF_CAPTURE_ABOVE_MAX numbers wait beyond a gap: the phone must send the missing ones first. */
enum bf_status bf_capture_add(struct bf_arena *arena, struct bf_object *capture, int64_t seq, struct bf_error *e);
bool bf_capture_has(const struct bf_object *capture, int64_t seq);

struct bf_capture_gap {
    int64_t from, to; /* both missing, and all between */
};

/* The gaps, ascending; there are at most BF_CAPTURE_ABOVE_MAX. In `arena`. */
unsigned bf_capture_gaps(struct bf_arena *arena, const struct bf_object *capture, struct bf_capture_gap **ret);
