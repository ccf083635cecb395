/* SPDX-License-Identifier: Apache-2.0 */
#include "push/p256.h"
#include "core/env.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

struct bf_p256 {
    EC_GROUP *group; /* only read after it was made */
};

struct bf_es256 {
    EVP_PKEY *pkey;
};

enum { DER_MAX = 80 };

struct bf_p256 *bf_p256_create(void)
{
    struct bf_p256 *curve = calloc(1, sizeof *curve);
    if (curve == NULL || (curve->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)) == NULL)
        abort();
    return curve;
}

void bf_p256_destroy(struct bf_p256 **curve)
{
    if (curve == NULL || *curve == NULL)
        return;
    EC_GROUP_free((*curve)->group);
    free(*curve);
    *curve = NULL;
}

/* secret * peer, or secret * generator when `peer` is NULL, as an uncompressed point. */
static bool multiply(const struct bf_p256 *curve, const uint8_t *secret, const uint8_t *peer, uint8_t point[BF_P256_POINT])
{
    const EC_GROUP *g = curve->group;
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *k = BN_secure_new();
    EC_POINT *from = EC_POINT_new(g), *to = EC_POINT_new(g);
    if (ctx == NULL || k == NULL || from == NULL || to == NULL || BN_bin2bn(secret, BF_P256_SECRET, k) == NULL)
        abort();
    BN_set_flags(k, BN_FLG_CONSTTIME);
    bool ok = !BN_is_zero(k) && BN_cmp(k, EC_GROUP_get0_order(g)) < 0;
    if (ok && peer != NULL) /* checks that the point is on the curve */
        ok = peer[0] == POINT_CONVERSION_UNCOMPRESSED && EC_POINT_oct2point(g, from, peer, BF_P256_POINT, ctx) == 1;
    if (ok)
        ok = EC_POINT_mul(g, to, peer == NULL ? k : NULL, peer == NULL ? NULL : from, peer == NULL ? NULL : k, ctx) == 1 &&
             EC_POINT_point2oct(g, to, POINT_CONVERSION_UNCOMPRESSED, point, BF_P256_POINT, ctx) == BF_P256_POINT;
    EC_POINT_clear_free(to);
    EC_POINT_free(from);
    BN_clear_free(k);
    BN_CTX_free(ctx);
    return ok;
}

bool bf_p256_public(const struct bf_p256 *curve, const uint8_t secret[BF_P256_SECRET], uint8_t point[BF_P256_POINT])
{
    return multiply(curve, secret, /* peer= */ NULL, point);
}

void bf_p256_random(const struct bf_p256 *curve, const struct bf_env *env, uint8_t secret[BF_P256_SECRET], uint8_t point[BF_P256_POINT])
{
    do /* one in 2^32 is not below the order */
        bf_random(env, secret, BF_P256_SECRET);
    while (!bf_p256_public(curve, secret, point));
}

bool bf_p256_agree(const struct bf_p256 *curve, const uint8_t secret[BF_P256_SECRET], const uint8_t peer[BF_P256_POINT], uint8_t shared[32])
{
    uint8_t point[BF_P256_POINT];
    bool ok = multiply(curve, secret, peer, point);
    if (ok)
        memcpy(shared, point + 1, 32);
    explicit_bzero(point, sizeof point);
    return ok;
}

static EVP_PKEY *make_pkey(const uint8_t *secret, const uint8_t *point)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *k = BN_secure_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *pkey = NULL;
    if (build == NULL || k == NULL || ctx == NULL || BN_bin2bn(secret, BF_P256_SECRET, k) == NULL)
        abort();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, BF_P256_POINT);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, k);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    BN_clear_free(k);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

struct bf_es256 *bf_es256_create(const uint8_t secret[BF_P256_SECRET], const uint8_t point[BF_P256_POINT])
{
    EVP_PKEY *pkey = make_pkey(secret, point);
    if (pkey == NULL)
        return NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    bool is_pair = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    struct bf_es256 *key = is_pair ? malloc(sizeof *key) : NULL;
    if (key == NULL)
        EVP_PKEY_free(pkey);
    else
        key->pkey = pkey;
    return key;
}

void bf_es256_destroy(struct bf_es256 **key)
{
    if (key == NULL || *key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    free(*key);
    *key = NULL;
}

static bool raw_of_der(const uint8_t *der, size_t n, uint8_t signature[BF_ES256_BYTES])
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 32, 32) == 32;
    ECDSA_SIG_free(sig);
    return ok;
}

bool bf_es256_sign(const struct bf_es256 *key, struct bf_str text, uint8_t signature[BF_ES256_BYTES])
{
    uint8_t der[DER_MAX];
    size_t n = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(ctx, der, &n, (const uint8_t *)text.p, text.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok && raw_of_der(der, n, signature);
}
