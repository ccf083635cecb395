/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of STATE, INDEX and FOOT records: what file.c writes and frames.c reads. Numbers are little-endian. */
#pragma once
#include "storage/media/bytes.h"
#include "storage/media/file.h"

/* A data file says what it is and which: "BFMEDIA1", id (16), zeros. */
static inline void bf__file_start(const struct bf_uuid *id, uint8_t out[BF__FILE_START])
{
    memset(out, 0, BF__FILE_START);
    memcpy(out, "BFMEDIA1", 8);
    memcpy(out + 8, id->b, 16);
}

/* STATE: offset, length, time, fence (8 each), number of DATA records (8), sum of their tags since the last STATE (16), hash state (112), spare. */
enum { ST_OFFSET = 0, ST_LENGTH = 8, ST_TIME = 16, ST_FENCE = 24, ST_FRAMES = 32, ST_TAGS = 40, ST_HASH = 56 };
_Static_assert(ST_HASH + sizeof(struct bf_hash_state) <= BF__STATE_BODY, "the hash state fits");

/* INDEX: up to 2048 entries of offset in the content (8), position in the file (8), length (4), nonce (12). All but the last are full. */
enum { IX_OFFSET = 0, IX_POS = 8, IX_LEN = 16, IX_NONCE = 20, IX_ENTRY = 32, IX_ENTRIES_MAX = BF__BODY_MAX / IX_ENTRY };

/* FOOT, the last record of a complete file: size, number of DATA records, position of the first INDEX, SHA-256 of the content. */
enum { FT_SIZE = 0, FT_FRAMES = 8, FT_INDEX = 16, FT_SHA256 = 24, FT_BODY = 64 };
