/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/embedded/plan.h"
#include "core/arena.h"
#include "storage/embedded/key.h"
#include "storage/match.h"
#include <assert.h>
#include <stdlib.h>

struct planner {
    struct bf_arena *arena;
    const struct bf_query *query;
    bool *used; /* conditions that the ranges fulfil */
    struct bf_str *prefixes;
    unsigned n_prefixes;
    unsigned n_fixed; /* fields in the prefixes */
};

static struct bf_str join(struct bf_arena *arena, struct bf_str a, struct bf_str b)
{
    char *p = bf_arena_alloc(arena, a.n + b.n);
    memcpy(p, a.p, a.n);
    if (b.n > 0)
        memcpy(p + a.n, b.p, b.n);
    return bf_str(p, a.n + b.n);
}

static struct bf_str encode(struct bf_arena *arena, const struct bf_field *field, const struct bf_value *v)
{
    uint8_t *p = bf_arena_alloc(arena, bf__key_bound(field, v));
    return bf_str((char *)p, bf__key_put(p, field, v));
}

static bool selects(const struct bf_cond *cond, bool multikey_item)
{
    return cond->op == BF_EQ || cond->op == BF_IN || (cond->op == BF_ALL && multikey_item) ||
           (cond->op == BF_EXISTS && !cond->values[0].b && !multikey_item);
}

/* The condition that fixes an index field; -1 when none does. ALL fixes by its first value and is checked on the document besides. */
static int selecting(const struct planner *p, int row, bool multikey_item)
{
    for (unsigned i = 0; i < p->query->n_conds; i++)
        if (!p->used[i] && p->query->conds[i].row == row && selects(&p->query->conds[i], multikey_item))
            return (int)i;
    return -1;
}

/* The distinct encodings that a condition selects. */
static struct bf_str *encodings(struct planner *p, const struct bf_cond *cond, unsigned *ret_n)
{
    const struct bf_field *field = bf__row_field(p->query->coll->schema, cond->row);
    unsigned n = cond->op == BF_IN ? cond->n : 1, distinct = 0;
    struct bf_str *all = bf_arena_alloc(p->arena, (n + 1) * sizeof *all);
    for (unsigned i = 0; i < n; i++)
        all[i] = encode(p->arena, field, cond->op == BF_EXISTS ? NULL : &cond->values[i]);
    qsort(all, n, sizeof *all, bf__key_cmp);
    for (unsigned i = 0; i < n; i++)
        if (i == 0 || !bf_str_eq(all[distinct - 1], all[i]))
            all[distinct++] = all[i];
    *ret_n = distinct;
    return all;
}

static void multiply(struct planner *p, const struct bf_cond *cond)
{
    unsigned n;
    struct bf_str *values = encodings(p, cond, &n);
    struct bf_str *product = bf_arena_alloc(p->arena, (n * p->n_prefixes + 1) * sizeof *product);
    for (unsigned i = 0; i < p->n_prefixes; i++)
        for (unsigned j = 0; j < n; j++)
            product[i * n + j] = join(p->arena, p->prefixes[i], values[j]);
    p->prefixes = product;
    p->n_prefixes *= n;
    assert(p->n_prefixes <= BF_IN_MAX);
}

static void fix_fields(struct planner *p)
{
    const struct bf_index *index = p->query->index;
    for (; index != NULL && p->n_fixed < index->n_fields; p->n_fixed++) {
        bool item = index->multikey && p->n_fixed == 0;
        int i = selecting(p, index->fields[p->n_fixed], item);
        assert(i >= 0 || !item);
        if (i < 0)
            break;
        const struct bf_cond *cond = &p->query->conds[i];
        p->used[i] = cond->op != BF_ALL || cond->n == 1;
        multiply(p, cond);
    }
}

/* Bounds on the first ordering field, as encodings behind the prefix; n = 0: none. `low_after`: everything that begins with it is outside.
 */
struct bounds {
    struct bf_str low, high;
    bool low_after, high_after;
};

