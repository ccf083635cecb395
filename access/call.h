/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of an API call, the same for every route of every service: authenticate, hand to the endpoint on a worker, submit, answer. The
 * conventions of docs/API.md (idempotency, If-Match, ETag, errors, cursors, the view log) are held here once.
 */
#pragma once
#include "access/caller.h"
#include "core/http_server.h"
#include "core/json.h"
#include "storage/commit.h"

struct bf_access;
struct bf_buf;
struct bf_call;

/* Every service's handle begins with this, so that the frame finds its way from a route to the person. */
struct bf_api {
    struct bf_access *access;
};
/* `open` and `close` of a service that is no more than its routes. */
struct bf_service_ctx;
enum bf_status bf_api_open(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e);
void bf_api_close(void **service);

enum bf_endpoint_flag {
    BF_EP_VERB = 1,         /* needs Idempotency-Key or If-Match: 428 */
    BF_EP_MUST_CHANGE = 2,  /* reachable before the first password was changed (G-24) */
    BF_EP_NO_BODY = 4,      /* a body is an error */
    BF_EP_ASIDE = 16,       /* asked by a page on its own: no use of a browser's session (G-10) */
    BF_EP_FORM = 32,        /* what a browser sends for a form, or a mail program for one (RFC 8058), is taken: it is not looked at */
    BF_EP_QUERY = 8,        /* reads the query parameters itself, and refuses those it does not know; elsewhere and but for lists any is an error */
};

/* A route's `data`. */
struct bf_endpoint {
    void (*run)(struct bf_call *call, void *service);
    unsigned flags;
};

struct bf_call {
    struct bf_request *req;
    struct bf_access *access;
    struct bf_store *store;
    const struct bf_env *env;
    struct bf_arena *arena;
    struct bf_caller caller; /* empty on public routes */
    int64_t now_ms;
    const char *trace; /* 32 hex digits */
    bool unsubmitted;  /* of a route that commits: a refusal first looks for the receipt of the same request */
};

/* The handler of every authenticated route: `service` begins with struct bf_api, the route's data is a struct bf_endpoint. The caller shows a bearer
 * token, or the cookie of a browser's session, which then has to come from one of our own pages (docs/SECURITY.md). */
void bf_call_enter(struct bf_request *req, void *service);
/* The same without a session. */
void bf_call_enter_public(struct bf_request *req, void *service);
/* For sinks (uploads): authenticates on the calling worker. `call` is filled; on failure nothing was answered yet. */
enum bf_status bf_call_begin(struct bf_call *call, struct bf_access *access, struct bf_request *req, struct bf_error *e);
/* On a public route, for pages: who has a good session in the cookie. Then `caller` is filled; otherwise the caller is nobody. */
bool bf_call_begin_page(struct bf_call *call);
/* What a page is to know of its session, as GET /v1/web/session answers it: in the arena. *ret_lang is the person's own where one was chosen.
 * Notes the view of the person's record. */
enum bf_status bf_call_page_session(struct bf_call *call, struct bf_str *ret_json, enum bf_lang *ret_lang, struct bf_error *e);

/* The rev of a record that is there though nobody has stored it, such as a year of the calendar that is as it was shipped: told as 0, in its ETag too. */
#define BF_REV_UNSTORED (-1)

/* ---- answers: each ends the call ---- */
/* A route that commits may refuse by what changes (numbers, rights, records) before it submits: a request that was committed before is answered from
 * its first receipt all the same, here, for every route. On a worker until bf_call_submit. */
void bf_call_fail(struct bf_call *call, const struct bf_error *e);
void bf_call_status(struct bf_call *call, int status); /* no body: 204 */
void bf_call_json(struct bf_call *call, int status, struct bf_str json);
void bf_call_json_rev(struct bf_call *call, int status, struct bf_str json, int64_t rev); /* with the ETag of `rev`; 0: none */
/* What was written as JSON, with the ETag of `rev` (0: none); 500 when it overflowed. Finishes the buffer. */
void bf_call_json_buf(struct bf_call *call, int status, struct bf_buf *json, int64_t rev);
/* 412 or 409, with the record as it is now under `current`, the view noted. */
void bf_call_fail_about(struct bf_call *call, const struct bf_error *why, enum bf_subject subject, const struct bf_doc *current);
/* What bf_call_submit does without a `done` of one's own. */
void bf_call_receipt(struct bf_call *call, const struct bf_receipt *receipt);
/* A record with its ETag, masked by the caller's rights, the view noted. */
void bf_call_doc(struct bf_call *call, enum bf_subject subject, const struct bf_doc *doc);

