/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The media of a store from the inside: the table of uploads, each with its files.
 *
 * An upload is in the table from its creation, or from the scan at start, to its expiry. Four things protect it:
 *   - `media->lock`, held for moments only, for the table and for the facts;
 *   - being busy: who has entered an upload works on its file, perhaps for the time of an fdatasync; newcomers wait, bounded;
 *   - `writer`: the one handle whose bytes are taken. Who enters and is not (or no longer) the writer leaves the file alone;
 *   - the settle lock of its bytes, between the end of one upload of them and another's deletion.
 *
 *        create ──► open for writing ──► all bytes durable ──► finished ──► expired or deleted
 *                     │       ▲ takeover      (complete: index and foot stand, the blob is being stored; done again after a crash)
 *                     └───────┘
 */
#pragma once
#include "core/env.h"
#include "core/pool.h"
#include "storage/internal.h"
#include "storage/media.h"
#include "storage/media/chunk.h"
#include "storage/media/digest.h"
#include "storage/media/frames.h"
#include "storage/media/info.h"
#include <stdatomic.h>
#include <uthash.h>

enum {
    BF__STAGE_THREADS = 2,
    BF__STAGE_THREADS_MAX = 8,        /* where each waits for a database and not for the disk */
    BF__IDLE_FILES_MAX = 256,         /* data files kept open between two requests of their uploads */
    BF__IDLE_SHARED_MAX = 32,         /* the same, where each has a chunk in memory */
    BF__USER_UPLOADS_MAX = 512,       /* unfinished uploads of one user */
    BF__USER_KEPT_MAX = 4096,         /* finished ones whose bytes are no record's */
    BF__UNUSED_TTL_MS = 4 * 3600 * 1000, /* of an upload without a byte: its sender may never have learnt where it is */
    BF__STAGE_HELD_MAX = 8 << 20,     /* bytes that one writer may have under way */
    BF__STAGE_QUEUE_MAX = 1 << 16,    /* tasks; a bound on paper: each writer's bytes are bounded */
    BF__TAKEOVER_WAIT_MS = 10 * 1000, /* for the write in flight */
    BF__PUTS_MAX = 64,                /* bf_blob_put at a time */
    BF__SPARES_MAX = 256,
    BF__LEAVING_MAX = 256,           /* over it a wrap goes at once */
    BF__LEAVING_MS = 120 * 1000,     /* longer than any request takes */
    BF__SETTLE_LOCKS = 16,
    BF__SPENT_MAX = 32, /* over it, on a disk that is slow to free them, whoever comes closes his own */
};

struct bf_media;
struct bf__sender;
struct bf__shelf_vtable;

/* Does the user still have the wrap that the finish gave him? It goes when the bytes have become a record's. */
enum bf__hold { BF__HOLD_UNKNOWN, BF__HOLD_STANDS, BF__HOLD_GONE };

struct bf__upload {
    struct bf_uuid id; /* the table's key */
    UT_hash_handle hh;
    struct bf_media *media;
    /* under media->lock */
    unsigned refs; /* the table's, and one of each handle and call */
    unsigned waiting;
    bool busy;
    bool gone;  /* no longer in the table */
    bool leaving; /* being deleted */
    bool known; /* offset, length, fence and touched_ms were read from the data file */
    bool finished;
    enum bf__hold hold; /* when finished */
    struct bf_stage *writer;
    uint64_t fence; /* counts takeovers, noted in each STATE; within one process `writer` decides whose bytes are taken */
    int64_t offset, length, touched_ms;
    uint8_t sha256[32];
    struct bf__upload *prev_idle, *next_idle; /* while its file is open and nobody writes */
    bool idle;
    struct bf__upload *prev_own, *next_own; /* of the same user */
    /* never change */
    struct bf_uuid tenant, user, file_id;
    int64_t created_ms, max_bytes;
    bool partial, final;
    struct bf_str metadata;
    /* of whoever is busy */
    struct bf__file *file;
    struct bf__digest *digest; /* of the running mark, if any */
    bool has_mark;
    /* shared: of whoever is busy; what its document says (registry.h) */
    struct {
        int64_t rev, epoch, bytes; /* bytes: of the file, that count */
        bool is_mine, is_complete, is_leaving; /* the epoch is this process's; sha256 is the content's; it is being deleted */
        struct bf_str info;                /* packed; its own */
    } doc;
};

