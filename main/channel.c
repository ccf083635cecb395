/* SPDX-License-Identifier: Apache-2.0 */
#include "main/channel.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What travels; the descriptor beside it. */
struct wire {
    uint32_t kind, number;
};

union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
};

int bf_channel_send(int channel, const struct bf_channel_message *message)
{
    struct wire wire = {message->kind, message->number};
    struct iovec iov = {.iov_base = &wire, .iov_len = sizeof wire};
    union control control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (message->fd >= 0) {
        memset(&control, 0, sizeof control);
        msg.msg_control = control.room;
        msg.msg_controllen = sizeof control.room;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &message->fd, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(channel, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof wire ? 0 : -1;
}

static int passed_fd(struct msghdr *msg)
{
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(c), sizeof(int));
    return fd;
}

int bf_channel_receive(int channel, struct bf_channel_message *ret)
{
    struct wire wire;
    struct iovec iov = {.iov_base = &wire, .iov_len = sizeof wire};
    union control control;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t n;
    do
        n = recvmsg(channel, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -1;
    if (n == 0)
        return 0;
    int fd = passed_fd(&msg);
    if (n != (ssize_t)sizeof wire || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        if (fd >= 0)
            close(fd);
        errno = EPROTO;
        return -1;
    }
    *ret = (struct bf_channel_message){.kind = wire.kind, .number = wire.number, .fd = fd};
    return 1;
}
