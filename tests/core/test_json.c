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

/* One fault each, in a create whose required fields are there. */
static const struct {
    const char *members, *pointer, *code;
} faults[] = {
    {"\"name\":1", "/name", "wrong_type"},
    {"\"name\":null", "/name", "null"},
    {"\"name\":\"\"", "/name", "too_short"},
    {"\"name\":\"123456789012345678901\"", "/name", "too_long"},
    {"\"name\":\"a\\u0007\"", "/name", "bad_character"},
    {"\"name\":\"a\\u007f\"", "/name", "bad_character"},
    {"\"name\":\"a\\u0085\"", "/name", "bad_character"},
    {"\"done\":0", "/done", "wrong_type"},
    {"\"done\":\"true\"", "/done", "wrong_type"},
    {"\"count\":1.0", "/count", "wrong_type"},
    {"\"count\":true", "/count", "wrong_type"},
    {"\"count\":-6", "/count", "too_small"},
    {"\"count\":1001", "/count", "too_large"},
    {"\"count\":9223372036854775807", "/count", "too_large"},
    {"\"score\":10.0000001", "/score", "too_large"},
    {"\"score\":-1e-9", "/score", "too_small"},
    {"\"score\":\"1\"", "/score", "wrong_type"},
    {"\"kind\":\"Call\"", "/kind", "unknown_word"},
    {"\"kind\":0", "/kind", "wrong_type"},
    {"\"at\":1795323600000", "/at", "wrong_type"},
    {"\"at\":\"2026-11-22\"", "/at", "bad_time"},
    {"\"at\":\"2026-11-22T05:00:00\"", "/at", "bad_time"},
    {"\"day\":\"2026-02-29\"", "/day", "bad_date"},
    {"\"day\":\"2026-2-9\"", "/day", "bad_date"},
    {"\"wall\":\"2026-11-22T24:00\"", "/wall", "bad_wall_time"},
    {"\"wall\":\"2026-11-22 13:00\"", "/wall", "bad_wall_time"},
    {"\"wall\":\"2026-11-22T13:00:00\"", "/wall", "bad_wall_time"},
    {"\"tz\":\"CST\"", "/tz", "bad_zone"},
    {"\"tz\":\"+08:00\"", "/tz", "bad_zone"},
    {"\"owner_id\":\"0192F0A1-7B2C-7D3E-8F40-0123456789AB\"", "/owner_id", "bad_uuid"},
    {"\"owner_id\":\"0192f0a1-7b2c-4d3e-8f40-0123456789ab\"", "/owner_id", "bad_uuid"}, /* version 4 */
    {"\"hash\":\"00\"", "/hash", "bad_sha256"},
    {"\"blob\":\"AP8Q=\"", "/blob", "bad_base64"},
    {"\"blob\":\"AAAAAAAAAAAA\"", "/blob", "too_long"},
    {"\"place\":[]", "/place", "wrong_type"},
    {"\"place\":{}", "/place/city", "required"},
    {"\"place\":{\"city\":\"x\",\"zip\":1}", "/place/zip", "unknown_field"},
    {"\"place\":{\"city\":\"x\",\"secret\":\"y\"}", "/place/secret", "unknown_field"}, /* hidden: as if it were not there */
    {"\"tags\":{}", "/tags", "wrong_type"},
    {"\"tags\":[\"a\",\"b\",\"c\",\"d\"]", "/tags", "too_long"},
    {"\"tags\":[\"a\",2]", "/tags/1", "wrong_type"},
    {"\"tags\":[\"a\",null]", "/tags/1", "null"},
    {"\"tags\":[\"a\",\"\"]", "/tags/1", "too_short"},
    {"\"tags\":[\"123456\"]", "/tags/0", "too_long"},
    {"\"places\":[{\"city\":\"x\"},{\"city\":7}]", "/places/1/city", "wrong_type"},
    {"\"places\":[{\"street\":\"x\"}]", "/places/0/city", "required"},
    {"\"kinds\":[\"call\",\"x\"]", "/kinds/1", "unknown_word"},
    {"\"kind\":\"mail\"", "/reason", "required"},
    {"\"state\":\"open\"", "/state", "read_only"},
    {"\"internal\":\"x\"", "/internal", "unknown_field"},
    {"\"nonsense\":{}", "/nonsense", "unknown_field"},
    {"\"id\":1", "/id", "unknown_field"},
    /* Names of RFC 6901, section 5. */
    {"\"a/b\":0", "/a~1b", "unknown_field"},
    {"\"m~n\":0", "/m~0n", "unknown_field"},
    {"\"\":0", "/", "unknown_field"},
    {"\" \":0", "/ ", "unknown_field"},
    {"\"c%d\":0", "/c%d", "unknown_field"},
    {"\"k\\\"l\":0", "/k\"l", "unknown_field"},
    {"\"i\\\\j\":0", "/i\\j", "unknown_field"},
};

