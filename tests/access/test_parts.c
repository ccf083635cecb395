/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of access/ that need no store: tokens, throttling, passwords. */
#include "access/caller.h"
#include "access/password.h"
#include "access/throttle.h"
#include "access/token.h"
#include "core/arena.h"
#include "core/env.h"
#include "tests/test.h"

/* ---- tokens ---- */

static struct bf_token sample(void)
{
    struct bf_token token;
    for (unsigned i = 0; i < sizeof token; i++)
        ((unsigned char *)&token)[i] = (unsigned char)(i * 37 + 11);
    return token;
}

static void a_token_reads_back_as_it_was_written(void **state)
{
    struct bf_token token = sample(), access, refresh;
    char text[BF_TOKEN_TEXT_MAX];
    (void)state;
    bf_token_write_access(&token, text);
    assert_true(bf_token_read_access(bf_strz(text), &access));
    assert_memory_equal(&access.tenant, &token.tenant, 16);
    assert_memory_equal(&access.session, &token.session, 16);
    assert_memory_equal(access.secret, token.secret, 32);
    bf_token_write_refresh(&token, text);
    assert_true(bf_token_read_refresh(bf_strz(text), &refresh));
    assert_memory_equal(&refresh, &token, sizeof token);
}

static void no_other_text_is_a_token(void **state)
{
    struct bf_token token = sample(), ret;
    char access[BF_TOKEN_TEXT_MAX], refresh[BF_TOKEN_TEXT_MAX];
    (void)state;
    bf_token_write_access(&token, access);
    bf_token_write_refresh(&token, refresh);
    assert_false(bf_token_read_access(bf_strz(refresh), &ret));
    assert_false(bf_token_read_refresh(bf_strz(access), &ret));
    assert_false(bf_token_read_access(bf_str(access, strlen(access) - 1), &ret));
    assert_false(bf_token_read_access(bf_str("", 0), &ret));
    for (size_t i = 0; i < strlen(access); i++) {
        char broken[BF_TOKEN_TEXT_MAX];
        memcpy(broken, access, sizeof broken);
        broken[i] = '=';
        assert_false(bf_token_read_access(bf_strz(broken), &ret));
    }
}

/* FIPS 180-2, the digest of 32 zero bytes (sha256sum of them). */
static void what_is_stored_is_the_SHA_256_of_the_secret(void **state)
{
    struct bf_token token = {.secret = {0}};
    uint8_t hash[32];
    char hex[65];
    (void)state;
    bf_token_hash(&token, hash);
    bf_hex(hash, sizeof hash, hex);
    assert_string_equal(hex, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

/* ---- throttling ---- */

static void tries_are_taken_from_a_bucket_that_refills(void **state)
{
    struct bf_throttle *t = bf_throttle_create(64, 3, 6); /* three at once, one more every 10 s */
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(bf_throttle_take(t, BF_STR("a"), 1000), 0);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 1000), 10);
    assert_int_equal(bf_throttle_take(t, BF_STR("b"), 1000), 0);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 10999), 1);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 11000), 0);
    assert_true(bf_throttle_take(t, BF_STR("a"), 11000) > 0);
    bf_throttle_destroy(&t);
}

static void a_right_password_gives_the_tries_back_and_a_bucket_never_overflows(void **state)
{
    struct bf_throttle *t = bf_throttle_create(64, 2, 60);
    (void)state;
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 0), 0);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 0), 0);
    bf_throttle_clear(t, BF_STR("a"));
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), 0), 0);
    int64_t much_later = INT64_C(1000000000);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), much_later), 0);
    assert_int_equal(bf_throttle_take(t, BF_STR("a"), much_later), 0);
    assert_true(bf_throttle_take(t, BF_STR("a"), much_later) > 0);
    bf_throttle_destroy(&t);
}

static void more_keys_than_entries_never_refuse_a_newcomer(void **state)
{
    struct bf_throttle *t = bf_throttle_create(16, 1, 1);
    char key[16];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(bf_throttle_take(t, bf_strz(key), i), 0);
    }
    bf_throttle_destroy(&t);
}

