/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a request on the loop, and what its owner may read of it. */
#include "core/http/internal.h"
#include "core/metrics.h"
#include <assert.h>
#include <stdlib.h>

static struct bf__loop *loop_of(h2o_req_t *h2o)
{
    struct bf__conn *conn = h2o->conn->callbacks->get_socket(h2o->conn)->on_close.data;
    return conn->loop;
}

/* ---- memory ---- */

/* Requests are used again with their first blocks: what a worker frees of a loop's memory costs both a lock. */
struct bf_request *bf__request_alloc(struct bf__loop *loop)
{
    struct bf_request *req = loop->spare;
    if (req == NULL) {
        if ((req = calloc(1, sizeof *req)) == NULL || (req->space = malloc(BF__ANSWER_SPACE)) == NULL)
            abort();
        req->arena = bf_arena_create();
    } else {
        struct bf_arena *arena = req->arena;
        void *space = req->space;
        loop->spare = req->next;
        loop->n_spare--;
        memset(req, 0, sizeof *req);
        req->arena = arena;
        req->space = space;
    }
    req->loop = loop;
    req->http = loop->http;
    return req;
}

static void free_request(struct bf_request *req)
{
    bf_arena_destroy(&req->arena);
    free(req->space);
    free(req);
}

static void recycle(struct bf_request *req)
{
    struct bf__loop *loop = req->loop;
    if (loop->n_spare + 1 > BF__SPARE_MAX || req->space == NULL) {
        free_request(req);
        return;
    }
    if (!req->is_replied)
        bf_arena_reset(req->arena);
    req->next = loop->spare;
    loop->spare = req;
    loop->n_spare++;
}

void bf__request_free_spare(struct bf__loop *loop)
{
    while (loop->spare != NULL) {
        struct bf_request *req = loop->spare;
        loop->spare = req->next;
        free_request(req);
    }
}

/* For an answer that will be under way for long. */
void bf__request_slim(struct bf_request *req)
{
    assert(req->is_replied && req->answer != req->space);
    bf_arena_destroy(&req->arena);
    free(req->space);
    req->space = NULL;
}

/* ---- ends ---- */

static void uncount(struct bf_request *req)
{
    if (!req->is_counted)
        return;
    req->is_counted = false;
    atomic_fetch_sub_explicit(&req->http->in_flight, 1, memory_order_relaxed);
    bf_metric_add(req->http->env->metrics, BF_M_HTTP_IN_FLIGHT, -1);
}

void bf__request_count(struct bf_request *req)
{
    assert(!req->is_counted);
    req->is_counted = true;
    req->counted_ms = bf_mono_ms(req->http->env);
    atomic_fetch_add_explicit(&req->http->in_flight, 1, memory_order_relaxed);
    bf_metric_add(req->http->env->metrics, BF_M_HTTP_IN_FLIGHT, 1);
}

bool bf__request_admit(struct bf_request *req)
{
    unsigned max = req->http->config.in_flight_max;
    struct bf_error e;
    if (atomic_load_explicit(&req->http->in_flight, memory_order_relaxed) < max) {
        bf__request_count(req);
        return true;
    }
    bf_fail(&e, BF_E_UNAVAILABLE, "%u requests are being worked on", max);
    e.retry_after_s = 1;
    bf__answer_error(req, &e);
    return false;
}

void bf__request_free_if_done(struct bf_request *req)
{
    struct bf_http *http = req->http;
    if (req->h2o != NULL || req->owned || req->is_fresh || req->pump != NULL || atomic_load(&req->took_is_posted))
        return;
    uncount(req);
    bf__arrival_release(req);
    bf__answer_free(req, &req->answer);
    recycle(req);
    atomic_fetch_sub(&http->requests, 1);
    if (atomic_load(&http->draining))
        bf__http_wake(http);
}

