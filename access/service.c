/* SPDX-License-Identifier: Apache-2.0 */
#include "access/internal.h"
#include "core/config.h"
#include "core/env.h"
#include "core/pool.h"
#include <stdlib.h>

enum { THROTTLE_ENTRIES = 16384, PASSWORD_QUEUE = 64, CALLERS = 8192, MINUTE_MS = 60000 };
static const int64_t day_ms = 24 * 60 * (int64_t)MINUTE_MS;

static const struct bf_config_row rows[] = {
    {.section = "access", .key = "argon2_ops", .type = BF_CF_INT, .def = "3", .min = 1, .max = 20, .unit = "passes", .prose = "cost of password hashing"},
    {.section = "access", .key = "argon2_memory", .type = BF_CF_INT, .def = "67108864", .min = 8192, .max = 1 << 30, .unit = "bytes",
     .prose = "memory of password hashing"},
    {.section = "access", .key = "access_token", .type = BF_CF_INT, .def = "10", .min = 1, .max = 60, .unit = "minutes",
     .prose = "life of an access token"},
    {.section = "access", .key = "session_life", .type = BF_CF_INT, .def = "180", .min = 1, .max = 3650, .unit = "days",
     .prose = "a session ends at the latest"},
    {.section = "access", .key = "tries_account", .type = BF_CF_INT, .def = "6", .min = 1, .max = 10000, .unit = "a minute",
     .prose = "sign-ins tried for one account"},
    {.section = "access", .key = "tries_address", .type = BF_CF_INT, .def = "60", .min = 1, .max = 100000, .unit = "a minute",
     .prose = "sign-ins tried from one address"},
};

/* Sessions are outside the log: n = 0 tells of them. */
static void woken(void *ctx, struct bf_uuid tenant, int64_t n)
{
    const struct bf_access *access = ctx;
    if (n == 0)
        bf_caller_cache_forget(access->callers, tenant);
}

static void close_access(void **service)
{
    struct bf_access *access = *service;
    if (access == NULL)
        return;
    bf_log_unwatch(access->store, access);
    bf_pool_destroy(&access->password_thread);
    bf__views_close(&access->views);
    bf_throttle_destroy(&access->by_account);
    bf_throttle_destroy(&access->by_address);
    bf_passwords_destroy(&access->passwords);
    bf_caller_cache_destroy(&access->callers);
    bf_key_wipe(&access->cursor_key);
    free(access);
    *service = NULL;
}

static enum bf_status open_access(const struct bf_service_ctx *ctx, void **ret, struct bf_error *e)
{
    const struct bf_config *config = ctx->config;
    struct bf_access *access = calloc(1, sizeof *access);
    if (access == NULL)
        abort();
    access->api.access = access;
    access->env = ctx->env;
    access->store = ctx->store;
    access->upload_url = ctx->upload_url;
    access->argon2_ops = (uint64_t)bf_config_int(config, "access", "argon2_ops");
    access->argon2_memory = (size_t)bf_config_int(config, "access", "argon2_memory");
    access->access_ms = bf_config_int(config, "access", "access_token") * MINUTE_MS;
    access->session_ms = bf_config_int(config, "access", "session_life") * day_ms;
    unsigned account = (unsigned)bf_config_int(config, "access", "tries_account");
    unsigned address = (unsigned)bf_config_int(config, "access", "tries_address");
    access->by_account = bf_throttle_create(THROTTLE_ENTRIES, account, account);
    access->by_address = bf_throttle_create(THROTTLE_ENTRIES, address, address);
    access->passwords = bf_passwords_create();
    access->callers = bf_caller_cache_create(ctx->store, CALLERS);
    access->password_thread = bf_pool_create(ctx->env, "password", 1, PASSWORD_QUEUE);
    access->views = bf__views_open(ctx->env, ctx->store);
    bf_store_derive_key(ctx->store, "cursor", &access->cursor_key);
    bf_log_watch(ctx->store, woken, access);
    enum bf_status status = bf_password_hash(BF_STR("no such account"), access->argon2_ops, access->argon2_memory, access->decoy, e);
    *ret = access;
    if (status != BF_OK)
        close_access(ret);
    return status;
}

const struct bf_service bf_access_service = {
    .name = "access",
    .config = rows,
    .n_config = sizeof rows / sizeof *rows,
    .collections = bf_collections,
    .n_collections = BF_COLLECTIONS,
    .routes = bf__access_routes,
    .n_routes = BF__ACCESS_ROUTES,
    .commands = bf__admin_commands,
    .n_commands = BF__ADMIN_COMMANDS,
    .open = open_access,
    .close = close_access,
};
