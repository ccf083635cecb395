/* SPDX-License-Identifier: Apache-2.0 */
/* What opening an existing directory must see: locks, formats, keys, changed indexes and schemas. */
#include "tests/storage/embedded/rig.h"
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct bf_collection *const same[] = {&items, &parts, &notes, &ticks};

static void a_directory_in_use_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_store *second = NULL, *first = s->store;
    struct bf_error e = {0};
    assert_int_equal(harness_open(s->harness, &s->env, &s->limits, same, 4, &second, &e), BF_E_LOCKED);
    assert_non_null(strstr(e.cause, "in use"));
    assert_ptr_equal(s->store, first);
}

static void a_newer_format_is_refused_by_name(void **state)
{
    struct suite *s = *state;
    struct bf_error e = {0};
    rig_close(s);
    rig_sql(s, "UPDATE meta SET value = '99' WHERE name = 'format'");
    assert_int_equal(rig_try_open(s, same, 4, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "99"));
    assert_non_null(strstr(e.cause, "newer"));
}

static void another_master_key_is_refused_and_a_lost_one_not_remade(void **state)
{
    struct suite *s = *state;
    struct bf_error e = {0};
    char path[PATH_MAX + 16];
    rig_close(s);
    snprintf(path, sizeof path, "%s/master.key", rig_dir(s));
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(rig_try_open(s, same, 4, &e), BF_OK);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%064d\n", 7);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(rig_try_open(s, same, 4, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "not the master key"));
}

/* ---- indexes that come, change and go ---- */

static unsigned found_by(struct suite *s, const struct bf_collection *coll, const struct bf_index *index, int64_t score)
{
    struct bf_page page;
    struct bf_value v = {.type = BF_T_INT, .i = score};
    struct bf_cond cond = {T_SCORE, BF_EQ, &v, 1};
    struct bf_query q = {.coll = coll, .tenant = tenant_a, .conds = &cond, .n_conds = 1, .index = index, .limit = 100};
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
    assert_true(page.examined <= page.n + 1);
    return page.n;
}

static void put_score(struct suite *s, const struct bf_collection *coll, unsigned id, int64_t score)
{
    struct bf_doc *doc = thing(s, coll, tenant_a, suite_uuid(id), "n");
    struct bf_write w = {.kind = BF_W_PUT, .coll = coll, .doc = doc};
    bf_set_int(&doc->object, T_SCORE, score);
    assert_int_equal(bf_store_write(s->store, &w, 1, NULL, NULL), BF_OK);
}

static void an_index_is_built_when_declared_and_dropped_when_not(void **state)
{
    struct suite *s = *state;
    static const struct bf_index by_score = {.name = "score", .fields = {T_SCORE}, .n_fields = 1};
    static const struct bf_index *const one[] = {&by_score};
    struct bf_collection with = notes, without = notes;
    with.indexes = one;
    with.n_indexes = 1;
    without.indexes = NULL;
    without.n_indexes = 0;
    const struct bf_collection *const first[] = {&items, &parts, &with, &ticks}, *const second[] = {&items, &parts, &without, &ticks};
    for (unsigned i = 1; i <= 50; i++)
        put_score(s, &notes, i, i % 5);
    rig_close(s);
    assert_int_equal(rig_try_open(s, first, 4, NULL), BF_OK);
    assert_int_equal(found_by(s, &with, &by_score, 3), 10);
    rig_close(s);
    assert_int_equal(rig_try_open(s, second, 4, NULL), BF_OK);
    for (unsigned i = 1; i <= 5; i++)
        put_score(s, &without, i, 3); /* unseen by the index, were it still there */
    rig_close(s);
    assert_int_equal(rig_try_open(s, first, 4, NULL), BF_OK);
    assert_int_equal(found_by(s, &with, &by_score, 3), 14);
    rig_close(s);
    assert_int_equal(rig_try_open(s, same, 4, NULL), BF_OK);
}

/* ---- another version of the schema ---- */

static void double_score(struct bf_object *o, int from_version)
{
    assert_int_equal(from_version, 1);
    bf_set_int(o, T_SCORE, 2 * bf_get_int(o, T_SCORE));
}

static void an_upgrade_on_read_reaches_the_indexes(void **state)
{
    struct suite *s = *state;
    static const struct bf_index by_score = {.name = "score", .fields = {T_SCORE}, .n_fields = 1};
    static const struct bf_index *const one[] = {&by_score};
    struct bf_schema newer = thing_schema;
    struct bf_collection old = notes, new = notes;
    newer.version = 2;
    newer.upgrade = double_score;
    old.indexes = new.indexes = one;
    old.n_indexes = new.n_indexes = 1;
    new.schema = &newer;
    const struct bf_collection *const before[] = {&items, &parts, &old, &ticks}, *const after[] = {&items, &parts, &new, &ticks};
    struct bf_check_report report;
    rig_close(s);
    assert_int_equal(rig_try_open(s, before, 4, NULL), BF_OK);
    put_score(s, &old, 1, 21);
    put_score(s, &old, 2, 5);
    rig_close(s);
    assert_int_equal(rig_try_open(s, after, 4, NULL), BF_OK);
    assert_int_equal(found_by(s, &new, &by_score, 42), 1);
    assert_int_equal(found_by(s, &new, &by_score, 21), 0);
    put_score(s, &new, 2, 42);
    assert_int_equal(found_by(s, &new, &by_score, 42), 2);
    assert_string_equal(rig_check(s, false, &report), "");
    rig_close(s);
    assert_int_equal(rig_try_open(s, same, 4, NULL), BF_OK);
}

SUITE_PART(suite_opening, SUITE_TEST(a_directory_in_use_is_refused), SUITE_TEST(a_newer_format_is_refused_by_name),
           SUITE_TEST(another_master_key_is_refused_and_a_lost_one_not_remade),
           SUITE_TEST(an_index_is_built_when_declared_and_dropped_when_not), SUITE_TEST(an_upgrade_on_read_reaches_the_indexes));
