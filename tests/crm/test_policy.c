/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crm/make.h"

#define DEFAULT(name, row, value)                                                                                                          \
    static void name(void **state) { assert_int_equal(bf_get_int(bf_policy_create(*state), row), value); }

DEFAULT(FUP_09_a_record_needs_8_units_by_default, BF_POLICY_MIN_UNITS, 8)
DEFAULT(FUP_15_a_week_needs_5_records_by_default, BF_POLICY_WEEK_QUOTA, 5)
DEFAULT(G_02_the_next_morning_ends_at_12_by_default, BF_POLICY_TIMELY_NEXT_DAY_HOUR, 12)
DEFAULT(G_01_a_skew_of_5_minutes_is_the_default_limit, BF_POLICY_SKEW_MS_MAX, 5 * 60 * 1000)
DEFAULT(G_01_a_record_may_take_72_hours_by_default, BF_POLICY_LATE_HOURS_MAX, 72)
DEFAULT(G_12_quiet_begins_at_21_by_default, BF_POLICY_QUIET_FROM_HOUR, 21)
DEFAULT(G_12_quiet_ends_at_8_by_default, BF_POLICY_QUIET_TO_HOUR, 8)
DEFAULT(G_02_a_working_day_begins_at_9_by_default, BF_POLICY_WORK_FROM_HOUR, 9)
DEFAULT(G_02_a_working_day_ends_at_18_by_default, BF_POLICY_WORK_TO_HOUR, 18)
DEFAULT(GRD_02_grade_A_is_followed_every_week, BF_POLICY_CADENCE_DAYS_A, 7)
DEFAULT(GRD_03_grade_B_is_followed_every_two_weeks, BF_POLICY_CADENCE_DAYS_B, 14)
DEFAULT(GRD_04_grade_C_is_followed_every_month, BF_POLICY_CADENCE_DAYS_C, 30)
DEFAULT(G_10_a_password_has_12_characters_by_default, BF_POLICY_PASSWORD_CHARS_MIN, 12)
DEFAULT(G_10_a_user_has_3_devices_by_default, BF_POLICY_DEVICES_MAX, 3)
DEFAULT(G_10_a_password_holds_90_days_by_default, BF_POLICY_PASSWORD_DAYS_MAX, 90)
DEFAULT(G_05_a_claim_holds_30_minutes_by_default, BF_POLICY_REVIEW_LEASE_MINUTES, 30)
DEFAULT(G_05_a_review_is_due_in_1_working_day_by_default, BF_POLICY_REVIEW_DUE_DAYS, 1)
DEFAULT(G_05_a_retake_is_reserved_4_working_hours_by_default, BF_POLICY_REVIEW_RESERVED_HOURS, 4)
DEFAULT(G_10_a_phone_may_idle_for_15_days_by_default, BF_POLICY_IDLE_DAYS_MAX, 15)
DEFAULT(G_10_a_browser_may_idle_for_30_minutes_by_default, BF_POLICY_IDLE_WEB_MINUTES_MAX, 30)
DEFAULT(D_02_a_rep_is_idle_after_14_days_by_default, BF_POLICY_IDLE_REP_DAYS, 14)

static void G_04_a_recording_needs_consent_by_default(void **state)
{
    assert_true(bf_get_bool(bf_policy_create(*state), BF_POLICY_CONSENT_REQUIRED));
}

static bool lists(const struct bf_object *policy, unsigned row, const char *word)
{
    struct bf_array words = bf_get_array(policy, row);
    for (unsigned i = 0; i < words.n; i++)
        if (bf_str_eqz(words.items[i].s, word))
            return true;
    return false;
}

static void FUP_11_the_three_phrases_of_the_rule_are_banned_by_default(void **state)
{
    const struct bf_object *policy = bf_policy_create(*state);
    assert_int_equal(bf_get_array(policy, BF_POLICY_BANNED_PHRASES).n, 3);
    assert_true(lists(policy, BF_POLICY_BANNED_PHRASES, "没找到人"));
    assert_true(lists(policy, BF_POLICY_BANNED_PHRASES, "外出"));
    assert_true(lists(policy, BF_POLICY_BANNED_PHRASES, "沟通"));
}

