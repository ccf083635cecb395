/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and blobs: the contract of storage/media.h. */
#include "tests/storage/contract/suite.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"
#include <sodium.h>

#include "digests.h"

enum { HOUR_MS = 3600 * 1000, TTL_MS = 10 * HOUR_MS, UNUSED_TTL_MS = 4 * HOUR_MS, UNBOUND_TTL_MS = 100 * HOUR_MS };
enum { BYTES = 400000, QUOTA = 8 << 20, UNBOUND_QUOTA = 10 << 20 };

struct media_suite {
    struct bf_env env;
    struct harness *harness;
    struct home home;
    struct bf_store *store;
    struct bf_uuid tenant, user;
    uint8_t *bytes;
    struct dice dice;
};

static void open_store(struct media_suite *s)
{
    struct bf_error e = {0};
    struct bf_store_config limits = {
        .stage_ttl_ms = TTL_MS, .stage_quota_bytes = QUOTA, .unbound_ttl_ms = UNBOUND_TTL_MS, .unbound_quota_bytes = UNBOUND_QUOTA};
    if (harness_open(s->harness, &s->env, &limits, NULL, 0, &s->store, &e) != BF_OK)
        fail_msg("the store does not open: %s", e.cause);
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void reopen(struct media_suite *s)
{
    bf_store_close(&s->store);
    open_store(s);
}

static struct bf_stage_new make(struct media_suite *s, int64_t length)
{
    return (struct bf_stage_new){.id = bf_uuid_v7(&s->env), .tenant = s->tenant, .user = s->user, .length = length, .max_bytes = 4 << 20};
}

static struct bf_stage *begin(struct media_suite *s, const struct bf_stage_new *new)
{
    struct bf_stage *stage;
    assert_int_equal(bf_stage_create(s->store, new, NULL), BF_OK);
    assert_int_equal(upload_open(&s->home, s->store, new, &stage, NULL), BF_OK);
    return stage;
}

static enum bf_status info_of(struct media_suite *s, const struct bf_stage_new *new, struct bf_stage_info *ret)
{
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_stage_info(s->store, new->tenant, new->user, new->id, arena, ret, NULL);
    bf_arena_destroy(&arena);
    return status;
}

static void expect_offset(struct media_suite *s, const struct bf_stage_new *new, int64_t offset)
{
    struct bf_stage_info info;
    assert_int_equal(info_of(s, new, &info), BF_OK);
    assert_int_equal(info.offset, offset);
}

static void expect_content(struct media_suite *s, struct bf_uuid holder, const uint8_t *p, size_t n)
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

/* ---- uploads ---- */

static void bytes_in_any_pieces_come_back(void **state)
{
    struct media_suite *s = *state;
    for (unsigned round = 0; round < 6; round++) {
        struct bf_stage_new new = make(s, BYTES);
        struct bf_stage *stage = begin(s, &new);
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
                expect_offset(s, &new, (int64_t)at);
            }
        }
        (void)synced;
        assert_int_equal(upload_finish(&s->home, stage), synced == BYTES ? BF_OK : BF_E_CONFLICT);
        assert_int_equal(upload_sync(&s->home, stage), BF_OK);
        assert_int_equal(upload_finish(&s->home, stage), BF_OK);
        assert_int_equal(s->home.taken, (size_t)BYTES * (round + 1));
        bf_stage_close(&stage);
        expect_content(s, s->user, s->bytes, BYTES);
    }
}

static void an_upload_of_nothing_is_a_blob_of_nothing(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, 0);
    struct bf_stage *stage = begin(s, &new);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    expect_content(s, s->user, s->bytes, 0);
}

static void what_was_synced_survives_a_restart(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, BYTES);
    struct bf_stage *stage = begin(s, &new);
    upload_append(&s->home, stage, s->bytes, 70000);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    reopen(s);
    expect_offset(s, &new, 70000);
    struct bf_stage_info info;
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    assert_int_equal(info.offset, 70000);
    upload_append(&s->home, stage, s->bytes + 70000, BYTES - 70000);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    assert_int_equal(upload_finish(&s->home, stage), BF_OK);
    bf_stage_close(&stage);
    reopen(s);
    assert_int_equal(info_of(s, &new, &info), BF_OK);
    assert_true(info.finished);
    expect_content(s, s->user, s->bytes, BYTES);
}

