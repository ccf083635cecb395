/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks with a due time (REM-02), one's own or set by a supervisor, and what became of them (REM-03). open -- done --> done, open -- cancel -->
 * cancelled; only an open one changes. Each task has a reminder of its own, which follows it. Each function works on the caller's copy; when it fails
 * the copy is of no use. Pure. Any thread.
 */
#pragma once
#include "crm/reminder.h"

struct bf_arena;

/* Who acts. A task that somebody else set is changed and cancelled by those who set tasks, not by whom it was set for. */
struct bf_task_actor {
    struct bf_uuid who;
    struct bf_uuid team; /* of the assignee */
};

/* A new task: title, due, tz, wake and assignee (absent: the actor) are set. BF_E_UNPROCESSABLE: /title blank; /due bad_wall_time. `clock` is the
 * assignee's. */
enum bf_status bf_task_begin(struct bf_object *task, const struct bf_task_actor *actor, const struct bf_reminder_clock *clock, struct bf_error *e);
/* A patch was merged into `after` (D-03: it states its reason). BF_E_CONFLICT: not open. BF_E_FORBIDDEN: set by somebody else for the actor. */
enum bf_status bf_task_change(const struct bf_object *before, const struct bf_object *patch, struct bf_object *after, const struct bf_task_actor *actor,
                              const struct bf_reminder_clock *clock, struct bf_error *e);
/* `result`: empty when nothing was said. */
enum bf_status bf_task_done(struct bf_object *task, struct bf_str result, int64_t now_ms, struct bf_error *e);
enum bf_status bf_task_cancel(struct bf_object *task, const struct bf_task_actor *actor, int64_t now_ms, struct bf_error *e);

/* The reminder that goes with the task as it is now: `before` (NULL: there is none) followed. NULL: it stays as it is. BF_E_UNPROCESSABLE as of
 * bf_reminder_plan. */
enum bf_status bf_task_reminder(struct bf_arena *arena, const struct bf_doc *task, const struct bf_doc *before, const struct bf_reminder_clock *clock,
                                struct bf_doc **ret, struct bf_error *e);
