/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs are documents of a system collection, written with rev as guard; the fence is their own count of claims.
 *
 *   waiting --take--> taken --done--> done (kept until the log cursors passed its entry) or deleted
 *      ^                | |
 *      +----retry-------+ +--dead--> dead (kept)
 *
 * `wake` is when a job may be claimed: its due time while it waits, the end of its lease while it is taken; a settled job has none.
 */
#include "storage/jobs.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "storage/internal.h"
#include <assert.h>
#include <stdio.h>

enum { RENEW_MAX = 64, ARGUMENT_MAX = 4096, CANDIDATES = 16, TRIES_MAX = 64, ADD_BATCH = 200, HASTEN_PAGES_MAX = 10000 };

enum state { JOB_WAITING, JOB_TAKEN, JOB_DONE, JOB_DEAD };

static const struct bf_word state_words[] = {
    {"waiting", "等待", "Waiting"}, {"taken", "处理中", "Taken"}, {"done", "完成", "Done"}, {"dead", "放弃", "Dead"}};
static const struct bf_enum states = {"job_state", state_words, sizeof state_words / sizeof *state_words};

enum row { J_KIND, J_STATE, J_WAKE, J_DUE, J_TENANT, J_REF, J_ARGUMENT, J_N, J_ATTEMPT, J_FENCE, J_CAUSE, J_LOST, J_ROWS };

static const struct bf_field fields[J_ROWS] = {
    [J_KIND] = BF_FIELD("kind", STRING, BF_F_SERVER, 1, 40, NORMAL, "种类", "Kind"),
    [J_STATE] = BF_FIELD("state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &states),
    [J_WAKE] = BF_FIELD("wake", TIME, BF_F_SERVER, 0, 0, NORMAL, "可取时间", "May be claimed at"),
    [J_DUE] = BF_FIELD("due", TIME, BF_F_SERVER, 0, 0, NORMAL, "到期时间", "Due"),
    [J_TENANT] = BF_FIELD("tenant", UUID, BF_F_SERVER, 0, 0, NORMAL, "公司", "Tenant"),
    [J_REF] = BF_FIELD("ref", UUID, BF_F_SERVER, 0, 0, NORMAL, "对象", "About"),
    [J_ARGUMENT] = BF_FIELD("argument", BYTES, BF_F_SERVER, 0, ARGUMENT_MAX, NORMAL, "参数", "Argument"),
    [J_N] = BF_FIELD("n", INT, BF_F_SERVER, 0, 0, NORMAL, "日志序号", "Log entry"),
    [J_ATTEMPT] = BF_FIELD("attempt", INT, BF_F_SERVER, 0, 0, NORMAL, "次数", "Attempt"),
    [J_FENCE] = BF_FIELD("fence", INT, BF_F_SERVER, 0, 0, NORMAL, "栅栏", "Fence"),
    [J_CAUSE] = BF_FIELD("cause", STRING, BF_F_SERVER, 0, BF_CAUSE_MAX, NORMAL, "原因", "Cause"),
    [J_LOST] = BF_FIELD("lost", INT, BF_F_SERVER, 0, 0, NORMAL, "中断次数", "Claims lost in a row"),
};
static const struct bf_schema schema = {.name = "job", .zh = "任务", .en = "Job", .version = 1, .fields = fields, .n_fields = J_ROWS};
static const struct bf_index by_wake = {.name = "wake", .fields = {J_KIND, J_WAKE}, .n_fields = 2};
static const struct bf_index by_entry = {.name = "entry", .fields = {J_STATE, J_TENANT, J_N}, .n_fields = 3};
static const struct bf_index *const indexes[] = {&by_wake, &by_entry};
const struct bf_collection bf__coll_jobs = {.name = "jobs",
                                            .schema = &schema,
                                            .cls = BF_SYSTEM_COLLECTION,
                                            .subject = BF_ROW_NONE,
                                            .owner = BF_ROW_NONE,
                                            .team = BF_ROW_NONE,
                                            .indexes = indexes,
                                            .n_indexes = 2};

static const struct bf_uuid no_tenant;

struct bf_uuid bf_job_id(struct bf_uuid tenant, int64_t n, int k, const char *kind)
{
    char name[16 + 8 + 4 + 64];
    size_t len = strlen(kind);
    int32_t op = k;
    assert(len <= 64);
    memcpy(name, tenant.b, 16);
    for (int i = 0; i < 8; i++)
        name[16 + i] = (char)(uint8_t)((uint64_t)n >> (8 * i));
    for (int i = 0; i < 4; i++)
        name[24 + i] = (char)(uint8_t)((uint32_t)op >> (8 * i));
    memcpy(name + 28, kind, len);
    return bf_uuid_from_name(name, 28 + len);
}

/* ---- adding ---- */

static struct bf_doc *new_doc(struct bf_arena *arena, const struct bf_job *job)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, no_tenant, job->id);
    struct bf_object *o = &doc->object;
    assert(job->argument.n <= ARGUMENT_MAX);
    bf_set_str(o, J_KIND, bf_strz(job->kind));
    bf_set_enum(o, J_STATE, JOB_WAITING);
    bf_set_int(o, J_WAKE, job->due_ms);
    bf_set_int(o, J_DUE, job->due_ms);
    bf_set_uuid(o, J_TENANT, job->tenant);
    bf_set_uuid(o, J_REF, job->ref);
    bf_set_str(o, J_ARGUMENT, job->argument);
    bf_set_int(o, J_N, job->n);
    bf_set_int(o, J_ATTEMPT, 0);
    bf_set_int(o, J_FENCE, 0);
    return doc;
}

