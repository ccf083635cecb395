/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/check.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WEBP_HEADER = 30, OGG_HEADER = 27, OPUS_RATE = 48000, PEAKS_HEADER = 24, WAV_HEADER = 44, SLACK_MS = 40 };

static uint32_t le16(const char *p) { return (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8; }
static uint32_t le32(const char *p) { return le16(p) | le16(p + 2) << 16; }
static uint64_t le64(const char *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }

static enum bf_status bad(struct bf_error *e, const char *what) { return bf_fail(e, BF_E_CORRUPT, "decoder's answer: %s", what); }

static bool printable(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] < 0x20 || p[i] > 0x7e)
            return false;
    return true;
}

enum bf_status bf__check_result(const void *map, size_t bytes, enum bf_decode_op op, struct bf_decode_result *ret, struct bf_error *e)
{
    struct bf_decode_result r;
    uint64_t end = BF_DECODE_RESULT_ROOM;
    if (bytes < BF_DECODE_RESULT_ROOM)
        return bad(e, "no room for a result");
    memcpy(&r, map, sizeof r);
    if (r.magic != BF_DECODE_MAGIC || r.op != op || r.reason >= BF_DECODE_REASON_COUNT || r.found >= BF_MEDIA_COUNT)
        return bad(e, "not a result of this operation");
    size_t words = strnlen(r.detail, sizeof r.detail);
    if (words == sizeof r.detail || !printable(r.detail, words))
        return bad(e, "detail is not text");
    for (unsigned i = 0; i < BF_DECODE_PARTS && r.reason == BF_DECODE_OK; i++) {
        const struct bf_decode_part *part = &r.parts[i];
        if (part->offset == 0 && part->bytes == 0)
            continue;
        if (part->offset != end || part->bytes > bytes - part->offset)
            return bad(e, "a part lies outside the output");
        end = part->offset + part->bytes;
    }
    *ret = r;
    return BF_OK;
}

/* A file of exactly one lossy frame of the stated size: RIFF, WEBP, VP8 and nothing else, so no metadata can hide in it. */
static enum bf_status check_webp(struct bf_str s, uint32_t w, uint32_t h, uint32_t side, struct bf_error *e)
{
    if (w == 0 || h == 0 || w > side || h > side)
        return bad(e, "a derivative's size is out of range");
    if (s.n < WEBP_HEADER || s.n > BF_PHOTO_OUTPUT_MAX || memcmp(s.p, "RIFF", 4) != 0 || memcmp(s.p + 8, "WEBPVP8 ", 8) != 0)
        return bad(e, "a derivative is not WebP");
    uint64_t chunk = le32(s.p + 16);
    if ((uint64_t)le32(s.p + 4) + 8 != s.n || chunk + (chunk & 1) + 20 != s.n || memcmp(s.p + 23, "\x9d\x01\x2a", 3) != 0)
        return bad(e, "a derivative's WebP header lies");
    return le16(s.p + 26) == w && le16(s.p + 28) == h ? BF_OK : bad(e, "a derivative has another size than stated");
}

/* Within one pixel of the original's ratio, and never larger than it. */
static bool fits(uint32_t w, uint32_t h, uint32_t small_w, uint32_t small_h, uint32_t side)
{
    uint32_t longer = w > h ? w : h, small = small_w > small_h ? small_w : small_h;
    if (small != (longer < side ? longer : side))
        return false;
    int64_t want_w = (int64_t)w * small / longer, want_h = (int64_t)h * small / longer;
    return llabs(want_w - small_w) <= 1 && llabs(want_h - small_h) <= 1;
}

static bool legibility_holds(const struct bf_legibility *l)
{
    static const struct bf_legibility silent;
    if (l->judged != 1)
        return memcmp(l, &silent, sizeof silent) == 0;
    return l->has_sharpness <= 1 && l->sharpness <= (l->has_sharpness ? BF_PHOTO_SHARPNESS_MAX : 0) && l->dark_share <= 1000 &&
           l->bright_share <= 1000 && l->hints < 1U << BF_PHOTO_HINTS;
}

enum bf_status bf__check_photo(const struct bf_decode_photo *p, struct bf_str preview, struct bf_str thumb, struct bf_error *e)
{
    if (p->width == 0 || p->height == 0 || p->width > BF_PHOTO_SIDE_MAX || p->height > BF_PHOTO_SIDE_MAX ||
        (uint64_t)p->width * p->height > BF_PHOTO_PIXELS_MAX || p->orientation < 1 || p->orientation > 8)
        return bad(e, "the picture's size is out of range");
    if (!fits(p->width, p->height, p->preview_w, p->preview_h, BF_PHOTO_PREVIEW_SIDE) ||
        !fits(p->preview_w, p->preview_h, p->thumb_w, p->thumb_h, BF_PHOTO_THUMB_SIDE))
        return bad(e, "a derivative has another shape than the picture");
    if (p->has_gps > 1 || p->has_taken > 1 || p->has_offset > 1 || llabs(p->lat_e7) > 900000000 || llabs(p->lon_e7) > 1800000000 ||
        abs(p->taken_offset_min) > 15 * 60 || p->taken_local_s < 0 || p->taken_local_s > INT64_C(253402300800))
        return bad(e, "place or time is out of range");
    if (!legibility_holds(&p->legibility))
        return bad(e, "a figure of legibility is out of range");
    enum bf_status status = check_webp(preview, p->preview_w, p->preview_h, BF_PHOTO_PREVIEW_SIDE, e);
    return status != BF_OK ? status : check_webp(thumb, p->thumb_w, p->thumb_h, BF_PHOTO_THUMB_SIDE, e);
}