/* What a user's uploads come to. */
struct bf__sums {
    unsigned n_open, n_kept;
    int64_t open, kept;
};

/* A wrap that was given back, and could be put back (leaving.c). */
struct bf__leaving {
    struct bf_uuid tenant, holder, file;
    uint8_t sha256[32];
    int64_t size, until_ms; /* monotonic */
    struct bf_key key;
};

struct bf_media {
    struct bf_store *store;
    const struct bf_env *env;
    struct bf_key master; /* wraps the keys of uploads under way */
    const struct bf__shelf_vtable *shelf;
    bool is_shared;         /* with other processes: the table is a copy of what registry.h knows */
    struct bf_uuid process; /* names this process in what is shared */
    int stages_fd, blobs_fd; /* of shelf_dir.c */
    struct bf_pool *threads[BF__STAGE_THREADS_MAX];
    unsigned n_threads;
    struct bf__chunks *chunks;
    pthread_mutex_t settling[BF__SETTLE_LOCKS]; /* by SHA-256, taken before `lock`: see bf__settle_lock */
    pthread_mutex_t lock;
    pthread_cond_t left;
    struct bf__upload *uploads, *idle;
    struct bf__sender *senders;
    unsigned n_idle;
    /* Files of finished uploads whose bytes were there already: closed by a thread of its own, so that nobody waits for that. */
    struct bf_pool *closer;
    struct bf_task close_spent;
    bool closing; /* the task is queued */
    struct bf__file *spent[BF__SPENT_MAX];
    unsigned n_spent;
    unsigned holds;     /* backups under way: no blob's file is deleted */
    struct bf_uuid spares[BF__SPARES_MAX]; /* files that no document names any more, kept until the backups are done; over the limit, check finds them */
    unsigned n_spares;
    struct bf_uuid puts[BF__PUTS_MAX]; /* files that bf_blob_put is making */
    unsigned n_puts;
    struct bf__leaving leaving[BF__LEAVING_MAX];
    unsigned n_leaving;
    bf_stage_needed_fn *needed; /* NULL: nobody needs what is given back */
    void *needed_ctx;
};

struct bf_stage {
    struct bf_media *media;
    struct bf__upload *upload;
    struct bf_mailbox *home;
    void (*lost)(void *ctx);
    void *ctx;
    struct bf_task lost_task;
    int64_t length;        /* under media->lock: said through this handle, the upload's with the next sync; -1 */
    atomic_uint refs;      /* the owner's, one per chunk under way, one for lost_task */
    atomic_int status;     /* sticky */
    atomic_bool closed;
    atomic_size_t held;
    struct bf__chunk *full, *filling; /* home's; `full` goes before `filling`, or is NULL */
};

/* The store's media, or BF_E_NOT_SUPPORTED where it has no place for files. */
enum bf_status bf__media_of(struct bf_store *store, struct bf_media **ret, struct bf_error *e);

/* ---- the table (upload.c) ---- */

/* Puts a new upload into the table, busy; its one other ref is the caller's. BF_E_EXISTS; BF_E_QUOTA when it is to be charged. */
enum bf_status bf__upload_add(struct bf_media *media, const struct bf__info *info, bool charge, struct bf__upload **ret, struct bf_error *e);
/* The upload, with a ref; BF_E_NOT_FOUND also when it is another's. *ret_fresh: all of it is known to be so. */
enum bf_status bf__upload_find(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf__upload **ret,
                               bool *ret_fresh, struct bf_error *e);
void bf__upload_unref(struct bf__upload *upload);
int64_t bf__upload_length(const struct bf__upload *upload); /* under the lock; as its writer has it */
/* BF_E_LOCKED after wait_ms (negative: waits for good), BF_E_NOT_FOUND when it went meanwhile. */
enum bf_status bf__upload_enter(struct bf__upload *upload, int64_t wait_ms, struct bf_error *e);
/* The same, once the bytes of a writer that has closed were written. */
enum bf_status bf__upload_enter_drained(struct bf__upload *upload, int64_t wait_ms, struct bf_error *e);
void bf__upload_leave(struct bf__upload *upload);
void bf__upload_leave_table(struct bf__upload *upload); /* it is no more; the caller has a ref still */
void bf__spent_close(struct bf_task *task); /* `close_spent` */
int64_t bf__upload_expires(const struct bf__upload *upload); /* under the lock */
/* When an upload goes: what that depends on. */
struct bf__expiring {
    bool is_finished, is_held; /* is_held: a finished one whose bytes no record took */
    int64_t offset, touched_ms;
};
int64_t bf__expiry(const struct bf_store_config *config, const struct bf__expiring *upload);
/* Reads, where it is not known, whether the hold stands. */
enum bf_status bf__upload_learn_hold(struct bf__upload *upload, struct bf_error *e);
void bf__upload_info(struct bf__upload *upload, struct bf_arena *arena, struct bf_stage_info *ret);

