/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/contract/suite.h"
#include <pthread.h>

static const struct bf_word kind_words[N_KINDS] = {{"plain", "普通", "Plain"}, {"alpha", "甲", "Alpha"}, {"middle", "中", "Middle"}};
static const struct bf_enum kinds = {"thing_kind", kind_words, N_KINDS};

static const struct bf_field fields[T_ROWS] = {
    [T_OWNER] = BF_FIELD("owner_id", UUID, 0, 0, 0, NORMAL, "负责人", "Owner"),
    [T_TEAM] = BF_FIELD("team_id", UUID, 0, 0, 0, NORMAL, "团队", "Team"),
    [T_PARENT] = BF_FIELD("parent_id", UUID, 0, 0, 0, NORMAL, "上级", "Parent"),
    [T_NAME] = BF_FIELD("name", STRING, 0, 0, 200, NORMAL, "名称", "Name"),
    [T_KIND] = BF_FIELD("kind", ENUM, 0, 0, 0, NORMAL, "种类", "Kind", .words = &kinds),
    [T_SCORE] = BF_FIELD("score", INT, 0, 0, 0, NORMAL, "分数", "Score"),
    [T_RATIO] = BF_FIELD("ratio", DOUBLE, 0, 0, 0, NORMAL, "比例", "Ratio"),
    [T_AT] = BF_FIELD("at", TIME, 0, 0, 0, NORMAL, "时间", "At"),
    [T_FLAG] = BF_FIELD("flag", BOOL, 0, 0, 0, NORMAL, "标记", "Flag"),
    [T_TAGS] = BF_FIELD("tags", ARRAY, 0, 0, 10, NORMAL, "标签", "Tags", .elem = BF_T_STRING),
};
const struct bf_schema thing_schema = {.name = "thing", .zh = "事物", .en = "Thing", .version = 1, .fields = fields, .n_fields = T_ROWS};

const struct bf_index notes_by_owner = {.name = "owner", .fields = {T_OWNER, T_SCORE}, .n_fields = 2};
const struct bf_index notes_by_tags = {.name = "tags", .fields = {T_TAGS, T_SCORE}, .n_fields = 2, .multikey = true};
const struct bf_index notes_by_kind = {.name = "kind", .fields = {T_KIND, T_FLAG, T_AT, T_NAME}, .n_fields = 4};
const struct bf_index notes_by_ratio = {.name = "ratio", .fields = {T_RATIO}, .n_fields = 1};
const struct bf_index notes_by_flag = {.name = "flag", .fields = {T_FLAG, T_NAME}, .n_fields = 2};
const struct bf_index items_by_owner = {.name = "owner", .fields = {T_OWNER, T_NAME}, .n_fields = 2};
const struct bf_index ticks_by_at = {.name = "at", .fields = {T_AT}, .n_fields = 1};

static const struct bf_index *const note_indexes[] = {&notes_by_owner, &notes_by_tags, &notes_by_kind, &notes_by_ratio, &notes_by_flag};
static const struct bf_index *const item_indexes[] = {&items_by_owner};
static const struct bf_index *const tick_indexes[] = {&ticks_by_at};

const struct bf_collection items = {.name = "items",
                                    .schema = &thing_schema,
                                    .cls = BF_TENANT_COLLECTION,
                                    .logged = true,
                                    .subject = BF_ROW_ID,
                                    .owner = T_OWNER,
                                    .team = T_TEAM,
                                    .indexes = item_indexes,
                                    .n_indexes = 1};
const struct bf_collection parts = {.name = "parts",
                                    .schema = &thing_schema,
                                    .cls = BF_TENANT_COLLECTION,
                                    .logged = true,
                                    .subject = T_PARENT,
                                    .owner = T_OWNER,
                                    .team = BF_ROW_NONE};
const struct bf_collection notes = {.name = "notes",
                                    .schema = &thing_schema,
                                    .cls = BF_TENANT_COLLECTION,
                                    .subject = BF_ROW_NONE,
                                    .owner = BF_ROW_NONE,
                                    .team = BF_ROW_NONE,
                                    .indexes = note_indexes,
                                    .n_indexes = 5};
const struct bf_collection ticks = {.name = "ticks",
                                    .schema = &thing_schema,
                                    .cls = BF_SYSTEM_COLLECTION,
                                    .subject = BF_ROW_NONE,
                                    .owner = BF_ROW_NONE,
                                    .team = BF_ROW_NONE,
                                    .indexes = tick_indexes,
                                    .n_indexes = 1};
static const struct bf_collection *const collections[] = {&items, &parts, &notes, &ticks};

const struct bf_uuid tenant_a = {{0xa1}}, tenant_b = {{0xb2, 1}};

/* ---- a store per test ---- */

