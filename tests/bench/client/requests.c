/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requests PORT CONNECTIONS FILE: plays a file of requests, "METHOD PATH TOKEN BODY" a line ("-": none), over so many connections, each of which has
 * one request under way and takes every CONNECTIONSth line, in order. Prints "WALL_S ANSWERED OTHERS": others are those not answered with 2xx.
 */
#include "tests/bench/client/h2.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    char *method, *path, *token, *body;
};

struct play {
    struct h2_loop *loop;
    struct line *lines;
    unsigned n, n_conns, answered, others;
};

struct lane {
    struct play *play;
    unsigned at;
};

static void ask(struct h2_conn *conn, struct lane *lane)
{
    const struct line *l = &lane->play->lines[lane->at];
    struct h2_request r = {.method = l->method, .path = l->path, .token = strcmp(l->token, "-") == 0 ? NULL : l->token};
    if (strcmp(l->body, "-") != 0) {
        r.headers[r.n_headers++] = (struct h2_header){"content-type", "application/json"};
        r.body = (const uint8_t *)l->body;
        r.body_n = strlen(l->body);
        r.body_repeat = 1;
    }
    h2_ask(conn, &r);
}

static void answered(struct h2_conn *conn, const struct h2_answer *answer, void *ctx)
{
    struct lane *lane = ctx;
    struct play *p = lane->play;
    if (answer->status / 100 != 2 && p->others++ == 0)
        fprintf(stderr, "requests: %s %s: %d\n", p->lines[lane->at].method, p->lines[lane->at].path, answer->status);
    lane->at += p->n_conns;
    if (++p->answered == p->n)
        h2_loop_stop(p->loop);
    else if (lane->at < p->n)
        ask(conn, lane);
}

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t n = (size_t)ftell(f);
    char *text = malloc(n + 1);
    rewind(f);
    if (text == NULL || fread(text, 1, n, f) != n)
        exit(1);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void split(char *text, struct play *p)
{
    unsigned room = 1;
    for (const char *s = text; *s != '\0'; s++)
        room += *s == '\n';
    p->lines = calloc(room, sizeof *p->lines);
    for (char *save, *s = strtok_r(text, "\n", &save); s != NULL; s = strtok_r(NULL, "\n", &save)) {
        char *inner;
        struct line *l = &p->lines[p->n++];
        l->method = strtok_r(s, " ", &inner);
        l->path = strtok_r(NULL, " ", &inner);
        l->token = strtok_r(NULL, " ", &inner);
        l->body = inner;
    }
}

int main(int argc, char **argv)
{
    static const struct h2_events events = {.answered = answered};
    struct play p = {.n = 0};
    if (argc != 4)
        return 2;
    p.loop = h2_loop_create((unsigned short)atoi(argv[1]));
    p.n_conns = (unsigned)atoi(argv[2]);
    char *text = read_all(argv[3]);
    split(text, &p);
    if (p.n < p.n_conns)
        p.n_conns = p.n;
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
    free(p.lines);
    free(text);
    return p.answered == p.n ? 0 : 1;
}
