/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data file of an upload against a model: random appends, syncs, rollbacks and crashes. A crash leaves, block by block, any of the versions that the
 * file had since the last fdatasync, and any size between them: writes may be torn, reordered and lost, but nothing synced may change.
 */
#include "storage/media/file.h"
#include "core/env.h"
#include "storage/media/frames.h"
#include "tests/storage/media/media_files.h"
#include "tests/test.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CONTENT_MAX = 4 << 20, VERSIONS_MAX = 64 };

struct run {
    struct bf_env env;
    struct dice dice;
    int dir;
    struct bf_key key;
    struct bf_uuid id;
    struct bf__file *file;
    uint8_t *content; /* what was appended */
    size_t n, acked, marked;
    uint64_t fence;
    bool has_mark;
    struct image versions[VERSIONS_MAX]; /* since the last sync; [0] is what the sync made durable */
    unsigned n_versions;
    uint8_t rec[BF__FILE_ROOM];
};

/* In the place of libc's: what was asked for, and a disk that fails. The failed pages stay in the page cache, clean, as they do in the kernel. */
static unsigned syncs, writes, failing_syncs;
static bool was_written; /* since the last sync that was asked for */

int fdatasync(int fd)
{
    syncs++;
    was_written = false;
    if (failing_syncs > 0) {
        failing_syncs--;
        errno = EIO;
        return -1;
    }
    return fd < 0 ? -1 : 0; /* a process that lives on sees no difference */
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    was_written = true;
    writes++;
    return syscall(SYS_pwrite64, fd, p, n, at);
}

static void remember_version(struct run *r)
{
    if (r->n_versions == VERSIONS_MAX) {
        image_free(&r->versions[1]);
        memmove(&r->versions[1], &r->versions[2], (VERSIONS_MAX - 2) * sizeof r->versions[0]);
        r->versions[VERSIONS_MAX - 1] = (struct image){0};
        r->n_versions--;
    }
    image_load(r->dir, "f", &r->versions[r->n_versions++]);
}

static void forget_versions(struct run *r)
{
    while (r->n_versions > 0)
        image_free(&r->versions[--r->n_versions]);
}

static void begin(struct run *r, uint64_t seed)
{
    memset(r, 0, offsetof(struct run, rec));
    bf_env_fake(&r->env, 1700000000000, seed);
    r->dice.state = seed;
    r->dir = open_test_dir("file");
    r->content = malloc(CONTENT_MAX);
    bf_key_random(&r->env, &r->key);
    r->id = bf_uuid_v7(&r->env);
    assert_int_equal(bf__file_create_at(&r->env, r->dir, "f", &r->key, r->id, &r->file, NULL), BF_OK);
    remember_version(r);
}

static void end(struct run *r)
{
    bf__file_close(&r->file);
    forget_versions(r);
    free(r->content);
    close(r->dir);
    bf_env_finish(&r->env);
}

static size_t pick_size(struct run *r)
{
    static const uint32_t most[] = {1, 100, 3000, 9000, BF__BODY_MAX};
    uint32_t limit = most[roll(&r->dice, 5)];
    size_t n = roll(&r->dice, 8) == 0 ? limit : 1 + roll(&r->dice, limit);
    return r->n + n > CONTENT_MAX ? 0 : n;
}

static size_t fill(struct run *r)
{
    size_t n = pick_size(r);
    roll_bytes(&r->dice, r->rec + BF__HEAD, n);
    memcpy(r->content + r->n, r->rec + BF__HEAD, n);
    r->n += n;
    return n;
}

static void append(struct run *r)
{
    size_t n = fill(r);
    if (n > 0)
        assert_int_equal(bf__file_append(r->file, r->rec, n, NULL), BF_OK);
    remember_version(r);
}

static void sync_file(struct run *r, bool acknowledged)
{
    size_t n = fill(r);
    struct bf__position position = {.length = -1, .at_ms = 5, .fence = ++r->fence};
    assert_int_equal(bf__file_sync(r->file, r->rec, n, &position, NULL), BF_OK);
    assert_int_equal(position.offset, r->n);
    r->has_mark = false;
    if (acknowledged) {
        forget_versions(r);
        r->acked = r->n;
    }
    remember_version(r);
}

