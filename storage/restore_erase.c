/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/restore.h"
#include "core/arena.h"
#include "core/env.h"
#include <stdlib.h>

/* One line of the register. */
struct erased {
    struct bf_uuid tenant, subject;
    int64_t n;
};

struct replay {
    struct bf_store *store;
    struct bf_uuid receipts; /* a subject of the restore's own: every other may be destroyed */
    const char *key_file;
    struct erased *lines; /* sorted by tenant and subject */
    size_t n, room;
};

static enum bf_status keep_line(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct replay *r = ctx;
    (void)e;
    if (r->n == r->room) {
        r->room = r->room == 0 ? 64 : r->room * 2;
        r->lines = realloc(r->lines, r->room * sizeof *r->lines);
        if (r->lines == NULL)
            abort();
    }
    r->lines[r->n++] = (struct erased){tenant, subject, n};
    return BF_OK;
}

static int by_subject(const void *a, const void *b) { return memcmp(a, b, 2 * sizeof(struct bf_uuid)); }

/* The register of a store only grows: one that lacks what the backup knows is an old copy, which lacks what came after the backup, too. */
static enum bf_status expect_line(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    const struct replay *r = ctx;
    struct erased wanted = {tenant, subject, n};
    if (r->n > 0 && bsearch(&wanted, r->lines, r->n, sizeof wanted, by_subject) != NULL)
        return BF_OK;
    return bf_fail(e, BF_E_CONFIG, "%.120s.erasures is older than the backup: put the newest one there", r->key_file);
}

static bool is_erased(const struct replay *r, const struct bf_collection *coll, const struct bf_doc *doc)
{
    struct erased wanted = {.tenant = doc->tenant};
    if (coll->subject != BF_ROW_NONE) /* else the tenant's own */
        wanted.subject = coll->subject == BF_ROW_ID ? doc->id : bf_get_uuid(&doc->object, (unsigned)coll->subject);
    return bsearch(&wanted, r->lines, r->n, sizeof wanted, by_subject) != NULL;
}

/* ---- documents ---- */

struct batch {
    struct replay *replay;
    const struct bf_collection *coll;
    struct bf_uuid tenant;
    struct bf_read reads[BF_READS_MAX];
    unsigned n;
};

struct bf_request_id bf__restore_request(const struct bf_env *env)
{
    struct bf_request_id id;
    bf_random(env, id.b, sizeof id.b);
    return id;
}

static enum bf_status decide_erase(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct batch *b = ctx;
    (void)view;
    (void)arena;
    (void)e;
    for (unsigned i = 0; i < b->n; i++)
        bf_decision_tombstone(d, b->coll, b->reads[i].id);
    bf_decision_receipt(d, 200, BF_STR("{}"), b->replay->receipts);
    return BF_OK;
}

static enum bf_status erase_batch(struct batch *b, struct bf_error *e)
{
    struct bf_store *store = b->replay->store;
    struct bf_submission submission = {.tenant = b->tenant,
                                       .request = bf__restore_request(store->env),
                                       .reads = b->reads,
                                       .n_reads = b->n,
                                       .decide = decide_erase,
                                       .ctx = b};
    struct bf_receipt receipt;
    if (b->n == 0)
        return BF_OK;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_submit_wait(store, &submission, arena, &receipt, e);
    bf_arena_destroy(&arena);
    b->n = 0;
    return status;
}

static enum bf_status erase_page(struct batch *b, const struct bf_page *page, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < page->n && status == BF_OK; i++) {
        if (!is_erased(b->replay, b->coll, page->docs[i]))
            continue;
        b->reads[b->n++] = (struct bf_read){.coll = b->coll, .id = page->docs[i]->id};
        if (b->n == BF_READS_MAX)
            status = erase_batch(b, e);
    }
    return status == BF_OK ? erase_batch(b, e) : status;
}

static enum bf_status erase_in(struct replay *r, struct bf_uuid tenant, const struct bf_collection *coll, struct bf_error *e)
{
    struct batch b = {.replay = r, .coll = coll, .tenant = tenant};
    struct bf_query query = {.coll = coll, .tenant = tenant, .limit = BF_PAGE_MAX};
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    enum bf_status status;
    do {
        struct bf_page page = {.n = 0};
        status = bf_store_find(r->store, &query, arena, &page, e);
        if (status == BF_OK)
            status = erase_page(&b, &page, e);
        bf_arena_reset(cursor);
        query.after = status == BF_OK && page.next.n > 0 ? bf_str_dup(cursor, page.next) : bf_str(NULL, 0);
        bf_arena_reset(arena);
    } while (query.after.n > 0);
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
    return status;
}

static enum bf_status erase_documents(struct replay *r, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = bf_log_tenants(r->store, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < r->store->n_collections && status == BF_OK; j++) {
            const struct bf_collection *coll = r->store->collections[j];
            if (coll->logged)
                status = erase_in(r, tenants[i], coll, e);
        }
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__restore_erase(struct bf_store *store, const char *key_file, struct bf_error *e)
{
    struct replay r = {.store = store, .receipts = bf_uuid_v7(store->env), .key_file = key_file};
    enum bf_status status = bf__erasures_each(key_file, &store->master, keep_line, &r, e);
    if (r.n > 0)
        qsort(r.lines, r.n, sizeof *r.lines, by_subject);
    if (status == BF_OK)
        status = bf__erasures_known(store, expect_line, &r, e);
    if (status == BF_OK && r.n > 0)
        status = erase_documents(&r, e);
    for (size_t i = 0; i < r.n && status == BF_OK; i++)
        status = bf__keys_destroy(store, r.lines[i].tenant, r.lines[i].subject, r.lines[i].n, e);
    free(r.lines);
    return status;
}
