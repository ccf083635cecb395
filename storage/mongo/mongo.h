/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MongoDB driver from the inside. How data lie in the database: docs/STORAGE.md, "On MongoDB".
 *
 * There is no transaction here: `append` is the commit of an entry, `apply` rolls documents forward, `write` changes one document, each a
 * command by itself, majority and journaled. `begin`, `commit`, `rollback` and `tidy` have nothing to do.
 *
 * Every command names the shard key: `t`, the tenant, in tenant collections and the log; `b`, the bucket, in system collections.
 */
#pragma once
#include "storage/driver.h"
#include "storage/mongo/errors.h"
#include "storage/mongo/listen.h"
#include "storage/mongo/uri.h"
#include <pthread.h>

/* Collections of the driver's own, numbered behind the declared ones. */
enum bf__m_own { BF__M_LOG, BF__M_META, BF__M_FILES, BF__M_CHUNKS, BF__M_OWN };
extern const char *const bf__m_own_names[BF__M_OWN];

struct bf__mongo {
    struct bf_driver base;
    const struct bf_env *env;
    const struct bf_collection *const *collections; /* the store's */
    unsigned n_collections;
    struct bf__m_settings settings;
    struct bf__m_listener *listener;
    mongoc_client_pool_t *pool;
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct bf_session *free, *sessions; /* sessions[0] is the writer's */
};

struct bf_session {
    struct bf__mongo *db;
    struct bf_session *next_free;
    mongoc_client_t *client;     /* taken at the first use */
    mongoc_collection_t **colls; /* each opened at its first use */
    bool is_extra;               /* all were busy for too long: it can do nothing but say so */
};

/* One command's surroundings: where it goes, and what it is called in errors. */
struct bf__m_at {
    mongoc_collection_t *coll; /* the session's own */
    struct bf__m_call call;
};

/* BF_E_UNAVAILABLE when the session has no connection. `at` is ready then. */
enum bf_status bf__m_at(struct bf_session *s, const struct bf_collection *coll, bool writes, const char *what, struct bf__m_at *at,
                        struct bf_error *e);
enum bf_status bf__m_at_own(struct bf_session *s, enum bf__m_own own, bool writes, const char *what, struct bf__m_at *at, struct bf_error *e);
enum bf_status bf__m_at_fail(const struct bf__m_at *at, const bson_error_t *error, const bson_t *reply, struct bf_error *e);

/* schema.c: indexes made and dropped, so that there are those that are declared. */
enum bf_status bf__m_schema_ensure(struct bf_session *s, struct bf_error *e);
enum bf_status bf__m_check_whole(struct bf_session *s, const struct bf_check *check, struct bf_error *e);
enum bf_status bf__m_check_keys(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                                struct bf_keys_place *ret_next, bool *done, struct bf_error *e);

/* The rest are the driver's functions by the names of the vtable. docs.c, many.c, apply.c, mend.c, files.c, find.c, log.c, facts.c */
enum bf_status bf__m_get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                              unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);
enum bf_status bf__m_write(struct bf_session *s, const struct bf_write *write, struct bf_arena *arena, struct bf_error *e);
enum bf_status bf__m_write_many(struct bf_session *s, const struct bf_write *writes, unsigned n, struct bf_arena *arena, enum bf_status *rets,
                                struct bf_error *e);
enum bf_status bf__m_apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e);
enum bf_status bf__m_mend(struct bf_session *s, const struct bf_mend *mend, struct bf_error *e);
enum bf_status bf__m_scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                          struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__m_find(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret, struct bf_error *e);
enum bf_status bf__m_count(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e);
enum bf_status bf__m_log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                              struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__m_log_last(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                              struct bf_error *e);
enum bf_status bf__m_log_requests(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                  struct bf_error *e);
enum bf_status bf__m_append(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e);
enum bf_status bf__m_meta_get(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e);
enum bf_status bf__m_meta_set(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e);
enum bf_status bf__m_shard_plan(const char *place, const struct bf_collection *const *collections, unsigned n, const struct bf_str *shards,
                                unsigned n_shards, struct bf_buf *out, struct bf_error *e);
enum bf_status bf__m_meta_add(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e);
enum bf_status bf__m_chunk_put(struct bf_session *s, const struct bf_chunk *chunk, struct bf_error *e);
enum bf_status bf__m_chunk_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n,
                               struct bf_error *e);
enum bf_status bf__m_file_put(struct bf_session *s, const struct bf_file_row *row, struct bf_error *e);
enum bf_status bf__m_file_get(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e);
enum bf_status bf__m_file_drop(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e);
enum bf_status bf__m_file_scan(struct bf_session *s, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n,
                               struct bf_error *e);
