/* SPDX-License-Identifier: Apache-2.0 */
#include "access/token.h"
#include "core/crypto.h"

struct wire_access {
    struct bf_uuid tenant, session;
    uint8_t secret[32];
};

struct wire_refresh {
    struct bf_uuid tenant, session;
    uint8_t family[16], secret[32];
};

_Static_assert(sizeof(struct wire_access) == 64 && sizeof(struct wire_refresh) == 80, "tokens have no padding");
_Static_assert((80 * 4 + 2) / 3 + 1 <= BF_TOKEN_TEXT_MAX, "a refresh token fits");

void bf_token_write_access(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX])
{
    struct wire_access w = {.tenant = token->tenant, .session = token->session};
    memcpy(w.secret, token->secret, sizeof w.secret);
    bf_base64url(&w, sizeof w, out);
}

void bf_token_write_refresh(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX])
{
    struct wire_refresh w = {.tenant = token->tenant, .session = token->session};
    memcpy(w.family, token->family, sizeof w.family);
    memcpy(w.secret, token->secret, sizeof w.secret);
    bf_base64url(&w, sizeof w, out);
}

bool bf_token_read_access(struct bf_str text, struct bf_token *ret)
{
    struct wire_access w;
    if (bf_unbase64url(text, &w, sizeof w) != (long)sizeof w)
        return false;
    *ret = (struct bf_token){.tenant = w.tenant, .session = w.session};
    memcpy(ret->secret, w.secret, sizeof w.secret);
    return !bf_uuid_is_zero(&ret->tenant);
}

bool bf_token_read_refresh(struct bf_str text, struct bf_token *ret)
{
    struct wire_refresh w;
    if (bf_unbase64url(text, &w, sizeof w) != (long)sizeof w)
        return false;
    *ret = (struct bf_token){.tenant = w.tenant, .session = w.session};
    memcpy(ret->family, w.family, sizeof w.family);
    memcpy(ret->secret, w.secret, sizeof w.secret);
    return !bf_uuid_is_zero(&ret->tenant);
}

void bf_token_hash(const struct bf_token *token, uint8_t out[32]) { bf_sha256(token->secret, sizeof token->secret, out); }

void bf_token_family_hash(const struct bf_token *token, uint8_t out[32]) { bf_sha256(token->family, sizeof token->family, out); }

void bf_token_csrf(const struct bf_token *token, char out[BF_TOKEN_TEXT_MAX])
{
    static const char purpose[] = "csrf";
    uint8_t hash[32];
    struct bf_hash_state state;
    bf_hash_init(&state);
    bf_hash_add(&state, purpose, sizeof purpose);
    bf_hash_add(&state, token->secret, sizeof token->secret);
    bf_hash_end(&state, hash);
    bf_base64url(hash, sizeof hash, out);
}
