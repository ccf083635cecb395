/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database behind TLS that also asks who comes: with-server starts one with TLS=DIR and LOGIN=user:password. On a server of the caller's own, only what
 * that one asks for.
 */
#include "core/env.h"
#include "storage/driver.h"
#include "tests/directory.h"
#include "tests/storage/mongo/database.h"
#include "tests/test.h"
#include <limits.h>

enum { PLACE_MAX = 2048 };

static struct bf_env env; /* of the whole run */

static enum bf_status open_at(const char *place, struct bf_driver **ret, struct bf_error *e)
{
    struct bf_driver_open how = {.env = &env, .place = place, .readers = 1};
    return bf__driver_mongo.open(&how, ret, e);
}

/* The database's place, with `words` for the option "tlsCAFile=PATH" of the address; skips the test where that has none. */
static const char *place_with(const struct database *d, const char *words, char out[PLACE_MAX])
{
    static const char option[] = "tlsCAFile=";
    const char *at = strstr(d->place, option);
    if (at == NULL)
        skip();
    const char *end = at + strcspn(at, "&");
    snprintf(out, PLACE_MAX, "%.*s%s%s", (int)(at - d->place), d->place, words, end);
    return out;
}

/* A certificate of somebody else's authority. */
static void make_other(const char *dir, char out[PATH_MAX])
{
    char command[2 * PATH_MAX + 300];
    snprintf(out, PATH_MAX, "%s/other.pem", dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=somebody else' -keyout %s.key -out %s 2>/dev/null", out, out);
    assert_int_equal(system(command), 0);
}

static void who_knows_the_authority_and_signs_in_gets_in(void **state)
{
    struct database d;
    struct bf_driver *driver;
    struct bf_error e = {0};
    char place[PLACE_MAX];
    (void)state;
    database_create(&d);
    (void)place_with(&d, "", place);
    if (open_at(d.place, &driver, &e) != BF_OK)
        fail_msg("%s", e.cause);
    driver->vt->close(&driver);
    database_destroy(&d);
}

static void a_wrong_password_is_refused_behind_tls_too(void **state)
{
    struct database d;
    struct bf_driver *driver;
    struct bf_error e = {0};
    char place[PLACE_MAX];
    (void)state;
    database_create(&d);
    (void)place_with(&d, "", place);
    const char *at = strchr(d.place, '@');
    if (at == NULL)
        skip();
    snprintf(place, sizeof place, "//baifang:falsch@%s", at + 1);
    assert_int_equal(open_at(place, &driver, &e), BF_E_CONFIG);
    assert_null(strstr(e.cause, "falsch"));
}

/* Another's authority, none but the system's: no server is found, and the cause says that it is TLS. */
static void an_authority_that_did_not_sign_is_not_trusted_and_the_cause_says_tls(void **state)
{
    struct database d;
    struct bf_driver *driver;
    char dir[PATH_MAX], other[PATH_MAX], words[2][PATH_MAX + 32], place[PLACE_MAX];
    (void)state;
    database_create(&d);
    test_dir_make("tls", dir, sizeof dir);
    make_other(dir, other);
    snprintf(words[0], sizeof words[0], "tlsCAFile=%s", other);
    snprintf(words[1], sizeof words[1], "connectTimeoutMS=3000");
    for (unsigned i = 0; i < 2; i++) {
        struct bf_error e = {0};
        enum bf_status status = open_at(place_with(&d, words[i], place), &driver, &e);
        if (status == BF_OK)
            driver->vt->close(&driver);
        assert_int_equal(status, BF_E_UNAVAILABLE);
        if (strstr(e.cause, "TLS handshake failed: certificate verify failed") == NULL)
            fail_msg("%s: %s", words[i], e.cause);
    }
    test_dir_remove(dir);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    struct database d;
    struct bf_driver *driver;
    struct bf_error e = {0};
    char place[PLACE_MAX];
    (void)state;
    database_create(&d);
    assert_int_equal(open_at(place_with(&d, "tlsCAFile=/nowhere/ca.pem", place), &driver, &e), BF_E_CONFIG);
    assert_non_null(strstr(e.cause, "tlscafile /nowhere/ca.pem"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_knows_the_authority_and_signs_in_gets_in),
                                       cmocka_unit_test(a_wrong_password_is_refused_behind_tls_too),
                                       cmocka_unit_test(an_authority_that_did_not_sign_is_not_trusted_and_the_cause_says_tls),
                                       cmocka_unit_test(a_file_that_cannot_be_read_is_named)};
    bf_env_system(&env);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_env_finish(&env);
    return failed;
}
