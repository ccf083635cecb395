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

static void add_each(struct bf__names *names, struct bf_array items, unsigned row)
{
    for (unsigned i = 0; i < items.n; i++)
        bf__names_add_user(names, bf_get_uuid(items.items[i].object, row));
}

void bf__names_add_contract(struct bf__names *names, const struct bf_object *contract)
{
    static const unsigned users[] = {BF_CONTRACT_UPLOADER, BF_CONTRACT_REVIEWER, BF_CONTRACT_RESERVED_FOR};
    const struct bf_object *rejection = bf_get_object(contract, BF_CONTRACT_REJECTION);
    names->any_customer = true;
    bf__names_add_customer(names, bf_get_uuid(contract, BF_CONTRACT_CUSTOMER));
    for (unsigned i = 0; i < sizeof users / sizeof *users; i++)
        bf__names_add_user(names, bf_get_uuid(contract, users[i]));
    if (rejection != NULL)
        bf__names_add_user(names, bf_get_uuid(rejection, BF_REJECTION_BY));
    add_each(names, bf_get_array(contract, BF_CONTRACT_MARKS), BF_MARK_BY);
    add_each(names, bf_get_array(contract, BF_CONTRACT_CORRECTIONS), BF_CORRECTION_BY);
}
