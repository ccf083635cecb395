/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each thread claims jobs of its kind as long as there are any, then sleeps until it is woken or POLL_MS passed: what becomes due by time
 * alone, or by a clock that was moved, is found then. One more thread renews the leases of the jobs under way when a third of them is over.
 */
#include "storage/job_runner.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/thread.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { POLL_MS = 250, KEEP_MS = 1000, THREADS_MAX = 64 };

struct worker {
    struct bf_job_runner *runner;
    const struct bf_job_work *work;
    pthread_t thread;
    const struct bf_job *job; /* under way, under the runner's lock; else NULL */
    int64_t renew_at_ms;      /* monotonic */
};

struct bf_job_runner {
    const struct bf_env *env;
    struct bf_store *store;
    pthread_mutex_t lock;
    pthread_cond_t wake, kept;
    uint64_t wakes;
    bool draining, stopping;
    pthread_t keeper;
    struct bf_job_work *works;
    unsigned n_works, n_workers;
    struct worker workers[THREADS_MAX];
};

static struct timespec in_ms(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* ---- one job ---- */

/* With all that finds the job again, and what it was about; its id is the trace of whatever was done for it. */
static void log_job(struct bf_job_runner *r, enum bf_log_level level, const char *event, const struct bf_job *job, const struct bf_error *e)
{
    char id[BF_UUID_TEXT], tenant[BF_UUID_TEXT], ref[BF_UUID_TEXT];
    bf_uuid_text(&job->id, id);
    bf_uuid_text(&job->tenant, tenant);
    bf_uuid_text(&job->ref, ref);
    bf_log(r->env, level, event, e->cause, BF_L_STR("code", bf_status_code(e->status)), BF_L_STR("kind", job->kind), BF_L_STR("job", id),
           BF_L_STR("tenant", tenant), BF_L_STR("ref", ref), BF_L_INT("attempt", job->attempt), BF_L_INT("lost", job->lost), BF_L_END);
}

/* Said only by who holds the lease: whoever took the job over may have done it well. */
static enum bf_status give_up(struct bf_job_runner *r, const struct bf_job *job, const struct bf_error *why, struct bf_error *e)
{
    enum bf_status status = bf_job_dead(r->store, job, why->cause, e);
    if (status == BF_OK)
        log_job(r, BF_LOG_ERROR, "job.dead", job, why);
    return status;
}

static void settle(struct worker *w, const struct bf_job *job, enum bf_status status, const struct bf_job_again *again, struct bf_error *e)
{
    struct bf_job_runner *r = w->runner;
    struct bf_error settled = {0};
    if (status == BF_OK) {
        status = bf_job_done(r->store, job, &settled);
    } else if (again->give_up || (again->count && job->attempt >= w->work->attempts_max)) {
        status = give_up(r, job, e, &settled);
    } else {
        log_job(r, again->put_off ? BF_LOG_DEBUG : BF_LOG_WARN, again->put_off ? "job.put_off" : "job.failed", job, e);
        bf_metric_add(r->env->metrics, BF_M_JOBS_FAILED, again->put_off ? 0 : 1);
        status = bf_job_retry(r->store, job, bf_now_ms(r->env) + again->pause_ms, again->count, e->cause, &settled);
    }
    if (status != BF_OK && status != BF_E_STALE)
        log_job(r, BF_LOG_ERROR, "job.unsettled", job, &settled); /* its lease will run out, and it is done once more */
}

static int64_t backoff(const struct bf_job_work *work, int attempt)
{
    int64_t pause = work->pause_ms;
    for (int i = 1; i < attempt && pause < work->pause_ms_max; i++)
        pause *= 2;
    return pause < work->pause_ms_max ? pause : work->pause_ms_max;
}

static void set_job(struct worker *w, const struct bf_job *job)
{
    pthread_mutex_lock(&w->runner->lock);
    w->job = job;
    w->renew_at_ms = bf_mono_ms(w->runner->env) + w->work->lease_ms / 3;
    pthread_cond_broadcast(&w->runner->kept);
    pthread_mutex_unlock(&w->runner->lock);
}

static enum bf_status run_job(struct worker *w, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    set_job(w, job);
    enum bf_status status = w->work->run(w->work->ctx, job, arena, again, e);
    set_job(w, NULL);
    return status;
}

/* True when there was a job. */
static bool run_one(struct worker *w)
{
    struct bf_job_runner *r = w->runner;
    struct bf_arena *arena = bf_arena_create();
    struct bf_job *job = NULL;
    struct bf_error e = {0};
    enum bf_status status = bf_job_take(r->store, w->work->kind, bf_now_ms(r->env), w->work->lease_ms, arena, &job, &e);
    if (status != BF_OK)
        bf_log(r->env, BF_LOG_WARN, "job.not_taken", e.cause, BF_L_STR("code", bf_status_code(e.status)), BF_L_STR("kind", w->work->kind),
               BF_L_END);
    if (job != NULL) {
        struct bf_job_again again = {.pause_ms = backoff(w->work, job->attempt), .count = true};
        status = run_job(w, job, arena, &again, &e);
        settle(w, job, status, &again, &e);
    }
    bf_arena_destroy(&arena);
    return job != NULL;
}

/* ---- threads ---- */

static bool is_draining(struct bf_job_runner *r, uint64_t *wakes)
{
    pthread_mutex_lock(&r->lock);
    bool draining = r->draining;
    *wakes = r->wakes;
    pthread_mutex_unlock(&r->lock);
    return draining;
}

static void sleep_until_woken(struct bf_job_runner *r, uint64_t wakes)
{
    struct timespec until = in_ms(POLL_MS);
    pthread_mutex_lock(&r->lock);
    while (!r->draining && r->wakes == wakes)
        if (pthread_cond_timedwait(&r->wake, &r->lock, &until) == ETIMEDOUT)
            break;
    pthread_mutex_unlock(&r->lock);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t wakes;
    while (!is_draining(w->runner, &wakes))
        if (!run_one(w))
            sleep_until_woken(w->runner, wakes);
    return NULL;
}

/* The jobs under way whose third is over; under the lock. */
static unsigned collect_due(struct bf_job_runner *r, struct bf_job *held, int64_t *until_ms)
{
    int64_t mono = bf_mono_ms(r->env), now = bf_now_ms(r->env);
    unsigned n = 0;
    for (unsigned i = 0; i < r->n_workers; i++) {
        struct worker *w = &r->workers[i];
        if (w->job == NULL || mono < w->renew_at_ms)
            continue;
        w->renew_at_ms = mono + w->work->lease_ms / 3;
        held[n] = (struct bf_job){.id = w->job->id, .fence = w->job->fence};
        until_ms[n++] = now + w->work->lease_ms;
    }
    return n;
}

/* All with one write: one after the other, on a disk that takes a second for each, the last would come after its lease had run out. The lock is let go
 * while the store writes, so that no worker waits for that: a job that is settled meanwhile is a copy here, and its fence no longer fits. */
static void renew(struct bf_job_runner *r)
{
    struct bf_job held[THREADS_MAX];
    int64_t until_ms[THREADS_MAX];
    unsigned n = collect_due(r, held, until_ms);
    if (n == 0)
        return;
    pthread_mutex_unlock(&r->lock);
    bf_job_renew(r->store, held, until_ms, n, NULL);
    pthread_mutex_lock(&r->lock);
}

/* At most KEEP_MS, since the clock may be one that is moved. */
static int64_t until_due(const struct bf_job_runner *r)
{
    int64_t mono = bf_mono_ms(r->env), wait = KEEP_MS;
    for (unsigned i = 0; i < r->n_workers; i++)
        if (r->workers[i].job != NULL && r->workers[i].renew_at_ms - mono < wait)
            wait = r->workers[i].renew_at_ms - mono;
    return wait < 1 ? 1 : wait;
}

static void *keep(void *arg)
{
    struct bf_job_runner *r = arg;
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct timespec until = in_ms(until_due(r));
        pthread_cond_timedwait(&r->kept, &r->lock, &until);
        renew(r);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void start_thread(pthread_t *thread, void *(*run)(void *), void *arg, const char *name)
{
    if (bf_thread_start(thread, name, run, arg) != 0)
        abort();
}

struct bf_job_runner *bf_job_runner_start(const struct bf_env *env, struct bf_store *store, const struct bf_job_work *works, unsigned n)
{
    struct bf_job_runner *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;
    if (r == NULL || (r->works = calloc(n, sizeof *r->works)) == NULL)
        abort();
    memcpy(r->works, works, n * sizeof *works);
    r->env = env;
    r->store = store;
    r->n_works = n;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_cond_init(&r->kept, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < works[i].threads; k++) {
            assert(r->n_workers < THREADS_MAX);
            struct worker *w = &r->workers[r->n_workers++];
            *w = (struct worker){.runner = r, .work = &r->works[i]};
        }
    }
    for (unsigned i = 0; i < r->n_workers; i++)
        start_thread(&r->workers[i].thread, work, &r->workers[i], r->workers[i].work->kind);
    start_thread(&r->keeper, keep, r, "lease-keeper");
    return r;
}

void bf_job_runner_wake(struct bf_job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    r->wakes++;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void bf_job_runner_drain(struct bf_job_runner *r)
{
    pthread_mutex_lock(&r->lock);
    r->draining = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void bf_job_runner_stop(struct bf_job_runner **runner)
{
    struct bf_job_runner *r = *runner;
    if (r == NULL)
        return;
    bf_job_runner_drain(r);
    for (unsigned i = 0; i < r->n_workers; i++)
        pthread_join(r->workers[i].thread, NULL);
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_broadcast(&r->kept);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->keeper, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_cond_destroy(&r->kept);
    pthread_mutex_destroy(&r->lock);
    free(r->works);
    free(r);
    *runner = NULL;
}
