/* SPDX-License-Identifier: Apache-2.0 */
/* The reminders' jobs by themselves, on the embedded store, at times that a server cannot be brought into. */
#include "push/internal.h"
#include "core/env.h"
#include "core/metrics.h"
#include "tests/storage/contract/harness.h"
#include "tests/test.h"

enum { T = 1773104400, HOUR_MS = 3600000 }; /* 2026-03-10 09:00 in Shanghai, s */
static const int64_t t_ms = T * (int64_t)1000;

struct rig {
    struct bf_env env;
    struct harness *harness;
    struct bf_service_ctx ctx;
    struct bf_store *store;
    struct bf_push push;
    struct bf_arena *arena;
    struct bf_uuid tenant, user, reminder;

    /* of the runs under way, which have no runner: answers are posted here */
    struct bf_mailbox home;
    pthread_mutex_t lock;
    pthread_cond_t posted;
    struct bf_task *tasks;
    unsigned n_over;
};

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct rig *r = BF_CONTAINER(mailbox, struct rig, home);
    pthread_mutex_lock(&r->lock);
    task->next = r->tasks;
    r->tasks = task;
    pthread_cond_signal(&r->posted);
    pthread_mutex_unlock(&r->lock);
}

static void over(struct bf_job_run *run) { BF_CONTAINER(run->home, struct rig, home)->n_over++; }

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct bf_store_config limits = {.readers = 1, .queue_max = 128, .group_max = 64, .stage_ttl_ms = HOUR_MS, .stage_quota_bytes = 1 << 20};
    const struct bf_collection *collections[BF_COLLECTIONS + 1];
    memcpy(collections, bf_collections, sizeof bf_collections);
    collections[BF_COLLECTIONS] = &bf__attempts;
    bf_env_fake(&r->env, t_ms, 1);
    r->harness = harness_create();
    assert_int_equal(harness_open(r->harness, &r->env, &limits, collections, BF_COLLECTIONS + 1, &r->store, NULL), BF_OK);
    r->ctx = (struct bf_service_ctx){.env = &r->env, .store = r->store};
    r->push = (struct bf_push){.ctx = &r->ctx, .grace_ms = 24 * HOUR_MS};
    r->arena = bf_arena_create();
    r->home.post = post;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->posted, NULL);
    r->env.metrics = bf_metrics_create();
    r->tenant = bf_uuid_v7(&r->env);
    r->user = bf_uuid_v7(&r->env);
    r->reminder = bf_uuid_v7(&r->env);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    bf_arena_destroy(&r->arena);
    bf_store_close(&r->store);
    bf_metrics_destroy(&r->env.metrics);
    pthread_cond_destroy(&r->posted);
    pthread_mutex_destroy(&r->lock);
    harness_destroy(&r->harness);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

struct plan {
    struct rig *r;
    struct bf_uuid id;
    int64_t send_at;
};

static enum bf_status decide_plan(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct plan *p = ctx;
    struct bf_doc *doc = bf_doc_create(arena, &bf_reminder_schema, p->r->tenant, p->id);
    (void)view, (void)e;
    bf_set_uuid(&doc->object, BF_REMINDER_USER, p->r->user);
    bf_set_str(&doc->object, BF_REMINDER_TEXT, BF_STR("给陈经理回电话"));
    bf_set_enum(&doc->object, BF_REMINDER_STATE, BF_REMINDER_STATE_IS_PLANNED);
    bf_set_int(&doc->object, BF_REMINDER_SEND_AT, p->send_at);
    bf_decision_put(d, &bf_reminders, doc);
    bf_decision_receipt(d, 201, BF_STR("{}"), p->r->user);
    return BF_OK;
}

static void plan_at(struct rig *r, struct bf_uuid id, int64_t send_at)
{
    struct plan p = {.r = r, .id = id, .send_at = send_at};
    struct bf_read read = {.coll = &bf_reminders, .id = id};
    struct bf_submission s = {.tenant = r->tenant, .reads = &read, .n_reads = 1, .decide = decide_plan, .ctx = &p};
    struct bf_receipt receipt;
    bf_random(&r->env, &s.request, sizeof s.request);
    assert_int_equal(bf_submit_wait(r->store, &s, r->arena, &receipt, NULL), BF_OK);
}

