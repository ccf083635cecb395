/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/task.h"
#include "core/text.h"
#include "crm/entities.h"
#include "crm/ids.h"
#include "crm/quiet.h"
#include "crm/reason.h"

enum { OPEN = BF_TASK_STATE_IS_OPEN, DONE = BF_TASK_STATE_IS_DONE, CANCELLED = BF_TASK_STATE_IS_CANCELLED };

static enum bf_status check_open(const struct bf_object *task, struct bf_error *e)
{
    int state = bf_get_enum(task, BF_TASK_STATE);
    if (state == OPEN)
        return BF_OK;
    return bf_fail_field(e, BF_E_CONFLICT, "/state", "wrong_state", "the task is %s", bf_enum_task_state.words[state].word);
}

static enum bf_status check_actor(const struct bf_object *task, const struct bf_task_actor *actor, struct bf_error *e)
{
    struct bf_uuid assignee = bf_get_uuid(task, BF_TASK_ASSIGNEE), setter = bf_get_uuid(task, BF_TASK_ASSIGNED_BY);
    if (!bf_uuid_eq(&assignee, &actor->who) || bf_uuid_eq(&setter, &actor->who))
        return BF_OK;
    return bf_fail(e, BF_E_FORBIDDEN, "who set the task changes it");
}

static enum bf_status reckon(struct bf_object *task, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    int64_t due_at;
    if (bf_text_units(bf_get_str(task, BF_TASK_TITLE)) == 0)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/title", "blank", "a task says what is to be done");
    if (!bf_has(task, BF_TASK_TZ))
        bf_set_str(task, BF_TASK_TZ, clock->zone);
    if (!bf_quiet_due_at(bf_get_str(task, BF_TASK_DUE), bf_get_str(task, BF_TASK_TZ), &due_at))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/due", "bad_wall_time", "no such time in this zone");
    bf_set_int(task, BF_TASK_DUE_AT, due_at);
    bf_set_int(task, BF_TASK_UPDATED_AT, clock->now_ms);
    return BF_OK;
}

enum bf_status bf_task_begin(struct bf_object *task, const struct bf_task_actor *actor, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    if (!bf_has(task, BF_TASK_ASSIGNEE))
        bf_set_uuid(task, BF_TASK_ASSIGNEE, actor->who);
    bf_set_uuid(task, BF_TASK_ASSIGNED_BY, actor->who);
    bf_set_uuid(task, BF_TASK_TEAM, actor->team);
    bf_set_enum(task, BF_TASK_STATE, OPEN);
    bf_set_int(task, BF_TASK_CREATED_AT, clock->now_ms);
    return reckon(task, clock, e);
}

enum bf_status bf_task_change(const struct bf_object *before, const struct bf_object *patch, struct bf_object *after, const struct bf_task_actor *actor,
                              const struct bf_reminder_clock *clock, struct bf_error *e)
{
    enum bf_status status = check_open(before, e);
    if (status == BF_OK)
        status = check_actor(before, actor, e);
    if (status == BF_OK)
        status = bf_reason_check(patch, BF_TASK_REASON, e);
    if (status == BF_OK && !bf_has(after, BF_TASK_ASSIGNEE))
        status = bf_fail_field(e, BF_E_UNPROCESSABLE, "/assignee", "null", "a task is somebody's");
    if (status == BF_OK)
        status = bf_reason_check_effect(before, after, BF_TASK_REASON, e);
    bf_set_uuid(after, BF_TASK_TEAM, actor->team);
    return status == BF_OK ? reckon(after, clock, e) : status;
}

enum bf_status bf_task_done(struct bf_object *task, struct bf_str result, int64_t now_ms, struct bf_error *e)
{
    enum bf_status status = check_open(task, e);
    if (status != BF_OK)
        return status;
    bf_set_enum(task, BF_TASK_STATE, DONE);
    if (result.n > 0)
        bf_set_str(task, BF_TASK_RESULT, result);
    bf_set_int(task, BF_TASK_DONE_AT, now_ms);
    bf_set_bool(task, BF_TASK_LATE, now_ms > bf_get_int(task, BF_TASK_DUE_AT));
    bf_set_int(task, BF_TASK_UPDATED_AT, now_ms);
    return BF_OK;
}

