/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Index keys as bytes whose memcmp order is the order of the values: tenant, then each field, then the id.
 *
 * A field is one byte 0 when absent (so that absent sorts first), else 1 and: BOOL one byte; INT and TIME eight bytes, big-endian, sign
 * flipped; DOUBLE its bits made monotone; UUID and SHA256 as they are; texts and an enum's word with 0 written as 0 FF and 0 0 behind them.
 * BYTES and objects have no order that two drivers share and cannot be indexed (asserted).
 */
#pragma once
#include "storage/storage.h"

struct bf_arena;

enum { BF__DOC_KEY = 32 };

void bf__doc_key(struct bf_uuid tenant, struct bf_uuid id, uint8_t out[BF__DOC_KEY]);

/* `v` NULL: absent. `out` holds bf__key_bound bytes; returns the length. `field` NULL: an id. */
size_t bf__key_bound(const struct bf_field *field, const struct bf_value *v);
size_t bf__key_put(uint8_t *out, const struct bf_field *field, const struct bf_value *v);

/* The keys of a document, sorted and distinct: one, or for a multikey index one per distinct item (none when there is no item). None for
 * NULL and for a tombstone. */
struct bf__keys_of {
    struct bf_str *keys;
    unsigned n;
};
int bf__key_cmp(const void *a, const void *b); /* of two struct bf_str, for qsort */
struct bf__keys_of bf__index_keys(struct bf_arena *arena, const struct bf_index *index, const struct bf_doc *doc);

/* The least string that is greater than every string beginning with `prefix`. */
struct bf_str bf__key_after(struct bf_arena *arena, struct bf_str prefix);
