/* SPDX-License-Identifier: Apache-2.0 */
#include "main/config.h"
#include "core/arena.h"
#include "core/http_client.h"
#include "main/services.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MB = 1 << 20, TABLES_MAX = 2 * BF_SERVICES_MAX + 2 };

#define INT(section_, key_, def_, min_, max_, unit_, prose_)                                                                             \
    {.section = section_, .key = key_, .type = BF_CF_INT, .def = def_, .min = min_, .max = max_, .unit = unit_, .prose = prose_}
#define PATH(section_, key_, def_, prose_) {.section = section_, .key = key_, .type = BF_CF_PATH, .def = def_, .max = PATH_MAX - 64, .prose = prose_}
#define TEXT(section_, key_, def_, max_, prose_) {.section = section_, .key = key_, .type = BF_CF_STR, .def = def_, .max = max_, .prose = prose_}

static const struct bf_config_row rows[] = {
    PATH("server", "data", "baifang-data", "directory of this installation; made at the first start"),
    PATH("clock", "file", NULL, "shifts the wall clock by the milliseconds in this file (rehearsals and tests only)"),
    {.section = "log", .key = "level", .type = BF_CF_WORD, .def = "info", .words = "debug|info|warn|error", .prose = "least level written to standard error"},
    INT("workers", "threads", "8", 1, 256, "", "threads that run requests"),
    INT("workers", "queue", "2048", 16, 65536, "", "requests that may wait for a worker; more: 503"),

    TEXT("http", "listen", "127.0.0.1:8443", 100, "address and port; port 0 takes a free one"),
    PATH("http", "cert_file", NULL, "PEM certificate chain; without it a self-signed one is made in DATA/tls"),
    PATH("http", "key_file", NULL, "PEM private key"),
    INT("http", "loops", "0", 0, 64, "", "event loops; 0: one a core"),
    INT("http", "connections", "20000", 1, 1000000, "", "client connections; more wait until one closes"),
    INT("http", "in_flight", "1024", 1, 65536, "", "requests being worked on; more: 503"),
    INT("http", "arriving", "4096", 1, 65536, "", "requests whose body is arriving; more: the one silent for the longest gets 503"),
    INT("http", "bodies_mb", "256", 1, 65536, "MB", "JSON bodies held together; more: the same"),
    INT("http", "upload_window_kb", "256", 64, 1024, "KB", "bytes held of one upload"),
    INT("http", "per_connection", "100", 1, 100, "", "concurrent streams of one HTTP/2 connection"),
    INT("http", "header_bytes", "16384", 1024, 65536, "bytes", "request headers; more: 431"),
    INT("http", "header_count", "64", 8, 100, "", "request headers; more: 431"),
    INT("http", "json_body_bytes", "1048576", 1024, 8 * MB, "bytes", "a JSON body; more: 413"),
    INT("http", "request_ms", "15000", 100, 600000, "ms", "headers and JSON body must be here by then: 408"),
    INT("http", "answer_ms", "120000", 1000, 3600000, "ms", "a request that is here gets its answer by then: 503"),
    INT("http", "body_rate", "512", 0, MB, "bytes/s", "an upload or a download slower than this is cut"),
    INT("http", "rate_ms", "30000", 100, 600000, "ms", "over which that is averaged"),
    INT("http", "idle_ms", "120000", 1000, 3600000, "ms", "an idle connection is closed"),
    INT("http", "drain_ms", "20000", 100, 600000, "ms", "requests may take this long to end when the server stops"),
    INT("http", "event_streams", "10000", 1, 1000000, "", "open event streams; more: 503"),

    {.section = "store", .key = "uri", .type = BF_CF_URI, .max = 2000,
     .prose = "embedded:DIR or mongodb://HOSTS/DATABASE?OPTIONS; with a password in it only as uri_file; default: embedded:DATA/store"},
    PATH("store", "master_key_file", NULL, "key of all keys, made at the first start; keep it apart from data and backups; default: DATA/master.key"),
    INT("store", "readers", "0", 0, 256, "", "connections that read; 0: 4, or 16 to a database"),
    INT("store", "queue", "4096", 1024, 65536, "", "writes that may wait; more: 503"), /* room for several batches, which are queued whole */
    INT("store", "group", "256", 1, 256, "", "writes that share one sync"),
    INT("store", "upload_hours", "72", 1, 2160, "hours", "an unfinished upload nobody touched is deleted"),
    INT("store", "upload_quota_mb", "1024", 1, 1 << 20, "MB", "unfinished uploads of one person"),
    INT("store", "unbound_hours", "720", 1, 8760, "hours", "a finished upload that no record named is deleted; at least upload_hours"),
    INT("store", "unbound_quota_mb", "4096", 1, 1 << 20, "MB", "finished uploads of one person that no record named"),

    PATH("decode", "program", NULL, "baifang-decode; default: beside this program"),
    PATH("decode", "speech_model", NULL, "directory of the pocketsphinx model; default: Debian's en-us"),
};

