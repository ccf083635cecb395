/* SPDX-License-Identifier: Apache-2.0 */
/* What the jobs of reminders and of delivery have in common. */
#include "core/arena.h"
#include "core/env.h"
#include "push/internal.h"

/* Nobody is woken for what is due later: the runner looks for that by itself. */
enum bf_status bf__jobs_add(struct bf_push *push, const struct bf_job *jobs, unsigned n, struct bf_error *e)
{
    int64_t now_ms = bf_now_ms(push->ctx->env);
    bool is_due = false;
    enum bf_status status = n == 0 ? BF_OK : bf_job_add(push->ctx->store, jobs, n, e);
    for (unsigned i = 0; i < n && !is_due; i++)
        is_due = jobs[i].due_ms <= now_ms;
    if (status == BF_OK && is_due)
        bf_job_runner_wake(push->runner);
    return status;
}

int64_t bf__pause_ms(const struct bf_env *env, int64_t age_ms, int64_t least_ms, int64_t most_ms)
{
    uint16_t dice;
    int64_t pause_ms = age_ms < least_ms ? least_ms : age_ms > most_ms ? most_ms : age_ms;
    bf_random(env, &dice, sizeof dice);
    return pause_ms - pause_ms / 4 * dice / UINT16_MAX;
}

void bf__fail(struct bf_job_run *run, const struct bf_error *e)
{
    run->error = *e;
    bf_job_run_end(run, e->status);
}

void bf__put_off(struct bf_job_run *run, int64_t pause_ms, const char *why)
{
    run->again.pause_ms = pause_ms;
    run->again.put_off = true;
    bf_job_run_end(run, bf_fail(&run->error, BF_E_UNAVAILABLE, "%s", why));
}

void bf__each_tenant(struct bf_job_run *const *runs, unsigned n, bf__of_tenant_fn *fn, void *ctx)
{
    struct bf_job_run *left[BF_JOBS_MAX], *of[BF_JOBS_MAX];
    memcpy(left, runs, n * sizeof(struct bf_job_run *));
    while (n > 0) {
        struct bf_uuid tenant = left[0]->job->tenant;
        unsigned n_of = 0, kept = 0;
        for (unsigned i = 0; i < n; i++) {
            if (bf_uuid_eq(&left[i]->job->tenant, &tenant))
                of[n_of++] = left[i];
            else
                left[kept++] = left[i];
        }
        n = kept;
        fn(ctx, tenant, of, n_of);
    }
}

enum bf_status bf__get_all(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n,
                           struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned at = 0; at < n && status == BF_OK; at += BF_IN_MAX)
        status = bf_store_get_many(store, coll, tenant, ids + at, n - at < BF_IN_MAX ? n - at : BF_IN_MAX, arena, ret + at, e);
    return status;
}
