/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in, on a server that asks for it (SCRAM-SHA-256): with-server starts one with LOGIN=user:password. */
#include "core/env.h"
#include "storage/driver.h"
#include "tests/storage/mongo/database.h"
#include "tests/test.h"

static struct bf_env env; /* of the whole run */

static enum bf_status open_at(const char *place, struct bf_driver **ret, struct bf_error *e)
{
    struct bf_driver_open how = {.env = &env, .place = place, .readers = 1};
    return bf__driver_mongo.open(&how, ret, e);
}

/* The database's place with other credentials; NULL: without any. */
static const char *place_with(const struct database *d, const char *login, char out[1100])
{
    const char *at = strchr(d->place, '@');
    if (at == NULL)
        skip(); /* a server of the caller's own that asks for none */
    snprintf(out, 1100, "//%s%s%s", login == NULL ? "" : login, login == NULL ? "" : "@", at + 1);
    return out;
}

static void who_signs_in_gets_in(void **state)
{
    (void)state;
    struct database d;
    struct bf_driver *driver;
    struct bf_error e = {0};
    char place[1100];
    database_create(&d);
    place_with(&d, NULL, place);
    if (open_at(d.place, &driver, &e) != BF_OK)
        fail_msg("%s", e.cause);
    driver->vt->close(&driver);
    database_destroy(&d);
}

static void a_wrong_password_or_none_is_refused_and_not_repeated(void **state)
{
    (void)state;
    struct database d;
    struct bf_driver *driver;
    struct bf_error e = {0};
    char place[1100];
    database_create(&d);
    assert_int_equal(open_at(place_with(&d, "baifang:falsch", place), &driver, &e), BF_E_CONFIG);
    assert_null(strstr(e.cause, "falsch"));
    assert_int_equal(open_at(place_with(&d, NULL, place), &driver, &e), BF_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_signs_in_gets_in), cmocka_unit_test(a_wrong_password_or_none_is_refused_and_not_repeated)};
    bf_env_system(&env);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bf_env_finish(&env);
    return failed;
}
