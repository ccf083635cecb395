/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/quiet.h"
#include "tests/crm/make.h"

#define SHANGHAI BF_STR("Asia/Shanghai")

static int64_t sent(void **state, const char *due) { return bf_quiet_send_at(bf_policy_create(*state), SHANGHAI, instant(due), 0, false); }

static void G_12_from_21_to_8_reminders_wait_until_8(void **state)
{
    assert_int_equal(sent(state, "2026-11-20T12:59:59.999Z"), instant("2026-11-20T12:59:59.999Z"));
    assert_int_equal(sent(state, "2026-11-20T13:00:00.000Z"), instant("2026-11-21T00:00:00.000Z")); /* 21:00 */
    assert_int_equal(sent(state, "2026-11-20T15:59:00.000Z"), instant("2026-11-21T00:00:00.000Z"));
    assert_int_equal(sent(state, "2026-11-20T16:00:00.000Z"), instant("2026-11-21T00:00:00.000Z")); /* midnight */
    assert_int_equal(sent(state, "2026-11-20T23:59:59.999Z"), instant("2026-11-21T00:00:00.000Z"));
    assert_int_equal(sent(state, "2026-11-21T00:00:00.000Z"), instant("2026-11-21T00:00:00.000Z")); /* 8:00 */
}

static void G_12_the_end_is_right_in_every_zone(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    for (size_t i = 0; i < n_times; i++) {
        const struct time_row *row = &time_table[i];
        bf_set_int(policy, BF_POLICY_QUIET_FROM_HOUR, 21);
        bf_set_int(policy, BF_POLICY_QUIET_TO_HOUR, 8);
        assert_int_equal(bf_quiet_send_at(policy, bf_strz(row->zone), row->at, 0, false), row->sent_21_to_8);
        assert_int_equal(bf_quiet_contains(policy, bf_strz(row->zone), row->at), row->sent_21_to_8 != row->at);
        bf_set_int(policy, BF_POLICY_QUIET_FROM_HOUR, 23);
        bf_set_int(policy, BF_POLICY_QUIET_TO_HOUR, 2);
        int64_t at = bf_quiet_send_at(policy, bf_strz(row->zone), row->at, 0, false);
        if (at != row->sent_23_to_2)
            fail_msg("%s %lld: %lld, not %lld", row->zone, (long long)row->at, (long long)at, (long long)row->sent_23_to_2);
    }
}

static void G_12_what_was_quiet_is_over_when_it_is_sent(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    for (size_t i = 0; i < n_times; i++) {
        struct bf_str zone = bf_strz(time_table[i].zone);
        assert_false(bf_quiet_contains(policy, zone, bf_quiet_send_at(policy, zone, time_table[i].at, 0, false)));
    }
}

static void G_23_a_person_may_choose_to_be_woken(void **state)
{
    int64_t due = instant("2026-11-20T16:00:00.000Z");
    assert_int_equal(bf_quiet_send_at(bf_policy_create(*state), SHANGHAI, due, 0, true), due);
}

static void G_12_what_is_late_is_sent_now_unless_now_is_quiet(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    int64_t due = instant("2026-11-20T02:00:00.000Z"), noon = instant("2026-11-21T04:00:00.000Z");
    assert_int_equal(bf_quiet_send_at(policy, SHANGHAI, due, noon, false), noon);
    assert_int_equal(bf_quiet_send_at(policy, SHANGHAI, due, instant("2026-11-20T14:00:00.000Z"), false),
                     instant("2026-11-21T00:00:00.000Z"));
}

static void G_12_quiet_hours_may_lie_within_a_day_or_not_at_all(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    bf_set_int(policy, BF_POLICY_QUIET_FROM_HOUR, 12);
    bf_set_int(policy, BF_POLICY_QUIET_TO_HOUR, 14);
    assert_false(bf_quiet_contains(policy, SHANGHAI, instant("2026-11-20T03:59:59.999Z")));
    assert_true(bf_quiet_contains(policy, SHANGHAI, instant("2026-11-20T04:00:00.000Z")));
    assert_true(bf_quiet_contains(policy, SHANGHAI, instant("2026-11-20T05:59:59.999Z")));
    assert_false(bf_quiet_contains(policy, SHANGHAI, instant("2026-11-20T06:00:00.000Z")));
    assert_int_equal(bf_quiet_send_at(policy, SHANGHAI, instant("2026-11-20T04:30:00.000Z"), 0, false),
                     instant("2026-11-20T06:00:00.000Z"));
    bf_set_int(policy, BF_POLICY_QUIET_FROM_HOUR, 14);
    for (int hour = 0; hour < 24; hour++)
        assert_false(bf_quiet_contains(policy, SHANGHAI, hour * INT64_C(3600000)));
}

static void G_23_a_skipped_wall_time_is_the_first_instant_after_it(void **state)
{
    (void)state;
    int64_t at;
    assert_true(bf_quiet_due_at(BF_STR("2018-03-11T02:30"), BF_STR("America/New_York"), &at));
    assert_int_equal(at, instant("2018-03-11T07:00:00.000Z")); /* 03:00 EDT */
    assert_true(bf_quiet_due_at(BF_STR("2018-11-04T01:30"), BF_STR("America/New_York"), &at));
    assert_int_equal(at, instant("2018-11-04T05:30:00.000Z")); /* the first, EDT */
    assert_true(bf_quiet_due_at(BF_STR("2026-11-25T09:00"), SHANGHAI, &at));
    assert_int_equal(at, instant("2026-11-25T01:00:00.000Z"));
}

static void a_wall_time_or_zone_that_is_none_has_no_instant(void **state)
{
    (void)state;
    int64_t at;
    assert_false(bf_quiet_due_at(BF_STR("2026-02-29T09:00"), SHANGHAI, &at));
    assert_false(bf_quiet_due_at(BF_STR("2026-02-28"), SHANGHAI, &at));
    assert_false(bf_quiet_due_at(BF_STR("2026-02-28T09:00"), BF_STR("Asia/Nowhere"), &at));
    assert_false(bf_quiet_contains(bf_policy_create(*state), BF_STR("Asia/Nowhere"), 0));
    assert_int_equal(bf_quiet_send_at(bf_policy_create(*state), BF_STR("Asia/Nowhere"), 5, 0, false), 5);
}

int test_quiet(void)
{
    const struct CMUnitTest quiet[] = {
        cmocka_unit_test(G_12_from_21_to_8_reminders_wait_until_8),
        cmocka_unit_test(G_12_the_end_is_right_in_every_zone),
        cmocka_unit_test(G_12_what_was_quiet_is_over_when_it_is_sent),
        cmocka_unit_test(G_23_a_person_may_choose_to_be_woken),
        cmocka_unit_test(G_12_what_is_late_is_sent_now_unless_now_is_quiet),
        cmocka_unit_test(G_12_quiet_hours_may_lie_within_a_day_or_not_at_all),
        cmocka_unit_test(G_23_a_skipped_wall_time_is_the_first_instant_after_it),
        cmocka_unit_test(a_wall_time_or_zone_that_is_none_has_no_instant),
    };
    return cmocka_run_group_tests(quiet, with_arena, without_arena);
}
