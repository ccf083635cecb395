/* SPDX-License-Identifier: Apache-2.0 */
/* A store moved between the drivers in memory, with transactions and without: whole, from wherever it was cut off, and never by halves. */
#include "tests/directory.h"
#include "storage/erasing.h"
#include "storage/keys.h"
#include "storage/lease.h"
#include "storage/move.h"
#include "tests/storage/memory/memory.h"
#include "tests/storage/move/company.h"
#include <limits.h>

static const struct companies many = {.n = 3, .entries = 300, .notes = 90, .has_media = true}, few = {.n = 2, .entries = 8, .notes = 3, .has_media = true};

/* Data in memory, with a directory for the media of the driver that is alone. */
struct place {
    const struct bf_driver_vtable *vt;
    struct memory *memory;
    char dir[PATH_MAX];
};

struct moving {
    struct bf_env env;
    struct home home;
    struct bf_arena *arena;
    char dir[PATH_MAX]; /* of the master key */
    struct place from, to;
};

/* ---- a driver that is cut off ---- */

/* The driver's calls until it fails, and it fails at each one from then on: to the store, its process is dead. */
struct fuse {
    const struct bf_driver_vtable *real;
    struct bf_driver_vtable vt;
    atomic_int left; /* negative: it is as the real one */
    atomic_uint appends, spoil_append; /* counts; the number of the append that writes other bytes, 0: none */
    bool loses_applies; /* they are said to be done */
    void (*at_append)(void *ctx); /* run once, before the first append; NULL: nothing */
    void *ctx;
};

static struct fuse fuse; /* of the destination */

static bool is_cut(void)
{
    int left = atomic_load(&fuse.left);
    if (left < 0)
        return false;
    if (left == 0)
        return true;
    return atomic_fetch_sub(&fuse.left, 1) == 1;
}

static enum bf_status cut(struct bf_error *e) { return bf_fail(e, BF_E_UNAVAILABLE, "cut off"); }

static enum bf_status fuse_append(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    struct bf_raw_append other = *append;
    if (fuse.at_append != NULL) {
        void (*run)(void *ctx) = fuse.at_append;
        fuse.at_append = NULL;
        run(fuse.ctx);
    }
    if (atomic_fetch_add(&fuse.appends, 1) + 1 == fuse.spoil_append)
        other.entry.payload.n--;
    return is_cut() ? cut(e) : fuse.real->append(s, &other, e);
}

static enum bf_status fuse_apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    if (fuse.loses_applies)
        return BF_OK;
    return is_cut() ? cut(e) : fuse.real->apply(s, applies, n, arena, e);
}

static enum bf_status fuse_remove(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, struct bf_arena *arena,
                                  struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->remove(s, coll, tenant, id, arena, e);
}

static enum bf_status fuse_write(struct bf_session *s, const struct bf_write *write, struct bf_arena *arena, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->write(s, write, arena, e);
}

static enum bf_status fuse_scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit, struct bf_arena *arena,
                                struct bf_row **ret, unsigned *ret_n, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->scan(s, coll, after, limit, arena, ret, ret_n, e);
}

static enum bf_status fuse_log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                                    struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->log_read(s, tenant, after_n, limit, bytes_max, payloads, arena, ret, ret_n, e);
}

static enum bf_status fuse_meta_set(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->meta_set(s, name, value, e);
}

static enum bf_status fuse_chunk_put(struct bf_session *s, const struct bf_chunk *chunk, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->chunk_put(s, chunk, e);
}

static enum bf_status fuse_file_put(struct bf_session *s, const struct bf_file_row *row, struct bf_error *e)
{
    return is_cut() ? cut(e) : fuse.real->file_put(s, row, e);
}

static enum bf_status fuse_open(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = fuse.real->open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &fuse.vt;
    return status;
}

static const struct bf_driver_vtable *fuse_over(const struct bf_driver_vtable *real, int calls)
{
    fuse.real = real;
    fuse.vt = *real;
    fuse.vt.open = fuse_open;
    fuse.vt.append = fuse_append;
    fuse.vt.apply = fuse_apply;
    fuse.vt.remove = fuse_remove;
    fuse.vt.write = fuse_write;
    fuse.vt.scan = fuse_scan;
    fuse.vt.log_read = fuse_log_read;
    fuse.vt.meta_set = fuse_meta_set;
    fuse.vt.chunk_put = real->chunk_put == NULL ? NULL : fuse_chunk_put;
    fuse.vt.file_put = real->file_put == NULL ? NULL : fuse_file_put;
    atomic_store(&fuse.left, calls);
    atomic_store(&fuse.appends, 0);
    fuse.spoil_append = 0;
    fuse.loses_applies = false;
    fuse.at_append = NULL;
    return &fuse.vt;
}

