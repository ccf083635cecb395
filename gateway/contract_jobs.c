/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to contracts by itself, by jobs derived from the log:
 *
 *   the medium of a page became ready --> job contract_pages: all pages ready? then into the queue
 *   a contract was claimed ------------> job contract_lease, due when the claim ends: given back, unless it was renewed
 *
 * Each looks at the records as they are in its decision, so that it may be run twice, and late. A change of the pages looks by itself.
 */
#include "core/arena.h"
#include "core/env.h"
#include "gateway/contracts.h"
#include <limits.h>

enum { LEASE_MS = 10000, PAUSE_MS = 500, PAUSE_MS_MAX = 60000 };

static const char pages_kind[] = "contract_pages", lease_kind[] = "contract_lease";

/* ---- decisions ---- */

struct look {
    struct bf_uuid contract;
    int64_t now_ms;
    int64_t held_until; /* out: of the claim, where it is not over */
};

static enum bf_status decide_pages(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct look *look = ctx;
    const struct bf_doc *before = bf_view_get(view, &bf_contracts, look->contract);
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), look->contract);
    if (before == NULL || before->tombstone || bf_get_enum(&before->object, BF_CONTRACT_STATE) != BF_CONTRACT_STATE_IS_AWAITING_PAGES)
        return BF_OK;
    struct bf_doc *after = bf_doc_copy(arena, before);
    struct bf_contract_step step = {.now_ms = look->now_ms};
    struct bf__review_clock clock = bf__review_clock_in(view, arena, look->now_ms);
    bf__complete_if_ready(view, after, &step, &clock);
    if (bf_get_enum(&after->object, BF_CONTRACT_STATE) != BF_CONTRACT_STATE_IS_AWAITING_PAGES)
        bf_decision_put(d, &bf_contracts, after);
    return BF_OK;
}

static enum bf_status decide_lease(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct look *look = ctx;
    const struct bf_doc *before = bf_view_get(view, &bf_contracts, look->contract);
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), look->contract);
    look->held_until = 0;
    if (before == NULL || before->tombstone)
        return BF_OK;
    struct bf_contract_step step = bf__step_in(view, before, (struct bf_uuid){{0}}, look->now_ms);
    struct bf_doc *after = bf_doc_copy(arena, before);
    if (bf_contract_expire(&after->object, &step))
        bf_decision_put(d, &bf_contracts, after);
    else if (bf_contract_state(&before->object, &step) == BF_CONTRACT_STATE_IS_IN_REVIEW)
        look->held_until = bf_contract_held_until(&before->object, &step);
    return BF_OK;
}

/* ---- jobs ---- */

/* The run's own name: what a renewal put off is looked at again. */
static struct bf_request_id request_of(const struct bf_job *job)
{
    struct {
        struct bf_uuid job;
        int64_t fence;
    } name = {.job = job->id, .fence = job->fence};
    struct bf_uuid id = bf_uuid_from_name(&name, sizeof name);
    struct bf_request_id request;
    memcpy(&request, &id, sizeof request);
    return request;
}

static enum bf_status commit(struct bf_gateway *gateway, const struct bf_job *job, bf_decide_fn *decide, struct look *look, struct bf_reads *reads,
                             struct bf_arena *arena, struct bf_error *e)
{
    struct bf_receipt receipt;
    struct bf_submission submission = {.tenant = job->tenant, .request = request_of(job), .decide = decide, .ctx = look};
    look->contract = job->ref;
    look->now_ms = bf_now_ms(gateway->ctx->env);
    bf__reads_add(reads, &bf_contracts, job->ref);
    bf__review_clock_reads(job->tenant, look->now_ms, reads);
    bf__lease_reads(job->ref, reads);
    submission.reads = reads->items;
    submission.n_reads = reads->n;
    return bf_submit_wait(gateway->ctx->store, &submission, arena, &receipt, e);
}

