/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data file of an upload, which becomes the blob's file when the upload is complete (docs/MEDIA.md).
 *
 * Content is appended as DATA records. A STATE record and one fdatasync make what stands before it durable; opening truncates to the last STATE
 * that is whole and whose records since the STATE before it are whole, writes the last of it anew and syncs that: what was read may have been in the
 * page cache only. INDEX and FOOT records complete the file; it never changes after that.
 *
 * One thread at a time. After a failed fdatasync the file is truncated to what was synced before, since the kernel may show pages that it has dropped,
 * and answers BF_E_IO until it is opened anew.
 */
#pragma once
#include "storage/media/io.h"
#include "storage/media/record.h"

struct bf__file;

enum {
    BF__FILE_START = 32,  /* the first record stands behind the file's name for itself */
    BF__STATE_BODY = 176,
    /* What a caller's buffer holds: a full DATA record, and room for the STATE record that may be written with it. */
    BF__FILE_ROOM = BF__OVERHEAD + BF__BODY_MAX + BF__OVERHEAD + BF__STATE_BODY,
};

/* What a STATE record says. */
struct bf__position {
    int64_t offset; /* durable bytes of content */
    int64_t length; /* of the whole, -1: not known yet */
    int64_t at_ms;
    uint64_t fence;
};

/* Begins a new file. Takes `io`, which is empty, over, also when it fails. */
enum bf_status bf__file_create(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__file **ret,
                               struct bf_error *e);
/* Recovers; what it finds is durable. *ret_complete: the FOOT stands. An empty file is an upload of which nothing is durable. Takes `io` over, also when
 * it fails. */
enum bf_status bf__file_open(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__file **ret,
                             struct bf__position *ret_position, bool *ret_complete, struct bf_error *e);
/* The same for the file NAME of this machine. Created: BF_E_EXISTS; the directory's entry is for the caller to sync. Opened: made when absent. */
enum bf_status bf__file_create_at(const struct bf_env *env, int dir_fd, const char *name, const struct bf_key *key, struct bf_uuid id,
                                  struct bf__file **ret, struct bf_error *e);
enum bf_status bf__file_open_at(const struct bf_env *env, int dir_fd, const char *name, const struct bf_key *key, struct bf_uuid id,
                                struct bf__file **ret, struct bf__position *ret_position, bool *ret_complete, struct bf_error *e);
void bf__file_close(struct bf__file **file);

/* Hashes, seals and writes the n bytes at rec + BF__HEAD; `rec` has BF__FILE_ROOM bytes, which are used up. When the write fails, everything since the
 * last sync is forgotten. */
enum bf_status bf__file_append(struct bf__file *file, uint8_t *rec, size_t n, struct bf_error *e);
/* The same (n may be 0) with a STATE of `position` (its offset is filled in) in the same write, then one fdatasync. */
enum bf_status bf__file_sync(struct bf__file *file, uint8_t *rec, size_t n, struct bf__position *position, struct bf_error *e);
int64_t bf__file_offset(const struct bf__file *file); /* written, perhaps not durable */
bool bf__file_dirty(const struct bf__file *file);     /* something was written since the last sync */
bool bf__file_is_broken(const struct bf__file *file); /* an fdatasync failed: only another opening helps */

/* bf__file_rollback forgets what was appended since bf__file_mark. A sync takes the mark away. */
void bf__file_mark(struct bf__file *file);
enum bf_status bf__file_rollback(struct bf__file *file, struct bf_error *e);

/* Writes index and foot behind what was appended, and syncs. Gives the content's SHA-256; again and again if asked. */
enum bf_status bf__file_complete(struct bf__file *file, uint8_t ret_sha256[32], struct bf_error *e);
/* Whether that was done, by this process or another; with the SHA-256. */
bool bf__file_is_complete(const struct bf__file *file, uint8_t ret_sha256[32]);
/* No name is left: the last close frees its blocks, which takes as long as it is large. */
bool bf__file_is_nameless(const struct bf__file *file);
/* The bytes of the file as it stands, records and all. */
enum bf_status bf__file_bytes(const struct bf__file *file, uint64_t *ret, struct bf_error *e);
