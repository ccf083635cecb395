/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/decode/client.h"
#include "core/env.h"
#include "core/thread.h"
#include "ingest/decode/check.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 2000, TURN_MS_MAX = 10 * 60 * 1000, FDS = 3 };

struct bf_decode_client {
    const struct bf_env *env;
    pthread_mutex_t lock;
    pthread_cond_t turn;
    int socket_fd; /* -1: no zygote */
    unsigned running, concurrent_max;
};

/* One call: its descriptors, and what came back. */
struct call {
    struct bf_decode_request request;
    int64_t work_ms, deadline_ms;
    int input_fd, output_fd, reply_fd;
    struct bf_decode_reply reply;
    struct bf_decode_result result;
};

struct bf_decode_client *bf_decode_client_create(const struct bf_env *env, int socket_fd, unsigned concurrent_max)
{
    struct bf_decode_client *c = calloc(1, sizeof *c);
    assert(concurrent_max > 0);
    if (c == NULL)
        abort();
    c->env = env;
    c->socket_fd = socket_fd;
    c->concurrent_max = concurrent_max < BF_DECODE_JOBS_MAX ? concurrent_max : BF_DECODE_JOBS_MAX;
    pthread_mutex_init(&c->lock, NULL);
    bf_real_cond_init(&c->turn);
    return c;
}

void bf_decode_client_destroy(struct bf_decode_client **client)
{
    if (client == NULL || *client == NULL)
        return;
    assert((*client)->running == 0);
    if ((*client)->socket_fd >= 0)
        close((*client)->socket_fd);
    pthread_cond_destroy(&(*client)->turn);
    pthread_mutex_destroy(&(*client)->lock);
    free(*client);
    *client = NULL;
}

void bf_decode_client_replace(struct bf_decode_client *client, int socket_fd)
{
    pthread_mutex_lock(&client->lock);
    int old = client->socket_fd;
    client->socket_fd = socket_fd;
    pthread_mutex_unlock(&client->lock);
    if (old >= 0)
        close(old);
}

static int64_t left_ms(const struct bf_decode_client *c, int64_t deadline_ms)
{
    int64_t left = deadline_ms - bf_mono_ms(c->env);
    return left > INT32_MAX ? INT32_MAX : left;
}

static enum bf_status take_turn(struct bf_decode_client *c, struct bf_error *e)
{
    enum bf_status status = BF_OK;
    int64_t deadline_ms = bf_mono_ms(c->env) + TURN_MS_MAX;
    pthread_mutex_lock(&c->lock);
    while (status == BF_OK && c->running >= c->concurrent_max) {
        int64_t left = left_ms(c, deadline_ms);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += left > 0 ? left / 1000 : 0;
        until.tv_nsec += left > 0 ? left % 1000 * 1000000 : 0;
        if (until.tv_nsec >= 1000000000)
            until.tv_sec++, until.tv_nsec -= 1000000000;
        if (left <= 0)
            status = bf_fail(e, BF_E_UNAVAILABLE, "the decoders are busy");
        else
            pthread_cond_timedwait(&c->turn, &c->lock, &until);
    }
    if (status == BF_OK)
        c->running++;
    pthread_mutex_unlock(&c->lock);
    return status;
}

static void give_turn(struct bf_decode_client *c)
{
    pthread_mutex_lock(&c->lock);
    assert(c->running > 0);
    c->running--;
    pthread_cond_signal(&c->turn);
    pthread_mutex_unlock(&c->lock);
}

static enum bf_status make_output(struct call *call, struct bf_error *e)
{
    call->output_fd = memfd_create("bf-decoded", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (call->output_fd < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "memfd");
    if (ftruncate(call->output_fd, (off_t)call->request.output_bytes) < 0 ||
        fcntl(call->output_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "memfd of %llu bytes", (unsigned long long)call->request.output_bytes);
    return BF_OK;
}

/* The lock keeps bf_decode_client_replace from closing the socket under the call; the datagram is small and the queue short, so it does not
 * block for long: a zygote that stopped reading is caught by MSG_DONTWAIT. */
static enum bf_status send_job(struct bf_decode_client *c, struct call *call, int reply_write_fd, struct bf_error *e)
{
    const int fds[FDS] = {call->input_fd, call->output_fd, reply_write_fd};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(sizeof fds)];
    } control = {0};
    struct iovec iov = {.iov_base = &call->request, .iov_len = sizeof call->request};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(h), fds, sizeof fds);
    pthread_mutex_lock(&c->lock);
    ssize_t n = c->socket_fd < 0 ? -1 : sendmsg(c->socket_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    int failed = c->socket_fd < 0 ? ENOTCONN : errno;
    pthread_mutex_unlock(&c->lock);
    return n == (ssize_t)sizeof call->request ? BF_OK : bf_fail_errno(e, BF_E_UNAVAILABLE, failed, "decoder");
}

