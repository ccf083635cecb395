/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: HTTP/2 and HTTP/1.1 over TLS, one event loop a core. The only module that includes h2o.h.
 *
 * The way of a request: the loop matches the route, copies what the handler may need into a `struct bf_request` of its own memory and
 * hands it to the worker pool; a worker runs the handler; somebody, on any thread and at any later time, calls bf_reply exactly once; the
 * answer hops back to the loop. When the client goes away meanwhile, the request lives on until it was replied to, and the reply goes
 * nowhere. A request whose client is gone before a worker took it is dropped.
 *
 * A route with a sink takes its body as a stream: see struct bf_sink.
 */
#pragma once
#include "core/error.h"
#include "core/mailbox.h"
#include "core/str.h"
#include <stdbool.h>

struct bf_arena;
struct bf_env;
struct bf_pool;
struct bf_http;
struct bf_request;
struct bf_event_stream;

/* ---- routes ---- */

typedef void bf_handler_fn(struct bf_request *req, void *service);

/* Takes a body as it arrives. All calls for one request come from its loop thread, in order: begin, then write any number of times, then
 * exactly one of end or abort. */
struct bf_sink {
    /* The request's headers are here, its body is not. `length` is the Content-Length or -1. On BF_OK *ret is handed to the other calls.
     * Anything else answers the request at once from `e` (an early 413, 401, 409 ...) and no other call follows. May not block. Where
     * storage has to be asked first, begin returns BF_OK, buffers the few writes the window allows and sorts it out off the loop. */
    enum bf_status (*begin)(struct bf_request *req, int64_t length, void *service, void **ret, struct bf_error *e);
    /* `n` bytes, valid during the call only. The sink says later, with bf_sink_took, how many of them it has dealt with; until then they
     * count against the stream's window (`body_window`), so that a sink which copies never holds more than that. */
    void (*write)(void *sink, const void *p, size_t n);
    /* The body is complete. The handler of the route does not run: the sink replies through the request. */
    void (*end)(void *sink);
    /* The stream died (reset, connection lost, too slow), or the request was replied to before its end. Bytes written so far stand; the
     * request must still be replied to, unless it was, so that it is freed; the reply goes nowhere. */
    void (*abort)(void *sink);
};

enum bf_route_kind { BF_ROUTE_OTHER, BF_ROUTE_LIST, BF_ROUTE_READ, BF_ROUTE_CREATE, BF_ROUTE_CHANGE, BF_ROUTE_VERB };

struct bf_schema;

struct bf_route {
    const char *method;  /* "GET" also answers HEAD */
    const char *pattern; /* "/v1/customers/{id}": a {name} takes one non-empty segment; literals win over names */
    bf_handler_fn *handler;
    const struct bf_sink *sink; /* NULL: the body is buffered up to the limit of `http.json_body_bytes` */
    bool public;                /* reachable without signing in */
    /* For /openapi.json and the tests that walk all routes. */
    enum bf_route_kind kind;
    const struct bf_schema *body, *answer; /* NULL: none, or described by `summary` alone */
    const char *summary;
    const void *data; /* the owner's own */
};

/* ---- the server ---- */

