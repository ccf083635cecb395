/* SPDX-License-Identifier: Apache-2.0 */
/* What was not told in time, because the server or a push service was away, does not ring in the night for that (G-12). */
#include "crm/ids.h"
#include "crm/policy.h"
#include "crm/quiet.h"
#include "push/internal.h"

/* What falls due as the quiet hours begin still rings, though it takes a moment. */
enum { LATE_MS = 5 * 60 * 1000 };

/* By the person's own clock, as it was planned by. */
static struct bf_str zone_of(const struct bf_doc *user, const struct bf_doc *tenant)
{
    if (user != NULL && bf_get_str(&user->object, BF_USER_TZ).n > 0)
        return bf_get_str(&user->object, BF_USER_TZ);
    return tenant != NULL && bf_has(&tenant->object, BF_TENANT_TZ) ? bf_get_str(&tenant->object, BF_TENANT_TZ) : BF_STR("Asia/Shanghai");
}

enum bf_status bf__rings_at(struct bf_push *push, const struct bf__due *due, int64_t now_ms, struct bf_arena *arena, int64_t *ret,
                            struct bf_error *e)
{
    struct bf_store *store = push->ctx->store;
    struct bf_doc *tenant, *user, *policy;
    *ret = now_ms;
    if (due->wake || now_ms - due->send_at <= LATE_MS)
        return BF_OK;
    enum bf_status status = bf_store_get(store, &bf_tenants, due->tenant, due->tenant, arena, &tenant, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_users, due->tenant, due->user, arena, &user, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_policies, due->tenant, bf_id_policy(due->tenant), arena, &policy, e);
    if (status != BF_OK)
        return status;
    struct bf_object *numbers = policy == NULL ? bf_policy_create(arena) : &policy->object;
    bf_policy_fill(arena, numbers);
    *ret = bf_quiet_send_at(numbers, zone_of(user, tenant), due->send_at, now_ms, due->wake);
    return BF_OK;
}
