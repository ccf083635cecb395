/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that run jobs: claim under a lease, renew it while the work goes on, settle. What a service's background work has in common, so
 * that it writes only the work itself.
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

struct bf_job_work {
    const char *kind;
    unsigned threads;
    int64_t lease_ms;
    int attempts_max; /* runs that failed and count; then it is dead */
    int64_t pause_ms, pause_ms_max; /* doubles with each attempt */
    bf_job_run_fn *run;
    void *ctx;
};

/* Starts the threads of all kinds. `works` is copied. */
struct bf_job_runner *bf_job_runner_start(const struct bf_env *env, struct bf_store *store, const struct bf_job_work *works, unsigned n);
/* There may be something to do: after a job was added. Any thread. */
void bf_job_runner_wake(struct bf_job_runner *runner);
/* Claims no more; jobs under way go on. */
void bf_job_runner_drain(struct bf_job_runner *runner);
/* Drains, waits for the jobs under way, frees. */
void bf_job_runner_stop(struct bf_job_runner **runner);
