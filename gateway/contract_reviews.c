/* SPDX-License-Identifier: Apache-2.0 */
/* The review of contracts (G-05): claim, draft, marks, verdicts. Each verb is one decision on the contract; a verdict brings a review record and tells the
 * rep, an approval the team's supervisors too. */
#include "core/arena.h"
#include "crm/contract_notice.h"
#include "gateway/contracts.h"

enum { TOLD_MAX = 10 };

#define REOPEN_FIELDS(F) F(REASON, "reason", STRING, BF_F_REQUIRED, 1, 200, NORMAL, "原因", "Why it is opened again")
#define UNMARK_FIELDS(F) F(ID, "id", UUID, BF_F_REQUIRED, 0, 0, NORMAL, "标注编号", "Mark")
#define F(row, ...) REOPEN_##row,
enum { REOPEN_FIELDS(F) REOPEN_ROWS };
#undef F
#define F(row, ...) UNMARK_##row,
enum { UNMARK_FIELDS(F) UNMARK_ROWS };
#undef F
#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field reopen_fields[] = {REOPEN_FIELDS(F)}, unmark_fields[] = {UNMARK_FIELDS(F)};
#undef F
const struct bf_schema bf__reopen_schema = {
    .name = "reopen", .zh = "重新打开", .en = "Reopening", .version = 1, .fields = reopen_fields, .n_fields = REOPEN_ROWS};
const struct bf_schema bf__unmark_schema = {
    .name = "unmark", .zh = "删除标注", .en = "Removal of a mark", .version = 1, .fields = unmark_fields, .n_fields = UNMARK_ROWS};

struct review {
    struct bf_call *call;
    struct bf_uuid id;                              /* of the review record, if the verb makes one */
    struct bf_uuid told[TOLD_MAX], notices[TOLD_MAX]; /* the customer's owner, then supervisors; what they get */
    unsigned n_told;
};

static struct bf_contract_step step_of(const struct bf_view *view, const struct bf_doc *contract, const struct review *r)
{
    return bf__step_in(view, contract, r->call->caller.user, r->call->now_ms);
}

/* ---- claim and notes ---- */

static enum bf_status apply_claim(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                  const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    struct bf__review_clock clock = bf__review_clock_in(view, arena, step.now_ms);
    (void)d, (void)body;
    return bf_contract_claim(&after->object, &step, clock.lease_ms, e);
}

static enum bf_status apply_release(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                    const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    (void)d, (void)arena, (void)body;
    return bf_contract_release(&after->object, &step, e);
}

static enum bf_status apply_draft(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                  const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    (void)d;
    return bf_contract_draft(arena, &after->object, body, &step, e);
}

static enum bf_status apply_mark(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                 const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    (void)d;
    return bf_contract_mark(arena, &after->object, body, &step, e);
}

static enum bf_status apply_unmark(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    (void)d;
    return bf_contract_unmark(arena, &after->object, bf_get_uuid(body, UNMARK_ID), &step, e);
}

/* ---- verdicts ---- */

/* With the mark that it names, which the contract keeps only as long as it has that picture of the page. */
static void keep_rejection(struct bf_arena *arena, struct bf_object *review, const struct bf_object *contract)
{
    const struct bf_object *rejection = bf_get_object(contract, BF_CONTRACT_REJECTION);
    bf_set_object(review, BF_REVIEW_REJECTION, bf_object_copy(arena, rejection));
    if (bf_has(rejection, BF_REJECTION_MARK))
        bf_set_object(review, BF_REVIEW_MARK, bf_object_copy(arena, bf_contract_find_mark(contract, bf_get_uuid(rejection, BF_REJECTION_MARK))));
}

static void put_review(struct bf_decision *d, struct bf_arena *arena, const struct review *r, const struct bf_doc *after, int outcome, struct bf_str reason,
                       const struct bf_contract_step *step)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_review_schema, after->tenant, r->id);
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_REVIEW_CONTRACT, after->id);
    bf_set_uuid(o, BF_REVIEW_CUSTOMER, bf_get_uuid(&after->object, BF_CONTRACT_CUSTOMER));
    bf_set_uuid(o, BF_REVIEW_OWNER, bf_get_uuid(&after->object, BF_CONTRACT_OWNER));
    bf_set_uuid(o, BF_REVIEW_TEAM, bf_get_uuid(&after->object, BF_CONTRACT_TEAM));
    bf_set_uuid(o, BF_REVIEW_REVIEWER, step->who);
    bf_set_enum(o, BF_REVIEW_OUTCOME, outcome);
    if (outcome == BF_REVIEW_OUTCOME_IS_REJECTED)
        keep_rejection(arena, o, &after->object);
    if (reason.n > 0)
        bf_set_str(o, BF_REVIEW_REASON, reason);
    bf_set_int(o, BF_REVIEW_AT, step->now_ms);
    bf_decision_put(d, &bf_reviews, doc);
}

