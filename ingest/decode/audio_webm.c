/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebM/Opus as browsers write it: Segment and Clusters of unknown size, no duration, no cues. The containers that matter are entered, all
 * else is skipped by its size; since children follow their parent's header directly, where a container ends need not be known.
 */
#include "ingest/decode/audio.h"
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_EBML = 0x1a45dfa3,
    ID_SEGMENT = 0x18538067,
    ID_INFO = 0x1549a966,
    ID_TIME_SCALE = 0x2ad7b1,
    ID_TRACKS = 0x1654ae6b,
    ID_TRACK = 0xae,
    ID_TRACK_NUMBER = 0xd7,
    ID_CODEC = 0x86,
    ID_CODEC_PRIVATE = 0x63a2,
    ID_CLUSTER = 0x1f43b675,
    ID_CLUSTER_TIME = 0xe7,
    ID_SIMPLE_BLOCK = 0xa3,
    ID_BLOCK_GROUP = 0xa0,
    ID_BLOCK = 0xa1,
    ID_DISCARD_PADDING = 0x75a2,
};

enum { PACKET_MAX = BF_VOICE_RATE * 120 / 1000, OPUS_HEAD = 19, GAP_MS = 100, LACING = 0x06, SAMPLES_PER_MS = BF_VOICE_RATE / 1000 };

struct track {
    uint64_t number;
    bool opus;
    unsigned channels, pre_skip; /* at 48 kHz */
};

struct webm {
    struct bf_audio *a;
    struct bf_job *job;
    struct bf_window *w;
    uint64_t scale_ns; /* of one tick */
    struct track track, chosen;
    uint64_t cluster_ticks;
    OpusDecoder *decoder;
    uint64_t samples; /* decoded, pre-skip included */
    int64_t origin_ms;
    bool started;
    float pending[PACKET_MAX]; /* the last packet: DiscardPadding comes behind its block */
    size_t n_pending;
    uint64_t skip;
};

struct element {
    uint32_t id;
    uint64_t at, bytes; /* of the content */
    bool unknown;
};

static bool truncated(struct webm *m) { return bf__refuse(m->job, BF_DECODE_TRUNCATED, "the recording ends inside a WebM element"); }
static bool unreadable(struct webm *m) { return bf__refuse(m->job, BF_DECODE_UNREADABLE, "the WebM structure is damaged"); }

/* RFC 8794 section 4. `max` is 4 for an id (its marker stays) and 8 for a size. Returns its length, 0 when invalid. */
static size_t vint(const unsigned char *p, size_t n, size_t max, bool keep_marker, uint64_t *ret, bool *ret_all_ones)
{
    size_t length = 1;
    while (length <= max && (p[0] & (0x80 >> (length - 1))) == 0)
        length++;
    if (length > max || length > n)
        return 0;
    uint64_t v = keep_marker ? p[0] : p[0] & (0xff >> length);
    for (size_t i = 1; i < length; i++)
        v = v << 8 | p[i];
    *ret_all_ones = v == (UINT64_C(1) << (7 * length)) - 1;
    *ret = v;
    return length;
}

/* False at the clean end of the input, or refused. */
static bool next_element(struct webm *m, uint64_t at, struct element *ret)
{
    uint64_t left = m->job->request.input_bytes - at, id, bytes;
    size_t n = left > 12 ? 12 : (size_t)left, id_length, size_length;
    bool ones;
    if (left == 0)
        return false;
    const unsigned char *p = bf__window(m->w, at, n);
    if (p == NULL)
        return truncated(m);
    if ((id_length = vint(p, n, 4, true, &id, &ones)) == 0)
        return n < 4 ? truncated(m) : unreadable(m);
    if (n == id_length || (size_length = vint(p + id_length, n - id_length, 8, false, &bytes, &ones)) == 0)
        return n < 12 ? truncated(m) : unreadable(m);
    *ret = (struct element){.id = (uint32_t)id, .at = at + id_length + size_length, .bytes = ones ? 0 : bytes, .unknown = ones};
    return true;
}

