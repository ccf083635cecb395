/* SPDX-License-Identifier: Apache-2.0 */
/* Chosen days; test_oracle.py compares thousands more with Python's zoneinfo. */
#include "core/json.h"
#include "core/tz.h"
#include "tests/test.h"

static int64_t at(const char *utc)
{
    int64_t ms;
    assert_true(bf_time_parse(bf_strz(utc), &ms));
    return ms;
}

static const char *instant(const char *zone, const char *wall)
{
    static char out[BF_TIME_TEXT];
    struct bf_civil c;
    int64_t ms;
    assert_true(bf_wall_parse(bf_strz(wall), &c));
    assert_true(bf_tz_instant(bf_strz(zone), &c, &ms));
    bf_time_text(ms, out);
    return out;
}

static void a_wall_time_in_a_gap_is_the_first_instant_after_it(void **state)
{
    (void)state;
    assert_string_equal(instant("America/New_York", "2026-03-08T01:59"), "2026-03-08T06:59:00.000Z");
    assert_string_equal(instant("America/New_York", "2026-03-08T02:00"), "2026-03-08T07:00:00.000Z");
    assert_string_equal(instant("America/New_York", "2026-03-08T02:30"), "2026-03-08T07:00:00.000Z");
    assert_string_equal(instant("America/New_York", "2026-03-08T03:00"), "2026-03-08T07:00:00.000Z");
    /* Half an hour: 02:00 becomes 02:30. */
    assert_string_equal(instant("Australia/Lord_Howe", "2026-10-04T02:15"), "2026-10-03T15:30:00.000Z");
    assert_string_equal(instant("Australia/Lord_Howe", "2026-10-04T02:30"), "2026-10-03T15:30:00.000Z");
    /* A whole day: Samoa had no 30 December 2011. */
    assert_string_equal(instant("Pacific/Apia", "2011-12-30T12:00"), "2011-12-30T10:00:00.000Z");
}

static void a_wall_time_in_an_overlap_is_the_first_of_the_two(void **state)
{
    (void)state;
    assert_string_equal(instant("America/New_York", "2026-11-01T01:30"), "2026-11-01T05:30:00.000Z");
    assert_string_equal(instant("America/New_York", "2026-11-01T02:00"), "2026-11-01T07:00:00.000Z");
    assert_string_equal(instant("Australia/Lord_Howe", "2026-04-05T01:45"), "2026-04-04T14:45:00.000Z");
}

static void china_has_one_offset_and_urumqi_another(void **state)
{
    (void)state;
    assert_string_equal(instant("Asia/Shanghai", "2026-11-22T13:00"), "2026-11-22T05:00:00.000Z");
    assert_string_equal(instant("Asia/Urumqi", "2026-11-22T13:00"), "2026-11-22T07:00:00.000Z");
    assert_string_equal(instant("Asia/Shanghai", "1988-07-01T12:00"), "1988-07-01T03:00:00.000Z"); /* summer time of 1986 to 1991 */
}

static void the_wall_clock_is_read_with_its_weekday(void **state)
{
    (void)state;
    struct bf_civil c;
    assert_true(bf_tz_civil(BF_STR("Asia/Shanghai"), at("2026-11-22T16:30:15.999Z"), &c));
    assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20261123);
    assert_int_equal(c.hour * 10000 + c.minute * 100 + c.second, 3015);
    assert_int_equal(c.weekday, 1);
    assert_true(bf_tz_civil(BF_STR("UTC"), at("2026-11-22T16:30:15.999Z"), &c));
    assert_int_equal(c.weekday, 7);
}

static void only_iana_names_are_zones(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Etc/GMT-8", "Asia/Urumqi", "Europe/Kyiv"};
    static const char *const bad[] = {"",
                                      "CST",
                                      "PST",
                                      "GMT+8",
                                      "+08:00",
                                      "Z",
                                      "local",
                                      "asia/shanghai",
                                      "Asia/Shanghai ",
                                      "Asia/ Shanghai",
                                      "Etc/Unknown",
                                      "SystemV/PST8",
                                      "Asia/Peking",
                                      "../../etc/passwd",
                                      "/",
                                      "Asia/上海",
                                      "Asia/Shanghai\n",
                                      "A/bcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"};
    struct bf_civil c = {.year = 2026, .month = 1, .day = 1};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!bf_tz_is_zone(bf_strz(good[i])))
            fail_msg("%s is a zone", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (bf_tz_is_zone(bf_strz(bad[i])))
            fail_msg("%s is no zone", bad[i]);
        assert_false(bf_tz_civil(bf_strz(bad[i]), 0, &c));
        assert_false(bf_tz_instant(bf_strz(bad[i]), &c, &ms));
    }
    assert_false(bf_tz_is_zone(BF_STR("Asia/Shanghai\0x")));
}

static void dates_must_be_real_days(void **state)
{
    (void)state;
    static const char *const bad[] = {"2026-02-29", "1900-02-29", "2026-04-31", "2026-00-01",  "2026-13-01", "2026-01-00", "0000-01-01",
                                      "2026-1-01",  "2026/01/01", "20260101",   "2026-01-01 ", "",           "-026-01-01", "2026-01-0a"};
    struct bf_civil c;
    assert_true(bf_date_parse(BF_STR("2024-02-29"), &c));
    assert_int_equal(c.weekday, 4);
    assert_true(bf_date_parse(BF_STR("2000-02-29"), &c));
    assert_true(bf_date_parse(BF_STR("1965-03-01"), &c));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (bf_date_parse(bf_strz(bad[i]), &c))
            fail_msg("\"%s\" is no day", bad[i]);
    assert_false(bf_wall_parse(BF_STR("2026-01-01T23:60"), &c));
    assert_false(bf_wall_parse(BF_STR("2026-01-01t23:59"), &c));
    assert_false(bf_wall_parse(BF_STR("2026-01-01T23:59Z"), &c));
    assert_true(bf_wall_parse(BF_STR("2026-01-01T23:59"), &c));
}

static void days_are_added_and_weeks_counted_as_iso_8601(void **state)
{
    (void)state;
    static const struct {
        const char *day;
        int year, week;
    } weeks[] = {
        {"2005-01-01", 2004, 53}, {"2005-01-03", 2005, 1}, {"2008-12-29", 2009, 1}, {"2010-01-03", 2009, 53}, {"2026-11-22", 2026, 47}};
    struct bf_civil c;
    int year, week;
    for (size_t i = 0; i < sizeof weeks / sizeof weeks[0]; i++) {
        assert_true(bf_date_parse(bf_strz(weeks[i].day), &c));
        bf_civil_iso_week(&c, &year, &week);
        assert_int_equal(year, weeks[i].year);
        assert_int_equal(week, weeks[i].week);
    }
    assert_true(bf_wall_parse(BF_STR("2024-02-28T10:30"), &c));
    bf_civil_add_days(&c, 2);
    assert_int_equal(c.month * 100 + c.day, 301);
    assert_int_equal(c.hour * 100 + c.minute, 1030);
    assert_int_equal(c.weekday, 5);
    bf_civil_add_days(&c, -366);
    assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20230301);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_time_in_a_gap_is_the_first_instant_after_it),
        cmocka_unit_test(a_wall_time_in_an_overlap_is_the_first_of_the_two),
        cmocka_unit_test(china_has_one_offset_and_urumqi_another),
        cmocka_unit_test(the_wall_clock_is_read_with_its_weekday),
        cmocka_unit_test(only_iana_names_are_zones),
        cmocka_unit_test(dates_must_be_real_days),
        cmocka_unit_test(days_are_added_and_weeks_counted_as_iso_8601),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
