/* SPDX-License-Identifier: Apache-2.0 */
/* A person's installations: their push subscription, and what the server got of their captures. */
#include "core/crypto.h"
#include "core/http_client.h"
#include "crm/capture.h"
#include "gateway/internal.h"

enum { ENDPOINT_ROOM = 4 * 1000 + 1 }; /* of the schema's 1000 characters */

struct create {
    struct bf_call *call;
    struct bf_doc *doc;
};

/* The push state follows from the subscription; a new one makes a retired device active again. */
static void set_push(struct bf_object *device)
{
    bf_set_enum(device, BF_DEVICE_PUSH, bf_has(device, BF_DEVICE_SUBSCRIPTION) ? BF_PUSH_STATE_IS_ACTIVE : BF_PUSH_STATE_IS_NONE);
}

/* What no push service could ever be reached by or send to is refused here, where the installation can still do something about it. */
static enum bf_status check_subscription(const struct bf_gateway *gateway, const struct bf_object *device, struct bf_error *e)
{
    const struct bf_object *s = bf_get_object(device, BF_DEVICE_SUBSCRIPTION);
    struct bf_error why = {0};
    if (s == NULL)
        return BF_OK;
    struct bf_str key = bf_get_str(s, BF_SUBSCRIPTION_P256DH), endpoint = bf_get_str(s, BF_SUBSCRIPTION_ENDPOINT);
    char url[ENDPOINT_ROOM];
    snprintf(url, sizeof url, "%.*s", BF_FMT(endpoint));
    if (strlen(url) != endpoint.n || bf_client_check_url(gateway->ctx->client, url, BF_URL_USER, &why) != BF_OK)
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/subscription/endpoint", "unreachable", "%s", why.cause);
    if (!bf_is_p256_point(key.p, key.n))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/subscription/p256dh", "bad_key", "not a point of P-256");
    return BF_OK;
}

