/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign-in and what belongs to it: passwords, refresh, sessions. Throttled by account and by address before anything is hashed; hashing and
 * checking (Argon2id) run on one thread of their own behind a short queue, so that sign-ins can never starve the rest. An account that does
 * not exist costs the same time as a wrong password and answers in the same words.
 */
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "core/pool.h"
#include "core/text.h"
#include "crm/ids.h"
#include <stdlib.h>

enum { ME_MAX = 64 * 1024 };

#define SIGN_IN_DEVICE_FIELDS(F)                                                                                                         \
    F(ID, "id", UUID, BF_F_REQUIRED | BF_F_V7, 0, 0, NORMAL, "编号", "Id")                                                               \
    F(NAME, "name", STRING, BF_F_REQUIRED, 1, 80, NORMAL, "设备名称", "Name")                                                            \
    F(PLATFORM, "platform", ENUM, BF_F_REQUIRED, 0, 0, NORMAL, "平台", "Platform", .words = &bf_enum_platform)
#define WHO_FIELDS(F)                                                                                                                    \
    F(TENANT, "tenant", STRING, BF_F_REQUIRED, 1, 40, NORMAL, "公司代码", "Company code")                                                \
    F(LOGIN, "login", STRING, BF_F_REQUIRED, 1, 60, NORMAL, "用户名", "User name")                                                       \
    F(PASSWORD, "password", STRING, BF_F_REQUIRED | BF_F_SECRET, 1, 200, NORMAL, "密码", "Password")
#define SIGN_IN_FIELDS(F)                                                                                                                \
    WHO_FIELDS(F)                                                                                                                        \
    F(DEVICE, "device", OBJECT, 0, 0, 0, NORMAL, "设备", "Device", .sub = &sign_in_device_schema)
#define WEB_SIGN_IN_FIELDS(F)                                                                                                            \
    WHO_FIELDS(F)                                                                                                                        \
    F(BROWSER, "browser", STRING, 0, 1, 80, NORMAL, "浏览器", "Name of the browser")
#define REFRESH_FIELDS(F) F(TOKEN, "refresh_token", STRING, BF_F_REQUIRED | BF_F_SECRET, 1, 200, NORMAL, "刷新令牌", "Refresh token")
#define PASSWORD_FIELDS(F)                                                                                                               \
    F(OLD, "old_password", STRING, BF_F_REQUIRED | BF_F_SECRET, 1, 200, NORMAL, "原密码", "Old password")                                \
    F(NEW, "new_password", STRING, BF_F_REQUIRED | BF_F_SECRET, 1, 200, NORMAL, "新密码", "New password")

#define F(row, ...) SIGN_IN_DEVICE_##row,
enum { SIGN_IN_DEVICE_FIELDS(F) SIGN_IN_DEVICE_ROWS };
#undef F
#define F(row, ...) SIGN_IN_##row,
enum { SIGN_IN_FIELDS(F) SIGN_IN_ROWS };
#undef F
#define F(row, ...) WEB_SIGN_IN_##row,
enum { WEB_SIGN_IN_FIELDS(F) WEB_SIGN_IN_ROWS };
#undef F
_Static_assert((int)WEB_SIGN_IN_TENANT == (int)SIGN_IN_TENANT && (int)WEB_SIGN_IN_LOGIN == (int)SIGN_IN_LOGIN &&
                   (int)WEB_SIGN_IN_PASSWORD == (int)SIGN_IN_PASSWORD,
               "both say who in the same rows");
#define F(row, ...) REFRESH_##row,
enum { REFRESH_FIELDS(F) REFRESH_ROWS };
#undef F
#define F(row, ...) PASSWORD_##row,
enum { PASSWORD_FIELDS(F) PASSWORD_ROWS };
#undef F

#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field sign_in_device_rows[] = {SIGN_IN_DEVICE_FIELDS(F)};
static const struct bf_schema sign_in_device_schema = {
    .name = "sign_in_device", .zh = "设备", .en = "Device", .version = 1, .fields = sign_in_device_rows, .n_fields = SIGN_IN_DEVICE_ROWS};
