/* SPDX-License-Identifier: Apache-2.0 */
/* Ogg/Opus by libopusfile, read as a stream. */
#include "ingest/decode/audio.h"
#include <opusfile.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 48000, PAGE_HEADER = 27, FRAMES = 5760, CHANNELS_MAX = 8, HOLES_MAX = 10000 };

struct source {
    struct bf_job *job;
    uint64_t at;
};

static int read_more(void *stream, unsigned char *p, int n)
{
    struct source *s = stream;
    long got = s->job->read(s->job->ctx, s->at, p, (size_t)n);
    s->at += got < 0 ? 0 : (uint64_t)got;
    return (int)got;
}

/* libopusfile plays what is there and says nothing of a page that was cut, so the pages are walked before. */
static bool whole(struct bf_job *job, struct bf_window *w)
{
    uint64_t at = 0, end = job->request.input_bytes;
    while (at < end) {
        const unsigned char *p = bf__window(w, at, PAGE_HEADER);
        if (p == NULL || (p = bf__window(w, at, PAGE_HEADER + (size_t)p[26])) == NULL)
            return bf__refuse(job, BF_DECODE_TRUNCATED, "the recording ends inside an Ogg page");
        if (memcmp(p, "OggS", 4) != 0)
            return true; /* out of step: libopusfile finds the next page */
        size_t segments = p[26], body = 0;
        for (size_t i = 0; i < segments; i++)
            body += p[PAGE_HEADER + i];
        at += PAGE_HEADER + segments + body;
        if (at > end)
            return bf__refuse(job, BF_DECODE_TRUNCATED, "the recording ends inside an Ogg page");
    }
    return true;
}

static bool refuse_code(struct bf_job *job, int code)
{
    if (code == OP_EFAULT)
        return bf__refuse(job, BF_DECODE_MEMORY, "no memory for libopusfile");
    if (code == OP_ENOTFORMAT || code == OP_EIMPL || code == OP_EVERSION)
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "the Ogg file holds something other than Opus");
    return bf__refuse(job, BF_DECODE_UNREADABLE, "libopusfile cannot read the recording");
}

static bool play(struct bf_audio *a, OggOpusFile *of)
{
    float *block = malloc(sizeof *block * FRAMES * CHANNELS_MAX);
    bool ok = block != NULL || bf__refuse(bf__audio_job(a), BF_DECODE_MEMORY, "no memory for a block");
    for (unsigned holes = 0; ok;) {
        int n = op_read_float(of, block, FRAMES * CHANNELS_MAX, NULL);
        if (n == 0)
            break;
        if (n == OP_HOLE && holes++ < HOLES_MAX)
            continue; /* the next granule position closes it: libopusfile counts no time here, so the length shrinks by the lost page */
        if (n < 0) {
            ok = refuse_code(bf__audio_job(a), n);
            break;
        }
        bf__audio_mix(block, (size_t)n, (unsigned)op_channel_count(of, -1), block);
        ok = bf__audio_block(a, block, (size_t)n);
    }
    free(block);
    return ok;
}

bool bf__audio_ogg(struct bf_audio *a)
{
    struct source s = {.job = bf__audio_job(a)};
    const OpusFileCallbacks callbacks = {.read = read_more};
    struct bf_window *w = calloc(1, sizeof *w);
    int code = 0;
    if (w == NULL)
        return bf__refuse(s.job, BF_DECODE_MEMORY, "no memory for a window");
    w->job = s.job;
    bool ok = whole(s.job, w);
    free(w);
    if (!ok)
        return false;
    OggOpusFile *of = op_open_callbacks(&s, &callbacks, NULL, 0, &code);
    if (of == NULL)
        return refuse_code(s.job, code);
    ok = bf__audio_begin(a, RATE, (unsigned)op_channel_count(of, -1)) && play(a, of);
    op_free(of);
    return ok;
}
