/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crypto.h"
#include "core/env.h"
#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

enum { NONCE_BYTES = 12, TAG_BYTES = 16, RECORD_MAX = 1 << 30 };
_Static_assert(NONCE_BYTES + TAG_BYTES == BF_SEAL_OVERHEAD, "the nonce stands in front, the tag behind");

struct bf_gcm {
    EVP_CIPHER_CTX *seal, *open;
};

/* OpenSSL fails on these calls only for want of memory. */
static void must(int ok)
{
    if (ok != 1)
        abort();
}

static EVP_CIPHER_CTX *cipher(const struct bf_key *key, bool seal)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    must(c != NULL);
    must(EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key->b, NULL, seal));
    return c;
}

struct bf_gcm *bf_gcm_create(const struct bf_key *key)
{
    struct bf_gcm *gcm = malloc(sizeof *gcm);
    must(gcm != NULL);
    *gcm = (struct bf_gcm){cipher(key, true), cipher(key, false)};
    return gcm;
}

void bf_gcm_rekey(struct bf_gcm *gcm, const struct bf_key *key)
{
    must(EVP_CipherInit_ex(gcm->seal, NULL, NULL, key->b, NULL, 1));
    must(EVP_CipherInit_ex(gcm->open, NULL, NULL, key->b, NULL, 0));
}

void bf_gcm_destroy(struct bf_gcm **gcm)
{
    if (gcm == NULL || *gcm == NULL)
        return;
    EVP_CIPHER_CTX_free((*gcm)->seal); /* wipes the key schedule */
    EVP_CIPHER_CTX_free((*gcm)->open);
    free(*gcm);
    *gcm = NULL;
}

static void seal(EVP_CIPHER_CTX *c, const uint8_t *nonce, struct bf_str aad, const void *p, size_t n, uint8_t *out, uint8_t *tag)
{
    int len = 0;
    assert(n <= RECORD_MAX && aad.n <= RECORD_MAX);
    must(EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce));
    if (aad.n > 0)
        must(EVP_EncryptUpdate(c, NULL, &len, (const uint8_t *)aad.p, (int)aad.n));
    if (n > 0)
        must(EVP_EncryptUpdate(c, out, &len, p, (int)n));
    must(EVP_EncryptFinal_ex(c, tag, &len)); /* writes nothing in GCM */
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag));
}

static bool unseal(EVP_CIPHER_CTX *c, const uint8_t *nonce, struct bf_str aad, const void *p, size_t n, const uint8_t *tag, uint8_t *out)
{
    int len = 0;
    uint8_t expected[TAG_BYTES], none[TAG_BYTES];
    assert(n <= RECORD_MAX && aad.n <= RECORD_MAX);
    memcpy(expected, tag, TAG_BYTES);
    must(EVP_DecryptInit_ex(c, NULL, NULL, NULL, nonce));
    must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, expected));
    if (aad.n > 0)
        must(EVP_DecryptUpdate(c, NULL, &len, (const uint8_t *)aad.p, (int)aad.n));
    if (n > 0)
        must(EVP_DecryptUpdate(c, out, &len, p, (int)n));
    if (EVP_DecryptFinal_ex(c, none, &len) == 1)
        return true;
    if (n > 0)
        sodium_memzero(out, n); /* nobody may use what is not authentic */
    return false;
}

void bf_gcm_seal(struct bf_gcm *gcm, const uint8_t nonce[12], struct bf_str aad, const void *p, size_t n, uint8_t *out, uint8_t tag[16])
{
    seal(gcm->seal, nonce, aad, p, n, out, tag);
}

bool bf_gcm_open(struct bf_gcm *gcm, const uint8_t nonce[12], struct bf_str aad, const void *p, size_t n, const uint8_t tag[16],
                 uint8_t *out)
{
    return unseal(gcm->open, nonce, aad, p, n, tag, out);
}

void bf_seal(const struct bf_env *env, const struct bf_key *key, struct bf_str aad, const void *p, size_t n, uint8_t *out)
{
    EVP_CIPHER_CTX *c = cipher(key, true);
    bf_random(env, out, NONCE_BYTES);
    seal(c, out, aad, p, n, out + NONCE_BYTES, out + NONCE_BYTES + n);
    EVP_CIPHER_CTX_free(c);
}

enum bf_status bf_unseal(const struct bf_key *key, struct bf_str aad, const void *p, size_t n, uint8_t *out, size_t *ret_n,
                         struct bf_error *e)
{
    uint8_t nonce[NONCE_BYTES], tag[TAG_BYTES];
    if (n < BF_SEAL_OVERHEAD)
        return bf_fail(e, BF_E_CORRUPT, "sealed data of %zu bytes is too short", n);
    const uint8_t *text = (const uint8_t *)p + NONCE_BYTES;
    size_t text_n = n - BF_SEAL_OVERHEAD;
    memcpy(nonce, p, NONCE_BYTES);
    memcpy(tag, text + text_n, TAG_BYTES);
    if (text_n > 0 && out < text + text_n && text < out + text_n) { /* GCM works in place, but not shifted */
        memmove(out, text, text_n);
        text = out;
    }
    EVP_CIPHER_CTX *c = cipher(key, false);
    bool ok = unseal(c, nonce, aad, text, text_n, tag, out);
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        return bf_fail(e, BF_E_CORRUPT, "sealed data was changed or belongs elsewhere");
    *ret_n = text_n;
    return BF_OK;
}
