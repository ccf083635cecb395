/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/verdicts.h"

void bf__judge_reads(struct bf_reads *reads, struct bf_uuid tenant, struct bf_uuid visit, bool from_transcript, struct bf_uuid rep,
                     struct bf_uuid customer, const struct bf_week *week)
{
    bf__reads_add(reads, &bf_verdicts, bf_id_verdict(tenant, visit, from_transcript));
    bf__reads_add(reads, &bf_counters, bf_id_week_counter(tenant, rep, week->year, week->week));
    bf__reads_add(reads, &bf_counters, bf_id_last_record(tenant, rep, customer));
    bf__cadence_reads(tenant, customer, reads);
}

bool bf__judge_week(const struct bf_company *company, const struct bf_clocks *clocks, struct bf_timeliness *ret_timeliness, struct bf_week *ret)
{
    return bf_timeliness_judge(company->policy, company->zone, clocks, ret_timeliness) &&
           bf_week_of(company->zone, ret_timeliness->entered_at, ret);
}

static enum bf_status check_week(const struct bf_judge *judge, struct bf_timeliness *ret_timeliness, struct bf_week *ret, struct bf_error *e)
{
    struct bf_clocks clocks = bf_clocks_of_visit(&judge->visit->object);
    if (!bf__judge_week(judge->company, &clocks, ret_timeliness, ret))
        return bf_fail(e, BF_E_INTERNAL, "the company's time zone is not known");
    if (ret->year == judge->week->year && ret->week == judge->week->week)
        return BF_OK;
    bf_fail(e, BF_E_UNAVAILABLE, "the company's numbers changed meanwhile");
    e->retry_after_s = 1;
    return e->status;
}

static struct bf_doc *counter(const struct bf_view *view, struct bf_arena *arena, struct bf_uuid id, const char *kind)
{
    const struct bf_doc *before = bf_view_get(view, &bf_counters, id);
    if (before != NULL)
        return bf_doc_copy(arena, before);
    struct bf_doc *doc = bf_doc_create(arena, &bf_counter_schema, bf_view_tenant(view), id);
    bf_set_str(&doc->object, BF_COUNTER_KIND, bf_strz(kind));
    return doc;
}

static void remember(struct bf_decision *d, struct bf_arena *arena, struct bf_doc *memory, const struct bf_validity *validity)
{
    if (!validity->remember)
        return;
    bf_set_str(&memory->object, BF_COUNTER_DIGEST, bf_str(bf_arena_dup(arena, validity->digest, BF_DIGEST_BYTES), BF_DIGEST_BYTES));
    bf_decision_put(d, &bf_counters, memory);
}

/* No visit is later than its receipt, whatever the phone's clock says (crm/timeliness.h). */
static int64_t happened_at(const struct bf_object *visit)
{
    int64_t happened = bf_get_int(visit, BF_VISIT_HAPPENED_AT), received = bf_get_int(visit, BF_VISIT_RECEIVED_AT);
    return happened < received ? happened : received;
}

