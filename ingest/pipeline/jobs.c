/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pipeline/pipeline.h"
#include <limits.h>
#include <string.h>

enum { PAUSE_MS = 500, PAUSE_MS_MAX = 60 * 1000 };

bool bf__is_verdict(const struct bf_job *job, const char *cause, int max)
{
    return job->attempt >= BF__FAILURES_MAX || (job->attempt >= max && strcmp(job->cause, cause) == 0);
}

bool bf__ends_the_process(const struct bf_job *job) { return job->lost >= BF__FAILURES_MAX; }

struct bf_job_runner *bf__jobs_create(struct bf_ingest *ingest, unsigned media_threads, unsigned transcribe_threads, int64_t lease_ms)
{
    struct bf_job_work works[] = {{.kind = BF__JOB_MEDIA, .threads = media_threads, .run = bf__run_media},
                                  {.kind = BF__JOB_TRANSCRIBE, .threads = transcribe_threads, .run = bf__run_transcribe}};
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        works[i].lease_ms = lease_ms;
        works[i].attempts_max = INT_MAX; /* the work decides */
        works[i].pause_ms = PAUSE_MS;
        works[i].pause_ms_max = PAUSE_MS_MAX;
        works[i].ctx = ingest;
    }
    return bf_job_runner_create(ingest->env, ingest->store, works, sizeof works / sizeof *works);
}
