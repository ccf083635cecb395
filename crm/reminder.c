/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/reminder.h"
#include "crm/entities.h"
#include "crm/quiet.h"
#include <assert.h>

enum { PLANNED = BF_REMINDER_STATE_IS_PLANNED, SENT = BF_REMINDER_STATE_IS_SENT, DONE = BF_REMINDER_STATE_IS_DONE };
enum { CANCELLED = BF_REMINDER_STATE_IS_CANCELLED };

struct transition {
    int from;
    enum bf_reminder_verb verb;
    int to;
};

static const struct transition transitions[] = {
    {PLANNED, BF_REMINDER_SEND, SENT},        {PLANNED, BF_REMINDER_DONE, DONE},      {SENT, BF_REMINDER_DONE, DONE},
    {PLANNED, BF_REMINDER_CANCEL, CANCELLED}, {SENT, BF_REMINDER_CANCEL, CANCELLED},  {PLANNED, BF_REMINDER_SNOOZE, PLANNED},
    {SENT, BF_REMINDER_SNOOZE, PLANNED},      {PLANNED, BF_REMINDER_CHANGE, PLANNED},
};

int bf_reminder_next(int state, enum bf_reminder_verb verb)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].from == state && transitions[i].verb == verb)
            return transitions[i].to;
    return -1;
}

static enum bf_status go(struct bf_object *reminder, enum bf_reminder_verb verb, struct bf_error *e)
{
    int state = bf_get_enum(reminder, BF_REMINDER_STATE);
    int next = bf_reminder_next(state, verb);
    assert(state >= 0);
    if (next < 0)
        return bf_fail(e, BF_E_CONFLICT, "the reminder is %s", bf_enum_reminder_state.words[state].word);
    bf_set_enum(reminder, BF_REMINDER_STATE, next);
    return BF_OK;
}

static enum bf_status reckon(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    int64_t due_at;
    if (!bf_has(reminder, BF_REMINDER_TZ))
        bf_set_str(reminder, BF_REMINDER_TZ, clock->zone);
    if (!bf_quiet_due_at(bf_get_str(reminder, BF_REMINDER_DUE), bf_get_str(reminder, BF_REMINDER_TZ), &due_at))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/due", "bad_wall_time", "no such time in this zone");
    bf_set_int(reminder, BF_REMINDER_DUE_AT, due_at);
    bf_set_int(reminder, BF_REMINDER_SEND_AT,
               bf_quiet_send_at(clock->policy, clock->zone, due_at, clock->now_ms, bf_get_bool(reminder, BF_REMINDER_WAKE)));
    return BF_OK;
}

enum bf_status bf_reminder_plan(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    enum bf_status status = reckon(reminder, clock, e);
    if (status != BF_OK)
        return status;
    bf_set_enum(reminder, BF_REMINDER_STATE, PLANNED);
    bf_set_int(reminder, BF_REMINDER_SNOOZES, 0);
    bf_set_int(reminder, BF_REMINDER_CREATED_AT, clock->now_ms);
    return BF_OK;
}

enum bf_status bf_reminder_send(struct bf_object *reminder, int64_t now_ms, struct bf_error *e)
{
    enum bf_status status = go(reminder, BF_REMINDER_SEND, e);
    if (status == BF_OK)
        bf_set_int(reminder, BF_REMINDER_SENT_AT, now_ms);
    return status;
}

enum bf_status bf_reminder_done(struct bf_object *reminder, int64_t now_ms, struct bf_error *e)
{
    enum bf_status status = go(reminder, BF_REMINDER_DONE, e);
    if (status == BF_OK)
        bf_set_int(reminder, BF_REMINDER_DONE_AT, now_ms);
    return status;
}

enum bf_status bf_reminder_cancel(struct bf_object *reminder, struct bf_error *e) { return go(reminder, BF_REMINDER_CANCEL, e); }

enum bf_status bf_reminder_snooze(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    enum bf_status status = go(reminder, BF_REMINDER_SNOOZE, e);
    if (status == BF_OK)
        status = reckon(reminder, clock, e);
    if (status != BF_OK)
        return status;
    if (bf_get_int(reminder, BF_REMINDER_DUE_AT) <= clock->now_ms)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/due", "in_past", "a reminder is put off to a time ahead");
    bf_set_int(reminder, BF_REMINDER_SNOOZES, bf_get_int(reminder, BF_REMINDER_SNOOZES) + 1);
    bf_unset(reminder, BF_REMINDER_SENT_AT);
    return BF_OK;
}

enum bf_status bf_reminder_change(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e)
{
    enum bf_status status = go(reminder, BF_REMINDER_CHANGE, e);
    return status == BF_OK ? reckon(reminder, clock, e) : status;
}
