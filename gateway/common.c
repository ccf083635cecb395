/* SPDX-License-Identifier: Apache-2.0 */
/* What the endpoints of records have in common. */
#include "crm/policy.h"
#include "gateway/internal.h"
#include <assert.h>
#include <stdio.h>

enum { JSON_MAX = 1 << 20, FILTERS_MAX = 4 };

void bf__reads_add(struct bf_reads *reads, const struct bf_collection *coll, struct bf_uuid id)
{
    for (unsigned i = 0; i < reads->n; i++)
        if (reads->items[i].coll == coll && bf_uuid_eq(&reads->items[i].id, &id))
            return;
    assert(reads->n < BF_READS_MAX);
    reads->items[reads->n++] = (struct bf_read){.coll = coll, .id = id};
}

/* ---- the company ---- */

static struct bf_company company_of(const struct bf_doc *tenant, const struct bf_doc *policy, struct bf_arena *arena)
{
    struct bf_company c = {.zone = BF_STR("Asia/Shanghai")};
    if (tenant != NULL && bf_has(&tenant->object, BF_TENANT_TZ))
        c.zone = bf_get_str(&tenant->object, BF_TENANT_TZ);
    if (policy == NULL) {
        c.policy = bf_policy_create(arena);
    } else {
        c.policy = bf_object_copy(arena, &policy->object);
        bf_policy_fill(arena, c.policy);
    }
    return c;
}

enum bf_status bf__company(struct bf_call *call, struct bf_company *ret, struct bf_error *e)
{
    struct bf_doc *tenant, *policy;
    struct bf_uuid t = call->caller.tenant;
    enum bf_status status = bf_store_get(call->store, &bf_tenants, t, t, call->arena, &tenant, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_policies, t, bf_id_policy(t), call->arena, &policy, e);
    if (status == BF_OK)
        *ret = company_of(tenant, policy, call->arena);
    return status;
}

void bf__company_reads(struct bf_call *call, struct bf_reads *reads)
{
    bf__reads_add(reads, &bf_tenants, call->caller.tenant);
    bf__reads_add(reads, &bf_policies, bf_id_policy(call->caller.tenant));
}

struct bf_company bf__company_in(const struct bf_view *view, struct bf_arena *arena)
{
    struct bf_uuid t = bf_view_tenant(view);
    return company_of(bf_view_get(view, &bf_tenants, t), bf_view_get(view, &bf_policies, bf_id_policy(t)), arena);
}

/* ---- records and rights ---- */

enum bf_status bf__load(struct bf_call *call, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll, struct bf_uuid id,
                        struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = bf_store_get(call->store, coll, call->caller.tenant, id, call->arena, ret, e);
    return status == BF_OK ? bf_authorize(&call->caller, subject, action, coll, *ret, e) : status;
}

enum bf_status bf__load_child(struct bf_call *call, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll, unsigned customer_row,
                              struct bf_uuid id, struct bf_doc **ret, struct bf_error *e)
{
    struct bf_doc *customer;
    enum bf_status status = bf_store_get(call->store, coll, call->caller.tenant, id, call->arena, ret, e);
    if (status == BF_OK && (*ret == NULL || (*ret)->tombstone))
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_customers, call->caller.tenant, bf_get_uuid(&(*ret)->object, customer_row), call->arena, &customer, e);
    return status == BF_OK ? bf_authorize(&call->caller, subject, action, &bf_customers, customer, e) : status;
}

static enum bf_status load(struct bf_call *call, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll, int customer_row,
                           struct bf_uuid id, struct bf_doc **ret, struct bf_error *e)
{
    return customer_row == BF_ROW_NONE ? bf__load(call, subject, action, coll, id, ret, e)
                                       : bf__load_child(call, subject, action, coll, (unsigned)customer_row, id, ret, e);
}

void bf__read(struct bf_call *call, enum bf_subject subject, const struct bf_collection *coll, int customer_row)
{
    struct bf_uuid id;
    struct bf_doc *doc;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = load(call, subject, BF_ACTION_READ, coll, customer_row, id, &doc, &e);
    if (status == BF_OK)
        bf_call_doc(call, subject, doc);
    else
        bf_call_fail(call, &e);
}

const struct bf_doc *bf__decide_customer(const struct bf_view *view, const struct bf_caller *caller, enum bf_subject subject, enum bf_action action,
                                         struct bf_uuid customer, struct bf_error *e)
{
    const struct bf_doc *doc = bf_view_get(view, &bf_customers, customer);
    return bf_authorize(caller, subject, action, &bf_customers, doc, e) == BF_OK ? doc : NULL;
}

enum bf_status bf__unknown(struct bf_error *e, const char *pointer, const char *detail)
{
    if (e->status != BF_E_NOT_FOUND)
        return e->status;
    *e = (struct bf_error){.status = BF_OK};
    return bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "unknown", "%s", detail);
}

