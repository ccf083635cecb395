/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/validity.h"
#include "core/crypto.h"
#include "tests/crm/make.h"

#define REASON(word) (1u << BF_VERDICT_REASON_IS_##word)
#define CONTACT      "\"contacts\":[\"01940000-0000-7000-8000-000000000001\"]"
#define REST                                                                                                                               \
    "\"customer\":\"01940000-0000-7000-8000-0000000000aa\",\"mode\":\"visit\",\"happened_at\":\"2026-11-20T02:00:00.000Z\",\"captured_"    \
    "at\":\"2026-11-20T02:00:00.000Z\""
#define MEDIUM(n, kind, type)                                                                                                              \
    "{\"id\":\"01940000-0000-7000-8000-00000000000" n "\",\"kind\":\"" kind "\",\"type\":\"" type                                          \
    "\",\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}"
#define VOICE(n) MEDIUM(n, "voice", "audio/ogg")

/* Judges a visit with these fields under the default policy, for a customer without topics, after no other record. */
struct scene {
    struct bf_arena *arena;
    struct bf_object *policy, *customer;
    struct bf_str confirmed[2];
    struct bf_validity_input in;
};

static struct scene scene(void **state, const char *fields)
{
    struct scene s = {.arena = *state, .policy = bf_policy_create(*state), .customer = bf_object_create(*state, &bf_customer_schema)};
    char *json = bf_arena_printf(s.arena, "{%s%s" REST "}", fields, *fields == '\0' ? "" : ",");
    s.in = (struct bf_validity_input){.policy = s.policy, .customer = s.customer, .visit = make(s.arena, &bf_visit_schema, json)};
    return s;
}

static struct bf_validity judge(struct scene *s)
{
    if (s->in.n_confirmed > 0)
        s->in.confirmed = s->confirmed;
    return bf_validity_judge(s->arena, &s->in);
}

static struct bf_validity judge_fields(void **state, const char *fields)
{
    struct scene s = scene(state, fields);
    return judge(&s);
}

static void FUP_09_fewer_than_8_units_is_invalid(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"content\":\"客户要两台新机\"");
    assert_int_equal(v.units, 7);
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
    assert_int_equal(v.reasons, REASON(TOO_SHORT));
    v = judge_fields(state, CONTACT ",\"content\":\"客户要两台新机器。！ 😀\"");
    assert_int_equal(v.units, 8);
    assert_int_equal(v.validity, BF_VALIDITY_IS_VALID);
    assert_int_equal(v.reasons, 0);
}

static void FUP_09_the_number_is_the_policys(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"客户要两台新机器\"");
    bf_set_int(s.policy, BF_POLICY_MIN_UNITS, 9);
    assert_int_equal(judge(&s).reasons, REASON(TOO_SHORT));
    bf_set_int(s.policy, BF_POLICY_MIN_UNITS, 1);
    assert_int_equal(judge(&s).reasons, 0);
}

static void G_19_a_run_of_one_character_counts_two_at_most(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"content\":\"好好好好好好好好好\"");
    assert_int_equal(v.units, 2);
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
}

static void G_19_words_of_another_script_are_units(void **state)
{
    assert_int_equal(judge_fields(state, CONTACT ",\"content\":\"They want two new machines by May\"").reasons, REASON(TOO_SHORT));
    assert_int_equal(judge_fields(state, CONTACT ",\"content\":\"They want two new machines by May 5\"").reasons, 0);
}

static void FUP_02_the_result_is_part_of_the_record(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"content\":\"客户要新机器\",\"result\":\"同意\"");
    assert_int_equal(v.units, 8);
    assert_int_equal(v.validity, BF_VALIDITY_IS_VALID);
    v = judge_fields(state, CONTACT ",\"content\":\"machine\",\"result\":\"shop\"");
    assert_int_equal(v.units, 2); /* not one word */
}

static void CUS_16_the_customers_own_words_do_not_count(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"content\":\"客户要新机器\",\"quote\":\"我们下个月再谈吧\"");
    assert_int_equal(v.units, 6);
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
}

