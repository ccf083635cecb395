/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/zygote.h"
#include "ingest/decode/job.h"
#include "ingest/decode/sandbox.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* By which a child ends whose walls cannot be raised. Behind them nothing can send it, so no input can end its child that way. */
enum { UNCONFINED = SIGUSR1 };
enum { FD_INPUT, FD_OUTPUT, FD_REPLY, FD_COUNT };
enum { POLL_SOCKET, POLL_CHILDREN, POLL_MAX = POLL_CHILDREN + 2 * BF_DECODE_JOBS_MAX };

struct child {
    pid_t pid; /* 0: the slot is free */
    int pidfd, reply_fd;
    int64_t deadline_ms;
    bool late; /* killed at its deadline */
};

struct zygote {
    int socket_fd;
    struct bf_stt *stt;
    struct child children[BF_DECODE_JOBS_MAX];
};

static int64_t mono_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Per operation: what a hostile file can cost before its dimensions are known, and what the largest honest one may. */
static struct bf_sandbox_limits limits_of(const struct bf_decode_request *r)
{
    struct bf_sandbox_limits l = {.output_bytes = r->output_bytes, .heap_bytes = 40 << 20, .heap_bytes_max = 48 << 20};
    switch ((enum bf_decode_op)r->op) {
    case BF_DECODE_PHOTO:
        l.cpu_s = 30;
        l.threads = r->claimed == BF_MEDIA_HEIC; /* anything else under that name is refused unread */
        l.heap_bytes_max = 640 << 20;
        break;
    case BF_DECODE_VOICE:
    case BF_DECODE_WAV:
        l.cpu_s = 300;
        break;
    case BF_DECODE_TRANSCRIBE:
        l.cpu_s = 2 * 60 * 60;
        l.heap_bytes = l.heap_bytes_max = 512 << 20;
        break;
    }
    return l;
}

static long read_input(void *ctx, uint64_t offset, void *p, size_t n)
{
    size_t done = 0;
    (void)ctx;
    while (done < n) {
        ssize_t got = pread(BF_SANDBOX_IN, (char *)p + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (long)done;
}

static bool write_output(void *ctx, uint64_t offset, const void *p, size_t n)
{
    (void)ctx;
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(BF_SANDBOX_OUT, (const char *)p + done, n - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* Only photos are mapped: recordings are read in pieces, so that the resident size does not grow with them. */
static bool map_input(struct bf_job *job)
{
    const struct bf_decode_request *r = &job->request;
    if (r->op != BF_DECODE_PHOTO || r->input_bytes == 0 || r->input_bytes > BF_PHOTO_BYTES_MAX)
        return true;
    void *p = mmap(NULL, r->input_bytes, PROT_READ, MAP_PRIVATE, BF_SANDBOX_IN, 0);
    job->bytes = p == MAP_FAILED ? NULL : p;
    return p != MAP_FAILED;
}

/* The child: from here to the end there is no way back to the zygote's code. */
static _Noreturn void be_child(const struct bf_decode_request *request, const int fds[FD_COUNT], struct bf_stt *stt, pid_t zygote)
{
    struct bf_job job = {.request = *request,
                         .read = read_input,
                         .write = write_output,
                         .pixels_max = BF_PHOTO_PIXELS_MAX,
                         .duration_max_ms = BF_VOICE_MS_MAX};
    const struct bf_sandbox_limits limits = limits_of(request);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != zygote || !bf__sandbox_descriptors(fds[FD_INPUT], fds[FD_OUTPUT]) ||
        !map_input(&job) || !bf__sandbox_enter(&limits, &job.mapped_at_entry)) {
        raise(UNCONFINED);
        _exit(1);
    }
    _exit(bf__job_run(&job, stt) ? 0 : 1);
}

static void answer(int reply_fd, const struct bf_decode_reply *reply)
{
    ssize_t n = write(reply_fd, reply, sizeof *reply); /* at most PIPE_BUF: whole or, when nobody waits any more, not at all */
    (void)n;
    close(reply_fd);
}

static struct child *free_slot(struct zygote *z)
{
    for (unsigned i = 0; i < BF_DECODE_JOBS_MAX; i++)
        if (z->children[i].pid == 0)
            return &z->children[i];
    return NULL;
}

static bool request_valid(const struct bf_decode_request *r, const int fds[FD_COUNT])
{
    for (unsigned i = 0; i < FD_COUNT; i++)
        if (fds[i] < 0)
            return false;
    return r->magic == BF_DECODE_MAGIC && r->op >= BF_DECODE_PHOTO && r->op <= BF_DECODE_TRANSCRIBE && r->wall_ms > 0 &&
           r->output_bytes >= BF_DECODE_RESULT_ROOM && r->output_bytes <= BF_VOICE_WAV_MAX;
}

static bool start_child(struct zygote *z, const struct bf_decode_request *request, const int fds[FD_COUNT])
{
    struct child *c = free_slot(z);
    pid_t self = getpid(), pid = c == NULL ? -1 : fork();
    if (pid == 0)
        be_child(request, fds, z->stt, self);
    if (pid < 0)
        return false;
    *c = (struct child){.pid = pid, .reply_fd = fds[FD_REPLY], .deadline_ms = mono_ms() + request->wall_ms};
    c->pidfd = (int)syscall(__NR_pidfd_open, pid, 0);
    if (c->pidfd < 0)
        kill(pid, SIGKILL); /* and reap it at the next turn, unwatched */
    return true;
}

/* How many came; those beyond FD_COUNT, for which the alignment of the message leaves room, are closed. */
static unsigned take_descriptors(struct msghdr *msg, int fds[FD_COUNT])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    unsigned n = 0;
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
        return 0;
    for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int), n++) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
        if (n < FD_COUNT)
            fds[n] = fd;
        else
            close(fd);
    }
    return n;
}

