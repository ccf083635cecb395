/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that two processes receive: two stores share one memory, as two ingest processes share a database. Whoever was overtaken changes nothing that
 * counts; answers get lost; what one leaves half done the other one finishes.
 */
#include "core/env.h"
#include "storage/internal.h"
#include "tests/directory.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"
#include "tests/storage/memory/files.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>
#include <sodium.h>
#include <stdatomic.h>

enum { BYTES = 900000, HOUR_MS = 3600 * 1000, TTL_MS = 72 * HOUR_MS, UNBOUND_MS = 240 * HOUR_MS };

/* The other store sends the whole upload. */
struct overtaking {
    struct two *t;
    const struct bf_stage_new *new;
};
static void other_sends_all(const struct overtaking *o), other_deletes(const struct overtaking *o);

/* What goes wrong with the first store's calls; taken as it is used. */
struct trouble {
    atomic_uint unanswered, unsent;       /* writes of an upload's document whose answer is lost: it is there, or is not */
    atomic_uint chunks_lost;              /* chunks that are not written, nobody knows */
    atomic_uint blobs_refused;            /* writes of blobs' documents */
    _Atomic(const struct overtaking *) before_chunk, after_wrap; /* once; after_wrap: the other store deletes the upload */
};
static struct trouble trouble; /* the driver's table has no place for it */
static struct bf_driver_vtable troubled;

static bool happens(atomic_uint *times)
{
    unsigned n = atomic_load(times);
    while (n > 0 && !atomic_compare_exchange_weak(times, &n, n - 1))
        ;
    return n > 0;
}

static enum bf_status write_late(struct bf_session *s, const struct bf_write *w, struct bf_arena *arena, struct bf_error *e)
{
    bool is_upload = strcmp(w->coll->name, "uploads") == 0;
    if (strcmp(w->coll->name, "blobs") == 0 && happens(&trouble.blobs_refused))
        return bf_fail(e, BF_E_UNAVAILABLE, "nobody answers");
    if (is_upload && happens(&trouble.unsent))
        return bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the connection broke");
    enum bf_status status = memory_apart_driver.write(s, w, arena, e);
    const struct overtaking *overtaking = strcmp(w->coll->name, "blobs") == 0 ? atomic_exchange(&trouble.after_wrap, NULL) : NULL;
    if (overtaking != NULL)
        other_deletes(overtaking);
    return is_upload && status == BF_OK && happens(&trouble.unanswered) ? bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the connection broke") : status;
}

static enum bf_status chunk_late(struct bf_session *s, const struct bf_chunk *chunk, struct bf_error *e)
{
    const struct overtaking *overtaking = atomic_exchange(&trouble.before_chunk, NULL);
    if (overtaking != NULL)
        other_sends_all(overtaking);
    if (happens(&trouble.chunks_lost))
        return bf_fail(e, BF_E_UNKNOWN_OUTCOME, "the connection broke");
    return memory_apart_driver.chunk_put(s, chunk, e);
}

static enum bf_status open_troubled(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    enum bf_status status = memory_apart_driver.open(how, ret, e);
    if (status == BF_OK)
        (*ret)->vt = &troubled;
    return status;
}

struct two {
    struct bf_env env;
    struct memory *memory;
    struct bf_store *first, *second;
    struct home home, other_home;
    struct bf_uuid tenant, user;
    struct dice dice;
    uint8_t *bytes, sha256[32];
    char dir[PATH_MAX];
};

static void open_one(struct two *t, const struct bf_driver_vtable *vt, struct bf_store **ret)
{
    char key[PATH_MAX + 32];
    struct bf_error e = {0};
    struct bf_store_config config = {.uri = BF_STR("memory:"), .stage_ttl_ms = TTL_MS, .unbound_ttl_ms = UNBOUND_MS, .stage_quota_bytes = 4 << 20};
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", t->dir));
    if (bf__store_open(&t->env, &config, vt, t->memory, NULL, 0, ret, &e) != BF_OK)
        fail_msg("open: %s", e.cause);
}