static const struct bf_field sign_in_rows[] = {SIGN_IN_FIELDS(F)};
static const struct bf_schema sign_in_schema = {
    .name = "sign_in", .zh = "登录", .en = "Sign-in", .version = 1, .fields = sign_in_rows, .n_fields = SIGN_IN_ROWS};
static const struct bf_field web_sign_in_rows[] = {WEB_SIGN_IN_FIELDS(F)};
static const struct bf_schema web_sign_in_schema = {
    .name = "web_sign_in", .zh = "网页登录", .en = "Sign-in of a page", .version = 1, .fields = web_sign_in_rows, .n_fields = WEB_SIGN_IN_ROWS};
static const struct bf_field refresh_rows[] = {REFRESH_FIELDS(F)};
static const struct bf_schema refresh_schema = {
    .name = "refresh", .zh = "刷新", .en = "Refresh", .version = 1, .fields = refresh_rows, .n_fields = REFRESH_ROWS};
static const struct bf_field password_rows[] = {PASSWORD_FIELDS(F)};
static const struct bf_schema password_schema = {
    .name = "password", .zh = "修改密码", .en = "Password change", .version = 1, .fields = password_rows, .n_fields = PASSWORD_ROWS};
#undef F

/* ---- the answer to a sign-in or refresh ---- */

static void answer_tokens(struct bf_call *call, const struct bf_session_tokens *tokens, const struct bf_doc *user, bool must_change)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 16384);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "access_token");
    bf_jw_str(&w, bf_strz(tokens->access));
    bf_jw_key(&w, "access_expires_at");
    bf_jw_time(&w, tokens->access_until_ms);
    bf_jw_key(&w, "refresh_token");
    bf_jw_str(&w, bf_strz(tokens->refresh));
    bf_jw_key(&w, "session");
    bf_jw_uuid(&w, &tokens->session);
    bf_jw_key(&w, "must_change_password");
    bf_jw_bool(&w, must_change);
    bf_jw_key(&w, "user");
    bf_jw_doc(&w, user, BF_SHOW_ALL);
    bf_jw_end_object(&w);
    bf_call_json(call, 200, bf_buf_str(&out));
    bf_buf_finish(&out);
}

/* ---- sign-in ---- */

struct attempt {
    struct bf_task task;
    struct bf_call *call;
    struct bf_object *body;
    struct bf_uuid tenant;
    struct bf_doc *user; /* NULL: no such account, or frozen */
    struct bf_object *policy;
    struct bf_str account; /* throttle key */
    bool browser;          /* of a page: the body is web_sign_in, the answer a cookie */
};

static enum bf_status find_account(struct attempt *a, struct bf_error *e)
{
    struct bf_call *call = a->call;
    struct bf_doc *key = NULL;
    a->tenant = bf_id_tenant(bf_text_fold(call->arena, bf_get_str(a->body, SIGN_IN_TENANT)));
    struct bf_str login = bf_text_fold(call->arena, bf_get_str(a->body, SIGN_IN_LOGIN));
    enum bf_status status = bf_store_get(call->store, &bf_keys, a->tenant, bf_id_login(a->tenant, login), call->arena, &key, e);
    if (status != BF_OK || key == NULL || key->tombstone)
        return status;
    struct bf_uuid user = bf_get_uuid(&key->object, BF_KEY_HOLDER);
    status = bf__user_active(call->access, a->tenant, user, call->arena, &a->user, e);
    if (status == BF_E_UNAUTHENTICATED) {
        a->user = NULL;
        *e = (struct bf_error){.status = BF_OK};
        return BF_OK;
    }
    return status == BF_OK ? bf__policy(call->store, a->tenant, call->arena, &a->policy, e) : status;
}

static enum bf_status throttle(struct attempt *a, struct bf_error *e)
{
    struct bf_access *access = a->call->access;
    int64_t now = bf_mono_ms(access->env);
    int wait = bf_throttle_take(access->by_address, bf_request_peer(a->call->req), now);
    if (wait == 0)
        wait = bf_throttle_take(access->by_account, a->account, now);
    if (wait == 0)
        return BF_OK;
    bf_metric_add(access->env->metrics, BF_M_SIGN_INS_REFUSED, 1);
    bf_fail(e, BF_E_THROTTLED, "too many sign-ins; wait %d s", wait);
    e->retry_after_s = wait;
    return BF_E_THROTTLED;
}