/* libh2o disposes of its request: it was sent to the end, or the client is gone. */
void bf__request_detach(struct bf__guard *guard)
{
    struct bf_request *req = guard->request;
    struct bf__conn *conn = req->conn;
    int64_t now = bf_mono_ms(req->http->env);
    conn->bytes_done += req->h2o->bytes_sent;
    req->h2o = NULL;
    req->guard = NULL;
    atomic_store_explicit(&req->gone, true, memory_order_relaxed);
    *req->prev = req->next;
    if (req->next != NULL)
        req->next->prev = req->prev;
    if (--conn->n_requests == 0)
        conn->quiet_since_ms = now;
    if (req->is_answered && req->stream == NULL)
        bf_metric_time(req->http->env->metrics, BF_M_HTTP_TIME, (now - req->began_ms) * 1000);
    bf__body_give_up(req);
    if (req->pump != NULL)
        bf__pump_stop(req);
    if (req->stream != NULL)
        bf__events_gone(req->stream);
    req->stream = NULL;
    if (!req->owned)
        req->conn = NULL;
    bf__request_free_if_done(req);
}

void bf__request_own(struct bf_request *req)
{
    assert(!req->owned);
    req->owned = true;
    req->conn->n_owned++;
}

/* The owner has let go: it replied, or never got the request. */
void bf__request_disown(struct bf_request *req)
{
    struct bf__conn *conn = req->conn;
    assert(req->owned);
    req->owned = false;
    uncount(req);
    conn->n_owned--;
    if (req->h2o == NULL)
        req->conn = NULL;
    bf__conn_free_if_done(conn);
}

/* ---- begins ---- */

int bf__on_request(h2o_handler_t *handler, h2o_req_t *h2o)
{
    struct bf_request *req = h2o->app_data;
    (void)handler;
    if (req == NULL) {
        req = bf__request_create(loop_of(h2o), h2o);
        if (req->answer == NULL && req->route->sink != NULL)
            bf__body_without_bytes(req);
        else if (req->answer == NULL)
            bf__request_enqueue(req);
    } else if (req->answer == NULL) {
        bf__body_complete(req);
    }
    if (req->answer != NULL)
        bf__answer_send(req);
    return 0;
}

/* Requests go to the pool only after all events of this round were handled: those that were reset in the same packet never get there. */
void bf__request_enqueue(struct bf_request *req)
{
    struct bf__loop *loop = req->loop;
    if (!bf__request_admit(req))
        return;
    req->is_fresh = true;
    req->next_fresh = NULL;
    *loop->fresh_tail = req;
    loop->fresh_tail = &req->next_fresh;
    if (!h2o_timeout_is_linked(&loop->dispatch))
        h2o_timeout_link(loop->ctx.loop, &loop->ctx.zero_timeout, &loop->dispatch);
}

static void hand_back(struct bf_task *task)
{
    struct bf_request *req = BF_CONTAINER(task, struct bf_request, task);
    bf__request_disown(req);
    bf__request_free_if_done(req);
}

/* On a worker. */
static void run_handler(struct bf_task *task)
{
    struct bf_request *req = BF_CONTAINER(task, struct bf_request, task);
    if (!atomic_load_explicit(&req->gone, memory_order_relaxed)) {
        req->route->handler(req, req->service);
        return;
    }
    bf_arena_reset(req->arena);
    req->task.run = hand_back;
    bf_post(&req->loop->mailbox, &req->task);
}

/* False when the client is gone already. */
static bool make_ready(struct bf_request *req)
{
    req->is_fresh = false;
    if (req->h2o == NULL) {
        bf__request_free_if_done(req);
        return false;
    }
    req->task.run = run_handler;
    req->task.next = NULL;
    bf__request_own(req);
    return true;
}

static void refuse(struct bf_request *req)
{
    struct bf_error e;
    bf__request_disown(req);
    if (req->h2o == NULL) {
        bf__request_free_if_done(req);
        return;
    }
    bf_fail(&e, BF_E_UNAVAILABLE, "the queue of requests is full");
    e.retry_after_s = 1;
    bf__answer_error(req, &e);
    bf__answer_send(req);
}

