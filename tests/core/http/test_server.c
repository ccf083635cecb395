/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small server on the HTTP module, for the tests beside it, which drive it with clients that are not ours.
 *
 *   http_test_server DIR [KEY=VALUE ...]     KEY: a number of struct bf_http_config, or `workers`, `queue`
 *
 * Prints "port N". Commands on stdin: "reload" (answers "reloaded CODE"), "drain" (answers "drained" when it is through, then exits). The
 * end of stdin drains too.
 */
#include "core/arena.h"
#include "core/crypto.h"
#include "core/env.h"
#include "core/http_server.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metrics.h"
#include "core/pool.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct app {
    struct bf_env env;
    struct bf_pool *workers, *later;
    _Atomic unsigned handled, kilobytes, sinks_begun, sinks_ended, sinks_aborted, sources_closed, streams_closed;
    _Atomic uint64_t sink_bytes, sink_held_max;
    pthread_mutex_t lock;
    struct bf_request *held[64]; /* sinks that wait for POST /release */
    unsigned n_held;
    struct bf_task stuck;
};

static void reply_json(struct bf_request *req, struct bf_buf *b)
{
    struct bf_header type = {"content-type", BF_STR("application/json")};
    bf_reply(req, 200, &type, 1, bf_buf_str(b));
    bf_buf_finish(b);
}

static void echo(struct bf_request *req, void *service)
{
    struct app *app = service;
    struct bf_header type = {"content-type", BF_STR("application/octet-stream")};
    atomic_fetch_add(&app->handled, 1);
    bf_reply(req, 200, &type, 1, bf_request_body(req));
}

static void pair(struct bf_jw *w, const char *name, struct bf_str value)
{
    bf_jw_key(w, name);
    if (value.p == NULL)
        bf_jw_null(w);
    else
        bf_jw_str(w, value);
}

static void inspect(struct bf_request *req, void *service)
{
    struct bf_buf b;
    struct bf_jw w;
    (void)service;
    bf_buf_init(&b, 1 << 20);
    bf_jw_init(&w, &b);
    bf_jw_object(&w);
    pair(&w, "method", bf_request_method(req));
    pair(&w, "path", bf_request_path(req));
    pair(&w, "pattern", bf_strz(bf_request_route(req)->pattern));
    pair(&w, "a", bf_request_param(req, "a"));
    pair(&w, "b", bf_request_param(req, "b"));
    pair(&w, "peer", bf_request_peer(req));
    pair(&w, "trace", bf_strz(bf_request_trace_id(req)));
    pair(&w, "lang", bf_strz(bf_request_lang(req) == BF_LANG_EN ? "en" : "zh"));
    pair(&w, "authorization", bf_request_header(req, "authorization"));
    pair(&w, "x-test", bf_request_header(req, "x-test"));
    pair(&w, "cookie", bf_request_header(req, "cookie"));
    pair(&w, "host", bf_request_header(req, "host"));
    pair(&w, "body", bf_request_body(req));
    bf_jw_key(&w, "query");
    bf_jw_object(&w);
    for (unsigned i = 0; i < bf_request_query_count(req); i++) {
        struct bf_str name, value = bf_request_query_at(req, i, &name);
        pair(&w, name.p, value);
    }
    bf_jw_end_object(&w);
    bf_jw_end_object(&w);
    reply_json(req, &b);
}