static enum bf_status open_session(struct attempt *a, struct bf_session_tokens *tokens, bool must_change, struct bf_error *e)
{
    const struct bf_object *device = a->browser ? NULL : bf_get_object(a->body, SIGN_IN_DEVICE);
    struct bf_session_new new = {.user = a->user, .peer = bf_request_peer(a->call->req), .policy = a->policy, .must_change = must_change,
                                 .browser = a->browser};
    if (a->browser) {
        new.device_name = bf_get_str(a->body, WEB_SIGN_IN_BROWSER);
        bf__browser_leave(a->call);
    }
    if (device != NULL) {
        new.device = bf_get_uuid(device, SIGN_IN_DEVICE_ID);
        new.platform = bf_get_enum(device, SIGN_IN_DEVICE_PLATFORM);
        new.device_name = bf_get_str(device, SIGN_IN_DEVICE_NAME);
    }
    return bf__session_create(a->call->access, &new, a->call->arena, tokens, e);
}

/* The password as it is now: on the password thread, where it changes too, so that a sign-in which waited behind a change is judged by the new one. */
static enum bf_status read_credential(struct bf_call *call, const struct bf_doc *user, struct bf_doc **ret, const char **ret_hash, struct bf_error *e)
{
    *ret = NULL;
    *ret_hash = call->access->decoy;
    if (user == NULL)
        return BF_OK;
    enum bf_status status = bf_store_get(call->store, &bf_credentials, user->tenant, user->id, call->arena, ret, e);
    if (status != BF_OK || *ret == NULL)
        return status;
    struct bf_str hash = bf_get_str(&(*ret)->object, BF_CREDENTIAL_HASH);
    *ret_hash = bf_arena_dup(call->arena, hash.p, hash.n);
    return BF_OK;
}

/* On the password thread. */
static enum bf_status check_password(struct attempt *a, bool *ret_must_change, struct bf_error *e)
{
    struct bf_doc *credential;
    const char *hash;
    enum bf_status status = read_credential(a->call, a->user, &credential, &hash, e);
    if (status != BF_OK)
        return status;
    if (!bf_password_check(hash, bf_get_str(a->body, SIGN_IN_PASSWORD)) || credential == NULL) {
        bf_metric_add(a->call->env->metrics, BF_M_SIGN_INS_REFUSED, 1);
        return bf_fail(e, BF_E_WRONG_CREDENTIALS, "company, user name or password is wrong");
    }
    bf_throttle_clear(a->call->access->by_account, a->account);
    *ret_must_change = bf__password_must_change(a->policy, credential, a->call->now_ms);
    return BF_OK;
}

static void sign_in_there(struct bf_task *task)
{
    struct attempt *a = BF_CONTAINER(task, struct attempt, task);
    struct bf_error e = {0};
    struct bf_session_tokens tokens;
    bool must_change = false;
    enum bf_status status = check_password(a, &must_change, &e);
    if (status == BF_OK)
        status = open_session(a, &tokens, must_change, &e);
    if (status != BF_OK) {
        bf_call_fail(a->call, &e);
        return;
    }
    bf_metric_add(a->call->env->metrics, BF_M_SIGN_INS, 1);
    if (a->browser)
        bf__answer_browser(a->call, &tokens, a->user, must_change);
    else
        answer_tokens(a->call, &tokens, a->user, must_change);
}

static void to_password_thread(struct bf_call *call, struct bf_task *task)
{
    struct bf_error e = {0};
    if (bf_pool_submit(call->access->password_thread, task) == BF_OK)
        return;
    bf_fail(&e, BF_E_UNAVAILABLE, "too many passwords are being checked");
    e.retry_after_s = 2;
    bf_call_fail(call, &e);
}

