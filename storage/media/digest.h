/* SPDX-License-Identifier: Apache-2.0 */
/* The digests of tus' checksum extension, one at a time per upload. They guard against transport errors only; what is stored is named by SHA-256. */
#pragma once
#include "storage/media.h"

struct bf__digest;

struct bf__digest *bf__digest_create(void);
void bf__digest_destroy(struct bf__digest **digest);
void bf__digest_begin(struct bf__digest *digest, enum bf_stage_digest kind); /* BF_DIGEST_NONE: the next calls do nothing */
void bf__digest_add(struct bf__digest *digest, const void *p, size_t n);
/* Ends it; true when it equals the n bytes given. */
bool bf__digest_equals(struct bf__digest *digest, const uint8_t *expected, size_t n);
