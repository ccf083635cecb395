/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging a visit. One decision stores the record with everything that follows from it: its media as awaited or stored, a transcript for
 * each voice note, the verdict, the week's count, the rep's last text on the customer, the next step's reminder, and the installation's
 * capture number. The receipt says all of that. With ?dry_run=1 the same decision is made and nothing is put.
 */
#include "access/capture.h"
#include "crm/reminder.h"
#include "crm/verdict.h"
#include "crm/visit.h"
#include "gateway/names.h"
#include "gateway/verdicts.h"

enum { MEDIA_MAX = 20 };

struct log_visit {
    struct bf_call *call;
    struct bf_doc *visit;
    struct bf_visit_receipt receipt;
    struct bf_str person_zone;
    struct bf_week week;
    bool stored[MEDIA_MAX]; /* the caller has uploaded these bytes already */
    bool dry_run;
};

/* What a decision made, for the receipt. */
struct made {
    struct bf_doc *visit, *verdict, *reminder;
    struct bf_doc *media[MEDIA_MAX];
    unsigned n_media;
    struct bf_validity validity;
    struct bf_company company;
};

static enum bf_status make_receipt(const struct bf_call *call, struct bf_visit_receipt *ret, struct bf_error *e)
{
    int64_t skew;
    enum bf_status status = bf_call_skew_ms(call, &skew, e);
    *ret = (struct bf_visit_receipt){.rep = call->caller.user, .received_at = call->now_ms, .skew_known = skew != INT64_MIN, .skew_ms = skew};
    return status;
}

static struct bf_array media_of(const struct bf_doc *visit) { return bf_get_array(&visit->object, BF_VISIT_MEDIA); }

static struct bf_uuid media_id(const struct bf_doc *visit, unsigned i)
{
    return bf_get_uuid(media_of(visit).items[i].object, BF_VISIT_MEDIA_ID);
}

/* ---- the decision ---- */

static enum bf_status check_contacts(const struct bf_view *view, const struct bf_doc *visit, struct bf_error *e)
{
    struct bf_array contacts = bf_get_array(&visit->object, BF_VISIT_CONTACTS);
    struct bf_uuid customer = bf_get_uuid(&visit->object, BF_VISIT_CUSTOMER);
    for (unsigned i = 0; i < contacts.n; i++) {
        const struct bf_doc *contact = bf_view_get(view, &bf_contacts, contacts.items[i].uuid);
        struct bf_uuid of = contact == NULL || contact->tombstone ? (struct bf_uuid){{0}} : bf_get_uuid(&contact->object, BF_CONTACT_CUSTOMER);
        if (!bf_uuid_eq(&of, &customer)) {
            char pointer[32] = "/contacts";
            bf_fail_field(e, BF_E_UNPROCESSABLE, pointer, "unknown", "contact %u is not one of this customer's", i);
        }
    }
    return contacts.n > 0 && e->status != BF_OK ? e->status : BF_OK;
}

static enum bf_status put_media(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct log_visit *l, struct made *made,
                                struct bf_error *e)
{
    made->n_media = media_of(l->visit).n;
    for (unsigned i = 0; i < made->n_media; i++) {
        struct bf_doc *media = bf_visit_media(arena, made->visit, i), *transcript = bf_visit_transcript(arena, made->visit, i);
        if (bf_view_get(view, &bf_media, media->id) != NULL)
            return bf_fail_field(e, BF_E_ID_REUSED, "/media", "id_reused", "the id of medium %u was used before", i);
        if (l->stored[i])
            bf_set_enum(&media->object, BF_MEDIA_STATE, BF_MEDIA_STATE_IS_STORED);
        made->media[i] = media;
        bf_decision_put(d, &bf_media, media);
        if (transcript != NULL)
            bf_decision_put(d, &bf_transcripts, transcript);
    }
    return BF_OK;
}

static enum bf_status put_capture(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct log_visit *l, struct bf_error *e)
{
    const struct bf_object *o = &l->visit->object;
    if (!bf_has(o, BF_VISIT_CAPTURE_SEQ))
        return BF_OK;
    return bf_decide_capture(view, d, arena, &l->call->caller, bf_get_uuid(o, BF_VISIT_DEVICE), bf_get_int(o, BF_VISIT_CAPTURE_SEQ), e);
}

static enum bf_status put_reminder(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct log_visit *l, struct made *made,
                                   struct bf_error *e)
{
    struct bf_reminder_clock clock = {.policy = made->company.policy, .zone = l->person_zone, .now_ms = l->call->now_ms};
    enum bf_status status = bf_visit_reminder(arena, made->visit, &clock, &made->reminder, e);
    (void)view;
    if (status == BF_OK && made->reminder != NULL)
        bf_decision_put(d, &bf_reminders, made->reminder);
    return status;
}

