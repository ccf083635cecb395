/* SPDX-License-Identifier: Apache-2.0 */
/* What only a look behind the interface shows: restarts, crashes between two steps, files left over. The rules that every driver keeps are in the
 * contract suite. */
#include "core/env.h"
#include "storage/media/info.h"
#include "storage/media/upload.h"
#include "storage/media/wraps.h"
#include "tests/storage/media/fake_store.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"
#include "tests/test.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In the place of libc's. */
static atomic_uint failing_syncs;

int fdatasync(int fd)
{
    unsigned left = atomic_load(&failing_syncs);
    if (left > 0 && atomic_compare_exchange_strong(&failing_syncs, &left, left - 1)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* Of data files that have no name left; and those by any other thread than the one that is there for it. */
static atomic_uint last_closes, last_closes_elsewhere;

int close(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close"); /* the sanitizer's, where there is one */
    char thread[16] = "";
    struct stat st;
    bool last = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
    int ret = real(fd);
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    if (last && strncmp(thread, "stage-spent", 11) != 0)
        atomic_fetch_add(&last_closes_elsewhere, 1);
    if (last)
        atomic_fetch_add(&last_closes, 1);
    return ret;
}

static void fail_next_sync(void *unused)
{
    (void)unused;
    atomic_store(&failing_syncs, 1);
}

enum { TTL_MS = 1000000, QUOTA = 64 << 20, BYTES = 300000 };

struct bench {
    struct bf_env env;
    struct fake *fake;
    struct bf_store *store;
    struct home home;
    struct dice dice;
    struct bf_uuid tenant, user, customer;
    uint8_t *bytes;
    uint8_t sha256[32];
};

static void path_of(const char *name, char out[4096])
{
    const char *root = getenv("BF_TEST_DIR");
    snprintf(out, 4096, "%s/%s", root == NULL ? "." : root, name);
}

static void begin(struct bench *b)
{
    char dir[4096];
    memset(b, 0, sizeof *b);
    close(open_test_dir("stage"));
    close(open_test_dir("stage/stages"));
    close(open_test_dir("stage/blobs"));
    path_of("stage", dir);
    bf_env_fake(&b->env, 1700000000000, test_seed());
    b->fake = fake_create(&b->env, dir, TTL_MS, QUOTA);
    b->store = fake_store(b->fake);
    b->dice.state = test_seed();
    b->tenant = bf_uuid_v7(&b->env);
    b->user = bf_uuid_v7(&b->env);
    b->customer = bf_uuid_v7(&b->env);
    b->bytes = malloc(BYTES);
    roll_bytes(&b->dice, b->bytes, BYTES);
    crypto_hash_sha256(b->sha256, b->bytes, BYTES);
    fake_start(b->fake);
    home_open(&b->home, &b->env);
}

static void end(struct bench *b)
{
    fake_stop(b->fake);
    home_close(&b->home);
    fake_destroy(&b->fake);
    free(b->bytes);
    bf_env_finish(&b->env);
}

static void restart(struct bench *b)
{
    fake_stop(b->fake);
    fake_start(b->fake);
}

static struct bf_stage_new new_upload(struct bench *b, int64_t length)
{
    return (struct bf_stage_new){.id = bf_uuid_v7(&b->env),
                                 .tenant = b->tenant,
                                 .user = b->user,
                                 .length = length,
                                 .max_bytes = 32 << 20,
                                 .metadata = BF_STR("filename Y29udHJhY3QuanBn")};
}

static unsigned files_in(const char *name)
{
    char path[4096];
    unsigned n = 0;
    path_of(name, path);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void expect_blob(struct bench *b, struct bf_uuid holder)
{
    struct bf_blob *blob;
    struct bf_blob_info info;
    uint8_t *back = malloc(BYTES + 1);
    size_t n;
    assert_int_equal(bf_blob_open(b->store, b->tenant, holder, b->sha256, &blob, &info, NULL), BF_OK);
    assert_int_equal(info.size, BYTES);
    assert_int_equal(bf_blob_read(blob, 0, back, BYTES + 1, &n, NULL), BF_OK);
    assert_int_equal(n, BYTES);
    assert_memory_equal(back, b->bytes, BYTES);
    bf_blob_close(&blob);
    free(back);
}

static void an_upload_goes_on_after_a_restart_where_it_was_acknowledged(void **state)
{
    (void)state;
    struct bench b;
    struct bf_stage *stage;
    struct bf_stage_info info;
    begin(&b);
    struct bf_stage_new new = new_upload(&b, -1);
    assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, NULL), BF_OK);
    assert_int_equal(upload_append(&b.home, stage, b.bytes, 100001), BF_OK);
    assert_int_equal(bf_stage_set_length(stage, BYTES, NULL), BF_OK);
    assert_int_equal(upload_sync(&b.home, stage), BF_OK);
    assert_int_equal(b.home.offset, 100001);
    assert_int_equal(b.home.taken, 100001);
    bf_stage_close(&stage);
    restart(&b);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, &info), BF_OK);
    assert_int_equal(info.offset, 100001);
    assert_int_equal(info.length, BYTES);
    assert_false(info.finished);
    assert_int_equal(upload_append(&b.home, stage, b.bytes + 100001, BYTES - 100001), BF_OK);
    assert_int_equal(upload_sync(&b.home, stage), BF_OK);
    assert_int_equal(upload_finish(&b.home, stage), BF_OK);
    assert_memory_equal(b.home.sha256, b.sha256, 32);
    bf_stage_close(&stage);
    restart(&b);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, &info), BF_OK);
    assert_true(info.finished);
    assert_memory_equal(info.sha256, b.sha256, 32);
    assert_int_equal(upload_finish(&b.home, stage), BF_OK);
    assert_memory_equal(b.home.sha256, b.sha256, 32);
    bf_stage_close(&stage);
    expect_blob(&b, b.user);
    assert_int_equal(files_in("stage/stages"), 1);
    assert_int_equal(files_in("stage/blobs"), 1);
    end(&b);
}

