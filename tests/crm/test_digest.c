/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/digest.h"
#include "crm/ids.h"
#include "tests/crm/make.h"

static struct bf_digest_day day_of(struct bf_arena *arena, const char *date, const char *zone)
{
    struct bf_calendar calendar;
    struct bf_digest_day day;
    struct bf_civil civil;
    int64_t noon;
    assert_true(bf_date_parse(bf_strz(date), &civil));
    civil.hour = 12;
    assert_true(bf_tz_instant(bf_strz(zone), &civil, &noon));
    assert_true(bf_calendar_begin(bf_policy_create(arena), bf_strz("Asia/Shanghai"), noon - BF_DIGEST_LOOKS_BACK_MS, &calendar));
    bf_digest_day(&calendar, bf_strz(zone), &civil, &day);
    return day;
}

static void is_window(const struct bf_digest_window *w, const char *before, const char *from, const char *to)
{
    assert_int_equal(w->before_at, instant(before));
    assert_int_equal(w->from_at, instant(from));
    assert_int_equal(w->to_at, instant(to));
}

static void G_12_a_digest_is_due_at_half_past_eight_of_ones_own_clock(void **state)
{
    assert_int_equal(day_of(*state, "2026-11-25", "Asia/Shanghai").at, instant("2026-11-25T00:30:00.000Z"));
    assert_int_equal(day_of(*state, "2026-11-25", "America/New_York").at, instant("2026-11-25T13:30:00.000Z"));
    assert_int_equal(day_of(*state, "2026-11-25", "America/New_York").ends_at, instant("2026-11-26T05:00:00.000Z"));
    assert_int_equal(day_of(*state, "2026-10-05", "Australia/Lord_Howe").at, instant("2026-10-04T21:30:00.000Z")); /* summer: UTC+11 */
}

static void G_12_a_daily_window_begins_with_the_last_working_day(void **state)
{
    struct bf_digest_day wednesday = day_of(*state, "2026-11-25", "Asia/Shanghai"), monday = day_of(*state, "2026-11-23", "Asia/Shanghai");
    is_window(&wednesday.day, "2026-11-22T16:00:00.000Z", "2026-11-23T16:00:00.000Z", "2026-11-24T16:00:00.000Z");
    is_window(&monday.day, "2026-11-18T16:00:00.000Z", "2026-11-19T16:00:00.000Z", "2026-11-22T16:00:00.000Z");
}

/* In Lord Howe the day of 4 October 2026 has 23 and a half hours; the windows meet at its midnights. */
static void G_12_windows_are_local_days_where_clocks_change(void **state)
{
    struct bf_digest_day day = day_of(*state, "2026-10-12", "Australia/Lord_Howe");
    assert_int_equal(day.week.to_at - day.week.from_at, (int64_t)7 * 24 * 3600 * 1000);
    day = day_of(*state, "2026-10-09", "Australia/Lord_Howe");
    assert_int_equal(day.week.to_at - day.week.from_at, (int64_t)7 * 24 * 3600 * 1000 - 30 * 60 * 1000);
    assert_int_equal(day.week.from_at, instant("2026-09-27T13:30:00.000Z"));
    assert_int_equal(day.week.to_at, instant("2026-10-04T13:00:00.000Z"));
}

static void G_02_it_works_by_the_companys_calendar(void **state)
{
    assert_true(day_of(*state, "2026-02-28", "Asia/Shanghai").works);  /* a Saturday, made up */
    assert_false(day_of(*state, "2026-03-01", "Asia/Shanghai").works); /* a Sunday */
    assert_false(day_of(*state, "2026-10-01", "Asia/Shanghai").works);
    assert_int_equal(day_of(*state, "2026-10-09", "Asia/Shanghai").missing_year, 0);
    assert_int_equal(day_of(*state, "2027-03-02", "Asia/Shanghai").missing_year, 2027);
    assert_true(day_of(*state, "2027-03-02", "Asia/Shanghai").works);
}

static void G_12_the_weekly_one_is_on_the_first_working_day_of_its_week(void **state)
{
    assert_true(day_of(*state, "2026-11-23", "Asia/Shanghai").weekly);
    assert_false(day_of(*state, "2026-11-24", "Asia/Shanghai").weekly);
    assert_false(day_of(*state, "2026-05-04", "Asia/Shanghai").weekly); /* of rest, as is the 5th */
    assert_true(day_of(*state, "2026-05-06", "Asia/Shanghai").weekly);
    assert_false(day_of(*state, "2026-05-07", "Asia/Shanghai").weekly);
    struct bf_digest_day first = day_of(*state, "2026-05-06", "Asia/Shanghai");
    is_window(&first.week, "2026-04-19T16:00:00.000Z", "2026-04-26T16:00:00.000Z", "2026-05-03T16:00:00.000Z");
}

