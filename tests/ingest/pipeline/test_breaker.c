/* SPDX-License-Identifier: Apache-2.0 */
#include "core/env.h"
#include "ingest/pipeline/pipeline.h"
#include "tests/test.h"

enum { PAUSE = 1000, PAUSE_MAX = 5000 };

struct rig {
    struct bf_env env;
    struct bf__breaker *breaker;
};

static int open_rig(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    bf_env_fake(&r->env, 1795323600000, 1);
    r->breaker = bf__breaker_create(&r->env, PAUSE, PAUSE_MAX);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;
    bf__breaker_destroy(&r->breaker);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

static void a_provider_that_answers_is_always_asked(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(bf__breaker_enter(r->breaker), 0);
        assert_false(bf__breaker_answered(r->breaker));
    }
}

static void one_that_is_away_is_left_alone_and_then_asked_by_one_at_a_time(void **state)
{
    struct rig *r = *state;
    assert_int_equal(bf__breaker_enter(r->breaker), 0);
    assert_int_equal(bf__breaker_away(r->breaker, 0), PAUSE);
    assert_int_equal(bf__breaker_enter(r->breaker), PAUSE);
    bf_env_fake_advance(&r->env, PAUSE - 1);
    assert_int_equal(bf__breaker_enter(r->breaker), 1);
    bf_env_fake_advance(&r->env, 1);
    assert_int_equal(bf__breaker_enter(r->breaker), 0);     /* this one tries */
    assert_int_equal(bf__breaker_enter(r->breaker), PAUSE); /* the others wait for what comes of it */
}

static void pauses_double_up_to_a_limit_and_begin_anew_after_an_answer(void **state)
{
    struct rig *r = *state;
    static const int64_t pauses[] = {1000, 2000, 4000, 5000, 5000};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        assert_int_equal(bf__breaker_away(r->breaker, 0), pauses[i]);
        bf_env_fake_advance(&r->env, pauses[i]);
        assert_int_equal(bf__breaker_enter(r->breaker), 0);
    }
    assert_true(bf__breaker_answered(r->breaker));
    assert_false(bf__breaker_answered(r->breaker)); /* it closes once */
    assert_int_equal(bf__breaker_away(r->breaker, 0), PAUSE);
}

static void a_provider_may_say_itself_when_to_come_again(void **state)
{
    struct rig *r = *state;
    assert_int_equal(bf__breaker_away(r->breaker, 60000), 60000);
    assert_int_equal(bf__breaker_enter(r->breaker), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_provider_that_answers_is_always_asked, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(one_that_is_away_is_left_alone_and_then_asked_by_one_at_a_time, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(pauses_double_up_to_a_limit_and_begin_anew_after_an_answer, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_provider_may_say_itself_when_to_come_again, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
