/* SPDX-License-Identifier: Apache-2.0 */
/* Consumers get every entry, in order, at least once, across failures and restarts. */
#include "tests/storage/contract/suite.h"
#include <pthread.h>
#include <time.h>

struct sink {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t last_a, last_b; /* handed over, by tenant */
    int64_t calls;
    int64_t fail_at;   /* entries of tenant a from here on are refused */
    int64_t fails;     /* refusals so far */
    bool out_of_order; /* an entry came that was not the next, nor one that came before */
    int64_t items, parts; /* after-images that came */
    struct bf_store *store; /* not NULL: `cursors` is counted at each refusal */
    int64_t cursors;
};

static void sink_init(struct sink *sink)
{
    *sink = (struct sink){.fail_at = INT64_MAX};
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->changed, NULL);
}

static void sink_finish(struct sink *sink)
{
    pthread_cond_destroy(&sink->changed);
    pthread_mutex_destroy(&sink->lock);
}

static int64_t saved_cursors(struct bf_store *store)
{
    int64_t n = -1;
    struct bf_query all = {.coll = bf_store_collection(store, "cursors"), .limit = 100};
    assert_int_equal(bf_store_count(store, &all, &n, NULL), BF_OK);
    return n;
}

static enum bf_status consume(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena,
                              struct bf_error *e)
{
    struct sink *sink = ctx;
    enum bf_status status = BF_OK;
    (void)arena;
    pthread_mutex_lock(&sink->lock);
    bool a = bf_uuid_eq(&tenant, &tenant_a);
    int64_t *last = a ? &sink->last_a : &sink->last_b;
    sink->calls++;
    if (a && entry->n >= sink->fail_at) {
        sink->fails++;
        if (sink->store != NULL)
            sink->cursors = saved_cursors(sink->store);
        status = bf_fail(e, BF_E_UPSTREAM, "not now");
    } else {
        sink->out_of_order |= entry->n > *last + 1;
        for (unsigned i = 0; i < entry->n_ops && entry->n > *last; i++) {
            sink->items += entry->ops[i].coll == &items && entry->ops[i].doc != NULL;
            sink->parts += entry->ops[i].coll == &parts && entry->ops[i].doc != NULL;
        }
        if (entry->n > *last)
            *last = entry->n;
    }
    pthread_cond_broadcast(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
    return status;
}

static void wait_for(struct sink *sink, int64_t a, int64_t b, int64_t fails)
{
    pthread_mutex_lock(&sink->lock);
    while (sink->last_a < a || sink->last_b < b || sink->fails < fails)
        pthread_cond_wait(&sink->changed, &sink->lock);
    pthread_mutex_unlock(&sink->lock);
}

static struct bf_follower *follow(struct suite *s, const struct bf_consumer *consumers, unsigned n)
{
    struct bf_follower *f = NULL;
    assert_int_equal(bf_follower_start(&s->env, s->store, consumers, n, &f, NULL), BF_OK);
    return f;
}

static void commit_some(struct suite *s, struct bf_uuid tenant, unsigned from, unsigned n)
{
    struct bf_receipt r;
    for (unsigned i = 0; i < n; i++) {
        struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "x"};
        assert_int_equal(submit_rename(s, tenant, from + i, &one, &r), BF_OK);
    }
}

static const struct bf_collection *const of_items[] = {&items, NULL};

static void entries_come_in_order_old_and_new(void **state)
{
    struct suite *s = *state;
    struct sink docs, headers;
    sink_init(&docs);
    sink_init(&headers);
    struct rename part = {.coll = &parts, .id = suite_uuid(2), .name = "x", .parent = suite_uuid(1)};
    struct bf_receipt r;
    struct bf_consumer consumers[] = {{"docs", of_items, consume, &docs}, {"headers", NULL, consume, &headers}};
    commit_some(s, tenant_a, 1, 100);
    struct bf_follower *f = follow(s, consumers, 2);
    commit_some(s, tenant_a, 1000, 30);
    commit_some(s, tenant_b, 2000, 5);
    assert_int_equal(submit_rename(s, tenant_b, 3000, &part, &r), BF_OK);
    wait_for(&docs, 130, 6, 0);
    wait_for(&headers, 130, 6, 0);
    assert_false(bf_follower_passed(f, tenant_a, 131));
    bf_follower_stop(&f);
    assert_false(docs.out_of_order || headers.out_of_order);
    assert_int_equal(docs.calls, 136);
    assert_int_equal(headers.calls, 136);
    assert_int_equal(docs.items, 135); /* as it asked for */
    assert_int_equal(docs.parts, 0);   /* nobody asked for those */
    sink_finish(&docs);
    sink_finish(&headers);
}

