/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: {_id: {t, n}, t, n, requests: [bin], header, payload, leaf}. Inserting an entry is the commit: _id makes (tenant, n) unique, an
 * index (tenant, each request).
 */
#include "core/arena.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"
#include <stdlib.h>

/* ---- writing ---- */

static void put_bytes(bson_t *b, const char *key, const void *p, size_t n)
{
    bf__m_must(bson_append_binary(b, key, -1, BSON_SUBTYPE_BINARY, p == NULL ? (const uint8_t *)"" : p, (uint32_t)n));
}

static void put_entry_id(bson_t *b, const char *key, struct bf_uuid tenant, int64_t n)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(b, key, -1, &sub));
    bf__m_put_uuid(&sub, "t", tenant);
    bf__m_must(bson_append_int64(&sub, "n", 1, n));
    bf__m_must(bson_append_document_end(b, &sub));
}

static void put_entry(bson_t *b, const struct bf_raw_append *append)
{
    const struct bf_raw_entry *entry = &append->entry;
    struct bf__m_list list;
    put_entry_id(b, "_id", entry->tenant, entry->n);
    bf__m_put_uuid(b, "t", entry->tenant);
    bf__m_must(bson_append_int64(b, "n", 1, entry->n));
    bf__m_list_begin(b, "requests", &list);
    for (unsigned i = 0; i < append->n_requests; i++)
        put_bytes(&list.b, bf__m_list_next(&list), append->requests[i].b, sizeof append->requests[i].b);
    bf__m_list_end(b, &list);
    put_bytes(b, "header", entry->header.p, entry->header.n);
    put_bytes(b, "leaf", entry->leaf, sizeof entry->leaf);
    put_bytes(b, "payload", entry->payload.p, entry->payload.n);
}

static enum bf_status insert(struct bf_session *s, const bson_t *doc, struct bf_error *e)
{
    struct bf__m_at at;
    bson_error_t error;
    bson_t reply, opts = BSON_INITIALIZER;
    enum bf_status status = bf__m_at_own(s, BF__M_LOG, true, "appending an entry", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_must(bson_append_bool(&opts, "validate", -1, false));
    if (!mongoc_collection_insert_one(at.coll, doc, &opts, &reply, &error))
        status = bf__m_at_fail(&at, &error, &reply, e);
    bson_destroy(&reply);
    bson_destroy(&opts);
    return status;
}

enum bf_status bf__m_append(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e)
{
    bson_t doc = BSON_INITIALIZER;
    put_entry(&doc, append);
    enum bf_status status = insert(s, &doc, e);
    bson_destroy(&doc);
    return status;
}

/* ---- reading ---- */

static bool read_bytes(const bson_t *row, const char *name, struct bf_arena *arena, struct bf_str *ret)
{
    bson_iter_t it;
    struct bf_str s;
    if (!bson_iter_init_find(&it, row, name) || !bf__m_bytes(&it, &s))
        return false;
    *ret = bf_str_dup(arena, s);
    return true;
}

static enum bf_status read_entry(const bson_t *row, struct bf_uuid tenant, bool payload, struct bf_arena *arena, struct bf_raw_entry *ret,
                                 struct bf_error *e)
{
    struct bf_str leaf;
    struct bf_raw_entry entry = {.tenant = tenant, .n = bf__m_int(row, "n", 0)};
    if (entry.n <= 0 || !read_bytes(row, "header", arena, &entry.header) || (payload && !read_bytes(row, "payload", arena, &entry.payload)) ||
        !read_bytes(row, "leaf", arena, &leaf) || leaf.n != sizeof entry.leaf)
        return bf_fail(e, BF_E_CORRUPT, "log entry %lld cannot be read", (long long)entry.n);
    memcpy(entry.leaf, leaf.p, leaf.n);
    *ret = entry;
    return BF_OK;
}

/* {t, _id: {$gt: {t, n: after}, $lte: {t, n: until}}} */
static void put_range(bson_t *filter, struct bf_uuid tenant, int64_t after_n, int64_t until_n)
{
    bson_t sub;
    bf__m_put_uuid(filter, "t", tenant);
    bf__m_must(bson_append_document_begin(filter, "_id", -1, &sub));
    put_entry_id(&sub, "$gt", tenant, after_n);
    put_entry_id(&sub, "$lte", tenant, until_n);
    bf__m_must(bson_append_document_end(filter, &sub));
}

static void put_order(bson_t *opts, int direction, unsigned limit)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(opts, "sort", -1, &sub) && bson_append_int32(&sub, "_id", -1, direction) &&
               bson_append_document_end(opts, &sub));
    bf__m_must(bson_append_int64(opts, "limit", -1, limit));
}

static void leave_out(bson_t *opts, const char *field)
{
    bson_t sub;
    bf__m_must(bson_append_document_begin(opts, "projection", -1, &sub) && bson_append_int32(&sub, field, -1, 0) &&
               bson_append_document_end(opts, &sub));
}

