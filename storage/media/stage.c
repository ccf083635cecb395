/* SPDX-License-Identifier: Apache-2.0 */
/* Creating, opening, deleting and expiring uploads: the calls that block. */
#include "storage/media/leaving.h"
#include "storage/media/registry.h"
#include "storage/media/shelf.h"
#include <stdlib.h>

enum { CLAIMS_MAX = 8 };

/* ---- create ---- */

static enum bf_status check_new(const struct bf_stage_new *stage, struct bf_error *e)
{
    if (stage->metadata.n > BF_STAGE_METADATA_MAX)
        return bf_fail(e, BF_E_TOO_LARGE, "at most %d bytes of metadata", BF_STAGE_METADATA_MAX);
    if (stage->length < -1 || stage->max_bytes < 0)
        return bf_fail(e, BF_E_INVALID_HEADER, "a negative length");
    if (stage->length > stage->max_bytes)
        return bf_fail(e, BF_E_TOO_LARGE, "at most %lld bytes", (long long)stage->max_bytes);
    return BF_OK;
}

static void fill_info(struct bf_media *media, const struct bf_stage_new *stage, bool final, struct bf__info *info)
{
    memset(info, 0, offsetof(struct bf__info, metadata));
    info->id = stage->id;
    info->tenant = stage->tenant;
    info->user = stage->user;
    info->file = bf_uuid_v7(media->env);
    info->created_ms = bf_now_ms(media->env);
    info->length = stage->length;
    info->max_bytes = stage->max_bytes;
    info->partial = stage->partial;
    info->final = final;
    info->metadata_n = (uint32_t)stage->metadata.n;
    if (stage->metadata.n > 0)
        memcpy(info->metadata, stage->metadata.p, stage->metadata.n);
    bf_key_random(media->env, &info->key);
}

static enum bf_status make_files(struct bf__upload *up, const struct bf__info *info, struct bf_error *e)
{
    struct bf__io *io;
    enum bf_status status = up->media->shelf->create(up, info, &io, e);
    return status == BF_OK ? bf__file_create(up->media->env, io, &info->key, info->file, &up->file, e) : status;
}

/* Of all processes' uploads. Two that are created at once may both find room for one. */
static enum bf_status judge_shared(struct bf_media *media, const struct bf__info *info, struct bf_error *e)
{
    struct bf__sums sums;
    enum bf_status status = bf__registry_sums(media, info->tenant, info->user, &sums, e);
    return status == BF_OK ? bf__sums_judge(&media->store->config, &sums, info, e) : status;
}

static enum bf_status add_shared(struct bf_media *media, const struct bf__info *info, struct bf__upload **ret, struct bf_error *e)
{
    enum bf_status status = judge_shared(media, info, e);
    if (status == BF_E_QUOTA && bf__registry_learn_holds(media, info->tenant, info->user, NULL, e) == BF_OK)
        status = judge_shared(media, info, e);
    return status == BF_OK ? bf__upload_add(media, info, /* charge= */ false, ret, e) : status;
}

/* What counts as kept may have become a record's since it was looked at. */
static enum bf_status add(struct bf_media *media, const struct bf__info *info, struct bf__upload **ret, struct bf_error *e)
{
    if (media->is_shared)
        return add_shared(media, info, ret, e);
    enum bf_status status = bf__upload_add(media, info, /* charge= */ true, ret, e);
    if (status == BF_E_QUOTA && bf__sender_learn_holds(media, info))
        status = bf__upload_add(media, info, /* charge= */ true, ret, e);
    return status;
}

/* The upload stays entered. */
static enum bf_status create(struct bf_media *media, const struct bf_stage_new *stage, bool final, struct bf__upload **ret, struct bf_error *e)
{
    struct bf__info info;
    struct bf__upload *up = NULL;
    enum bf_status status = check_new(stage, e);
    if (status != BF_OK)
        return status;
    fill_info(media, stage, final, &info);
    status = add(media, &info, &up, e);
    if (status == BF_OK && (status = make_files(up, &info, e)) != BF_OK) {
        (void)bf__upload_delete(up, NULL);
        bf__upload_leave(up);
        bf__upload_unref(up);
    }
    bf_key_wipe(&info.key);
    if (status != BF_OK)
        return status;
    pthread_mutex_lock(&media->lock);
    up->known = true;
    pthread_mutex_unlock(&media->lock);
    *ret = up;
    return BF_OK;
}

