/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage: documents, and the commit log above them. One contract, several drivers (embedded SQLite, memory in the tests, MongoDB); nothing
 * above this header knows which.
 *
 * Two classes of collections. Tenant collections hold business data under (tenant, id) and refuse a query without the tenant. System
 * collections (jobs, cursors, tokens, due times) hold none; they are keyed by id alone, sharded by `bucket` = last byte of the id & 63.
 *
 * Documents of collections marked `logged` change only through bf_submit (storage/commit.h). The others are written one document at a time
 * with bf_store_write, guarded by `rev`.
 *
 * Query power is kept poor on purpose: AND of eq, in, range, exists, all; order by a declared index; paging by key cursor; counts.
 *
 * Threads: every function may be called from any thread. Reads block (they run on the calling worker, with one of the driver's readers);
 * they are never called from an HTTP loop. Results live in the arena given.
 */
#pragma once
#include "core/doc.h"
#include "core/error.h"
#include "core/mailbox.h"

struct bf_buf;
struct bf_env;
struct bf_store;

enum { BF_INDEX_FIELDS_MAX = 4, BF_PAGE_MAX = 200, BF_IN_MAX = 1000, BF_EXAMINE_MAX = 20000 };

/* Special rows that an index, condition or collection may name beside those of the schema. */
enum { BF_ROW_ID = -1, BF_ROW_NONE = -2 };

struct bf_index {
    const char *name;                /* unique in the collection; part of the disk format */
    int fields[BF_INDEX_FIELDS_MAX]; /* schema rows; the tenant stands before them and the id behind them, both unnamed */
    unsigned n_fields;
    bool multikey; /* fields[0] is an array: one key per distinct item */
};

enum bf_collection_class { BF_TENANT_COLLECTION, BF_SYSTEM_COLLECTION };

struct bf_collection {
    const char *name; /* plural: "customers"; part of the disk format and of the log */
    const struct bf_schema *schema;
    enum bf_collection_class cls;
    bool logged;
    /* For the log's headers and the subject keys, by schema row: whose content this is (BF_ROW_ID: the document is its own subject;
     * BF_ROW_NONE: the tenant), who owns it and which team it is in (BF_ROW_NONE: nobody, none). */
    int subject, owner, team;
    const struct bf_index *const *indexes;
    unsigned n_indexes;
};

/* ---- open ---- */

typedef void bf_store_broken_fn(void *ctx, const struct bf_error *why);

struct bf_store_config {
    struct bf_str uri;             /* "embedded:DIR" (made when absent), "mongodb://...", "mongodb+srv://...", "memory:" in tests */
    struct bf_str master_key_file; /* outside DIR; made 0600 when absent and the store is new */
    unsigned readers;              /* 4 */
    unsigned queue_max;            /* submits and writes waiting (4096); more: BF_E_UNAVAILABLE. Not less than a bf_store_write brings */
    unsigned group_max;            /* submits in one group commit (256) */
    int64_t stage_ttl_ms;          /* 72 h; an unfinished upload nobody touched is deleted after this */
    int64_t stage_quota_bytes;     /* unfinished uploads of one user together; 0: any */
    int64_t unbound_ttl_ms;        /* stage_ttl_ms; a finished one whose bytes no record took is deleted after this */
    int64_t unbound_quota_bytes;   /* those of one user together; 0: any */
    int64_t keep_done_ms;          /* where other processes write too: done jobs are kept so long after every cursor has passed (60 s) */
    /* Called once, on the committer's thread, when a sync failed, after what waited for it was answered: from then on every write gets BF_E_UNAVAILABLE, until the store was closed
     * and opened anew, which finds out what reached the disk. It may log and set flags, not wait. NULL: nobody is told. */
    bf_store_broken_fn *broken;
    void *broken_ctx;
};

/* BF_E_CONFIG: no driver takes `config->uri`. The cause never quotes it: it may hold a password. */
enum bf_status bf_store_check_config(const struct bf_store_config *config, struct bf_error *e);
/* Whether other processes may work on the same store at the same time. */
bool bf_store_config_is_shared(const struct bf_store_config *config);
bool bf_store_is_shared(const struct bf_store *store);
/* Opens, takes the directory's lock, recovers. A newer disk format is refused by name. `collections` and all they name outlive the store;
 * declaring an index that is not on disk yet builds it. */
enum bf_status bf_store_open(const struct bf_env *env, const struct bf_store_config *config, const struct bf_collection *const *collections,
                             unsigned n, struct bf_store **ret, struct bf_error *e);
/* Finishes what was submitted, then closes. No other call may be under way. */
void bf_store_close(struct bf_store **store);
/* Whether the store reads and writes, for /readyz: BF_OK, or why not. Tried at most once a second, by one caller; it writes only when nothing
 * became durable in that second. The others get what was found last, or BF_E_UNAVAILABLE when trying has taken 5 s. */
enum bf_status bf_store_probe(struct bf_store *store, struct bf_error *e);
const struct bf_collection *bf_store_collection(const struct bf_store *store, const char *name); /* NULL when not declared */

enum { BF_SHARDS_MAX = 28 };
/* Appends to `out` how an operator shards the database before anything is stored in it, as commands: by which key each collection, those of storage's own
 * too; and where `shards` are named, which part of the companies and of the buckets each of them gets. Opens nothing. BF_E_NOT_SUPPORTED: the store is no
 * database. BF_E_INVALID_QUERY: a name has other characters than letters, digits, '-', '_', '.', '/', ':'. */
enum bf_status bf_store_shard_plan(const struct bf_store_config *config, const struct bf_collection *const *collections, unsigned n,
                                   const struct bf_str *shards, unsigned n_shards, struct bf_buf *out, struct bf_error *e);

/* A number that moves on with each commit that changed documents of the logged collection, after it was applied and before
 * its answers; with those of other processes as soon as this one learns of them, within a second: what was read before and kept is still true while the number is the same. Never blocks. */
uint64_t bf_store_version(const struct bf_store *store, const struct bf_collection *coll);

struct bf_key;
/* A key for a purpose of the layers above (cursors, ...), derived from the master key: the same after each start. */
void bf_store_derive_key(const struct bf_store *store, const char *purpose, struct bf_key *ret);

/* ---- reads ---- */

/* BF_OK and *ret = NULL when there is none; a tombstone is returned as such. */
enum bf_status bf_store_get(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id,
                            struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);
/* ret[i] is the document of ids[i] or NULL. n <= BF_IN_MAX. */
enum bf_status bf_store_get_many(struct bf_store *store, const struct bf_collection *coll, struct bf_uuid tenant, const struct bf_uuid *ids,
                                 unsigned n, struct bf_arena *arena, struct bf_doc **ret, struct bf_error *e);

enum bf_cond_op { BF_EQ, BF_IN, BF_GE, BF_GT, BF_LE, BF_LT, BF_EXISTS, BF_ALL };

struct bf_cond {
    int row; /* of the schema, or BF_ROW_ID */
    enum bf_cond_op op;
    const struct bf_value *values; /* one; for IN and ALL `n`; for EXISTS a BOOL */
    unsigned n;
};

struct bf_query {
    const struct bf_collection *coll;
    struct bf_uuid tenant; /* zero in system collections, never zero in tenant collections (asserted) */
    const struct bf_cond *conds;
    unsigned n_conds;
    /* The index that gives the order; NULL only with a condition on BF_ROW_ID, or for id order over the whole tenant. EQ and IN (and EXISTS
     * false) on the index's leading fields select, the remaining fields order (with IN the ranges are merged; at most BF_IN_MAX of them); a
     * range on the first of the remaining ones bounds what is read; other conditions are checked on what is read. A multikey index wants
     * EQ, IN or ALL on its array. An absent field sorts first and meets no EQ, IN or range. An array meets EQ and IN by any of its items,
     * ALL when it has each. */
    const struct bf_index *index;
    bool descending;
    struct bf_str after; /* key cursor from an earlier page; n = 0: from the start */
    unsigned limit;      /* 1..BF_PAGE_MAX */
};

struct bf_page {
    struct bf_doc **docs; /* tombstones are left out */
    unsigned n;
    struct bf_str next; /* key cursor, plain: the edge encrypts it before it leaves; n = 0: no more. A page may be short of `limit` and
                         * still have it: reading stops after BF_EXAMINE_MAX that other conditions threw away */
    unsigned examined;  /* index entries (or, without an index, documents) looked at, for tests of cost */
};

enum bf_status bf_store_find(struct bf_store *store, const struct bf_query *query, struct bf_arena *arena, struct bf_page *ret,
                             struct bf_error *e);
/* Stops counting at `limit` (any size here). */
enum bf_status bf_store_count(struct bf_store *store, const struct bf_query *query, int64_t *ret, struct bf_error *e);

/* ---- writes outside the log ---- */

enum bf_write_kind {
    BF_W_INSERT,  /* BF_E_EXISTS when the id is taken */
    BF_W_PUT,     /* insert or replace, unguarded */
    BF_W_REPLACE, /* replace where the stored rev equals `rev`; else BF_E_STALE; absent: BF_E_NOT_FOUND */
    BF_W_DELETE,  /* physically; rev > 0 guards as REPLACE does; without, absent is BF_OK */
};

struct bf_write {
    enum bf_write_kind kind;
    const struct bf_collection *coll; /* not logged */
    const struct bf_doc *doc;         /* for DELETE only tenant and id are read. The stored rev becomes 1 (new) or the old one + 1 */
    int64_t rev;
    bool follows; /* only done when the write before it in the same call was done; else BF_E_STALE. Not of the first */
};

/* Durable when it returns. Each write stands alone but for `follows`: one that fails does not undo the others; rets[i] has each one's status. BF_OK when each
 * was done or had an answer of its own (EXISTS, STALE, NOT_FOUND); else the first other status, with `e`: the store failed, and at least that
 * write is not known to be there. rets may be NULL when n = 1: then that one's status is returned, whatever it is, with `e`. Joined with
 * others' writes in a group commit. Blocks: never from an HTTP loop. */
enum bf_status bf_store_write(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e);
/* The same for work that nobody waits for, as bf_submission.behind. */
enum bf_status bf_store_write_behind(struct bf_store *store, const struct bf_write *writes, unsigned n, enum bf_status *rets, struct bf_error *e);

/* ---- care ---- */

struct bf_check_report {
    int64_t documents, keys, entries, blobs, faults, mended;
};
/* Verifies along the lines of derivation: every document, job and cursor against the log, every entry with its commitments, index keys
 * against documents, blobs against their hashes. `say` (or NULL) gets one line per fault, on the caller's thread, and may use the store.
 * With `mend`, what derives from something sound is made anew: each fault is then mended, or is not, as a whole. Reads in slices while the
 * store serves; only what is mended goes through the committer. *ret is set on failure, too: as far as it came. BF_E_CANCELLED after
 * bf_store_stop_care. Blocks. */
enum bf_status bf_store_check(struct bf_store *store, bool mend, void (*say)(void *ctx, const char *line), void *ctx,
                              struct bf_check_report *ret, struct bf_error *e);
/* An online copy into the new directory `to`: the database through the writer's connection between groups, then the blobs; no blob is
 * deleted meanwhile. Never contains the master key; BF_E_CONFLICT until bf_store_export_key was done once. Says the position it is equal up
 * to. Of a store that others write to as well: a logical copy (storage/dump.h), also one of a directory's. */
enum bf_status bf_store_backup(struct bf_store *store, const char *to, void (*say)(void *ctx, const char *line), void *ctx,
                               struct bf_error *e);
/* Before the store is closed: checks and backups that are under way end soon, with BF_E_CANCELLED, later ones at once. Any thread. */
void bf_store_stop_care(struct bf_store *store);
/* Writes the master key, as text, to the empty file `fd`, syncs it and notes in the store that it was done. The caller made the file, 0600,
 * and synced its directory. */
enum bf_status bf_store_export_key(struct bf_store *store, int fd, struct bf_error *e);
/* Makes the new directory of `config->uri` from a backup, with a new incarnation and a `restored` entry per tenant. Refuses without the
 * right master key, and does not end well before the erasure register (beside the key file) was replayed: BF_E_NOT_FOUND where there is
 * none, unless `without_erasures`, for who knows that nobody was erased. */
enum bf_status bf_store_restore(const struct bf_env *env, const char *backup, const struct bf_store_config *config, bool without_erasures,
                                const struct bf_collection *const *collections, unsigned n, struct bf_error *e);
/* Moves all of a store to another, new one, of this driver or another: documents, logs, media, and the incarnation, so that phones go on with it. Both have
 * the same master key file. Nobody may serve either meanwhile; the source is not changed. Done again after it broke off anywhere, it goes on. Until it has
 * ended the destination is opened by nobody else (BF_E_CONFIG). All is read again on both sides and compared. `say` (or NULL) gets a line of progress now
 * and then. BF_E_NOT_FOUND: there is no source; BF_E_CONFLICT: the destination has data of its own, or the source grows; BF_E_CORRUPT: the two differ. */
enum bf_status bf_store_move(const struct bf_env *env, const struct bf_store_config *from, const struct bf_store_config *to,
                             const struct bf_collection *const *collections, unsigned n, void (*say)(void *ctx, const char *line), void *ctx,
                             struct bf_error *e);
