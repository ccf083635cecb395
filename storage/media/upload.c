/* SPDX-License-Identifier: Apache-2.0 */
/* The table of uploads: who may work on one, and when its file is open. What is done to the files is in settle.c. */
#include "storage/media/registry.h"
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#define IDLE_PUSH(media, up) DL_APPEND2((media)->idle, up, prev_idle, next_idle)
#define IDLE_TAKE(media, up) DL_DELETE2((media)->idle, up, prev_idle, next_idle)

/* ---- life ---- */

static struct bf__upload *new_upload(struct bf_media *media, const struct bf__info *info)
{
    struct bf__upload *up = calloc(1, sizeof *up);
    char *metadata = malloc(info->metadata_n + 1);
    if (up == NULL || metadata == NULL)
        abort();
    memcpy(metadata, info->metadata, info->metadata_n);
    *up = (struct bf__upload){.id = info->id,
                              .media = media,
                              .tenant = info->tenant,
                              .user = info->user,
                              .file_id = info->file,
                              .length = info->length,
                              .touched_ms = info->created_ms,
                              .created_ms = info->created_ms,
                              .max_bytes = info->max_bytes,
                              .partial = info->partial,
                              .final = info->final,
                              .metadata = bf_str(metadata, info->metadata_n)};
    if (info->finished) {
        up->finished = up->known = true;
        up->offset = up->length = info->size;
        up->touched_ms = info->finished_ms;
        memcpy(up->sha256, info->sha256, 32);
    }
    return up;
}

static void free_upload(struct bf__upload *up)
{
    char *metadata;
    bf__file_close(&up->file);
    bf__digest_destroy(&up->digest);
    memcpy(&metadata, &up->metadata.p, sizeof metadata);
    free(metadata);
    free((void *)(uintptr_t)up->doc.info.p);
    free(up);
}

void bf__upload_unref(struct bf__upload *up)
{
    struct bf_media *media = up->media;
    pthread_mutex_lock(&media->lock);
    up->refs--;
    if (media->is_shared && up->refs == 1 && !up->gone && !up->busy && up->file == NULL) { /* it is found again by its document */
        HASH_DELETE(hh, media->uploads, up);
        up->refs = 0;
    }
    bool last = up->refs == 0;
    pthread_mutex_unlock(&media->lock);
    if (last)
        free_upload(up);
}

/* ---- adding ---- */

enum bf_status bf__upload_add(struct bf_media *media, const struct bf__info *info, bool charge, struct bf__upload **ret, struct bf_error *e)
{
    struct bf__upload *up = NULL;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&media->lock);
    HASH_FIND(hh, media->uploads, &info->id, sizeof info->id, up);
    if (up != NULL) {
        status = bf_fail(e, BF_E_EXISTS, "the upload exists");
    } else if (charge) {
        struct bf__sums sums = bf__sender_sums(media, info);
        status = bf__sums_judge(&media->store->config, &sums, info, e);
    }
    if (status == BF_OK) {
        up = new_upload(media, info);
        up->busy = true;
        up->refs = 2;
        HASH_ADD(hh, media->uploads, id, sizeof up->id, up);
        if (!media->is_shared)
            bf__sender_add(up);
        *ret = up;
    }
    pthread_mutex_unlock(&media->lock);
    return status;
}

/* What the table has, with a ref. */
static struct bf__upload *find_in_table(struct bf_media *media, struct bf_uuid id)
{
    struct bf__upload *up = NULL;
    pthread_mutex_lock(&media->lock);
    HASH_FIND(hh, media->uploads, &id, sizeof id, up);
    if (up != NULL)
        up->refs++;
    pthread_mutex_unlock(&media->lock);
    return up;
}

enum bf_status bf__upload_find(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf__upload **ret,
                               bool *ret_fresh, struct bf_error *e)
{
    struct bf__upload *up = find_in_table(media, id);
    enum bf_status status = BF_OK;
    *ret_fresh = !media->is_shared;
    if (up == NULL && media->is_shared)
        status = bf__registry_meet(media, id, /* leaving= */ false, &up, ret_fresh, e);
    if (status != BF_OK)
        return status;
    if (up != NULL && bf_uuid_eq(&up->tenant, &tenant) && bf_uuid_eq(&up->user, &user)) {
        *ret = up;
        return BF_OK;
    }
    if (up != NULL)
        bf__upload_unref(up);
    return bf_fail(e, BF_E_NOT_FOUND, "no such upload");
}

/* ---- entering ---- */

static struct timespec deadline_in(int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool must_wait(const struct bf__upload *up, bool drain)
{
    return up->busy || (drain && up->writer != NULL && atomic_load(&up->writer->closed) && atomic_load(&up->writer->held) > 0);
}

static bool wait_until_free(struct bf__upload *up, int64_t wait_ms, bool drain)
{
    struct bf_media *media = up->media;
    struct timespec deadline = deadline_in(wait_ms < 0 ? 0 : wait_ms);
    int failed = 0;
    up->waiting++;
    while (must_wait(up, drain) && failed == 0)
        failed = wait_ms < 0 ? pthread_cond_wait(&media->left, &media->lock) : pthread_cond_timedwait(&media->left, &media->lock, &deadline);
    up->waiting--;
    return !up->busy;
}

static enum bf_status enter(struct bf__upload *up, int64_t wait_ms, bool drain, struct bf_error *e)
{
    struct bf_media *media = up->media;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&media->lock);
    if (must_wait(up, drain) && !wait_until_free(up, wait_ms, drain)) {
        status = bf_fail(e, BF_E_LOCKED, "a write of this upload is under way");
        if (e != NULL)
            e->retry_after_s = 1;
    } else if (up->gone) {
        status = bf_fail(e, BF_E_NOT_FOUND, "no such upload");
    } else {
        up->busy = true;
        if (up->idle) {
            IDLE_TAKE(media, up);
            up->idle = false;
            media->n_idle--;
        }
    }
    pthread_mutex_unlock(&media->lock);
    return status;
}

