/* SPDX-License-Identifier: Apache-2.0 */
/* What runs where: nothing that one process does is forgotten when daemons divide it, and nothing is done by two kinds of them. */
#include "access/access.h"
#include "main/health.h"
#include "main/services.h"
#include "tests/test.h"

static unsigned kinds_that_work(const struct bf_service *service)
{
    unsigned n = 0;
    for (unsigned i = 0; i < bf_n_daemons; i++)
        n += !bf_daemon_is_alone(&bf_daemons[i]) && bf_daemon_works(&bf_daemons[i], service);
    return n;
}

static void everything_is_done_by_one_kind_of_daemon_and_by_serve(void **state)
{
    (void)state;
    const struct bf_daemon *serve = bf_daemon_named("serve");
    assert_non_null(serve);
    assert_true(bf_daemon_is_alone(serve));
    for (unsigned i = 0; i < bf_n_services; i++) {
        bool is_everywhere = bf_services[i] == &bf_access_service || bf_services[i] == &bf_health_service;
        assert_true(bf_daemon_works(serve, bf_services[i]));
        assert_int_equal(kinds_that_work(bf_services[i]), is_everywhere ? bf_n_daemons - 1 : 1);
    }
}

static void a_daemon_never_answers_for_what_it_needs_a_sandbox_for_unless_it_has_one(void **state)
{
    (void)state;
    unsigned decoding = 0;
    for (unsigned i = 0; i < bf_n_daemons; i++) {
        decoding += bf_daemon_decodes(&bf_daemons[i]);
        for (unsigned k = 0; k < bf_n_services; k++)
            if (bf_services[k]->take_zygote != NULL && bf_daemon_answers(&bf_daemons[i], bf_services[k]))
                assert_true(bf_daemon_decodes(&bf_daemons[i]));
    }
    assert_int_equal(decoding, 2); /* serve and ingest */
    assert_null(bf_daemon_named("server"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_done_by_one_kind_of_daemon_and_by_serve),
                                       cmocka_unit_test(a_daemon_never_answers_for_what_it_needs_a_sandbox_for_unless_it_has_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
