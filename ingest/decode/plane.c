/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/plane.h"
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Weights are Q14; rows between the two passes are Q6, so that overshoot of the negative lobes fits 16 bits. */
enum { LOBES = 3, WEIGHT_BITS = 14, ROW_BITS = 6, TAP_GROUP = 8 };

struct taps {
    unsigned first, n; /* source samples first .. first + n - 1 */
};

struct axis {
    struct taps *taps;
    int16_t *weights; /* `stride` per output sample, zero behind n */
    unsigned n, stride;
};

struct bf_scaler {
    struct axis across, down;
    struct bf_plane *dst;
    int16_t *ring; /* down.stride rows of dst->w samples, padded to TAP_GROUP */
    size_t ring_row;
    const int16_t **window; /* rows of the current output row, in order */
    unsigned src_h, rows_in, rows_out;
    int32_t bias;
};

bool bf__plane_create(struct bf_plane *plane, unsigned w, unsigned h)
{
    unsigned char *p = malloc((size_t)w * h + BF_PLANE_SLACK);
    if (p == NULL)
        return false;
    memset(p + (size_t)w * h, 0, BF_PLANE_SLACK);
    *plane = (struct bf_plane){.p = p, .w = w, .h = h};
    return true;
}

void bf__plane_destroy(struct bf_plane *plane)
{
    free(plane->p);
    *plane = (struct bf_plane){0};
}

bool bf__yuv_create(struct bf_yuv *yuv, unsigned w, unsigned h)
{
    *yuv = (struct bf_yuv){0};
    if (bf__plane_create(&yuv->y, w, h) && bf__plane_create(&yuv->u, (w + 1) / 2, (h + 1) / 2) &&
        bf__plane_create(&yuv->v, (w + 1) / 2, (h + 1) / 2))
        return true;
    bf__yuv_destroy(yuv);
    return false;
}

void bf__yuv_destroy(struct bf_yuv *yuv)
{
    bf__plane_destroy(&yuv->y);
    bf__plane_destroy(&yuv->u);
    bf__plane_destroy(&yuv->v);
}

void bf__fit(unsigned w, unsigned h, unsigned side, unsigned *ret_w, unsigned *ret_h)
{
    unsigned longer = w > h ? w : h;
    if (longer <= side) {
        *ret_w = w, *ret_h = h;
        return;
    }
    unsigned x = (unsigned)(((uint64_t)w * side + longer / 2) / longer), y = (unsigned)(((uint64_t)h * side + longer / 2) / longer);
    *ret_w = x == 0 ? 1 : x;
    *ret_h = y == 0 ? 1 : y;
}

static double lanczos(double x)
{
    if (x == 0)
        return 1;
    return fabs(x) >= LOBES ? 0 : LOBES * sin(M_PI * x) * sin(M_PI * x / LOBES) / (M_PI * M_PI * x * x);
}

/* Rounds to Q14 so that the sum is exactly `unity`: a flat area must not change its value by rounding. */
static void quantise(const double *exact, unsigned n, double sum, int unity, int16_t *out)
{
    int total = 0;
    unsigned largest = 0;
    for (unsigned i = 0; i < n; i++) {
        out[i] = (int16_t)lrint(exact[i] / sum * unity);
        total += out[i];
        if (out[i] > out[largest])
            largest = i;
    }
    out[largest] = (int16_t)(out[largest] + unity - total);
}

static bool axis_init(struct axis *a, unsigned src, unsigned dst, double ratio, double gain)
{
    double stretch = ratio > 1 ? ratio : 1, reach = LOBES * stretch;
    unsigned room = (unsigned)ceil(2 * reach) + 2;
    room = (room + TAP_GROUP - 1) / TAP_GROUP * TAP_GROUP;
    *a = (struct axis){.n = dst, .stride = room};
    a->taps = calloc(dst, sizeof *a->taps);
    a->weights = calloc((size_t)dst * room, sizeof *a->weights);
    double *exact = calloc(room, sizeof *exact);
    bool ok = a->taps != NULL && a->weights != NULL && exact != NULL;
    for (unsigned i = 0; ok && i < dst; i++) {
        double centre = (i + 0.5) * ratio - 0.5, sum = 0;
        int from = (int)ceil(centre - reach), to = (int)floor(centre + reach);
        from = from < 0 ? 0 : from > (int)src - 1 ? (int)src - 1 : from;
        to = to > (int)src - 1 ? (int)src - 1 : to < from ? from : to;
        for (int j = from; j <= to; j++)
            sum += exact[j - from] = from == to ? 1 : lanczos((j - centre) / stretch);
        a->taps[i] = (struct taps){.first = (unsigned)from, .n = (unsigned)(to - from + 1)};
        quantise(exact, a->taps[i].n, sum, (int)lrint(gain * (1 << WEIGHT_BITS)), a->weights + (size_t)i * room);
    }
    free(exact);
    return ok;
}

