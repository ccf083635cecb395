/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, randomness, ids made of both, and errors as values. */
#include "core/env.h"
#include "core/error.h"
#include "core/uuid.h"
#include "tests/test.h"
#include <errno.h>
#include <time.h>
#include <unistd.h>

static void the_fake_clock_stands_until_it_is_moved(void **state)
{
    (void)state;
    struct bf_env env;
    bf_env_fake(&env, 1000000, 1);
    int64_t mono = bf_mono_ms(&env);
    assert_int_equal(bf_now_ms(&env), 1000000);
    bf_env_fake_advance(&env, 500);
    assert_int_equal(bf_now_ms(&env), 1000500);
    assert_int_equal(bf_mono_ms(&env), mono + 500);
    bf_env_fake_advance(&env, -700); /* a wall clock may be set back; a monotonic one may not */
    assert_int_equal(bf_now_ms(&env), 999800);
    assert_int_equal(bf_mono_ms(&env), mono + 500);
    bf_env_finish(&env);
}

static void the_fake_random_stream_is_that_of_its_seed(void **state)
{
    (void)state;
    struct bf_env a, b, c;
    unsigned char x[64], y[64], z[64];
    bf_env_fake(&a, 0, 1);
    bf_env_fake(&b, 0, 1);
    bf_env_fake(&c, 0, 2);
    bf_random(&a, x, sizeof x);
    bf_random(&b, y, sizeof y);
    bf_random(&c, z, sizeof z);
    assert_memory_equal(x, y, sizeof x);
    assert_memory_not_equal(x, z, sizeof x);
    bf_random(&a, y, sizeof y);
    assert_memory_not_equal(x, y, sizeof x);
    bf_env_finish(&a);
    bf_env_finish(&b);
    bf_env_finish(&c);
}

static void a_shifted_clock_follows_its_file(void **state)
{
    (void)state;
    struct bf_env env;
    struct bf_error e;
    const int64_t year_ms = INT64_C(365) * 86400000, hour_ms = 3600000;
    unlink("clock");
    assert_int_equal(bf_env_shifted(&env, "clock", &e), BF_OK);
    int64_t real = (int64_t)time(NULL) * 1000;
    assert_in_range(bf_now_ms(&env), real - hour_ms, real + hour_ms);
    FILE *f = fopen("clock", "r+");
    assert_int_equal(fwrite(&year_ms, 8, 1, f), 1);
    fclose(f);
    assert_in_range(bf_now_ms(&env), real + year_ms - hour_ms, real + year_ms + hour_ms);
    bf_env_finish(&env);
    assert_int_equal(bf_env_shifted(&env, "no/such/clock", &e), BF_E_CONFIG);
}

static void a_version_7_uuid_begins_with_the_time(void **state)
{
    (void)state;
    struct bf_env env;
    struct bf_uuid u, v, back;
    char text[BF_UUID_TEXT];
    bf_env_fake(&env, 0x017f22e279b0, 9); /* the example of RFC 9562, A.6 */
    u = bf_uuid_v7(&env);
    v = bf_uuid_v7(&env);
    bf_uuid_text(&u, text);
    assert_int_equal(strncmp(text, "017f22e2-79b0-7", 15), 0);
    assert_non_null(strchr("89ab", text[19]));
    assert_true(bf_uuid_is_v7(&u));
    assert_false(bf_uuid_eq(&u, &v));
    assert_true(bf_uuid_parse(bf_strz(text), &back) && bf_uuid_eq(&u, &back));
    bf_env_finish(&env);
}

static void uuids_are_read_in_one_form_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
                                      "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
                                      "017f22e279b07cc398c4dc0c0c07398f",
                                      "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
                                      "017f22e2-79b0-7cc3-98c4+dc0c0c07398f",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f "};
    struct bf_uuid u;
    assert_true(bf_uuid_parse(BF_STR("017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), &u));
    assert_true(bf_uuid_is_v7(&u));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bf_uuid_parse(bf_strz(bad[i]), &u));
    struct bf_uuid a = bf_uuid_from_name("x", 1), b = bf_uuid_from_name("x", 1), c = bf_uuid_from_name("y", 1);
    assert_true(bf_uuid_eq(&a, &b) && !bf_uuid_eq(&a, &c) && !bf_uuid_is_v7(&a));
    assert_int_equal(a.b[6] >> 4, 8);
}

static void each_status_has_a_code_of_its_own_and_an_http_status(void **state)
{
    (void)state;
    assert_int_equal(bf_status_http(BF_OK), 200);
    assert_string_equal(bf_status_code(BF_OK), "ok");
    for (int i = 1; i <= BF_IX_COUNT; i++) {
        enum bf_status s = (enum bf_status) - i;
        assert_in_range(bf_status_http(s), 400, 599);
        assert_true(strlen(bf_status_code(s)) > 1 && strlen(bf_status_title(s, BF_LANG_EN)) > 5 &&
                    strlen(bf_status_title(s, BF_LANG_ZH)) > 5);
        for (int k = 1; k < i; k++)
            assert_string_not_equal(bf_status_code(s), bf_status_code((enum bf_status) - k));
    }
}

static void each_code_of_a_field_has_words_in_both_languages(void **state)
{
    static const char *const codes[] = {
#define X(code, en, zh) code,
        BF_FIELD_CODE_MAP(X)
#undef X
    };
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const char *zh = bf_field_words(codes[i], BF_LANG_ZH);
        assert_true(strlen(codes[i]) < sizeof((struct bf_field_error *)0)->code && strlen(zh) >= 6 && strlen(bf_field_words(codes[i], BF_LANG_EN)) > 5);
        assert_string_not_equal(zh, bf_field_words("no such code", BF_LANG_ZH));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(codes[i], codes[k]);
    }
}

static void causes_and_fields_are_cut_at_their_room(void **state)
{
    (void)state;
    struct bf_error e = {0};
    char big[1000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(bf_fail(&e, BF_E_IO, "%s", big), BF_E_IO);
    assert_int_equal(strlen(e.cause), BF_CAUSE_MAX - 1);
    e = (struct bf_error){0};
    for (int i = 0; i < 2 * BF_ERROR_FIELDS_MAX; i++)
        assert_int_equal(bf_fail_field(&e, BF_E_INVALID_BODY, big, big, "%s", big), BF_E_INVALID_BODY);
    assert_int_equal(e.n_fields, BF_ERROR_FIELDS_MAX);
    assert_int_equal(bf_fail(NULL, BF_E_GONE, "x"), BF_E_GONE);
    assert_int_equal(bf_fail_errno(&e, BF_E_IO, ENOSPC, "write"), BF_E_NO_SPACE);
    assert_string_equal(e.cause, "write: No space left on device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fake_clock_stands_until_it_is_moved), cmocka_unit_test(the_fake_random_stream_is_that_of_its_seed),
        cmocka_unit_test(a_shifted_clock_follows_its_file),        cmocka_unit_test(a_version_7_uuid_begins_with_the_time),
        cmocka_unit_test(uuids_are_read_in_one_form_only),         cmocka_unit_test(each_status_has_a_code_of_its_own_and_an_http_status),
        cmocka_unit_test(each_code_of_a_field_has_words_in_both_languages),
        cmocka_unit_test(causes_and_fields_are_cut_at_their_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
