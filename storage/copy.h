/* SPDX-License-Identifier: Apache-2.0 */
/* Copying and hashing files, for backup and restore. */
#pragma once
#include "core/error.h"
#include <stdatomic.h>
#include <stdint.h>

/* Copies to a new file, synced; its directory is for the caller to sync. Its SHA-256 goes to `ret_sha256` unless NULL. Both end with BF_E_CANCELLED
 * soon after `stop` (or NULL) was set. */
enum bf_status bf__file_copy(int from_dir, const char *from, int to_dir, const char *to, const atomic_bool *stop, uint8_t *ret_sha256,
                             struct bf_error *e);
enum bf_status bf__file_hash(int dir_fd, const char *name, const atomic_bool *stop, uint8_t ret_sha256[32], int64_t *ret_size,
                             struct bf_error *e);
/* Syncs the directory that `path` is in. */
enum bf_status bf__sync_parent(const char *path, struct bf_error *e);