/* The document cannot be written: the upload is complete and linked, and nobody holds it. Then the process dies. */
static void a_finish_that_was_cut_short_is_done_by_whoever_comes_next(void **state)
{
    (void)state;
    struct bench b;
    struct bf_stage *stage;
    struct bf_stage_info info;
    begin(&b);
    for (unsigned kind = 0; kind < 3; kind++) {
        struct bf_stage_new new = new_upload(&b, BYTES);
        uint8_t sha256[32];
        fake_fail_writes(b.fake, 1);
        assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_E_UNAVAILABLE);
        if (kind != 1)
            restart(&b);
        if (kind < 2) {
            assert_int_equal(upload_open(&b.home, b.store, &new, &stage, &info), BF_OK);
            bf_stage_close(&stage);
        } else {
            struct bf_arena *arena = bf_arena_create();
            assert_int_equal(bf_stage_info(b.store, b.tenant, b.user, new.id, arena, &info, NULL), BF_OK);
            bf_arena_destroy(&arena);
        }
        assert_true(info.finished);
        assert_memory_equal(info.sha256, b.sha256, 32);
        expect_blob(&b, b.user);
        assert_int_equal(files_in("stage/blobs"), 1);
    }
    end(&b);
}

/* The info file as it was before the outcome was noted is put back: as if the crash came right after the wrap was committed. */
static void a_finish_is_the_same_when_it_is_done_twice(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    struct image info = {0}, data = {0};
    char name[BF__INFO_NAME], data_name[BF__INFO_NAME];
    struct bf_stage *stage;
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    bf__info_name(&new.id, name);
    bf__data_name(&new.id, data_name);
    image_load(b.store->media->stages_fd, name, &info);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, NULL), BF_OK);
    upload_append(&b.home, stage, b.bytes, BYTES);
    assert_int_equal(upload_sync(&b.home, stage), BF_OK);
    assert_int_equal(upload_finish(&b.home, stage), BF_OK);
    bf_stage_close(&stage);
    char blob[BF_UUID_TEXT];
    struct bf__upload *up;
    bool fresh;
    assert_int_equal(bf__upload_find(b.store->media, b.tenant, b.user, new.id, &up, &fresh, NULL), BF_OK);
    bf_uuid_text(&up->file_id, blob);
    bf__upload_unref(up);
    assert_int_equal(linkat(b.store->media->blobs_fd, blob, b.store->media->stages_fd, data_name, 0), 0);
    image_store(b.store->media->stages_fd, name, &info);
    restart(&b);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, NULL), BF_OK);
    assert_int_equal(upload_finish(&b.home, stage), BF_OK);
    bf_stage_close(&stage);
    expect_blob(&b, b.user);
    assert_int_equal(files_in("stage/blobs"), 1);
    assert_int_equal(files_in("stage/stages"), 1);
    assert_int_equal(fake_documents(b.fake), 1);
    new.id = bf_uuid_v7(&b.env);
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    assert_int_equal(files_in("stage/blobs"), 1);
    image_free(&info);
    image_free(&data);
    end(&b);
}

