/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks (REM-02): one's own, or set by a supervisor for somebody of the team. Each brings its reminder; who is given one is told. */
#include "crm/task.h"
#include "core/arena.h"
#include "gateway/names.h"

#define DONE_FIELDS(F) F(RESULT, "result", STRING, 0, 1, 1000, NORMAL, "完成情况", "What came of it")
#define F(row, ...) DONE_##row,
enum { DONE_FIELDS(F) DONE_ROWS };
#undef F
#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field done_fields[] = {DONE_FIELDS(F)};
#undef F
const struct bf_schema bf__task_done_schema = {
    .name = "task_done", .zh = "完成任务", .en = "Completion of a task", .version = 1, .fields = done_fields, .n_fields = DONE_ROWS};

struct work {
    struct bf_call *call;
    struct bf_doc *doc;         /* the new one; NULL: a change */
    struct bf_uuid notice;      /* what whom it is given to is told */
};

/* ---- the decision ---- */

/* Somebody who is there and whom the caller may give tasks to. One's own are asked before others are looked up, so that a guess tells nothing. */
static const struct bf_doc *assignee_in(const struct bf_view *view, const struct bf_caller *caller, struct bf_uuid id, enum bf_action action, struct bf_error *e)
{
    enum bf_scope scope = bf_permission_of(caller->role, BF_SUBJECT_TASK, action).scope;
    if (scope == BF_SCOPE_OWN && !bf_uuid_eq(&id, &caller->user)) {
        bf_fail_field(e, BF_E_FORBIDDEN, "/assignee", "forbidden", "only a supervisor sets tasks for others");
        return NULL;
    }
    const struct bf_doc *user = bf_view_get(view, &bf_users, id);
    if (user != NULL && !user->tombstone && bf_get_enum(&user->object, BF_USER_STATUS) == BF_USER_STATUS_IS_ACTIVE &&
        bf_in_scope(caller, scope, id, bf_get_uuid(&user->object, BF_USER_TEAM)))
        return user;
    bf_fail_field(e, BF_E_UNPROCESSABLE, "/assignee", "unknown", "no such active person among those you set tasks for");
    return NULL;
}

static struct bf_reminder_clock clock_of(const struct bf_view *view, struct bf_arena *arena, const struct bf_doc *person, int64_t now_ms)
{
    struct bf_company company = bf__company_in(view, arena);
    struct bf_str zone = person == NULL ? bf_str(NULL, 0) : bf_get_str(&person->object, BF_USER_TZ);
    return (struct bf_reminder_clock){.policy = company.policy, .zone = zone.n > 0 ? zone : company.zone, .now_ms = now_ms};
}

static enum bf_status put_reminder(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *task,
                                   const struct bf_reminder_clock *clock, struct bf_error *e)
{
    struct bf_doc *reminder;
    const struct bf_doc *before = bf_view_get(view, &bf_reminders, bf_id_reminder_of_task(task->tenant, task->id));
    enum bf_status status = bf_task_reminder(arena, task, before, clock, &reminder, e);
    if (status == BF_OK && reminder != NULL)
        bf_decision_put(d, &bf_reminders, reminder);
    return status;
}

/* Nobody is told of what one sets oneself. */
static void tell_assignee(struct bf_decision *d, struct bf_arena *arena, const struct work *w, const struct bf_doc *task, const struct bf_doc *person)
{
    const struct bf_object *t = &task->object;
    struct bf_doc *doc = bf_doc_create(arena, &bf_notification_schema, task->tenant, w->notice);
    struct bf_object *o = &doc->object;
    if (bf_uuid_eq(&person->id, &w->call->caller.user))
        return;
    bool english = bf_get_enum(&person->object, BF_USER_LANG) == BF_LANG_IS_EN;
    bf_set_uuid(o, BF_NOTIFICATION_USER, person->id);
    bf_set_enum(o, BF_NOTIFICATION_KIND, BF_NOTIFICATION_KIND_IS_TASK);
    bf_set_uuid(o, BF_NOTIFICATION_TASK, task->id);
    if (bf_has(t, BF_TASK_CUSTOMER))
        bf_set_uuid(o, BF_NOTIFICATION_CUSTOMER, bf_get_uuid(t, BF_TASK_CUSTOMER));
    bf_set_str(o, BF_NOTIFICATION_TITLE, english ? BF_STR("New task") : BF_STR("新任务"));
    bf_set_str(o, BF_NOTIFICATION_BODY, bf_get_str(t, BF_TASK_TITLE));
    bf_set_int(o, BF_NOTIFICATION_CREATED_AT, w->call->now_ms);
    bf_decision_put(d, &bf_notifications, doc);
}

