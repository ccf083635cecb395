/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job as the decoders see it: bytes come in by pread, results go out by pwrite, and a refusal is a value. In the sandbox both are the
 * two descriptors; a fuzz target or a benchmark hands in functions of its own. Used by one thread.
 */
#pragma once
#include "ingest/decode/wire.h"
#include <stdbool.h>

struct bf_job;

/* At most `n` bytes at `offset`; fewer only at the end of the input. -1: reading failed. */
typedef long bf_job_read(void *ctx, uint64_t offset, void *p, size_t n);
/* All `n` bytes at `offset` of the output, or false: it is full. */
typedef bool bf_job_write(void *ctx, uint64_t offset, const void *p, size_t n);

struct bf_job {
    struct bf_decode_request request;
    bf_job_read *read;
    bf_job_write *write;
    void *ctx;
    const unsigned char *bytes; /* the whole input, for photos; NULL otherwise */
    uint64_t mapped_at_entry;   /* for bf__sandbox_heap */
    uint64_t duration_max_ms;   /* of recordings */
    uint64_t pixels_max;        /* of pictures */
    struct bf_decode_result result;
};

/* Runs the operation that the request names and leaves its result in job->result; false when the output could not be written. The
 * transcriber lives in the caller's zygote: NULL where there is none. */
struct bf_stt;
bool bf__job_run(struct bf_job *job, struct bf_stt *stt);

/* Notes why the input is refused; the first reason stands. Returns false, for `return bf__refuse(...)`. `detail` is a plain sentence. */
bool bf__refuse(struct bf_job *job, enum bf_decode_reason reason, const char *detail);

/* Reads exactly `n` bytes; otherwise refuses as truncated. */
bool bf__job_read_all(struct bf_job *job, uint64_t offset, void *p, size_t n);

/* Appends to part `i`. Parts are written one after the other, each begun with bf__part_begin; `false` when the output is full. */
bool bf__part_begin(struct bf_job *job, unsigned i);
bool bf__part_add(struct bf_job *job, unsigned i, const void *p, size_t n);

/* The operations: each fills job->result.u and its parts, or refuses. */
bool bf__photo(struct bf_job *job);
bool bf__voice(struct bf_job *job);
bool bf__wav(struct bf_job *job);
bool bf__transcribe(struct bf_job *job, struct bf_stt *stt);
