/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/memory/memory.h"
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/internal.h"
#include "storage/match.h"
#include "tests/storage/memory/files.h"
#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct row_key {
    const char *coll; /* the collection's name: one string for the life of the process */
    struct bf_uuid tenant, id;
};

struct row {
    struct row_key key;
    char *p; /* BSON */
    size_t n;
    UT_hash_handle hh;
};

struct entry {
    struct entry *next; /* the newest first */
    struct bf_uuid tenant;
    int64_t n;
    struct bf_str header, payload;
    uint8_t leaf[32];
    struct bf_request_id *requests;
    unsigned n_requests;
};

struct fact {
    struct fact *next;
    char *name, *p;
    size_t n;
};

struct memory {
    pthread_mutex_t lock; /* held for one call at a time */
    struct row *rows;
    struct entry *entries;
    struct fact *facts;
    struct files *files;
};

struct bf_session {
    struct memory *m;
};

struct memory_store {
    struct bf_driver base;
    struct bf_session session;
};

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static char *dup_bytes(const char *p, size_t n)
{
    char *copy = must(malloc(n + 1));
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

static void drop_row(struct memory *m, struct row *row)
{
    if (row == NULL)
        return;
    HASH_DEL(m->rows, row);
    free(row->p);
    free(row);
}

struct memory *memory_create(void)
{
    struct memory *m = must(calloc(1, sizeof *m));
    pthread_mutex_init(&m->lock, NULL);
    m->files = files_create();
    return m;
}

static void free_entry(struct entry *entry)
{
    free((void *)(uintptr_t)entry->header.p);
    free((void *)(uintptr_t)entry->payload.p);
    free(entry->requests);
    free(entry);
}

void memory_destroy(struct memory **pointer)
{
    struct memory *m = *pointer;
    for (struct row *row; (row = m->rows) != NULL;)
        drop_row(m, row);
    for (struct entry *entry; (entry = m->entries) != NULL;) {
        m->entries = entry->next;
        free_entry(entry);
    }
    for (struct fact *fact; (fact = m->facts) != NULL;) {
        m->facts = fact->next;
        free(fact->name);
        free(fact->p);
        free(fact);
    }
    files_destroy(&m->files);
    pthread_mutex_destroy(&m->lock);
    free(m);
    *pointer = NULL;
}

/* ---- opening ---- */

static struct bf_driver *new_store(const struct bf_driver_open *how, const struct bf_driver_vtable *vt)
{
    struct memory_store *store = must(calloc(1, sizeof *store));
    store->base.vt = vt;
    store->session.m = how->ctx;
    return &store->base;
}

static enum bf_status memory_open(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    (void)e;
    *ret = new_store(how, &memory_driver);
    return BF_OK;
}

static enum bf_status memory_apart_open(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    (void)e;
    *ret = new_store(how, &memory_apart_driver);
    return BF_OK;
}

static void memory_close(struct bf_driver **driver)
{
    free(BF_CONTAINER(*driver, struct memory_store, base));
    *driver = NULL;
}

static struct bf_session *the_session(struct bf_driver *driver) { return &BF_CONTAINER(driver, struct memory_store, base)->session; }

static void release(struct bf_driver *driver, struct bf_session *s)
{
    (void)driver;
    (void)s;
}

static enum bf_status nothing(struct bf_session *s, struct bf_error *e)
{
    (void)s;
    (void)e;
    return BF_OK;
}

static void rollback(struct bf_session *s) { (void)s; }

static enum bf_status tidy(struct bf_session *s, enum bf_tidy_when when, bool truncate, struct bf_error *e)
{
    (void)when;
    (void)truncate;
    return nothing(s, e);
}

/* ---- documents ---- */

static struct row *find_row(struct memory *m, const char *coll, struct bf_uuid tenant, struct bf_uuid id)
{
    struct row_key key = {coll, tenant, id};
    struct row *row;
    HASH_FIND(hh, m->rows, &key, sizeof key, row);
    return row;
}

static enum bf_status decode(const struct row *row, const struct bf_collection *coll, struct bf_arena *arena, struct bf_doc **ret,
                             struct bf_error *e)
{
    return bf__bson_decode(arena, coll->schema, row->key.tenant, row->key.id, bf_str(bf_arena_dup(arena, row->p, row->n), row->n), ret, e);
}

static enum bf_status get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                               unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&s->m->lock);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        struct row *row = find_row(s->m, coll->name, tenant, ids[i]);
        ret[i] = NULL;
        if (row != NULL)
            status = decode(row, coll, arena, &ret[i], e);
    }
    pthread_mutex_unlock(&s->m->lock);
    return status;
}

