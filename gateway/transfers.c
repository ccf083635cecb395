/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After a transfer the customer's children follow: contacts, visits and what hangs on them get the new owner and team, by a job derived from the
 * log. Each step is one entry of the log and changes only what does not follow yet, so that it may be repeated after a crash. Until the
 * job is done, reads and lists go by the customer itself. When a person changes teams, the person's customers follow in the same way, and
 * their children them.
 */
#include "core/arena.h"
#include "gateway/internal.h"

/* A step stays well under what an entry may hold (BF_ENTRY_BYTES_MAX), and holds the committer up no longer than a few other requests would. */
enum { LEASE_MS = 10000, ATTEMPTS_MAX = 1000, PAUSE_MS = 500, PAUSE_MS_MAX = 60000, STEP_DOCS_MAX = BF_READS_MAX - 2, STEP_BYTES_MAX = 256 << 10 };

static const char job_kind[] = "follow_transfer", person_kind[] = "follow_person";

/* A kind of child: where it hangs, the rows that follow, and what hangs on it. */
struct child {
    const struct bf_collection *coll;
    const struct bf_index *index; /* by customer, by visit, by contract or by owner */
    unsigned parent_row, owner_row, team_row;
    const struct child *children;
    unsigned n_children;
};
#define CHILD(COLL, coll_, PARENT, parent_) .coll = &coll_, .index = &coll_##_by_##parent_, .parent_row = BF_##COLL##_##PARENT, .owner_row = BF_##COLL##_OWNER, .team_row = BF_##COLL##_TEAM
#define CHILDREN(of) .children = of, .n_children = sizeof of / sizeof *of
static const struct child of_visit[] = {{CHILD(VERDICT, bf_verdicts, VISIT, visit)},
                                        {CHILD(SUPPLEMENT, bf_supplements, VISIT, visit)},
                                        {CHILD(MEDIA, bf_media, VISIT, visit)},
                                        {CHILD(TRANSCRIPT, bf_transcripts, VISIT, visit)}},
                          of_contract[] = {{CHILD(MEDIA, bf_media, CONTRACT, contract)}, {CHILD(REVIEW, bf_reviews, CONTRACT, contract)}},
                          of_customer[] = {{CHILD(CONTACT, bf_contacts, CUSTOMER, customer)},
                                           {CHILD(VISIT, bf_visits, CUSTOMER, customer), CHILDREN(of_visit)},
                                           {CHILD(CONTRACT, bf_contracts, CUSTOMER, customer), CHILDREN(of_contract)}},
                          of_person[] = {{CHILD(CUSTOMER, bf_customers, OWNER, owner)},
                                         {CHILD(CADENCE, bf_cadences, OWNER, owner)},
                                         {.coll = &bf_tasks, .index = &bf_tasks_by_assignee, .parent_row = BF_TASK_ASSIGNEE, .owner_row = BF_TASK_ASSIGNEE, .team_row = BF_TASK_TEAM}};

/* ---- one step: these documents follow the lead, as it is in the decision ---- */

struct doc_ref {
    const struct child *child;
    struct bf_uuid id;
};

struct step {
    const struct bf_collection *lead; /* a customer, or a person */
    struct bf_uuid lead_id;
    const struct doc_ref *docs;
    unsigned n;
};

static enum bf_status find_lead(const struct bf_view *view, const struct step *step, struct bf_uuid *ret_owner, struct bf_uuid *ret_team,
                                struct bf_error *e)
{
    const struct bf_doc *lead = bf_view_get(view, step->lead, step->lead_id);
    bool is_person = step->lead == &bf_users;
    if (lead == NULL || lead->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "what they follow is gone");
    *ret_owner = is_person ? lead->id : bf_get_uuid(&lead->object, BF_CUSTOMER_OWNER);
    *ret_team = bf_get_uuid(&lead->object, is_person ? BF_USER_TEAM : BF_CUSTOMER_TEAM);
    return BF_OK;
}