static enum bf_status add_batch(struct bf_store *store, const struct bf_job *jobs, unsigned n, struct bf_error *e)
{
    struct bf_write writes[ADD_BATCH];
    enum bf_status rets[ADD_BATCH];
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < n; i++)
        writes[i] = (struct bf_write){.kind = BF_W_INSERT, .coll = &bf__coll_jobs, .doc = new_doc(arena, &jobs[i])};
    enum bf_status status = bf_store_write(store, writes, n, rets, e); /* those that exist are left as they are */
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_job_add(struct bf_store *store, const struct bf_job *jobs, unsigned n, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned at = 0; at < n && status == BF_OK; at += ADD_BATCH)
        status = add_batch(store, jobs + at, n - at < ADD_BATCH ? n - at : ADD_BATCH, e);
    return status;
}

/* ---- claiming ---- */

/* Threads of this process that claim at the same time step aside for each other, so that one group commit serves them all; what guards
 * against other processes is the rev. */
static bool claim_begin(struct bf_store *store, struct bf_uuid id)
{
    pthread_mutex_lock(&store->claim_lock);
    bool mine = store->n_claiming < sizeof store->claiming / sizeof *store->claiming;
    for (unsigned i = 0; i < store->n_claiming && mine; i++)
        mine = !bf_uuid_eq(&store->claiming[i], &id);
    if (mine)
        store->claiming[store->n_claiming++] = id;
    pthread_mutex_unlock(&store->claim_lock);
    return mine;
}

static void claim_end(struct bf_store *store, struct bf_uuid id)
{
    pthread_mutex_lock(&store->claim_lock);
    for (unsigned i = 0; i < store->n_claiming; i++) {
        if (bf_uuid_eq(&store->claiming[i], &id)) {
            store->claiming[i] = store->claiming[--store->n_claiming];
            break;
        }
    }
    pthread_mutex_unlock(&store->claim_lock);
}

static struct bf_job *job_of(struct bf_arena *arena, const struct bf_doc *doc)
{
    const struct bf_object *o = &doc->object;
    struct bf_job *job = bf_arena_calloc(arena, 1, sizeof *job);
    struct bf_str cause = bf_get_str(o, J_CAUSE);
    *job = (struct bf_job){.id = doc->id,
                           .tenant = bf_get_uuid(o, J_TENANT),
                           .kind = bf_str_dup(arena, bf_get_str(o, J_KIND)).p,
                           .ref = bf_get_uuid(o, J_REF),
                           .argument = bf_str_dup(arena, bf_get_str(o, J_ARGUMENT)),
                           .due_ms = bf_get_int(o, J_DUE),
                           .n = bf_get_int(o, J_N),
                           .attempt = (int)bf_get_int(o, J_ATTEMPT),
                           .lost = (int)bf_get_int(o, J_LOST),
                           .fence = bf_get_int(o, J_FENCE)};
    snprintf(job->cause, sizeof job->cause, "%.*s", BF_FMT(cause));
    return job;
}

