/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/customer.h"
#include "core/arena.h"
#include "core/text.h"
#include "crm/contact_means.h"
#include "crm/entities.h"
#include "crm/reason.h"
#include <stdio.h>

/* The rows of name, phone and email in one of the three tables that have them, and where the object stands in the body. */
struct reach {
    const char *at;
    unsigned name, phone, email;
};

static const struct reach customer_reach = {"", BF_CUSTOMER_NAME, BF_CUSTOMER_PHONE, BF_CUSTOMER_EMAIL};
static const struct reach contact_reach = {"", BF_CONTACT_NAME, BF_CONTACT_PHONE, BF_CONTACT_EMAIL};
static const struct reach primary_reach = {"/primary_contact", BF_PRIMARY_CONTACT_NAME, BF_PRIMARY_CONTACT_PHONE, BF_PRIMARY_CONTACT_EMAIL};
static const struct reach stored_primary_reach = {"/primary_contact", BF_CONTACT_NAME, BF_CONTACT_PHONE, BF_CONTACT_EMAIL};

static void fault(struct bf_error *e, const struct reach *reach, const char *field, const char *code, const char *detail)
{
    char pointer[64];
    snprintf(pointer, sizeof pointer, "%s/%s", reach->at, field);
    bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, code, "%s", detail);
}

static bool is_given(const struct bf_object *o, unsigned row) { return bf_has(o, row) && bf_get_str(o, row).n > 0; }

static bool has_means(const struct bf_object *o, const struct reach *reach)
{
    return is_given(o, reach->phone) || is_given(o, reach->email);
}

/* What is there must be valid (CUS-02, CUS-06). */
static void check_reach(const struct bf_object *o, const struct reach *reach, struct bf_error *e)
{
    if (bf_text_units(bf_get_str(o, reach->name)) == 0)
        fault(e, reach, "name", "blank", "a name has letters or characters");
    if (is_given(o, reach->phone) && !bf_phone_is_valid(bf_get_str(o, reach->phone)))
        fault(e, reach, "phone", "bad_phone", "this is no telephone number");
    if (is_given(o, reach->email) && !bf_email_is_valid(bf_get_str(o, reach->email)))
        fault(e, reach, "email", "bad_email", "this is no email address");
}

static bool has_refused(const struct bf_object *customer) { return !bf_customer_is_full(customer); }

/* CUS-25: the reason is a reason. */
static void check_refusal(const struct bf_object *customer, struct bf_error *e)
{
    if (has_refused(customer) && bf_text_units(bf_get_str(customer, BF_CUSTOMER_CONTACT_REFUSED)) == 0)
        fault(e, &customer_reach, "contact_refused", "blank", "say why the customer gives no data");
}

static void check_means(const struct bf_object *o, const struct reach *reach, struct bf_error *e)
{
    if (!has_means(o, reach))
        fault(e, reach, "phone", "required", "a phone or an email");
}

/* CUS-25: somebody who refused leaves one contact means, the company's or the primary contact's. */
static void check_one_means(const struct bf_object *customer, const struct bf_object *contact, const struct reach *reach, struct bf_error *e)
{
    if (contact == NULL || !has_means(contact, reach))
        check_means(customer, &customer_reach, e);
}

/* D-13, for a file as it will be stored; `contact`: the primary one, or NULL. */
static void check_complete(const struct bf_object *customer, const struct bf_object *contact, const struct reach *reach, struct bf_error *e)
{
    if (has_refused(customer)) {
        check_one_means(customer, contact, reach, e);
        return;
    }
    check_means(customer, &customer_reach, e);
    if (contact == NULL)
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/primary_contact", "required", "a primary contact with name and contact means");
    else
        check_means(contact, reach, e);
}

