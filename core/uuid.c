/* SPDX-License-Identifier: Apache-2.0 */
#include "core/uuid.h"
#include "core/crypto.h"
#include "core/env.h"

struct bf_uuid bf_uuid_v7(const struct bf_env *env)
{
    struct bf_uuid u;
    uint64_t ms = (uint64_t)bf_now_ms(env);
    bf_random(env, u.b, sizeof u.b);
    for (int i = 0; i < 6; i++)
        u.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    u.b[6] = (uint8_t)(0x70 | (u.b[6] & 0x0f));
    u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3f));
    return u;
}

struct bf_uuid bf_uuid_from_name(const void *name, size_t n)
{
    struct bf_uuid u;
    uint8_t hash[BF_SHA256_BYTES];
    bf_sha256(name, n, hash);
    memcpy(u.b, hash, sizeof u.b);
    u.b[6] = (uint8_t)(0x80 | (u.b[6] & 0x0f));
    u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3f));
    return u;
}

/* Where each byte's two digits stand in the text. */
static const uint8_t place[16] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

bool bf_uuid_parse(struct bf_str s, struct bf_uuid *ret)
{
    struct bf_uuid u;
    if (s.n != 36 || s.p[8] != '-' || s.p[13] != '-' || s.p[18] != '-' || s.p[23] != '-')
        return false;
    for (int i = 0; i < 16; i++)
        if (!bf_unhex(bf_str(s.p + place[i], 2), &u.b[i], 1))
            return false;
    *ret = u;
    return true;
}

bool bf_uuid_is_v7(const struct bf_uuid *u) { return (u->b[6] & 0xf0) == 0x70 && (u->b[8] & 0xc0) == 0x80; }

void bf_uuid_text(const struct bf_uuid *u, char out[BF_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++) {
        out[place[i]] = digits[u->b[i] >> 4];
        out[place[i] + 1] = digits[u->b[i] & 15];
    }
    out[8] = out[13] = out[18] = out[23] = '-';
    out[BF_UUID_TEXT - 1] = '\0';
}
