/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a check: check.c leads it, check_log.c walks the logs, check_docs.c judges documents, check_queue.c jobs and cursors.
 *
 * It reads in slices, each with a reader's session that is given back after it, so that the store serves meanwhile. What looks wrong to a
 * reader is a suspect: it is judged, told and mended later on the committer, where nothing changes under it. By then the walk over its
 * log knows which operation on it is the last one, so that a document is told once and made anew in one step.
 */
#pragma once
#include "storage/committer.h"
#include <uthash.h>

enum { BF__SUSPECTS_MAX = 65536, BF__DOUBTED_MAX = 65536 };

struct bf__suspect {
    struct bf__suspect_key {
        const struct bf_collection *coll;
        struct bf_uuid tenant, id;
    } key;
    int64_t n; /* the last operation on it that the walk met; 0: none */
    int k;
    UT_hash_handle hh;
};

/* A company whose log is damaged, has a hole or has lost its end: it cannot say which operation on a document was the last. */
struct bf__doubted {
    struct bf_uuid tenant;
    UT_hash_handle hh;
};

struct bf__care {
    struct bf_store *store;
    const struct bf_driver_vtable *vt;
    const struct bf_check *asked;
    struct bf_check check; /* the same, but that its `say` keeps the lines: they go out between slices, to who may then use the store */
    struct bf_buf lines;
    struct bf__suspect *suspects;
    bool overfull; /* there were more than BF__SUSPECTS_MAX */
    struct bf__doubted *doubted;
    bool all_doubted; /* there were more than BF__DOUBTED_MAX */
};

/* Counts and says a fault; `id` NULL: none. */
void bf__care_fault(struct bf__care *c, struct bf_uuid tenant, int64_t n, const char *what, const char *coll, const struct bf_uuid *id);
/* Runs `fn` with a reader's session, says what it found, and ends the check when it was stopped. */
typedef enum bf_status bf__slice_fn(struct bf__care *c, struct bf_session *s, void *at, struct bf_arena *arena, struct bf_error *e);
enum bf_status bf__care_slice(struct bf__care *c, bf__slice_fn *fn, void *at, struct bf_error *e);
/* The same for a function that runs on the committer. */
enum bf_status bf__care_call(struct bf__care *c, bf__call_fn *fn, void *at, struct bf_error *e);

/* check_docs.c. A suspect is added once; one that is known takes the later operation. */
struct bf__suspect *bf__suspect_find(struct bf__care *c, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
void bf__suspect_add(struct bf__care *c, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id, int64_t n, int k);
void bf__suspects_free(struct bf__care *c); /* and who is doubted */
/* Nothing is set back or removed on the word of this log alone. */
void bf__care_doubt(struct bf__care *c, struct bf_uuid tenant);
enum bf_status bf__care_documents(struct bf__care *c, struct bf_error *e); /* finds suspects among all rows */
enum bf_status bf__care_settle(struct bf__care *c, struct bf_error *e);    /* judges the suspects */
bool bf__care_same(const struct bf_doc *a, const struct bf_doc *b);

/* check_log.c */
enum bf_status bf__care_logs(struct bf__care *c, struct bf_error *e);

/* check_queue.c: a job or cursor against the log. *ret_what = NULL: nothing is wrong. *ret_better: what it should be; NULL: it should go.
 * */
enum bf_status bf__care_queue(struct bf__care *c, struct bf_session *s, const struct bf_collection *coll, const struct bf_doc *doc,
                              struct bf_arena *arena, const char **ret_what, struct bf_doc **ret_better, struct bf_error *e);