static enum bf_status await_reply(struct bf_decode_client *c, struct call *call, struct bf_error *e)
{
    struct pollfd p = {.fd = call->reply_fd, .events = POLLIN};
    for (;;) {
        int64_t left = left_ms(c, call->deadline_ms + GRACE_MS);
        int ready = poll(&p, 1, left > 0 ? (int)left : 0);
        if (ready > 0)
            break;
        if (ready == 0)
            return bf_fail(e, BF_E_UNAVAILABLE, "the decoder's zygote does not answer");
        if (errno != EINTR)
            return bf_fail_errno(e, BF_E_IO, errno, "poll");
    }
    ssize_t n = read(call->reply_fd, &call->reply, sizeof call->reply);
    if (n != (ssize_t)sizeof call->reply || call->reply.magic != BF_DECODE_MAGIC)
        return bf_fail(e, BF_E_UNAVAILABLE, "the decoder's zygote is gone");
    return BF_OK;
}

static enum bf_status dispatch(struct bf_decode_client *c, struct call *call, struct bf_error *e)
{
    int pipe_fds[2];
    struct stat st;
    if (call->work_ms <= 0)
        return bf_fail(e, BF_E_DEADLINE, "no time is left to decode");
    if (fstat(call->input_fd, &st) < 0 || st.st_size < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "input of the decoder");
    call->request.magic = BF_DECODE_MAGIC;
    call->request.wall_ms = call->work_ms < INT32_MAX ? (uint32_t)call->work_ms : INT32_MAX;
    call->deadline_ms = bf_mono_ms(c->env) + call->request.wall_ms;
    call->request.input_bytes = (uint64_t)st.st_size;
    enum bf_status status = make_output(call, e);
    if (status != BF_OK)
        return status;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return bf_fail_errno(e, BF_E_IO, errno, "pipe");
    call->reply_fd = pipe_fds[0];
    status = send_job(c, call, pipe_fds[1], e);
    close(pipe_fds[1]);
    return status != BF_OK ? status : await_reply(c, call, e);
}

/* What the end of the child means. Signals that only the file can have raised are a verdict. A reply at all says that the zygote lives. */
static enum bf_status judge_end(struct call *call, struct bf_decoded *d, struct bf_error *e)
{
    const struct bf_decode_reply *r = &call->reply;
    if (r->outcome == BF_DECODE_EXITED)
        return BF_OK;
    if (r->outcome == BF_DECODE_WALL)
        return bf_fail(e, BF_E_DEADLINE, "the decoder was stopped at its deadline");
    if (r->outcome == BF_DECODE_BUSY)
        return bf_fail(e, BF_E_UNAVAILABLE, "the decoder has no process left");
    if (r->outcome == BF_DECODE_UNCONFINED)
        return bf_fail(
            e, BF_E_UNAVAILABLE,
            "the decoder cannot confine its child: look at what the service may call (capset, prlimit, landlock, seccomp) and its limits");
    switch (r->signal) {
    case SIGXCPU:
        d->reason = BF_DECODE_TIMEOUT;
        return BF_OK;
    case SIGSYS:
    case SIGSEGV:
    case SIGBUS:
    case SIGABRT:
    case SIGFPE:
    case SIGILL:
    case SIGXFSZ:
        d->reason = BF_DECODE_CRASHED;
        return BF_OK;
    default:
        return bf_fail(e, BF_E_INTERNAL, "the decoder's child ended by signal %d, without an answer", r->signal);
    }
}