struct log_rows {
    struct bf__m_rows rows;
    bson_t filter, opts;
};

static enum bf_status rows_begin(struct bf_session *s, struct log_rows *r, unsigned batch, struct bf_error *e)
{
    struct bf__m_at at;
    enum bf_status status = bf__m_at_own(s, BF__M_LOG, false, "reading the log", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_put_limits(s, &r->opts, batch);
    bf__m_rows_find(&r->rows, &at, &r->filter, &r->opts);
    return BF_OK;
}

static enum bf_status rows_end(struct log_rows *r, struct bf_error *e)
{
    enum bf_status status = bf__m_rows_end(&r->rows, e);
    bson_destroy(&r->filter);
    bson_destroy(&r->opts);
    return status;
}

enum bf_status bf__m_log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                              struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    struct log_rows r = {.filter = BSON_INITIALIZER, .opts = BSON_INITIALIZER};
    struct bf_raw_entry *raw = bf_arena_alloc(arena, limit * sizeof *raw);
    struct bf_error why = {0};
    const bson_t *row;
    unsigned n = 0;
    size_t bytes = 0;
    int64_t until_n = after_n > INT64_MAX - limit ? INT64_MAX : after_n + limit;
    put_range(&r.filter, tenant, after_n, until_n);
    put_order(&r.opts, 1, limit);
    if (!payloads)
        leave_out(&r.opts, "payload");
    enum bf_status status = rows_begin(s, &r, limit + 1, e), read = BF_OK;
    if (status != BF_OK)
        return status;
    while (n < limit && bytes < bytes_max && (row = bf__m_rows_next(&r.rows)) != NULL) {
        read = read_entry(row, tenant, payloads, arena, &raw[n], &why);
        if (read != BF_OK || raw[n].n != after_n + 1 + n)
            break; /* a hole */
        bytes += raw[n].header.n + raw[n].payload.n;
        n++;
    }
    status = rows_end(&r, e);
    if (status == BF_OK && read != BF_OK && n == 0)
        return bf_fail(e, read, "%s", why.cause);
    *ret = raw;
    *ret_n = n;
    return status;
}

enum bf_status bf__m_log_last(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                              struct bf_error *e)
{
    struct log_rows r = {.filter = BSON_INITIALIZER, .opts = BSON_INITIALIZER};
    struct bf_raw_entry *last = NULL;
    put_range(&r.filter, tenant, 0, INT64_MAX);
    put_order(&r.opts, -1, 1);
    leave_out(&r.opts, "payload");
    enum bf_status status = rows_begin(s, &r, 2, e);
    if (status != BF_OK)
        return status;
    const bson_t *row = bf__m_rows_next(&r.rows);
    if (row != NULL) {
        last = bf_arena_alloc(arena, sizeof *last);
        status = read_entry(row, tenant, false, arena, last, e);
    }
    enum bf_status ended = rows_end(&r, status == BF_OK ? e : NULL);
    if (status == BF_OK && ended == BF_OK)
        *ret = last;
    return status == BF_OK ? ended : status;
}

/* Gives n to each id that the entry's list has. */
static void match_requests(const bson_t *row, const struct bf_request_id *ids, unsigned n, int64_t *ret_n)
{
    bson_iter_t it, item;
    struct bf_str id;
    int64_t entry_n = bf__m_int(row, "n", 0);
    if (!bson_iter_init_find(&it, row, "requests") || !BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &item))
        return;
    while (bson_iter_next(&item))
        for (unsigned i = 0; i < n; i++)
            if (bf__m_bytes(&item, &id) && id.n == sizeof ids[i].b && memcmp(id.p, ids[i].b, id.n) == 0)
                ret_n[i] = entry_n;
}

enum bf_status bf__m_log_requests(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                  struct bf_error *e)
{
    struct log_rows r = {.filter = BSON_INITIALIZER, .opts = BSON_INITIALIZER};
    struct bf__m_list list;
    const bson_t *row;
    bson_t sub;
    memset(ret_n, 0, n * sizeof *ret_n);
    bf__m_put_uuid(&r.filter, "t", tenant);
    bf__m_must(bson_append_document_begin(&r.filter, "requests", -1, &sub));
    bf__m_list_begin(&sub, "$in", &list);
    for (unsigned i = 0; i < n; i++)
        put_bytes(&list.b, bf__m_list_next(&list), ids[i].b, sizeof ids[i].b);
    bf__m_list_end(&sub, &list);
    bf__m_must(bson_append_document_end(&r.filter, &sub));
    bf__m_must(bson_append_document_begin(&r.opts, "projection", -1, &sub) && bson_append_int32(&sub, "n", -1, 1) &&
               bson_append_int32(&sub, "requests", -1, 1) && bson_append_document_end(&r.opts, &sub));
    enum bf_status status = rows_begin(s, &r, n + 1, e);
    if (status != BF_OK)
        return status;
    while ((row = bf__m_rows_next(&r.rows)) != NULL)
        match_requests(row, ids, n, ret_n);
    return rows_end(&r, e);
}
