/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.json: OpenAPI 3.1, written from the mounted routes, the schema tables and the notes on routes; nothing about a route or field stands
 * twice. */
#include "gateway/openapi_notes.h"
#include "gateway/routes.h"
#include <assert.h>
#include <stdio.h>

enum { DOCUMENT_MAX = 4 << 20, SCHEMAS_MAX = 128 };

#define PROBLEM                                                                                                                          \
    "{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"code\",\"trace_id\"],\"properties\":{\"type\":{\"type\":\"string\"},"              \
    "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"},"                  \
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"pointer\",\"code\",\"detail\"],\"properties\":{"                       \
    "\"pointer\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}},\"trace_id\":{\"type\":\"string\"},"             \
    "\"current\":{\"type\":\"object\"}}}"

/* A record has an id and a rev; a patch has what may be changed, all of it optional. */
enum form { PLAIN, RECORD, PATCH };

struct writer {
    struct bf_jw w;
    struct {
        const struct bf_schema *schema;
        enum form form;
    } met[SCHEMAS_MAX]; /* so far, in order */
    unsigned n_met;
    struct bf_str upload_url; /* where the routes of uploads are, if elsewhere */
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

/* PLAIN and RECORD are one component: a record is one wherever it is met. */
static void note_schema(struct writer *o, const struct bf_schema *schema, enum form form)
{
    for (unsigned i = 0; i < o->n_met; i++)
        if (o->met[i].schema == schema && (o->met[i].form == PATCH) == (form == PATCH)) {
            o->met[i].form |= form;
            return;
        }
    assert(o->n_met < SCHEMAS_MAX);
    o->met[o->n_met].schema = schema;
    o->met[o->n_met++].form = form;
}

static void reference(struct writer *o, const struct bf_schema *schema, enum form form)
{
    char ref[96];
    note_schema(o, schema, form);
    snprintf(ref, sizeof ref, "#/components/schemas/%s%s", schema->name, form == PATCH ? "_patch" : "");
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

/* Of values, where 0 is a limit like any other once there is one. */
static void range(struct bf_jw *w, int64_t min, int64_t max)
{
    if (min == 0 && max == 0)
        return;
    number(w, "minimum", min);
    number(w, "maximum", max);
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
        range(w, min, max);
        break;
    case BF_T_DOUBLE:
        text(w, "type", "number");
        range(w, min, max);
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
        reference(o, f->sub, PLAIN);
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

static void flag(struct bf_jw *w, const char *key)
{
    bf_jw_key(w, key);
    bf_jw_bool(w, true);
}

/* In a merge patch, null takes an optional field away. */
static void nullable(struct writer *o, const struct bf_field *f)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, "anyOf");
    bf_jw_array(w);
    bf_jw_object(w);
    type_of(o, f->type, f, f->min, f->max);
    bf_jw_end_object(w);
    bf_jw_raw(w, BF_STR("{\"type\":\"null\"}"));
    bf_jw_end_array(w);
}

static void field(struct writer *o, const struct bf_field *f, enum form form)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, f->name);
    bf_jw_object(w);
    if (form == PATCH && (f->flags & BF_F_REQUIRED) == 0)
        nullable(o, f);
    else
        type_of(o, f->type, f, f->min, f->max);
    text(w, "title", f->en);
    text(w, "x-title-zh", f->zh);
    if (f->flags & BF_F_SERVER)
        flag(w, "readOnly");
    if (f->flags & BF_F_WRITE_ONLY)
        flag(w, "writeOnly");
    if (f->required_prose != NULL)
        text(w, "x-required", f->required_prose);
    bf_jw_end_object(w);
}

static bool is_in(const struct bf_field *f, enum form form)
{
    return (f->flags & BF_F_HIDDEN) == 0 && (form != PATCH || (f->flags & (BF_F_SERVER | BF_F_CREATE_ONLY)) == 0);
}

static void required(struct bf_jw *w, const struct bf_schema *s, enum form form)
{
    bf_jw_key(w, "required");
    bf_jw_array(w);
    if (form == RECORD)
        bf_jw_raw(w, BF_STR("\"id\",\"rev\"")); /* rev is readOnly: required of answers only */
    for (unsigned i = 0; i < s->n_fields && form != PATCH; i++)
        if (s->fields[i].flags & BF_F_REQUIRED)
            bf_jw_str(w, bf_strz(s->fields[i].name));
    bf_jw_end_array(w);
}

