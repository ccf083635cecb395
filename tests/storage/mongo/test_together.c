/* SPDX-License-Identifier: Apache-2.0 */
/* Two stores on one database, as two processes have them: no entry is lost, doubled or decided on what another has changed. */
#include "tests/storage/mongo/rig.h"
#include <pthread.h>

enum { N_WRITERS = 6, EACH = 40, N_WORKERS = 6, N_JOBS = 120 };

static const struct bf_collection *const same[] = {&items, &parts, &notes, &ticks};
static const struct bf_uuid the_counter = {{0x77, 1}};

static struct bf_store *another(struct suite *s)
{
    struct bf_store *store;
    struct bf_error e = {0};
    if (harness_open_another(s->harness, &s->env, same, 4, &store, &e) != BF_OK)
        fail_msg("the other store does not open: %s", e.cause);
    return store;
}

static enum bf_status add_one(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *old = bf_view_get(view, &items, the_counter);
    struct bf_doc *doc = old == NULL ? bf_doc_create(arena, &thing_schema, bf_view_tenant(view), the_counter) : bf_doc_copy(arena, old);
    int64_t value = 1 + bf_get_int(&doc->object, T_SCORE);
    (void)ctx;
    (void)e;
    bf_set_int(&doc->object, T_SCORE, value);
    bf_decision_put(d, &items, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)value)), the_counter);
    return BF_OK;
}

static int64_t count_once(struct bf_store *store, unsigned request, struct bf_arena *arena)
{
    struct bf_read read = {&items, the_counter};
    struct bf_receipt receipt;
    struct bf_error e = {0};
    struct bf_submission sub = {.tenant = tenant_a, .actor = suite_uuid(9), .request = request_id(request), .reads = &read, .n_reads = 1, .decide = add_one};
    if (bf_submit_wait(store, &sub, arena, &receipt, &e) != BF_OK) {
        print_error("request %u: %s\n", request, e.cause);
        return -1;
    }
    return atoll(receipt.body.p);
}

struct writer {
    struct bf_store *store;
    unsigned from;
    int64_t got[EACH]; /* what each request counted to; -1: it failed */
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < EACH; i++)
        w->got[i] = count_once(w->store, w->from + i, arena);
    bf_arena_destroy(&arena);
    return NULL;
}

/* Each number was given once. */
static void check_numbers(const struct writer *writers)
{
    bool given[N_WRITERS * EACH + 1] = {false};
    for (unsigned w = 0; w < N_WRITERS; w++)
        for (unsigned i = 0; i < EACH; i++) {
            int64_t number = writers[w].got[i];
            assert_true(number >= 1 && number <= N_WRITERS * EACH);
            assert_false(given[number]);
            given[number] = true;
        }
}

static void two_stores_count_without_gap_or_double(void **state)
{
    struct suite *s = *state;
    struct bf_store *other = another(s);
    struct writer *writers = calloc(N_WRITERS, sizeof *writers);
    struct bf_check_report report;
    struct bf_log_entry *entries;
    int64_t head;
    unsigned n;
    for (unsigned i = 0; i < N_WRITERS; i++) {
        writers[i].store = i % 2 == 0 ? s->store : other;
        writers[i].from = 1000 * (i + 1);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (unsigned i = 0; i < N_WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    check_numbers(writers);
    assert_true(count_once(other, 1000, s->arena) == writers[0].got[0]); /* asked again, elsewhere: the first receipt */
    assert_int_equal(bf_get_int(&get(s, &items, tenant_a, the_counter)->object, T_SCORE), N_WRITERS * EACH);
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(bf_log_read(other, tenant_a, 0, 1000, BF_LOG_HEADERS, s->arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, head); /* no hole */
    assert_int_equal(bf_store_check(s->store, false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    bf_store_close(&other);
    free(writers);
}

/* ---- jobs ---- */

struct worker {
    struct suite *s;
    struct bf_store *store;
    atomic_uint *taken; /* per job */
    pthread_t thread;
};

static void *take_on(void *arg)
{
    struct worker *w = arg;
    struct bf_arena *arena = bf_arena_create();
    struct bf_job *jobs[8];
    unsigned n;
    do {
        if (bf_job_take_many(w->store, "job", 5000, 60000, 8, arena, jobs, &n, NULL) != BF_OK)
            abort();
        for (unsigned i = 0; i < n; i++) {
            atomic_fetch_add(&w->taken[jobs[i]->n], 1);
            if (bf_job_done(w->store, jobs[i], NULL) != BF_OK)
                abort();
        }
    } while (n > 0);
    bf_arena_destroy(&arena);
    return NULL;
}

static void each_job_is_taken_once(void **state)
{
    struct suite *s = *state;
    struct bf_store *other = another(s);
    static atomic_uint taken[N_JOBS + 1];
    struct bf_job jobs[N_JOBS];
    struct worker workers[N_WORKERS];
    for (unsigned i = 0; i < N_JOBS; i++) {
        atomic_store(&taken[i + 1], 0);
        jobs[i] = (struct bf_job){.id = bf_job_id(tenant_a, i + 1, 0, "job"), .tenant = tenant_a, .kind = "job", .due_ms = 1000 + i % 7, .n = i + 1};
    }
    assert_int_equal(bf_job_add(s->store, jobs, N_JOBS, NULL), BF_OK);
    for (unsigned i = 0; i < N_WORKERS; i++) {
        workers[i] = (struct worker){.s = s, .store = i % 2 == 0 ? s->store : other, .taken = taken};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, take_on, &workers[i]), 0);
    }
    for (unsigned i = 0; i < N_WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 1; i <= N_JOBS; i++)
        assert_int_equal(atomic_load(&taken[i]), 1);
    bf_store_close(&other);
}

SUITE_PART(suite_together, SUITE_TEST(two_stores_count_without_gap_or_double), SUITE_TEST(each_job_is_taken_once));
