/* SPDX-License-Identifier: Apache-2.0 */
/* baifang-decode: the sandboxed decoder. Started by the supervisor with one end of a SOCK_SEQPACKET socket; see wire.h. */
#include "ingest/decode/stt.h"
#include "ingest/decode/zygote.h"
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_MODEL = 69 }; /* of sysexits.h */

/* The environment may name secrets: nothing of it stays in memory that children inherit. */
static void wipe_environment(void)
{
    for (char **e = environ; e != NULL && *e != NULL; e++)
        memset(*e, 0, strlen(*e));
    clearenv();
}

/* When memory is short, a decoder goes before a service: its job is done again. Best effort. */
static void go_first(void)
{
    FILE *f = fopen("/proc/self/oom_score_adj", "we");
    if (f == NULL)
        return;
    fputs("1000", f);
    fclose(f);
}

int main(int argc, char **argv)
{
    bool media = argc == 3 && strcmp(argv[1], "--zygote") == 0;
    bool speech = (argc == 3 || argc == 4) && strcmp(argv[1], "--zygote-stt") == 0;
    struct bf_stt *stt = NULL;
    if (!media && !speech) {
        fprintf(stderr, "baifang-decode: expected --zygote FD or --zygote-stt FD [MODEL-DIRECTORY]\n");
        return EXIT_USAGE;
    }
    wipe_environment();
    go_first();
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    mallopt(M_ARENA_MAX, 1); /* a thread's arena would reserve address space that the child's limit does not have */
    if (speech && (stt = bf__stt_create(argc == 4 ? argv[3] : BF_STT_MODEL_DIR)) == NULL) {
        fprintf(stderr, "baifang-decode: the speech model or libpocketsphinx cannot be loaded\n");
        return EXIT_MODEL;
    }
    int status = bf__zygote_serve(atoi(argv[2]), stt);
    bf__stt_destroy(&stt);
    return status;
}
