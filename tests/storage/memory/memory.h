/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver that keeps everything in memory and answers queries the simplest way: look at every document, sort, cut. It is slow and shares
 * no code for keys, ranges and pages with the real ones, so that the contract suite has something to disagree with.
 */
#pragma once
#include "storage/driver.h"

struct files;
struct memory; /* the data: outlives a store that is closed */

struct memory *memory_create(void);
void memory_destroy(struct memory **m);
struct files *memory_files(struct memory *m); /* of files.h */
/* bf_driver_open.ctx is the struct memory. `apart`: without one_transaction, so any number of stores may share one. */
extern const struct bf_driver_vtable memory_driver, memory_apart_driver;

/* A store of several on one memory, with its master key in `dir`; for tests of what is above storage/. */
enum bf_status memory_store_open(const struct bf_env *env, struct memory *m, const char *dir, const struct bf_collection *const *collections, unsigned n,
                                 struct bf_store **ret, struct bf_error *e);
