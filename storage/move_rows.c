/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of one collection: both sides are walked by tenant and id, side by side. What only the destination has goes; what it lacks is written
 * as it is, with rev, entry number, tombstones and fields that this build does not know; what differs goes and is written anew.
 */
#include "core/arena.h"
#include "storage/bson.h"
#include "storage/move.h"
#include <stdlib.h>

enum { PAGE_ROWS = 100, CHANGES_MAX = PAGE_ROWS };

/* ---- walking ---- */

void bf__move_rows_begin(struct bf__move_rows *r, struct bf_store *store, const struct bf_collection *coll)
{
    *r = (struct bf__move_rows){.store = store, .coll = coll, .arena = bf_arena_create()};
}

static enum bf_status turn_page(struct bf__move_rows *r, struct bf_error *e)
{
    struct bf_driver *driver = r->store->driver;
    if (r->n > 0)
        r->last = (struct bf_row){.tenant = r->page[r->n - 1].tenant, .id = r->page[r->n - 1].id};
    r->begun = r->begun || r->n > 0;
    r->n = r->at = 0;
    bf_arena_reset(r->arena);
    struct bf_session *s = driver->vt->reader(driver);
    enum bf_status status = driver->vt->scan(s, r->coll, r->begun ? &r->last : NULL, PAGE_ROWS, r->arena, &r->page, &r->n, e);
    driver->vt->release(driver, s);
    r->ended = status == BF_OK && r->n == 0;
    return status;
}

/* The end is an empty page: a short one may have left out a row that cannot be named. */
enum bf_status bf__move_rows_look(struct bf__move_rows *r, struct bf_row **ret, struct bf_error *e)
{
    enum bf_status status = r->at == r->n && !r->ended ? turn_page(r, e) : BF_OK;
    *ret = status == BF_OK && r->at < r->n ? &r->page[r->at] : NULL;
    return status;
}

void bf__move_rows_end(struct bf__move_rows *r) { bf_arena_destroy(&r->arena); }

static int order_of(const struct bf_row *a, const struct bf_row *b)
{
    int c = memcmp(a->tenant.b, b->tenant.b, sizeof a->tenant.b);
    return c != 0 ? c : memcmp(a->id.b, b->id.b, sizeof a->id.b);
}

static enum bf_status unreadable(const struct bf_collection *coll, const struct bf_row *row, struct bf_error *e)
{
    char text[BF_UUID_TEXT];
    bf_uuid_text(&row->id, text);
    return bf_fail(e, BF_E_CORRUPT, "%s %s cannot be read: `baifang check --mend` on the source first", coll->name, text);
}

/* ---- copying ---- */

struct copy {
    struct bf__move *m;
    const struct bf_collection *coll;
    struct bf__move_rows from, to;
    struct bf_arena *arena; /* of what is to be done */
    struct bf_row removes[CHANGES_MAX];
    struct bf_apply puts[CHANGES_MAX];
    unsigned n_removes, n_puts;
    int64_t n;
};

static enum bf_status change(struct copy *c, struct bf_session *writer, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = c->m->to->driver->vt;
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < c->n_removes && status == BF_OK; i++)
        status = vt->remove(writer, c->coll, c->removes[i].tenant, c->removes[i].id, c->arena, e);
    return status == BF_OK && c->n_puts > 0 ? vt->apply(writer, c->puts, c->n_puts, c->arena, e) : status;
}

static enum bf_status change_all(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct copy *c = ctx;
    const struct bf_driver_vtable *vt = c->m->to->driver->vt;
    enum bf_status status = vt->begin(writer, e);
    if (status != BF_OK)
        return status;
    status = change(c, writer, e);
    if (status == BF_OK)
        status = vt->commit(writer, e);
    else
        vt->rollback(writer);
    return status == BF_OK ? vt->tidy(writer, BF_TIDY_FREE, /* truncate= */ false, e) : status;
}

static enum bf_status flush(struct copy *c, struct bf_error *e)
{
    enum bf_status status = c->n_removes + c->n_puts == 0 ? BF_OK : bf__committer_call(c->m->to, change_all, c, e);
    c->n_removes = c->n_puts = 0;
    bf_arena_reset(c->arena);
    return status;
}

static void remove_row(struct copy *c, const struct bf_row *there) { c->removes[c->n_removes++] = (struct bf_row){.tenant = there->tenant, .id = there->id}; }

