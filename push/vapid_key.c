/* SPDX-License-Identifier: Apache-2.0 */
/* A Web Push key that was lost, as after a restore without it: the store still holds what phones subscribed to under the old one, and
 * nothing reaches them until they subscribe anew. That is said once, loudly, when the new key is made. */
#include "core/log.h"
#include "push/internal.h"
#include <errno.h>
#include <unistd.h>

bool bf__vapid_key_is_missing(const char *key_file) { return access(key_file, F_OK) < 0 && errno == ENOENT; }

static enum bf_status find_subscribed(struct bf_store *store, struct bf_uuid tenant, bool *ret, struct bf_error *e)
{
    struct bf_query query = {.coll = &bf_devices, .tenant = tenant, .limit = BF_PAGE_MAX};
    struct bf_arena *arena = bf_arena_create(), *cursor = bf_arena_create();
    enum bf_status status;
    do {
        struct bf_page page;
        bf_arena_reset(arena);
        status = bf_store_find(store, &query, arena, &page, e);
        for (unsigned i = 0; status == BF_OK && i < page.n; i++)
            *ret = *ret || bf_get_enum(&page.docs[i]->object, BF_DEVICE_PUSH) == BF_PUSH_STATE_IS_ACTIVE;
        bf_arena_reset(cursor);
        query.after = status == BF_OK ? bf_str_dup(cursor, page.next) : bf_str(NULL, 0);
    } while (status == BF_OK && !*ret && query.after.n > 0);
    bf_arena_destroy(&arena);
    bf_arena_destroy(&cursor);
    return status;
}

enum bf_status bf__vapid_key_made(const struct bf_service_ctx *ctx, const char *key_file, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    bool any = false;
    enum bf_status status = bf_log_tenants(ctx->store, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n && status == BF_OK && !any; i++)
        status = find_subscribed(ctx->store, tenants[i], &any, e);
    bf_arena_destroy(&arena);
    if (status == BF_OK && any)
        bf_log(
            ctx->env, BF_LOG_ERROR, "push.key_made_anew",
            "the Web Push key was missing: phones that subscribed under it get nothing until it is put back, or until they subscribe anew",
            BF_L_STR("path", key_file), BF_L_END);
    return status;
}
