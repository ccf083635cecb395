/* SPDX-License-Identifier: Apache-2.0 */
/* The media that a record names: which are there, and what its receipt says of them. */
#include "gateway/internal.h"
#include "storage/media.h"

/* ---- which are there ---- */

static enum bf_status holds(struct bf_call *call, struct bf_uuid holder, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct bf_blob_info info;
    enum bf_status status = bf_blob_stat(call->store, call->caller.tenant, holder, sha256, &info, e);
    *ret = status == BF_OK;
    return status == BF_E_NOT_FOUND ? BF_OK : status;
}

/* An earlier upload of the caller's was bound to a customer, and the caller's own wrap went with that. */
static enum bf_status holds_by_earlier(struct bf_call *call, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct bf_value values[2] = {{.type = BF_T_SHA256}, {.type = BF_T_UUID, .uuid = call->caller.user}};
    struct bf_value states[2] = {{.type = BF_T_ENUM, .i = BF_MEDIA_STATE_IS_STORED}, {.type = BF_T_ENUM, .i = BF_MEDIA_STATE_IS_READY}};
    struct bf_cond conds[3] = {{.row = BF_MEDIA_SHA256, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_MEDIA_UPLOADER, .op = BF_EQ, .values = &values[1], .n = 1},
                               {.row = BF_MEDIA_STATE, .op = BF_IN, .values = states, .n = 2}};
    struct bf_query query = {
        .coll = &bf_media, .tenant = call->caller.tenant, .conds = conds, .n_conds = 3, .index = &bf_media_by_sha256, .limit = 1};
    struct bf_page page;
    memcpy(values[0].sha256, sha256, sizeof values[0].sha256);
    enum bf_status status = bf_store_find(call->store, &query, call->arena, &page, e);
    if (status != BF_OK || page.n == 0)
        return status;
    return holds(call, bf_get_uuid(&page.docs[0]->object, BF_MEDIA_CUSTOMER), sha256, ret, e);
}

/* Bytes count as stored only where the caller uploaded them, or may read them of this customer already (the decision judges that right): knowing a
 * hash gives nothing. */
enum bf_status bf__is_stored(struct bf_call *call, struct bf_uuid customer, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    enum bf_status status = holds(call, call->caller.user, sha256, ret, e);
    if (status == BF_OK && !*ret)
        status = holds(call, customer, sha256, ret, e);
    if (status == BF_OK && !*ret)
        status = holds_by_earlier(call, sha256, ret, e);
    return status;
}

/* ---- the receipt ---- */

static int state_of(const struct bf_doc *media) { return bf_get_enum(&media->object, BF_MEDIA_STATE); }

void bf__write_media(struct bf_jw *w, struct bf_doc *const *media, unsigned n)
{
    bf_jw_key(w, "media");
    bf_jw_array(w);
    for (unsigned i = 0; i < n; i++) {
        bf_jw_object(w);
        bf_jw_key(w, "id");
        bf_jw_uuid(w, &media[i]->id);
        bf_jw_key(w, "state");
        bf_jw_str(w, bf_strz(bf_enum_media_state.words[state_of(media[i])].word));
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
    bf_jw_key(w, "awaited");
    bf_jw_array(w);
    for (unsigned i = 0; i < n; i++)
        if (state_of(media[i]) == BF_MEDIA_STATE_IS_AWAITED)
            bf_jw_uuid(w, &media[i]->id);
    bf_jw_end_array(w);
}
