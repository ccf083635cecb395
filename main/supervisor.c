/* SPDX-License-Identifier: Apache-2.0 */
#include "main/supervisor.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/env.h"
#include "core/log.h"
#include "core/service.h"
#include "main/channel.h"
#include "main/config.h"
#include "main/inherited.h"
#include "main/notify.h"
#include "main/services.h"
#include "main/spawn.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    RESTART_MS = 100,
    RESTART_MS_MAX = 10 * 1000,
    ZYGOTE_RESTART_MS_MAX = 60 * 1000,
    LONG_RUN_MS = 10 * 1000,
    KILL_AFTER_DRAIN_MS = 10 * 1000, /* beyond the server's own deadline */
    KILL_AGAIN_MS = 100,
};

struct child {
    const char *name;
    pid_t pid; /* 0: not running */
    int64_t started_ms, start_at_ms;
    unsigned short_runs;
};

struct supervisor {
    const struct bf_env *env;
    const struct bf_config *config;
    const struct bf_daemon *daemon;
    const char *config_path; /* NULL: none */
    struct bf_arena *arena;
    const char *decoder, *model;
    struct child server, zygotes[BF_ZYGOTES];
    unsigned n_zygotes; /* 0, or all */
    int channel; /* to the server; -1: none */
    int socket;  /* that systemd opened; 0: none */
    int signals;
    bool was_ready, is_ready, stopping; /* ever; the server of now */
    int64_t watchdog_ms; /* 0: nobody watches */
    int64_t kill_at_ms;
    int status;
};

static void log_child(const struct supervisor *s, enum bf_log_level level, const char *event, const struct child *child, int64_t n)
{
    bf_log(s->env, level, event, child->name, BF_L_INT("pid", child->pid), BF_L_INT("value", n), BF_L_END);
}

static bool start(struct supervisor *s, struct child *child, const struct bf_spawn *spawn, int *ret_fd)
{
    struct bf_error e = {0};
    child->started_ms = bf_mono_ms(s->env);
    if (bf_spawn(spawn, &child->pid, ret_fd, &e) == BF_OK)
        return true;
    child->pid = 0;
    child->start_at_ms = child->started_ms + RESTART_MS_MAX;
    bf_log_error(s->env, BF_LOG_ERROR, "supervisor.spawn_failed", &e);
    return false;
}

static void start_zygote(struct supervisor *s, enum bf_zygote kind)
{
    const char *media[] = {"baifang-decode", "--zygote", "3", NULL};
    const char *speech[] = {"baifang-decode", "--zygote-stt", "3", s->model, NULL};
    struct bf_spawn spawn = {.program = s->decoder, .argv = kind == BF_ZYGOTE_MEDIA ? media : speech};
    int fd;
    if (!start(s, &s->zygotes[kind], &spawn, &fd))
        return;
    struct bf_channel_message message = {.kind = BF_CHANNEL_ZYGOTE, .number = kind, .fd = fd};
    if (bf_channel_send(s->channel, &message) < 0)
        log_child(s, BF_LOG_WARN, "supervisor.pass_failed", &s->zygotes[kind], errno);
    close(fd); /* not passed: the zygote ends and is started anew */
}

static void start_server(struct supervisor *s)
{
    const char *socket = s->socket > 0 ? "socket" : NULL;
    const char *with_config[] = {"baifang", "server", "--config", s->config_path, s->daemon->name, socket, NULL};
    const char *without[] = {"baifang", "server", s->daemon->name, socket, NULL};
    struct bf_spawn spawn = {.program = "/proc/self/exe",
                             .argv = s->config_path == NULL ? without : with_config,
                             .socket = s->socket,
                             .keep_environment = true,
                             .keep_mask = true};
    s->is_ready = false;
    if (!start(s, &s->server, &spawn, &s->channel))
        return;
    for (unsigned i = 0; i < s->n_zygotes; i++)
        start_zygote(s, i);
}

static void kill_zygotes(struct supervisor *s)
{
    for (unsigned i = 0; i < BF_ZYGOTES; i++)
        if (s->zygotes[i].pid > 0)
            kill(-s->zygotes[i].pid, SIGKILL);
}

static void plan_restart(struct supervisor *s, struct child *child, int64_t ms_max)
{
    int64_t now = bf_mono_ms(s->env), pause = RESTART_MS;
    if (now - child->started_ms >= LONG_RUN_MS)
        child->short_runs = 0;
    for (unsigned i = 0; i < child->short_runs && pause < ms_max; i++)
        pause *= 2;
    child->short_runs++;
    child->start_at_ms = now + (pause < ms_max ? pause : ms_max);
}

static int exit_status(int wait_status) { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status); }

static void close_channel(struct supervisor *s)
{
    if (s->channel >= 0)
        close(s->channel);
    s->channel = -1;
}

static void take_messages(struct supervisor *s)
{
    struct bf_channel_message m;
    int got = -1;
    while (s->channel >= 0 && (got = bf_channel_receive(s->channel, &m)) > 0) {
        if (m.fd >= 0)
            close(m.fd);
        if (m.kind == BF_CHANNEL_READY) {
            s->was_ready = s->is_ready = true;
            bf_notify("READY=1");
        } else if (m.kind == BF_CHANNEL_ALIVE && s->watchdog_ms > 0) {
            bf_notify("WATCHDOG=1");
        }
    }
    if (got == 0)
        close_channel(s); /* it is dying */
}

