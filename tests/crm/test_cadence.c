/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/cadence.h"
#include "tests/crm/make.h"

static struct bf_doc *customer_of(struct bf_arena *arena, int grade)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_customer_schema, (struct bf_uuid){{1}}, (struct bf_uuid){{2}});
    bf_set_uuid(&doc->object, BF_CUSTOMER_OWNER, (struct bf_uuid){{3}});
    if (grade >= 0)
        bf_set_enum(&doc->object, BF_CUSTOMER_GRADE, grade);
    return doc;
}

static struct bf_doc *follow(struct bf_arena *arena, const struct bf_doc *customer, const struct bf_doc *before, const char *from, const char *zone)
{
    return bf_cadence_follow(arena, customer, before, from == NULL ? 0 : instant(from), bf_policy_create(arena), bf_strz(zone));
}

static int64_t due(const struct bf_doc *cadence) { return bf_get_int(&cadence->object, BF_CADENCE_DUE_AT); }

/* Entered at 10:00 on 20 November in Shanghai. */
static int64_t due_of(struct bf_arena *arena, int grade) { return due(follow(arena, customer_of(arena, grade), NULL, "2026-11-20T02:00:00.000Z", "Asia/Shanghai")); }

static void GRD_02_grade_A_is_due_a_week_on(void **state) { assert_int_equal(due_of(*state, BF_GRADE_IS_A), instant("2026-11-27T16:00:00.000Z")); }

static void GRD_03_grade_B_is_due_two_weeks_on(void **state) { assert_int_equal(due_of(*state, BF_GRADE_IS_B), instant("2026-12-04T16:00:00.000Z")); }

static void GRD_04_grade_C_is_due_a_month_on(void **state)
{
    assert_int_equal(due_of(*state, BF_GRADE_IS_C), instant("2026-12-20T16:00:00.000Z"));
    assert_int_equal(due_of(*state, -1), 0);
}

/* 23:59:59.999 and the millisecond after it are two days; and in New York, where clocks go back on 1 November, a day has 25 hours. */
static void GRD_02_days_are_those_of_the_companys_calendar(void **state)
{
    struct bf_doc *a = customer_of(*state, BF_GRADE_IS_A);
    assert_int_equal(due(follow(*state, a, NULL, "2026-11-20T15:59:59.999Z", "Asia/Shanghai")), instant("2026-11-27T16:00:00.000Z"));
    assert_int_equal(due(follow(*state, a, NULL, "2026-11-20T16:00:00.000Z", "Asia/Shanghai")), instant("2026-11-28T16:00:00.000Z"));
    assert_int_equal(due(follow(*state, a, NULL, "2026-10-28T12:00:00.000Z", "America/New_York")), instant("2026-11-05T05:00:00.000Z"));
}

static void REM_01_a_valid_record_moves_it_on_and_an_older_one_does_not(void **state)
{
    struct bf_doc *a = customer_of(*state, BF_GRADE_IS_A), *c = customer_of(*state, BF_GRADE_IS_C);
    struct bf_doc *first = follow(*state, a, NULL, "2026-11-20T02:00:00.000Z", "Asia/Shanghai");
    struct bf_doc *second = follow(*state, a, first, "2026-11-25T02:00:00.000Z", "Asia/Shanghai");
    assert_int_equal(due(second), instant("2026-12-02T16:00:00.000Z"));
    assert_null(follow(*state, a, second, "2026-11-22T02:00:00.000Z", "Asia/Shanghai"));
    assert_null(follow(*state, a, second, NULL, "Asia/Shanghai"));
    struct bf_doc *graded = follow(*state, c, second, NULL, "Asia/Shanghai");
    assert_int_equal(due(graded), instant("2026-12-25T16:00:00.000Z"));
    bf_set_uuid(&c->object, BF_CUSTOMER_OWNER, (struct bf_uuid){{4}});
    assert_int_equal(bf_get_uuid(&follow(*state, c, graded, NULL, "Asia/Shanghai")->object, BF_CADENCE_OWNER).b[0], 4);
}

int test_cadence(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(GRD_02_grade_A_is_due_a_week_on),
        cmocka_unit_test(GRD_03_grade_B_is_due_two_weeks_on),
        cmocka_unit_test(GRD_04_grade_C_is_due_a_month_on),
        cmocka_unit_test(GRD_02_days_are_those_of_the_companys_calendar),
        cmocka_unit_test(REM_01_a_valid_record_moves_it_on_and_an_older_one_does_not),
    };
    return cmocka_run_group_tests(tests, with_arena, without_arena);
}
