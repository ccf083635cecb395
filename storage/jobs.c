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
#include "storage/committer.h"
#include <assert.h>
#include <stdio.h>

enum { ARGUMENT_MAX = 4096, CANDIDATES = 16, TRIES_MAX = 64, SETTLE_MAX = 256, ADD_BATCH = 200, HASTEN_PAGES_MAX = 10000 };

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
    enum bf_status status = bf_store_write_behind(store, writes, n, rets, e); /* those that exist are left as they are */
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
 * against other processes is the rev. Leaves in `page` what is the caller's to claim, at most `max`. *lost: there are others, being claimed. */
static void claim_begin(struct bf_store *store, struct bf_page *page, unsigned max, bool *lost)
{
    unsigned kept = 0;
    pthread_mutex_lock(&store->claim_lock);
    for (unsigned i = 0; i < page->n && kept < max; i++) {
        bool mine = store->n_claiming < BF__CLAIMING_MAX;
        for (unsigned k = 0; k < store->n_claiming && mine; k++)
            mine = !bf_uuid_eq(&store->claiming[k], &page->docs[i]->id);
        if (mine) {
            store->claiming[store->n_claiming++] = page->docs[i]->id;
            page->docs[kept++] = page->docs[i];
        }
        *lost = *lost || !mine;
    }
    page->n = kept;
    pthread_mutex_unlock(&store->claim_lock);
}

