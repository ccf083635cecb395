/* SPDX-License-Identifier: Apache-2.0 */
/* Documents outside the log: each write by itself, guarded by rev. */
#include "tests/storage/contract/suite.h"

static enum bf_status write_one(struct suite *s, enum bf_write_kind kind, const struct bf_collection *coll, struct bf_doc *doc, int64_t rev)
{
    struct bf_write w = {.kind = kind, .coll = coll, .doc = doc, .rev = rev};
    return bf_store_write(s->store, &w, 1, NULL, NULL);
}

static struct bf_doc *full(struct suite *s, unsigned id)
{
    struct bf_doc *doc = thing(s, &notes, tenant_a, suite_uuid(id), "张三 note");
    struct bf_value *tags = bf_arena_calloc(s->arena, 2, sizeof *tags);
    tags[0] = (struct bf_value){.type = BF_T_STRING, .s = BF_STR("b")};
    tags[1] = (struct bf_value){.type = BF_T_STRING, .s = BF_STR("a")};
    bf_set_uuid(&doc->object, T_OWNER, suite_uuid(501));
    bf_set_enum(&doc->object, T_KIND, KIND_MIDDLE);
    bf_set_int(&doc->object, T_SCORE, INT64_MIN);
    bf_set_double(&doc->object, T_RATIO, -0.25);
    bf_set_int(&doc->object, T_AT, -1);
    bf_set_bool(&doc->object, T_FLAG, false);
    bf_set_array(&doc->object, T_TAGS, tags, 2);
    return doc;
}

static void what_is_inserted_is_read_back_whole(void **state)
{
    struct suite *s = *state;
    struct bf_doc *doc = full(s, 1);
    insert(s, &notes, doc);
    struct bf_doc *back = get(s, &notes, tenant_a, suite_uuid(1));
    assert_non_null(back);
    assert_true(bf_object_eq(&doc->object, &back->object));
    assert_true(bf_uuid_eq(&back->tenant, &tenant_a) && bf_uuid_eq(&back->id, &doc->id));
    assert_int_equal(back->rev, 1);
    assert_int_equal(back->n, 0);
    assert_false(back->tombstone);
    assert_false(bf_has(&back->object, T_PARENT));
    suite_reopen(s);
    back = get(s, &notes, tenant_a, suite_uuid(1));
    assert_true(back != NULL && bf_object_eq(&doc->object, &back->object));
}

static void another_tenants_id_is_not_there(void **state)
{
    struct suite *s = *state;
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "a's"));
    assert_null(get(s, &notes, tenant_b, suite_uuid(1)));
    insert(s, &notes, thing(s, &notes, tenant_b, suite_uuid(1), "b's"));
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(1))), "a's");
    assert_string_equal(name_of(get(s, &notes, tenant_b, suite_uuid(1))), "b's");
}

static void an_id_is_inserted_once(void **state)
{
    struct suite *s = *state;
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "first"));
    assert_int_equal(write_one(s, BF_W_INSERT, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "second"), 0), BF_E_EXISTS);
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(1))), "first");
}

static void replace_is_guarded_by_the_rev(void **state)
{
    struct suite *s = *state;
    struct bf_uuid id = suite_uuid(1);
    assert_int_equal(write_one(s, BF_W_REPLACE, &notes, thing(s, &notes, tenant_a, id, "x"), 1), BF_E_NOT_FOUND);
    insert(s, &notes, thing(s, &notes, tenant_a, id, "one"));
    assert_int_equal(write_one(s, BF_W_REPLACE, &notes, thing(s, &notes, tenant_a, id, "two"), 2), BF_E_STALE);
    assert_int_equal(write_one(s, BF_W_REPLACE, &notes, thing(s, &notes, tenant_a, id, "two"), 1), BF_OK);
    assert_int_equal(get(s, &notes, tenant_a, id)->rev, 2);
    assert_int_equal(write_one(s, BF_W_REPLACE, &notes, thing(s, &notes, tenant_a, id, "three"), 1), BF_E_STALE);
    assert_string_equal(name_of(get(s, &notes, tenant_a, id)), "two");
}

static void put_makes_and_replaces(void **state)
{
    struct suite *s = *state;
    struct bf_uuid id = suite_uuid(1);
    assert_int_equal(write_one(s, BF_W_PUT, &notes, thing(s, &notes, tenant_a, id, "one"), 0), BF_OK);
    assert_int_equal(get(s, &notes, tenant_a, id)->rev, 1);
    assert_int_equal(write_one(s, BF_W_PUT, &notes, thing(s, &notes, tenant_a, id, "two"), 0), BF_OK);
    assert_int_equal(get(s, &notes, tenant_a, id)->rev, 2);
    assert_string_equal(name_of(get(s, &notes, tenant_a, id)), "two");
}

