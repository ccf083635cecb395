/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the HTTP server. Threads: a `loop` and all that hangs on it (connections, requests, event streams) belongs to its own thread,
 * except the fields marked "any thread". The owner of a request (worker, or whoever the handler gave it to) reaches the loop only by
 * posting tasks to its mailbox.
 *
 * A request lives while either side holds it: the loop until libh2o disposed of its h2o_req_t (`h2o` becomes NULL), the owner until the
 * reply was posted and ran (`owned` becomes false). It is freed on the loop when both have let go.
 *
 *   headers -> [body] -> fresh -> worker -> answer -> sent
 *      |         |          |        |         |
 *      +---------+----------+--------+---------+--> client gone: `h2o` = NULL, `gone` = true, the sink is aborted, the answer dropped
 */
#pragma once
#include "core/arena.h"
#include "core/env.h"
#include "core/http/router.h"
#include "core/http_server.h"
#include "core/pool.h"
#include <h2o.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    BF__TICK_MS = 250,            /* the sweeper's pace */
    BF__KEEPALIVE_MS = 15 * 1000, /* comments on event streams */
    BF__SOURCE_BYTES = 64 * 1024, /* one piece of a streamed answer */
    BF__EVENTS_MAX = 256 * 1024,  /* unsent bytes of an event stream, but for one send that found none */
    BF__HEADERS_OUT_MAX = 16,     /* what a handler may add */
    BF__RANDOM_BYTES = 1024,
    BF__ANSWER_SPACE = 4096, /* what a request has of its own for its answer */
#ifdef BF_ARENA_MALLOC
    BF__SPARE_MAX = 0, /* so that a sanitizer sees a use after free */
#else
    BF__SPARE_MAX = 64,
#endif
};

struct bf__conn;
struct bf__loop;

struct bf__random {
    uint8_t bytes[BF__RANDOM_BYTES];
    size_t left;
};

struct bf_http {
    const struct bf_env *env;
    struct bf_http_config config;
    char *cert_path, *key_path; /* resolved */
    struct bf_pool *pool;
    struct bf__router *router;
    unsigned port, n_loops, loops_running;
    struct bf__loop *loops;
    h2o_globalconf_t conf;
    /* any thread */
    _Atomic unsigned connections, in_flight, requests, event_streams;
    _Atomic unsigned certificates; /* on their way to a loop */
    _Atomic bool draining, all_done;
    pthread_mutex_t lock; /* for `wake`: drain waits for the last connection, the deadline's thread for the drain, reload for the loops */
    pthread_cond_t wake;
};

/* Requests whose body is arriving; first the one that has been silent for the longest. */
struct bf__arrivals {
    struct bf_request *first, *last;
    unsigned n, n_max;
    size_t bytes, bytes_max; /* of buffered bodies, until their requests are answered */
};

struct bf__loop {
    struct bf_mailbox mailbox;
    struct bf_http *http;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    struct bf__retired *retired; /* certificates before this one; the latest first */
    h2o_socket_t *listener, *wake;
    int listen_fd, wake_fd;
    bool paused, stopping;
    pthread_t thread;
    _Atomic(struct bf_task *) tasks; /* any thread: newest first */
    struct bf__conn *conns;
    struct bf_request *fresh, **fresh_tail; /* to be handed to the pool once this round of events is through */
    struct bf__arrivals arrivals;
    struct bf_event_stream *streams;
    struct bf_request *spare;
    unsigned n_spare;
    h2o_timeout_t tick_timeout;
    h2o_timeout_entry_t tick, dispatch;
    unsigned n_ticks;
    _Atomic int64_t ticked_ms; /* when it came round last */
    int64_t drain_began_ms;
    uint64_t abuse_seen; /* of libh2o's counter */
    int64_t cuts_since_ms;
    unsigned cuts; /* since then */
    struct bf__random random;
    h2o_iovec_t name_nosniff, name_traceparent; /* headers that libh2o has no token for */
};

