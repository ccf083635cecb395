/* SPDX-License-Identifier: Apache-2.0 */
/* Complete files: their index and foot, and random access to the content. Every byte given out was verified. One thread at a time. */
#pragma once
#include "storage/media/recover.h"

/* The DATA records of a file that is being written, as its index will have them, so that they need not be read again. */
struct bf__entries {
    uint8_t *p;
    uint64_t n, room;
    bool known; /* all of the file's are here */
};

enum { BF__ENTRIES_MAX = 8192 }; /* 256 KiB; of a longer file they are read */

void bf__entries_add(struct bf__entries *entries, const struct bf__record *rec);
void bf__entries_cut(struct bf__entries *entries, uint64_t n); /* to the first n */
void bf__entries_free(struct bf__entries *entries);

struct bf__foot {
    uint64_t size, frames, index_pos;
    uint8_t sha256[32];
};

/* Writes index and foot behind `point`, of the records that stand before it. `entries` (NULL: they are read) names them. */
enum bf_status bf__index_write(struct bf__io *io, struct bf__sealer *sealer, const struct bf__point *point, const struct bf__entries *entries,
                               const uint8_t sha256[32], struct bf_error *e);
/* Reads the foot of a file of `size` bytes; *ret_whole is false when there is none. */
enum bf_status bf__foot_read(struct bf__io *io, struct bf__sealer *sealer, uint64_t size, struct bf__foot *ret, bool *ret_whole, struct bf_error *e);
/* Opens every INDEX record; `scratch` holds BF__BODY_MAX + BF__TAG bytes. */
enum bf_status bf__index_holds(struct bf__io *io, struct bf__sealer *sealer, const struct bf__foot *foot, uint8_t *scratch, bool *ret, struct bf_error *e);

struct bf__frames;
/* Takes `io` over, also when it fails. BF_E_CORRUPT when the file is not complete or not of this key and id. */
enum bf_status bf__frames_open(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__frames **ret,
                               struct bf_error *e);
void bf__frames_close(struct bf__frames **frames);
const struct bf__foot *bf__frames_foot(const struct bf__frames *frames);
/* Fills `buf` up to n bytes or the end. BF_E_CORRUPT: the bytes in `buf` are wiped. */
enum bf_status bf__frames_read(struct bf__frames *frames, int64_t offset, void *buf, size_t n, size_t *ret, struct bf_error *e);
