/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/reminder.h"
#include "tests/crm/make.h"

enum { PLANNED = BF_REMINDER_STATE_IS_PLANNED, SENT = BF_REMINDER_STATE_IS_SENT, DONE = BF_REMINDER_STATE_IS_DONE };
enum { CANCELLED = BF_REMINDER_STATE_IS_CANCELLED, NO = -1 };

static void REM_02_each_state_allows_what_its_picture_shows(void **state)
{
    static const int expected[BF_REMINDER_STATE_WORDS_N][BF_REMINDER_VERBS] = {
        /*               send  done  cancel     snooze   change */
        [PLANNED] =     {SENT, DONE, CANCELLED, PLANNED, PLANNED},
        [SENT] =        {NO,   DONE, CANCELLED, PLANNED, NO},
        [DONE] =        {NO,   NO,   NO,        NO,      NO},
        [CANCELLED] =   {NO,   NO,   NO,        NO,      NO},
    };
    (void)state;
    for (int from = 0; from < BF_REMINDER_STATE_WORDS_N; from++)
        for (int verb = 0; verb < BF_REMINDER_VERBS; verb++)
            assert_int_equal(bf_reminder_next(from, (enum bf_reminder_verb)verb), expected[from][verb]);
}

static struct bf_reminder_clock clock_at(struct bf_arena *arena, const char *now)
{
    return (struct bf_reminder_clock){.policy = bf_policy_create(arena), .zone = BF_STR("Asia/Shanghai"), .now_ms = instant(now)};
}

/* Made at 10:00 in Shanghai. */
static struct bf_object *planned(struct bf_arena *arena, const char *fields)
{
    struct bf_reminder_clock clock = clock_at(arena, "2026-11-20T02:00:00.000Z");
    struct bf_object *reminder = make(arena, &bf_reminder_schema, bf_arena_printf(arena, "{\"text\":\"回访\",%s}", fields));
    struct bf_error e = {0};
    assert_int_equal(bf_reminder_plan(reminder, &clock, &e), BF_OK);
    return reminder;
}

static int64_t send_at(const struct bf_object *reminder) { return bf_get_int(reminder, BF_REMINDER_SEND_AT); }

static void G_23_a_new_reminder_says_when_it_will_be_sent(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T22:00\"");
    assert_int_equal(bf_get_int(r, BF_REMINDER_DUE_AT), instant("2026-11-25T14:00:00.000Z"));
    assert_int_equal(send_at(r), instant("2026-11-26T00:00:00.000Z"));
    assert_int_equal(bf_get_enum(r, BF_REMINDER_STATE), PLANNED);
    assert_int_equal(bf_get_int(r, BF_REMINDER_SNOOZES), 0);
    assert_int_equal(bf_get_int(r, BF_REMINDER_CREATED_AT), instant("2026-11-20T02:00:00.000Z"));
    assert_true(bf_str_eqz(bf_get_str(r, BF_REMINDER_TZ), "Asia/Shanghai"));
}

static void G_23_who_chose_to_be_woken_is_told_in_quiet_hours(void **state)
{
    assert_int_equal(send_at(planned(*state, "\"due\":\"2026-11-25T22:00\",\"wake\":true")), instant("2026-11-25T14:00:00.000Z"));
}

/* 22:00 in London is 06:00 in Shanghai, where the person sleeps until 8. */
static void G_12_quiet_hours_are_the_persons_not_the_reminders(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T22:00\",\"tz\":\"Europe/London\"");
    assert_int_equal(bf_get_int(r, BF_REMINDER_DUE_AT), instant("2026-11-25T22:00:00.000Z"));
    assert_int_equal(send_at(r), instant("2026-11-26T00:00:00.000Z"));
    r = planned(*state, "\"due\":\"2026-11-25T04:00\",\"tz\":\"Europe/London\"");
    assert_int_equal(send_at(r), instant("2026-11-25T04:00:00.000Z"));
}

static void a_reminder_that_came_late_is_sent_now(void **state)
{
    assert_int_equal(send_at(planned(*state, "\"due\":\"2026-11-19T10:00\"")), instant("2026-11-20T02:00:00.000Z"));
}

