/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of media, in the layout of GridFS: `media.chunks` {_id: {t, i, n}, t, files_id: {t, i}, n, epoch, data} and `media.files` {_id: {t, i}, t,
 * length, chunkSize, uploadDate}. Both are sharded by the tenant. A chunk is told from another by its _id alone: there is no index on files_id.
 */
#include "core/arena.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"

enum { TRIES_MAX = 3 };

/* ---- chunks ---- */

static void put_file_id(bson_t *b, const char *key, struct bf_uuid tenant, struct bf_uuid file)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(b, key, -1, &sub));
    bf__m_put_uuid(&sub, "t", tenant);
    bf__m_put_uuid(&sub, "i", file);
    bf__m_must(bson_append_document_end(b, &sub));
}

static void put_chunk_id(bson_t *b, const char *key, struct bf_uuid tenant, struct bf_uuid file, int64_t n)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(b, key, -1, &sub));
    bf__m_put_uuid(&sub, "t", tenant);
    bf__m_put_uuid(&sub, "i", file);
    bf__m_must(bson_append_int32(&sub, "n", 1, (int32_t)n) && bson_append_document_end(b, &sub));
}

static void put_chunk(bson_t *b, const struct bf_chunk *c)
{
    put_chunk_id(b, "_id", c->tenant, c->file, c->n);
    bf__m_put_uuid(b, "t", c->tenant);
    put_file_id(b, "files_id", c->tenant, c->file);
    bf__m_must(bson_append_int32(b, "n", 1, (int32_t)c->n) && bson_append_int64(b, "epoch", -1, c->epoch) &&
               bson_append_binary(b, "data", -1, BSON_SUBTYPE_BINARY, (const uint8_t *)c->bytes.p, (uint32_t)c->bytes.n));
}

static enum bf_status insert(struct bf__m_at *at, const bson_t *doc, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, opts = BSON_INITIALIZER;
    bf__m_must(bson_append_bool(&opts, "validate", -1, false)); /* it is of our making */
    bool done = mongoc_collection_insert_one(at->coll, doc, &opts, &reply, &error);
    enum bf_status status = done ? BF_OK : bf__m_at_fail(at, &error, &reply, e);
    bson_destroy(&reply);
    bson_destroy(&opts);
    return status;
}

/* Over one of the same or an earlier epoch. */
static enum bf_status replace(struct bf__m_at *at, const struct bf_chunk *c, const bson_t *doc, bool *hit, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, sub;
    put_chunk_id(&filter, "_id", c->tenant, c->file, c->n);
    bf__m_put_uuid(&filter, "t", c->tenant);
    bf__m_must(bson_append_document_begin(&filter, "epoch", -1, &sub) && bson_append_int64(&sub, "$lte", -1, c->epoch) &&
               bson_append_document_end(&filter, &sub) && bson_append_bool(&opts, "validate", -1, false));
    bool done = mongoc_collection_replace_one(at->coll, &filter, doc, &opts, &reply, &error);
    enum bf_status status = done ? BF_OK : bf__m_at_fail(at, &error, &reply, e);
    *hit = done && bf__m_int(&reply, "matchedCount", 0) > 0;
    bson_destroy(&reply);
    bson_destroy(&filter);
    bson_destroy(&opts);
    return status;
}

/* One that neither meets the guard nor can be inserted has a later epoch, unless it came or went between the two. */
enum bf_status bf__m_chunk_put(struct bf_session *s, const struct bf_chunk *c, struct bf_error *e)
{
    struct bf__m_at at;
    bson_t doc = BSON_INITIALIZER;
    bool hit = false;
    enum bf_status status = bf__m_at_own(s, BF__M_CHUNKS, true, "writing a chunk", &at, e);
    if (status == BF_OK)
        put_chunk(&doc, c);
    for (unsigned i = 0; i < TRIES_MAX && status == BF_OK && !hit; i++) {
        if (i > 0 || !c->is_new)
            status = replace(&at, c, &doc, &hit, e);
        if (status != BF_OK || hit)
            break;
        status = insert(&at, &doc, e);
        hit = status == BF_OK;
        if (status == BF_E_EXISTS)
            status = BF_OK;
    }
    bson_destroy(&doc);
    return status == BF_OK && !hit ? bf_fail(e, BF_E_STALE, "a chunk has a later epoch") : status;
}