/* A connection, from accept to close. */
struct bf__conn {
    struct bf__conn *next, **prev;
    struct bf__loop *loop;
    h2o_socket_t *sock;
    struct bf_request *requests; /* with h2o != NULL */
    unsigned n_requests;
    unsigned n_owned; /* requests of this connection not replied to yet, gone ones too */
    bool closed;      /* the socket is gone; kept until n_owned is 0 */
    bool killed, is_http1;
    char peer[46];
    int64_t quiet_since_ms; /* since when n_requests is 0 */
    uint64_t bytes_done;    /* sent by requests that are gone */
    int64_t window_began_ms;
    uint64_t window_acked, window_framed;
};

struct bf__header {
    struct bf_str name, value;
};

/* An answer on its way to the loop: one block, the bytes behind it. */
struct bf__answer {
    int status;
    unsigned n_headers;
    struct bf_str body;
    struct bf_body_source *source;
    struct bf_event_stream *stream;
    struct bf__header headers[];
};

/* What links libh2o's request with ours; in its pool. */
struct bf__guard {
    h2o_generator_t generator;
    struct bf_request *request;
};

/* State of a streamed answer; the loop and one worker take turns. */
struct bf__pump {
    struct bf_task task;
    struct bf_request *request;
    struct bf_body_source *source;
    char *buf;
    long n; /* what `next` gave */
    int64_t sent, length;
    bool is_filling; /* a worker has it, or its result is on the way back */
    bool is_closing;
};

struct bf_request {
    struct bf_task task; /* to the worker, then back */
    struct bf__loop *loop;
    struct bf_http *http;
    struct bf__conn *conn;           /* loop only */
    struct bf_request *next, **prev; /* in conn->requests */
    struct bf_request *next_fresh;
    h2o_req_t *h2o; /* loop only; NULL: gone */
    struct bf__guard *guard;
    _Atomic bool gone;
    bool owned, is_fresh, is_answered;
    bool is_arriving; /* its body is: in the loop's list */
    bool is_counted;  /* among those in flight */
    bool is_replied; /* the owner's: set by its one reply */

    struct bf_arena *arena; /* the owner's until it replied */
    const struct bf_route *route;
    void *service;
    struct bf_str method, path, body, peer;
    const struct bf_str *param_names;
    struct bf_str param_values[BF__PARAMS_MAX];
    unsigned n_params, n_query, n_headers;
    struct bf__pair *query;
    struct bf__header *headers;
    char trace[33];
    enum bf_lang lang;
    bool is_head;
    void *user;
    int64_t began_ms, counted_ms, answered_ms;

    /* the body, loop only but for `took` */
    const struct bf_sink *sink_kind;
    void *sink;
    bool sink_is_open;
    struct bf_request *next_arriving, *prev_arriving;
    char *buf; /* of a buffered body */
    size_t buf_cap;
    uint64_t body_received, body_taken;
    int64_t rate_began_ms;
    uint64_t rate_bytes;
    struct bf_task took_task;
    _Atomic size_t took;
    _Atomic bool took_is_posted;

    void *space;               /* BF__ANSWER_SPACE bytes for the reply; kept when the request is used again, as `arena` is */
    struct bf__answer *reply;  /* of the owner, on its way */
    struct bf__answer *answer; /* loop only: what is or will be sent */
    struct bf_str allow;       /* of a 405; in libh2o's pool */
    struct bf__pump *pump;
    struct bf_event_stream *stream; /* loop only */
};

