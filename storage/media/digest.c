/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/digest.h"
#include "core/crypto.h"
#include <openssl/evp.h>
#include <stdlib.h>

struct bf__digest {
    EVP_MD_CTX *ctx;
    enum bf_stage_digest kind;
};

struct bf__digest *bf__digest_create(void)
{
    struct bf__digest *d = calloc(1, sizeof *d);
    if (d == NULL || (d->ctx = EVP_MD_CTX_new()) == NULL)
        abort();
    return d;
}

void bf__digest_destroy(struct bf__digest **digest)
{
    if (digest == NULL || *digest == NULL)
        return;
    EVP_MD_CTX_free((*digest)->ctx);
    free(*digest);
    *digest = NULL;
}

static const EVP_MD *algorithm(enum bf_stage_digest kind)
{
    switch (kind) {
    case BF_DIGEST_SHA1:
        return EVP_sha1();
    case BF_DIGEST_SHA256:
        return EVP_sha256();
    case BF_DIGEST_MD5:
        return EVP_md5();
    case BF_DIGEST_NONE:
        break;
    }
    return NULL;
}

void bf__digest_begin(struct bf__digest *d, enum bf_stage_digest kind)
{
    d->kind = kind;
    if (kind != BF_DIGEST_NONE && EVP_DigestInit_ex(d->ctx, algorithm(kind), NULL) != 1)
        abort();
}

void bf__digest_add(struct bf__digest *d, const void *p, size_t n)
{
    if (d->kind != BF_DIGEST_NONE && EVP_DigestUpdate(d->ctx, p, n) != 1)
        abort();
}

bool bf__digest_equals(struct bf__digest *d, const uint8_t *expected, size_t n)
{
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned out_n = 0;
    if (d->kind == BF_DIGEST_NONE || EVP_DigestFinal_ex(d->ctx, out, &out_n) != 1)
        return false;
    d->kind = BF_DIGEST_NONE;
    return n == out_n && bf_equal_ct(out, expected, n);
}