static enum bf_status decide_step(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct step *step = ctx;
    struct bf_uuid owner, team;
    enum bf_status status = find_lead(view, step, &owner, &team, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < step->n; i++) {
        const struct child *child = step->docs[i].child;
        const struct bf_doc *before = bf_view_get(view, child->coll, step->docs[i].id);
        if (before == NULL || before->tombstone)
            continue;
        struct bf_uuid was_owner = bf_get_uuid(&before->object, child->owner_row), was_team = bf_get_uuid(&before->object, child->team_row);
        bool has_owner = bf_uuid_eq(&was_owner, &owner);
        if (has_owner ? bf_uuid_eq(&was_team, &team) : step->lead == &bf_users) /* a customer that went to somebody else follows that person */
            continue;
        struct bf_doc *after = bf_doc_copy(arena, before);
        bf_set_uuid(&after->object, child->owner_row, owner);
        bf_set_uuid(&after->object, child->team_row, team);
        bf_decision_put(d, child->coll, after);
    }
    bf_decision_receipt(d, 200, bf_str("", 0), step->lead_id);
    return BF_OK;
}

struct walk {
    struct bf_store *store;
    const struct bf_job *job;
    const struct bf_collection *lead;
    struct doc_ref docs[STEP_DOCS_MAX]; /* of the step that is being filled */
    unsigned n;
    size_t bytes;
    int64_t n_steps;
    struct bf_arena *arena;    /* the job's */
    struct bf_arena *pages[2]; /* of the page that is being walked: children of the lead, and of a visit */
};

/* One entry under a name of its own; what is too large for one goes into two. Who is gone has nothing that follows. */
static enum bf_status commit_docs(struct walk *w, const struct doc_ref *docs, unsigned n, struct bf_error *e)
{
    struct bf_read reads[BF_READS_MAX];
    struct bf_receipt receipt;
    struct bf_error why = {0};
    struct {
        struct bf_uuid job;
        int64_t fence, step;
    } name = {.job = w->job->id, .fence = w->job->fence, .step = w->n_steps++};
    struct step step = {.lead = w->lead, .lead_id = w->job->ref, .docs = docs, .n = n};
    struct bf_uuid request = bf_uuid_from_name(&name, sizeof name);
    struct bf_submission submission = {.tenant = w->job->tenant, .reads = reads, .n_reads = n + 1, .decide = decide_step, .ctx = &step};
    memcpy(&submission.request, &request, sizeof submission.request);
    reads[0] = (struct bf_read){.coll = w->lead, .id = w->job->ref};
    for (unsigned i = 0; i < n; i++)
        reads[i + 1] = (struct bf_read){.coll = docs[i].child->coll, .id = docs[i].id};
    enum bf_status status = bf_submit_wait(w->store, &submission, w->arena, &receipt, &why);
    if (status == BF_E_TOO_LARGE && n > 1) {
        status = commit_docs(w, docs, n / 2, e);
        return status == BF_OK ? commit_docs(w, docs + n / 2, n - n / 2, e) : status;
    }
    if (status == BF_OK || status == BF_E_NOT_FOUND)
        return BF_OK;
    *e = why;
    return status;
}

static enum bf_status commit_step(struct walk *w, struct bf_error *e)
{
    enum bf_status status = w->n == 0 ? BF_OK : commit_docs(w, w->docs, w->n, e);
    w->n = 0;
    w->bytes = 0;
    return status;
}

/* ---- walking the children ---- */

static size_t bytes_of_object(const struct bf_object *o);

static size_t bytes_of(const struct bf_value *v)
{
    size_t n = sizeof *v;
    switch (v->type) {
    case BF_T_STRING:
    case BF_T_BYTES:
        return n + v->s.n;
    case BF_T_OBJECT:
        return n + bytes_of_object(v->object);
    case BF_T_ARRAY:
        for (unsigned i = 0; i < v->array.n; i++)
            n += bytes_of(&v->array.items[i]);
        return n;
    default:
        return n;
    }
}

