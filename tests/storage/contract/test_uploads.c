/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads as they come in: the contract of storage/media.h's stages. */
#include "tests/storage/contract/media_rig.h"
#include <sodium.h>

#include "digests.h"

/* ---- uploads ---- */

static void bytes_in_any_pieces_come_back(void **state)
{
    struct media_suite *s = *state;
    for (unsigned round = 0; round < 6; round++) {
        struct bf_stage_new new = media_new(s, BYTES);
        struct bf_stage *stage = media_begin(s, &new);
        size_t at = 0, synced = 0;
        while (at < BYTES) {
            size_t n = 1 + roll(&s->dice, round % 2 == 0 ? 100000 : 20000);
            n = n > BYTES - at ? BYTES - at : n;
            assert_int_equal(upload_append(&s->home, stage, s->bytes + at, n), BF_OK);
            at += n;
            if (roll(&s->dice, 4) == 0) {
                assert_int_equal(upload_sync(&s->home, stage), BF_OK);
                synced = at;
                assert_int_equal(s->home.offset, at);
                media_expect_offset(s, &new, (int64_t)at);
            }
        }
        (void)synced;
        assert_int_equal(upload_finish(&s->home, stage), synced == BYTES ? BF_OK : BF_E_CONFLICT);
        assert_int_equal(upload_sync(&s->home, stage), BF_OK);
        assert_int_equal(upload_finish(&s->home, stage), BF_OK);
        assert_int_equal(s->home.taken, (size_t)BYTES * (round + 1));
        bf_stage_close(&stage);
        media_expect_content(s, s->user, s->bytes, BYTES);
    }
}

static void an_upload_of_nothing_is_a_blob_of_nothing(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, 0);
    struct bf_stage *stage = media_begin(s, &new);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    media_expect_content(s, s->user, s->bytes, 0);
}

static void what_was_synced_survives_a_restart(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, BYTES);
    struct bf_stage *stage = media_begin(s, &new);
    upload_append(&s->home, stage, s->bytes, 70000);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    media_reopen(s);
    media_expect_offset(s, &new, 70000);
    struct bf_stage_info info;
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    assert_int_equal(info.offset, 70000);
    upload_append(&s->home, stage, s->bytes + 70000, BYTES - 70000);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    media_reopen(s);
    assert_int_equal(media_info(s, &new, &info), BF_OK);
    assert_true(info.finished);
    media_expect_content(s, s->user, s->bytes, BYTES);
}

static void bytes_of_a_request_that_broke_off_count(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, BYTES);
    struct bf_stage *stage = media_begin(s, &new), *next;
    struct bf_stage_info info;
    upload_append(&s->home, stage, s->bytes, 100000);
    bf_stage_close(&stage);
    assert_int_equal(upload_open(&s->home, s->store, &new, &next, &info), BF_OK);
    assert_int_equal(info.offset, 100000);
    bf_stage_close(&next);
}

static void more_bytes_than_announced_are_refused_and_change_nothing(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, 1000);
    struct bf_stage *stage = media_begin(s, &new);
    upload_append(&s->home, stage, s->bytes, 600);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    upload_append(&s->home, stage, s->bytes + 600, 401);
    assert_int_equal(upload_sync(&s->home, stage), BF_E_TOO_LARGE);
    assert_int_equal(upload_append(&s->home, stage, s->bytes, 1), BF_E_TOO_LARGE);
    bf_stage_close(&stage);
    media_expect_offset(s, &new, 600);
    new = media_new(s, (4 << 20) + 1);
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_E_TOO_LARGE);
}

static void a_deferred_length_is_set_once(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, -1);
    struct bf_stage *stage = media_begin(s, &new);
    struct bf_stage_info info;
    upload_append(&s->home, stage, s->bytes, 500);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    assert_int_equal(upload_finish(&s->home, stage), BF_E_CONFLICT);
    assert_int_equal(bf_stage_set_length(stage, 499, NULL), BF_E_CONFLICT);
    assert_int_equal(bf_stage_set_length(stage, (4 << 20) + 1, NULL), BF_E_TOO_LARGE);
    assert_int_equal(bf_stage_set_length(stage, 700, NULL), BF_OK);
    assert_int_equal(bf_stage_set_length(stage, 700, NULL), BF_OK);
    assert_int_equal(bf_stage_set_length(stage, 701, NULL), BF_E_CONFLICT);
    upload_append(&s->home, stage, s->bytes + 500, 100);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    media_reopen(s);
    assert_int_equal(media_info(s, &new, &info), BF_OK);
    assert_int_equal(info.length, 700);
    assert_int_equal(info.offset, 600);
}