static void a_restart_goes_on_where_it_stopped(void **state)
{
    struct suite *s = *state;
    struct sink sink;
    sink_init(&sink);
    struct bf_consumer consumer = {"sink", NULL, consume, &sink};
    commit_some(s, tenant_a, 1, 20);
    struct bf_follower *f = follow(s, &consumer, 1);
    wait_for(&sink, 20, 0, 0);
    bf_follower_stop(&f);
    suite_reopen(s);
    commit_some(s, tenant_a, 100, 5);
    f = follow(s, &consumer, 1);
    wait_for(&sink, 25, 0, 0);
    bf_follower_stop(&f);
    assert_int_equal(sink.calls, 25); /* a proper stop forgets nothing */
    assert_false(sink.out_of_order);
    sink_finish(&sink);
}

static void a_failing_consumer_holds_up_neither_others_nor_other_tenants(void **state)
{
    struct suite *s = *state;
    struct sink bad, good;
    sink_init(&bad);
    sink_init(&good);
    bad.fail_at = 4;
    struct bf_consumer consumers[] = {{"bad", NULL, consume, &bad}, {"good", NULL, consume, &good}};
    struct bf_follower *f = follow(s, consumers, 2);
    commit_some(s, tenant_a, 1, 10);
    commit_some(s, tenant_b, 100, 3);
    wait_for(&good, 10, 3, 0);
    wait_for(&bad, 3, 3, 2); /* tried again, after a pause */
    assert_false(bf_follower_passed(f, tenant_a, 4));
    pthread_mutex_lock(&bad.lock);
    bad.fail_at = INT64_MAX;
    pthread_mutex_unlock(&bad.lock);
    wait_for(&bad, 10, 3, 0);
    bf_follower_stop(&f);
    assert_false(bad.out_of_order);
    sink_finish(&bad);
    sink_finish(&good);
}

/* The cursor is due half a second after it moved; the fourth refusal comes 100 + 200 + 400 ms after the first. */
static void what_was_handed_over_is_saved_while_its_consumer_is_left_alone(void **state)
{
    struct suite *s = *state;
    struct sink sink;
    sink_init(&sink);
    sink.fail_at = 4;
    sink.store = s->store;
    struct bf_consumer consumer = {"sink", NULL, consume, &sink};
    commit_some(s, tenant_a, 1, 10);
    struct bf_follower *f = follow(s, &consumer, 1);
    wait_for(&sink, 3, 0, 4);
    assert_int_equal(sink.cursors, 1);
    bf_follower_stop(&f);
    sink_finish(&sink);
}

static struct bf_job add_done_job(struct suite *s, int64_t n)
{
    struct bf_job job = {.id = bf_job_id(tenant_a, n, 0, "a"), .tenant = tenant_a, .kind = "a", .n = n, .due_ms = 1}, *taken;
    assert_int_equal(bf_job_add(s->store, &job, 1, NULL), BF_OK);
    assert_int_equal(bf_job_take(s->store, "a", 10, 10, s->arena, &taken, NULL), BF_OK);
    assert_int_equal(bf_job_done(s->store, taken, NULL), BF_OK);
    return job;
}

static int64_t jobs_there(struct suite *s)
{
    int64_t n = -1;
    struct bf_query all = {.coll = bf_store_collection(s->store, "jobs"), .limit = 100};
    assert_int_equal(bf_store_count(s->store, &all, &n, NULL), BF_OK);
    return n;
}

static int64_t cursor_of(struct suite *s, const char *consumer)
{
    const struct bf_collection *cursors = bf_store_collection(s->store, "cursors");
    struct bf_query all = {.coll = cursors, .limit = 100};
    struct bf_page page;
    assert_int_equal(bf_store_find(s->store, &all, s->arena, &page, NULL), BF_OK);
    for (unsigned i = 0; i < page.n; i++)
        if (bf_str_eqz(bf_get_str(&page.docs[i]->object, (unsigned)bf_schema_find(cursors->schema, BF_STR("consumer"))), consumer))
            return bf_get_int(&page.docs[i]->object, (unsigned)bf_schema_find(cursors->schema, BF_STR("n")));
    return 0;
}

