/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/account.h"
#include "tests/crm/make.h"

static void G_10_a_password_is_changed_every_90_days(void **state)
{
    const struct bf_object *policy = bf_policy_create(*state);
    int64_t changed_at = instant("2026-11-20T02:00:00.000Z");
    assert_false(bf_password_is_due(policy, changed_at, changed_at));
    assert_false(bf_password_is_due(policy, changed_at, instant("2027-02-18T01:59:59.999Z")));
    assert_true(bf_password_is_due(policy, changed_at, instant("2027-02-18T02:00:00.000Z")));
}

static void G_10_an_interval_of_0_is_off(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    bf_set_int(policy, BF_POLICY_PASSWORD_DAYS_MAX, 0);
    assert_false(bf_password_is_due(policy, 0, instant("2026-11-20T02:00:00.000Z")));
    bf_set_int(policy, BF_POLICY_PASSWORD_DAYS_MAX, 1);
    assert_true(bf_password_is_due(policy, 0, instant("1970-01-02T00:00:00.000Z")));
}

static void G_10_a_phone_may_idle_for_15_days_and_a_browser_for_30_minutes(void **state)
{
    struct bf_object *policy = bf_policy_create(*state);
    assert_int_equal(bf_session_idle_ms(policy, BF_PLATFORM_IS_ANDROID), 15 * 86400 * INT64_C(1000));
    assert_int_equal(bf_session_idle_ms(policy, BF_PLATFORM_IS_IOS), 15 * 86400 * INT64_C(1000));
    assert_int_equal(bf_session_idle_ms(policy, BF_PLATFORM_IS_WEB), 30 * 60 * 1000);
    assert_int_equal(bf_session_idle_ms(policy, -1), 30 * 60 * 1000);
    bf_set_int(policy, BF_POLICY_IDLE_DAYS_MAX, 2);
    bf_set_int(policy, BF_POLICY_IDLE_WEB_MINUTES_MAX, 7);
    assert_int_equal(bf_session_idle_ms(policy, BF_PLATFORM_IS_IOS), 2 * 86400 * 1000);
    assert_int_equal(bf_session_idle_ms(policy, BF_PLATFORM_IS_WEB), 7 * 60 * 1000);
}

int test_account(void)
{
    const struct CMUnitTest account[] = {
        cmocka_unit_test(G_10_a_password_is_changed_every_90_days),
        cmocka_unit_test(G_10_an_interval_of_0_is_off),
        cmocka_unit_test(G_10_a_phone_may_idle_for_15_days_and_a_browser_for_30_minutes),
    };
    return cmocka_run_group_tests(account, with_arena, without_arena);
}
