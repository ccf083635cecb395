/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/number.h"
#include "tests/crm/make.h"

static void G_22_a_number_is_KH_year_month_and_three_digits_or_more(void **state)
{
    assert_string_equal(bf_number_text(*state, 2023, 10, 1).p, "KH202310001");
    assert_string_equal(bf_number_text(*state, 2023, 1, 99).p, "KH202301099");
    assert_string_equal(bf_number_text(*state, 2026, 12, 999).p, "KH202612999");
    assert_string_equal(bf_number_text(*state, 2026, 12, 1000).p, "KH2026121000");
    assert_int_equal(bf_number_text(*state, 2026, 12, 1000).n, 12);
}

static void CUS_11_the_longest_number_fits_its_field(void **state)
{
    assert_true((int64_t)bf_number_text(*state, 9999, 12, 999999999999).n <= bf_customer_schema.fields[BF_CUSTOMER_NUMBER].max);
}

static void G_22_the_month_is_the_tenants(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_times; i++) {
        int year, month;
        assert_true(bf_number_period(bf_strz(time_table[i].zone), time_table[i].at, &year, &month));
        assert_int_equal(year, time_table[i].year);
        assert_int_equal(month, time_table[i].month);
    }
    int year = 0, month = 0;
    assert_false(bf_number_period(BF_STR("Nowhere/City"), 0, &year, &month));
}

int test_number(void)
{
    const struct CMUnitTest number[] = {
        cmocka_unit_test(G_22_a_number_is_KH_year_month_and_three_digits_or_more),
        cmocka_unit_test(CUS_11_the_longest_number_fits_its_field),
        cmocka_unit_test(G_22_the_month_is_the_tenants),
    };
    return cmocka_run_group_tests(number, with_arena, without_arena);
}