struct bf_scaler *bf__scaler_create(unsigned src_w, unsigned src_h, double extent_w, double extent_h, double dst_extent_w,
                                    double dst_extent_h, enum bf_range range, struct bf_plane *dst)
{
    static const double gain[] = {1, 219.0 / 255, 224.0 / 255}, offset[] = {0, 16, 128 - 128 * 224.0 / 255};
    struct bf_scaler *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->dst = dst;
    s->src_h = src_h;
    s->ring_row = (dst->w + TAP_GROUP - 1) / TAP_GROUP * TAP_GROUP;
    s->bias = (int32_t)lrint((offset[range] + 0.5) * (1 << (ROW_BITS + WEIGHT_BITS)));
    bool ok = axis_init(&s->across, src_w, dst->w, extent_w / dst_extent_w, 1) &&
              axis_init(&s->down, src_h, dst->h, extent_h / dst_extent_h, gain[range]);
    if (ok) {
        s->ring = calloc(s->ring_row * s->down.stride, sizeof *s->ring);
        s->window = calloc(s->down.stride, sizeof *s->window);
    }
    if (s->ring == NULL || s->window == NULL)
        bf__scaler_destroy(&s);
    return s;
}

void bf__scaler_destroy(struct bf_scaler **s)
{
    if (s == NULL || *s == NULL)
        return;
    free((*s)->across.taps);
    free((*s)->across.weights);
    free((*s)->down.taps);
    free((*s)->down.weights);
    free((*s)->ring);
    free((*s)->window);
    free(*s);
    *s = NULL;
}

#ifdef __SSE2__
static int32_t dot(const unsigned char *src, const int16_t *weights, unsigned n)
{
    __m128i sum = _mm_setzero_si128(), zero = _mm_setzero_si128();
    for (unsigned i = 0; i < n; i += TAP_GROUP) {
        __m128i v = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(const void *)(src + i)), zero);
        sum = _mm_add_epi32(sum, _mm_madd_epi16(v, _mm_loadu_si128((const __m128i *)(const void *)(weights + i))));
    }
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(sum);
}
#else
static int32_t dot(const unsigned char *src, const int16_t *weights, unsigned n)
{
    int32_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += src[i] * weights[i];
    return sum;
}
#endif

static void filter_across(const struct bf_scaler *s, const unsigned char *row, int16_t *out)
{
    const struct axis *a = &s->across;
    const int32_t half = 1 << (WEIGHT_BITS - ROW_BITS - 1);
    for (unsigned i = 0; i < a->n; i++)
        out[i] =
            (int16_t)((dot(row + a->taps[i].first, a->weights + (size_t)i * a->stride, a->taps[i].n) + half) >> (WEIGHT_BITS - ROW_BITS));
}

