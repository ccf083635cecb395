/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view log: who was shown what (AUD-01, AUD-02). An append-only stream beside the commit log. Views of records are gathered and written
 * within a second or when 256 wait; views of media are written before the bytes go out. When the writer falls behind, the reader waits
 * for room rather than being shown something unrecorded; when the store refuses (a full disk), it is refused once there is no room.
 *
 * What one session was shown within a second is one document: the first view and, in `more`, those that came after it. So a document is found
 * by the time of its first view, and what was shown at T stands in documents of T less a second and later.
 */
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/thread.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_MAX = 256, WRITE_AFTER_MS = 1000, IDS_MAX = 200, SPAN_MS = 1000, BUCKETS = 64 };

struct view {
    struct view *next;
    int64_t at_ms;
    const char *entity, *action; /* constants of the program */
    char trace[33];
    unsigned n;
    struct bf_uuid ids[];
};

/* The views of one session that become a document. */
struct group {
    struct group *next; /* of its bucket, latest first */
    struct bf_uuid tenant, user, session;
    struct view *first, **tail;
    unsigned n;
};

struct batch {
    struct bf_arena *arena;
    struct group groups[BATCH_MAX], *buckets[BUCKETS];
    unsigned n_groups, n; /* n: views */
};

struct bf_view_log {
    const struct bf_env *env;
    struct bf_store *store;
    pthread_mutex_t lock;
    pthread_cond_t wake, room;
    pthread_t thread;
    struct batch batches[2]; /* one is filled while the other is written */
    struct batch *filling;
    struct bf_error failing; /* why the store refused the batch that is being written; BF_OK: it did not */
    bool stopping;
};

/* ---- documents ---- */

static void set_records(struct bf_arena *arena, struct bf_object *object, unsigned row, const struct view *view)
{
    struct bf_value *values = bf_arena_calloc(arena, view->n, sizeof *values);
    for (unsigned i = 0; i < view->n; i++)
        values[i] = (struct bf_value){.type = BF_T_UUID, .uuid = view->ids[i]};
    bf_set_array(object, row, values, view->n);
}

static struct bf_object *later_view(struct bf_arena *arena, const struct view *view)
{
    struct bf_object *object = bf_object_create(arena, &bf_later_view_schema);
    bf_set_int(object, BF_LATER_VIEW_AT, view->at_ms);
    bf_set_str(object, BF_LATER_VIEW_ENTITY, bf_strz(view->entity));
    bf_set_str(object, BF_LATER_VIEW_ACTION, bf_strz(view->action));
    set_records(arena, object, BF_LATER_VIEW_RECORDS, view);
    bf_set_str(object, BF_LATER_VIEW_TRACE, bf_strz(view->trace));
    return object;
}

static struct bf_doc *view_doc(struct bf_view_log *log, struct bf_arena *arena, const struct group *group)
{
    const struct view *view = group->first;
    struct bf_doc *doc = bf_doc_create(arena, &bf_view_schema, group->tenant, bf_uuid_v7(log->env));
    struct bf_value *more = bf_arena_calloc(arena, group->n, sizeof *more);
    unsigned n_more = 0;
    bf_set_uuid(&doc->object, BF_VIEW_USER, group->user);
    bf_set_uuid(&doc->object, BF_VIEW_SESSION, group->session);
    bf_set_int(&doc->object, BF_VIEW_AT, view->at_ms);
    bf_set_str(&doc->object, BF_VIEW_ENTITY, bf_strz(view->entity));
    bf_set_str(&doc->object, BF_VIEW_ACTION, bf_strz(view->action));
    set_records(arena, &doc->object, BF_VIEW_RECORDS, view);
    bf_set_str(&doc->object, BF_VIEW_TRACE, bf_strz(view->trace));
    while ((view = view->next) != NULL)
        more[n_more++] = (struct bf_value){.type = BF_T_OBJECT, .object = later_view(arena, view)};
    if (n_more > 0)
        bf_set_array(&doc->object, BF_VIEW_MORE, more, n_more);
    return doc;
}

