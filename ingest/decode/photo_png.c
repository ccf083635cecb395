/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/photo.h"
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { CHANNELS = 4, CHUNK_BYTES_MAX = 4 << 20, CHUNKS_MAX = 1000 };

struct reader {
    struct bf_job *job;
    size_t at;
    png_structp png;
    png_infop info;
    struct bf_rgb *sink;
    unsigned char *rows; /* one row; all of them when interlaced */
    unsigned w, h;
    bool memory;
};

static void read_bytes(png_structp png, png_bytep out, size_t n)
{
    struct reader *r = png_get_io_ptr(png);
    if (n > r->job->request.input_bytes - r->at)
        png_error(png, "end of input");
    memcpy(out, r->job->bytes + r->at, n);
    r->at += n;
}

static void on_error(png_structp png, png_const_charp words)
{
    struct reader *r = png_get_error_ptr(png);
    if (strstr(words, "memory") != NULL)
        r->memory = true;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
    (void)png;
    (void)words;
}

/* Whatever the file holds arrives as 8-bit RGBA. */
static int set_up(struct reader *r)
{
    png_set_user_limits(r->png, BF_PHOTO_SIDE_MAX, BF_PHOTO_SIDE_MAX);
    png_set_chunk_malloc_max(r->png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(r->png, CHUNKS_MAX);
    png_set_read_fn(r->png, r, read_bytes);
    png_read_info(r->png, r->info);
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    png_set_gray_to_rgb(r->png);
    png_set_add_alpha(r->png, 0xff, PNG_FILLER_AFTER);
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    if (png_get_rowbytes(r->png, r->info) != (size_t)r->w * CHANNELS || png_get_image_height(r->png, r->info) != r->h)
        png_error(r->png, "another size than the header's");
    return passes;
}

/* A function of its own, since what setjmp's caller holds in registers is lost. */
static bool read_rows(struct reader *r)
{
    if (setjmp(png_jmpbuf(r->png)))
        return false;
    int passes = set_up(r);
    size_t stride = (size_t)r->w * CHANNELS;
    bool whole = passes > 1;
    for (int pass = 0; whole && pass < passes - 1; pass++)
        for (unsigned y = 0; y < r->h; y++)
            png_read_row(r->png, r->rows + stride * y, NULL);
    for (unsigned y = 0; y < r->h; y++) {
        unsigned char *row = r->rows + (whole ? stride * y : 0);
        png_read_row(r->png, row, NULL);
        bf__rgb_row(r->sink, row, CHANNELS);
    }
    png_read_end(r->png, NULL);
    return true;
}

bool bf__photo_png(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret)
{
    struct reader r = {.job = job, .w = (unsigned)s->width, .h = (unsigned)s->height};
    uint64_t rows = s->width * CHANNELS * (s->in_passes ? s->height : 1);
    if (!bf__photo_heap(job, rows + s->width * 16))
        return false;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning);
    r.info = r.png == NULL ? NULL : png_create_info_struct(r.png);
    r.sink = bf__rgb_create(r.w, r.h);
    r.rows = calloc(1, rows);
    bool ok = (r.info != NULL && r.sink != NULL && r.rows != NULL) || bf__photo_no_memory(job);
    if (ok && !read_rows(&r))
        ok = r.memory ? bf__photo_no_memory(job) : bf__refuse(job, BF_DECODE_UNREADABLE, "libpng cannot read the picture");
    ok = ok && (bf__rgb_finish(r.sink, ret) || bf__photo_no_memory(job));
    bf__rgb_destroy(&r.sink);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.rows);
    return ok;
}
