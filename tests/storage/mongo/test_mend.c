/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and mending a database that another process writes to at the same time. */
#include "storage/bson.h"
#include "tests/storage/mongo/rig.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { DAMAGED = 5, OTHERS = 5, CHECKS = 5 };

static const struct bf_collection *const same[] = {&items, &parts, &notes, &ticks};

struct writer {
    const struct suite *s;
    struct bf_store *store;
    atomic_bool stop;
    atomic_uint written;
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    for (unsigned i = 0; !atomic_load(&w->stop); i++) {
        struct rename r = {.coll = &items, .id = suite_uuid(100 + i % OTHERS), .name = "lives"};
        struct bf_read read = {r.coll, r.id};
        struct bf_receipt receipt;
        struct bf_arena *arena = bf_arena_create();
        struct bf_submission sub = {
            .tenant = tenant_a, .actor = tenant_a, .request = request_id(1000 + i), .reads = &read, .n_reads = 1, .decide = decide_rename, .ctx = &r};
        if (bf_submit_wait(w->store, &sub, arena, &receipt, NULL) != BF_OK)
            abort();
        atomic_fetch_add(&w->written, 1);
        bf_arena_destroy(&arena);
    }
    return NULL;
}

static void start(struct suite *s, struct writer *w)
{
    *w = (struct writer){.s = s};
    assert_int_equal(harness_open_another(s->harness, &s->env, same, 4, &w->store, NULL), BF_OK);
    assert_int_equal(pthread_create(&w->thread, NULL, write_on, w), 0);
}

static void wait_for_writes(struct writer *w)
{
    unsigned before = atomic_load(&w->written);
    while (atomic_load(&w->written) < before + 5)
        sched_yield();
}

static void stop(struct writer *w)
{
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    bf_store_close(&w->store);
}

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    print_message("%s\n", line);
}

static void a_healthy_database_has_no_fault_while_another_writes(void **state)
{
    struct suite *s = *state;
    struct writer w;
    struct bf_check_report report;
    start(s, &w);
    wait_for_writes(&w);
    for (unsigned i = 0; i < CHECKS; i++) {
        assert_int_equal(bf_store_check(s->store, i % 2 == 0, print_line, NULL, &report, NULL), BF_OK);
        assert_int_equal(report.faults, 0);
        assert_true(report.entries >= 5 && report.documents > 0 && report.keys > 0);
    }
    stop(&w);
}

/* By hand, past the driver. */
static void hurt(struct suite *s, const char *name, const char *how)
{
    const char *json = bf_arena_printf(s->arena, "{\"update\": \"items\", \"updates\": [{\"q\": {\"f.name\": \"%s\"}, \"u\": %s}]}", name, how);
    bson_t *reply = rig_command(s, json);
    bson_iter_t it;
    assert_true(bson_iter_init_find(&it, reply, "n") && bson_iter_as_int64(&it) == 1);
    bson_destroy(reply);
}

static const char *const names[DAMAGED] = {"differs", "behind", "gone", "unreadable", "nameless"};

static void make_all(struct suite *s)
{
    struct bf_receipt r;
    for (unsigned i = 0; i < DAMAGED; i++) {
        struct rename one = {.coll = &items, .id = suite_uuid(1 + i), .name = names[i]};
        assert_int_equal(submit_rename(s, tenant_a, 1 + i, &one, &r), BF_OK);
    }
}

static void damage(struct suite *s)
{
    hurt(s, "differs", "{\"$set\": {\"f.score\": {\"$numberLong\": \"9\"}}}");
    hurt(s, "behind", "{\"$set\": {\"n\": {\"$numberLong\": \"1\"}, \"k\": -1}}");
    hurt(s, "unreadable", "{\"$unset\": {\"v\": 1}}");
    hurt(s, "nameless", "{\"$unset\": {\"v\": 1, \"n\": 1, \"rev\": 1}}");
    bson_destroy(rig_command(s, "{\"delete\": \"items\", \"deletes\": [{\"q\": {\"f.name\": \"gone\"}, \"limit\": 1}]}"));
}

static void what_was_damaged_is_found_and_mended(void **state)
{
    struct suite *s = *state;
    struct writer w;
    struct bf_check_report report;
    start(s, &w);
    make_all(s);
    wait_for_writes(&w); /* the other knows of them, and does not roll anything forward to them any more */
    damage(s);
    assert_int_equal(bf_store_check(s->store, false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, DAMAGED);
    assert_int_equal(bf_store_check(s->store, true, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, DAMAGED);
    assert_int_equal(report.mended, DAMAGED);
    wait_for_writes(&w);
    stop(&w);
    assert_int_equal(bf_store_check(s->store, false, print_line, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    for (unsigned i = 0; i < DAMAGED; i++) {
        const struct bf_doc *doc = get(s, &items, tenant_a, suite_uuid(1 + i));
        assert_string_equal(name_of(doc), names[i]);
        assert_true(doc->rev == 1 && !bf_has(&doc->object, T_SCORE));
    }
}

/* As when another process has rolled it forward since it was judged. */
static void what_was_changed_since_it_was_judged_is_left_alone(void **state)
{
    struct suite *s = *state;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_receipt r;
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    struct bf_doc *judged = get(s, &items, tenant_a, one.id), *after = bf_doc_copy(s->arena, judged);
    struct bf_mend m = {.coll = &items, .tenant = tenant_a, .id = one.id, .is = judged, .after = after, .bson = bf__bson_encode(s->arena, after)};
    one.name = "two";
    assert_int_equal(submit_rename(s, tenant_a, 2, &one, &r), BF_OK);
    assert_int_equal(rig_vt(s)->mend(rig_session(s), &m, NULL), BF_E_STALE);
    m.after = NULL;
    assert_int_equal(rig_vt(s)->mend(rig_session(s), &m, NULL), BF_E_STALE);
    m.is = NULL; /* it could not be read, then */
    assert_int_equal(rig_vt(s)->mend(rig_session(s), &m, NULL), BF_E_STALE);
    m.after = after;
    assert_int_equal(rig_vt(s)->mend(rig_session(s), &m, NULL), BF_E_STALE);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "two");
    m.is = get(s, &items, tenant_a, one.id);
    assert_int_equal(rig_vt(s)->mend(rig_session(s), &m, NULL), BF_OK);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "one");
}

/* A process that comes anew rolls forward to the last entry, whose document it cannot read: the company goes on. */
static void a_document_that_cannot_be_read_holds_up_no_other(void **state)
{
    struct suite *s = *state;
    struct bf_store *other;
    struct bf_receipt r;
    make_all(s);
    damage(s);
    assert_int_equal(harness_open_another(s->harness, &s->env, same, 4, &other, NULL), BF_OK);
    struct rename one = {.coll = &items, .id = suite_uuid(200), .name = "fresh"};
    struct bf_read read = {one.coll, one.id};
    struct bf_submission sub = {
        .tenant = tenant_a, .actor = tenant_a, .request = request_id(77), .reads = &read, .n_reads = 1, .decide = decide_rename, .ctx = &one};
    assert_int_equal(bf_submit_wait(other, &sub, s->arena, &r, NULL), BF_OK);
    assert_int_equal(r.n, DAMAGED + 1);
    bf_store_close(&other);
}

SUITE_PART(suite_mend, SUITE_TEST(a_healthy_database_has_no_fault_while_another_writes), SUITE_TEST(what_was_damaged_is_found_and_mended),
           SUITE_TEST(what_was_changed_since_it_was_judged_is_left_alone), SUITE_TEST(a_document_that_cannot_be_read_holds_up_no_other));
