/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reminder's life (FUP-04, REM-02, G-12, G-23):
 *
 *              send
 *   planned ----------> sent          planned, sent  -- done ----> done
 *      ^                 |            planned, sent  -- cancel --> cancelled
 *      +---- snooze -----+            planned, sent  -- snooze --> planned
 *
 * done and cancelled are final. Each function works on the caller's copy; when it fails the copy is of no use. Pure. Any thread.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"

/* What times are reckoned by. */
struct bf_reminder_clock {
    const struct bf_object *policy; /* full */
    struct bf_str zone;             /* of the person: the user's, else the tenant's; also the reminder's when it names none */
    int64_t now_ms;
};

enum bf_reminder_verb { BF_REMINDER_SEND, BF_REMINDER_DONE, BF_REMINDER_CANCEL, BF_REMINDER_SNOOZE, BF_REMINDER_CHANGE, BF_REMINDER_VERBS };

/* The state that follows, or -1 when the verb is not possible in `state` (BF_REMINDER_STATE_IS_...). */
int bf_reminder_next(int state, enum bf_reminder_verb verb);

/* A new reminder: user, text, due, tz and wake are set; gives it its zone, due_at, send_at and state planned. The receipt shows send_at
 * (G-23). BF_E_UNPROCESSABLE when the wall time or zone is not valid. */
enum bf_status bf_reminder_plan(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e);

/* The verbs: BF_E_CONFLICT when the state forbids it. */
enum bf_status bf_reminder_send(struct bf_object *reminder, int64_t now_ms, struct bf_error *e);
enum bf_status bf_reminder_done(struct bf_object *reminder, int64_t now_ms, struct bf_error *e);
enum bf_status bf_reminder_cancel(struct bf_object *reminder, struct bf_error *e);
/* `reminder` holds the new due (and tz and wake, where they change) already: planned again, one snooze more. It must lie ahead (code
 * "in_past"). */
enum bf_status bf_reminder_snooze(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e);
/* After a patch of text, due, tz or wake was merged into `reminder`: reckons its times anew. */
enum bf_status bf_reminder_change(struct bf_object *reminder, const struct bf_reminder_clock *clock, struct bf_error *e);
