/* SPDX-License-Identifier: Apache-2.0 */
/* The judgement of a record inside a decision: when it is logged, and once more when its transcript was confirmed. Not for other modules. */
#pragma once
#include "crm/verdict.h"
#include "gateway/internal.h"

struct bf_judge {
    const struct bf_doc *visit; /* completed */
    const struct bf_doc *customer;
    const struct bf_company *company;
    const struct bf_week *week; /* whose counter stands in the read set */
    const struct bf_str *confirmed; /* confirmed transcripts */
    unsigned n_confirmed;
    int64_t now_ms;
};

/* What a judgement looks at and writes: the verdict, the week's counter, the rep's last text on the customer. */
void bf__judge_reads(struct bf_reads *reads, struct bf_uuid tenant, struct bf_uuid visit, bool from_transcript, struct bf_uuid rep,
                     struct bf_uuid customer, const struct bf_week *week);
/* The week that the record counts in follows from its clocks and the company's numbers; before the decision it tells the counter of the read
 * set, and in it whether that is still the one. False when the zone is not known. */
bool bf__judge_week(const struct bf_company *company, const struct bf_clocks *clocks, struct bf_timeliness *ret_timeliness, struct bf_week *ret);
/* Judges by crm/'s rules and puts verdict, counter and memory. BF_E_UNAVAILABLE when the company's numbers changed since the week was told, and
 * the record counts in another: asked again, it is judged. */
enum bf_status bf__judge_visit(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_judge *judge,
                               struct bf_validity *ret, struct bf_doc **ret_verdict, struct bf_error *e);
/* "verdict", "hints" and "week" of a receipt. */
void bf__write_verdict(struct bf_jw *w, struct bf_arena *arena, const struct bf_caller *caller, const struct bf_doc *verdict,
                       const struct bf_validity *validity, const struct bf_object *policy);
