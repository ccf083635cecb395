/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/capture.h"
#include "tests/crm/make.h"

static struct bf_object *fresh(struct bf_arena *arena)
{
    struct bf_object *capture = bf_object_create(arena, &bf_capture_schema);
    bf_capture_init(capture, (struct bf_uuid){{1}}, (struct bf_uuid){{2}});
    return capture;
}

static void add(struct bf_arena *arena, struct bf_object *capture, int64_t seq)
{
    struct bf_error e;
    assert_int_equal(bf_capture_add(arena, capture, seq, &e), BF_OK);
}

static int64_t through(const struct bf_object *capture) { return bf_get_int(capture, BF_CAPTURE_THROUGH); }

static unsigned waiting(const struct bf_object *capture) { return bf_get_array(capture, BF_CAPTURE_ABOVE).n; }

static void G_01_through_is_the_last_number_before_the_first_gap(void **state)
{
    struct bf_object *capture = fresh(*state);
    assert_int_equal(through(capture), 0);
    add(*state, capture, 1);
    add(*state, capture, 2);
    assert_int_equal(through(capture), 2);
    add(*state, capture, 4);
    add(*state, capture, 5);
    add(*state, capture, 7);
    assert_int_equal(through(capture), 2);
    assert_int_equal(waiting(capture), 3);
    add(*state, capture, 3);
    assert_int_equal(through(capture), 5);
    assert_int_equal(waiting(capture), 1);
    add(*state, capture, 6);
    assert_int_equal(through(capture), 7);
    assert_int_equal(waiting(capture), 0);
}

static void a_number_that_comes_again_changes_nothing(void **state)
{
    struct bf_object *capture = fresh(*state);
    add(*state, capture, 1);
    add(*state, capture, 9);
    struct bf_object *before = bf_object_copy(*state, capture);
    add(*state, capture, 1);
    add(*state, capture, 9);
    assert_true(bf_object_eq(before, capture));
}

static void MOB_09_gaps_say_what_the_server_never_got(void **state)
{
    struct bf_object *capture = fresh(*state);
    struct bf_capture_gap *gaps;
    assert_int_equal(bf_capture_gaps(*state, capture, &gaps), 0);
    add(*state, capture, 3);
    add(*state, capture, 4);
    add(*state, capture, INT64_MAX);
    assert_int_equal(bf_capture_gaps(*state, capture, &gaps), 2);
    assert_true(gaps[0].from == 1 && gaps[0].to == 2);
    assert_true(gaps[1].from == 5 && gaps[1].to == INT64_MAX - 1);
}

static void beyond_a_gap_1000_numbers_may_wait(void **state)
{
    struct bf_object *capture = fresh(*state);
    struct bf_error e = {0};
    for (int64_t seq = 2; seq <= 1001; seq++)
        add(*state, capture, seq);
    assert_int_equal(waiting(capture), 1000);
    assert_int_equal(bf_capture_add(*state, capture, 1002, &e), BF_E_CONFLICT);
    assert_int_equal(bf_capture_add(*state, capture, 500, &e), BF_OK); /* known */
    assert_int_equal(waiting(capture), 1000);
    add(*state, capture, 1);
    assert_int_equal(through(capture), 1001);
    add(*state, capture, 1002);
    assert_int_equal(through(capture), 1002);
}

/* Against a plain set, in random order. */
static void any_order_gives_the_state_of_the_set(void **state)
{
    enum { N = 300 };
    uint32_t seed = 12345;
    for (int round = 0; round < 20; round++) {
        bool in[N + 2] = {true};
        struct bf_object *capture = fresh(*state);
        for (int i = 0; i < 250; i++) {
            seed = seed * 1664525u + 1013904223u;
            int seq = (int)(seed >> 16) % N + 1;
            add(*state, capture, seq);
            in[seq] = true;
        }
        int last = 0, missing = 0, top = 0, told = 0;
        while (in[last + 1])
            last++;
        for (int seq = 1; seq <= N; seq++) {
            assert_int_equal(bf_capture_has(capture, seq), in[seq]);
            top = in[seq] ? seq : top;
        }
        for (int seq = 1; seq <= top; seq++)
            missing += !in[seq];
        struct bf_capture_gap *gaps;
        unsigned n = bf_capture_gaps(*state, capture, &gaps);
        for (unsigned i = 0; i < n; i++)
            told += (int)(gaps[i].to - gaps[i].from + 1);
        assert_int_equal(through(capture), last);
        assert_int_equal(told, missing);
    }
}

int test_capture(void)
{
    const struct CMUnitTest capture[] = {
        cmocka_unit_test(G_01_through_is_the_last_number_before_the_first_gap),
        cmocka_unit_test(a_number_that_comes_again_changes_nothing),
        cmocka_unit_test(MOB_09_gaps_say_what_the_server_never_got),
        cmocka_unit_test(beyond_a_gap_1000_numbers_may_wait),
        cmocka_unit_test(any_order_gives_the_state_of_the_set),
    };
    return cmocka_run_group_tests(capture, with_arena, without_arena);
}
