/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams: any thread appends to `waiting`; the loop sends it when libh2o has taken what flew before. Idle streams hold no buffer. */
#include "core/http/internal.h"
#include "core/metrics.h"
#include <assert.h>
#include <stdlib.h>

/* libh2o is given so much at a time: a client is judged by how fast it takes that, however much waits behind it. */
enum { PIECE_MAX = 64 * 1024, SEND_MAX = 64 << 20 };

struct bf_event_stream {
    struct bf_task task;
    struct bf_http *http;
    struct bf__loop *loop;
    bf_event_stream_closed_fn *closed;
    bf_event_stream_drained_fn *drained;
    void *ctx;
    _Atomic unsigned refs; /* the caller, the loop until the end, the task while posted */
    pthread_mutex_t lock;  /* the next five */
    struct bf_buf waiting;
    bool is_posted, is_closing, is_ended;
    bool is_owed; /* to say `drained` for what was sent */
    /* loop only */
    struct bf_event_stream *next, **prev;
    struct bf_request *request;
    struct bf_buf flying;
    size_t flown; /* bytes of `flying` that libh2o has or had */
    bool is_flying, is_final, is_cut;
    int64_t last_ms;
};

static void unref(struct bf_event_stream *s)
{
    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    bf_buf_finish(&s->waiting);
    bf_buf_finish(&s->flying);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- on the loop ---- */

static void send_bytes(struct bf_event_stream *s, const char *p, size_t n)
{
    h2o_iovec_t piece = h2o_iovec_init(p, n);
    assert(!s->is_flying && !s->is_final);
    s->is_flying = true;
    s->last_ms = bf_mono_ms(s->http->env);
    h2o_send(s->request->h2o, &piece, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void send_piece(struct bf_event_stream *s)
{
    size_t left = s->flying.n - s->flown, n = left < PIECE_MAX ? left : PIECE_MAX;
    const char *p = s->flying.p + s->flown;
    s->flown += n;
    send_bytes(s, p, n);
}

static void flush(struct bf_event_stream *s)
{
    bool is_closing, is_drained;
    if (s->request == NULL || s->is_flying || s->is_final)
        return;
    pthread_mutex_lock(&s->lock);
    assert(s->flying.n == 0);
    s->flying = s->waiting;
    s->flown = 0;
    bf_buf_init(&s->waiting, SEND_MAX);
    is_closing = s->is_closing;
    is_drained = s->flying.n == 0 && s->is_owed;
    s->is_owed = s->is_owed && !is_drained;
    pthread_mutex_unlock(&s->lock);
    if (s->flying.n > 0) {
        send_piece(s);
    } else if (is_closing) {
        s->is_final = true;
        s->last_ms = bf_mono_ms(s->http->env);
        h2o_send(s->request->h2o, NULL, 0, H2O_SEND_STATE_FINAL);
    } else if (is_drained && s->drained != NULL) {
        s->drained(s, s->ctx);
    }
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *h2o)
{
    struct bf__guard *guard = BF_CONTAINER(generator, struct bf__guard, generator);
    struct bf_event_stream *s = guard->request->stream;
    (void)h2o;
    s->is_flying = false;
    if (s->flown < s->flying.n) {
        send_piece(s);
        return;
    }
    bf_buf_finish(&s->flying);
    flush(s);
}

void bf__events_start(struct bf_request *req)
{
    struct bf_event_stream *s = req->answer->stream;
    s->request = req;
    req->stream = s;
    bf__request_slim(req);
    s->next = s->loop->streams;
    s->prev = &s->loop->streams;
    if (s->next != NULL)
        s->next->prev = &s->next;
    s->loop->streams = s;
    req->h2o->compress_hint = H2O_COMPRESS_HINT_DISABLE;
    req->guard->generator.proceed = on_proceed;
    h2o_start_response(req->h2o, &req->guard->generator);
    /* a comment, so that the headers go out at once */
    send_bytes(s, ":\n\n", 3);
}

static void end(struct bf_event_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_ended = true;
    bf_buf_finish(&s->waiting);
    bf_buf_init(&s->waiting, SEND_MAX);
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&s->http->event_streams, 1);
    bf_metric_add(s->http->env->metrics, BF_M_HTTP_STREAMS, -1);
    if (s->closed != NULL)
        s->closed(s, s->ctx);
    unref(s);
}

void bf__events_gone(struct bf_event_stream *s)
{
    *s->prev = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    s->request = NULL;
    end(s);
}

void bf__events_dropped(struct bf_event_stream *s) { end(s); }

/* What else the connection carries goes on; unless TCP itself is not read: the stream then waits for a write that does not end. */
static void cut(struct bf_event_stream *s, int64_t now_ms)
{
    h2o_req_t *h2o = s->request->h2o;
    if (h2o->conn->callbacks->cancel == NULL || s->is_cut) {
        bf__conn_kill(s->request->conn, "an event stream was not read");
        return;
    }
    s->is_cut = true;
    s->last_ms = now_ms;
    h2o->conn->callbacks->cancel(h2o); /* `s` may be gone after this */
}

void bf__events_sweep(struct bf__loop *loop, int64_t now_ms)
{
    for (struct bf_event_stream *s = loop->streams, *next; s != NULL; s = next) {
        next = s->next;
        if ((s->is_flying || s->is_final) && now_ms - s->last_ms > (int64_t)loop->http->config.rate_ms)
            cut(s, now_ms);
        else if (!s->is_flying && !s->is_final && now_ms - s->last_ms >= BF__KEEPALIVE_MS)
            send_bytes(s, ":\n\n", 3);
    }
}

void bf__events_drain(struct bf__loop *loop)
{
    for (struct bf_event_stream *s = loop->streams, *next; s != NULL; s = next) {
        next = s->next;
        pthread_mutex_lock(&s->lock);
        s->is_closing = true;
        pthread_mutex_unlock(&s->lock);
        flush(s);
    }
}

static void run_task(struct bf_task *task)
{
    struct bf_event_stream *s = BF_CONTAINER(task, struct bf_event_stream, task);
    pthread_mutex_lock(&s->lock);
    s->is_posted = false;
    pthread_mutex_unlock(&s->lock);
    flush(s);
    unref(s);
}

/* ---- on any thread ---- */

enum bf_status bf_reply_events(struct bf_request *req, const struct bf_header *headers, unsigned n_headers,
                               bf_event_stream_closed_fn *closed, bf_event_stream_drained_fn *drained, void *ctx,
                               struct bf_event_stream **ret, struct bf_error *e)
{
    struct bf_http *http = req->http;
    struct bf_header with_type[BF__HEADERS_OUT_MAX] = {{"content-type", BF_STR("text/event-stream")}};
    assert(n_headers < BF__HEADERS_OUT_MAX);
    if (atomic_fetch_add(&http->event_streams, 1) >= http->config.event_streams_max || atomic_load(&http->draining)) {
        atomic_fetch_sub(&http->event_streams, 1);
        bf_fail(e, BF_E_UNAVAILABLE, "no more event streams can be opened");
        if (e != NULL)
            e->retry_after_s = 5;
        return BF_E_UNAVAILABLE;
    }
    struct bf_event_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->http = http;
    s->loop = req->loop;
    s->closed = closed;
    s->drained = drained;
    s->ctx = ctx;
    atomic_init(&s->refs, 2);
    pthread_mutex_init(&s->lock, NULL);
    bf_buf_init(&s->waiting, SEND_MAX);
    bf_metric_add(http->env->metrics, BF_M_HTTP_STREAMS, 1);
    for (unsigned i = 0; i < n_headers; i++)
        with_type[i + 1] = headers[i];
    *ret = s;
    bf__answer_events(req, with_type, n_headers + 1, s);
    return BF_OK;
}

/* With the lock held: whether the caller has to post the task. */
static bool must_post(struct bf_event_stream *s)
{
    if (s->is_posted)
        return false;
    s->is_posted = true;
    atomic_fetch_add(&s->refs, 1);
    return true;
}

enum bf_status bf_event_stream_send(struct bf_event_stream *s, struct bf_str events)
{
    enum bf_status status = BF_OK;
    bool post = false;
    pthread_mutex_lock(&s->lock);
    if (s->is_ended || s->is_closing) {
        status = BF_E_CANCELLED;
    } else if (s->waiting.n > 0 && s->waiting.n + events.n > BF__EVENTS_MAX) {
        status = BF_E_UNAVAILABLE;
    } else if (!bf_buf_add(&s->waiting, events.p, events.n)) {
        status = BF_E_TOO_LARGE;
    } else {
        s->is_owed = true;
        post = must_post(s);
    }
    pthread_mutex_unlock(&s->lock);
    if (post) {
        s->task.run = run_task;
        bf_post(&s->loop->mailbox, &s->task);
    }
    return status;
}

void bf_event_stream_close(struct bf_event_stream *s)
{
    bool post = false;
    pthread_mutex_lock(&s->lock);
    if (!s->is_ended && !s->is_closing) {
        s->is_closing = true;
        post = must_post(s);
    }
    pthread_mutex_unlock(&s->lock);
    if (post) {
        s->task.run = run_task;
        bf_post(&s->loop->mailbox, &s->task);
    }
}

void bf_event_stream_release(struct bf_event_stream **stream)
{
    if (*stream != NULL)
        unref(*stream);
    *stream = NULL;
}
