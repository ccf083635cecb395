/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of `baifang admin` about push: what became of what a person should have been told. */
#include "access/directory.h"
#include "core/json.h"
#include "push/internal.h"

enum { ATTEMPTS_SHOWN = 50, TRIES_SHOWN = 10 };

static void say_try(struct bf_buf *out, const struct bf_object *one)
{
    char at[BF_TIME_TEXT];
    bf_time_text(bf_get_int(one, BF_TRY_AT), at);
    if (bf_has(one, BF_TRY_HTTP_STATUS))
        bf_buf_printf(out, "  %s %3d %.*s\n", at, (int)bf_get_int(one, BF_TRY_HTTP_STATUS), BF_FMT(bf_get_str(one, BF_TRY_CAUSE)));
    else
        bf_buf_printf(out, "  %s   ? it is not known what came of it\n", at);
}

static void say_attempt(struct bf_buf *out, const struct bf_object *attempt)
{
    char notification[BF_UUID_TEXT], device[BF_UUID_TEXT], at[BF_TIME_TEXT];
    struct bf_uuid ids[2] = {bf_get_uuid(attempt, BF_ATTEMPT_NOTIFICATION), bf_get_uuid(attempt, BF_ATTEMPT_DEVICE)};
    struct bf_array history = bf_get_array(attempt, BF_ATTEMPT_HISTORY);
    struct bf_str channel = bf_get_str(attempt, BF_ATTEMPT_CHANNEL), place = bf_str_eqz(channel, "webpush") ? BF_STR("device") : channel;
    bf_uuid_text(&ids[0], notification);
    bf_uuid_text(&ids[1], device);
    bf_time_text(bf_get_int(attempt, BF_ATTEMPT_LAST_AT), at);
    bf_buf_printf(out, "%s %-8s notification %s %.*s %s tries %d %.*s\n", at,
                  bf__enum_attempt_state.words[bf_get_enum(attempt, BF_ATTEMPT_STATE)].word, notification, BF_FMT(place), device,
                  (int)bf_get_int(attempt, BF_ATTEMPT_TRIES), BF_FMT(bf_get_str(attempt, BF_ATTEMPT_CAUSE)));
    for (unsigned i = history.n > TRIES_SHOWN ? history.n - TRIES_SHOWN : 0; i < history.n; i++)
        say_try(out, history.items[i].object);
}

static enum bf_status list_attempts(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena,
                                    struct bf_buf *out, struct bf_error *e)
{
    struct bf_push *push = service;
    struct bf_uuid tenant;
    struct bf_doc *user;
    struct bf_page page = {.n = 0};
    (void)n_args, (void)input;
    enum bf_status status = bf_directory_tenant(push->api.access, args[0], &tenant, e);
    if (status == BF_OK)
        status = bf_directory_user(push->api.access, tenant, args[1], arena, &user, e);
    if (status != BF_OK)
        return status;
    struct bf_value who = {.type = BF_T_UUID, .uuid = user->id};
    struct bf_cond cond = {.row = BF_ATTEMPT_USER, .op = BF_EQ, .values = &who, .n = 1};
    struct bf_query query = {.coll = &bf__attempts,
                             .tenant = tenant,
                             .conds = &cond,
                             .n_conds = 1,
                             .index = &bf__attempts_by_user,
                             .descending = true,
                             .limit = ATTEMPTS_SHOWN};
    status = bf_store_find(push->ctx->store, &query, arena, &page, e);
    for (unsigned i = 0; i < page.n; i++)
        say_attempt(out, &page.docs[i]->object);
    if (page.next.n > 0)
        bf_buf_printf(out, "... these are the last %d\n", ATTEMPTS_SHOWN);
    return status;
}

const struct bf_admin_command bf__push_commands[BF__PUSH_COMMANDS] = {
    {.name = "push attempts",
     .args = "TENANT LOGIN",
     .prose = "shows the last messages to a person's devices, mailbox and channels, and what came of each try",
     .args_min = 2,
     .args_max = 2,
     .run = list_attempts},
    {.name = "channel add",
     .args = "TENANT LOGIN webhook|wecom NAME KIND[,KIND ...]",
     .prose = "sends a person's notifications of these kinds to a URL, or a WeCom robot's key, read from standard input; says a webhook's secret once",
     .args_min = 5,
     .args_max = 5,
     .takes_input = 1,
     .run = bf__channel_add},
    {.name = "channel list", .args = "TENANT", .prose = "lists the company's channels", .args_min = 1, .args_max = 1, .run = bf__channel_list},
    {.name = "channel retire", .args = "TENANT CHANNEL", .prose = "ends a channel", .args_min = 2, .args_max = 2, .run = bf__channel_retire},
    {.name = "explain",
     .args = "TENANT NOTIFICATION [--lang zh-CN|en]",
     .prose = "says why a notification was told, or was not",
     .args_min = 2,
     .args_max = 4,
     .run = bf__explain},
};
