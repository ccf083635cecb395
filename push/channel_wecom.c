/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel of WeCom's group robots (work.weixin.qq.com, document 91770): markdown of at most 4096 bytes. The HTTP status says nothing: `errcode` in the
 * answer does. A robot takes 20 messages a minute and is deaf for a minute after more, so that no more are sent: they are told later.
 * The robot's key is its address, and a secret.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/json.h"
#include "push/channel_http.h"
#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

enum { A_MINUTE = 20, MINUTE_MS = 60000, ROBOTS_MAX = 1024, ANSWER_MAX = 16384 };

/* When the last messages were sent to it. */
struct robot {
    char key[BF_WECOM_KEY_MAX + 1];
    int64_t sent_ms[A_MINUTE];
    unsigned next; /* the oldest of them */
    UT_hash_handle hh;
};

struct channel {
    const struct bf_env *env;
    struct bf_client *client;
    struct bf_str url;
    pthread_mutex_t lock;
    struct robot *robots;
};

static enum bf_status open_wecom(const struct bf_channel_ctx *ctx, void **ret, struct bf_error *e)
{
    struct channel *c = calloc(1, sizeof *c);
    (void)e;
    if (c == NULL)
        abort();
    *c = (struct channel){.env = ctx->env, .client = ctx->client, .url = ctx->wecom_url};
    pthread_mutex_init(&c->lock, NULL);
    *ret = c;
    return BF_OK;
}

static void close_wecom(void *impl)
{
    struct channel *c = impl;
    struct robot *r, *next;
    HASH_ITER(hh, c->robots, r, next) {
        HASH_DEL(c->robots, r);
        free(r);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- 20 a minute ---- */

static int64_t newest(const struct robot *r) { return r->sent_ms[(r->next + A_MINUTE - 1) % A_MINUTE]; }

/* Forgets the robots that were not spoken to for a minute. */
static void sweep(struct channel *c, int64_t now_ms)
{
    struct robot *r, *next;
    HASH_ITER(hh, c->robots, r, next)
        if (now_ms - newest(r) >= MINUTE_MS) {
            HASH_DEL(c->robots, r);
            free(r);
        }
}

static struct robot *robot_of(struct channel *c, struct bf_str key, int64_t now_ms)
{
    struct robot *r = NULL;
    HASH_FIND(hh, c->robots, key.p, key.n, r);
    if (r == NULL && HASH_COUNT(c->robots) >= ROBOTS_MAX)
        sweep(c, now_ms);
    if (r != NULL || HASH_COUNT(c->robots) >= ROBOTS_MAX)
        return r;
    if ((r = calloc(1, sizeof *r)) == NULL)
        abort();
    memcpy(r->key, key.p, key.n);
    for (unsigned i = 0; i < A_MINUTE; i++)
        r->sent_ms[i] = now_ms - MINUTE_MS;
    HASH_ADD(hh, c->robots, key, (unsigned)key.n, r);
    return r;
}

/* 0: now, and it is counted; else after so long. */
static int64_t wait_for_turn(struct channel *c, struct bf_str key)
{
    int64_t now_ms = bf_mono_ms(c->env), wait_ms = MINUTE_MS;
    pthread_mutex_lock(&c->lock);
    struct robot *r = robot_of(c, key, now_ms);
    if (r != NULL && (wait_ms = r->sent_ms[r->next] + MINUTE_MS - now_ms) <= 0) {
        wait_ms = 0;
        r->sent_ms[r->next] = now_ms;
        r->next = (r->next + 1) % A_MINUTE;
    }
    pthread_mutex_unlock(&c->lock);
    return wait_ms;
}

/* ---- answers ---- */

/* WeCom's global error codes: developer.work.weixin.qq.com, document 90313. Its words are left out: they may quote the key. */
static void read_errcode(struct bf_push_attempt *a, int64_t code)
{
    switch (code) {
    case 0:
        bf__attempt_end(a, BF_PUSH_ACCEPTED, "%s", "");
        return;
    case 45009: /* too many a minute */
    case 45033: /* too many at the same time */
        a->wait_ms = MINUTE_MS;
        bf__attempt_end(a, BF_PUSH_LATER, "WeCom answered %lld: too many messages", (long long)code);
        return;
    case -1: /* busy */
    case 6000:
        bf__attempt_end(a, BF_PUSH_LATER, "WeCom answered %lld: it is busy", (long long)code);
        return;
    case 93000: /* no such robot */
    case 93004: /* it was stopped */
    case 93008: /* it is not in the group */
    case 40001:
    case 40014:
        bf__attempt_end(a, BF_PUSH_DENIED, "WeCom does not take the robot's key: %lld", (long long)code);
        return;
    default:
        bf__attempt_end(a, BF_PUSH_REFUSED, "WeCom answered %lld", (long long)code);
        return;
    }
}

static void read_answer(struct bf_push_attempt *a, const struct bf_fetch *fetch)
{
    struct bf_arena *arena = bf_arena_create();
    const struct bf_json *json = NULL;
    int64_t code;
    if (fetch->http_status != 200)
        bf__attempt_end(a, bf_webpush_judge(fetch->http_status) == BF_WEBPUSH_LATER ? BF_PUSH_LATER : BF_PUSH_REFUSED, "WeCom answered %d", fetch->http_status);
    else if (bf_json_parse(arena, fetch->answer, ANSWER_MAX, &json, NULL) != BF_OK || !bf_json_int(bf_json_get(json, "errcode"), &code))
        bf__attempt_end(a, BF_PUSH_LATER, "WeCom's answer has no errcode");
    else
        read_errcode(a, code);
    bf_arena_destroy(&arena);
}

/* ---- sending ---- */

static struct bf_str write_body(struct bf_arena *arena, struct bf_str markdown)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 8 * BF_WECOM_BYTES_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "msgtype");
    bf_jw_str(&w, BF_STR("markdown"));
    bf_jw_key(&w, "markdown");
    bf_jw_object(&w);
    bf_jw_key(&w, "content");
    bf_jw_str(&w, markdown);
    bf_jw_end_object(&w);
    bf_jw_end_object(&w);
    struct bf_str body = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    return body;
}

static enum bf_status send_wecom(void *impl, struct bf_push_attempt *a)
{
    struct channel *c = impl;
    struct bf__flight *f = bf__flight_create(a, read_answer);
    struct bf_error fault = {0};
    int64_t wait_ms = wait_for_turn(c, a->address);
    if (wait_ms > 0) {
        a->wait_ms = wait_ms;
        bf__attempt_end(a, BF_PUSH_LATER, "the robot takes %d messages a minute", A_MINUTE);
        bf__flight_free(f);
        return BF_E_THROTTLED;
    }
    f->headers[0] = (struct bf_fetch_header){"content-type", BF_STR("application/json")};
    f->fetch.n_headers = 1;
    f->fetch.body = write_body(f->arena, a->payload);
    f->fetch.url = bf_arena_printf(f->arena, "%.*s?key=%.*s", BF_FMT(c->url), BF_FMT(a->address));
    f->fetch.from = BF_URL_CONFIG;
    return bf__flight_send(f, c->client, BF_OK, &fault);
}

const struct bf_channel bf_channel_wecom = {.name = "wecom", .open = open_wecom, .send = send_wecom, .close = close_wecom};
