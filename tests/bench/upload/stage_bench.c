/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage layer without HTTP beside the bare loop without TLS, turn by turn in one process: the CPU that uploads cost above hash, seal, write and
 * fdatasync. Four uploads of 64 MB at a time; each chunk is opened, sent in pieces of 16 KiB as TLS gives them, synced and closed, as requests do.
 *
 *   stage_bench DIR
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/pool.h"
#include "storage/media.h"
#include "tests/bench/upload/upload_bare.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { UPLOADS = 4, TOTAL = 64 << 20, PIECE = 16384, WINDOW = 256 << 10, HOMES = 2, ROUNDS = 5 };

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "stage_bench: %s failed\n", what);
        exit(1);
    }
}

static uint8_t content[1 << 20];

/* ---- bare ---- */

struct bare {
    int dir;
    size_t cadence;
    unsigned number;
    pthread_t thread;
};

static void *run_bare(void *arg)
{
    struct bare *b = arg;
    char name[32];
    snprintf(name, sizeof name, "bare-%u", b->number);
    struct upload_bare *u = upload_bare_open(b->dir, name);
    for (size_t at = 0; at < TOTAL;) {
        size_t room;
        uint8_t *to = upload_bare_space(u, &room);
        room = room > PIECE ? PIECE : room;
        memcpy(to, content + at % sizeof content, room); /* what SSL_read would do */
        upload_bare_got(u, room);
        at += room;
        if (at % b->cadence == 0)
            upload_bare_sync(u);
    }
    upload_bare_close(u);
    unlinkat(b->dir, name, 0);
    return NULL;
}

static double bare(int dir, size_t cadence)
{
    struct bare uploads[UPLOADS];
    double before = cpu_seconds();
    for (unsigned i = 0; i < UPLOADS; i++) {
        uploads[i] = (struct bare){.dir = dir, .cadence = cadence, .number = i};
        must(pthread_create(&uploads[i].thread, NULL, run_bare, &uploads[i]) == 0, "thread");
    }
    for (unsigned i = 0; i < UPLOADS; i++)
        pthread_join(uploads[i].thread, NULL);
    return cpu_seconds() - before;
}

/* ---- ours: each upload is a small state machine on its home, as on an HTTP loop ---- */

struct staged {
    struct bf_task task;
    struct bf_store *store;
    struct bf_mailbox *home;
    struct bf_arena *arena;
    struct bf_stage_new new;
    struct bf_stage *stage;
    size_t cadence, at, taken, chunk_end;
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
    s->chunk_end = s->at + s->cadence;
    feed(s);
}

static void on_synced(void *ctx, enum bf_status status, int64_t offset)
{
    struct staged *s = ctx;
    must(status == BF_OK && (size_t)offset == s->at, "sync");
    if (s->at == TOTAL) {
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
        must(bf_stage_append(s->stage, content + s->at % sizeof content, PIECE, on_took, s) == BF_OK, "append");
        s->at += PIECE;
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

static double ours(const struct bf_env *env, struct bf_store *store, struct bf_pool **homes, size_t cadence)
{
    struct staged uploads[UPLOADS];
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t done = PTHREAD_COND_INITIALIZER;
    unsigned left = UPLOADS;
    double before = cpu_seconds();
    for (unsigned i = 0; i < UPLOADS; i++) {
        uploads[i] = (struct staged){.task.run = start, .store = store, .home = bf_pool_mailbox(homes[i % HOMES]), .cadence = cadence};
        uploads[i].arena = bf_arena_create();
        uploads[i].new = (struct bf_stage_new){.id = bf_uuid_v7(env), .tenant = {{1}}, .user = {{2}}, .length = TOTAL, .max_bytes = TOTAL};
        uploads[i].lock = &lock;
        uploads[i].done = &done;
        uploads[i].left = &left;
        bf_post(uploads[i].home, &uploads[i].task);
    }
    pthread_mutex_lock(&lock);
    while (left > 0)
        pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    double cpu = cpu_seconds() - before;
    for (unsigned i = 0; i < UPLOADS; i++) {
        must(bf_stage_delete(store, uploads[i].new.tenant, uploads[i].new.user, uploads[i].new.id, NULL) == BF_OK, "delete");
        bf_arena_destroy(&uploads[i].arena);
    }
    return cpu;
}

/* ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void compare(const struct bf_env *env, struct bf_store *store, struct bf_pool **homes, int dir, const char *name, size_t cadence)
{
    double a[ROUNDS], b[ROUNDS], gb = (double)TOTAL * UPLOADS / 1e9, acks = (double)TOTAL / (double)cadence * UPLOADS;
    for (unsigned i = 0; i < ROUNDS; i++) {
        a[i] = bare(dir, cadence);
        b[i] = ours(env, store, homes, cadence);
    }
    qsort(a, ROUNDS, sizeof a[0], ascending);
    qsort(b, ROUNDS, sizeof b[0], ascending);
    double x = a[ROUNDS / 2], y = b[ROUNDS / 2];
    printf("stage %-12s bare %.3f s/GB %7.1f us/ack   ours %.3f s/GB %7.1f us/ack   ratio %.3f\n", name, x / gb, x / acks * 1e6, y / gb,
           y / acks * 1e6, y / x);
}

int main(int argc, char **argv)
{
    char uri[4096], key[4096];
    struct bf_env env;
    struct bf_store *store;
    struct bf_error e = {0};
    struct bf_pool *homes[HOMES];
    if (argc != 2) {
        fprintf(stderr, "usage: stage_bench DIR\n");
        return 2;
    }
    bf_env_system(&env);
    bf_random(&env, content, sizeof content);
    snprintf(uri, sizeof uri, "embedded:%s/data", argv[1]);
    snprintf(key, sizeof key, "%s/master.key", argv[1]);
    struct bf_store_config config = {.uri = bf_strz(uri), .master_key_file = bf_strz(key), .stage_quota_bytes = INT64_C(1) << 40};
    if (bf_store_open(&env, &config, NULL, 0, &store, &e) != BF_OK) {
        fprintf(stderr, "stage_bench: %s\n", e.cause);
        return 1;
    }
    for (unsigned i = 0; i < HOMES; i++)
        homes[i] = bf_pool_create(&env, "home", 1, 1000);
    int dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    compare(&env, store, homes, dir, "4 MB chunks", 4 << 20);
    compare(&env, store, homes, dir, "one PATCH", TOTAL);
    compare(&env, store, homes, dir, "64 KB chunks", 64 << 10);
    bf_store_close(&store);
    for (unsigned i = 0; i < HOMES; i++)
        bf_pool_destroy(&homes[i]);
    close(dir);
    bf_env_finish(&env);
    return 0;
}
