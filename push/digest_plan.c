/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each person who is told digests has one job: that of the next local day, which adds the one after it when it runs. Here is how a person gets the
 * first: when the person or the company changes, and, should the chain have been lost or led away by a clock that was wrong, at each start. Ids are made
 * from person, date and zone, so that all of these meet in the same job.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "crm/ids.h"
#include "push/digests.h"
#include <limits.h>

enum { LEASE_MS = 10000, PAUSE_MS = 500, PAUSE_MS_MAX = 60000 };

static const char job_kind[] = "digest", people_kind[] = "digest_people";

/* ---- a job ---- */

bool bf__digest_slot_read(struct bf_str argument, struct bf__digest_slot *ret)
{
    enum { DATE = BF_DIGEST_DATE - 1 };
    if (argument.n <= DATE + 1 || !bf_date_parse(bf_str(argument.p, DATE), &ret->date))
        return false;
    ret->zone = bf_str(argument.p + DATE + 1, argument.n - DATE - 1);
    return bf_tz_is_zone(ret->zone);
}

struct bf_job bf__digest_job(struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid user, const struct bf__digest_slot *slot)
{
    char date[BF_DIGEST_DATE];
    int64_t at, ends_at;
    bf_digest_date(&slot->date, date);
    bf_digest_hours(slot->zone, &slot->date, &at, &ends_at);
    struct bf_str argument = bf_strz(bf_arena_printf(arena, "%s %.*s", date, BF_FMT(slot->zone)));
    return (struct bf_job){
        .id = bf_id_digest_job(tenant, user, argument), .tenant = tenant, .kind = job_kind, .ref = user, .argument = argument, .due_ms = at};
}

struct bf_civil bf__digest_first(struct bf_str zone, int64_t since_ms, int64_t now_ms)
{
    struct bf_civil date = {0}, today = {0};
    int64_t at, ends_at;
    if (since_ms > now_ms) /* the log's time does not go back with the clock */
        since_ms = now_ms;
    bf_tz_civil(zone, since_ms, &date);
    bf_tz_civil(zone, now_ms, &today);
    bf_digest_hours(zone, &date, &at, &ends_at);
    if (at <= since_ms)
        bf_civil_add_days(&date, 1);
    bf_digest_hours(zone, &date, &at, &ends_at);
    return ends_at <= now_ms ? today : date;
}

bool bf__digest_is_for(const struct bf_doc *user)
{
    if (user == NULL || user->tombstone || bf_get_enum(&user->object, BF_USER_STATUS) != BF_USER_STATUS_IS_ACTIVE)
        return false;
    int role = bf_get_enum(&user->object, BF_USER_ROLE);
    return role == BF_ROLE_IS_REP || role == BF_ROLE_IS_SUPERVISOR || role == BF_ROLE_IS_MANAGER;
}

struct bf_str bf__digest_zone(const struct bf_doc *user, struct bf_str company)
{
    struct bf_str own = bf_get_str(&user->object, BF_USER_TZ);
    return own.n > 0 ? own : company;
}

/* ---- people ---- */

struct planner {
    struct bf_push *push;
    struct bf_uuid tenant;
    struct bf_str zone; /* the company's */
    int64_t since_ms, now_ms;
};

static enum bf_status begin_plan(struct planner *p, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *company;
    enum bf_status status = bf_store_get(p->push->ctx->store, &bf_tenants, p->tenant, p->tenant, arena, &company, e);
    bool has_zone = status == BF_OK && company != NULL && bf_has(&company->object, BF_TENANT_TZ);
    p->zone = has_zone ? bf_get_str(&company->object, BF_TENANT_TZ) : BF_STR("Asia/Shanghai");
    return status;
}

static unsigned plan_one(const struct planner *p, const struct bf_doc *user, struct bf_arena *arena, struct bf_job *ret)
{
    if (!bf__digest_is_for(user))
        return 0;
    struct bf__digest_slot slot = {.zone = bf__digest_zone(user, p->zone)};
    slot.date = bf__digest_first(slot.zone, p->since_ms, p->now_ms);
    *ret = bf__digest_job(arena, p->tenant, user->id, &slot);
    return 1;
}

static enum bf_status plan_all(struct planner *p, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    struct bf_query query = {.coll = &bf_users, .tenant = p->tenant, .index = &bf_users_by_login, .limit = BF_PAGE_MAX};
    struct bf_job jobs[BF_PAGE_MAX];
    struct bf_page page;
    enum bf_status status;
    do {
        unsigned n = 0;
        bf_arena_reset(arena);
        status = bf_store_find(p->push->ctx->store, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            n += plan_one(p, page.docs[i], arena, &jobs[n]);
        if (status == BF_OK)
            status = bf__jobs_add(p->push, jobs, n, e);
        bf_arena_reset(cursor);
        query.after = status == BF_OK && page.next.n > 0 ? bf_str_dup(cursor, page.next) : bf_str(NULL, 0);
    } while (query.after.n > 0);
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
    return status;
}

/* ---- from the log ---- */

/* As the person is now: what changed since is told by an entry of its own. */
static enum bf_status plan_user(struct planner *p, struct bf_uuid id, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *user;
    struct bf_job job;
    enum bf_status status = bf_store_get(p->push->ctx->store, &bf_users, p->tenant, id, arena, &user, e);
    return status == BF_OK ? bf__jobs_add(p->push, &job, plan_one(p, user, arena, &job), e) : status;
}

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_push *push = ctx;
    struct planner p = {.push = push, .tenant = tenant, .since_ms = entry->at_ms, .now_ms = bf_now_ms(push->ctx->env)};
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < entry->n_ops && status == BF_OK; i++) {
        const struct bf_log_op *op = &entry->ops[i];
        if (op->coll != &bf_users && op->coll != &bf_tenants)
            continue;
        status = begin_plan(&p, arena, e);
        if (status == BF_OK)
            status = op->coll == &bf_users ? plan_user(&p, op->id, arena, e) : plan_all(&p, e);
    }
    return status;
}

struct bf_consumer bf__digests_consumer(struct bf_push *push)
{
    return (struct bf_consumer){.name = "push.digests", .consume = consume, .ctx = push};
}

/* ---- at each start ---- */

static enum bf_status run_people(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_push *push = ctx;
    int64_t now_ms = bf_now_ms(push->ctx->env);
    struct planner p = {.push = push, .tenant = job->tenant, .since_ms = now_ms, .now_ms = now_ms};
    again->count = false;
    enum bf_status status = begin_plan(&p, arena, e);
    return status == BF_OK ? plan_all(&p, e) : status;
}

struct bf_job_work bf__digest_people_work(struct bf_push *push)
{
    return (struct bf_job_work){.kind = people_kind,
                                .threads = 1,
                                .lease_ms = LEASE_MS,
                                .attempts_max = INT_MAX,
                                .pause_ms = PAUSE_MS,
                                .pause_ms_max = PAUSE_MS_MAX,
                                .run = run_people,
                                .ctx = push};
}

/* Due since ever: the clock may have been any. */
enum bf_status bf__digests_look(struct bf_push *push, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = bf_log_tenants(push->ctx->store, arena, &tenants, &n, e);
    struct bf_job *jobs = bf_arena_calloc(arena, n + 1, sizeof *jobs);
    for (unsigned i = 0; i < n; i++)
        jobs[i] = (struct bf_job){.id = bf_job_id(tenants[i], 0, 0, people_kind), .tenant = tenants[i], .kind = people_kind, .ref = tenants[i]};
    if (status == BF_OK)
        status = bf__jobs_add(push, jobs, n, e);
    bf_arena_destroy(&arena);
    return status;
}
