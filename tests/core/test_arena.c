/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "tests/test.h"

static void memory_is_aligned_and_does_not_overlap(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct bf_arena *arena = bf_arena_create();
    unsigned char *parts[N];
    for (unsigned i = 0; i < N; i++) {
        size_t n = i * 7 % 900;
        parts[i] = bf_arena_alloc(arena, n);
        assert_non_null(parts[i]);
        assert_int_equal((uintptr_t)parts[i] % 16, 0);
        memset(parts[i], (int)(i % 251), n);
    }
    for (unsigned i = 0; i < N; i++)
        for (size_t k = 0; k < i * 7 % 900; k++)
            assert_int_equal(parts[i][k], i % 251);
    bf_arena_destroy(&arena);
    assert_null(arena);
    bf_arena_destroy(&arena);
}

static void a_large_piece_among_small_ones_is_whole(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create();
    char *small = bf_arena_strdup(arena, "small");
    char *large = bf_arena_calloc(arena, 1000, 1000);
    char *after = bf_arena_printf(arena, "%d-%s", 7, "after");
    for (size_t i = 0; i < 1000000; i++)
        assert_int_equal(large[i], 0);
    memset(large, 'x', 1000000);
    assert_string_equal(small, "small");
    assert_string_equal(after, "7-after");
    assert_true(bf_arena_used(arena) >= 1000000);
    bf_arena_reset(arena);
    assert_int_equal(bf_arena_used(arena), 0);
    assert_string_equal(bf_arena_dup(arena, "abc", 2), "ab");
    bf_arena_destroy(&arena);
}

struct note {
    char *order;
    char mark;
};

static void mark(void *p)
{
    struct note *note = p;
    note->order[strlen(note->order)] = note->mark;
}

static void cleanups_run_once_and_in_reverse_order(void **state)
{
    (void)state;
    char order[8] = "";
    struct note a = {order, 'a'}, b = {order, 'b'}, c = {order, 'c'};
    struct bf_arena *arena = bf_arena_create();
    bf_arena_defer(arena, mark, &a);
    bf_arena_defer(arena, mark, &b);
    bf_arena_reset(arena);
    assert_string_equal(order, "ba");
    bf_arena_defer(arena, mark, &c);
    bf_arena_destroy(&arena);
    assert_string_equal(order, "bac");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_does_not_overlap),
        cmocka_unit_test(a_large_piece_among_small_ones_is_whole),
        cmocka_unit_test(cleanups_run_once_and_in_reverse_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
