/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pipeline/pipeline.h"

enum { MEDIA_ATTEMPTS = 3, TRANSCRIBE_ATTEMPTS = 3, PAUSE_MS = 500, PAUSE_MS_MAX = 60 * 1000 };

struct bf_job_runner *bf__jobs_start(struct bf_ingest *ingest, unsigned media_threads, unsigned transcribe_threads, int64_t lease_ms)
{
    struct bf_job_work works[] = {{.kind = BF__JOB_MEDIA,
                                   .threads = media_threads,
                                   .lease_ms = lease_ms,
                                   .attempts_max = MEDIA_ATTEMPTS,
                                   .pause_ms = PAUSE_MS,
                                   .pause_ms_max = PAUSE_MS_MAX,
                                   .run = bf__run_media,
                                   .gave_up = bf__media_gave_up,
                                   .ctx = ingest},
                                  {.kind = BF__JOB_TRANSCRIBE,
                                   .threads = transcribe_threads,
                                   .lease_ms = lease_ms,
                                   .attempts_max = TRANSCRIBE_ATTEMPTS,
                                   .pause_ms = PAUSE_MS,
                                   .pause_ms_max = PAUSE_MS_MAX,
                                   .run = bf__run_transcribe,
                                   .gave_up = bf__transcribe_gave_up,
                                   .ctx = ingest}};
    return bf_job_runner_start(ingest->env, ingest->store, works, sizeof works / sizeof *works);
}
