/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable creates of a visit through the store, 32 in flight, beside the bare SQLite loop: `store_bench DIR [creates] [rounds]`. Both run
 * in turn in one process; each round's CPU (user and system of the whole process) and rate are taken, and the medians printed.
 *
 * A create reads five documents and puts five: visit (five indexes), verdict (three), capture, the week's count, the rep's last record; its
 * receipt has about 900 bytes.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/commit.h"
#include "tests/bench/store/bare_sqlite.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { IN_FLIGHT = 32, REPS = 40, CUSTOMERS = 2000, ROUNDS_MAX = 15, GETS = 50000 };

enum row { B_OWNER, B_TEAM, B_CUSTOMER, B_REP, B_VISIT, B_AT, B_CAPTURED, B_RECEIVED, B_TEXT, B_NEXT, B_STATE, B_COUNT, B_ZONE, B_ROWS };
static const struct bf_field fields[B_ROWS] = {
    [B_OWNER] = BF_FIELD("owner_id", UUID, 0, 0, 0, NORMAL, "", ""),
    [B_TEAM] = BF_FIELD("team_id", UUID, 0, 0, 0, NORMAL, "", ""),
    [B_CUSTOMER] = BF_FIELD("customer_id", UUID, 0, 0, 0, NORMAL, "", ""),
    [B_REP] = BF_FIELD("rep_id", UUID, 0, 0, 0, NORMAL, "", ""),
    [B_VISIT] = BF_FIELD("visit_id", UUID, 0, 0, 0, NORMAL, "", ""),
    [B_AT] = BF_FIELD("happened_at", TIME, 0, 0, 0, NORMAL, "", ""),
    [B_CAPTURED] = BF_FIELD("captured_at", TIME, 0, 0, 0, NORMAL, "", ""),
    [B_RECEIVED] = BF_FIELD("received_at", TIME, 0, 0, 0, NORMAL, "", ""),
    [B_TEXT] = BF_FIELD("text", STRING, 0, 0, 0, NORMAL, "", ""),
    [B_NEXT] = BF_FIELD("next_step", STRING, 0, 0, 0, NORMAL, "", ""),
    [B_STATE] = BF_FIELD("state", STRING, 0, 0, 0, NORMAL, "", ""),
    [B_COUNT] = BF_FIELD("count", INT, 0, 0, 0, NORMAL, "", ""),
    [B_ZONE] = BF_FIELD("tz", ZONE, 0, 0, 0, NORMAL, "", ""),
};
static const struct bf_schema schema = {.name = "bench", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = B_ROWS};

#define INDEX(name_, label, ...)                                                                                                           \
    static const struct bf_index name_ = {.name = label, .fields = {__VA_ARGS__}, .n_fields = sizeof((int[]){__VA_ARGS__}) / sizeof(int)}
INDEX(by_owner, "owner", B_OWNER, B_AT);
INDEX(by_team, "team", B_TEAM, B_AT);
INDEX(by_time, "time", B_AT);
INDEX(by_customer, "customer", B_CUSTOMER, B_AT);
INDEX(by_rep, "rep", B_REP, B_AT);
INDEX(of_visit, "visit", B_VISIT);
INDEX(of_owner, "owner", B_OWNER);
INDEX(of_team, "team", B_TEAM);
static const struct bf_index *const visit_indexes[] = {&by_owner, &by_team, &by_time, &by_customer, &by_rep};
static const struct bf_index *const verdict_indexes[] = {&of_visit, &of_owner, &of_team};

#define COLLECTION(name_, label, ...)                                                                                                      \
    static const struct bf_collection name_ = {.name = label,                                                                              \
                                               .schema = &schema,                                                                          \
                                               .cls = BF_TENANT_COLLECTION,                                                                \
                                               .logged = true,                                                                             \
                                               .subject = B_CUSTOMER,                                                                      \
                                               .owner = B_OWNER,                                                                           \
                                               .team = B_TEAM,                                                                             \
                                               __VA_ARGS__}
COLLECTION(visits, "bench_visits", .indexes = visit_indexes, .n_indexes = 5);
COLLECTION(verdicts, "bench_verdicts", .indexes = verdict_indexes, .n_indexes = 3);
COLLECTION(captures, "bench_captures", .indexes = NULL);
COLLECTION(weeks, "bench_weeks", .indexes = NULL);
COLLECTION(last, "bench_last", .indexes = NULL);
static const struct bf_collection *const collections[] = {&visits, &verdicts, &captures, &weeks, &last};

