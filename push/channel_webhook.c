/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The webhook channel: a POST of JSON to a URL that an administrator gave, under the rules for addresses that users give. Three headers go with it:
 *
 *   Baifang-Delivery    the attempt's id, the same over all tries: by it the receiver knows a repetition
 *   Baifang-Timestamp   seconds since 1970 of this try
 *   Baifang-Signature   "v1=" and HMAC-SHA256 over TIMESTAMP "." BODY in lower-case hex, by the webhook's secret
 */
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "push/channel_http.h"
#include <assert.h>
#include <stdlib.h>

struct channel {
    const struct bf_env *env;
    struct bf_client *client;
};

static enum bf_status open_webhook(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e)
{
    struct channel *c = calloc(1, sizeof *c);
    (void)e;
    if (c == NULL)
        abort();
    *c = (struct channel){.env = ctx->env, .client = ctx->client};
    *ret = c;
    return BF_OK;
}

/* The receiver's words are left out: they may quote the URL. As a push service is judged, but that 404 may be a fault of the receiver's that passes: only 410 says that it is over. */
static void read_answer(struct bf_push_attempt *a, const struct bf_fetch *fetch)
{
    int status = fetch->http_status;
    if (status >= 200 && status < 300)
        bf__attempt_end(a, BF_PUSH_ACCEPTED, "%s", "");
    else if (status == 410)
        bf__attempt_end(a, BF_PUSH_RETIRE, "410: the receiver wants no more");
    else if (bf_webpush_judge(status) == BF_WEBPUSH_LATER)
        bf__attempt_end(a, BF_PUSH_LATER, "the receiver answered %d", status);
    else if (bf_webpush_judge(status) == BF_WEBPUSH_DENIED)
        bf__attempt_end(a, BF_PUSH_DENIED, "the receiver does not take our signature: %d", status);
    else
        bf__attempt_end(a, BF_PUSH_REFUSED, "the receiver answered %d", status);
}

static struct bf_str sign(struct bf_arena *arena, const char *timestamp, struct bf_str body, struct bf_str secret)
{
    struct bf_key key;
    uint8_t mac[BF_SHA256_BYTES];
    char hex[2 * BF_SHA256_BYTES + 1];
    char *text = bf_arena_printf(arena, "%s.%.*s", timestamp, BF_FMT(body));
    assert(secret.n == sizeof key.b);
    memcpy(key.b, secret.p, sizeof key.b);
    bf_hmac_sha256(&key, text, strlen(text), mac);
    bf_key_wipe(&key);
    bf_hex(mac, sizeof mac, hex);
    return bf_strz(bf_arena_printf(arena, "v1=%s", hex));
}

static enum bf_status send_webhook(void *impl, struct bf_push_attempt *a)
{
    struct channel *c = impl;
    struct bf__flight *f = bf__flight_create(a, read_answer);
    struct bf_error fault = {0};
    char *id = bf_arena_alloc(f->arena, BF_UUID_TEXT);
    char *timestamp = bf_arena_printf(f->arena, "%lld", (long long)(bf_now_ms(c->env) / 1000));
    bf_uuid_text(&a->id, id);
    f->headers[0] = (struct bf_fetch_header){"content-type", BF_STR("application/json")};
    f->headers[1] = (struct bf_fetch_header){"baifang-delivery", bf_strz(id)};
    f->headers[2] = (struct bf_fetch_header){"baifang-timestamp", bf_strz(timestamp)};
    f->headers[3] = (struct bf_fetch_header){"baifang-signature", sign(f->arena, timestamp, a->payload, a->secret)};
    f->fetch.n_headers = 4;
    f->fetch.body = a->payload;
    f->fetch.url = bf_str_dup(f->arena, a->address).p;
    f->fetch.from = BF_URL_USER;
    f->fetch.repeatable = true; /* its delivery is named */
    return bf__flight_send(f, c->client, BF_OK, &fault);
}

static void close_webhook(void *impl) { free(impl); }

const struct bf_channel bf_channel_webhook = {.name = "webhook", .open = open_webhook, .send = send_webhook, .close = close_webhook};
