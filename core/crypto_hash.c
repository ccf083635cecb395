/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 and what is built on it. OpenSSL 3 calls SHA256_CTX deprecated in favour of EVP, whose state cannot be saved; an upload must be
 * hashed on by whichever process takes it up next. The same functions carry HMAC and HKDF: no allocation and no algorithm look-up per call,
 * which at our sizes costs more than the hashing.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include "core/crypto.h"
#include "core/crypto_internal.h"
#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>

enum { BLOCK_BYTES = 64 };
_Static_assert(sizeof(SHA256_CTX) == sizeof(struct bf_hash_state), "the state is kept in files: its size is part of a format");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct bf_hash_state), "the state is used in place");

static SHA256_CTX *context(struct bf_hash_state *s)
{
    SHA256_CTX *c = (SHA256_CTX *)(void *)s;
    assert(c->num < BLOCK_BYTES && c->md_len == BF_SHA256_BYTES);
    return c;
}

void bf_hash_init(struct bf_hash_state *s)
{
    memset(s, 0, sizeof *s); /* no stack bytes reach the state record */
    SHA256_Init((SHA256_CTX *)(void *)s);
}

void bf_hash_add(struct bf_hash_state *s, const void *p, size_t n) { SHA256_Update(context(s), p, n); }

void bf_hash_end(struct bf_hash_state *s, uint8_t out[BF_SHA256_BYTES]) { SHA256_Final(out, context(s)); }

void bf_sha256(const void *p, size_t n, uint8_t out[BF_SHA256_BYTES])
{
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, p, n);
    SHA256_Final(out, &c);
}

struct hmac {
    SHA256_CTX inner, outer;
};

/* RFC 2104: keys are padded to a block, longer ones hashed first. */
static void hmac_init(struct hmac *h, const void *key, size_t n)
{
    uint8_t block[BLOCK_BYTES] = {0}, pad[BLOCK_BYTES];
    if (n > BLOCK_BYTES)
        bf_sha256(key, n, block);
    else if (n > 0)
        memcpy(block, key, n);
    for (int i = 0; i < BLOCK_BYTES; i++)
        pad[i] = block[i] ^ 0x36;
    SHA256_Init(&h->inner);
    SHA256_Update(&h->inner, pad, sizeof pad);
    for (int i = 0; i < BLOCK_BYTES; i++)
        pad[i] = block[i] ^ 0x5c;
    SHA256_Init(&h->outer);
    SHA256_Update(&h->outer, pad, sizeof pad);
    sodium_memzero(block, sizeof block);
    sodium_memzero(pad, sizeof pad);
}

static void hmac_end(struct hmac *h, uint8_t out[BF_SHA256_BYTES])
{
    uint8_t inner[BF_SHA256_BYTES];
    SHA256_Final(inner, &h->inner);
    SHA256_Update(&h->outer, inner, sizeof inner);
    SHA256_Final(out, &h->outer);
    sodium_memzero(h, sizeof *h);
    sodium_memzero(inner, sizeof inner);
}

void bf_hmac_sha256(const struct bf_key *key, const void *p, size_t n, uint8_t out[BF_SHA256_BYTES])
{
    struct hmac h;
    hmac_init(&h, key->b, sizeof key->b);
    SHA256_Update(&h.inner, p, n);
    hmac_end(&h, out);
}

void bf__hkdf_sha256(struct bf_str salt, struct bf_str from, struct bf_str info, uint8_t *out, size_t n)
{
    uint8_t prk[BF_SHA256_BYTES], block[BF_SHA256_BYTES];
    struct hmac h;
    assert(n > 0 && n <= 255 * sizeof block);
    hmac_init(&h, salt.p, salt.n);
    SHA256_Update(&h.inner, from.p, from.n);
    hmac_end(&h, prk);
    for (uint8_t i = 1; n > 0; i++) {
        hmac_init(&h, prk, sizeof prk);
        if (i > 1)
            SHA256_Update(&h.inner, block, sizeof block);
        SHA256_Update(&h.inner, info.p, info.n);
        SHA256_Update(&h.inner, &i, 1);
        hmac_end(&h, block);
        size_t take = n < sizeof block ? n : sizeof block;
        memcpy(out, block, take);
        out += take;
        n -= take;
    }
    sodium_memzero(prk, sizeof prk);
    sodium_memzero(block, sizeof block);
}

/* `info` is the purpose, a NUL, the context: no purpose can be confused with another one that its context completes. */
void bf_key_derive(const struct bf_key *from, const char *purpose, const void *context, size_t n, struct bf_key *ret)
{
    char info[256];
    size_t name = strlen(purpose) + 1;
    assert(name + n <= sizeof info);
    memcpy(info, purpose, name);
    if (n > 0)
        memcpy(info + name, context, n);
    bf__hkdf_sha256(bf_str(NULL, 0), bf_str((const char *)from->b, sizeof from->b), bf_str(info, name + n), ret->b, sizeof ret->b);
}

bool bf_equal_ct(const void *a, const void *b, size_t n) { return n == 0 || sodium_memcmp(a, b, n) == 0; }
