/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs of digests, many at a time. First each one's next is added, so that the chain does not break whatever happens after; then what it is for is
 * read, composed and submitted. Who is late is told as long as the day lasts, of the same window; what is of an older day is left out.
 *
 * Of a company's people all is read once for all who are told of them within KEPT_MS (access/staff.h): ten thousand people have a thousand supervisors.
 */
#include "push/digests.h"
#include "core/arena.h"
#include "core/env.h"
#include "crm/deputy.h"
#include <limits.h>
#include <stdlib.h>

enum { PLACES = 128, LEASE_MS = 10000, PAUSE_MS = 500, PAUSE_MS_MAX = 60000, KEPT_MS = 10000, PEOPLE_MAX = 10, RECORDS_MAX = 20 };

/* What of one company is at hand. */
struct bf__digest_desk {
    struct bf_uuid tenant;
    struct bf_staff *staff;
};

void bf__digest_desk_clear(struct bf__digest_desk **desk)
{
    if (*desk != NULL)
        bf_staff_free(&(*desk)->staff);
    free(*desk);
    *desk = NULL;
}

/* The runs of one company that begin together. */
struct batch {
    struct bf_push *push;
    struct bf_arena *arena;
    int64_t now_ms;
    struct bf_digest_company company;
};

static enum bf_status find_staff(struct batch *b, struct bf_staff **ret, struct bf_error *e)
{
    struct bf__digest_desk *desk = b->push->desk;
    int64_t age = desk == NULL ? -1 : b->now_ms - bf_staff_at(desk->staff);
    if (age < 0 || age > KEPT_MS || !bf_uuid_eq(&desk->tenant, &b->company.tenant)) {
        struct bf_staff *staff;
        bf__digest_desk_clear(&b->push->desk);
        enum bf_status status = bf_staff_load(b->push->ctx->store, &b->company, NULL, 0, b->now_ms, &staff, e);
        if (status != BF_OK)
            return status;
        b->push->desk = desk = calloc(1, sizeof *desk);
        if (desk == NULL)
            abort();
        *desk = (struct bf__digest_desk){.tenant = b->company.tenant, .staff = staff};
    }
    *ret = desk->staff;
    return BF_OK;
}

/* ---- one person ---- */

struct person {
    struct bf__digest_run *run;
    const struct bf_doc *user, *told; /* whose it is, and whom it tells: the deputy of who is away */
    struct bf_digest_reader reader;
    struct bf_digest_day day;
};

static enum bf_status tell_of_people(struct batch *b, const struct person *p, int kind, struct bf_error *e)
{
    struct bf_digest_extent extent = {.kind = kind, .day = &p->day, .people_max = PEOPLE_MAX, .records_max = RECORDS_MAX};
    struct bf__digest_talks *talks = bf_arena_calloc(b->arena, 1, sizeof *talks);
    struct bf_staff *staff;
    struct bf_doc *notification;
    enum bf_status status = find_staff(b, &staff, e);
    if (status == BF_OK)
        status = bf_staff_digest(staff, &p->reader, &extent, p->run->run->arena, &notification, e);
    if (status != BF_OK || notification == NULL)
        return status;
    bf_set_int(&notification->object, BF_NOTIFICATION_CREATED_AT, b->now_ms);
    if (p->told != p->user)
        bf__digest_redirect(p->run->run->arena, notification, p->user, p->told);
    if (kind == BF_NOTIFICATION_KIND_IS_DIGEST_DAILY)
        status = bf__digest_find_talks(b->push, staff, b->company.tenant, p->user->id, b->arena, talks, e);
    return status == BF_OK ? bf__digest_submit(p->run, &b->company, &p->day, p->told, notification, talks, e) : status;
}

static enum bf_status tell_of_turns(struct batch *b, const struct person *p, struct bf_error *e)
{
    struct bf_doc *notification;
    enum bf_status status = bf__digest_turns(b->push->ctx->store, &p->reader, b->company.tenant, &p->day, b->now_ms, p->run->run->arena, &notification, e);
    if (status != BF_OK || notification == NULL)
        return status;
    return bf__digest_submit(p->run, &b->company, &p->day, p->user, notification, NULL, e);
}