static void mark(struct run *r)
{
    bf__file_mark(r->file);
    r->marked = r->n;
    r->has_mark = true;
}

/* The retry after a wrong checksum: chunks of the very sizes that were forgotten, with other bytes. */
static void rollback(struct run *r)
{
    assert_int_equal(bf__file_rollback(r->file, NULL), BF_OK);
    if (r->has_mark)
        r->n = r->marked;
    r->has_mark = false;
    assert_int_equal(bf__file_offset(r->file), r->n);
    remember_version(r);
}

/* Mixes the versions, block by block. */
static void tear(struct run *r)
{
    static const size_t blocks[] = {1, 512, 4096};
    size_t block = blocks[roll(&r->dice, 3)], durable = r->versions[0].n, most = durable;
    for (unsigned i = 0; i < r->n_versions; i++)
        most = r->versions[i].n > most ? r->versions[i].n : most;
    struct image torn = {.p = calloc(1, most + 1), .n = durable + roll(&r->dice, (uint32_t)(most - durable + 1))};
    if (roll(&r->dice, 2) == 0)
        torn.n = most;
    for (size_t at = 0; at < torn.n; at += block) {
        const struct image *from = &r->versions[block == 1 ? r->n_versions - 1 : roll(&r->dice, r->n_versions)];
        size_t n = at + block <= torn.n ? block : torn.n - at;
        if (at < from->n)
            memcpy(torn.p + at, from->p + at, n <= from->n - at ? n : from->n - at);
    }
    memcpy(torn.p, r->versions[0].p, durable);
    image_store(r->dir, "f", &torn);
    image_free(&torn);
}

static void expect_content(struct run *r, const char *name, size_t n)
{
    struct bf__frames *frames;
    uint8_t *back = malloc(n + 2), sha256[32];
    size_t got, from = n == 0 ? 0 : roll(&r->dice, (uint32_t)n);
    assert_int_equal(bf__frames_open(&r->env, bf__io_file(openat(r->dir, name, O_RDONLY)), &r->key, r->id, &frames, NULL), BF_OK);
    assert_int_equal(bf__frames_foot(frames)->size, n);
    crypto_hash_sha256(sha256, r->content, n);
    assert_memory_equal(bf__frames_foot(frames)->sha256, sha256, 32);
    assert_int_equal(bf__frames_read(frames, (int64_t)from, back, n + 1, &got, NULL), BF_OK);
    assert_int_equal(got, n - from);
    assert_memory_equal(back, r->content + from, got);
    assert_int_equal(bf__frames_read(frames, 0, back, n, &got, NULL), BF_OK);
    assert_int_equal(got, n);
    assert_memory_equal(back, r->content, n);
    bf__frames_close(&frames);
    free(back);
}

/* Completes a copy, so that the run goes on with the file itself; the completed copy must survive being opened again. */
static void expect_bytes(struct run *r)
{
    struct image copy = {0};
    struct bf__file *file;
    struct bf__position position;
    uint8_t sha256[32], again[32];
    bool complete;
    image_load(r->dir, "f", &copy);
    image_store(r->dir, "copy", &copy);
    image_free(&copy);
    assert_int_equal(bf__file_open_at(&r->env, r->dir, "copy", &r->key, r->id, &file, &position, &complete, NULL), BF_OK);
    assert_false(complete);
    assert_int_equal(bf__file_complete(file, sha256, NULL), BF_OK);
    bf__file_close(&file);
    expect_content(r, "copy", r->n);
    assert_int_equal(bf__file_open_at(&r->env, r->dir, "copy", &r->key, r->id, &file, &position, &complete, NULL), BF_OK);
    assert_true(complete);
    assert_int_equal(position.offset, r->n);
    assert_int_equal(bf__file_complete(file, again, NULL), BF_OK);
    assert_memory_equal(sha256, again, 32);
    bf__file_close(&file);
    expect_content(r, "copy", r->n);
}

