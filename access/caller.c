/* SPDX-License-Identifier: Apache-2.0 */
#include "access/caller.h"
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "storage/commit.h"
#include <assert.h>

/* ---- from a token to a person ---- */

enum { SHARED_MS = 1000 }; /* that what was found of a session is believed where other processes may end it */

/* Until when the token with this hash is good; 0 when it is none of the session's. */
static int64_t good_until(const struct bf_doc *session, const uint8_t hash[32])
{
    static const unsigned rows[2][2] = {{BF_SESSION_ACCESS, BF_SESSION_ACCESS_UNTIL}, {BF_SESSION_ACCESS_BEFORE, BF_SESSION_ACCESS_BEFORE_UNTIL}};
    for (int i = 0; i < 2; i++)
        if (bf_has(&session->object, rows[i][0]) && bf_equal_ct(bf_get_sha256(&session->object, rows[i][0]), hash, 32))
            return bf_get_int(&session->object, rows[i][1]);
    return 0;
}

/* A supervisor sees the own team and those below it: their paths hold the own team's id. */
static enum bf_status load_teams(struct bf_access *access, struct bf_caller *caller, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_value team = {.type = BF_T_UUID, .uuid = caller->team};
    struct bf_cond cond = {.row = BF_TEAM_PATH, .op = BF_EQ, .values = &team, .n = 1};
    struct bf_query query = {.coll = &bf_teams, .tenant = caller->tenant, .conds = &cond, .n_conds = 1, .index = &bf_teams_by_path, .limit = BF_PAGE_MAX};
    struct bf_uuid *teams = NULL;
    unsigned n = 0;
    do {
        struct bf_page page;
        enum bf_status status = bf_store_find(access->store, &query, arena, &page, e);
        if (status == BF_OK && n + page.n > BF_CALLER_TEAMS_MAX)
            status = bf_fail(e, BF_E_INTERNAL, "more than %d teams are below the caller's", BF_CALLER_TEAMS_MAX);
        if (status != BF_OK)
            return status;
        struct bf_uuid *longer = bf_arena_calloc(arena, n + page.n + 1, sizeof *longer);
        if (n > 0)
            memcpy(longer, teams, n * sizeof *teams);
        for (unsigned i = 0; i < page.n; i++)
            longer[n++] = page.docs[i]->id;
        teams = longer;
        query.after = page.next;
    } while (query.after.n > 0);
    caller->teams = teams;
    caller->n_teams = n;
    return BF_OK;
}

static enum bf_status fill(struct bf_access *access, const struct bf_doc *session, const struct bf_doc *user, struct bf_arena *arena,
                           struct bf_caller *ret, struct bf_error *e)
{
    const struct bf_object *o = &user->object;
    *ret = (struct bf_caller){.tenant = user->tenant,
                              .user = user->id,
                              .session = session->id,
                              .device = bf_get_uuid(&session->object, BF_SESSION_DEVICE),
                              .role = (enum bf_role_word)bf_get_enum(o, BF_USER_ROLE),
                              .epoch = bf_get_int(o, BF_USER_EPOCH),
                              .team = bf_get_uuid(o, BF_USER_TEAM),
                              .tz = bf_get_str(o, BF_USER_TZ),
                              .must_change_password = bf_get_bool(&session->object, BF_SESSION_MUST_CHANGE),
                              .browser = bf__session_is_browsers(session)};
    if (ret->role == BF_ROLE_IS_SUPERVISOR && !bf_uuid_is_zero(&ret->team))
        return load_teams(access, ret, arena, e);
    return BF_OK;
}

/* The user as he is now, of the session's epoch: a freeze or a change of rights ends what was issued before it. */
static enum bf_status check_user(struct bf_access *access, const struct bf_doc *session, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = bf__user_active(access, session->tenant, bf_get_uuid(&session->object, BF_SESSION_USER), arena, ret, e);
    if (status == BF_OK && bf_get_int(&(*ret)->object, BF_USER_EPOCH) != bf_get_int(&session->object, BF_SESSION_EPOCH))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the account's rights changed: sign in again");
    return status;
}