static void a_length_that_no_sync_followed_was_never_said(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, -1);
    struct bf_stage *stage = media_begin(s, &new);
    struct bf_stage_info info;
    uint8_t wrong[20] = {0};
    assert_int_equal(bf_stage_set_length(stage, 3, NULL), BF_OK);
    upload_append(&s->home, stage, s->bytes, 4);
    assert_int_equal(upload_sync(&s->home, stage), BF_E_TOO_LARGE);
    bf_stage_close(&stage);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, NULL), BF_OK);
    assert_int_equal(bf_stage_set_length(stage, 5, NULL), BF_OK);
    bf_stage_mark(stage, BF_DIGEST_SHA1);
    upload_append(&s->home, stage, s->bytes, 4);
    assert_int_equal(upload_check(&s->home, stage, wrong, sizeof wrong), BF_E_CHECKSUM);
    bf_stage_close(&stage);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    assert_int_equal(info.length, -1);
    assert_int_equal(bf_stage_set_length(stage, 4, NULL), BF_OK);
    upload_append(&s->home, stage, s->bytes, 4);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
}

/* ---- takeover ---- */

static void a_newcomer_takes_the_upload_over(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, BYTES);
    struct bf_stage *old = media_begin(s, &new), *stage;
    struct bf_stage_info info;
    upload_append(&s->home, old, s->bytes, 200000);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    home_wait_lost(&s->home, 1);
    assert_true(info.offset <= 200000);
    assert_int_equal(upload_append(&s->home, old, s->bytes, 10), BF_E_LOCKED);
    assert_int_equal(upload_sync(&s->home, old), BF_E_LOCKED);
    assert_int_equal(upload_finish(&s->home, old), BF_E_LOCKED);
    bf_stage_close(&old);
    upload_append(&s->home, stage, s->bytes + info.offset, (size_t)(BYTES - info.offset));
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    assert_int_equal(s->home.offset, BYTES);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    assert_int_equal(s->home.lost, 1);
    media_expect_content(s, s->user, s->bytes, BYTES);
}

struct racer {
    struct media_suite *s;
    const struct bf_stage_new *new;
    struct home home;
    uint64_t seed;
    pthread_t thread;
};

/* Opens, sends from where the upload stands, is thrown out by the others, and starts again, until all bytes are there. */
static void *race(void *arg)
{
    struct racer *r = arg;
    struct dice dice = {.state = r->seed};
    for (;;) {
        struct bf_stage *stage;
        struct bf_stage_info info;
        enum bf_status status = upload_open(&r->home, r->s->store, r->new, &stage, &info);
        assert_true(status == BF_OK || status == BF_E_LOCKED);
        if (status != BF_OK)
            continue;
        int64_t at = info.offset, durable = info.offset;
        while (status == BF_OK && at < BYTES) {
            size_t n = 1 + roll(&dice, 60000);
            n = (int64_t)n > BYTES - at ? (size_t)(BYTES - at) : n;
            status = upload_append(&r->home, stage, r->s->bytes + at, n);
            if (status == BF_OK && roll(&dice, 2) == 0) {
                status = upload_sync(&r->home, stage);
                assert_true(status != BF_OK || r->home.offset == at + (int64_t)n);
                assert_true(r->home.offset >= durable);
                durable = r->home.offset;
            }
            at += (int64_t)n;
        }
        if (status == BF_OK && (status = upload_sync(&r->home, stage)) == BF_OK)
            status = upload_finish(&r->home, stage);
        bf_stage_close(&stage);
        if (status == BF_OK || info.finished)
            return NULL;
        assert_int_equal(status, BF_E_LOCKED);
    }
}

