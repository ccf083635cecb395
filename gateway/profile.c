/* SPDX-License-Identifier: Apache-2.0 */
/* What a person keeps current about the own person (ACC-20): how to be reached, time zone and language; who leads also who stands in while away. All else
 * is an administrator's (PER-21). */
#include "crm/contact_means.h"
#include "crm/deputy.h"
#include "gateway/internal.h"
#include <stdio.h>

static void check_rows(const struct bf_caller *caller, const struct bf_object *patch, struct bf_error *e)
{
    uint64_t rows = bf_permission_rows((int)caller->role, BF_SUBJECT_USER, /* self= */ true);
    for (unsigned row = 0; row < patch->schema->n_fields; row++) {
        char pointer[64];
        if (patch->v[row].type == BF_T_NONE || (rows & UINT64_C(1) << row))
            continue;
        snprintf(pointer, sizeof pointer, "/%s", patch->schema->fields[row].name);
        bf_fail_field(e, BF_E_FORBIDDEN, pointer, "forbidden", "an administrator keeps this");
    }
}

static void check_means(const struct bf_object *user, struct bf_error *e)
{
    struct bf_str phone = bf_get_str(user, BF_USER_PHONE), email = bf_get_str(user, BF_USER_EMAIL);
    if (phone.n > 0 && !bf_phone_is_valid(phone))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/phone", "bad_phone", "this is no telephone number");
    if (email.n > 0 && !bf_email_is_valid(email))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/email", "bad_email", "this is no email address");
}

/* The team was read as the caller's is: where it changed meanwhile, the session is void too (access/caller.h). */
static void check_deputy(const struct bf_view *view, const struct bf_caller *caller, const struct bf_object *patch, const struct bf_doc *after, int64_t now_ms,
                         struct bf_error *e)
{
    struct bf_civil today = {0};
    const struct bf_object *user = &after->object;
    if (patch->v[BF_USER_DEPUTY].type == BF_T_NONE && patch->v[BF_USER_AWAY_FROM].type == BF_T_NONE && patch->v[BF_USER_AWAY_UNTIL].type == BF_T_NONE)
        return;
    bf_tz_civil(bf_has(user, BF_USER_TZ) ? bf_get_str(user, BF_USER_TZ) : caller->tz, now_ms, &today);
    if (bf_deputy_check(user, &today, e) != BF_OK || !bf_has(patch, BF_USER_DEPUTY))
        return;
    const struct bf_doc *team = bf_view_get(view, &bf_teams, caller->team);
    struct bf_array path = team == NULL ? (struct bf_array){.n = 0} : bf_get_array(&team->object, BF_TEAM_PATH);
    if (!bf_deputy_may(after, path, bf_view_get(view, &bf_users, bf_get_uuid(user, BF_USER_DEPUTY))))
        bf_fail_field(e, BF_E_UNPROCESSABLE, "/deputy", "bad_deputy", "no active person who sees all that you see");
}

static enum bf_status apply(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct bf_call *call = ctx;
    struct bf_error faults = {0};
    (void)d, (void)arena, (void)before;
    check_rows(&call->caller, patch, &faults);
    if (faults.status == BF_OK)
        check_means(&after->object, &faults);
    if (faults.status == BF_OK)
        check_deputy(view, &call->caller, patch, after, call->now_ms, &faults);
    if (faults.status != BF_OK)
        *e = faults;
    return faults.status;
}

