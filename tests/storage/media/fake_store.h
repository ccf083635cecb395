/* SPDX-License-Identifier: Apache-2.0 */
/* As much of a store as media need, in memory: documents of one collection, and subject keys. It outlives "restarts" of the media above it. */
#pragma once
#include "storage/internal.h"

struct fake;

struct fake *fake_create(const struct bf_env *env, const char *dir, int64_t ttl_ms, int64_t quota_bytes);
void fake_destroy(struct fake **fake);
struct bf_store *fake_store(struct fake *fake);
void fake_start(struct fake *fake); /* opens the media */
void fake_stop(struct fake *fake);
void fake_destroy_key(struct fake *fake, struct bf_uuid subject);
unsigned fake_documents(struct fake *fake);
/* The next n document writes fail with BF_E_UNAVAILABLE. */
void fake_fail_writes(struct fake *fake, unsigned n);
/* Runs once, behind the next document write that succeeds, on the thread that wrote. */
void fake_after_write(struct fake *fake, void (*run)(void *ctx), void *ctx);
