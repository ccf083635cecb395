/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contracts as the rep sees them (CON-02, CON-03, D-03): entered with their pages, changed until a reviewer claims them. One decision stores the
 * contract and a medium for each new page; what is complete at once goes into the queue at once.
 */
#include "gateway/contracts.h"
#include "access/capture.h"

enum { PAGES_MAX = BF_CONTRACT_PAGES_MAX };

static struct bf_array pages_of(const struct bf_object *contract) { return bf_get_array(contract, BF_CONTRACT_PAGES); }

static struct bf_uuid media_of(const struct bf_object *contract, unsigned i)
{
    return bf_get_uuid(pages_of(contract).items[i].object, BF_CONTRACT_PAGE_MEDIA);
}

static void add_media_reads(const struct bf_object *contract, struct bf_reads *reads)
{
    for (unsigned i = 0; i < pages_of(contract).n; i++)
        bf__reads_add(reads, &bf_media, media_of(contract, i));
}

/* ---- media of new pages ---- */

/* Which hashes of the body the server has already. */
struct stored {
    const uint8_t *sha256[PAGES_MAX];
    bool is[PAGES_MAX];
    unsigned n;
};

static enum bf_status find_stored(struct bf_call *call, struct bf_uuid customer, struct bf_array pages, struct stored *ret, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    ret->n = pages.n;
    for (unsigned i = 0; i < pages.n && status == BF_OK; i++) {
        ret->sha256[i] = bf_get_sha256(pages.items[i].object, BF_CONTRACT_PAGE_SHA256);
        status = bf__is_stored(call, customer, ret->sha256[i], &ret->is[i], e);
    }
    return status;
}

static bool is_stored(const struct stored *stored, const uint8_t sha256[32])
{
    for (unsigned i = 0; i < stored->n; i++)
        if (memcmp(stored->sha256[i], sha256, 32) == 0)
            return stored->is[i];
    return false;
}

/* Puts a medium for each page of `contract` that `before` (NULL: nothing) does not have. `ret` gets the present medium of every page. */
static enum bf_status put_media(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *contract,
                                const struct bf_object *before, const struct stored *stored, const struct bf_contract_step *step,
                                struct bf_doc *ret[PAGES_MAX], struct bf_error *e)
{
    for (unsigned i = 0; i < pages_of(&contract->object).n; i++) {
        struct bf_uuid id = media_of(&contract->object, i);
        const struct bf_doc *there = bf_view_get(view, &bf_media, id);
        struct bf_uuid of = there == NULL || there->tombstone ? (struct bf_uuid){{0}} : bf_get_uuid(&there->object, BF_MEDIA_CONTRACT);
        bool known = false;
        for (unsigned k = 0; before != NULL && k < pages_of(before).n && !known; k++) {
            struct bf_uuid had = media_of(before, k);
            known = bf_uuid_eq(&had, &id);
        }
        if (known && there != NULL && bf_uuid_eq(&of, &contract->id)) {
            ret[i] = bf_doc_copy(arena, there);
            continue;
        }
        if (there != NULL)
            return bf_fail_field(e, BF_E_ID_REUSED, "/pages", "id_reused", "the medium of page %u was used before", i);
        ret[i] = bf_contract_medium(arena, contract, i, step);
        if (is_stored(stored, bf_get_sha256(&ret[i]->object, BF_MEDIA_SHA256)))
            bf_set_enum(&ret[i]->object, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_STORED);
        bf_decision_put(d, &bf_media, ret[i]);
    }
    return BF_OK;
}

static struct bf_str receipt_json(struct bf_arena *arena, const struct bf_caller *caller, const struct bf_doc *contract, struct bf_doc *const *media)
{
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "contract");
    bf_jw_doc(&w, contract, bf_shown(caller, BF_SUBJECT_CONTRACT));
    bf__write_media(&w, media, pages_of(&contract->object).n);
    bf_jw_end_object(&w);
    struct bf_str json = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    return json;
}

/* ---- a new contract ---- */

struct enter {
    struct bf_call *call;
    struct bf_doc *doc;
    struct stored stored;
};