/* Puts everything; a dry run goes through the same steps on a decision whose puts are thrown away by its caller. */
static enum bf_status make(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, struct log_visit *l, struct made *made,
                           struct bf_error *e)
{
    struct bf_uuid customer_id = bf_get_uuid(&l->visit->object, BF_VISIT_CUSTOMER);
    const struct bf_doc *customer = bf__decide_customer(view, &l->call->caller, BF_SUBJECT_VISIT, BF_ACTION_CREATE, customer_id, e);
    if (customer == NULL)
        return bf__unknown(e, "/customer", "no such customer");
    if (bf_view_get(view, &bf_visits, l->visit->id) != NULL)
        return bf_fail(e, BF_E_ID_REUSED, "this id was used for another visit");
    enum bf_status status = check_contacts(view, l->visit, e);
    if (status != BF_OK)
        return status;
    made->visit = bf_doc_copy(arena, l->visit);
    made->company = bf__company_in(view, arena);
    bf_visit_complete(made->visit, &customer->object, &l->receipt);
    status = put_media(view, d, arena, l, made, e);
    if (status == BF_OK)
        status = put_capture(view, d, arena, l, e);
    if (status == BF_OK)
        status = put_reminder(view, d, arena, l, made, e);
    if (status == BF_OK)
        status = bf__judge_visit(view, d, arena,
                                 &(struct bf_judge){.visit = made->visit,
                                                    .customer = customer,
                                                    .company = &made->company,
                                                    .week = &l->week,
                                                    .now_ms = l->call->now_ms},
                                 &made->validity, &made->verdict, e);
    if (status == BF_OK)
        bf_decision_put(d, &bf_visits, made->visit);
    return status;
}

/* ---- the receipt ---- */

static void write_reminder(struct bf_jw *w, const struct bf_doc *reminder)
{
    bf_jw_key(w, "reminder");
    if (reminder == NULL) {
        bf_jw_null(w);
        return;
    }
    int64_t due = bf_get_int(&reminder->object, BF_REMINDER_DUE_AT), send = bf_get_int(&reminder->object, BF_REMINDER_SEND_AT);
    bf_jw_object(w);
    bf_jw_key(w, "id");
    bf_jw_uuid(w, &reminder->id);
    bf_jw_key(w, "due_at");
    bf_jw_time(w, due);
    bf_jw_key(w, "send_at");
    bf_jw_time(w, send);
    bf_jw_key(w, "delayed_by_quiet_hours");
    bf_jw_bool(w, send > due);
    bf_jw_end_object(w);
}

static struct bf_str receipt_json(struct bf_arena *arena, const struct log_visit *l, const struct made *made)
{
    const struct bf_caller *caller = &l->call->caller;
    struct bf_buf out;
    struct bf_jw w;
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "visit");
    bf_jw_doc(&w, made->visit, bf_shown(caller, BF_SUBJECT_VISIT));
    bf__write_verdict(&w, arena, caller, made->verdict, &made->validity, made->company.policy);
    bf__write_media(&w, made->media, made->n_media);
    write_reminder(&w, made->reminder);
    bf_jw_end_object(&w);
    struct bf_str json = bf_str_dup(arena, bf_buf_str(&out));
    bf_buf_finish(&out);
    return json;
}

static enum bf_status decide_visit(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct log_visit *l = ctx;
    struct made made = {.n_media = 0};
    enum bf_status status = make(view, d, arena, l, &made, e);
    if (status != BF_OK)
        return status;
    if (l->dry_run)
        bf_decision_forget(d);
    bf_decision_receipt(d, l->dry_run ? 200 : 201, receipt_json(arena, l, &made), bf_get_uuid(&made.visit->object, BF_VISIT_CUSTOMER));
    return BF_OK;
}

/* ---- before the decision ---- */

static void add_reads(struct log_visit *l, struct bf_reads *reads)
{
    const struct bf_object *o = &l->visit->object;
    struct bf_uuid tenant = l->visit->tenant, rep = l->call->caller.user, customer = bf_get_uuid(o, BF_VISIT_CUSTOMER);
    struct bf_array contacts = bf_get_array(o, BF_VISIT_CONTACTS), media = media_of(l->visit);
    bf__company_reads(l->call, reads);
    bf__reads_add(reads, &bf_visits, l->visit->id);
    bf__reads_add(reads, &bf_customers, customer);
    if (bf_get_object(o, BF_VISIT_NEXT_STEP) != NULL)
        bf__reads_add(reads, &bf_reminders, bf_id_reminder_of_visit(tenant, l->visit->id));
    bf__judge_reads(reads, tenant, l->visit->id, false, rep, customer, &l->week);
    for (unsigned i = 0; i < contacts.n; i++)
        bf__reads_add(reads, &bf_contacts, contacts.items[i].uuid);
    for (unsigned i = 0; i < media.n; i++) {
        bf__reads_add(reads, &bf_media, media_id(l->visit, i));
        if (bf_get_enum(media.items[i].object, BF_VISIT_MEDIA_KIND) == BF_MEDIA_KIND_IS_VOICE)
            bf__reads_add(reads, &bf_transcripts, bf_id_transcript(tenant, media_id(l->visit, i)));
    }
    if (bf_has(o, BF_VISIT_DEVICE))
        bf__reads_add(reads, &bf_captures, bf_id_capture(tenant, bf_get_uuid(o, BF_VISIT_DEVICE)));
}

