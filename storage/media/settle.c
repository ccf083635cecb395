/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to the files of an upload by whoever has entered it: recovery, takeover, syncing, finishing, deleting. */
#include "core/arena.h"
#include "core/metrics.h"
#include "storage/media/leaving.h"
#include "storage/media/registry.h"
#include "storage/media/shelf.h"
#include "storage/media/wraps.h"
#include <stdlib.h>

enum { CLAIMS_MAX = 8 };

/* What is durable. */
static void publish(struct bf__upload *up, const struct bf__position *position)
{
    pthread_mutex_lock(&up->media->lock);
    up->offset = position->offset;
    if (up->length < 0)
        up->length = position->length;
    if (position->at_ms > up->touched_ms)
        up->touched_ms = position->at_ms;
    up->known = true;
    pthread_mutex_unlock(&up->media->lock);
}

static void take_over_position(struct bf__upload *up, const struct bf__position *position)
{
    if (!up->known) {
        pthread_mutex_lock(&up->media->lock);
        up->fence = position->fence;
        pthread_mutex_unlock(&up->media->lock);
    }
    publish(up, position);
}

static enum bf_status open_file(struct bf__upload *up, struct bf__position *position, struct bf_error *e)
{
    const struct bf__shelf_vtable *shelf = up->media->shelf;
    struct bf__info info;
    struct bf__io *io;
    bool complete;
    enum bf_status status = shelf->read_info(up, &info, e);
    if (status == BF_OK)
        status = shelf->open_data(up, &io, e);
    if (status == BF_OK)
        status = bf__file_open(up->media->env, io, &info.key, up->file_id, &up->file, position, &complete, e);
    bf_key_wipe(&info.key);
    return status;
}

/* A file that is complete although no outcome is noted was being made a blob when the process died: that is done again, which changes nothing that
 * was done already. */
enum bf_status bf__upload_load(struct bf__upload *up, struct bf_error *e)
{
    struct bf__position position;
    uint8_t sha256[32];
    if (up->file != NULL && up->writer == NULL && bf__file_is_broken(up->file))
        bf__file_close(&up->file);
    if (up->finished || up->file != NULL)
        return BF_OK;
    enum bf_status status = open_file(up, &position, e);
    if (status != BF_OK)
        return status;
    take_over_position(up, &position);
    bool complete = bf__file_is_complete(up->file, sha256);
    if (up->final && !complete) { /* the parts are there still: its sender asks again, with another id */
        status = bf__upload_delete(up, e);
        return status == BF_OK ? bf_fail(e, BF_E_NOT_FOUND, "no such upload") : status;
    }
    return complete ? bf__upload_finish(up, sha256, e) : BF_OK;
}

enum bf_status bf__upload_sync(struct bf__upload *up, uint8_t *rec, size_t n, struct bf_error *e)
{
    struct bf_media *media = up->media;
    struct bf__position position = {.at_ms = bf_now_ms(media->env)};
    pthread_mutex_lock(&media->lock);
    position.length = bf__upload_length(up);
    position.fence = up->fence;
    int64_t before = up->offset;
    pthread_mutex_unlock(&media->lock);
    enum bf_status status = bf__file_sync(up->file, rec, n, &position, e);
    if (status != BF_OK)
        return status;
    up->has_mark = false;
    publish(up, &position);
    bf_metric_add(media->env->metrics, BF_M_STAGE_BYTES, position.offset - before);
    return BF_OK;
}

enum bf_status bf__upload_rollback(struct bf__upload *up, struct bf_error *e)
{
    if (!up->has_mark)
        return BF_OK;
    up->has_mark = false;
    return bf__file_rollback(up->file, e);
}

enum bf_status bf__upload_displace(struct bf__upload *up, struct bf_error *e)
{
    struct bf_media *media = up->media;
    pthread_mutex_lock(&media->lock);
    struct bf_stage *old = up->writer;
    up->writer = NULL;
    up->fence++;
    pthread_mutex_unlock(&media->lock);
    if (old != NULL)
        bf__stage_lose(old);
    if (up->file == NULL)
        return BF_OK;
    enum bf_status status = bf__upload_rollback(up, e);
    if (status != BF_OK || !bf__file_dirty(up->file))
        return status;
    struct bf__chunk *scratch = bf__chunk_take(media->chunks);
    status = bf__upload_sync(up, scratch->rec, 0, e);
    bf__chunk_give(scratch);
    return status;
}