static int set_up(void **state)
{
    struct two *t = calloc(1, sizeof *t);
    assert_non_null(t);
    bf_env_fake(&t->env, 1800000000000, test_seed());
    test_dir_make("shared", t->dir, sizeof t->dir);
    t->memory = memory_create();
    troubled = memory_apart_driver;
    troubled.open = open_troubled;
    troubled.write = write_late;
    troubled.chunk_put = chunk_late;
    atomic_store(&trouble.before_chunk, NULL);
    atomic_store(&trouble.after_wrap, NULL);
    trouble.unanswered = trouble.unsent = trouble.chunks_lost = trouble.blobs_refused = 0;
    open_one(t, &troubled, &t->first);
    open_one(t, &memory_apart_driver, &t->second);
    home_open(&t->home, &t->env);
    home_open(&t->other_home, &t->env);
    t->tenant = bf_uuid_v7(&t->env);
    t->user = bf_uuid_v7(&t->env);
    t->dice.state = test_seed();
    t->bytes = malloc(BYTES);
    assert_non_null(t->bytes);
    roll_bytes(&t->dice, t->bytes, BYTES);
    crypto_hash_sha256(t->sha256, t->bytes, BYTES);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct two *t = *state;
    bf_store_close(&t->first);
    bf_store_close(&t->second);
    home_close(&t->home);
    home_close(&t->other_home);
    memory_destroy(&t->memory);
    test_dir_remove(t->dir);
    bf_env_finish(&t->env);
    free(t->bytes);
    free(t);
    return 0;
}

static struct bf_stage_new new_upload(struct two *t)
{
    return (struct bf_stage_new){.id = bf_uuid_v7(&t->env), .tenant = t->tenant, .user = t->user, .length = BYTES, .max_bytes = 2 << 20};
}

