/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own below BF_TEST_DIR, and its end with all that is in it. For cmocka tests. */
#pragma once
#include "tests/test.h"
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void test_dir_make(const char *name, char *ret, size_t size)
{
    const char *base = getenv("BF_TEST_DIR");
    int n = snprintf(ret, size, "%s/%s.XXXXXX", base == NULL ? "/tmp" : base, name);
    assert_true(n > 0 && (size_t)n < size);
    assert_non_null(mkdtemp(ret));
}

static inline int test_dir__remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void test_dir_remove(const char *dir) { (void)nftw(dir, test_dir__remove_one, 16, FTW_DEPTH | FTW_PHYS); }
