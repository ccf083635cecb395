/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/mp4.h"
#include <stdlib.h>
#include <string.h>

#define FOURCC(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
enum {
    WINDOW_BOXES,
    WINDOW_STSC,
    WINDOW_STSZ,
    WINDOW_STCO,
    DEPTH_MAX = 8,
    DESCRIPTOR_DECODER = 4,
    DESCRIPTOR_ASC = 5,
    SAMPLE_MAX = 32 << 10
};

struct box {
    uint32_t type;
    uint64_t at, body, end;
};

static uint32_t be16(const unsigned char *p) { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t be32(const unsigned char *p) { return be16(p) << 16 | be16(p + 2); }
static uint64_t be64(const unsigned char *p) { return (uint64_t)be32(p) << 32 | be32(p + 4); }

static bool truncated(struct bf_mp4 *m) { return bf__refuse(m->job, BF_DECODE_TRUNCATED, "the recording ends inside a box"); }
static bool unreadable(struct bf_mp4 *m) { return bf__refuse(m->job, BF_DECODE_UNREADABLE, "the MP4 structure is damaged"); }

static const unsigned char *bytes(struct bf_mp4 *m, uint64_t at, size_t n) { return bf__window(m->windows[WINDOW_BOXES], at, n); }

/* The box at `at`, which must end by `end`. */
static bool read_box(struct bf_mp4 *m, uint64_t at, uint64_t end, struct box *ret)
{
    const unsigned char *p = end - at >= 8 ? bytes(m, at, 8) : NULL;
    if (p == NULL)
        return truncated(m);
    uint64_t n = be32(p), header = 8;
    ret->type = be32(p + 4);
    if (n == 1) {
        p = end - at >= 16 ? bytes(m, at, 16) : NULL;
        if (p == NULL)
            return truncated(m);
        n = be64(p + 8);
        header = 16;
    }
    if (n == 0)
        n = end - at;
    if (n < header)
        return unreadable(m);
    if (n > end - at)
        return truncated(m);
    *ret = (struct box){.type = ret->type, .at = at, .body = at + header, .end = at + n};
    return true;
}

typedef bool box_handler(struct bf_mp4 *m, const struct box *box, unsigned depth);

static bool each_box(struct bf_mp4 *m, uint64_t at, uint64_t end, unsigned depth, box_handler *handler)
{
    struct box box;
    if (depth > DEPTH_MAX)
        return unreadable(m);
    while (at < end) {
        if (!read_box(m, at, end, &box) || !handler(m, &box, depth))
            return false;
        at = box.end;
    }
    return true;
}

/* `n` bytes of a box's body at `offset`, or NULL with the job refused. */
static const unsigned char *body(struct bf_mp4 *m, const struct box *box, uint64_t offset, size_t n)
{
    const unsigned char *p = offset <= box->end - box->body && n <= box->end - box->body - offset ? bytes(m, box->body + offset, n) : NULL;
    if (p == NULL)
        unreadable(m);
    return p;
}

/* ISO 14496-1 section 8.3.3: a length of up to four bytes, seven bits in each. Returns the content's place, 0 when it is not inside. */
static size_t descriptor(const unsigned char *p, size_t n, size_t at, size_t *ret_n)
{
    size_t length = 0;
    for (unsigned i = 0; i < 4 && ++at < n; i++) {
        length = length << 7 | (p[at] & 0x7f);
        if ((p[at] & 0x80) == 0) {
            *ret_n = length;
            return length <= n - at - 1 ? at + 1 : 0;
        }
    }
    return 0;
}

/* ES_Descriptor { DecoderConfigDescriptor { DecoderSpecificInfo } } */
static bool read_esds(struct bf_mp4 *m, const struct box *box)
{
    size_t n = box->end - box->body > 256 ? 256 : (size_t)(box->end - box->body), inner, at;
    const unsigned char *p = body(m, box, 0, n);
    if (p == NULL || n < 5 || p[4] != 3 || (at = descriptor(p, n, 4, &inner)) == 0 || n - at < 3)
        return p != NULL && unreadable(m);
    unsigned flags = p[at + 2];
    at += 3 + ((flags & 0x80) != 0 ? 2 : 0) + ((flags & 0x20) != 0 ? 2 : 0);
    if ((flags & 0x40) != 0 || at >= n || p[at] != DESCRIPTOR_DECODER || (at = descriptor(p, n, at, &inner)) == 0 || n - at < 14)
        return unreadable(m);
    bool aac = p[at] == 0x40 || p[at] == 0x66 || p[at] == 0x67 || p[at] == 0x68;
    at += 13;
    if (!aac || p[at] != DESCRIPTOR_ASC || (at = descriptor(p, n, at, &inner)) == 0 || inner == 0 || inner > BF_MP4_ASC_MAX)
        return bf__refuse(m->job, BF_DECODE_UNSUPPORTED, "the recording is not AAC");
    memcpy(m->asc, p + at, inner);
    m->asc_bytes = inner;
    m->found = true;
    return true;
}

static bool in_entry(struct bf_mp4 *m, const struct box *box, unsigned depth)
{
    if (box->type == FOURCC('e', 's', 'd', 's'))
        return read_esds(m, box);
    if (box->type == FOURCC('w', 'a', 'v', 'e')) /* QuickTime puts it one deeper */
        return each_box(m, box->body, box->end, depth + 1, in_entry);
    return true;
}

/* The first entry of the sample description: a version 0 or 1 AudioSampleEntry. */
static bool read_stsd(struct bf_mp4 *m, const struct box *box, unsigned depth)
{
    struct box entry;
    if (box->end - box->body < 16 || !read_box(m, box->body + 8, box->end, &entry))
        return unreadable(m);
    m->coding = entry.type;
    if (entry.type != FOURCC('m', 'p', '4', 'a'))
        return true;
    const unsigned char *p = body(m, &entry, 0, 28);
    if (p == NULL)
        return false;
    uint64_t at = entry.body + 28 + (be16(p + 8) == 1 ? 16 : 0);
    return at <= entry.end ? each_box(m, at, entry.end, depth + 1, in_entry) : unreadable(m);
}

/* A table of `n` entries of `width` bytes behind `skip` bytes of the body. */
static bool read_table(struct bf_mp4 *m, const struct box *box, size_t skip, size_t width, struct bf_mp4_table *ret)
{
    const unsigned char *p = body(m, box, skip - 4, 4);
    if (p == NULL)
        return false;
    *ret = (struct bf_mp4_table){.at = box->body + skip, .n = be32(p)};
    return (uint64_t)ret->n * width <= box->end - ret->at || unreadable(m);
}

static bool read_stsz(struct bf_mp4 *m, const struct box *box)
{
    const unsigned char *p = body(m, box, 0, 12);
    if (p == NULL)
        return false;
    m->fixed_bytes = be32(p + 4);
    m->stsz = (struct bf_mp4_table){.at = box->body + 12, .n = be32(p + 8)};
    return m->fixed_bytes != 0 || (uint64_t)m->stsz.n * 4 <= box->end - m->stsz.at || unreadable(m);
}

/* Empty edits (media time -1) delay the start; the first real one says what to cut from the coder's run-in and where to stop. */
static bool read_elst(struct bf_mp4 *m, const struct box *box)
{
    const unsigned char *p = body(m, box, 0, 8);
    if (p == NULL)
        return false;
    bool wide = p[0] == 1;
    uint32_t n = be32(p + 4);
    size_t width = wide ? 20 : 12;
    for (uint32_t i = 0; i < n && i < 16; i++) {
        if ((p = body(m, box, 8 + (uint64_t)i * width, width)) == NULL)
            return false;
        uint64_t length = wide ? be64(p) : be32(p), from = wide ? be64(p + 8) : be32(p + 4);
        if (from == (wide ? UINT64_MAX : UINT32_MAX))
            continue;
        m->skip_ticks = from;
        m->keep_movie_ticks = length;
        return true;
    }
    return true;
}

/* Time scale of mvhd and mdhd, whose first fields are alike. */
static bool read_scale(struct bf_mp4 *m, const struct box *box, uint32_t *ret)
{
    const unsigned char *p = body(m, box, 0, 24);
    if (p == NULL)
        return false;
    *ret = be32(p + (p[0] == 1 ? 20 : 12));
    return *ret != 0 || unreadable(m);
}

/* One track's boxes land in `m`; another track than sound, or a later one, is put back by the caller. */
static bool in_trak(struct bf_mp4 *m, const struct box *box, unsigned depth)
{
    const unsigned char *p;
    switch (box->type) {
    case FOURCC('m', 'd', 'i', 'a'):
    case FOURCC('m', 'i', 'n', 'f'):
    case FOURCC('s', 't', 'b', 'l'):
    case FOURCC('e', 'd', 't', 's'):
        return each_box(m, box->body, box->end, depth + 1, in_trak);
    case FOURCC('t', 'k', 'h', 'd'):
        if ((p = body(m, box, 0, 24)) == NULL)
            return false;
        m->track_id = be32(p + (p[0] == 1 ? 20 : 12));
        return true;
    case FOURCC('h', 'd', 'l', 'r'):
        if ((p = body(m, box, 0, 12)) == NULL)
            return false;
        m->coding = be32(p + 8) == FOURCC('s', 'o', 'u', 'n') ? m->coding : 0;
        return true;
    case FOURCC('m', 'd', 'h', 'd'):
        return read_scale(m, box, &m->media_scale);
    case FOURCC('e', 'l', 's', 't'):
        return read_elst(m, box);
    case FOURCC('s', 't', 's', 'd'):
        return m->coding == 0 || read_stsd(m, box, depth);
    case FOURCC('s', 't', 's', 'c'):
        return read_table(m, box, 8, 12, &m->stsc);
    case FOURCC('s', 't', 's', 'z'):
        return read_stsz(m, box);
    case FOURCC('s', 't', 'c', 'o'):
    case FOURCC('c', 'o', '6', '4'):
        m->wide_offsets = box->type == FOURCC('c', 'o', '6', '4');
        return read_table(m, box, 8, m->wide_offsets ? 8 : 4, &m->stco);
    default:
        return true;
    }
}

static bool in_moov(struct bf_mp4 *m, const struct box *box, unsigned depth)
{
    if (box->type == FOURCC('m', 'v', 'h', 'd'))
        return read_scale(m, box, &m->movie_scale);
    if (box->type == FOURCC('t', 'r', 'a', 'k') && !m->found) {
        struct bf_mp4 before = *m;
        m->coding = UINT32_MAX; /* until hdlr says that it is not sound */
        if (!each_box(m, box->body, box->end, depth + 1, in_trak))
            return false;
        if (!m->found) {
            uint32_t coding = m->coding == 0 || m->coding == UINT32_MAX ? before.coding : m->coding;
            *m = before;
            m->coding = coding;
        }
        return true;
    }
    if (box->type == FOURCC('m', 'v', 'e', 'x'))
        return each_box(m, box->body, box->end, depth + 1, in_moov);
    if (box->type == FOURCC('t', 'r', 'e', 'x')) {
        const unsigned char *p = body(m, box, 0, 24);
        if (p == NULL)
            return false;
        if (be32(p + 4) == m->track_id)
            m->fragment_bytes = be32(p + 16);
    }
    return true;
}

static bool at_top(struct bf_mp4 *m, const struct box *box, unsigned depth)
{
    if (box->type != FOURCC('m', 'o', 'o', 'v') || m->has_moov)
        return true;
    m->has_moov = true;
    return each_box(m, box->body, box->end, depth + 1, in_moov);
}

bool bf__mp4_open(struct bf_job *job, struct bf_mp4 *ret)
{
    struct bf_mp4 m = {.job = job, .movie_scale = 1};
    bool ok = true;
    for (unsigned i = 0; i < BF_MP4_TABLES; i++) {
        m.windows[i] = calloc(1, sizeof *m.windows[i]);
        if (m.windows[i] != NULL)
            m.windows[i]->job = job;
        else
            ok = bf__refuse(job, BF_DECODE_MEMORY, "no memory for a window");
    }
    ok = ok && each_box(&m, 0, job->request.input_bytes, 0, at_top);
    if (ok && !m.has_moov)
        ok = bf__refuse(job, BF_DECODE_TRUNCATED, "the recording has no index: the phone did not finish it");
    if (ok && !m.found)
        ok = m.coding == 0 ? bf__refuse(job, BF_DECODE_NO_AUDIO, "the MP4 file has no sound track")
                           : bf__refuse(job, BF_DECODE_UNSUPPORTED, "the recording is not AAC");
    if (ok && m.media_scale == 0)
        ok = unreadable(&m);
    *ret = m;
    if (!ok)
        bf__mp4_close(ret);
    return ok;
}

void bf__mp4_close(struct bf_mp4 *m)
{
    for (unsigned i = 0; i < BF_MP4_TABLES; i++) {
        free(m->windows[i]);
        m->windows[i] = NULL;
    }
}

/* --- samples --- */

static bool give(struct bf_mp4 *m, uint64_t at, uint32_t n, bf_mp4_sample *sample, void *ctx)
{
    if (n > SAMPLE_MAX)
        return unreadable(m);
    const unsigned char *p = bytes(m, at, n);
    return p == NULL ? truncated(m) : sample(ctx, p, n);
}

static bool entry32(struct bf_mp4 *m, unsigned window, const struct bf_mp4_table *t, uint32_t index, size_t width, size_t field,
                    uint32_t *ret)
{
    const unsigned char *p = index < t->n ? bf__window(m->windows[window], t->at + (uint64_t)index * width + field, 4) : NULL;
    if (p == NULL)
        return unreadable(m);
    *ret = be32(p);
    return true;
}

static bool chunk_offset(struct bf_mp4 *m, uint32_t chunk, uint64_t *ret)
{
    uint32_t high = 0, low;
    size_t width = m->wide_offsets ? 8 : 4;
    if (m->wide_offsets && !entry32(m, WINDOW_STCO, &m->stco, chunk, width, 0, &high))
        return false;
    if (!entry32(m, WINDOW_STCO, &m->stco, chunk, width, width - 4, &low))
        return false;
    *ret = (uint64_t)high << 32 | low;
    return true;
}

/* Samples in this chunk, by the run of stsc it lies in; `run` moves on with the chunks. */
static bool chunk_samples(struct bf_mp4 *m, uint32_t chunk, uint32_t *run, uint32_t *ret)
{
    uint32_t next;
    while (*run + 1 < m->stsc.n) {
        if (!entry32(m, WINDOW_STSC, &m->stsc, *run + 1, 12, 0, &next))
            return false;
        if (next > chunk + 1)
            break;
        ++*run;
    }
    return entry32(m, WINDOW_STSC, &m->stsc, *run, 12, 4, ret);
}

static bool indexed_samples(struct bf_mp4 *m, bf_mp4_sample *sample, void *ctx)
{
    uint32_t index = 0, run = 0, n;
    for (uint32_t chunk = 0; chunk < m->stco.n && index < m->stsz.n; chunk++) {
        uint64_t at;
        if (!chunk_offset(m, chunk, &at) || !chunk_samples(m, chunk, &run, &n))
            return false;
        for (uint32_t i = 0; i < n && index < m->stsz.n; i++, index++) {
            uint32_t size = m->fixed_bytes;
            if (size == 0 && !entry32(m, WINDOW_STSZ, &m->stsz, index, 4, 0, &size))
                return false;
            if (!give(m, at, size, sample, ctx))
                return false;
            at += size;
        }
    }
    return true;
}

struct fragment {
    uint64_t base, next; /* where data begin; where the next run without an offset goes on */
    uint32_t sample_bytes;
    bool ours;
};

static bool read_tfhd(struct bf_mp4 *m, const struct box *box, uint64_t moof, struct fragment *f)
{
    const unsigned char *p = body(m, box, 0, 8);
    if (p == NULL)
        return false;
    uint32_t flags = be32(p) & 0xffffff;
    size_t at = 8,
           n = 8 + ((flags & 1) != 0 ? 8 : 0) + ((flags & 2) != 0 ? 4 : 0) + ((flags & 8) != 0 ? 4 : 0) + ((flags & 0x10) != 0 ? 4 : 0);
    f->ours = be32(p + 4) == m->track_id;
    f->base = moof;
    f->sample_bytes = m->fragment_bytes;
    if ((p = body(m, box, 0, n)) == NULL)
        return false;
    if ((flags & 1) != 0)
        f->base = be64(p + at), at += 8;
    at += ((flags & 2) != 0 ? 4 : 0) + ((flags & 8) != 0 ? 4 : 0);
    if ((flags & 0x10) != 0)
        f->sample_bytes = be32(p + at);
    f->next = f->base;
    return true;
}

static bool run_samples(struct bf_mp4 *m, const struct box *box, struct fragment *f, bf_mp4_sample *sample, void *ctx)
{
    const unsigned char *p = body(m, box, 0, 8);
    if (p == NULL)
        return false;
    uint32_t flags = be32(p) & 0xffffff, n = be32(p + 4);
    uint64_t at = 8 + ((flags & 1) != 0 ? 4 : 0) + ((flags & 4) != 0 ? 4 : 0), data = f->next;
    size_t before = (flags & 0x100) != 0 ? 4 : 0,
           width = before + ((flags & 0x200) != 0 ? 4 : 0) + ((flags & 0x400) != 0 ? 4 : 0) + ((flags & 0x800) != 0 ? 4 : 0);
    if ((flags & 1) != 0) {
        if ((p = body(m, box, 8, 4)) == NULL)
            return false;
        data = f->base + (uint64_t)(int64_t)(int32_t)be32(p);
    }
    struct bf_mp4_table sizes = {.at = box->body + at + before, .n = n};
    if (at > box->end - box->body || (uint64_t)n * width > box->end - box->body - at)
        return unreadable(m);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size = f->sample_bytes;
        if ((flags & 0x200) != 0 && !entry32(m, WINDOW_STSZ, &sizes, i, width, 0, &size))
            return false;
        if (!give(m, data, size, sample, ctx))
            return false;
        data += size;
    }
    f->next = data;
    return true;
}