static void writers_that_take_over_from_each_other_lose_and_double_nothing(void **state)
{
    struct media_suite *s = *state;
    for (unsigned round = 0; round < test_rounds(4); round++) {
        struct racer racers[4];
        struct bf_stage_new new = media_new(s, BYTES);
        assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
        for (unsigned i = 0; i < 4; i++) {
            racers[i] = (struct racer){.s = s, .new = &new, .seed = test_seed() + round * 4 + i};
            home_open(&racers[i].home, &s->env);
        }
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        for (unsigned i = 0; i < 4; i++)
            pthread_join(racers[i].thread, NULL);
        media_expect_content(s, s->user, s->bytes, BYTES);
        assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, new.id, NULL), BF_OK);
        media_reopen(s); /* every handle is back, and no callback is under way */
        for (unsigned i = 0; i < 4; i++)
            home_close(&racers[i].home);
    }
}

/* ---- checksums ---- */

static void checksums_agree_with_hashlib(void **state)
{
    struct media_suite *s = *state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const struct vector *v = &vectors[i];
        uint8_t digest[32];
        struct bf_stage_new new = media_new(s, BYTES);
        struct bf_stage *stage = media_begin(s, &new);
        assert_true(bf_unhex(bf_strz(v->hex), digest, v->digest_n));
        bf_stage_mark(stage, v->kind);
        upload_append(&s->home, stage, s->bytes, v->n / 3);
        upload_append(&s->home, stage, s->bytes + v->n / 3, v->n - v->n / 3);
        assert_int_equal(upload_check(&s->home, stage, digest, v->digest_n), BF_OK);
        assert_int_equal(s->home.offset, v->n);
        bf_stage_close(&stage);
        assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, new.id, NULL), BF_OK);
    }
}

static void a_wrong_checksum_forgets_its_chunk_and_nothing_else(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, BYTES);
    struct bf_stage *stage = media_begin(s, &new);
    uint8_t digest[32];
    upload_append(&s->home, stage, s->bytes, 1000); /* not synced yet: it must stay all the same */
    for (unsigned round = 0; round < 5; round++) {
        size_t n = round % 2 == 0 ? 150000 : 9000;
        bf_stage_mark(stage, BF_DIGEST_SHA256);
        upload_append(&s->home, stage, s->bytes + 7, n);
        crypto_hash_sha256(digest, s->bytes + 6, n);
        assert_int_equal(upload_check(&s->home, stage, digest, 32), BF_E_CHECKSUM);
    }
    bf_stage_mark(stage, BF_DIGEST_SHA256);
    upload_append(&s->home, stage, s->bytes + 1000, BYTES - 1000);
    crypto_hash_sha256(digest, s->bytes + 1000, BYTES - 1000);
    assert_int_equal(upload_check(&s->home, stage, digest, 31), BF_E_CHECKSUM);
    bf_stage_mark(stage, BF_DIGEST_SHA256);
    upload_append(&s->home, stage, s->bytes + 1000, BYTES - 1000);
    assert_int_equal(upload_check(&s->home, stage, digest, 32), BF_OK);
    assert_int_equal(s->home.offset, BYTES);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    media_expect_content(s, s->user, s->bytes, BYTES);
}

static void a_chunk_whose_checksum_never_came_does_not_count(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = media_new(s, BYTES);
    struct bf_stage *stage = media_begin(s, &new), *next;
    struct bf_stage_info info;
    upload_append(&s->home, stage, s->bytes, 5000);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_mark(stage, BF_DIGEST_SHA1);
    upload_append(&s->home, stage, s->bytes, 200000);
    assert_int_equal(upload_open(&s->home, s->store, &new, &next, &info), BF_OK);
    assert_int_equal(info.offset, 5000);
    bf_stage_close(&stage);
    bf_stage_mark(next, BF_DIGEST_SHA1);
    upload_append(&s->home, next, s->bytes, 200000);
    bf_stage_close(&next);
    assert_int_equal(upload_open(&s->home, s->store, &new, &next, &info), BF_OK);
    assert_int_equal(info.offset, 5000);
    upload_append(&s->home, next, s->bytes + 5000, BYTES - 5000);
    assert_int_equal(upload_sync(&s->home, next), BF_OK);
    assert_int_equal(upload_finish(&s->home, next), BF_OK);
    bf_stage_close(&next);
    media_expect_content(s, s->user, s->bytes, BYTES);
}

/* ---- concatenation ---- */

static struct bf_uuid send_part(struct media_suite *s, size_t from, size_t n, bool finish)
{
    struct bf_stage_new new = media_new(s, (int64_t)n);
    new.partial = true;
    struct bf_stage *stage = media_begin(s, &new);
    upload_append(&s->home, stage, s->bytes + from, n);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    if (finish)
        assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    return new.id;
}

