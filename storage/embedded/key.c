/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/embedded/key.h"
#include "core/arena.h"
#include "storage/match.h"
#include <assert.h>
#include <stdlib.h>

void bf__doc_key(struct bf_uuid tenant, struct bf_uuid id, uint8_t out[BF__DOC_KEY])
{
    memcpy(out, tenant.b, 16);
    memcpy(out + 16, id.b, 16);
}

static struct bf_str text_of(const struct bf_field *field, const struct bf_value *v)
{
    return v->type == BF_T_ENUM ? bf_strz(field->words->words[v->i].word) : v->s;
}

size_t bf__key_bound(const struct bf_field *field, const struct bf_value *v)
{
    if (v == NULL)
        return 1;
    switch (v->type) {
    case BF_T_STRING:
    case BF_T_DATE:
    case BF_T_WALL:
    case BF_T_ZONE:
    case BF_T_ENUM:
        return 3 + 2 * text_of(field, v).n;
    default:
        return 1 + 32;
    }
}

static size_t put_u64(uint8_t *out, uint64_t u)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(u >> (56 - 8 * i));
    return 8;
}

static size_t put_double(uint8_t *out, double d)
{
    uint64_t u;
    if (d == 0)
        d = 0; /* -0 is 0 */
    memcpy(&u, &d, sizeof u);
    return put_u64(out, u >> 63 ? ~u : u | UINT64_C(1) << 63);
}

static size_t put_text(uint8_t *out, struct bf_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        out[n++] = (uint8_t)s.p[i];
        if (s.p[i] == '\0')
            out[n++] = 0xff;
    }
    out[n++] = 0;
    out[n++] = 0;
    return n;
}

size_t bf__key_put(uint8_t *out, const struct bf_field *field, const struct bf_value *v)
{
    out[0] = v != NULL;
    if (v == NULL)
        return 1;
    switch (v->type) {
    case BF_T_BOOL:
        out[1] = v->b;
        return 2;
    case BF_T_INT:
    case BF_T_TIME:
        return 1 + put_u64(out + 1, (uint64_t)v->i ^ UINT64_C(1) << 63);
    case BF_T_DOUBLE:
        return 1 + put_double(out + 1, v->d);
    case BF_T_UUID:
        memcpy(out + 1, v->uuid.b, sizeof v->uuid.b);
        return 1 + sizeof v->uuid.b;
    case BF_T_SHA256:
        memcpy(out + 1, v->sha256, sizeof v->sha256);
        return 1 + sizeof v->sha256;
    default:
        assert(v->type == BF_T_ENUM || v->type == BF_T_STRING || v->type == BF_T_DATE || v->type == BF_T_WALL || v->type == BF_T_ZONE);
        return 1 + put_text(out + 1, text_of(field, v));
    }
}

/* `item` stands for fields[0] of a multikey index; NULL in others. */
static struct bf_str one_key(struct bf_arena *arena, const struct bf_index *index, const struct bf_doc *doc, const struct bf_value *item)
{
    const struct bf_field *fields[BF_INDEX_FIELDS_MAX];
    const struct bf_value *values[BF_INDEX_FIELDS_MAX];
    struct bf_value id;
    size_t bound = BF__DOC_KEY;
    for (unsigned i = 0; i < index->n_fields; i++) {
        fields[i] = bf__row_field(doc->object.schema, index->fields[i]);
        values[i] = i == 0 && item != NULL ? item : bf__row_value(doc, index->fields[i], &id);
        bound += bf__key_bound(fields[i], values[i]);
    }
    uint8_t *key = bf_arena_alloc(arena, bound);
    memcpy(key, doc->tenant.b, 16);
    size_t n = 16;
    for (unsigned i = 0; i < index->n_fields; i++)
        n += bf__key_put(key + n, fields[i], values[i]);
    memcpy(key + n, doc->id.b, 16);
    return bf_str((char *)key, n + 16);
}

int bf__key_cmp(const void *a, const void *b)
{
    const struct bf_str *x = a, *y = b;
    return bf_str_cmp(*x, *y);
}

struct bf__keys_of bf__index_keys(struct bf_arena *arena, const struct bf_index *index, const struct bf_doc *doc)
{
    struct bf__keys_of ret = {NULL, 0};
    if (doc == NULL || doc->tombstone)
        return ret;
    if (!index->multikey) {
        ret.keys = bf_arena_alloc(arena, sizeof *ret.keys);
        ret.keys[ret.n++] = one_key(arena, index, doc, NULL);
        return ret;
    }
    struct bf_array items = bf_get_array(&doc->object, (unsigned)index->fields[0]);
    ret.keys = bf_arena_alloc(arena, items.n * sizeof *ret.keys);
    for (unsigned i = 0; i < items.n; i++)
        ret.keys[i] = one_key(arena, index, doc, &items.items[i]);
    qsort(ret.keys, items.n, sizeof *ret.keys, bf__key_cmp);
    for (unsigned i = 0; i < items.n; i++)
        if (i == 0 || !bf_str_eq(ret.keys[ret.n - 1], ret.keys[i]))
            ret.keys[ret.n++] = ret.keys[i];
    return ret;
}

struct bf_str bf__key_after(struct bf_arena *arena, struct bf_str prefix)
{
    size_t n = prefix.n;
    while (n > 0 && (uint8_t)prefix.p[n - 1] == 0xff)
        n--;
    if (n == 0) /* the tenant of sixteen FF: longer than any key of it that is all FF */
        return bf_str(memset(bf_arena_alloc(arena, BF__DOC_KEY + 1), 0xff, BF__DOC_KEY + 1), BF__DOC_KEY + 1);
    uint8_t *p = bf_arena_dup(arena, prefix.p, n);
    p[n - 1]++;
    return bf_str((char *)p, n);
}
