/* SPDX-License-Identifier: Apache-2.0 */
/* Six processes that all have more to write to one company than they can: each gets its share. Each call to the store takes a moment, as over a network. */
#include "tests/storage/memory/several.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { STORES = 6, WRITERS = 4, TOTAL = 1500, HOP_US = 700 };

static const struct bf_uuid tenant = {{1}}, counter = {{2}};
static struct bf_driver_vtable distant;

static void hop(void) { nanosleep(&(struct timespec){.tv_nsec = HOP_US * 1000}, NULL); }

static enum bf_status append(struct bf_session *s, const struct bf_raw_append *a, struct bf_error *e)
{
    hop();
    return memory_apart_driver.append(s, a, e);
}

static enum bf_status apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    hop();
    return memory_apart_driver.apply(s, applies, n, arena, e);
}

static enum bf_status get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid of, const struct bf_uuid *ids, unsigned n,
                               struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    hop();
    return memory_apart_driver.get_many(s, coll, of, ids, n, arena, ret, e);
}

static enum bf_status log_read(struct bf_session *s, struct bf_uuid of, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                               struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    hop();
    return memory_apart_driver.log_read(s, of, after_n, limit, bytes_max, payloads, arena, ret, ret_n, e);
}

static enum bf_status log_requests(struct bf_session *s, struct bf_uuid of, const struct bf_request_id *ids, unsigned n, int64_t *ret_n, struct bf_error *e)
{
    hop();
    return memory_apart_driver.log_requests(s, of, ids, n, ret_n, e);
}

static enum bf_status open_distant(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &distant;
    return status;
}

static void make_distant(void)
{
    distant = memory_apart_driver;
    distant.open = open_distant;
    distant.append = append;
    distant.apply = apply;
    distant.get_many = get_many;
    distant.log_read = log_read;
    distant.log_requests = log_requests;
}

struct writer {
    struct bf_store *store;
    unsigned from;
    atomic_uint *all, *own; /* committed: by all, by this store */
    pthread_t thread;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    struct bf_receipt r;
    for (unsigned i = 0; atomic_load(w->all) < TOTAL; i++) {
        struct bf_arena *arena = bf_arena_create();
        enum bf_status status = several_count(w->store, tenant, counter, w->from + i, arena, &r);
        if (status == BF_OK && atomic_fetch_add(w->all, 1) < TOTAL)
            atomic_fetch_add(w->own, 1);
        else if (status != BF_OK)
            print_error("%s: %s\n", bf_status_code(status), r.error.cause);
        bf_arena_destroy(&arena);
    }
    return NULL;
}

static void each_of_six_gets_half_of_an_even_share_at_least(void **state)
{
    struct several *s = several_create(STORES, &distant);
    struct writer *writers = calloc(STORES * WRITERS, sizeof *writers);
    atomic_uint all = 0, own[STORES] = {0};
    (void)state;
    for (unsigned i = 0; i < STORES * WRITERS; i++) {
        writers[i] = (struct writer){.store = s->stores[i % STORES], .from = 100000 * (i + 1), .all = &all, .own = &own[i % STORES]};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
    }
    for (unsigned i = 0; i < STORES * WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    print_message("of %d:", TOTAL);
    for (unsigned i = 0; i < STORES; i++)
        print_message(" %u", atomic_load(&own[i]));
    print_message("\n");
    for (unsigned i = 0; i < STORES; i++)
        assert_true(atomic_load(&own[i]) >= TOTAL / STORES / 2);
    free(writers);
    several_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_of_six_gets_half_of_an_even_share_at_least)};
    make_distant();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