static enum bf_status replace(struct bf_store *store, const struct bf_doc *doc, struct bf_error *e)
{
    struct bf_write w = {.kind = BF_W_REPLACE, .coll = &bf__coll_jobs, .doc = doc, .rev = doc->rev};
    return bf_store_write(store, &w, 1, NULL, e);
}

/* BF_E_STALE or BF_E_NOT_FOUND: somebody else was faster. */
static enum bf_status claim(struct bf_store *store, struct bf_doc *doc, int64_t until_ms, struct bf_error *e)
{
    struct bf_object *o = &doc->object;
    bool was_lost = bf_get_enum(o, J_STATE) == JOB_TAKEN;
    bf_set_int(o, J_LOST, was_lost ? bf_get_int(o, J_LOST) + 1 : 0);
    bf_set_enum(o, J_STATE, JOB_TAKEN);
    bf_set_int(o, J_WAKE, until_ms);
    bf_set_int(o, J_ATTEMPT, bf_get_int(o, J_ATTEMPT) + !was_lost);
    bf_set_int(o, J_FENCE, bf_get_int(o, J_FENCE) + 1);
    return replace(store, doc, e);
}

static enum bf_status due_jobs(struct bf_store *store, const char *kind, int64_t now_ms, unsigned limit, struct bf_arena *arena,
                               struct bf_page *ret, struct bf_error *e)
{
    struct bf_value kind_value = {.type = BF_T_STRING, .s = bf_strz(kind)}, now = {.type = BF_T_TIME, .i = now_ms};
    struct bf_cond conds[] = {{J_KIND, BF_EQ, &kind_value, 1}, {J_WAKE, BF_LE, &now, 1}};
    struct bf_query query = {.coll = &bf__coll_jobs, .conds = conds, .n_conds = 2, .index = &by_wake, .limit = limit};
    return bf_store_find(store, &query, arena, ret, e);
}

/* One round over the first candidates. *lost: some were claimed by others, so it is worth looking again. */
static enum bf_status claim_first(struct bf_store *store, const struct bf_page *page, int64_t until_ms, struct bf_arena *arena,
                                  struct bf_job **ret, bool *lost, struct bf_error *e)
{
    *lost = false;
    for (unsigned i = 0; i < page->n; i++) {
        struct bf_uuid id = page->docs[i]->id;
        if (!claim_begin(store, id)) {
            *lost = true;
            continue;
        }
        enum bf_status status = claim(store, page->docs[i], until_ms, e);
        claim_end(store, id);
        if (status == BF_OK)
            *ret = job_of(arena, page->docs[i]);
        if (status != BF_E_STALE && status != BF_E_NOT_FOUND)
            return status;
        *lost = true;
    }
    return BF_OK;
}

enum bf_status bf_job_take(struct bf_store *store, const char *kind, int64_t now_ms, int64_t lease_ms, struct bf_arena *arena,
                           struct bf_job **ret, struct bf_error *e)
{
    struct bf_page page;
    bool lost = true;
    struct bf_arena *scratch = bf_arena_create();
    enum bf_status status = BF_OK;
    *ret = NULL;
    for (unsigned tries = 0; tries < TRIES_MAX && lost && status == BF_OK && *ret == NULL; tries++) {
        bf_arena_reset(scratch);
        status = due_jobs(store, kind, now_ms, CANDIDATES, scratch, &page, e);
        if (status == BF_OK)
            status = claim_first(store, &page, now_ms + lease_ms, arena, ret, &lost, e);
    }
    bf_arena_destroy(&scratch);
    return status;
}

/* ---- settling ---- */

enum act { ACT_DONE, ACT_RETRY, ACT_DEAD };

