/* SPDX-License-Identifier: Apache-2.0 */
/* A subject's key that one process destroys is gone from the others' memory, too, and from the registers of all machines. */
#include "storage/erasing.h"
#include "tests/storage/memory/several.h"

static const struct bf_uuid tenant = {{1}}, subject = {{2}}, other_subject = {{3}};

static int set_up(void **state)
{
    *state = several_create(2, &memory_apart_driver);
    return 0;
}

static int tear_down(void **state)
{
    several_destroy((struct several **)state);
    return 0;
}

/* What a store reads of entry n: 1 its content, 0 that it was erased. */
static bool can_read(struct several *s, unsigned at, int64_t n)
{
    const struct bf_doc *doc = NULL;
    bool erased = false;
    assert_int_equal(bf_log_doc(s->stores[at], tenant, n, 0, s->arena, &doc, &erased, NULL), BF_OK);
    assert_true(erased == (doc == NULL));
    return !erased;
}

static int64_t notes(struct several *s)
{
    int64_t n = -1;
    struct bf_query all = {.coll = &bf__coll_erasing, .limit = 100};
    assert_int_equal(bf_store_count(s->stores[0], &all, &n, NULL), BF_OK);
    return n;
}

static void a_key_that_another_process_destroyed_is_forgotten(void **state)
{
    struct several *s = *state;
    struct bf_receipt r;
    assert_int_equal(several_count(s->stores[1], tenant, subject, 1, s->arena, &r), BF_OK);
    assert_int_equal(several_count(s->stores[1], tenant, other_subject, 2, s->arena, &r), BF_OK);
    assert_true(can_read(s, 1, 1) && can_read(s, 1, 2));
    assert_int_equal(bf_store_destroy_subject(s->stores[0], tenant, subject, 2, NULL), BF_OK);
    assert_false(can_read(s, 0, 1));
    SEVERAL_UNTIL(!can_read(s, 1, 1));
    assert_true(can_read(s, 1, 2));
    assert_int_equal(several_count(s->stores[1], tenant, subject, 3, s->arena, &r), BF_E_GONE); /* nor is anything sealed with it */
    assert_int_equal(notes(s), 1);
}

static struct bf_session *session(struct several *s, unsigned at) { return s->stores[at]->driver->vt->writer(s->stores[at]->driver); }

/* The process that destroys has ended behind its note. */
static void what_was_only_noted_is_ended_by_another(void **state)
{
    struct several *s = *state;
    struct bf_receipt r;
    assert_int_equal(several_count(s->stores[0], tenant, subject, 1, s->arena, &r), BF_OK);
    assert_int_equal(bf__erasing_note(s->stores[0], session(s, 0), tenant, subject, 1, s->arena, NULL), BF_OK);
    assert_true(can_read(s, 1, 1));
    struct bf__erasing *erasing = bf__erasing_create(s->stores[1]);
    assert_int_equal(bf__erasing_sweep(erasing, session(s, 1), 1000000, NULL), BF_OK);
    assert_true(can_read(s, 1, 1));
    assert_int_equal(bf__erasing_sweep(erasing, session(s, 1), 1059999, NULL), BF_OK);
    assert_int_equal(notes(s), 1);
    assert_int_equal(bf__erasing_sweep(erasing, session(s, 1), 1060000, NULL), BF_OK);
    assert_int_equal(notes(s), 0);
    assert_false(can_read(s, 1, 1));
    const struct bf_doc *key = several_get(s, 0, &bf__coll_subject_keys, tenant, subject);
    assert_true(bf_has(&key->object, (unsigned)bf_schema_find(bf__coll_subject_keys.schema, BF_STR("destroyed_at"))));
    bf__erasing_destroy(&erasing);
}

static enum bf_status count_line(void *ctx, struct bf_uuid t, struct bf_uuid of, int64_t n, struct bf_error *e)
{
    (void)e;
    *(unsigned *)ctx += bf_uuid_eq(&t, &tenant) && bf_uuid_eq(&of, &subject) && n == 7;
    return BF_OK;
}

/* As the one of another machine, where the erasure was not made. */
static void each_machine_enters_it_in_its_register_once(void **state)
{
    struct several *s = *state;
    unsigned lines = 0;
    const struct bf_store *store = s->stores[1];
    struct bf__erasing *erasing = bf__erasing_create(s->stores[1]), *again = bf__erasing_create(s->stores[1]);
    assert_int_equal(bf__erasing_note(s->stores[0], session(s, 0), tenant, subject, 7, s->arena, NULL), BF_OK);
    assert_int_equal(bf__erasing_sweep(erasing, session(s, 1), 1000000, NULL), BF_OK);
    assert_int_equal(bf__erasing_sweep(erasing, session(s, 1), 1000001, NULL), BF_OK);
    assert_int_equal(bf__erasing_sweep(again, session(s, 1), 1000002, NULL), BF_OK);
    assert_int_equal(bf__erasures_each(store->config.master_key_file.p, &store->master, count_line, &lines, NULL), BF_OK);
    assert_int_equal(lines, 1);
    bf__erasing_destroy(&erasing);
    bf__erasing_destroy(&again);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_key_that_another_process_destroyed_is_forgotten), T(what_was_only_noted_is_ended_by_another),
                                       T(each_machine_enters_it_in_its_register_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
