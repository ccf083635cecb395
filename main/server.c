/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the parts together, in the order that core/service.h states, and takes them apart again. */
#include "main/server.h"
#include "core/config.h"
#include "core/env.h"
#include "core/http_client.h"
#include "core/http_server.h"
#include "core/log.h"
#include "main/admin.h"
#include "main/channel.h"
#include "main/config.h"
#include "main/parts.h"
#include "storage/jobs.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

enum { CONSUMERS_MAX = 16, CLIENT_GRACE_MS = 2000, BROKEN_GRACE_S = 1, ALIVE_MS = 1000, STUCK_MS = 10 * 1000 };

struct server {
    const struct bf_env *env;
    const struct bf_config *config;
    const struct bf_daemon *daemon;
    int channel, signals;
    int socket; /* to accept from; 0: none yet */
    int broken; /* becomes readable when the store takes no more writes */
    struct bf_parts parts;
    struct bf_consumer consumers[CONSUMERS_MAX];
    struct bf_follower *follower;
    struct bf_http *http;
    struct bf_admin *admin;
    int64_t said_alive_ms;
    int status; /* of the process */
};

/* ---- start ---- */

/* On the committer's thread. */
static void store_broke(void *ctx, const struct bf_error *why)
{
    const struct server *s = ctx;
    bf_log_error(s->env, BF_LOG_ERROR, "store.broken", why);
    (void)eventfd_write(s->broken, 1);
}

static enum bf_status start_follower(struct server *s, struct bf_error *e)
{
    unsigned n = 0, n_names;
    for (unsigned i = 0; i < bf_n_services; i++) {
        unsigned n_own = 0;
        bool has = bf_services[i]->consumers != NULL && bf_daemon_works(s->daemon, bf_services[i]);
        const struct bf_consumer *own = has ? bf_services[i]->consumers(s->parts.services[i], &n_own) : NULL;
        assert(n + n_own <= CONSUMERS_MAX);
        for (unsigned k = 0; k < n_own; k++)
            s->consumers[n++] = own[k];
    }
    const char *const *names = bf_services_consumers(s->parts.arena, &n_names);
    bf_follower_name_all(s->parts.ctx.store, names, n_names);
    return n == 0 ? BF_OK : bf_follower_start(s->env, s->parts.ctx.store, s->consumers, n, &s->follower, e);
}

static enum bf_status run_services(struct server *s, struct bf_error *e)
{
    for (unsigned i = 0; i < bf_n_services; i++) {
        bool runs = bf_services[i]->run != NULL && bf_daemon_works(s->daemon, bf_services[i]);
        enum bf_status status = runs ? bf_services[i]->run(s->parts.services[i], e) : BF_OK;
        if (status != BF_OK)
            return status;
    }
    return BF_OK;
}

static enum bf_status start(struct server *s, struct bf_error *e)
{
    struct bf_http_config http;
    enum bf_status status = bf_main_config_check(s->config, e);
    if (status == BF_OK)
        status = bf_main_check_daemon(s->config, s->daemon, e);
    if (status == BF_OK)
        status = bf_parts_open(s->env, s->config, s->daemon, store_broke, s, &s->parts, e);
    if (status == BF_OK)
        status = start_follower(s, e);
    if (status != BF_OK)
        return status;
    bf_main_http_config(s->config, s->daemon, s->parts.arena, &http);
    http.socket = s->socket;
    status = bf_http_start(s->env, &http, s->parts.ctx.workers, s->parts.mounted, s->parts.n_mounted, &s->http, e);
    if (s->socket > 0)
        close(s->socket); /* each loop has its own by now */
    s->socket = 0;
    if (status == BF_OK)
        status = run_services(s, e);
    if (status == BF_OK && !bf_store_is_shared(s->parts.ctx.store)) /* else whoever administrates opens the store */
        status = bf_admin_start(s->env, s->config, s->parts.ctx.store, s->parts.services, bf_main_data_dir(s->config), &s->admin, e);
    return status;
}

/* ---- end ---- */

/* Requests end first: a command of administration may take as long as it wants until then. */
static void drain(struct server *s)
{
    bf_admin_close(s->admin);
    for (unsigned i = bf_n_services; i-- > 0;)
        if (s->parts.services[i] != NULL && bf_services[i]->drain != NULL)
            bf_services[i]->drain(s->parts.services[i]);
    if (s->http != NULL)
        bf_http_drain(s->http);
    bf_admin_stop(&s->admin);
}

/* Also undoes a start that failed half-way. */
static void stop(struct server *s)
{
    drain(s);
    if (s->parts.ctx.client != NULL)
        bf_client_drain(s->parts.ctx.client, CLIENT_GRACE_MS);
    if (s->follower != NULL)
        bf_follower_stop(&s->follower);
    bf_parts_end_services(&s->parts);
    if (s->http != NULL)
        bf_http_destroy(&s->http);
    bf_parts_close(&s->parts);
}

