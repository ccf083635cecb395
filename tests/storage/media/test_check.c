/* SPDX-License-Identifier: Apache-2.0 */
/* The check of media files while the store serves. */
#include "core/env.h"
#include "storage/internal.h"
#include "storage/media/upload.h"
#include "storage/media/wraps.h"
#include "tests/directory.h"
#include "tests/storage/media/crash_writer.h"
#include "tests/storage/media/media_files.h"
#include "tests/test.h"
#include <sys/stat.h>
#include <unistd.h>

struct strays {
    struct bf_media *media;
    char names[2][BF_UUID_TEXT];
    unsigned said;
};

/* While the first is told, the second goes: as that of bytes which were there already does when its upload is finished. */
static void drop_the_second(void *ctx, const char *line)
{
    struct strays *s = ctx;
    assert_non_null(strstr(line, s->names[s->said++]));
    assert_int_equal(unlinkat(s->media->blobs_fd, s->names[1], 0), 0);
}

static void a_check_tells_only_files_that_are_there_still(void **state)
{
    (void)state;
    struct bf_env env;
    struct crash_place place;
    uint8_t bytes[] = "stray";
    struct image image = {.p = bytes, .n = sizeof bytes};
    struct strays strays = {.said = 0};
    struct bf_check_report report = {0};
    struct bf_check check = {.report = &report, .say = drop_the_second, .ctx = &strays};
    test_dir_remove("check");
    assert_int_equal(mkdir("check", 0700), 0);
    crash_place("check", &place);
    bf_env_system(&env);
    struct bf_store *store = crash_open(&env, &place);
    strays.media = store->media;
    for (unsigned i = 0; i < 2; i++) {
        struct bf_uuid id = {{(uint8_t)(i + 1)}};
        bf__blob_name(&id, strays.names[i]);
        image_store(store->media->blobs_fd, strays.names[i], &image);
    }
    assert_int_equal(bf__media_check(store, &check, NULL), BF_OK);
    assert_int_equal(strays.said, 1);
    assert_int_equal(report.faults, 1);
    bf_store_close(&store);
    bf_env_finish(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_check_tells_only_files_that_are_there_still)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