struct tables {
    const struct bf_config_row *rows[TABLES_MAX];
    unsigned n_rows[TABLES_MAX];
    unsigned n;
};

static void add_table(struct tables *t, const struct bf_config_row *table, unsigned n_rows)
{
    if (n_rows == 0)
        return;
    t->rows[t->n] = table;
    t->n_rows[t->n++] = n_rows;
}

static void join_tables(struct tables *t)
{
    *t = (struct tables){.n = 0};
    add_table(t, rows, sizeof rows / sizeof *rows);
    add_table(t, bf_client_rows, bf_client_n_rows);
    for (unsigned i = 0; i < bf_n_services; i++) {
        unsigned n_more = 0;
        const struct bf_config_row *more = bf_services[i]->more_config == NULL ? NULL : bf_services[i]->more_config(&n_more);
        add_table(t, bf_services[i]->config, bf_services[i]->n_config);
        add_table(t, more, n_more);
    }
}

enum bf_status bf_main_config_load(const char *path, struct bf_config **ret, struct bf_error *e)
{
    struct tables t;
    join_tables(&t);
    return bf_config_load(path, t.rows, t.n_rows, t.n, ret, e);
}

void bf_main_config_print(FILE *out)
{
    struct tables t;
    join_tables(&t);
    bf_config_print_sample(out, t.rows, t.n_rows, t.n);
}

struct bf_str bf_main_data_dir(const struct bf_config *config) { return bf_config_str(config, "server", "data"); }

enum bf_status bf_main_make_data_dir(const struct bf_config *config, struct bf_error *e)
{
    char tls[PATH_MAX];
    const char *dir = bf_main_data_dir(config).p;
    snprintf(tls, sizeof tls, "%s/tls", dir);
    if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || (mkdir(tls, 0700) < 0 && errno != EEXIST))
        return bf_fail_errno(e, BF_E_IO, errno, "data directory %s", dir);
    return BF_OK;
}

/* The configured value or, when there is none, `prefix`, the data directory and `suffix`. */
static struct bf_str or_in_data(const struct bf_config *config, struct bf_arena *arena, const char *section, const char *key, const char *prefix,
                                const char *suffix)
{
    struct bf_str value = bf_config_str(config, section, key);
    return value.n > 0 ? value : bf_strz(bf_arena_printf(arena, "%s%s/%s", prefix, bf_main_data_dir(config).p, suffix));
}

void bf_main_store_config(const struct bf_config *config, struct bf_arena *arena, struct bf_store_config *ret)
{
    *ret = (struct bf_store_config){
        .uri = or_in_data(config, arena, "store", "uri", "embedded:", "store"),
        .master_key_file = or_in_data(config, arena, "store", "master_key_file", "", "master.key"),
        .readers = (unsigned)bf_config_int(config, "store", "readers"),
        .queue_max = (unsigned)bf_config_int(config, "store", "queue"),
        .group_max = (unsigned)bf_config_int(config, "store", "group"),
        .stage_ttl_ms = bf_config_int(config, "store", "upload_hours") * 3600 * 1000,
        .stage_quota_bytes = bf_config_int(config, "store", "upload_quota_mb") * MB,
        .unbound_ttl_ms = bf_config_int(config, "store", "unbound_hours") * 3600 * 1000,
        .unbound_quota_bytes = bf_config_int(config, "store", "unbound_quota_mb") * MB,
    };
}

static unsigned http_int(const struct bf_config *config, const char *key) { return (unsigned)bf_config_int(config, "http", key); }

