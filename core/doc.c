/* SPDX-License-Identifier: Apache-2.0 */
#include "core/doc.h"
#include "core/arena.h"
#include <assert.h>

static void init_object(struct bf_arena *arena, struct bf_object *o, const struct bf_schema *schema)
{
    *o = (struct bf_object){.schema = schema, .v = bf_arena_calloc(arena, schema->n_fields, sizeof *o->v)};
}

struct bf_object *bf_object_create(struct bf_arena *arena, const struct bf_schema *schema)
{
    struct bf_object *o = bf_arena_alloc(arena, sizeof *o);
    init_object(arena, o, schema);
    return o;
}

struct bf_doc *bf_doc_create(struct bf_arena *arena, const struct bf_schema *schema, struct bf_uuid tenant, struct bf_uuid id)
{
    struct bf_doc *doc = bf_arena_alloc(arena, sizeof *doc);
    *doc = (struct bf_doc){.tenant = tenant, .id = id};
    init_object(arena, &doc->object, schema);
    return doc;
}

static bool is_text(enum bf_type type)
{
    return type == BF_T_STRING || type == BF_T_DATE || type == BF_T_WALL || type == BF_T_ZONE || type == BF_T_BYTES;
}

static void copy_object(struct bf_arena *arena, struct bf_object *to, const struct bf_object *from);

/* Recursion ends with the schema: a table's `sub` chain is finite, and an array's items are never arrays (BF_JSON_DEPTH_MAX). */
void bf_value_copy(struct bf_arena *arena, struct bf_value *to, const struct bf_value *from)
{
    *to = *from;
    if (is_text(from->type)) {
        to->s = bf_str_dup(arena, from->s);
    } else if (from->type == BF_T_OBJECT) {
        to->object = bf_arena_alloc(arena, sizeof *to->object);
        copy_object(arena, to->object, from->object);
    } else if (from->type == BF_T_ARRAY) {
        to->array.items = bf_arena_alloc(arena, from->array.n * sizeof *to->array.items);
        for (unsigned i = 0; i < from->array.n; i++)
            bf_value_copy(arena, &to->array.items[i], &from->array.items[i]);
    }
}

static void copy_object(struct bf_arena *arena, struct bf_object *to, const struct bf_object *from)
{
    *to = (struct bf_object){.schema = from->schema, .v = bf_arena_alloc(arena, from->schema->n_fields * sizeof *to->v)};
    for (unsigned i = 0; i < from->schema->n_fields; i++)
        bf_value_copy(arena, &to->v[i], &from->v[i]);
    if (from->extra.p != NULL)
        to->extra = bf_str_dup(arena, from->extra);
}

struct bf_object *bf_object_copy(struct bf_arena *arena, const struct bf_object *object)
{
    struct bf_object *copy = bf_arena_alloc(arena, sizeof *copy);
    copy_object(arena, copy, object);
    return copy;
}

struct bf_doc *bf_doc_copy(struct bf_arena *arena, const struct bf_doc *doc)
{
    struct bf_doc *copy = bf_arena_alloc(arena, sizeof *copy);
    *copy = *doc;
    copy_object(arena, &copy->object, &doc->object);
    return copy;
}

static bool array_eq(const struct bf_array *a, const struct bf_array *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (!bf_value_eq(&a->items[i], &b->items[i]))
            return false;
    return true;
}

bool bf_value_eq(const struct bf_value *a, const struct bf_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case BF_T_NONE:
    case BF_T_NULL:
        return true;
    case BF_T_BOOL:
        return a->b == b->b;
    case BF_T_INT:
    case BF_T_TIME:
    case BF_T_ENUM:
        return a->i == b->i;
    case BF_T_DOUBLE:
        return a->d == b->d;
    case BF_T_STRING:
    case BF_T_DATE:
    case BF_T_WALL:
    case BF_T_ZONE:
    case BF_T_BYTES:
        return bf_str_eq(a->s, b->s);
    case BF_T_UUID:
        return bf_uuid_eq(&a->uuid, &b->uuid);
    case BF_T_SHA256:
        return memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
    case BF_T_OBJECT:
        return bf_object_eq(a->object, b->object);
    case BF_T_ARRAY:
        return array_eq(&a->array, &b->array);
    }
    return false;
}

bool bf_object_eq(const struct bf_object *a, const struct bf_object *b)
{
    if (a->schema != b->schema || !bf_str_eq(a->extra, b->extra))
        return false;
    for (unsigned i = 0; i < a->schema->n_fields; i++)
        if (!bf_value_eq(&a->v[i], &b->v[i]))
            return false;
    return true;
}

