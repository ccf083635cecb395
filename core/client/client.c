/* SPDX-License-Identifier: Apache-2.0 */
/* The client's thread, and the doors into it. */
#include "core/client/client.h"
#include <assert.h>
#include <signal.h>
#include <stdlib.h>

enum { IDLE_POLL_MS = 60000, HEADER_BYTES_MAX = BF__HEADER_LINE - 4 };

/* ---- calls ---- */

enum bf_fetch_verdict bf_fetch_judge(const struct bf_fetch *call)
{
    switch (call->http_status) {
    case 408:
    case 429:
    case 507:
        return BF_FETCH_RETRY;
    case 501:
    case 505:
        return BF_FETCH_FINE;
    default:
        return call->http_status >= 500 ? BF_FETCH_TROUBLE : BF_FETCH_FINE;
    }
}

void bf_fetch_init(struct bf_fetch *call)
{
    *call = (struct bf_fetch){
        .method = "POST",
        .connect_ms_max = 10000,
        .try_ms_max = 30000,
        .total_ms_max = 60000,
        .answer_bytes_max = 1 << 20,
        .tries_max = 1,
        .pause_ms = 500,
        .pause_ms_max = 8000,
        .judge = bf_fetch_judge,
        .retry_after_ms = -1,
    };
}

void bf_fetch_finish(struct bf_fetch *call)
{
    if (call->transfer != NULL)
        bf__transfer_free(call->transfer);
    call->transfer = NULL;
    call->answer = (struct bf_str){NULL, 0};
}

struct bf_str bf_fetch_header(const struct bf_fetch *call, const char *name)
{
    if (call->transfer == NULL || call->status != BF_OK)
        return (struct bf_str){NULL, 0};
    return bf__head_find(bf_buf_str(&call->transfer->head), name);
}

void bf__client_done(struct bf__transfer *t, enum bf_status status)
{
    struct bf_client *c = t->client;
    struct bf_fetch *call = t->call;
    call->status = status;
    pthread_mutex_lock(&c->lock);
    assert(c->taken > 0);
    c->taken--;
    pthread_mutex_unlock(&c->lock);
    bf_post(call->home, &call->done);
}

void bf__client_count(struct bf_client *c, _Atomic uint64_t *counter, enum bf_metric metric)
{
    atomic_fetch_add(counter, 1);
    bf_metric_add(c->env->metrics, metric, 1);
}

/* ---- thread ---- */

static bool take_inbox(struct bf_client *c, struct bf__transfer **ret)
{
    pthread_mutex_lock(&c->lock);
    *ret = c->inbox;
    c->inbox = NULL;
    c->inbox_tail = &c->inbox;
    bool stopping = c->stopping;
    pthread_mutex_unlock(&c->lock);
    return stopping;
}

static void enqueue_all(struct bf_client *c, struct bf__transfer *t)
{
    while (t != NULL) {
        struct bf__transfer *next = t->next;
        bf__queue_take(c, t);
        t = next;
    }
}

/* Lets libcurl work; true when a try ended. */
static bool perform(struct bf_client *c)
{
    int running, left;
    CURLMsg *m;
    bool landed = false;
    curl_multi_perform(c->multi, &running);
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct bf__transfer *t = NULL;
        CURLcode code = m->data.result; /* `m` does not survive the handle's removal */
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        bf__queue_landed(c, t, code);
        landed = true;
    }
    return landed;
}

static void wait_for_work(struct bf_client *c, int64_t stop_ms)
{
    int64_t until_ms = stop_ms < c->sweep_ms ? stop_ms : c->sweep_ms, now_ms = bf_mono_ms(c->env);
    int64_t wait_ms = until_ms <= now_ms ? 0 : until_ms - now_ms;
    curl_multi_poll(c->multi, NULL, 0, (int)(wait_ms < IDLE_POLL_MS ? wait_ms : IDLE_POLL_MS), NULL);
}

