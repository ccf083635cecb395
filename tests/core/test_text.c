/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/text.h"
#include "tests/test.h"

static void utf8_is_judged_as_the_unicode_standard_does(void **state)
{
    (void)state;
    /* Boundaries of table 3-7, and the usual forgeries. */
    static const struct bf_str good[] = {BF_STR(""),
                                         BF_STR("a"),
                                         BF_STR("\xc2\x80"),
                                         BF_STR("\xdf\xbf"),
                                         BF_STR("\xe0\xa0\x80"),
                                         BF_STR("\xed\x9f\xbf"),
                                         BF_STR("\xee\x80\x80"),
                                         BF_STR("\xef\xbf\xbf"),
                                         BF_STR("\xf0\x90\x80\x80"),
                                         BF_STR("\xf4\x8f\xbf\xbf")};
    static const struct bf_str bad[] = {BF_STR("\0"),
                                        BF_STR("\x80"),
                                        BF_STR("\xc0\x80"),
                                        BF_STR("\xc1\xbf"),
                                        BF_STR("\xc2"),
                                        BF_STR("\xe0\x9f\xbf"),
                                        BF_STR("\xed\xa0\x80"),
                                        BF_STR("\xed\xbf\xbf"),
                                        BF_STR("\xe4\xb8"),
                                        BF_STR("\xe4\xb8z"),
                                        BF_STR("\xf0\x8f\xbf\xbf"),
                                        BF_STR("\xf4\x90\x80\x80"),
                                        BF_STR("\xf5\x80\x80\x80"),
                                        BF_STR("\xff"),
                                        BF_STR("\xf0\x9f\x98")};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(bf_text_is_utf8(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(bf_text_is_utf8(bad[i]));
}

static void length_counts_characters_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(bf_text_length(BF_STR("")), 0);
    assert_int_equal(bf_text_length(BF_STR("a客户😀é")), 5);
}

static void g_19_units_count_han_and_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned units;
    } cases[] = {
        {"", 0},
        {"客户已确认预算", 7},
        {"客户已确认预算了", 8},
        {"已与张经理沟通，下周签约", 11}, /* punctuation counts nothing */
        {"客户 很  满意！！！。。。", 5},
        {"call back tomorrow", 3},
        {"price 3.5 or 1,000", 4},
        {"don't it’s", 2},
        {"a.b", 2},
        {"客户要 iPhone15 三台", 6},
        {"ＡＢＣ１２３", 1},  /* full width is still one word */
        {"好好好好好", 2},    /* of a run two count */
        {"好 好，好！好", 2}, /* whatever stands between that counts nothing */
        {"好坏好坏", 4},
        {"哈哈哈客户哈哈哈", 6},
        {"a a a a", 2},
        {"aaaa bbbb", 2},
        {"aaaa a aa", 2},
        {"😀😀👍🏽❤️🇨🇳", 0},
        {"1️⃣2️⃣3️⃣", 0}, /* keycaps are emoji */
        {"〇々", 2},                  /* both of script Han */
        {"𠮷野家", 3},                /* beyond the basic plane */
        {"カタカナ ひらがな", 2},
        {"한국어 문장", 2},
        {"e\xcc\x81te\xcc\x81", 1}, /* combining marks stay inside their word */
        {"\xcc\x81", 0},
        {"- — … ￥ %", 0},
        {"\xff\xfe客", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (bf_text_units(bf_strz(cases[i].text)) != cases[i].units)
            fail_msg("\"%s\": %u units, not %u", cases[i].text, bf_text_units(bf_strz(cases[i].text)), cases[i].units);
}

static void folding_makes_what_people_typed_comparable(void **state)
{
    static const char *const same[][2] = {
        {"ＡＢＣ　公司", "abc 公司"}, {"  a \t\n b  ", "a b"},     {"Straße", "STRASSE"}, {"①", "1"},
        {"e\xcc\x81", "é"},           {"ﷺ", "صلى الله عليه وسلم"}, {"", "   "},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct bf_str a = bf_text_fold(*state, bf_strz(same[i][0])), b = bf_text_fold(*state, bf_strz(same[i][1]));
        if (!bf_str_eq(a, b))
            fail_msg("\"%s\" and \"%s\" fold to %.*s and %.*s", same[i][0], same[i][1], BF_FMT(a), BF_FMT(b));
    }
    assert_true(bf_str_eqz(bf_text_fold(*state, BF_STR("ＡＢＣ　公司")), "abc 公司"));
}

static int key_order(struct bf_str a, struct bf_str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static void sort_keys_follow_pinyin(void **state)
{
    /* an1 bei3 guang3 shang4 wu1 zhang1; CLDR puts Han between digits and Latin letters for Chinese readers. */
    static const char *const sorted[] = {"12", "安徽", "北京", "广州", "上海", "乌鲁木齐", "张三", "张三丰", "abc", "Bcd"};
    for (size_t i = 1; i < sizeof sorted / sizeof sorted[0]; i++) {
        struct bf_str a = bf_text_sort_key(*state, bf_strz(sorted[i - 1])), b = bf_text_sort_key(*state, bf_strz(sorted[i]));
        if (key_order(a, b) >= 0)
            fail_msg("%s does not sort before %s", sorted[i - 1], sorted[i]);
    }
}

static void a_sort_key_has_its_limit(void **state)
{
    char text[3001];
    for (int i = 0; i < 1000; i++)
        memcpy(text + 3 * i, "张", 3);
    assert_in_range(bf_text_sort_key(*state, bf_str(text, 3000)).n, 100, 255);
    assert_in_range(bf_text_sort_key(*state, bf_str(NULL, 0)).n, 0, 255);
}

static int make_arena(void **state)
{
    *state = bf_arena_create();
    return 0;
}

static int free_arena(void **state)
{
    struct bf_arena *arena = *state;
    bf_arena_destroy(&arena);
    return 0;
}

#define WITH_ARENA(f) cmocka_unit_test_setup_teardown(f, make_arena, free_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_judged_as_the_unicode_standard_does),
        cmocka_unit_test(length_counts_characters_not_bytes),
        cmocka_unit_test(g_19_units_count_han_and_words),
        WITH_ARENA(folding_makes_what_people_typed_comparable),
        WITH_ARENA(sort_keys_follow_pinyin),
        WITH_ARENA(a_sort_key_has_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