static void begin_attempt(struct bf_call *call, bool browser)
{
    struct attempt *a = bf_arena_calloc(call->arena, 1, sizeof *a);
    struct bf_error e = {0};
    a->call = call;
    a->task.run = sign_in_there;
    a->browser = browser;
    enum bf_status status = browser ? bf__check_origin(call->req, &e) : BF_OK;
    if (status == BF_OK)
        status = bf_json_decode(call->arena, browser ? &web_sign_in_schema : &sign_in_schema, BF_JSON_CREATE, bf_request_body(call->req), &a->body, &e);
    if (status == BF_OK) {
        struct bf_str tenant = bf_text_fold(call->arena, bf_get_str(a->body, SIGN_IN_TENANT));
        struct bf_str login = bf_text_fold(call->arena, bf_get_str(a->body, SIGN_IN_LOGIN));
        a->account = bf_strz(bf_arena_printf(call->arena, "%.*s\n%.*s", BF_FMT(tenant), BF_FMT(login)));
        status = throttle(a, &e);
    }
    if (status == BF_OK)
        status = find_account(a, &e);
    if (status != BF_OK)
        bf_call_fail(call, &e);
    else
        to_password_thread(call, &a->task);
}

static void sign_in(struct bf_call *call, void *service)
{
    (void)service;
    begin_attempt(call, /* browser= */ false);
}

static void web_sign_in(struct bf_call *call, void *service)
{
    (void)service;
    begin_attempt(call, /* browser= */ true);
}

static void refresh(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_object *body;
    struct bf_doc *session, *user;
    struct bf_session_tokens tokens;
    struct bf_error e = {0};
    enum bf_status status = bf_json_decode(call->arena, &refresh_schema, BF_JSON_CREATE, bf_request_body(call->req), &body, &e);
    if (status == BF_OK)
        status = bf__session_refresh(call->access, bf_get_str(body, REFRESH_TOKEN), call->arena, &tokens, &session, &user, &e);
    if (status == BF_OK)
        answer_tokens(call, &tokens, user, bf_get_bool(&session->object, BF_SESSION_MUST_CHANGE));
    else
        bf_call_fail(call, &e);
}

/* ---- passwords ---- */

struct change {
    struct bf_task task;
    struct bf_call *call;
    struct bf_object *body;
    struct bf_doc *user;
    struct bf_object *policy;
};

/* Once the new password is stored the other sessions end, as many as can be: one of them may be a thief's. */
static enum bf_status store_password(struct change *c, struct bf_doc *credential, struct bf_error *e)
{
    const struct bf_caller *caller = &c->call->caller;
    struct bf_access *access = c->call->access;
    char hash[BF_PASSWORD_HASH_MAX];
    enum bf_status status = bf_password_hash(bf_get_str(c->body, PASSWORD_NEW), access->argon2_ops, access->argon2_memory, hash, e);
    if (status != BF_OK)
        return status;
    bf_set_str(&credential->object, BF_CREDENTIAL_HASH, bf_strz(hash));
    bf_set_bool(&credential->object, BF_CREDENTIAL_MUST_CHANGE, false);
    bf_set_int(&credential->object, BF_CREDENTIAL_CHANGED_AT, c->call->now_ms);
    struct bf_write write = {.kind = BF_W_REPLACE, .coll = &bf_credentials, .doc = credential, .rev = credential->rev};
    status = bf_store_write(access->store, &write, 1, NULL, e);
    if (status == BF_E_STALE) /* an administrator gave a new one */
        return bf_fail(e, BF_E_CONFLICT, "the password was changed meanwhile");
    if (status == BF_OK)
        status = bf__session_end_all(access, caller->tenant, caller->user, caller->session, e);
    return status == BF_OK ? bf__session_password_changed(access, caller->tenant, caller->session, c->call->arena, e) : status;
}

/* On the password thread. */
static enum bf_status change_there(struct change *c, struct bf_error *e)
{
    struct bf_str old = bf_get_str(c->body, PASSWORD_OLD), new = bf_get_str(c->body, PASSWORD_NEW);
    struct bf_doc *credential;
    const char *hash;
    enum bf_status status = read_credential(c->call, c->user, &credential, &hash, e);
    if (status != BF_OK)
        return status;
    if (!bf_password_check(hash, old) || credential == NULL)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/old_password", "wrong", "this is not the password");
    if (bf_str_eq(old, new))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/new_password", "no_change", "it is the old password");
    status = bf_password_accept(c->call->access->passwords, new, bf_get_str(&c->user->object, BF_USER_LOGIN),
                                (unsigned)bf_get_int(c->policy, BF_POLICY_PASSWORD_CHARS_MIN), e);
    return status == BF_OK ? store_password(c, credential, e) : status;
}

