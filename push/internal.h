/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of push/ share. Not for other modules.
 *
 * The way of a reminder:
 *
 *   log: reminder planned --consume--> job "reminder", due at send_at
 *        job "reminder"   --commit---> reminder sent + notification, one decision
 *   log: notification     --consume--> job "push"
 *        job "push"       ------------> for each device with an active channel: attempt recorded, message sent, outcome recorded
 *
 * Event streams need no job: they read the notification from the log.
 */
#pragma once
#include "access/access.h"
#include "access/call.h"
#include "access/collections.h"
#include "core/arena.h"
#include "push/channel.h"
#include "storage/job_runner.h"

enum { BF__CONSUMERS = 2 };

struct bf_push {
    struct bf_api api;
    const struct bf_service_ctx *ctx;
    void *web_push; /* what bf_channel_webpush opened */
    struct bf_job_runner *runner;
    struct bf_consumer consumers[BF__CONSUMERS];
    int64_t grace_ms; /* what could not be told within this is not told any more */
};

/* ---- reminders (push/reminders.c) ---- */
struct bf_consumer bf__reminders_consumer(struct bf_push *push);
struct bf_job_work bf__reminders_work(struct bf_push *push);

/* ---- delivery (push/delivery.c) ---- */
enum bf_status bf__jobs_add(struct bf_push *push, const struct bf_job *jobs, unsigned n, struct bf_error *e);
struct bf_consumer bf__delivery_consumer(struct bf_push *push);
struct bf_job_work bf__delivery_work(struct bf_push *push, unsigned threads);

/* ---- attempts: a record for each (notification, device), outside the commit log (push/attempts.c) ---- */

#define BF_ATTEMPT_FIELDS(F)                                                                                                             \
    F(NOTIFICATION, "notification", UUID, BF_F_SERVER, 0, 0, NORMAL, "通知", "Notification")                                             \
    F(USER, "user", UUID, BF_F_SERVER, 0, 0, NORMAL, "接收人", "Whom it tells")                                                          \
    F(DEVICE, "device", UUID, BF_F_SERVER, 0, 0, NORMAL, "设备", "Device")                                                               \
    F(CHANNEL, "channel", STRING, BF_F_SERVER, 0, 20, NORMAL, "渠道", "Channel")                                                         \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf__enum_attempt_state)                                \
    F(TRIES, "tries", INT, BF_F_SERVER, 0, 1000, NORMAL, "次数", "Tries")                                                                \
    F(HTTP_STATUS, "http_status", INT, BF_F_SERVER, 0, 999, NORMAL, "应答", "Last answer")                                               \
    F(CAUSE, "cause", STRING, BF_F_SERVER, 0, 240, NORMAL, "原因", "Why the last try failed")                                            \
    F(FIRST_AT, "first_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "首次尝试", "First try")                                                    \
    F(LAST_AT, "last_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最近尝试", "Last try")
#define F(row, ...) BF_ATTEMPT_##row,
enum bf_attempt_row { BF_ATTEMPT_FIELDS(F) BF_ATTEMPT_ROWS };
#undef F

/* sending: a try is under way, or its outcome is not known; it may have arrived. */
#define BF_ATTEMPT_STATE_WORDS(X)                                                                                                        \
    X(SENDING, "sending", "发送中", "Sending")                                                                                           \
    X(ACCEPTED, "accepted", "已被推送服务接收", "Accepted by the push service")                                                          \
    X(FAILED, "failed", "失败", "Failed")                                                                                                \
    X(RETIRED, "retired", "设备已失效", "The device is gone")                                                                            \
    X(SKIPPED, "skipped", "无需发送", "Not needed any more")
#define X(WORD, ...) BF_ATTEMPT_IS_##WORD,
enum bf_attempt_state { BF_ATTEMPT_STATE_WORDS(X) BF_ATTEMPT_STATES };
#undef X
extern const struct bf_enum bf__enum_attempt_state;
extern const struct bf_schema bf__attempt_schema;
extern const struct bf_collection bf__attempts;

/* The stable id of telling this device of this notification: the attempt's, the job's and the message's. */
struct bf_uuid bf__attempt_id(struct bf_uuid tenant, struct bf_uuid notification, struct bf_uuid device);
