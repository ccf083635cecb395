/* SPDX-License-Identifier: Apache-2.0 */
/* The company's numbers. */
#include "crm/policy.h"
#include "gateway/routes.h"

static void read_policy(struct bf_call *call, void *service)
{
    (void)service;
    struct bf_uuid tenant = call->caller.tenant;
    struct bf_doc *doc;
    struct bf_error e = {0};
    if (bf_store_get(call->store, &bf_policies, tenant, bf_id_policy(tenant), call->arena, &doc, &e) != BF_OK) {
        bf_call_fail(call, &e);
        return;
    }
    if (doc == NULL)
        doc = bf_doc_create(call->arena, &bf_policy_schema, tenant, bf_id_policy(tenant));
    bf_policy_fill(call->arena, &doc->object);
    bf_call_doc(call, BF_SUBJECT_POLICY, doc);
}

const struct bf_endpoint bf__policy_read = {.run = read_policy};