struct bf_http_config {
    int socket;             /* a listening one, instead of `listen`; the caller's, open until the start returned. 0: none */
    struct bf_str listen;   /* "127.0.0.1:8443", "[::]:443"; port 0 takes one from the kernel */
    struct bf_str cert_file, key_file; /* PEM; both empty: `self_signed_dir`/tls.crt and tls.key are used, made at first start (P-256, 825
                                          days, names localhost, 127.0.0.1, ::1 and the host's) */
    struct bf_str self_signed_dir;
    unsigned loops;                  /* 0: one a core */
    unsigned connections_max;        /* over all loops; more are not accepted until one closes */
    unsigned in_flight_max;          /* requests being worked on, from the last byte of the body to the answer; more: 503 with Retry-After */
    unsigned arriving_max;           /* requests whose body is arriving; more: the one silent for the longest is answered 503 */
    unsigned bodies_mb_max;          /* buffered bodies together; more: as above */
    unsigned body_window;            /* bytes of a sink's body that may be on their way or held; at most 1 MiB */
    unsigned per_connection_max;     /* concurrent streams of one connection */
    unsigned header_bytes_max;       /* 431 */
    unsigned header_count_max;       /* 431 */
    unsigned json_body_bytes_max;    /* 413 */
    unsigned request_ms_max;         /* headers and buffered body must be here by then: 408 or close */
    unsigned answer_ms_max;          /* from the body's last byte to the reply: 503 unknown_outcome */
    unsigned body_rate_min;          /* bytes/s on average over `rate_ms`: a sink's stream that makes less is aborted, a connection whose
                                        answers are taken slower is reset */
    unsigned rate_ms;
    unsigned idle_ms_max;            /* an idle connection is closed */
    unsigned drain_ms_max;           /* after bf_http_drain: then _exit(0) from another thread */
    unsigned event_streams_max;      /* more: 503 */
};

struct bf_route_table {
    const struct bf_route *routes;
    unsigned n_routes;
    void *service; /* passed to handlers and sinks */
};

/* BF_E_CONFIG: what of `listen`, `cert_file` and `key_file` forbids a start. Binds and makes nothing. */
enum bf_status bf_http_check(const struct bf_http_config *config, struct bf_error *e);
/* Binds, starts the loops and serves. `pool` runs the handlers. The tables and all they name outlive the server. */
enum bf_status bf_http_start(const struct bf_env *env, const struct bf_http_config *config, struct bf_pool *pool,
                             const struct bf_route_table *tables, unsigned n_tables, struct bf_http **ret, struct bf_error *e);
unsigned bf_http_port(const struct bf_http *http);
/* Did each event loop come round within the last `ms`? They do so several times a second, unless something keeps one. Any thread. */
bool bf_http_gets_on(const struct bf_http *http, int64_t ms);
/* Reads certificate and key again; on failure the old ones stay. Existing connections keep theirs, all that are accepted after the
 * return have the new one. Any thread but a loop's. */
enum bf_status bf_http_reload(struct bf_http *http, struct bf_error *e);
/* Stops accepting, sends GOAWAY, ends event streams, lets requests finish, those whose body is still arriving too; returns when the last
 * connection closed and the last request was replied to. The deadline runs in a thread of its own and ends the process. */
void bf_http_drain(struct bf_http *http);
void bf_http_destroy(struct bf_http **http); /* after drain */
/* Every mounted route, for /openapi.json and tests. */
unsigned bf_http_routes(const struct bf_http *http, const struct bf_route *const **ret);

/* ---- requests: readable from any thread that owns the request (first the loop, then the worker, then whoever holds it) ---- */

struct bf_arena *bf_request_arena(struct bf_request *req); /* lives until the reply was handed over */
const struct bf_route *bf_request_route(const struct bf_request *req);
struct bf_str bf_request_method(const struct bf_request *req); /* as sent; HEAD stays HEAD */
struct bf_str bf_request_path(const struct bf_request *req);   /* without the query, as sent */
struct bf_str bf_request_body(const struct bf_request *req);
/* A {name} of the route's pattern, percent-decoded. `%2F`, NUL, invalid UTF-8 and bad escapes were refused with 400 before. */
struct bf_str bf_request_param(const struct bf_request *req, const char *name);
/* A query parameter, decoded; p == NULL when absent. A parameter that stands twice was refused with 400. */
struct bf_str bf_request_query(const struct bf_request *req, const char *name);
unsigned bf_request_query_count(const struct bf_request *req);
struct bf_str bf_request_query_at(const struct bf_request *req, unsigned i, struct bf_str *ret_name);
/* A header by lower-case name; p == NULL when absent; several lines of one name are joined by ", " (cookie: "; "). Trailers never show. */
struct bf_str bf_request_header(const struct bf_request *req, const char *name);
struct bf_str bf_request_peer(const struct bf_request *req);    /* "203.0.113.5", without port */
const char *bf_request_trace_id(const struct bf_request *req); /* 32 hex digits: W3C traceparent's when valid, else our own */
enum bf_lang bf_request_lang(const struct bf_request *req);    /* Accept-Language: en when it prefers en, else zh */
bool bf_request_is_gone(const struct bf_request *req);         /* the client left: work may be skipped */
struct bf_mailbox *bf_request_home(struct bf_request *req);    /* its loop */
struct bf_mailbox *bf_request_workers(struct bf_request *req); /* the pool that ran the handler: continue there, not on the loop */
void bf_request_set_user(struct bf_request *req, void *p);     /* one pointer for the layer above */
void *bf_request_user(const struct bf_request *req);

