/* SPDX-License-Identifier: Apache-2.0 */
/* The four things wanted from EXIF (JEITA CP-3451): orientation, when, where. Reads a TIFF structure of untrusted bytes; what is
 * malformed is as if it were absent. */
#pragma once
#include <stddef.h>

struct bf_decode_photo;

/* `p` begins with the TIFF header, or with "Exif\0\0" before it. Sets orientation, gps and taken fields of `photo`; others stay. */
void bf__exif_read(const unsigned char *p, size_t n, struct bf_decode_photo *photo);
