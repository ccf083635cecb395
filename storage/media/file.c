/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/file.h"
#include "core/env.h"
#include "storage/media/frames.h"
#include "storage/media/layout.h"
#include "storage/media/recover.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

struct bf__file {
    struct bf__io *io;
    struct bf__sealer sealer;
    struct bf__entries entries;
    struct bf__point now, synced, marked;
    bool has_mark;
    bool complete;
    bool broken; /* an fdatasync failed */
    uint8_t sha256[32];
};

static struct bf__file *new_file(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id)
{
    struct bf__file *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->io = io;
    bf__sealer_init(&f->sealer, env, key, id);
    return f;
}

void bf__file_close(struct bf__file **file)
{
    struct bf__file *f = file == NULL ? NULL : *file;
    if (f == NULL)
        return;
    bf__sealer_finish(&f->sealer);
    bf__entries_free(&f->entries);
    bf__io_close(&f->io);
    free(f);
    *file = NULL;
}

static enum bf_status write_start(struct bf__file *f, struct bf_error *e)
{
    uint8_t start[BF__FILE_START];
    bf__file_start(&f->sealer.file, start);
    f->now = (struct bf__point){.pos = BF__FILE_START};
    bf_hash_init(&f->now.hash);
    f->synced = f->now;
    bf__entries_cut(&f->entries, 0);
    return f->io->vt->write(f->io, start, sizeof start, 0, e);
}

enum bf_status bf__file_create(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__file **ret,
                               struct bf_error *e)
{
    struct bf__file *f = new_file(env, io, key, id);
    enum bf_status status = write_start(f, e);
    if (status != BF_OK) {
        bf__file_close(&f);
        return status;
    }
    *ret = f;
    return BF_OK;
}

enum bf_status bf__file_create_at(const struct bf_env *env, int dir_fd, const char *name, const struct bf_key *key, struct bf_uuid id,
                                  struct bf__file **ret, struct bf_error *e)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, errno == EEXIST ? BF_E_EXISTS : BF_E_IO, errno, "create %s", name);
    return bf__file_create(env, bf__io_file(fd), key, id, ret, e);
}

/* What is read may never have reached the disk: a process may have died before its sync returned, or the sync may have failed and left the pages in
 * the cache as if it had not. They are written again, so that the sync behind it covers them. */
static enum bf_status write_again(struct bf__file *f, uint64_t from, uint64_t to, struct bf_error *e)
{
    uint8_t *buf = malloc(BF__BODY_MAX);
    enum bf_status status = BF_OK;
    if (buf == NULL)
        abort();
    for (size_t n = 1; status == BF_OK && from < to && n > 0; from += n) {
        size_t most = to - from < BF__BODY_MAX ? (size_t)(to - from) : BF__BODY_MAX;
        status = f->io->vt->read(f->io, buf, most, from, &n, e);
        if (status == BF_OK)
            status = f->io->vt->write(f->io, buf, n, from, e);
    }
    free(buf);
    return status;
}

static enum bf_status recover(struct bf__file *f, struct bf__position *position, struct bf_error *e)
{
    struct bf__recovered r;
    enum bf_status status = bf__recover(f->io, &f->sealer, &r, e);
    if (status != BF_OK)
        return status;
    *position = r.position;
    f->complete = r.complete;
    memcpy(f->sha256, r.sha256, sizeof f->sha256);
    if (r.point.pos == BF__FILE_START && (status = write_start(f, e)) != BF_OK)
        return status;
    f->now = f->synced = r.point;
    if (!r.complete && r.size > r.point.pos && (status = f->io->vt->truncate(f->io, r.point.pos, e)) != BF_OK)
        return status;
    if (f->io->vt->synced_offset != NULL)
        return BF_OK;
    status = write_again(f, r.doubtful, r.complete ? r.size : r.point.pos, e);
    return status == BF_OK ? f->io->vt->sync(f->io, &(struct bf__io_note){0}, e) : status;
}

enum bf_status bf__file_open(const struct bf_env *env, struct bf__io *io, const struct bf_key *key, struct bf_uuid id, struct bf__file **ret,
                             struct bf__position *ret_position, bool *ret_complete, struct bf_error *e)
{
    struct bf__file *f = new_file(env, io, key, id);
    enum bf_status status = recover(f, ret_position, e);
    if (status != BF_OK) {
        bf__file_close(&f);
        return status;
    }
    *ret_complete = f->complete;
    *ret = f;
    return BF_OK;
}

enum bf_status bf__file_open_at(const struct bf_env *env, int dir_fd, const char *name, const struct bf_key *key, struct bf_uuid id,
                                struct bf__file **ret, struct bf__position *ret_position, bool *ret_complete, struct bf_error *e)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", name);
    return bf__file_open(env, bf__io_file(fd), key, id, ret, ret_position, ret_complete, e);
}

int64_t bf__file_offset(const struct bf__file *f) { return (int64_t)f->now.offset; }
bool bf__file_dirty(const struct bf__file *f) { return f->now.pos != f->synced.pos; }

/* ---- appending ---- */

static size_t seal_data(struct bf__file *f, uint8_t *rec, size_t n)
{
    if (n == 0)
        return 0;
    bf_hash_add(&f->now.hash, rec + BF__HEAD, n);
    struct bf__record head;
    size_t whole = bf__record_seal(&f->sealer, BF__DATA, f->now.offset, f->now.pos, rec, n);
    if (bf__record_head(rec, f->now.offset, f->now.pos, &head))
        bf__entries_add(&f->entries, &head);
    bf__tags_add(f->now.tags, rec + BF__HEAD + n);
    f->now.pos += whole;
    f->now.offset += n;
    f->now.frames++;
    return whole;
}

