/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets things done (REM-03, 谁在积极跟进): for each person in the caller's scope the tasks that were due in a span of days, counted from an index. Days
 * are the company's.
 */
#include "core/tz.h"
#include "gateway/internal.h"
#include <stdio.h>

enum { COUNT_MAX = 10000, DAYS_DEFAULT = 7, DAYS_MAX = 366 };

struct report {
    struct bf_call *call;
    int64_t from_ms, to_ms; /* the second not included */
    char from[16], to[16];
    struct bf_page people;
};

/* ---- the span ---- */

static enum bf_status read_day(struct bf_call *call, const char *name, struct bf_civil *ret, struct bf_error *e)
{
    struct bf_str text = bf_request_query(call->req, name);
    if (text.p == NULL || bf_date_parse(text, ret))
        return BF_OK;
    return bf_fail_field(e, BF_E_INVALID_QUERY, name, "bad_date", "a calendar day YYYY-MM-DD is expected");
}

static bool day_starts(struct bf_str zone, const struct bf_civil *day, int64_t *ret)
{
    struct bf_civil midnight = {.year = day->year, .month = day->month, .day = day->day};
    return bf_tz_instant(zone, &midnight, ret);
}

/* From the first day to the last, both included; by default the week that ends today. */
static enum bf_status read_span(struct report *r, struct bf_error *e)
{
    struct bf_company company;
    struct bf_civil from, to;
    enum bf_status status = bf__company(r->call, &company, e);
    if (status == BF_OK && !bf_tz_civil(company.zone, r->call->now_ms, &to))
        status = bf_fail(e, BF_E_INTERNAL, "the company's zone is not known");
    if (status == BF_OK)
        status = read_day(r->call, "to", &to, e);
    if (status != BF_OK)
        return status;
    from = to;
    bf_civil_add_days(&from, 1 - DAYS_DEFAULT);
    status = read_day(r->call, "from", &from, e);
    if (status != BF_OK)
        return status;
    snprintf(r->from, sizeof r->from, "%04u-%02u-%02u", (unsigned)from.year % 10000, (unsigned)from.month % 100, (unsigned)from.day % 100);
    snprintf(r->to, sizeof r->to, "%04u-%02u-%02u", (unsigned)to.year % 10000, (unsigned)to.month % 100, (unsigned)to.day % 100);
    bf_civil_add_days(&to, 1);
    if (!day_starts(company.zone, &from, &r->from_ms) || !day_starts(company.zone, &to, &r->to_ms) || r->to_ms <= r->from_ms)
        return bf_fail_field(e, BF_E_INVALID_QUERY, "from", "too_large", "the first day is not after the last");
    if (r->to_ms - r->from_ms > (int64_t)(DAYS_MAX + 1) * 24 * 3600 * 1000)
        return bf_fail_field(e, BF_E_INVALID_QUERY, "from", "too_small", "at most %d days", DAYS_MAX);
    return BF_OK;
}

/* ---- counting ---- */

enum { CONDS_MAX = 5 };

static enum bf_status count(const struct report *r, struct bf_uuid person, int state, int64_t to_ms, const bool *late, int64_t *ret, struct bf_error *e)
{
    struct bf_value values[CONDS_MAX] = {{.type = BF_T_UUID, .uuid = person}, {.type = BF_T_ENUM, .i = state}, {.type = BF_T_TIME, .i = r->from_ms},
                                         {.type = BF_T_TIME, .i = to_ms}, {.type = BF_T_BOOL, .b = late != NULL && *late}};
    struct bf_cond conds[CONDS_MAX] = {{.row = BF_TASK_ASSIGNEE, .op = BF_EQ, .values = &values[0], .n = 1},
                                       {.row = BF_TASK_STATE, .op = BF_EQ, .values = &values[1], .n = 1},
                                       {.row = BF_TASK_DUE_AT, .op = BF_GE, .values = &values[2], .n = 1},
                                       {.row = BF_TASK_DUE_AT, .op = BF_LT, .values = &values[3], .n = 1},
                                       {.row = BF_TASK_LATE, .op = BF_EQ, .values = &values[4], .n = 1}};
    struct bf_query query = {.coll = &bf_tasks,
                             .tenant = r->call->caller.tenant,
                             .conds = conds,
                             .n_conds = late == NULL ? CONDS_MAX - 1 : CONDS_MAX,
                             .index = &bf_tasks_by_assignee_state,
                             .limit = COUNT_MAX};
    *ret = 0;
    return to_ms <= r->from_ms ? BF_OK : bf_store_count(r->call->store, &query, ret, e);
}

