/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and the rotation of refresh tokens.
 *
 *      sign-in ---> (R1, -) --R1--> (R2, R1) --R2--> (R3, R2) --> ...
 *                                     |  ^
 *                                     +R1+  the answer with R2 was lost: R2 is revoked, R3 issued, R1 stays the predecessor
 *
 * The pair is (current, predecessor). The predecessor stays good until the current one is used for the first time; showing it again
 * revokes the unused current one. Any other token of the family ends the session (RFC 9700 section 4.14.2). The change is one
 * guarded write: of two refreshes at the same time one wins, and the other is judged on what the winner left.
 *
 * A browser's session has no such pair but one token, in a cookie that no script can read: it is good until the session was unused for too long.
 */
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"
#include "crm/account.h"

enum { RACE_TRIES = 8, MINUTE_MS = 60000 };

static void new_secret(struct bf_access *access, uint8_t secret[32]) { bf_random(access->env, secret, 32); }

static void set_hash(struct bf_object *o, unsigned row, const struct bf_token *token)
{
    uint8_t hash[32];
    bf_token_hash(token, hash);
    bf_set_sha256(o, row, hash);
}

static bool holds(const struct bf_object *o, unsigned row, const struct bf_token *token)
{
    uint8_t hash[32];
    bf_token_hash(token, hash);
    return bf_has(o, row) && bf_equal_ct(bf_get_sha256(o, row), hash, sizeof hash);
}

/* Until when an access token is good that is issued now: the session, which only a refresh keeps awake, must not serve beyond its rest, and who
 * refreshes when the token ends must not come too late. */
static int64_t access_until(const struct bf_access *access, const struct bf_object *session, int64_t now_ms)
{
    int64_t idle_ms = bf_get_int(session, BF_SESSION_IDLE_ENDS_AT) - now_ms;
    return now_ms + (access->access_ms < idle_ms / 2 ? access->access_ms : idle_ms / 2);
}

/* Gives the session, which was marked as used, a fresh access token; the one before stays good until its own end. */
static void issue_access(struct bf_access *access, struct bf_doc *session, struct bf_session_tokens *ret)
{
    struct bf_object *o = &session->object;
    struct bf_token token = {.tenant = session->tenant, .session = session->id};
    if (bf_has(o, BF_SESSION_ACCESS)) {
        bf_set_sha256(o, BF_SESSION_ACCESS_BEFORE, bf_get_sha256(o, BF_SESSION_ACCESS));
        bf_set_int(o, BF_SESSION_ACCESS_BEFORE_UNTIL, bf_get_int(o, BF_SESSION_ACCESS_UNTIL));
    }
    new_secret(access, token.secret);
    ret->session = session->id;
    ret->access_until_ms = access_until(access, o, bf_now_ms(access->env));
    set_hash(o, BF_SESSION_ACCESS, &token);
    bf_set_int(o, BF_SESSION_ACCESS_UNTIL, ret->access_until_ms);
    bf_token_write_access(&token, ret->access);
}

static void issue_refresh(struct bf_access *access, struct bf_doc *session, const uint8_t family[16], struct bf_session_tokens *ret)
{
    struct bf_token token = {.tenant = session->tenant, .session = session->id};
    memcpy(token.family, family, sizeof token.family);
    new_secret(access, token.secret);
    set_hash(&session->object, BF_SESSION_REFRESH, &token);
    bf_token_write_refresh(&token, ret->refresh);
}

/* The first pair of a family. */
static void issue_pair(struct bf_access *access, struct bf_doc *session, struct bf_session_tokens *ret)
{
    struct bf_token token;
    uint8_t hash[32];
    bf_random(access->env, token.family, sizeof token.family);
    bf_token_family_hash(&token, hash);
    bf_set_sha256(&session->object, BF_SESSION_FAMILY, hash);
    issue_access(access, session, ret);
    issue_refresh(access, session, token.family, ret);
}

