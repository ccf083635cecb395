/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does for a request to an upload: all that asks the store, and so may wait. */
#include "access/capture.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "core/log.h"
#include "crm/capture.h"
#include "crm/ids.h"
#include "crm/media_type.h"
#include "ingest/uploads/uploads.h"

/* ---- who ---- */

/* Whoever may log visits may upload their media. */
enum bf_status bf__tus_enter(struct bf__tus *t, struct bf_error *e)
{
    enum bf_status status = bf_call_begin(&t->call, t->ingest->api.access, t->req, e);
    if (status == BF_OK && t->call.caller.must_change_password)
        status = bf_fail(e, BF_E_PASSWORD_CHANGE_REQUIRED, "POST /v1/password first");
    return status == BF_OK ? bf_authorize_kind(&t->call.caller, BF_SUBJECT_VISIT, BF_ACTION_CREATE, e) : status;
}

static enum bf_status open_stage(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e)
{
    const struct bf_caller *caller = &t->call.caller;
    return bf_stage_open(t->ingest->store, caller->tenant, caller->user, t->said.id, bf_request_home(t->req), lost, ctx, t->call.arena, &t->info,
                         &t->stage, e);
}

/* An upload that was found whole is finished: nothing is to be written, and what follows from it may still be to do. */
static enum bf_status settle_if_finished(struct bf__tus *t, struct bf_error *e)
{
    if (!t->info.finished)
        return BF_OK;
    bf_stage_close(&t->stage);
    return bf__tus_settle(t, e);
}

/* ---- creation ---- */

static int64_t max_bytes(const struct bf__tus *t)
{
    const struct bf_ingest *in = t->ingest;
    if (t->said.concat.kind == BF_TUS_PARTIAL)
        return in->photo_bytes_max > in->voice_bytes_max ? in->photo_bytes_max : in->voice_bytes_max;
    return bf_media_type_is_allowed(BF_MEDIA_KIND_IS_PHOTO, bf_strz(t->said.metadata.type)) ? in->photo_bytes_max : in->voice_bytes_max;
}

/* A body that does not fit is refused before a byte of it is kept. */
static enum bf_status check_body(const struct bf__tus *t, int64_t offset, int64_t limit, struct bf_error *e)
{
    if (limit >= 0 && t->said.body_length > limit - offset)
        return bf_fail(e, BF_E_TOO_LARGE, "%lld bytes at %lld are more than %lld", (long long)t->said.body_length, (long long)offset, (long long)limit);
    return BF_OK;
}

/* Whether its number could be noted is said before bytes are sent: afterwards it is too late to refuse them. */
static enum bf_status check_device(const struct bf__tus *t, struct bf_error *e)
{
    const struct bf_caller *caller = &t->call.caller;
    struct bf_doc *capture;
    if (!t->said.metadata.is_capture)
        return BF_OK;
    enum bf_status status = bf_store_get(t->ingest->store, &bf_captures, caller->tenant, bf_id_capture(caller->tenant, t->said.metadata.device),
                                         t->call.arena, &capture, e);
    if (status != BF_OK || capture == NULL)
        return status;
    struct bf_uuid user = bf_get_uuid(&capture->object, BF_CAPTURE_USER);
    if (!bf_uuid_eq(&user, &caller->user))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "Upload-Metadata", "unknown", "device: not the caller's");
    return bf_capture_add(t->call.arena, &capture->object, t->said.metadata.capture_seq, e);
}

static enum bf_status concat(struct bf__tus *t, struct bf_stage_new *stage, struct bf_error *e)
{
    struct bf_store *store = t->ingest->store;
    uint8_t sha256[32];
    stage->metadata = bf_tus_pack(t->call.arena, &t->said.concat, stage->metadata);
    enum bf_status status = bf_stage_concat(store, stage, t->said.concat.parts, t->said.concat.n_parts, sha256, e);
    if (status == BF_OK)
        status = bf_stage_info(store, stage->tenant, stage->user, stage->id, t->call.arena, &t->info, e);
    return status == BF_OK ? bf__tus_settle(t, e) : status;
}

static enum bf_status create(struct bf__tus *t, const struct bf_stage_new *stage, void (*lost)(void *ctx), void *ctx, struct bf_error *e)
{
    enum bf_status status = check_body(t, 0, stage->length >= 0 ? stage->length : stage->max_bytes, e);
    if (status == BF_OK)
        status = bf_stage_create(t->ingest->store, stage, e);
    if (status != BF_OK)
        return status;
    t->has_made = true;
    if (!t->said.has_body && stage->length != 0)
        return bf_stage_info(t->ingest->store, stage->tenant, stage->user, stage->id, t->call.arena, &t->info, e);
    status = open_stage(t, lost, ctx, e);
    return status == BF_OK ? settle_if_finished(t, e) : status;
}

enum bf_status bf__tus_create(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e)
{
    struct bf_stage_new stage = {.id = bf_uuid_v7(t->ingest->env),
                                 .tenant = t->call.caller.tenant,
                                 .user = t->call.caller.user,
                                 .length = t->said.has_length ? t->said.length : -1,
                                 .max_bytes = max_bytes(t),
                                 .metadata = t->said.metadata.raw,
                                 .partial = t->said.concat.kind == BF_TUS_PARTIAL};
    t->said.id = stage.id;
    enum bf_status status = check_device(t, e);
    if (status != BF_OK)
        return status;
    return t->said.concat.kind == BF_TUS_FINAL ? concat(t, &stage, e) : create(t, &stage, lost, ctx, e);
}

