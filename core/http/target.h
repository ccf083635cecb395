/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets, decoded strictly: what two readers could take for different paths is refused (RFC 3986, and design: no %2F, no NUL).
 * Pure functions; nothing here knows libh2o, so that they can be fuzzed alone. */
#pragma once
#include "core/error.h"
#include "core/str.h"

struct bf_arena;

enum { BF__SEGMENTS_MAX = 12, BF__QUERY_MAX = 32, BF__TARGET_MAX = 8192 };

/* The raw target cut at the first '?'. `query.p` is NULL without one. */
struct bf__target {
    struct bf_str path, query;
    struct bf_str segments[BF__SEGMENTS_MAX]; /* raw, of `path` */
    unsigned n_segments;                      /* "/" has none; a trailing slash gives an empty last one */
};

struct bf__pair {
    struct bf_str name, value;
};

/* Cuts `raw`, which must begin with '/'. BF_E_INVALID_PATH for characters outside RFC 3986's pchar, bad escapes, empty segments within the
 * path, "." and "..", more than BF__SEGMENTS_MAX segments or BF__TARGET_MAX bytes. */
enum bf_status bf__target_cut(struct bf_str raw, struct bf__target *ret, struct bf_error *e);
/* One segment, percent-decoded in `arena`. %2F, %5C, NUL and other control characters, and what is not UTF-8 is BF_E_INVALID_PATH. */
enum bf_status bf__segment_decode(struct bf_arena *arena, struct bf_str raw, struct bf_str *ret, struct bf_error *e);
/* The parameters of a query, decoded in `arena` ('+' is a space, as forms write it), into `out` (BF__QUERY_MAX). BF_E_INVALID_QUERY for a
 * bad escape, NUL, what is not UTF-8, a name that is empty or stands twice, or too many. */
enum bf_status bf__query_decode(struct bf_arena *arena, struct bf_str raw, struct bf__pair *out, unsigned *ret_n, struct bf_error *e);
