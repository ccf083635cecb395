/* SPDX-License-Identifier: Apache-2.0 */
/* A person's own reminders (REM-02, G-12, G-23): the receipt says when each will be sent. */
#include "crm/task.h"
#include "gateway/internal.h"

#define SNOOZE_FIELDS(F)                                                                                                                 \
    F(DUE, "due", WALL, BF_F_REQUIRED, 0, 0, NORMAL, "提醒时间", "Wall time")                                                            \
    F(TZ, "tz", ZONE, 0, 0, 64, NORMAL, "时区", "Time zone")                                                                             \
    F(WAKE, "wake", BOOL, 0, 0, 0, NORMAL, "免打扰时段也提醒", "Remind within quiet hours too")
#define F(row, ...) SNOOZE_##row,
enum { SNOOZE_FIELDS(F) SNOOZE_ROWS };
#undef F
#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field snooze_fields[] = {SNOOZE_FIELDS(F)};
#undef F
const struct bf_schema bf__snooze_schema = {
    .name = "snooze", .zh = "推迟提醒", .en = "Snooze", .version = 1, .fields = snooze_fields, .n_fields = SNOOZE_ROWS};

/* By the person's own clock: the user's zone, else the company's. */
static struct bf_reminder_clock clock_of(const struct bf_view *view, struct bf_arena *arena, const struct bf_call *call)
{
    struct bf_company company = bf__company_in(view, arena);
    return (struct bf_reminder_clock){
        .policy = company.policy, .zone = call->caller.tz.n > 0 ? call->caller.tz : company.zone, .now_ms = call->now_ms};
}

struct create {
    struct bf_call *call;
    struct bf_doc *doc;
};

static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create *c = ctx;
    struct bf_doc *doc = bf_doc_copy(arena, c->doc);
    struct bf_uuid customer = bf_get_uuid(&doc->object, BF_REMINDER_CUSTOMER);
    struct bf_reminder_clock clock = clock_of(view, arena, c->call);
    if (bf_view_get(view, &bf_reminders, doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another reminder");
    if (!bf_uuid_is_zero(&customer) &&
        bf__decide_customer(view, &c->call->caller, BF_SUBJECT_CUSTOMER, BF_ACTION_READ, customer, e) == NULL)
        return bf__unknown(e, "/customer", "no such customer");
    bf_set_uuid(&doc->object, BF_REMINDER_USER, c->call->caller.user);
    bf_set_int(&doc->object, BF_REMINDER_CREATED_AT, c->call->now_ms);
    enum bf_status status = bf_reminder_plan(&doc->object, &clock, e);
    if (status != BF_OK)
        return status;
    bf_decision_put(d, &bf_reminders, doc);
    bf_decision_receipt(d, 201, bf__doc_json(arena, &c->call->caller, BF_SUBJECT_REMINDER, doc), c->call->caller.user);
    return BF_OK;
}

static void create_reminder(struct bf_call *call, void *service)
{
    (void)service;
    struct create *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_reads reads = {.n = 0};
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_REMINDER, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = bf_json_decode_create(call->arena, &bf_reminder_schema, bf_request_body(call->req), &id, &object, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    c->call = call;
    c->doc = bf_doc_create(call->arena, &bf_reminder_schema, call->caller.tenant, id);
    c->doc->object = *object;
    bf__company_reads(call, &reads);
    bf__reads_add(&reads, &bf_reminders, id);
    if (bf_has(object, BF_REMINDER_CUSTOMER))
        bf__reads_add(&reads, &bf_customers, bf_get_uuid(object, BF_REMINDER_CUSTOMER));
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads.items, .n_reads = reads.n, .decide = decide_create, .ctx = c});
}

static void read_reminder(struct bf_call *call, void *service)
{
    (void)service;
    bf__read(call, BF_SUBJECT_REMINDER, &bf_reminders, BF_ROW_NONE);
}

static void list_reminders(struct bf_call *call, void *service)
{
    static const struct bf_list list = {
        .subject = BF_SUBJECT_REMINDER, .coll = &bf_reminders, .customer_row = BF_ROW_NONE, .own = &bf_reminders_by_user, .all = &bf_reminders_by_user};
    (void)service;
    bf__list(call, &list);
}

/* ---- changes ---- */

static enum bf_status apply_patch(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                  const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_reminder_clock clock = clock_of(view, arena, ctx);
    (void)d, (void)patch;
    if (bf_has(&before->object, BF_REMINDER_TASK))
        return bf_fail_field(e, BF_E_CONFLICT, "/task", "wrong_state", "it follows its task: change that");
    return bf_reminder_change(&after->object, &clock, e);
}