/* The customer is in the read set by the change's frame. Who owns it now must be who was looked up. */
static enum bf_status tell(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *after, const struct review *r,
                           int kind, struct bf_error *e)
{
    const struct bf_doc *customer = bf_view_get(view, &bf_customers, bf_get_uuid(&after->object, BF_CONTRACT_CUSTOMER));
    struct bf_uuid owner = bf_get_uuid(&customer->object, BF_CUSTOMER_OWNER);
    unsigned n = kind == BF_NOTIFICATION_KIND_IS_APPROVED ? r->n_told : 1;
    if (!bf_uuid_eq(&r->told[0], &owner))
        return bf_fail(e, BF_E_UNAVAILABLE, "the customer went to somebody else meanwhile: ask again");
    for (unsigned i = 0; i < n; i++) {
        const struct bf_doc *user = bf_view_get(view, &bf_users, r->told[i]);
        if (user != NULL && !user->tombstone && bf_get_enum(&user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE)
            bf_decision_put(d, &bf_notifications, bf_contract_notice(arena, r->notices[i], after, customer, user, kind, r->call->now_ms));
    }
    return BF_OK;
}

/* What the approved one replaces, if that was approved itself, gives way now. */
static enum bf_status supersede_old(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *contract,
                                    const struct bf_contract_step *step, struct bf_error *e)
{
    if (!bf_has(&contract->object, BF_CONTRACT_REPLACES))
        return BF_OK;
    const struct bf_doc *old = bf_view_get(view, &bf_contracts, bf_get_uuid(&contract->object, BF_CONTRACT_REPLACES));
    if (old == NULL || old->tombstone || bf_get_enum(&old->object, BF_CONTRACT_STATE) != BF_CONTRACT_STATE_IS_APPROVED)
        return BF_OK;
    struct bf_doc *after = bf_doc_copy(arena, old);
    enum bf_status status = bf_contract_supersede(&after->object, contract->id, step, e);
    if (status == BF_OK)
        bf_decision_put(d, &bf_contracts, after);
    return status;
}

static enum bf_status apply_approve(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                    const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    (void)body;
    enum bf_status status = bf_contract_approve(arena, &after->object, &step, e);
    if (status == BF_OK)
        status = supersede_old(view, d, arena, before, &step, e);
    if (status != BF_OK)
        return status;
    put_review(d, arena, ctx, after, BF_REVIEW_OUTCOME_IS_APPROVED, bf_str(NULL, 0), &step);
    return tell(view, d, arena, after, ctx, BF_NOTIFICATION_KIND_IS_APPROVED, e);
}

static enum bf_status apply_reject(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    enum bf_status status = bf_contract_reject(arena, &after->object, body, &step, e);
    if (status != BF_OK)
        return status;
    put_review(d, arena, ctx, after, BF_REVIEW_OUTCOME_IS_REJECTED, bf_str(NULL, 0), &step);
    return tell(view, d, arena, after, ctx, BF_NOTIFICATION_KIND_IS_RETAKE, e);
}

static enum bf_status apply_reopen(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_contract_step step = step_of(view, before, ctx);
    struct bf__review_clock clock = bf__review_clock_in(view, arena, step.now_ms);
    struct bf_str reason = bf_get_str(body, REOPEN_REASON);
    enum bf_status status = bf_contract_reopen(&after->object, reason, &step, clock.due_at, e);
    if (status == BF_OK)
        put_review(d, arena, ctx, after, BF_REVIEW_OUTCOME_IS_REOPENED, reason, &step);
    return status;
}

/* ---- before the decision ---- */

static void add_told(struct review *r, struct bf_uuid user)
{
    for (unsigned i = 0; i < r->n_told; i++)
        if (bf_uuid_eq(&r->told[i], &user))
            return;
    if (r->n_told < TOLD_MAX)
        r->told[r->n_told++] = user;
}

/* The supervisors of the team and of those above it, the nearest first. */
static enum bf_status find_supervisors(struct bf_call *call, struct bf_uuid team_id, struct review *r, struct bf_error *e)
{
    struct bf_doc *team;
    struct bf_page page;
    struct bf_value value = {.type = BF_T_UUID}, role = {.type = BF_T_ENUM, .i = BF_ROLE_IS_SUPERVISOR};
    struct bf_cond conds[2] = {{.row = BF_USER_TEAM, .op = BF_EQ, .values = &value, .n = 1}, {.row = BF_USER_ROLE, .op = BF_EQ, .values = &role, .n = 1}};
    struct bf_query query = {
        .coll = &bf_users, .tenant = call->caller.tenant, .conds = conds, .n_conds = 2, .index = &bf_users_by_team, .limit = TOLD_MAX};
    enum bf_status status = bf_store_get(call->store, &bf_teams, call->caller.tenant, team_id, call->arena, &team, e);
    struct bf_array path = status != BF_OK || team == NULL ? (struct bf_array){.n = 0} : bf_get_array(&team->object, BF_TEAM_PATH);
    for (unsigned i = 0; i < path.n && status == BF_OK; i++) {
        value.uuid = path.items[i].uuid;
        status = bf_store_find(call->store, &query, call->arena, &page, e);
        for (unsigned k = 0; status == BF_OK && k < page.n; k++)
            add_told(r, page.docs[k]->id);
    }
    return status;
}

static enum bf_status find_told(struct bf_call *call, const struct bf_doc *contract, struct review *r, struct bf_error *e)
{
    struct bf_doc *customer;
    enum bf_status status = bf_store_get(call->store, &bf_customers, call->caller.tenant, bf_get_uuid(&contract->object, BF_CONTRACT_CUSTOMER), call->arena, &customer, e);
    if (status != BF_OK)
        return status;
    add_told(r, bf_get_uuid(&customer->object, BF_CUSTOMER_OWNER));
    return find_supervisors(call, bf_get_uuid(&customer->object, BF_CUSTOMER_TEAM), r, e);
}

/* What any verb on the contract may look at. */
static enum bf_status prepare(struct bf_call *call, struct bf_change *change, struct review *r, bool verdict, struct bf_error *e)
{
    struct bf_doc *contract;
    struct bf_uuid tenant = call->caller.tenant;
    enum bf_status status = bf_call_id(call, "id", &change->id, e);
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_CONTRACT, BF_ACTION_READ, &bf_contracts, BF_CONTRACT_CUSTOMER, change->id, &contract, e);
    if (status == BF_OK && verdict)
        status = find_told(call, contract, r, e);
    if (status != BF_OK)
        return status;
    bf__review_clock_reads(tenant, call->now_ms, &change->reads);
    bf__lease_reads(change->id, &change->reads);
    r->id = bf_uuid_v7(call->env);
    bf__reads_add(&change->reads, &bf_reviews, r->id);
    if (bf_has(&contract->object, BF_CONTRACT_REPLACES))
        bf__reads_add(&change->reads, &bf_contracts, bf_get_uuid(&contract->object, BF_CONTRACT_REPLACES));
    for (unsigned i = 0; i < r->n_told; i++) {
        r->notices[i] = bf_uuid_v7(call->env);
        bf__reads_add(&change->reads, &bf_users, r->told[i]);
        bf__reads_add(&change->reads, &bf_notifications, r->notices[i]);
    }
    return BF_OK;
}

