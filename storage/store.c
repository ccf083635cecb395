/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing a store, and reading from it. */
#include "core/arena.h"
#include "core/env.h"
#include "core/metrics.h"
#include "storage/committer.h"
#include "storage/erasing.h"
#include "storage/heads.h"
#include "storage/lease.h"
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

enum { READERS = 4, READERS_SHARED = 16, QUEUE_MAX = 4096, GROUP_MAX = 256, KEEP_DONE_MS = 60000, PROBE_MS = 1000, PROBE_LATE_MS = 5000 };

static const struct bf_collection *const own_collections[] = {&bf__coll_subject_keys, &bf__coll_jobs, &bf__coll_cursors, &bf__coll_blobs,
                                                              &bf__coll_restored, &bf__coll_heads, &bf__coll_leases, &bf__coll_erasing,
                                                              &bf__coll_uploads};
enum { N_OWN = sizeof own_collections / sizeof *own_collections, N_SHARED = 4 }; /* the last ones only where others write too */

/* ---- opening ---- */

/* What is behind the scheme, to which "+srv" and the like do not belong. */
static const char *place_of(const char *uri)
{
    const char *end = uri + strcspn(uri, ":+");
    return *end == ':' ? end + 1 : end;
}

static void copy_config(struct bf_store *store, bool alone, const struct bf_store_config *config)
{
    store->config = *config;
    store->config.uri = bf_str_dup(store->arena, config->uri);
    store->config.master_key_file = bf_str_dup(store->arena, config->master_key_file);
    if (config->readers == 0)
        store->config.readers = alone ? READERS : READERS_SHARED;
    if (config->queue_max == 0)
        store->config.queue_max = QUEUE_MAX;
    if (config->group_max == 0)
        store->config.group_max = GROUP_MAX;
    if (config->keep_done_ms == 0)
        store->config.keep_done_ms = KEEP_DONE_MS;
    store->place = place_of(store->config.uri.p);
}

static void join_collections(struct bf_store *store, bool alone, const struct bf_collection *const *collections, unsigned n)
{
    store->n_collections = n + N_OWN - (alone ? N_SHARED : 0);
    store->collections = bf_arena_alloc(store->arena, store->n_collections * sizeof(struct bf_collection *));
    for (unsigned i = 0; i < store->n_collections; i++)
        store->collections[i] = i < n ? collections[i] : own_collections[i - n];
    store->versions = bf_arena_calloc(store->arena, store->n_collections, sizeof *store->versions);
    store->touched = bf_arena_calloc(store->arena, store->n_collections, sizeof *store->touched);
    for (unsigned i = 0; i < store->n_collections; i++)
        for (unsigned j = 0; j < i; j++)
            assert(strcmp(store->collections[i]->name, store->collections[j]->name) != 0);
}

static enum bf_status open_driver(struct bf_store *store, const struct bf_driver_vtable *vt, void *ctx, bool is_there, struct bf_error *e)
{
    struct bf_driver_open how = {.env = store->env,
                                 .place = store->place,
                                 .readers = store->config.readers,
                                 .collections = store->collections,
                                 .n_collections = store->n_collections,
                                 .is_there = is_there,
                                 .ctx = ctx};
    return vt->open(&how, &store->driver, e);
}

static enum bf_status take_incarnation(struct bf_store *store, struct bf_str value, struct bf_error *e)
{
    if (value.n != sizeof store->incarnation)
        return bf_fail(e, BF_E_CORRUPT, "the store's incarnation cannot be read");
    memcpy(&store->incarnation, value.p, sizeof store->incarnation);
    return BF_OK;
}

/* What a move has not ended lacks something, and nobody knows what. */
static enum bf_status see_whole(struct bf_store *store, struct bf_error *e)
{
    struct bf_str moving;
    enum bf_status status = bf__meta_get(store, "moving", store->arena, &moving, e);
    if (status == BF_OK && moving.n > 0)
        status = bf_fail(e, BF_E_CONFIG, "a move to this store (`baifang move`) has not ended: give the same command again, or drop this store and move anew");
    return status;
}

/* A new store gets its first incarnation last of all facts, so that an interrupted first start is a first start again. */
static enum bf_status open_facts(struct bf_store *store, struct bf_error *e)
{
    struct bf_str incarnation;
    enum bf_status status = bf__meta_get(store, "incarnation", store->arena, &incarnation, e);
    if (status != BF_OK)
        return status;
    bool is_new = incarnation.n == 0;
    if (!is_new)
        status = take_incarnation(store, incarnation, e);
    if (status == BF_OK)
        status = bf__keys_open(store, is_new, e);
    if (status != BF_OK || !is_new)
        return status;
    uint32_t fresh;
    bf_random(store->env, &fresh, sizeof fresh);
    status = bf__meta_found(store, "incarnation", bf_str((const char *)&fresh, sizeof fresh), store->arena, &incarnation, e);
    return status == BF_OK ? take_incarnation(store, incarnation, e) : status;
}

