/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract suite on the MongoDB driver: a database of its own for each test, on the server that MONGODB_TEST_URI names (tests/mongo/with-server
 * starts one).
 *
 * Every command is listened to: a test during which one did not name its shard key fails.
 */
#include "tests/directory.h"
#include "tests/storage/mongo/harness.h"
#include "storage/internal.h"
#include "tests/storage/contract/harness.h"
#include "tests/storage/mongo/database.h"
#include "tests/storage/mongo/shard_keys.h"
#include "tests/test.h"
#include <limits.h>
#include <unistd.h>

const char harness_name[] = "mongodb";

struct harness {
    struct database database;
    char dir[PATH_MAX]; /* of the key file */
    struct bf_driver_vtable driver;
    struct shard_keys keys;
};

unsigned harness_writes(struct harness *h)
{
    pthread_mutex_lock(&h->keys.lock);
    unsigned n = h->keys.writes;
    pthread_mutex_unlock(&h->keys.lock);
    return n;
}

const struct database *harness_database(const struct harness *h) { return &h->database; }

/* The store's place is the directory; the driver's is the database. */
static enum bf_status open_driver(const struct bf_driver_open *how, struct bf_driver **ret, struct bf_error *e)
{
    struct harness *h = how->ctx;
    struct bf_driver_open other = *how;
    other.place = h->database.place;
    other.ctx = shard_keys_listen(&h->keys, how->collections, how->n_collections);
    return bf__driver_mongo.open(&other, ret, e);
}

struct harness *harness_create(void)
{
    struct harness *h = calloc(1, sizeof *h);
    assert_non_null(h);
    test_dir_make("mongodb", h->dir, sizeof h->dir);
    database_create(&h->database);
    shard_keys_init(&h->keys);
    h->driver = bf__driver_mongo;
    h->driver.open = open_driver;
    return h;
}

static enum bf_status open_at(struct harness *h, const char *place, const struct bf_env *env, const struct bf_store_config *limits,
                              const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    char uri[PATH_MAX + 32], key[PATH_MAX + 32];
    struct bf_store_config config = *limits;
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "mongodb:%s", place));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", h->dir));
    return bf__store_open(env, &config, &h->driver, h, collections, n, ret, e);
}

enum bf_status harness_open(struct harness *h, const struct bf_env *env, const struct bf_store_config *limits,
                            const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    return open_at(h, h->dir, env, limits, collections, n, ret, e);
}

enum bf_status harness_open_another(struct harness *h, const struct bf_env *env, const struct bf_collection *const *collections, unsigned n,
                                    struct bf_store **ret, struct bf_error *e)
{
    return open_at(h, "", env, &(struct bf_store_config){.readers = 4}, collections, n, ret, e);
}

void harness_destroy(struct harness **pointer)
{
    struct harness *h = *pointer;
    test_dir_remove(h->dir);
    database_destroy(&h->database);
    shard_keys_finish(&h->keys);
    free(h);
    *pointer = NULL;
}
