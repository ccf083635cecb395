/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of digests (G-12, REM-01, REM-18); a part of crm/entities.h, which includes it. */
#pragma once

enum { BF_DIGEST_LINES_MAX = 400, BF_DIGEST_RECORDS_MAX = 50 };

/* Of all people together (no person; `people`: how many it concerns), or of one. */
#define BF_DIGEST_LINE_FIELDS(F)                                                                                                         \
    F(KIND, "kind", ENUM, BF_F_SERVER, 0, 0, NORMAL, "事项", "What of", .words = &bf_enum_digest_line_kind)                              \
    F(PERSON, "person", UUID, BF_F_SERVER, 0, 0, NORMAL, "人员", "Whose")                                                                \
    F(NAME, "name", STRING, BF_F_SERVER, 0, 60, NORMAL, "姓名", "Name")                                                                  \
    F(COUNT, "count", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "数量", "How many; of one idle rep: days")                                 \
    F(BEFORE, "before", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "上期", "In the period before")                                          \
    F(PEOPLE, "people", INT, BF_F_SERVER, 0, INT64_MAX, NORMAL, "人数", "People it concerns")                                            \
    F(OLDEST, "oldest", TIME, BF_F_SERVER, 0, 0, NORMAL, "最早", "Since when, the oldest")                                               \
    F(RECORDS, "records", ARRAY, BF_F_SERVER, 0, BF_DIGEST_RECORDS_MAX, NORMAL, "记录", "The first records behind it", .elem = BF_T_UUID)

/* A rep's follow-ups have no window. */
#define BF_DIGEST_FIELDS(F)                                                                                                              \
    F(ON, "date", DATE, BF_F_SERVER, 0, 0, NORMAL, "日期", "Local day it is of")                                                       \
    F(TZ, "tz", ZONE, BF_F_SERVER, 0, 64, NORMAL, "时区", "Whose days are meant")                                                        \
    F(FROM, "from", TIME, BF_F_SERVER, 0, 0, NORMAL, "起", "The window's beginning")                                                     \
    F(TO, "to", TIME, BF_F_SERVER, 0, 0, NORMAL, "止", "Its end, not included")                                                          \
    F(MISSING_YEAR, "missing_year", INT, BF_F_SERVER, 0, 9999, NORMAL, "放假安排未知的年份", "Year whose holidays are not known")        \
    F(LINES, "lines", ARRAY, BF_F_SERVER, 0, BF_DIGEST_LINES_MAX, NORMAL, "明细", "Lines", .elem = BF_T_OBJECT, .sub = &bf_digest_line_schema)

/* In the order in which they are told: what is wrong, then what was done. */
#define BF_DIGEST_LINE_KIND_WORDS(X)                                                                                                     \
    X(FOLLOW_UP, "follow_up_overdue", "逾期未跟进的客户", "Customers overdue for a follow-up")                                           \
    X(IDLE, "idle_rep", "多日无有效跟进的销售", "Idle reps")                                                                             \
    X(TASKS, "tasks_overdue", "逾期任务", "Tasks overdue")                                                                               \
    X(SENT_BACK, "contracts_sent_back", "被退回未补的合同", "Contracts sent back and not answered")                                      \
    X(UNREVIEWED, "contracts_overdue", "超期未审核的合同", "Contracts overdue in review")                                                \
    X(NO_NEXT_STEP, "visits_without_next_step", "未填下一步的跟进", "Visits without a next step")                                        \
    X(VISITS, "visits", "跟进记录", "Visits")                                                                                            \
    X(VALID_VISITS, "valid_visits", "有效跟进", "Valid visits")                                                                          \
    X(TURN, "follow_up_due", "今日应跟进的客户", "Customers whose turn it is")
