/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable creates of a visit through the store (creates.h) beside the bare SQLite loop: `store_bench DIR [creates] [rounds]`. Both run
 * in turn in one process; each round's CPU (user and system of the whole process) and rate are taken, and the medians printed.
 */
#include "core/arena.h"
#include "core/env.h"
#include "tests/bench/store/bare_sqlite.h"
#include "tests/bench/store/creates.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ROUNDS_MAX = 15, GETS = 50000 };

struct result {
    double cpu_us, per_s, group, get_us;
};

/* CPU of a read by id, one thread, in random order. */
static double measure_gets(struct bf_store *store, unsigned creates)
{
    struct bf_arena *arena = bf_arena_create();
    double cpu = cpu_us_now();
    for (unsigned i = 0; i < GETS; i++) {
        struct bf_doc *doc = NULL;
        struct bf_uuid id = creates_visit(CREATES_CUSTOMERS + i * 7919 % creates);
        if (bf_store_get(store, creates_visits, creates_tenant(0), id, arena, &doc, NULL) != BF_OK || doc == NULL)
            abort();
        bf_arena_reset(arena);
    }
    cpu = (cpu_us_now() - cpu) / GETS;
    bf_arena_destroy(&arena);
    return cpu;
}

static void store_run(const char *dir, unsigned creates, struct result *ret)
{
    char uri[4096], key[4096];
    struct bf_env env;
    struct bf_store *store;
    struct creates_ran ran;
    struct bf_error e = {0};
    struct bf_store_config config = {.queue_max = 1000};
    bf_env_system(&env);
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "embedded:%s/store", dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    if (bf_store_open(&env, &config, creates_collections, creates_n_collections, &store, &e) != BF_OK) {
        fprintf(stderr, "%s\n", e.cause);
        exit(1);
    }
    creates_run(store, 1, 0, CREATES_CUSTOMERS, &ran); /* each customer's key, each counter: made before the clock starts */
    double cpu = cpu_us_now();
    creates_run(store, 1, CREATES_CUSTOMERS, creates, &ran);
    *ret = (struct result){.cpu_us = (cpu_us_now() - cpu) / creates, .per_s = ran.per_s, .group = ran.group};
    ret->get_us = measure_gets(store, creates);
    bf_store_close(&store);
    bf_env_finish(&env);
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

int main(int argc, char **argv)
{
    unsigned creates = argc > 2 ? (unsigned)atoi(argv[2]) : 20000, rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 5;
    double cpu[2][ROUNDS_MAX], rate[2][ROUNDS_MAX], get[2][ROUNDS_MAX], group = 0;
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || creates < CREATES_IN_FLIGHT) {
        fprintf(stderr, "store_bench DIR [creates] [rounds up to %d]\n", ROUNDS_MAX);
        return 2;
    }
    for (unsigned i = 0; i < rounds; i++) {
        char dir[3000], database[4096];
        struct result ours;
        struct bare_shape shape;
        struct bare_result bare;
        snprintf(dir, sizeof dir, "%s/round%u", argv[1], i);
        mkdir(dir, 0700);
        store_run(dir, creates, &ours);
        snprintf(database, sizeof database, "%s/store/store.db", dir);
        bare_measure(database, creates + CREATES_CUSTOMERS, ours.group, &shape);
        bare_run(dir, &shape, 0, creates, ours.group, &bare);
        printf("round %u: store %.1f us, %.0f/s, groups of %.1f; bare %.1f us, %.0f/s\n", i, ours.cpu_us, ours.per_s, ours.group,
               bare.cpu_us, bare.creates_per_s);
        cpu[0][i] = ours.cpu_us;
        cpu[1][i] = bare.cpu_us;
        rate[0][i] = ours.per_s;
        rate[1][i] = bare.creates_per_s;
        get[0][i] = ours.get_us;
        get[1][i] = bare_gets(database, "bench_visits", GETS);
        group = ours.group;
    }
    double ours = median(cpu[0], rounds), bare = median(cpu[1], rounds), per_s = median(rate[0], rounds),
           bare_per_s = median(rate[1], rounds);
    printf("durable create, %d in flight, groups of about %.0f: store %.1f us CPU, %.0f/s; bare SQLite %.1f us CPU, %.0f/s; ratio %.2f, "
           "rate %.0f %%\n",
           CREATES_IN_FLIGHT, group, ours, per_s, bare, bare_per_s, ours / bare, 100 * per_s / bare_per_s);
    printf("read by id: store %.1f us CPU, bare SQLite %.1f us CPU\n", median(get[0], rounds), median(get[1], rounds));
    return 0;
}
