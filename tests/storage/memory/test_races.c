/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver without transactions: the insert of an entry is the commit, another process may be faster, and answers get lost. Two stores share one
 * memory, as two processes share a database; what was decided on a state that another has changed must be decided again.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/internal.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

enum row { R_VALUE, R_ROWS };
static const struct bf_field fields[R_ROWS] = {[R_VALUE] = BF_FIELD("value", INT, 0, 0, 0, NORMAL, "", "")};
static const struct bf_schema schema = {.name = "counter", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = R_ROWS};
static const struct bf_collection counters = {.name = "race_counters",
                                              .schema = &schema,
                                              .cls = BF_TENANT_COLLECTION,
                                              .logged = true,
                                              .subject = BF_ROW_NONE,
                                              .owner = BF_ROW_NONE,
                                              .team = BF_ROW_NONE};
static const struct bf_collection *const collections[] = {&counters};
static const struct bf_uuid tenant = {{1}}, counter = {{2}};

/* What the other process does first, and what of the first's own calls goes wrong; taken as it is used. */
struct ahead {
    struct bf_store *other;
    unsigned request;
    atomic_uint times;
    atomic_uint after_read;         /* the other is faster while the first has read, and not decided */
    atomic_uint unanswered, unsent; /* appends whose answer is lost: the entry is there, or is not */
    atomic_uint unapplied;          /* calls to roll documents forward that fail */
    bool other_looks;               /* just before they do, the other reads the log and then the document */
    unsigned seen_entries;
    int64_t seen_value;
};
static struct ahead ahead; /* the driver's table has no place for it */

static enum bf_status count_up(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *old = bf_view_get(view, &counters, counter);
    struct bf_doc *doc = bf_doc_create(arena, &schema, tenant, counter);
    (void)e;
    ++*(unsigned *)ctx;
    bf_set_int(&doc->object, R_VALUE, (old == NULL ? 0 : bf_get_int(&old->object, R_VALUE)) + 1);
    bf_decision_put(d, &counters, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)bf_get_int(&doc->object, R_VALUE))),
                        (struct bf_uuid){{0}});
    return BF_OK;
}

static enum bf_status count(struct bf_store *store, unsigned request, struct bf_arena *arena, unsigned *calls, struct bf_receipt *ret)
{
    struct bf_read read = {&counters, counter};
    struct bf_submission s = {.tenant = tenant, .actor = tenant, .reads = &read, .n_reads = 1, .decide = count_up, .ctx = calls};
    memcpy(s.request.b, &request, sizeof request);
    return bf_submit_wait(store, &s, arena, ret, NULL);
}

/* True as often as it was to happen. */
static bool happens(atomic_uint *times)
{
    unsigned n = atomic_load(times);
    while (n > 0 && !atomic_compare_exchange_weak(times, &n, n - 1))
        ;
    return n > 0;
}

static void other_counts(void)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_receipt receipt;
    unsigned calls = 0;
    assert_int_equal(count(ahead.other, ahead.request++, arena, &calls, &receipt), BF_OK);
    bf_arena_destroy(&arena);
}

static enum bf_status append_late(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    if (happens(&ahead.times))
        other_counts();
    if (happens(&ahead.unsent))
        return bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the connection broke");
    enum bf_status status = memory_apart_driver.append(s, append, e);
    return status == BF_OK && happens(&ahead.unanswered) ? bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the connection broke") : status;
}

static enum bf_status read_early(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid of, const struct bf_uuid *ids, unsigned n,
                                 struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.get_many(s, coll, of, ids, n, arena, ret, e);
    if (coll == &counters && happens(&ahead.after_read))
        other_counts();
    return status;
}

static void other_looks(void)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_log_entry *entries;
    struct bf_doc *doc = NULL;
    assert_int_equal(bf_log_read(ahead.other, tenant, 0, 100, BF_LOG_HEADERS, arena, &entries, &ahead.seen_entries, NULL), BF_OK);
    assert_int_equal(bf_store_get(ahead.other, &counters, tenant, counter, arena, &doc, NULL), BF_OK);
    ahead.seen_value = doc == NULL ? 0 : bf_get_int(&doc->object, R_VALUE);
    bf_arena_destroy(&arena);
}

