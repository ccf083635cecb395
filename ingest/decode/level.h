/* SPDX-License-Identifier: Apache-2.0 */
/* Loudness: measured by EBU R128 in a first pass, corrected in the second by one gain for the whole recording (so speech keeps its
 * dynamics) and a look-ahead limiter for the peaks that this would clip. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BF_LEVEL_BLOCK = 160,          /* samples: 10 ms, one point of the peaks */
    BF_LEVEL_TARGET_CLUFS = -1800, /* speech on a phone's loudspeaker */
    BF_LEVEL_GAIN_MAX_CDB = 3000,  /* a silent room is not raised to a roar */
};

struct bf_meter;
struct bf_meter *bf__meter_create(void); /* NULL: no memory */
bool bf__meter_add(struct bf_meter *m, const float *samples, size_t n);
int32_t bf__meter_clufs(struct bf_meter *m); /* INT32_MIN: silence, or shorter than the 0.4 s that a measurement needs */
void bf__meter_destroy(struct bf_meter **m);
int32_t bf__gain_cdb(int32_t loudness_clufs);

/* Blocks of BF_LEVEL_BLOCK in, the same out one block later. */
struct bf_limiter {
    float gain, ramp_from;
    float need; /* of the held block */
    bool holds;
    float held[BF_LEVEL_BLOCK];
};

void bf__limiter_init(struct bf_limiter *l, int32_t gain_cdb);
/* NULL as `block`: the end. True: `out` holds the block before. */
bool bf__limiter_block(struct bf_limiter *l, const float *block, float out[BF_LEVEL_BLOCK]);
