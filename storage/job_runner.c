/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each thread works in turns. In a turn it settles what has ended, claims as many jobs as it has free places, and begins them. Between turns it runs what
 * is posted to it (answers that the work waits for), until a quarter of its places has ended, or all that it holds has, or LINGER_MS passed since the
 * first did, or somebody woke it, or POLL_MS passed: what becomes due by time alone, or by a clock that was moved, is found then. On a store that is
 * shared, where each look costs a round trip and other processes look too, who finds nothing comes less and less often: at last every POLL_MS_MAX. So with much to do the
 * writes of many jobs share a transaction, and a job that is alone does not wait.
 *
 * One more thread renews the leases of the jobs under way when a third of them is over.
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
#include <utlist.h>

enum { POLL_MS = 250, POLL_MS_MAX = 900, KEEP_MS = 1000, LINGER_MS = 5, THREADS_MAX = 64, CLAIM_MAX = 128 };

struct bf__worker {
    struct bf_job_runner *runner;
    const struct bf_job_work *work;
    pthread_t thread;
    struct bf_mailbox home;
    unsigned places;

    pthread_mutex_t lock;
    pthread_cond_t called;
    struct bf_task *tasks, **tasks_tail; /* the next three under `lock` */
    bool woken, draining;

    struct bf_job_run *held; /* claimed and not ended; under the runner's lock, so that the keeper sees them */
    unsigned n_held;         /* the rest is the thread's own */
    struct bf_job_run *ended;
    unsigned n_ended;
    int64_t first_ended_ms; /* real, as all waiting here */
    int64_t poll_ms;
};

struct bf_job_runner {
    const struct bf_env *env;
    struct bf_store *store;
    pthread_mutex_t lock;
    pthread_cond_t kept;
    bool started, stopping;
    pthread_t keeper;
    struct bf_job_work *works;
    unsigned n_works, n_workers;
    struct bf__worker workers[THREADS_MAX];
};

/* ---- settling ---- */

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

static enum bf_job_act act_of(const struct bf__worker *w, const struct bf_job_run *run)
{
    if (run->status == BF_OK)
        return BF_JOB_DONE;
    return run->again.give_up || (run->again.count && run->job->attempt >= w->work->attempts_max) ? BF_JOB_DEAD : BF_JOB_RETRY;
}

static struct bf_job_end end_of(struct bf__worker *w, const struct bf_job_run *run)
{
    struct bf_job_runner *r = w->runner;
    const struct bf_job_again *again = &run->again;
    struct bf_job_end end = {.job = run->job, .act = act_of(w, run), .writes = run->writes, .n_writes = run->n_writes};
    if (end.act == BF_JOB_DONE)
        return end;
    end.cause = run->error.cause;
    if (end.act == BF_JOB_DEAD)
        return end;
    end.due_ms = bf_now_ms(r->env) + again->pause_ms;
    end.count = again->count;
    log_job(r, again->put_off ? BF_LOG_DEBUG : BF_LOG_WARN, again->put_off ? "job.put_off" : "job.failed", run->job, &run->error);
    bf_metric_add(r->env->metrics, BF_M_JOBS_FAILED, again->put_off ? 0 : 1);
    return end;
}

/* What was given up is said only by who holds the lease: whoever took the job over may have done it well. */
static void say_end(struct bf_job_runner *r, const struct bf_job_run *run, const struct bf_job_end *end, const struct bf_error *why)
{
    struct bf_error e = {.status = end->status};
    memcpy(e.cause, why->cause, sizeof e.cause);
    if (end->status == BF_OK && end->act == BF_JOB_DEAD)
        log_job(r, BF_LOG_ERROR, "job.dead", run->job, &run->error);
    else if (end->status != BF_OK && end->status != BF_E_STALE)
        log_job(r, BF_LOG_ERROR, "job.unsettled", run->job, &e); /* its lease will run out, and it is done once more */
}

