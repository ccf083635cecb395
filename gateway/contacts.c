/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts of a customer (CUS-08, CUS-09). Which of them is the primary one is a fact of the customer: a key document names it, so that flagging
 * another one and unflagging the first is one decision. */
#include "crm/customer.h"
#include "gateway/internal.h"

struct bf_doc *bf__primary_key(struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid customer, struct bf_uuid contact)
{
    struct bf_doc *key = bf_doc_create(arena, &bf_key_schema, tenant, bf_id_primary_contact(tenant, customer));
    bf_set_uuid(&key->object, BF_KEY_HOLDER, contact);
    bf_set_str(&key->object, BF_KEY_KIND, BF_STR("primary contact"));
    return key;
}

enum bf_status bf__primary_reads(struct bf_call *call, struct bf_uuid customer, struct bf_reads *reads, struct bf_primary *ret, struct bf_error *e)
{
    struct bf_doc *key;
    *ret = (struct bf_primary){.key = bf_id_primary_contact(call->caller.tenant, customer)};
    enum bf_status status = bf_store_get(call->store, &bf_keys, call->caller.tenant, ret->key, call->arena, &key, e);
    if (status != BF_OK)
        return status;
    bf__reads_add(reads, &bf_keys, ret->key);
    if (key != NULL) {
        ret->contact = bf_get_uuid(&key->object, BF_KEY_HOLDER);
        bf__reads_add(reads, &bf_contacts, ret->contact);
    }
    return BF_OK;
}

enum bf_status bf__primary_in(const struct bf_view *view, const struct bf_primary *primary, const struct bf_doc **ret, struct bf_error *e)
{
    const struct bf_doc *key = bf_view_get(view, &bf_keys, primary->key);
    struct bf_uuid now = key == NULL ? (struct bf_uuid){{0}} : bf_get_uuid(&key->object, BF_KEY_HOLDER);
    if (!bf_uuid_eq(&now, &primary->contact))
        return bf_fail(e, BF_E_STALE, "another contact became the primary one meanwhile");
    *ret = bf_uuid_is_zero(&now) ? NULL : bf_view_get(view, &bf_contacts, now);
    return BF_OK;
}

struct create_contact {
    struct bf_call *call;
    struct bf_doc *doc;
};

static enum bf_status decide_create_contact(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create_contact *c = ctx;
    const struct bf_caller *caller = &c->call->caller;
    struct bf_uuid customer_id = bf_get_uuid(&c->doc->object, BF_CONTACT_CUSTOMER);
    const struct bf_doc *customer = bf__decide_customer(view, caller, BF_SUBJECT_CONTACT, BF_ACTION_CREATE, customer_id, e);
    if (customer == NULL)
        return bf__unknown(e, "/customer", "no such customer");
    if (bf_view_get(view, &bf_contacts, c->doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another contact");
    struct bf_doc *contact = bf_doc_copy(arena, c->doc);
    enum bf_status status = bf_contact_check(&customer->object, &contact->object, e);
    if (status != BF_OK)
        return status;
    bf_contact_complete(&contact->object, &customer->object, c->call->now_ms);
    bf_decision_put(d, &bf_contacts, contact);
    bf_decision_receipt(d, 201, bf__doc_json(arena, caller, BF_SUBJECT_CONTACT, contact), customer_id);
    return BF_OK;
}

static void create_contact(struct bf_call *call, void *service)
{
    (void)service;
    struct create_contact *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_reads reads = {.n = 0};
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CONTACT, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = bf_json_decode_create(call->arena, &bf_contact_schema, bf_request_body(call->req), &id, &object, &e);
    if (status == BF_OK && bf_get_bool(object, BF_CONTACT_PRIMARY))
        status = bf_fail_field(&e, BF_E_UNPROCESSABLE, "/primary", "primary_needed", "a customer has one primary contact: flag another by changing it");
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    c->call = call;
    c->doc = bf_doc_create(call->arena, &bf_contact_schema, call->caller.tenant, id);
    c->doc->object = *object;
    bf__reads_add(&reads, &bf_contacts, id);
    bf__reads_add(&reads, &bf_customers, bf_get_uuid(object, BF_CONTACT_CUSTOMER));
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads.items, .n_reads = reads.n, .decide = decide_create_contact, .ctx = c});
}

