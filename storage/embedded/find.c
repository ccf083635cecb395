/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages: the ranges of the plan are read in small chunks and merged by suffix. With one range a chunk is about a page; with many it is
 * small, so that little is read which the page does not need. Where conditions are left that throw rows away, a chunk's rows last until the
 * range's next chunk only, and what stays is copied.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/embedded/embedded.h"
#include "storage/embedded/key.h"
#include "storage/embedded/plan.h"
#include "storage/match.h"
#include <assert.h>
#include <stdlib.h>

enum { CHUNK_MIN = 4 };

struct item {
    struct bf_str suffix; /* of the key, behind the range's prefix: order and cursor */
    struct bf_str bytes;  /* the document */
};

/* A string that is replaced often. */
struct held {
    char *p;
    size_t n, room;
};

struct source {
    struct bf__range range;
    struct bf_arena *rows; /* of the chunk; NULL: they stay with the page */
    struct held edge;      /* the range's near end, once it was moved */
    struct item *items;
    unsigned n, at;
    bool last_chunk;
};

struct merge {
    struct bf_session *s;
    const struct bf_query *query;
    struct bf_arena *arena;
    struct bf_arena *scratch; /* of documents that are not known to stay */
    sqlite3_stmt *st;
    unsigned chunk, examined, n_sources;
    struct source *sources;
    struct source **heap; /* those that have an item; the next one on top */
    unsigned n_heap;
    bool taken; /* the top's item was given out: it moves on when the next one is asked for, and reads no more before */
};

/* With a 0 behind it. */
static struct bf_str hold(struct bf_arena *arena, struct held *h, struct bf_str s)
{
    if (s.n + 1 > h->room) {
        h->room = 2 * s.n + 1;
        h->p = bf_arena_alloc(arena, h->room);
    }
    memcpy(h->p, s.p, s.n);
    h->p[s.n] = '\0';
    h->n = s.n;
    return bf_str(h->p, h->n);
}

static struct bf_arena *begin_chunk(struct merge *m, struct source *src)
{
    if (m->scratch == NULL)
        return m->arena;
    if (src->rows == NULL)
        src->rows = bf_arena_create();
    bf_arena_reset(src->rows);
    return src->rows;
}

/* The next chunk of a range; moves the range's near end past it. */
static enum bf_status fill(struct merge *m, struct source *src, struct bf_error *e)
{
    int rc;
    struct bf_arena *rows = begin_chunk(m, src);
    src->n = src->at = 0;
    src->items = bf_arena_alloc(rows, m->chunk * sizeof *src->items);
    bf__bind(m->st, 1, src->range.low);
    bf__bind(m->st, 2, src->range.high);
    sqlite3_bind_int64(m->st, 3, m->chunk);
    struct bf_str key = {NULL, 0};
    while ((rc = sqlite3_step(m->st)) == SQLITE_ROW) {
        key = bf__column_dup(m->st, 0, rows);
        src->items[src->n].suffix = bf_str(key.p + src->range.prefix.n, key.n - src->range.prefix.n);
        src->items[src->n++].bytes = bf__column_dup(m->st, 1, rows);
    }
    enum bf_status status = rc == SQLITE_DONE ? BF_OK : bf__sql_fail(m->s, e, "reading an index");
    sqlite3_reset(m->st);
    src->last_chunk = src->n < m->chunk;
    m->examined += src->n;
    if (src->last_chunk)
        return status;
    key = hold(m->arena, &src->edge, key);
    if (m->query->descending)
        src->range.high = key;
    else
        src->range.low = bf_str(key.p, key.n + 1); /* the 0 behind it makes it the next key */
    return status;
}

static bool before(const struct merge *m, const struct source *a, const struct source *b)
{
    int c = bf_str_cmp(a->items[a->at].suffix, b->items[b->at].suffix);
    return m->query->descending ? c > 0 : c < 0;
}