/* Nobody worked from 15 to 23 February 2026: that week has no digest of its own, and is in the next one. */
static void G_12_a_week_without_work_is_in_the_next_weekly_window(void **state)
{
    struct bf_digest_day day = day_of(*state, "2026-02-24", "Asia/Shanghai");
    assert_true(day.weekly);
    is_window(&day.week, "2026-02-01T16:00:00.000Z", "2026-02-08T16:00:00.000Z", "2026-02-22T16:00:00.000Z");
    is_window(&day.day, "2026-02-12T16:00:00.000Z", "2026-02-13T16:00:00.000Z", "2026-02-23T16:00:00.000Z");
}

/* ---- composing ---- */

enum { PEOPLE = 4 };
struct team {
    struct bf_digest_person people[PEOPLE];
    const struct bf_digest_person *of[PEOPLE];
    struct bf_digest_day day;
    struct bf_digest_input in;
};

static struct team *make_team(struct bf_arena *arena)
{
    static const char *const names[PEOPLE] = {"王伟", "李娜", "张三", "刘四"};
    struct team *t = bf_arena_calloc(arena, 1, sizeof *t);
    for (int i = 0; i < PEOPLE; i++) {
        t->people[i].id.b[0] = (uint8_t)(i + 1);
        t->people[i].name = bf_strz(names[i]);
        t->of[i] = &t->people[i];
    }
    t->day = day_of(arena, "2026-11-25", "Asia/Shanghai");
    t->in = (struct bf_digest_input){.kind = BF_NOTIFICATION_KIND_IS_DIGEST_DAILY,
                                     .zone = BF_STR("Asia/Shanghai"),
                                     .day = &t->day,
                                     .people = t->of,
                                     .n_people = PEOPLE,
                                     .shown_max = 2,
                                     .idle_days = 14};
    return t;
}

static void overdue(struct team *t, int person, int64_t n, int64_t oldest)
{
    t->people[person].exceptions[BF_DIGEST_LINE_KIND_IS_FOLLOW_UP] = (struct bf_digest_count){n, oldest};
}

static const struct bf_object *line(const struct bf_object *digest, unsigned i) { return bf_get_array(digest, BF_DIGEST_LINES).items[i].object; }

static void G_12_nothing_to_tell_is_no_digest(void **state)
{
    struct team *t = make_team(*state);
    assert_null(bf_digest_compose(*state, &t->in));
    t->people[2].valid_before = t->people[2].visits_before = 7; /* of the period before */
    assert_null(bf_digest_compose(*state, &t->in));
    t->people[2].visits = 1;
    assert_non_null(bf_digest_compose(*state, &t->in));
}

static void REM_18_exceptions_come_first_the_worst_at_the_top(void **state)
{
    struct team *t = make_team(*state);
    overdue(t, 0, 2, 500);
    overdue(t, 1, 9, 400);
    overdue(t, 2, 2, 300);
    t->people[3].visits = 5;
    t->people[3].valid = 4;
    t->people[0].valid_before = 6;
    const struct bf_object *d = bf_digest_compose(*state, &t->in);
    assert_int_equal(bf_get_array(d, BF_DIGEST_LINES).n, 5);
    assert_int_equal(bf_get_int(line(d, 0), BF_DIGEST_LINE_COUNT), 13);
    assert_int_equal(bf_get_int(line(d, 0), BF_DIGEST_LINE_PEOPLE), 3);
    assert_int_equal(bf_get_int(line(d, 0), BF_DIGEST_LINE_OLDEST), 300);
    assert_int_equal(bf_get_uuid(line(d, 1), BF_DIGEST_LINE_PERSON).b[0], 2);
    assert_int_equal(bf_get_uuid(line(d, 2), BF_DIGEST_LINE_PERSON).b[0], 3); /* of equal counts the one with the oldest */
    assert_int_equal(bf_get_enum(line(d, 3), BF_DIGEST_LINE_KIND), BF_DIGEST_LINE_KIND_IS_VISITS);
    assert_int_equal(bf_get_int(line(d, 4), BF_DIGEST_LINE_COUNT), 4);
    assert_int_equal(bf_get_int(line(d, 4), BF_DIGEST_LINE_BEFORE), 6);
}

static struct bf_str body(struct bf_arena *arena, struct team *t)
{
    struct bf_uuid tenant = {{9}}, user = {{8}};
    struct bf_object *digest = bf_digest_compose(arena, &t->in);
    return bf_get_str(&bf_digest_notification(arena, tenant, &user, &t->in, digest, 1)->object, BF_NOTIFICATION_BODY);
}

static void says(struct bf_str said, const char *wanted) { assert_string_equal(bf_str_eqz(said, wanted) ? wanted : said.p, wanted); }

