/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the log, watching it, erasing from it, checking it. */
#include "tests/storage/contract/suite.h"
#include <stdatomic.h>

static struct bf_log_entry *read_log(struct suite *s, struct bf_uuid tenant, int64_t after, unsigned limit, enum bf_log_detail detail,
                                     unsigned *n)
{
    struct bf_log_entry *entries = NULL;
    struct bf_error e = {0};
    if (bf_log_read(s->store, tenant, after, limit, detail, s->arena, &entries, n, &e) != BF_OK)
        fail_msg("log: %s", e.cause);
    return entries;
}

static void an_entry_tells_who_and_whose_without_the_content(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    unsigned n;
    struct rename item = {.coll = &items, .id = suite_uuid(1), .name = "one", .owner = suite_uuid(50)};
    struct rename part = {.coll = &parts, .id = suite_uuid(2), .name = "part", .owner = suite_uuid(51), .parent = suite_uuid(1)};
    submit_rename(s, tenant_a, 1, &item, &r);
    submit_rename(s, tenant_a, 2, &part, &r);
    part.owner = suite_uuid(52);
    submit_rename(s, tenant_a, 3, &part, &r);
    struct bf_log_entry *log = read_log(s, tenant_a, 0, 100, BF_LOG_HEADERS, &n);
    assert_int_equal(n, 3);
    const struct bf_log_op *op = &log[0].ops[0];
    struct bf_uuid none = {{0}}, actor = suite_uuid(7001);
    assert_true(log[0].n == 1 && log[0].n_ops == 1 && log[0].at_ms == 1800000000000);
    assert_true(bf_uuid_eq(&op->actor, &actor) && op->coll == &items && op->k == 0 && op->rev == 1);
    assert_true(bf_uuid_eq(&op->subject, &item.id) && bf_uuid_eq(&op->owner_before, &none) && bf_uuid_eq(&op->owner_after, &item.owner));
    assert_null(op->doc);
    op = &log[2].ops[0];
    assert_true(op->coll == &parts && op->rev == 2 && bf_uuid_eq(&op->subject, &item.id));
    struct bf_uuid before = suite_uuid(51);
    assert_true(bf_uuid_eq(&op->owner_before, &before) && bf_uuid_eq(&op->owner_after, &part.owner));
    assert_true(bf_uuid_eq(&op->team_before, &none) && bf_uuid_eq(&op->team_after, &none));
}

static void after_images_come_in_order_and_in_pages(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    unsigned n;
    for (unsigned i = 1; i <= 5; i++) {
        struct rename one = {.coll = &items, .id = suite_uuid(1), .name = bf_arena_printf(s->arena, "v%u", i)};
        submit_rename(s, tenant_a, i, &one, &r);
    }
    struct bf_log_entry *log = read_log(s, tenant_a, 2, 2, BF_LOG_DOCS, &n);
    assert_int_equal(n, 2);
    assert_int_equal(log[0].n, 3);
    assert_string_equal(name_of(log[0].ops[0].doc), "v3");
    assert_int_equal(log[0].ops[0].doc->rev, 3);
    assert_string_equal(name_of(log[1].ops[0].doc), "v4");
    read_log(s, tenant_a, 5, 10, BF_LOG_DOCS, &n);
    assert_int_equal(n, 0);
    const struct bf_doc *doc;
    bool erased = true;
    assert_int_equal(bf_log_doc(s->store, tenant_a, 2, 0, s->arena, &doc, &erased, NULL), BF_OK);
    assert_true(!erased && strcmp(name_of(doc), "v2") == 0);
    assert_int_equal(bf_log_doc(s->store, tenant_a, 2, 1, s->arena, &doc, &erased, NULL), BF_E_NOT_FOUND);
}

static void the_tenants_of_the_log_are_told_once_each(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_uuid *tenants;
    unsigned n;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    assert_int_equal(bf_log_tenants(s->store, s->arena, &tenants, &n, NULL), BF_OK);
    assert_int_equal(n, 0);
    for (unsigned i = 0; i < 5; i++)
        submit_rename(s, i % 2 == 0 ? tenant_a : tenant_b, i, &one, &r);
    assert_int_equal(bf_log_tenants(s->store, s->arena, &tenants, &n, NULL), BF_OK);
    assert_int_equal(n, 2);
    assert_false(bf_uuid_eq(&tenants[0], &tenants[1]));
}

struct seen {
    atomic_llong n;
    atomic_int calls;
};

static void note(void *ctx, struct bf_uuid tenant, int64_t n)
{
    struct seen *seen = ctx;
    if (!bf_uuid_eq(&tenant, &tenant_a))
        return;
    atomic_store(&seen->n, n);
    atomic_fetch_add(&seen->calls, 1);
}