static void bytes_of_a_request_that_broke_off_count(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, BYTES);
    struct bf_stage *stage = begin(s, &new), *next;
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
    struct bf_stage_new new = make(s, 1000);
    struct bf_stage *stage = begin(s, &new);
    upload_append(&s->home, stage, s->bytes, 600);
    assert_int_equal(upload_sync(&s->home, stage), BF_OK);
    upload_append(&s->home, stage, s->bytes + 600, 401);
    assert_int_equal(upload_sync(&s->home, stage), BF_E_TOO_LARGE);
    assert_int_equal(upload_append(&s->home, stage, s->bytes, 1), BF_E_TOO_LARGE);
    bf_stage_close(&stage);
    expect_offset(s, &new, 600);
    new = make(s, (4 << 20) + 1);
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_E_TOO_LARGE);
}

static void a_deferred_length_is_set_once(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, -1);
    struct bf_stage *stage = begin(s, &new);
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
    reopen(s);
    assert_int_equal(info_of(s, &new, &info), BF_OK);
    assert_int_equal(info.length, 700);
    assert_int_equal(info.offset, 600);
}

static void a_length_that_no_sync_followed_was_never_said(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, -1);
    struct bf_stage *stage = begin(s, &new);
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
    struct bf_stage_new new = make(s, BYTES);
    struct bf_stage *old = begin(s, &new), *stage;
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
    expect_content(s, s->user, s->bytes, BYTES);
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
        struct bf_stage_new new = make(s, BYTES);
        assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
        for (unsigned i = 0; i < 4; i++) {
            racers[i] = (struct racer){.s = s, .new = &new, .seed = test_seed() + round * 4 + i};
            home_open(&racers[i].home, &s->env);
        }
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        for (unsigned i = 0; i < 4; i++)
            pthread_join(racers[i].thread, NULL);
        expect_content(s, s->user, s->bytes, BYTES);
        assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, new.id, NULL), BF_OK);
        reopen(s); /* every handle is back, and no callback is under way */
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
        struct bf_stage_new new = make(s, BYTES);
        struct bf_stage *stage = begin(s, &new);
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
    struct bf_stage_new new = make(s, BYTES);
    struct bf_stage *stage = begin(s, &new);
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
    expect_content(s, s->user, s->bytes, BYTES);
}

static void a_chunk_whose_checksum_never_came_does_not_count(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, BYTES);
    struct bf_stage *stage = begin(s, &new), *next;
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
    expect_content(s, s->user, s->bytes, BYTES);
}

/* ---- concatenation ---- */

static struct bf_uuid send_part(struct media_suite *s, size_t from, size_t n, bool finish)
{
    struct bf_stage_new new = make(s, (int64_t)n);
    new.partial = true;
    struct bf_stage *stage = begin(s, &new);
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
    reopen(s);
    struct bf_stage_new new = make(s, -1);
    struct bf_stage_info info;
    assert_int_equal(bf_stage_concat(s->store, &new, ids, 3, got, NULL), BF_OK);
    assert_memory_equal(got, sha256, 32);
    assert_int_equal(info_of(s, &new, &info), BF_OK);
    assert_true(info.finished && info.final && !info.partial);
    assert_int_equal(info.length, 299999);
    expect_content(s, s->user, expected, 299999);
    assert_int_equal(bf_stage_concat(s->store, &new, ids, 3, got, NULL), BF_E_EXISTS);
    reopen(s);
    assert_int_equal(info_of(s, &new, &info), BF_OK);
    assert_true(info.finished && info.final);
    free(expected);
}

static void only_finished_parts_of_the_same_user_are_joined(void **state)
{
    struct media_suite *s = *state;
    uint8_t sha256[32];
    struct bf_blob_info info;
    struct bf_uuid part = send_part(s, 0, 1000, true), open = send_part(s, 0, 1000, false);
    struct bf_stage_new whole = make(s, 500), new = make(s, -1);
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

/* ---- whose, how many, how long ---- */

static void an_upload_of_somebody_else_is_not_there(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, 100), other;
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_E_EXISTS);
    for (unsigned i = 0; i < 3; i++) {
        other = new;
        *(i == 0 ? &other.id : i == 1 ? &other.user : &other.tenant) = bf_uuid_v7(&s->env);
        assert_int_equal(info_of(s, &other, &info), BF_E_NOT_FOUND);
        assert_int_equal(upload_open(&s->home, s->store, &other, &stage, &info), BF_E_NOT_FOUND);
        assert_int_equal(bf_stage_delete(s->store, other.tenant, other.user, other.id, NULL), BF_E_NOT_FOUND);
    }
    assert_int_equal(info_of(s, &new, &info), BF_OK);
}

