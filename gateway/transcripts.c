/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rep's word on a transcript (G-03): confirmed as it is, or written by hand, also when the provider never answered. A voice-only record is
 * judged again with it, once.
 */
#include "gateway/internal.h"
#include "gateway/verdicts.h"

enum { VOICES_MAX = 20 };

#define CONFIRM_FIELDS(F) F(TEXT, "text", STRING, 0, 1, BF_TRANSCRIPT_TEXT_MAX, NORMAL, "文本", "The rep's own words; absent: as transcribed")
#define F(row, ...) CONFIRM_##row,
enum { CONFIRM_FIELDS(F) CONFIRM_ROWS };
#undef F
#define F(row, ...) BF_FIELD(__VA_ARGS__),
static const struct bf_field confirm_fields[] = {CONFIRM_FIELDS(F)};
#undef F
const struct bf_schema bf__confirm_schema = {
    .name = "confirm", .zh = "确认转写", .en = "Confirmation", .version = 1, .fields = confirm_fields, .n_fields = CONFIRM_ROWS};

struct confirm {
    struct bf_call *call;
    struct bf_uuid id, media;
    const struct bf_object *body; /* NULL: retry */
    struct bf_doc *visit;         /* immutable, so it may be read beforehand */
    struct bf_week week;
    int64_t if_match;
};

static bool is_settled(const struct bf_doc *transcript)
{
    int state = bf_get_enum(&transcript->object, BF_TRANSCRIPT_STATE);
    return state == BF_TRANSCRIPT_STATE_IS_CONFIRMED || state == BF_TRANSCRIPT_STATE_IS_EDITED;
}

/* The transcript as it is and the right to settle it: the record's author only (FUP-14). */
static const struct bf_doc *check(const struct bf_view *view, const struct confirm *c, enum bf_action action, struct bf_error *e)
{
    const struct bf_caller *caller = &c->call->caller;
    const struct bf_doc *transcript = bf_view_get(view, &bf_transcripts, c->id);
    if (bf__decide_customer(view, caller, BF_SUBJECT_TRANSCRIPT, action, bf_get_uuid(&c->visit->object, BF_VISIT_CUSTOMER), e) == NULL)
        return NULL;
    struct bf_uuid rep = bf_get_uuid(&c->visit->object, BF_VISIT_REP);
    if (bf_permission_of(caller->role, BF_SUBJECT_TRANSCRIPT, action).author_only && !bf_uuid_eq(&rep, &caller->user)) {
        bf_fail(e, BF_E_FORBIDDEN, "only the person who logged the visit settles its transcript");
        return NULL;
    }
    if (c->if_match != 0 && c->if_match != transcript->rev) {
        bf_fail(e, BF_E_STALE, "the transcript is at revision %lld by now", (long long)transcript->rev);
        return NULL;
    }
    if (is_settled(transcript)) {
        bf_fail(e, BF_E_CONFLICT, "the transcript is %s already",
                bf_enum_transcript_state.words[bf_get_enum(&transcript->object, BF_TRANSCRIPT_STATE)].word);
        return NULL;
    }
    return transcript;
}

static enum bf_status settle(const struct confirm *c, struct bf_doc *transcript, struct bf_error *e)
{
    struct bf_object *o = &transcript->object;
    struct bf_str given = bf_get_str(c->body, CONFIRM_TEXT), heard = bf_get_str(o, BF_TRANSCRIPT_TEXT);
    bool ready = bf_get_enum(o, BF_TRANSCRIPT_STATE) == BF_TRANSCRIPT_STATE_IS_READY;
    if (given.p == NULL && !ready)
        return bf_fail_field(e, BF_E_CONFLICT, "/text", "required", "there is no transcript to confirm yet: write the text");
    bool as_heard = ready && (given.p == NULL || bf_str_eq(given, heard));
    bf_set_enum(o, BF_TRANSCRIPT_STATE, as_heard ? BF_TRANSCRIPT_STATE_IS_CONFIRMED : BF_TRANSCRIPT_STATE_IS_EDITED);
    bf_set_str(o, BF_TRANSCRIPT_CONFIRMED_TEXT, given.p == NULL ? heard : given);
    bf_set_int(o, BF_TRANSCRIPT_CONFIRMED_AT, c->call->now_ms);
    bf_set_uuid(o, BF_TRANSCRIPT_CONFIRMED_BY, c->call->caller.user);
    bf_set_int(o, BF_TRANSCRIPT_UPDATED_AT, c->call->now_ms);
    return BF_OK;
}

/* Calls `each` for the transcript ids of the visit's voice notes. */
static unsigned voices(const struct bf_doc *visit, struct bf_uuid ids[VOICES_MAX])
{
    struct bf_array media = bf_get_array(&visit->object, BF_VISIT_MEDIA);
    unsigned n = 0;
    for (unsigned i = 0; i < media.n && n < VOICES_MAX; i++)
        if (bf_get_enum(media.items[i].object, BF_VISIT_MEDIA_KIND) == BF_MEDIA_KIND_IS_VOICE)
            ids[n++] = bf_id_transcript(visit->tenant, bf_get_uuid(media.items[i].object, BF_VISIT_MEDIA_ID));
    return n;
}