/* ---- PATCH, HEAD, DELETE ---- */

static enum bf_status set_length(struct bf__tus *t, struct bf_error *e)
{
    if (!t->said.has_length || (t->info.finished && t->said.length == t->info.length))
        return BF_OK;
    enum bf_status status = bf_stage_set_length(t->stage, t->said.length, e);
    if (status == BF_OK)
        t->info.length = t->said.length;
    return status;
}

/* A PATCH that is refused changes nothing, so the length comes last. */
static enum bf_status judge(struct bf__tus *t, struct bf_error *e)
{
    int64_t length = t->info.length >= 0 || !t->said.has_length ? t->info.length : t->said.length;
    if (t->info.final)
        return bf_fail(e, BF_E_FORBIDDEN, "a final upload takes no bytes of its own");
    if (t->said.offset != t->info.offset)
        return bf_fail(e, BF_E_OFFSET_MISMATCH, "the upload is at %lld", (long long)t->info.offset);
    enum bf_status status = check_body(t, t->info.offset, length, e);
    return status == BF_OK ? set_length(t, e) : status;
}

enum bf_status bf__tus_take(struct bf__tus *t, void (*lost)(void *ctx), void *ctx, struct bf_error *e)
{
    enum bf_status status = open_stage(t, lost, ctx, e);
    if (status == BF_OK)
        status = judge(t, e);
    return status == BF_OK ? settle_if_finished(t, e) : status;
}

enum bf_status bf__tus_look(struct bf__tus *t, struct bf_error *e)
{
    enum bf_status status = open_stage(t, NULL, NULL, e);
    bf_stage_close(&t->stage);
    return status == BF_OK ? settle_if_finished(t, e) : status;
}

enum bf_status bf__tus_delete(struct bf__tus *t, struct bf_error *e)
{
    return bf_stage_delete(t->ingest->store, t->call.caller.tenant, t->call.caller.user, t->said.id, e);
}

void bf__tus_undo(struct bf__tus *t)
{
    struct bf_error e = {0};
    t->has_made = false;
    if (t->info.finished)
        return;
    if (bf__tus_delete(t, &e) != BF_OK)
        bf_log_error(t->ingest->env, BF_LOG_WARN, "upload.undo", &e); /* it expires */
}

/* ---- afterwards ---- */

struct note {
    const struct bf_caller *caller;
    struct bf_tus_metadata metadata;
};

static enum bf_status decide_capture(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct note *note = ctx;
    enum bf_status status = bf_decide_caller(view, note->caller, e);
    if (status == BF_OK)
        status = bf_decide_capture(view, d, arena, note->caller, note->metadata.device, note->metadata.capture_seq, e);
    if (status == BF_OK)
        bf_decision_receipt(d, 204, bf_str("", 0), note->caller->user);
    return status;
}

/* The upload is a capture of its own. Its request id is the upload's, so that a second call finds the first one's receipt. */
static enum bf_status note_capture(struct bf__tus *t, struct note *note, struct bf_error *e)
{
    const struct bf_caller *caller = note->caller;
    struct bf_read reads[] = {{.coll = &bf_users, .id = caller->user},
                              {.coll = &bf_captures, .id = bf_id_capture(caller->tenant, note->metadata.device)}};
    struct bf_submission submission = {.tenant = caller->tenant, .actor = caller->user, .reads = reads, .n_reads = 2, .decide = decide_capture, .ctx = note};
    struct bf_receipt receipt;
    char name[16 + 15] = "upload capture:";
    uint8_t hash[32];
    memcpy(name + 15, t->said.id.b, 16);
    bf_sha256(name, sizeof name, hash);
    memcpy(submission.request.b, hash, sizeof submission.request.b);
    enum bf_status status = bf_submit_wait(t->ingest->store, &submission, t->call.arena, &receipt, e);
    /* The installation became somebody else's meanwhile, or too many numbers wait behind a gap (`safe` shows it): the bytes are the caller's all the
     * same, and an answer that sends him back to the beginning helps nobody. */
    return status == BF_E_UNPROCESSABLE || status == BF_E_CONFLICT ? BF_OK : status;
}

/* The bytes may have been long on their way: a freeze that was committed meanwhile lets nothing follow from them. */
static enum bf_status check_rights(struct bf__tus *t, struct bf_error *e)
{
    struct bf_doc *user;
    enum bf_status status = bf_store_get(t->ingest->store, &bf_users, t->call.caller.tenant, t->call.caller.user, t->call.arena, &user, e);
    return status == BF_OK ? bf_check_caller(user, &t->call.caller, e) : status;
}

enum bf_status bf__tus_settle(struct bf__tus *t, struct bf_error *e)
{
    struct note note = {.caller = &t->call.caller};
    struct bf_tus_concat parts;
    struct bf_str raw = t->info.metadata;
    enum bf_status status = check_rights(t, e);
    if (status != BF_OK || t->info.partial)
        return status;
    if (t->info.final && !bf_tus_unpack(t->info.metadata, &parts, &raw))
        return bf_fail(e, BF_E_CORRUPT, "the metadata of a final upload cannot be read");
    status = bf__media_arrived(t->ingest, note.caller->tenant, note.caller->user, t->info.sha256, t->call.arena, e);
    if (status == BF_OK && bf_tus_read_metadata(raw, &note.metadata, NULL) == BF_OK && note.metadata.is_capture)
        status = note_capture(t, &note, e);
    return status;
}
