/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, the set of sessions, and the driver's table. */
#include "storage/mongo/mongo.h"
#include "core/arena.h"
#include "core/env.h"
#include "core/thread.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

const char *const bf__m_own_names[BF__M_OWN] = {[BF__M_LOG] = "log", [BF__M_META] = "meta", [BF__M_FILES] = "media.files", [BF__M_CHUNKS] = "media.chunks"};

static struct bf__mongo *mongo_of(struct bf_driver *driver) { return BF_CONTAINER(driver, struct bf__mongo, base); }

static void init_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, mongoc_init);
}

/* ---- opening ---- */

static void check_declaration(const struct bf_collection *coll)
{
    for (unsigned i = 0; i < BF__M_OWN; i++)
        assert(strcmp(coll->name, bf__m_own_names[i]) != 0);
    for (unsigned i = 0; i < coll->n_indexes; i++) {
        const struct bf_index *index = coll->indexes[i];
        assert(index->n_fields > 0 && index->n_fields <= BF_INDEX_FIELDS_MAX);
        for (unsigned f = 0; f < index->n_fields; f++) {
            assert(index->fields[f] >= 0);
            enum bf_type type = coll->schema->fields[index->fields[f]].type;
            assert(type != BF_T_OBJECT && type != BF_T_BYTES && (type == BF_T_ARRAY) == (index->multikey && f == 0));
            (void)type;
        }
    }
}

static void lay_out(struct bf__mongo *db)
{
    pthread_mutex_init(&db->lock, NULL);
    bf_real_cond_init(&db->released);
    for (unsigned i = 0; i < db->n_collections; i++)
        check_declaration(db->collections[i]);
}

static struct bf_session *session_init(struct bf__mongo *db, struct bf_session *s)
{
    s->db = db;
    s->colls = calloc(db->n_collections + BF__M_OWN, sizeof(mongoc_collection_t *));
    if (s->colls == NULL)
        abort();
    return s;
}

static void open_sessions(struct bf__mongo *db)
{
    db->sessions = calloc(db->settings.sessions, sizeof *db->sessions);
    if (db->sessions == NULL)
        abort();
    for (unsigned i = db->settings.sessions; i-- > 0;) {
        struct bf_session *s = session_init(db, &db->sessions[i]);
        if (i == 0)
            break;
        s->next_free = db->free;
        db->free = s;
    }
}

/* Indexes of a server are over what is stored: what an upgrade makes of an older document as it is read would not be found by them. */
static enum bf_status check_upgrades(const struct bf__mongo *db, struct bf_error *e)
{
    for (unsigned i = 0; i < db->n_collections; i++)
        if (db->collections[i]->n_indexes > 0 && db->collections[i]->schema->upgrade != NULL)
            return bf_fail(e, BF_E_NOT_SUPPORTED, "documents of %s are upgraded as they are read, which their indexes on MongoDB cannot follow",
                           db->collections[i]->name);
    return BF_OK;
}

static enum bf_status open_pool(struct bf__mongo *db, const struct bf__m_tap *tap, struct bf_error *e)
{
    db->pool = mongoc_client_pool_new(db->settings.uri);
    if (db->pool == NULL)
        return bf_fail(e, BF_E_CONFIG, "the store's address asks for what this libmongoc cannot do");
    mongoc_client_pool_set_error_api(db->pool, MONGOC_ERROR_API_VERSION_2);
    mongoc_client_pool_set_appname(db->pool, "baifang");
    db->listener = bf__m_listener_create(db->env, db->settings.sessions, tap);
    bf__m_listener_join(db->listener, db->pool);
    open_sessions(db);
    return BF_OK;
}

static void session_finish(struct bf_session *s)
{
    for (unsigned i = 0; i < s->db->n_collections + BF__M_OWN; i++)
        if (s->colls[i] != NULL)
            mongoc_collection_destroy(s->colls[i]);
    if (s->client != NULL)
        mongoc_client_pool_push(s->db->pool, s->client);
    free(s->colls);
}

static void mongo_close(struct bf_driver **driver)
{
    struct bf__mongo *db = mongo_of(*driver);
    for (unsigned i = 0; db->sessions != NULL && i < db->settings.sessions; i++)
        session_finish(&db->sessions[i]);
    if (db->pool != NULL)
        mongoc_client_pool_destroy(db->pool);
    bf__m_log_to_nobody();
    bf__m_listener_destroy(&db->listener);
    bf__m_settings_finish(&db->settings);
    pthread_cond_destroy(&db->released);
    pthread_mutex_destroy(&db->lock);
    free(db->sessions);
    free(db);
    *driver = NULL;
}

static enum bf_status check_place(const char *place, struct bf_error *e)
{
    struct bf__m_settings settings = {.uri = NULL};
    init_once();
    bf__m_log_to_nobody(); /* what it would say is in the cause */
    enum bf_status status = bf__m_settings(place, /* sessions= */ 0, &settings, e);
    bf__m_settings_finish(&settings);
    return status;
}