/* A reminder that is due in an hour. */
static void plan(struct rig *r) { plan_at(r, r->reminder, t_ms + HOUR_MS); }

static struct bf_job_run *new_run(struct rig *r, struct bf_uuid reminder, int64_t due_ms)
{
    struct bf_job *job = bf_arena_calloc(r->arena, 1, sizeof *job);
    struct bf_job_run *run = bf_arena_calloc(r->arena, 1, sizeof *run);
    *job = (struct bf_job){.tenant = r->tenant, .kind = "reminder", .ref = reminder, .due_ms = due_ms, .attempt = 1};
    bf_random(&r->env, &job->id, sizeof job->id);
    *run = (struct bf_job_run){.job = job, .arena = r->arena, .home = &r->home, .over = over, .again = {.pause_ms = 1, .count = true}};
    return run;
}

/* Until all are over. */
static void begin(struct rig *r, struct bf_job_run *const *runs, unsigned n)
{
    struct bf_job_work work = bf__reminders_work(&r->push);
    r->n_over = 0;
    work.begin(work.ctx, runs, n);
    while (r->n_over < n) {
        pthread_mutex_lock(&r->lock);
        while (r->tasks == NULL)
            pthread_cond_wait(&r->posted, &r->lock);
        struct bf_task *task = r->tasks;
        r->tasks = task->next;
        pthread_mutex_unlock(&r->lock);
        task->run(task);
    }
}

static struct bf_job_run *run(struct rig *r, int64_t due_ms)
{
    struct bf_job_run *one = new_run(r, r->reminder, due_ms);
    begin(r, &one, 1);
    return one;
}

static unsigned notifications(struct rig *r)
{
    int64_t n;
    struct bf_query query = {.coll = &bf_notifications, .tenant = r->tenant, .limit = 1000};
    assert_int_equal(bf_store_count(r->store, &query, &n, NULL), BF_OK);
    return (unsigned)n;
}

static int state_of(struct rig *r)
{
    struct bf_doc *doc;
    assert_int_equal(bf_store_get(r->store, &bf_reminders, r->tenant, r->reminder, r->arena, &doc, NULL), BF_OK);
    return bf_get_enum(&doc->object, BF_REMINDER_STATE);
}

static void a_job_whose_clock_went_back_comes_again_when_it_is_due(void **state)
{
    struct rig *r = *state;
    plan(r);
    const struct bf_job_run *early = run(r, t_ms + HOUR_MS);
    assert_int_not_equal(early->status, BF_OK);
    assert_int_equal(early->again.pause_ms, HOUR_MS);
    assert_true(early->again.put_off && !early->again.count);
    assert_int_equal(state_of(r), BF_REMINDER_STATE_IS_PLANNED);
    bf_env_fake_advance(&r->env, HOUR_MS);
    assert_int_equal(run(r, t_ms + HOUR_MS)->status, BF_OK);
    assert_int_equal(state_of(r), BF_REMINDER_STATE_IS_SENT);
}

static void the_job_of_a_version_that_was_put_off_is_done(void **state)
{
    struct rig *r = *state;
    plan(r);
    assert_int_equal(run(r, t_ms)->status, BF_OK);
    assert_int_equal(state_of(r), BF_REMINDER_STATE_IS_PLANNED);
}

/* What a batch holds of one instant is told together, of two instants apart; the jobs of a reminder that was told end well, too. */
static void jobs_that_begin_together_tell_each_reminder_once(void **state)
{
    struct rig *r = *state;
    struct bf_job_run *runs[70];
    for (unsigned i = 0; i < 70; i++) {
        struct bf_uuid id = bf_uuid_v7(&r->env);
        int64_t send_at = t_ms + (i < 60 ? 1 : 2);
        plan_at(r, id, send_at);
        runs[i] = new_run(r, id, send_at);
    }
    bf_env_fake_advance(&r->env, 1000);
    begin(r, runs, 70);
    for (unsigned i = 0; i < 70; i++)
        assert_int_equal(runs[i]->status, BF_OK);
    assert_int_equal(notifications(r), 3); /* of 50, 10 and 10 */
    assert_int_equal(bf_metric_read(r->env.metrics, BF_M_REMINDERS_DUE), 70);
    begin(r, runs, 70);
    assert_int_equal(notifications(r), 3);
    assert_int_equal(bf_metric_read(r->env.metrics, BF_M_REMINDERS_DUE), 70);
}

