/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of a Monday morning for a company of that size, all people in one zone: `digest_bench DIR [people] [visits] [days]`. Visits are spread
 * evenly over so many days (365) before, each with its verdict; of ten people nine are reps, each with ten customers of which two are overdue. Prints what the jobs took, with
 * the memory that came on top of the store's, and how many were told. DIR is new.
 */
#include "access/directory.h"
#include "core/env.h"
#include "crm/ids.h"
#include "push/digests.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { AT_ONCE = 90, CUSTOMERS = 10, OVERDUE = 2, TEAM_OF = 10, MANAGERS = 50 };
static const int64_t day_ms = (int64_t)86400000, monday_ms = INT64_C(1773621000000); /* 2026-03-16 08:30 in Shanghai */

struct bench {
    struct bf_env env;
    struct bf_store *store;
    struct bf_uuid tenant;
    unsigned people;
};

struct put {
    const struct bf_collection *coll;
    struct bf_doc *doc;
};
struct batch {
    struct bench *b;
    struct bf_arena *arena;
    struct put puts[AT_ONCE];
    unsigned n;
};

static void check(enum bf_status status, const struct bf_error *e)
{
    if (status == BF_OK)
        return;
    fprintf(stderr, "digest_bench: %s\n", e->cause);
    exit(1);
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct batch *batch = ctx;
    (void)arena;
    (void)e;
    for (unsigned i = 0; i < batch->n; i++)
        bf_decision_put(d, batch->puts[i].coll, batch->puts[i].doc);
    bf_decision_receipt(d, 200, bf_str("", 0), bf_view_tenant(view));
    return BF_OK;
}

static void flush(struct batch *batch)
{
    struct bf_read reads[AT_ONCE];
    struct bf_receipt receipt;
    struct bf_error e = {0};
    for (unsigned i = 0; i < batch->n; i++)
        reads[i] = (struct bf_read){.coll = batch->puts[i].coll, .id = batch->puts[i].doc->id};
    struct bf_submission s = {.tenant = batch->b->tenant, .reads = reads, .n_reads = batch->n, .decide = decide, .ctx = batch};
    bf_random(&batch->b->env, &s.request, sizeof s.request);
    if (batch->n > 0)
        check(bf_submit_wait(batch->b->store, &s, batch->arena, &receipt, &e), &e);
    bf_arena_reset(batch->arena);
    batch->n = 0;
}

static struct bf_object *put(struct batch *batch, const struct bf_collection *coll, struct bf_uuid id)
{
    if (batch->n == AT_ONCE)
        flush(batch);
    struct bf_doc *doc = bf_doc_create(batch->arena, coll->schema, batch->b->tenant, id);
    batch->puts[batch->n++] = (struct put){coll, doc};
    return &doc->object;
}

static struct bf_uuid id_of(const char *kind, unsigned i, unsigned k)
{
    char name[64];
    return bf_uuid_from_name(name, (size_t)snprintf(name, sizeof name, "%s %u %u", kind, i, k));
}

static int role_of(unsigned i) { return i < MANAGERS ? BF_ROLE_IS_MANAGER : i % TEAM_OF == 0 ? BF_ROLE_IS_SUPERVISOR : BF_ROLE_IS_REP; }

static void put_people(struct batch *batch)
{
    for (unsigned i = 0; i < batch->b->people; i++) {
        struct bf_uuid team = id_of("team", i / TEAM_OF, 0);
        if (i % TEAM_OF == 0) {
            struct bf_object *o = put(batch, &bf_teams, team);
            struct bf_value *path = bf_arena_calloc(batch->arena, 1, sizeof *path);
            path[0] = (struct bf_value){.type = BF_T_UUID, .uuid = team};
            bf_set_str(o, BF_TEAM_NAME, BF_STR("组"));
            bf_set_array(o, BF_TEAM_PATH, path, 1);
        }
        struct bf_object *o = put(batch, &bf_users, id_of("user", i, 0));
        bf_set_str(o, BF_USER_LOGIN, bf_strz(bf_arena_printf(batch->arena, "u%u", i)));
        bf_set_str(o, BF_USER_NAME, BF_STR("王小明"));
        bf_set_enum(o, BF_USER_ROLE, role_of(i));
        bf_set_uuid(o, BF_USER_TEAM, team);
        bf_set_enum(o, BF_USER_STATUS, BF_USER_STATUS_IS_ACTIVE);
        bf_set_int(o, BF_USER_CREATED_AT, monday_ms - 400 * day_ms);
    }
    flush(batch);
}