/* A browser's one token: good as long as its session, which its use keeps awake. */
static int64_t cookie_until(const struct bf_object *o)
{
    int64_t idle_ms = bf_get_int(o, BF_SESSION_IDLE_ENDS_AT), end_ms = bf_get_int(o, BF_SESSION_ENDS_AT);
    return idle_ms < end_ms ? idle_ms : end_ms;
}

static void issue_cookie(struct bf_access *access, struct bf_doc *session, struct bf_session_tokens *ret)
{
    struct bf_token token = {.tenant = session->tenant, .session = session->id};
    new_secret(access, token.secret);
    set_hash(&session->object, BF_SESSION_ACCESS, &token);
    bf_set_int(&session->object, BF_SESSION_ACCESS_UNTIL, cookie_until(&session->object));
    bf_token_write_access(&token, ret->access);
    ret->session = session->id;
}

static enum bf_status remove_session(struct bf_access *access, const struct bf_doc *session, struct bf_error *e)
{
    enum bf_status status = bf_store_write(access->store, &(struct bf_write){.kind = BF_W_DELETE, .coll = &bf_sessions, .doc = session}, 1, NULL, e);
    bf_store_nudge(access->store, session->tenant);
    return status;
}

static struct bf_doc **find_oldest(struct bf_page *page)
{
    struct bf_doc **oldest = NULL;
    for (unsigned i = 0; i < page->n; i++)
        if (page->docs[i] != NULL && (oldest == NULL || bf_get_int(&page->docs[i]->object, BF_SESSION_USED_AT) < bf_get_int(&(*oldest)->object, BF_SESSION_USED_AT)))
            oldest = &page->docs[i];
    return oldest;
}

/* The new session takes the place of that of the same device, and of browsers' that rest for good: those serve nobody any more, and nobody comes back to
 * them, while a phone that rests may still be told things. */
static bool is_replaced(struct bf_access *access, const struct bf_doc *session, struct bf_uuid device, struct bf_uuid by)
{
    if (bf__session_is_browsers(session))
        return bf__session_is_over(session, bf_now_ms(access->env));
    return !bf_uuid_is_zero(&device) && bf_uuid_eq(&device, &by);
}

/* Ends what the new session replaces, and makes room for it. */
static enum bf_status make_room(struct bf_access *access, const struct bf_session_new *new, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_page page;
    unsigned others = 0, others_max = (unsigned)bf_get_int(new->policy, BF_POLICY_DEVICES_MAX) - 1;
    enum bf_status status = bf__session_list(access, new->user->tenant, new->user->id, BF_PAGE_MAX, bf_str(NULL, 0), arena, &page, e);
    for (unsigned i = 0; status == BF_OK && i < page.n; i++) {
        struct bf_uuid device = bf_get_uuid(&page.docs[i]->object, BF_SESSION_DEVICE);
        others++;
        if (!is_replaced(access, page.docs[i], device, new->device))
            continue;
        status = remove_session(access, page.docs[i], e);
        page.docs[i] = NULL;
        others--;
    }
    for (; status == BF_OK && others > others_max; others--) {
        struct bf_doc **oldest = find_oldest(&page);
        status = remove_session(access, *oldest, e);
        *oldest = NULL;
    }
    return status;
}

/* It is used now, and the policy of now says how long it may rest. */
static void mark_used(struct bf_object *session, const struct bf_object *policy, int64_t now_ms)
{
    int platform = bf_has(session, BF_SESSION_PLATFORM) ? bf_get_enum(session, BF_SESSION_PLATFORM) : -1;
    bf_set_int(session, BF_SESSION_USED_AT, now_ms);
    bf_set_int(session, BF_SESSION_IDLE_ENDS_AT, now_ms + bf_session_idle_ms(policy, platform));
}

