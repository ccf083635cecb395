/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: the writer's side, which only copies bytes and queues, and the stage thread's, which hashes, seals, writes and syncs.
 *
 * Bytes gather in `full` and `filling` until both hold a full record and more come, or until something is to be done behind them. Waking a thread costs
 * about as much as sealing 16 KiB, so two records are one task there and one back, and the last records of a request and its sync are one as well.
 */
#include "storage/media/upload.h"
#include <assert.h>
#include <stdlib.h>

/* ---- handles ---- */

struct bf_stage *bf__stage_create(struct bf__upload *up, struct bf_mailbox *home, void (*lost)(void *ctx), void *ctx)
{
    struct bf_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL)
        abort();
    stage->media = up->media;
    stage->upload = up;
    stage->home = home;
    stage->lost = lost;
    stage->ctx = ctx;
    stage->length = -1;
    atomic_init(&stage->refs, 1);
    return stage;
}

static void unref(struct bf_stage *stage)
{
    if (atomic_fetch_sub(&stage->refs, 1) != 1)
        return;
    bf__upload_unref(stage->upload);
    free(stage);
}

static void run_lost(struct bf_task *task)
{
    struct bf_stage *stage = BF_CONTAINER(task, struct bf_stage, lost_task);
    if (!atomic_load(&stage->closed) && stage->lost != NULL)
        stage->lost(stage->ctx);
    unref(stage);
}

void bf__stage_lose(struct bf_stage *stage)
{
    atomic_store(&stage->status, BF_E_LOCKED);
    atomic_fetch_add(&stage->refs, 1);
    stage->lost_task.run = run_lost;
    bf_post(stage->home, &stage->lost_task);
}

/* ---- home ---- */

static void tell_takers(const struct bf__chunk *chunk)
{
    for (unsigned i = 0; i < chunk->n_takers; i++)
        if (chunk->takers[i].took != NULL)
            chunk->takers[i].took(chunk->takers[i].ctx, chunk->takers[i].n);
}

static void run_home(struct bf_task *task)
{
    struct bf__chunk *chunk = BF_CONTAINER(task, struct bf__chunk, task);
    if (chunk->first != NULL) {
        tell_takers(chunk->first);
        bf__chunk_give(chunk->first);
    }
    tell_takers(chunk);
    if (chunk->synced != NULL)
        chunk->synced(chunk->done_ctx, chunk->status, chunk->offset);
    if (chunk->finished != NULL)
        chunk->finished(chunk->done_ctx, chunk->status, chunk->sha256);
    bf__chunk_give(chunk);
}

/* ---- the stage thread ---- */

static enum bf_status check_room(struct bf__upload *up, size_t n, struct bf_error *e)
{
    pthread_mutex_lock(&up->media->lock);
    int64_t length = bf__upload_length(up), limit = length >= 0 ? length : up->max_bytes;
    pthread_mutex_unlock(&up->media->lock);
    if ((int64_t)n > limit - bf__file_offset(up->file))
        return bf_fail(e, BF_E_TOO_LARGE, "more than the %lld bytes announced", (long long)limit);
    return BF_OK;
}

static void begin_mark(struct bf__upload *up, enum bf_stage_digest kind)
{
    if (up->digest == NULL)
        up->digest = bf__digest_create();
    bf__digest_begin(up->digest, kind);
    bf__file_mark(up->file);
    up->has_mark = true;
}

static enum bf_status append(struct bf__upload *up, struct bf__chunk *chunk, struct bf_error *e)
{
    return chunk->n == 0 ? BF_OK : bf__file_append(up->file, chunk->rec, chunk->n, e);
}

static enum bf_status check(struct bf__upload *up, struct bf__chunk *chunk, struct bf_error *e)
{
    if (up->has_mark && !bf__digest_equals(up->digest, chunk->digest, chunk->digest_n)) {
        enum bf_status status = bf__upload_rollback(up, e);
        return status == BF_OK ? bf_fail(e, BF_E_CHECKSUM, "the bytes have another digest") : status;
    }
    return bf__upload_sync(up, chunk->rec, chunk->n, e);
}

static enum bf_status process(struct bf__upload *up, struct bf__chunk *chunk, struct bf_error *e)
{
    enum bf_status status = (enum bf_status)atomic_load(&chunk->stage->status);
    if (status == BF_OK && up->finished)
        status = chunk->n > 0 ? bf_fail(e, BF_E_CONFLICT, "the upload is finished") : BF_OK;
    else if (status == BF_OK)
        status = check_room(up, chunk->n, e);
    if (status != BF_OK)
        return status;
    if (up->finished)
        return chunk->kind == BF__CHUNK_FINISH ? bf__upload_finish(up, chunk->sha256, e) : BF_OK;
    if (chunk->mark)
        begin_mark(up, chunk->mark_kind);
    if (up->has_mark)
        bf__digest_add(up->digest, chunk->rec + BF__HEAD, chunk->n);
    switch (chunk->kind) {
    case BF__CHUNK_SYNC:
        return bf__upload_sync(up, chunk->rec, chunk->n, e);
    case BF__CHUNK_CHECK:
        return check(up, chunk, e);
    case BF__CHUNK_FINISH:
        return chunk->n > 0 ? bf_fail(e, BF_E_CONFLICT, "not all bytes are durable") : bf__upload_finish(up, chunk->sha256, e);
    case BF__CHUNK_APPEND:
    case BF__CHUNK_CLOSE:
        break;
    }
    return append(up, chunk, e);
}