/* The document cannot be written: the file is complete and linked, and nobody holds it. Its sender gives up, or it expires; the next process may do it. */
static void a_finish_that_failed_leaves_nothing_when_its_upload_goes(void **state)
{
    (void)state;
    struct bench b;
    unsigned n;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint8_t sha256[32];
        begin(&b);
        struct bf_stage_new new = new_upload(&b, BYTES);
        fake_fail_writes(b.fake, 100);
        assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_E_UNAVAILABLE);
        assert_int_equal(files_in("stage/blobs"), 1);
        if (kind >= 2)
            restart(&b);
        if (kind % 2 == 0) {
            assert_int_equal(bf_stage_delete(b.store, b.tenant, b.user, new.id, NULL), BF_OK);
        } else {
            bf_env_fake_advance(&b.env, 2 * TTL_MS);
            assert_int_equal(bf_stage_expire(b.store, bf_now_ms(&b.env), &n, NULL), BF_OK);
            assert_int_equal(n, 1);
        }
        assert_int_equal(files_in("stage/blobs"), 0);
        assert_int_equal(files_in("stage/stages"), 0);
        end(&b);
    }
}

/* The wrap is committed, and the outcome cannot be noted. Another holder of the same bytes keeps them. */
static void an_outcome_that_could_not_be_noted_leaves_no_wrap_when_its_upload_goes(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    struct bf_blob_info info;
    for (unsigned others = 0; others < 3; others++) {
        begin(&b);
        struct bf_stage_new new = new_upload(&b, BYTES), same = new_upload(&b, BYTES);
        if (others == 1)
            assert_int_equal(bf_blob_put(b.store, b.tenant, b.customer, bf_str((char *)b.bytes, BYTES), sha256, NULL), BF_OK);
        if (others == 2)
            assert_int_equal(upload_whole(&b.home, b.store, &same, b.bytes, BYTES, sha256), BF_OK);
        fake_after_write(b.fake, fail_next_sync, NULL);
        assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_E_IO);
        assert_int_equal(bf_blob_stat(b.store, b.tenant, b.user, b.sha256, &info, NULL), BF_OK);
        assert_int_equal(bf_stage_delete(b.store, b.tenant, b.user, new.id, NULL), BF_OK);
        assert_int_equal(bf_blob_stat(b.store, b.tenant, b.user, b.sha256, &info, NULL), others == 2 ? BF_OK : BF_E_NOT_FOUND);
        assert_int_equal(files_in("stage/blobs"), others == 0 ? 0 : 1);
        if (others > 0)
            expect_blob(&b, others == 1 ? b.customer : b.user);
        end(&b);
    }
}

/* Of bytes, and of the end of a file whose bytes are all durable. */
static void an_upload_whose_sync_failed_goes_on_with_the_next_request(void **state)
{
    (void)state;
    struct bench b;
    struct bf_stage *stage;
    struct bf_stage_info info;
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    for (int64_t at = 0, n = 100000; at < BYTES; at += n) {
        assert_int_equal(upload_open(&b.home, b.store, &new, &stage, &info), BF_OK);
        assert_int_equal(info.offset, at);
        fail_next_sync(NULL);
        assert_int_equal(upload_append(&b.home, stage, b.bytes + at, (size_t)n), BF_OK);
        assert_int_equal(upload_sync(&b.home, stage), BF_E_IO);
        if (at > 0) /* else the next request comes while the one that failed is there still */
            bf_stage_close(&stage);
        struct bf_stage *again;
        assert_int_equal(upload_open(&b.home, b.store, &new, &again, &info), BF_OK);
        assert_int_equal(info.offset, at);
        assert_int_equal(upload_append(&b.home, again, b.bytes + at, (size_t)n), BF_OK);
        assert_int_equal(upload_sync(&b.home, again), BF_OK);
        bf_stage_close(&stage);
        stage = again;
        if (at + n < BYTES)
            bf_stage_close(&stage);
    }
    fail_next_sync(NULL);
    assert_int_equal(upload_finish(&b.home, stage), BF_E_IO);
    bf_stage_close(&stage);
    assert_int_equal(upload_open(&b.home, b.store, &new, &stage, &info), BF_OK);
    assert_true(info.finished);
    bf_stage_close(&stage);
    expect_blob(&b, b.user);
    end(&b);
}