static void each_fault_has_its_pointer_and_code(void **state)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct bf_error e;
        struct bf_object *o = NULL;
        bool names_it = strncmp(faults[i].members, "\"name\"", 6) == 0;
        const char *body = bf_arena_printf(*state, names_it ? "{%s}" : "{\"name\":\"x\",%s}", faults[i].members);
        enum bf_status status = create(*state, body, &o, &e);
        if (status != BF_E_INVALID_BODY || e.status != status || e.n_fields != 1 || strcmp(e.fields[0].pointer, faults[i].pointer) != 0 ||
            strcmp(e.fields[0].code, faults[i].code) != 0)
            fail_msg("%s: status %d, %u faults, first %s %s", body, status, e.n_fields, e.fields[0].pointer, e.fields[0].code);
        assert_null(o);
    }
}

static void faults_are_reported_together_up_to_their_maximum(void **state)
{
    struct bf_error e;
    struct bf_object *o = NULL;
    assert_int_equal(create(*state, "{\"count\":\"x\",\"kind\":\"x\",\"zzz\":1}", &o, &e), BF_E_INVALID_BODY);
    assert_int_equal(e.n_fields, 4); /* and the name is missing */
    assert_int_equal(create(*state, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1}", &o, &e),
                     BF_E_INVALID_BODY);
    assert_int_equal(e.n_fields, BF_ERROR_FIELDS_MAX);
    assert_int_equal(bf_json_decode(*state, &sample_schema, BF_JSON_CREATE, BF_STR("{}"), &o, NULL), BF_E_INVALID_BODY);
}

static void a_pointer_too_long_is_cut_between_characters(void **state)
{
    struct bf_error e;
    struct bf_object *o;
    char body[400] = "{\"name\":\"x\",\"";
    for (int i = 0; i < 100; i++)
        strcat(body, "客");
    strcat(body, "\":1}");
    assert_int_equal(create(*state, body, &o, &e), BF_E_INVALID_BODY);
    size_t n = strlen(e.fields[0].pointer);
    assert_in_range(n, 90, sizeof e.fields[0].pointer - 1);
    assert_int_equal((n - 1) % 3, 0);
}

