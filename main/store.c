/* SPDX-License-Identifier: Apache-2.0 */
#include "main/store.h"
#include "core/log.h"
#include "main/config.h"
#include "main/services.h"
#include <errno.h>
#include <unistd.h>

enum bf_status bf_main_open_store(const struct bf_env *env, const struct bf_config *config, struct bf_arena *arena, bf_store_broken_fn *broken,
                                  void *ctx, struct bf_store **ret, struct bf_error *e)
{
    struct bf_store_config store;
    unsigned n;
    const struct bf_collection **all = bf_services_collections(arena, &n);
    bf_main_store_config(config, arena, &store);
    store.broken = broken;
    store.broken_ctx = ctx;
    const char *key = store.master_key_file.p;
    bool had_key = access(key, F_OK) == 0 || errno != ENOENT;
    enum bf_status status = bf_store_open(env, &store, all, n, ret, e);
    if (status == BF_OK && !had_key)
        bf_log(env, BF_LOG_WARN, "master_key.made", "what is stored here can be read only with this key: keep a copy elsewhere",
               BF_L_STR("path", key), BF_L_END);
    return status;
}
