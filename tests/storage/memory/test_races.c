/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver without transactions: the insert of an entry is the commit, and another process may be faster. Two stores share one memory; each
 * time the first is about to insert, the second gets its own entry in before. What was decided on the old state must be decided again.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/internal.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <unistd.h>

enum row { R_VALUE, R_ROWS };
static const struct bf_field fields[R_ROWS] = {[R_VALUE] = BF_FIELD("value", INT, 0, 0, 0, NORMAL, "", "")};
static const struct bf_schema schema = {.name = "counter", .zh = "", .en = "", .version = 1, .fields = fields, .n_fields = R_ROWS};
static const struct bf_collection counters = {.name = "race_counters",
                                              .schema = &schema,
                                              .cls = BF_TENANT_COLLECTION,
                                              .logged = true,
                                              .subject = BF_ROW_NONE,
                                              .owner = BF_ROW_NONE,
                                              .team = BF_ROW_NONE};
static const struct bf_collection *const collections[] = {&counters};
static const struct bf_uuid tenant = {{1}}, counter = {{2}};

/* What the other process does first; taken as it is used. */
struct ahead {
    struct bf_store *other;
    unsigned times, request;
};
static struct ahead ahead; /* the driver's table has no place for it */

static enum bf_status count_up(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *old = bf_view_get(view, &counters, counter);
    struct bf_doc *doc = bf_doc_create(arena, &schema, tenant, counter);
    (void)e;
    ++*(unsigned *)ctx;
    bf_set_int(&doc->object, R_VALUE, (old == NULL ? 0 : bf_get_int(&old->object, R_VALUE)) + 1);
    bf_decision_put(d, &counters, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)bf_get_int(&doc->object, R_VALUE))),
                        (struct bf_uuid){{0}});
    return BF_OK;
}

static enum bf_status count(struct bf_store *store, unsigned request, struct bf_arena *arena, unsigned *calls, struct bf_receipt *ret)
{
    struct bf_read read = {&counters, counter};
    struct bf_submission s = {.tenant = tenant, .actor = tenant, .reads = &read, .n_reads = 1, .decide = count_up, .ctx = calls};
    memcpy(s.request.b, &request, sizeof request);
    return bf_submit_wait(store, &s, arena, ret, NULL);
}

static enum bf_status append_late(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    if (ahead.times > 0) {
        struct bf_arena *arena = bf_arena_create();
        struct bf_receipt receipt;
        unsigned calls = 0;
        ahead.times--;
        assert_int_equal(count(ahead.other, ahead.request++, arena, &calls, &receipt), BF_OK);
        bf_arena_destroy(&arena);
    }
    return memory_driver.append(s, append, e);
}

struct two {
    struct bf_env env;
    struct memory *memory;
    struct bf_driver_vtable late;
    struct bf_store *first, *second;
    struct bf_arena *arena;
    char dir[200];
};

static void open_one(struct two *t, struct bf_store **ret)
{
    char key[300];
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", t->dir));
    if (bf__store_open(&t->env, &config, &memory_driver, t->memory, collections, 1, ret, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
}

static int set_up(void **state)
{
    struct two *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bf_env_fake(&t->env, 1800000000000, 1);
    t->memory = memory_create();
    t->arena = bf_arena_create();
    t->late = memory_driver;
    t->late.one_transaction = false;
    t->late.append = append_late;
    snprintf(t->dir, sizeof t->dir, "races.XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    open_one(t, &t->first);
    open_one(t, &t->second);
    t->first->driver->vt = &t->late;
    ahead = (struct ahead){.other = t->second, .request = 1000};
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct two *t = *state;
    char key[300];
    bf_store_close(&t->first);
    bf_store_close(&t->second);
    memory_destroy(&t->memory);
    bf_arena_destroy(&t->arena);
    bf_env_finish(&t->env);
    snprintf(key, sizeof key, "%s/master.key", t->dir);
    unlink(key);
    rmdir(t->dir);
    free(t);
    return 0;
}

static void a_lost_race_is_decided_again(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    int64_t head;
    ahead.times = 3;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_OK);
    assert_int_equal(calls, 4);
    assert_true(bf_str_eqz(r.body, "4") && r.n == 4 && !r.replay);
    assert_int_equal(bf_log_head(t->first, tenant, &head, NULL), BF_OK);
    assert_int_equal(head, 4);
    assert_int_equal(count(t->second, 2, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "5"));
}

static void the_same_request_through_two_processes_has_one_receipt(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.times = 1;
    ahead.request = 7; /* the very request that the first is deciding */
    assert_int_equal(count(t->first, 7, t->arena, &calls, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "1") && r.n == 1 && r.replay);
    assert_int_equal(calls, 1);
}

static void a_race_that_is_never_won_ends_with_an_error(void **state)
{
    struct two *t = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    ahead.times = 1000;
    assert_int_equal(count(t->first, 1, t->arena, &calls, &r), BF_E_UNAVAILABLE);
    assert_true(calls < 200);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_lost_race_is_decided_again), T(the_same_request_through_two_processes_has_one_receipt),
                                       T(a_race_that_is_never_won_ends_with_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
