/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of an upload that several processes know, in the system collection `uploads`: no content, names nobody, and is small. All of it is
 * decided under its rev. Of a file that the server itself is making there is one, too, until a blob's document names it.
 */
#pragma once
#include "storage/media/upload.h"

enum bf__doc_state {
    BF__DOC_OPEN,    /* bytes come, or the outcome is being noted */
    BF__DOC_KEPT,    /* finished; its user's wrap stands */
    BF__DOC_SETTLED, /* finished; the bytes are a record's, or nobody's */
    BF__DOC_LEAVING, /* being deleted */
    BF__DOC_PUT,     /* bf_blob_put */
};

struct bf__upload_doc {
    struct bf_uuid id, tenant, user, file;
    struct bf_uuid owner; /* the process whose epoch it is */
    enum bf__doc_state state;
    int64_t rev;                          /* as read; 0: not stored yet */
    int64_t due_ms;                       /* when it is to be looked at for its expiry */
    int64_t epoch, bytes, offset, length; /* bytes: of the file, that count */
    int64_t touched_ms, reserved;         /* reserved: what it counts for its user */
    bool is_complete;                     /* and will be, or is, a blob of `sha256` */
    uint8_t sha256[32];
    struct bf_str info; /* packed; see info.h */
};

/* Points into `doc`. BF_E_CORRUPT. */
enum bf_status bf__upload_doc_read(const struct bf_doc *doc, struct bf__upload_doc *ret, struct bf_error *e);
/* *ret_found is false when there is none. What it points to lives in `arena`. */
enum bf_status bf__upload_doc_get(struct bf_media *media, struct bf_uuid id, struct bf_arena *arena, struct bf__upload_doc *ret, bool *ret_found,
                                  struct bf_error *e);
/* Inserts (rev 0: BF_E_EXISTS) or replaces what was read (BF_E_STALE: it was changed, or has gone). An answer that was lost is looked for: BF_OK when
 * the write is there; BF_E_UNKNOWN_OUTCOME when it may still come. Sets doc->rev. */
enum bf_status bf__upload_doc_write(struct bf_media *media, struct bf__upload_doc *doc, struct bf_error *e);
enum bf_status bf__upload_doc_delete(struct bf_media *media, const struct bf__upload_doc *doc, struct bf_error *e); /* BF_E_STALE */

/* Those of a user in the states given (a set of bits), one page: `after` and *ret_after go from one to the next; n = 0 ends. At most BF_PAGE_MAX. */
enum bf_status bf__upload_docs_of(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, unsigned states, struct bf_str after,
                                  struct bf_arena *arena, struct bf__upload_doc **ret, unsigned *ret_n, struct bf_str *ret_after, struct bf_error *e);
/* Those to be looked at, the most overdue first; at most `max` (BF_PAGE_MAX). */
enum bf_status bf__upload_docs_due(struct bf_media *media, int64_t now_ms, unsigned max, struct bf_arena *arena, struct bf__upload_doc **ret,
                                   unsigned *ret_n, struct bf_error *e);

/* What the document of an upload says as this process knows it; under the rev and with the info it has. */
void bf__upload_doc_of(struct bf__upload *up, struct bf__upload_doc *ret);
void bf__upload_keep_info(struct bf__upload *up, struct bf_str info); /* a copy, in the place of the one before */
