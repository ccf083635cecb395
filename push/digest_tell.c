/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: the notification, whose id is that of (person, kind, date) and the id of the request too, so that the log takes it once whatever crashes
 * or comes again; and with a supervisor's the tasks to talk to idle reps, one for each idle spell (D-02, REM-12). */
#include "core/arena.h"
#include "crm/ids.h"
#include "crm/task.h"
#include "push/digests.h"
#include <string.h>

enum { TITLE_MAX = 200, HOUR_MAX = 23 };

struct telling {
    struct bf__digest_run *run;
    const struct bf_digest_company *company;
    const struct bf_doc *user, *notification;
    struct bf__digest_talks talks;
    struct bf_str zone;
    const char *date; /* of the digest */
    int64_t now_ms;
};

/* ---- talks ---- */

/* A talk was set since the last valid record: the spell is the same. */
static bool is_set(const struct bf_doc *counter, const struct bf_staff_idle *idle)
{
    return counter != NULL && bf_get_int(&counter->object, BF_COUNTER_VALUE) >= idle->last_valid_at;
}

enum bf_status bf__digest_find_talks(struct bf_push *push, const struct bf_staff *staff, struct bf_uuid tenant, struct bf_uuid reader, struct bf_arena *arena,
                                     struct bf__digest_talks *ret, struct bf_error *e)
{
    struct bf_staff_idle *idle = bf_arena_calloc(arena, BF_IN_MAX, sizeof *idle);
    struct bf_uuid *ids = bf_arena_calloc(arena, BF_IN_MAX, sizeof *ids);
    struct bf_doc **counters = bf_arena_calloc(arena, BF_IN_MAX, sizeof *counters);
    unsigned n = bf_staff_idle(staff, reader, idle, BF_IN_MAX);
    ret->n = 0;
    for (unsigned i = 0; i < n; i++)
        ids[i] = bf_id_idle_talk(tenant, idle[i].rep);
    enum bf_status status = bf_store_get_many(push->ctx->store, &bf_counters, tenant, ids, n, arena, counters, e);
    for (unsigned i = 0; status == BF_OK && i < n && ret->n < BF__TALKS_MAX; i++)
        if (!is_set(counters[i], &idle[i])) {
            ret->of[ret->n] = idle[i];
            ret->of[ret->n++].name = bf_str_dup(arena, idle[i].name);
        }
    return status;
}

static void write_task(struct bf_arena *arena, struct bf_object *o, const struct telling *t, const struct bf_staff_idle *idle)
{
    bool english = bf_get_enum(&t->user->object, BF_USER_LANG) == BF_LANG_IS_EN;
    int days = (int)bf_get_int(t->company->policy, BF_POLICY_IDLE_REP_DAYS), hour = (int)bf_get_int(t->company->policy, BF_POLICY_WORK_TO_HOUR);
    const char *title = english ? "Talk to %.*s: no valid record for %d days" : "与%.*s面谈：连续 %d 天没有有效跟进记录";
    bf_set_uuid(o, BF_TASK_ASSIGNEE, t->user->id);
    bf_set_str(o, BF_TASK_TITLE, bf__cut(bf_strz(bf_arena_printf(arena, title, BF_FMT(idle->name), days)), 3 * TITLE_MAX));
    bf_set_str(o, BF_TASK_DUE, bf_strz(bf_arena_printf(arena, "%sT%02d:00", t->date, hour > HOUR_MAX ? HOUR_MAX : hour)));
    bf_set_str(o, BF_TASK_TZ, t->zone);
}

static enum bf_status put_talk(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct telling *t,
                               const struct bf_staff_idle *idle, struct bf_error *e)
{
    struct bf_uuid tenant = bf_view_tenant(view), id = bf_id_talk(tenant, idle->rep, idle->since), counter_id = bf_id_idle_talk(tenant, idle->rep);
    const struct bf_doc *before = bf_view_get(view, &bf_counters, counter_id);
    if (is_set(before, idle))
        return BF_OK;
    struct bf_doc *task = bf_doc_create(arena, &bf_task_schema, tenant, id), *reminder;
    struct bf_doc *counter = before != NULL ? bf_doc_copy(arena, before) : bf_doc_create(arena, &bf_counter_schema, tenant, counter_id);
    struct bf_reminder_clock clock = {.policy = t->company->policy, .zone = t->zone, .now_ms = t->now_ms};
    struct bf_task_actor actor = {.who = t->user->id, .team = bf_get_uuid(&t->user->object, BF_USER_TEAM)};
    write_task(arena, &task->object, t, idle);
    enum bf_status status = bf_task_begin(&task->object, &actor, &clock, e);
    if (status == BF_OK)
        status = bf_task_reminder(arena, task, NULL, &clock, &reminder, e);
    if (status != BF_OK)
        return status;
    bf_set_str(&counter->object, BF_COUNTER_KIND, BF_STR("talk to an idle rep"));
    bf_set_int(&counter->object, BF_COUNTER_VALUE, t->now_ms);
    bf_decision_put(d, &bf_tasks, task);
    bf_decision_put(d, &bf_reminders, reminder);
    bf_decision_put(d, &bf_counters, counter);
    return BF_OK;
}

