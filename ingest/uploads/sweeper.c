/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"
#include "core/log.h"
#include "ingest/internal.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct bf__sweeper {
    struct bf_ingest *ingest;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping;
};

/* False when it is time to stop. The pause is real time, whatever the wall clock shows. */
static bool pause_for(struct bf__sweeper *s, int64_t seconds)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&s->lock);
    while (!s->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->wake, &s->lock, &until);
    bool go_on = !s->stopping;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

static void *sweep(void *arg)
{
    struct bf__sweeper *s = arg;
    struct bf_ingest *in = s->ingest;
    while (pause_for(s, in->sweep_s)) {
        struct bf_error e = {0};
        unsigned n = 0;
        if (bf_stage_expire(in->store, bf_now_ms(in->env), &n, &e) != BF_OK)
            bf_log_error(in->env, BF_LOG_WARN, "uploads.sweep", &e);
        if (n > 0)
            bf_log(in->env, BF_LOG_INFO, "uploads.expired", "uploads that nobody touched were deleted", BF_L_INT("n", n), BF_L_END);
    }
    return NULL;
}

struct bf__sweeper *bf__sweeper_start(struct bf_ingest *ingest)
{
    struct bf__sweeper *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;
    sigset_t all, old;
    if (s == NULL)
        abort();
    s->ingest = ingest;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&s->thread, NULL, sweep, s) != 0)
        abort();
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_setname_np(s->thread, "upload-sweeper");
    return s;
}

void bf__sweeper_stop(struct bf__sweeper **sweeper)
{
    struct bf__sweeper *s = *sweeper;
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    free(s);
    *sweeper = NULL;
}
