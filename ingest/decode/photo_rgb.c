/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/photo.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

enum { CHANNELS = 3 };

struct bf_rgb {
    unsigned w;
    struct bf_plane out[CHANNELS];
    struct bf_scaler *scaler[CHANNELS];
    unsigned char *line; /* one channel of one row */
};

struct bf_rgb *bf__rgb_create(unsigned w, unsigned h)
{
    unsigned fit_w, fit_h;
    struct bf_rgb *rgb = calloc(1, sizeof *rgb);
    bf__fit(w, h, BF_PHOTO_PREVIEW_SIDE, &fit_w, &fit_h);
    bool ok = rgb != NULL && (rgb->line = calloc(1, (size_t)w + BF_PLANE_SLACK)) != NULL;
    for (unsigned c = 0; ok && c < CHANNELS; c++)
        ok = bf__plane_create(&rgb->out[c], fit_w, fit_h) &&
             (rgb->scaler[c] = bf__scaler_create(w, h, w, h, fit_w, fit_h, BF_RANGE_SAME, &rgb->out[c])) != NULL;
    if (!ok)
        bf__rgb_destroy(&rgb);
    else
        rgb->w = w;
    return rgb;
}

void bf__rgb_destroy(struct bf_rgb **rgb)
{
    if (rgb == NULL || *rgb == NULL)
        return;
    for (unsigned c = 0; c < CHANNELS; c++) {
        bf__plane_destroy(&(*rgb)->out[c]);
        bf__scaler_destroy(&(*rgb)->scaler[c]);
    }
    free((*rgb)->line);
    free(*rgb);
    *rgb = NULL;
}

void bf__rgb_row(struct bf_rgb *rgb, const unsigned char *row, unsigned channels)
{
    assert(channels == 3 || channels == 4);
    for (unsigned c = 0; c < CHANNELS; c++) {
        for (unsigned x = 0; x < rgb->w; x++) {
            unsigned v = row[x * channels + c];
            rgb->line[x] = (unsigned char)(channels == 3 ? v : 255 - ((255 - v) * row[x * 4 + 3] + 127) / 255);
        }
        bf__scaler_row(rgb->scaler[c], rgb->line);
    }
}

static void copy_plane(struct bf_plane *to, const unsigned char *from, int stride)
{
    for (unsigned y = 0; y < to->h; y++)
        memcpy(to->p + (size_t)y * to->w, from + (ptrdiff_t)stride * (ptrdiff_t)y, to->w);
}

bool bf__rgb_finish(struct bf_rgb *rgb, struct bf_yuv *ret)
{
    unsigned w = rgb->out[0].w, h = rgb->out[0].h;
    unsigned char *packed = malloc((size_t)w * h * CHANNELS);
    WebPPicture picture;
    struct bf_yuv yuv;
    if (packed == NULL || !WebPPictureInit(&picture) || !bf__yuv_create(&yuv, w, h)) {
        free(packed);
        return false;
    }
    for (size_t i = 0; i < (size_t)w * h; i++)
        for (unsigned c = 0; c < CHANNELS; c++)
            packed[i * CHANNELS + c] = rgb->out[c].p[i];
    picture.width = (int)w;
    picture.height = (int)h;
    bool ok = WebPPictureImportRGB(&picture, packed, (int)w * CHANNELS) != 0;
    if (ok) {
        copy_plane(&yuv.y, picture.y, picture.y_stride);
        copy_plane(&yuv.u, picture.u, picture.uv_stride);
        copy_plane(&yuv.v, picture.v, picture.uv_stride);
        *ret = yuv;
    } else {
        bf__yuv_destroy(&yuv);
    }
    WebPPictureFree(&picture);
    free(packed);
    return ok;
}
