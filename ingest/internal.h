/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of ingest/ share. Not for other modules. */
#pragma once
#include "access/access.h"
#include "access/call.h"
#include "storage/job_runner.h"
#include "storage/media.h"

struct bf_decode_client;
struct bf_stt;
struct bf__breaker;
struct bf__sweeper;

struct bf_ingest {
    struct bf_api api;
    const struct bf_env *env;
    struct bf_store *store;
    int64_t photo_bytes_max, voice_bytes_max; /* of an upload (G-04) */
    struct bf_decode_client *decoder, *speech;
    struct bf_stt *stt;
    struct bf__breaker *breaker; /* of the speech-to-text provider */
    struct bf_job_runner *jobs;
    struct bf__sweeper *sweeper;
    int64_t sweep_s;
    _Atomic bool is_draining;
    struct bf_consumer consumer;
};

/* ---- uploads ---- */
enum { BF__UPLOAD_ROUTES = 7 };
extern const struct bf_route bf__upload_routes[BF__UPLOAD_ROUTES];

/* Deletes expired uploads every sweep_s seconds; a thread of its own. */
struct bf__sweeper *bf__sweeper_start(struct bf_ingest *ingest);
void bf__sweeper_stop(struct bf__sweeper **sweeper);

/* ---- pipeline ---- */

/* The bytes that `user` uploaded are stored: makes the jobs of the media that awaited them. Bytes that no record names yet wait for it (bf__derive
 * finds them then). Durable when it returns. Blocks. */
enum bf_status bf__media_arrived(struct bf_ingest *ingest, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32],
                                 struct bf_arena *arena, struct bf_error *e);
/* Asked before an upload that is deleted or expires gives its bytes back: does a record of the user's wait for them? */
bf_stage_needed_fn bf__media_needed;
/* The consumer of the log: media and transcripts to jobs. */
bf_consume_fn bf__derive;
/* Two kinds of jobs: "media" and "transcribe". */
struct bf_job_runner *bf__jobs_create(struct bf_ingest *ingest, unsigned media_threads, unsigned transcribe_threads, int64_t lease_ms);
