/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/store/creates.h"
#include "core/arena.h"
#include "storage/commit.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPS = 40 };

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
const struct bf_collection *const creates_collections[] = {&visits, &verdicts, &captures, &weeks, &last};
const unsigned creates_n_collections = sizeof creates_collections / sizeof *creates_collections;
const struct bf_collection *const creates_visits = &visits;
const struct bf_index *const creates_by_owner = &by_owner;

static const char text[] = "客户对报价没有异议，要求下周三前给出最终合同文本；现场确认了交货地点和联系人，样品已经签收。"
                           "采购经理提到预算要到下季度才能批复，因此先签框架协议，再按批次下单。下一步：准备合同，约财务核对账期。";

/* ---- a run ---- */

struct bench;

struct client {
    struct bench *bench;
    struct bf_uuid tenant, visit, verdict, capture, week, last, customer, rep, team;
};

struct bench {
    struct bf_store *store;
    struct client clients[CREATES_IN_FLIGHT];
    unsigned next, total, finished, base, tenants;
    int64_t first_entry[CREATES_TENANTS_MAX], last_entry[CREATES_TENANTS_MAX];
    /* the clients' thread */
    struct bf_mailbox home;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct bf_task *head, **tail;
};

struct bf_uuid creates_tenant(unsigned i) { return (struct bf_uuid){{0xa1, (uint8_t)(0xa1 + i)}}; }

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

struct bf_uuid creates_visit(unsigned n) { return numbered(4, n); }
struct bf_uuid creates_owner(unsigned n) { return numbered(1, n * 7919 % CREATES_CUSTOMERS % REPS); }

static struct bf_doc *base_doc(const struct client *c, int64_t at_ms, struct bf_arena *arena, struct bf_uuid id)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, c->tenant, id);
    bf_set_uuid(&doc->object, B_OWNER, c->rep);
    bf_set_uuid(&doc->object, B_TEAM, c->team);
    bf_set_uuid(&doc->object, B_CUSTOMER, c->customer);
    bf_set_int(&doc->object, B_AT, at_ms);
    return doc;
}

static struct bf_doc *counted(const struct client *c, const struct bf_view *view, struct bf_arena *arena, const struct bf_collection *coll,
                              struct bf_uuid id)
{
    const struct bf_doc *old = bf_view_get(view, coll, id);
    struct bf_doc *doc = old == NULL ? base_doc(c, bf_view_at_ms(view), arena, id) : bf_doc_copy(arena, old);
    bf_set_int(&doc->object, B_COUNT, bf_get_int(&doc->object, B_COUNT) + 1);
    return doc;
}

static struct bf_doc *make_visit(const struct client *c, int64_t at_ms, struct bf_arena *arena)
{
    struct bf_doc *visit = base_doc(c, at_ms, arena, c->visit);
    bf_set_uuid(&visit->object, B_REP, c->rep);
    bf_set_int(&visit->object, B_CAPTURED, at_ms - 5000);
    bf_set_int(&visit->object, B_RECEIVED, at_ms);
    bf_set_str(&visit->object, B_TEXT, bf_strz(text));
    bf_set_str(&visit->object, B_NEXT, BF_STR("准备合同"));
    bf_set_str(&visit->object, B_STATE, BF_STR("valid"));
    bf_set_str(&visit->object, B_ZONE, BF_STR("Asia/Shanghai"));
    return visit;
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct client *c = ctx;
    if (bf_view_get(view, &visits, c->visit) != NULL)
        return bf_fail(e, BF_E_EXISTS, "twice");
    int64_t at_ms = bf_view_at_ms(view);
    struct bf_doc *visit = make_visit(c, at_ms, arena), *verdict = base_doc(c, at_ms, arena, c->verdict);
    bf_set_uuid(&verdict->object, B_VISIT, c->visit);
    bf_set_str(&verdict->object, B_STATE, BF_STR("valid"));
    bf_decision_put(d, &visits, visit);
    bf_decision_put(d, &verdicts, verdict);
    bf_decision_put(d, &captures, base_doc(c, at_ms, arena, c->capture));
    bf_decision_put(d, &weeks, counted(c, view, arena, &weeks, c->week));
    bf_decision_put(d, &last, counted(c, view, arena, &last, c->last));
    char *body = bf_arena_alloc(arena, 900);
    memset(body, 'r', 900);
    bf_decision_receipt(d, 201, bf_str(body, 900), c->customer);
    return BF_OK;
}

static void done(const struct bf_receipt *receipt, void *ctx);

static void number_client(struct client *c, struct bf_uuid tenant, unsigned n)
{
    unsigned customer = n * 7919 % CREATES_CUSTOMERS;
    c->tenant = tenant;
    c->rep = creates_owner(n);
    c->team = numbered(2, customer % 4);
    c->customer = numbered(3, customer);
    c->visit = creates_visit(n);
    c->verdict = numbered(5, n);
    c->capture = numbered(6, n);
    c->week = numbered(7, customer % REPS);
    c->last = numbered(8, customer);
}

struct bf_doc *creates_document(struct bf_arena *arena, struct bf_uuid tenant, unsigned n, int64_t at_ms)
{
    struct client c;
    number_client(&c, tenant, n);
    return make_visit(&c, at_ms, arena);
}

static void submit(struct client *c)
{
    struct bench *b = c->bench;
    unsigned n = b->base + b->next++;
    number_client(c, creates_tenant(n % b->tenants), n);
    struct bf_read reads[] = {{&visits, c->visit}, {&verdicts, c->verdict}, {&captures, c->capture}, {&weeks, c->week}, {&last, c->last}};
    struct bf_submission s = {
        .tenant = c->tenant, .actor = c->rep, .reads = reads, .n_reads = 5, .decide = decide, .ctx = c, .home = &b->home, .done = done};
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
    unsigned t = c->tenant.b[1] - 0xa1u;
    if (b->first_entry[t] == 0)
        b->first_entry[t] = receipt->n;
    b->last_entry[t] = receipt->n > b->last_entry[t] ? receipt->n : b->last_entry[t];
    b->finished++;
    if (b->next < b->total)
        submit(c);
}

static void run_clients(struct bench *b)
{
    for (unsigned i = 0; i < CREATES_IN_FLIGHT && b->next < b->total; i++) {
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

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void creates_run(struct bf_store *store, unsigned tenants, unsigned first, unsigned n, struct creates_ran *ret)
{
    struct bench b = {.home.post = post, .store = store, .tenants = tenants, .base = first, .total = n};
    double entries = 0, began = seconds_now();
    pthread_mutex_init(&b.lock, NULL);
    pthread_cond_init(&b.wake, NULL);
    b.tail = &b.head;
    run_clients(&b);
    ret->per_s = n / (seconds_now() - began);
    for (unsigned i = 0; i < tenants; i++)
        entries += (double)(b.last_entry[i] - b.first_entry[i] + (b.first_entry[i] > 0));
    ret->group = n / entries;
    pthread_cond_destroy(&b.wake);
    pthread_mutex_destroy(&b.lock);
}
