/* SPDX-License-Identifier: Apache-2.0 */
/* The store that is killed, seen by its writer and by who looks afterwards. */
#pragma once
#include "core/env.h"
#include "storage/commit.h"

enum { CRASH_IN_FLIGHT = 8 };

/* One item per create, and a counter that gives each its number: without a gap and without a double, whatever crashes. */
enum crash_row { C_NUMBER, C_REQUEST, C_ROWS };
extern const struct bf_collection crash_items, crash_counters;
extern const struct bf_collection *const crash_collections[2];
extern const struct bf_uuid crash_tenant, crash_counter;

struct bf_uuid crash_item(uint64_t request);
/* The create of a request: `ctx` points to its number. */
enum bf_status crash_decide(const struct bf_view *view, struct bf_decision *d, struct bf_arena *arena, void *ctx, struct bf_error *e);
/* What all submissions share; `reads` has room for two. */
struct bf_submission crash_submission(uint64_t request, struct bf_read *reads);
enum bf_status crash_open(const struct bf_env *env, const char *dir, struct bf_store **ret, struct bf_error *e);
