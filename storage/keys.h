/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subject keys: one random key per (tenant, subject), wrapped by the master key and kept as a document of `subject_keys`. The zero subject
 * is the tenant itself. Whoever holds plain keys wipes them; the cache here is bounded and wiped. Thread-safe.
 */
#pragma once
#include "core/crypto.h"
#include "core/uuid.h"

struct bf_store;

/* The subject's key. Made, durably, when there is none and `create`; else BF_E_NOT_FOUND. BF_E_GONE once it was destroyed, also with
 * `create`. Blocks; never from an HTTP loop, never from the committer. */
enum bf_status bf_keys_subject(struct bf_store *store, struct bf_uuid tenant, struct bf_uuid subject, bool create, struct bf_key *ret,
                               struct bf_error *e);
