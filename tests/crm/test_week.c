/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/week.h"
#include "tests/crm/make.h"

static void FUP_15_a_record_counts_in_the_iso_week_of_its_entry(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_times; i++) {
        struct bf_week w;
        assert_true(bf_week_of(bf_strz(time_table[i].zone), time_table[i].at, &w));
        assert_string_equal(w.text, time_table[i].week);
        char text[32];
        snprintf(text, sizeof text, "%d-W%02d", w.year, w.week);
        assert_string_equal(text, w.text);
    }
}

static void FUP_15_the_week_begins_on_monday_at_midnight_in_the_zone(void **state)
{
    (void)state;
    struct bf_week w;
    assert_true(bf_week_of(BF_STR("Asia/Shanghai"), instant("2026-11-22T15:59:59.999Z"), &w));
    assert_string_equal(w.text, "2026-W47");
    assert_true(bf_week_of(BF_STR("Asia/Shanghai"), instant("2026-11-22T16:00:00.000Z"), &w));
    assert_string_equal(w.text, "2026-W48");
}

static void a_week_needs_a_known_zone_and_a_year_of_four_digits(void **state)
{
    (void)state;
    struct bf_week w;
    assert_false(bf_week_of(BF_STR("Nowhere/City"), 0, &w));
    assert_false(bf_week_of(BF_STR("UTC"), INT64_C(253402300800000) + 7 * INT64_C(86400000), &w)); /* in the year 10000 */
}

static void FUP_15_what_the_week_still_needs_is_never_negative(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    assert_int_equal(bf_week_missing(policy, 0), 5);
    assert_int_equal(bf_week_missing(policy, 4), 1);
    assert_int_equal(bf_week_missing(policy, 5), 0);
    assert_int_equal(bf_week_missing(policy, 9), 0);
}

int test_week(void)
{
    const struct CMUnitTest week[] = {
        cmocka_unit_test(FUP_15_a_record_counts_in_the_iso_week_of_its_entry),
        cmocka_unit_test(FUP_15_the_week_begins_on_monday_at_midnight_in_the_zone),
        cmocka_unit_test(a_week_needs_a_known_zone_and_a_year_of_four_digits),
        cmocka_unit_test(FUP_15_what_the_week_still_needs_is_never_negative),
    };
    return cmocka_run_group_tests(week, with_arena, without_arena);
}