static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct work *w = ctx;
    const struct bf_caller *caller = &w->call->caller;
    struct bf_doc *doc = bf_doc_copy(arena, w->doc);
    struct bf_uuid customer = bf_get_uuid(&doc->object, BF_TASK_CUSTOMER), who = bf_get_uuid(&doc->object, BF_TASK_ASSIGNEE);
    if (bf_view_get(view, &bf_tasks, doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another task");
    if (bf_has(&doc->object, BF_TASK_CUSTOMER) && bf__decide_customer(view, caller, BF_SUBJECT_CUSTOMER, BF_ACTION_READ, customer, e) == NULL)
        return bf__unknown(e, "/customer", "no such customer");
    const struct bf_doc *person = assignee_in(view, caller, who, BF_ACTION_CREATE, e);
    if (person == NULL)
        return e->status;
    struct bf_reminder_clock clock = clock_of(view, arena, person, w->call->now_ms);
    struct bf_task_actor actor = {.who = caller->user, .team = bf_get_uuid(&person->object, BF_USER_TEAM)};
    enum bf_status status = bf_task_begin(&doc->object, &actor, &clock, e);
    if (status == BF_OK)
        status = put_reminder(view, d, arena, doc, &clock, e);
    if (status != BF_OK)
        return status;
    tell_assignee(d, arena, w, doc, person);
    bf_decision_put(d, &bf_tasks, doc);
    bf_decision_receipt(d, 201, bf__doc_json(arena, caller, BF_SUBJECT_TASK, doc), who);
    return BF_OK;
}

static enum bf_status apply_change(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct work *w = ctx;
    const struct bf_caller *caller = &w->call->caller;
    struct bf_uuid was = bf_get_uuid(&before->object, BF_TASK_ASSIGNEE), is = bf_get_uuid(&after->object, BF_TASK_ASSIGNEE);
    bool given = !bf_uuid_eq(&was, &is) && !bf_uuid_is_zero(&is);
    const struct bf_doc *person = given ? assignee_in(view, caller, is, BF_ACTION_CHANGE, e) : bf_view_get(view, &bf_users, was);
    if (person == NULL)
        return given ? e->status : bf_fail(e, BF_E_UNAVAILABLE, "the task went to somebody else meanwhile: ask again");
    struct bf_reminder_clock clock = clock_of(view, arena, person, w->call->now_ms);
    struct bf_task_actor actor = {.who = caller->user, .team = bf_get_uuid(&person->object, BF_USER_TEAM)};
    enum bf_status status = bf_task_change(&before->object, patch, &after->object, &actor, &clock, e);
    if (status == BF_OK)
        status = put_reminder(view, d, arena, after, &clock, e);
    if (status == BF_OK && given)
        tell_assignee(d, arena, w, after, person);
    return status;
}

static enum bf_status apply_done(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                 const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct work *w = ctx;
    struct bf_reminder_clock clock = {.now_ms = w->call->now_ms};
    struct bf_str result = bf_get_str(body, DONE_RESULT);
    (void)before;
    enum bf_status status = bf_task_done(&after->object, result, clock.now_ms, e);
    return status == BF_OK ? put_reminder(view, d, arena, after, &clock, e) : status;
}

static enum bf_status apply_cancel(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *body, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct work *w = ctx;
    struct bf_reminder_clock clock = {.now_ms = w->call->now_ms};
    struct bf_task_actor actor = {.who = w->call->caller.user};
    (void)before, (void)body;
    enum bf_status status = bf_task_cancel(&after->object, &actor, clock.now_ms, e);
    return status == BF_OK ? put_reminder(view, d, arena, after, &clock, e) : status;
}

/* ---- before the decision ---- */

static void add_reads(struct bf_call *call, struct work *w, struct bf_uuid task, struct bf_uuid assignee, struct bf_reads *reads)
{
    w->call = call;
    w->notice = bf_uuid_v7(call->env);
    bf__company_reads(call, reads);
    bf__reads_add(reads, &bf_tasks, task);
    bf__reads_add(reads, &bf_users, assignee);
    bf__reads_add(reads, &bf_reminders, bf_id_reminder_of_task(call->caller.tenant, task));
    bf__reads_add(reads, &bf_notifications, w->notice);
}

static void create_task(struct bf_call *call, void *service)
{
    (void)service;
    struct work *w = bf_arena_calloc(call->arena, 1, sizeof *w);
    struct bf_reads reads = {.n = 0};
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_TASK, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = bf_json_decode_create(call->arena, &bf_task_schema, bf_request_body(call->req), &id, &object, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (!bf_has(object, BF_TASK_ASSIGNEE))
        bf_set_uuid(object, BF_TASK_ASSIGNEE, call->caller.user);
    w->doc = bf_doc_create(call->arena, &bf_task_schema, call->caller.tenant, id);
    w->doc->object = *object;
    add_reads(call, w, id, bf_get_uuid(object, BF_TASK_ASSIGNEE), &reads);
    if (bf_has(object, BF_TASK_CUSTOMER))
        bf__reads_add(&reads, &bf_customers, bf_get_uuid(object, BF_TASK_CUSTOMER));
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads.items, .n_reads = reads.n, .decide = decide_create, .ctx = w});
}

