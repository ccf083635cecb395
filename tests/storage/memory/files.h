/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the driver in memory, by the simplest rules: as storage/driver.h says of chunk_put and so on. */
#pragma once
#include "storage/driver.h"

struct files;

struct files *files_create(void);
void files_destroy(struct files **files);
enum bf_status files_chunk_put(struct files *files, const struct bf_chunk *chunk, struct bf_error *e);
enum bf_status files_chunk_get(struct files *files, struct bf_uuid tenant, struct bf_uuid file, uint32_t n, void *buf, size_t *ret_n, struct bf_error *e);
enum bf_status files_put(struct files *files, const struct bf_file_row *row);
enum bf_status files_get(struct files *files, struct bf_uuid tenant, struct bf_uuid file, struct bf_file_row *ret, struct bf_error *e);
enum bf_status files_drop(struct files *files, struct bf_uuid tenant, struct bf_uuid file);
enum bf_status files_scan(struct files *files, const struct bf_file_row *after, unsigned limit, struct bf_file_row *ret, unsigned *ret_n);
unsigned files_chunks(struct files *files); /* how many there are */
