/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "tests/core/sample.h"
#include "tests/test.h"

static void names_and_words_are_found_whole_only(void **state)
{
    (void)state;
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("name")), S_NAME);
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("password")), S_PASSWORD);
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("nam")), -1);
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("Name")), -1);
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("name\0")), -1);
    assert_int_equal(bf_schema_find(&sample_schema, BF_STR("")), -1);
    const struct bf_enum *kinds = sample_schema.fields[S_KIND].words;
    assert_int_equal(bf_enum_find(kinds, BF_STR("mail")), KIND_MAIL);
    assert_int_equal(bf_enum_find(kinds, BF_STR("Mail")), -1);
}

static void absent_fields_read_as_neutral_values(void **state)
{
    struct bf_object *o = bf_object_create(*state, &sample_schema);
    for (unsigned row = 0; row < S_ROWS; row++)
        assert_false(bf_has(o, row));
    assert_false(bf_get_bool(o, S_DONE));
    assert_int_equal(bf_get_int(o, S_COUNT), 0);
    assert_true(bf_get_double(o, S_SCORE) == 0);
    assert_int_equal(bf_get_enum(o, S_KIND), -1);
    assert_null(bf_get_str(o, S_NAME).p);
    assert_null(bf_get_sha256(o, S_HASH));
    assert_null(bf_get_object(o, S_PLACE));
    assert_int_equal(bf_get_array(o, S_TAGS).n, 0);
    struct bf_uuid none = bf_get_uuid(o, S_OWNER);
    assert_true(bf_uuid_is_zero(&none));
}

static void what_is_set_is_read_back(void **state)
{
    struct bf_object *o = sample_full(*state);
    for (unsigned row = 0; row < S_ROWS; row++)
        assert_true(bf_has(o, row));
    assert_true(bf_get_bool(o, S_DONE));
    assert_int_equal(bf_get_int(o, S_COUNT), -3);
    assert_int_equal(bf_get_int(o, S_AT), 1795323600000);
    assert_int_equal(bf_get_enum(o, S_KIND), KIND_VISIT);
    assert_true(bf_str_eqz(bf_get_str(o, S_ZONE), "Asia/Shanghai"));
    assert_int_equal(bf_get_sha256(o, S_HASH)[31], 31);
    assert_true(bf_str_eqz(bf_get_str(bf_get_object(o, S_PLACE), P_CITY), "Urumqi"));
    assert_int_equal(bf_get_array(o, S_TAGS).n, 2);
    bf_unset(o, S_COUNT);
    assert_false(bf_has(o, S_COUNT));
    bf_set_str(o, S_NAME, (struct bf_str){NULL, 0});
    assert_false(bf_has(o, S_NAME));
}

static void a_copy_is_deep_and_outlives_its_source(void **state)
{
    struct bf_arena *first = bf_arena_create();
    struct bf_uuid tenant = {{1}}, id = {{2}};
    struct bf_doc *doc = bf_doc_create(first, &sample_schema, tenant, id);
    doc->object = *sample_full(first);
    doc->object.extra = bf_str_dup(first, BF_STR("unknown"));
    doc->rev = 3;
    doc->n = 9;
    struct bf_doc *copy = bf_doc_copy(*state, doc);
    assert_true(bf_object_eq(&doc->object, &copy->object));
    bf_arena_destroy(&first);
    struct bf_object *again = sample_full(*state);
    assert_false(bf_object_eq(&copy->object, again)); /* `extra` differs */
    again->extra = BF_STR("unknown");
    assert_true(bf_object_eq(&copy->object, again));
    assert_true(bf_uuid_eq(&copy->tenant, &tenant) && bf_uuid_eq(&copy->id, &id));
    assert_int_equal(copy->rev, 3);
    assert_int_equal(copy->n, 9);
}

static void a_change_in_any_row_makes_objects_unequal(void **state)
{
    struct bf_object *a = sample_full(*state);
    for (unsigned row = 0; row < S_ROWS; row++) {
        struct bf_object *b = bf_object_copy(*state, a);
        assert_true(bf_object_eq(a, b));
        bf_unset(b, row);
        assert_false(bf_object_eq(a, b));
    }
    struct bf_object *b = bf_object_copy(*state, a);
    bf_set_str(b->v[S_PLACES].array.items[0].object, P_STREET, BF_STR("Road 2"));
    assert_false(bf_object_eq(a, b));
    assert_true(bf_str_eqz(bf_get_str(bf_get_object(a, S_PLACE), P_STREET), "Road 1"));
}

static int make_arena(void **state)
{
    *state = bf_arena_create();
    return 0;
}

static int free_arena(void **state)
{
    struct bf_arena *arena = *state;
    bf_arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_words_are_found_whole_only),
        cmocka_unit_test_setup_teardown(absent_fields_read_as_neutral_values, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(what_is_set_is_read_back, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(a_copy_is_deep_and_outlives_its_source, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(a_change_in_any_row_makes_objects_unequal, make_arena, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
