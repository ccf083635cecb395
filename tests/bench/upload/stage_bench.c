/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage layer without HTTP beside the bare loop without TLS, turn by turn in one process: the CPU that uploads cost above hash, seal, write and
 * fdatasync. Four uploads of 64 MB at a time; each chunk is opened, sent in pieces of 16 KiB as TLS gives them, synced and closed, as requests do.
 *
 *   stage_bench DIR
 */
#include "tests/bench/upload/staged.h"
#include "tests/bench/upload/upload_bare.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { UPLOADS = 4, TOTAL = 64 << 20, ROUNDS = 5 };

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
        room = room > STAGED_PIECE ? STAGED_PIECE : room;
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

/* ---- ours ---- */

static double ours(const struct bf_env *env, struct bf_store *store, struct bf_pool **homes, size_t cadence)
{
    struct staged_load load = {.content = content, .total = TOTAL, .cadence = cadence, .uploads = UPLOADS};
    struct staged_ran ran;
    double before = cpu_seconds();
    staged_run(env, store, homes, &load, &ran);
    double cpu = cpu_seconds() - before;
    staged_delete(store, &load, &ran);
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
    struct bf_pool *homes[STAGED_HOMES];
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
    for (unsigned i = 0; i < STAGED_HOMES; i++)
        homes[i] = bf_pool_create(&env, "home", 1, 1000);
    int dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    compare(&env, store, homes, dir, "4 MB chunks", 4 << 20);
    compare(&env, store, homes, dir, "one PATCH", TOTAL);
    compare(&env, store, homes, dir, "64 KB chunks", 64 << 10);
    bf_store_close(&store);
    for (unsigned i = 0; i < STAGED_HOMES; i++)
        bf_pool_destroy(&homes[i]);
    close(dir);
    bf_env_finish(&env);
    return 0;
}
