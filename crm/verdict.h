/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict document: made once per judgement, with the policy's version and the inputs, and never again (G-21). Pure. Any thread. */
#pragma once
#include "crm/timeliness.h"
#include "crm/validity.h"
#include "crm/week.h"

struct bf_verdict_input {
    const struct bf_object *policy; /* full */
    const struct bf_doc *visit;     /* completed (crm/visit.h) */
    const struct bf_validity *validity;
    const struct bf_timeliness *timeliness;
    const struct bf_week *week;
    int64_t week_count_before; /* the counter of that week before this record (crm/ids.h) */
    int64_t judged_at;
};

/* The record's share in the week's counter: 1 when it counts (FUP-15), else 0. week_count in the document is with this one. */
int64_t bf_verdict_counted(const struct bf_validity *validity);

/* The document, its id derived from the visit's (crm/ids.h). */
struct bf_doc *bf_verdict_create(struct bf_arena *arena, const struct bf_verdict_input *in);