void bf__dispatch_fresh(h2o_timeout_entry_t *entry)
{
    struct bf__loop *loop = BF_CONTAINER(entry, struct bf__loop, dispatch);
    struct bf_request *req = loop->fresh;
    struct bf_task *list = NULL, **tail = &list;
    loop->fresh = NULL;
    loop->fresh_tail = &loop->fresh;
    while (req != NULL) {
        struct bf_request *next = req->next_fresh;
        if (make_ready(req)) {
            *tail = &req->task;
            tail = &req->task.next;
        }
        req = next;
    }
    list = bf_pool_submit_list(loop->http->pool, list);
    while (list != NULL) {
        struct bf_task *next = list->next;
        refuse(BF_CONTAINER(list, struct bf_request, task));
        list = next;
    }
}

/* ---- what the owner reads ---- */

struct bf_arena *bf_request_arena(struct bf_request *req) { return req->arena; }
const struct bf_route *bf_request_route(const struct bf_request *req) { return req->route; }
struct bf_str bf_request_method(const struct bf_request *req) { return req->method; }
struct bf_str bf_request_path(const struct bf_request *req) { return req->path; }
struct bf_str bf_request_body(const struct bf_request *req) { return req->body; }
struct bf_str bf_request_peer(const struct bf_request *req) { return req->peer; }
const char *bf_request_trace_id(const struct bf_request *req) { return req->trace; }
enum bf_lang bf_request_lang(const struct bf_request *req) { return req->lang; }
bool bf_request_is_gone(const struct bf_request *req) { return atomic_load_explicit(&req->gone, memory_order_relaxed); }
struct bf_mailbox *bf_request_home(struct bf_request *req) { return &req->loop->mailbox; }
struct bf_mailbox *bf_request_workers(struct bf_request *req) { return bf_pool_mailbox(req->http->pool); }
void bf_request_set_user(struct bf_request *req, void *p) { req->user = p; }
void *bf_request_user(const struct bf_request *req) { return req->user; }

struct bf_str bf_request_param(const struct bf_request *req, const char *name)
{
    for (unsigned i = 0; i < req->n_params; i++)
        if (bf_str_eqz(req->param_names[i], name))
            return req->param_values[i];
    return (struct bf_str){NULL, 0};
}

struct bf_str bf_request_query(const struct bf_request *req, const char *name)
{
    for (unsigned i = 0; i < req->n_query; i++)
        if (bf_str_eqz(req->query[i].name, name))
            return req->query[i].value;
    return (struct bf_str){NULL, 0};
}

unsigned bf_request_query_count(const struct bf_request *req) { return req->n_query; }

struct bf_str bf_request_query_at(const struct bf_request *req, unsigned i, struct bf_str *ret_name)
{
    assert(i < req->n_query);
    *ret_name = req->query[i].name;
    return req->query[i].value;
}

/* RFC 9110 5.3 joins lines by a comma, RFC 9113 8.2.3 cookies by a semicolon. */
static struct bf_str join(const struct bf_request *req, const char *name, size_t total)
{
    const char *between = strcmp(name, "cookie") == 0 ? "; " : ", ";
    char *to = bf_arena_alloc(req->arena, total + 1);
    size_t n = 0;
    for (unsigned i = 0; i < req->n_headers; i++) {
        struct bf_str value = req->headers[i].value;
        if (!bf_str_eqz(req->headers[i].name, name))
            continue;
        if (n > 0) {
            memcpy(to + n, between, 2);
            n += 2;
        }
        memcpy(to + n, value.p, value.n);
        n += value.n;
    }
    assert(n <= total);
    return bf_str(to, n);
}

struct bf_str bf_request_header(const struct bf_request *req, const char *name)
{
    struct bf_str found = {NULL, 0};
    size_t total = 0, n = strlen(name);
    unsigned lines = 0;
    for (unsigned i = 0; i < req->n_headers; i++) {
        if (req->headers[i].name.n != n || memcmp(req->headers[i].name.p, name, n) != 0)
            continue;
        found = req->headers[i].value;
        total += found.n + 2;
        lines++;
    }
    return lines < 2 ? found : join(req, name, total);
}
