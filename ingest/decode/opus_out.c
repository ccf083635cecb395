/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/opus_out.h"
#include <ogg/ogg.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME = BF_VOICE_RATE / 50,
    PACKET_MAX = 1500,
    PACKETS_PER_PAGE = 50,
    GRANULES = 3 /* 48 kHz */,
    SERIAL = 0x42463031,
    COMPLEXITY = 5
};

struct bf_opus_out {
    struct bf_job *job;
    unsigned part;
    OpusEncoder *encoder;
    ogg_stream_state stream;
    bool stream_open;
    opus_int32 lookahead;
    uint64_t samples, coded; /* given; encoded, in whole frames */
    unsigned on_page;
    int64_t packet_number;
    float frame[FRAME];
    size_t filled;
    unsigned char packet[PACKET_MAX]; /* coded, not yet in a page: the last one carries the end */
    opus_int32 packet_bytes;
};

struct bf_opus_out *bf__opus_out_create(struct bf_job *job, unsigned part)
{
    int failed = 0;
    struct bf_opus_out *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->job = job;
    o->part = part;
    o->encoder = opus_encoder_create(BF_VOICE_RATE, 1, OPUS_APPLICATION_VOIP, &failed);
    o->stream_open = ogg_stream_init(&o->stream, SERIAL) == 0;
    if (o->encoder == NULL || !o->stream_open) {
        bf__opus_out_destroy(&o);
        return NULL;
    }
    opus_encoder_ctl(o->encoder, OPUS_SET_BITRATE(BF_VOICE_BITRATE));
    opus_encoder_ctl(o->encoder, OPUS_SET_VBR(1));
    opus_encoder_ctl(o->encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    opus_encoder_ctl(o->encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
    opus_encoder_ctl(o->encoder, OPUS_GET_LOOKAHEAD(&o->lookahead));
    return o;
}

void bf__opus_out_destroy(struct bf_opus_out **o)
{
    if (o == NULL || *o == NULL)
        return;
    if ((*o)->encoder != NULL)
        opus_encoder_destroy((*o)->encoder);
    if ((*o)->stream_open)
        ogg_stream_clear(&(*o)->stream);
    free(*o);
    *o = NULL;
}

static bool write_pages(struct bf_opus_out *o, bool flush)
{
    ogg_page page;
    while ((flush ? ogg_stream_flush(&o->stream, &page) : ogg_stream_pageout(&o->stream, &page)) != 0) {
        if (!bf__part_add(o->job, o->part, page.header, (size_t)page.header_len) ||
            !bf__part_add(o->job, o->part, page.body, (size_t)page.body_len))
            return false;
        o->on_page = 0;
    }
    return true;
}

static bool add_packet(struct bf_opus_out *o, unsigned char *p, long n, int64_t granule, bool last, bool flush)
{
    ogg_packet packet = {
        .packet = p, .bytes = n, .b_o_s = o->packet_number == 0, .e_o_s = last, .granulepos = granule, .packetno = o->packet_number};
    o->packet_number++;
    if (ogg_stream_packetin(&o->stream, &packet) != 0)
        return bf__refuse(o->job, BF_DECODE_MEMORY, "no memory for an Ogg page");
    o->on_page++;
    return write_pages(o, flush || last || o->on_page >= PACKETS_PER_PAGE);
}

static bool write_headers(struct bf_opus_out *o)
{
    unsigned pre_skip = (unsigned)o->lookahead * GRANULES;
    unsigned char head[19] = {'O',
                              'p',
                              'u',
                              's',
                              'H',
                              'e',
                              'a',
                              'd',
                              1,
                              1,
                              (unsigned char)pre_skip,
                              (unsigned char)(pre_skip >> 8),
                              BF_VOICE_RATE & 0xff,
                              BF_VOICE_RATE >> 8};
    unsigned char tags[8 + 4 + 7 + 4] = {'O', 'p', 'u', 's', 'T', 'a', 'g', 's', 7, 0, 0, 0, 'b', 'a', 'i', 'f', 'a', 'n', 'g'};
    return add_packet(o, head, sizeof head, 0, false, true) && add_packet(o, tags, sizeof tags, 0, false, true);
}

/* The packet that waits goes out when it is known whether it is the last. */
static bool release(struct bf_opus_out *o, bool last)
{
    if (o->packet_bytes == 0)
        return true;
    uint64_t end = o->samples + (uint64_t)o->lookahead;
    int64_t granule = (int64_t)((last && end < o->coded ? end : o->coded) * GRANULES);
    bool ok = add_packet(o, o->packet, o->packet_bytes, granule, last, false);
    o->packet_bytes = 0;
    return ok;
}

static bool encode_frame(struct bf_opus_out *o)
{
    if (o->packet_number == 0 && !write_headers(o))
        return false;
    if (!release(o, false))
        return false;
    o->packet_bytes = opus_encode_float(o->encoder, o->frame, FRAME, o->packet, PACKET_MAX);
    o->filled = 0;
    o->coded += FRAME;
    return o->packet_bytes > 0 || bf__refuse(o->job, BF_DECODE_UNREADABLE, "the Opus encoder failed");
}

bool bf__opus_out_add(struct bf_opus_out *o, const float *samples, size_t n)
{
    o->samples += n;
    while (n > 0) {
        size_t part = FRAME - o->filled < n ? FRAME - o->filled : n;
        memcpy(o->frame + o->filled, samples, part * sizeof *samples);
        o->filled += part;
        samples += part;
        n -= part;
        if (o->filled == FRAME && !encode_frame(o))
            return false;
    }
    return true;
}

bool bf__opus_out_finish(struct bf_opus_out *o)
{
    while (o->coded < o->samples + (uint64_t)o->lookahead) {
        memset(o->frame + o->filled, 0, (FRAME - o->filled) * sizeof *o->frame);
        if (!encode_frame(o))
            return false;
    }
    return release(o, true);
}
