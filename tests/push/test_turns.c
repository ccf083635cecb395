/* SPDX-License-Identifier: Apache-2.0 */
#include "push/internal.h"
#include "tests/test.h"

static const struct bf_uuid ann = {{1}}, bob = {{2}};

static void a_person_has_some_turns_and_the_rest_come_one_after_the_other(void **state)
{
    struct bf__turns turns;
    int64_t wait_ms = -1;
    (void)state;
    bf__turns_init(&turns);
    for (int i = 0; i < BF__TURNS_EACH; i++)
        assert_true(bf__turn_begin(&turns, ann, 1000, &wait_ms));
    assert_int_equal(wait_ms, -1);
    for (int i = 1; i <= 3; i++) {
        assert_false(bf__turn_begin(&turns, ann, 1000, &wait_ms));
        assert_int_equal(wait_ms, i * 250);
    }
    assert_false(bf__turn_begin(&turns, ann, 5000, &wait_ms));
    assert_int_equal(wait_ms, 250);
    assert_true(bf__turn_begin(&turns, bob, 5000, &wait_ms));
    bf__turn_end(&turns, ann);
    assert_true(bf__turn_begin(&turns, ann, 5000, &wait_ms));
    assert_false(bf__turn_begin(&turns, ann, 5000, &wait_ms));
    for (int i = 0; i < BF__TURNS_EACH; i++)
        bf__turn_end(&turns, ann);
    assert_true(bf__turn_begin(&turns, ann, 5000, &wait_ms));
    bf__turn_end(&turns, ann);
    bf__turn_end(&turns, bob);
    bf__turns_finish(&turns);
}

static void what_one_person_waits_for_is_a_small_share_of_the_places(void **state)
{
    (void)state;
    assert_true(BF__TURNS_EACH * 8 <= BF__PLACES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_has_some_turns_and_the_rest_come_one_after_the_other),
        cmocka_unit_test(what_one_person_waits_for_is_a_small_share_of_the_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
