/* SPDX-License-Identifier: Apache-2.0 */
/* Storing, sharing, reading and letting go of blobs. */
#include "core/arena.h"
#include "core/metrics.h"
#include "storage/media/leaving.h"
#include "storage/media/registry.h"
#include "storage/media/shelf.h"
#include "storage/media/wraps.h"
#include <stdlib.h>

enum { RACES_MAX = 64 };

struct bf_blob {
    struct bf__frames *frames;
};

/* ---- storing ---- */

/* What somebody brings: a complete file and its key. */
struct offer {
    struct bf_uuid tenant, holder, file;
    const struct bf_key *key;
    const uint8_t *sha256;
    int64_t size;
};

/* The key of the blob as it stands, if it can be read at all: one that cannot takes the new file. */
static enum bf_status standing_key(struct bf_media *media, const struct bf__blob_doc *blob, struct bf_key *ret, bool *ret_stands, struct bf_error *e)
{
    struct bf__frames *frames;
    *ret_stands = false;
    if (blob->doc == NULL || blob->state != BF__BLOB_LIVE)
        return BF_OK;
    enum bf_status status = bf__blob_key(media, blob, ret, e);
    if (status == BF_OK && (status = bf__blob_frames(media, blob, ret, &frames, e)) == BF_OK) {
        bf__frames_close(&frames);
        *ret_stands = true;
    }
    return status == BF_E_GONE || status == BF_E_CORRUPT || status == BF_E_NOT_FOUND ? BF_OK : status;
}

/* The new file takes the place of one that cannot be read: its holders hold the new one. Those whose key is gone hold nothing. */
static enum bf_status replace_file(struct bf_media *media, struct bf_arena *arena, struct bf__blob_doc *blob, const struct offer *offer,
                                   struct bf_error *e)
{
    const struct bf__wrap *old = blob->wraps;
    unsigned n = blob->state == BF__BLOB_LIVE ? blob->n_wraps : 0;
    blob->wraps = NULL;
    blob->n_wraps = 0;
    blob->file = offer->file;
    blob->size = offer->size;
    blob->state = BF__BLOB_LIVE;
    for (unsigned i = 0; i < n; i++) {
        enum bf_status status = bf__wrap_add(media, arena, blob, old[i].holder, offer->key, e);
        if (status != BF_OK && status != BF_E_GONE)
            return status;
    }
    return BF_OK;
}

static enum bf_status try_attach(struct bf_media *media, struct bf_arena *arena, const struct offer *offer, struct bf_uuid *ret_spare,
                                 struct bf_error *e)
{
    struct bf__blob_doc blob;
    struct bf_key key = *offer->key;
    bool stands;
    enum bf_status status = bf__blob_get(media, arena, offer->tenant, offer->sha256, &blob, e);
    if (status == BF_OK)
        status = standing_key(media, &blob, &key, &stands, e);
    if (status != BF_OK)
        return status;
    *ret_spare = stands ? offer->file : blob.file;
    if (bf_uuid_eq(&offer->file, &blob.file)) /* a finish that is done again */
        *ret_spare = (struct bf_uuid){{0}};
    if (!stands) {
        key = *offer->key;
        status = replace_file(media, arena, &blob, offer, e);
    }
    if (status == BF_OK)
        status = bf__wrap_add(media, arena, &blob, offer->holder, &key, e);
    bf_key_wipe(&key);
    return status == BF_OK ? bf__blob_write(media, arena, &blob, e) : status;
}

/* Equal bytes that came before make this file spare. Its names go; an upload's is still open, and its blocks go with the next sweep. */
static enum bf_status attach(struct bf_media *media, const struct offer *offer, struct bf_error *e)
{
    struct bf_uuid spare;
    enum bf_status status = BF_E_STALE;
    for (unsigned i = 0; i < RACES_MAX && status == BF_E_STALE; i++) {
        struct bf_arena *arena = bf_arena_create();
        status = try_attach(media, arena, offer, &spare, e);
        bf_arena_destroy(&arena);
    }
    if (status == BF_E_STALE)
        return bf_fail(e, BF_E_UNAVAILABLE, "too many changes of one blob at a time");
    if (media->is_shared && bf_uuid_eq(&spare, &offer->file)) /* no second name: it goes when the outcome is noted */
        return status;
    if (status != BF_OK || bf_uuid_is_zero(&spare) || bf__leaving_has(media, spare))
        return status;
    return bf__blob_drop(media, offer->tenant, spare, e);
}

