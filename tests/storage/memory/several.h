/* SPDX-License-Identifier: Apache-2.0 */
/* Several stores on one memory, as several processes share a database; and a collection of counters. */
#pragma once
#include "core/arena.h"
#include "core/env.h"
#include "storage/internal.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>

enum { SEVERAL_MAX = 8 };

struct several {
    struct bf_env env;
    struct memory *memory;
    struct bf_store *stores[SEVERAL_MAX];
    struct bf_arena *arena;
    char dir[PATH_MAX];
};

extern const struct bf_collection several_counters;
enum { COUNTER_VALUE };

/* All of one driver: the plain one apart, or one made of it. */
struct several *several_create(unsigned n, const struct bf_driver_vtable *vt);
void several_destroy(struct several **several);
/* One more store on the same memory, in place `at`. */
void several_open(struct several *several, unsigned at, const struct bf_driver_vtable *vt);

/* Adds one to the counter by a decision, through this store; the new value is the receipt. */
enum bf_status several_count(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid counter, unsigned request, struct bf_arena *arena,
                             struct bf_receipt *ret);
struct bf_doc *several_get(struct several *s, unsigned at, const struct bf_collection *coll, struct bf_uuid tenant, struct bf_uuid id);
/* Waits until it is true, looking often; fails after a minute. */
#define SEVERAL_UNTIL(condition)                                                                                                           \
    for (unsigned looks_ = 0; !(condition);)                                                                                               \
    several_look_again(&looks_)
void several_look_again(unsigned *looks);
