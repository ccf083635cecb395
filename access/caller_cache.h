/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds an access token, remembered between requests. An entry is true as long as neither users nor teams changed (bf_store_version) and no
 * session of the tenant was ended (bf_caller_cache_forget): so a freeze still acts on the next request, in other processes within a second. Who has to
 * change the password first is not remembered, since the next request may be another's. Fixed size; thread-safe. Not for other modules.
 */
#pragma once
#include "access/caller.h"

struct bf_caller_cache;

enum { BF_CACHED_ZONE_MAX = 64 };

struct bf_caller_cache *bf_caller_cache_create(const struct bf_store *store, unsigned entries);
void bf_caller_cache_destroy(struct bf_caller_cache **cache);

/* What the answer to come will be true of: taken before the session and the user are read. */
struct bf_cache_mark {
    uint64_t users, teams, sessions;
};
struct bf_cache_mark bf_caller_cache_mark(struct bf_caller_cache *cache);
/* The caller of the token whose secret has this hash; its memory is in `arena`. False when it is not known or has expired by `now_ms`. */
bool bf_caller_cache_find(struct bf_caller_cache *cache, const uint8_t hash[32], int64_t now_ms, struct bf_arena *arena, struct bf_caller *ret);
/* Remembers; nothing when something changed since the mark, or when the caller is too large to keep. */
void bf_caller_cache_keep(struct bf_caller_cache *cache, const struct bf_cache_mark *mark, const uint8_t hash[32], int64_t until_ms,
                          const struct bf_caller *caller);
/* A session of the tenant was ended: after that was written. */
void bf_caller_cache_forget(struct bf_caller_cache *cache, struct bf_uuid tenant);
