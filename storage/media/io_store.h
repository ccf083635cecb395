/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in the store's database: chunks of BF_CHUNK_BYTES (storage/driver.h). What was written gathers in one chunk's room; a chunk goes to the database
 * when it is full, and with a sync, which ends with the caller's `commit`: that makes the bytes count. A chunk may be sent again, longer; what stood in
 * it before the last commit stands at its begin then, so nobody who reads up to what counts sees a difference.
 */
#pragma once
#include "storage/media/upload.h"

/* Makes the first `bytes` of the file count. BF_E_LOCKED: they are not ours to write any more. */
typedef enum bf_status bf__io_commit_fn(void *ctx, uint64_t bytes, const struct bf__io_note *note, struct bf_error *e);

struct bf__io_place {
    struct bf_uuid tenant, file;
    int64_t epoch;
    uint64_t bytes;  /* that count */
    uint64_t offset; /* of the content at their end */
    bf__io_commit_fn *commit; /* NULL: nobody else looks before all is written */
    void *ctx;
};

struct bf__io *bf__io_store(struct bf_media *media, const struct bf__io_place *place);
