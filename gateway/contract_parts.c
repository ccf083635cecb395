/* SPDX-License-Identifier: Apache-2.0 */
/* What requests and jobs about contracts have in common: dates, leases, completeness, names. */
#include "access/calendar.h"
#include "core/arena.h"
#include "gateway/contracts.h"
#include <time.h>

/* ---- time ---- */

enum { YEARS_BEFORE = 1, YEARS_AFTER = 3 };

static int utc_year(int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    return gmtime_r(&s, &tm) == NULL ? BF_CALENDAR_YEAR_MIN : tm.tm_year + 1900;
}

/* By the zone, which is not known yet, it may be the year before or after; a calendar then reaches two years on. */
void bf__review_clock_reads(struct bf_uuid tenant, int64_t now_ms, struct bf_reads *reads)
{
    int year = utc_year(now_ms);
    bf__reads_add(reads, &bf_tenants, tenant);
    bf__reads_add(reads, &bf_policies, bf_id_policy(tenant));
    for (int y = year - YEARS_BEFORE; y <= year + YEARS_AFTER; y++)
        bf__reads_add(reads, &bf_calendars, bf_id_calendar(tenant, y));
}

/* Where no date can be told (a clock beyond all calendars), a day of 24 hours: a review that is due early is better than one that never is. */
struct bf__review_clock bf__review_clock_in(const struct bf_view *view, struct bf_arena *arena, int64_t now_ms)
{
    static const int64_t day_ms = 24 * 3600 * 1000;
    struct bf__review_clock clock = {.company = bf__company_in(view, arena), .due_at = now_ms + day_ms, .reserved_until = now_ms};
    const struct bf_object *policy = clock.company.policy;
    struct bf_calendar calendar;
    struct bf_due due = {.at = clock.due_at}, reserved = {.at = now_ms};
    clock.lease_ms = bf_get_int(policy, BF_POLICY_REVIEW_LEASE_MINUTES) * 60000;
    if (!bf_calendar_begin(policy, clock.company.zone, now_ms, &calendar))
        return clock;
    bf_calendar_see(view, &calendar);
    bf_calendar_after_days(&calendar, now_ms, (unsigned)bf_get_int(policy, BF_POLICY_REVIEW_DUE_DAYS), &due);
    bf_calendar_after_hours(&calendar, now_ms, (unsigned)bf_get_int(policy, BF_POLICY_REVIEW_RESERVED_HOURS), &reserved);
    clock.due_at = due.at;
    clock.reserved_until = reserved.at;
    return clock;
}

/* ---- leases ---- */

void bf__lease_reads(struct bf_uuid contract, struct bf_reads *reads) { bf__reads_add(reads, &bf_leases, contract); }

struct bf_contract_step bf__step_of(const struct bf_doc *contract, const struct bf_doc *lease, struct bf_uuid who, int64_t now_ms)
{
    struct bf_contract_step step = {.who = who, .now_ms = now_ms};
    if (lease != NULL && bf_get_int(&lease->object, BF_LEASE_CLAIM) == bf_get_int(&contract->object, BF_CONTRACT_CLAIM))
        step.renewed_until = bf_get_int(&lease->object, BF_LEASE_UNTIL);
    return step;
}

struct bf_contract_step bf__step_in(const struct bf_view *view, const struct bf_doc *contract, struct bf_uuid who, int64_t now_ms)
{
    return bf__step_of(contract, bf_view_get(view, &bf_leases, contract->id), who, now_ms);
}

/* ---- completeness ---- */

void bf__complete_if_ready(const struct bf_view *view, struct bf_doc *contract, const struct bf_contract_step *step, const struct bf__review_clock *clock)
{
    struct bf_array pages = bf_get_array(&contract->object, BF_CONTRACT_PAGES);
    for (unsigned i = 0; i < pages.n; i++) {
        const struct bf_doc *media = bf_view_get(view, &bf_media, bf_get_uuid(pages.items[i].object, BF_CONTRACT_PAGE_MEDIA));
        if (media == NULL || media->tombstone || bf_get_enum(&media->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_READY)
            return;
    }
    bf_contract_complete(&contract->object, step, clock->due_at, clock->reserved_until);
}

/* ---- names ---- */

static void add_id(struct bf_uuid *ids, unsigned *n, struct bf_uuid id)
{
    for (unsigned i = 0; i < *n; i++)
        if (bf_uuid_eq(&ids[i], &id))
            return;
    if (!bf_uuid_is_zero(&id) && *n < BF__CONTRACT_NAMES_MAX)
        ids[(*n)++] = id;
}

void bf__names_add_user(struct bf__names *names, struct bf_uuid user) { add_id(names->users, &names->n_users, user); }

static void add_each(struct bf__names *names, struct bf_array items, unsigned row)
{
    for (unsigned i = 0; i < items.n; i++)
        bf__names_add_user(names, bf_get_uuid(items.items[i].object, row));
}

void bf__names_add(struct bf__names *names, const struct bf_object *contract)
{
    static const unsigned users[] = {BF_CONTRACT_UPLOADER, BF_CONTRACT_REVIEWER, BF_CONTRACT_RESERVED_FOR};
    const struct bf_object *rejection = bf_get_object(contract, BF_CONTRACT_REJECTION);
    add_id(names->customers, &names->n_customers, bf_get_uuid(contract, BF_CONTRACT_CUSTOMER));
    for (unsigned i = 0; i < sizeof users / sizeof *users; i++)
        bf__names_add_user(names, bf_get_uuid(contract, users[i]));
    if (rejection != NULL)
        bf__names_add_user(names, bf_get_uuid(rejection, BF_REJECTION_BY));
    add_each(names, bf_get_array(contract, BF_CONTRACT_MARKS), BF_MARK_BY);
    add_each(names, bf_get_array(contract, BF_CONTRACT_CORRECTIONS), BF_CORRECTION_BY);
}

static enum bf_status write_of(struct bf_call *call, const struct bf_collection *coll, const struct bf_uuid *ids, unsigned n, unsigned row, struct bf_jw *w,
                               struct bf_error *e)
{
    struct bf_doc **docs = bf_arena_calloc(call->arena, n + 1, sizeof *docs);
    enum bf_status status = bf_store_get_many(call->store, coll, call->caller.tenant, ids, n, call->arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        char key[BF_UUID_TEXT];
        if (docs[i] == NULL || docs[i]->tombstone)
            continue;
        bf_uuid_text(&ids[i], key);
        bf_jw_key(w, key);
        bf_jw_str(w, bf_get_str(&docs[i]->object, row));
    }
    return status;
}

enum bf_status bf__names_write(struct bf_call *call, const struct bf__names *names, struct bf_jw *w, struct bf_error *e)
{
    bf_jw_key(w, "names");
    bf_jw_object(w);
    enum bf_status status = write_of(call, &bf_users, names->users, names->n_users, BF_USER_NAME, w, e);
    if (status == BF_OK)
        status = write_of(call, &bf_customers, names->customers, names->n_customers, BF_CUSTOMER_NAME, w, e);
    bf_jw_end_object(w);
    return status;
}