static void delete_is_physical_and_may_be_guarded(void **state)
{
    struct suite *s = *state;
    struct bf_doc *doc = thing(s, &notes, tenant_a, suite_uuid(1), "one");
    assert_int_equal(write_one(s, BF_W_DELETE, &notes, doc, 0), BF_OK);
    insert(s, &notes, doc);
    assert_int_equal(write_one(s, BF_W_DELETE, &notes, doc, 9), BF_E_STALE);
    assert_int_equal(write_one(s, BF_W_DELETE, &notes, doc, 1), BF_OK);
    assert_null(get(s, &notes, tenant_a, doc->id));
    assert_int_equal(write_one(s, BF_W_DELETE, &notes, doc, 1), BF_E_NOT_FOUND);
    insert(s, &notes, doc);
    assert_int_equal(get(s, &notes, tenant_a, doc->id)->rev, 1);
}

static void one_failing_write_does_not_undo_the_others(void **state)
{
    struct suite *s = *state;
    enum bf_status rets[3];
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(2), "there"));
    struct bf_write w[3] = {
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(1), "one")},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(2), "two")},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(3), "three")},
    };
    assert_int_equal(bf_store_write(s->store, w, 3, rets, NULL), BF_OK);
    assert_int_equal(rets[0], BF_OK);
    assert_int_equal(rets[1], BF_E_EXISTS);
    assert_int_equal(rets[2], BF_OK);
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(1))), "one");
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(2))), "there");
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(3))), "three");
}

/* One call with all there is; what is on one document goes in its order. */
static void many_writes_each_have_their_answer(void **state)
{
    enum { N = 300 };
    struct suite *s = *state;
    struct bf_write w[N];
    enum bf_status rets[N], wanted[N];
    for (unsigned i = 0; i < N; i += 10)
        insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1000 + i), "old"));
    for (unsigned i = 0; i < N; i++) {
        unsigned of = i - i % 10;
        struct bf_uuid there = suite_uuid(1000 + of), fresh = suite_uuid(2000 + i);
        static const enum bf_write_kind kinds[10] = {BF_W_INSERT, BF_W_INSERT, BF_W_PUT, BF_W_PUT, BF_W_REPLACE, BF_W_REPLACE, BF_W_REPLACE, BF_W_DELETE, BF_W_DELETE, BF_W_PUT};
        static const bool is_fresh[10] = {false, true, false, true, false, false, true, false, true, true};
        static const int64_t revs[10] = {0, 0, 0, 0, 2, 2, 1, 1, 0, 0}; /* after the PUT it is 2, after the REPLACE 3 */
        static const enum bf_status answers[10] = {BF_E_EXISTS, BF_OK, BF_OK, BF_OK, BF_OK, BF_E_STALE, BF_E_NOT_FOUND, BF_E_STALE, BF_OK, BF_OK};
        const char *name = bf_arena_printf(s->arena, "by %u", i);
        w[i] = (struct bf_write){.kind = kinds[i % 10], .coll = &notes, .rev = revs[i % 10]};
        w[i].doc = thing(s, &notes, tenant_a, is_fresh[i % 10] ? fresh : there, name);
        wanted[i] = answers[i % 10];
    }
    assert_int_equal(bf_store_write(s->store, w, N, rets, NULL), BF_OK);
    for (unsigned i = 0; i < N; i++)
        if (rets[i] != wanted[i])
            fail_msg("write %u (kind %u): %s, not %s", i, i % 10, bf_status_code(rets[i]), bf_status_code(wanted[i]));
    for (unsigned i = 0; i < N; i += 10) {
        const struct bf_doc *doc = get(s, &notes, tenant_a, suite_uuid(1000 + i));
        assert_string_equal(name_of(doc), bf_arena_printf(s->arena, "by %u", i + 4));
        assert_int_equal(doc->rev, 3);
        assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(2000 + i + 3))), bf_arena_printf(s->arena, "by %u", i + 3));
        assert_int_equal(get(s, &notes, tenant_a, suite_uuid(2000 + i + 3))->rev, 1);
        assert_null(get(s, &notes, tenant_a, suite_uuid(2000 + i + 6)));
    }
}

