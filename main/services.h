/* SPDX-License-Identifier: Apache-2.0 */
/* The services of this binary, and what they bring, joined: the one list that knows them all. And what each kind of process runs of them. */
#pragma once
#include "core/service.h"
#include <stdbool.h>

struct bf_arena;

enum { BF_SERVICES_MAX = 8 };

/* In the order in which they are opened; access comes first, since the others use it. */
extern const struct bf_service *const bf_services[];
extern const unsigned bf_n_services;

/*
 * A process: `serve` runs all services, the daemons one each, beside access and health. All of them know the collections, the configuration and the
 * commands of all services: they work on one store, by one file.
 */
struct bf_daemon {
    const char *name;                          /* the verb that starts it */
    const char *listen_section;                /* whose `listen` is its address; where that is empty, and NULL: [http]'s */
    const struct bf_service *const *works;     /* in it with all they do; ended by NULL */
    const struct bf_service *const *answers;   /* only their routes: what they do by themselves is done elsewhere. NULL: none */
};

extern const struct bf_daemon bf_daemons[];
extern const unsigned bf_n_daemons;
const struct bf_daemon *bf_daemon_named(const char *name); /* NULL: there is none */
bool bf_daemon_is_alone(const struct bf_daemon *daemon);   /* it does everything, so it may be the only process on its store */
bool bf_daemon_works(const struct bf_daemon *daemon, const struct bf_service *service);
bool bf_daemon_answers(const struct bf_daemon *daemon, const struct bf_service *service); /* or works */
bool bf_daemon_decodes(const struct bf_daemon *daemon);    /* it needs the sandbox processes */

/* Every collection, for bf_store_open; the array lives in `arena`. */
const struct bf_collection **bf_services_collections(struct bf_arena *arena, unsigned *ret_n);
/* The names of every consumer of the log, for bf_follower_name_all; the array lives in `arena`. */
const char *const *bf_services_consumers(struct bf_arena *arena, unsigned *ret_n);