/* A deputy who may not stand in any more, because of another role, team or a freeze, is told nothing: then the person is, away or not. */
static enum bf_status find_told(struct batch *b, struct person *p, const struct bf_civil *date, struct bf_error *e)
{
    const struct bf_object *user = &p->user->object;
    struct bf_store *store = b->push->ctx->store;
    struct bf_doc *deputy, *team;
    if (!bf_deputy_is_away(user, date))
        return BF_OK;
    enum bf_status status = bf_store_get(store, &bf_users, b->company.tenant, bf_get_uuid(user, BF_USER_DEPUTY), b->arena, &deputy, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_teams, b->company.tenant, p->reader.team, b->arena, &team, e);
    if (status != BF_OK)
        return status;
    struct bf_array path = team == NULL ? (struct bf_array){.n = 0} : bf_get_array(&team->object, BF_TEAM_PATH);
    if (!bf_deputy_may(p->user, path, deputy))
        return BF_OK;
    p->told = deputy;
    p->reader.english = bf_get_enum(&deputy->object, BF_USER_LANG) == BF_LANG_IS_EN;
    return BF_OK;
}

static enum bf_status tell(struct batch *b, struct person *p, const struct bf_civil *date, struct bf_error *e)
{
    if (!p->day.works)
        return BF_OK;
    if (p->reader.role == BF_ROLE_IS_REP)
        return tell_of_turns(b, p, e);
    enum bf_status status = find_told(b, p, date, e);
    if (status == BF_OK)
        status = tell_of_people(b, p, BF_NOTIFICATION_KIND_IS_DIGEST_DAILY, e);
    return status == BF_OK && p->day.weekly ? tell_of_people(b, p, BF_NOTIFICATION_KIND_IS_DIGEST_WEEKLY, e) : status;
}

/* ---- a job ---- */

/* The job, its person and the day it is of; `next` is the job that it leaves behind. */
struct asked {
    struct bf_job_run *run;
    const struct bf_doc *user; /* NULL: nobody is to be told, nor tomorrow */
    struct bf__digest_slot slot;
    struct bf_str zone; /* the person's as it is now */
    int64_t at, ends_at;
    struct bf_job next;
};

/* The day after; of days that are over already, the present one. In the person's zone as it is now, should it be another. */
static void find_next(const struct batch *b, struct asked *a)
{
    struct bf__digest_slot next = {.date = a->slot.date, .zone = a->zone};
    bool same = bf_str_eq(a->zone, a->slot.zone);
    if (same && a->ends_at > b->now_ms)
        bf_civil_add_days(&next.date, 1);
    else
        next.date = bf__digest_first(a->zone, same ? a->at : b->now_ms, b->now_ms);
    a->next = bf__digest_job(b->arena, b->company.tenant, a->user->id, &next);
}

/* False: the run has ended. */
static bool look_at(const struct batch *b, struct asked *a, const struct bf_doc *user)
{
    if (!bf__digest_is_for(user) || !bf__digest_slot_read(a->run->job->argument, &a->slot)) {
        bf_job_run_end(a->run, BF_OK); /* whoever comes back is planned anew by that */
        return false;
    }
    a->user = user;
    a->zone = bf__digest_zone(user, b->company.zone);
    bf_digest_hours(a->slot.zone, &a->slot.date, &a->at, &a->ends_at);
    if (bf_str_eq(a->zone, a->slot.zone) && b->now_ms < a->at) {
        bf__put_off(a->run, a->at - b->now_ms, "the clock went back: it is not due yet");
        return false;
    }
    find_next(b, a);
    return true;
}