enum bf_status bf__session_create(struct bf_access *access, const struct bf_session_new *new, struct bf_arena *arena, struct bf_session_tokens *ret,
                                  struct bf_error *e)
{
    int64_t now_ms = bf_now_ms(access->env);
    struct bf_doc *session = bf_doc_create(arena, &bf_session_schema, new->user->tenant, bf_uuid_v7(access->env));
    struct bf_object *o = &session->object;
    enum bf_status status = make_room(access, new, arena, e);
    if (status != BF_OK)
        return status;
    bf_set_uuid(o, BF_SESSION_USER, new->user->id);
    if (!bf_uuid_is_zero(&new->device)) {
        bf_set_uuid(o, BF_SESSION_DEVICE, new->device);
        bf_set_enum(o, BF_SESSION_PLATFORM, new->platform);
    }
    if (new->browser)
        bf_set_enum(o, BF_SESSION_PLATFORM, BF_PLATFORM_IS_WEB);
    bf_set_str(o, BF_SESSION_DEVICE_NAME, new->device_name);
    bf_set_str(o, BF_SESSION_PEER, new->peer);
    bf_set_int(o, BF_SESSION_EPOCH, bf_get_int(&new->user->object, BF_USER_EPOCH));
    bf_set_bool(o, BF_SESSION_MUST_CHANGE, new->must_change);
    bf_set_int(o, BF_SESSION_CREATED_AT, now_ms);
    mark_used(o, new->policy, now_ms);
    bf_set_int(o, BF_SESSION_ENDS_AT, now_ms + access->session_ms);
    if (new->browser)
        issue_cookie(access, session, ret);
    else
        issue_pair(access, session, ret);
    return bf_store_write(access->store, &(struct bf_write){.kind = BF_W_INSERT, .coll = &bf_sessions, .doc = session}, 1, NULL, e);
}