/* What the file says when it is opened is told to clients: if no sync stands behind it, the next crash may bring back any older version. */
static void reopen(struct run *r, size_t at_most)
{
    struct bf__position position;
    bool complete;
    unsigned before = syncs;
    assert_int_equal(bf__file_open_at(&r->env, r->dir, "f", &r->key, r->id, &r->file, &position, &complete, NULL), BF_OK);
    assert_false(complete);
    assert_in_range(position.offset, r->acked, at_most);
    r->n = r->acked = (size_t)position.offset;
    r->has_mark = false;
    assert_true(position.fence <= r->fence);
    assert_int_equal(bf__file_offset(r->file), r->n);
    if (syncs > before && !was_written)
        forget_versions(r);
    remember_version(r);
    expect_bytes(r);
}

static void crash(struct run *r)
{
    if (roll(&r->dice, 3) == 0)
        sync_file(r, false); /* written, and cut before the fdatasync returned */
    size_t at_most = r->n > r->acked ? CONTENT_MAX : r->acked;
    bf__file_close(&r->file);
    tear(r);
    reopen(r, at_most);
}

static void what_was_acknowledged_survives_every_crash(void **state)
{
    (void)state;
    static struct run r;
    for (unsigned round = 0; round < test_rounds(25); round++) {
        begin(&r, test_seed() * 1000 + round);
        for (unsigned step = 0; step < 60; step++) {
            uint32_t what = roll(&r.dice, 20);
            if (what < 8)
                append(&r);
            else if (what < 13)
                sync_file(&r, true);
            else if (what < 15)
                mark(&r);
            else if (what < 17)
                rollback(&r);
            else
                crash(&r);
        }
        end(&r);
    }
}

/* The crash that a sum of tags is there for: a chunk is forgotten for its checksum and sent again in the same sizes with other bytes; then the STATE
 * reaches the disk, and the new bytes do not. */
static void a_state_is_not_believed_over_the_bytes_of_a_chunk_that_was_forgotten(void **state)
{
    (void)state;
    static struct run r;
    begin(&r, 77);
    struct bf__position position = {.length = -1, .fence = 1};
    struct image old = {0}, new = {0};
    sync_file(&r, true);
    size_t durable = r.n, start = r.versions[0].n;
    bf__file_mark(r.file);
    memset(r.rec, 'a', 1000 + BF__HEAD);
    assert_int_equal(bf__file_append(r.file, r.rec, 1000, NULL), BF_OK);
    image_load(r.dir, "f", &old);
    assert_int_equal(bf__file_rollback(r.file, NULL), BF_OK);
    memset(r.rec, 'b', 1000 + BF__HEAD);
    assert_int_equal(bf__file_sync(r.file, r.rec, 1000, &position, NULL), BF_OK);
    image_load(r.dir, "f", &new);
    bf__file_close(&r.file);
    memcpy(new.p + start, old.p + start, old.n - start);
    image_store(r.dir, "f", &new);
    reopen(&r, CONTENT_MAX);
    assert_int_equal(r.n, durable);
    image_free(&old);
    image_free(&new);
    end(&r);
}

static void make_written(struct run *r, size_t n)
{
    memset(r->rec, 'x', BF__HEAD + n);
    memset(r->content + r->n, 'x', n);
    r->n += n;
}

/* Opens "f" as the next process does: what it then says was written anew and synced by itself, after all its writes. */
static bool open_again(struct run *r, size_t *ret_offset)
{
    struct bf__position position;
    bool complete;
    unsigned synced = syncs, written = writes;
    bf__file_close(&r->file);
    assert_int_equal(bf__file_open_at(&r->env, r->dir, "f", &r->key, r->id, &r->file, &position, &complete, NULL), BF_OK);
    assert_true(syncs > synced && writes > written);
    assert_false(was_written);
    *ret_offset = (size_t)position.offset;
    return complete;
}

/* A process may have died between a write and the return of its sync, and the page cache outlives it. An opening whose own sync fails says nothing, and the
 * next one may not rely on pages which that sync left behind. */
