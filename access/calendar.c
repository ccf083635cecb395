/* SPDX-License-Identifier: Apache-2.0 */
#include "access/calendar.h"
#include "crm/ids.h"

static const struct bf_object *kept(const struct bf_doc *doc) { return doc == NULL ? NULL : &doc->object; }

void bf_calendar_reads(struct bf_uuid tenant, const struct bf_calendar *calendar, struct bf_read ret[BF_CALENDAR_YEARS])
{
    for (int i = 0; i < BF_CALENDAR_YEARS; i++)
        ret[i] = (struct bf_read){.coll = &bf_calendars, .id = bf_id_calendar(tenant, calendar->first_year + i)};
}

enum bf_status bf_calendar_load(struct bf_store *store, struct bf_uuid tenant, struct bf_arena *arena, struct bf_calendar *calendar, struct bf_error *e)
{
    struct bf_uuid ids[BF_CALENDAR_YEARS];
    struct bf_doc *docs[BF_CALENDAR_YEARS];
    for (int i = 0; i < BF_CALENDAR_YEARS; i++)
        ids[i] = bf_id_calendar(tenant, calendar->first_year + i);
    enum bf_status status = bf_store_get_many(store, &bf_calendars, tenant, ids, BF_CALENDAR_YEARS, arena, docs, e);
    for (int i = 0; status == BF_OK && i < BF_CALENDAR_YEARS; i++)
        calendar->own[i] = kept(docs[i]);
    return status;
}

void bf_calendar_see(const struct bf_view *view, struct bf_calendar *calendar)
{
    struct bf_uuid tenant = bf_view_tenant(view);
    for (int i = 0; i < BF_CALENDAR_YEARS; i++)
        calendar->own[i] = kept(bf_view_get(view, &bf_calendars, bf_id_calendar(tenant, calendar->first_year + i)));
}
