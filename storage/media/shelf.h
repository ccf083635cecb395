/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the files of a store's media lie. There are two shelves: directories of this machine, for a store that is alone with its data (shelf_dir.c), and
 * the store's own database, where other processes receive the same uploads (shelf_store.c).
 *
 * Functions of an upload want it entered (upload.h).
 */
#pragma once
#include "storage/media/upload.h"

/* A complete file that becomes a blob's. */
struct bf__kept {
    struct bf_uuid tenant, file;
    const char *name; /* in stages/, where it has one */
    uint64_t bytes;   /* of the file, not of the content */
};

/* A file that bf_blob_put makes. */
struct bf__put {
    struct bf__kept kept;
    const uint8_t *sha256; /* of the content, that is of the blob which is to name the file */
    char name[3 * BF_UUID_TEXT + 8];
};

typedef enum bf_status bf__outcome_fn(void *ctx, const struct bf__info *info, struct bf_error *e);

struct bf__shelf_vtable {
    enum bf_status (*open)(struct bf_media *media, struct bf_error *e); /* settles what a crash cut short, where nobody else could */
    void (*close)(struct bf_media *media);

    /* Makes the upload, durable; *ret takes its content. */
    enum bf_status (*create)(struct bf__upload *up, const struct bf__info *info, struct bf__io **ret, struct bf_error *e);
    enum bf_status (*read_info)(struct bf__upload *up, struct bf__info *ret, struct bf_error *e);
    /* The content, to go on with. */
    enum bf_status (*open_data)(struct bf__upload *up, struct bf__io **ret, struct bf_error *e);
    /* Notes the outcome (info->sha256, size, finished_ms) and takes the key away unless `keep_key`. BF_E_LOCKED: another process has the upload;
     * BF_E_NOT_FOUND: it has gone. */
    enum bf_status (*finish)(struct bf__upload *up, struct bf__info *info, bool keep_key, struct bf_error *e);
    enum bf_status (*spend)(struct bf__upload *up, struct bf_error *e); /* the content is a blob's now, and not the upload's any more */
    bool (*may_be_kept)(struct bf__upload *up);                         /* `keep` may have been called */
    enum bf_status (*forget)(struct bf__upload *up, struct bf_error *e); /* all of it but the file of a blob */

    enum bf_status (*keep)(struct bf_media *media, const struct bf__kept *kept, struct bf_error *e); /* again and again if asked */
    enum bf_status (*open_blob)(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf__io **ret, struct bf_error *e);
    enum bf_status (*drop)(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e); /* absent is BF_OK */
    enum bf_status (*settle)(struct bf_media *media, struct bf_error *e); /* what was dropped stays dropped */
    /* The files of all blobs; those that somebody may be making now can be left out. */
    enum bf_status (*list)(struct bf_media *media, void (*fn)(void *ctx, const struct bf__kept *kept), void *ctx, struct bf_error *e);
    enum bf_status (*is_there)(struct bf_media *media, const struct bf__kept *kept, bool *ret, struct bf_error *e);

    enum bf_status (*put_begin)(struct bf_media *media, struct bf__put *put, struct bf__io **ret, struct bf_error *e);
    enum bf_status (*put_end)(struct bf_media *media, const struct bf__put *put, struct bf_error *e);

    /* For a move to another store (storage/move.h), where nobody else is there. As put_begin and put_end, of a file that the blob's document names already. */
    enum bf_status (*carry_begin)(struct bf_media *media, struct bf__put *put, struct bf__io **ret, struct bf_error *e);
    enum bf_status (*carry_end)(struct bf_media *media, const struct bf__put *put, struct bf_error *e);
    /* The uploads that are finished (parts are not told); put_outcome: in the place of an older one. drop_outcome: absent is BF_OK. */
    enum bf_status (*outcomes)(struct bf_media *media, bf__outcome_fn *fn, void *ctx, struct bf_error *e);
    enum bf_status (*put_outcome)(struct bf_media *media, const struct bf__info *info, struct bf_error *e);
    enum bf_status (*drop_outcome)(struct bf_media *media, struct bf_uuid id, struct bf_error *e);
};

extern const struct bf__shelf_vtable bf__shelf_dir, bf__shelf_store;
