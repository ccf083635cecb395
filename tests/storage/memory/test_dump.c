/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup of a store that another process writes to all the while: each of its reads is followed by a change of every company. What comes of it is sound,
 * has all that was committed before it began, and is restored like any backup.
 */
#include "storage/internal.h"
#include "tests/directory.h"
#include "tests/storage/memory/memory.h"
#include "tests/storage/move/company.h"
#include "tests/test.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct companies companies = {.n = 2, .entries = 120, .notes = 40, .has_media = true};
enum { FIRST_REQUEST = 1000000, CHANGES_MAX = 40 };

/* The driver of the store that is backed up. */
static struct {
    struct bf_driver_vtable vt;
    struct bf_store *other; /* NULL: nobody changes anything */
    unsigned changes;
} busy;

static void change_all(void)
{
    bool replay;
    if (busy.other == NULL || busy.changes == CHANGES_MAX)
        return;
    for (unsigned c = 0; c < companies.n; c++)
        company_change(busy.other, c, FIRST_REQUEST + busy.changes, &replay);
    busy.changes++;
}

static enum bf_status scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit, struct bf_arena *arena,
                           struct bf_row **ret, unsigned *ret_n, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.scan(s, coll, after, limit, arena, ret, ret_n, e);
    change_all();
    return status;
}

static enum bf_status log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                               struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.log_read(s, tenant, after_n, limit, bytes_max, payloads, arena, ret, ret_n, e);
    if (payloads)
        change_all();
    return status;
}

static enum bf_status open_busy(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &busy.vt;
    return status;
}

struct rig {
    struct bf_env env;
    struct home home;
    struct memory *memory;
    struct bf_store *store, *other;
    char dir[PATH_MAX];
};

static struct bf_store_config config_of(struct rig *r, const char *uri, char key[PATH_MAX + 32])
{
    struct bf_store_config config = {.uri = bf_strz(uri), .readers = 2};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, PATH_MAX + 32, "%s/master.key", r->dir));
    return config;
}

static struct bf_store *open_one(struct rig *r, const struct bf_driver_vtable *vt)
{
    char key[PATH_MAX + 32];
    struct bf_store *store;
    struct bf_error e = {0};
    struct bf_store_config config = config_of(r, "memory:", key);
    if (bf__store_open(&r->env, &config, vt, r->memory, company_newer_collections, COMPANY_COLLECTIONS, &store, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
    return store;
}

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    bf_env_fake(&r->env, 1800000000000, 1);
    home_open(&r->home, &r->env);
    test_dir_make("dump", r->dir, sizeof r->dir);
    r->memory = memory_create();
    busy.vt = memory_apart_driver;
    busy.vt.open = open_busy;
    busy.vt.scan = scan;
    busy.vt.log_read = log_read;
    busy.other = NULL;
    busy.changes = 0;
    r->store = open_one(r, &busy.vt);
    companies_fill(&companies, r->store, &r->home);
    r->other = open_one(r, &memory_apart_driver);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    bf_store_close(&r->store);
    bf_store_close(&r->other);
    memory_destroy(&r->memory);
    test_dir_remove(r->dir);
    home_close(&r->home);
    bf_env_finish(&r->env);
    free(r);
    return 0;
}

static const char *in_dir(struct rig *r, const char *name, char out[PATH_MAX + 32])
{
    snprintf(out, PATH_MAX + 32, "%s/%s", r->dir, name);
    return out;
}

static int64_t last_entry(struct bf_store *store, unsigned c)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_raw_entry *last = NULL;
    struct bf_session *s = store->driver->vt->reader(store->driver);
    assert_int_equal(store->driver->vt->log_last(s, company_id(c), arena, &last, NULL), BF_OK);
    store->driver->vt->release(store->driver, s);
    int64_t n = last == NULL ? 0 : last->n;
    bf_arena_destroy(&arena);
    return n;
}

static struct bf_store *restore(struct rig *r, const char *backup)
{
    char key[PATH_MAX + 32], uri[PATH_MAX + 64];
    struct bf_store *store;
    struct bf_error e = {0};
    snprintf(uri, sizeof uri, "embedded:%s/restored", r->dir);
    struct bf_store_config config = config_of(r, uri, key);
    if (bf_store_restore(&r->env, backup, &config, /* without_erasures= */ false, company_newer_collections, COMPANY_COLLECTIONS, &e) != BF_OK ||
        bf_store_open(&r->env, &config, company_newer_collections, COMPANY_COLLECTIONS, &store, &e) != BF_OK)
        fail_msg("restore: %s", e.cause);
    return store;
}

static void what_others_change_meanwhile_leaves_a_sound_backup(void **state)
{
    struct rig *r = *state;
    char to[PATH_MAX + 32], work[PATH_MAX + 32];
    int64_t before[COMPANY_MAX];
    struct bf_error e = {0};
    for (unsigned c = 0; c < companies.n; c++)
        before[c] = last_entry(r->store, c);
    busy.other = r->other;
    if (bf_store_backup(r->store, in_dir(r, "backup", to), NULL, NULL, &e) != BF_OK)
        fail_msg("backup: %s", e.cause);
    busy.other = NULL;
    assert_true(busy.changes > 10);
    assert_int_equal(access(in_dir(r, "backup.dumping", work), F_OK), -1);
    struct bf_store *restored = restore(r, to);
    companies_expect_sound(restored);
    for (unsigned c = 0; c < companies.n; c++) {
        assert_true(last_entry(restored, c) > before[c]);
        assert_true(last_entry(restored, c) <= last_entry(r->store, c) + 1); /* "restored" is an entry of its own */
    }
    struct bf_arena *arena = bf_arena_create();
    assert_true(companies_dump(&companies, restored, arena).n > 0); /* its media are read to the end */
    bf_arena_destroy(&arena);
    bf_store_close(&restored);
}

static void what_is_in_its_way_is_left_alone(void **state)
{
    struct rig *r = *state;
    char to[PATH_MAX + 32], work[PATH_MAX + 32];
    in_dir(r, "backup", to);
    assert_int_equal(mkdir(in_dir(r, "backup.dumping", work), 0700), 0);
    assert_int_equal(bf_store_backup(r->store, to, NULL, NULL, NULL), BF_E_EXISTS);
    assert_int_equal(rmdir(work), 0);
    assert_int_equal(bf_store_backup(r->store, to, NULL, NULL, NULL), BF_OK);
    assert_int_equal(bf_store_backup(r->store, to, NULL, NULL, NULL), BF_E_EXISTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_others_change_meanwhile_leaves_a_sound_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_its_way_is_left_alone, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
