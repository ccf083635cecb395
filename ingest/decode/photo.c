/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/photo.h"
#include "ingest/decode/exif.h"
#include "ingest/decode/legible.h"
#include "ingest/decode/sandbox.h"
#include <stdlib.h>
#include <webp/encode.h>

enum { WEBP_METHOD = 2, HEAP_FLOOR = 40 << 20 };

bool bf__photo_heap(struct bf_job *job, uint64_t bytes)
{
    if (bf__sandbox_heap(job->mapped_at_entry, HEAP_FLOOR + bytes))
        return true;
    return bf__photo_no_memory(job);
}

bool bf__photo_no_memory(struct bf_job *job) { return bf__refuse(job, BF_DECODE_MEMORY, "the picture needs more memory than it may have"); }

static bool decode(struct bf_job *job, struct bf_sniffed *s, struct bf_yuv *ret)
{
    switch (s->type) {
    case BF_MEDIA_JPEG:
        return bf__photo_jpeg(job, s, ret);
    case BF_MEDIA_PNG:
        return bf__photo_png(job, s, ret);
    case BF_MEDIA_WEBP:
        return bf__photo_webp(job, s, ret);
    default:
        return bf__photo_heic(job, s, ret);
    }
}

struct part {
    struct bf_job *job;
    unsigned index;
};

static int write_part(const uint8_t *data, size_t n, const WebPPicture *picture)
{
    const struct part *part = picture->custom_ptr;
    return bf__part_add(part->job, part->index, data, n);
}

static bool encode(struct bf_job *job, struct bf_yuv *yuv, unsigned part)
{
    WebPConfig config;
    WebPPicture picture;
    if (!bf__part_begin(job, part) || !WebPConfigInit(&config) || !WebPPictureInit(&picture))
        return bf__refuse(job, BF_DECODE_UNREADABLE, "libwebp is of another version");
    config.quality = BF_PHOTO_QUALITY;
    config.method = WEBP_METHOD;
    picture.width = (int)yuv->y.w;
    picture.height = (int)yuv->y.h;
    picture.y = yuv->y.p;
    picture.u = yuv->u.p;
    picture.v = yuv->v.p;
    picture.y_stride = (int)yuv->y.w;
    picture.uv_stride = (int)yuv->u.w;
    picture.writer = write_part;
    picture.custom_ptr = &(struct part){.job = job, .index = part};
    bool ok = WebPEncode(&config, &picture) != 0;
    WebPPictureFree(&picture);
    return ok || bf__photo_no_memory(job);
}

static bool derive(struct bf_job *job, struct bf_yuv *preview)
{
    struct bf_decode_photo *photo = &job->result.u.photo;
    struct bf_yuv thumb = {0};
    photo->preview_w = preview->y.w;
    photo->preview_h = preview->y.h;
    bf__fit(preview->y.w, preview->y.h, BF_PHOTO_THUMB_SIDE, &photo->thumb_w, &photo->thumb_h);
    bool ok = encode(job, preview, 0);
    if (ok)
        ok = (bf__yuv_create(&thumb, photo->thumb_w, photo->thumb_h) && bf__yuv_scale(preview, &thumb)) || bf__photo_no_memory(job);
    ok = ok && encode(job, &thumb, 1);
    bf__yuv_destroy(&thumb);
    return ok;
}

bool bf__photo(struct bf_job *job)
{
    struct bf_decode_photo *photo = &job->result.u.photo;
    struct bf_sniffed s;
    struct bf_yuv preview = {0};
    photo->orientation = 1;
    if (job->request.input_bytes > BF_PHOTO_BYTES_MAX)
        return bf__refuse(job, BF_DECODE_TOO_LARGE, "the picture has more than 25 million bytes");
    if (!bf__sniff_photo(job, job->bytes, job->request.input_bytes, &s) || !decode(job, &s, &preview))
        return false;
    if (s.exif != NULL)
        bf__exif_read(s.exif, s.exif_bytes, photo);
    if (s.type == BF_MEDIA_HEIC)
        photo->orientation = 1;
    bool swaps = photo->orientation >= 5;
    photo->width = (uint32_t)(swaps ? s.height : s.width);
    photo->height = (uint32_t)(swaps ? s.width : s.height);
    bool ok = (bf__yuv_turn(&preview, photo->orientation) && bf__legible(&preview.y, &photo->legibility)) || bf__photo_no_memory(job);
    ok = ok && derive(job, &preview);
    bf__yuv_destroy(&preview);
    return ok;
}