static void stats(struct bf_request *req, void *service)
{
    struct app *app = service;
    struct bf_metrics *m = app->env.metrics;
    struct rusage usage;
    struct bf_buf b;
    long pages = 0, rss = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &pages, &rss) != 2)
        abort();
    fclose(f);
    getrusage(RUSAGE_SELF, &usage);
    bf_buf_init(&b, 4096);
    bf_buf_printf(&b,
                  "{\"handled\":%u,\"kilobytes\":%u,\"begun\":%u,\"ended\":%u,\"aborted\":%u,\"sink_bytes\":%llu,\"held_max\":%llu,"
                  "\"sources_closed\":%u,\"streams_closed\":%u,"
                  "\"connections\":%lld,\"in_flight\":%lld,\"refused\":%lld,\"abuse\":%lld,\"streams\":%lld,\"rss\":%ld,\"cpu_ms\":%ld}",
                  app->handled, app->kilobytes, app->sinks_begun, app->sinks_ended, app->sinks_aborted, (unsigned long long)app->sink_bytes,
                  (unsigned long long)app->sink_held_max, app->sources_closed, app->streams_closed,
                  (long long)bf_metric_read(m, BF_M_HTTP_CONNECTIONS), (long long)bf_metric_read(m, BF_M_HTTP_IN_FLIGHT),
                  (long long)bf_metric_read(m, BF_M_HTTP_REFUSED), (long long)bf_metric_read(m, BF_M_HTTP_CLOSED_ABUSE),
                  (long long)bf_metric_read(m, BF_M_HTTP_STREAMS), rss * sysconf(_SC_PAGESIZE),
                  usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 +
                      usage.ru_stime.tv_usec / 1000);
    reply_json(req, &b);
}

static void fail(struct bf_request *req, void *service)
{
    struct bf_error e = {.status = BF_OK};
    uint64_t number = 0;
    (void)service;
    if (bf_str_u64(bf_request_query(req, "number"), BF_IX_COUNT - 1, &number))
        bf_fail(&e, (enum bf_status)(-1 - (int)number), "the status of that row");
    else
        bf_fail_field(&e, BF_E_UNPROCESSABLE, "/name", "too_short", "at least %d characters, \"so\"", 3);
    bf_reply_error(req, &e);
}

static void tiny(struct bf_request *req, void *service)
{
    struct bf_header type = {"content-type", BF_STR("text/plain")};
    (void)service;
    bf_reply(req, 200, &type, 1, BF_STR("hello world\n"));
}

static void kilobyte(struct bf_request *req, void *service)
{
    struct bf_header type = {"content-type", BF_STR("application/json")};
    char body[1024];
    memset(body, 'x', sizeof body);
    bf_reply(req, 200, &type, 1, bf_str(body, sizeof body));
    atomic_fetch_add(&((struct app *)service)->kilobytes, 1);
}

/* ---- a reply from another thread, later ---- */

struct sleeper {
    struct bf_task task;
    struct bf_request *req;
    unsigned ms;
};

static void wake_up(struct bf_task *task)
{
    struct sleeper *s = BF_CONTAINER(task, struct sleeper, task);
    struct timespec t = {.tv_sec = s->ms / 1000, .tv_nsec = (long)(s->ms % 1000) * 1000000};
    nanosleep(&t, NULL);
    bf_reply(s->req, 204, NULL, 0, BF_STR(""));
    free(s);
}

/* Keeps its worker. */
static void block(struct bf_request *req, void *service)
{
    struct app *app = service;
    uint64_t ms = 0;
    bf_str_u64(bf_request_param(req, "ms"), 60000, &ms);
    atomic_fetch_add(&app->handled, 1);
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
    bf_reply(req, 204, NULL, 0, BF_STR(""));
}

/* Keeps the request for good. */
static void never(struct bf_request *req, void *service)
{
    struct app *app = service;
    (void)req;
    atomic_fetch_add(&app->handled, 1);
}

static void stand_still(struct bf_task *task)
{
    (void)task;
    printf("stands still\n");
    fflush(stdout);
    for (;;)
        pause();
}

/* Answers, and the loop of the request runs nothing any more. */
static void stick(struct bf_request *req, void *service)
{
    struct app *app = service;
    app->stuck.run = stand_still;
    bf_post(bf_request_home(req), &app->stuck);
    bf_reply(req, 204, NULL, 0, BF_STR(""));
}

static void sleep_then_reply(struct bf_request *req, void *service)
{
    struct app *app = service;
    struct sleeper *s = calloc(1, sizeof *s);
    uint64_t ms = 0;
    bf_str_u64(bf_request_param(req, "ms"), 60000, &ms);
    atomic_fetch_add(&app->handled, 1);
    *s = (struct sleeper){.task.run = wake_up, .req = req, .ms = (unsigned)ms};
    bf_post(bf_pool_mailbox(app->later), &s->task);
}

/* ---- a sink that hashes ---- */

enum mode { MODE_NOW, MODE_HOLD, MODE_HALF };

