/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/level.h"
#include "ingest/decode/wire.h"
#include <ebur128.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CEILING 0.891f /* -1 dBFS */

struct bf_meter {
    ebur128_state *state;
};

struct bf_meter *bf__meter_create(void)
{
    struct bf_meter *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    /* The histogram bounds its memory. */
    m->state = ebur128_init(1, BF_VOICE_RATE, EBUR128_MODE_I | EBUR128_MODE_HISTOGRAM);
    if (m->state == NULL)
        bf__meter_destroy(&m);
    return m;
}

bool bf__meter_add(struct bf_meter *m, const float *samples, size_t n)
{
    return ebur128_add_frames_float(m->state, samples, n) == EBUR128_SUCCESS;
}

int32_t bf__meter_clufs(struct bf_meter *m)
{
    double lufs = -HUGE_VAL;
    if (ebur128_loudness_global(m->state, &lufs) != EBUR128_SUCCESS || !isfinite(lufs))
        return INT32_MIN;
    return (int32_t)lrint(lufs * 100);
}

void bf__meter_destroy(struct bf_meter **m)
{
    if (m == NULL || *m == NULL)
        return;
    if ((*m)->state != NULL)
        ebur128_destroy(&(*m)->state);
    free(*m);
    *m = NULL;
}

int32_t bf__gain_cdb(int32_t loudness_clufs)
{
    if (loudness_clufs == INT32_MIN)
        return 0;
    int32_t gain = BF_LEVEL_TARGET_CLUFS - loudness_clufs;
    return gain > BF_LEVEL_GAIN_MAX_CDB ? BF_LEVEL_GAIN_MAX_CDB : gain < -BF_LEVEL_GAIN_MAX_CDB ? -BF_LEVEL_GAIN_MAX_CDB : gain;
}

void bf__limiter_init(struct bf_limiter *l, int32_t gain_cdb)
{
    *l = (struct bf_limiter){.gain = powf(10, (float)gain_cdb / 2000)};
    l->ramp_from = l->gain;
}

/* The gain that keeps this block under the ceiling. */
static float need(const struct bf_limiter *l, const float *block)
{
    float peak = 0;
    for (unsigned i = 0; i < BF_LEVEL_BLOCK; i++)
        peak = fabsf(block[i]) > peak ? fabsf(block[i]) : peak;
    return peak * l->gain > CEILING ? CEILING / peak : l->gain;
}

/* Both ends of a block's ramp are at most what the block itself allows, so what lies between is too. */
bool bf__limiter_block(struct bf_limiter *l, const float *block, float out[BF_LEVEL_BLOCK])
{
    float next = block == NULL ? l->need : need(l, block);
    bool held = l->holds;
    if (held) {
        float to = next < l->need ? next : l->need, step = (to - l->ramp_from) / BF_LEVEL_BLOCK;
        for (unsigned i = 0; i < BF_LEVEL_BLOCK; i++)
            out[i] = l->held[i] * (l->ramp_from + step * (float)(i + 1));
        l->ramp_from = to;
    } else {
        l->ramp_from = next;
    }
    l->holds = block != NULL;
    if (block != NULL) {
        memcpy(l->held, block, sizeof l->held);
        l->need = next;
    }
    return held;
}
