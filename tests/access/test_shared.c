/* SPDX-License-Identifier: Apache-2.0 */
/* Two gateways on one store: what one of them ends, the other does not go on believing. */
#include "access/caller_cache.h"
#include "access/collections.h"
#include "access/internal.h"
#include "access/token.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "tests/directory.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>

enum { GATEWAYS = 2, CACHED = 16 };

static const struct bf_uuid tenant = {{1}}, the_user = {{2}}, the_session = {{3}};

struct two {
    struct bf_env env;
    struct memory *memory;
    struct bf_access gateways[GATEWAYS];
    struct bf_arena *arena;
    char dir[PATH_MAX], token[BF_TOKEN_TEXT_MAX];
};

static void open_gateway(struct two *t, unsigned at)
{
    struct bf_error e = {0};
    struct bf_access *access = &t->gateways[at];
    access->env = &t->env;
    if (memory_store_open(&t->env, t->memory, t->dir, bf_collections, BF_COLLECTIONS, &access->store, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
    access->callers = bf_caller_cache_create(access->store, CACHED);
}

static enum bf_status put_user(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct bf_doc *user = bf_doc_create(arena, bf_users.schema, bf_view_tenant(view), the_user);
    (void)ctx, (void)e;
    bf_set_enum(&user->object, BF_USER_STATUS, BF_USER_STATUS_IS_ACTIVE);
    bf_set_enum(&user->object, BF_USER_ROLE, BF_ROLE_IS_REP);
    bf_set_int(&user->object, BF_USER_EPOCH, 1);
    bf_decision_put(d, &bf_users, user);
    bf_decision_receipt(d, 201, BF_STR("{}"), the_user);
    return BF_OK;
}

static struct bf_doc *session_doc(struct two *t)
{
    struct bf_token token = {.tenant = tenant, .session = the_session, .secret = {7}};
    uint8_t hash[32];
    struct bf_doc *session = bf_doc_create(t->arena, bf_sessions.schema, tenant, the_session);
    bf_token_hash(&token, hash);
    bf_token_write_access(&token, t->token);
    bf_set_uuid(&session->object, BF_SESSION_USER, the_user);
    bf_set_int(&session->object, BF_SESSION_EPOCH, 1);
    bf_set_sha256(&session->object, BF_SESSION_FAMILY, hash);
    bf_set_sha256(&session->object, BF_SESSION_ACCESS, hash);
    bf_set_int(&session->object, BF_SESSION_ACCESS_UNTIL, bf_now_ms(&t->env) + 900000);
    return session;
}

static int set_up(void **state)
{
    struct two *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bf_env_fake(&t->env, 1800000000000, 1);
    test_dir_make("shared", t->dir, sizeof t->dir);
    t->memory = memory_create();
    t->arena = bf_arena_create();
    for (unsigned i = 0; i < GATEWAYS; i++)
        open_gateway(t, i);
    struct bf_read read = {&bf_users, the_user};
    struct bf_receipt r;
    struct bf_submission sub = {.tenant = tenant, .actor = the_user, .request = {{1}}, .reads = &read, .n_reads = 1, .decide = put_user};
    assert_int_equal(bf_submit_wait(t->gateways[0].store, &sub, t->arena, &r, NULL), BF_OK);
    struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf_sessions, .doc = session_doc(t)};
    assert_int_equal(bf_store_write(t->gateways[0].store, &w, 1, NULL, NULL), BF_OK);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct two *t = *state;
    for (unsigned i = 0; i < GATEWAYS; i++) {
        bf_caller_cache_destroy(&t->gateways[i].callers);
        bf_store_close(&t->gateways[i].store);
    }
    memory_destroy(&t->memory);
    bf_arena_destroy(&t->arena);
    bf_env_finish(&t->env);
    test_dir_remove(t->dir);
    free(t);
    return 0;
}

static enum bf_status ask(struct two *t, unsigned at)
{
    struct bf_caller caller;
    return bf_access_authenticate(&t->gateways[at], bf_strz(t->token), BF_BY_BEARER, t->arena, &caller, NULL);
}

static void a_session_that_another_gateway_ended_is_over_within_a_second(void **state)
{
    struct two *t = *state;
    assert_int_equal(ask(t, 0), BF_OK);
    assert_int_equal(ask(t, 1), BF_OK);
    struct bf_doc *session = session_doc(t);
    struct bf_write w = {.kind = BF_W_DELETE, .coll = &bf_sessions, .doc = session};
    assert_int_equal(bf_store_write(t->gateways[0].store, &w, 1, NULL, NULL), BF_OK);
    bf_caller_cache_forget(t->gateways[0].callers, tenant);
    assert_int_equal(ask(t, 0), BF_E_UNAUTHENTICATED);
    bf_env_fake_advance(&t->env, 1000);
    assert_int_equal(ask(t, 1), BF_E_UNAUTHENTICATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_session_that_another_gateway_ended_is_over_within_a_second, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