/* A wrong checksum and a finish that came too early leave the handle as it was; after any other failure it takes nothing more. */
static void stick(struct bf_stage *stage, const struct bf__chunk *chunk)
{
    int none = BF_OK;
    bool passing = chunk->status == BF_E_CHECKSUM || (chunk->status == BF_E_CONFLICT && chunk->kind == BF__CHUNK_FINISH);
    if (chunk->status != BF_OK && !passing)
        atomic_compare_exchange_strong(&stage->status, &none, chunk->status);
}

/* Bytes that arrived count, though their request broke off before it asked for a sync; not those whose checksum is still to come. */
static void give_back(struct bf__upload *up, struct bf_stage *stage, uint8_t *scratch)
{
    if (up->file != NULL && bf__upload_rollback(up, NULL) == BF_OK && bf__file_dirty(up->file))
        (void)bf__upload_sync(up, scratch, 0, NULL);
    pthread_mutex_lock(&up->media->lock);
    if (up->writer == stage)
        up->writer = NULL;
    pthread_mutex_unlock(&up->media->lock);
}

static void work_entered(struct bf__upload *up, struct bf__chunk *chunk)
{
    struct bf_stage *stage = chunk->stage;
    chunk->status = up->writer == stage ? process(up, chunk, NULL) : BF_E_LOCKED;
    chunk->offset = up->offset;
    atomic_fetch_sub(&stage->held, chunk->n);
    stick(stage, chunk);
}

static void work(struct bf__upload *up, struct bf__chunk *chunk)
{
    if (bf__upload_enter(up, -1, NULL) != BF_OK) { /* it was deleted */
        chunk->status = BF_E_LOCKED;
        stick(chunk->stage, chunk);
        return;
    }
    if (chunk->first != NULL)
        work_entered(up, chunk->first);
    work_entered(up, chunk);
    if (chunk->kind == BF__CHUNK_CLOSE && up->writer == chunk->stage)
        give_back(up, chunk->stage, chunk->rec);
    bf__upload_leave(up);
}

static void run_chunk(struct bf_task *task)
{
    struct bf__chunk *chunk = BF_CONTAINER(task, struct bf__chunk, task);
    struct bf_stage *stage = chunk->stage;
    bool tell = chunk->first != NULL || chunk->n_takers > 0 || chunk->synced != NULL || chunk->finished != NULL;
    work(stage->upload, chunk);
    unref(stage); /* before anybody is told, so that the owner finds its handle unused: see bf_stage_close */
    if (tell) {
        chunk->task.run = run_home;
        bf_post(chunk->home, &chunk->task);
    } else {
        bf__chunk_give(chunk);
    }
}

/* ---- the writer ---- */

static struct bf__chunk *filling(struct bf_stage *stage)
{
    if (stage->filling == NULL) {
        stage->filling = bf__chunk_take(stage->media->chunks);
        stage->filling->stage = stage;
        stage->filling->home = stage->home;
    }
    return stage->filling;
}

static void send(struct bf_stage *stage, enum bf__chunk_kind kind)
{
    struct bf__chunk *chunk = filling(stage);
    struct bf_pool *thread = stage->media->threads[stage->upload->id.b[15] % stage->media->n_threads];
    chunk->first = stage->full;
    chunk->kind = kind;
    stage->filling = stage->full = NULL;
    chunk->task.run = run_chunk;
    atomic_fetch_add(&stage->refs, 1);
    bf_post(bf_pool_mailbox(thread), &chunk->task);
}

/* Makes room behind the bytes of `filling`. */
static void turn_over(struct bf_stage *stage)
{
    if (stage->full != NULL) {
        send(stage, BF__CHUNK_APPEND);
    } else {
        stage->full = stage->filling;
        stage->full->kind = BF__CHUNK_APPEND;
        stage->filling = NULL;
    }
}

static bool add_taker(struct bf__chunk *chunk, size_t n, void (*took)(void *ctx, size_t n), void *ctx)
{
    unsigned last = chunk->n_takers;
    if (last > 0 && chunk->takers[last - 1].took == took && chunk->takers[last - 1].ctx == ctx) {
        chunk->takers[last - 1].n += n;
        return true;
    }
    if (last == BF__TAKERS_MAX)
        return false;
    chunk->takers[last].took = took;
    chunk->takers[last].ctx = ctx;
    chunk->takers[last].n = n;
    chunk->n_takers++;
    return true;
}