/* Sealed first and mapped then: what is examined is what is used. */
static enum bf_status map_output(struct call *call, struct bf_decoded *d, struct bf_error *e)
{
    if (fcntl(call->output_fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return bf_fail_errno(e, BF_E_CORRUPT, errno, "the decoder's output is still being written");
    void *map = mmap(NULL, call->request.output_bytes, PROT_READ, MAP_SHARED, call->output_fd, 0);
    if (map == MAP_FAILED)
        return bf_fail_errno(e, BF_E_IO, errno, "map of the decoder's output");
    d->map = map;
    d->map_bytes = call->request.output_bytes;
    enum bf_status status = bf__check_result(map, d->map_bytes, (enum bf_decode_op)call->request.op, &call->result, e);
    if (status != BF_OK)
        return status;
    d->reason = (enum bf_decode_reason)call->result.reason;
    d->found = (enum bf_media_type)call->result.found;
    memcpy(d->detail, call->result.detail, sizeof d->detail);
    return BF_OK;
}

static enum bf_status run(struct bf_decode_client *c, struct call *call, struct bf_decoded *d, struct bf_error *e)
{
    *d = (struct bf_decoded){.output_fd = -1};
    call->output_fd = call->reply_fd = -1;
    enum bf_status status = take_turn(c, e);
    if (status != BF_OK)
        return status;
    status = dispatch(c, call, e);
    give_turn(c);
    if (call->reply_fd >= 0)
        close(call->reply_fd);
    d->output_fd = call->output_fd;
    d->cpu_us = call->reply.cpu_us;
    d->rss_kb = call->reply.rss_kb;
    if (status == BF_OK)
        status = judge_end(call, d, e);
    if (status == BF_OK && call->reply.outcome == BF_DECODE_EXITED)
        status = map_output(call, d, e);
    if (status != BF_OK || d->reason != BF_DECODE_OK)
        bf_decoded_finish(d);
    return status;
}

void bf_decoded_finish(struct bf_decoded *d)
{
    if (d->map != NULL)
        munmap(d->map, d->map_bytes);
    if (d->output_fd >= 0)
        close(d->output_fd);
    d->map = NULL;
    d->map_bytes = 0;
    d->output_fd = -1;
}

static struct bf_str part(const struct call *call, const struct bf_decoded *d, unsigned i)
{
    const struct bf_decode_part *p = &call->result.parts[i];
    return p->bytes == 0 ? bf_str("", 0) : bf_str((const char *)d->map + p->offset, p->bytes);
}

static struct call new_call(enum bf_decode_op op, int input_fd, enum bf_media_type claimed, int64_t work_ms, uint64_t output_bytes)
{
    return (struct call){.request = {.op = op, .claimed = claimed, .output_bytes = output_bytes}, .input_fd = input_fd, .work_ms = work_ms};
}

enum bf_status bf_decode_photo(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                               struct bf_photo_result *ret, struct bf_error *e)
{
    struct call call = new_call(BF_DECODE_PHOTO, input_fd, claimed, work_ms, BF_PHOTO_OUTPUT_MAX);
    struct bf_photo_result r = {0};
    enum bf_status status = run(client, &call, &r.d, e);
    if (status == BF_OK && r.d.reason == BF_DECODE_OK) {
        r.photo = call.result.u.photo;
        r.preview = part(&call, &r.d, 0);
        r.thumb = part(&call, &r.d, 1);
        status = bf__check_photo(&r.photo, r.preview, r.thumb, e);
    }
    if (status != BF_OK)
        bf_decoded_finish(&r.d);
    else
        *ret = r;
    return status;
}

static enum bf_status sound(struct bf_decode_client *client, struct call *call, struct bf_voice_result *ret, struct bf_error *e)
{
    struct bf_voice_result r = {0};
    enum bf_status status = run(client, call, &r.d, e);
    if (status == BF_OK && r.d.reason == BF_DECODE_OK) {
        r.sound = call->result.u.sound;
        r.audio = part(call, &r.d, 0);
        r.peaks = part(call, &r.d, 1);
        status = call->request.op == BF_DECODE_WAV ? bf__check_wav(&r.sound, r.audio, e) : bf__check_voice(&r.sound, r.audio, r.peaks, e);
    }
    if (status != BF_OK)
        bf_decoded_finish(&r.d);
    else
        *ret = r;
    return status;
}

enum bf_status bf_decode_voice(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                               struct bf_voice_result *ret, struct bf_error *e)
{
    struct call call = new_call(BF_DECODE_VOICE, input_fd, claimed, work_ms, BF_VOICE_OUTPUT_MAX);
    return sound(client, &call, ret, e);
}

enum bf_status bf_decode_wav(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                             struct bf_voice_result *ret, struct bf_error *e)
{
    struct call call = new_call(BF_DECODE_WAV, input_fd, claimed, work_ms, BF_VOICE_WAV_MAX);
    return sound(client, &call, ret, e);
}

enum bf_status bf_decode_transcribe(struct bf_decode_client *client, int input_fd, enum bf_media_type claimed, int64_t work_ms,
                                    struct bf_text_result *ret, struct bf_error *e)
{
    struct call call = new_call(BF_DECODE_TRANSCRIBE, input_fd, claimed, work_ms, BF_TEXT_OUTPUT_MAX);
    struct bf_text_result r = {0};
    enum bf_status status = run(client, &call, &r.d, e);
    if (status == BF_OK && r.d.reason == BF_DECODE_OK) {
        r.sound = call.result.u.sound;
        r.text = part(&call, &r.d, 0);
        status = bf__check_text(&r.sound, r.text, e);
    }
    if (status != BF_OK)
        bf_decoded_finish(&r.d);
    else
        *ret = r;
    return status;
}
