/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/cadence.h"
#include "core/tz.h"
#include "crm/entities.h"
#include "crm/ids.h"

int64_t bf_cadence_days(const struct bf_object *policy, int grade)
{
    switch (grade) {
    case BF_GRADE_IS_A:
        return bf_get_int(policy, BF_POLICY_CADENCE_DAYS_A);
    case BF_GRADE_IS_B:
        return bf_get_int(policy, BF_POLICY_CADENCE_DAYS_B);
    case BF_GRADE_IS_C:
        return bf_get_int(policy, BF_POLICY_CADENCE_DAYS_C);
    default:
        return 0;
    }
}

/* The end of the day that is so many days after that of `from_at`. */
static bool end_of_day(struct bf_str zone, int64_t from_at, int64_t days, int64_t *ret)
{
    struct bf_civil day;
    if (!bf_tz_civil(zone, from_at, &day))
        return false;
    day.hour = day.minute = day.second = 0;
    bf_civil_add_days(&day, (int)days + 1);
    return bf_tz_instant(zone, &day, ret);
}

struct bf_doc *bf_cadence_follow(struct bf_arena *arena, const struct bf_doc *customer, const struct bf_doc *before, int64_t from_at,
                                 const struct bf_object *policy, struct bf_str zone)
{
    const struct bf_object *c = &customer->object;
    struct bf_doc *doc = before != NULL ? bf_doc_copy(arena, before)
                                        : bf_doc_create(arena, &bf_cadence_schema, customer->tenant, bf_id_cadence(customer->tenant, customer->id));
    struct bf_object *o = &doc->object;
    int64_t was = bf_get_int(o, BF_CADENCE_FROM_AT), from = from_at > was ? from_at : was, days = bf_cadence_days(policy, bf_get_enum(c, BF_CUSTOMER_GRADE)), due_at;
    bf_set_uuid(o, BF_CADENCE_CUSTOMER, customer->id);
    bf_set_uuid(o, BF_CADENCE_OWNER, bf_get_uuid(c, BF_CUSTOMER_OWNER));
    bf_set_uuid(o, BF_CADENCE_TEAM, bf_get_uuid(c, BF_CUSTOMER_TEAM));
    bf_set_int(o, BF_CADENCE_FROM_AT, from);
    if (days > 0 && end_of_day(zone, from, days, &due_at))
        bf_set_int(o, BF_CADENCE_DUE_AT, due_at);
    else
        bf_unset(o, BF_CADENCE_DUE_AT);
    return before != NULL && bf_object_eq(&before->object, o) ? NULL : doc;
}
