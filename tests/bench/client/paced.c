/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paced PORT CONNECTIONS RATE FILE: plays a file of requests (lines.h), RATE a second whatever has been answered by then, on the connections in turn, until
 * standard input ends or there are no more. Prints "METHOD AT MS" for each: when it was due (the monotonic clock, seconds) and how long after that its answer had
 * come. Ends with 1 when one was not answered with 2xx.
 */
#include "tests/bench/client/lines.h"
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct asked {
    double at, ms;
};

struct play {
    struct h2_loop *loop;
    struct lines lines;
    struct asked *asked; /* one a line */
    struct h2_conn **conns;
    unsigned n_conns, next, answered, others;
    double began, rate;
    bool ended; /* nothing more is asked */
};

static void answered(struct h2_conn *conn, const struct h2_answer *answer, void *ctx)
{
    struct play *p = ctx;
    struct asked *a = answer->tag;
    (void)conn;
    a->ms = (h2_seconds() - a->at) * 1000;
    if (answer->status / 100 != 2 && p->others++ == 0)
        fprintf(stderr, "paced: %s: %d\n", p->lines.of[a - p->asked].path, answer->status);
    if (++p->answered == p->next && p->ended)
        h2_loop_stop(p->loop);
}

static double ask(void *ctx)
{
    struct play *p = ctx;
    while (!p->ended && p->began + p->next / p->rate <= h2_seconds()) {
        struct h2_request r = lines_request(&p->lines.of[p->next]);
        r.tag = &p->asked[p->next];
        p->asked[p->next].at = p->began + p->next / p->rate;
        h2_ask(p->conns[p->next % p->n_conns], &r);
        p->ended = ++p->next == p->lines.n;
    }
    return p->ended ? HUGE_VAL : p->began + p->next / p->rate;
}

int main(int argc, char **argv)
{
    static const struct h2_events events = {.answered = answered};
    if (argc != 5)
        return 2;
    struct play p = {.loop = h2_loop_create((unsigned short)atoi(argv[1])), .n_conns = (unsigned)atoi(argv[2]), .rate = atof(argv[3]), .lines = lines_read(argv[4])};
    p.asked = calloc(p.lines.n, sizeof *p.asked);
    p.conns = calloc(p.n_conns, sizeof *p.conns);
    if (p.asked == NULL || p.conns == NULL)
        return 2;
    for (unsigned i = 0; i < p.n_conns; i++)
        p.conns[i] = h2_open(p.loop, &events, &p);
    printf("open\n");
    fflush(stdout);
    p.began = h2_seconds();
    h2_loop_at(p.loop, p.began, ask, &p);
    h2_loop_run(p.loop);
    p.ended = true;
    if (p.answered < p.next)
        h2_loop_run(p.loop);
    for (unsigned i = 0; i < p.next; i++)
        printf("%s %.6f %.3f\n", p.lines.of[i].method, p.asked[i].at, p.asked[i].ms);
    h2_loop_destroy(p.loop);
    free(p.conns);
    free(p.asked);
    lines_free(&p.lines);
    return p.others == 0 ? 0 : 1;
}
