/* SPDX-License-Identifier: Apache-2.0 */
/* What the media files need of the file system: whole reads and writes, and directories that are synced. All block. */
#pragma once
#include "core/error.h"
#include <stdbool.h>
#include <stdint.h>

/* Writes all n bytes at `pos`, across short writes and EINTR. */
enum bf_status bf__fs_write(int fd, const void *p, size_t n, uint64_t pos, struct bf_error *e);
/* Reads n bytes at `pos`; *ret_n is less only where the file ends. */
enum bf_status bf__fs_read(int fd, void *p, size_t n, uint64_t pos, size_t *ret_n, struct bf_error *e);
enum bf_status bf__fs_datasync(int fd, struct bf_error *e);
enum bf_status bf__fs_sync(int fd, struct bf_error *e); /* a file with its length and times, or a directory */
/* Makes the directory NAME below `dir_fd` when absent (synced in its parent) and opens it. */
enum bf_status bf__fs_dir(int dir_fd, const char *name, int *ret_fd, struct bf_error *e);
/* Unlinks; an absent file is fine. */
enum bf_status bf__fs_unlink(int dir_fd, const char *name, struct bf_error *e);