/* ---- meanwhile ---- */

static void say_ready(struct server *s, const char *event)
{
    unsigned port = bf_http_port(s->http);
    struct bf_channel_message message = {.kind = BF_CHANNEL_READY, .number = port, .fd = -1};
    (void)bf_channel_send(s->channel, &message); /* a supervisor that is gone shows as the channel's end */
    bf_log(s->env, BF_LOG_INFO, event, "serving", BF_L_STR("daemon", s->daemon->name), BF_L_INT("port", port), BF_L_INT("pid", getpid()),
           BF_L_STR("version", BF_VERSION), BF_L_END);
}

static void reload(struct server *s)
{
    struct bf_error e = {0};
    if (bf_http_reload(s->http, &e) != BF_OK)
        bf_log_error(s->env, BF_LOG_ERROR, "reload.certificate", &e);
    for (unsigned i = 0; i < bf_n_services; i++)
        if (s->parts.services[i] != NULL && bf_services[i]->reload != NULL && bf_services[i]->reload(s->parts.services[i], &e) != BF_OK)
            bf_log_error(s->env, BF_LOG_ERROR, "reload.service", &e);
    say_ready(s, "reloaded");
}

static void give_zygote(struct server *s, enum bf_zygote kind, int fd)
{
    for (unsigned i = 0; i < bf_n_services; i++)
        if (bf_services[i]->take_zygote != NULL && bf_daemon_works(s->daemon, bf_services[i])) {
            bf_services[i]->take_zygote(s->parts.services[i], kind, fd);
            return;
        }
    close(fd);
}

/* False: the supervisor is gone. */
static bool take_messages(struct server *s)
{
    struct bf_channel_message m;
    int got;
    while ((got = bf_channel_receive(s->channel, &m)) > 0) {
        if (m.kind == BF_CHANNEL_ZYGOTE && m.fd >= 0 && m.number < BF_ZYGOTES)
            give_zygote(s, (enum bf_zygote)m.number, m.fd);
        else if (m.fd >= 0)
            close(m.fd);
    }
    return got < 0;
}

/* False: told to stop. */
static bool take_signals(struct server *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP)
            return false;
        reload(s);
    }
    return true;
}

static void cut_short(int signo)
{
    (void)signo;
    _exit(EX_IOERR);
}

/* Only opening the store anew tells what reached the disk: that is the next process's, and it is not kept waiting. What is under way here gets
 * a moment for its answer; what has not ended then is cut, as by a kill, which the store is made for. */
static void give_up(struct server *s)
{
    s->status = EX_IOERR;
    signal(SIGALRM, cut_short);
    alarm(BROKEN_GRACE_S);
}

/* A loop that got stuck is not told of, and systemd's watchdog ends us: nothing else would. */
static void say_alive(struct server *s)
{
    struct bf_channel_message message = {.kind = BF_CHANNEL_ALIVE, .fd = -1};
    int64_t now = bf_mono_ms(s->env);
    if (now - s->said_alive_ms < ALIVE_MS || !bf_http_gets_on(s->http, STUCK_MS))
        return;
    s->said_alive_ms = now;
    (void)bf_channel_send(s->channel, &message);
}

/* Until something ends it; then s->status is the exit status. */
static void serve(struct server *s)
{
    struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->channel, .events = POLLIN}, {.fd = s->broken, .events = POLLIN}};
    const char *why = NULL;
    while (why == NULL) {
        if (poll(fds, sizeof fds / sizeof *fds, ALIVE_MS) < 0 && errno != EINTR)
            abort();
        say_alive(s);
        if (fds[2].revents != 0)
            why = "the store takes no more writes";
        else if (!take_messages(s))
            why = "the supervisor is gone";
        else if (!take_signals(s))
            why = "told to stop";
    }
    if (fds[2].revents != 0)
        give_up(s);
    bf_log(s->env, BF_LOG_INFO, "draining", why, BF_L_END);
}

/* Signals are blocked before any thread exists, so that every thread inherits that. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int bf_server_run(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, int channel, int socket)
{
    struct bf_error e = {0};
    struct server s = {.env = env, .config = config, .daemon = daemon, .channel = channel, .socket = socket};
    s.signals = open_signals();
    s.broken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum bf_status status = start(&s, &e);
    if (status == BF_OK) {
        say_ready(&s, "ready");
        serve(&s);
    } else {
        bf_log_error(env, BF_LOG_ERROR, "start_failed", &e);
        s.status = status == BF_E_CONFIG ? EX_CONFIG : 1;
    }
    stop(&s);
    close(s.broken);
    close(s.signals);
    return s.status;
}
