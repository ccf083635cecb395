/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of an upload, from the HTTP server's sink to the stage. Everything here runs on the request's loop, but `enter`, `settle` and `undo`, which a
 * worker runs while the loop only gathers what arrives.
 *
 *   begin -> enter (worker) -> streaming -> syncing -> [finishing -> settle (worker)] -> answered
 *     |          |                 |           |
 *     +----------+-----------------+-----------+--> failed: the stage is given back, a creation undone (worker), the refusal is the answer
 *
 * Whatever a PATCH brought to the stage stays in it: when the stream dies, closing the stage makes it durable. Only an offset that a sync has confirmed is
 * told to the client. The object is freed when it was answered, the sink was ended, and the stage has no call into it left.
 */
#include "ingest/uploads/uploads.h"
#include <assert.h>
#include <stdlib.h>

enum {
    EARLY_MAX = 1 << 20,       /* bytes before the stage is open; the stream's window is smaller */
    SYNC_EVERY = 4 * (1 << 20) /* of one request: what a crash of the server can take of it */
};

struct stream {
    struct bf__tus t; /* the worker's while `with_worker` */
    struct bf_task task;
    struct bf_buf early;
    bool with_worker;
    enum bf_status (*work)(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e);
    void (*then)(struct stream *s);
    struct bf_error work_error, error; /* the worker's; the first that counts */
    enum bf_status work_status;
    bool is_open;    /* streaming: bytes go to the stage */
    bool is_failed;
    bool is_settled; /* the answer stands, once nothing is pending */
    bool is_over;    /* the sink was ended or aborted */
    bool is_whole;   /* all of the body was received */
    bool is_answered;
    unsigned n_pending;  /* what the answer waits for */
    unsigned n_midway;   /* syncs on the way */
    int64_t received;    /* of the body */
    int64_t unsynced;
    size_t given, taken; /* to and by the stage */
};

/* ---- the end ---- */

static void free_if_done(struct stream *s)
{
    if (!s->is_answered || !s->is_over || s->n_pending > 0 || s->n_midway > 0 || s->given != s->taken)
        return;
    assert(s->t.stage == NULL);
    bf_buf_finish(&s->early);
    free(s);
}

static void undo(struct stream *s);

/* Answers when there is something to say and nothing is under way. */
static void conclude(struct stream *s)
{
    if ((s->is_failed || s->is_settled) && !s->is_answered && s->n_pending == 0) {
        s->is_open = false;
        bf_stage_close(&s->t.stage);
        if (s->is_failed && s->t.has_made) {
            undo(s);
            return;
        }
        s->is_answered = true;
        if (s->is_failed)
            bf__tus_fail(&s->t, &s->error);
        else
            bf__tus_answer(&s->t);
    }
    free_if_done(s);
}

static void fail(struct stream *s, const struct bf_error *e)
{
    if (!s->is_failed && !s->is_settled) {
        s->is_failed = true;
        s->is_open = false;
        s->error = *e;
    }
    conclude(s);
}

static void fail_status(struct stream *s, enum bf_status status)
{
    struct bf_error e = {0};
    bf_fail(&e, status, "%s", status == BF_E_LOCKED     ? "another request took this upload over"
                              : status == BF_E_CHECKSUM ? "the bytes of this request were dropped"
                              : status == BF_E_TOO_LARGE ? "more bytes than the upload has room for"
                                                        : "the bytes could not be stored");
    if (status == BF_E_LOCKED || status == BF_E_UNAVAILABLE)
        e.retry_after_s = 1;
    fail(s, &e);
}

/* A newcomer has taken the upload over. Runs on the loop. */
static void lost(void *ctx) { fail_status(ctx, BF_E_LOCKED); }

/* ---- to a worker and back ---- */

static void give(struct stream *s, const void *p, size_t n);

