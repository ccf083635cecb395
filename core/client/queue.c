/* SPDX-License-Identifier: Apache-2.0 */
/* When which call is sent, sent again, or given up. */
#include "core/client/client.h"
#include <assert.h>
#include <utlist.h>

/* What a try that is over says: to the host's breaker, and about trying again. */
struct lesson {
    enum bf_breaker_report report;
    bool again;
};

static void attend_at(struct bf_client *c, int64_t ms)
{
    if (ms < c->sweep_ms)
        c->sweep_ms = ms;
}

static void refuse(struct bf__transfer *t, enum bf_status status, int64_t wait_ms, const char *cause)
{
    struct bf_fetch *call = t->call;
    if (call->tries > 0) { /* what the last try brought says more */
        if (call->retry_after_ms < wait_ms)
            call->retry_after_ms = wait_ms;
        bf__client_done(t, call->status);
        return;
    }
    bf_fail(&call->error, status, "%s: %s", t->url.origin, cause);
    call->error.retry_after_s = (int)((wait_ms + 999) / 1000);
    call->retry_after_ms = wait_ms > 0 ? wait_ms : -1;
    bf__client_done(t, status);
}

void bf__queue_take(struct bf_client *c, struct bf__transfer *t)
{
    t->host = bf__host_get(c, t->url.origin);
    if (t->host == NULL) {
        refuse(t, BF_E_UNAVAILABLE, 1000, "calls to too many hosts are under way");
        return;
    }
    bf__host_enqueue(t->host, t);
    attend_at(c, t->deadline_ms);
}

static void send_one(struct bf_client *c, struct bf__transfer *t, int64_t now_ms)
{
    int64_t wait_ms = 0;
    if (now_ms >= t->deadline_ms) {
        refuse(t, BF_E_DEADLINE, 0, "the deadline passed before the call's turn came");
        return;
    }
    if (!t->call->no_breaker && !bf_breaker_admit(&t->host->breaker, &c->breaker, now_ms, &t->round, &wait_ms)) {
        bf__client_count(c, &c->refused_breaker, BF_M_CALLS_REFUSED);
        refuse(t, BF_E_UNAVAILABLE, wait_ms, "the host kept failing and is left alone for a while");
        return;
    }
    t->call->tries++;
    c->tries++;
    if (t->call->tries > 1)
        c->retries++;
    bf__host_launched(c, t);
    if (!bf__transfer_begin(t, now_ms))
        bf__queue_landed(c, t, CURLE_FAILED_INIT);
}

void bf__queue_send(struct bf_client *c)
{
    int64_t now_ms = bf_mono_ms(c->env);
    while (c->in_flight < c->config.in_flight_max && c->ready != NULL) {
        struct bf__host *h = c->ready;
        struct bf__transfer *t = h->queue;
        bf__host_remove(h, t);
        bf__host_rotate(c, h);
        send_one(c, t, now_ms);
    }
}

static void sweep_host(struct bf_client *c, struct bf__host *h, int64_t now_ms)
{
    struct bf__transfer *t, *next, *late = NULL;
    DL_FOREACH_SAFE2(h->queue, t, next, in_queue) {
        if (t->deadline_ms > now_ms) {
            attend_at(c, t->deadline_ms);
            continue;
        }
        bf__host_remove(h, t);
        DL_APPEND2(late, t, in_queue_prev, in_queue);
    }
    DL_FOREACH_SAFE2(late, t, next, in_queue)
        refuse(t, BF_E_DEADLINE, 0, "the deadline passed before the call's turn came");
}

static void unpause(struct bf_client *c, struct bf__transfer *t)
{
    DL_DELETE2(c->paused, t, in_queue_prev, in_queue);
    t->host->paused--;
    c->n_paused--;
}

void bf__queue_sweep(struct bf_client *c, int64_t now_ms)
{
    struct bf__transfer *t, *next;
    struct bf__host *h, *next_host;
    if (now_ms < c->sweep_ms)
        return;
    c->sweep_ms = INT64_MAX;
    DL_FOREACH_SAFE2(c->paused, t, next, in_queue) {
        if (t->wake_ms > now_ms) {
            attend_at(c, t->wake_ms);
            continue;
        }
        unpause(c, t);
        bf__host_enqueue(t->host, t);
    }
    HASH_ITER(hh, c->hosts, h, next_host)
        sweep_host(c, h, now_ms);
}

static struct lesson lesson_of_answer(enum bf_fetch_verdict verdict)
{
    switch (verdict) {
    case BF_FETCH_FINE:
        return (struct lesson){BF_BREAKER_ANSWERED, false};
    case BF_FETCH_RETRY:
        return (struct lesson){BF_BREAKER_ANSWERED, true};
    case BF_FETCH_TROUBLE:
        return (struct lesson){BF_BREAKER_FAILED, true};
    case BF_FETCH_TRIP:
        return (struct lesson){BF_BREAKER_TRIPPED, false};
    }
    return (struct lesson){BF_BREAKER_ANSWERED, false};
}