/* server.c */
void bf__http_wake(struct bf_http *http); /* something that drain or reload waits for has changed */
/* loop.c */
enum bf_status bf__loop_start(struct bf__loop *loop, struct bf_http *http, int listen_fd, SSL_CTX *ssl, struct bf_error *e);
void bf__loop_set_certificate(struct bf__loop *loop, SSL_CTX *ssl); /* any thread; takes the reference */
void bf__loop_drain(struct bf__loop *loop);                         /* any thread */
void bf__loop_stop(struct bf__loop *loop);                          /* any thread but its own: stops and joins */
void bf__loop_finish(struct bf__loop *loop);
void bf__loop_random(struct bf__loop *loop, void *out, size_t n);
/* conn.c */
void bf__conn_on_listen(h2o_socket_t *listener, const char *err);
/* Resets it, and says `why` in the log; libh2o notices and disposes of its requests. */
void bf__conn_kill(struct bf__conn *conn, const char *why);
void bf__conn_shut(struct bf__conn *conn); /* without a TCP reset, and nothing is said */
void bf__conn_free_if_done(struct bf__conn *conn);
void bf__conn_listen_again(struct bf__loop *loop);
struct bf_str bf__conn_peer(struct bf__conn *conn);
/* sweep.c */
void bf__sweep(struct bf__loop *loop);
/* request.c */
int bf__on_request(h2o_handler_t *handler, h2o_req_t *h2o);
void bf__request_detach(struct bf__guard *guard);
void bf__request_own(struct bf_request *req);    /* it leaves the loop's hands */
void bf__request_disown(struct bf_request *req); /* its owner let go; the caller sends an answer or frees */
void bf__request_free_if_done(struct bf_request *req);
struct bf_request *bf__request_alloc(struct bf__loop *loop);
void bf__request_free_spare(struct bf__loop *loop);
void bf__request_slim(struct bf_request *req); /* gives up what only the owner needed */
bool bf__request_admit(struct bf_request *req); /* among those in flight, or refuses it: `answer` is set then */
void bf__request_count(struct bf_request *req); /* among those in flight, whose number is bounded otherwise */
void bf__request_enqueue(struct bf_request *req); /* if it is admitted */
void bf__dispatch_fresh(h2o_timeout_entry_t *entry);
/* intake.c: makes a request; NULL never; `answer` is set when it is to be refused */
struct bf_request *bf__request_create(struct bf__loop *loop, h2o_req_t *h2o);
/* body.c */
int bf__body_begin(h2o_req_t *h2o);
void bf__body_without_bytes(struct bf_request *req); /* a request without a body has come to a route with a sink */
void bf__body_complete(struct bf_request *req);
void bf__body_give_up(struct bf_request *req);                      /* aborts the sink if it is open */
bool bf__body_is_held(const struct bf_request *req); /* by its sink, which has yet to deal with what came: the client may not send */
void bf__body_cut(struct bf_request *req, const struct bf_error *e); /* answers before the body is complete */
/* arrival.c */
void bf__arrival_begin(struct bf_request *req);
void bf__arrival_goes_on(struct bf_request *req); /* bytes came */
void bf__arrival_end(struct bf_request *req);     /* complete, cut or gone; may be called again */
bool bf__arrival_reserve(struct bf_request *req, size_t want); /* room in `buf`; false: the bodies of others take it all */
void bf__arrival_release(struct bf_request *req);
/* answer.c */
void bf__answer_send(struct bf_request *req);
void bf__answer_deliver(struct bf_request *req);
void bf__answer_events(struct bf_request *req, const struct bf_header *headers, unsigned n_headers, struct bf_event_stream *stream);
void bf__answer_free(struct bf_request *req, struct bf__answer **answer);
void bf__answer_error(struct bf_request *req, const struct bf_error *e); /* on the loop: sets req->answer */
/* problem.c */
void bf__problem_write(struct bf_buf *out, const struct bf_error *e, struct bf_str current, enum bf_lang lang, const char *trace); /* `current`: JSON, or empty */
/* pump.c */
void bf__pump_start(struct bf_request *req);
void bf__pump_stop(struct bf_request *req); /* the request is gone */
void bf__pump_close_source(struct bf_http *http, struct bf_body_source *source);
/* events.c */
void bf__events_start(struct bf_request *req);
void bf__events_gone(struct bf_event_stream *stream);
void bf__events_sweep(struct bf__loop *loop, int64_t now_ms);
void bf__events_drain(struct bf__loop *loop);
void bf__events_dropped(struct bf_event_stream *stream); /* its request was gone before the answer came */
/* tls.c */
enum bf_status bf__tls_create(const char *cert_path, const char *key_path, SSL_CTX **ret, struct bf_error *e);
/* self_signed.c: makes both files when neither exists */
enum bf_status bf__self_signed(const struct bf_env *env, const char *cert_path, const char *key_path, struct bf_error *e);
