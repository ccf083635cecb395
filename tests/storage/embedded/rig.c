/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/embedded/rig.h"
#include <limits.h>

struct harness {
    char dir[PATH_MAX]; /* as in harness.c */
};

const char *rig_dir(const struct suite *s) { return s->harness->dir; }

static sqlite3 *open_behind(struct suite *s)
{
    char path[PATH_MAX + 32];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/data/store.db", rig_dir(s));
    assert_null(s->store);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return db;
}

void rig_sql(struct suite *s, const char *text)
{
    sqlite3 *db = open_behind(s);
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    assert_true(sqlite3_total_changes(db) > 0);
    sqlite3_close(db);
}

int64_t rig_count(struct suite *s, const char *query)
{
    sqlite3 *db = open_behind(s);
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

void rig_close(struct suite *s) { bf_store_close(&s->store); }

enum bf_status rig_try_open(struct suite *s, const struct bf_collection *const *collections, unsigned n, struct bf_error *e)
{
    return harness_open(s->harness, &s->env, &s->limits, collections, n, &s->store, e);
}

struct lines {
    struct bf_arena *arena;
    const char *text;
};

static void say(void *ctx, const char *line)
{
    struct lines *l = ctx;
    l->text = bf_arena_printf(l->arena, "%s%s\n", l->text, line);
}

const char *rig_check(struct suite *s, bool mend, struct bf_check_report *ret)
{
    struct lines l = {s->arena, ""};
    struct bf_error e = {0};
    if (bf_store_check(s->store, mend, say, &l, ret, &e) != BF_OK)
        fail_msg("check: %s", e.cause);
    return l.text;
}
