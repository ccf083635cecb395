/* SPDX-License-Identifier: Apache-2.0 */
/* AAC in MP4, decoded by libfaad2: one small library, where libavcodec would bring ninety others (libavformat OpenSSL among them) into a
 * process that forks for every file. */
#include "ingest/decode/audio.h"
#include "ingest/decode/mp4.h"
#include <neaacdec.h>
#include <stdlib.h>

enum { CHANNELS_MAX = 8, FRAMES_MAX = 4096, FRAMES_USUAL = 1024 };

struct m4a {
    struct bf_audio *a;
    struct bf_mp4 mp4;
    NeAACDecHandle decoder;
    unsigned long rate;
    unsigned frame;   /* samples in a frame, once known */
    unsigned waiting; /* frames before the first that gave samples */
    uint64_t skip, keep;
    float mono[FRAMES_MAX];
};

/* The edit list's cut, then its length, then the block. */
static bool emit(struct m4a *m, size_t n, bool damaged)
{
    size_t skip = m->skip < n ? (size_t)m->skip : n;
    size_t left = n - skip < m->keep ? n - skip : (size_t)m->keep;
    m->skip -= skip;
    m->keep -= left;
    if (left == 0)
        return true;
    return damaged ? bf__audio_silence(m->a, left) : bf__audio_block(m->a, m->mono + skip, left);
}

static bool emit_zeros(struct m4a *m, bool damaged)
{
    for (unsigned i = 0; i < m->frame; i++)
        m->mono[i] = 0;
    return emit(m, m->frame, damaged);
}

/* libfaad2 gives nothing for the first frame, which only fills its overlap: its time is given back as silence, for the edit list to cut. */
static bool first_samples(struct m4a *m, unsigned frame)
{
    m->frame = frame;
    for (; m->waiting > 0; m->waiting--)
        if (!emit_zeros(m, false))
            return false;
    return true;
}

static bool decode_sample(void *ctx, const unsigned char *p, size_t n)
{
    struct m4a *m = ctx;
    NeAACDecFrameInfo info = {0};
    const float *out = n == 0 ? NULL : NeAACDecDecode(m->decoder, &info, (unsigned char *)(uintptr_t)p, n);
    if (n == 0 || info.error != 0 || info.channels > CHANNELS_MAX || info.samplerate != m->rate || (info.samples > 0 && out == NULL)) {
        if (m->frame == 0)
            m->frame = FRAMES_USUAL;
        return emit_zeros(m, true);
    }
    if (info.samples == 0) {
        if (m->frame != 0)
            return true;
        m->waiting++;
        return m->waiting < 8 || bf__refuse(bf__audio_job(m->a), BF_DECODE_UNREADABLE, "the AAC decoder gives no sound");
    }
    size_t frames = info.samples / info.channels;
    if (frames == 0 || frames > FRAMES_MAX)
        return bf__refuse(bf__audio_job(m->a), BF_DECODE_UNREADABLE, "an AAC frame has an impossible length");
    if (m->frame == 0 && !first_samples(m, (unsigned)frames))
        return false;
    bf__audio_mix(out, frames, info.channels, m->mono);
    return emit(m, frames, false);
}

static bool set_up(struct m4a *m)
{
    struct bf_job *job = bf__audio_job(m->a);
    unsigned char channels = 0;
    m->decoder = NeAACDecOpen();
    if (m->decoder == NULL)
        return bf__refuse(job, BF_DECODE_MEMORY, "no memory for the AAC decoder");
    NeAACDecConfigurationPtr config = NeAACDecGetCurrentConfiguration(m->decoder);
    config->outputFormat = FAAD_FMT_FLOAT;
    config->downMatrix = 1;
    if (!NeAACDecSetConfiguration(m->decoder, config) || NeAACDecInit2(m->decoder, m->mp4.asc, m->mp4.asc_bytes, &m->rate, &channels) < 0)
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "this kind of AAC is not supported");
    /* libfaad2 says two for one, since parametric stereo could follow: the record keeps what the file states. */
    mp4AudioSpecificConfig stated = {0};
    if (NeAACDecAudioSpecificConfig(m->mp4.asc, m->mp4.asc_bytes, &stated) >= 0 && stated.channelsConfiguration != 0)
        channels = stated.channelsConfiguration;
    if (!bf__audio_begin(m->a, (unsigned)m->rate, channels))
        return false;
    double rate = (double)m->rate, skip = (double)m->mp4.skip_ticks * rate / m->mp4.media_scale,
           keep = (double)m->mp4.keep_movie_ticks * rate / m->mp4.movie_scale;
    m->skip = skip > 1e12 ? UINT64_MAX : (uint64_t)(skip + 0.5);
    m->keep = keep < 1 || keep > 1e12 ? UINT64_MAX : (uint64_t)(keep + 0.5);
    return true;
}

bool bf__audio_m4a(struct bf_audio *a)
{
    struct m4a *m = calloc(1, sizeof *m);
    if (m == NULL)
        return bf__refuse(bf__audio_job(a), BF_DECODE_MEMORY, "no memory for a block");
    m->a = a;
    bool ok = bf__mp4_open(bf__audio_job(a), &m->mp4);
    if (ok) {
        ok = set_up(m) && bf__mp4_samples(&m->mp4, decode_sample, m);
        bf__mp4_close(&m->mp4);
    }
    if (m->decoder != NULL)
        NeAACDecClose(m->decoder);
    free(m);
    return ok;
}
