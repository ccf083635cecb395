/* SPDX-License-Identifier: Apache-2.0 */
/* An event loop and its mailbox: tasks are pushed onto a lock-free stack by any thread; the first push into an empty stack rings an
 * eventfd. */
#include "core/http/internal.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void post(struct bf_mailbox *mailbox, struct bf_task *task)
{
    struct bf__loop *loop = BF_CONTAINER(mailbox, struct bf__loop, mailbox);
    struct bf_task *head = atomic_load_explicit(&loop->tasks, memory_order_relaxed);
    do {
        task->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&loop->tasks, &head, task, memory_order_release, memory_order_relaxed));
    if (head == NULL) {
        uint64_t one = 1;
        while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
        }
    }
}

static void run_tasks(struct bf__loop *loop)
{
    struct bf_task *newest = atomic_exchange_explicit(&loop->tasks, NULL, memory_order_acquire), *oldest = NULL;
    while (newest != NULL) {
        struct bf_task *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct bf_task *task = oldest;
        oldest = task->next;
        task->run(task);
    }
}

static void on_wake(h2o_socket_t *sock, const char *err)
{
    assert(err == NULL);
    h2o_buffer_consume(&sock->input, sock->input->size);
    run_tasks(sock->data);
}

void bf__loop_random(struct bf__loop *loop, void *out, size_t n)
{
    struct bf__random *r = &loop->random;
    assert(n <= sizeof r->bytes);
    if (r->left < n) {
        bf_random(loop->http->env, r->bytes, sizeof r->bytes);
        r->left = sizeof r->bytes;
    }
    r->left -= n;
    memcpy(out, r->bytes + r->left, n);
}

static void on_tick(h2o_timeout_entry_t *entry)
{
    struct bf__loop *loop = BF_CONTAINER(entry, struct bf__loop, tick);
    atomic_store(&loop->ticked_ms, bf_mono_ms(loop->http->env));
    bf__sweep(loop);
    h2o_timeout_link(loop->ctx.loop, &loop->tick_timeout, &loop->tick);
}

static void set_up(struct bf__loop *loop)
{
    /* one TLS record and its header in one read; buffers are only held while they hold something */
    h2o_socket_buffer_prototype._initial_buf.capacity = 24 * 1024;
    h2o_context_init(&loop->ctx, h2o_evloop_create(), &loop->http->conf);
    loop->name_nosniff = h2o_iovec_init(H2O_STRLIT("x-content-type-options"));
    loop->name_traceparent = h2o_iovec_init(H2O_STRLIT("traceparent"));
    loop->accept.ctx = &loop->ctx;
    loop->accept.hosts = loop->http->conf.hosts;
    loop->wake = h2o_evloop_socket_create(loop->ctx.loop, loop->wake_fd, 0);
    loop->wake->data = loop;
    h2o_socket_read_start(loop->wake, on_wake);
    loop->listener = h2o_evloop_socket_create(loop->ctx.loop, loop->listen_fd, H2O_SOCKET_FLAG_DONT_READ);
    loop->listener->data = loop;
    h2o_socket_read_start(loop->listener, bf__conn_on_listen);
    h2o_timeout_init(loop->ctx.loop, &loop->tick_timeout, BF__TICK_MS);
    loop->tick.cb = on_tick;
    h2o_timeout_link(loop->ctx.loop, &loop->tick_timeout, &loop->tick);
    loop->dispatch.cb = bf__dispatch_fresh;
}

static void *run(void *arg)
{
    struct bf__loop *loop = arg;
    set_up(loop);
    while (!loop->stopping)
        h2o_evloop_run(loop->ctx.loop, INT32_MAX);
    assert(loop->conns == NULL && loop->fresh == NULL);
    bf__request_free_spare(loop);
    h2o_timeout_unlink(&loop->tick);
    h2o_timeout_unlink(&loop->dispatch);
    h2o_timeout_unlink(&loop->ctx.http2._graceful_shutdown_timeout);
    h2o_timeout_dispose(loop->ctx.loop, &loop->tick_timeout);
    if (loop->listener != NULL)
        h2o_socket_close(loop->listener);
    h2o_socket_close(loop->wake);
    h2o_context_dispose(&loop->ctx);
    /* frees the sockets just closed */
    h2o_evloop_run(loop->ctx.loop, 0);
    h2o_evloop_destroy(loop->ctx.loop);
    h2o_mem_clear_recycled();
    return NULL;
}