static struct bf_store *create(const struct bf_env *env)
{
    struct bf_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        abort();
    store->env = env;
    store->arena = bf_arena_create();
    pthread_mutex_init(&store->watch_lock, NULL);
    pthread_mutex_init(&store->claim_lock, NULL);
    pthread_mutex_init(&store->probe.lock, NULL);
    atomic_init(&store->durable_ms, INT64_MIN / 2);
    return store;
}

/* Behind the driver, in the order of internal.h. */
static enum bf_status open_parts(struct bf_store *store, struct bf_error *e)
{
    enum bf_status status = open_facts(store, e);
    if (status == BF_OK && !store->driver->vt->one_transaction)
        status = bf__heads_open(store, e);
    if (status == BF_OK)
        status = bf__committers_start(store, e);
    if (status == BF_OK)
        status = bf__erasures_open(store, e);
    return status == BF_OK ? bf__media_open(store, e) : status;
}

enum bf_status bf__store_open_on(const struct bf_env *env, const struct bf_store_config *config, const struct bf_driver_vtable *vt, void *ctx,
                                 const struct bf_collection *const *collections, unsigned n, const struct bf__opening *as, struct bf_store **ret,
                                 struct bf_error *e)
{
    struct bf_store *store = create(env);
    copy_config(store, vt->one_transaction, config);
    join_collections(store, vt->one_transaction, collections, n);
    enum bf_status status = open_driver(store, vt, ctx, as->is_there, e);
    if (status == BF_OK && !as->may_be_half)
        status = see_whole(store, e);
    if (status == BF_OK)
        status = open_parts(store, e);
    if (status != BF_OK)
        bf_store_close(&store);
    else
        *ret = store;
    return status;
}

enum bf_status bf__store_open(const struct bf_env *env, const struct bf_store_config *config, const struct bf_driver_vtable *vt, void *ctx,
                              const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    return bf__store_open_on(env, config, vt, ctx, collections, n, &(struct bf__opening){.is_there = false}, ret, e);
}

static const struct bf_driver_vtable *find_driver(struct bf_str uri)
{
    static const struct {
        const char *begins;
        const struct bf_driver_vtable *vt;
    } drivers[] = {{"embedded:", &bf__driver_embedded}, {"mongodb:", &bf__driver_mongo}, {"mongodb+srv:", &bf__driver_mongo}};
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (uri.n > strlen(drivers[i].begins) && bf_str_starts(uri, bf_strz(drivers[i].begins)))
            return drivers[i].vt;
    return NULL;
}

enum bf_status bf_store_check_config(const struct bf_store_config *config, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = find_driver(config->uri);
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = BF_OK;
    if (vt == NULL) /* what stands behind the scheme may hold a password */
        status = bf_fail(e, BF_E_CONFIG, "%.*s: is not the address of a store, which is embedded:DIRECTORY or mongodb://HOSTS/DATABASE?OPTIONS",
                         (int)(strcspn(bf_str_dup(arena, config->uri).p, ":")), config->uri.p);
    else if (vt->check_place != NULL)
        status = vt->check_place(place_of(bf_str_dup(arena, config->uri).p), e);
    bf_arena_destroy(&arena);
    return status;
}

bool bf_store_config_is_shared(const struct bf_store_config *config)
{
    const struct bf_driver_vtable *vt = find_driver(config->uri);
    return vt != NULL && !vt->one_transaction;
}

bool bf_store_is_shared(const struct bf_store *store) { return store->heads != NULL; }

enum bf_status bf__store_open_as(const struct bf_env *env, const struct bf_store_config *config, const struct bf_collection *const *collections,
                                 unsigned n, const struct bf__opening *as, struct bf_store **ret, struct bf_error *e)
{
    enum bf_status status = bf_store_check_config(config, e);
    return status == BF_OK ? bf__store_open_on(env, config, find_driver(config->uri), NULL, collections, n, as, ret, e) : status;
}

enum bf_status bf_store_open(const struct bf_env *env, const struct bf_store_config *config, const struct bf_collection *const *collections,
                             unsigned n, struct bf_store **ret, struct bf_error *e)
{
    return bf__store_open_as(env, config, collections, n, &(struct bf__opening){.is_there = false}, ret, e);
}

