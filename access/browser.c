/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a browser: one secret in a cookie that no script can read and that no other site makes a browser send. A request that it alone
 * vouches for has to come from one of our own pages:
 *
 *   - whatever its method, not from elsewhere, as far as the browser says where it comes from (Sec-Fetch-Site; else Origin against Host);
 *   - where it may change something, also with the token that belongs to the cookie, in X-CSRF-Token.
 *
 * Sec-Fetch-Site decides where it was sent: a proxy in front that gives another Host makes Origin useless, not the other way round.
 */
#include "access/internal.h"
#include "core/arena.h"
#include "core/json.h"

#define COOKIE "__Host-baifang"
#define COOKIE_ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"

enum { ANSWER_MAX = 16384 };

/* ---- what came ---- */

static struct bf_str trim(struct bf_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = bf_str(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* The value of a "name=value" of ours. */
static bool is_ours(struct bf_str pair, struct bf_str *ret)
{
    struct bf_str name = BF_STR(COOKIE "=");
    if (!bf_str_starts(pair, name))
        return false;
    *ret = bf_str(pair.p + name.n, pair.n - name.n);
    return true;
}

struct bf_str bf__cookie(const struct bf_request *req)
{
    struct bf_str header = bf_request_header(req, "cookie"), found = {NULL, 0};
    unsigned n = 0;
    while (header.n > 0) {
        const char *end = memchr(header.p, ';', header.n);
        size_t pair = end == NULL ? header.n : (size_t)(end - header.p), used = end == NULL ? pair : pair + 1;
        n += is_ours(trim(bf_str(header.p, pair)), &found);
        header = bf_str(header.p + used, header.n - used);
    }
    return n == 1 ? found : bf_str(NULL, 0);
}

enum bf_status bf__check_origin(const struct bf_request *req, struct bf_error *e)
{
    struct bf_str site = bf_request_header(req, "sec-fetch-site"), origin = bf_request_header(req, "origin");
    struct bf_str host = bf_request_header(req, "host"), scheme = BF_STR("https://");
    if (site.p != NULL) {
        if (bf_str_eqz(site, "same-origin") || bf_str_eqz(site, "none"))
            return BF_OK;
        return bf_fail(e, BF_E_CROSS_ORIGIN, "Sec-Fetch-Site says that the request comes from elsewhere");
    }
    if (origin.p == NULL) /* no browser of today, so nobody is being used */
        return BF_OK;
    if (bf_str_starts(origin, scheme) && bf_str_ieq(bf_str(origin.p + scheme.n, origin.n - scheme.n), host))
        return BF_OK;
    return bf_fail(e, BF_E_CROSS_ORIGIN, "Origin is not this server");
}

static bool changes_nothing(struct bf_str method) { return bf_str_eqz(method, "GET") || bf_str_eqz(method, "HEAD"); }

enum bf_status bf__check_page(const struct bf_request *req, struct bf_str cookie, struct bf_error *e)
{
    struct bf_token token;
    char wanted[BF_TOKEN_TEXT_MAX];
    struct bf_str shown = bf_request_header(req, "x-csrf-token");
    enum bf_status status = bf__check_origin(req, e);
    if (status != BF_OK || changes_nothing(bf_request_method(req)))
        return status;
    if (!bf_token_read_access(cookie, &token))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the cookie is not good");
    bf_token_csrf(&token, wanted);
    if (shown.n != strlen(wanted) || !bf_equal_ct(shown.p, wanted, shown.n))
        return bf_fail(e, BF_E_CSRF_TOKEN, "X-CSRF-Token is not the one of this session: GET /v1/web/session tells it");
    return BF_OK;
}

/* ---- what is answered ---- */

/* In which a page shows times: the person's, else the company's. */
static struct bf_str zone_of(struct bf_call *call, const struct bf_doc *user)
{
    struct bf_doc *company = NULL;
    struct bf_error e = {0};
    if (bf_has(&user->object, BF_USER_TZ))
        return bf_get_str(&user->object, BF_USER_TZ);
    if (bf_store_get(call->store, &bf_tenants, user->tenant, user->tenant, call->arena, &company, &e) != BF_OK || company == NULL || !bf_has(&company->object, BF_TENANT_TZ))
        return BF_STR("Asia/Shanghai");
    return bf_get_str(&company->object, BF_TENANT_TZ);
}

static void write_session(struct bf_jw *w, struct bf_call *call, struct bf_str cookie, const struct bf_doc *user, struct bf_uuid session, bool must_change)
{
    struct bf_token token = {.tenant = user->tenant};
    char csrf[BF_TOKEN_TEXT_MAX] = "";
    if (bf_token_read_access(cookie, &token))
        bf_token_csrf(&token, csrf);
    bf_jw_object(w);
    bf_jw_key(w, "user");
    bf_jw_doc(w, user, BF_SHOW_ALL);
    bf_jw_key(w, "session");
    bf_jw_uuid(w, &session);
    bf_jw_key(w, "must_change_password");
    bf_jw_bool(w, must_change);
    bf_jw_key(w, "csrf_token");
    bf_jw_str(w, bf_strz(csrf));
    bf_jw_key(w, "tz");
    bf_jw_str(w, zone_of(call, user));
    bf_jw_end_object(w);
}

void bf__browser_leave(struct bf_call *call)
{
    struct bf_error why = {0};
    if (bf_call_begin_page(call))
        bf__session_end(call->access, call->caller.tenant, call->caller.session, &why); /* what cannot be ended ends by itself, unused */
    call->caller = (struct bf_caller){.browser = false};
}

void bf__answer_browser(struct bf_call *call, const struct bf_session_tokens *tokens, const struct bf_doc *user, bool must_change)
{
    const struct bf_header headers[] = {
        {.name = "content-type", .value = BF_STR("application/json")},
        {.name = "set-cookie", .value = bf_strz(bf_arena_printf(call->arena, COOKIE "=%s" COOKIE_ATTRIBUTES, tokens->access))},
    };
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    write_session(&w, call, bf_strz(tokens->access), user, tokens->session, must_change);
    bf_reply(call->req, 200, headers, sizeof headers / sizeof *headers, bf_buf_str(&out));
    bf_buf_finish(&out);
}

enum bf_status bf_call_page_session(struct bf_call *call, struct bf_str *ret_json, enum bf_lang *ret_lang, struct bf_error *e)
{
    const struct bf_caller *caller = &call->caller;
    struct bf_doc *user;
    struct bf_buf out;
    struct bf_jw w;
    enum bf_status status = bf__user_active(call->access, caller->tenant, caller->user, call->arena, &user, e);
    if (status == BF_OK)
        status = bf_call_viewed(call, "user", "read", &user->id, 1, e);
    if (status != BF_OK)
        return status;
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    write_session(&w, call, caller->browser ? bf__cookie(call->req) : bf_str(NULL, 0), user, caller->session, caller->must_change_password);
    *ret_json = bf_str_dup(call->arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    if (bf_has(&user->object, BF_USER_LANG))
        *ret_lang = bf_get_enum(&user->object, BF_USER_LANG) == BF_LANG_IS_EN ? BF_LANG_EN : BF_LANG_ZH;
    return BF_OK;
}

static void web_session(struct bf_call *call, void *service)
{
    struct bf_str json;
    enum bf_lang lang;
    struct bf_error e = {0};
    (void)service;
    if (bf_call_page_session(call, &json, &lang, &e) == BF_OK)
        bf_call_json(call, 200, json);
    else
        bf_call_fail(call, &e);
}

static void web_sign_out(struct bf_call *call, void *service)
{
    static const struct bf_header gone = {.name = "set-cookie", .value = {COOKIE "=; Max-Age=0" COOKIE_ATTRIBUTES, sizeof COOKIE "=; Max-Age=0" COOKIE_ATTRIBUTES - 1}};
    struct bf_error e = {0};
    (void)service;
    if (bf__session_end(call->access, call->caller.tenant, call->caller.session, &e) == BF_OK)
        bf_reply(call->req, 204, &gone, 1, bf_str("", 0));
    else
        bf_call_fail(call, &e);
}

const struct bf_endpoint bf__web_session = {.run = web_session, .flags = BF_EP_MUST_CHANGE},
                         bf__web_sign_out = {.run = web_sign_out, .flags = BF_EP_MUST_CHANGE | BF_EP_NO_BODY};
