/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes from a writer to its stage thread and back: up to one record's worth of bytes, what to do behind them, and whom to tell. The bytes are
 * sealed in place, so they are copied once. Chunks are reused; SPARE_MAX of them wait for that.
 */
#pragma once
#include "core/mailbox.h"
#include "storage/media.h"
#include "storage/media/file.h"

enum { BF__TAKERS_MAX = 4, BF__DIGEST_MAX = 32, BF__CHUNKS_SPARE_MAX = 32 };

enum bf__chunk_kind { BF__CHUNK_APPEND, BF__CHUNK_SYNC, BF__CHUNK_CHECK, BF__CHUNK_FINISH, BF__CHUNK_CLOSE };

struct bf__chunks;

struct bf__chunk {
    struct bf_task task; /* to the stage thread, then home */
    struct bf__chunks *owner;
    struct bf__chunk *next_spare;
    struct bf__chunk *first; /* a full one that goes before it: two records are one task, each way */
    struct bf_stage *stage;
    struct bf_mailbox *home;
    enum bf__chunk_kind kind;
    bool mark; /* bf_stage_mark stands before the bytes */
    enum bf_stage_digest mark_kind;
    uint8_t digest[BF__DIGEST_MAX]; /* CHECK */
    size_t digest_n;
    struct {
        void (*took)(void *ctx, size_t n);
        void *ctx;
        size_t n;
    } takers[BF__TAKERS_MAX];
    unsigned n_takers;
    bf_stage_synced_fn *synced;
    bf_stage_finished_fn *finished;
    void *done_ctx;
    enum bf_status status;
    int64_t offset;
    uint8_t sha256[32];
    size_t n;
    uint8_t rec[BF__FILE_ROOM]; /* the bytes at rec + BF__HEAD */
};

/* Counts its users: chunks may be under way to their home after the store was closed. */
struct bf__chunks *bf__chunks_create(void);
void bf__chunks_unref(struct bf__chunks **chunks);
struct bf__chunk *bf__chunk_take(struct bf__chunks *chunks); /* all fields but `rec` cleared */
void bf__chunk_give(struct bf__chunk *chunk);