static void what_may_be_in_the_cache_only_is_synced_before_it_is_believed(void **state)
{
    (void)state;
    static struct run r;
    struct bf__position position = {.length = -1, .fence = 1};
    uint8_t sha256[32];
    size_t offset;
    begin(&r, 78);
    make_written(&r, 1000);
    assert_int_equal(bf__file_sync(r.file, r.rec, 1000, &position, NULL), BF_OK);
    for (unsigned complete = 0; complete < 2; complete++) {
        bool found;
        assert_int_equal(open_again(&r, &offset), complete);
        assert_int_equal(offset, 1000);
        bf__file_close(&r.file);
        failing_syncs = 1;
        assert_int_equal(bf__file_open_at(&r.env, r.dir, "f", &r.key, r.id, &r.file, &position, &found, NULL), BF_E_IO);
        assert_null(r.file);
        assert_int_equal(open_again(&r, &offset), complete);
        assert_int_equal(offset, 1000);
        assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_OK);
    }
    expect_content(&r, "f", 1000);
    end(&r);
}

static void what_a_failed_sync_left_in_the_cache_is_never_found_again(void **state)
{
    (void)state;
    static struct run r;
    struct bf__position position = {.length = -1, .fence = 1};
    uint8_t sha256[32];
    size_t offset;
    begin(&r, 79);
    make_written(&r, 1000);
    assert_int_equal(bf__file_sync(r.file, r.rec, 1000, &position, NULL), BF_OK);
    failing_syncs = 1;
    assert_int_equal(bf__file_sync(r.file, r.rec, 500, &position, NULL), BF_E_IO);
    assert_int_equal(bf__file_sync(r.file, r.rec, 500, &position, NULL), BF_E_IO);
    assert_false(open_again(&r, &offset));
    assert_int_equal(offset, 1000);
    failing_syncs = 1;
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_E_IO);
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_E_IO);
    assert_false(open_again(&r, &offset));
    assert_int_equal(offset, 1000);
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_OK);
    expect_content(&r, "f", 1000);
    end(&r);
}

/* Three records, states between them, small enough to flip every bit. */
static void make_small(struct run *r)
{
    begin(r, 99);
    for (unsigned i = 0; i < 3; i++) {
        struct bf__position position = {.length = -1, .fence = i};
        roll_bytes(&r->dice, r->content + r->n, 40);
        memcpy(r->rec + BF__HEAD, r->content + r->n, 40);
        r->n += 40;
        assert_int_equal(bf__file_sync(r->file, r->rec, 40, &position, NULL), BF_OK);
    }
}

/* Recovers "f" and completes it; true when 120 bytes read back. Fewer, or an error, may come of damage; other bytes never. */
static bool recovers_all(struct run *r)
{
    struct bf__position position;
    struct bf__frames *frames;
    uint8_t sha256[32], back[121];
    size_t got = 0;
    bool complete;
    assert_int_equal(bf__file_open_at(&r->env, r->dir, "f", &r->key, r->id, &r->file, &position, &complete, NULL), BF_OK);
    enum bf_status status = bf__file_complete(r->file, sha256, NULL);
    bf__file_close(&r->file);
    if (status != BF_OK || bf__frames_open(&r->env, bf__io_file(openat(r->dir, "f", O_RDONLY)), &r->key, r->id, &frames, NULL) != BF_OK)
        return false;
    status = bf__frames_read(frames, 0, back, sizeof back, &got, NULL);
    bf__frames_close(&frames);
    if (status == BF_OK) {
        assert_int_equal(got, position.offset);
        assert_memory_equal(back, r->content, got);
    }
    return status == BF_OK && got == 120;
}

static void a_flipped_bit_in_an_upload_never_changes_its_bytes(void **state)
{
    (void)state;
    static struct run r;
    struct image whole = {0};
    make_small(&r);
    bf__file_close(&r.file);
    image_load(r.dir, "f", &whole);
    for (size_t at = BF__FILE_START; at < whole.n; at++) {
        uint8_t flip = (uint8_t)(1 << roll(&r.dice, 8));
        whole.p[at] ^= flip;
        image_store(r.dir, "f", &whole);
        assert_false(recovers_all(&r));
        whole.p[at] ^= flip;
    }
    image_store(r.dir, "f", &whole);
    assert_true(recovers_all(&r));
    image_free(&whole);
    end(&r);
}

static bool reads_back(struct run *r)
{
    struct bf__frames *frames;
    uint8_t back[121];
    size_t got;
    if (bf__frames_open(&r->env, bf__io_file(openat(r->dir, "f", O_RDONLY)), &r->key, r->id, &frames, NULL) != BF_OK)
        return false;
    enum bf_status status = bf__frames_read(frames, 0, back, sizeof back, &got, NULL);
    bf__frames_close(&frames);
    if (status != BF_OK)
        return false;
    assert_int_equal(got, 120);
    assert_memory_equal(back, r->content, 120);
    return true;
}