enum bf_status bf_stage_create(struct bf_store *store, const struct bf_stage_new *stage, struct bf_error *e)
{
    struct bf_media *media;
    struct bf__upload *up;
    enum bf_status status = bf__media_of(store, &media, e);
    if (status == BF_OK)
        status = create(media, stage, /* final= */ false, &up, e);
    if (status != BF_OK)
        return status;
    bf__upload_leave(up);
    bf__upload_unref(up);
    return BF_OK;
}

/* ---- find ---- */

static bool expired(struct bf__upload *up, int64_t now_ms)
{
    pthread_mutex_lock(&up->media->lock);
    bool gone = up->known && up->writer == NULL && bf__upload_expires(up) <= now_ms;
    pthread_mutex_unlock(&up->media->lock);
    return gone;
}

static bool is_known(struct bf__upload *up)
{
    pthread_mutex_lock(&up->media->lock);
    bool known = up->known && !up->gone;
    pthread_mutex_unlock(&up->media->lock);
    return known;
}

/* The position is known even when what a crash cut short cannot be finished now: that is for whoever opens it, and nothing to who gives it up. */
static enum bf_status learn(struct bf__upload *up, bool fresh, struct bf_error *e)
{
    bool shared = up->media->is_shared;
    if (fresh && is_known(up))
        return BF_OK;
    enum bf_status status = bf__upload_enter(up, BF__TAKEOVER_WAIT_MS, e);
    if (status != BF_OK)
        return status;
    status = shared ? bf__registry_refresh(up, /* leaving= */ false, e) : bf__upload_load(up, e);
    bf__upload_leave(up);
    return !shared && is_known(up) ? BF_OK : status;
}

/* With a ref, and its durable position known. */
static enum bf_status find(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf__upload **ret,
                           struct bf_error *e)
{
    struct bf_media *media;
    struct bf__upload *up;
    bool fresh;
    enum bf_status status = bf__media_of(store, &media, e);
    if (status == BF_OK)
        status = bf__upload_find(media, tenant, user, id, &up, &fresh, e);
    if (status != BF_OK)
        return status;
    status = learn(up, fresh, e);
    if (status == BF_OK)
        status = bf__upload_learn_hold(up, e);
    if (status == BF_OK && expired(up, bf_now_ms(media->env)))
        status = bf_fail(e, BF_E_GONE, "the upload has expired");
    if (status != BF_OK) {
        bf__upload_unref(up);
        return status;
    }
    *ret = up;
    return BF_OK;
}

enum bf_status bf_stage_info(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_arena *arena,
                             struct bf_stage_info *ret, struct bf_error *e)
{
    struct bf__upload *up;
    enum bf_status status = find(store, tenant, user, id, &up, e);
    if (status != BF_OK)
        return status;
    bf__upload_info(up, arena, ret);
    bf__upload_unref(up);
    return BF_OK;
}

/* ---- open ---- */

/* An upload whose bytes are all durable and which nobody finished (the process died, or its request broke off) is finished here: its sender sees a full
 * offset and will not come again. */
static enum bf_status finish_if_whole(struct bf__upload *up, struct bf_error *e)
{
    uint8_t sha256[32];
    if (up->finished || up->length < 0 || up->offset != up->length)
        return BF_OK;
    return bf__upload_finish(up, sha256, e);
}

/* Where another process did something to it since it was looked at, it is looked at again. */
static enum bf_status displace_shared(struct bf__upload *up, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < CLAIMS_MAX; i++) {
        if (i > 0)
            status = bf__registry_refresh(up, /* leaving= */ false, e);
        if (status == BF_OK)
            status = bf__upload_displace(up, e);
        if (status == BF_OK && !up->finished)
            status = bf__registry_claim(up, /* leaving= */ false, e);
        if (status != BF_E_STALE && status != BF_E_LOCKED)
            return status;
    }
    return bf_fail(e, BF_E_LOCKED, "the upload is being written elsewhere");
}

static enum bf_status take_over(struct bf__upload *up, struct bf_error *e)
{
    enum bf_status status = up->media->is_shared ? displace_shared(up, e) : bf__upload_displace(up, e);
    if (status == BF_OK)
        status = bf__upload_load(up, e);
    return status == BF_OK ? finish_if_whole(up, e) : status;
}

