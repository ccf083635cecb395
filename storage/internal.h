/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store from the inside, for the files of storage/ only.
 *
 * Opening: driver, facts (format, incarnation), master key, subject keys, committer, media; closing goes the other way round.
 */
#pragma once
#include "core/crypto.h"
#include "core/env.h"
#include "storage/driver.h"
#include <pthread.h>
#include <stdatomic.h>

enum { BF__FORMAT = 1, BF__WATCHERS_MAX = 16, BF__CLAIMING_MAX = 1024 };

struct bf_keys;
struct bf_committer;
struct bf__heads;

enum { BF__COMMITTERS_MAX = 8 };

/* Random bytes for a committer, drawn in larger pieces: it needs twelve for each part it seals, and each draw is a system call. */
struct bf__draw {
    struct bf_env env; /* only its `random` may be used, by that committer only */
    const struct bf_env *from;
    uint8_t bytes[1536];
    size_t left;
};
struct bf_media;

/* What bf_store_probe found last. */
struct bf__probe {
    pthread_mutex_t lock;
    bool known, under_way;
    int64_t at_ms; /* begun; monotonic */
    struct bf_error found;
};

struct bf__watcher {
    void (*woken)(void *ctx, struct bf_uuid tenant, int64_t n);
    void *ctx;
};

struct bf_store {
    const struct bf_env *env;
    struct bf_store_config config;            /* the strings are the store's own, NUL behind them; defaults filled in */
    const char *place;                        /* of config.uri, behind the scheme: the directory */
    struct bf_arena *arena;                   /* of what lives as long as the store; used by the opening thread only */
    const struct bf_collection **collections; /* the caller's, then storage's own */
    unsigned n_collections;
    _Atomic uint64_t *versions; /* a count for each collection: bf_store_version */
    bool *touched;              /* by entries of the group under way; the committer's, with one_transaction */
    struct bf_driver *driver;
    uint32_t incarnation;
    struct bf_key master;
    struct bf_keys *keys;
    struct bf_committer *committers[BF__COMMITTERS_MAX]; /* one with one_transaction; else each has its tenants */
    unsigned n_committers;
    struct bf__heads *heads; /* NULL with one_transaction: nobody else writes */
    atomic_bool is_broken;      /* a sync failed: the committer writes no more */
    _Atomic int64_t durable_ms; /* when an entry became durable last; monotonic */
    struct bf__probe probe;
    struct bf_media *media; /* of storage/media/; NULL where the driver's place is empty */
    atomic_bool care_stopped; /* bf_store_stop_care */

    const char *const *consumers; /* bf_follower_name_all */
    unsigned n_consumers;

    pthread_mutex_t watch_lock;
    struct bf__watcher watchers[BF__WATCHERS_MAX];
    unsigned n_watchers;
    struct bf_uuid claiming[BF__CLAIMING_MAX]; /* jobs that a thread of this process is claiming now; under claim_lock */
    unsigned n_claiming;
    pthread_mutex_t claim_lock;
};

/* As bf_store_open, with the driver given and `ctx` handed to it. */
enum bf_status bf__store_open(const struct bf_env *env, const struct bf_store_config *config, const struct bf_driver_vtable *vt, void *ctx,
                              const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e);

/* How a store is opened by who does not serve it. */
struct bf__opening {
    bool is_there;    /* BF_E_NOT_FOUND where there is none, and nothing is made */
    bool may_be_half; /* a move to it may be under way (move.h): to others that is BF_E_CONFIG */
};
/* As bf__store_open, and as bf_store_open. */
enum bf_status bf__store_open_on(const struct bf_env *env, const struct bf_store_config *config, const struct bf_driver_vtable *vt, void *ctx,
                                 const struct bf_collection *const *collections, unsigned n, const struct bf__opening *as, struct bf_store **ret,
                                 struct bf_error *e);
enum bf_status bf__store_open_as(const struct bf_env *env, const struct bf_store_config *config, const struct bf_collection *const *collections,
                                 unsigned n, const struct bf__opening *as, struct bf_store **ret, struct bf_error *e);

/* An entry of the group under way changes this collection; its version moves on when the group has ended. Committer only. */
void bf__store_touch(struct bf_store *store, const struct bf_collection *coll);
void bf__store_touched(struct bf_store *store);
/* Documents of the collection were rolled forward to entries of others. Any thread. */
void bf__store_moved(struct bf_store *store, const struct bf_collection *coll);

