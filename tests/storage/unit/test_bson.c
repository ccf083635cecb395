/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "storage/bson.h"
#include "tests/core/sample.h"
#include "tests/test.h"
#include <bson/bson.h>

static const struct bf_uuid tenant = {{1}}, id = {{2}};

static struct bf_doc *sample_doc(struct bf_arena *arena)
{
    struct bf_doc *doc = bf_doc_create(arena, &sample_schema, tenant, id);
    doc->object = *sample_full(arena);
    doc->rev = 7;
    doc->n = INT64_MAX - 1;
    doc->k = 255;
    return doc;
}

static struct bf_doc *decode(struct bf_arena *arena, const struct bf_schema *schema, struct bf_str bytes)
{
    struct bf_doc *doc = NULL;
    struct bf_error e = {0};
    if (bf__bson_decode(arena, schema, tenant, id, bytes, &doc, &e) != BF_OK)
        fail_msg("decode: %s", e.cause);
    return doc;
}

static void every_type_comes_back_as_it_was(void **state)
{
    struct bf_doc *doc = sample_doc(*state), *back = decode(*state, &sample_schema, bf__bson_encode(*state, doc));
    assert_true(bf_object_eq(&doc->object, &back->object));
    assert_true(back->rev == 7 && back->n == INT64_MAX - 1 && back->k == 255 && !back->tombstone);
    for (unsigned row = 0; row < S_ROWS; row++) {
        struct bf_doc *less = bf_doc_copy(*state, doc);
        bf_unset(&less->object, row);
        assert_true(bf_object_eq(&less->object, &decode(*state, &sample_schema, bf__bson_encode(*state, less))->object));
    }
}

/* Read by libbson itself: types are those that other tools see. */
static void the_bytes_are_plain_bson(void **state)
{
    struct bf_str bytes = bf__bson_encode(*state, sample_doc(*state));
    bson_t b;
    bson_iter_t it, at;
    assert_true(bson_init_static(&b, (const uint8_t *)bytes.p, bytes.n));
    assert_true(bson_validate(&b, BSON_VALIDATE_UTF8, NULL));
    static const struct {
        const char *path;
        bson_type_t type;
    } expected[] = {{"v", BSON_TYPE_INT32},           {"rev", BSON_TYPE_INT64},      {"f.name", BSON_TYPE_UTF8},
                    {"f.done", BSON_TYPE_BOOL},       {"f.count", BSON_TYPE_INT64},  {"f.score", BSON_TYPE_DOUBLE},
                    {"f.kind", BSON_TYPE_UTF8},       {"f.at", BSON_TYPE_DATE_TIME}, {"f.owner_id", BSON_TYPE_BINARY},
                    {"f.place.city", BSON_TYPE_UTF8}, {"f.tags.1", BSON_TYPE_UTF8},  {"f.places.0.city", BSON_TYPE_UTF8}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(bson_iter_init(&it, &b) && bson_iter_find_descendant(&it, expected[i].path, &at));
        assert_int_equal(bson_iter_type(&at), expected[i].type);
    }
    assert_true(bson_iter_init(&it, &b) && bson_iter_find_descendant(&it, "f.kind", &at));
    assert_string_equal(bson_iter_utf8(&at, NULL), "visit");
}

static void a_tombstone_has_no_fields(void **state)
{
    struct bf_doc *doc = sample_doc(*state);
    doc->tombstone = true;
    struct bf_doc *back = decode(*state, &sample_schema, bf__bson_encode(*state, doc));
    assert_true(back->tombstone && back->rev == 7);
    for (unsigned row = 0; row < S_ROWS; row++)
        assert_false(bf_has(&back->object, row));
}

/* ---- what this build does not know ---- */

static const struct bf_field old_fields[] = {BF_FIELD("name", STRING, 0, 0, 0, NORMAL, "", "")};
static const struct bf_schema old_schema = {.name = "old", .zh = "", .en = "", .version = 1, .fields = old_fields, .n_fields = 1};
static const struct bf_word two_words[] = {{"call", "", ""}, {"visit", "", ""}}, one_word[] = {{"call", "", ""}};
static const struct bf_enum two = {"two", two_words, 2}, one = {"one", one_word, 1};
static const struct bf_field new_fields[] = {BF_FIELD("name", STRING, 0, 0, 0, NORMAL, "", ""),
                                             BF_FIELD("phone", STRING, 0, 0, 0, NORMAL, "", ""),
                                             BF_FIELD("kind", ENUM, 0, 0, 0, NORMAL, "", "", .words = &two)};