enum bf_status bf_stage_open(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_mailbox *home,
                             void (*lost)(void *ctx), void *ctx, struct bf_arena *arena, struct bf_stage_info *ret_info, struct bf_stage **ret,
                             struct bf_error *e)
{
    struct bf__upload *up;
    enum bf_status status = find(store, tenant, user, id, &up, e);
    if (status != BF_OK)
        return status;
    status = bf__upload_enter_drained(up, BF__TAKEOVER_WAIT_MS, e);
    if (status == BF_OK && (status = take_over(up, e)) != BF_OK)
        bf__upload_leave(up);
    if (status != BF_OK) {
        bf__upload_unref(up);
        return status;
    }
    struct bf_stage *stage = bf__stage_create(up, home, lost, ctx);
    pthread_mutex_lock(&up->media->lock);
    up->writer = stage;
    pthread_mutex_unlock(&up->media->lock);
    bf__upload_info(up, arena, ret_info);
    bf__upload_leave(up);
    *ret = stage;
    return BF_OK;
}

/* ---- delete, expire ---- */

enum bf_status bf_stage_delete(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid user, struct bf_uuid id, struct bf_error *e)
{
    struct bf__upload *up;
    enum bf_status status = find(store, tenant, user, id, &up, e);
    if (status != BF_OK)
        return status;
    status = bf__upload_enter(up, BF__TAKEOVER_WAIT_MS, e);
    if (status == BF_OK) {
        status = bf__upload_delete(up, e);
        bf__upload_leave(up);
    }
    bf__upload_unref(up);
    return status;
}

void bf_stage_set_needed(struct bf_store *store, bf_stage_needed_fn *needed, void *ctx)
{
    struct bf_media *media = store->media;
    if (media == NULL)
        return;
    media->needed = needed;
    media->needed_ctx = ctx;
}

/* Under the lock. Of what is not known the shortest time counts: who looks at it learns the rest. */
static bool may_be_due(const struct bf__upload *up, int64_t now_ms)
{
    if (up->writer != NULL)
        return false;
    bool is_doubtful = up->finished && up->hold == BF__HOLD_UNKNOWN;
    return (is_doubtful ? up->touched_ms + up->media->store->config.stage_ttl_ms : bf__upload_expires(up)) <= now_ms;
}

enum { DUE_MAX = 256, ROUNDS_MAX = 64 }; /* in one walk over the table; walks of one sweep */

struct due {
    struct bf__upload *up[DUE_MAX]; /* by id */
    unsigned n;
};

/* The least ids stay. */
static void add_due(struct due *due, struct bf__upload *up)
{
    unsigned at = due->n;
    while (at > 0 && memcmp(up->id.b, due->up[at - 1]->id.b, 16) < 0)
        at--;
    if (at == DUE_MAX)
        return;
    due->n += due->n < DUE_MAX;
    memmove(&due->up[at + 1], &due->up[at], (due->n - 1 - at) * sizeof due->up[0]);
    due->up[at] = up;
}

/* Those that may have expired, with a ref each, behind `after` (NULL: from the first on); the table may change between two calls. */
static void find_due(struct bf_media *media, int64_t now_ms, const struct bf_uuid *after, struct due *ret)
{
    struct bf__upload *up, *next;
    ret->n = 0;
    pthread_mutex_lock(&media->lock);
    HASH_ITER(hh, media->uploads, up, next)
    {
        if ((after == NULL || memcmp(up->id.b, after->b, 16) > 0) && may_be_due(up, now_ms))
            add_due(ret, up);
    }
    for (unsigned i = 0; i < ret->n; i++)
        ret->up[i]->refs++;
    pthread_mutex_unlock(&media->lock);
}

static enum bf_status expire_one(struct bf__upload *up, int64_t now_ms, unsigned *n, struct bf_error *e)
{
    enum bf_status status = bf__upload_enter(up, BF__TAKEOVER_WAIT_MS, e);
    if (status != BF_OK)
        return status == BF_E_IO ? status : BF_OK; /* busy or gone: another time */
    status = bf__upload_load(up, e);
    if (status == BF_E_NOT_FOUND && up->gone) { /* the whole of parts, cut short: its opening took it away */
        (*n)++;
        status = BF_OK;
    } else if (status == BF_OK) {
        status = bf__upload_learn_hold(up, e);
    }
    if (is_known(up) && expired(up, now_ms) && (status = bf__upload_delete(up, e)) == BF_OK)
        (*n)++;
    bf__upload_leave(up);
    return status;
}

