/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/media/uploads.h"
#include "tests/test.h"

void home_open(struct home *home, const struct bf_env *env)
{
    memset(home, 0, sizeof *home);
    home->pool = bf_pool_create(env, "home", 1, 1000);
    pthread_mutex_init(&home->lock, NULL);
    pthread_cond_init(&home->changed, NULL);
}

void home_close(struct home *home)
{
    bf_pool_destroy(&home->pool);
    pthread_cond_destroy(&home->changed);
    pthread_mutex_destroy(&home->lock);
}

void home_wait(struct home *home)
{
    pthread_mutex_lock(&home->lock);
    while (home->answers < home->expected)
        pthread_cond_wait(&home->changed, &home->lock);
    pthread_mutex_unlock(&home->lock);
}

void home_wait_lost(struct home *home, unsigned n)
{
    pthread_mutex_lock(&home->lock);
    while (home->lost < n)
        pthread_cond_wait(&home->changed, &home->lock);
    pthread_mutex_unlock(&home->lock);
}

static void expect_answer(struct home *home)
{
    pthread_mutex_lock(&home->lock);
    home->expected++;
    pthread_mutex_unlock(&home->lock);
}

static void on_took(void *ctx, size_t n)
{
    struct home *home = ctx;
    pthread_mutex_lock(&home->lock);
    home->taken += n;
    pthread_mutex_unlock(&home->lock);
}

static void answer(struct home *home, enum bf_status status)
{
    home->status = status;
    home->answers++;
    pthread_cond_broadcast(&home->changed);
}

static void on_synced(void *ctx, enum bf_status status, int64_t offset)
{
    struct home *home = ctx;
    pthread_mutex_lock(&home->lock);
    home->offset = offset;
    answer(home, status);
    pthread_mutex_unlock(&home->lock);
}

static void on_finished(void *ctx, enum bf_status status, const uint8_t *sha256)
{
    struct home *home = ctx;
    pthread_mutex_lock(&home->lock);
    memcpy(home->sha256, sha256, 32);
    answer(home, status);
    pthread_mutex_unlock(&home->lock);
}

static void on_lost(void *ctx)
{
    struct home *home = ctx;
    pthread_mutex_lock(&home->lock);
    home->lost++;
    pthread_cond_broadcast(&home->changed);
    pthread_mutex_unlock(&home->lock);
}

enum bf_status upload_open(struct home *home, struct bf_store *store, const struct bf_stage_new *new, struct bf_stage **ret,
                           struct bf_stage_info *ret_info)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_stage_info info;
    enum bf_status status =
        bf_stage_open(store, new->tenant, new->user, new->id, bf_pool_mailbox(home->pool), on_lost, home, arena, &info, ret, NULL);
    if (status == BF_OK) {
        assert_true(bf_str_eq(info.metadata, new->metadata));
        info.metadata = new->metadata;
        if (ret_info != NULL)
            *ret_info = info;
    }
    bf_arena_destroy(&arena);
    return status;
}

enum bf_status upload_append(struct home *home, struct bf_stage *stage, const void *p, size_t n)
{
    return bf_stage_append(stage, p, n, on_took, home);
}

enum bf_status upload_sync(struct home *home, struct bf_stage *stage)
{
    expect_answer(home);
    assert_int_equal(bf_stage_sync(stage, on_synced, home), BF_OK);
    home_wait(home);
    return home->status;
}

enum bf_status upload_check(struct home *home, struct bf_stage *stage, const void *digest, size_t n)
{
    expect_answer(home);
    assert_int_equal(bf_stage_sync_checked(stage, digest, n, on_synced, home), BF_OK);
    home_wait(home);
    return home->status;
}

enum bf_status upload_finish(struct home *home, struct bf_stage *stage)
{
    expect_answer(home);
    assert_int_equal(bf_stage_finish(stage, on_finished, home), BF_OK);
    home_wait(home);
    return home->status;
}

enum bf_status upload_whole(struct home *home, struct bf_store *store, const struct bf_stage_new *new, const void *p, size_t n, uint8_t ret_sha256[32])
{
    struct bf_stage *stage;
    enum bf_status status = bf_stage_create(store, new, NULL);
    if (status != BF_OK || (status = upload_open(home, store, new, &stage, NULL)) != BF_OK)
        return status;
    assert_int_equal(upload_append(home, stage, p, n), BF_OK);
    status = upload_sync(home, stage);
    if (status == BF_OK)
        status = upload_finish(home, stage);
    memcpy(ret_sha256, home->sha256, 32);
    bf_stage_close(&stage);
    return status;
}
