/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on the driver that keeps everything in memory. */
#include "storage/internal.h"
#include "tests/storage/contract/harness.h"
#include "tests/storage/memory/memory.h"
#include "tests/test.h"
#include <limits.h>
#include <unistd.h>

const char harness_name[] = "memory";

struct harness {
    struct memory *data;
    char dir[PATH_MAX]; /* of the key file */
};

struct harness *harness_create(void)
{
    struct harness *h = calloc(1, sizeof *h);
    const char *base = getenv("BF_TEST_DIR");
    assert_non_null(h);
    snprintf(h->dir, sizeof h->dir, "%s/memory.XXXXXX", base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(h->dir));
    h->data = memory_create();
    return h;
}

enum bf_status harness_open(struct harness *h, const struct bf_env *env, const struct bf_store_config *limits,
                            const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    char key[PATH_MAX + 32];
    struct bf_store_config config = *limits;
    config.uri = BF_STR("memory:");
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", h->dir));
    return bf__store_open(env, &config, &memory_driver, h->data, collections, n, ret, e);
}

void harness_destroy(struct harness **pointer)
{
    struct harness *h = *pointer;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/master.key", h->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/master.key.erasures", h->dir);
    unlink(path);
    rmdir(h->dir);
    memory_destroy(&h->data);
    free(h);
    *pointer = NULL;
}