struct deletion {
    struct bench *b;
    struct bf_stage_new *upload;
    pthread_t thread;
    bool has_begun;
};

static void *delete_upload(void *arg)
{
    struct deletion *d = arg;
    assert_int_equal(bf_stage_delete(d->b->store, d->b->tenant, d->b->user, d->upload->id, NULL), BF_OK);
    return NULL;
}

/* Gives a deletion that need not wait the time to come to its end; one that waits for the finish goes on behind it. */
static void begin_deletion(void *ctx)
{
    struct deletion *d = ctx;
    struct timespec until;
    d->has_begun = true;
    assert_int_equal(pthread_create(&d->thread, NULL, delete_upload, d), 0);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    if (pthread_clockjoin_np(d->thread, NULL, CLOCK_MONOTONIC, &until) == 0)
        d->thread = 0;
}

/* The second upload has its wrap, and its outcome is not noted yet, when the first one of the same bytes is deleted. */
static void the_end_of_an_upload_takes_nothing_from_one_of_the_same_bytes_that_finishes(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    begin(&b);
    struct bf_stage_new first = new_upload(&b, BYTES), second = new_upload(&b, BYTES);
    struct deletion deletion = {.b = &b, .upload = &first};
    assert_int_equal(upload_whole(&b.home, b.store, &first, b.bytes, BYTES, sha256), BF_OK);
    fake_after_write(b.fake, begin_deletion, &deletion);
    assert_int_equal(upload_whole(&b.home, b.store, &second, b.bytes, BYTES, sha256), BF_OK);
    assert_true(deletion.has_begun);
    if (deletion.thread != 0)
        pthread_join(deletion.thread, NULL);
    expect_blob(&b, b.user);
    assert_int_equal(files_in("stage/stages"), 1);
    assert_int_equal(bf_stage_delete(b.store, b.tenant, b.user, second.id, NULL), BF_OK);
    assert_int_equal(files_in("stage/blobs"), 0);
    end(&b);
}

/* A dead blob's document is taken away later. */
static void expect_buried(struct bench *b)
{
    unsigned n;
    assert_int_equal(fake_documents(b->fake), 1);
    bf_env_fake_advance(&b->env, BF__BURY_AFTER_MS);
    assert_int_equal(bf_stage_expire(b->store, 0, &n, NULL), BF_OK);
    assert_int_equal(fake_documents(b->fake), 0);
}