#ifdef __SSE2__
/* Eight columns of a pair of rows at a time; the number of rows is even here (a zero weight pads it). */
static void filter_columns(const int16_t *const *rows, const int16_t *weights, unsigned n, int32_t bias, size_t x,
                           unsigned char out[TAP_GROUP])
{
    __m128i lo = _mm_set1_epi32(bias), hi = lo;
    for (unsigned i = 0; i < n; i += 2) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(rows[i] + x)),
                b = _mm_loadu_si128((const __m128i *)(const void *)(rows[i + 1] + x));
        __m128i w = _mm_set1_epi32((int32_t)((uint32_t)(uint16_t)weights[i + 1] << 16 | (uint16_t)weights[i]));
        lo = _mm_add_epi32(lo, _mm_madd_epi16(_mm_unpacklo_epi16(a, b), w));
        hi = _mm_add_epi32(hi, _mm_madd_epi16(_mm_unpackhi_epi16(a, b), w));
    }
    __m128i v = _mm_packs_epi32(_mm_srai_epi32(lo, ROW_BITS + WEIGHT_BITS), _mm_srai_epi32(hi, ROW_BITS + WEIGHT_BITS));
    _mm_storel_epi64((__m128i *)(void *)out, _mm_packus_epi16(v, v));
}
#else
static void filter_columns(const int16_t *const *rows, const int16_t *weights, unsigned n, int32_t bias, size_t x,
                           unsigned char out[TAP_GROUP])
{
    for (unsigned k = 0; k < TAP_GROUP; k++) {
        int32_t sum = bias;
        for (unsigned i = 0; i < n; i++)
            sum += rows[i][x + k] * weights[i];
        sum >>= ROW_BITS + WEIGHT_BITS;
        out[k] = (unsigned char)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}
#endif

static void filter_down(struct bf_scaler *s)
{
    const struct taps *t = &s->down.taps[s->rows_out];
    const int16_t *weights = s->down.weights + (size_t)s->rows_out * s->down.stride;
    unsigned n = (t->n + 1) & ~1U, w = s->dst->w;
    unsigned char *out = s->dst->p + (size_t)s->rows_out * w, last[TAP_GROUP];
    for (unsigned i = 0; i < n; i++)
        s->window[i] = s->ring + s->ring_row * ((t->first + (i < t->n ? i : 0)) % s->down.stride);
    size_t x = 0;
    for (; x + TAP_GROUP <= w; x += TAP_GROUP)
        filter_columns(s->window, weights, n, s->bias, x, out + x);
    if (x < w) {
        filter_columns(s->window, weights, n, s->bias, x, last);
        memcpy(out + x, last, w - x);
    }
    s->rows_out++;
}

void bf__scaler_row(struct bf_scaler *s, const unsigned char *row)
{
    assert(s->rows_in < s->src_h);
    filter_across(s, row, s->ring + s->ring_row * (s->rows_in % s->down.stride));
    s->rows_in++;
    while (s->rows_out < s->dst->h && s->down.taps[s->rows_out].first + s->down.taps[s->rows_out].n <= s->rows_in)
        filter_down(s);
}

bool bf__plane_scale(const struct bf_plane *src, double extent_w, double extent_h, double dst_extent_w, double dst_extent_h,
                     enum bf_range range, struct bf_plane *dst)
{
    struct bf_scaler *s = bf__scaler_create(src->w, src->h, extent_w, extent_h, dst_extent_w, dst_extent_h, range, dst);
    if (s == NULL)
        return false;
    for (unsigned y = 0; y < src->h; y++)
        bf__scaler_row(s, src->p + (size_t)y * src->w);
    bf__scaler_destroy(&s);
    return true;
}

bool bf__yuv_scale(const struct bf_yuv *src, struct bf_yuv *dst)
{
    double w = src->y.w, h = src->y.h, dw = dst->y.w, dh = dst->y.h;
    return bf__plane_scale(&src->y, w, h, dw, dh, BF_RANGE_SAME, &dst->y) &&
           bf__plane_scale(&src->u, w / 2, h / 2, dw / 2, dh / 2, BF_RANGE_SAME, &dst->u) &&
           bf__plane_scale(&src->v, w / 2, h / 2, dw / 2, dh / 2, BF_RANGE_SAME, &dst->v);
}

/* Where the sample of the upright picture at (x, y) lies in the stored one: start + x * dx + y * dy. */
static bool turn(struct bf_plane *plane, unsigned orientation)
{
    const ptrdiff_t w = plane->w, h = plane->h, end_x = w - 1, end_y = (h - 1) * w;
    const struct {
        ptrdiff_t start, dx, dy;
    } walk[] = {{0, 1, w}, {end_x, -1, w}, {end_x + end_y, -1, -w}, {end_y, 1, -w},
                {0, w, 1}, {end_y, -w, 1}, {end_x + end_y, -w, -1}, {end_x, w, -1}};
    bool swaps = orientation >= 5;
    struct bf_plane upright;
    if (!bf__plane_create(&upright, swaps ? plane->h : plane->w, swaps ? plane->w : plane->h))
        return false;
    const unsigned char *from = plane->p + walk[orientation - 1].start;
    unsigned char *to = upright.p;
    for (unsigned y = 0; y < upright.h; y++, from += walk[orientation - 1].dy)
        for (unsigned x = 0; x < upright.w; x++)
            *to++ = from[(ptrdiff_t)x * walk[orientation - 1].dx];
    bf__plane_destroy(plane);
    *plane = upright;
    return true;
}

bool bf__yuv_turn(struct bf_yuv *yuv, unsigned orientation)
{
    assert(orientation >= 1 && orientation <= 8);
    return orientation == 1 || (turn(&yuv->y, orientation) && turn(&yuv->u, orientation) && turn(&yuv->v, orientation));
}