static void sink(struct merge *m, unsigned i)
{
    for (;;) {
        unsigned least = i, child = 2 * i + 1;
        for (unsigned c = child; c < child + 2 && c < m->n_heap; c++)
            if (before(m, m->heap[c], m->heap[least]))
                least = c;
        if (least == i)
            return;
        struct source *other = m->heap[i];
        m->heap[i] = m->heap[least];
        m->heap[least] = other;
        i = least;
    }
}

static unsigned statement_slot(const struct bf_session *s, const struct bf_query *query)
{
    const struct bf__table *t = bf__table_of(s->db, query->coll);
    if (query->index == NULL)
        return bf__doc_slot(t, query->descending ? SQL_DOC_DESC : SQL_DOC_ASC);
    for (unsigned i = 0; i < query->coll->n_indexes; i++)
        if (query->coll->indexes[i] == query->index)
            return bf__index_slot(t, i, query->descending ? SQL_IX_DESC : SQL_IX_ASC);
    assert(!"the index belongs to the collection");
    return 0;
}

static enum bf_status merge_start(struct merge *m, const struct bf__plan *plan, struct bf_error *e)
{
    unsigned page = m->query->limit + 1;
    m->chunk = plan->n_ranges <= 1 ? page : page / plan->n_ranges + 1;
    if (m->chunk < CHUNK_MIN)
        m->chunk = CHUNK_MIN;
    m->n_sources = plan->n_ranges;
    m->sources = bf_arena_calloc(m->arena, plan->n_ranges + 1, sizeof *m->sources);
    m->heap = bf_arena_alloc(m->arena, (plan->n_ranges + 1) * sizeof(struct source *));
    enum bf_status status = bf__prepare(m->s, statement_slot(m->s, m->query), &m->st, e);
    for (unsigned i = 0; i < plan->n_ranges && status == BF_OK; i++) {
        m->sources[i].range = plan->ranges[i];
        status = fill(m, &m->sources[i], e);
        if (m->sources[i].n > 0)
            m->heap[m->n_heap++] = &m->sources[i];
    }
    for (unsigned i = m->n_heap / 2; i-- > 0;)
        sink(m, i);
    return status;
}

static enum bf_status move_on(struct merge *m, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    struct source *top = m->heap[0];
    top->at++;
    if (top->at == top->n && !top->last_chunk)
        status = fill(m, top, e);
    if (top->at == top->n)
        m->heap[0] = m->heap[--m->n_heap];
    sink(m, 0);
    return status;
}

/* *ret = NULL at the end. */
static enum bf_status merge_next(struct merge *m, const struct item **ret, struct bf_error *e)
{
    enum bf_status status = m->taken ? move_on(m, e) : BF_OK;
    m->taken = m->n_heap > 0;
    *ret = m->taken ? &m->heap[0]->items[m->heap[0]->at] : NULL;
    return status;
}

static void merge_end(struct merge *m)
{
    for (unsigned i = 0; i < m->n_sources; i++)
        bf_arena_destroy(&m->sources[i].rows);
    bf_arena_destroy(&m->scratch);
}

static enum bf_status decode(const struct merge *m, struct bf_arena *arena, const struct item *item, struct bf_str bytes, struct bf_doc **ret,
                             struct bf_error *e)
{
    struct bf_uuid id;
    assert(item->suffix.n >= sizeof id.b);
    memcpy(id.b, item->suffix.p + item->suffix.n - sizeof id.b, sizeof id.b);
    return bf__bson_decode(arena, m->query->coll->schema, m->query->tenant, id, bytes, ret, e);
}

static bool passes(const struct bf_doc *doc, const struct bf__plan *plan)
{
    for (unsigned i = 0; i < plan->n_rest; i++)
        if (!bf__match(doc, plan->rest[i]))
            return false;
    return !doc->tombstone;
}

/* *ret = NULL when it does not pass. What conditions are left for is decoded aside first, so that a rare match does not keep all that was looked at. */
static enum bf_status read_item(struct merge *m, const struct bf__plan *plan, const struct item *item, struct bf_doc **ret, struct bf_error *e)
{
    bool aside = m->scratch != NULL;
    enum bf_status status = decode(m, aside ? m->scratch : m->arena, item, item->bytes, ret, e);
    if (status == BF_OK && !passes(*ret, plan))
        *ret = NULL;
    else if (status == BF_OK && aside)
        status = decode(m, m->arena, item, bf_str_dup(m->arena, item->bytes), ret, e);
    if (aside)
        bf_arena_reset(m->scratch);
    return status;
}

