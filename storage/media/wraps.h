/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a blob, one per (tenant, SHA-256): which file holds it, and its key, wrapped once for each holder under that subject's key. A holder whose
 * subject's key was destroyed has lost it; a blob without any holder is `dying`, its file is deleted, and whoever stores the same bytes meanwhile gives
 * the document a new file (a new generation). Every change is guarded by the document's rev.
 *
 * The document of a dying blob stays for BF__BURY_AFTER_MS: a rev starts at 1 again when a document was deleted, and somebody may still be about to
 * write under one that he read before.
 */
#pragma once
#include "storage/media/upload.h"

enum { BF__HOLDERS_MAX = 4096, BF__BURY_AFTER_MS = 3600 * 1000, BF__WRAPPED = BF_KEY_BYTES + BF_SEAL_OVERHEAD };

enum bf__blob_state { BF__BLOB_LIVE, BF__BLOB_DYING };

struct bf__wrap {
    struct bf_uuid holder;
    uint8_t wrapped[BF__WRAPPED];
};

struct bf__blob_doc {
    const struct bf_doc *doc; /* NULL: none stored */
    struct bf_uuid tenant, file;
    uint8_t sha256[32];
    int64_t size;
    enum bf__blob_state state;
    int64_t changed_ms; /* of the last write */
    struct bf__wrap *wraps;
    unsigned n_wraps;
};

struct bf_uuid bf__blob_id(const uint8_t sha256[32]);
void bf__blob_name(const struct bf_uuid *file, char out[BF_UUID_TEXT]); /* in blobs/ */
/* Reads the document. With none: BF_OK and ret->doc NULL. */
enum bf_status bf__blob_get(struct bf_media *media, struct bf_arena *arena, struct bf_uuid tenant, const uint8_t sha256[32],
                            struct bf__blob_doc *ret, struct bf_error *e);
enum bf_status bf__blob_read(struct bf_uuid tenant, const struct bf_doc *doc, struct bf_arena *arena, struct bf__blob_doc *ret, struct bf_error *e);
/* Writes it where it was read. BF_E_STALE: somebody was quicker. */
enum bf_status bf__blob_write(struct bf_media *media, struct bf_arena *arena, struct bf__blob_doc *blob, struct bf_error *e);

int bf__wrap_find(const struct bf__blob_doc *blob, struct bf_uuid holder); /* -1: none; all are looked at */
/* Gives `holder` a wrap of `key`, in the place of an older one. */
enum bf_status bf__wrap_add(struct bf_media *media, struct bf_arena *arena, struct bf__blob_doc *blob, struct bf_uuid holder,
                            const struct bf_key *key, struct bf_error *e);
void bf__wrap_remove(struct bf__blob_doc *blob, unsigned i);
/* BF_E_GONE when the holder's key was destroyed. */
enum bf_status bf__wrap_open(struct bf_media *media, const struct bf__blob_doc *blob, unsigned i, struct bf_key *ret, struct bf_error *e);
/* By any wrap that opens; BF_E_GONE when none does any more. */
enum bf_status bf__blob_key(struct bf_media *media, const struct bf__blob_doc *blob, struct bf_key *ret, struct bf_error *e);
/* Opens the file, and sees that it holds these bytes. */
enum bf_status bf__blob_frames(struct bf_media *media, const struct bf__blob_doc *blob, const struct bf_key *key, struct bf__frames **ret,
                               struct bf_error *e);
