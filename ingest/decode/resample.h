/* SPDX-License-Identifier: Apache-2.0 */
/* Any sample rate to 16 kHz, mono, by a polyphase windowed sinc (32 zero crossings, Blackman window, passband to 7.2 kHz). A general
 * library does this for five times the processor time, which would then be a third of a voice note's. No delay: the first sample out stands
 * at the first in. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { BF_RESAMPLE_BLOCK = 4096 };

struct bf_resampler;

/* NULL with *ret_unusual set: a rate whose ratio to 16 kHz needs too large a table, as no recorder has; otherwise NULL: no memory. */
struct bf_resampler *bf__resampler_create(unsigned rate, bool *ret_unusual);
void bf__resampler_destroy(struct bf_resampler **r);

/* Takes up to BF_RESAMPLE_BLOCK samples; what comes of them lies in *ret_out until the next call. Returns their number. */
size_t bf__resampler_push(struct bf_resampler *r, const float *in, size_t n, const float **ret_out);
