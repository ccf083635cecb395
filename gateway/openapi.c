/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.json: OpenAPI 3.1, written from the mounted routes and the schema tables; nothing about a route or field stands twice. */
#include "gateway/routes.h"
#include <stdio.h>

enum { DOCUMENT_MAX = 4 << 20, SCHEMAS_MAX = 64 };

struct writer {
    struct bf_jw w;
    const struct bf_schema *schemas[SCHEMAS_MAX]; /* met so far, in order */
    unsigned n_schemas;
};

static void text(struct bf_jw *w, const char *key, const char *value)
{
    bf_jw_key(w, key);
    bf_jw_str(w, bf_strz(value));
}

static void number(struct bf_jw *w, const char *key, int64_t value)
{
    bf_jw_key(w, key);
    bf_jw_int(w, value);
}

static void note_schema(struct writer *o, const struct bf_schema *schema)
{
    for (unsigned i = 0; i < o->n_schemas; i++)
        if (o->schemas[i] == schema)
            return;
    if (o->n_schemas < SCHEMAS_MAX)
        o->schemas[o->n_schemas++] = schema;
}

static void reference(struct writer *o, const struct bf_schema *schema)
{
    char ref[96];
    note_schema(o, schema);
    snprintf(ref, sizeof ref, "#/components/schemas/%s", schema->name);
    text(&o->w, "$ref", ref);
}

static void words(struct bf_jw *w, const struct bf_enum *e)
{
    text(w, "type", "string");
    bf_jw_key(w, "enum");
    bf_jw_array(w);
    for (unsigned i = 0; i < e->n_words; i++)
        bf_jw_str(w, bf_strz(e->words[i].word));
    bf_jw_end_array(w);
    bf_jw_key(w, "x-labels");
    bf_jw_object(w);
    for (unsigned i = 0; i < e->n_words; i++) {
        bf_jw_key(w, e->words[i].word);
        bf_jw_object(w);
        text(w, "zh-CN", e->words[i].zh);
        text(w, "en", e->words[i].en);
        bf_jw_end_object(w);
    }
    bf_jw_end_object(w);
}

static void string_of(struct bf_jw *w, const char *format, const char *pattern)
{
    text(w, "type", "string");
    if (format != NULL)
        text(w, "format", format);
    if (pattern != NULL)
        text(w, "pattern", pattern);
}

static void limits(struct bf_jw *w, const char *least, const char *most, int64_t min, int64_t max)
{
    if (min != 0)
        number(w, least, min);
    if (max != 0)
        number(w, most, max);
}

static void type_of(struct writer *o, enum bf_type type, const struct bf_field *f, int64_t min, int64_t max)
{
    struct bf_jw *w = &o->w;
    switch (type) {
    case BF_T_BOOL:
        text(w, "type", "boolean");
        break;
    case BF_T_INT:
        text(w, "type", "integer");
        limits(w, "minimum", "maximum", min, max);
        break;
    case BF_T_DOUBLE:
        text(w, "type", "number");
        limits(w, "minimum", "maximum", min, max);
        break;
    case BF_T_STRING:
        text(w, "type", "string");
        limits(w, "minLength", "maxLength", min, max);
        break;
    case BF_T_ENUM:
        words(w, f->words);
        break;
    case BF_T_TIME:
        string_of(w, "date-time", NULL);
        break;
    case BF_T_DATE:
        string_of(w, "date", NULL);
        break;
    case BF_T_WALL:
        string_of(w, NULL, "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}$");
        break;
    case BF_T_ZONE:
        string_of(w, "iana-time-zone", NULL);
        break;
    case BF_T_UUID:
        string_of(w, "uuid", NULL);
        break;
    case BF_T_SHA256:
        string_of(w, NULL, "^[0-9a-f]{64}$");
        break;
    case BF_T_BYTES:
        string_of(w, NULL, "^[A-Za-z0-9_-]*$");
        text(w, "contentEncoding", "base64url");
        break;
    case BF_T_OBJECT:
        reference(o, f->sub);
        break;
    case BF_T_ARRAY:
        text(w, "type", "array");
        limits(w, "minItems", "maxItems", min, max);
        bf_jw_key(w, "items");
        bf_jw_object(w);
        type_of(o, f->elem, f, f->elem_min, f->elem_max);
        bf_jw_end_object(w);
        break;
    case BF_T_NONE:
    case BF_T_NULL:
        break;
    }
}