static void watchers_are_woken_before_the_answer(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct seen seen = {0};
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    bf_log_watch(s->store, note, &seen);
    for (unsigned i = 1; i <= 3; i++) {
        submit_rename(s, tenant_a, i, &one, &r);
        assert_int_equal(atomic_load(&seen.n), i);
    }
    submit_rename(s, tenant_a, 3, &one, &r); /* a replay wakes nobody */
    assert_int_equal(atomic_load(&seen.calls), 3);
}

/* ---- erasure ---- */

static void a_destroyed_subjects_content_is_gone_and_the_rest_stays(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    unsigned n;
    struct rename doomed = {.coll = &items, .id = suite_uuid(1), .name = "doomed"},
                  other = {.coll = &items, .id = suite_uuid(2), .name = "other"};
    struct rename child = {.coll = &parts, .id = suite_uuid(3), .name = "child", .parent = suite_uuid(1)};
    submit_rename(s, tenant_a, 1, &doomed, &r);
    submit_rename(s, tenant_a, 2, &other, &r);
    submit_rename(s, tenant_a, 3, &child, &r);
    submit_rename(s, tenant_b, 1, &doomed, &r); /* the same id in another company has its own key */
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, doomed.id, 3, NULL), BF_OK);
    for (int restarted = 0; restarted < 2; restarted++) {
        struct bf_log_entry *log = read_log(s, tenant_a, 0, 10, BF_LOG_DOCS, &n);
        assert_int_equal(n, 3);
        assert_true(log[0].ops[0].erased && log[0].ops[0].doc == NULL);
        assert_true(!log[1].ops[0].erased && strcmp(name_of(log[1].ops[0].doc), "other") == 0);
        assert_true(log[2].ops[0].erased);
        log = read_log(s, tenant_b, 0, 10, BF_LOG_DOCS, &n);
        assert_true(!log[0].ops[0].erased);
        assert_int_equal(submit_rename(s, tenant_a, 1, &doomed, &r), BF_E_GONE); /* the receipt was the subject's too */
        assert_true(r.replay);
        assert_int_equal(submit_rename(s, tenant_a, 20 + (unsigned)restarted, &child, &r),
                         BF_E_GONE);                                                               /* nothing new under a destroyed key */
        assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, doomed.id, 3, NULL), BF_OK); /* again: as it is */
        suite_reopen(s);
    }
}

/* Also after a restart, when its key is read from the store. */
static void what_has_no_subject_is_the_companys_own_and_sealed_like_the_rest(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    unsigned n;
    struct rename own = {.coll = &parts, .id = suite_uuid(1), .name = "ours"};
    assert_int_equal(submit_rename(s, tenant_a, 1, &own, &r), BF_OK);
    suite_reopen(s);
    struct bf_log_entry *log = read_log(s, tenant_a, 0, 10, BF_LOG_DOCS, &n);
    assert_int_equal(n, 1);
    assert_string_equal(name_of(log[0].ops[0].doc), "ours");
    assert_int_equal(submit_rename(s, tenant_a, 1, &own, &r), BF_OK);
    assert_true(r.replay);
    own.name = "still ours";
    assert_int_equal(submit_rename(s, tenant_a, 2, &own, &r), BF_OK);
}

/* ---- check ---- */

static void say(void *ctx, const char *line)
{
    (void)ctx;
    print_message("check: %s\n", line);
}

static void a_store_that_was_only_used_checks_clean(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_check_report report;
    for (unsigned i = 0; i < 30; i++) {
        struct rename one = {.coll = i % 3 == 0 ? &parts : &items, .id = suite_uuid(1 + i % 7), .name = "x", .owner = suite_uuid(100 + i)};
        submit_rename(s, i % 2 == 0 ? tenant_a : tenant_b, i, &one, &r);
    }
    assert_int_equal(bf_store_destroy_subject(s->store, tenant_a, suite_uuid(2), 1, NULL), BF_OK);
    assert_int_equal(bf_store_check(s->store, false, say, NULL, &report, NULL), BF_OK);
    assert_int_equal(report.faults, 0);
    assert_int_equal(report.entries, 30);
    assert_true(report.documents > 7);
    assert_int_equal(report.mended, 0);
}

SUITE_PART(suite_log, SUITE_TEST(an_entry_tells_who_and_whose_without_the_content), SUITE_TEST(after_images_come_in_order_and_in_pages),
           SUITE_TEST(the_tenants_of_the_log_are_told_once_each), SUITE_TEST(watchers_are_woken_before_the_answer),
           SUITE_TEST(a_destroyed_subjects_content_is_gone_and_the_rest_stays),
           SUITE_TEST(what_has_no_subject_is_the_companys_own_and_sealed_like_the_rest), SUITE_TEST(a_store_that_was_only_used_checks_clean));
