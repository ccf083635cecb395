/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes open a new store at the same time: it gets one incarnation, one key, one register, and each reads what another wrote. */
#include "tests/directory.h"
#include "tests/storage/memory/several.h"
#include <pthread.h>
#include <time.h>

enum { ROUNDS = 40, OPENERS = 4 };

static const struct bf_collection *const collections[] = {&several_counters};

/* A driver that takes a moment to say that a fact is absent, so that several are told so. */
static struct bf_driver_vtable slow;

static enum bf_status meta_get_slowly(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.meta_get(s, name, arena, ret, e);
    if (ret->n == 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return status;
}

static enum bf_status open_slow(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &slow;
    return status;
}

struct opener {
    const struct bf_env *env;
    struct memory *memory;
    const char *dir; /* of its master key */
    unsigned number;
    pthread_barrier_t *all;
    struct bf_store *store;
    struct bf_receipt receipt;
    struct bf_arena *arena;
    enum bf_status status;
    struct bf_error e;
    pthread_t thread;
};

static enum bf_status open_one(struct opener *o)
{
    char key[PATH_MAX + 32];
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", o->dir));
    return bf__store_open(o->env, &config, &slow, o->memory, collections, 1, &o->store, &o->e);
}

/* Each then writes to the same company, which is new, too. */
static void *open_and_write(void *arg)
{
    struct opener *o = arg;
    pthread_barrier_wait(o->all);
    o->status = open_one(o);
    pthread_barrier_wait(o->all);
    if (o->status == BF_OK)
        o->status = several_count(o->store, (struct bf_uuid){{1}}, (struct bf_uuid){{2}}, o->number, o->arena, &o->receipt);
    return NULL;
}

struct start {
    struct bf_env env;
    struct memory *memory;
    char dirs[2][PATH_MAX];
    pthread_barrier_t all;
    struct opener openers[OPENERS];
};

static void start_all(struct start *s, unsigned n, bool on_two_machines)
{
    memset(s->openers, 0, sizeof s->openers);
    s->memory = memory_create();
    pthread_barrier_init(&s->all, NULL, n);
    for (unsigned i = 0; i < 2; i++)
        test_dir_make("first", s->dirs[i], sizeof s->dirs[i]);
    for (unsigned i = 0; i < n; i++) {
        s->openers[i] = (struct opener){.env = &s->env, .memory = s->memory, .number = i + 1, .dir = s->dirs[on_two_machines ? i % 2 : 0], .all = &s->all};
        s->openers[i].arena = bf_arena_create();
        assert_int_equal(pthread_create(&s->openers[i].thread, NULL, open_and_write, &s->openers[i]), 0);
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(s->openers[i].thread, NULL);
}

static void end_all(struct start *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        bf_store_close(&s->openers[i].store);
        bf_arena_destroy(&s->openers[i].arena);
    }
    memory_destroy(&s->memory);
    pthread_barrier_destroy(&s->all);
    for (unsigned i = 0; i < 2; i++)
        test_dir_remove(s->dirs[i]);
}

static void check_round(const struct start *s)
{
    struct bf_log_entry *entries;
    unsigned n, ops = 0;
    for (unsigned i = 0; i < OPENERS; i++) {
        const struct opener *o = &s->openers[i];
        if (o->status != BF_OK)
            fail_msg("opener %u: %s %s", i, o->e.cause, o->receipt.error.cause);
        assert_int_equal(bf_store_incarnation(o->store), bf_store_incarnation(s->openers[0].store));
        assert_int_equal(bf_log_read(o->store, (struct bf_uuid){{1}}, 0, 100, BF_LOG_DOCS, o->arena, &entries, &n, NULL), BF_OK); /* decrypted */
        ops = 0;
        for (unsigned k = 0; k < n; k++)
            ops += entries[k].n_ops;
        assert_int_equal(ops, OPENERS);
    }
}

static void a_new_store_is_the_same_one_for_all_who_open_it_first(void **state)
{
    struct start *s = calloc(1, sizeof *s);
    (void)state;
    assert_non_null(s);
    bf_env_fake(&s->env, 1800000000000, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        start_all(s, OPENERS, false);
        check_round(s);
        end_all(s, OPENERS);
    }
    bf_env_finish(&s->env);
    free(s);
}

/* Two keys cannot both be right: whoever comes second is refused, and nobody writes what the other cannot read. */
static void of_two_machines_with_keys_of_their_own_one_is_refused(void **state)
{
    struct start *s = calloc(1, sizeof *s);
    (void)state;
    assert_non_null(s);
    bf_env_fake(&s->env, 1800000000000, 1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        start_all(s, 2, true);
        enum bf_status a = s->openers[0].status, b = s->openers[1].status;
        assert_true((a == BF_OK) != (b == BF_OK));
        enum bf_status refused = a == BF_OK ? b : a;
        assert_true(refused == BF_E_CONFIG || refused == BF_E_IO); /* a wrong key; or none, and none was made */
        end_all(s, 2);
    }
    bf_env_finish(&s->env);
    free(s);
}

/* Also when the first start of the other machine has not come to its end. */
static void a_second_machine_makes_no_key_for_a_store_that_has_one(void **state)
{
    struct several *s = several_create(0, &memory_apart_driver);
    struct bf_driver_open how = {.env = &s->env, .ctx = s->memory};
    struct bf_driver *driver;
    assert_int_equal(memory_apart_driver.open(&how, &driver, NULL), BF_OK);
    assert_int_equal(driver->vt->meta_add(driver->vt->writer(driver), "key_check", BF_STR("of the other's key"), NULL), BF_OK);
    driver->vt->close(&driver);
    char dir[PATH_MAX], key[PATH_MAX + 32];
    struct bf_store *store = NULL;
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    (void)state;
    test_dir_make("second", dir, sizeof dir);
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    assert_int_equal(bf__store_open(&s->env, &config, &memory_apart_driver, s->memory, collections, 1, &store, NULL), BF_E_IO);
    assert_int_not_equal(access(key, F_OK), 0);
    test_dir_remove(dir);
    several_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_new_store_is_the_same_one_for_all_who_open_it_first),
                                       cmocka_unit_test(of_two_machines_with_keys_of_their_own_one_is_refused),
                                       cmocka_unit_test(a_second_machine_makes_no_key_for_a_store_that_has_one)};
    slow = memory_apart_driver;
    slow.open = open_slow;
    slow.meta_get = meta_get_slowly;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
