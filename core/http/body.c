/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: buffered up to a limit for most routes, handed on as they arrive for routes with a sink. */
#include "core/http/internal.h"
#include <assert.h>
#include <stdlib.h>

void bf__body_cut(struct bf_request *req, const struct bf_error *e)
{
    bf__arrival_end(req);
    bf__arrival_release(req);
    bf__answer_error(req, e);
    bf__answer_deliver(req);
}

/* ---- buffered ---- */

static enum bf_status too_large(const struct bf_request *req, struct bf_error *e)
{
    return bf_fail(e, BF_E_TOO_LARGE, "the body may have %u bytes", req->http->config.json_body_bytes_max);
}

static void buffer(h2o_req_t *h2o, const void *p, size_t n)
{
    struct bf_request *req = h2o->app_data;
    struct bf_error e;
    if (req->body_received + n > req->http->config.json_body_bytes_max) {
        too_large(req, &e);
        bf__body_cut(req, &e);
        return;
    }
    if (!bf__arrival_reserve(req, req->body_received + n)) {
        bf_fail(&e, BF_E_UNAVAILABLE, "too many bodies are being received");
        e.retry_after_s = 1;
        bf__body_cut(req, &e);
        return;
    }
    bf__arrival_goes_on(req);
    memcpy(req->buf + req->body_received, p, n);
    req->body_received += n;
    h2o->body.took(h2o, n);
}

/* ---- streamed ---- */

static void hand_on(h2o_req_t *h2o, const void *p, size_t n)
{
    struct bf_request *req = h2o->app_data;
    req->body_received += n;
    assert(req->sink_is_open);
    bf__arrival_goes_on(req);
    req->sink_kind->write(req->sink, p, n);
}

static bool open_sink(struct bf_request *req, int64_t length)
{
    struct bf_error e = {.status = BF_OK};
    bf__request_own(req);
    req->sink_kind = req->route->sink;
    req->rate_began_ms = req->began_ms;
    if (req->sink_kind->begin(req, length, req->service, &req->sink, &e) == BF_OK) {
        req->sink_is_open = true;
        return true;
    }
    bf__request_disown(req);
    bf__answer_error(req, &e);
    return false;
}

static void give_window_back(struct bf_task *task)
{
    struct bf_request *req = BF_CONTAINER(task, struct bf_request, took_task);
    atomic_store(&req->took_is_posted, false);
    size_t n = atomic_exchange(&req->took, 0);
    req->body_taken += n;
    if (req->h2o != NULL && req->h2o->body.cut != NULL && n > 0)
        req->h2o->body.took(req->h2o, n);
    bf__request_free_if_done(req);
}

bool bf__body_is_held(const struct bf_request *req)
{
    return req->sink_kind != NULL && req->body_received - req->body_taken >= req->http->config.body_window / 2;
}

void bf_sink_took(struct bf_request *req, size_t n)
{
    atomic_fetch_add(&req->took, n);
    if (atomic_exchange(&req->took_is_posted, true))
        return;
    req->took_task.run = give_window_back;
    bf_post(&req->loop->mailbox, &req->took_task);
}

/* ---- both ---- */

/* libh2o has the headers of a request with a body. Non-zero: the answer is there already. */
int bf__body_begin(h2o_req_t *h2o)
{
    struct bf__conn *conn = h2o->conn->callbacks->get_socket(h2o->conn)->on_close.data;
    struct bf_request *req = bf__request_create(conn->loop, h2o);
    size_t length = h2o->body.content_length;
    struct bf_error e;
    if (req->answer != NULL)
        return 1;
    h2o->body.write = req->route->sink != NULL ? hand_on : buffer;
    if (req->route->sink != NULL && !open_sink(req, length == SIZE_MAX ? -1 : (int64_t)length))
        return 1;
    if (req->route->sink == NULL && length != SIZE_MAX && length > req->http->config.json_body_bytes_max) {
        too_large(req, &e);
        bf__answer_error(req, &e);
        return 1;
    }
    bf__arrival_begin(req);
    return 0;
}

void bf__body_without_bytes(struct bf_request *req)
{
    if (!bf__request_admit(req) || !open_sink(req, 0))
        return;
    req->sink_is_open = false;
    req->sink_kind->end(req->sink);
}

void bf__body_complete(struct bf_request *req)
{
    struct bf_error e;
    bf__arrival_end(req);
    if (req->h2o->refuse_status != 0) {
        bf_fail(&e, req->h2o->refuse_status == 431 ? BF_E_HEADERS_TOO_LARGE : BF_E_INVALID_BODY,
                "the body's framing or its trailers are malformed");
        bf__body_give_up(req);
        bf__answer_error(req, &e);
    } else if (req->sink_is_open) {
        req->sink_is_open = false;
        bf__request_count(req);
        req->sink_kind->end(req->sink);
    } else {
        req->body = bf_str(req->buf, req->body_received);
        bf__request_enqueue(req);
    }
}

void bf__body_give_up(struct bf_request *req)
{
    bf__arrival_end(req);
    if (!req->sink_is_open)
        return;
    req->sink_is_open = false;
    atomic_store_explicit(&req->gone, true, memory_order_relaxed);
    req->sink_kind->abort(req->sink);
}
