/* SPDX-License-Identifier: Apache-2.0 */
/* What each binary gives the contract suite: a place for a store that survives being closed. The suite knows nothing else of the driver. */
#pragma once
#include "storage/storage.h"

struct harness;

extern const char harness_name[]; /* for the closing line: "contract-NAME: ..." */
struct harness *harness_create(void);
enum bf_status harness_open(struct harness *h, const struct bf_env *env, const struct bf_store_config *limits,
                            const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e);
void harness_destroy(struct harness **h);