static void open_store(struct suite *s)
{
    struct bf_error e = {0};
    if (harness_open(s->harness, &s->env, &s->limits, collections, sizeof collections / sizeof *collections, &s->store, &e) != BF_OK)
        fail_msg("the store does not open: %s", e.cause);
}

int suite_setup(void **state)
{
    struct suite *s = calloc(1, sizeof *s);
    assert_non_null(s);
    bf_env_fake(&s->env, 1800000000000, 1);
    s->arena = bf_arena_create();
    s->seed = 88172645463325252;
    s->harness = harness_create();
    open_store(s);
    *state = s;
    return 0;
}

int suite_teardown(void **state)
{
    struct suite *s = *state;
    bf_store_close(&s->store);
    harness_destroy(&s->harness);
    bf_arena_destroy(&s->arena);
    bf_env_finish(&s->env);
    free(s);
    return 0;
}

void suite_reopen(struct suite *s)
{
    bf_store_close(&s->store);
    open_store(s);
}

struct bf_uuid suite_uuid(unsigned n)
{
    struct bf_uuid u = {{0x01, 0x90, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0x70}};
    u.b[8] = 0x80;
    return u;
}

/* xorshift64*: the same numbers each time. */
uint64_t suite_random(struct suite *s, uint64_t below)
{
    s->seed ^= s->seed >> 12;
    s->seed ^= s->seed << 25;
    s->seed ^= s->seed >> 27;
    return (s->seed * UINT64_C(2685821657736338717) >> 20) % below;
}

/* ---- documents ---- */

struct bf_doc *thing(struct suite *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, const char *name)
{
    struct bf_doc *doc = bf_doc_create(s->arena, coll->schema, tenant, id);
    bf_set_str(&doc->object, T_NAME, bf_strz(name));
    return doc;
}

void insert(struct suite *s, const struct bf_collection *coll, struct bf_doc *doc)
{
    struct bf_error e = {0};
    struct bf_write w = {.kind = BF_W_INSERT, .coll = coll, .doc = doc};
    if (bf_store_write(s->store, &w, 1, NULL, &e) != BF_OK)
        fail_msg("insert: %s", e.cause);
}

struct bf_doc *get(struct suite *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    struct bf_error e = {0};
    struct bf_doc *doc = NULL;
    if (bf_store_get(s->store, coll, tenant, id, s->arena, &doc, &e) != BF_OK)
        fail_msg("get: %s", e.cause);
    return doc;
}

const char *name_of(const struct bf_doc *doc)
{
    if (doc == NULL || !bf_has(&doc->object, T_NAME))
        return "";
    return bf_get_str(&doc->object, T_NAME).p; /* NUL behind it as long as it came from the store or a literal */
}

/* ---- submitting ---- */

enum bf_status decide_rename(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct rename *r = ctx;
    const struct bf_doc *old = bf_view_get(view, r->coll, r->id);
    struct bf_doc *doc = old == NULL ? bf_doc_create(arena, r->coll->schema, bf_view_tenant(view), r->id) : bf_doc_copy(arena, old);
    (void)e;
    r->calls++;
    doc->tombstone = false;
    bf_set_str(&doc->object, T_NAME, bf_strz(r->name));
    if (!bf_uuid_is_zero(&r->owner))
        bf_set_uuid(&doc->object, T_OWNER, r->owner);
    if (!bf_uuid_is_zero(&r->parent))
        bf_set_uuid(&doc->object, T_PARENT, r->parent);
    bf_decision_put(d, r->coll, doc);
    bf_decision_receipt(d, old == NULL ? 201 : 200, bf_strz(bf_arena_printf(arena, "%s r%lld", r->name, (long long)doc->rev)),
                        r->coll == &items ? r->id : r->parent);
    return BF_OK;
}

struct bf_request_id request_id(unsigned n) { return (struct bf_request_id){{0x52, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}}; }

static struct bf_submission submission(struct bf_uuid tenant, unsigned request, unsigned body, const struct bf_read *reads,
                                       unsigned n_reads, bf_decide_fn *decide, void *ctx)
{
    return (struct bf_submission){.tenant = tenant,
                                  .actor = suite_uuid(7000 + request),
                                  .request = request_id(request),
                                  .body_hash = {(uint8_t)body, (uint8_t)(body >> 8)},
                                  .reads = reads,
                                  .n_reads = n_reads,
                                  .decide = decide,
                                  .ctx = ctx};
}

enum bf_status submit_as(struct suite *s, struct bf_uuid tenant, unsigned request, unsigned body, const struct bf_read *reads,
                         unsigned n_reads, bf_decide_fn *decide, void *ctx, struct bf_receipt *ret)
{
    struct bf_submission sub = submission(tenant, request, body, reads, n_reads, decide, ctx);
    return bf_submit_wait(s->store, &sub, s->arena, ret, NULL);
}

