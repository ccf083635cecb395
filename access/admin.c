/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `baifang admin` about companies, teams, users and sessions. */
#include "access/directory.h"
#include "access/internal.h"
#include "core/arena.h"
#include "core/env.h"

static void say_id(struct bf_buf *out, struct bf_uuid id)
{
    char text[BF_UUID_TEXT];
    bf_uuid_text(&id, text);
    bf_buf_printf(out, "%s\n", text);
}

#define COMMAND(name_)                                                                                                                   \
    static enum bf_status name_(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,       \
                                struct bf_buf *out, struct bf_error *e)
#define UNUSED_INPUT ((void)n_args, (void)input, (void)arena, (void)out)

COMMAND(tenant_add)
{
    struct bf_uuid id;
    UNUSED_INPUT;
    enum bf_status status = bf_directory_add_tenant(service, args[0], args[1], n_args > 2 ? args[2] : BF_STR("Asia/Shanghai"), &id, e);
    if (status == BF_OK)
        say_id(out, id);
    return status;
}

COMMAND(team_add)
{
    struct bf_uuid tenant, parent = {{0}}, id;
    UNUSED_INPUT;
    if (n_args > 2 && !bf_uuid_parse(args[2], &parent))
        return bf_fail(e, BF_E_INVALID_BODY, "PARENT is a team's id");
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_add_team(service, tenant, args[1], parent, &id, e);
    if (status == BF_OK)
        say_id(out, id);
    return status;
}

COMMAND(team_list)
{
    struct bf_access *access = service;
    struct bf_uuid tenant;
    struct bf_page page = {.n = 0};
    UNUSED_INPUT;
    enum bf_status status = bf_directory_tenant(access, args[0], &tenant, e);
    struct bf_query query = {.coll = &bf_teams, .tenant = tenant, .limit = BF_PAGE_MAX};
    while (status == BF_OK && (status = bf_store_find(access->store, &query, arena, &page, e)) == BF_OK) {
        for (unsigned i = 0; i < page.n; i++) {
            char id[BF_UUID_TEXT];
            struct bf_str name = bf_get_str(&page.docs[i]->object, BF_TEAM_NAME);
            bf_uuid_text(&page.docs[i]->id, id);
            bf_buf_printf(out, "%s  %.*s\n", id, BF_FMT(name));
        }
        if (page.next.n == 0 || out->overflowed)
            break;
        query.after = page.next;
    }
    return status;
}

COMMAND(user_add)
{
    struct bf_uuid tenant, id;
    struct bf_directory_user user = {.login = args[1], .name = args[2], .password = input, .role = bf_enum_find(&bf_enum_role, args[3])};
    UNUSED_INPUT;
    user.password_exempt = bf_str_eqz(args[n_args - 1], "--exempt");
    n_args -= user.password_exempt;
    if (user.role < 0)
        return bf_fail(e, BF_E_INVALID_BODY, "ROLE is one of rep, supervisor, manager, reviewer, service, admin, auditor");
    if (n_args > 4 && !bf_uuid_parse(args[4], &user.team))
        return bf_fail(e, BF_E_INVALID_BODY, "TEAM is a team's id");
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_add_user(service, tenant, &user, &id, e);
    if (status == BF_OK)
        say_id(out, id);
    return status;
}

COMMAND(user_list)
{
    struct bf_access *access = service;
    struct bf_uuid tenant;
    struct bf_page page = {.n = 0};
    UNUSED_INPUT;
    enum bf_status status = bf_directory_tenant(access, args[0], &tenant, e);
    struct bf_query query = {.coll = &bf_users, .tenant = tenant, .index = &bf_users_by_login, .limit = BF_PAGE_MAX};
    while (status == BF_OK && (status = bf_store_find(access->store, &query, arena, &page, e)) == BF_OK) {
        for (unsigned i = 0; i < page.n; i++) {
            const struct bf_object *o = &page.docs[i]->object;
            bf_buf_printf(out, "%-20.*s %-10s %-8s %.*s\n", BF_FMT(bf_get_str(o, BF_USER_LOGIN)),
                          bf_enum_role.words[bf_get_enum(o, BF_USER_ROLE)].word, bf_enum_user_status.words[bf_get_enum(o, BF_USER_STATUS)].word,
                          BF_FMT(bf_get_str(o, BF_USER_NAME)));
        }
        if (page.next.n == 0 || out->overflowed)
            break;
        query.after = page.next;
    }
    return status;
}

COMMAND(user_assign)
{
    struct bf_uuid tenant, team;
    int role = bf_enum_find(&bf_enum_role, args[2]);
    UNUSED_INPUT;
    if (role < 0)
        return bf_fail(e, BF_E_INVALID_BODY, "ROLE is one of rep, supervisor, manager, reviewer, service, admin, auditor");
    if (n_args > 3 && !bf_uuid_parse(args[3], &team))
        return bf_fail(e, BF_E_INVALID_BODY, "TEAM is a team's id");
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    return status == BF_OK ? bf_directory_assign(service, tenant, args[1], role, n_args > 3 ? &team : NULL, e) : status;
}

