/* SPDX-License-Identifier: Apache-2.0 */
/* A decoder job in memory, for fuzz targets: reads from the fuzzer's bytes, writes into a room of its own, small enough to be quick. */
#pragma once
#include "ingest/decode/check.h"
#include "ingest/decode/job.h"
#include "ingest/decode/sniff.h"
#include "tests/fuzz/fuzz.h"
#include <string.h>

enum { DECODE_ROOM = 1 << 20, DECODE_PIXELS_MAX = 1 << 18, DECODE_MS_MAX = 2000 };

struct decode_room {
    const uint8_t *in;
    size_t n;
    unsigned char *out;
};

static long decode_read(void *ctx, uint64_t offset, void *p, size_t n)
{
    const struct decode_room *room = ctx;
    size_t left = offset < room->n ? room->n - (size_t)offset : 0;
    n = n < left ? n : left;
    if (n > 0)
        memcpy(p, room->in + offset, n);
    return (long)n;
}

static bool decode_write(void *ctx, uint64_t offset, const void *p, size_t n)
{
    const struct decode_room *room = ctx;
    EXPECT(offset <= DECODE_ROOM && n <= DECODE_ROOM - offset);
    memcpy(room->out + offset, p, n);
    return true;
}

/* Runs `op` on the bytes as what they look like; `stt` may be NULL but for a transcription. True: decoded, with `ret` as the client would
 * read it. */
static bool decode_run(enum bf_decode_op op, struct bf_stt *stt, const uint8_t *data, size_t n, struct decode_room *room,
                       struct bf_decode_result *ret)
{
    struct bf_error e;
    *room = (struct decode_room){.in = data, .n = n, .out = calloc(1, DECODE_ROOM)};
    EXPECT(room->out != NULL);
    struct bf_job job = {
        .request = {.magic = BF_DECODE_MAGIC, .op = op, .claimed = bf__sniff_type(data, n), .input_bytes = n, .output_bytes = DECODE_ROOM},
        .read = decode_read,
        .write = decode_write,
        .ctx = room,
        .bytes = data,
        .pixels_max = DECODE_PIXELS_MAX,
        .duration_max_ms = DECODE_MS_MAX};
    EXPECT(bf__job_run(&job, stt));
    EXPECT(bf__check_result(room->out, DECODE_ROOM, op, ret, &e) == BF_OK);
    return ret->reason == BF_DECODE_OK;
}

static struct bf_str decode_part(const struct decode_room *room, const struct bf_decode_result *r, unsigned i)
{
    return bf_str((const char *)room->out + r->parts[i].offset, r->parts[i].bytes);
}
