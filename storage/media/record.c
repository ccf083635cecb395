/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/record.h"
#include "core/env.h"
#include "storage/media/bytes.h"
#include <assert.h>

enum { AAD_BYTES = 16 + 4 + 8 + 8 };

static void new_salt(struct bf__sealer *s)
{
    bf_random(s->env, s->salt, sizeof s->salt);
    s->count = 0;
}

void bf__sealer_init(struct bf__sealer *s, const struct bf_env *env, const struct bf_key *key, struct bf_uuid file)
{
    *s = (struct bf__sealer){.env = env, .gcm = bf_gcm_create(key), .file = file};
    new_salt(s);
}

void bf__sealer_finish(struct bf__sealer *s) { bf_gcm_destroy(&s->gcm); }

static uint32_t head_word(enum bf__record_type type, uint32_t n) { return (uint32_t)type << 24 | n; }

static struct bf_str make_aad(const struct bf__sealer *s, const struct bf__record *rec, uint8_t out[AAD_BYTES])
{
    memcpy(out, s->file.b, 16);
    bf__put32(out + 16, head_word(rec->type, rec->n));
    bf__put64(out + 20, rec->offset);
    bf__put64(out + 28, rec->pos);
    return bf_str((const char *)out, AAD_BYTES);
}

size_t bf__record_seal(struct bf__sealer *s, enum bf__record_type type, uint64_t offset, uint64_t pos, uint8_t *rec, size_t n)
{
    struct bf__record r = {.type = type, .n = (uint32_t)n, .pos = pos, .offset = offset};
    uint8_t aad[AAD_BYTES];
    assert(n > 0 && n <= BF__BODY_MAX);
    if (s->count == UINT32_MAX)
        new_salt(s);
    memcpy(r.nonce, s->salt, 8);
    bf__put32(r.nonce + 8, s->count++);
    bf__put32(rec, head_word(type, r.n));
    memcpy(rec + 4, r.nonce, BF__NONCE);
    bf_gcm_seal(s->gcm, r.nonce, make_aad(s, &r, aad), rec + BF__HEAD, n, rec + BF__HEAD, rec + BF__HEAD + n);
    return BF__OVERHEAD + n;
}

bool bf__record_head(const uint8_t head[BF__HEAD], uint64_t offset, uint64_t pos, struct bf__record *ret)
{
    uint32_t word = bf__get32(head), type = word >> 24, n = word & 0xffffff;
    if (type < BF__DATA || type > BF__FOOT || n == 0 || n > BF__BODY_MAX)
        return false;
    *ret = (struct bf__record){.type = (enum bf__record_type)type, .n = n, .pos = pos, .offset = offset};
    memcpy(ret->nonce, head + 4, BF__NONCE);
    return true;
}

bool bf__record_open(struct bf__sealer *s, const struct bf__record *rec, uint8_t *body, const uint8_t tag[BF__TAG])
{
    uint8_t aad[AAD_BYTES];
    if (bf_gcm_open(s->gcm, rec->nonce, make_aad(s, rec, aad), body, rec->n, tag, body))
        return true;
    memset(body, 0, rec->n);
    return false;
}