struct bf_str bf__doc_json(struct bf_arena *arena, const struct bf_caller *caller, enum bf_subject subject, const struct bf_doc *doc)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, JSON_MAX);
    bf_jw_init(&w, &out);
    bf_jw_doc(&w, doc, bf_shown(caller, subject));
    struct bf_str json = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    return json;
}

/* ---- parameters ---- */

bool bf__is_dry_run(const struct bf_call *call) { return bf_str_eqz(bf_request_query(call->req, "dry_run"), "1"); }

/* ---- lists ---- */

static enum bf_status read_filter(struct bf_call *call, const struct bf_filter *filter, const struct bf_field *field, bool *found,
                                  struct bf_value *ret, struct bf_error *e)
{
    *ret = (struct bf_value){.type = field->type};
    if (field->type == BF_T_UUID)
        return bf_call_query_uuid(call, filter->name, found, &ret->uuid, e);
    assert(field->type == BF_T_ENUM);
    struct bf_str word = bf_request_query(call->req, filter->name);
    *found = word.p != NULL;
    ret->i = *found ? bf_enum_find(field->words, word) : 0;
    if (ret->i < 0)
        return bf_fail_field(e, BF_E_INVALID_QUERY, filter->name, "unknown_word", "not one of the words of %s", field->words->name);
    return BF_OK;
}

/* A list's query as it is put together. */
struct selection {
    struct bf_cond conds[FILTERS_MAX + 1];
    struct bf_query query;
    struct bf_scope_query scope; /* narrowed by a filter on its own row; n_conds 0: all that is left to select may be seen */
    bool nothing;                /* what was asked for is outside the scope */
    bool by_parent;              /* children of one record, whose right was judged */
};

/* The right to a parent's children, before any of them is read. */
static enum bf_status judge_parent(struct bf_call *call, const struct bf_list *list, const struct bf_filter *f, struct bf_uuid id, bool *visible,
                                   struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_error cause = {0};
    enum bf_status status = f->parent == &bf_customers
                                ? bf__load(call, list->subject, BF_ACTION_READ, &bf_customers, id, &doc, &cause)
                                : bf__load_child(call, list->subject, BF_ACTION_READ, &bf_visits, BF_VISIT_CUSTOMER, id, &doc, &cause);
    *visible = status == BF_OK;
    if (status == BF_OK || status == BF_E_NOT_FOUND)
        return BF_OK;
    *e = cause;
    return status;
}

/* The filter beside the caller's scope. */
static void combine(const struct bf_list *list, const struct bf_filter *f, const struct bf_value *value, struct selection *s)
{
    struct bf_cond *scope = &s->scope.cond;
    if (s->scope.n_conds == 0) {
        if (f->index != NULL && !s->by_parent)
            s->query.index = f->index;
    } else if (scope->row == (int)f->row) {
        bool within = false;
        for (unsigned i = 0; i < scope->n; i++)
            within |= bf_uuid_eq(&scope->values[i].uuid, &value->uuid);
        s->nothing |= !within;
        s->scope.n_conds = 0; /* the filter's own condition is the narrower one */
    } else if (f->in_team != NULL && scope->row == list->coll->team) {
        s->query.index = f->in_team;
    }
}

static enum bf_status add_filter(struct bf_call *call, const struct bf_list *list, const struct bf_filter *f, struct selection *s, struct bf_error *e)
{
    bool found, visible = true;
    struct bf_value *value = bf_arena_calloc(call->arena, 1, sizeof *value);
    enum bf_status status = read_filter(call, f, &list->coll->schema->fields[f->row], &found, value, e);
    if (status == BF_OK && found && f->parent != NULL)
        status = judge_parent(call, list, f, value->uuid, &visible, e);
    if (status != BF_OK || !found)
        return status;
    s->conds[s->query.n_conds++] = (struct bf_cond){.row = (int)f->row, .op = BF_EQ, .values = value, .n = 1};
    if (f->parent == NULL) {
        combine(list, f, value, s);
        return BF_OK;
    }
    s->nothing |= !visible;
    s->by_parent = true;
    s->scope.n_conds = 0;
    s->query.index = f->index;
    return BF_OK;
}

/* Drops the children whose customer is no longer in the caller's scope: a transfer's job may still be on its way. */
static enum bf_status drop_foreign(struct bf_call *call, const struct bf_list *list, struct bf_page *page, struct bf_error *e)
{
    struct bf_uuid ids[BF_PAGE_MAX];
    struct bf_doc *customers[BF_PAGE_MAX];
    unsigned kept = 0;
    for (unsigned i = 0; i < page->n; i++)
        ids[i] = bf_get_uuid(&page->docs[i]->object, (unsigned)list->customer_row);
    enum bf_status status = bf_store_get_many(call->store, &bf_customers, call->caller.tenant, ids, page->n, call->arena, customers, e);
    for (unsigned i = 0; status == BF_OK && i < page->n; i++)
        if (bf_authorize(&call->caller, list->subject, BF_ACTION_READ, &bf_customers, customers[i], NULL) == BF_OK)
            page->docs[kept++] = page->docs[i];
    page->n = kept;
    return status;
}