/* Storage's own collections: a file that has one defines it and names it in the list in store.c. They need no declaration by the caller. */
extern const struct bf_collection bf__coll_subject_keys, bf__coll_jobs, bf__coll_cursors, bf__coll_blobs, bf__coll_uploads, bf__coll_restored;

const struct bf_collection *bf__collection_named(const struct bf_store *store, struct bf_str name); /* NULL when not declared */
/* The tenant's log has grown to entry n, and its documents follow: calls the watchers. Any thread. */
void bf__store_wake(struct bf_store *store, struct bf_uuid tenant, int64_t n);

/* Facts about the whole store, durable when set returns. Names are part of the disk format: "format", "incarnation", "key_check",
 * "key_exported", "moving". */
enum bf_status bf__meta_get(struct bf_store *store, const char *name, struct bf_arena *arena, struct bf_str *ret, struct bf_error *e);
/* Of several processes that start for the first time at once one makes it, and all get that value. While the store is opened only. */
enum bf_status bf__meta_found(struct bf_store *store, const char *name, struct bf_str value, struct bf_arena *arena, struct bf_str *ret,
                              struct bf_error *e);
enum bf_status bf__meta_set(struct bf_store *store, const char *name, struct bf_str value, struct bf_error *e);

/* Runs `fn(ctx, writer's session)` on the committer between two groups and waits for it: backup steps, check. It may use the driver's begin
 * and commit; it must not call what waits for the committer. */
typedef enum bf_status bf__call_fn(void *ctx, struct bf_session *writer, struct bf_error *e);
enum bf_status bf__committer_call(struct bf_store *store, bf__call_fn *fn, void *ctx, struct bf_error *e);
/* As bf_log_read, with the after-images of these collections alone; none: as BF_LOG_HEADERS. */
enum bf_status bf__log_read_some(struct bf_store *store, struct bf_uuid tenant, int64_t after_n, unsigned limit,
                                 const struct bf_collection *const *colls, unsigned n_colls, struct bf_arena *arena,
                                 struct bf_log_entry **ret, unsigned *ret_n, struct bf_error *e);

struct bf_uuid bf__cursor_id(const char *consumer, struct bf_uuid tenant); /* of its document in bf__coll_cursors */
/* Deletes done jobs that were derived from entries up to `passed_n`, which every cursor has durably passed; a bounded number at a time. */
enum bf_status bf__jobs_forget(struct bf_store *store, struct bf_uuid tenant, int64_t passed_n, struct bf_error *e);

/* The erasure register: a text file beside the master key (its name and ".erasures"), outside every backup. A first line with a mark of the
 * key, then a line per destroyed subject: tenant, subject, n. bf__erasures_open, once the committer runs, makes it where it is not there, and destroys what it names and the store
 * has still. bf__erasures_note is durable when it returns; bf__erasures_each calls `fn` for each line, in order, BF_E_NOT_FOUND when there
 * is no register, BF_E_CONFIG when it is another key's; bf__erasures_known for each that the store itself has marked as destroyed. */
enum bf_status bf__erasures_open(struct bf_store *store, struct bf_error *e);
enum bf_status bf__erasures_note(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e);
/* As bf_store_destroy_subject, for a line that is in the register already. */
enum bf_status bf__keys_destroy(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e);
/* Marks the key as destroyed, unless it is, and forgets it. With a session that may write. */
enum bf_status bf__keys_end(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject, int64_t n,
                            struct bf_arena *arena, struct bf_error *e);
typedef enum bf_status bf__erasure_fn(void *ctx, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e);
/* As bf__erasures_note, unless there is a line for the subject. */
enum bf_status bf__erasures_note_once(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, int64_t n, struct bf_error *e);
enum bf_status bf__erasures_each(const char *master_key_file, const struct bf_key *master, bf__erasure_fn *fn, void *ctx,
                                 struct bf_error *e);
enum bf_status bf__erasures_known(struct bf_store *store, bf__erasure_fn *fn, void *ctx, struct bf_error *e);

/* Of storage/media/: called by bf__store_open once the committer runs; by bf_store_close before the driver closes. */
enum bf_status bf__media_open(struct bf_store *store, struct bf_error *e);
void bf__media_close(struct bf_store *store);
/* While held, no file of a blob is deleted. */
void bf__media_hold(struct bf_store *store);
void bf__media_release(struct bf_store *store);
/* Blobs against their hashes; adds to check->report. */
enum bf_status bf__media_check(struct bf_store *store, const struct bf_check *check, struct bf_error *e);