/* One that was not approved gives way at once; an approved one when the new one is approved, so that an approval never vanishes unreviewed. */
static enum bf_status give_way(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *contract,
                               const struct bf_contract_step *step, struct bf_error *e)
{
    struct bf_uuid customer = bf_get_uuid(&contract->object, BF_CONTRACT_CUSTOMER);
    if (!bf_has(&contract->object, BF_CONTRACT_REPLACES))
        return BF_OK;
    const struct bf_doc *old = bf_view_get(view, &bf_contracts, bf_get_uuid(&contract->object, BF_CONTRACT_REPLACES));
    struct bf_uuid of = old == NULL || old->tombstone ? (struct bf_uuid){{0}} : bf_get_uuid(&old->object, BF_CONTRACT_CUSTOMER);
    if (!bf_uuid_eq(&of, &customer))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/replaces", "unknown", "no such contract of this customer");
    if (bf_get_enum(&old->object, BF_CONTRACT_STATE) == BF_CONTRACT_STATE_IS_APPROVED)
        return BF_OK;
    struct bf_doc *after = bf_doc_copy(arena, old);
    struct bf_contract_step of_old = bf__step_in(view, old, step->who, step->now_ms);
    enum bf_status status = bf_contract_supersede(&after->object, contract->id, &of_old, e);
    if (status == BF_OK)
        bf_decision_put(d, &bf_contracts, after);
    return status;
}

static enum bf_status put_capture(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct enter *n, struct bf_error *e)
{
    const struct bf_object *o = &n->doc->object;
    if (!bf_has(o, BF_CONTRACT_CAPTURE_SEQ))
        return BF_OK;
    return bf_decide_capture(view, d, arena, &n->call->caller, bf_get_uuid(o, BF_CONTRACT_DEVICE), bf_get_int(o, BF_CONTRACT_CAPTURE_SEQ), e);
}

static enum bf_status decide_enter(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct enter *n = ctx;
    const struct bf_caller *caller = &n->call->caller;
    struct bf_contract_step step = {.who = caller->user, .now_ms = n->call->now_ms};
    struct bf_doc *media[PAGES_MAX];
    struct bf_uuid customer_id = bf_get_uuid(&n->doc->object, BF_CONTRACT_CUSTOMER);
    const struct bf_doc *customer = bf__decide_customer(view, caller, BF_SUBJECT_CONTRACT, BF_ACTION_CREATE, customer_id, e);
    if (customer == NULL)
        return bf__unknown(e, "/customer", "no such customer");
    if (bf_view_get(view, &bf_contracts, n->doc->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another contract");
    struct bf_doc *doc = bf_doc_copy(arena, n->doc);
    bf_contract_begin(arena, &doc->object, &customer->object, &step);
    enum bf_status status = put_media(view, d, arena, doc, NULL, &n->stored, &step, media, e);
    if (status == BF_OK)
        status = give_way(view, d, arena, doc, &step, e);
    if (status == BF_OK)
        status = put_capture(view, d, arena, n, e);
    if (status != BF_OK)
        return status;
    bf_decision_put(d, &bf_contracts, doc);
    bf_decision_receipt(d, 201, receipt_json(arena, caller, doc, media), customer_id);
    return BF_OK;
}

static void add_reads(struct enter *n, struct bf_reads *reads)
{
    const struct bf_object *o = &n->doc->object;
    bf__reads_add(reads, &bf_contracts, n->doc->id);
    bf__reads_add(reads, &bf_customers, bf_get_uuid(o, BF_CONTRACT_CUSTOMER));
    add_media_reads(o, reads);
    if (bf_has(o, BF_CONTRACT_REPLACES)) {
        bf__reads_add(reads, &bf_contracts, bf_get_uuid(o, BF_CONTRACT_REPLACES));
        bf__lease_reads(bf_get_uuid(o, BF_CONTRACT_REPLACES), reads);
    }
    if (bf_has(o, BF_CONTRACT_DEVICE))
        bf__reads_add(reads, &bf_captures, bf_id_capture(n->doc->tenant, bf_get_uuid(o, BF_CONTRACT_DEVICE)));
}

static enum bf_status prepare(struct bf_call *call, struct enter *n, struct bf_error *e)
{
    struct bf_object *object;
    struct bf_uuid id;
    enum bf_status status = bf_json_decode_create(call->arena, &bf_contract_schema, bf_request_body(call->req), &id, &object, e);
    if (status == BF_OK)
        status = bf_contract_check(object, e);
    if (status != BF_OK)
        return status;
    n->call = call;
    n->doc = bf_doc_create(call->arena, &bf_contract_schema, call->caller.tenant, id);
    n->doc->object = *object;
    return find_stored(call, bf_get_uuid(object, BF_CONTRACT_CUSTOMER), pages_of(object), &n->stored, e);
}

static void create_contract(struct bf_call *call, void *service)
{
    (void)service;
    struct enter *n = bf_arena_calloc(call->arena, 1, sizeof *n);
    struct bf_reads *reads = bf_arena_calloc(call->arena, 1, sizeof *reads);
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_CONTRACT, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = prepare(call, n, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    add_reads(n, reads);
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads->items, .n_reads = reads->n, .decide = decide_enter, .ctx = n});
}

/* ---- a change ---- */

struct alter {
    struct bf_call *call;
    struct stored stored;
};

static enum bf_status apply_change(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *before,
                                   const struct bf_object *patch, struct bf_doc *after, void *ctx, struct bf_error *e)
{
    struct alter *a = ctx;
    struct bf_doc *media[PAGES_MAX];
    struct bf_contract_step step = bf__step_in(view, before, a->call->caller.user, a->call->now_ms);
    struct bf__review_clock clock = bf__review_clock_in(view, arena, step.now_ms);
    enum bf_status status = bf_contract_change(arena, &before->object, patch, &after->object, &step, e);
    if (status == BF_OK)
        status = put_media(view, d, arena, after, &before->object, &a->stored, &step, media, e);
    if (status == BF_OK)
        bf__complete_if_ready(view, after, &step, &clock);
    return status;
}

/* Media of the record as it is go into the read set beside those of the patch: which of the two stays is seen in the decision, and If-Match sees to it
 * that the record is the one that was read here. */
static enum bf_status prepare_change(struct bf_call *call, struct bf_change *change, struct alter *a, struct bf_error *e)
{
    struct bf_doc *doc;
    struct bf_object *patch;
    enum bf_status status = bf_call_id(call, "id", &change->id, e);
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_CONTRACT, BF_ACTION_READ, &bf_contracts, BF_CONTRACT_CUSTOMER, change->id, &doc, e);
    if (status == BF_OK)
        status = bf_json_decode(call->arena, &bf_contract_schema, BF_JSON_PATCH, bf_request_body(call->req), &patch, e);
    if (status != BF_OK)
        return status;
    add_media_reads(&doc->object, &change->reads);
    struct bf_array pages = patch->v[BF_CONTRACT_PAGES].type == BF_T_ARRAY ? pages_of(patch) : (struct bf_array){.n = 0};
    for (unsigned i = 0; i < pages.n; i++)
        bf__reads_add(&change->reads, &bf_media, bf_get_uuid(pages.items[i].object, BF_CONTRACT_PAGE_MEDIA));
    return find_stored(call, bf_get_uuid(&doc->object, BF_CONTRACT_CUSTOMER), pages, &a->stored, e);
}