static enum bf_status check_sound(const struct bf_decode_sound *s, struct bf_error *e)
{
    if (s->duration_ms == 0 || s->duration_ms > BF_VOICE_MS_MAX + SLACK_MS || s->damaged_ms > s->duration_ms || s->source_rate > 384000 ||
        s->source_channels > 255 || abs(s->gain_cdb) > 6000 || (s->loudness_clufs != INT32_MIN && llabs(s->loudness_clufs) > 20000))
        return bad(e, "a figure of the recording is out of range");
    return BF_OK;
}

struct ogg {
    struct bf_str s;
    uint32_t serial, sequence;
    uint64_t granule, pre_skip;
};

/* RFC 3533 section 6. Advances past one page; `ret_body` is what it carries. */
static bool next_page(struct ogg *o, struct bf_str *ret_body, bool *ret_last)
{
    const char *p = o->s.p;
    if (o->s.n < OGG_HEADER || memcmp(p, "OggS", 5) != 0)
        return false;
    size_t segments = (unsigned char)p[26], body = 0;
    if (o->s.n < OGG_HEADER + segments)
        return false;
    for (size_t i = 0; i < segments; i++)
        body += (unsigned char)p[OGG_HEADER + i];
    bool first = o->sequence == 0, begins = ((unsigned char)p[5] & 2) != 0;
    if (o->s.n < OGG_HEADER + segments + body || begins != first || le32(p + 18) != o->sequence || (!first && le32(p + 14) != o->serial) ||
        le64(p + 6) < o->granule || le64(p + 6) > INT64_MAX)
        return false;
    o->serial = le32(p + 14);
    o->granule = le64(p + 6);
    o->sequence++;
    *ret_last = ((unsigned char)p[5] & 4) != 0;
    *ret_body = bf_str(p + OGG_HEADER + segments, body);
    o->s = bf_str(p + OGG_HEADER + segments + body, o->s.n - OGG_HEADER - segments - body);
    return true;
}

/* RFC 7845: one mono stream, its head, its tags, then pages whose last granule position is the stated duration. */
static enum bf_status check_opus(const struct bf_decode_sound *sound, struct bf_str opus, struct bf_error *e)
{
    struct ogg o = {.s = opus};
    struct bf_str body;
    bool last = false;
    if (!next_page(&o, &body, &last) || body.n != 19 || memcmp(body.p, "OpusHead\x01\x01", 10) != 0 || body.p[18] != 0)
        return bad(e, "the recording has no Opus head");
    o.pre_skip = le16(body.p + 10);
    if (!next_page(&o, &body, &last) || body.n < 8 || memcmp(body.p, "OpusTags", 8) != 0)
        return bad(e, "the recording has no Opus tags");
    while (o.s.n > 0)
        if (last || !next_page(&o, &body, &last))
            return bad(e, "the recording's Ogg pages are damaged");
    uint64_t samples = (uint64_t)sound->duration_ms * (OPUS_RATE / 1000), slack = SLACK_MS * (OPUS_RATE / 1000);
    if (!last || o.granule < o.pre_skip || o.granule - o.pre_skip + slack < samples || o.granule - o.pre_skip > samples + slack)
        return bad(e, "the recording's length is not the stated one");
    return BF_OK;
}

enum bf_status bf__check_voice(const struct bf_decode_sound *sound, struct bf_str opus, struct bf_str peaks, struct bf_error *e)
{
    enum bf_status status = check_sound(sound, e);
    if (status == BF_OK)
        status = check_opus(sound, opus, e);
    if (status != BF_OK)
        return status;
    if (peaks.n < PEAKS_HEADER || le32(peaks.p) != 2 || le32(peaks.p + 4) != 1 || le32(peaks.p + 8) != BF_VOICE_RATE ||
        le32(peaks.p + 12) != BF_VOICE_RATE / BF_VOICE_PEAKS_PER_S || le32(peaks.p + 20) != 1)
        return bad(e, "the peaks have another form");
    uint64_t points = le32(peaks.p + 16), want = (uint64_t)sound->duration_ms * BF_VOICE_PEAKS_PER_S / 1000;
    if (peaks.n != PEAKS_HEADER + points * 2 || points + 2 < want || points > want + 2)
        return bad(e, "the peaks are not as many as stated");
    return BF_OK;
}

enum bf_status bf__check_wav(const struct bf_decode_sound *sound, struct bf_str wav, struct bf_error *e)
{
    enum bf_status status = check_sound(sound, e);
    if (status != BF_OK)
        return status;
    if (wav.n < WAV_HEADER || memcmp(wav.p, "RIFF", 4) != 0 || memcmp(wav.p + 8, "WAVEfmt ", 8) != 0 || le32(wav.p + 4) + 8 != wav.n ||
        le32(wav.p + 16) != 16 || le16(wav.p + 20) != 1 || le16(wav.p + 22) != 1 || le32(wav.p + 24) != BF_VOICE_RATE ||
        le16(wav.p + 34) != 16 || memcmp(wav.p + 36, "data", 4) != 0 || (uint64_t)le32(wav.p + 40) + WAV_HEADER != wav.n)
        return bad(e, "the WAV header lies");
    int64_t ms = (int64_t)(wav.n - WAV_HEADER) / 2 * 1000 / BF_VOICE_RATE;
    return llabs(ms - (int64_t)sound->duration_ms) <= 1 ? BF_OK : bad(e, "the recording's length is not the stated one");
}

enum bf_status bf__check_text(const struct bf_decode_sound *sound, struct bf_str text, struct bf_error *e)
{
    enum bf_status status = check_sound(sound, e);
    if (status != BF_OK)
        return status;
    return text.n <= BF_TEXT_MAX && printable(text.p, text.n) ? BF_OK : bad(e, "the transcript is not text");
}