enum bf_status bf__upload_enter(struct bf__upload *up, int64_t wait_ms, struct bf_error *e) { return enter(up, wait_ms, /* drain= */ false, e); }

enum bf_status bf__upload_enter_drained(struct bf__upload *up, int64_t wait_ms, struct bf_error *e)
{
    return enter(up, wait_ms, /* drain= */ true, e);
}

/* Under the lock. The file of the upload that was idle the longest is closed when there are too many; closing is quick, nothing is flushed. That upload,
 * with a ref, or NULL. */
static struct bf__upload *make_idle(struct bf_media *media, struct bf__upload *up, struct bf__file **ret_close)
{
    IDLE_PUSH(media, up);
    up->idle = true;
    if (++media->n_idle <= (media->is_shared ? BF__IDLE_SHARED_MAX : BF__IDLE_FILES_MAX))
        return NULL;
    struct bf__upload *oldest = media->idle;
    IDLE_TAKE(media, oldest);
    oldest->idle = false;
    media->n_idle--;
    *ret_close = oldest->file;
    oldest->file = NULL;
    oldest->refs++;
    return oldest;
}

/* Under the lock. When equal bytes were there before, this was the last of their second file: its sender must not see that in the time of his answer. */
static struct bf__file *make_spent(struct bf_media *media, struct bf__upload *up)
{
    struct bf__file *file = up->file;
    up->file = NULL;
    if (!up->finished || media->n_spent == BF__SPENT_MAX || !bf__file_is_nameless(file))
        return file;
    media->spent[media->n_spent++] = file;
    if (!media->closing)
        bf_post(bf_pool_mailbox(media->closer), &media->close_spent);
    media->closing = true;
    return NULL;
}

void bf__spent_close(struct bf_task *task)
{
    struct bf_media *media = BF_CONTAINER(task, struct bf_media, close_spent);
    struct bf__file *spent[BF__SPENT_MAX];
    pthread_mutex_lock(&media->lock);
    unsigned n = media->n_spent;
    memcpy(spent, media->spent, n * sizeof spent[0]);
    media->n_spent = 0;
    media->closing = false;
    pthread_mutex_unlock(&media->lock);
    for (unsigned i = 0; i < n; i++)
        bf__file_close(&spent[i]);
}

/* A file with bytes that were never synced stays open: they are made durable by whoever comes next. */
void bf__upload_leave(struct bf__upload *up)
{
    struct bf_media *media = up->media;
    struct bf__file *close_it = NULL;
    struct bf__upload *oldest = NULL;
    pthread_mutex_lock(&media->lock);
    up->busy = false;
    if (up->file != NULL && (up->finished || up->gone))
        close_it = make_spent(media, up);
    else if (up->file != NULL && up->writer == NULL && !bf__file_dirty(up->file))
        oldest = make_idle(media, up, &close_it);
    if (up->waiting > 0)
        pthread_cond_broadcast(&media->left);
    pthread_mutex_unlock(&media->lock);
    bf__file_close(&close_it);
    if (oldest != NULL)
        bf__upload_unref(oldest);
}

/* ---- facts ---- */

int64_t bf__upload_length(const struct bf__upload *up) { return up->length < 0 && up->writer != NULL ? up->writer->length : up->length; }

int64_t bf__expiry(const struct bf_store_config *config, const struct bf__expiring *up)
{
    int64_t ttl = config->stage_ttl_ms;
    if (up->is_held)
        ttl = config->unbound_ttl_ms;
    else if (!up->is_finished && up->offset == 0 && ttl > BF__UNUSED_TTL_MS)
        ttl = BF__UNUSED_TTL_MS;
    return up->touched_ms + ttl;
}

int64_t bf__upload_expires(const struct bf__upload *up)
{
    struct bf__expiring expiring = {.is_finished = up->finished,
                                    .is_held = up->finished && !up->partial && up->hold != BF__HOLD_GONE,
                                    .offset = up->offset,
                                    .touched_ms = up->touched_ms};
    return bf__expiry(&up->media->store->config, &expiring);
}

void bf__upload_info(struct bf__upload *up, struct bf_arena *arena, struct bf_stage_info *ret)
{
    struct bf_media *media = up->media;
    struct bf_str metadata = bf_str_dup(arena, up->metadata);
    pthread_mutex_lock(&media->lock);
    *ret = (struct bf_stage_info){.id = up->id,
                                  .tenant = up->tenant,
                                  .user = up->user,
                                  .offset = up->offset,
                                  .length = up->length,
                                  .expires_ms = bf__upload_expires(up),
                                  .metadata = metadata,
                                  .partial = up->partial,
                                  .final = up->final,
                                  .finished = up->finished};
    memcpy(ret->sha256, up->sha256, 32);
    pthread_mutex_unlock(&media->lock);
}