static void change_password_there(struct bf_task *task)
{
    struct change *c = BF_CONTAINER(task, struct change, task);
    struct bf_error e = {0};
    if (change_there(c, &e) == BF_OK)
        bf_call_status(c->call, 204);
    else
        bf_call_fail(c->call, &e);
}

static enum bf_status load_change(struct change *c, struct bf_error *e)
{
    struct bf_call *call = c->call;
    const struct bf_caller *caller = &call->caller;
    enum bf_status status = bf_json_decode(call->arena, &password_schema, BF_JSON_CREATE, bf_request_body(call->req), &c->body, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_users, caller->tenant, caller->user, call->arena, &c->user, e);
    if (status == BF_OK)
        status = bf__policy(call->store, caller->tenant, call->arena, &c->policy, e);
    if (status == BF_OK && c->user == NULL)
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the session has ended");
    return status;
}

static void change_password(struct bf_call *call, void *service)
{
    (void)service;
    struct change *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    char key[BF_UUID_TEXT];
    struct bf_error e = {0};
    *c = (struct change){.call = call, .task.run = change_password_there};
    bf_uuid_text(&call->caller.user, key);
    enum bf_status status = load_change(c, &e);
    int wait = status == BF_OK ? bf_throttle_take(call->access->by_account, bf_strz(key), bf_mono_ms(call->env)) : 0;
    if (wait > 0) {
        status = bf_fail(&e, BF_E_THROTTLED, "too many tries; wait %d s", wait);
        e.retry_after_s = wait;
    }
    if (status != BF_OK)
        bf_call_fail(call, &e);
    else
        to_password_thread(call, &c->task);
}

/* ---- sessions ---- */

static void sign_out(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_error e = {0};
    if (bf__session_end(call->access, call->caller.tenant, call->caller.session, &e) == BF_OK)
        bf_call_status(call, 204);
    else
        bf_call_fail(call, &e);
}

static void list_sessions(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_error e = {0};
    struct bf_page page;
    struct bf_buf out;
    struct bf_jw w;
    unsigned limit;
    struct bf_str after;
    if (bf_call_page(call, NULL, &limit, &after, &e) != BF_OK ||
        bf__session_list(call->access, call->caller.tenant, call->caller.user, limit, after, call->arena, &page, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "items");
    bf_jw_array(&w);
    for (unsigned i = 0; i < page.n; i++) {
        bf_jw_object(&w);
        bf_jw_key(&w, "id");
        bf_jw_uuid(&w, &page.docs[i]->id);
        bf_jw_key(&w, "current");
        bf_jw_bool(&w, bf_uuid_eq(&page.docs[i]->id, &call->caller.session));
        bf_jw_fields(&w, &page.docs[i]->object, BF_SHOW_ALL);
        bf_jw_end_object(&w);
    }
    bf_jw_end_array(&w);
    bf_jw_key(&w, "next");
    if (page.next.n > 0)
        bf_jw_str(&w, bf_cursor_seal(call, bf_request_route(call->req)->pattern, page.next));
    else
        bf_jw_null(&w);
    bf_jw_end_object(&w);
    bf_call_json(call, 200, bf_buf_str(&out));
    bf_buf_finish(&out);
}

static void end_session(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid id;
    struct bf_doc *session = NULL;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_sessions, call->caller.tenant, id, call->arena, &session, &e);
    if (status == BF_OK) {
        const struct bf_uuid no_team = {{0}};
        enum bf_scope scope = bf_permission_of((int)call->caller.role, BF_SUBJECT_DEVICE, BF_ACTION_REVOKE).scope;
        if (session == NULL || !bf_in_scope(&call->caller, scope, bf_get_uuid(&session->object, BF_SESSION_USER), no_team))
            status = bf_fail(&e, BF_E_NOT_FOUND, "there is no such session");
    }
    if (status == BF_OK)
        status = bf__session_end(call->access, call->caller.tenant, id, &e);
    if (status == BF_OK)
        bf_call_status(call, 204);
    else
        bf_call_fail(call, &e);
}

