/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/job.h"
#include <assert.h>
#include <stdio.h>

bool bf__refuse(struct bf_job *job, enum bf_decode_reason reason, const char *detail)
{
    struct bf_decode_result *r = &job->result;
    assert(reason != BF_DECODE_OK);
    if (r->reason == BF_DECODE_OK) {
        r->reason = reason;
        snprintf(r->detail, sizeof r->detail, "%s", detail);
    }
    return false;
}

bool bf__job_read_all(struct bf_job *job, uint64_t offset, void *p, size_t n)
{
    long got = job->read(job->ctx, offset, p, n);
    if (got >= 0 && (size_t)got == n)
        return true;
    return bf__refuse(job, got < 0 ? BF_DECODE_UNREADABLE : BF_DECODE_TRUNCATED, "the input ends inside what it announced");
}

bool bf__part_begin(struct bf_job *job, unsigned i)
{
    const struct bf_decode_part *before = i == 0 ? NULL : &job->result.parts[i - 1];
    assert(i < BF_DECODE_PARTS);
    job->result.parts[i] = (struct bf_decode_part){.offset = before == NULL ? BF_DECODE_RESULT_ROOM : before->offset + before->bytes};
    return true;
}

bool bf__part_add(struct bf_job *job, unsigned i, const void *p, size_t n)
{
    struct bf_decode_part *part = &job->result.parts[i];
    uint64_t at = part->offset + part->bytes;
    assert(part->offset >= BF_DECODE_RESULT_ROOM);
    if (n > job->request.output_bytes || at > job->request.output_bytes - n || !job->write(job->ctx, at, p, n))
        return bf__refuse(job, BF_DECODE_TOO_LARGE, "the derivative does not fit its room");
    part->bytes += n;
    return true;
}

static bool run(struct bf_job *job, struct bf_stt *stt)
{
    switch ((enum bf_decode_op)job->request.op) {
    case BF_DECODE_PHOTO:
        return bf__photo(job);
    case BF_DECODE_VOICE:
        return bf__voice(job);
    case BF_DECODE_WAV:
        return bf__wav(job);
    case BF_DECODE_TRANSCRIBE:
        return bf__transcribe(job, stt);
    }
    return bf__refuse(job, BF_DECODE_UNSUPPORTED, "there is no such operation");
}

bool bf__job_run(struct bf_job *job, struct bf_stt *stt)
{
    struct bf_decode_result *r = &job->result;
    *r = (struct bf_decode_result){.magic = BF_DECODE_MAGIC, .op = job->request.op};
    if (!run(job, stt)) {
        struct bf_decode_result refused = {.magic = r->magic, .op = r->op, .reason = r->reason, .found = r->found};
        assert(r->reason != BF_DECODE_OK);
        snprintf(refused.detail, sizeof refused.detail, "%s", r->detail);
        *r = refused;
    }
    return job->write(job->ctx, 0, r, sizeof *r);
}
