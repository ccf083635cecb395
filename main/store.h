/* SPDX-License-Identifier: Apache-2.0 */
/* The installation's store, opened as the configuration says and with what every service keeps in it. */
#pragma once
#include "storage/storage.h"

struct bf_arena;
struct bf_config;

/* `arena` outlives the store. A master key that was made, as the first start does, is logged with its path (master_key.made).
 * `broken` (NULL: nobody is told) and `ctx` as in bf_store_config. */
enum bf_status bf_main_open_store(const struct bf_env *env, const struct bf_config *config, struct bf_arena *arena, bf_store_broken_fn *broken,
                                  void *ctx, struct bf_store **ret, struct bf_error *e);