static void equal_bytes_are_kept_once_and_deleted_with_the_last_holder(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    struct bf_blob_info info;
    begin(&b);
    struct bf_stage_new first = new_upload(&b, BYTES), second = new_upload(&b, BYTES);
    second.user = b.customer; /* somebody else */
    assert_int_equal(upload_whole(&b.home, b.store, &first, b.bytes, BYTES, sha256), BF_OK);
    assert_int_equal(bf_blob_stat(b.store, b.tenant, second.user, sha256, &info, NULL), BF_E_NOT_FOUND);
    assert_int_equal(upload_whole(&b.home, b.store, &second, b.bytes, BYTES, sha256), BF_OK);
    assert_memory_equal(sha256, b.sha256, 32);
    assert_int_equal(files_in("stage/blobs"), 1);
    assert_int_equal(bf_blob_release(b.store, b.tenant, first.user, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_stat(b.store, b.tenant, first.user, sha256, &info, NULL), BF_E_NOT_FOUND);
    expect_blob(&b, second.user);
    assert_int_equal(bf_blob_release(b.store, b.tenant, second.user, sha256, NULL), BF_OK);
    assert_int_equal(bf_blob_release(b.store, b.tenant, second.user, sha256, NULL), BF_OK);
    assert_int_equal(files_in("stage/blobs"), 0);
    expect_buried(&b);
    end(&b);
}

/* A brochure's picture on the customers of a large company. */
static void equal_bytes_have_thousands_of_holders(void **state)
{
    (void)state;
    struct bench b;
    struct bf_blob_info info;
    uint8_t sha256[32];
    struct bf_uuid holder, first = {{0}};
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    for (unsigned i = 1; i < 1100; i++) {
        holder = bf_uuid_v7(&b.env);
        first = i == 1 ? holder : first;
        assert_int_equal(bf_blob_bind(b.store, b.tenant, b.user, holder, sha256, NULL), BF_OK);
    }
    assert_int_equal(bf_blob_stat(b.store, b.tenant, first, sha256, &info, NULL), BF_OK);
    assert_int_equal(bf_blob_release(b.store, b.tenant, first, sha256, NULL), BF_OK);
    expect_blob(&b, holder);
    end(&b);
}

/* Else the last close would free 25 MB of blocks while the sender waits, and tell him that somebody has these bytes. */
static void the_blocks_of_bytes_that_were_there_before_are_freed_while_nobody_waits(void **state)
{
    (void)state;
    enum { SENT = BF__SPENT_MAX + 8 };
    struct bench b;
    uint8_t sha256[32];
    begin(&b);
    atomic_store(&last_closes, 0);
    atomic_store(&last_closes_elsewhere, 0);
    for (unsigned i = 0; i <= SENT; i++) {
        struct bf_stage_new new = new_upload(&b, BYTES);
        assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    }
    while (atomic_load(&last_closes) < SENT) /* without a sweep */
        sched_yield();
    assert_int_equal(atomic_load(&last_closes_elsewhere), 0);
    end(&b);
}

static void while_a_backup_runs_no_blob_goes_and_the_same_bytes_get_a_new_file(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    unsigned n;
    begin(&b);
    assert_int_equal(bf_blob_put(b.store, b.tenant, b.customer, bf_str((char *)b.bytes, BYTES), sha256, NULL), BF_OK);
    assert_memory_equal(sha256, b.sha256, 32);
    expect_blob(&b, b.customer);
    bf__media_hold(b.store);
    assert_int_equal(bf_blob_release(b.store, b.tenant, b.customer, sha256, NULL), BF_OK);
    assert_int_equal(bf_stage_expire(b.store, 0, &n, NULL), BF_OK);
    assert_int_equal(files_in("stage/blobs"), 1);
    assert_int_equal(bf_blob_put(b.store, b.tenant, b.user, bf_str((char *)b.bytes, BYTES), sha256, NULL), BF_OK);
    expect_blob(&b, b.user);
    assert_int_equal(files_in("stage/blobs"), 2);
    assert_int_equal(bf_blob_release(b.store, b.tenant, b.user, sha256, NULL), BF_OK);
    bf__media_release(b.store);
    assert_int_equal(bf_stage_expire(b.store, 0, &n, NULL), BF_OK);
    assert_int_equal(files_in("stage/blobs"), 0);
    expect_buried(&b);
    end(&b);
}

/* Nobody can say whether the bytes are needed. Meanwhile others that finish the same bytes are not held up. */
static enum bf_status cannot_say(void *ctx, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct bench *b = ctx;
    pthread_mutex_t *settling = bf__settle_lock(b->store->media, sha256);
    (void)tenant, (void)user, (void)ret;
    assert_int_equal(pthread_mutex_trylock(settling), 0);
    pthread_mutex_unlock(settling);
    return bf_fail(e, BF_E_CORRUPT, "a record cannot be read");
}

static void one_upload_that_cannot_expire_holds_nothing_else_back(void **state)
{
    (void)state;
    struct bench b;
    struct bf_error e = {0};
    uint8_t sha256[32], other[32];
    unsigned n;
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    assert_int_equal(bf_blob_put(b.store, b.tenant, b.customer, BF_STR("other bytes"), other, NULL), BF_OK);
    bf__media_hold(b.store);
    assert_int_equal(bf_blob_release(b.store, b.tenant, b.customer, other, NULL), BF_OK);
    bf__media_release(b.store);
    assert_int_equal(files_in("stage/blobs"), 2);
    bf_stage_set_needed(b.store, cannot_say, &b);
    assert_int_equal(bf_stage_expire(b.store, INT64_MAX / 2, &n, &e), BF_E_CORRUPT);
    assert_string_equal(e.cause, "a record cannot be read");
    assert_int_equal(files_in("stage/blobs"), 1);
    expect_blob(&b, b.user);
    end(&b);
}

struct script {
    bool needed;
    unsigned asked;
};

static enum bf_status by_script(void *ctx, struct bf_uuid tenant, struct bf_uuid user, const uint8_t sha256[32], bool *ret, struct bf_error *e)
{
    struct script *script = ctx;
    (void)tenant, (void)user, (void)sha256, (void)e;
    script->asked++;
    *ret = script->needed;
    return BF_OK;
}

static void sweep_after(struct bench *b, int64_t ms)
{
    unsigned n;
    bf_env_fake_advance(&b->env, ms);
    assert_int_equal(bf_stage_expire(b->store, 0, &n, NULL), BF_OK);
}

/* The visit looked for the bytes before they were given back, and is committed after. */
static void bytes_that_a_late_record_needs_are_put_back(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 4; late++) { /* in time; not at all; when equal bytes of another came meanwhile, and are leaving, too; or stay */
        struct bench b;
        struct bf_blob_info info;
        struct script script = {.needed = false};
        uint8_t sha256[32];
        begin(&b);
        bf_stage_set_needed(b.store, by_script, &script);
        struct bf_stage_new new = new_upload(&b, BYTES), other = new_upload(&b, BYTES);
        other.user = b.customer;
        assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
        assert_int_equal(bf_stage_delete(b.store, b.tenant, b.user, new.id, NULL), BF_OK);
        assert_int_equal(bf_blob_stat(b.store, b.tenant, b.user, sha256, &info, NULL), BF_E_NOT_FOUND);
        assert_int_equal(script.asked, 1);
        sweep_after(&b, BF__LEAVING_MS - 1);
        assert_int_equal(script.asked, 1);
        assert_int_equal(files_in("stage/blobs"), 1);
        if (late >= 2)
            assert_int_equal(upload_whole(&b.home, b.store, &other, b.bytes, BYTES, sha256), BF_OK);
        if (late == 2)
            assert_int_equal(bf_stage_delete(b.store, b.tenant, other.user, other.id, NULL), BF_OK);
        script = (struct script){.needed = late != 1};
        sweep_after(&b, 1);
        assert_int_equal(script.asked, late == 1 ? 1 : 2);
        if (late != 1)
            expect_blob(&b, b.user);
        if (late == 3)
            expect_blob(&b, other.user);
        script.needed = false;
        sweep_after(&b, BF__LEAVING_MS);
        assert_int_equal(files_in("stage/blobs"), late == 1 ? 0 : 1);
        if (late != 1)
            expect_blob(&b, b.user);
        end(&b);
    }
}

