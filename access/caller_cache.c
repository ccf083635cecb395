/* SPDX-License-Identifier: Apache-2.0 */
#include "access/caller_cache.h"
#include "core/arena.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STRIPES = 16 };

struct entry {
    uint8_t hash[32];
    int64_t until_ms; /* 0: free */
    uint64_t users, teams;
    struct bf_caller caller;  /* teams and tz point to nothing: below */
    struct bf_uuid *teams_of; /* its own: BF_CALLER_TEAMS_MAX at most */
    char zone[BF_CACHED_ZONE_MAX];
};

struct bf_caller_cache {
    const struct bf_store *store;
    _Atomic uint64_t sessions; /* one more with each time that sessions were ended */
    pthread_mutex_t locks[STRIPES];
    unsigned n;
    struct entry entries[];
};

struct bf_caller_cache *bf_caller_cache_create(const struct bf_store *store, unsigned entries)
{
    struct bf_caller_cache *c = calloc(1, sizeof *c + entries * sizeof c->entries[0]);
    if (c == NULL)
        abort();
    c->store = store;
    c->n = entries;
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_init(&c->locks[i], NULL);
    return c;
}

void bf_caller_cache_destroy(struct bf_caller_cache **cache)
{
    if (*cache == NULL)
        return;
    for (int i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&(*cache)->locks[i]);
    for (unsigned i = 0; i < (*cache)->n; i++)
        free((*cache)->entries[i].teams_of);
    free(*cache);
    *cache = NULL;
}

struct bf_cache_mark bf_caller_cache_mark(struct bf_caller_cache *c)
{
    return (struct bf_cache_mark){.users = bf_store_version(c->store, &bf_users),
                                  .teams = bf_store_version(c->store, &bf_teams),
                                  .sessions = atomic_load(&c->sessions)};
}

static unsigned place(const struct bf_caller_cache *c, const uint8_t hash[32])
{
    uint64_t h;
    memcpy(&h, hash, sizeof h);
    return (unsigned)(h % c->n);
}

static bool is_true(const struct bf_caller_cache *c, const struct entry *e, const uint8_t hash[32], int64_t now_ms)
{
    return e->until_ms > now_ms && memcmp(e->hash, hash, 32) == 0 && e->users == bf_store_version(c->store, &bf_users) &&
           e->teams == bf_store_version(c->store, &bf_teams);
}

bool bf_caller_cache_find(struct bf_caller_cache *c, const uint8_t hash[32], int64_t now_ms, struct bf_arena *arena, struct bf_caller *ret)
{
    unsigned at = place(c, hash);
    const struct entry *e = &c->entries[at];
    pthread_mutex_lock(&c->locks[at % STRIPES]);
    bool found = is_true(c, e, hash, now_ms);
    if (found) {
        *ret = e->caller;
        ret->teams = ret->n_teams == 0 ? NULL : bf_arena_dup(arena, e->teams_of, ret->n_teams * sizeof *ret->teams);
        ret->tz = bf_str_dup(arena, bf_str(e->zone, e->caller.tz.n));
    }
    pthread_mutex_unlock(&c->locks[at % STRIPES]);
    return found;
}

static void keep_teams(struct entry *e, const struct bf_caller *caller)
{
    free(e->teams_of);
    e->teams_of = NULL;
    if (caller->n_teams == 0)
        return;
    e->teams_of = malloc(caller->n_teams * sizeof *e->teams_of);
    if (e->teams_of == NULL)
        abort();
    memcpy(e->teams_of, caller->teams, caller->n_teams * sizeof *e->teams_of);
}

void bf_caller_cache_keep(struct bf_caller_cache *c, const struct bf_cache_mark *mark, const uint8_t hash[32], int64_t until_ms,
                          const struct bf_caller *caller)
{
    unsigned at = place(c, hash);
    struct entry *e = &c->entries[at];
    if (caller->tz.n > BF_CACHED_ZONE_MAX || caller->must_change_password)
        return;
    pthread_mutex_lock(&c->locks[at % STRIPES]);
    if (atomic_load(&c->sessions) == mark->sessions) {
        memcpy(e->hash, hash, sizeof e->hash);
        e->until_ms = until_ms;
        e->users = mark->users;
        e->teams = mark->teams;
        e->caller = *caller;
        keep_teams(e, caller);
        if (caller->tz.n > 0)
            memcpy(e->zone, caller->tz.p, caller->tz.n);
    }
    pthread_mutex_unlock(&c->locks[at % STRIPES]);
}

void bf_caller_cache_forget(struct bf_caller_cache *c, struct bf_uuid tenant)
{
    atomic_fetch_add(&c->sessions, 1);
    for (unsigned i = 0; i < c->n; i++) {
        pthread_mutex_lock(&c->locks[i % STRIPES]);
        if (bf_uuid_eq(&c->entries[i].caller.tenant, &tenant))
            c->entries[i].until_ms = 0;
        pthread_mutex_unlock(&c->locks[i % STRIPES]);
    }
}
