/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run jobs: claim under a lease, renew it while the work goes on, settle. What a service's background work has in common, so
 * that it writes only the work itself.
 *
 *          take_many            begin                bf_job_run_end           settle
 *   due ------------> claimed ---------> under way -----------------> ended ---------> done, due again, dead
 *       one write                                                          one write
 *
 * A thread holds up to `places` jobs, in any step of that way: what is claimed together begins together, what has ended by then is settled together.
 */
#pragma once
#include "storage/jobs.h"

struct bf_job_runner;

/* How a failed job goes on. Set to the kind's backoff before the work begins; the work may change it. */
struct bf_job_again {
    int64_t pause_ms; /* until the next attempt */
    bool count;       /* the attempt counts against `attempts_max` */
    bool give_up;     /* no further attempt */
    bool put_off;     /* nothing failed: it is not its time yet. No warning, no metric */
};

/*
 * Does one job. BF_OK: done. Else `e` says why and `again` how it goes on. Must be safe to run twice: commit results under the job's id as request.
 *
 * No job is given up for runs that were lost (the process ended): a record may wait for it. Where the job itself may be what ends the process, the work
 * looks at job->lost and writes a verdict when it is many.
 */
typedef enum bf_status bf_job_run_fn(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e);

/* One run of a claimed job, for work that goes on while its thread does something else. */
struct bf_job_run {
    const struct bf_job *job;
    struct bf_arena *arena; /* these two live until the run was settled */
    struct bf_mailbox *home; /* what is posted there runs on the thread that called `begin` */
    struct bf_job_again again;

    /* Set before bf_job_run_end: why, unless BF_OK; and documents that are to be there when the job is settled (bf_job_end.writes), in `arena`. */
    struct bf_error error;
    const struct bf_write *writes;
    unsigned n_writes;

    enum bf_status status; /* how it ended */
    void (*over)(struct bf_job_run *run); /* what bf_job_run_end calls: the runner's, or of a test that has none */

    /* the runner's */
    struct bf__worker *worker;
    struct bf_job_run *next, *prev;
    int64_t renew_at_ms;
};

/* Begins the runs, all claimed together; each is to reach bf_job_run_end, now or later. Does not wait longer than the store takes. */
typedef void bf_job_begin_fn(void *ctx, struct bf_job_run *const *runs, unsigned n);
/* The run is over, as bf_job_run_fn returns it. Once, on the thread that began it; the run is not the caller's any more. Some milliseconds may pass
 * before it is settled, with others. */
void bf_job_run_end(struct bf_job_run *run, enum bf_status status);

struct bf_job_work {
    const char *kind;
    unsigned threads;
    int64_t lease_ms;
    int attempts_max; /* runs that failed and count; then it is dead */
    int64_t pause_ms, pause_ms_max; /* doubles with each attempt */
    bf_job_run_fn *run; /* one job after the other */
    bf_job_begin_fn *begin; /* instead of `run`: up to `places` (1..BF_JOBS_MAX) at the same time, in each thread */
    unsigned places;
    void *ctx;
};

/* Runs nothing yet, so that the work finds the runner, and whatever else it needs, in its place when it begins. `works` is copied. */
struct bf_job_runner *bf_job_runner_create(const struct bf_env *env, struct bf_store *store, const struct bf_job_work *works, unsigned n);
/* Starts the threads of all kinds. Once. */
void bf_job_runner_start(struct bf_job_runner *runner);
/* There may be something to do: after a job was added. Any thread, also before the start. */
void bf_job_runner_wake(struct bf_job_runner *runner);
/* Claims no more; jobs under way go on. */
void bf_job_runner_drain(struct bf_job_runner *runner);
/* Drains, waits for the jobs under way, frees; also what was never started. */
void bf_job_runner_stop(struct bf_job_runner **runner);
