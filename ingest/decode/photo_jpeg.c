/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG by the planar path: libjpeg-turbo shrinks in the DCT and hands out its own Y, Cb and Cr planes, each is resampled alone, and libwebp
 * takes them as they are. There is no RGB in between, which saves about a sixth of the time and two thirds of the memory. */
#include "ingest/decode/photo.h"
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

struct jpeg {
    tjhandle tj;
    int w, h, subsampling, colorspace;
    int scaled_w, scaled_h;
};

static bool judge(struct bf_job *job, tjhandle tj)
{
    const char *words = tjGetErrorStr2(tj);
    if (strstr(words, "nsufficient memory") != NULL || strstr(words, "allocation") != NULL)
        return bf__photo_no_memory(job);
    if (strstr(words, "premature end") != NULL || strstr(words, "Premature end") != NULL)
        return bf__refuse(job, BF_DECODE_TRUNCATED, "the JPEG data ends before the picture does");
    if (tjGetErrorCode(tj) == TJERR_WARNING)
        return true;
    return bf__refuse(job, BF_DECODE_UNREADABLE, "libjpeg-turbo cannot read the picture");
}

/* The strongest of 1/1, 1/2, 1/4, 1/8 that leaves at least the preview's size. */
static void choose_scale(struct jpeg *j)
{
    int longer = j->w > j->h ? j->w : j->h, denominator = 1;
    while (denominator < 8 && (longer + denominator * 2 - 1) / (denominator * 2) >= BF_PHOTO_PREVIEW_SIDE)
        denominator *= 2;
    j->scaled_w = (j->w + denominator - 1) / denominator;
    j->scaled_h = (j->h + denominator - 1) / denominator;
}

static bool decode_planes(struct bf_job *job, const struct jpeg *j, struct bf_plane planes[3])
{
    unsigned char *p[3] = {NULL, NULL, NULL};
    unsigned n = j->subsampling == TJSAMP_GRAY ? 1 : 3;
    for (unsigned i = 0; i < n; i++) {
        int w = tjPlaneWidth((int)i, j->scaled_w, j->subsampling), h = tjPlaneHeight((int)i, j->scaled_h, j->subsampling);
        if (w <= 0 || h <= 0 || !bf__plane_create(&planes[i], (unsigned)w, (unsigned)h))
            return bf__photo_no_memory(job);
        p[i] = planes[i].p;
    }
    if (tjDecompressToYUVPlanes(j->tj, job->bytes, job->request.input_bytes, p, j->scaled_w, NULL, j->scaled_h, 0) == 0)
        return true;
    return judge(job, j->tj);
}

/* tjPlaneWidth rounds up to whole blocks of the subsampling; the picture covers less. */
static double chroma_extent(int luma, int factor) { return (double)luma / factor; }

static bool scale_planes(const struct jpeg *j, const struct bf_plane src[3], struct bf_yuv *yuv)
{
    double w = j->scaled_w, h = j->scaled_h, dw = yuv->y.w, dh = yuv->y.h;
    if (!bf__plane_scale(&src[0], w, h, dw, dh, BF_RANGE_LUMA, &yuv->y))
        return false;
    if (j->subsampling == TJSAMP_GRAY) {
        memset(yuv->u.p, 128, (size_t)yuv->u.w * yuv->u.h);
        memset(yuv->v.p, 128, (size_t)yuv->v.w * yuv->v.h);
        return true;
    }
    double cw = chroma_extent(j->scaled_w, tjMCUWidth[j->subsampling] / 8),
           ch = chroma_extent(j->scaled_h, tjMCUHeight[j->subsampling] / 8);
    return bf__plane_scale(&src[1], cw, ch, dw / 2, dh / 2, BF_RANGE_CHROMA, &yuv->u) &&
           bf__plane_scale(&src[2], cw, ch, dw / 2, dh / 2, BF_RANGE_CHROMA, &yuv->v);
}

static bool planar(struct bf_job *job, const struct jpeg *j, struct bf_yuv *ret)
{
    unsigned fit_w, fit_h;
    struct bf_plane src[3] = {{0}};
    struct bf_yuv yuv = {0};
    bf__fit((unsigned)j->w, (unsigned)j->h, BF_PHOTO_PREVIEW_SIDE, &fit_w, &fit_h);
    bool ok = decode_planes(job, j, src);
    if (ok)
        ok = (bf__yuv_create(&yuv, fit_w, fit_h) && scale_planes(j, src, &yuv)) || bf__photo_no_memory(job);
    for (unsigned i = 0; i < 3; i++)
        bf__plane_destroy(&src[i]);
    if (ok)
        *ret = yuv;
    else
        bf__yuv_destroy(&yuv);
    return ok;
}

/* Adobe's CMYK is stored inverted, so that each of C, M, Y times K is R, G, B. */
static void cmyk_to_rgb(unsigned char *row, int w)
{
    for (int x = 0; x < w; x++)
        for (int c = 0; c < 3; c++)
            row[x * 3 + c] = (unsigned char)(row[x * 4 + c] * row[x * 4 + 3] / 255);
}

/* Colour spaces that no phone writes, but a scanner may: by way of RGB. */
static bool packed(struct bf_job *job, const struct jpeg *j, struct bf_yuv *ret)
{
    bool rgb = j->colorspace == TJCS_RGB;
    size_t stride = (size_t)j->w * (rgb ? 3 : 4);
    unsigned char *pixels = malloc(stride * (size_t)j->h);
    struct bf_rgb *sink = bf__rgb_create((unsigned)j->w, (unsigned)j->h);
    bool ok = (pixels != NULL && sink != NULL) || bf__photo_no_memory(job);
    ok = ok &&
         (tjDecompress2(j->tj, job->bytes, job->request.input_bytes, pixels, j->w, (int)stride, j->h, rgb ? TJPF_RGB : TJPF_CMYK, 0) == 0 ||
          judge(job, j->tj));
    for (int y = 0; ok && y < j->h; y++) {
        if (!rgb)
            cmyk_to_rgb(pixels + stride * (size_t)y, j->w);
        bf__rgb_row(sink, pixels + stride * (size_t)y, 3);
    }
    ok = ok && (bf__rgb_finish(sink, ret) || bf__photo_no_memory(job));
    bf__rgb_destroy(&sink);
    free(pixels);
    return ok;
}

bool bf__photo_jpeg(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    struct jpeg j = {.tj = tjInitDecompress()};
    bool ok = j.tj != NULL || bf__photo_no_memory(job);
    if (ok && tjDecompressHeader3(j.tj, job->bytes, job->request.input_bytes, &j.w, &j.h, &j.subsampling, &j.colorspace) < 0)
        ok = judge(job, j.tj);
    ok = ok &&
         ((uint64_t)j.w == s->width && (uint64_t)j.h == s->height ? true
                                                                  : bf__refuse(job, BF_DECODE_UNREADABLE, "the JPEG states two sizes"));
    if (ok) {
        uint64_t pixels = s->width * s->height;
        bool plain = (j.colorspace == TJCS_YCbCr || j.colorspace == TJCS_GRAY) && j.subsampling >= 0;
        choose_scale(&j);
        ok = bf__photo_heap(job, (s->in_passes ? pixels * s->components * 2 : 0) +
                                     (plain ? (uint64_t)j.scaled_w * (uint64_t)j.scaled_h * 3 : pixels * 4)) &&
             (plain ? planar(job, &j, ret) : packed(job, &j, ret));
    }
    if (j.tj != NULL)
        tjDestroy(j.tj);
    return ok;
}