static void change_profile(struct bf_call *call, void *service)
{
    struct bf_change change = {
        .subject = BF_SUBJECT_USER, .coll = &bf_users, .parent_row = BF_ROW_NONE, .id = call->caller.user, .apply = apply, .ctx = call};
    struct bf_object *patch;
    struct bf_error e = {0};
    (void)service;
    if (bf_json_decode(call->arena, &bf_user_schema, BF_JSON_PATCH, bf_request_body(call->req), &patch, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (bf_has(patch, BF_USER_DEPUTY)) {
        bf__reads_add(&change.reads, &bf_users, bf_get_uuid(patch, BF_USER_DEPUTY));
        bf__reads_add(&change.reads, &bf_teams, call->caller.team);
    }
    bf__patch(call, &change);
}

/* ---- who may be named ---- */

enum { DEPUTIES_MAX = 200, PAGES_MAX = 100 };

struct deputies {
    struct bf_call *call;
    struct bf_doc *person;
    struct bf_array path;
    struct bf_doc *of[DEPUTIES_MAX];
    unsigned n;
};

static enum bf_status add_deputies(struct deputies *d, struct bf_query *query, struct bf_error *e)
{
    struct bf_page page;
    enum bf_status status = BF_OK;
    query->after = bf_str(NULL, 0);
    for (unsigned pages = 0; pages < PAGES_MAX && status == BF_OK && (pages == 0 || query->after.n > 0); pages++) {
        status = bf_store_find(d->call->store, query, d->call->arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n && d->n < DEPUTIES_MAX; i++)
            if (bf_deputy_may(d->person, d->path, page.docs[i]))
                d->of[d->n++] = page.docs[i];
        query->after = status == BF_OK ? page.next : bf_str(NULL, 0);
    }
    return status;
}

/* Managers of the whole company, and those who lead the caller's team or one above it. */
static enum bf_status find_deputies(struct deputies *d, struct bf_error *e)
{
    struct bf_call *call = d->call;
    struct bf_value role = {.type = BF_T_ENUM, .i = BF_ROLE_IS_MANAGER}, team = {.type = BF_T_UUID};
    struct bf_cond conds[2] = {{.row = BF_USER_ROLE, .op = BF_EQ, .values = &role, .n = 1}, {.row = BF_USER_TEAM, .op = BF_EQ, .values = &team, .n = 1}};
    struct bf_query query = {
        .coll = &bf_users, .tenant = call->caller.tenant, .conds = conds, .n_conds = 1, .index = &bf_users_by_login, .limit = BF_PAGE_MAX};
    struct bf_doc *own = NULL;
    enum bf_status status = bf_store_get(call->store, &bf_users, call->caller.tenant, call->caller.user, call->arena, &d->person, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_teams, call->caller.tenant, call->caller.team, call->arena, &own, e);
    if (status == BF_OK)
        status = bf_check_caller(d->person, &call->caller, e);
    if (status == BF_OK)
        status = add_deputies(d, &query, e);
    d->path = own == NULL ? (struct bf_array){.n = 0} : bf_get_array(&own->object, BF_TEAM_PATH);
    role.i = BF_ROLE_IS_SUPERVISOR;
    query.index = &bf_users_by_team;
    query.n_conds = 2;
    for (unsigned i = 0; i < d->path.n && status == BF_OK; i++) {
        team.uuid = d->path.items[i].uuid;
        status = add_deputies(d, &query, e);
    }
    return status;
}

static void write_deputies(const struct deputies *d)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "items");
    bf_jw_array(&w);
    for (unsigned i = 0; i < d->n; i++) {
        const struct bf_object *o = &d->of[i]->object;
        bf_jw_object(&w);
        bf_jw_key(&w, "id");
        bf_jw_uuid(&w, &d->of[i]->id);
        bf_jw_key(&w, "name");
        bf_jw_str(&w, bf_get_str(o, BF_USER_NAME));
        bf_jw_key(&w, "role");
        bf_jw_str(&w, bf_strz(bf_enum_role.words[bf_get_enum(o, BF_USER_ROLE)].word));
        bf_jw_end_object(&w);
    }
    bf_jw_end_array(&w);
    bf_jw_end_object(&w);
    bf_call_json_buf(d->call, 200, &out, 0);
}

static void list_deputies(struct bf_call *call, void *service)
{
    struct deputies *d = bf_arena_calloc(call->arena, 1, sizeof *d);
    struct bf_error e = {0};
    (void)service;
    d->call = call;
    bool leads = call->caller.role == BF_ROLE_IS_SUPERVISOR || call->caller.role == BF_ROLE_IS_MANAGER;
    enum bf_status status = leads ? find_deputies(d, &e) : bf_fail(&e, BF_E_FORBIDDEN, "the role does not allow this");
    if (status == BF_OK)
        write_deputies(d);
    else
        bf_call_fail(call, &e);
}

const struct bf_endpoint bf__profile_change = {.run = change_profile}, bf__deputies_list = {.run = list_deputies};
