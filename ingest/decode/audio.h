/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a recording in any of its containers to 16 kHz mono float, in blocks. Decoding is pushed: a source reads its container from front to
 * back and calls the sink; nothing is held but a window of the input and one block. What is missing inside (a packet that cannot be
 * decoded, a gap between time stamps) becomes silence, so that times stay true, and is counted as damaged.
 */
#pragma once
#include "ingest/decode/job.h"

/* A block of 16 kHz mono samples, nominally within -1 .. 1. False stops the decoding: the sink has refused the job. */
typedef bool bf_pcm_sink(void *ctx, const float *samples, size_t n);

/* Sniffs, checks the claimed type, decodes all of it. Fills the job's duration, source and damage figures. Refuses beyond the job's
 * duration_max_ms and when there was not one sample. Can be called again for a second pass. */
bool bf__audio_decode(struct bf_job *job, bf_pcm_sink *sink, void *ctx);

/* --- for the sources --- */

struct bf_audio;

/* States what follows; once, before the first block. `channels` is for the record only. */
bool bf__audio_begin(struct bf_audio *a, unsigned rate, unsigned channels);
/* One block at the stated rate, already mixed to mono. False: stop. */
bool bf__audio_block(struct bf_audio *a, const float *mono, size_t n);
/* Silence in place of what is damaged or missing. */
bool bf__audio_silence(struct bf_audio *a, uint64_t n);
struct bf_job *bf__audio_job(struct bf_audio *a);
/* Averages interleaved channels; `mono` may be `interleaved`. Values that are no number become 0. */
void bf__audio_mix(const float *interleaved, size_t frames, unsigned channels, float *mono);

bool bf__audio_ogg(struct bf_audio *a);
bool bf__audio_webm(struct bf_audio *a);
bool bf__audio_m4a(struct bf_audio *a);
bool bf__audio_wav(struct bf_audio *a);

/* A sliding window on the input. */
enum { BF_WINDOW_BYTES = 64 << 10 };

struct bf_window {
    struct bf_job *job;
    uint64_t start;
    size_t n;
    unsigned char bytes[BF_WINDOW_BYTES];
};

/* `n` (at most BF_WINDOW_BYTES) bytes at `offset`, valid until the next call; NULL when the input ends before. */
const unsigned char *bf__window(struct bf_window *w, uint64_t offset, size_t n);
