/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/match.h"
#include <assert.h>

const struct bf_value *bf__row_value(const struct bf_doc *doc, int row, struct bf_value *id)
{
    if (row == BF_ROW_ID) {
        *id = (struct bf_value){.type = BF_T_UUID, .uuid = doc->id};
        return id;
    }
    assert(row >= 0 && (unsigned)row < doc->object.schema->n_fields);
    const struct bf_value *v = &doc->object.v[row];
    return v->type > BF_T_NULL ? v : NULL;
}

const struct bf_field *bf__row_field(const struct bf_schema *schema, int row)
{
    assert(row == BF_ROW_ID || (row >= 0 && (unsigned)row < schema->n_fields));
    return row == BF_ROW_ID ? NULL : &schema->fields[row];
}

int bf__value_cmp(const struct bf_field *field, const struct bf_value *a, const struct bf_value *b)
{
    assert(a->type == b->type);
    switch (a->type) {
    case BF_T_BOOL:
        return (int)a->b - (int)b->b;
    case BF_T_INT:
    case BF_T_TIME:
        return (a->i > b->i) - (a->i < b->i);
    case BF_T_ENUM:
        return strcmp(field->words->words[a->i].word, field->words->words[b->i].word);
    case BF_T_DOUBLE:
        return (a->d > b->d) - (a->d < b->d);
    case BF_T_UUID:
        return memcmp(a->uuid.b, b->uuid.b, sizeof a->uuid.b);
    case BF_T_SHA256:
        return memcmp(a->sha256, b->sha256, sizeof a->sha256);
    default:
        assert(a->type != BF_T_OBJECT && a->type != BF_T_ARRAY);
        return bf_str_cmp(a->s, b->s);
    }
}

/* Equal to the value, or an array with an item that is. */
static bool holds(const struct bf_value *v, const struct bf_value *wanted)
{
    if (v->type != BF_T_ARRAY)
        return bf_value_eq(v, wanted);
    for (unsigned i = 0; i < v->array.n; i++)
        if (bf_value_eq(&v->array.items[i], wanted))
            return true;
    return false;
}

static bool holds_any(const struct bf_value *v, const struct bf_cond *cond)
{
    for (unsigned i = 0; i < cond->n; i++)
        if (holds(v, &cond->values[i]))
            return true;
    return false;
}

static bool holds_all(const struct bf_value *v, const struct bf_cond *cond)
{
    for (unsigned i = 0; i < cond->n; i++)
        if (!holds(v, &cond->values[i]))
            return false;
    return true;
}

bool bf__match(const struct bf_doc *doc, const struct bf_cond *cond)
{
    struct bf_value id;
    const struct bf_value *v = bf__row_value(doc, cond->row, &id);
    if (cond->op == BF_EXISTS)
        return (v != NULL) == cond->values[0].b;
    if (v == NULL)
        return false;
    if (cond->op == BF_EQ)
        return holds(v, &cond->values[0]);
    if (cond->op == BF_IN)
        return holds_any(v, cond);
    if (cond->op == BF_ALL)
        return holds_all(v, cond);
    assert(v->type != BF_T_ARRAY);
    int c = bf__value_cmp(bf__row_field(doc->object.schema, cond->row), v, &cond->values[0]);
    return cond->op == BF_GE ? c >= 0 : cond->op == BF_GT ? c > 0 : cond->op == BF_LE ? c <= 0 : c < 0;
}