static void expect_content(struct two *t, struct bf_store *store)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    uint8_t *back = malloc(BYTES + 1);
    size_t n;
    assert_int_equal(bf_blob_open(store, t->tenant, t->user, t->sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(info.size, BYTES);
    assert_int_equal(bf_blob_read(blob, 0, back, BYTES + 1, &n, NULL), BF_OK);
    assert_int_equal(n, BYTES);
    assert_memory_equal(back, t->bytes, BYTES);
    bf_blob_close(&blob);
    free(back);
}

static enum bf_status stat_blob(struct two *t, struct bf_store *store)
{
    struct bf_blob_info info;
    return bf_blob_stat(store, t->tenant, t->user, t->sha256, &info, NULL);
}

static enum bf_status info_at(struct bf_store *store, const struct bf_stage_new *new, struct bf_stage_info *ret)
{
    struct bf_arena *arena = bf_arena_create();
    enum bf_status status = bf_stage_info(store, new->tenant, new->user, new->id, arena, ret, NULL);
    bf_arena_destroy(&arena);
    return status;
}

/* Opens, sends `n` from where it stands, syncs, closes. */
static enum bf_status send_some(struct two *t, struct bf_store *store, struct home *home, const struct bf_stage_new *new, size_t n)
{
    struct bf_stage *stage;
    struct bf_stage_info info;
    enum bf_status status = upload_open(home, store, new, &stage, &info);
    if (status != BF_OK)
        return status;
    if (n > (size_t)(BYTES - info.offset))
        n = (size_t)(BYTES - info.offset);
    status = upload_append(home, stage, t->bytes + info.offset, n);
    if (status == BF_OK)
        status = upload_sync(home, stage);
    if (status == BF_OK && info.offset + (int64_t)n == BYTES)
        status = upload_finish(home, stage);
    bf_stage_close(&stage);
    return status;
}

/* ---- together ---- */

static void chunks_of_one_upload_reach_either_process(void **state)
{
    struct two *t = *state;
    for (unsigned round = 0; round < test_rounds(6); round++) {
        struct bf_stage_new new = new_upload(t);
        struct bf_stage_info info = {.offset = 0};
        assert_int_equal(bf_stage_create(round % 2 == 0 ? t->first : t->second, &new, NULL), BF_OK);
        while (!info.finished) {
            bool first = roll(&t->dice, 2) == 0;
            int64_t before = info.offset;
            assert_int_equal(send_some(t, first ? t->first : t->second, &t->home, &new, 1 + roll(&t->dice, 300000)), BF_OK);
            assert_int_equal(info_at(first ? t->second : t->first, &new, &info), BF_OK);
            assert_true(info.offset > before);
        }
        assert_memory_equal(info.sha256, t->sha256, 32);
        expect_content(t, t->first);
        expect_content(t, t->second);
        assert_int_equal(bf_stage_delete(t->second, t->tenant, t->user, new.id, NULL), BF_OK);
        assert_int_equal(info_at(t->first, &new, &info), BF_E_NOT_FOUND);
        assert_int_equal(stat_blob(t, t->first), BF_E_NOT_FOUND);
        assert_int_equal(files_chunks(memory_files(t->memory)), 0);
    }
}

static void who_was_overtaken_by_another_process_is_told_and_counts_no_more(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new = new_upload(t);
    struct bf_stage *old, *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
    assert_int_equal(upload_open(&t->home, t->first, &new, &old, &info), BF_OK);
    assert_int_equal(upload_append(&t->home, old, t->bytes, 400000), BF_OK);
    assert_int_equal(upload_sync(&t->home, old), BF_OK);
    assert_int_equal(upload_append(&t->home, old, t->bytes, 300000), BF_OK); /* others than those that belong there */
    assert_int_equal(upload_open(&t->other_home, t->second, &new, &stage, &info), BF_OK);
    assert_int_equal(info.offset, 400000);
    assert_int_equal(upload_append(&t->other_home, stage, t->bytes + 400000, BYTES - 400000), BF_OK);
    assert_int_equal(upload_sync(&t->other_home, stage), BF_OK);
    assert_int_equal(upload_sync(&t->home, old), BF_E_LOCKED);
    bf_stage_close(&old);
    assert_int_equal(upload_finish(&t->other_home, stage), BF_OK);
    bf_stage_close(&stage);
    expect_content(t, t->first);
}

static void other_sends_all(const struct overtaking *o)
{
    assert_int_equal(send_some(o->t, o->t->second, &o->t->other_home, o->new, BYTES), BF_OK);
}

/* Its chunk is on its way while the other process takes over, writes the same chunk and finishes. */
static void a_chunk_that_comes_late_changes_nothing(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new = new_upload(t);
    struct overtaking o = {t, &new};
    struct bf_stage *old;
    struct bf_stage_info info;
    uint8_t *wrong = calloc(1, 600000);
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
    assert_int_equal(send_some(t, t->first, &t->home, &new, 100000), BF_OK);
    assert_int_equal(upload_open(&t->home, t->first, &new, &old, &info), BF_OK);
    atomic_store(&trouble.before_chunk, &o);
    (void)upload_append(&t->home, old, wrong, 600000);
    assert_int_equal(upload_sync(&t->home, old), BF_E_LOCKED);
    bf_stage_close(&old);
    expect_content(t, t->first);
    expect_content(t, t->second);
    free(wrong);
}

static void other_deletes(const struct overtaking *o)
{
    assert_int_equal(bf_stage_delete(o->t->second, o->t->tenant, o->t->user, o->new->id, NULL), BF_OK);
}

/* The wrap is made, and before the outcome is noted the upload is deleted elsewhere: nobody is told that it is stored, and nothing of it stays. */
static void an_upload_that_is_deleted_while_it_is_finished_leaves_nothing(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new = new_upload(t);
    struct overtaking o = {t, &new};
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
    atomic_store(&trouble.after_wrap, &o);
    assert_int_equal(send_some(t, t->first, &t->home, &new, BYTES), BF_E_LOCKED);
    assert_int_equal(info_at(t->first, &new, &info), BF_E_NOT_FOUND);
    assert_int_equal(stat_blob(t, t->first), BF_E_NOT_FOUND);
    assert_int_equal(files_chunks(memory_files(t->memory)), 0);
}

/* ---- lost answers, and processes that die ---- */

static void an_acknowledgement_whose_answer_was_lost_is_found(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new = new_upload(t);
    struct bf_stage_info info;
    trouble.unanswered = 1;
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
    trouble.unanswered = 1;
    assert_int_equal(send_some(t, t->first, &t->home, &new, 500000), BF_OK);
    assert_int_equal(info_at(t->second, &new, &info), BF_OK);
    assert_int_equal(info.offset, 500000);
    trouble.unsent = 1;
    assert_true(send_some(t, t->first, &t->home, &new, 300000) != BF_OK);
    assert_int_equal(info_at(t->first, &new, &info), BF_OK);
    assert_int_equal(info.offset, 500000);
    trouble.chunks_lost = 1;
    assert_true(send_some(t, t->first, &t->home, &new, 300000) != BF_OK);
    assert_int_equal(send_some(t, t->first, &t->home, &new, BYTES), BF_OK);
    expect_content(t, t->second);
}

static void what_one_process_left_whole_the_other_finishes(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new = new_upload(t);
    struct bf_stage *stage;
    struct bf_stage_info info;
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
    trouble.blobs_refused = UINT_MAX;
    assert_true(send_some(t, t->first, &t->home, &new, BYTES) != BF_OK);
    bf_store_close(&t->first);
    assert_int_equal(upload_open(&t->home, t->second, &new, &stage, &info), BF_OK);
    assert_true(info.finished);
    bf_stage_close(&stage);
    expect_content(t, t->second);
    trouble.blobs_refused = 0;
    open_one(t, &troubled, &t->first);
    expect_content(t, t->first);
}

static void what_the_server_made_half_is_settled_by_whoever_sweeps(void **state)
{
    struct two *t = *state;
    uint8_t sha256[32];
    unsigned n;
    struct bf_str made = bf_str((const char *)t->bytes, BYTES);
    trouble.blobs_refused = UINT_MAX;
    trouble.unsent = 0;
    assert_true(bf_blob_put(t->first, t->tenant, t->user, made, sha256, NULL) != BF_OK);
    trouble.blobs_refused = 0;
    assert_int_equal(bf_blob_put(t->second, t->tenant, t->user, made, sha256, NULL), BF_OK);
    bf_env_fake_advance(&t->env, 2 * HOUR_MS);
    assert_int_equal(bf_stage_expire(t->second, bf_now_ms(&t->env), &n, NULL), BF_OK);
    expect_content(t, t->first);
    assert_int_equal(files_chunks(memory_files(t->memory)), (BYTES + 20000) / BF_CHUNK_BYTES + 1);
}

/* ---- limits and expiry ---- */

static void a_users_quota_counts_what_all_processes_receive(void **state)
{
    struct two *t = *state;
    struct bf_stage_new new;
    for (unsigned i = 0; i < 4; i++) {
        new = new_upload(t);
        assert_int_equal(bf_stage_create(i % 2 == 0 ? t->first : t->second, &new, NULL), BF_OK);
    }
    new = new_upload(t);
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_E_QUOTA);
    new.user = bf_uuid_v7(&t->env);
    assert_int_equal(bf_stage_create(t->first, &new, NULL), BF_OK);
}