/* Takes one more than the limit, to know whether there is a next page. */
static enum bf_status collect(struct merge *m, const struct bf__plan *plan, struct bf_page *page, struct bf_error *e)
{
    const struct item *item;
    struct held last_room = {.p = NULL}, kept_room = {.p = NULL};
    struct bf_str last = {NULL, 0}, kept = {NULL, 0};
    for (unsigned looked = 0;; looked++) {
        struct bf_doc *doc;
        enum bf_status status = merge_next(m, &item, e);
        if (status != BF_OK)
            return status;
        if (item == NULL)
            return BF_OK;
        if (last.n > 0 && bf_str_eq(last, item->suffix))
            continue; /* the same document by another item of its array */
        if (looked == BF_EXAMINE_MAX) {
            page->next = last;
            return BF_OK;
        }
        last = hold(m->arena, &last_room, item->suffix);
        status = read_item(m, plan, item, &doc, e);
        if (status != BF_OK)
            return status;
        if (doc == NULL)
            continue;
        if (page->n == m->query->limit) {
            page->next = kept;
            return BF_OK;
        }
        page->docs[page->n++] = doc;
        kept = hold(m->arena, &kept_room, last);
    }
}

static enum bf_status find_ranges(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *page,
                                  struct bf_error *e)
{
    struct bf__plan plan;
    struct merge m = {.s = s, .query = query, .arena = arena};
    bf__plan(arena, query, &plan);
    m.scratch = plan.n_rest > 0 ? bf_arena_create() : NULL;
    bool begun = bf__snapshot_begin(s);
    enum bf_status status = merge_start(&m, &plan, e);
    if (status == BF_OK)
        status = collect(&m, &plan, page, e);
    bf__snapshot_end(s, begun);
    merge_end(&m);
    page->examined = m.examined;
    return status;
}

/* ---- by id ---- */

static const struct bf_cond *id_cond(const struct bf_query *query)
{
    for (unsigned i = 0; query->index == NULL && i < query->n_conds; i++)
        if (query->conds[i].row == BF_ROW_ID && (query->conds[i].op == BF_EQ || query->conds[i].op == BF_IN))
            return &query->conds[i];
    return NULL;
}

static int id_cmp(const void *a, const void *b) { return memcmp(a, b, sizeof(struct bf_uuid)); }

static bool behind_cursor(const struct bf_query *query, const struct bf_uuid *id)
{
    if (query->after.n == 0)
        return true;
    int c = bf_str_cmp(bf_str((const char *)id->b, sizeof id->b), query->after);
    return query->descending ? c < 0 : c > 0;
}

/* The ids asked for, distinct, behind the cursor, in order. */
static unsigned ids_in_order(const struct bf_query *query, const struct bf_cond *cond, struct bf_uuid *ids)
{
    unsigned n = cond->op == BF_IN ? cond->n : 1, kept = 0;
    for (unsigned i = 0; i < n; i++)
        ids[i] = cond->values[i].uuid;
    qsort(ids, n, sizeof *ids, id_cmp);
    for (unsigned i = 0; i < n; i++)
        if ((kept == 0 || !bf_uuid_eq(&ids[kept - 1], &ids[i])) && behind_cursor(query, &ids[i]))
            ids[kept++] = ids[i];
    for (unsigned i = 0; query->descending && i < kept / 2; i++) {
        struct bf_uuid other = ids[i];
        ids[i] = ids[kept - 1 - i];
        ids[kept - 1 - i] = other;
    }
    return kept;
}

static bool passes_all(const struct bf_doc *doc, const struct bf_query *query)
{
    for (unsigned i = 0; i < query->n_conds; i++)
        if (!bf__match(doc, &query->conds[i]))
            return false;
    return !doc->tombstone;
}