static void read_contact(struct bf_call *call, void *service)
{
    (void)service;
    bf__read(call, BF_SUBJECT_CONTACT, &bf_contacts, BF_CONTACT_CUSTOMER);
}

static void list_contacts(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {
        {.name = "customer", .row = BF_CONTACT_CUSTOMER, .parent = &bf_customers, .index = &bf_contacts_by_customer}, {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_CONTACT,
                                        .coll = &bf_contacts,
                                        .customer_row = BF_CONTACT_CUSTOMER,
                                        .own = &bf_contacts_by_owner,
                                        .team = &bf_contacts_by_team,
                                        .filters = filters};
    (void)service;
    bf__list(call, &list);
}

/* ---- change ---- */

struct change_contact {
    struct bf_call *call;
    struct bf_primary primary;
};

/* When this one becomes the primary contact, the one before is no longer. */
static enum bf_status move_flag(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct change_contact *c,
                                const struct bf_doc *contact, struct bf_error *e)
{
    const struct bf_doc *before;
    enum bf_status status = bf__primary_in(view, &c->primary, &before, e);
    if (status != BF_OK)
        return status;
    if (before != NULL) {
        struct bf_doc *old = bf_doc_copy(arena, before);
        bf_set_bool(&old->object, BF_CONTACT_PRIMARY, false);
        bf_set_int(&old->object, BF_CONTACT_UPDATED_AT, c->call->now_ms);
        bf_decision_put(d, &bf_contacts, old);
    }
    bf_decision_put(d, &bf_keys, bf__primary_key(arena, contact->tenant, bf_get_uuid(&contact->object, BF_CONTACT_CUSTOMER), contact->id));
    return BF_OK;
}

static enum bf_status apply_contact(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                    const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct change_contact *c = ctx;
    const struct bf_doc *customer = bf_view_get(view, &bf_customers, bf_get_uuid(&before->object, BF_CONTACT_CUSTOMER));
    enum bf_status status = bf_contact_change(&customer->object, &before->object, patch, &after->object, c->call->now_ms, e);
    if (status == BF_OK && bf_get_bool(&after->object, BF_CONTACT_PRIMARY) && !bf_get_bool(&before->object, BF_CONTACT_PRIMARY))
        status = move_flag(view, d, arena, c, after, e);
    return status;
}

/* The key and the contact that it names go into the read set. */
static enum bf_status add_primary(struct bf_call *call, struct bf_change *change, struct change_contact *c, struct bf_error *e)
{
    struct bf_doc *doc;
    enum bf_status status = bf__load_child(call, BF_SUBJECT_CONTACT, BF_ACTION_READ, &bf_contacts, BF_CONTACT_CUSTOMER, change->id, &doc, e);
    return status == BF_OK ? bf__primary_reads(call, bf_get_uuid(&doc->object, BF_CONTACT_CUSTOMER), &change->reads, &c->primary, e) : status;
}

static void change_contact(struct bf_call *call, void *service)
{
    (void)service;
    struct change_contact *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_change change = {
        .subject = BF_SUBJECT_CONTACT, .coll = &bf_contacts, .parent_row = BF_CONTACT_CUSTOMER, .apply = apply_contact, .ctx = c};
    struct bf_error e = {0};
    c->call = call;
    enum bf_status status = bf_call_id(call, "id", &change.id, &e);
    if (status == BF_OK)
        status = add_primary(call, &change, c, &e);
    if (status == BF_OK)
        bf__patch(call, &change);
    else
        bf_call_fail(call, &e);
}

const struct bf_endpoint bf__contacts_list = {.run = list_contacts}, bf__contacts_create = {.run = create_contact},
                         bf__contacts_read = {.run = read_contact}, bf__contacts_change = {.run = change_contact};