enum bf_status bf__blob_store(struct bf_media *media, const struct bf__kept *kept, struct bf_uuid holder, const struct bf_key *key,
                              const uint8_t sha256[32], int64_t size, struct bf_error *e)
{
    struct offer offer = {.tenant = kept->tenant, .holder = holder, .file = kept->file, .key = key, .sha256 = sha256, .size = size};
    enum bf_status status = media->shelf->keep(media, kept, e);
    if (status == BF_OK)
        status = attach(media, &offer, e);
    if (status == BF_OK)
        bf_metric_add(media->env->metrics, BF_M_BLOBS_STORED, 1);
    return status;
}

/* ---- what the server made ---- */

static enum bf_status write_content(struct bf_media *media, struct bf__file *file, struct bf_str bytes, uint8_t ret_sha256[32], struct bf_error *e)
{
    struct bf__chunk *scratch = bf__chunk_take(media->chunks);
    enum bf_status status = BF_OK;
    for (size_t at = 0; at < bytes.n && status == BF_OK;) {
        size_t n = bytes.n - at < BF__BODY_MAX ? bytes.n - at : BF__BODY_MAX;
        memcpy(scratch->rec + BF__HEAD, bytes.p + at, n);
        status = bf__file_append(file, scratch->rec, n, e);
        at += n;
    }
    bf__chunk_give(scratch);
    return status == BF_OK ? bf__file_complete(file, ret_sha256, e) : status;
}

static bool register_put(struct bf_media *media, struct bf_uuid file)
{
    pthread_mutex_lock(&media->lock);
    bool room = media->n_puts < BF__PUTS_MAX;
    if (room)
        media->puts[media->n_puts++] = file;
    pthread_mutex_unlock(&media->lock);
    return room;
}

static void forget_put(struct bf_media *media, struct bf_uuid file)
{
    pthread_mutex_lock(&media->lock);
    for (unsigned i = 0; i < media->n_puts; i++)
        if (bf_uuid_eq(&media->puts[i], &file)) {
            media->puts[i] = media->puts[--media->n_puts];
            break;
        }
    pthread_mutex_unlock(&media->lock);
}

static enum bf_status put(struct bf_media *media, const struct offer *offer, struct bf_str bytes, uint8_t sha256[32], struct bf_error *e)
{
    struct bf__put put = {.kept = {.tenant = offer->tenant, .file = offer->file}, .sha256 = sha256};
    struct bf__file *file = NULL;
    struct bf__io *io;
    uint8_t again[32];
    enum bf_status status = media->shelf->put_begin(media, &put, &io, e);
    if (status != BF_OK)
        return status;
    status = bf__file_create(media->env, io, offer->key, offer->file, &file, e);
    if (status == BF_OK)
        status = write_content(media, file, bytes, again, e);
    if (status == BF_OK)
        status = bf__file_bytes(file, &put.kept.bytes, e);
    bf__file_close(&file);
    if (status == BF_OK)
        status = bf__blob_store(media, &put.kept, offer->holder, offer->key, sha256, offer->size, e);
    enum bf_status ended = media->shelf->put_end(media, &put, NULL);
    return status == BF_OK ? ended : status;
}

enum bf_status bf_blob_put(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, struct bf_str bytes, uint8_t ret_sha256[32],
                           struct bf_error *e)
{
    struct bf_media *media;
    struct bf_key key;
    uint8_t sha256[32];
    enum bf_status status = bf__media_of(store, &media, e);
    if (status != BF_OK)
        return status;
    bf_sha256(bytes.p, bytes.n, sha256);
    bf_key_random(media->env, &key);
    struct offer offer = {.tenant = tenant, .holder = subject, .file = bf_uuid_v7(media->env), .key = &key, .sha256 = sha256, .size = (int64_t)bytes.n};
    if (!register_put(media, offer.file)) {
        bf_key_wipe(&key);
        return bf_fail(e, BF_E_UNAVAILABLE, "%d blobs are being stored", BF__PUTS_MAX);
    }
    status = put(media, &offer, bytes, sha256, e);
    forget_put(media, offer.file);
    bf_key_wipe(&key);
    if (status == BF_OK)
        memcpy(ret_sha256, sha256, 32);
    return status;
}

