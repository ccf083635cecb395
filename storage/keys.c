/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject keys. A key that the committer makes is written in the transaction of the first entry that uses it and enters the cache only when
 * that was committed. Destroying runs on the committer too, so that it stands before or behind each group, never in it; a reader that had
 * fetched the wrapped key just before does not put it into the cache, because the cache's generation changed.
 */
#include "core/arena.h"
#include "core/env.h"
#include "core/thread.h"
#include "storage/erasing.h"
#include "storage/seal.h"
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

/* Where others destroy keys too: how old the last look at what they destroy may be, when to look again before that, and after how long all is forgotten,
 * since a note that came and went was not seen. */
enum { TRUST_MS = 1000, LOOK_MS = 500, BLIND_MS = 30000 };

enum { CACHE_MAX = 4096, WRAPPED = BF_KEY_BYTES + BF_SEAL_OVERHEAD };

enum row { KEY_WRAPPED, KEY_DESTROYED_AT, KEY_ROWS };

static const struct bf_field fields[KEY_ROWS] = {
    [KEY_WRAPPED] = BF_FIELD("wrapped", BYTES, BF_F_SERVER | BF_F_SECRET, 0, WRAPPED, NORMAL, "密钥", "Key"),
    [KEY_DESTROYED_AT] = BF_FIELD("destroyed_at", INT, BF_F_SERVER, 0, 0, NORMAL, "销毁于", "Destroyed at entry"),
};
static const struct bf_schema schema = {
    .name = "subject_key", .zh = "主体密钥", .en = "Subject key", .version = 1, .fields = fields, .n_fields = KEY_ROWS};
const struct bf_collection bf__coll_subject_keys = {.name = "subject_keys",
                                                    .schema = &schema,
                                                    .cls = BF_TENANT_COLLECTION,
                                                    .subject = BF_ROW_NONE,
                                                    .owner = BF_ROW_NONE,
                                                    .team = BF_ROW_NONE};

struct name {
    struct bf_uuid tenant, subject;
};

struct cached {
    struct name name;
    struct bf__subject_keys keys;
    bool pending; /* its document is not committed yet: only the committer may use it */
    bool used;    /* since it came to the end of the line */
    UT_hash_handle hh;
    struct cached *prev, *next; /* in line: the first goes when room is needed, unless it was used meanwhile */
};

struct bf_keys {
    struct bf_key wrapping;
    pthread_mutex_t lock;
    struct cached *by_name, *by_use;
    unsigned n_pending;
    uint64_t generation;
    int64_t looked_ms; /* at what other processes destroy; of bf_real_ms */
    bool looking;
};

/* ---- the cache; all under the lock ---- */

static void drop(struct bf_keys *keys, struct cached *c)
{
    HASH_DEL(keys->by_name, c);
    DL_DELETE(keys->by_use, c);
    keys->n_pending -= c->pending;
    bf_key_wipe(&c->keys.subject);
    bf_key_wipe(&c->keys.seal);
    bf_key_wipe(&c->keys.commit);
    free(c);
}

static bool cache_find(struct bf_keys *keys, const struct name *name, bool committer, struct bf__subject_keys *ret,
                       uint64_t *ret_generation)
{
    struct cached *c;
    pthread_mutex_lock(&keys->lock);
    *ret_generation = keys->generation;
    HASH_FIND(hh, keys->by_name, name, sizeof *name, c);
    bool found = c != NULL && (committer || !c->pending);
    if (found) {
        *ret = c->keys;
        c->used = true;
    }
    pthread_mutex_unlock(&keys->lock);
    return found;
}

/* Second chance: who was used since goes to the end of the line once. Pending ones stay: they are few, and settled soon. */
static void make_room(struct bf_keys *keys)
{
    for (unsigned looked = 0; looked < CACHE_MAX; looked++) {
        struct cached *c = keys->by_use;
        if (!c->used && !c->pending) {
            drop(keys, c);
            return;
        }
        c->used = false;
        DL_DELETE(keys->by_use, c);
        DL_APPEND(keys->by_use, c);
    }
}

