/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded driver: BSON documents in SQLite. For the files of this directory only.
 *
 * Tables, all keyed by blobs that C made (key.h):
 *   d_COLLECTION          r (rowid), k = tenant id, d = document as BSON
 *   x_COLLECTION__INDEX   k = tenant, fields, id; r = the document's rowid. WITHOUT ROWID; SQLite does not maintain them, put_doc does
 *   log                   k = tenant, n; h = header, l = its leaf hash, p = payload
 *   log_requests          k = tenant, request; n
 *   meta                  name, value
 *
 * Exactly one connection writes and checkpoints, and the committer's thread alone uses it: SQLite 3.40 can corrupt the database when a
 * second connection checkpoints or writes while the WAL is reset (fixed in 3.51.3). The readers are query_only and never checkpoint, not at
 * close either.
 */
#pragma once
#include "core/env.h"
#include "storage/driver.h"
#include <pthread.h>
#include <sqlite3.h>

enum bf__global_sql {
    SQL_BEGIN_READ,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_LOG_INSERT,
    SQL_LOG_READ,
    SQL_LOG_READ_HEADERS,
    SQL_LOG_LAST,
    SQL_LOG_NEXT,
    SQL_LOG_REQUEST,
    SQL_LOG_REQUEST_INSERT,
    SQL_META_GET,
    SQL_META_SET,
    SQL_GLOBALS
};

enum bf__doc_sql { SQL_DOC_GET, SQL_DOC_ROW, SQL_DOC_INSERT, SQL_DOC_UPDATE, SQL_DOC_DELETE, SQL_DOC_ASC, SQL_DOC_DESC, SQL_DOCS };

enum bf__index_sql { SQL_IX_ASC, SQL_IX_DESC, SQL_IX_COUNT, SQL_IX_GET, SQL_IX_INSERT, SQL_IX_DELETE, SQL_INDEXES };

struct bf__copy;

struct bf__table {
    const struct bf_collection *coll;
    unsigned slot; /* of its first statement; the documents' come first, then each index's */
};

struct bf_session {
    struct bf__embedded *db;
    sqlite3 *sql;
    sqlite3_stmt **statements; /* prepared once, by slot */
    /* of the writer */
    int wal_pages;      /* in the WAL after the last commit */
    int wait_from;      /* from so many pages on a checkpoint waits for readers */
    bool truncate_due;  /* what was erased is still in the WAL */
    bool unsettled;     /* there was no space to settle the WAL: nothing is written before */
    struct bf__copy *copies; /* under way */
    struct bf_session *next_free;
};

struct bf__embedded {
    struct bf_driver base;
    const struct bf_env *env;
    char *path; /* of the database */
    int dir_fd; /* flock'ed */
    struct bf__table *tables;
    unsigned n_tables, n_slots;
    struct bf_session writer;
    struct bf_session *readers, *free;
    unsigned n_readers;
    pthread_mutex_t lock;
    pthread_cond_t released;
};