static void settle_ended(struct bf__worker *w)
{
    struct bf_job_end ends[BF_JOBS_MAX];
    struct bf_job_run *runs[BF_JOBS_MAX], *run, *next;
    struct bf_error why = {0};
    unsigned n = 0;
    DL_FOREACH_SAFE(w->ended, run, next) {
        runs[n] = run;
        ends[n++] = end_of(w, run);
    }
    if (n == 0)
        return;
    bf_job_settle(w->runner->store, ends, n, &why);
    for (unsigned i = 0; i < n; i++) {
        struct bf_arena *arena = runs[i]->arena;
        say_end(w->runner, runs[i], &ends[i], &why);
        bf_arena_destroy(&arena);
    }
    w->ended = NULL;
    w->n_ended = 0;
}

/* ---- claiming and beginning ---- */

static int64_t backoff(const struct bf_job_work *work, int attempt)
{
    int64_t pause = work->pause_ms;
    for (int i = 1; i < attempt && pause < work->pause_ms_max; i++)
        pause *= 2;
    return pause < work->pause_ms_max ? pause : work->pause_ms_max;
}

static void over(struct bf_job_run *run)
{
    struct bf__worker *w = run->worker;
    pthread_mutex_lock(&w->runner->lock);
    DL_DELETE(w->held, run);
    pthread_mutex_unlock(&w->runner->lock);
    if (w->n_ended == 0)
        w->first_ended_ms = bf_real_ms();
    DL_APPEND(w->ended, run);
    w->n_held--;
    w->n_ended++;
}

void bf_job_run_end(struct bf_job_run *run, enum bf_status status)
{
    run->status = status;
    run->over(run);
}

static struct bf_job_run *new_run(struct bf__worker *w, const struct bf_job *job)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_job_run *run = bf_arena_calloc(arena, 1, sizeof *run);
    run->job = bf_job_copy(arena, job);
    run->arena = arena;
    run->home = &w->home;
    run->worker = w;
    run->over = over;
    run->again = (struct bf_job_again){.pause_ms = backoff(w->work, job->attempt), .count = true};
    run->renew_at_ms = bf_mono_ms(w->runner->env) + w->work->lease_ms / 3;
    return run;
}

static void hold(struct bf__worker *w, struct bf_job *const *jobs, unsigned n, struct bf_job_run **runs)
{
    for (unsigned i = 0; i < n; i++)
        runs[i] = new_run(w, jobs[i]);
    pthread_mutex_lock(&w->runner->lock);
    for (unsigned i = 0; i < n; i++)
        DL_APPEND(w->held, runs[i]);
    pthread_cond_signal(&w->runner->kept);
    pthread_mutex_unlock(&w->runner->lock);
    w->n_held += n;
}

static void run_each(struct bf__worker *w, struct bf_job_run *const *runs, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        bf_job_run_end(runs[i], w->work->run(w->work->ctx, runs[i]->job, runs[i]->arena, &runs[i]->again, &runs[i]->error));
}

/* As many as are due and find a place; true when there may be more. */
static bool claim_some(struct bf__worker *w)
{
    struct bf_job_runner *r = w->runner;
    struct bf_job *jobs[CLAIM_MAX];
    struct bf_job_run *runs[CLAIM_MAX];
    struct bf_error e = {0};
    unsigned n = 0, room = w->places - w->n_held, max = room < CLAIM_MAX ? room : CLAIM_MAX;
    if (max == 0)
        return false;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_job_take_many(r->store, w->work->kind, bf_now_ms(r->env), w->work->lease_ms, max, arena, jobs, &n, &e);
    if (status != BF_OK)
        bf_log(r->env, BF_LOG_WARN, "job.not_taken", e.cause, BF_L_STR("code", bf_status_code(e.status)), BF_L_STR("kind", w->work->kind),
               BF_L_END);
    if (n > 0)
        hold(w, jobs, n, runs);
    w->poll_ms = n > 0 || !bf_store_is_shared(r->store) ? POLL_MS : w->poll_ms * 2 < POLL_MS_MAX ? w->poll_ms * 2 : POLL_MS_MAX;
    bf_arena_destroy(&arena);
    if (n > 0 && w->work->begin != NULL)
        w->work->begin(w->work->ctx, runs, n);
    else if (n > 0)
        run_each(w, runs, n);
    return n == max && w->n_held < w->places;
}

