/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The company's directory: tenants, teams, users, through the commit path. For `baifang admin`, for seeding a demo, and for tests. All calls
 * block. The actor is the box's administrator (a zero uuid) and `request` makes a repeated call harmless.
 */
#pragma once
#include "access/access.h"
#include "access/collections.h"

/* `code` is folded; BF_E_DUPLICATE when taken. */
enum bf_status bf_directory_add_tenant(struct bf_access *access, struct bf_str code, struct bf_str name, struct bf_str tz, struct bf_uuid *ret,
                                       struct bf_error *e);
enum bf_status bf_directory_tenant(struct bf_access *access, struct bf_str code, struct bf_uuid *ret, struct bf_error *e);
/* `parent` zero: a top team. BF_E_UNPROCESSABLE over BF_CALLER_TEAMS_MAX teams in the company. */
enum bf_status bf_directory_add_team(struct bf_access *access, struct bf_uuid tenant, struct bf_str name, struct bf_uuid parent, struct bf_uuid *ret,
                                     struct bf_error *e);

struct bf_directory_user {
    struct bf_str login, name, password;
    int role; /* BF_ROLE_IS_... */
    struct bf_uuid team;
    bool password_exempt; /* need not change the first password (G-24): only for a demo */
};
/* The password is checked against the policy unless exempt. BF_E_NOT_FOUND for a team that is not there, BF_E_UNPROCESSABLE for a supervisor
 * without one; so for bf_directory_assign. */
enum bf_status bf_directory_add_user(struct bf_access *access, struct bf_uuid tenant, const struct bf_directory_user *user, struct bf_uuid *ret,
                                     struct bf_error *e);
enum bf_status bf_directory_user(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, struct bf_arena *arena, struct bf_doc **ret,
                                 struct bf_error *e);
/* Gives a new first password, which must be changed; ends all sessions. */
enum bf_status bf_directory_set_password(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, struct bf_str password,
                                         struct bf_error *e);
/* Freezes (ACC-15) or unfreezes: acts on the next request and on open streams at once; ends all sessions. */
enum bf_status bf_directory_freeze(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, bool frozen, struct bf_error *e);
/* Changes the company's numbers by a JSON Merge Patch that states its reason (crm/policy.h). The next version judges what comes after it. */
enum bf_status bf_directory_change_policy(struct bf_access *access, struct bf_uuid tenant, struct bf_str patch, struct bf_error *e);
/* Changes role and team; the person signs in again. `role` -1: as it is; `team` NULL: as it is. */
enum bf_status bf_directory_assign(struct bf_access *access, struct bf_uuid tenant, struct bf_str login, int role, const struct bf_uuid *team,
                                   struct bf_error *e);
