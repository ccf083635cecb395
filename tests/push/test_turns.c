/* SPDX-License-Identifier: Apache-2.0 */
#include "push/internal.h"
#include "tests/test.h"

static const struct bf_uuid ann = {{1}}, bob = {{2}};

static void a_person_has_two_turns_and_the_rest_come_one_after_the_other(void **state)
{
    struct bf__turns turns = {.items = {{.running = 0}}};
    int64_t wait_ms = -1;
    (void)state;
    bf__turns_init(&turns);
    assert_true(bf__turn_begin(&turns, ann, 1000, &wait_ms));
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
    bf__turns_finish(&turns);
}

static void a_place_is_free_again_when_the_last_turn_ended(void **state)
{
    struct bf__turns turns = {.items = {{.running = 0}}};
    int64_t wait_ms;
    (void)state;
    bf__turns_init(&turns);
    for (unsigned i = 0; i < 3 * BF__TURNS_MAX; i++) {
        struct bf_uuid person = {{(uint8_t)i}};
        assert_true(bf__turn_begin(&turns, person, 0, &wait_ms));
        bf__turn_end(&turns, person);
    }
    bf__turns_finish(&turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_has_two_turns_and_the_rest_come_one_after_the_other),
        cmocka_unit_test(a_place_is_free_again_when_the_last_turn_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
