/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions, entries and receipts. */
#include "tests/storage/contract/suite.h"

static void a_decision_is_committed_and_answered(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK);
    assert_int_equal(r.http_status, 201);
    assert_true(bf_str_eqz(r.body, "one r1"));
    assert_false(r.replay);
    assert_int_equal(r.n, 1);
    struct bf_doc *doc = get(s, &items, tenant_a, one.id);
    assert_string_equal(name_of(doc), "one");
    assert_int_equal(doc->rev, 1);
    assert_int_equal(doc->n, 1);
    assert_int_equal(doc->k, 0);
}

SUITE_PART(suite_commit, SUITE_TEST(a_decision_is_committed_and_answered));