static void FUP_10_without_contact_is_invalid(void **state)
{
    struct bf_validity v = judge_fields(state, "\"content\":\"客户要两台新机器\"");
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
    assert_int_equal(v.reasons, REASON(NO_CONTACT));
    v = judge_fields(state, "\"contacts\":[],\"content\":\"客户要两台新机器\"");
    assert_int_equal(v.reasons, REASON(NO_CONTACT));
}

static void FUP_10_without_content_is_invalid(void **state)
{
    static const char *const nothing[] = {CONTACT, CONTACT ",\"content\":\"\"", CONTACT ",\"content\":\" 。。😀 \""};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        struct bf_validity v = judge_fields(state, nothing[i]);
        assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
        assert_int_equal(v.reasons, REASON(NO_CONTENT) | REASON(TOO_SHORT));
    }
    assert_int_equal(judge_fields(state, CONTACT ",\"result\":\"客户要两台新机器\"").reasons, REASON(NO_CONTENT));
}

static void FUP_10_nothing_at_all_has_every_fault(void **state)
{
    struct bf_validity v = judge_fields(state, "");
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
    assert_int_equal(v.reasons, REASON(NO_CONTENT) | REASON(TOO_SHORT) | REASON(NO_CONTACT));
}

static void FUP_11_the_phrases_of_the_rule_are_invalid(void **state)
{
    static const char *const phrases[] = {"没找到人", "外出", "沟通", " 外出 "};
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        struct bf_validity v = judge_fields(state, bf_arena_printf(*state, CONTACT ",\"content\":\"%s\"", phrases[i]));
        assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
        assert_int_equal(v.reasons, REASON(BANNED_PHRASE) | REASON(TOO_SHORT));
    }
}

static void ban(struct scene *s, const char *phrase)
{
    struct bf_value *items = bf_arena_calloc(s->arena, 1, sizeof *items);
    *items = (struct bf_value){.type = BF_T_STRING, .s = bf_strz(phrase)};
    bf_set_array(s->policy, BF_POLICY_BANNED_PHRASES, items, 1);
}

static void G_20_content_that_equals_a_banned_phrase_is_doubtful(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"ＯＡ 今天照例拜访了客户 一切正常\"");
    ban(&s, "oa　今天照例拜访了客户  一切正常");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_int_equal(judge(&s).reasons, REASON(BANNED_PHRASE));
}

static void FUP_11_a_phrase_within_a_longer_text_is_no_fault(void **state)
{
    assert_int_equal(judge_fields(state, CONTACT ",\"content\":\"与王总沟通了新机器的事\"").reasons, 0);
    struct scene s = scene(state, CONTACT ",\"content\":\"今天照例拜访了客户\"");
    ban(&s, "今天照例拜访了客户甲");
    assert_int_equal(judge(&s).reasons, 0);
}

static void G_20_a_repeat_of_the_last_record_is_doubtful(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"客户要两台 NEW 机器明天再谈\"");
    struct bf_validity first = judge(&s);
    assert_int_equal(first.validity, BF_VALIDITY_IS_VALID);
    struct scene again = scene(state, CONTACT ",\"content\":\"客户要两台　ｎｅｗ  机器明天再谈 \"");
    again.in.last_digest = bf_str((const char *)first.digest, sizeof first.digest);
    assert_int_equal(judge(&again).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_int_equal(judge(&again).reasons, REASON(REPEATED));
    struct scene other = scene(state, CONTACT ",\"content\":\"客户要两台 NEW 机器后天再谈\"");
    other.in.last_digest = again.in.last_digest;
    assert_int_equal(judge(&other).validity, BF_VALIDITY_IS_VALID);
    struct scene with_result = scene(state, CONTACT ",\"content\":\"客户要两台 NEW 机器明天再谈\",\"result\":\"签了\"");
    with_result.in.last_digest = again.in.last_digest;
    assert_int_equal(judge(&with_result).validity, BF_VALIDITY_IS_VALID);
}

