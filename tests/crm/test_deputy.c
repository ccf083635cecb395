/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/deputy.h"
#include "tests/crm/make.h"
#include <stdlib.h>

static const struct bf_civil today = {.year = 2026, .month = 11, .day = 27};

static struct bf_object *away(struct bf_arena *arena, const char *deputy, const char *from, const char *until)
{
    struct bf_object *o = bf_object_create(arena, &bf_user_schema);
    if (deputy != NULL)
        bf_set_uuid(o, BF_USER_DEPUTY, (struct bf_uuid){{1}});
    if (from != NULL)
        bf_set_str(o, BF_USER_AWAY_FROM, bf_strz(from));
    if (until != NULL)
        bf_set_str(o, BF_USER_AWAY_UNTIL, bf_strz(until));
    return o;
}

static bool is_away(const struct bf_object *o, int year, int month, int day)
{
    return bf_deputy_is_away(o, &(struct bf_civil){.year = year, .month = month, .day = day});
}

static void both_days_are_included(void **state)
{
    const struct bf_object *o = away(*state, "x", "2026-12-30", "2027-01-02");
    assert_false(is_away(o, 2026, 12, 29));
    assert_true(is_away(o, 2026, 12, 30));
    assert_true(is_away(o, 2026, 12, 31));
    assert_true(is_away(o, 2027, 1, 2));
    assert_false(is_away(o, 2027, 1, 3));
    assert_false(is_away(o, 2026, 1, 1));
    assert_false(is_away(away(*state, NULL, "2026-12-30", "2027-01-02"), 2026, 12, 31)); /* nobody stands in */
}

static struct bf_doc *person(struct bf_arena *arena, uint8_t id, int role, uint8_t team)
{
    struct bf_doc *doc = bf_doc_create(arena, &bf_user_schema, (struct bf_uuid){{9}}, (struct bf_uuid){{id}});
    bf_set_enum(&doc->object, BF_USER_ROLE, role);
    bf_set_uuid(&doc->object, BF_USER_TEAM, (struct bf_uuid){{team}});
    bf_set_enum(&doc->object, BF_USER_STATUS, BF_USER_STATUS_IS_ACTIVE);
    return doc;
}

/* PER-03, PER-04: teams 1 > 2 > 3; the one who is away leads team 2. */
static void PER_03_a_deputy_sees_all_that_the_other_sees(void **state)
{
    struct bf_value teams[2] = {{.type = BF_T_UUID, .uuid = {{1}}}, {.type = BF_T_UUID, .uuid = {{2}}}};
    struct bf_array path = {.items = teams, .n = 2};
    const struct bf_doc *lead = person(*state, 1, BF_ROLE_IS_SUPERVISOR, 2), *manager = person(*state, 2, BF_ROLE_IS_MANAGER, 3);
    struct bf_doc *other = person(*state, 3, BF_ROLE_IS_MANAGER, 3);
    assert_true(bf_deputy_may(lead, path, manager));
    assert_true(bf_deputy_may(lead, path, person(*state, 4, BF_ROLE_IS_SUPERVISOR, 1)));
    assert_true(bf_deputy_may(lead, path, person(*state, 4, BF_ROLE_IS_SUPERVISOR, 2)));
    assert_false(bf_deputy_may(lead, path, person(*state, 4, BF_ROLE_IS_SUPERVISOR, 3)));
    assert_false(bf_deputy_may(lead, path, person(*state, 4, BF_ROLE_IS_REP, 2)));
    assert_false(bf_deputy_may(lead, path, person(*state, 4, BF_ROLE_IS_AUDITOR, 2)));
    assert_false(bf_deputy_may(lead, path, lead));
    assert_false(bf_deputy_may(lead, path, NULL));
    assert_true(bf_deputy_may(manager, path, other));
    assert_false(bf_deputy_may(manager, path, person(*state, 4, BF_ROLE_IS_SUPERVISOR, 1)));
    bf_set_enum(&other->object, BF_USER_STATUS, BF_USER_STATUS_IS_FROZEN);
    assert_false(bf_deputy_may(lead, path, other));
}

static bool is_refused(const struct bf_object *o, const char *pointer, const char *code)
{
    struct bf_error e = {0};
    return bf_deputy_check(o, &today, &e) == BF_E_UNPROCESSABLE && has_fault(&e, pointer, code);
}

static void a_period_is_whole_in_order_not_over_and_of_100_days_at_most(void **state)
{
    struct bf_error e = {0};
    assert_int_equal(bf_deputy_check(away(*state, NULL, NULL, NULL), &today, &e), BF_OK);
    assert_int_equal(bf_deputy_check(away(*state, "x", "2026-11-20", "2026-11-27"), &today, &e), BF_OK);
    assert_int_equal(bf_deputy_check(away(*state, "x", "2026-12-01", "2027-03-10"), &today, &e), BF_OK);
    assert_true(is_refused(away(*state, NULL, "2026-12-01", "2026-12-02"), "/deputy", "required"));
    assert_true(is_refused(away(*state, "x", NULL, "2026-12-02"), "/away_from", "required"));
    assert_true(is_refused(away(*state, "x", "2026-12-01", NULL), "/away_until", "required"));
    assert_true(is_refused(away(*state, "x", "2026-12-02", "2026-12-01"), "/away_until", "bad_period"));
    assert_true(is_refused(away(*state, "x", "2026-11-20", "2026-11-26"), "/away_until", "bad_period"));
    assert_true(is_refused(away(*state, "x", "2026-12-01", "2027-03-11"), "/away_until", "bad_period"));
}

int test_deputy(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_days_are_included),
        cmocka_unit_test(PER_03_a_deputy_sees_all_that_the_other_sees),
        cmocka_unit_test(a_period_is_whole_in_order_not_over_and_of_100_days_at_most),
    };
    return cmocka_run_group_tests(tests, with_arena, without_arena);
}
