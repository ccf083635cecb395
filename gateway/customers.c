/* SPDX-License-Identifier: Apache-2.0 */
/* Customers and their contacts (CUS, D-13). */
#include "crm/customer.h"
#include "crm/number.h"
#include "gateway/names.h"
#include <stdio.h>

static struct bf_uuid name_key(struct bf_call *call, const struct bf_object *customer)
{
    struct bf_str key = bf_customer_name_key(call->arena, bf_get_str(customer, BF_CUSTOMER_NAME));
    return bf_id_customer_name(call->caller.tenant, key);
}

/* ---- create a customer ---- */

struct create_customer {
    struct bf_call *call;
    struct bf_doc *doc;
    struct bf_str zone;
    int year, month; /* of the number's counter */
    struct bf_uuid name_key, counter;
    struct bf_uuid owner; /* zero: the caller */
};

static enum bf_status take_name(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct create_customer *c,
                                struct bf_error *e)
{
    const struct bf_doc *taken = bf_view_get(view, &bf_keys, c->name_key);
    if (taken != NULL && !taken->tombstone)
        return bf_fail_field(e, BF_E_DUPLICATE, "/name", "duplicate", "a customer of this name exists (CUS-12)");
    struct bf_doc *key = bf_doc_create(arena, &bf_key_schema, c->doc->tenant, c->name_key);
    bf_set_uuid(&key->object, BF_KEY_HOLDER, c->doc->id);
    bf_set_str(&key->object, BF_KEY_KIND, BF_STR("customer name"));
    bf_decision_put(d, &bf_keys, key);
    return BF_OK;
}

/* The next serial of the month: part of the entry, so that a refused or lost create takes none (G-22). */
static void take_number(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct create_customer *c, struct bf_doc *customer)
{
    const struct bf_doc *before = bf_view_get(view, &bf_counters, c->counter);
    struct bf_doc *counter =
        before != NULL ? bf_doc_copy(arena, before) : bf_doc_create(arena, &bf_counter_schema, customer->tenant, c->counter);
    int64_t serial = bf_get_int(&counter->object, BF_COUNTER_VALUE) + 1;
    bf_set_str(&counter->object, BF_COUNTER_KIND, BF_STR("customer number"));
    bf_set_int(&counter->object, BF_COUNTER_VALUE, serial);
    bf_decision_put(d, &bf_counters, counter);
    bf_set_str(&customer->object, BF_CUSTOMER_NUMBER, bf_number_text(arena, c->year, c->month, serial));
}

