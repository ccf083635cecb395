/* SPDX-License-Identifier: Apache-2.0 */
#include "core/metrics.h"
#include "core/str.h"
#include "tests/test.h"
#include <pthread.h>

static char *text_of(const struct bf_metrics *m)
{
    struct bf_buf out;
    bf_buf_init(&out, 1 << 20);
    bf_metrics_write(m, &out);
    assert_true(bf_buf_addc(&out, '\0'));
    return out.p;
}

static void counters_and_gauges_are_written_as_openmetrics(void **state)
{
    (void)state;
    struct bf_metrics *m = bf_metrics_create();
    bf_metric_add(m, BF_M_STAGE_BYTES, 40);
    bf_metric_add(m, BF_M_STAGE_BYTES, 2);
    bf_metric_set(m, BF_M_HTTP_IN_FLIGHT, 5);
    bf_metric_add(m, BF_M_HTTP_IN_FLIGHT, -2);
    char *text = text_of(m);
    assert_non_null(strstr(text,
                           "# TYPE bf_stage_bytes counter\n# UNIT bf_stage_bytes bytes\n# HELP bf_stage_bytes Uploaded bytes made durable\n"
                           "bf_stage_bytes_total 42\n"));
    assert_non_null(
        strstr(text, "# TYPE bf_http_in_flight gauge\n# HELP bf_http_in_flight Requests being worked on\nbf_http_in_flight 3\n"));
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    free(text);
    bf_metrics_destroy(&m);
    assert_null(m);
}

static void a_histogram_counts_into_cumulative_buckets(void **state)
{
    (void)state;
    struct bf_metrics *m = bf_metrics_create();
    static const int64_t times_us[] = {-1, 100, 101, 999, 1000, 20000000};
    for (size_t i = 0; i < sizeof times_us / sizeof times_us[0]; i++)
        bf_metric_time(m, BF_M_COMMIT_TIME, times_us[i]);
    char *text = text_of(m);
    assert_non_null(strstr(text, "bf_commit_seconds_bucket{le=\"0.000100\"} 2\n"));
    assert_non_null(strstr(text, "bf_commit_seconds_bucket{le=\"0.000250\"} 3\n"));
    assert_non_null(strstr(text, "bf_commit_seconds_bucket{le=\"0.001000\"} 5\n"));
    assert_non_null(strstr(text, "bf_commit_seconds_bucket{le=\"+Inf\"} 6\nbf_commit_seconds_count 6\nbf_commit_seconds_sum 20.002200\n"));
    assert_int_equal(bf_metric_read(m, BF_M_COMMIT_TIME), 6);
    free(text);
    bf_metrics_destroy(&m);
}

static void *count(void *m)
{
    for (int i = 0; i < 10000; i++) {
        bf_metric_add(m, BF_M_COMMITS, 1);
        bf_metric_time(m, BF_M_HTTP_TIME, i);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct bf_metrics *m = bf_metrics_create();
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, m), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(bf_metric_read(m, BF_M_COMMITS), 40000);
    assert_int_equal(bf_metric_read(m, BF_M_HTTP_TIME), 40000);
    bf_metrics_destroy(&m);
}

static void without_metrics_nothing_happens(void **state)
{
    (void)state;
    bf_metric_add(NULL, BF_M_COMMITS, 1);
    bf_metric_set(NULL, BF_M_HTTP_IN_FLIGHT, 1);
    bf_metric_time(NULL, BF_M_HTTP_TIME, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_are_written_as_openmetrics),
        cmocka_unit_test(a_histogram_counts_into_cumulative_buckets),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(without_metrics_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
