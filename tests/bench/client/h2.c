/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/client/h2.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 16384, EVENTS = 64, WINDOW = 1 << 20 };

struct h2_loop {
    SSL_CTX *tls;
    int epoll;
    unsigned short port;
    bool stop;
    double at; /* when `due` is to run */
    double (*due)(void *ctx);
    void *due_ctx;
    struct h2_conn *conns;
};

struct h2_conn {
    struct h2_loop *loop;
    struct h2_conn *next;
    SSL *ssl;
    nghttp2_session *session;
    const struct h2_events *events;
    void *ctx;
    int fd;
    bool wants_write, is_read; /* is_read: what is asked now goes out when its answers are read */
    uint8_t *out; /* one record under way: room only while there is one */
    size_t out_n, out_at;
};

struct stream {
    struct h2_request request;
    struct h2_answer answer;
    size_t at, round;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "h2: %s: %s\n", what, errno != 0 ? strerror(errno) : "failed");
    ERR_print_errors_fp(stderr);
    exit(1);
}

double h2_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- nghttp2's callbacks ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_n, const uint8_t *value, size_t value_n,
                     uint8_t flags, void *arg)
{
    struct stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags, (void)arg;
    if (s == NULL)
        return 0;
    if (name_n == 7 && memcmp(name, ":status", 7) == 0)
        s->answer.status = atoi((const char *)value);
    else if (name_n == 8 && memcmp(name, "location", 8) == 0)
        snprintf(s->answer.location, sizeof s->answer.location, "%.*s", (int)value_n, (const char *)value);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_conn *c = arg;
    struct stream *s = frame->hd.type == NGHTTP2_HEADERS ? nghttp2_session_get_stream_user_data(session, frame->hd.stream_id) : NULL;
    if (s != NULL && c->events->headed != NULL)
        c->events->headed(c, &s->answer, c->ctx);
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
    struct h2_conn *c = arg;
    struct stream *s = nghttp2_session_get_stream_user_data(session, id);
    errno = 0;
    must(code == NGHTTP2_NO_ERROR, "a stream was reset");
    if (s != NULL && c->events->answered != NULL)
        c->events->answered(c, &s->answer, c->ctx);
    free(s);
    return 0;
}

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t room, uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct stream *s = source->ptr;
    size_t n = s->request.body_n - s->at < room ? s->request.body_n - s->at : room;
    (void)session, (void)id, (void)arg;
    memcpy(to, s->request.body + s->at, n);
    s->at += n;
    if (s->at == s->request.body_n) {
        s->at = 0;
        s->round++;
    }
    if (s->round == s->request.body_repeat)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* ---- the wire ---- */

static void watch(struct h2_conn *c, bool wants_write)
{
    struct epoll_event e = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0), .data.ptr = c};
    if (wants_write == c->wants_write)
        return;
    must(epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd, &e) == 0, "epoll_ctl");
    c->wants_write = wants_write;
}

/* Fills one record with frames. */
static void gather(struct h2_conn *c)
{
    const uint8_t *p;
    ssize_t n;
    c->out_at = c->out_n = 0;
    while ((n = nghttp2_session_mem_send(c->session, &p)) > 0) {
        if (c->out == NULL)
            must((c->out = malloc(2 * RECORD)) != NULL, "memory");
        must((size_t)n <= 2 * RECORD - c->out_n, "a frame is too long");
        memcpy(c->out + c->out_n, p, (size_t)n);
        c->out_n += (size_t)n;
        if (c->out_n > RECORD - 64)
            break;
    }
    must(n >= 0, "nghttp2_session_mem_send");
}

static void flush(struct h2_conn *c)
{
    for (;;) {
        if (c->out_at == c->out_n)
            gather(c);
        if (c->out_n == 0)
            break;
        int n = SSL_write(c->ssl, c->out + c->out_at, (int)(c->out_n - c->out_at));
        if (n <= 0) {
            must(SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE, "SSL_write");
            watch(c, true);
            return;
        }
        c->out_at += (size_t)n;
    }
    free(c->out);
    c->out = NULL;
    watch(c, false);
}

static void receive(struct h2_conn *c)
{
    uint8_t in[RECORD];
    int n;
    while ((n = SSL_read(c->ssl, in, sizeof in)) > 0)
        must(nghttp2_session_mem_recv(c->session, in, (size_t)n) == n, "nghttp2_session_mem_recv");
    must(SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ, "the server closed the connection");
}

/* ---- connections ---- */

static int connect_to(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static nghttp2_session *start_session(struct h2_conn *c)
{
    nghttp2_session *session;
    nghttp2_session_callbacks *callbacks;
    const nghttp2_settings_entry settings = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW};
    must(nghttp2_session_callbacks_new(&callbacks) == 0, "nghttp2");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    must(nghttp2_session_client_new(&session, callbacks, c) == 0, "nghttp2");
    nghttp2_session_callbacks_del(callbacks);
    must(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &settings, 1) == 0, "nghttp2_submit_settings");
    must(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, 16 * WINDOW) == 0, "window");
    return session;
}

