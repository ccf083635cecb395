/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents as BSON, by their schema: {v: int32 schema version, rev: int64, n: int64, k: int32, x: true for a tombstone, f: {fields}}.
 * Absent fields are left out; an enum is its word, a time a UTC date, a UUID and a hash binary (subtypes 4 and 0).
 *
 * What this build does not know survives a rewrite: unknown fields, and words that an enum here lacks, are kept in bf_object.extra, which
 * is a BSON document of them. A document of a newer schema version than ours keeps that version: `extra` carries it under the empty name.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

struct bf_arena;

/* The bytes live in `arena`. */
struct bf_str bf__bson_encode(struct bf_arena *arena, const struct bf_doc *doc);
/* The document points into `bytes`, which must live as long as `arena`. Older versions are upgraded. BF_E_CORRUPT when it cannot be read.
 */
enum bf_status bf__bson_decode(struct bf_arena *arena, const struct bf_schema *schema, struct bf_uuid tenant, struct bf_uuid id,
                               struct bf_str bytes, struct bf_doc **ret, struct bf_error *e);