static bool is_container(uint32_t id)
{
    return id == ID_SEGMENT || id == ID_INFO || id == ID_TRACKS || id == ID_TRACK || id == ID_CLUSTER || id == ID_BLOCK_GROUP;
}

static bool read_uint(struct webm *m, const struct element *e, uint64_t *ret)
{
    const unsigned char *p = e->bytes <= 8 ? bf__window(m->w, e->at, (size_t)e->bytes) : NULL;
    if (p == NULL)
        return unreadable(m);
    *ret = 0;
    for (size_t i = 0; i < e->bytes; i++)
        *ret = *ret << 8 | p[i];
    return true;
}

/* The first Opus track is the one. */
static void end_track(struct webm *m)
{
    if (m->chosen.number == 0 && m->track.opus && m->track.number != 0 && m->track.channels != 0)
        m->chosen = m->track;
    m->track = (struct track){0};
}

static bool read_head(struct webm *m, const struct element *e)
{
    const unsigned char *p = e->bytes >= OPUS_HEAD && e->bytes <= 1024 ? bf__window(m->w, e->at, (size_t)e->bytes) : NULL;
    if (p == NULL || memcmp(p, "OpusHead", 8) != 0)
        return true; /* another codec's */
    if (p[18] != 0 || p[9] == 0 || p[9] > 2)
        return bf__refuse(m->job, BF_DECODE_UNSUPPORTED, "the recording has more than two channels");
    m->track.channels = p[9];
    m->track.pre_skip = (unsigned)p[10] | (unsigned)p[11] << 8;
    return true;
}

static bool begin_audio(struct webm *m)
{
    int failed = 0;
    end_track(m);
    if (m->chosen.number == 0)
        return bf__refuse(m->job, BF_DECODE_NO_AUDIO, "the WebM file has no Opus track");
    if (m->decoder != NULL)
        return true;
    /* Opus decodes to 16 kHz mono by itself, whatever it was made from. */
    m->decoder = opus_decoder_create(BF_VOICE_RATE, 1, &failed);
    m->skip = m->chosen.pre_skip / 3;
    if (m->decoder == NULL)
        return bf__refuse(m->job, BF_DECODE_MEMORY, "no memory for the Opus decoder");
    return bf__audio_begin(m->a, BF_VOICE_RATE, m->chosen.channels);
}

static bool flush_pending(struct webm *m)
{
    size_t skip = m->skip < m->n_pending ? (size_t)m->skip : m->n_pending, n = m->n_pending - skip;
    m->skip -= skip;
    m->n_pending = 0;
    return n == 0 || bf__audio_block(m->a, m->pending + skip, n);
}

/* A jump of the time stamps is a time in which nothing was recorded. */
static bool fill_gap(struct webm *m, int64_t ms)
{
    if (!m->started)
        m->origin_ms = ms;
    m->started = true;
    int64_t gap = ms - m->origin_ms - (int64_t)(m->samples / SAMPLES_PER_MS);
    if (gap <= GAP_MS)
        return true;
    uint64_t n = (uint64_t)gap * SAMPLES_PER_MS;
    m->samples += n;
    return bf__audio_silence(m->a, n);
}

static bool decode_packet(struct webm *m, const unsigned char *p, size_t n)
{
    int length = opus_packet_get_nb_samples(p, (opus_int32)n, BF_VOICE_RATE);
    int made = length <= 0 || length > PACKET_MAX ? OPUS_INVALID_PACKET
                                                  : opus_decode_float(m->decoder, p, (opus_int32)n, m->pending, PACKET_MAX, 0);
    if (made <= 0) {
        size_t lost = length > 0 && length <= PACKET_MAX ? (size_t)length : 20 * SAMPLES_PER_MS;
        m->samples += lost;
        return bf__audio_silence(m->a, lost);
    }
    m->n_pending = (size_t)made;
    m->samples += (uint64_t)made;
    return true;
}