static void sending_and_settling_keep_their_times(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T10:00\"");
    struct bf_error e = {0};
    assert_int_equal(bf_reminder_send(r, 11, &e), BF_OK);
    assert_int_equal(bf_get_int(r, BF_REMINDER_SENT_AT), 11);
    assert_int_equal(bf_reminder_send(r, 12, &e), BF_E_CONFLICT);
    assert_int_equal(bf_get_int(r, BF_REMINDER_SENT_AT), 11);
    assert_int_equal(bf_reminder_done(r, 13, &e), BF_OK);
    assert_int_equal(bf_get_int(r, BF_REMINDER_DONE_AT), 13);
    assert_int_equal(bf_get_enum(r, BF_REMINDER_STATE), DONE);
    assert_int_equal(bf_reminder_cancel(r, &e), BF_E_CONFLICT);
}

static void REM_02_done_cancels_what_was_planned(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T10:00\"");
    struct bf_error e = {0};
    assert_int_equal(bf_reminder_done(r, 13, &e), BF_OK);
    assert_int_equal(bf_reminder_send(r, 14, &e), BF_E_CONFLICT);
    r = planned(*state, "\"due\":\"2026-11-25T10:00\"");
    assert_int_equal(bf_reminder_cancel(r, &e), BF_OK);
    assert_int_equal(bf_reminder_send(r, 14, &e), BF_E_CONFLICT);
}

static void REM_02_a_snooze_plans_it_again(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T10:00\"");
    struct bf_reminder_clock clock = clock_at(*state, "2026-11-25T02:00:01.000Z");
    struct bf_error e = {0};
    assert_int_equal(bf_reminder_send(r, clock.now_ms, &e), BF_OK);
    bf_set_str(r, BF_REMINDER_DUE, BF_STR("2026-11-25T21:30"));
    assert_int_equal(bf_reminder_snooze(r, &clock, &e), BF_OK);
    assert_int_equal(bf_get_enum(r, BF_REMINDER_STATE), PLANNED);
    assert_int_equal(bf_get_int(r, BF_REMINDER_SNOOZES), 1);
    assert_int_equal(send_at(r), instant("2026-11-26T00:00:00.000Z"));
    assert_false(bf_has(r, BF_REMINDER_SENT_AT));
}

static void a_snooze_leads_ahead(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T10:00\"");
    struct bf_reminder_clock clock = clock_at(*state, "2026-11-25T02:30:00.000Z");
    struct bf_error e = {0};
    bf_set_str(r, BF_REMINDER_DUE, BF_STR("2026-11-25T10:30"));
    assert_int_equal(bf_reminder_snooze(r, &clock, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/due", "in_past"));
    clock.now_ms--;
    assert_int_equal(bf_reminder_snooze(r, &clock, &e), BF_OK);
}

static void a_change_reckons_the_times_anew(void **state)
{
    struct bf_object *r = planned(*state, "\"due\":\"2026-11-25T22:00\""), *patch;
    struct bf_reminder_clock clock = clock_at(*state, "2026-11-20T03:00:00.000Z");
    struct bf_error e = {0};
    r = make_change(*state, r, "{\"wake\":true,\"due\":\"2026-11-26T23:00\"}", &patch);
    assert_int_equal(bf_reminder_change(r, &clock, &e), BF_OK);
    assert_int_equal(send_at(r), instant("2026-11-26T15:00:00.000Z"));
    assert_int_equal(bf_get_int(r, BF_REMINDER_SNOOZES), 0);
}

int test_reminder(void)
{
    const struct CMUnitTest reminder[] = {
        cmocka_unit_test(REM_02_each_state_allows_what_its_picture_shows),
        cmocka_unit_test(G_23_a_new_reminder_says_when_it_will_be_sent),
        cmocka_unit_test(G_23_who_chose_to_be_woken_is_told_in_quiet_hours),
        cmocka_unit_test(G_12_quiet_hours_are_the_persons_not_the_reminders),
        cmocka_unit_test(a_reminder_that_came_late_is_sent_now),
        cmocka_unit_test(sending_and_settling_keep_their_times),
        cmocka_unit_test(REM_02_done_cancels_what_was_planned),
        cmocka_unit_test(REM_02_a_snooze_plans_it_again),
        cmocka_unit_test(a_snooze_leads_ahead),
        cmocka_unit_test(a_change_reckons_the_times_anew),
    };
    return cmocka_run_group_tests(reminder, with_arena, without_arena);
}
