/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs (RFC 9562). Records carry version 7, made by the client; the API writes and takes them in lower case only. */
#pragma once
#include "core/str.h"

struct bf_env;

struct bf_uuid {
    uint8_t b[16];
};

enum { BF_UUID_TEXT = 37 };

struct bf_uuid bf_uuid_v7(const struct bf_env *env);
/* A name-based UUID (SHA-256 of `name`, version 8): the same name gives the same id, as deterministic jobs and children need. */
struct bf_uuid bf_uuid_from_name(const void *name, size_t n);
bool bf_uuid_parse(struct bf_str s, struct bf_uuid *ret); /* 36 lower-case characters, any version; else false */
bool bf_uuid_is_v7(const struct bf_uuid *u);
void bf_uuid_text(const struct bf_uuid *u, char out[BF_UUID_TEXT]);
static inline bool bf_uuid_eq(const struct bf_uuid *a, const struct bf_uuid *b) { return memcmp(a, b, 16) == 0; }
static inline bool bf_uuid_is_zero(const struct bf_uuid *a)
{
    static const struct bf_uuid zero;
    return bf_uuid_eq(a, &zero);
}
