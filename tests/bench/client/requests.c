/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requests PORT CONNECTIONS FILE: plays a file of requests, "METHOD PATH TOKEN BODY" a line ("-": none), over so many connections, each of which has
 * one request under way and takes every CONNECTIONSth line, in order. Prints "WALL_S ANSWERED OTHERS": others are those not answered with 2xx.
 */
#include "tests/bench/client/lines.h"
#include <stdio.h>
#include <stdlib.h>

struct play {
    struct h2_loop *loop;
    struct lines lines;
    unsigned n_conns, answered, others;
};

struct lane {
    struct play *play;
    unsigned at;
};

static void ask(struct h2_conn *conn, struct lane *lane)
{
    struct h2_request r = lines_request(&lane->play->lines.of[lane->at]);
    h2_ask(conn, &r);
}

static void answered(struct h2_conn *conn, const struct h2_answer *answer, void *ctx)
{
    struct lane *lane = ctx;
    struct play *p = lane->play;
    if (answer->status / 100 != 2 && p->others++ == 0)
        fprintf(stderr, "requests: %s %s: %d\n", p->lines.of[lane->at].method, p->lines.of[lane->at].path, answer->status);
    lane->at += p->n_conns;
    if (++p->answered == p->lines.n)
        h2_loop_stop(p->loop);
    else if (lane->at < p->lines.n)
        ask(conn, lane);
}

int main(int argc, char **argv)
{
    static const struct h2_events events = {.answered = answered};
    struct play p = {.answered = 0};
    if (argc != 4)
        return 2;
    p.loop = h2_loop_create((unsigned short)atoi(argv[1]));
    p.n_conns = (unsigned)atoi(argv[2]);
    p.lines = lines_read(argv[3]);
    if (p.lines.n < p.n_conns)
        p.n_conns = p.lines.n;
    struct lane *lanes = calloc(p.n_conns, sizeof *lanes);
    struct h2_conn **conns = calloc(p.n_conns, sizeof *conns);
    for (unsigned i = 0; i < p.n_conns; i++) {
        lanes[i] = (struct lane){.play = &p, .at = i};
        conns[i] = h2_open(p.loop, &events, &lanes[i]);
    }
    printf("open\n");
    fflush(stdout);
    double began = h2_seconds();
    for (unsigned i = 0; i < p.n_conns; i++)
        ask(conns[i], &lanes[i]);
    h2_loop_run(p.loop);
    printf("%.6f %u %u\n", h2_seconds() - began, p.answered, p.others);
    h2_loop_destroy(p.loop);
    free(conns);
    free(lanes);
    lines_free(&p.lines);
    return p.answered == p.lines.n ? 0 : 1;
}