static const struct bf_schema new_schema = {.name = "new", .zh = "", .en = "", .version = 3, .fields = new_fields, .n_fields = 3};
static const struct bf_field few_fields[] = {BF_FIELD("name", STRING, 0, 0, 0, NORMAL, "", ""),
                                             BF_FIELD("kind", ENUM, 0, 0, 0, NORMAL, "", "", .words = &one)};
static const struct bf_schema few_schema = {.name = "few", .zh = "", .en = "", .version = 1, .fields = few_fields, .n_fields = 2};

static struct bf_doc *newer(struct bf_arena *arena)
{
    struct bf_doc *doc = bf_doc_create(arena, &new_schema, tenant, id);
    doc->rev = 1;
    bf_set_str(&doc->object, 0, BF_STR("n"));
    bf_set_str(&doc->object, 1, BF_STR("138"));
    bf_set_enum(&doc->object, 2, 1);
    return doc;
}

static void unknown_fields_and_a_newer_version_survive_a_rewrite(void **state)
{
    struct bf_doc *doc = newer(*state), *seen = decode(*state, &old_schema, bf__bson_encode(*state, doc));
    assert_true(bf_str_eqz(bf_get_str(&seen->object, 0), "n"));
    bf_set_str(&seen->object, 0, BF_STR("changed"));
    struct bf_str again = bf__bson_encode(*state, bf_doc_copy(*state, seen));
    struct bf_doc *back = decode(*state, &new_schema, again);
    assert_true(bf_str_eqz(bf_get_str(&back->object, 0), "changed"));
    assert_true(bf_str_eqz(bf_get_str(&back->object, 1), "138"));
    assert_int_equal(bf_get_enum(&back->object, 2), 1);
    bson_t b;
    bson_iter_t it;
    assert_true(bson_init_static(&b, (const uint8_t *)again.p, again.n) && bson_iter_init_find(&it, &b, "v"));
    assert_int_equal(bson_iter_int32(&it), 3);
}

static void an_enums_new_word_survives_until_it_is_overwritten(void **state)
{
    struct bf_doc *seen = decode(*state, &few_schema, bf__bson_encode(*state, newer(*state)));
    assert_int_equal(bf_get_enum(&seen->object, 1), -1);
    struct bf_doc *back = decode(*state, &new_schema, bf__bson_encode(*state, seen));
    assert_int_equal(bf_get_enum(&back->object, 2), 1);
    bf_set_enum(&seen->object, 1, 0);
    back = decode(*state, &new_schema, bf__bson_encode(*state, seen));
    assert_int_equal(bf_get_enum(&back->object, 2), 0);
}

static void upgraded(struct bf_object *object, int from) { bf_set_str(object, 0, from == 1 ? BF_STR("from one") : BF_STR("?")); }

static void an_older_document_is_upgraded_on_read(void **state)
{
    struct bf_schema later = new_schema;
    struct bf_doc *doc = bf_doc_create(*state, &old_schema, tenant, id);
    later.upgrade = upgraded;
    doc->rev = 1;
    struct bf_doc *seen = decode(*state, &later, bf__bson_encode(*state, doc));
    assert_true(bf_str_eqz(bf_get_str(&seen->object, 0), "from one"));
}

static void damaged_bytes_are_refused_or_read_but_never_overrun(void **state)
{
    struct bf_str bytes = bf__bson_encode(*state, sample_doc(*state));
    for (size_t cut = 0; cut < bytes.n; cut++) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_doc *doc;
        char *copy = malloc(cut + 1);
        memcpy(copy, bytes.p, cut);
        assert_int_equal(bf__bson_decode(arena, &sample_schema, tenant, id, bf_str(copy, cut), &doc, NULL), BF_E_CORRUPT);
        free(copy);
        copy = malloc(bytes.n);
        memcpy(copy, bytes.p, bytes.n);
        copy[cut] = (char)(copy[cut] ^ 0x55);
        bf__bson_decode(arena, &sample_schema, tenant, id, bf_str(copy, bytes.n), &doc, NULL);
        bf_arena_destroy(&arena);
        free(copy);
    }
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

#define T(f) cmocka_unit_test_setup_teardown(f, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_type_comes_back_as_it_was),
        T(the_bytes_are_plain_bson),
        T(a_tombstone_has_no_fields),
        T(unknown_fields_and_a_newer_version_survive_a_rewrite),
        T(an_enums_new_word_survives_until_it_is_overwritten),
        T(an_older_document_is_upgraded_on_read),
        T(damaged_bytes_are_refused_or_read_but_never_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