struct h2_conn *h2_open(struct h2_loop *loop, const struct h2_events *events, void *ctx)
{
    struct h2_conn *c = calloc(1, sizeof *c);
    must(c != NULL, "memory");
    *c = (struct h2_conn){.loop = loop, .next = loop->conns, .events = events, .ctx = ctx, .fd = connect_to(loop->port)};
    loop->conns = c;
    c->ssl = SSL_new(loop->tls);
    SSL_set_fd(c->ssl, c->fd);
    must(SSL_connect(c->ssl) == 1, "SSL_connect");
    must(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
    c->session = start_session(c);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    must(epoll_ctl(loop->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0, "epoll_ctl");
    flush(c);
    return c;
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

/* Frames go out when the loop comes round, or at once when it is not running. */
void h2_ask(struct h2_conn *c, const struct h2_request *request)
{
    char bearer[512], length[32];
    nghttp2_nv nv[6 + H2_HEADERS_MAX] = {pair(":method", request->method), pair(":scheme", "https"), pair(":authority", "127.0.0.1"),
                                         pair(":path", request->path)};
    unsigned n = 4;
    struct stream *s = calloc(1, sizeof *s);
    must(s != NULL, "memory");
    s->request = *request;
    s->answer.tag = request->tag;
    if (request->token != NULL) {
        snprintf(bearer, sizeof bearer, "Bearer %s", request->token);
        nv[n++] = pair("authorization", bearer);
    }
    if (request->body_repeat > 0) {
        snprintf(length, sizeof length, "%zu", request->body_n * request->body_repeat);
        nv[n++] = pair("content-length", length);
    }
    for (unsigned i = 0; i < request->n_headers; i++)
        nv[n++] = pair(request->headers[i].name, request->headers[i].value);
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
    must(nghttp2_submit_request(c->session, NULL, nv, n, request->body_repeat > 0 ? &body : NULL, s) > 0, "nghttp2_submit_request");
    if (!c->is_read)
        watch(c, true);
}

/* ---- the loop ---- */

struct h2_loop *h2_loop_create(unsigned short port)
{
    struct h2_loop *loop = calloc(1, sizeof *loop);
    struct epoll_event e = {.events = EPOLLIN};
    must(loop != NULL, "memory");
    loop->port = port;
    loop->at = HUGE_VAL;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(loop->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    must(SSL_CTX_set_alpn_protos(loop->tls, (const unsigned char *)"\x02h2", 3) == 0, "alpn");
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, 0, &e) != 0)
        errno = 0; /* standard input is a file or closed: nothing to wait for there */
    return loop;
}

void h2_loop_stop(struct h2_loop *loop) { loop->stop = true; }

void h2_loop_at(struct h2_loop *loop, double at, double (*due)(void *ctx), void *ctx)
{
    loop->at = at;
    loop->due = due;
    loop->due_ctx = ctx;
}

/* Events, until the time of `due`, which runs then. */
static int next_events(struct h2_loop *loop, struct epoll_event *events)
{
    double wait = loop->at - h2_seconds();
    if (wait <= 0) {
        loop->at = loop->due(loop->due_ctx);
        wait = 0;
    }
    struct timespec until = {.tv_sec = wait < 1 ? 0 : 1, .tv_nsec = wait < 1 ? (long)(wait * 1e9) : 0};
    return epoll_pwait2(loop->epoll, events, EVENTS, &until, NULL);
}

void h2_loop_run(struct h2_loop *loop)
{
    struct epoll_event events[EVENTS];
    char byte;
    loop->stop = false;
    while (!loop->stop) {
        int n = next_events(loop, events);
        for (int i = 0; i < n; i++) {
            struct h2_conn *c = events[i].data.ptr;
            if (c == NULL) {
                if (read(0, &byte, 1) > 0)
                    continue;
                epoll_ctl(loop->epoll, EPOLL_CTL_DEL, 0, NULL);
                return;
            }
            c->is_read = true;
            if (events[i].events & ~(unsigned)EPOLLOUT)
                receive(c);
            c->is_read = false;
            flush(c);
        }
    }
}

void h2_loop_destroy(struct h2_loop *loop)
{
    struct h2_conn *next;
    for (struct h2_conn *c = loop->conns; c != NULL; c = next) {
        next = c->next;
        nghttp2_session_del(c->session);
        SSL_free(c->ssl);
        close(c->fd);
        free(c->out);
        free(c);
    }
    SSL_CTX_free(loop->tls);
    close(loop->epoll);
    free(loop);
}
