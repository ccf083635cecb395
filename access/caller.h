/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asking, and what they may do. Scope reaches the query: a list is selected by the owners or teams the caller may see, never filtered
 * after it was read. The rules themselves are crm/permission.h's table; this is where they meet a person and a record.
 */
#pragma once
#include "access/collections.h"
#include "core/error.h"
#include "crm/permission.h"

struct bf_view;

/* Teams below a supervisor's at most: what one list can select by. */
enum { BF_CALLER_TEAMS_MAX = BF_IN_MAX };

struct bf_caller {
    struct bf_uuid tenant, user, session, device; /* device: zero when the session was not bound to one */
    enum bf_role_word role;
    int64_t epoch; /* of the user's rights, as the session was checked against */
    struct bf_uuid team;
    const struct bf_uuid *teams; /* a supervisor's: own team and those below it; else n = 0 */
    unsigned n_teams;
    struct bf_str tz; /* the user's own zone; empty: the company's */
    bool must_change_password;
    bool browser; /* of a session that a cookie holds */
};

/* May the caller do `action` to records of the kind at all? BF_E_FORBIDDEN when to none. */
enum bf_status bf_authorize_kind(const struct bf_caller *caller, enum bf_subject subject, enum bf_action action, struct bf_error *e);
/* To this record? Owner and team are read by the collection's rows. A record outside the scope is BF_E_NOT_FOUND where the caller may not even read
 * it, else BF_E_FORBIDDEN. `doc` NULL or a tombstone: BF_E_NOT_FOUND. */
enum bf_status bf_authorize(const struct bf_caller *caller, enum bf_subject subject, enum bf_action action, const struct bf_collection *coll,
                            const struct bf_doc *doc, struct bf_error *e);
/* The same for an owner and a team known by other means (log headers). */
bool bf_in_scope(const struct bf_caller *caller, enum bf_scope scope, struct bf_uuid owner, struct bf_uuid team);
/* Which field classes of such records the caller is shown: a BF_SHOW mask. */
unsigned bf_shown(const struct bf_caller *caller, enum bf_subject subject);

/* The scope of a list as a condition and the index that serves it. */
struct bf_scope_query {
    struct bf_cond cond;
    unsigned n_conds; /* 0: all of the tenant */
    const struct bf_index *index;
};
/* `own`, `team`, `all`: the collection's indexes led by owner, by team and by order alone. Who sees a team's and has none gets one's own. BF_E_FORBIDDEN when the caller may list none. */
enum bf_status bf_scope_query(const struct bf_caller *caller, enum bf_subject subject, const struct bf_collection *coll, const struct bf_index *own,
                              const struct bf_index *team, const struct bf_index *all, struct bf_arena *arena, struct bf_scope_query *ret,
                              struct bf_error *e);

/* In a decision, first of all: the caller's user record as it is now must still be active and of the same epoch. The read set holds it. */
enum bf_status bf_decide_caller(const struct bf_view *view, const struct bf_caller *caller, struct bf_error *e);
/* The same outside a decision, by the user's record (NULL: there is none) as it was just read: for work that has long left the request's beginning. */
enum bf_status bf_check_caller(const struct bf_doc *user, const struct bf_caller *caller, struct bf_error *e);
