/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commit wakes the streams of its tenant, and so does an ended session, of whatever process. Waking sets a flag and, unless it is under way already, posts the
 * stream's task to the workers: so a stream is read by one worker at a time, and any number of commits meanwhile cost one more round. A round is
 * one page, read once the client has taken the page before; what is left goes behind what else waits for a worker. Before each round the session
 * is checked and the caller's rights are read again: a freeze, a revoked session or a change of rights ends the stream at once, a new team below a
 * supervisor's is seen at once.
 *
 * Events come from the log under today's rights, never from memory: a reconnect with Last-Event-ID goes on where the stream was.
 */
#include "gateway/events.h"
#include "core/pool.h"
#include "gateway/feed.h"
#include "gateway/routes.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_AT_ONCE = 100, EVENTS_MAX = BF_FEED_JSON_MAX + (1 << 20) }; /* a page of the feed in its lines; below what a stream takes at once */

struct stream {
    struct stream *next, **link; /* in the hub's list, under its lock */
    struct bf_events *hub;
    char trace[33];
    struct bf_call call; /* without a request; the arena, and the caller's memory in it, are a round's */
    struct bf_event_stream *out;
    void *pos;           /* a bf_feed_pos as far as it says something, the rounds': one with a key is large, and rare */
    size_t pos_n;
    bool told; /* the client has an id to come back with; the rounds' */
    struct bf_task task;
    bool woken, under_way, open, closed; /* under the hub's lock; `out` is there once it is open */
    bool drained, behind;                /* under the hub's lock: what was sent is on its way; there is more to read then */
    unsigned refs;                 /* under the hub's lock: the list, a task under way, the opener */
};

struct bf_events {
    struct bf_gateway *gateway;
    pthread_mutex_t lock;
    pthread_cond_t empty;
    struct stream *streams;
    unsigned n;
    bool draining;
};

/* ---- life of a stream ---- */

static void release(struct stream *s)
{
    struct bf_events *hub = s->hub;
    pthread_mutex_lock(&hub->lock);
    bool last = --s->refs == 0;
    if (last && --hub->n == 0)
        pthread_cond_broadcast(&hub->empty);
    pthread_mutex_unlock(&hub->lock);
    if (!last)
        return;
    bf_event_stream_release(&s->out);
    free(s->pos);
    free(s);
}

/* On the loop: the client left, or the stream was closed. */
static void closed(struct bf_event_stream *out, void *ctx)
{
    struct stream *s = ctx;
    (void)out;
    pthread_mutex_lock(&s->hub->lock);
    s->closed = true;
    *s->link = s->next;
    if (s->next != NULL)
        s->next->link = s->link;
    pthread_mutex_unlock(&s->hub->lock);
    release(s);
}

/* Under the hub's lock. */
static void wake(struct stream *s)
{
    s->woken = true;
    if (s->under_way || s->closed)
        return;
    s->under_way = true;
    s->refs++;
    bf_post(bf_pool_mailbox(s->hub->gateway->ctx->workers), &s->task);
}

/* On the loop. */
static void drained(struct bf_event_stream *out, void *ctx)
{
    struct stream *s = ctx;
    (void)out;
    pthread_mutex_lock(&s->hub->lock);
    s->drained = true;
    if (s->behind)
        wake(s);
    pthread_mutex_unlock(&s->hub->lock);
}

