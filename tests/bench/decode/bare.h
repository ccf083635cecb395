/* SPDX-License-Identifier: Apache-2.0 */
/* The same work as baifang-decode's, by the bare libraries in this process: no sandbox, no limits, no walk before decoding, no examination
 * after it. */
#pragma once
#include <stddef.h>

/* A YCbCr JPEG of at least 3200 px to WebP of 1600 and 320 px. Resampling is the product's own, since the libraries have none of its
 * quality: so what the ratio shows is all that lies around it. Returns the bytes made, 0 on failure. */
size_t bare_photo(const unsigned char *jpeg, size_t n);

/* Ogg/Opus decoded by libopus at 16 kHz mono and encoded with the settings of the product. Returns the bytes of the packets, 0 on failure.
 */
size_t bare_voice(const unsigned char *ogg, size_t n);
