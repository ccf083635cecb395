/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/plane.h"
#include "tests/bench/decode/bare.h"
#include <stdlib.h>
#include <turbojpeg.h>
#include <webp/encode.h>

enum { PREVIEW = 1600, THUMB = 320, QUALITY = 75, METHOD = 2 };

static size_t encode(struct bf_yuv *yuv)
{
    WebPConfig config;
    WebPPicture picture;
    WebPMemoryWriter out;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        return 0;
    WebPMemoryWriterInit(&out);
    config.quality = QUALITY;
    config.method = METHOD;
    picture.width = (int)yuv->y.w;
    picture.height = (int)yuv->y.h;
    picture.y = yuv->y.p;
    picture.u = yuv->u.p;
    picture.v = yuv->v.p;
    picture.y_stride = (int)yuv->y.w;
    picture.uv_stride = (int)yuv->u.w;
    picture.writer = WebPMemoryWrite;
    picture.custom_ptr = &out;
    size_t n = WebPEncode(&config, &picture) ? out.size : 0;
    WebPMemoryWriterClear(&out);
    return n;
}

static bool decode_half(const unsigned char *jpeg, size_t n, struct bf_plane half[3], int *ret_w, int *ret_h)
{
    int w, h, subsampling, colorspace;
    unsigned char *p[3];
    tjhandle tj = tjInitDecompress();
    bool ok = tj != NULL && tjDecompressHeader3(tj, jpeg, n, &w, &h, &subsampling, &colorspace) == 0 && subsampling == TJSAMP_420;
    if (ok)
        w = (w + 1) / 2, h = (h + 1) / 2;
    for (int i = 0; ok && i < 3; i++) {
        ok = bf__plane_create(&half[i], (unsigned)tjPlaneWidth(i, w, subsampling), (unsigned)tjPlaneHeight(i, h, subsampling));
        p[i] = half[i].p;
    }
    ok = ok && tjDecompressToYUVPlanes(tj, jpeg, n, p, w, NULL, h, 0) == 0;
    if (tj != NULL)
        tjDestroy(tj);
    *ret_w = w;
    *ret_h = h;
    return ok;
}

size_t bare_photo(const unsigned char *jpeg, size_t n)
{
    struct bf_plane half[3] = {{0}};
    struct bf_yuv preview = {0}, thumb = {0};
    unsigned w, h, tw, th;
    int half_w, half_h;
    size_t made = 0;
    if (decode_half(jpeg, n, half, &half_w, &half_h)) {
        bf__fit((unsigned)half_w, (unsigned)half_h, PREVIEW, &w, &h);
        bf__fit(w, h, THUMB, &tw, &th);
        if (bf__yuv_create(&preview, w, h) && bf__yuv_create(&thumb, tw, th) &&
            bf__plane_scale(&half[0], half_w, half_h, w, h, BF_RANGE_LUMA, &preview.y) &&
            bf__plane_scale(&half[1], half_w / 2.0, half_h / 2.0, w / 2.0, h / 2.0, BF_RANGE_CHROMA, &preview.u) &&
            bf__plane_scale(&half[2], half_w / 2.0, half_h / 2.0, w / 2.0, h / 2.0, BF_RANGE_CHROMA, &preview.v) &&
            bf__yuv_scale(&preview, &thumb)) {
            size_t a = encode(&preview), b = encode(&thumb);
            made = a == 0 || b == 0 ? 0 : a + b;
        }
    }
    for (unsigned i = 0; i < 3; i++)
        bf__plane_destroy(&half[i]);
    bf__yuv_destroy(&preview);
    bf__yuv_destroy(&thumb);
    return made;
}