static enum bf_status find_stored(struct log_visit *l, struct bf_error *e)
{
    struct bf_array media = media_of(l->visit);
    struct bf_uuid customer = bf_get_uuid(&l->visit->object, BF_VISIT_CUSTOMER);
    enum bf_status status = BF_OK;
    for (unsigned i = 0; i < media.n && status == BF_OK; i++)
        status = bf__is_stored(l->call, customer, bf_get_sha256(media.items[i].object, BF_VISIT_MEDIA_SHA256), &l->stored[i], e);
    return status;
}

/* The week that the record counts in follows from its clocks; its counter must stand in the read set. */
static enum bf_status find_week(struct log_visit *l, const struct bf_company *company, const struct bf_visit_receipt *receipt, struct bf_error *e)
{
    const struct bf_object *o = &l->visit->object;
    struct bf_clocks clocks = {.happened_at = bf_get_int(o, BF_VISIT_HAPPENED_AT),
                               .captured_at = bf_get_int(o, BF_VISIT_CAPTURED_AT),
                               .received_at = receipt->received_at,
                               .skew_known = receipt->skew_known,
                               .skew_ms = receipt->skew_ms};
    struct bf_timeliness timeliness;
    if (!bf__judge_week(company, &clocks, &timeliness, &l->week))
        return bf_fail_field(e, BF_E_UNPROCESSABLE, "/captured_at", "bad_time", "no week can be told for it");
    return BF_OK;
}

static enum bf_status prepare(struct bf_call *call, struct log_visit *l, struct bf_error *e)
{
    struct bf_object *object;
    struct bf_uuid id;
    struct bf_company company;
    struct bf_visit_receipt receipt;
    enum bf_status status = make_receipt(call, &receipt, e);
    if (status == BF_OK)
        status = bf_json_decode_create(call->arena, &bf_visit_schema, bf_request_body(call->req), &id, &object, e);
    if (status == BF_OK)
        status = bf__company(call, &company, e);
    if (status == BF_OK)
        status = bf_visit_check(company.policy, object, e);
    if (status != BF_OK)
        return status;
    *l = (struct log_visit){.call = call, .receipt = receipt, .dry_run = bf__is_dry_run(call)};
    l->person_zone = call->caller.tz.n > 0 ? call->caller.tz : company.zone;
    l->visit = bf_doc_create(call->arena, &bf_visit_schema, call->caller.tenant, id);
    l->visit->object = *object;
    status = find_week(l, &company, &receipt, e);
    return status == BF_OK ? find_stored(l, e) : status;
}

/* A parameter that is nearly `dry_run=1` must not log the visit after all. */
static enum bf_status check_query(struct bf_call *call, struct bf_error *e)
{
    static const char *const names[] = {"dry_run", NULL};
    enum bf_status status = bf_call_only_query(call, names, e);
    if (status == BF_OK && bf_request_query(call->req, "dry_run").p != NULL && !bf__is_dry_run(call))
        return bf_fail_field(e, BF_E_INVALID_QUERY, "dry_run", "unknown_word", "1, or not at all");
    return status;
}

static void create_visit(struct bf_call *call, void *service)
{
    (void)service;
    struct log_visit *l = bf_arena_calloc(call->arena, 1, sizeof *l);
    struct bf_reads *reads = bf_arena_calloc(call->arena, 1, sizeof *reads);
    struct bf_error e = {0};
    enum bf_status status = bf_authorize_kind(&call->caller, BF_SUBJECT_VISIT, BF_ACTION_CREATE, &e);
    if (status == BF_OK)
        status = check_query(call, &e);
    if (status == BF_OK)
        status = prepare(call, l, &e);
    if (status != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    add_reads(l, reads);
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads->items, .n_reads = reads->n, .decide = decide_visit, .ctx = l});
}

/* ---- read and list ---- */

static enum bf_status children(struct bf_call *call, const struct bf_collection *coll, unsigned row, const struct bf_index *index, struct bf_uuid visit,
                               struct bf_page *ret, struct bf_error *e)
{
    struct bf_value of = {.type = BF_T_UUID, .uuid = visit};
    struct bf_cond cond = {.row = (int)row, .op = BF_EQ, .values = &of, .n = 1};
    struct bf_query query = {.coll = coll, .tenant = call->caller.tenant, .conds = &cond, .n_conds = 1, .index = index, .limit = BF_PAGE_MAX};
    return bf_store_find(call->store, &query, call->arena, ret, e);
}

