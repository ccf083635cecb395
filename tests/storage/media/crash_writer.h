/* SPDX-License-Identifier: Apache-2.0 */
/* A process that uploads until it is killed, and says on a pipe what was acknowledged: a line "A ID OFFSET" for each durable offset, "F ID SIZE" for each
 * finished upload, "P NUMBER" for each stored blob. What it sends follows from the id, so that another process can check it. */
#pragma once
#include "core/uuid.h"

struct crash_place {
    char uri[4096], key[4096];
};

enum { CRASH_BYTES_MAX = 600000, CRASH_PUT_BYTES = 30000 };

struct bf_store;
struct bf_env;

void crash_place(const char *dir, struct crash_place *ret);
struct bf_store *crash_open(const struct bf_env *env, const struct crash_place *place);
extern const struct bf_uuid crash_tenant, crash_user;
size_t crash_size(const struct bf_uuid *id);                   /* of the upload */
void crash_content(const struct bf_uuid *id, uint8_t *p);      /* crash_size bytes */
void crash_put_content(unsigned number, uint8_t *p);           /* CRASH_PUT_BYTES */
struct bf_uuid crash_put_holder(unsigned number);
/* Uploads `count` files in each of `threads` threads, 0: for ever; writes to `fd`. `seed` tells this life from the others. */
void crash_write(const struct crash_place *place, unsigned seed, unsigned threads, unsigned count, int fd);
