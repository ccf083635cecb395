/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Merge Patch (RFC 7396) on decoded objects. A field that the stored object already lacked is no fault of the patch: tables grow, and
 * an old record must stay editable. */
#include "core/arena.h"
#include "core/json.h"
#include <stdio.h>

struct merge {
    struct bf_arena *arena;
    struct bf_error error;
};

/* Where an object stands, as a chain up to the document: pointers are only printed for faults. */
struct place {
    const struct place *up;
    const char *name;
};

static size_t print_place(const struct place *place, char *out, size_t max)
{
    size_t n = place->up == NULL ? 0 : print_place(place->up, out, max);
    if (place->name != NULL && n < max) {
        int more = snprintf(out + n, max - n, "/%s", place->name);
        n += more > 0 ? (size_t)more : 0;
    }
    return n;
}

static bool missing(const struct bf_object *o, unsigned row)
{
    const struct bf_field *f = &o->schema->fields[row];
    if (bf_has(o, row) || (f->flags & (BF_F_SERVER | BF_F_HIDDEN | BF_F_WRITE_ONLY)) != 0)
        return false;
    return (f->flags & BF_F_REQUIRED) != 0 || (f->required_when != NULL && f->required_when(o));
}

/* Reports what `after` lacks and `before` (NULL: the object is new) did not lack. */
static void check_required(struct merge *m, const struct place *place, const struct bf_object *before, const struct bf_object *after)
{
    for (unsigned row = 0; row < after->schema->n_fields; row++) {
        const struct bf_field *f = &after->schema->fields[row];
        char pointer[sizeof m->error.fields[0].pointer];
        if (!missing(after, row) || (before != NULL && missing(before, row)))
            continue;
        const struct place here = {place, f->name};
        print_place(&here, pointer, sizeof pointer);
        if ((f->flags & BF_F_REQUIRED) != 0 || f->required_prose == NULL)
            bf_fail_field(&m->error, BF_E_INVALID_BODY, pointer, "required", "this field is required");
        else
            bf_fail_field(&m->error, BF_E_INVALID_BODY, pointer, "required", "this field is required %s", f->required_prose);
    }
}

static struct bf_object *merge_object(struct merge *m, const struct place *place, const struct bf_object *base,
                                      const struct bf_object *patch)
{
    struct bf_object *o = base == NULL ? bf_object_create(m->arena, patch->schema) : bf_object_copy(m->arena, base);
    for (unsigned row = 0; row < patch->schema->n_fields; row++) {
        const struct bf_value *v = &patch->v[row];
        const struct place here = {place, patch->schema->fields[row].name};
        if (v->type == BF_T_NULL) {
            bf_unset(o, row);
        } else if (v->type == BF_T_OBJECT) {
            const struct bf_object *old = bf_get_object(o, row);
            bf_set_object(o, row, merge_object(m, &here, old, v->object));
        } else if (v->type != BF_T_NONE) {
            bf_value_copy(m->arena, &o->v[row], v);
        }
    }
    check_required(m, place, base, o);
    return o;
}

enum bf_status bf_json_merge(struct bf_arena *arena, const struct bf_object *base, const struct bf_object *patch, struct bf_object **ret,
                             struct bf_error *e)
{
    struct merge m = {.arena = arena};
    const struct place top = {NULL, NULL};
    struct bf_object *merged = merge_object(&m, &top, base, patch);
    if (m.error.status != BF_OK) {
        if (e != NULL)
            *e = m.error;
        return m.error.status;
    }
    *ret = merged;
    return BF_OK;
}