static void put_row(struct memory *m, const struct bf_collection *coll, const struct bf_doc *doc, struct bf_arena *arena)
{
    struct row *row = find_row(m, coll->name, doc->tenant, doc->id);
    struct bf_str bson = bf__bson_encode(arena, doc);
    if (row == NULL) {
        row = must(calloc(1, sizeof *row));
        row->key = (struct row_key){coll->name, doc->tenant, doc->id};
        HASH_ADD(hh, m->rows, key, sizeof row->key, row);
    }
    free(row->p);
    row->p = dup_bytes(bson.p, bson.n);
    row->n = bson.n;
}

static enum bf_status write_locked(struct memory *m, const struct bf_write *w, struct bf_arena *arena, struct bf_error *e)
{
    struct row *row = find_row(m, w->coll->name, w->doc->tenant, w->doc->id);
    struct bf_doc *old = NULL;
    enum bf_status status = row == NULL ? BF_OK : decode(row, w->coll, arena, &old, e);
    if (status != BF_OK)
        return status;
    if (w->kind == BF_W_INSERT && old != NULL)
        return bf_fail(e, BF_E_EXISTS, "exists");
    bool is_guarded = w->kind == BF_W_REPLACE || (w->kind == BF_W_DELETE && w->rev > 0);
    if (is_guarded && old == NULL)
        return bf_fail(e, BF_E_NOT_FOUND, "not there");
    if (is_guarded && old->rev != w->rev)
        return bf_fail(e, BF_E_STALE, "changed");
    if (w->kind == BF_W_DELETE) {
        drop_row(m, row);
        return BF_OK;
    }
    struct bf_doc doc = *w->doc;
    doc.rev = old == NULL ? 1 : old->rev + 1;
    put_row(m, w->coll, &doc, arena);
    return BF_OK;
}

static enum bf_status write_row(struct bf_session *s, const struct bf_write *w, struct bf_arena *arena, struct bf_error *e)
{
    pthread_mutex_lock(&s->m->lock);
    enum bf_status status = write_locked(s->m, w, arena, e);
    pthread_mutex_unlock(&s->m->lock);
    return status;
}

static enum bf_status apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    for (unsigned i = 0; i < n; i++)
        put_row(s->m, applies[i].coll, applies[i].after, arena);
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static bool is_older(const struct bf_doc *stored, const struct bf_doc *after)
{
    return stored == NULL || stored->n < after->n || (stored->n == after->n && stored->k < after->k);
}

static enum bf_status apply_guarded(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&s->m->lock);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        const struct bf_apply *a = &applies[i];
        const struct row *row = find_row(s->m, a->coll->name, a->after->tenant, a->after->id);
        struct bf_doc *stored = NULL;
        status = row == NULL ? BF_OK : decode(row, a->coll, arena, &stored, e);
        if (status == BF_OK && is_older(stored, a->after))
            put_row(s->m, a->coll, a->after, arena);
    }
    pthread_mutex_unlock(&s->m->lock);
    return status;
}

