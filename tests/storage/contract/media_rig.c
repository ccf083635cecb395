/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/contract/media_rig.h"
#include <sodium.h>

static void open_store(struct media_suite *s)
{
    struct bf_error e = {0};
    struct bf_store_config limits = {
        .stage_ttl_ms = TTL_MS, .stage_quota_bytes = QUOTA, .unbound_ttl_ms = UNBOUND_TTL_MS, .unbound_quota_bytes = UNBOUND_QUOTA};
    if (harness_open(s->harness, &s->env, &limits, NULL, 0, &s->store, &e) != BF_OK)
        fail_msg("the store does not open: %s", e.cause);
}

int media_set_up(void **state)
{
    struct media_suite *s = calloc(1, sizeof *s);
    assert_non_null(s);
    bf_env_fake(&s->env, 1700000000000, test_seed());
    s->harness = harness_create();
    open_store(s);
    home_open(&s->home, &s->env);
    s->tenant = bf_uuid_v7(&s->env);
    s->user = bf_uuid_v7(&s->env);
    s->dice.state = test_seed();
    s->bytes = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        s->bytes[i] = (uint8_t)(i * 7 + i / 251);
    *state = s;
    return 0;
}

int media_tear_down(void **state)
{
    struct media_suite *s = *state;
    bf_store_close(&s->store);
    harness_destroy(&s->harness);
    home_close(&s->home);
    bf_env_finish(&s->env);
    free(s->bytes);
    free(s);
    return 0;
}

void media_reopen(struct media_suite *s)
{
    bf_store_close(&s->store);
    open_store(s);
}

struct bf_stage_new media_new(struct media_suite *s, int64_t length)
{
    return (struct bf_stage_new){.id = bf_uuid_v7(&s->env), .tenant = s->tenant, .user = s->user, .length = length, .max_bytes = 4 << 20};
}

struct bf_stage *media_begin(struct media_suite *s, const struct bf_stage_new *new)
{
    struct bf_stage *stage;
    assert_int_equal(bf_stage_create(s->store, new, NULL), BF_OK);
    assert_int_equal(upload_open(&s->home, s->store, new, &stage, NULL), BF_OK);
    return stage;
}

enum bf_status media_info(struct media_suite *s, const struct bf_stage_new *new, struct bf_stage_info *ret)
{
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_stage_info(s->store, new->tenant, new->user, new->id, arena, ret, NULL);
    bf_arena_destroy(&arena);
    return status;
}

void media_expect_offset(struct media_suite *s, const struct bf_stage_new *new, int64_t offset)
{
    struct bf_stage_info info;
    assert_int_equal(media_info(s, new, &info), BF_OK);
    assert_int_equal(info.offset, offset);
}

void media_expect_content(struct media_suite *s, struct bf_uuid holder, const uint8_t *p, size_t n)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    uint8_t sha256[32], *back = malloc(n + 1);
    size_t got;
    crypto_hash_sha256(sha256, p, n);
    assert_int_equal(bf_blob_open(s->store, s->tenant, holder, sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(info.size, n);
    assert_int_equal(bf_blob_read(blob, 0, back, n + 1, &got, NULL), BF_OK);
    assert_int_equal(got, n);
    assert_memory_equal(back, p, n);
    bf_blob_close(&blob);
    free(back);
}