static enum bf_status apply_not(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    if (ahead.other_looks && atomic_load(&ahead.unapplied) > 0)
        other_looks();
    return happens(&ahead.unapplied) ? bf_fail(e, BF_E_UNAVAILABLE, "nobody answers") : memory_apart_driver.apply(s, applies, n, arena, e);
}

/* The first's driver: the plain one, but for these. */
static struct bf_driver_vtable late;

static enum bf_status open_late(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &late;
    return status;
}

struct two {
    struct bf_env env;
    struct memory *memory;
    struct bf_store *first, *second;
    struct bf_arena *arena;
    char dir[200];
};

static void open_one(struct two *t, const struct bf_driver_vtable *vt, struct bf_store **ret)
{
    char key[300];
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", t->dir));
    if (bf__store_open(&t->env, &config, vt, t->memory, collections, 1, ret, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
}

static int set_up(void **state)
{
    struct two *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bf_env_fake(&t->env, 1800000000000, 1);
    t->memory = memory_create();
    t->arena = bf_arena_create();
    late = memory_apart_driver;
    late.open = open_late;
    late.append = append_late;
    late.get_many = read_early;
    late.apply = apply_not;
    ahead = (struct ahead){.request = 1000};
    snprintf(t->dir, sizeof t->dir, "races.XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    open_one(t, &late, &t->first);
    open_one(t, &memory_apart_driver, &t->second);
    ahead.other = t->second;
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct two *t = *state;
    char key[300];
    bf_store_close(&t->first);
    bf_store_close(&t->second);
    memory_destroy(&t->memory);
    bf_arena_destroy(&t->arena);
    bf_env_finish(&t->env);
    snprintf(key, sizeof key, "%s/master.key", t->dir);
    unlink(key);
    rmdir(t->dir);
    free(t);
    return 0;
}

static void a_lost_race_is_decided_again(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    int64_t head;
    ahead.times = 3;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    assert_int_equal(calls, 4);
    assert_true(bf_str_eqz(r.body, "4") && r.n == 4 && !r.replay);
    assert_int_equal(bf_log_head(t->first, tenant, &head, NULL), BF_OK);
    assert_int_equal(head, 4);
    assert_int_equal(count(t->second, 2, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "5"));
}

static void the_same_request_through_two_processes_has_one_receipt(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.times = 1;
    ahead.request = 7; /* the very request that the first is deciding */
    assert_int_equal(count(t->first, 7, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "1") && r.n == 1 && r.replay);
    assert_int_equal(calls, 1);
}

static void a_race_that_is_never_won_ends_with_an_error(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.times = 1000;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_E_UNAVAILABLE);
    assert_true(calls < 200);
}

/* ---- answers that were lost ---- */

static void an_entry_whose_answer_was_lost_is_found(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    int64_t head;
    ahead.unanswered = 1;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "1") && r.n == 1 && !r.replay); /* who asked did not ask twice */
    assert_int_equal(bf_log_head(t->first, tenant, &head, NULL), BF_OK);
    assert_int_equal(head, 1);
    assert_int_equal(count(t->second, 2, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "2"));
}

static void an_entry_that_never_arrived_is_sent_again(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.unsent = 2;
    ahead.times = 1; /* and another takes its number meanwhile */
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "2") && r.n == 2 && !r.replay);
}

/* ---- documents that were left behind ---- */

static int64_t stored_value(struct bf_store *store, struct bf_arena *arena)
{
    struct bf_doc *doc = NULL;
    assert_int_equal(bf_store_get(store, &counters, tenant, counter, arena, &doc, NULL), BF_OK);
    return doc == NULL ? 0 : bf_get_int(&doc->object, R_VALUE);
}

static void documents_follow_before_the_answer_though_it_takes_several_tries(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.unapplied = 3;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "1") && !r.replay);
    assert_int_equal(stored_value(t->second, t->arena), 1);
}