/* session.c */
enum { BF__BUSY_MS = 2000 }; /* how long a statement waits for another connection */
enum bf_status bf__session_open(struct bf__embedded *db, struct bf_session *s, bool writer, struct bf_error *e);
void bf__session_close(struct bf_session *s);
enum bf_status bf__sql_fail(struct bf_session *s, struct bf_error *e, const char *doing);
enum bf_status bf__exec(struct bf_session *s, struct bf_error *e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A statement by slot, reset and ready to bind. */
enum bf_status bf__prepare(struct bf_session *s, unsigned slot, sqlite3_stmt **ret, struct bf_error *e);
const struct bf__table *bf__table_of(const struct bf__embedded *db, const struct bf_collection *coll);
static inline unsigned bf__doc_slot(const struct bf__table *t, enum bf__doc_sql kind) { return t->slot + kind; }
static inline unsigned bf__index_slot(const struct bf__table *t, unsigned index, enum bf__index_sql kind)
{
    return t->slot + SQL_DOCS + index * SQL_INDEXES + kind;
}
void bf__bind(sqlite3_stmt *st, int at, struct bf_str bytes); /* not copied */
struct bf_str bf__column(sqlite3_stmt *st, int at);           /* until the next step */
struct bf_str bf__column_dup(sqlite3_stmt *st, int at, struct bf_arena *arena);
/* After an I/O error of the writer: its close must not checkpoint, which could succeed without the pages having reached the disk. */
void bf__distrust(struct bf_session *s);
/* Steps a statement that gives no row, and resets it. */
enum bf_status bf__run(struct bf_session *s, sqlite3_stmt *st, struct bf_error *e, const char *doing);
/* A snapshot for several statements; false when one is open already (the writer's transaction). */
bool bf__snapshot_begin(struct bf_session *s);
void bf__snapshot_end(struct bf_session *s, bool begun);

/* schema.c: makes what is not there, checks the format, rebuilds indexes whose definition changed. */
enum bf_status bf__schema_ensure(struct bf_session *s, struct bf_error *e);

/* docs.c */
enum bf_status bf__get_many(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                            unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);
enum bf_status bf__write(struct bf_session *s, const struct bf_write *write, struct bf_arena *arena, struct bf_error *e);
enum bf_status bf__apply(struct bf_session *s, const struct bf_apply *applies, unsigned n, struct bf_arena *arena, struct bf_error *e);
enum bf_status bf__remove(struct bf_session *s, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                          struct bf_arena *arena, struct bf_error *e);

/* find.c */
enum bf_status bf__find(struct bf_session *s, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret,
                        struct bf_error *e);
enum bf_status bf__count(struct bf_session *s, const struct bf_query *query, int64_t *ret, struct bf_error *e);

/* log.c */
enum bf_status bf__log_read(struct bf_session *s, struct bf_uuid tenant, int64_t after_n, unsigned limit, size_t bytes_max, bool payloads,
                            struct bf_arena *arena, struct bf_raw_entry **ret, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__log_last(struct bf_session *s, struct bf_uuid tenant, struct bf_arena *arena, struct bf_raw_entry **ret,
                            struct bf_error *e);
enum bf_status bf__log_requests(struct bf_session *s, struct bf_uuid tenant, const struct bf_request_id *ids, unsigned n, int64_t *ret_n,
                                struct bf_error *e);
enum bf_status bf__log_tenants(struct bf_session *s, struct bf_arena *arena, struct bf_uuid **ret, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__append(struct bf_session *s, const struct bf_raw_append *append, struct bf_error *e);

/* care.c */
/* The first act on an existing database: all that the log holds is written to the database anew and synced, and the log begins empty. Were
 * it left as found, a part of it whose sync had failed before the restart (in the kernel's cache, not on the disk) would stand before new
 * commits and break them off in a power cut. On a full disk BF_OK with s->unsettled: reads need no more, and before it writes the writer
 * settles. */
enum bf_status bf__settle_log(struct bf_session *s, struct bf_error *e);
enum bf_status bf__tidy(struct bf_session *s, enum bf_tidy_when when, bool truncate, struct bf_error *e);
enum bf_status bf__backup(struct bf_session *s, const char *to, void **state, bool *done, struct bf_error *e);
void bf__copies_give_up(struct bf_session *s); /* those that nobody went on with: the session cannot be closed before */

/* check.c */
enum bf_status bf__scan(struct bf_session *s, const struct bf_collection *coll, const struct bf_row *after, unsigned limit,
                        struct bf_arena *arena, struct bf_row **ret, unsigned *ret_n, struct bf_error *e);
enum bf_status bf__check_whole(struct bf_session *s, const struct bf_check *check, struct bf_error *e);
enum bf_status bf__check_keys(struct bf_session *s, const struct bf_check *check, const struct bf_keys_place *at, struct bf_arena *arena,
                              struct bf_keys_place *ret_next, bool *done, struct bf_error *e);
