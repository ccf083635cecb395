/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes next for this person (REM-13: obvious within three seconds): in the order of the phone's home screen. First the next step, then what is
 * overdue or was sent back, then the day. All from indexes, in one answer; each list has a limit, and says when there is more.
 */
#include "core/tz.h"
#include "gateway/internal.h"

enum { SHOWN_MAX = 50 };

struct today {
    struct bf_call *call;
    int64_t from_ms, to_ms; /* of the person's day */
    struct bf_page next, day, overdue, tasks, contracts, customers;
};

static struct bf_cond of_caller(struct bf_call *call, unsigned row)
{
    struct bf_value *value = bf_arena_calloc(call->arena, 1, sizeof *value);
    *value = (struct bf_value){.type = BF_T_UUID, .uuid = call->caller.user};
    return (struct bf_cond){.row = (int)row, .op = BF_EQ, .values = value, .n = 1};
}

static struct bf_cond at(struct bf_call *call, unsigned row, enum bf_cond_op op, int64_t ms)
{
    struct bf_value *value = bf_arena_calloc(call->arena, 1, sizeof *value);
    *value = (struct bf_value){.type = BF_T_TIME, .i = ms};
    return (struct bf_cond){.row = (int)row, .op = op, .values = value, .n = 1};
}

static struct bf_cond in_states(struct bf_call *call, unsigned row, int a, int b)
{
    struct bf_value *values = bf_arena_calloc(call->arena, 2, sizeof *values);
    values[0] = (struct bf_value){.type = BF_T_ENUM, .i = a};
    values[1] = (struct bf_value){.type = BF_T_ENUM, .i = b};
    return (struct bf_cond){.row = (int)row, .op = BF_IN, .values = values, .n = a == b ? 1 : 2};
}

static enum bf_status find(struct bf_call *call, const struct bf_collection *coll, const struct bf_index *index, const struct bf_cond *conds, unsigned n,
                           unsigned limit, struct bf_page *ret, struct bf_error *e)
{
    struct bf_query query = {.coll = coll, .tenant = call->caller.tenant, .conds = conds, .n_conds = n, .index = index, .limit = limit};
    return bf_store_find(call->store, &query, call->arena, ret, e);
}

/* ---- the lists ---- */

static enum bf_status find_day(struct today *t, struct bf_error *e)
{
    struct bf_company company;
    struct bf_civil day;
    enum bf_status status = bf__company(t->call, &company, e);
    if (status != BF_OK)
        return status;
    struct bf_str zone = t->call->caller.tz.n > 0 ? t->call->caller.tz : company.zone;
    if (!bf_tz_civil(zone, t->call->now_ms, &day))
        return bf_fail(e, BF_E_INTERNAL, "the zone is not known");
    day.hour = day.minute = day.second = 0;
    bf_tz_instant(zone, &day, &t->from_ms);
    bf_civil_add_days(&day, 1);
    bf_tz_instant(zone, &day, &t->to_ms);
    return BF_OK;
}

static enum bf_status find_reminders(struct today *t, struct bf_error *e)
{
    struct bf_call *call = t->call;
    struct bf_cond day[4] = {of_caller(call, BF_REMINDER_USER), at(call, BF_REMINDER_SEND_AT, BF_GE, t->from_ms), at(call, BF_REMINDER_SEND_AT, BF_LT, t->to_ms),
                             in_states(call, BF_REMINDER_STATE, BF_REMINDER_STATE_IS_PLANNED, BF_REMINDER_STATE_IS_SENT)};
    struct bf_cond next[3] = {of_caller(call, BF_REMINDER_USER), at(call, BF_REMINDER_SEND_AT, BF_GE, call->now_ms),
                              in_states(call, BF_REMINDER_STATE, BF_REMINDER_STATE_IS_PLANNED, BF_REMINDER_STATE_IS_PLANNED)};
    enum bf_status status = find(call, &bf_reminders, &bf_reminders_by_user, day, 4, SHOWN_MAX, &t->day, e);
    return status == BF_OK ? find(call, &bf_reminders, &bf_reminders_by_user, next, 3, 1, &t->next, e) : status;
}

