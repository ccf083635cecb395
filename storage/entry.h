/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log entry as bytes: a header and a payload.
 *
 * The header holds pseudonyms only, never content, and is what the leaf hash covers: SHA-256 of a zero byte and the header. For each
 * operation and each receipt it holds a keyed commitment (HMAC-SHA-256 under a key derived from the subject's) of the plain payload:
 * whoever has the key can prove what was logged; when the key is destroyed the commitment tells nothing and the leaf still holds.
 *
 * The payload holds, for each operation with an after-image and then for each request, a sealed part (AES-256-GCM under a key derived from
 * the subject's; the additional data is the place: tenant, n, k, collection, id).
 *
 * Header, integers big-endian: u8 1, tenant 16, n u64, at_ms i64, u16 number of operations, u16 number of requests; then the operations: u8
 * length and collection's name, id 16, subject 16, u8 flags (1 tombstone, 2 owner before, 4 owner after, 8 team before, 16 team after), the
 * 16 bytes of each that is flagged, rev u64, unless a tombstone commitment 32; then the requests: id 16, actor 16, body hash 32, subject
 * 16, u16 number of its operations, commitment 32. Payload: u32 length and bytes for each part.
 */
#pragma once
#include "storage/commit.h"

struct bf__entry_op {
    struct bf_str coll;
    struct bf_uuid id, subject, owner_before, owner_after, team_before, team_after;
    int64_t rev;
    bool tombstone;
    uint8_t commitment[32];
    struct bf_str sealed; /* none for a tombstone */
};

struct bf__entry_request {
    struct bf_request_id id;
    struct bf_uuid actor, subject;
    uint8_t body_hash[32], commitment[32];
    unsigned n_ops; /* the next of the entry's, in order */
    struct bf_str sealed;
};

struct bf__entry {
    struct bf_uuid tenant;
    int64_t n, at_ms;
    struct bf__entry_op *ops;
    unsigned n_ops;
    struct bf__entry_request *requests;
    unsigned n_requests;
};

struct bf_str bf__entry_header(struct bf_arena *arena, const struct bf__entry *entry);
struct bf_str bf__entry_payload(struct bf_arena *arena, const struct bf__entry *entry);
size_t bf__entry_op_bytes(const struct bf__entry_op *op); /* of header and payload together */
void bf__entry_leaf(struct bf_str header, uint8_t out[32]);
/* Checks every length. `payload` may be empty: the sealed parts are then left empty. Points into both. BF_E_CORRUPT. */
enum bf_status bf__entry_head(struct bf_str header, int64_t *ret_n, int64_t *ret_at_ms, struct bf_error *e); /* only its number and time */
enum bf_status bf__entry_parse(struct bf_arena *arena, struct bf_str header, struct bf_str payload, struct bf__entry *ret,
                               struct bf_error *e);
