/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/bson.h"
#include "core/arena.h"
#include <assert.h>
#include <bson/bson.h>

/* ---- encoding ---- */

static void put_object(bson_t *b, const char *key, int n_key, const struct bf_object *o);
static void put_array(bson_t *b, const char *key, int n_key, const struct bf_field *field, const struct bf_array *array);

/* libbson fails only past 2 GiB; what is stored is capped far below. */
static void must(bool ok)
{
    if (!ok)
        abort();
}

static void put_bytes(bson_t *b, const char *key, int n_key, bson_subtype_t subtype, const void *p, size_t n)
{
    must(bson_append_binary(b, key, n_key, subtype, p == NULL ? (const uint8_t *)"" : p, (uint32_t)n));
}

static void put_value(bson_t *b, const char *key, int n_key, const struct bf_field *field, const struct bf_value *v)
{
    switch (v->type) {
    case BF_T_NONE:
    case BF_T_NULL:
        return;
    case BF_T_BOOL:
        return must(bson_append_bool(b, key, n_key, v->b));
    case BF_T_INT:
        return must(bson_append_int64(b, key, n_key, v->i));
    case BF_T_DOUBLE:
        return must(bson_append_double(b, key, n_key, v->d));
    case BF_T_TIME:
        return must(bson_append_date_time(b, key, n_key, v->i));
    case BF_T_ENUM:
        return must(bson_append_utf8(b, key, n_key, field->words->words[v->i].word, -1));
    case BF_T_STRING:
    case BF_T_DATE:
    case BF_T_WALL:
    case BF_T_ZONE:
        return must(bson_append_utf8(b, key, n_key, v->s.p == NULL ? "" : v->s.p, (int)v->s.n));
    case BF_T_BYTES:
        return put_bytes(b, key, n_key, BSON_SUBTYPE_BINARY, v->s.p, v->s.n);
    case BF_T_UUID:
        return put_bytes(b, key, n_key, BSON_SUBTYPE_UUID, v->uuid.b, sizeof v->uuid.b);
    case BF_T_SHA256:
        return put_bytes(b, key, n_key, BSON_SUBTYPE_BINARY, v->sha256, sizeof v->sha256);
    case BF_T_OBJECT:
        return put_object(b, key, n_key, v->object);
    case BF_T_ARRAY:
        return put_array(b, key, n_key, field, &v->array);
    }
}

/* Unknown fields go behind the known ones. One whose name is a field that is present now (a new word that was overwritten) is dropped. */
static void put_extra(bson_t *b, const struct bf_object *o)
{
    bson_iter_t it;
    if (o->extra.n == 0)
        return;
    must(bson_iter_init_from_data(&it, (const uint8_t *)o->extra.p, o->extra.n));
    while (bson_iter_next(&it)) {
        const char *key = bson_iter_key(&it);
        int row = bf_schema_find(o->schema, bf_strz(key));
        if (key[0] != '\0' && (row < 0 || !bf_has(o, (unsigned)row)))
            must(bson_append_iter(b, key, -1, &it));
    }
}

static void put_fields(bson_t *b, const struct bf_object *o)
{
    for (unsigned i = 0; i < o->schema->n_fields; i++) {
        const struct bf_field *field = &o->schema->fields[i];
        put_value(b, field->name, -1, field, &o->v[i]);
    }
    put_extra(b, o);
}

static void put_object(bson_t *b, const char *key, int n_key, const struct bf_object *o)
{
    bson_t sub;
    must(bson_append_document_begin(b, key, n_key, &sub));
    put_fields(&sub, o);
    must(bson_append_document_end(b, &sub));
}

static void put_array(bson_t *b, const char *key, int n_key, const struct bf_field *field, const struct bf_array *array)
{
    bson_t sub;
    must(bson_append_array_begin(b, key, n_key, &sub));
    for (unsigned i = 0; i < array->n; i++) {
        char buf[16];
        const char *index;
        size_t n = bson_uint32_to_string(i, &index, buf, sizeof buf);
        assert(array->items[i].type > BF_T_NULL);
        put_value(&sub, index, (int)n, field, &array->items[i]);
    }
    must(bson_append_array_end(b, &sub));
}

/* A newer build's version, which this one must not lower. */
static int stored_version(const struct bf_object *o)
{
    bson_iter_t it;
    if (o->extra.n > 0 && bson_iter_init_from_data(&it, (const uint8_t *)o->extra.p, o->extra.n) && bson_iter_find(&it, "") &&
        BSON_ITER_HOLDS_INT32(&it) && bson_iter_int32(&it) > o->schema->version)
        return bson_iter_int32(&it);
    return o->schema->version;
}

