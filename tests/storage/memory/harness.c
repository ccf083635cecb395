/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on the driver that keeps everything in memory, with transactions and without. */
#include "storage/internal.h"
#include "tests/directory.h"
#include "tests/storage/contract/harness.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>
#include <unistd.h>

#ifdef MEMORY_APART
const char harness_name[] = "memory-apart";
static const struct bf_driver_vtable *const driver = &memory_apart_driver;
#else
const char harness_name[] = "memory";
static const struct bf_driver_vtable *const driver = &memory_driver;
#endif

struct harness {
    struct memory *data;
    char dir[PATH_MAX]; /* of the key file and of media */
};

struct harness *harness_create(void)
{
    struct harness *h = calloc(1, sizeof *h);
    assert_non_null(h);
    test_dir_make("memory", h->dir, sizeof h->dir);
    h->data = memory_create();
    return h;
}

enum bf_status harness_open(struct harness *h, const struct bf_env *env, const struct bf_store_config *limits,
                            const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    char uri[PATH_MAX + 32], key[PATH_MAX + 32];
    struct bf_store_config config = *limits;
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "memory:%s", h->dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", h->dir));
    return bf__store_open(env, &config, driver, h->data, collections, n, ret, e);
}

void harness_destroy(struct harness **pointer)
{
    struct harness *h = *pointer;
    test_dir_remove(h->dir);
    memory_destroy(&h->data);
    free(h);
    *pointer = NULL;
}
