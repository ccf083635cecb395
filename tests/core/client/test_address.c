/* SPDX-License-Identifier: Apache-2.0 */
/* Which URLs of users are sent to: the address rules, and every way of writing an address that we know of. */
#include "core/client/address.h"
#include "core/client/url.h"
#include "tests/test.h"

static void blocks_that_are_not_global_unicast_are_not_public(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.88.99.1",
        "192.0.0.8",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "2001:0:1::1",
        "2001:10::1",
        "2001:db8::1",
        "3fff::1",
        "fe80::1",
        "fc00::1",
        "fd00::1",
        "ff02::1",
        "fec0::1",
        "100::1",
        "2620:4f:8000::1",
        "not an address",
        "",
    };
    static const char *const allowed[] = {"8.8.8.8", "1.1.1.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"};
    for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (bf_address_text_is_public(refused[i]))
            fail_msg("%s passed", refused[i]);
    for (unsigned i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        if (!bf_address_text_is_public(allowed[i]))
            fail_msg("%s was refused", allowed[i]);
}

static void the_rules_agree_with_pythons_ipaddress_module(void **state)
{
    (void)state;
    char command[512], address[64];
    int public, n = 0;
    snprintf(command, sizeof command, "%s -B %s/tests/core/client/addresses.py", getenv("BF_PYTHON"), getenv("BF_SOURCE_DIR"));
    FILE *in = popen(command, "r");
    assert_non_null(in);
    while (fscanf(in, "%63s %d", address, &public) == 2) {
        if (bf_address_text_is_public(address) != (public != 0))
            fail_msg("%s: Python says %d", address, public);
        n++;
    }
    assert_int_equal(pclose(in), 0);
    assert_true(n > 4000);
}

struct judgement {
    const char *url;
    enum bf_status user, config;
};

static void urls_of_users_are_judged_by_this_table(void **state)
{
    (void)state;
    static const struct judgement table[] = {
        {"https://push.example/a?b=c", BF_OK, BF_OK},
        {"https://8.8.8.8/", BF_OK, BF_OK},
        {"https://push.example:8443/", BF_OK, BF_OK},
        {"HTTPS://PUSH.EXAMPLE/", BF_OK, BF_OK},
        {"http://push.example/", BF_E_FORBIDDEN, BF_OK},
        {"https://127.0.0.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://127.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://2130706433/", BF_E_FORBIDDEN, BF_OK},
        {"https://0x7f000001/", BF_E_FORBIDDEN, BF_OK},
        {"https://0x7f.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://0177.0.0.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://017700000001/", BF_E_FORBIDDEN, BF_OK},
        {"https://%31%32%37.0.0.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://10.0.0.1/", BF_E_FORBIDDEN, BF_OK},
        {"https://169.254.169.254/latest/meta-data/", BF_E_FORBIDDEN, BF_OK},
        {"https://[::1]/", BF_E_FORBIDDEN, BF_OK},
        {"https://[::]/", BF_E_FORBIDDEN, BF_OK},
        {"https://[::ffff:127.0.0.1]/", BF_E_FORBIDDEN, BF_OK},
        {"https://[::ffff:7f00:1]/", BF_E_FORBIDDEN, BF_OK},
        {"https://[fe80::1%25lo]/", BF_E_FORBIDDEN, BF_OK},
        {"https://[fd12::1]:9000/", BF_E_FORBIDDEN, BF_OK},
        {"https://[64:ff9b::127.0.0.1]/", BF_E_FORBIDDEN, BF_OK},
        {"https://stt.lan/", BF_OK, BF_OK}, /* a name: judged by its addresses when it is called */
        {"http://named.lan/", BF_OK, BF_OK},
        {"http://NAMED.lan:81/", BF_OK, BF_OK},
        {"http://10.0.0.5:9000/", BF_OK, BF_OK},
        {"http://10.0.0.5:9001/", BF_E_FORBIDDEN, BF_OK},
        {"http://named.lan.evil.example/", BF_E_FORBIDDEN, BF_OK},
        {"http://[fd00::5]:9000/", BF_OK, BF_OK},
        {"https://user@push.example/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"https://named.lan:80@evil.example/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"file:///etc/passwd", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"gopher://push.example/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"//push.example/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"push.example", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"https://", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"https:///127.0.0.1/", BF_E_FORBIDDEN, BF_OK}, /* libcurl takes a third slash for none */
        {"https://push.example:99999/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"https://push.example\r\nHost: x/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"https://a b/", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
        {"", BF_E_UNPROCESSABLE, BF_E_UNPROCESSABLE},
    };
    struct bf_str named = BF_STR("named.lan, 10.0.0.5:9000,[fd00::5]:9000");
    struct bf_url url;
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum bf_status user = bf_url_judge(table[i].url, BF_URL_USER, named, &url, NULL);
        enum bf_status config = bf_url_judge(table[i].url, BF_URL_CONFIG, named, &url, NULL);
        if (user != table[i].user || config != table[i].config)
            fail_msg("%s: %s for a user, %s for the configuration", table[i].url, bf_status_code(user), bf_status_code(config));
    }
}

static void an_origin_is_scheme_host_and_port_in_lower_case(void **state)
{
    (void)state;
    struct bf_url url;
    assert_int_equal(bf_url_judge("HTTPS://Push.Example/Path", BF_URL_USER, (struct bf_str){NULL, 0}, &url, NULL), BF_OK);
    assert_string_equal(url.origin, "https://push.example:443");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_are_not_global_unicast_are_not_public),
        cmocka_unit_test(the_rules_agree_with_pythons_ipaddress_module),
        cmocka_unit_test(urls_of_users_are_judged_by_this_table),
        cmocka_unit_test(an_origin_is_scheme_host_and_port_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