/* What is not an acceptable JSON object at all. */
static void malformed_json_is_refused_whole(void **state)
{
    static const struct bf_str bad[] = {
        BF_STR(""),
        BF_STR(" "),
        BF_STR("null"),
        BF_STR("[]"),
        BF_STR("\"x\""),
        BF_STR("{\"name\":\"x\"} {}"),
        BF_STR("{\"name\":\"x\"}\0"),
        BF_STR("{\"name\":\"x\",}"),
        BF_STR("{\"name\":'x'}"),
        BF_STR("{name:\"x\"}"),
        BF_STR("{\"name\":\"x\",\"name\":\"y\"}"),
        BF_STR("{\"name\":\"x\",\"n\\u0061me\":\"y\"}"), /* the same key once unescaped */
        BF_STR("{\"name\":\"x\",\"place\":{\"city\":\"a\",\"city\":\"b\"}}"),
        BF_STR("{\"name\":\"a\\u0000b\"}"),
        BF_STR("{\"name\":\"a\0b\"}"),
        BF_STR("{\"name\":\"x\",\"count\":1\0}"),
        BF_STR("{\"name\\u0000\":\"x\"}"),
        BF_STR("{\"name\":\"\\ud800\"}"),
        BF_STR("{\"name\":\"\\udc00\"}"),
        BF_STR("{\"name\":\"\\ud800\\u0041\"}"),
        BF_STR("{\"name\":\"\xed\xa0\x80\"}"),
        BF_STR("{\"name\":\"\xc0\xaf\"}"),
        BF_STR("{\"name\":\"\xff\"}"),
        BF_STR("{\"name\":\"a\nb\"}"),
        BF_STR("{\"count\":01}"),
        BF_STR("{\"count\":+1}"),
        BF_STR("{\"count\":NaN}"),
        BF_STR("{\"score\":1e999}"),
        BF_STR("{\"count\":9223372036854775808}"),
        BF_STR("\xef\xbb\xbf{\"name\":\"x\"}"),
        BF_STR("{\"name\":\"x\"/**/}"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bf_error e = {0};
        struct bf_object *o = NULL;
        enum bf_status status = bf_json_decode(*state, &sample_schema, BF_JSON_CREATE, bad[i], &o, &e);
        if (status != BF_E_INVALID_BODY || e.n_fields != 0 || e.cause[0] == '\0')
            fail_msg("%.*s: status %d, %u faults", BF_FMT(bad[i]), status, e.n_fields);
    }
}

static void a_parse_error_does_not_quote_the_text(void **state)
{
    struct bf_error e;
    struct bf_object *o;
    assert_int_equal(create(*state, "{\"password\":\"hunter2\" x}", &o, &e), BF_E_INVALID_BODY);
    assert_null(strstr(e.cause, "hunter2"));
    assert_non_null(strstr(e.cause, "line 1"));
}

static void depth_and_number_of_values_are_capped_before_a_tree_is_built(void **state)
{
    const size_t n = 10 * 1000 * 1000;
    struct bf_error e = {0};
    struct bf_object *o;
    char *text = malloc(n);
    memset(text, '[', n);
    assert_int_equal(bf_json_decode(*state, &sample_schema, BF_JSON_CREATE, bf_str(text, n), &o, &e), BF_E_INVALID_BODY);
    assert_string_equal(e.cause, "JSON is nested deeper than 16 levels");
    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 == 0 ? '0' : ',';
    text[0] = '[';
    assert_int_equal(bf_json_decode(*state, &sample_schema, BF_JSON_CREATE, bf_str(text, n), &o, &e), BF_E_INVALID_BODY);
    assert_string_equal(e.cause, "JSON holds more than 100000 values");
    free(text);
    assert_int_equal(create(*state, "{\"name\":\"[[[[[[[[[[[[[[[[[[[\"}", &o, &e), BF_OK); /* 19 brackets in a string are no depth */
    const struct bf_json *json;
    assert_int_equal(bf_json_parse(*state, BF_STR("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"), 100, &json, &e), BF_OK);
    assert_int_equal(bf_json_parse(*state, BF_STR("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), 100, &json, &e), BF_E_INVALID_BODY);
}

static void an_id_is_taken_beside_the_fields(void **state)
{
    static const struct {
        const char *body, *code;
    } bad[] = {
        {"{\"name\":\"x\"}", "required"},
        {"{\"name\":\"x\",\"id\":7}", "wrong_type"},
        {"{\"name\":\"x\",\"id\":null}", "wrong_type"},
        {"{\"name\":\"x\",\"id\":\"0192f0a1-7b2c-4d3e-8f40-0123456789ab\"}", "bad_uuid"},
    };
    struct bf_uuid id;
    struct bf_object *o;
    struct bf_error e = {0};
    char text[BF_UUID_TEXT];
    assert_int_equal(bf_json_decode_create(*state, &sample_schema,
                                           BF_STR("{\"id\":\"0192f0a1-7b2c-7d3e-8f40-0123456789ab\",\"name\":\"x\"}"), &id, &o, &e),
                     BF_OK);
    bf_uuid_text(&id, text);
    assert_string_equal(text, "0192f0a1-7b2c-7d3e-8f40-0123456789ab");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        e = (struct bf_error){0};
        assert_int_equal(bf_json_decode_create(*state, &sample_schema, bf_strz(bad[i].body), &id, &o, &e), BF_E_INVALID_BODY);
        assert_int_equal(e.n_fields, 1);
        assert_string_equal(e.fields[0].pointer, "/id");
        assert_string_equal(e.fields[0].code, bad[i].code);
    }
}

static enum bf_status patch(struct bf_arena *arena, const char *body, struct bf_object **ret, struct bf_error *e)
{
    *e = (struct bf_error){0};
    return bf_json_decode(arena, &sample_schema, BF_JSON_PATCH, bf_strz(body), ret, e);
}

static void a_patch_names_any_subset_and_removes_with_null(void **state)
{
    static const struct {
        const char *body, *pointer, *code;
    } bad[] = {
        {"{\"name\":null}", "/name", "null"},
        {"{\"owner_id\":\"0192f0a1-7b2c-7d3e-8f40-0123456789ab\"}", "/owner_id", "immutable"},
        {"{\"owner_id\":null}", "/owner_id", "immutable"},
        {"{\"state\":\"x\"}", "/state", "read_only"},
        {"{\"internal\":null}", "/internal", "unknown_field"},
        {"{\"place\":{\"city\":null}}", "/place/city", "null"},
        {"{\"tags\":[null]}", "/tags/0", "null"},
        {"{\"places\":[{\"street\":\"x\"}]}", "/places/0/city", "required"}, /* arrays replace, so their objects are whole */
    };
    struct bf_object *o = NULL;
    struct bf_error e;
    assert_int_equal(patch(*state, "{}", &o, &e), BF_OK);
    assert_int_equal(patch(*state, "{\"count\":null,\"place\":{\"street\":\"x\"},\"kind\":\"mail\"}", &o, &e), BF_OK);
    assert_int_equal(o->v[S_COUNT].type, BF_T_NULL);
    assert_false(bf_has(o, S_COUNT));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(patch(*state, bad[i].body, &o, &e), BF_E_INVALID_BODY);
        assert_string_equal(e.fields[0].pointer, bad[i].pointer);
        assert_string_equal(e.fields[0].code, bad[i].code);
    }
}

static void a_merge_demands_what_the_patch_took_away_only(void **state)
{
    struct bf_object *base, *p, *merged = NULL;
    struct bf_error e;
    assert_int_equal(create(*state, "{\"name\":\"x\",\"kind\":\"mail\",\"reason\":\"y\"}", &base, &e), BF_OK);
    assert_int_equal(patch(*state, "{\"reason\":null}", &p, &e), BF_OK);
    e = (struct bf_error){0};
    assert_int_equal(bf_json_merge(*state, base, p, &merged, &e), BF_E_INVALID_BODY);
    assert_string_equal(e.fields[0].pointer, "/reason");
    assert_string_equal(e.fields[0].code, "required");
    assert_string_equal(e.fields[0].detail, "this field is required when kind is mail");
    assert_null(merged);
    bf_unset(base, S_REASON); /* an old record without it stays editable */
    assert_int_equal(patch(*state, "{\"name\":\"z\"}", &p, &e), BF_OK);
    assert_int_equal(bf_json_merge(*state, base, p, &merged, &e), BF_OK);
    assert_true(bf_str_eqz(bf_get_str(merged, S_NAME), "z"));
    assert_true(bf_str_eqz(bf_get_str(base, S_NAME), "x"));
    assert_int_equal(patch(*state, "{\"place\":{\"street\":\"s\"}}", &p, &e), BF_OK); /* a new object, but not whole */
    assert_int_equal(bf_json_merge(*state, base, p, &merged, &e), BF_E_INVALID_BODY);
    assert_string_equal(e.fields[0].pointer, "/place/city");
}

/* Appendix A of RFC 7396, as far as typed fields allow: names a, b are strings, o an object, l a list. */
static const struct bf_field inner_fields[] = {BF_FIELD("ccc", STRING, 0, 0, 0, NORMAL, "", "")};
static const struct bf_schema inner = {.name = "inner", .fields = inner_fields, .n_fields = 1};
static const struct bf_field outer_fields[] = {
    BF_FIELD("b", STRING, 0, 0, 0, NORMAL, "", ""),
    BF_FIELD("c", STRING, 0, 0, 0, NORMAL, "", ""),
    BF_FIELD("bb", OBJECT, 0, 0, 0, NORMAL, "", "", .sub = &inner),
};
static const struct bf_schema outer = {.name = "outer", .fields = outer_fields, .n_fields = 3};
static const struct bf_field rfc_fields[] = {
    BF_FIELD("a", STRING, 0, 0, 0, NORMAL, "", ""),
    BF_FIELD("b", STRING, 0, 0, 0, NORMAL, "", ""),
    BF_FIELD("o", OBJECT, 0, 0, 0, NORMAL, "", "", .sub = &outer),
    BF_FIELD("l", ARRAY, 0, 0, 0, NORMAL, "", "", .elem = BF_T_STRING),
};
static const struct bf_schema rfc_schema = {.name = "rfc", .fields = rfc_fields, .n_fields = 4};

static void merge_patch_follows_the_examples_of_rfc_7396(void **state)
{
    static const char *const cases[][3] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"l\":[\"b\"]}", "{\"l\":[\"c\",\"d\"]}", "{\"l\":[\"c\",\"d\"]}"},
        {"{\"l\":[\"b\"]}", "{\"l\":[]}", "{\"l\":[]}"},
        {"{\"o\":{\"b\":\"c\"}}", "{\"o\":{\"b\":\"d\",\"c\":null}}", "{\"o\":{\"b\":\"d\"}}"},
        {"{}", "{\"o\":{\"bb\":{\"ccc\":null}}}", "{\"o\":{\"bb\":{}}}"},
        {"{\"o\":{\"b\":\"c\"}}", "{\"o\":null,\"a\":\"x\"}", "{\"a\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bf_object *base, *p, *merged;
        struct bf_error e;
        struct bf_buf out;
        struct bf_jw w;
        assert_int_equal(bf_json_decode(*state, &rfc_schema, BF_JSON_CREATE, bf_strz(cases[i][0]), &base, &e), BF_OK);
        assert_int_equal(bf_json_decode(*state, &rfc_schema, BF_JSON_PATCH, bf_strz(cases[i][1]), &p, &e), BF_OK);
        assert_int_equal(bf_json_merge(*state, base, p, &merged, &e), BF_OK);
        bf_buf_init(&out, 1000);
        bf_jw_init(&w, &out);
        bf_jw_object(&w);
        bf_jw_fields(&w, merged, BF_SHOW_ALL);
        bf_jw_end_object(&w);
        if (!bf_str_eqz(bf_buf_str(&out), cases[i][2]))
            fail_msg("%s with %s became %.*s", cases[i][0], cases[i][1], BF_FMT(bf_buf_str(&out)));
        bf_buf_finish(&out);
    }
}

static void classes_that_are_not_shown_are_left_out(void **state)
{
    struct bf_buf out;
    struct bf_jw w;
    struct bf_uuid id = {{0}};
    struct bf_doc *doc = bf_doc_create(*state, &sample_schema, id, id);
    bf_set_str(&doc->object, S_NAME, BF_STR("x"));
    bf_set_str(&doc->object, S_PHONE, BF_STR("1"));
    bf_set_int(&doc->object, S_AMOUNT, 2);
    bf_set_str(&doc->object, S_PASSWORD, BF_STR("p"));
    doc->rev = 4;
    bf_buf_init(&out, 1000);
    bf_jw_init(&w, &out);
    bf_jw_array(&w);
    bf_jw_doc(&w, doc, 1u << BF_C_NORMAL);
    bf_jw_doc(&w, doc, 1u << BF_C_NORMAL | 1u << BF_C_FINANCE);
    bf_jw_end_array(&w);
    assert_true(bf_str_eqz(bf_buf_str(&out), "[{\"id\":\"00000000-0000-0000-0000-000000000000\",\"rev\":4,\"name\":\"x\"},"
                                             "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"rev\":4,\"name\":\"x\",\"amount\":2}]"));
    bf_buf_finish(&out);
}

static void the_writer_stops_at_the_limit_of_its_buffer(void **state)
{
    struct bf_object *o = sample_full(*state);
    for (size_t max = 0; max < 700; max++) {
        struct bf_buf out;
        struct bf_jw w;
        bf_buf_init(&out, max);
        bf_jw_init(&w, &out);
        bf_jw_object(&w);
        bf_jw_fields(&w, o, BF_SHOW_ALL);
        assert_true(out.n <= max);
        assert_true(out.overflowed || max > 400);
        bf_buf_finish(&out);
    }
}

static void foreign_json_is_read_by_type(void **state)
{
    const struct bf_json *j;
    struct bf_error e;
    int64_t i;
    double d;
    assert_int_equal(
        bf_json_parse(*state, BF_STR("{\"s\":\"x\",\"i\":-5,\"d\":0.5,\"t\":true,\"a\":[1,\"two\"],\"n\":null}"), 1000, &j, &e), BF_OK);
    assert_true(bf_str_eqz(bf_json_str(bf_json_get(j, "s")), "x"));
    assert_true(bf_json_int(bf_json_get(j, "i"), &i) && i == -5);
    assert_true(bf_json_double(bf_json_get(j, "i"), &d) && d == -5);
    assert_true(bf_json_double(bf_json_get(j, "d"), &d) && d == 0.5);
    assert_false(bf_json_int(bf_json_get(j, "d"), &i));
    assert_true(bf_json_is_true(bf_json_get(j, "t")));
    assert_int_equal(bf_json_count(bf_json_get(j, "a")), 2);
    assert_true(bf_str_eqz(bf_json_str(bf_json_at(bf_json_get(j, "a"), 1)), "two"));
    assert_null(bf_json_at(bf_json_get(j, "a"), 2));
    assert_null(bf_json_get(bf_json_get(j, "absent"), "x"));
    assert_null(bf_json_str(bf_json_get(j, "n")).p);
    assert_false(bf_json_is_true(NULL));
    assert_int_equal(bf_json_count(NULL), 0);
    assert_int_equal(bf_json_parse(*state, BF_STR("[1,2,3]"), 6, &j, &e), BF_E_TOO_LARGE);
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
        WITH_ARENA(each_fault_has_its_pointer_and_code),
        WITH_ARENA(faults_are_reported_together_up_to_their_maximum),
        WITH_ARENA(a_pointer_too_long_is_cut_between_characters),
        WITH_ARENA(malformed_json_is_refused_whole),
        WITH_ARENA(a_parse_error_does_not_quote_the_text),
        WITH_ARENA(depth_and_number_of_values_are_capped_before_a_tree_is_built),
        WITH_ARENA(an_id_is_taken_beside_the_fields),
        WITH_ARENA(a_patch_names_any_subset_and_removes_with_null),
        WITH_ARENA(a_merge_demands_what_the_patch_took_away_only),
        WITH_ARENA(merge_patch_follows_the_examples_of_rfc_7396),
        WITH_ARENA(classes_that_are_not_shown_are_left_out),
        WITH_ARENA(the_writer_stops_at_the_limit_of_its_buffer),
        WITH_ARENA(foreign_json_is_read_by_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
