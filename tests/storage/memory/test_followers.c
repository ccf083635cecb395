/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes follow one log with the same consumers: one hands over at a time, another goes on where it stopped, and no cursor goes back. */
#include "storage/jobs.h"
#include "storage/lease.h"
#include "tests/storage/memory/several.h"
#include <pthread.h>

static const struct bf_uuid tenant = {{1}}, counter = {{2}}, none;

/* What one process was handed over. */
struct sink {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t first, last, calls;
    int64_t stop_at; /* entry at which it stands still until it is let go; 0: none */
    bool stands;
};

static void sink_init(struct sink *sink)
{
    *sink = (struct sink){.first = 0};
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->changed, NULL);
}

static void sink_finish(struct sink *sink)
{
    pthread_cond_destroy(&sink->changed);
    pthread_mutex_destroy(&sink->lock);
}

static enum bf_status consume(void *ctx, struct bf_uuid of, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    struct sink *sink = ctx;
    (void)of, (void)arena, (void)e;
    pthread_mutex_lock(&sink->lock);
    sink->calls++;
    while (sink->stop_at == entry->n) {
        sink->stands = true;
        pthread_cond_wait(&sink->changed, &sink->lock);
    }
    sink->first = sink->first == 0 ? entry->n : sink->first;
    sink->last = entry->n;
    pthread_mutex_unlock(&sink->lock);
    return BF_OK;
}

static void let_go(struct sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    sink->stop_at = 0;
    pthread_cond_signal(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
}

static struct sink look(struct sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    struct sink copy = *sink;
    pthread_mutex_unlock(&sink->lock);
    return copy;
}

static struct bf_follower *follow(struct several *s, unsigned at, struct sink *sink)
{
    struct bf_follower *f = NULL;
    struct bf_consumer consumer = {"sink", NULL, consume, sink};
    assert_int_equal(bf_follower_start(&s->env, s->stores[at], &consumer, 1, &f, NULL), BF_OK);
    return f;
}

static void commit_some(struct several *s, unsigned at, unsigned from, unsigned n)
{
    struct bf_receipt r;
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(several_count(s->stores[at], tenant, counter, from + i, s->arena, &r), BF_OK);
}

static int64_t cursor(struct several *s)
{
    const struct bf_doc *doc = several_get(s, 0, &bf__coll_cursors, none, bf__cursor_id("sink", tenant));
    return doc == NULL ? 0 : bf_get_int(&doc->object, (unsigned)bf_schema_find(bf__coll_cursors.schema, BF_STR("n")));
}

static int set_up(void **state)
{
    *state = several_create(2, &memory_apart_driver);
    return 0;
}

static int tear_down(void **state)
{
    several_destroy((struct several **)state);
    return 0;
}

static void one_hands_over_and_another_goes_on_where_it_stopped(void **state)
{
    struct several *s = *state;
    struct sink a, b;
    sink_init(&a);
    sink_init(&b);
    struct bf_follower *first = follow(s, 0, &a);
    commit_some(s, 0, 1, 5);
    SEVERAL_UNTIL(look(&a).last == 5);
    struct bf_follower *second = follow(s, 1, &b);
    commit_some(s, 1, 100, 5); /* the other process's entries come too */
    SEVERAL_UNTIL(look(&a).last == 10);
    bf_follower_stop(&first);
    commit_some(s, 0, 200, 5);
    SEVERAL_UNTIL(look(&b).last == 15);
    bf_follower_stop(&second);
    assert_true(a.first == 1 && a.calls == 10);
    assert_true(b.first == 11 && b.calls == 5); /* none again, none left out */
    sink_finish(&a);
    sink_finish(&b);
}

/* It is not gone, which nobody can know: what it does late changes nothing. */
static void who_stands_still_is_taken_over_from(void **state)
{
    struct several *s = *state;
    struct sink a, b;
    sink_init(&a);
    sink_init(&b);
    a.stop_at = 4;
    struct bf_follower *first = follow(s, 0, &a);
    commit_some(s, 1, 1, 3);
    SEVERAL_UNTIL(cursor(s) == 3);
    commit_some(s, 1, 10, 2);
    SEVERAL_UNTIL(look(&a).stands);
    struct bf_follower *second = follow(s, 1, &b);
    SEVERAL_UNTIL(look(&b).last == 5);
    SEVERAL_UNTIL(cursor(s) == 5);
    let_go(&a);
    commit_some(s, 1, 20, 5);
    SEVERAL_UNTIL(cursor(s) == 10);
    assert_int_equal(look(&a).last, 4); /* it finished its step, and no more */
    bf_follower_stop(&first);
    assert_int_equal(cursor(s), 10);
    bf_follower_stop(&second);
    assert_int_equal(cursor(s), 10);
    assert_int_equal(b.first, 4);
    sink_finish(&a);
    sink_finish(&b);
}

/* Two that both believe to be the one: as after a takeover of which the other does not know yet. */
static void a_cursor_that_another_moved_on_is_not_set_back(void **state)
{
    struct several *s = *state;
    struct sink a;
    sink_init(&a);
    struct bf_follower *first = follow(s, 0, &a);
    commit_some(s, 0, 1, 3);
    SEVERAL_UNTIL(cursor(s) == 3);
    struct bf_doc *doc = several_get(s, 0, &bf__coll_cursors, none, bf__cursor_id("sink", tenant));
    bf_set_int(&doc->object, (unsigned)bf_schema_find(bf__coll_cursors.schema, BF_STR("n")), 1000000);
    struct bf_write w = {.kind = BF_W_PUT, .coll = &bf__coll_cursors, .doc = doc};
    assert_int_equal(bf_store_write(s->stores[1], &w, 1, NULL, NULL), BF_OK);
    for (unsigned i = 0, looks = 0; !bf_follower_passed(first, tenant, 1000000); i++) { /* it learns when it saves its own */
        commit_some(s, 0, 10 + i, 1);
        several_look_again(&looks);
    }
    bf_follower_stop(&first);
    assert_int_equal(cursor(s), 1000000);
    sink_finish(&a);
}

static void a_lease_has_one_holder_who_gives_it_back(void **state)
{
    struct several *s = *state;
    struct bf__leases a, b;
    bf__leases_init(&a, s->stores[0]);
    bf__leases_init(&b, s->stores[1]);
    bf__leases_add(&a, "one");
    bf__leases_add(&b, "one");
    bf__leases_add(&b, "two");
    assert_false(bf__lease_is_held(&a, 0));
    assert_int_equal(bf__leases_tend(&a), 1);
    assert_int_equal(bf__leases_tend(&b), 2);
    assert_true(bf__lease_is_held(&a, 0) && !bf__lease_is_held(&b, 0) && bf__lease_is_held(&b, 1));
    bf__leases_release(&a);
    assert_false(bf__lease_is_held(&a, 0));
    b.look_ms = 0;
    assert_int_equal(bf__leases_tend(&b), 1);
    a.look_ms = 0;
    assert_int_equal(bf__leases_tend(&a), 0);
    bf__leases_release(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(one_hands_over_and_another_goes_on_where_it_stopped), T(who_stands_still_is_taken_over_from),
                                       T(a_cursor_that_another_moved_on_is_not_set_back), T(a_lease_has_one_holder_who_gives_it_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