struct settle {
    enum act act;
    int64_t wake_ms;
    bool count;
    const char *cause;
};

static void change(struct bf_object *o, const struct settle *s)
{
    bf_set_int(o, J_WAKE, s->wake_ms);
    if (s->cause != NULL)
        bf_set_str(o, J_CAUSE, bf_strz(s->cause));
    if (s->act == ACT_RETRY) {
        bf_set_enum(o, J_STATE, JOB_WAITING);
        bf_set_int(o, J_DUE, s->wake_ms);
        if (!s->count)
            bf_set_int(o, J_ATTEMPT, bf_get_int(o, J_ATTEMPT) - 1);
    } else {
        bf_set_enum(o, J_STATE, s->act == ACT_DONE ? JOB_DONE : JOB_DEAD);
        bf_unset(o, J_WAKE);
    }
}

static bool is_claimed_as(const struct bf_doc *doc, const struct bf_job *job)
{
    return doc != NULL && bf_get_enum(&doc->object, J_STATE) == JOB_TAKEN && bf_get_int(&doc->object, J_FENCE) == job->fence;
}

/* *mine = false: the fence is no longer the job's, or it is settled. */
static enum bf_status settle_once(struct bf_store *store, const struct bf_job *job, const struct settle *s, struct bf_arena *arena,
                                  bool *mine, struct bf_error *e)
{
    struct bf_doc *doc = NULL;
    enum bf_status status = bf_store_get(store, &bf__coll_jobs, no_tenant, job->id, arena, &doc, e);
    if (status != BF_OK)
        return status;
    *mine = is_claimed_as(doc, job);
    if (!*mine)
        return bf_fail(e, BF_E_STALE, "the job was taken over or is settled");
    change(&doc->object, s);
    /* What the log could derive again stays, settled, until the cursors have passed. */
    if (s->act == ACT_DONE && job->n == 0) {
        struct bf_write w = {.kind = BF_W_DELETE, .coll = &bf__coll_jobs, .doc = doc, .rev = doc->rev};
        return bf_store_write(store, &w, 1, NULL, e);
    }
    return replace(store, doc, e);
}

