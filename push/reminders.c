/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Due reminders. Each version of a planned reminder has a job that becomes due at its send_at; whether it is still that version is seen in the
 * decision, so that snoozing, changing and doing need not touch jobs. What one person is due at the same instant (as after quiet
 * hours) goes into one notification, whose id is made from the version of the reminder that asks for it: told once, whatever crashes.
 *
 * Jobs go many at a time: what is due is read together, and the decisions are submitted together, so that the committer puts those of a tenant into few
 * entries. Decisions do not know of each other: one that comes second finds a reminder told and leaves it.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "crm/reminder.h"
#include "push/internal.h"
#include <limits.h>

enum {
    TOGETHER_MAX = 50,
    PLACES = 128,
    LEASE_MS = 10000,
    PAUSE_MS = 200,
    PAUSE_MS_MAX = 30000,
    TITLE_BYTES = 300,
    BODY_BYTES = 1800,
};

static const char job_kind[] = "reminder";

/* ---- from the log to the job ---- */

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_push *push = ctx;
    struct bf_job *jobs = bf_arena_alloc(arena, entry->n_ops * sizeof *jobs);
    unsigned n = 0;
    for (unsigned i = 0; i < entry->n_ops; i++) {
        const struct bf_log_op *op = &entry->ops[i];
        if (op->coll != &bf_reminders || op->doc == NULL || bf_get_enum(&op->doc->object, BF_REMINDER_STATE) != BF_REMINDER_STATE_IS_PLANNED)
            continue;
        jobs[n++] = (struct bf_job){.id = bf_job_id(tenant, entry->n, op->k, job_kind),
                                    .tenant = tenant,
                                    .kind = job_kind,
                                    .ref = op->id,
                                    .due_ms = bf_get_int(&op->doc->object, BF_REMINDER_SEND_AT),
                                    .n = entry->n};
    }
    return bf__jobs_add(push, jobs, n, e);
}

static bool wants_job(const struct bf_doc *reminder, struct bf_job *ret)
{
    ret->id = bf_job_id(reminder->tenant, reminder->n, reminder->k, job_kind);
    ret->kind = job_kind;
    ret->ref = reminder->id;
    ret->due_ms = bf_get_int(&reminder->object, BF_REMINDER_SEND_AT);
    return bf_get_enum(&reminder->object, BF_REMINDER_STATE) == BF_REMINDER_STATE_IS_PLANNED;
}

static const char consumer_name[] = "push.reminders";
const struct bf_derivation bf__reminders_derivation = {.coll = &bf_reminders, .consumer = consumer_name, .wants = wants_job};

struct bf_consumer bf__reminders_consumer(struct bf_push *push)
{
    static const struct bf_collection *const docs[] = {&bf_reminders, NULL};
    return (struct bf_consumer){.name = consumer_name, .docs = docs, .consume = consume, .ctx = push};
}

/* ---- the decision: reminders sent, notification made ---- */

struct due {
    struct bf_uuid user, notification, ids[TOGETHER_MAX]; /* the job's own is the first */
    unsigned n;
    int64_t send_at, now_ms;
    bool is_decided; /* set by the decision: what of them was due is told now */
    unsigned sent;
};

/* A decision under way, for the job that asked for it and for those of the same batch that it tells as well. In the first one's arena. */
struct telling {
    struct bf_push *push;
    struct due due;
    int64_t until_ms; /* not now: put off until then */
    struct bf_job_run *runs[PLACES]; /* a reminder that was changed has several */
    unsigned n_runs;
    struct telling *next;
};

static bool is_due(const struct bf_doc *reminder, const struct due *due)
{
    return reminder != NULL && !reminder->tombstone && bf_get_enum(&reminder->object, BF_REMINDER_STATE) == BF_REMINDER_STATE_IS_PLANNED &&
           bf_get_int(&reminder->object, BF_REMINDER_SEND_AT) == due->send_at;
}

