/* SPDX-License-Identifier: Apache-2.0 */
#include "push/webpush.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "core/json.h"
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ORIGIN_MAX = 280,
    TOKEN_MAX = 1024,
    SUBJECT_MAX = 300,
    TOKENS_KEPT = 32,                  /* a handful of push services serve all browsers */
    TOKEN_VALID_S = 12 * 3600,         /* RFC 8292 section 2 allows a day */
    TOKEN_RENEW_S = TOKEN_VALID_S / 2, /* clocks differ; and a message may lie in a queue */
};

/* A signed token for one origin. Signing again for each message would be allowed; services ask that it be not. */
struct token {
    char origin[ORIGIN_MAX];
    char text[TOKEN_MAX]; /* "vapid t=..., k=..." */
    int64_t made_s;
};

struct bf_webpush {
    const struct bf_env *env;
    struct bf_p256 *curve;
    struct bf_es256 *key;
    char key_text[BF_WEBPUSH_KEY_TEXT];
    char subject[SUBJECT_MAX + 1];
    pthread_mutex_t lock;
    struct token tokens[TOKENS_KEPT];
};

/* ---- open and close ---- */

static enum bf_status take_key(struct bf_webpush *w, const struct bf_key *secret, struct bf_error *e)
{
    uint8_t point[BF_P256_POINT];
    if (bf_p256_public(w->curve, secret->b, point)) {
        w->key = bf_es256_create(secret->b, point);
        bf_base64url(point, sizeof point, w->key_text);
    }
    return w->key != NULL ? BF_OK : bf_fail(e, BF_E_CONFIG, "the Web Push key is no P-256 key");
}

enum bf_status bf_webpush_check_subject(struct bf_str subject, struct bf_error *e)
{
    if (subject.n > SUBJECT_MAX ||
        (subject.n > 0 && !bf_str_starts(subject, BF_STR("mailto:")) && !bf_str_starts(subject, BF_STR("https:"))))
        return bf_fail(e, BF_E_CONFIG, "push.vapid_subject must be a mailto: or https: URL of at most %d bytes", SUBJECT_MAX);
    return BF_OK;
}

enum bf_status bf_webpush_open(const struct bf_env *env, const char *key_file, struct bf_str subject, struct bf_webpush **ret,
                               struct bf_error *e)
{
    struct bf_key secret;
    enum bf_status status = bf_webpush_check_subject(subject, e);
    if (status == BF_OK)
        status = bf_key_file(env, key_file, /* create= */ true, &secret, e);
    if (status != BF_OK)
        return status;
    status = bf_webpush_open_with(env, &secret, subject, ret, e);
    bf_key_wipe(&secret);
    return status;
}

enum bf_status bf_webpush_open_with(const struct bf_env *env, const struct bf_key *secret, struct bf_str subject, struct bf_webpush **ret,
                                    struct bf_error *e)
{
    enum bf_status status = bf_webpush_check_subject(subject, e);
    if (status != BF_OK)
        return status;
    struct bf_webpush *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->env = env;
    w->curve = bf_p256_create();
    pthread_mutex_init(&w->lock, NULL);
    snprintf(w->subject, sizeof w->subject, "%.*s", (int)subject.n, subject.n > 0 ? subject.p : "");
    status = take_key(w, secret, e);
    if (status == BF_OK)
        *ret = w;
    else
        bf_webpush_close(&w);
    return status;
}

void bf_webpush_close(struct bf_webpush **webpush)
{
    struct bf_webpush *w = webpush == NULL ? NULL : *webpush;
    if (w == NULL)
        return;
    bf_es256_destroy(&w->key);
    bf_p256_destroy(&w->curve);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *webpush = NULL;
}

const char *bf_webpush_public_key(const struct bf_webpush *webpush) { return webpush->key_text; }

/* ---- VAPID ---- */