static void the_quota_counts_what_the_uploads_of_a_user_may_become(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new first = make(s, 4 << 20), second = make(s, -1), third = make(s, 1), other = make(s, 1);
    uint8_t sha256[32];
    assert_int_equal(bf_stage_create(s->store, &first, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &second, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &third, NULL), BF_E_QUOTA);
    other.user = bf_uuid_v7(&s->env);
    assert_int_equal(bf_stage_create(s->store, &other, NULL), BF_OK);
    reopen(s);
    assert_int_equal(bf_stage_create(s->store, &third, NULL), BF_E_QUOTA);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, second.id, NULL), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &third, s->bytes, 1, sha256), BF_OK);
    second = make(s, 4 << 20); /* a finished one is not under way any more */
    assert_int_equal(bf_stage_create(s->store, &second, NULL), BF_OK);
}

/* Finished uploads of BYTES each until there is no room for one more; returns how many, and the last one's hash. */
static unsigned fill_up(struct media_suite *s, uint8_t ret_sha256[32])
{
    for (unsigned n = 0;; n++) {
        struct bf_stage_new new = make(s, BYTES);
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
            reopen(s);
        assert_int_equal(fill_up(s, sha256), 1);
        reopen(s);
        assert_int_equal(fill_up(s, sha256), 0);
    }
    struct bf_stage_new other = make(s, BYTES);
    other.user = bf_uuid_v7(&s->env);
    assert_int_equal(upload_whole(&s->home, s->store, &other, s->bytes, BYTES, sha256), BF_OK);
}

static void uploads_made_of_parts_count_as_well(void **state)
{
    struct media_suite *s = *state;
    struct bf_uuid list[BF_STAGE_PARTS_MAX];
    struct bf_stage_new part = make(s, BYTES), whole = make(s, -1), small = make(s, 1);
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
    struct bf_stage_new idle = make(s, 100), busy = make(s, 100);
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &idle, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &busy, NULL), BF_OK);
    append_some(s, &idle, 10);
    append_some(s, &busy, 10);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    append_some(s, &busy, 40);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    assert_int_equal(info_of(s, &idle, &info), BF_E_GONE);
    assert_int_equal(upload_open(&s->home, s->store, &idle, &stage, NULL), BF_E_GONE);
    reopen(s);
    assert_int_equal(expire(s), 1);
    assert_int_equal(info_of(s, &idle, &info), BF_E_NOT_FOUND);
    expect_offset(s, &busy, 50);
    assert_int_equal(expire(s), 0);
}

/* What is told holds after a restart too: a look moves nothing. And while somebody writes, nothing goes. */
static void an_upload_lives_as_long_as_was_told(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, 100);
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &new, NULL), BF_OK);
    append_some(s, &new, 10);
    bf_env_fake_advance(&s->env, TTL_MS / 2);
    assert_int_equal(upload_open(&s->home, s->store, &new, &stage, &info), BF_OK);
    bf_stage_close(&stage);
    reopen(s);
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
    struct bf_stage_new unused = make(s, 100), begun = make(s, 100);
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(s->store, &unused, NULL), BF_OK);
    assert_int_equal(bf_stage_create(s->store, &begun, NULL), BF_OK);
    assert_int_equal(info_of(s, &unused, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + UNUSED_TTL_MS);
    append_some(s, &begun, 1);
    bf_env_fake_advance(&s->env, UNUSED_TTL_MS);
    reopen(s);
    assert_int_equal(expire(s), 1);
    expect_offset(s, &begun, 1);
}