static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create *c = ctx;
    if (bf_view_get(view, &bf_devices, c->doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another installation");
    struct bf_doc *doc = bf_doc_copy(arena, c->doc);
    bf_set_uuid(&doc->object, BF_DEVICE_USER, c->call->caller.user);
    bf_set_int(&doc->object, BF_DEVICE_CREATED_AT, c->call->now_ms);
    set_push(&doc->object);
    bf_decision_put(d, &bf_devices, doc);
    bf_decision_receipt(d, 201, bf__doc_json(arena, &c->call->caller, BF_SUBJECT_DEVICE, doc), c->call->caller.user);
    return BF_OK;
}

static void create_device(struct bf_call *call, void *service)
{
    struct create *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_DEVICE, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = bf_json_decode_create(call->arena, &bf_device_schema, bf_request_body(call->req), &id, &object, &e);
    if (status == BF_OK)
        status = check_subscription(service, object, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    c->call = call;
    c->doc = bf_doc_create(call->arena, &bf_device_schema, call->caller.tenant, id);
    c->doc->object = *object;
    struct bf_read read = {.coll = &bf_devices, .id = id};
    bf_call_submit(call, &(struct bf_call_submit){.reads = &read, .n_reads = 1, .decide = decide_create, .ctx = c});
}

static void read_device(struct bf_call *call, void *service)
{
    (void)service;
    bf__read(call, BF_SUBJECT_DEVICE, &bf_devices, BF_ROW_NONE);
}

static void list_devices(struct bf_call *call, void *service)
{
    static const struct bf_list list = {
        .subject = BF_SUBJECT_DEVICE, .coll = &bf_devices, .customer_row = BF_ROW_NONE, .own = &bf_devices_by_user, .all = &bf_devices_by_user};
    (void)service;
    bf__list(call, &list);
}

static enum bf_status apply_change(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    (void)view, (void)d, (void)arena, (void)before;
    if (patch->v[BF_DEVICE_SUBSCRIPTION].type == BF_T_NONE)
        return BF_OK;
    set_push(&after->object);
    return check_subscription(ctx, &after->object, e);
}

static void change_device(struct bf_call *call, void *service)
{
    struct bf_change change = {.subject = BF_SUBJECT_DEVICE, .coll = &bf_devices, .parent_row = BF_ROW_NONE, .apply = apply_change, .ctx = service};
    struct bf_error e = {0};
    if (bf_call_id(call, "id", &change.id, &e) == BF_OK)
        bf__patch(call, &change);
    else
        bf_call_fail(call, &e);
}

/* ---- what is safe ---- */

struct awaited {
    struct bf_page media;
    struct bf_doc *visits[BF_PAGE_MAX];
};

static enum bf_status find_awaited(struct bf_call *call, struct bf_uuid device, struct awaited *a, struct bf_error *e)
{
    struct bf_value values[2] = {{.type = BF_T_UUID, .uuid = device}, {.type = BF_T_ENUM, .i = BF_MEDIA_STATE_IS_AWAITED}};
    struct bf_cond conds[2] = {{.row = BF_MEDIA_DEVICE, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_MEDIA_STATE, .op = BF_EQ, .values = &values[1], .n = 1}};
    struct bf_query query = {
        .coll = &bf_media, .tenant = call->caller.tenant, .conds = conds, .n_conds = 2, .index = &bf_media_by_device, .limit = BF_PAGE_MAX};
    struct bf_uuid ids[BF_PAGE_MAX];
    enum bf_status status = bf_store_find(call->store, &query, call->arena, &a->media, e);
    for (unsigned i = 0; status == BF_OK && i < a->media.n; i++)
        ids[i] = bf_get_uuid(&a->media.docs[i]->object, BF_MEDIA_VISIT);
    return status == BF_OK ? bf_store_get_many(call->store, &bf_visits, call->caller.tenant, ids, a->media.n, call->arena, a->visits, e) : status;
}

/* Everything up to the answer was committed and its media are stored. */
static int64_t safe_through(const struct bf_object *capture, const struct awaited *a)
{
    int64_t safe = bf_get_int(capture, BF_CAPTURE_THROUGH);
    for (unsigned i = 0; i < a->media.n; i++) {
        int64_t seq = a->visits[i] == NULL ? 0 : bf_get_int(&a->visits[i]->object, BF_VISIT_CAPTURE_SEQ);
        if (seq > 0 && seq <= safe)
            safe = seq - 1;
    }
    return safe;
}

static void write_gaps(struct bf_jw *w, struct bf_arena *arena, const struct bf_object *capture)
{
    struct bf_capture_gap *gaps;
    unsigned n = bf_capture_gaps(arena, capture, &gaps);
    bf_jw_key(w, "missing");
    bf_jw_array(w);
    for (unsigned i = 0; i < n; i++) {
        bf_jw_object(w);
        bf_jw_key(w, "from");
        bf_jw_int(w, gaps[i].from);
        bf_jw_key(w, "to");
        bf_jw_int(w, gaps[i].to);
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
}

static void write_awaited(struct bf_jw *w, const struct awaited *a)
{
    bf_jw_key(w, "media_awaited");
    bf_jw_array(w);
    for (unsigned i = 0; i < a->media.n; i++) {
        struct bf_uuid visit = bf_get_uuid(&a->media.docs[i]->object, BF_MEDIA_VISIT);
        bf_jw_object(w);
        bf_jw_key(w, "visit");
        bf_jw_uuid(w, &visit);
        bf_jw_key(w, "media");
        bf_jw_uuid(w, &a->media.docs[i]->id);
        bf_jw_key(w, "sha256");
        bf_jw_hex(w, bf_get_sha256(&a->media.docs[i]->object, BF_MEDIA_SHA256), 32);
        bf_jw_key(w, "capture_seq");
        bf_jw_int(w, a->visits[i] == NULL ? 0 : bf_get_int(&a->visits[i]->object, BF_VISIT_CAPTURE_SEQ));
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
}

static void safe(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid id;
    struct bf_doc *device, *stored;
    struct awaited *awaited = bf_arena_calloc(call->arena, 1, sizeof *awaited);
    struct bf_object *nothing = bf_object_create(call->arena, &bf_capture_schema);
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf__load(call, BF_SUBJECT_DEVICE, BF_ACTION_READ, &bf_devices, id, &device, &e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_captures, call->caller.tenant, bf_id_capture(call->caller.tenant, id), call->arena, &stored, &e);
    if (status == BF_OK)
        status = find_awaited(call, id, awaited, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    const struct bf_object *capture = stored == NULL ? nothing : &stored->object;
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "safe_through");
    bf_jw_int(&w, safe_through(capture, awaited));
    write_gaps(&w, call->arena, capture);
    write_awaited(&w, awaited);
    bf_jw_end_object(&w);
    bf_call_json(call, 200, bf_buf_str(&out));
    bf_buf_finish(&out);
}

const struct bf_endpoint bf__devices_list = {.run = list_devices}, bf__devices_create = {.run = create_device},
                         bf__devices_read = {.run = read_device}, bf__devices_change = {.run = change_device}, bf__devices_safe = {.run = safe};
