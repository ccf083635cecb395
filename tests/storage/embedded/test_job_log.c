/* SPDX-License-Identifier: Apache-2.0 */
/* What the log says of a job that failed: enough to find it and what it was about. */
#include "core/log.h"
#include "storage/job_runner.h"
#include "tests/storage/contract/suite.h"
#include <fcntl.h>
#include <unistd.h>

enum { GUARD_MS = 60000 };

static enum bf_status fail_always(void *ctx, const struct bf_job *job, struct bf_arena *arena, struct bf_job_again *again,
                                  struct bf_error *e)
{
    (void)ctx, (void)arena;
    again->give_up = job->attempt > 1;
    again->pause_ms = 0;
    return bf_fail(e, BF_E_UPSTREAM, "the printer is on fire");
}

/* The next line about `event`. */
static void await_line(FILE *log, const char *event, char *line, size_t room)
{
    do
        if (fgets(line, (int)room, log) == NULL)
            fail_msg("no %s", event);
    while (strstr(line, event) == NULL);
}

static void a_job_is_named_by_kind_id_tenant_and_record(void **state)
{
    struct suite *s = *state;
    int fds[2];
    char line[1024], wanted[400], id[BF_UUID_TEXT], tenant[BF_UUID_TEXT], ref[BF_UUID_TEXT];
    struct bf_job job = {.id = suite_uuid(7), .tenant = tenant_a, .kind = "print", .ref = suite_uuid(9)};
    struct bf_job_work work = {.kind = "print", .threads = 1, .lease_ms = GUARD_MS, .attempts_max = 9, .run = fail_always};
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    s->env.log = bf_log_create(fds[1], BF_LOG_WARN);
    assert_int_equal(bf_job_add(s->store, &job, 1, NULL), BF_OK);
    struct bf_job_runner *runner = bf_job_runner_create(&s->env, s->store, &work, 1);
    bf_job_runner_start(runner);
    FILE *log = fdopen(fds[0], "r");
    bf_uuid_text(&job.id, id);
    bf_uuid_text(&job.tenant, tenant);
    bf_uuid_text(&job.ref, ref);
    for (int attempt = 1; attempt <= 2; attempt++) {
        await_line(log, attempt == 1 ? "\"job.failed\"" : "\"job.dead\"", line, sizeof line);
        snprintf(wanted, sizeof wanted,
                 "\"message\":\"the printer is on "
                 "fire\",\"code\":\"upstream\",\"kind\":\"print\",\"job\":\"%s\",\"tenant\":\"%s\",\"ref\":\"%s\","
                 "\"attempt\":%d,\"lost\":0}",
                 id, tenant, ref, attempt);
        if (strstr(line, wanted) == NULL)
            fail_msg("%s lacks %s", line, wanted);
    }
    bf_job_runner_stop(&runner);
    bf_log_destroy(&s->env.log);
    close(fds[1]);
    fclose(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_is_named_by_kind_id_tenant_and_record, suite_setup, suite_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
