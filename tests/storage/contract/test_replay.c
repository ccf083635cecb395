/* SPDX-License-Identifier: Apache-2.0 */
/* A request asked again gets its first receipt, byte for byte. */
#include "tests/storage/contract/suite.h"
#include <pthread.h>

static void a_replay_returns_the_first_receipt_after_later_changes_and_a_restart(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"}, two = {.coll = &items, .id = suite_uuid(1), .name = "two"};
    submit_rename(s, tenant_a, 1, &one, &r);
    submit_rename(s, tenant_a, 2, &two, &r);
    for (int restarted = 0; restarted < 2; restarted++) {
        assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
        assert_true(r.replay);
        assert_int_equal(r.http_status, 201);
        assert_true(bf_str_eqz(r.body, "one r1"));
        assert_int_equal(r.n, 1);
        suite_reopen(s);
    }
    assert_int_equal(one.calls, 1);
    assert_string_equal(name_of(get(s, &items, tenant_a, one.id)), "two");
}

static void another_body_under_the_same_id_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_read read = {&items, one.id};
    submit_rename(s, tenant_a, 1, &one, &r);
    assert_int_equal(submit_as(s, tenant_a, 1, 2, &read, 1, decide_rename, &one, &r), BF_E_ID_REUSED);
    assert_int_equal(one.calls, 1);
    assert_int_equal(submit_as(s, tenant_b, 1, 2, &read, 1, decide_rename, &one, &r), BF_OK); /* ids are the tenant's */
}

static void sixteen_equal_requests_at_once_are_decided_once(void **state)
{
    struct suite *s = *state;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_read read = {&items, one.id};
    struct gather *g = gather_create(17);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < 16; i++)
        gather_submit(s, g, i, tenant_a, 1, 1, &read, 1, decide_rename, &one);
    gather_submit(s, g, 16, tenant_a, 1, 2, &read, 1, decide_rename, &one); /* and one with another body */
    gate_open(&gate);
    gather_wait(g);
    assert_int_equal(one.calls, 1);
    unsigned firsts = 0;
    for (unsigned i = 0; i < 16; i++) {
        const struct bf_receipt *r = gather_receipt(g, i);
        assert_int_equal(r->status, BF_OK);
        assert_int_equal(r->http_status, 201);
        assert_true(bf_str_eqz(r->body, "one r1"));
        assert_int_equal(r->n, 1);
        firsts += !r->replay;
    }
    assert_int_equal(firsts, 1);
    assert_int_equal(gather_receipt(g, 16)->status, BF_E_ID_REUSED);
    assert_int_equal(get(s, &items, tenant_a, one.id)->rev, 1);
    gather_destroy(&g);
}

struct racer {
    struct suite *s;
    pthread_barrier_t *start;
    struct rename *what;
    struct bf_arena *arena;
    struct bf_receipt receipt;
};

static void *race(void *arg)
{
    struct racer *racer = arg;
    struct bf_read read = {racer->what->coll, racer->what->id};
    struct bf_submission sub = {
        .tenant = tenant_a, .request = request_id(1), .reads = &read, .n_reads = 1, .decide = decide_rename, .ctx = racer->what};
    pthread_barrier_wait(racer->start);
    bf_submit_wait(racer->s->store, &sub, racer->arena, &racer->receipt, NULL);
    return NULL;
}

static void sixteen_threads_with_one_request_get_one_receipt(void **state)
{
    struct suite *s = *state;
    enum { N = 16 };
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct racer racers[N];
    pthread_t threads[N];
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, N);
    for (int i = 0; i < N; i++) {
        racers[i] = (struct racer){.s = s, .start = &start, .what = &one, .arena = bf_arena_create()};
        pthread_create(&threads[i], NULL, race, &racers[i]);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(racers[i].receipt.status, BF_OK);
        assert_true(bf_str_eqz(racers[i].receipt.body, "one r1"));
        assert_int_equal(racers[i].receipt.n, 1);
        bf_arena_destroy(&racers[i].arena);
    }
    assert_int_equal(one.calls, 1);
    pthread_barrier_destroy(&start);
}

