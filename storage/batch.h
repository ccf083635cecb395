/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a batch: batch.c runs it, decision.c turns what was decided into operations and these into an entry. */
#pragma once
#include "storage/committer.h"
#include "storage/heads.h"
#include <uthash.h>

struct bf__slot_key {
    const struct bf_collection *coll;
    struct bf_uuid id;
};

/* A document that some read set names. */
struct bf__slot {
    struct bf__slot_key key;
    struct bf_doc *stored;  /* as in the database */
    struct bf_doc *current; /* with the operations of this batch laid over it */
    struct bf_str bson;     /* of `current`, when it differs from `stored` */
    bool dirty;
    struct bf__slot *next_dirty;
    UT_hash_handle hh;
};

struct bf__put {
    struct bf__slot *slot;
    struct bf_doc *doc;
};

struct bf__batch {
    struct bf_store *store;
    struct bf_session *s;
    struct bf__part_sealer *sealer;
    struct bf_arena *arena;
    struct bf_uuid tenant;
    struct bf__item **items;
    unsigned n_items;
    struct bf__slot *slots;
    int64_t head_n, at_ms; /* of the entry that is being filled: head_n + 1 */
    struct bf__head head;  /* where others write to the log, too: what this process knows of it */
    bool is_shared;        /* others wrote since the last entry of this process */
    bool sent;             /* an entry may be in the log, or is, and its documents could not be rolled forward */
    struct bf__entry entry;
    unsigned ops_cap;
    struct bf__item **in_entry; /* the items whose requests the entry holds */
    size_t entry_bytes;
    struct bf__slot *dirty;
    int64_t written_n;
    struct bf_uuid keys_of; /* whose keys these are: neighbouring operations mostly share a subject */
    struct bf__subject_keys keys;
    bool has_keys;
    struct bf__slot_key outside; /* what the decision at work asked for outside its read set; coll NULL: nothing */
};

struct bf_view {
    struct bf__batch *b;
    const struct bf__item *item;
};

struct bf_decision {
    struct bf__batch *b;
    const struct bf__item *item;
    struct bf__put *puts;
    unsigned n_puts, cap;
    int http_status;
    struct bf_str body;
    struct bf_uuid receipt_subject;
};

struct bf__drafts {
    struct bf__entry_op *ops;
    struct bf_str *bsons;
    struct bf__entry_request request;
    size_t bytes;
};

/* NULL when no read set names it. */
struct bf__slot *bf__slot_find(struct bf__batch *b, const struct bf_collection *coll, struct bf_uuid id);
/* Encodes and seals the decision's operations as those of entry head_n + 1 from k = n_ops on. BF_E_GONE when a subject's key was destroyed.
 */
enum bf_status bf__draft(struct bf__batch *b, const struct bf_decision *d, struct bf__drafts *ret, struct bf_error *e);
/* Takes the drafts into the entry and lays the documents over the view; there is room (the caller saw to the limits). */
void bf__draft_accept(struct bf__batch *b, struct bf__item *item, const struct bf_decision *d, const struct bf__drafts *drafts);
/* Writes the entry, if it holds anything, and rolls its documents forward. */
enum bf_status bf__entry_write(struct bf__batch *b, struct bf_error *e);
void bf__batch_forget_keys(struct bf__batch *b);
