/* SPDX-License-Identifier: Apache-2.0 */
/* The cryptography Baifang uses, on libsodium and OpenSSL: one name per purpose, no choices left to callers. Thread-safe unless said. */
#pragma once
#include "core/error.h"
#include "core/str.h"

struct bf_env;

enum { BF_KEY_BYTES = 32, BF_SHA256_BYTES = 32, BF_SEAL_OVERHEAD = 12 + 16 };

struct bf_key {
    uint8_t b[BF_KEY_BYTES];
};

void bf_key_random(const struct bf_env *env, struct bf_key *ret);
void bf_key_wipe(struct bf_key *key);
/* HKDF-SHA256 (RFC 5869): info is `purpose` ("log payload", "cursor", ...), a NUL and the context; together at most 256 bytes. */
void bf_key_derive(const struct bf_key *from, const char *purpose, const void *context, size_t n, struct bf_key *ret);
/* Reads a 32-byte key file (64 hex digits and a newline; anything that others may read is refused), or makes it 0600 with its directory
 * fsynced when `create`. BF_E_CONFIG: the file is no key, or not the owner's alone; BF_E_IO: it cannot be had now. */
enum bf_status bf_key_file(const struct bf_env *env, const char *path, bool create, struct bf_key *ret, struct bf_error *e);

void bf_sha256(const void *p, size_t n, uint8_t out[BF_SHA256_BYTES]);
void bf_hmac_sha256(const struct bf_key *key, const void *p, size_t n, uint8_t out[BF_SHA256_BYTES]);
bool bf_equal_ct(const void *a, const void *b, size_t n); /* constant time */

/* AES-256-GCM with a random 12-byte nonce in front and the tag behind: out holds n + BF_SEAL_OVERHEAD bytes. `aad` binds the place (tenant,
 * collection, id ...). At most 2^32 seals under one key (NIST SP 800-38D 8.3): keys here are per subject or per blob. */
void bf_seal(const struct bf_env *env, const struct bf_key *key, struct bf_str aad, const void *p, size_t n, uint8_t *out);
/* In place is allowed. BF_E_CORRUPT when it was changed or belongs elsewhere. Returns the plain text's length in *ret_n. */
enum bf_status bf_unseal(const struct bf_key *key, struct bf_str aad, const void *p, size_t n, uint8_t *out, size_t *ret_n,
                         struct bf_error *e);

/* Is it an uncompressed point of P-256 (65 bytes), as Web Push's keys are? */
bool bf_is_p256_point(const void *p, size_t n);

/* A reusable AES-256-GCM context with an explicit nonce, for the byte path (stages, blobs): no allocation per record. Not thread-safe. */
struct bf_gcm;
struct bf_gcm *bf_gcm_create(const struct bf_key *key);
void bf_gcm_rekey(struct bf_gcm *gcm, const struct bf_key *key); /* much cheaper than another context */
void bf_gcm_destroy(struct bf_gcm **gcm);
void bf_gcm_seal(struct bf_gcm *gcm, const uint8_t nonce[12], struct bf_str aad, const void *p, size_t n, uint8_t *out, uint8_t tag[16]);
bool bf_gcm_open(struct bf_gcm *gcm, const uint8_t nonce[12], struct bf_str aad, const void *p, size_t n, const uint8_t tag[16],
                 uint8_t *out);

/* SHA-256 whose state can be saved and taken up again in another process (OpenSSL's SHA256_CTX; EVP's cannot): uploads resume with it. */
struct bf_hash_state {
    _Alignas(8) uint8_t opaque[112];
};
void bf_hash_init(struct bf_hash_state *s);
void bf_hash_add(struct bf_hash_state *s, const void *p, size_t n);
void bf_hash_end(struct bf_hash_state *s, uint8_t out[BF_SHA256_BYTES]);

/* Argon2id. `hash` is libsodium's self-describing string. Costs are limits the configuration sets; checking wants the hash's own. */
enum { BF_PASSWORD_HASH_MAX = 128 };
/* BF_E_UNAVAILABLE when the memory cannot be had. The salt is libsodium's own. */
enum bf_status bf_password_hash(struct bf_str password, uint64_t ops, size_t memory_bytes, char out[BF_PASSWORD_HASH_MAX],
                                struct bf_error *e);
bool bf_password_check(const char *hash, struct bf_str password);
bool bf_password_needs_rehash(const char *hash, uint64_t ops, size_t memory_bytes);