/* ---- the same, where it is shared ---- */

static enum bf_status expire_entered(struct bf__upload *up, bool fresh, int64_t now_ms, unsigned *n, struct bf_error *e)
{
    enum bf_status status = fresh ? BF_OK : bf__registry_refresh(up, /* leaving= */ true, e);
    if (status != BF_OK)
        return status == BF_E_NOT_FOUND ? BF_OK : status;
    if (!up->doc.is_leaving && !expired(up, now_ms))
        return bf__registry_put_off(up, e);
    status = bf__upload_delete(up, e);
    *n += status == BF_OK;
    return status == BF_E_LOCKED ? BF_OK : status;
}

static enum bf_status expire_id(struct bf_media *media, struct bf_uuid id, int64_t now_ms, unsigned *n, struct bf_error *e)
{
    struct bf__upload *up;
    bool fresh;
    enum bf_status status = bf__registry_meet(media, id, /* leaving= */ true, &up, &fresh, e);
    if (status != BF_OK)
        return status == BF_E_NOT_FOUND || status == BF_E_CORRUPT ? BF_OK : status; /* what does not open is for a person to look at */
    status = bf__upload_enter(up, BF__TAKEOVER_WAIT_MS, e);
    if (status == BF_OK) {
        status = expire_entered(up, fresh, now_ms, n, e);
        bf__upload_leave(up);
    } else if (status == BF_E_LOCKED || status == BF_E_NOT_FOUND) { /* another time */
        status = BF_OK;
    }
    bf__upload_unref(up);
    return status;
}

/* Each round takes those that are due the longest; what one leaves as it was ends the rounds. */
static enum bf_status expire_shared(struct bf_media *media, int64_t now_ms, unsigned *n, struct bf_error *e)
{
    struct bf_uuid due[BF_PAGE_MAX];
    unsigned n_due = BF_PAGE_MAX;
    enum bf_status status = BF_OK;
    for (unsigned before = 0, round = 0; round < ROUNDS_MAX && n_due == BF_PAGE_MAX && (round == 0 || *n > before); round++) {
        enum bf_status one = bf__registry_due(media, now_ms, due, BF_PAGE_MAX, &n_due, status == BF_OK ? e : NULL);
        status = status == BF_OK ? one : status;
        before = *n;
        for (unsigned i = 0; i < n_due; i++) {
            one = expire_id(media, due[i], now_ms, n, status == BF_OK ? e : NULL);
            status = status == BF_OK ? one : status;
        }
    }
    return status;
}

/* The first failure's status and cause; the others are tried again with the next sweep. */
static enum bf_status expire_all(struct bf_media *media, int64_t now_ms, unsigned *n, struct bf_error *e)
{
    struct due due = {.n = 0};
    struct bf_uuid last;
    enum bf_status status = BF_OK;
    for (bool first = true; first || due.n == DUE_MAX; first = false) {
        find_due(media, now_ms, first ? NULL : &last, &due);
        for (unsigned i = 0; i < due.n; i++) {
            enum bf_status one = expire_one(due.up[i], now_ms, n, status == BF_OK ? e : NULL);
            status = status == BF_OK ? one : status;
            last = due.up[i]->id;
            bf__upload_unref(due.up[i]);
        }
    }
    return status;
}

/* No upload that fails holds back what the others left. */
enum bf_status bf_stage_expire(struct bf_store *store, int64_t now_ms, unsigned *ret, struct bf_error *e)
{
    struct bf_media *media;
    unsigned n = 0;
    enum bf_status status = bf__media_of(store, &media, e);
    if (status != BF_OK)
        return status;
    status = media->is_shared ? expire_shared(media, now_ms, &n, e) : expire_all(media, now_ms, &n, e);
    enum bf_status left = bf__leaving_settle(media, status == BF_OK ? e : NULL);
    status = status == BF_OK ? left : status;
    enum bf_status swept = bf__blob_sweep(media, status == BF_OK ? e : NULL);
    *ret = n;
    return status == BF_OK ? swept : status;
}