static bool is_active(const struct bf_doc *user)
{
    return user != NULL && !user->tombstone && bf_get_enum(&user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE;
}

enum bf_status bf__user_active(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_arena *arena, struct bf_doc **ret,
                               struct bf_error *e)
{
    enum bf_status status = bf_store_get(access->store, &bf_users, tenant, user, arena, ret, e);
    if (status != BF_OK)
        return status;
    if (!is_active(*ret))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the account is not active");
    return BF_OK;
}

bool bf__password_must_change(const struct bf_object *policy, const struct bf_doc *credential, int64_t now_ms)
{
    const struct bf_object *o = &credential->object;
    return bf_get_bool(o, BF_CREDENTIAL_MUST_CHANGE) ||
           (!bf_get_bool(o, BF_CREDENTIAL_EXEMPT) && bf_password_is_due(policy, bf_get_int(o, BF_CREDENTIAL_CHANGED_AT), now_ms));
}

/* What the policy of now makes of the session: how long it may rest, and whether its password is still good. */
static enum bf_status renew(struct bf_access *access, struct bf_doc *session, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_object *policy;
    struct bf_doc *credential;
    int64_t now_ms = bf_now_ms(access->env);
    struct bf_uuid user = bf_get_uuid(&session->object, BF_SESSION_USER);
    enum bf_status status = bf__policy(access->store, session->tenant, arena, &policy, e);
    if (status == BF_OK)
        status = bf_store_get(access->store, &bf_credentials, session->tenant, user, arena, &credential, e);
    if (status != BF_OK)
        return status;
    mark_used(&session->object, policy, now_ms);
    bf_set_bool(&session->object, BF_SESSION_MUST_CHANGE, credential != NULL && bf__password_must_change(policy, credential, now_ms));
    return BF_OK;
}

/* One try of the rotation on the session as it is. BF_E_STALE: somebody else wrote it meanwhile. */
static enum bf_status rotate(struct bf_access *access, struct bf_doc *session, const struct bf_token *token, struct bf_arena *arena,
                             struct bf_session_tokens *ret, struct bf_error *e)
{
    struct bf_object *o = &session->object;
    bool is_current = holds(o, BF_SESSION_REFRESH, token);
    if (!is_current && !holds(o, BF_SESSION_REFRESH_BEFORE, token)) {
        remove_session(access, session, e);
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the refresh token was used before; the session has ended");
    }
    /* What is shown now becomes, or stays, the predecessor; the current one is new. */
    set_hash(o, BF_SESSION_REFRESH_BEFORE, token);
    issue_refresh(access, session, token->family, ret);
    enum bf_status status = renew(access, session, arena, e);
    if (status != BF_OK)
        return status;
    issue_access(access, session, ret);
    return bf_store_write(access->store, &(struct bf_write){.kind = BF_W_REPLACE, .coll = &bf_sessions, .doc = session, .rev = session->rev}, 1,
                          NULL, e);
}

bool bf__session_is_over(const struct bf_doc *session, int64_t now_ms)
{
    const struct bf_object *o = &session->object;
    return now_ms >= bf_get_int(o, BF_SESSION_ENDS_AT) || (bf_has(o, BF_SESSION_IDLE_ENDS_AT) && now_ms >= bf_get_int(o, BF_SESSION_IDLE_ENDS_AT));
}

bool bf__session_is_browsers(const struct bf_doc *session) { return !bf_has(&session->object, BF_SESSION_FAMILY); }

int64_t bf__session_use_due(const struct bf_doc *session)
{
    int64_t used_ms = bf_get_int(&session->object, BF_SESSION_USED_AT), rest_ms = bf_get_int(&session->object, BF_SESSION_IDLE_ENDS_AT) - used_ms;
    return used_ms + (rest_ms / 10 < MINUTE_MS ? rest_ms / 10 : MINUTE_MS);
}

void bf__session_note_use(struct bf_access *access, struct bf_doc *session, struct bf_arena *arena)
{
    struct bf_error why = {0};
    if (renew(access, session, arena, &why) != BF_OK)
        return;
    bf_set_int(&session->object, BF_SESSION_ACCESS_UNTIL, cookie_until(&session->object));
    bf_store_write(access->store, &(struct bf_write){.kind = BF_W_REPLACE, .coll = &bf_sessions, .doc = session, .rev = session->rev}, 1, NULL, &why);
}

static enum bf_status session_usable(struct bf_access *access, const struct bf_doc *session, const struct bf_token *token, struct bf_error *e)
{
    uint8_t family[32];
    bf_token_family_hash(token, family);
    if (session == NULL || bf__session_is_browsers(session) || !bf_equal_ct(bf_get_sha256(&session->object, BF_SESSION_FAMILY), family, sizeof family))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the refresh token is not good");
    /* It stays, until the next sign-in on its device or until somebody ends it: its phone may still be told things. */
    if (bf__session_is_over(session, bf_now_ms(access->env)))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the session was unused for too long");
    return BF_OK;
}

enum bf_status bf__session_refresh(struct bf_access *access, struct bf_str text, struct bf_arena *arena, struct bf_session_tokens *ret,
                                   struct bf_doc **ret_session, struct bf_doc **ret_user, struct bf_error *e)
{
    struct bf_token token;
    if (!bf_token_read_refresh(text, &token))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "the refresh token is not good");
    for (int i = 0; i < RACE_TRIES; i++) {
        struct bf_doc *session;
        enum bf_status status = bf_store_get(access->store, &bf_sessions, token.tenant, token.session, arena, &session, e);
        if (status == BF_OK)
            status = session_usable(access, session, &token, e);
        if (status == BF_OK)
            status = bf__user_active(access, token.tenant, bf_get_uuid(&session->object, BF_SESSION_USER), arena, ret_user, e);
        if (status != BF_OK)
            return status;
        if (bf_get_int(&session->object, BF_SESSION_EPOCH) != bf_get_int(&(*ret_user)->object, BF_USER_EPOCH))
            return bf_fail(e, BF_E_UNAUTHENTICATED, "the account's rights changed: sign in again");
        status = rotate(access, session, &token, arena, ret, e);
        *ret_session = session;
        if (status != BF_E_STALE && status != BF_E_NOT_FOUND)
            return status;
    }
    return bf_fail(e, BF_E_UNAVAILABLE, "the session is being refreshed by too many at once");
}