enum bf_status bf__loop_start(struct bf__loop *loop, struct bf_http *http, int listen_fd, SSL_CTX *ssl, struct bf_error *e)
{
    sigset_t all, old;
    char name[32];
    loop->mailbox.post = post;
    loop->http = http;
    loop->listen_fd = listen_fd;
    loop->fresh_tail = &loop->fresh;
    atomic_init(&loop->ticked_ms, bf_mono_ms(http->env));
    loop->accept.ssl_ctx = ssl;
    if ((loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "eventfd");
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed != 0) {
        close(loop->wake_fd);
        return bf_fail_errno(e, BF_E_IO, failed, "starting an HTTP loop");
    }
    snprintf(name, sizeof name, "http-%u", (unsigned)(loop - http->loops) % 1000);
    pthread_setname_np(loop->thread, name);
    return BF_OK;
}

/* ---- orders from other threads ---- */

struct order {
    struct bf_task task;
    struct bf__loop *loop;
    SSL_CTX *ssl;
};

static void send_order(struct bf__loop *loop, void (*run_order)(struct bf_task *), SSL_CTX *ssl)
{
    struct order *o = calloc(1, sizeof *o);
    if (o == NULL)
        abort();
    *o = (struct order){.task.run = run_order, .loop = loop, .ssl = ssl};
    bf_post(&loop->mailbox, &o->task);
}

/* libh2o keeps a plain pointer to the context from accept until the first bytes of the handshake: an old one is kept for longer than a
 * client may take for those (conf->handshake_timeout). */
enum { RETIRED_MS = 60 * 1000 };

struct bf__retired {
    struct bf__retired *next;
    SSL_CTX *ssl;
    int64_t at_ms;
};

/* Those retired before `before_ms`. */
static void free_retired(struct bf__retired **list, int64_t before_ms)
{
    while (*list != NULL && (*list)->at_ms >= before_ms)
        list = &(*list)->next;
    while (*list != NULL) {
        struct bf__retired *r = *list;
        *list = r->next;
        SSL_CTX_free(r->ssl);
        free(r);
    }
}

static void take_certificate(struct bf_task *task)
{
    struct order *o = BF_CONTAINER(task, struct order, task);
    struct bf__loop *loop = o->loop;
    struct bf__retired *r = malloc(sizeof *r);
    if (r == NULL)
        abort();
    *r = (struct bf__retired){.next = loop->retired, .ssl = loop->accept.ssl_ctx, .at_ms = bf_mono_ms(loop->http->env)};
    loop->retired = r;
    free_retired(&loop->retired, r->at_ms - RETIRED_MS);
    loop->accept.ssl_ctx = o->ssl;
    free(o);
    if (atomic_fetch_sub(&loop->http->certificates, 1) == 1)
        bf__http_wake(loop->http);
}

static void drain(struct bf_task *task)
{
    struct order *o = BF_CONTAINER(task, struct order, task);
    struct bf__loop *loop = o->loop;
    free(o);
    loop->drain_began_ms = bf_mono_ms(loop->http->env);
    if (loop->listener != NULL)
        h2o_socket_close(loop->listener);
    loop->listener = NULL;
    h2o_context_request_shutdown(&loop->ctx);
    bf__events_drain(loop);
}

static void stop(struct bf_task *task)
{
    struct order *o = BF_CONTAINER(task, struct order, task);
    o->loop->stopping = true;
    free(o);
}

void bf__loop_set_certificate(struct bf__loop *loop, SSL_CTX *ssl) { send_order(loop, take_certificate, ssl); }
void bf__loop_drain(struct bf__loop *loop) { send_order(loop, drain, NULL); }

void bf__loop_stop(struct bf__loop *loop)
{
    send_order(loop, stop, NULL);
    pthread_join(loop->thread, NULL);
}

void bf__loop_finish(struct bf__loop *loop)
{
    free_retired(&loop->retired, INT64_MAX);
    SSL_CTX_free(loop->accept.ssl_ctx);
    loop->accept.ssl_ctx = NULL;
}