static void put_customers(struct batch *batch)
{
    for (unsigned i = 0; i < batch->b->people; i++)
        for (unsigned k = 0; k < CUSTOMERS && role_of(i) == BF_ROLE_IS_REP; k++) {
            struct bf_uuid id = id_of("customer", i, k);
            struct bf_object *o = put(batch, &bf_cadences, bf_id_cadence(batch->b->tenant, id));
            bf_set_uuid(o, BF_CADENCE_CUSTOMER, id);
            bf_set_uuid(o, BF_CADENCE_OWNER, id_of("user", i, 0));
            bf_set_uuid(o, BF_CADENCE_TEAM, id_of("team", i / TEAM_OF, 0));
            bf_set_int(o, BF_CADENCE_DUE_AT, monday_ms + (k < OVERDUE ? -day_ms : 10 * day_ms));
            o = put(batch, &bf_customers, id);
            bf_set_str(o, BF_CUSTOMER_NAME, BF_STR("海河贸易有限公司"));
            bf_set_str(o, BF_CUSTOMER_SORT, BF_STR("haihe"));
            bf_set_uuid(o, BF_CUSTOMER_OWNER, id_of("user", i, 0));
        }
    flush(batch);
}

static void put_visits(struct batch *batch, unsigned visits, int days)
{
    for (unsigned v = 0; v < visits; v++) {
        unsigned i = v % batch->b->people;
        struct bf_uuid id = id_of("visit", v, 0), owner = id_of("user", i, 0);
        int64_t at = monday_ms - (int64_t)((double)v / visits * days * (double)day_ms) - 9 * 3600000;
        struct bf_object *o = put(batch, &bf_visits, id);
        bf_set_uuid(o, BF_VISIT_OWNER, owner);
        bf_set_uuid(o, BF_VISIT_REP, owner);
        bf_set_uuid(o, BF_VISIT_TEAM, id_of("team", i / TEAM_OF, 0));
        bf_set_str(o, BF_VISIT_CONTENT, BF_STR("客户确认下季度采购两台设备，预算已批"));
        bf_set_int(o, BF_VISIT_HAPPENED_AT, at);
        o = put(batch, &bf_verdicts, bf_id_verdict(batch->b->tenant, id, false));
        bf_set_uuid(o, BF_VERDICT_VISIT, id);
        bf_set_uuid(o, BF_VERDICT_OWNER, owner);
        bf_set_enum(o, BF_VERDICT_VALIDITY, BF_VALIDITY_IS_VALID);
        bf_set_int(o, BF_VERDICT_JUDGED_AT, at);
    }
    flush(batch);
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
    struct bf_query query = {.coll = &bf_notifications, .tenant = b->tenant, .index = &bf_notifications_by_user, .limit = 1000000};
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
        jobs[i] = bf__digest_job(arena, b->tenant, id_of("user", i, 0), &slot);
    check(bf_job_add(b->store, jobs, b->people, &e), &e);
    bf_arena_destroy(&arena);
}

/* A job of the morning that is still there is not over. */
static bool is_over(struct bench *b)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_job *job;
    struct bf_error e = {0};
    check(bf_job_take(b->store, "digest", monday_ms + 1, 1, arena, &job, &e), &e);
    if (job != NULL)
        check(bf_job_retry(b->store, job, monday_ms, false, "the bench looked", &e), &e);
    bf_arena_destroy(&arena);
    return job == NULL;
}

/* Until no more is told for three seconds, which are not counted. */
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
    } while (told == 0 || real_s() - real_end < 3);
    bf_job_runner_stop(&push.runner);
    bf__digest_desk_clear(&push.desk);
    printf("{\"people\": %u, \"told\": %lld, \"over\": %s, \"cpu_s\": %.2f, \"real_s\": %.2f, \"memory_mb\": %.1f, \"store_mb\": %.1f}\n", b->people,
           (long long)told, is_over(b) ? "true" : "false", cpu_end - cpu, real_end - real, (double)(most - before) / 1024, (double)before / 1024);
}

int main(int argc, char **argv)
{
    struct bench b = {.people = argc > 2 ? (unsigned)atoi(argv[2]) : 1000, .tenant = id_of("tenant", 0, 0)};
    unsigned visits = argc > 3 ? (unsigned)atoi(argv[3]) : 100000;
    if (argc < 2 || b.people < 100 || mkdir(argv[1], 0700) != 0) {
        fprintf(stderr, "digest_bench NEW_DIR [people] [visits] [days]\n");
        return 2;
    }
    char uri[512], key[512];
    struct bf_error e = {0};
    snprintf(uri, sizeof uri, "embedded:%s/store", argv[1]);
    snprintf(key, sizeof key, "%s/master.key", argv[1]);
    struct bf_store_config config = {.uri = bf_strz(uri), .master_key_file = bf_strz(key), .readers = 4, .queue_max = 4096, .group_max = 256,
                                     .stage_ttl_ms = day_ms, .unbound_ttl_ms = day_ms};
    bf_env_fake(&b.env, monday_ms, 1);
    check(bf_store_open(&b.env, &config, bf_collections, BF_COLLECTIONS, &b.store, &e), &e);
    struct batch batch = {.b = &b, .arena = bf_arena_create()};
    put_people(&batch);
    put_customers(&batch);
    put_visits(&batch, visits, argc > 4 ? atoi(argv[4]) : 365);
    bf_arena_destroy(&batch.arena);
    add_jobs(&b);
    measure(&b);
    bf_store_close(&b.store);
    bf_env_finish(&b.env);
    return 0;
}
