/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to the files of an upload by whoever has entered it: recovery, takeover, syncing, finishing, deleting. */
#include "core/arena.h"
#include "core/metrics.h"
#include "storage/media/fs.h"
#include "storage/media/leaving.h"
#include "storage/media/wraps.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
    struct bf_media *media = up->media;
    struct bf__info info;
    char name[BF__INFO_NAME];
    bool complete;
    enum bf_status status = bf__info_read(&media->master, media->stages_fd, up->id, &info, e);
    if (status != BF_OK)
        return status;
    bf__data_name(&up->id, name);
    status = bf__file_open(media->env, media->stages_fd, name, &info.key, up->file_id, &up->file, position, &complete, e);
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
    struct bf_media *media = up->media;
    char name[BF__INFO_NAME];
    enum bf_status status = BF_OK;
    bf__data_name(&up->id, name);
    if (!up->partial)
        status = bf__blob_store(media, up->tenant, up->user, name, up->file_id, &info->key, info->sha256, info->size, e);
    if (status != BF_OK)
        return status;
    status = bf__info_finish(media->env, &media->master, media->stages_fd, info, /* keep_key= */ up->partial, e);
    if (status == BF_OK && !up->partial)
        status = bf__fs_unlink(media->stages_fd, name, e);
    return status;
}

pthread_mutex_t *bf__settle_lock(struct bf_media *media, const uint8_t sha256[32]) { return &media->settling[sha256[0] % BF__SETTLE_LOCKS]; }

static void become_finished(struct bf__upload *up, const struct bf__info *info)
{
    pthread_mutex_lock(&up->media->lock);
    memcpy(up->sha256, info->sha256, 32);
    up->finished = true;
    up->hold = BF__HOLD_STANDS;
    up->touched_ms = info->finished_ms;
    pthread_mutex_unlock(&up->media->lock);
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
        status = bf__info_read(&media->master, media->stages_fd, up->id, &info, e);
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
    if (status == BF_OK)
        memcpy(ret_sha256, info.sha256, 32);
    return status;
}

/* ---- deleting ---- */

static enum bf_status release_wrap(struct bf__upload *up, struct bf_error *e)
{
    struct bf_media *media = up->media;
    if (media->needed == NULL)
        return bf_blob_release(media->store, up->tenant, up->user, up->sha256, e);
    return bf__blob_release_later(media, up->tenant, up->user, up->sha256, e);
}

/* Bytes that a committed record calls stored are not given back under it: its job has yet to make them the customer's. */
static enum bf_status ask_needed(struct bf__upload *up, bool *ret, struct bf_error *e)
{
    struct bf_media *media = up->media;
    *ret = false;
    return media->needed == NULL ? BF_OK : media->needed(media->needed_ctx, up->tenant, up->user, up->sha256, ret, e);
}

/* Of an upload that is finished, or could not be: the user's wrap, unless another upload stands for it. What is asked of the pipeline, which reads and
 * commits, is asked before the lock: it guards against finishes only. */
static enum bf_status give_blob_back(struct bf__upload *up, struct bf_error *e)
{
    bool needed;
    enum bf_status status = ask_needed(up, &needed, e);
    if (status != BF_OK)
        return status;
    pthread_mutex_t *settling = bf__settle_lock(up->media, up->sha256);
    pthread_mutex_lock(settling);
    if (!needed && !bf__sender_has_equal(up))
        status = release_wrap(up, e);
    if (status == BF_OK && !up->finished) /* the finish that failed may have linked the file, and may have committed the wrap */
        status = bf__blob_drop_unless_named(up->media, up->tenant, up->sha256, up->file_id, e);
    pthread_mutex_unlock(settling);
    return status;
}

static bool is_linked(const struct bf__upload *up)
{
    char name[BF_UUID_TEXT];
    bf__blob_name(&up->file_id, name);
    return faccessat(up->media->blobs_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool may_have_blob(struct bf__upload *up)
{
    struct bf__position position;
    uint8_t sha256[32];
    if (up->finished || up->partial)
        return !up->partial;
    if (up->file == NULL && is_linked(up))
        (void)open_file(up, &position, NULL);
    if (up->file == NULL || !bf__file_is_complete(up->file, sha256))
        return false;
    pthread_mutex_lock(&up->media->lock);
    memcpy(up->sha256, sha256, 32);
    pthread_mutex_unlock(&up->media->lock);
    return true;
}

static void leave_table(struct bf__upload *up)
{
    struct bf_media *media = up->media;
    pthread_mutex_lock(&media->lock);
    HASH_DELETE(hh, media->uploads, up);
    bf__sender_remove(up);
    up->gone = true;
    up->refs--; /* the caller still has one */
    pthread_mutex_unlock(&media->lock);
}

enum bf_status bf__upload_delete(struct bf__upload *up, struct bf_error *e)
{
    struct bf_media *media = up->media;
    char info[BF__INFO_NAME], data[BF__INFO_NAME];
    enum bf_status status = BF_OK;
    struct bf_stage *writer;
    bf__info_name(&up->id, info);
    bf__data_name(&up->id, data);
    pthread_mutex_lock(&media->lock);
    writer = up->writer;
    up->writer = NULL;
    pthread_mutex_unlock(&media->lock);
    if (writer != NULL)
        bf__stage_lose(writer);
    if (may_have_blob(up))
        status = give_blob_back(up, e);
    if (status == BF_OK)
        status = bf__fs_unlink(media->stages_fd, info, e);
    if (status == BF_OK)
        status = bf__fs_unlink(media->stages_fd, data, e);
    if (status == BF_OK)
        status = bf__fs_sync(media->stages_fd, e);
    if (status == BF_OK)
        leave_table(up);
    return status;
}
