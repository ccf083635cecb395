/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that read: a find or an aggregation, row by row. */
#pragma once
#include "storage/mongo/mongo.h"

struct bf__m_rows {
    struct bf__m_at at;
    mongoc_cursor_t *cursor;
};

/* What all reads have in their options: the time the server may take, and `batch` rows at once. */
void bf__m_put_limits(const struct bf_session *s, bson_t *opts, unsigned batch);

/* `at` as bf__m_at filled it. The bson given is not kept. */
void bf__m_rows_find(struct bf__m_rows *rows, const struct bf__m_at *at, const bson_t *filter, const bson_t *opts);
void bf__m_rows_aggregate(struct bf__m_rows *rows, const struct bf__m_at *at, const bson_t *pipeline, const bson_t *opts);
/* The next row, which lives until the one after it is asked for; NULL at the end and after an error. */
const bson_t *bf__m_rows_next(struct bf__m_rows *rows);
/* BF_OK when all rows were given, or the caller wanted no more. */
enum bf_status bf__m_rows_end(struct bf__m_rows *rows, struct bf_error *e);

/* A row as a document: its bytes are copied to `arena`. */
enum bf_status bf__m_decode(const struct bf_collection *coll, const bson_t *row, struct bf_arena *arena, struct bf_doc **ret,
                            struct bf_error *e);