static void a_receipt_can_be_looked_up_before_anything_is_judged(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_request_id id = request_id(1);
    uint8_t body[32] = {1}, other[32] = {2};
    bool found = true;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    assert_int_equal(bf_receipt_find(s->store, tenant_a, &id, body, s->arena, &found, &r, NULL), BF_OK);
    assert_false(found);
    submit_rename(s, tenant_a, 1, &one, &r);
    assert_int_equal(bf_receipt_find(s->store, tenant_a, &id, body, s->arena, &found, &r, NULL), BF_OK);
    assert_true(found && r.replay);
    assert_int_equal(r.status, BF_OK);
    assert_true(bf_str_eqz(r.body, "one r1"));
    assert_int_equal(r.http_status, 201);
    assert_int_equal(bf_receipt_find(s->store, tenant_a, &id, other, s->arena, &found, &r, NULL), BF_OK);
    assert_true(found);
    assert_int_equal(r.status, BF_E_ID_REUSED);
    assert_int_equal(bf_receipt_find(s->store, tenant_b, &id, body, s->arena, &found, &r, NULL), BF_OK);
    assert_false(found);
}

struct answer {
    size_t n;
    struct bf_uuid id;
};

static enum bf_status answer_bytes(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct answer *a = ctx;
    char *p = bf_arena_alloc(arena, a->n);
    (void)e;
    for (size_t i = 0; i < a->n; i++)
        p[i] = (char)(i * 7);
    bf_decision_put(d, &items, bf_doc_create(arena, &thing_schema, bf_view_tenant(view), a->id));
    bf_decision_receipt(d, 299, bf_str(p, a->n), a->id);
    return BF_OK;
}

static void an_empty_and_a_large_receipt_come_back_as_they_were(void **state)
{
    struct suite *s = *state;
    struct answer answers[2] = {{0, suite_uuid(1)}, {300000, suite_uuid(2)}};
    for (unsigned i = 0; i < 2; i++) {
        struct bf_receipt first, again;
        struct bf_read read = {&items, answers[i].id};
        assert_int_equal(submit_as(s, tenant_a, i, 1, &read, 1, answer_bytes, &answers[i], &first), BF_OK);
        assert_int_equal(submit_as(s, tenant_a, i, 1, &read, 1, answer_bytes, &answers[i], &again), BF_OK);
        assert_int_equal(again.http_status, 299);
        assert_int_equal(again.body.n, answers[i].n);
        assert_true(again.replay && bf_str_eq(first.body, again.body));
    }
}

/* The key of what is nobody's in particular is the company's own. */
static void what_is_of_no_subject_is_read_and_written_after_a_restart(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &parts, .id = suite_uuid(1), .name = "one"}, two = {.coll = &parts, .id = suite_uuid(1), .name = "two"};
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    suite_reopen(s);
    assert_int_equal(submit_rename(s, tenant_a, 2, &two, &r), BF_OK);
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    assert_true(r.replay && bf_str_eqz(r.body, "one r1"));
    assert_string_equal(name_of(get(s, &parts, tenant_a, one.id)), "two");
}

SUITE_PART(suite_replay, SUITE_TEST(a_replay_returns_the_first_receipt_after_later_changes_and_a_restart),
           SUITE_TEST(another_body_under_the_same_id_is_refused), SUITE_TEST(sixteen_equal_requests_at_once_are_decided_once),
           SUITE_TEST(sixteen_threads_with_one_request_get_one_receipt), SUITE_TEST(a_receipt_can_be_looked_up_before_anything_is_judged),
           SUITE_TEST(an_empty_and_a_large_receipt_come_back_as_they_were),
           SUITE_TEST(what_is_of_no_subject_is_read_and_written_after_a_restart));
