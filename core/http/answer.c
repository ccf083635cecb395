/* SPDX-License-Identifier: Apache-2.0 */
/* Answers: made by the request's owner on any thread, sent by the loop. */
#include "core/http/internal.h"
#include "core/metrics.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_AFTER_S = 1 };

/* ---- made ---- */

/* One block: the struct with its headers, then their values, then the body. It is the request's own when it fits and `space` is not NULL. */
static struct bf__answer *make(void *space, int status, const struct bf_header *headers, unsigned n, struct bf_str body)
{
    size_t bytes = body.n + n * sizeof(struct bf__header);
    assert(status >= 200 && status <= 599 && n <= BF__HEADERS_OUT_MAX);
    for (unsigned i = 0; i < n; i++)
        bytes += headers[i].value.n;
    struct bf__answer *a = space != NULL && sizeof *a + bytes <= BF__ANSWER_SPACE ? space : malloc(sizeof *a + bytes);
    if (a == NULL)
        abort();
    char *to = (char *)&a->headers[n];
    a->status = status;
    a->n_headers = n;
    a->source = NULL;
    a->stream = NULL;
    for (unsigned i = 0; i < n; i++) {
        a->headers[i].name = bf_strz(headers[i].name);
        a->headers[i].value = bf_str(to, headers[i].value.n);
        to = mempcpy(to, headers[i].value.p, headers[i].value.n);
    }
    a->body = bf_str(to, body.n);
    if (body.n > 0)
        memcpy(to, body.p, body.n);
    return a;
}

void bf__answer_free(struct bf_request *req, struct bf__answer **answer)
{
    if (*answer != req->space)
        free(*answer);
    *answer = NULL;
}

/* 429 and 503 always say when to come back, also where the error's maker did not. */
static int retry_after_s(const struct bf_error *e)
{
    int status = bf_status_http(e->status);
    return e->retry_after_s == 0 && (status == 429 || status == 503) ? RETRY_AFTER_S : e->retry_after_s;
}

/* A problem document, and Retry-After. */
static struct bf__answer *make_error(void *space, const struct bf_request *req, const struct bf_error *e, struct bf_str current,
                                     const struct bf_header *more, unsigned n_more)
{
    char retry[16];
    struct bf_buf body;
    struct bf_header headers[BF__HEADERS_OUT_MAX] = {{"content-type", BF_STR("application/problem+json")}};
    unsigned n = 1;
    assert(n_more <= BF__HEADERS_OUT_MAX - 3);
    for (unsigned i = 0; i < n_more; i++)
        headers[n++] = more[i];
    if (retry_after_s(e) > 0) {
        int len = snprintf(retry, sizeof retry, "%d", retry_after_s(e));
        headers[n++] = (struct bf_header){"retry-after", bf_str(retry, (size_t)len)};
    }
    if (bf_status_http(e->status) == 401)
        headers[n++] = (struct bf_header){"www-authenticate", BF_STR("Bearer")};
    bf_buf_init(&body, 16 * 1024 + current.n);
    bf__problem_write(&body, e, current, req->lang, req->trace);
    struct bf__answer *a = make(space, bf_status_http(e->status), headers, n, bf_buf_str(&body));
    bf_buf_finish(&body);
    return a;
}

void bf__answer_error(struct bf_request *req, const struct bf_error *e)
{
    int status = bf_status_http(e->status);
    assert(req->answer == NULL && !req->is_answered);
    if (status == 413 || status == 429 || status == 431 || status == 503)
        bf_metric_add(req->http->env->metrics, BF_M_HTTP_REFUSED, 1);
    /* not in the request's space: its owner may be writing a reply there */
    req->answer = make_error(NULL, req, e, bf_str(NULL, 0), NULL, 0);
}

/* ---- handed over ---- */

static void take_reply(struct bf_task *task)
{
    struct bf_request *req = BF_CONTAINER(task, struct bf_request, task);
    struct bf__answer *reply = req->reply;
    req->reply = NULL;
    bf__request_disown(req);
    bf__arrival_release(req);
    /* the client is gone, or the loop itself has answered (408) */
    if (req->h2o == NULL || req->answer != NULL) {
        if (reply->source != NULL)
            bf__pump_close_source(req->http, reply->source);
        if (reply->stream != NULL)
            bf__events_dropped(reply->stream);
        bf__answer_free(req, &reply);
        bf__request_free_if_done(req);
        return;
    }
    req->answer = reply;
    bf__answer_deliver(req);
}

static void hand_over(struct bf_request *req, struct bf__answer *answer)
{
    assert(!req->is_replied);
    req->is_replied = true;
    bf_arena_reset(req->arena);
    req->reply = answer;
    req->task.run = take_reply;
    bf_post(&req->loop->mailbox, &req->task);
}

void bf_reply(struct bf_request *req, int status, const struct bf_header *headers, unsigned n_headers, struct bf_str body)
{
    hand_over(req, make(req->space, status, headers, n_headers, body));
}

void bf_reply_error(struct bf_request *req, const struct bf_error *e) { bf_reply_error_with(req, e, NULL, 0); }

void bf_reply_error_with(struct bf_request *req, const struct bf_error *e, const struct bf_header *headers, unsigned n_headers)
{
    hand_over(req, make_error(req->space, req, e, bf_str(NULL, 0), headers, n_headers));
}

void bf_reply_error_about(struct bf_request *req, const struct bf_error *e, struct bf_str current, const struct bf_header *headers, unsigned n_headers)
{
    hand_over(req, make_error(req->space, req, e, current, headers, n_headers));
}

void bf_reply_source(struct bf_request *req, int status, const struct bf_header *headers, unsigned n_headers, struct bf_body_source *source)
{
    struct bf__answer *a = make(req->space, status, headers, n_headers, BF_STR(""));
    a->source = source;
    hand_over(req, a);
}

