/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/upload/staged.h"
#include "core/arena.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WINDOW = 256 << 10, CONTENT = 1 << 20 };
static const struct bf_uuid tenant = {{1}}, user = {{2}};

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "staged: %s failed\n", what);
        exit(1);
    }
}

struct staged {
    struct bf_task task;
    struct bf_store *store;
    struct bf_mailbox *home;
    struct bf_arena *arena;
    struct bf_stage_new new;
    struct bf_stage *stage;
    const struct staged_load *load;
    size_t at, taken, chunk_end, number; /* number: each has other bytes */
    pthread_mutex_t *lock;
    pthread_cond_t *done;
    unsigned *left;
};

static void feed(struct staged *s);

static void on_took(void *ctx, size_t n)
{
    struct staged *s = ctx;
    s->taken += n;
    feed(s);
}

static void on_finished(void *ctx, enum bf_status status, const uint8_t *sha256)
{
    struct staged *s = ctx;
    (void)sha256;
    must(status == BF_OK, "finish");
    bf_stage_close(&s->stage);
    pthread_mutex_lock(s->lock);
    --*s->left;
    pthread_cond_signal(s->done);
    pthread_mutex_unlock(s->lock);
}

static void open_chunk(struct staged *s)
{
    struct bf_stage_info info;
    bf_arena_reset(s->arena);
    must(bf_stage_open(s->store, s->new.tenant, s->new.user, s->new.id, s->home, NULL, NULL, s->arena, &info, &s->stage, NULL) == BF_OK, "open");
    must((size_t)info.offset == s->at, "offset");
    s->taken = s->at;
    s->chunk_end = s->at + s->load->cadence;
    feed(s);
}

static void on_synced(void *ctx, enum bf_status status, int64_t offset)
{
    struct staged *s = ctx;
    must(status == BF_OK && (size_t)offset == s->at, "sync");
    if (s->at == s->load->total) {
        must(bf_stage_finish(s->stage, on_finished, s) == BF_OK, "finish");
        return;
    }
    bf_stage_close(&s->stage);
    open_chunk(s);
}

static void feed(struct staged *s)
{
    if (s->at == s->chunk_end)
        return;
    while (s->at < s->chunk_end && s->at - s->taken < WINDOW) {
        must(bf_stage_append(s->stage, s->load->content + (s->at + s->number * STAGED_PIECE) % CONTENT, STAGED_PIECE, on_took, s) == BF_OK, "append");
        s->at += STAGED_PIECE;
    }
    if (s->at == s->chunk_end)
        must(bf_stage_sync(s->stage, on_synced, s) == BF_OK, "sync");
}

static void start(struct bf_task *task)
{
    struct staged *s = BF_CONTAINER(task, struct staged, task);
    must(bf_stage_create(s->store, &s->new, NULL) == BF_OK, "create");
    open_chunk(s);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void staged_run(const struct bf_env *env, struct bf_store *store, struct bf_pool **homes, const struct staged_load *load, struct staged_ran *ret)
{
    struct staged uploads[STAGED_MAX];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    unsigned left = load->uploads;
    double began = seconds_now();
    for (unsigned i = 0; i < load->uploads; i++) {
        uploads[i] = (struct staged){.task.run = start, .store = store, .home = bf_pool_mailbox(homes[i % STAGED_HOMES]), .load = load, .number = i};
        uploads[i].arena = bf_arena_create();
        uploads[i].new = (struct bf_stage_new){
            .id = bf_uuid_v7(env), .tenant = tenant, .user = user, .length = (int64_t)load->total, .max_bytes = (int64_t)load->total};
        uploads[i].lock = &lock;
        uploads[i].done = &done;
        uploads[i].left = &left;
        bf_post(uploads[i].home, &uploads[i].task);
    }
    pthread_mutex_lock(&lock);
    while (left > 0)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    ret->s = seconds_now() - began;
    for (unsigned i = 0; i < load->uploads; i++) {
        ret->ids[i] = uploads[i].new.id;
        bf_arena_destroy(&uploads[i].arena);
    }
}

void staged_delete(struct bf_store *store, const struct staged_load *load, const struct staged_ran *ran)
{
    for (unsigned i = 0; i < load->uploads; i++)
        must(bf_stage_delete(store, tenant, user, ran->ids[i], NULL) == BF_OK, "delete");
}
