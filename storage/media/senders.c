/* SPDX-License-Identifier: Apache-2.0 */
/* Whose uploads: what one user may have in the table, and which of them keep his wrap of a blob's key. */
#include "core/arena.h"
#include "storage/media/registry.h"
#include "storage/media/wraps.h"
#include <stdlib.h>
#include <utlist.h>

/* One user's uploads. Under media->lock. */
struct bf__sender {
    struct {
        struct bf_uuid tenant, user;
    } key;
    UT_hash_handle hh;
    struct bf__upload *uploads;
};

static struct bf__sender *find(struct bf_media *media, const struct bf_uuid *tenant, const struct bf_uuid *user)
{
    struct bf__sender key = {.key = {.tenant = *tenant, .user = *user}}, *found;
    HASH_FIND(hh, media->senders, &key.key, sizeof key.key, found);
    return found;
}

void bf__sender_add(struct bf__upload *up)
{
    struct bf_media *media = up->media;
    struct bf__sender *sender = find(media, &up->tenant, &up->user);
    if (sender == NULL) {
        sender = calloc(1, sizeof *sender);
        if (sender == NULL)
            abort();
        sender->key.tenant = up->tenant;
        sender->key.user = up->user;
        HASH_ADD(hh, media->senders, key, sizeof sender->key, sender);
    }
    DL_APPEND2(sender->uploads, up, prev_own, next_own);
}

void bf__sender_remove(struct bf__upload *up)
{
    struct bf__sender *sender = find(up->media, &up->tenant, &up->user);
    DL_DELETE2(sender->uploads, up, prev_own, next_own);
    if (sender->uploads != NULL)
        return;
    HASH_DELETE(hh, up->media->senders, sender);
    free(sender);
}

/* ---- limits ---- */

static int64_t reserved(int64_t length, int64_t max_bytes) { return length >= 0 ? length : max_bytes; }

/* An upload without a length counts with what it may grow to; a finished one with its bytes, until they are a record's or nobody's. */
static struct bf__sums sum(const struct bf__sender *sender)
{
    struct bf__sums s = {0};
    const struct bf__upload *up;
    DL_FOREACH2(sender->uploads, up, next_own)
    {
        if (!up->finished) {
            s.n_open++;
            s.open += reserved(up->length, up->max_bytes);
        } else if (up->hold != BF__HOLD_GONE) {
            s.n_kept++;
            s.kept += up->length;
        }
    }
    return s;
}

struct bf__sums bf__sender_sums(struct bf_media *media, const struct bf__info *info)
{
    const struct bf__sender *sender = find(media, &info->tenant, &info->user);
    return sender == NULL ? (struct bf__sums){0} : sum(sender);
}

enum bf_status bf__sums_judge(const struct bf_store_config *config, const struct bf__sums *sums, const struct bf__info *info, struct bf_error *e)
{
    struct bf__sums s = *sums;
    int64_t more = reserved(info->length, info->max_bytes);
    if (s.n_open >= BF__USER_UPLOADS_MAX)
        return bf_fail(e, BF_E_QUOTA, "%u uploads are under way", s.n_open);
    if (config->stage_quota_bytes > 0 && s.open + more > config->stage_quota_bytes)
        return bf_fail(e, BF_E_QUOTA, "the uploads under way would hold %lld of %lld bytes", (long long)(s.open + more),
                       (long long)config->stage_quota_bytes);
    if (s.n_kept >= BF__USER_KEPT_MAX)
        return bf_fail(e, BF_E_QUOTA, "%u uploads are stored that no record names", s.n_kept);
    if (config->unbound_quota_bytes > 0 && s.kept + more > config->unbound_quota_bytes)
        return bf_fail(e, BF_E_QUOTA, "the uploads that no record names would hold %lld of %lld bytes", (long long)(s.kept + more),
                       (long long)config->unbound_quota_bytes);
    return BF_OK;
}

/* ---- holds ---- */

enum bf_status bf__sender_has_equal(struct bf__upload *up, bool *ret, struct bf_error *e)
{
    struct bf_media *media = up->media;
    const struct bf__upload *other;
    bool found = false;
    if (media->is_shared)
        return bf__registry_has_equal(up, ret, e);
    pthread_mutex_lock(&media->lock);
    const struct bf__sender *sender = find(media, &up->tenant, &up->user);
    DL_FOREACH2(sender == NULL ? NULL : sender->uploads, other, next_own)
    {
        found = found || (other != up && other->finished && !other->partial && !other->leaving && memcmp(other->sha256, up->sha256, 32) == 0);
    }
    pthread_mutex_unlock(&media->lock);
    *ret = found;
    return BF_OK;
}

void bf__sender_doubt(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32])
{
    struct bf__upload *up;
    if (media->is_shared) {
        (void)bf__registry_learn_holds(media, tenant, user, sha256, NULL); /* else it counts until somebody looks */
        return;
    }
    pthread_mutex_lock(&media->lock);
    struct bf__sender *sender = find(media, &tenant, &user);
    DL_FOREACH2(sender == NULL ? NULL : sender->uploads, up, next_own)
    {
        if (up->finished && up->hold == BF__HOLD_STANDS && memcmp(up->sha256, sha256, 32) == 0)
            up->hold = BF__HOLD_UNKNOWN;
    }
    pthread_mutex_unlock(&media->lock);
}

static bool is_doubtful(const struct bf__upload *up) { return up->finished && !up->partial && up->hold == BF__HOLD_UNKNOWN; }

enum bf_status bf__upload_learn_hold(struct bf__upload *up, struct bf_error *e)
{
    struct bf_media *media = up->media;
    struct bf_blob_info info;
    pthread_mutex_lock(&media->lock);
    bool ask = is_doubtful(up);
    pthread_mutex_unlock(&media->lock);
    if (!ask)
        return BF_OK;
    enum bf_status status = bf_blob_stat(media->store, up->tenant, up->user, up->sha256, &info, e);
    if (status != BF_OK && status != BF_E_NOT_FOUND)
        return status;
    pthread_mutex_lock(&media->lock);
    up->hold = status == BF_OK ? BF__HOLD_STANDS : BF__HOLD_GONE;
    pthread_mutex_unlock(&media->lock);
    return BF_OK;
}

static struct bf__upload *next_doubtful(struct bf_media *media, const struct bf__info *info)
{
    struct bf__upload *up, *found = NULL;
    pthread_mutex_lock(&media->lock);
    struct bf__sender *sender = find(media, &info->tenant, &info->user);
    DL_FOREACH2(sender == NULL ? NULL : sender->uploads, up, next_own)
    {
        if (is_doubtful(up))
            found = up;
    }
    if (found != NULL)
        found->refs++;
    pthread_mutex_unlock(&media->lock);
    return found;
}

bool bf__sender_learn_holds(struct bf_media *media, const struct bf__info *info)
{
    struct bf__upload *up;
    bool learnt = false;
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < 2 * BF__USER_KEPT_MAX && status == BF_OK && (up = next_doubtful(media, info)) != NULL; i++) {
        status = bf__upload_learn_hold(up, NULL);
        bf__upload_unref(up);
        learnt = true;
    }
    return learnt;
}
