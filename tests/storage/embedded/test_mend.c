/* SPDX-License-Identifier: Apache-2.0 */
/* Damage done behind the store's back: the check names it, mending makes anew what derives from something sound. */
#include "storage/media.h"
#include "tests/storage/embedded/rig.h"
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

enum { FILLED = 20 }; /* entries */

/* Two companies, some items changed several times, one tombstone less: enough to be damaged in every way. */
static void fill(struct suite *s)
{
    struct bf_receipt r;
    for (unsigned i = 0; i < FILLED; i++) {
        struct rename one = {
            .coll = &items, .id = suite_uuid(1 + i % 8), .name = bf_arena_printf(s->arena, "v%u", i), .owner = suite_uuid(50 + i % 3)};
        assert_int_equal(submit_rename(s, i % 5 == 0 ? tenant_b : tenant_a, i, &one, &r), BF_OK);
    }
}

struct damage {
    const char *sql, *told;
    bool mendable;
};

static const struct damage damages[] = {
    {"DELETE FROM x_items__owner WHERE k = (SELECT min(k) FROM x_items__owner)", "no key for document", true},
    {"INSERT INTO x_items__owner VALUES(x'00112233', 1)", "a key of no document", true},
    {"INSERT INTO x_items__owner SELECT CAST(substr(k, 1, 20) || x'00' || substr(k, 21) AS BLOB), r FROM x_items__owner LIMIT 1",
     "a key of no document", true},
    {"UPDATE x_items__owner SET r = r + 1 WHERE k = (SELECT max(k) FROM x_items__owner)", "another row", true},
    {"DELETE FROM x_items__owner WHERE k IN (SELECT k FROM x_items__owner LIMIT 3)", "no key for document", true},
    {"DELETE FROM d_items WHERE r = (SELECT min(r) FROM d_items)", "a document is missing", true},
    {"UPDATE d_items SET d = x'05000000' WHERE r = (SELECT min(r) FROM d_items)", "cannot be read", true},
    {"UPDATE d_items SET d = (SELECT d FROM d_items ORDER BY r LIMIT 1) WHERE r = (SELECT max(r) FROM d_items)", "", true},
    {"UPDATE d_items SET k = CAST(substr(k, 1, 16) || randomblob(16) AS BLOB) WHERE r = (SELECT min(r) FROM d_items)", "a document is missing",
     true},
    {"UPDATE d_items SET k = x'0011' WHERE r = (SELECT min(r) FROM d_items)", "a key of the wrong size", false},
    {"UPDATE log SET l = zeroblob(32) WHERE r = 4", "leaf hash", false},
    {"UPDATE log SET h = substr(h, 1, length(h) - 1) WHERE r = 5", "cannot be read", false},
    {"UPDATE log SET l = x'00' WHERE r = 6", "of the wrong size", false},
    {"UPDATE log SET p = zeroblob(length(p)) WHERE r = 9", "", false},
    {"UPDATE log SET p = CAST(substr(p, 1, length(p) - 4) || x'00000000' AS BLOB) WHERE r = 11", "receipt", false}, /* it stands last */
    {"DELETE FROM log WHERE r = 7", "hole", false},
    {"DELETE FROM log_requests WHERE n = 3", "not found by its id", false},
};

/* What was told before this damage was done is told again: the new one is what makes it more. */
static void damage_is_told_and_what_derives_is_made_anew(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    int64_t before = 0;
    fill(s);
    assert_string_equal(rig_check(s, false, &report), "");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const struct damage *d = &damages[i];
        rig_close(s);
        rig_sql(s, d->sql);
        suite_reopen(s);
        const char *told = rig_check(s, false, &report);
        if (report.faults <= before || strstr(told, d->told) == NULL)
            fail_msg("%s: told \"%s\"", d->sql, told);
        assert_int_equal(report.mended, 0);
        before = report.faults;
        if (!d->mendable)
            continue;
        told = rig_check(s, true, &report);
        if (report.mended == 0 || report.mended != report.faults)
            fail_msg("%s: mended %lld of \"%s\"", d->sql, (long long)report.mended, told);
        told = rig_check(s, false, &report);
        if (report.faults != 0)
            fail_msg("%s: after mending \"%s\"", d->sql, told);
        before = 0;
        assert_string_equal(name_of(get(s, &items, tenant_a, suite_uuid(2))), "v17");
    }
}