/* The stream died while the worker opened the stage: what had arrived by then stays, unless its checksum is still to come. */
static void keep_early(struct stream *s)
{
    if (s->t.stage != NULL && !s->t.has_made && s->early.n > 0 && s->t.said.checksum.kind == BF_DIGEST_NONE)
        give(s, s->early.p, s->early.n);
}

static void back(struct bf_task *task)
{
    struct stream *s = BF_CONTAINER(task, struct stream, task);
    s->with_worker = false;
    if (s->work_status == BF_OK && s->is_failed)
        keep_early(s);
    s->n_pending--;
    if (s->work_status != BF_OK)
        fail(s, &s->work_error);
    else if (s->is_failed)
        conclude(s);
    else
        s->then(s);
}

static void run_work(struct bf_task *task)
{
    struct stream *s = BF_CONTAINER(task, struct stream, task);
    s->work_status = s->work(&s->t, lost, s, &s->work_error);
    s->task.run = back;
    bf_post(bf_request_home(s->t.req), &s->task);
}

static void ask_worker(struct stream *s, enum bf_status (*work)(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e),
                       void (*then)(struct stream *s))
{
    s->with_worker = true;
    s->n_pending++;
    s->work = work;
    s->then = then;
    s->task.run = run_work;
    bf_post(bf_request_workers(s->t.req), &s->task);
}

static enum bf_status run_undo(struct bf__tus *t, void (*unused)(void *ctx), void *ctx, struct bf_error *e)
{
    (void)unused;
    (void)ctx;
    (void)e;
    bf__tus_undo(t);
    return BF_OK;
}

static void undo(struct stream *s) { ask_worker(s, run_undo, conclude); }

/* ---- the body is whole ---- */

static void answer(struct stream *s)
{
    s->is_settled = true;
    conclude(s);
}

static enum bf_status settle(struct bf__tus *t, void (*unused)(void *ctx), void *ctx, struct bf_error *e)
{
    (void)unused;
    (void)ctx;
    return bf__tus_settle(t, e);
}

static void finished(void *ctx, enum bf_status status, const uint8_t *sha256)
{
    struct stream *s = ctx;
    s->n_pending--;
    if (status != BF_OK) {
        fail_status(s, status);
        return;
    }
    s->t.info.finished = true;
    s->t.info.expires_ms = bf_stage_expires_ms(s->t.stage);
    memcpy(s->t.info.sha256, sha256, 32);
    ask_worker(s, settle, answer);
}

static void synced(void *ctx, enum bf_status status, int64_t offset)
{
    struct stream *s = ctx;
    s->n_pending--;
    if (status != BF_OK) {
        fail_status(s, status);
        return;
    }
    if (s->is_failed) {
        conclude(s);
        return;
    }
    s->t.info.offset = offset;
    s->t.info.expires_ms = bf_stage_expires_ms(s->t.stage);
    if (offset != s->t.info.length) {
        answer(s);
        return;
    }
    s->n_pending++;
    bf_stage_finish(s->t.stage, finished, s);
}

static void sync_all(struct stream *s)
{
    const struct bf_tus_checksum *sum = &s->t.said.checksum;
    s->n_pending++;
    if (sum->kind == BF_DIGEST_NONE)
        bf_stage_sync(s->t.stage, synced, s);
    else
        bf_stage_sync_checked(s->t.stage, sum->digest, sum->n, synced, s);
}

/* ---- streaming ---- */

static void took(void *ctx, size_t n)
{
    struct stream *s = ctx;
    s->taken += n;
    if (!s->is_answered && !s->is_over)
        bf_sink_took(s->t.req, n);
    free_if_done(s);
}

static void synced_midway(void *ctx, enum bf_status status, int64_t offset)
{
    struct stream *s = ctx;
    (void)offset;
    s->n_midway--;
    if (status != BF_OK)
        fail_status(s, status);
    else
        free_if_done(s);
}