bool bf__webpush_origin(struct bf_str endpoint, char *out, size_t room)
{
    bool https = endpoint.n > 8 && bf_str_ieq(bf_str(endpoint.p, 8), BF_STR("https://"));
    bool http = endpoint.n > 7 && bf_str_ieq(bf_str(endpoint.p, 7), BF_STR("http://"));
    if (!https && !http)
        return false;
    const char *host = endpoint.p + (https ? 8 : 7), *end = endpoint.p + endpoint.n, *p = host;
    while (p < end && *p != '/' && *p != '?' && *p != '#') {
        if (*p == '@' || *p == '\\' || (unsigned char)*p <= ' ')
            return false;
        p++;
    }
    struct bf_str authority = bf_str(host, (size_t)(p - host)), port = https ? BF_STR(":443") : BF_STR(":80");
    if (authority.n > port.n && memcmp(authority.p + authority.n - port.n, port.p, port.n) == 0)
        authority.n -= port.n;
    if (authority.n == 0 || authority.p[0] == ':' || authority.n + 9 > room)
        return false;
    int n = snprintf(out, room, "%s://%.*s", https ? "https" : "http", BF_FMT(authority));
    for (int i = 0; i < n; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
    return true;
}

static bool add_base64url(struct bf_buf *out, const void *p, size_t n)
{
    char *at = bf_buf_reserve(out, n * 4 / 3 + 3);
    if (at == NULL)
        return false;
    out->n += bf_base64url(p, n, at);
    return true;
}

static void add_claims(const struct bf_webpush *w, const char *origin, int64_t now_s, struct bf_buf *out)
{
    struct bf_jw j;
    bf_jw_init(&j, out);
    bf_jw_object(&j);
    bf_jw_key(&j, "aud");
    bf_jw_str(&j, bf_strz(origin));
    bf_jw_key(&j, "exp");
    bf_jw_int(&j, now_s + TOKEN_VALID_S);
    if (w->subject[0] != '\0') {
        bf_jw_key(&j, "sub");
        bf_jw_str(&j, bf_strz(w->subject));
    }
    bf_jw_end_object(&j);
}

/* RFC 8292 section 3: a JWT signed by ES256, and the key it is signed with. */
static bool sign_token(const struct bf_webpush *w, const char *origin, int64_t now_s, struct token *t)
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}", scheme[] = "vapid t=";
    uint8_t signature[BF_ES256_BYTES];
    struct bf_buf claims, out;
    bf_buf_init(&claims, TOKEN_MAX / 2);
    bf_buf_init(&out, TOKEN_MAX - 1);
    add_claims(w, origin, now_s, &claims);
    bool ok = !claims.overflowed && bf_buf_addz(&out, scheme) && add_base64url(&out, header, sizeof header - 1) && bf_buf_addc(&out, '.') &&
              add_base64url(&out, claims.p, claims.n) &&
              bf_es256_sign(w->key, bf_str(out.p + sizeof scheme - 1, out.n - (sizeof scheme - 1)), signature) && bf_buf_addc(&out, '.') &&
              add_base64url(&out, signature, sizeof signature) && bf_buf_printf(&out, ", k=%s", w->key_text);
    if (ok) {
        snprintf(t->origin, sizeof t->origin, "%s", origin);
        snprintf(t->text, sizeof t->text, "%.*s", BF_FMT(bf_buf_str(&out)));
        t->made_s = now_s;
    }
    bf_buf_finish(&claims);
    bf_buf_finish(&out);
    return ok;
}

/* The token for an origin, kept or new; the oldest gives way. */
static bool find_token(struct bf_webpush *w, const char *origin, struct bf_arena *arena, struct bf_str *ret)
{
    int64_t now_s = bf_now_ms(w->env) / 1000;
    bool ok = true;
    pthread_mutex_lock(&w->lock);
    struct token *t = &w->tokens[0];
    for (unsigned i = 0; i < TOKENS_KEPT; i++) {
        if (strcmp(w->tokens[i].origin, origin) == 0) {
            t = &w->tokens[i];
            break;
        }
        if (w->tokens[i].made_s < t->made_s)
            t = &w->tokens[i];
    }
    if (strcmp(t->origin, origin) != 0 || now_s < t->made_s || now_s - t->made_s >= TOKEN_RENEW_S)
        ok = sign_token(w, origin, now_s, t);
    if (ok)
        *ret = bf_str_dup(arena, bf_strz(t->text));
    pthread_mutex_unlock(&w->lock);
    return ok;
}

