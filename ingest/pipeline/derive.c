/* SPDX-License-Identifier: Apache-2.0 */
/* From what was committed, and from bytes that arrived, to jobs. */
#include "core/arena.h"
#include "core/env.h"
#include "crm/ids.h"
#include "ingest/pipeline/pipeline.h"
#include <stdio.h>

/* ---- bytes that arrived ---- */

struct arrival {
    struct bf_ingest *ingest;
    struct bf_uuid user;
    bool needed; /* a record of the user's waits for the bytes */
    enum bf_status status;
    struct bf_error *e;
};

/* The id is a new one each time: the job derived from the visit may be done already, and known by its id still. */
static bool add_awaited(void *ctx, const struct bf_doc *media)
{
    struct arrival *a = ctx;
    struct bf_uuid uploader = bf_get_uuid(&media->object, BF_MEDIA_UPLOADER);
    if (!bf_uuid_eq(&uploader, &a->user) || !bf__is_open_media(media))
        return true;
    a->needed = true;
    if (bf_get_enum(&media->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_AWAITED)
        return true;
    struct bf_job job = {.id = bf_uuid_v7(a->ingest->env),
                         .tenant = media->tenant,
                         .kind = BF__JOB_MEDIA,
                         .ref = media->id,
                         .due_ms = bf_now_ms(a->ingest->env)};
    a->status = bf_job_add(a->ingest->store, &job, 1, a->e);
    return a->status == BF_OK;
}

static enum bf_status arrive(struct arrival *a, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_arena *arena, struct bf_error *e)
{
    a->e = e;
    enum bf_status status = bf__each_media_of(a->ingest->store, tenant, sha256, arena, add_awaited, a, e);
    if (status == BF_OK)
        status = a->status;
    if (status == BF_OK)
        bf_job_runner_wake(a->ingest->jobs);
    return status;
}

enum bf_status bf__media_arrived(struct bf_ingest *ingest, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32],
                                 struct bf_arena *arena, struct bf_error *e)
{
    return arrive(&(struct arrival){.ingest = ingest, .user = user}, tenant, sha256, arena, e);
}

/* A record that awaits them gets its job here too, if it has none: with the upload goes the last that could still make one. */
enum bf_status bf__media_needed(void *ctx, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct arrival a = {.ingest = ctx, .user = user};
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = arrive(&a, tenant, sha256, arena, e);
    bf_arena_destroy(&arena);
    *ret = a.needed;
    return status;
}

/* ---- records that were committed ---- */

struct derive {
    struct bf_ingest *ingest;
    struct bf_uuid tenant;
    const struct bf_log_entry *entry;
    const struct bf_log_op *op;
    struct bf_arena *arena;
};

static enum bf_status add(const struct derive *d, const struct bf_job *job, struct bf_error *e)
{
    enum bf_status status = bf_job_add(d->ingest->store, job, 1, e);
    if (status == BF_OK)
        bf_job_runner_wake(d->ingest->jobs);
    return status;
}

/* One job for each round of a transcript, whichever side finds it. */
static enum bf_status add_transcribe(const struct derive *d, const struct bf_doc *transcript, struct bf_error *e)
{
    int64_t round = bf_get_int(&transcript->object, BF_TRANSCRIPT_ROUND);
    char name[96], tenant[BF_UUID_TEXT], id[BF_UUID_TEXT];
    bf_uuid_text(&d->tenant, tenant);
    bf_uuid_text(&transcript->id, id);
    int n = snprintf(name, sizeof name, "transcribe %s %s %lld", tenant, id, (long long)round);
    struct bf_job job = {.id = bf_uuid_from_name(name, (size_t)n),
                         .tenant = d->tenant,
                         .kind = BF__JOB_TRANSCRIBE,
                         .ref = transcript->id,
                         .argument = bf_strz(bf_arena_printf(d->arena, "%lld", (long long)round)),
                         .due_ms = bf_now_ms(d->ingest->env),
                         .n = d->entry->n};
    return add(d, &job, e);
}

/* A medium of a visit just logged. One that was stored then needs no look at the bytes: the visit's decision had one. */
static enum bf_status derive_media(const struct derive *d, struct bf_error *e)
{
    const struct bf_object *media = &d->op->doc->object;
    struct bf_blob_info info;
    if (bf_get_enum(media, BF_MEDIA_STATE) == BF_MEDIA_STATE_IS_STORED && d->op->rev > 1)
        return BF_OK; /* by the job itself, or by a transfer */
    enum bf_status status = BF_OK;
    if (bf_get_enum(media, BF_MEDIA_STATE) == BF_MEDIA_STATE_IS_AWAITED)
        status = bf_blob_stat(d->ingest->store, d->tenant, bf_get_uuid(media, BF_MEDIA_UPLOADER), bf_get_sha256(media, BF_MEDIA_SHA256), &info, e);
    if (status == BF_E_NOT_FOUND)
        return BF_OK;
    if (status != BF_OK)
        return status;
    struct bf_job job = {.id = bf_job_id(d->tenant, d->entry->n, d->op->k, BF__JOB_MEDIA),
                         .tenant = d->tenant,
                         .kind = BF__JOB_MEDIA,
                         .ref = d->op->id,
                         .due_ms = bf_now_ms(d->ingest->env),
                         .n = d->entry->n};
    return add(d, &job, e);
}

static enum bf_status derive_ready_voice(const struct derive *d, struct bf_error *e)
{
    struct bf_doc *transcript;
    enum bf_status status = bf_store_get(d->ingest->store, &bf_transcripts, d->tenant, bf_id_transcript(d->tenant, d->op->id), d->arena, &transcript, e);
    return status == BF_OK && bf__is_open_transcript(transcript) ? add_transcribe(d, transcript, e) : status;
}

static enum bf_status derive_transcript(const struct derive *d, struct bf_error *e)
{
    struct bf_doc *media;
    enum bf_status status = bf_store_get(d->ingest->store, &bf_media, d->tenant, bf_get_uuid(&d->op->doc->object, BF_TRANSCRIPT_MEDIA), d->arena, &media, e);
    if (status != BF_OK || media == NULL || media->tombstone || bf_get_enum(&media->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_READY)
        return status;
    return add_transcribe(d, d->op->doc, e);
}

static enum bf_status derive_op(const struct derive *d, struct bf_error *e)
{
    const struct bf_doc *doc = d->op->doc;
    if (doc == NULL)
        return BF_OK;
    if (d->op->coll == &bf_media && bf__is_open_media(doc))
        return derive_media(d, e);
    if (d->op->coll == &bf_media && bf_get_enum(&doc->object, BF_MEDIA_STATE) == BF_MEDIA_STATE_IS_READY &&
        bf_get_enum(&doc->object, BF_MEDIA_KIND) == BF_MEDIA_KIND_IS_VOICE)
        return derive_ready_voice(d, e);
    if (d->op->coll == &bf_transcripts && bf_get_enum(&doc->object, BF_TRANSCRIPT_STATE) == BF_TRANSCRIPT_STATE_IS_WAITING)
        return derive_transcript(d, e);
    return BF_OK;
}

enum bf_status bf__derive(void *ctx, struct bf_uuid tenant, const struct bf_log_entry *entry, struct bf_arena *arena, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < entry->n_ops && status == BF_OK; i++) {
        struct derive d = {.ingest = ctx, .tenant = tenant, .entry = entry, .op = &entry->ops[i], .arena = arena};
        status = derive_op(&d, e);
    }
    return status;
}
