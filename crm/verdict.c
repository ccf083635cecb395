/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/verdict.h"
#include "core/arena.h"
#include "crm/entities.h"
#include "crm/ids.h"

int64_t bf_verdict_counted(const struct bf_validity *validity) { return validity->counts ? 1 : 0; }

static void set_reasons(struct bf_arena *arena, struct bf_object *o, unsigned reasons)
{
    struct bf_value *items = bf_arena_calloc(arena, BF_VERDICT_REASON_WORDS_N, sizeof *items);
    unsigned n = 0;
    for (int word = 0; word < BF_VERDICT_REASON_WORDS_N; word++)
        if (reasons & 1u << word)
            items[n++] = (struct bf_value){.type = BF_T_ENUM, .i = word};
    bf_set_array(o, BF_VERDICT_REASONS, items, n);
}

struct bf_doc *bf_verdict_create(struct bf_arena *arena, const struct bf_verdict_input *in)
{
    const struct bf_object *visit = &in->visit->object;
    struct bf_uuid id = bf_id_verdict(in->visit->tenant, in->visit->id, in->validity->from_transcript);
    struct bf_doc *doc = bf_doc_create(arena, &bf_verdict_schema, in->visit->tenant, id);
    struct bf_object *o = &doc->object;
    bf_set_uuid(o, BF_VERDICT_VISIT, in->visit->id);
    bf_set_uuid(o, BF_VERDICT_CUSTOMER, bf_get_uuid(visit, BF_VISIT_CUSTOMER));
    bf_set_uuid(o, BF_VERDICT_OWNER, bf_get_uuid(visit, BF_VISIT_OWNER));
    bf_set_uuid(o, BF_VERDICT_TEAM, bf_get_uuid(visit, BF_VISIT_TEAM));
    bf_set_enum(o, BF_VERDICT_VALIDITY, in->validity->validity);
    set_reasons(arena, o, in->validity->reasons);
    bf_set_bool(o, BF_VERDICT_TIMELY, in->timeliness->timely);
    bf_set_enum(o, BF_VERDICT_TIMELY_BY, in->timeliness->by);
    bf_set_int(o, BF_VERDICT_UNITS, in->validity->units);
    bf_set_int(o, BF_VERDICT_POLICY_VERSION, bf_get_int(in->policy, BF_POLICY_VERSION));
    bf_set_bool(o, BF_VERDICT_FROM_TRANSCRIPT, in->validity->from_transcript);
    bf_set_str(o, BF_VERDICT_WEEK, bf_strz(bf_arena_strdup(arena, in->week->text)));
    bf_set_int(o, BF_VERDICT_WEEK_COUNT, in->week_count_before + bf_verdict_counted(in->validity));
    bf_set_int(o, BF_VERDICT_WEEK_QUOTA, bf_get_int(in->policy, BF_POLICY_WEEK_QUOTA));
    bf_set_int(o, BF_VERDICT_JUDGED_AT, in->judged_at);
    return doc;
}
