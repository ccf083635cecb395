/* SPDX-License-Identifier: Apache-2.0 */
/* Runs all parts of the contract suite on the driver that was linked in, and closes with one line of counts. */
#include "tests/storage/contract/suite.h"

extern const struct suite_part suite_documents, suite_commit, suite_replay, suite_log, suite_queries, suite_jobs, suite_job_runner,
    suite_follower, suite_uploads, suite_holders;

int main(void)
{
    const struct suite_part *const parts_of_suite[] = {&suite_documents, &suite_commit, &suite_replay,   &suite_log,
                                                       &suite_queries,   &suite_jobs,   &suite_job_runner, &suite_follower,
                                                       &suite_uploads,   &suite_holders};
    struct CMUnitTest all[200];
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts_of_suite / sizeof *parts_of_suite; i++)
        for (size_t j = 0; j < parts_of_suite[i]->n; j++) {
            if (n == sizeof all / sizeof *all)
                abort();
            all[n++] = parts_of_suite[i]->tests[j];
        }
    int failed = _cmocka_run_group_tests(harness_name, all, n, NULL, NULL);
    printf("contract-%s: %zu passed, %d failed\n", harness_name, n - (size_t)failed, failed);
    return failed == 0 ? 0 : 1;
}