static bool is_open(const struct bf_view *view, const struct bf_doc *visit)
{
    const struct bf_doc *later = bf_view_get(view, &bf_verdicts, bf_id_verdict(visit->tenant, visit->id, true));
    const struct bf_doc *verdict = later != NULL ? later : bf_view_get(view, &bf_verdicts, bf_id_verdict(visit->tenant, visit->id, false));
    return verdict != NULL && bf_validity_is_open(bf_get_enum(&verdict->object, BF_VERDICT_VALIDITY));
}

/* Judges the visit on all its confirmed texts, this one among them, when its verdict still waits for them. */
static enum bf_status judge(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct confirm *c,
                            const struct bf_doc *transcript, struct bf_jw *w, struct bf_error *e)
{
    struct bf_uuid ids[VOICES_MAX];
    struct bf_str confirmed[VOICES_MAX];
    unsigned n = voices(c->visit, ids), n_confirmed = 0;
    struct bf_company company = bf__company_in(view, arena);
    struct bf_validity validity;
    struct bf_doc *verdict;
    if (!is_open(view, c->visit))
        return BF_OK;
    for (unsigned i = 0; i < n; i++) {
        const struct bf_doc *other = bf_uuid_eq(&ids[i], &c->id) ? transcript : bf_view_get(view, &bf_transcripts, ids[i]);
        if (other != NULL && is_settled(other))
            confirmed[n_confirmed++] = bf_get_str(&other->object, BF_TRANSCRIPT_CONFIRMED_TEXT);
    }
    struct bf_judge j = {.visit = c->visit,
                         .customer = bf_view_get(view, &bf_customers, bf_get_uuid(&c->visit->object, BF_VISIT_CUSTOMER)),
                         .company = &company,
                         .week = &c->week,
                         .confirmed = confirmed,
                         .n_confirmed = n_confirmed,
                         .now_ms = c->call->now_ms};
    enum bf_status status = bf__judge_visit(view, d, arena, &j, &validity, &verdict, e);
    if (status == BF_OK)
        bf__write_verdict(w, arena, &c->call->caller, verdict, &validity, company.policy);
    return status;
}

static enum bf_status decide_confirm(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct confirm *c = ctx;
    struct bf_buf out;
    struct bf_jw w;
    const struct bf_doc *before = check(view, c, BF_ACTION_CONFIRM, e);
    if (before == NULL)
        return e->status;
    struct bf_doc *transcript = bf_doc_copy(arena, before);
    enum bf_status status = settle(c, transcript, e);
    if (status != BF_OK)
        return status;
    bf_decision_put(d, &bf_transcripts, transcript);
    bf_buf_init(&out, 1 << 20);
    bf_jw_init(&w, &out);
    bf_jw_object(&w);
    bf_jw_key(&w, "transcript");
    bf_jw_doc(&w, transcript, bf_shown(&c->call->caller, BF_SUBJECT_TRANSCRIPT));
    status = judge(view, d, arena, c, transcript, &w, e);
    bf_jw_end_object(&w);
    if (status == BF_OK)
        bf_decision_receipt(d, 200, bf_str_dup(arena, bf_buf_str(&out)), bf_get_uuid(&c->visit->object, BF_VISIT_CUSTOMER));
    bf_buf_finish(&out);
    return status;
}

/* Asks the provider again: the transcript waits, one round further; ingest makes the job from the log. */
static enum bf_status decide_retry(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e)
{
    struct confirm *c = ctx;
    const struct bf_doc *before = check(view, c, BF_ACTION_RETRY, e);
    if (before == NULL)
        return e->status;
    if (bf_get_enum(&before->object, BF_TRANSCRIPT_STATE) == BF_TRANSCRIPT_STATE_IS_WAITING)
        return bf_fail(e, BF_E_CONFLICT, "the transcript is on its way");
    const struct bf_doc *media = bf_view_get(view, &bf_media, c->media);
    if (media == NULL || bf_get_enum(&media->object, BF_MEDIA_STATE) != BF_MEDIA_STATE_IS_READY)
        return bf_fail(e, BF_E_CONFLICT, "the recording cannot be used: write the text");
    struct bf_doc *transcript = bf_doc_copy(arena, before);
    struct bf_object *o = &transcript->object;
    bf_set_enum(o, BF_TRANSCRIPT_STATE, BF_TRANSCRIPT_STATE_IS_WAITING);
    bf_unset(o, BF_TRANSCRIPT_TEXT);
    bf_set_int(o, BF_TRANSCRIPT_ROUND, bf_get_int(o, BF_TRANSCRIPT_ROUND) + 1);
    bf_set_int(o, BF_TRANSCRIPT_UPDATED_AT, c->call->now_ms);
    bf_decision_put(d, &bf_transcripts, transcript);
    bf_decision_receipt(d, 200, bf__doc_json(arena, &c->call->caller, BF_SUBJECT_TRANSCRIPT, transcript),
                        bf_get_uuid(&c->visit->object, BF_VISIT_CUSTOMER));
    return BF_OK;
}