static enum bf_status find_tasks(struct today *t, struct bf_error *e)
{
    struct bf_call *call = t->call;
    struct bf_cond open = in_states(call, BF_TASK_STATE, BF_TASK_STATE_IS_OPEN, BF_TASK_STATE_IS_OPEN);
    struct bf_cond overdue[3] = {of_caller(call, BF_TASK_ASSIGNEE), open, at(call, BF_TASK_DUE_AT, BF_LT, call->now_ms)};
    struct bf_cond day[4] = {overdue[0], open, at(call, BF_TASK_DUE_AT, BF_GE, call->now_ms), at(call, BF_TASK_DUE_AT, BF_LT, t->to_ms)};
    enum bf_status status = find(call, &bf_tasks, &bf_tasks_by_assignee_state, overdue, 3, SHOWN_MAX, &t->overdue, e);
    return status == BF_OK ? find(call, &bf_tasks, &bf_tasks_by_assignee_state, day, 4, SHOWN_MAX, &t->tasks, e) : status;
}

/* What the rep has to do about own contracts: take pages again, or send what is missing. */
static enum bf_status find_contracts(struct today *t, struct bf_error *e)
{
    struct bf_cond conds[2] = {of_caller(t->call, BF_CONTRACT_OWNER), in_states(t->call, BF_CONTRACT_STATE, BF_CONTRACT_STATE_IS_REJECTED, BF_CONTRACT_STATE_IS_AWAITING_PAGES)};
    if (bf_permission_of(t->call->caller.role, BF_SUBJECT_CONTRACT, BF_ACTION_LIST).scope == BF_SCOPE_NONE)
        return BF_OK;
    return find(t->call, &bf_contracts, &bf_contracts_by_owner_state, conds, 2, SHOWN_MAX, &t->contracts, e);
}

/* Customers whose turn it is, or was (REM-01). */
static enum bf_status find_customers(struct today *t, struct bf_error *e)
{
    struct bf_cond conds[2] = {of_caller(t->call, BF_CADENCE_OWNER), at(t->call, BF_CADENCE_DUE_AT, BF_LE, t->to_ms)};
    return find(t->call, &bf_cadences, &bf_cadences_by_owner, conds, 2, SHOWN_MAX, &t->customers, e);
}

/* ---- the answer ---- */

static void write_docs(struct bf_jw *w, const struct today *t, const char *key, enum bf_subject subject, const struct bf_page *page)
{
    bf_jw_key(w, key);
    bf_jw_object(w);
    bf_jw_key(w, "items");
    bf_jw_array(w);
    for (unsigned i = 0; i < page->n; i++)
        bf_jw_doc(w, page->docs[i], bf_shown(&t->call->caller, subject));
    bf_jw_end_array(w);
    bf_jw_key(w, "more");
    bf_jw_bool(w, page->next.n > 0);
    bf_jw_end_object(w);
}

/* Of the cadence only what it says of the customer. */
static void write_due(struct bf_jw *w, const struct today *t)
{
    bf_jw_key(w, "follow_up");
    bf_jw_object(w);
    bf_jw_key(w, "items");
    bf_jw_array(w);
    for (unsigned i = 0; i < t->customers.n; i++)
        bf_jw_doc(w, t->customers.docs[i], 1u << BF_C_NORMAL);
    bf_jw_end_array(w);
    bf_jw_key(w, "more");
    bf_jw_bool(w, t->customers.next.n > 0);
    bf_jw_end_object(w);
}

static void add_customers(const struct bf_page *page, unsigned row, struct bf_uuid *ids, unsigned *n)
{
    for (unsigned i = 0; i < page->n; i++)
        if (bf_has(&page->docs[i]->object, row))
            ids[(*n)++] = bf_get_uuid(&page->docs[i]->object, row);
}

