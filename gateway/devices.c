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

/* An installation is whose captures came from it, also before it is registered: its id stands in every visit, for others to read. */
static bool is_anothers(const struct bf_view *view, const struct bf_caller *caller, struct bf_uuid device)
{
    const struct bf_doc *capture = bf_view_get(view, &bf_captures, bf_id_capture(caller->tenant, device));
    struct bf_uuid user = capture == NULL ? caller->user : bf_get_uuid(&capture->object, BF_CAPTURE_USER);
    return !bf_uuid_eq(&user, &caller->user);
}

static enum bf_status decide_create(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct create *c = ctx;
    if (bf_view_get(view, &bf_devices, c->doc->id) != NULL || is_anothers(view, &c->call->caller, c->doc->id))
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
    struct bf_read reads[2] = {{.coll = &bf_devices, .id = id}, {.coll = &bf_captures, .id = bf_id_capture(call->caller.tenant, id)}};
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads, .n_reads = 2, .decide = decide_create, .ctx = c});
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

enum { PAGES_MAX = 1000 };

/* The awaited media of an installation: the first page of them, and how far down the least of all stands. */
struct awaited {
    struct bf_page media;
    int64_t seqs[BF_PAGE_MAX]; /* of the captures that they belong to; 0: of none */
    bool more;
    int64_t seq_min; /* of the captures with awaited media; INT64_MAX: none */
};

/* What a medium belongs to, and the row that says which. */
static const struct record {
    const struct bf_collection *coll;
    unsigned media_row, seq_row;
} records[] = {{&bf_visits, BF_MEDIA_VISIT, BF_VISIT_CAPTURE_SEQ}, {&bf_contracts, BF_MEDIA_CONTRACT, BF_CONTRACT_CAPTURE_SEQ}};
enum { RECORDS = sizeof records / sizeof *records };

/* The capture numbers of those of the page's media that belong to a record of this kind. */
static enum bf_status find_seqs(struct bf_call *call, const struct record *record, const struct bf_page *page, struct bf_arena *arena, int64_t *seqs,
                                struct bf_error *e)
{
    struct bf_uuid ids[BF_PAGE_MAX];
    struct bf_doc *docs[BF_PAGE_MAX];
    unsigned of[BF_PAGE_MAX], n = 0;
    for (unsigned i = 0; i < page->n; i++) {
        if (!bf_has(&page->docs[i]->object, record->media_row))
            continue;
        ids[n] = bf_get_uuid(&page->docs[i]->object, record->media_row);
        of[n++] = i;
    }
    enum bf_status status = bf_store_get_many(call->store, record->coll, call->caller.tenant, ids, n, arena, docs, e);
    for (unsigned i = 0; status == BF_OK && i < n; i++)
        seqs[of[i]] = docs[i] == NULL || docs[i]->tombstone ? 0 : bf_get_int(&docs[i]->object, record->seq_row);
    return status;
}

/* One page and the captures of its media; lowers a->seq_min. */
static enum bf_status find_page(struct bf_call *call, struct bf_query *query, struct bf_arena *arena, int64_t seqs[BF_PAGE_MAX],
                                struct bf_page *page, struct awaited *a, struct bf_error *e)
{
    enum bf_status status = bf_store_find(call->store, query, arena, page, e);
    memset(seqs, 0, BF_PAGE_MAX * sizeof *seqs);
    for (unsigned k = 0; status == BF_OK && k < RECORDS; k++)
        status = find_seqs(call, &records[k], page, arena, seqs, e);
    for (unsigned i = 0; status == BF_OK && i < page->n; i++)
        if (seqs[i] > 0 && seqs[i] < a->seq_min)
            a->seq_min = seqs[i];
    return status;
}

/* Numbers and ids need not be in one order, so that all are looked at. Where there is no end of them, nothing is called safe. */
static enum bf_status find_rest(struct bf_call *call, struct bf_query *query, struct awaited *a, struct bf_error *e)
{
    struct bf_arena *arenas[2] = {bf_arena_create(), bf_arena_create()};
    int64_t seqs[BF_PAGE_MAX];
    struct bf_page page = a->media;
    enum bf_status status = BF_OK;
    unsigned pages = 1;
    for (; status == BF_OK && page.next.n > 0 && pages < PAGES_MAX; pages++) {
        query->after = page.next; /* in the other arena */
        bf_arena_reset(arenas[pages % 2]);
        status = find_page(call, query, arenas[pages % 2], seqs, &page, a, e);
    }
    if (pages == PAGES_MAX)
        a->seq_min = 1;
    bf_arena_destroy(&arenas[0]);
    bf_arena_destroy(&arenas[1]);
    return status;
}

