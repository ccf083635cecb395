/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/verdict.h"
#include "crm/ids.h"
#include "tests/crm/make.h"

struct scene {
    struct bf_object *policy;
    struct bf_doc *visit;
    struct bf_validity validity;
    struct bf_timeliness timeliness;
    struct bf_week week;
};

static struct scene scene(struct bf_arena *arena)
{
    struct scene s = {
        .policy = bf_policy_create(arena),
        .visit = bf_doc_create(arena, &bf_visit_schema, (struct bf_uuid){{1}}, (struct bf_uuid){{2}}),
        .validity = {.validity = BF_VALIDITY_IS_DOUBTFUL,
                     .reasons = 1u << BF_VERDICT_REASON_IS_REPEATED | 1u << BF_VERDICT_REASON_IS_OFF_TOPIC,
                     .units = 12,
                     .counts = true},
        .timeliness = {.timely = true, .by = BF_TIMELY_BY_IS_CORRECTED},
        .week = {.year = 2026, .week = 47, .text = "2026-W47"},
    };
    bf_set_int(s.policy, BF_POLICY_VERSION, 3);
    bf_set_uuid(&s.visit->object, BF_VISIT_CUSTOMER, (struct bf_uuid){{3}});
    bf_set_uuid(&s.visit->object, BF_VISIT_OWNER, (struct bf_uuid){{4}});
    bf_set_uuid(&s.visit->object, BF_VISIT_TEAM, (struct bf_uuid){{5}});
    return s;
}

static const struct bf_doc *verdict(struct bf_arena *arena, const struct scene *s)
{
    struct bf_verdict_input in = {.policy = s->policy,
                                  .visit = s->visit,
                                  .validity = &s->validity,
                                  .timeliness = &s->timeliness,
                                  .week = &s->week,
                                  .week_count_before = 4,
                                  .judged_at = 77};
    return bf_verdict_create(arena, &in);
}

static void G_21_a_verdict_holds_policy_version_and_inputs(void **state)
{
    struct scene s = scene(*state);
    const struct bf_object *v = &verdict(*state, &s)->object;
    assert_int_equal(bf_get_int(v, BF_VERDICT_POLICY_VERSION), 3);
    assert_int_equal(bf_get_int(v, BF_VERDICT_UNITS), 12);
    assert_int_equal(bf_get_enum(v, BF_VERDICT_VALIDITY), BF_VALIDITY_IS_DOUBTFUL);
    assert_int_equal(bf_get_enum(v, BF_VERDICT_TIMELY_BY), BF_TIMELY_BY_IS_CORRECTED);
    assert_true(bf_get_bool(v, BF_VERDICT_TIMELY));
    assert_int_equal(bf_get_int(v, BF_VERDICT_JUDGED_AT), 77);
    assert_true(bf_str_eqz(bf_get_str(v, BF_VERDICT_WEEK), "2026-W47"));
    struct bf_array reasons = bf_get_array(v, BF_VERDICT_REASONS);
    assert_int_equal(reasons.n, 2);
    assert_int_equal(reasons.items[0].i, BF_VERDICT_REASON_IS_REPEATED);
    assert_int_equal(reasons.items[1].i, BF_VERDICT_REASON_IS_OFF_TOPIC);
}

static void every_field_of_a_verdict_is_filled(void **state)
{
    struct scene s = scene(*state);
    const struct bf_doc *v = verdict(*state, &s);
    for (unsigned row = 0; row < BF_VERDICT_ROWS; row++)
        assert_true(bf_has(&v->object, row));
    struct bf_uuid owner = bf_get_uuid(&v->object, BF_VERDICT_OWNER), visit = bf_get_uuid(&v->object, BF_VERDICT_VISIT);
    assert_int_equal(owner.b[0], 4);
    assert_true(bf_uuid_eq(&visit, &s.visit->id));
    assert_true(bf_uuid_eq(&v->tenant, &s.visit->tenant));
}

static void FUP_15_the_week_count_includes_a_record_that_counts(void **state)
{
    struct scene s = scene(*state);
    assert_int_equal(bf_get_int(&verdict(*state, &s)->object, BF_VERDICT_WEEK_COUNT), 5);
    assert_int_equal(bf_get_int(&verdict(*state, &s)->object, BF_VERDICT_WEEK_QUOTA), 5);
    s.validity.counts = false;
    assert_int_equal(bf_get_int(&verdict(*state, &s)->object, BF_VERDICT_WEEK_COUNT), 4);
}

static void G_03_the_second_verdict_has_an_id_of_its_own(void **state)
{
    struct scene s = scene(*state);
    const struct bf_doc *first = verdict(*state, &s);
    s.validity.from_transcript = true;
    const struct bf_doc *second = verdict(*state, &s);
    struct bf_uuid expected = bf_id_verdict(s.visit->tenant, s.visit->id, true);
    assert_false(bf_uuid_eq(&first->id, &second->id));
    assert_true(bf_uuid_eq(&second->id, &expected));
    assert_true(bf_get_bool(&second->object, BF_VERDICT_FROM_TRANSCRIPT));
}

int test_verdict(void)
{
    const struct CMUnitTest verdict_tests[] = {
        cmocka_unit_test(G_21_a_verdict_holds_policy_version_and_inputs),
        cmocka_unit_test(every_field_of_a_verdict_is_filled),
        cmocka_unit_test(FUP_15_the_week_count_includes_a_record_that_counts),
        cmocka_unit_test(G_03_the_second_verdict_has_an_id_of_its_own),
    };
    return cmocka_run_group_tests_name("verdict", verdict_tests, with_arena, without_arena);
}