static enum bf_status read_chunk(const bson_t *row, void *buf, size_t *ret_n, struct bf_error *e)
{
    bson_iter_t it;
    struct bf_str data;
    if (!bson_iter_init_find(&it, row, "data") || !bf__m_bytes(&it, &data) || data.n > BF_CHUNK_BYTES)
        return bf_fail(e, BF_E_CORRUPT, "a chunk cannot be read");
    memcpy(buf, data.p, data.n);
    *ret_n = data.n;
    return BF_OK;
}

/* The one row that `filter` finds, if any, to `take`; BF_E_NOT_FOUND. Takes the filter. */
typedef enum bf_status take_fn(void *ctx, const bson_t *row, struct bf_error *e);

static enum bf_status find_one(struct bf_session *s, enum bf__m_own own, const char *what, bson_t *filter, take_fn *take, void *ctx, struct bf_error *e)
{
    struct bf__m_at at;
    struct bf__m_rows rows;
    bson_t opts = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, own, false, what, &at, e);
    if (status == BF_OK) {
        bf__m_put_limits(s, &opts, 2);
        bf__m_rows_find(&rows, &at, filter, &opts);
        const bson_t *row = bf__m_rows_next(&rows);
        status = row == NULL ? BF_E_NOT_FOUND : take(ctx, row, e);
        enum bf_status ended = bf__m_rows_end(&rows, status == BF_OK || status == BF_E_NOT_FOUND ? e : NULL);
        if (ended != BF_OK)
            status = ended;
        else if (status == BF_E_NOT_FOUND)
            status = bf_fail(e, BF_E_NOT_FOUND, "%s: there is none", what);
    }
    bson_destroy(filter);
    bson_destroy(&opts);
    return status;
}

struct bytes {
    void *buf;
    size_t n;
};

static enum bf_status take_chunk(void *ctx, const bson_t *row, struct bf_error *e)
{
    struct bytes *to = ctx;
    return read_chunk(row, to->buf, &to->n, e);
}

enum bf_status bf__m_chunk_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n,
                               struct bf_error *e)
{
    bson_t filter = BSON_INITIALIZER;
    struct bytes to = {buf, 0};
    put_chunk_id(&filter, "_id", tenant, file, n);
    bf__m_put_uuid(&filter, "t", tenant);
    enum bf_status status = find_one(s, BF__M_CHUNKS, "reading a chunk", &filter, take_chunk, &to, e);
    *ret_n = to.n;
    return status;
}

/* ---- files ---- */

enum bf_status bf__m_file_put(struct bf_session *s, const struct bf_file_row *row, struct bf_error *e)
{
    struct bf__m_at at;
    bson_t doc = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, BF__M_FILES, true, "writing a file", &at, e);
    if (status != BF_OK)
        return status;
    put_file_id(&doc, "_id", row->tenant, row->file);
    bf__m_put_uuid(&doc, "t", row->tenant);
    bf__m_must(bson_append_int64(&doc, "length", -1, row->bytes) && bson_append_int32(&doc, "chunkSize", -1, BF_CHUNK_BYTES) &&
               bson_append_date_time(&doc, "uploadDate", -1, row->at_ms));
    status = insert(&at, &doc, e);
    bson_destroy(&doc);
    if (status == BF_E_UNKNOWN_OUTCOME)
        return bf_fail(e, BF_E_UNAVAILABLE, "it is not known whether a file was written");
    return status == BF_E_EXISTS ? BF_OK : status;
}

static bool find_uuid(const bson_iter_t *id, const char *name, struct bf_uuid *ret)
{
    bson_iter_t at;
    return bson_iter_recurse(id, &at) && bson_iter_find(&at, name) && bf__m_uuid(&at, ret);
}

