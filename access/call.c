/* SPDX-License-Identifier: Apache-2.0 */
#include "access/call.h"
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/log.h"
#include "core/service.h"
#include "crm/timeliness.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { ETAG_TEXT = 40, ANSWER_MAX = 8 << 20, LIMIT_DEFAULT = 50, KEY_MAX = 200, RECORD_BYTES = 1024 /* that most fit in */ };

/* ---- entering ---- */

static struct bf_str bearer(const struct bf_request *req)
{
    struct bf_str header = bf_request_header(req, "authorization"), scheme = BF_STR("bearer ");
    if (header.p == NULL || header.n <= scheme.n || !bf_str_ieq(bf_str(header.p, scheme.n), scheme))
        return bf_str(NULL, 0);
    return bf_str(header.p + scheme.n, header.n - scheme.n);
}

static void fill(struct bf_call *call, struct bf_access *access, struct bf_request *req)
{
    *call = (struct bf_call){.req = req,
                             .access = access,
                             .store = access->store,
                             .env = access->env,
                             .arena = bf_request_arena(req),
                             .now_ms = bf_now_ms(access->env),
                             .trace = bf_request_trace_id(req)};
}

/* A bearer token is shown on purpose, a cookie by the browser alone: whoever shows both is judged by the token. */
static enum bf_status begin(struct bf_call *call, struct bf_access *access, struct bf_request *req, enum bf_shown_by cookie_by, struct bf_error *e)
{
    fill(call, access, req);
    struct bf_str token = bearer(req), cookie = token.p == NULL ? bf__cookie(req) : bf_str(NULL, 0);
    if (token.p != NULL)
        return bf_access_authenticate(access, token, BF_BY_BEARER, call->arena, &call->caller, e);
    if (cookie.p == NULL)
        return bf_fail(e, BF_E_UNAUTHENTICATED, "neither a bearer token nor a session's cookie");
    enum bf_status status = bf__check_page(req, cookie, e);
    return status == BF_OK ? bf_access_authenticate(access, cookie, cookie_by, call->arena, &call->caller, e) : status;
}

enum bf_status bf_call_begin(struct bf_call *call, struct bf_access *access, struct bf_request *req, struct bf_error *e)
{
    return begin(call, access, req, BF_BY_COOKIE, e);
}

bool bf_call_begin_page(struct bf_call *call)
{
    struct bf_str cookie = bf__cookie(call->req);
    struct bf_error why = {0};
    bool good = cookie.p != NULL && bf_access_authenticate(call->access, cookie, BF_BY_COOKIE, call->arena, &call->caller, &why) == BF_OK;
    if (!good)
        call->caller = (struct bf_caller){.browser = false};
    return good;
}

static bool is_among(struct bf_str name, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (bf_str_eqz(name, *names))
            return true;
    return false;
}

static enum bf_status check_names(struct bf_call *call, const char *const *names, const char *const *more, struct bf_error *e)
{
    for (unsigned i = 0; i < bf_request_query_count(call->req); i++) {
        struct bf_str name;
        bf_request_query_at(call->req, i, &name);
        if (!is_among(name, names) && !is_among(name, more))
            return bf_fail_field(e, BF_E_INVALID_QUERY, bf_arena_printf(call->arena, "%.*s", name.n > 60 ? 60 : (int)name.n, name.p),
                                 "unknown_field", "no such parameter here");
    }
    return BF_OK;
}

enum bf_status bf_call_only_query(struct bf_call *call, const char *const *names, struct bf_error *e) { return check_names(call, names, NULL, e); }

/* The media type alone, without its parameters. */
static struct bf_str media_type(struct bf_str header)
{
    const char *semicolon = header.n == 0 ? NULL : memchr(header.p, ';', header.n);
    size_t n = semicolon == NULL ? header.n : (size_t)(semicolon - header.p);
    while (n > 0 && (header.p[n - 1] == ' ' || header.p[n - 1] == '\t'))
        n--;
    return bf_str(header.p, n);
}