static enum bf_status find_ids(struct bf_session *s, const struct bf_query *query, const struct bf_cond *cond, struct bf_arena *arena,
                               struct bf_page *page, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_alloc(arena, ((size_t)(cond->op == BF_IN ? cond->n : 1) + 1) * sizeof *ids);
    unsigned n = ids_in_order(query, cond, ids);
    enum bf_status status = BF_OK;
    bool begun = n > 1 && bf__snapshot_begin(s);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        struct bf_doc *doc;
        status = bf__get_many(s, query->coll, query->tenant, &ids[i], 1, arena, &doc, e);
        page->examined++;
        if (status != BF_OK || doc == NULL || !passes_all(doc, query))
            continue;
        if (page->n == query->limit) {
            page->next = bf_str(bf_arena_dup(arena, page->docs[page->n - 1]->id.b, 16), 16);
            break;
        }
        page->docs[page->n++] = doc;
    }
    bf__snapshot_end(s, begun);
    return status;
}

enum bf_status bf__find(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e)
{
    const struct bf_cond *by_id = id_cond(query);
    struct bf_page page = {.docs = bf_arena_alloc(arena, query->limit * sizeof(struct bf_doc *))};
    enum bf_status status = by_id != NULL ? find_ids(s, query, by_id, arena, &page, e) : find_ranges(s, query, arena, &page, e);
    if (status == BF_OK)
        *ret = page;
    return status;
}

/* ---- counting ---- */

/* The index alone can tell: no condition is left to check, and no document can be met twice. */
static bool countable(const struct bf_query *query, const struct bf__plan *plan)
{
    return query->index != NULL && plan->n_rest == 0 && !(query->index->multikey && plan->n_ranges > 1);
}

static enum bf_status count_keys(struct bf_session *s, const struct bf_query *query, const struct bf__plan *plan, int64_t *ret,
                                 struct bf_error *e)
{
    struct bf_query ascending = *query;
    sqlite3_stmt *st;
    ascending.descending = false;
    unsigned slot = statement_slot(s, &ascending) - SQL_IX_ASC + SQL_IX_COUNT;
    enum bf_status status = bf__prepare(s, slot, &st, e);
    *ret = 0;
    for (unsigned i = 0; i < plan->n_ranges && status == BF_OK && *ret < query->limit; i++) {
        bf__bind(st, 1, plan->ranges[i].low);
        bf__bind(st, 2, plan->ranges[i].high);
        sqlite3_bind_int64(st, 3, query->limit - *ret);
        if (sqlite3_step(st) == SQLITE_ROW)
            *ret += sqlite3_column_int64(st, 0);
        else
            status = bf__sql_fail(s, e, "counting");
        sqlite3_reset(st);
    }
    return status;
}

/* Page by page, so that memory stays bounded. */
static enum bf_status count_documents(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create(), *next = bf_arena_create();
    struct bf_query q = *query;
    enum bf_status status = BF_OK;
    *ret = 0;
    do {
        struct bf_page page;
        q.limit = BF_PAGE_MAX;
        status = bf__find(s, &q, arena, &page, e);
        if (status != BF_OK)
            break;
        *ret += page.n;
        bf_arena_reset(next);
        q.after = bf_str_dup(next, page.next);
        q.after.n = page.next.n;
        bf_arena_reset(arena);
    } while (q.after.n > 0 && *ret < query->limit);
    if (*ret > query->limit)
        *ret = query->limit;
    bf_arena_destroy(&arena);
    bf_arena_destroy(&next);
    return status;
}

enum bf_status bf__count(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e)
{
    struct bf__plan plan;
    struct bf_arena *arena = bf_arena_create();
    bool begun = bf__snapshot_begin(s);
    bf__plan(arena, query, &plan);
    enum bf_status status = countable(query, &plan) ? count_keys(s, query, &plan, ret, e) : count_documents(s, query, ret, e);
    bf__snapshot_end(s, begun);
    bf_arena_destroy(&arena);
    return status;
}
