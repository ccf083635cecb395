/* SPDX-License-Identifier: Apache-2.0 */
/* 16 kHz mono to Opus (24 kb/s, VOIP, VBR, 20 ms frames, complexity 5) in Ogg (RFC 7845). The same samples give the same bytes. */
#pragma once
#include "ingest/decode/job.h"

struct bf_opus_out;

/* Writes into part `part` of the job, which was begun. NULL: no memory. */
struct bf_opus_out *bf__opus_out_create(struct bf_job *job, unsigned part);
bool bf__opus_out_add(struct bf_opus_out *o, const float *samples, size_t n); /* any n */
bool bf__opus_out_finish(struct bf_opus_out *o);                              /* the tail and the last page */
void bf__opus_out_destroy(struct bf_opus_out **o);
