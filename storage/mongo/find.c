/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages and counts. What is left of the conditions is checked by the server, behind a limit of what it may look at: it gives up the same way on
 * each driver, after BF_EXAMINE_MAX, and the next page goes on there.
 */
#include "core/arena.h"
#include "storage/mongo/plan.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"

struct finding {
    struct bf_session *s;
    const struct bf__m_plan *plan;
    const struct bf__m_position *position; /* NULL: from the start */
    const struct bf__m_step *step;
    struct bf__m_at at;
    struct bf_arena *arena;
    struct bf_page *page;
    bson_t *last; /* the row of the page's last document */
    bool full;
};

static void put_options(const struct finding *f, bson_t *opts, unsigned batch)
{
    bf__m_put_limits(f->s, opts, batch);
    bf__m_put_hint(opts, f->plan);
}

/* The range as it is, in order. */
static void find_range(const struct finding *f, unsigned want, struct bf__m_rows *rows)
{
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    bf__m_put_filter(&filter, f->plan, f->position, f->step, /* whole= */ true);
    put_options(f, &opts, want + 1);
    bf__m_put_sort(&opts, "sort", f->plan);
    bf__m_must(bson_append_int64(&opts, "limit", -1, want));
    bf__m_rows_find(rows, &f->at, &filter, &opts);
    bson_destroy(&filter);
    bson_destroy(&opts);
}

static void put_stage(struct bf__m_list *stages, const char *name, const bson_t *what)
{
    bson_t stage;
    bf__m_must(bson_append_document_begin(&stages->b, bf__m_list_next(stages), -1, &stage));
    bf__m_must(bson_append_document(&stage, name, -1, what));
    bf__m_must(bson_append_document_end(&stages->b, &stage));
}

static void put_limit(struct bf__m_list *stages, int64_t limit)
{
    bson_t stage;
    bf__m_must(bson_append_document_begin(&stages->b, bf__m_list_next(stages), -1, &stage));
    bf__m_must(bson_append_int64(&stage, "$limit", -1, limit));
    bf__m_must(bson_append_document_end(&stages->b, &stage));
}

/* match the range, sort, limit to what may be looked at, match the rest, limit to the page */
static void aggregate_range(const struct finding *f, unsigned want, struct bf__m_rows *rows)
{
    bson_t pipeline = BSON_INITIALIZER, opts = BSON_INITIALIZER, range = BSON_INITIALIZER, rest = BSON_INITIALIZER;
    struct bf__m_list stages;
    bf__m_put_filter(&range, f->plan, f->position, f->step, /* whole= */ false);
    bf__m_put_rest(&rest, f->plan);
    bf__m_list_begin(&pipeline, "pipeline", &stages);
    put_stage(&stages, "$match", &range);
    bson_t stage;
    bf__m_must(bson_append_document_begin(&stages.b, bf__m_list_next(&stages), -1, &stage));
    bf__m_put_sort(&stage, "$sort", f->plan);
    bf__m_must(bson_append_document_end(&stages.b, &stage));
    put_limit(&stages, BF_EXAMINE_MAX);
    put_stage(&stages, "$match", &rest);
    put_limit(&stages, want);
    bf__m_list_end(&pipeline, &stages);
    put_options(f, &opts, want + 1);
    bf__m_rows_aggregate(rows, &f->at, &pipeline, &opts);
    bson_destroy(&range);
    bson_destroy(&rest);
    bson_destroy(&pipeline);
    bson_destroy(&opts);
}

static void close_page(struct finding *f)
{
    f->page->next = bf__m_cursor(f->plan, f->last, f->arena);
    f->full = true;
}

static enum bf_status take_row(struct finding *f, const bson_t *row, struct bf_error *e)
{
    struct bf_page *page = f->page;
    page->examined++;
    if (page->n == f->plan->query->limit) {
        close_page(f);
        return BF_OK;
    }
    enum bf_status status = bf__m_decode(f->plan->query->coll, row, f->arena, &page->docs[page->n], e);
    if (status != BF_OK)
        return status;
    page->n++;
    bson_reinit(f->last);
    bf__m_must(bson_concat(f->last, row));
    return BF_OK;
}