struct hashing {
    struct app *app;
    struct bf_request *req;
    struct bf_hash_state state;
    uint64_t bytes, untaken;
    enum mode mode;
    bool is_refused;
};

static enum bf_status sink_begin(struct bf_request *req, int64_t length, void *service, void **ret, struct bf_error *e)
{
    struct app *app = service;
    struct bf_str mode = bf_request_param(req, "mode");
    if (bf_str_eqz(mode, "refuse"))
        return bf_fail(e, BF_E_UNAUTHENTICATED, "no");
    if (length > 100 << 20)
        return bf_fail(e, BF_E_TOO_LARGE, "at most 100 MiB");
    struct hashing *h = calloc(1, sizeof *h);
    h->app = app;
    h->req = req;
    h->mode = bf_str_eqz(mode, "hold") ? MODE_HOLD : bf_str_eqz(mode, "half") ? MODE_HALF : MODE_NOW;
    bf_hash_init(&h->state);
    atomic_fetch_add(&app->sinks_begun, 1);
    if (h->mode == MODE_HOLD) {
        pthread_mutex_lock(&app->lock);
        app->held[app->n_held++ % 64] = req;
        pthread_mutex_unlock(&app->lock);
    }
    *ret = h;
    return BF_OK;
}

static void sink_write(void *sink, const void *p, size_t n)
{
    struct hashing *h = sink;
    bf_hash_add(&h->state, p, n);
    h->bytes += n;
    atomic_fetch_add(&h->app->sink_bytes, n);
    if (h->mode == MODE_NOW) {
        bf_sink_took(h->req, n);
        return;
    }
    h->untaken += n;
    if (h->untaken > atomic_load(&h->app->sink_held_max))
        atomic_store(&h->app->sink_held_max, h->untaken);
    /* gives up in the middle, as a storage that finds the quota used up */
    if (h->mode == MODE_HALF && h->bytes > 100000 && !h->is_refused) {
        struct bf_error e;
        h->is_refused = true;
        bf_fail(&e, BF_E_QUOTA, "enough");
        bf_reply_error(h->req, &e);
    }
}

static void sink_end(void *sink)
{
    struct hashing *h = sink;
    uint8_t hash[BF_SHA256_BYTES];
    char hex[2 * BF_SHA256_BYTES + 1];
    atomic_fetch_add(&h->app->sinks_ended, 1);
    if (!h->is_refused) {
        struct bf_buf b;
        bf_hash_end(&h->state, hash);
        bf_hex(hash, sizeof hash, hex);
        bf_buf_init(&b, 256);
        bf_buf_printf(&b, "{\"sha256\":\"%s\",\"bytes\":%llu}", hex, (unsigned long long)h->bytes);
        reply_json(h->req, &b);
    }
    free(h);
}

static void sink_abort(void *sink)
{
    struct hashing *h = sink;
    atomic_fetch_add(&h->app->sinks_aborted, 1);
    if (!h->is_refused)
        bf_reply(h->req, 204, NULL, 0, BF_STR(""));
    free(h);
}

static const struct bf_sink hashing_sink = {sink_begin, sink_write, sink_end, sink_abort};

/* Gives n bytes of window back to the sinks that hold theirs. */
static void release(struct bf_request *req, void *service)
{
    struct app *app = service;
    uint64_t n = 0;
    bf_str_u64(bf_request_param(req, "n"), 1 << 30, &n);
    pthread_mutex_lock(&app->lock);
    for (unsigned i = 0; i < app->n_held; i++)
        bf_sink_took(app->held[i], n);
    pthread_mutex_unlock(&app->lock);
    bf_reply(req, 204, NULL, 0, BF_STR(""));
}

/* ---- a source ---- */

struct pattern {
    struct bf_body_source source;
    struct app *app;
    int64_t left, fail_at, position;
};

static long pattern_next(struct bf_body_source *source, void *buf, size_t max)
{
    struct pattern *p = BF_CONTAINER(source, struct pattern, source);
    size_t n = (int64_t)max < p->left ? max : (size_t)p->left;
    if (p->fail_at >= 0 && p->position >= p->fail_at)
        return -1;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)buf)[i] = (unsigned char)((p->position + (int64_t)i) % 251);
    p->left -= (int64_t)n;
    p->position += (int64_t)n;
    return (long)n;
}

