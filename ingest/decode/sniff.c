/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/sniff.h"
#include <string.h>

enum { SNIFF_BYTES = 16, PNG_CHUNK_OVERHEAD = 12, DEFLATE_RATIO_MAX = 1040, FTYP_BYTES_MAX = 256 };

static uint32_t be16(const unsigned char *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t be32(const unsigned char *p) { return be16(p) << 16 | be16(p + 2); }
static uint32_t le24(const unsigned char *p) { return (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]; }
static uint32_t le32(const unsigned char *p) { return (uint32_t)p[3] << 24 | le24(p); }

static bool truncated(struct bf_job *job) { return bf__refuse(job, BF_DECODE_TRUNCATED, "the picture ends before its last segment"); }
static bool unreadable(struct bf_job *job) { return bf__refuse(job, BF_DECODE_UNREADABLE, "the picture's structure is damaged"); }

static bool is_heic_brand(const unsigned char *p)
{
    return memcmp(p, "heic", 4) == 0 || memcmp(p, "heix", 4) == 0 || memcmp(p, "heim", 4) == 0 || memcmp(p, "heis", 4) == 0;
}

/* ISO 14496-12 file type box: HEIC when a brand says so, M4A when it is another MP4. */
static enum bf_media_type sniff_ftyp(const unsigned char *p, size_t n)
{
    size_t box = be32(p);
    if (box < 16 || box > FTYP_BYTES_MAX)
        return BF_MEDIA_NONE;
    for (size_t at = 8; at + 4 <= box && at + 4 <= n; at += 4)
        if (at != 12 && is_heic_brand(p + at))
            return BF_MEDIA_HEIC;
    return memcmp(p + 8, "avif", 4) == 0 || memcmp(p + 8, "mif1", 4) == 0 || memcmp(p + 8, "qt  ", 4) == 0 ? BF_MEDIA_NONE : BF_MEDIA_M4A;
}

enum bf_media_type bf__sniff_type(const unsigned char *p, size_t n)
{
    if (n < SNIFF_BYTES)
        return BF_MEDIA_NONE;
    if (memcmp(p, "\xff\xd8\xff", 3) == 0)
        return BF_MEDIA_JPEG;
    if (memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0)
        return BF_MEDIA_PNG;
    if (memcmp(p, "RIFF", 4) == 0)
        return memcmp(p + 8, "WEBP", 4) == 0 ? BF_MEDIA_WEBP : memcmp(p + 8, "WAVE", 4) == 0 ? BF_MEDIA_WAV : BF_MEDIA_NONE;
    if (memcmp(p, "OggS", 4) == 0)
        return BF_MEDIA_OGG;
    if (memcmp(p, "\x1a\x45\xdf\xa3", 4) == 0)
        return BF_MEDIA_WEBM;
    return memcmp(p + 4, "ftyp", 4) == 0 ? sniff_ftyp(p, n) : BF_MEDIA_NONE;
}

/* Entropy-coded data ends at the first marker that is neither stuffing nor RSTn. */
static size_t skip_entropy(const unsigned char *p, size_t n, size_t at)
{
    while (at + 1 < n) {
        const unsigned char *ff = memchr(p + at, 0xff, n - at - 1);
        if (ff == NULL)
            return n;
        at = (size_t)(ff - p);
        if (ff[1] == 0xff)
            at += 1;
        else if (ff[1] == 0 || (ff[1] >= 0xd0 && ff[1] <= 0xd7))
            at += 2;
        else
            return at;
    }
    return n;
}

static bool jpeg_frame(struct bf_job *job, const unsigned char *body, size_t bytes, unsigned marker, struct bf_sniffed *s)
{
    if (marker != 0xc0 && marker != 0xc1 && marker != 0xc2)
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "lossless, hierarchical and arithmetic JPEG are not supported");
    if (s->width != 0 || bytes < 6 || body[0] != 8 || be16(body + 1) == 0 || be16(body + 3) == 0)
        return unreadable(job);
    s->height = be16(body + 1);
    s->width = be16(body + 3);
    s->components = body[5];
    s->in_passes = marker == 0xc2;
    return true;
}

