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

static unsigned enter(struct rig *r)
{
    unsigned turn;
    assert_int_equal(bf__breaker_enter(r->breaker, &turn), 0);
    return turn;
}

static int64_t refused(struct rig *r)
{
    unsigned turn;
    int64_t wait = bf__breaker_enter(r->breaker, &turn);
    assert_true(wait > 0 && wait == bf__breaker_wait(r->breaker));
    return wait;
}

static void a_provider_that_answers_is_always_asked(void **state)
{
    struct rig *r = *state;
    bf__breaker_answered(r->breaker, enter(r));
    for (int i = 0; i < 3; i++) {
        unsigned first = enter(r), second = enter(r);
        assert_false(bf__breaker_answered(r->breaker, first));
        assert_false(bf__breaker_answered(r->breaker, second));
        assert_int_equal(bf__breaker_wait(r->breaker), 0);
    }
}

static void the_first_answer_of_a_process_is_news(void **state)
{
    struct rig *r = *state;
    unsigned first = enter(r), second = enter(r);
    assert_true(bf__breaker_answered(r->breaker, first));
    assert_false(bf__breaker_answered(r->breaker, second));
}

static void one_that_is_away_is_left_alone_and_then_asked_by_one_at_a_time_however_long_that_takes(void **state)
{
    struct rig *r = *state;
    bf__breaker_away(r->breaker, enter(r), 0);
    assert_int_equal(refused(r), PAUSE);
    bf_env_fake_advance(&r->env, PAUSE - 1);
    assert_int_equal(refused(r), 1);
    bf_env_fake_advance(&r->env, 1);
    unsigned probe = enter(r);
    assert_int_equal(refused(r), PAUSE);
    bf_env_fake_advance(&r->env, 100 * PAUSE_MAX);
    assert_int_equal(refused(r), PAUSE);
    assert_true(bf__breaker_answered(r->breaker, probe));
    enter(r);
    enter(r);
}

static void pauses_double_up_to_a_limit_and_begin_anew_after_an_answer(void **state)
{
    struct rig *r = *state;
    static const int64_t pauses[] = {1000, 2000, 4000, 5000, 5000};
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        bf__breaker_away(r->breaker, enter(r), 0);
        assert_int_equal(refused(r), pauses[i]);
        bf_env_fake_advance(&r->env, pauses[i]);
    }
    assert_true(bf__breaker_answered(r->breaker, enter(r)));
    bf__breaker_away(r->breaker, enter(r), 0);
    assert_int_equal(refused(r), PAUSE);
}

static void calls_that_fail_together_open_it_once(void **state)
{
    struct rig *r = *state;
    unsigned turns[4];
    for (int i = 0; i < 4; i++)
        turns[i] = enter(r);
    for (int i = 0; i < 4; i++)
        bf__breaker_away(r->breaker, turns[i], 0);
    assert_int_equal(refused(r), PAUSE);
}

static void a_provider_may_say_itself_when_to_come_again_up_to_the_longest_pause(void **state)
{
    struct rig *r = *state;
    bf__breaker_away(r->breaker, enter(r), 3000);
    assert_int_equal(refused(r), 3000);
    bf_env_fake_advance(&r->env, 3000);
    bf__breaker_away(r->breaker, enter(r), 86400000);
    assert_int_equal(refused(r), PAUSE_MAX);
    bf_env_fake_advance(&r->env, PAUSE_MAX);
    bf__breaker_away(r->breaker, enter(r), 1); /* sooner than the pause is not asked */
    assert_int_equal(refused(r), 4000);
}

static void who_did_not_ask_gives_the_turn_back(void **state)
{
    struct rig *r = *state;
    bf__breaker_away(r->breaker, enter(r), 0);
    bf_env_fake_advance(&r->env, PAUSE);
    bf__breaker_leave(r->breaker, enter(r));
    unsigned probe = enter(r);
    assert_int_equal(refused(r), PAUSE);
    bf__breaker_away(r->breaker, probe, 0);
    assert_int_equal(refused(r), 2 * PAUSE);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(a_provider_that_answers_is_always_asked),
        T(the_first_answer_of_a_process_is_news),
        T(one_that_is_away_is_left_alone_and_then_asked_by_one_at_a_time_however_long_that_takes),
        T(pauses_double_up_to_a_limit_and_begin_anew_after_an_answer),
        T(calls_that_fail_together_open_it_once),
        T(a_provider_may_say_itself_when_to_come_again_up_to_the_longest_pause),
        T(who_did_not_ask_gives_the_turn_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
