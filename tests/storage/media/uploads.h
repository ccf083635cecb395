/* SPDX-License-Identifier: Apache-2.0 */
/* A home for the callbacks of uploads, and uploads step by step as a test tells them. */
#pragma once
#include "core/arena.h"
#include "core/pool.h"
#include "storage/media.h"
#include <pthread.h>

struct home {
    struct bf_pool *pool;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned answers, expected, lost;
    size_t taken;
    enum bf_status status;
    int64_t offset;
    uint8_t sha256[32];
};

void home_open(struct home *home, const struct bf_env *env);
void home_close(struct home *home);
void home_wait(struct home *home); /* for every answer asked for so far */
void home_wait_lost(struct home *home, unsigned n);

enum bf_status upload_open(struct home *home, struct bf_store *store, const struct bf_stage_new *new, struct bf_stage **ret,
                           struct bf_stage_info *ret_info);
enum bf_status upload_append(struct home *home, struct bf_stage *stage, const void *p, size_t n);
enum bf_status upload_sync(struct home *home, struct bf_stage *stage); /* and waits; home->offset */
enum bf_status upload_check(struct home *home, struct bf_stage *stage, const void *digest, size_t n);
enum bf_status upload_finish(struct home *home, struct bf_stage *stage); /* home->sha256 */
/* Creates, sends and finishes. */
enum bf_status upload_whole(struct home *home, struct bf_store *store, const struct bf_stage_new *new, const void *p, size_t n, uint8_t ret_sha256[32]);