/* The title in the person's language; the words are the person's own, with several one line each. */
static void write_words(struct bf_arena *arena, struct bf_object *notification, bool english, const struct bf_doc *const *reminders, unsigned n)
{
    struct bf_buf body;
    bf_buf_init(&body, 64 * 1024);
    for (unsigned i = 0; i < n; i++) {
        struct bf_str words = bf_get_str(&reminders[i]->object, BF_REMINDER_TEXT);
        if (i > 0)
            bf_buf_addc(&body, '\n');
        bf_buf_add(&body, words.p, words.n);
    }
    const char *one = english ? "Follow-up reminder" : "跟进提醒", *several = english ? "%u follow-up reminders" : "%u 条跟进提醒";
    struct bf_str title = bf_strz(n == 1 ? one : bf_arena_printf(arena, several, n));
    bf_set_str(notification, BF_NOTIFICATION_TITLE, bf__cut(title, TITLE_BYTES));
    bf_set_str(notification, BF_NOTIFICATION_BODY, bf__cut(bf_str_dup(arena, bf_buf_str(&body)), BODY_BYTES));
    bf_buf_finish(&body);
}

static struct bf_doc *make_notification(const struct bf_view *view, struct bf_arena *arena, const struct due *due,
                                        const struct bf_doc *const *reminders, unsigned n)
{
    const struct bf_doc *user = bf_view_get(view, &bf_users, due->user);
    bool english = user != NULL && bf_get_enum(&user->object, BF_USER_LANG) == BF_LANG_IS_EN;
    struct bf_doc *doc = bf_doc_create(arena, &bf_notification_schema, bf_view_tenant(view), due->notification);
    struct bf_object *o = &doc->object;
    struct bf_value *ids = bf_arena_calloc(arena, n, sizeof *ids);
    for (unsigned i = 0; i < n; i++)
        ids[i] = (struct bf_value){.type = BF_T_UUID, .uuid = reminders[i]->id};
    bf_set_uuid(o, BF_NOTIFICATION_USER, due->user);
    bf_set_enum(o, BF_NOTIFICATION_KIND, BF_NOTIFICATION_KIND_IS_REMINDER);
    bf_set_array(o, BF_NOTIFICATION_REMINDERS, ids, n);
    if (n == 1 && bf_has(&reminders[0]->object, BF_REMINDER_CUSTOMER))
        bf_set_uuid(o, BF_NOTIFICATION_CUSTOMER, bf_get_uuid(&reminders[0]->object, BF_REMINDER_CUSTOMER));
    bf_set_int(o, BF_NOTIFICATION_CREATED_AT, due->now_ms);
    write_words(arena, o, english, reminders, n);
    return doc;
}

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct due *due = &((struct telling *)ctx)->due;
    const struct bf_doc *sent[TOGETHER_MAX];
    unsigned n = 0;
    due->is_decided = false;
    due->sent = 0;
    bf_decision_receipt(d, 200, bf_str("", 0), due->user);
    if (bf_view_get(view, &bf_notifications, due->notification) != NULL)
        return BF_OK;
    for (unsigned i = 0; i < due->n; i++) {
        const struct bf_doc *before = bf_view_get(view, &bf_reminders, due->ids[i]);
        if (!is_due(before, due))
            continue;
        struct bf_doc *after = bf_doc_copy(arena, before);
        enum bf_status status = bf_reminder_send(&after->object, due->now_ms, e);
        if (status != BF_OK)
            return status;
        bf_decision_put(d, &bf_reminders, after);
        sent[n++] = after;
    }
    if (n > 0)
        bf_decision_put(d, &bf_notifications, make_notification(view, arena, due, sent, n));
    due->is_decided = true;
    due->sent = n;
    return BF_OK;
}

/* ---- the jobs, many at a time ---- */

struct batch {
    struct bf_push *push;
    struct bf_arena *arena;
    int64_t now_ms;
    struct bf__nights nights;
    struct telling *tellings; /* of this tenant */
};

/* Each version of a reminder is told once. */
static struct bf_uuid notification_id(const struct bf_doc *reminder)
{
    struct {
        struct bf_uuid tenant, reminder;
        int64_t rev;
    } name = {.tenant = reminder->tenant, .reminder = reminder->id, .rev = reminder->rev};
    return bf_uuid_from_name(&name, sizeof name);
}

/* The decision of this batch that tells it already, or NULL. */
static struct telling *find_telling(const struct batch *b, const struct due *due, struct bf_uuid reminder)
{
    for (struct telling *t = b->tellings; t != NULL; t = t->next) {
        if (t->due.send_at != due->send_at || !bf_uuid_eq(&t->due.user, &due->user))
            continue;
        for (unsigned i = 0; i < t->due.n; i++)
            if (bf_uuid_eq(&t->due.ids[i], &reminder))
                return t;
    }
    return NULL;
}

