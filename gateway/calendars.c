/* SPDX-License-Identifier: Apache-2.0 */
/* The years of the company's working-day calendar (G-02). Each is there before anybody stores it: as it was shipped, or as one whose days are not known. */
#include "crm/calendar.h"
#include "gateway/internal.h"

struct year {
    struct bf_call *call;
    int year;
};

/* `year` of the path: four digits. */
static enum bf_status read_year(struct bf_call *call, int *ret, struct bf_error *e)
{
    struct bf_str text = bf_request_param(call->req, "year");
    uint64_t year = 0;
    if (text.n != 4 || !bf_str_u64(text, BF_CALENDAR_YEAR_MAX, &year) || year < BF_CALENDAR_YEAR_MIN)
        return bf_fail(e, BF_E_NOT_FOUND, "a year from %d to %d", BF_CALENDAR_YEAR_MIN, BF_CALENDAR_YEAR_MAX);
    *ret = (int)year;
    return BF_OK;
}

static struct bf_doc *whole(struct bf_arena *arena, const struct bf_doc *stored, void *ctx)
{
    const struct year *y = ctx;
    struct bf_uuid tenant = y->call->caller.tenant;
    struct bf_doc *doc = stored != NULL ? bf_doc_copy(arena, stored) : bf_doc_create(arena, &bf_calendar_schema, tenant, bf_id_calendar(tenant, y->year));
    bf_calendar_fill(arena, &doc->object, y->year);
    return doc;
}

static void read_calendar(struct bf_call *call, void *service)
{
    struct year y = {.call = call};
    struct bf_uuid tenant = call->caller.tenant;
    struct bf_doc *doc = NULL;
    struct bf_error e = {0};
    (void)service;
    enum bf_status status = read_year(call, &y.year, &e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_calendars, tenant, bf_id_calendar(tenant, y.year), call->arena, &doc, &e);
    if (status == BF_OK) {
        doc = whole(call->arena, doc, &y);
        status = bf_authorize(&call->caller, BF_SUBJECT_CALENDAR, BF_ACTION_READ, &bf_calendars, doc, &e);
    }
    if (status == BF_OK)
        bf_call_doc(call, BF_SUBJECT_CALENDAR, doc);
    else
        bf_call_fail(call, &e);
}

static enum bf_status apply(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                            const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    const struct year *y = ctx;
    (void)view, (void)d;
    return bf_calendar_change(arena, &before->object, patch, &after->object, y->call->now_ms, e);
}

static void change_calendar(struct bf_call *call, void *service)
{
    struct year *y = bf_arena_calloc(call->arena, 1, sizeof *y);
    struct bf_error e = {0};
    (void)service;
    y->call = call;
    if (read_year(call, &y->year, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf__patch(call, &(struct bf_change){.subject = BF_SUBJECT_CALENDAR,
                                        .coll = &bf_calendars,
                                        .parent_row = BF_ROW_NONE,
                                        .id = bf_id_calendar(call->caller.tenant, y->year),
                                        .apply = apply,
                                        .whole = whole,
                                        .ctx = y});
}

const struct bf_endpoint bf__calendars_read = {.run = read_calendar}, bf__calendars_change = {.run = change_calendar};
