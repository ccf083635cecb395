/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cheap HTTP/2 client over TLS, so that the server and not its peer is what a benchmark measures: one thread, epoll, nghttp2, OpenSSL. Certificates
 * are not checked. Whatever goes wrong ends the program.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct h2_loop;
struct h2_conn;

enum { H2_HEADERS_MAX = 8, H2_LOCATION_MAX = 256 };

struct h2_header {
    const char *name, *value;
};

/* One request. The strings must live until its end. */
struct h2_request {
    const char *method, *path, *token; /* token: of the Authorization header; may be NULL */
    struct h2_header headers[H2_HEADERS_MAX];
    unsigned n_headers;
    const uint8_t *body;
    size_t body_n, body_repeat; /* the body is sent body_repeat times over, 1 for once; 0: no body */
    void *tag;                  /* the answer has it, too */
};

struct h2_answer {
    int status;
    void *tag;
    char location[H2_LOCATION_MAX];
};

/* `headed` runs when the headers of an answer are there (may be NULL), `answered` when its stream ended well. */
struct h2_events {
    void (*headed)(struct h2_conn *conn, const struct h2_answer *answer, void *ctx);
    void (*answered)(struct h2_conn *conn, const struct h2_answer *answer, void *ctx);
};

struct h2_loop *h2_loop_create(unsigned short port);
/* `due` runs when its time has come, and says when it is to run next (h2_seconds); HUGE_VAL: never. Replaces the one before. */
void h2_loop_at(struct h2_loop *loop, double at, double (*due)(void *ctx), void *ctx);
void h2_loop_stop(struct h2_loop *loop);
void h2_loop_run(struct h2_loop *loop); /* until h2_loop_stop, or until standard input ends: that is told once */
void h2_loop_destroy(struct h2_loop *loop);

/* Connects and shakes hands before it returns. */
struct h2_conn *h2_open(struct h2_loop *loop, const struct h2_events *events, void *ctx);
void h2_ask(struct h2_conn *conn, const struct h2_request *request);

double h2_seconds(void); /* monotonic */
