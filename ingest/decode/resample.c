/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/resample.h"
#include "ingest/decode/wire.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CROSSINGS = 16, LANES = 8, TABLE_MAX = 1 << 19 };
#define PASSBAND 0.9

typedef float v4 __attribute__((vector_size(16)));

struct bf_resampler {
    unsigned up, down, taps; /* rate * up / down = 16 kHz; taps: of each of the `up` phases */
    unsigned phase;
    size_t at, held; /* the next output's first tap in `history`; samples in it */
    float *table, *history, *out;
};

static unsigned gcd(unsigned a, unsigned b)
{
    while (b != 0) {
        unsigned c = a % b;
        a = b;
        b = c;
    }
    return a;
}

static double sinc(double x) { return x == 0 ? 1 : sin(M_PI * x) / (M_PI * x); }

/* -1 .. 1 */
static double blackman(double x) { return fabs(x) >= 1 ? 0 : 0.42 + 0.5 * cos(M_PI * x) + 0.08 * cos(2 * M_PI * x); }

/* One row of taps per phase, each with the sum 1, so that a constant stays what it is. */
static void fill_table(struct bf_resampler *r)
{
    double cutoff = PASSBAND * (r->down > r->up ? (double)r->up / r->down : 1), half = r->taps / 2.0;
    for (unsigned p = 0; p < r->up; p++) {
        float *row = r->table + (size_t)p * r->taps;
        double sum = 0;
        for (unsigned i = 0; i < r->taps; i++) {
            double x = (double)i - (half - 1) - (double)p / r->up, v = sinc(x * cutoff) * blackman(x / half);
            row[i] = (float)v;
            sum += v;
        }
        for (unsigned i = 0; i < r->taps; i++)
            row[i] = (float)(row[i] / sum);
    }
}

struct bf_resampler *bf__resampler_create(unsigned rate, bool *ret_unusual)
{
    unsigned g = gcd(rate, BF_VOICE_RATE), up = BF_VOICE_RATE / g, down = rate / g;
    unsigned taps = (unsigned)ceil(2.0 * CROSSINGS * (down > up ? (double)down / up : 1));
    taps = (taps + LANES - 1) / LANES * LANES;
    *ret_unusual = (size_t)up * taps > TABLE_MAX;
    struct bf_resampler *r = *ret_unusual ? NULL : calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (struct bf_resampler){.up = up, .down = down, .taps = taps, .held = taps / 2 - 1};
    r->table = calloc((size_t)up * taps, sizeof *r->table);
    r->history = calloc(taps + BF_RESAMPLE_BLOCK, sizeof *r->history);
    r->out = calloc((size_t)(taps + BF_RESAMPLE_BLOCK) * up / down + 2, sizeof *r->out);
    if (r->table == NULL || r->history == NULL || r->out == NULL)
        bf__resampler_destroy(&r);
    else
        fill_table(r);
    return r;
}

void bf__resampler_destroy(struct bf_resampler **r)
{
    if (r == NULL || *r == NULL)
        return;
    free((*r)->table);
    free((*r)->history);
    free((*r)->out);
    free(*r);
    *r = NULL;
}

static float dot(const float *x, const float *y, unsigned n)
{
    v4 even = {0}, odd = {0}, a, b;
    for (unsigned i = 0; i < n; i += LANES) {
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, y + i, sizeof b);
        even += a * b;
        memcpy(&a, x + i + 4, sizeof a);
        memcpy(&b, y + i + 4, sizeof b);
        odd += a * b;
    }
    even += odd;
    return even[0] + even[1] + (even[2] + even[3]);
}

size_t bf__resampler_push(struct bf_resampler *r, const float *in, size_t n, const float **ret_out)
{
    size_t made = 0;
    assert(n <= BF_RESAMPLE_BLOCK && r->held <= r->taps);
    memcpy(r->history + r->held, in, n * sizeof *in);
    r->held += n;
    while (r->at + r->taps <= r->held) {
        r->out[made++] = dot(r->history + r->at, r->table + (size_t)r->phase * r->taps, r->taps);
        r->phase += r->down;
        r->at += r->phase / r->up;
        r->phase %= r->up;
    }
    size_t drop = r->at < r->held ? r->at : r->held;
    memmove(r->history, r->history + drop, (r->held - drop) * sizeof *r->history);
    r->held -= drop;
    r->at -= drop;
    *ret_out = r->out;
    return made;
}