static void G_20_the_digest_is_the_sha256_of_the_folded_text(void **state)
{
    uint8_t expected[BF_SHA256_BYTES];
    struct bf_validity v = judge_fields(state, "\"content\":\"  ＡＢＣ　１２３ \"");
    bf_sha256("abc 123", 7, expected);
    assert_memory_equal(v.digest, expected, sizeof expected);
}

static void topics(struct scene *s, const char *json)
{
    struct bf_object *patch, *with = make_change(s->arena, s->customer, json, &patch);
    s->in.customer = s->customer = with;
}

static void G_20_a_text_off_the_customers_topics_is_doubtful(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"今天天气很好一起吃了午饭\"");
    assert_int_equal(judge(&s).reasons, 0); /* without a topic list nothing is asked */
    topics(&s, "{\"topics\":[\"冷柜\",\"Cold Room\"]}");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_int_equal(judge(&s).reasons, REASON(OFF_TOPIC));
}

/* What software can tell of "unrelated": G-20. Doubtful is neither valid nor invalid, and counts. */
static void FUP_12_what_repeats_or_names_no_topic_is_doubtful_and_counts(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"今天天气很好一起吃了午饭\"");
    struct bf_validity first = judge(&s);
    assert_int_equal(first.reasons, 0);
    s.in.last_digest = bf_str((const char *)first.digest, sizeof first.digest);
    assert_int_equal(judge(&s).reasons, REASON(REPEATED));
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_true(judge(&s).counts);
    topics(&s, "{\"topics\":[\"冷柜\"]}");
    assert_int_equal(judge(&s).reasons, REASON(REPEATED) | REASON(OFF_TOPIC));
    s.in.last_digest = bf_str(NULL, 0);
    assert_int_equal(judge(&s).reasons, REASON(OFF_TOPIC));
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_true(judge(&s).counts);
}

static void G_20_a_topic_or_a_word_of_the_policy_is_on_topic(void **state)
{
    static const char *const texts[] = {"今天看了门店冷柜的位置", "今天说好本月的预算再议", "客户说下周给出招标时间",
                                        "we looked at the ＣＯＬＤ  room again today", "today we spoke about their needs for next year"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct scene s = scene(state, bf_arena_printf(*state, CONTACT ",\"content\":\"%s\"", texts[i]));
        topics(&s, "{\"topics\":[\"冷柜\",\"Cold Room\"]}");
        assert_int_equal(judge(&s).reasons, 0);
    }
}

static void G_20_a_latin_topic_begins_where_a_word_begins(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"we drove all the way along the border today\"");
    topics(&s, "{\"topics\":[\"冷柜\"]}"); /* the policy has "order" */
    assert_int_equal(judge(&s).reasons, REASON(OFF_TOPIC));
}

static void G_03_a_voice_only_record_waits(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"media\":[" VOICE("1") "]");
    assert_int_equal(v.validity, BF_VALIDITY_IS_WAITING);
    assert_int_equal(v.reasons, REASON(VOICE_UNCONFIRMED) | REASON(NO_CONTENT) | REASON(TOO_SHORT));
    assert_false(v.counts);
    assert_false(v.from_transcript);
    v = judge_fields(state, CONTACT ",\"media\":[" MEDIUM("1", "photo", "image/jpeg") "]");
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID);
}

static void G_03_a_text_that_suffices_does_not_wait_for_its_voice_note(void **state)
{
    struct bf_validity v = judge_fields(state, CONTACT ",\"content\":\"客户要两台新机器\",\"media\":[" VOICE("1") "]");
    assert_int_equal(v.validity, BF_VALIDITY_IS_VALID);
    v = judge_fields(state, CONTACT ",\"content\":\"见录音\",\"media\":[" VOICE("1") "]");
    assert_int_equal(v.validity, BF_VALIDITY_IS_WAITING);
    v = judge_fields(state, "\"content\":\"客户要两台新机器\",\"media\":[" VOICE("1") "]");
    assert_int_equal(v.validity, BF_VALIDITY_IS_INVALID); /* no transcript will name a contact */
}