static void G_12_the_words_are_in_the_persons_language(void **state)
{
    struct team *t = make_team(*state);
    overdue(t, 0, 2, 500);
    overdue(t, 1, 9, 400);
    overdue(t, 2, 1, 300);
    t->people[0].exceptions[BF_DIGEST_LINE_KIND_IS_IDLE] = (struct bf_digest_count){20, 100};
    t->people[1].valid = t->people[1].visits = 3;
    t->people[1].visits_before = 5;
    says(body(*state, t), "12 位客户逾期未跟进：李娜 9、王伟 2 等 3 人\n1 人连续 14 天无有效记录：王伟\n跟进记录 3 条（较上期 -2，上期 5）\n有效跟进 3 条（较上期 +3，上期 0）");
    t->in.english = true;
    t->day.missing_year = 2027;
    says(body(*state, t), "12 customers overdue for a follow-up: 李娜 9, 王伟 2 and 1 more\n1 rep without a valid record for 14 days: 王伟\n"
                          "Visits: 3 (-2, 5 before)\nValid visits: 3 (+3, 0 before)\n"
                          "The holidays of 2027 are not known yet: Monday to Friday count as working days");
}

static void G_12_one_person_kind_and_date_is_one_notification(void **state)
{
    struct team *t = make_team(*state);
    struct bf_uuid tenant = {{9}}, user = {{8}}, other = {{7}};
    overdue(t, 0, 2, 500);
    struct bf_object *digest = bf_digest_compose(*state, &t->in);
    struct bf_uuid a = bf_digest_notification(*state, tenant, &user, &t->in, digest, 1)->id;
    assert_true(bf_uuid_eq(&a, &bf_digest_notification(*state, tenant, &user, &t->in, digest, 2)->id));
    assert_false(bf_uuid_eq(&a, &bf_digest_notification(*state, tenant, &other, &t->in, digest, 1)->id));
    t->in.kind = BF_NOTIFICATION_KIND_IS_DIGEST_WEEKLY;
    assert_false(bf_uuid_eq(&a, &bf_digest_notification(*state, tenant, &user, &t->in, digest, 1)->id));
}

static void REM_01_a_reps_morning_names_whose_turn_it_is(void **state)
{
    struct bf_digest_day day = day_of(*state, "2026-11-25", "Asia/Shanghai");
    struct bf_uuid ids[2] = {{{1}}, {{2}}}, tenant = {{9}}, user = {{8}};
    struct bf_str names[2] = {BF_STR("海河贸易"), BF_STR("长江电子")};
    struct bf_digest_turns in = {.zone = BF_STR("Asia/Shanghai"), .day = &day};
    assert_null(bf_digest_compose_turns(*state, &in));
    in.customers = (struct bf_digest_count){5, 100};
    in.customer_ids = ids;
    in.customer_names = names;
    in.n_customers = 2;
    struct bf_object *digest = bf_digest_compose_turns(*state, &in);
    struct bf_doc *doc = bf_digest_turns_notification(*state, tenant, &user, &in, digest, 1);
    assert_int_equal(bf_get_array(line(digest, 0), BF_DIGEST_LINE_RECORDS).n, 2);
    says(bf_get_str(&doc->object, BF_NOTIFICATION_TITLE), "今日待跟进 5 位客户");
    says(bf_get_str(&doc->object, BF_NOTIFICATION_BODY), "海河贸易\n长江电子\n……共 5 项");
    in.english = true;
    doc = bf_digest_turns_notification(*state, tenant, &user, &in, digest, 1);
    says(bf_get_str(&doc->object, BF_NOTIFICATION_BODY), "海河贸易\n长江电子\nand 3 more");
}

int test_digest(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(G_12_a_digest_is_due_at_half_past_eight_of_ones_own_clock),
        cmocka_unit_test(G_12_a_daily_window_begins_with_the_last_working_day),
        cmocka_unit_test(G_12_windows_are_local_days_where_clocks_change),
        cmocka_unit_test(G_02_it_works_by_the_companys_calendar),
        cmocka_unit_test(G_12_the_weekly_one_is_on_the_first_working_day_of_its_week),
        cmocka_unit_test(G_12_a_week_without_work_is_in_the_next_weekly_window),
        cmocka_unit_test(G_12_nothing_to_tell_is_no_digest),
        cmocka_unit_test(REM_18_exceptions_come_first_the_worst_at_the_top),
        cmocka_unit_test(G_12_the_words_are_in_the_persons_language),
        cmocka_unit_test(G_12_one_person_kind_and_date_is_one_notification),
        cmocka_unit_test(REM_01_a_reps_morning_names_whose_turn_it_is),
    };
    return cmocka_run_group_tests(tests, with_arena, without_arena);
}
