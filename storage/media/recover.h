/* SPDX-License-Identifier: Apache-2.0 */
/* Finding out what of a data file holds, and walking its records. Reads only. */
#pragma once
#include "storage/media/file.h"
#include "storage/media/io.h"

/* A place between two records, and what was before it. */
struct bf__point {
    uint64_t pos, offset, frames;
    uint8_t tags[BF__TAG]; /* sum (exclusive or) of the DATA records' tags since the last STATE: ties the STATE to these very records */
    struct bf_hash_state hash;
};

static inline void bf__tags_add(uint8_t sum[BF__TAG], const uint8_t tag[BF__TAG])
{
    for (unsigned i = 0; i < BF__TAG; i++)
        sum[i] ^= tag[i];
}

struct bf__recovered {
    struct bf__point point; /* behind the last STATE that holds; the start when none does */
    struct bf__position position;
    uint64_t size; /* of the file */
    uint64_t doubtful; /* what stands from here on may never have been synced */
    bool complete; /* index and foot stand behind `point`, whole */
    uint8_t sha256[32]; /* when complete */
};

enum bf_status bf__recover(struct bf__io *io, struct bf__sealer *sealer, struct bf__recovered *ret, struct bf_error *e);

/* Reads the head of the record at rec->pos, with rec->offset content before it; *ret_found is false when none fits before `end`. */
enum bf_status bf__next_head(struct bf__io *io, uint64_t end, struct bf__record *rec, bool *ret_found, struct bf_error *e);
/* Steps `rec` over itself. */
static inline void bf__step(struct bf__record *rec)
{
    rec->pos += BF__OVERHEAD + rec->n;
    rec->offset += rec->type == BF__DATA ? rec->n : 0;
}
