/* SPDX-License-Identifier: Apache-2.0 */
/* Starts child processes of the supervisor, which has one thread, so that fork is safe. */
#pragma once
#include "core/error.h"
#include <stdbool.h>
#include <sys/types.h>

enum { BF_SPAWN_FD = 3, BF_SPAWN_SOCKET_FD };

struct bf_spawn {
    const char *program;
    const char *const *argv;
    int socket; /* the child has this one, too, as BF_SPAWN_SOCKET_FD; 0: none. Not one of those numbers */
    bool keep_environment; /* else it starts with an empty one */
    bool keep_mask;        /* the caller's blocked signals stay blocked, so that none is lost or deadly before the child listens; else none is */
};

/* Makes a SOCK_SEQPACKET pair; the child has one end as descriptor 3 and no other but 0, 1, 2, and `socket`; the other end is *ret_fd, close-on-exec. The child
 * is the leader of a process group of its own (a Ctrl-C reaches the supervisor alone), with standard input from /dev/null.
 * A program that cannot be executed ends with status 127. */
enum bf_status bf_spawn(const struct bf_spawn *spawn, pid_t *ret_pid, int *ret_fd, struct bf_error *e);