enum bf_status bf_task_cancel(struct bf_object *task, const struct bf_task_actor *actor, int64_t now_ms, struct bf_error *e)
{
    enum bf_status status = check_open(task, e);
    if (status == BF_OK)
        status = check_actor(task, actor, e);
    if (status != BF_OK)
        return status;
    bf_set_enum(task, BF_TASK_STATE, CANCELLED);
    bf_set_int(task, BF_TASK_UPDATED_AT, now_ms);
    return BF_OK;
}

/* ---- its reminder ---- */

static void follow(struct bf_object *reminder, const struct bf_doc *task)
{
    const struct bf_object *t = &task->object;
    bf_set_uuid(reminder, BF_REMINDER_USER, bf_get_uuid(t, BF_TASK_ASSIGNEE));
    bf_set_uuid(reminder, BF_REMINDER_TASK, task->id);
    if (bf_has(t, BF_TASK_CUSTOMER))
        bf_set_uuid(reminder, BF_REMINDER_CUSTOMER, bf_get_uuid(t, BF_TASK_CUSTOMER));
    bf_set_str(reminder, BF_REMINDER_TEXT, bf_get_str(t, BF_TASK_TITLE));
    bf_set_str(reminder, BF_REMINDER_DUE, bf_get_str(t, BF_TASK_DUE));
    bf_set_str(reminder, BF_REMINDER_TZ, bf_get_str(t, BF_TASK_TZ));
    if (bf_has(t, BF_TASK_WAKE))
        bf_set_bool(reminder, BF_REMINDER_WAKE, bf_get_bool(t, BF_TASK_WAKE));
    else
        bf_unset(reminder, BF_REMINDER_WAKE);
}

static bool is_of(const struct bf_object *reminder, const struct bf_doc *task)
{
    struct bf_uuid user = bf_get_uuid(reminder, BF_REMINDER_USER), assignee = bf_get_uuid(&task->object, BF_TASK_ASSIGNEE);
    return bf_uuid_eq(&user, &assignee) && bf_get_int(reminder, BF_REMINDER_DUE_AT) == bf_get_int(&task->object, BF_TASK_DUE_AT) &&
           bf_get_bool(reminder, BF_REMINDER_WAKE) == bf_get_bool(&task->object, BF_TASK_WAKE);
}

/* A title alone is corrected without ringing anew. */
static enum bf_status follow_open(struct bf_doc *reminder, const struct bf_doc *task, const struct bf_doc *before, const struct bf_reminder_clock *clock,
                                  struct bf_error *e)
{
    bool same = before != NULL && is_of(&before->object, task);
    follow(&reminder->object, task);
    return same ? BF_OK : bf_reminder_plan(&reminder->object, clock, e);
}

enum bf_status bf_task_reminder(struct bf_arena *arena, const struct bf_doc *task, const struct bf_doc *before, const struct bf_reminder_clock *clock,
                                struct bf_doc **ret, struct bf_error *e)
{
    int state = bf_get_enum(&task->object, BF_TASK_STATE);
    struct bf_doc *doc = before != NULL ? bf_doc_copy(arena, before)
                                        : bf_doc_create(arena, &bf_reminder_schema, task->tenant, bf_id_reminder_of_task(task->tenant, task->id));
    *ret = doc;
    if (state == OPEN)
        return follow_open(doc, task, before, clock, e);
    enum bf_status status = before == NULL ? BF_E_CONFLICT : state == DONE ? bf_reminder_done(&doc->object, clock->now_ms, NULL) : bf_reminder_cancel(&doc->object, NULL);
    if (status != BF_OK) /* it was settled before */
        *ret = NULL;
    return BF_OK;
}