static void write_children(struct bf_jw *w, struct bf_call *call, const char *key, enum bf_subject subject, const struct bf_page *page)
{
    bf_jw_key(w, key);
    bf_jw_array(w);
    for (unsigned i = 0; i < page->n; i++)
        bf_jw_doc(w, page->docs[i], bf_shown(&call->caller, subject));
    bf_jw_end_array(w);
}

/* The visit and what is shown in it: one row, as a rule. */
static enum bf_status note_visit(struct bf_call *call, const struct bf_doc *visit, const struct bf_page *const children[], unsigned n, struct bf_error *e)
{
    struct bf_uuid *ids = bf_arena_calloc(call->arena, 1 + n * BF_PAGE_MAX, sizeof *ids);
    unsigned n_ids = 0;
    ids[n_ids++] = visit->id;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < children[i]->n; k++)
            ids[n_ids++] = children[i]->docs[k]->id;
    return bf_call_viewed(call, "visit", "read", ids, n_ids, e);
}

static void answer_visit(struct bf_call *call, const struct bf_doc *visit, const struct bf_page *verdicts, const struct bf_page *media,
                         const struct bf_page *transcripts)
{
    struct bf__names *names = bf_arena_calloc(call->arena, 1, sizeof *names);
    struct bf_buf out;
    struct bf_jw w;
    struct bf_error e = {0};
    bf_buf_init(&out, 8 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "id");
    bf_jw_uuid(&w, &visit->id);
    bf_jw_key(&w, "rev");
    bf_jw_int(&w, visit->rev);
    bf_jw_fields(&w, &visit->object, bf_shown(&call->caller, BF_SUBJECT_VISIT));
    write_children(&w, call, "verdicts", BF_SUBJECT_VERDICT, verdicts);
    write_children(&w, call, "media_states", BF_SUBJECT_MEDIA, media);
    write_children(&w, call, "transcripts", BF_SUBJECT_TRANSCRIPT, transcripts);
    bf__names_add_record(names, &visit->object);
    enum bf_status status = bf__names_write(call, names, &w, &e);
    bf_jw_end_object(&w);
    const struct bf_page *children_shown[] = {verdicts, media, transcripts};
    if (status == BF_OK)
        status = note_visit(call, visit, children_shown, 3, &e);
    if (status == BF_OK) {
        bf_call_json_buf(call, 200, &out, visit->rev);
        return;
    }
    bf_buf_finish(&out);
    bf_call_fail(call, &e);
}

static void read_visit(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid id;
    struct bf_doc *visit;
    struct bf_page verdicts, media, transcripts;
    struct bf_error e = {0};
    enum bf_status status = bf_call_id(call, "id", &id, &e);
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_VISIT, BF_ACTION_READ, &bf_visits, BF_VISIT_CUSTOMER, id, &visit, &e);
    if (status == BF_OK)
        status = children(call, &bf_verdicts, BF_VERDICT_VISIT, &bf_verdicts_by_visit, id, &verdicts, &e);
    if (status == BF_OK)
        status = children(call, &bf_media, BF_MEDIA_VISIT, &bf_media_by_visit, id, &media, &e);
    if (status == BF_OK)
        status = children(call, &bf_transcripts, BF_TRANSCRIPT_VISIT, &bf_transcripts_by_visit, id, &transcripts, &e);
    if (status == BF_OK)
        answer_visit(call, visit, &verdicts, &media, &transcripts);
    else
        bf_call_fail(call, &e);
}

static void list_visits(struct bf_call *call, void *service)
{
    static const struct bf_filter filters[] = {
        {.name = "customer", .row = BF_VISIT_CUSTOMER, .parent = &bf_customers, .index = &bf_visits_by_customer},
        {.name = "rep", .row = BF_VISIT_REP, .index = &bf_visits_by_rep, .in_team = &bf_visits_by_team_rep},
        {.name = NULL}};
    static const struct bf_list list = {.subject = BF_SUBJECT_VISIT,
                                        .coll = &bf_visits,
                                        .customer_row = BF_VISIT_CUSTOMER,
                                        .own = &bf_visits_by_owner,
                                        .team = &bf_visits_by_team,
                                        .all = &bf_visits_by_time,
                                        .filters = filters,
                                        .descending = true};
    (void)service;
    bf__list(call, &list);
}

const struct bf_endpoint bf__visits_list = {.run = list_visits}, bf__visits_create = {.run = create_visit, .flags = BF_EP_QUERY}, bf__visits_read = {.run = read_visit};