static enum bf_status make_query(struct bf_call *call, const struct bf_list *list, struct selection *s, struct bf_error *e)
{
    const char *names[FILTERS_MAX + 1];
    unsigned n_names = 0;
    *s = (struct selection){.query = {.coll = list->coll, .tenant = call->caller.tenant, .conds = s->conds, .descending = list->descending}};
    for (const struct bf_filter *f = list->filters; f != NULL && f->name != NULL; f++)
        names[n_names++] = f->name;
    assert(n_names <= FILTERS_MAX);
    names[n_names] = NULL;
    enum bf_status status = bf_call_page(call, names, &s->query.limit, &s->query.after, e);
    if (status == BF_OK)
        status = bf_scope_query(&call->caller, list->subject, list->coll, list->own, list->team, list->all, call->arena, &s->scope, e);
    s->query.index = s->scope.index;
    for (const struct bf_filter *f = list->filters; status == BF_OK && f != NULL && f->name != NULL; f++)
        status = add_filter(call, list, f, s, e);
    if (status == BF_OK && s->scope.n_conds > 0)
        s->conds[s->query.n_conds++] = s->scope.cond;
    return status;
}

static enum bf_status read_page(struct bf_call *call, const struct bf_list *list, const struct selection *s, struct bf_page *ret, struct bf_error *e)
{
    *ret = (struct bf_page){.n = 0};
    enum bf_status status = s->nothing ? BF_OK : bf_store_find(call->store, &s->query, call->arena, ret, e);
    if (status == BF_OK && list->customer_row != BF_ROW_NONE && !s->by_parent)
        status = drop_foreign(call, list, ret, e);
    return status;
}

void bf__list(struct bf_call *call, const struct bf_list *list)
{
    struct bf_error e = {0};
    struct selection s;
    struct bf_page page;
    enum bf_status status = make_query(call, list, &s, &e);
    bool answered = false;
    while (status == BF_OK && !answered) {
        status = read_page(call, list, &s, &page, &e);
        answered = status == BF_OK && bf_call_answer_page(call, list->subject, &page);
        s.query.limit = s.query.limit > 1 ? s.query.limit / 2 : 1; /* of records too large for one answer together; one alone always fits */
    }
    if (status != BF_OK)
        bf_call_fail(call, &e);
}

/* ---- changes and verbs ---- */

struct change_ctx {
    struct bf_call *call;
    struct bf_change change;
    enum bf_action action;
    const struct bf_object *patch;
    bool merge; /* the patch is merged into the record before `apply` */
    int64_t if_match;
};

static enum bf_status check_rev(const struct change_ctx *c, const struct bf_doc *before, struct bf_error *e)
{
    if (c->if_match == 0 || (c->if_match == BF_REV_UNSTORED ? 0 : c->if_match) == before->rev)
        return BF_OK;
    return bf_fail(e, BF_E_STALE, "the record is at revision %lld by now", (long long)before->rev);
}

