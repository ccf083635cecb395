/* SPDX-License-Identifier: Apache-2.0 */
/* The Web Push channel. The attempt's id is the message's topic, so that a push service that still holds the first copy replaces it. */
#include "core/arena.h"
#include "push/channel_http.h"
#include <stdlib.h>

enum { TOPIC_ROOM = 32 };

struct channel {
    struct bf_client *client;
    struct bf_webpush *webpush;
};

static enum bf_status open_webpush(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e)
{
    struct channel *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->client = ctx->client;
    enum bf_status status = ctx->key != NULL ? bf_webpush_open_with(ctx->env, ctx->key, ctx->subject, &c->webpush, e)
                                             : bf_webpush_open(ctx->env, ctx->key_file.p, ctx->subject, &c->webpush, e);
    if (status == BF_OK)
        *ret = c;
    else
        free(c);
    return status;
}

static void close_webpush(void *impl)
{
    struct channel *c = impl;
    bf_webpush_close(&c->webpush);
    free(c);
}

const char *bf_channel_webpush_key(void *impl) { return bf_webpush_public_key(((struct channel *)impl)->webpush); }

static void read_answer(struct bf_push_attempt *a, const struct bf_fetch *fetch)
{
    char words[BF__WORDS_ROOM];
    switch (bf_webpush_judge(fetch->http_status)) {
    case BF_WEBPUSH_ACCEPTED:
        bf__attempt_end(a, BF_PUSH_ACCEPTED, "%s", "");
        return;
    case BF_WEBPUSH_GONE:
        bf__attempt_end(a, BF_PUSH_RETIRE, "%d: the subscription is over", fetch->http_status);
        return;
    case BF_WEBPUSH_LATER:
        bf__attempt_end(a, BF_PUSH_LATER, "the push service answered %d", fetch->http_status);
        return;
    case BF_WEBPUSH_DENIED:
        bf__attempt_end(a, BF_PUSH_DENIED, "the push service does not take our signature: %d: %s", fetch->http_status, bf__peer_words(fetch->answer, words));
        return;
    case BF_WEBPUSH_REFUSED:
        bf__attempt_end(a, BF_PUSH_REFUSED, "the push service answered %d: %s", fetch->http_status, bf__peer_words(fetch->answer, words));
        return;
    }
}

/* ---- sending ---- */

static enum bf_status make_request(struct channel *c, struct bf__flight *f, struct bf_error *e)
{
    const struct bf_push_attempt *a = f->attempt;
    struct bf_webpush_request *request = bf_arena_calloc(f->arena, 1, sizeof *request);
    char *topic = bf_arena_alloc(f->arena, TOPIC_ROOM);
    bf_base64url(&a->id, sizeof a->id, topic);
    struct bf_webpush_message message = {.payload = a->payload, .ttl_s = a->ttl_s, .urgency = a->urgency, .topic = bf_strz(topic)};
    enum bf_status status = bf_webpush_make(c->webpush, &a->target, &message, f->arena, request, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < request->n_headers; i++)
        f->headers[i] = (struct bf_fetch_header){request->headers[i].name, request->headers[i].value};
    f->fetch.n_headers = request->n_headers;
    f->fetch.body = request->body;
    f->fetch.url = bf_str_dup(f->arena, a->target.endpoint).p;
    f->fetch.from = BF_URL_USER;
    f->fetch.repeatable = true; /* the topic replaces */
    return BF_OK;
}

static enum bf_status send_webpush(void *impl, struct bf_push_attempt *a)
{
    struct channel *c = impl;
    struct bf__flight *f = bf__flight_create(a, read_answer);
    struct bf_error fault = {0};
    enum bf_status status = make_request(c, f, &fault);
    return bf__flight_send(f, c->client, status, &fault);
}

const struct bf_channel bf_channel_webpush = {
    .name = "webpush",
    .open = open_webpush,
    .send = send_webpush,
    .close = close_webpush,
};