static void *run(void *arg)
{
    struct bf_client *c = arg;
    int64_t stop_ms = INT64_MAX;
    for (;;) {
        struct bf__transfer *inbox;
        bool stopping = take_inbox(c, &inbox);
        enqueue_all(c, inbox);
        if (stopping) {
            bf__queue_cancel(c, /* flying_too= */ false);
            if (!c->stopping_seen)
                stop_ms = bf_mono_ms(c->env) + c->grace_ms;
            c->stopping_seen = true;
        }
        bf__queue_sweep(c, bf_mono_ms(c->env));
        bf__queue_send(c);
        if (perform(c))
            continue;
        if (stopping && (c->in_flight == 0 || bf_mono_ms(c->env) >= stop_ms))
            break;
        wait_for_work(c, stop_ms);
    }
    bf__queue_cancel(c, /* flying_too= */ true);
    return NULL;
}

/* ---- doors ---- */

static enum bf_status check_call(const struct bf_fetch *call, struct bf_error *e)
{
    assert(call->method != NULL && call->url != NULL && call->judge != NULL && call->tries_max > 0);
    assert(call->n_headers <= BF_FETCH_HEADERS_MAX && call->n_parts <= BF_FETCH_PARTS_MAX);
    assert(call->n_parts == 0 || call->body.n == 0);
    for (unsigned i = 0; i < call->n_headers; i++) {
        struct bf_str v = call->headers[i].value;
        if (strlen(call->headers[i].name) + v.n > HEADER_BYTES_MAX)
            return bf_fail(e, BF_E_UNPROCESSABLE, "header %s: longer than %d bytes", call->headers[i].name, HEADER_BYTES_MAX);
        for (size_t k = 0; k < v.n; k++)
            if (v.p[k] == '\r' || v.p[k] == '\n' || v.p[k] == '\0')
                return bf_fail(e, BF_E_UNPROCESSABLE, "header %s: a line break or NUL in its value", call->headers[i].name);
    }
    return BF_OK;
}

static enum bf_status admit(struct bf_client *c, struct bf__transfer *t, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    bool was_empty = false;
    pthread_mutex_lock(&c->lock);
    if (c->stopping) {
        status = bf_fail(e, BF_E_CANCELLED, "the HTTP client is stopping");
    } else if (c->taken >= c->config.queue_max) {
        status = bf_fail(e, BF_E_UNAVAILABLE, "%u outgoing calls wait already", c->taken);
    } else {
        c->taken++;
        was_empty = c->inbox == NULL;
        *c->inbox_tail = t;
        c->inbox_tail = &t->next;
    }
    pthread_mutex_unlock(&c->lock);
    if (was_empty)
        curl_multi_wakeup(c->multi);
    return status;
}

enum bf_status bf_client_submit(struct bf_client *c, struct bf_fetch *call, struct bf_error *e)
{
    struct bf_url url;
    enum bf_status status = check_call(call, e);
    if (status == BF_OK)
        status = bf_url_judge(call->url, call->from, c->config.named_hosts, &url, e);
    if (status == BF_OK && url.mail != (call->mail != NULL))
        status = bf_fail(e, BF_E_UNPROCESSABLE, "a message goes to a mail server, and nothing else does");
    if (status == BF_E_FORBIDDEN)
        bf__client_count(c, &c->refused_address, BF_M_CALLS_REFUSED);
    if (status != BF_OK)
        return status;
    struct bf__transfer *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->client = c;
    t->call = call;
    t->url = url;
    t->deadline_ms = bf_mono_ms(c->env) + call->total_ms_max;
    bf_buf_init(&t->head, BF_FETCH_HEAD_BYTES_MAX);
    bf_buf_init(&t->body, call->answer_bytes_max);
    call->transfer = t;
    call->tries = 0;
    status = admit(c, t, e);
    if (status != BF_OK) {
        call->transfer = NULL;
        bf__transfer_free(t);
    }
    return status;
}