/* The first cannot: the second learns of the entry, does it, and the first sees that it is done. */
static void what_one_process_leaves_behind_another_rolls_forward(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    assert_int_equal(count(t->second, 1, t->arena, &calls, &r), BF_OK);
    ahead.unapplied = UINT_MAX;
    assert_int_equal(count(t->first, 2, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "2") && !r.replay);
    assert_int_equal(stored_value(t->second, t->arena), 2);
    assert_int_equal(count(t->second, 2, t->arena, &calls, &r), BF_OK); /* the client asks again, elsewhere */
    assert_true(bf_str_eqz(r.body, "2") && r.replay);
}

/* As the followers do: what they derive from an entry, they derive from documents as new as it. */
static void who_reads_an_entry_finds_its_documents_as_new(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    ahead.other_looks = true;
    ahead.unapplied = 1;
    assert_int_equal(count(t->first, 2, t->arena, &calls, &r), BF_OK);
    assert_int_equal(ahead.seen_entries, 2);
    assert_int_equal(ahead.seen_value, 2);
}

/* A new process knows nothing; what the others left behind is done before it decides. */
static void what_was_left_behind_is_rolled_forward_at_the_start(void **state)
{
    struct two *t = *state;
    struct bf_store *third;
    struct bf_receipt r;
    unsigned calls = 0;
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(count(t->second, i, t->arena, &calls, &r), BF_OK);
    struct bf_doc *old = bf_doc_create(t->arena, &schema, tenant, counter);
    bf_set_int(&old->object, R_VALUE, 1);
    old->rev = old->n = 1;
    struct bf_apply back = {.coll = &counters, .after = old};
    assert_int_equal(memory_driver.apply(t->second->driver->vt->writer(t->second->driver), &back, 1, t->arena, NULL), BF_OK);
    open_one(t, &memory_apart_driver, &third);
    assert_int_equal(count(third, 4, t->arena, &calls, &r), BF_OK);
    bf_store_close(&third);
    assert_true(bf_str_eqz(r.body, "4"));
}

/* ---- refusals ---- */

static enum bf_status refuse_the_first(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *doc = bf_view_get(view, &counters, counter);
    (void)d, (void)arena;
    ++*(unsigned *)ctx;
    return bf_fail(e, doc == NULL ? BF_E_NOT_FOUND : BF_E_CONFLICT, "it stands at %lld", doc == NULL ? 0LL : (long long)bf_get_int(&doc->object, R_VALUE));
}

static void a_refusal_is_of_what_all_have_written(void **state)
{
    struct two *t = *state;
    struct bf_read read = {&counters, counter};
    struct bf_receipt r;
    unsigned calls = 0;
    struct bf_submission s = {.tenant = tenant, .actor = tenant, .reads = &read, .n_reads = 1, .decide = refuse_the_first, .ctx = &calls, .request = {{9}}};
    ahead.after_read = 1;
    assert_int_equal(bf_submit_wait(t->first, &s, t->arena, &r, NULL), BF_E_CONFLICT);
    assert_int_equal(calls, 2);
    other_counts();
    struct bf_error e = {0};
    assert_int_equal(bf_submit_wait(t->first, &s, t->arena, &r, &e), BF_E_CONFLICT);
    assert_string_equal(e.cause, "it stands at 2");
}

/* ---- many at once ---- */

enum { RACERS = 4, EACH = 60 };

struct racer {
    struct bf_store *store;
    unsigned from;
    pthread_t thread;
};

static void *run_race(void *arg)
{
    const struct racer *r = arg;
    struct bf_arena *arena = bf_arena_create();
    struct bf_receipt receipt;
    unsigned calls = 0;
    for (unsigned i = 0; i < EACH; i++)
        if (count(r->store, r->from + i, arena, &calls, &receipt) != BF_OK)
            abort();
    bf_arena_destroy(&arena);
    return NULL;
}

static void none_is_lost_and_none_is_counted_twice(void **state)
{
    struct two *t = *state;
    struct racer racers[RACERS];
    int64_t head;
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.store = i % 2 == 0 ? t->first : t->second, .from = 10000 * (i + 1)};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, run_race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < RACERS; i++)
        pthread_join(racers[i].thread, NULL);
    struct bf_log_entry *entries;
    unsigned n, ops = 0;
    assert_int_equal(bf_log_head(t->first, tenant, &head, NULL), BF_OK);
    assert_int_equal(bf_log_read(t->second, tenant, 0, 1000, BF_LOG_HEADERS, t->arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, head);
    for (unsigned i = 0; i < n; i++)
        ops += entries[i].n_ops;
    assert_int_equal(ops, RACERS * EACH);
    assert_int_equal(stored_value(t->first, t->arena), RACERS * EACH);
}