static void field(struct writer *o, const struct bf_field *f)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, f->name);
    bf_jw_object(w);
    type_of(o, f->type, f, f->min, f->max);
    text(w, "title", f->en);
    text(w, "x-title-zh", f->zh);
    if (f->flags & BF_F_SERVER) {
        bf_jw_key(w, "readOnly");
        bf_jw_bool(w, true);
    }
    if (f->flags & BF_F_WRITE_ONLY) {
        bf_jw_key(w, "writeOnly");
        bf_jw_bool(w, true);
    }
    if (f->required_prose != NULL)
        text(w, "x-required", f->required_prose);
    bf_jw_end_object(w);
}

static void schema(struct writer *o, const struct bf_schema *s)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, s->name);
    bf_jw_object(w);
    text(w, "type", "object");
    text(w, "title", s->en);
    text(w, "x-title-zh", s->zh);
    bf_jw_key(w, "required");
    bf_jw_array(w);
    for (unsigned i = 0; i < s->n_fields; i++)
        if (s->fields[i].flags & BF_F_REQUIRED)
            bf_jw_str(w, bf_strz(s->fields[i].name));
    bf_jw_end_array(w);
    bf_jw_key(w, "properties");
    bf_jw_object(w);
    for (unsigned i = 0; i < s->n_fields; i++)
        if ((s->fields[i].flags & BF_F_HIDDEN) == 0)
            field(o, &s->fields[i]);
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

/* ---- operations ---- */

static void parameter(struct bf_jw *w, const char *name, size_t n, const char *in, bool required)
{
    bf_jw_object(w);
    bf_jw_key(w, "name");
    bf_jw_str(w, bf_str(name, n));
    text(w, "in", in);
    bf_jw_key(w, "required");
    bf_jw_bool(w, required);
    bf_jw_key(w, "schema");
    bf_jw_object(w);
    text(w, "type", "string");
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

static void parameters(struct bf_jw *w, const struct bf_route *route)
{
    bf_jw_key(w, "parameters");
    bf_jw_array(w);
    for (const char *p = strchr(route->pattern, '{'); p != NULL; p = strchr(p + 1, '{'))
        parameter(w, p + 1, (size_t)(strchr(p, '}') - p - 1), "path", true);
    if (route->kind == BF_ROUTE_LIST) {
        parameter(w, "limit", 5, "query", false);
        parameter(w, "after", 5, "query", false);
    }
    if (route->kind == BF_ROUTE_CHANGE)
        parameter(w, "If-Match", 8, "header", true);
    if (route->kind == BF_ROUTE_VERB)
        parameter(w, "Idempotency-Key", 15, "header", false);
    bf_jw_end_array(w);
}

static void content(struct writer *o, const char *type, const struct bf_schema *s, bool list)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, "content");
    bf_jw_object(w);
    bf_jw_key(w, type);
    bf_jw_object(w);
    bf_jw_key(w, "schema");
    bf_jw_object(w);
    if (list) {
        text(w, "type", "object");
        bf_jw_key(w, "properties");
        bf_jw_object(w);
        bf_jw_key(w, "items");
        bf_jw_object(w);
        text(w, "type", "array");
        bf_jw_key(w, "items");
        bf_jw_object(w);
        reference(o, s);
        bf_jw_end_object(w);
        bf_jw_end_object(w);
        bf_jw_end_object(w);
    } else {
        reference(o, s);
    }
    bf_jw_end_object(w);
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

static void response(struct writer *o, const char *status, const char *description, const struct bf_schema *s, bool list)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, status);
    bf_jw_object(w);
    text(w, "description", description);
    if (s != NULL)
        content(o, "application/json", s, list);
    bf_jw_end_object(w);
}

static void lower(const char *method, char out[16])
{
    size_t i = 0;
    for (; method[i] != '\0' && i < 15; i++)
        out[i] = (char)(method[i] | 0x20);
    out[i] = '\0';
}

