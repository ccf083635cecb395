/* SPDX-License-Identifier: Apache-2.0 */
#include "core/str.h"
#include "tests/test.h"

static void decimal_numbers_are_read_strictly(void **state)
{
    (void)state;
    uint64_t v = 7;
    assert_true(bf_str_u64(BF_STR("0"), 10, &v));
    assert_int_equal(v, 0);
    assert_true(bf_str_u64(BF_STR("18446744073709551615"), UINT64_MAX, &v));
    assert_true(v == UINT64_MAX);
    static const char *const bad[] = {"", "01", "-1", "+1", " 1", "1 ", "18446744073709551616", "99999999999999999999", "0x1", "1e3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bf_str_u64(bf_strz(bad[i]), UINT64_MAX, &v));
    assert_false(bf_str_u64(BF_STR("11"), 10, &v));
    assert_true(v == UINT64_MAX);
}

static void hex_goes_both_ways_and_wants_lower_case(void **state)
{
    (void)state;
    char text[9];
    unsigned char bytes[4];
    bf_hex("\x00\x7f\x80\xff", 4, text);
    assert_string_equal(text, "007f80ff");
    assert_true(bf_unhex(bf_strz(text), bytes, 4));
    assert_memory_equal(bytes, "\x00\x7f\x80\xff", 4);
    assert_false(bf_unhex(BF_STR("007F80FF"), bytes, 4));
    assert_false(bf_unhex(BF_STR("007f80f"), bytes, 4));
    assert_false(bf_unhex(BF_STR("007f80fg"), bytes, 4));
}

/* RFC 4648 section 10, with the padding cut and without. */
static const char *const rfc4648[][2] = {
    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};

static void base64_matches_rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rfc4648 / sizeof rfc4648[0]; i++) {
        const char *plain = rfc4648[i][0], *padded = rfc4648[i][1];
        size_t bare = strcspn(padded, "=");
        char text[16], back[16];
        assert_int_equal(bf_base64url(plain, strlen(plain), text), bare);
        assert_memory_equal(text, padded, bare);
        assert_int_equal(bf_unbase64url(bf_str(padded, bare), back, sizeof back), strlen(plain));
        assert_int_equal(bf_unbase64(bf_strz(padded), back, sizeof back), strlen(plain));
        assert_memory_equal(back, plain, strlen(plain));
    }
}

static void base64_refuses_what_has_a_second_reading(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(bf_unbase64url(BF_STR("Zh"), out, sizeof out), -1); /* spare bits are not zero */
    assert_int_equal(bf_unbase64url(BF_STR("Zg=="), out, sizeof out), -1);
    assert_int_equal(bf_unbase64url(BF_STR("Z"), out, sizeof out), -1);
    assert_int_equal(bf_unbase64url(BF_STR("+/+/"), out, sizeof out), -1);
    assert_int_equal(bf_unbase64(BF_STR("-_-_"), out, sizeof out), -1);
    assert_int_equal(bf_unbase64(BF_STR("Zg"), out, sizeof out), -1);
    assert_int_equal(bf_unbase64(BF_STR("Zg= "), out, sizeof out), -1);
    assert_int_equal(bf_unbase64url(BF_STR("Zm9vYmFy"), out, 5), -1);
}

static void a_buffer_takes_nothing_past_its_maximum(void **state)
{
    (void)state;
    struct bf_buf b;
    bf_buf_init(&b, 10);
    assert_true(bf_buf_addz(&b, "01234567"));
    assert_false(bf_buf_addz(&b, "abc"));
    assert_true(b.overflowed);
    assert_int_equal(b.n, 8);
    bf_buf_reset(&b);
    assert_true(bf_buf_printf(&b, "%d-%s", 42, "ab"));
    assert_true(bf_str_eqz(bf_buf_str(&b), "42-ab"));
    bf_buf_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimal_numbers_are_read_strictly),
        cmocka_unit_test(hex_goes_both_ways_and_wants_lower_case),
        cmocka_unit_test(base64_matches_rfc_4648),
        cmocka_unit_test(base64_refuses_what_has_a_second_reading),
        cmocka_unit_test(a_buffer_takes_nothing_past_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
