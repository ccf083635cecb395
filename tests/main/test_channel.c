/* SPDX-License-Identifier: Apache-2.0 */
/* The socket between supervisor and server, and the children behind it. */
#include "main/channel.h"
#include "main/spawn.h"
#include "tests/test.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int pair[2];

static int open_pair(void **state)
{
    (void)state;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int close_pair(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void a_descriptor_arrives_with_its_message_and_is_close_on_exec(void **state)
{
    (void)state;
    int pipe_fds[2];
    char byte = 0;
    assert_int_equal(pipe(pipe_fds), 0);
    struct bf_channel_message got, sent = {.kind = BF_CHANNEL_ZYGOTE, .number = 1, .fd = pipe_fds[1]};
    assert_int_equal(bf_channel_send(pair[0], &sent), 0);
    close(pipe_fds[1]);
    assert_int_equal(bf_channel_receive(pair[1], &got), 1);
    assert_int_equal(got.kind, BF_CHANNEL_ZYGOTE);
    assert_int_equal(got.number, 1);
    assert_true(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(got.fd, "x", 1), 1);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(got.fd);
    close(pipe_fds[0]);
}

static void a_message_without_a_descriptor_says_so(void **state)
{
    (void)state;
    struct bf_channel_message got, sent = {.kind = BF_CHANNEL_READY, .number = 8443, .fd = -1};
    assert_int_equal(bf_channel_send(pair[0], &sent), 0);
    assert_int_equal(bf_channel_receive(pair[1], &got), 1);
    assert_int_equal(got.number, 8443);
    assert_int_equal(got.fd, -1);
}

static void an_empty_channel_does_not_wait_and_a_closed_one_ends(void **state)
{
    (void)state;
    struct bf_channel_message got;
    assert_int_equal(bf_channel_receive(pair[1], &got), -1);
    assert_int_equal(errno, EAGAIN);
    shutdown(pair[0], SHUT_RDWR);
    assert_int_equal(bf_channel_receive(pair[1], &got), 0);
}

static void what_is_no_message_is_an_error_and_leaks_no_descriptor(void **state)
{
    (void)state;
    struct bf_channel_message got;
    int before = dup(pair[0]);
    close(before);
    assert_int_equal(send(pair[0], "abc", 3, 0), 3);
    assert_int_equal(bf_channel_receive(pair[1], &got), -1);
    assert_int_equal(errno, EPROTO);
    int after = dup(pair[0]);
    close(after);
    assert_int_equal(before, after);
}

/* Runs a shell whose words come back through its exit status and the channel's end. */
static int run_child(const char *script, bool keep_environment, int *ret_fd)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct bf_spawn spawn = {.program = "/bin/sh", .argv = argv, .keep_environment = keep_environment};
    struct bf_error e = {0};
    pid_t pid;
    int status;
    assert_int_equal(bf_spawn(&spawn, &pid, ret_fd, &e), BF_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_child_has_its_channel_as_descriptor_3_and_no_other_beside_the_standard_ones(void **state)
{
    (void)state;
    int fd, stray = open("/dev/null", O_RDONLY);
    /* ls itself opens one more to read the directory. */
    assert_int_equal(run_child("set -- $(ls /proc/self/fd); [ \"$*\" = '0 1 2 3 4' ]", true, &fd), 0);
    close(fd);
    close(stray);
}

static void a_child_may_begin_without_an_environment(void **state)
{
    (void)state;
    int fd;
    setenv("BF_SECRET", "s", 1);
    assert_int_equal(run_child("[ -z \"$BF_SECRET\" ]", false, &fd), 0);
    close(fd);
    assert_int_equal(run_child("[ \"$BF_SECRET\" = s ]", true, &fd), 0);
    close(fd);
}

static void the_end_of_a_child_is_the_end_of_its_channel(void **state)
{
    (void)state;
    struct bf_channel_message got;
    int fd;
    assert_int_equal(run_child("exit 7", true, &fd), 7);
    assert_int_equal(bf_channel_receive(fd, &got), 0);
    close(fd);
}

static void a_program_that_cannot_be_executed_ends_with_127(void **state)
{
    (void)state;
    const char *argv[] = {"none", NULL};
    struct bf_spawn spawn = {.program = "/nonexistent/none", .argv = argv};
    struct bf_error e = {0};
    pid_t pid;
    int fd, status;
    assert_int_equal(bf_spawn(&spawn, &pid, &fd, &e), BF_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 127);
    close(fd);
}

static void a_child_has_no_signal_blocked_unless_asked_and_leads_its_own_group(void **state)
{
    (void)state;
    sigset_t set, before;
    int fd;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &before);
    int status = run_child("grep -q '^SigBlk:.*0000000000000000$' /proc/self/status && "
                           "[ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ]", true, &fd);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(status, 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_descriptor_arrives_with_its_message_and_is_close_on_exec, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(a_message_without_a_descriptor_says_so, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(an_empty_channel_does_not_wait_and_a_closed_one_ends, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(what_is_no_message_is_an_error_and_leaks_no_descriptor, open_pair, close_pair),
        cmocka_unit_test(a_child_has_its_channel_as_descriptor_3_and_no_other_beside_the_standard_ones),
        cmocka_unit_test(a_child_may_begin_without_an_environment),
        cmocka_unit_test(the_end_of_a_child_is_the_end_of_its_channel),
        cmocka_unit_test(a_program_that_cannot_be_executed_ends_with_127),
        cmocka_unit_test(a_child_has_no_signal_blocked_unless_asked_and_leads_its_own_group),
    };
    return cmocka_run_group_tests_name("main_channel", tests, NULL, NULL);
}
