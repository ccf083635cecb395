/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a transfer the customer's children follow: contacts, visits and what hangs on them get the new owner and team, by a job derived from the
 * log. Each step is one entry of the log and changes only what does not follow yet, so that it may be repeated after a crash. Until the
 * job is done, reads and lists go by the customer itself. When a person changes teams, the person's customers follow in the same way, and
 * their children them.
 */
#include "gateway/internal.h"

enum { LEASE_MS = 10000, ATTEMPTS_MAX = 1000, PAUSE_MS = 500, PAUSE_MS_MAX = 60000, STEP_DOCS_MAX = BF_READS_MAX - 2 };

static const char job_kind[] = "follow_transfer", person_kind[] = "follow_person";

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

struct walk {
    struct bf_store *store;
    const struct bf_job *job;
    struct step step;
    int64_t n_steps;
    struct bf_arena *arena;
};

/* One entry under a name of its own. Who is gone has nothing that follows. */
static enum bf_status submit(struct walk *w, struct bf_submission *submission, struct bf_error *e)
{
    struct bf_receipt receipt;
    struct {
        struct bf_uuid job;
        int64_t fence, step;
    } name = {.job = w->job->id, .fence = w->job->fence, .step = w->n_steps++};
    struct bf_uuid request = bf_uuid_from_name(&name, sizeof name);
    submission->tenant = w->job->tenant;
    memcpy(&submission->request, &request, sizeof submission->request);
    enum bf_status status = bf_submit_wait(w->store, submission, w->arena, &receipt, e);
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

static enum bf_status commit_step(struct walk *w, struct bf_error *e)
{
    struct step *step = &w->step;
    struct bf_read reads[BF_READS_MAX];
    struct bf_submission submission = {.reads = reads, .n_reads = step->n + 1, .decide = decide_step, .ctx = step};
    if (step->n == 0)
        return BF_OK;
    reads[0] = (struct bf_read){.coll = &bf_customers, .id = step->customer};
    for (unsigned i = 0; i < step->n; i++)
        reads[i + 1] = (struct bf_read){.coll = step->docs[i].child->coll, .id = step->docs[i].id};
    enum bf_status status = submit(w, &submission, e);
    step->n = 0;
    return status;
}

/* ---- walking the children ---- */

static enum bf_status add(struct walk *w, const struct child *child, struct bf_uuid id, struct bf_error *e)
{
    w->step.docs[w->step.n].child = child;
    w->step.docs[w->step.n++].id = id;
    return w->step.n == STEP_DOCS_MAX ? commit_step(w, e) : BF_OK;
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
        status = bf_store_find(w->store, &query, w->arena, &page, e);
        if (status == BF_OK)
            status = walk_page(w, child, &page, e);
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0);
    return status;
}

static enum bf_status run(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    struct walk *w = bf_arena_calloc(arena, 1, sizeof *w);
    (void)again;
    *w = (struct walk){.store = gateway->ctx->store, .job = job, .step = {.customer = job->ref}, .arena = arena};
    enum bf_status status = BF_OK;
    for (unsigned k = 0; status == BF_OK && k < sizeof of_customer / sizeof *of_customer; k++)
        status = walk_children(w, &of_customer[k], job->ref, e);
    return status == BF_OK ? commit_step(w, e) : status;
}

/* ---- a person's customers ---- */

struct move {
    struct bf_uuid person;
    struct bf_doc *const *customers;
    unsigned n;
};

static enum bf_status decide_move(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct move *move = ctx;
    const struct bf_doc *person = bf_view_get(view, &bf_users, move->person);
    if (person == NULL || person->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "the person is gone");
    struct bf_uuid team = bf_get_uuid(&person->object, BF_USER_TEAM);
    for (unsigned i = 0; i < move->n; i++) {
        const struct bf_doc *before = bf_view_get(view, &bf_customers, move->customers[i]->id);
        struct bf_uuid owner = bf_get_uuid(&before->object, BF_CUSTOMER_OWNER), was_team = bf_get_uuid(&before->object, BF_CUSTOMER_TEAM);
        if (before->tombstone || !bf_uuid_eq(&owner, &move->person) || bf_uuid_eq(&was_team, &team))
            continue;
        struct bf_doc *after = bf_doc_copy(arena, before);
        bf_set_uuid(&after->object, BF_CUSTOMER_TEAM, team);
        bf_decision_put(d, &bf_customers, after);
    }
    bf_decision_receipt(d, 200, bf_str("", 0), move->person);
    return BF_OK;
}