static void claim_end(struct bf_store *store, const struct bf_page *page)
{
    pthread_mutex_lock(&store->claim_lock);
    for (unsigned i = 0; i < page->n; i++) {
        unsigned k = 0;
        while (!bf_uuid_eq(&store->claiming[k], &page->docs[i]->id))
            k++;
        store->claiming[k] = store->claiming[--store->n_claiming];
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

struct bf_job *bf_job_copy(struct bf_arena *arena, const struct bf_job *job)
{
    struct bf_job *copy = bf_arena_dup(arena, job, sizeof *job);
    copy->kind = bf_arena_strdup(arena, job->kind);
    copy->argument = bf_str_dup(arena, job->argument);
    copy->claimed = job->claimed == NULL ? NULL : bf_doc_copy(arena, job->claimed);
    return copy;
}

static struct bf_write replace(const struct bf_doc *doc)
{
    return (struct bf_write){.kind = BF_W_REPLACE, .coll = &bf__coll_jobs, .doc = doc, .rev = doc->rev};
}

static void claim(struct bf_doc *doc, int64_t until_ms)
{
    struct bf_object *o = &doc->object;
    bool was_lost = bf_get_enum(o, J_STATE) == JOB_TAKEN;
    bf_set_int(o, J_LOST, was_lost ? bf_get_int(o, J_LOST) + 1 : 0);
    bf_set_enum(o, J_STATE, JOB_TAKEN);
    bf_set_int(o, J_WAKE, until_ms);
    bf_set_int(o, J_ATTEMPT, bf_get_int(o, J_ATTEMPT) + !was_lost);
    bf_set_int(o, J_FENCE, bf_get_int(o, J_FENCE) + 1);
}

struct take {
    struct bf_store *store;
    const char *kind;
    int64_t now_ms, until_ms;
    unsigned max;
    struct bf_arena *arena;
    struct bf_job **jobs;
    unsigned n;
    bool lost; /* some of this round were claimed by others, so it is worth looking again */
};

static enum bf_status due_jobs(const struct take *t, struct bf_str after, struct bf_page *ret, struct bf_error *e)
{
    struct bf_value kind = {.type = BF_T_STRING, .s = bf_strz(t->kind)}, now = {.type = BF_T_TIME, .i = t->now_ms};
    struct bf_cond conds[] = {{J_KIND, BF_EQ, &kind, 1}, {J_WAKE, BF_LE, &now, 1}};
    unsigned want = t->max < CANDIDATES ? CANDIDATES : t->max;
    struct bf_query query = {.coll = &bf__coll_jobs,
                             .conds = conds,
                             .n_conds = 2,
                             .index = &by_wake,
                             .after = after,
                             .limit = want < BF_PAGE_MAX ? want : BF_PAGE_MAX};
    return bf_store_find(t->store, &query, t->arena, ret, e);
}

/* Those of the page that nobody else claims, all with one write. */
static enum bf_status claim_page(struct take *t, struct bf_page *page, struct bf_error *e)
{
    struct bf_write writes[BF_PAGE_MAX];
    enum bf_status rets[BF_PAGE_MAX], status = BF_OK;
    claim_begin(t->store, page, t->max - t->n, &t->lost);
    for (unsigned i = 0; i < page->n; i++) {
        claim(page->docs[i], t->until_ms);
        writes[i] = replace(page->docs[i]);
    }
    if (page->n > 0)
        status = bf_store_write_behind(t->store, writes, page->n, rets, e);
    claim_end(t->store, page);
    for (unsigned i = 0; status == BF_OK && i < page->n; i++) {
        t->lost = t->lost || rets[i] != BF_OK;
        if (rets[i] != BF_OK)
            continue;
        page->docs[i]->rev++;
        struct bf_job *job = t->jobs[t->n++] = job_of(t->arena, page->docs[i]);
        job->claimed = page->docs[i];
    }
    return status;
}

/* One round: page by page, as long as others are busy with what was found. */
static enum bf_status take_round(struct take *t, struct bf_error *e)
{
    struct bf_page page = {.n = 0};
    enum bf_status status;
    t->lost = false;
    do {
        status = due_jobs(t, page.next, &page, e);
        struct bf_str next = page.next;
        if (status == BF_OK)
            status = claim_page(t, &page, e);
        page.next = next;
    } while (status == BF_OK && t->lost && t->n == 0 && page.next.n > 0);
    return status;
}

enum bf_status bf_job_take_many(struct bf_store *store, const char *kind, int64_t now_ms, int64_t lease_ms, unsigned max, struct bf_arena *arena,
                                struct bf_job **ret, unsigned *ret_n, struct bf_error *e)
{
    struct take t = {.store = store, .kind = kind, .now_ms = now_ms, .until_ms = now_ms + lease_ms, .max = max, .arena = arena, .jobs = ret, .lost = true};
    enum bf_status status = BF_OK;
    assert(max > 0 && max <= BF_JOBS_MAX);
    *ret_n = 0;
    for (unsigned tries = 0; tries < TRIES_MAX && t.lost && status == BF_OK && t.n == 0; tries++)
        status = take_round(&t, e);
    *ret_n = t.n;
    return status;
}

enum bf_status bf_job_take(struct bf_store *store, const char *kind, int64_t now_ms, int64_t lease_ms, struct bf_arena *arena,
                           struct bf_job **ret, struct bf_error *e)
{
    unsigned n;
    *ret = NULL;
    return bf_job_take_many(store, kind, now_ms, lease_ms, 1, arena, ret, &n, e);
}

/* ---- settling ---- */

static void change(struct bf_object *o, const struct bf_job_end *end)
{
    bf_set_int(o, J_WAKE, end->due_ms);
    if (end->cause != NULL)
        bf_set_str(o, J_CAUSE, bf_strz(end->cause));
    if (end->act == BF_JOB_RETRY) {
        bf_set_enum(o, J_STATE, JOB_WAITING);
        bf_set_int(o, J_DUE, end->due_ms);
        if (!end->count)
            bf_set_int(o, J_ATTEMPT, bf_get_int(o, J_ATTEMPT) - 1);
    } else {
        bf_set_enum(o, J_STATE, end->act == BF_JOB_DONE ? JOB_DONE : JOB_DEAD);
        bf_unset(o, J_WAKE);
    }
}

static bool is_claimed_as(const struct bf_doc *doc, const struct bf_job *job)
{
    return doc != NULL && bf_get_enum(&doc->object, J_STATE) == JOB_TAKEN && bf_get_int(&doc->object, J_FENCE) == job->fence;
}

/* What the log could derive again stays, settled, until the cursors have passed. */
static struct bf_write end_write(const struct bf_job_end *end, const struct bf_doc *doc)
{
    struct bf_write w = replace(doc);
    if (end->act == BF_JOB_DONE && end->job->n == 0)
        w.kind = BF_W_DELETE;
    return w;
}

/* Some ends that are written together. */
struct settle {
    struct bf_store *store;
    struct bf_arena *arena;
    struct bf_job_end *ends[SETTLE_MAX];
    struct bf_doc *docs[SETTLE_MAX];
    bool with_writes; /* their own are not there yet */
    unsigned n;
};

/* As the claim was written, or as the store has it by now. Those that are not the caller's any more are over. */
static enum bf_status find_claims(struct settle *s, bool anew, struct bf_error *e)
{
    struct bf_uuid ids[SETTLE_MAX];
    struct bf_doc *docs[SETTLE_MAX];
    unsigned at[SETTLE_MAX], missing = 0, kept = 0;
    for (unsigned i = 0; i < s->n; i++) {
        const struct bf_job *job = s->ends[i]->job;
        s->docs[i] = anew || job->claimed == NULL ? NULL : bf_doc_copy(s->arena, job->claimed);
        if (s->docs[i] == NULL) {
            at[missing] = i;
            ids[missing++] = job->id;
        }
    }
    enum bf_status status = bf_store_get_many(s->store, &bf__coll_jobs, no_tenant, ids, missing, s->arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < missing; i++)
        s->docs[at[i]] = docs[i];
    for (unsigned i = 0; status == BF_OK && i < s->n; i++) {
        s->ends[kept] = s->ends[i];
        s->docs[kept] = s->docs[i];
        kept += is_claimed_as(s->docs[i], s->ends[i]->job);
    }
    s->n = status == BF_OK ? kept : s->n;
    return status;
}

/* Each job's own writes stand before the job's, each follows the one before. */
static unsigned gather_writes(const struct settle *s, struct bf_write *writes)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->n; i++) {
        unsigned first = n;
        const struct bf_job_end *end = s->ends[i];
        for (unsigned k = 0; s->with_writes && k < end->n_writes; k++) {
            writes[n] = end->writes[k];
            writes[n].follows = n > first;
            n++;
        }
        change(&s->docs[i]->object, end);
        writes[n] = end_write(end, s->docs[i]);
        writes[n].follows = n > first;
        n++;
    }
    return n;
}