static const char text[] = "客户对报价没有异议，要求下周三前给出最终合同文本；现场确认了交货地点和联系人，样品已经签收。"
                           "采购经理提到预算要到下季度才能批复，因此先签框架协议，再按批次下单。下一步：准备合同，约财务核对账期。";

/* ---- a run ---- */

struct bench;

struct client {
    struct bench *bench;
    unsigned n; /* the create under way */
    struct bf_uuid visit, verdict, capture, week, last, customer, rep, team;
};

struct bench {
    struct bf_env env;
    struct bf_store *store;
    struct client clients[IN_FLIGHT];
    unsigned next, total, finished, base;
    int64_t entries, first_entry;
    /* the clients' thread */
    struct bf_mailbox home;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct bf_task *head, **tail;
};

static const struct bf_uuid tenant = {{0xa1, 0xa1}};

static struct bf_uuid numbered(unsigned kind, unsigned n)
{
    struct bf_uuid u = {{0x01, 0x90, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0x70, (uint8_t)kind}};
    u.b[8] = 0x80;
    u.b[15] = (uint8_t)(n * 37);
    return u;
}

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct bench *b = BF_CONTAINER(mailbox, struct bench, home);
    pthread_mutex_lock(&b->lock);
    if (b->head == NULL)
        pthread_cond_signal(&b->wake); /* once for what is taken together, as an event loop's mailbox */
    task->next = NULL;
    *b->tail = task;
    b->tail = &task->next;
    pthread_mutex_unlock(&b->lock);
}

static struct bf_doc *base_doc(const struct client *c, const struct bf_view *view, struct bf_arena *arena, struct bf_uuid id)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, tenant, id);
    bf_set_uuid(&doc->object, B_OWNER, c->rep);
    bf_set_uuid(&doc->object, B_TEAM, c->team);
    bf_set_uuid(&doc->object, B_CUSTOMER, c->customer);
    bf_set_int(&doc->object, B_AT, bf_view_at_ms(view));
    return doc;
}

static struct bf_doc *counted(const struct client *c, const struct bf_view *view, struct bf_arena *arena, const struct bf_collection *coll,
                              struct bf_uuid id)
{
    const struct bf_doc *old = bf_view_get(view, coll, id);
    struct bf_doc *doc = old == NULL ? base_doc(c, view, arena, id) : bf_doc_copy(arena, old);
    bf_set_int(&doc->object, B_COUNT, bf_get_int(&doc->object, B_COUNT) + 1);
    return doc;
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct client *c = ctx;
    if (bf_view_get(view, &visits, c->visit) != NULL)
        return bf_fail(e, BF_E_EXISTS, "twice");
    struct bf_doc *visit = base_doc(c, view, arena, c->visit), *verdict = base_doc(c, view, arena, c->verdict);
    bf_set_uuid(&visit->object, B_REP, c->rep);
    bf_set_int(&visit->object, B_CAPTURED, bf_view_at_ms(view) - 5000);
    bf_set_int(&visit->object, B_RECEIVED, bf_view_at_ms(view));
    bf_set_str(&visit->object, B_TEXT, bf_strz(text));
    bf_set_str(&visit->object, B_NEXT, BF_STR("准备合同"));
    bf_set_str(&visit->object, B_STATE, BF_STR("valid"));
    bf_set_str(&visit->object, B_ZONE, BF_STR("Asia/Shanghai"));
    bf_set_uuid(&verdict->object, B_VISIT, c->visit);
    bf_set_str(&verdict->object, B_STATE, BF_STR("valid"));
    bf_decision_put(d, &visits, visit);
    bf_decision_put(d, &verdicts, verdict);
    bf_decision_put(d, &captures, base_doc(c, view, arena, c->capture));
    bf_decision_put(d, &weeks, counted(c, view, arena, &weeks, c->week));
    bf_decision_put(d, &last, counted(c, view, arena, &last, c->last));
    char *body = bf_arena_alloc(arena, 900);
    memset(body, 'r', 900);
    bf_decision_receipt(d, 201, bf_str(body, 900), c->customer);
    return BF_OK;
}

static void done(const struct bf_receipt *receipt, void *ctx);

