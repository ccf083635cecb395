/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "tests/storage/contract/harness.h"

struct database;

unsigned harness_writes(struct harness *h); /* commands that wrote documents so far */
const struct database *harness_database(const struct harness *harness);
/* Another store on the harness's database, as a process of its own would have it; without media. From any thread. */
enum bf_status harness_open_another(struct harness *h, const struct bf_env *env, const struct bf_collection *const *collections, unsigned n,
                                    struct bf_store **ret, struct bf_error *e);
