/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/plan.h"
#include "core/arena.h"
#include "storage/match.h"
#include "storage/mongo/schema.h"
#include "storage/mongo/shape.h"
#include <assert.h>

/* ---- which condition is the index's ---- */

static bool selects(const struct bf_cond *cond, bool multikey_item)
{
    return cond->op == BF_EQ || cond->op == BF_IN || (cond->op == BF_ALL && multikey_item) ||
           (cond->op == BF_EXISTS && !cond->values[0].b && !multikey_item);
}

static void take(struct bf__m_plan *p, bool *used, unsigned i)
{
    used[i] = true;
    p->range[p->n_range++] = &p->query->conds[i];
}

static bool take_selecting(struct bf__m_plan *p, bool *used, int row, bool multikey_item)
{
    for (unsigned i = 0; i < p->query->n_conds; i++)
        if (!used[i] && p->query->conds[i].row == row && selects(&p->query->conds[i], multikey_item)) {
            take(p, used, i);
            return true;
        }
    return false;
}

static bool take_ids(struct bf__m_plan *p, bool *used)
{
    for (unsigned i = 0; i < p->query->n_conds; i++)
        if (p->query->conds[i].row == BF_ROW_ID && (p->query->conds[i].op == BF_EQ || p->query->conds[i].op == BF_IN)) {
            take(p, used, i);
            return true;
        }
    return false;
}

/* The row that the order begins with; BF_ROW_NONE when that is the id behind the fields of an index. */
static int ordering_row(const struct bf__m_plan *p)
{
    const struct bf_index *index = p->query->index;
    if (index == NULL)
        return BF_ROW_ID;
    return p->n_fixed < index->n_fields ? index->fields[p->n_fixed] : BF_ROW_NONE;
}

static void take_bounds(struct bf__m_plan *p, bool *used)
{
    int row = ordering_row(p);
    for (unsigned i = 0; row != BF_ROW_NONE && i < p->query->n_conds; i++) {
        const struct bf_cond *cond = &p->query->conds[i];
        if (used[i] || cond->row != row || cond->op < BF_GE || cond->op > BF_LT)
            continue;
        take(p, used, i);
        p->has_bounds = true;
    }
}

static void judge(struct bf__m_plan *p)
{
    for (unsigned i = 0; i < p->query->n_conds; i++) {
        const struct bf_cond *cond = &p->query->conds[i];
        p->is_empty = p->is_empty || (cond->op == BF_IN && cond->n == 0);
        p->is_sure = p->is_sure || (cond->row >= 0 && (cond->op != BF_EXISTS || cond->values[0].b));
    }
}

void bf__m_plan(struct bf_arena *arena, const struct bf_query *query, struct bf__m_plan *ret)
{
    const struct bf_index *index = query->index;
    struct bf__m_plan p = {.query = query};
    bool *used = bf_arena_calloc(arena, query->n_conds + 1, sizeof *used);
    p.range = bf_arena_alloc(arena, (query->n_conds + 1) * sizeof *p.range);
    p.rest = bf_arena_alloc(arena, (query->n_conds + 1) * sizeof *p.rest);
    while (index != NULL && p.n_fixed < index->n_fields &&
           take_selecting(&p, used, index->fields[p.n_fixed], index->multikey && p.n_fixed == 0))
        p.n_fixed++;
    assert(index == NULL || !index->multikey || p.n_fixed > 0);
    if (index == NULL)
        p.is_by_id = take_ids(&p, used);
    take_bounds(&p, used);
    for (unsigned i = 0; i < query->n_conds; i++)
        if (!used[i])
            p.rest[p.n_rest++] = &query->conds[i];
    judge(&p);
    *ret = p;
}

/* ---- filters ---- */

static const char *const operators[] = {[BF_EQ] = "$eq", [BF_IN] = "$in",         [BF_GE] = "$gte", [BF_GT] = "$gt",
                                        [BF_LE] = "$lte", [BF_LT] = "$lt", [BF_EXISTS] = "$exists", [BF_ALL] = "$all"};

/* A document of the list, {path: {operator: ...}}, open for the operand. */
struct one {
    bson_t doc, sub;
};

static void one_begin(struct bf__m_list *list, struct one *one, const char *path)
{
    bf__m_must(bson_append_document_begin(&list->b, bf__m_list_next(list), -1, &one->doc));
    bf__m_must(bson_append_document_begin(&one->doc, path, -1, &one->sub));
}

static void one_end(struct bf__m_list *list, struct one *one)
{
    bf__m_must(bson_append_document_end(&one->doc, &one->sub));
    bf__m_must(bson_append_document_end(&list->b, &one->doc));
}

