/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/timeliness.h"
#include "tests/crm/make.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

#define SHANGHAI BF_STR("Asia/Shanghai")

/* Happened at 10:00 in Shanghai; captured and received `captured` later, skew 0. */
static struct bf_clocks clocks(const char *captured)
{
    int64_t at = instant(captured);
    return (struct bf_clocks){.happened_at = instant("2026-11-20T02:00:00.000Z"), .captured_at = at, .received_at = at, .skew_known = true};
}

static struct bf_timeliness judge(void **state, const struct bf_clocks *c)
{
    struct bf_timeliness t;
    assert_true(bf_timeliness_judge(bf_policy_create(*state), SHANGHAI, c, &t));
    return t;
}

static bool is_timely(void **state, const char *captured)
{
    struct bf_clocks c = clocks(captured);
    return judge(state, &c).timely;
}

static void ENT_03_the_same_day_and_the_next_morning_are_in_time(void **state)
{
    assert_true(is_timely(state, "2026-11-20T02:00:00.000Z"));
    assert_true(is_timely(state, "2026-11-20T15:59:59.999Z"));
    assert_true(is_timely(state, "2026-11-21T03:59:59.999Z"));
    assert_true(is_timely(state, "2026-11-21T04:00:00.000Z")); /* 12:00 in Shanghai */
    assert_false(is_timely(state, "2026-11-21T04:00:00.001Z"));
    assert_false(is_timely(state, "2026-11-22T02:00:00.000Z"));
}

static void G_02_the_day_is_the_tenants(void **state)
{
    /* 00:30 in Shanghai on the 21st is still the 20th in London. */
    struct bf_clocks c = clocks("2026-11-21T12:00:00.001Z");
    struct bf_timeliness t;
    c.happened_at = instant("2026-11-20T16:30:00.000Z");
    assert_true(judge(state, &c).timely);
    assert_true(bf_timeliness_judge(bf_policy_create(*state), BF_STR("Europe/London"), &c, &t));
    assert_false(t.timely);
    assert_false(bf_timeliness_judge(bf_policy_create(*state), BF_STR("Europe/Nowhere"), &c, &t));
}

static void G_02_noon_of_the_next_day_is_right_in_every_zone(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    for (size_t i = 0; i < n_times; i++) {
        const struct time_row *row = &time_table[i];
        struct bf_clocks c = {.happened_at = row->at, .captured_at = row->noon, .received_at = row->noon, .skew_known = true};
        struct bf_timeliness t;
        assert_true(bf_timeliness_judge(policy, bf_strz(row->zone), &c, &t));
        if (t.deadline_at != row->noon)
            fail_msg("%s %lld: %lld, not %lld", row->zone, (long long)row->at, (long long)t.deadline_at, (long long)row->noon);
        assert_true(t.timely);
    }
}

static void ENT_03_the_hour_is_the_policys(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    struct bf_clocks c = clocks("2026-11-21T01:00:00.001Z");
    struct bf_timeliness t;
    bf_set_int(policy, BF_POLICY_TIMELY_NEXT_DAY_HOUR, 9);
    assert_true(bf_timeliness_judge(policy, SHANGHAI, &c, &t));
    assert_false(t.timely);
    c.captured_at = c.received_at = c.captured_at - 1;
    assert_true(bf_timeliness_judge(policy, SHANGHAI, &c, &t));
    assert_true(t.timely);
}

static void G_01_a_skew_under_5_minutes_is_trusted(void **state)
{
    static const int64_t skews[] = {0, 5 * MINUTE - 1, -5 * MINUTE + 1};
    for (size_t i = 0; i < sizeof skews / sizeof *skews; i++) {
        struct bf_clocks c = clocks("2026-11-21T04:00:00.000Z");
        c.skew_ms = skews[i];
        assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CAPTURED);
        assert_int_equal(judge(state, &c).entered_at, c.captured_at);
        assert_true(judge(state, &c).timely);
    }
}

static void G_01_a_greater_skew_is_corrected_by_the_measured_offset(void **state)
{
    struct bf_clocks c = clocks("2026-11-21T04:05:00.000Z");
    c.skew_ms = 5 * MINUTE; /* the phone is ahead: it was 12:00 */
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CORRECTED);
    assert_int_equal(judge(state, &c).entered_at, instant("2026-11-21T04:00:00.000Z"));
    assert_true(judge(state, &c).timely);
    c = clocks("2026-11-21T03:55:00.001Z");
    c.received_at += 10 * MINUTE;
    c.skew_ms = -5 * MINUTE; /* the phone is behind: it was past 12:00 */
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CORRECTED);
    assert_false(judge(state, &c).timely);
}

/* The visit's own time is a reading of the same clock. */
static void G_01_the_offset_is_taken_off_the_visits_time_too(void **state)
{
    struct bf_clocks c = clocks("2026-11-21T04:00:00.000Z");
    c.skew_ms = -24 * HOUR; /* a day behind: the visit was on the 21st, and captured at 12:00 of the 22nd in Shanghai */
    c.received_at = instant("2026-11-22T04:00:00.000Z");
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CORRECTED);
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-22T04:00:00.000Z"));
    assert_true(judge(state, &c).timely);
    c.skew_ms = 24 * HOUR; /* a day ahead: the visit was on the 19th */
    c.captured_at = instant("2026-11-21T04:00:00.001Z");
    c.received_at = instant("2026-11-20T04:00:00.001Z");
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CORRECTED);
    assert_false(judge(state, &c).timely);
    c.skew_ms = 4 * MINUTE; /* trusted: nothing is taken off */
    c.happened_at = instant("2026-11-19T16:02:00.000Z");
    c.received_at = c.captured_at;
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-21T04:00:00.000Z"));
}

