/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one strict parse, and read-only access to foreign JSON.
 *
 * A scan before jansson bounds what jansson may allocate: it builds a node of some 40 bytes per value and recurses once per level, so ten
 * megabytes of '[' or of "0,0,0" would be dear. The scan follows strings and counts brackets, commas and colons; whether the text is JSON
 * at all is jansson's to say.
 */
#include "core/arena.h"
#include "core/json.h"
#include "core/json_internal.h"
#include <string.h>

/* Behind the quote that ends the string that starts at `i`, or the end of the text. */
static size_t skip_string(struct bf_str text, size_t i)
{
    for (i++; i < text.n; i++) {
        if (text.p[i] == '\\')
            i++;
        else if (text.p[i] == '"')
            return i + 1;
    }
    return text.n;
}

static enum bf_status check_shape(struct bf_str text, struct bf_error *e)
{
    unsigned depth = 0, values = 1;
    for (size_t i = 0; i < text.n;) {
        switch (text.p[i]) {
        case '"':
            i = skip_string(text, i);
            continue;
        case '[':
        case '{':
            if (++depth > BF_JSON_DEPTH_MAX)
                return bf_fail(e, BF_E_INVALID_BODY, "JSON is nested deeper than %d levels", BF_JSON_DEPTH_MAX);
            values++;
            break;
        case ']':
        case '}':
            depth -= depth > 0;
            break;
        case ',':
            values++;
            break;
        default:
            break;
        }
        if (values > BF_JSON_VALUES_MAX)
            return bf_fail(e, BF_E_INVALID_BODY, "JSON holds more than %d values", BF_JSON_VALUES_MAX);
        i++;
    }
    return BF_OK;
}

enum bf_status bf__json_load(struct bf_str text, size_t max, json_t **ret, struct bf_error *e)
{
    json_error_t why;
    if (text.n > max)
        return bf_fail(e, BF_E_TOO_LARGE, "JSON of %zu bytes is larger than %zu", text.n, max);
    if (text.n == 0)
        return bf_fail(e, BF_E_INVALID_BODY, "not JSON: it is empty");
    if (memchr(text.p, '\0', text.n) != NULL) /* jansson passes over one behind a number */
        return bf_fail(e, BF_E_INVALID_BODY, "not JSON: it holds a NUL");
    enum bf_status status = check_shape(text, e);
    if (status != BF_OK)
        return status;
    json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL) {
        char *near = strstr(why.text, " near "); /* what follows quotes the text, and might quote a secret */
        if (near != NULL)
            *near = '\0';
        return bf_fail(e, BF_E_INVALID_BODY, "not JSON: %s at line %d, column %d", why.text, why.line, why.column);
    }
    *ret = json;
    return BF_OK;
}

static void release(void *json) { json_decref(json); }

enum bf_status bf_json_parse(struct bf_arena *arena, struct bf_str text, size_t max, const struct bf_json **ret, struct bf_error *e)
{
    json_t *json = NULL;
    enum bf_status status = bf__json_load(text, max, &json, e);
    if (status != BF_OK)
        return status;
    bf_arena_defer(arena, release, json);
    *ret = (const struct bf_json *)json;
    return BF_OK;
}

static const json_t *tree(const struct bf_json *j) { return (const json_t *)j; }

const struct bf_json *bf_json_get(const struct bf_json *j, const char *key)
{
    return (const struct bf_json *)json_object_get(tree(j), key); /* NULL for NULL and for other types */
}

const struct bf_json *bf_json_at(const struct bf_json *j, unsigned i) { return (const struct bf_json *)json_array_get(tree(j), i); }

unsigned bf_json_count(const struct bf_json *j) { return (unsigned)json_array_size(tree(j)); }

struct bf_str bf_json_str(const struct bf_json *j)
{
    return json_is_string(tree(j)) ? bf_str(json_string_value(tree(j)), json_string_length(tree(j))) : (struct bf_str){NULL, 0};
}

bool bf_json_int(const struct bf_json *j, int64_t *ret)
{
    if (!json_is_integer(tree(j)))
        return false;
    *ret = json_integer_value(tree(j));
    return true;
}

bool bf_json_double(const struct bf_json *j, double *ret)
{
    if (!json_is_number(tree(j)))
        return false;
    *ret = json_number_value(tree(j));
    return true;
}

bool bf_json_is_true(const struct bf_json *j) { return json_is_true(tree(j)); }