/* ---- stores ---- */

static void place_make(struct place *p, const struct bf_driver_vtable *vt)
{
    p->vt = vt;
    p->memory = memory_create();
    test_dir_make("place", p->dir, sizeof p->dir);
}

static void place_remove(struct place *p)
{
    test_dir_remove(p->dir);
    memory_destroy(&p->memory);
}

static enum bf_status open_on(struct moving *m, const struct place *p, const struct bf_driver_vtable *vt, const struct bf_collection *const *colls,
                              bool may_be_half, struct bf_store **ret, struct bf_error *e)
{
    char uri[PATH_MAX + 32], key[PATH_MAX + 32];
    struct bf_store_config config = {.readers = 2};
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "memory:%s", p->dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", m->dir));
    return bf__store_open_on(&m->env, &config, vt, p->memory, colls, COMPANY_COLLECTIONS, &(struct bf__opening){.may_be_half = may_be_half}, ret, e);
}

static struct bf_store *open_place(struct moving *m, const struct place *p, const struct bf_collection *const *colls)
{
    struct bf_store *store;
    struct bf_error e = {0};
    if (open_on(m, p, p->vt, colls, false, &store, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
    return store;
}

static struct bf_str dump_place(struct moving *m, const struct place *p, const struct companies *companies)
{
    struct bf_store *store = open_place(m, p, company_collections);
    struct bf_str text = companies_dump(companies, store, m->arena);
    bf_store_close(&store);
    return text;
}

/* From one place to the other, the destination through `vt`. */
static enum bf_status move(struct moving *m, const struct place *from, const struct place *to, const struct bf_driver_vtable *vt, struct bf_error *e)
{
    struct bf__move move = {.say = NULL};
    enum bf_status status = open_on(m, from, from->vt, company_collections, false, &move.from, e);
    if (status == BF_OK)
        status = open_on(m, to, vt, company_collections, true, &move.to, e);
    if (status == BF_OK)
        status = bf__move(&move, e);
    bf_store_close(&move.to);
    bf_store_close(&move.from);
    return status;
}

static void must_move(struct moving *m, const struct place *from, const struct place *to)
{
    struct bf_error e = {0};
    if (move(m, from, to, to->vt, &e) != BF_OK)
        fail_msg("move: %s", e.cause);
}

static struct moving *set_up(const struct companies *companies, const struct bf_driver_vtable *from, const struct bf_driver_vtable *to)
{
    struct moving *m = calloc(1, sizeof *m);
    assert_non_null(m);
    bf_env_fake(&m->env, 1800000000000, 1);
    home_open(&m->home, &m->env);
    m->arena = bf_arena_create();
    test_dir_make("moving", m->dir, sizeof m->dir);
    place_make(&m->from, from);
    place_make(&m->to, to);
    struct bf_store *store = open_place(m, &m->from, company_newer_collections);
    companies_fill(companies, store, &m->home);
    bf_store_close(&store);
    return m;
}

static void tear_down(struct moving *m)
{
    place_remove(&m->from);
    place_remove(&m->to);
    test_dir_remove(m->dir);
    home_close(&m->home);
    bf_arena_destroy(&m->arena);
    bf_env_finish(&m->env);
    free(m);
}

/* ---- the tests ---- */

static void all_of_it_goes_there_and_back(void **state)
{
    struct place back;
    (void)state;
    struct moving *m = set_up(&many, &memory_driver, &memory_apart_driver);
    struct bf_str had = dump_place(m, &m->from, &many);
    must_move(m, &m->from, &m->to);
    companies_expect_same(had, dump_place(m, &m->to, &many));
    companies_expect_same(had, dump_place(m, &m->from, &many));
    place_make(&back, &memory_driver);
    must_move(m, &m->to, &back);
    companies_expect_same(had, dump_place(m, &back, &many));
    struct bf_store *store = open_place(m, &back, company_collections);
    companies_expect_sound(store);
    bf_store_close(&store);
    place_remove(&back);
    tear_down(m);
}

/* What is served there knows old requests and goes on with the log; another process hears of it. */
static void the_destination_goes_on_where_the_source_was(void **state)
{
    bool is_replay;
    (void)state;
    struct moving *m = set_up(&few, &memory_driver, &memory_apart_driver);
    must_move(m, &m->from, &m->to);
    struct bf_store *store = open_place(m, &m->to, company_collections), *other = open_place(m, &m->to, company_collections);
    company_change(store, 0, few.entries, &is_replay);
    assert_true(is_replay);
    company_change(store, 0, few.entries + 1, &is_replay);
    assert_false(is_replay);
    company_change(other, 0, few.entries + 1, &is_replay);
    assert_true(is_replay);
    struct bf_uuid *tenants;
    unsigned n;
    assert_int_equal(bf_log_tenants(other, m->arena, &tenants, &n, NULL), BF_OK);
    assert_int_equal(n, few.n);
    companies_expect_sound(store);
    bf_store_close(&other);
    bf_store_close(&store);
    tear_down(m);
}

/* Until it is through, nobody opens it; and then it is all there. */
static void cut_off_at(struct moving *m, const struct place *to, int calls, struct bf_str had, bool *ret_whole)
{
    struct bf_error e = {0};
    struct bf_store *store;
    struct bf_str moving = BF_STR("");
    enum bf_status status = move(m, &m->from, to, fuse_over(to->vt, calls), &e);
    *ret_whole = status == BF_OK;
    if (status == BF_OK)
        return;
    assert_int_equal(status, BF_E_UNAVAILABLE);
    assert_int_equal(open_on(m, to, to->vt, company_collections, /* may_be_half= */ true, &store, &e), BF_OK);
    assert_int_equal(bf__meta_get(store, "moving", m->arena, &moving, NULL), BF_OK);
    bf_store_close(&store);
    if (moving.n > 0)
        assert_int_equal(open_on(m, to, to->vt, company_collections, /* may_be_half= */ false, &store, &e), BF_E_CONFIG);
    must_move(m, &m->from, to);
    companies_expect_same(had, dump_place(m, to, &few));
}

static void cut_off_anywhere(const struct bf_driver_vtable *from, const struct bf_driver_vtable *to)
{
    struct moving *m = set_up(&few, from, to);
    struct bf_str had = dump_place(m, &m->from, &few);
    bool is_whole = false;
    int calls = 1;
    for (; !is_whole; calls++) {
        struct place place;
        place_make(&place, to);
        cut_off_at(m, &place, calls, had, &is_whole);
        place_remove(&place);
    }
    assert_true(calls > 60); /* each of them was cut off at once */
    tear_down(m);
}

static void cut_off_anywhere_it_is_gone_on_with_to_a_database(void **state)
{
    (void)state;
    cut_off_anywhere(&memory_driver, &memory_apart_driver);
}

static void cut_off_anywhere_it_is_gone_on_with_from_a_database(void **state)
{
    (void)state;
    cut_off_anywhere(&memory_apart_driver, &memory_driver);
}

static void a_source_that_was_served_meanwhile_is_caught_up_with(void **state)
{
    struct bf_error e = {0};
    (void)state;
    struct moving *m = set_up(&few, &memory_driver, &memory_apart_driver);
    unsigned appended = 0; /* by one try after another; both logs are there in part when it is enough */
    for (int calls = 20; appended < few.entries + 2; calls += 2) {
        assert_int_equal(move(m, &m->from, &m->to, fuse_over(m->to.vt, calls), &e), BF_E_UNAVAILABLE);
        appended += atomic_load(&fuse.appends);
    }
    struct bf_store *store = open_place(m, &m->from, company_collections);
    company_change(store, 1, few.entries + 1, NULL);
    company_forget_note(store, 1, 2);
    bf_store_close(&store);
    struct bf_str had = dump_place(m, &m->from, &few);
    must_move(m, &m->from, &m->to);
    companies_expect_same(had, dump_place(m, &m->to, &few));
    tear_down(m);
}

static void a_destination_with_data_is_left_alone(void **state)
{
    struct bf_error e = {0};
    struct place other;
    (void)state;
    struct moving *m = set_up(&few, &memory_driver, &memory_apart_driver);
    place_make(&other, &memory_apart_driver);
    must_move(m, &m->from, &m->to);
    struct bf_str had = dump_place(m, &m->to, &few);
    assert_int_equal(move(m, &m->from, &m->to, m->to.vt, &e), BF_E_CONFLICT);
    companies_expect_same(had, dump_place(m, &m->to, &few));
    assert_int_equal(move(m, &other, &m->to, m->to.vt, &e), BF_E_NOT_FOUND); /* there is nothing to move */
    place_remove(&other);
    tear_down(m);
}

/* It has no company yet, but a daemon follows its log, and would not see that a move began. */
static void a_destination_that_is_served_is_refused(void **state)
{
    struct bf_error e = {0};
    (void)state;
    struct moving *m = set_up(&few, &memory_driver, &memory_apart_driver);
    struct bf_store *store = open_place(m, &m->to, company_collections);
    struct bf_doc *lease = bf_doc_create(m->arena, bf__coll_leases.schema, (struct bf_uuid){{0}}, company_id(0));
    struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf__coll_leases, .doc = lease};
    assert_int_equal(bf_store_write(store, &w, 1, NULL, &e), BF_OK);
    bf_store_close(&store);
    assert_int_equal(move(m, &m->from, &m->to, m->to.vt, &e), BF_E_CONFLICT);
    tear_down(m);
}

static void what_arrives_as_something_else_fails_the_move_and_is_named(void **state)
{
    struct bf_error e = {0};
    struct bf_store *store;
    (void)state;
    struct moving *m = set_up(&few, &memory_driver, &memory_apart_driver);
    const struct bf_driver_vtable *vt = fuse_over(m->to.vt, -1);
    fuse.spoil_append = 3;
    assert_int_equal(move(m, &m->from, &m->to, vt, &e), BF_E_CORRUPT);
    assert_non_null(strstr(e.cause, "log of company 10000000-0000-7000-8000-000000000000"));
    assert_int_equal(open_on(m, &m->to, m->to.vt, company_collections, /* may_be_half= */ false, &store, &e), BF_E_CONFIG);
    tear_down(m);
}

/* Another process on the source. */
static void write_more(void *ctx)
{
    struct moving *m = ctx;
    struct bf_store *store = open_place(m, &m->from, company_collections);
    company_change(store, 0, few.entries + 1, NULL);
    bf_store_close(&store);
}

static void a_source_that_is_served_still_fails_the_move(void **state)
{
    struct bf_error e = {0};
    (void)state;
    struct moving *m = set_up(&few, &memory_apart_driver, &memory_driver);
    const struct bf_driver_vtable *vt = fuse_over(m->to.vt, -1);
    fuse.at_append = write_more;
    fuse.ctx = m;
    assert_int_equal(move(m, &m->from, &m->to, vt, &e), BF_E_CONFLICT);
    assert_non_null(strstr(e.cause, "stop the daemons"));
    must_move(m, &m->from, &m->to);
    companies_expect_same(dump_place(m, &m->from, &few), dump_place(m, &m->to, &few));
    tear_down(m);
}

/* Documents that a process which died left behind the log arrive as the log says. */
static void a_database_is_rolled_forward_before_it_is_moved(void **state)
{
    struct bf_error e = {0};
    (void)state;
    struct moving *m = set_up(&few, &memory_apart_driver, &memory_driver);
    struct bf_store *store;
    const struct bf_driver_vtable *vt = fuse_over(&memory_apart_driver, -1);
    fuse.loses_applies = true;
    assert_int_equal(open_on(m, &m->from, vt, company_collections, false, &store, &e), BF_OK);
    company_change(store, 0, few.entries + 1, NULL);
    bf_store_close(&store);
    must_move(m, &m->from, &m->to);
    store = open_place(m, &m->to, company_collections);
    companies_expect_sound(store);
    bf_store_close(&store);
    tear_down(m);
}

/* A process ended between the note that a key is to be destroyed and its end; the note stays behind. */
static void a_key_that_was_being_destroyed_arrives_destroyed(void **state)
{
    struct bf_error e = {0};
    struct bf_key key;
    (void)state;
    struct moving *m = set_up(&few, &memory_apart_driver, &memory_driver);
    struct bf_store *store = open_place(m, &m->from, company_collections);
    struct bf_session *s = store->driver->vt->reader(store->driver);
    assert_int_equal(bf__erasing_note(store, s, company_id(1), company_customer(1, 2), few.entries, m->arena, &e), BF_OK);
    store->driver->vt->release(store->driver, s);
    bf_store_close(&store);
    must_move(m, &m->from, &m->to);
    store = open_place(m, &m->to, company_collections);
    assert_int_equal(bf_keys_subject(store, company_id(1), company_customer(1, 2), /* create= */ false, &key, &e), BF_E_GONE);
    companies_expect_sound(store);
    bf_store_close(&store);
    tear_down(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_goes_there_and_back),
        cmocka_unit_test(the_destination_goes_on_where_the_source_was),
        cmocka_unit_test(cut_off_anywhere_it_is_gone_on_with_to_a_database),
        cmocka_unit_test(cut_off_anywhere_it_is_gone_on_with_from_a_database),
        cmocka_unit_test(a_source_that_was_served_meanwhile_is_caught_up_with),
        cmocka_unit_test(a_destination_with_data_is_left_alone),
        cmocka_unit_test(a_destination_that_is_served_is_refused),
        cmocka_unit_test(what_arrives_as_something_else_fails_the_move_and_is_named),
        cmocka_unit_test(a_source_that_is_served_still_fails_the_move),
        cmocka_unit_test(a_database_is_rolled_forward_before_it_is_moved),
        cmocka_unit_test(a_key_that_was_being_destroyed_arrives_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
