/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions, the view they see, and the entries they make. */
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
    assert_null(get(s, &items, tenant_b, one.id));
}

static void each_tenant_has_its_own_numbers(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    int64_t head = -1;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 0);
    submit_rename(s, tenant_a, 1, &one, &r);
    submit_rename(s, tenant_a, 2, &one, &r);
    assert_int_equal(r.n, 2);
    submit_rename(s, tenant_b, 1, &one, &r);
    assert_int_equal(r.n, 1);
    assert_false(r.replay);
    suite_reopen(s);
    submit_rename(s, tenant_a, 3, &one, &r);
    assert_int_equal(r.n, 3);
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 3);
    assert_int_equal(get(s, &items, tenant_a, one.id)->rev, 3);
}

static enum bf_status refuse(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct rename *r = ctx;
    struct bf_doc *doc = bf_doc_create(arena, r->coll->schema, bf_view_tenant(view), r->id);
    bf_decision_put(d, r->coll, doc);
    bf_decision_receipt(d, 201, BF_STR("never"), r->id);
    r->calls++;
    return bf_fail_field(e, BF_E_UNPROCESSABLE, "/name", "required", "say a name");
}

static void a_refusal_changes_nothing_and_is_decided_again(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    int64_t head;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_read read = {&items, one.id};
    assert_int_equal(submit_as(s, tenant_a, 1, 1, &read, 1, refuse, &one, &r), BF_E_UNPROCESSABLE);
    assert_int_equal(r.n, 0);
    assert_int_equal(r.error.n_fields, 1);
    assert_string_equal(r.error.fields[0].code, "required");
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 0);
    assert_null(get(s, &items, tenant_a, one.id));
    assert_int_equal(submit_as(s, tenant_a, 1, 1, &read, 1, refuse, &one, &r), BF_E_UNPROCESSABLE);
    assert_int_equal(one.calls, 2);
    assert_int_equal(submit_as(s, tenant_a, 1, 2, &read, 1, decide_rename, &one, &r), BF_OK); /* the id is not taken either */
}

static enum bf_status only_answer(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    (void)arena;
    (void)e;
    ++*(unsigned *)ctx;
    assert_true(bf_view_at_ms(view) >= 1800000000000);
    bf_decision_receipt(d, 200, BF_STR("would"), (struct bf_uuid){{0}});
    return BF_OK;
}

static void an_answer_without_changes_commits_nothing_and_is_not_remembered(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    unsigned calls = 0;
    int64_t head;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(submit_as(s, tenant_a, 1, 1, NULL, 0, only_answer, &calls, &r), BF_OK);
        assert_true(bf_str_eqz(r.body, "would") && r.n == 0 && !r.replay);
    }
    assert_int_equal(calls, 2);
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 0);
}

static enum bf_status put_tombstone(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx,
                                    struct bf_error *e)
{
    (void)view;
    (void)arena;
    (void)e;
    bf_decision_tombstone(d, &items, *(struct bf_uuid *)ctx);
    bf_decision_receipt(d, 204, bf_str("", 0), (struct bf_uuid){{0}});
    return BF_OK;
}

static unsigned page_of_owner(struct suite *s, struct bf_uuid owner)
{
    struct bf_page page;
    struct bf_value v = {.type = BF_T_UUID, .uuid = owner};
    struct bf_cond cond = {T_OWNER, BF_EQ, &v, 1};
    struct bf_query q = {.coll = &items, .tenant = tenant_a, .conds = &cond, .n_conds = 1, .index = &items_by_owner, .limit = 100};
    assert_int_equal(bf_store_find(s->store, &q, s->arena, &page, NULL), BF_OK);
    return page.n;
}

static void a_tombstone_stays_and_leaves_the_lists(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one", .owner = suite_uuid(50)};
    struct bf_read read = {&items, one.id};
    submit_rename(s, tenant_a, 1, &one, &r);
    assert_int_equal(page_of_owner(s, one.owner), 1);
    assert_int_equal(submit_as(s, tenant_a, 2, 1, &read, 1, put_tombstone, &one.id, &r), BF_OK);
    struct bf_doc *doc = get(s, &items, tenant_a, one.id);
    assert_true(doc != NULL && doc->tombstone);
    assert_int_equal(doc->rev, 2);
    assert_false(bf_has(&doc->object, T_NAME));
    assert_int_equal(page_of_owner(s, one.owner), 0);
    submit_rename(s, tenant_a, 3, &one, &r); /* a decision may bring it back */
    assert_true(bf_str_eqz(r.body, "one r3"));
    assert_int_equal(page_of_owner(s, one.owner), 1);
}