/* The record, and where its person uploads, if that is elsewhere. */
static enum bf_status answer_me(struct bf_call *call, const struct bf_doc *user, struct bf_error *e)
{
    struct bf_buf out;
    struct bf_jw w;
    struct bf_str upload_url = call->access->upload_url;
    enum bf_status status = bf_call_viewed(call, user->object.schema->name, "read", &user->id, 1, e);
    if (status != BF_OK)
        return status;
    bf_buf_init(&out, ME_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "id");
    bf_jw_uuid(&w, &user->id);
    bf_jw_key(&w, "rev");
    bf_jw_int(&w, user->rev);
    bf_jw_fields(&w, &user->object, bf_shown(&call->caller, BF_SUBJECT_USER));
    if (upload_url.n > 0) {
        bf_jw_key(&w, "upload_url");
        bf_jw_str(&w, upload_url);
    }
    bf_jw_end_object(&w);
    bf_call_json_buf(call, 200, &out, user->rev);
    return BF_OK;
}

static void me(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_error e = {0};
    struct bf_doc *user;
    enum bf_status status = bf_store_get(call->store, &bf_users, call->caller.tenant, call->caller.user, call->arena, &user, &e);
    if (status == BF_OK && user == NULL)
        status = bf_fail(&e, BF_E_NOT_FOUND, "there is no such user");
    if (status == BF_OK)
        status = answer_me(call, user, &e);
    if (status != BF_OK)
        bf_call_fail(call, &e);
}

static const struct bf_endpoint sign_in_endpoint = {.run = sign_in}, web_sign_in_endpoint = {.run = web_sign_in}, refresh_endpoint = {.run = refresh},
                                sign_out_endpoint = {.run = sign_out, .flags = BF_EP_MUST_CHANGE | BF_EP_NO_BODY},
                                password_endpoint = {.run = change_password, .flags = BF_EP_MUST_CHANGE},
                                sessions_endpoint = {.run = list_sessions}, end_session_endpoint = {.run = end_session},
                                me_endpoint = {.run = me, .flags = BF_EP_MUST_CHANGE};

const struct bf_route bf__access_routes[BF__ACCESS_ROUTES] = {
    {.method = "POST", .pattern = "/v1/sign_in", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .body = &sign_in_schema,
     .summary = "Sign in with company, user name and password", .data = &sign_in_endpoint},
    {.method = "POST", .pattern = "/v1/refresh", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER, .body = &refresh_schema,
     .summary = "New tokens for a refresh token", .data = &refresh_endpoint},
    {.method = "POST", .pattern = "/v1/sign_out", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .summary = "End this session", .data = &sign_out_endpoint},
    {.method = "POST", .pattern = "/v1/password", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .body = &password_schema,
     .summary = "Change one's password; ends the person's other sessions", .data = &password_endpoint},
    {.method = "GET", .pattern = "/v1/sessions", .handler = bf_call_enter, .kind = BF_ROUTE_LIST, .answer = &bf_session_schema,
     .summary = "One's own sessions", .data = &sessions_endpoint},
    {.method = "DELETE", .pattern = "/v1/sessions/{id}", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER,
     .summary = "End one of one's sessions: a lost phone; an administrator anybody's", .data = &end_session_endpoint},
    {.method = "GET", .pattern = "/v1/me", .handler = bf_call_enter, .kind = BF_ROUTE_READ, .answer = &bf_user_schema, .summary = "The signed-in user",
     .data = &me_endpoint},
    {.method = "POST", .pattern = "/v1/web/sign_in", .handler = bf_call_enter_public, .public = true, .kind = BF_ROUTE_OTHER,
     .body = &web_sign_in_schema, .summary = "Sign in from a page: the session is in the cookie", .data = &web_sign_in_endpoint},
    {.method = "POST", .pattern = "/v1/web/sign_out", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER, .summary = "End this session and its cookie",
     .data = &bf__web_sign_out},
    {.method = "GET", .pattern = "/v1/web/session", .handler = bf_call_enter, .kind = BF_ROUTE_OTHER,
     .summary = "Who is signed in here, and the token that a page shows with each change", .data = &bf__web_session},
};