/* STATE records are not read any more once the file is complete; a flip there is harmless, and every other one is found. */
static void a_flipped_bit_in_a_blob_is_found_when_it_is_read(void **state)
{
    (void)state;
    static struct run r;
    struct image whole = {0};
    uint8_t sha256[32];
    size_t harmless = 0;
    make_small(&r);
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_OK);
    bf__file_close(&r.file);
    image_load(r.dir, "f", &whole);
    assert_true(reads_back(&r));
    for (size_t bit = 0; bit < whole.n * 8; bit++) {
        whole.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        image_store(r.dir, "f", &whole);
        harmless += reads_back(&r);
        whole.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(harmless, (size_t)3 * 8 * (BF__OVERHEAD + BF__STATE_BODY));
    whole.n--;
    image_store(r.dir, "f", &whole);
    assert_false(reads_back(&r));
    r.id.b[0] ^= 1;
    whole.n++;
    image_store(r.dir, "f", &whole);
    assert_false(reads_back(&r));
    image_free(&whole);
    end(&r);
}

/* More records than one INDEX holds, of uneven lengths. */
static void any_offset_of_a_blob_of_many_records_can_be_read(void **state)
{
    (void)state;
    static struct run r;
    uint8_t sha256[32], back[5000];
    struct bf__frames *frames;
    struct bf__position position = {.length = -1};
    begin(&r, 5);
    for (unsigned i = 0; i < 5000; i++) {
        size_t n = 1 + roll(&r.dice, 300);
        roll_bytes(&r.dice, r.content + r.n, n);
        memcpy(r.rec + BF__HEAD, r.content + r.n, n);
        r.n += n;
        assert_int_equal(bf__file_append(r.file, r.rec, n, NULL), BF_OK);
    }
    assert_int_equal(bf__file_sync(r.file, r.rec, 0, &position, NULL), BF_OK);
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_OK);
    assert_int_equal(bf__frames_open(&r.env, bf__io_file(openat(r.dir, "f", O_RDONLY)), &r.key, r.id, &frames, NULL), BF_OK);
    for (unsigned i = 0; i < 2000; i++) {
        size_t from = roll(&r.dice, (uint32_t)r.n + 10), want = roll(&r.dice, sizeof back), got, there = from < r.n ? r.n - from : 0;
        assert_int_equal(bf__frames_read(frames, (int64_t)from, back, want, &got, NULL), BF_OK);
        assert_int_equal(got, want < there ? want : there);
        assert_memory_equal(back, r.content + from, got);
    }
    bf__frames_close(&frames);
    expect_content(&r, "f", r.n);
    end(&r);
}

static void an_upload_of_nothing_completes(void **state)
{
    (void)state;
    static struct run r;
    uint8_t sha256[32];
    begin(&r, 6);
    assert_int_equal(bf__file_complete(r.file, sha256, NULL), BF_OK);
    expect_content(&r, "f", 0);
    bf__file_close(&r.file);
    unlinkat(r.dir, "f", 0);
    struct bf__position position;
    bool complete;
    assert_int_equal(bf__file_open_at(&r.env, r.dir, "f", &r.key, r.id, &r.file, &position, &complete, NULL), BF_OK);
    assert_int_equal(position.offset, 0);
    assert_int_equal(position.length, -1);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_acknowledged_survives_every_crash),
        cmocka_unit_test(a_state_is_not_believed_over_the_bytes_of_a_chunk_that_was_forgotten),
        cmocka_unit_test(what_may_be_in_the_cache_only_is_synced_before_it_is_believed),
        cmocka_unit_test(what_a_failed_sync_left_in_the_cache_is_never_found_again),
        cmocka_unit_test(a_flipped_bit_in_an_upload_never_changes_its_bytes),
        cmocka_unit_test(a_flipped_bit_in_a_blob_is_found_when_it_is_read),
        cmocka_unit_test(any_offset_of_a_blob_of_many_records_can_be_read),
        cmocka_unit_test(an_upload_of_nothing_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
