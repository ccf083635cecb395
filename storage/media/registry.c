/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/registry.h"
#include "core/arena.h"
#include "storage/media/upload_doc.h"
#include "storage/media/wraps.h"
#include <stdlib.h>

enum { RACES_MAX = 8, STANDING = 1u << BF__DOC_OPEN | 1u << BF__DOC_KEPT, FINISHED = 1u << BF__DOC_KEPT | 1u << BF__DOC_SETTLED };

/* ---- into the table ---- */

/* What the document says, into the table. */
static void take_facts(struct bf__upload *up, const struct bf__upload_doc *doc, const struct bf__info *info)
{
    struct bf_media *media = up->media;
    bf__upload_keep_info(up, doc->info);
    up->doc.rev = doc->rev;
    up->doc.epoch = doc->epoch;
    up->doc.bytes = doc->bytes;
    up->doc.is_mine = bf_uuid_eq(&doc->owner, &media->process);
    up->doc.is_complete = doc->is_complete;
    up->doc.is_leaving = doc->state == BF__DOC_LEAVING;
    pthread_mutex_lock(&media->lock);
    up->finished = info->finished;
    up->offset = info->finished ? info->size : doc->offset;
    up->length = info->finished ? info->size : doc->length;
    up->touched_ms = info->finished ? info->finished_ms : doc->touched_ms;
    up->hold = doc->state == BF__DOC_SETTLED ? BF__HOLD_GONE : BF__HOLD_STANDS;
    memcpy(up->sha256, info->finished ? info->sha256 : doc->sha256, 32);
    up->known = true;
    pthread_mutex_unlock(&media->lock);
}

static enum bf_status read_doc(struct bf_media *media, struct bf_uuid id, bool leaving, struct bf_arena *arena, struct bf__upload_doc *doc,
                               struct bf__info *info, struct bf_error *e)
{
    bool found;
    enum bf_status status = bf__upload_doc_get(media, id, arena, doc, &found, e);
    if (status != BF_OK)
        return status;
    if (!found || doc->state == BF__DOC_PUT || (doc->state == BF__DOC_LEAVING && !leaving))
        return bf_fail(e, BF_E_NOT_FOUND, "no such upload");
    return bf__info_unpack(&media->master, id, (const uint8_t *)doc->info.p, doc->info.n, info, e);
}

static struct bf__upload *find_in_table(struct bf_media *media, const struct bf_uuid *id)
{
    struct bf__upload *up;
    pthread_mutex_lock(&media->lock);
    HASH_FIND(hh, media->uploads, id, sizeof *id, up);
    if (up != NULL)
        up->refs++;
    pthread_mutex_unlock(&media->lock);
    return up;
}

