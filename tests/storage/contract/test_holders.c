/* SPDX-License-Identifier: Apache-2.0 */
/* Whose uploads and blobs are, how many there may be, and how long they stay: the contract of storage/media.h. */
#include "tests/storage/contract/media_rig.h"
#include <sodium.h>

/* ---- whose, how many, how long ---- */

static void an_upload_of_somebody_else_is_not_there(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, 100), other;
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_E_EXISTS);
    for (unsigned i = 0; i < 3; i++) {
        other = new;
        *(i == 0 ? &other.id : i == 1 ? &other.user : &other.tenant) = bf_uuid_v7(&s->env);
        assert_int_equal(media_info(s, &other, &info), BF_E_NOT_FOUND);
        assert_int_equal(upload_open(&s->home, s->store, &other, &stage, &info), BF_E_NOT_FOUND);
        assert_int_equal(bf_stage_delete(s->store, other.tenant, other.user, other.id, NULL), BF_E_NOT_FOUND);
    }
    assert_int_equal(media_info(s, &new, &info), BF_OK);
}

static void the_quota_counts_what_the_uploads_of_a_user_may_become(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new first = media_new(s, 4 << 20), second = media_new(s, -1), third = media_new(s, 1), other = media_new(s, 1);
    uint8_t sha256[32];
    assert_int_equal(bf_stage_create(s->store, &first, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &second, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &third, NULL), BF_E_QUOTA);
    other.user = bf_uuid_v7(&s->env);
    assert_int_equal(bf_stage_create(s->store, &other, NULL), BF_OK);
    media_reopen(s);
    assert_int_equal(bf_stage_create(s->store, &third, NULL), BF_E_QUOTA);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, second.id, NULL), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &third, s->bytes, 1, sha256), BF_OK);
    second = media_new(s, 4 << 20); /* a finished one is not under way any more */
    assert_int_equal(bf_stage_create(s->store, &second, NULL), BF_OK);
}

/* Finished uploads of BYTES each until there is no room for one more; returns how many, and the last one's hash. */
static unsigned fill_up(struct media_suite *s, uint8_t ret_sha256[32])
{
    for (unsigned n = 0;; n++) {
        struct bf_stage_new new = media_new(s, BYTES);
        memcpy(s->bytes, &new.id, sizeof new.id); /* other bytes each time */
        enum bf_status status = upload_whole(&s->home, s->store, &new, s->bytes, BYTES, ret_sha256);
        if (status != BF_OK) {
            assert_int_equal(status, BF_E_QUOTA);
            return n;
        }
    }
}

static void finished_uploads_count_until_their_bytes_are_a_records(void **state)
{
    struct media_suite *s = *state;
    struct bf_uuid customer = bf_uuid_v7(&s->env);
    uint8_t sha256[32];
    assert_int_equal(fill_up(s, sha256), UNBOUND_QUOTA / BYTES);
    for (unsigned round = 0; round < 2; round++) {
        assert_int_equal(bf_blob_bind(s->store, s->tenant, s->user, customer, sha256, NULL), BF_OK);
        assert_int_equal(bf_blob_release(s->store, s->tenant, s->user, sha256, NULL), BF_OK);
        if (round == 1)
            media_reopen(s);
        assert_int_equal(fill_up(s, sha256), 1);
        media_reopen(s);
        assert_int_equal(fill_up(s, sha256), 0);
    }
    struct bf_stage_new other = media_new(s, BYTES);
    other.user = bf_uuid_v7(&s->env);
    assert_int_equal(upload_whole(&s->home, s->store, &other, s->bytes, BYTES, sha256), BF_OK);
}

