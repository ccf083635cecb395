/* SPDX-License-Identifier: Apache-2.0 */
/* The contract suite on the embedded store: a directory of its own for each test. */
#include "tests/directory.h"
#include "tests/storage/contract/harness.h"
#include "tests/test.h"
#include <limits.h>
#include <unistd.h>

const char harness_name[] = "embedded";

struct harness {
    char dir[PATH_MAX];
};

struct harness *harness_create(void)
{
    struct harness *h = calloc(1, sizeof *h);
    assert_non_null(h);
    test_dir_make("store", h->dir, sizeof h->dir);
    return h;
}

enum bf_status harness_open(struct harness *h, const struct bf_env *env, const struct bf_store_config *limits,
                            const struct bf_collection *const *collections, unsigned n, struct bf_store **ret, struct bf_error *e)
{
    char uri[PATH_MAX + 32], key[PATH_MAX + 32];
    struct bf_store_config config = *limits;
    config.uri = bf_str(uri, (size_t)snprintf(uri, sizeof uri, "embedded:%s/data", h->dir));
    config.master_key_file = bf_str(key, (size_t)snprintf(key, sizeof key, "%s/master.key", h->dir));
    return bf_store_open(env, &config, collections, n, ret, e);
}

void harness_destroy(struct harness **h)
{
    test_dir_remove((*h)->dir);
    free(*h);
    *h = NULL;
}
