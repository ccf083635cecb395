/* SPDX-License-Identifier: Apache-2.0 */
/* Small facts about the store as a whole: {_id: name, b: 0, value}. */
#include "core/arena.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"

enum { TRIES_MAX = 64 };

static void put_name(bson_t *b, const char *name)
{
    bf__m_must(bson_append_utf8(b, "_id", -1, name, -1));
    bf__m_must(bson_append_int32(b, "b", -1, 0));
}

static void put_value(bson_t *b, struct bf_str value)
{
    bf__m_must(bson_append_binary(b, "value", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)(value.n == 0 ? "" : value.p), (uint32_t)value.n));
}

enum bf_status bf__m_meta_get(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    struct bf__m_at at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    bson_iter_t it;
    struct bf_str value = {NULL, 0};
    enum bf_status status = bf__m_at_own(s, BF__M_META, false, "reading a fact", &at, e);
    if (status != BF_OK)
        return status;
    put_name(&filter, name);
    bf__m_put_limits(s, &opts, 2);
    bf__m_rows_find(&rows, &at, &filter, &opts);
    const bson_t *row = bf__m_rows_next(&rows);
    if (row != NULL && bson_iter_init_find(&it, row, "value") && bf__m_bytes(&it, &value))
        value = bf_str_dup(arena, value);
    status = bf__m_rows_end(&rows, e);
    bson_destroy(&filter);
    bson_destroy(&opts);
    if (status == BF_OK)
        *ret = value;
    return status;
}

static enum bf_status over(const struct bf__m_at *at, const bson_t *filter, const bson_t *doc, bool *hit, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply;
    enum bf_status status = BF_OK;
    if (!mongoc_collection_replace_one(at->coll, filter, doc, NULL, &reply, &error))
        status = bf__m_at_fail(at, &error, &reply, e);
    *hit = status == BF_OK && bf__m_int(&reply, "matchedCount", 0) > 0;
    bson_destroy(&reply);
    return status;
}

static enum bf_status anew(const struct bf__m_at *at, const bson_t *doc, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply;
    enum bf_status status = BF_OK;
    if (!mongoc_collection_insert_one(at->coll, doc, NULL, &reply, &error))
        status = bf__m_at_fail(at, &error, &reply, e);
    bson_destroy(&reply);
    return status;
}

enum bf_status bf__m_meta_add(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    struct bf__m_at at;
    bson_t doc = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, BF__M_META, true, "adding a fact", &at, e);
    put_name(&doc, name);
    put_value(&doc, value);
    if (status == BF_OK)
        status = anew(&at, &doc, e);
    bson_destroy(&doc);
    return status;
}

enum bf_status bf__m_meta_set(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    struct bf__m_at at;
    bson_t filter = BSON_INITIALIZER, doc = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, BF__M_META, true, "writing a fact", &at, e);
    if (status != BF_OK)
        return status;
    bool hit = false;
    put_name(&filter, name);
    put_name(&doc, name);
    put_value(&doc, value);
    status = BF_E_EXISTS;
    for (unsigned tries = 0; tries < TRIES_MAX && status == BF_E_EXISTS; tries++) {
        status = over(&at, &filter, &doc, &hit, e);
        if (status == BF_OK && !hit)
            status = anew(&at, &doc, e);
    }
    bson_destroy(&filter);
    bson_destroy(&doc);
    return status;
}
