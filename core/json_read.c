/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to a document, object by object of the schema's table. The parse tree dies before the call returns. */
#include "core/arena.h"
#include "core/json_decoder.h"
#include <assert.h>

static bool decode_object(struct bf__decoder *d, enum bf_json_mode mode, const struct bf_schema *schema, const json_t *json,
                          const char *skip, struct bf_object **ret);

static bool decode_value(struct bf__decoder *d, enum bf_json_mode mode, const struct bf__want *want, const json_t *json,
                         struct bf_value *ret);

static bool decode_array(struct bf__decoder *d, const struct bf__want *want, const json_t *json, struct bf_value *ret)
{
    const struct bf_field *f = want->field;
    const struct bf__want item = {.field = f, .type = f->elem, .min = f->elem_min, .max = f->elem_max};
    unsigned n = (unsigned)json_array_size(json);
    bool ok = true;
    assert(f->elem != BF_T_ARRAY && f->elem > BF_T_NULL);
    if (!bf__check_length(d, want, n, "items"))
        return false;
    ret->array = (struct bf_array){bf_arena_calloc(d->arena, n, sizeof(struct bf_value)), n};
    for (unsigned i = 0; i < n && !bf__is_full(d); i++) {
        size_t before = bf__enter_item(d, i);
        if (!decode_value(d, BF_JSON_CREATE, &item, json_array_get(json, i), &ret->array.items[i]))
            ok = false;
        bf__leave(d, before);
    }
    return ok;
}

static bool decode_value(struct bf__decoder *d, enum bf_json_mode mode, const struct bf__want *want, const json_t *json,
                         struct bf_value *ret)
{
    struct bf_value v = {.type = want->type};
    bool ok;
    if (!bf__decode_type(d, want, json))
        return false;
    if (want->type == BF_T_OBJECT)
        ok = decode_object(d, mode, want->field->sub, json, NULL, &v.object);
    else if (want->type == BF_T_ARRAY)
        ok = decode_array(d, want, json, &v);
    else
        ok = bf__decode_scalar(d, want, json, &v);
    if (ok)
        *ret = v;
    return ok;
}

/* One member of an object: may the client write it at all, then its value. */
static bool decode_field(struct bf__decoder *d, enum bf_json_mode mode, const struct bf_field *field, const json_t *json,
                         struct bf_value *ret)
{
    const struct bf__want want = {.field = field, .type = field->type, .min = field->min, .max = field->max};
    if ((field->flags & BF_F_SERVER) != 0)
        return bf__expect(d, false, "read_only", "the server writes this field");
    if (mode == BF_JSON_PATCH && (field->flags & BF_F_CREATE_ONLY) != 0)
        return bf__expect(d, false, "immutable", "this field never changes");
    if (mode == BF_JSON_PATCH && json_is_null(json)) {
        if ((field->flags & BF_F_REQUIRED) != 0)
            return bf__expect(d, false, "null", "a required field cannot be removed");
        ret->type = BF_T_NULL;
        return true;
    }
    return decode_value(d, mode, &want, json, ret);
}

static bool from_clients(const struct bf_field *f) { return (f->flags & (BF_F_SERVER | BF_F_HIDDEN)) == 0; }

static bool missing(const struct bf_object *o, unsigned row)
{
    const struct bf_field *f = &o->schema->fields[row];
    if (bf_has(o, row) || !from_clients(f))
        return false;
    return (f->flags & BF_F_REQUIRED) != 0 || (f->required_when != NULL && f->required_when(o));
}

static void fault_missing(struct bf__decoder *d, const struct bf_field *f)
{
    size_t before = bf__enter(d, bf_strz(f->name));
    if ((f->flags & BF_F_REQUIRED) != 0 || f->required_prose == NULL)
        BF__FAULT(d, "required", "this field is required");
    else
        BF__FAULT(d, "required", "this field is required %s", f->required_prose);
    bf__leave(d, before);
}

/* `present` is what the body named, faulty or not, so that one mistake is not reported twice. */
static bool check_required(struct bf__decoder *d, const struct bf_object *o, const json_t *present)
{
    bool ok = true;
    for (unsigned row = 0; row < o->schema->n_fields && !bf__is_full(d); row++) {
        if (!missing(o, row) || (present != NULL && json_object_get(present, o->schema->fields[row].name) != NULL))
            continue;
        fault_missing(d, &o->schema->fields[row]);
        ok = false;
    }
    return ok;
}

