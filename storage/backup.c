/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups of a store that goes on working. The database is copied by the writer between groups, so that the copy ends equal to a commit, whose
 * position is noted in the same call; the blobs come after it, and none is deleted meanwhile: whatever the copy names is there. What was stored
 * after the copy ended comes along as files that no document names; restore takes them away.
 */
#include "core/arena.h"
#include "core/env.h"
#include "storage/copy.h"
#include "storage/dump.h"
#include "storage/internal.h"
#include "storage/manifest.h"
#include "storage/media/fs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SYNC_STEPS = 64 };

struct backup {
    struct bf_store *store;
    const char *to;
    int to_fd, blobs_fd;
    struct bf_buf manifest;
    void (*say)(void *ctx, const char *line);
    void *ctx;
    void *state; /* the driver's */
    bool done;
};

/* Asked at each step: a backup may have minutes to go when the process is to end. */
static enum bf_status go_on(const struct bf_store *store, struct bf_error *e)
{
    return atomic_load(&store->care_stopped) ? bf_fail(e, BF_E_CANCELLED, "the server is stopping") : BF_OK;
}

/* ---- the database ---- */

static void note_position(struct backup *b, struct bf_uuid tenant, int64_t n)
{
    char line[120], text[BF_UUID_TEXT];
    bf__manifest_add(&b->manifest, &(struct bf__manifest_line){.kind = BF__MANIFEST_TENANT, .tenant = tenant, .number = n});
    bf_uuid_text(&tenant, text);
    snprintf(line, sizeof line, "tenant %s: equal up to entry %lld", text, (long long)n);
    if (b->say != NULL)
        b->say(b->ctx, line);
}