static void uploads_made_of_parts_count_as_well(void **state)
{
    struct media_suite *s = *state;
    struct bf_uuid list[BF_STAGE_PARTS_MAX];
    struct bf_stage_new part = media_new(s, BYTES), whole = media_new(s, -1), small = media_new(s, 1);
    uint8_t sha256[32];
    part.partial = true;
    assert_int_equal(upload_whole(&s->home, s->store, &part, s->bytes, BYTES, sha256), BF_OK);
    for (unsigned i = 0; i < BF_STAGE_PARTS_MAX; i++)
        list[i] = part.id;
    whole.max_bytes = INT64_C(1) << 40;
    assert_int_equal(bf_stage_concat(s->store, &whole, list, QUOTA / BYTES + 1, sha256, NULL), BF_E_QUOTA);
    whole.id = bf_uuid_v7(&s->env);
    assert_int_equal(bf_stage_concat(s->store, &whole, list, QUOTA / BYTES, sha256, NULL), BF_OK);
    whole.id = bf_uuid_v7(&s->env);
    assert_int_equal(bf_stage_concat(s->store, &whole, list, QUOTA / BYTES, sha256, NULL), BF_E_QUOTA);
    assert_int_equal(bf_stage_create(s->store, &small, NULL), BF_OK);
}

static unsigned expire(struct media_suite *s)
{
    unsigned n;
    assert_int_equal(bf_stage_expire(s->store, bf_now_ms(&s->env), &n, NULL), BF_OK);
    return n;
}

static void append_some(struct media_suite *s, const struct bf_stage_new *new, size_t n)
{
    struct bf_stage *stage;
    assert_int_equal(upload_open(&s->home, s->store, new, &stage, NULL), BF_OK);
    upload_append(&s->home, stage, s->bytes, n);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
}

static void an_upload_that_nobody_touched_expires(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new idle = media_new(s, 100), busy = media_new(s, 100);
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &idle, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &busy, NULL), BF_OK);
    append_some(s, &idle, 10);
    append_some(s, &busy, 10);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    append_some(s, &busy, 40);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    assert_int_equal(media_info(s, &idle, &info), BF_E_GONE);
    assert_int_equal(upload_open(&s->home, s->store, &idle, &stage, NULL), BF_E_GONE);
    media_reopen(s);
    assert_int_equal(expire(s), 1);
    assert_int_equal(media_info(s, &idle, &info), BF_E_NOT_FOUND);
    media_expect_offset(s, &busy, 50);
    assert_int_equal(expire(s), 0);
}

/* What is told holds after a restart too: a look moves nothing. And while somebody writes, nothing goes. */
static void an_upload_lives_as_long_as_was_told(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, 100);
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
    append_some(s, &new, 10);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    bf_stage_close(&stage);
    media_reopen(s);
    bf_env_fake_advance(&s->env, info.expires_ms - bf_now_ms(&s->env) - 1);
    assert_int_equal(expire(s), 0);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, NULL), BF_OK);
    bf_env_fake_advance(&s->env, TTL_MS);
    assert_int_equal(expire(s), 0);
    upload_append(&s->home, stage, s->bytes, 90);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    bf_env_fake_advance(&s->env, TTL_MS);
    assert_int_equal(expire(s), 1);
}

static void an_upload_without_a_byte_goes_sooner(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new unused = media_new(s, 100), begun = media_new(s, 100);
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &unused, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &begun, NULL), BF_OK);
    assert_int_equal(media_info(s, &unused, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + UNUSED_TTL_MS);
    append_some(s, &begun, 1);
    bf_env_fake_advance(&s->env, UNUSED_TTL_MS);
    media_reopen(s);
    assert_int_equal(expire(s), 1);
    media_expect_offset(s, &begun, 1);
}