struct bf_str bf__bson_encode(struct bf_arena *arena, const struct bf_doc *doc)
{
    bson_t b;
    bson_init(&b);
    must(bson_append_int32(&b, "v", 1, stored_version(&doc->object)));
    must(bson_append_int64(&b, "rev", 3, doc->rev));
    must(bson_append_int64(&b, "n", 1, doc->n));
    must(bson_append_int32(&b, "k", 1, doc->k));
    if (doc->tombstone)
        must(bson_append_bool(&b, "x", 1, true));
    else
        put_object(&b, "f", 1, &doc->object);
    struct bf_str bytes = bf_str(bf_arena_dup(arena, bson_get_data(&b), b.len), b.len);
    bson_destroy(&b);
    return bytes;
}

/* ---- decoding ---- */

struct reader {
    struct bf_arena *arena;
    struct bf_error *e;
};

static enum bf_status corrupt(const struct reader *r, const char *key)
{
    return bf_fail(r->e, BF_E_CORRUPT, "a stored document cannot be read at \"%.60s\"", key);
}

static enum bf_status read_object(const struct reader *r, bson_iter_t *it, struct bf_object *o, int newer_version);

static bool read_bytes(bson_iter_t *it, struct bf_str *ret)
{
    bson_subtype_t subtype;
    uint32_t n;
    const uint8_t *p;
    if (!BSON_ITER_HOLDS_BINARY(it))
        return false;
    bson_iter_binary(it, &subtype, &n, &p);
    *ret = bf_str((const char *)p, n);
    return true;
}

static bool read_text(bson_iter_t *it, struct bf_str *ret)
{
    uint32_t n;
    if (!BSON_ITER_HOLDS_UTF8(it))
        return false;
    ret->p = bson_iter_utf8(it, &n);
    ret->n = n;
    return true;
}

static bool read_scalar(bson_iter_t *it, enum bf_type type, struct bf_value *v)
{
    struct bf_str s;
    switch (type) {
    case BF_T_BOOL:
        v->b = bson_iter_bool(it);
        return BSON_ITER_HOLDS_BOOL(it);
    case BF_T_INT:
        v->i = bson_iter_as_int64(it);
        return BSON_ITER_HOLDS_INT64(it) || BSON_ITER_HOLDS_INT32(it);
    case BF_T_DOUBLE:
        v->d = bson_iter_as_double(it);
        return BSON_ITER_HOLDS_NUMBER(it);
    case BF_T_TIME:
        v->i = bson_iter_date_time(it);
        return BSON_ITER_HOLDS_DATE_TIME(it);
    case BF_T_UUID:
        if (!read_bytes(it, &s) || s.n != sizeof v->uuid.b)
            return false;
        memcpy(v->uuid.b, s.p, s.n);
        return true;
    case BF_T_SHA256:
        if (!read_bytes(it, &s) || s.n != sizeof v->sha256)
            return false;
        memcpy(v->sha256, s.p, s.n);
        return true;
    case BF_T_BYTES:
        return read_bytes(it, &v->s);
    default:
        return read_text(it, &v->s);
    }
}

static enum bf_status read_value(const struct reader *r, bson_iter_t *it, const struct bf_field *field, enum bf_type type,
                                 struct bf_value *v, bool *ret_known);

static unsigned count_items(const bson_iter_t *array)
{
    bson_iter_t it;
    unsigned n = 0;
    for (bool more = bson_iter_recurse(array, &it) && bson_iter_next(&it); more; more = bson_iter_next(&it))
        n++;
    return n;
}

/* An array with an item that this build does not know (an enum's new word) is unknown as a whole. */
static enum bf_status read_array(const struct reader *r, bson_iter_t *it, const struct bf_field *field, struct bf_value *v, bool *ret_known)
{
    bson_iter_t item;
    if (!BSON_ITER_HOLDS_ARRAY(it))
        return corrupt(r, field->name);
    unsigned n = count_items(it);
    v->array.items = bf_arena_calloc(r->arena, n, sizeof *v->array.items);
    v->array.n = n;
    if (!bson_iter_recurse(it, &item))
        return corrupt(r, field->name);
    for (unsigned i = 0; i < n && *ret_known; i++) {
        if (!bson_iter_next(&item))
            return corrupt(r, field->name);
        enum bf_status status = read_value(r, &item, field, field->elem, &v->array.items[i], ret_known);
        if (status != BF_OK)
            return status;
    }
    return BF_OK;
}

