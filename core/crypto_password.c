/* SPDX-License-Identifier: Apache-2.0 */
#include "core/crypto.h"
#include <assert.h>
#include <sodium.h>

_Static_assert(BF_PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "libsodium's string fits");

/* sodium_init is idempotent and thread-safe; without it libsodium takes its slowest Argon2. */
enum bf_status bf_password_hash(struct bf_str password, uint64_t ops, size_t memory_bytes, char out[BF_PASSWORD_HASH_MAX],
                                struct bf_error *e)
{
    assert(ops >= crypto_pwhash_OPSLIMIT_MIN && ops <= crypto_pwhash_OPSLIMIT_MAX);
    assert(memory_bytes >= crypto_pwhash_MEMLIMIT_MIN && memory_bytes <= crypto_pwhash_MEMLIMIT_MAX);
    if (sodium_init() < 0 || crypto_pwhash_str_alg(out, password.p, password.n, ops, memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return bf_fail(e, BF_E_UNAVAILABLE, "no memory to hash a password (%zu bytes)", memory_bytes);
    return BF_OK;
}

bool bf_password_check(const char *hash, struct bf_str password)
{
    return sodium_init() >= 0 && crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
}

bool bf_password_needs_rehash(const char *hash, uint64_t ops, size_t memory_bytes)
{
    return crypto_pwhash_str_needs_rehash(hash, ops, memory_bytes) != 0;
}