static bool traf_samples(struct bf_mp4 *m, const struct box *traf, uint64_t moof, bf_mp4_sample *sample, void *ctx)
{
    struct fragment f = {0};
    struct box box;
    for (uint64_t at = traf->body; at < traf->end; at = box.end) {
        if (!read_box(m, at, traf->end, &box))
            return false;
        if (box.type == FOURCC('t', 'f', 'h', 'd') && !read_tfhd(m, &box, moof, &f))
            return false;
        if (box.type == FOURCC('t', 'r', 'u', 'n') && f.ours && !run_samples(m, &box, &f, sample, ctx))
            return false;
    }
    return true;
}

static bool fragment_samples(struct bf_mp4 *m, bf_mp4_sample *sample, void *ctx)
{
    struct box moof, traf;
    for (uint64_t at = 0, end = m->job->request.input_bytes; at < end; at = moof.end) {
        if (!read_box(m, at, end, &moof))
            return false;
        if (moof.type != FOURCC('m', 'o', 'o', 'f'))
            continue;
        for (uint64_t in = moof.body; in < moof.end; in = traf.end) {
            if (!read_box(m, in, moof.end, &traf))
                return false;
            if (traf.type == FOURCC('t', 'r', 'a', 'f') && !traf_samples(m, &traf, moof.at, sample, ctx))
                return false;
        }
    }
    return true;
}

bool bf__mp4_samples(struct bf_mp4 *m, bf_mp4_sample *sample, void *ctx)
{
    return indexed_samples(m, sample, ctx) && fragment_samples(m, sample, ctx);
}
