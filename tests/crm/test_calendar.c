/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/calendar.h"
#include "tests/crm/make.h"

#define SHANGHAI BF_STR("Asia/Shanghai")

struct calendar_row {
    const char *zone;
    bool company;
    int from_hour, to_hour;
    int64_t at;
    bool works;
    struct bf_due days_0, days_1, days_5, hours_4, hours_30, next_0830, next_0215;
};
static const struct calendar_row calendar_table[] = {
#include "tests/crm/calendar_table.inc"
};
enum { ROWS = sizeof calendar_table / sizeof *calendar_table };

/* The company of gen_calendar_table. */
static void keep_own(struct bf_arena *arena, struct bf_calendar *c)
{
    for (int i = 0; i < BF_CALENDAR_YEARS; i++)
        if (c->first_year + i == 2025)
            c->own[i] = make(arena, &bf_calendar_schema,
                             "{\"holidays\":[\"2025-12-30\",\"2025-12-31\"],\"make_up_days\":[\"2025-03-09\",\"2025-04-06\",\"2025-10-05\",\"2025-11-02\"]}");
        else if (c->first_year + i == 2026)
            c->own[i] = make(arena, &bf_calendar_schema,
                             "{\"holidays\":[\"2026-07-01\"],\"make_up_days\":[\"2026-03-08\",\"2026-04-05\",\"2026-10-04\",\"2026-11-01\"]}");
}

static struct bf_calendar begin(struct bf_arena *arena, const char *zone, int64_t at)
{
    struct bf_calendar c;
    assert_true(bf_calendar_begin(bf_policy_create(arena), bf_strz(zone), at, &c));
    return c;
}

static struct bf_calendar calendar_of(struct bf_arena *arena, const struct calendar_row *row)
{
    struct bf_object *policy = bf_policy_create(arena);
    struct bf_calendar c;
    bf_set_int(policy, BF_POLICY_WORK_FROM_HOUR, row->from_hour);
    bf_set_int(policy, BF_POLICY_WORK_TO_HOUR, row->to_hour);
    assert_true(bf_calendar_begin(policy, bf_strz(row->zone), row->at, &c));
    if (row->company)
        keep_own(arena, &c);
    return c;
}

static void agrees(const struct calendar_row *row, const char *what, bool known, struct bf_due found, struct bf_due expected)
{
    if (!known || found.at != expected.at || found.missing_year != expected.missing_year)
        fail_msg("%s %s %d-%d, %lld: %s: %lld (%d), not %lld (%d)", row->zone, row->company ? "company" : "shipped", row->from_hour, row->to_hour,
                 (long long)row->at, what, (long long)found.at, found.missing_year, (long long)expected.at, expected.missing_year);
}

static void G_02_working_days_are_counted_as_in_the_calendar(void **state)
{
    static const unsigned days[] = {0, 1, 5};
    for (size_t i = 0; i < ROWS; i++) {
        const struct calendar_row *row = &calendar_table[i];
        const struct bf_due expected[] = {row->days_0, row->days_1, row->days_5};
        struct bf_calendar c = calendar_of(*state, row);
        for (int k = 0; k < 3; k++) {
            struct bf_due due = {.at = 0};
            bool known = bf_calendar_after_days(&c, row->at, days[k], &due);
            agrees(row, "working days", known, due, expected[k]);
        }
    }
}

static void G_02_working_hours_pass_while_it_is_open(void **state)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct calendar_row *row = &calendar_table[i];
        struct bf_calendar c = calendar_of(*state, row);
        struct bf_due due = {.at = 0};
        bool known = bf_calendar_after_hours(&c, row->at, 4, &due);
        agrees(row, "4 working hours", known, due, row->hours_4);
        known = bf_calendar_after_hours(&c, row->at, 30, &due);
        agrees(row, "30 working hours", known, due, row->hours_30);
    }
}