/* ---- threads ---- */

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct bf__worker *w = BF_CONTAINER(mailbox, struct bf__worker, home);
    pthread_mutex_lock(&w->lock);
    if (w->tasks == NULL)
        pthread_cond_signal(&w->called);
    task->next = NULL;
    *w->tasks_tail = task;
    w->tasks_tail = &task->next;
    pthread_mutex_unlock(&w->lock);
}

static void run_tasks(struct bf_task *tasks)
{
    for (struct bf_task *next; tasks != NULL; tasks = next) {
        next = tasks->next;
        tasks->run(tasks);
    }
}

static bool is_enough(const struct bf__worker *w) { return w->n_ended > 0 && (w->n_held == 0 || w->n_ended * 4 >= w->places); }

/* Whom somebody woke looks for jobs, if there is a place for one. */
static bool is_wanted(const struct bf__worker *w) { return is_enough(w) || (w->woken && w->n_held + w->n_ended < w->places); }

/* Runs what is posted until it is time for a turn. */
static void wait_for_turn(struct bf__worker *w)
{
    int64_t poll_at_ms = bf_real_ms() + w->poll_ms;
    bool late = false;
    pthread_mutex_lock(&w->lock);
    while (!late && !is_wanted(w)) {
        struct bf_task *tasks = w->tasks;
        if (tasks == NULL) {
            struct timespec until = bf_real_moment(w->n_ended > 0 ? w->first_ended_ms + LINGER_MS : poll_at_ms);
            late = pthread_cond_timedwait(&w->called, &w->lock, &until) == ETIMEDOUT;
            continue;
        }
        w->tasks = NULL;
        w->tasks_tail = &w->tasks;
        pthread_mutex_unlock(&w->lock);
        run_tasks(tasks);
        pthread_mutex_lock(&w->lock);
    }
    w->woken = false;
    pthread_mutex_unlock(&w->lock);
}

static bool is_draining(struct bf__worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool draining = w->draining;
    pthread_mutex_unlock(&w->lock);
    return draining;
}

static void *work(void *arg)
{
    struct bf__worker *w = arg;
    bool draining = false;
    while (!draining || w->n_held > 0 || w->n_ended > 0) {
        settle_ended(w);
        draining = is_draining(w);
        bool more = !draining && claim_some(w);
        if (!more && (w->n_held > 0 || !draining) && !is_enough(w))
            wait_for_turn(w);
    }
    return NULL;
}

/* The jobs under way whose third is over, as many as are renewed at once; under the lock. */
static unsigned collect_due(struct bf_job_runner *r, struct bf_job *held, int64_t *until_ms)
{
    int64_t mono = bf_mono_ms(r->env), now = bf_now_ms(r->env);
    unsigned n = 0;
    for (unsigned i = 0; i < r->n_workers; i++) {
        int64_t lease_ms = r->workers[i].work->lease_ms;
        struct bf_job_run *run;
        DL_FOREACH(r->workers[i].held, run) {
            if (mono < run->renew_at_ms || n == BF_JOBS_MAX)
                continue;
            run->renew_at_ms = mono + lease_ms / 3;
            held[n] = (struct bf_job){.id = run->job->id, .fence = run->job->fence};
            until_ms[n++] = now + lease_ms;
        }
    }
    return n;
}

/* All with one write: one after the other, on a disk that takes a second for each, the last would come after its lease had run out. The lock is let go
 * while the store writes, so that no worker waits for that: a job that is settled meanwhile is a copy here, and its fence no longer fits. */
static void renew(struct bf_job_runner *r, struct bf_job *held, int64_t *until_ms)
{
    unsigned n;
    while ((n = collect_due(r, held, until_ms)) > 0) {
        pthread_mutex_unlock(&r->lock);
        bf_job_renew(r->store, held, until_ms, n, NULL);
        pthread_mutex_lock(&r->lock);
    }
}

/* At most KEEP_MS, since the clock may be one that is moved. */
static int64_t until_due(const struct bf_job_runner *r)
{
    int64_t mono = bf_mono_ms(r->env), wait = KEEP_MS;
    const struct bf_job_run *run;
    for (unsigned i = 0; i < r->n_workers; i++)
        DL_FOREACH(r->workers[i].held, run)
            if (run->renew_at_ms - mono < wait)
                wait = run->renew_at_ms - mono;
    return wait < 1 ? 1 : wait;
}

