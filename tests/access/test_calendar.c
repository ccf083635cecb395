/* SPDX-License-Identifier: Apache-2.0 */
/* The days that a company keeps, out of the store: outside a decision and in one. */
#include "access/calendar.h"
#include "core/arena.h"
#include "core/env.h"
#include "crm/ids.h"
#include "crm/policy.h"
#include "tests/storage/contract/harness.h"
#include "tests/test.h"

static const int64_t new_years_eve = 1798682400000; /* 2026-12-31 10:00 in Shanghai */

struct rig {
    struct bf_env env;
    struct harness *harness;
    struct bf_store *store;
    struct bf_arena *arena;
    struct bf_uuid tenant;
    struct bf_calendar calendar;
    struct bf_due seen; /* in a decision */
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct bf_store_config limits = {.readers = 1, .queue_max = 64, .group_max = 64, .stage_ttl_ms = 3600000, .stage_quota_bytes = 1 << 20};
    bf_env_fake(&r->env, new_years_eve, 1);
    r->harness = harness_create();
    assert_int_equal(harness_open(r->harness, &r->env, &limits, bf_collections, BF_COLLECTIONS, &r->store, NULL), BF_OK);
    r->arena = bf_arena_create();
    r->tenant = bf_uuid_v7(&r->env);
    assert_true(bf_calendar_begin(bf_policy_create(r->arena), BF_STR("Asia/Shanghai"), new_years_eve, &r->calendar));
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    bf_arena_destroy(&r->arena);
    bf_store_close(&r->store);
    harness_destroy(&r->harness);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

static void decide(struct rig *r, bf_decide_fn *fn)
{
    struct bf_read reads[BF_CALENDAR_YEARS];
    struct bf_submission s = {.tenant = r->tenant, .reads = reads, .n_reads = BF_CALENDAR_YEARS, .decide = fn, .ctx = r};
    struct bf_receipt receipt;
    bf_calendar_reads(r->tenant, &r->calendar, reads);
    bf_random(&r->env, &s.request, sizeof s.request);
    assert_int_equal(bf_submit_wait(r->store, &s, r->arena, &receipt, NULL), BF_OK);
    assert_int_equal(receipt.status, BF_OK);
}

/* New Year's Day of 2027 is off: what is due in one working day is due on Monday. */
static enum bf_status keep_a_day(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct rig *r = ctx;
    struct bf_doc *doc = bf_doc_create(arena, &bf_calendar_schema, r->tenant, bf_id_calendar(r->tenant, 2027));
    struct bf_value *day = bf_arena_calloc(arena, 1, sizeof *day);
    (void)view, (void)e;
    *day = (struct bf_value){.type = BF_T_DATE, .s = BF_STR("2027-01-01")};
    bf_set_array(&doc->object, BF_CALENDAR_HOLIDAYS, day, 1);
    bf_decision_put(d, &bf_calendars, doc);
    bf_decision_receipt(d, 200, BF_STR("{}"), doc->id);
    return BF_OK;
}

static enum bf_status see(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct rig *r = ctx;
    struct bf_calendar c = r->calendar;
    (void)arena, (void)e;
    bf_calendar_see(view, &c);
    assert_true(bf_calendar_after_days(&c, new_years_eve, 1, &r->seen));
    bf_decision_receipt(d, 200, BF_STR("{}"), r->tenant);
    return BF_OK;
}

enum { DAY_MS = 86400000 };

static void a_company_that_keeps_nothing_has_no_days_of_its_own(void **state)
{
    struct rig *r = *state;
    assert_int_equal(bf_calendar_load(r->store, r->tenant, r->arena, &r->calendar, NULL), BF_OK);
    for (int i = 0; i < BF_CALENDAR_YEARS; i++)
        assert_null(r->calendar.own[i]);
    decide(r, see);
    assert_int_equal(r->seen.at, new_years_eve + DAY_MS);
    assert_int_equal(r->seen.missing_year, 2027);
}

static void the_days_that_a_company_keeps_are_those_of_its_calendar(void **state)
{
    struct rig *r = *state;
    struct bf_due due;
    decide(r, keep_a_day);
    assert_int_equal(bf_calendar_load(r->store, r->tenant, r->arena, &r->calendar, NULL), BF_OK);
    assert_true(bf_calendar_after_days(&r->calendar, new_years_eve, 1, &due));
    assert_int_equal(due.at, new_years_eve + 4 * (int64_t)DAY_MS);
    assert_int_equal(due.missing_year, 0);
    decide(r, see);
    assert_int_equal(r->seen.at, due.at);
    assert_int_equal(r->seen.missing_year, 0);
}

int main(void)
{
    const struct CMUnitTest calendar[] = {
        cmocka_unit_test_setup_teardown(a_company_that_keeps_nothing_has_no_days_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_days_that_a_company_keeps_are_those_of_its_calendar, set_up, tear_down),
    };
    return cmocka_run_group_tests(calendar, NULL, NULL);
}