static void submit(struct client *c)
{
    struct bench *b = c->bench;
    unsigned n = b->base + b->next++, customer = n * 7919 % CUSTOMERS;
    c->n = n;
    c->rep = numbered(1, customer % REPS);
    c->team = numbered(2, customer % 4);
    c->customer = numbered(3, customer);
    c->visit = numbered(4, n);
    c->verdict = numbered(5, n);
    c->capture = numbered(6, n);
    c->week = numbered(7, customer % REPS);
    c->last = numbered(8, customer);
    struct bf_read reads[] = {{&visits, c->visit}, {&verdicts, c->verdict}, {&captures, c->capture}, {&weeks, c->week}, {&last, c->last}};
    struct bf_submission s = {
        .tenant = tenant, .actor = c->rep, .reads = reads, .n_reads = 5, .decide = decide, .ctx = c, .home = &b->home, .done = done};
    struct bf_uuid request = bf_uuid_from_name(&n, sizeof n);
    memcpy(s.request.b, request.b, sizeof s.request.b);
    memcpy(s.body_hash, request.b, sizeof request.b);
    if (bf_submit(b->store, &s, NULL) != BF_OK)
        abort();
}

static void done(const struct bf_receipt *receipt, void *ctx)
{
    struct client *c = ctx;
    struct bench *b = c->bench;
    if (receipt->status != BF_OK) {
        fprintf(stderr, "create: %s\n", receipt->error.cause);
        exit(1);
    }
    b->entries = receipt->n;
    b->finished++;
    if (b->next < b->total)
        submit(c);
}

static void run_clients(struct bench *b)
{
    for (unsigned i = 0; i < IN_FLIGHT && b->next < b->total; i++) {
        b->clients[i].bench = b;
        submit(&b->clients[i]);
    }
    while (b->finished < b->total) {
        pthread_mutex_lock(&b->lock);
        while (b->head == NULL)
            pthread_cond_wait(&b->wake, &b->lock);
        struct bf_task *task = b->head;
        b->head = NULL;
        b->tail = &b->head;
        pthread_mutex_unlock(&b->lock);
        while (task != NULL) {
            struct bf_task *next = task->next;
            task->run(task);
            task = next;
        }
    }
}

struct result {
    double cpu_us, per_s, group, get_us;
};

/* CPU of a read by id, one thread, in random order. */
static double measure_gets(struct bench *b, unsigned creates)
{
    struct bf_arena *arena = bf_arena_create();
    double cpu = cpu_us_now();
    for (unsigned i = 0; i < GETS; i++) {
        struct bf_doc *doc = NULL;
        struct bf_uuid id = numbered(4, CUSTOMERS + i * 7919 % creates);
        if (bf_store_get(b->store, &visits, tenant, id, arena, &doc, NULL) != BF_OK || doc == NULL)
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
    struct bench b = {.home.post = post};
    struct bf_error e = {0};
    struct bf_store_config config = {.queue_max = 1000};
    pthread_mutex_init(&b.lock, NULL);
    pthread_cond_init(&b.wake, NULL);
    b.tail = &b.head;
    bf_env_system(&b.env);
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "embedded:%s/store", dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    if (bf_store_open(&b.env, &config, collections, sizeof collections / sizeof *collections, &b.store, &e) != BF_OK) {
        fprintf(stderr, "%s\n", e.cause);
        exit(1);
    }
    b.total = CUSTOMERS; /* each customer's key, each counter: made before the clock starts */
    run_clients(&b);
    int64_t first = b.entries;
    b.base = CUSTOMERS;
    b.next = b.finished = 0;
    b.total = creates;
    double cpu = cpu_us_now(), wall = wall_us_now();
    run_clients(&b);
    ret->cpu_us = (cpu_us_now() - cpu) / creates;
    ret->per_s = creates / ((wall_us_now() - wall) / 1e6);
    ret->group = (double)creates / (double)(b.entries - first);
    ret->get_us = measure_gets(&b, creates);
    bf_store_close(&b.store);
    bf_env_finish(&b.env);
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
    if (argc < 2 || rounds < 1 || rounds > ROUNDS_MAX || creates < IN_FLIGHT) {
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
        bare_measure(database, creates + CUSTOMERS, ours.group, &shape);
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
           IN_FLIGHT, group, ours, per_s, bare, bare_per_s, ours / bare, 100 * per_s / bare_per_s);
    printf("read by id: store %.1f us CPU, bare SQLite %.1f us CPU\n", median(get[0], rounds), median(get[1], rounds));
    return 0;
}