static void an_upload_expires_wherever_it_was_received(void **state)
{
    struct two *t = *state;
    struct bf_stage_new unused = new_upload(t), used = new_upload(t);
    struct bf_stage_info info;
    unsigned n;
    assert_int_equal(bf_stage_create(t->first, &unused, NULL), BF_OK);
    assert_int_equal(bf_stage_create(t->first, &used, NULL), BF_OK);
    assert_int_equal(send_some(t, t->first, &t->home, &used, 300000), BF_OK);
    bf_env_fake_advance(&t->env, 5 * HOUR_MS);
    assert_int_equal(bf_stage_expire(t->second, bf_now_ms(&t->env), &n, NULL), BF_OK);
    assert_int_equal(n, 1);
    assert_int_equal(info_at(t->first, &unused, &info), BF_E_NOT_FOUND);
    assert_int_equal(send_some(t, t->first, &t->home, &used, 100000), BF_OK);
    bf_env_fake_advance(&t->env, TTL_MS);
    assert_int_equal(bf_stage_expire(t->second, bf_now_ms(&t->env), &n, NULL), BF_OK);
    assert_int_equal(n, 1);
    assert_int_equal(info_at(t->first, &used, &info), BF_E_NOT_FOUND);
    assert_int_equal(files_chunks(memory_files(t->memory)), 0);
}

