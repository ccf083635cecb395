/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a driver gives, and all that the code above it (committer, log, keys, jobs, check) uses. Three exist or will: embedded (SQLite),
 * memory (in the tests) and MongoDB.
 *
 * A session is one connection; one thread at a time uses it. Readers come from the driver's own bounded set; the writer belongs to the
 * committer. Everything returned lives in the arena given. Errors are those of core/error.h; BF_E_CORRUPT for stored bytes that cannot be
 * read.
 *
 * Committing. With `one_transaction`, what the committer does between `begin` and `commit` becomes durable as a whole or not at all, and nobody else
 * writes. Without it, other processes do, each call stands alone, and all sessions are alike: `append` by itself is the commit of an entry (durable,
 * under the unique keys (tenant, n) and (tenant, request)): BF_E_EXISTS when either is taken, BF_E_UNAVAILABLE when it is surely not there,
 * BF_E_UNKNOWN_OUTCOME when that cannot be told. Then `apply` rolls documents forward: one that is absent or older than `after` by (n, k) becomes it, another
 * stays, any number of times and in any order. `begin`, `commit`, `rollback` and `tidy` do nothing. `write` may come from any thread, each with a session
 * of its own.
 */
#pragma once
#include "storage/commit.h"
#include <stdatomic.h>

struct bf_driver;
struct bf_session;

struct bf_driver_open {
    const struct bf_env *env;
    const char *place; /* of the URI, behind the scheme and its colon; from the '+' on where the scheme has more to say ("mongodb+srv:") */
    unsigned readers;
    const struct bf_collection *const *collections;
    unsigned n_collections;
    bool is_there; /* BF_E_NOT_FOUND where there is no store yet, and none is made */
    void *ctx; /* for drivers whose data are in the process (tests) */
};

/* An entry as stored: storage/entry.h says what is inside. */
struct bf_raw_entry {
    struct bf_uuid tenant;
    int64_t n;
    struct bf_str header, payload;
    uint8_t leaf[32]; /* hash of the header */
};

struct bf_raw_append {
    struct bf_raw_entry entry;
    const struct bf_request_id *requests;
    unsigned n_requests;
};

struct bf_apply {
    const struct bf_collection *coll;
    const struct bf_doc *before; /* as stored now, NULL when absent */
    const struct bf_doc *after;
    struct bf_str bson; /* `after`, encoded */
};

/* A document that is to be set right. */
struct bf_mend {
    const struct bf_collection *coll;
    struct bf_uuid tenant, id;
    const struct bf_doc *is;    /* as it was read; NULL: it is absent, or cannot be read */
    const struct bf_doc *after; /* NULL: it goes */
    struct bf_str bson;         /* `after`, encoded */
};

struct bf_check {
    bool mend;
    void (*say)(void *ctx, const char *line); /* NULL: nobody listens */
    void *ctx;
    struct bf_check_report *report;
    const atomic_bool *stop; /* NULL: nobody stops it. Once set, the check ends with BF_E_CANCELLED */
};

/* A row of a collection as it lies there. */
struct bf_row {
    struct bf_uuid tenant, id;
    struct bf_doc *doc; /* NULL: it cannot be read */
};

/* Where a check of keys stands: {0} at the start. */
struct bf_keys_place {
    unsigned part;
    struct bf_str after;
};

/* Who waits for the writer: somebody, so what can wait does; only work that nobody waits for, so it is done often and in small bits, before somebody comes;
 * nobody. */
enum bf_tidy_when { BF_TIDY_WANTED, BF_TIDY_BEHIND, BF_TIDY_FREE };

enum { BF_CHUNK_BYTES = 255 * 1024 }; /* as GridFS has it unless told */

struct bf_chunk {
    struct bf_uuid tenant, file;
    uint32_t n;
    int64_t epoch; /* of the process that writes: see storage/media/registry.h */
    struct bf_str bytes;
    bool is_new; /* it is probably not there */
};

struct bf_file_row {
    struct bf_uuid tenant, file;
    int64_t bytes, at_ms;
};

struct bf_driver_vtable {
    const char *scheme;
    bool one_transaction;

    /* BF_E_CONFIG: what of the place forbids an opening and is seen in it alone. NULL: nothing. */
    enum bf_status (*check_place)(const char *place, struct bf_error *e);
    /* As bf_store_shard_plan; NULL: it cannot be sharded. */
    enum bf_status (*shard_plan)(const char *place, const struct bf_collection *const *collections, unsigned n, const struct bf_str *shards,
                                 unsigned n_shards, struct bf_buf *out, struct bf_error *e);
    enum bf_status (*open)(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e);
    void (*close)(struct bf_driver **driver);
    struct bf_session *(*reader)(struct bf_driver *driver); /* waits for a free one */
    void (*release)(struct bf_driver *driver, struct bf_session *session);
    struct bf_session *(*writer)(struct bf_driver *driver); /* always the same one */

    /* Documents: as bf_store_get_many, bf_store_find and bf_store_count. */
    enum bf_status (*get_many)(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                               unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);
    enum bf_status (*find)(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret,
                           struct bf_error *e);
    enum bf_status (*count)(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e);

