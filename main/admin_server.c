/* SPDX-License-Identifier: Apache-2.0 */
/* The server's end of the administration socket: one thread accepts, two run commands. */
#include "core/arena.h"
#include "core/env.h"
#include "core/json.h"
#include "core/log.h"
#include "core/pool.h"
#include "main/admin.h"
#include "main/services.h"
#include "storage/storage.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { THREADS = 2, QUEUE_MAX = 8, READ_S_MAX = 5, NO_FD_PAUSE_MS = 100, REQUEST_MAX = 64 * 1024, OUT_MAX = BF_ADMIN_LINE_MAX / 4 };

struct bf_admin {
    const struct bf_env *env;
    struct bf_admin_store own;
    void *const *services;
    char *dir;
    struct bf_pool *pool;
    pthread_t thread;
    int listening, stop;
    bool closed;
};

struct conversation {
    struct bf_task task;
    struct bf_admin *admin;
    int fd;
};

struct request {
    int n;
    struct bf_str words[BF_ADMIN_WORDS_MAX], input;
};

static enum bf_status parse_request(struct bf_arena *arena, struct bf_str line, struct request *ret, struct bf_error *e)
{
    const struct bf_json *j;
    enum bf_status status = bf_json_parse(arena, line, REQUEST_MAX, &j, e);
    if (status != BF_OK)
        return status;
    const struct bf_json *words = bf_json_get(j, "words");
    unsigned n = bf_json_count(words);
    if (n > BF_ADMIN_WORDS_MAX)
        return bf_fail(e, BF_E_INVALID_BODY, "more than %d words", BF_ADMIN_WORDS_MAX);
    *ret = (struct request){.n = (int)n, .input = bf_json_str(bf_json_get(j, "input"))};
    for (unsigned i = 0; i < n; i++)
        ret->words[i] = bf_json_str(bf_json_at(words, i));
    return BF_OK;
}

static enum bf_status run_command(struct bf_admin *a, const struct request *r, int file, struct bf_arena *arena, struct bf_buf *out, struct bf_error *e)
{
    struct bf_admin_found found;
    struct bf_admin_store own = a->own;
    own.file = file;
    enum bf_status status = bf_admin_find(r->n, r->words, &found, e);
    if (status != BF_OK)
        return status;
    void *service = found.service < 0 ? (void *)&own : a->services[found.service];
    status = found.command->run(service, r->n - found.n_words, r->words + found.n_words, r->input, arena, out, e);
    if (status == BF_OK && out->overflowed)
        status = bf_fail(e, BF_E_TOO_LARGE, "there is more than fits into %u bytes: this is the beginning", (unsigned)OUT_MAX);
    bf_log(a->env, BF_LOG_INFO, "admin", found.command->name, BF_L_STR("status", bf_status_code(status)), BF_L_END);
    return status;
}

static void write_answer(enum bf_status status, const struct bf_error *e, struct bf_str out, struct bf_buf *line)
{
    struct bf_jw w;
    bf_jw_init(&w, line);
    bf_jw_object(&w);
    bf_jw_key(&w, "status");
    bf_jw_str(&w, bf_strz(bf_status_code(status)));
    if (status != BF_OK) {
        bf_jw_key(&w, "cause");
        bf_jw_str(&w, bf_strz(e->cause[0] != '\0' ? e->cause : bf_status_title(status, BF_LANG_EN)));
    }
    for (unsigned i = 0; status != BF_OK && i < e->n_fields && i < 1; i++) {
        bf_jw_key(&w, "field");
        bf_jw_str(&w, bf_strz(e->fields[i].pointer));
        bf_jw_key(&w, "detail");
        bf_jw_str(&w, bf_strz(e->fields[i].detail));
    }
    bf_jw_key(&w, "out");
    bf_jw_str(&w, out);
    bf_jw_end_object(&w);
    bf_buf_addc(line, '\n');
}

static enum bf_status check_peer(int fd, struct bf_error *e)
{
    struct ucred peer;
    socklen_t n = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "SO_PEERCRED");
    if (peer.uid != 0 && peer.uid != geteuid())
        return bf_fail(e, BF_E_FORBIDDEN, "user %u may not administrate this server", (unsigned)peer.uid);
    return BF_OK;
}

