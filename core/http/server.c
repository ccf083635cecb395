/* SPDX-License-Identifier: Apache-2.0 */
/* Start, reload and end of the server. */
#include "core/http/internal.h"
#include "core/http/listen.h"
#include "core/log.h"
#include "core/thread.h"
#include <assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS_MAX = 64, BODY_WINDOW_MAX = 1 << 20 };

void bf__http_wake(struct bf_http *http)
{
    pthread_mutex_lock(&http->lock);
    pthread_cond_broadcast(&http->wake);
    pthread_mutex_unlock(&http->lock);
}

static char *join_path(struct bf_str dir, struct bf_str file)
{
    char *path = malloc(dir.n + file.n + 2);
    if (path == NULL)
        abort();
    size_t n = 0;
    if (dir.n > 0) {
        memcpy(path, dir.p, dir.n);
        path[dir.n] = '/';
        n = dir.n + 1;
    }
    memcpy(path + n, file.p, file.n);
    path[n + file.n] = '\0';
    return path;
}

static enum bf_status check_pair(const struct bf_http_config *c, struct bf_error *e)
{
    if ((c->cert_file.n == 0) != (c->key_file.n == 0))
        return bf_fail(e, BF_E_CONFIG, "http.cert_file and http.key_file must be given both or not at all");
    return BF_OK;
}

enum bf_status bf_http_check(const struct bf_http_config *c, struct bf_error *e)
{
    SSL_CTX *ssl = NULL;
    enum bf_status status = bf__listen_check(c->listen, e);
    if (status == BF_OK)
        status = check_pair(c, e);
    if (status != BF_OK || c->cert_file.n == 0)
        return status;
    char *cert = join_path(BF_STR(""), c->cert_file), *key = join_path(BF_STR(""), c->key_file);
    status = bf__tls_create(cert, key, &ssl, e);
    SSL_CTX_free(ssl);
    free(cert);
    free(key);
    return status;
}

static enum bf_status resolve_certificate(struct bf_http *http, struct bf_error *e)
{
    const struct bf_http_config *c = &http->config;
    enum bf_status status = check_pair(c, e);
    if (status != BF_OK)
        return status;
    if (c->cert_file.n > 0) {
        http->cert_path = join_path(BF_STR(""), c->cert_file);
        http->key_path = join_path(BF_STR(""), c->key_file);
        return BF_OK;
    }
    http->cert_path = join_path(c->self_signed_dir, BF_STR("tls.crt"));
    http->key_path = join_path(c->self_signed_dir, BF_STR("tls.key"));
    return bf__self_signed(http->env, http->cert_path, http->key_path, e);
}