static struct view *new_view(struct bf_arena *arena, const char *trace, const char *entity, const char *action, const struct bf_uuid *ids, unsigned n,
                             int64_t at_ms)
{
    struct view *view = bf_arena_alloc(arena, sizeof *view + n * sizeof *ids);
    size_t trace_n = strlen(trace);
    assert(trace_n < sizeof view->trace);
    view->next = NULL;
    view->at_ms = at_ms;
    view->entity = entity;
    view->action = action;
    memcpy(view->trace, trace, trace_n + 1);
    view->n = n;
    memcpy(view->ids, ids, n * sizeof *ids);
    return view;
}

static void start_group(struct group *group, const struct bf_caller *caller, struct view *first)
{
    *group = (struct group){.tenant = caller->tenant, .user = caller->user, .session = caller->session, .first = first, .tail = &first->next, .n = 1};
}

/* The clock may have been set back meanwhile: `at_ms` of a document is that of its earliest view. */
static bool belongs(const struct group *group, const struct bf_caller *caller, int64_t at_ms)
{
    return bf_uuid_eq(&group->session, &caller->session) && bf_uuid_eq(&group->user, &caller->user) && bf_uuid_eq(&group->tenant, &caller->tenant) &&
           at_ms >= group->first->at_ms && at_ms - group->first->at_ms <= SPAN_MS;
}

static void add_view(struct batch *batch, const struct bf_caller *caller, struct view *view)
{
    struct group **bucket = &batch->buckets[caller->session.b[sizeof caller->session.b - 1] % BUCKETS], *group = *bucket;
    while (group != NULL && !belongs(group, caller, view->at_ms))
        group = group->next;
    batch->n++;
    if (group != NULL) {
        *group->tail = view;
        group->tail = &view->next;
        group->n++;
        return;
    }
    group = &batch->groups[batch->n_groups++];
    start_group(group, caller, view);
    group->next = *bucket;
    *bucket = group;
}

static void clear(struct batch *batch)
{
    batch->n = batch->n_groups = 0;
    memset(batch->buckets, 0, sizeof batch->buckets);
    bf_arena_reset(batch->arena);
}

/* ---- the writer ---- */

static struct timespec deadline(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += WRITE_AFTER_MS / 1000;
    return t;
}

/* Tells the readers that wait, then pauses. False when the log is being closed. */
static bool pause_before_retry(struct bf_view_log *log, const struct bf_error *why)
{
    struct timespec until = deadline();
    pthread_mutex_lock(&log->lock);
    log->failing = *why;
    pthread_cond_broadcast(&log->room);
    while (!log->stopping && pthread_cond_timedwait(&log->wake, &log->lock, &until) != ETIMEDOUT)
        ;
    bool go_on = !log->stopping;
    pthread_mutex_unlock(&log->lock);
    return go_on;
}

static void tell_lost(struct bf_view_log *log, const struct batch *batch, const enum bf_status *rets)
{
    unsigned lost = 0;
    for (unsigned i = 0; i < batch->n_groups; i++)
        if (rets[i] != BF_OK)
            lost += batch->groups[i].n;
    if (lost > 0)
        bf_log(log->env, BF_LOG_ERROR, "view_log.lost", "views that could not be written before the end", BF_L_INT("views", lost), BF_L_END);
}

/* Tries until it is written: a view that is lost would make the log a lie. The last try is made when the store is about to close. */
static void write_batch(struct bf_view_log *log, struct batch *batch)
{
    enum bf_status rets[BATCH_MAX];
    struct bf_write writes[BATCH_MAX];
    struct bf_error e = {0};
    bool said = false, last = false;
    for (unsigned i = 0; i < batch->n_groups; i++)
        writes[i] = (struct bf_write){.kind = BF_W_PUT, .coll = &bf_views, .doc = view_doc(log, batch->arena, &batch->groups[i])};
    while (bf_store_write(log->store, writes, batch->n_groups, rets, &e) != BF_OK && !last) {
        if (!said)
            bf_log_error(log->env, BF_LOG_ERROR, "view_log.failed", &e);
        said = true;
        last = !pause_before_retry(log, &e);
    }
    if (last)
        tell_lost(log, batch, rets);
    bf_metric_add(log->env->metrics, BF_M_VIEW_LOG_LAG, -(int64_t)batch->n);
    clear(batch);
}