static void on_commit(void *ctx, struct bf_uuid tenant, int64_t n)
{
    struct bf_events *hub = ctx;
    (void)n;
    pthread_mutex_lock(&hub->lock);
    for (struct stream *s = hub->streams; s != NULL; s = s->next)
        if (bf_uuid_eq(&s->call.caller.tenant, &tenant))
            wake(s);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- a round ---- */

static void keep_pos(struct stream *s, const struct bf_feed_pos *pos)
{
    size_t n = bf__feed_pos_bytes(pos);
    if (n != s->pos_n && (s->pos = realloc(s->pos, n)) == NULL)
        abort();
    s->pos_n = n;
    memcpy(s->pos, pos, n);
}

static void write_id(struct stream *s, const struct bf_feed_pos *pos, struct bf_buf *out)
{
    struct bf_str id = bf__feed_seal(&s->call, pos);
    bf_buf_addz(out, "id: ");
    bf_buf_add(out, id.p, id.n);
    bf_buf_addc(out, '\n');
}

static void write_page(struct stream *s, const struct bf_feed_pos *pos, const struct bf_feed_page *page, struct bf_buf *out)
{
    for (unsigned i = 0; i < page->n; i++) {
        bf_buf_addz(out, "event: change\n");
        if (i + 1 == page->n)
            write_id(s, pos, out);
        bf_buf_addz(out, "data: ");
        bf_buf_add(out, page->items[i].json.p, page->items[i].json.n);
        bf_buf_addz(out, "\n\n");
    }
}

static enum bf_status send_out(struct stream *s, const struct bf_buf *out)
{
    if (out->overflowed)
        return BF_E_TOO_LARGE;
    if (out->n == 0)
        return BF_OK;
    pthread_mutex_lock(&s->hub->lock);
    s->drained = false;
    pthread_mutex_unlock(&s->hub->lock);
    return bf_event_stream_send(s->out, bf_buf_str(out));
}

/* Sends the next page of what was committed since. The first begins with where the stream stands, as an id without an event: also a stream that
 * breaks before its first event is resumed from where it was opened. */
static enum bf_status send_next(struct stream *s, bool *ret_more, struct bf_error *e)
{
    struct bf_feed_pos pos;
    struct bf_feed_page page;
    struct bf_buf out;
    memcpy(&pos, s->pos, s->pos_n);
    bf_buf_init(&out, EVENTS_MAX);
    if (!s->told) {
        write_id(s, &pos, &out);
        bf_buf_addc(&out, '\n');
    }
    s->told = true;
    enum bf_status status = bf__feed_read(&s->call, &pos, ITEMS_AT_ONCE, "events", &page, e);
    if (status == BF_OK) {
        keep_pos(s, &pos);
        write_page(s, &pos, &page, &out);
        *ret_more = page.more;
        status = send_out(s, &out);
    }
    bf_buf_finish(&out);
    return status;
}

/* False when the stream must end. */
static bool go_on(struct stream *s, bool may_read, bool *ret_more)
{
    struct bf_error e = {0};
    s->call.now_ms = bf_now_ms(s->call.env);
    enum bf_status status = bf_access_recheck(s->call.access, &s->call.caller, s->call.arena, &e);
    if (status == BF_E_UNAUTHENTICATED)
        bf_event_stream_send(s->out, BF_STR("event: resync\ndata: {}\n\n"));
    *ret_more = true;
    if (status == BF_OK && may_read)
        status = send_next(s, ret_more, &e);
    return status == BF_OK;
}

static void rest(struct stream *s, bool more)
{
    pthread_mutex_lock(&s->hub->lock);
    s->under_way = false;
    s->behind = more;
    if (s->woken || (more && s->drained))
        wake(s);
    pthread_mutex_unlock(&s->hub->lock);
}

static void take_round(struct bf_task *task)
{
    struct stream *s = BF_CONTAINER(task, struct stream, task);
    bool more;
    pthread_mutex_lock(&s->hub->lock);
    s->woken = s->behind = false;
    bool may_read = s->drained;
    pthread_mutex_unlock(&s->hub->lock);
    s->call.arena = bf_arena_create();
    bool good = go_on(s, may_read, &more);
    bf_arena_destroy(&s->call.arena);
    if (good)
        rest(s, more);
    else
        bf_event_stream_close(s->out); /* under_way stays set: no further round */
    release(s);
}

/* ---- opening ---- */

static struct stream *new_stream(struct bf_events *hub, const struct bf_call *call, const struct bf_feed_pos *pos)
{
    struct stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->hub = hub;
    keep_pos(s, pos);
    s->task.run = take_round;
    s->refs = 2;
    s->under_way = true; /* no round before `out` is there */
    s->drained = true;
    s->call = *call;
    s->call.req = NULL;
    s->call.arena = NULL;
    snprintf(s->trace, sizeof s->trace, "%s", call->trace);
    s->call.trace = s->trace;
    s->call.caller.teams = NULL; /* each round reads them anew */
    s->call.caller.n_teams = 0;
    s->call.caller.tz = bf_str(NULL, 0);
    return s;
}

static bool link_stream(struct stream *s)
{
    struct bf_events *hub = s->hub;
    pthread_mutex_lock(&hub->lock);
    bool good = !hub->draining;
    if (good) {
        s->next = hub->streams;
        s->link = &hub->streams;
        if (s->next != NULL)
            s->next->link = &s->next;
        hub->streams = s;
        hub->n++;
    }
    pthread_mutex_unlock(&hub->lock);
    return good;
}

static enum bf_status position(struct bf_call *call, struct bf_feed_pos *pos, struct bf_error *e)
{
    struct bf_str last = bf_request_header(call->req, "last-event-id");
    if (last.p == NULL || last.n == 0)
        return bf__feed_now(call, pos, e);
    enum bf_status status = bf__feed_open(call, last, pos, e);
    if (status != BF_E_INVALID_QUERY)
        return status;
    *e = (struct bf_error){.status = BF_OK};
    return bf_fail_field(e, BF_E_INVALID_HEADER, "Last-Event-ID", "bad_cursor", "an id as it was given to this user");
}

static void events(struct bf_call *call, void *service)
{
    struct bf_events *hub = ((struct bf_gateway *)service)->events;
    struct bf_feed_pos *pos = bf_arena_calloc(call->arena, 1, sizeof *pos);
    struct bf_error e = {0};
    if (position(call, pos, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    struct stream *s = new_stream(hub, call, pos);
    if (!link_stream(s)) {
        free(s->pos);
        free(s);
        bf_fail(&e, BF_E_UNAVAILABLE, "the server is stopping");
        e.retry_after_s = 2;
        bf_call_fail(call, &e);
        return;
    }
    /* The list holds it from here; `closed` takes it out again, also when the client is gone before this returns. */
    enum bf_status status = bf_reply_events(call->req, NULL, 0, closed, drained, s, &s->out, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        closed(NULL, s);
        release(s);
        return;
    }
    pthread_mutex_lock(&hub->lock);
    s->under_way = false;
    s->open = true;
    wake(s);
    if (hub->draining)
        bf_event_stream_close(s->out);
    pthread_mutex_unlock(&hub->lock);
    release(s);
}

/* ---- the hub ---- */

struct bf_events *bf__event_hub_create(struct bf_gateway *gateway)
{
    struct bf_events *hub = calloc(1, sizeof *hub);
    if (hub == NULL)
        abort();
    hub->gateway = gateway;
    pthread_mutex_init(&hub->lock, NULL);
    pthread_cond_init(&hub->empty, NULL);
    bf_log_watch(gateway->ctx->store, on_commit, hub);
    return hub;
}

void bf__event_hub_drain(struct bf_events *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->draining = true;
    for (struct stream *s = hub->streams; s != NULL; s = s->next)
        if (s->open)
            bf_event_stream_close(s->out);
    pthread_mutex_unlock(&hub->lock);
}

void bf__event_hub_destroy(struct bf_events **events)
{
    struct bf_events *hub = *events;
    if (hub == NULL)
        return;
    bf_log_unwatch(hub->gateway->ctx->store, hub);
    pthread_mutex_lock(&hub->lock);
    while (hub->n > 0)
        pthread_cond_wait(&hub->empty, &hub->lock);
    pthread_mutex_unlock(&hub->lock);
    pthread_cond_destroy(&hub->empty);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
    *events = NULL;
}

/* A page that lies open is not used. */
const struct bf_endpoint bf__events_open = {.run = events, .flags = BF_EP_ASIDE};