static void converse(struct bf_admin *a, int fd)
{
    struct bf_error e = {0};
    struct bf_buf line, out, answer;
    struct request request;
    int file;
    struct bf_arena *arena = bf_arena_create();
    bf_buf_init(&line, REQUEST_MAX);
    bf_buf_init(&out, OUT_MAX);
    bf_buf_init(&answer, 8 * BF_ADMIN_LINE_MAX);
    /* Read first: whoever is refused shall find the answer, not a broken pipe. */
    enum bf_status status = bf__admin_read_line(fd, &line, &file, &e);
    if (status == BF_OK)
        status = check_peer(fd, &e);
    if (status == BF_OK)
        status = parse_request(arena, bf_buf_str(&line), &request, &e);
    if (status == BF_OK)
        status = run_command(a, &request, file, arena, &out, &e);
    write_answer(status, &e, bf_buf_str(&out), &answer);
    (void)bf__admin_write(fd, bf_buf_str(&answer), -1, &e); /* a client that left does not want to know */
    if (file >= 0)
        close(file);
    bf_buf_finish(&answer);
    bf_buf_finish(&out);
    if (line.p != NULL)
        explicit_bzero(line.p, line.cap); /* it may hold a password */
    bf_buf_finish(&line);
    bf_arena_destroy(&arena);
}

static void run_conversation(struct bf_task *task)
{
    struct conversation *c = BF_CONTAINER(task, struct conversation, task);
    converse(c->admin, c->fd);
    close(c->fd);
    free(c);
}

static void take(struct bf_admin *a, int fd)
{
    struct timeval patience = {.tv_sec = READ_S_MAX};
    struct conversation *c = malloc(sizeof *c);
    if (c == NULL)
        abort();
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    *c = (struct conversation){.task.run = run_conversation, .admin = a, .fd = fd};
    if (bf_pool_submit(a->pool, &c->task) != BF_OK) {
        close(fd);
        free(c);
    }
}

static void *listener(void *arg)
{
    struct bf_admin *a = arg;
    struct pollfd fds[] = {{.fd = a->listening, .events = POLLIN}, {.fd = a->stop, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[1].revents != 0)
            return NULL;
        int fd = fds[0].revents == 0 ? -1 : accept4(a->listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            take(a, fd);
        else if (errno == EMFILE || errno == ENFILE)
            poll(&fds[1], 1, NO_FD_PAUSE_MS);
    }
}

enum bf_status bf_admin_start(const struct bf_env *env, const struct bf_config *config, struct bf_store *store, void *const *services, struct bf_str dir,
                              struct bf_admin **ret, struct bf_error *e)
{
    int listening = bf__admin_listen(dir.p);
    if (listening < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "%s/admin.sock", dir.p);
    struct bf_admin *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    *a = (struct bf_admin){.env = env, .own = {.env = env, .config = config, .store = store}, .services = services, .listening = listening};
    a->dir = strdup(dir.p);
    a->stop = eventfd(0, EFD_CLOEXEC);
    a->pool = bf_pool_create(env, "admin", THREADS, QUEUE_MAX);
    if (a->dir == NULL || a->stop < 0 || pthread_create(&a->thread, NULL, listener, a) != 0)
        abort();
    *ret = a;
    return BF_OK;
}

void bf_admin_close(struct bf_admin *a)
{
    uint64_t one = 1;
    if (a == NULL || a->closed)
        return;
    a->closed = true;
    if (write(a->stop, &one, sizeof one) != (ssize_t)sizeof one)
        abort();
    pthread_join(a->thread, NULL);
    bf__admin_unlink(a->dir);
    close(a->listening);
    /* what would outlast every deadline of a stop */
    bf_store_stop_care(a->own.store);
}

void bf_admin_stop(struct bf_admin **admin)
{
    struct bf_admin *a = admin == NULL ? NULL : *admin;
    if (a == NULL)
        return;
    *admin = NULL;
    bf_admin_close(a);
    bf_pool_destroy(&a->pool);
    close(a->stop);
    free(a->dir);
    free(a);
}
