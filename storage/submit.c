/* SPDX-License-Identifier: Apache-2.0 */
/* The callers' side of the committer: submitting, writing, calling, and waiting for it. */
#include "core/arena.h"
#include "core/env.h"
#include "storage/committer.h"
#include <assert.h>
#include <stdlib.h>

static struct bf__item *new_item(struct bf_store *store, enum bf__item_kind kind, unsigned n_reads)
{
    struct bf__item *item = malloc(sizeof *item + n_reads * sizeof item->reads[0]);
    if (item == NULL)
        abort();
    memset(item, 0, offsetof(struct bf__item, receipt));
    item->receipt.status = BF_OK;
    item->kind = kind;
    item->settled = item->proven = false;
    item->tried_from = item->tried_to = 0;
    item->queued_ms = bf_mono_ms(store->env);
    return item;
}

static void check_submission(const struct bf_submission *s)
{
    assert(s->n_reads <= BF_READS_MAX && s->decide != NULL && !bf_uuid_is_zero(&s->tenant));
    for (unsigned i = 0; i < s->n_reads; i++)
        assert(s->reads[i].coll->cls == BF_TENANT_COLLECTION);
}

static struct bf__item *submit_item(struct bf_store *store, const struct bf_submission *s)
{
    check_submission(s);
    struct bf__item *item = new_item(store, ITEM_SUBMIT, s->n_reads);
    item->submission = *s;
    item->behind = s->behind;
    if (s->n_reads > 0)
        memcpy(item->reads, s->reads, s->n_reads * sizeof s->reads[0]);
    item->submission.reads = item->reads;
    return item;
}

enum bf_status bf_submit(struct bf_store *store, const struct bf_submission *submission, struct bf_error *e)
{
    assert(submission->home != NULL && submission->done != NULL);
    struct bf__item *item = submit_item(store, submission);
    enum bf_status status = bf__committer_enqueue(store, &item, 1, e);
    if (status != BF_OK)
        free(item);
    return status;
}

/* Queues the items and waits until all were answered. */
static enum bf_status enqueue_and_wait(struct bf_store *store, struct bf__item **items, unsigned n, struct bf_error *e)
{
    struct bf__waiter w = {.left = n};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.wake, NULL);
    for (unsigned i = 0; i < n; i++)
        items[i]->waiter = &w;
    enum bf_status status = bf__committer_enqueue(store, items, n, e);
    pthread_mutex_lock(&w.lock);
    while (status == BF_OK && w.left > 0)
        pthread_cond_wait(&w.wake, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.wake);
    pthread_mutex_destroy(&w.lock);
    return status;
}

enum bf_status bf_submit_wait(struct bf_store *store, const struct bf_submission *submission, struct bf_arena *arena,
                              struct bf_receipt *ret, struct bf_error *e)
{
    struct bf__item *item = submit_item(store, submission);
    enum bf_status status = enqueue_and_wait(store, &item, 1, e);
    if (status == BF_OK) {
        *ret = item->receipt;
        ret->body = bf_str_dup(arena, item->receipt.body);
        status = ret->status;
        if (status != BF_OK && e != NULL)
            *e = ret->error;
        bf__group_leave(item->group);
    }
    free(item);
    return status;
}

static void check_write(const struct bf_write *write)
{
    assert(!write->coll->logged && bf_uuid_is_zero(&write->doc->tenant) == (write->coll->cls == BF_SYSTEM_COLLECTION));
    (void)write;
}

static struct bf__item *write_item(struct bf_store *store, const struct bf_write *write, struct bf_error *why)
{
    check_write(write);
    struct bf__item *item = new_item(store, ITEM_WRITE, 0);
    item->write = write;
    item->error = why;
    return item;
}

/* What a write answers by itself stops none of the others. */
static enum bf_status write_each(const struct bf_driver_vtable *vt, struct bf_session *s, const struct bf_write *writes, unsigned n, struct bf_arena *arena,
                                 enum bf_status *rets, struct bf_error *e)
{
    enum bf_status failed = BF_OK, status = BF_OK;
    for (unsigned i = 0; i < n; i++) {
        struct bf_error why = {0};
        if (failed != BF_OK)
            status = failed; /* not tried */
        else if (writes[i].follows && status != BF_OK)
            status = bf_fail(&why, BF_E_STALE, "what this write follows was not done");
        else
            status = vt->write(s, &writes[i], arena, &why);
        if (rets != NULL)
            rets[i] = status;
        if (failed == BF_OK && status != BF_OK && (rets == NULL || !bf__is_own_answer(status))) {
            failed = status;
            if (e != NULL)
                *e = why;
        }
    }
    return failed;
}

/* Where nothing is shared by doing it in a group: on the caller's thread. */
static enum bf_status write_here(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < n; i++)
        check_write(&writes[i]);
    struct bf_session *s = vt->reader(store->driver);
    enum bf_status status =
        n > 1 && vt->write_many != NULL ? vt->write_many(s, writes, n, arena, rets, e) : write_each(vt, s, writes, n, arena, rets, e);
    vt->release(store->driver, s);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status write_all(struct bf_store *store, const struct bf_write *writes, unsigned n, bool behind, enum bf_status *rets, struct bf_error *e)
{
    assert(n > 0 && n <= store->config.queue_max && (rets != NULL || n == 1));
    if (!store->driver->vt->one_transaction)
        return write_here(store, writes, n, rets, e);
    struct bf__item **items = calloc(n, sizeof(struct bf__item *));
    struct bf_error why = {0};
    if (items == NULL)
        abort();
    assert(!writes[0].follows);
    for (unsigned i = 0; i < n; i++) {
        items[i] = write_item(store, &writes[i], &why);
        items[i]->behind = behind;
        items[i]->leader = writes[i].follows ? items[i - 1] : NULL;
    }
    enum bf_status refused = enqueue_and_wait(store, items, n, &why);
    for (unsigned i = 0; i < n; i++) {
        if (rets != NULL)
            rets[i] = refused != BF_OK ? refused : items[i]->status;
        if (refused == BF_OK)
            bf__group_leave(items[i]->group);
        free(items[i]);
    }
    free(items);
    if (why.status == BF_OK || (rets != NULL && bf__is_own_answer(why.status)))
        return BF_OK;
    if (e != NULL)
        *e = why;
    return why.status;
}

enum bf_status bf_store_write(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e)
{
    return write_all(store, writes, n, /* behind= */ false, rets, e);
}

enum bf_status bf_store_write_behind(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e)
{
    return write_all(store, writes, n, /* behind= */ true, rets, e);
}

enum bf_status bf__committer_call(struct bf_store *store, bf__call_fn *fn, void *ctx, struct bf_error *e)
{
    struct bf__item *item = new_item(store, ITEM_CALL, 0);
    struct bf_error why = {0};
    item->call = fn;
    item->call_ctx = ctx;
    item->error = &why;
    enqueue_and_wait(store, &item, 1, &why);
    free(item);
    if (why.status != BF_OK && e != NULL)
        *e = why;
    return why.status;
}