    /* The log. log_read gives entries after `after_n`, at most `limit` and, past the first, `bytes_max`; without `payloads` those are left
     * empty. It stops at a hole and before a row that cannot be read: BF_E_CORRUPT when that is the first. log_last gives NULL for a tenant
     * without a log. log_requests gives each request's n, 0 when it has none. log_tenants: with one_transaction only; else head documents tell. */
    enum bf_status (*log_read)(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max,
                               bool payloads, struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e);
    enum bf_status (*log_last)(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                               struct bf_error *e);
    enum bf_status (*log_requests)(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                   struct bf_error *e);
    enum bf_status (*log_tenants)(struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e);

    /* Small facts about the store as a whole. An absent one is {NULL, 0}. meta_set: by the writer, outside a transaction or in one. meta_add: without
     * one_transaction only; BF_E_EXISTS where there is one. */
    enum bf_status (*meta_get)(struct bf_session *s, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e);
    enum bf_status (*meta_set)(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e);
    enum bf_status (*meta_add)(struct bf_session *s, const char *name, struct bf_str value, struct bf_error *e);

    /* The writer only. `begin` and `commit`: BF_E_NO_SPACE and the like when nothing was committed; BF_E_UNKNOWN_OUTCOME when that cannot
     * be told (a failed sync): the store then takes no more writes. */
    enum bf_status (*begin)(struct bf_session *s, struct bf_error *e);
    enum bf_status (*commit)(struct bf_session *s, struct bf_error *e);
    void (*rollback)(struct bf_session *s);
    enum bf_status (*write)(struct bf_session *s, const struct bf_write *write, struct bf_arena *arena, struct bf_error *e);
    /* Without one_transaction; may be NULL. As bf_store_write over several documents: each stands alone but for `follows`, those on one document in
     * their order, the others in any. rets[i] is each one's answer; BF_OK when each was done or has one of its own (EXISTS, STALE, NOT_FOUND), else the
     * first other status, with what was not sent yet left undone and given that status, too. A REPLACE that
     * was done may say NOT_FOUND where another deleted the document right after it. */
    enum bf_status (*write_many)(struct bf_session *s, const struct bf_write *writes, unsigned n, struct bf_arena *arena, enum bf_status *rets,
                                 struct bf_error *e);
    enum bf_status (*append)(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e);
    enum bf_status (*apply)(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e);
    /* Housekeeping after a group was answered (checkpoint). `truncate`: leave no trace of what was deleted, as far as the driver can.
     * BF_E_UNKNOWN_OUTCOME as for `commit`. */
    enum bf_status (*tidy)(struct bf_session *s, enum bf_tidy_when when, bool truncate, struct bf_error *e);

    /* Care, by a reader. scan gives the rows of all tenants behind `after` (NULL: from the first on) in the order of tenant and id, at most
     * `limit`: fewer only at the end. check_whole verifies what the driver's own library can of itself, all at once, while the writer goes
     * on. */
    enum bf_status (*scan)(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                           struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e);
    enum bf_status (*check_whole)(struct bf_session *s, const struct bf_check *check, struct bf_error *e);
    /* Verifies a slice of what the driver derives from documents, and says where the next one begins (in `arena`), or *done. By a reader;
     * to mend, by the writer, outside a transaction. */
    enum bf_status (*check_keys)(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                                 struct bf_keys_place *ret_next, bool *done, struct bf_error *e);

    /* The bytes of media, where other processes write too; NULL with one_transaction, where directories hold them. A file is a row of chunks, 0, 1, 2 ...,
     * of BF_CHUNK_BYTES each but for the last, in the layout of GridFS. chunk_put: BF_E_STALE where one of a later epoch stands; it may be there as the
     * first try. chunk_get fills `buf` (BF_CHUNK_BYTES), BF_E_NOT_FOUND. A complete file has a row of its own: file_put makes it where it is not;
     * file_drop takes it away, and all chunks before it. file_scan as scan. */
    enum bf_status (*chunk_put)(struct bf_session *s, const struct bf_chunk *chunk, struct bf_error *e);
    enum bf_status (*chunk_get)(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n,
                                struct bf_error *e);
    enum bf_status (*file_put)(struct bf_session *s, const struct bf_file_row *row, struct bf_error *e);
    enum bf_status (*file_get)(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e);
    enum bf_status (*file_drop)(struct bf_session *s, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e);
    enum bf_status (*file_scan)(struct bf_session *s, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n,
                                struct bf_error *e);

    /* Care, by the writer. `remove` deletes physically; with one_transaction only. `mend`, without: BF_E_STALE where the document is not any more as it
     * was read, by rev, n and k; nothing is changed then. backup copies the database into the new directory `to`, step by step: call until
     * *done; NULL *state at the first call, and again after the last. The files are for the caller to sync. A copy that is not gone on with is
     * given up when the driver closes. */
    enum bf_status (*remove)(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                             struct bf_arena *arena, struct bf_error *e);
    enum bf_status (*mend)(struct bf_session *s, const struct bf_mend *mend, struct bf_error *e);
    enum bf_status (*backup)(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e);
};

struct bf_driver {
    const struct bf_driver_vtable *vt;
};

extern const struct bf_driver_vtable bf__driver_embedded, bf__driver_mongo;
