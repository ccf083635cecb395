/* SPDX-License-Identifier: Apache-2.0 */
/* A recording becomes what phones play and recognisers read: one loudness, one form. Two passes over the input, so that no recording is
 * ever held in memory: decoding costs a tenth of encoding. */
#include "ingest/decode/audio.h"
#include "ingest/decode/level.h"
#include "ingest/decode/opus_out.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PEAKS_HEADER = 24, PEAKS_MAX = BF_VOICE_MS_MAX / 1000 * BF_VOICE_PEAKS_PER_S + 1, PART_AUDIO = 0, PART_PEAKS = 1, WAV_HEADER = 44 };
_Static_assert(BF_LEVEL_BLOCK *BF_VOICE_PEAKS_PER_S == BF_VOICE_RATE, "one block of the limiter is one point of the peaks");

static bool measure(void *ctx, const float *samples, size_t n) { return bf__meter_add(ctx, samples, n); }

static bool first_pass(struct bf_job *job)
{
    struct bf_meter *meter = bf__meter_create();
    struct bf_decode_sound *sound = &job->result.u.sound;
    if (meter == NULL)
        return bf__refuse(job, BF_DECODE_MEMORY, "no memory for the loudness meter");
    bool ok = bf__audio_decode(job, measure, meter);
    if (ok) {
        sound->loudness_clufs = bf__meter_clufs(meter);
        sound->gain_cdb = bf__gain_cdb(sound->loudness_clufs);
    } else {
        bf__refuse(job, BF_DECODE_MEMORY, "no memory for the loudness meter");
    }
    bf__meter_destroy(&meter);
    return ok;
}

struct writer {
    struct bf_job *job;
    struct bf_opus_out *opus;
    struct bf_limiter limiter;
    float block[BF_LEVEL_BLOCK];
    size_t filled;
    uint32_t points;
    unsigned char peaks[PEAKS_HEADER + 2 * PEAKS_MAX];
};

static signed char to_s8(float v)
{
    long s = lrintf(v * 127);
    return (signed char)(s > 127 ? 127 : s < -128 ? -128 : s);
}

/* Minimum and maximum of one block, as audiowaveform has them. */
static bool add_point(struct writer *w, const float *samples, size_t n)
{
    float low = samples[0], high = samples[0];
    for (size_t i = 1; i < n; i++) {
        low = samples[i] < low ? samples[i] : low;
        high = samples[i] > high ? samples[i] : high;
    }
    if (w->points == PEAKS_MAX)
        return bf__refuse(w->job, BF_DECODE_TOO_LONG, "the recording is longer than an hour");
    w->peaks[PEAKS_HEADER + 2 * w->points] = (unsigned char)to_s8(low);
    w->peaks[PEAKS_HEADER + 2 * w->points + 1] = (unsigned char)to_s8(high);
    w->points++;
    return true;
}

/* `block` NULL: the end, of whose last block `tail` samples are real. */
static bool pass_on(struct writer *w, const float *block, size_t tail)
{
    float out[BF_LEVEL_BLOCK];
    if (!bf__limiter_block(&w->limiter, block, out))
        return true;
    return add_point(w, out, tail) && bf__opus_out_add(w->opus, out, tail);
}

static bool take(void *ctx, const float *samples, size_t n)
{
    struct writer *w = ctx;
    while (n > 0) {
        size_t part = BF_LEVEL_BLOCK - w->filled < n ? BF_LEVEL_BLOCK - w->filled : n;
        memcpy(w->block + w->filled, samples, part * sizeof *samples);
        w->filled += part;
        samples += part;
        n -= part;
        if (w->filled == BF_LEVEL_BLOCK) {
            w->filled = 0;
            if (!pass_on(w, w->block, BF_LEVEL_BLOCK))
                return false;
        }
    }
    return true;
}

