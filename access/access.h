/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access: sign-in, tokens, sessions, scope, the view log. Used by every service. Its routes (/v1/sign_in, /v1/refresh, /v1/sessions ...) and
 * administrative commands (tenant, team, user, password, freeze, session) are in bf_access_service.
 */
#pragma once
#include "access/caller.h"
#include "core/service.h"

struct bf_access; /* begins with struct bf_api */

extern const struct bf_service bf_access_service;

/* How a token was shown: the one is not good as the other. A browser's session rests from its last BF_BY_COOKIE (G-10). */
enum bf_shown_by {
    BF_BY_BEARER,
    BF_BY_COOKIE,
    BF_BY_COOKIE_ASIDE, /* the same, but by what a page does on its own: no use of the session */
};
/* Who holds this token, as of now. Reads the session and the user's epoch with each call. BF_E_UNAUTHENTICATED, BF_E_TOKEN_EXPIRED. */
enum bf_status bf_access_authenticate(struct bf_access *access, struct bf_str token, enum bf_shown_by by, struct bf_arena *arena,
                                      struct bf_caller *ret, struct bf_error *e);
/* Is the session that `caller` was authenticated by still good? Then fills it anew, as the next request would find it, with its memory in `arena`.
 * For event streams, before each reading. Whoever ended a session, in whatever process, wakes those who watch the log (bf_store_nudge). */
enum bf_status bf_access_recheck(struct bf_access *access, struct bf_caller *caller, struct bf_arena *arena, struct bf_error *e);
/* The installations on which the person may be told something: those with a session that nobody ended. One that merely ran out counts while the
 * installation was heard of within `session_life`; so does one from before a change of role or team, which is good for nothing else any more. None
 * while the account is not active. */
enum bf_status bf_access_installations(struct bf_access *access, struct bf_uuid tenant, struct bf_uuid user, struct bf_arena *arena,
                                       struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e);
