/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "crm/ids.h"
#include "ingest/pipeline/pipeline.h"

bool bf__media_waits(const struct bf_object *media)
{
    int state = bf_get_enum(media, BF_MEDIA_STATE);
    return state == BF_MEDIA_STATE_IS_AWAITED || state == BF_MEDIA_STATE_IS_STORED;
}

bool bf__transcript_waits(const struct bf_object *transcript)
{
    int state = bf_get_enum(transcript, BF_TRANSCRIPT_STATE);
    return state == BF_TRANSCRIPT_STATE_IS_WAITING || state == BF_TRANSCRIPT_STATE_IS_PROVIDER_AWAY;
}

bool bf__is_open_media(const struct bf_doc *media) { return media != NULL && !media->tombstone && bf__media_waits(&media->object); }

bool bf__is_open_transcript(const struct bf_doc *transcript)
{
    return transcript != NULL && !transcript->tombstone && bf__transcript_waits(&transcript->object);
}

enum bf_status bf__each_media_of(struct bf_store *store, struct bf_uuid tenant, const uint8_t sha256[32], struct bf_arena *arena,
                                 bool (*each)(void *ctx, const struct bf_doc *media), void *ctx, struct bf_error *e)
{
    struct bf_value hash = {.type = BF_T_SHA256};
    struct bf_cond cond = {.row = BF_MEDIA_SHA256, .op = BF_EQ, .values = &hash, .n = 1};
    struct bf_query query = {.coll = &bf_media, .tenant = tenant, .conds = &cond, .n_conds = 1, .index = &bf_media_by_sha256, .limit = BF_PAGE_MAX};
    struct bf_page page;
    memcpy(hash.sha256, sha256, sizeof hash.sha256);
    for (unsigned pages = 0; pages < BF__TENANT_PAGES_MAX; pages++) {
        enum bf_status status = bf_store_find(store, &query, arena, &page, e);
        if (status != BF_OK)
            return status;
        for (unsigned i = 0; i < page.n; i++)
            if (!each(ctx, page.docs[i]))
                return BF_OK;
        if (page.next.n == 0)
            return BF_OK;
        query.after = page.next;
    }
    return BF_OK;
}

/* ---- commits ---- */

static enum bf_status decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    const struct bf__change *c = ctx;
    const struct bf_doc *media = bf_view_get(view, &bf_media, c->media);
    const struct bf_doc *transcript = bf_view_get(view, &bf_transcripts, bf_id_transcript(c->tenant, c->media));
    (void)e;
    if (media == NULL || media->tombstone)
        return BF_OK;
    if (c->media_change != NULL) {
        struct bf_doc *copy = bf_doc_copy(arena, media);
        if (!c->media_change(&copy->object, arena, c->ctx))
            return BF_OK;
        bf_decision_put(d, &bf_media, copy);
    }
    if (c->transcript_change != NULL && transcript != NULL && !transcript->tombstone) {
        struct bf_doc *copy = bf_doc_copy(arena, transcript);
        if (c->transcript_change(&copy->object, arena, c->ctx)) {
            bf_set_int(&copy->object, BF_TRANSCRIPT_UPDATED_AT, bf_view_at_ms(view));
            bf_decision_put(d, &bf_transcripts, copy);
        }
    }
    bf_decision_receipt(d, 204, bf_str("", 0), bf_get_uuid(&media->object, BF_MEDIA_CUSTOMER));
    return BF_OK;
}

enum bf_status bf__commit(struct bf_store *store, const struct bf__change *change, struct bf_arena *arena, struct bf_error *e)
{
    struct bf__change own = *change;
    struct bf_read reads[2] = {{.coll = &bf_media, .id = own.media}, {.coll = &bf_transcripts, .id = bf_id_transcript(own.tenant, own.media)}};
    struct bf_submission submission = {.tenant = own.tenant, .reads = reads, .n_reads = 2, .decide = decide, .ctx = &own};
    struct bf_receipt receipt;
    memcpy(submission.request.b, own.request.b, sizeof submission.request.b);
    return bf_submit_wait(store, &submission, arena, &receipt, e);
}
