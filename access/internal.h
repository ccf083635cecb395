/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of access/ share. Not for other modules. */
#pragma once
#include "access/access.h"
#include "access/call.h"
#include "access/caller_cache.h"
#include "access/password.h"
#include "access/throttle.h"
#include "access/token.h"
#include "core/crypto.h"

struct bf_view_log;

struct bf_access {
    struct bf_api api;
    const struct bf_env *env;
    struct bf_store *store;
    struct bf_pool *password_thread;
    struct bf_passwords *passwords;
    struct bf_throttle *by_account, *by_address;
    struct bf_view_log *views;
    struct bf_caller_cache *callers;
    struct bf_key cursor_key;
    uint64_t argon2_ops;
    size_t argon2_memory;
    int64_t access_ms, session_ms;
    struct bf_str upload_url; /* as in the context */
    char decoy[BF_PASSWORD_HASH_MAX]; /* hashed against when the account does not exist, so that the time tells nothing */
};

/* ---- sessions ---- */

struct bf_session_tokens {
    char access[BF_TOKEN_TEXT_MAX], refresh[BF_TOKEN_TEXT_MAX]; /* a browser's cookie is its access token, and there is no other */
    int64_t access_until_ms;
    struct bf_uuid session;
};

struct bf_session_new {
    const struct bf_doc *user;
    struct bf_uuid device; /* zero: none */
    int platform;          /* BF_PLATFORM_IS_...; with a device */
    struct bf_str device_name, peer;
    const struct bf_object *policy;
    bool must_change;
    bool browser; /* one token for a cookie, instead of a pair; the platform is web */
};

/* Makes a session, ending an earlier one of the same device and, over the policy's number of devices, the one unused the longest (G-10); one that names
 * no device is a device of its own. Durable. Blocks. */
enum bf_status bf__session_create(struct bf_access *access, const struct bf_session_new *new, struct bf_arena *arena, struct bf_session_tokens *ret,
                                  struct bf_error *e);
/* The rotation of docs/SECURITY.md. BF_E_UNAUTHENTICATED when the token is not good; a theft has ended the family. */
enum bf_status bf__session_refresh(struct bf_access *access, struct bf_str refresh_token, struct bf_arena *arena, struct bf_session_tokens *ret,
                                   struct bf_doc **ret_session, struct bf_doc **ret_user, struct bf_error *e);
/* A session that a cookie holds: it has no family of refresh tokens. */
bool bf__session_is_browsers(const struct bf_doc *session);
/* When a use of a browser's session is to be noted next: each minute, or each tenth of the time that it may rest where this is less. So it ends that
 * much early at most, and costs a write a minute. */
int64_t bf__session_use_due(const struct bf_doc *session);
/* Notes the use, by the policy of now. Who is too late, or cannot write, leaves the session as it is: it then ends a little earlier. */
void bf__session_note_use(struct bf_access *access, struct bf_doc *session, struct bf_arena *arena);
/* Was it left unused too long, or has it reached its end (G-10)? */
bool bf__session_is_over(const struct bf_doc *session, int64_t now_ms);
/* The session need not change its password any more; that it ended meanwhile is no fault. */
enum bf_status bf__session_password_changed(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid session, struct bf_arena *arena,
                                            struct bf_error *e);
enum bf_status bf__session_end(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid session, struct bf_error *e);
/* Ends all sessions of the user but `keep` (zero: all). One that cannot be ended leaves the others to be: the first error is returned. */
enum bf_status bf__session_end_all(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid keep, struct bf_error *e);
/* A page of the user's sessions. */
enum bf_status bf__session_list(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, unsigned limit, struct bf_str after,
                                struct bf_arena *arena, struct bf_page *ret, struct bf_error *e);
/* BF_OK when the user may have sessions now; the record as it is. */
enum bf_status bf__user_active(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_arena *arena, struct bf_doc **ret,
                               struct bf_error *e);

/* A first password that was not changed yet (G-24), or one that is too old (G-10). */
bool bf__password_must_change(const struct bf_object *policy, const struct bf_doc *credential, int64_t now_ms);

/* ---- the company's numbers ---- */
/* The tenant's policy with defaults filled in. */
enum bf_status bf__policy(struct bf_store *store, struct bf_uuid tenant, struct bf_arena *arena, struct bf_object **ret, struct bf_error *e);

/* ---- the view log ---- */
struct bf_view_log *bf__views_open(const struct bf_env *env, struct bf_store *store);
void bf__views_close(struct bf_view_log **views); /* writes what is pending */
/* Fails, with what the store said, only when it refuses what was noted before and no more can be kept. */
enum bf_status bf__views_note(struct bf_view_log *views, const struct bf_caller *caller, const char *trace, const char *entity,
                              const char *action, const struct bf_uuid *ids, unsigned n, int64_t at_ms, struct bf_error *e);
enum bf_status bf__views_write(struct bf_view_log *views, const struct bf_caller *caller, const char *trace, const char *entity,
                               const char *action, struct bf_uuid id, int64_t at_ms, struct bf_error *e);

/* ---- administration (commands of `baifang admin`) ---- */
enum { BF__ADMIN_COMMANDS = 12 };
extern const struct bf_admin_command bf__admin_commands[BF__ADMIN_COMMANDS];

/* ---- browsers (browser.c) ---- */
/* The token in our cookie; p == NULL when there is none, or when there are two, of which one is not ours. */
struct bf_str bf__cookie(const struct bf_request *req);
/* BF_E_CROSS_ORIGIN when a browser says that the request comes from elsewhere. */
enum bf_status bf__check_origin(const struct bf_request *req, struct bf_error *e);
/* The same, and BF_E_CSRF_TOKEN when a request that may change something does not show the cookie's own token. */
enum bf_status bf__check_page(const struct bf_request *req, struct bf_str cookie, struct bf_error *e);
/* Ends the session that the cookie held so far: another one takes its place. */
void bf__browser_leave(struct bf_call *call);
/* Answers a sign-in with the cookie. */
void bf__answer_browser(struct bf_call *call, const struct bf_session_tokens *tokens, const struct bf_doc *user, bool must_change);
extern const struct bf_endpoint bf__web_session, bf__web_sign_out;

/* ---- routes ---- */
enum { BF__ACCESS_ROUTES = 10 };
extern const struct bf_route bf__access_routes[BF__ACCESS_ROUTES];