/* Bytes that were acknowledged as stored outlive an upload that was given up: the record that names them may come late. */
static void finished_bytes_that_no_record_took_are_kept_longer(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new waiting = make(s, 100), bound = make(s, 100), part = make(s, 100);
    struct bf_uuid customer = bf_uuid_v7(&s->env);
    struct bf_stage_info info;
    struct bf_blob_info blob;
    uint8_t sha256[32], theirs[32];
    part.partial = true;
    assert_int_equal(upload_whole(&s->home, s->store, &bound, s->bytes + 1, 100, theirs), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &part, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(upload_whole(&s->home, s->store, &waiting, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(info_of(s, &waiting, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + UNBOUND_TTL_MS);
    assert_int_equal(bf_blob_bind(s->store, s->tenant, s->user, customer, theirs, NULL), BF_OK);
    assert_int_equal(bf_blob_release(s->store, s->tenant, s->user, theirs, NULL), BF_OK);
    assert_int_equal(info_of(s, &bound, &info), BF_OK);
    assert_int_equal(info.expires_ms, bf_now_ms(&s->env) + TTL_MS);
    bf_env_fake_advance(&s->env, TTL_MS);
    reopen(s);
    assert_int_equal(expire(s), 2);
    assert_int_equal(info_of(s, &bound, &info), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, customer, theirs, &blob, NULL), BF_OK);
    expect_content(s, s->user, s->bytes, 100);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS - TTL_MS - 1);
    assert_int_equal(expire(s), 0);
    bf_env_fake_advance(&s->env, 1);
    assert_int_equal(info_of(s, &waiting, &info), BF_E_GONE);
    assert_int_equal(expire(s), 1);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, s->user, sha256, &blob, NULL), BF_E_NOT_FOUND);
}

static void the_hold_stays_while_another_upload_of_the_same_bytes_stands(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new first = make(s, 100), second = make(s, 100);
    uint8_t sha256[32];
    assert_int_equal(upload_whole(&s->home, s->store, &first, s->bytes, 100, sha256), BF_OK);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS / 2);
    assert_int_equal(upload_whole(&s->home, s->store, &second, s->bytes, 100, sha256), BF_OK);
    bf_env_fake_advance(&s->env, UNBOUND_TTL_MS / 2);
    assert_int_equal(expire(s), 1);
    expect_content(s, s->user, s->bytes, 100);
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
    struct bf_stage_new first = make(s, 100), second = make(s, 100), unfinished = make(s, 100);
    struct asked asked = {.status = BF_E_IO};
    struct bf_blob_info blob;
    uint8_t sha256[32];
    bf_stage_set_needed(s->store, answer_needed, &asked);
    assert_int_equal(upload_whole(&s->home, s->store, &first, s->bytes, 100, sha256), BF_OK);
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, first.id, NULL), BF_E_IO);
    expect_content(s, s->user, s->bytes, 100);
    asked = (struct asked){.needed = true};
    assert_int_equal(bf_stage_delete(s->store, s->tenant, s->user, first.id, NULL), BF_OK);
    assert_true(asked.times == 1 && bf_uuid_eq(&asked.tenant, &s->tenant) && bf_uuid_eq(&asked.user, &s->user));
    assert_memory_equal(asked.sha256, sha256, 32);
    expect_content(s, s->user, s->bytes, 100);
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
    expect_content(s, owner, s->bytes, 1000);
}

static void a_bound_blob_outlives_its_uploader_and_goes_with_its_last_holder(void **state)
{
    struct media_suite *s = *state;
    struct bf_stage_new new = make(s, 1000);
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
    expect_content(s, customer, s->bytes, 1000);
    assert_int_equal(bf_blob_open(s->store, s->tenant, customer, sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(bf_blob_release(s->store, s->tenant, customer, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_read(blob, 0, back, 1000, &n, NULL), BF_OK); /* who reads, reads on */
    assert_memory_equal(back, s->bytes, 1000);
    bf_blob_close(&blob);
    assert_int_equal(bf_blob_stat(s->store, s->tenant, customer, sha256, &info, NULL), BF_E_NOT_FOUND);
    assert_int_equal(bf_blob_put(s->store, s->tenant, customer, bf_str((char *)s->bytes, 1000), sha256, NULL), BF_OK);
    expect_content(s, customer, s->bytes, 1000);
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
        expect_content(h->s, h->id, h->s->bytes, 100);
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

#define MEDIA_TEST(f) {#f, f, set_up, tear_down, NULL}

SUITE_PART(suite_media,
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
           MEDIA_TEST(only_finished_parts_of_the_same_user_are_joined),
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
