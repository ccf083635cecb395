/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a person will be able to read what is on a picture: how sharp its edges are, how it was exposed, whether a page runs out of it. A
 * guess for the one who took it, silent in doubt, and never a refusal. docs/INGEST.md says how often it is wrong, and on which photos.
 */
#pragma once
#include "ingest/decode/plane.h"
#include "ingest/decode/wire.h"

/* `luma` is the upright preview's, limited range. False: no memory. Takes about 1 % of what the picture's decoding and encoding take. */
bool bf__legible(const struct bf_plane *luma, struct bf_legibility *ret);