/* A body is JSON as it is, neither of another type nor packed. */
static enum bf_status check_body(struct bf_call *call, const struct bf_endpoint *endpoint, struct bf_error *e)
{
    struct bf_str type = bf_request_header(call->req, "content-type"), coding = bf_request_header(call->req, "content-encoding");
    if (bf_request_body(call->req).n == 0 || (endpoint->flags & BF_EP_FORM))
        return BF_OK;
    if (endpoint->flags & BF_EP_NO_BODY)
        return bf_fail(e, BF_E_INVALID_BODY, "this request takes no body");
    if (coding.p != NULL && !bf_str_ieq(coding, BF_STR("identity")))
        return bf_fail_field(e, BF_E_UNSUPPORTED_TYPE, "Content-Encoding", "unsupported_type", "bodies are sent as they are");
    if (type.p != NULL && !bf_str_ieq(media_type(type), BF_STR("application/json")) &&
        !bf_str_ieq(media_type(type), BF_STR("application/merge-patch+json")))
        return bf_fail_field(e, BF_E_UNSUPPORTED_TYPE, "Content-Type", "unsupported_type", "application/json");
    return BF_OK;
}

static enum bf_status check_query(struct bf_call *call, const struct bf_endpoint *endpoint, struct bf_error *e)
{
    if ((endpoint->flags & BF_EP_QUERY) || bf_request_route(call->req)->kind == BF_ROUTE_LIST)
        return BF_OK;
    return bf_call_only_query(call, NULL, e);
}

static enum bf_status check_frame(struct bf_call *call, const struct bf_endpoint *endpoint, struct bf_error *e)
{
    if (call->caller.must_change_password && !(endpoint->flags & BF_EP_MUST_CHANGE))
        return bf_fail(e, BF_E_PASSWORD_CHANGE_REQUIRED, "POST /v1/password first");
    enum bf_status status = check_body(call, endpoint, e);
    if (status == BF_OK)
        status = check_query(call, endpoint, e);
    if (status != BF_OK)
        return status;
    if ((endpoint->flags & BF_EP_VERB) && bf_request_header(call->req, "idempotency-key").p == NULL &&
        bf_request_header(call->req, "if-match").p == NULL)
        return bf_fail_field(e, BF_E_PRECONDITION_REQUIRED, "Idempotency-Key", "required", "this act may be right twice: name it, or the state it acts on");
    return BF_OK;
}

static struct bf_call *new_call(struct bf_request *req)
{
    return bf_arena_calloc(bf_request_arena(req), 1, sizeof(struct bf_call));
}

static bool commits(const struct bf_route *route)
{
    return route->kind == BF_ROUTE_CREATE || route->kind == BF_ROUTE_CHANGE || route->kind == BF_ROUTE_VERB;
}

void bf_call_enter(struct bf_request *req, void *service)
{
    const struct bf_endpoint *endpoint = bf_request_route(req)->data;
    struct bf_call *call = new_call(req);
    struct bf_error e = {0};
    enum bf_shown_by by = endpoint->flags & BF_EP_ASIDE ? BF_BY_COOKIE_ASIDE : BF_BY_COOKIE;
    enum bf_status status = begin(call, ((struct bf_api *)service)->access, req, by, &e);
    if (status == BF_OK)
        status = check_frame(call, endpoint, &e);
    call->unsubmitted = status == BF_OK && commits(bf_request_route(req));
    if (status == BF_OK)
        endpoint->run(call, service);
    else
        bf_call_fail(call, &e);
}

void bf_call_enter_public(struct bf_request *req, void *service)
{
    const struct bf_endpoint *endpoint = bf_request_route(req)->data;
    struct bf_call *call = new_call(req);
    struct bf_error e = {0};
    fill(call, ((struct bf_api *)service)->access, req);
    if (check_frame(call, endpoint, &e) == BF_OK)
        endpoint->run(call, service);
    else
        bf_call_fail(call, &e);
}

/* ---- answers ---- */

