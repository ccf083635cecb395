/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on MongoDB beside the bare mongo-c-driver, turn by turn on one server, that of MONGODB_TEST_URI: `mongo_bench DIR [creates] [rounds]`.
 * A line for each figure, "NAME OURS BARE", medians; CPU is that of this process, without the server's.
 */
#include "core/arena.h"
#include "core/pool.h"
#include "storage/internal.h"
#include "storage/bson.h"
#include "tests/bench/mongo/bare_mongo.h"
#include "tests/bench/store/creates.h"
#include "tests/bench/upload/staged.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 9, TENANTS = 8, GETS = 2000, PAGES = 200, FILL = 100000, FILL_GROUP = 250, UPLOADS = 4, UPLOAD_BYTES = 16 << 20, CADENCE = 4 << 20, FILL_TENANT = 40 };

struct bench {
    struct bf_env env;
    struct bf_store *store;
    struct bare *bare;
    struct bf_pool *homes[STAGED_HOMES];
    const char *directory;
    char uri[1024];
    unsigned creates, rounds, made;
};

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "mongo_bench: %s\n", what);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

static void say(const char *name, double *ours, double *bare, unsigned n)
{
    printf("%s %.3f %.3f\n", name, median(ours, n), median(bare, n));
    fflush(stdout);
}

/* ---- stores ---- */

static void open_store(struct bench *b, unsigned group_max, struct bf_store **ret)
{
    char key[4096];
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = bf_strz(b->uri), .group_max = group_max, .readers = 32, .stage_quota_bytes = INT64_C(1) << 40};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", b->directory));
    if (bf_store_open(&b->env, &config, creates_collections, creates_n_collections, ret, &e) != BF_OK)
        must(false, e.cause);
}

static double creates(struct bench *b, struct bf_store *store, unsigned tenants, unsigned n, double *ret_cpu_us)
{
    struct creates_ran ran;
    double cpu = cpu_us();
    creates_run(store, tenants, b->made, n, &ran);
    *ret_cpu_us = (cpu_us() - cpu) / n;
    b->made += n;
    return ran.per_s;
}

/* ---- creates ---- */

static void measure_creates(struct bench *b)
{
    double rate[2][ROUNDS_MAX], cpu[2][ROUNDS_MAX];
    for (unsigned i = 0; i < b->rounds; i++) {
        double before = cpu_us();
        rate[1][i] = bare_creates_per_s(b->bare, CREATES_IN_FLIGHT, TENANTS, b->creates);
        cpu[1][i] = (cpu_us() - before) / b->creates;
        rate[0][i] = creates(b, b->store, TENANTS, b->creates, &cpu[0][i]);
    }
    say("create_per_s", rate[0], rate[1], b->rounds);
    say("create_cpu_us", cpu[0], cpu[1], b->rounds);
}

/* One tenant: what waits together goes into one entry, beside an entry for each. */
static void measure_combining(struct bench *b)
{
    double rate[2][ROUNDS_MAX], cpu;
    for (unsigned i = 0; i < b->rounds; i++) {
        struct bf_store *single;
        rate[0][i] = creates(b, b->store, 1, b->creates, &cpu);
        open_store(b, 1, &single);
        rate[1][i] = creates(b, single, 1, b->creates / 4, &cpu);
        bf_store_close(&single);
    }
    say("one_tenant_per_s", rate[0], rate[1], b->rounds);
}

/* ---- reads ---- */

static void fill(struct bench *b)
{
    struct bf_session *s = b->store->driver->vt->reader(b->store->driver);
    struct bf_uuid tenant = creates_tenant(FILL_TENANT);
    for (unsigned done = 0; done < FILL; done += FILL_GROUP) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_apply *applies = bf_arena_calloc(arena, FILL_GROUP, sizeof *applies);
        for (unsigned i = 0; i < FILL_GROUP; i++) {
            struct bf_doc *doc = creates_document(arena, tenant, done + i, 1700000000000 + done + i);
            doc->rev = 1;
            doc->n = 1 + done / FILL_GROUP;
            doc->k = (int)i;
            applies[i] = (struct bf_apply){.coll = creates_visits, .after = doc, .bson = bf__bson_encode(arena, doc)};
        }
        must(b->store->driver->vt->apply(s, applies, FILL_GROUP, arena, NULL) == BF_OK, "filling");
        bf_arena_destroy(&arena);
    }
    b->store->driver->vt->release(b->store->driver, s);
}

static void our_gets(struct bench *b, struct bf_uuid *ids)
{
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < GETS; i++) {
        struct bf_doc *doc = NULL;
        must(bf_store_get(b->store, creates_visits, creates_tenant(0), ids[i], arena, &doc, NULL) == BF_OK && doc != NULL, "a read");
        bf_arena_reset(arena);
    }
    bf_arena_destroy(&arena);
}

