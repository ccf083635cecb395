/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is made of below its HTTP server: the store, the helpers that services share, and its services. For the server, and for commands of
 * administration that run without one. */
#pragma once
#include "core/http_server.h"
#include "main/services.h"
#include "storage/storage.h"

struct bf_parts {
    struct bf_service_ctx ctx;
    void *services[BF_SERVICES_MAX]; /* in the order of bf_services; NULL: not in this process */
    struct bf_route_table all[BF_SERVICES_MAX], mounted[BF_SERVICES_MAX];
    unsigned n_mounted;
    struct bf_arena *arena;
};

/* Opens what is in `daemon`. `broken` and `broken_ctx` as in bf_store_config. On failure what was opened is for the two calls below to close, too. */
enum bf_status bf_parts_open(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, bf_store_broken_fn *broken,
                             void *broken_ctx, struct bf_parts *ret, struct bf_error *e);
/* Closes the services, then ends calls to others and what is under way in uploads. */
void bf_parts_end_services(struct bf_parts *parts);
/* The rest, when nobody uses the store any more. */
void bf_parts_close(struct bf_parts *parts);