/* The value of a row that the caller believes to be of `type`; NULL when it is absent or null. */
static const struct bf_value *present(const struct bf_object *o, unsigned row, enum bf_type type)
{
    assert(row < o->schema->n_fields && o->schema->fields[row].type == type);
    const struct bf_value *v = &o->v[row];
    assert(v->type <= BF_T_NULL || v->type == type);
    return v->type > BF_T_NULL ? v : NULL;
}

bool bf_get_bool(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_BOOL);
    return v != NULL && v->b;
}

int64_t bf_get_int(const struct bf_object *o, unsigned row)
{
    assert(row < o->schema->n_fields);
    enum bf_type type = o->schema->fields[row].type;
    const struct bf_value *v = present(o, row, type == BF_T_TIME ? BF_T_TIME : BF_T_INT);
    return v == NULL ? 0 : v->i;
}

double bf_get_double(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_DOUBLE);
    return v == NULL ? 0 : v->d;
}

int bf_get_enum(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_ENUM);
    return v == NULL ? -1 : (int)v->i;
}

struct bf_str bf_get_str(const struct bf_object *o, unsigned row)
{
    assert(row < o->schema->n_fields && is_text(o->schema->fields[row].type));
    const struct bf_value *v = present(o, row, o->schema->fields[row].type);
    return v == NULL ? (struct bf_str){NULL, 0} : v->s;
}

struct bf_uuid bf_get_uuid(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_UUID);
    return v == NULL ? (struct bf_uuid){{0}} : v->uuid;
}

const uint8_t *bf_get_sha256(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_SHA256);
    return v == NULL ? NULL : v->sha256;
}

const struct bf_object *bf_get_object(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_OBJECT);
    return v == NULL ? NULL : v->object;
}

struct bf_array bf_get_array(const struct bf_object *o, unsigned row)
{
    const struct bf_value *v = present(o, row, BF_T_ARRAY);
    return v == NULL ? (struct bf_array){NULL, 0} : v->array;
}

static struct bf_value *slot(struct bf_object *o, unsigned row, enum bf_type type)
{
    assert(row < o->schema->n_fields && o->schema->fields[row].type == type);
    return &o->v[row];
}

void bf_set_bool(struct bf_object *o, unsigned row, bool b) { *slot(o, row, BF_T_BOOL) = (struct bf_value){.type = BF_T_BOOL, .b = b}; }

void bf_set_int(struct bf_object *o, unsigned row, int64_t i)
{
    assert(row < o->schema->n_fields);
    enum bf_type type = o->schema->fields[row].type == BF_T_TIME ? BF_T_TIME : BF_T_INT;
    *slot(o, row, type) = (struct bf_value){.type = type, .i = i};
}

void bf_set_double(struct bf_object *o, unsigned row, double d)
{
    *slot(o, row, BF_T_DOUBLE) = (struct bf_value){.type = BF_T_DOUBLE, .d = d};
}

void bf_set_enum(struct bf_object *o, unsigned row, int index)
{
    struct bf_value *v = slot(o, row, BF_T_ENUM);
    assert(index >= 0 && (unsigned)index < o->schema->fields[row].words->n_words);
    *v = (struct bf_value){.type = BF_T_ENUM, .i = index};
}

void bf_set_str(struct bf_object *o, unsigned row, struct bf_str s)
{
    assert(row < o->schema->n_fields && is_text(o->schema->fields[row].type));
    enum bf_type type = s.p == NULL ? BF_T_NONE : o->schema->fields[row].type;
    o->v[row] = (struct bf_value){.type = type, .s = s};
}

void bf_set_uuid(struct bf_object *o, unsigned row, struct bf_uuid u)
{
    *slot(o, row, BF_T_UUID) = (struct bf_value){.type = BF_T_UUID, .uuid = u};
}

void bf_set_sha256(struct bf_object *o, unsigned row, const uint8_t hash[32])
{
    struct bf_value *v = slot(o, row, BF_T_SHA256);
    *v = (struct bf_value){.type = BF_T_SHA256};
    memcpy(v->sha256, hash, sizeof v->sha256);
}

void bf_set_object(struct bf_object *o, unsigned row, struct bf_object *sub)
{
    struct bf_value *v = slot(o, row, BF_T_OBJECT);
    assert(sub->schema == o->schema->fields[row].sub);
    *v = (struct bf_value){.type = BF_T_OBJECT, .object = sub};
}

void bf_set_array(struct bf_object *o, unsigned row, struct bf_value *items, unsigned n)
{
    *slot(o, row, BF_T_ARRAY) = (struct bf_value){.type = BF_T_ARRAY, .array = {items, n}};
}

void bf_unset(struct bf_object *o, unsigned row)
{
    assert(row < o->schema->n_fields);
    o->v[row] = (struct bf_value){.type = BF_T_NONE};
}
