/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads from the inside: one request to an upload, from its headers to its answer. Three parts meet in struct bf__tus:
 *
 *   tus.c, request.c  what the client said
 *   resource.c        what a worker does about it: everything that blocks
 *   stream.c          the bytes, on the request's loop
 *   answer.c          what is said in return
 */
#pragma once
#include "ingest/internal.h"
#include "ingest/uploads/tus.h"

enum bf__tus_op { BF__TUS_CREATE, BF__TUS_PATCH, BF__TUS_HEAD, BF__TUS_DELETE };

/* What the client said. */
struct bf__tus_request {
    enum bf__tus_op op;
    bool has_body;
    int64_t body_length; /* -1: not known */
    bool has_length;     /* Upload-Length */
    bool is_deferred;    /* Upload-Defer-Length: 1 */
    int64_t length, offset;
    struct bf_uuid id; /* zero of a creation: not chosen yet */
    struct bf_tus_checksum checksum;
    struct bf_tus_metadata metadata;
    struct bf_tus_concat concat;
};

/* Reads method, headers and path; blocks not. */
enum bf_status bf__tus_read(struct bf_request *req, int64_t body_length, struct bf__tus_request *ret, struct bf_error *e);

/* One request. `call` and what lies in the request's arena are good until the reply. */
struct bf__tus {
    struct bf_ingest *ingest;
    struct bf_request *req;
    struct bf_call call;
    struct bf__tus_request said;
    struct bf_stage_info info; /* of the upload; `offset` moves with what is durable */
    struct bf_stage *stage;    /* open for writing; NULL: not, or not any more */
    bool has_made;             /* a creation: the upload is there */
};

/* ---- resource.c: on a worker ---- */

/* Who asks, and may he upload at all? */
enum bf_status bf__tus_enter(struct bf__tus *t, struct bf_error *e);
/* Makes the upload of a creation; of a final one, with all its bytes. Leaves t->stage open when a body is to come. `lost` as in bf_stage_open. */
enum bf_status bf__tus_create(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e);
/* Takes the upload over for a PATCH, and judges offset, length and kind. */
enum bf_status bf__tus_take(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e);
/* Takes the upload over and gives it back: what is durable then is final until the next PATCH. */
enum bf_status bf__tus_look(struct bf__tus *t, struct bf_error *e);
enum bf_status bf__tus_delete(struct bf__tus *t, struct bf_error *e);
/* A creation that is not answered with 201: nobody learns where the upload is. One that is finished stays: its bytes and its number were noted. */
void bf__tus_undo(struct bf__tus *t);
/* After the blob is stored: notes the capture, wakes the pipeline. To be repeated until it succeeds; the finishing request is answered behind it. */
enum bf_status bf__tus_settle(struct bf__tus *t, struct bf_error *e);

/* ---- answer.c: ends the request ---- */
void bf__tus_fail(struct bf__tus *t, const struct bf_error *e);
void bf__tus_answer(struct bf__tus *t);
void bf__tus_options(struct bf_request *req, void *service);

/* ---- stream.c, routes.c ---- */
extern const struct bf_sink bf__tus_sink;
void bf__tus_handle(struct bf_request *req, void *service); /* HEAD and DELETE: on a worker */
