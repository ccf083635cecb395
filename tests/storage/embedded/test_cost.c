/* SPDX-License-Identifier: Apache-2.0 */
/* What a query costs beyond what it gives. */
#include "tests/storage/embedded/rig.h"

/* One of many meets the conditions: the memory of the page is not that of all that was read and decoded to find it. */
static void what_conditions_throw_away_is_not_kept(void **state)
{
    struct suite *s = *state;
    enum { ALL = 2000, TEXT = 200 };
    char text[TEXT + 1];
    struct bf_write writes[ALL];
    enum bf_status rets[ALL];
    struct bf_page page;
    memset(text, 'x', TEXT);
    text[TEXT] = '\0';
    for (unsigned i = 0; i < ALL; i++)
        writes[i] = (struct bf_write){
            .kind = BF_W_INSERT, .coll = &notes, .doc = thing(s, &notes, tenant_a, suite_uuid(i + 1), i == ALL - 1 ? "rare" : text)};
    assert_int_equal(bf_store_write(s->store, writes, ALL, rets, NULL), BF_OK);
    struct bf_value rare = {.type = BF_T_STRING, .s = BF_STR("rare")};
    struct bf_cond named = {T_NAME, BF_EQ, &rare, 1};
    struct bf_query q = {.coll = &notes, .tenant = tenant_a, .conds = &named, .n_conds = 1, .limit = 20};
    for (unsigned descending = 0; descending < 2; descending++) {
        size_t before = bf_arena_used(s->arena);
        q.descending = descending;
        assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
        assert_int_equal(page.n, 1);
        assert_string_equal(name_of(page.docs[0]), "rare");
        assert_true(bf_arena_used(s->arena) - before < ALL * TEXT / 10);
    }
}

SUITE_PART(suite_cost, SUITE_TEST(what_conditions_throw_away_is_not_kept));