static enum bf_status write_person(const struct report *r, const struct bf_doc *person, struct bf_jw *w, struct bf_error *e)
{
    static const bool in_time = false, late = true;
    int64_t now = r->call->now_ms < r->to_ms ? r->call->now_ms : r->to_ms, n[4];
    enum bf_status status = count(r, person->id, BF_TASK_STATE_IS_DONE, r->to_ms, &in_time, &n[0], e);
    if (status == BF_OK)
        status = count(r, person->id, BF_TASK_STATE_IS_DONE, r->to_ms, &late, &n[1], e);
    if (status == BF_OK)
        status = count(r, person->id, BF_TASK_STATE_IS_OPEN, r->to_ms, NULL, &n[2], e);
    if (status == BF_OK)
        status = count(r, person->id, BF_TASK_STATE_IS_OPEN, now, NULL, &n[3], e);
    if (status != BF_OK)
        return status;
    bf_jw_object(w);
    bf_jw_key(w, "user");
    bf_jw_uuid(w, &person->id);
    bf_jw_key(w, "name");
    bf_jw_str(w, bf_get_str(&person->object, BF_USER_NAME));
    bf_jw_key(w, "done");
    bf_jw_int(w, n[0]);
    bf_jw_key(w, "done_late");
    bf_jw_int(w, n[1]);
    bf_jw_key(w, "open");
    bf_jw_int(w, n[2]);
    bf_jw_key(w, "overdue");
    bf_jw_int(w, n[3]);
    bf_jw_end_object(w);
    return BF_OK;
}

/* ---- the people ---- */

static enum bf_status find_people(struct report *r, struct bf_error *e)
{
    static const char *const filters[] = {"from", "to", NULL};
    struct bf_scope_query scope;
    struct bf_call *call = r->call;
    struct bf_query query = {.coll = &bf_users, .tenant = call->caller.tenant};
    enum bf_status status = bf_call_page(call, filters, &query.limit, &query.after, e);
    if (status == BF_OK)
        status = bf_scope_query(&call->caller, BF_SUBJECT_TASK, &bf_users, NULL, &bf_users_by_team, &bf_users_by_login, call->arena, &scope, e);
    if (status != BF_OK)
        return status;
    query.conds = &scope.cond;
    query.n_conds = scope.n_conds;
    query.index = scope.index;
    return bf_store_find(call->store, &query, call->arena, &r->people, e);
}

static enum bf_status write_report(const struct report *r, struct bf_jw *w, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bf_jw_object(w);
    bf_jw_key(w, "from");
    bf_jw_str(w, bf_strz(r->from));
    bf_jw_key(w, "to");
    bf_jw_str(w, bf_strz(r->to));
    bf_jw_key(w, "items");
    bf_jw_array(w);
    for (unsigned i = 0; i < r->people.n && status == BF_OK; i++)
        status = write_person(r, r->people.docs[i], w, e);
    bf_jw_end_array(w);
    bf_jw_key(w, "next");
    if (r->people.next.n > 0)
        bf_jw_str(w, bf_cursor_seal(r->call, bf_request_route(r->call->req)->pattern, r->people.next));
    else
        bf_jw_null(w);
    bf_jw_end_object(w);
    return status;
}

static void report(struct bf_call *call, void *service)
{
    struct report r = {.call = call};
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    (void)service;
    enum bf_status status = find_people(&r, &e);
    if (status == BF_OK)
        status = read_span(&r, &e);
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    if (status == BF_OK)
        status = write_report(&r, &w, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, 0);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

const struct bf_endpoint bf__task_report = {.run = report, .flags = BF_EP_QUERY};
