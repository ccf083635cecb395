/* SPDX-License-Identifier: Apache-2.0 */
#include "main/inherited.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FD = 3, ABOVE = 16 };

static int number(const char *variable)
{
    const char *text = getenv(variable);
    return text == NULL ? 0 : atoi(text);
}

static bool is_listening(int fd)
{
    int on = 0, type = 0;
    socklen_t n = sizeof on, m = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 && on != 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 &&
           type == SOCK_STREAM;
}

enum bf_status bf_inherited_socket(int *ret, struct bf_error *e)
{
    int n = number("LISTEN_PID") == getpid() ? number("LISTEN_FDS") : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    *ret = 0;
    if (n == 0)
        return BF_OK;
    if (n != 1 || !is_listening(FIRST_FD))
        return bf_fail(e, BF_E_CONFIG, "one listening stream socket is taken from systemd, not %d descriptors", n);
    int fd = fcntl(FIRST_FD, F_DUPFD_CLOEXEC, ABOVE);
    if (fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "keeping the socket");
    close(FIRST_FD);
    *ret = fd;
    return BF_OK;
}