static size_t seal_state(struct bf__file *f, uint8_t *rec, const struct bf__position *position)
{
    uint8_t *body = rec + BF__HEAD;
    memset(body, 0, BF__STATE_BODY);
    bf__put64(body + ST_OFFSET, f->now.offset);
    bf__put64(body + ST_LENGTH, (uint64_t)position->length);
    bf__put64(body + ST_TIME, (uint64_t)position->at_ms);
    bf__put64(body + ST_FENCE, position->fence);
    bf__put64(body + ST_FRAMES, f->now.frames);
    memcpy(body + ST_TAGS, f->now.tags, BF__TAG);
    memcpy(body + ST_HASH, &f->now.hash, sizeof f->now.hash);
    size_t whole = bf__record_seal(&f->sealer, BF__STATE, f->now.offset, f->now.pos, rec, BF__STATE_BODY);
    f->now.pos += whole;
    memset(f->now.tags, 0, sizeof f->now.tags);
    return whole;
}

/* The bytes on disk behind `point` are void from here on; truncating them away keeps the file's size honest, but is not what recovery rests on. */
static enum bf_status return_to(struct bf__file *f, const struct bf__point *point, struct bf_error *e)
{
    f->now = *point;
    f->has_mark = false;
    bf__entries_cut(&f->entries, point->frames);
    return f->io->vt->truncate(f->io, f->now.pos, e);
}

/* The kernel may have dropped what was to be synced and still show it: nobody may find it in the file again. */
static enum bf_status sync_or_break(struct bf__file *f, const struct bf__io_note *note, struct bf_error *e)
{
    enum bf_status status = f->io->vt->sync(f->io, note, e);
    if (status != BF_OK) {
        f->broken = true;
        (void)return_to(f, &f->synced, NULL);
    }
    return status;
}

static enum bf_status write_or_forget(struct bf__file *f, const uint8_t *rec, size_t n, uint64_t pos, struct bf_error *e)
{
    enum bf_status status = f->io->vt->write(f->io, rec, n, pos, e);
    if (status != BF_OK)
        (void)return_to(f, &f->synced, NULL);
    return status;
}

bool bf__file_is_broken(const struct bf__file *f) { return f->broken; }

static enum bf_status refuse_if_over(const struct bf__file *f, struct bf_error *e)
{
    if (f->broken)
        return bf_fail(e, BF_E_IO, "an earlier fdatasync of this file failed");
    if (f->complete)
        return bf_fail(e, BF_E_CONFLICT, "the file is complete");
    return BF_OK;
}

enum bf_status bf__file_append(struct bf__file *f, uint8_t *rec, size_t n, struct bf_error *e)
{
    assert(n > 0 && n <= BF__BODY_MAX);
    enum bf_status status = refuse_if_over(f, e);
    if (status != BF_OK)
        return status;
    uint64_t pos = f->now.pos;
    size_t whole = seal_data(f, rec, n);
    return write_or_forget(f, rec, whole, pos, e);
}

enum bf_status bf__file_sync(struct bf__file *f, uint8_t *rec, size_t n, struct bf__position *position, struct bf_error *e)
{
    assert(n <= BF__BODY_MAX);
    enum bf_status status = refuse_if_over(f, e);
    if (status != BF_OK)
        return status;
    uint64_t pos = f->now.pos;
    size_t whole = seal_data(f, rec, n);
    whole += seal_state(f, rec + whole, position);
    if ((status = write_or_forget(f, rec, whole, pos, e)) != BF_OK)
        return status;
    position->offset = (int64_t)f->now.offset;
    if ((status = sync_or_break(f, &(struct bf__io_note){.position = position}, e)) != BF_OK)
        return status;
    f->synced = f->now;
    f->has_mark = false;
    return BF_OK;
}

void bf__file_mark(struct bf__file *f)
{
    f->marked = f->now;
    f->has_mark = true;
}

enum bf_status bf__file_rollback(struct bf__file *f, struct bf_error *e)
{
    if (!f->has_mark)
        return BF_OK;
    struct bf__point point = f->marked;
    return return_to(f, &point, e);
}

/* ---- completing ---- */

enum bf_status bf__file_complete(struct bf__file *f, uint8_t ret_sha256[32], struct bf_error *e)
{
    if (f->complete) {
        memcpy(ret_sha256, f->sha256, sizeof f->sha256);
        return BF_OK;
    }
    enum bf_status status = refuse_if_over(f, e);
    if (status != BF_OK)
        return status;
    struct bf_hash_state hash = f->now.hash;
    bf_hash_end(&hash, f->sha256);
    status = bf__index_write(f->io, &f->sealer, &f->now, &f->entries, f->sha256, e);
    if (status != BF_OK) {
        (void)return_to(f, &f->synced, NULL);
        return status;
    }
    if ((status = sync_or_break(f, &(struct bf__io_note){.sha256 = f->sha256}, e)) != BF_OK)
        return status;
    f->complete = true;
    memcpy(ret_sha256, f->sha256, sizeof f->sha256);
    return BF_OK;
}

bool bf__file_is_complete(const struct bf__file *f, uint8_t ret_sha256[32])
{
    if (f->complete)
        memcpy(ret_sha256, f->sha256, sizeof f->sha256);
    return f->complete;
}

bool bf__file_is_nameless(const struct bf__file *f) { return f->io->vt->is_nameless(f->io); }

enum bf_status bf__file_bytes(const struct bf__file *f, uint64_t *ret, struct bf_error *e) { return f->io->vt->size(f->io, ret, e); }
