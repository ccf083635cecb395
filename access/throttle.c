/* SPDX-License-Identifier: Apache-2.0 */
#include "access/throttle.h"
#include "core/uuid.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Tries are counted in parts that refill by `per_minute` each millisecond, so that no asking loses a fraction. */
enum { PROBES = 8, TRY = 60000 };

struct entry {
    struct bf_uuid key;  /* hash of the key; zero: free */
    int64_t left; /* parts of tries, TRY each */
    int64_t at_ms;
};

struct bf_throttle {
    pthread_mutex_t lock;
    unsigned n, burst, per_minute;
    struct entry entries[];
};

struct bf_throttle *bf_throttle_create(unsigned entries, unsigned burst, unsigned per_minute)
{
    assert(entries >= PROBES && burst > 0 && per_minute > 0);
    struct bf_throttle *t = calloc(1, sizeof *t + entries * sizeof t->entries[0]);
    if (t == NULL)
        abort();
    pthread_mutex_init(&t->lock, NULL);
    t->n = entries;
    t->burst = burst;
    t->per_minute = per_minute;
    return t;
}

void bf_throttle_destroy(struct bf_throttle **throttle)
{
    if (*throttle == NULL)
        return;
    pthread_mutex_destroy(&(*throttle)->lock);
    free(*throttle);
    *throttle = NULL;
}

/* The key's entry, or the one of its probes that was quiet the longest, cleared for it. */
static struct entry *find(struct bf_throttle *t, const struct bf_uuid *key, int64_t now_ms)
{
    uint64_t start;
    struct entry *oldest = NULL;
    memcpy(&start, key->b, sizeof start);
    for (unsigned i = 0; i < PROBES; i++) {
        struct entry *e = &t->entries[(start + i) % t->n];
        if (bf_uuid_eq(&e->key, key))
            return e;
        if (oldest == NULL || e->at_ms < oldest->at_ms)
            oldest = e;
    }
    *oldest = (struct entry){.key = *key, .left = (int64_t)t->burst * TRY, .at_ms = now_ms};
    return oldest;
}

int bf_throttle_take(struct bf_throttle *t, struct bf_str key, int64_t mono_ms)
{
    struct bf_uuid hash = bf_uuid_from_name(key.p, key.n);
    int wait_s = 0;
    pthread_mutex_lock(&t->lock);
    struct entry *e = find(t, &hash, mono_ms);
    int64_t full = (int64_t)t->burst * TRY, gained = (mono_ms - e->at_ms) * t->per_minute;
    e->left = gained > full - e->left ? full : e->left + gained;
    e->at_ms = mono_ms;
    if (e->left >= TRY)
        e->left -= TRY;
    else
        wait_s = (int)(((TRY - e->left) / t->per_minute + 999) / 1000);
    pthread_mutex_unlock(&t->lock);
    return wait_s;
}

void bf_throttle_clear(struct bf_throttle *t, struct bf_str key)
{
    struct bf_uuid hash = bf_uuid_from_name(key.p, key.n);
    pthread_mutex_lock(&t->lock);
    struct entry *e = find(t, &hash, 0);
    e->left = (int64_t)t->burst * TRY;
    pthread_mutex_unlock(&t->lock);
}
