/* SPDX-License-Identifier: Apache-2.0 */
/* The services of this binary, and what they bring, joined: the one list that knows them all. */
#pragma once
#include "core/service.h"

struct bf_arena;

enum { BF_SERVICES_MAX = 8 };

/* In the order in which they are opened; access comes first, since the others use it. */
extern const struct bf_service *const bf_services[];
extern const unsigned bf_n_services;

/* Every collection, for bf_store_open; the array lives in `arena`. */
const struct bf_collection **bf_services_collections(struct bf_arena *arena, unsigned *ret_n);
/* The names of every consumer of the log, for bf_follower_name_all; the array lives in `arena`. */
const char *const *bf_services_consumers(struct bf_arena *arena, unsigned *ret_n);
