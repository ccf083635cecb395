/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/crypto.h"
#include "storage/entry.h"
#include "tests/test.h"

static struct bf_uuid u(uint8_t n) { return (struct bf_uuid){{n, 1, 2, 3}}; }

static struct bf__entry sample(struct bf_arena *arena)
{
    struct bf__entry e = {.tenant = u(1), .n = INT64_C(0x1122334455), .at_ms = 1800000000123, .n_ops = 3, .n_requests = 2};
    e.ops = bf_arena_calloc(arena, 3, sizeof *e.ops);
    e.requests = bf_arena_calloc(arena, 2, sizeof *e.requests);
    e.ops[0] = (struct bf__entry_op){.coll = BF_STR("customers"),
                                     .id = u(2),
                                     .subject = u(2),
                                     .owner_after = u(3),
                                     .team_after = u(4),
                                     .rev = 1,
                                     .commitment = {9, 9},
                                     .sealed = BF_STR("sealed one")};
    e.ops[1] = (struct bf__entry_op){.coll = BF_STR("visits"),
                                     .id = u(5),
                                     .subject = u(2),
                                     .owner_before = u(3),
                                     .owner_after = u(6),
                                     .team_before = u(4),
                                     .team_after = u(7),
                                     .rev = INT64_MAX,
                                     .commitment = {8},
                                     .sealed = BF_STR("")};
    e.ops[2] = (struct bf__entry_op){.coll = BF_STR("x"), .id = u(8), .rev = 3, .tombstone = true};
    e.requests[0] = (struct bf__entry_request){
        .id = {{1}}, .actor = u(10), .subject = u(2), .body_hash = {7}, .commitment = {6}, .n_ops = 2, .sealed = BF_STR("receipt")};
    e.requests[1] = (struct bf__entry_request){.id = {{2}}, .actor = u(11), .n_ops = 1, .sealed = BF_STR("r")};
    return e;
}

static void an_entry_comes_back_as_it_was(void **state)
{
    struct bf__entry e = sample(*state), back;
    struct bf_str header = bf__entry_header(*state, &e), payload = bf__entry_payload(*state, &e);
    int64_t n, at;
    assert_int_equal(bf__entry_parse(*state, header, payload, &back, NULL), BF_OK);
    assert_true(back.n == e.n && back.at_ms == e.at_ms && back.n_ops == 3 && back.n_requests == 2 && bf_uuid_eq(&back.tenant, &e.tenant));
    for (unsigned i = 0; i < 3; i++) {
        assert_true(bf_str_eq(back.ops[i].coll, e.ops[i].coll) && bf_str_eq(back.ops[i].sealed, e.ops[i].sealed));
        assert_memory_equal(&back.ops[i].id, &e.ops[i].id, 6 * 16);
        assert_true(back.ops[i].rev == e.ops[i].rev && back.ops[i].tombstone == e.ops[i].tombstone);
        assert_memory_equal(back.ops[i].commitment, e.ops[i].commitment, 32);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_memory_equal(&back.requests[i].id, &e.requests[i].id, 16);
        assert_true(bf_uuid_eq(&back.requests[i].actor, &e.requests[i].actor) &&
                    bf_uuid_eq(&back.requests[i].subject, &e.requests[i].subject));
        assert_memory_equal(back.requests[i].body_hash, e.requests[i].body_hash, 64);
        assert_true(back.requests[i].n_ops == e.requests[i].n_ops && bf_str_eq(back.requests[i].sealed, e.requests[i].sealed));
    }
    assert_int_equal(bf__entry_head(header, &n, &at, NULL), BF_OK);
    assert_true(n == e.n && at == e.at_ms);
    size_t bytes = 37 + 2 * 114 + 2 * 4 + 8;
    for (unsigned i = 0; i < 3; i++)
        bytes += bf__entry_op_bytes(&e.ops[i]);
    assert_int_equal(header.n + payload.n, bytes);
}

static void a_header_alone_can_be_read(void **state)
{
    struct bf__entry e = sample(*state), back;
    assert_int_equal(bf__entry_parse(*state, bf__entry_header(*state, &e), bf_str(NULL, 0), &back, NULL), BF_OK);
    assert_int_equal(back.ops[0].sealed.n, 0);
}

static void the_leaf_is_the_hash_of_a_zero_and_the_header(void **state)
{
    uint8_t leaf[32], expected[32];
    char bytes[] = "\0header";
    (void)state;
    bf__entry_leaf(BF_STR("header"), leaf);
    bf_sha256(bytes, 7, expected);
    assert_memory_equal(leaf, expected, 32);
}

static void every_cut_and_every_byte_too_many_is_refused(void **state)
{
    struct bf__entry e = sample(*state), back;
    struct bf_str header = bf__entry_header(*state, &e), payload = bf__entry_payload(*state, &e);
    for (size_t cut = 0; cut < header.n; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, header.p, cut);
        assert_int_equal(bf__entry_parse(*state, bf_str(copy, cut), payload, &back, NULL), BF_E_CORRUPT);
        free(copy);
    }
    for (size_t cut = 1; cut < payload.n; cut++)
        assert_int_equal(bf__entry_parse(*state, header, bf_str(payload.p, cut), &back, NULL), BF_E_CORRUPT);
    struct bf_str more = bf_str(bf_arena_dup(*state, header.p, header.n), header.n + 1);
    assert_int_equal(bf__entry_parse(*state, more, payload, &back, NULL), BF_E_CORRUPT);
    more = bf_str(bf_arena_dup(*state, payload.p, payload.n), payload.n + 1);
    assert_int_equal(bf__entry_parse(*state, header, more, &back, NULL), BF_E_CORRUPT);
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
    const struct CMUnitTest tests[] = {T(an_entry_comes_back_as_it_was), T(a_header_alone_can_be_read),
                                       T(the_leaf_is_the_hash_of_a_zero_and_the_header), T(every_cut_and_every_byte_too_many_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
