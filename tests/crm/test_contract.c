/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/contract.h"
#include "tests/crm/make.h"

enum { AWAITING = BF_CONTRACT_STATE_IS_AWAITING_PAGES, UPLOADED = BF_CONTRACT_STATE_IS_UPLOADED, IN_REVIEW = BF_CONTRACT_STATE_IS_IN_REVIEW };
enum { APPROVED = BF_CONTRACT_STATE_IS_APPROVED, REJECTED = BF_CONTRACT_STATE_IS_REJECTED, SUPERSEDED = BF_CONTRACT_STATE_IS_SUPERSEDED, NO = -1 };

static const struct bf_uuid rep = {{1}}, shen = {{2}}, tang = {{3}}, nobody;
static const int64_t minute = 60000, now = 1000 * 60000;

static void G_05_each_state_allows_what_the_picture_shows(void **state)
{
    static const int expected[BF_CONTRACT_STATE_WORDS_N][BF_CV_COUNT] = {
        /*               change    complete  claim      release   note       approve   reject    reopen    supersede */
        [AWAITING] =    {AWAITING, UPLOADED, NO,        NO,       NO,        NO,       NO,       NO,       SUPERSEDED},
        [UPLOADED] =    {AWAITING, NO,       IN_REVIEW, NO,       NO,        NO,       NO,       NO,       SUPERSEDED},
        [IN_REVIEW] =   {NO,       NO,       IN_REVIEW, UPLOADED, IN_REVIEW, APPROVED, REJECTED, NO,       NO},
        [APPROVED] =    {NO,       NO,       NO,        NO,       NO,        NO,       NO,       UPLOADED, SUPERSEDED},
        [REJECTED] =    {AWAITING, NO,       NO,        NO,       NO,        NO,       NO,       NO,       SUPERSEDED},
        [SUPERSEDED] =  {NO,       NO,       NO,        NO,       NO,        NO,       NO,       NO,       NO},
    };
    (void)state;
    for (int from = 0; from < BF_CONTRACT_STATE_WORDS_N; from++)
        for (int verb = 0; verb < BF_CV_COUNT; verb++)
            assert_int_equal(bf_contract_next(from, (enum bf_contract_verb)verb), expected[from][verb]);
}

#define PAGE(n)                                                                                                                            \
    "{\"id\":\"01900000-0000-7000-8000-00000000000" n "\",\"media\":\"01900000-0000-7000-8000-0000000000a" n "\",\"sha256\":"                 \
    "\"abababababababababababababababababababababababababababababababab\",\"type\":\"image/jpeg\"}"
#define FACTS "\"number\":\"HT-1\",\"amount\":{\"minor\":100,\"currency\":\"CNY\"},\"signed_on\":\"2026-11-20\",\"parties\":[\"甲\",\"乙\"]"
#define CUSTOMER "\"customer\":\"01900000-0000-7000-8000-0000000000c1\""

static struct bf_contract_step at(struct bf_uuid who, int64_t ms) { return (struct bf_contract_step){.who = who, .now_ms = ms}; }

static struct bf_object *entered(struct bf_arena *arena)
{
    struct bf_object *customer = bf_object_create(arena, &bf_customer_schema);
    struct bf_object *c = make(arena, &bf_contract_schema, "{" CUSTOMER "," FACTS ",\"pages\":[" PAGE("1") "," PAGE("2") "]}");
    struct bf_contract_step step = at(rep, now);
    bf_contract_begin(arena, c, customer, &step);
    return c;
}

static struct bf_object *uploaded(struct bf_arena *arena)
{
    struct bf_object *c = entered(arena);
    struct bf_contract_step step = at(nobody, now);
    assert_true(bf_contract_complete(c, &step, now + 100, now + 50));
    return c;
}

static struct bf_object *claimed(struct bf_arena *arena)
{
    struct bf_object *c = uploaded(arena);
    struct bf_contract_step step = at(shen, now);
    struct bf_error e = {0};
    assert_int_equal(bf_contract_claim(c, &step, 30 * minute, &e), BF_OK);
    return c;
}

static int64_t get(const struct bf_object *c, unsigned row) { return bf_get_int(c, row); }
static int state_of(const struct bf_object *c) { return bf_get_enum(c, BF_CONTRACT_STATE); }