static void measure_gets(struct bench *b)
{
    static struct bf_uuid ids[GETS];
    double rate[2][ROUNDS_MAX], cpu[2][ROUNDS_MAX];
    for (unsigned i = 0; i < GETS; i++)
        ids[i] = creates_visit(i * 7919 % (b->creates / TENANTS) * TENANTS);
    for (unsigned r = 0; r < b->rounds; r++)
        for (unsigned side = 0; side < 2; side++) {
            double before = cpu_us(), began = seconds_now();
            if (side == 0)
                our_gets(b, ids);
            else
                bare_gets(b->bare, (const unsigned char(*)[16])ids, GETS);
            rate[side][r] = GETS / (seconds_now() - began);
            cpu[side][r] = (cpu_us() - before) / GETS;
        }
    say("get_per_s", rate[0], rate[1], b->rounds);
    say("get_cpu_us", cpu[0], cpu[1], b->rounds);
}

static void our_pages(struct bench *b, struct bf_uuid *owners)
{
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < PAGES; i++) {
        struct bf_value owner = {.type = BF_T_UUID, .uuid = owners[i]};
        struct bf_cond cond = {creates_by_owner->fields[0], BF_EQ, &owner, 1};
        struct bf_query query = {
            .coll = creates_visits, .tenant = creates_tenant(FILL_TENANT), .conds = &cond, .n_conds = 1, .index = creates_by_owner, .limit = 50};
        struct bf_page page;
        must(bf_store_find(b->store, &query, arena, &page, NULL) == BF_OK && page.n == 50, "a page");
        bf_arena_reset(arena);
    }
    bf_arena_destroy(&arena);
}

static void measure_pages(struct bench *b)
{
    static struct bf_uuid owners[PAGES];
    struct bf_uuid tenant = creates_tenant(FILL_TENANT);
    double rate[2][ROUNDS_MAX];
    for (unsigned i = 0; i < PAGES; i++)
        owners[i] = creates_owner(i);
    for (unsigned r = 0; r < b->rounds; r++)
        for (unsigned side = 0; side < 2; side++) {
            double began = seconds_now();
            if (side == 0)
                our_pages(b, owners);
            else
                bare_pages(b->bare, tenant.b, (const unsigned char(*)[16])owners, PAGES);
            rate[side][r] = PAGES / (seconds_now() - began);
        }
    say("page_per_s", rate[0], rate[1], b->rounds);
}

/* ---- uploads ---- */

static void measure_uploads(struct bench *b)
{
    static uint8_t content[CADENCE];
    struct staged_load load = {.content = content, .total = UPLOAD_BYTES, .cadence = CADENCE, .uploads = UPLOADS};
    double rate[2][ROUNDS_MAX];
    bf_random(&b->env, content, sizeof content);
    for (unsigned i = 0; i < STAGED_HOMES; i++)
        b->homes[i] = bf_pool_create(&b->env, "home", 1, 1000);
    for (unsigned i = 0; i < b->rounds; i++) {
        struct staged_ran ran;
        rate[1][i] = bare_uploads_mb_s(b->bare, UPLOADS, content, CADENCE, UPLOAD_BYTES);
        staged_run(&b->env, b->store, b->homes, &load, &ran);
        staged_delete(b->store, &load, &ran);
        rate[0][i] = UPLOADS * (UPLOAD_BYTES / 1e6) / ran.s;
    }
    bf_stages_drain(b->store);
    for (unsigned i = 0; i < STAGED_HOMES; i++)
        bf_pool_destroy(&b->homes[i]);
    say("upload_mb_s", rate[0], rate[1], b->rounds);
}

/* A database of its own on the server: "mongodb://hosts/[?options]". */
static void make_uri(struct bench *b)
{
    const char *server = getenv("MONGODB_TEST_URI");
    must(server != NULL, "MONGODB_TEST_URI is not set: tests/mongo/with-server");
    const char *hosts = strstr(server, "://");
    must(hosts != NULL, "MONGODB_TEST_URI is no address");
    size_t n = strcspn(hosts + 3, "/?");
    const char *options = strchr(hosts + 3, '?');
    snprintf(b->uri, sizeof b->uri, "%.*s/bf_bench_%x%s", (int)(hosts + 3 + n - server), server, (unsigned)getpid(), options == NULL ? "" : options);
}

int main(int argc, char **argv)
{
    struct bench b = {.creates = argc > 2 ? (unsigned)atoi(argv[2]) : 4000, .rounds = argc > 3 ? (unsigned)atoi(argv[3]) : 3};
    double cpu;
    must(argc >= 2 && b.rounds >= 1 && b.rounds <= ROUNDS_MAX && b.creates >= 400, "DIR [creates] [rounds]");
    b.directory = argv[1];
    bf_env_system(&b.env);
    make_uri(&b);
    open_store(&b, 0, &b.store);
    creates(&b, b.store, TENANTS, CREATES_CUSTOMERS, &cpu); /* each customer's record, each counter: made before the clock starts */
    b.bare = bare_open(b.uri);
    measure_creates(&b);
    measure_combining(&b);
    measure_gets(&b);
    fill(&b);
    measure_pages(&b);
    measure_uploads(&b);
    bare_close(b.bare);
    bf_store_close(&b.store);
    bf_env_finish(&b.env);
    return 0;
}