/* ---- giving a wrap back ---- */

pthread_mutex_t *bf__settle_lock(struct bf_media *media, const uint8_t sha256[32]) { return &media->settling[sha256[0] % BF__SETTLE_LOCKS]; }

/* Bytes that a committed record calls stored are not given back under it: its job has yet to make them the customer's. */
static enum bf_status ask_needed(struct bf__upload *up, bool *ret, struct bf_error *e)
{
    struct bf_media *media = up->media;
    *ret = false;
    return media->needed == NULL ? BF_OK : media->needed(media->needed_ctx, up->tenant, up->user, up->sha256, ret, e);
}

/* Makes it this process's; `leaving`: and no upload any more, so that it does not stand for its bytes while it is judged whether another one does. */
static enum bf_status claim_to_delete(struct bf__upload *up, bool leaving, struct bf_error *e)
{
    struct bf_media *media = up->media;
    if (!media->is_shared) {
        pthread_mutex_lock(&media->lock);
        up->leaving = leaving;
        pthread_mutex_unlock(&media->lock);
        return BF_OK;
    }
    enum bf_status status = bf__registry_claim(up, leaving, e);
    for (unsigned i = 0; i < CLAIMS_MAX && status == BF_E_STALE; i++)
        if ((status = bf__registry_refresh(up, /* leaving= */ true, e)) == BF_OK)
            status = bf__registry_claim(up, leaving, e);
    return status == BF_E_STALE ? bf_fail(e, BF_E_LOCKED, "the upload is being written elsewhere") : status;
}

static enum bf_status take_wrap(struct bf__upload *up, struct bf_error *e)
{
    pthread_mutex_t *settling = bf__settle_lock(up->media, up->sha256);
    pthread_mutex_lock(settling);
    enum bf_status status = bf__blob_give_back(up, /* later= */ up->media->needed != NULL, e);
    pthread_mutex_unlock(settling);
    return status;
}

/* Of an upload that is finished, or could not be: the user's wrap, unless another upload stands for it. What is asked of the pipeline, which reads and
 * commits, is asked before the lock: it guards against finishes only. The upload is leaving from there on, whatever fails. */
static enum bf_status give_blob_back(struct bf__upload *up, struct bf_error *e)
{
    bool needed;
    enum bf_status status = ask_needed(up, &needed, e);
    if (status == BF_OK)
        status = claim_to_delete(up, /* leaving= */ true, e);
    if (status == BF_OK && !needed)
        status = take_wrap(up, e);
    if (status == BF_OK && !up->finished) /* the finish that failed may have linked the file, and may have committed the wrap */
        status = bf__blob_drop_unless_named(up->media, up->tenant, up->sha256, up->file_id, e);
    return status;
}

/* ---- finishing ---- */

static enum bf_status check_whole(const struct bf__upload *up, struct bf_error *e)
{
    if (up->file == NULL)
        return bf_fail(e, BF_E_CONFLICT, "the upload is not open");
    if (bf__file_dirty(up->file) || up->length < 0 || bf__file_offset(up->file) != up->length)
        return bf_fail(e, BF_E_CONFLICT, "%lld of %lld bytes are durable", (long long)up->offset, (long long)up->length);
    return BF_OK;
}

static enum bf_status store_outcome(struct bf__upload *up, struct bf__info *info, struct bf_error *e)
{
    const struct bf__shelf_vtable *shelf = up->media->shelf;
    char name[BF__INFO_NAME];
    struct bf__kept kept = {.tenant = up->tenant, .file = up->file_id, .name = name};
    bf__data_name(&up->id, name);
    enum bf_status status = bf__file_bytes(up->file, &kept.bytes, e);
    if (status == BF_OK && !up->partial)
        status = bf__blob_store(up->media, &kept, up->user, &info->key, info->sha256, info->size, e);
    if (status == BF_OK)
        status = shelf->finish(up, info, /* keep_key= */ up->partial, e);
    return status == BF_OK && !up->partial ? shelf->spend(up, e) : status;
}