enum bf_status bf_customer_check(const struct bf_object *customer, struct bf_error *e)
{
    const struct bf_object *contact = bf_get_object(customer, BF_CUSTOMER_PRIMARY_CONTACT);
    struct bf_error faults = {0};
    check_reach(customer, &customer_reach, &faults);
    check_refusal(customer, &faults);
    if (contact != NULL)
        check_reach(contact, &primary_reach, &faults);
    check_complete(customer, contact, &primary_reach, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

/* As hex digits: a store orders texts, but not bytes, by their content. */
static struct bf_str sort_key(struct bf_arena *arena, struct bf_str name)
{
    struct bf_str key = bf_text_sort_key(arena, name);
    char *hex = bf_arena_alloc(arena, 2 * key.n + 1);
    bf_hex(key.p, key.n, hex);
    return bf_str(hex, 2 * key.n);
}

void bf_customer_complete(struct bf_arena *arena, struct bf_object *customer, const struct bf_customer_author *author)
{
    if (!bf_has(customer, BF_CUSTOMER_OWNER))
        bf_set_uuid(customer, BF_CUSTOMER_OWNER, author->user);
    struct bf_uuid owner = bf_get_uuid(customer, BF_CUSTOMER_OWNER);
    bf_set_uuid(customer, BF_CUSTOMER_TEAM, bf_uuid_eq(&owner, &author->user) ? author->team : author->owner_team);
    bf_set_str(customer, BF_CUSTOMER_SORT, sort_key(arena, bf_get_str(customer, BF_CUSTOMER_NAME)));
    bf_set_uuid(customer, BF_CUSTOMER_CREATED_BY, author->user);
    bf_set_int(customer, BF_CUSTOMER_CREATED_AT, author->now_ms);
    bf_set_int(customer, BF_CUSTOMER_UPDATED_AT, author->now_ms);
}

struct bf_doc *bf_customer_take_contact(struct bf_arena *arena, struct bf_doc *customer)
{
    static const struct {
        unsigned from, to;
    } rows[] = {
        {BF_PRIMARY_CONTACT_NAME, BF_CONTACT_NAME},
        {BF_PRIMARY_CONTACT_POSITION, BF_CONTACT_POSITION},
        {BF_PRIMARY_CONTACT_PHONE, BF_CONTACT_PHONE},
        {BF_PRIMARY_CONTACT_EMAIL, BF_CONTACT_EMAIL},
    };
    const struct bf_object *given = bf_get_object(&customer->object, BF_CUSTOMER_PRIMARY_CONTACT);
    if (given == NULL)
        return NULL;
    struct bf_doc *doc = bf_doc_create(arena, &bf_contact_schema, customer->tenant, bf_get_uuid(given, BF_PRIMARY_CONTACT_ID));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        bf_set_str(&doc->object, rows[i].to, bf_get_str(given, rows[i].from));
    bf_set_uuid(&doc->object, BF_CONTACT_CUSTOMER, customer->id);
    bf_set_bool(&doc->object, BF_CONTACT_PRIMARY, true);
    bf_contact_complete(&doc->object, &customer->object, bf_get_int(&customer->object, BF_CUSTOMER_CREATED_AT));
    bf_unset(&customer->object, BF_CUSTOMER_PRIMARY_CONTACT);
    return doc;
}

static void check_owner_stays(const struct bf_object *before, const struct bf_object *after, struct bf_error *e)
{
    if (!bf_value_eq(&before->v[BF_CUSTOMER_OWNER], &after->v[BF_CUSTOMER_OWNER]))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/owner", "read_only", "the owner changes by a transfer");
}

enum bf_status bf_customer_change(struct bf_arena *arena, const struct bf_object *before, const struct bf_object *patch,
                                  struct bf_object *after, const struct bf_object *contact, int64_t now_ms, struct bf_error *e)
{
    struct bf_error faults = {0};
    bf_reason_check(patch, BF_CUSTOMER_REASON, &faults);
    bf_reason_check_effect(before, after, BF_CUSTOMER_REASON, &faults);
    check_owner_stays(before, after, &faults);
    check_reach(after, &customer_reach, &faults);
    check_refusal(after, &faults);
    check_complete(after, contact, &stored_primary_reach, &faults);
    if (faults.status != BF_OK) {
        *e = faults;
        return e->status;
    }
    bf_set_str(after, BF_CUSTOMER_SORT, sort_key(arena, bf_get_str(after, BF_CUSTOMER_NAME)));
    bf_set_int(after, BF_CUSTOMER_UPDATED_AT, now_ms);
    return BF_OK;
}

enum bf_status bf_customer_transfer(struct bf_object *customer, struct bf_uuid owner, struct bf_uuid team, struct bf_str reason,
                                    int64_t now_ms, struct bf_error *e)
{
    struct bf_uuid before = bf_get_uuid(customer, BF_CUSTOMER_OWNER);
    struct bf_error faults = {0};
    if (bf_text_units(reason) == 0)
        bf_fail_field(&faults, BF_E_UNPROCESSABLE, "/reason", "required", "a change states its reason");
    if (bf_uuid_eq(&before, &owner))
        bf_fail_field(&faults, BF_E_UNPROCESSABLE, "/owner", "no_change", "this is the owner already");
    if (faults.status != BF_OK) {
        *e = faults;
        return e->status;
    }
    bf_set_uuid(customer, BF_CUSTOMER_OWNER, owner);
    bf_set_uuid(customer, BF_CUSTOMER_TEAM, team);
    bf_set_str(customer, BF_CUSTOMER_REASON, reason);
    bf_set_int(customer, BF_CUSTOMER_UPDATED_AT, now_ms);
    return BF_OK;
}

struct bf_str bf_customer_name_key(struct bf_arena *arena, struct bf_str name)
{
    struct bf_str folded = bf_text_fold(arena, name);
    char *key = bf_arena_alloc(arena, folded.n);
    size_t n = 0;
    for (size_t i = 0; i < folded.n; i++)
        if (folded.p[i] != ' ')
            key[n++] = folded.p[i];
    return bf_str(key, n);
}

/* ---- contacts ---- */

static void check_contact(const struct bf_object *customer, const struct bf_object *contact, struct bf_error *faults)
{
    check_reach(contact, &contact_reach, faults);
    if (!has_refused(customer))
        check_means(contact, &contact_reach, faults);
}

enum bf_status bf_contact_check(const struct bf_object *customer, const struct bf_object *contact, struct bf_error *e)
{
    struct bf_error faults = {0};
    check_contact(customer, contact, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

void bf_contact_complete(struct bf_object *contact, const struct bf_object *customer, int64_t now_ms)
{
    bf_set_uuid(contact, BF_CONTACT_OWNER, bf_get_uuid(customer, BF_CUSTOMER_OWNER));
    bf_set_uuid(contact, BF_CONTACT_TEAM, bf_get_uuid(customer, BF_CUSTOMER_TEAM));
    bf_set_int(contact, BF_CONTACT_CREATED_AT, now_ms);
    bf_set_int(contact, BF_CONTACT_UPDATED_AT, now_ms);
}

enum bf_status bf_contact_change(const struct bf_object *customer, const struct bf_object *before, const struct bf_object *patch,
                                 struct bf_object *after, int64_t now_ms, struct bf_error *e)
{
    struct bf_error faults = {0};
    bf_reason_check(patch, BF_CONTACT_REASON, &faults);
    bf_reason_check_effect(before, after, BF_CONTACT_REASON, &faults);
    check_contact(customer, after, &faults);
    if (bf_get_bool(after, BF_CONTACT_PRIMARY) && has_refused(customer))
        check_one_means(customer, after, &contact_reach, &faults);
    if (bf_get_bool(before, BF_CONTACT_PRIMARY) && !bf_get_bool(after, BF_CONTACT_PRIMARY))
        bf_fail_field(&faults, BF_E_UNPROCESSABLE, "/primary", "primary_needed", "a customer keeps a primary contact");
    if (faults.status != BF_OK) {
        *e = faults;
        return e->status;
    }
    bf_set_int(after, BF_CONTACT_UPDATED_AT, now_ms);
    return BF_OK;
}