static void all_that_are_due_expire_at_once(void **state)
{
    (void)state;
    enum { MANY = 300 };
    struct bench b;
    unsigned n;
    begin(&b);
    for (unsigned i = 0; i < MANY; i++) {
        struct bf_stage_new new = new_upload(&b, 1000);
        bf_random(&b.env, &new.id, 4); /* in no order */
        assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    }
    assert_int_equal(files_in("stage/stages"), 2 * MANY);
    assert_int_equal(bf_stage_expire(b.store, INT64_MAX / 2, &n, NULL), BF_OK);
    assert_int_equal(n, MANY);
    assert_int_equal(files_in("stage/stages"), 0);
    end(&b);
}

static void a_blob_that_cannot_be_read_is_mended_by_the_same_bytes(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    char path[4096];
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(bf_blob_put(b.store, b.tenant, b.customer, bf_str((char *)b.bytes, BYTES), sha256, NULL), BF_OK);
    path_of("stage/blobs", path);
    close(open_test_dir("stage/blobs")); /* empties it */
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    expect_blob(&b, b.user);
    expect_blob(&b, b.customer);
    fake_destroy_key(b.fake, b.customer);
    struct bf_blob *blob;
    struct bf_blob_info info;
    assert_int_equal(bf_blob_open(b.store, b.tenant, b.customer, sha256, &blob, &info, NULL), BF_E_GONE);
    fake_destroy_key(b.fake, b.user);
    new = new_upload(&b, BYTES);
    new.user = bf_uuid_v7(&b.env);
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    expect_blob(&b, new.user);
    assert_int_equal(files_in("stage/blobs"), 1);
    end(&b);
}