static enum bf_status apply_snooze(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_reminder_clock clock = clock_of(view, arena, ctx);
    (void)d, (void)before;
    bf_set_str(&after->object, BF_REMINDER_DUE, bf_get_str(body, SNOOZE_DUE));
    if (bf_has(body, SNOOZE_TZ))
        bf_set_str(&after->object, BF_REMINDER_TZ, bf_get_str(body, SNOOZE_TZ));
    if (bf_has(body, SNOOZE_WAKE))
        bf_set_bool(&after->object, BF_REMINDER_WAKE, bf_get_bool(body, SNOOZE_WAKE));
    return bf_reminder_snooze(&after->object, &clock, e);
}

/* What was done from the reminder of a task was the task. */
static enum bf_status complete_task(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *reminder, int64_t now_ms,
                                    struct bf_error *e)
{
    if (!bf_has(&reminder->object, BF_REMINDER_TASK))
        return BF_OK;
    const struct bf_doc *task = bf_view_get(view, &bf_tasks, bf_get_uuid(&reminder->object, BF_REMINDER_TASK));
    if (task == NULL || task->tombstone)
        return BF_OK;
    struct bf_doc *after = bf_doc_copy(arena, task);
    enum bf_status status = bf_task_done(&after->object, bf_str(NULL, 0), now_ms, e);
    if (status == BF_OK)
        bf_decision_put(d, &bf_tasks, after);
    return status;
}

static enum bf_status apply_done(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                 const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct bf_call *call = ctx;
    (void)body;
    enum bf_status status = bf_reminder_done(&after->object, call->now_ms, e);
    return status == BF_OK ? complete_task(view, d, arena, before, call->now_ms, e) : status;
}

static enum bf_status apply_cancel(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    (void)view, (void)d, (void)arena, (void)before, (void)body, (void)ctx;
    return bf_reminder_cancel(&after->object, e);
}

/* The reminder of the path and the read set that its changes have in common. */
static bool begin(struct bf_call *call, struct bf_change *change)
{
    struct bf_error e = {0};
    change->subject = BF_SUBJECT_REMINDER;
    change->coll = &bf_reminders;
    change->parent_row = BF_ROW_NONE;
    change->ctx = call;
    bf__company_reads(call, &change->reads);
    if (bf_call_id(call, "id", &change->id, &e) == BF_OK)
        return true;
    bf_call_fail(call, &e);
    return false;
}

static void change_reminder(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_patch};
    (void)service;
    if (begin(call, &change))
        bf__patch(call, &change);
}

static void snooze(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_snooze};
    struct bf_object *body;
    struct bf_error e = {0};
    (void)service;
    if (bf_json_decode(call->arena, &bf__snooze_schema, BF_JSON_CREATE, bf_request_body(call->req), &body, &e) != BF_OK)
        bf_call_fail(call, &e);
    else if (begin(call, &change))
        bf__verb(call, BF_ACTION_SNOOZE, &change, body);
}

static void done(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_done};
    struct bf_doc *reminder;
    struct bf_error e = {0};
    (void)service;
    if (!begin(call, &change))
        return;
    if (bf__load(call, BF_SUBJECT_REMINDER, BF_ACTION_READ, &bf_reminders, change.id, &reminder, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (bf_has(&reminder->object, BF_REMINDER_TASK)) /* which never changes */
        bf__reads_add(&change.reads, &bf_tasks, bf_get_uuid(&reminder->object, BF_REMINDER_TASK));
    bf__verb(call, BF_ACTION_DONE, &change, NULL);
}

static void cancel(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_cancel};
    (void)service;
    if (begin(call, &change))
        bf__verb(call, BF_ACTION_CANCEL, &change, NULL);
}

const struct bf_endpoint bf__reminders_list = {.run = list_reminders}, bf__reminders_create = {.run = create_reminder},
                         bf__reminders_read = {.run = read_reminder}, bf__reminders_change = {.run = change_reminder},
                         bf__reminders_snooze = {.run = snooze, .flags = BF_EP_VERB},
                         bf__reminders_done = {.run = done, .flags = BF_EP_VERB | BF_EP_NO_BODY},
                         bf__reminders_cancel = {.run = cancel, .flags = BF_EP_VERB | BF_EP_NO_BODY};
