/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: how many there may be, and how one is ended. */
#include "core/http/internal.h"
#include "core/log.h"
#include "core/metrics.h"
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { CUTS_LOGGED = 20 };

void bf__conn_free_if_done(struct bf__conn *conn)
{
    if (!conn->closed || conn->n_owned > 0)
        return;
    assert(conn->requests == NULL);
    free(conn);
}

static void on_close(void *data)
{
    struct bf__conn *conn = data;
    struct bf__loop *loop = conn->loop;
    struct bf_http *http = loop->http;
    assert(!conn->closed);
    conn->closed = true;
    conn->sock = NULL;
    *conn->prev = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    atomic_fetch_sub(&http->connections, 1);
    bf_metric_add(http->env->metrics, BF_M_HTTP_CONNECTIONS, -1);
    bf__conn_free_if_done(conn);
    if (atomic_load(&http->draining))
        bf__http_wake(http);
}

static void begin(struct bf__loop *loop, h2o_socket_t *sock)
{
    struct bf__conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        abort();
    conn->loop = loop;
    conn->sock = sock;
    conn->quiet_since_ms = bf_mono_ms(loop->http->env);
    conn->next = loop->conns;
    conn->prev = &loop->conns;
    if (conn->next != NULL)
        conn->next->prev = &conn->next;
    loop->conns = conn;
    sock->on_close.cb = on_close;
    sock->on_close.data = conn;
    bf_metric_add(loop->http->env->metrics, BF_M_HTTP_CONNECTIONS, 1);
    h2o_accept(&loop->accept, sock);
}

static void pause_listening(struct bf__loop *loop)
{
    if (!loop->paused && loop->listener != NULL)
        h2o_socket_read_stop(loop->listener);
    loop->paused = true;
}

/* Called by the sweeper, so at most a tick after a place became free. */
void bf__conn_listen_again(struct bf__loop *loop)
{
    struct bf_http *http = loop->http;
    if (!loop->paused || loop->listener == NULL || atomic_load(&http->connections) >= http->config.connections_max)
        return;
    loop->paused = false;
    h2o_socket_read_start(loop->listener, bf__conn_on_listen);
}

void bf__conn_on_listen(h2o_socket_t *listener, const char *err)
{
    struct bf__loop *loop = listener->data;
    struct bf_http *http = loop->http;
    if (err != NULL)
        return;
    /* a bound, so that a flood of connections does not starve those that are here */
    for (int i = 0; i < 16; i++) {
        if (atomic_fetch_add(&http->connections, 1) >= http->config.connections_max) {
            atomic_fetch_sub(&http->connections, 1);
            pause_listening(loop);
            return;
        }
        h2o_socket_t *sock = h2o_evloop_socket_accept(loop->listener);
        if (sock == NULL) {
            atomic_fetch_sub(&http->connections, 1);
            /* out of descriptors: level-triggered polling would spin */
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                pause_listening(loop);
            return;
        }
        begin(loop, sock);
    }
}

void bf__conn_shut(struct bf__conn *conn)
{
    if (conn->killed || conn->sock == NULL)
        return;
    conn->killed = true;
    shutdown(h2o_socket_get_fd(conn->sock), SHUT_RDWR);
}

/* A line for each, but for floods: CUTS_LOGGED a minute and loop. */
static void say(struct bf__conn *conn, const char *why)
{
    struct bf__loop *loop = conn->loop;
    int64_t now = bf_mono_ms(loop->http->env);
    bf_metric_add(loop->http->env->metrics, BF_M_HTTP_CUT, 1);
    if (now - loop->cuts_since_ms > 60 * 1000) {
        loop->cuts_since_ms = now;
        loop->cuts = 0;
    }
    if (loop->cuts++ < CUTS_LOGGED)
        bf_log(loop->http->env, BF_LOG_INFO, "http.cut", why, BF_L_SLICE("peer", bf__conn_peer(conn)), BF_L_END);
}

void bf__conn_kill(struct bf__conn *conn, const char *why)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (conn->killed || conn->sock == NULL)
        return;
    say(conn, why);
    setsockopt(h2o_socket_get_fd(conn->sock), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    bf__conn_shut(conn);
}

struct bf_str bf__conn_peer(struct bf__conn *conn)
{
    struct sockaddr_storage sa;
    if (conn->peer[0] != '\0' || conn->sock == NULL || h2o_socket_getpeername(conn->sock, (struct sockaddr *)&sa) == 0)
        return bf_strz(conn->peer);
    if (sa.ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)&sa)->sin_addr, conn->peer, sizeof conn->peer);
    } else if (sa.ss_family == AF_INET6) {
        const struct in6_addr *a = &((struct sockaddr_in6 *)&sa)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(a))
            inet_ntop(AF_INET, a->s6_addr + 12, conn->peer, sizeof conn->peer);
        else
            inet_ntop(AF_INET6, a, conn->peer, sizeof conn->peer);
    }
    return bf_strz(conn->peer);
}