static enum bf_status remove_row(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                                 struct bf_arena *arena, struct bf_error *e)
{
    (void)arena;
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    drop_row(s->m, find_row(s->m, coll->name, tenant, id));
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static bool is_as_read(const struct bf_mend *m, const struct row *row)
{
    struct bf_doc *doc;
    struct bf_arena *arena = bf_arena_create();
    bool readable = row != NULL && decode(row, m->coll, arena, &doc, NULL) == BF_OK;
    bool same = m->is == NULL ? !readable : readable && doc->rev == m->is->rev && doc->n == m->is->n && doc->k == m->is->k;
    bf_arena_destroy(&arena);
    return same;
}

static enum bf_status mend_row(struct bf_session *s, const struct bf_mend *m, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    pthread_mutex_lock(&s->m->lock);
    struct row *row = find_row(s->m, m->coll->name, m->tenant, m->id);
    bool same = is_as_read(m, row);
    if (same && m->after == NULL)
        drop_row(s->m, row);
    else if (same)
        put_row(s->m, m->coll, m->after, arena);
    pthread_mutex_unlock(&s->m->lock);
    bf_arena_destroy(&arena);
    return same ? BF_OK : bf_fail(e, BF_E_STALE, "changed");
}

/* ---- queries ---- */

struct sorting {
    const struct bf_query *query;
    unsigned skip; /* fields that EQ or IN select do not order */
};

/* -1, 0, 1 in the order of the query's index from field `skip` on, then by id; absent first. */
static int compare_docs(const struct bf_doc *a, const struct bf_doc *b, const struct sorting *sorting)
{
    const struct bf_index *index = sorting->query->index;
    struct bf_value x, y;
    for (unsigned i = sorting->skip; index != NULL && i < index->n_fields; i++) {
        const struct bf_value *p = bf__row_value(a, index->fields[i], &x), *q = bf__row_value(b, index->fields[i], &y);
        int c = p == NULL || q == NULL ? (p != NULL) - (q != NULL) : bf__value_cmp(bf__row_field(a->object.schema, index->fields[i]), p, q);
        if (c != 0)
            return c < 0 ? -1 : 1;
    }
    int c = memcmp(a->id.b, b->id.b, sizeof a->id.b);
    return (c > 0) - (c < 0);
}

static int order(const void *a, const void *b, void *ctx)
{
    const struct sorting *sorting = ctx;
    int c = compare_docs(*(struct bf_doc *const *)a, *(struct bf_doc *const *)b, sorting);
    return sorting->query->descending ? -c : c;
}

static bool selected(const struct bf_query *query, unsigned field)
{
    for (unsigned i = 0; i < query->n_conds; i++) {
        const struct bf_cond *c = &query->conds[i];
        bool item = query->index->multikey && field == 0;
        if (c->row == query->index->fields[field] &&
            (c->op == BF_EQ || c->op == BF_IN || (c->op == BF_ALL && item) || (c->op == BF_EXISTS && !c->values[0].b && !item)))
            return true;
    }
    return false;
}

/* Every document that the query matches, in order. */
static enum bf_status match_all(struct memory *m, const struct bf_query *query, struct sorting *sorting, struct bf_arena *arena,
                                struct bf_doc ***ret, unsigned *ret_n, struct bf_error *e)
{
    unsigned n = 0, bound = 0;
    for (const struct row *row = m->rows; row != NULL; row = row->hh.next)
        bound += row->key.coll == query->coll->name;
    struct bf_doc **docs = bf_arena_alloc(arena, (bound + 1) * sizeof(struct bf_doc *));
    for (const struct row *row = m->rows; row != NULL; row = row->hh.next) {
        struct bf_doc *doc;
        if (row->key.coll != query->coll->name || !bf_uuid_eq(&row->key.tenant, &query->tenant))
            continue;
        enum bf_status status = decode(row, query->coll, arena, &doc, e);
        if (status != BF_OK)
            return status;
        bool matches = !doc->tombstone;
        for (unsigned i = 0; i < query->n_conds && matches; i++)
            matches = bf__match(doc, &query->conds[i]);
        if (matches)
            docs[n++] = doc;
    }
    while (query->index != NULL && sorting->skip < query->index->n_fields && selected(query, sorting->skip))
        sorting->skip++;
    qsort_r(docs, n, sizeof(struct bf_doc *), order, sorting);
    *ret = docs;
    *ret_n = n;
    return BF_OK;
}

/* The cursor is the last document itself, id first. */
static struct bf_str cursor_of(struct bf_arena *arena, const struct bf_doc *doc)
{
    struct bf_str bson = bf__bson_encode(arena, doc);
    char *p = bf_arena_alloc(arena, 16 + bson.n);
    memcpy(p, doc->id.b, 16);
    memcpy(p + 16, bson.p, bson.n);
    return bf_str(p, 16 + bson.n);
}

static enum bf_status cut_page(const struct bf_query *query, const struct sorting *sorting, struct bf_doc **docs, unsigned n,
                               struct bf_arena *arena, struct bf_page *page, struct bf_error *e)
{
    struct bf_doc *last = NULL;
    if (query->after.n > 16) {
        struct bf_uuid id;
        memcpy(id.b, query->after.p, 16);
        enum bf_status status =
            bf__bson_decode(arena, query->coll->schema, query->tenant, id, bf_str(query->after.p + 16, query->after.n - 16), &last, e);
        if (status != BF_OK)
            return status;
    }
    for (unsigned i = 0; i < n; i++) {
        int c = last == NULL ? 1 : compare_docs(docs[i], last, sorting);
        if (last != NULL && (query->descending ? c >= 0 : c <= 0))
            continue;
        page->examined++;
        if (page->n == query->limit) {
            page->next = cursor_of(arena, page->docs[page->n - 1]);
            break;
        }
        page->docs[page->n++] = docs[i];
    }
    return BF_OK;
}

static enum bf_status find(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret,
                           struct bf_error *e)
{
    struct sorting sorting = {.query = query};
    struct bf_page page = {.docs = bf_arena_alloc(arena, query->limit * sizeof(struct bf_doc *))};
    struct bf_doc **docs;
    unsigned n;
    pthread_mutex_lock(&s->m->lock);
    enum bf_status status = match_all(s->m, query, &sorting, arena, &docs, &n, e);
    pthread_mutex_unlock(&s->m->lock);
    if (status == BF_OK)
        status = cut_page(query, &sorting, docs, n, arena, &page, e);
    if (status == BF_OK)
        *ret = page;
    return status;
}

static enum bf_status count(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e)
{
    struct sorting sorting = {.query = query};
    struct bf_arena *arena = bf_arena_create();
    struct bf_doc **docs;
    unsigned n = 0;
    pthread_mutex_lock(&s->m->lock);
    enum bf_status status = match_all(s->m, query, &sorting, arena, &docs, &n, e);
    pthread_mutex_unlock(&s->m->lock);
    if (status == BF_OK)
        *ret = n < query->limit ? n : query->limit;
    bf_arena_destroy(&arena);
    return status;
}

/* ---- the log ---- */

static const struct entry *find_entry(const struct memory *m, struct bf_uuid tenant, int64_t n)
{
    const struct entry *entry = m->entries;
    while (entry != NULL && (entry->n != n || !bf_uuid_eq(&entry->tenant, &tenant)))
        entry = entry->next;
    return entry;
}

static struct bf_raw_entry raw_of(const struct entry *entry, bool payload, struct bf_arena *arena)
{
    struct bf_raw_entry raw = {.tenant = entry->tenant, .n = entry->n, .header = bf_str_dup(arena, entry->header)};
    if (payload)
        raw.payload = bf_str_dup(arena, entry->payload);
    memcpy(raw.leaf, entry->leaf, sizeof raw.leaf);
    return raw;
}

static enum bf_status log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max,
                               bool payloads, struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e)
{
    struct bf_raw_entry *raw = bf_arena_alloc(arena, limit * sizeof *raw);
    const struct entry *entry;
    unsigned n = 0;
    size_t bytes = 0;
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    while (n < limit && bytes < bytes_max && (entry = find_entry(s->m, tenant, after_n + 1 + n)) != NULL) {
        raw[n] = raw_of(entry, payloads, arena);
        bytes += raw[n].header.n + raw[n].payload.n;
        n++;
    }
    pthread_mutex_unlock(&s->m->lock);
    *ret = raw;
    *ret_n = n;
    return BF_OK;
}