/* ---- whose they are (senders.c) ---- */

/* Under the lock: into and out of its user's list, and what that comes to. Not where it is shared. */
void bf__sender_add(struct bf__upload *upload);
void bf__sender_remove(struct bf__upload *upload);
struct bf__sums bf__sender_sums(struct bf_media *media, const struct bf__info *info);
/* BF_E_QUOTA when a new one is too much. */
enum bf_status bf__sums_judge(const struct bf_store_config *config, const struct bf__sums *sums, const struct bf__info *info, struct bf_error *e);
/* Reads all holds of the user that are not known; false when all were. */
bool bf__sender_learn_holds(struct bf_media *media, const struct bf__info *info);
/* A wrap of the user's was given back: whoever wants to know looks again. */
void bf__sender_doubt(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32]);
/* Does a finished upload of the same user stand for the same bytes? */
enum bf_status bf__sender_has_equal(struct bf__upload *upload, bool *ret, struct bf_error *e);

/* ---- what is done to one (settle.c): all want it entered ---- */

/* Opens the data file and recovers, unless it is open and sound; finishes what a crash cut short. */
enum bf_status bf__upload_load(struct bf__upload *upload, struct bf_error *e);
/* Takes the writer's place away, and settles what it wrote: bytes under a mark are forgotten, all others become durable. */
enum bf_status bf__upload_displace(struct bf__upload *upload, struct bf_error *e);
enum bf_status bf__upload_sync(struct bf__upload *upload, uint8_t *rec, size_t n, struct bf_error *e);
enum bf_status bf__upload_rollback(struct bf__upload *upload, struct bf_error *e);
/* Stores the blob (or, of a part, nothing) and notes the outcome. Done again, it only says the outcome. */
enum bf_status bf__upload_finish(struct bf__upload *upload, uint8_t ret_sha256[32], struct bf_error *e);
/* Held from a wrap's commit until its upload is known as finished, and while it is judged whether a user's wrap may go: else the end of one upload takes
 * the wrap that another one of the same bytes was just given. Blocks for the time of a finish. */
pthread_mutex_t *bf__settle_lock(struct bf_media *media, const uint8_t sha256[32]);
/* Deletes files and entry; a finished one's wrap for its user goes too, unless another upload of the user stands for the same bytes or a record still
 * needs them. */
enum bf_status bf__upload_delete(struct bf__upload *upload, struct bf_error *e);

/* ---- handles (writer.c) ---- */

struct bf_stage *bf__stage_create(struct bf__upload *upload, struct bf_mailbox *home, void (*lost)(void *ctx), void *ctx); /* takes the ref over */
void bf__stage_lose(struct bf_stage *stage); /* its place was taken */

/* ---- blobs (wraps.c, blob.c) ---- */

/* Makes a complete file that of the blob (its tenant, sha256), with a wrap of its key for `holder`; or, when the blob is there, gives the holder a wrap of
 * its key. The same calls that wait are made in both cases. Durable. */
struct bf__kept;
enum bf_status bf__blob_store(struct bf_media *media, const struct bf__kept *kept, struct bf_uuid holder, const struct bf_key *key,
                              const uint8_t sha256[32], int64_t size, struct bf_error *e);
/* Deletes the files of dying blobs that could not be deleted at the time, and the documents of those that died long ago. */
enum bf_status bf__blob_sweep(struct bf_media *media, struct bf_error *e);
/* Deletes the file of a blob, or puts it off while a backup runs. */
enum bf_status bf__blob_drop(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e);
/* The same, where neither the blob's document nor a wrap that is leaving has use for it. */
enum bf_status bf__blob_drop_unless_named(struct bf_media *media, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_uuid file,
                                          struct bf_error *e);
/* Is it the file of the blob's document `doc`, or leaving with a wrap of it? */
enum bf_status bf__blob_names(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid doc, struct bf_uuid file, bool *ret, struct bf_error *e);
