/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages (uploads under way) and blobs (stored media), sealed at rest.
 *
 * A stage belongs to a tenant and a user. It is append-only: sealed records of up to 64 KiB; each acknowledged position ends in a sealed state
 * record {offset, fence, hash state} and one fdatasync; recovery truncates to the last valid state record. Two stage threads hash, seal and
 * sync; the calls marked "loop-safe" are asynchronous and their callbacks run on the handle's `home`.
 *
 * Blobs are keyed (tenant, sha256). Knowing a hash gives nothing: a blob is readable only through a holder of a wrap of its key. The
 * uploader's own wrap is made when the stage is finished; binding gives a wrap to the referring subject (the customer).
 */
#pragma once
#include "storage/storage.h"

struct bf_stage; /* an open handle: one writer at a time */

enum { BF_STAGE_PARTS_MAX = 128, BF_STAGE_METADATA_MAX = 8 << 10, BF_STAGE_HOLD = 128 << 10 };

struct bf_stage_info {
    struct bf_uuid id, tenant, user;
    int64_t offset; /* durable */
    int64_t length; /* -1: not known yet */
    int64_t expires_ms; /* moves with the durable offset */
    struct bf_str metadata; /* the caller's own, as given; at most BF_STAGE_METADATA_MAX */
    bool partial;           /* tus concatenation: a part */
    bool final;             /* tus concatenation: made of parts */
    bool finished;          /* the blob is stored */
    uint8_t sha256[32];     /* when finished */
};

struct bf_stage_new {
    struct bf_uuid id, tenant, user;
    int64_t length; /* -1: deferred */
    int64_t max_bytes;
    struct bf_str metadata;
    bool partial;
};

/* Durable (file and directory fsynced) when it returns. BF_E_QUOTA, BF_E_EXISTS, BF_E_TOO_LARGE, BF_E_NO_SPACE. Blocks. */
enum bf_status bf_stage_create(struct bf_store *store, const struct bf_stage_new *stage, struct bf_error *e);
/* What is durable now, without taking it over. BF_E_NOT_FOUND also for another tenant's or user's; BF_E_GONE when expired. Blocks. */
enum bf_status bf_stage_info(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_arena *arena,
                             struct bf_stage_info *ret, struct bf_error *e);
/* Takes the stage over: a new fence; the former writer's handle is dead (its `lost` runs, its appends answer BF_E_LOCKED); waits, bounded, for its
 * write in flight and makes it durable. `lost(ctx)` runs on `home` if a newcomer takes this handle's place. Blocks. */
enum bf_status bf_stage_open(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_mailbox *home,
                             void (*lost)(void *ctx), void *ctx, struct bf_arena *arena, struct bf_stage_info *ret_info, struct bf_stage **ret,
                             struct bf_error *e);
/* Sets a deferred length, once. It is the upload's with the next sync; a handle that is closed without one leaves no trace of it. */
enum bf_status bf_stage_set_length(struct bf_stage *stage, int64_t length, struct bf_error *e);
/* Appends bytes in order (copied before it returns); `took(ctx, n)` runs on `home` when they were sealed and written (or, after an error, dropped). Its n
 * add up to what was appended; calls are merged and split. Loop-safe. The bytes held per stage are bounded by the caller's window, at most 8 MiB; up to
 * BF_STAGE_HOLD of them wait for more bytes or for a sync, so that a smaller window stands still. After an error every later call answers it. */
enum bf_status bf_stage_append(struct bf_stage *stage, const void *p, size_t n, void (*took)(void *ctx, size_t n), void *ctx);
typedef void bf_stage_synced_fn(void *ctx, enum bf_status status, int64_t offset);
/* Makes all appended bytes durable; `done` on `home`. Loop-safe. */
enum bf_status bf_stage_sync(struct bf_stage *stage, bf_stage_synced_fn *done, void *ctx);
/* tus checksum: bytes appended after bf_stage_mark are hashed with `kind` as they pass, and are forgotten as a whole when the handle is closed or taken over
 * before bf_stage_sync_checked (or bf_stage_sync, which keeps them unchecked). Loop-safe. */