static void server_died(struct supervisor *s, int wait_status)
{
    log_child(s, s->stopping && wait_status == 0 ? BF_LOG_INFO : BF_LOG_ERROR, "supervisor.server_ended", &s->server, exit_status(wait_status));
    s->server.pid = 0;
    s->is_ready = false;
    take_messages(s); /* it may have said that it is ready a moment before */
    close_channel(s);
    kill_zygotes(s);
    if (s->stopping || !s->was_ready) {
        s->stopping = true;
        s->status = exit_status(wait_status);
    } else {
        plan_restart(s, &s->server, RESTART_MS_MAX);
    }
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->server.pid)
            server_died(s, status);
        for (unsigned i = 0; i < BF_ZYGOTES; i++) {
            struct child *zygote = &s->zygotes[i];
            if (pid != zygote->pid)
                continue;
            if (!s->stopping && s->server.pid > 0) {
                log_child(s, BF_LOG_WARN, "supervisor.zygote_died", zygote, exit_status(status));
                plan_restart(s, zygote, ZYGOTE_RESTART_MS_MAX);
            }
            zygote->pid = 0;
        }
    }
}

static void begin_stop(struct supervisor *s)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->kill_at_ms = bf_mono_ms(s->env) + bf_config_int(s->config, "http", "drain_ms") + KILL_AFTER_DRAIN_MS;
    bf_notify("STOPPING=1");
    if (s->server.pid > 0)
        kill(s->server.pid, SIGTERM);
}

static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            begin_stop(s);
        else if (info.ssi_signo == SIGHUP && s->server.pid > 0) {
            bf_notify_reloading();
            kill(s->server.pid, SIGHUP);
        }
    }
}

static void start_what_is_due(struct supervisor *s)
{
    int64_t now = bf_mono_ms(s->env);
    if (s->stopping) {
        if (s->server.pid > 0 && now >= s->kill_at_ms)
            kill(s->server.pid, SIGKILL);
        if (s->server.pid == 0)
            kill_zygotes(s);
        return;
    }
    if (s->server.pid == 0) {
        if (now >= s->server.start_at_ms)
            start_server(s);
        return;
    }
    for (unsigned i = 0; i < s->n_zygotes && s->channel >= 0; i++)
        if (s->zygotes[i].pid == 0 && now >= s->zygotes[i].start_at_ms)
            start_zygote(s, i);
}

/* As long as there is no server that could say that it gets on, this process does. */
static bool feeds_itself(const struct supervisor *s) { return s->watchdog_ms > 0 && !s->is_ready; }

/* Milliseconds until something is to be done unasked; -1: nothing. */
static int until_due(const struct supervisor *s)
{
    int64_t now = bf_mono_ms(s->env), due = feeds_itself(s) ? now + s->watchdog_ms / 3 : INT64_MAX;
    if (s->stopping)
        due = s->kill_at_ms > now ? s->kill_at_ms : now + KILL_AGAIN_MS;
    else if (s->server.pid == 0 && s->server.start_at_ms < due)
        due = s->server.start_at_ms;
    else if (s->channel >= 0)
        for (unsigned i = 0; i < s->n_zygotes; i++)
            if (s->zygotes[i].pid == 0 && s->zygotes[i].start_at_ms < due)
                due = s->zygotes[i].start_at_ms;
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : (int)(due - now);
}

static bool has_children(const struct supervisor *s)
{
    bool any = s->server.pid > 0;
    for (unsigned i = 0; i < BF_ZYGOTES; i++)
        any = any || s->zygotes[i].pid > 0;
    return any;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void take_turn(struct supervisor *s)
{
    start_what_is_due(s);
    if (feeds_itself(s))
        bf_notify("WATCHDOG=1");
    struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN}, {.fd = s->channel, .events = POLLIN}};
    poll(fds, 2, until_due(s));
    take_messages(s);
    take_signals(s);
}

int bf_supervisor_run(const struct bf_env *env, const struct bf_config *config, const struct bf_daemon *daemon, const char *config_path)
{
    struct bf_error e = {0};
    struct supervisor s = {.env = env, .config = config, .daemon = daemon, .config_path = config_path, .arena = bf_arena_create(), .channel = -1,
                           .server = {.name = "server"}, .zygotes = {[BF_ZYGOTE_MEDIA] = {.name = "media"}, [BF_ZYGOTE_SPEECH] = {.name = "speech"}}};
    struct bf_str model = bf_config_str(config, "decode", "speech_model");
    s.decoder = bf_main_decoder(config, s.arena);
    s.model = model.n > 0 ? model.p : NULL;
    s.n_zygotes = bf_daemon_decodes(daemon) ? BF_ZYGOTES : 0;
    s.signals = open_signals();
    signal(SIGPIPE, SIG_IGN);
    s.watchdog_ms = bf_notify_watchdog_ms();
    if (bf_inherited_socket(&s.socket, &e) != BF_OK) {
        bf_log_error(env, BF_LOG_ERROR, "start_failed", &e);
        s.status = EX_CONFIG;
        s.stopping = true;
    }
    while (!s.stopping || has_children(&s))
        take_turn(&s);
    close(s.signals);
    if (s.socket > 0)
        close(s.socket);
    bf_arena_destroy(&s.arena);
    return s.status;
}