static enum bf_status judge_token(const struct bf_doc *session, const uint8_t hash[32], bool by_cookie, int64_t now_ms, struct bf_error *e)
{
    int64_t until_ms = session == NULL || bf__session_is_browsers(session) != by_cookie ? 0 : good_until(session, hash);
    if (until_ms == 0)
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the access token is not good");
    if (now_ms < until_ms)
        return BF_OK;
    return by_cookie ? bf_fail(e, BF_E_UNAUTHENTICATED, "the session was unused for too long")
                     : bf_fail(e, BF_E_TOKEN_EXPIRED, "the access token has expired: refresh it");
}

/* Until when what was found needs no other look: a browser's session is looked at again when its use is to be noted, and where other processes end sessions,
 * too, each after a second: they tell (bf_store_nudge), but for one that dies at that moment. */
static int64_t true_until(const struct bf_access *access, const struct bf_doc *session, const uint8_t hash[32], int64_t now_ms)
{
    int64_t until_ms = good_until(session, hash), due_ms = bf__session_is_browsers(session) ? bf__session_use_due(session) : until_ms;
    if (bf_store_is_shared(access->store) && due_ms > now_ms + SHARED_MS)
        due_ms = now_ms + SHARED_MS;
    return due_ms < until_ms ? due_ms : until_ms;
}

/* Reads the session and the user, and remembers what it found. */
static enum bf_status look_up(struct bf_access *access, const struct bf_token *token, const uint8_t hash[32], enum bf_shown_by by, int64_t now_ms,
                              struct bf_arena *arena, struct bf_caller *ret, struct bf_error *e)
{
    struct bf_doc *session, *user;
    struct bf_cache_mark mark = bf_caller_cache_mark(access->callers);
    enum bf_status status = bf_store_get(access->store, &bf_sessions, token->tenant, token->session, arena, &session, e);
    if (status != BF_OK)
        return status;
    status = judge_token(session, hash, by != BF_BY_BEARER, now_ms, e);
    if (status == BF_OK)
        status = check_user(access, session, arena, &user, e);
    if (status == BF_OK && by == BF_BY_COOKIE && now_ms >= bf__session_use_due(session))
        bf__session_note_use(access, session, arena);
    if (status == BF_OK)
        status = fill(access, session, user, arena, ret, e);
    if (status == BF_OK)
        bf_caller_cache_keep(access->callers, &mark, hash, true_until(access, session, hash, now_ms), ret);
    return status;
}

enum bf_status bf_access_authenticate(struct bf_access *access, struct bf_str text, enum bf_shown_by by, struct bf_arena *arena, struct bf_caller *ret,
                                      struct bf_error *e)
{
    struct bf_token token;
    uint8_t hash[32];
    int64_t now_ms = bf_now_ms(access->env);
    if (!bf_token_read_access(text, &token))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the access token is not good");
    bf_token_hash(&token, hash);
    if (bf_caller_cache_find(access->callers, hash, now_ms, arena, ret) && bf_uuid_eq(&ret->tenant, &token.tenant) &&
        bf_uuid_eq(&ret->session, &token.session) && ret->browser == (by != BF_BY_BEARER))
        return BF_OK;
    return look_up(access, &token, hash, by, now_ms, arena, ret, e);
}

enum bf_status bf_access_recheck(struct bf_access *access, struct bf_caller *caller, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *session, *user;
    enum bf_status status = bf_store_get(access->store, &bf_sessions, caller->tenant, caller->session, arena, &session, e);
    if (status != BF_OK)
        return status;
    if (session == NULL || bf__session_is_over(session, bf_now_ms(access->env)))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the session has ended");
    status = check_user(access, session, arena, &user, e);
    return status == BF_OK ? fill(access, session, user, arena, caller, e) : status;
}

/* ---- rights ---- */