/* ---- requests ---- */

static bool topic_is_valid(struct bf_str topic)
{
    for (size_t i = 0; i < topic.n; i++)
        if (!isalnum((unsigned char)topic.p[i]) && topic.p[i] != '-' && topic.p[i] != '_')
            return false;
    return topic.n <= BF_WEBPUSH_TOPIC_MAX;
}

static void add_header(struct bf_webpush_request *r, const char *name, struct bf_str value)
{
    r->headers[r->n_headers].name = name;
    r->headers[r->n_headers++].value = value;
}

static void add_headers(const struct bf_webpush_message *m, struct bf_str token, struct bf_arena *arena, struct bf_webpush_request *r)
{
    static const char *const urgencies[] = {"very-low", "low", "normal", "high"};
    r->n_headers = 0;
    add_header(r, "authorization", token);
    add_header(r, "content-encoding", BF_STR("aes128gcm"));
    add_header(r, "content-type", BF_STR("application/octet-stream"));
    add_header(r, "ttl", bf_strz(bf_arena_printf(arena, "%u", m->ttl_s)));
    add_header(r, "urgency", bf_strz(urgencies[m->urgency]));
    if (m->topic.n > 0)
        add_header(r, "topic", m->topic);
}

enum bf_status bf_webpush_make(struct bf_webpush *w, const struct bf_webpush_subscription *subscription,
                               const struct bf_webpush_message *message, struct bf_arena *arena, struct bf_webpush_request *ret,
                               struct bf_error *e)
{
    char origin[ORIGIN_MAX];
    uint8_t secret[BF_P256_SECRET], point[BF_P256_POINT], salt[BF_WEBPUSH_SALT];
    struct bf_str token;
    if (message->payload.n > BF_WEBPUSH_PAYLOAD_MAX)
        return bf_fail(e, BF_E_TOO_LARGE, "a push payload of %zu bytes; %d fit", message->payload.n, BF_WEBPUSH_PAYLOAD_MAX);
    if (!topic_is_valid(message->topic))
        return bf_fail(e, BF_E_UNPROCESSABLE, "a push topic takes %d base64url characters", BF_WEBPUSH_TOPIC_MAX);
    if (!bf__webpush_origin(subscription->endpoint, origin, sizeof origin))
        return bf_fail(e, BF_E_UNPROCESSABLE, "the push endpoint is no URL with a host");
    bf_p256_random(w->curve, w->env, secret, point);
    bf_random(w->env, salt, sizeof salt);
    uint8_t *body = bf_arena_alloc(arena, BF_WEBPUSH_RECORD);
    size_t n = bf__webpush_encrypt(w->curve, subscription, secret, point, salt, message->payload, body);
    explicit_bzero(secret, sizeof secret);
    if (n == 0)
        return bf_fail(e, BF_E_UNPROCESSABLE, "the subscription's key is no point of P-256");
    if (!find_token(w, origin, arena, &token))
        return bf_fail(e, BF_E_UNPROCESSABLE, "no token can be made for %s", origin);
    add_headers(message, token, arena, ret);
    ret->body = bf_str((const char *)body, n);
    return BF_OK;
}

enum bf_webpush_verdict bf_webpush_judge(int http_status)
{
    switch (http_status) {
    case 200:
    case 201:
    case 202:
    case 204:
        return BF_WEBPUSH_ACCEPTED;
    case 401:
    case 403:
        return BF_WEBPUSH_DENIED;
    case 404:
    case 410:
        return BF_WEBPUSH_GONE;
    case 408:
    case 425:
    case 429:
        return BF_WEBPUSH_LATER;
    default:
        return http_status >= 500 ? BF_WEBPUSH_LATER : BF_WEBPUSH_REFUSED;
    }
}
