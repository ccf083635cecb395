/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of core/ and their tests only: HKDF-SHA256 (RFC 5869) with salt and any output up to 255 hashes. */
#pragma once
#include "core/str.h"

void bf__hkdf_sha256(struct bf_str salt, struct bf_str from, struct bf_str info, uint8_t *out, size_t n);