enum bf_status bf_stage_append(struct bf_stage *stage, const void *p, size_t n, void (*took)(void *ctx, size_t n), void *ctx)
{
    const uint8_t *from = p;
    enum bf_status status = (enum bf_status)atomic_load(&stage->status);
    if (status != BF_OK)
        return status;
    if (atomic_fetch_add(&stage->held, n) + n > BF__STAGE_HELD_MAX) {
        atomic_fetch_sub(&stage->held, n);
        atomic_store(&stage->status, BF_E_UNAVAILABLE);
        return BF_E_UNAVAILABLE;
    }
    while (n > 0) {
        struct bf__chunk *chunk = filling(stage);
        size_t take = BF__BODY_MAX - chunk->n < n ? BF__BODY_MAX - chunk->n : n;
        if (take == 0 || !add_taker(chunk, take, took, ctx)) {
            turn_over(stage);
            continue;
        }
        memcpy(chunk->rec + BF__HEAD + chunk->n, from, take);
        chunk->n += take;
        from += take;
        n -= take;
    }
    return BF_OK;
}

enum bf_status bf_stage_sync(struct bf_stage *stage, bf_stage_synced_fn *done, void *ctx)
{
    struct bf__chunk *chunk = filling(stage);
    chunk->synced = done;
    chunk->done_ctx = ctx;
    send(stage, BF__CHUNK_SYNC);
    return BF_OK;
}

void bf_stage_mark(struct bf_stage *stage, enum bf_stage_digest kind)
{
    if (stage->filling != NULL && stage->filling->n > 0)
        turn_over(stage);
    struct bf__chunk *chunk = filling(stage);
    chunk->mark = true;
    chunk->mark_kind = kind;
}

enum bf_status bf_stage_sync_checked(struct bf_stage *stage, const uint8_t *digest, size_t n, bf_stage_synced_fn *done, void *ctx)
{
    struct bf__chunk *chunk = filling(stage);
    chunk->digest_n = n < BF__DIGEST_MAX ? n : BF__DIGEST_MAX;
    memcpy(chunk->digest, digest, chunk->digest_n);
    chunk->synced = done;
    chunk->done_ctx = ctx;
    send(stage, BF__CHUNK_CHECK);
    return BF_OK;
}

enum bf_status bf_stage_finish(struct bf_stage *stage, bf_stage_finished_fn *done, void *ctx)
{
    if (stage->filling != NULL && stage->filling->n > 0)
        turn_over(stage);
    struct bf__chunk *chunk = filling(stage);
    chunk->finished = done;
    chunk->done_ctx = ctx;
    send(stage, BF__CHUNK_FINISH);
    return BF_OK;
}

enum bf_status bf_stage_set_length(struct bf_stage *stage, int64_t length, struct bf_error *e)
{
    struct bf__upload *up = stage->upload;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&up->media->lock);
    if (up->writer != stage)
        status = bf_fail(e, BF_E_LOCKED, "another request took this upload over");
    else if (bf__upload_length(up) >= 0 && bf__upload_length(up) != length)
        status = bf_fail(e, BF_E_CONFLICT, "the length is set");
    else if (length < up->offset)
        status = bf_fail(e, BF_E_CONFLICT, "%lld bytes are there already", (long long)up->offset);
    else if (length > up->max_bytes)
        status = bf_fail(e, BF_E_TOO_LARGE, "at most %lld bytes", (long long)up->max_bytes);
    else
        stage->length = length;
    pthread_mutex_unlock(&up->media->lock);
    return status;
}

int64_t bf_stage_expires_ms(struct bf_stage *stage)
{
    pthread_mutex_lock(&stage->media->lock);
    int64_t at_ms = bf__upload_expires(stage->upload);
    pthread_mutex_unlock(&stage->media->lock);
    return at_ms;
}

/* Where nothing is under way and nothing is to be settled, which is so after each request that went well, no thread is woken. */
static bool close_at_once(struct bf_stage *stage)
{
    struct bf__upload *up = stage->upload;
    if (stage->full != NULL || (stage->filling != NULL && stage->filling->n > 0) || atomic_load(&stage->refs) != 1)
        return false;
    if (bf__upload_enter(up, 0, NULL) != BF_OK)
        return false;
    bool settled = up->writer != stage || (!up->has_mark && (up->file == NULL || !bf__file_dirty(up->file)));
    if (settled && up->writer == stage)
        give_back(up, stage, NULL);
    bf__upload_leave(up);
    return settled;
}

void bf_stage_close(struct bf_stage **p)
{
    struct bf_stage *stage = p == NULL ? NULL : *p;
    if (stage == NULL)
        return;
    atomic_store(&stage->closed, true);
    if (!close_at_once(stage)) {
        send(stage, BF__CHUNK_CLOSE);
    } else if (stage->filling != NULL) {
        bf__chunk_give(stage->filling);
        stage->filling = NULL;
    }
    unref(stage);
    *p = NULL;
}
