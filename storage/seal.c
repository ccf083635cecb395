/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/seal.h"
#include "core/arena.h"
#include <assert.h>

enum { PLACE_MAX = 16 + 8 + 4 + 16 + 255, NONCE = 12 };

static struct bf_str place_bytes(const struct bf__place *place, uint8_t out[PLACE_MAX])
{
    size_t n = 0;
    assert(place->coll.n <= 255);
    memcpy(out, place->tenant.b, 16);
    n += 16;
    for (int i = 56; i >= 0; i -= 8)
        out[n++] = (uint8_t)((uint64_t)place->n >> i);
    for (int i = 24; i >= 0; i -= 8)
        out[n++] = (uint8_t)((uint32_t)place->k >> i);
    memcpy(out + n, place->id, 16);
    n += 16;
    memcpy(out + n, place->coll.p, place->coll.n);
    return bf_str((char *)out, n + place->coll.n);
}

static void draw(const struct bf_env *env, void *out, size_t n)
{
    struct bf__draw *d = env->impl;
    if (n > sizeof d->bytes) {
        bf_random(d->from, out, n);
        return;
    }
    if (n > d->left) {
        bf_random(d->from, d->bytes, sizeof d->bytes);
        d->left = sizeof d->bytes;
    }
    d->left -= n;
    memcpy(out, d->bytes + d->left, n);
    memset(d->bytes + d->left, 0, n); /* given out once */
}

void bf__part_sealer_init(struct bf__part_sealer *sealer, const struct bf_env *env)
{
    struct bf__draw *d = &sealer->draw;
    d->env = (struct bf_env){.random = draw, .impl = d};
    d->from = env;
    d->left = 0;
    sealer->gcm = bf_gcm_create(&(struct bf_key){{0}});
}

void bf__part_sealer_finish(struct bf__part_sealer *sealer) { bf_gcm_destroy(&sealer->gcm); }

void bf__seal_part(struct bf__part_sealer *sealer, struct bf_arena *arena, const struct bf__subject_keys *keys, const struct bf__place *place,
                   struct bf_str plain, struct bf_str *ret_sealed, uint8_t ret_commitment[32])
{
    uint8_t aad[PLACE_MAX];
    uint8_t *out = bf_arena_alloc(arena, plain.n + BF_SEAL_OVERHEAD);
    bf_random(&sealer->draw.env, out, NONCE);
    bf_gcm_seal(sealer->gcm, out, place_bytes(place, aad), plain.p, plain.n, out + NONCE, out + NONCE + plain.n);
    bf_hmac_sha256(&keys->commit, plain.p, plain.n, ret_commitment);
    *ret_sealed = bf_str((char *)out, plain.n + BF_SEAL_OVERHEAD);
}

enum bf_status bf__unseal_part(struct bf_arena *arena, const struct bf__subject_keys *keys, const struct bf__place *place,
                               struct bf_str sealed, const uint8_t commitment[32], struct bf_str *ret_plain, struct bf_error *e)
{
    uint8_t aad[PLACE_MAX], mac[32];
    uint8_t *out = bf_arena_alloc(arena, sealed.n);
    size_t n = 0;
    enum bf_status status = bf_unseal(&keys->seal, place_bytes(place, aad), sealed.p, sealed.n, out, &n, e);
    if (status != BF_OK)
        return status;
    bf_hmac_sha256(&keys->commit, out, n, mac);
    if (!bf_equal_ct(mac, commitment, sizeof mac))
        return bf_fail(e, BF_E_CORRUPT, "a part of log entry %lld does not match its commitment", (long long)place->n);
    *ret_plain = bf_str((char *)out, n);
    return BF_OK;
}

struct bf_str bf__receipt_pack(struct bf_arena *arena, int http_status, struct bf_str body)
{
    assert(http_status >= 0 && http_status < 1000);
    uint8_t *p = bf_arena_alloc(arena, 2 + body.n);
    p[0] = (uint8_t)(http_status >> 8);
    p[1] = (uint8_t)http_status;
    if (body.n > 0)
        memcpy(p + 2, body.p, body.n);
    return bf_str((char *)p, 2 + body.n);
}

enum bf_status bf__receipt_unpack(struct bf_str plain, int *ret_http_status, struct bf_str *ret_body, struct bf_error *e)
{
    if (plain.n < 2)
        return bf_fail(e, BF_E_CORRUPT, "a stored receipt is too short");
    *ret_http_status = (uint8_t)plain.p[0] << 8 | (uint8_t)plain.p[1];
    *ret_body = bf_str(plain.p + 2, plain.n - 2);
    return BF_OK;
}