static bool end(struct writer *w)
{
    size_t tail = w->filled;
    if (tail > 0) {
        memset(w->block + tail, 0, (BF_LEVEL_BLOCK - tail) * sizeof *w->block);
        if (!pass_on(w, w->block, BF_LEVEL_BLOCK))
            return false;
    }
    return pass_on(w, /* block= */ NULL, tail > 0 ? tail : BF_LEVEL_BLOCK) && bf__opus_out_finish(w->opus);
}

static void put32(unsigned char *p, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* audiowaveform's data file, version 2: version, flags (1: 8 bits), rate, samples per point, points, channels. */
static bool write_peaks(struct writer *w)
{
    const uint32_t head[] = {2, 1, BF_VOICE_RATE, BF_LEVEL_BLOCK, w->points, 1};
    for (unsigned i = 0; i < 6; i++)
        put32(w->peaks + 4 * i, head[i]);
    return bf__part_begin(w->job, PART_PEAKS) && bf__part_add(w->job, PART_PEAKS, w->peaks, PEAKS_HEADER + 2 * (size_t)w->points);
}

static bool second_pass(struct bf_job *job)
{
    struct writer *w = calloc(1, sizeof *w);
    bool ok = w != NULL && bf__part_begin(job, PART_AUDIO) && (w->opus = bf__opus_out_create(job, PART_AUDIO)) != NULL;
    if (!ok) {
        free(w);
        return bf__refuse(job, BF_DECODE_MEMORY, "no memory for the Opus encoder");
    }
    w->job = job;
    bf__limiter_init(&w->limiter, job->result.u.sound.gain_cdb);
    ok = bf__audio_decode(job, take, w) && end(w) && write_peaks(w);
    bf__opus_out_destroy(&w->opus);
    free(w);
    return ok;
}

bool bf__voice(struct bf_job *job) { return first_pass(job) && second_pass(job); }

static bool take_wav(void *ctx, const float *samples, size_t n)
{
    struct bf_job *job = ctx;
    unsigned char bytes[2 * 512];
    while (n > 0) {
        size_t part = n > sizeof bytes / 2 ? sizeof bytes / 2 : n;
        for (size_t i = 0; i < part; i++) {
            long s = lrintf(samples[i] * 32767);
            s = s > 32767 ? 32767 : s < -32768 ? -32768 : s;
            bytes[2 * i] = (unsigned char)s;
            bytes[2 * i + 1] = (unsigned char)((unsigned long)s >> 8);
        }
        if (!bf__part_add(job, PART_AUDIO, bytes, part * 2))
            return false;
        samples += part;
        n -= part;
    }
    return true;
}

/* Written first with its place, and again when the length is known. */
static void wav_header(unsigned char h[WAV_HEADER], uint32_t data_bytes)
{
    memcpy(h, "RIFF    WAVEfmt                     data", 40);
    put32(h + 4, data_bytes + WAV_HEADER - 8);
    put32(h + 16, 16);
    put32(h + 20, 1 | 1 << 16); /* PCM, one channel */
    put32(h + 24, BF_VOICE_RATE);
    put32(h + 28, BF_VOICE_RATE * 2);
    put32(h + 32, 2 | 16 << 16); /* bytes of a frame, bits of a sample */
    put32(h + 40, data_bytes);
}

bool bf__wav(struct bf_job *job)
{
    unsigned char header[WAV_HEADER];
    struct bf_decode_part *part = &job->result.parts[PART_AUDIO];
    wav_header(header, 0);
    job->result.u.sound.loudness_clufs = INT32_MIN;
    if (!bf__part_begin(job, PART_AUDIO) || !bf__part_add(job, PART_AUDIO, header, sizeof header) || !bf__audio_decode(job, take_wav, job))
        return false;
    wav_header(header, (uint32_t)(part->bytes - WAV_HEADER));
    return job->write(job->ctx, part->offset, header, sizeof header) ||
           bf__refuse(job, BF_DECODE_TOO_LARGE, "the WAV file does not fit its room");
}