struct waiter {
    struct bf_mailbox mailbox;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void wake_waiter(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct waiter *w = BF_CONTAINER(mailbox, struct waiter, mailbox);
    (void)task;
    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

enum bf_status bf_client_call(struct bf_client *c, struct bf_fetch *call, struct bf_error *e)
{
    struct waiter w = {.mailbox.post = wake_waiter, .lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    call->home = &w.mailbox;
    enum bf_status status = bf_client_submit(c, call, &call->error);
    if (status == BF_OK) {
        pthread_mutex_lock(&w.lock);
        while (!w.is_done)
            pthread_cond_wait(&w.done, &w.lock);
        pthread_mutex_unlock(&w.lock);
        status = call->status;
    }
    call->status = status;
    if (status != BF_OK && e != NULL)
        *e = call->error;
    return status;
}

enum bf_status bf_client_check_url(struct bf_client *c, const char *url, enum bf_url_from from, struct bf_error *e)
{
    struct bf_url ignored;
    return bf_url_judge(url, from, c == NULL ? BF_STR("") : c->config.named_hosts, &ignored, e);
}

void bf_client_wake(struct bf_client *c) { curl_multi_wakeup(c->multi); }

void bf_client_stats(struct bf_client *c, struct bf_client_stats *ret)
{
    *ret = (struct bf_client_stats){
        .tries = c->tries,
        .retries = c->retries,
        .failures = c->failures,
        .breakers_opened = c->breakers_opened,
        .refused_breaker = c->refused_breaker,
        .refused_address = c->refused_address,
        .paused = c->n_paused,
    };
}

/* ---- start and stop ---- */

static void free_client(struct bf_client *c)
{
    for (unsigned i = 0; i < c->n_spare; i++)
        curl_easy_cleanup(c->spare[i]);
    bf__hosts_free(c);
    curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->resolve);
    pthread_mutex_destroy(&c->lock);
    free(c->named_hosts);
    free(c->ca_file);
    free(c);
    curl_global_cleanup();
}

static char *copy_or_null(struct bf_str s)
{
    char *copy = s.n == 0 ? NULL : strndup(s.p, s.n);
    if (s.n > 0 && copy == NULL)
        abort();
    return copy;
}

static void add_resolve(struct bf_client *c, struct bf_str list)
{
    struct bf_str item;
    while (bf_list_next(&list, &item)) {
        char *line = copy_or_null(item);
        struct curl_slist *longer = curl_slist_append(c->resolve, line);
        if (longer == NULL)
            abort();
        c->resolve = longer;
        free(line);
    }
}

static void configure(struct bf_client *c, const struct bf_client_config *config)
{
    assert(config->queue_max > 0 && config->in_flight_max > 0 && config->in_flight_per_host_max > 0 && config->breaker_failures > 0);
    c->config = *config;
    c->breaker = (struct bf_breaker_config){config->breaker_failures, config->breaker_ms, config->breaker_ms_max};
    c->named_hosts = copy_or_null(config->named_hosts);
    c->config.named_hosts = bf_strz(c->named_hosts);
    c->ca_file = copy_or_null(config->ca_file);
    add_resolve(c, config->resolve);
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)config->connections_per_host_max);
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)config->connections_max);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)config->connections_max);
}

enum bf_status bf_client_start(const struct bf_env *env, const struct bf_client_config *config, struct bf_client **ret, struct bf_error *e)
{
    sigset_t all, old;
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x080000)
        return bf_fail(e, BF_E_CONFIG, "libcurl %s is too old: 8 is needed", curl_version_info(CURLVERSION_NOW)->version);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return bf_fail(e, BF_E_CONFIG, "libcurl does not start");
    struct bf_client *c = calloc(1, sizeof *c);
    if (c == NULL || (c->multi = curl_multi_init()) == NULL)
        abort();
    c->env = env;
    pthread_mutex_init(&c->lock, NULL);
    c->inbox_tail = &c->inbox;
    c->sweep_ms = INT64_MAX;
    configure(c, config);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (pthread_create(&c->thread, NULL, run, c) != 0)
        abort();
    pthread_setname_np(c->thread, "http-client");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    *ret = c;
    return BF_OK;
}

void bf_client_drain(struct bf_client *c, unsigned grace_ms)
{
    pthread_mutex_lock(&c->lock);
    if (!c->stopping) /* the first word counts: the thread reads it without the lock */
        c->grace_ms = grace_ms;
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
}

void bf_client_stop(struct bf_client **client, unsigned grace_ms)
{
    struct bf_client *c = client == NULL ? NULL : *client;
    if (c == NULL)
        return;
    bf_client_drain(c, grace_ms);
    pthread_join(c->thread, NULL);
    assert(c->taken == 0);
    free_client(c);
    *client = NULL;
}
