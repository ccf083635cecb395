/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/erasing.h"
#include "core/arena.h"
#include "core/env.h"
#include <stdlib.h>
#include <uthash.h>

enum { END_MS = 60000 };

enum row { E_TENANT, E_SUBJECT, E_N, E_ROWS };

static const struct bf_field fields[E_ROWS] = {
    [E_TENANT] = BF_FIELD("tenant", UUID, BF_F_SERVER, 0, 0, NORMAL, "公司", "Tenant"),
    [E_SUBJECT] = BF_FIELD("subject", UUID, BF_F_SERVER, 0, 0, NORMAL, "主体", "Subject"),
    [E_N] = BF_FIELD("n", INT, BF_F_SERVER, 0, 0, NORMAL, "日志序号", "Log entry"),
};
static const struct bf_schema schema = {.name = "erasing", .zh = "正在销毁", .en = "Key being destroyed", .version = 1, .fields = fields, .n_fields = E_ROWS};
const struct bf_collection bf__coll_erasing = {
    .name = "erasing", .schema = &schema, .cls = BF_SYSTEM_COLLECTION, .subject = BF_ROW_NONE, .owner = BF_ROW_NONE, .team = BF_ROW_NONE};

/* A note, from when this process saw it first. */
struct seen {
    struct bf_uuid id, tenant, subject;
    int64_t n, since_ms;
    bool registered, there;
    UT_hash_handle hh;
};

struct bf__erasing {
    struct bf_store *store;
    struct seen *seen;
    int64_t now_ms; /* of the sweep under way */
};

static struct bf_uuid note_id(struct bf_uuid tenant, struct bf_uuid subject)
{
    uint8_t name[sizeof tenant.b + sizeof subject.b];
    memcpy(name, tenant.b, sizeof tenant.b);
    memcpy(name + sizeof tenant.b, subject.b, sizeof subject.b);
    return bf_uuid_from_name(name, sizeof name);
}

enum bf_status bf__erasing_note(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                                struct bf_arena *arena, struct bf_error *e)
{
    static const struct bf_uuid none;
    struct bf_doc *doc = bf_doc_create(arena, &schema, none, note_id(tenant, subject));
    bf_set_uuid(&doc->object, E_TENANT, tenant);
    bf_set_uuid(&doc->object, E_SUBJECT, subject);
    bf_set_int(&doc->object, E_N, n);
    struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf__coll_erasing, .doc = doc};
    enum bf_status status = store->driver->vt->write(s, &w, arena, e);
    return status == BF_E_EXISTS ? BF_OK : status;
}

enum bf_status bf__erasing_each(struct bf_store *store, struct bf_session *s, bf__erasure_fn *fn, void *ctx, struct bf_error *e)
{
    struct bf_query query = {.coll = &bf__coll_erasing, .limit = BF_PAGE_MAX};
    struct bf_page page = {0};
    enum bf_status status = BF_OK;
    struct bf_arena *arena = bf_arena_create();
    do {
        query.after = page.next;
        status = store->driver->vt->find(s, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++) {
            const struct bf_object *o = &page.docs[i]->object;
            status = fn(ctx, bf_get_uuid(o, E_TENANT), bf_get_uuid(o, E_SUBJECT), bf_get_int(o, E_N), e);
        }
    } while (status == BF_OK && page.next.n > 0);
    bf_arena_destroy(&arena);
    return status;
}

/* ---- ending them ---- */

struct bf__erasing *bf__erasing_create(struct bf_store *store)
{
    struct bf__erasing *x = calloc(1, sizeof *x);
    if (x == NULL)
        abort();
    x->store = store;
    return x;
}

static void forget(struct bf__erasing *x, struct seen *one)
{
    HASH_DEL(x->seen, one);
    free(one);
}

void bf__erasing_destroy(struct bf__erasing **pointer)
{
    struct bf__erasing *x = *pointer;
    if (x == NULL)
        return;
    while (x->seen != NULL)
        forget(x, x->seen);
    free(x);
    *pointer = NULL;
}

static enum bf_status see(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct bf__erasing *x = ctx;
    struct bf_uuid id = note_id(tenant, subject);
    struct seen *one;
    (void)e;
    HASH_FIND(hh, x->seen, &id, sizeof id, one);
    if (one == NULL) {
        one = calloc(1, sizeof *one);
        if (one == NULL)
            abort();
        *one = (struct seen){.id = id, .tenant = tenant, .subject = subject, .n = n, .since_ms = x->now_ms};
        HASH_ADD(hh, x->seen, id, sizeof one->id, one);
    }
    one->there = true;
    return BF_OK;
}

/* Every machine's register is to be whole, since a restore may be made on any. */
static enum bf_status enter(const struct bf__erasing *x, struct seen *one, struct bf_error *e)
{
    enum bf_status status = one->registered ? BF_OK : bf__erasures_note_once(x->store, one->tenant, one->subject, one->n, e);
    one->registered = status == BF_OK;
    return status;
}

/* The key first: it is mostly destroyed. */
static enum bf_status end(const struct bf__erasing *x, struct bf_session *s, const struct seen *one, struct bf_error *e)
{
    static const struct bf_uuid none;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf__keys_end(x->store, s, one->tenant, one->subject, one->n, arena, e);
    struct bf_doc *doc = bf_doc_create(arena, &schema, none, one->id);
    struct bf_write w = {.kind = BF_W_DELETE, .coll = &bf__coll_erasing, .doc = doc};
    if (status == BF_OK)
        status = x->store->driver->vt->write(s, &w, arena, e);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__erasing_sweep(struct bf__erasing *x, struct bf_session *s, int64_t now_ms, struct bf_error *e)
{
    struct seen *one, *next;
    for (one = x->seen; one != NULL; one = one->hh.next)
        one->there = false;
    x->now_ms = now_ms;
    enum bf_status status = bf__erasing_each(x->store, s, see, x, e);
    if (status != BF_OK)
        return status;
    HASH_ITER(hh, x->seen, one, next) {
        if (one->there && status == BF_OK)
            status = enter(x, one, e);
        if (one->there && status == BF_OK && now_ms - one->since_ms >= END_MS) {
            status = end(x, s, one, e);
            one->there = status != BF_OK;
        }
        if (!one->there)
            forget(x, one);
    }
    return status;
}