static struct lesson lesson_of_fault(enum bf_status status)
{
    switch (status) {
    case BF_E_TOO_LARGE:
        return (struct lesson){BF_BREAKER_ANSWERED, false};
    case BF_E_FORBIDDEN:
        return (struct lesson){BF_BREAKER_NOTHING, false};
    case BF_E_UPSTREAM: /* a bad certificate stays bad for a while */
        return (struct lesson){BF_BREAKER_FAILED, false};
    default:
        return (struct lesson){BF_BREAKER_FAILED, true};
    }
}

static struct lesson learn(struct bf__transfer *t, CURLcode code)
{
    struct bf_fetch *call = t->call;
    long http_status = 0, version = 0;
    call->maybe_arrived = call->maybe_arrived || t->sent;
    call->http_status = 0;
    call->retry_after_ms = -1;
    call->answer = (struct bf_str){NULL, 0};
    bool is_answered = bf__mail_is_answered(t, code);
    if (code != CURLE_OK && !is_answered) {
        call->status = bf__transfer_fault(t, code, &call->error);
        if (call->status == BF_E_TOO_LARGE)
            curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http_status);
        call->http_status = (int)http_status;
        bf__client_count(t->client, &t->client->failures, BF_M_CALLS_FAILED);
        return lesson_of_fault(call->status);
    }
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    t->host->multiplexes = version == CURL_HTTP_VERSION_2_0;
    call->status = BF_OK;
    call->http_status = (int)http_status;
    if (!is_answered)
        call->answer = bf_buf_str(&t->body);
    call->retry_after_ms = bf__retry_after_ms(bf_buf_str(&t->head), bf_now_ms(t->client->env));
    struct lesson lesson = lesson_of_answer(call->judge(call));
    if (lesson.report != BF_BREAKER_ANSWERED)
        bf__client_count(t->client, &t->client->failures, BF_M_CALLS_FAILED);
    return lesson;
}

/* Pauses the call when it may and can be tried again before its deadline. */
static bool pause_for_retry(struct bf_client *c, struct bf__transfer *t)
{
    const struct bf_fetch *call = t->call;
    if (call->tries >= call->tries_max || (t->sent && !call->repeatable) || c->stopping_seen)
        return false;
    int64_t now_ms = bf_mono_ms(c->env), pause_ms = bf__retry_pause_ms(c->env, call);
    if (pause_ms < call->retry_after_ms)
        pause_ms = call->retry_after_ms;
    if (now_ms + pause_ms >= t->deadline_ms)
        return false;
    t->wake_ms = now_ms + pause_ms;
    t->host->paused++;
    c->n_paused++;
    DL_APPEND2(c->paused, t, in_queue_prev, in_queue);
    attend_at(c, t->wake_ms);
    return true;
}

void bf__queue_landed(struct bf_client *c, struct bf__transfer *t, CURLcode code)
{
    struct lesson lesson = learn(t, code);
    bf__transfer_end(t);
    bf__host_landed(c, t, t->call->no_breaker ? BF_BREAKER_NOTHING : lesson.report);
    if (!lesson.again || !pause_for_retry(c, t))
        bf__client_done(t, t->call->status);
}

static void cancel(struct bf__transfer *t)
{
    bf_fail(&t->call->error, BF_E_CANCELLED, "%s: the client is stopping", t->url.origin);
    bf__client_done(t, BF_E_CANCELLED);
}

void bf__queue_cancel(struct bf_client *c, bool flying_too)
{
    struct bf__transfer *t, *next;
    struct bf__host *h, *next_host;
    DL_FOREACH_SAFE2(c->paused, t, next, in_queue) {
        unpause(c, t);
        cancel(t);
    }
    HASH_ITER(hh, c->hosts, h, next_host) {
        struct bf__transfer *all = NULL;
        while (h->queue != NULL) {
            t = h->queue;
            bf__host_remove(h, t);
            DL_APPEND2(all, t, in_queue_prev, in_queue);
        }
        DL_FOREACH_SAFE2(all, t, next, in_queue)
            cancel(t);
    }
    DL_FOREACH_SAFE2(c->flying, t, next, in_queue) {
        if (!flying_too)
            break;
        t->call->maybe_arrived = t->call->maybe_arrived || t->sent;
        bf__transfer_end(t);
        bf__host_landed(c, t, BF_BREAKER_NOTHING);
        cancel(t);
    }
}
