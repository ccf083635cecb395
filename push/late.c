/* SPDX-License-Identifier: Apache-2.0 */
/* What was not told in time, because the server or a push service was away, does not ring in the night for that (G-12); nor what was
 * planned by another zone or other hours than are the person's now. */
#include "core/arena.h"
#include "crm/ids.h"
#include "crm/policy.h"
#include "crm/quiet.h"
#include "push/internal.h"

/* What falls due as the quiet hours begin still rings, though it takes a moment. */
enum { LATE_MS = 5 * 60 * 1000 };

/* By the person's own clock, as it is now. */
static struct bf_str zone_of(const struct bf_doc *user, const struct bf_doc *tenant)
{
    if (user != NULL && bf_get_str(&user->object, BF_USER_TZ).n > 0)
        return bf_get_str(&user->object, BF_USER_TZ);
    return tenant != NULL && bf_has(&tenant->object, BF_TENANT_TZ) ? bf_get_str(&tenant->object, BF_TENANT_TZ) : BF_STR("Asia/Shanghai");
}

struct bf__night {
    struct bf_uuid tenant, user;
    struct bf_object *policy;
    struct bf_str zone;
    struct bf__night *next;
};

static enum bf_status read_night(struct bf_push *push, const struct bf__due *due, struct bf_arena *arena, struct bf__night *ret,
                                 struct bf_error *e)
{
    struct bf_store *store = push->ctx->store;
    struct bf_doc *tenant, *user, *policy;
    enum bf_status status = bf_store_get(store, &bf_tenants, due->tenant, due->tenant, arena, &tenant, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_users, due->tenant, due->user, arena, &user, e);
    if (status == BF_OK)
        status = bf_store_get(store, &bf_policies, due->tenant, bf_id_policy(due->tenant), arena, &policy, e);
    if (status != BF_OK)
        return status;
    *ret = (struct bf__night){.tenant = due->tenant,
                              .user = due->user,
                              .policy = policy == NULL ? bf_policy_create(arena) : &policy->object,
                              .zone = zone_of(user, tenant)};
    bf_policy_fill(arena, ret->policy);
    return BF_OK;
}

static enum bf_status find_night(struct bf_push *push, const struct bf__due *due, struct bf__nights *nights, struct bf_arena *arena,
                                 const struct bf__night **ret, struct bf_error *e)
{
    struct bf__night *night = nights->first;
    while (night != NULL && !(bf_uuid_eq(&night->user, &due->user) && bf_uuid_eq(&night->tenant, &due->tenant)))
        night = night->next;
    *ret = night;
    if (night != NULL)
        return BF_OK;
    night = bf_arena_calloc(arena, 1, sizeof *night);
    enum bf_status status = read_night(push, due, arena, night, e);
    if (status != BF_OK)
        return status;
    night->next = nights->first;
    *ret = nights->first = night;
    return BF_OK;
}

enum bf_status bf__rings_at(struct bf_push *push, const struct bf__due *due, int64_t now_ms, struct bf__nights *nights, struct bf_arena *arena,
                            int64_t *ret, struct bf_error *e)
{
    const struct bf__night *night;
    *ret = now_ms;
    if (due->wake)
        return BF_OK;
    enum bf_status status = find_night(push, due, nights, arena, &night, e);
    if (status != BF_OK)
        return status;
    if (now_ms - due->send_at > LATE_MS || bf_quiet_contains(night->policy, night->zone, due->send_at))
        *ret = bf_quiet_send_at(night->policy, night->zone, due->send_at, now_ms, due->wake);
    return BF_OK;
}

enum bf_status bf__is_over(struct bf_push *push, const struct bf__due *due, int64_t now_ms, struct bf__nights *nights, struct bf_arena *arena,
                           bool *ret, struct bf_error *e)
{
    const struct bf__night *night;
    int64_t ends_at = due->send_at + push->grace_ms;
    *ret = now_ms > ends_at;
    if (!*ret || due->wake)
        return BF_OK;
    enum bf_status status = find_night(push, due, nights, arena, &night, e);
    if (status == BF_OK && bf_quiet_contains(night->policy, night->zone, ends_at))
        *ret = now_ms > bf_quiet_send_at(night->policy, night->zone, ends_at, ends_at, due->wake) + push->grace_ms;
    return status;
}
