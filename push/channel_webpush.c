/* SPDX-License-Identifier: Apache-2.0 */
/* The Web Push channel. The attempt's id is the message's topic, so that a push service that still holds the first copy replaces it. */
#include "core/arena.h"
#include "core/http_client.h"
#include "push/channel.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 16384, CONNECT_MS = 5000, TOTAL_MS = 10000, TOPIC_ROOM = 32, WORDS_ROOM = 121 };

struct channel {
    struct bf_client *client;
    struct bf_webpush *webpush;
};

/* An attempt on its way. */
struct flight {
    struct bf_fetch fetch;
    struct bf_push_attempt *attempt;
    struct bf_arena *arena;
    struct bf_webpush_request request;
    struct bf_fetch_header headers[BF_WEBPUSH_HEADERS];
    char topic[TOPIC_ROOM];
};

static enum bf_status open_webpush(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e)
{
    struct channel *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->client = ctx->client;
    enum bf_status status = bf_webpush_open(ctx->env, ctx->key_file.p, ctx->subject, &c->webpush, e);
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

static void end(struct bf_push_attempt *a, enum bf_push_outcome outcome, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void end(struct bf_push_attempt *a, enum bf_push_outcome outcome, const char *fmt, ...)
{
    va_list args;
    a->outcome = outcome;
    va_start(args, fmt);
    vsnprintf(a->detail, sizeof a->detail, fmt, args);
    va_end(args);
}

static void free_flight(struct flight *f)
{
    bf_fetch_finish(&f->fetch);
    bf_arena_destroy(&f->arena);
    free(f);
}

/* ---- answers ---- */

/* Push services share one host among millions of subscriptions: only what says something about the host moves its breaker. */
static enum bf_fetch_verdict judge_host(const struct bf_fetch *fetch)
{
    return fetch->http_status == 500 || fetch->http_status == 502 || fetch->http_status == 504 ? BF_FETCH_TROUBLE : BF_FETCH_FINE;
}

/* The beginning of what the peer says, in printable characters. */
static const char *words_of(struct bf_str answer, char out[WORDS_ROOM])
{
    size_t n = answer.n < WORDS_ROOM - 1 ? answer.n : WORDS_ROOM - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = answer.p[i] >= ' ' && answer.p[i] < 0x7f ? answer.p[i] : ' ';
    out[n] = '\0';
    return out;
}

static void read_answer(struct bf_push_attempt *a, const struct bf_fetch *fetch)
{
    char words[WORDS_ROOM];
    a->http_status = fetch->http_status;
    a->wait_ms = fetch->retry_after_ms > 0 ? fetch->retry_after_ms : 0;
    switch (bf_webpush_judge(fetch->http_status)) {
    case BF_WEBPUSH_ACCEPTED:
        end(a, BF_PUSH_ACCEPTED, "%s", "");
        return;
    case BF_WEBPUSH_GONE:
        end(a, BF_PUSH_RETIRE, "%d: the subscription is over", fetch->http_status);
        return;
    case BF_WEBPUSH_LATER:
        end(a, BF_PUSH_LATER, "the push service answered %d", fetch->http_status);
        return;
    case BF_WEBPUSH_DENIED:
        end(a, BF_PUSH_DENIED, "the push service does not take our signature: %d: %s", fetch->http_status, words_of(fetch->answer, words));
        return;
    case BF_WEBPUSH_REFUSED:
        end(a, BF_PUSH_REFUSED, "the push service answered %d: %s", fetch->http_status, words_of(fetch->answer, words));
        return;
    }
}

static void read_fault(struct bf_push_attempt *a, enum bf_status status, const struct bf_error *e)
{
    switch (status) {
    case BF_E_UNPROCESSABLE: /* no such URL or key can become a good one */
        end(a, BF_PUSH_RETIRE, "%s", e->cause);
        return;
    case BF_E_FORBIDDEN:
    case BF_E_TOO_LARGE:
        end(a, BF_PUSH_REFUSED, "%s", e->cause);
        return;
    default:
        a->wait_ms = (int64_t)e->retry_after_s * 1000;
        end(a, BF_PUSH_LATER, "%s", e->cause);
        return;
    }
}

static void landed(struct bf_task *task)
{
    struct flight *f = BF_CONTAINER(BF_CONTAINER(task, struct bf_fetch, done), struct flight, fetch);
    struct bf_push_attempt *a = f->attempt;
    a->maybe_arrived = f->fetch.maybe_arrived;
    if (f->fetch.status == BF_OK || (f->fetch.status == BF_E_TOO_LARGE && f->fetch.http_status > 0)) /* its status says it all */
        read_answer(a, &f->fetch);
    else
        read_fault(a, f->fetch.status, &f->fetch.error);
    free_flight(f);
    a->done.run(&a->done);
}

/* ---- sending ---- */

static enum bf_status make_request(struct channel *c, struct flight *f, struct bf_error *e)
{
    const struct bf_push_attempt *a = f->attempt;
    bf_base64url(&a->id, sizeof a->id, f->topic);
    struct bf_webpush_message message = {.payload = a->payload, .ttl_s = a->ttl_s, .urgency = a->urgency, .topic = bf_strz(f->topic)};
    enum bf_status status = bf_webpush_make(c->webpush, &a->target, &message, f->arena, &f->request, e);
    for (unsigned i = 0; status == BF_OK && i < f->request.n_headers; i++)
        f->headers[i] = (struct bf_fetch_header){f->request.headers[i].name, f->request.headers[i].value};
    return status;
}

static void fill_fetch(struct flight *f)
{
    struct bf_fetch *fetch = &f->fetch;
    fetch->url = bf_str_dup(f->arena, f->attempt->target.endpoint).p;
    fetch->from = BF_URL_USER;
    fetch->headers = f->headers;
    fetch->n_headers = f->request.n_headers;
    fetch->body = f->request.body;
    fetch->connect_ms_max = CONNECT_MS;
    fetch->try_ms_max = fetch->total_ms_max = TOTAL_MS;
    fetch->answer_bytes_max = ANSWER_BYTES_MAX;
    fetch->repeatable = true; /* the topic replaces */
    fetch->judge = judge_host;
    fetch->home = f->attempt->home;
    fetch->done.run = landed;
}

static enum bf_status send_webpush(void *impl, struct bf_push_attempt *a, struct bf_error *e)
{
    struct channel *c = impl;
    struct flight *f = calloc(1, sizeof *f);
    struct bf_error fault = {0};
    if (f == NULL)
        abort();
    a->http_status = 0;
    a->wait_ms = 0;
    a->maybe_arrived = false;
    f->attempt = a;
    f->arena = bf_arena_create();
    bf_fetch_init(&f->fetch);
    enum bf_status status = make_request(c, f, &fault);
    if (status == BF_OK) {
        fill_fetch(f);
        status = bf_client_submit(c->client, &f->fetch, &fault);
    }
    if (status == BF_OK)
        return BF_OK;
    read_fault(a, status, &fault);
    free_flight(f);
    if (e != NULL)
        *e = fault;
    return status;
}

const struct bf_channel bf_channel_webpush = {
    .name = "webpush",
    .open = open_webpush,
    .send = send_webpush,
    .close = close_webpush,
};
