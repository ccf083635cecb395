/* SPDX-License-Identifier: Apache-2.0 */
/* Where a page stands, and the steps to what lies behind it. */
#include "core/arena.h"
#include "storage/mongo/plan.h"
#include "storage/mongo/shape.h"

unsigned bf__m_n_ordering(const struct bf__m_plan *p) { return p->query->index == NULL ? 0 : p->query->index->n_fields - p->n_fixed; }

const struct bf_field *bf__m_ordering_field(const struct bf__m_plan *p, unsigned i)
{
    return &p->query->coll->schema->fields[p->query->index->fields[p->n_fixed + i]];
}

const char *bf__m_ordering_path(const struct bf__m_plan *p, unsigned i, char out[BF__M_PATH_MAX])
{
    return bf__m_path(p->query->coll, p->query->index->fields[p->n_fixed + i], out);
}

static bool holds_type(const bson_iter_t *it, enum bf_type type)
{
    switch (type) {
    case BF_T_BOOL:
        return BSON_ITER_HOLDS_BOOL(it);
    case BF_T_INT:
        return BSON_ITER_HOLDS_INT64(it) || BSON_ITER_HOLDS_INT32(it);
    case BF_T_DOUBLE:
        return BSON_ITER_HOLDS_NUMBER(it);
    case BF_T_TIME:
        return BSON_ITER_HOLDS_DATE_TIME(it);
    case BF_T_UUID:
    case BF_T_SHA256:
        return BSON_ITER_HOLDS_BINARY(it);
    default:
        return BSON_ITER_HOLDS_UTF8(it);
    }
}

/* The list of values; false when there is none. */
static bool open_values(struct bf_str cursor, bson_iter_t *ret)
{
    bson_iter_t it;
    return bson_iter_init_from_data(&it, (const uint8_t *)cursor.p, cursor.n) && bson_iter_find(&it, "at") && BSON_ITER_HOLDS_ARRAY(&it) &&
           bson_iter_recurse(&it, ret);
}

/* The position was read, so it is there. */
void bf__m_value_at(const struct bf__m_position *position, unsigned i, bson_iter_t *ret)
{
    bool there = open_values(position->cursor, ret);
    for (unsigned k = 0; k <= i && there; k++)
        there = bson_iter_next(ret);
    bf__m_must(there);
}

bool bf__m_is_absent_at(const struct bf__m_position *position, unsigned i)
{
    bson_iter_t value;
    bf__m_value_at(position, i, &value);
    return BSON_ITER_HOLDS_NULL(&value);
}

bool bf__m_position(const struct bf__m_plan *plan, struct bf_str after, struct bf__m_position *ret)
{
    bson_iter_t it;
    struct bf_str id;
    unsigned n = 0, wanted = bf__m_n_ordering(plan);
    if (!bson_iter_init_from_data(&it, (const uint8_t *)after.p, after.n) || !bson_iter_find(&it, "id") || !bf__m_bytes(&it, &id) ||
        id.n != sizeof ret->id.b || !open_values(after, &it))
        return false;
    for (; bson_iter_next(&it); n++)
        if (n == wanted || (!BSON_ITER_HOLDS_NULL(&it) && !holds_type(&it, bf__m_ordering_field(plan, n)->type)))
            return false;
    *ret = (struct bf__m_position){.cursor = after, .n = n};
    memcpy(ret->id.b, id.p, id.n);
    return n == wanted;
}

struct bf_str bf__m_cursor(const struct bf__m_plan *plan, const bson_t *row, struct bf_arena *arena)
{
    bson_t b = BSON_INITIALIZER;
    struct bf__m_list list;
    struct bf_uuid tenant, id;
    char path[BF__M_PATH_MAX];
    bson_iter_t it, at;
    bf__m_list_begin(&b, "at", &list);
    for (unsigned i = 0; i < bf__m_n_ordering(plan); i++) {
        const char *key = bf__m_list_next(&list);
        if (bson_iter_init(&it, row) && bson_iter_find_descendant(&it, bf__m_ordering_path(plan, i, path), &at) &&
            holds_type(&at, bf__m_ordering_field(plan, i)->type))
            bf__m_must(bson_append_iter(&list.b, key, -1, &at));
        else
            bf__m_must(bson_append_null(&list.b, key, -1));
    }
    bf__m_list_end(&b, &list);
    bf__m_read_id(row, plan->query->coll, &tenant, &id);
    bf__m_put_uuid(&b, "id", id);
    struct bf_str cursor = bf_str(bf_arena_dup(arena, bson_get_data(&b), b.len), b.len);
    bson_destroy(&b);
    return cursor;
}

/* Upwards, what lies behind an absent value is every present one; downwards, behind a present value lie the smaller ones and then the absent. */
unsigned bf__m_steps(const struct bf__m_plan *plan, const struct bf__m_position *position, struct bf__m_step steps[BF__M_STEPS_MAX])
{
    unsigned n = 0;
    if (position == NULL) {
        steps[0] = (struct bf__m_step){.then = BF__M_ALL};
        return 1;
    }
    steps[n++] = (struct bf__m_step){position->n, BF__M_BEHIND};
    for (unsigned i = position->n; i-- > 0;) {
        bool is_absent = bf__m_is_absent_at(position, i), down = plan->query->descending;
        if (!down || !is_absent)
            steps[n++] = (struct bf__m_step){i, BF__M_BEHIND};
        if (down && !is_absent && (i > 0 || !plan->has_bounds))
            steps[n++] = (struct bf__m_step){i, BF__M_ABSENT};
    }
    return n;
}