static void cache_add(struct bf_keys *keys, const struct name *name, const struct bf__subject_keys *k, bool pending, uint64_t generation)
{
    struct cached *c;
    pthread_mutex_lock(&keys->lock);
    HASH_FIND(hh, keys->by_name, name, sizeof *name, c);
    if (c == NULL && generation == keys->generation) {
        c = calloc(1, sizeof *c);
        if (c == NULL)
            abort();
        c->name = *name;
        c->keys = *k;
        c->pending = pending;
        keys->n_pending += pending;
        HASH_ADD(hh, keys->by_name, name, sizeof c->name, c);
        DL_APPEND(keys->by_use, c);
    }
    if (HASH_COUNT(keys->by_name) > CACHE_MAX)
        make_room(keys);
    pthread_mutex_unlock(&keys->lock);
}

void bf__keys_settle(struct bf_store *store, bool committed)
{
    struct bf_keys *keys = store->keys;
    struct cached *c, *previous;
    pthread_mutex_lock(&keys->lock);
    /* The pending ones are among the newest, at the end. */
    for (c = keys->by_use == NULL ? NULL : keys->by_use->prev; keys->n_pending > 0; c = previous) {
        previous = c->prev;
        if (c->pending && committed) {
            c->pending = false;
            keys->n_pending--;
        } else if (c->pending) {
            drop(keys, c);
        }
    }
    while (HASH_COUNT(keys->by_name) > CACHE_MAX)
        make_room(keys); /* for what a group of many new subjects added beyond it */
    pthread_mutex_unlock(&keys->lock);
}

static void cache_forget(struct bf_keys *keys, const struct name *name)
{
    struct cached *c;
    pthread_mutex_lock(&keys->lock);
    keys->generation++;
    HASH_FIND(hh, keys->by_name, name, sizeof *name, c);
    if (c != NULL)
        drop(keys, c);
    pthread_mutex_unlock(&keys->lock);
}

/* ---- what other processes destroy ---- */

static enum bf_status forget_named(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    (void)n, (void)e;
    cache_forget(ctx, &(struct name){tenant, subject});
    return BF_OK;
}

/* True: the caller is to look. Where another does already, what was known a moment ago does. */
static bool begin_to_look(struct bf_keys *keys, int64_t now)
{
    pthread_mutex_lock(&keys->lock);
    int64_t age = now - keys->looked_ms;
    bool mine = age >= (keys->looking ? TRUST_MS : LOOK_MS);
    keys->looking |= mine;
    while (age >= BLIND_MS && keys->by_use != NULL)
        drop(keys, keys->by_use);
    keys->generation += age >= BLIND_MS;
    pthread_mutex_unlock(&keys->lock);
    return mine;
}

/* Before a key from the cache is relied on. */
static enum bf_status look(struct bf_store *store, struct bf_session *s, struct bf_error *e)
{
    struct bf_keys *keys = store->keys;
    int64_t now = bf_real_ms();
    if (store->heads == NULL || !begin_to_look(keys, now))
        return BF_OK;
    enum bf_status status = bf__erasing_each(store, s, forget_named, keys, e);
    pthread_mutex_lock(&keys->lock);
    keys->looking = false;
    if (status == BF_OK && keys->looked_ms < now)
        keys->looked_ms = now;
    pthread_mutex_unlock(&keys->lock);
    return status;
}

/* ---- wrapping ---- */

static void derive(struct bf__subject_keys *k)
{
    bf_key_derive(&k->subject, "log payload", NULL, 0, &k->seal);
    bf_key_derive(&k->subject, "log commitment", NULL, 0, &k->commit);
}

static enum bf_status unwrap(const struct bf_keys *keys, const struct name *name, const struct bf_doc *doc, struct bf__subject_keys *ret,
                             struct bf_error *e)
{
    size_t n = 0;
    uint8_t plain[WRAPPED];
    struct bf_str wrapped = bf_get_str(&doc->object, KEY_WRAPPED);
    if (bf_has(&doc->object, KEY_DESTROYED_AT))
        return bf_fail(e, BF_E_GONE, "the subject's key was destroyed at entry %lld",
                       (long long)bf_get_int(&doc->object, KEY_DESTROYED_AT));
    if (wrapped.n != WRAPPED)
        return bf_fail(e, BF_E_CORRUPT, "a subject's wrapped key has the wrong size");
    enum bf_status status = bf_unseal(&keys->wrapping, bf_str((const char *)name, sizeof *name), wrapped.p, wrapped.n, plain, &n, e);
    if (status != BF_OK)
        return status;
    assert(n == BF_KEY_BYTES);
    memcpy(ret->subject.b, plain, n);
    bf_key_wipe((struct bf_key *)(void *)plain);
    derive(ret);
    return BF_OK;
}