/* ---- a deputy ---- */

void bf__digest_redirect(struct bf_arena *arena, struct bf_doc *notification, const struct bf_doc *user, const struct bf_doc *deputy)
{
    struct bf_object *o = &notification->object;
    bool english = bf_get_enum(&deputy->object, BF_USER_LANG) == BF_LANG_IS_EN;
    const char *title = bf_arena_printf(arena, english ? "For %.*s: %.*s" : "代%.*s：%.*s", BF_FMT(bf_get_str(&user->object, BF_USER_NAME)),
                                        BF_FMT(bf_get_str(o, BF_NOTIFICATION_TITLE)));
    bf_set_str(o, BF_NOTIFICATION_TITLE, bf_strz(title));
    bf_set_uuid(o, BF_NOTIFICATION_USER, deputy->id);
    bf_set_uuid(o, BF_NOTIFICATION_DEPUTY_FOR, user->id);
}

/* ---- the decision ---- */

/* Nobody is told what another role or team may see; the next digest is of those. */
static bool is_the_same(const struct bf_doc *now, const struct bf_doc *then)
{
    return bf__digest_is_for(now) && bf_get_int(&now->object, BF_USER_EPOCH) == bf_get_int(&then->object, BF_USER_EPOCH);
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct telling *t = ctx;
    enum bf_status status = BF_OK;
    bf_decision_receipt(d, 200, bf_str("", 0), t->user->id);
    if (!is_the_same(bf_view_get(view, &bf_users, t->user->id), t->user))
        return BF_OK;
    bf_decision_put(d, &bf_notifications, bf_doc_copy(arena, t->notification));
    for (unsigned i = 0; i < t->talks.n && status == BF_OK; i++)
        status = put_talk(view, d, arena, t, &t->talks.of[i], e);
    return status;
}

void bf__digest_release(struct bf__digest_run *run, enum bf_status status, const struct bf_error *e)
{
    if (status != BF_OK) {
        run->status = status;
        run->run->error = *e;
    }
    if (--run->under_way == 0)
        bf_job_run_end(run->run, run->status);
}

static void told(const struct bf_receipt *receipt, void *ctx)
{
    bf__digest_release(((struct telling *)ctx)->run, receipt->status, &receipt->error);
}

static unsigned list_reads(struct bf_uuid tenant, const struct telling *t, struct bf_read *reads)
{
    unsigned n = 0;
    reads[n++] = (struct bf_read){.coll = &bf_notifications, .id = t->notification->id};
    reads[n++] = (struct bf_read){.coll = &bf_users, .id = t->user->id};
    for (unsigned i = 0; i < t->talks.n; i++) {
        const struct bf_staff_idle *idle = &t->talks.of[i];
        struct bf_uuid task = bf_id_talk(tenant, idle->rep, idle->since);
        reads[n++] = (struct bf_read){.coll = &bf_tasks, .id = task};
        reads[n++] = (struct bf_read){.coll = &bf_reminders, .id = bf_id_reminder_of_task(tenant, task)};
        reads[n++] = (struct bf_read){.coll = &bf_counters, .id = bf_id_idle_talk(tenant, idle->rep)};
    }
    return n;
}

/* The decision may still be under way when the batch is over: what it looks at is the run's. */
static struct bf_digest_company *keep_company(struct bf_arena *arena, const struct bf_digest_company *company)
{
    struct bf_digest_company *kept = bf_arena_calloc(arena, 1, sizeof *kept);
    kept->tenant = company->tenant;
    kept->policy = bf_object_copy(arena, company->policy);
    return kept;
}

enum bf_status bf__digest_submit(struct bf__digest_run *run, const struct bf_digest_company *company, const struct bf_digest_day *day,
                                 const struct bf_doc *user, struct bf_doc *notification, const struct bf__digest_talks *talks, struct bf_error *e)
{
    struct bf_arena *arena = run->run->arena;
    struct telling *t = bf_arena_calloc(arena, 1, sizeof *t);
    struct bf_read reads[2 + 3 * BF__TALKS_MAX];
    *t = (struct telling){.run = run,
                          .company = keep_company(arena, company),
                          .user = bf_doc_copy(arena, user),
                          .notification = notification,
                          .zone = bf_str_dup(arena, bf__digest_zone(user, company->zone)),
                          .date = bf_arena_strdup(arena, day->date),
                          .now_ms = bf_get_int(&notification->object, BF_NOTIFICATION_CREATED_AT)};
    if (talks != NULL)
        t->talks = *talks;
    for (unsigned i = 0; i < t->talks.n; i++)
        t->talks.of[i].name = bf_str_dup(arena, t->talks.of[i].name);
    struct bf_submission submission = {.tenant = company->tenant,
                                       .reads = reads,
                                       .n_reads = list_reads(company->tenant, t, reads),
                                       .decide = decide,
                                       .ctx = t,
                                       .behind = true,
                                       .home = run->run->home,
                                       .done = told};
    memcpy(&submission.request, &notification->id, sizeof submission.request);
    run->under_way++;
    enum bf_status status = bf_submit(run->push->ctx->store, &submission, e);
    if (status != BF_OK)
        run->under_way--;
    return status;
}
