/* SPDX-License-Identifier: Apache-2.0 */
#include "core/breaker.h"
#include "tests/test.h"

static const struct bf_breaker_config config = {.failures = 3, .pause_ms = 1000, .pause_ms_max = 5000};

struct
try {
    unsigned round;
    int64_t wait_ms;
    bool admitted;
};

static struct try ask(struct bf_breaker *b, int64_t now_ms)
{
    struct try t = {0};
    t.admitted = bf_breaker_admit(b, &config, now_ms, &t.round, &t.wait_ms);
    return t;
}

static bool report(struct bf_breaker *b, int64_t now_ms, struct try t, enum bf_breaker_report r)
{
    return bf_breaker_report(b, &config, now_ms, t.round, r);
}

static void fail_times(struct bf_breaker *b, int64_t now_ms, int n)
{
    while (n-- > 0)
        report(b, now_ms, ask(b, now_ms), BF_BREAKER_FAILED);
}

static void it_stays_closed_when_failures_are_not_in_a_row(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    for (int i = 0; i < 10; i++) {
        fail_times(&b, 0, 2);
        report(&b, 0, ask(&b, 0), BF_BREAKER_ANSWERED);
    }
    assert_true(ask(&b, 0).admitted);
    assert_true(b.state == BF_BREAKER_CLOSED);
}

static void three_failures_in_a_row_open_it_for_the_first_pause(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    fail_times(&b, 100, 2);
    assert_true(report(&b, 100, ask(&b, 100), BF_BREAKER_FAILED));
    struct try t = ask(&b, 600);
    assert_false(t.admitted);
    assert_int_equal(t.wait_ms, 500);
}

static void one_probe_goes_out_when_the_pause_is_over(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    fail_times(&b, 0, 3);
    assert_true(ask(&b, 1000).admitted);
    assert_false(ask(&b, 1000).admitted);
    assert_false(ask(&b, 99999).admitted);
}

static void an_answered_probe_closes_it(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    fail_times(&b, 0, 3);
    report(&b, 1000, ask(&b, 1000), BF_BREAKER_ANSWERED);
    assert_true(bf_breaker_is_clean(&b));
    fail_times(&b, 1000, 2);
    assert_true(b.state == BF_BREAKER_CLOSED);
}

static void each_failed_probe_doubles_the_pause_up_to_its_cap(void **state)
{
    (void)state;
    static const int64_t pauses[] = {1000, 2000, 4000, 5000, 5000};
    struct bf_breaker b = {0};
    int64_t now = 0;
    fail_times(&b, now, 3);
    for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        assert_false(ask(&b, now + pauses[i] - 1).admitted);
        now += pauses[i];
        report(&b, now, ask(&b, now), BF_BREAKER_FAILED);
    }
}

static void a_trip_opens_it_at_once_for_the_longest_pause(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    assert_true(report(&b, 0, ask(&b, 0), BF_BREAKER_TRIPPED));
    assert_int_equal(ask(&b, 0).wait_ms, 5000);
}

static void a_late_report_of_a_call_from_before_the_opening_moves_nothing(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    struct try late_good = ask(&b, 0), late_bad = ask(&b, 0);
    fail_times(&b, 0, 3);
    report(&b, 1, late_good, BF_BREAKER_ANSWERED);
    assert_false(ask(&b, 1).admitted);
    struct try probe = ask(&b, 1000);
    assert_false(report(&b, 1001, late_bad, BF_BREAKER_FAILED));
    assert_true(b.state == BF_BREAKER_HALF_OPEN);
    report(&b, 1002, probe, BF_BREAKER_ANSWERED);
    assert_true(b.state == BF_BREAKER_CLOSED);
}

static void a_probe_that_was_cancelled_lets_the_next_call_probe(void **state)
{
    (void)state;
    struct bf_breaker b = {0};
    fail_times(&b, 0, 3);
    report(&b, 1000, ask(&b, 1000), BF_BREAKER_NOTHING);
    assert_true(ask(&b, 1000).admitted);
    assert_false(ask(&b, 1000).admitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stays_closed_when_failures_are_not_in_a_row),
        cmocka_unit_test(three_failures_in_a_row_open_it_for_the_first_pause),
        cmocka_unit_test(one_probe_goes_out_when_the_pause_is_over),
        cmocka_unit_test(an_answered_probe_closes_it),
        cmocka_unit_test(each_failed_probe_doubles_the_pause_up_to_its_cap),
        cmocka_unit_test(a_trip_opens_it_at_once_for_the_longest_pause),
        cmocka_unit_test(a_late_report_of_a_call_from_before_the_opening_moves_nothing),
        cmocka_unit_test(a_probe_that_was_cancelled_lets_the_next_call_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