static enum bf_status move_page(struct walk *w, const struct bf_page *page, struct bf_error *e)
{
    struct bf_read reads[BF_READS_MAX];
    enum bf_status status = BF_OK;
    for (unsigned at = 0; at < page->n && status == BF_OK;) {
        struct move move = {.person = w->job->ref, .customers = page->docs + at, .n = page->n - at < STEP_DOCS_MAX ? page->n - at : STEP_DOCS_MAX};
        struct bf_submission submission = {.reads = reads, .n_reads = move.n + 1, .decide = decide_move, .ctx = &move};
        reads[0] = (struct bf_read){.coll = &bf_users, .id = move.person};
        for (unsigned i = 0; i < move.n; i++)
            reads[i + 1] = (struct bf_read){.coll = &bf_customers, .id = move.customers[i]->id};
        status = submit(w, &submission, e);
        at += move.n;
    }
    return status;
}

static enum bf_status run_person(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    struct walk w = {.store = gateway->ctx->store, .job = job, .arena = arena};
    struct bf_value value = {.type = BF_T_UUID, .uuid = job->ref};
    struct bf_cond cond = {.row = BF_CUSTOMER_OWNER, .op = BF_EQ, .values = &value, .n = 1};
    struct bf_query query = {
        .coll = &bf_customers, .tenant = job->tenant, .conds = &cond, .n_conds = 1, .index = &bf_customers_by_owner, .limit = BF_PAGE_MAX};
    struct bf_page page;
    enum bf_status status;
    (void)again;
    do {
        status = bf_store_find(w.store, &query, arena, &page, e);
        if (status == BF_OK)
            status = move_page(&w, &page, e);
        query.after = page.next;
    } while (status == BF_OK && page.next.n > 0);
    return status;
}

/* ---- from the log to the job ---- */

/* What has to follow the operation; NULL: nothing. */
static const char *job_of(const struct bf_log_op *op)
{
    bool new_owner = !bf_uuid_eq(&op->owner_before, &op->owner_after), new_team = !bf_uuid_eq(&op->team_before, &op->team_after);
    if (op->rev <= 1)
        return NULL;
    if (op->coll == &bf_customers && (new_owner || new_team))
        return job_kind;
    return op->coll == &bf_users && new_team ? person_kind : NULL;
}

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_gateway *gateway = ctx;
    enum bf_status status = BF_OK;
    (void)arena;
    for (unsigned i = 0; i < entry->n_ops && status == BF_OK; i++) {
        const struct bf_log_op *op = &entry->ops[i];
        const char *kind = job_of(op);
        if (kind == NULL)
            continue;
        struct bf_job job = {.id = bf_job_id(tenant, entry->n, op->k, kind),
                             .tenant = tenant,
                             .kind = kind,
                             .ref = op->id,
                             .due_ms = bf_now_ms(gateway->ctx->env),
                             .n = entry->n};
        status = bf_job_add(gateway->ctx->store, &job, 1, e);
        if (status == BF_OK)
            bf_job_runner_wake(gateway->transfers);
    }
    return status;
}

struct bf_consumer bf__transfers_consumer(struct bf_gateway *gateway)
{
    return (struct bf_consumer){.name = "gateway.transfers", .detail = BF_LOG_HEADERS, .consume = consume, .ctx = gateway};
}

struct bf_job_runner *bf__transfers_start(struct bf_gateway *gateway)
{
    struct bf_job_work works[2] = {{.kind = job_kind,
                                    .threads = 1,
                                    .lease_ms = LEASE_MS,
                                    .attempts_max = ATTEMPTS_MAX,
                                    .pause_ms = PAUSE_MS,
                                    .pause_ms_max = PAUSE_MS_MAX,
                                    .run = run,
                                    .ctx = gateway}};
    works[1] = works[0];
    works[1].kind = person_kind;
    works[1].run = run_person;
    return bf_job_runner_start(gateway->ctx->env, gateway->ctx->store, works, 2);
}