static void change_contract(struct bf_call *call, void *service)
{
    (void)service;
    struct alter *a = bf_arena_calloc(call->arena, 1, sizeof *a);
    struct bf_change *change = bf_arena_calloc(call->arena, 1, sizeof *change);
    struct bf_error e = {0};
    a->call = call;
    *change = (struct bf_change){
        .subject = BF_SUBJECT_CONTRACT, .coll = &bf_contracts, .parent_row = BF_CONTRACT_CUSTOMER, .apply = apply_change, .ctx = a};
    if (prepare_change(call, change, a, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    bf__review_clock_reads(call->caller.tenant, call->now_ms, &change->reads);
    bf__lease_reads(change->id, &change->reads);
    bf__patch(call, change);
}

/* ---- read and list ---- */

/* The newest first, so that of very many the present ones are among those that are shown. */
static enum bf_status children(struct bf_call *call, const struct bf_collection *coll, unsigned row, const struct bf_index *index, struct bf_uuid contract,
                               struct bf_page *ret, struct bf_error *e)
{
    struct bf_value of = {.type = BF_T_UUID, .uuid = contract};
    struct bf_cond cond = {.row = (int)row, .op = BF_EQ, .values = &of, .n = 1};
    struct bf_query query = {
        .coll = coll, .tenant = call->caller.tenant, .conds = &cond, .n_conds = 1, .index = index, .limit = BF_PAGE_MAX, .descending = true};
    return bf_store_find(call->store, &query, call->arena, ret, e);
}

static void write_docs(struct bf_jw *w, const char *key, const struct bf_page *page, unsigned show)
{
    bf_jw_key(w, key);
    bf_jw_array(w);
    for (unsigned i = 0; i < page->n; i++)
        bf_jw_doc(w, page->docs[i], show);
    bf_jw_end_array(w);
}

/* The pages whose present picture is not ready yet. */
static void write_awaited(struct bf_jw *w, const struct bf_doc *contract, const struct bf_page *media)
{
    bf_jw_key(w, "awaited");
    bf_jw_array(w);
    for (unsigned i = 0; i < pages_of(&contract->object).n; i++) {
        struct bf_uuid id = media_of(&contract->object, i), page = bf_get_uuid(pages_of(&contract->object).items[i].object, BF_CONTRACT_PAGE_ID);
        bool ready = false;
        for (unsigned k = 0; k < media->n && !ready; k++)
            ready = bf_uuid_eq(&media->docs[k]->id, &id) && bf_get_enum(&media->docs[k]->object, BF_MEDIA_STATE) == BF_MEDIA_STATE_IS_READY;
        if (!ready)
            bf_jw_uuid(w, &page);
    }
    bf_jw_end_array(w);
}

static enum bf_status note_views(struct bf_call *call, const struct bf_doc *contract, const struct bf_page *media, const struct bf_page *reviews,
                                 struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, 1 + 2 * BF_PAGE_MAX, sizeof *ids);
    unsigned n = 0;
    ids[n++] = contract->id;
    for (unsigned i = 0; i < media->n; i++)
        ids[n++] = media->docs[i]->id;
    for (unsigned i = 0; i < reviews->n; i++)
        ids[n++] = reviews->docs[i]->id;
    return bf_call_viewed(call, "contract", "read", ids, n, e);
}

static void answer_contract(struct bf_call *call, const struct bf_doc *contract, const struct bf_page *media, const struct bf_page *reviews)
{
    struct bf__names *names = bf_arena_calloc(call->arena, 1, sizeof *names);
    struct bf_error e = {0};
    struct bf_buf out;
    struct bf_jw w;
    unsigned show = bf_shown(&call->caller, BF_SUBJECT_CONTRACT);
    bf_buf_init(&out, 8 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "id");
    bf_jw_uuid(&w, &contract->id);
    bf_jw_key(&w, "rev");
    bf_jw_int(&w, contract->rev);
    bf_jw_fields(&w, &contract->object, show);
    write_docs(&w, "media_states", media, show);
    write_docs(&w, "reviews", reviews, bf_shown(&call->caller, BF_SUBJECT_REVIEW));
    write_awaited(&w, contract, media);
    bf__names_add_contract(names, &contract->object);
    for (unsigned i = 0; i < reviews->n; i++)
        bf__names_add_user(names, bf_get_uuid(&reviews->docs[i]->object, BF_REVIEW_REVIEWER));
    enum bf_status status = bf__names_write(call, names, &w, &e);
    bf_jw_end_object(&w);
    if (status == BF_OK)
        status = note_views(call, contract, media, reviews, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, contract->rev);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

static void read_contract(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid id;
    struct bf_doc *contract;
    struct bf_page media, reviews;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_CONTRACT, BF_ACTION_READ, &bf_contracts, BF_CONTRACT_CUSTOMER, id, &contract, &e);
    if (status == BF_OK)
        status = children(call, &bf_media, BF_MEDIA_CONTRACT, &bf_media_by_contract, id, &media, &e);
    if (status == BF_OK)
        status = children(call, &bf_reviews, BF_REVIEW_CONTRACT, &bf_reviews_by_contract, id, &reviews, &e);
    if (status == BF_OK)
        answer_contract(call, contract, &media, &reviews);
    else
        bf_call_fail(call, &e);
}

static void list_contracts(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {
        {.name = "customer", .row = BF_CONTRACT_CUSTOMER, .parent = &bf_customers, .index = &bf_contracts_by_customer},
        {.name = "state", .row = BF_CONTRACT_STATE, .index = &bf_contracts_by_state, .in_team = &bf_contracts_by_team_state},
        {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_CONTRACT,
                                        .coll = &bf_contracts,
                                        .customer_row = BF_CONTRACT_CUSTOMER,
                                        .own = &bf_contracts_by_owner,
                                        .team = &bf_contracts_by_team,
                                        .all = &bf_contracts_by_time,
                                        .filters = filters,
                                        .descending = true};
    (void)service;
    bf__list(call, &list);
}

const struct bf_endpoint bf__contracts_list = {.run = list_contracts}, bf__contracts_create = {.run = create_contract},
                         bf__contracts_read = {.run = read_contract}, bf__contracts_change = {.run = change_contract};
