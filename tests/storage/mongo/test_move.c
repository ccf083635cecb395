/* SPDX-License-Identifier: Apache-2.0 */
/* From a directory to the database of a server, and back to another directory. */
#include "storage/move.h"
#include "tests/directory.h"
#include "tests/storage/mongo/database.h"
#include "tests/storage/move/company.h"
#include <limits.h>

static const struct companies companies = {.n = 2, .entries = 280, .notes = 70, .has_media = true};

struct moving {
    struct bf_env env;
    struct home home;
    struct bf_arena *arena;
    struct database database;
    char dir[PATH_MAX], key[PATH_MAX + 32];
    char there[PATH_MAX + 32], back[PATH_MAX + 32]; /* addresses */
};

static void set_up(struct moving *m)
{
    bf_env_fake(&m->env, 1800000000000, 1);
    home_open(&m->home, &m->env);
    m->arena = bf_arena_create();
    database_create(&m->database);
    test_dir_make("move", m->dir, sizeof m->dir);
    snprintf(m->key, sizeof m->key, "%s/master.key", m->dir);
    snprintf(m->there, sizeof m->there, "embedded:%s/there", m->dir);
    snprintf(m->back, sizeof m->back, "embedded:%s/back", m->dir);
}

static void tear_down(struct moving *m)
{
    database_destroy(&m->database);
    test_dir_remove(m->dir);
    home_close(&m->home);
    bf_arena_destroy(&m->arena);
    bf_env_finish(&m->env);
}

static struct bf_store_config config_of(const struct moving *m, const char *uri)
{
    return (struct bf_store_config){.uri = bf_strz(uri), .master_key_file = bf_strz(m->key), .readers = 2};
}

static struct bf_store *open_at(struct moving *m, const char *uri, const struct bf_collection *const *collections)
{
    struct bf_store_config config = config_of(m, uri);
    struct bf_error e = {0};
    struct bf_store *store;
    if (bf_store_open(&m->env, &config, collections, COMPANY_COLLECTIONS, &store, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
    return store;
}

/* The last line but one of a move: counts and hash. */
struct heard {
    char lines[2][500];
};

static void hear(void *ctx, const char *line)
{
    struct heard *h = ctx;
    memcpy(h->lines[0], h->lines[1], sizeof h->lines[0]);
    snprintf(h->lines[1], sizeof h->lines[1], "%s", line);
}

static enum bf_status move(struct moving *m, const char *from, const char *to, struct heard *heard, struct bf_error *e)
{
    struct bf_store_config source = config_of(m, from), destination = config_of(m, to);
    return bf_store_move(&m->env, &source, &destination, company_collections, COMPANY_COLLECTIONS, hear, heard, e);
}

static void must_move(struct moving *m, const char *from, const char *to, struct heard *heard)
{
    struct bf_error e = {0};
    if (move(m, from, to, heard, &e) != BF_OK)
        fail_msg("move: %s", e.cause);
}

static struct bf_str dump(struct moving *m, const char *uri)
{
    struct bf_store *store = open_at(m, uri, company_collections);
    struct bf_str text = companies_dump(&companies, store, m->arena);
    bf_store_close(&store);
    return text;
}

static void check(struct moving *m, const char *uri)
{
    struct bf_store *store = open_at(m, uri, company_collections);
    companies_expect_sound(store);
    bf_store_close(&store);
}

static void all_of_it_goes_to_the_database_and_back(void **state)
{
    struct moving m;
    struct heard there, back;
    (void)state;
    set_up(&m);
    struct bf_store *store = open_at(&m, m.there, company_newer_collections);
    companies_fill(&companies, store, &m.home);
    bf_store_close(&store);
    struct bf_str had = dump(&m, m.there);
    must_move(&m, m.there, m.database.uri, &there);
    companies_expect_same(had, dump(&m, m.database.uri));
    check(&m, m.database.uri);
    must_move(&m, m.database.uri, m.back, &back);
    companies_expect_same(had, dump(&m, m.back));
    check(&m, m.back);
    assert_string_equal(there.lines[0], back.lines[0]); /* counts and hashes */
    tear_down(&m);
}

static void a_source_that_is_not_there_or_served_is_refused_and_nothing_is_made(void **state)
{
    struct moving m;
    struct heard heard;
    struct bf_error e = {0};
    (void)state;
    set_up(&m);
    assert_int_equal(move(&m, m.there, m.database.uri, &heard, &e), BF_E_NOT_FOUND);
    assert_int_equal(move(&m, m.database.uri, m.there, &heard, &e), BF_E_NOT_FOUND);
    assert_int_equal(access(m.key, F_OK), -1);
    assert_int_equal(access(m.there + strlen("embedded:"), F_OK), -1);
    struct bf_store *store = open_at(&m, m.there, company_collections);
    assert_int_equal(move(&m, m.there, m.database.uri, &heard, &e), BF_E_LOCKED);
    assert_non_null(strstr(e.cause, "source"));
    bf_store_close(&store);
    tear_down(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_of_it_goes_to_the_database_and_back),
                                       cmocka_unit_test(a_source_that_is_not_there_or_served_is_refused_and_nothing_is_made)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