static void add_others(const struct batch *b, struct due *due, const struct bf_page *page)
{
    for (unsigned i = 0; i < page->n && due->n < TOGETHER_MAX; i++) {
        struct bf_uuid id = page->docs[i]->id;
        if (!bf_uuid_eq(&id, &due->ids[0]) && find_telling(b, due, id) == NULL)
            due->ids[due->n++] = id;
    }
}

/* The person's other planned reminders of the same instant, as many as go into one notification; what is over is told by its own job. A page more is read
 * for each decision before this one, at most. */
static enum bf_status gather(const struct batch *b, struct bf_uuid tenant, struct due *due, struct bf_error *e)
{
    struct bf_value values[3] = {{.type = BF_T_UUID, .uuid = due->user},
                                 {.type = BF_T_TIME, .i = due->send_at},
                                 {.type = BF_T_ENUM, .i = BF_REMINDER_STATE_IS_PLANNED}};
    struct bf_cond conds[3] = {{.row = BF_REMINDER_USER, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_REMINDER_SEND_AT, .op = BF_EQ, .values = &values[1], .n = 1},
                               {.row = BF_REMINDER_STATE, .op = BF_EQ, .values = &values[2], .n = 1}};
    struct bf_query query = {
        .coll = &bf_reminders, .tenant = tenant, .conds = conds, .n_conds = 3, .index = &bf_reminders_by_user, .limit = TOGETHER_MAX};
    struct bf_page page;
    enum bf_status status;
    do {
        status = bf_store_find(b->push->ctx->store, &query, b->arena, &page, e);
        if (status == BF_OK)
            add_others(b, due, &page);
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0 && due->n < TOGETHER_MAX);
    return status;
}

/* The first run's decision may be one of an earlier run, which did not know the others: those come again. */
static void told(const struct bf_receipt *receipt, void *ctx)
{
    struct telling *t = ctx;
    struct bf_error e = receipt->error;
    e.status = receipt->status;
    if (receipt->status == BF_OK)
        bf_metric_add(t->push->ctx->env->metrics, BF_M_REMINDERS_DUE, t->due.sent);
    for (unsigned i = 0; i < t->n_runs; i++) {
        if (receipt->status != BF_OK)
            bf__fail(t->runs[i], &e);
        else if (i > 0 && !t->due.is_decided)
            bf__put_off(t->runs[i], 0, "another run told the reminders that this one was to be told with");
        else
            bf_job_run_end(t->runs[i], BF_OK);
    }
}

static enum bf_status submit(struct telling *t, bf_decide_fn *decide_fn, const struct bf_read *reads, unsigned n, struct bf_error *e)
{
    const struct bf_job_run *run = t->runs[0];
    struct bf_submission submission = {
        .tenant = run->job->tenant, .reads = reads, .n_reads = n, .decide = decide_fn, .ctx = t, .behind = true, .home = run->home, .done = told};
    memcpy(&submission.request, &run->job->id, sizeof submission.request);
    return bf_submit(t->push->ctx->store, &submission, e);
}

static enum bf_status tell(struct batch *b, struct telling *t, const struct bf_doc *reminder, struct bf_error *e)
{
    struct bf_read reads[TOGETHER_MAX + 2];
    struct due *due = &t->due;
    due->notification = notification_id(reminder);
    enum bf_status status = gather(b, reminder->tenant, due, e);
    reads[due->n] = (struct bf_read){.coll = &bf_notifications, .id = due->notification};
    reads[due->n + 1] = (struct bf_read){.coll = &bf_users, .id = due->user};
    for (unsigned i = 0; i < due->n; i++)
        reads[i] = (struct bf_read){.coll = &bf_reminders, .id = due->ids[i]};
    if (status == BF_OK)
        status = submit(t, decide, reads, due->n + 2, e);
    if (status != BF_OK)
        return status;
    t->next = b->tellings;
    b->tellings = t;
    return BF_OK;
}

static enum bf_status decide_put_off(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct telling *t = ctx;
    const struct bf_doc *before = bf_view_get(view, &bf_reminders, t->due.ids[0]);
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), t->due.user);
    if (!is_due(before, &t->due))
        return BF_OK;
    struct bf_doc *after = bf_doc_copy(arena, before);
    bf_set_int(&after->object, BF_REMINDER_SEND_AT, t->until_ms);
    bf_decision_put(d, &bf_reminders, after);
    return BF_OK;
}