/* Somebody who is there and whose role keeps customers. */
static bool can_own(const struct bf_doc *user)
{
    return user != NULL && !user->tombstone && bf_get_enum(&user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE &&
           bf_permission_of(bf_get_enum(&user->object, BF_USER_ROLE), BF_SUBJECT_CUSTOMER, BF_ACTION_CREATE).scope != BF_SCOPE_NONE;
}

/* Asked before the owner is looked up, so that a guess tells nothing. */
static enum bf_status check_owner(const struct create_customer *c, struct bf_error *e)
{
    const struct bf_caller *caller = &c->call->caller;
    if (bf_uuid_is_zero(&c->owner) ||
        bf_in_scope(caller, bf_permission_of(caller->role, BF_SUBJECT_CUSTOMER, BF_ACTION_CREATE).scope, c->owner, (struct bf_uuid){{0}}))
        return BF_OK;
    return bf_fail_field(e, BF_E_FORBIDDEN, "/owner", "forbidden", "only a manager enters customers for others");
}

static enum bf_status complete(const struct bf_view *view, const struct create_customer *c, struct bf_arena *arena, struct bf_doc *customer,
                               struct bf_error *e)
{
    const struct bf_caller *caller = &c->call->caller;
    struct bf_customer_author author = {.user = caller->user, .team = caller->team, .owner_team = caller->team, .now_ms = c->call->now_ms};
    if (!bf_uuid_is_zero(&c->owner)) {
        const struct bf_doc *owner = bf_view_get(view, &bf_users, c->owner);
        if (!can_own(owner))
            return bf_fail_field(e, BF_E_UNPROCESSABLE, "/owner", "unknown", "no such active user who keeps customers");
        author.owner_team = bf_get_uuid(&owner->object, BF_USER_TEAM);
    }
    bf_customer_complete(arena, &customer->object, &author);
    return BF_OK;
}

static enum bf_status decide_create_customer(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create_customer *c = ctx;
    if (bf_view_get(view, &bf_customers, c->doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another customer");
    struct bf_doc *customer = bf_doc_copy(arena, c->doc);
    enum bf_status status = check_owner(c, e);
    if (status == BF_OK)
        status = complete(view, c, arena, customer, e);
    if (status == BF_OK)
        status = take_name(view, d, arena, c, e);
    if (status != BF_OK)
        return status;
    take_number(view, d, arena, c, customer);
    struct bf_doc *contact = bf_customer_take_contact(arena, customer);
    if (contact != NULL) {
        if (bf_view_get(view, &bf_contacts, contact->id) != NULL)
            return bf_fail_field(e, BF_E_ID_REUSED, "/primary_contact/id", "id_reused", "this id was used for another contact");
        bf_decision_put(d, &bf_contacts, contact);
        bf_decision_put(d, &bf_keys, bf__primary_key(arena, customer->tenant, customer->id, contact->id));
    }
    struct bf_company company = bf__company_in(view, arena);
    bf__put_cadence(view, d, arena, customer, c->call->now_ms, &company);
    bf_decision_put(d, &bf_customers, customer);
    bf_decision_receipt(d, 201, bf__doc_json(arena, &c->call->caller, BF_SUBJECT_CUSTOMER, customer), customer->id);
    return BF_OK;
}

static enum bf_status prepare_customer(struct bf_call *call, struct create_customer *c, struct bf_reads *reads, struct bf_error *e)
{
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_company company;
    enum bf_status status = bf_json_decode_create(call->arena, &bf_customer_schema, bf_request_body(call->req), &id, &object, e);
    if (status == BF_OK)
        status = bf_customer_check(object, e);
    if (status == BF_OK)
        status = bf__company(call, &company, e);
    if (status != BF_OK)
        return status;
    c->call = call;
    c->doc = bf_doc_create(call->arena, &bf_customer_schema, call->caller.tenant, id);
    c->doc->object = *object;
    if (!bf_number_period(company.zone, call->now_ms, &c->year, &c->month))
        return bf_fail(e, BF_E_INTERNAL, "the company's time zone is not known");
    c->counter = bf_id_number_counter(call->caller.tenant, c->year, c->month);
    c->name_key = name_key(call, object);
    c->owner = bf_get_uuid(object, BF_CUSTOMER_OWNER);
    bf__company_reads(call, reads);
    bf__cadence_reads(call->caller.tenant, id, reads);
    bf__reads_add(reads, &bf_customers, id);
    bf__reads_add(reads, &bf_keys, c->name_key);
    bf__reads_add(reads, &bf_counters, c->counter);
    if (!bf_uuid_is_zero(&c->owner))
        bf__reads_add(reads, &bf_users, c->owner);
    const struct bf_object *contact = bf_get_object(object, BF_CUSTOMER_PRIMARY_CONTACT);
    if (contact != NULL) {
        bf__reads_add(reads, &bf_contacts, bf_get_uuid(contact, BF_PRIMARY_CONTACT_ID));
        bf__reads_add(reads, &bf_keys, bf_id_primary_contact(call->caller.tenant, id));
    }
    return BF_OK;
}

static void create_customer(struct bf_call *call, void *service)
{
    (void)service;
    struct create_customer *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_reads reads = {.n = 0};
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CUSTOMER, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = prepare_customer(call, c, &reads, &e);
    if (status == BF_OK)
        bf_call_submit(call, &(struct bf_call_submit){.reads = reads.items, .n_reads = reads.n, .decide = decide_create_customer, .ctx = c});
    else
        bf_call_fail(call, &e);
}

/* ---- read, list, change ---- */

static void read_customer(struct bf_call *call, void *service)
{
    (void)service;
    bf__read_with_names(call, BF_SUBJECT_CUSTOMER, &bf_customers);
}

static void list_customers(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {
        {.name = "owner", .row = BF_CUSTOMER_OWNER, .index = &bf_customers_by_owner, .in_team = &bf_customers_by_team_owner},
        {.name = "grade", .row = BF_CUSTOMER_GRADE},
        {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_CUSTOMER,
                                        .coll = &bf_customers,
                                        .customer_row = BF_ROW_NONE,
                                        .own = &bf_customers_by_owner,
                                        .team = &bf_customers_by_team,
                                        .all = &bf_customers_by_sort,
                                        .filters = filters};
    (void)service;
    bf__list(call, &list);
}

struct change_customer {
    struct bf_call *call;
    struct bf_uuid name_key; /* of the name that it had when the read set was made */
    struct bf_primary primary;
};

/* A new name takes its key and gives the old one back. */
static enum bf_status move_name(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct change_customer *c,
                                const struct bf_doc *before, const struct bf_doc *after, struct bf_error *e)
{
    struct bf_str old = bf_customer_name_key(arena, bf_get_str(&before->object, BF_CUSTOMER_NAME));
    struct bf_str new = bf_customer_name_key(arena, bf_get_str(&after->object, BF_CUSTOMER_NAME));
    struct bf_uuid old_id = bf_id_customer_name(before->tenant, old), new_id = bf_id_customer_name(before->tenant, new);
    if (bf_uuid_eq(&old_id, &new_id))
        return BF_OK;
    if (!bf_uuid_eq(&old_id, &c->name_key))
        return bf_fail(e, BF_E_STALE, "the customer got another name meanwhile");
    const struct bf_doc *taken = bf_view_get(view, &bf_keys, new_id);
    if (taken != NULL && !taken->tombstone)
        return bf_fail_field(e, BF_E_DUPLICATE, "/name", "duplicate", "a customer of this name exists (CUS-12)");
    struct bf_doc *key = bf_doc_create(arena, &bf_key_schema, before->tenant, new_id);
    bf_set_uuid(&key->object, BF_KEY_HOLDER, before->id);
    bf_set_str(&key->object, BF_KEY_KIND, BF_STR("customer name"));
    bf_decision_put(d, &bf_keys, key);
    bf_decision_tombstone(d, &bf_keys, old_id);
    return BF_OK;
}

/* Another grade or owner: from the same day on. */
static void follow_cadence(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *customer)
{
    struct bf_company company = bf__company_in(view, arena);
    bf__put_cadence(view, d, arena, customer, bf_get_int(&customer->object, BF_CUSTOMER_CREATED_AT), &company);
}

static enum bf_status apply_customer(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                     const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct change_customer *c = ctx;
    const struct bf_doc *contact = NULL;
    enum bf_status status = bf__primary_in(view, &c->primary, &contact, e);
    if (status == BF_OK)
        status = bf_customer_change(arena, &before->object, patch, &after->object, contact == NULL ? NULL : &contact->object, c->call->now_ms, e);
    if (status == BF_OK)
        status = move_name(view, d, arena, c, before, after, e);
    if (status == BF_OK)
        follow_cadence(view, d, arena, after);
    return status;
}

/* The names' keys stand in the read set: the name as it is now, and the one the patch gives. */
static enum bf_status add_name_keys(struct bf_call *call, struct bf_change *change, struct change_customer *c, struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_object *patch;
    enum bf_status status = bf__load(call, BF_SUBJECT_CUSTOMER, BF_ACTION_READ, &bf_customers, change->id, &doc, e);
    if (status == BF_OK)
        status = bf_json_decode(call->arena, &bf_customer_schema, BF_JSON_PATCH, bf_request_body(call->req), &patch, e);
    if (status != BF_OK || !bf_has(patch, BF_CUSTOMER_NAME))
        return status;
    c->name_key = name_key(call, &doc->object);
    bf__reads_add(&change->reads, &bf_keys, c->name_key);
    bf__reads_add(&change->reads, &bf_keys, name_key(call, patch));
    return BF_OK;
}

static void change_customer(struct bf_call *call, void *service)
{
    (void)service;
    struct change_customer *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_change change = {
        .subject = BF_SUBJECT_CUSTOMER, .coll = &bf_customers, .parent_row = BF_ROW_NONE, .apply = apply_customer, .ctx = c};
    struct bf_error e = {0};
    c->call = call;
    enum bf_status status = bf_call_id(call, "id", &change.id, &e);
    if (status == BF_OK)
        status = add_name_keys(call, &change, c, &e);
    if (status == BF_OK)
        status = bf__primary_reads(call, change.id, &change.reads, &c->primary, &e);
    bf__company_reads(call, &change.reads);
    bf__cadence_reads(call->caller.tenant, change.id, &change.reads);
    if (status == BF_OK)
        bf__patch(call, &change);
    else
        bf_call_fail(call, &e);
}

/* ---- transfer ---- */

#define TRANSFER_FIELDS(F)                                                                                                               \
    F(OWNER, "owner", UUID, BF_F_REQUIRED, 0, 0, NORMAL, "新负责人", "New owner")                                                        \
    F(REASON, "reason", STRING, BF_F_REQUIRED, 1, 200, NORMAL, "原因", "Reason")
#define F(row, ...) TRANSFER_##row,
enum { TRANSFER_FIELDS(F) TRANSFER_ROWS };
#undef F
#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field transfer_fields[] = {TRANSFER_FIELDS(F)};
#undef F
const struct bf_schema bf__transfer_schema = {
    .name = "transfer", .zh = "转移客户", .en = "Transfer", .version = 1, .fields = transfer_fields, .n_fields = TRANSFER_ROWS};

static enum bf_status apply_transfer(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                     const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_call *call = ctx;
    (void)before;
    struct bf_uuid owner = bf_get_uuid(body, TRANSFER_OWNER);
    const struct bf_doc *user = bf_view_get(view, &bf_users, owner);
    if (!can_own(user))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/owner", "unknown", "no such active user who keeps customers");
    enum bf_status status =
        bf_customer_transfer(&after->object, owner, bf_get_uuid(&user->object, BF_USER_TEAM), bf_get_str(body, TRANSFER_REASON), call->now_ms, e);
    if (status == BF_OK)
        follow_cadence(view, d, arena, after);
    return status;
}

static void transfer(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_change change = {
        .subject = BF_SUBJECT_CUSTOMER, .coll = &bf_customers, .parent_row = BF_ROW_NONE, .apply = apply_transfer, .ctx = call};
    struct bf_object *body;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &change.id, &e);
    if (status == BF_OK)
        status = bf_json_decode(call->arena, &bf__transfer_schema, BF_JSON_CREATE, bf_request_body(call->req), &body, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf__company_reads(call, &change.reads);
    bf__cadence_reads(call->caller.tenant, change.id, &change.reads);
    bf__reads_add(&change.reads, &bf_users, bf_get_uuid(body, TRANSFER_OWNER));
    bf__verb(call, BF_ACTION_TRANSFER, &change, body);
}

const struct bf_endpoint bf__customers_list = {.run = list_customers}, bf__customers_create = {.run = create_customer},
                         bf__customers_read = {.run = read_customer}, bf__customers_change = {.run = change_customer},
                         bf__customers_transfer = {.run = transfer, .flags = BF_EP_VERB};
