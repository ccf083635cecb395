/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ogg/Opus (RFC 7845) by libogg and libopus. Not by libopusfile: it decodes at 48 kHz only, which with the resampling behind it costs as
 * much as the encoding; libopus decodes to 16 kHz mono by itself. Positions are granules: samples at 48 kHz.
 */
#include "ingest/decode/audio.h"
#include <ogg/ogg.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_HEADER = 27,
    GRANULES = 48000 / BF_VOICE_RATE,
    PACKET_MAX = BF_VOICE_RATE * 120 / 1000,
    PACKETS_MAX = 256,
    OPUS_HEAD = 19,
    GAP = 48000 / 10
};

/* Positions above it (760,000 years) are none, so that sums of them stay in range. */
static const int64_t GRANULE_MAX = INT64_C(1) << 60;

struct link {
    OpusDecoder *decoder;
    int64_t position; /* where the next packet begins; -1: not known yet */
    uint64_t skip;    /* of the pre-skip, at 16 kHz */
    unsigned headers; /* seen: head, tags */
};

struct reader {
    struct bf_audio *a;
    struct bf_job *job;
    struct bf_window *w;
    uint64_t at;
    ogg_sync_state sync;
    ogg_stream_state stream;
    bool open, begun;
    struct link link;
    ogg_packet packets[PACKETS_MAX]; /* of one page */
    float pcm[PACKET_MAX];
};

/* What is cut from the end of a file leaves no mark but a page that is not whole, so the pages are walked before. */
static bool whole(struct bf_job *job, struct bf_window *w)
{
    uint64_t at = 0, end = job->request.input_bytes;
    while (at < end) {
        const unsigned char *p = bf__window(w, at, PAGE_HEADER);
        if (p == NULL || (p = bf__window(w, at, PAGE_HEADER + (size_t)p[26])) == NULL)
            return bf__refuse(job, BF_DECODE_TRUNCATED, "the recording ends inside an Ogg page");
        if (memcmp(p, "OggS", 4) != 0)
            return true; /* out of step: libogg finds the next page */
        size_t segments = p[26], body = 0;
        for (size_t i = 0; i < segments; i++)
            body += p[PAGE_HEADER + i];
        at += PAGE_HEADER + segments + body;
        if (at > end)
            return bf__refuse(job, BF_DECODE_TRUNCATED, "the recording ends inside an Ogg page");
    }
    return true;
}

/* The next page; false at the end of the input or without memory. Damaged pages are passed over. */
static bool next_page(struct reader *r, ogg_page *page)
{
    while (ogg_sync_pageout(&r->sync, page) != 1) {
        char *room = ogg_sync_buffer(&r->sync, BF_WINDOW_BYTES);
        long n = room == NULL ? 0 : r->job->read(r->job->ctx, r->at, room, BF_WINDOW_BYTES);
        if (n <= 0 || ogg_sync_wrote(&r->sync, n) != 0)
            return false;
        r->at += (uint64_t)n;
    }
    return true;
}

static bool read_head(struct reader *r, const ogg_packet *packet)
{
    const unsigned char *p = packet->packet;
    if (packet->bytes < OPUS_HEAD || memcmp(p, "OpusHead", 8) != 0)
        return bf__refuse(r->job, BF_DECODE_UNSUPPORTED, "the Ogg file holds something other than Opus");
    if ((p[8] & 0xf0) != 0 || p[9] == 0 || p[9] > 2 || p[18] != 0)
        return bf__refuse(r->job, BF_DECODE_UNSUPPORTED, "the recording has more than two channels");
    opus_decoder_ctl(r->link.decoder, OPUS_RESET_STATE);
    opus_decoder_ctl(r->link.decoder, OPUS_SET_GAIN((int16_t)(p[16] | p[17] << 8)));
    r->link.skip = ((unsigned)p[10] | (unsigned)p[11] << 8) / GRANULES;
    r->link.position = -1;
    if (r->begun)
        return true;
    r->begun = true;
    return bf__audio_begin(r->a, BF_VOICE_RATE, p[9]);
}

static bool give(struct reader *r, size_t n)
{
    size_t skip = r->link.skip < n ? (size_t)r->link.skip : n;
    r->link.skip -= skip;
    return n == skip || bf__audio_block(r->a, r->pcm + skip, n - skip);
}

static int64_t length_of(const ogg_packet *packet)
{
    int n = opus_packet_get_nb_samples(packet->packet, (opus_int32)packet->bytes, BF_VOICE_RATE);
    return n <= 0 || n > PACKET_MAX ? 0 : (int64_t)n * GRANULES;
}

