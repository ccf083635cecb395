/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/shape.h"
#include "storage/match.h"
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void bf__m_must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- ids ---- */

int32_t bf__m_bucket(struct bf_uuid id) { return id.b[15] & (BF__M_BUCKETS - 1); }

void bf__m_put_uuid(bson_t *b, const char *key, struct bf_uuid id)
{
    bf__m_must(bson_append_binary(b, key, -1, BSON_SUBTYPE_UUID, id.b, sizeof id.b));
}

bool bf__m_bytes(const bson_iter_t *it, struct bf_str *ret)
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

int64_t bf__m_int(const bson_t *doc, const char *name, int64_t otherwise)
{
    bson_iter_t it;
    return bson_iter_init_find(&it, doc, name) && BSON_ITER_HOLDS_NUMBER(&it) ? bson_iter_as_int64(&it) : otherwise;
}

bool bf__m_uuid(const bson_iter_t *it, struct bf_uuid *ret)
{
    struct bf_str s;
    if (!bf__m_bytes(it, &s) || s.n != sizeof ret->b)
        return false;
    memcpy(ret->b, s.p, s.n);
    return true;
}

void bf__m_put_id(bson_t *b, const char *key, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    bson_t sub;
    if (coll->cls == BF_SYSTEM_COLLECTION) {
        bf__m_put_uuid(b, key, id);
        return;
    }
    bf__m_must(bson_append_document_begin(b, key, -1, &sub));
    bf__m_put_uuid(&sub, "t", tenant);
    bf__m_put_uuid(&sub, "i", id);
    bf__m_must(bson_append_document_end(b, &sub));
}

bool bf__m_read_id(const bson_t *doc, const struct bf_collection *coll, struct bf_uuid *ret_tenant, struct bf_uuid *ret_id)
{
    bson_iter_t it, at;
    *ret_tenant = *ret_id = (struct bf_uuid){{0}};
    if (!bson_iter_init_find(&it, doc, "_id"))
        return false;
    if (coll->cls == BF_SYSTEM_COLLECTION)
        return bf__m_uuid(&it, ret_id);
    return BSON_ITER_HOLDS_DOCUMENT(&it) && bson_iter_recurse(&it, &at) && bson_iter_find(&at, "t") && bf__m_uuid(&at, ret_tenant) &&
           bson_iter_recurse(&it, &at) && bson_iter_find(&at, "i") && bf__m_uuid(&at, ret_id); /* zero: the key of what is nobody's */
}

void bf__m_put_place(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    if (coll->cls == BF_TENANT_COLLECTION)
        bf__m_put_uuid(b, "t", tenant);
    else
        bf__m_must(bson_append_int32(b, "b", 1, bf__m_bucket(id)));
}

void bf__m_put_places(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n)
{
    struct bf__m_list all;
    bson_t sub;
    bool is_in[BF__M_BUCKETS] = {false};
    if (coll != NULL && coll->cls == BF_TENANT_COLLECTION) {
        bf__m_put_uuid(b, "t", tenant);
        return;
    }
    for (unsigned i = 0; ids != NULL && i < n; i++)
        is_in[bf__m_bucket(ids[i])] = true;
    bf__m_must(bson_append_document_begin(b, "b", 1, &sub));
    bf__m_list_begin(&sub, "$in", &all);
    for (int32_t i = 0; i < BF__M_BUCKETS; i++)
        if (ids == NULL || is_in[i])
            bf__m_must(bson_append_int32(&all.b, bf__m_list_next(&all), -1, i));
    bf__m_list_end(&sub, &all);
    bf__m_must(bson_append_document_end(b, &sub));
}

void bf__m_put_target(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    bf__m_put_id(b, "_id", coll, tenant, id);
    bf__m_put_place(b, coll, tenant, id);
}