static enum bf_status check_rights(const struct bf_view *view, const struct change_ctx *c, const struct bf_doc *before, struct bf_error *e)
{
    const struct bf_caller *caller = &c->call->caller;
    if (c->change.parent_row == BF_ROW_NONE)
        return bf_authorize(caller, c->change.subject, c->action, c->change.coll, before, e);
    if (before == NULL || before->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    struct bf_uuid parent = bf_get_uuid(&before->object, (unsigned)c->change.parent_row);
    return bf__decide_customer(view, caller, c->change.subject, c->action, parent, e) != NULL ? BF_OK : e->status;
}

/* Of a record that is stored in part: all of it. */
static const struct bf_doc *whole(const struct change_ctx *c, struct bf_arena *arena, const struct bf_doc *stored)
{
    return c->change.whole == NULL ? stored : c->change.whole(arena, stored, c->change.ctx);
}

/* Whose content the record is: what is told of it goes when that is erased. */
static struct bf_uuid subject_of(const struct bf_collection *coll, const struct bf_doc *doc)
{
    if (coll->subject == BF_ROW_ID)
        return doc->id;
    return coll->subject == BF_ROW_NONE ? (struct bf_uuid){{0}} : bf_get_uuid(&doc->object, (unsigned)coll->subject);
}

static enum bf_status decide_change(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct change_ctx *c = ctx;
    const struct bf_doc *before = whole(c, arena, bf_view_get(view, c->change.coll, c->change.id));
    enum bf_status status = check_rights(view, c, before, e);
    if (status == BF_OK)
        status = check_rev(c, before, e);
    if (status != BF_OK)
        return status;
    struct bf_doc *after = bf_doc_copy(arena, before);
    if (c->merge) {
        struct bf_object *merged;
        status = bf_json_merge(arena, &before->object, c->patch, &merged, e);
        if (status != BF_OK)
            return status;
        after->object = *merged;
    }
    status = c->change.apply(view, d, arena, before, c->patch, after, c->change.ctx, e);
    if (status != BF_OK)
        return status;
    bf_decision_put(d, c->change.coll, after);
    bf_decision_receipt(d, 200, bf__doc_json(arena, &c->call->caller, c->change.subject, whole(c, arena, after)), subject_of(c->change.coll, after));
    return BF_OK;
}

void bf__answer_change(struct bf_call *call, const struct bf_receipt *receipt, enum bf_subject subject, const struct bf_collection *coll,
                       int customer_row, struct bf_uuid id)
{
    struct bf_doc *current;
    struct bf_error e = {0};
    if (receipt->status != BF_E_STALE && receipt->status != BF_E_CONFLICT)
        bf_call_receipt(call, receipt);
    else if (load(call, subject, BF_ACTION_READ, coll, customer_row, id, &current, &e) == BF_OK)
        bf_call_fail_about(call, &receipt->error, subject, current);
    else
        bf_call_fail(call, &e);
}

/* The record as it is now, of which nothing may be stored. */
static void show_current(struct bf_call *call, const struct change_ctx *c, const struct bf_error *why)
{
    struct bf_doc *stored;
    struct bf_error e = {0};
    if (bf_store_get(call->store, c->change.coll, call->caller.tenant, c->change.id, call->arena, &stored, &e) == BF_OK)
        bf_call_fail_about(call, why, c->change.subject, whole(c, call->arena, stored));
    else
        bf_call_fail(call, &e);
}

static void answer_change(struct bf_call *call, const struct bf_receipt *receipt, void *ctx)
{
    const struct change_ctx *c = ctx;
    if (c->change.whole != NULL && receipt->status == BF_E_STALE)
        show_current(call, c, &receipt->error);
    else
        bf__answer_change(call, receipt, c->change.subject, c->change.coll, c->change.parent_row, c->change.id);
}

static void submit_change(struct change_ctx *c)
{
    struct bf_call *call = c->call;
    struct bf_error e = {0};
    struct bf_doc *doc;
    enum bf_status status = bf_call_if_match(call, &c->if_match, &e);
    bf__reads_add(&c->change.reads, c->change.coll, c->change.id);
    /* The parent's id is in the record, which never changes it. */
    if (status == BF_OK && c->change.parent_row != BF_ROW_NONE) {
        status = bf_store_get(call->store, c->change.coll, call->caller.tenant, c->change.id, call->arena, &doc, &e);
        if (status == BF_OK && (doc == NULL || doc->tombstone))
            status = bf_fail(&e, BF_E_NOT_FOUND, "there is no such record");
        if (status == BF_OK)
            bf__reads_add(&c->change.reads, &bf_customers, bf_get_uuid(&doc->object, (unsigned)c->change.parent_row));
    }
    if (status == BF_OK)
        bf_call_submit(call, &(struct bf_call_submit){.reads = c->change.reads.items, .n_reads = c->change.reads.n, .decide = decide_change, .ctx = c, .done = answer_change});
    else
        bf_call_fail(call, &e);
}

static struct change_ctx *new_change(struct bf_call *call, enum bf_action action, const struct bf_change *change)
{
    struct change_ctx *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    *c = (struct change_ctx){.call = call, .change = *change, .action = action};
    return c;
}

void bf__patch(struct bf_call *call, const struct bf_change *change)
{
    struct change_ctx *c = new_change(call, BF_ACTION_CHANGE, change);
    struct bf_object *patch;
    struct bf_error e = {0};
    enum bf_status status = BF_OK;
    if (bf_request_header(call->req, "if-match").p == NULL)
        status = bf_fail_field(&e, BF_E_PRECONDITION_REQUIRED, "If-Match", "required", "the ETag of the record that was changed");
    if (status == BF_OK)
        status = bf_json_decode(call->arena, change->coll->schema, BF_JSON_PATCH, bf_request_body(call->req), &patch, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    c->patch = patch;
    c->merge = true;
    submit_change(c);
}

void bf__verb(struct bf_call *call, enum bf_action action, const struct bf_change *change, const struct bf_object *body)
{
    struct change_ctx *c = new_change(call, action, change);
    c->patch = body;
    submit_change(c);
}