static void a_document_is_told_once_however_often_it_was_changed(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    fill(s);
    uint64_t version = bf_store_version(s->store, &items);
    rig_close(s);
    rig_sql(s, "DELETE FROM d_items WHERE d IS NOT NULL");
    suite_reopen(s);
    rig_check(s, false, &report);
    int64_t keys = report.keys;
    assert_int_equal(report.faults, 12 + keys); /* 8 items of one company and 4 of the other */
    version = bf_store_version(s->store, &items);
    rig_check(s, true, &report);
    assert_int_equal(report.faults, report.mended);
    assert_true(bf_store_version(s->store, &items) > version); /* what was read before and kept is not true any more */
    assert_string_equal(rig_check(s, false, &report), "");
}

/* The document is all that is left of the entry. */
static void a_hole_in_the_log_takes_no_document_with_it(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    fill(s);
    rig_close(s);
    rig_sql(s, "DELETE FROM log WHERE r = 18"); /* the last of the item 2 */
    suite_reopen(s);
    assert_non_null(strstr(rig_check(s, true, &report), "hole"));
    assert_int_equal(report.mended, 0);
    assert_string_equal(name_of(get(s, &items, tenant_a, suite_uuid(2))), "v17");
}

static void expect_kept(struct suite *s, const char *damage, const char *rows, int64_t n, const char *why)
{
    struct bf_check_report report;
    rig_close(s);
    rig_sql(s, damage);
    assert_int_equal(rig_count(s, rows), n);
    suite_reopen(s);
    const char *told = rig_check(s, true, &report);
    if (strstr(told, why) == NULL)
        fail_msg("%s: told \"%s\"", damage, told);
    rig_close(s);
    if (rig_count(s, rows) != n)
        fail_msg("%s: something was taken away: \"%s\"", damage, told);
    suite_reopen(s);
}

/* Its bytes may be the last ones: of an entry that cannot be read, of one that is gone, of nothing that the log knows. */
static void what_no_log_vouches_for_is_left_as_it_is(void **state)
{
    static const char broken[] = "SELECT count(*) FROM d_items WHERE d = x'05000000'";
    struct suite *s = *state;
    fill(s);
    expect_kept(s, "UPDATE d_items SET d = x'05000000' WHERE hex(k) LIKE 'A1%0190000000027000%'; UPDATE log SET h = x'00' WHERE r IN (2, 10, 18)",
                broken, 1, "a document cannot be read");
    expect_kept(s, "UPDATE d_items SET d = x'05000000' WHERE hex(k) LIKE 'A1%0190000000037000%'; DELETE FROM log WHERE r = 19", broken, 2,
                "a document cannot be read"); /* an earlier operation on it can be read still */
    expect_kept(s, "UPDATE d_items SET d = x'05000000', k = randomblob(32) WHERE hex(k) LIKE 'A1%0190000000047000%'", broken, 3,
                "a document cannot be read");
    expect_kept(s, "INSERT INTO d_items(k, d) SELECT randomblob(32), d FROM d_items WHERE hex(k) LIKE 'A1%0190000000077000%'",
                "SELECT count(*) FROM d_items WHERE length(k) = 32", 14,
                "a document is ahead of the log");
}