void bf__m_put_targets(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids, unsigned n)
{
    struct bf__m_list list;
    bson_t sub;
    if (n == 1) {
        bf__m_put_target(b, coll, tenant, ids[0]);
        return;
    }
    bf__m_put_places(b, coll, tenant, ids, n);
    bf__m_must(bson_append_document_begin(b, "_id", -1, &sub));
    bf__m_list_begin(&sub, "$in", &list);
    for (unsigned i = 0; i < n; i++)
        bf__m_put_id(&list.b, bf__m_list_next(&list), coll, tenant, ids[i]);
    bf__m_list_end(&sub, &list);
    bf__m_must(bson_append_document_end(b, &sub));
}

void bf__m_put_doc(bson_t *b, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, struct bf_str bson)
{
    bson_t rest;
    bf__m_put_target(b, coll, tenant, id);
    bf__m_must(bson_init_static(&rest, (const uint8_t *)bson.p, bson.n));
    bf__m_must(bson_concat(b, &rest));
}

/* ---- conditions ---- */

const char *bf__m_id_path(const struct bf_collection *coll) { return coll->cls == BF_SYSTEM_COLLECTION ? "_id" : "_id.i"; }

const char *bf__m_path(const struct bf_collection *coll, int row, char out[BF__M_PATH_MAX])
{
    const struct bf_field *field = bf__row_field(coll->schema, row);
    int n = snprintf(out, BF__M_PATH_MAX, "%s%s", field == NULL ? "" : "f.", field == NULL ? bf__m_id_path(coll) : field->name);
    assert(n > 0 && n < BF__M_PATH_MAX);
    (void)n;
    return out;
}

void bf__m_put_value(bson_t *b, const char *key, const struct bf_field *field, const struct bf_value *v)
{
    switch (v->type) {
    case BF_T_BOOL:
        return bf__m_must(bson_append_bool(b, key, -1, v->b));
    case BF_T_INT:
        return bf__m_must(bson_append_int64(b, key, -1, v->i));
    case BF_T_DOUBLE:
        return bf__m_must(bson_append_double(b, key, -1, v->d));
    case BF_T_TIME:
        return bf__m_must(bson_append_date_time(b, key, -1, v->i));
    case BF_T_ENUM:
        return bf__m_must(bson_append_utf8(b, key, -1, field->words->words[v->i].word, -1));
    case BF_T_UUID:
        return bf__m_put_uuid(b, key, v->uuid);
    case BF_T_SHA256:
        return bf__m_must(bson_append_binary(b, key, -1, BSON_SUBTYPE_BINARY, v->sha256, sizeof v->sha256));
    default:
        assert(v->type == BF_T_STRING || v->type == BF_T_DATE || v->type == BF_T_WALL || v->type == BF_T_ZONE);
        return bf__m_must(bson_append_utf8(b, key, -1, v->s.p == NULL ? "" : v->s.p, (int)v->s.n));
    }
}

void bf__m_put_cond(bson_t *b, const char *key, const char *op, const struct bf_field *field, const struct bf_value *value)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(b, key, -1, &sub));
    bf__m_put_value(&sub, op, field, value);
    bf__m_must(bson_append_document_end(b, &sub));
}

/* Comparisons are met by values of the same BSON type only. */
void bf__m_put_present(bson_t *b, const char *key, enum bf_type type)
{
    struct bf_value least = {.type = type};
    if (type == BF_T_INT || type == BF_T_TIME)
        least.i = INT64_MIN;
    if (type == BF_T_DOUBLE)
        least.d = -INFINITY;
    if (type == BF_T_ENUM)
        least = (struct bf_value){.type = BF_T_STRING};
    bf__m_put_cond(b, key, "$gte", NULL, &least);
}

/* ---- lists ---- */

void bf__m_list_begin(bson_t *b, const char *key, struct bf__m_list *list)
{
    list->n = 0;
    bf__m_must(bson_append_array_begin(b, key, -1, &list->b));
}

const char *bf__m_list_next(struct bf__m_list *list)
{
    const char *key;
    bson_uint32_to_string(list->n++, &key, list->key, sizeof list->key);
    return key;
}

void bf__m_list_end(bson_t *b, struct bf__m_list *list) { bf__m_must(bson_append_array_end(b, &list->b)); }