static void give(struct stream *s, const void *p, size_t n)
{
    enum bf_status status = bf_stage_append(s->t.stage, p, n, took, s);
    if (status != BF_OK) {
        fail_status(s, status);
        return;
    }
    s->given += n;
    s->unsynced += (int64_t)n;
    if (s->unsynced >= SYNC_EVERY && s->t.said.checksum.kind == BF_DIGEST_NONE) {
        s->unsynced = 0;
        s->n_midway++;
        bf_stage_sync(s->t.stage, synced_midway, s);
    }
}

/* The worker opened the stage, or found that there is nothing to write. */
static void entered(struct stream *s)
{
    if (s->t.stage == NULL) {
        answer(s);
        return;
    }
    s->is_open = true;
    s->n_pending++; /* a failure in here must not free it */
    if (s->t.said.checksum.kind != BF_DIGEST_NONE)
        bf_stage_mark(s->t.stage, s->t.said.checksum.kind);
    if (s->early.n > 0)
        give(s, s->early.p, s->early.n);
    bf_buf_finish(&s->early);
    if (s->is_open && s->is_whole)
        sync_all(s);
    s->n_pending--;
    conclude(s);
}

/* ---- the sink ---- */

static enum bf_status enter(struct bf__tus *t, void (*on_lost)(void *ctx), void *ctx, struct bf_error *e)
{
    enum bf_status status = bf__tus_enter(t, e);
    if (status != BF_OK)
        return status;
    switch (t->said.op) {
    case BF__TUS_CREATE:
        return bf__tus_create(t, on_lost, ctx, e);
    case BF__TUS_PATCH:
        return bf__tus_take(t, on_lost, ctx, e);
    case BF__TUS_HEAD:
        return bf__tus_look(t, e);
    case BF__TUS_DELETE:
        break;
    }
    return bf__tus_delete(t, e);
}

static enum bf_status begin(struct bf_request *req, int64_t length, void *service, void **ret, struct bf_error *unused)
{
    struct stream *s = calloc(1, sizeof *s);
    struct bf_error e = {0};
    (void)unused; /* refusals carry headers of the protocol */
    if (s == NULL)
        abort();
    s->t.ingest = service;
    s->t.req = req;
    bf_buf_init(&s->early, EARLY_MAX);
    *ret = s;
    if (bf__tus_read(req, length, &s->t.said, &e) == BF_OK)
        ask_worker(s, enter, entered);
    else
        fail(s, &e);
    return BF_OK;
}

static void write_bytes(void *sink, const void *p, size_t n)
{
    struct stream *s = sink;
    s->received += (int64_t)n;
    if (s->is_open)
        give(s, p, n);
    else if (s->with_worker && !s->is_failed && !bf_buf_add(&s->early, p, n))
        fail_status(s, BF_E_UNAVAILABLE);
}

static void end(void *sink)
{
    struct stream *s = sink;
    s->is_over = s->is_whole = true;
    if (s->is_open)
        sync_all(s);
    else
        free_if_done(s);
}

static void abort_stream(void *sink)
{
    struct stream *s = sink;
    s->is_over = true;
    if (s->is_answered)
        free_if_done(s);
    else
        fail_status(s, BF_E_CANCELLED); /* the answer goes nowhere */
}

const struct bf_sink bf__tus_sink = {.begin = begin, .write = write_bytes, .end = end, .abort = abort_stream};

/* ---- requests without a stream: no PATCH hides behind them ---- */

void bf__tus_handle(struct bf_request *req, void *service)
{
    struct bf__tus t = {.ingest = service, .req = req};
    struct bf_error e = {0};
    enum bf_status status = bf__tus_read(req, 0, &t.said, &e);
    if (status == BF_OK && t.said.op == BF__TUS_PATCH)
        status = bf_fail(&e, BF_E_METHOD_NOT_ALLOWED, "only POST and PATCH carry bytes");
    if (status == BF_OK)
        status = enter(&t, NULL, NULL, &e);
    if (status == BF_OK)
        bf__tus_answer(&t);
    else
        bf__tus_fail(&t, &e);
}
