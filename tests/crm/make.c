/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crm/make.h"

static struct bf_object *decode(struct bf_arena *arena, const struct bf_schema *schema, enum bf_json_mode mode, const char *json)
{
    struct bf_error e = {0};
    struct bf_object *object = NULL;
    if (bf_json_decode(arena, schema, mode, bf_strz(json), &object, &e) != BF_OK)
        fail_msg("%s: %s %s %s", json, e.cause, e.fields[0].pointer, e.fields[0].code);
    return object;
}

struct bf_object *make(struct bf_arena *arena, const struct bf_schema *schema, const char *json)
{
    return decode(arena, schema, BF_JSON_CREATE, json);
}

struct bf_object *make_change(struct bf_arena *arena, const struct bf_object *before, const char *json, struct bf_object **ret_patch)
{
    struct bf_error e = {0};
    struct bf_object *after = NULL;
    *ret_patch = decode(arena, before->schema, BF_JSON_PATCH, json);
    assert_int_equal(bf_json_merge(arena, before, *ret_patch, &after, &e), BF_OK);
    return after;
}

struct bf_doc *make_doc(struct bf_arena *arena, const struct bf_schema *schema, const char *json)
{
    struct bf_doc *doc = bf_doc_create(arena, schema, (struct bf_uuid){{7}}, (struct bf_uuid){{9}});
    doc->object = *make(arena, schema, json);
    return doc;
}

int64_t instant(const char *rfc3339)
{
    int64_t ms = 0;
    assert_true(bf_time_parse(bf_strz(rfc3339), &ms));
    return ms;
}

bool has_fault(const struct bf_error *e, const char *pointer, const char *code)
{
    for (unsigned i = 0; i < e->n_fields; i++)
        if (strcmp(e->fields[i].pointer, pointer) == 0 && strcmp(e->fields[i].code, code) == 0)
            return true;
    return false;
}

int with_arena(void **state)
{
    *state = bf_arena_create();
    return 0;
}

int without_arena(void **state)
{
    struct bf_arena *arena = *state;
    bf_arena_destroy(&arena);
    return 0;
}

const struct time_row time_table[] = {
#include "tests/crm/time_table.inc"
};
const size_t n_times = sizeof time_table / sizeof *time_table;
