/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idle PORT TOKENS PATH N...: opens connections, each with one GET of PATH under a token of the file TOKENS (one a line, in turn), and keeps them. Prints
 * "open TOTAL" when the answers' headers are there, reads a line, opens the next N, and so on; ends with its standard input.
 */
#include "tests/bench/client/h2.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 10000, TOKEN_BYTES = 512 };

struct idle {
    struct h2_loop *loop;
    unsigned open, wanted;
};

static void headed(struct h2_conn *conn, const struct h2_answer *answer, void *ctx)
{
    struct idle *idle = ctx;
    (void)conn;
    if (answer->status != 200) {
        fprintf(stderr, "idle: answered %d\n", answer->status);
        exit(1);
    }
    if (++idle->open == idle->wanted)
        h2_loop_stop(idle->loop);
}

static unsigned read_tokens(const char *path, char (*tokens)[TOKEN_BYTES])
{
    unsigned n = 0;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        exit(1);
    for (; n < TOKENS_MAX && fgets(tokens[n], TOKEN_BYTES, f) != NULL; n++)
        tokens[n][strcspn(tokens[n], "\n")] = '\0';
    fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    static const struct h2_events events = {.headed = headed};
    static char tokens[TOKENS_MAX][TOKEN_BYTES];
    struct idle idle = {.open = 0};
    char line[16];
    if (argc < 5)
        return 2;
    idle.loop = h2_loop_create((unsigned short)atoi(argv[1]));
    unsigned n_tokens = read_tokens(argv[2], tokens), made = 0;
    for (int i = 4; i < argc; i++) {
        idle.wanted += (unsigned)atoi(argv[i]);
        for (; made < idle.wanted; made++)
            h2_ask(h2_open(idle.loop, &events, &idle), &(struct h2_request){.method = "GET", .path = argv[3], .token = tokens[made % n_tokens]});
        h2_loop_run(idle.loop);
        printf("open %u\n", idle.open);
        fflush(stdout);
        if (fgets(line, sizeof line, stdin) == NULL)
            break;
    }
    h2_loop_destroy(idle.loop);
    return 0;
}
