/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/client/peer.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 256, HEAD_MAX = 16384, BODY_MAX = 8 << 20, PATHS_MAX = 64, URLS_MAX = 256 };

struct connection {
    struct peer *peer;
    int fd;
    pthread_t thread;
    char head[HEAD_MAX];
    char *body;
    size_t body_n;
};

struct peer {
    int fd, port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t change;
    unsigned requests, n_connections;
    struct connection *connections[CONNECTIONS_MAX];
    struct {
        char path[64];
        unsigned count;
    } seen[PATHS_MAX];
    bool released, stopping;
    char urls[URLS_MAX][128];
    unsigned next_url;
};

static bool put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

static bool reply(int fd, int status, const char *headers, const char *body, size_t n)
{
    char line[128];
    int m = snprintf(line, sizeof line, "HTTP/1.1 %d Words\r\nContent-Length: %zu\r\n", status, n);
    return put(fd, line, (size_t)m) && put(fd, headers, strlen(headers)) && put(fd, "\r\n", 2) && put(fd, body, n);
}

static bool reply_text(int fd, int status, const char *headers, const char *text) { return reply(fd, status, headers, text, strlen(text)); }

static bool reply_filled(int fd, size_t n, bool in_header)
{
    char *p = malloc(n + 16);
    bool ok;
    memset(p, 'x', n);
    if (in_header) {
        memcpy(p, "X-Fill: ", 8);
        memcpy(p + n, "\r\n", 3);
        ok = reply(fd, 200, p, "", 0);
    } else {
        ok = reply(fd, 200, "", p, n);
    }
    free(p);
    return ok;
}

static unsigned count_path(struct peer *peer, const char *path)
{
    unsigned count = 0;
    pthread_mutex_lock(&peer->lock);
    for (unsigned i = 0; i < PATHS_MAX; i++) {
        if (peer->seen[i].path[0] == '\0')
            snprintf(peer->seen[i].path, sizeof peer->seen[i].path, "%s", path);
        if (strcmp(peer->seen[i].path, path) == 0) {
            count = ++peer->seen[i].count;
            break;
        }
    }
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static bool hang(struct peer *peer, int fd)
{
    pthread_mutex_lock(&peer->lock);
    while (!peer->released)
        pthread_cond_wait(&peer->change, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
    return reply_text(fd, 200, "", "at last");
}

static bool answer(struct connection *c, const char *path)
{
    int status = 0;
    unsigned n = 0;
    char headers[64];
    if (strcmp(path, "/echo") == 0)
        return reply(c->fd, 200, "", c->body, c->body_n);
    if (strcmp(path, "/head") == 0)
        return reply_text(c->fd, 200, "", c->head);
    if (sscanf(path, "/status/%d", &status) == 1) {
        snprintf(headers, sizeof headers, "words of %d", status);
        return reply_text(c->fd, status, "", headers);
    }
    if (sscanf(path, "/flaky/%u/%d", &n, &status) == 2)
        return count_path(c->peer, path) <= n ? reply_text(c->fd, status, "", "not yet") : reply_text(c->fd, 200, "", "hello");
    if (sscanf(path, "/after/%d/%u", &status, &n) == 2) {
        snprintf(headers, sizeof headers, "Retry-After: %u\r\n", n);
        return count_path(c->peer, path) <= 1 ? reply_text(c->fd, status, headers, "later") : reply_text(c->fd, 200, "", "hello");
    }
    if (sscanf(path, "/big/%u", &n) == 1 || sscanf(path, "/headers/%u", &n) == 1)
        return reply_filled(c->fd, n, path[1] == 'h');
    if (strcmp(path, "/half") == 0)
        return put(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789", 51) && false;
    if (strcmp(path, "/drop") == 0)
        return false;
    if (strcmp(path, "/hang") == 0)
        return hang(c->peer, c->fd);
    if (strcmp(path, "/redirect") == 0)
        return reply_text(c->fd, 302, "Location: /secret\r\n", "");
    return reply_text(c->fd, 200, "", "hello");
}

/* Reads one request whole; false at the connection's end. */
static bool read_request(struct connection *c)
{
    size_t n = 0;
    while (n < HEAD_MAX - 1) { /* byte by byte, so that the body stays in the socket */
        if (recv(c->fd, c->head + n, 1, 0) != 1)
            return false;
        c->head[++n] = '\0';
        if (n >= 4 && memcmp(c->head + n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->body_n = length == NULL ? 0 : strtoul(length + 17, NULL, 10);
    if (c->body_n > BODY_MAX)
        return false;
    for (size_t got = 0; got < c->body_n;) {
        ssize_t r = recv(c->fd, c->body + got, c->body_n - got, 0);
        if (r <= 0)
            return false;
        got += (size_t)r;
    }
    return true;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    char path[128];
    while (read_request(c)) {
        pthread_mutex_lock(&c->peer->lock);
        c->peer->requests++;
        pthread_cond_broadcast(&c->peer->change);
        pthread_mutex_unlock(&c->peer->lock);
        if (sscanf(c->head, "%*s %127s", path) != 1 || !answer(c, path))
            break;
    }
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct peer *peer = arg;
    int fd;
    while ((fd = accept4(peer->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        c->peer = peer;
        c->fd = fd;
        c->body = malloc(BODY_MAX);
        pthread_mutex_lock(&peer->lock);
        if (peer->n_connections == CONNECTIONS_MAX)
            abort();
        peer->connections[peer->n_connections++] = c;
        pthread_mutex_unlock(&peer->lock);
        pthread_create(&c->thread, NULL, serve, c);
    }
    return NULL;
}

struct peer *peer_start(void)
{
    struct peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->change, NULL);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer->fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(peer->fd, 128) != 0 ||
        getsockname(peer->fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    peer->port = ntohs(a.sin_port);
    pthread_create(&peer->acceptor, NULL, accept_all, peer);
    return peer;
}

void peer_stop(struct peer **p)
{
    struct peer *peer = *p;
    peer_release(peer);
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->acceptor, NULL);
    for (unsigned i = 0; i < peer->n_connections; i++) {
        shutdown(peer->connections[i]->fd, SHUT_RDWR);
        pthread_join(peer->connections[i]->thread, NULL);
        close(peer->connections[i]->fd);
        free(peer->connections[i]->body);
        free(peer->connections[i]);
    }
    close(peer->fd);
    pthread_cond_destroy(&peer->change);
    pthread_mutex_destroy(&peer->lock);
    free(peer);
    *p = NULL;
}

int peer_port(const struct peer *peer) { return peer->port; }

const char *peer_url(struct peer *peer, const char *path)
{
    char *url = peer->urls[peer->next_url++ % URLS_MAX];
    snprintf(url, sizeof peer->urls[0], "http://127.0.0.1:%d%s", peer->port, path);
    return url;
}

unsigned peer_requests(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    unsigned n = peer->requests;
    pthread_mutex_unlock(&peer->lock);
    return n;
}

unsigned peer_connections(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    unsigned n = peer->n_connections;
    pthread_mutex_unlock(&peer->lock);
    return n;
}

void peer_await_requests(struct peer *peer, unsigned n)
{
    pthread_mutex_lock(&peer->lock);
    while (peer->requests < n)
        pthread_cond_wait(&peer->change, &peer->lock);
    pthread_mutex_unlock(&peer->lock);
}

void peer_release(struct peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    peer->released = true;
    pthread_cond_broadcast(&peer->change);
    pthread_mutex_unlock(&peer->lock);
}