static bool is_shard(struct bf_str name)
{
    bool good = name.n > 0 && name.n <= 100;
    for (size_t i = 0; i < name.n; i++)
        good = good && (isalnum((unsigned char)name.p[i]) || strchr("-_./:", name.p[i]) != NULL) && name.p[i] != '\0';
    return good;
}

enum bf_status bf_store_shard_plan(const struct bf_store_config *config, const struct bf_collection *const *collections, unsigned n,
                                   const struct bf_str *shards, unsigned n_shards, struct bf_buf *out, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = find_driver(config->uri);
    assert(n_shards <= BF_SHARDS_MAX);
    if (vt == NULL || vt->shard_plan == NULL)
        return bf_fail(e, BF_E_NOT_SUPPORTED, "the store is not on a database: there is nothing to shard");
    for (unsigned i = 0; i < n_shards; i++)
        if (!is_shard(shards[i]))
            return bf_fail(e, BF_E_INVALID_QUERY, "%.*s is not the name of a shard", BF_FMT(shards[i]));
    struct bf_arena *arena = bf_arena_create();
    const struct bf_collection **all = bf_arena_alloc(arena, (n + N_OWN) * sizeof *all);
    for (unsigned i = 0; i < n + N_OWN; i++)
        all[i] = i < n ? collections[i] : own_collections[i - n];
    enum bf_status status = vt->shard_plan(place_of(bf_str_dup(arena, config->uri).p), all, n + N_OWN, shards, n_shards, out, e);
    bf_arena_destroy(&arena);
    return status;
}

void bf_store_close(struct bf_store **pointer)
{
    struct bf_store *store = pointer == NULL ? NULL : *pointer;
    if (store == NULL)
        return;
    bf__media_close(store);
    bf__committers_stop(store);
    bf__heads_close(store);
    bf__keys_close(store);
    if (store->driver != NULL)
        store->driver->vt->close(&store->driver);
    pthread_mutex_destroy(&store->watch_lock);
    pthread_mutex_destroy(&store->claim_lock);
    pthread_mutex_destroy(&store->probe.lock);
    bf_arena_destroy(&store->arena);
    free(store);
    *pointer = NULL;
}

/* ---- facts ---- */

struct fact {
    struct bf_store *store;
    const char *name;
    struct bf_str value;
};

static enum bf_status set_fact(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    const struct fact *f = ctx;
    const struct bf_driver_vtable *vt = f->store->driver->vt;
    enum bf_status status = vt->begin(writer, e);
    if (status != BF_OK)
        return status;
    status = vt->meta_set(writer, f->name, f->value, e);
    if (status == BF_OK)
        return vt->commit(writer, e);
    vt->rollback(writer);
    return status;
}

enum bf_status bf__meta_set(struct bf_store *store, const char *name, struct bf_str value, struct bf_error *e)
{
    struct fact f = {store, name, value};
    if (store->n_committers == 0) /* still opening: the writer is ours */
        return set_fact(&f, store->driver->vt->writer(store->driver), e);
    return bf__committer_call(store, set_fact, &f, e);
}

enum bf_status bf__meta_found(struct bf_store *store, const char *name, struct bf_str value, struct bf_arena *arena, struct bf_str *ret,
                              struct bf_error *e)
{
    const struct bf_driver_vtable *vt = store->driver->vt;
    enum bf_status status = bf__meta_get(store, name, arena, ret, e);
    if (status != BF_OK || ret->n > 0)
        return status;
    status = vt->one_transaction ? bf__meta_set(store, name, value, e) : vt->meta_add(vt->writer(store->driver), name, value, e);
    if (status == BF_OK)
        *ret = bf_str_dup(arena, value);
    return status == BF_E_EXISTS ? bf__meta_get(store, name, arena, ret, e) : status;
}

enum bf_status bf__meta_get(struct bf_store *store, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e)
{
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = store->driver->vt->meta_get(s, name, arena, ret, e);
    store->driver->vt->release(store->driver, s);
    return status;
}

uint32_t bf_store_incarnation(const struct bf_store *store) { return store->incarnation; }

void bf_store_derive_key(const struct bf_store *store, const char *purpose, struct bf_key *ret)
{
    struct bf_key root;
    bf_key_derive(&store->master, "application", NULL, 0, &root);
    bf_key_derive(&root, purpose, NULL, 0, ret);
    bf_key_wipe(&root);
}