static void G_02_the_next_working_day_at_a_time_of_the_wall(void **state)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct calendar_row *row = &calendar_table[i];
        struct bf_calendar c = calendar_of(*state, row);
        struct bf_civil date;
        struct bf_due due = {.at = 0};
        bool known = bf_calendar_next(&c, row->at, 8, 30, &due);
        agrees(row, "8:30", known, due, row->next_0830);
        known = bf_calendar_next(&c, row->at, 2, 15, &due);
        agrees(row, "2:15", known, due, row->next_0215);
        assert_true(bf_tz_civil(bf_strz(row->zone), row->at, &date));
        assert_int_equal(bf_calendar_day(&c, &date).works, row->works);
    }
}

/* ---- single days, told from the notices ---- */

static struct bf_workday day(struct bf_arena *arena, const char *date)
{
    struct bf_calendar c = begin(arena, "Asia/Shanghai", instant("2025-06-03T02:00:00.000Z"));
    struct bf_civil civil;
    assert_true(bf_date_parse(bf_strz(date), &civil));
    return bf_calendar_day(&c, &civil);
}

static void G_02_public_holidays_and_make_up_days_are_shipped(void **state)
{
    static const char *const off[] = {"2025-01-28", "2025-10-08", "2026-01-02", "2026-02-16", "2026-02-23", "2026-05-05", "2026-09-25", "2026-10-07"};
    static const char *const worked[] = {"2025-01-26", "2025-10-11", "2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        assert_true(day(*state, off[i]).known && !day(*state, off[i]).works);
    for (size_t i = 0; i < sizeof worked / sizeof *worked; i++)
        assert_true(day(*state, worked[i]).works);
    assert_true(day(*state, "2026-02-13").works);
    assert_true(day(*state, "2026-02-24").works);
    assert_false(day(*state, "2026-02-21").works); /* a Saturday within the holiday */
    assert_false(day(*state, "2026-11-28").works);
    assert_false(day(*state, "2026-11-29").works);
    assert_true(day(*state, "2026-11-27").works);
}

static void G_02_a_year_that_is_missing_counts_monday_to_friday_and_says_so(void **state)
{
    struct bf_calendar c = begin(*state, "Asia/Shanghai", instant("2026-12-31T02:00:00.000Z"));
    struct bf_due due;
    assert_false(day(*state, "2027-02-05").known);
    assert_true(day(*state, "2027-02-05").works);
    assert_false(day(*state, "2027-02-06").works);
    assert_true(bf_calendar_after_days(&c, instant("2026-12-31T02:00:00.000Z"), 1, &due));
    assert_int_equal(due.at, instant("2027-01-01T02:00:00.000Z")); /* a Friday */
    assert_int_equal(due.missing_year, 2027);
    assert_true(bf_calendar_after_days(&c, instant("2026-12-31T02:00:00.000Z"), 300, &due));
    assert_int_equal(due.missing_year, 2027); /* and 2028 */
    assert_true(bf_calendar_after_hours(&c, instant("2026-12-31T02:00:00.000Z"), 8, &due));
    assert_int_equal(due.missing_year, 0); /* the way ends in 2026 */
    c.own[1] = make(*state, &bf_calendar_schema, "{\"holidays\":[\"2027-01-01\"],\"make_up_days\":[]}");
    assert_true(bf_calendar_after_days(&c, instant("2026-12-31T02:00:00.000Z"), 1, &due));
    assert_int_equal(due.at, instant("2027-01-04T02:00:00.000Z"));
    assert_int_equal(due.missing_year, 0);
}

static void G_02_a_make_up_day_is_worked_also_where_it_is_a_day_off(void **state)
{
    struct bf_calendar c = begin(*state, "Asia/Shanghai", instant("2026-07-01T02:00:00.000Z"));
    struct bf_civil date;
    assert_true(bf_date_parse(BF_STR("2026-07-03"), &date));
    c.own[0] = make(*state, &bf_calendar_schema, "{\"holidays\":[\"2026-07-03\"],\"make_up_days\":[\"2026-07-03\"]}");
    assert_true(bf_calendar_day(&c, &date).works);
    c.own[0] = make(*state, &bf_calendar_schema, "{\"holidays\":[\"2026-07-03\"]}");
    assert_false(bf_calendar_day(&c, &date).works);
    assert_true(bf_date_parse(BF_STR("2026-10-10"), &date)); /* the other list is as it was shipped */
    assert_true(bf_calendar_day(&c, &date).works);
}

static void G_02_what_comes_while_nothing_is_open_counts_from_the_next_opening(void **state)
{
    struct bf_calendar c = begin(*state, "Asia/Shanghai", instant("2026-09-30T10:00:00.000Z")); /* 18:00 on the eve of National Day */
    struct bf_due due;
    assert_true(bf_calendar_after_days(&c, instant("2026-09-30T09:59:59.999Z"), 1, &due));
    assert_int_equal(due.at, instant("2026-10-08T09:59:59.999Z"));
    assert_true(bf_calendar_after_days(&c, instant("2026-09-30T10:00:00.000Z"), 1, &due));
    assert_int_equal(due.at, instant("2026-10-09T01:00:00.000Z"));
    assert_true(bf_calendar_after_hours(&c, instant("2026-09-30T06:00:00.000Z"), 4, &due));
    assert_int_equal(due.at, instant("2026-09-30T10:00:00.000Z")); /* at the end of the day, not on the 8th */
    assert_true(bf_calendar_after_hours(&c, instant("2026-09-30T06:00:00.001Z"), 4, &due));
    assert_int_equal(due.at, instant("2026-10-08T01:00:00.001Z"));
}

static void a_way_that_leads_out_of_the_calendar_has_no_end(void **state)
{
    struct bf_calendar c = begin(*state, "Asia/Shanghai", instant("2026-11-27T02:00:00.000Z"));
    struct bf_due due = {.at = 7};
    struct bf_civil date;
    assert_false(bf_calendar_after_days(&c, instant("2026-11-27T02:00:00.000Z"), 800, &due));
    assert_false(bf_calendar_after_hours(&c, instant("2026-11-27T02:00:00.000Z"), UINT32_MAX, &due));
    assert_false(bf_calendar_next(&c, instant("2028-12-31T02:00:00.000Z"), 8, 30, &due));
    assert_false(bf_calendar_after_days(&c, instant("2025-12-31T02:00:00.000Z"), 1, &due));
    assert_int_equal(due.at, 7);
    assert_true(bf_date_parse(BF_STR("2029-01-01"), &date));
    assert_false(bf_calendar_day(&c, &date).works || bf_calendar_day(&c, &date).known);
    assert_false(bf_calendar_begin(bf_policy_create(*state), BF_STR("Nowhere/City"), 0, &c));
    assert_false(bf_calendar_begin(bf_policy_create(*state), SHANGHAI, instant("1999-12-31T02:00:00.000Z"), &c));
    assert_false(bf_calendar_begin(bf_policy_create(*state), SHANGHAI, instant("2101-01-01T02:00:00.000Z"), &c));
}

/* No time is long enough that one who may write anything could keep the loops busy. */
static void a_year_of_nothing_but_days_off_ends(void **state)
{
    struct bf_calendar c = begin(*state, "Asia/Shanghai", instant("2026-11-27T02:00:00.000Z"));
    struct bf_due due;
    c.from_hour = c.to_hour = 9;
    assert_false(bf_calendar_after_days(&c, instant("2026-11-27T02:00:00.000Z"), 0, &due));
    assert_false(bf_calendar_after_hours(&c, instant("2026-11-27T02:00:00.000Z"), 1, &due));
}

/* ---- a year as people see and change it ---- */

static struct bf_object *filled(struct bf_arena *arena, const struct bf_object *kept, int year)
{
    struct bf_object *o = kept == NULL ? bf_object_create(arena, &bf_calendar_schema) : bf_object_copy(arena, kept);
    bf_calendar_fill(arena, o, year);
    return o;
}

static int origin(const struct bf_object *o) { return bf_get_enum(o, BF_CALENDAR_ORIGIN); }

static void G_02_a_year_says_where_its_days_are_from(void **state)
{
    struct bf_object *shipped = filled(*state, NULL, 2026), *missing = filled(*state, NULL, 2027);
    assert_int_equal(origin(shipped), BF_CALENDAR_ORIGIN_IS_SHIPPED);
    assert_int_equal(bf_get_int(shipped, BF_CALENDAR_YEAR), 2026);
    assert_true(bf_str_eqz(bf_get_str(shipped, BF_CALENDAR_NOTICE), "国办发明电〔2025〕7号"));
    assert_int_equal(bf_get_array(shipped, BF_CALENDAR_HOLIDAYS).n, 3 + 9 + 3 + 5 + 3 + 3 + 7);
    assert_int_equal(bf_get_array(shipped, BF_CALENDAR_MAKE_UP_DAYS).n, 6);
    assert_int_equal(origin(missing), BF_CALENDAR_ORIGIN_IS_MISSING);
    assert_false(bf_has(missing, BF_CALENDAR_NOTICE));
    assert_true(bf_has(missing, BF_CALENDAR_HOLIDAYS) && bf_get_array(missing, BF_CALENDAR_HOLIDAYS).n == 0);
    struct bf_object *own = filled(*state, make(*state, &bf_calendar_schema, "{\"holidays\":[]}"), 2026);
    assert_int_equal(origin(own), BF_CALENDAR_ORIGIN_IS_COMPANY);
    assert_int_equal(bf_get_array(own, BF_CALENDAR_HOLIDAYS).n, 0);
    assert_int_equal(bf_get_array(own, BF_CALENDAR_MAKE_UP_DAYS).n, 6);
}

static enum bf_status change(struct bf_arena *arena, const struct bf_object *before, const char *json, struct bf_object **after, struct bf_error *e)
{
    struct bf_object *patch;
    *after = make_change(arena, before, json, &patch);
    *e = (struct bf_error){0};
    return bf_calendar_change(arena, before, patch, *after, 1795743000000, e);
}

static void G_02_a_company_changes_its_calendar(void **state)
{
    struct bf_object *before = filled(*state, NULL, 2027), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"holidays\":[\"2027-02-06\",\"2027-01-01\"],\"make_up_days\":[\"2027-02-20\"],\"reason\":\"公司安排\"}", &after, &e), BF_OK);
    struct bf_array holidays = bf_get_array(after, BF_CALENDAR_HOLIDAYS);
    assert_int_equal(holidays.n, 2);
    assert_true(bf_str_eqz(holidays.items[0].s, "2027-01-01") && bf_str_eqz(holidays.items[1].s, "2027-02-06"));
    assert_false(bf_has(after, BF_CALENDAR_ORIGIN) || bf_has(after, BF_CALENDAR_NOTICE));
    assert_int_equal(bf_get_int(after, BF_CALENDAR_CHANGED_AT), 1795743000000);
    assert_int_equal(origin(filled(*state, after, 2027)), BF_CALENDAR_ORIGIN_IS_COMPANY);
}

