/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/copy.h"
#include "core/crypto.h"
#include "storage/media/fs.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 256 << 10 };

/* Reads to the end, writing to `to` unless it is negative. */
static enum bf_status pass(int from, int to, const atomic_bool *stop, uint8_t *buf, uint8_t ret_sha256[32], int64_t *ret_size, struct bf_error *e)
{
    struct bf_hash_state hash;
    uint64_t at = 0;
    size_t n = PIECE;
    enum bf_status status = BF_OK;
    bf_hash_init(&hash);
    while (status == BF_OK && n == PIECE) {
        if (stop != NULL && atomic_load(stop))
            return bf_fail(e, BF_E_CANCELLED, "the server is stopping");
        status = bf__fs_read(from, buf, PIECE, at, &n, e);
        if (status == BF_OK && to >= 0)
            status = bf__fs_write(to, buf, n, at, e);
        if (status == BF_OK)
            bf_hash_add(&hash, buf, n);
        at += n;
    }
    bf_hash_end(&hash, ret_sha256);
    *ret_size = (int64_t)at;
    return status == BF_OK && to >= 0 ? bf__fs_sync(to, e) : status;
}

static enum bf_status pass_files(int from, int to, const char *name, const atomic_bool *stop, uint8_t ret_sha256[32], int64_t *ret_size,
                                 struct bf_error *e)
{
    uint8_t *buf = malloc(PIECE);
    if (buf == NULL)
        abort();
    enum bf_status status = from < 0 ? bf_fail_errno(e, BF_E_IO, errno, "open %s", name) : pass(from, to, stop, buf, ret_sha256, ret_size, e);
    free(buf);
    if (from >= 0)
        close(from);
    return status;
}

enum bf_status bf__file_hash(int dir_fd, const char *name, const atomic_bool *stop, uint8_t ret_sha256[32], int64_t *ret_size,
                             struct bf_error *e)
{
    return pass_files(openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), -1, name, stop, ret_sha256, ret_size, e);
}

enum bf_status bf__file_copy(int from_dir, const char *from, int to_dir, const char *to, const atomic_bool *stop, uint8_t *ret_sha256,
                             struct bf_error *e)
{
    uint8_t sha256[32];
    int64_t size;
    int to_fd = openat(to_dir, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to_fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "create %s", to);
    int from_fd = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    enum bf_status status = pass_files(from_fd, to_fd, from, stop, ret_sha256 == NULL ? sha256 : ret_sha256, &size, e);
    close(to_fd);
    return status;
}

enum bf_status bf__sync_parent(const char *path, struct bf_error *e)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "the directory of %s", path);
    enum bf_status status = bf__fs_sync(fd, e);
    close(fd);
    return status;
}
