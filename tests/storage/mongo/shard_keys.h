/* SPDX-License-Identifier: Apache-2.0 */
/* Listens to the driver's commands: each on a tenant collection must name the tenant, each on a system collection the bucket. */
#pragma once
#include "storage/mongo/listen.h"
#include "storage/storage.h"

struct shard_keys {
    struct bf__m_tap tap;
    const struct bf_collection *const *collections;
    unsigned n;
};

/* What bf__driver_mongo takes as the context of open. The first command at fault is printed, and the program ends. */
void *shard_keys_listen(struct shard_keys *keys, const struct bf_collection *const *collections, unsigned n);
/* NULL, or what is wrong with the command. */
const char *shard_keys_fault(const struct shard_keys *keys, const char *command, const bson_t *body);