static bool jpeg_segment(struct bf_job *job, const unsigned char *body, size_t bytes, unsigned marker, struct bf_sniffed *s)
{
    if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
        return jpeg_frame(job, body, bytes, marker, s) && bf__sniff_caps(job, s);
    if (marker == 0xe1 && s->exif == NULL && bytes > 6 && memcmp(body, "Exif\0\0", 6) == 0)
        s->exif = body, s->exif_bytes = bytes;
    if (marker == 0xda) {
        s->scans++;
        if (bytes > 0 && body[0] < s->components) /* a scan of some components only: libjpeg waits for the others */
            s->in_passes = true;
        return s->width == 0 ? unreadable(job) : bf__sniff_caps(job, s);
    }
    return true;
}

/* ITU-T T.81 annex B. Bytes behind EOI (MPF previews, motion photos) are not looked at. */
static bool sniff_jpeg(struct bf_job *job, const unsigned char *p, size_t n, struct bf_sniffed *s)
{
    size_t at = 2;
    for (;;) {
        while (at < n && p[at] != 0xff) /* libjpeg skips such bytes too */
            at++;
        while (at < n && p[at] == 0xff)
            at++;
        if (at >= n)
            return truncated(job);
        unsigned marker = p[at++];
        if (marker == 0xd9)
            return s->scans > 0 ? true : unreadable(job);
        if (marker == 0x01 || marker == 0x00 || (marker >= 0xd0 && marker <= 0xd8))
            continue;
        if (n - at < 2)
            return truncated(job);
        size_t bytes = be16(p + at);
        if (bytes < 2)
            return unreadable(job);
        if (n - at < bytes)
            return truncated(job);
        if (!jpeg_segment(job, p + at + 2, bytes - 2, marker, s))
            return false;
        at += bytes;
        if (marker == 0xda)
            at = skip_entropy(p, n, at);
    }
}

/* Bytes that inflate to less than the picture needs cannot be whole: PNG's raw rows against its compressed size. */
static bool png_plausible(const unsigned char *ihdr, uint64_t idat_bytes, const struct bf_sniffed *s)
{
    static const unsigned char channels[] = {1, 0, 3, 1, 2, 0, 4};
    unsigned bits = (ihdr[9] < sizeof channels ? channels[ihdr[9]] : 0) * ihdr[8];
    return bits > 0 && (s->width * bits + 7) / 8 * s->height / DEFLATE_RATIO_MAX <= idat_bytes;
}

static bool sniff_png(struct bf_job *job, const unsigned char *p, size_t n, struct bf_sniffed *s)
{
    uint64_t idat_bytes = 0;
    const unsigned char *ihdr = NULL;
    for (size_t at = 8;;) {
        if (n - at < PNG_CHUNK_OVERHEAD)
            return truncated(job);
        size_t bytes = be32(p + at);
        const unsigned char *name = p + at + 4, *body = p + at + 8;
        if (bytes > n - at - PNG_CHUNK_OVERHEAD)
            return truncated(job);
        if (ihdr == NULL && (memcmp(name, "IHDR", 4) != 0 || bytes != 13))
            return unreadable(job);
        if (ihdr == NULL) {
            ihdr = body;
            s->width = be32(body);
            s->height = be32(body + 4);
            s->in_passes = body[12] != 0;
            if (!bf__sniff_caps(job, s))
                return false;
        } else if (memcmp(name, "acTL", 4) == 0) {
            return bf__refuse(job, BF_DECODE_ANIMATED, "the picture is an animated PNG");
        } else if (memcmp(name, "eXIf", 4) == 0) {
            s->exif = body, s->exif_bytes = bytes;
        } else if (memcmp(name, "IDAT", 4) == 0) {
            idat_bytes += bytes;
        } else if (memcmp(name, "IEND", 4) == 0) {
            return png_plausible(ihdr, idat_bytes, s) ? true : truncated(job);
        }
        at += bytes + PNG_CHUNK_OVERHEAD;
    }
}

