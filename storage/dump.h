/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup of a store that other processes write to meanwhile, and that has no files of its own to copy: a logical one, equal to its logs up to a position.
 *
 *   cursors -> documents -> logs to the end they have then -> files of blobs -> keys -> documents that are behind the logs are made anew from them
 *
 * No document is read after its log was, so none is ahead of the copy's; jobs are read after the cursors they come from, and keys after what they open.
 * The result is a store in a directory, which is checked as a whole, and backed up as any.
 */
#pragma once
#include "storage/internal.h"

/* As bf_store_backup, of a store without one_transaction: the new directory `to` by way of TO.dumping, which is taken away, and which what is cut off
 * leaves behind for a person to remove. */
enum bf_status bf__dump(struct bf_store *store, const char *to, void (*say)(void *ctx, const char *line), void *ctx, struct bf_error *e);