/* What the company has once changed stays as the company saw it, whatever a later version ships. */
static void G_02_the_first_change_keeps_both_lists(void **state)
{
    struct bf_object *before = filled(*state, NULL, 2026), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"make_up_days\":[],\"reason\":\"不调休\"}", &after, &e), BF_OK);
    assert_int_equal(bf_get_array(after, BF_CALENDAR_HOLIDAYS).n, 33);
    assert_true(bf_has(after, BF_CALENDAR_MAKE_UP_DAYS));
    assert_int_equal(change(*state, before, "{\"remark\":\"以通知为准\",\"reason\":\"说明\"}", &after, &e), BF_OK);
    assert_false(bf_has(after, BF_CALENDAR_HOLIDAYS) || bf_has(after, BF_CALENDAR_MAKE_UP_DAYS));
    assert_int_equal(origin(filled(*state, after, 2026)), BF_CALENDAR_ORIGIN_IS_SHIPPED);
}

static void G_02_null_for_the_lists_is_as_shipped_again(void **state)
{
    struct bf_object *before = filled(*state, make(*state, &bf_calendar_schema, "{\"holidays\":[\"2026-01-01\"],\"make_up_days\":[]}"), 2026), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"holidays\":null,\"make_up_days\":null,\"reason\":\"按通知\"}", &after, &e), BF_OK);
    assert_false(bf_has(after, BF_CALENDAR_HOLIDAYS) || bf_has(after, BF_CALENDAR_MAKE_UP_DAYS));
    assert_int_equal(origin(filled(*state, after, 2026)), BF_CALENDAR_ORIGIN_IS_SHIPPED);
}

