/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: work that must happen at least once after something was committed, and whose result commits once (under the job's id as request
 * id). A job is claimed under a lease with a fence: whoever lost the lease cannot finish it any more.
 *
 * A consumer derives jobs from the log: it holds a durable cursor per tenant; jobs have deterministic ids, are inserted before the cursor
 * moves, and are kept until it has durably passed.
 */
#pragma once
#include "storage/commit.h"

enum { BF_JOBS_MAX = 256 /* that one call claims or renews */, BF_CONSUMERS_MAX = 32 };

struct bf_job {
    struct bf_uuid id; /* bf_job_id of (tenant, n, k, kind), or made by the caller */
    struct bf_uuid tenant;
    const char *kind;
    struct bf_uuid ref;     /* the document it is about */
    struct bf_str argument; /* up to 4 KiB; business content stays in documents */
    int64_t due_ms;
    int64_t n;   /* the entry it was derived from; 0: none */
    int attempt; /* 1 for the first run; one that was lost does not count */
    int lost;    /* claims in a row before this one that nobody settled: their lease ran out, mostly since the process was ended */
    int64_t fence;
    char cause[BF_CAUSE_MAX]; /* of the last failed attempt */
    const struct bf_doc *claimed; /* storage's: the claim as it was written, so that it need not be read to be settled; may be NULL */
};

struct bf_uuid bf_job_id(struct bf_uuid tenant, int64_t n, int k, const char *kind);
/* Inserts; an existing id is left as it is (BF_OK). Durable. */
enum bf_status bf_job_add(struct bf_store *store, const struct bf_job *jobs, unsigned n, struct bf_error *e);
/* Claims the job of `kind` that is due the longest (queued, or its lease ran out). *ret = NULL when none is due. */
enum bf_status bf_job_take(struct bf_store *store, const char *kind, int64_t now_ms, int64_t lease_ms, struct bf_arena *arena,
                           struct bf_job **ret, struct bf_error *e);
/* Claims up to `max` (1..BF_JOBS_MAX) of those that are due the longest, with one write; ret[0..*ret_n) live in `arena`. Fewer when no more are due, or
 * when others claimed them at the same time; none only when none is due. */
enum bf_status bf_job_take_many(struct bf_store *store, const char *kind, int64_t now_ms, int64_t lease_ms, unsigned max, struct bf_arena *arena,
                                struct bf_job **ret, unsigned *ret_n, struct bf_error *e);
struct bf_job *bf_job_copy(struct bf_arena *arena, const struct bf_job *job);
/* Prolongs several claims with one write, job i's until until_ms[i]; at most BF_JOBS_MAX. Those that are the caller's no longer are left alone: that
 * shows when they are settled. */
enum bf_status bf_job_renew(struct bf_store *store, const struct bf_job *jobs, const int64_t *until_ms, unsigned n, struct bf_error *e);

/* How a claim ends. */
enum bf_job_act {
    BF_JOB_DONE,
    BF_JOB_RETRY, /* put back with a cause, due at due_ms. `count` false: the attempt does not count (a provider that is away) */
    BF_JOB_DEAD,  /* kept, with a cause; not claimed again */
};

struct bf_job_end {
    const struct bf_job *job;
    enum bf_job_act act;
    int64_t due_ms;
    bool count;
    const char *cause;
    /* Documents outside the log that are to be there when the job has ended: written before it, in order, each only when the one before it was done;
     * when one is not, the job is left as it is. At most BF_JOB_WRITES_MAX. */
    const struct bf_write *writes;
    unsigned n_writes;

    enum bf_status status; /* set: BF_OK; BF_E_STALE, when the fence is no longer the job's, or when a write was not done; else the store failed */
};
enum { BF_JOB_WRITES_MAX = 64 };
/* Ends several claims with as few writes as hold them. BF_OK when each was ended or is BF_E_STALE; else the first other status, with `e`. */
enum bf_status bf_job_settle(struct bf_store *store, struct bf_job_end *ends, unsigned n, struct bf_error *e);
/* The same for one without writes: its status. */
enum bf_status bf_job_done(struct bf_store *store, const struct bf_job *job, struct bf_error *e);
enum bf_status bf_job_retry(struct bf_store *store, const struct bf_job *job, int64_t due_ms, bool count, const char *cause,
                            struct bf_error *e);
enum bf_status bf_job_dead(struct bf_store *store, const struct bf_job *job, const char *cause, struct bf_error *e);
/* Makes waiting jobs of `kind` due now (the provider is back). */
enum bf_status bf_job_hasten(struct bf_store *store, const char *kind, int64_t now_ms, struct bf_error *e);

/* ---- checking ---- */

/* What a service derives from documents as they stand: each one of `coll` for which `wants` is true has the job whose id, kind, ref and due
 * time it fills in, from the time on when `consumer` has passed the document's last entry. */
struct bf_derivation {
    const struct bf_collection *coll;
    const char *consumer;
    bool (*wants)(const struct bf_doc *doc, struct bf_job *ret);
};
struct bf_check_report;
/* Beside bf_store_check, whose `mend`, `say` and `ctx` it takes: tells the jobs that are missing and, to mend, adds them. Adds to *ret. */
enum bf_status bf_store_check_jobs(struct bf_store *store, const struct bf_derivation *derivation, bool mend,
                                   void (*say)(void *ctx, const char *line), void *ctx, struct bf_check_report *ret, struct bf_error *e);

/* ---- the log follower: one thread in each process that has consumers ---- */

struct bf_follower;

/* Called on the follower's thread for each entry after the consumer's cursor, in order. BF_OK: the cursor may pass. A failure is tried
 * again after a pause that grows from 100 ms to 10 s. */
typedef enum bf_status bf_consume_fn(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena,
                                     struct bf_error *e);

struct bf_consumer {
    const char *name; /* part of the disk format: its cursors' key */
    /* The collections whose after-images it looks at, ended by NULL; NULL: none. Of the others `doc` may be NULL. */
    const struct bf_collection *const *docs;
    bf_consume_fn *consume;
    void *ctx;
};

/* Names the consumers of the whole installation, also those that other processes serve: a done job is kept until all of them have passed its entry, and one
 * that never ran yet has passed nothing. Before the follower starts; `names` outlives the store. Not called: the follower's own are all. */
void bf_follower_name_all(struct bf_store *store, const char *const *names, unsigned n);
/* Where several processes follow the log of one store, each consumer is served by one of them at a time, and by another within seconds when that one
 * is gone; at once when it stopped. Entries of all processes are handed over. */
enum bf_status bf_follower_start(const struct bf_env *env, struct bf_store *store, const struct bf_consumer *consumers, unsigned n,
                                 struct bf_follower **ret, struct bf_error *e);
/* True when this process has handed entry n of the tenant to every consumer, or found it passed: for tests. */
bool bf_follower_passed(struct bf_follower *follower, struct bf_uuid tenant, int64_t n);
void bf_follower_stop(struct bf_follower **follower);