enum bf_status bf__judge_visit(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_judge *judge,
                               struct bf_validity *ret, struct bf_doc **ret_verdict, struct bf_error *e)
{
    const struct bf_object *o = &judge->visit->object;
    struct bf_uuid tenant = judge->visit->tenant, rep = bf_get_uuid(o, BF_VISIT_REP), customer = bf_get_uuid(o, BF_VISIT_CUSTOMER);
    struct bf_timeliness timeliness;
    struct bf_week week;
    enum bf_status status = check_week(judge, &timeliness, &week, e);
    if (status != BF_OK)
        return status;
    struct bf_doc *count = counter(view, arena, bf_id_week_counter(tenant, rep, week.year, week.week), "valid records of a week");
    struct bf_doc *memory = counter(view, arena, bf_id_last_record(tenant, rep, customer), "last record on a customer");
    struct bf_validity_input input = {.policy = judge->company->policy,
                                      .visit = o,
                                      .customer = &judge->customer->object,
                                      .confirmed = judge->confirmed,
                                      .n_confirmed = judge->n_confirmed,
                                      .last_digest = bf_get_str(&memory->object, BF_COUNTER_DIGEST)};
    *ret = bf_validity_judge(arena, &input);
    *ret_verdict = bf_verdict_create(arena, &(struct bf_verdict_input){.policy = judge->company->policy,
                                                                       .visit = judge->visit,
                                                                       .validity = ret,
                                                                       .timeliness = &timeliness,
                                                                       .week = &week,
                                                                       .week_count_before = bf_get_int(&count->object, BF_COUNTER_VALUE),
                                                                       .judged_at = judge->now_ms});
    /* The visit may have been read before a transfer's job reached it; the customer is as it is now. */
    bf_set_uuid(&(*ret_verdict)->object, BF_VERDICT_OWNER, bf_get_uuid(&judge->customer->object, BF_CUSTOMER_OWNER));
    bf_set_uuid(&(*ret_verdict)->object, BF_VERDICT_TEAM, bf_get_uuid(&judge->customer->object, BF_CUSTOMER_TEAM));
    bf_decision_put(d, &bf_verdicts, *ret_verdict);
    int64_t counted = bf_verdict_counted(ret);
    if (counted > 0) {
        bf_set_int(&count->object, BF_COUNTER_VALUE, bf_get_int(&count->object, BF_COUNTER_VALUE) + counted);
        bf_decision_put(d, &bf_counters, count);
    }
    remember(d, arena, memory, ret);
    if (ret->validity == BF_VALIDITY_IS_VALID)
        bf__put_cadence(view, d, arena, judge->customer, happened_at(o), judge->company);
    return BF_OK;
}

static void write_hints(struct bf_jw *w, struct bf_arena *arena, const struct bf_validity *validity, const struct bf_object *policy)
{
    unsigned least = (unsigned)bf_get_int(policy, BF_POLICY_MIN_UNITS);
    bf_jw_key(w, "hints");
    bf_jw_array(w);
    for (int reason = 0; reason < BF_VERDICT_REASON_WORDS_N; reason++) {
        if ((validity->reasons & 1u << reason) == 0)
            continue;
        bf_jw_object(w);
        bf_jw_key(w, "reason");
        bf_jw_str(w, bf_strz(bf_enum_verdict_reason.words[reason].word));
        bf_jw_key(w, "zh-CN");
        bf_jw_str(w, bf_validity_hint(arena, reason, BF_LANG_ZH, validity->units, least));
        bf_jw_key(w, "en");
        bf_jw_str(w, bf_validity_hint(arena, reason, BF_LANG_EN, validity->units, least));
        bf_jw_end_object(w);
    }
    bf_jw_end_array(w);
}

void bf__write_verdict(struct bf_jw *w, struct bf_arena *arena, const struct bf_caller *caller, const struct bf_doc *verdict,
                       const struct bf_validity *validity, const struct bf_object *policy)
{
    bf_jw_key(w, "verdict");
    bf_jw_doc(w, verdict, bf_shown(caller, BF_SUBJECT_VERDICT));
    write_hints(w, arena, validity, policy);
    bf_jw_key(w, "week");
    bf_jw_object(w);
    bf_jw_key(w, "week");
    bf_jw_str(w, bf_get_str(&verdict->object, BF_VERDICT_WEEK));
    bf_jw_key(w, "valid");
    bf_jw_int(w, bf_get_int(&verdict->object, BF_VERDICT_WEEK_COUNT));
    bf_jw_key(w, "quota");
    bf_jw_int(w, bf_get_int(&verdict->object, BF_VERDICT_WEEK_QUOTA));
    bf_jw_key(w, "missing");
    bf_jw_int(w, bf_week_missing(policy, bf_get_int(&verdict->object, BF_VERDICT_WEEK_COUNT)));
    bf_jw_end_object(w);
}
