/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/audio.h"
#include "ingest/decode/resample.h"
#include "ingest/decode/sniff.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { BLOCK = BF_RESAMPLE_BLOCK, RATE_MIN = 4000, RATE_MAX = 192000, SNIFF_BYTES = 256 };

struct bf_audio {
    struct bf_job *job;
    bf_pcm_sink *sink;
    void *ctx;
    unsigned rate;
    struct bf_resampler *resampler; /* NULL at 16 kHz */
    uint64_t in, out, out_max;      /* samples so far */
    uint64_t damaged;               /* at the source's rate */
};

struct bf_job *bf__audio_job(struct bf_audio *a) { return a->job; }

const unsigned char *bf__window(struct bf_window *w, uint64_t offset, size_t n)
{
    assert(n <= BF_WINDOW_BYTES);
    if (offset < w->start || offset - w->start > w->n || w->n - (offset - w->start) < n) {
        long got = w->job->read(w->job->ctx, offset, w->bytes, BF_WINDOW_BYTES);
        w->start = offset;
        w->n = got < 0 ? 0 : (size_t)got;
    }
    return w->n - (offset - w->start) < n ? NULL : w->bytes + (offset - w->start);
}

void bf__audio_mix(const float *interleaved, size_t frames, unsigned channels, float *mono)
{
    assert(channels > 0);
    for (size_t i = 0; i < frames; i++) {
        float sum = 0;
        for (unsigned c = 0; c < channels; c++)
            sum += interleaved[i * channels + c];
        sum /= (float)channels;
        mono[i] = !isfinite(sum) ? 0 : sum > 8 ? 8 : sum < -8 ? -8 : sum;
    }
}

bool bf__audio_begin(struct bf_audio *a, unsigned rate, unsigned channels)
{
    bool unusual = false;
    assert(a->rate == 0);
    if (rate < RATE_MIN || rate > RATE_MAX || channels == 0)
        return bf__refuse(a->job, BF_DECODE_UNSUPPORTED, "the recording has an unusual sample rate");
    a->rate = rate;
    a->job->result.u.sound.source_rate = rate;
    a->job->result.u.sound.source_channels = channels;
    if (rate == BF_VOICE_RATE)
        return true;
    a->resampler = bf__resampler_create(rate, &unusual);
    if (a->resampler != NULL)
        return true;
    return unusual ? bf__refuse(a->job, BF_DECODE_UNSUPPORTED, "the recording has an unusual sample rate")
                   : bf__refuse(a->job, BF_DECODE_MEMORY, "no memory for the resampler");
}

static bool deliver(struct bf_audio *a, const float *samples, size_t n)
{
    if (n > a->out_max - a->out)
        return bf__refuse(a->job, BF_DECODE_TOO_LONG, "the recording is longer than an hour");
    a->out += n;
    return n == 0 || a->sink(a->ctx, samples, n);
}

/* `limit`: at most so many samples come out, for the tail that is pushed out by zeros. */
static bool resample(struct bf_audio *a, const float *mono, size_t n, uint64_t limit)
{
    while (n > 0) {
        const float *out;
        size_t part = n > BLOCK ? BLOCK : n, made = bf__resampler_push(a->resampler, mono, part, &out);
        made = made < limit ? made : (size_t)limit;
        if (!deliver(a, out, made))
            return false;
        mono += part;
        n -= part;
        limit -= made;
    }
    return true;
}

bool bf__audio_block(struct bf_audio *a, const float *mono, size_t n)
{
    assert(a->rate != 0);
    a->in += n;
    return a->resampler == NULL ? deliver(a, mono, n) : resample(a, mono, n, UINT64_MAX);
}

bool bf__audio_silence(struct bf_audio *a, uint64_t n)
{
    static const float zeros[BLOCK];
    a->damaged += n;
    while (n > 0) {
        size_t part = n > BLOCK ? BLOCK : (size_t)n;
        if (!bf__audio_block(a, zeros, part))
            return false;
        n -= part;
    }
    return true;
}

/* The filter still holds the end of the recording: half its taps, which is less than a block. */
static bool flush(struct bf_audio *a)
{
    static const float zeros[BLOCK];
    uint64_t want = a->rate == 0 ? 0 : (a->in * BF_VOICE_RATE + a->rate / 2) / a->rate;
    return a->resampler == NULL || a->out >= want || resample(a, zeros, BLOCK, want - a->out);
}

static bool run_source(struct bf_audio *a, enum bf_media_type type)
{
    switch (type) {
    case BF_MEDIA_OGG:
        return bf__audio_ogg(a);
    case BF_MEDIA_WEBM:
        return bf__audio_webm(a);
    case BF_MEDIA_M4A:
        return bf__audio_m4a(a);
    case BF_MEDIA_WAV:
        return bf__audio_wav(a);
    default:
        return bf__refuse(a->job, BF_DECODE_UNSUPPORTED, "this is not a recording");
    }
}

static bool sniff(struct bf_job *job, enum bf_media_type *ret)
{
    unsigned char head[SNIFF_BYTES];
    if (job->request.input_bytes > BF_VOICE_BYTES_MAX)
        return bf__refuse(job, BF_DECODE_TOO_LARGE, "the recording has more than 100 million bytes");
    long n = job->read(job->ctx, 0, head, sizeof head);
    *ret = n <= 0 ? BF_MEDIA_NONE : bf__sniff_type(head, (size_t)n);
    job->result.found = *ret;
    if (n < 16)
        return bf__refuse(job, BF_DECODE_TRUNCATED, "there are not enough bytes for a recording");
    return *ret == job->request.claimed || bf__refuse(job, BF_DECODE_MISLABELLED, "the content is not of the stated type");
}

bool bf__audio_decode(struct bf_job *job, bf_pcm_sink *sink, void *ctx)
{
    enum bf_media_type type = BF_MEDIA_NONE;
    struct bf_audio a = {.job = job, .sink = sink, .ctx = ctx, .out_max = job->duration_max_ms * (BF_VOICE_RATE / 1000)};
    if (!sniff(job, &type))
        return false;
    bool ok = run_source(&a, type) && flush(&a);
    bf__resampler_destroy(&a.resampler);
    if (ok && (a.out == 0 || a.damaged >= a.in))
        ok = bf__refuse(job, a.out == 0 ? BF_DECODE_NO_AUDIO : BF_DECODE_UNREADABLE, "not one sample could be decoded");
    if (ok) {
        uint64_t ms = (a.out * 1000 + BF_VOICE_RATE / 2) / BF_VOICE_RATE, damaged_ms = a.damaged * 1000 / a.rate;
        job->result.u.sound.duration_ms = ms == 0 ? 1 : (uint32_t)ms;
        job->result.u.sound.damaged_ms = damaged_ms > ms ? (uint32_t)ms : (uint32_t)damaged_ms;
    }
    return ok;
}
