/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed records, of which stage and blob files are made (docs/MEDIA.md).
 *
 *   head, 16 bytes: type << 24 | length (LE32), nonce (12)    plain
 *   body, `length` bytes                                      AES-256-GCM
 *   tag, 16 bytes
 *
 * The tag also covers the file's id, the type and length, the record's position in the file and the offset of its first byte in the content, so
 * that a record moved, repeated or taken from another file does not open.
 *
 * A nonce is 64 random bits, drawn whenever a sealer is made, and a 32-bit counter that only goes up: bytes that were forgotten (a crash, a wrong
 * checksum) and sent again are never sealed under the nonce of the first time.
 */
#pragma once
#include "core/crypto.h"
#include "core/uuid.h"

enum bf__record_type { BF__DATA = 1, BF__STATE = 2, BF__INDEX = 3, BF__FOOT = 4 };

enum {
    BF__HEAD = 16,
    BF__NONCE = 12,
    BF__TAG = 16,
    BF__OVERHEAD = BF__HEAD + BF__TAG,
    BF__BODY_MAX = 65536,
};

struct bf__record {
    enum bf__record_type type;
    uint32_t n;      /* of the body */
    uint64_t pos;    /* of the head, in the file */
    uint64_t offset; /* in the content: of the first byte (DATA), or what was before it */
    uint8_t nonce[BF__NONCE];
};

/* Seals and opens the records of one file under its key. One thread at a time. */
struct bf__sealer {
    const struct bf_env *env;
    struct bf_gcm *gcm;
    struct bf_uuid file;
    uint8_t salt[8];
    uint32_t count;
};

void bf__sealer_init(struct bf__sealer *s, const struct bf_env *env, const struct bf_key *key, struct bf_uuid file);
void bf__sealer_finish(struct bf__sealer *s);

/* `rec` holds BF__OVERHEAD + n bytes, the plain body behind the first BF__HEAD; it is sealed in place. Returns BF__OVERHEAD + n. */
size_t bf__record_seal(struct bf__sealer *s, enum bf__record_type type, uint64_t offset, uint64_t pos, uint8_t *rec, size_t n);
/* Reads a head found at `pos`; false when it cannot be one. */
bool bf__record_head(const uint8_t head[BF__HEAD], uint64_t offset, uint64_t pos, struct bf__record *ret);
/* Opens `rec->n` bytes of body in place; false, and the body wiped, when anything differs from what was sealed. */
bool bf__record_open(struct bf__sealer *s, const struct bf__record *rec, uint8_t *body, const uint8_t tag[BF__TAG]);
