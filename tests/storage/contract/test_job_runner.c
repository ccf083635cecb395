/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of jobs that run: done, tried again, given up, kept while they take long, left to whoever took them over. */
#include "storage/job_runner.h"
#include "core/metrics.h"
#include "tests/storage/contract/suite.h"
#include <pthread.h>
#include <time.h>

static const char kind[] = "work";
static const int64_t T0 = 1800000000000;

enum { LEASE_MS = 600, ATTEMPTS_MAX = 3, MANY = 50 };

/* A job that does what it is told, and what was seen of it. */
struct crew {
    struct suite *s;
    struct bf_job_runner *runner;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum bf_status outcome;
    bool hold;    /* runs wait until it is false */
    bool robbed;  /* somebody else takes the job over while it runs */
    bool give_up; /* a run that fails says that no other is worth it */
    bool put_off; /* or that it is not its time yet */
    struct bf_job *theirs;
    int runs;
    int lost, attempt; /* of the last run */
};

static void tell(struct crew *c, int *what)
{
    pthread_mutex_lock(&c->lock);
    ++*what;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void wait_for(struct crew *c, const int *what, int n)
{
    pthread_mutex_lock(&c->lock);
    while (*what < n)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

static enum bf_status run(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct crew *c = ctx;
    (void)arena;
    assert_string_equal(job->kind, kind);
    again->give_up = c->give_up;
    again->put_off = c->put_off;
    again->count = !c->put_off;
    pthread_mutex_lock(&c->lock);
    c->lost = job->lost;
    c->attempt = job->attempt;
    c->runs++;
    pthread_cond_broadcast(&c->changed);
    while (c->hold)
        pthread_cond_wait(&c->changed, &c->lock);
    pthread_mutex_unlock(&c->lock);
    if (c->robbed)
        assert_int_equal(bf_job_take(c->s->store, kind, T0 + 2 * LEASE_MS, 100 * LEASE_MS, c->s->arena, &c->theirs, NULL), BF_OK);
    return c->outcome == BF_OK ? BF_OK : bf_fail(e, c->outcome, "it does not work");
}

static int crew_setup(void **state)
{
    struct crew *c = calloc(1, sizeof *c);
    assert_non_null(c);
    suite_setup((void **)&c->s);
    c->s->env.metrics = bf_metrics_create();
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    *state = c;
    return 0;
}

static int crew_teardown(void **state)
{
    struct crew *c = *state;
    bf_job_runner_stop(&c->runner);
    bf_metrics_destroy(&c->s->env.metrics);
    suite_teardown((void **)&c->s);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c);
    return 0;
}

static void create(struct crew *c, const struct bf_env *env, unsigned threads)
{
    struct bf_job_work work = {
        .kind = kind, .threads = threads, .lease_ms = LEASE_MS, .attempts_max = ATTEMPTS_MAX, .run = run, .ctx = c};
    c->runner = bf_job_runner_create(env, c->s->store, &work, 1);
}

static void start(struct crew *c, const struct bf_env *env, unsigned threads)
{
    create(c, env, threads);
    bf_job_runner_start(c->runner);
}

static void add(struct crew *c, unsigned id, int64_t due_ms)
{
    struct bf_job job = {.id = suite_uuid(id), .tenant = tenant_a, .kind = kind, .ref = suite_uuid(99), .due_ms = due_ms};
    assert_int_equal(bf_job_add(c->s->store, &job, 1, NULL), BF_OK);
    if (c->runner != NULL)
        bf_job_runner_wake(c->runner);
}

static struct bf_job *take(struct crew *c, int64_t now_ms, int64_t lease_ms)
{
    struct bf_job *job = NULL;
    assert_int_equal(bf_job_take(c->s->store, kind, now_ms, lease_ms, c->s->arena, &job, NULL), BF_OK);
    return job;
}

static bool nothing_is_left(struct crew *c) { return take(c, INT64_MAX / 2, LEASE_MS) == NULL; }

static int64_t counted(const struct crew *c, enum bf_metric metric) { return bf_metric_read(c->s->env.metrics, metric); }

static void a_job_is_run_and_counted_once(void **state)
{
    struct crew *c = *state;
    start(c, &c->s->env, 2);
    for (unsigned i = 1; i <= 10; i++)
        add(c, i, T0);
    wait_for(c, &c->runs, 10);
    bf_job_runner_stop(&c->runner);
    assert_true(nothing_is_left(c));
    assert_int_equal(c->runs, 10);
    assert_int_equal(counted(c, BF_M_JOBS_DONE), 10);
    assert_int_equal(counted(c, BF_M_JOBS_FAILED) + counted(c, BF_M_JOBS_DEAD), 0);
}

static void a_runner_that_was_not_started_runs_nothing(void **state)
{
    struct crew *c = *state;
    create(c, &c->s->env, 1);
    add(c, 1, T0);
    bf_job_runner_drain(c->runner);
    bf_job_runner_stop(&c->runner);
    assert_int_equal(c->runs, 0);
    assert_non_null(take(c, T0, LEASE_MS));
}

static void what_fails_each_time_is_given_up_after_the_attempts_it_has(void **state)
{
    struct crew *c = *state;
    c->outcome = BF_E_UPSTREAM;
    start(c, &c->s->env, 1);
    add(c, 1, T0);
    wait_for(c, &c->runs, ATTEMPTS_MAX);
    bf_job_runner_stop(&c->runner);
    assert_true(nothing_is_left(c));
    assert_int_equal(c->runs, ATTEMPTS_MAX);
    assert_int_equal(counted(c, BF_M_JOBS_FAILED), ATTEMPTS_MAX - 1);
    assert_int_equal(counted(c, BF_M_JOBS_DEAD), 1);
    assert_int_equal(counted(c, BF_M_JOBS_DONE), 0);
}

static void what_is_put_off_is_no_failure(void **state)
{
    struct crew *c = *state;
    c->outcome = BF_E_UNAVAILABLE;
    c->put_off = true;
    start(c, &c->s->env, 1);
    add(c, 1, T0);
    wait_for(c, &c->runs, 2 * ATTEMPTS_MAX);
    bf_job_runner_stop(&c->runner);
    assert_false(nothing_is_left(c));
    assert_int_equal(counted(c, BF_M_JOBS_FAILED) + counted(c, BF_M_JOBS_DEAD) + counted(c, BF_M_JOBS_DONE), 0);
}

static void lose_claims(struct crew *c, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_non_null(take(c, T0, 0));
}

/* What to make of that is for the work: it knows the record that waits. */
static void a_job_whose_runs_were_lost_is_run_again_and_told_how_often(void **state)
{
    struct crew *c = *state;
    add(c, 1, T0);
    lose_claims(c, MANY);
    start(c, &c->s->env, 1);
    wait_for(c, &c->runs, 1);
    bf_job_runner_stop(&c->runner);
    assert_true(nothing_is_left(c));
    assert_int_equal(c->lost, MANY);
    assert_int_equal(c->attempt, 1);
    assert_int_equal(counted(c, BF_M_JOBS_DONE), 1);
}

/* The process is ended in the midst of each run, more often than a job may fail; then a passing fault is the first one. */
static void runs_that_were_lost_use_up_none_of_those_that_may_fail(void **state)
{
    struct crew *c = *state;
    c->outcome = BF_E_UPSTREAM;
    add(c, 1, T0);
    lose_claims(c, MANY);
    assert_int_equal(bf_job_retry(c->s->store, take(c, T0, LEASE_MS), T0, false, "it came back once", NULL), BF_OK);
    lose_claims(c, MANY);
    start(c, &c->s->env, 1);
    wait_for(c, &c->runs, ATTEMPTS_MAX);
    bf_job_runner_stop(&c->runner);
    assert_int_equal(c->runs, ATTEMPTS_MAX);
    assert_int_equal(c->lost, 0);
    assert_int_equal(counted(c, BF_M_JOBS_FAILED), ATTEMPTS_MAX - 1);
    assert_int_equal(counted(c, BF_M_JOBS_DEAD), 1);
}

static void who_lost_the_lease_does_not_give_the_job_up(void **state)
{
    struct crew *c = *state;
    c->outcome = BF_E_UPSTREAM;
    c->robbed = c->give_up = true;
    start(c, &c->s->env, 1);
    add(c, 1, T0);
    wait_for(c, &c->runs, 1);
    bf_job_runner_stop(&c->runner);
    assert_non_null(c->theirs);
    assert_int_equal(counted(c, BF_M_JOBS_DEAD), 0);
    assert_int_equal(bf_job_done(c->s->store, c->theirs, NULL), BF_OK);
    assert_true(nothing_is_left(c));
}

/* By the system's clock, and as long as it takes for the lease to run out several times. */
static void a_job_that_takes_longer_than_its_lease_is_not_taken_by_another_thread(void **state)
{
    struct crew *c = *state;
    struct bf_env real;
    struct timespec until;
    bf_env_system(&real);
    c->hold = true;
    start(c, &real, 2);
    add(c, 1, 1);
    wait_for(c, &c->runs, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 4 * LEASE_MS / 1000;
    pthread_mutex_lock(&c->lock);
    while (c->runs == 1 && pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0)
        ;
    c->hold = false;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    bf_job_runner_stop(&c->runner);
    bf_env_finish(&real);
    assert_int_equal(c->runs, 1);
    assert_true(nothing_is_left(c));
}

static void draining_ends_what_runs_and_begins_nothing(void **state)
{
    struct crew *c = *state;
    c->hold = true;
    add(c, 1, T0);
    add(c, 2, T0);
    start(c, &c->s->env, 1);
    wait_for(c, &c->runs, 1);
    bf_job_runner_drain(c->runner);
    pthread_mutex_lock(&c->lock);
    c->hold = false;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    bf_job_runner_stop(&c->runner);
    assert_int_equal(c->runs, 1);
    assert_int_equal(counted(c, BF_M_JOBS_DONE), 1);
    assert_non_null(take(c, T0, LEASE_MS));
}

/* ---- many at the same time ---- */

enum { PLACES = 8, SLOW_MS = 4 * LEASE_MS };

/* Jobs that end as they begin, but for the first, whose answer comes when somebody posts it. */
struct flock {
    struct crew *c;
    unsigned most; /* begun together at most */
    struct bf_job_run *slow;
    struct bf_task answer;
};

static void begin(void *ctx, struct bf_job_run *const *runs, unsigned n)
{
    struct flock *f = ctx;
    struct bf_uuid first = suite_uuid(1);
    f->most = n > f->most ? n : f->most;
    for (unsigned i = 0; i < n; i++) {
        if (bf_uuid_eq(&runs[i]->job->id, &first))
            f->slow = runs[i];
        else
            bf_job_run_end(runs[i], BF_OK);
        tell(f->c, &f->c->runs);
    }
}

static void answer(struct bf_task *task)
{
    struct flock *f = BF_CONTAINER(task, struct flock, answer);
    bf_fail(&f->slow->error, BF_E_UPSTREAM, "it came late");
    bf_job_run_end(f->slow, BF_E_UPSTREAM);
}

static void start_flock(struct flock *f, const struct bf_env *env)
{
    struct bf_job_work work = {.kind = kind, .threads = 1, .lease_ms = LEASE_MS, .attempts_max = 1, .places = PLACES, .begin = begin, .ctx = f};
    f->c->runner = bf_job_runner_create(env, f->c->s->store, &work, 1);
    bf_job_runner_start(f->c->runner);
}

static void a_job_that_waits_for_an_answer_holds_its_place_and_no_other(void **state)
{
    struct crew *c = *state;
    struct flock f = {.c = c, .answer.run = answer};
    for (unsigned i = 1; i <= MANY; i++)
        add(c, i, T0 - MANY + (int64_t)i);
    start_flock(&f, &c->s->env);
    wait_for(c, &c->runs, MANY);
    assert_int_equal(f.most, PLACES);
    bf_post(f.slow->home, &f.answer);
    bf_job_runner_stop(&c->runner);
    assert_int_equal(c->runs, MANY);
    assert_int_equal(counted(c, BF_M_JOBS_DONE), MANY - 1);
    assert_int_equal(counted(c, BF_M_JOBS_DEAD), 1);
    assert_true(nothing_is_left(c));
}

/* By the system's clock; a second worker of the same kind would take the job over if its lease ran out. */
static void a_job_that_waits_for_its_answer_longer_than_its_lease_stays_claimed(void **state)
{
    struct crew *c = *state;
    struct flock f = {.c = c, .answer.run = answer};
    struct bf_env real;
    struct timespec until;
    bf_env_system(&real);
    add(c, 1, 1);
    start_flock(&f, &real);
    wait_for(c, &c->runs, 1);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SLOW_MS / 1000 + 1;
    pthread_mutex_lock(&c->lock);
    while (c->runs == 1 && pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&c->lock);
    assert_int_equal(c->runs, 1);
    bf_post(f.slow->home, &f.answer);
    bf_job_runner_stop(&c->runner);
    bf_env_finish(&real);
    assert_int_equal(counted(c, BF_M_JOBS_DEAD), 1);
    assert_true(nothing_is_left(c));
}

#define CREW_TEST(f)                                                                                                                       \
    {                                                                                                                                      \
#f, f, crew_setup, crew_teardown, NULL                                                                                             \
    }
SUITE_PART(suite_job_runner, CREW_TEST(a_job_is_run_and_counted_once), CREW_TEST(a_runner_that_was_not_started_runs_nothing),
           CREW_TEST(what_fails_each_time_is_given_up_after_the_attempts_it_has),
           CREW_TEST(what_is_put_off_is_no_failure),
           CREW_TEST(a_job_whose_runs_were_lost_is_run_again_and_told_how_often),
           CREW_TEST(runs_that_were_lost_use_up_none_of_those_that_may_fail), CREW_TEST(who_lost_the_lease_does_not_give_the_job_up),
           CREW_TEST(a_job_that_takes_longer_than_its_lease_is_not_taken_by_another_thread),
           CREW_TEST(draining_ends_what_runs_and_begins_nothing),
           CREW_TEST(a_job_that_waits_for_an_answer_holds_its_place_and_no_other),
           CREW_TEST(a_job_that_waits_for_its_answer_longer_than_its_lease_stays_claimed));