/* ---- parameters ---- */
enum bf_status bf_call_id(struct bf_call *call, const char *param, struct bf_uuid *ret, struct bf_error *e); /* of the path: 404 when it is no UUID */
/* BF_E_INVALID_QUERY for a query parameter that is not among `names` (NULL-ended). */
enum bf_status bf_call_only_query(struct bf_call *call, const char *const *names, struct bf_error *e);
/* `limit` and `after` of a list. Any query parameter that is not among `filters` (NULL-ended), limit, after: BF_E_INVALID_QUERY. */
enum bf_status bf_call_page(struct bf_call *call, const char *const *filters, unsigned *ret_limit, struct bf_str *ret_after, struct bf_error *e);
/* A filter that is an id; *found = false when absent. */
enum bf_status bf_call_query_uuid(struct bf_call *call, const char *name, bool *found, struct bf_uuid *ret, struct bf_error *e);
/* The phone's clock minus ours, ms, from X-Client-Time; INT64_MIN when the header is absent. BF_E_INVALID_HEADER when it is no time. */
enum bf_status bf_call_skew_ms(const struct bf_call *call, int64_t *ret, struct bf_error *e);
/* If-Match as a rev; 0 when absent. One of another incarnation is a rev that no record has, so that it is judged, and answered, like any stale
 * one. BF_E_INVALID_HEADER when it is no ETag of ours. */
#define BF_REV_OF_ANOTHER_STORE INT64_MAX
enum bf_status bf_call_if_match(struct bf_call *call, int64_t *ret_rev, struct bf_error *e);

/* ---- lists ---- */
/* Writes {items, next} with each record masked, notes the views, ends the call. False, and nothing was answered, when the page is larger than an
 * answer may be: fewer are to be read. */
bool bf_call_answer_page(struct bf_call *call, enum bf_subject subject, const struct bf_page *page);

/* ---- submit ---- */
struct bf_call_submit {
    const struct bf_read *reads; /* the caller's user record is added by the frame */
    unsigned n_reads;
    bf_decide_fn *decide; /* runs after the caller's epoch was checked on the view */
    void *ctx;            /* lives in the call's arena */
    /* Called on a worker instead of the plain answer, when given: the receipt may be looked at, the call must be answered. */
    void (*done)(struct bf_call *call, const struct bf_receipt *receipt, void *ctx);
};
/* Submits under the call's request id and answers from the receipt: its status (200 for a replayed 201) and body, with the ETag of the `rev` in it. */
void bf_call_submit(struct bf_call *call, const struct bf_call_submit *submit);

/* ---- cursors: encrypted, bound to tenant, user, installation and purpose ---- */
struct bf_str bf_cursor_seal(struct bf_call *call, const char *purpose, struct bf_str plain); /* base64url, in the arena */
/* BF_E_RESYNC for one of another incarnation or epoch; BF_E_INVALID_QUERY otherwise. */
enum bf_status bf_cursor_open(struct bf_call *call, const char *purpose, struct bf_str text, struct bf_str *ret, struct bf_error *e);

/* ---- the view log (AUD-01, AUD-02) ---- */
/* Notes, before the answer, that the caller is shown these records, a row for each 200: written within 1 s or 256 rows. On an error they must not be shown: the
 * store takes no writes, and no more views can be kept meanwhile. */
enum bf_status bf_call_viewed(struct bf_call *call, const char *entity, const char *action, const struct bf_uuid *ids, unsigned n, struct bf_error *e);
/* The same, durable when it returns: for media and exports, before the answer. */
enum bf_status bf_call_viewed_now(struct bf_call *call, const char *entity, const char *action, struct bf_uuid id, struct bf_error *e);
