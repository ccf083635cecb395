/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a backup: text, a fact per line, and under all of them a seal (HMAC-SHA-256 by a key derived from the master key). Who lacks the master
 * key can neither make one nor change one, and restore tells a wrong key by it.
 *
 *   baifang-backup 1
 *   at_ms 1800000000000
 *   incarnation 1a2b3c4d
 *   tenant UUID POSITION
 *   file NAME SIZE SHA-256       relative to the backup; the database and every blob
 *   seal HMAC
 */
#pragma once
#include "core/crypto.h"
#include "core/uuid.h"

#define BF__MANIFEST_NAME "MANIFEST"

struct bf__manifest_line {
    enum { BF__MANIFEST_AT, BF__MANIFEST_INCARNATION, BF__MANIFEST_TENANT, BF__MANIFEST_FILE } kind;
    int64_t number; /* AT: ms; INCARNATION; TENANT: position; FILE: size */
    struct bf_uuid tenant;
    char name[256];
    uint8_t sha256[32];
};

void bf__manifest_begin(struct bf_buf *text);
void bf__manifest_add(struct bf_buf *text, const struct bf__manifest_line *line);
/* Seals it and writes it into the directory, synced. */
enum bf_status bf__manifest_write(struct bf_buf *text, const struct bf_key *master, int dir_fd, struct bf_error *e);

typedef enum bf_status bf__manifest_fn(void *ctx, const struct bf__manifest_line *line, struct bf_error *e);
/* Checks the seal, then calls `fn` for each line, in order. BF_E_CONFIG: another master key, or the manifest was changed. */
enum bf_status bf__manifest_each(int dir_fd, const struct bf_key *master, bf__manifest_fn *fn, void *ctx, struct bf_error *e);
/* The lines alone: `text` ends before the seal. BF_E_CORRUPT when one cannot be read. */
enum bf_status bf__manifest_parse(struct bf_str text, bf__manifest_fn *fn, void *ctx, struct bf_error *e);