static void *keep(void *arg)
{
    struct bf_job_runner *r = arg;
    struct bf_job *held = calloc(BF_JOBS_MAX, sizeof *held);
    int64_t *until_ms = calloc(BF_JOBS_MAX, sizeof *until_ms);
    if (held == NULL || until_ms == NULL)
        abort();
    pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        struct timespec until = bf_real_moment(bf_real_ms() + until_due(r));
        pthread_cond_timedwait(&r->kept, &r->lock, &until);
        renew(r, held, until_ms);
    }
    pthread_mutex_unlock(&r->lock);
    free(held);
    free(until_ms);
    return NULL;
}

/* ---- starting and stopping ---- */

static void start_thread(pthread_t *thread, void *(*run)(void *), void *arg, const char *name)
{
    if (bf_thread_start(thread, name, run, arg) != 0)
        abort();
}

static void add_worker(struct bf_job_runner *r, const struct bf_job_work *work)
{
    assert(r->n_workers < THREADS_MAX && (work->begin == NULL || (work->places > 0 && work->places <= BF_JOBS_MAX)));
    struct bf__worker *w = &r->workers[r->n_workers++];
    *w = (struct bf__worker){.runner = r, .work = work, .home.post = post, .places = work->begin == NULL ? 1 : work->places, .poll_ms = POLL_MS};
    w->tasks_tail = &w->tasks;
    pthread_mutex_init(&w->lock, NULL);
    bf_real_cond_init(&w->called);
}

struct bf_job_runner *bf_job_runner_create(const struct bf_env *env, struct bf_store *store, const struct bf_job_work *works, unsigned n)
{
    struct bf_job_runner *r = calloc(1, sizeof *r);
    if (r == NULL || (r->works = calloc(n, sizeof *r->works)) == NULL)
        abort();
    memcpy(r->works, works, n * sizeof *works);
    r->env = env;
    r->store = store;
    r->n_works = n;
    pthread_mutex_init(&r->lock, NULL);
    bf_real_cond_init(&r->kept);
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < works[i].threads; k++)
            add_worker(r, &r->works[i]);
    return r;
}

void bf_job_runner_start(struct bf_job_runner *r)
{
    assert(!r->started);
    r->started = true;
    for (unsigned i = 0; i < r->n_workers; i++)
        start_thread(&r->workers[i].thread, work, &r->workers[i], r->workers[i].work->kind);
    start_thread(&r->keeper, keep, r, "lease-keeper");
}

/* All of them look: which kind it was is not known here. */
static void call_all(struct bf_job_runner *r, bool drain)
{
    for (unsigned i = 0; i < r->n_workers; i++) {
        struct bf__worker *w = &r->workers[i];
        pthread_mutex_lock(&w->lock);
        w->woken = true;
        w->draining = w->draining || drain;
        pthread_cond_signal(&w->called);
        pthread_mutex_unlock(&w->lock);
    }
}

void bf_job_runner_wake(struct bf_job_runner *r) { call_all(r, /* drain= */ false); }

void bf_job_runner_drain(struct bf_job_runner *r) { call_all(r, /* drain= */ true); }

static void free_worker(struct bf__worker *w)
{
    pthread_cond_destroy(&w->called);
    pthread_mutex_destroy(&w->lock);
}

static void join_all(struct bf_job_runner *r)
{
    bf_job_runner_drain(r);
    for (unsigned i = 0; i < r->n_workers; i++)
        pthread_join(r->workers[i].thread, NULL);
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->kept);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->keeper, NULL);
}

void bf_job_runner_stop(struct bf_job_runner **runner)
{
    struct bf_job_runner *r = *runner;
    if (r == NULL)
        return;
    if (r->started)
        join_all(r);
    for (unsigned i = 0; i < r->n_workers; i++)
        free_worker(&r->workers[i]);
    pthread_cond_destroy(&r->kept);
    pthread_mutex_destroy(&r->lock);
    free(r->works);
    free(r);
    *runner = NULL;
}
