/* SPDX-License-Identifier: Apache-2.0 */
/* Keys must sort as their values do. */
#include "core/arena.h"
#include "storage/embedded/key.h"
#include "tests/test.h"
#include <float.h>

static const struct bf_word words[] = {{"zeta", "", ""}, {"alpha", "", ""}, {"alphabet", "", ""}};
static const struct bf_enum greek = {"greek", words, 3};
static const struct bf_field enum_field = BF_FIELD("g", ENUM, 0, 0, 0, NORMAL, "", "", .words = &greek);

static struct bf_str key_of(struct bf_arena *arena, const struct bf_value *v)
{
    uint8_t *p = bf_arena_alloc(arena, bf__key_bound(&enum_field, v));
    size_t n = bf__key_put(p, &enum_field, v);
    assert_true(n <= bf__key_bound(&enum_field, v));
    return bf_str((char *)p, n);
}

static int cmp(struct bf_str a, struct bf_str b)
{
    int c = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

/* Given in ascending order; each followed by bytes of a next field, which must not matter. */
static void assert_ascending(struct bf_arena *arena, const struct bf_value *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++) {
            struct bf_str a = key_of(arena, &values[i]), b = key_of(arena, &values[j]);
            int c = cmp(a, b);
            assert_true(i < j ? c < 0 : i > j ? c > 0 : c == 0);
            if (i == j)
                continue;
            char *longer = bf_arena_dup(arena, a.p, a.n); /* NUL behind it */
            assert_true((cmp(bf_str(longer, a.n + 1), b) < 0) == (c < 0));
            assert_true(cmp(key_of(arena, NULL), b) < 0);
        }
}

static void numbers_sort_by_value(void **state)
{
    static const int64_t ints[] = {INT64_MIN, INT64_MIN + 1, -65536, -256,  -255,          -1,       0, 1,
                                   255,       256,           65535,  65536, INT64_MAX - 1, INT64_MAX};
    static const double doubles[] = {-DBL_MAX, -2.5, -1, -DBL_MIN, 0, DBL_MIN, 0.1, 1, 1.0000000000000002, 1e300, DBL_MAX};
    struct bf_value v[14], d[11], negative_zero = {.type = BF_T_DOUBLE, .d = -0.0}, zero = {.type = BF_T_DOUBLE, .d = 0.0};
    for (int i = 0; i < 14; i++)
        v[i] = (struct bf_value){.type = i % 2 == 0 ? BF_T_INT : BF_T_TIME, .i = ints[i]};
    for (int i = 0; i < 11; i++)
        d[i] = (struct bf_value){.type = BF_T_DOUBLE, .d = doubles[i]};
    assert_ascending(*state, v, 14);
    assert_ascending(*state, d, 11);
    assert_true(bf_str_eq(key_of(*state, &negative_zero), key_of(*state, &zero)));
}

static void texts_sort_by_bytes_and_prefixes_first(void **state)
{
    static const char *const texts[] = {"", "\x01", "A", "a", "a\x01", "aa", "ab", "b", "\xe4\xb8\xad", "\xe5\xbc\xa0", "\xf0\x9f\x98\x80"};
    struct bf_value v[11];
    for (int i = 0; i < 11; i++)
        v[i] = (struct bf_value){.type = BF_T_STRING, .s = bf_strz(texts[i])};
    assert_ascending(*state, v, 11);
    struct bf_value nul[] = {{.type = BF_T_STRING, .s = {"a", 1}},
                             {.type = BF_T_STRING, .s = {"a\0", 2}},
                             {.type = BF_T_STRING, .s = {"a\0b", 3}},
                             {.type = BF_T_STRING, .s = {"a\xff", 2}}};
    assert_ascending(*state, nul, 4);
}

static void enums_sort_by_word_and_booleans_by_truth(void **state)
{
    struct bf_value e[] = {{.type = BF_T_ENUM, .i = 1}, {.type = BF_T_ENUM, .i = 2}, {.type = BF_T_ENUM, .i = 0}};
    struct bf_value b[] = {{.type = BF_T_BOOL, .b = false}, {.type = BF_T_BOOL, .b = true}};
    assert_ascending(*state, e, 3);
    assert_ascending(*state, b, 2);
}

static void the_end_of_a_prefix_is_just_behind_all_that_begins_with_it(void **state)
{
    static const struct {
        struct bf_str prefix, after;
    } cases[] = {{{"a", 1}, {"b", 1}}, {{"a\xff", 2}, {"b", 1}}, {{"a\xff\xff", 3}, {"b", 1}}, {{"\0", 1}, {"\1", 1}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(bf_str_eq(bf__key_after(*state, cases[i].prefix), cases[i].after));
    char ones[BF__DOC_KEY];
    memset(ones, 0xff, sizeof ones);
    assert_true(cmp(bf__key_after(*state, bf_str(ones, 16)), bf_str(ones, sizeof ones)) > 0);
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
    const struct CMUnitTest tests[] = {T(numbers_sort_by_value), T(texts_sort_by_bytes_and_prefixes_first),
                                       T(enums_sort_by_word_and_booleans_by_truth),
                                       T(the_end_of_a_prefix_is_just_behind_all_that_begins_with_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
