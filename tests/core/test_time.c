/* SPDX-License-Identifier: Apache-2.0 */
#include "core/json.h"
#include "tests/test.h"

static void the_examples_of_rfc_3339_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *utc;
    } cases[] = {
        {"1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"},        {"1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z"},
        {"1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"}, /* a leap second has the number of the next one */
        {"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z"},      {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999Z"}, {"2026-11-22t05:00:00.0005z", "2026-11-22T05:00:00.000Z"},
        {"2026-11-22T05:00:00-00:00", "2026-11-22T05:00:00.000Z"},      {"2026-11-22T23:59:59.9+23:59", "2026-11-22T00:00:59.900Z"},
        {"2024-02-29T12:00:00+05:45", "2024-02-29T06:15:00.000Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms;
        char text[BF_TIME_TEXT];
        assert_true(bf_time_parse(bf_strz(cases[i].text), &ms));
        bf_time_text(ms, text);
        assert_string_equal(text, cases[i].utc);
    }
}

static void anything_else_is_no_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-22",
        "2026-11-22T05:00Z",
        "2026-11-22T05:00:00",
        "2026-11-22 05:00:00Z",
        "2026-11-22T05:00:00.Z",
        "2026-11-22T05:00:00,5Z",
        "2026-11-22T05:00:00+0800",
        "2026-11-22T05:00:00+8:00",
        "2026-11-22T05:00:00+24:00",
        "2026-11-22T05:00:00+08:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T05:60:00Z",
        "2026-11-22T05:00:61Z",
        "2026-11-22T05:00:60Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "26-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-01-01T00:00:00Z",
        "+2026-01-01T00:00:00Z",
        "2026-11-22T05:00:00.1234567891Z",
        "2026-11-22T05:00:00Z ",
        " 2026-11-22T05:00:00Z",
        "2026-11-22T05:00:00ZZ",
        "2026-1-22T05:00:00Z",
        "2026-11-22T05:00:00.5",
        "2026-W47-7T05:00:00Z",
        "2026-11-30T23:59:60+01:00",
        "2026-11-22T5:00:00Z",
    };
    int64_t ms = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (bf_time_parse(bf_strz(bad[i]), &ms))
            fail_msg("\"%s\" is no time", bad[i]);
    assert_false(bf_time_parse(BF_STR("2026-11-22T05:00:00Z\0"), &ms));
    assert_int_equal(ms, 42);
}

static void times_outside_the_range_are_written_as_its_ends(void **state)
{
    (void)state;
    char text[BF_TIME_TEXT];
    bf_time_text(-1, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    bf_time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_3339_are_read),
        cmocka_unit_test(anything_else_is_no_time),
        cmocka_unit_test(times_outside_the_range_are_written_as_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
