/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the media of a store, and closing them. */
#include "core/thread.h"
#include "storage/media/shelf.h"
#include <stdlib.h>

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

/* ---- open, close ---- */

static struct bf_media *new_media(struct bf_store *store, const struct bf__shelf_vtable *shelf)
{
    struct bf_media *media = calloc(1, sizeof *media);
    if (media == NULL)
        abort();
    *media = (struct bf_media){.store = store,
                               .env = store->env,
                               .shelf = shelf,
                               .is_shared = shelf == &bf__shelf_store,
                               .stages_fd = -1,
                               .blobs_fd = -1,
                               .process = bf_uuid_v7(store->env)};
    bf_key_derive(&store->master, "media", NULL, 0, &media->master);
    for (unsigned i = 0; i < BF__SETTLE_LOCKS; i++)
        pthread_mutex_init(&media->settling[i], NULL);
    pthread_mutex_init(&media->lock, NULL);
    bf_real_cond_init(&media->left);
    media->close_spent.run = bf__spent_close;
    media->chunks = bf__chunks_create();
    return media;
}

/* In the database where other processes are to find them, else in the directory of the store. */
static const struct bf__shelf_vtable *choose_shelf(const struct bf_store *store)
{
    if (store->driver != NULL && store->driver->vt->file_put != NULL)
        return &bf__shelf_store;
    return store->place == NULL || store->place[0] == '\0' ? NULL : &bf__shelf_dir;
}

static void start_threads(struct bf_media *media)
{
    media->n_threads = media->is_shared ? BF__STAGE_THREADS_MAX : BF__STAGE_THREADS;
    media->closer = bf_pool_create(media->env, "stage-spent", 1, 1);
    for (unsigned i = 0; i < media->n_threads; i++) {
        char name[] = "stage-a";
        name[6] = (char)('a' + i);
        media->threads[i] = bf_pool_create(media->env, name, 1, BF__STAGE_QUEUE_MAX);
    }
}

enum bf_status bf__media_open(struct bf_store *store, struct bf_error *e)
{
    const struct bf__shelf_vtable *shelf = choose_shelf(store);
    if (shelf == NULL)
        return BF_OK;
    struct bf_media *media = new_media(store, shelf);
    store->media = media;
    if (store->config.stage_ttl_ms <= 0)
        store->config.stage_ttl_ms = TTL_MS;
    if (store->config.unbound_ttl_ms < store->config.stage_ttl_ms)
        store->config.unbound_ttl_ms = store->config.stage_ttl_ms;
    enum bf_status status = shelf->open(media, e);
    if (status != BF_OK) {
        bf__media_close(store);
        return status;
    }
    start_threads(media);
    return BF_OK;
}

static void empty_table(struct bf_media *media)
{
    struct bf__upload *up, *next;
    HASH_ITER(hh, media->uploads, up, next)
    {
        HASH_DELETE(hh, media->uploads, up);
        if (!media->is_shared)
            bf__sender_remove(up);
        bf__upload_unref(up);
    }
}

void bf_stages_drain(struct bf_store *store)
{
    if (store->media == NULL)
        return;
    for (unsigned i = 0; i < store->media->n_threads; i++)
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
    media->shelf->close(media);
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
