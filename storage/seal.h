/* SPDX-License-Identifier: Apache-2.0 */
/* Subject keys as the committer and the log use them, and the sealing of an entry's parts. */
#pragma once
#include "storage/entry.h"
#include "storage/internal.h"
#include "storage/keys.h"

/* Wiped by whoever holds it. */
struct bf__subject_keys {
    struct bf_key subject;
    struct bf_key seal, commit; /* derived from it */
};

enum bf_status bf__keys_open(struct bf_store *store, bool store_is_new, struct bf_error *e);
void bf__keys_close(struct bf_store *store);
/* As bf_keys_subject, for a reader's session and without `create`. */
enum bf_status bf__keys_get(struct bf_store *store, struct bf_session *s, struct bf_uuid tenant, struct bf_uuid subject,
                            struct bf_arena *arena, struct bf__subject_keys *ret, struct bf_error *e);
/* The committer's, inside its transaction: makes a key that is not there. New keys are trusted only after bf__keys_settle(committed =
 * true). */
enum bf_status bf__keys_take(struct bf_store *store, struct bf_session *writer, struct bf_uuid tenant, struct bf_uuid subject,
                             struct bf_arena *arena, struct bf__subject_keys *ret, struct bf_error *e);
void bf__keys_settle(struct bf_store *store, bool committed);

/* The additional data of a part: where it stands. A receipt has k = -1 and its request's id in the place of the document's. */
struct bf__place {
    struct bf_uuid tenant;
    int64_t n;
    int k;
    struct bf_str coll; /* "" for a receipt */
    uint8_t id[16];
};
/* A committer's own. */
struct bf__part_sealer {
    struct bf__draw draw;
    struct bf_gcm *gcm; /* under the key used last */
};
void bf__part_sealer_init(struct bf__part_sealer *sealer, const struct bf_env *env);
void bf__part_sealer_finish(struct bf__part_sealer *sealer);
/* The caller put sealer->gcm under keys->seal. As bf_seal lays it out. */
void bf__seal_part(struct bf__part_sealer *sealer, struct bf_arena *arena, const struct bf__subject_keys *keys, const struct bf__place *place,
                   struct bf_str plain, struct bf_str *ret_sealed, uint8_t ret_commitment[32]);
/* Also holds the plain text against the commitment. BF_E_CORRUPT. */
enum bf_status bf__unseal_part(struct bf_arena *arena, const struct bf__subject_keys *keys, const struct bf__place *place,
                               struct bf_str sealed, const uint8_t commitment[32], struct bf_str *ret_plain, struct bf_error *e);
/* A receipt's plain text. */
struct bf_str bf__receipt_pack(struct bf_arena *arena, int http_status, struct bf_str body);
enum bf_status bf__receipt_unpack(struct bf_str plain, int *ret_http_status, struct bf_str *ret_body, struct bf_error *e);
