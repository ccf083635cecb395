/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/mongo/database.h"
#include "tests/test.h"
#include <mongoc/mongoc.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
/* The library is not built for ThreadSanitizer, which so does not see how its threads hand memory over. */
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void) { return "race:libmongoc-1.0.so\nrace:libbson-1.0.so\n"; }
#endif

/* "mongodb://hosts[/other][?options]" with our name for the path. */
static void make_uri(struct database *d, const char *server)
{
    const char *hosts = strstr(server, "://");
    if (hosts == NULL)
        fail_msg("MONGODB_TEST_URI is no address: it begins with mongodb://");
    size_t n = strcspn(hosts + 3, "/?");
    const char *options = strchr(hosts + 3, '?');
    snprintf(d->uri, sizeof d->uri, "%.*s/%s%s", (int)(hosts + 3 + n - server), server, d->name, options == NULL ? "" : options);
    d->place = strchr(d->uri, ':') + 1;
}

void database_create(struct database *d)
{
    static atomic_uint count;
    const char *server = getenv("MONGODB_TEST_URI");
    if (server == NULL)
        fail_msg("MONGODB_TEST_URI is not set: tests/mongo/with-server runs a program with a server");
    snprintf(d->name, sizeof d->name, "bf_test_%lx_%x_%u", (long)time(NULL), (unsigned)getpid(), atomic_fetch_add(&count, 1));
    make_uri(d, server);
}

void database_destroy(struct database *d)
{
    bson_error_t error;
    mongoc_init();
    mongoc_client_t *client = mongoc_client_new(d->uri);
    assert_non_null(client);
    mongoc_database_t *database = mongoc_client_get_database(client, d->name);
    if (!mongoc_database_drop_with_opts(database, NULL, &error))
        print_error("the database %s was not dropped: %s\n", d->name, error.message);
    mongoc_database_destroy(database);
    mongoc_client_destroy(client);
}