/* ---- holders ---- */

/* The document, where `holder` has a wrap in it; BF_E_NOT_FOUND in the same words whatever is missing. */
static enum bf_status get_held(struct bf_store *store, struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32],
                               struct bf_media **ret_media, struct bf__blob_doc *ret, int *ret_at, struct bf_error *e)
{
    enum bf_status status = bf__media_of(store, ret_media, e);
    if (status == BF_OK)
        status = bf__blob_get(*ret_media, arena, tenant, sha256, ret, e);
    if (status != BF_OK)
        return status;
    *ret_at = bf__wrap_find(ret, holder);
    if (*ret_at < 0 || ret->state != BF__BLOB_LIVE)
        return bf_fail(e, BF_E_NOT_FOUND, "no such bytes");
    return BF_OK;
}

enum bf_status bf_blob_stat(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32],
                            struct bf_blob_info *ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_media *media;
    struct bf__blob_doc blob;
    int at;
    enum bf_status status = get_held(store, arena, tenant, holder, sha256, &media, &blob, &at, e);
    if (status == BF_OK) {
        ret->size = blob.size;
        memcpy(ret->sha256, blob.sha256, 32);
    }
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status try_bind(struct bf_store *store, struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid holder, struct bf_uuid subject,
                               const uint8_t sha256[32], struct bf_error *e)
{
    struct bf_media *media;
    struct bf__blob_doc blob;
    struct bf_key key;
    int at;
    enum bf_status status = get_held(store, arena, tenant, holder, sha256, &media, &blob, &at, e);
    if (status != BF_OK || bf__wrap_find(&blob, subject) >= 0)
        return status;
    if ((status = bf__wrap_open(media, &blob, (unsigned)at, &key, e)) != BF_OK)
        return status;
    status = bf__wrap_add(media, arena, &blob, subject, &key, e);
    bf_key_wipe(&key);
    return status == BF_OK ? bf__blob_write(media, arena, &blob, e) : status;
}

enum bf_status bf_blob_bind(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, struct bf_uuid subject,
                            const uint8_t sha256[32], struct bf_error *e)
{
    enum bf_status status = BF_E_STALE;
    for (unsigned i = 0; i < RACES_MAX && status == BF_E_STALE; i++) {
        struct bf_arena *arena = bf_arena_create();
        status = try_bind(store, arena, tenant, holder, subject, sha256, e);
        bf_arena_destroy(&arena);
    }
    return status == BF_E_STALE ? bf_fail(e, BF_E_UNAVAILABLE, "too many changes of one blob at a time") : status;
}

/* Whether what is taken away next is kept: the key, and with it the file. */
static bool keep_leaving(struct bf_media *media, const struct bf__blob_doc *blob, int at, struct bf__leaving *l)
{
    *l = (struct bf__leaving){.tenant = blob->tenant, .holder = blob->wraps[at].holder, .file = blob->file, .size = blob->size};
    memcpy(l->sha256, blob->sha256, 32);
    if (bf__wrap_open(media, blob, (unsigned)at, &l->key, NULL) != BF_OK)
        return false; /* it is worth nothing to its holder */
    bool kept = bf__leaving_add(media, l);
    bf_key_wipe(&l->key);
    return kept;
}

/* `up` (or NULL) is the upload for which the holder has it. Another upload of the same bytes says so in its document before it has the wrap made, which
 * writes the blob's document: so it is looked for behind the reading of that, under whose rev the wrap goes. */
static enum bf_status try_release(struct bf_store *store, struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid holder,
                                  const uint8_t sha256[32], bool later, struct bf__upload *up, struct bf_error *e)
{
    bool stands = false;
    struct bf_media *media;
    struct bf__blob_doc blob;
    struct bf__leaving leaving;
    int at;
    enum bf_status status = get_held(store, arena, tenant, holder, sha256, &media, &blob, &at, e);
    if (status == BF_E_NOT_FOUND)
        return BF_OK;
    if (status == BF_OK && up != NULL)
        status = bf__sender_has_equal(up, &stands, e);
    if (status != BF_OK || stands)
        return status;
    bool kept = later && keep_leaving(media, &blob, at, &leaving);
    bf__wrap_remove(&blob, (unsigned)at);
    if (blob.n_wraps == 0)
        blob.state = BF__BLOB_DYING;
    status = bf__blob_write(media, arena, &blob, e);
    if (status != BF_OK && kept)
        bf__leaving_remove(media, &leaving);
    if (status != BF_OK || blob.n_wraps > 0 || kept)
        return status;
    status = bf__blob_drop(media, tenant, blob.file, e);
    return status == BF_OK ? media->shelf->settle(media, e) : status;
}