/* About what it takes up in an entry. */
static size_t bytes_of_object(const struct bf_object *o)
{
    size_t n = o->extra.n;
    for (unsigned row = 0; row < o->schema->n_fields; row++)
        n += bytes_of(&o->v[row]);
    return n;
}

static enum bf_status add(struct walk *w, const struct child *child, const struct bf_doc *doc, struct bf_error *e)
{
    size_t bytes = bytes_of_object(&doc->object);
    enum bf_status status = BF_OK;
    if (w->n == STEP_DOCS_MAX || (w->n > 0 && w->bytes + bytes > STEP_BYTES_MAX))
        status = commit_step(w, e);
    w->docs[w->n++] = (struct doc_ref){.child = child, .id = doc->id};
    w->bytes += bytes;
    return status;
}

static enum bf_status walk_children(struct walk *w, const struct child *child, struct bf_uuid parent, struct bf_arena *page_arena, struct bf_error *e);

static enum bf_status walk_page(struct walk *w, const struct child *child, const struct bf_page *page, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < page->n && status == BF_OK; i++) {
        status = add(w, child, page->docs[i], e);
        for (unsigned k = 0; status == BF_OK && k < child->n_children; k++)
            status = walk_children(w, &child->children[k], page->docs[i]->id, w->pages[1], e);
    }
    return status;
}

/* Holds one page at a time, in an arena of its own. */
static enum bf_status walk_children(struct walk *w, const struct child *child, struct bf_uuid parent, struct bf_arena *page_arena, struct bf_error *e)
{
    struct bf_value value = {.type = BF_T_UUID, .uuid = parent};
    struct bf_cond cond = {.row = (int)child->parent_row, .op = BF_EQ, .values = &value, .n = 1};
    struct bf_query query = {.coll = child->coll, .tenant = w->job->tenant, .conds = &cond, .n_conds = 1, .index = child->index, .limit = BF_PAGE_MAX};
    struct bf_page page;
    enum bf_status status;
    do {
        status = bf_store_find(w->store, &query, page_arena, &page, e);
        if (status != BF_OK)
            break;
        status = walk_page(w, child, &page, e);
        query.after = bf_str_dup(w->arena, page.next);
        bf_arena_reset(page_arena);
    } while (status == BF_OK && query.after.n > 0);
    return status;
}

static enum bf_status walk(struct bf_gateway *gateway, const struct bf_job *job, struct bf_arena *arena, const struct bf_collection *lead,
                           const struct child *children, unsigned n, struct bf_error *e)
{
    struct walk *w = bf_arena_calloc(arena, 1, sizeof *w);
    enum bf_status status = BF_OK;
    w->store = gateway->ctx->store;
    w->job = job;
    w->lead = lead;
    w->arena = arena;
    w->pages[0] = bf_arena_create();
    w->pages[1] = bf_arena_create();
    for (unsigned k = 0; status == BF_OK && k < n; k++)
        status = walk_children(w, &children[k], job->ref, w->pages[0], e);
    if (status == BF_OK)
        status = commit_step(w, e);
    bf_arena_destroy(&w->pages[0]);
    bf_arena_destroy(&w->pages[1]);
    return status;
}

static enum bf_status run(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    (void)again;
    return walk(ctx, job, arena, &bf_customers, of_customer, sizeof of_customer / sizeof *of_customer, e);
}

static enum bf_status run_person(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again, struct bf_error *e)
{
    (void)again;
    return walk(ctx, job, arena, &bf_users, of_person, sizeof of_person / sizeof *of_person, e);
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
    return (struct bf_consumer){.name = "gateway.transfers", .consume = consume, .ctx = gateway};
}

struct bf_job_runner *bf__transfers_create(struct bf_gateway *gateway)
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
    return bf_job_runner_create(gateway->ctx->env, gateway->ctx->store, works, 2);
}
