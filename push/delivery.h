/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling a person of one notification wherever it is wanted, for the files that do it: delivery.c (the way of a batch), targets.c (whom), outcomes.c (what came
 * of it). All on the thread that began the job.
 */
#pragma once
#include "push/internal.h"

enum {
    BF__DEVICES_MAX = 50,
    BF__TARGETS_MAX = BF__DEVICES_MAX + 1 + BF__CHANNELS_OF_PERSON,
    BF__PUSH_PAUSE_MS = 2000,
    BF__PUSH_PAUSE_MS_MAX = 300000,
    BF__PUSH_WAIT_MS_MAX = 3600000, /* of what a push service asks for */
};

/* A place: settled ("over"), or told now, or at its time ("waits"). */
struct bf__target {
    struct bf__delivery *of;
    enum bf__way way;
    struct bf_uuid place;        /* the id of the record, or the mailbox's own */
    const struct bf_doc *record; /* a device; a channel of the company; of mail the user */
    const char *skip;            /* why it is told nothing */
    bool changed;    /* the record is to be written */
    bool over;       /* settled in this run */
    bool waits;      /* its next try is later than this run */
    bool told;       /* in this run */
    struct bf_doc *attempt;
    int64_t rev; /* of the record as stored; 0: not yet */
    struct bf_push_attempt message;
};

/* A run of a job; in the run's arena, with all that it needs until it ends. */
struct bf__delivery {
    struct bf_push *push;
    struct bf_job_run *run;
    struct bf_arena *arena;   /* the run's */
    struct bf_uuid person;
    bool english; /* the person's language */
    int64_t now_ms; /* when it began; when the outcomes are known, then */
    struct bf__target *targets;
    unsigned n;

    /* Until it was begun, in the batch's arena. */
    const struct bf_doc *notification;
    struct bf__due due; /* when it should have been told */
    bool needed;

    unsigned under_way; /* what has to come back before it goes on: messages, retirements */
    bool judged;        /* the messages' outcomes were taken */
};

/* Deliveries of one tenant that begin together. */
struct bf__batch {
    struct bf_push *push;
    struct bf_uuid tenant;
    struct bf_arena *arena; /* until they have begun */
    struct bf__delivery **of;
    unsigned n;
    struct bf__nights nights;
};

/* Finds each one's targets that were not settled by an earlier run, with their attempts, and whether it is still needed (push/targets.c). Blocks. */
enum bf_status bf__targets_find(struct bf__batch *batch, struct bf_error *e);

/* The records that changed since they were written, into `writes`, with room for the delivery's targets; `of`, or NULL, gets whose each is. */
unsigned bf__targets_changed(struct bf__delivery *d, struct bf_write *writes, struct bf__target **of);

/* One of what was under way has come back; after the last one the outcomes are judged, and the run ends (push/outcomes.c). */
void bf__delivery_release(struct bf__delivery *d);
/* Ends the run: with the records that changed; said to be again when somebody is to be told again. */
void bf__delivery_end(struct bf__delivery *d);
/* The same, failed; `e` says why. */
void bf__delivery_fail(struct bf__delivery *d, const struct bf_error *e);
