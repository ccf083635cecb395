/* SPDX-License-Identifier: Apache-2.0 */
/* The walls of a decoder child, seen from outside and pushed from inside, and what the client makes of children and zygotes that die. */
#include "core/env.h"
#include "ingest/decode/client.h"
#include "ingest/decode/sandbox.h"
#include "tests/ingest/decode/harness.h"
#include "tests/test.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 10 * 60 * 1000, DEADLINE_MS = 120 * 1000, THREADS = 6, JOBS_EACH = 8 };

struct fixture {
    struct bf_env env;
    struct bf_decode_client *client;
    pid_t zygote;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    bf_env_system(&f->env);
    int fd = zygote_start(getenv("BF_DECODE"), "--zygote", &f->zygote);
    assert_true(fd >= 0);
    f->client = bf_decode_client_create(&f->env, fd, 3);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    bf_decode_client_destroy(&f->client);
    assert_int_equal(zygote_wait(f->zygote), 0); /* the closed socket ends it */
    bf_env_finish(&f->env);
    free(f);
    return 0;
}

/* 8 kHz, 8 bits, mono; `ms` of silence: sparse, so it costs nothing to make and long to decode. */
static int long_recording(uint32_t ms)
{
    uint32_t n = ms * 8;
    unsigned char h[44] = {'R', 'I', 'F', 'F', 0,    0,    0, 0, 'W',  'A',  'V', 'E', 'f', 'm', 't', ' ', 16,  0,   0,   0,
                           1,   0,   1,   0,   0x40, 0x1f, 0, 0, 0x40, 0x1f, 0,   0,   1,   0,   8,   0,   'd', 'a', 't', 'a'};
    for (int i = 0; i < 4; i++)
        h[40 + i] = (unsigned char)(n >> 8 * i);
    int fd = memfd_of_bytes(h, sizeof h);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)sizeof h + n), 0);
    return fd;
}

static enum bf_status decode(struct fixture *f, int fd, int64_t within_ms, enum bf_decode_reason *ret_reason)
{
    struct bf_voice_result r;
    struct bf_error e = {0};
    enum bf_status status = bf_decode_voice(f->client, fd, BF_MEDIA_WAV, within_ms, &r, &e);
    if (status == BF_OK) {
        *ret_reason = r.d.reason;
        bf_decoded_finish(&r.d);
    } else {
        assert_true(e.cause[0] != 0);
    }
    return status;
}

static void assert_short_job_works(struct fixture *f)
{
    enum bf_decode_reason reason = BF_DECODE_CRASHED;
    int fd = long_recording(500);
    assert_int_equal(decode(f, fd, DEADLINE_MS, &reason), BF_OK);
    assert_int_equal(reason, BF_DECODE_OK);
    close(fd);
}

struct flight {
    struct fixture *f;
    pthread_t thread;
    int fd;
    int64_t within_ms;
    enum bf_status status;
    enum bf_decode_reason reason;
};

static void *fly(void *arg)
{
    struct flight *flight = arg;
    flight->status = decode(flight->f, flight->fd, flight->within_ms, &flight->reason);
    return NULL;
}

/* A long job, and its child once its filter is on. */
static pid_t start_flight(struct fixture *f, struct flight *flight, int64_t within_ms)
{
    *flight = (struct flight){.f = f, .fd = long_recording(LONG_MS), .within_ms = within_ms};
    assert_int_equal(pthread_create(&flight->thread, NULL, fly, flight), 0);
    pid_t child;
    while ((child = zygote_find_child(f->zygote)) == 0)
        sched_yield();
    return child;
}

static void land(struct flight *flight)
{
    pthread_join(flight->thread, NULL);
    close(flight->fd);
}

/* --- from outside --- */