static void schema(struct writer *o, const struct bf_schema *s, enum form form)
{
    struct bf_jw *w = &o->w;
    char name[96];
    snprintf(name, sizeof name, "%s%s", s->name, form == PATCH ? "_patch" : "");
    bf_jw_key(w, name);
    bf_jw_object(w);
    text(w, "type", "object");
    text(w, "title", s->en);
    text(w, "x-title-zh", s->zh);
    required(w, s, form);
    bf_jw_key(w, "properties");
    bf_jw_object(w);
    if (form == RECORD) {
        bf_jw_key(w, "id");
        bf_jw_raw(w, BF_STR("{\"type\":\"string\",\"format\":\"uuid\",\"title\":\"Id, of version 7, made by the client\"}"));
        bf_jw_key(w, "rev");
        bf_jw_raw(w, BF_STR("{\"type\":\"integer\",\"minimum\":0,\"readOnly\":true,\"title\":\"Revision, 0 of what nobody has stored\"}"));
    }
    for (unsigned i = 0; i < s->n_fields; i++)
        if (is_in(&s->fields[i], form))
            field(o, &s->fields[i], form);
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

static void parameters(struct bf_jw *w, const struct bf_route *route, const struct bf__note *note)
{
    bf_jw_key(w, "parameters");
    bf_jw_array(w);
    for (const char *p = strchr(route->pattern, '{'); p != NULL; p = strchr(p + 1, '{'))
        parameter(w, p + 1, (size_t)(strchr(p, '}') - p - 1), "path", true);
    if (route->kind == BF_ROUTE_LIST) {
        bf_jw_raw(w, BF_STR("{\"name\":\"limit\",\"in\":\"query\",\"required\":false,\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":200}}"));
        parameter(w, "after", 5, "query", false);
    }
    if (route->kind == BF_ROUTE_CHANGE || route->kind == BF_ROUTE_VERB)
        parameter(w, "If-Match", 8, "header", route->kind == BF_ROUTE_CHANGE);
    if (route->kind == BF_ROUTE_CREATE || route->kind == BF_ROUTE_CHANGE || route->kind == BF_ROUTE_VERB)
        parameter(w, "Idempotency-Key", 15, "header", false);
    if (note != NULL && note->parameters != NULL)
        bf_jw_raw(w, bf_strz(note->parameters));
    bf_jw_end_array(w);
}

static void content(struct writer *o, const char *type, const struct bf_schema *s, enum form form, bool list)
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
        bf_jw_key(w, "required");
        bf_jw_raw(w, BF_STR("[\"items\",\"next\"]"));
        bf_jw_key(w, "properties");
        bf_jw_object(w);
        bf_jw_key(w, "items");
        bf_jw_object(w);
        text(w, "type", "array");
        bf_jw_key(w, "items");
        bf_jw_object(w);
        reference(o, s, form);
        bf_jw_end_object(w);
        bf_jw_end_object(w);
        bf_jw_key(w, "next");
        bf_jw_raw(w, BF_STR("{\"type\":[\"string\",\"null\"]}"));
        bf_jw_end_object(w);
    } else {
        reference(o, s, form);
    }
    bf_jw_end_object(w);
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

static void noted_content(struct writer *o, const struct bf__note *note)
{
    struct bf_jw *w = &o->w;
    for (unsigned i = 0; i < BF__NOTE_SCHEMAS && note->records[i] != NULL; i++)
        note_schema(o, note->records[i], RECORD);
    bf_jw_key(w, "content");
    bf_jw_object(w);
    bf_jw_key(w, note->type == NULL ? "application/json" : note->type);
    bf_jw_object(w);
    bf_jw_key(w, "schema");
    bf_jw_raw(w, bf_strz(note->answer));
    bf_jw_end_object(w);
    bf_jw_end_object(w);
}