/* -1: the other end is gone; 0: no job. */
static int receive(int socket_fd, struct bf_decode_request *request, int fds[FD_COUNT])
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof(int) * FD_COUNT)];
    } control;
    struct iovec iov = {.iov_base = request, .iov_len = sizeof *request};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(socket_fd, &msg, MSG_CMSG_CLOEXEC);
    for (unsigned i = 0; i < FD_COUNT; i++)
        fds[i] = -1;
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    if (n == 0)
        return -1;
    unsigned got = take_descriptors(&msg, fds);
    return n == (ssize_t)sizeof *request && got == FD_COUNT && (msg.msg_flags & MSG_CTRUNC) == 0 ? 1 : 0;
}

/* False when the other end is gone. */
static bool take_job(struct zygote *z)
{
    struct bf_decode_request request;
    int fds[FD_COUNT];
    int got = receive(z->socket_fd, &request, fds);
    bool started = got > 0 && request_valid(&request, fds) && start_child(z, &request, fds);
    if (!started && fds[FD_REPLY] >= 0) {
        answer(fds[FD_REPLY], &(struct bf_decode_reply){.magic = BF_DECODE_MAGIC, .outcome = BF_DECODE_BUSY});
        fds[FD_REPLY] = -1;
    }
    for (unsigned i = 0; i < FD_REPLY; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return got >= 0;
}

static void reap(struct child *c)
{
    int status = 0;
    struct rusage u;
    struct bf_decode_reply reply = {.magic = BF_DECODE_MAGIC, .outcome = BF_DECODE_DIED};
    if (wait4(c->pid, &status, WNOHANG, &u) != c->pid)
        return;
    if (c->late)
        reply.outcome = BF_DECODE_WALL;
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        reply.outcome = BF_DECODE_EXITED;
    else if (WIFSIGNALED(status) && WTERMSIG(status) == UNCONFINED)
        reply.outcome = BF_DECODE_UNCONFINED;
    reply.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    reply.rss_kb = (uint32_t)u.ru_maxrss;
    reply.cpu_us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    if (c->pidfd >= 0)
        close(c->pidfd);
    answer(c->reply_fd, &reply);
    *c = (struct child){0};
}

/* Kills what is late or no longer waited for. */
static void judge(struct child *c, bool abandoned, int64_t now)
{
    if (!c->late && (abandoned || now >= c->deadline_ms)) {
        c->late = true;
        kill(c->pid, SIGKILL);
    }
}

static unsigned fill_poll(const struct zygote *z, struct pollfd *p, int *ret_timeout_ms)
{
    unsigned n = POLL_CHILDREN;
    int64_t now = mono_ms(), next = INT64_MAX;
    p[POLL_SOCKET] = (struct pollfd){.fd = free_slot((struct zygote *)(uintptr_t)z) == NULL ? -1 : z->socket_fd, .events = POLLIN};
    for (unsigned i = 0; i < BF_DECODE_JOBS_MAX; i++) {
        const struct child *c = &z->children[i];
        p[n++] = (struct pollfd){.fd = c->pid == 0 ? -1 : c->pidfd, .events = POLLIN};
        p[n++] = (struct pollfd){.fd = c->pid == 0 || c->late ? -1 : c->reply_fd}; /* POLLERR: the reader is gone */
        if (c->pid != 0 && (c->late || c->pidfd < 0))
            next = now + 20 < next ? now + 20 : next;
        else if (c->pid != 0 && c->deadline_ms < next)
            next = c->deadline_ms;
    }
    *ret_timeout_ms = next == INT64_MAX ? -1 : next <= now ? 0 : next - now > 60000 ? 60000 : (int)(next - now);
    return n;
}

int bf__zygote_serve(int socket_fd, struct bf_stt *stt)
{
    struct zygote z = {.socket_fd = socket_fd, .stt = stt};
    struct pollfd p[POLL_MAX];
    bool open = true;
    while (open) {
        int timeout_ms;
        unsigned n = fill_poll(&z, p, &timeout_ms);
        assert(n <= POLL_MAX);
        if (poll(p, n, timeout_ms) < 0 && errno != EINTR)
            break;
        for (unsigned i = 0; i < BF_DECODE_JOBS_MAX; i++) {
            struct child *c = &z.children[i];
            if (c->pid == 0)
                continue;
            judge(c, (p[POLL_CHILDREN + 2 * i + 1].revents & (POLLERR | POLLNVAL)) != 0, mono_ms());
            reap(c);
        }
        if ((p[POLL_SOCKET].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
            open = take_job(&z);
    }
    for (unsigned i = 0; i < BF_DECODE_JOBS_MAX; i++)
        if (z.children[i].pid != 0)
            kill(z.children[i].pid, SIGKILL);
    return 0;
}