/* Bytes that were acknowledged as stored outlive an upload that was given up: the record that names them may come late. */
static void finished_bytes_that_no_record_took_are_kept_longer(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new waiting = media_new(s, 100), bound = media_new(s, 100), part = media_new(s, 100);
    struct bf_uuid customer = bf_uuid_v7(&s->env);
    struct bf_stage_info info;
    struct bf_blob_info blob;
    uint8_t sha256[32], theirs[32];
    part.partial = true;
    assert_int_equal(upload_whole(&s->home, s->store, &bound, s->bytes + 1, 100, theirs), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &part, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &waiting, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(media_info(s, &waiting, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + UNBOUND_TTL_MS);
    assert_int_equal(bf_blob_bind(s->store, s->tenant, s->user, customer, theirs, NULL), BF_OK);
    assert_int_equal(bf_blob_release(s->store, s->tenant, s->user, theirs, NULL), BF_OK);
    assert_int_equal(media_info(s, &bound, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + TTL_MS);
    bf_env_fake_advance(&s->env, TTL_MS);
    media_reopen(s);
    assert_int_equal(expire(s), 2);
    assert_int_equal(media_info(s, &bound, &info), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, customer, theirs, &blob, NULL), BF_OK);
    media_expect_content(s, s->user, s->bytes, 100);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS - TTL_MS - 1);
    assert_int_equal(expire(s), 0);
    bf_env_fake_advance(&s->env, 1);
    assert_int_equal(media_info(s, &waiting, &info), BF_E_GONE);
    assert_int_equal(expire(s), 1);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, s->user, sha256, &blob, NULL), BF_E_NOT_FOUND);
}

static void the_hold_stays_while_another_upload_of_the_same_bytes_stands(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new first = media_new(s, 100), second = media_new(s, 100);
    uint8_t sha256[32];
    assert_int_equal(upload_whole(&s->home, s->store, &first, s->bytes, 100, sha256), BF_OK);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS / 2);
    assert_int_equal(upload_whole(&s->home, s->store, &second, s->bytes, 100, sha256), BF_OK);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS / 2);
    assert_int_equal(expire(s), 1);
    media_expect_content(s, s->user, s->bytes, 100);
}

struct asked {
    enum bf_status status;
    bool needed;
    struct bf_uuid tenant, user;
    uint8_t sha256[32];
    unsigned times;
};

static enum bf_status answer_needed(void *ctx, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct asked *asked = ctx;
    asked->tenant = tenant;
    asked->user = user;
    memcpy(asked->sha256, sha256, 32);
    asked->times++;
    *ret = asked->needed;
    return asked->status == BF_OK ? BF_OK : bf_fail(e, asked->status, "nobody knows");
}

static void the_hold_stays_while_a_record_needs_it_and_the_upload_while_nobody_knows(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new first = media_new(s, 100), second = media_new(s, 100), unfinished = media_new(s, 100);
    struct asked asked = {.status = BF_E_IO};
    struct bf_blob_info blob;
    uint8_t sha256[32];
    bf_stage_set_needed(s->store, answer_needed, &asked);
    assert_int_equal(upload_whole(&s->home, s->store, &first, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, first.id, NULL), BF_E_IO);
    media_expect_content(s, s->user, s->bytes, 100);
    asked = (struct asked){.needed = true};
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, first.id, NULL), BF_OK);
    assert_true(asked.times == 1 && bf_uuid_eq(&asked.tenant, &s->tenant) && bf_uuid_eq(&asked.user, &s->user));
    assert_memory_equal(asked.sha256, sha256, 32);
    media_expect_content(s, s->user, s->bytes, 100);
    asked = (struct asked){.needed = false};
    assert_int_equal(upload_whole(&s->home, s->store, &second, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, second.id, NULL), BF_OK);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, s->user, sha256, &blob, NULL), BF_E_NOT_FOUND);
    asked.times = 0;
    assert_int_equal(bf_stage_create(s->store, &unfinished, NULL), BF_OK);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, unfinished.id, NULL), BF_OK);
    assert_int_equal(asked.times, 0);
}

/* ---- blobs ---- */

