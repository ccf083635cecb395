/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8291: the key for one message from ECDH and the subscription's secret; RFC 8188: one record of aes128gcm, with its header in front.
 */
#include "core/crypto.h"
#include "push/webpush.h"
#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { HEADER_BYTES = BF_WEBPUSH_SALT + 4 + 1 + BF_P256_POINT, TAG_BYTES = 16, CEK_BYTES = 16, NONCE_BYTES = 12 };
_Static_assert(HEADER_BYTES + BF_WEBPUSH_PAYLOAD_MAX + 1 + TAG_BYTES == BF_WEBPUSH_RECORD, "a full payload makes a full record");

struct message_keys {
    uint8_t cek[CEK_BYTES], nonce[NONCE_BYTES];
};

/* HMAC pads its key with zeros, so 16 bytes of salt in a 32-byte key are the same key. */
static void extract(const void *salt, size_t salt_n, const void *ikm, struct bf_key *ret)
{
    struct bf_key key = {{0}};
    assert(salt_n <= sizeof key.b);
    memcpy(key.b, salt, salt_n);
    bf_hmac_sha256(&key, ikm, 32, ret->b);
    bf_key_wipe(&key);
}

/* HKDF-Expand for up to 32 bytes; `info` ends in the counter 1. */
static void expand(const struct bf_key *prk, const void *info, size_t info_n, uint8_t *out, size_t n)
{
    uint8_t block[BF_SHA256_BYTES];
    assert(n <= sizeof block && ((const uint8_t *)info)[info_n - 1] == 1);
    bf_hmac_sha256(prk, info, info_n, block);
    memcpy(out, block, n);
    explicit_bzero(block, sizeof block);
}

static void derive(const struct bf_webpush_subscription *to, const uint8_t *point, const uint8_t *salt, const uint8_t shared[32],
                   struct message_keys *ret)
{
    static const char cek_info[] = "Content-Encoding: aes128gcm\0\1", nonce_info[] = "Content-Encoding: nonce\0\1";
    uint8_t info[14 + 2 * BF_P256_POINT + 1] = "WebPush: info"; /* with its NUL */
    struct bf_key prk, ikm;
    memcpy(info + 14, to->p256dh, BF_P256_POINT);
    memcpy(info + 14 + BF_P256_POINT, point, BF_P256_POINT);
    info[sizeof info - 1] = 1;
    extract(to->auth, sizeof to->auth, shared, &prk);
    expand(&prk, info, sizeof info, ikm.b, sizeof ikm.b);
    extract(salt, BF_WEBPUSH_SALT, ikm.b, &prk);
    expand(&prk, cek_info, sizeof cek_info - 1, ret->cek, sizeof ret->cek);
    expand(&prk, nonce_info, sizeof nonce_info - 1, ret->nonce, sizeof ret->nonce);
    bf_key_wipe(&prk);
    bf_key_wipe(&ikm);
}

/* The last record's padding delimiter is 2 (RFC 8188 section 2.1). */
static size_t seal(const struct message_keys *keys, struct bf_str plain, uint8_t *out)
{
    static const uint8_t delimiter = 2;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0, last = 0, rest = 0;
    bool ok = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, keys->cek, keys->nonce) == 1 &&
              (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)plain.p, (int)plain.n) == 1) &&
              EVP_EncryptUpdate(ctx, out + n, &last, &delimiter, 1) == 1 && EVP_EncryptFinal_ex(ctx, out + n + last, &rest) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + n + last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!ok)
        abort(); /* out of memory: nothing else can fail */
    return plain.n + 1 + TAG_BYTES;
}

size_t bf__webpush_encrypt(const struct bf_p256 *curve, const struct bf_webpush_subscription *to, const uint8_t secret[BF_P256_SECRET],
                           const uint8_t point[BF_P256_POINT], const uint8_t salt[BF_WEBPUSH_SALT], struct bf_str plain, uint8_t *out)
{
    uint8_t shared[32], *at = out;
    struct message_keys keys;
    assert(plain.n <= BF_WEBPUSH_PAYLOAD_MAX);
    if (!bf_p256_agree(curve, secret, to->p256dh, shared))
        return 0;
    derive(to, point, salt, shared, &keys);
    at = mempcpy(at, salt, BF_WEBPUSH_SALT);
    at = mempcpy(at, "\0\0\x10\0", 4); /* record size 4096 */
    *at++ = BF_P256_POINT;
    at = mempcpy(at, point, BF_P256_POINT);
    at += seal(&keys, plain, at);
    explicit_bzero(shared, sizeof shared);
    explicit_bzero(&keys, sizeof keys);
    return (size_t)(at - out);
}
