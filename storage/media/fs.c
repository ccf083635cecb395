/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/fs.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum bf_status bf__fs_write(int fd, const void *p, size_t n, uint64_t pos, struct bf_error *e)
{
    const char *from = p;
    while (n > 0) {
        ssize_t done = pwrite(fd, from, n, (off_t)pos);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return bf_fail_errno(e, BF_E_IO, done == 0 ? EIO : errno, "write of %zu bytes at %llu", n, (unsigned long long)pos);
        from += done;
        pos += (uint64_t)done;
        n -= (size_t)done;
    }
    return BF_OK;
}

enum bf_status bf__fs_read(int fd, void *p, size_t n, uint64_t pos, size_t *ret_n, struct bf_error *e)
{
    char *to = p;
    size_t have = 0;
    while (have < n) {
        ssize_t done = pread(fd, to + have, n - have, (off_t)(pos + have));
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return bf_fail_errno(e, BF_E_IO, errno, "read of %zu bytes at %llu", n, (unsigned long long)pos);
        if (done == 0)
            break;
        have += (size_t)done;
    }
    *ret_n = have;
    return BF_OK;
}

/* EINTR is retried; any other failure is final: the kernel may have dropped the dirty pages, so a second call proves nothing. */
enum bf_status bf__fs_datasync(int fd, struct bf_error *e)
{
    while (fdatasync(fd) < 0)
        if (errno != EINTR)
            return bf_fail_errno(e, BF_E_IO, errno, "fdatasync");
    return BF_OK;
}

enum bf_status bf__fs_sync(int fd, struct bf_error *e)
{
    while (fsync(fd) < 0)
        if (errno != EINTR)
            return bf_fail_errno(e, BF_E_IO, errno, "fsync");
    return BF_OK;
}

enum bf_status bf__fs_dir(int dir_fd, const char *name, int *ret_fd, struct bf_error *e)
{
    if (mkdirat(dir_fd, name, 0700) == 0) {
        enum bf_status status = bf__fs_sync(dir_fd, e);
        if (status != BF_OK)
            return status;
    } else if (errno != EEXIST) {
        return bf_fail_errno(e, BF_E_IO, errno, "directory %s", name);
    }
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "directory %s", name);
    *ret_fd = fd;
    return BF_OK;
}

enum bf_status bf__fs_unlink(int dir_fd, const char *name, struct bf_error *e)
{
    if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
        return bf_fail_errno(e, BF_E_IO, errno, "unlink %s", name);
    return BF_OK;
}