static enum bf_status take_row(void *ctx, const bson_t *row, struct bf_error *e)
{
    struct bf_file_row *ret = ctx;
    bson_iter_t id, date;
    if (!bson_iter_init_find(&id, row, "_id") || !BSON_ITER_HOLDS_DOCUMENT(&id) || !find_uuid(&id, "t", &ret->tenant) ||
        !find_uuid(&id, "i", &ret->file) || !bson_iter_init_find(&date, row, "uploadDate") || !BSON_ITER_HOLDS_DATE_TIME(&date))
        return bf_fail(e, BF_E_CORRUPT, "a file's row cannot be read");
    ret->bytes = bf__m_int(row, "length", 0);
    ret->at_ms = bson_iter_date_time(&date);
    return BF_OK;
}

enum bf_status bf__m_file_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e)
{
    bson_t filter = BSON_INITIALIZER;
    put_file_id(&filter, "_id", tenant, file);
    bf__m_put_uuid(&filter, "t", tenant);
    return find_one(s, BF__M_FILES, "reading a file", &filter, take_row, ret, e);
}

/* A file's chunks are one range of _id. */
static enum bf_status delete_chunks(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    struct bf__m_at at;
    bson_error_t error;
    bson_t reply, filter = BSON_INITIALIZER, sub;
    enum bf_status status = bf__m_at_own(s, BF__M_CHUNKS, true, "deleting chunks", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_put_uuid(&filter, "t", tenant);
    bf__m_must(bson_append_document_begin(&filter, "_id", -1, &sub));
    put_chunk_id(&sub, "$gte", tenant, file, 0);
    put_chunk_id(&sub, "$lte", tenant, file, INT32_MAX);
    bf__m_must(bson_append_document_end(&filter, &sub));
    if (!mongoc_collection_delete_many(at.coll, &filter, NULL, &reply, &error))
        status = bf__m_at_fail(&at, &error, &reply, e);
    bson_destroy(&reply);
    bson_destroy(&filter);
    return status;
}

static enum bf_status delete_row(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    struct bf__m_at at;
    bson_error_t error;
    bson_t reply, filter = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, BF__M_FILES, true, "deleting a file", &at, e);
    if (status != BF_OK)
        return status;
    put_file_id(&filter, "_id", tenant, file);
    bf__m_put_uuid(&filter, "t", tenant);
    if (!mongoc_collection_delete_one(at.coll, &filter, NULL, &reply, &error))
        status = bf__m_at_fail(&at, &error, &reply, e);
    bson_destroy(&reply);
    bson_destroy(&filter);
    return status;
}

enum bf_status bf__m_file_drop(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    enum bf_status status = delete_chunks(s, tenant, file, e);
    if (status == BF_OK)
        status = delete_row(s, tenant, file, e);
    return status == BF_E_UNKNOWN_OUTCOME ? bf_fail(e, BF_E_UNAVAILABLE, "it is not known whether a file was deleted") : status;
}

/* Behind `after` in the order of tenant and file: the shard key as a range, so that shards before it are not asked. */
enum bf_status bf__m_file_scan(struct bf_session *s, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n,
                               struct bf_error *e)
{
    static const struct bf_file_row start;
    const struct bf_file_row *from = after == NULL ? &start : after;
    struct bf__m_at at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER, sub;
    const bson_t *row;
    unsigned n = 0;
    enum bf_status status = bf__m_at_own(s, BF__M_FILES, false, "reading all files", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_must(bson_append_document_begin(&filter, "t", -1, &sub));
    bf__m_put_uuid(&sub, "$gte", from->tenant);
    bf__m_must(bson_append_document_end(&filter, &sub) && bson_append_document_begin(&filter, "_id", -1, &sub));
    put_file_id(&sub, "$gt", from->tenant, from->file);
    bf__m_must(bson_append_document_end(&filter, &sub));
    bf__m_put_limits(s, &opts, limit + 1);
    bf__m_must(bson_append_document_begin(&opts, "sort", -1, &sub) && bson_append_int32(&sub, "_id", -1, 1) && bson_append_document_end(&opts, &sub) &&
               bson_append_int64(&opts, "limit", -1, limit));
    bf__m_rows_find(&rows, &at, &filter, &opts);
    while (n < limit && (row = bf__m_rows_next(&rows)) != NULL)
        n += take_row(&ret[n], row, NULL) == BF_OK;
    status = bf__m_rows_end(&rows, e);
    bson_destroy(&filter);
    bson_destroy(&opts);
    *ret_n = n;
    return status;
}
