/* SPDX-License-Identifier: Apache-2.0 */
/* From JSON to a document, row by row of the schema's table; and RFC 7396 on what was decoded. Strings are copied into the arena, so the
 * parse tree dies before the call returns. */
#include "core/arena.h"
#include "core/json.h"
#include "core/json_internal.h"
#include "core/text.h"
#include "core/tz.h"
#include "core/utf8.h"
#include <assert.h>

struct decoder {
    struct bf_arena *arena;
    struct bf_error error; /* the caller's is touched only when something was wrong */
    char path[sizeof((struct bf_field_error *)0)->pointer];
    size_t path_n;
};

static bool is_full(const struct decoder *d) { return d->error.n_fields == BF_ERROR_FIELDS_MAX; }

#define FAULT(d, code, ...) bf_fail_field(&(d)->error, BF_E_INVALID_BODY, (d)->path, (code), __VA_ARGS__)

/* Appends "/name", escaped as RFC 6901 says; cut between characters where the pointer's room ends. Returns the length to go back to. */
static size_t enter(struct decoder *d, struct bf_str name)
{
    size_t before = d->path_n;
    if (d->path_n + 1 < sizeof d->path)
        d->path[d->path_n++] = '/';
    for (size_t i = 0; i < name.n;) {
        const char *from = name.p + i, *escaped = *from == '~' ? "~0" : *from == '/' ? "~1" : NULL;
        size_t step = bf__utf8_step((const unsigned char *)from, name.n - i);
        size_t n = escaped != NULL ? 2 : step;
        if (step == 0 || d->path_n + n >= sizeof d->path)
            break;
        memcpy(d->path + d->path_n, escaped != NULL ? escaped : from, n);
        d->path_n += n;
        i += step;
    }
    d->path[d->path_n] = '\0';
    return before;
}

static size_t enter_item(struct decoder *d, unsigned i)
{
    char digits[12];
    int n = snprintf(digits, sizeof digits, "%u", i);
    return enter(d, bf_str(digits, (size_t)n));
}

static void leave(struct decoder *d, size_t before)
{
    d->path_n = before;
    d->path[before] = '\0';
}

static struct bf_str text_of(const json_t *json) { return bf_str(json_string_value(json), json_string_length(json)); }

/* A field's own type and limits, or those of its items. */
struct want {
    const struct bf_field *field;
    enum bf_type type;
    int64_t min, max;
};

static bool check_length(struct decoder *d, const struct want *want, size_t n, const char *unit)
{
    if (want->min == 0 && want->max == 0)
        return true;
    if ((int64_t)n < want->min)
        FAULT(d, "too_short", "at least %lld %s", (long long)want->min, unit);
    else if ((int64_t)n > want->max)
        FAULT(d, "too_long", "at most %lld %s", (long long)want->max, unit);
    else
        return true;
    return false;
}

static bool check_size(struct decoder *d, const struct want *want, double value)
{
    if (want->min == 0 && want->max == 0)
        return true;
    if (value < (double)want->min)
        FAULT(d, "too_small", "at least %lld", (long long)want->min);
    else if (value > (double)want->max)
        FAULT(d, "too_large", "at most %lld", (long long)want->max);
    else
        return true;
    return false;
}

/* Control characters other than tab and line ends have no business in a field, and spoil logs, CSV and terminals. */
static bool has_control(struct bf_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0) /* U+0080 to U+009F */
            return true;
    }
    return false;
}

static bool decode_string(struct decoder *d, const struct want *want, struct bf_str s)
{
    if (has_control(s)) {
        FAULT(d, "bad_character", "control characters are not allowed");
        return false;
    }
    return check_length(d, want, bf_text_length(s), "characters");
}

static bool decode_int(struct decoder *d, const struct want *want, json_int_t i, struct bf_value *ret)
{
    bool limited = want->min != 0 || want->max != 0;
    if (limited && i < want->min)
        FAULT(d, "too_small", "at least %lld", (long long)want->min);
    else if (limited && i > want->max)
        FAULT(d, "too_large", "at most %lld", (long long)want->max);
    else {
        ret->i = i;
        return true;
    }
    return false;
}

static bool decode_enum(struct decoder *d, const struct want *want, struct bf_str s, struct bf_value *ret)
{
    int index = bf_enum_find(want->field->words, s);
    if (index < 0) {
        FAULT(d, "unknown_word", "not one of the words of %s", want->field->words->name);
        return false;
    }
    ret->i = index;
    return true;
}