static struct bf_doc *wrap_new(const struct bf_store *store, const struct name *name, struct bf_arena *arena, struct bf__subject_keys *ret)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, name->tenant, name->subject);
    uint8_t *wrapped = bf_arena_alloc(arena, WRAPPED);
    bf_key_random(store->env, &ret->subject);
    bf_seal(store->env, &store->keys->wrapping, bf_str((const char *)name, sizeof *name), ret->subject.b, BF_KEY_BYTES, wrapped);
    bf_set_str(&doc->object, KEY_WRAPPED, bf_str((char *)wrapped, WRAPPED));
    derive(ret);
    return doc;
}

static enum bf_status fetch(struct bf_store *store, struct bf_session *s, const struct name *name, struct bf_arena *arena,
                            struct bf_doc **ret, struct bf_error *e)
{
    return store->driver->vt->get_many(s, &bf__coll_subject_keys, name->tenant, &name->subject, 1, arena, ret, e);
}

enum bf_status bf__keys_get(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject,
                            struct bf_arena *arena, struct bf__subject_keys *ret, struct bf_error *e)
{
    struct name name = {tenant, subject};
    struct bf_doc *doc = NULL;
    uint64_t generation;
    enum bf_status status = look(store, s, e);
    if (status != BF_OK || cache_find(store->keys, &name, false, ret, &generation))
        return status;
    status = fetch(store, s, &name, arena, &doc, e);
    if (status != BF_OK)
        return status;
    if (doc == NULL)
        return bf_fail(e, BF_E_NOT_FOUND, "the subject has no key");
    status = unwrap(store->keys, &name, doc, ret, e);
    if (status == BF_OK)
        cache_add(store->keys, &name, ret, false, generation);
    return status;
}

enum bf_status bf__keys_take(struct bf_store *store, struct bf_session *writer, struct bf_uuid tenant, struct bf_uuid subject,
                             struct bf_arena *arena, struct bf__subject_keys *ret, struct bf_error *e)
{
    struct name name = {tenant, subject};
    struct bf_doc *doc = NULL;
    uint64_t generation;
    enum bf_status status = look(store, writer, e);
    if (status != BF_OK || cache_find(store->keys, &name, true, ret, &generation))
        return status;
    status = fetch(store, writer, &name, arena, &doc, e);
    if (status == BF_OK && doc == NULL) {
        struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf__coll_subject_keys, .doc = wrap_new(store, &name, arena, ret)};
        status = store->driver->vt->write(writer, &w, arena, e);
        if (status == BF_OK)
            cache_add(store->keys, &name, ret, /* pending= */ store->heads == NULL, generation); /* without a transaction it is there */
        if (status != BF_E_EXISTS)
            return status;
        status = fetch(store, writer, &name, arena, &doc, e); /* another process made it meanwhile */
    }
    if (status == BF_OK)
        status = unwrap(store->keys, &name, doc, ret, e);
    if (status == BF_OK)
        cache_add(store->keys, &name, ret, false, generation);
    return status;
}

static enum bf_status read_key(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, struct bf_arena *arena,
                               struct bf__subject_keys *ret, struct bf_error *e)
{
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = bf__keys_get(store, s, tenant, subject, arena, ret, e);
    store->driver->vt->release(store->driver, s);
    return status;
}

enum bf_status bf_keys_subject(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, bool create, struct bf_key *ret,
                               struct bf_error *e)
{
    struct bf__subject_keys k;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = read_key(store, tenant, subject, arena, &k, create ? NULL : e);
    if (status == BF_E_NOT_FOUND && create) {
        struct name name = {tenant, subject};
        struct bf_write w = {.kind = BF_W_INSERT, .coll = &bf__coll_subject_keys, .doc = wrap_new(store, &name, arena, &k)};
        status = bf_store_write(store, &w, 1, NULL, e);
        if (status == BF_OK || status == BF_E_EXISTS)
            status = read_key(store, tenant, subject, arena, &k, e);
    } else if (status != BF_OK && create) {
        bf_fail(e, status, "the subject's key cannot be had");
    }
    if (status == BF_OK)
        *ret = k.subject;
    bf_key_wipe(&k.subject);
    bf_key_wipe(&k.seal);
    bf_key_wipe(&k.commit);
    bf_arena_destroy(&arena);
    return status;
}

/* ---- destroying ---- */

struct destroy {
    struct bf_store *store;
    struct name name;
    int64_t n;
};