static enum bf_status note_positions(struct backup *b, struct bf_session *writer, struct bf_error *e)
{
    const struct bf_driver_vtable *vt = b->store->driver->vt;
    struct bf_arena *arena = bf_arena_create();
    struct bf_uuid *tenants;
    unsigned n = 0;
    enum bf_status status = vt->log_tenants(writer, arena, &tenants, &n, e);
    for (unsigned i = 0; i < n && status == BF_OK; i++) {
        struct bf_raw_entry *last = NULL;
        status = vt->log_last(writer, tenants[i], arena, &last, e);
        if (status == BF_OK && last != NULL)
            note_position(b, tenants[i], last->n);
    }
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status step(void *ctx, struct bf_session *writer, struct bf_error *e)
{
    struct backup *b = ctx;
    enum bf_status status = b->store->driver->vt->backup(writer, b->to, &b->state, &b->done, e);
    return status == BF_OK && b->done ? note_positions(b, writer, e) : status;
}

typedef enum bf_status name_fn(struct backup *b, int dir, const char *name, struct bf_error *e);

static enum bf_status each_name(struct backup *b, int at, const char *dir_name, name_fn *fn, struct bf_error *e)
{
    int fd = openat(at, dir_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    enum bf_status status = BF_OK;
    if (dir == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", dir_name);
    while (status == BF_OK && (entry = readdir(dir)) != NULL)
        if ((status = go_on(b->store, e)) == BF_OK)
            status = fn(b, fd, entry->d_name, e);
    closedir(dir);
    return status;
}

static bool is_file(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static enum bf_status sync_file(struct backup *b, int dir, const char *name, struct bf_error *e)
{
    (void)b;
    if (!is_file(dir, name))
        return BF_OK;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", name);
    enum bf_status status = bf__fs_sync(fd, e);
    close(fd);
    return status;
}

/* The disk is waited for here and not by the committer, and often enough that little is left for the end and no step has to write for want of memory. */
static enum bf_status copy_database(struct backup *b, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    for (unsigned n = 1; status == BF_OK && !b->done; n++) {
        if ((status = go_on(b->store, e)) == BF_OK)
            status = bf__committer_call(b->store, step, b, e);
        if (status == BF_OK && (b->done || n % SYNC_STEPS == 0))
            status = each_name(b, b->to_fd, ".", sync_file, e);
    }
    return status;
}

/* ---- files ---- */

static enum bf_status note_file(struct backup *b, const char *dir, const char *name, struct bf_error *e)
{
    struct bf__manifest_line line = {.kind = BF__MANIFEST_FILE};
    snprintf(line.name, sizeof line.name, "%s%s", dir, name);
    enum bf_status status = bf__file_hash(b->to_fd, line.name, &b->store->care_stopped, line.sha256, &line.number, e);
    if (status == BF_OK)
        bf__manifest_add(&b->manifest, &line);
    return status;
}

/* A blob's file never changes, so that a second name is as good as a copy; across file systems it is copied. */
static enum bf_status take_blob(struct backup *b, int from, const char *name, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    struct bf_uuid id;
    if (!bf_uuid_parse(bf_strz(name), &id))
        return BF_OK;
    if (linkat(from, name, b->blobs_fd, name, 0) < 0) {
        if (errno == ENOENT)
            return BF_OK; /* made after the database was copied, and gone again */
        status = bf__file_copy(from, name, b->blobs_fd, name, &b->store->care_stopped, NULL, e);
    }
    return status == BF_OK ? note_file(b, "blobs/", name, e) : status;
}

static enum bf_status note_database(struct backup *b, int dir, const char *name, struct bf_error *e)
{
    return is_file(dir, name) ? note_file(b, "", name, e) : BF_OK;
}

static enum bf_status copy_blobs(struct backup *b, struct bf_error *e)
{
    enum bf_status status = bf__fs_dir(b->to_fd, "blobs", &b->blobs_fd, e);
    int place = status != BF_OK ? -1 : open(b->store->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (status == BF_OK && place < 0)
        status = bf_fail_errno(e, BF_E_IO, errno, "open %s", b->store->place);
    if (status == BF_OK)
        status = each_name(b, place, "blobs", take_blob, e);
    if (status == BF_OK)
        status = bf__fs_sync(b->blobs_fd, e);
    if (place >= 0)
        close(place);
    return status;
}

/* ---- the whole ---- */

static enum bf_status check_exported(struct bf_store *store, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_str exported;
    enum bf_status status = bf__meta_get(store, "key_exported", arena, &exported, e);
    if (status == BF_OK && exported.n == 0)
        status = bf_fail(e, BF_E_CONFLICT, "export the master key first: without it no backup can be read");
    bf_arena_destroy(&arena);
    return status;
}

static enum bf_status run(struct backup *b, struct bf_error *e)
{
    bf__manifest_add(&b->manifest, &(struct bf__manifest_line){.kind = BF__MANIFEST_AT, .number = bf_now_ms(b->store->env)});
    bf__manifest_add(&b->manifest, &(struct bf__manifest_line){.kind = BF__MANIFEST_INCARNATION, .number = (int64_t)b->store->incarnation});
    enum bf_status status = copy_database(b, e);
    if (status == BF_OK)
        status = each_name(b, b->to_fd, ".", note_database, e);
    if (status == BF_OK)
        status = copy_blobs(b, e);
    if (status == BF_OK)
        status = bf__manifest_write(&b->manifest, &b->store->master, b->to_fd, e);
    return status == BF_OK ? bf__fs_sync(b->to_fd, e) : status;
}

static enum bf_status make_dir(const char *path, int *ret, struct bf_error *e)
{
    if (mkdir(path, 0700) < 0)
        return bf_fail_errno(e, errno == EEXIST ? BF_E_EXISTS : BF_E_IO, errno, "directory %s", path);
    *ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret < 0 ? bf_fail_errno(e, BF_E_IO, errno, "open %s", path) : bf__sync_parent(path, e);
}

enum bf_status bf_store_backup(struct bf_store *store, const char *to, void (*say)(void *ctx, const char *line), void *ctx, struct bf_error *e)
{
    struct backup b = {.store = store, .to = to, .to_fd = -1, .blobs_fd = -1, .say = say, .ctx = ctx};
    if (store->driver->vt->backup == NULL || store->media == NULL)
        return bf_fail(e, BF_E_NOT_SUPPORTED, "this store is backed up by its own means");
    enum bf_status status = check_exported(store, e);
    if (status == BF_OK && !store->driver->vt->one_transaction)
        return bf__dump(store, to, say, ctx, e);
    if (status == BF_OK)
        status = make_dir(to, &b.to_fd, e);
    if (status == BF_OK) {
        bf__manifest_begin(&b.manifest);
        bf__media_hold(store);
        status = run(&b, e);
        bf__media_release(store);
        bf_buf_finish(&b.manifest);
    }
    if (b.blobs_fd >= 0)
        close(b.blobs_fd);
    if (b.to_fd >= 0)
        close(b.to_fd);
    return status;
}

/* ---- the key ---- */

enum bf_status bf_store_export_key(struct bf_store *store, int fd, struct bf_error *e)
{
    char text[2 * BF_KEY_BYTES + 2];
    bf_hex(store->master.b, sizeof store->master.b, text);
    text[2 * BF_KEY_BYTES] = '\n';
    enum bf_status status = bf__fs_write(fd, text, 2 * BF_KEY_BYTES + 1, 0, e);
    explicit_bzero(text, sizeof text);
    if (status == BF_OK)
        status = bf__fs_sync(fd, e);
    return status == BF_OK ? bf__meta_set(store, "key_exported", BF_STR("yes"), e) : status;
}
