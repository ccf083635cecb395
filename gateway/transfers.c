/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a transfer the customer's children follow: contacts, visits and what hangs on them get the new owner and team, by a job derived from the
 * log. Each step is one entry of the log, whose request id is made from the job's id and the page, so that a crash repeats no step. Until
 * the job is done, reads and lists go by the customer itself.
 */
#include "core/log.h"
#include "core/pool.h"
#include "gateway/internal.h"
#include "storage/jobs.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { LEASE_MS = 30000, RETRY_MS = 2000, POLL_MS = 1000, VISITS_AT_ONCE = 4, STEP_DOCS_MAX = BF_READS_MAX - 2 };

static const char job_kind[] = "follow_transfer";

/* A kind of child: where it hangs, and the rows that follow. */
static const struct child {
    const struct bf_collection *coll;
    const struct bf_index *index; /* by customer, or by visit */
    unsigned parent_row, owner_row, team_row;
} of_customer[] = {{&bf_contacts, &bf_contacts_by_customer, BF_CONTACT_CUSTOMER, BF_CONTACT_OWNER, BF_CONTACT_TEAM},
                   {&bf_visits, &bf_visits_by_customer, BF_VISIT_CUSTOMER, BF_VISIT_OWNER, BF_VISIT_TEAM}},
  of_visit[] = {{&bf_verdicts, &bf_verdicts_by_visit, BF_VERDICT_VISIT, BF_VERDICT_OWNER, BF_VERDICT_TEAM},
                {&bf_supplements, &bf_supplements_by_visit, BF_SUPPLEMENT_VISIT, BF_SUPPLEMENT_OWNER, BF_SUPPLEMENT_TEAM},
                {&bf_media, &bf_media_by_visit, BF_MEDIA_VISIT, BF_MEDIA_OWNER, BF_MEDIA_TEAM},
                {&bf_transcripts, &bf_transcripts_by_visit, BF_TRANSCRIPT_VISIT, BF_TRANSCRIPT_OWNER, BF_TRANSCRIPT_TEAM}};

struct bf_transfers {
    const struct bf_service_ctx *ctx;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool woken, stopping;
};

/* ---- one step: these documents get the customer's owner and team, as they are in the decision ---- */

struct step {
    struct bf_uuid customer;
    struct {
        const struct child *child;
        struct bf_uuid id;
    } docs[STEP_DOCS_MAX];
    unsigned n;
};

static enum bf_status decide_step(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct step *step = ctx;
    const struct bf_doc *customer = bf_view_get(view, &bf_customers, step->customer);
    if (customer == NULL || customer->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "the customer is gone");
    struct bf_uuid owner = bf_get_uuid(&customer->object, BF_CUSTOMER_OWNER), team = bf_get_uuid(&customer->object, BF_CUSTOMER_TEAM);
    for (unsigned i = 0; i < step->n; i++) {
        const struct child *child = step->docs[i].child;
        const struct bf_doc *before = bf_view_get(view, child->coll, step->docs[i].id);
        if (before == NULL || before->tombstone)
            continue;
        struct bf_uuid was_owner = bf_get_uuid(&before->object, child->owner_row), was_team = bf_get_uuid(&before->object, child->team_row);
        if (bf_uuid_eq(&was_owner, &owner) && bf_uuid_eq(&was_team, &team))
            continue;
        struct bf_doc *after = bf_doc_copy(arena, before);
        bf_set_uuid(&after->object, child->owner_row, owner);
        bf_set_uuid(&after->object, child->team_row, team);
        bf_decision_put(d, child->coll, after);
    }
    bf_decision_receipt(d, 200, bf_str("", 0), step->customer);
    return BF_OK;
}

static enum bf_status commit_step(struct bf_transfers *t, const struct bf_job *job, struct step *step, unsigned *n_step, struct bf_arena *arena,
                                  struct bf_error *e)
{
    struct bf_read reads[BF_READS_MAX];
    struct bf_receipt receipt;
    struct {
        struct bf_uuid job;
        uint32_t step;
    } name = {.job = job->id, .step = (*n_step)++};
    struct bf_uuid request = bf_uuid_from_name(&name, sizeof name.job + sizeof name.step);
    struct bf_submission submission = {
        .tenant = job->tenant, .reads = reads, .n_reads = step->n + 1, .decide = decide_step, .ctx = step};
    if (step->n == 0)
        return BF_OK;
    reads[0] = (struct bf_read){.coll = &bf_customers, .id = step->customer};
    for (unsigned i = 0; i < step->n; i++)
        reads[i + 1] = (struct bf_read){.coll = step->docs[i].child->coll, .id = step->docs[i].id};
    memcpy(&submission.request, &request, sizeof submission.request);
    enum bf_status status = bf_submit_wait(t->ctx->store, &submission, arena, &receipt, e);
    step->n = 0;
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

/* ---- walking the children ---- */

struct walk {
    struct bf_transfers *t;
    const struct bf_job *job;
    struct step step;
    unsigned n_steps;
    struct bf_arena *arena;
};

static enum bf_status add(struct walk *w, const struct child *child, struct bf_uuid id, struct bf_error *e)
{
    w->step.docs[w->step.n].child = child;
    w->step.docs[w->step.n++].id = id;
    return w->step.n == STEP_DOCS_MAX ? commit_step(w->t, w->job, &w->step, &w->n_steps, w->arena, e) : BF_OK;
}

static enum bf_status walk_children(struct walk *w, const struct child *child, struct bf_uuid parent, struct bf_error *e);

static enum bf_status walk_page(struct walk *w, const struct child *child, const struct bf_page *page, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < page->n && status == BF_OK; i++) {
        status = add(w, child, page->docs[i]->id, e);
        for (unsigned k = 0; status == BF_OK && child->coll == &bf_visits && k < sizeof of_visit / sizeof *of_visit; k++)
            status = walk_children(w, &of_visit[k], page->docs[i]->id, e);
    }
    return status;
}

