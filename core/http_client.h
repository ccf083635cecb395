/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: one thread that runs every outgoing request on libcurl 8's multi interface. The only module that includes curl.h.
 *
 * A call is a struct of the caller's. bf_client_submit hands it to the client's thread, which queues it by host, sends it, tries again
 * where the call allows, and posts `done` to the caller's mailbox exactly once. Between the two the call and all it points to belong to the
 * client.
 *
 *             submit            admitted            answer, or given up
 *   (caller) -------> waiting -------------> sent ------------------------> (caller)
 *                        ^                     |
 *                        +---- pause ----------+  try again: backoff with jitter, or the peer's Retry-After
 *
 * What it promises:
 * - every call ends: by its answer, by its total deadline (waiting and pauses included), or by bf_client_stop;
 * - a host that does not answer holds `in_flight_per_host_max` places and no more, so it does not stop the others;
 * - a host that keeps failing is left alone for a while (circuit breaker), and calls to it fail at once;
 * - a URL that a user supplied reaches public addresses over https only, unless the configuration names its host (SSRF). Addresses are
 *   judged when the socket is opened and again before each request is sent, so neither DNS nor a pooled connection gets round it;
 * - redirects are answers, not followed; proxies from the environment are not used; answers are not decompressed.
 */
#pragma once
#include "core/config.h"
#include "core/error.h"
#include "core/mailbox.h"
#include "core/str.h"
#include <stdbool.h>
#include <stdint.h>

struct bf_client;
struct bf_env;
struct bf__transfer;

struct bf_client_config {
    unsigned queue_max;                /* calls between submit and done; more are refused */
    unsigned in_flight_max;            /* calls being sent or awaiting their answer */
    unsigned in_flight_per_host_max;   /* of those, to one scheme, host and port */
    unsigned connections_per_host_max; /* HTTP/2 shares one among many calls */
    unsigned connections_max;
    unsigned breaker_failures; /* failures in a row that open a host's breaker */
    unsigned breaker_ms;       /* first pause; doubles while the host stays away */
    unsigned breaker_ms_max;
    struct bf_str named_hosts; /* "stt.lan, 10.0.0.5:9000": free of the rules for URLs that users supply */
    struct bf_str ca_file;     /* PEM; empty: the system's */
    struct bf_str resolve;     /* "name:port:address, ..." instead of DNS */
};

/* ---- calls ---- */

struct bf_fetch;

enum bf_url_from {
    BF_URL_USER, /* the default: address rules hold */
    BF_URL_CONFIG,
};

/* How an answer is judged. */
enum bf_fetch_verdict {
    BF_FETCH_FINE,    /* this is the answer */
    BF_FETCH_RETRY,   /* try again; the host is not to blame (429) */
    BF_FETCH_TROUBLE, /* try again; counts against the host (5xx) */
    BF_FETCH_TRIP,    /* the answer stands, and the host's breaker opens at once, for its longest pause (the account is used up) */
};
/* Runs on the client's thread: quick, touches nothing but the call's answer. */
typedef enum bf_fetch_verdict bf_fetch_judge_fn(const struct bf_fetch *call);

/* 408, 429 and 507: RETRY; other 5xx but 501 and 505: TROUBLE; everything else: FINE. */
bf_fetch_judge_fn bf_fetch_judge;

struct bf_fetch_header {
    const char *name;
    struct bf_str value; /* no CR, LF or NUL */
};

/* A message for a mail server: the call's URL is smtp://host:port or smtps://host:port, and the configuration's; its body is the message as of RFC 5322,
 * its lines ended by CRLF. The server's last reply is the answer: its code stands where HTTP has the status, its line is `answer`. */
struct bf_fetch_mail {
    const char *from, *to;       /* an address each, as it stands between the brackets */
    const char *user, *password; /* NULL or empty: does not sign in */
    bool plain;                  /* TLS is not demanded, nor asked for */
};

/* One part of a multipart/form-data body. */
struct bf_fetch_part {
    const char *name, *file_name, *type; /* the last two may be NULL */
    struct bf_str data;
};

enum { BF_FETCH_HEADERS_MAX = 16, BF_FETCH_PARTS_MAX = 16, BF_FETCH_HEAD_BYTES_MAX = 32768 };

