/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of this machine: stages/ for uploads, with an info and a data file each, and blobs/. docs/MEDIA.md says what stands when. */
#include "core/arena.h"
#include "storage/media/fs.h"
#include "storage/media/shelf.h"
#include "storage/media/wraps.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- directories ---- */

/* `fn` for each name of the directory. */
static enum bf_status each_name(struct bf_media *media, int dir_fd, enum bf_status (*fn)(struct bf_media *media, const char *name, struct bf_error *e),
                                struct bf_error *e)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    enum bf_status status = BF_OK;
    if (dir == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "open a directory of media");
    while (status == BF_OK && (entry = readdir(dir)) != NULL)
        status = fn(media, entry->d_name, e);
    closedir(dir);
    return status;
}

static bool has_name(int dir_fd, const char *name) { return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

static enum bf_status open_file(int dir_fd, const char *name, int flags, struct bf__io **ret, struct bf_error *e)
{
    int fd = openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return bf_fail_errno(e, errno == ENOENT ? BF_E_NOT_FOUND : errno == EEXIST ? BF_E_EXISTS : BF_E_IO, errno, "open %s", name);
    *ret = bf__io_file(fd);
    return BF_OK;
}

/* ---- uploads ---- */

/* Both names are durable when this returns: bf__info_create syncs the directory last. */
static enum bf_status create(struct bf__upload *up, const struct bf__info *info, struct bf__io **ret, struct bf_error *e)
{
    struct bf_media *media = up->media;
    char name[BF__INFO_NAME];
    bf__data_name(&up->id, name);
    enum bf_status status = open_file(media->stages_fd, name, O_RDWR | O_CREAT | O_EXCL, ret, e);
    if (status == BF_OK && (status = bf__info_create(media->env, &media->master, media->stages_fd, info, e)) != BF_OK)
        bf__io_close(ret);
    return status;
}

static enum bf_status read_info(struct bf__upload *up, struct bf__info *ret, struct bf_error *e)
{
    return bf__info_read(&up->media->master, up->media->stages_fd, up->id, ret, e);
}

static enum bf_status open_data(struct bf__upload *up, struct bf__io **ret, struct bf_error *e)
{
    char name[BF__INFO_NAME];
    bf__data_name(&up->id, name);
    return open_file(up->media->stages_fd, name, O_RDWR | O_CREAT, ret, e);
}

static enum bf_status finish(struct bf__upload *up, struct bf__info *info, bool keep_key, struct bf_error *e)
{
    return bf__info_finish(up->media->env, &up->media->master, up->media->stages_fd, info, keep_key, e);
}

static enum bf_status spend(struct bf__upload *up, struct bf_error *e)
{
    char name[BF__INFO_NAME];
    bf__data_name(&up->id, name);
    return bf__fs_unlink(up->media->stages_fd, name, e);
}

static bool may_be_kept(struct bf__upload *up)
{
    char name[BF_UUID_TEXT];
    bf__blob_name(&up->file_id, name);
    return has_name(up->media->blobs_fd, name);
}

static enum bf_status forget(struct bf__upload *up, struct bf_error *e)
{
    char info[BF__INFO_NAME];
    bf__info_name(&up->id, info);
    enum bf_status status = bf__fs_unlink(up->media->stages_fd, info, e);
    if (status == BF_OK)
        status = spend(up, e);
    return status == BF_OK ? bf__fs_sync(up->media->stages_fd, e) : status;
}

/* ---- blobs ---- */

static enum bf_status settle(struct bf_media *media, struct bf_error *e) { return bf__fs_sync(media->blobs_fd, e); }

static enum bf_status keep(struct bf_media *media, const struct bf__kept *kept, struct bf_error *e)
{
    char to[BF_UUID_TEXT];
    bf__blob_name(&kept->file, to);
    if (linkat(media->stages_fd, kept->name, media->blobs_fd, to, 0) < 0 && errno != EEXIST)
        return bf_fail_errno(e, BF_E_IO, errno, "link to blobs/%s", to);
    return settle(media, e);
}

static enum bf_status open_blob(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf__io **ret, struct bf_error *e)
{
    char name[BF_UUID_TEXT];
    (void)tenant;
    bf__blob_name(&file, name);
    return open_file(media->blobs_fd, name, O_RDONLY, ret, e);
}

static enum bf_status drop(struct bf_media *media, struct bf_uuid tenant, struct bf_uuid file, struct bf_error *e)
{
    char name[BF_UUID_TEXT];
    (void)tenant;
    bf__blob_name(&file, name);
    return bf__fs_unlink(media->blobs_fd, name, e);
}

static enum bf_status list(struct bf_media *media, void (*fn)(void *ctx, const struct bf__kept *kept), void *ctx, struct bf_error *e)
{
    int fd = openat(media->blobs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct bf__kept kept = {.name = NULL};
    if (dir == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "open blobs");
    while ((entry = readdir(dir)) != NULL)
        if (bf_uuid_parse(bf_strz(entry->d_name), &kept.file))
            fn(ctx, &kept);
    closedir(dir);
    return BF_OK;
}

static enum bf_status is_there(struct bf_media *media, const struct bf__kept *kept, bool *ret, struct bf_error *e)
{
    char name[BF_UUID_TEXT];
    (void)e;
    bf__blob_name(&kept->file, name);
    *ret = has_name(media->blobs_fd, name);
    return BF_OK;
}

/* ---- what the server made ---- */

/* The name in stages/ tells, after a crash, whose document has to know the file: TENANT.DOCUMENT.FILE.put */
static enum bf_status put_begin(struct bf_media *media, struct bf__put *put, struct bf__io **ret, struct bf_error *e)
{
    char t[BF_UUID_TEXT], d[BF_UUID_TEXT], f[BF_UUID_TEXT];
    struct bf_uuid doc = bf__blob_id(put->sha256);
    bf_uuid_text(&put->kept.tenant, t);
    bf_uuid_text(&doc, d);
    bf_uuid_text(&put->kept.file, f);
    snprintf(put->name, sizeof put->name, "%s.%s.%s.put", t, d, f);
    put->kept.name = put->name;
    return open_file(media->stages_fd, put->name, O_RDWR | O_CREAT | O_EXCL, ret, e);
}

static enum bf_status put_end(struct bf_media *media, const struct bf__put *put, struct bf_error *e)
{
    return bf__fs_unlink(media->stages_fd, put->name, e);
}

static bool parse_put_name(const char *name, struct bf_uuid ret[3])
{
    if (strlen(name) != 3 * BF_UUID_TEXT + 3 || strcmp(name + 3 * BF_UUID_TEXT, "put") != 0)
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (name[(i + 1) * BF_UUID_TEXT - 1] != '.' || !bf_uuid_parse(bf_str(name + i * BF_UUID_TEXT, BF_UUID_TEXT - 1), &ret[i]))
            return false;
    return true;
}

/* A put that was cut short: the blob's file stays if the document knows it, and goes if not. */
static enum bf_status settle_put(struct bf_media *media, const char *name, struct bf_error *e)
{
    struct bf_uuid ids[3];
    bool is_named;
    if (!parse_put_name(name, ids))
        return BF_OK;
    enum bf_status status = bf__blob_names(media, ids[0], ids[1], ids[2], &is_named, e);
    if (status == BF_OK && !is_named)
        status = drop(media, ids[0], ids[2], e);
    return status == BF_OK ? bf__fs_unlink(media->stages_fd, name, e) : status;
}

/* ---- a move ---- */

static enum bf_status outcomes(struct bf_media *media, bf__outcome_fn *fn, void *ctx, struct bf_error *e)
{
    int fd = openat(media->stages_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct bf__info info;
    struct bf_uuid id;
    enum bf_status status = BF_OK;
    if (dir == NULL)
        return bf_fail_errno(e, BF_E_IO, errno, "open stages");
    while (status == BF_OK && (entry = readdir(dir)) != NULL) {
        if (!bf__info_parse_name(entry->d_name, ".info", &id))
            continue;
        status = bf__info_read(&media->master, media->stages_fd, id, &info, e);
        if (status == BF_OK && info.finished && !info.partial)
            status = fn(ctx, &info, e);
        bf_key_wipe(&info.key);
        status = status == BF_E_CORRUPT ? BF_OK : status; /* as take_info has it */
    }
    closedir(dir);
    return status;
}

static enum bf_status put_outcome(struct bf_media *media, const struct bf__info *info, struct bf_error *e)
{
    return bf__info_create(media->env, &media->master, media->stages_fd, info, e);
}

static enum bf_status drop_outcome(struct bf_media *media, struct bf_uuid id, struct bf_error *e)
{
    char name[BF__INFO_NAME];
    bf__info_name(&id, name);
    enum bf_status status = bf__fs_unlink(media->stages_fd, name, e);
    return status == BF_OK ? bf__fs_sync(media->stages_fd, e) : status;
}

/* ---- opening ---- */

/* An info file that does not open is left where it is, for a person to look at: the names are ours, and damage is rarer than a wrong key. */
static enum bf_status take_info(struct bf_media *media, struct bf_uuid id, struct bf_error *e)
{
    struct bf__info info;
    struct bf__upload *up;
    enum bf_status status = bf__info_read(&media->master, media->stages_fd, id, &info, e);
    if (status == BF_E_CORRUPT)
        return BF_OK;
    if (status == BF_OK)
        status = bf__upload_add(media, &info, /* charge= */ false, &up, e);
    bf_key_wipe(&info.key);
    if (status != BF_OK)
        return status;
    bf__upload_leave(up);
    bf__upload_unref(up);
    return BF_OK;
}

/* Names without their info file are what a crash left of a creation or of a deletion. */
static enum bf_status take_name(struct bf_media *media, const char *name, struct bf_error *e)
{
    struct bf_uuid id;
    char info[BF__INFO_NAME];
    if (bf__info_parse_name(name, ".info", &id))
        return take_info(media, id, e);
    bool is_left = bf__info_parse_name(name, ".new", &id);
    if (!is_left && bf__info_parse_name(name, ".data", &id)) {
        bf__info_name(&id, info);
        is_left = !has_name(media->stages_fd, info);
    }
    return is_left ? bf__fs_unlink(media->stages_fd, name, e) : BF_OK;
}

static enum bf_status open_dirs(struct bf_media *media, const char *place, struct bf_error *e)
{
    int fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "open %s", place);
    enum bf_status status = bf__fs_dir(fd, "stages", &media->stages_fd, e);
    if (status == BF_OK)
        status = bf__fs_dir(fd, "blobs", &media->blobs_fd, e);
    close(fd);
    return status;
}

static enum bf_status open_shelf(struct bf_media *media, struct bf_error *e)
{
    enum bf_status status = open_dirs(media, media->store->place, e);
    if (status == BF_OK)
        status = each_name(media, media->stages_fd, settle_put, e);
    return status == BF_OK ? each_name(media, media->stages_fd, take_name, e) : status;
}

static void close_shelf(struct bf_media *media)
{
    if (media->stages_fd >= 0)
        close(media->stages_fd);
    if (media->blobs_fd >= 0)
        close(media->blobs_fd);
}

const struct bf__shelf_vtable bf__shelf_dir = {.open = open_shelf,
                                               .close = close_shelf,
                                               .create = create,
                                               .read_info = read_info,
                                               .open_data = open_data,
                                               .finish = finish,
                                               .spend = spend,
                                               .may_be_kept = may_be_kept,
                                               .forget = forget,
                                               .keep = keep,
                                               .open_blob = open_blob,
                                               .drop = drop,
                                               .settle = settle,
                                               .list = list,
                                               .is_there = is_there,
                                               .put_begin = put_begin,
                                               .put_end = put_end,
                                               .carry_begin = put_begin,
                                               .carry_end = put_end,
                                               .outcomes = outcomes,
                                               .put_outcome = put_outcome,
                                               .drop_outcome = drop_outcome};