/* Late: to the end of the quiet hours, where it meets the others of the night; that version of it has a job of its own. What is over the grace only
 * goes into the list, which rings nowhere. */
static enum bf_status tell_or_put_off(struct batch *b, struct telling *t, const struct bf_doc *reminder, struct bf_error *e)
{
    struct bf__due when = {.tenant = reminder->tenant,
                           .user = t->due.user,
                           .send_at = t->due.send_at,
                           .wake = bf_get_bool(&reminder->object, BF_REMINDER_WAKE)};
    bool is_over;
    t->until_ms = b->now_ms;
    enum bf_status status = bf__is_over(b->push, &when, b->now_ms, &b->nights, b->arena, &is_over, e);
    if (status == BF_OK && !is_over)
        status = bf__rings_at(b->push, &when, b->now_ms, &b->nights, b->arena, &t->until_ms, e);
    if (status != BF_OK)
        return status;
    struct bf_read read = {.coll = &bf_reminders, .id = reminder->id};
    return t->until_ms > b->now_ms ? submit(t, decide_put_off, &read, 1, e) : tell(b, t, reminder, e);
}

static void begin_due(struct batch *b, struct bf_job_run *run, const struct bf_doc *reminder, const struct due *due)
{
    struct bf_error e = {0};
    run->again.pause_ms = bf__pause_ms(b->push->ctx->env, due->now_ms - due->send_at, PAUSE_MS, PAUSE_MS_MAX);
    struct telling *t = find_telling(b, due, due->ids[0]);
    if (t != NULL) {
        t->runs[t->n_runs++] = run;
        return;
    }
    t = bf_arena_calloc(run->arena, 1, sizeof *t);
    *t = (struct telling){.push = b->push, .due = *due, .runs = {run}, .n_runs = 1};
    if (tell_or_put_off(b, t, reminder, &e) != BF_OK)
        bf__fail(run, &e);
}

static void begin_one(struct batch *b, struct bf_job_run *run, const struct bf_doc *reminder)
{
    if (reminder == NULL || reminder->tombstone) {
        bf_job_run_end(run, BF_OK);
        return;
    }
    struct due due = {.ids = {reminder->id},
                      .n = 1,
                      .now_ms = b->now_ms,
                      .user = bf_get_uuid(&reminder->object, BF_REMINDER_USER),
                      .send_at = bf_get_int(&reminder->object, BF_REMINDER_SEND_AT)};
    if (!is_due(reminder, &due) || due.send_at > run->job->due_ms) /* done, or put off meanwhile: its later version has a job of its own */
        bf_job_run_end(run, BF_OK);
    else if (due.send_at > due.now_ms)
        bf__put_off(run, due.send_at - due.now_ms, "the clock went back: it is not due yet");
    else
        begin_due(b, run, reminder, &due);
}

static void begin_tenant(void *ctx, struct bf_uuid tenant, struct bf_job_run **runs, unsigned n)
{
    struct batch *b = ctx;
    struct bf_uuid *ids = bf_arena_calloc(b->arena, n, sizeof *ids);
    struct bf_doc **reminders = bf_arena_calloc(b->arena, n, sizeof(struct bf_doc *));
    struct bf_error e = {0};
    b->tellings = NULL;
    for (unsigned i = 0; i < n; i++)
        ids[i] = runs[i]->job->ref;
    enum bf_status status = bf__get_all(b->push->ctx->store, &bf_reminders, tenant, ids, n, b->arena, reminders, &e);
    for (unsigned i = 0; i < n; i++) {
        if (status == BF_OK)
            begin_one(b, runs[i], reminders[i]);
        else
            bf__fail(runs[i], &e);
    }
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

struct bf_job_work bf__reminders_work(struct bf_push *push)
{
    return (struct bf_job_work){.kind = job_kind,
                                .threads = 1,
                                .places = PLACES,
                                .lease_ms = LEASE_MS,
                                .attempts_max = INT_MAX, /* a reminder is never given up */
                                .pause_ms = PAUSE_MS,
                                .pause_ms_max = PAUSE_MS_MAX,
                                .begin = begin,
                                .ctx = push};
}