/* ---- what others wrote ---- */

struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t n;
};

static void note_entry(void *ctx, struct bf_uuid of, int64_t n)
{
    struct told *told = ctx;
    pthread_mutex_lock(&told->lock);
    if (bf_uuid_eq(&of, &tenant) && n > told->n)
        told->n = n;
    pthread_cond_signal(&told->changed);
    pthread_mutex_unlock(&told->lock);
}

/* At least so many entries, within the time. */
static bool hears(struct told *told, int64_t n, unsigned seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&told->lock);
    for (int rc = 0; told->n < n && rc == 0;)
        rc = pthread_cond_timedwait(&told->changed, &told->lock, &until);
    bool heard = told->n >= n;
    pthread_mutex_unlock(&told->lock);
    return heard;
}

static void the_watchers_of_one_are_told_what_the_other_wrote(void **state)
{
    struct two *t = *state;
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    uint64_t version = bf_store_version(t->first, &counters);
    bf_log_watch(t->first, note_entry, &told);
    other_counts();
    other_counts();
    assert_true(hears(&told, 2, 60));
    assert_int_equal(told.n, 2);
    assert_true(bf_store_version(t->first, &counters) > version); /* what was kept of it is read anew */
    bf_log_unwatch(t->first, &told);
}

/* One of another company's, perhaps. The sweep would find it, too, but not so soon: it comes 15 s after the start. */
static void the_hint_of_a_clock_that_was_ahead_hides_no_other(void **state)
{
    struct two *t = *state;
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    bf_log_watch(t->first, note_entry, &told);
    bf_env_fake_advance(&t->env, 3600 * 1000);
    other_counts();
    assert_true(hears(&told, 1, 10));
    bf_env_fake_advance(&t->env, -3600 * 1000);
    other_counts();
    assert_true(hears(&told, 2, 10));
    bf_log_unwatch(t->first, &told);
}

static void note_nudge(void *ctx, struct bf_uuid of, int64_t n)
{
    struct told *told = ctx;
    pthread_mutex_lock(&told->lock);
    told->n += n == 0 && bf_uuid_eq(&of, &tenant);
    pthread_cond_signal(&told->changed);
    pthread_mutex_unlock(&told->lock);
}

static void what_one_changed_outside_the_log_the_other_is_told(void **state)
{
    struct two *t = *state;
    struct told here = {.lock = PTHREAD_MUTEX_INITIALIZER}, there = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_cond_init(&here.changed, NULL);
    pthread_cond_init(&there.changed, NULL);
    other_counts(); /* a company that the store has */
    bf_log_watch(t->first, note_nudge, &here);
    bf_log_watch(t->second, note_nudge, &there);
    bf_store_nudge(t->second, tenant);
    assert_int_equal(there.n, 1); /* at once */
    assert_true(hears(&here, 1, 60));
    bf_log_unwatch(t->first, &here);
    bf_log_unwatch(t->second, &there);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_lost_race_is_decided_again), T(the_same_request_through_two_processes_has_one_receipt),
                                       T(a_race_that_is_never_won_ends_with_an_error),
                                       T(an_entry_whose_answer_was_lost_is_found),
                                       T(an_entry_that_never_arrived_is_sent_again),
                                       T(documents_follow_before_the_answer_though_it_takes_several_tries),
                                       T(what_one_process_leaves_behind_another_rolls_forward),
                                       T(who_reads_an_entry_finds_its_documents_as_new),
                                       T(what_was_left_behind_is_rolled_forward_at_the_start),
                                       T(a_refusal_is_of_what_all_have_written),
                                       T(none_is_lost_and_none_is_counted_twice),
                                       T(the_watchers_of_one_are_told_what_the_other_wrote),
                                       T(the_hint_of_a_clock_that_was_ahead_hides_no_other),
                                       T(what_one_changed_outside_the_log_the_other_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
