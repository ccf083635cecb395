/* SPDX-License-Identifier: Apache-2.0 */
/* Supplements (补充说明): a new entry tied to a record that itself never changes (D-03, FUP-13). */
#include "access/capture.h"
#include "gateway/internal.h"

struct create {
    struct bf_call *call;
    struct bf_doc *doc;
    struct bf_uuid customer;
};

static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create *c = ctx;
    const struct bf_caller *caller = &c->call->caller;
    const struct bf_doc *customer = bf__decide_customer(view, caller, BF_SUBJECT_SUPPLEMENT, BF_ACTION_CREATE, c->customer, e);
    if (customer == NULL)
        return bf__unknown(e, "/visit", "no such visit");
    if (bf_view_get(view, &bf_supplements, c->doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another supplement");
    struct bf_doc *doc = bf_doc_copy(arena, c->doc);
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_SUPPLEMENT_CUSTOMER, customer->id);
    bf_set_uuid(o, BF_SUPPLEMENT_OWNER, bf_get_uuid(&customer->object, BF_CUSTOMER_OWNER));
    bf_set_uuid(o, BF_SUPPLEMENT_TEAM, bf_get_uuid(&customer->object, BF_CUSTOMER_TEAM));
    bf_set_uuid(o, BF_SUPPLEMENT_AUTHOR, caller->user);
    bf_set_int(o, BF_SUPPLEMENT_RECEIVED_AT, c->call->now_ms);
    bf_decision_put(d, &bf_supplements, doc);
    if (bf_has(o, BF_SUPPLEMENT_CAPTURE_SEQ)) {
        enum bf_status status = bf_decide_capture(view, d, arena, caller, bf_get_uuid(o, BF_SUPPLEMENT_DEVICE), bf_get_int(o, BF_SUPPLEMENT_CAPTURE_SEQ), e);
        if (status != BF_OK)
            return status;
    }
    bf_decision_receipt(d, 201, bf__doc_json(arena, caller, BF_SUBJECT_SUPPLEMENT, doc), customer->id);
    return BF_OK;
}

/* The visit never changes, so it may be read beforehand. The right to it is judged here, so that a foreign visit is refused as soon as one that never
 * was, and again in the decision, on the customer as it is then. */
static enum bf_status prepare(struct bf_call *call, struct create *c, struct bf_reads *reads, struct bf_error *e)
{
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_doc *visit;
    enum bf_status status = bf_json_decode_create(call->arena, &bf_supplement_schema, bf_request_body(call->req), &id, &object, e);
    if (status == BF_OK && bf_has(object, BF_SUPPLEMENT_CAPTURE_SEQ) != bf_has(object, BF_SUPPLEMENT_DEVICE))
        status = bf_fail_field(e, BF_E_UNPROCESSABLE, "/device", "required", "device and capture_seq go together (G-01)");
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_SUPPLEMENT, BF_ACTION_CREATE, &bf_visits, BF_VISIT_CUSTOMER, bf_get_uuid(object, BF_SUPPLEMENT_VISIT),
                                &visit, e);
    if (status != BF_OK)
        return bf__unknown(e, "/visit", "no such visit");
    *c = (struct create){.call = call, .customer = bf_get_uuid(&visit->object, BF_VISIT_CUSTOMER)};
    c->doc = bf_doc_create(call->arena, &bf_supplement_schema, call->caller.tenant, id);
    c->doc->object = *object;
    bf__reads_add(reads, &bf_supplements, id);
    bf__reads_add(reads, &bf_customers, c->customer);
    if (bf_has(object, BF_SUPPLEMENT_DEVICE))
        bf__reads_add(reads, &bf_captures, bf_id_capture(call->caller.tenant, bf_get_uuid(object, BF_SUPPLEMENT_DEVICE)));
    return BF_OK;
}

static void create_supplement(struct bf_call *call, void *service)
{
    (void)service;
    struct create *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_reads reads = {.n = 0};
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_SUPPLEMENT, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = prepare(call, c, &reads, &e);
    if (status == BF_OK)
        bf_call_submit(call, &(struct bf_call_submit){.reads = reads.items, .n_reads = reads.n, .decide = decide_create, .ctx = c});
    else
        bf_call_fail(call, &e);
}

static void read_supplement(struct bf_call *call, void *service)
{
    (void)service;
    bf__read(call, BF_SUBJECT_SUPPLEMENT, &bf_supplements, BF_SUPPLEMENT_CUSTOMER);
}

static void list_supplements(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {
        {.name = "visit", .row = BF_SUPPLEMENT_VISIT, .parent = &bf_visits, .index = &bf_supplements_by_visit}, {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_SUPPLEMENT,
                                        .coll = &bf_supplements,
                                        .customer_row = BF_SUPPLEMENT_CUSTOMER,
                                        .own = &bf_supplements_by_owner,
                                        .team = &bf_supplements_by_team,
                                        .filters = filters};
    (void)service;
    bf__list(call, &list);
}

const struct bf_endpoint bf__supplements_list = {.run = list_supplements}, bf__supplements_create = {.run = create_supplement},
                         bf__supplements_read = {.run = read_supplement};