/* The task of the path, and what its changes have in common. Who may not see it learns nothing more. */
static bool begin(struct bf_call *call, struct bf_change *change, struct work *w)
{
    struct bf_doc *task;
    struct bf_error e = {0};
    change->subject = BF_SUBJECT_TASK;
    change->coll = &bf_tasks;
    change->parent_row = BF_ROW_NONE;
    change->ctx = w;
    enum bf_status status = bf_call_id(call, "id", &change->id, &e);
    if (status == BF_OK)
        status = bf__load(call, BF_SUBJECT_TASK, BF_ACTION_READ, &bf_tasks, change->id, &task, &e);
    if (status == BF_OK) {
        add_reads(call, w, change->id, bf_get_uuid(&task->object, BF_TASK_ASSIGNEE), &change->reads);
        return true;
    }
    bf_call_fail(call, &e);
    return false;
}

static void change_task(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_change};
    struct work *w = bf_arena_calloc(call->arena, 1, sizeof *w);
    struct bf_object *patch;
    struct bf_error e = {0};
    (void)service;
    if (bf_json_decode(call->arena, &bf_task_schema, BF_JSON_PATCH, bf_request_body(call->req), &patch, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (!begin(call, &change, w))
        return;
    if (bf_has(patch, BF_TASK_ASSIGNEE))
        bf__reads_add(&change.reads, &bf_users, bf_get_uuid(patch, BF_TASK_ASSIGNEE));
    bf__patch(call, &change);
}

static void done(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_done};
    struct work *w = bf_arena_calloc(call->arena, 1, sizeof *w);
    struct bf_object *body;
    struct bf_error e = {0};
    (void)service;
    if (bf_json_decode(call->arena, &bf__task_done_schema, BF_JSON_CREATE, bf_request_body(call->req), &body, &e) != BF_OK)
        bf_call_fail(call, &e);
    else if (begin(call, &change, w))
        bf__verb(call, BF_ACTION_DONE, &change, body);
}

static void cancel(struct bf_call *call, void *service)
{
    struct bf_change change = {.apply = apply_cancel};
    struct work *w = bf_arena_calloc(call->arena, 1, sizeof *w);
    (void)service;
    if (begin(call, &change, w))
        bf__verb(call, BF_ACTION_CANCEL, &change, NULL);
}

/* ---- read and list ---- */

static void read_task(struct bf_call *call, void *service)
{
    (void)service;
    bf__read_with_names(call, BF_SUBJECT_TASK, &bf_tasks);
}

static void list_tasks(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {{.name = "assignee", .row = BF_TASK_ASSIGNEE, .index = &bf_tasks_by_assignee},
                                               {.name = "state", .row = BF_TASK_STATE},
                                               {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_TASK,
                                        .coll = &bf_tasks,
                                        .customer_row = BF_ROW_NONE,
                                        .own = &bf_tasks_by_assignee,
                                        .team = &bf_tasks_by_team,
                                        .all = &bf_tasks_by_due,
                                        .filters = filters};
    (void)service;
    bf__list(call, &list);
}

const struct bf_endpoint bf__tasks_list = {.run = list_tasks}, bf__tasks_create = {.run = create_task}, bf__tasks_read = {.run = read_task},
                         bf__tasks_change = {.run = change_task}, bf__tasks_done = {.run = done, .flags = BF_EP_VERB},
                         bf__tasks_cancel = {.run = cancel, .flags = BF_EP_VERB | BF_EP_NO_BODY};
