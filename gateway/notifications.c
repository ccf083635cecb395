/* SPDX-License-Identifier: Apache-2.0 */
/* What a person was told, and what became of it there: the first time that it was opened, and acted upon. */
#include "gateway/internal.h"

static void list_notifications(struct bf_call *call, void *service)
{
    static const struct bf_list list = {.subject = BF_SUBJECT_NOTIFICATION,
                                        .coll = &bf_notifications,
                                        .customer_row = BF_ROW_NONE,
                                        .own = &bf_notifications_by_user,
                                        .all = &bf_notifications_by_user,
                                        .descending = true};
    (void)service;
    bf__list(call, &list);
}

struct mark {
    int64_t now_ms;
    unsigned row;
};

static void set_once(struct bf_object *notification, unsigned row, int64_t now_ms)
{
    if (!bf_has(notification, row))
        bf_set_int(notification, row, now_ms);
}

/* Who acts upon it has opened it. */
static enum bf_status apply_mark(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                 const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct mark *mark = ctx;
    (void)view, (void)d, (void)arena, (void)before, (void)patch, (void)e;
    set_once(&after->object, BF_NOTIFICATION_OPENED_AT, mark->now_ms);
    set_once(&after->object, mark->row, mark->now_ms);
    return BF_OK;
}

static void mark_notification(struct bf_call *call, unsigned row)
{
    struct mark *mark = bf_arena_calloc(call->arena, 1, sizeof *mark);
    struct bf_change change = {
        .subject = BF_SUBJECT_NOTIFICATION, .coll = &bf_notifications, .parent_row = BF_ROW_NONE, .apply = apply_mark, .ctx = mark};
    struct bf_error e = {0};
    *mark = (struct mark){.now_ms = call->now_ms, .row = row};
    if (bf_call_id(call, "id", &change.id, &e) == BF_OK)
        bf__verb(call, BF_ACTION_CHANGE, &change, NULL);
    else
        bf_call_fail(call, &e);
}

static void opened(struct bf_call *call, void *service)
{
    (void)service;
    mark_notification(call, BF_NOTIFICATION_OPENED_AT);
}

static void acted(struct bf_call *call, void *service)
{
    (void)service;
    mark_notification(call, BF_NOTIFICATION_ACTED_AT);
}

const struct bf_endpoint bf__notifications_list = {.run = list_notifications};
const struct bf_endpoint bf__notifications_opened = {.run = opened, .flags = BF_EP_VERB | BF_EP_NO_BODY};
const struct bf_endpoint bf__notifications_acted = {.run = acted, .flags = BF_EP_VERB | BF_EP_NO_BODY};
