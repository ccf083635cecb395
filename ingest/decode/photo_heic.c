/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/photo.h"
#include "ingest/decode/exif.h"
#include <libheif/heif.h>
#include <stdlib.h>

enum { EXIF_BYTES_MAX = 1 << 20, HEAP_PER_PIXEL = 10, HEAP_FIXED = 32 << 20 };

static bool judge(struct bf_job *job, struct heif_error e)
{
    if (e.code == heif_error_Memory_allocation_error)
        return bf__photo_no_memory(job);
    if (e.subcode == heif_suberror_End_of_data)
        return bf__refuse(job, BF_DECODE_TRUNCATED, "the HEIC data ends before the picture does");
    return bf__refuse(job, BF_DECODE_UNREADABLE, "libheif cannot read the picture");
}

/* The item begins with the four-byte offset of the TIFF header (ISO 23008-12 annex A). `ret_owned` is the memory behind s->exif. */
static void find_exif(const struct heif_image_handle *handle, struct bf_sniffed *s, unsigned char **ret_owned)
{
    heif_item_id id;
    if (heif_image_handle_get_list_of_metadata_block_IDs(handle, "Exif", &id, 1) != 1)
        return;
    size_t n = heif_image_handle_get_metadata_size(handle, id);
    if (n < 4 || n > EXIF_BYTES_MAX || (*ret_owned = malloc(n)) == NULL)
        return;
    const unsigned char *p = *ret_owned;
    if (heif_image_handle_get_metadata(handle, id, *ret_owned).code != heif_error_Ok)
        return;
    size_t skip = 4 + ((size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
    if (skip < n) {
        s->exif = p + skip;
        s->exif_bytes = n - skip;
    }
}

static bool decode(struct bf_job *job, const struct heif_image_handle *handle, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    struct heif_image *image = NULL;
    struct heif_error e = heif_decode_image(handle, &image, heif_colorspace_RGB, heif_chroma_interleaved_RGB, NULL);
    if (e.code != heif_error_Ok)
        return judge(job, e);
    int stride = 0;
    const unsigned char *p = heif_image_get_plane_readonly(image, heif_channel_interleaved, &stride);
    bool same = p != NULL && (uint64_t)heif_image_get_primary_width(image) == s->width &&
                (uint64_t)heif_image_get_primary_height(image) == s->height;
    bool ok = same || bf__refuse(job, BF_DECODE_UNREADABLE, "the HEIC states two sizes");
    struct bf_rgb *sink = ok ? bf__rgb_create((unsigned)s->width, (unsigned)s->height) : NULL;
    for (unsigned y = 0; sink != NULL && y < s->height; y++)
        bf__rgb_row(sink, p + (ptrdiff_t)stride * (ptrdiff_t)y, 3);
    ok = ok && ((sink != NULL && bf__rgb_finish(sink, ret)) || bf__photo_no_memory(job));
    bf__rgb_destroy(&sink);
    heif_image_release(image);
    return ok;
}

static bool with_handle(struct bf_job *job, const struct heif_image_handle *handle, struct bf_sniffed *s, struct bf_yuv *ret)
{
    int w = heif_image_handle_get_width(handle), h = heif_image_handle_get_height(handle);
    unsigned char *exif = NULL;
    s->width = w > 0 ? (uint64_t)w : 0;
    s->height = h > 0 ? (uint64_t)h : 0;
    if (!bf__sniff_caps(job, s) || !bf__photo_heap(job, s->width * s->height * HEAP_PER_PIXEL + HEAP_FIXED))
        return false;
    find_exif(handle, s, &exif);
    if (s->exif != NULL)
        bf__exif_read(s->exif, s->exif_bytes, &job->result.u.photo);
    s->exif = NULL;
    free(exif);
    return decode(job, handle, s, ret);
}

bool bf__photo_heic(struct bf_job *job, struct bf_sniffed *s, struct bf_yuv *ret)
{
    struct heif_context *context = heif_context_alloc();
    struct heif_image_handle *handle = NULL;
    if (context == NULL)
        return bf__photo_no_memory(job);
    heif_context_set_max_decoding_threads(context, 0);
    heif_context_set_maximum_image_size_limit(context, BF_PHOTO_SIDE_MAX);
    struct heif_error e = heif_context_read_from_memory_without_copy(context, job->bytes, job->request.input_bytes, NULL);
    if (e.code == heif_error_Ok)
        e = heif_context_get_primary_image_handle(context, &handle);
    bool ok = e.code == heif_error_Ok ? with_handle(job, handle, s, ret) : judge(job, e);
    heif_image_handle_release(handle);
    heif_context_free(context);
    return ok;
}
