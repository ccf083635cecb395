/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wraps that were given back because nobody needed the bytes. A visit may have looked for them before that and be committed after it: its sender was told
 * that they are stored, and drops his copy. So the key and the file are kept until every request that can have looked is over. When a record needs the
 * bytes then, the wrap is put back, and the record asked once more, since its job may have found nobody meanwhile.
 *
 * Keys are kept in memory only: after a restart the bytes are gone, as their sender wanted.
 */
#include "storage/media/leaving.h"
#include "core/env.h"

static struct bf__leaving *find(struct bf_media *media, const struct bf__leaving *l)
{
    for (unsigned i = 0; i < media->n_leaving; i++)
        if (bf_uuid_eq(&media->leaving[i].file, &l->file) && bf_uuid_eq(&media->leaving[i].holder, &l->holder))
            return &media->leaving[i];
    return NULL;
}

bool bf__leaving_add(struct bf_media *media, struct bf__leaving *l)
{
    l->until_ms = bf_mono_ms(media->env) + BF__LEAVING_MS;
    pthread_mutex_lock(&media->lock);
    struct bf__leaving *place = find(media, l);
    if (place == NULL && media->n_leaving < BF__LEAVING_MAX)
        place = &media->leaving[media->n_leaving++];
    if (place != NULL)
        *place = *l;
    pthread_mutex_unlock(&media->lock);
    return place != NULL;
}

void bf__leaving_remove(struct bf_media *media, const struct bf__leaving *l)
{
    pthread_mutex_lock(&media->lock);
    struct bf__leaving *place = find(media, l);
    if (place != NULL) {
        *place = media->leaving[--media->n_leaving];
        bf_key_wipe(&media->leaving[media->n_leaving].key);
    }
    pthread_mutex_unlock(&media->lock);
}

bool bf__leaving_has(struct bf_media *media, struct bf_uuid file)
{
    bool found = false;
    pthread_mutex_lock(&media->lock);
    for (unsigned i = 0; i < media->n_leaving && !found; i++)
        found = bf_uuid_eq(&media->leaving[i].file, &file);
    pthread_mutex_unlock(&media->lock);
    return found;
}

static enum bf_status settle(struct bf_media *media, const struct bf__leaving *l, struct bf_error *e)
{
    bool needed = false;
    enum bf_status status = media->needed(media->needed_ctx, l->tenant, l->holder, l->sha256, &needed, e);
    if (status == BF_OK && needed && (status = bf__blob_put_back(media, l, e)) == BF_OK)
        status = media->needed(media->needed_ctx, l->tenant, l->holder, l->sha256, &needed, e);
    if (status != BF_OK && status != BF_E_GONE) /* the holder's key was destroyed */
        return status;
    bf__leaving_remove(media, l);
    return bf__blob_drop_unless_named(media, l->tenant, l->sha256, l->file, e);
}

enum bf_status bf__leaving_settle(struct bf_media *media, struct bf_error *e)
{
    struct bf__leaving due[BF__LEAVING_MAX];
    int64_t mono = bf_mono_ms(media->env);
    unsigned n = 0;
    enum bf_status status = BF_OK;
    pthread_mutex_lock(&media->lock);
    for (unsigned i = 0; i < media->n_leaving; i++)
        if (media->leaving[i].until_ms <= mono)
            due[n++] = media->leaving[i];
    pthread_mutex_unlock(&media->lock);
    for (unsigned i = 0; i < n; i++) {
        enum bf_status one = settle(media, &due[i], status == BF_OK ? e : NULL);
        status = status == BF_OK ? one : status;
        bf_key_wipe(&due[i].key);
    }
    return status;
}
