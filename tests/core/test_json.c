/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/json.h"
#include "tests/core/sample.h"
#include "tests/test.h"

static enum bf_status create(struct bf_arena *arena, const char *body, struct bf_object **ret, struct bf_error *e)
{
    *e = (struct bf_error){0};
    return bf_json_decode(arena, &sample_schema, BF_JSON_CREATE, bf_strz(body), ret, e);
}

static void the_smallest_create_is_taken(void **state)
{
    struct bf_error e;
    struct bf_object *o;
    assert_int_equal(create(*state, "{\"name\":\"x\"}", &o, &e), BF_OK);
    assert_true(bf_str_eqz(bf_get_str(o, S_NAME), "x"));
    assert_int_equal(e.status, BF_OK);
}

static const char full_body[] =
    "{\"name\":\"Zhang \\\"San\\\"\",\"done\":true,\"count\":-3,\"score\":2.5,\"kind\":\"visit\",\"at\":\"2026-11-22T05:00:00.000Z\","
    "\"day\":\"2026-11-22\",\"wall\":\"2026-11-22T13:00\",\"tz\":\"Asia/Shanghai\",\"owner_id\":\"0192f0a1-7b2c-7d3e-8f40-0123456789ab\","
    "\"hash\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"blob\":\"AP8Q\","
    "\"place\":{\"city\":\"Urumqi\",\"street\":\"Road 1\"},\"tags\":[\"a\",\"\xe4\xb8\xad\"],"
    "\"places\":[{\"city\":\"Urumqi\",\"street\":\"Road 1\"}],\"kinds\":[\"mail\",\"call\"],\"phone\":\"13800000000\","
    "\"amount\":9007199254740993,\"reason\":\"\"";

static void every_type_is_written_and_read_back(void **state)
{
    struct bf_error e;
    struct bf_object *o = sample_full(*state), *back;
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 4096);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_fields(&w, o, BF_SHOW_ALL);
    bf_jw_end_object(&w);
    char *expected = bf_arena_printf(*state, "%s,\"state\":\"open\"}", full_body);
    assert_int_equal(bf_buf_addc(&out, '\0'), true);
    assert_string_equal(out.p, expected);
    assert_int_equal(create(*state, bf_arena_printf(*state, "%s}", full_body), &back, &e), BF_OK);
    bf_unset(o, S_STATE);
    bf_unset(o, S_INTERNAL);
    bf_unset(o, S_PASSWORD);
    bf_unset(bf_get_array(o, S_PLACES).items[0].object, P_SECRET); /* the same object stands at S_PLACE */
    assert_true(bf_object_eq(o, back));
    bf_buf_finish(&out);
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

#define WITH_ARENA(f) cmocka_unit_test_setup_teardown(f, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(the_smallest_create_is_taken),
        WITH_ARENA(every_type_is_written_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
