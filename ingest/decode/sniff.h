/* SPDX-License-Identifier: Apache-2.0 */
/* What a picture says about itself before anything is decoded: its true type, its dimensions, and whether it is whole. Walks segments,
 * chunks and boxes only; the caps of G-04 are judged here, so that a decoder never sees a bomb. */
#pragma once
#include "ingest/decode/job.h"

struct bf_sniffed {
    enum bf_media_type type;
    uint64_t width, height;    /* as stored, not turned. HEIC: 0, libheif tells after it parsed the boxes */
    unsigned scans;            /* JPEG */
    unsigned components;       /* JPEG */
    bool in_passes;            /* JPEG progressive or one scan a component, PNG interlaced: the decoder holds the whole picture */
    bool lossless;             /* WebP */
    bool alpha;                /* WebP */
    const unsigned char *exif; /* inside the input; NULL: none */
    size_t exif_bytes;
};

/* By the first bytes alone; needs 16 of them. */
enum bf_media_type bf__sniff_type(const unsigned char *p, size_t n);

/* Refuses mislabelled, truncated, animated and oversized pictures; otherwise fills `ret`. */
bool bf__sniff_photo(struct bf_job *job, const unsigned char *p, size_t n, struct bf_sniffed *ret);

/* Refuses above the caps; for HEIC, whose dimensions come late. */
bool bf__sniff_caps(struct bf_job *job, const struct bf_sniffed *s);