/* Only what the installation's own person was to upload: after a transfer others read the visits, and the ids in them. */
static enum bf_status find_awaited(struct bf_call *call, const struct bf_doc *device, struct awaited *a, struct bf_error *e)
{
    struct bf_value values[3] = {{.type = BF_T_UUID, .uuid = device->id},
                                 {.type = BF_T_ENUM, .i = BF_MEDIA_STATE_IS_AWAITED},
                                 {.type = BF_T_UUID, .uuid = bf_get_uuid(&device->object, BF_DEVICE_USER)}};
    struct bf_cond conds[3] = {{.row = BF_MEDIA_DEVICE, .op = BF_EQ, .values = &values[0], .n = 1},
                               {.row = BF_MEDIA_STATE, .op = BF_EQ, .values = &values[1], .n = 1},
                               {.row = BF_MEDIA_UPLOADER, .op = BF_EQ, .values = &values[2], .n = 1}};
    struct bf_query query = {
        .coll = &bf_media, .tenant = call->caller.tenant, .conds = conds, .n_conds = 3, .index = &bf_media_by_device, .limit = BF_PAGE_MAX};
    a->seq_min = INT64_MAX;
    enum bf_status status = find_page(call, &query, call->arena, a->seqs, &a->media, a, e);
    a->more = status == BF_OK && a->media.next.n > 0;
    return a->more ? find_rest(call, &query, a, e) : status;
}

/* Everything up to the answer was committed and its media are stored. */
static int64_t safe_through(const struct bf_object *capture, const struct awaited *a)
{
    int64_t through = bf_get_int(capture, BF_CAPTURE_THROUGH);
    return a->seq_min <= through ? a->seq_min - 1 : through;
}

/* What was captured by the installation's own person. */
static enum bf_status find_capture(struct bf_call *call, const struct bf_doc *device, const struct bf_object **ret, struct bf_error *e)
{
    struct bf_doc *stored;
    struct bf_uuid id = bf_id_capture(call->caller.tenant, device->id), user = bf_get_uuid(&device->object, BF_DEVICE_USER);
    enum bf_status status = bf_store_get(call->store, &bf_captures, call->caller.tenant, id, call->arena, &stored, e);
    if (status != BF_OK)
        return status;
    struct bf_uuid captured_by = stored == NULL ? user : bf_get_uuid(&stored->object, BF_CAPTURE_USER);
    *ret = stored == NULL || !bf_uuid_eq(&captured_by, &user) ? bf_object_create(call->arena, &bf_capture_schema) : &stored->object;
    return BF_OK;
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
        const struct bf_object *media = &a->media.docs[i]->object;
        bool of_contract = bf_has(media, BF_MEDIA_CONTRACT);
        struct bf_uuid record = bf_get_uuid(media, of_contract ? BF_MEDIA_CONTRACT : BF_MEDIA_VISIT);
        bf_jw_object(w);
        bf_jw_key(w, of_contract ? "contract" : "visit");
        bf_jw_uuid(w, &record);
        bf_jw_key(w, "media");
        bf_jw_uuid(w, &a->media.docs[i]->id);
        bf_jw_key(w, "sha256");
        bf_jw_hex(w, bf_get_sha256(media, BF_MEDIA_SHA256), 32);
        bf_jw_key(w, "capture_seq");
        bf_jw_int(w, a->seqs[i]);
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
    bf_jw_key(w, "media_awaited_more"); /* than are in the list */
    bf_jw_bool(w, a->more);
}

static void safe(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid id;
    struct bf_doc *device;
    const struct bf_object *capture;
    struct awaited *awaited = bf_arena_calloc(call->arena, 1, sizeof *awaited);
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf__load(call, BF_SUBJECT_DEVICE, BF_ACTION_READ, &bf_devices, id, &device, &e);
    if (status == BF_OK)
        status = find_capture(call, device, &capture, &e);
    if (status == BF_OK)
        status = find_awaited(call, device, awaited, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "safe_through");
    bf_jw_int(&w, safe_through(capture, awaited));
    write_gaps(&w, call->arena, capture);
    write_awaited(&w, awaited);
    bf_jw_end_object(&w);
    bf_call_json_buf(call, 200, &out, 0);
}

const struct bf_endpoint bf__devices_list = {.run = list_devices}, bf__devices_create = {.run = create_device},
                         bf__devices_read = {.run = read_device}, bf__devices_change = {.run = change_device}, bf__devices_safe = {.run = safe};
