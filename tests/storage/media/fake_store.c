/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/media/fake_store.h"
#include "core/arena.h"
#include "storage/keys.h"
#include "tests/test.h"

enum { DOCS_MAX = 256, KEYS_MAX = 10000 };

struct fake {
    struct bf_store store;
    pthread_mutex_t lock;
    struct {
        struct bf_arena *arena;
        struct bf_doc *doc;
    } docs[DOCS_MAX];
    struct {
        struct bf_uuid tenant, subject;
        struct bf_key key;
        bool destroyed;
    } keys[KEYS_MAX];
    unsigned n_keys, failing;
    void (*after_write)(void *ctx);
    void *after_write_ctx;
    char dir[4096];
};

struct fake *fake_create(const struct bf_env *env, const char *dir, int64_t ttl_ms, int64_t quota_bytes)
{
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->dir, sizeof f->dir, "%s", dir);
    f->store.env = env;
    f->store.place = f->dir;
    f->store.config.stage_ttl_ms = ttl_ms;
    f->store.config.stage_quota_bytes = quota_bytes;
    memset(f->store.master.b, 7, sizeof f->store.master.b);
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

void fake_destroy(struct fake **fake)
{
    for (unsigned i = 0; i < DOCS_MAX; i++)
        bf_arena_destroy(&(*fake)->docs[i].arena);
    pthread_mutex_destroy(&(*fake)->lock);
    free(*fake);
    *fake = NULL;
}

struct bf_store *fake_store(struct fake *fake) { return &fake->store; }
void fake_start(struct fake *fake) { assert_int_equal(bf__media_open(&fake->store, NULL), BF_OK); }
void fake_stop(struct fake *fake) { bf__media_close(&fake->store); }

void fake_destroy_key(struct fake *fake, struct bf_uuid subject)
{
    for (unsigned i = 0; i < fake->n_keys; i++)
        if (bf_uuid_eq(&fake->keys[i].subject, &subject))
            fake->keys[i].destroyed = true;
}

unsigned fake_documents(struct fake *fake)
{
    unsigned n = 0;
    for (unsigned i = 0; i < DOCS_MAX; i++)
        n += fake->docs[i].doc != NULL;
    return n;
}

void fake_fail_writes(struct fake *fake, unsigned n) { fake->failing = n; }

void fake_after_write(struct fake *fake, void (*run)(void *ctx), void *ctx)
{
    fake->after_write = run;
    fake->after_write_ctx = ctx;
}

static struct fake *of(struct bf_store *store) { return BF_CONTAINER(store, struct fake, store); }

static int find(const struct fake *f, const struct bf_uuid *tenant, const struct bf_uuid *id)
{
    for (int i = 0; i < DOCS_MAX; i++)
        if (f->docs[i].doc != NULL && bf_uuid_eq(&f->docs[i].doc->id, id) && bf_uuid_eq(&f->docs[i].doc->tenant, tenant))
            return i;
    return -1;
}

enum bf_status bf_store_get(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                            struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    struct fake *f = of(store);
    (void)coll;
    (void)e;
    pthread_mutex_lock(&f->lock);
    int at = find(f, &tenant, &id);
    *ret = at < 0 ? NULL : bf_doc_copy(arena, f->docs[at].doc);
    pthread_mutex_unlock(&f->lock);
    return BF_OK;
}

static enum bf_status write_at(struct fake *f, int at, const struct bf_write *w)
{
    if (w->kind == BF_W_INSERT && at >= 0)
        return BF_E_EXISTS;
    if (at < 0 && (w->kind == BF_W_REPLACE || w->kind == BF_W_DELETE))
        return w->kind == BF_W_DELETE && w->rev == 0 ? BF_OK : BF_E_NOT_FOUND;
    int64_t rev = at < 0 ? 0 : f->docs[at].doc->rev;
    if (w->rev > 0 && w->rev != rev)
        return BF_E_STALE;
    if (at < 0)
        for (at = 0; f->docs[at].doc != NULL;)
            at++;
    assert_true(at < DOCS_MAX);
    bf_arena_destroy(&f->docs[at].arena);
    f->docs[at].doc = NULL;
    if (w->kind == BF_W_DELETE)
        return BF_OK;
    f->docs[at].arena = bf_arena_create();
    f->docs[at].doc = bf_doc_copy(f->docs[at].arena, w->doc);
    f->docs[at].doc->rev = rev + 1;
    return BF_OK;
}

enum bf_status bf_store_write(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e)
{
    struct fake *f = of(store);
    assert_int_equal(n, 1);
    assert_null(rets);
    pthread_mutex_lock(&f->lock);
    enum bf_status status = f->failing > 0 ? BF_E_UNAVAILABLE : write_at(f, find(f, &writes->doc->tenant, &writes->doc->id), writes);
    f->failing -= f->failing > 0;
    void (*run)(void *ctx) = status == BF_OK ? f->after_write : NULL;
    f->after_write = run == NULL ? f->after_write : NULL;
    pthread_mutex_unlock(&f->lock);
    if (run != NULL)
        run(f->after_write_ctx);
    return status == BF_OK ? BF_OK : bf_fail(e, status, "refused");
}

/* One condition, on an enum; one page. */
enum bf_status bf_store_find(struct bf_store *store, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e)
{
    struct fake *f = of(store);
    (void)e;
    *ret = (struct bf_page){.docs = bf_arena_calloc(arena, DOCS_MAX, sizeof *ret->docs)};
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < DOCS_MAX; i++)
        if (f->docs[i].doc != NULL && bf_uuid_eq(&f->docs[i].doc->tenant, &query->tenant) &&
            (query->n_conds == 0 || bf_get_enum(&f->docs[i].doc->object, (unsigned)query->conds[0].row) == query->conds[0].values[0].i))
            ret->docs[ret->n++] = bf_doc_copy(arena, f->docs[i].doc);
    pthread_mutex_unlock(&f->lock);
    return BF_OK;
}

enum bf_status bf_log_tenants(struct bf_store *store, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e)
{
    struct fake *f = of(store);
    (void)e;
    *ret = bf_arena_calloc(arena, KEYS_MAX, sizeof **ret);
    *ret_n = 0;
    for (unsigned i = 0; i < f->n_keys; i++) {
        bool known = false;
        for (unsigned j = 0; j < *ret_n; j++)
            known = known || bf_uuid_eq(&(*ret)[j], &f->keys[i].tenant);
        if (!known)
            (*ret)[(*ret_n)++] = f->keys[i].tenant;
    }
    return BF_OK;
}

enum bf_status bf_keys_subject(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, bool create, struct bf_key *ret,
                               struct bf_error *e)
{
    struct fake *f = of(store);
    enum bf_status status = BF_E_NOT_FOUND;
    pthread_mutex_lock(&f->lock);
    for (unsigned i = 0; i < f->n_keys; i++)
        if (bf_uuid_eq(&f->keys[i].tenant, &tenant) && bf_uuid_eq(&f->keys[i].subject, &subject)) {
            status = f->keys[i].destroyed ? BF_E_GONE : BF_OK;
            *ret = f->keys[i].key;
        }
    if (status == BF_E_NOT_FOUND && create) {
        assert_true(f->n_keys < KEYS_MAX);
        f->keys[f->n_keys].tenant = tenant;
        f->keys[f->n_keys].subject = subject;
        bf_key_random(store->env, &f->keys[f->n_keys].key);
        *ret = f->keys[f->n_keys++].key;
        status = BF_OK;
    }
    pthread_mutex_unlock(&f->lock);
    return status == BF_OK ? BF_OK : bf_fail(e, status, "no key");
}