static void what_cannot_be_told_is_tried_again_at_growing_pauses(void **state)
{
    struct rig *r = *state;
    static const int64_t ages[][2] = {{-5, 200}, {0, 200}, {1000, 1000}, {8000, 8000}, {HOUR_MS, 30000}};
    for (unsigned i = 0; i < sizeof ages / sizeof *ages; i++) {
        int64_t pause_ms = bf__pause_ms(&r->env, ages[i][0], 200, 30000);
        assert_true(pause_ms <= ages[i][1] && pause_ms >= ages[i][1] * 3 / 4);
    }
}

/* 20:55 in Shanghai, and how long after it something happens */
enum { MINUTE_MS = 60000, MORNING_MS = 11 * HOUR_MS + 5 * MINUTE_MS };
static const int64_t evening_ms = (T + 12 * 3600 - 5 * 60) * (int64_t)1000;

static int64_t rings_after(struct rig *r, int64_t planned_ms, int64_t now_ms, bool wake)
{
    int64_t at;
    struct bf__nights nights = {NULL};
    struct bf__due due = {.tenant = r->tenant, .user = r->user, .send_at = evening_ms + planned_ms, .wake = wake};
    assert_int_equal(bf__rings_at(&r->push, &due, evening_ms + now_ms, &nights, r->arena, &at, NULL), BF_OK);
    return at - evening_ms;
}

static void G_12_what_was_planned_into_hours_that_are_quiet_now_waits_for_the_morning(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rings_after(r, HOUR_MS, HOUR_MS + 1, false), MORNING_MS);
    assert_int_equal(rings_after(r, HOUR_MS, HOUR_MS + 1, true), HOUR_MS + 1);
    assert_int_equal(rings_after(r, 4 * MINUTE_MS, 6 * MINUTE_MS, false), 6 * MINUTE_MS); /* due before the night, told as it begins */
    assert_int_equal(rings_after(r, 0, 6 * MINUTE_MS, false), MORNING_MS);
}

static bool is_over(struct rig *r, int grace_hours, int64_t now_ms, bool wake)
{
    bool is_late;
    struct bf__nights nights = {NULL};
    struct bf__due due = {.tenant = r->tenant, .user = r->user, .send_at = evening_ms, .wake = wake};
    r->push.grace_ms = (int64_t)grace_hours * HOUR_MS;
    assert_int_equal(bf__is_over(&r->push, &due, evening_ms + now_ms, &nights, r->arena, &is_late, NULL), BF_OK);
    return is_late;
}

static void a_grace_that_would_end_in_the_quiet_hours_begins_anew_in_the_morning(void **state)
{
    struct rig *r = *state;
    assert_false(is_over(r, 1, MORNING_MS, false) || is_over(r, 1, MORNING_MS + HOUR_MS, false));
    assert_true(is_over(r, 1, MORNING_MS + HOUR_MS + 1, false));
    assert_true(is_over(r, 1, MORNING_MS, true));
    assert_false(is_over(r, 12, 12 * HOUR_MS, false));
    assert_true(is_over(r, 12, 12 * HOUR_MS + 1, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_whose_clock_went_back_comes_again_when_it_is_due, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_job_of_a_version_that_was_put_off_is_done, set_up, tear_down),
        cmocka_unit_test_setup_teardown(jobs_that_begin_together_tell_each_reminder_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_told_is_tried_again_at_growing_pauses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(G_12_what_was_planned_into_hours_that_are_quiet_now_waits_for_the_morning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_grace_that_would_end_in_the_quiet_hours_begins_anew_in_the_morning, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