/* `end`: where the stream ends, which cuts its last packets. */
static bool decode_packet(struct reader *r, const ogg_packet *packet, int64_t end)
{
    int64_t length = length_of(packet), keep = end - r->link.position;
    if (length == 0)
        return bf__audio_silence(r->a, BF_VOICE_RATE / 50); /* a packet of no known length: most have 20 ms */
    r->link.position += length;
    keep = keep < length ? keep : length;
    int n = opus_decode_float(r->link.decoder, packet->packet, (opus_int32)packet->bytes, r->pcm, PACKET_MAX, 0);
    if (keep <= 0)
        return true;
    if (n < 0)
        return bf__audio_silence(r->a, (uint64_t)keep / GRANULES);
    return give(r, (size_t)(keep / GRANULES < n ? keep / GRANULES : n));
}

/* A page states where it ends. Where it begins, by the packets on it, tells a stream that was joined late and pages that were lost. */
static bool play_page(struct reader *r, unsigned n, int64_t granule, bool last)
{
    int64_t length = 0;
    for (unsigned i = 0; i < n; i++)
        length += length_of(&r->packets[i]);
    int64_t begins = granule - length;
    if (r->link.position < 0)
        r->link.position = last || begins < 0 ? 0 : begins;
    if (!last && begins - r->link.position > GAP) {
        uint64_t lost = (uint64_t)(begins - r->link.position) / GRANULES;
        r->link.position = begins;
        if (!bf__audio_silence(r->a, lost))
            return false;
    }
    for (unsigned i = 0; i < n; i++)
        if (!decode_packet(r, &r->packets[i], last ? granule : INT64_MAX))
            return false;
    return true;
}

/* The packets that end on this page; they lie in the stream's memory until the next page. */
static bool take_page(struct reader *r, ogg_page *page)
{
    unsigned n = 0;
    int64_t granule = ogg_page_granulepos(page);
    ogg_packet packet;
    if (ogg_stream_pagein(&r->stream, page) != 0)
        return true;
    for (int got; (got = ogg_stream_packetout(&r->stream, &packet)) != 0;) {
        if (got < 0 || packet.bytes <= 0)
            continue;
        if (r->link.headers == 0 && !read_head(r, &packet))
            return false;
        if (r->link.headers < 2)
            r->link.headers++;
        else if (n < PACKETS_MAX)
            r->packets[n++] = packet;
    }
    if (granule < 0 || granule > GRANULE_MAX)
        granule = r->link.position;
    return n == 0 || play_page(r, n, granule, ogg_page_eos(page) != 0);
}

/* Another stream begins: the first one, or the next link of a chain. */
static bool begin_stream(struct reader *r, ogg_page *page)
{
    if (r->open)
        ogg_stream_clear(&r->stream);
    r->open = ogg_stream_init(&r->stream, ogg_page_serialno(page)) == 0;
    r->link.headers = 0;
    return r->open || bf__refuse(r->job, BF_DECODE_MEMORY, "no memory for an Ogg stream");
}

static bool play(struct reader *r)
{
    ogg_page page;
    bool beginning = false; /* the page before began a stream too: several run side by side, and the first is ours */
    while (next_page(r, &page)) {
        bool begins = ogg_page_bos(&page) != 0;
        if (begins && !beginning && !begin_stream(r, &page))
            return false;
        beginning = begins;
        if (r->open && ogg_page_serialno(&page) == (int)r->stream.serialno && !take_page(r, &page))
            return false;
    }
    return r->begun || bf__refuse(r->job, BF_DECODE_UNREADABLE, "the Ogg file has no page that can be read");
}

static bool run(struct reader *r)
{
    int failed = 0;
    r->link.decoder = opus_decoder_create(BF_VOICE_RATE, 1, &failed);
    if (r->link.decoder == NULL)
        return bf__refuse(r->job, BF_DECODE_MEMORY, "no memory for the Opus decoder");
    ogg_sync_init(&r->sync);
    bool ok = whole(r->job, r->w) && play(r);
    if (r->open)
        ogg_stream_clear(&r->stream);
    ogg_sync_clear(&r->sync);
    opus_decoder_destroy(r->link.decoder);
    return ok;
}

bool bf__audio_ogg(struct bf_audio *a)
{
    struct reader *r = calloc(1, sizeof *r);
    struct bf_window *w = calloc(1, sizeof *w);
    bool ok = (r != NULL && w != NULL) || bf__refuse(bf__audio_job(a), BF_DECODE_MEMORY, "no memory for a window");
    if (ok) {
        *r = (struct reader){.a = a, .job = bf__audio_job(a), .w = w};
        w->job = r->job;
        ok = run(r);
    }
    free(w);
    free(r);
    return ok;
}
