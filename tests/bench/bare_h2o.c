/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The baseline of `make bench` for reads: libh2o itself (our build of it), TLS, one hop to a worker pool and back, a fixed body of 1 KB. No
 * routing, no copies of headers, no limits, nothing of ours but the pool.
 *
 *   bare_h2o DIR LOOPS WORKERS      DIR holds tls.crt and tls.key; prints "port N"; ends with its stdin
 */
#include "core/env.h"
#include "core/mailbox.h"
#include "core/pool.h"
#include <arpa/inet.h>
#include <h2o.h>
#include <h2o/http2.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_BYTES = 1024, LOOPS_MAX = 64 };

struct app;

struct loop {
    struct app *app;
    h2o_context_t ctx;
    h2o_accept_ctx_t accept;
    h2o_multithread_receiver_t receiver;
    int fd;
    pthread_t thread;
};

struct app {
    struct bf_env env;
    h2o_globalconf_t conf;
    struct bf_pool *pool;
    SSL_CTX *ssl;
    struct loop loops[LOOPS_MAX];
    char body[BODY_BYTES];
};

struct handler {
    h2o_handler_t super;
    struct app *app;
};

struct job {
    h2o_multithread_message_t message;
    struct bf_task task;
    struct loop *loop;
    h2o_req_t *req; /* NULL when it died */
};

static void on_dispose(void *p)
{
    struct job **guard = p;
    if (*guard != NULL)
        (*guard)->req = NULL;
}

static void work(struct bf_task *task)
{
    struct job *job = BF_CONTAINER(task, struct job, task);
    h2o_multithread_send_message(&job->loop->receiver, &job->message);
}

static void answer(struct job *job)
{
    h2o_req_t *req = job->req;
    static h2o_generator_t generator;
    h2o_iovec_t body = h2o_iovec_init(job->loop->app->body, BODY_BYTES);
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = BODY_BYTES;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL, H2O_STRLIT("application/json"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
}

static void on_message(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    (void)receiver;
    while (!h2o_linklist_is_empty(messages)) {
        struct job *job = H2O_STRUCT_FROM_MEMBER(struct job, message.link, messages->next);
        h2o_linklist_unlink(&job->message.link);
        if (job->req != NULL) {
            struct job **guard = job->req->app_data;
            *guard = NULL;
            answer(job);
        }
        free(job);
    }
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct app *app = ((struct handler *)(void *)self)->app;
    struct job *job = calloc(1, sizeof *job), **guard = h2o_mem_alloc_shared(&req->pool, sizeof *guard, on_dispose);
    if (job == NULL)
        abort();
    job->req = req;
    job->loop = H2O_STRUCT_FROM_MEMBER(struct loop, ctx, req->conn->ctx);
    job->task.run = work;
    *guard = job;
    req->app_data = guard;
    bf_post(bf_pool_mailbox(app->pool), &job->task);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct loop *loop = listener->data;
    h2o_socket_t *sock;
    for (int i = 0; err == NULL && i < 16 && (sock = h2o_evloop_socket_accept(listener)) != NULL; i++)
        h2o_accept(&loop->accept, sock);
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    h2o_context_init(&loop->ctx, h2o_evloop_create(), &loop->app->conf);
    h2o_multithread_register_receiver(loop->ctx.queue, &loop->receiver, on_message);
    loop->accept = (h2o_accept_ctx_t){.ctx = &loop->ctx, .hosts = loop->app->conf.hosts, .ssl_ctx = loop->app->ssl};
    h2o_socket_t *listener = h2o_evloop_socket_create(loop->ctx.loop, loop->fd, H2O_SOCKET_FLAG_DONT_READ);
    listener->data = loop;
    h2o_socket_read_start(listener, on_accept);
    for (;;)
        h2o_evloop_run(loop->ctx.loop, INT32_MAX);
    return NULL;
}

static int listen_on(unsigned short *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof sa;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 || listen(fd, 1024) != 0)
        abort();
    getsockname(fd, (struct sockaddr *)&sa, &len);
    *port = ntohs(sa.sin_port);
    return fd;
}

static SSL_CTX *load_certificate(const char *dir)
{
    char cert[4096], key[4096];
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    snprintf(cert, sizeof cert, "%s/tls.crt", dir);
    snprintf(key, sizeof key, "%s/tls.key", dir);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    h2o_ssl_register_alpn_protocols(ssl, h2o_alpn_protocols);
    if (SSL_CTX_use_certificate_chain_file(ssl, cert) != 1 || SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "no certificate in %s\n", dir);
        exit(1);
    }
    return ssl;
}

int main(int argc, char **argv)
{
    static struct app app;
    unsigned short port = 0;
    char c;
    if (argc != 4)
        return 2;
    unsigned n_loops = (unsigned)strtoul(argv[2], NULL, 10), n_workers = (unsigned)strtoul(argv[3], NULL, 10);
    if (n_loops < 1 || n_loops > LOOPS_MAX || n_workers < 1)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    bf_env_system(&app.env);
    memset(app.body, 'x', sizeof app.body);
    app.pool = bf_pool_create(&app.env, "worker", n_workers, 65536);
    app.ssl = load_certificate(argv[1]);
    h2o_config_init(&app.conf);
    h2o_hostconf_t *host = h2o_config_register_host(&app.conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    struct handler *handler = (struct handler *)(void *)h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof *handler);
    handler->super.on_req = on_req;
    handler->app = &app;
    for (unsigned i = 0; i < n_loops; i++) {
        app.loops[i].app = &app;
        app.loops[i].fd = listen_on(&port);
        if (pthread_create(&app.loops[i].thread, NULL, run, &app.loops[i]) != 0)
            abort();
    }
    printf("port %u\n", port);
    fflush(stdout);
    while (read(0, &c, 1) > 0) {
    }
    _exit(0);
}