static void parts_are_joined_in_the_order_given_and_may_repeat(void **state)
{
    struct media_suite *s = *state;
    struct bf_uuid first = send_part(s, 0, 100001, true), second = send_part(s, 100001, 99999, true);
    struct bf_uuid ids[] = {second, first, second};
    uint8_t *expected = malloc(300000), sha256[32], got[32];
    memcpy(expected, s->bytes + 100001, 99999);
    memcpy(expected + 99999, s->bytes, 100001);
    memcpy(expected + 200000, s->bytes + 100001, 99999);
    crypto_hash_sha256(sha256, expected, 299999);
    media_reopen(s);
    struct bf_stage_new new = media_new(s, -1);
    struct bf_stage_info info;
    assert_int_equal(bf_stage_concat(s->store, &new, ids, 3, got, NULL), BF_OK);
    assert_memory_equal(got, sha256, 32);
    assert_int_equal(media_info(s, &new, &info), BF_OK);
    assert_true(info.finished && info.final && !info.partial);
    assert_int_equal(info.length, 299999);
    media_expect_content(s, s->user, expected, 299999);
    assert_int_equal(bf_stage_concat(s->store, &new, ids, 3, got, NULL), BF_E_EXISTS);
    media_reopen(s);
    assert_int_equal(media_info(s, &new, &info), BF_OK);
    assert_true(info.finished && info.final);
    free(expected);
}

static void only_finished_parts_of_the_same_user_are_joined(void **state)
{
    struct media_suite *s = *state;
    uint8_t sha256[32];
    struct bf_blob_info info;
    struct bf_uuid part = send_part(s, 0, 1000, true), open = send_part(s, 0, 1000, false);
    struct bf_stage_new whole = media_new(s, 500), new = media_new(s, -1);
    assert_int_equal(upload_whole(&s->home, s->store, &whole, s->bytes, 500, sha256), BF_OK);
    crypto_hash_sha256(sha256, s->bytes, 1000);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, s->user, sha256, &info, NULL), BF_E_NOT_FOUND); /* a part is no blob */
    assert_int_equal(bf_stage_concat(s->store, &new, (struct bf_uuid[]){part, open}, 2, sha256, NULL), BF_E_CONFLICT);
    assert_int_equal(bf_stage_concat(s->store, &new, (struct bf_uuid[]){part, whole.id}, 2, sha256, NULL), BF_E_CONFLICT);
    assert_int_equal(bf_stage_concat(s->store, &new, (struct bf_uuid[]){part, new.id}, 2, sha256, NULL), BF_E_NOT_FOUND);
    new.user = bf_uuid_v7(&s->env);
    assert_int_equal(bf_stage_concat(s->store, &new, &part, 1, sha256, NULL), BF_E_NOT_FOUND);
    new.user = s->user;
    new.max_bytes = 999;
    assert_int_equal(bf_stage_concat(s->store, &new, &part, 1, sha256, NULL), BF_E_TOO_LARGE);
}

SUITE_PART(suite_uploads,
           MEDIA_TEST(bytes_in_any_pieces_come_back),
           MEDIA_TEST(an_upload_of_nothing_is_a_blob_of_nothing),
           MEDIA_TEST(what_was_synced_survives_a_restart),
           MEDIA_TEST(bytes_of_a_request_that_broke_off_count),
           MEDIA_TEST(more_bytes_than_announced_are_refused_and_change_nothing),
           MEDIA_TEST(a_deferred_length_is_set_once),
           MEDIA_TEST(a_length_that_no_sync_followed_was_never_said),
           MEDIA_TEST(a_newcomer_takes_the_upload_over),
           MEDIA_TEST(writers_that_take_over_from_each_other_lose_and_double_nothing),
           MEDIA_TEST(checksums_agree_with_hashlib),
           MEDIA_TEST(a_wrong_checksum_forgets_its_chunk_and_nothing_else),
           MEDIA_TEST(a_chunk_whose_checksum_never_came_does_not_count),
           MEDIA_TEST(parts_are_joined_in_the_order_given_and_may_repeat),
           MEDIA_TEST(only_finished_parts_of_the_same_user_are_joined));
