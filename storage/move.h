/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store moved into another, of the same or another driver: bf_store_move from the inside.
 *
 *   "moving" is set -> documents -> logs -> files of blobs -> all of it read again on both sides and compared -> heads -> facts -> "moving" is cleared
 *
 * "moving" is a fact of the destination, with the source's incarnation: while it stands, nobody but a move of the same source opens that store. Each step
 * looks at what is there and does what is missing, so a move that was cut off anywhere is done by the same call again, also when the source was served
 * meanwhile.
 *
 * One thread. Both stores are open, the destination as struct bf__opening says, and nobody else works on either: with one_transaction their locks see
 * to that; of a source without, it is seen at the end that no log has grown.
 */
#pragma once
#include "core/crypto.h"
#include "storage/internal.h"

struct bf__move {
    struct bf_store *from, *to;
    void (*say)(void *ctx, const char *line); /* NULL: nobody listens */
    void *ctx;
    struct bf__move_log { /* of each company, by its id */
        struct bf_uuid tenant;
        int64_t n; /* the last entry */
    } * logs;
    unsigned n_logs;
    struct bf_arena *arena; /* of `logs` */
    int64_t documents, entries, files, bytes;
    struct bf_hash_state all; /* of the hashes that both sides agreed on, in their order */
    bool may_be_absent; /* files go while they are read: dump.h */
};

/* Whether a collection is copied as it is. */
bool bf__move_takes(const struct bf_collection *coll);
/* The whole. BF_E_CONFLICT: the destination is not new, or is another's; BF_E_CORRUPT: the two differ, or the source is damaged. */
enum bf_status bf__move(struct bf__move *m, struct bf_error *e);

void bf__move_say(const struct bf__move *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Both sides have the same, of which this is the hash; else BF_E_CORRUPT, with a cause that begins with `what`. */
enum bf_status bf__move_agree(struct bf__move *m, const char *what, int64_t n_from, struct bf_hash_state *from, int64_t n_to, struct bf_hash_state *to,
                              struct bf_error *e);

/* A fact of the store, where the source has it. */
enum bf_status bf__move_fact(struct bf__move *m, const char *name, struct bf_error *e);

/* All rows of a collection, by tenant and id. */
struct bf__move_rows {
    struct bf_store *store;
    const struct bf_collection *coll;
    struct bf_arena *arena; /* of the page; emptied with the next one */
    struct bf_row *page, last;
    unsigned n, at;
    bool begun, ended;
};
void bf__move_rows_begin(struct bf__move_rows *r, struct bf_store *store, const struct bf_collection *coll);
/* The row that stands next, NULL behind the last; rows->at++ goes on. It lives until the page's last one was passed and this is called again. */
enum bf_status bf__move_rows_look(struct bf__move_rows *r, struct bf_row **ret, struct bf_error *e);
void bf__move_rows_end(struct bf__move_rows *r);

/* move_rows.c: one collection. `compare` reads both sides again. */
enum bf_status bf__move_rows_copy(struct bf__move *m, const struct bf_collection *coll, struct bf_error *e);
enum bf_status bf__move_rows_compare(struct bf__move *m, const struct bf_collection *coll, struct bf_error *e);
/* move_log.c: one company's log, to the end that it had when the move began. */
enum bf_status bf__move_log_copy(struct bf__move *m, const struct bf__move_log *log, struct bf_error *e);
enum bf_status bf__move_log_compare(struct bf__move *m, const struct bf__move_log *log, struct bf_error *e);
/* media/carry.c: the files of all blobs, and what came of finished uploads. */
enum bf_status bf__move_files_copy(struct bf__move *m, struct bf_error *e);
enum bf_status bf__move_files_compare(struct bf__move *m, struct bf_error *e);