static void documents_stand_when_the_log_has_lost_its_end(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    struct bf_receipt r;
    struct rename late = {.coll = &items, .id = suite_uuid(30), .name = "late"};
    fill(s);
    assert_int_equal(submit_rename(s, tenant_a, 99, &late, &r), BF_OK);
    rig_close(s);
    rig_sql(s, "DELETE FROM log WHERE r > 16");
    suite_reopen(s);
    for (unsigned round = 0; round < 2; round++) {
        assert_non_null(strstr(rig_check(s, true, &report), "a document is ahead of the log: items"));
        assert_int_equal(report.faults, 5);
        assert_int_equal(report.mended, 0);
        assert_string_equal(name_of(get(s, &items, tenant_a, suite_uuid(2))), "v17"); /* there is an earlier one in what is left */
        assert_string_equal(name_of(get(s, &items, tenant_a, late.id)), "late");
    }
}

static void an_erased_document_that_cannot_be_read_is_made_a_tombstone(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    fill(s);
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, suite_uuid(2), 16, NULL), BF_OK);
    rig_close(s);
    rig_sql(s, "UPDATE d_items SET d = x'05000000' WHERE hex(k) LIKE 'A1%' AND hex(k) LIKE '%0190000000027000%'");
    suite_reopen(s);
    rig_check(s, true, &report);
    assert_int_equal(report.faults, report.mended);
    assert_true(get(s, &items, tenant_a, suite_uuid(2))->tombstone);
    assert_string_equal(rig_check(s, false, &report), "");
}

/* ---- outside the log ---- */

static void fill_outside(struct suite *s)
{
    for (unsigned i = 1; i <= 4; i++) {
        struct bf_uuid none = {{0}};
        struct bf_doc *note = thing(s, &notes, tenant_a, suite_uuid(i), "note"), *tick = thing(s, &ticks, none, suite_uuid(i), "tick");
        bf_set_uuid(&note->object, T_OWNER, suite_uuid(50));
        insert(s, &notes, note);
        insert(s, &ticks, tick);
    }
}

static unsigned listed(struct suite *s, const struct bf_collection *coll, const struct bf_index *index, struct bf_uuid tenant)
{
    struct bf_page page;
    struct bf_query q = {.coll = coll, .tenant = tenant, .index = index, .limit = 100};
    return bf_store_find(s->store, &q, s->arena, &page, NULL) == BF_OK ? page.n : 0;
}

/* Of business data a person decides; a system collection holds none, and does without it. */
static void what_cannot_be_read_is_told_and_stops_nothing(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    static const struct bf_index by_name = {.name = "by_name", .fields = {T_NAME}, .n_fields = 1};
    static const struct bf_index *const one[] = {&by_name};
    struct bf_collection indexed = notes;
    indexed.indexes = one;
    indexed.n_indexes = 1;
    const struct bf_collection *const with[] = {&items, &parts, &indexed, &ticks};
    fill(s);
    fill_outside(s);
    rig_close(s);
    rig_sql(s, "UPDATE d_notes SET d = x'05000000' WHERE r = 1");
    rig_sql(s, "UPDATE d_ticks SET d = x'05000000' WHERE r = 1");
    rig_sql(s, "DELETE FROM x_notes__owner WHERE r = 2");
    suite_reopen(s);
    rig_check(s, true, &report);
    assert_int_equal(report.faults, 4); /* one of them the key that the tick leaves behind */
    assert_int_equal(report.mended, 3);
    const char *told = rig_check(s, true, &report);
    assert_int_equal(report.faults, 1);
    assert_non_null(strstr(told, "notes"));
    assert_int_equal(listed(s, &ticks, NULL, (struct bf_uuid){{0}}), 3);
    rig_close(s);
    assert_int_equal(rig_try_open(s, with, 4, NULL), BF_OK); /* builds an index over it */
    assert_int_equal(listed(s, &indexed, &by_name, tenant_a), 3);
    rig_close(s);
    suite_reopen(s);
}