static bool webp_chunk(struct bf_job *job, const unsigned char *name, const unsigned char *body, size_t bytes, struct bf_sniffed *s)
{
    if (memcmp(name, "ANIM", 4) == 0 || memcmp(name, "ANMF", 4) == 0)
        return bf__refuse(job, BF_DECODE_ANIMATED, "the picture is an animated WebP");
    if (memcmp(name, "EXIF", 4) == 0 && s->exif == NULL)
        s->exif = body, s->exif_bytes = bytes;
    if (memcmp(name, "ALPH", 4) == 0)
        s->alpha = true;
    if (s->width == 0 && memcmp(name, "VP8 ", 4) == 0) {
        if (bytes < 10 || (body[0] & 1) != 0 || memcmp(body + 3, "\x9d\x01\x2a", 3) != 0)
            return unreadable(job);
        s->width = le24(body + 6) & 0x3fff;
        s->height = le24(body + 7) >> 8 & 0x3fff;
        return bf__sniff_caps(job, s);
    }
    if (s->width == 0 && memcmp(name, "VP8L", 4) == 0) {
        if (bytes < 5 || body[0] != 0x2f)
            return unreadable(job);
        uint32_t bits = le32(body + 1);
        s->width = (bits & 0x3fff) + 1;
        s->height = (bits >> 14 & 0x3fff) + 1;
        s->alpha = (bits >> 28 & 1) != 0;
        s->lossless = true;
        return bf__sniff_caps(job, s);
    }
    return true;
}

static bool sniff_webp(struct bf_job *job, const unsigned char *p, size_t n, struct bf_sniffed *s)
{
    size_t end = (size_t)le32(p + 4) + 8;
    if (n > end)
        n = end; /* otherwise what is there is judged first: a bomb stays a bomb when it is cut */
    for (size_t at = 12; at + 8 <= n;) {
        size_t bytes = le32(p + at + 4), room = n - at - 8;
        if (memcmp(p + at, "VP8X", 4) == 0 && room >= 10 && (p[at + 8] & 2) != 0)
            return bf__refuse(job, BF_DECODE_ANIMATED, "the picture is an animated WebP");
        if (!webp_chunk(job, p + at, p + at + 8, bytes < room ? bytes : room, s))
            return false;
        if (bytes > room)
            return truncated(job);
        at += 8 + bytes + (bytes & 1);
    }
    if (end > n)
        return truncated(job);
    return s->width != 0 ? true : unreadable(job);
}

/* Every box at the top level must be whole; what is inside them is libheif's. */
static bool sniff_heic(struct bf_job *job, const unsigned char *p, size_t n)
{
    if (memcmp(p + 8, "hevc", 4) == 0 || memcmp(p + 8, "msf1", 4) == 0)
        return bf__refuse(job, BF_DECODE_ANIMATED, "the picture is an image sequence");
    for (size_t at = 0; at < n;) {
        if (n - at < 8)
            return truncated(job);
        uint64_t bytes = be32(p + at);
        if (bytes == 0)
            return true;
        if (bytes == 1 && n - at >= 16)
            bytes = (uint64_t)be32(p + at + 8) << 32 | be32(p + at + 12);
        if (bytes < 8)
            return unreadable(job);
        if (bytes > n - at)
            return truncated(job);
        at += (size_t)bytes;
    }
    return true;
}

bool bf__sniff_caps(struct bf_job *job, const struct bf_sniffed *s)
{
    if (s->width == 0 || s->height == 0)
        return unreadable(job);
    if (s->width > BF_PHOTO_SIDE_MAX || s->height > BF_PHOTO_SIDE_MAX || s->width * s->height > job->pixels_max)
        return bf__refuse(job, BF_DECODE_TOO_MANY_PIXELS, "the picture has more than 50 million pixels");
    if (s->scans > BF_PHOTO_SCANS_MAX || (s->scans > BF_PHOTO_SCANS_LARGE && s->width * s->height > BF_PHOTO_SCANS_PIXELS))
        return bf__refuse(job, BF_DECODE_TOO_MANY_SCANS, "the progressive picture has too many scans for its size");
    return true;
}

bool bf__sniff_photo(struct bf_job *job, const unsigned char *p, size_t n, struct bf_sniffed *ret)
{
    *ret = (struct bf_sniffed){.type = bf__sniff_type(p, n)};
    job->result.found = ret->type;
    if (n < SNIFF_BYTES)
        return truncated(job);
    if (ret->type != job->request.claimed)
        return bf__refuse(job, BF_DECODE_MISLABELLED, "the content is not of the stated type");
    switch (ret->type) {
    case BF_MEDIA_JPEG:
        return sniff_jpeg(job, p, n, ret);
    case BF_MEDIA_PNG:
        return sniff_png(job, p, n, ret);
    case BF_MEDIA_WEBP:
        return sniff_webp(job, p, n, ret);
    case BF_MEDIA_HEIC:
        return sniff_heic(job, p, n);
    default:
        return bf__refuse(job, BF_DECODE_UNSUPPORTED, "this is not a picture");
    }
}
