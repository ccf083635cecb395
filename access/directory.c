/* SPDX-License-Identifier: Apache-2.0 */
#include "access/directory.h"
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/json.h"
#include "core/text.h"
#include "core/tz.h"
#include "crm/ids.h"
#include "crm/policy.h"

/* A supervisor's list selects by all the teams below. */
enum { TEAM_DEPTH_MAX = 16, TEAMS_MAX = BF_CALLER_TEAMS_MAX };

struct act {
    struct bf_uuid tenant;
    const struct bf_collection *coll;
    struct bf_doc *doc;         /* to create */
    struct bf_uuid key, target; /* business key to take (zero: none); record to change */
    const char *key_kind;
    enum bf_status (*change)(struct bf_doc *doc, void *arg, struct bf_error *e);
    void *arg;
};

/* Creates a record, taking its business key if it has one. */
static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct act *act = ctx;
    if (!bf_uuid_is_zero(&act->key)) {
        const struct bf_doc *taken = bf_view_get(view, &bf_keys, act->key);
        if (taken != NULL && !taken->tombstone)
            return bf_fail(e, BF_E_DUPLICATE, "this %s is taken", act->key_kind);
        struct bf_doc *key = bf_doc_create(arena, &bf_key_schema, act->tenant, act->key);
        bf_set_uuid(&key->object, BF_KEY_HOLDER, act->doc->id);
        bf_set_str(&key->object, BF_KEY_KIND, bf_strz(act->key_kind));
        bf_decision_put(d, &bf_keys, key);
    }
    if (bf_view_get(view, act->coll, act->doc->id) != NULL)
        return bf_fail(e, BF_E_DUPLICATE, "it exists already");
    bf_decision_put(d, act->coll, bf_doc_copy(arena, act->doc));
    bf_decision_receipt(d, 201, bf_str("", 0), act->doc->id);
    return BF_OK;
}

