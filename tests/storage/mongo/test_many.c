/* SPDX-License-Identifier: Apache-2.0 */
/* Many writes in one call: few commands, and each still has its own answer, also when another process changes the same documents. */
#include "tests/storage/mongo/rig.h"
#include <pthread.h>

enum { MANY = 200, DOCS = 40, RACERS = 4, ROUNDS = 25 };

static const struct bf_collection *const same[] = {&items, &parts, &notes, &ticks};

static void fill(struct suite *s, struct bf_write *writes, enum bf_write_kind kind, const struct bf_collection *coll, struct bf_uuid tenant, int64_t rev)
{
    for (unsigned i = 0; i < MANY; i++)
        writes[i] = (struct bf_write){.kind = kind, .coll = coll, .doc = thing(s, coll, tenant, suite_uuid(i + 1), "x"), .rev = rev};
}

/* But for guarded deletes: what one of those met leaves nothing to look at. */
static void two_hundred_writes_are_a_few_commands(void **state)
{
    static const struct bf_uuid none;
    static const struct {
        enum bf_write_kind kind;
        int64_t rev;
        unsigned commands;
    } steps[] = {{BF_W_INSERT, 0, 1}, {BF_W_REPLACE, 1, 1}, {BF_W_PUT, 0, 1}, {BF_W_DELETE, 3, MANY}, {BF_W_PUT, 0, 2}, {BF_W_DELETE, 0, 1}};
    struct suite *s = *state;
    struct bf_write writes[MANY];
    enum bf_status rets[MANY];
    for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
        fill(s, writes, steps[i].kind, &ticks, none, steps[i].rev);
        unsigned before = harness_writes(s->harness);
        assert_int_equal(bf_store_write(s->store, writes, MANY, rets, NULL), BF_OK);
        assert_int_equal(harness_writes(s->harness) - before, steps[i].commands);
        for (unsigned k = 0; k < MANY; k++)
            assert_int_equal(rets[k], BF_OK);
    }
}

struct racer {
    struct suite *s;
    struct bf_store *store;
    unsigned number;
    int64_t won[DOCS]; /* writes that were answered with OK */
    pthread_t thread;
};

/* Each adds one to what it read: who is told that it did, did, and nobody else from the same rev. */
static enum bf_status add_to_all(struct racer *r, struct bf_arena *arena)
{
    struct bf_uuid ids[DOCS];
    struct bf_doc *docs[DOCS];
    struct bf_write writes[DOCS];
    enum bf_status rets[DOCS];
    for (unsigned i = 0; i < DOCS; i++)
        ids[i] = suite_uuid(i + 1);
    enum bf_status status = bf_store_get_many(r->store, &notes, tenant_a, ids, DOCS, arena, docs, NULL);
    for (unsigned i = 0; status == BF_OK && i < DOCS; i++) {
        bf_set_int(&docs[i]->object, T_SCORE, bf_get_int(&docs[i]->object, T_SCORE) + 1);
        writes[i] = (struct bf_write){.kind = BF_W_REPLACE, .coll = &notes, .doc = docs[i], .rev = docs[i]->rev};
    }
    if (status == BF_OK)
        status = bf_store_write(r->store, writes, DOCS, rets, NULL);
    for (unsigned i = 0; status == BF_OK && i < DOCS; i++)
        r->won[i] += rets[i] == BF_OK;
    return status;
}

static void *race(void *arg)
{
    struct racer *r = arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct bf_arena *arena = bf_arena_create();
        if (add_to_all(r, arena) != BF_OK)
            abort();
        bf_arena_destroy(&arena);
    }
    return NULL;
}

static void of_those_that_change_the_same_at_once_each_knows_what_it_did(void **state)
{
    struct suite *s = *state;
    struct racer *racers = calloc(RACERS, sizeof *racers);
    struct bf_store *other;
    int64_t lost = 0;
    assert_int_equal(harness_open_another(s->harness, &s->env, same, 4, &other, NULL), BF_OK);
    for (unsigned i = 0; i < DOCS; i++)
        insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(i + 1), "x"));
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i].s = s;
        racers[i].number = i;
        racers[i].store = i % 2 == 0 ? s->store : other;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    for (unsigned i = 0; i < DOCS; i++) {
        const struct bf_doc *doc = get(s, &notes, tenant_a, suite_uuid(i + 1));
        int64_t won = 0;
        for (unsigned k = 0; k < RACERS; k++)
            won += racers[k].won[i];
        assert_int_equal(doc->rev, 1 + won);
        assert_int_equal(bf_get_int(&doc->object, T_SCORE), won);
        lost += RACERS * ROUNDS - won;
    }
    assert_true(lost > 0); /* there were races */
    bf_store_close(&other);
    free(racers);
}

/* A document that is written again before the first one looks. */
static void a_mark_is_found_though_others_wrote_since(void **state)
{
    struct suite *s = *state;
    struct bf_write w = {.kind = BF_W_REPLACE, .coll = &notes, .rev = 1}, both[2];
    enum bf_status rets[2];
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(1), "x"));
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(2), "x"));
    w.doc = thing(s, &notes, tenant_a, suite_uuid(1), "y");
    both[0] = both[1] = w;
    both[1].doc = thing(s, &notes, tenant_a, suite_uuid(2), "y");
    assert_int_equal(bf_store_write(s->store, both, 2, rets, NULL), BF_OK);
    bson_t *before = rig_command(s, "{\"find\": \"notes\", \"filter\": {}, \"projection\": {\"w2\": 1}}");
    for (int64_t rev = 2; rev < 5; rev++) {
        w.rev = rev;
        assert_int_equal(bf_store_write(s->store, &w, 1, NULL, NULL), BF_OK);
    }
    bson_t *after = rig_command(s, "{\"find\": \"notes\", \"filter\": {}, \"projection\": {\"w2\": 1}}");
    bson_iter_t a, b, x, y;
    assert_true(bson_iter_init(&a, before) && bson_iter_find_descendant(&a, "cursor.firstBatch.0.w2", &x));
    assert_true(bson_iter_init(&b, after) && bson_iter_find_descendant(&b, "cursor.firstBatch.0.w2", &y));
    assert_true(bson_iter_value(&x)->value.v_binary.data_len == 12);
    assert_memory_equal(bson_iter_value(&x)->value.v_binary.data, bson_iter_value(&y)->value.v_binary.data, 12);
    bson_destroy(before);
    bson_destroy(after);
}

SUITE_PART(suite_many, SUITE_TEST(two_hundred_writes_are_a_few_commands), SUITE_TEST(of_those_that_change_the_same_at_once_each_knows_what_it_did),
           SUITE_TEST(a_mark_is_found_though_others_wrote_since));
