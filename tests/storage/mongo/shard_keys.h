/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens to the driver's commands: each on a tenant collection must name the tenant, each on a system collection the bucket; each that reads does so with
 * majority, each that writes waits for majority and journal. Commands come from many threads.
 */
#pragma once
#include "storage/mongo/listen.h"
#include "storage/storage.h"
#include <pthread.h>

enum { SHARD_KEYS_MAX = 64 };

struct shard_keys {
    struct bf__m_tap tap;
    const struct bf_collection *collections[SHARD_KEYS_MAX];
    unsigned n;
    pthread_mutex_t lock;
    char fault[3000]; /* the first one */
    uint64_t heard;
    unsigned writes; /* of them, those that write documents */
};

void shard_keys_init(struct shard_keys *keys);
void shard_keys_finish(struct shard_keys *keys);
/* What bf__driver_mongo takes as the context of open. Several drivers may be open at once, with the same collections. */
void *shard_keys_listen(struct shard_keys *keys, const struct bf_collection *const *collections, unsigned n);
/* NULL, or what is wrong with one command. */
const char *shard_keys_fault(const struct shard_keys *keys, const char *command, const bson_t *body);