/* ---- concatenation ---- */

struct parts {
    struct bf__upload *up[BF_STAGE_PARTS_MAX];
    unsigned n;
    int64_t size;
};

static void put_parts(struct parts *parts)
{
    while (parts->n > 0)
        bf__upload_unref(parts->up[--parts->n]);
}

static enum bf_status get_parts(struct bf_store *store, const struct bf_stage_new *stage, const struct bf_uuid *ids, unsigned n,
                                struct parts *parts, struct bf_error *e)
{
    for (unsigned i = 0; i < n; i++) {
        struct bf__upload *up;
        enum bf_status status = find(store, stage->tenant, stage->user, ids[i], &up, e);
        if (status != BF_OK)
            return status;
        parts->up[parts->n++] = up;
        pthread_mutex_lock(&up->media->lock);
        bool usable = up->partial && up->finished;
        int64_t size = up->offset;
        pthread_mutex_unlock(&up->media->lock);
        if (!usable)
            return bf_fail(e, BF_E_CONFLICT, "upload %u of the list is not a finished part", i);
        if (size > stage->max_bytes - parts->size)
            return bf_fail(e, BF_E_TOO_LARGE, "at most %lld bytes", (long long)stage->max_bytes);
        parts->size += size;
    }
    return BF_OK;
}

static enum bf_status open_part(struct bf__upload *part, struct bf__frames **ret, struct bf_error *e)
{
    const struct bf__shelf_vtable *shelf = part->media->shelf;
    struct bf__info info;
    struct bf__io *io;
    enum bf_status status = shelf->read_info(part, &info, e);
    if (status == BF_OK)
        status = shelf->open_data(part, &io, e);
    if (status == BF_OK)
        status = bf__frames_open(part->media->env, io, &info.key, part->file_id, ret, e);
    bf_key_wipe(&info.key);
    return status;
}

static enum bf_status append_part(struct bf__upload *up, struct bf__upload *part, uint8_t *rec, struct bf_error *e)
{
    struct bf__frames *frames;
    int64_t offset = 0;
    size_t n = 1;
    enum bf_status status = open_part(part, &frames, e);
    if (status != BF_OK)
        return status;
    while (status == BF_OK && n > 0) {
        status = bf__frames_read(frames, offset, rec + BF__HEAD, BF__BODY_MAX, &n, e);
        offset += (int64_t)n;
        if (status == BF_OK && n > 0)
            status = bf__file_append(up->file, rec, n, e);
    }
    bf__frames_close(&frames);
    return status;
}

static enum bf_status join(struct bf__upload *up, const struct parts *parts, uint8_t ret_sha256[32], struct bf_error *e)
{
    struct bf__chunk *scratch = bf__chunk_take(up->media->chunks);
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < parts->n && status == BF_OK; i++)
        status = append_part(up, parts->up[i], scratch->rec, e);
    if (status == BF_OK)
        status = bf__upload_sync(up, scratch->rec, 0, e);
    bf__chunk_give(scratch);
    return status == BF_OK ? bf__upload_finish(up, ret_sha256, e) : status;
}

enum bf_status bf_stage_concat(struct bf_store *store, const struct bf_stage_new *stage, const struct bf_uuid *ids, unsigned n,
                               uint8_t ret_sha256[32], struct bf_error *e)
{
    struct bf_media *media;
    struct bf__upload *up;
    struct parts parts = {.n = 0};
    if (n == 0 || n > BF_STAGE_PARTS_MAX)
        return bf_fail(e, BF_E_INVALID_HEADER, "1 to %d parts", BF_STAGE_PARTS_MAX);
    enum bf_status status = bf__media_of(store, &media, e);
    if (status == BF_OK)
        status = get_parts(store, stage, ids, n, &parts, e);
    struct bf_stage_new whole = *stage;
    whole.length = parts.size;
    whole.partial = false;
    if (status == BF_OK && (status = create(media, &whole, /* final= */ true, &up, e)) == BF_OK) {
        status = join(up, &parts, ret_sha256, e);
        if (status != BF_OK)
            (void)bf__upload_delete(up, NULL);
        bf__upload_leave(up);
        bf__upload_unref(up);
    }
    put_parts(&parts);
    return status;
}