static enum bf_status decide_change(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct act *act = ctx;
    const struct bf_doc *before = bf_view_get(view, act->coll, act->target);
    if (before == NULL || before->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    struct bf_doc *after = bf_doc_copy(arena, before);
    enum bf_status status = act->change(after, act->arg, e);
    if (status != BF_OK)
        return status;
    bf_decision_put(d, act->coll, after);
    bf_decision_receipt(d, 200, bf_str("", 0), after->id);
    return BF_OK;
}

static enum bf_status submit(struct bf_access *access, struct act *act, bf_decide_fn *decide, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_read reads[2] = {{.coll = act->coll, .id = act->doc != NULL ? act->doc->id : act->target}, {.coll = &bf_keys, .id = act->key}};
    struct bf_submission submission = {
        .tenant = act->tenant, .reads = reads, .n_reads = bf_uuid_is_zero(&act->key) ? 1 : 2, .decide = decide, .ctx = act};
    struct bf_receipt receipt;
    bf_random(access->env, &submission.request, sizeof submission.request);
    return bf_submit_wait(access->store, &submission, arena, &receipt, e);
}

enum bf_status bf_directory_add_tenant(struct bf_access *access, struct bf_str code, struct bf_str name, struct bf_str tz, struct bf_uuid *ret,
                                       struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str folded = bf_text_fold(arena, code);
    struct bf_uuid id = bf_id_tenant(folded);
    struct bf_doc *doc = bf_doc_create(arena, &bf_tenant_schema, id, id);
    struct act act = {.tenant = id, .coll = &bf_tenants, .doc = doc};
    enum bf_status status = BF_OK;
    if (folded.n < 2 || bf_text_length(folded) > 40 || name.n == 0 || bf_text_length(name) > 100)
        status = bf_fail(e, BF_E_INVALID_BODY, "a company code has 2 to 40 characters, its name 1 to 100");
    else if (!bf_tz_is_zone(tz))
        status = bf_fail(e, BF_E_INVALID_BODY, "no such time zone");
    bf_set_str(&doc->object, BF_TENANT_CODE, folded);
    bf_set_str(&doc->object, BF_TENANT_NAME, name);
    bf_set_str(&doc->object, BF_TENANT_TZ, tz);
    bf_set_int(&doc->object, BF_TENANT_CREATED_AT, bf_now_ms(access->env));
    if (status == BF_OK)
        status = submit(access, &act, decide_create, arena, e);
    if (status == BF_OK)
        *ret = id;
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_directory_tenant(struct bf_access *access, struct bf_str code, struct bf_uuid *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *doc;
    struct bf_uuid id = bf_id_tenant(bf_text_fold(arena, code));
    enum bf_status status = bf_store_get(access->store, &bf_tenants, id, id, arena, &doc, e);
    if (status == BF_OK && doc == NULL)
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such company");
    if (status == BF_OK)
        *ret = id;
    bf_arena_destroy(&arena);
    return status;
}

/* The new team's path: itself, then its parent's. */
static enum bf_status team_path(struct bf_access *access, struct bf_doc *team, struct bf_uuid parent, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_value *path = bf_arena_calloc(arena, TEAM_DEPTH_MAX, sizeof *path);
    struct bf_doc *above = NULL;
    unsigned n = 1;
    path[0] = (struct bf_value){.type = BF_T_UUID, .uuid = team->id};
    if (!bf_uuid_is_zero(&parent)) {
        enum bf_status status = bf_store_get(access->store, &bf_teams, team->tenant, parent, arena, &above, e);
        if (status != BF_OK)
            return status;
        if (above == NULL)
            return bf_fail(e, BF_E_NOT_FOUND, "there is no such parent team");
        struct bf_array upper = bf_get_array(&above->object, BF_TEAM_PATH);
        if (upper.n >= TEAM_DEPTH_MAX)
            return bf_fail(e, BF_E_UNPROCESSABLE, "teams nest %d deep at most", TEAM_DEPTH_MAX);
        memcpy(path + 1, upper.items, upper.n * sizeof *path);
        n += upper.n;
        bf_set_uuid(&team->object, BF_TEAM_PARENT, parent);
    }
    bf_set_array(&team->object, BF_TEAM_PATH, path, n);
    return BF_OK;
}

static enum bf_status check_team_count(struct bf_access *access, struct bf_uuid tenant, struct bf_error *e)
{
    struct bf_query query = {.coll = &bf_teams, .tenant = tenant, .limit = TEAMS_MAX};
    int64_t n;
    enum bf_status status = bf_store_count(access->store, &query, &n, e);
    if (status == BF_OK && n >= TEAMS_MAX)
        status = bf_fail(e, BF_E_UNPROCESSABLE, "a company has %d teams at most", TEAMS_MAX);
    return status;
}

enum bf_status bf_directory_add_team(struct bf_access *access, struct bf_uuid tenant, struct bf_str name, struct bf_uuid parent, struct bf_uuid *ret,
                                     struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *doc = bf_doc_create(arena, &bf_team_schema, tenant, bf_uuid_v7(access->env));
    struct act act = {.tenant = tenant, .coll = &bf_teams, .doc = doc};
    enum bf_status status = check_team_count(access, tenant, e);
    if (status == BF_OK)
        status = team_path(access, doc, parent, arena, e);
    bf_set_str(&doc->object, BF_TEAM_NAME, name);
    bf_set_int(&doc->object, BF_TEAM_CREATED_AT, bf_now_ms(access->env));
    if (status == BF_OK && (name.n == 0 || bf_text_length(name) > 60))
        status = bf_fail(e, BF_E_INVALID_BODY, "a team's name has 1 to 60 characters");
    if (status == BF_OK)
        status = submit(access, &act, decide_create, arena, e);
    if (status == BF_OK)
        *ret = doc->id;
    bf_arena_destroy(&arena);
    return status;
}

/* ---- users ---- */

static enum bf_status store_credential(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_str password, bool exempt,
                                       struct bf_arena *arena, struct bf_error *e)
{
    char hash[BF_PASSWORD_HASH_MAX];
    struct bf_doc *doc = bf_doc_create(arena, &bf_credential_schema, tenant, user);
    enum bf_status status = bf_password_hash(password, access->argon2_ops, access->argon2_memory, hash, e);
    if (status != BF_OK)
        return status;
    bf_set_str(&doc->object, BF_CREDENTIAL_HASH, bf_strz(hash));
    bf_set_bool(&doc->object, BF_CREDENTIAL_MUST_CHANGE, !exempt);
    bf_set_bool(&doc->object, BF_CREDENTIAL_EXEMPT, exempt);
    bf_set_int(&doc->object, BF_CREDENTIAL_CHANGED_AT, bf_now_ms(access->env));
    return bf_store_write(access->store, &(struct bf_write){.kind = BF_W_PUT, .coll = &bf_credentials, .doc = doc}, 1, NULL, e);
}

static enum bf_status check_password(struct bf_access *access, struct bf_uuid tenant, struct bf_str password, struct bf_str login,
                                     struct bf_arena *arena, struct bf_error *e)
{
    struct bf_object *policy;
    enum bf_status status = bf__policy(access->store, tenant, arena, &policy, e);
    if (status != BF_OK)
        return status;
    return bf_password_accept(access->passwords, password, login, (unsigned)bf_get_int(policy, BF_POLICY_PASSWORD_CHARS_MIN), e);
}

static enum bf_status check_team(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid team, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *doc;
    enum bf_status status = bf_store_get(access->store, &bf_teams, tenant, team, arena, &doc, e);
    return status == BF_OK && doc == NULL ? bf_fail(e, BF_E_NOT_FOUND, "there is no such team") : status;
}

static enum bf_status no_team(struct bf_error *e) { return bf_fail(e, BF_E_UNPROCESSABLE, "a supervisor needs a team"); }

static enum bf_status check_user(struct bf_access *access, struct bf_uuid tenant, const struct bf_directory_user *user, struct bf_str login,
                                 struct bf_arena *arena, struct bf_error *e)
{
    if (login.n < 2 || bf_text_length(login) > 60 || user->name.n == 0 || bf_text_length(user->name) > 60)
        return bf_fail(e, BF_E_INVALID_BODY, "a user name has 2 to 60 characters, a name 1 to 60");
    if (bf_uuid_is_zero(&user->team) && user->role == BF_ROLE_IS_SUPERVISOR)
        return no_team(e);
    enum bf_status status = bf_uuid_is_zero(&user->team) ? BF_OK : check_team(access, tenant, user->team, arena, e);
    if (status != BF_OK)
        return status;
    return user->password_exempt ? BF_OK : check_password(access, tenant, user->password, login, arena, e);
}

enum bf_status bf_directory_add_user(struct bf_access *access, struct bf_uuid tenant, const struct bf_directory_user *user, struct bf_uuid *ret,
                                     struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str login = bf_text_fold(arena, user->login);
    struct bf_doc *doc = bf_doc_create(arena, &bf_user_schema, tenant, bf_uuid_v7(access->env));
    struct bf_object *o = &doc->object;
    struct act act = {.tenant = tenant, .coll = &bf_users, .doc = doc, .key = bf_id_login(tenant, login), .key_kind = "user name"};
    enum bf_status status = check_user(access, tenant, user, login, arena, e);
    bf_set_str(o, BF_USER_LOGIN, login);
    bf_set_str(o, BF_USER_NAME, user->name);
    bf_set_enum(o, BF_USER_ROLE, user->role);
    if (!bf_uuid_is_zero(&user->team))
        bf_set_uuid(o, BF_USER_TEAM, user->team);
    bf_set_enum(o, BF_USER_STATUS, BF_USER_STATUS_IS_ACTIVE);
    bf_set_int(o, BF_USER_EPOCH, 1);
    bf_set_int(o, BF_USER_CREATED_AT, bf_now_ms(access->env));
    if (status == BF_OK)
        status = submit(access, &act, decide_create, arena, e);
    /* An account without a credential cannot sign in: should this fail, `password` mends it. */
    if (status == BF_OK)
        status = store_credential(access, tenant, doc->id, user->password, user->password_exempt, arena, e);
    if (status == BF_OK)
        *ret = doc->id;
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf_directory_user(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, struct bf_arena *arena, struct bf_doc **ret,
                                 struct bf_error *e)
{
    struct bf_doc *key;
    enum bf_status status = bf_store_get(access->store, &bf_keys, tenant, bf_id_login(tenant, bf_text_fold(arena, login)), arena, &key, e);
    if (status == BF_OK && (key == NULL || key->tombstone))
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such user");
    if (status == BF_OK)
        status = bf_store_get(access->store, &bf_users, tenant, bf_get_uuid(&key->object, BF_KEY_HOLDER), arena, ret, e);
    if (status == BF_OK && *ret == NULL)
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such user");
    return status;
}

/* Changes the user's record by a commit; what the sessions were issued on no longer holds. Sessions that are not ended here are good for nothing but
 * to say where the person is told something. */
static enum bf_status change_user(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, bool end_sessions,
                                  enum bf_status (*change)(struct bf_doc *doc, void *arg, struct bf_error *e), void *arg, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *user;
    struct bf_uuid none = {{0}};
    enum bf_status status = bf_directory_user(access, tenant, login, arena, &user, e);
    if (status == BF_OK) {
        struct act act = {.tenant = tenant, .coll = &bf_users, .target = user->id, .change = change, .arg = arg};
        status = submit(access, &act, decide_change, arena, e);
    }
    if (status == BF_OK && end_sessions)
        status = bf__session_end_all(access, tenant, user->id, none, e);
    bf_arena_destroy(&arena);
    return status;
}

static void next_epoch(struct bf_doc *doc) { bf_set_int(&doc->object, BF_USER_EPOCH, bf_get_int(&doc->object, BF_USER_EPOCH) + 1); }

static enum bf_status only_epoch(struct bf_doc *doc, void *arg, struct bf_error *e)
{
    (void)arg, (void)e;
    next_epoch(doc);
    return BF_OK;
}

enum bf_status bf_directory_set_password(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, struct bf_str password,
                                         struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc *user;
    enum bf_status status = bf_directory_user(access, tenant, login, arena, &user, e);
    if (status == BF_OK)
        status = check_password(access, tenant, password, bf_get_str(&user->object, BF_USER_LOGIN), arena, e);
    if (status == BF_OK)
        status = store_credential(access, tenant, user->id, password, /* exempt= */ false, arena, e);
    if (status == BF_OK)
        status = change_user(access, tenant, login, /* end_sessions= */ true, only_epoch, NULL, e);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status set_frozen(struct bf_doc *doc, void *arg, struct bf_error *e)
{
    int status = *(const bool *)arg ? BF_USER_STATUS_IS_FROZEN : BF_USER_STATUS_IS_ACTIVE;
    if (bf_get_enum(&doc->object, BF_USER_STATUS) == status)
        return bf_fail(e, BF_E_CONFLICT, "the account is in that state already");
    bf_set_enum(&doc->object, BF_USER_STATUS, status);
    next_epoch(doc);
    return BF_OK;
}

enum bf_status bf_directory_freeze(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, bool frozen, struct bf_error *e)
{
    return change_user(access, tenant, login, /* end_sessions= */ true, set_frozen, &frozen, e);
}

struct assignment {
    int role;
    const struct bf_uuid *team;
};

static enum bf_status assign(struct bf_doc *doc, void *arg, struct bf_error *e)
{
    const struct assignment *a = arg;
    if (a->role >= 0)
        bf_set_enum(&doc->object, BF_USER_ROLE, a->role);
    if (a->team != NULL)
        bf_set_uuid(&doc->object, BF_USER_TEAM, *a->team);
    struct bf_uuid team_now = bf_get_uuid(&doc->object, BF_USER_TEAM);
    if (bf_get_enum(&doc->object, BF_USER_ROLE) == BF_ROLE_IS_SUPERVISOR && bf_uuid_is_zero(&team_now))
        return no_team(e);
    next_epoch(doc);
    return BF_OK;
}

enum bf_status bf_directory_assign(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, int role, const struct bf_uuid *team,
                                   struct bf_error *e)
{
    struct assignment a = {.role = role, .team = team};
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = team == NULL ? BF_OK : check_team(access, tenant, *team, arena, e);
    bf_arena_destroy(&arena);
    return status == BF_OK ? change_user(access, tenant, login, /* end_sessions= */ false, assign, &a, e) : status;
}

/* ---- the company's numbers ---- */

struct policy_change {
    struct bf_access *access;
    struct bf_uuid tenant;
    const struct bf_object *patch;
};

static enum bf_status decide_policy(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct policy_change *c = ctx;
    struct bf_uuid id = bf_id_policy(c->tenant);
    const struct bf_doc *before = bf_view_get(view, &bf_policies, id);
    struct bf_doc *after = before != NULL ? bf_doc_copy(arena, before) : bf_doc_create(arena, &bf_policy_schema, c->tenant, id);
    struct bf_object *merged;
    bf_policy_fill(arena, &after->object);
    const struct bf_object *base = bf_object_copy(arena, &after->object);
    enum bf_status status = bf_json_merge(arena, base, c->patch, &merged, e);
    if (status == BF_OK)
        status = bf_policy_change(base, c->patch, merged, bf_now_ms(c->access->env), e);
    if (status != BF_OK)
        return status;
    after->object = *merged;
    bf_decision_put(d, &bf_policies, after);
    bf_decision_receipt(d, 200, bf_str("", 0), c->tenant);
    return BF_OK;
}

enum bf_status bf_directory_change_policy(struct bf_access *access, struct bf_uuid tenant, struct bf_str patch, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_object *decoded;
    struct bf_read read = {.coll = &bf_policies, .id = bf_id_policy(tenant)};
    struct bf_receipt receipt;
    enum bf_status status = bf_json_decode(arena, &bf_policy_schema, BF_JSON_PATCH, patch, &decoded, e);
    if (status == BF_OK) {
        struct policy_change change = {.access = access, .tenant = tenant, .patch = decoded};
        struct bf_submission submission = {.tenant = tenant, .reads = &read, .n_reads = 1, .decide = decide_policy, .ctx = &change};
        bf_random(access->env, &submission.request, sizeof submission.request);
        status = bf_submit_wait(access->store, &submission, arena, &receipt, e);
    }
    bf_arena_destroy(&arena);
    return status;
}