bool bf_in_scope(const struct bf_caller *caller, enum bf_scope scope, struct bf_uuid owner, struct bf_uuid team)
{
    switch (scope) {
    case BF_SCOPE_ALL:
        return true;
    case BF_SCOPE_TEAM:
        for (unsigned i = 0; i < caller->n_teams; i++)
            if (bf_uuid_eq(&caller->teams[i], &team))
                return true;
        __attribute__((fallthrough)); /* what is the caller's own is in the team's view too */
    case BF_SCOPE_OWN:
        return bf_uuid_eq(&owner, &caller->user);
    case BF_SCOPE_NONE:
        break;
    }
    return false;
}

enum bf_status bf_authorize_kind(const struct bf_caller *caller, enum bf_subject subject, enum bf_action action, struct bf_error *e)
{
    if (bf_permission_of(caller->role, subject, action).scope == BF_SCOPE_NONE)
        return bf_fail(e, BF_E_FORBIDDEN, "the role does not allow this");
    return BF_OK;
}

static struct bf_uuid row_uuid(const struct bf_doc *doc, int row)
{
    struct bf_uuid none = {{0}};
    return row == BF_ROW_ID ? doc->id : row == BF_ROW_NONE ? none : bf_get_uuid(&doc->object, (unsigned)row);
}

enum bf_status bf_authorize(const struct bf_caller *caller, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll,
                            const struct bf_doc *doc, struct bf_error *e)
{
    if (doc == NULL || doc->tombstone)
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    assert(bf_uuid_eq(&doc->tenant, &caller->tenant));
    struct bf_uuid owner = row_uuid(doc, coll->owner), team = row_uuid(doc, coll->team);
    if (bf_in_scope(caller, bf_permission_of(caller->role, subject, action).scope, owner, team))
        return BF_OK;
    if (action != BF_ACTION_READ && bf_in_scope(caller, bf_permission_of(caller->role, subject, BF_ACTION_READ).scope, owner, team))
        return bf_fail(e, BF_E_FORBIDDEN, "the record may be read, but not this");
    return bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
}

unsigned bf_shown(const struct bf_caller *caller, enum bf_subject subject) { return bf_permission_of(caller->role, subject, BF_ACTION_READ).show; }

enum bf_status bf_scope_query(const struct bf_caller *caller, enum bf_subject subject, const struct bf_collection *coll, const struct bf_index *own,
                              const struct bf_index *team, const struct bf_index *all, struct bf_arena *arena, struct bf_scope_query *ret,
                              struct bf_error *e)
{
    enum bf_scope scope = bf_permission_of(caller->role, subject, BF_ACTION_LIST).scope;
    *ret = (struct bf_scope_query){.index = all};
    if (scope == BF_SCOPE_NONE)
        return bf_fail(e, BF_E_FORBIDDEN, "the role does not allow this list");
    if (scope == BF_SCOPE_ALL)
        return BF_OK;
    if (caller->n_teams == 0) /* the view of no team is one's own */
        scope = BF_SCOPE_OWN;
    unsigned n = scope == BF_SCOPE_TEAM ? caller->n_teams : 1;
    struct bf_value *values = bf_arena_calloc(arena, n + 1, sizeof *values);
    for (unsigned i = 0; i < n; i++)
        values[i] = (struct bf_value){.type = BF_T_UUID, .uuid = scope == BF_SCOPE_TEAM ? caller->teams[i] : caller->user};
    ret->cond = (struct bf_cond){.row = scope == BF_SCOPE_TEAM ? coll->team : coll->owner, .op = BF_IN, .values = values, .n = n};
    ret->n_conds = 1;
    ret->index = scope == BF_SCOPE_TEAM ? team : own;
    return BF_OK;
}

enum bf_status bf_check_caller(const struct bf_doc *user, const struct bf_caller *caller, struct bf_error *e)
{
    if (user == NULL || user->tombstone || bf_get_enum(&user->object, BF_USER_STATUS) != BF_USER_STATUS_IS_ACTIVE ||
        bf_get_int(&user->object, BF_USER_EPOCH) != caller->epoch)
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the account's rights changed: sign in again");
    return BF_OK;
}

enum bf_status bf_decide_caller(const struct bf_view *view, const struct bf_caller *caller, struct bf_error *e)
{
    return bf_check_caller(bf_view_get(view, &bf_users, caller->user), caller, e);
}
