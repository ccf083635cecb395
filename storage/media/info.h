/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The info file of an upload: who sends it, how long it will be, the key of its data file, and at last what came of it. It stands beside the data file
 * until the upload expires; it is never part of a blob or of a backup, since it is the one place where a content key is wrapped by the master key.
 *
 *   0    "BFSTAGE1", id of the stage (16)
 *   64   the data file's key, sealed; zeros once the blob's key is wrapped for its holder
 *   128  the outcome, sealed: SHA-256, size, time; zeros until then
 *   512  length (LE32), the header, sealed
 *
 * The first sector is overwritten in place once, at the outcome, by one write of 512 bytes; all else is written once and renamed into place.
 */
#pragma once
#include "core/crypto.h"
#include "core/uuid.h"
#include "storage/media.h"
#include <stdbool.h>
#include <stdint.h>

struct bf_env;

enum { BF__INFO_NAME = 48, BF__INFO_MAX = 1024 + BF_STAGE_METADATA_MAX };

struct bf__info {
    struct bf_uuid id, tenant, user;
    struct bf_uuid file; /* names the blob that comes of it, and ties records to it */
    int64_t created_ms;
    int64_t length; /* as created: -1 deferred */
    int64_t max_bytes;
    bool partial, final;
    struct bf_key key; /* zero when it is gone */
    bool finished;
    int64_t size, finished_ms; /* when finished */
    uint8_t sha256[32];
    uint32_t metadata_n;
    char metadata[BF_STAGE_METADATA_MAX];
};

void bf__info_name(const struct bf_uuid *id, char out[BF__INFO_NAME]); /* ID.info */
void bf__data_name(const struct bf_uuid *id, char out[BF__INFO_NAME]); /* ID.data */
bool bf__info_parse_name(const char *name, const char *suffix, struct bf_uuid *ret);

/* The bytes of the file, as above: into `out`, which holds BF__INFO_MAX, and back. BF_E_CORRUPT when they do not open under `master`. */
size_t bf__info_pack(const struct bf_env *env, const struct bf_key *master, const struct bf__info *info, bool with_key, uint8_t *out);
enum bf_status bf__info_unpack(const struct bf_key *master, struct bf_uuid id, const uint8_t *bytes, size_t n, struct bf__info *ret,
                               struct bf_error *e);

/* Writes the file under its name, in the place of an older one, synced; the directory is synced too. One that is finished already holds no key. At most BF_STAGE_METADATA_MAX of metadata (asserted). */
enum bf_status bf__info_create(const struct bf_env *env, const struct bf_key *master, int dir_fd, const struct bf__info *info, struct bf_error *e);
/* BF_E_NOT_FOUND when absent, BF_E_CORRUPT when it does not open under `master`. */
enum bf_status bf__info_read(const struct bf_key *master, int dir_fd, struct bf_uuid id, struct bf__info *ret, struct bf_error *e);
/* Notes the outcome (info->sha256, size, finished_ms), takes the key away unless `keep_key`, and syncs. */
enum bf_status bf__info_finish(const struct bf_env *env, const struct bf_key *master, int dir_fd, struct bf__info *info, bool keep_key,
                               struct bf_error *e);