static bool decode_bytes(struct decoder *d, const struct want *want, struct bf_str s, struct bf_value *ret)
{
    size_t max = s.n / 4 * 3 + 3;
    unsigned char *bytes = bf_arena_alloc(d->arena, max);
    long n = bf_unbase64url(s, bytes, max);
    if (n < 0) {
        FAULT(d, "bad_base64", "base64url without padding is expected");
        return false;
    }
    ret->s = bf_str((const char *)bytes, (size_t)n);
    return check_length(d, want, (size_t)n, "bytes");
}

static bool decode_uuid(struct decoder *d, bool must_be_v7, struct bf_str s, struct bf_uuid *ret)
{
    if (bf_uuid_parse(s, ret) && (!must_be_v7 || bf_uuid_is_v7(ret)))
        return true;
    FAULT(d, "bad_uuid", must_be_v7 ? "a lower-case UUID of version 7 is expected" : "a lower-case UUID is expected");
    return false;
}

static bool check(struct decoder *d, bool ok, const char *code, const char *expected)
{
    if (!ok)
        FAULT(d, code, "%s", expected);
    return ok;
}

/* The types whose JSON is a string. */
static bool decode_text(struct decoder *d, const struct want *want, struct bf_str s, struct bf_value *ret)
{
    struct bf_civil civil;
    switch (want->type) {
    case BF_T_ENUM:
        return decode_enum(d, want, s, ret);
    case BF_T_TIME:
        return check(d, bf_time_parse(s, &ret->i), "bad_time", "an RFC 3339 time with its offset is expected");
    case BF_T_UUID:
        return decode_uuid(d, (want->field->flags & BF_F_V7) != 0, s, &ret->uuid);
    case BF_T_SHA256:
        return check(d, bf_unhex(s, ret->sha256, sizeof ret->sha256), "bad_sha256", "64 lower-case hex digits are expected");
    case BF_T_BYTES:
        return decode_bytes(d, want, s, ret);
    case BF_T_DATE:
        if (!check(d, bf_date_parse(s, &civil), "bad_date", "a calendar day YYYY-MM-DD is expected"))
            return false;
        break;
    case BF_T_WALL:
        if (!check(d, bf_wall_parse(s, &civil), "bad_wall_time", "a wall time YYYY-MM-DDTHH:MM is expected"))
            return false;
        break;
    case BF_T_ZONE:
        if (!check(d, bf_tz_is_zone(s), "bad_zone", "an IANA time zone name is expected"))
            return false;
        break;
    default:
        if (!decode_string(d, want, s))
            return false;
        break;
    }
    ret->s = bf_str_dup(d->arena, s);
    return true;
}

static bool decode_object(struct decoder *d, enum bf_json_mode mode, const struct bf_schema *schema, const json_t *json, const char *skip,
                          struct bf_object **ret);

static bool decode_value(struct decoder *d, enum bf_json_mode mode, const struct want *want, const json_t *json, struct bf_value *ret);

static bool decode_array(struct decoder *d, const struct want *want, const json_t *json, struct bf_value *ret)
{
    const struct bf_field *f = want->field;
    const struct want item = {.field = f, .type = f->elem, .min = f->elem_min, .max = f->elem_max};
    unsigned n = (unsigned)json_array_size(json);
    bool ok = true;
    assert(f->elem != BF_T_ARRAY && f->elem > BF_T_NULL);
    if (!check_length(d, want, n, "items"))
        return false;
    ret->array = (struct bf_array){bf_arena_calloc(d->arena, n, sizeof(struct bf_value)), n};
    for (unsigned i = 0; i < n && !is_full(d); i++) {
        size_t before = enter_item(d, i);
        if (!decode_value(d, BF_JSON_CREATE, &item, json_array_get(json, i), &ret->array.items[i]))
            ok = false;
        leave(d, before);
    }
    return ok;
}

/* Whether the value has the JSON type that the schema type is written as. */
static bool has_type(const json_t *json, enum bf_type type)
{
    switch (type) {
    case BF_T_BOOL:
        return json_is_boolean(json);
    case BF_T_INT:
        return json_is_integer(json);
    case BF_T_DOUBLE:
        return json_is_number(json);
    case BF_T_OBJECT:
        return json_is_object(json);
    case BF_T_ARRAY:
        return json_is_array(json);
    default:
        return json_is_string(json);
    }
}

static const char *type_words(enum bf_type type)
{
    switch (type) {
    case BF_T_BOOL:
        return "true or false";
    case BF_T_INT:
        return "a whole number";
    case BF_T_DOUBLE:
        return "a number";
    case BF_T_OBJECT:
        return "an object";
    case BF_T_ARRAY:
        return "an array";
    default:
        return "a string";
    }
}