static void fail(struct bf_call *call, const struct bf_error *e)
{
    if (bf_status_http(e->status) >= 500)
        bf_log(call->env, BF_LOG_ERROR, "call.failed", e->cause, BF_L_STR("code", bf_status_code(e->status)),
               BF_L_STR("trace_id", call->trace), BF_L_SLICE("path", bf_request_path(call->req)), BF_L_END);
    bf_reply_error(call->req, e);
}

void bf_call_status(struct bf_call *call, int status) { bf_reply(call->req, status, NULL, 0, bf_str("", 0)); }

/* "INCARNATION-REV", as bf_call_if_match reads it; written from its end. */
static unsigned etag(struct bf_call *call, int64_t rev, struct bf_header *header)
{
    char *text = bf_arena_alloc(call->arena, ETAG_TEXT), *end = text + ETAG_TEXT, *p = end;
    uint32_t incarnation = bf_store_incarnation(call->store);
    int64_t rest = rev == BF_REV_UNSTORED ? 0 : rev;
    assert(rest >= 0);
    *--p = '"';
    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    *--p = '-';
    do
        *--p = "0123456789abcdef"[incarnation & 15];
    while ((incarnation >>= 4) != 0);
    *--p = '"';
    *header = (struct bf_header){.name = "etag", .value = bf_str(p, (size_t)(end - p))};
    return 1;
}

void bf_call_json_rev(struct bf_call *call, int status, struct bf_str json, int64_t rev)
{
    struct bf_header headers[2] = {{.name = "content-type", .value = BF_STR("application/json")}};
    unsigned n = 1;
    if (rev != 0)
        n += etag(call, rev, &headers[1]);
    bf_reply(call->req, status, headers, n, json);
}

void bf_call_json(struct bf_call *call, int status, struct bf_str json) { bf_call_json_rev(call, status, json, 0); }

void bf_call_json_buf(struct bf_call *call, int status, struct bf_buf *json, int64_t rev)
{
    struct bf_error e = {0};
    if (json->overflowed) {
        bf_fail(&e, BF_E_INTERNAL, "the answer is over %zu bytes", json->max);
        bf_call_fail(call, &e);
    } else {
        bf_call_json_rev(call, status, bf_buf_str(json), rev);
    }
    bf_buf_finish(json);
}