/* A rev that moved on means a renewal by another thread of the same claim, or a takeover: the fence tells. */
static enum bf_status settle(struct bf_store *store, const struct bf_job *job, const struct settle *s, struct bf_error *e)
{
    enum bf_status status = BF_E_STALE;
    struct bf_arena *arena = bf_arena_create();
    bool mine = true;
    for (unsigned tries = 0; tries < TRIES_MAX && mine && status == BF_E_STALE; tries++) {
        bf_arena_reset(arena);
        status = settle_once(store, job, s, arena, &mine, e);
    }
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_job_renew(struct bf_store *store, const struct bf_job *jobs, const int64_t *until_ms, unsigned n, struct bf_error *e)
{
    struct bf_uuid ids[RENEW_MAX];
    struct bf_doc *docs[RENEW_MAX];
    struct bf_write writes[RENEW_MAX];
    enum bf_status rets[RENEW_MAX];
    unsigned kept = 0;
    assert(n <= RENEW_MAX);
    for (unsigned i = 0; i < n; i++)
        ids[i] = jobs[i].id;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_store_get_many(store, &bf__coll_jobs, no_tenant, ids, n, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        if (!is_claimed_as(docs[i], &jobs[i]))
            continue;
        bf_set_int(&docs[i]->object, J_WAKE, until_ms[i]);
        writes[kept++] = (struct bf_write){.kind = BF_W_REPLACE, .coll = &bf__coll_jobs, .doc = docs[i], .rev = docs[i]->rev};
    }
    if (status == BF_OK && kept > 0)
        status = bf_store_write(store, writes, kept, rets, e);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_job_done(struct bf_store *store, const struct bf_job *job, struct bf_error *e)
{
    enum bf_status status = settle(store, job, &(struct settle){.act = ACT_DONE}, e);
    if (status == BF_OK)
        bf_metric_add(store->env->metrics, BF_M_JOBS_DONE, 1);
    return status;
}

enum bf_status bf_job_retry(struct bf_store *store, const struct bf_job *job, int64_t due_ms, bool count, const char *cause,
                            struct bf_error *e)
{
    return settle(store, job, &(struct settle){.act = ACT_RETRY, .wake_ms = due_ms, .count = count, .cause = cause}, e);
}

enum bf_status bf_job_dead(struct bf_store *store, const struct bf_job *job, const char *cause, struct bf_error *e)
{
    enum bf_status status = settle(store, job, &(struct settle){.act = ACT_DEAD, .cause = cause}, e);
    if (status == BF_OK)
        bf_metric_add(store->env->metrics, BF_M_JOBS_DEAD, 1);
    return status;
}

/* ---- the rest ---- */

static enum bf_status hasten_page(struct bf_store *store, const struct bf_page *page, int64_t now_ms, struct bf_error *e)
{
    struct bf_write writes[BF_PAGE_MAX];
    enum bf_status rets[BF_PAGE_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < page->n; i++) {
        bf_set_int(&page->docs[i]->object, J_WAKE, now_ms);
        bf_set_int(&page->docs[i]->object, J_DUE, now_ms);
        writes[n++] = (struct bf_write){.kind = BF_W_REPLACE, .coll = &bf__coll_jobs, .doc = page->docs[i], .rev = page->docs[i]->rev};
    }
    return n == 0 ? BF_OK : bf_store_write(store, writes, n, rets, e); /* those that somebody took meanwhile are left alone */
}

enum bf_status bf_job_hasten(struct bf_store *store, const char *kind, int64_t now_ms, struct bf_error *e)
{
    struct bf_value kind_value = {.type = BF_T_STRING, .s = bf_strz(kind)}, now = {.type = BF_T_TIME, .i = now_ms};
    struct bf_value waiting = {.type = BF_T_ENUM, .i = JOB_WAITING};
    struct bf_cond conds[] = {{J_KIND, BF_EQ, &kind_value, 1}, {J_WAKE, BF_GT, &now, 1}, {J_STATE, BF_EQ, &waiting, 1}};
    struct bf_query query = {.coll = &bf__coll_jobs, .conds = conds, .n_conds = 3, .index = &by_wake, .limit = BF_PAGE_MAX};
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    struct bf_page page;
    enum bf_status status = BF_OK;
    for (unsigned pages = 0; pages < HASTEN_PAGES_MAX && status == BF_OK && (pages == 0 || query.after.n > 0); pages++) {
        status = bf_store_find(store, &query, arena, &page, e);
        if (status == BF_OK)
            status = hasten_page(store, &page, now_ms, e);
        if (status == BF_OK) {
            bf_arena_reset(cursor);
            query.after = bf_str_dup(cursor, page.next);
        }
        bf_arena_reset(arena);
    }
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
    return status;
}

enum bf_status bf__jobs_forget(struct bf_store *store, struct bf_uuid tenant, int64_t passed_n, struct bf_error *e)
{
    struct bf_value state = {.type = BF_T_ENUM, .i = JOB_DONE}, t = {.type = BF_T_UUID, .uuid = tenant},
                    n = {.type = BF_T_INT, .i = passed_n};
    struct bf_cond conds[] = {{J_STATE, BF_EQ, &state, 1}, {J_TENANT, BF_EQ, &t, 1}, {J_N, BF_LE, &n, 1}};
    struct bf_query query = {.coll = &bf__coll_jobs, .conds = conds, .n_conds = 3, .index = &by_entry, .limit = ADD_BATCH};
    struct bf_write writes[ADD_BATCH];
    enum bf_status rets[ADD_BATCH];
    struct bf_page page;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_store_find(store, &query, arena, &page, e);
    for (unsigned i = 0; status == BF_OK && i < page.n; i++)
        writes[i] = (struct bf_write){.kind = BF_W_DELETE, .coll = &bf__coll_jobs, .doc = page.docs[i], .rev = page.docs[i]->rev};
    if (status == BF_OK && page.n > 0)
        status = bf_store_write(store, writes, page.n, rets, e);
    bf_arena_destroy(&arena);
    return status;
}