static void knowing_a_hash_gives_nothing(void **state)
{
    struct media_suite *s = *state;
    struct bf_uuid owner = bf_uuid_v7(&s->env), stranger = bf_uuid_v7(&s->env), tenant = bf_uuid_v7(&s->env);
    struct bf_blob_info info;
    struct bf_blob *blob;
    struct bf_error known = {0}, unknown = {0};
    uint8_t sha256[32], nothing[32] = {1};
    assert_int_equal(bf_blob_put(s->store, s->tenant, owner, bf_str((char *)s->bytes, 1000), sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, owner, sha256, &info, NULL), BF_OK);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, stranger, sha256, &info, &known), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, stranger, nothing, &info, &unknown), BF_E_NOT_FOUND);
    assert_memory_equal(&known, &unknown, sizeof known);
    assert_int_equal(bf_blob_stat(s->store, tenant, owner, sha256, &info, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_open(s->store, s->tenant, stranger, sha256, &blob, &info, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_bind(s->store, s->tenant, stranger, stranger, sha256, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_bind(s->store, tenant, owner, stranger, sha256, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_release(s->store, s->tenant, stranger, sha256, NULL), BF_OK);
    media_expect_content(s, owner, s->bytes, 1000);
}

static void a_bound_blob_outlives_its_uploader_and_goes_with_its_last_holder(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, 1000);
    struct bf_uuid customer = bf_uuid_v7(&s->env);
    struct bf_blob_info info;
    struct bf_blob *blob;
    uint8_t sha256[32], back[1000];
    size_t n;
    assert_int_equal(upload_whole(&s->home, s->store, &new, s->bytes, 1000, sha256), BF_OK);
    assert_int_equal(bf_blob_bind(s->store, s->tenant, s->user, customer, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_bind(s->store, s->tenant, s->user, customer, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_release(s->store, s->tenant, s->user, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, s->user, sha256, &info, NULL), BF_E_NOT_FOUND);
    media_expect_content(s, customer, s->bytes, 1000);
    assert_int_equal(bf_blob_open(s->store, s->tenant, customer, sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(bf_blob_release(s->store, s->tenant, customer, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_read(blob, 0, back, 1000, &n, NULL), BF_OK); /* who reads, reads on */
    assert_memory_equal(back, s->bytes, 1000);
    bf_blob_close(&blob);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, customer, sha256, &info, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_put(s->store, s->tenant, customer, bf_str((char *)s->bytes, 1000), sha256, NULL), BF_OK);
    media_expect_content(s, customer, s->bytes, 1000);
}

struct holder {
    struct media_suite *s;
    struct bf_uuid id;
    pthread_t thread;
};

static void *hold_and_let_go(void *arg)
{
    struct holder *h = arg;
    uint8_t sha256[32];
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(bf_blob_put(h->s->store, h->s->tenant, h->id, bf_str((char *)h->s->bytes, 100), sha256, NULL), BF_OK);
        media_expect_content(h->s, h->id, h->s->bytes, 100);
        assert_int_equal(bf_blob_release(h->s->store, h->s->tenant, h->id, sha256, NULL), BF_OK);
    }
    return NULL;
}

static void holders_come_and_go_at_once_and_each_reads_what_it_holds(void **state)
{
    struct media_suite *s = *state;
    struct holder holders[4];
    for (unsigned i = 0; i < 4; i++) {
        holders[i] = (struct holder){.s = s, .id = bf_uuid_v7(&s->env)};
        assert_int_equal(pthread_create(&holders[i].thread, NULL, hold_and_let_go, &holders[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        pthread_join(holders[i].thread, NULL);
}

SUITE_PART(suite_holders,
           MEDIA_TEST(an_upload_of_somebody_else_is_not_there),
           MEDIA_TEST(the_quota_counts_what_the_uploads_of_a_user_may_become),
           MEDIA_TEST(finished_uploads_count_until_their_bytes_are_a_records),
           MEDIA_TEST(uploads_made_of_parts_count_as_well),
           MEDIA_TEST(an_upload_that_nobody_touched_expires),
           MEDIA_TEST(an_upload_lives_as_long_as_was_told),
           MEDIA_TEST(an_upload_without_a_byte_goes_sooner),
           MEDIA_TEST(finished_bytes_that_no_record_took_are_kept_longer),
           MEDIA_TEST(the_hold_stays_while_another_upload_of_the_same_bytes_stands),
           MEDIA_TEST(the_hold_stays_while_a_record_needs_it_and_the_upload_while_nobody_knows),
           MEDIA_TEST(knowing_a_hash_gives_nothing),
           MEDIA_TEST(a_bound_blob_outlives_its_uploader_and_goes_with_its_last_holder),
           MEDIA_TEST(holders_come_and_go_at_once_and_each_reads_what_it_holds));
