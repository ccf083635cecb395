/* SPDX-License-Identifier: Apache-2.0 */
/* Setting right what a check found, only where it is still as the check read it: another process may roll the document forward at the same time. */
#include "core/arena.h"
#include "storage/mongo/read.h"
#include "storage/mongo/shape.h"

/* The document as it lies there, copied; NULL: absent. */
static enum bf_status read_raw(struct bf_session *s, const struct bf_mend *m, bson_t **ret, struct bf_error *e)
{
    struct bf__m_at at;
    struct bf__m_rows rows;
    bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
    enum bf_status status = bf__m_at(s, m->coll, false, "reading a document", &at, e);
    if (status != BF_OK)
        return status;
    bf__m_put_target(&filter, m->coll, m->tenant, m->id);
    bf__m_put_limits(s, &opts, 2);
    bf__m_rows_find(&rows, &at, &filter, &opts);
    const bson_t *row = bf__m_rows_next(&rows);
    *ret = row == NULL ? NULL : bson_copy(row);
    status = bf__m_rows_end(&rows, e);
    if (status != BF_OK && *ret != NULL)
        bson_destroy(*ret);
    bson_destroy(&filter);
    bson_destroy(&opts);
    return status;
}

/* What each change of a document moves on: as it was read, or missing as it was. */
static void put_as_read(bson_t *filter, const bson_t *raw)
{
    static const char *const moving[] = {"rev", "n", "k"};
    bson_iter_t it;
    bson_t sub;
    for (unsigned i = 0; i < sizeof moving / sizeof *moving; i++)
        if (bson_iter_init_find(&it, raw, moving[i])) {
            bf__m_must(bson_append_iter(filter, moving[i], -1, &it));
        } else {
            bf__m_must(bson_append_document_begin(filter, moving[i], -1, &sub) && bson_append_bool(&sub, "$exists", -1, false) &&
                       bson_append_document_end(filter, &sub));
        }
}

static bool same_as_read(const struct bf_mend *m, const bson_t *raw)
{
    struct bf_doc *doc;
    struct bf_arena *arena = bf_arena_create();
    bool readable = bf__m_decode(m->coll, raw, arena, &doc, NULL) == BF_OK;
    bool same = m->is == NULL ? !readable : readable && doc->rev == m->is->rev && doc->n == m->is->n && doc->k == m->is->k;
    bf_arena_destroy(&arena);
    return same;
}

static enum bf_status stale(const struct bf_mend *m, struct bf_error *e)
{
    return bf_fail(e, BF_E_STALE, "a document of %s was changed while it was mended", m->coll->name);
}

/* Over what is there, or away with it. */
static enum bf_status change(const struct bf_mend *m, const struct bf__m_at *at, const bson_t *raw, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, filter = BSON_INITIALIZER, doc = BSON_INITIALIZER;
    bf__m_put_target(&filter, m->coll, m->tenant, m->id);
    put_as_read(&filter, raw);
    if (m->after != NULL)
        bf__m_put_doc(&doc, m->coll, m->tenant, m->id, m->bson);
    bool done = m->after != NULL ? mongoc_collection_replace_one(at->coll, &filter, &doc, NULL, &reply, &error)
                                 : mongoc_collection_delete_one(at->coll, &filter, NULL, &reply, &error);
    enum bf_status status = done ? BF_OK : bf__m_at_fail(at, &error, &reply, e);
    if (status == BF_OK && bf__m_int(&reply, m->after != NULL ? "matchedCount" : "deletedCount", 0) == 0)
        status = stale(m, e);
    bson_destroy(&reply);
    bson_destroy(&filter);
    bson_destroy(&doc);
    return status;
}

static enum bf_status make(const struct bf_mend *m, const struct bf__m_at *at, struct bf_error *e)
{
    bson_error_t error;
    bson_t reply, doc = BSON_INITIALIZER;
    bf__m_put_doc(&doc, m->coll, m->tenant, m->id, m->bson);
    bool done = mongoc_collection_insert_one(at->coll, &doc, NULL, &reply, &error);
    enum bf_status status = done ? BF_OK : bf__m_at_fail(at, &error, &reply, e);
    bson_destroy(&reply);
    bson_destroy(&doc);
    return status == BF_E_EXISTS ? stale(m, e) : status;
}

enum bf_status bf__m_mend(struct bf_session *s, const struct bf_mend *m, struct bf_error *e)
{
    struct bf__m_at at;
    bson_t *raw = NULL;
    enum bf_status status = read_raw(s, m, &raw, e);
    if (status == BF_OK)
        status = bf__m_at(s, m->coll, true, "mending a document", &at, e);
    if (status != BF_OK)
        return status;
    if (raw == NULL)
        return m->is != NULL ? stale(m, e) : m->after == NULL ? BF_OK : make(m, &at, e);
    status = same_as_read(m, raw) ? change(m, &at, raw, e) : stale(m, e);
    bson_destroy(raw);
    return status;
}
