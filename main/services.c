/* SPDX-License-Identifier: Apache-2.0 */
#include "main/services.h"
#include "access/access.h"
#include "core/arena.h"
#include "gateway/service.h"
#include "gateway/web.h"
#include "ingest/service.h"
#include "main/health.h"
#include "push/service.h"
#include "storage/jobs.h"
#include <assert.h>

#ifdef BF_WEB
#define WEB &bf_web_service,
#else
#define WEB
#endif

const struct bf_service *const bf_services[] = {&bf_access_service, &bf_gateway_service, &bf_ingest_service, &bf_push_service, WEB &bf_health_service};
const unsigned bf_n_services = sizeof bf_services / sizeof *bf_services;
_Static_assert(sizeof bf_services / sizeof *bf_services <= BF_SERVICES_MAX, "room for every service's handle");

static const struct bf_service *const of_serve[] = {&bf_access_service, &bf_gateway_service, &bf_ingest_service, &bf_push_service, WEB &bf_health_service, NULL};
static const struct bf_service *const of_gateway[] = {&bf_access_service, &bf_gateway_service, WEB &bf_health_service, NULL};
static const struct bf_service *const of_ingest[] = {&bf_access_service, &bf_ingest_service, &bf_health_service, NULL};
static const struct bf_service *const of_push[] = {&bf_access_service, &bf_push_service, &bf_health_service, NULL};
/* Clients ask the gateway about their notifications, too, and mail's links lead there: all that takes is the store. */
static const struct bf_service *const beside_gateway[] = {&bf_push_service, NULL};

const struct bf_daemon bf_daemons[] = {
    {.name = "serve", .works = of_serve},
    {.name = "gateway", .listen_section = "gateway", .works = of_gateway, .answers = beside_gateway},
    {.name = "ingest", .listen_section = "ingest", .works = of_ingest},
    {.name = "push", .listen_section = "push", .works = of_push},
};
const unsigned bf_n_daemons = sizeof bf_daemons / sizeof *bf_daemons;

const struct bf_daemon *bf_daemon_named(const char *name)
{
    for (unsigned i = 0; i < bf_n_daemons; i++)
        if (strcmp(bf_daemons[i].name, name) == 0)
            return &bf_daemons[i];
    return NULL;
}

bool bf_daemon_is_alone(const struct bf_daemon *daemon) { return daemon->works == of_serve; }

static bool is_among(const struct bf_service *service, const struct bf_service *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        if (*list == service)
            return true;
    return false;
}

bool bf_daemon_works(const struct bf_daemon *daemon, const struct bf_service *service) { return is_among(service, daemon->works); }

bool bf_daemon_answers(const struct bf_daemon *daemon, const struct bf_service *service)
{
    return is_among(service, daemon->works) || is_among(service, daemon->answers);
}

bool bf_daemon_decodes(const struct bf_daemon *daemon)
{
    for (const struct bf_service *const *s = daemon->works; *s != NULL; s++)
        if ((*s)->take_zygote != NULL)
            return true;
    return false;
}

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
