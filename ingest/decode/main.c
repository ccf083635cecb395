/* SPDX-License-Identifier: Apache-2.0 */
/* baifang-decode: the sandboxed decoder. Started by the supervisor with one end of a SOCK_SEQPACKET socket; see wire.h. */
#include "ingest/decode/zygote.h"
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 64 };

/* The environment may name secrets: nothing of it stays in memory that children inherit. */
static void wipe_environment(void)
{
    for (char **e = environ; e != NULL && *e != NULL; e++)
        memset(*e, 0, strlen(*e));
    clearenv();
}

int main(int argc, char **argv)
{
    if (argc != 3 || strcmp(argv[1], "--zygote") != 0) {
        fprintf(stderr, "baifang-decode: expected --zygote FD\n");
        return EXIT_USAGE;
    }
    wipe_environment();
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    mallopt(M_ARENA_MAX, 1); /* a thread's arena would reserve address space that the child's limit does not have */
    return bf__zygote_serve(atoi(argv[2]), /* stt= */ NULL);
}