/* What became of an end whose writes have these answers; *own_done: its own documents are there. */
static enum bf_status judge_end(const enum bf_status *rets, unsigned n_own, bool *own_done)
{
    *own_done = true;
    for (unsigned i = 0; i < n_own; i++) {
        *own_done = *own_done && rets[i] == BF_OK;
        if (!bf__is_own_answer(rets[i]))
            return rets[i];
    }
    return rets[n_own] == BF_E_NOT_FOUND ? BF_E_STALE : rets[n_own];
}

/* Leaves those whose own writes are there and whose job is not settled: a rev that moved on means a renewal of the same claim, or a takeover; what the
 * store has tells. */
static void sort_out(struct settle *s, const enum bf_status *rets)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < s->n; i++) {
        struct bf_job_end *end = s->ends[i];
        unsigned own = s->with_writes ? end->n_writes : 0;
        bool own_done;
        end->status = judge_end(rets, own, &own_done);
        rets += own + 1;
        if (end->status == BF_E_STALE && own_done)
            s->ends[kept++] = end;
    }
    s->n = kept;
    s->with_writes = false;
}

static enum bf_status settle_once(struct settle *s, bool anew, struct bf_error *e)
{
    struct bf_write writes[SETTLE_MAX + BF_JOB_WRITES_MAX];
    enum bf_status rets[SETTLE_MAX + BF_JOB_WRITES_MAX];
    enum bf_status status = find_claims(s, anew, e);
    if (status != BF_OK || s->n == 0)
        return status;
    status = bf_store_write_behind(s->store, writes, gather_writes(s, writes), rets, e);
    sort_out(s, rets);
    return status;
}