/* One row goes on on either side, or on both. */
static void settle(struct copy *c, struct bf_row *from, struct bf_row *to)
{
    int order = from == NULL ? 1 : to == NULL ? -1 : order_of(from, to);
    struct bf_str bson = order <= 0 ? bf__bson_encode(c->arena, from->doc) : BF_STR("");
    bool is_same = order == 0 && to->doc != NULL && bf_str_eq(bson, bf__bson_encode(c->arena, to->doc));
    if (order >= 0 && !is_same)
        remove_row(c, to);
    if (order <= 0 && !is_same)
        c->puts[c->n_puts++] = (struct bf_apply){.coll = c->coll, .after = from->doc, .bson = bson};
    c->from.at += order <= 0;
    c->to.at += order >= 0;
    c->n += order <= 0;
}

/* What is to be written points into the source's page. */
static bool is_due(const struct copy *c)
{
    return (c->from.at == c->from.n && !c->from.ended) || c->n_removes == CHANGES_MAX || c->n_puts == CHANGES_MAX;
}

static enum bf_status copy_all(struct copy *c, struct bf_error *e)
{
    for (;;) {
        struct bf_row *from, *to;
        enum bf_status status = is_due(c) ? flush(c, e) : BF_OK;
        if (status == BF_OK)
            status = bf__move_rows_look(&c->from, &from, e);
        if (status == BF_OK)
            status = bf__move_rows_look(&c->to, &to, e);
        if (status != BF_OK)
            return status;
        if (from == NULL && to == NULL)
            return flush(c, e);
        if (from != NULL && from->doc == NULL)
            return unreadable(c->coll, from, e);
        settle(c, from, to);
    }
}

enum bf_status bf__move_rows_copy(struct bf__move *m, const struct bf_collection *coll, struct bf_error *e)
{
    struct copy *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->m = m;
    c->coll = coll;
    c->arena = bf_arena_create();
    bf__move_rows_begin(&c->from, m->from, coll);
    bf__move_rows_begin(&c->to, m->to, coll);
    enum bf_status status = copy_all(c, e);
    if (status == BF_OK && c->n > 0)
        bf__move_say(m, "%s: %lld documents", coll->name, (long long)c->n);
    bf__move_rows_end(&c->from);
    bf__move_rows_end(&c->to);
    bf_arena_destroy(&c->arena);
    free(c);
    return status;
}

/* ---- comparing ---- */

static void add_row(struct bf_hash_state *hash, const struct bf_row *row, struct bf_arena *arena)
{
    struct bf_str bson = bf__bson_encode(arena, row->doc);
    uint32_t n = (uint32_t)bson.n;
    bf_hash_add(hash, row->tenant.b, sizeof row->tenant.b);
    bf_hash_add(hash, row->id.b, sizeof row->id.b);
    bf_hash_add(hash, &n, sizeof n);
    bf_hash_add(hash, bson.p, bson.n);
}

static enum bf_status hash_rows(struct bf_store *store, const struct bf_collection *coll, struct bf_hash_state *ret, int64_t *ret_n, struct bf_error *e)
{
    struct bf__move_rows rows;
    struct bf_row *row = NULL;
    enum bf_status status;
    bf_hash_init(ret);
    *ret_n = 0;
    bf__move_rows_begin(&rows, store, coll);
    while ((status = bf__move_rows_look(&rows, &row, e)) == BF_OK && row != NULL) {
        if (row->doc == NULL) {
            status = unreadable(coll, row, e);
            break;
        }
        add_row(ret, row, rows.arena);
        rows.at++;
        ++*ret_n;
    }
    bf__move_rows_end(&rows);
    return status;
}

enum bf_status bf__move_rows_compare(struct bf__move *m, const struct bf_collection *coll, struct bf_error *e)
{
    struct bf_hash_state from, to;
    int64_t n_from, n_to;
    enum bf_status status = hash_rows(m->from, coll, &from, &n_from, e);
    if (status == BF_OK)
        status = hash_rows(m->to, coll, &to, &n_to, e);
    if (status == BF_OK)
        status = bf__move_agree(m, coll->name, n_from, &from, n_to, &to, e);
    m->documents += status == BF_OK ? n_from : 0;
    return status;
}