static void become_finished(struct bf__upload *up, const struct bf__info *info)
{
    pthread_mutex_lock(&up->media->lock);
    memcpy(up->sha256, info->sha256, 32);
    up->finished = true;
    up->hold = BF__HOLD_STANDS;
    up->touched_ms = info->finished_ms;
    pthread_mutex_unlock(&up->media->lock);
}

/* Another process has the upload, and may have come to its end: finished it, or deleted it as well, perhaps before the wrap was made here. */
static enum bf_status learn_outcome(struct bf__upload *up)
{
    enum bf_status status = bf__registry_refresh(up, /* leaving= */ false, NULL);
    if (status == BF_E_NOT_FOUND)
        (void)take_wrap(up, NULL);
    return status == BF_OK && up->finished ? BF_OK : BF_E_LOCKED;
}

/* Order: the data are complete and synced; the blob has its file (directory synced) and then its wrap (committed); the outcome is noted, which takes the
 * key out of the info file; the second name of the data goes. A crash anywhere before the outcome is noted does it again from bf__upload_load. */
enum bf_status bf__upload_finish(struct bf__upload *up, uint8_t ret_sha256[32], struct bf_error *e)
{
    struct bf_media *media = up->media;
    struct bf__info info;
    if (up->finished) {
        memcpy(ret_sha256, up->sha256, 32);
        return BF_OK;
    }
    enum bf_status status = check_whole(up, e);
    if (status == BF_OK)
        status = media->shelf->read_info(up, &info, e);
    if (status == BF_OK)
        status = bf__file_complete(up->file, info.sha256, e);
    if (status != BF_OK)
        return status;
    info.size = up->length;
    info.finished_ms = bf_now_ms(media->env);
    pthread_mutex_t *settling = bf__settle_lock(media, info.sha256);
    pthread_mutex_lock(settling);
    if ((status = store_outcome(up, &info, e)) == BF_OK)
        become_finished(up, &info);
    pthread_mutex_unlock(settling);
    bf_key_wipe(&info.key);
    if (status == BF_E_LOCKED && media->is_shared)
        status = learn_outcome(up);
    if (status == BF_OK)
        memcpy(ret_sha256, info.sha256, 32);
    return status;
}

/* ---- deleting ---- */

static bool may_have_blob(struct bf__upload *up)
{
    struct bf__position position;
    uint8_t sha256[32];
    if (up->finished || up->partial)
        return !up->partial;
    if (up->media->is_shared)
        return up->doc.is_complete;
    if (up->file == NULL && up->media->shelf->may_be_kept(up))
        (void)open_file(up, &position, NULL);
    if (up->file == NULL || !bf__file_is_complete(up->file, sha256))
        return false;
    pthread_mutex_lock(&up->media->lock);
    memcpy(up->sha256, sha256, 32);
    pthread_mutex_unlock(&up->media->lock);
    return true;
}

void bf__upload_leave_table(struct bf__upload *up)
{
    struct bf_media *media = up->media;
    pthread_mutex_lock(&media->lock);
    HASH_DELETE(hh, media->uploads, up);
    if (!media->is_shared)
        bf__sender_remove(up);
    up->gone = true;
    up->refs--; /* the caller still has one */
    pthread_mutex_unlock(&media->lock);
}

enum bf_status bf__upload_delete(struct bf__upload *up, struct bf_error *e)
{
    struct bf_media *media = up->media;
    enum bf_status status = BF_OK;
    struct bf_stage *writer;
    pthread_mutex_lock(&media->lock);
    writer = up->writer;
    up->writer = NULL;
    pthread_mutex_unlock(&media->lock);
    if (writer != NULL)
        bf__stage_lose(writer);
    if (media->is_shared && up->doc.rev == 0) { /* it was not stored: what has its id is another's */
        bf__upload_leave_table(up);
        return BF_OK;
    }
    status = claim_to_delete(up, up->leaving || up->doc.is_leaving, e);
    if (status == BF_OK)
        status = may_have_blob(up) ? give_blob_back(up, e) : claim_to_delete(up, /* leaving= */ true, e);
    if (status == BF_OK)
        status = media->shelf->forget(up, e);
    if (status == BF_OK)
        bf__upload_leave_table(up);
    return status;
}