/* ---- passwords (G-10) ---- */

static const char *judge(const struct bf_passwords *list, const char *password, struct bf_error *e)
{
    *e = (struct bf_error){0};
    if (bf_password_accept(list, bf_strz(password), BF_STR("wang.wei"), 12, e) == BF_OK)
        return "accepted";
    assert_int_equal(e->status, BF_E_UNPROCESSABLE);
    assert_int_equal(e->n_fields, 1);
    assert_string_equal(e->fields[0].pointer, "/new_password");
    return e->fields[0].code;
}

static void G_10_passwords_are_long_uncommon_and_not_ones_own_name(void **state)
{
    static const char *const cases[][2] = {
        {"short-1", "too_short"},          {"elevenchars", "too_short"},       {"twelve-chars", "accepted"},
        {"password1234", "common_password"}, {"PassWord1234", "common_password"}, {"qwertyuiop12", "common_password"},
        {"iloveyouiloveyou", "common_password"}, {"football-2027!", "common_password"}, {"my-wang.wei-is", "contains_name"}, {"MY-WANG.WEI-IS", "contains_name"},
        {"aaaaaaaaaaaa", "too_simple"},    {"abababababab", "too_simple"},     {"drei-Birnen-am-Hang-42", "accepted"},
        {"我的密码很长很安全不会被猜", "accepted"},
    };
    struct bf_passwords *list = bf_passwords_create();
    struct bf_error e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i][0]);
        assert_string_equal(judge(list, cases[i][0], &e), cases[i][1]);
    }
    char long_one[400];
    memset(long_one, 'x', sizeof long_one);
    long_one[399] = '\0';
    assert_string_equal(judge(list, long_one, &e), "too_long");
    bf_passwords_destroy(&list);
}

/* ---- scope ---- */

static void PER_03_a_supervisor_of_no_team_lists_the_own_records(void **state)
{
    static const struct bf_uuid team = {{7}};
    struct bf_arena *arena = bf_arena_create();
    struct bf_caller caller = {.user = {{1}}, .role = BF_ROLE_IS_SUPERVISOR};
    struct bf_scope_query scope;
    struct bf_error e;
    (void)state;
    assert_int_equal(bf_scope_query(&caller, BF_SUBJECT_CUSTOMER, &bf_customers, &bf_customers_by_owner, &bf_customers_by_team,
                                    &bf_customers_by_sort, arena, &scope, &e), BF_OK);
    assert_ptr_equal(scope.index, &bf_customers_by_owner);
    assert_int_equal(scope.cond.row, BF_CUSTOMER_OWNER);
    assert_int_equal(scope.cond.n, 1);
    assert_true(bf_uuid_eq(&scope.cond.values[0].uuid, &caller.user));
    caller.teams = &team;
    caller.n_teams = 1;
    assert_int_equal(bf_scope_query(&caller, BF_SUBJECT_CUSTOMER, &bf_customers, &bf_customers_by_owner, &bf_customers_by_team,
                                    &bf_customers_by_sort, arena, &scope, &e), BF_OK);
    assert_ptr_equal(scope.index, &bf_customers_by_team);
    assert_true(bf_uuid_eq(&scope.cond.values[0].uuid, &team));
    bf_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_reads_back_as_it_was_written),
        cmocka_unit_test(no_other_text_is_a_token),
        cmocka_unit_test(what_is_stored_is_the_SHA_256_of_the_secret),
        cmocka_unit_test(tries_are_taken_from_a_bucket_that_refills),
        cmocka_unit_test(a_right_password_gives_the_tries_back_and_a_bucket_never_overflows),
        cmocka_unit_test(more_keys_than_entries_never_refuse_a_newcomer),
        cmocka_unit_test(G_10_passwords_are_long_uncommon_and_not_ones_own_name),
        cmocka_unit_test(PER_03_a_supervisor_of_no_team_lists_the_own_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
