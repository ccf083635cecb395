/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a query to commands. Conditions that the index fulfils select a range of it; the others are checked by the server on what the range
 * gives. A page goes on behind a position: the values that order the documents, and the id, of the last one seen. What lies behind it is
 * asked for in steps, each a range of the index: first those equal to it in all values, with a larger id; then those equal in all but the last
 * value, with a larger last one; and so on. A single filter of alternatives would say the same, but no server reads an index along it.
 */
#pragma once
#include "storage/storage.h"
#include "storage/mongo/shape.h"
#include <bson/bson.h>

struct bf_arena;

enum { BF__M_STEPS_MAX = 2 * BF_INDEX_FIELDS_MAX + 1 };

/* A cursor is {at: [the ordering values; null: absent], id}. */
struct bf__m_position {
    struct bf_str cursor;
    unsigned n; /* values */
    struct bf_uuid id;
};

struct bf__m_step {
    unsigned n_equal; /* the first values that equal the position's */
    enum { BF__M_ALL, BF__M_BEHIND, BF__M_ABSENT } then; /* where the next value, or the id, lies */
};

struct bf__m_plan {
    const struct bf_query *query;
    const struct bf_cond **range, **rest;
    unsigned n_range, n_rest;
    unsigned n_fixed;  /* of the index's fields: those behind them order */
    bool is_by_id;     /* the range is a list of ids */
    bool is_empty;     /* an IN of nothing: no document can match */
    bool has_bounds;   /* the first ordering field must be there */
    bool is_sure;      /* a tombstone cannot match */
};

void bf__m_plan(struct bf_arena *arena, const struct bf_query *query, struct bf__m_plan *ret);

/* Of a page's cursor; false when it is none of this query's. `after` must live as long as the position. */
bool bf__m_position(const struct bf__m_plan *plan, struct bf_str after, struct bf__m_position *ret);
/* The cursor behind a row as it is stored. */
struct bf_str bf__m_cursor(const struct bf__m_plan *plan, const bson_t *row, struct bf_arena *arena);
/* The fields behind the fixed ones, which order; 0 without an index. */
unsigned bf__m_n_ordering(const struct bf__m_plan *plan);
const struct bf_field *bf__m_ordering_field(const struct bf__m_plan *plan, unsigned i);
const char *bf__m_ordering_path(const struct bf__m_plan *plan, unsigned i, char out[BF__M_PATH_MAX]);
/* A position's value of the i-th of them. */
void bf__m_value_at(const struct bf__m_position *position, unsigned i, bson_iter_t *ret);
bool bf__m_is_absent_at(const struct bf__m_position *position, unsigned i);

/* NULL: from the start. Returns how many. */
unsigned bf__m_steps(const struct bf__m_plan *plan, const struct bf__m_position *position, struct bf__m_step steps[BF__M_STEPS_MAX]);

/* The filter of a step's range. With `whole` the other conditions, too. */
void bf__m_put_filter(bson_t *filter, const struct bf__m_plan *plan, const struct bf__m_position *position, const struct bf__m_step *step,
                      bool whole);
void bf__m_put_rest(bson_t *filter, const struct bf__m_plan *plan); /* the other conditions alone; there is one at least */
void bf__m_put_sort(bson_t *opts, const char *key, const struct bf__m_plan *plan);
void bf__m_put_hint(bson_t *opts, const struct bf__m_plan *plan);
void bf__m_put_order_fields(bson_t *opts, const struct bf__m_plan *plan); /* a projection of what a cursor needs */