static enum bf_status add_to_table(struct bf_media *media, struct bf_uuid id, bool leaving, struct bf__upload **ret, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__upload_doc doc;
    struct bf__info info;
    enum bf_status status = read_doc(media, id, leaving, arena, &doc, &info, e);
    if (status == BF_OK && (status = bf__upload_add(media, &info, /* charge= */ false, ret, e)) == BF_OK) {
        take_facts(*ret, &doc, &info);
        bf__upload_leave(*ret);
    }
    bf_key_wipe(&info.key);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__registry_meet(struct bf_media *media, struct bf_uuid id, bool leaving, struct bf__upload **ret, bool *ret_fresh, struct bf_error *e)
{
    enum bf_status status = BF_E_EXISTS;
    for (unsigned i = 0; i < RACES_MAX && status == BF_E_EXISTS; i++) {
        *ret = find_in_table(media, &id);
        *ret_fresh = *ret == NULL;
        status = *ret_fresh ? add_to_table(media, id, leaving, ret, e) : BF_OK;
    }
    return status == BF_E_EXISTS ? bf_fail(e, BF_E_UNAVAILABLE, "the upload came and went too often") : status;
}

/* ---- what others did ---- */

static void lose_writer(struct bf__upload *up)
{
    pthread_mutex_lock(&up->media->lock);
    struct bf_stage *writer = up->writer;
    up->writer = NULL;
    pthread_mutex_unlock(&up->media->lock);
    if (writer != NULL)
        bf__stage_lose(writer);
}

enum bf_status bf__registry_refresh(struct bf__upload *up, bool leaving, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__upload_doc doc;
    struct bf__info info;
    enum bf_status status = read_doc(up->media, up->id, /* leaving= */ true, arena, &doc, &info, e);
    bool is_news = status == BF_E_NOT_FOUND || (status == BF_OK && doc.rev != up->doc.rev);
    if (is_news) {
        lose_writer(up);
        bf__file_close(&up->file);
        up->has_mark = false;
    }
    if (status == BF_OK && is_news)
        take_facts(up, &doc, &info);
    if (status == BF_E_NOT_FOUND && !up->gone)
        bf__upload_leave_table(up);
    else if (status == BF_OK && up->doc.is_leaving && !leaving)
        status = bf_fail(e, BF_E_NOT_FOUND, "no such upload");
    bf_key_wipe(&info.key);
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__registry_claim(struct bf__upload *up, bool leaving, struct bf_error *e)
{
    struct bf__upload_doc doc;
    if (up->doc.is_mine && leaving == up->doc.is_leaving)
        return BF_OK;
    bf__upload_doc_of(up, &doc);
    doc.epoch++;
    if (leaving || up->doc.is_leaving) /* there is no way back */
        doc.state = BF__DOC_LEAVING;
    enum bf_status status = bf__upload_doc_write(up->media, &doc, e);
    up->doc.is_mine = status == BF_OK;
    if (status != BF_OK)
        return status;
    bf__file_close(&up->file); /* it writes under the epoch before */
    up->doc.rev = doc.rev;
    up->doc.epoch = doc.epoch;
    up->doc.is_leaving = doc.state == BF__DOC_LEAVING;
    return BF_OK;
}

/* ---- of one user ---- */

typedef enum bf_status doc_fn(void *ctx, struct bf__upload_doc *doc, struct bf_error *e);

static enum bf_status each_of(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, unsigned states, doc_fn *fn, void *ctx,
                              struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__upload_doc *docs;
    struct bf_str after = bf_str(NULL, 0);
    unsigned n;
    enum bf_status status = BF_OK;
    do {
        status = bf__upload_docs_of(media, tenant, user, states, after, arena, &docs, &n, &after, e);
        for (unsigned i = 0; status == BF_OK && i < n; i++)
            status = fn(ctx, &docs[i], e);
    } while (status == BF_OK && after.n > 0);
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status add_sum(void *ctx, struct bf__upload_doc *doc, struct bf_error *e)
{
    struct bf__sums *s = ctx;
    bool is_open = doc->state == BF__DOC_OPEN;
    (void)e;
    *(is_open ? &s->n_open : &s->n_kept) += 1;
    *(is_open ? &s->open : &s->kept) += doc->reserved;
    return BF_OK;
}

enum bf_status bf__registry_sums(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, struct bf__sums *ret, struct bf_error *e)
{
    *ret = (struct bf__sums){0};
    return each_of(media, tenant, user, STANDING, add_sum, ret, e);
}

struct equal {
    const struct bf__upload *up;
    bool found;
};

static enum bf_status look_equal(void *ctx, struct bf__upload_doc *doc, struct bf_error *e)
{
    struct equal *q = ctx;
    (void)e;
    q->found = q->found || (doc->is_complete && !bf_uuid_eq(&doc->id, &q->up->id) && memcmp(doc->sha256, q->up->sha256, 32) == 0);
    return BF_OK;
}

enum bf_status bf__registry_has_equal(struct bf__upload *up, bool *ret, struct bf_error *e)
{
    struct equal q = {.up = up};
    enum bf_status status = each_of(up->media, up->tenant, up->user, STANDING, look_equal, &q, e);
    *ret = q.found;
    return status;
}

struct holds {
    struct bf_media *media;
    const uint8_t *sha256; /* NULL: any */
};

/* Who changed it meanwhile knew as much. */
static enum bf_status learn_hold(void *ctx, struct bf__upload_doc *doc, struct bf_error *e)
{
    const struct holds *h = ctx;
    struct bf_blob_info info;
    if (!doc->is_complete || (h->sha256 != NULL && memcmp(doc->sha256, h->sha256, 32) != 0))
        return BF_OK;
    enum bf_status status = bf_blob_stat(h->media->store, doc->tenant, doc->user, doc->sha256, &info, e);
    if (status != BF_OK && status != BF_E_NOT_FOUND)
        return status;
    enum bf__doc_state state = status == BF_OK ? BF__DOC_KEPT : BF__DOC_SETTLED;
    if (state == doc->state)
        return BF_OK;
    doc->state = state;
    doc->owner = h->media->process;
    doc->epoch++;
    doc->due_ms = bf__expiry(&h->media->store->config, &(struct bf__expiring){.is_finished = true,
                                                                              .is_held = state == BF__DOC_KEPT,
                                                                              .offset = doc->offset,
                                                                              .touched_ms = doc->touched_ms});
    status = bf__upload_doc_write(h->media, doc, e);
    return status == BF_E_STALE ? BF_OK : status;
}

enum bf_status bf__registry_learn_holds(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid user, const uint8_t *sha256, struct bf_error *e)
{
    struct holds h = {media, sha256};
    return each_of(media, tenant, user, sha256 == NULL ? 1u << BF__DOC_KEPT : FINISHED, learn_hold, &h, e);
}

/* ---- expiry ---- */

/* A put that was cut short: the blob's file stays if the document knows it, and goes if not. */
static enum bf_status settle_put(struct bf_media *media, const struct bf__upload_doc *doc, struct bf_error *e)
{
    enum bf_status status = bf__blob_drop_unless_named(media, doc->tenant, doc->sha256, doc->file, e);
    if (status == BF_OK)
        status = bf__upload_doc_delete(media, doc, e);
    return status == BF_E_STALE ? BF_OK : status;
}

enum bf_status bf__registry_due(struct bf_media *media, int64_t now_ms, struct bf_uuid *ret, unsigned max, unsigned *ret_n, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf__upload_doc *docs;
    unsigned n;
    *ret_n = 0;
    enum bf_status status = bf__upload_docs_due(media, now_ms, max, arena, &docs, &n, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++) {
        if (docs[i].state == BF__DOC_PUT)
            status = settle_put(media, &docs[i], e);
        else
            ret[(*ret_n)++] = docs[i].id;
    }
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status bf__registry_put_off(struct bf__upload *up, struct bf_error *e)
{
    struct bf__upload_doc doc;
    bf__upload_doc_of(up, &doc);
    if (!up->doc.is_mine) { /* the writer elsewhere looks at the document and goes on */
        doc.epoch++;
        bf__file_close(&up->file);
    }
    enum bf_status status = bf__upload_doc_write(up->media, &doc, e);
    up->doc.is_mine = status == BF_OK;
    up->doc.rev = doc.rev;
    up->doc.epoch = status == BF_OK ? doc.epoch : up->doc.epoch;
    return status == BF_E_STALE ? BF_OK : status;
}