static void pattern_close(struct bf_body_source *source)
{
    struct pattern *p = BF_CONTAINER(source, struct pattern, source);
    atomic_fetch_add(&p->app->sources_closed, 1);
    free(p);
}

static void source(struct bf_request *req, void *service)
{
    struct bf_header type = {"content-type", BF_STR("application/octet-stream")};
    struct pattern *p = calloc(1, sizeof *p);
    uint64_t n = 0, fail_at = 0;
    bf_str_u64(bf_request_param(req, "n"), (uint64_t)1 << 40, &n);
    p->app = service;
    p->left = (int64_t)n;
    p->fail_at = bf_str_u64(bf_request_query(req, "fail_at"), (uint64_t)1 << 40, &fail_at) ? (int64_t)fail_at : -1;
    p->source = (struct bf_body_source){pattern_next, pattern_close, bf_request_query(req, "unknown").p != NULL ? -1 : (int64_t)n};
    bf_reply_source(req, 200, &type, 1, &p->source);
}

/* ---- event streams ---- */

static void stream_closed(struct bf_event_stream *stream, void *ctx)
{
    struct app *app = ctx;
    (void)stream;
    atomic_fetch_add(&app->streams_closed, 1);
}

static void events(struct bf_request *req, void *service)
{
    struct app *app = service;
    struct bf_event_stream *stream;
    struct bf_error e;
    uint64_t n = 0, bytes = 0;
    char line[64];
    bf_str_u64(bf_request_param(req, "n"), 1000000, &n);
    bf_str_u64(bf_request_query(req, "bytes"), 1 << 20, &bytes);
    bool is_to_end = bf_request_query(req, "end").p != NULL;
    char *filler = calloc(1, bytes + 1);
    memset(filler, 'x', bytes);
    if (bf_reply_events(req, NULL, 0, stream_closed, NULL, app, &stream, &e) != BF_OK) {
        bf_reply_error(req, &e);
        free(filler);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        struct bf_buf b;
        snprintf(line, sizeof line, "id: %llu\ndata: ", (unsigned long long)i);
        bf_buf_init(&b, 2 << 20);
        bf_buf_addz(&b, line);
        bf_buf_addz(&b, filler);
        bf_buf_addz(&b, "\n\n");
        enum bf_status status = bf_event_stream_send(stream, bf_buf_str(&b));
        bf_buf_finish(&b);
        if (status == BF_E_UNAVAILABLE) {
            is_to_end = true;
            break;
        }
    }
    free(filler);
    if (is_to_end)
        bf_event_stream_close(stream);
    bf_event_stream_release(&stream);
}

static const struct bf_route routes[] = {
    {.method = "POST", .pattern = "/echo", .handler = echo},
    {.method = "GET", .pattern = "/tiny", .handler = tiny},
    {.method = "GET", .pattern = "/kilobyte", .handler = kilobyte},
    {.method = "GET", .pattern = "/fail", .handler = fail},
    {.method = "GET", .pattern = "/stats", .handler = stats},
    {.method = "GET", .pattern = "/inspect/{a}", .handler = inspect},
    {.method = "POST", .pattern = "/inspect/{a}", .handler = inspect},
    {.method = "PATCH", .pattern = "/inspect/{a}", .handler = inspect},
    {.method = "GET", .pattern = "/inspect/literal", .handler = inspect},
    {.method = "GET", .pattern = "/inspect/literal/deeper", .handler = inspect},
    {.method = "GET", .pattern = "/inspect/{a}/with/{b}", .handler = inspect},
    {.method = "GET", .pattern = "/sleep/{ms}", .handler = sleep_then_reply},
    {.method = "GET", .pattern = "/block/{ms}", .handler = block},
    {.method = "GET", .pattern = "/never", .handler = never},
    {.method = "GET", .pattern = "/stick", .handler = stick},
    {.method = "PUT", .pattern = "/sink/{mode}", .sink = &hashing_sink},
    {.method = "POST", .pattern = "/release/{n}", .handler = release},
    {.method = "GET", .pattern = "/source/{n}", .handler = source},
    {.method = "GET", .pattern = "/events/{n}", .handler = events},
};