/* The range had fewer matches than the page has room for: was all of it looked at? If not, the page ends behind what was. */
static enum bf_status find_cut(struct finding *f, struct bf_error *e)
{
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    struct bf__m_rows rows;
    const bson_t *row;
    bf__m_put_filter(&filter, f->plan, f->position, f->step, /* whole= */ false);
    put_options(f, &opts, 3);
    bf__m_put_sort(&opts, "sort", f->plan);
    bf__m_put_order_fields(&opts, f->plan);
    bf__m_must(bson_append_int64(&opts, "skip", -1, BF_EXAMINE_MAX - 1) && bson_append_int64(&opts, "limit", -1, 2));
    bf__m_rows_find(&rows, &f->at, &filter, &opts);
    for (unsigned n = 0; (row = bf__m_rows_next(&rows)) != NULL; n++) {
        if (n == 0) {
            bson_reinit(f->last);
            bf__m_must(bson_concat(f->last, row));
        } else {
            close_page(f);
        }
    }
    bson_destroy(&filter);
    bson_destroy(&opts);
    return bf__m_rows_end(&rows, e);
}

static enum bf_status run_step(struct finding *f, struct bf_error *e)
{
    struct bf__m_rows rows;
    const bson_t *row;
    enum bf_status status = BF_OK;
    bool bounded = f->plan->n_rest > 0 && !f->plan->is_by_id;
    unsigned want = f->plan->query->limit - f->page->n + 1;
    if (bounded)
        aggregate_range(f, want, &rows);
    else
        find_range(f, want, &rows);
    while (status == BF_OK && !f->full && (row = bf__m_rows_next(&rows)) != NULL)
        status = take_row(f, row, e);
    enum bf_status ended = bf__m_rows_end(&rows, status == BF_OK ? e : NULL);
    if (status == BF_OK)
        status = ended;
    return status == BF_OK && bounded && !f->full ? find_cut(f, e) : status;
}

static enum bf_status run_steps(struct finding *f, struct bf_error *e)
{
    struct bf__m_step steps[BF__M_STEPS_MAX];
    bson_t last = BSON_INITIALIZER;
    enum bf_status status = BF_OK;
    unsigned n = bf__m_steps(f->plan, f->position, steps);
    f->last = &last;
    for (unsigned i = 0; i < n && status == BF_OK && !f->full; i++) {
        f->step = &steps[i];
        status = run_step(f, e);
    }
    bson_destroy(&last);
    return status;
}

enum bf_status bf__m_find(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e)
{
    struct bf__m_plan plan;
    struct bf__m_position position;
    struct bf_page page = {.docs = bf_arena_alloc(arena, query->limit * sizeof(struct bf_doc *))};
    struct finding f = {.s = s, .plan = &plan, .arena = arena, .page = &page};
    bf__m_plan(arena, query, &plan);
    if (query->after.n > 0 && !bf__m_position(&plan, query->after, &position))
        return bf_fail(e, BF_E_INVALID_QUERY, "this is no cursor of this query");
    f.position = query->after.n > 0 ? &position : NULL;
    enum bf_status status = bf__m_at(s, query->coll, false, "finding documents", &f.at, e);
    if (status == BF_OK && !plan.is_empty)
        status = run_steps(&f, e);
    if (status == BF_OK)
        *ret = page;
    return status;
}

enum bf_status bf__m_count(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e)
{
    static const struct bf__m_step all = {.then = BF__M_ALL};
    struct bf__m_plan plan;
    struct bf__m_at at;
    bson_error_t error;
    bson_t reply, filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    struct bf_arena *arena = bf_arena_create();
    int64_t n = 0;
    bf__m_plan(arena, query, &plan);
    enum bf_status status = bf__m_at(s, query->coll, false, "counting documents", &at, e);
    if (status == BF_OK && !plan.is_empty) {
        bf__m_put_filter(&filter, &plan, NULL, &all, /* whole= */ true);
        bf__m_put_hint(&opts, &plan);
        bf__m_must(bson_append_int64(&opts, "maxTimeMS", -1, s->db->settings.max_time_ms));
        bf__m_must(bson_append_int64(&opts, "limit", -1, query->limit));
        n = mongoc_collection_count_documents(at.coll, &filter, &opts, NULL, &reply, &error);
        if (n < 0)
            status = bf__m_at_fail(&at, &error, &reply, e);
        bson_destroy(&reply);
    }
    bson_destroy(&filter);
    bson_destroy(&opts);
    bf_arena_destroy(&arena);
    if (status == BF_OK)
        *ret = n;
    return status;
}
