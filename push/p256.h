/* SPDX-License-Identifier: Apache-2.0 */
/* Elliptic curve P-256 as Web Push and provider tokens need it: uncompressed points of 65 bytes, secrets of 32, ECDH and ES256. The curve
 * is made once and shared by threads. */
#pragma once
#include "core/error.h"
#include "core/str.h"

struct bf_env;
struct bf_p256;
struct bf_es256;

enum { BF_P256_POINT = 65, BF_P256_SECRET = 32, BF_ES256_BYTES = 64 };

struct bf_p256 *bf_p256_create(void);
void bf_p256_destroy(struct bf_p256 **curve);
/* A fresh secret from env's random source, and its point. */
void bf_p256_random(const struct bf_p256 *curve, const struct bf_env *env, uint8_t secret[BF_P256_SECRET], uint8_t point[BF_P256_POINT]);
/* The point of a secret; false when it is none (zero, or not below the group's order). */
bool bf_p256_public(const struct bf_p256 *curve, const uint8_t secret[BF_P256_SECRET], uint8_t point[BF_P256_POINT]);
/* ECDH: the shared x coordinate. False when `peer` is not a point of the curve (the invalid curve attack). */
bool bf_p256_agree(const struct bf_p256 *curve, const uint8_t secret[BF_P256_SECRET], const uint8_t peer[BF_P256_POINT],
                   uint8_t shared[32]);

/* A signing key (RFC 7518 section 3.4: R || S, not DER). Thread-safe. NULL when `secret` and `point` are no key pair. */
struct bf_es256 *bf_es256_create(const uint8_t secret[BF_P256_SECRET], const uint8_t point[BF_P256_POINT]);
void bf_es256_destroy(struct bf_es256 **key);
bool bf_es256_sign(const struct bf_es256 *key, struct bf_str text, uint8_t signature[BF_ES256_BYTES]);
