/* SPDX-License-Identifier: Apache-2.0 */
#include "main/services.h"
#include "access/access.h"
#include "core/arena.h"
#include "gateway/service.h"
#include "gateway/web.h"
#include "ingest/service.h"
#include "push/service.h"
#include "storage/jobs.h"
#include <assert.h>

const struct bf_service *const bf_services[] = {
    &bf_access_service, &bf_gateway_service, &bf_ingest_service, &bf_push_service,
#ifdef BF_WEB
    &bf_web_service,
#endif
};
const unsigned bf_n_services = sizeof bf_services / sizeof *bf_services;
_Static_assert(sizeof bf_services / sizeof *bf_services <= BF_SERVICES_MAX, "room for every service's handle");

const struct bf_collection **bf_services_collections(struct bf_arena *arena, unsigned *ret_n)
{
    unsigned n = 0, at = 0;
    for (unsigned i = 0; i < bf_n_services; i++)
        n += bf_services[i]->n_collections;
    const struct bf_collection **all = bf_arena_calloc(arena, n, sizeof *all);
    for (unsigned i = 0; i < bf_n_services; i++)
        for (unsigned k = 0; k < bf_services[i]->n_collections; k++)
            all[at++] = bf_services[i]->collections[k];
    *ret_n = at;
    return all;
}

const char *const *bf_services_consumers(struct bf_arena *arena, unsigned *ret_n)
{
    const char **all = bf_arena_calloc(arena, BF_CONSUMERS_MAX, sizeof *all);
    unsigned n = 0;
    for (unsigned i = 0; i < bf_n_services; i++)
        for (const char *const *name = bf_services[i]->consumer_names; name != NULL && *name != NULL; name++) {
            assert(n < BF_CONSUMERS_MAX);
            all[n++] = *name;
        }
    *ret_n = n;
    return all;
}
