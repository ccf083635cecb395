/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of a Monday morning for a company of some size. `digest_bench fill DIR PEOPLE VISITS DAYS` makes the company (company.h) in the new
 * directory DIR, which a server takes as its data; `digest_bench run DIR PEOPLE` makes the digests of one, and prints what the jobs took, with the memory that came on top
 * of the store's, and how many were told.
 */
#include "core/env.h"
#include "push/digests.h"
#include "tests/bench/push/company.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static const int64_t day_ms = (int64_t)86400000;

struct bench {
    struct bf_env env;
    struct bf_store *store;
    unsigned people;
};

static void check(enum bf_status status, const struct bf_error *e)
{
    if (status == BF_OK)
        return;
    fprintf(stderr, "digest_bench: %s\n", e->cause);
    exit(1);
}

static long rss_kb(void)
{
    long kb = 0;
    char line[200];
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kb;
}

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double real_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t count_told(struct bench *b)
{
    struct bf_query query = {.coll = &bf_notifications, .tenant = company_tenant(), .index = &bf_notifications_by_user, .limit = 1000000};
    struct bf_error e = {0};
    int64_t n = 0;
    check(bf_store_count(b->store, &query, &n, &e), &e);
    return n;
}

static void add_jobs(struct bench *b)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__digest_slot slot = {.date = {.year = 2026, .month = 3, .day = 16}, .zone = BF_STR("Asia/Shanghai")};
    struct bf_job *jobs = bf_arena_calloc(arena, b->people, sizeof *jobs);
    struct bf_error e = {0};
    for (unsigned i = 0; i < b->people; i++)
        jobs[i] = bf__digest_job(arena, company_tenant(), company_user(i), &slot);
    check(bf_job_add(b->store, jobs, b->people, &e), &e);
    bf_arena_destroy(&arena);
}

/* A job of the morning that is still there is not over. */
static bool is_over(struct bench *b)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_job *job;
    struct bf_error e = {0};
    check(bf_job_take(b->store, "digest", company_monday_ms() + 1, 1, arena, &job, &e), &e);
    if (job != NULL)
        check(bf_job_retry(b->store, job, company_monday_ms(), false, "the bench looked", &e), &e);
    bf_arena_destroy(&arena);
    return job == NULL;
}

/* Until no more is told for three seconds, which are not counted; for a minute while somebody was not told yet, since all that supervisors are told is read first. */
static void measure(struct bench *b)
{
    struct bf_service_ctx ctx = {.env = &b->env, .store = b->store};
    struct bf_push push = {.ctx = &ctx, .grace_ms = day_ms};
    struct bf_job_work work = bf__digests_work(&push);
    struct timespec pause = {.tv_nsec = 100000000};
    long before = rss_kb(), most = before;
    double cpu = cpu_s(), real = real_s(), cpu_end = cpu, real_end = real;
    push.runner = bf_job_runner_create(&b->env, b->store, &work, 1);
    bf_job_runner_start(push.runner);
    int64_t told = 0;
    do {
        nanosleep(&pause, NULL);
        long now = rss_kb();
        int64_t n = count_told(b);
        most = now > most ? now : most;
        if (n > told) {
            told = n;
            cpu_end = cpu_s();
            real_end = real_s();
        }
    } while (real_s() - real_end < (told < b->people ? 60 : 3));
    bf_job_runner_stop(&push.runner);
    bf__digest_desk_clear(&push.desk);
    printf("{\"people\": %u, \"told\": %lld, \"over\": %s, \"cpu_s\": %.2f, \"real_s\": %.2f, \"memory_mb\": %.1f, \"store_mb\": %.1f}\n", b->people,
           (long long)told, is_over(b) ? "true" : "false", cpu_end - cpu, real_end - real, (double)(most - before) / 1024, (double)before / 1024);
}

static void open_store(struct bench *b, const char *dir, int64_t now_ms)
{
    char uri[512], key[512];
    struct bf_error e = {0};
    snprintf(uri, sizeof uri, "embedded:%s/store", dir);
    snprintf(key, sizeof key, "%s/master.key", dir);
    struct bf_store_config config = {.uri = bf_strz(uri), .master_key_file = bf_strz(key), .readers = 4, .queue_max = 4096, .group_max = 256,
                                     .stage_ttl_ms = day_ms, .unbound_ttl_ms = day_ms};
    bf_env_fake(&b->env, now_ms, 1);
    check(bf_store_open(&b->env, &config, bf_collections, BF_COLLECTIONS, &b->store, &e), &e);
}

int main(int argc, char **argv)
{
    bool fills = argc == 6 && strcmp(argv[1], "fill") == 0;
    if (!fills && !(argc == 4 && strcmp(argv[1], "run") == 0)) {
        fprintf(stderr, "digest_bench fill NEW_DIR PEOPLE VISITS DAYS | run DIR PEOPLE\n");
        return 2;
    }
    struct bench b = {.people = (unsigned)atoi(argv[3])};
    if (fills && mkdir(argv[2], 0700) != 0) {
        perror(argv[2]);
        return 1;
    }
    open_store(&b, argv[2], fills ? company_sunday_ms() : company_monday_ms());
    if (fills) {
        struct company company = {.people = b.people, .visits = (unsigned)atoi(argv[4]), .days = atoi(argv[5])};
        company_fill(&b.env, b.store, &company);
    } else {
        add_jobs(&b);
        measure(&b);
    }
    bf_store_close(&b.store);
    bf_env_finish(&b.env);
    return 0;
}
