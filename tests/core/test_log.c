/* SPDX-License-Identifier: Apache-2.0 */
#include "core/arena.h"
#include "core/env.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "tests/test.h"
#include <unistd.h>

struct fixture {
    struct bf_env env;
    int fds[2];
    char text[64 * 1024];
    struct bf_arena *arena;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    bf_env_fake(&f->env, 1795323600000, 1);
    assert_int_equal(pipe(f->fds), 0);
    f->env.log = bf_log_create(f->fds[1], BF_LOG_INFO);
    f->arena = bf_arena_create();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    bf_log_destroy(&f->env.log);
    bf_env_finish(&f->env);
    bf_arena_destroy(&f->arena);
    close(f->fds[0]);
    close(f->fds[1]);
    free(f);
    return 0;
}

/* What one write put into the pipe; it must be one line. */
static const char *line(struct fixture *f)
{
    ssize_t n = read(f->fds[0], f->text, sizeof f->text - 1);
    assert_true(n > 0);
    f->text[n] = '\0';
    assert_ptr_equal(strchr(f->text, '\n'), f->text + n - 1);
    f->text[n - 1] = '\0';
    return f->text;
}

static void an_event_is_one_json_line(void **state)
{
    struct fixture *f = *state;
    bf_log(&f->env, BF_LOG_WARN, "stt.away", "did not \"answer\"\n", BF_L_STR("host", "a.example"), BF_L_INT("attempt", -3), BF_L_END);
    assert_string_equal(line(f), "{\"time\":\"2026-11-22T05:00:00.000Z\",\"level\":\"warn\",\"event\":\"stt.away\","
                                 "\"message\":\"did not \\\"answer\\\"\\n\",\"host\":\"a.example\",\"attempt\":-3}");
}

static void a_lower_level_is_not_written(void **state)
{
    struct fixture *f = *state;
    bf_log(&f->env, BF_LOG_DEBUG, "quiet", "", BF_L_END);
    bf_log(&f->env, BF_LOG_ERROR, "loud", "", BF_L_END);
    assert_non_null(strstr(line(f), "\"loud\""));
}

static void no_log_is_no_crash(void **state)
{
    struct fixture *f = *state;
    struct bf_env env = f->env;
    env.log = NULL;
    bf_log(&env, BF_LOG_ERROR, "x", "y", BF_L_END);
}

static void a_long_line_is_cut_and_stays_json(void **state)
{
    struct fixture *f = *state;
    const struct bf_json *json;
    struct bf_error e;
    char *big = malloc(20001);
    memset(big, '\x01', 20000); /* six bytes each once escaped */
    big[20000] = '\0';
    bf_log(&f->env, BF_LOG_INFO, "big", big, BF_L_STR("more", big), BF_L_INT("last", 1), BF_L_END);
    const char *text = line(f);
    assert_in_range(strlen(text), 1000, 8 * 1024 - 1);
    assert_int_equal(bf_json_parse(f->arena, bf_strz(text), SIZE_MAX, &json, &e), BF_OK);
    assert_true(bf_str_eqz(bf_json_str(bf_json_get(json, "event")), "big"));
    free(big);
}

static void bytes_that_are_not_utf8_become_replacement_characters(void **state)
{
    struct fixture *f = *state;
    bf_log(&f->env, BF_LOG_INFO, "bad", "a\xff\xe4\xb8z\xe4\xb8\xad", BF_L_END);
    assert_non_null(strstr(line(f), "\"message\":\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xe4\xb8\xad\""));
}

static void an_error_is_logged_with_code_and_cause(void **state)
{
    struct fixture *f = *state;
    struct bf_error e;
    bf_fail(&e, BF_E_NO_SPACE, "stage %d", 7);
    bf_log_error(&f->env, BF_LOG_ERROR, "stage.failed", &e);
    const char *text = line(f);
    assert_non_null(strstr(text, "\"message\":\"stage 7\""));
    assert_non_null(strstr(text, "\"code\":\"no_space\""));
}

#define WITH_PIPE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PIPE(an_event_is_one_json_line),
        WITH_PIPE(a_lower_level_is_not_written),
        WITH_PIPE(no_log_is_no_crash),
        WITH_PIPE(a_long_line_is_cut_and_stays_json),
        WITH_PIPE(bytes_that_are_not_utf8_become_replacement_characters),
        WITH_PIPE(an_error_is_logged_with_code_and_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