static void configure_h2o(struct bf_http *http)
{
    const struct bf_http_config *c = &http->config;
    h2o_globalconf_t *conf = &http->conf;
    h2o_config_init(conf);
    conf->server_name = h2o_iovec_init(NULL, 0);
    conf->handshake_timeout = c->request_ms_max < 10000 ? c->request_ms_max : 10000;
    conf->http1.req_timeout = c->idle_ms_max;
    conf->http1.upgrade_to_http2 = 0;
    conf->http2.idle_timeout = c->idle_ms_max;
    conf->http2.graceful_shutdown_timeout = 0;
    conf->http2.max_concurrent_requests_per_connection = c->per_connection_max;
    conf->max_header_bytes = c->header_bytes_max;
    conf->max_header_count = c->header_count_max;
    conf->body_window = c->body_window;
    conf->body_begin = bf__body_begin;
    h2o_hostconf_t *host = h2o_config_register_host(conf, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    host->http2.push_preload = 0;
    host->http2.reprioritize_blocking_assets = 0;
    h2o_create_handler(h2o_config_register_path(host, "/", 0), sizeof(h2o_handler_t))->on_req = bf__on_request;
    /* a path that does not begin with a slash */
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = bf__on_request;
}

/* A loop's share of the buffers; at least one body of the largest size has room. */
static size_t buffers_of_loop(const struct bf_http *http)
{
    size_t share = ((size_t)http->config.bodies_mb_max << 20) / http->n_loops + 1, largest = 1;
    while (largest < http->config.json_body_bytes_max)
        largest *= 2;
    return share > largest ? share : largest;
}

static enum bf_status start_loops(struct bf_http *http, struct bf_error *e)
{
    SSL_CTX *ssl;
    enum bf_status status = bf__tls_create(http->cert_path, http->key_path, &ssl, e);
    if (status != BF_OK)
        return status;
    for (unsigned i = 0; i < http->n_loops && status == BF_OK; i++) {
        int fd = -1;
        status = http->config.socket > 0 ? bf__listen_take(http->config.socket, &http->port, &fd, e)
                                         : bf__listen(http->config.listen, &http->port, &fd, e);
        if (status != BF_OK)
            break;
        http->loops[i].arrivals.n_max = http->config.arriving_max / http->n_loops + 1;
        http->loops[i].arrivals.bytes_max = buffers_of_loop(http);
        SSL_CTX_up_ref(ssl);
        if ((status = bf__loop_start(&http->loops[i], http, fd, ssl, e)) != BF_OK) {
            SSL_CTX_free(ssl);
            close(fd);
            break;
        }
        http->loops_running++;
    }
    SSL_CTX_free(ssl);
    return status;
}

static void clamp(struct bf_http *http)
{
    struct bf_http_config *c = &http->config;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    http->n_loops = c->loops > 0 ? c->loops : cores > 0 ? (unsigned)cores : 1;
    if (http->n_loops > LOOPS_MAX)
        http->n_loops = LOOPS_MAX;
    if (c->header_count_max > H2O_MAX_HEADERS - 1)
        c->header_count_max = H2O_MAX_HEADERS - 1;
    if (c->header_bytes_max > H2O_MAX_REQLEN / 2)
        c->header_bytes_max = H2O_MAX_REQLEN / 2;
    if (c->per_connection_max == 0)
        c->per_connection_max = 1;
    if (c->body_window > BODY_WINDOW_MAX)
        c->body_window = BODY_WINDOW_MAX;
    c->connections_max = bf__listen_capacity(c->connections_max);
}

static void init_locks(struct bf_http *http)
{
    pthread_mutex_init(&http->lock, NULL);
    bf_real_cond_init(&http->wake);
}

static void stop_loops(struct bf_http *http)
{
    for (unsigned i = 0; i < http->loops_running; i++)
        bf__loop_stop(&http->loops[i]);
    for (unsigned i = 0; i < http->loops_running; i++)
        bf__loop_finish(&http->loops[i]);
    http->loops_running = 0;
}

enum bf_status bf_http_start(const struct bf_env *env, const struct bf_http_config *config, struct bf_pool *pool,
                             const struct bf_route_table *tables, unsigned n_tables, struct bf_http **ret, struct bf_error *e)
{
    struct bf_http *http = calloc(1, sizeof *http);
    if (http == NULL)
        abort();
    http->env = env;
    http->config = *config;
    http->pool = pool;
    clamp(http);
    init_locks(http);
    configure_h2o(http);
    if ((http->loops = calloc(http->n_loops, sizeof *http->loops)) == NULL)
        abort();
    enum bf_status status = bf__router_create(tables, n_tables, &http->router, e);
    if (status == BF_OK)
        status = resolve_certificate(http, e);
    if (status == BF_OK)
        status = start_loops(http, e);
    if (status != BF_OK) {
        bf_http_destroy(&http);
        return status;
    }
    *ret = http;
    return BF_OK;
}

unsigned bf_http_port(const struct bf_http *http) { return http->port; }

bool bf_http_gets_on(const struct bf_http *http, int64_t ms)
{
    int64_t since = bf_mono_ms(http->env) - ms;
    for (unsigned i = 0; i < http->loops_running; i++)
        if (atomic_load(&http->loops[i].ticked_ms) < since)
            return false;
    return true;
}

unsigned bf_http_routes(const struct bf_http *http, const struct bf_route *const **ret) { return bf__router_routes(http->router, ret); }

enum bf_status bf_http_reload(struct bf_http *http, struct bf_error *e)
{
    SSL_CTX *ssl;
    enum bf_status status = bf__tls_create(http->cert_path, http->key_path, &ssl, e);
    if (status != BF_OK)
        return status;
    atomic_fetch_add(&http->certificates, http->loops_running);
    for (unsigned i = 0; i < http->loops_running; i++) {
        SSL_CTX_up_ref(ssl);
        bf__loop_set_certificate(&http->loops[i], ssl);
    }
    SSL_CTX_free(ssl);
    pthread_mutex_lock(&http->lock);
    while (atomic_load(&http->certificates) > 0)
        pthread_cond_wait(&http->wake, &http->lock);
    pthread_mutex_unlock(&http->lock);
    return BF_OK;
}

/* ---- drain ---- */

static bool is_empty(const struct bf_http *http) { return atomic_load(&http->connections) == 0 && atomic_load(&http->requests) == 0; }

/* Not on a loop, so that nothing that happens there can hold up the end. */
static void *enforce_deadline(void *arg)
{
    struct bf_http *http = arg;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += http->config.drain_ms_max / 1000;
    until.tv_nsec += (long)(http->config.drain_ms_max % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&http->lock);
    while (!atomic_load(&http->all_done))
        if (pthread_cond_timedwait(&http->wake, &http->lock, &until) != 0) {
            bf_log(http->env, BF_LOG_WARN, "http.drain_cut", "what has not ended by the deadline is cut",
                   BF_L_INT("connections", atomic_load(&http->connections)), BF_L_INT("requests", atomic_load(&http->requests)), BF_L_END);
            _exit(0);
        }
    pthread_mutex_unlock(&http->lock);
    return NULL;
}

void bf_http_drain(struct bf_http *http)
{
    pthread_t deadline;
    if (atomic_exchange(&http->draining, true))
        return;
    bool has_deadline = pthread_create(&deadline, NULL, enforce_deadline, http) == 0;
    for (unsigned i = 0; i < http->loops_running; i++)
        bf__loop_drain(&http->loops[i]);
    pthread_mutex_lock(&http->lock);
    while (!is_empty(http))
        pthread_cond_wait(&http->wake, &http->lock);
    atomic_store(&http->all_done, true);
    pthread_cond_broadcast(&http->wake);
    pthread_mutex_unlock(&http->lock);
    if (has_deadline)
        pthread_join(deadline, NULL);
}

void bf_http_destroy(struct bf_http **p)
{
    struct bf_http *http = *p;
    if (http == NULL)
        return;
    stop_loops(http);
    assert(is_empty(http));
    bf__router_destroy(&http->router);
    h2o_config_dispose(&http->conf);
    pthread_cond_destroy(&http->wake);
    pthread_mutex_destroy(&http->lock);
    free(http->cert_path);
    free(http->key_path);
    free(http->loops);
    free(http);
    *p = NULL;
}