static enum bf_status read_value(const struct reader *r, bson_iter_t *it, const struct bf_field *field, enum bf_type type,
                                 struct bf_value *v, bool *ret_known)
{
    struct bf_str word;
    v->type = type;
    if (type == BF_T_ARRAY)
        return read_array(r, it, field, v, ret_known);
    if (type == BF_T_OBJECT) {
        bson_iter_t sub;
        if (!BSON_ITER_HOLDS_DOCUMENT(it) || !bson_iter_recurse(it, &sub))
            return corrupt(r, field->name);
        v->object = bf_object_create(r->arena, field->sub);
        return read_object(r, &sub, v->object, 0);
    }
    if (type == BF_T_ENUM) {
        if (!read_text(it, &word))
            return corrupt(r, field->name);
        v->i = bf_enum_find(field->words, word);
        *ret_known = v->i >= 0;
        return BF_OK;
    }
    return read_scalar(it, type, v) ? BF_OK : corrupt(r, field->name);
}

/* Stored fields are in the schema's order but for changes of the schema, so the next row is nearly always the one. */
static int find_row(const struct bf_schema *schema, const char *key, unsigned next)
{
    for (unsigned i = next; i < schema->n_fields && i < next + 8; i++)
        if (strcmp(schema->fields[i].name, key) == 0)
            return (int)i;
    return bf_schema_find(schema, bf_strz(key));
}

static enum bf_status read_object(const struct reader *r, bson_iter_t *it, struct bf_object *o, int newer_version)
{
    bson_t extra;
    unsigned next = 0;
    enum bf_status status = BF_OK;
    bson_init(&extra);
    if (newer_version > 0)
        must(bson_append_int32(&extra, "", 0, newer_version));
    while (status == BF_OK && bson_iter_next(it)) {
        bool known = true;
        const char *key = bson_iter_key(it);
        int row = find_row(o->schema, key, next);
        if (row >= 0) {
            const struct bf_field *field = &o->schema->fields[row];
            next = (unsigned)row + 1;
            status = read_value(r, it, field, field->type, &o->v[row], &known);
        }
        if (status == BF_OK && (row < 0 || !known)) {
            if (!bson_append_iter(&extra, key, -1, it))
                status = corrupt(r, key);
            if (row >= 0)
                o->v[row] = (struct bf_value){.type = BF_T_NONE};
        }
    }
    if (status == BF_OK && it->err_off != 0)
        status = corrupt(r, o->schema->name);
    if (status == BF_OK && extra.len > 5)
        o->extra = bf_str(bf_arena_dup(r->arena, bson_get_data(&extra), extra.len), extra.len);
    bson_destroy(&extra);
    return status;
}

struct envelope {
    int32_t version;
    bool has_fields;
    bson_iter_t fields;
};

static bool read_envelope(bson_iter_t *it, struct bf_doc *doc, struct envelope *env)
{
    while (bson_iter_next(it)) {
        const char *key = bson_iter_key(it);
        if (strcmp(key, "v") == 0 && BSON_ITER_HOLDS_INT32(it))
            env->version = bson_iter_int32(it);
        else if (strcmp(key, "rev") == 0 && BSON_ITER_HOLDS_INT64(it))
            doc->rev = bson_iter_int64(it);
        else if (strcmp(key, "n") == 0 && BSON_ITER_HOLDS_INT64(it))
            doc->n = bson_iter_int64(it);
        else if (strcmp(key, "k") == 0 && BSON_ITER_HOLDS_INT32(it))
            doc->k = bson_iter_int32(it);
        else if (strcmp(key, "x") == 0 && BSON_ITER_HOLDS_BOOL(it))
            doc->tombstone = bson_iter_bool(it);
        else if (strcmp(key, "f") == 0 && BSON_ITER_HOLDS_DOCUMENT(it))
            env->has_fields = bson_iter_recurse(it, &env->fields);
    }
    return it->err_off == 0 && env->version > 0 && doc->rev > 0 && (env->has_fields || doc->tombstone);
}

enum bf_status bf__bson_decode(struct bf_arena *arena, const struct bf_schema *schema, struct bf_uuid tenant, struct bf_uuid id,
                               struct bf_str bytes, struct bf_doc **ret, struct bf_error *e)
{
    struct reader r = {.arena = arena, .e = e};
    struct envelope env = {0};
    struct bf_doc *doc = bf_doc_create(arena, schema, tenant, id);
    bson_iter_t it;
    if (!bson_iter_init_from_data(&it, (const uint8_t *)bytes.p, bytes.n) || !read_envelope(&it, doc, &env))
        return corrupt(&r, schema->name);
    if (env.has_fields && !doc->tombstone) {
        enum bf_status status = read_object(&r, &env.fields, &doc->object, env.version > schema->version ? env.version : 0);
        if (status != BF_OK)
            return status;
        if (env.version < schema->version && schema->upgrade != NULL)
            schema->upgrade(&doc->object, env.version);
    }
    *ret = doc;
    return BF_OK;
}
