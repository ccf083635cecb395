/* SPDX-License-Identifier: Apache-2.0 */
/* A store with room for uploads, one user, and the bytes he sends. */
#pragma once
#include "tests/storage/contract/suite.h"
#include "tests/storage/media/media_files.h"
#include "tests/storage/media/uploads.h"

enum { HOUR_MS = 3600 * 1000, TTL_MS = 10 * HOUR_MS, UNUSED_TTL_MS = 4 * HOUR_MS, UNBOUND_TTL_MS = 100 * HOUR_MS };
enum { BYTES = 400000, QUOTA = 8 << 20, UNBOUND_QUOTA = 10 << 20 };

struct media_suite {
    struct bf_env env;
    struct harness *harness;
    struct home home;
    struct bf_store *store;
    struct bf_uuid tenant, user;
    uint8_t *bytes;
    struct dice dice;
};

int media_set_up(void **state);
int media_tear_down(void **state);
void media_reopen(struct media_suite *s);
/* An upload of the user's that may grow to 4 MB; `length` -1: not known yet. */
struct bf_stage_new media_new(struct media_suite *s, int64_t length);
/* Creates and opens it. */
struct bf_stage *media_begin(struct media_suite *s, const struct bf_stage_new *new);
enum bf_status media_info(struct media_suite *s, const struct bf_stage_new *new, struct bf_stage_info *ret);
void media_expect_offset(struct media_suite *s, const struct bf_stage_new *new, int64_t offset);
/* What `holder` reads of the blob with these bytes' hash is these bytes. */
void media_expect_content(struct media_suite *s, struct bf_uuid holder, const uint8_t *p, size_t n);

#define MEDIA_TEST(f) {#f, f, media_set_up, media_tear_down, NULL}
