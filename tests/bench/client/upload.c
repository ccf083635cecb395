/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upload PORT TOKEN CLIENTS BYTES CHUNK: so many clients upload a recording of BYTES each at the same time by tus 1.0, one connection each, CHUNK bytes a
 * PATCH. Contents differ. Prints "open" when the uploads are created and "WALL_S" at the end.
 */
#include "tests/bench/client/h2.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, PIECE = 16384 };

struct plan {
    struct h2_loop *loop;
    const char *token;
    size_t bytes, chunk;
    unsigned clients, created, finished;
};

struct client {
    struct plan *plan;
    struct h2_conn *conn;
    char location[H2_LOCATION_MAX], offset_text[32];
    size_t offset;
    uint8_t piece[PIECE];
};

static void patch(struct client *c)
{
    snprintf(c->offset_text, sizeof c->offset_text, "%zu", c->offset);
    struct h2_request r = {.method = "PATCH", .path = c->location, .token = c->plan->token, .n_headers = 3};
    r.headers[0] = (struct h2_header){"tus-resumable", "1.0.0"};
    r.headers[1] = (struct h2_header){"content-type", "application/offset+octet-stream"};
    r.headers[2] = (struct h2_header){"upload-offset", c->offset_text};
    r.body = c->piece;
    r.body_n = PIECE;
    r.body_repeat = c->plan->chunk / PIECE;
    h2_ask(c->conn, &r);
}

static void must_be(int status, int wanted, const char *what)
{
    if (status == wanted)
        return;
    fprintf(stderr, "upload: %s: %d\n", what, status);
    exit(1);
}

static void answered(struct h2_conn *conn, const struct h2_answer *answer, void *ctx)
{
    struct client *c = ctx;
    struct plan *p = c->plan;
    (void)conn;
    if (c->location[0] == '\0') {
        must_be(answer->status, 201, "create");
        snprintf(c->location, sizeof c->location, "%s", answer->location);
        if (++p->created == p->clients)
            h2_loop_stop(p->loop);
        return;
    }
    must_be(answer->status, 204, "PATCH");
    c->offset += p->chunk;
    if (c->offset < p->bytes)
        patch(c);
    else if (++p->finished == p->clients)
        h2_loop_stop(p->loop);
}

static void create(struct client *c, const char *length)
{
    struct h2_request r = {.method = "POST", .path = "/v1/uploads", .token = c->plan->token, .n_headers = 3};
    r.headers[0] = (struct h2_header){"tus-resumable", "1.0.0"};
    r.headers[1] = (struct h2_header){"upload-length", length};
    r.headers[2] = (struct h2_header){"upload-metadata", "type YXVkaW8vb2dn"}; /* audio/ogg */
    h2_ask(c->conn, &r);
}

static void start(struct client *c, struct plan *plan, const struct h2_events *events, const char *length)
{
    c->plan = plan;
    if (getentropy(c->piece, 256) != 0)
        exit(1);
    c->conn = h2_open(plan->loop, events, c);
    create(c, length);
}

int main(int argc, char **argv)
{
    static const struct h2_events events = {.answered = answered};
    static struct client clients[CLIENTS_MAX];
    char length[32];
    if (argc != 6)
        return 2;
    struct plan p = {.token = argv[2], .clients = (unsigned)atoi(argv[3]), .bytes = strtoull(argv[4], NULL, 10), .chunk = strtoull(argv[5], NULL, 10)};
    if (p.clients == 0 || p.clients > CLIENTS_MAX || p.chunk < PIECE || p.chunk % PIECE != 0 || p.bytes % p.chunk != 0)
        return 2;
    snprintf(length, sizeof length, "%zu", p.bytes);
    p.loop = h2_loop_create((unsigned short)atoi(argv[1]));
    for (unsigned i = 0; i < p.clients; i++)
        start(&clients[i], &p, &events, length);
    h2_loop_run(p.loop);
    printf("open\n");
    fflush(stdout);
    double began = h2_seconds();
    for (unsigned i = 0; i < p.clients; i++)
        patch(&clients[i]);
    h2_loop_run(p.loop);
    printf("%.6f\n", h2_seconds() - began);
    h2_loop_destroy(p.loop);
    return 0;
}
