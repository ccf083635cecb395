/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline from the inside: from the log to jobs, from jobs to results in the log.
 *
 *   visit committed ──┐                      ┌─► variants stored, medium ready or refused (committed)
 *                     ├─► job "media" ───────┤
 *   upload finished ──┘                      └─► a voice note: job "transcribe" ─► transcript ready, failed or the provider away (committed)
 *
 * Bytes may come before the visit that names them or after it. Each side looks for the other once it is durable itself, so one of them finds the
 * other; both may, and then the later job sees that nothing is left to do.
 */
#pragma once
#include "ingest/decode/wire.h"
#include "ingest/internal.h"

#define BF__JOB_MEDIA "media"
#define BF__JOB_TRANSCRIBE "transcribe"

enum { BF__TENANT_PAGES_MAX = 100 };

/* ---- blobs as files (blob_file.c) ---- */

/* A memory file with the bytes of the blob, read by pread; *ret is the caller's to close. BF_E_NOT_FOUND when `holder` has no wrap. */
enum bf_status bf__blob_file(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32], int *ret,
                             struct bf_error *e);

/* ---- records (records.c) ---- */

bool bf__media_waits(const struct bf_object *media);           /* awaited or stored: there is something to do */
bool bf__transcript_waits(const struct bf_object *transcript); /* also for a provider that is away */
/* The same of a document; NULL and tombstones do not wait. */
bool bf__is_open_media(const struct bf_doc *media);
bool bf__is_open_transcript(const struct bf_doc *transcript);

/* Calls `each` for every medium of the tenant with these bytes, until it returns false. */
enum bf_status bf__each_media_of(struct bf_store *store, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_arena *arena,
                                 bool (*each)(void *ctx, const struct bf_doc *media), void *ctx, struct bf_error *e);

/* Changes a medium, and the transcript of a voice note with it, in one entry. `change` gets copies of what the view holds and returns whether to put
 * them; `transcript` is NULL where there is none. Neither is called for a record that is gone. */
struct bf__change {
    struct bf_uuid tenant, media;
    struct bf_uuid request; /* the same request is committed once */
    bool (*media_change)(struct bf_object *media, struct bf_arena *arena, void *ctx);
    bool (*transcript_change)(struct bf_object *transcript, struct bf_arena *arena, void *ctx); /* NULL: the transcript stays */
    void *ctx;
};
enum bf_status bf__commit(struct bf_store *store, const struct bf__change *change, struct bf_arena *arena, struct bf_error *e);

/* ---- jobs ---- */

/* Neither leaves giving up to the runner: the last attempt writes the verdict itself, and fails uncounted when it cannot. */
bf_job_run_fn bf__run_media, bf__run_transcribe;

/* Ends of an attempt that the file or the recording may be to blame for. So many that are most likely its doing are a verdict, if the last two were
 * alike; or so many in all, some of which the box or the provider may have had a part in. */
enum { BF__FAULTS_MAX = 3, BF__FAILURES_MAX = 20 };
/* So many runs in a row never came to an end: the process ended each time, and this job may be why. It is not run once more. */
bool bf__ends_the_process(const struct bf_job *job);
/* Is this failure the last one of its job? `max` is one of the two above, `cause` what the job says of it, as that of the attempt before it. */
bool bf__is_verdict(const struct bf_job *job, const char *cause, int max);

/* ---- the provider's breaker (breaker.c) ---- */

/* One for the process. It opens with the first call that finds the provider away; then one call at a time may try again, after pauses that double up to
 * a longest one. Any thread. */
struct bf__breaker *bf__breaker_create(const struct bf_env *env, int64_t pause_ms, int64_t pause_ms_max);
void bf__breaker_destroy(struct bf__breaker **breaker);
/* 0: ask the provider, and say the outcome by one of away, answered and leave, with *ret_turn. Else: it is away, look again in so many ms. */
int64_t bf__breaker_enter(struct bf__breaker *breaker, unsigned *ret_turn);
/* What enter would say now, without a turn. */
int64_t bf__breaker_wait(struct bf__breaker *breaker);
/* `wants_ms`: when the provider wants to be asked again; 0: it does not say. More than the longest pause is not waited. True when it had answered the
 * calls before, so that what was asked may be to blame. */
bool bf__breaker_away(struct bf__breaker *breaker, unsigned turn, int64_t wants_ms);
/* It answered, whatever it said. True when that is news (the breaker closed, or it is the first answer since the start): what waits may go on. */
bool bf__breaker_answered(struct bf__breaker *breaker, unsigned turn);
/* It was not asked after all, or nothing is known of it. */
void bf__breaker_leave(struct bf__breaker *breaker, unsigned turn);
