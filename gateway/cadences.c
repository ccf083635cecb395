/* SPDX-License-Identifier: Apache-2.0 */
#include "crm/cadence.h"
#include "gateway/internal.h"

void bf__cadence_reads(struct bf_uuid tenant, struct bf_uuid customer, struct bf_reads *reads)
{
    bf__reads_add(reads, &bf_cadences, bf_id_cadence(tenant, customer));
}

void bf__put_cadence(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, const struct bf_doc *customer, int64_t from_at,
                     const struct bf_company *company)
{
    const struct bf_doc *before = bf_view_get(view, &bf_cadences, bf_id_cadence(customer->tenant, customer->id));
    struct bf_doc *after = bf_cadence_follow(arena, customer, before, from_at, company->policy, company->zone);
    if (after != NULL)
        bf_decision_put(d, &bf_cadences, after);
}
