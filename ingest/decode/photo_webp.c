/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/photo.h"
#include <webp/decode.h>

static bool judge(struct bf_job *job, VP8StatusCode status)
{
    if (status == VP8_STATUS_OUT_OF_MEMORY)
        return bf__photo_no_memory(job);
    if (status == VP8_STATUS_NOT_ENOUGH_DATA || status == VP8_STATUS_SUSPENDED)
        return bf__refuse(job, BF_DECODE_TRUNCATED, "the WebP data ends before the picture does");
    return bf__refuse(job, BF_DECODE_UNREADABLE, "libwebp cannot read the picture");
}

static bool copy_scaled(const unsigned char *src, int stride, unsigned w, unsigned h, double extent_w, double extent_h, double dst_w,
                        double dst_h, struct bf_plane *dst)
{
    struct bf_scaler *s = bf__scaler_create(w, h, extent_w, extent_h, dst_w, dst_h, BF_RANGE_SAME, dst);
    struct bf_plane line = {0};
    bool ok = s != NULL && bf__plane_create(&line, w, 1);
    for (unsigned y = 0; ok && y < h; y++) {
        for (unsigned x = 0; x < w; x++)
            line.p[x] = src[(ptrdiff_t)stride * (ptrdiff_t)y + (ptrdiff_t)x];
        bf__scaler_row(s, line.p);
    }
    bf__plane_destroy(&line);
    bf__scaler_destroy(&s);
    return ok;
}

static bool from_planes(const struct WebPYUVABuffer *b, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    unsigned w = (unsigned)s->width, h = (unsigned)s->height, fit_w, fit_h;
    struct bf_yuv yuv;
    bf__fit(w, h, BF_PHOTO_PREVIEW_SIDE, &fit_w, &fit_h);
    if (!bf__yuv_create(&yuv, fit_w, fit_h))
        return false;
    bool ok = copy_scaled(b->y, b->y_stride, w, h, w, h, fit_w, fit_h, &yuv.y) &&
              copy_scaled(b->u, b->u_stride, (w + 1) / 2, (h + 1) / 2, w / 2.0, h / 2.0, fit_w / 2.0, fit_h / 2.0, &yuv.u) &&
              copy_scaled(b->v, b->v_stride, (w + 1) / 2, (h + 1) / 2, w / 2.0, h / 2.0, fit_w / 2.0, fit_h / 2.0, &yuv.v);
    if (ok)
        *ret = yuv;
    else
        bf__yuv_destroy(&yuv);
    return ok;
}

static bool from_rgba(const struct WebPRGBABuffer *b, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    struct bf_rgb *sink = bf__rgb_create((unsigned)s->width, (unsigned)s->height);
    if (sink == NULL)
        return false;
    for (unsigned y = 0; y < s->height; y++)
        bf__rgb_row(sink, b->rgba + (ptrdiff_t)b->stride * (ptrdiff_t)y, 4);
    bool ok = bf__rgb_finish(sink, ret);
    bf__rgb_destroy(&sink);
    return ok;
}

bool bf__photo_webp(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    WebPDecoderConfig config;
    uint64_t pixels = s->width * s->height;
    if (!bf__photo_heap(job, pixels * ((s->lossless || s->alpha ? 4 : 0) + (s->alpha ? 5 : 2))))
        return false;
    if (!WebPInitDecoderConfig(&config))
        return bf__refuse(job, BF_DECODE_UNREADABLE, "libwebp is of another version");
    config.output.colorspace = s->alpha ? MODE_RGBA : MODE_YUV;
    VP8StatusCode status = WebPDecode(job->bytes, job->request.input_bytes, &config);
    bool ok = status == VP8_STATUS_OK || judge(job, status);
    if (ok && ((uint64_t)config.output.width != s->width || (uint64_t)config.output.height != s->height))
        ok = bf__refuse(job, BF_DECODE_UNREADABLE, "the WebP states two sizes");
    if (ok && !(s->alpha ? from_rgba(&config.output.u.RGBA, s, ret) : from_planes(&config.output.u.YUVA, s, ret)))
        ok = bf__photo_no_memory(job);
    WebPFreeDecBuffer(&config.output);
    return ok;
}