static enum bf_status release(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32], bool later,
                              struct bf__upload *up, struct bf_error *e)
{
    enum bf_status status = BF_E_STALE;
    for (unsigned i = 0; i < RACES_MAX && status == BF_E_STALE; i++) {
        struct bf_arena *arena = bf_arena_create();
        status = try_release(store, arena, tenant, holder, sha256, later, up, e);
        bf_arena_destroy(&arena);
    }
    if (status == BF_OK)
        bf__sender_doubt(store->media, tenant, holder, sha256);
    return status == BF_E_STALE ? bf_fail(e, BF_E_UNAVAILABLE, "too many changes of one blob at a time") : status;
}

enum bf_status bf_blob_release(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32], struct bf_error *e)
{
    return release(store, tenant, holder, sha256, /* later= */ false, NULL, e);
}

enum bf_status bf__blob_give_back(struct bf__upload *up, bool later, struct bf_error *e)
{
    return release(up->media->store, up->tenant, up->user, up->sha256, later, up, e);
}

enum bf_status bf__blob_put_back(struct bf_media *media, const struct bf__leaving *l, struct bf_error *e)
{
    struct offer offer = {
        .tenant = l->tenant, .holder = l->holder, .file = l->file, .key = &l->key, .sha256 = l->sha256, .size = l->size};
    enum bf_status status = attach(media, &offer, e);
    if (status == BF_OK)
        bf__sender_doubt(media, l->tenant, l->holder, l->sha256);
    return status;
}

/* ---- reading ---- */

static enum bf_status try_open(struct bf_store *store, struct bf_arena *arena, struct bf_uuid tenant, struct bf_uuid holder,
                               const uint8_t sha256[32], struct bf__frames **ret, struct bf_error *e)
{
    struct bf_media *media;
    struct bf__blob_doc blob;
    struct bf_key key;
    int at;
    enum bf_status status = get_held(store, arena, tenant, holder, sha256, &media, &blob, &at, e);
    if (status == BF_OK)
        status = bf__wrap_open(media, &blob, (unsigned)at, &key, e);
    if (status != BF_OK)
        return status;
    status = bf__blob_frames(media, &blob, &key, ret, e);
    bf_key_wipe(&key);
    return status == BF_E_NOT_FOUND ? bf_fail(e, BF_E_CORRUPT, "the file of a blob is missing") : status;
}

/* The file may be replaced between reading the document and opening it; then the second look finds the new one. */
enum bf_status bf_blob_open(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid holder, const uint8_t sha256[32],
                            struct bf_blob **ret, struct bf_blob_info *ret_info, struct bf_error *e)
{
    struct bf__frames *frames = NULL;
    enum bf_status status = BF_E_CORRUPT;
    for (unsigned i = 0; i < 2 && status == BF_E_CORRUPT; i++) {
        struct bf_arena *arena = bf_arena_create();
        status = try_open(store, arena, tenant, holder, sha256, &frames, e);
        bf_arena_destroy(&arena);
    }
    if (status != BF_OK)
        return status;
    struct bf_blob *blob = malloc(sizeof *blob);
    if (blob == NULL)
        abort();
    blob->frames = frames;
    ret_info->size = (int64_t)bf__frames_foot(frames)->size;
    memcpy(ret_info->sha256, sha256, 32);
    *ret = blob;
    return BF_OK;
}

enum bf_status bf_blob_read(struct bf_blob *blob, int64_t offset, void *buf, size_t n, size_t *ret, struct bf_error *e)
{
    return bf__frames_read(blob->frames, offset, buf, n, ret, e);
}

void bf_blob_close(struct bf_blob **blob)
{
    if (blob == NULL || *blob == NULL)
        return;
    bf__frames_close(&(*blob)->frames);
    free(*blob);
    *blob = NULL;
}
