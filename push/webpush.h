/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web Push: what goes out for a subscription and a payload (RFC 8030), encrypted for the browser alone (RFC 8291, one aes128gcm record of
 * RFC 8188) and signed so that the push service knows who sends (VAPID, RFC 8292); and what the push service's answer means. No network
 * here.
 */
#pragma once
#include "core/error.h"
#include "core/str.h"
#include "push/p256.h"

struct bf_arena;
struct bf_env;
struct bf_key;
struct bf_webpush;

enum {
    BF_WEBPUSH_AUTH = 16,
    BF_WEBPUSH_SALT = 16,
    BF_WEBPUSH_RECORD = 4096,      /* what every push service takes (RFC 8030 section 7.2) */
    BF_WEBPUSH_PAYLOAD_MAX = 3993, /* of plain text, so that the whole body is BF_WEBPUSH_RECORD */
    BF_WEBPUSH_HEADERS = 6,
    BF_WEBPUSH_TOPIC_MAX = 32,
    BF_WEBPUSH_KEY_TEXT = 87 + 1, /* the public key in base64url, and its NUL */
};

/* As the browser gave it. */
struct bf_webpush_subscription {
    struct bf_str endpoint; /* the push service's URL: whoever has it may send, so it is a secret */
    uint8_t p256dh[BF_P256_POINT];
    uint8_t auth[BF_WEBPUSH_AUTH];
};

enum bf_webpush_urgency { BF_URGENCY_VERY_LOW, BF_URGENCY_LOW, BF_URGENCY_NORMAL, BF_URGENCY_HIGH };

struct bf_webpush_message {
    struct bf_str payload; /* up to BF_WEBPUSH_PAYLOAD_MAX */
    unsigned ttl_s;        /* how long the push service keeps it for a device that is away; 0: deliver now or never */
    enum bf_webpush_urgency urgency;
    struct bf_str topic; /* a later message replaces an undelivered one of the same topic; base64url characters, at most 32; empty: none */
};

/* A POST to the endpoint. Everything lives in the arena of the call. */
struct bf_webpush_request {
    struct {
        const char *name;
        struct bf_str value;
    } headers[BF_WEBPUSH_HEADERS];
    unsigned n_headers;
    struct bf_str body;
};

/* BF_E_CONFIG: it is neither empty nor a mailto: or https: URL. */
enum bf_status bf_webpush_check_subject(struct bf_str subject, struct bf_error *e);
/* Reads the VAPID key, or makes it at the first start (bf_key_file: 0600, 64 hex digits). Subscriptions are bound to it: with another key,
 * all devices must subscribe anew. `subject` is how the push services' operators reach ours ("mailto:..." or an https URL); some refuse
 * without. Thread-safe from here on. */
enum bf_status bf_webpush_open(const struct bf_env *env, const char *key_file, struct bf_str subject, struct bf_webpush **ret,
                               struct bf_error *e);
/* The same with a key that is at hand. */
enum bf_status bf_webpush_open_with(const struct bf_env *env, const struct bf_key *secret, struct bf_str subject, struct bf_webpush **ret,
                                    struct bf_error *e);
void bf_webpush_close(struct bf_webpush **webpush);
/* What the browser wants as applicationServerKey. */
const char *bf_webpush_public_key(const struct bf_webpush *webpush);

/* BF_E_UNPROCESSABLE: the subscription's key is no point of the curve, or its endpoint no URL with a host. TOO_LARGE: the payload. */
enum bf_status bf_webpush_make(struct bf_webpush *webpush, const struct bf_webpush_subscription *subscription,
                               const struct bf_webpush_message *message, struct bf_arena *arena, struct bf_webpush_request *ret,
                               struct bf_error *e);

/* What a push service's status says. */
enum bf_webpush_verdict {
    BF_WEBPUSH_ACCEPTED, /* 200, 201, 202, 204 */
    BF_WEBPUSH_GONE,     /* 404, 410: the subscription is over */
    BF_WEBPUSH_LATER,    /* 408, 425, 429, 5xx: the same again, at Retry-After if there is one */
    BF_WEBPUSH_DENIED,  /* 401, 403: it does not take our signature, so our clock, key or subject is wrong; the message is as good as any */
    BF_WEBPUSH_REFUSED, /* this message will not go through: 413, a request it does not like (400), a redirect */
};
enum bf_webpush_verdict bf_webpush_judge(int http_status);

/* ---- parts, for their tests ---- */

/* The encrypted body for given ephemeral key and salt; `out` holds BF_WEBPUSH_RECORD bytes. Returns its length, 0 when `p256dh` is no
 * point. */
size_t bf__webpush_encrypt(const struct bf_p256 *curve, const struct bf_webpush_subscription *to, const uint8_t secret[BF_P256_SECRET],
                           const uint8_t point[BF_P256_POINT], const uint8_t salt[BF_WEBPUSH_SALT], struct bf_str plain, uint8_t *out);
/* "https://push.example:8443" of an endpoint, as RFC 6454 writes an origin; false when it is no http or https URL with a host. */
bool bf__webpush_origin(struct bf_str endpoint, char *out, size_t room);