static void bound(struct bounds *b, const struct bf_cond *cond, struct bf_str encoded, bool *used)
{
    if ((cond->op == BF_GE || cond->op == BF_GT) && b->low.n == 0) {
        b->low = encoded;
        b->low_after = cond->op == BF_GT;
        *used = true;
    } else if ((cond->op == BF_LE || cond->op == BF_LT) && b->high.n == 0) {
        b->high = encoded;
        b->high_after = cond->op == BF_LE;
        *used = true;
    }
}

/* The row that the order begins with, BF_ROW_NONE when no range on it could be used. */
static int ordering_row(const struct planner *p)
{
    const struct bf_index *index = p->query->index;
    if (index == NULL)
        return BF_ROW_ID;
    return p->n_fixed < index->n_fields ? index->fields[p->n_fixed] : BF_ROW_NONE;
}

static struct bounds find_bounds(struct planner *p)
{
    struct bounds b = {0};
    int row = ordering_row(p);
    const struct bf_field *field = row == BF_ROW_NONE ? NULL : bf__row_field(p->query->coll->schema, row);
    for (unsigned i = 0; row != BF_ROW_NONE && i < p->query->n_conds; i++) {
        const struct bf_cond *cond = &p->query->conds[i];
        if (cond->row != row || p->used[i] || cond->op < BF_GE || cond->op > BF_LT)
            continue;
        struct bf_str encoded = encode(p->arena, field, &cond->values[0]);
        if (p->query->index == NULL) /* a document's key has the bare id behind the tenant */
            encoded = bf_str(encoded.p + 1, encoded.n - 1);
        bound(&b, cond, encoded, &p->used[i]);
    }
    /* A range is met by present values only: they begin with 1. */
    if (p->query->index != NULL && b.high.n > 0 && b.low.n == 0)
        b.low = bf_str("\x01", 1);
    if (p->query->index != NULL && b.low.n > 0 && b.high.n == 0) {
        b.high = bf_str("\x01", 1);
        b.high_after = true;
    }
    return b;
}

static void cut_at_cursor(const struct planner *p, struct bf__range *range)
{
    const struct bf_query *query = p->query;
    if (query->after.n == 0)
        return;
    struct bf_str at = join(p->arena, range->prefix, query->after);
    if (!query->descending)
        at = join(p->arena, at, bf_str("\0", 1));
    if (!query->descending && bf_str_cmp(at, range->low) > 0)
        range->low = at;
    if (query->descending && bf_str_cmp(at, range->high) < 0)
        range->high = at;
}

static struct bf__range make_range(const struct planner *p, const struct bounds *b, struct bf_str prefix)
{
    struct bf__range r = {.prefix = prefix, .low = prefix};
    if (b->low.n > 0) {
        r.low = join(p->arena, prefix, b->low);
        if (b->low_after)
            r.low = bf__key_after(p->arena, r.low);
    }
    if (b->high.n > 0)
        r.high = join(p->arena, prefix, b->high);
    if (b->high.n == 0 || b->high_after)
        r.high = bf__key_after(p->arena, b->high.n == 0 ? prefix : r.high);
    cut_at_cursor(p, &r);
    return r;
}

void bf__plan(struct bf_arena *arena, const struct bf_query *query, struct bf__plan *ret)
{
    struct bf_str tenant = bf_str((const char *)query->tenant.b, sizeof query->tenant.b);
    struct planner p = {.arena = arena, .query = query, .prefixes = &tenant, .n_prefixes = 1};
    p.used = bf_arena_calloc(arena, query->n_conds + 1, sizeof *p.used);
    fix_fields(&p);
    struct bounds b = find_bounds(&p);
    ret->n_ranges = p.n_prefixes;
    ret->ranges = bf_arena_alloc(arena, (p.n_prefixes + 1) * sizeof *ret->ranges);
    for (unsigned i = 0; i < p.n_prefixes; i++)
        ret->ranges[i] = make_range(&p, &b, p.prefixes[i]);
    ret->rest = bf_arena_alloc(arena, (query->n_conds + 1) * sizeof *ret->rest);
    ret->n_rest = 0;
    for (unsigned i = 0; i < query->n_conds; i++)
        if (!p.used[i])
            ret->rest[ret->n_rest++] = &query->conds[i];
}
