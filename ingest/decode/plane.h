/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Planes of 8-bit samples, resized by Lanczos-3 in fixed point, one row at a time: rows go in from the top, the filtered plane fills
 * behind them. What is held is the output and one window of filtered rows, however large the source is.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { BF_PLANE_SLACK = 16 }; /* readable bytes that every source row must have behind its last sample */

struct bf_plane {
    unsigned char *p; /* rows without gaps; BF_PLANE_SLACK bytes behind the last */
    unsigned w, h;
};

/* A picture as libwebp wants it: BT.601, limited range, 4:2:0; u and v are (w + 1) / 2 by (h + 1) / 2. */
struct bf_yuv {
    struct bf_plane y, u, v;
};

bool bf__plane_create(struct bf_plane *plane, unsigned w, unsigned h); /* false: no memory */
void bf__plane_destroy(struct bf_plane *plane);                        /* a zeroed plane is fine */
bool bf__yuv_create(struct bf_yuv *yuv, unsigned w, unsigned h);
void bf__yuv_destroy(struct bf_yuv *yuv);

/* Turns by an EXIF orientation (1 to 8), so that the picture stands upright; false: no memory, and the picture is of no use any more. */
bool bf__yuv_turn(struct bf_yuv *yuv, unsigned orientation);

/* The size that fits into a square of `side`, keeping the ratio; never larger than w x h. */
void bf__fit(unsigned w, unsigned h, unsigned side, unsigned *ret_w, unsigned *ret_h);

enum bf_range { BF_RANGE_SAME, BF_RANGE_LUMA, BF_RANGE_CHROMA }; /* JPEG's full range to the limited one, as part of the last filter */

struct bf_scaler;

/* Source of `src_w` x `src_h` samples, of which `extent_w` x `extent_h` (maybe half a sample less) are picture, onto all of `dst` but
 * for its own half sample: a chroma plane of an odd picture covers (w / 2.0), not (w + 1) / 2. NULL: no memory. `dst` must outlive it. */
struct bf_scaler *bf__scaler_create(unsigned src_w, unsigned src_h, double extent_w, double extent_h, double dst_extent_w,
                                    double dst_extent_h, enum bf_range range, struct bf_plane *dst);
void bf__scaler_row(struct bf_scaler *s, const unsigned char *row); /* the next of src_h rows */
void bf__scaler_destroy(struct bf_scaler **s);

/* A whole plane at once. */
bool bf__plane_scale(const struct bf_plane *src, double extent_w, double extent_h, double dst_extent_w, double dst_extent_h,
                     enum bf_range range, struct bf_plane *dst);
/* A limited-range picture onto a smaller one. */
bool bf__yuv_scale(const struct bf_yuv *src, struct bf_yuv *dst);