static enum bf_status log_last(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                               struct bf_error *e)
{
    const struct entry *last = NULL;
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    for (const struct entry *entry = s->m->entries; entry != NULL; entry = entry->next)
        if (bf_uuid_eq(&entry->tenant, &tenant) && (last == NULL || entry->n > last->n))
            last = entry;
    *ret = NULL;
    if (last != NULL) {
        *ret = bf_arena_alloc(arena, sizeof **ret);
        **ret = raw_of(last, false, arena);
    }
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static int64_t entry_of_request(const struct memory *m, struct bf_uuid tenant, const struct bf_request_id *id)
{
    for (const struct entry *entry = m->entries; entry != NULL; entry = entry->next)
        for (unsigned i = 0; i < entry->n_requests && bf_uuid_eq(&entry->tenant, &tenant); i++)
            if (memcmp(&entry->requests[i], id, sizeof *id) == 0)
                return entry->n;
    return 0;
}

static enum bf_status log_requests(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                   struct bf_error *e)
{
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    for (unsigned i = 0; i < n; i++)
        ret_n[i] = entry_of_request(s->m, tenant, &ids[i]);
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static enum bf_status log_tenants(struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e)
{
    unsigned n = 0;
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    for (const struct entry *entry = s->m->entries; entry != NULL; entry = entry->next)
        n += entry->n == 1;
    *ret = bf_arena_alloc(arena, n * sizeof **ret);
    *ret_n = 0;
    for (const struct entry *entry = s->m->entries; entry != NULL; entry = entry->next)
        if (entry->n == 1)
            (*ret)[(*ret_n)++] = entry->tenant;
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static enum bf_status append_locked(struct memory *m, const struct bf_raw_append *a, struct bf_error *e)
{
    if (find_entry(m, a->entry.tenant, a->entry.n) != NULL)
        return bf_fail(e, BF_E_EXISTS, "the number is taken");
    for (unsigned i = 0; i < a->n_requests; i++)
        if (entry_of_request(m, a->entry.tenant, &a->requests[i]) != 0)
            return bf_fail(e, BF_E_EXISTS, "the request is taken");
    struct entry *entry = must(calloc(1, sizeof *entry));
    entry->tenant = a->entry.tenant;
    entry->n = a->entry.n;
    entry->header = bf_str(dup_bytes(a->entry.header.p, a->entry.header.n), a->entry.header.n);
    entry->payload = bf_str(dup_bytes(a->entry.payload.p, a->entry.payload.n), a->entry.payload.n);
    memcpy(entry->leaf, a->entry.leaf, sizeof entry->leaf);
    entry->requests = must(malloc(a->n_requests * sizeof *entry->requests));
    memcpy(entry->requests, a->requests, a->n_requests * sizeof *entry->requests);
    entry->n_requests = a->n_requests;
    entry->next = m->entries;
    m->entries = entry;
    return BF_OK;
}

static enum bf_status append(struct bf_session *s, const struct bf_raw_append *a, struct bf_error *e)
{
    pthread_mutex_lock(&s->m->lock);
    enum bf_status status = append_locked(s->m, a, e);
    pthread_mutex_unlock(&s->m->lock);
    return status;
}

/* ---- facts and care ---- */

static const struct fact *find_fact(const struct memory *m, const char *name)
{
    const struct fact *fact = m->facts;
    while (fact != NULL && strcmp(fact->name, name) != 0)
        fact = fact->next;
    return fact;
}

static enum bf_status meta_get(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    const struct fact *fact = find_fact(s->m, name);
    *ret = fact == NULL ? bf_str(NULL, 0) : bf_str_dup(arena, bf_str(fact->p, fact->n));
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static void push_fact(struct memory *m, const char *name, struct bf_str value)
{
    struct fact *fact = must(calloc(1, sizeof *fact));
    fact->name = dup_bytes(name, strlen(name));
    fact->p = dup_bytes(value.p, value.n);
    fact->n = value.n;
    fact->next = m->facts; /* the newest first: it is the one found */
    m->facts = fact;
}

static enum bf_status meta_set(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    push_fact(s->m, name, value);
    pthread_mutex_unlock(&s->m->lock);
    return BF_OK;
}

static enum bf_status meta_add(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e)
{
    pthread_mutex_lock(&s->m->lock);
    bool taken = find_fact(s->m, name) != NULL;
    if (!taken)
        push_fact(s->m, name, value);
    pthread_mutex_unlock(&s->m->lock);
    return taken ? bf_fail(e, BF_E_EXISTS, "the fact is there") : BF_OK;
}

static int row_order(const void *a, const void *b)
{
    const struct bf_row *x = a, *y = b;
    int c = memcmp(x->tenant.b, y->tenant.b, sizeof x->tenant.b);
    return c != 0 ? c : memcmp(x->id.b, y->id.b, sizeof x->id.b);
}

static enum bf_status scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                           struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e)
{
    unsigned n = 0;
    (void)e;
    pthread_mutex_lock(&s->m->lock);
    struct bf_row *rows = bf_arena_alloc(arena, (HASH_COUNT(s->m->rows) + 1) * sizeof *rows);
    for (const struct row *row = s->m->rows; row != NULL; row = row->hh.next) {
        rows[n] = (struct bf_row){.tenant = row->key.tenant, .id = row->key.id};
        if (strcmp(row->key.coll, coll->name) != 0 || (after != NULL && row_order(&rows[n], after) <= 0))
            continue;
        if (decode(row, coll, arena, &rows[n].doc, NULL) != BF_OK)
            rows[n].doc = NULL;
        n++;
    }
    pthread_mutex_unlock(&s->m->lock);
    qsort(rows, n, sizeof *rows, row_order);
    *ret = rows;
    *ret_n = n < limit ? n : limit;
    return BF_OK;
}

static enum bf_status check_whole(struct bf_session *s, const struct bf_check *check, struct bf_error *e)
{
    (void)check;
    return nothing(s, e);
}

static enum bf_status check_keys(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                                 struct bf_keys_place *ret_next, bool *done, struct bf_error *e)
{
    (void)check, (void)at, (void)arena, (void)ret_next;
    *done = true;
    return nothing(s, e);
}

static enum bf_status backup(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e)
{
    (void)s;
    (void)to;
    (void)state;
    (void)done;
    return bf_fail(e, BF_E_NOT_SUPPORTED, "a store in memory has no backup");
}

static enum bf_status chunk_put(struct bf_session *s, const struct bf_chunk *chunk, struct bf_error *e) { return files_chunk_put(s->m->files, chunk, e); }

static enum bf_status chunk_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n, struct bf_error *e)
{
    return files_chunk_get(s->m->files, tenant, file, n, buf, ret_n, e);
}

static enum bf_status file_put(struct bf_session *s, const struct bf_file_row *row, struct bf_error *e)
{
    (void)e;
    return files_put(s->m->files, row);
}

static enum bf_status file_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e)
{
    return files_get(s->m->files, tenant, file, ret, e);
}

static enum bf_status file_drop(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    (void)e;
    return files_drop(s->m->files, tenant, file);
}

static enum bf_status file_scan(struct bf_session *s, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n,
                                struct bf_error *e)
{
    (void)e;
    return files_scan(s->m->files, after, limit, ret, ret_n);
}

struct files *memory_files(struct memory *m) { return m->files; }

#define IN_MEMORY                                                                                                                          \
    .reader = the_session,                                                                                                                 \
    .release = release,                                                                                                                    \
    .writer = the_session,                                                                                                                 \
    .get_many = get_many,                                                                                                                  \
    .find = find,                                                                                                                          \
    .count = count,                                                                                                                        \
    .log_read = log_read,                                                                                                                  \
    .log_last = log_last,                                                                                                                  \
    .log_requests = log_requests,                                                                                                          \
    .log_tenants = log_tenants,                                                                                                            \
    .meta_get = meta_get,                                                                                                                  \
    .meta_set = meta_set,                                                                                                                  \
    .meta_add = meta_add,                                                                                                                  \
    .begin = nothing,                                                                                                                      \
    .commit = nothing,                                                                                                                     \
    .rollback = rollback,                                                                                                                  \
    .write = write_row,                                                                                                                    \
    .append = append,                                                                                                                      \
    .tidy = tidy,                                                                                                                          \
    .scan = scan,                                                                                                                          \
    .check_whole = check_whole,                                                                                                            \
    .check_keys = check_keys,                                                                                                              \
    .remove = remove_row,                                                                                                                  \
    .backup = backup

const struct bf_driver_vtable memory_driver = {
    .scheme = "memory", .one_transaction = true, .open = memory_open, .close = memory_close, .apply = apply, IN_MEMORY};
const struct bf_driver_vtable memory_apart_driver = {
    .scheme = "memory", .one_transaction = false, .open = memory_apart_open, .close = memory_close, .apply = apply_guarded, .mend = mend_row, .chunk_put = chunk_put,
    .chunk_get = chunk_get, .file_put = file_put, .file_get = file_get, .file_drop = file_drop, .file_scan = file_scan, IN_MEMORY};

enum bf_status memory_store_open(const struct bf_env *env, struct memory *m, const char *dir, const struct bf_collection *const *collections, unsigned n,
                                 struct bf_store **ret, struct bf_error *e)
{
    char key[PATH_MAX + 32];
    struct bf_store_config config = {.uri = BF_STR("memory:")};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", dir));
    return bf__store_open(env, &config, &memory_apart_driver, m, collections, n, ret, e);
}
