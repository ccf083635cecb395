/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the HTTP client: what its files share. Everything but `lock` and what stands under it belongs to the client's thread. */
#pragma once
#include "core/breaker.h"
#include "core/client/url.h"
#include "core/env.h"
#include "core/http_client.h"
#include "core/metrics.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

struct bf__host;

/* Bytes that are read out of the caller's memory as they are sent, not copied. */
struct bf__part_reader {
    struct bf_str data;
    size_t at;
};

/* One call inside the client. It is in exactly one place: the inbox, its host's queue, the pause list, or in flight. */
struct bf__transfer {
    struct bf_client *client;
    struct bf_fetch *call;
    struct bf_url url;
    struct bf__host *host;
    int64_t deadline_ms;
    int64_t wake_ms; /* paused: when the next try is due */
    unsigned round;  /* of the host's breaker, when the try went out */

    CURL *easy; /* in flight only */
    struct curl_slist *headers;
    curl_mime *mime;
    struct bf__part_reader mail; /* of its message */
    char curl_words[CURL_ERROR_SIZE];
    struct bf_buf head, body; /* of the answer to the last try */
    bool sent, refused, too_large;

    struct bf__transfer *next;                     /* inbox */
    struct bf__transfer *in_queue, *in_queue_prev; /* host's queue or pause list (utlist) */
};

/* A scheme, host and port. It stays for what is known of it, until BF_CLIENT_HOSTS_MAX are known and it is idle. */
struct bf__host {
    struct bf_breaker breaker;
    bool multiplexes; /* its last answer came over HTTP/2 */
    unsigned in_flight, paused;
    struct bf__transfer *queue; /* waiting for their turn, in order */
    bool ready;                 /* in the client's list of hosts that may send */
    struct bf__host *in_ready, *in_ready_prev;
    UT_hash_handle hh;
    char origin[BF_ORIGIN_MAX];
};

enum { BF_CLIENT_HOSTS_MAX = 4096, BF_CLIENT_SPARE_HANDLES_MAX = 128 };

struct bf_client {
    const struct bf_env *env;
    struct bf_client_config config;
    struct bf_breaker_config breaker;
    char *named_hosts, *ca_file; /* copies behind `config` */
    struct curl_slist *resolve;
    pthread_t thread;
    CURLM *multi;

    pthread_mutex_t lock;
    struct bf__transfer *inbox, **inbox_tail;
    unsigned taken; /* calls between submit and done */
    bool stopping;
    unsigned grace_ms;

    struct bf__host *hosts, *ready;
    struct bf__transfer *paused, *flying; /* utlist through in_queue */
    unsigned in_flight;
    int64_t sweep_ms;   /* when a waiting or paused call next wants attention */
    bool stopping_seen; /* nothing is tried again any more */
    CURL *spare[BF_CLIENT_SPARE_HANDLES_MAX];
    unsigned n_spare;

    _Atomic uint64_t tries, retries, failures, breakers_opened, refused_breaker, refused_address, n_paused;
};

enum { BF__HEADER_LINE = 16384 }; /* name, value, and four bytes around them */

/* client.c */
void bf__client_count(struct bf_client *c, _Atomic uint64_t *counter,
                      enum bf_metric metric);                        /* one of c's own, and what /metrics shows of it */
void bf__client_done(struct bf__transfer *t, enum bf_status status); /* the outcome stands in the call: post it */

/* host.c */
struct bf__host *bf__host_get(struct bf_client *c, const char *origin); /* NULL: BF_CLIENT_HOSTS_MAX hosts are busy */
void bf__host_enqueue(struct bf__host *h, struct bf__transfer *t);
void bf__host_remove(struct bf__host *h, struct bf__transfer *t);
void bf__host_launched(struct bf_client *c, struct bf__transfer *t); /* a try goes out: it left the queue before */
void bf__host_landed(struct bf_client *c, struct bf__transfer *t, enum bf_breaker_report report); /* it is over */
void bf__host_rotate(struct bf_client *c, struct bf__host *h);                                    /* the next host's turn */
void bf__hosts_free(struct bf_client *c);

/* queue.c: when which call is sent */
void bf__queue_take(struct bf_client *c, struct bf__transfer *t); /* new from the inbox */
void bf__queue_send(struct bf_client *c);                         /* starts what may start */
void bf__queue_sweep(struct bf_client *c, int64_t now_ms);        /* ends pauses and deadlines that are over */
void bf__queue_landed(struct bf_client *c, struct bf__transfer *t, CURLcode code);
void bf__queue_cancel(struct bf_client *c, bool flying_too);

/* transfer.c: one call as libcurl sees it */
bool bf__transfer_begin(struct bf__transfer *t, int64_t now_ms); /* configures a handle and adds it */
void bf__transfer_end(struct bf__transfer *t);                   /* takes it off and keeps the handle for reuse */
void bf__transfer_free(struct bf__transfer *t);
/* Status and cause of a try that libcurl reports as failed. */
enum bf_status bf__transfer_fault(struct bf__transfer *t, CURLcode code, struct bf_error *e);

/* mail.c: a message for a mail server */
void bf__mail_make(struct bf__transfer *t);
/* Did the mail server answer for or against it? Then with the call's `answer`, and its code where HTTP has the status. */
bool bf__mail_is_answered(struct bf__transfer *t, CURLcode code);
size_t bf__part_read(char *out, size_t size, size_t n, void *reader); /* for libcurl */
int bf__part_seek(void *reader, curl_off_t offset, int origin);

/* retry.c */
/* When the peer says to come back: Retry-After (seconds or a date) or retry-after-ms, in ms from now; -1: it does not say. */
int64_t bf__retry_after_ms(struct bf_str head, int64_t now_wall_ms);
/* The pause before try number `tries` + 1. */
int64_t bf__retry_pause_ms(const struct bf_env *env, const struct bf_fetch *call);
struct bf_str bf__head_find(struct bf_str head, const char *name); /* in a block of header lines */
