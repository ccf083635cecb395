/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes open a new database at the same time: all get through, and it is one store. */
#include "tests/storage/mongo/rig.h"
#include <pthread.h>

enum { ROUNDS = 4, OPENERS = 4 };

static const struct bf_collection *const all[] = {&items, &parts, &notes, &ticks};

struct opener {
    const struct bf_env *env;
    struct harness *harness;
    unsigned number;
    pthread_barrier_t *together;
    struct bf_store *store;
    enum bf_status status;
    struct bf_error e;
    pthread_t thread;
};

/* All to the same new company, and the same new document. */
static enum bf_status write_first(struct opener *o)
{
    struct rename r = {.coll = &items, .id = suite_uuid(1), .name = "x"};
    struct bf_read read = {r.coll, r.id};
    struct bf_arena *arena = bf_arena_create();
    struct bf_receipt receipt;
    struct bf_submission sub = {
        .tenant = tenant_a, .actor = tenant_a, .request = request_id(o->number), .reads = &read, .n_reads = 1, .decide = decide_rename, .ctx = &r};
    enum bf_status status = bf_submit_wait(o->store, &sub, arena, &receipt, &o->e);
    bf_arena_destroy(&arena);
    return status;
}

static void *open_and_write(void *arg)
{
    struct opener *o = arg;
    pthread_barrier_wait(o->together);
    o->status = harness_open_another(o->harness, o->env, all, 4, &o->store, &o->e);
    pthread_barrier_wait(o->together);
    if (o->status == BF_OK)
        o->status = write_first(o);
    return NULL;
}

static void run_round(struct suite *s)
{
    struct opener openers[OPENERS];
    struct bf_log_entry *entries;
    pthread_barrier_t together;
    unsigned n;
    struct harness *harness = harness_create();
    pthread_barrier_init(&together, NULL, OPENERS);
    for (unsigned i = 0; i < OPENERS; i++) {
        openers[i] = (struct opener){.env = &s->env, .harness = harness, .number = i + 1, .together = &together};
        assert_int_equal(pthread_create(&openers[i].thread, NULL, open_and_write, &openers[i]), 0);
    }
    for (unsigned i = 0; i < OPENERS; i++)
        pthread_join(openers[i].thread, NULL);
    for (unsigned i = 0; i < OPENERS; i++) {
        if (openers[i].status != BF_OK)
            fail_msg("%s", openers[i].e.cause);
        assert_int_equal(bf_store_incarnation(openers[i].store), bf_store_incarnation(openers[0].store));
        assert_int_equal(bf_log_read(openers[i].store, tenant_a, 0, 100, BF_LOG_DOCS, s->arena, &entries, &n, NULL), BF_OK); /* decrypted */
        assert_true(n > 0 && n == entries[n - 1].n);
        assert_int_equal(entries[n - 1].ops[entries[n - 1].n_ops - 1].rev, OPENERS);
    }
    for (unsigned i = 0; i < OPENERS; i++)
        bf_store_close(&openers[i].store);
    pthread_barrier_destroy(&together);
    harness_destroy(&harness);
}

static void a_new_database_is_one_store_for_all_who_open_it_first(void **state)
{
    for (unsigned round = 0; round < ROUNDS; round++)
        run_round(*state);
}

SUITE_PART(suite_first_start, SUITE_TEST(a_new_database_is_one_store_for_all_who_open_it_first));