/* The incarnation is the last thing that a first start makes. */
static enum bf_status see_there(struct bf__mongo *db, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str incarnation;
    enum bf_status status = bf__m_meta_get(&db->sessions[0], "incarnation", arena, &incarnation, e);
    if (status == BF_OK && incarnation.n == 0)
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no store in the database %s", db->settings.database);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status mongo_open(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    struct bf__mongo *db = calloc(1, sizeof *db);
    if (db == NULL)
        abort();
    init_once();
    bf__m_log_to(how->env);
    *db = (struct bf__mongo){
        .base.vt = &bf__driver_mongo, .env = how->env, .collections = how->collections, .n_collections = how->n_collections};
    lay_out(db);
    struct bf_driver *driver = &db->base;
    enum bf_status status = check_upgrades(db, e);
    if (status == BF_OK)
        status = bf__m_settings(how->place, how->readers + 1, &db->settings, e);
    if (status == BF_OK)
        status = open_pool(db, how->ctx, e);
    if (status == BF_OK && how->is_there)
        status = see_there(db, e);
    if (status == BF_OK)
        status = bf__m_schema_ensure(&db->sessions[0], e);
    if (status != BF_OK)
        mongo_close(&driver);
    else
        *ret = driver;
    return status;
}

/* ---- sessions ---- */

/* Nobody waits for ever: who got none gets one that can only say so. */
static struct bf_session *extra(struct bf__mongo *db)
{
    struct bf_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    session_init(db, s)->is_extra = true;
    return s;
}

static struct bf_session *take_session(struct bf_driver *driver)
{
    struct bf__mongo *db = mongo_of(driver);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (db->settings.wait_ms + 999) / 1000;
    pthread_mutex_lock(&db->lock);
    while (db->free == NULL && pthread_cond_timedwait(&db->released, &db->lock, &until) != ETIMEDOUT)
        continue;
    struct bf_session *s = db->free;
    if (s != NULL)
        db->free = s->next_free;
    pthread_mutex_unlock(&db->lock);
    return s != NULL ? s : extra(db);
}

static void release_session(struct bf_driver *driver, struct bf_session *s)
{
    struct bf__mongo *db = mongo_of(driver);
    assert(s->db == db && s != &db->sessions[0]);
    if (s->is_extra) {
        session_finish(s);
        free(s);
        return;
    }
    pthread_mutex_lock(&db->lock);
    s->next_free = db->free;
    db->free = s;
    pthread_cond_signal(&db->released);
    pthread_mutex_unlock(&db->lock);
}

static struct bf_session *the_writer(struct bf_driver *driver) { return &mongo_of(driver)->sessions[0]; }

static enum bf_status open_at(struct bf_session *s, unsigned slot, const char *name, struct bf__m_at *at, struct bf_error *e)
{
    if (s->is_extra)
        return bf_fail(e, BF_E_UNAVAILABLE, "all connections to the database are busy");
    if (s->client == NULL)
        s->client = mongoc_client_pool_pop(s->db->pool);
    if (s->client == NULL)
        return bf_fail(e, BF_E_UNAVAILABLE, "no connection to the database is free");
    if (s->colls[slot] == NULL)
        s->colls[slot] = mongoc_client_get_collection(s->client, s->db->settings.database, name);
    at->coll = s->colls[slot];
    return BF_OK;
}

enum bf_status bf__m_at(struct bf_session *s, const struct bf_collection *coll, bool writes, const char *what, struct bf__m_at *at,
                        struct bf_error *e)
{
    unsigned slot = 0;
    while (s->db->collections[slot] != coll) {
        slot++;
        assert(slot < s->db->n_collections);
    }
    at->call = (struct bf__m_call){.what = what, .coll = coll->name, .writes = writes};
    return open_at(s, slot, coll->name, at, e);
}

enum bf_status bf__m_at_own(struct bf_session *s, enum bf__m_own own, bool writes, const char *what, struct bf__m_at *at, struct bf_error *e)
{
    at->call = (struct bf__m_call){.what = what, .coll = bf__m_own_names[own], .writes = writes};
    return open_at(s, s->db->n_collections + own, bf__m_own_names[own], at, e);
}

enum bf_status bf__m_at_fail(const struct bf__m_at *at, const bson_error_t *error, const bson_t *reply, struct bf_error *e)
{
    return bf__m_fail(&at->call, error, reply, e);
}

/* ---- what there is nothing to do for ---- */

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

static enum bf_status backup(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e)
{
    (void)s, (void)to, (void)state, (void)done;
    return bf_fail(e, BF_E_NOT_SUPPORTED, "a database of MongoDB is backed up by its own means (mongodump, snapshots of its disks)");
}

const struct bf_driver_vtable bf__driver_mongo = {
    .scheme = "mongodb",
    .check_place = check_place,
    .shard_plan = bf__m_shard_plan,
    .open = mongo_open,
    .close = mongo_close,
    .reader = take_session,
    .release = release_session,
    .writer = the_writer,
    .get_many = bf__m_get_many,
    .find = bf__m_find,
    .count = bf__m_count,
    .log_read = bf__m_log_read,
    .log_last = bf__m_log_last,
    .log_requests = bf__m_log_requests,
    .meta_get = bf__m_meta_get,
    .meta_set = bf__m_meta_set,
    .meta_add = bf__m_meta_add,
    .begin = nothing,
    .commit = nothing,
    .rollback = rollback,
    .write = bf__m_write,
    .write_many = bf__m_write_many,
    .append = bf__m_append,
    .apply = bf__m_apply,
    .tidy = tidy,
    .chunk_put = bf__m_chunk_put,
    .chunk_get = bf__m_chunk_get,
    .file_put = bf__m_file_put,
    .file_get = bf__m_file_get,
    .file_drop = bf__m_file_drop,
    .file_scan = bf__m_file_scan,
    .scan = bf__m_scan,
    .check_whole = bf__m_check_whole,
    .check_keys = bf__m_check_keys,
    .mend = bf__m_mend,
    .backup = backup,
};