/* Waits until a full batch, a second after its first view, or the end. */
static void wait_for_batch(struct bf_view_log *log)
{
    while (log->filling->n == 0 && !log->stopping)
        pthread_cond_wait(&log->wake, &log->lock);
    struct timespec until = deadline();
    while (log->filling->n < BATCH_MAX && !log->stopping)
        if (pthread_cond_timedwait(&log->wake, &log->lock, &until) == ETIMEDOUT)
            break;
}

static void *writer(void *arg)
{
    struct bf_view_log *log = arg;
    pthread_mutex_lock(&log->lock);
    for (;;) {
        wait_for_batch(log);
        struct batch *full = log->filling;
        if (full->n == 0)
            break;
        log->filling = full == &log->batches[0] ? &log->batches[1] : &log->batches[0];
        assert(log->filling->n == 0);
        pthread_cond_broadcast(&log->room);
        pthread_mutex_unlock(&log->lock);
        write_batch(log, full);
        pthread_mutex_lock(&log->lock);
        log->failing = (struct bf_error){0};
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

/* ---- its life ---- */

struct bf_view_log *bf__views_open(const struct bf_env *env, struct bf_store *store)
{
    struct bf_view_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        abort();
    log->env = env;
    log->store = store;
    for (int i = 0; i < 2; i++)
        log->batches[i].arena = bf_arena_create();
    log->filling = &log->batches[0];
    pthread_mutex_init(&log->lock, NULL);
    bf_real_cond_init(&log->wake);
    pthread_cond_init(&log->room, NULL);
    if (pthread_create(&log->thread, NULL, writer, log) != 0)
        abort();
    pthread_setname_np(log->thread, "view-log");
    return log;
}

void bf__views_close(struct bf_view_log **views)
{
    struct bf_view_log *log = *views;
    if (log == NULL)
        return;
    pthread_mutex_lock(&log->lock);
    log->stopping = true;
    pthread_cond_broadcast(&log->wake);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->thread, NULL);
    for (int i = 0; i < 2; i++)
        bf_arena_destroy(&log->batches[i].arena);
    pthread_cond_destroy(&log->wake);
    pthread_cond_destroy(&log->room);
    pthread_mutex_destroy(&log->lock);
    free(log);
    *views = NULL;
}

/* ---- taking views ---- */

/* Waits for room in the batch that is filled; the lock is held. */
static enum bf_status wait_for_room(struct bf_view_log *log, struct bf_error *e)
{
    while (log->filling->n == BATCH_MAX && log->failing.status == BF_OK)
        pthread_cond_wait(&log->room, &log->lock);
    if (log->filling->n < BATCH_MAX)
        return BF_OK;
    *e = log->failing;
    return e->status;
}

enum bf_status bf__views_note(struct bf_view_log *log, const struct bf_caller *caller, const char *trace, const char *entity, const char *action,
                              const struct bf_uuid *ids, unsigned n, int64_t at_ms, struct bf_error *e)
{
    assert(n <= IDS_MAX);
    pthread_mutex_lock(&log->lock);
    enum bf_status status = wait_for_room(log, e);
    if (status != BF_OK) {
        pthread_mutex_unlock(&log->lock);
        return status;
    }
    struct batch *batch = log->filling;
    add_view(batch, caller, new_view(batch->arena, trace, entity, action, ids, n, at_ms));
    if (batch->n == 1 || batch->n == BATCH_MAX)
        pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
    bf_metric_add(log->env->metrics, BF_M_VIEW_LOG_LAG, 1);
    return BF_OK;
}

enum bf_status bf__views_write(struct bf_view_log *log, const struct bf_caller *caller, const char *trace, const char *entity, const char *action,
                               struct bf_uuid id, int64_t at_ms, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct group group;
    start_group(&group, caller, new_view(arena, trace, entity, action, &id, 1, at_ms));
    struct bf_write write = {.kind = BF_W_INSERT, .coll = &bf_views, .doc = view_doc(log, arena, &group)};
    enum bf_status status = bf_store_write(log->store, &write, 1, NULL, e);
    bf_arena_destroy(&arena);
    return status;
}
