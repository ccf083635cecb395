/* SPDX-License-Identifier: Apache-2.0 */
#include "access/internal.h"
#include "crm/ids.h"
#include "crm/policy.h"

enum bf_status bf__policy(struct bf_store *store, struct bf_uuid tenant, struct bf_arena *arena, struct bf_object **ret, struct bf_error *e)
{
    struct bf_doc *doc;
    enum bf_status status = bf_store_get(store, &bf_policies, tenant, bf_id_policy(tenant), arena, &doc, e);
    if (status != BF_OK)
        return status;
    if (doc == NULL) {
        *ret = bf_policy_create(arena);
        return BF_OK;
    }
    bf_policy_fill(arena, &doc->object);
    *ret = &doc->object;
    return BF_OK;
}