enum bf_status bf__session_password_changed(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid id, struct bf_arena *arena,
                                            struct bf_error *e)
{
    for (int i = 0; i < RACE_TRIES; i++) {
        struct bf_doc *session;
        struct bf_error why = {0};
        enum bf_status status = bf_store_get(access->store, &bf_sessions, tenant, id, arena, &session, e);
        if (status != BF_OK || session == NULL)
            return status;
        bf_set_bool(&session->object, BF_SESSION_MUST_CHANGE, false);
        struct bf_write write = {.kind = BF_W_REPLACE, .coll = &bf_sessions, .doc = session, .rev = session->rev};
        status = bf_store_write(access->store, &write, 1, NULL, &why);
        if (status == BF_OK || status == BF_E_NOT_FOUND)
            return BF_OK;
        if (status != BF_E_STALE) {
            *e = why;
            return status;
        }
    }
    return bf_fail(e, BF_E_UNAVAILABLE, "the session is being refreshed by too many at once");
}

enum bf_status bf__session_end(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid session, struct bf_error *e)
{
    struct bf_object none = {.schema = &bf_session_schema};
    struct bf_doc doc = {.object = none, .tenant = tenant, .id = session};
    return remove_session(access, &doc, e);
}

enum bf_status bf__session_list(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, unsigned limit, struct bf_str after,
                                struct bf_arena *arena, struct bf_page *ret, struct bf_error *e)
{
    struct bf_value *who = bf_arena_calloc(arena, 1, sizeof *who);
    struct bf_cond *cond = bf_arena_calloc(arena, 1, sizeof *cond);
    *who = (struct bf_value){.type = BF_T_UUID, .uuid = user};
    *cond = (struct bf_cond){.row = BF_SESSION_USER, .op = BF_EQ, .values = who, .n = 1};
    struct bf_query query = {.coll = &bf_sessions, .tenant = tenant, .conds = cond, .n_conds = 1, .index = &bf_sessions_by_user, .after = after,
                             .limit = limit};
    return bf_store_find(access->store, &query, arena, ret, e);
}

static bool may_be_told(const struct bf_access *access, const struct bf_object *session)
{
    return bf_has(session, BF_SESSION_DEVICE) && bf_now_ms(access->env) < bf_get_int(session, BF_SESSION_USED_AT) + access->session_ms;
}

enum bf_status bf_access_installations(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_arena *arena,
                                       struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_page page = {.n = 0};
    unsigned n = 0;
    enum bf_status status = bf_store_get(access->store, &bf_users, tenant, user, arena, &doc, e);
    if (status == BF_OK && is_active(doc))
        status = bf__session_list(access, tenant, user, BF_PAGE_MAX, bf_str(NULL, 0), arena, &page, e);
    if (status != BF_OK)
        return status;
    struct bf_uuid *ids = bf_arena_calloc(arena, page.n + 1, sizeof *ids);
    for (unsigned i = 0; i < page.n; i++)
        if (may_be_told(access, &page.docs[i]->object))
            ids[n++] = bf_get_uuid(&page.docs[i]->object, BF_SESSION_DEVICE);
    *ret = ids;
    *ret_n = n;
    return BF_OK;
}

enum bf_status bf__session_end_all(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid keep, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_page page = {.n = 0};
    struct bf_error first = {0};
    enum bf_status status;
    do {
        struct bf_error why = {0};
        status = bf__session_list(access, tenant, user, BF_PAGE_MAX, page.next, arena, &page, &why);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++) {
            if (bf_uuid_eq(&page.docs[i]->id, &keep))
                continue;
            if (remove_session(access, page.docs[i], &why) != BF_OK && first.status == BF_OK)
                first = why;
        }
        if (status != BF_OK && first.status == BF_OK)
            first = why;
    } while (status == BF_OK && page.next.n > 0);
    bf_arena_destroy(&arena);
    if (first.status != BF_OK)
        *e = first;
    return first.status;
}