static enum bf_status mark_destroyed(struct bf_session *writer, const struct destroy *d, struct bf_arena *arena, struct bf_error *e)
{
    struct bf_doc *doc = bf_doc_create(arena, &schema, d->name.tenant, d->name.subject);
    bf_set_int(&doc->object, KEY_DESTROYED_AT, d->n);
    struct bf_write w = {.kind = BF_W_PUT, .coll = &bf__coll_subject_keys, .doc = doc};
    enum bf_status status = d->store->driver->vt->begin(writer, e);
    if (status != BF_OK)
        return status;
    status = d->store->driver->vt->write(writer, &w, arena, e);
    if (status == BF_OK)
        return d->store->driver->vt->commit(writer, e);
    d->store->driver->vt->rollback(writer);
    return status;
}

enum bf_status bf__keys_end(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                            struct bf_arena *arena, struct bf_error *e)
{
    struct destroy d = {store, {tenant, subject}, n};
    struct bf_doc *doc = NULL;
    enum bf_status status = fetch(store, s, &d.name, arena, &doc, e);
    if (status == BF_OK && (doc == NULL || !bf_has(&doc->object, KEY_DESTROYED_AT)))
        status = mark_destroyed(s, &d, arena, e);
    cache_forget(store->keys, &d.name);
    return status;
}

static enum bf_status destroy(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    const struct destroy *d = ctx;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = BF_OK;
    if (d->store->heads != NULL)
        status = bf__erasing_note(d->store, writer, d->name.tenant, d->name.subject, d->n, arena, e);
    if (status == BF_OK)
        status = bf__keys_end(d->store, writer, d->name.tenant, d->name.subject, d->n, arena, e);
    if (status == BF_OK)
        status = d->store->driver->vt->tidy(writer, BF_TIDY_FREE, /* truncate= */ true, e);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__keys_destroy(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e)
{
    struct destroy d = {.store = store, .name = {tenant, subject}, .n = n};
    return bf__committer_call(store, destroy, &d, e);
}

enum bf_status bf_store_destroy_subject(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                                        struct bf_error *e)
{
    enum bf_status status = bf__erasures_note(store, tenant, subject, n, e);
    return status == BF_OK ? bf__keys_destroy(store, tenant, subject, n, e) : status;
}

/* ---- opening ---- */

/* A value that only the right master key gives, kept in the store: with a wrong key file the store refuses instead of failing later. */
static enum bf_status check_master(struct bf_store *store, bool store_is_new, struct bf_error *e)
{
    struct bf_key check;
    struct bf_str stored;
    struct bf_arena *arena = bf_arena_create();
    bf_key_derive(&store->master, "key check", NULL, 0, &check);
    struct bf_str right = bf_str((char *)check.b, sizeof check.b);
    enum bf_status status = store_is_new ? bf__meta_found(store, "key_check", right, arena, &stored, e) : bf__meta_get(store, "key_check", arena, &stored, e);
    if (status == BF_OK && (stored.n != sizeof check.b || !bf_equal_ct(stored.p, check.b, sizeof check.b)))
        status = bf_fail(e, BF_E_CONFIG, "%s is not the master key of this store", store->config.master_key_file.p);
    bf_arena_destroy(&arena);
    return status;
}

/* Whether somebody, perhaps on another machine, has chosen the key already: then none is made. */
static enum bf_status is_locked(struct bf_store *store, bool *ret, struct bf_error *e)
{
    struct bf_str check;
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf__meta_get(store, "key_check", arena, &check, e);
    *ret = status == BF_OK && check.n > 0;
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__keys_open(struct bf_store *store, bool store_is_new, struct bf_error *e)
{
    bool has_key = !store_is_new;
    struct bf_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL)
        abort();
    pthread_mutex_init(&keys->lock, NULL);
    store->keys = keys;
    enum bf_status status = BF_OK;
    if (store_is_new)
        status = is_locked(store, &has_key, e);
    if (status == BF_OK)
        status = bf_key_file(store->env, store->config.master_key_file.p, store_is_new && !has_key, &store->master, e);
    if (status == BF_OK)
        status = check_master(store, store_is_new, e);
    bf_key_derive(&store->master, "subject keys", NULL, 0, &keys->wrapping);
    return status;
}

void bf__keys_close(struct bf_store *store)
{
    struct bf_keys *keys = store->keys;
    if (keys == NULL)
        return;
    while (keys->by_use != NULL)
        drop(keys, keys->by_use);
    bf_key_wipe(&keys->wrapping);
    bf_key_wipe(&store->master);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
    store->keys = NULL;
}