/* ---- in one batch ---- */

static enum bf_status count_up(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *old = bf_view_get(view, &items, *(struct bf_uuid *)ctx);
    struct bf_doc *doc =
        old == NULL ? bf_doc_create(arena, &thing_schema, bf_view_tenant(view), *(struct bf_uuid *)ctx) : bf_doc_copy(arena, old);
    (void)e;
    bf_set_int(&doc->object, T_SCORE, bf_get_int(&doc->object, T_SCORE) + 1);
    bf_decision_put(d, &items, doc);
    bf_decision_receipt(d, 200, bf_strz(bf_arena_printf(arena, "%lld", (long long)bf_get_int(&doc->object, T_SCORE))), doc->id);
    return BF_OK;
}

static void later_requests_of_a_batch_see_what_earlier_ones_did(void **state)
{
    struct suite *s = *state;
    enum { N = 40 };
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    struct gather *g = gather_create(N);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < N; i++)
        gather_submit(s, g, i, tenant_a, i, 1, &read, 1, count_up, &counter);
    gate_open(&gate);
    gather_wait(g);
    for (unsigned i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "%u", i + 1);
        assert_true(bf_str_eqz(gather_receipt(g, i)->body, text));
        assert_int_equal(gather_receipt(g, i)->n, 1); /* what waited together is one entry */
    }
    struct bf_doc *doc = get(s, &items, tenant_a, counter);
    assert_int_equal(bf_get_int(&doc->object, T_SCORE), N);
    assert_int_equal(doc->rev, N);
    assert_int_equal(doc->n, 1);
    assert_int_equal(doc->k, N - 1);
    gather_destroy(&g);
}

static enum bf_status take_once(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    if (bf_view_get(view, &items, *(struct bf_uuid *)ctx) != NULL)
        return bf_fail(e, BF_E_DUPLICATE, "taken");
    return count_up(view, d, arena, ctx, e);
}

static void a_key_is_taken_once_within_a_batch(void **state)
{
    struct suite *s = *state;
    struct bf_uuid key = suite_uuid(1);
    struct bf_read read = {&items, key};
    struct gather *g = gather_create(8);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < 8; i++)
        gather_submit(s, g, i, tenant_a, i, 1, &read, 1, take_once, &key);
    gate_open(&gate);
    gather_wait(g);
    assert_int_equal(gather_receipt(g, 0)->status, BF_OK);
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(gather_receipt(g, i)->status, BF_E_DUPLICATE);
    gather_destroy(&g);
}

/* Takes for granted that what it asks for is there. */
static enum bf_status read_outside(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf_doc *other = bf_view_get(view, &items, suite_uuid(2));
    assert_int_equal(bf_get_int(&other->object, T_SCORE), 0);
    return count_up(view, d, arena, ctx, e);
}

static enum bf_status put_outside(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    bf_decision_put(d, &items, bf_doc_create(arena, &thing_schema, bf_view_tenant(view), suite_uuid(2)));
    return count_up(view, d, arena, ctx, e);
}

static enum bf_status bury_outside(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    count_up(view, d, arena, ctx, e);
    bf_decision_tombstone(d, &items, suite_uuid(2));
    return bf_fail(e, BF_E_DUPLICATE, "whatever it says");
}

static void a_decision_that_leaves_its_read_set_costs_that_request_alone(void **state)
{
    struct suite *s = *state;
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    bf_decide_fn *const decides[] = {count_up, read_outside, put_outside, bury_outside, count_up};
    enum { N = sizeof decides / sizeof *decides };
    struct rename other = {.coll = &items, .id = suite_uuid(2), .name = "other"};
    struct bf_receipt r;
    submit_rename(s, tenant_a, 100, &other, &r);
    struct gather *g = gather_create(N);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < N; i++)
        gather_submit(s, g, i, tenant_a, i, 1, &read, 1, decides[i], &counter);
    gate_open(&gate);
    gather_wait(g);
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(gather_receipt(g, i)->status, decides[i] == count_up ? BF_OK : BF_E_INTERNAL);
    assert_non_null(strstr(gather_receipt(g, 1)->error.cause, "outside its read set"));
    assert_true(bf_str_eqz(gather_receipt(g, N - 1)->body, "2"));
    assert_int_equal(bf_get_int(&get(s, &items, tenant_a, counter)->object, T_SCORE), 2);
    assert_string_equal(name_of(get(s, &items, tenant_a, other.id)), "other");
    assert_int_equal(submit_as(s, tenant_a, 2, 1, &read, 1, count_up, &counter, &r), BF_OK); /* it was not remembered */
    assert_false(r.replay);
    gather_destroy(&g);
}