COMMAND(password)
{
    struct bf_uuid tenant;
    UNUSED_INPUT;
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    return status == BF_OK ? bf_directory_set_password(service, tenant, args[1], input, e) : status;
}

static enum bf_status set_frozen(void *service, const struct bf_str *args, bool frozen, struct bf_error *e)
{
    struct bf_uuid tenant;
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    return status == BF_OK ? bf_directory_freeze(service, tenant, args[1], frozen, e) : status;
}

COMMAND(policy)
{
    struct bf_uuid tenant;
    UNUSED_INPUT;
    enum bf_status status = bf_directory_tenant(service, args[0], &tenant, e);
    return status == BF_OK ? bf_directory_change_policy(service, tenant, input, e) : status;
}

COMMAND(freeze)
{
    UNUSED_INPUT;
    return set_frozen(service, args, true, e);
}

COMMAND(unfreeze)
{
    UNUSED_INPUT;
    return set_frozen(service, args, false, e);
}

static void say_session(struct bf_buf *out, const struct bf_doc *session)
{
    const struct bf_object *o = &session->object;
    char id[BF_UUID_TEXT], used[BF_TIME_TEXT];
    bf_uuid_text(&session->id, id);
    bf_time_text(bf_get_int(o, BF_SESSION_USED_AT), used);
    bf_buf_printf(out, "%s  used %s  from %.*s  %.*s\n", id, used, BF_FMT(bf_get_str(o, BF_SESSION_PEER)),
                  BF_FMT(bf_get_str(o, BF_SESSION_DEVICE_NAME)));
}

COMMAND(session_list)
{
    struct bf_access *access = service;
    struct bf_uuid tenant;
    struct bf_doc *user = NULL;
    struct bf_page page = {.n = 0};
    UNUSED_INPUT;
    enum bf_status status = bf_directory_tenant(access, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_user(access, tenant, args[1], arena, &user, e);
    do {
        if (status == BF_OK)
            status = bf__session_list(access, tenant, user->id, BF_PAGE_MAX, page.next, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            say_session(out, page.docs[i]);
    } while (status == BF_OK && page.next.n > 0 && !out->overflowed);
    return status;
}

COMMAND(session_end)
{
    struct bf_access *access = service;
    struct bf_uuid tenant, session, none = {{0}};
    struct bf_doc *user = NULL;
    UNUSED_INPUT;
    if (n_args > 2 && !bf_uuid_parse(args[2], &session))
        return bf_fail(e, BF_E_INVALID_BODY, "SESSION is a session's id");
    enum bf_status status = bf_directory_tenant(access, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_user(access, tenant, args[1], arena, &user, e);
    if (status != BF_OK)
        return status;
    return n_args > 2 ? bf__session_end(access, tenant, session, e) : bf__session_end_all(access, tenant, user->id, none, e);
}

const struct bf_admin_command bf__admin_commands[BF__ADMIN_COMMANDS] = {
    {.name = "tenant add", .args = "CODE NAME [ZONE]", .prose = "opens a company", .args_min = 2, .args_max = 3, .run = tenant_add},
    {.name = "team add", .args = "TENANT NAME [PARENT]", .prose = "adds a team, below PARENT", .args_min = 2, .args_max = 3, .run = team_add},
    {.name = "team list", .args = "TENANT", .prose = "lists teams", .args_min = 1, .args_max = 1, .run = team_list},
    {.name = "user add", .args = "TENANT LOGIN NAME ROLE [TEAM] [--exempt]",
     .prose = "opens an account; the first password is read from standard input and must be changed, but for --exempt (a demo's)",
     .args_min = 4, .args_max = 6, .takes_input = 1, .run = user_add},
    {.name = "user list", .args = "TENANT", .prose = "lists accounts", .args_min = 1, .args_max = 1, .run = user_list},
    {.name = "user assign", .args = "TENANT LOGIN ROLE [TEAM]", .prose = "changes role and team; the person signs in again", .args_min = 3,
     .args_max = 4, .run = user_assign},
    {.name = "password", .args = "TENANT LOGIN", .prose = "gives a new first password, read from standard input; ends all sessions", .args_min = 2,
     .args_max = 2, .takes_input = 1, .run = password},
    {.name = "policy", .args = "TENANT", .prose = "changes the company's numbers by a JSON merge patch with a reason, read from standard input", .args_min = 1,
     .args_max = 1, .takes_input = 1, .run = policy},
    {.name = "freeze", .args = "TENANT LOGIN", .prose = "freezes an account at once", .args_min = 2, .args_max = 2, .run = freeze},
    {.name = "unfreeze", .args = "TENANT LOGIN", .prose = "opens a frozen account again", .args_min = 2, .args_max = 2, .run = unfreeze},
    {.name = "session list", .args = "TENANT LOGIN", .prose = "lists a person's sessions", .args_min = 2, .args_max = 2, .run = session_list},
    {.name = "session end", .args = "TENANT LOGIN [SESSION]", .prose = "ends one session or all: a lost phone", .args_min = 2, .args_max = 3,
     .run = session_end},
};
