/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "ingest/stt/openai_answer.h"
#include "tests/test.h"

static struct bf_stt_result read_answer(int http_status, const char *body, struct bf_arena *arena)
{
    struct bf_stt_result r = {0};
    bf_openai_read(http_status, bf_strz(body), BF_STR("sk-secret"), arena, &r);
    return r;
}

static void durations_of_rate_limits_are_read_as_the_vendor_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } table[] = {
        {"1s", 1000},
        {"6m0s", 360000},
        {"20ms", 20},
        {"1h2m3.5s", 3723500},
        {"0s", 0},
        {"90000ms", 90000},
        {"1.2345s", 1234},
        {"7000h", 86400000},
        {"99999999999999999999s", 86400000},
        {"", -1},
        {"1", -1},
        {"s", -1},
        {"1x", -1},
        {"-1s", -1},
        {"1s ", -1},
        {".5s", -1},
        {"1..5s", -1},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (bf_openai_duration_ms(bf_strz(table[i].text)) != table[i].ms)
            fail_msg("%s: %lld", table[i].text, (long long)bf_openai_duration_ms(bf_strz(table[i].text)));
}

static void a_request_may_take_a_minute_and_its_share_for_the_recording(void **state)
{
    (void)state;
    assert_int_equal(bf_openai_try_ms(0, 120, 600000), 60000);
    assert_int_equal(bf_openai_try_ms(30000, 120, 600000), 120000);
    assert_int_equal(bf_openai_try_ms(600000, 240, 3600000), 2460000);
    assert_int_equal(bf_openai_try_ms(3600000, 120, 600000), 600000);
    assert_int_equal(bf_openai_try_ms(0, 120, 1000), 1000);
}

static void a_text_is_trimmed_and_keeps_no_control_characters_but_newlines(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create();
    struct bf_stt_result r = read_answer(200, "{\"text\":\" \\n\\u4f60\\u597d\\t\\u0007b\\nc \"}", arena);
    assert_int_equal(r.outcome, BF_STT_TEXT);
    assert_true(bf_str_eqz(r.text, "你好  b\nc"));
    bf_arena_destroy(&arena);
}

static void a_200_that_is_no_answer_is_a_fault(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "[]", "{}", "{\"text\":null}", "{\"text\":5}", "<html>", "{\"text\":\"a\"", "{\"text\":\"a\",\"text\":\"b\"}",
    };
    struct bf_arena *arena = bf_arena_create();
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        if (read_answer(200, bodies[i], arena).outcome != BF_STT_FAULT)
            fail_msg("%s", bodies[i]);
    bf_arena_destroy(&arena);
}

static void a_wrong_model_is_our_fault_even_when_it_comes_as_400(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create();
    assert_int_equal(read_answer(400, "{\"error\":{\"message\":\"m\",\"param\":\"model\"}}", arena).outcome, BF_STT_REFUSED);
    assert_int_equal(read_answer(400, "{\"error\":{\"message\":\"m\",\"param\":\"file\"}}", arena).outcome, BF_STT_REJECTED);
    bf_arena_destroy(&arena);
}

static void our_key_never_stands_in_the_detail(void **state)
{
    (void)state;
    struct bf_arena *arena = bf_arena_create();
    struct bf_stt_result r = read_answer(401, "{\"error\":{\"message\":\"Incorrect key: sk-secret\",\"code\":\"sk-secret\"}}", arena);
    assert_null(strstr(r.detail, "sk-secret"));
    bf_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_may_take_a_minute_and_its_share_for_the_recording),
        cmocka_unit_test(durations_of_rate_limits_are_read_as_the_vendor_writes_them),
        cmocka_unit_test(a_text_is_trimmed_and_keeps_no_control_characters_but_newlines),
        cmocka_unit_test(a_200_that_is_no_answer_is_a_fault),
        cmocka_unit_test(a_wrong_model_is_our_fault_even_when_it_comes_as_400),
        cmocka_unit_test(our_key_never_stands_in_the_detail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
