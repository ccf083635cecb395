/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of contracts to be reviewed (G-05): those to be claimed and those that are claimed, by the time each was first complete, oldest first. It is
 * read from an index of the state, so that what was decided long ago costs nothing.
 */
#include "core/tz.h"
#include "gateway/contracts.h"

enum { COUNT_MAX = 1000 };

static struct bf_value queued[2] = {{.type = BF_T_ENUM, .i = BF_CONTRACT_STATE_IS_UPLOADED}, {.type = BF_T_ENUM, .i = BF_CONTRACT_STATE_IS_IN_REVIEW}};

/* What the page shows of the caller and the clock. */
struct queue {
    struct bf_call *call;
    struct bf_page page;
    struct bf_doc **leases; /* of the page's contracts */
    int64_t waiting, reviewed_today;
};

static enum bf_status count_today(struct bf_call *call, int64_t *ret, struct bf_error *e)
{
    struct bf_company company;
    struct bf_civil day;
    struct bf_value who = {.type = BF_T_UUID, .uuid = call->caller.user}, since = {.type = BF_T_TIME};
    struct bf_value decided[2] = {{.type = BF_T_ENUM, .i = BF_REVIEW_OUTCOME_IS_APPROVED}, {.type = BF_T_ENUM, .i = BF_REVIEW_OUTCOME_IS_REJECTED}};
    struct bf_cond conds[3] = {{.row = BF_REVIEW_REVIEWER, .op = BF_EQ, .values = &who, .n = 1},
                               {.row = BF_REVIEW_AT, .op = BF_GE, .values = &since, .n = 1},
                               {.row = BF_REVIEW_OUTCOME, .op = BF_IN, .values = decided, .n = 2}};
    struct bf_query query = {
        .coll = &bf_reviews, .tenant = call->caller.tenant, .conds = conds, .n_conds = 3, .index = &bf_reviews_by_reviewer, .limit = COUNT_MAX};
    enum bf_status status = bf__company(call, &company, e);
    if (status != BF_OK)
        return status;
    if (!bf_tz_civil(company.zone, call->now_ms, &day))
        return bf_fail(e, BF_E_INTERNAL, "the company's zone is not known");
    day.hour = day.minute = day.second = 0;
    bf_tz_instant(company.zone, &day, &since.i);
    return bf_store_count(call->store, &query, ret, e);
}

static enum bf_status read_queue(struct queue *q, struct bf_error *e)
{
    static const char *const filters[] = {"team", NULL};
    struct bf_call *call = q->call;
    bool by_team = false;
    struct bf_value team = {.type = BF_T_UUID};
    struct bf_cond conds[2] = {{.row = BF_CONTRACT_STATE, .op = BF_IN, .values = queued, .n = 2},
                               {.row = BF_CONTRACT_TEAM, .op = BF_EQ, .values = &team, .n = 1}};
    struct bf_query query = {.coll = &bf_contracts, .tenant = call->caller.tenant, .conds = conds, .n_conds = 1, .index = &bf_contracts_by_state};
    enum bf_status status = bf_call_page(call, filters, &query.limit, &query.after, e);
    if (status == BF_OK)
        status = bf_call_query_uuid(call, "team", &by_team, &team.uuid, e);
    if (by_team) {
        query.n_conds = 2;
        query.index = &bf_contracts_by_team_state;
    }
    if (status == BF_OK)
        status = bf_store_find(call->store, &query, call->arena, &q->page, e);
    query.after = bf_str(NULL, 0);
    query.limit = COUNT_MAX;
    if (status == BF_OK)
        status = bf_store_count(call->store, &query, &q->waiting, e);
    return status == BF_OK ? count_today(call, &q->reviewed_today, e) : status;
}

static enum bf_status read_leases(struct queue *q, struct bf_error *e)
{
    struct bf_uuid ids[BF_PAGE_MAX];
    for (unsigned i = 0; i < q->page.n; i++)
        ids[i] = q->page.docs[i]->id;
    q->leases = bf_arena_calloc(q->call->arena, q->page.n + 1, sizeof(struct bf_doc *));
    return bf_store_get_many(q->call->store, &bf_leases, q->call->caller.tenant, ids, q->page.n, q->call->arena, q->leases, e);
}

/* What the state on record does not say: whether its claim still holds, and whether the caller could take it now. */
static void write_item(struct bf_jw *w, const struct queue *q, unsigned i)
{
    const struct bf_doc *doc = q->page.docs[i];
    struct bf_contract_step step = bf__step_of(doc, q->leases[i], q->call->caller.user, q->call->now_ms);
    struct bf_object *as_claimed = bf_object_copy(q->call->arena, &doc->object);
    bool held = bf_contract_state(&doc->object, &step) == BF_CONTRACT_STATE_IS_IN_REVIEW;
    bf_jw_object(w);
    bf_jw_key(w, "contract");
    bf_jw_doc(w, doc, bf_shown(&q->call->caller, BF_SUBJECT_CONTRACT));
    bf_jw_key(w, "overdue");
    bf_jw_bool(w, bf_get_int(&doc->object, BF_CONTRACT_DUE_AT) < q->call->now_ms);
    bf_jw_key(w, "held_until");
    if (held)
        bf_jw_time(w, bf_contract_held_until(&doc->object, &step));
    else
        bf_jw_null(w);
    bf_jw_key(w, "claimable");
    bf_jw_bool(w, bf_contract_claim(as_claimed, &step, 0, NULL) == BF_OK);
    bf_jw_end_object(w);
}

static enum bf_status note_views(struct bf_call *call, const struct bf_page *page, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, page->n + 1, sizeof *ids);
    for (unsigned i = 0; i < page->n; i++)
        ids[i] = page->docs[i]->id;
    return bf_call_viewed(call, "contract", "list", ids, page->n, e);
}

static enum bf_status write_queue(const struct queue *q, struct bf_jw *w, struct bf_error *e)
{
    struct bf__names *names = bf_arena_calloc(q->call->arena, 1, sizeof *names);
    bf_jw_object(w);
    bf_jw_key(w, "items");
    bf_jw_array(w);
    for (unsigned i = 0; i < q->page.n; i++) {
        write_item(w, q, i);
        bf__names_add_contract(names, &q->page.docs[i]->object);
    }
    bf_jw_end_array(w);
    bf_jw_key(w, "waiting");
    bf_jw_int(w, q->waiting);
    bf_jw_key(w, "reviewed_today");
    bf_jw_int(w, q->reviewed_today);
    bf_jw_key(w, "next");
    if (q->page.next.n > 0)
        bf_jw_str(w, bf_cursor_seal(q->call, bf_request_route(q->call->req)->pattern, q->page.next));
    else
        bf_jw_null(w);
    enum bf_status status = bf__names_write(q->call, names, w, e);
    bf_jw_end_object(w);
    return status;
}

static void queue(struct bf_call *call, void *service)
{
    struct queue q = {.call = call};
    struct bf_buf out;
    struct bf_jw w;
    struct bf_error e = {0};
    (void)service;
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CONTRACT, BF_ACTION_REOPEN, &e); /* reviewers, and who oversees them */
    if (status == BF_OK)
        status = read_queue(&q, &e);
    if (status == BF_OK)
        status = read_leases(&q, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, 8 << 20);
    bf_jw_init(&w, &out);
    status = write_queue(&q, &w, &e);
    if (status == BF_OK)
        status = note_views(call, &q.page, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, 0);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

const struct bf_endpoint bf__review_queue = {.run = queue, .flags = BF_EP_QUERY};