static bool read_block(struct webm *m, const struct element *e)
{
    uint64_t number;
    bool ones;
    if (e->bytes > BF_WINDOW_BYTES)
        return true; /* larger than an Opus packet can be: a picture */
    const unsigned char *p = bf__window(m->w, e->at, (size_t)e->bytes);
    if (p == NULL)
        return truncated(m);
    size_t at = e->bytes == 0 ? 0 : vint(p, (size_t)e->bytes, 8, false, &number, &ones);
    if (at == 0 || e->bytes - at < 3)
        return unreadable(m);
    if (number != m->chosen.number)
        return true;
    if ((p[at + 2] & LACING) != 0)
        return bf__refuse(m->job, BF_DECODE_UNSUPPORTED, "the recording uses lacing");
    int64_t ticks = (int64_t)m->cluster_ticks + (int16_t)(p[at] << 8 | p[at + 1]);
    if (ticks < 0 || ticks > INT64_MAX / (int64_t)m->scale_ns)
        return unreadable(m);
    if (!flush_pending(m) || !fill_gap(m, ticks * (int64_t)m->scale_ns / 1000000))
        return false;
    return e->bytes == at + 3 ? true : decode_packet(m, p + at + 3, (size_t)e->bytes - at - 3);
}

/* Nanoseconds that the end of the last packet does not hold. */
static bool discard(struct webm *m, const struct element *e)
{
    uint64_t ns;
    if (!read_uint(m, e, &ns))
        return false;
    uint64_t n = ns <= 120000000 ? ns * BF_VOICE_RATE / 1000000000 : 0;
    m->n_pending -= n < m->n_pending ? (size_t)n : m->n_pending;
    return true;
}

static bool handle(struct webm *m, const struct element *e)
{
    uint64_t v;
    switch (e->id) {
    case ID_TRACK:
        end_track(m);
        return true;
    case ID_CLUSTER:
        return begin_audio(m);
    case ID_TIME_SCALE:
        if (!read_uint(m, e, &v))
            return false;
        m->scale_ns = v == 0 || v > 1000000000 ? 1000000 : v;
        return true;
    case ID_TRACK_NUMBER:
        return read_uint(m, e, &m->track.number);
    case ID_CODEC: {
        const unsigned char *p = e->bytes == 6 ? bf__window(m->w, e->at, 6) : NULL;
        m->track.opus = p != NULL && memcmp(p, "A_OPUS", 6) == 0;
        return true;
    }
    case ID_CODEC_PRIVATE:
        return read_head(m, e);
    case ID_CLUSTER_TIME:
        if (!read_uint(m, e, &m->cluster_ticks))
            return false;
        return m->cluster_ticks <= INT64_MAX / 2 || unreadable(m);
    case ID_SIMPLE_BLOCK:
    case ID_BLOCK:
        return m->decoder == NULL ? unreadable(m) : read_block(m, e);
    case ID_DISCARD_PADDING:
        return discard(m, e);
    default:
        return true;
    }
}

static bool walk(struct webm *m)
{
    struct element e;
    uint64_t at = 0, end = m->job->request.input_bytes;
    while (next_element(m, at, &e)) {
        bool inside = is_container(e.id);
        if (e.unknown && !inside)
            return unreadable(m);
        if (!e.unknown && e.bytes > end - (e.at < end ? e.at : end))
            return truncated(m);
        if (!handle(m, &e))
            return false;
        at = inside ? e.at : e.at + e.bytes;
    }
    return m->job->result.reason == BF_DECODE_OK && (m->decoder == NULL ? begin_audio(m) : flush_pending(m));
}

bool bf__audio_webm(struct bf_audio *a)
{
    struct webm *m = calloc(1, sizeof *m);
    struct bf_window *w = calloc(1, sizeof *w);
    bool ok = (m != NULL && w != NULL) || bf__refuse(bf__audio_job(a), BF_DECODE_MEMORY, "no memory for a window");
    if (ok) {
        *m = (struct webm){.a = a, .job = bf__audio_job(a), .w = w, .scale_ns = 1000000};
        w->job = m->job;
        ok = walk(m);
        if (m->decoder != NULL)
            opus_decoder_destroy(m->decoder);
    }
    free(w);
    free(m);
    return ok;
}
