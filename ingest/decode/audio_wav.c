/* SPDX-License-Identifier: Apache-2.0 */
/* RIFF WAVE: PCM of 8, 16, 24 and 32 bits and 32-bit float, plain or WAVE_FORMAT_EXTENSIBLE. */
#include "ingest/decode/audio.h"
#include <stdlib.h>
#include <string.h>

enum { FORMAT_PCM = 1, FORMAT_FLOAT = 3, FORMAT_EXTENSIBLE = 0xfffe, CHANNELS_MAX = 8, FRAMES = 1024 };

struct wav {
    unsigned format, channels, rate, bits;
    uint64_t data_at, data_bytes;
};

static uint32_t le16(const unsigned char *p) { return (uint32_t)p[1] << 8 | p[0]; }
static uint32_t le32(const unsigned char *p) { return le16(p + 2) << 16 | le16(p); }

static bool parse_format(struct bf_job *job, const unsigned char *p, size_t n, struct wav *ret)
{
    *ret = (struct wav){.format = le16(p), .channels = le16(p + 2), .rate = le32(p + 4), .bits = le16(p + 14)};
    if (ret->format == FORMAT_EXTENSIBLE && n >= 26)
        ret->format = le16(p + 24);
    bool pcm = ret->format == FORMAT_PCM && (ret->bits == 8 || ret->bits == 16 || ret->bits == 24 || ret->bits == 32);
    if ((!pcm && (ret->format != FORMAT_FLOAT || ret->bits != 32)) || ret->channels == 0 || ret->channels > CHANNELS_MAX)
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "the WAV file has another coding than PCM");
    return true;
}

/* Recorders that stream leave 0 or all ones as the size of the data: then it reaches to the end of the file. */
static bool find_data(struct bf_job *job, struct bf_window *w, struct wav *wav)
{
    uint64_t at = 12, end = job->request.input_bytes;
    for (;;) {
        const unsigned char *p = bf__window(w, at, 8);
        if (p == NULL)
            return bf__refuse(job, BF_DECODE_TRUNCATED, "the WAV file ends before its data");
        uint64_t bytes = le32(p + 4);
        if (memcmp(p, "data", 4) == 0) {
            bool open_ended = bytes == 0 || bytes == UINT32_MAX || bytes == INT32_MAX;
            wav->data_at = at + 8;
            wav->data_bytes = open_ended ? end - wav->data_at : bytes;
            if (wav->channels == 0)
                return bf__refuse(job, BF_DECODE_UNREADABLE, "the WAV file has data before its format");
            return wav->data_bytes <= end - wav->data_at || bf__refuse(job, BF_DECODE_TRUNCATED, "the WAV file ends inside its data");
        }
        if (memcmp(p, "fmt ", 4) == 0 && bytes >= 16) {
            size_t n = bytes > 40 ? 40 : (size_t)bytes;
            p = bf__window(w, at + 8, n);
            if (p == NULL)
                return bf__refuse(job, BF_DECODE_TRUNCATED, "the WAV file ends before its data");
            if (!parse_format(job, p, n, wav))
                return false;
        }
        at += 8 + bytes + (bytes & 1);
    }
}

static float sample(const struct wav *wav, const unsigned char *p)
{
    uint32_t bits = wav->bits == 32 ? le32(p) : 0;
    float f;
    switch (wav->bits) {
    case 8:
        return ((float)p[0] - 128) / 128;
    case 16:
        return (float)(int16_t)le16(p) / 32768;
    case 24:
        return (float)(int32_t)((uint32_t)p[2] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 8) / 2147483648.0f;
    default:
        memcpy(&f, &bits, sizeof f);
        return wav->format == FORMAT_FLOAT ? f : (float)(int32_t)bits / 2147483648.0f;
    }
}

static bool play(struct bf_audio *a, struct bf_window *w, const struct wav *wav)
{
    float block[FRAMES * CHANNELS_MAX];
    size_t width = wav->bits / 8, frame = width * wav->channels;
    uint64_t frames = wav->data_bytes / frame, at = wav->data_at;
    while (frames > 0) {
        size_t n = frames > FRAMES ? FRAMES : (size_t)frames;
        const unsigned char *p = bf__window(w, at, n * frame);
        if (p == NULL)
            return bf__refuse(bf__audio_job(a), BF_DECODE_TRUNCATED, "the WAV file ends inside its data");
        for (size_t i = 0; i < n * wav->channels; i++)
            block[i] = sample(wav, p + i * width);
        bf__audio_mix(block, n, wav->channels, block);
        if (!bf__audio_block(a, block, n))
            return false;
        at += n * frame;
        frames -= n;
    }
    return true;
}

bool bf__audio_wav(struct bf_audio *a)
{
    struct bf_job *job = bf__audio_job(a);
    struct wav wav = {0};
    struct bf_window *w = calloc(1, sizeof *w);
    if (w == NULL)
        return bf__refuse(job, BF_DECODE_MEMORY, "no memory for a window");
    w->job = job;
    bool ok = find_data(job, w, &wav) && bf__audio_begin(a, wav.rate, wav.channels) && play(a, w, &wav);
    free(w);
    return ok;
}