static void put_exists(struct bf__m_list *list, const char *path, bool exists)
{
    struct one one;
    one_begin(list, &one, path);
    bf__m_must(bson_append_bool(&one.sub, "$exists", -1, exists));
    one_end(list, &one);
}

/* The id's own index is over the whole _id. */
static void put_operand(bson_t *b, const char *key, const struct bf__m_plan *p, const struct bf_cond *cond, const struct bf_value *v)
{
    if (p->query->index == NULL && cond->row == BF_ROW_ID)
        bf__m_put_id(b, key, p->query->coll, p->query->tenant, v->uuid);
    else
        bf__m_put_value(b, key, bf__row_field(p->query->coll->schema, cond->row), v);
}

static void put_cond(struct bf__m_list *list, const struct bf__m_plan *p, const struct bf_cond *cond)
{
    struct one one;
    struct bf__m_list values;
    char path[BF__M_PATH_MAX];
    const char *op = operators[cond->op];
    bool is_whole_id = p->query->index == NULL && cond->row == BF_ROW_ID;
    if (cond->op == BF_EXISTS || (cond->op == BF_ALL && cond->n == 0)) { /* $all of nothing would be met by nothing */
        put_exists(list, bf__m_path(p->query->coll, cond->row, path), cond->op == BF_ALL || cond->values[0].b);
        return;
    }
    one_begin(list, &one, is_whole_id ? "_id" : bf__m_path(p->query->coll, cond->row, path));
    if (cond->op == BF_IN || cond->op == BF_ALL) {
        bf__m_list_begin(&one.sub, op, &values);
        for (unsigned i = 0; i < cond->n; i++)
            put_operand(&values.b, bf__m_list_next(&values), p, cond, &cond->values[i]);
        bf__m_list_end(&one.sub, &values);
    } else {
        put_operand(&one.sub, op, p, cond, &cond->values[0]);
    }
    one_end(list, &one);
}

static void put_compared(struct bf__m_list *list, const char *path, const char *op, const struct bf__m_position *at, unsigned i)
{
    struct one one;
    bson_iter_t value;
    bf__m_value_at(at, i, &value);
    one_begin(list, &one, path);
    bf__m_must(bson_append_iter(&one.sub, op, -1, &value));
    one_end(list, &one);
}

static void put_behind_id(struct bf__m_list *list, const struct bf__m_plan *p, const struct bf_uuid id)
{
    struct one one;
    const char *op = p->query->descending ? "$lt" : "$gt";
    one_begin(list, &one, p->query->index == NULL ? "_id" : bf__m_id_path(p->query->coll));
    if (p->query->index == NULL)
        bf__m_put_id(&one.sub, op, p->query->coll, p->query->tenant, id);
    else
        bf__m_put_uuid(&one.sub, op, id);
    one_end(list, &one);
}

static void put_behind(struct bf__m_list *list, const struct bf__m_plan *p, const struct bf__m_position *at, unsigned i)
{
    char path[BF__M_PATH_MAX];
    bson_t present;
    if (i == at->n) {
        put_behind_id(list, p, at->id);
    } else if (!bf__m_is_absent_at(at, i)) {
        put_compared(list, bf__m_ordering_path(p, i, path), p->query->descending ? "$lt" : "$gt", at, i);
    } else {
        bf__m_must(bson_append_document_begin(&list->b, bf__m_list_next(list), -1, &present));
        bf__m_put_present(&present, bf__m_ordering_path(p, i, path), bf__m_ordering_field(p, i)->type);
        bf__m_must(bson_append_document_end(&list->b, &present));
    }
}

static void put_step(struct bf__m_list *list, const struct bf__m_plan *p, const struct bf__m_position *at, const struct bf__m_step *step)
{
    char path[BF__M_PATH_MAX];
    for (unsigned i = 0; i < step->n_equal; i++) {
        if (bf__m_is_absent_at(at, i))
            put_exists(list, bf__m_ordering_path(p, i, path), false);
        else
            put_compared(list, bf__m_ordering_path(p, i, path), "$eq", at, i);
    }
    if (step->then == BF__M_BEHIND)
        put_behind(list, p, at, step->n_equal);
    else if (step->then == BF__M_ABSENT)
        put_exists(list, bf__m_ordering_path(p, step->n_equal, path), false);
}

