/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/mongo/read.h"
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/mongo/shape.h"

void bf__m_put_limits(const struct bf_session *s, bson_t *opts, unsigned batch)
{
    bf__m_must(bson_append_int64(opts, "maxTimeMS", -1, s->db->settings.max_time_ms));
    bf__m_must(bson_append_int32(opts, "batchSize", -1, (int32_t)batch));
}

void bf__m_rows_find(struct bf__m_rows *rows, const struct bf__m_at *at, const bson_t *filter, const bson_t *opts)
{
    rows->at = *at;
    rows->cursor = mongoc_collection_find_with_opts(at->coll, filter, opts, NULL);
}

void bf__m_rows_aggregate(struct bf__m_rows *rows, const struct bf__m_at *at, const bson_t *pipeline, const bson_t *opts)
{
    rows->at = *at;
    rows->cursor = mongoc_collection_aggregate(at->coll, MONGOC_QUERY_NONE, pipeline, opts, NULL);
}

const bson_t *bf__m_rows_next(struct bf__m_rows *rows)
{
    const bson_t *row;
    return mongoc_cursor_next(rows->cursor, &row) ? row : NULL;
}

enum bf_status bf__m_rows_end(struct bf__m_rows *rows, struct bf_error *e)
{
    bson_error_t error;
    const bson_t *reply;
    bool failed = mongoc_cursor_error_document(rows->cursor, &error, &reply);
    enum bf_status status = failed ? bf__m_at_fail(&rows->at, &error, reply, e) : BF_OK;
    mongoc_cursor_destroy(rows->cursor);
    return status;
}

enum bf_status bf__m_decode(const struct bf_collection *coll, const bson_t *row, struct bf_arena *arena, struct bf_doc **ret,
                            struct bf_error *e)
{
    struct bf_uuid tenant, id;
    if (!bf__m_read_id(row, coll, &tenant, &id))
        return bf_fail(e, BF_E_CORRUPT, "a document of %s has no id that can be read", coll->name);
    return bf__bson_decode(arena, coll->schema, tenant, id, bf_str(bf_arena_dup(arena, bson_get_data(row), row->len), row->len), ret, e);
}
