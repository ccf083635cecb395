/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no frame and no event tells: clients that do nothing, or just enough to look alive. Every tick looks at each connection of the loop.
 *
 *   headers that do not get complete         closed after request_ms_max
 *   buffered body that does not              408 after request_ms_max
 *   sink's body slower than body_rate_min    408, the sink is aborted
 *   no answer from its owner                 503 after answer_ms_max
 *   answer taken slower than body_rate_min   connection reset
 *   event stream that is not read            stream reset; over HTTP/1.1, or when that takes as long again, the connection
 *   no request for long, pings or not        connection closed after 2 x idle_ms_max (libh2o itself ends quiet ones at idle_ms_max)
 *
 * Rates are averages over `rate_ms`.
 */
#include "core/http/internal.h"
#include "core/metrics.h"
#include <assert.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <sys/socket.h>

enum { DRAIN_GRACE_MS = 2000 /* the second GOAWAY comes a second after the first */ };

static uint64_t rate_bytes(const struct bf_http *http) { return (uint64_t)http->config.body_rate_min * http->config.rate_ms / 1000; }

/* ---- requests whose headers are not complete ---- */

struct header_sweep {
    struct bf__loop *loop;
    uint64_t now_ms;
};

static int judge_headers(h2o_req_t *h2o, void *data)
{
    struct header_sweep *s = data;
    uint64_t began_ms = h2o->timestamps.request_begin_ms;
    h2o_socket_t *sock = h2o->conn->callbacks->get_socket(h2o->conn);
    if (h2o->app_data != NULL || began_ms == 0 || sock == NULL || sock->on_close.data == NULL)
        return 0;
    if (s->now_ms > began_ms + s->loop->http->config.request_ms_max)
        bf__conn_kill(sock->on_close.data, "headers did not get complete");
    return 0;
}

static void sweep_headers(struct bf__loop *loop)
{
    struct header_sweep s = {loop, h2o_now(loop->ctx.loop)};
    loop->http->conf.http1.callbacks.foreach_request(&loop->ctx, judge_headers, &s);
    loop->http->conf.http2.callbacks.foreach_request(&loop->ctx, judge_headers, &s);
}

/* ---- bodies ---- */

static void time_out(struct bf_request *req, const char *why)
{
    struct bf_error e;
    bf_fail(&e, BF_E_TIMEOUT, "%s", why);
    bf__body_cut(req, &e);
}

static void judge_body(struct bf_request *req, int64_t now)
{
    const struct bf_http *http = req->http;
    if (req->answer != NULL || req->h2o->body.cut == NULL)
        return;
    if (req->sink_kind == NULL) {
        if (now - req->began_ms > (int64_t)http->config.request_ms_max)
            time_out(req, "the body did not arrive in time");
        return;
    }
    if (now - req->rate_began_ms < (int64_t)http->config.rate_ms)
        return;
    if (!bf__body_is_held(req) && req->body_received - req->rate_bytes < rate_bytes(http)) {
        time_out(req, "the body arrived too slowly");
        return;
    }
    req->rate_began_ms = now;
    req->rate_bytes = req->body_received;
}

/* ---- work ---- */

/* What its owner says later goes nowhere; its place among those in flight stays taken until then. */
static void judge_work(struct bf_request *req, int64_t now)
{
    struct bf_error e;
    if (!req->is_counted || req->answer != NULL || now - req->counted_ms <= (int64_t)req->http->config.answer_ms_max)
        return;
    bf_fail(&e, BF_E_UNKNOWN_OUTCOME, "the answer took too long");
    bf__answer_error(req, &e);
    bf__answer_deliver(req);
}

/* ---- answers ---- */

/* What the peer's TCP acknowledged. */
static uint64_t bytes_acked(const struct bf__conn *conn)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    getsockopt(h2o_socket_get_fd(conn->sock), IPPROTO_TCP, TCP_INFO, &info, &len);
    return info.tcpi_bytes_acked;
}

/* What was put into DATA frames. */
static uint64_t bytes_framed(const struct bf__conn *conn)
{
    uint64_t n = conn->bytes_done;
    for (const struct bf_request *req = conn->requests; req != NULL; req = req->next)
        n += req->h2o->bytes_sent;
    return n;
}

/* Is an answer under way that has been so for the whole window, and not for want of our own data? */
static bool is_owed_reading(const struct bf__conn *conn, int64_t since)
{
    for (const struct bf_request *req = conn->requests; req != NULL; req = req->next)
        if (req->is_answered && req->answered_ms <= since && req->stream == NULL && (req->pump == NULL || !req->pump->is_filling))
            return true;
    return false;
}

static void begin_window(struct bf__conn *conn, int64_t now)
{
    conn->window_began_ms = now;
    conn->window_acked = bytes_acked(conn);
    conn->window_framed = bytes_framed(conn);
}

/* While TCP is what holds the answer up (always, for HTTP/1), acknowledged bytes tell; else it is HTTP/2's window, and only frames do: a
 * client that keeps it shut and pings makes TCP look busy. */
static uint64_t progress(const struct bf__conn *conn)
{
    if (conn->is_http1 || h2o_socket_is_writing(conn->sock))
        return bytes_acked(conn) - conn->window_acked;
    return bytes_framed(conn) - conn->window_framed;
}

static void judge_answers(struct bf__conn *conn, int64_t now)
{
    const struct bf_http *http = conn->loop->http;
    if (!is_owed_reading(conn, now)) {
        conn->window_began_ms = 0;
    } else if (conn->window_began_ms == 0) {
        begin_window(conn, now);
    } else if (now - conn->window_began_ms >= (int64_t)http->config.rate_ms) {
        if (progress(conn) < rate_bytes(http) && is_owed_reading(conn, conn->window_began_ms))
            bf__conn_kill(conn, "answers were taken too slowly");
        else
            begin_window(conn, now);
    }
}

/* ---- connections ---- */

static void judge_quiet(struct bf__conn *conn, int64_t now)
{
    struct bf__loop *loop = conn->loop;
    int64_t quiet = now - conn->quiet_since_ms;
    if (loop->drain_began_ms != 0 && (conn->is_http1 || now - loop->drain_began_ms > DRAIN_GRACE_MS))
        bf__conn_shut(conn);
    else if (quiet > 2 * (int64_t)loop->http->config.idle_ms_max)
        bf__conn_kill(conn, "nothing was asked for long");
}

static void judge(struct bf__conn *conn, int64_t now)
{
    if (conn->killed)
        return;
    if (conn->requests == NULL) {
        judge_quiet(conn, now);
        return;
    }
    for (struct bf_request *req = conn->requests, *next; req != NULL; req = next) {
        next = req->next;
        (req->is_counted ? judge_work : judge_body)(req, now);
    }
    judge_answers(conn, now);
}

static void count_abuse(struct bf__loop *loop)
{
    uint64_t n = loop->ctx.http2.events.protocol_level_errors[-H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM];
    bf_metric_add(loop->http->env->metrics, BF_M_HTTP_CLOSED_ABUSE, (int64_t)(n - loop->abuse_seen));
    loop->abuse_seen = n;
}

void bf__sweep(struct bf__loop *loop)
{
    int64_t now = bf_mono_ms(loop->http->env);
    for (struct bf__conn *conn = loop->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        judge(conn, now);
    }
    sweep_headers(loop);
    bf__events_sweep(loop, now);
    count_abuse(loop);
    bf__conn_listen_again(loop);
}