const struct bf_collection *bf__collection_named(const struct bf_store *store, struct bf_str name)
{
    for (unsigned i = 0; i < store->n_collections; i++)
        if (bf_str_eqz(name, store->collections[i]->name))
            return store->collections[i];
    return NULL;
}

const struct bf_collection *bf_store_collection(const struct bf_store *store, const char *name) { return bf__collection_named(store, bf_strz(name)); }

/* ---- is it well? ---- */

static enum bf_status try_read_and_write(struct bf_store *store, int64_t now_ms, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str incarnation;
    enum bf_status status = bf__meta_get(store, "incarnation", arena, &incarnation, e);
    if (status == BF_OK && incarnation.n != sizeof store->incarnation)
        status = bf_fail(e, BF_E_CORRUPT, "the store's incarnation cannot be read");
    if (status == BF_OK && now_ms - atomic_load(&store->durable_ms) >= PROBE_MS)
        status = bf__meta_set(store, "probe", bf_str("1", 1), e);
    bf_arena_destroy(&arena);
    return status;
}

/* True: the caller is to find out. Else *ret is what is known. */
static bool probe_begin(struct bf__probe *p, int64_t now_ms, struct bf_error *ret)
{
    pthread_mutex_lock(&p->lock);
    bool mine = !p->under_way && (!p->known || now_ms - p->at_ms >= PROBE_MS);
    if (mine) {
        p->under_way = true;
        p->at_ms = now_ms;
    }
    *ret = p->found;
    if (!mine && p->under_way && now_ms - p->at_ms >= PROBE_LATE_MS)
        bf_fail(ret, BF_E_UNAVAILABLE, "the store has not answered for %lld ms", (long long)(now_ms - p->at_ms));
    pthread_mutex_unlock(&p->lock);
    return mine;
}

static void probe_end(struct bf__probe *p, const struct bf_error *found)
{
    pthread_mutex_lock(&p->lock);
    p->known = true;
    p->under_way = false;
    p->found = *found;
    pthread_mutex_unlock(&p->lock);
}

enum bf_status bf_store_probe(struct bf_store *store, struct bf_error *e)
{
    struct bf_error found;
    int64_t now_ms = bf_mono_ms(store->env);
    if (atomic_load(&store->is_broken))
        return bf_fail(e, BF_E_UNAVAILABLE, "nothing is written until the store was opened anew");
    if (probe_begin(&store->probe, now_ms, &found)) {
        found = (struct bf_error){0};
        found.status = try_read_and_write(store, now_ms, &found);
        probe_end(&store->probe, &found);
    }
    if (found.status != BF_OK && e != NULL)
        *e = found;
    return found.status;
}

/* ---- reads ---- */

static void check_tenant(const struct bf_collection *coll, struct bf_uuid tenant)
{
    assert(bf_uuid_is_zero(&tenant) == (coll->cls == BF_SYSTEM_COLLECTION));
    (void)coll;
    (void)tenant;
}

enum bf_status bf_store_get_many(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                                 unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    check_tenant(coll, tenant);
    assert(n <= BF_IN_MAX);
    if (n == 0)
        return BF_OK;
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = store->driver->vt->get_many(s, coll, tenant, ids, n, arena, ret, e);
    store->driver->vt->release(store->driver, s);
    return status;
}

enum bf_status bf_store_get(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                            struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e)
{
    return bf_store_get_many(store, coll, tenant, &id, 1, arena, ret, e);
}

static void check_cond(const struct bf_query *query, const struct bf_cond *cond)
{
    assert(cond->row == BF_ROW_ID || (cond->row >= 0 && (unsigned)cond->row < query->coll->schema->n_fields));
    assert(cond->op == BF_IN || cond->op == BF_ALL ? cond->n <= BF_IN_MAX : cond->values != NULL);
    enum bf_type type = cond->row == BF_ROW_ID ? BF_T_UUID : query->coll->schema->fields[cond->row].type;
    if (type == BF_T_ARRAY)
        type = query->coll->schema->fields[cond->row].elem;
    unsigned n = cond->op == BF_IN || cond->op == BF_ALL ? cond->n : 1;
    for (unsigned i = 0; i < n; i++)
        assert(cond->values[i].type == (cond->op == BF_EXISTS ? BF_T_BOOL : type));
    (void)type;
}

static void check_query(const struct bf_query *query)
{
    bool known = query->index == NULL;
    check_tenant(query->coll, query->tenant);
    assert(query->limit >= 1);
    for (unsigned i = 0; i < query->coll->n_indexes; i++)
        known |= query->coll->indexes[i] == query->index;
    assert(known);
    for (unsigned i = 0; i < query->n_conds; i++)
        check_cond(query, &query->conds[i]);
}

