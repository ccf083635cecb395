/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of tasks and of the cadence of follow-ups (REM-01 to REM-03); a part of crm/entities.h, which includes it. */
#pragma once

#define BF_TASK_FIELDS(F)                                                                                                                \
    F(ASSIGNEE, "assignee", UUID, 0, 0, 0, NORMAL, "执行人", "Who does it") /* default: the caller */                                    \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(ASSIGNED_BY, "assigned_by", UUID, BF_F_SERVER, 0, 0, NORMAL, "指派人", "Who set it")                                               \
    F(CUSTOMER, "customer", UUID, BF_F_CREATE_ONLY, 0, 0, NORMAL, "客户", "Customer")                                                    \
    F(TITLE, "title", STRING, BF_F_REQUIRED, 1, 200, NORMAL, "任务", "Task")                                                             \
    F(NOTE, "note", STRING, 0, 0, 2000, NORMAL, "说明", "Note")                                                                          \
    F(DUE, "due", WALL, BF_F_REQUIRED, 0, 0, NORMAL, "截止时间", "Due, wall time")                                                       \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone") /* default: the assignee's, else the tenant's */                            \
    F(WAKE, "wake", BOOL, 0, 0, 0, NORMAL, "免打扰时段也提醒", "Remind within quiet hours too")                                          \
    F(DUE_AT, "due_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "截止时刻", "Instant of the wall time")                                         \
    F(STATE, "state", ENUM, BF_F_SERVER, 0, 0, NORMAL, "状态", "State", .words = &bf_enum_task_state)                                    \
    F(RESULT, "result", STRING, BF_F_SERVER, 0, 1000, NORMAL, "完成情况", "What came of it")                                             \
    F(DONE_AT, "done_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "完成时间", "Done")                                                           \
    F(LATE, "late", BOOL, BF_F_SERVER, 0, 0, NORMAL, "逾期完成", "Done after it was due")                                                \
    F(CREATED_AT, "created_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "创建时间", "Created")                                                  \
    F(UPDATED_AT, "updated_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "更新时间", "Changed")                                                  \
    F(REASON, "reason", STRING, 0, 1, 200, NORMAL, "修改原因", "Reason of the change")

/* By when a customer is to be followed up again (REM-01): one record a customer, which follows it. */
#define BF_CADENCE_FIELDS(F)                                                                                                             \
    F(CUSTOMER, "customer", UUID, BF_F_SERVER, 0, 0, NORMAL, "客户", "Customer")                                                         \
    F(OWNER, "owner", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "负责人", "Owner")                                                  \
    F(TEAM, "team", UUID, BF_F_SERVER | BF_F_HIDDEN, 0, 0, NORMAL, "团队", "Team")                                                       \
    F(FROM_AT, "from_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "最近有效跟进", "Last valid record, or entered")                              \
    F(DUE_AT, "due_at", TIME, BF_F_SERVER, 0, 0, NORMAL, "应跟进时间", "Next one due")

#define BF_TASK_STATE_WORDS(X)                                                                                                           \
    X(OPEN, "open", "进行中", "Open")                                                                                                    \
    X(DONE, "done", "已完成", "Done")                                                                                                    \
    X(CANCELLED, "cancelled", "已取消", "Cancelled")