static char *read_proc(pid_t pid, const char *name, size_t *ret_n)
{
    char path[64];
    char *text = calloc(1, 1 << 20);
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    *ret_n = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

static void a_child_has_two_descriptors(void **state)
{
    struct flight flight;
    char path[64], target[256];
    pid_t child = start_flight(*state, &flight, DEADLINE_MS);
    kill(child, SIGSTOP);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)child);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    unsigned n = 0;
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
        if (d->d_name[0] == '.')
            continue;
        assert_true(atoi(d->d_name) == BF_SANDBOX_IN || atoi(d->d_name) == BF_SANDBOX_OUT);
        ssize_t length = readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1);
        assert_true(length > 0);
        target[length] = 0;
        assert_non_null(strstr(target, "memfd:"));
        n++;
    }
    closedir(dir);
    assert_int_equal(n, 2);
    kill(child, SIGKILL);
    land(&flight);
}

static void a_child_has_no_secret_and_no_openssl(void **state)
{
    struct flight flight;
    size_t n;
    pid_t child = start_flight(*state, &flight, DEADLINE_MS);
    kill(child, SIGSTOP);
    char *text = read_proc(child, "environ", &n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(text[i], 0);
    free(text);
    text = read_proc(child, "maps", &n);
    assert_non_null(strstr(text, "libopus"));
    assert_null(strstr(text, "libcrypto"));
    assert_null(strstr(text, "libssl"));
    assert_null(strstr(text, "libsodium"));
    free(text);
    text = read_proc(child, "status", &n);
    assert_non_null(strstr(text, "Seccomp:\t2"));
    assert_non_null(strstr(text, "NoNewPrivs:\t1"));
    assert_non_null(strstr(text, "Threads:\t1"));
    assert_non_null(strstr(text, "CapPrm:\t0000000000000000"));
    assert_non_null(strstr(text, "CapEff:\t0000000000000000"));
    free(text);
    text = read_proc(child, "oom_score_adj", &n);
    assert_int_equal(atoi(text), 1000);
    free(text);
    kill(child, SIGKILL);
    land(&flight);
}

/* --- from inside --- */

static long forbidden(int which)
{
    struct {
        int a, b;
    } nothing = {0};
    switch (which) {
    case 0:
        return syscall(__NR_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    case 1:
        return syscall(__NR_socket, AF_INET, SOCK_STREAM, 0);
    case 2:
        return syscall(__NR_execve, "/bin/sh", NULL, NULL);
    case 3:
        return syscall(__NR_clone, SIGCHLD, 0, 0, 0, 0); /* a process, not a thread */
    case 4:
        return syscall(__NR_kill, getppid(), 0);
    case 5:
        return syscall(__NR_ptrace, PTRACE_TRACEME, 0, 0, 0);
    case 6:
        return syscall(__NR_read, BF_SANDBOX_IN, &nothing, sizeof nothing);
    case 7:
        return syscall(__NR_pread64, BF_SANDBOX_OUT, &nothing, sizeof nothing, 0);
    case 8:
        return syscall(__NR_pwrite64, BF_SANDBOX_IN, &nothing, sizeof nothing, 0);
    case 9:
        return syscall(__NR_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    case 10:
        return syscall(__NR_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, BF_SANDBOX_OUT, 0);
    case 11:
        return syscall(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
    case 12:
        return syscall(__NR_prlimit64, getppid(), 0, NULL, NULL);
    case 13:
        return syscall(__NR_unlinkat, AT_FDCWD, "nothing", 0);
    case 14:
        return syscall(__NR_sendmsg, BF_SANDBOX_OUT, &nothing, 0);
    case 15:
        return syscall(__NR_rt_sigaction, SIGSYS, NULL, NULL, 8);
    case 16:
        return syscall(__NR_mprotect, (uintptr_t)&nothing & ~(uintptr_t)4095, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    case 17:
        return syscall(__NR_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
    case 18:
        return syscall(__NR_io_uring_setup, 1, &nothing);
    default: /* FORBIDDEN: only where no threads may be made */
        return syscall(__NR_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0);
    }
}

enum { FORBIDDEN = 19 };

/* The wait status of a child that did `what(which)` behind the walls. */
static int behind(bool threads, int (*what)(int which, uint64_t mapped), int which)
{
    const struct bf_sandbox_limits limits = {
        .heap_bytes = 8 << 20, .heap_bytes_max = 16 << 20, .output_bytes = 4096, .cpu_s = 1, .threads = threads};
    pid_t pid = fork();
    if (pid == 0) {
        uint64_t mapped = 0;
        int in = memfd_of_bytes("in", 2), out = memfd_of_bytes("", 0);
        if (!bf__sandbox_descriptors(in, out) || !bf__sandbox_enter(&limits, &mapped))
            syscall(__NR_exit_group, 99);
        syscall(__NR_exit_group, what(which, mapped));
    }
    return zygote_wait(pid);
}

static int behind_walls(int (*what)(int which, uint64_t mapped), int which) { return behind(/* threads= */ false, what, which); }

static int try_forbidden(int which, uint64_t mapped)
{
    (void)mapped;
    forbidden(which);
    return 0;
}

static void a_forbidden_system_call_is_death(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        for (int which = 0; which < FORBIDDEN + (threads ? 0 : 1); which++) {
            int status = behind(threads, try_forbidden, which);
            if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
                fail_msg("threads %d, system call %d: status %x", threads, which, status);
        }
    }
}

static int use_descriptors(int which, uint64_t mapped)
{
    char two[2];
    (void)which;
    (void)mapped;
    return syscall(__NR_pread64, BF_SANDBOX_IN, two, 2, 0) == 2 && memcmp(two, "in", 2) == 0 &&
                   syscall(__NR_pwrite64, BF_SANDBOX_OUT, two, 2, 0) == 2
               ? 7
               : 1;
}

static int overrun(int which, uint64_t mapped)
{
    (void)which;
    (void)mapped;
    return (int)syscall(__NR_pwrite64, BF_SANDBOX_OUT, "x", 1, 5000);
}

static void *map(size_t n) { return (void *)syscall(__NR_mmap, NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static int want_memory(int which, uint64_t mapped)
{
    bool small = map(1 << 20) != MAP_FAILED, large = map(10 << 20) != MAP_FAILED;
    (void)which;
    if (!small || large || !bf__sandbox_heap(mapped, 14 << 20) || bf__sandbox_heap(mapped, 17 << 20))
        return 1;
    return map(10 << 20) != MAP_FAILED && map(10 << 20) == MAP_FAILED ? 7 : 2;
}

static int spin(int which, uint64_t mapped)
{
    (void)mapped;
    for (volatile unsigned i = 0;; i = i + (unsigned)which)
        ;
    return 0;
}

static void the_two_descriptors_work_and_have_an_end(void **state)
{
    (void)state;
    int status = behind_walls(use_descriptors, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = behind_walls(overrun, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static void memory_and_processor_time_have_an_end(void **state)
{
    (void)state;
    int status = behind_walls(want_memory, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    status = behind_walls(spin, 1);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
}

/* --- deaths --- */

static void a_killed_child_is_an_error_of_its_own_and_the_next_job_works(void **state)
{
    struct flight flight;
    pid_t child = start_flight(*state, &flight, DEADLINE_MS);
    kill(child, SIGKILL);
    land(&flight);
    assert_int_equal(flight.status, BF_E_INTERNAL);
    assert_short_job_works(*state);
}

static void a_child_that_crashes_is_a_verdict_on_its_file(void **state)
{
    struct flight flight;
    pid_t child = start_flight(*state, &flight, DEADLINE_MS);
    kill(child, SIGSEGV);
    land(&flight);
    assert_int_equal(flight.status, BF_OK);
    assert_int_equal(flight.reason, BF_DECODE_CRASHED);
    assert_short_job_works(*state);
}

static void a_stopped_child_ends_at_its_deadline(void **state)
{
    struct flight flight;
    struct fixture *f = *state;
    pid_t child = start_flight(f, &flight, 1500);
    kill(child, SIGSTOP);
    land(&flight);
    assert_int_equal(flight.status, BF_E_DEADLINE);
    assert_short_job_works(f);
    assert_int_equal(zygote_find_child(f->zygote), 0);
}

static void a_stopped_zygote_is_away_and_no_word_on_the_file(void **state)
{
    struct fixture *f = *state;
    enum bf_decode_reason reason;
    int fd = long_recording(100);
    kill(f->zygote, SIGSTOP);
    assert_int_equal(decode(f, fd, /* within_ms= */ 1, &reason), BF_E_UNAVAILABLE);
    kill(f->zygote, SIGCONT);
    close(fd);
    assert_short_job_works(f);
}

/* One at a time, and the first stands still until its time is over, which is longer than the second has. */
static void a_jobs_time_begins_with_its_turn(void **state)
{
    struct fixture *f = *state;
    struct bf_decode_client *kept = f->client;
    struct flight first, second;
    pid_t zygote = f->zygote;
    f->client = bf_decode_client_create(&f->env, zygote_start(getenv("BF_DECODE"), "--zygote", &f->zygote), 1);
    kill(start_flight(f, &first, 4000), SIGSTOP);
    second = (struct flight){.f = f, .fd = long_recording(100), .within_ms = 3000};
    fly(&second);
    close(second.fd);
    land(&first);
    assert_int_equal(first.status, BF_E_DEADLINE);
    assert_int_equal(second.status, BF_OK);
    bf_decode_client_destroy(&f->client);
    assert_int_equal(zygote_wait(f->zygote), 0);
    f->client = kept;
    f->zygote = zygote;
}

static void a_dead_zygote_fails_its_jobs_until_another_is_given(void **state)
{
    struct flight flight;
    struct fixture *f = *state;
    enum bf_decode_reason reason;
    start_flight(f, &flight, DEADLINE_MS);
    kill(f->zygote, SIGKILL);
    land(&flight);
    assert_int_equal(flight.status, BF_E_UNAVAILABLE);
    zygote_wait(f->zygote);
    int fd = long_recording(100);
    assert_int_equal(decode(f, fd, DEADLINE_MS, &reason), BF_E_UNAVAILABLE);
    close(fd);
    bf_decode_client_replace(f->client, zygote_start(getenv("BF_DECODE"), "--zygote", &f->zygote));
    assert_short_job_works(f);
}

static void a_client_without_a_zygote_says_so(void **state)
{
    struct fixture *f = *state;
    enum bf_decode_reason reason;
    struct bf_decode_client *kept = f->client;
    f->client = bf_decode_client_create(&f->env, /* socket_fd= */ -1, 1);
    int fd = long_recording(100);
    assert_int_equal(decode(f, fd, DEADLINE_MS, &reason), BF_E_UNAVAILABLE);
    assert_int_equal(decode(f, fd, /* within_ms= */ 0, &reason), BF_E_DEADLINE);
    close(fd);
    bf_decode_client_destroy(&f->client);
    f->client = kept;
}

static void garbage_on_the_socket_harms_nobody(void **state)
{
    struct fixture *f = *state;
    pid_t zygote;
    char noise[sizeof(struct bf_decode_request) + 40];
    memset(noise, 0x5a, sizeof noise);
    int fd = zygote_start(getenv("BF_DECODE"), "--zygote", &zygote);
    for (size_t n = 1; n <= sizeof noise; n += 3)
        assert_int_equal(send(fd, noise, n, 0), n);
    struct bf_decode_client *kept = f->client;
    f->client = bf_decode_client_create(&f->env, fd, 1);
    assert_short_job_works(f);
    bf_decode_client_destroy(&f->client);
    assert_int_equal(zygote_wait(zygote), 0);
    f->client = kept;
}

/* What comes next out of the pipe, or at its end: 0. */
static size_t read_within(int fd, void *p, size_t n)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
    return (size_t)read(fd, p, n);
}

/* A job with `n` descriptors, all of one pipe, the third of which is the reply's. It is refused, and then the pipe ends: nobody keeps one.
 */
static void send_descriptors(int fd, unsigned n)
{
    struct bf_decode_request request = {.magic = BF_DECODE_MAGIC,
                                        .op = BF_DECODE_VOICE,
                                        .claimed = BF_MEDIA_WAV,
                                        .wall_ms = DEADLINE_MS,
                                        .output_bytes = BF_VOICE_OUTPUT_MAX};
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(5 * sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(n * sizeof(int))};
    struct bf_decode_reply reply = {0};
    int pipe_fds[2], fds[5];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    for (unsigned i = 0; i < 5; i++)
        fds[i] = pipe_fds[1];
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(h), fds, n * sizeof(int));
    assert_int_equal(sendmsg(fd, &msg, 0), sizeof request);
    close(pipe_fds[1]);
    if (n >= 3) {
        assert_int_equal(read_within(pipe_fds[0], &reply, sizeof reply), sizeof reply);
        assert_int_equal(reply.outcome, BF_DECODE_BUSY);
    }
    assert_int_equal(read_within(pipe_fds[0], &reply, sizeof reply), 0);
    close(pipe_fds[0]);
}

static void a_job_has_three_descriptors_and_the_zygote_keeps_none_of_another_number(void **state)
{
    struct fixture *f = *state;
    pid_t zygote;
    int fd = zygote_start(getenv("BF_DECODE"), "--zygote", &zygote);
    for (unsigned n = 1; n <= 5; n++)
        if (n != 3)
            send_descriptors(fd, n);
    struct bf_decode_client *kept = f->client;
    f->client = bf_decode_client_create(&f->env, fd, 1);
    assert_short_job_works(f);
    bf_decode_client_destroy(&f->client);
    assert_int_equal(zygote_wait(zygote), 0);
    f->client = kept;
}

static void a_child_that_cannot_be_confined_is_no_word_on_the_file(void **state)
{
    struct fixture *f = *state;
    enum bf_decode_reason reason = BF_DECODE_OK;
    const struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20}; /* less than the output that the child is to be limited to */
    assert_int_equal(prlimit(f->zygote, RLIMIT_FSIZE, &small, NULL), 0);
    int fd = long_recording(500);
    assert_int_equal(decode(f, fd, DEADLINE_MS, &reason), BF_E_UNAVAILABLE);
    close(fd);
}

/* --- threads --- */

struct crowd {
    struct fixture *f;
    atomic_uint done;
};

static void *work(void *arg)
{
    struct crowd *crowd = arg;
    for (unsigned i = 0; i < JOBS_EACH; i++) {
        enum bf_decode_reason reason = BF_DECODE_CRASHED;
        int fd = long_recording(200 + i);
        if (decode(crowd->f, fd, DEADLINE_MS, &reason) == BF_OK && reason == BF_DECODE_OK)
            atomic_fetch_add(&crowd->done, 1);
        close(fd);
    }
    return NULL;
}

static void many_threads_share_one_client(void **state)
{
    struct crowd crowd = {.f = *state};
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.done), THREADS * JOBS_EACH);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_has_two_descriptors),
        TEST(a_child_has_no_secret_and_no_openssl),
        cmocka_unit_test(a_forbidden_system_call_is_death),
        cmocka_unit_test(the_two_descriptors_work_and_have_an_end),
        cmocka_unit_test(memory_and_processor_time_have_an_end),
        TEST(a_killed_child_is_an_error_of_its_own_and_the_next_job_works),
        TEST(a_child_that_crashes_is_a_verdict_on_its_file),
        TEST(a_stopped_child_ends_at_its_deadline),
        TEST(a_stopped_zygote_is_away_and_no_word_on_the_file),
        TEST(a_jobs_time_begins_with_its_turn),
        TEST(a_dead_zygote_fails_its_jobs_until_another_is_given),
        TEST(a_client_without_a_zygote_says_so),
        TEST(garbage_on_the_socket_harms_nobody),
        TEST(a_job_has_three_descriptors_and_the_zygote_keeps_none_of_another_number),
        TEST(a_child_that_cannot_be_confined_is_no_word_on_the_file),
        TEST(many_threads_share_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