static bool decode_value(struct decoder *d, enum bf_json_mode mode, const struct want *want, const json_t *json, struct bf_value *ret)
{
    struct bf_value v = {.type = want->type};
    bool ok;
    if (json_is_null(json))
        return check(d, false, "null", "null is not allowed here");
    if (!has_type(json, want->type)) {
        FAULT(d, "wrong_type", "%s is expected", type_words(want->type));
        return false;
    }
    switch (want->type) {
    case BF_T_BOOL:
        v.b = json_is_true(json);
        ok = true;
        break;
    case BF_T_INT:
        ok = decode_int(d, want, json_integer_value(json), &v);
        break;
    case BF_T_DOUBLE:
        v.d = json_number_value(json);
        ok = check_size(d, want, v.d);
        break;
    case BF_T_OBJECT:
        ok = decode_object(d, mode, want->field->sub, json, NULL, &v.object);
        break;
    case BF_T_ARRAY:
        ok = decode_array(d, want, json, &v);
        break;
    default:
        ok = decode_text(d, want, text_of(json), &v);
        break;
    }
    if (ok)
        *ret = v;
    return ok;
}

/* One member of an object: may the client write it at all, then its value. */
static bool decode_field(struct decoder *d, enum bf_json_mode mode, const struct bf_field *field, const json_t *json, struct bf_value *ret)
{
    const struct want want = {.field = field, .type = field->type, .min = field->min, .max = field->max};
    if ((field->flags & BF_F_SERVER) != 0)
        return check(d, false, "read_only", "the server writes this field");
    if (mode == BF_JSON_PATCH && (field->flags & BF_F_CREATE_ONLY) != 0)
        return check(d, false, "immutable", "this field never changes");
    if (mode == BF_JSON_PATCH && json_is_null(json)) {
        if ((field->flags & BF_F_REQUIRED) != 0)
            return check(d, false, "null", "a required field cannot be removed");
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

static void fault_missing(struct decoder *d, const struct bf_field *f)
{
    size_t before = enter(d, bf_strz(f->name));
    if ((f->flags & BF_F_REQUIRED) != 0 || f->required_prose == NULL)
        FAULT(d, "required", "this field is required");
    else
        FAULT(d, "required", "this field is required %s", f->required_prose);
    leave(d, before);
}

/* `present` is what the body named, faulty or not, so that one mistake is not reported twice. */
static bool check_required(struct decoder *d, const struct bf_object *o, const json_t *present)
{
    bool ok = true;
    for (unsigned row = 0; row < o->schema->n_fields && !is_full(d); row++) {
        if (!missing(o, row) || (present != NULL && json_object_get(present, o->schema->fields[row].name) != NULL))
            continue;
        fault_missing(d, &o->schema->fields[row]);
        ok = false;
    }
    return ok;
}

static bool decode_member(struct decoder *d, enum bf_json_mode mode, struct bf_object *o, struct bf_str key, const json_t *json)
{
    int row = bf_schema_find(o->schema, key);
    size_t before = enter(d, key);
    bool ok;
    if (row < 0 || (o->schema->fields[row].flags & BF_F_HIDDEN) != 0)
        ok = check(d, false, "unknown_field", "there is no such field");
    else
        ok = decode_field(d, mode, &o->schema->fields[row], json, &o->v[row]);
    leave(d, before);
    return ok;
}

static bool decode_object(struct decoder *d, enum bf_json_mode mode, const struct bf_schema *schema, const json_t *json, const char *skip,
                          struct bf_object **ret)
{
    struct bf_object *o = bf_object_create(d->arena, schema);
    bool ok = true;
    union {
        const json_t *in;
        json_t *out;
    } members = {json}; /* jansson's iterator wants a pointer it may write through, and does not */
    for (void *at = json_object_iter(members.out); at != NULL && !is_full(d); at = json_object_iter_next(members.out, at)) {
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

static bool decode_id(struct decoder *d, const json_t *body, struct bf_uuid *ret)
{
    const json_t *id = json_object_get(body, "id");
    size_t before = enter(d, BF_STR("id"));
    bool ok = false;
    if (id == NULL)
        FAULT(d, "required", "this field is required");
    else if (!json_is_string(id))
        FAULT(d, "wrong_type", "a string is expected");
    else
        ok = decode_uuid(d, true, text_of(id), ret);
    leave(d, before);
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

static enum bf_status hand_over(const struct decoder *d, struct bf_error *e)
{
    if (e != NULL)
        *e = d->error;
    return d->error.status;
}

static enum bf_status decode(struct bf_arena *arena, const struct bf_schema *schema, enum bf_json_mode mode, struct bf_str body,
                             struct bf_uuid *ret_id, struct bf_object **ret, struct bf_error *e)
{
    struct decoder d = {.arena = arena};
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