/* ---- main ---- */

static unsigned *key_of(struct bf_http_config *c, const char *key, size_t n)
{
    const struct {
        const char *key;
        unsigned *value;
    } keys[] = {{"loops", &c->loops},
                {"connections_max", &c->connections_max},
                {"in_flight_max", &c->in_flight_max},
                {"arriving_max", &c->arriving_max},
                {"bodies_mb_max", &c->bodies_mb_max},
                {"body_window", &c->body_window},
                {"per_connection_max", &c->per_connection_max},
                {"header_bytes_max", &c->header_bytes_max},
                {"header_count_max", &c->header_count_max},
                {"json_body_bytes_max", &c->json_body_bytes_max},
                {"request_ms_max", &c->request_ms_max},
                {"body_rate_min", &c->body_rate_min},
                {"rate_ms", &c->rate_ms},
                {"answer_ms_max", &c->answer_ms_max},
                {"idle_ms_max", &c->idle_ms_max},
                {"drain_ms_max", &c->drain_ms_max},
                {"event_streams_max", &c->event_streams_max}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strlen(keys[i].key) == n && memcmp(keys[i].key, key, n) == 0)
            return keys[i].value;
    return NULL;
}

static void obey(struct bf_http *http)
{
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        struct bf_error e;
        if (strcmp(line, "reload\n") == 0)
            printf("reloaded %s\n", bf_status_code(bf_http_reload(http, &e)));
        else if (strcmp(line, "alive\n") == 0)
            printf("%s\n", bf_http_gets_on(http, 2000) ? "gets on" : "stuck");
        else if (strcmp(line, "drain\n") == 0)
            return;
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    static struct app app;
    struct bf_http *http;
    struct bf_error e;
    unsigned workers = 4, queue = 4096;
    struct bf_http_config config = {.listen = BF_STR("127.0.0.1:0"),
                                    .connections_max = 1000,
                                    .in_flight_max = 1000,
                                    .arriving_max = 1000,
                                    .bodies_mb_max = 64,
                                    .body_window = 256 * 1024,
                                    .per_connection_max = 100,
                                    .header_bytes_max = 32768,
                                    .header_count_max = 100,
                                    .json_body_bytes_max = 1 << 20,
                                    .request_ms_max = 30000,
                                    .body_rate_min = 1000,
                                    .rate_ms = 30000,
                                    .answer_ms_max = 120000,
                                    .idle_ms_max = 60000,
                                    .drain_ms_max = 20000,
                                    .event_streams_max = 1000};
    if (argc < 2)
        return 2;
    config.self_signed_dir = bf_strz(argv[1]);
    for (int i = 2; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        unsigned *value = strncmp(argv[i], "workers=", 8) == 0 ? &workers
                          : strncmp(argv[i], "queue=", 6) == 0 ? &queue
                                                               : key_of(&config, argv[i], n);
        if (value == NULL || argv[i][n] != '=')
            return 2;
        *value = (unsigned)strtoul(argv[i] + n + 1, NULL, 10);
    }
    signal(SIGPIPE, SIG_IGN);
    bf_env_system(&app.env);
    app.env.log = bf_log_create(2, BF_LOG_INFO);
    app.env.metrics = bf_metrics_create();
    pthread_mutex_init(&app.lock, NULL);
    app.workers = bf_pool_create(&app.env, "worker", workers, queue);
    app.later = bf_pool_create(&app.env, "later", 16, 1000);
    struct bf_route_table table = {routes, sizeof routes / sizeof routes[0], &app};
    if (bf_http_start(&app.env, &config, app.workers, &table, 1, &http, &e) != BF_OK) {
        printf("failed %s: %s\n", bf_status_code(e.status), e.cause);
        return 1;
    }
    printf("port %u\n", bf_http_port(http));
    fflush(stdout);
    obey(http);
    bf_http_drain(http);
    printf("drained\n");
    fflush(stdout);
    bf_http_destroy(&http);
    bf_pool_destroy(&app.later);
    bf_pool_destroy(&app.workers);
    bf_metrics_destroy(&app.env.metrics);
    bf_log_destroy(&app.env.log);
    bf_env_finish(&app.env);
    return 0;
}