static unsigned count_blobs(struct suite *s)
{
    char path[PATH_MAX + 16];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/data/blobs", rig_dir(s));
    DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* It may be the document that names them. */
static void no_file_is_dropped_while_a_blobs_document_cannot_be_read(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    uint8_t sha256[32];
    assert_int_equal(bf_blob_put(s->store, tenant_a, suite_uuid(1), BF_STR("one"), sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_put(s->store, tenant_a, suite_uuid(1), BF_STR("two"), sha256, NULL), BF_OK);
    rig_close(s);
    rig_sql(s, "UPDATE d_blobs SET d = x'05000000' WHERE r = 1");
    suite_reopen(s);
    const char *told = rig_check(s, true, &report);
    assert_non_null(strstr(told, "its document cannot be read"));
    assert_int_equal(report.faults, 2);
    assert_int_equal(report.mended, 0);
    assert_int_equal(count_blobs(s), 2);
    rig_close(s);
    rig_sql(s, "DELETE FROM d_blobs WHERE r = 1");
    suite_reopen(s);
    rig_check(s, true, &report);
    assert_int_equal(report.mended, report.faults);
    assert_int_equal(count_blobs(s), 1);
}

static enum bf_status take_on(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena,
                              struct bf_error *e)
{
    (void)tenant, (void)entry, (void)arena, (void)e;
    sem_post(ctx);
    return BF_OK;
}

static void jobs_and_cursors_are_held_against_the_log(void **state)
{
    enum { AHEAD = FILLED - 15 };
    struct suite *s = *state;
    struct bf_check_report report;
    struct bf_follower *follower;
    sem_t taken_on;
    struct bf_consumer consumer = {.name = "test", .consume = take_on, .ctx = &taken_on};
    struct bf_job good = {.id = bf_job_id(tenant_a, 3, 0, "test"), .tenant = tenant_a, .kind = "test", .n = 3, .due_ms = 5},
                  orphan = {.id = bf_job_id(tenant_a, 999, 0, "test"), .tenant = tenant_a, .kind = "test", .n = 999, .due_ms = 1}, *taken;
    sem_init(&taken_on, 0, 0);
    fill(s);
    assert_int_equal(bf_follower_start(&s->env, s->store, &consumer, 1, &follower, NULL), BF_OK);
    for (unsigned i = 0; i < FILLED; i++)
        sem_wait(&taken_on);
    bf_follower_stop(&follower); /* saves its cursors */
    sem_destroy(&taken_on);
    assert_int_equal(bf_job_add(s->store, &good, 1, NULL), BF_OK);
    assert_string_equal(rig_check(s, false, &report), "");
    assert_int_equal(bf_job_add(s->store, &orphan, 1, NULL), BF_OK);
    rig_close(s);
    rig_sql(s, "DELETE FROM log WHERE r > 15"); /* the end is lost: what came of it is ahead of the log */
    rig_sql(s, "DELETE FROM log_requests WHERE n > 12");
    suite_reopen(s);
    const char *told = rig_check(s, false, &report);
    assert_non_null(strstr(told, "a job is of an entry that the log does not have: jobs"));
    assert_non_null(strstr(told, "a cursor is ahead of its log: cursors"));
    rig_check(s, true, &report);
    assert_int_equal(report.faults - report.mended, AHEAD);
    rig_check(s, false, &report);
    assert_int_equal(report.faults, AHEAD); /* the documents */
    assert_int_equal(bf_job_take(s->store, "test", 10, 1000, s->arena, &taken, NULL), BF_OK);
    assert_non_null(taken);
    assert_int_equal(taken->n, 3);
}

static bool every_item_wants_one(const struct bf_doc *item, struct bf_job *ret)
{
    ret->id = bf_job_id(item->tenant, item->n, item->k, "test");
    ret->kind = "test";
    ret->due_ms = 7;
    return strcmp(name_of(item), "v19") != 0;
}

static void count_lines(void *ctx, const char *line)
{
    *(unsigned *)ctx += strstr(line, "the job test is missing: items") != NULL;
}

static void a_job_that_is_missing_is_told_once_its_cursor_has_passed(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report = {0};
    struct bf_follower *follower;
    struct bf_job *taken;
    unsigned said = 0;
    sem_t taken_on;
    struct bf_consumer consumer = {.name = "test", .consume = take_on, .ctx = &taken_on};
    const struct bf_derivation derivation = {.coll = &items, .consumer = "test", .wants = every_item_wants_one};
    sem_init(&taken_on, 0, 0);
    fill(s);
    assert_int_equal(bf_store_check_jobs(s->store, &derivation, false, count_lines, &said, &report, NULL), BF_OK);
    assert_int_equal(said, 0); /* nobody has looked at them yet */
    assert_int_equal(bf_follower_start(&s->env, s->store, &consumer, 1, &follower, NULL), BF_OK);
    for (unsigned i = 0; i < FILLED; i++)
        sem_wait(&taken_on);
    bf_follower_stop(&follower);
    sem_destroy(&taken_on);
    assert_int_equal(bf_store_check_jobs(s->store, &derivation, false, count_lines, &said, &report, NULL), BF_OK);
    assert_int_equal(said, 11); /* 12 items, one that wants none */
    assert_int_equal(bf_store_check_jobs(s->store, &derivation, true, count_lines, &said, &report, NULL), BF_OK);
    assert_int_equal(report.mended, 11);
    assert_int_equal(report.faults, 22);
    assert_int_equal(bf_store_check_jobs(s->store, &derivation, false, count_lines, &said, &report, NULL), BF_OK);
    assert_int_equal(said, 22);
    assert_int_equal(bf_job_take(s->store, "test", 7, 1000, s->arena, &taken, NULL), BF_OK);
    assert_non_null(taken);
}

/* ---- reading a damaged log ---- */

static void a_damaged_entry_holds_back_nothing_that_stands_before_it(void **state)
{
    struct suite *s = *state;
    struct bf_log_entry *entries;
    unsigned n = 0;
    fill(s);
    rig_close(s);
    rig_sql(s, "UPDATE log SET p = zeroblob(length(p)) WHERE r = 10"); /* the 8th of its company */
    suite_reopen(s);
    assert_int_equal(bf_log_read(s->store, tenant_a, 0, 64, BF_LOG_DOCS, s->arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, 7);
    assert_int_equal(entries[6].n, 7);
    assert_int_equal(bf_log_read(s->store, tenant_a, 7, 64, BF_LOG_DOCS, s->arena, &entries, &n, NULL), BF_E_CORRUPT);
    assert_int_equal(bf_log_read(s->store, tenant_a, 8, 64, BF_LOG_DOCS, s->arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, 8);
    rig_close(s);
    rig_sql(s, "UPDATE log SET l = x'00' WHERE r = 8"); /* the 6th: its row */
    suite_reopen(s);
    assert_int_equal(bf_log_read(s->store, tenant_a, 0, 64, BF_LOG_HEADERS, s->arena, &entries, &n, NULL), BF_OK);
    assert_int_equal(n, 5);
}

struct reach {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int64_t n; /* of tenant a */
};

static enum bf_status reach_on(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena,
                               struct bf_error *e)
{
    struct reach *reach = ctx;
    (void)arena, (void)e;
    pthread_mutex_lock(&reach->lock);
    if (bf_uuid_eq(&tenant, &tenant_a))
        reach->n = entry->n;
    pthread_cond_signal(&reach->moved);
    pthread_mutex_unlock(&reach->lock);
    return BF_OK;
}

static void wait_until_reached(struct reach *reach, int64_t n)
{
    pthread_mutex_lock(&reach->lock);
    while (reach->n < n)
        pthread_cond_wait(&reach->moved, &reach->lock);
    pthread_mutex_unlock(&reach->lock);
}

static void a_damaged_after_image_stops_only_who_looks_at_it(void **state)
{
    static const struct bf_collection *const of_items[] = {&items, NULL}, *const of_parts[] = {&parts, NULL};
    struct suite *s = *state;
    struct reach reaches[3];
    struct bf_follower *follower;
    struct bf_consumer consumers[] = {
        {"items", of_items, reach_on, &reaches[0]}, {"parts", of_parts, reach_on, &reaches[1]}, {"headers", NULL, reach_on, &reaches[2]}};
    for (unsigned i = 0; i < 3; i++)
        reaches[i] = (struct reach){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    fill(s);
    rig_close(s);
    rig_sql(s, "UPDATE log SET p = CAST(substr(p, 1, 20) || zeroblob(8) || substr(p, 29) AS BLOB) WHERE r = 10"); /* the 8th of its company */
    suite_reopen(s);
    assert_int_equal(bf_follower_start(&s->env, s->store, consumers, 3, &follower, NULL), BF_OK);
    wait_until_reached(&reaches[0], 7);
    wait_until_reached(&reaches[1], 16);
    wait_until_reached(&reaches[2], 16);
    bf_follower_stop(&follower);
    assert_int_equal(reaches[0].n, 7);
}

/* ---- while it serves ---- */

struct talk {
    struct suite *s;
    unsigned said, written;
};

static void write_at_once(void *ctx, const char *line)
{
    struct talk *t = ctx;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(500 + t->said), .name = "meanwhile"};
    (void)line;
    t->said++;
    t->written += submit_rename(t->s, tenant_a, 5000 + t->said, &one, &r) == BF_OK;
}

/* A fault at each end: in the middle of the check the store commits what it is given, at once. */
static void the_store_serves_in_the_midst_of_a_check(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    for (unsigned mend = 0; mend < 2; mend++) {
        struct talk t = {.s = s};
        fill(s);
        fill_outside(s);
        rig_close(s);
        rig_sql(s, "UPDATE log SET l = zeroblob(32) WHERE r IN (2, 12)");
        rig_sql(s, "DELETE FROM d_items WHERE r IN (1, 5)");
        rig_sql(s, "DELETE FROM x_notes__owner WHERE r = 2");
        suite_reopen(s);
        assert_int_equal(bf_store_check(s->store, mend == 1, write_at_once, &t, &report, NULL), BF_OK);
        assert_true(t.said >= 5);
        assert_int_equal(t.written, t.said);
        assert_int_equal(report.faults, t.said);
        rig_check(s, true, &report);
        assert_int_equal(report.faults - report.mended, 2);
        suite_teardown(state);
        suite_setup(state);
        s = *state;
    }
}

static void stop_it(void *ctx, const char *line)
{
    (void)line;
    bf_store_stop_care(ctx);
}

static void a_check_ends_when_the_server_does(void **state)
{
    struct suite *s = *state;
    struct bf_check_report report;
    fill(s);
    rig_close(s);
    rig_sql(s, "DELETE FROM d_items WHERE r IN (1, 5)");
    suite_reopen(s);
    assert_int_equal(bf_store_check(s->store, false, stop_it, s->store, &report, NULL), BF_E_CANCELLED);
    assert_true(report.entries > 0);
    assert_int_equal(report.keys, 0);
}

SUITE_PART(suite_mend, SUITE_TEST(damage_is_told_and_what_derives_is_made_anew),
           SUITE_TEST(a_document_is_told_once_however_often_it_was_changed), SUITE_TEST(a_hole_in_the_log_takes_no_document_with_it),
           SUITE_TEST(what_no_log_vouches_for_is_left_as_it_is), SUITE_TEST(documents_stand_when_the_log_has_lost_its_end),
           SUITE_TEST(an_erased_document_that_cannot_be_read_is_made_a_tombstone),
           SUITE_TEST(what_cannot_be_read_is_told_and_stops_nothing),
           SUITE_TEST(no_file_is_dropped_while_a_blobs_document_cannot_be_read), SUITE_TEST(jobs_and_cursors_are_held_against_the_log),
           SUITE_TEST(a_job_that_is_missing_is_told_once_its_cursor_has_passed),
           SUITE_TEST(a_damaged_entry_holds_back_nothing_that_stands_before_it),
           SUITE_TEST(a_damaged_after_image_stops_only_who_looks_at_it),
           SUITE_TEST(the_store_serves_in_the_midst_of_a_check), SUITE_TEST(a_check_ends_when_the_server_does));