/* Chains, each as long as its writes are done, side by side. */
static void many_chains_are_each_followed_to_where_they_break(void **state)
{
    enum { CHAINS = 20, LONG = 5 };
    struct suite *s = *state;
    struct bf_write w[CHAINS * LONG];
    enum bf_status rets[CHAINS * LONG];
    for (unsigned c = 0; c < CHAINS; c++)
        for (unsigned i = 0; i < LONG; i++) {
            unsigned at = c * LONG + i, id = 100 + at;
            if (i == c % (LONG + 1))
                insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(id), "in the way"));
            w[at] = (struct bf_write){.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(id), "x"), .follows = i > 0};
        }
    assert_int_equal(bf_store_write(s->store, w, CHAINS * LONG, rets, NULL), BF_OK);
    for (unsigned c = 0; c < CHAINS; c++)
        for (unsigned i = 0; i < LONG; i++) {
            unsigned breaks = c % (LONG + 1);
            enum bf_status wanted = i < breaks ? BF_OK : i == breaks ? BF_E_EXISTS : BF_E_STALE;
            assert_int_equal(rets[c * LONG + i], wanted);
            assert_int_equal(get(s, &notes, tenant_a, suite_uuid(100 + c * LONG + i)) != NULL, i <= breaks);
        }
}

static void what_follows_a_write_that_was_not_done_is_not_done_either(void **state)
{
    struct suite *s = *state;
    enum bf_status rets[4];
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "there"));
    struct bf_write w[4] = {
        {.kind = BF_W_REPLACE, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(1), "new"), .rev = 9},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(2), "two"), .follows = true},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(3), "three"), .follows = true},
        {.kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(4), "four")},
    };
    assert_int_equal(bf_store_write(s->store, w, 4, rets, NULL), BF_OK);
    assert_true(rets[0] == BF_E_STALE && rets[1] == BF_E_STALE && rets[2] == BF_E_STALE && rets[3] == BF_OK);
    assert_null(get(s, &notes, tenant_a, suite_uuid(2)));
    w[0].rev = 1;
    assert_int_equal(bf_store_write(s->store, w, 3, rets, NULL), BF_OK);
    assert_true(rets[0] == BF_OK && rets[1] == BF_OK && rets[2] == BF_OK);
    assert_string_equal(name_of(get(s, &notes, tenant_a, suite_uuid(3))), "three");
}

static void many_are_got_in_the_order_asked_for(void **state)
{
    struct suite *s = *state;
    struct bf_uuid ids[3] = {suite_uuid(3), suite_uuid(9), suite_uuid(1)};
    struct bf_doc *docs[3];
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "one"));
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(3), "three"));
    assert_int_equal(bf_store_get_many(s->store, &notes, tenant_a, ids, 3, s->arena, docs, NULL), BF_OK);
    assert_string_equal(name_of(docs[0]), "three");
    assert_null(docs[1]);
    assert_string_equal(name_of(docs[2]), "one");
}

static void system_documents_have_no_tenant(void **state)
{
    struct suite *s = *state;
    struct bf_uuid none = {{0}};
    insert(s, &ticks, thing(s, &ticks, none, suite_uuid(1), "tick"));
    assert_string_equal(name_of(get(s, &ticks, none, suite_uuid(1))), "tick");
    assert_ptr_equal(bf_store_collection(s->store, "ticks"), &ticks);
    assert_null(bf_store_collection(s->store, "tocks"));
    assert_int_equal(bf_store_probe(s->store, NULL), BF_OK);
}

static void the_incarnation_and_derived_keys_survive_a_restart(void **state)
{
    struct suite *s = *state;
    uint8_t before[32], after[32], other[32];
    uint32_t incarnation = bf_store_incarnation(s->store);
    bf_store_derive_key(s->store, "cursor", (struct bf_key *)(void *)before);
    bf_store_derive_key(s->store, "other", (struct bf_key *)(void *)other);
    suite_reopen(s);
    bf_store_derive_key(s->store, "cursor", (struct bf_key *)(void *)after);
    assert_true(bf_store_incarnation(s->store) == incarnation);
    assert_memory_equal(before, after, 32);
    assert_memory_not_equal(before, other, 32);
}

SUITE_PART(suite_documents, SUITE_TEST(what_is_inserted_is_read_back_whole), SUITE_TEST(another_tenants_id_is_not_there),
           SUITE_TEST(an_id_is_inserted_once), SUITE_TEST(replace_is_guarded_by_the_rev), SUITE_TEST(put_makes_and_replaces),
           SUITE_TEST(delete_is_physical_and_may_be_guarded), SUITE_TEST(one_failing_write_does_not_undo_the_others),
           SUITE_TEST(many_writes_each_have_their_answer), SUITE_TEST(many_chains_are_each_followed_to_where_they_break),
           SUITE_TEST(what_follows_a_write_that_was_not_done_is_not_done_either),
           SUITE_TEST(many_are_got_in_the_order_asked_for), SUITE_TEST(system_documents_have_no_tenant),
           SUITE_TEST(the_incarnation_and_derived_keys_survive_a_restart));
