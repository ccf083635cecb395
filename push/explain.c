/* SPDX-License-Identifier: Apache-2.0 */
/* `baifang admin explain`: in words, why a notification was told or was not. What is on record is said as it was; what is not, from how things are now. */
#include "access/directory.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/json.h"
#include "crm/preference.h"
#include "push/internal.h"

enum { TRIES_SHOWN = 10, REMINDERS_MAX = 50 };

struct story {
    struct bf_push *push;
    struct bf_arena *arena;
    struct bf_buf *out;
    bool english;
    int64_t now_ms;
    struct bf_doc *notification, *user, *preferences;
    struct bf_page attempts;
};

static void say(struct story *s, const char *zh, const char *en) { bf_buf_addz(s->out, s->english ? en : zh); }

static void say_time(struct story *s, int64_t ms)
{
    char at[BF_TIME_TEXT];
    bf_time_text(ms, at);
    bf_buf_addz(s->out, at);
}

/* Ours in the language asked for; a peer's as it said it. */
static void say_cause(struct story *s, struct bf_str cause)
{
    static const struct {
        const char *en, *zh;
    } ours[] = {
#define X(NAME, en_, zh_) {en_, zh_},
        BF__CAUSE_MAP(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
        if (bf_str_eqz(cause, ours[i].en))
            cause = bf_strz(s->english ? ours[i].en : ours[i].zh);
    bf_buf_add(s->out, cause.p, cause.n);
}

/* ---- what is on record ---- */

static void say_tries(struct story *s, const struct bf_object *attempt)
{
    struct bf_array history = bf_get_array(attempt, BF_ATTEMPT_HISTORY);
    for (unsigned i = history.n > TRIES_SHOWN ? history.n - TRIES_SHOWN : 0; i < history.n; i++) {
        const struct bf_object *one = history.items[i].object;
        bf_buf_addz(s->out, "    ");
        say_time(s, bf_get_int(one, BF_TRY_AT));
        if (bf_has(one, BF_TRY_HTTP_STATUS))
            bf_buf_printf(s->out, " %d ", (int)bf_get_int(one, BF_TRY_HTTP_STATUS));
        else
            say(s, " 结果未知", " it is not known what came of it");
        say_cause(s, bf_get_str(one, BF_TRY_CAUSE));
        bf_buf_addc(s->out, '\n');
    }
}

static void say_attempt(struct story *s, const struct bf_object *attempt)
{
    const struct bf_word *state = &bf__enum_attempt_state.words[bf_get_enum(attempt, BF_ATTEMPT_STATE)];
    struct bf_uuid place = bf_get_uuid(attempt, BF_ATTEMPT_DEVICE);
    struct bf_str cause = bf_get_str(attempt, BF_ATTEMPT_CAUSE);
    char id[BF_UUID_TEXT];
    bf_uuid_text(&place, id);
    bf_buf_printf(s->out, "- %.*s %s: ", BF_FMT(bf_get_str(attempt, BF_ATTEMPT_CHANNEL)), id);
    say(s, state->zh, state->en);
    bf_buf_printf(s->out, s->english ? " (%d tries)" : "（%d 次）", (int)bf_get_int(attempt, BF_ATTEMPT_TRIES));
    if (cause.n > 0) {
        bf_buf_addz(s->out, s->english ? ": " : "：");
        say_cause(s, cause);
    }
    if (bf_has(attempt, BF_ATTEMPT_NEXT_AT)) {
        say(s, "；下次不早于 ", "; next not before ");
        say_time(s, bf_get_int(attempt, BF_ATTEMPT_NEXT_AT));
    }
    bf_buf_addc(s->out, '\n');
    say_tries(s, attempt);
}

static bool is_on_record(const struct story *s, enum bf__way way)
{
    bool found = false;
    for (unsigned i = 0; i < s->attempts.n; i++)
        found = found || bf_str_eqz(bf_get_str(&s->attempts.docs[i]->object, BF_ATTEMPT_CHANNEL), bf__channels[way]->name);
    return found;
}

/* ---- what is not ---- */

static int kind_of(const struct story *s) { return bf_get_enum(&s->notification->object, BF_NOTIFICATION_KIND); }

static enum bf_status count_devices(const struct story *s, int64_t *ret, struct bf_error *e)
{
    struct bf_value values[2] = {{.type = BF_T_UUID, .uuid = s->user->id}, {.type = BF_T_ENUM, .i = BF_PUSH_STATE_IS_ACTIVE}};
    struct bf_cond conds[2] = {{.row = BF_DEVICE_USER, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_DEVICE_PUSH, .op = BF_EQ, .values = &values[1], .n = 1}};
    struct bf_query query = {
        .coll = &bf_devices, .tenant = s->user->tenant, .conds = conds, .n_conds = 2, .index = &bf_devices_by_user, .limit = BF_PAGE_MAX};
    return bf_store_count(s->push->ctx->store, &query, ret, e);
}

/* Until nothing is on record it may still be held back. */
static enum bf_status say_held(struct story *s, struct bf_error *e)
{
    struct bf__due due = {.tenant = s->user->tenant, .user = s->user->id, .send_at = bf_get_int(&s->notification->object, BF_NOTIFICATION_CREATED_AT)};
    struct bf__nights nights = {NULL};
    int64_t rings_at = s->now_ms;
    bool is_over = false;
    enum bf_status status = bf__is_over(s->push, &due, s->now_ms, &nights, s->arena, &is_over, e);
    if (status == BF_OK)
        status = bf__rings_at(s->push, &due, s->now_ms, &nights, s->arena, &rings_at, e);
    if (status != BF_OK)
        return status;
    if (is_over) {
        say(s, "- 宽限期已过，不再发送\n", "- the grace is over: it is not told any more\n");
    } else if (rings_at > s->now_ms) {
        say(s, "- 免打扰时段内，不早于 ", "- within the quiet hours: told not before ");
        say_time(s, rings_at);
        bf_buf_addc(s->out, '\n');
    }
    return BF_OK;
}

static enum bf_status say_no_push(struct story *s, struct bf_error *e)
{
    int64_t n = 0;
    enum bf_status status = count_devices(s, &n, e);
    if (status != BF_OK)
        return status;
    if (n == 0)
        say(s, "- 推送：没有可推送的设备（未订阅，或订阅已失效）\n", "- push: no device is subscribed (none ever was, or what was is gone)\n");
    else
        say(s, "- 推送：尚未开始\n", "- push: not begun yet\n");
    return BF_OK;
}

static void say_no_mail(struct story *s)
{
    const struct bf_object *set = s->preferences == NULL ? NULL : &s->preferences->object;
    struct bf_str email = bf_get_str(&s->user->object, BF_USER_EMAIL);
    int role = bf_get_enum(&s->user->object, BF_USER_ROLE);
    if (s->push->ways[BF__SMTP] == NULL)
        say(s, "- 邮件：未配置邮件服务器\n", "- mail: no mail server is configured\n");
    else if (!bf_preference_wants(set, role, kind_of(s), BF_WAYS_MAIL))
        say(s, "- 邮件：本人不要这类邮件\n", "- mail: the person does not want this kind by mail\n");
    else if (email.n == 0)
        say(s, "- 邮件：没有邮箱地址\n", "- mail: there is no address\n");
    else if (!bf_preference_mail_goes(set, email))
        say(s, "- 邮件：邮件服务器称该地址不存在\n", "- mail: the mail server called the address unknown\n");
    else
        say(s, "- 邮件：尚未开始\n", "- mail: not begun yet\n");
}

/* ---- the whole ---- */

static enum bf_status say_reminders(struct story *s, struct bf_error *e)
{
    struct bf_array of = bf_get_array(&s->notification->object, BF_NOTIFICATION_REMINDERS);
    struct bf_uuid ids[REMINDERS_MAX];
    struct bf_doc *docs[REMINDERS_MAX];
    unsigned n = of.n < REMINDERS_MAX ? of.n : REMINDERS_MAX;
    for (unsigned i = 0; i < n; i++)
        ids[i] = of.items[i].uuid;
    enum bf_status status = bf__get_all(s->push->ctx->store, &bf_reminders, s->notification->tenant, ids, n, s->arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        if (docs[i] == NULL || docs[i]->tombstone)
            continue;
        const struct bf_word *state = &bf_enum_reminder_state.words[bf_get_enum(&docs[i]->object, BF_REMINDER_STATE)];
        char id[BF_UUID_TEXT];
        bf_uuid_text(&ids[i], id);
        bf_buf_printf(s->out, "- %s %s: %s\n", s->english ? "reminder" : "提醒", id, s->english ? state->en : state->zh);
    }
    return status;
}

static void say_mark(struct story *s, unsigned row, const char *zh, const char *en)
{
    if (!bf_has(&s->notification->object, row))
        return;
    say(s, zh, en);
    say_time(s, bf_get_int(&s->notification->object, row));
    bf_buf_addc(s->out, '\n');
}

static void say_head(struct story *s)
{
    const struct bf_object *o = &s->notification->object;
    const struct bf_word *kind = &bf_enum_notification_kind.words[kind_of(s)];
    char id[BF_UUID_TEXT];
    bf_uuid_text(&s->notification->id, id);
    bf_buf_printf(s->out, s->english ? "Notification %s (%s) for %.*s, made " : "通知 %s（%s），发给 %.*s，生成于 ", id, s->english ? kind->en : kind->zh,
                  BF_FMT(bf_get_str(&s->user->object, BF_USER_LOGIN)));
    say_time(s, bf_get_int(o, BF_NOTIFICATION_CREATED_AT));
    bf_buf_addc(s->out, '\n');
    say_mark(s, BF_NOTIFICATION_OPENED_AT, "- 已打开：", "- opened: ");
    say_mark(s, BF_NOTIFICATION_ACTED_AT, "- 已处理：", "- acted upon: ");
}

static void say_deputy(struct story *s)
{
    struct bf_uuid away = bf_get_uuid(&s->notification->object, BF_NOTIFICATION_DEPUTY_FOR);
    char id[BF_UUID_TEXT];
    if (!bf_has(&s->notification->object, BF_NOTIFICATION_DEPUTY_FOR))
        return;
    bf_uuid_text(&away, id);
    bf_buf_printf(s->out, s->english ? "- as the deputy of %s, who was away\n" : "- %s 外出，由代理人接收\n", id);
}

static enum bf_status tell(struct story *s, struct bf_error *e)
{
    bool is_active = bf_get_enum(&s->user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE;
    say_head(s);
    say_deputy(s);
    enum bf_status status = say_reminders(s, e);
    for (unsigned i = 0; i < s->attempts.n; i++)
        say_attempt(s, &s->attempts.docs[i]->object);
    if (!is_active)
        say(s, "- 账号已冻结：不再告知\n", "- the account is frozen: it is told nothing\n");
    if (status == BF_OK && s->attempts.n == 0 && is_active)
        status = say_held(s, e);
    if (status == BF_OK && is_active && !is_on_record(s, BF__WEBPUSH))
        status = say_no_push(s, e);
    if (status == BF_OK && is_active && !is_on_record(s, BF__SMTP))
        say_no_mail(s);
    return status;
}

static enum bf_status read_story(struct story *s, struct bf_uuid tenant, struct bf_uuid id, struct bf_error *e)
{
    struct bf_store *store = s->push->ctx->store;
    enum bf_status status = bf_store_get(store, &bf_notifications, tenant, id, s->arena, &s->notification, e);
    if (status == BF_OK && (s->notification == NULL || s->notification->tombstone))
        return bf_fail(e, BF_E_NOT_FOUND, "there is no such notification");
    struct bf_uuid person = status == BF_OK ? bf_get_uuid(&s->notification->object, BF_NOTIFICATION_USER) : id;
    if (status == BF_OK)
        status = bf_store_get(store, &bf_users, tenant, person, s->arena, &s->user, e);
    if (status == BF_OK && (s->user == NULL || s->user->tombstone))
        return bf_fail(e, BF_E_NOT_FOUND, "whom it tells is gone");
    if (status == BF_OK)
        status = bf_store_get(store, &bf_preferences, tenant, person, s->arena, &s->preferences, e);
    return status == BF_OK ? bf__attempts_of(store, s->notification, s->arena, &s->attempts, e) : status;
}

enum bf_status bf__explain(void *service, int n_args, const struct bf_str *args, struct bf_str input, struct bf_arena *arena, struct bf_buf *out,
                           struct bf_error *e)
{
    struct bf_push *push = service;
    struct story s = {.push = push, .arena = arena, .out = out, .now_ms = bf_now_ms(push->ctx->env)};
    struct bf_uuid tenant, id;
    (void)input;
    if (n_args == 3 || (n_args == 4 && !bf_str_eqz(args[2], "--lang")))
        return bf_fail(e, BF_E_INVALID_BODY, "explain TENANT NOTIFICATION [--lang zh-CN|en]");
    if (n_args == 4 && bf_enum_find(&bf_enum_lang, args[3]) < 0)
        return bf_fail(e, BF_E_INVALID_BODY, "--lang is zh-CN or en");
    s.english = n_args == 4 && bf_str_eqz(args[3], "en");
    if (!bf_uuid_parse(args[1], &id))
        return bf_fail(e, BF_E_INVALID_BODY, "NOTIFICATION is a notification's id");
    enum bf_status status = bf_directory_tenant(push->api.access, args[0], &tenant, e);
    if (status == BF_OK)
        status = read_story(&s, tenant, id, e);
    return status == BF_OK ? tell(&s, e) : status;
}
