/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed answers: a worker fills one buffer, the loop sends it, and again; so a download holds one buffer, however slow its client is. */
#include "core/http/internal.h"
#include <assert.h>
#include <stdlib.h>

struct closing {
    struct bf_task task;
    struct bf_body_source *source;
};

static void close_source(struct bf_task *task)
{
    struct closing *c = BF_CONTAINER(task, struct closing, task);
    c->source->close(c->source);
    free(c);
}

void bf__pump_close_source(struct bf_http *http, struct bf_body_source *source)
{
    struct closing *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    *c = (struct closing){.task.run = close_source, .source = source};
    bf_post(bf_pool_mailbox(http->pool), &c->task);
}

/* On the loop. The source may be closed only while no worker has it. */
static void finish(struct bf__pump *pump)
{
    assert(!pump->is_filling);
    if (pump->source != NULL)
        bf__pump_close_source(pump->request->http, pump->source);
    pump->source = NULL;
}

static void destroy(struct bf__pump *pump)
{
    struct bf_request *req = pump->request;
    finish(pump);
    req->pump = NULL;
    free(pump->buf);
    free(pump);
}

static void send_piece(struct bf__pump *pump)
{
    struct bf_request *req = pump->request;
    h2o_send_state_t state = H2O_SEND_STATE_IN_PROGRESS;
    h2o_iovec_t piece = h2o_iovec_init(pump->buf, pump->n > 0 ? (size_t)pump->n : 0);
    pump->sent += pump->n > 0 ? pump->n : 0;
    bool is_end = pump->n == 0 || (pump->n > 0 && pump->sent == pump->length);
    if (pump->n < 0 || (pump->length >= 0 && (pump->sent > pump->length || (is_end && pump->sent < pump->length))))
        state = H2O_SEND_STATE_ERROR;
    else if (is_end)
        state = H2O_SEND_STATE_FINAL;
    if (state != H2O_SEND_STATE_IN_PROGRESS)
        finish(pump);
    h2o_send(req->h2o, &piece, piece.len > 0 && state != H2O_SEND_STATE_ERROR ? 1 : 0, state);
}

static void on_filled(struct bf_task *task)
{
    struct bf__pump *pump = BF_CONTAINER(task, struct bf__pump, task);
    struct bf_request *req = pump->request;
    pump->is_filling = false;
    if (req->h2o != NULL) {
        send_piece(pump);
        return;
    }
    destroy(pump);
    bf__request_free_if_done(req);
}

/* On a worker. */
static void fill(struct bf_task *task)
{
    struct bf__pump *pump = BF_CONTAINER(task, struct bf__pump, task);
    if (pump->buf == NULL && (pump->buf = malloc(BF__SOURCE_BYTES)) == NULL)
        abort();
    pump->n = pump->source->next(pump->source, pump->buf, BF__SOURCE_BYTES);
    assert(pump->n <= BF__SOURCE_BYTES);
    pump->task.run = on_filled;
    bf_post(&pump->request->loop->mailbox, &pump->task);
}

static void ask(struct bf__pump *pump)
{
    assert(!pump->is_filling && pump->source != NULL);
    pump->is_filling = true;
    pump->task.run = fill;
    bf_post(bf_pool_mailbox(pump->request->http->pool), &pump->task);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *h2o)
{
    struct bf__guard *guard = BF_CONTAINER(generator, struct bf__guard, generator);
    (void)h2o;
    ask(guard->request->pump);
}

void bf__pump_start(struct bf_request *req)
{
    struct bf__pump *pump = calloc(1, sizeof *pump);
    if (pump == NULL)
        abort();
    pump->request = req;
    pump->source = req->answer->source;
    pump->length = pump->source->length;
    req->pump = pump;
    req->guard->generator.proceed = on_proceed;
    h2o_start_response(req->h2o, &req->guard->generator);
    ask(pump);
}

void bf__pump_stop(struct bf_request *req)
{
    if (!req->pump->is_filling)
        destroy(req->pump);
}