static void ENT_14_a_change_of_the_calendar_states_its_reason(void **state)
{
    struct bf_object *before = filled(*state, make(*state, &bf_calendar_schema, "{\"holidays\":[],\"reason\":\"以前\"}"), 2026), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"make_up_days\":[]}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    assert_int_equal(change(*state, before, "{\"holidays\":[],\"reason\":\"再次\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "", "no_change"));
}

static void G_02_each_day_is_of_the_year_and_named_once(void **state)
{
    struct bf_object *before = filled(*state, NULL, 2026), *after;
    struct bf_error e;
    assert_int_equal(change(*state, before, "{\"holidays\":[\"2026-07-01\",\"2027-01-01\",\"2026-07-01\"],\"reason\":\"公司\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/holidays/1", "wrong"));
    assert_true(has_fault(&e, "/holidays/2", "duplicate"));
    assert_false(has_fault(&e, "/holidays/0", "duplicate"));
    /* a make-up day of the shipped list cannot at once be a day off */
    assert_int_equal(change(*state, before, "{\"holidays\":[\"2026-10-10\"],\"reason\":\"公司\"}", &after, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/make_up_days/5", "duplicate"));
}

int test_calendar(void)
{
    const struct CMUnitTest calendar[] = {
        cmocka_unit_test(G_02_working_days_are_counted_as_in_the_calendar),
        cmocka_unit_test(G_02_working_hours_pass_while_it_is_open),
        cmocka_unit_test(G_02_the_next_working_day_at_a_time_of_the_wall),
        cmocka_unit_test(G_02_public_holidays_and_make_up_days_are_shipped),
        cmocka_unit_test(G_02_a_year_that_is_missing_counts_monday_to_friday_and_says_so),
        cmocka_unit_test(G_02_a_make_up_day_is_worked_also_where_it_is_a_day_off),
        cmocka_unit_test(G_02_what_comes_while_nothing_is_open_counts_from_the_next_opening),
        cmocka_unit_test(a_way_that_leads_out_of_the_calendar_has_no_end),
        cmocka_unit_test(a_year_of_nothing_but_days_off_ends),
        cmocka_unit_test(G_02_a_year_says_where_its_days_are_from),
        cmocka_unit_test(G_02_a_company_changes_its_calendar),
        cmocka_unit_test(G_02_the_first_change_keeps_both_lists),
        cmocka_unit_test(G_02_null_for_the_lists_is_as_shipped_again),
        cmocka_unit_test(ENT_14_a_change_of_the_calendar_states_its_reason),
        cmocka_unit_test(G_02_each_day_is_of_the_year_and_named_once),
    };
    return cmocka_run_group_tests(calendar, with_arena, without_arena);
}