/* One or more of the ends, as many as one write holds. Returns how many. */
static unsigned settle_some(struct bf_store *store, struct bf_job_end *ends, unsigned n, enum bf_status *status, struct bf_error *e)
{
    struct settle s = {.store = store, .arena = bf_arena_create(), .with_writes = true};
    unsigned taken = 0;
    for (unsigned writes = 0; taken < n && (taken == 0 || writes + ends[taken].n_writes < SETTLE_MAX); taken++) {
        assert(ends[taken].n_writes <= BF_JOB_WRITES_MAX);
        writes += ends[taken].n_writes + 1;
        ends[taken].status = BF_E_STALE;
        s.ends[s.n++] = &ends[taken];
    }
    for (unsigned tries = 0; tries < TRIES_MAX && s.n > 0 && *status == BF_OK; tries++)
        *status = settle_once(&s, tries > 0, e);
    for (unsigned i = 0; i < s.n && *status != BF_OK; i++)
        s.ends[i]->status = *status;
    bf_arena_destroy(&s.arena);
    return taken;
}

static void count_ends(struct bf_store *store, const struct bf_job_end *ends, unsigned n)
{
    int64_t done = 0, dead = 0;
    for (unsigned i = 0; i < n; i++) {
        done += ends[i].status == BF_OK && ends[i].act == BF_JOB_DONE;
        dead += ends[i].status == BF_OK && ends[i].act == BF_JOB_DEAD;
    }
    bf_metric_add(store->env->metrics, BF_M_JOBS_DONE, done);
    bf_metric_add(store->env->metrics, BF_M_JOBS_DEAD, dead);
}

enum bf_status bf_job_settle(struct bf_store *store, struct bf_job_end *ends, unsigned n, struct bf_error *e)
{
    enum bf_status first = BF_OK;
    struct bf_error why = {0};
    for (unsigned at = 0; at < n;) {
        enum bf_status status = BF_OK;
        at += settle_some(store, ends + at, n - at, &status, &why);
        if (status != BF_OK && first == BF_OK) {
            first = status;
            if (e != NULL)
                *e = why;
        }
    }
    count_ends(store, ends, n);
    return first;
}

static enum bf_status settle(struct bf_store *store, struct bf_job_end *end, struct bf_error *e)
{
    enum bf_status status = bf_job_settle(store, end, 1, e);
    if (status == BF_OK && end->status == BF_E_STALE)
        bf_fail(e, BF_E_STALE, "the job was taken over or is settled");
    return end->status;
}

enum bf_status bf_job_done(struct bf_store *store, const struct bf_job *job, struct bf_error *e)
{
    return settle(store, &(struct bf_job_end){.job = job, .act = BF_JOB_DONE}, e);
}

enum bf_status bf_job_retry(struct bf_store *store, const struct bf_job *job, int64_t due_ms, bool count, const char *cause,
                            struct bf_error *e)
{
    return settle(store, &(struct bf_job_end){.job = job, .act = BF_JOB_RETRY, .due_ms = due_ms, .count = count, .cause = cause}, e);
}

enum bf_status bf_job_dead(struct bf_store *store, const struct bf_job *job, const char *cause, struct bf_error *e)
{
    return settle(store, &(struct bf_job_end){.job = job, .act = BF_JOB_DEAD, .cause = cause}, e);
}

/* ---- renewing ---- */

enum bf_status bf_job_renew(struct bf_store *store, const struct bf_job *jobs, const int64_t *until_ms, unsigned n, struct bf_error *e)
{
    struct bf_uuid ids[BF_JOBS_MAX];
    struct bf_doc *docs[BF_JOBS_MAX];
    struct bf_write writes[BF_JOBS_MAX];
    enum bf_status rets[BF_JOBS_MAX];
    unsigned kept = 0;
    assert(n <= BF_JOBS_MAX);
    for (unsigned i = 0; i < n; i++)
        ids[i] = jobs[i].id;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_store_get_many(store, &bf__coll_jobs, no_tenant, ids, n, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        if (!is_claimed_as(docs[i], &jobs[i]))
            continue;
        bf_set_int(&docs[i]->object, J_WAKE, until_ms[i]);
        writes[kept++] = replace(docs[i]);
    }
    if (status == BF_OK && kept > 0)
        status = bf_store_write(store, writes, kept, rets, e); /* a lease does not wait behind other work */
    bf_arena_destroy(&arena);
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
    return n == 0 ? BF_OK : bf_store_write_behind(store, writes, n, rets, e); /* those that somebody took meanwhile are left alone */
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
        status = bf_store_write_behind(store, writes, page.n, rets, e);
    bf_arena_destroy(&arena);
    return status;
}