static void look_again(unsigned *looks)
{
    assert_true(++*looks < 3000); /* a minute */
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static void wait_until_saved(struct suite *s, const char *consumer, int64_t n)
{
    for (unsigned looks = 0; cursor_of(s, consumer) < n;)
        look_again(&looks);
}

/* Jobs are forgotten when a cursor is saved, which needs entries. */
static void wait_until_forgotten(struct suite *s)
{
    for (unsigned i = 0, looks = 0; jobs_there(s) > 0; i++) {
        commit_some(s, tenant_a, 5000 + i, 1);
        wait_until_saved(s, "sink", cursor_of(s, "sink") + 1);
        look_again(&looks);
    }
}

static void done_jobs_are_kept_until_the_cursors_have_passed(void **state)
{
    struct suite *s = *state;
    struct sink sink;
    sink_init(&sink);
    struct bf_consumer consumer = {"sink", NULL, consume, &sink};
    s->limits.keep_done_ms = 1;
    suite_reopen(s);
    struct bf_job job = add_done_job(s, 2), *taken;
    sink.fail_at = 2;
    struct bf_follower *f = follow(s, &consumer, 1);
    commit_some(s, tenant_a, 1, 3);
    wait_for(&sink, 1, 0, 1);
    bf_follower_stop(&f);
    assert_int_equal(bf_job_add(s->store, &job, 1, NULL), BF_OK); /* the entry comes again: the job is known as done */
    assert_int_equal(bf_job_take(s->store, "a", 10, 10, s->arena, &taken, NULL), BF_OK);
    assert_null(taken);
    sink.fail_at = INT64_MAX;
    f = follow(s, &consumer, 1);
    wait_for(&sink, 3, 0, 0);
    wait_until_forgotten(s);
    bf_follower_stop(&f);
    assert_int_equal(bf_job_add(s->store, &job, 1, NULL), BF_OK); /* passed: forgotten, so this is a new one */
    assert_int_equal(bf_job_take(s->store, "a", 10, 10, s->arena, &taken, NULL), BF_OK);
    assert_non_null(taken);
    sink_finish(&sink);
}

/* One that another process serves, and that never ran yet, has passed nothing. */
static void done_jobs_are_kept_for_consumers_that_run_elsewhere(void **state)
{
    static const char *const names[] = {"elsewhere", "sink"};
    struct suite *s = *state;
    struct sink sink, late;
    sink_init(&sink);
    sink_init(&late);
    s->limits.keep_done_ms = 1;
    suite_reopen(s);
    bf_follower_name_all(s->store, names, 2);
    struct bf_consumer consumer = {"sink", NULL, consume, &sink}, elsewhere = {"elsewhere", NULL, consume, &late};
    add_done_job(s, 2);
    commit_some(s, tenant_a, 1, 3);
    struct bf_follower *f = follow(s, &consumer, 1);
    wait_for(&sink, 3, 0, 0);
    wait_until_saved(s, "sink", 3);
    commit_some(s, tenant_a, 10, 1);
    wait_until_saved(s, "sink", 4);
    bf_follower_stop(&f);
    assert_int_equal(jobs_there(s), 1);
    f = follow(s, &elsewhere, 1);
    wait_for(&late, 4, 0, 0);
    wait_until_saved(s, "elsewhere", 4);
    bf_follower_stop(&f);
    f = follow(s, &consumer, 1);
    wait_until_forgotten(s);
    bf_follower_stop(&f);
    sink_finish(&sink);
    sink_finish(&late);
}

SUITE_PART(suite_follower, SUITE_TEST(entries_come_in_order_old_and_new), SUITE_TEST(a_restart_goes_on_where_it_stopped),
           SUITE_TEST(a_failing_consumer_holds_up_neither_others_nor_other_tenants),
           SUITE_TEST(what_was_handed_over_is_saved_while_its_consumer_is_left_alone),
           SUITE_TEST(done_jobs_are_kept_until_the_cursors_have_passed), SUITE_TEST(done_jobs_are_kept_for_consumers_that_run_elsewhere));
