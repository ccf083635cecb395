/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/notifications/{id}/delivery: what became of telling the caller, place by place. */
#include "core/arena.h"
#include "core/json.h"
#include "push/internal.h"

enum { ANSWER_MAX = 1 << 20 };

static void write_time(struct bf_jw *w, const char *key, const struct bf_object *attempt, unsigned row)
{
    bf_jw_key(w, key);
    if (bf_has(attempt, row))
        bf_jw_time(w, bf_get_int(attempt, row));
    else
        bf_jw_null(w);
}

static void write_attempt(struct bf_jw *w, const struct bf_object *attempt)
{
    struct bf_uuid place = bf_get_uuid(attempt, BF_ATTEMPT_DEVICE);
    bf_jw_object(w);
    bf_jw_key(w, "channel");
    bf_jw_str(w, bf_get_str(attempt, BF_ATTEMPT_CHANNEL));
    bf_jw_key(w, "place");
    bf_jw_uuid(w, &place);
    bf_jw_key(w, "state");
    bf_jw_str(w, bf_strz(bf__enum_attempt_state.words[bf_get_enum(attempt, BF_ATTEMPT_STATE)].word));
    bf_jw_key(w, "tries");
    bf_jw_int(w, bf_get_int(attempt, BF_ATTEMPT_TRIES));
    write_time(w, "last_at", attempt, BF_ATTEMPT_LAST_AT);
    write_time(w, "next_at", attempt, BF_ATTEMPT_NEXT_AT);
    bf_jw_end_object(w);
}

static enum bf_status find(struct bf_call *call, struct bf_page *ret, struct bf_error *e)
{
    struct bf_uuid id;
    struct bf_doc *notification;
    enum bf_status status = bf_call_id(call, "id", &id, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_notifications, call->caller.tenant, id, call->arena, &notification, e);
    if (status == BF_OK)
        status = bf_authorize(&call->caller, BF_SUBJECT_NOTIFICATION, BF_ACTION_READ, &bf_notifications, notification, e);
    if (status == BF_OK)
        status = bf_call_viewed(call, "notification", "delivery", &id, 1, e);
    return status == BF_OK ? bf__attempts_of(call->store, notification, call->arena, ret, e) : status;
}

static void read_delivery(struct bf_call *call, void *service)
{
    struct bf_page page;
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    (void)service;
    if (find(call, &page, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, ANSWER_MAX);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "items");
    bf_jw_array(&w);
    for (unsigned i = 0; i < page.n; i++)
        write_attempt(&w, &page.docs[i]->object);
    bf_jw_end_array(&w);
    bf_jw_end_object(&w);
    bf_call_json_buf(call, 200, &out, 0);
}

const struct bf_endpoint bf__delivery_read = {.run = read_delivery};