static void a_batch_keeps_tenants_apart(void **state)
{
    struct suite *s = *state;
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    struct gather *g = gather_create(20);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < 20; i++)
        gather_submit(s, g, i, i % 2 == 0 ? tenant_a : tenant_b, i, 1, &read, 1, count_up, &counter);
    gate_open(&gate);
    gather_wait(g);
    assert_int_equal(bf_get_int(&get(s, &items, tenant_a, counter)->object, T_SCORE), 10);
    assert_int_equal(bf_get_int(&get(s, &items, tenant_b, counter)->object, T_SCORE), 10);
    gather_destroy(&g);
}

/* ---- limits ---- */

struct bulk {
    unsigned n;
    size_t bytes;
    unsigned base;
};

static enum bf_status put_bulk(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bulk *b = ctx;
    (void)e;
    for (unsigned i = 0; i < b->n; i++) {
        struct bf_doc *doc = bf_doc_create(arena, &thing_schema, bf_view_tenant(view), suite_uuid(b->base + i));
        if (b->bytes > 0)
            bf_set_str(&doc->object, T_NAME, bf_str(memset(bf_arena_alloc(arena, b->bytes), 'x', b->bytes), b->bytes));
        bf_decision_put(d, &items, doc);
    }
    bf_decision_receipt(d, 201, BF_STR("bulk"), (struct bf_uuid){{0}});
    return BF_OK;
}

static enum bf_status submit_bulk(struct suite *s, unsigned request, struct bulk *b, struct bf_receipt *ret)
{
    struct bf_read reads[BF_READS_MAX];
    for (unsigned i = 0; i < b->n; i++)
        reads[i] = (struct bf_read){&items, suite_uuid(b->base + i)};
    return submit_as(s, tenant_a, request, 1, reads, b->n, put_bulk, b, ret);
}

static void a_request_over_the_entrys_bytes_is_refused(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bulk over = {.n = 2, .bytes = 600000, .base = 1}, under = {.n = 1, .bytes = 900000, .base = 1};
    assert_int_equal(submit_bulk(s, 1, &over, &r), BF_E_TOO_LARGE);
    assert_null(get(s, &items, tenant_a, suite_uuid(1)));
    assert_int_equal(submit_bulk(s, 1, &under, &r), BF_OK);
    assert_int_equal(bf_get_str(&get(s, &items, tenant_a, suite_uuid(1))->object, T_NAME).n, 900000);
}

static void what_does_not_fit_one_entry_goes_into_several(void **state)
{
    struct suite *s = *state;
    enum { N = 12 };
    struct bulk bulks[N];
    struct bf_read reads[N][BF_READS_MAX];
    struct gather *g = gather_create(N);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < N; i++) { /* 12 requests of 60 operations: 4 fit an entry of 256; two of 400,000 bytes fit one of a megabyte */
        bulks[i] = (struct bulk){.n = i < 8 ? 60 : 1, .bytes = i < 8 ? 0 : 400000, .base = 100 * (i + 1)};
        for (unsigned j = 0; j < bulks[i].n; j++)
            reads[i][j] = (struct bf_read){&items, suite_uuid(bulks[i].base + j)};
        gather_submit(s, g, i, tenant_a, i, 1, reads[i], bulks[i].n, put_bulk, &bulks[i]);
    }
    gate_open(&gate);
    gather_wait(g);
    static const int64_t expected[N] = {1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3};
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(gather_receipt(g, i)->status, BF_OK);
        assert_int_equal(gather_receipt(g, i)->n, expected[i]);
        struct bf_doc *doc = get(s, &items, tenant_a, suite_uuid(bulks[i].base));
        assert_true(doc != NULL && doc->n == expected[i]);
    }
    gather_destroy(&g);
}

static enum bf_status put_twice(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    (void)e;
    for (int i = 0; i < 2; i++) {
        struct bf_doc *doc = bf_doc_create(arena, &thing_schema, bf_view_tenant(view), *(struct bf_uuid *)ctx);
        bf_set_str(&doc->object, T_NAME, i == 0 ? BF_STR("first") : BF_STR("last"));
        bf_decision_put(d, &items, doc);
        assert_int_equal(doc->rev, 1);
    }
    bf_decision_receipt(d, 201, BF_STR("x"), *(struct bf_uuid *)ctx);
    return BF_OK;
}

