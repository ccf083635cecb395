/* SPDX-License-Identifier: Apache-2.0 */
/* A check beside processes that write: what is not that far yet is no fault, and mending undoes nothing. */
#include "tests/storage/memory/several.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { STORES = 3, COUNTERS = 12, CHECKS = 15 };

static const struct bf_uuid tenant = {{1}};

/* A driver that takes its time between an entry and its documents. */
static struct bf_driver_vtable late;

static enum bf_status apply_late(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    return memory_apart_driver.apply(s, applies, n, arena, e);
}

static enum bf_status open_late(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &late;
    return status;
}

static struct bf_uuid counter(unsigned i) { return (struct bf_uuid){{2, (uint8_t)(i + 1)}}; }

struct writer {
    struct bf_store *store;
    unsigned from, upto; /* the first counters it leaves alone */
    atomic_bool *stop;
    atomic_uint written;
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    struct bf_receipt r;
    for (unsigned i = 0; !atomic_load(w->stop); i++) {
        struct bf_arena *arena = bf_arena_create();
        if (several_count(w->store, tenant, counter(w->upto + i % (COUNTERS - w->upto)), w->from + i, arena, &r) != BF_OK)
            abort();
        atomic_fetch_add(&w->written, 1);
        bf_arena_destroy(&arena);
    }
    return NULL;
}

struct crowd {
    struct several *s;
    struct writer writers[STORES - 1];
    atomic_bool stop;
};

static unsigned written(struct crowd *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < STORES - 1; i++)
        n += atomic_load(&c->writers[i].written);
    return n;
}

static void start(struct crowd *c, unsigned upto)
{
    atomic_init(&c->stop, false);
    for (unsigned i = 0; i < STORES - 1; i++) {
        c->writers[i] = (struct writer){.store = c->s->stores[i + 1], .from = 100000 * (i + 1), .upto = upto, .stop = &c->stop};
        assert_int_equal(pthread_create(&c->writers[i].thread, NULL, write_on, &c->writers[i]), 0);
    }
}

static void stop(struct crowd *c)
{
    atomic_store(&c->stop, true);
    for (unsigned i = 0; i < STORES - 1; i++)
        pthread_join(c->writers[i].thread, NULL);
}

static int set_up(void **state)
{
    struct crowd *c = calloc(1, sizeof *c);
    struct bf_receipt r;
    assert_non_null(c);
    c->s = several_create(STORES, &late);
    for (unsigned i = 0; i < COUNTERS; i++)
        assert_int_equal(several_count(c->s->stores[0], tenant, counter(i), 1 + i, c->s->arena, &r), BF_OK);
    *state = c;
    return 0;
}

static int tear_down(void **state)
{
    struct crowd *c = *state;
    several_destroy(&c->s);
    free(c);
    return 0;
}

static void print_line(void *ctx, const char *line)
{
    (void)ctx;
    print_error("%s\n", line);
}

static void a_healthy_store_has_no_fault_while_others_write(void **state)
{
    struct crowd *c = *state;
    struct bf_check_report report;
    start(c, 0);
    for (unsigned i = 0; i < CHECKS; i++) {
        unsigned before = written(c);
        SEVERAL_UNTIL(written(c) > before + 5);
        assert_int_equal(bf_store_check(c->s->stores[0], i % 2 == 0, print_line, NULL, &report, NULL), BF_OK);
        assert_int_equal(report.faults, 0);
        assert_true(report.entries > COUNTERS);
    }
    stop(c);
}

/* By hand, past all guards: another value from the same operation; an older one; one that is gone; one from an operation that did not make it. */
static void damage(struct crowd *c)
{
    struct several *s = c->s;
    struct bf_session *session = s->stores[0]->driver->vt->writer(s->stores[0]->driver);
    for (unsigned i = 0; i < 4; i++) {
        struct bf_doc *doc = several_get(s, 0, &several_counters, tenant, counter(i));
        bf_set_int(&doc->object, COUNTER_VALUE, 77);
        if (i == 1)
            doc->n = 1, doc->k = -1;
        if (i == 3)
            doc->k = 9;
        struct bf_apply back = {.coll = &several_counters, .after = doc};
        if (i == 2)
            assert_int_equal(memory_driver.remove(session, &several_counters, tenant, counter(i), s->arena, NULL), BF_OK);
        else
            assert_int_equal(memory_driver.apply(session, &back, 1, s->arena, NULL), BF_OK);
    }
}

static void what_was_damaged_is_found_and_mended_while_others_write(void **state)
{
    struct crowd *c = *state;
    struct bf_check_report report;
    start(c, 4);
    for (unsigned i = 0; i < STORES - 1; i++) /* they know the entries then, and do not roll anything forward to them any more */
        SEVERAL_UNTIL(atomic_load(&c->writers[i].written) > 0);
    damage(c);
    assert_int_equal(bf_store_check(c->s->stores[0], false, NULL, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 4);
    assert_int_equal(bf_store_check(c->s->stores[0], true, NULL, NULL, &report, NULL), BF_OK);
    assert_true(report.faults == 4 && report.mended == 4);
    stop(c);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(bf_get_int(&several_get(c->s, 0, &several_counters, tenant, counter(i))->object, COUNTER_VALUE), 1);
    assert_int_equal(bf_store_check(c->s->stores[0], false, print_line, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    unsigned sum = 0;
    for (unsigned i = 4; i < COUNTERS; i++)
        sum += (unsigned)bf_get_int(&several_get(c->s, 0, &several_counters, tenant, counter(i))->object, COUNTER_VALUE);
    assert_int_equal(sum, COUNTERS - 4 + written(c)); /* no write was undone */
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_healthy_store_has_no_fault_while_others_write), T(what_was_damaged_is_found_and_mended_while_others_write)};
    late = memory_apart_driver;
    late.open = open_late;
    late.apply = apply_late;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