struct bf_fetch {
    /* The request. Everything here is kept by reference until `done`. */
    const char *method; /* "GET", "POST", ... */
    const char *url;
    enum bf_url_from from;
    const struct bf_fetch_header *headers;
    unsigned n_headers;
    struct bf_str body; /* or: */
    const struct bf_fetch_part *parts;
    unsigned n_parts;
    const struct bf_fetch_mail *mail; /* NULL: HTTP */
    unsigned connect_ms_max, try_ms_max, total_ms_max;
    size_t answer_bytes_max;
    unsigned tries_max;
    bool no_breaker;                 /* the caller has one of its own: the host's neither refuses this call nor learns from it */
    bool repeatable;                 /* it is idempotent or carries a stable id: may be sent again after the peer may have seen it */
    unsigned pause_ms, pause_ms_max; /* before the 2nd try; doubles; up to a quarter is taken off at random */
    bf_fetch_judge_fn *judge;

    struct bf_mailbox *home;
    struct bf_task done; /* `run` is the caller's */

    /* The outcome. */
    enum bf_status status; /* BF_OK: a whole answer came, whatever http_status says. Else `error` has it:
                              FORBIDDEN        the address rules
                              UNAVAILABLE      nothing was sent: no name, no connection, breaker open (error.retry_after_s)
                              DEADLINE         a deadline passed
                              UNKNOWN_OUTCOME  it was sent, and no whole answer came
                              TOO_LARGE        the answer is above its cap; http_status has its status
                              UPSTREAM         the peer's certificate or protocol is bad
                              CANCELLED        the client is stopping */
    struct bf_error error;
    int http_status;
    struct bf_str answer;   /* until bf_fetch_finish */
    int64_t retry_after_ms; /* of the answer, from now on; -1: it does not say */
    unsigned tries;
    bool maybe_arrived; /* some try sent the request, or part of it */
    struct bf__transfer *transfer;
};

/* Zeroes and sets defaults: POST, one try, 10 s to connect, 30 s a try, 60 s in all, 1 MiB of answer, pauses from 500 ms to 8 s. */
void bf_fetch_init(struct bf_fetch *call);
/* Frees the answer. For each call that was submitted, after `done`. */
void bf_fetch_finish(struct bf_fetch *call);
/* A header of the final answer by lower-case name, the first of that name; p == NULL when absent. */
struct bf_str bf_fetch_header(const struct bf_fetch *call, const char *name);

/* ---- the client ---- */

/* Rows of section [http_client], and what they say. */
extern const struct bf_config_row bf_client_rows[];
extern const unsigned bf_client_n_rows;
void bf_client_config_read(const struct bf_config *config, struct bf_client_config *ret);

/* Starts the thread. `config` is copied. BF_E_CONFIG when the libcurl at hand is older than 8. */
enum bf_status bf_client_start(const struct bf_env *env, const struct bf_client_config *config, struct bf_client **ret, struct bf_error *e);
/* Any thread. On anything but BF_OK the call was not taken and `done` is not posted: UNPROCESSABLE (not a URL we send to), FORBIDDEN,
 * UNAVAILABLE (the queue is full), CANCELLED. */
enum bf_status bf_client_submit(struct bf_client *client, struct bf_fetch *call, struct bf_error *e);
/* Submits and waits: for worker threads, never on an event loop. `home` and `done` are set here. Returns and fills as call->status. */
enum bf_status bf_client_call(struct bf_client *client, struct bf_fetch *call, struct bf_error *e);
/* What submit would say of the URL: for refusing it when a user registers it. Names are not resolved here. NULL: a client whose configuration
 * names no hosts. */
enum bf_status bf_client_check_url(struct bf_client *client, const char *url, enum bf_url_from from, struct bf_error *e);
/* Looks at the clock anew: for tests that moved it. */
void bf_client_wake(struct bf_client *client);
/* Takes no more calls (BF_E_CANCELLED), ends those that wait, gives those in flight `grace_ms` to end, posts every `done`; does not wait. So that
 * threads which wait for an answer can be joined before bf_client_stop. */
void bf_client_drain(struct bf_client *client, unsigned grace_ms);
/* The same, then joins and frees. */
void bf_client_stop(struct bf_client **client, unsigned grace_ms);

struct bf_client_stats {
    uint64_t tries, retries, failures, breakers_opened, refused_breaker, refused_address; /* since the start */
    uint64_t paused;                                                                      /* calls that wait for their next try now */
};
void bf_client_stats(struct bf_client *client, struct bf_client_stats *ret); /* any thread */