static void a_put_that_was_cut_short_leaves_nothing(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    begin(&b);
    struct bf_uuid doc = bf_uuid_v7(&b.env), file = bf_uuid_v7(&b.env);
    char name[160], t[BF_UUID_TEXT], d[BF_UUID_TEXT], f[BF_UUID_TEXT];
    bf_uuid_text(&b.tenant, t);
    bf_uuid_text(&doc, d);
    bf_uuid_text(&file, f);
    snprintf(name, sizeof name, "%s.%s.%s.put", t, d, f);
    struct image image = {.p = b.bytes, .n = 100};
    image_store(b.store->media->stages_fd, name, &image);
    image_store(b.store->media->blobs_fd, f, &image);
    assert_int_equal(bf_blob_put(b.store, b.tenant, b.customer, bf_str((char *)b.bytes, BYTES), sha256, NULL), BF_OK);
    restart(&b);
    assert_int_equal(files_in("stage/stages"), 0);
    assert_int_equal(files_in("stage/blobs"), 1);
    expect_blob(&b, b.customer);
    end(&b);
}

static void the_key_of_a_blob_stays_in_no_file(void **state)
{
    (void)state;
    struct bench b;
    uint8_t sha256[32];
    struct bf__info info;
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    struct bf_key zero = {{0}};
    assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    assert_int_equal(bf__info_read(&b.store->media->master, b.store->media->stages_fd, new.id, &info, NULL), BF_OK);
    assert_memory_not_equal(&info.key, &zero, sizeof zero);
    new.id = bf_uuid_v7(&b.env);
    assert_int_equal(upload_whole(&b.home, b.store, &new, b.bytes, BYTES, sha256), BF_OK);
    assert_int_equal(bf__info_read(&b.store->media->master, b.store->media->stages_fd, new.id, &info, NULL), BF_OK);
    assert_memory_equal(&info.key, &zero, sizeof zero);
    assert_true(info.finished);
    end(&b);
}

static void a_flipped_bit_in_an_info_file_is_refused(void **state)
{
    (void)state;
    struct bench b;
    struct image image = {0};
    struct bf__info info;
    char name[BF__INFO_NAME];
    begin(&b);
    struct bf_stage_new new = new_upload(&b, BYTES);
    assert_int_equal(bf_stage_create(b.store, &new, NULL), BF_OK);
    bf__info_name(&new.id, name);
    int dir = b.store->media->stages_fd;
    image_load(dir, name, &image);
    for (size_t at = 0; at < image.n; at++) {
        bool spare = (at >= 24 && at < 64) || (at >= 124 && at < 128) || (at >= 204 && at < 512);
        image.p[at] ^= 0x10;
        image_store(dir, name, &image);
        enum bf_status status = bf__info_read(&b.store->media->master, dir, new.id, &info, NULL);
        assert_int_equal(status, spare ? BF_OK : BF_E_CORRUPT);
        image.p[at] ^= 0x10;
    }
    image_free(&image);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upload_goes_on_after_a_restart_where_it_was_acknowledged),
        cmocka_unit_test(a_finish_that_was_cut_short_is_done_by_whoever_comes_next),
        cmocka_unit_test(an_upload_whose_sync_failed_goes_on_with_the_next_request),
        cmocka_unit_test(a_finish_is_the_same_when_it_is_done_twice),
        cmocka_unit_test(a_finish_that_failed_leaves_nothing_when_its_upload_goes),
        cmocka_unit_test(an_outcome_that_could_not_be_noted_leaves_no_wrap_when_its_upload_goes),
        cmocka_unit_test(the_end_of_an_upload_takes_nothing_from_one_of_the_same_bytes_that_finishes),
        cmocka_unit_test(equal_bytes_are_kept_once_and_deleted_with_the_last_holder),
        cmocka_unit_test(equal_bytes_have_thousands_of_holders),
        cmocka_unit_test(one_upload_that_cannot_expire_holds_nothing_else_back),
        cmocka_unit_test(bytes_that_a_late_record_needs_are_put_back),
        cmocka_unit_test(all_that_are_due_expire_at_once),
        cmocka_unit_test(the_blocks_of_bytes_that_were_there_before_are_freed_while_nobody_waits),
        cmocka_unit_test(while_a_backup_runs_no_blob_goes_and_the_same_bytes_get_a_new_file),
        cmocka_unit_test(a_blob_that_cannot_be_read_is_mended_by_the_same_bytes),
        cmocka_unit_test(a_put_that_was_cut_short_leaves_nothing),
        cmocka_unit_test(the_key_of_a_blob_stays_in_no_file),
        cmocka_unit_test(a_flipped_bit_in_an_info_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
