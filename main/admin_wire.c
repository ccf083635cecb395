/* SPDX-License-Identifier: Apache-2.0 */
#include "main/admin.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

/* The address of the socket in a directory that is open as `dir_fd`: /proc keeps it short whatever the directory's own path is. */
static void address(int dir_fd, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof ret->sun_path, "/proc/self/fd/%d/admin.sock", dir_fd);
}

static int with_socket(const char *dir, int (*act)(int fd, int dir_fd, const struct sockaddr_un *a))
{
    struct sockaddr_un a;
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address(dir_fd, &a);
    if (fd >= 0 && act(fd, dir_fd, &a) < 0) {
        int failed = errno;
        close(fd);
        fd = -1;
        errno = failed;
    }
    close(dir_fd);
    return fd;
}

static int connect_there(int fd, int dir_fd, const struct sockaddr_un *a)
{
    (void)dir_fd;
    return connect(fd, (const struct sockaddr *)a, sizeof *a);
}

/* The store's lock is held by now: a socket that is there was left by a server that was killed. */
static int listen_there(int fd, int dir_fd, const struct sockaddr_un *a)
{
    if (unlinkat(dir_fd, "admin.sock", 0) < 0 && errno != ENOENT)
        return -1;
    mode_t before = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)a, sizeof *a);
    umask(before);
    return bound < 0 ? -1 : listen(fd, BACKLOG);
}

int bf__admin_connect(const char *dir) { return with_socket(dir, connect_there); }

int bf__admin_listen(const char *dir) { return with_socket(dir, listen_there); }

void bf__admin_unlink(const char *dir)
{
    int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return;
    (void)unlinkat(dir_fd, "admin.sock", 0);
    close(dir_fd);
}

/* Room for exactly one descriptor: the kernel closes what is sent beyond it. */
union control {
    struct cmsghdr align;
    char room[CMSG_LEN(sizeof(int))];
};

static ssize_t receive(int fd, void *p, size_t n, int *file)
{
    struct iovec iov = {.iov_base = p, .iov_len = n};
    union control control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = got < 0 ? NULL : CMSG_FIRSTHDR(&msg);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
        return got;
    if (*file >= 0)
        close(*file);
    memcpy(file, CMSG_DATA(c), sizeof *file);
    return got;
}

enum bf_status bf__admin_read_line(int fd, struct bf_buf *line, int *ret_file, struct bf_error *e)
{
    enum { PIECE = 4096 };
    *ret_file = -1;
    for (;;) {
        char *room = bf_buf_reserve(line, PIECE);
        if (room == NULL)
            return bf_fail(e, BF_E_TOO_LARGE, "the message is longer than %u bytes", (unsigned)BF_ADMIN_LINE_MAX);
        ssize_t n = receive(fd, room, PIECE, ret_file);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bf_fail_errno(e, errno == EAGAIN ? BF_E_TIMEOUT : BF_E_IO, errno, "reading from the socket");
        if (n == 0)
            return bf_fail(e, BF_E_UPSTREAM, "the other side left without an answer");
        line->n += (size_t)n;
        if (line->p[line->n - 1] == '\n') {
            line->n--;
            return BF_OK;
        }
    }
}

static ssize_t send_with(int fd, struct bf_str text, int file)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)text.p, .iov_len = text.n};
    union control control = {.room = {0}};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &file, sizeof file);
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

enum bf_status bf__admin_write(int fd, struct bf_str text, int file, struct bf_error *e)
{
    while (text.n > 0) {
        ssize_t n = file >= 0 ? send_with(fd, text, file) : send(fd, text.p, text.n, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return bf_fail_errno(e, BF_E_IO, errno, "writing to the socket");
        file = -1;
        text = bf_str(text.p + n, text.n - (size_t)n);
    }
    return BF_OK;
}