static void FUP_10_topic_words_name_need_channel_budget_and_progress(void **state)
{
    const struct bf_object *policy = bf_policy_create(*state);
    static const char *const words[] = {"需求", "渠道", "预算", "进展", "need", "channel", "budget", "progress"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_true(lists(policy, BF_POLICY_TOPIC_WORDS, words[i]));
}

/* What the schema allows must hold the defaults too. */
static void every_default_is_within_the_limits_of_its_field(void **state)
{
    const struct bf_object *policy = bf_policy_create(*state);
    for (unsigned row = 0; row < BF_POLICY_ROWS; row++) {
        const struct bf_field *f = &bf_policy_schema.fields[row];
        if (row == BF_POLICY_CHANGED_AT || row == BF_POLICY_REASON)
            continue;
        assert_true(bf_has(policy, row));
        if (f->type == BF_T_INT)
            assert_in_range(bf_get_int(policy, row), f->min, f->max);
        if (f->type == BF_T_ARRAY)
            assert_in_range(bf_get_array(policy, row).n, 0, f->max);
    }
}

static void a_field_that_is_there_keeps_its_value_be_it_nothing(void **state)
{
    struct bf_object *policy =
        make(*state, &bf_policy_schema,
             "{\"min_units\":12,\"week_quota\":0,\"consent_required\":false,\"banned_phrases\":[],\"topic_words\":[]}");
    bf_policy_fill(*state, policy);
    assert_int_equal(bf_get_int(policy, BF_POLICY_MIN_UNITS), 12);
    assert_int_equal(bf_get_int(policy, BF_POLICY_WEEK_QUOTA), 0);
    assert_false(bf_get_bool(policy, BF_POLICY_CONSENT_REQUIRED));
    assert_int_equal(bf_get_array(policy, BF_POLICY_BANNED_PHRASES).n, 0);
    assert_int_equal(bf_get_array(policy, BF_POLICY_TOPIC_WORDS).n, 0);
    assert_int_equal(bf_get_int(policy, BF_POLICY_QUIET_TO_HOUR), 8);
}

static enum bf_status change(struct bf_arena *arena, const struct bf_object *before, const char *json, struct bf_object **ret,
                             struct bf_error *e)
{
    struct bf_object *patch;
    *e = (struct bf_error){0};
    *ret = make_change(arena, before, json, &patch);
    return bf_policy_change(before, patch, *ret, 1700000000000, e);
}

static void ENT_14_a_change_of_the_policy_states_its_reason(void **state)
{
    struct bf_object *before = bf_policy_create(*state), *after;
    struct bf_error e;
    bf_set_str(before, BF_POLICY_REASON, BF_STR("an older reason"));
    assert_int_equal(change(*state, before, "{\"min_units\":9}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    assert_int_equal(change(*state, before, "{\"min_units\":9,\"reason\":\"  \"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_int_equal(change(*state, before, "{\"min_units\":9,\"reason\":\"经理会议\"}", &after, &e), BF_OK);
}

static void G_21_a_change_makes_the_next_version(void **state)
{
    struct bf_object *before = bf_policy_create(*state), *after;
    struct bf_error e;
    assert_int_equal(bf_get_int(before, BF_POLICY_VERSION), 1);
    assert_int_equal(change(*state, before, "{\"min_units\":9,\"reason\":\"经理会议\"}", &after, &e), BF_OK);
    assert_int_equal(bf_get_int(after, BF_POLICY_VERSION), 2);
    assert_int_equal(bf_get_int(after, BF_POLICY_CHANGED_AT), 1700000000000);
    assert_int_equal(bf_get_int(before, BF_POLICY_VERSION), 1);
}

static void a_change_that_changes_nothing_is_refused(void **state)
{
    struct bf_object *before = bf_policy_create(*state), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"min_units\":8,\"reason\":\"again\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "", "no_change"));
}

static void a_phrase_or_word_that_says_nothing_is_refused(void **state)
{
    struct bf_object *before = bf_policy_create(*state), *after;
    struct bf_error e;
    assert_int_equal(
        change(*state, before, "{\"banned_phrases\":[\"外出\",\" 。 \"],\"topic_words\":[\"\"],\"reason\":\"words\"}", &after, &e),
        BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/banned_phrases/1", "blank"));
    assert_true(has_fault(&e, "/topic_words/0", "blank"));
    assert_false(has_fault(&e, "/banned_phrases/0", "blank"));
}

static void G_02_a_working_day_ends_after_it_begins(void **state)
{
    struct bf_object *before = bf_policy_create(*state), *after, *late;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"work_from_hour\":18,\"reason\":\"夜班\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/work_to_hour", "too_small"));
    assert_int_equal(change(*state, before, "{\"work_from_hour\":20,\"work_to_hour\":24,\"reason\":\"夜班\"}", &late, &e), BF_OK);
    /* what is taken away is the default again */
    assert_int_equal(change(*state, late, "{\"work_to_hour\":null,\"reason\":\"恢复\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_int_equal(change(*state, late, "{\"work_to_hour\":null,\"work_from_hour\":null,\"reason\":\"恢复\"}", &after, &e), BF_OK);
}

int test_policy(void)
{
    const struct CMUnitTest policy[] = {
        cmocka_unit_test(FUP_09_a_record_needs_8_units_by_default),
        cmocka_unit_test(FUP_15_a_week_needs_5_records_by_default),
        cmocka_unit_test(G_02_the_next_morning_ends_at_12_by_default),
        cmocka_unit_test(G_01_a_skew_of_5_minutes_is_the_default_limit),
        cmocka_unit_test(G_01_a_record_may_take_72_hours_by_default),
        cmocka_unit_test(G_12_quiet_begins_at_21_by_default),
        cmocka_unit_test(G_12_quiet_ends_at_8_by_default),
        cmocka_unit_test(G_02_a_working_day_begins_at_9_by_default),
        cmocka_unit_test(G_02_a_working_day_ends_at_18_by_default),
        cmocka_unit_test(G_02_a_working_day_ends_after_it_begins),
        cmocka_unit_test(GRD_02_grade_A_is_followed_every_week),
        cmocka_unit_test(GRD_03_grade_B_is_followed_every_two_weeks),
        cmocka_unit_test(GRD_04_grade_C_is_followed_every_month),
        cmocka_unit_test(G_10_a_password_has_12_characters_by_default),
        cmocka_unit_test(G_10_a_user_has_3_devices_by_default),
        cmocka_unit_test(G_10_a_password_holds_90_days_by_default),
        cmocka_unit_test(G_05_a_claim_holds_30_minutes_by_default),
        cmocka_unit_test(G_05_a_review_is_due_in_1_working_day_by_default),
        cmocka_unit_test(G_05_a_retake_is_reserved_4_working_hours_by_default),
        cmocka_unit_test(G_10_a_phone_may_idle_for_15_days_by_default),
        cmocka_unit_test(G_10_a_browser_may_idle_for_30_minutes_by_default),
        cmocka_unit_test(D_02_a_rep_is_idle_after_14_days_by_default),
        cmocka_unit_test(G_04_a_recording_needs_consent_by_default),
        cmocka_unit_test(FUP_11_the_three_phrases_of_the_rule_are_banned_by_default),
        cmocka_unit_test(FUP_10_topic_words_name_need_channel_budget_and_progress),
        cmocka_unit_test(every_default_is_within_the_limits_of_its_field),
        cmocka_unit_test(a_field_that_is_there_keeps_its_value_be_it_nothing),
        cmocka_unit_test(ENT_14_a_change_of_the_policy_states_its_reason),
        cmocka_unit_test(G_21_a_change_makes_the_next_version),
        cmocka_unit_test(a_change_that_changes_nothing_is_refused),
        cmocka_unit_test(a_phrase_or_word_that_says_nothing_is_refused),
    };
    return cmocka_run_group_tests(policy, with_arena, without_arena);
}