static void G_03_a_confirmed_transcript_is_judged_as_text(void **state)
{
    struct scene s = scene(state, CONTACT ",\"media\":[" VOICE("1") "]");
    s.in.n_confirmed = 1;
    s.confirmed[0] = BF_STR("客户要两台新机");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_INVALID);
    assert_int_equal(judge(&s).reasons, REASON(TOO_SHORT));
    s.confirmed[0] = BF_STR("客户要两台新机器");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_VALID);
    assert_true(judge(&s).from_transcript);
    assert_true(judge(&s).counts);
}

static void G_03_a_confirmed_text_that_is_a_banned_phrase_is_doubtful(void **state)
{
    struct scene s = scene(state, CONTACT ",\"media\":[" VOICE("1") "," VOICE("2") "]");
    ban(&s, "今天照例拜访了客户");
    s.in.n_confirmed = 2;
    s.confirmed[0] = BF_STR(" 今天照例　拜访了客户 ");
    s.confirmed[1] = BF_STR("今天照例拜访了客户");
    assert_int_equal(judge(&s).reasons, 0); /* the space is one of its own */
    s.confirmed[0] = BF_STR(" 今天照例拜访了客户　");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_int_equal(judge(&s).reasons, REASON(BANNED_PHRASE));
    s.confirmed[1] = BF_STR("客户要两台新机器");
    assert_int_equal(judge(&s).reasons, 0);
    s = scene(state, CONTACT ",\"content\":\"外出\",\"media\":[" VOICE("1") "]");
    s.in.n_confirmed = 1;
    s.confirmed[0] = BF_STR("客户要两台新机器");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_VALID);
}

static void G_03_text_and_transcript_count_together(void **state)
{
    struct scene s = scene(state, CONTACT ",\"content\":\"见录音\",\"media\":[" VOICE("1") "]");
    s.in.n_confirmed = 1;
    s.confirmed[0] = BF_STR("要两台机器");
    assert_int_equal(judge(&s).units, 8);
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_VALID);
}

static void G_03_one_of_two_notes_may_suffice(void **state)
{
    struct scene s = scene(state, CONTACT ",\"media\":[" VOICE("1") "," VOICE("2") "]");
    s.in.n_confirmed = 1;
    s.confirmed[0] = BF_STR("客户在开会");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_WAITING);
    s.in.n_confirmed = 2;
    s.confirmed[1] = BF_STR("要新机");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_VALID);
}

static void G_21_only_a_waiting_record_is_judged_again(void **state)
{
    (void)state;
    assert_true(bf_validity_is_open(BF_VALIDITY_IS_WAITING));
    assert_false(bf_validity_is_open(BF_VALIDITY_IS_VALID));
    assert_false(bf_validity_is_open(BF_VALIDITY_IS_DOUBTFUL));
    assert_false(bf_validity_is_open(BF_VALIDITY_IS_INVALID));
}

static void FUP_15_valid_and_doubtful_records_count(void **state)
{
    assert_true(judge_fields(state, CONTACT ",\"content\":\"客户要两台新机器\"").counts);
    assert_false(judge_fields(state, CONTACT ",\"content\":\"客户要两台新机\"").counts);
    struct scene s = scene(state, CONTACT ",\"content\":\"今天天气很好一起吃了午饭\"");
    topics(&s, "{\"topics\":[\"冷柜\"]}");
    assert_int_equal(judge(&s).validity, BF_VALIDITY_IS_DOUBTFUL);
    assert_true(judge(&s).counts);
}

static void G_20_what_waits_or_says_nothing_is_no_last_record(void **state)
{
    assert_true(judge_fields(state, CONTACT ",\"content\":\"客户要两台新机器\"").remember);
    assert_true(judge_fields(state, CONTACT ",\"content\":\"外出\"").remember);
    assert_false(judge_fields(state, CONTACT).remember);
    assert_false(judge_fields(state, CONTACT ",\"content\":\"见录音\",\"media\":[" VOICE("1") "]").remember);
}

