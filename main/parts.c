/* SPDX-License-Identifier: Apache-2.0 */
#include "main/parts.h"
#include "access/access.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/http_client.h"
#include "core/pool.h"
#include "main/store.h"
#include "storage/media.h"

enum { CLIENT_GRACE_MS = 2000 };

static enum bf_status open_helpers(struct bf_parts *p, struct bf_error *e)
{
    struct bf_client_config client;
    const struct bf_config *config = p->ctx.config;
    bf_client_config_read(config, &client);
    enum bf_status status = bf_client_start(p->ctx.env, &client, &p->ctx.client, e);
    if (status != BF_OK)
        return status;
    p->ctx.workers = bf_pool_create(p->ctx.env, "worker", (unsigned)bf_config_int(config, "workers", "threads"),
                                    (unsigned)bf_config_int(config, "workers", "queue"));
    return BF_OK;
}

static enum bf_status open_services(struct bf_parts *p, const struct bf_daemon *daemon, struct bf_error *e)
{
    for (unsigned i = 0; i < bf_n_services; i++) {
        p->all[i] = (struct bf_route_table){.routes = bf_services[i]->routes, .n_routes = bf_services[i]->n_routes};
        if (!bf_daemon_answers(daemon, bf_services[i]))
            continue;
        enum bf_status status = bf_services[i]->open(&p->ctx, &p->services[i], e);
        if (status != BF_OK)
            return status;
        p->all[i].service = p->services[i];
        p->mounted[p->n_mounted++] = p->all[i];
        if (bf_services[i] == &bf_access_service)
            p->ctx.access = p->services[i];
    }
    return BF_OK;
}

enum bf_status bf_parts_open(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, bf_store_broken_fn *broken,
                             void *broken_ctx, struct bf_parts *ret, struct bf_error *e)
{
    *ret = (struct bf_parts){.arena = bf_arena_create()};
    ret->ctx = (struct bf_service_ctx){.env = env, .config = config, .route_tables = ret->all, .n_route_tables = bf_n_services};
    ret->ctx.upload_url = bf_config_str(config, "ingest", "public_url");
    enum bf_status status = bf_main_open_store(env, config, ret->arena, broken, broken_ctx, &ret->ctx.store, e);
    if (status == BF_OK)
        status = open_helpers(ret, e);
    return status == BF_OK ? open_services(ret, daemon, e) : status;
}

void bf_parts_end_services(struct bf_parts *p)
{
    for (unsigned i = bf_n_services; i-- > 0;)
        if (p->services[i] != NULL)
            bf_services[i]->close(&p->services[i]);
    if (p->ctx.client != NULL)
        bf_client_stop(&p->ctx.client, CLIENT_GRACE_MS);
    if (p->ctx.store != NULL)
        bf_stages_drain(p->ctx.store); /* what is under way there ends on the HTTP loops */
}

void bf_parts_close(struct bf_parts *p)
{
    if (p->ctx.store != NULL)
        bf_store_close(&p->ctx.store);
    if (p->ctx.workers != NULL)
        bf_pool_destroy(&p->ctx.workers);
    bf_arena_destroy(&p->arena);
}