static void operation(struct writer *o, const struct bf_route *route)
{
    struct bf_jw *w = &o->w;
    char method[16];
    lower(route->method, method);
    bf_jw_key(w, method);
    bf_jw_object(w);
    text(w, "summary", route->summary == NULL ? "" : route->summary);
    parameters(w, route);
    if (route->body != NULL) {
        bf_jw_key(w, "requestBody");
        bf_jw_object(w);
        content(o, route->kind == BF_ROUTE_CHANGE ? "application/merge-patch+json" : "application/json", route->body, false);
        bf_jw_end_object(w);
    }
    bf_jw_key(w, "responses");
    bf_jw_object(w);
    response(o, route->kind == BF_ROUTE_CREATE ? "201" : "200", route->kind == BF_ROUTE_CREATE ? "Created" : "OK", route->answer,
             route->kind == BF_ROUTE_LIST);
    response(o, "default", "application/problem+json (RFC 9457)", NULL, false);
    bf_jw_end_object(w);
    if (route->public) {
        bf_jw_key(w, "security");
        bf_jw_array(w);
        bf_jw_end_array(w);
    }
    bf_jw_end_object(w);
}

static bool first_of_pattern(const struct bf_route *const *routes, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (strcmp(routes[k]->pattern, routes[i]->pattern) == 0)
            return false;
    return true;
}

static void paths(struct writer *o, const struct bf_route *const *routes, unsigned n)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, "paths");
    bf_jw_object(w);
    for (unsigned i = 0; i < n; i++) {
        if (!first_of_pattern(routes, i))
            continue;
        bf_jw_key(w, routes[i]->pattern);
        bf_jw_object(w);
        for (unsigned k = i; k < n; k++)
            if (strcmp(routes[k]->pattern, routes[i]->pattern) == 0)
                operation(o, routes[k]);
        bf_jw_end_object(w);
    }
    bf_jw_end_object(w);
}

static const struct bf_route **gather(struct bf_call *call, const struct bf_service_ctx *ctx, unsigned *ret_n)
{
    unsigned n = 0;
    for (unsigned t = 0; t < ctx->n_route_tables; t++)
        n += ctx->route_tables[t].n_routes;
    const struct bf_route **routes = bf_arena_calloc(call->arena, n + 1, sizeof *routes);
    n = 0;
    for (unsigned t = 0; t < ctx->n_route_tables; t++)
        for (unsigned i = 0; i < ctx->route_tables[t].n_routes; i++)
            routes[n++] = &ctx->route_tables[t].routes[i];
    *ret_n = n;
    return routes;
}

static void document(struct writer *o, const struct bf_route *const *routes, unsigned n)
{
    struct bf_jw *w = &o->w;
    bf_jw_object(w);
    text(w, "openapi", "3.1.0");
    bf_jw_key(w, "info");
    bf_jw_object(w);
    text(w, "title", "Baifang 拜访");
    text(w, "version", BF_VERSION);
    bf_jw_end_object(w);
    bf_jw_key(w, "security");
    bf_jw_array(w);
    bf_jw_object(w);
    bf_jw_key(w, "bearer");
    bf_jw_array(w);
    bf_jw_end_array(w);
    bf_jw_end_object(w);
    bf_jw_end_array(w);
    paths(o, routes, n);
    bf_jw_key(w, "components");
    bf_jw_object(w);
    bf_jw_key(w, "securitySchemes");
    bf_jw_raw(w, BF_STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    bf_jw_key(w, "schemas");
    bf_jw_object(w);
    for (unsigned i = 0; i < o->n_schemas; i++) /* grows while it is walked: schemas name others */
        schema(o, o->schemas[i]);
    bf_jw_end_object(w);
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

static void openapi(struct bf_call *call, void *service)
{
    const struct bf_gateway *gateway = service;
    struct writer *o = bf_arena_calloc(call->arena, 1, sizeof *o);
    struct bf_buf out;
    unsigned n;
    const struct bf_route **routes = gather(call, gateway->ctx, &n);
    bf_buf_init(&out, DOCUMENT_MAX);
    bf_jw_init(&o->w, &out);
    document(o, routes, n);
    bf_call_json_buf(call, 200, &out, 0);
}

const struct bf_endpoint bf__openapi = {.run = openapi};