static void G_01_a_record_received_within_72_hours_is_judged_by_the_phone(void **state)
{
    struct bf_clocks c = clocks("2026-11-20T03:00:00.000Z");
    c.received_at = c.captured_at + 72 * HOUR;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CAPTURED);
    assert_true(judge(state, &c).timely);
    c.received_at++;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
    assert_int_equal(judge(state, &c).entered_at, c.received_at);
    assert_false(judge(state, &c).timely);
}

/* The 72 hours, too, are between the corrected capture and the receipt. */
static void G_01_the_72_hours_begin_at_the_corrected_capture(void **state)
{
    struct bf_clocks c = clocks("2026-11-20T03:00:00.000Z");
    c.skew_ms = HOUR;
    c.received_at = c.captured_at + 71 * HOUR;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CORRECTED);
    c.received_at++;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
}

static void G_01_without_a_measured_skew_the_server_decides(void **state)
{
    struct bf_clocks c = clocks("2026-11-20T03:00:00.000Z");
    c.skew_known = false;
    c.received_at += 48 * HOUR;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
    assert_false(judge(state, &c).timely);
}

static void G_01_a_capture_after_its_receipt_is_not_believed(void **state)
{
    struct bf_clocks c = clocks("2026-11-20T03:00:00.000Z");
    c.received_at = c.captured_at - 5 * MINUTE + 1;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_CAPTURED);
    c.received_at--;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
}

/* Captured with a clock ahead that was right again when it was sent: nobody knows by how much, so the visit counts as of its receipt. */
static void G_01_a_visit_is_not_later_than_its_receipt(void **state)
{
    struct bf_clocks c = clocks("2026-11-22T03:00:00.000Z");
    c.happened_at = c.captured_at;
    c.received_at = instant("2026-11-20T03:00:00.000Z");
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-21T04:00:00.000Z"));
    assert_true(judge(state, &c).timely);
    c.happened_at = instant("2026-11-18T03:00:00.000Z");
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-19T04:00:00.000Z"));
    assert_false(judge(state, &c).timely);
}

/* A day behind when it was sent, and right when it was captured: the day is not put on the visit's time. */
static void G_01_an_offset_that_is_not_the_captures_is_not_taken_off(void **state)
{
    struct bf_clocks c = clocks("2026-11-21T05:00:00.000Z");
    c.skew_ms = -24 * HOUR;
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-21T04:00:00.000Z"));
    assert_false(judge(state, &c).timely);
}

/* Three days ahead, and 74 hours on its way: the visit was on Monday, whatever the phone says. */
static void G_01_the_offset_is_taken_off_a_record_that_was_long_on_its_way(void **state)
{
    struct bf_clocks c = clocks("2026-11-19T02:00:00.000Z");
    c.happened_at = c.captured_at;
    c.skew_ms = 72 * HOUR;
    c.received_at = instant("2026-11-19T04:00:00.000Z");
    assert_int_equal(judge(state, &c).by, BF_TIMELY_BY_IS_RECEIVED);
    assert_int_equal(judge(state, &c).deadline_at, instant("2026-11-17T04:00:00.000Z"));
    assert_false(judge(state, &c).timely);
}

static void G_01_skew_is_the_phones_clock_minus_the_servers(void **state)
{
    (void)state;
    assert_int_equal(bf_clock_skew(1000, 400), 600);
    assert_int_equal(bf_clock_skew(400, 1000), -600);
}

static void G_01_the_clocks_of_a_visit_are_read_from_it(void **state)
{
    struct bf_object *visit = bf_object_create(*state, &bf_visit_schema);
    bf_set_int(visit, BF_VISIT_HAPPENED_AT, 1);
    bf_set_int(visit, BF_VISIT_CAPTURED_AT, 2);
    bf_set_int(visit, BF_VISIT_RECEIVED_AT, 3);
    struct bf_clocks c = bf_clocks_of_visit(visit);
    assert_true(c.happened_at == 1 && c.captured_at == 2 && c.received_at == 3 && !c.skew_known);
    bf_set_int(visit, BF_VISIT_CLOCK_SKEW_MS, 0);
    assert_true(bf_clocks_of_visit(visit).skew_known);
}

int test_timeliness(void)
{
    const struct CMUnitTest timeliness[] = {
        cmocka_unit_test(ENT_03_the_same_day_and_the_next_morning_are_in_time),
        cmocka_unit_test(G_02_the_day_is_the_tenants),
        cmocka_unit_test(G_02_noon_of_the_next_day_is_right_in_every_zone),
        cmocka_unit_test(ENT_03_the_hour_is_the_policys),
        cmocka_unit_test(G_01_a_skew_under_5_minutes_is_trusted),
        cmocka_unit_test(G_01_a_greater_skew_is_corrected_by_the_measured_offset),
        cmocka_unit_test(G_01_the_offset_is_taken_off_the_visits_time_too),
        cmocka_unit_test(G_01_a_record_received_within_72_hours_is_judged_by_the_phone),
        cmocka_unit_test(G_01_the_72_hours_begin_at_the_corrected_capture),
        cmocka_unit_test(G_01_without_a_measured_skew_the_server_decides),
        cmocka_unit_test(G_01_a_capture_after_its_receipt_is_not_believed),
        cmocka_unit_test(G_01_a_visit_is_not_later_than_its_receipt),
        cmocka_unit_test(G_01_an_offset_that_is_not_the_captures_is_not_taken_off),
        cmocka_unit_test(G_01_the_offset_is_taken_off_a_record_that_was_long_on_its_way),
        cmocka_unit_test(G_01_skew_is_the_phones_clock_minus_the_servers),
        cmocka_unit_test(G_01_the_clocks_of_a_visit_are_read_from_it),
    };
    return cmocka_run_group_tests(timeliness, with_arena, without_arena);
}