/* ---- before the decision ---- */

static enum bf_status find_week(struct confirm *c, struct bf_error *e)
{
    struct bf_company company;
    struct bf_timeliness timeliness;
    struct bf_clocks clocks = bf_clocks_of_visit(&c->visit->object);
    enum bf_status status = bf__company(c->call, &company, e);
    if (status == BF_OK && !bf__judge_week(&company, &clocks, &timeliness, &c->week))
        status = bf_fail(e, BF_E_INTERNAL, "the company's time zone is not known");
    return status;
}

static void add_reads(struct confirm *c, struct bf_reads *reads)
{
    struct bf_uuid ids[VOICES_MAX], tenant = c->visit->tenant;
    unsigned n = voices(c->visit, ids);
    struct bf_uuid rep = bf_get_uuid(&c->visit->object, BF_VISIT_REP), customer = bf_get_uuid(&c->visit->object, BF_VISIT_CUSTOMER);
    bf__company_reads(c->call, reads);
    bf__reads_add(reads, &bf_transcripts, c->id);
    bf__reads_add(reads, &bf_media, c->media);
    bf__reads_add(reads, &bf_customers, customer);
    bf__reads_add(reads, &bf_verdicts, bf_id_verdict(tenant, c->visit->id, false));
    bf__judge_reads(reads, tenant, c->visit->id, true, rep, customer, &c->week);
    for (unsigned i = 0; i < n; i++)
        bf__reads_add(reads, &bf_transcripts, ids[i]);
}

static enum bf_status load(struct confirm *c, struct bf_error *e)
{
    struct bf_call *call = c->call;
    struct bf_doc *transcript;
    enum bf_status status = bf_call_id(call, "id", &c->id, e);
    if (status == BF_OK)
        status = bf__load_child(call, BF_SUBJECT_TRANSCRIPT, BF_ACTION_READ, &bf_transcripts, BF_TRANSCRIPT_CUSTOMER, c->id, &transcript, e);
    if (status == BF_OK)
        status = bf_store_get(call->store, &bf_visits, call->caller.tenant, bf_get_uuid(&transcript->object, BF_TRANSCRIPT_VISIT), call->arena,
                              &c->visit, e);
    if (status == BF_OK && c->visit == NULL)
        status = bf_fail(e, BF_E_NOT_FOUND, "there is no such record");
    if (status == BF_OK)
        status = bf_call_if_match(call, &c->if_match, e);
    if (status != BF_OK)
        return status;
    c->media = bf_get_uuid(&transcript->object, BF_TRANSCRIPT_MEDIA);
    return find_week(c, e);
}

static void answer(struct bf_call *call, const struct bf_receipt *receipt, void *ctx)
{
    const struct confirm *c = ctx;
    bf__answer_change(call, receipt, BF_SUBJECT_TRANSCRIPT, &bf_transcripts, BF_TRANSCRIPT_CUSTOMER, c->id);
}

static void submit(struct bf_call *call, const struct bf_object *body, bf_decide_fn *decide)
{
    struct confirm *c = bf_arena_calloc(call->arena, 1, sizeof *c);
    struct bf_reads *reads = bf_arena_calloc(call->arena, 1, sizeof *reads);
    struct bf_error e = {0};
    c->call = call;
    c->body = body;
    if (load(c, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    add_reads(c, reads);
    bf_call_submit(call, &(struct bf_call_submit){.reads = reads->items, .n_reads = reads->n, .decide = decide, .ctx = c, .done = answer});
}

static void confirm(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_object *body;
    struct bf_error e = {0};
    if (bf_json_decode(call->arena, &bf__confirm_schema, BF_JSON_CREATE, bf_request_body(call->req), &body, &e) == BF_OK)
        submit(call, body, decide_confirm);
    else
        bf_call_fail(call, &e);
}

static void retry(struct bf_call *call, void *service)
{
    (void)service;
    submit(call, NULL, decide_retry);
}

static void read_transcript(struct bf_call *call, void *service)
{
    (void)service;
    bf__read(call, BF_SUBJECT_TRANSCRIPT, &bf_transcripts, BF_TRANSCRIPT_CUSTOMER);
}

const struct bf_endpoint bf__transcripts_read = {.run = read_transcript}, bf__transcripts_confirm = {.run = confirm, .flags = BF_EP_VERB},
                         bf__transcripts_retry = {.run = retry, .flags = BF_EP_VERB | BF_EP_NO_BODY};