/* What a verb takes and does. */
struct verb {
    enum bf_action action;
    const struct bf_schema *body; /* NULL: none */
    enum bf_status (*apply)(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e);
    bool verdict; /* people are told */
};

static void run(struct bf_call *call, const struct verb *verb)
{
    struct review *r = bf_arena_calloc(call->arena, 1, sizeof *r);
    struct bf_change *change = bf_arena_calloc(call->arena, 1, sizeof *change);
    struct bf_object *body = NULL;
    struct bf_error e = {0};
    r->call = call;
    *change = (struct bf_change){
        .subject = BF_SUBJECT_CONTRACT, .coll = &bf_contracts, .parent_row = BF_CONTRACT_CUSTOMER, .apply = verb->apply, .ctx = r};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CONTRACT, verb->action, &e);
    if (status == BF_OK && verb->body != NULL)
        status = bf_json_decode(call->arena, verb->body, BF_JSON_CREATE, bf_request_body(call->req), &body, &e);
    if (status == BF_OK)
        status = prepare(call, change, r, verb->verdict, &e);
    if (status == BF_OK)
        bf__verb(call, verb->action, change, body);
    else
        bf_call_fail(call, &e);
}

#define VERB(name, ACTION, body_, verdict_)                                                                                              \
    static void name(struct bf_call *call, void *service)                                                                                \
    {                                                                                                                                    \
        static const struct verb verb = {.action = BF_ACTION_##ACTION, .body = body_, .apply = apply_##name, .verdict = verdict_};       \
        (void)service;                                                                                                                   \
        run(call, &verb);                                                                                                                \
    }
VERB(claim, CLAIM, NULL, false)
VERB(release, RELEASE, NULL, false)
VERB(draft, NOTE, &bf_draft_schema, false)
VERB(mark, NOTE, &bf_mark_schema, false)
VERB(unmark, NOTE, &bf__unmark_schema, false)
VERB(approve, APPROVE, NULL, true)
VERB(reject, REJECT, &bf_rejection_schema, true)
VERB(reopen, REOPEN, &bf__reopen_schema, false)

/* ---- renewal ---- */

/* Outside the log, and only while it is held: decisions read the lease beside the claim that it belongs to. */
static enum bf_status renew_lease(struct bf_call *call, struct bf_uuid id, int64_t *ret_until, struct bf_error *e)
{
    struct bf_doc *contract, *lease;
    struct bf_company company;
    enum bf_status status = bf__load_child(call, BF_SUBJECT_CONTRACT, BF_ACTION_CLAIM, &bf_contracts, BF_CONTRACT_CUSTOMER, id, &contract, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_leases, call->caller.tenant, id, call->arena, &lease, e);
    if (status == BF_OK)
        status = bf__company(call, &company, e);
    if (status != BF_OK)
        return status;
    struct bf_contract_step step = bf__step_of(contract, lease, call->caller.user, call->now_ms);
    status = bf_contract_hold(&contract->object, &step, e);
    if (status != BF_OK)
        return status;
    struct bf_doc *after = bf_doc_create(call->arena, &bf_lease_schema, call->caller.tenant, id);
    *ret_until = call->now_ms + bf_get_int(company.policy, BF_POLICY_REVIEW_LEASE_MINUTES) * 60000;
    bf_set_int(&after->object, BF_LEASE_CLAIM, bf_get_int(&contract->object, BF_CONTRACT_CLAIM));
    bf_set_int(&after->object, BF_LEASE_UNTIL, *ret_until);
    return bf_store_write(call->store, &(struct bf_write){.kind = BF_W_PUT, .coll = &bf_leases, .doc = after}, 1, NULL, e);
}

static void renew(struct bf_call *call, void *service)
{
    struct bf_uuid id;
    int64_t until = 0;
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    (void)service;
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CONTRACT, BF_ACTION_CLAIM, &e);
    if (status == BF_OK)
        status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = renew_lease(call, id, &until, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, 256);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "claimed_until");
    bf_jw_time(&w, until);
    bf_jw_end_object(&w);
    bf_call_json_buf(call, 200, &out, 0);
}

const struct bf_endpoint bf__contracts_claim = {.run = claim, .flags = BF_EP_VERB | BF_EP_NO_BODY},
                         bf__contracts_release = {.run = release, .flags = BF_EP_VERB | BF_EP_NO_BODY},
                         bf__contracts_renew = {.run = renew, .flags = BF_EP_NO_BODY},
                         bf__contracts_draft = {.run = draft, .flags = BF_EP_VERB}, bf__contracts_mark = {.run = mark, .flags = BF_EP_VERB},
                         bf__contracts_unmark = {.run = unmark, .flags = BF_EP_VERB},
                         bf__contracts_approve = {.run = approve, .flags = BF_EP_VERB | BF_EP_NO_BODY},
                         bf__contracts_reject = {.run = reject, .flags = BF_EP_VERB}, bf__contracts_reopen = {.run = reopen, .flags = BF_EP_VERB};
