/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/media/fs.h"
#include "storage/media/io.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct io_file {
    struct bf__io base;
    int fd;
};

static int fd_of(struct bf__io *io) { return ((struct io_file *)io)->fd; }

static enum bf_status read_at(struct bf__io *io, void *p, size_t n, uint64_t pos, size_t *ret_n, struct bf_error *e)
{
    return bf__fs_read(fd_of(io), p, n, pos, ret_n, e);
}

static enum bf_status write_at(struct bf__io *io, const void *p, size_t n, uint64_t pos, struct bf_error *e)
{
    return bf__fs_write(fd_of(io), p, n, pos, e);
}

static enum bf_status truncate_to(struct bf__io *io, uint64_t size, struct bf_error *e)
{
    if (ftruncate(fd_of(io), (off_t)size) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "truncate to %llu", (unsigned long long)size);
    return BF_OK;
}

static enum bf_status sync_all(struct bf__io *io, const struct bf__io_note *note, struct bf_error *e)
{
    (void)note; /* the records say it */
    return bf__fs_datasync(fd_of(io), e);
}

static enum bf_status size_of(struct bf__io *io, uint64_t *ret, struct bf_error *e)
{
    struct stat st;
    if (fstat(fd_of(io), &st) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "stat");
    *ret = (uint64_t)st.st_size;
    return BF_OK;
}

static bool is_nameless(struct bf__io *io)
{
    struct stat st;
    return fstat(fd_of(io), &st) == 0 && st.st_nlink == 0;
}

static void close_it(struct bf__io *io)
{
    close(fd_of(io));
    free(io);
}

static const struct bf__io_vtable vtable = {
    .read = read_at, .write = write_at, .truncate = truncate_to, .sync = sync_all, .size = size_of, .is_nameless = is_nameless, .close = close_it};

struct bf__io *bf__io_file(int fd)
{
    struct io_file *io = malloc(sizeof *io);
    if (io == NULL)
        abort();
    *io = (struct io_file){.base = {&vtable}, .fd = fd};
    return &io->base;
}

void bf__io_close(struct bf__io **io)
{
    if (*io != NULL)
        (*io)->vt->close(*io);
    *io = NULL;
}
