/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link in each message of mail that ends mail of its kind (RFC 8058). Its token says whose and of which kind, and is signed: whoever has the link can
 * switch that off and nothing else, without signing in, and it holds as long as the mail does. A GET shows a page with a button and changes nothing, since
 * mail programs and their scanners follow links; the POST acts.
 */
#include "core/arena.h"
#include "core/env.h"
#include "crm/preference.h"
#include "push/internal.h"
#include <assert.h>

enum { VERSION = 1, KIND_MAX = 30, TOKEN_BYTES_MAX = 1 + 2 * 16 + KIND_MAX + BF_SHA256_BYTES, TOKEN_BYTES_MIN = TOKEN_BYTES_MAX - KIND_MAX + 1 };

struct ticket {
    struct bf_uuid tenant, user;
    int kind;
};

/* ---- tokens: version, tenant, user, the kind's word, HMAC of those ---- */

const char *bf__unsubscribe_url(const struct bf_push *push, struct bf_uuid tenant, struct bf_uuid user, int kind, struct bf_arena *arena)
{
    uint8_t token[TOKEN_BYTES_MAX] = {VERSION};
    char text[TOKEN_BYTES_MAX * 4 / 3 + 4];
    struct bf_str word = bf_strz(bf_enum_notification_kind.words[kind].word);
    size_t n = 1 + 2 * 16 + word.n;
    assert(word.n <= KIND_MAX);
    memcpy(token + 1, &tenant, 16);
    memcpy(token + 17, &user, 16);
    memcpy(token + 33, word.p, word.n);
    bf_hmac_sha256(&push->unsubscribe_key, token, n, token + n);
    bf_base64url(token, n + BF_SHA256_BYTES, text);
    return bf_arena_printf(arena, "%.*s/v1/unsubscribe?token=%s", BF_FMT(push->public_url), text);
}

static enum bf_status read_token(const struct bf_push *push, struct bf_call *call, struct ticket *ret, struct bf_error *e)
{
    static const char *const names[] = {"token", NULL};
    uint8_t token[TOKEN_BYTES_MAX], mac[BF_SHA256_BYTES];
    struct bf_str text = bf_request_query(call->req, "token");
    enum bf_status status = bf_call_only_query(call, names, e);
    if (status != BF_OK)
        return status;
    long n = text.p == NULL ? -1 : bf_unbase64url(text, token, sizeof token);
    if (n >= TOKEN_BYTES_MIN && token[0] == VERSION) {
        size_t signed_n = (size_t)n - BF_SHA256_BYTES;
        bf_hmac_sha256(&push->unsubscribe_key, token, signed_n, mac);
        memcpy(&ret->tenant, token + 1, 16);
        memcpy(&ret->user, token + 17, 16);
        ret->kind = bf_enum_find(&bf_enum_notification_kind, bf_str((const char *)token + 33, signed_n - 33));
        if (bf_equal_ct(mac, token + signed_n, sizeof mac) && ret->kind >= 0)
            return BF_OK;
    }
    return bf_fail_field(e, BF_E_INVALID_QUERY, "token", "wrong", "the link as it stood in the mail");
}

/* ---- pages ---- */

static void answer_page(struct bf_call *call, const char *inner)
{
    static const char frame[] = "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                                "content=\"width=device-width,initial-scale=1\"><title>退订 / Unsubscribe</title></head><body>%s</body></html>\n";
    const struct bf_header headers[] = {
        {.name = "content-type", .value = BF_STR("text/html; charset=utf-8")},
        {.name = "content-security-policy", .value = BF_STR("default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")},
        {.name = "referrer-policy", .value = BF_STR("no-referrer")},
    };
    bf_reply(call->req, 200, headers, 3, bf_strz(bf_arena_printf(call->arena, frame, inner)));
}

static void show_page(struct bf_call *call, void *service)
{
    struct ticket ticket;
    struct bf_error e = {0};
    if (read_token(service, call, &ticket, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    const struct bf_word *kind = &bf_enum_notification_kind.words[ticket.kind];
    /* Without an action a form is sent to the page's own address, the token in it. */
    answer_page(call, bf_arena_printf(call->arena,
                                      "<form method=\"post\"><p>不再通过邮件接收“%s”？<br>No more mail about “%s”?</p>"
                                      "<p><button>退订 / Unsubscribe</button></p></form>",
                                      kind->zh, kind->en));
}

/* ---- the act ---- */

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct ticket *ticket = ctx;
    const struct bf_doc *user = bf_view_get(view, &bf_users, ticket->user), *stored = bf_view_get(view, &bf_preferences, ticket->user);
    (void)e;
    bf_decision_receipt(d, 200, bf_str("", 0), ticket->user);
    if (user == NULL || user->tombstone)
        return BF_OK;
    struct bf_doc *doc = stored != NULL ? bf_doc_copy(arena, stored) : bf_doc_create(arena, &bf_preference_schema, ticket->tenant, ticket->user);
    if (bf_preference_no_mail(arena, &doc->object, bf_get_enum(&user->object, BF_USER_ROLE), ticket->kind))
        bf_decision_put(d, &bf_preferences, doc);
    return BF_OK;
}

static void unsubscribe(struct bf_call *call, void *service)
{
    struct ticket ticket;
    struct bf_error e = {0};
    struct bf_receipt receipt;
    enum bf_status status = read_token(service, call, &ticket, &e);
    if (status == BF_OK) {
        struct bf_read reads[2] = {{.coll = &bf_users, .id = ticket.user}, {.coll = &bf_preferences, .id = ticket.user}};
        struct bf_submission submission = {
            .tenant = ticket.tenant, .actor = ticket.user, .reads = reads, .n_reads = 2, .decide = decide, .ctx = &ticket};
        bf_random(call->env, &submission.request, sizeof submission.request);
        status = bf_submit_wait(call->store, &submission, call->arena, &receipt, &e);
    }
    if (status == BF_OK)
        answer_page(call, "<p>已退订。<br>You will get no more mail of this kind.</p>");
    else
        bf_call_fail(call, &e);
}

const struct bf_endpoint bf__unsubscribe_page = {.run = show_page, .flags = BF_EP_QUERY | BF_EP_NO_BODY};
const struct bf_endpoint bf__unsubscribe = {.run = unsubscribe, .flags = BF_EP_QUERY | BF_EP_FORM};
