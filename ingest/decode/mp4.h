/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of ISO 14496-12 that a phone's recording uses: the first sound track's samples in order, from one `moov` (iOS, Android) or from
 * movie fragments (Safari's MediaRecorder). Tables are read where they lie in the file; nothing in memory grows with it.
 */
#pragma once
#include "ingest/decode/audio.h"

enum { BF_MP4_ASC_MAX = 64, BF_MP4_TABLES = 4 };

struct bf_mp4_table {
    uint64_t at; /* of the first entry */
    uint32_t n;
};

struct bf_mp4 {
    struct bf_job *job;
    struct bf_window *windows[BF_MP4_TABLES]; /* boxes and data; stsc; stsz; stco */
    bool has_moov, found;                     /* found: a sound track with AAC */
    uint32_t coding;                          /* of the first sound track: 'mp4a', ... */
    uint32_t movie_scale, media_scale, track_id;
    uint64_t skip_ticks;               /* of the media: what the edit list cuts from the start */
    uint64_t keep_movie_ticks;         /* of the movie: what it lets play; 0: all */
    unsigned char asc[BF_MP4_ASC_MAX]; /* AudioSpecificConfig, ISO 14496-3 */
    size_t asc_bytes;
    uint32_t fixed_bytes;    /* of each sample; 0: stsz tells */
    uint32_t fragment_bytes; /* default of the fragments (trex) */
    struct bf_mp4_table stsc, stsz, stco;
    bool wide_offsets; /* co64 */
};

/* One coded sample. False: stop. */
typedef bool bf_mp4_sample(void *ctx, const unsigned char *p, size_t n);

/* Finds the track; refuses when there is none, or the file was cut. */
bool bf__mp4_open(struct bf_job *job, struct bf_mp4 *ret);
bool bf__mp4_samples(struct bf_mp4 *m, bf_mp4_sample *sample, void *ctx);
void bf__mp4_close(struct bf_mp4 *m);