static enum bf_status walk_children(struct walk *w, const struct child *child, struct bf_uuid parent, struct bf_error *e)
{
    struct bf_value value = {.type = BF_T_UUID, .uuid = parent};
    struct bf_cond cond = {.row = (int)child->parent_row, .op = BF_EQ, .values = &value, .n = 1};
    struct bf_query query = {.coll = child->coll, .tenant = w->job->tenant, .conds = &cond, .n_conds = 1, .index = child->index, .limit = BF_PAGE_MAX};
    struct bf_page page;
    enum bf_status status;
    do {
        status = bf_store_find(w->t->ctx->store, &query, w->arena, &page, e);
        if (status == BF_OK)
            status = walk_page(w, child, &page, e);
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0);
    return status;
}

static enum bf_status follow(struct bf_transfers *t, const struct bf_job *job, struct bf_arena *arena, struct bf_error *e)
{
    struct walk *w = bf_arena_calloc(arena, 1, sizeof *w);
    *w = (struct walk){.t = t, .job = job, .step = {.customer = job->ref}, .arena = arena};
    enum bf_status status = BF_OK;
    for (unsigned k = 0; status == BF_OK && k < sizeof of_customer / sizeof *of_customer; k++)
        status = walk_children(w, &of_customer[k], job->ref, e);
    return status == BF_OK ? commit_step(t, job, &w->step, &w->n_steps, arena, e) : status;
}

/* ---- the thread ---- */

static bool work_once(struct bf_transfers *t)
{
    const struct bf_env *env = t->ctx->env;
    struct bf_arena *arena = bf_arena_create();
    struct bf_job *job = NULL;
    struct bf_error e = {0};
    enum bf_status status = bf_job_take(t->ctx->store, job_kind, bf_now_ms(env), LEASE_MS, arena, &job, &e);
    if (status == BF_OK && job != NULL) {
        status = follow(t, job, arena, &e);
        if (status == BF_OK)
            status = bf_job_done(t->ctx->store, job, &e);
        else
            bf_job_retry(t->ctx->store, job, bf_now_ms(env) + RETRY_MS, true, e.cause, NULL);
    }
    if (status != BF_OK)
        bf_log_error(env, BF_LOG_WARN, "transfer.failed", &e);
    bf_arena_destroy(&arena);
    return status == BF_OK && job != NULL;
}

/* Until woken by a new job, or for a second: a job put off by a failure becomes due by itself. */
static bool wait_for_work(struct bf_transfers *t)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += POLL_MS / 1000;
    pthread_mutex_lock(&t->lock);
    while (!t->woken && !t->stopping)
        if (pthread_cond_timedwait(&t->wake, &t->lock, &until) == ETIMEDOUT)
            break;
    t->woken = false;
    bool go_on = !t->stopping;
    pthread_mutex_unlock(&t->lock);
    return go_on;
}

static void *worker(void *arg)
{
    struct bf_transfers *t = arg;
    while (wait_for_work(t))
        while (work_once(t))
            ;
    return NULL;
}

/* ---- from the log ---- */

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    enum bf_status status = BF_OK;
    (void)arena;
    for (unsigned i = 0; i < entry->n_ops && status == BF_OK; i++) {
        const struct bf_log_op *op = &entry->ops[i];
        if (op->coll != &bf_customers || op->rev <= 1 ||
            (bf_uuid_eq(&op->owner_before, &op->owner_after) && bf_uuid_eq(&op->team_before, &op->team_after)))
            continue;
        struct bf_job job = {.id = bf_job_id(tenant, entry->n, op->k, job_kind),
                             .tenant = tenant,
                             .kind = job_kind,
                             .ref = op->id,
                             .due_ms = entry->at_ms,
                             .n = entry->n};
        status = bf_job_add(gateway->ctx->store, &job, 1, e);
        if (status == BF_OK)
            bf__transfers_wake(gateway->transfers);
    }
    return status;
}

void bf__transfers_wake(struct bf_transfers *t)
{
    pthread_mutex_lock(&t->lock);
    t->woken = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

void bf__transfers_consumer(struct bf_gateway *gateway, struct bf_consumer *ret)
{
    *ret = (struct bf_consumer){.name = "gateway.transfers", .detail = BF_LOG_HEADERS, .consume = consume, .ctx = gateway};
}

struct bf_transfers *bf__transfers_create(const struct bf_service_ctx *ctx)
{
    struct bf_transfers *t = calloc(1, sizeof *t);
    pthread_condattr_t monotonic;
    if (t == NULL)
        abort();
    t->ctx = ctx;
    t->woken = true; /* jobs that an earlier process left */
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&t->thread, NULL, worker, t) != 0)
        abort();
    pthread_setname_np(t->thread, "transfers");
    return t;
}

void bf__transfers_destroy(struct bf_transfers **transfers)
{
    struct bf_transfers *t = *transfers;
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    free(t);
    *transfers = NULL;
}