void bf_call_doc(struct bf_call *call, enum bf_subject subject, const struct bf_doc *doc)
{
    struct bf_buf out;
    struct bf_jw w;
    struct bf_error e = {0};
    bf_buf_init(&out, ANSWER_MAX);
    bf_buf_reserve(&out, RECORD_BYTES);
    bf_jw_init(&w, &out);
    bf_jw_doc(&w, doc, bf_shown(&call->caller, subject));
    if (bf_call_viewed(call, doc->object.schema->name, "read", &doc->id, 1, &e) == BF_OK) {
        bf_call_json_buf(call, 200, &out, doc->rev == 0 ? BF_REV_UNSTORED : doc->rev);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

void bf_call_fail_about(struct bf_call *call, const struct bf_error *why, enum bf_subject subject, const struct bf_doc *current)
{
    struct bf_header header;
    struct bf_buf out;
    struct bf_jw w;
    struct bf_error e = {0};
    if (bf_call_viewed(call, current->object.schema->name, "read", &current->id, 1, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    bf_jw_doc(&w, current, bf_shown(&call->caller, subject));
    unsigned n = etag(call, current->rev, &header);
    bf_reply_error_about(call->req, why, bf_buf_str(&out), &header, n);
    bf_buf_finish(&out);
}

/* ---- parameters ---- */

enum bf_status bf_call_id(struct bf_call *call, const char *param, struct bf_uuid *ret, struct bf_error *e)
{
    if (!bf_uuid_parse(bf_request_param(call->req, param), ret))
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    return BF_OK;
}

enum bf_status bf_call_page(struct bf_call *call, const char *const *filters, unsigned *ret_limit, struct bf_str *ret_after, struct bf_error *e)
{
    struct bf_str limit = bf_request_query(call->req, "limit"), after = bf_request_query(call->req, "after");
    static const char *const of_lists[] = {"limit", "after", NULL};
    uint64_t n = LIMIT_DEFAULT;
    enum bf_status status = check_names(call, of_lists, filters, e);
    if (status != BF_OK)
        return status;
    if (limit.p != NULL && (!bf_str_u64(limit, BF_PAGE_MAX, &n) || n == 0))
        return bf_fail_field(e, BF_E_INVALID_QUERY, "limit", "too_large", "1 to %d", BF_PAGE_MAX);
    *ret_limit = (unsigned)n;
    *ret_after = bf_str(NULL, 0);
    if (after.p != NULL)
        return bf_cursor_open(call, bf_request_route(call->req)->pattern, after, ret_after, e);
    return BF_OK;
}

enum bf_status bf_call_query_uuid(struct bf_call *call, const char *name, bool *found, struct bf_uuid *ret, struct bf_error *e)
{
    struct bf_str text = bf_request_query(call->req, name);
    *found = text.p != NULL;
    if (*found && !bf_uuid_parse(text, ret))
        return bf_fail_field(e, BF_E_INVALID_QUERY, name, "bad_uuid", "a lower-case UUID");
    return BF_OK;
}

enum bf_status bf_call_skew_ms(const struct bf_call *call, int64_t *ret, struct bf_error *e)
{
    struct bf_str text = bf_request_header(call->req, "x-client-time");
    int64_t phone_ms;
    *ret = INT64_MIN;
    if (text.p == NULL)
        return BF_OK;
    if (!bf_time_parse(text, &phone_ms))
        return bf_fail_field(e, BF_E_INVALID_HEADER, "X-Client-Time", "bad_time", "an RFC 3339 time with its offset is expected");
    *ret = bf_clock_skew(phone_ms, call->now_ms);
    return BF_OK;
}

enum bf_status bf_call_if_match(struct bf_call *call, int64_t *ret_rev, struct bf_error *e)
{
    struct bf_str text = bf_request_header(call->req, "if-match");
    char buf[ETAG_TEXT];
    char rev[19]; /* digits: a sign or a space before them is no ETag of ours */
    unsigned incarnation;
    int used = 0;
    *ret_rev = 0;
    if (text.p == NULL)
        return BF_OK;
    if (text.n >= sizeof buf)
        return bf_fail_field(e, BF_E_INVALID_HEADER, "If-Match", "bad_etag", "one ETag as it was given");
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    if (sscanf(buf, "\"%8x-%18[0-9]\"%n", &incarnation, rev, &used) != 2 || used != (int)text.n)
        return bf_fail_field(e, BF_E_INVALID_HEADER, "If-Match", "bad_etag", "one ETag as it was given");
    if (incarnation != bf_store_incarnation(call->store))
        *ret_rev = BF_REV_OF_ANOTHER_STORE;
    else
        *ret_rev = strtoll(rev, NULL, 10);
    if (*ret_rev == 0)
        *ret_rev = BF_REV_UNSTORED;
    return BF_OK;
}

/* ---- lists ---- */

static void write_list(struct bf_call *call, enum bf_subject subject, const struct bf_page *page, struct bf_buf *out)
{
    unsigned show = bf_shown(&call->caller, subject);
    struct bf_jw w;
    bf_jw_init(&w, out);
    bf_jw_object(&w);
    bf_jw_key(&w, "items");
    bf_jw_array(&w);
    for (unsigned i = 0; i < page->n; i++)
        bf_jw_doc(&w, page->docs[i], show);
    bf_jw_end_array(&w);
    bf_jw_key(&w, "next");
    if (page->next.n > 0)
        bf_jw_str(&w, bf_cursor_seal(call, bf_request_route(call->req)->pattern, page->next));
    else
        bf_jw_null(&w);
    bf_jw_end_object(&w);
}

static enum bf_status note_list(struct bf_call *call, enum bf_subject subject, const struct bf_page *page, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, page->n + 1, sizeof *ids);
    for (unsigned i = 0; i < page->n; i++)
        ids[i] = page->docs[i]->id;
    return bf_call_viewed(call, bf_subject_name(subject), "list", ids, page->n, e);
}

bool bf_call_answer_page(struct bf_call *call, enum bf_subject subject, const struct bf_page *page)
{
    struct bf_buf out;
    struct bf_error e = {0};
    bf_buf_init(&out, ANSWER_MAX);
    write_list(call, subject, page, &out);
    bool fits = !out.overflowed || page->n <= 1;
    if (fits && note_list(call, subject, page, &e) == BF_OK) {
        bf_call_json_buf(call, 200, &out, 0);
        return true;
    }
    bf_buf_finish(&out);
    if (fits)
        bf_call_fail(call, &e);
    return fits;
}

/* ---- submit ---- */

struct submit {
    struct bf_call *call;
    struct bf_call_submit given;
    struct bf_task task;
    struct bf_receipt receipt;
};

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct submit *s = ctx;
    enum bf_status status = bf_decide_caller(view, &s->call->caller, e);
    return status == BF_OK ? s->given.decide(view, d, arena, s->given.ctx, e) : status;
}

/* The first "rev" of a receipt is that of the record it is about: bf_jw_doc writes it right behind the id. */
static int64_t rev_in(struct bf_str body)
{
    static const char key[] = "\"rev\":";
    const char *p = memmem(body.p, body.n < 200 ? body.n : 200, key, sizeof key - 1);
    int64_t rev = 0;
    if (p == NULL)
        return 0;
    for (p += sizeof key - 1; p < body.p + body.n && *p >= '0' && *p <= '9' && rev < INT64_MAX / 10 - 1; p++)
        rev = rev * 10 + (*p - '0');
    return rev;
}

void bf_call_receipt(struct bf_call *call, const struct bf_receipt *receipt)
{
    if (receipt->status != BF_OK) {
        bf_call_fail(call, &receipt->error);
        return;
    }
    int status = receipt->replay && receipt->http_status == 201 ? 200 : receipt->http_status;
    if (receipt->body.n == 0)
        bf_call_status(call, status);
    else
        bf_call_json_rev(call, status, receipt->body, rev_in(receipt->body));
}

static void answer_on_worker(struct bf_task *task)
{
    struct submit *s = BF_CONTAINER(task, struct submit, task);
    s->given.done(s->call, &s->receipt, s->given.ctx);
}

/* On the request's loop. What needs more work goes back to a worker, with a receipt of its own. */
static void done(const struct bf_receipt *receipt, void *ctx)
{
    struct submit *s = ctx;
    if (s->given.done == NULL) {
        bf_call_receipt(s->call, receipt);
        return;
    }
    s->receipt = *receipt;
    s->receipt.body = bf_str_dup(s->call->arena, receipt->body);
    s->task.run = answer_on_worker;
    bf_post(bf_request_workers(s->call->req), &s->task);
}

/* H(user, Idempotency-Key), or H(user, method, path, If-Match, body). */
static void request_id(struct bf_call *call, const uint8_t body_hash[32], struct bf_request_id *ret)
{
    struct bf_str key = bf_request_header(call->req, "idempotency-key"), match = bf_request_header(call->req, "if-match");
    struct bf_str method = bf_request_method(call->req), path = bf_request_path(call->req);
    uint8_t hash[32];
    struct bf_hash_state state;
    bf_hash_init(&state);
    bf_hash_add(&state, &call->caller.user, sizeof call->caller.user);
    if (bf_request_query(call->req, "dry_run").p != NULL)
        bf_hash_add(&state, "dry run", 8); /* must not meet the receipt of the real one */
    if (key.p != NULL) {
        bf_hash_add(&state, "key", 4);
        bf_hash_add(&state, key.p, key.n);
    } else {
        bf_hash_add(&state, method.p, method.n);
        bf_hash_add(&state, " ", 1);
        bf_hash_add(&state, path.p, path.n);
        bf_hash_add(&state, " ", 1);
        bf_hash_add(&state, match.p == NULL ? "" : match.p, match.n);
        bf_hash_add(&state, body_hash, 32);
    }
    bf_hash_end(&state, hash);
    memcpy(ret->b, hash, sizeof ret->b);
}

/* What a replay must repeat: method, path and body. */
static void hash_body(struct bf_call *call, uint8_t out[32])
{
    struct bf_str method = bf_request_method(call->req), path = bf_request_path(call->req), body = bf_request_body(call->req);
    struct bf_hash_state state;
    bf_hash_init(&state);
    bf_hash_add(&state, method.p, method.n);
    bf_hash_add(&state, " ", 1);
    bf_hash_add(&state, path.p, path.n);
    bf_hash_add(&state, " ", 1);
    bf_hash_add(&state, body.p, body.n);
    bf_hash_end(&state, out);
}

static enum bf_status name_request(struct bf_call *call, struct bf_request_id *ret, uint8_t ret_body_hash[32], struct bf_error *e)
{
    struct bf_str key = bf_request_header(call->req, "idempotency-key");
    if (key.p != NULL && (key.n == 0 || key.n > KEY_MAX))
        return bf_fail_field(e, BF_E_INVALID_HEADER, "Idempotency-Key", "too_long", "1 to %d bytes", KEY_MAX);
    hash_body(call, ret_body_hash);
    request_id(call, ret_body_hash, ret);
    return BF_OK;
}

void bf_call_fail(struct bf_call *call, const struct bf_error *e)
{
    struct bf_request_id id;
    uint8_t body_hash[32];
    struct bf_receipt receipt;
    struct bf_error why = {0};
    bool found = false;
    if (call->unsubmitted && name_request(call, &id, body_hash, NULL) == BF_OK &&
        bf_receipt_find(call->store, call->caller.tenant, &id, body_hash, call->arena, &found, &receipt, &why) != BF_OK)
        e = &why;
    call->unsubmitted = false;
    if (found)
        bf_call_receipt(call, &receipt);
    else
        fail(call, e);
}

void bf_call_submit(struct bf_call *call, const struct bf_call_submit *given)
{
    struct submit *s = bf_arena_calloc(call->arena, 1, sizeof *s);
    struct bf_read *reads = bf_arena_calloc(call->arena, given->n_reads + 1, sizeof *reads);
    struct bf_error e = {0};
    struct bf_submission submission = {.tenant = call->caller.tenant,
                                       .actor = call->caller.user,
                                       .reads = reads,
                                       .n_reads = given->n_reads + 1,
                                       .decide = decide,
                                       .ctx = s,
                                       .home = bf_request_home(call->req),
                                       .done = done};
    if (name_request(call, &submission.request, submission.body_hash, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    call->unsubmitted = false;
    *s = (struct submit){.call = call, .given = *given};
    reads[0] = (struct bf_read){.coll = &bf_users, .id = call->caller.user};
    for (unsigned i = 0; i < given->n_reads; i++)
        reads[i + 1] = given->reads[i];
    if (bf_submit(call->store, &submission, &e) != BF_OK) {
        e.retry_after_s = 1;
        bf_call_fail(call, &e);
    }
}

/* ---- the view log ---- */

enum bf_status bf_call_viewed(struct bf_call *call, const char *entity, const char *action, const struct bf_uuid *ids, unsigned n, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < n && status == BF_OK; i += BF_PAGE_MAX) {
        unsigned left = n - i;
        status = bf__views_note(call->access->views, &call->caller, call->trace, entity, action, &ids[i], left < BF_PAGE_MAX ? left : BF_PAGE_MAX,
                                call->now_ms, e);
    }
    return status;
}

enum bf_status bf_call_viewed_now(struct bf_call *call, const char *entity, const char *action, struct bf_uuid id, struct bf_error *e)
{
    return bf__views_write(call->access->views, &call->caller, call->trace, entity, action, id, call->now_ms, e);
}

/* ---- a service of routes alone ---- */

enum bf_status bf_api_open(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e)
{
    struct bf_api *api = calloc(1, sizeof *api);
    (void)e;
    if (api == NULL)
        abort();
    api->access = ctx->access;
    *ret = api;
    return BF_OK;
}

void bf_api_close(void **service)
{
    free(*service);
    *service = NULL;
}
