/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/decode/bare.h"
#include <ogg/ogg.h>
#include <opus/opus.h>
#include <stdbool.h>
#include <string.h>

enum { RATE = 16000, FRAME = RATE / 50, DECODED_MAX = RATE * 120 / 1000, PACKET_MAX = 1500, BITRATE = 24000, COMPLEXITY = 5 };

struct coder {
    OpusDecoder *decoder;
    OpusEncoder *encoder;
    float frame[FRAME];
    int filled;
    size_t made;
};

static bool recode(struct coder *c, const ogg_packet *packet)
{
    float pcm[DECODED_MAX];
    unsigned char out[PACKET_MAX];
    int n = opus_decode_float(c->decoder, packet->packet, (opus_int32)packet->bytes, pcm, DECODED_MAX, 0);
    for (int done = 0; done < n;) {
        int part = FRAME - c->filled < n - done ? FRAME - c->filled : n - done;
        memcpy(c->frame + c->filled, pcm + done, (size_t)part * sizeof *pcm);
        done += part;
        c->filled += part;
        if (c->filled == FRAME) {
            int coded = opus_encode_float(c->encoder, c->frame, FRAME, out, PACKET_MAX);
            c->made += coded > 0 ? (size_t)coded : 0;
            c->filled = 0;
        }
    }
    return n > 0;
}

static bool each_packet(struct coder *c, ogg_sync_state *sync)
{
    ogg_stream_state stream;
    ogg_page page;
    ogg_packet packet;
    bool open = false, ok = true;
    long number = 0;
    while (ok && ogg_sync_pageout(sync, &page) == 1) {
        if (!open)
            ok = ogg_stream_init(&stream, ogg_page_serialno(&page)) == 0;
        open = true;
        ogg_stream_pagein(&stream, &page);
        while (ok && ogg_stream_packetout(&stream, &packet) == 1)
            if (number++ >= 2) /* head and tags */
                ok = recode(c, &packet);
    }
    if (open)
        ogg_stream_clear(&stream);
    return ok;
}

size_t bare_voice(const unsigned char *ogg, size_t n)
{
    int failed;
    ogg_sync_state sync;
    struct coder c = {.decoder = opus_decoder_create(RATE, 1, &failed),
                      .encoder = opus_encoder_create(RATE, 1, OPUS_APPLICATION_VOIP, &failed)};
    bool ok = c.decoder != NULL && c.encoder != NULL;
    ogg_sync_init(&sync);
    if (ok) {
        opus_encoder_ctl(c.encoder, OPUS_SET_BITRATE(BITRATE));
        opus_encoder_ctl(c.encoder, OPUS_SET_VBR(1));
        opus_encoder_ctl(c.encoder, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
        opus_encoder_ctl(c.encoder, OPUS_SET_COMPLEXITY(COMPLEXITY));
        memcpy(ogg_sync_buffer(&sync, (long)n), ogg, n);
        ogg_sync_wrote(&sync, (long)n);
        ok = each_packet(&c, &sync);
    }
    ogg_sync_clear(&sync);
    opus_decoder_destroy(c.decoder);
    opus_encoder_destroy(c.encoder);
    return ok ? c.made : 0;
}
