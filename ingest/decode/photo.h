/* SPDX-License-Identifier: Apache-2.0 */
/* From a stored picture to a preview-sized one, one file per format. All: `ret` is a limited-range picture as it lies in the file (not
 * turned), of the size bf__fit gives for BF_PHOTO_PREVIEW_SIDE; on refusal it is left empty. */
#pragma once
#include "ingest/decode/plane.h"
#include "ingest/decode/sniff.h"

bool bf__photo_jpeg(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret);
bool bf__photo_png(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret);
bool bf__photo_webp(struct bf_job *job, const struct bf_sniffed *s, struct bf_yuv *ret);
/* Also fills width, height and the EXIF of `s`, which only libheif can find. `ret` is upright: its boxes turn it, not EXIF. */
bool bf__photo_heic(struct bf_job *job, struct bf_sniffed *s, struct bf_yuv *ret);

/* Raises the memory limit to what a picture of known dimensions may need. */
bool bf__photo_heap(struct bf_job *job, uint64_t bytes);
bool bf__photo_no_memory(struct bf_job *job);

/* Rows of RGB or RGBA (on white), 8 bits, gathered into a preview. */
struct bf_rgb;
struct bf_rgb *bf__rgb_create(unsigned w, unsigned h);
void bf__rgb_row(struct bf_rgb *rgb, const unsigned char *row, unsigned channels);
bool bf__rgb_finish(struct bf_rgb *rgb, struct bf_yuv *ret); /* false: no memory */
void bf__rgb_destroy(struct bf_rgb **rgb);