enum bf_status submit_rename(struct suite *s, struct bf_uuid tenant, unsigned request, struct rename *r, struct bf_receipt *ret)
{
    struct bf_read read = {r->coll, r->id};
    return submit_as(s, tenant, request, 1, &read, 1, decide_rename, r, ret);
}

/* ---- many at once ---- */

struct gathered {
    struct gather *g;
    struct bf_receipt receipt;
    bool in;
};

struct gather {
    struct bf_mailbox home;
    pthread_mutex_t lock;
    pthread_cond_t all_in;
    unsigned n, left, posts;
    bool behind;
    struct bf_arena *arena;
    struct gathered slots[];
};

/* The mailbox of the gathering: runs the task at once, on whatever thread posts it. */
static void run_at_once(struct bf_mailbox *mailbox, struct bf_task *task)
{
    BF_CONTAINER(mailbox, struct gather, home)->posts++; /* the committer's thread alone posts */
    task->run(task);
}

struct gather *gather_create(unsigned n)
{
    struct gather *g = calloc(1, sizeof *g + n * sizeof g->slots[0]);
    assert_non_null(g);
    g->home.post = run_at_once;
    g->n = g->left = n;
    g->arena = bf_arena_create();
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->all_in, NULL);
    return g;
}

static void gathered(const struct bf_receipt *receipt, void *ctx)
{
    struct gathered *slot = ctx;
    struct gather *g = slot->g;
    pthread_mutex_lock(&g->lock);
    assert_false(slot->in);
    slot->in = true;
    slot->receipt = *receipt;
    slot->receipt.body = bf_str_dup(g->arena, receipt->body);
    if (--g->left == 0)
        pthread_cond_signal(&g->all_in);
    pthread_mutex_unlock(&g->lock);
}

/* `done` is called with one context; the decision has another: this pairs them. */
struct pair {
    bf_decide_fn *decide;
    void *ctx;
    struct gathered *slot;
};

static enum bf_status decide_pair(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct pair *pair = ctx;
    return pair->decide(view, d, arena, pair->ctx, e);
}

static void done_pair(const struct bf_receipt *receipt, void *ctx)
{
    struct pair *pair = ctx;
    gathered(receipt, pair->slot);
    free(pair);
}

void gather_submit(struct suite *s, struct gather *g, unsigned at, struct bf_uuid tenant, unsigned request, unsigned body,
                   const struct bf_read *reads, unsigned n_reads, bf_decide_fn *decide, void *ctx)
{
    struct pair *pair = malloc(sizeof *pair);
    assert_true(pair != NULL && at < g->n);
    g->slots[at].g = g;
    *pair = (struct pair){decide, ctx, &g->slots[at]};
    struct bf_submission sub = submission(tenant, request, body, reads, n_reads, decide_pair, pair);
    sub.home = &g->home;
    sub.behind = g->behind;
    sub.done = done_pair;
    assert_int_equal(bf_submit(s->store, &sub, NULL), BF_OK);
}

void gather_behind(struct gather *g) { g->behind = true; }

void gather_wait(struct gather *g)
{
    pthread_mutex_lock(&g->lock);
    while (g->left > 0)
        pthread_cond_wait(&g->all_in, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

unsigned gather_posts(const struct gather *g) { return g->posts; }

const struct bf_receipt *gather_receipt(const struct gather *g, unsigned at) { return &g->slots[at].receipt; }

void gather_destroy(struct gather **pointer)
{
    struct gather *g = *pointer;
    pthread_cond_destroy(&g->all_in);
    pthread_mutex_destroy(&g->lock);
    bf_arena_destroy(&g->arena);
    free(g);
    *pointer = NULL;
}

/* ---- the gate ---- */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reached, open;
    struct gather *g;
};

static enum bf_status decide_gate(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct gate *gate = ctx;
    (void)view;
    (void)arena;
    (void)e;
    pthread_mutex_lock(&gate->lock);
    gate->reached = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    bf_decision_receipt(d, 204, bf_str("", 0), (struct bf_uuid){{0}});
    return BF_OK;
}

struct gate *gate_close(struct suite *s, struct bf_uuid tenant, unsigned request)
{
    struct gate *gate = calloc(1, sizeof *gate);
    assert_non_null(gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
    gate->g = gather_create(1);
    gather_submit(s, gate->g, 0, tenant, request, 1, NULL, 0, decide_gate, gate);
    pthread_mutex_lock(&gate->lock);
    while (!gate->reached)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return gate;
}

void gate_open(struct gate **pointer)
{
    struct gate *gate = *pointer;
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
    gather_wait(gate->g);
    gather_destroy(&gate->g);
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
    *pointer = NULL;
}
