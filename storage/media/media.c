/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the media of a store, which finds the uploads under way, and closing them. */
#include "core/arena.h"
#include "core/thread.h"
#include "storage/media/fs.h"
#include "storage/media/upload.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TTL_MS = 72 * 3600 * 1000 };

enum bf_status bf__media_of(struct bf_store *store, struct bf_media **ret, struct bf_error *e)
{
    *ret = store->media;
    return store->media == NULL ? bf_fail(e, BF_E_NOT_SUPPORTED, "this store has no place for files") : BF_OK;
}

void bf__media_hold(struct bf_store *store)
{
    struct bf_media *media = store->media;
    if (media == NULL)
        return;
    pthread_mutex_lock(&media->lock);
    media->holds++;
    pthread_mutex_unlock(&media->lock);
}

void bf__media_release(struct bf_store *store)
{
    struct bf_media *media = store->media;
    if (media == NULL)
        return;
    pthread_mutex_lock(&media->lock);
    media->holds--;
    pthread_mutex_unlock(&media->lock);
}

/* ---- the scan ---- */

static bool has_info(struct bf_media *media, struct bf_uuid id)
{
    char name[BF__INFO_NAME];
    bf__info_name(&id, name);
    return faccessat(media->stages_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* An info file that does not open is left where it is, for a person to look at: the names are ours, and damage is rarer than a wrong key. */
static enum bf_status take_info(struct bf_media *media, struct bf_uuid id, struct bf_error *e)
{
    struct bf__info info;
    struct bf__upload *up;
    enum bf_status status = bf__info_read(&media->master, media->stages_fd, id, &info, e);
    if (status == BF_E_CORRUPT)
        return BF_OK;
    if (status == BF_OK)
        status = bf__upload_add(media, &info, /* charge= */ false, &up, e);
    bf_key_wipe(&info.key);
    if (status != BF_OK)
        return status;
    bf__upload_leave(up);
    bf__upload_unref(up);
    return BF_OK;
}

/* Names without their info file are what a crash left of a creation or of a deletion. */
static enum bf_status take_name(struct bf_media *media, const char *name, struct bf_error *e)
{
    struct bf_uuid id;
    if (bf__info_parse_name(name, ".info", &id))
        return take_info(media, id, e);
    if (bf__info_parse_name(name, ".new", &id) || (bf__info_parse_name(name, ".data", &id) && !has_info(media, id)))
        return bf__fs_unlink(media->stages_fd, name, e);
    return BF_OK;
}

static enum bf_status scan(struct bf_media *media, struct bf_error *e)
{
    int fd = openat(media->stages_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    enum bf_status status = BF_OK;
    if (dir == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "open stages");
    while (status == BF_OK && (entry = readdir(dir)) != NULL)
        status = take_name(media, entry->d_name, e);
    closedir(dir);
    return status;
}

/* ---- open, close ---- */

static struct bf_media *new_media(struct bf_store *store)
{
    struct bf_media *media = calloc(1, sizeof *media);
    if (media == NULL)
        abort();
    *media = (struct bf_media){.store = store, .env = store->env, .stages_fd = -1, .blobs_fd = -1};
    bf_key_derive(&store->master, "media", NULL, 0, &media->master);
    for (unsigned i = 0; i < BF__SETTLE_LOCKS; i++)
        pthread_mutex_init(&media->settling[i], NULL);
    pthread_mutex_init(&media->lock, NULL);
    bf_real_cond_init(&media->left);
    media->close_spent.run = bf__spent_close;
    media->chunks = bf__chunks_create();
    return media;
}

static enum bf_status open_dirs(struct bf_media *media, const char *place, struct bf_error *e)
{
    int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", place);
    enum bf_status status = bf__fs_dir(fd, "stages", &media->stages_fd, e);
    if (status == BF_OK)
        status = bf__fs_dir(fd, "blobs", &media->blobs_fd, e);
    close(fd);
    return status;
}

enum bf_status bf__media_open(struct bf_store *store, struct bf_error *e)
{
    if (store->place == NULL || store->place[0] == '\0' || strncmp(store->place, "//", 2) == 0 || store->place[0] == '+') /* another machine's */
        return BF_OK;
    struct bf_media *media = new_media(store);
    store->media = media;
    if (store->config.stage_ttl_ms <= 0)
        store->config.stage_ttl_ms = TTL_MS;
    if (store->config.unbound_ttl_ms < store->config.stage_ttl_ms)
        store->config.unbound_ttl_ms = store->config.stage_ttl_ms;
    enum bf_status status = open_dirs(media, store->place, e);
    if (status == BF_OK)
        status = bf__puts_settle(media, e);
    if (status == BF_OK)
        status = scan(media, e);
    if (status != BF_OK) {
        bf__media_close(store);
        return status;
    }
    media->closer = bf_pool_create(store->env, "stage-spent", 1, 1);
    for (unsigned i = 0; i < BF__STAGE_THREADS; i++)
        media->threads[i] = bf_pool_create(store->env, i == 0 ? "stage-a" : "stage-b", 1, BF__STAGE_QUEUE_MAX);
    return BF_OK;
}

static void empty_table(struct bf_media *media)
{
    struct bf__upload *up, *next;
    HASH_ITER(hh, media->uploads, up, next)
    {
        HASH_DELETE(hh, media->uploads, up);
        bf__sender_remove(up);
        bf__upload_unref(up);
    }
}

void bf_stages_drain(struct bf_store *store)
{
    if (store->media == NULL)
        return;
    for (unsigned i = 0; i < BF__STAGE_THREADS; i++)
        bf_pool_destroy(&store->media->threads[i]);
}

void bf__media_close(struct bf_store *store)
{
    struct bf_media *media = store->media;
    if (media == NULL)
        return;
    bf_stages_drain(store);
    bf_pool_destroy(&media->closer);
    empty_table(media);
    bf__chunks_unref(&media->chunks);
    if (media->stages_fd >= 0)
        close(media->stages_fd);
    if (media->blobs_fd >= 0)
        close(media->blobs_fd);
    pthread_cond_destroy(&media->left);
    pthread_mutex_destroy(&media->lock);
    for (unsigned i = 0; i < BF__SETTLE_LOCKS; i++)
        pthread_mutex_destroy(&media->settling[i]);
    bf_key_wipe(&media->master);
    while (media->n_leaving > 0)
        bf_key_wipe(&media->leaving[--media->n_leaving].key);
    free(media);
    store->media = NULL;
}