static void begin_one(struct batch *b, struct asked *a)
{
    struct bf__digest_run *run = bf_arena_calloc(a->run->arena, 1, sizeof *run);
    struct bf_error e = {0};
    *run = (struct bf__digest_run){.push = b->push, .run = a->run, .under_way = 1, .status = BF_OK};
    a->run->again.pause_ms = bf__pause_ms(b->push->ctx->env, b->now_ms - a->at, PAUSE_MS, PAUSE_MS_MAX);
    enum bf_status status = BF_OK;
    if (bf_str_eq(a->zone, a->slot.zone) && b->now_ms < a->ends_at) {
        struct person p = {.run = run,
                           .user = a->user,
                           .told = a->user,
                           .reader = {.user = a->user->id,
                                      .team = bf_get_uuid(&a->user->object, BF_USER_TEAM),
                                      .role = bf_get_enum(&a->user->object, BF_USER_ROLE),
                                      .english = bf_get_enum(&a->user->object, BF_USER_LANG) == BF_LANG_IS_EN,
                                      .zone = a->zone}};
        bf_digest_company_day(&b->company, a->zone, &a->slot.date, &p.day);
        status = tell(b, &p, &a->slot.date, &e);
    }
    bf__digest_release(run, status, &e);
}

/* ---- a batch ---- */

static enum bf_status read_batch(struct batch *b, struct bf_uuid tenant, struct asked *asked, unsigned n, struct bf_doc **users, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(b->arena, n, sizeof *ids);
    for (unsigned i = 0; i < n; i++)
        ids[i] = asked[i].run->job->ref;
    enum bf_status status = bf_digest_company_load(b->push->ctx->store, tenant, b->now_ms, b->arena, &b->company, e);
    return status == BF_OK ? bf__get_all(b->push->ctx->store, &bf_users, tenant, ids, n, b->arena, users, e) : status;
}

/* Those that go on, with the next job of each added. */
static unsigned look_at_all(struct batch *b, struct asked *asked, unsigned n, struct bf_doc *const *users)
{
    struct bf_job *next = bf_arena_calloc(b->arena, n, sizeof *next);
    struct bf_error e = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++)
        if (look_at(b, &asked[i], users[i]))
            asked[kept++] = asked[i];
    for (unsigned i = 0; i < kept; i++)
        next[i] = asked[i].next;
    if (bf__jobs_add(b->push, next, kept, &e) == BF_OK)
        return kept;
    for (unsigned i = 0; i < kept; i++)
        bf__fail(asked[i].run, &e);
    return 0;
}

static void begin_tenant(void *ctx, struct bf_uuid tenant, struct bf_job_run **runs, unsigned n)
{
    struct batch *b = ctx;
    struct asked *asked = bf_arena_calloc(b->arena, n, sizeof *asked);
    struct bf_doc **users = bf_arena_calloc(b->arena, n, sizeof *users);
    struct bf_error e = {0};
    for (unsigned i = 0; i < n; i++)
        asked[i].run = runs[i];
    if (read_batch(b, tenant, asked, n, users, &e) != BF_OK) {
        for (unsigned i = 0; i < n; i++)
            bf__fail(runs[i], &e);
        return;
    }
    n = look_at_all(b, asked, n, users);
    for (unsigned i = 0; i < n; i++)
        begin_one(b, &asked[i]);
}

static void begin(void *ctx, struct bf_job_run *const *runs, unsigned n)
{
    struct bf_push *push = ctx;
    struct batch b = {.push = push, .arena = bf_arena_create(), .now_ms = bf_now_ms(push->ctx->env)};
    for (unsigned i = 0; i < n; i++)
        runs[i]->again.count = false;
    bf__each_tenant(runs, n, begin_tenant, &b);
    bf_arena_destroy(&b.arena);
}

struct bf_job_work bf__digests_work(struct bf_push *push)
{
    return (struct bf_job_work){.kind = "digest",
                                .threads = 1,
                                .places = PLACES,
                                .lease_ms = LEASE_MS,
                                .attempts_max = INT_MAX, /* the day's end ends it */
                                .pause_ms = PAUSE_MS,
                                .pause_ms_max = PAUSE_MS_MAX,
                                .begin = begin,
                                .ctx = push};
}
