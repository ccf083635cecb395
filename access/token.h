/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opaque tokens: 256 random bits and where to look them up, in base64url. Only their SHA-256 is stored.
 *
 *   access   tenant (16) | session (16) | secret (32)
 *   refresh  tenant (16) | session (16) | family tag (16) | secret (32)
 *   cookie   as access: a browser's one token, good as long as its session
 *
 * The family tag is the same in every refresh token of one sign-in: who shows it with a secret that is neither the current one nor its
 * predecessor once held a token of the family, so that this is a theft (or a copy), while somebody who merely knows a session's id cannot end it.
 */
#pragma once
#include "core/uuid.h"

struct bf_env;

enum { BF_TOKEN_TEXT_MAX = 112 };

struct bf_token {
    struct bf_uuid tenant, session;
    uint8_t family[16]; /* refresh only */
    uint8_t secret[32];
};

void bf_token_write_access(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX]);
void bf_token_write_refresh(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX]);
bool bf_token_read_access(struct bf_str text, struct bf_token *ret);
bool bf_token_read_refresh(struct bf_str text, struct bf_token *ret);
void bf_token_hash(const struct bf_token *token, uint8_t out[32]);        /* of the secret */
/* What a page shows with each request that changes something, beside the cookie that holds `token`: derived from its secret, so that whoever can make a
 * browser send the cookie without reading it does not know it. */
void bf_token_csrf(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX]);
void bf_token_family_hash(const struct bf_token *token, uint8_t out[32]); /* of the tag */