/* By id in a tenant collection: from the tenant's least to its greatest. */
static void put_whole_tenant(struct bf__m_list *list, const struct bf__m_plan *p)
{
    struct one one;
    struct bf_uuid least = {{0}}, greatest;
    memset(greatest.b, 0xff, sizeof greatest.b);
    one_begin(list, &one, "_id");
    bf__m_put_id(&one.sub, "$gte", p->query->coll, p->query->tenant, least);
    bf__m_put_id(&one.sub, "$lte", p->query->coll, p->query->tenant, greatest);
    one_end(list, &one);
}

static void put_shard_key(bson_t *filter, const struct bf__m_plan *p)
{
    struct bf_uuid ids[BF_IN_MAX];
    unsigned n = 0;
    for (unsigned i = 0; p->is_by_id && i < (p->range[0]->op == BF_IN ? p->range[0]->n : 1); i++)
        ids[n++] = p->range[0]->values[i].uuid;
    bf__m_put_places(filter, p->query->coll, p->query->tenant, p->is_by_id ? ids : NULL, n);
}

void bf__m_put_filter(bson_t *filter, const struct bf__m_plan *plan, const struct bf__m_position *position, const struct bf__m_step *step,
                      bool whole)
{
    struct bf__m_list all;
    put_shard_key(filter, plan);
    bf__m_list_begin(filter, "$and", &all);
    for (unsigned i = 0; i < plan->n_range; i++)
        put_cond(&all, plan, plan->range[i]);
    if (plan->query->index == NULL && !plan->is_by_id && plan->query->coll->cls == BF_TENANT_COLLECTION)
        put_whole_tenant(&all, plan);
    put_step(&all, plan, position, step);
    for (unsigned i = 0; whole && i < plan->n_rest; i++)
        put_cond(&all, plan, plan->rest[i]);
    if (!plan->is_sure || all.n == 0) /* $and of nothing is refused */
        put_exists(&all, "x", false);
    bf__m_list_end(filter, &all);
}

void bf__m_put_rest(bson_t *filter, const struct bf__m_plan *plan)
{
    struct bf__m_list all;
    assert(plan->n_rest > 0);
    bf__m_list_begin(filter, "$and", &all);
    for (unsigned i = 0; i < plan->n_rest; i++)
        put_cond(&all, plan, plan->rest[i]);
    bf__m_list_end(filter, &all);
}

/* ---- order ---- */

/* The fields that one value each fixes do not order, but are named: some servers want the whole index, or do not use it for the order. Where one
 * of them has several values, the order is that of the fields behind them, merged. */
static bool has_whole_prefix(const struct bf__m_plan *p)
{
    for (unsigned i = 0; i < p->n_fixed; i++)
        if ((p->range[i]->op != BF_EQ && p->range[i]->op != BF_EXISTS) || (i == 0 && p->query->index->multikey))
            return false;
    return true;
}

void bf__m_put_sort(bson_t *opts, const char *key, const struct bf__m_plan *plan)
{
    const struct bf_index *index = plan->query->index;
    const struct bf_collection *coll = plan->query->coll;
    int direction = plan->query->descending ? -1 : 1;
    bool whole = has_whole_prefix(plan);
    char path[BF__M_PATH_MAX];
    bson_t sub;
    bf__m_must(bson_append_document_begin(opts, key, -1, &sub));
    if (index != NULL && whole && coll->cls == BF_TENANT_COLLECTION)
        bf__m_must(bson_append_int32(&sub, "t", -1, direction));
    for (unsigned i = whole ? 0 : plan->n_fixed; index != NULL && i < index->n_fields; i++)
        bf__m_must(bson_append_int32(&sub, bf__m_path(coll, index->fields[i], path), -1, direction));
    bf__m_must(bson_append_int32(&sub, index == NULL ? "_id" : bf__m_id_path(coll), -1, direction));
    bf__m_must(bson_append_document_end(opts, &sub));
}

void bf__m_put_hint(bson_t *opts, const struct bf__m_plan *plan)
{
    char name[BF__M_INDEX_NAME_MAX];
    bf__m_must(bson_append_utf8(opts, "hint", -1, plan->query->index == NULL ? "_id_" : bf__m_index_name(plan->query->index, name), -1));
}

void bf__m_put_order_fields(bson_t *opts, const struct bf__m_plan *plan)
{
    char path[BF__M_PATH_MAX];
    bson_t sub;
    bf__m_must(bson_append_document_begin(opts, "projection", -1, &sub));
    bf__m_must(bson_append_int32(&sub, "_id", -1, 1));
    for (unsigned i = 0; i < bf__m_n_ordering(plan); i++)
        bf__m_must(bson_append_int32(&sub, bf__m_ordering_path(plan, i, path), -1, 1));
    bf__m_must(bson_append_document_end(opts, &sub));
}
