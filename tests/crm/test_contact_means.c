/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/contact_means.h"
#include "tests/test.h"

int test_contact_means(void);

static void each(const char *const *texts, size_t n, bool (*is_valid)(struct bf_str), bool expected)
{
    for (size_t i = 0; i < n; i++)
        if (is_valid(bf_strz(texts[i])) != expected)
            fail_msg("%s: %s", texts[i], expected ? "refused" : "taken");
}

#define EACH(texts, is_valid, expected) each(texts, sizeof texts / sizeof *texts, is_valid, expected)

static void CUS_06_a_telephone_number_as_people_write_it_is_valid(void **state)
{
    static const char *const texts[] = {
        "13812345678",
        "138-1234-5678",
        "138 1234 5678",
        "+86 138 1234 5678",
        "+8613812345678",
        "0755-26990000",
        "(0755) 2699 0000",
        "010-12345678转802",
        "010-12345678 转 802",
        "010-12345678 ext. 12",
        "010-12345678x9",
        "400-800-1234",
        "26990000",
        "2345678",
        "+1 (212) 555-0100",
        "+44.20.7946.0958",
        "＋８６　１３８１２３４５６７８",
        "０７５５－２６９９００００",
        "（0755）26990000",
        "+123456789012345",
        " 13912345678 ",
    };
    (void)state;
    EACH(texts, bf_phone_is_valid, true);
}

static void CUS_06_what_is_no_telephone_number_is_not_valid(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "无",
        "123456",
        "234567",
        "+1234567890123456",
        "1381234567",
        "138123456789",
        "12812345678",
        "2345678a",
        "13812345678转",
        "138--12345678",
        "-13812345678",
        "13812345678-",
        "++8613812345678",
        "86+13812345678",
        "010-12345678转1234567",
        "13812345678,13912345678",
        "１２３",
        "转802",
        "x",
        "010-12345678转",
        "\xef\xbc",
        "2345678\xef\xbd\xbf",
    };
    (void)state;
    EACH(texts, bf_phone_is_valid, false);
    assert_false(bf_phone_is_valid(bf_str("2345678\0", 8)));
    assert_false(bf_phone_is_valid(bf_str(NULL, 0)));
    assert_false(bf_phone_is_valid(BF_STR("0755 2699 0000 0755 2699 0000 0755 2699 0000")));
}

static void CUS_06_a_chinese_mobile_has_11_digits_and_begins_with_13_to_19(void **state)
{
    (void)state;
    assert_true(bf_phone_is_valid(BF_STR("13000000000")));
    assert_true(bf_phone_is_valid(BF_STR("19999999999")));
    assert_false(bf_phone_is_valid(BF_STR("12999999999")));
    assert_false(bf_phone_is_valid(BF_STR("1300000000")));
    assert_false(bf_phone_is_valid(BF_STR("130000000000")));
}

static void CUS_06_an_email_address_is_valid(void **state)
{
    static const char *const texts[] = {
        "a@b.cn",
        "zhang.wei@example.com",
        "o'brien+crm@sub.example.co.uk",
        "x_y-z@ex-ample.com",
        "1@2.xn--fiqs8s",
        "a!#$%&'*+-/=?^_`{|}~b@c.de",
        "1234567890123456789012345678901234567890123456789012345678901234@example.com",
    };
    (void)state;
    EACH(texts, bf_email_is_valid, true);
}

static void CUS_06_what_is_no_email_address_is_not_valid(void **state)
{
    static const char *const texts[] = {
        "",
        "@",
        "a@",
        "@b.cn",
        "a@b",
        "a b@c.cn",
        "a@b..cn",
        "a@.cn",
        "a@b.cn.",
        "a@-b.cn",
        "a@b-.cn",
        ".a@b.cn",
        "a.@b.cn",
        "a..b@c.cn",
        "a@b@c.cn",
        "a@1.2",
        "张@b.cn",
        "a@中国.cn",
        "\"a\"@b.cn",
        "a@[127.0.0.1]",
        "a@b_c.cn",
        "a@b.c n",
        "12345678901234567890123456789012345678901234567890123456789012345@example.com",
        "a@1234567890123456789012345678901234567890123456789012345678901234.cn",
    };
    (void)state;
    EACH(texts, bf_email_is_valid, false);
    assert_false(bf_email_is_valid(bf_str(NULL, 0)));
    assert_false(bf_email_is_valid(bf_str("a@b.c\0", 6)));
}

static void CUS_06_an_email_address_has_254_bytes_at_most(void **state)
{
    (void)state;
    char text[300];
    memset(text, 'b', sizeof text);
    memcpy(text, "a@", 2);
    for (size_t dot = 60; dot < 250; dot += 60)
        text[dot] = '.';
    memcpy(text + 251, ".cn", 3);
    assert_true(bf_email_is_valid(bf_str(text, 254)));
    text[254] = 'n';
    assert_false(bf_email_is_valid(bf_str(text, 255)));
}

int test_contact_means(void)
{
    const struct CMUnitTest contact_means[] = {
        cmocka_unit_test(CUS_06_a_telephone_number_as_people_write_it_is_valid),
        cmocka_unit_test(CUS_06_what_is_no_telephone_number_is_not_valid),
        cmocka_unit_test(CUS_06_a_chinese_mobile_has_11_digits_and_begins_with_13_to_19),
        cmocka_unit_test(CUS_06_an_email_address_is_valid),
        cmocka_unit_test(CUS_06_what_is_no_email_address_is_not_valid),
        cmocka_unit_test(CUS_06_an_email_address_has_254_bytes_at_most),
    };
    return cmocka_run_group_tests(contact_means, NULL, NULL);
}