static void G_05_its_age_is_that_of_the_first_time_it_was_complete(void **state)
{
    struct bf_object *c = uploaded(*state), *patch;
    struct bf_contract_step later = at(rep, now + minute);
    struct bf_error e = {0};
    assert_int_equal(get(c, BF_CONTRACT_COMPLETE_AT), now);
    assert_int_equal(get(c, BF_CONTRACT_DUE_AT), now + 100);
    assert_false(bf_has(c, BF_CONTRACT_RESERVED_FOR));
    struct bf_object *after = make_change(*state, c, "{\"pages\":[" PAGE("1") "]}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &later, &e), BF_OK);
    assert_int_equal(state_of(after), AWAITING);
    assert_true(bf_contract_complete(after, &later, now + 900, now + 900));
    assert_int_equal(get(after, BF_CONTRACT_COMPLETE_AT), now);
    assert_int_equal(get(after, BF_CONTRACT_DUE_AT), now + 100);
}

static void G_05_a_claim_holds_to_the_end_of_its_lease(void **state)
{
    struct bf_object *c = claimed(*state);
    struct bf_contract_step last = at(tang, now + 30 * minute - 1), over = at(tang, now + 30 * minute);
    struct bf_error e = {0};
    assert_int_equal(bf_contract_state(c, &last), IN_REVIEW);
    assert_int_equal(bf_contract_claim(c, &last, 30 * minute, &e), BF_E_CONFLICT);
    assert_true(has_fault(&e, "/reviewer", "held"));
    assert_false(bf_contract_expire(c, &last));
    assert_int_equal(bf_contract_state(c, &over), UPLOADED);
    last.who = over.who = shen;
    assert_int_equal(bf_contract_hold(c, &last, &e), BF_OK);
    assert_int_equal(bf_contract_hold(c, &over, &e), BF_E_CONFLICT);
    over.renewed_until = over.now_ms + 1;
    assert_int_equal(bf_contract_hold(c, &over, &e), BF_OK);
    over.renewed_until = 0;
    assert_true(bf_contract_expire(c, &over));
    assert_int_equal(state_of(c), UPLOADED);
    assert_false(bf_has(c, BF_CONTRACT_REVIEWER));
}

static void G_05_who_holds_it_may_claim_it_again_and_it_is_the_same_claim(void **state)
{
    struct bf_object *c = claimed(*state);
    struct bf_contract_step again = at(shen, now + minute), other = at(tang, now + 40 * minute);
    struct bf_error e = {0};
    assert_int_equal(get(c, BF_CONTRACT_CLAIM), 1);
    assert_int_equal(bf_contract_claim(c, &again, 30 * minute, &e), BF_OK);
    assert_int_equal(get(c, BF_CONTRACT_CLAIM), 1);
    assert_int_equal(get(c, BF_CONTRACT_CLAIMED_UNTIL), now + 31 * minute);
    assert_int_equal(bf_contract_claim(c, &other, 30 * minute, &e), BF_OK);
    assert_int_equal(get(c, BF_CONTRACT_CLAIM), 2);
}

static void G_05_who_gave_a_page_neither_claims_nor_approves(void **state)
{
    struct bf_object *c = uploaded(*state), *patch;
    struct bf_contract_step by_rep = at(rep, now), by_shen = at(shen, now);
    struct bf_error e = {0};
    assert_int_equal(bf_contract_claim(c, &by_rep, minute, &e), BF_E_FORBIDDEN);
    struct bf_object *after = make_change(*state, c, "{\"pages\":[" PAGE("1") "," PAGE("3") "]}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &by_shen, &e), BF_OK);
    assert_true(bf_contract_complete(after, &by_shen, now, now));
    assert_int_equal(bf_contract_claim(after, &by_shen, minute, &e), BF_E_FORBIDDEN);
    assert_true(has_fault(&e, "/uploader", "own_page"));
}

static struct bf_object *rejection(struct bf_arena *arena, const char *json) { return make(arena, &bf_rejection_schema, json); }

static void G_05_a_retake_is_reserved_for_the_reviewer_who_knows_it(void **state)
{
    struct bf_object *c = claimed(*state), *patch;
    struct bf_contract_step by_shen = at(shen, now), by_rep = at(rep, now + 5);
    struct bf_error e = {0};
    assert_int_equal(bf_contract_reject(*state, c, rejection(*state, "{\"code\":\"page_missing\"}"), &by_shen, &e), BF_OK);
    assert_int_equal(state_of(c), REJECTED);
    struct bf_object *after = make_change(*state, c, "{\"pages\":[" PAGE("1") "," PAGE("2") "," PAGE("3") "]}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &by_rep, &e), BF_OK);
    assert_true(bf_contract_complete(after, &by_rep, now + 700, now + 500));
    assert_int_equal(get(after, BF_CONTRACT_COMPLETE_AT), now);
    assert_int_equal(get(after, BF_CONTRACT_DUE_AT), now + 700);
    struct bf_contract_step last = at(tang, now + 499), open = at(tang, now + 500);
    assert_int_equal(bf_contract_claim(bf_object_copy(*state, after), &last, minute, &e), BF_E_CONFLICT);
    assert_true(has_fault(&e, "/reserved_for", "reserved"));
    assert_int_equal(bf_contract_claim(bf_object_copy(*state, after), &open, minute, &e), BF_OK);
    last.who = shen;
    assert_int_equal(bf_contract_claim(after, &last, minute, &e), BF_OK);
    assert_false(bf_has(after, BF_CONTRACT_RESERVED_FOR));
}

static void G_05_a_rejection_says_what_its_reason_needs(void **state)
{
    static const struct {
        const char *json, *pointer, *code;
    } wrong[] = {
        {"{\"code\":\"unreadable\"}", "/page", "required"},
        {"{\"code\":\"other\"}", "/note", "required"},
        {"{\"code\":\"other\",\"note\":\" …\"}", "/note", "required"},
        {"{\"code\":\"unreadable\",\"page\":\"01900000-0000-7000-8000-000000000009\"}", "/page", "unknown"},
        {"{\"code\":\"page_missing\",\"mark\":\"01900000-0000-7000-8000-000000000009\"}", "/mark", "unknown"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bf_object *c = claimed(*state);
        struct bf_contract_step step = at(shen, now);
        struct bf_error e = {0};
        assert_int_equal(bf_contract_reject(*state, c, rejection(*state, wrong[i].json), &step, &e), BF_E_UNPROCESSABLE);
        assert_true(has_fault(&e, wrong[i].pointer, wrong[i].code));
    }
}

static void G_05_marks_stay_on_the_picture_and_go_with_it(void **state)
{
    struct bf_object *c = claimed(*state), *patch;
    struct bf_contract_step step = at(shen, now), by_rep = at(rep, now);
    struct bf_error e = {0};
    struct bf_object *mark = make(*state, &bf_mark_schema,
                                  "{\"id\":\"01900000-0000-7000-8000-0000000000f1\",\"media\":\"01900000-0000-7000-8000-0000000000a2\","
                                  "\"x\":9000,\"y\":0,\"w\":1000,\"h\":10000}");
    assert_int_equal(bf_contract_mark(*state, c, mark, &step, &e), BF_OK);
    assert_int_equal(bf_contract_mark(*state, c, mark, &step, &e), BF_OK);
    assert_int_equal(bf_get_array(c, BF_CONTRACT_MARKS).n, 1);
    bf_set_int(mark, BF_MARK_W, 1001);
    assert_int_equal(bf_contract_mark(*state, c, mark, &step, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/w", "too_large"));
    assert_int_equal(bf_contract_reject(*state, c,
                                        rejection(*state, "{\"code\":\"unreadable\",\"page\":\"01900000-0000-7000-8000-000000000001\","
                                                          "\"mark\":\"01900000-0000-7000-8000-0000000000f1\"}"),
                                        &step, &e),
                     BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/mark", "unknown"));
    assert_int_equal(bf_contract_reject(*state, c,
                                        rejection(*state, "{\"code\":\"unreadable\",\"page\":\"01900000-0000-7000-8000-000000000002\","
                                                          "\"mark\":\"01900000-0000-7000-8000-0000000000f1\"}"),
                                        &step, &e),
                     BF_OK);
    struct bf_object *after = make_change(*state, c, "{\"pages\":[" PAGE("1") "]}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &by_rep, &e), BF_OK);
    assert_int_equal(bf_get_array(after, BF_CONTRACT_MARKS).n, 0);
}

static void G_05_a_correction_keeps_what_stood_there(void **state)
{
    struct bf_object *c = claimed(*state);
    struct bf_contract_step step = at(shen, now);
    struct bf_error e = {0};
    struct bf_object *silent = make(*state, &bf_draft_schema, "{\"number\":\"HT-2\"}");
    assert_int_equal(bf_contract_draft(*state, c, silent, &step, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    struct bf_object *draft = make(*state, &bf_draft_schema, "{\"number\":\"HT-2\",\"signed_on\":\"2026-11-20\",\"reason\":\"纸上如此\"}");
    assert_int_equal(bf_contract_draft(*state, c, draft, &step, &e), BF_OK);
    assert_int_equal(bf_contract_approve(*state, c, &step, &e), BF_OK);
    assert_true(bf_str_eqz(bf_get_str(c, BF_CONTRACT_NUMBER), "HT-2"));
    const struct bf_object *kept = bf_get_array(c, BF_CONTRACT_CORRECTIONS).items[0].object;
    const struct bf_object *before = bf_get_object(kept, BF_CORRECTION_BEFORE);
    assert_true(bf_str_eqz(bf_get_str(before, BF_FACTS_NUMBER), "HT-1"));
    assert_false(bf_has(before, BF_FACTS_SIGNED_ON));
    assert_true(bf_str_eqz(bf_get_str(kept, BF_CORRECTION_REASON), "纸上如此"));
    assert_false(bf_has(c, BF_CONTRACT_DRAFT));
    assert_int_equal(get(c, BF_CONTRACT_APPROVED_AT), now);
}

static void G_05_an_approval_is_taken_back_with_a_reason_and_keeps_its_place(void **state)
{
    struct bf_object *c = claimed(*state);
    struct bf_contract_step step = at(shen, now), later = at(tang, now + minute);
    struct bf_error e = {0};
    assert_int_equal(bf_contract_approve(*state, c, &step, &e), BF_OK);
    assert_int_equal(bf_contract_reopen(c, BF_STR(" "), &later, now + 3, &e), BF_E_UNPROCESSABLE);
    assert_int_equal(bf_contract_reopen(c, BF_STR("又来一页"), &later, now + 3, &e), BF_OK);
    assert_int_equal(state_of(c), UPLOADED);
    assert_int_equal(get(c, BF_CONTRACT_COMPLETE_AT), now);
    assert_int_equal(get(c, BF_CONTRACT_DUE_AT), now + 3);
    assert_false(bf_has(c, BF_CONTRACT_APPROVED_AT));
}

static void D_03_changed_facts_of_a_contract_state_their_reason(void **state)
{
    struct bf_object *c = uploaded(*state), *patch;
    struct bf_contract_step step = at(rep, now);
    struct bf_error e = {0};
    struct bf_object *after = make_change(*state, c, "{\"number\":\"HT-9\"}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &step, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/reason", "required"));
    after = make_change(*state, c, "{\"number\":\"HT-9\",\"reason\":\"抄错\"}", &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &step, &e), BF_OK);
}

static void CON_03_a_page_is_a_photo_and_its_bytes_never_change(void **state)
{
    struct bf_object *c = uploaded(*state), *patch;
    struct bf_contract_step step = at(rep, now);
    struct bf_error e = {0};
    struct bf_object *after = make_change(*state, c,
                                          "{\"pages\":[{\"id\":\"01900000-0000-7000-8000-000000000001\",\"media\":\"01900000-0000-7000-8000-0000000000a1\","
                                          "\"sha256\":\"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\",\"type\":\"image/jpeg\"}]}",
                                          &patch);
    assert_int_equal(bf_contract_change(*state, c, patch, after, &step, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/pages/0/sha256", "immutable"));
    struct bf_object *sound = make(*state, &bf_contract_schema, "{" CUSTOMER "," FACTS ",\"pages\":[" PAGE("1") "]}");
    bf_set_str(bf_get_array(sound, BF_CONTRACT_PAGES).items[0].object, BF_CONTRACT_PAGE_TYPE, BF_STR("audio/ogg"));
    assert_int_equal(bf_contract_check(sound, &e), BF_E_UNPROCESSABLE);
    assert_true(has_fault(&e, "/pages/0/type", "unsupported_type"));
}

static void G_17_money_has_a_currency_of_iso_4217(void **state)
{
    struct bf_object *c = make(*state, &bf_contract_schema, "{" CUSTOMER "," FACTS ",\"pages\":[" PAGE("1") "]}");
    struct bf_object *amount = c->v[BF_CONTRACT_AMOUNT].object;
    struct bf_error e = {0};
    assert_int_equal(bf_contract_check(c, &e), BF_OK);
    static const char *const wrong[] = {"cny", "XQQ", "C1Y", "RMB"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bf_set_str(amount, BF_MONEY_CURRENCY, bf_strz(wrong[i]));
        e = (struct bf_error){0};
        assert_int_equal(bf_contract_check(c, &e), BF_E_UNPROCESSABLE);
        assert_true(has_fault(&e, "/amount/currency", "bad_currency"));
    }
}

int test_contract(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(G_05_each_state_allows_what_the_picture_shows),
        cmocka_unit_test(G_05_its_age_is_that_of_the_first_time_it_was_complete),
        cmocka_unit_test(G_05_a_claim_holds_to_the_end_of_its_lease),
        cmocka_unit_test(G_05_who_holds_it_may_claim_it_again_and_it_is_the_same_claim),
        cmocka_unit_test(G_05_who_gave_a_page_neither_claims_nor_approves),
        cmocka_unit_test(G_05_a_retake_is_reserved_for_the_reviewer_who_knows_it),
        cmocka_unit_test(G_05_a_rejection_says_what_its_reason_needs),
        cmocka_unit_test(G_05_marks_stay_on_the_picture_and_go_with_it),
        cmocka_unit_test(G_05_a_correction_keeps_what_stood_there),
        cmocka_unit_test(G_05_an_approval_is_taken_back_with_a_reason_and_keeps_its_place),
        cmocka_unit_test(D_03_changed_facts_of_a_contract_state_their_reason),
        cmocka_unit_test(CON_03_a_page_is_a_photo_and_its_bytes_never_change),
        cmocka_unit_test(G_17_money_has_a_currency_of_iso_4217),
    };
    return cmocka_run_group_tests(tests, with_arena, without_arena);
}