/* The pages are those of the record as it is read here. Where it changed meanwhile, the change looked by itself, and its own job looks again. */
static enum bf_status run_pages(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    struct bf_reads *reads = bf_arena_calloc(arena, 1, sizeof *reads);
    struct look look = {.held_until = 0};
    struct bf_doc *contract;
    again->count = false;
    enum bf_status status = bf_store_get(gateway->ctx->store, &bf_contracts, job->tenant, job->ref, arena, &contract, e);
    if (status != BF_OK || contract == NULL || contract->tombstone)
        return status;
    struct bf_array pages = bf_get_array(&contract->object, BF_CONTRACT_PAGES);
    for (unsigned i = 0; i < pages.n; i++)
        bf__reads_add(reads, &bf_media, bf_get_uuid(pages.items[i].object, BF_CONTRACT_PAGE_MEDIA));
    return commit(gateway, job, decide_pages, &look, reads, arena, e);
}

static enum bf_status run_lease(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    struct bf_reads *reads = bf_arena_calloc(arena, 1, sizeof *reads);
    struct look look = {.held_until = 0};
    again->count = false;
    enum bf_status status = commit(gateway, job, decide_lease, &look, reads, arena, e);
    if (status != BF_OK || look.held_until == 0)
        return status;
    again->put_off = true;
    again->pause_ms = look.held_until - look.now_ms;
    return bf_fail(e, BF_E_UNAVAILABLE, "the claim was renewed");
}

struct bf_job_runner *bf__contract_jobs_create(struct bf_gateway *gateway)
{
    struct bf_job_work works[2] = {{.kind = pages_kind,
                                    .threads = 1,
                                    .lease_ms = LEASE_MS,
                                    .attempts_max = INT_MAX, /* no contract waits for ever */
                                    .pause_ms = PAUSE_MS,
                                    .pause_ms_max = PAUSE_MS_MAX,
                                    .run = run_pages,
                                    .ctx = gateway}};
    works[1] = works[0];
    works[1].kind = lease_kind;
    works[1].run = run_lease;
    return bf_job_runner_create(gateway->ctx->env, gateway->ctx->store, works, 2);
}

/* ---- from the log to the job ---- */

static enum bf_status add_job(struct bf_gateway *gateway, const struct bf_log_entry *entry, const struct bf_log_op *op, struct bf_uuid tenant, const char *kind,
                              struct bf_uuid contract, int64_t due_ms, struct bf_error *e)
{
    struct bf_job job = {.id = bf_job_id(tenant, entry->n, op->k, kind), .tenant = tenant, .kind = kind, .ref = contract, .due_ms = due_ms, .n = entry->n};
    enum bf_status status = bf_job_add(gateway->ctx->store, &job, 1, e);
    if (status == BF_OK)
        bf_job_runner_wake(gateway->contract_jobs);
    return status;
}

/* Contracts are few; a medium that changed is read to see whether it is one of theirs, so that nothing of all the others must be decrypted. */
static enum bf_status derive(struct bf_gateway *gateway, struct bf_uuid tenant, const struct bf_log_entry *entry, const struct bf_log_op *op,
                             struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *doc = NULL;
    int64_t now_ms = bf_now_ms(gateway->ctx->env);
    bool is_contract = op->coll == &bf_contracts;
    if (op->tombstone || (!is_contract && (op->coll != &bf_media || op->rev <= 1)))
        return BF_OK;
    enum bf_status status = bf_store_get(gateway->ctx->store, op->coll, tenant, op->id, arena, &doc, e);
    if (status != BF_OK || doc == NULL || doc->tombstone)
        return status;
    if (!is_contract && (!bf_has(&doc->object, BF_MEDIA_CONTRACT) || bf_get_enum(&doc->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_READY))
        return BF_OK;
    if (!is_contract)
        return add_job(gateway, entry, op, tenant, pages_kind, bf_get_uuid(&doc->object, BF_MEDIA_CONTRACT), now_ms, e);
    if (bf_get_enum(&doc->object, BF_CONTRACT_STATE) != BF_CONTRACT_STATE_IS_IN_REVIEW)
        return BF_OK;
    return add_job(gateway, entry, op, tenant, lease_kind, doc->id, bf_get_int(&doc->object, BF_CONTRACT_CLAIMED_UNTIL), e);
}

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < entry->n_ops && status == BF_OK; i++)
        status = derive(ctx, tenant, entry, &entry->ops[i], arena, e);
    return status;
}

struct bf_consumer bf__contract_jobs_consumer(struct bf_gateway *gateway)
{
    return (struct bf_consumer){.name = "gateway.contracts", .consume = consume, .ctx = gateway};
}