static bool decode_member(struct bf__decoder *d, enum bf_json_mode mode, struct bf_object *o, struct bf_str key, const json_t *json)
{
    int row = bf_schema_find(o->schema, key);
    size_t before = bf__enter(d, key);
    bool ok;
    if (row < 0 || (o->schema->fields[row].flags & BF_F_HIDDEN) != 0)
        ok = bf__expect(d, false, "unknown_field", "there is no such field");
    else
        ok = decode_field(d, mode, &o->schema->fields[row], json, &o->v[row]);
    bf__leave(d, before);
    return ok;
}

static bool decode_object(struct bf__decoder *d, enum bf_json_mode mode, const struct bf_schema *schema, const json_t *json,
                          const char *skip, struct bf_object **ret)
{
    struct bf_object *o = bf_object_create(d->arena, schema);
    bool ok = true;
    union {
        const json_t *in;
        json_t *out;
    } members = {json}; /* jansson's iterator wants a pointer it may write through, and does not */
    for (void *at = json_object_iter(members.out); at != NULL && !bf__is_full(d); at = json_object_iter_next(members.out, at)) {
        struct bf_str key = bf_str(json_object_iter_key(at), json_object_iter_key_len(at));
        if (skip != NULL && bf_str_eqz(key, skip))
            continue;
        if (!decode_member(d, mode, o, key, json_object_iter_value(at)))
            ok = false;
    }
    if (mode == BF_JSON_CREATE && !check_required(d, o, json))
        ok = false;
    *ret = o;
    return ok;
}

static bool decode_id(struct bf__decoder *d, const json_t *body, struct bf_uuid *ret)
{
    const json_t *id = json_object_get(body, "id");
    size_t before = bf__enter(d, BF_STR("id"));
    bool ok = false;
    if (id == NULL)
        BF__FAULT(d, "required", "this field is required");
    else if (!json_is_string(id))
        BF__FAULT(d, "wrong_type", "a string is expected");
    else
        ok = bf__decode_uuid(d, true, bf__json_text(id), ret);
    bf__leave(d, before);
    return ok;
}

static enum bf_status load_object(struct bf_str body, json_t **ret, struct bf_error *e)
{
    enum bf_status status = bf__json_load(body, SIZE_MAX, ret, e);
    if (status == BF_OK && !json_is_object(*ret)) {
        json_decref(*ret);
        status = bf_fail(e, BF_E_INVALID_BODY, "the body must be a JSON object");
    }
    return status;
}

static enum bf_status hand_over(const struct bf__decoder *d, struct bf_error *e)
{
    if (e != NULL)
        *e = d->error;
    return d->error.status;
}

static enum bf_status decode(struct bf_arena *arena, const struct bf_schema *schema, enum bf_json_mode mode, struct bf_str body,
                             struct bf_uuid *ret_id, struct bf_object **ret, struct bf_error *e)
{
    struct bf__decoder d = {.arena = arena};
    json_t *json = NULL;
    struct bf_object *object = NULL;
    struct bf_uuid id;
    enum bf_status status = load_object(body, &json, e);
    if (status != BF_OK)
        return status;
    bool ok = ret_id == NULL || decode_id(&d, json, &id);
    if (!decode_object(&d, mode, schema, json, ret_id == NULL ? NULL : "id", &object))
        ok = false;
    json_decref(json);
    if (!ok)
        return hand_over(&d, e);
    if (ret_id != NULL)
        *ret_id = id;
    *ret = object;
    return BF_OK;
}

enum bf_status bf_json_decode(struct bf_arena *arena, const struct bf_schema *schema, enum bf_json_mode mode, struct bf_str body,
                              struct bf_object **ret, struct bf_error *e)
{
    return decode(arena, schema, mode, body, NULL, ret, e);
}

enum bf_status bf_json_decode_create(struct bf_arena *arena, const struct bf_schema *schema, struct bf_str body, struct bf_uuid *ret_id,
                                     struct bf_object **ret, struct bf_error *e)
{
    assert(bf_schema_find(schema, BF_STR("id")) < 0);
    return decode(arena, schema, BF_JSON_CREATE, body, ret_id, ret, e);
}
