/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/names.h"

enum { USERS_MAX = 2, ANSWER_MAX = 1 << 20 };

/* The rows of a record that name people, and the one that names its customer. */
static const struct named {
    const struct bf_schema *schema;
    unsigned users[USERS_MAX], n_users;
    int customer;
} records[] = {
    {.schema = &bf_customer_schema, .users = {BF_CUSTOMER_OWNER, BF_CUSTOMER_CREATED_BY}, .n_users = 2, .customer = BF_ROW_NONE},
    {.schema = &bf_visit_schema, .users = {BF_VISIT_REP}, .n_users = 1, .customer = BF_VISIT_CUSTOMER},
    {.schema = &bf_task_schema, .users = {BF_TASK_ASSIGNEE, BF_TASK_ASSIGNED_BY}, .n_users = 2, .customer = BF_TASK_CUSTOMER},
};

static void add_id(struct bf_uuid *ids, unsigned *n, struct bf_uuid id)
{
    for (unsigned i = 0; i < *n; i++)
        if (bf_uuid_eq(&ids[i], &id))
            return;
    if (!bf_uuid_is_zero(&id) && *n < BF__NAMES_MAX)
        ids[(*n)++] = id;
}

void bf__names_add_user(struct bf__names *names, struct bf_uuid user) { add_id(names->users, &names->n_users, user); }
void bf__names_add_customer(struct bf__names *names, struct bf_uuid customer) { add_id(names->customers, &names->n_customers, customer); }

void bf__names_add_record(struct bf__names *names, const struct bf_object *record)
{
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        const struct named *r = &records[i];
        if (r->schema != record->schema)
            continue;
        for (unsigned k = 0; k < r->n_users; k++)
            bf__names_add_user(names, bf_get_uuid(record, r->users[k]));
        if (r->customer != BF_ROW_NONE)
            bf__names_add_customer(names, bf_get_uuid(record, (unsigned)r->customer));
    }
}

static void write_name(struct bf_jw *w, const struct bf_doc *doc, unsigned row)
{
    char key[BF_UUID_TEXT];
    bf_uuid_text(&doc->id, key);
    bf_jw_key(w, key);
    bf_jw_str(w, bf_get_str(&doc->object, row));
}

enum bf_status bf__names_write(struct bf_call *call, const struct bf__names *names, struct bf_jw *w, struct bf_error *e)
{
    struct bf_doc **users = bf_arena_calloc(call->arena, names->n_users + 1, sizeof *users);
    struct bf_doc **customers = bf_arena_calloc(call->arena, names->n_customers + 1, sizeof *customers);
    enum bf_status status = bf_store_get_many(call->store, &bf_users, call->caller.tenant, names->users, names->n_users, call->arena, users, e);
    if (status == BF_OK)
        status = bf_store_get_many(call->store, &bf_customers, call->caller.tenant, names->customers, names->n_customers, call->arena, customers, e);
    if (status != BF_OK)
        return status;
    bf_jw_key(w, "names");
    bf_jw_object(w);
    for (unsigned i = 0; i < names->n_users; i++)
        if (users[i] != NULL && !users[i]->tombstone)
            write_name(w, users[i], BF_USER_NAME);
    for (unsigned i = 0; i < names->n_customers; i++)
        if (customers[i] != NULL && !customers[i]->tombstone &&
            (names->any_customer || bf_authorize(&call->caller, BF_SUBJECT_CUSTOMER, BF_ACTION_READ, &bf_customers, customers[i], NULL) == BF_OK))
            write_name(w, customers[i], BF_CUSTOMER_NAME);
    bf_jw_end_object(w);
    return BF_OK;
}

static enum bf_status answer(struct bf_call *call, enum bf_subject subject, const struct bf_doc *doc, struct bf_error *e)
{
    struct bf__names *names = bf_arena_calloc(call->arena, 1, sizeof *names);
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "id");
    bf_jw_uuid(&w, &doc->id);
    bf_jw_key(&w, "rev");
    bf_jw_int(&w, doc->rev);
    bf_jw_fields(&w, &doc->object, bf_shown(&call->caller, subject));
    bf__names_add_record(names, &doc->object);
    enum bf_status status = bf__names_write(call, names, &w, e);
    bf_jw_end_object(&w);
    if (status == BF_OK)
        status = bf_call_viewed(call, doc->object.schema->name, "read", &doc->id, 1, e);
    if (status == BF_OK)
        bf_call_json_buf(call, 200, &out, doc->rev);
    else
        bf_buf_finish(&out);
    return status;
}

void bf__read_with_names(struct bf_call *call, enum bf_subject subject, const struct bf_collection *coll)
{
    struct bf_uuid id;
    struct bf_doc *doc;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf__load(call, subject, BF_ACTION_READ, coll, id, &doc, &e);
    if (status == BF_OK)
        status = answer(call, subject, doc, &e);
    if (status != BF_OK)
        bf_call_fail(call, &e);
}