/* The INs on the leading fields of the index multiply to the ranges that are merged. */
static enum bf_status bound_ranges(const struct bf_query *query, struct bf_error *e)
{
    uint64_t ranges = 1;
    bool fixed = query->index != NULL;
    for (unsigned f = 0; fixed && f < query->index->n_fields; f++) {
        fixed = false;
        for (unsigned i = 0; i < query->n_conds && !fixed; i++) {
            const struct bf_cond *cond = &query->conds[i];
            fixed = cond->row == query->index->fields[f] &&
                    (cond->op == BF_EQ || cond->op == BF_IN || (cond->op == BF_ALL && query->index->multikey && f == 0) ||
                     (cond->op == BF_EXISTS && !cond->values[0].b));
            if (fixed && cond->op == BF_IN)
                ranges *= cond->n;
        }
        if (ranges > BF_IN_MAX)
            return bf_fail(e, BF_E_INVALID_QUERY, "the query selects more than %d ranges of its index", BF_IN_MAX);
    }
    return BF_OK;
}

enum bf_status bf_store_find(struct bf_store *store, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret,
                             struct bf_error *e)
{
    check_query(query);
    assert(query->limit <= BF_PAGE_MAX);
    if (bound_ranges(query, e) != BF_OK)
        return BF_E_INVALID_QUERY;
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = store->driver->vt->find(s, query, arena, ret, e);
    store->driver->vt->release(store->driver, s);
    if (status == BF_OK)
        bf_metric_add(store->env->metrics, BF_M_STORE_EXAMINED, ret->examined);
    return status;
}

enum bf_status bf_store_count(struct bf_store *store, const struct bf_query *query, int64_t *ret, struct bf_error *e)
{
    check_query(query);
    if (bound_ranges(query, e) != BF_OK)
        return BF_E_INVALID_QUERY;
    struct bf_session *s = store->driver->vt->reader(store->driver);
    enum bf_status status = store->driver->vt->count(s, query, ret, e);
    store->driver->vt->release(store->driver, s);
    return status;
}

/* ---- versions ---- */

static unsigned number_of(const struct bf_store *store, const struct bf_collection *coll)
{
    unsigned i = 0;
    while (store->collections[i] != coll) {
        i++;
        assert(i < store->n_collections);
    }
    return i;
}

uint64_t bf_store_version(const struct bf_store *store, const struct bf_collection *coll)
{
    return atomic_load(&store->versions[number_of(store, coll)]);
}

void bf__store_touch(struct bf_store *store, const struct bf_collection *coll) { store->touched[number_of(store, coll)] = true; }

void bf__store_touched(struct bf_store *store)
{
    for (unsigned i = 0; i < store->n_collections; i++) {
        if (store->touched[i])
            atomic_fetch_add(&store->versions[i], 1);
        store->touched[i] = false;
    }
}

void bf__store_moved(struct bf_store *store, const struct bf_collection *coll) { atomic_fetch_add(&store->versions[number_of(store, coll)], 1); }

/* ---- watching ---- */

void bf_log_watch(struct bf_store *store, void (*woken)(void *ctx, struct bf_uuid tenant, int64_t n), void *ctx)
{
    pthread_mutex_lock(&store->watch_lock);
    assert(store->n_watchers < BF__WATCHERS_MAX);
    store->watchers[store->n_watchers++] = (struct bf__watcher){woken, ctx};
    pthread_mutex_unlock(&store->watch_lock);
}

void bf__store_wake(struct bf_store *store, struct bf_uuid tenant, int64_t n)
{
    pthread_mutex_lock(&store->watch_lock);
    for (unsigned i = 0; i < store->n_watchers; i++)
        store->watchers[i].woken(store->watchers[i].ctx, tenant, n);
    pthread_mutex_unlock(&store->watch_lock);
}

void bf_store_nudge(struct bf_store *store, struct bf_uuid tenant)
{
    bf__store_wake(store, tenant, /* n= */ 0);
    if (store->heads != NULL)
        bf__head_nudge(store, tenant);
}

void bf_log_unwatch(struct bf_store *store, void *ctx)
{
    pthread_mutex_lock(&store->watch_lock);
    for (unsigned i = 0; i < store->n_watchers; i++)
        if (store->watchers[i].ctx == ctx)
            store->watchers[i--] = store->watchers[--store->n_watchers];
    pthread_mutex_unlock(&store->watch_lock);
}
