/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/storage/media/fake_store.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/rig.h"
#include "tests/test.h"
#include <unistd.h>

void rig_open(struct rig *rig)
{
    char dir[4096];
    const char *root = getenv("BF_TEST_DIR");
    close(open_test_dir("rig"));
    close(open_test_dir("rig/stages"));
    close(open_test_dir("rig/blobs"));
    snprintf(dir, sizeof dir, "%s/rig", root == NULL ? "." : root);
    bf_env_fake(&rig->env, 1700000000000, test_seed());
    rig->impl = fake_create(&rig->env, dir, RIG_TTL_MS, RIG_QUOTA);
    rig->store = fake_store(rig->impl);
    fake_start(rig->impl);
}

void rig_reopen(struct rig *rig)
{
    fake_stop(rig->impl);
    fake_start(rig->impl);
}

void rig_close(struct rig *rig)
{
    struct fake *fake = rig->impl;
    fake_stop(fake);
    fake_destroy(&fake);
    bf_env_finish(&rig->env);
}