/* The names of the customers, of those that the person may see still. */
static enum bf_status write_customers(struct bf_jw *w, const struct today *t, struct bf_error *e)
{
    struct bf_call *call = t->call;
    struct bf_uuid *ids = bf_arena_calloc(call->arena, 6 * SHOWN_MAX + 1, sizeof *ids);
    struct bf_doc **docs = bf_arena_calloc(call->arena, 6 * SHOWN_MAX + 1, sizeof *docs);
    unsigned n = 0;
    add_customers(&t->next, BF_REMINDER_CUSTOMER, ids, &n);
    add_customers(&t->day, BF_REMINDER_CUSTOMER, ids, &n);
    add_customers(&t->overdue, BF_TASK_CUSTOMER, ids, &n);
    add_customers(&t->tasks, BF_TASK_CUSTOMER, ids, &n);
    add_customers(&t->contracts, BF_CONTRACT_CUSTOMER, ids, &n);
    add_customers(&t->customers, BF_CADENCE_CUSTOMER, ids, &n);
    enum bf_status status = bf_store_get_many(call->store, &bf_customers, call->caller.tenant, ids, n, call->arena, docs, e);
    if (status != BF_OK)
        return status;
    bf_jw_key(w, "customers");
    bf_jw_object(w);
    for (unsigned i = 0; i < n; i++) {
        char key[BF_UUID_TEXT];
        bool again = false;
        for (unsigned k = 0; k < i && !again; k++)
            again = bf_uuid_eq(&ids[k], &ids[i]);
        if (again || bf_authorize(&call->caller, BF_SUBJECT_CUSTOMER, BF_ACTION_READ, &bf_customers, docs[i], NULL) != BF_OK)
            continue;
        bf_uuid_text(&ids[i], key);
        bf_jw_key(w, key);
        bf_jw_str(w, bf_get_str(&docs[i]->object, BF_CUSTOMER_NAME));
    }
    bf_jw_end_object(w);
    return BF_OK;
}

static enum bf_status write_today(struct bf_jw *w, const struct today *t, struct bf_error *e)
{
    bf_jw_object(w);
    bf_jw_key(w, "now");
    bf_jw_time(w, t->call->now_ms);
    bf_jw_key(w, "next");
    if (t->next.n > 0)
        bf_jw_doc(w, t->next.docs[0], bf_shown(&t->call->caller, BF_SUBJECT_REMINDER));
    else
        bf_jw_null(w);
    write_docs(w, t, "overdue", BF_SUBJECT_TASK, &t->overdue);
    write_docs(w, t, "contracts", BF_SUBJECT_CONTRACT, &t->contracts);
    write_due(w, t);
    write_docs(w, t, "tasks", BF_SUBJECT_TASK, &t->tasks);
    write_docs(w, t, "reminders", BF_SUBJECT_REMINDER, &t->day);
    enum bf_status status = write_customers(w, t, e);
    bf_jw_end_object(w);
    return status;
}

static enum bf_status note_views(const struct today *t, struct bf_error *e)
{
    const struct bf_page *pages[] = {&t->next, &t->day, &t->overdue, &t->tasks, &t->contracts, &t->customers};
    struct bf_uuid *ids = bf_arena_calloc(t->call->arena, 6 * SHOWN_MAX + 1, sizeof *ids);
    unsigned n = 0;
    for (unsigned p = 0; p < sizeof pages / sizeof *pages; p++)
        for (unsigned i = 0; i < pages[p]->n; i++)
            ids[n++] = pages[p]->docs[i]->id;
    return n == 0 ? BF_OK : bf_call_viewed(t->call, "today", "read", ids, n, e);
}

static void today(struct bf_call *call, void *service)
{
    struct today t = {.call = call};
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    (void)service;
    enum bf_status status = find_day(&t, &e);
    if (status == BF_OK)
        status = find_reminders(&t, &e);
    if (status == BF_OK)
        status = find_tasks(&t, &e);
    if (status == BF_OK)
        status = find_contracts(&t, &e);
    if (status == BF_OK)
        status = find_customers(&t, &e);
    bf_buf_init(&out, 2 << 20);
    bf_jw_init(&w, &out);
    if (status == BF_OK)
        status = write_today(&w, &t, &e);
    if (status == BF_OK)
        status = note_views(&t, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, 0);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

const struct bf_endpoint bf__today = {.run = today};