static void G_18_every_reason_has_a_hint_in_both_languages(void **state)
{
    for (int reason = 0; reason < BF_VERDICT_REASON_WORDS_N; reason++) {
        struct bf_str zh = bf_validity_hint(*state, reason, BF_LANG_ZH, 3, 8), en = bf_validity_hint(*state, reason, BF_LANG_EN, 3, 8);
        assert_true(zh.n > 0 && en.n > 0 && (unsigned char)zh.p[0] >= 0x80 && (unsigned char)en.p[0] < 0x80);
        assert_null(memchr(zh.p, '%', zh.n));
        for (int other = 0; other < reason; other++)
            assert_false(bf_str_eq(zh, bf_validity_hint(*state, other, BF_LANG_ZH, 3, 8)));
    }
    assert_string_equal(bf_validity_hint(*state, BF_VERDICT_REASON_IS_TOO_SHORT, BF_LANG_EN, 3, 8).p,
                        "Write at least 8 words (there are 3): what was said, and what came of it");
    assert_string_equal(bf_validity_hint(*state, BF_VERDICT_REASON_IS_TOO_SHORT, BF_LANG_ZH, 3, 8).p,
                        "写到至少 8 个字（现有 3 个）：谈了什么，结果如何");
}

int test_validity(void)
{
    const struct CMUnitTest validity[] = {
        cmocka_unit_test(FUP_09_fewer_than_8_units_is_invalid),
        cmocka_unit_test(FUP_09_the_number_is_the_policys),
        cmocka_unit_test(G_19_a_run_of_one_character_counts_two_at_most),
        cmocka_unit_test(G_19_words_of_another_script_are_units),
        cmocka_unit_test(FUP_02_the_result_is_part_of_the_record),
        cmocka_unit_test(CUS_16_the_customers_own_words_do_not_count),
        cmocka_unit_test(FUP_10_without_contact_is_invalid),
        cmocka_unit_test(FUP_10_without_content_is_invalid),
        cmocka_unit_test(FUP_10_nothing_at_all_has_every_fault),
        cmocka_unit_test(FUP_11_the_phrases_of_the_rule_are_invalid),
        cmocka_unit_test(G_20_content_that_equals_a_banned_phrase_is_doubtful),
        cmocka_unit_test(FUP_11_a_phrase_within_a_longer_text_is_no_fault),
        cmocka_unit_test(G_20_a_repeat_of_the_last_record_is_doubtful),
        cmocka_unit_test(G_20_the_digest_is_the_sha256_of_the_folded_text),
        cmocka_unit_test(G_20_a_text_off_the_customers_topics_is_doubtful),
        cmocka_unit_test(FUP_12_what_repeats_or_names_no_topic_is_doubtful_and_counts),
        cmocka_unit_test(G_20_a_topic_or_a_word_of_the_policy_is_on_topic),
        cmocka_unit_test(G_20_a_latin_topic_begins_where_a_word_begins),
        cmocka_unit_test(G_03_a_voice_only_record_waits),
        cmocka_unit_test(G_03_a_text_that_suffices_does_not_wait_for_its_voice_note),
        cmocka_unit_test(G_03_a_confirmed_transcript_is_judged_as_text),
        cmocka_unit_test(G_03_a_confirmed_text_that_is_a_banned_phrase_is_doubtful),
        cmocka_unit_test(G_03_text_and_transcript_count_together),
        cmocka_unit_test(G_03_one_of_two_notes_may_suffice),
        cmocka_unit_test(G_21_only_a_waiting_record_is_judged_again),
        cmocka_unit_test(FUP_15_valid_and_doubtful_records_count),
        cmocka_unit_test(G_20_what_waits_or_says_nothing_is_no_last_record),
        cmocka_unit_test(G_18_every_reason_has_a_hint_in_both_languages),
    };
    return cmocka_run_group_tests(validity, with_arena, without_arena);
}