/* ---- equal bytes, at once ---- */

struct sender {
    struct two *t;
    struct bf_store *store;
    struct home home;
    uint64_t seed;
    bool keeps; /* its last upload stays */
    pthread_t thread;
};

/* Sends the same bytes as everybody else and takes them back, again and again. */
static void *send_and_take_back(void *arg)
{
    struct sender *s = arg;
    struct dice dice = {.state = s->seed};
    unsigned rounds = 4 + roll(&dice, 4);
    for (unsigned i = 0; i < rounds; i++) {
        struct bf_stage_new new = new_upload(s->t);
        new.length = 1000;
        uint8_t sha256[32];
        assert_int_equal(upload_whole(&s->home, s->store, &new, s->t->bytes, 1000, sha256), BF_OK);
        if (i + 1 == rounds && s->keeps)
            break;
        assert_int_equal(bf_stage_delete(s->store, s->t->tenant, s->t->user, new.id, NULL), BF_OK);
    }
    return NULL;
}

/* The end of one upload must not take away what another one of the same bytes, in another process, was just given. */
static void the_wrap_stands_while_any_upload_of_the_bytes_does(void **state)
{
    struct two *t = *state;
    enum { SENDERS = 4 };
    crypto_hash_sha256(t->sha256, t->bytes, 1000);
    for (unsigned round = 0; round < test_rounds(20); round++) {
        struct sender senders[SENDERS];
        bool kept = round % 2 == 0;
        for (unsigned i = 0; i < SENDERS; i++) {
            senders[i] = (struct sender){.t = t, .store = i % 2 == 0 ? t->first : t->second, .seed = test_seed() + round * SENDERS + i, .keeps = kept && i == 3};
            home_open(&senders[i].home, &t->env);
            assert_int_equal(pthread_create(&senders[i].thread, NULL, send_and_take_back, &senders[i]), 0);
        }
        for (unsigned i = 0; i < SENDERS; i++) {
            pthread_join(senders[i].thread, NULL);
            home_close(&senders[i].home);
        }
        assert_int_equal(stat_blob(t, t->first), kept ? BF_OK : BF_E_NOT_FOUND);
        if (!kept)
            continue;
        struct bf_blob *blob;
        struct bf_blob_info info;
        assert_int_equal(bf_blob_open(t->first, t->tenant, t->user, t->sha256, &blob, &info, NULL), BF_OK);
        bf_blob_close(&blob);
        t->user = bf_uuid_v7(&t->env);
        t->tenant = bf_uuid_v7(&t->env);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_of_one_upload_reach_either_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_was_overtaken_by_another_process_is_told_and_counts_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_that_comes_late_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_upload_that_is_deleted_while_it_is_finished_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_acknowledgement_whose_answer_was_lost_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_one_process_left_whole_the_other_finishes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_server_made_half_is_settled_by_whoever_sweeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_users_quota_counts_what_all_processes_receive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_upload_expires_wherever_it_was_received, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_wrap_stands_while_any_upload_of_the_bytes_does, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