static void the_same_document_put_twice_keeps_the_last(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct bf_uuid id = suite_uuid(1);
    struct bf_read read = {&items, id};
    assert_int_equal(submit_as(s, tenant_a, 1, 1, &read, 1, put_twice, &id, &r), BF_OK);
    struct bf_doc *doc = get(s, &items, tenant_a, id);
    assert_string_equal(name_of(doc), "last");
    assert_int_equal(doc->rev, 1);
    assert_int_equal(doc->k, 0);
}

/* ---- time and queue ---- */

static enum bf_status tell_time(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    *(int64_t *)ctx = bf_view_at_ms(view);
    struct bf_uuid id = suite_uuid(1);
    (void)e;
    bf_decision_put(d, &items, bf_doc_create(arena, &thing_schema, bf_view_tenant(view), id));
    bf_decision_receipt(d, 200, BF_STR(""), id);
    return BF_OK;
}

static void an_entrys_time_never_goes_back(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    int64_t first, second, third;
    struct bf_read read = {&items, suite_uuid(1)};
    submit_as(s, tenant_a, 1, 1, &read, 1, tell_time, &first, &r);
    bf_env_fake_advance(&s->env, -60000);
    submit_as(s, tenant_a, 2, 1, &read, 1, tell_time, &second, &r);
    suite_reopen(s);
    submit_as(s, tenant_a, 3, 1, &read, 1, tell_time, &third, &r);
    assert_int_equal(first, 1800000000000);
    assert_int_equal(second, first);
    assert_int_equal(third, first);
    bf_env_fake_advance(&s->env, 120000);
    submit_as(s, tenant_a, 4, 1, &read, 1, tell_time, &third, &r);
    assert_int_equal(third, first + 60000);
}

static void versions_move_on_with_the_collections_that_changed(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    uint64_t of_items = bf_store_version(s->store, &items), of_parts = bf_store_version(s->store, &parts);
    submit_rename(s, tenant_a, 1, &one, &r);
    assert_true(bf_store_version(s->store, &items) > of_items);
    of_items = bf_store_version(s->store, &items);
    submit_rename(s, tenant_a, 1, &one, &r);
    assert_true(r.replay);
    struct bf_read read = {&items, one.id};
    assert_int_equal(submit_as(s, tenant_a, 2, 1, &read, 1, refuse, &one, &r), BF_E_UNPROCESSABLE);
    insert(s, &notes, thing(s, &notes, tenant_a, suite_uuid(5), "note"));
    assert_int_equal(bf_store_version(s->store, &items), of_items);
    assert_int_equal(bf_store_version(s->store, &parts), of_parts);
}

static enum bf_status judge_only(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    enum bf_status status = decide_rename(view, d, arena, ctx, e);
    bf_decision_forget(d);
    bf_decision_receipt(d, 200, BF_STR("it would do"), suite_uuid(1));
    return status;
}

static void what_was_only_judged_is_neither_there_nor_remembered(void **state)
{
    struct suite *s = *state;
    struct bf_receipt r;
    int64_t head;
    struct rename one = {.coll = &items, .id = suite_uuid(1), .name = "one"};
    struct bf_read read = {&items, one.id};
    for (unsigned i = 1; i <= 2; i++) {
        assert_int_equal(submit_as(s, tenant_a, 1, 1, &read, 1, judge_only, &one, &r), BF_OK);
        assert_true(bf_str_eqz(r.body, "it would do") && r.http_status == 200 && r.n == 0 && !r.replay);
        assert_int_equal(one.calls, i);
    }
    assert_null(get(s, &items, tenant_a, one.id));
    assert_int_equal(bf_log_head(s->store, tenant_a, &head, NULL), BF_OK);
    assert_int_equal(head, 0);
    assert_int_equal(submit_rename(s, tenant_a, 1, &one, &r), BF_OK); /* the same request, in earnest */
    assert_true(bf_str_eqz(r.body, "one r1") && r.n == 1);
}

static void a_full_queue_refuses_and_never_calls_done(void **state)
{
    struct suite *s = *state;
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    struct bf_receipt r;
    s->limits.queue_max = 4;
    suite_reopen(s);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    struct gather *g = gather_create(4);
    for (unsigned i = 0; i < 4; i++)
        gather_submit(s, g, i, tenant_a, i, 1, &read, 1, count_up, &counter);
    assert_int_equal(submit_as(s, tenant_a, 50, 1, &read, 1, count_up, &counter, &r), BF_E_UNAVAILABLE);
    gate_open(&gate);
    gather_wait(g);
    assert_int_equal(submit_as(s, tenant_a, 50, 1, &read, 1, count_up, &counter, &r), BF_OK);
    assert_true(bf_str_eqz(r.body, "5"));
    gather_destroy(&g);
}