static struct bf_str listen_of(const struct bf_config *config, const struct bf_daemon *daemon)
{
    struct bf_str own = daemon->listen_section == NULL ? BF_STR("") : bf_config_str(config, daemon->listen_section, "listen");
    return own.n > 0 ? own : bf_config_str(config, "http", "listen");
}

void bf_main_http_config(const struct bf_config *config, const struct bf_daemon *daemon, struct bf_arena *arena, struct bf_http_config *ret)
{
    *ret = (struct bf_http_config){
        .listen = listen_of(config, daemon),
        .cert_file = bf_config_str(config, "http", "cert_file"),
        .key_file = bf_config_str(config, "http", "key_file"),
        .self_signed_dir = bf_strz(bf_arena_printf(arena, "%s/tls", bf_main_data_dir(config).p)),
        .loops = http_int(config, "loops"),
        .connections_max = http_int(config, "connections"),
        .in_flight_max = http_int(config, "in_flight"),
        .arriving_max = http_int(config, "arriving"),
        .bodies_mb_max = http_int(config, "bodies_mb"),
        .body_window = http_int(config, "upload_window_kb") * 1024,
        .per_connection_max = http_int(config, "per_connection"),
        .header_bytes_max = http_int(config, "header_bytes"),
        .header_count_max = http_int(config, "header_count"),
        .json_body_bytes_max = http_int(config, "json_body_bytes"),
        .request_ms_max = http_int(config, "request_ms"),
        .answer_ms_max = http_int(config, "answer_ms"),
        .body_rate_min = http_int(config, "body_rate"),
        .rate_ms = http_int(config, "rate_ms"),
        .idle_ms_max = http_int(config, "idle_ms"),
        .drain_ms_max = http_int(config, "drain_ms"),
        .event_streams_max = http_int(config, "event_streams"),
    };
}

enum bf_log_level bf_main_log_level(const struct bf_config *config)
{
    static const char *const words[] = {[BF_LOG_DEBUG] = "debug", [BF_LOG_INFO] = "info", [BF_LOG_WARN] = "warn", [BF_LOG_ERROR] = "error"};
    struct bf_str level = bf_config_str(config, "log", "level");
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (bf_str_eqz(level, words[i]))
            return (enum bf_log_level)i;
    return BF_LOG_INFO;
}

const char *bf_main_decoder(const struct bf_config *config, struct bf_arena *arena)
{
    static const char *const places[] = {"", "../libexec/baifang/", "../ingest/decode/"}; /* installed beside, installed apart, built */
    struct bf_str program = bf_config_str(config, "decode", "program");
    if (program.n > 0)
        return program.p;
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return "baifang-decode";
    self[n] = '\0';
    const char *dir = dirname(self), *path = NULL;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
        path = bf_arena_printf(arena, "%s/%sbaifang-decode", dir, places[i]);
        if (access(path, X_OK) == 0)
            return path;
    }
    return bf_arena_printf(arena, "%s/baifang-decode", dir);
}

bool bf_main_store_is_shared(const struct bf_config *config)
{
    struct bf_store_config store = {.uri = bf_config_str(config, "store", "uri")}; /* the default is a directory */
    return bf_store_config_is_shared(&store);
}

enum bf_status bf_main_check_daemon(const struct bf_config *config, const struct bf_daemon *daemon, struct bf_error *e)
{
    if (bf_daemon_is_alone(daemon) || bf_main_store_is_shared(config))
        return BF_OK;
    return bf_fail(e, BF_E_CONFIG,
                   "%s works with other processes on one store, and an embedded store has one owner: run `baifang serve`, or set store.uri to mongodb://...",
                   daemon->name);
}

enum bf_status bf_main_config_check(const struct bf_config *config, struct bf_error *e)
{
    struct bf_arena *arena = bf_arena_create();
    struct bf_store_config store;
    struct bf_http_config http;
    bf_main_store_config(config, arena, &store);
    enum bf_status status = bf_store_check_config(&store, e);
    for (unsigned i = 0; i < bf_n_daemons && status == BF_OK; i++) {
        bf_main_http_config(config, &bf_daemons[i], arena, &http);
        status = bf_http_check(&http, e);
    }
    for (unsigned i = 0; i < bf_n_services && status == BF_OK; i++)
        if (bf_services[i]->check_config != NULL)
            status = bf_services[i]->check_config(config, e);
    bf_arena_destroy(&arena);
    return status;
}