void bf__answer_events(struct bf_request *req, const struct bf_header *headers, unsigned n_headers, struct bf_event_stream *stream)
{
    struct bf__answer *a = make(NULL, 200, headers, n_headers, BF_STR(""));
    a->stream = stream;
    hand_over(req, a);
}

/* ---- sent ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {406, "Not Acceptable"},
                   {408, "Request Timeout"},
                   {409, "Conflict"},
                   {410, "Gone"},
                   {412, "Precondition Failed"},
                   {413, "Content Too Large"},
                   {415, "Unsupported Media Type"},
                   {416, "Range Not Satisfiable"},
                   {422, "Unprocessable Content"},
                   {423, "Locked"},
                   {428, "Precondition Required"},
                   {429, "Too Many Requests"},
                   {431, "Request Header Fields Too Large"},
                   {460, "Checksum Mismatch"},
                   {500, "Internal Server Error"},
                   {501, "Not Implemented"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"},
                   {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Other";
}

/* As h2o_add_header, for names that outlive the request, without its look-up; room was reserved. */
static void push(h2o_req_t *h2o, h2o_iovec_t *name, struct bf_str value)
{
    h2o_headers_t *to = &h2o->res.headers;
    assert(to->size < to->capacity);
    to->entries[to->size++] = (h2o_header_t){.name = name, .value = h2o_iovec_init(value.p, value.n)};
}

static void add_traceparent(struct bf_request *req)
{
    uint8_t span[8];
    char *value = h2o_mem_alloc_pool(&req->h2o->pool, 56);
    bf__loop_random(req->loop, span, sizeof span);
    memcpy(value, "00-", 3);
    memcpy(value + 3, req->trace, 32);
    value[35] = '-';
    bf_hex(span, sizeof span, value + 36);
    memcpy(value + 52, "-01", 4);
    push(req->h2o, &req->loop->name_traceparent, bf_str(value, 55));
}

static void add_headers(struct bf_request *req)
{
    const struct bf__answer *a = req->answer;
    h2o_req_t *h2o = req->h2o;
    bool has_cache_control = false;
    h2o_vector_reserve(&h2o->pool, &h2o->res.headers, a->n_headers + 5);
    for (unsigned i = 0; i < a->n_headers; i++) {
        struct bf_str name = a->headers[i].name, value = a->headers[i].value;
        if (bf_str_eq(name, BF_STR("content-type")))
            push(h2o, &H2O_TOKEN_CONTENT_TYPE->buf, value);
        else
            h2o_add_header_by_str(&h2o->pool, &h2o->res.headers, name.p, name.n, 1, NULL, value.p, value.n);
        has_cache_control |= bf_str_eq(name, BF_STR("cache-control"));
    }
    if (req->allow.n > 0)
        push(h2o, &H2O_TOKEN_ALLOW->buf, req->allow);
    if (!has_cache_control)
        push(h2o, &H2O_TOKEN_CACHE_CONTROL->buf, BF_STR("no-store"));
    push(h2o, &req->loop->name_nosniff, BF_STR("nosniff"));
    push(h2o, &H2O_TOKEN_STRICT_TRANSPORT_SECURITY->buf, BF_STR("max-age=31536000"));
    add_traceparent(req);
}

static void set_length(struct bf_request *req)
{
    const struct bf__answer *a = req->answer;
    h2o_req_t *h2o = req->h2o;
    if (a->source != NULL && a->source->length >= 0)
        h2o->res.content_length = (size_t)a->source->length;
    else if (a->source == NULL && a->stream == NULL && a->status != 204 && a->status != 304)
        h2o->res.content_length = a->body.n;
    else if (h2o->version < 0x101 && (a->source != NULL || a->stream != NULL))
        h2o->http1_is_persistent = 0; /* HTTP/1.0 knows no chunks: the end of the connection is the end of the answer */
}

static void on_stop(h2o_generator_t *generator, h2o_req_t *h2o)
{
    (void)generator;
    (void)h2o; /* detach follows at once and knows all */
}

/* From on_request only: libh2o has chosen its handler. */
void bf__answer_send(struct bf_request *req)
{
    struct bf__answer *a = req->answer;
    h2o_req_t *h2o = req->h2o;
    assert(h2o != NULL && a != NULL && !req->is_answered);
    req->is_answered = true;
    req->answered_ms = bf_mono_ms(req->http->env);
    bf_metric_add(req->http->env->metrics, BF_M_HTTP_REQUESTS, 1);
    h2o->res.status = a->status;
    h2o->res.reason = reason_of(a->status);
    set_length(req);
    add_headers(req);
    req->guard->generator = (h2o_generator_t){.stop = on_stop};
    if (a->source != NULL && !req->is_head) {
        bf__pump_start(req);
    } else if (a->stream != NULL && !req->is_head) {
        bf__events_start(req);
    } else {
        h2o_iovec_t body = h2o_iovec_init(a->body.p, a->body.n);
        if (a->source != NULL)
            bf__pump_close_source(req->http, a->source);
        if (a->stream != NULL)
            bf__events_dropped(a->stream);
        h2o_start_response(h2o, &req->guard->generator);
        h2o_send(h2o, &body, req->is_head || body.len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
    }
}

/* Sends req->answer now, or as soon as libh2o lets go of the rest of the body. */
void bf__answer_deliver(struct bf_request *req)
{
    assert(req->h2o != NULL && req->answer != NULL);
    if (req->h2o->pathconf != NULL) {
        bf__answer_send(req);
        return;
    }
    bf__body_give_up(req);
    req->h2o->body.cut(req->h2o);
}