static void closing_finishes_what_was_submitted(void **state)
{
    struct suite *s = *state;
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    struct gather *g = gather_create(100);
    for (unsigned i = 0; i < 100; i++)
        gather_submit(s, g, i, tenant_a, i, 1, &read, 1, count_up, &counter);
    suite_reopen(s);
    gather_wait(g);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(gather_receipt(g, i)->status, BF_OK);
    assert_int_equal(bf_get_int(&get(s, &items, tenant_a, counter)->object, T_SCORE), 100);
    gather_destroy(&g);
}

static void the_answers_of_a_group_wake_their_home_once(void **state)
{
    enum { N = 10 };
    struct suite *s = *state;
    struct rename renames[2 * N];
    struct gather *near = gather_create(N), *far = gather_create(N);
    struct gate *gate = gate_close(s, tenant_a, 9999);
    for (unsigned i = 0; i < 2 * N; i++) {
        renames[i] = (struct rename){.coll = &items, .id = suite_uuid(100 + i), .name = "x"};
        struct bf_read read = {&items, renames[i].id};
        gather_submit(s, i % 2 == 0 ? near : far, i / 2, tenant_a, 1 + i, 1, &read, 1, decide_rename, &renames[i]);
    }
    gate_open(&gate);
    gather_wait(near);
    gather_wait(far);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(gather_receipt(near, i)->status, BF_OK);
        assert_int_equal(gather_receipt(far, i)->status, BF_OK);
    }
    assert_int_equal(gather_posts(near), 1);
    assert_int_equal(gather_posts(far), 1);
    gather_destroy(&near);
    gather_destroy(&far);
}

/* What is decided sees what was decided before it. */
static void what_nobody_waits_for_stands_behind(void **state)
{
    enum { N = 64 };
    struct suite *s = *state;
    struct bf_uuid counter = suite_uuid(1);
    struct bf_read read = {&items, counter};
    struct gather *behind = gather_create(N), *front = gather_create(1);
    struct gate *gate = gate_close(s, tenant_b, 9999);
    gather_behind(behind);
    for (unsigned i = 0; i < N; i++)
        gather_submit(s, behind, i, tenant_a, 1 + i, 1, &read, 1, count_up, &counter);
    gather_submit(s, front, 0, tenant_a, 1 + N, 1, &read, 1, count_up, &counter);
    gate_open(&gate);
    gather_wait(front);
    gather_wait(behind);
    assert_true(bf_str_eqz(gather_receipt(front, 0)->body, "1"));
    assert_true(bf_str_eqz(gather_receipt(behind, 0)->body, "2"));
    assert_true(bf_str_eqz(gather_receipt(behind, N - 1)->body, "65"));
    assert_true(gather_receipt(behind, N - 1)->n - gather_receipt(front, 0)->n >= 3); /* a little of it at a time */
    gather_destroy(&behind);
    gather_destroy(&front);
}

SUITE_PART(suite_commit, SUITE_TEST(a_decision_is_committed_and_answered), SUITE_TEST(each_tenant_has_its_own_numbers),
           SUITE_TEST(a_refusal_changes_nothing_and_is_decided_again),
           SUITE_TEST(an_answer_without_changes_commits_nothing_and_is_not_remembered), SUITE_TEST(a_tombstone_stays_and_leaves_the_lists),
           SUITE_TEST(later_requests_of_a_batch_see_what_earlier_ones_did), SUITE_TEST(a_key_is_taken_once_within_a_batch),
           SUITE_TEST(a_decision_that_leaves_its_read_set_costs_that_request_alone),
           SUITE_TEST(a_batch_keeps_tenants_apart), SUITE_TEST(a_request_over_the_entrys_bytes_is_refused),
           SUITE_TEST(what_does_not_fit_one_entry_goes_into_several), SUITE_TEST(the_same_document_put_twice_keeps_the_last),
           SUITE_TEST(an_entrys_time_never_goes_back), SUITE_TEST(versions_move_on_with_the_collections_that_changed),
           SUITE_TEST(what_was_only_judged_is_neither_there_nor_remembered), SUITE_TEST(a_full_queue_refuses_and_never_calls_done),
           SUITE_TEST(the_answers_of_a_group_wake_their_home_once), SUITE_TEST(what_nobody_waits_for_stands_behind),
           SUITE_TEST(closing_finishes_what_was_submitted));