/* ---- answers ---- */

struct bf_header {
    const char *name; /* lower case, static */
    struct bf_str value;
};

/* Body bytes are produced in pieces for large bodies: `next` is called on a worker, one call at a time, until it returns 0 or an error (the
 * stream is then reset). `close` always runs last. */
struct bf_body_source {
    long (*next)(struct bf_body_source *source, void *buf, size_t max);
    void (*close)(struct bf_body_source *source);
    int64_t length; /* -1: not known */
};

/* Answers. Copies everything; at most 16 headers. Exactly once per request; `req` may not be touched after. Adds `content-length`,
 * `x-content-type-options: nosniff`, `strict-transport-security`, `cache-control: no-store` unless given, and `traceparent`. */
void bf_reply(struct bf_request *req, int status, const struct bf_header *headers, unsigned n_headers, struct bf_str body);
void bf_reply_source(struct bf_request *req, int status, const struct bf_header *headers, unsigned n_headers, struct bf_body_source *source);
/* application/problem+json from an error value, RFC 9457, in the caller's language; Retry-After when the error says so. 5xx causes are not
 * shown to the caller. */
void bf_reply_error(struct bf_request *req, const struct bf_error *e);
/* The same with headers of a protocol's own. */
void bf_reply_error_with(struct bf_request *req, const struct bf_error *e, const struct bf_header *headers, unsigned n_headers);
/* The same with the record as it is now, as JSON, in the member `current`. */
void bf_reply_error_about(struct bf_request *req, const struct bf_error *e, struct bf_str current, const struct bf_header *headers, unsigned n_headers);

/* ---- request bodies ---- */

/* The sink has dealt with `n` more bytes: returned to the stream's window. Any thread. */
void bf_sink_took(struct bf_request *req, size_t n);

/* ---- event streams (text/event-stream) ---- */

/* The client left, drain began or bf_event_stream_close was called. Runs once, on the loop; later sends answer BF_E_CANCELLED. */
typedef void bf_event_stream_closed_fn(struct bf_event_stream *stream, void *ctx);
/* All that was sent is on its way: who has more to say and waits for this never holds more than one send. Runs on the loop, once after one or
 * several sends; may be NULL. */
typedef void bf_event_stream_drained_fn(struct bf_event_stream *stream, void *ctx);

/* Answers `req` with an event stream. The caller holds *ret until bf_event_stream_release. Comment lines keep it alive every 15 s. */
enum bf_status bf_reply_events(struct bf_request *req, const struct bf_header *headers, unsigned n_headers,
                               bf_event_stream_closed_fn *closed, bf_event_stream_drained_fn *drained, void *ctx, struct bf_event_stream **ret,
                               struct bf_error *e);
/* Sends bytes that are complete events already. Copies. Any thread. BF_E_UNAVAILABLE when 256 KiB wait unsent: the caller waits for `drained`, or
 * closes the stream and the client resumes from its last id. Where nothing waits, one send of up to 64 MiB is taken whole, so that
 * no event is too large to get past; beyond that BF_E_TOO_LARGE. */
enum bf_status bf_event_stream_send(struct bf_event_stream *stream, struct bf_str events);
void bf_event_stream_close(struct bf_event_stream *stream); /* any thread; idempotent */
void bf_event_stream_release(struct bf_event_stream **stream); /* any thread; after this only `closed` may still be about to run */