static void success(struct writer *o, const struct bf_route *route, const struct bf__note *note, const char *status, const char *description)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, status);
    bf_jw_object(w);
    text(w, "description", description);
    if (note != NULL && note->answer != NULL)
        noted_content(o, note);
    else if (route->answer != NULL)
        content(o, "application/json", route->answer, RECORD, route->kind == BF_ROUTE_LIST);
    if (route->kind == BF_ROUTE_LIST && route->answer != NULL && note != NULL && note->answer != NULL)
        note_schema(o, route->answer, PLAIN); /* which the note refers to */
    bf_jw_end_object(w);
}

static void responses(struct writer *o, const struct bf_route *route, const struct bf__note *note)
{
    struct bf_jw *w = &o->w;
    bf_jw_key(w, "responses");
    bf_jw_object(w);
    if (note != NULL && note->status != NULL) {
        success(o, route, note, note->status, "Done");
    } else {
        if (route->kind == BF_ROUTE_CREATE)
            success(o, route, note, "201", "Created");
        success(o, route, note, "200", route->kind == BF_ROUTE_CREATE ? "The same request again, or a dry run" : "OK");
    }
    bf_jw_key(w, "default");
    bf_jw_raw(w, BF_STR("{\"description\":\"RFC 9457\",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/problem\"}}}}"));
    bf_jw_end_object(w);
}

static void lower(const char *method, char out[16])
{
    size_t i = 0;
    for (; method[i] != '\0' && i < 15; i++)
        out[i] = (char)(method[i] | 0x20);
    out[i] = '\0';
}

static enum form form_of_body(enum bf_route_kind kind)
{
    return kind == BF_ROUTE_CREATE ? RECORD : kind == BF_ROUTE_CHANGE ? PATCH : PLAIN;
}

/* What is public needs nothing; what a cookie vouches for and may change something needs the page's token too (docs/SECURITY.md). */
static void security(struct bf_jw *w, const struct bf_route *route)
{
    bool reads = strcmp(route->method, "GET") == 0 || strcmp(route->method, "HEAD") == 0;
    bf_jw_key(w, "security");
    if (route->public)
        bf_jw_raw(w, BF_STR("[]"));
    else
        bf_jw_raw(w, reads ? BF_STR("[{\"bearer\":[]},{\"cookie\":[]}]") : BF_STR("[{\"bearer\":[]},{\"cookie\":[],\"csrf\":[]}]"));
}

static void operation(struct writer *o, const struct bf_route *route)
{
    struct bf_jw *w = &o->w;
    const struct bf__note *note = bf__note_of(route->method, route->pattern);
    char method[16];
    lower(route->method, method);
    bf_jw_key(w, method);
    bf_jw_object(w);
    text(w, "summary", route->summary == NULL ? "" : route->summary);
    parameters(w, route, note);
    if (route->body != NULL) {
        bf_jw_key(w, "requestBody");
        bf_jw_object(w);
        flag(w, "required");
        content(o, route->kind == BF_ROUTE_CHANGE ? "application/merge-patch+json" : "application/json", route->body, form_of_body(route->kind), false);
        bf_jw_end_object(w);
    }
    responses(o, route, note);
    security(w, route);
    bf_jw_end_object(w);
}

static void server(struct bf_jw *w, struct bf_str url)
{
    bf_jw_key(w, "servers");
    bf_jw_array(w);
    bf_jw_object(w);
    bf_jw_key(w, "url");
    bf_jw_str(w, url);
    bf_jw_end_object(w);
    bf_jw_end_array(w);
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
        if (o->upload_url.n > 0 && bf_str_starts(bf_strz(routes[i]->pattern), BF_STR("/v1/uploads")))
            server(w, o->upload_url);
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
    paths(o, routes, n);
    bf_jw_key(w, "components");
    bf_jw_object(w);
    bf_jw_key(w, "securitySchemes");
    bf_jw_raw(w, BF_STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                     "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-baifang\"},"
                     "\"csrf\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-CSRF-Token\"}}"));
    bf_jw_key(w, "schemas");
    bf_jw_object(w);
    bf_jw_key(w, "problem");
    bf_jw_raw(w, BF_STR(PROBLEM));
    for (unsigned i = 0; i < o->n_met; i++) /* grows while it is walked: schemas name others */
        schema(o, o->met[i].schema, o->met[i].form);
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
    o->upload_url = gateway->ctx->upload_url;
    document(o, routes, n);
    bf_call_json_buf(call, 200, &out, 0);
}

const struct bf_endpoint bf__openapi = {.run = openapi};