enum bf_stage_digest { BF_DIGEST_NONE, BF_DIGEST_SHA1, BF_DIGEST_SHA256, BF_DIGEST_MD5 };
void bf_stage_mark(struct bf_stage *stage, enum bf_stage_digest kind);
/* Waits for the appends before it, then compares: equal: syncs, BF_OK; not equal: forgets the bytes since the mark, BF_E_CHECKSUM. */
enum bf_status bf_stage_sync_checked(struct bf_stage *stage, const uint8_t *digest, size_t n, bf_stage_synced_fn *done, void *ctx);
typedef void bf_stage_finished_fn(void *ctx, enum bf_status status, const uint8_t *sha256);
/* All `length` bytes are durable (else BF_E_CONFLICT): stores the blob, with a wrap of its key for the uploader (partial stages store none). An upload that
 * is finished already says its hash again. bf_stage_open does the same for an upload that is whole. Loop-safe. */
enum bf_status bf_stage_finish(struct bf_stage *stage, bf_stage_finished_fn *done, void *ctx);
/* When the upload goes, as it stands now (bf_stage_info's expires_ms). Loop-safe. */
int64_t bf_stage_expires_ms(struct bf_stage *stage);
/* Gives the handle back. Bytes that were appended and not synced are made durable, those under a mark are forgotten. Loop-safe; callbacks under way still
 * run, but `lost` never after this, when it is called on `home`. */
void bf_stage_close(struct bf_stage **stage);
/* Runs what is queued for the stage threads and ends them. Handles may have been closed with bytes and callbacks under way: all of those are posted to
 * their homes when this returns, and nothing is posted after, so that the homes may end. No handle is open, none is opened any more. Blocks; also part
 * of bf_store_close. */
void bf_stages_drain(struct bf_store *store);
/* tus concatenation: makes the finished stage `stage->id` and its blob from finished partial stages of the same user, in order. Blocks. */
enum bf_status bf_stage_concat(struct bf_store *store, const struct bf_stage_new *stage, const struct bf_uuid *parts, unsigned n_parts,
                               uint8_t ret_sha256[32], struct bf_error *e);
enum bf_status bf_stage_delete(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_error *e);
/* Whether a record still waits for bytes that `user` uploaded. Anything but BF_OK: nobody knows, and the upload stays for now. */
typedef enum bf_status bf_stage_needed_fn(void *ctx, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32], bool *ret,
                                          struct bf_error *e);
/* Has `needed` asked before a finished upload that is deleted or expires gives its user's wrap back; while it says yes, the wrap stays, and goes when the
 * record is served (bf_blob_release). It is asked again when every request that saw the wrap is over, and says yes twice where a record came meanwhile:
 * before the wrap is put back and after. Set once, before anything is deleted; `ctx` must outlive the last deletion. */
void bf_stage_set_needed(struct bf_store *store, bf_stage_needed_fn *needed, void *ctx);
/* Deletes expired stages; returns how many. */
enum bf_status bf_stage_expire(struct bf_store *store, int64_t now_ms, unsigned *ret, struct bf_error *e);

/* ---- blobs ---- */

struct bf_blob_info {
    uint8_t sha256[32];
    int64_t size;
};

/* Stores bytes that the server made (pictures, Opus, peaks) under `subject`. Durable. Blocks. */
enum bf_status bf_blob_put(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, struct bf_str bytes, uint8_t ret_sha256[32],
                           struct bf_error *e);
/* BF_OK when `holder` (the user who uploaded it, or a subject) has a wrap; else BF_E_NOT_FOUND, in the same time and words as for unknown bytes. */
enum bf_status bf_blob_stat(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32],
                            struct bf_blob_info *ret, struct bf_error *e);
/* Gives `subject` a wrap on the strength of `holder`'s. Idempotent, durable. The holder's own stays until bf_blob_release. */
enum bf_status bf_blob_bind(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, struct bf_uuid subject,
                            const uint8_t sha256[32], struct bf_error *e);
enum bf_status bf_blob_release(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32], struct bf_error *e);

struct bf_blob;
enum bf_status bf_blob_open(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32],
                            struct bf_blob **ret, struct bf_blob_info *ret_info, struct bf_error *e);
/* Reads decrypted, verified bytes; *ret is 0 at the end. Not thread-safe per handle. */
enum bf_status bf_blob_read(struct bf_blob *blob, int64_t offset, void *buf, size_t n, size_t *ret, struct bf_error *e);
void bf_blob_close(struct bf_blob **blob);
