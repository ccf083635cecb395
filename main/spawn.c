/* SPDX-License-Identifier: Apache-2.0 */
#include "main/spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STATUS_NOT_EXECUTED = 127 };

static void be_child(const struct bf_spawn *spawn, int socket)
{
    static char *const nothing[] = {NULL};
    sigset_t none;
    sigemptyset(&none);
    setpgid(0, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (socket == BF_SPAWN_FD)
        fcntl(socket, F_SETFD, 0);
    else
        dup2(socket, BF_SPAWN_FD);
    if (spawn->socket > 0)
        dup2(spawn->socket, BF_SPAWN_SOCKET_FD);
    close_range(spawn->socket > 0 ? BF_SPAWN_SOCKET_FD + 1 : BF_SPAWN_FD + 1, ~0U, 0);
    signal(SIGPIPE, SIG_DFL);
    if (!spawn->keep_mask)
        sigprocmask(SIG_SETMASK, &none, NULL);
    unsetenv("NOTIFY_SOCKET");
    execve(spawn->program, (char *const *)(uintptr_t)spawn->argv, spawn->keep_environment ? environ : nothing);
    _exit(STATUS_NOT_EXECUTED);
}

enum bf_status bf_spawn(const struct bf_spawn *spawn, pid_t *ret_pid, int *ret_fd, struct bf_error *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "socketpair");
    pid_t pid = fork();
    if (pid < 0) {
        int failed = errno;
        close(pair[0]);
        close(pair[1]);
        return bf_fail_errno(e, BF_E_IO, failed, "fork");
    }
    if (pid == 0)
        be_child(spawn, pair[1]);
    (void)setpgid(pid, pid); /* here, too: whoever kills the group may be faster than the child */
    close(pair[1]);
    *ret_pid = pid;
    *ret_fd = pair[0];
    return BF_OK;
}
